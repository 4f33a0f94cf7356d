//! The session against a driver's half written here with another implementation of every primitive.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use aws_lc_rs::cipher::{
    AES_128, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OAEP_SHA512_MGF1SHA512, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use common::{vectors, verified_driver};
use proptest::prelude::*;
use softcp_client::{
    AesCtrIv, ClientSession, ContentKey, DataCipher, FixedRandom, KeyExchange, KeyExchangeError, RandomError,
    SessionError, SystemRandom,
};

/// The plain text of `vectors/oaep-*.bin`.
const VECTOR_KEY: [u8; 16] = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();

fn open(message: &[u8], algorithm: &'static OaepAlgorithm, label: Option<&[u8]>) -> Option<Vec<u8>> {
    let key = PrivateDecryptingKey::from_pkcs8(vectors::LEAF_KEY).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut plain = vec![0; key.min_output_size()];
    key.decrypt(algorithm, message, &mut plain, label).ok().map(|plain| plain.to_vec())
}

/// The driver's half: its session key, and what it does with it.
struct Driver {
    key: [u8; 16],
}

impl Driver {
    fn accept(message: &[u8]) -> Self {
        let key = open(message, &OAEP_SHA512_MGF1SHA512, None).expect("the message opens");
        Self { key: key.try_into().expect("the key has 16 bytes") }
    }

    fn refresh(&mut self, number: [u8; 16]) {
        self.key = (u128::from_be_bytes(self.key) ^ u128::from_be_bytes(number)).to_be_bytes();
    }

    fn unwrap(&self, wrapped: &[u8; 16]) -> [u8; 16] {
        let key = DecryptingKey::ecb(UnboundCipherKey::new(&AES_128, &self.key).unwrap()).unwrap();
        let mut block = *wrapped;
        key.decrypt(&mut block, DecryptionContext::None).unwrap();
        block
    }

    fn wrap(&self, plain: [u8; 16]) -> [u8; 16] {
        let key = EncryptingKey::ecb(UnboundCipherKey::new(&AES_128, &self.key).unwrap()).unwrap();
        let mut block = plain;
        key.encrypt(&mut block).unwrap();
        block
    }
}

/// AES-128-CTR by AWS-LC, which carries into the IV: only for counts far from the wrap.
fn ctr(key: [u8; 16], iv: AesCtrIv, data: &[u8]) -> Vec<u8> {
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &key).unwrap()).unwrap();
    let mut data = data.to_vec();
    let context = EncryptionContext::Iv128(FixedLength::from(iv.to_bytes()));
    key.less_safe_encrypt(&mut data, context).unwrap();
    data
}

fn encrypted(cipher: &DataCipher, iv: AesCtrIv, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    cipher.encrypt(iv, &mut data);
    data
}

fn session() -> (ClientSession, Driver) {
    let (session, message) = ClientSession::negotiate(&verified_driver(), &SystemRandom).unwrap();
    let driver = Driver::accept(message.as_bytes());
    (session, driver)
}

/// The session wraps under exactly the driver's key.
fn assert_same_key(session: &ClientSession, driver: &Driver) {
    let wrapped = session.wrap_content_key(&ContentKey::from([0x3c; 16]));
    assert_eq!(driver.unwrap(wrapped.as_bytes()), [0x3c; 16], "the two sides have different keys");
}

// Key exchange.

#[test]
fn openssl_sha512_vector_opens_with_the_protocols_parameters_only() {
    assert_eq!(open(vectors::OAEP_SHA512, &OAEP_SHA512_MGF1SHA512, None).unwrap(), VECTOR_KEY);
    assert_eq!(open(vectors::OAEP_SHA256, &OAEP_SHA256_MGF1SHA256, None).unwrap(), VECTOR_KEY);
    assert_eq!(open(vectors::OAEP_SHA256, &OAEP_SHA512_MGF1SHA512, None), None);
}

#[test]
fn negotiate_message_opens_to_the_sixteen_random_bytes() {
    let random = FixedRandom::new(VECTOR_KEY);
    let (_, message) = ClientSession::negotiate(&verified_driver(), &random).unwrap();
    assert_eq!(open(message.as_bytes(), &OAEP_SHA512_MGF1SHA512, None).unwrap(), VECTOR_KEY);
    assert_eq!(random.bytes_taken(), 16);
}

#[test]
fn negotiate_message_does_not_open_with_other_parameters() {
    let (_, message) = ClientSession::negotiate(&verified_driver(), &SystemRandom).unwrap();
    assert_eq!(open(message.as_bytes(), &OAEP_SHA256_MGF1SHA256, None), None);
    assert_eq!(open(message.as_bytes(), &OAEP_SHA512_MGF1SHA512, Some(b"label")), None);
}

#[test]
fn negotiate_twice_with_one_key_gives_different_messages() {
    let driver = verified_driver();
    let message = || KeyExchange::new(&driver, &FixedRandom::new(VECTOR_KEY)).unwrap().message().clone();
    assert_ne!(message(), message());
}

#[test]
fn negotiate_without_random_bytes_is_an_error() {
    let refused = ClientSession::negotiate(&verified_driver(), &FixedRandom::new([0; 15])).unwrap_err();
    assert_eq!(refused, KeyExchangeError::Random(RandomError));
}

#[test]
fn debug_of_session_and_message_shows_no_bytes() {
    let random = FixedRandom::new([0xab; 16]);
    let (mut session, message) = ClientSession::negotiate(&verified_driver(), &random).unwrap();
    session.start_refresh([0xcd; 16]);
    assert_eq!(
        format!("{session:?} {message:?}"),
        "ClientSession { state: RefreshPending(Keyed { key: SessionKey { .. }, generation: 0 }, RefreshNumber { .. }) } \
         KeyExchangeMessage { .. }"
    );
}

// Keys.

#[test]
fn wrap_content_key_is_opened_by_the_driver() {
    let (session, driver) = session();
    assert_same_key(&session, &driver);
}

#[test]
fn data_cipher_enciphers_under_the_session_key() {
    let (session, driver) = session();
    let iv = AesCtrIv::new(0x1234);
    assert_eq!(
        encrypted(&session.data_cipher(), iv, b"a buffer of 21 bytes!"),
        ctr(driver.key, iv, b"a buffer of 21 bytes!")
    );
}

#[test]
fn read_back_key_opens_what_the_driver_read_back() {
    let (session, driver) = session();
    let (chosen, iv) = ([0x77; 16], AesCtrIv::new(0xffff_ffff));
    let opened = session.read_back_key(&driver.wrap(chosen)).data_cipher();
    assert_eq!(encrypted(&opened, iv, &ctr(chosen, iv, b"a frame")), b"a frame");
}

#[test]
fn read_back_key_stays_valid_after_a_refresh() {
    let (mut session, driver) = session();
    let key = session.read_back_key(&driver.wrap([0x77; 16]));
    session.start_refresh([1; 16]);
    session.finish_refresh().unwrap();
    let iv = AesCtrIv::new(5);
    assert_eq!(encrypted(&key.data_cipher(), iv, b"a frame"), ctr([0x77; 16], iv, b"a frame"));
}

// Refresh.

#[test]
fn new_session_has_generation_0_and_no_refresh_pending() {
    let (session, _) = session();
    assert_eq!((session.generation(), session.is_refresh_pending()), (0, false));
}

#[test]
fn start_refresh_leaves_the_old_key_in_force() {
    let (mut session, driver) = session();
    let before = session.data_cipher();
    session.start_refresh([0x5a; 16]);
    assert_eq!((session.generation(), session.is_refresh_pending()), (0, true));
    assert_same_key(&session, &driver);
    let iv = AesCtrIv::new(1);
    assert_eq!(encrypted(&session.data_cipher(), iv, &[0; 32]), encrypted(&before, iv, &[0; 32]));
    let wrapped = driver.wrap([9; 16]);
    assert_eq!(encrypted(&session.read_back_key(&wrapped).data_cipher(), iv, &[0; 32]), ctr([9; 16], iv, &[0; 32]));
}

#[test]
fn finish_refresh_changes_to_key_xor_number() {
    let (mut session, mut driver) = session();
    session.start_refresh([0x5a; 16]);
    session.finish_refresh().unwrap();
    driver.refresh([0x5a; 16]);
    assert_eq!((session.generation(), session.is_refresh_pending()), (1, false));
    assert_same_key(&session, &driver);
    let iv = AesCtrIv::new(1);
    assert_eq!(encrypted(&session.data_cipher(), iv, &[0; 32]), ctr(driver.key, iv, &[0; 32]));
    let wrapped = driver.wrap([9; 16]);
    assert_eq!(encrypted(&session.read_back_key(&wrapped).data_cipher(), iv, &[0; 32]), ctr([9; 16], iv, &[0; 32]));
}

#[test]
fn start_refresh_twice_uses_the_newer_number() {
    let (mut session, mut driver) = session();
    session.start_refresh([1; 16]);
    session.start_refresh([2; 16]);
    session.finish_refresh().unwrap();
    driver.refresh([2; 16]);
    assert_eq!(session.generation(), 1);
    assert_same_key(&session, &driver);
}

#[test]
fn finish_refresh_without_start_is_an_error_and_changes_nothing() {
    let (mut session, mut driver) = session();
    assert_eq!(session.finish_refresh(), Err(SessionError::NoRefreshPending));
    assert_eq!((session.generation(), session.is_refresh_pending()), (0, false));
    assert_same_key(&session, &driver);

    session.start_refresh([3; 16]);
    session.finish_refresh().unwrap();
    driver.refresh([3; 16]);
    assert_eq!(session.finish_refresh(), Err(SessionError::NoRefreshPending));
    assert_eq!(session.generation(), 1);
    assert_same_key(&session, &driver);
}

// Renegotiation.

#[test]
fn renegotiate_replaces_the_key_and_forgets_the_refresh() {
    let (mut session, _) = session();
    session.start_refresh([4; 16]);
    let exchange = KeyExchange::new(&verified_driver(), &SystemRandom).unwrap();
    let driver = Driver::accept(exchange.message().as_bytes());
    session.renegotiate(exchange);
    assert_eq!((session.generation(), session.is_refresh_pending()), (1, false));
    assert_same_key(&session, &driver);
    assert_eq!(session.finish_refresh(), Err(SessionError::NoRefreshPending));
}

#[test]
fn key_exchange_the_driver_refused_leaves_the_session_as_it_was() {
    let (mut session, mut driver) = session();
    session.start_refresh([4; 16]);
    drop(KeyExchange::new(&verified_driver(), &SystemRandom).unwrap());
    assert!(session.is_refresh_pending());
    session.finish_refresh().unwrap();
    driver.refresh([4; 16]);
    assert_same_key(&session, &driver);
}

/// A call on the session, and what the driver does at the same time.
#[derive(Clone, Copy, Debug)]
enum Call {
    Start([u8; 16]),
    Finish,
    Renegotiate([u8; 16]),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_of_calls_keeps_both_sides_on_one_key(
        calls in prop::collection::vec(
            prop_oneof![
                3 => any::<[u8; 16]>().prop_map(Call::Start),
                3 => Just(Call::Finish),
                1 => any::<[u8; 16]>().prop_map(Call::Renegotiate),
            ],
            0..12,
        )
    ) {
        let certificate = verified_driver();
        let (mut session, message) = ClientSession::negotiate(&certificate, &SystemRandom).unwrap();
        let mut driver = Driver::accept(message.as_bytes());
        let (mut pending, mut generation) = (None, 0);
        for call in calls {
            match call {
                Call::Start(number) => {
                    session.start_refresh(number);
                    pending = Some(number);
                }
                Call::Finish => {
                    prop_assert_eq!(session.finish_refresh().is_ok(), pending.is_some());
                    if let Some(number) = pending.take() {
                        driver.refresh(number);
                        generation += 1;
                    }
                }
                Call::Renegotiate(key) => {
                    session.renegotiate(KeyExchange::new(&certificate, &FixedRandom::new(key)).unwrap());
                    driver = Driver { key };
                    (pending, generation) = (None, generation + 1);
                }
            }
            prop_assert_eq!((session.generation(), session.is_refresh_pending()), (generation, pending.is_some()));
            assert_same_key(&session, &driver);
        }
    }
}
