//! Files through the keys of a licence, and teardowns on the way.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
#[path = "common/tearing.rs"]
mod tearing;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{Manifest, Setup, Vector, clear_samples, run};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, GUID_NULL};
use softcp_client::clear_key::{
    ClearKeyCommand, ClearKeyError, LoadLicence, MakeKeyBlob, Provision, Revoke, Status, TearDown, Version,
};
use softcp_player::{
    DecryptError, DecryptOptions, DecryptReport, Licence, LicenceFailure, LicenceReport, LicensedKeys, Protection,
};
use softcp_runtime::{CryptoSessionDesc, SecureCommand, Session};

const ENVIRONMENT: &str = "capabilities.flags.hardware_drm_communication=true;";

/// A licence of keys written as `KID:KEY` in hexadecimal.
fn licence(keys: &[String]) -> Licence {
    let base64 = |hex: &str| {
        let bytes = u128::from_str_radix(hex, 16).unwrap().to_be_bytes();
        let mut text = [0; 22];
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    };
    let mut keys = keys.to_vec();
    keys.sort();
    keys.dedup();
    let keys: Vec<_> = keys
        .iter()
        .map(|key| {
            let (kid, key) = key.split_once(':').unwrap();
            format!(r#"{{"kty": "oct", "kid": "{}", "k": "{}"}}"#, base64(kid), base64(key))
        })
        .collect();
    Licence::parse(format!(r#"{{"keys": [{}], "type": "temporary"}}"#, keys.join(", "))).unwrap()
}

fn options(setup: &Setup, vector: &Vector) -> DecryptOptions {
    DecryptOptions { licence: Some(licence(&vector.keys())), ..setup.options(&vector.path(), &[]) }
}

/// Decrypts every file that can be, by its licence.
fn decrypt_all(driver_options: &str, protection: Protection, refresh_every: u32) {
    let setup = Setup::new();
    let driver = setup.driver(driver_options);
    for vector in Manifest::read().with_outcome("decrypts") {
        let options = DecryptOptions { protection, refresh_every, ..options(&setup, &vector) };
        let report = run(&driver, &options).unwrap_or_else(|error| panic!("{}: {error}", vector.file));
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{}", vector.file);
        let licence = options.licence.unwrap();
        let keys = licence.kids().len() as u64;
        let mut used: Vec<_> = report.tracks.iter().flat_map(|track| &track.key_ids).collect();
        used.sort();
        used.dedup();
        let sealed_keys = used.len() as u64;
        let expected = LicenceReport {
            kind: "temporary".to_owned(),
            keys,
            times_loaded: 1,
            sealed_keys,
            // VERSION, PROVISION, LOAD_LICENCE, and MAKE_KEY_BLOB for each key that is used.
            commands: 3 + sealed_keys,
        };
        assert_eq!(report.licence, Some(expected), "{}", vector.file);
        assert!(report.tracks.iter().all(|track| track.recoveries == 0), "{}", vector.file);
    }
}

#[test]
fn licence_under_protection_gives_the_clear_samples() {
    decrypt_all(ENVIRONMENT, Protection::Required, 7);
}

#[test]
fn licence_on_a_driver_like_hardware_gives_the_clear_samples() {
    decrypt_all("capabilities.profile=hardware-like", Protection::Required, 30);
}

#[test]
fn licence_without_a_channel_gives_the_clear_samples() {
    decrypt_all(ENVIRONMENT, Protection::Without, 0);
}

#[test]
fn licence_and_keys_give_the_same_bytes() {
    let setup = Setup::new();
    let driver = setup.driver(ENVIRONMENT);
    for vector in Manifest::read().with_outcome("decrypts") {
        run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap();
        let by_keys = std::fs::read(setup.output()).unwrap();
        run(&driver, &options(&setup, &vector)).unwrap();
        assert!(std::fs::read(setup.output()).unwrap() == by_keys, "{}", vector.file);
    }
}

#[test]
fn driver_without_environment_is_refused() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let error = run(&setup.driver(""), &options(&setup, &vector)).unwrap_err();
    assert!(matches!(error, DecryptError::Licence { source: LicenceFailure::NotOffered }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn kid_that_the_licence_lacks_is_named_before_anything_is_written() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("gpac-cenc-two-keys.mp4");
    let keys = vector.keys();
    let options = DecryptOptions { licence: Some(licence(&keys[..1])), ..options(&setup, &vector) };
    let error = run(&setup.driver(ENVIRONMENT), &options).unwrap_err();
    let DecryptError::NotInLicence { keys: wanted } = error else { panic!("{error}") };
    let wanted: Vec<_> =
        wanted.iter().map(|key| (softcp_player::KidText(key.kid).to_string(), key.is_missing)).collect();
    assert_eq!(wanted, [(keys[0][..32].to_owned(), false), (keys[1][..32].to_owned(), true)]);
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn licence_longer_than_the_environment_takes_is_refused() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let json = [licence(&vector.keys()).json(), &vec![b' '; 65_536]].concat();
    let device = setup.driver(ENVIRONMENT).create_device().unwrap();
    let failure = LicensedKeys::open(&device, Licence::parse(json).unwrap()).unwrap_err();
    assert!(matches!(failure, LicenceFailure::TooLong { limit: 65_536, .. }), "{failure}");
}

/// One command of the client to the environment behind a driver.
fn command<C: ClearKeyCommand>(session: &mut Session, command: &C) -> Result<C::Answer, ClearKeyError> {
    let room = u32::try_from(command.room()).unwrap();
    let (function, input) = (command.function(), command.input());
    let answer = session.execute(&SecureCommand { function, input, room, ..SecureCommand::default() }).unwrap();
    command.open(answer.status.0, &answer.output)
}

#[test]
fn licence_of_a_revoked_key_is_refused_until_a_teardown() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let (driver, options) = (setup.driver(ENVIRONMENT), options(&setup, &vector));
    let licence = options.licence.as_ref().unwrap();
    let kid = licence.kids()[0];
    let desc = CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION,
    };
    let mut session = driver.create_device().unwrap().create_session(&desc).unwrap();
    let refused = |status| Err(ClearKeyError::Refused(status));

    assert_eq!(command(&mut session, &Version).unwrap().version, 1);
    assert_eq!(command(&mut session, &Revoke { kid: Some(kid) }), refused(Status::NotProvisioned));
    assert_eq!(command(&mut session, &Provision), Ok(1));
    assert_eq!(command(&mut session, &MakeKeyBlob { kid }).map(|_| 0), refused(Status::UnknownKid));
    assert_eq!(command(&mut session, &LoadLicence { licence }).unwrap().kids, licence.kids());
    assert_eq!(command(&mut session, &MakeKeyBlob { kid }).unwrap().as_bytes().len(), 64);
    assert_eq!(command(&mut session, &Revoke { kid: None }), Ok(1));
    assert_eq!(command(&mut session, &MakeKeyBlob { kid }).map(|_| 0), refused(Status::Revoked));

    let error = run(&driver, &options).unwrap_err();
    let DecryptError::Licence { source: LicenceFailure::Command { command: name, source } } = error else {
        panic!("{error}")
    };
    assert_eq!((name, source), ("LOAD_LICENCE", ClearKeyError::Refused(Status::Revoked)));
    assert_eq!(setup.files(), [""; 0]);

    assert_eq!(command(&mut session, &TearDown), Ok(()));
    run(&driver, &options).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
}

/// Decrypts a file while a driver is torn down; how often, and the report.
fn torn(setup: &Setup, options: &DecryptOptions, driver_options: &str, seed: u64, one_in: u64) -> (u64, DecryptReport) {
    let driver = tearing::driver(&setup.driver_options(driver_options));
    tearing::plan(seed, one_in);
    let report = run(&driver, options).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    (tearing::teardowns(), report)
}

fn same(path: &Path, expected: &[u8]) -> bool {
    std::fs::read(path).unwrap() == expected
}

#[test]
fn driver_that_stays_up_needs_no_recovery() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let (teardowns, report) = torn(&setup, &options(&setup, &vector), ENVIRONMENT, 1, 0);
    assert_eq!((teardowns, report.tracks[0].recoveries), (0, 0));
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
}

#[test]
fn teardowns_at_random_lose_no_byte() {
    let setup = Setup::new();
    let (mut teardowns, mut recoveries, mut loaded) = (0, 0, 0);
    for vector in Manifest::read().with_outcome("decrypts") {
        run(&setup.driver(""), &setup.options(&vector.path(), &vector.keys())).unwrap();
        let expected = std::fs::read(setup.output()).unwrap();
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{}", vector.file);
        for seed in 0..6 {
            let driver_options = [ENVIRONMENT, "capabilities.profile=hardware-like;"][usize::from(seed % 3 == 2)];
            let protection = if seed % 4 == 3 { Protection::Without } else { Protection::Required };
            let refresh_every = [30, 1, 7, 0, 2, 3][usize::try_from(seed).unwrap()];
            let options = DecryptOptions { protection, refresh_every, ..options(&setup, &vector) };
            let one_in = [30, 100, 300][usize::try_from(seed / 2).unwrap()];
            let (torn_down, report) = torn(&setup, &options, driver_options, seed, one_in);
            assert!(same(&setup.output(), &expected), "{} with seed {seed}", vector.file);
            teardowns += torn_down;
            recoveries += report.tracks.iter().map(|track| track.recoveries).sum::<u64>();
            loaded += report.licence.unwrap().times_loaded - 1;
        }
    }
    // The plan is carried out, and teardowns of either kind have been recovered from.
    assert!(teardowns > 500 && recoveries > 300 && loaded > 100, "{teardowns} {recoveries} {loaded}");
}

#[test]
fn teardowns_at_random_lose_no_byte_of_given_keys_either() {
    for file in ["ff-cenc-faststart.mp4", "gpac-cbcs.mp4", "gpac-cenc-cbcs.mp4", "pk-cbc1-v.mp4"] {
        teardowns_lose_no_byte_of(&Manifest::read().vector(file));
    }
}

fn teardowns_lose_no_byte_of(vector: &Vector) {
    let setup = Setup::new();
    for seed in 0..20 {
        let driver_options = ["", "capabilities.profile=hardware-like"][usize::from(seed % 2 == 1)];
        let options = setup.options(&vector.path(), &vector.keys());
        let (teardowns, report) = torn(&setup, &options, driver_options, seed, 20);
        assert!(teardowns > 0 && report.licence.is_none());
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "seed {seed}");
    }
}

#[test]
fn driver_that_is_torn_down_at_every_call_is_given_up() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let driver = tearing::driver(&setup.driver_options(ENVIRONMENT));
    tearing::plan(7, 1);
    let error = run(&driver, &options(&setup, &vector)).unwrap_err();
    assert!(matches!(error, DecryptError::Licence { .. } | DecryptError::Path { .. }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}
