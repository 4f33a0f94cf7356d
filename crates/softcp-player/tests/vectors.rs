//! Real encrypted files against the hashes of their clear sources.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::{Manifest, Setup, Vector, clear_samples, run};
use softcp_player::{ChannelReport, DecryptError, DecryptReport, PathError, Protection};

/// Decrypts every file under protection, and compares every sample with the oracle.
fn decrypt_all(driver_options: &str, refresh_every: u32) {
    decrypt_all_under(Protection::Required, driver_options, refresh_every);
}

fn decrypt_all_under(protection: Protection, driver_options: &str, refresh_every: u32) {
    let setup = Setup::new();
    let driver = setup.driver(driver_options);
    for vector in Manifest::read().with_outcome("decrypts") {
        let mut options = setup.options(&vector.path(), &vector.keys());
        options.refresh_every = refresh_every;
        options.protection = protection;
        if let Some(expected) = refused(&vector, protection) {
            let error = run(&driver, &options).unwrap_err();
            assert!(error.to_string().contains(expected), "{}: {error}", vector.file);
            assert_eq!(setup.files(), [""; 0], "{}", vector.file);
            continue;
        }
        let report = run(&driver, &options).unwrap_or_else(|error| panic!("{}: {error}", vector.file));
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{}", vector.file);

        let protected: u64 = vector.track.iter().map(|track| track.protected_samples).sum();
        assert!(report.bytes_encrypted > 0 && report.blits >= 1, "{}", vector.file);
        assert_eq!(report.sessions, vector.track.iter().filter(|track| !track.keys.is_empty()).count() as u64);
        check_channel(&report, protection, driver_options);
        for track in &vector.track {
            let reported = report.tracks.iter().find(|reported| reported.id == track.id).unwrap();
            let expected = if track.keys.is_empty() { 0 } else { track.samples };
            assert_eq!(reported.samples, expected, "{} track {}", vector.file, track.id);
            // A refresh before each sample that has `refresh_every` samples since the last one in front of it.
            let refreshes = match refresh_every {
                0 => 0,
                every => track.protected_samples.saturating_sub(1) / u64::from(every),
            };
            assert_eq!(reported.refreshes, refreshes, "{} track {}", vector.file, track.id);
        }
        assert!(report.samples >= protected, "{}", vector.file);
        assert_eq!(setup.files(), ["clear.mp4"], "{}", vector.file);
        std::fs::remove_file(setup.output()).unwrap();
    }
}

/// What a file of AES-CBC lacks: without a channel, decoders take no content key.
fn refused(vector: &Vector, protection: Protection) -> Option<&'static str> {
    (vector.has_cbc() && protection == Protection::Without).then_some("authenticated channel")
}

fn check_channel(report: &DecryptReport, protection: Protection, driver_options: &str) {
    let sessions = report.sessions;
    let expected = (protection == Protection::Required).then(|| ChannelReport {
        channel_type: "driver software".to_owned(),
        certificate_verified: true,
        protection_on: true,
        protection_off_again: !driver_options.contains("protection_always_on"),
        sessions_bound: sessions,
        // INITIALIZE, PROTECTION on and off, and CRYPTO_SESSION for each session.
        commands: 3 + sessions,
        // CHANNEL_TYPE, DEVICE_HANDLE, PROTECTION before and after each change, and CRYPTO_SESSION for each session.
        queries: 5 + sessions,
        answers_verified: 8 + 2 * sessions,
    });
    assert_eq!(report.channel, expected);
}

#[test]
fn decrypt_with_refresh_every_30_gives_the_clear_samples() {
    decrypt_all("", 30);
}

#[test]
fn decrypt_with_refresh_every_sample_gives_the_clear_samples() {
    decrypt_all("", 1);
}

#[test]
fn decrypt_with_refresh_every_7_gives_the_clear_samples() {
    decrypt_all("", 7);
}

#[test]
fn decrypt_without_refresh_gives_the_clear_samples() {
    decrypt_all("", 0);
}

#[test]
fn decrypt_with_block_alignment_16_gives_the_clear_samples() {
    decrypt_all("capabilities.block_alignment=16", 30);
}

#[test]
fn decrypt_with_block_alignment_64_gives_the_clear_samples() {
    decrypt_all("capabilities.block_alignment=64", 30);
}

#[test]
fn decrypt_without_partial_decryption_gives_the_clear_samples() {
    decrypt_all("capabilities.flags.partial_decryption=false", 30);
}

#[test]
fn decrypt_with_protection_always_on_gives_the_clear_samples() {
    decrypt_all("capabilities.flags.protection_always_on=true", 7);
}

#[test]
fn decrypt_with_protection_always_on_and_no_read_back_key_gives_the_clear_samples() {
    decrypt_all("capabilities.flags.protection_always_on=true;capabilities.flags.encrypted_read_back_key=false", 7);
}

#[test]
fn decrypt_without_a_channel_gives_the_clear_samples() {
    for options in [
        "",
        "capabilities.profile=hardware-like",
        "capabilities.flags.partial_decryption=false",
        "capabilities.flags.protection_always_on=true",
    ] {
        decrypt_all_under(Protection::Without, options, 7);
    }
}

#[test]
fn decrypt_with_der_certificates_gives_the_clear_samples() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("ff-cenc-faststart.mp4");
    let driver = setup.driver("identity.encoding=der");
    run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
}

#[test]
fn decrypt_with_ivs_that_must_increase_gives_the_clear_samples() {
    decrypt_all("capabilities.profile=hardware-like", 30);
}

#[test]
fn decrypt_cbc_schemes_needs_no_decryption_blt() {
    let setup = Setup::new();
    let driver = setup.driver("capabilities.flags.decryption_blt=false");
    for file in ["pk-cbc1-v.mp4", "pk-cbcs-v.mp4", "gpac-cbcs.mp4"] {
        let vector = Manifest::read().vector(file);
        run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap();
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{file}");
    }
    // A track of `cenc` beside one of `cbcs` needs it all the same.
    let vector = Manifest::read().vector("gpac-cenc-cbcs.mp4");
    let error = run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap_err();
    let named = |error: &PathError| matches!(error, PathError::NotOffered { capability: "DECRYPTION_BLT", .. });
    assert!(matches!(&error, DecryptError::Path { track_id: 1, source, .. } if named(source)), "{error}");
}

#[test]
fn decrypt_piff_gives_the_clear_samples() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("gpac-piff.mp4");
    // The manifest has them in the packager's command.
    let keys = [
        "1a2b3c4d5e6f70819203142536475869:0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
        "a1b2c3d4e5f60718293a4b5c6d7e8f90:9c8d7e6f5a4b3c2d1e0fa1b2c3d4e5f6".to_owned(),
    ];
    let report = run(&setup.driver(""), &setup.options(&vector.path(), &keys)).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
    assert_eq!((report.file_notes, report.wrong_keys), (vec![], vec![]));
}

#[test]
fn decrypt_cens_audio_of_gpac_goes_to_the_last_byte_and_of_packager_does_not() {
    let setup = Setup::new();
    let driver = setup.driver("");
    for (file, notes) in [("gpac-cens-audio.mp4", &["encrypted-tail"][..]), ("pk-cens-a.mp4", &[])] {
        let vector = Manifest::read().vector(file);
        let report = run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap();
        assert_eq!(clear_samples(&setup.output()), vector.oracle(), "{file}");
        assert_eq!(report.file_notes.iter().map(|note| note.kind).collect::<Vec<_>>(), notes, "{file}");
    }
}

/// With its right keys no file gives a warning. Under wrong ones all do that are long enough, but for those of AV1 and of
/// video in blocks (`cens`, `cbcs`), whose slices end in the clear.
#[test]
fn wrong_keys_are_named_and_right_ones_never() {
    let setup = Setup::new();
    let driver = setup.driver("");
    let (mut tracks, mut noticed) = (0, Vec::new());
    for vector in Manifest::read().with_outcome("decrypts") {
        let report = run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap();
        assert_eq!(report.wrong_keys, [], "{}", vector.file);
        let wrong: Vec<_> = vector.keys().iter().map(|key| format!("{}:{}", &key[..32], "5a".repeat(16))).collect();
        let report = run(&driver, &setup.options(&vector.path(), &wrong)).unwrap();
        tracks += vector.track.iter().filter(|track| !track.keys.is_empty()).count();
        for key in &report.wrong_keys {
            assert!(wrong.iter().any(|wrong| wrong.starts_with(&key.kid)), "{}", vector.file);
            let handler = report.tracks.iter().find(|track| track.id == key.track_id).unwrap().handler.clone();
            noticed.push((vector.file.clone(), handler));
        }
        for track in &report.tracks {
            let of_key = |it: &common::VectorTrack| it.protected_samples / it.keys.len().max(1) as u64;
            let of_key = vector.track.iter().find(|it| it.id == track.id).map_or(0, of_key);
            let is_block_video = track.handler == "vide" && matches!(track.scheme.as_deref(), Some("cbcs" | "cens"));
            if of_key >= 30 && !is_block_video && track.codec != "av01" {
                assert!(report.wrong_keys.iter().any(|key| key.track_id == track.id), "{}: {track:?}", vector.file);
            }
        }
    }
    assert!(noticed.len() * 3 > tracks * 2, "{} of {tracks}", noticed.len());
}

#[test]
fn decrypt_one_track_leaves_the_other_as_it_is() {
    let setup = Setup::new();
    let vector: Vector = Manifest::read().vector("gpac-cenc-two-keys.mp4");
    let [first, second] = vector.track.as_slice() else { panic!("two tracks") };
    let mut options = setup.options(&vector.path(), &first.keys);
    options.tracks = Some(vec![first.id, first.id]);
    let report = run(&setup.driver(""), &options).unwrap();
    assert_eq!(report.sessions, 1);
    assert_eq!(report.tracks.iter().map(|track| track.decrypted).collect::<Vec<_>>(), [true, false]);
    assert!(report.notes.iter().any(|note| note.contains("stays encrypted")), "{:?}", report.notes);

    // What is left can be decrypted in a second run.
    let partly = setup.folder.path().join("partly.mp4");
    std::fs::rename(setup.output(), &partly).unwrap();
    run(&setup.driver(""), &setup.options(&partly, &second.keys)).unwrap();
    assert_eq!(clear_samples(&setup.output()), vector.oracle());
}
