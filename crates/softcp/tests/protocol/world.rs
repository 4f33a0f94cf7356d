//! The engine under test beside the model and the application's half: each call is made on all three.

use std::sync::Arc;

use proptest::prelude::*;
use softcp::{AesCtrIv, DataKey, Device, Handle, SharedSession};
use softcp_client::{ClientSession, ContentKey, KeyExchange, ReadBackKey, RowsMut, VerifiedCertificate};

use crate::common::{Block, Rig, SwitchedRandom, buffers, ctr, desc, key_exchange, unwrap, wrap};
use crate::model::{Call, Model, refusal};

/// What the engine answered, or that it did something it must not.
type Answer = Result<softcp::Result<()>, TestCaseError>;

/// One session of the engine, the model of it, and the application's half.
pub(crate) struct Place {
    pub(crate) handle: Handle,
    pub(crate) model: Model,
    client: Option<ClientSession>,
    client_read_back_key: Option<ReadBackKey>,
    /// The key in the last accepted message.
    last_key: Block,
}

/// A device and what is tried on it.
pub(crate) struct World {
    pub(crate) device: Device,
    /// Of the same adapter; it knows no session of `device`.
    sibling: Device,
    certificate: VerifiedCertificate,
    random: Arc<SwitchedRandom>,
    has_read_back_keys: bool,
}

/// The bytes that a failed call must leave as they are.
const UNTOUCHED: u8 = 0xEE;

impl World {
    pub(crate) fn new(has_read_back_keys: bool) -> Self {
        let random = SwitchedRandom::new();
        let options = format!("capabilities.flags.encrypted_read_back_key={has_read_back_keys}");
        let Rig { device, session, certificate } = Rig::with_provider(&options, random.provider());
        device.destroy_crypto_session(session).unwrap();
        let sibling = Device::new(device.adapter()).unwrap();
        Self { device, sibling, certificate, random, has_read_back_keys }
    }

    pub(crate) fn place(&self) -> Place {
        let handle = self.device.create_crypto_session(&desc()).unwrap();
        let model = Model { exists: true, ..Model::default() };
        Place { handle, model, client: None, client_read_back_key: None, last_key: [0; 16] }
    }

    fn session(&self, place: &Place) -> softcp::Result<SharedSession> {
        self.device.crypto_session(place.handle)
    }

    /// Makes the call on the engine, checks its answer, and takes its effects over into model and client.
    pub(crate) fn call(&self, place: &mut Place, call: &Call) -> Result<(), TestCaseError> {
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
    fn attempt(&self, place: &mut Place, call: &Call) -> Answer {
        let has_read_back_keys = self.has_read_back_keys;
        let result = match call {
            Call::Create => {
                if !place.model.exists {
                    place.handle = self.device.create_crypto_session(&desc()).unwrap();
                    place.model.exists = true;
                }
                Ok(())
            }
            Call::Destroy => self.device.destroy_crypto_session(place.handle).map(|()| {
                place.model.destroyed();
                place.client = None;
            }),
            Call::Negotiate(key) => self.negotiate(place, *key, &key_exchange(&self.certificate, *key)),
            Call::NegotiateReplay => {
                let message = place.model.last_message.clone().unwrap_or_default();
                let result = self.session(place).and_then(|session| session.lock().negotiate(&message));
                result.map(|()| {
                    place.model.negotiated(place.last_key, message, self.has_read_back_keys);
                    self.client_takes(place);
                })
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
                place.model.finished(has_read_back_keys);
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
                place.model.invalidated(*content, has_read_back_keys);
            }),
        };
        Ok(result)
    }

    fn negotiate(&self, place: &mut Place, key: Block, exchange: &KeyExchange) -> softcp::Result<()> {
        let message = exchange.message().as_bytes();
        self.session(place)?.lock().negotiate(message)?;
        place.model.negotiated(key, message.to_vec(), self.has_read_back_keys);
        place.last_key = key;
        self.client_takes(place);
        Ok(())
    }

    /// The application learns that the last exchange was accepted.
    fn client_takes(&self, place: &mut Place) {
        let exchange = key_exchange(&self.certificate, place.last_key);
        match &mut place.client {
            Some(client) => client.renegotiate(exchange),
            None => place.client = Some(ClientSession::new(exchange)),
        }
    }

    fn start(&self, place: &mut Place, size: usize) -> Answer {
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

    fn read_back_key(&self, place: &mut Place, size: usize) -> Answer {
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

    fn decrypt(&self, place: &Place, content_key: Option<Block>, iv: &[u8], data: &[u8]) -> Answer {
        let mut out = vec![UNTOUCHED; data.len()];
        let session_key = place.model.key.unwrap_or_default();
        let wrapped = content_key.map(|key| wrap(session_key, key));
        let data_key = wrapped.as_ref().map_or(DataKey::Session, DataKey::Wrapped);
        let result = self
            .session(place)
            .and_then(|session| session.lock().decryption_blt(buffers(data, &mut out), None, &data_key, iv));
        let expected = match (&result, iv.try_into()) {
            (Ok(()), Ok(iv)) => ctr(content_key.unwrap_or(session_key), iv, data),
            _ => vec![UNTOUCHED; data.len()],
        };
        prop_assert_eq!(out, expected);
        Ok(result)
    }

    fn encrypt(&self, place: &mut Place, iv_size: usize, data: &[u8]) -> Answer {
        let (mut out, mut iv) = (vec![UNTOUCHED; data.len()], vec![UNTOUCHED; iv_size]);
        let result =
            self.session(place).and_then(|session| session.lock().encryption_blt(buffers(data, &mut out), &mut iv));
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
        let mut rows = RowsMut::new(&mut out, len, len, 1).unwrap();
        cipher.decrypt_rows(softcp_client::AesCtrIv::from_bytes(iv), &mut rows);
        prop_assert_eq!(out, data);
        Ok(result)
    }

    /// Whether engine, model and client are in the same state, seen from the outside and without changing it.
    pub(crate) fn check_agreement(&self, place: &Place) -> Result<(), TestCaseError> {
        let model = &place.model;
        prop_assert!(self.sibling.crypto_session(place.handle).is_err(), "another device finds the session");
        prop_assert!(self.sibling.destroy_crypto_session(place.handle).is_err(), "another device destroys the session");
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
