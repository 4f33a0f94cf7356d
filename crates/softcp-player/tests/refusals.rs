//! Files, options and keys that are refused, and damaged files.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::fs;

use common::{Manifest, Setup, clear_samples, run, vectors};
use serde::Deserialize;
use softcp_files::OutputError;
use softcp_player::{ChannelFailure, DecryptError, DecryptOptions, PathError, Progress, Protection, Trust, decrypt};

const VECTOR: &str = "ff-cenc-faststart.mp4";

/// Options for a good file.
fn good(setup: &Setup) -> DecryptOptions {
    let vector = Manifest::read().vector(VECTOR);
    setup.options(&vector.path(), &vector.keys())
}

#[derive(Deserialize)]
struct Hostile {
    keys: Vec<String>,
    file: Vec<HostileFile>,
}

#[derive(Deserialize)]
struct HostileFile {
    file: String,
    expect: String,
}

#[test]
fn hostile_files_are_refused_or_decrypt_as_expected() {
    let setup = Setup::new();
    let driver = setup.driver("");
    let folder = vectors().join("hostile");
    let hostile: Hostile = toml::from_str(&fs::read_to_string(folder.join("manifest.toml")).unwrap()).unwrap();
    let oracle: Vec<_> = Manifest::read().vector("short-plain.mp4").oracle().into_values().collect();
    assert!(hostile.file.len() > 80);
    for file in hostile.file {
        let _ = fs::remove_file(setup.output());
        let result = run(&driver, &setup.options(&folder.join(&file.file), &hostile.keys));
        match (file.expect.as_str(), &result) {
            ("error" | "error-or-clear", Err(_)) | ("any", _) => {}
            ("error-or-clear", Ok(_)) => {
                let samples: Vec<_> = clear_samples(&setup.output()).into_values().collect();
                assert!(samples.iter().all(|samples| oracle.contains(samples)), "{}", file.file);
            }
            ("altered", Ok(_)) => {
                let samples: Vec<_> = clear_samples(&setup.output()).into_values().collect();
                assert!(!samples.iter().all(|samples| oracle.contains(samples)), "{}", file.file);
            }
            (expect, result) => panic!("{}: expected {expect}, got {result:?}", file.file),
        }
        let expected: &[&str] = if result.is_ok() { &["clear.mp4"] } else { &[] };
        assert_eq!(setup.files(), expected, "{}", file.file);
    }
}

#[test]
fn wrong_key_gives_other_samples() {
    let setup = Setup::new();
    let vector = Manifest::read().vector(VECTOR);
    let (kid, _) = vector.track[0].keys[0].split_once(':').unwrap();
    let wrong = format!("{kid}:ffffffffffffffffffffffffffffffff");
    run(&setup.driver(""), &setup.options(&vector.path(), &[wrong])).unwrap();
    let samples = clear_samples(&setup.output());
    for (track_id, (count, hash)) in vector.oracle() {
        assert_eq!(samples[&track_id].0, count);
        assert_ne!(samples[&track_id].1, hash);
    }
}

#[test]
fn missing_key_names_track_kid_and_option_and_writes_nothing() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("gpac-cenc-two-keys.mp4");
    let keys = &vector.track[0].keys;
    let error = run(&setup.driver(""), &setup.options(&vector.path(), keys)).unwrap_err();
    assert!(matches!(error, DecryptError::MissingKey { .. }), "{error}");
    let (kid, _) = vector.track[1].keys[0].split_once(':').unwrap();
    let text = error.to_string();
    assert!(text.contains(kid) && text.contains("track 2 (soun)"), "{text}");
    // The other key of the file is named too.
    assert!(text.contains(&vector.track[0].keys[0][..32]), "{text}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn missing_key_of_a_later_sample_names_kid_and_leaves_nothing() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("pk-cenc-rotate-v.mp4");
    let (last, others) = vector.track[0].keys.split_last().unwrap();
    let error = run(&setup.driver(""), &setup.options(&vector.path(), others)).unwrap_err();
    let (kid, _) = last.split_once(':').unwrap();
    assert!(matches!(error, DecryptError::MissingKey { .. }), "{error}");
    assert!(error.to_string().contains(kid), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn clear_file_is_refused_as_not_encrypted() {
    let setup = Setup::new();
    let error = run(&setup.driver(""), &setup.options(&vectors().join("clear.mp4"), &[])).unwrap_err();
    assert!(matches!(error, DecryptError::NotEncrypted { tracks: 2, .. }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn selection_of_a_track_that_is_not_there_lists_the_tracks() {
    let setup = Setup::new();
    let mut options = good(&setup);
    options.tracks = Some(vec![9]);
    let error = run(&setup.driver(""), &options).unwrap_err();
    assert!(matches!(error, DecryptError::NoSuchTrack { track_id: 9, .. }), "{error}");
    assert!(error.to_string().contains("1, 2"), "{error}");
}

#[test]
fn selection_of_a_clear_track_is_refused() {
    let setup = Setup::new();
    let vector = Manifest::read().vector("gpac-cenc-clear-audio.mp4");
    let clear = vector.track.iter().find(|track| track.keys.is_empty()).unwrap().id;
    let mut options = setup.options(&vector.path(), &vector.keys());
    options.tracks = Some(vec![clear]);
    let error = run(&setup.driver(""), &options).unwrap_err();
    assert!(matches!(error, DecryptError::ClearTrack { track_id } if track_id == clear), "{error}");
}

#[test]
fn input_that_does_not_exist_is_named() {
    let setup = Setup::new();
    let error = run(&setup.driver(""), &setup.options(&vectors().join("no-such.mp4"), &[])).unwrap_err();
    assert!(matches!(error, DecryptError::OpenInput { .. }), "{error}");
    assert!(error.to_string().contains("no-such.mp4"), "{error}");
}

#[test]
fn output_that_exists_is_kept_unless_overwriting_is_allowed() {
    let setup = Setup::new();
    fs::write(setup.output(), "mine").unwrap();
    let mut options = good(&setup);
    options.overwrite = false;
    let error = run(&setup.driver(""), &options).unwrap_err();
    assert!(matches!(error, DecryptError::Output(OutputError::Exists { .. })), "{error}");
    assert_eq!(fs::read(setup.output()).unwrap(), b"mine");
    options.overwrite = true;
    run(&setup.driver(""), &options).unwrap();
    assert_eq!(clear_samples(&setup.output()), Manifest::read().vector(VECTOR).oracle());
}

#[test]
fn output_that_appears_during_the_run_is_kept() {
    let setup = Setup::new();
    let mut options = good(&setup);
    options.overwrite = false;
    let output = setup.output();
    let error = decrypt(&setup.driver(""), &options, &mut |_| fs::write(&output, "mine").unwrap()).unwrap_err();
    assert!(matches!(error, DecryptError::Output(OutputError::Exists { .. })), "{error}");
    assert_eq!(fs::read(setup.output()).unwrap(), b"mine");
    assert_eq!(setup.files(), ["clear.mp4"]);
}

#[test]
fn failed_run_keeps_an_existing_output() {
    let setup = Setup::new();
    fs::write(setup.output(), "mine").unwrap();
    let vector = Manifest::read().vector("pk-cenc-rotate-v.mp4");
    let keys = &vector.track[0].keys[..1];
    run(&setup.driver(""), &setup.options(&vector.path(), keys)).unwrap_err();
    assert_eq!(fs::read(setup.output()).unwrap(), b"mine");
    assert_eq!(setup.files(), ["clear.mp4"]);
}

#[test]
fn output_that_is_the_input_is_refused() {
    let setup = Setup::new();
    let vector = Manifest::read().vector(VECTOR);
    fs::copy(vector.path(), setup.output()).unwrap();
    let by_another_way = setup.folder.path().join("identity/../clear.mp4");
    let error = run(&setup.driver(""), &setup.options(&by_another_way, &vector.keys())).unwrap_err();
    assert!(matches!(error, DecryptError::OutputIsInput { .. }), "{error}");
    assert_eq!(fs::read(setup.output()).unwrap(), fs::read(vector.path()).unwrap());
}

#[test]
fn output_that_is_a_directory_is_refused() {
    let setup = Setup::new();
    fs::create_dir(setup.output()).unwrap();
    let error = run(&setup.driver(""), &good(&setup)).unwrap_err();
    assert!(matches!(error, DecryptError::Output(OutputError::NotAFile { .. })), "{error}");
}

#[test]
fn output_in_a_directory_that_does_not_exist_is_refused() {
    let setup = Setup::new();
    let mut options = good(&setup);
    options.output = setup.folder.path().join("none").join("clear.mp4");
    let error = run(&setup.driver(""), &options).unwrap_err();
    assert!(matches!(error, DecryptError::Output(OutputError::NoDirectory { .. })), "{error}");
}

#[test]
fn driver_with_another_root_is_not_trusted_and_nothing_is_written() {
    let (setup, other) = (Setup::new(), Setup::new());
    let error = run(&other.driver(""), &good(&setup)).unwrap_err();
    assert!(matches!(&error, DecryptError::Channel { source: ChannelFailure::Untrusted(_) }), "{error}");
    let options = DecryptOptions { protection: Protection::Without, ..good(&setup) };
    let error = run(&other.driver(""), &options).unwrap_err();
    assert!(matches!(&error, DecryptError::Path { sample: None, source: PathError::Untrusted(_), .. }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}

#[test]
fn trust_in_anyone_is_noted_in_the_report() {
    let (setup, other) = (Setup::new(), Setup::new());
    let mut options = good(&setup);
    options.trust = Trust::Anyone;
    let report = run(&other.driver(""), &options).unwrap();
    assert!(!report.certificate_verified);
    assert!(report.notes.iter().any(|note| note.contains("certificate")), "{:?}", report.notes);
    assert_eq!(clear_samples(&setup.output()), Manifest::read().vector(VECTOR).oracle());
}

#[test]
fn capabilities_that_are_missing_are_named() {
    let setup = Setup::new();
    for (options, capability) in [
        ("capabilities.flags.decryption_blt=false", "DECRYPTION_BLT"),
        ("capabilities.flags.content_key=false", "CONTENT_KEY"),
        (
            "capabilities.flags.encrypted_read_back_key=false;capabilities.flags.encrypted_read_back=false",
            "ENCRYPTED_READ_BACK",
        ),
        (
            "capabilities.flags.protection_always_on=true;capabilities.flags.encrypted_read_back_key=false;\
             capabilities.flags.encrypted_read_back=false",
            "ENCRYPTED_READ_BACK",
        ),
    ] {
        let error = run(&setup.driver(options), &good(&setup)).unwrap_err();
        let DecryptError::Path { source: PathError::NotOffered { capability: named, .. }, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(*named, capability);
        assert_eq!(setup.files(), [""; 0]);
    }
}

#[test]
fn driver_without_read_back_decrypts_without_protection_and_the_error_names_the_option() {
    let setup = Setup::new();
    let driver =
        setup.driver("capabilities.flags.encrypted_read_back_key=false;capabilities.flags.encrypted_read_back=false");
    let error = run(&driver, &good(&setup)).unwrap_err();
    assert!(error.to_string().contains("--without-channel"), "{error}");
    let report = run(&driver, &DecryptOptions { protection: Protection::Without, ..good(&setup) }).unwrap();
    assert_eq!(report.channel, None);
    assert!(report.notes.iter().any(|note| note.contains("protection was not switched on")), "{:?}", report.notes);
    assert_eq!(clear_samples(&setup.output()), Manifest::read().vector(VECTOR).oracle());
}

#[test]
fn driver_without_refresh_decrypts_and_says_so() {
    let setup = Setup::new();
    let driver = setup.driver("capabilities.flags.freshen_session_key=false");
    let report = run(&driver, &good(&setup)).unwrap();
    assert_eq!(report.refreshes, 0);
    assert!(report.notes.iter().any(|note| note.contains("FRESHEN_SESSION_KEY")), "{:?}", report.notes);
    assert_eq!(clear_samples(&setup.output()), Manifest::read().vector(VECTOR).oracle());
}

#[test]
fn progress_ends_at_the_length_of_the_file() {
    let setup = Setup::new();
    let options = good(&setup);
    let mut seen = Vec::new();
    decrypt(&setup.driver(""), &options, &mut |progress| seen.push(progress)).unwrap();
    let total = fs::metadata(&options.input).unwrap().len();
    assert_eq!(seen.last(), Some(&Progress { bytes: total, total: Some(total) }));
    assert_eq!(fs::metadata(setup.output()).unwrap().len(), total);
}
