//! Faults on purpose, and how the player survives each.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::{Manifest, Setup, Vector, clear_samples, run};
use softcp_player::{DecryptError, DecryptOptions, DecryptReport, Remedy, Trust};

fn vector() -> Vector {
    Manifest::read().vector("ff-cenc-frag-video.mp4")
}

fn options(setup: &Setup, restarts: u32) -> DecryptOptions {
    let vector = vector();
    DecryptOptions { refresh_every: 5, restarts, ..setup.options(&vector.path(), &vector.keys()) }
}

/// Decrypts with faults in the driver.
fn with_faults(setup: &Setup, faults: &str, restarts: u32) -> Result<DecryptReport, DecryptError> {
    let driver = setup.driver(&format!("faults.list={faults}"));
    run(&driver, &options(setup, restarts))
}

/// Decrypts with faults in the driver and checks every sample.
fn survive(faults: &str, restarts: u32) -> DecryptReport {
    let setup = Setup::new();
    let report = with_faults(&setup, faults, restarts).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector().oracle(), "{faults}");
    assert_eq!(setup.files(), ["clear.mp4"], "{faults}");
    report
}

/// What was done, and at which sample first; the text of what was seen.
fn incidents(report: &DecryptReport) -> Vec<(Remedy, Option<u64>, u64, &str)> {
    let seen = report.incidents.iter();
    seen.map(|incident| (incident.remedy, incident.sample, incident.times, incident.error.as_str())).collect()
}

#[test]
fn run_without_faults_has_no_incidents() {
    assert_eq!(incidents(&survive("", 3)), []);
}

#[test]
fn every_fault_that_needs_a_new_device_is_survived_where_it_occurs() {
    for (fault, sample, text) in [
        ("device-removed at=20", Some(1), "DEVICEREMOVED"),
        ("device-removed", None, "DEVICEREMOVED"),
        ("protected-memory-exhausted", Some(0), "E_OUTOFMEMORY"),
        ("out-of-memory", None, "E_OUTOFMEMORY"),
        ("out-of-memory at=3", None, "E_OUTOFMEMORY"),
        ("unsupported-crypto", None, "D3DERR_UNSUPPORTEDCRYPTO"),
        ("certificate-expired", None, "expired"),
        ("certificate-wrong-root", None, "not among the trusted roots"),
        ("certificate-wrong-key", None, "signature"),
        ("certificate-wrong-key at=2", None, "signature"),
        ("certificate-revoked", None, "has been revoked by its issuer"),
        ("certificate-revoked at=2", None, "has been revoked by its issuer"),
        ("wrong-mac", None, "forged"),
        ("wrong-mac at=7", None, "forged"),
    ] {
        let report = survive(fault, 1);
        let [(Remedy::StartOver, seen, 1, error)] = incidents(&report)[..] else {
            panic!("{fault}: {:?}", report.incidents)
        };
        assert_eq!(seen.is_some(), sample.is_some(), "{fault}: {seen:?} {error}");
        assert!(error.contains(text), "{fault}: {error}");
        assert_eq!(report.samples, 50, "{fault}");
        assert!(report.channel.unwrap().protection_off_again, "{fault}");
    }
}

#[test]
fn wrong_mac_at_the_end_is_survived_too() {
    // The last answers are those to PROTECTION off and to the query that confirms it.
    let answers = {
        let channel = survive("", 0).channel.unwrap();
        channel.commands + channel.queries
    };
    for last in [answers - 1, answers] {
        let report = survive(&format!("wrong-mac at={last}"), 1);
        assert!(matches!(incidents(&report)[..], [(Remedy::StartOver, None, 1, _)]), "{:?}", report.incidents);
        assert!(report.channel.unwrap().protection_off_again);
    }
}

#[test]
fn devices_removed_all_the_time_lose_no_sample() {
    let report = survive("device-removed every=17", 100);
    let restarts: u64 = report.incidents.iter().map(|incident| incident.times).sum();
    assert!(restarts > 3, "{restarts}");
    assert_eq!(report.tracks[0].samples, 50);
}

#[test]
fn without_restarts_such_a_fault_ends_the_run_and_leaves_nothing() {
    for fault in ["device-removed at=20", "certificate-wrong-root", "wrong-mac at=3", "protected-memory-exhausted"] {
        let setup = Setup::new();
        with_faults(&setup, fault, 0).unwrap_err();
        assert_eq!(setup.files(), [""; 0], "{fault}");
    }
}

#[test]
fn fault_that_stays_ends_the_run_after_the_restarts() {
    let setup = Setup::new();
    let error = with_faults(&setup, "certificate-wrong-root every=1", 5).unwrap_err();
    assert!(error.to_string().contains("not among the trusted roots"), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn wrong_key_that_nobody_checks_is_survived_after_the_key_exchange() {
    let setup = Setup::new();
    let driver = setup.driver("faults.list=certificate-wrong-key");
    let options = DecryptOptions { trust: Trust::Anyone, ..options(&setup, 1) };
    let report = run(&driver, &options).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector().oracle());
    let [(Remedy::StartOver, None, 1, error)] = incidents(&report)[..] else { panic!("{:?}", report.incidents) };
    assert!(error.contains("E_INVALIDARG"), "{error}");
}

#[test]
fn revoked_driver_is_not_used_unless_nobody_checks_it() {
    let setup = Setup::new();
    let error = with_faults(&setup, "certificate-revoked every=1", 2).unwrap_err();
    assert!(error.to_string().contains("has been revoked by its issuer"), "{error}");
    assert_eq!(setup.files(), [""; 0]);

    let driver = setup.driver("faults.list=certificate-revoked every=1");
    let report = run(&driver, &DecryptOptions { trust: Trust::Anyone, ..options(&setup, 0) }).unwrap();
    assert_eq!((clear_samples(&setup.output()), incidents(&report)), (vector().oracle(), vec![]));
}

#[test]
fn refused_refresh_is_asked_for_again_at_the_next_sample() {
    let clean = survive("", 0).refreshes;
    let report = survive("refresh-refused at=2 times=3", 0);
    let [(Remedy::RefreshLater, Some(sample), 3, error)] = incidents(&report)[..] else {
        panic!("{:?}", report.incidents)
    };
    assert_eq!(sample, 10);
    assert!(error.contains("StartSessionKeyRefresh") && error.contains("E_FAIL"), "{error}");
    assert_eq!(report.refreshes, clean);
}

#[test]
fn driver_that_never_refreshes_is_given_up() {
    let setup = Setup::new();
    let error = with_faults(&setup, "refresh-refused every=1", 0).unwrap_err();
    let DecryptError::Path { sample: Some(21), .. } = error else { panic!("{error}") };
    assert!(error.to_string().contains("StartSessionKeyRefresh"), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn repeated_random_number_is_not_used() {
    let report = survive("repeated-random-number times=2", 0);
    let [(Remedy::RefreshAgain, Some(_), 2, error)] = incidents(&report)[..] else { panic!("{:?}", report.incidents) };
    assert!(error.contains("random number"), "{error}");
    let setup = Setup::new();
    let error = with_faults(&setup, "repeated-random-number every=1", 0).unwrap_err();
    assert!(error.to_string().contains("random number"), "{error}");
}

#[test]
fn lost_keys_are_told_with_their_first_sample() {
    for fault in ["key-lost at=20 times=2", "key-and-content-lost at=20 times=2"] {
        let report = survive(fault, 0);
        let [(Remedy::NewKeys, Some(_), 2, error)] = incidents(&report)[..] else { panic!("{:?}", report.incidents) };
        assert!(error.contains("0x8876086C"), "{error}");
    }
}

#[test]
fn slow_key_exchange_is_waited_for_and_told() {
    let report = survive("slow-key-exchange delay=600ms", 0);
    assert!(matches!(incidents(&report)[..], [(Remedy::Wait, None, 1, _)]), "{:?}", report.incidents);
}

#[test]
fn faults_in_files_of_cbc_are_survived_as_others_are() {
    for file in ["pk-cbcs-v.mp4", "gpac-cbc1.mp4", "gpac-cenc-cbcs.mp4"] {
        let vector = Manifest::read().vector(file);
        for (fault, restarts) in [
            ("device-removed at=20", 1),
            ("device-removed every=37", 100),
            ("protected-memory-exhausted", 1),
            ("protected-memory-exhausted at=3", 1),
            ("out-of-memory", 1),
            ("out-of-memory at=3", 1),
            ("unsupported-crypto", 1),
            ("certificate-wrong-key at=2", 1),
            ("wrong-mac at=7", 1),
            ("key-lost at=20 times=2", 0),
            ("key-lost every=7", 0),
            ("key-and-content-lost every=7", 0),
        ] {
            let setup = Setup::new();
            let driver = setup.driver(&format!("faults.list={fault}"));
            let options =
                DecryptOptions { refresh_every: 5, restarts, ..setup.options(&vector.path(), &vector.keys()) };
            let report = run(&driver, &options).unwrap_or_else(|error| panic!("{file} {fault}: {error}"));
            assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{file} {fault}");
            let remedy = if restarts == 0 { Remedy::NewKeys } else { Remedy::StartOver };
            assert!(incidents(&report).iter().any(|incident| incident.0 == remedy), "{file} {fault}: {report:?}");
        }
    }
}
