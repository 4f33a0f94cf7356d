//! The engine and the application's half against each other: a session from end to end, and a model of the session's
//! state machine that has to agree with the engine after any sequence of calls.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::sync::Arc;

use common::{Block, Rig, SwitchedRandom, buffers, ctr, desc, key_exchange, unwrap, wrap, xor};
use proptest::prelude::*;
use softcp::{AesCtrIv, DataKey, Device, EncryptedBlockInfo, Error, Handle, Rows, SessionStatus, SharedSession};
use softcp_client::{ClientSession, ContentKey, IvSequence, KeyExchange, ReadBackKey, SystemRandom, VerifiedCertificate};

// A session from end to end.

/// What the application makes of its own IV type for the engine.
fn iv_bytes(iv: softcp_client::AesCtrIv) -> Block {
    iv.to_bytes()
}

#[test]
fn stream_with_two_hundred_refreshes_opens_frame_by_frame() {
    let rig = Rig::new("");
    let (mut client, message) = ClientSession::negotiate(&rig.certificate, &SystemRandom).unwrap();
    rig.call(|session| session.negotiate(message.as_bytes())).unwrap();
    let content_key = ContentKey::generate(&SystemRandom).unwrap();
    let mut ivs = IvSequence::new(&SystemRandom).unwrap();
    let mut wrapped = client.wrap_content_key(&content_key);
    let pattern = EncryptedBlockInfo { at_beginning: 16, skip: 144, encrypt: 16 };
    let client_pattern = softcp_client::EncryptedBlockInfo {
        num_encrypted_bytes_at_beginning: 16,
        num_bytes_in_skip_pattern: 144,
        num_bytes_in_encrypt_pattern: 16,
    };
    for frame in 0..600_usize {
        // A frame under the content key, then one under the session key, now with a pattern, now without.
        let clear: Vec<u8> = (0..frame + 50).map(|at| (at * 7 + frame).to_le_bytes()[0]).collect();
        let use_content_key = frame % 4 < 3;
        let iv = ivs.next_iv().unwrap();
        let session_cipher = client.data_cipher();
        let content_cipher = content_key.data_cipher();
        let cipher = if use_content_key { &content_cipher } else { &session_cipher };
        let info = (frame % 2 == 0).then_some(pattern);
        let mut travelling = clear.clone();
        match info {
            Some(_) => cipher.encrypt_pattern(iv, client_pattern, &mut travelling),
            None => cipher.encrypt(iv, &mut travelling),
        }
        assert_ne!(travelling, clear);

        let mut opened = vec![0; clear.len()];
        let data_key = if use_content_key { DataKey::Wrapped(wrapped.as_bytes()) } else { DataKey::Session };
        let surfaces = buffers(&travelling, &mut opened);
        rig.call(|session| session.decryption_blt(surfaces, info, &data_key, &iv_bytes(iv))).unwrap();
        assert_eq!(opened, clear, "frame {frame}");

        match frame % 3 {
            0 => {
                let mut number = [0; 16];
                rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
                client.start_refresh(number);
            }
            2 => {
                rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
                client.finish_refresh().unwrap();
                wrapped = client.wrap_content_key(&content_key);
            }
            _ => {}
        }
    }
    assert_eq!(client.generation(), 200);
    assert_eq!(rig.call(|session| session.generation()), 201);
}

#[test]
fn read_back_of_a_pitched_surface_opens_row_by_row_at_the_client() {
    let rig = Rig::new("");
    let (mut client, message) = ClientSession::negotiate(&rig.certificate, &SystemRandom).unwrap();
    rig.call(|session| session.negotiate(message.as_bytes())).unwrap();
    let picture: Vec<u8> = (0..64 * 20).map(|at: usize| (at * 11).to_le_bytes()[0]).collect();
    let mut read_back_key = None;
    let mut last: Option<u64> = None;
    for turn in 0..9 {
        if turn % 3 == 0 {
            let mut wrapped = [0; 16];
            rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
            read_back_key = Some(client.read_back_key(&wrapped));
            last = None;
        }
        let (mut out, mut iv) = (vec![0xEE; 80 * 20], [0; 16]);
        let source = [Rows::new(&picture, 64, 50, 20).unwrap()];
        let source = softcp::Surface::new(source, 0, softcp::SurfaceFlags::default()).unwrap();
        let destination = [softcp::RowsMut::new(&mut out, 80, 50, 20).unwrap()];
        let destination = softcp::SurfaceMut::new(destination, 0, softcp::SurfaceFlags::default()).unwrap();
        let surfaces = softcp::BlitSurfaces::Distinct { source, destination };
        rig.call(|session| session.encryption_blt(surfaces, &mut iv)).unwrap();

        let iv = softcp_client::AesCtrIv::from_bytes(iv);
        assert!(last.is_none_or(|last| iv.iv == last + 1), "the IV does not go on (D11)");
        last = Some(iv.iv);
        let mut rows = softcp_client::RowsMut::new(&mut out, 80, 50, 20).unwrap();
        read_back_key.as_ref().map(ReadBackKey::data_cipher).unwrap().decrypt_rows(iv, &mut rows);
        let expected: Vec<u8> = picture.chunks(64).flat_map(|row| &row[..50]).copied().collect();
        assert_eq!(rows.to_packed(), expected, "turn {turn}");

        // The read-back key is a key of its own: refreshes of the session key leave it (D12).
        let mut number = [0; 16];
        rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
        rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
        client.start_refresh(number);
        client.finish_refresh().unwrap();
    }
}

#[test]
fn message_for_another_driver_is_refused() {
    let rig = Rig::new("");
    let stranger = softcp::Adapter::new(&softcp::config::Config::default(), softcp::provider::Provider::aws_lc()).unwrap();
    let chain = stranger.session_certificate(&desc().crypto_type).unwrap();
    let chain = softcp_client::CertificateChain::parse(&chain).unwrap();
    let certificate = softcp_client::UnverifiedCertificate::new(&chain);
    let certificate = certificate.dangerous_accept_without_verification().unwrap();
    let exchange = key_exchange(&certificate, [1; 16]);
    let result = rig.call(|session| session.negotiate(exchange.message().as_bytes()));
    assert!(matches!(result, Err(Error::KeyExchangeFailed)), "{result:?}");
    assert_eq!(rig.call(|session| session.generation()), 0);
}

#[test]
fn messages_of_one_key_differ_and_give_sessions_the_same_key() {
    let rig = Rig::new("");
    let (one, two) = (key_exchange(&rig.certificate, [8; 16]), key_exchange(&rig.certificate, [8; 16]));
    assert_ne!(one.message(), two.message(), "RSAES-OAEP is randomised");
    for exchange in [one, two] {
        rig.call(|session| session.negotiate(exchange.message().as_bytes())).unwrap();
        assert_eq!(rig.decrypt(&[0; 16], [2; 16]), ctr([8; 16], [2; 16], &[0; 16]));
    }
}

// The model.

/// A call, with what the application can choose about it.
#[derive(Debug, Clone)]
enum Call {
    Create,
    Destroy,
    Negotiate(Block),
    /// A good message with one byte changed.
    NegotiateDamaged { key: Block, at: usize, flip: u8 },
    NegotiateOfSize(usize),
    /// The last message that was accepted here, once more, be it by a session since destroyed.
    NegotiateReplay,
    Start,
    StartOfSize(usize),
    StartWithoutRandom,
    Finish,
    ReadBackKey,
    ReadBackKeyOfSize(usize),
    ReadBackKeyWithoutRandom,
    Decrypt { content_key: Option<Block>, iv: Block, data: Vec<u8> },
    DecryptWithIvOfSize(usize),
    DecryptIntoOtherSize,
    Encrypt(Vec<u8>),
    EncryptWithIvOfSize(usize),
    EncryptWithoutRandom,
    Invalidate { content: bool },
}

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Handle,
    NotOffered,
    NoKey,
    KeyLost,
    NoRefresh,
    NoReadBackKey,
    Size,
    KeyExchange,
    Random,
}

fn refusal(error: &Error) -> Refusal {
    match error {
        Error::BadHandle { .. } => Refusal::Handle,
        Error::NotOffered(_) => Refusal::NotOffered,
        Error::NoSessionKey => Refusal::NoKey,
        Error::KeyLost => Refusal::KeyLost,
        Error::NoRefreshPending => Refusal::NoRefresh,
        Error::NoReadBackKey => Refusal::NoReadBackKey,
        Error::WrongSize { .. } | Error::SizeMismatch => Refusal::Size,
        Error::KeyExchangeFailed => Refusal::KeyExchange,
        Error::RandomFailed => Refusal::Random,
        other => panic!("no call of the model can fail by {other:?}"),
    }
}

/// What the pages and decisions say about a session, in the plainest words.
#[derive(Debug, Clone, Default)]
struct Model {
    exists: bool,
    key: Option<Block>,
    /// Lost by a teardown; whether the content went too.
    lost: Option<bool>,
    number: Option<Block>,
    read_back_key: Option<Block>,
    /// The IV of the next read-back, once the first has been drawn.
    next_iv: Option<u64>,
    generation: u64,
    last_message: Option<Vec<u8>>,
}

impl Model {
    /// Every reason there is to refuse `call` now. It must succeed exactly when there is none.
    fn refusals(&self, call: &Call, has_read_back_keys: bool) -> Vec<Refusal> {
        let is_created = matches!(call, Call::Create);
        if !self.exists && !is_created {
            return vec![Refusal::Handle];
        }
        let mut refusals = Vec::new();
        let mut refuse = |is_refused: bool, reason| {
            if is_refused {
                refusals.push(reason);
            }
        };
        let needs_key = !matches!(
            call,
            Call::Create
                | Call::Destroy
                | Call::Negotiate(_)
                | Call::NegotiateDamaged { .. }
                | Call::NegotiateOfSize(_)
                | Call::NegotiateReplay
                | Call::Invalidate { .. }
        );
        refuse(needs_key && self.lost.is_some(), Refusal::KeyLost); // D23
        refuse(needs_key && self.lost.is_none() && self.key.is_none(), Refusal::NoKey); // D3
        let is_about_read_back_keys =
            matches!(call, Call::ReadBackKey | Call::ReadBackKeyOfSize(_) | Call::ReadBackKeyWithoutRandom);
        refuse(is_about_read_back_keys && !has_read_back_keys, Refusal::NotOffered);
        match call {
            Call::NegotiateDamaged { .. } => refuse(true, Refusal::KeyExchange), // D22
            Call::NegotiateReplay => refuse(self.last_message.is_none(), Refusal::Size),
            Call::NegotiateOfSize(size) => refuse(*size != 256, Refusal::Size),
            Call::StartOfSize(size) | Call::ReadBackKeyOfSize(size) => refuse(*size != 16, Refusal::Size), // D1
            Call::DecryptWithIvOfSize(size) => refuse(*size != 16, Refusal::Size),
            Call::DecryptIntoOtherSize => refuse(true, Refusal::Size),
            Call::StartWithoutRandom | Call::ReadBackKeyWithoutRandom => refuse(true, Refusal::Random),
            Call::Finish => refuse(self.key.is_some() && self.number.is_none(), Refusal::NoRefresh), // D3, D4
            Call::Encrypt(_) | Call::EncryptWithIvOfSize(_) | Call::EncryptWithoutRandom => {
                let lacks_key = has_read_back_keys && self.read_back_key.is_none();
                refuse(self.key.is_some() && lacks_key, Refusal::NoReadBackKey); // D12
                if let Call::EncryptWithIvOfSize(size) = call {
                    refuse(*size != 16, Refusal::Size);
                }
                // Only the first IV of a key is random (D11).
                let draws = matches!(call, Call::EncryptWithoutRandom) && self.next_iv.is_none();
                refuse(draws && self.key.is_some() && !lacks_key, Refusal::Random);
            }
            _ => {}
        }
        refusals
    }

    fn negotiated(&mut self, key: Block, message: Vec<u8>) {
        *self = Self {
            exists: true,
            key: Some(key),
            generation: self.generation + 1,
            last_message: Some(message),
            ..Self::default()
        };
    }

    fn status(&self) -> SessionStatus {
        match self.lost {
            None => SessionStatus::Ok,
            Some(false) => SessionStatus::KeyLost,
            Some(true) => SessionStatus::KeyAndContentLost,
        }
    }
}

/// The key that a replayed message holds.
#[derive(Debug, Clone, Copy)]
struct Replay(Block);

/// One session of the engine, the model of it, and the application's half.
struct Place {
    handle: Handle,
    model: Model,
    client: Option<ClientSession>,
    client_read_back_key: Option<ReadBackKey>,
    replay: Option<Replay>,
}

/// A device and what is tried on it.
struct World {
    device: Device,
    certificate: VerifiedCertificate,
    random: Arc<SwitchedRandom>,
    has_read_back_keys: bool,
}

/// The bytes that a failed call must leave as they are.
const UNTOUCHED: u8 = 0xEE;

impl World {
    fn new(has_read_back_keys: bool) -> Self {
        let random = SwitchedRandom::new();
        let options = format!("capabilities.flags.encrypted_read_back_key={has_read_back_keys}");
        let Rig { device, session, certificate } = Rig::with_provider(&options, random.provider());
        device.destroy_crypto_session(session).unwrap();
        Self { device, certificate, random, has_read_back_keys }
    }

    fn place(&self) -> Place {
        let handle = self.device.create_crypto_session(&desc()).unwrap();
        let model = Model { exists: true, ..Model::default() };
        Place { handle, model, client: None, client_read_back_key: None, replay: None }
    }

    fn session(&self, place: &Place) -> softcp::Result<SharedSession> {
        self.device.crypto_session(place.handle)
    }

    /// Makes the call on the engine, checks its answer, and takes its effects over into model and client.
    fn call(&self, place: &mut Place, call: &Call) -> Result<(), TestCaseError> {
        let refusals = place.model.refusals(call, self.has_read_back_keys);
        let result = self.attempt(place, call)?;
        match &result {
            Ok(()) => prop_assert!(refusals.is_empty(), "{:?} succeeded and must fail by {:?}", call, refusals),
            Err(error) => {
                let refusal = refusal(error);
                prop_assert!(refusals.contains(&refusal), "{:?}: {:?}, must be one of {:?}", call, refusal, refusals);
            }
        }
        self.check_agreement(place)
    }

    /// Makes the call; where it succeeds, model and client follow.
    fn attempt(&self, place: &mut Place, call: &Call) -> Result<softcp::Result<()>, TestCaseError> {
        let has_read_back_keys = self.has_read_back_keys;
        let result = match call {
            Call::Create if !place.model.exists => {
                let handle = self.device.create_crypto_session(&desc()).unwrap();
                place.handle = handle;
                place.model.exists = true;
                Ok(())
            }
            Call::Create => Ok(()),
            Call::Destroy => self.device.destroy_crypto_session(place.handle).map(|()| {
                place.model = Model { last_message: place.model.last_message.take(), ..Model::default() };
                place.client = None;
            }),
            Call::Negotiate(key) => self.negotiate(place, *key, &key_exchange(&self.certificate, *key)),
            Call::NegotiateReplay => {
                let message = place.model.last_message.clone().unwrap_or_default();
                let result = self.session(place).and_then(|session| session.lock().negotiate(&message));
                if let (Ok(()), Some(Replay(key))) = (&result, place.replay) {
                    // The application knows no message of its own in a replay; it meets the key by a new exchange.
                    place.model.negotiated(key, message);
                    self.client_takes(place, key_exchange(&self.certificate, key));
                }
                result
            }
            Call::NegotiateDamaged { key, at, flip } => {
                let mut message = *key_exchange(&self.certificate, *key).message().as_bytes();
                message[*at] ^= flip;
                self.session(place).and_then(|session| session.lock().negotiate(&message))
            }
            Call::NegotiateOfSize(size) => {
                self.session(place).and_then(|session| session.lock().negotiate(&vec![1; *size]))
            }
            Call::Start => self.start(place, 16)?,
            Call::StartOfSize(size) => self.start(place, *size)?,
            Call::StartWithoutRandom => self.random.while_off(|| self.start(place, 16))?,
            Call::Finish => self.session(place).and_then(|session| session.lock().finish_key_refresh()).map(|()| {
                let model = &mut place.model;
                model.key = model.key.zip(model.number.take()).map(|(key, number)| xor(key, number));
                model.generation += 1;
                if !has_read_back_keys {
                    model.next_iv = None;
                }
                // The client must have been told of the same number, or this fails.
                place.client.as_mut().unwrap().finish_refresh().unwrap();
            }),
            Call::ReadBackKey => self.read_back_key(place, 16)?,
            Call::ReadBackKeyOfSize(size) => self.read_back_key(place, *size)?,
            Call::ReadBackKeyWithoutRandom => self.random.while_off(|| self.read_back_key(place, 16))?,
            Call::Decrypt { content_key, iv, data } => self.decrypt(place, *content_key, iv, data)?,
            Call::DecryptWithIvOfSize(size) => self.decrypt(place, None, &vec![5; *size], &[1; 20])?,
            Call::DecryptIntoOtherSize => {
                let mut out = [UNTOUCHED; 33];
                let result = self.session(place).and_then(|session| {
                    let surfaces = buffers(&[0; 32], &mut out);
                    session.lock().decryption_blt(surfaces, None, &DataKey::Session, &[0; 16])
                });
                prop_assert_eq!(out, [UNTOUCHED; 33]);
                result
            }
            Call::Encrypt(data) => self.encrypt(place, 16, data)?,
            Call::EncryptWithIvOfSize(size) => self.encrypt(place, *size, &[1; 20])?,
            Call::EncryptWithoutRandom => self.random.while_off(|| self.encrypt(place, 16, &[1; 20]))?,
            Call::Invalidate { content } => self.session(place).map(|session| {
                session.lock().invalidate(*content);
                if place.model.key.take().is_some() {
                    place.model = Model {
                        exists: true,
                        lost: Some(*content),
                        generation: place.model.generation,
                        last_message: place.model.last_message.take(),
                        ..Model::default()
                    };
                } else if let Some(lost) = &mut place.model.lost {
                    *lost |= content;
                }
            }),
        };
        Ok(result)
    }

    fn negotiate(&self, place: &mut Place, key: Block, exchange: &KeyExchange) -> softcp::Result<()> {
        let message = exchange.message().as_bytes();
        self.session(place)?.lock().negotiate(message)?;
        place.model.negotiated(key, message.to_vec());
        place.replay = Some(Replay(key));
        self.client_takes(place, key_exchange(&self.certificate, key));
        Ok(())
    }

    /// The application has learned that an exchange was accepted.
    fn client_takes(&self, place: &mut Place, exchange: KeyExchange) {
        match &mut place.client {
            Some(client) => client.renegotiate(exchange),
            None => place.client = Some(ClientSession::new(exchange)),
        }
    }

    fn start(&self, place: &mut Place, size: usize) -> Result<softcp::Result<()>, TestCaseError> {
        let mut number = vec![UNTOUCHED; size];
        let result = self.session(place).and_then(|session| session.lock().start_key_refresh(&mut number));
        if result.is_ok() {
            let number: Block = number.try_into().unwrap();
            place.model.number = Some(number);
            place.client.as_mut().unwrap().start_refresh(number);
        } else {
            prop_assert_eq!(number, vec![UNTOUCHED; size]);
        }
        Ok(result)
    }

    fn read_back_key(&self, place: &mut Place, size: usize) -> Result<softcp::Result<()>, TestCaseError> {
        let mut wrapped = vec![UNTOUCHED; size];
        let result = self.session(place).and_then(|session| session.lock().encryption_blt_key(&mut wrapped));
        if result.is_ok() {
            let wrapped: Block = wrapped.try_into().unwrap();
            let key = unwrap(place.model.key.unwrap(), wrapped);
            prop_assert_ne!(Some(key), place.model.read_back_key.replace(key), "each key is new");
            place.model.next_iv = None;
            place.client_read_back_key = place.client.as_ref().map(|client| client.read_back_key(&wrapped));
        } else {
            prop_assert_eq!(wrapped, vec![UNTOUCHED; size]);
        }
        Ok(result)
    }

    fn decrypt(
        &self,
        place: &Place,
        content_key: Option<Block>,
        iv: &[u8],
        data: &[u8],
    ) -> Result<softcp::Result<()>, TestCaseError> {
        let mut out = vec![UNTOUCHED; data.len()];
        let session_key = place.model.key.unwrap_or_default();
        let wrapped = content_key.map(|key| wrap(session_key, key));
        let data_key = wrapped.as_ref().map_or(DataKey::Session, DataKey::Wrapped);
        let result = self.session(place).and_then(|session| {
            session.lock().decryption_blt(buffers(data, &mut out), None, &data_key, iv)
        });
        let expected = match (&result, iv.try_into()) {
            (Ok(()), Ok(iv)) => ctr(content_key.unwrap_or(session_key), iv, data),
            _ => vec![UNTOUCHED; data.len()],
        };
        prop_assert_eq!(out, expected);
        Ok(result)
    }

    fn encrypt(
        &self,
        place: &mut Place,
        iv_size: usize,
        data: &[u8],
    ) -> Result<softcp::Result<()>, TestCaseError> {
        let (mut out, mut iv) = (vec![UNTOUCHED; data.len()], vec![UNTOUCHED; iv_size]);
        let result = self.session(place).and_then(|session| {
            session.lock().encryption_blt(buffers(data, &mut out), &mut iv)
        });
        if result.is_err() {
            prop_assert_eq!((out, iv), (vec![UNTOUCHED; data.len()], vec![UNTOUCHED; iv_size]));
            return Ok(result);
        }
        let iv: Block = iv.try_into().unwrap();
        let AesCtrIv { iv: number, count } = AesCtrIv::from_bytes(&iv);
        prop_assert_eq!(count, 0, "D11");
        match place.model.next_iv.replace(number + 1) {
            Some(next) => prop_assert_eq!(number, next, "D11"),
            None => prop_assert!(number <= u32::MAX.into(), "D11: {number:#x} is too large"),
        }
        let key = if self.has_read_back_keys { place.model.read_back_key } else { place.model.key };
        prop_assert_eq!(&out, &ctr(key.unwrap(), iv, data));
        // What the application makes of it.
        let client = place.client.as_ref().unwrap();
        let cipher = match &place.client_read_back_key {
            Some(key) if self.has_read_back_keys => key.data_cipher(),
            _ => client.data_cipher(),
        };
        let len = out.len();
        let mut rows = softcp_client::RowsMut::new(&mut out, len, len, 1).unwrap();
        cipher.decrypt_rows(softcp_client::AesCtrIv::from_bytes(iv), &mut rows);
        prop_assert_eq!(out, data);
        Ok(result)
    }

    /// Whether engine, model and client are in the same state, seen from the outside and without changing it.
    fn check_agreement(&self, place: &Place) -> Result<(), TestCaseError> {
        let model = &place.model;
        let Ok(session) = self.session(place) else {
            prop_assert!(!model.exists, "a live handle finds nothing");
            return Ok(());
        };
        prop_assert!(model.exists, "a stale handle finds a session");
        prop_assert_eq!(session.lock().status(), model.status());
        prop_assert_eq!(session.lock().generation(), model.generation);
        if let Some(key) = model.key {
            let client = place.client.as_ref().unwrap();
            prop_assert_eq!(client.generation() + 1, model.generation);
            prop_assert_eq!(client.is_refresh_pending(), model.number.is_some());
            // The session key: engine against model, and client against engine.
            let (iv, clear) = ([0x31; 16], *b"what the application sends over");
            let mut sent = clear.to_vec();
            client.data_cipher().encrypt(softcp_client::AesCtrIv::from_bytes(iv), &mut sent);
            prop_assert_eq!(&sent, &ctr(key, iv, &clear), "the client has another key than the model");
            let mut out = vec![0; clear.len()];
            session.lock().decryption_blt(buffers(&sent, &mut out), None, &DataKey::Session, &iv).unwrap();
            prop_assert_eq!(&out, &clear, "the engine has another key than the client");
            // A content key that the client wrapped.
            let content_key = ContentKey::from([0x17; 16]);
            let mut sent = clear.to_vec();
            content_key.data_cipher().encrypt(softcp_client::AesCtrIv::from_bytes(iv), &mut sent);
            let wrapped = client.wrap_content_key(&content_key);
            let surfaces = buffers(&sent, &mut out);
            let data_key = DataKey::Wrapped(wrapped.as_bytes());
            session.lock().decryption_blt(surfaces, None, &data_key, &iv).unwrap();
            prop_assert_eq!(&out, &clear, "the engine unwraps another content key than the client wrapped");
        }
        Ok(())
    }
}

fn any_call() -> impl Strategy<Value = Call> {
    let data = || prop::collection::vec(any::<u8>(), 0..70);
    let wrong_size = || prop_oneof![Just(0_usize), Just(15), Just(17), Just(32)];
    prop_oneof![
        1 => Just(Call::Create),
        1 => Just(Call::Destroy),
        4 => any::<Block>().prop_map(Call::Negotiate),
        1 => (any::<Block>(), 0..256_usize, 1..=255_u8)
            .prop_map(|(key, at, flip)| Call::NegotiateDamaged { key, at, flip }),
        1 => prop_oneof![Just(0_usize), Just(16), Just(255), Just(257), Just(512)].prop_map(Call::NegotiateOfSize),
        1 => Just(Call::NegotiateReplay),
        8 => Just(Call::Start),
        1 => wrong_size().prop_map(Call::StartOfSize),
        1 => Just(Call::StartWithoutRandom),
        8 => Just(Call::Finish),
        3 => Just(Call::ReadBackKey),
        1 => wrong_size().prop_map(Call::ReadBackKeyOfSize),
        1 => Just(Call::ReadBackKeyWithoutRandom),
        4 => (prop::option::of(any::<Block>()), any::<Block>(), data())
            .prop_map(|(content_key, iv, data)| Call::Decrypt { content_key, iv, data }),
        1 => wrong_size().prop_map(Call::DecryptWithIvOfSize),
        1 => Just(Call::DecryptIntoOtherSize),
        4 => data().prop_map(Call::Encrypt),
        1 => wrong_size().prop_map(Call::EncryptWithIvOfSize),
        1 => Just(Call::EncryptWithoutRandom),
        1 => any::<bool>().prop_map(|content| Call::Invalidate { content }),
    ]
}

#[test]
fn any_sequence_of_calls_on_two_sessions_is_answered_as_the_model_says() {
    let worlds = [World::new(true), World::new(false)];
    let sequence = prop::collection::vec((0..2_usize, any_call()), 1..80);
    proptest!(ProptestConfig::with_cases(256), |(world in 0..2_usize, calls in sequence)| {
        let world = &worlds[world];
        let mut places = [world.place(), world.place()];
        for (index, call) in &calls {
            world.call(&mut places[*index], call)?;
            // The other session is as it was.
            world.check_agreement(&places[1 - *index])?;
        }
        for place in &places {
            if place.model.exists {
                world.device.destroy_crypto_session(place.handle).unwrap();
            }
        }
    });
}
