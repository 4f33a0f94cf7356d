//! Every call in every state, and what each decision says about it.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::rsa::{OAEP_SHA512_MGF1SHA512, OaepPublicEncryptingKey, PublicEncryptingKey};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL};

use super::*;
use crate::config::Config;
use crate::identity::{IdentityFiles, IdentityOptions};
use crate::provider::Provider;
use crate::provider::fixed::FixedRandom;
use crate::surface::{Surface, SurfaceMut};
use crate::{Adapter, Device, Handle};

/// NIST SP 800-38A, F.5: key, first counter block, two blocks of plain text and of cipher text.
const NIST_KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
const NIST_COUNTER: [u8; 16] = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff_u128.to_be_bytes();
const NIST_PLAIN: [u128; 2] = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];
const NIST_CIPHER: [u128; 2] = [0x874d_6191_b620_e326_1bef_6864_990d_b6ce, 0x9806_f66b_7970_fdff_8617_187b_b9ff_fdff];

fn bytes(blocks: [u128; 2]) -> Vec<u8> {
    blocks.iter().flat_map(|block| block.to_be_bytes()).collect()
}

/// One identity for all rigs, since making one takes long.
static IDENTITY: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let files = IdentityFiles::generate(&Provider::aws_lc(), &IdentityOptions::default()).unwrap();
    files.write(directory.path()).unwrap();
    directory
});

struct Rig {
    device: Device,
    session: Handle,
}

impl Rig {
    fn new(options: &str) -> Self {
        Self::with_provider(options, Provider::aws_lc())
    }

    /// A rig whose random numbers are `numbers`, over and over.
    fn fixed(options: &str, numbers: &[u8]) -> Self {
        Self::with_provider(options, Provider::aws_lc().with_random(Arc::new(FixedRandom::new(numbers))))
    }

    fn with_provider(options: &str, provider: Provider) -> Self {
        let options = format!("identity.directory={};{options}", IDENTITY.path().display());
        let config = Config::default().with_options(&options).unwrap();
        let device = Device::new(&Adapter::new(&config, provider).unwrap()).unwrap();
        let session = device.create_crypto_session(&desc()).unwrap();
        Self { device, session }
    }

    fn call<T>(&self, call: impl FnOnce(&mut CryptoSession) -> T) -> T {
        call(&mut self.device.crypto_session(self.session).unwrap().lock())
    }

    fn key_exchange(&self, plain: &[u8]) -> Vec<u8> {
        let identity = self.device.adapter().state.identity().unwrap();
        let key = PublicEncryptingKey::from_der(identity.key().public_key_der()).unwrap();
        let mut message = vec![0; 256];
        OaepPublicEncryptingKey::new(key).unwrap().encrypt(&OAEP_SHA512_MGF1SHA512, plain, &mut message, None).unwrap();
        message
    }

    fn negotiate(&self, key: [u8; 16]) {
        let message = self.key_exchange(&key);
        self.call(|session| session.negotiate(&message)).unwrap();
    }

    fn start(&self) -> Result<[u8; 16]> {
        let mut number = [0; 16];
        self.call(|session| session.start_key_refresh(&mut number)).map(|()| number)
    }

    fn finish(&self) -> Result<()> {
        self.call(CryptoSession::finish_key_refresh)
    }

    fn decrypt(&self, source: &[u8], key: &DataKey<'_>, iv: [u8; 16]) -> Result<Vec<u8>> {
        let mut out = vec![0xEE; source.len()];
        let surfaces = distinct(source, &mut out);
        let result = self.call(|session| session.decryption_blt(surfaces, None, key, &iv));
        if result.is_err() {
            assert!(out.iter().all(|&byte| byte == 0xEE), "a failed blit wrote to the destination");
        }
        result.map(|()| out)
    }

    fn encrypt(&self, source: &[u8]) -> Result<(AesCtrIv, Vec<u8>)> {
        let (mut out, mut iv) = (vec![0xEE; source.len()], [0xEE; 16]);
        let surfaces = distinct(source, &mut out);
        let result = self.call(|session| session.encryption_blt(surfaces, &mut iv));
        if result.is_err() {
            assert!(
                out.iter().chain(&iv).all(|&byte| byte == 0xEE),
                "a failed blit wrote to the destination or the IV"
            );
        }
        result.map(|()| (AesCtrIv::from_bytes(&iv), out))
    }

    fn read_back_key(&self) -> Result<[u8; 16]> {
        let mut key = [0; 16];
        self.call(|session| session.encryption_blt_key(&mut key)).map(|()| key)
    }

    /// Whether the session key is `key`, seen from the outside.
    fn has_key(&self, key: [u8; 16]) -> bool {
        self.decrypt(&[0; 16], &DataKey::Session, [7; 16]).unwrap() == keystream(key, [7; 16], 16)
    }
}

fn desc() -> CryptoSessionDesc {
    CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
    }
}

fn distinct<'a>(source: &'a [u8], destination: &'a mut [u8]) -> BlitSurfaces<'a> {
    BlitSurfaces::Distinct { source: Surface::buffer(source), destination: SurfaceMut::buffer(destination) }
}

/// AES-128-CTR by another implementation, whose 64-bit counter wraps as D5 says.
fn keystream(key: [u8; 16], iv: [u8; 16], length: usize) -> Vec<u8> {
    use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
    let mut stream = vec![0; length];
    ctr::Ctr64BE::<aes::Aes128>::new(&key.into(), &iv.into()).apply_keystream(&mut stream);
    stream
}

fn ecb(key: [u8; 16], block: [u8; 16], encrypt: bool) -> [u8; 16] {
    use crate::provider::{Aes as _, rust_crypto::RustCryptoAes};
    let mut block = block;
    if encrypt {
        RustCryptoAes.encrypt_block(&key, &mut block);
    } else {
        RustCryptoAes.decrypt_block(&key, &mut block);
    }
    block
}

fn xor(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

// Known answers.

#[test]
fn decryption_blt_gives_the_nist_answer() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    // The vector's counter does not cross 64 bits, so D5 and a 128-bit counter agree on it.
    let plain = rig.decrypt(&bytes(NIST_CIPHER), &DataKey::Session, NIST_COUNTER).unwrap();
    assert_eq!(plain, bytes(NIST_PLAIN));
}

#[test]
fn decryption_blt_with_wrapped_content_key_gives_the_nist_answer() {
    let rig = Rig::new("");
    rig.negotiate([0x5A; 16]);
    let wrapped = ecb([0x5A; 16], NIST_KEY, true);
    let plain = rig.decrypt(&bytes(NIST_CIPHER), &DataKey::Wrapped(&wrapped), NIST_COUNTER).unwrap();
    assert_eq!(plain, bytes(NIST_PLAIN));
}

#[test]
fn decryption_blt_with_opened_blob_gives_the_nist_answer() {
    let rig = Rig::new("");
    rig.negotiate([0x5A; 16]);
    let key = DataKey::Unwrapped(ContentKey::new(NIST_KEY));
    assert_eq!(rig.decrypt(&bytes(NIST_CIPHER), &key, NIST_COUNTER).unwrap(), bytes(NIST_PLAIN));
}

#[test]
fn counter_wraps_without_carry_into_the_iv() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let iv = AesCtrIv { iv: 1, count: u64::MAX };
    let stream = rig.decrypt(&[0; 32], &DataKey::Session, iv.to_bytes()).unwrap();
    let second = ecb(NIST_KEY, AesCtrIv { iv: 1, count: 0 }.to_bytes(), true);
    assert_eq!(stream[16..], second);
}

#[test]
fn refresh_with_fixed_numbers_gives_key_xor_number() {
    let rig = Rig::fixed("", &[0xC3; 16]);
    rig.negotiate(NIST_KEY);
    assert_eq!(rig.start().unwrap(), [0xC3; 16]);
    assert!(rig.has_key(NIST_KEY), "until Finish the old key is in force");
    rig.finish().unwrap();
    assert!(rig.has_key(xor(NIST_KEY, [0xC3; 16])));
}

// Session key refresh.

#[test]
fn second_start_replaces_the_number() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let (first, second) = (rig.start().unwrap(), rig.start().unwrap());
    assert_ne!(first, second);
    rig.finish().unwrap();
    assert!(rig.has_key(xor(NIST_KEY, second)));
}

#[test]
fn finish_twice_switches_once() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let number = rig.start().unwrap();
    rig.finish().unwrap();
    assert!(matches!(rig.finish(), Err(Error::NoRefreshPending)));
    assert!(rig.has_key(xor(NIST_KEY, number)));
}

#[test]
fn key_exchange_discards_the_pending_number() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    rig.start().unwrap();
    rig.negotiate(NIST_KEY);
    assert!(matches!(rig.finish(), Err(Error::NoRefreshPending)));
    assert!(rig.has_key(NIST_KEY));
}

#[test]
fn failed_key_exchange_keeps_the_pending_number() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let number = rig.start().unwrap();
    assert!(rig.call(|session| session.negotiate(&[0; 256])).is_err());
    rig.finish().unwrap();
    assert!(rig.has_key(xor(NIST_KEY, number)));
}

#[test]
fn start_with_wrong_size_leaves_buffer_and_pending_number() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let number = rig.start().unwrap();
    for size in [0, 15, 17, 32] {
        let mut buffer = vec![0xEE; size];
        let error = rig.call(|session| session.start_key_refresh(&mut buffer)).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 16, given, .. } if given == size));
        assert!(buffer.iter().all(|&byte| byte == 0xEE));
    }
    rig.finish().unwrap();
    assert!(rig.has_key(xor(NIST_KEY, number)));
}

#[test]
fn start_whose_random_source_fails_leaves_everything() {
    let rig = Rig::fixed("", &[0xC3; 16]);
    rig.negotiate(NIST_KEY);
    rig.start().unwrap();
    let mut provider = rig.device.adapter().state.provider.clone();
    provider.random = Arc::new(FixedRandom::new([]));
    let mut buffer = [0xEE; 16];
    rig.call(|session| {
        let adapter = Arc::clone(&session.adapter);
        session.adapter = Arc::new(AdapterState::for_test(provider, &adapter));
        assert!(matches!(session.start_key_refresh(&mut buffer), Err(Error::RandomFailed)));
        session.adapter = adapter;
    });
    assert_eq!(buffer, [0xEE; 16]);
    rig.finish().unwrap();
    assert!(rig.has_key(xor(NIST_KEY, [0xC3; 16])));
}

#[test]
fn wrapped_content_key_follows_the_refresh() {
    let rig = Rig::new("");
    rig.negotiate([0x5A; 16]);
    let number = rig.start().unwrap();
    let old = ecb([0x5A; 16], NIST_KEY, true);
    assert_eq!(rig.decrypt(&bytes(NIST_CIPHER), &DataKey::Wrapped(&old), NIST_COUNTER).unwrap(), bytes(NIST_PLAIN));
    rig.finish().unwrap();
    assert_ne!(rig.decrypt(&bytes(NIST_CIPHER), &DataKey::Wrapped(&old), NIST_COUNTER).unwrap(), bytes(NIST_PLAIN));
    let new = ecb(xor([0x5A; 16], number), NIST_KEY, true);
    assert_eq!(rig.decrypt(&bytes(NIST_CIPHER), &DataKey::Wrapped(&new), NIST_COUNTER).unwrap(), bytes(NIST_PLAIN));
}

#[test]
fn generation_counts_keys() {
    let rig = Rig::new("");
    assert_eq!(rig.call(|session| session.generation()), 0);
    rig.negotiate(NIST_KEY);
    rig.start().unwrap();
    assert_eq!(rig.call(|session| session.generation()), 1);
    rig.finish().unwrap();
    assert_eq!(rig.call(|session| session.generation()), 2);
    rig.negotiate(NIST_KEY);
    assert_eq!(rig.call(|session| session.generation()), 3);
}

// Key exchange.

#[test]
fn key_exchange_of_wrong_size_names_both_sizes() {
    let rig = Rig::new("");
    for size in [0, 255, 257] {
        let error = rig.call(|session| session.negotiate(&vec![0; size])).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 256, given, .. } if given == size));
    }
}

#[test]
fn bad_padding_and_bad_length_fail_alike_and_keep_the_key() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let mut flipped = rig.key_exchange(&[1; 16]);
    flipped[100] ^= 1;
    for message in
        [flipped, rig.key_exchange(&[1; 15]), rig.key_exchange(&[1; 17]), rig.key_exchange(&[]), vec![0xFF; 256]]
    {
        let error = rig.call(|session| session.negotiate(&message)).unwrap_err();
        assert!(matches!(error, Error::KeyExchangeFailed));
        assert!(rig.has_key(NIST_KEY));
    }
}

#[test]
fn second_key_exchange_replaces_the_key_and_drops_the_read_back_key() {
    let rig = Rig::new("");
    rig.negotiate([1; 16]);
    rig.read_back_key().unwrap();
    rig.negotiate(NIST_KEY);
    assert!(rig.has_key(NIST_KEY));
    assert!(matches!(rig.encrypt(&[0; 16]), Err(Error::NoReadBackKey)));
}

// Read-back.

#[test]
fn read_back_opens_with_the_unwrapped_key_and_survives_a_refresh() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let key = ecb(NIST_KEY, rig.read_back_key().unwrap(), false);
    let (first, cipher) = rig.encrypt(&bytes(NIST_PLAIN)).unwrap();
    let stream = keystream(key, first.to_bytes(), 32);
    assert!(cipher.iter().zip(stream).map(|(c, s)| c ^ s).eq(bytes(NIST_PLAIN)));

    rig.start().unwrap();
    rig.finish().unwrap();
    let (second, cipher) = rig.encrypt(&bytes(NIST_PLAIN)).unwrap();
    assert_eq!(second, AesCtrIv { iv: first.iv + 1, count: 0 }, "the IV goes on, since the key does (D11, D12)");
    let stream = keystream(key, second.to_bytes(), 32);
    assert!(cipher.iter().zip(stream).map(|(c, s)| c ^ s).eq(bytes(NIST_PLAIN)));
}

#[test]
fn each_read_back_key_is_new_and_starts_its_own_ivs() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let first_key = rig.read_back_key().unwrap();
    let (first, _) = rig.encrypt(&[0; 16]).unwrap();
    assert_ne!(rig.read_back_key().unwrap(), first_key);
    let (second, _) = rig.encrypt(&[0; 16]).unwrap();
    assert_ne!(second.iv, first.iv + 1);
    assert!(u32::try_from(first.iv).is_ok() && u32::try_from(second.iv).is_ok(), "not too big (D11)");
}

#[test]
fn without_read_back_key_capability_the_session_key_is_used() {
    let rig = Rig::new("capabilities.flags.encrypted_read_back_key=false");
    rig.negotiate(NIST_KEY);
    assert!(matches!(rig.read_back_key(), Err(Error::NotOffered(Capability::EncryptedReadBackKey))));
    let (first, cipher) = rig.encrypt(&[0; 20]).unwrap();
    assert_eq!(cipher, keystream(NIST_KEY, first.to_bytes(), 20));
    let number = rig.start().unwrap();
    rig.finish().unwrap();
    let (second, cipher) = rig.encrypt(&[0; 20]).unwrap();
    assert_eq!(cipher, keystream(xor(NIST_KEY, number), second.to_bytes(), 20));
    assert_ne!(second.iv, first.iv + 1, "a new key starts its own IVs");
}

#[test]
fn key_exchanged_twice_does_not_start_its_ivs_again() {
    let rig = Rig::fixed("capabilities.flags.encrypted_read_back_key=false", &[0, 0, 0, 7]);
    let message = rig.key_exchange(&NIST_KEY);
    let exchange_and_read_back = || {
        rig.call(|session| session.negotiate(&message)).unwrap();
        rig.encrypt(&[0; 16]).unwrap().0.iv
    };
    assert_eq!((exchange_and_read_back(), exchange_and_read_back()), (7, 8));
    rig.negotiate([9; 16]);
    assert_eq!(rig.encrypt(&[0; 16]).unwrap().0.iv, 7, "another key starts its own");
}

/// D33, and D11 with it: whatever comes between, a refresh and a teardown too.
#[test]
fn read_back_ivs_of_a_session_key_that_comes_back_go_on() {
    let rig = Rig::fixed("capabilities.flags.encrypted_read_back_key=false", &[0, 0, 0, 7]);
    let read_back = || rig.encrypt(&[0; 16]).unwrap().0.iv;
    let [one, two] = [[1; 16], [2; 16]];
    rig.negotiate(one);
    assert_eq!([read_back(), read_back()], [7, 8]);
    rig.negotiate(two);
    assert_eq!(read_back(), 7);
    rig.negotiate(one);
    assert_eq!(read_back(), 9);
    rig.start().unwrap();
    rig.finish().unwrap();
    assert_eq!(read_back(), 7, "the key of a refresh is new");
    rig.negotiate(one);
    assert_eq!(read_back(), 10);
    assert!(rig.call(|session| session.invalidate(false)));
    rig.negotiate(one);
    assert_eq!(read_back(), 11);
    rig.negotiate(two);
    assert_eq!(read_back(), 8);
}

#[test]
fn refreshed_key_that_is_exchanged_while_it_is_in_force_goes_on_with_its_read_back_ivs() {
    let rig = Rig::new("capabilities.flags.encrypted_read_back_key=false");
    rig.negotiate(NIST_KEY);
    let number = rig.start().unwrap();
    rig.finish().unwrap();
    let (first, _) = rig.encrypt(&[0; 16]).unwrap();
    rig.negotiate(xor(NIST_KEY, number));
    assert_eq!(rig.encrypt(&[0; 16]).unwrap().0.iv, first.iv + 1);
}

#[test]
fn caller_ivs_of_a_session_key_that_comes_back_go_on() {
    let rig = Rig::new("quirks.caller_iv=true;capabilities.flags.encrypted_read_back_key=false");
    let encrypt = |iv: u64| {
        let mut iv = AesCtrIv { iv, count: 0 }.to_bytes();
        rig.call(|session| session.encryption_blt(distinct(&[0; 16], &mut [0; 16]), &mut iv))
    };
    rig.negotiate([1; 16]);
    encrypt(5).unwrap();
    rig.negotiate([2; 16]);
    encrypt(5).unwrap();
    rig.negotiate([1; 16]);
    assert!(matches!(encrypt(5), Err(Error::IvNotIncreasing)));
    encrypt(6).unwrap();
}

#[test]
fn read_back_key_of_wrong_size_leaves_buffer_and_key() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let key = ecb(NIST_KEY, rig.read_back_key().unwrap(), false);
    let mut buffer = [0xEE; 15];
    assert!(matches!(rig.call(|session| session.encryption_blt_key(&mut buffer)), Err(Error::WrongSize { .. })));
    assert_eq!(buffer, [0xEE; 15]);
    let (iv, cipher) = rig.encrypt(&[0; 16]).unwrap();
    assert_eq!(cipher, keystream(key, iv.to_bytes(), 16));
}

#[test]
fn caller_iv_quirk_takes_increasing_ivs_only() {
    let rig = Rig::new("quirks.caller_iv=true");
    rig.negotiate(NIST_KEY);
    let key = ecb(NIST_KEY, rig.read_back_key().unwrap(), false);
    let encrypt = |iv: AesCtrIv| {
        let (mut out, mut bytes) = ([0xEE; 16], iv.to_bytes());
        let result = rig.call(|session| session.encryption_blt(distinct(&[0; 16], &mut out), &mut bytes));
        assert_eq!(bytes, iv.to_bytes(), "the caller's IV stays");
        result.map(|()| out)
    };
    let five = AesCtrIv { iv: 5, count: 3 };
    assert_eq!(encrypt(five).unwrap()[..], keystream(key, five.to_bytes(), 16));
    assert!(matches!(encrypt(AesCtrIv { iv: 5, count: 4 }), Err(Error::IvNotIncreasing)));
    assert!(matches!(encrypt(AesCtrIv { iv: 4, count: 0 }), Err(Error::IvNotIncreasing)));
    assert!(encrypt(AesCtrIv { iv: 6, count: 0 }).is_ok());
}

#[test]
fn exhausted_ivs_are_refused() {
    let rig = Rig::new("quirks.caller_iv=true");
    rig.negotiate(NIST_KEY);
    rig.read_back_key().unwrap();
    let mut last = AesCtrIv { iv: u64::MAX, count: 0 }.to_bytes();
    rig.call(|session| session.encryption_blt(distinct(&[0; 16], &mut [0; 16]), &mut last)).unwrap();
    rig.call(|session| {
        let mut adapter = AdapterState::for_test(session.adapter.provider.clone(), &session.adapter);
        adapter.caller_iv = false;
        session.adapter = Arc::new(adapter);
    });
    assert!(matches!(rig.encrypt(&[0; 16]), Err(Error::IvExhausted)));
}

// Every call in every state.

/// Outcomes of start, finish, decryption blit, encryption blit, read-back key: in that order, each on a session that
/// `prepare` has brought into the state.
fn outcomes(prepare: impl Fn(&Rig)) -> [Option<Error>; 5] {
    let fresh = || {
        let rig = Rig::new("");
        prepare(&rig);
        rig
    };
    [
        fresh().start().err(),
        fresh().finish().err(),
        fresh().decrypt(&[0; 16], &DataKey::Session, [0; 16]).err(),
        fresh().encrypt(&[0; 16]).err(),
        fresh().read_back_key().err(),
    ]
}

#[test]
fn created_session_has_no_key() {
    for outcome in outcomes(|_| {}) {
        assert!(matches!(outcome, Some(Error::NoSessionKey)), "{outcome:?}");
    }
}

#[test]
fn keyed_session_refuses_finish_and_a_read_back_without_its_key() {
    let outcomes = outcomes(|rig| rig.negotiate(NIST_KEY));
    assert!(matches!(outcomes, [None, Some(Error::NoRefreshPending), None, Some(Error::NoReadBackKey), None]));
}

#[test]
fn refresh_pending_session_takes_every_call() {
    let outcomes = outcomes(|rig| {
        rig.negotiate(NIST_KEY);
        rig.read_back_key().unwrap();
        rig.start().unwrap();
    });
    assert!(matches!(outcomes, [None, None, None, None, None]));
}

#[test]
fn lost_session_refuses_everything_until_a_key_exchange() {
    for (content, status) in [(false, SessionStatus::KeyLost), (true, SessionStatus::KeyAndContentLost)] {
        let prepare = |rig: &Rig| {
            rig.negotiate(NIST_KEY);
            rig.start().unwrap();
            rig.call(|session| session.invalidate(content));
            assert_eq!(rig.call(|session| session.status()), status);
        };
        for outcome in outcomes(prepare) {
            assert!(matches!(outcome, Some(Error::KeyLost)), "{outcome:?}");
        }
        let rig = Rig::new("");
        prepare(&rig);
        rig.negotiate([3; 16]);
        assert_eq!(rig.call(|session| session.status()), SessionStatus::Ok);
        assert!(rig.has_key([3; 16]));
        assert!(matches!(rig.finish(), Err(Error::NoRefreshPending)));
    }
}

#[test]
fn lost_content_stays_lost_and_a_session_without_key_loses_nothing() {
    let rig = Rig::new("");
    rig.call(|session| session.invalidate(true));
    assert_eq!(rig.call(|session| session.status()), SessionStatus::Ok);
    rig.negotiate(NIST_KEY);
    rig.call(|session| session.invalidate(true));
    rig.call(|session| session.invalidate(false));
    assert_eq!(rig.call(|session| session.status()), SessionStatus::KeyAndContentLost);
}

// Content keys that a session keeps, by their wraps.

/// Decrypts under `wrapped` with a session key that is `session`, and fails unless the content key was the one that the
/// wrap means now.
fn decrypts_with_what_the_wrap_means(rig: &Rig, session: [u8; 16], wrapped: [u8; 16]) {
    let expected = keystream(ecb(session, wrapped, false), [7; 16], 40);
    // Opened, then kept.
    for _ in 0..2 {
        assert_eq!(rig.decrypt(&[0; 40], &DataKey::Wrapped(&wrapped), [7; 16]).unwrap(), expected);
    }
}

#[test]
fn wrap_means_another_key_after_a_refresh() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let mut session = NIST_KEY;
    for _ in 0..3 {
        decrypts_with_what_the_wrap_means(&rig, session, [5; 16]);
        let number = rig.start().unwrap();
        decrypts_with_what_the_wrap_means(&rig, session, [5; 16]);
        rig.finish().unwrap();
        session = xor(session, number);
    }
    decrypts_with_what_the_wrap_means(&rig, session, [5; 16]);
}

#[test]
fn wrap_means_another_key_after_a_key_exchange() {
    let rig = Rig::new("");
    for session in [NIST_KEY, [1; 16], NIST_KEY] {
        rig.negotiate(session);
        decrypts_with_what_the_wrap_means(&rig, session, [5; 16]);
    }
}

#[test]
fn wrap_means_nothing_after_a_teardown_and_another_key_after_the_exchange_that_follows() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    decrypts_with_what_the_wrap_means(&rig, NIST_KEY, [5; 16]);
    rig.call(|session| session.invalidate(false));
    assert!(matches!(rig.decrypt(&[0; 16], &DataKey::Wrapped(&[5; 16]), [7; 16]), Err(Error::KeyLost)));
    rig.negotiate([1; 16]);
    decrypts_with_what_the_wrap_means(&rig, [1; 16], [5; 16]);
}

#[test]
fn more_wraps_than_a_session_keeps_mean_their_own_keys() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    for round in 0..3 {
        for number in 0..=2 * u8::try_from(content_keys::CAPACITY).unwrap() {
            decrypts_with_what_the_wrap_means(&rig, NIST_KEY, [number * (round + 1); 16]);
        }
    }
}

#[test]
fn frames_of_decoders_and_blits_open_wraps_to_the_same_keys() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    decrypts_with_what_the_wrap_means(&rig, NIST_KEY, [5; 16]);
    let key = rig.call(|session| session.frame_key(&DataKey::Wrapped(&[5; 16]), CipherMode::Ctr)).unwrap();
    let mut out = [0; 40];
    let surfaces = distinct(&[0; 40], &mut out);
    let layout = Layout { encrypted: Encrypted::All, stripes: None };
    rig.call(|session| session.decrypt_buffer(surfaces, &layout, &key, &[7; 16])).unwrap();
    assert_eq!(out[..], keystream(ecb(NIST_KEY, [5; 16], false), [7; 16], 40));
}

#[test]
fn destroyed_session_and_foreign_device_find_nothing() {
    let rig = Rig::new("");
    let sibling = Device::new(rig.device.adapter()).unwrap();
    let stranger = Rig::new("");
    for device in [&sibling, &stranger.device] {
        assert!(matches!(device.crypto_session(rig.session), Err(Error::BadHandle { .. })));
        assert!(matches!(device.destroy_crypto_session(rig.session), Err(Error::BadHandle { .. })));
    }
    assert!(matches!(rig.device.crypto_session(rig.device.handle()), Err(Error::BadHandle { .. })));
    rig.device.destroy_crypto_session(rig.session).unwrap();
    assert!(matches!(rig.device.crypto_session(rig.session), Err(Error::BadHandle { .. })));
    assert!(matches!(rig.device.destroy_crypto_session(rig.session), Err(Error::BadHandle { .. })));
}

#[test]
fn sessions_end_with_their_device() {
    let rig = Rig::new("");
    let adapter = Arc::clone(rig.device.adapter());
    let session = rig.session;
    drop(rig);
    assert!(matches!(Device::new(&adapter).unwrap().crypto_session(session), Err(Error::BadHandle { .. })));
    assert!(adapter.objects.with(crate::Kind::CryptoSession, session, None, |_| ()).is_none());
}

// Blits.

#[test]
fn iv_of_wrong_size_is_refused() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    rig.read_back_key().unwrap();
    let mut out = [0xEE; 16];
    for size in [0, 8, 15, 17] {
        let (iv, surfaces) = (vec![0xEE; size], distinct(&[0; 16], &mut out));
        let error = rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &iv)).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 16, given, .. } if given == size));
        let (mut iv, surfaces) = (vec![0xEE; size], distinct(&[0; 16], &mut out));
        assert!(rig.call(|session| session.encryption_blt(surfaces, &mut iv)).is_err());
        assert!(iv.iter().chain(&out).all(|&byte| byte == 0xEE));
    }
}

#[test]
fn sizes_that_differ_are_refused() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let mut out = [0xEE; 17];
    let surfaces = distinct(&[0; 16], &mut out);
    let error = rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &[0; 16])).unwrap_err();
    assert!(matches!(error, Error::SizeMismatch));
    assert_eq!(out, [0xEE; 17]);
}

#[test]
fn same_resource_is_decrypted_in_place() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    let mut data = bytes(NIST_CIPHER);
    let surfaces = BlitSurfaces::Same(SurfaceMut::buffer(&mut data));
    rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &NIST_COUNTER)).unwrap();
    assert_eq!(data, bytes(NIST_PLAIN));
}

#[test]
fn enforced_protection_wants_protected_resources() {
    let rig = Rig::new("capabilities.flags.protection_always_on=true");
    rig.negotiate(NIST_KEY);
    rig.read_back_key().unwrap();
    assert!(matches!(rig.decrypt(&[0; 16], &DataKey::Session, [0; 16]), Err(Error::NotProtected("destination"))));
    assert!(matches!(rig.encrypt(&[0; 16]), Err(Error::NotProtected("source"))));

    let mut protected = [0; 16];
    let mut destination = SurfaceMut::buffer(&mut protected);
    destination.flags.protected = true;
    let surfaces = BlitSurfaces::Distinct { source: Surface::buffer(&[0; 16]), destination };
    rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &[0; 16])).unwrap();
    let mut source = Surface::buffer(&protected);
    source.flags.protected = true;
    let mut out = [0; 16];
    let surfaces = BlitSurfaces::Distinct { source, destination: SurfaceMut::buffer(&mut out) };
    rig.call(|session| session.encryption_blt(surfaces, &mut [0; 16])).unwrap();
    assert_ne!(out, protected);
}

#[test]
fn multisampled_protected_side_is_refused() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    rig.read_back_key().unwrap();
    let flags = SurfaceFlags { multisampled: true, ..SurfaceFlags::default() };
    let mut out = [0xEE; 16];
    let mut destination = SurfaceMut::buffer(&mut out);
    destination.flags = flags;
    let surfaces = BlitSurfaces::Distinct { source: Surface::buffer(&[0; 16]), destination };
    let result = rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &[0; 16]));
    assert!(matches!(result, Err(Error::Multisampled)));
    let mut source = Surface::buffer(&[0; 16]);
    source.flags = flags;
    let surfaces = BlitSurfaces::Distinct { source, destination: SurfaceMut::buffer(&mut out) };
    assert!(matches!(rig.call(|session| session.encryption_blt(surfaces, &mut [0; 16])), Err(Error::Multisampled)));
    assert_eq!(out, [0xEE; 16]);
}

#[test]
fn sequential_profile_refuses_an_iv_used_before_with_the_same_key_only() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    rig.negotiate([0x5A; 16]);
    let iv = |iv, count| AesCtrIv { iv, count }.to_bytes();
    let (one, two) = (ecb([0x5A; 16], [1; 16], true), ecb([0x5A; 16], [2; 16], true));
    let (one, two) = (DataKey::Wrapped(&one), DataKey::Wrapped(&two));
    rig.decrypt(&[0; 32], &one, iv(5, 0)).unwrap();
    assert!(matches!(rig.decrypt(&[0; 32], &one, iv(5, 0)), Err(Error::IvNotIncreasing)));
    assert!(matches!(rig.decrypt(&[0; 32], &one, iv(4, 9)), Err(Error::IvNotIncreasing)));
    rig.decrypt(&[0; 32], &two, iv(4, 0)).unwrap();
    rig.decrypt(&[0; 32], &DataKey::Session, iv(1, 0)).unwrap();
    rig.decrypt(&[0; 32], &one, iv(5, 2)).unwrap();
    rig.decrypt(&[0; 32], &one, iv(6, 0)).unwrap();
    let number = rig.start().unwrap();
    rig.finish().unwrap();
    rig.decrypt(&[0; 32], &DataKey::Session, iv(1, 0)).unwrap();
    let rewrapped = ecb(xor([0x5A; 16], number), [1; 16], true);
    let again = rig.decrypt(&[0; 32], &DataKey::Wrapped(&rewrapped), iv(6, 0));
    assert!(matches!(again, Err(Error::IvNotIncreasing)), "the content key is the same after a refresh");
}

/// D31: keys of refreshes are forgotten with them, however many, and whatever the IVs begin with.
#[test]
fn refreshes_without_number_take_no_memory_and_no_iv_of_a_chosen_key_again() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    let iv = |iv| AesCtrIv { iv, count: 0 }.to_bytes();
    rig.negotiate([1; 16]);
    rig.decrypt(&[0; 16], &DataKey::Session, iv(9)).unwrap();
    // More than there was room for when every key was remembered.
    for _ in 0..70_000 {
        rig.start().unwrap();
        rig.finish().unwrap();
        rig.decrypt(&[0; 16], &DataKey::Session, iv(3)).unwrap();
    }
    assert!(matches!(rig.decrypt(&[0; 16], &DataKey::Session, iv(3)), Err(Error::IvNotIncreasing)));
    rig.negotiate([2; 16]);
    rig.decrypt(&[0; 16], &DataKey::Session, iv(1)).unwrap();
    rig.negotiate([1; 16]);
    assert!(matches!(rig.decrypt(&[0; 16], &DataKey::Session, iv(9)), Err(Error::IvNotIncreasing)));
    rig.decrypt(&[0; 16], &DataKey::Session, iv(10)).unwrap();
}

/// D31: any number of content keys, each with the same IV, is no wall: a refresh goes on.
#[test]
fn content_keys_without_number_meet_a_bound_that_a_refresh_lifts() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    let iv = AesCtrIv { iv: 1, count: 0 }.to_bytes();
    rig.negotiate([1; 16]);
    let mut refusals = 0;
    for number in 0..10_000_u128 {
        let wrapped = number.to_be_bytes();
        match rig.decrypt(&[0; 16], &DataKey::Wrapped(&wrapped), iv) {
            Ok(_) => continue,
            Err(Error::IvOfForgottenKey) => refusals += 1,
            Err(error) => panic!("{error}"),
        }
        rig.start().unwrap();
        rig.finish().unwrap();
        rig.decrypt(&[0; 16], &DataKey::Wrapped(&wrapped), iv).unwrap();
    }
    assert!(refusals > 0, "a key that was forgotten could have come back");
}

/// D32: what one session has done with a key says nothing about another.
#[test]
fn sessions_with_one_key_have_an_order_each() {
    let mut rig = Rig::new("capabilities.profile=hardware-like");
    let iv = AesCtrIv { iv: 5, count: 0 }.to_bytes();
    rig.negotiate([1; 16]);
    rig.decrypt(&[0; 16], &DataKey::Session, iv).unwrap();
    rig.session = rig.device.create_crypto_session(&desc()).unwrap();
    rig.negotiate([1; 16]);
    rig.decrypt(&[0; 16], &DataKey::Session, iv).unwrap();
    assert!(matches!(rig.decrypt(&[0; 16], &DataKey::Session, iv), Err(Error::IvNotIncreasing)));
}

/// D38.
#[test]
fn blit_of_clear_bytes_alone_needs_no_iv() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    let blit = |info: Option<EncryptedBlockInfo>, iv: &[u8]| {
        let mut out = [0xEE; 16];
        let result =
            rig.call(|session| session.decryption_blt(distinct(&[7; 16], &mut out), info, &DataKey::Session, iv));
        (result, out)
    };
    let info = |at_beginning, skip, encrypt| Some(EncryptedBlockInfo { at_beginning, skip, encrypt });
    assert!(matches!(blit(info(0, 0, 0), &[]).0, Err(Error::NoSessionKey)));
    rig.negotiate(NIST_KEY);
    for clear in [info(0, 0, 0), info(0, 16, 0)] {
        let (result, out) = blit(clear, &[]);
        result.unwrap();
        assert_eq!(out, [7; 16]);
        assert!(matches!(blit(clear, &[0; 15]).0, Err(Error::WrongSize { .. })), "an IV that is there must be one");
    }
    for encrypted in [None, info(16, 0, 0), info(0, 16, 16)] {
        let (result, out) = blit(encrypted, &[]);
        assert!(matches!(result, Err(Error::WrongSize { expected: 16, given: 0, .. })));
        assert_eq!(out, [0xEE; 16]);
    }
}

#[test]
fn default_profile_takes_any_iv_order() {
    let rig = Rig::new("");
    rig.negotiate(NIST_KEY);
    for iv in [9, 3, 3] {
        rig.decrypt(&[0; 16], &DataKey::Session, AesCtrIv { iv, count: 0 }.to_bytes()).unwrap();
    }
}

#[test]
fn hardware_like_profile_refuses_unaligned_runs() {
    let rig = Rig::new("capabilities.profile=hardware-like");
    rig.negotiate(NIST_KEY);
    let mut out = [0xEE; 64];
    let info = EncryptedBlockInfo { at_beginning: 20, skip: 0, encrypt: 0 };
    let surfaces = distinct(&[0; 64], &mut out);
    let result = rig.call(|session| session.decryption_blt(surfaces, Some(info), &DataKey::Session, &[1; 16]));
    assert!(matches!(result, Err(Error::UnalignedPattern { bytes: 20, alignment: 16, .. })));
    assert_eq!(out, [0xEE; 64]);
    // The refused blit used no IV.
    assert!(rig.decrypt(&[0; 64], &DataKey::Session, [1; 16]).is_ok());
}

#[test]
fn each_call_needs_its_capability() {
    use Capability as C;
    let flags = |flags: &[&str]| {
        flags.iter().fold(String::new(), |all, flag| all + &format!("capabilities.flags.{flag}=false;"))
    };
    let rig =
        Rig::new(&flags(&["freshen_session_key", "decryption_blt", "encrypted_read_back_key", "encrypted_read_back"]));
    rig.negotiate(NIST_KEY);
    assert!(matches!(rig.start(), Err(Error::NotOffered(C::FreshenSessionKey))));
    assert!(matches!(rig.finish(), Err(Error::NotOffered(C::FreshenSessionKey))));
    assert!(matches!(rig.encrypt(&[0; 16]), Err(Error::NotOffered(C::EncryptedReadBack))));
    let decrypted = rig.decrypt(&[0; 16], &DataKey::Session, [0; 16]);
    assert!(matches!(decrypted, Err(Error::NotOffered(C::DecryptionBlt))));

    let rig = Rig::new(&flags(&["content_key", "partial_decryption"]));
    rig.negotiate(NIST_KEY);
    let decrypted = rig.decrypt(&[0; 16], &DataKey::Wrapped(&[0; 16]), [0; 16]);
    assert!(matches!(decrypted, Err(Error::NotOffered(C::ContentKey))));
    let info = EncryptedBlockInfo { at_beginning: 16, skip: 0, encrypt: 0 };
    let mut out = [0; 16];
    let surfaces = distinct(&[0; 16], &mut out);
    let result = rig.call(|session| session.decryption_blt(surfaces, Some(info), &DataKey::Session, &[0; 16]));
    assert!(matches!(result, Err(Error::NotOffered(C::PartialDecryption))));
}
