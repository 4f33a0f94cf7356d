//! Sessions: key refreshes, key exchanges, their whole life, and many of them at once.

use std::cell::RefCell;
use std::rc::Rc;

use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY,
};
use softcp_client::{AesCtrIv, DataCipher, KeyExchangeMessage};
use softcp_runtime::{Device, Resource, Session};

use super::{Planned, warm};
use crate::bench::Bench;
use crate::case::{Case, Implementation};
use crate::driver::{KeyedSession, Link, create_session, read, write};
use crate::error::BenchError;
use crate::implementations::{IV, KEY, reference};
use crate::surface::{Ring, Shape, UNTOUCHED, content};

/// What is blitted to see whether a key is the right one, and while there are many sessions.
const SMALL: Shape = Shape::flat(256);

/// Sessions at once, and in a quick run.
const MANY: usize = 10_000;
const MANY_QUICK: usize = 300;

pub(super) fn refresh(bench: &mut Bench<'_>) -> Vec<Planned> {
    let needed = [
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, "FRESHEN_SESSION_KEY"),
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT"),
    ];
    if !bench.offers("refresh", &needed) {
        return Vec::new();
    }
    let build = move |bench: &Bench<'_>| {
        let content = content(SMALL.visible());
        let expected = Rc::from(&content[..]);
        let mut case = Case::new("16 random bytes, a new key", None);
        let nothing = Rc::from(&[][..]);
        case.add("aws-lc: random bytes alone", &nothing, RandomBytes([0; 16]));
        for (link, of) in bench.links(&needed) {
            let refresh = Refresh { keyed: link.session()?, resources: link.resources(1, SMALL, &content)? };
            case.add(format!("Start + Finish{of}"), &expected, refresh);
        }
        Ok(case)
    };
    vec![Planned::new("refresh", warm(bench), build)]
}

pub(super) fn key_exchange(bench: &mut Bench<'_>) -> Vec<Planned> {
    let needed = [(D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT")];
    if !bench.offers("key-exchange", &needed) {
        return Vec::new();
    }
    let build = move |bench: &Bench<'_>| {
        let mut case = Case::new("one key", None);
        case.add("aws-lc: private operation alone", &Rc::from(KEY), PrivateOperation::new()?);
        for (link, of) in bench.links(&needed) {
            let name = format!("NegotiateCryptoSessionKeyExchange{of}");
            case.add(name, &Exchange::expected(), Exchange::new(link)?);
        }
        Ok(case)
    };
    vec![Planned::new("key exchange", warm(bench), build)]
}

pub(super) fn whole(bench: &mut Bench<'_>) -> Vec<Planned> {
    let needed = [(D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT")];
    if !bench.offers("sessions", &needed) {
        return Vec::new();
    }
    let build = move |bench: &Bench<'_>| {
        let mut case = Case::new("one session", None);
        case.add("aws-lc: private operation alone", &Rc::from(KEY), PrivateOperation::new()?);
        for (link, of) in bench.links(&needed) {
            let life = Life(Exchange::new(link)?);
            case.add(format!("create, exchange, destroy{of}"), &Exchange::expected(), life);
        }
        Ok(case)
    };
    vec![Planned::new("sessions", warm(bench), build)]
}

pub(super) fn many(bench: &mut Bench<'_>) -> Vec<Planned> {
    let needed = [(D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT")];
    if !bench.offers("many-sessions", &needed) {
        return Vec::new();
    }
    // A driver of its own has the single session, so that both can take turns.
    let alone = (bench.open)("")
        .and_then(|opened| Link::open(&opened.driver, &opened.trust).map_err(|error| error.to_string()));
    let alone = match alone {
        Ok(link) => link,
        Err(reason) => {
            bench.skip("many-sessions", format!("the driver does not open a second time: {reason}"));
            return Vec::new();
        }
    };
    let count = if bench.quick { MANY_QUICK } else { MANY };
    let build = move |bench: &Bench<'_>| {
        let expected = Rc::from(content(SMALL.visible()));
        let alone = Rc::new(RefCell::new(Crowd::new(&alone, 1)?));
        let mut case = Case::new("a blit of 256 bytes", None);
        let entry = |crowd: &Rc<RefCell<Crowd>>, in_turn| OneOfMany { crowd: Rc::clone(crowd), in_turn, next: 0 };
        case.add("the only session", &expected, entry(&alone, false));
        for (link, of) in bench.links(&needed) {
            let crowd = Rc::new(RefCell::new(Crowd::new(link, count)?));
            case.add(format!("one of {count}{of}"), &expected, entry(&crowd, false));
            case.add(format!("each of {count} in turn{of}"), &expected, entry(&crowd, true));
        }
        Ok(case)
    };
    vec![Planned::new("many sessions", warm(bench), build)]
}

/// What a refresh draws.
struct RandomBytes([u8; 16]);

impl Implementation for RandomBytes {
    fn call(&mut self) -> Result<(), BenchError> {
        let failed = |_| BenchError::Peer { peer: "aws-lc", what: "draw random bytes" };
        aws_lc_rs::rand::fill(&mut self.0).map_err(failed)
    }

    /// Random bytes can only be had or not.
    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        self.call()?;
        Ok(Vec::new())
    }
}

/// `StartSessionKeyRefresh` and `FinishSessionKeyRefresh`.
struct Refresh {
    keyed: KeyedSession,
    resources: Ring<Resource>,
}

impl Implementation for Refresh {
    fn call(&mut self) -> Result<(), BenchError> {
        self.keyed.session.start_key_refresh()?;
        Ok(self.keyed.session.finish_key_refresh()?)
    }

    /// A blit under the refreshed key, undone by the application.
    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let KeyedSession { session, client, .. } = &mut self.keyed;
        client.start_refresh(session.start_key_refresh()?);
        session.finish_key_refresh()?;
        client.finish_refresh()?;
        let cipher = client.data_cipher();
        let iv = AesCtrIv::from_bytes(IV);
        blit(session, &mut self.resources, &cipher, iv)
    }
}

/// The private operation of a key exchange, without anything around it.
struct PrivateOperation {
    key: OaepPrivateDecryptingKey,
    message: Vec<u8>,
    plain: Vec<u8>,
}

impl PrivateOperation {
    fn new() -> Result<Self, BenchError> {
        let failed = |what| move |_| BenchError::Peer { peer: "aws-lc", what };
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(failed("make an RSA key"))?;
        let public = OaepPublicEncryptingKey::new(key.public_key()).map_err(failed("take a public key"))?;
        let mut message = vec![0; public.ciphertext_size()];
        public.encrypt(&OAEP_SHA512_MGF1SHA512, &KEY, &mut message, None).map_err(failed("encrypt a key"))?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(failed("take a private key"))?;
        let plain = vec![0; key.min_output_size()];
        Ok(Self { key, message, plain })
    }

    fn work(&mut self) -> Result<&[u8], BenchError> {
        let plain = self.key.decrypt(&OAEP_SHA512_MGF1SHA512, &self.message, &mut self.plain, None);
        plain.map(|plain| &*plain).map_err(|_| BenchError::Peer { peer: "aws-lc", what: "decrypt a key" })
    }
}

impl Implementation for PrivateOperation {
    fn call(&mut self) -> Result<(), BenchError> {
        self.work().map(drop)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        self.work().map(<[u8]>::to_vec)
    }
}

/// `NegotiateCryptoSessionKeyExchange` on a session that exists.
struct Exchange {
    device: Device,
    session: Session,
    message: KeyExchangeMessage,
    resources: Ring<Resource>,
}

impl Exchange {
    fn new(link: &Link) -> Result<Self, BenchError> {
        let device = link.device().clone();
        let (_, message) = link.exchange()?;
        let resources = link.resources(1, SMALL, &content(SMALL.visible()))?;
        Ok(Self { session: create_session(&device)?, device, message, resources })
    }

    /// What a blit under the key that was exchanged makes of the content.
    fn expected() -> Rc<[u8]> {
        Rc::from(reference(&KEY, &content(SMALL.visible())))
    }

    fn blit(&mut self, session: &mut Session) -> Result<Vec<u8>, BenchError> {
        write(&mut self.resources.advance().1, SMALL, &[UNTOUCHED; SMALL.visible()])?;
        let (source, destination) = self.resources.advance();
        session.decryption_blt(source, destination, None, None, &IV)?;
        read(destination, SMALL)
    }
}

impl Implementation for Exchange {
    fn call(&mut self) -> Result<(), BenchError> {
        Ok(self.session.negotiate(self.message.as_bytes())?)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        self.call()?;
        let fresh = create_session(&self.device)?;
        let mut keyed = std::mem::replace(&mut self.session, fresh);
        self.blit(&mut keyed)
    }
}

/// A session from its creation to its destruction.
struct Life(Exchange);

impl Implementation for Life {
    fn call(&mut self) -> Result<(), BenchError> {
        let mut session = create_session(&self.0.device)?;
        Ok(session.negotiate(self.0.message.as_bytes())?)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut session = create_session(&self.0.device)?;
        session.negotiate(self.0.message.as_bytes())?;
        self.0.blit(&mut session)
    }
}

/// Sessions of one driver, all with the same key.
struct Crowd {
    sessions: Vec<Session>,
    cipher: DataCipher,
    resources: Ring<Resource>,
    iv: AesCtrIv,
}

impl Crowd {
    fn new(link: &Link, count: usize) -> Result<Self, BenchError> {
        let (client, message) = link.exchange()?;
        let session = || {
            let mut session = create_session(link.device())?;
            session.negotiate(message.as_bytes())?;
            Ok::<_, BenchError>(session)
        };
        Ok(Self {
            sessions: (0..count).map(|_| session()).collect::<Result<_, _>>()?,
            cipher: client.data_cipher(),
            resources: link.resources(1, SMALL, &content(SMALL.visible()))?,
            iv: AesCtrIv::from_bytes(IV),
        })
    }
}

/// A blit with one of a crowd.
struct OneOfMany {
    crowd: Rc<RefCell<Crowd>>,
    /// Whether each call takes the next session; else all take the first.
    in_turn: bool,
    next: usize,
}

impl Implementation for OneOfMany {
    fn call(&mut self) -> Result<(), BenchError> {
        let crowd = &mut *self.crowd.borrow_mut();
        if self.in_turn {
            self.next = (self.next + 1) % crowd.sessions.len();
        }
        crowd.iv = AesCtrIv::new(crowd.iv.iv + 1);
        let (source, destination) = crowd.resources.advance();
        let session = &mut crowd.sessions[self.next];
        Ok(session.decryption_blt(source, destination, None, None, &crowd.iv.to_bytes())?)
    }

    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let crowd = &mut *self.crowd.borrow_mut();
        crowd.iv = AesCtrIv::new(crowd.iv.iv + 1);
        let last = crowd.sessions.len() - 1;
        blit(&mut crowd.sessions[if self.in_turn { last } else { 0 }], &mut crowd.resources, &crowd.cipher, crowd.iv)
    }
}

/// What a blit makes of the source, undone by the application: the content again, if both have one key.
fn blit(
    session: &mut Session,
    resources: &mut Ring<Resource>,
    cipher: &DataCipher,
    iv: AesCtrIv,
) -> Result<Vec<u8>, BenchError> {
    write(&mut resources.advance().1, SMALL, &[UNTOUCHED; SMALL.visible()])?;
    let (source, destination) = resources.advance();
    session.decryption_blt(source, destination, None, None, &iv.to_bytes())?;
    let mut output = read(destination, SMALL)?;
    cipher.stream(iv).apply(&mut output);
    Ok(output)
}
