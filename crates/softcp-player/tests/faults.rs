//! Drivers that fail, and what the player makes of it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
#[path = "common/faulty.rs"]
mod faulty;

use common::{Manifest, Setup, Vector, clear_samples, run};
use faulty::Fault;
use softcp_abi::{
    D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL, D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, E_FAIL,
};
use softcp_player::{ChannelFailure, DecryptError, DecryptOptions, PathError};
use softcp_runtime::{Error, HResult};

fn vector() -> Vector {
    Manifest::read().vector("ff-cenc-frag-video.mp4")
}

fn options(setup: &Setup) -> DecryptOptions {
    let vector = vector();
    DecryptOptions { refresh_every: 5, ..setup.options(&vector.path(), &vector.keys()) }
}

/// Runs with a fault; nothing is left behind.
fn error(fault: Fault) -> DecryptError {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    faulty::plan(fault);
    let error = run(&driver, &options(&setup)).unwrap_err();
    assert_eq!(setup.files(), [""; 0]);
    error
}

/// What went wrong with the path.
fn path_error(fault: Fault) -> (Option<u64>, PathError) {
    match error(fault) {
        DecryptError::Path { sample, source, .. } => (sample, source),
        other => panic!("{other}"),
    }
}

/// What went wrong with the channel.
fn channel_error(fault: Fault) -> ChannelFailure {
    match error(fault) {
        DecryptError::Channel { source } | DecryptError::Path { source: PathError::Channel(source), .. } => source,
        other => panic!("{other}"),
    }
}

#[test]
fn driver_without_a_fault_decrypts() {
    let setup = Setup::new();
    let report = run(&faulty::driver(&setup.driver_options("")), &options(&setup)).unwrap();
    assert_eq!((report.tracks[0].recoveries, report.refreshes), (0, 9));
    assert_eq!(clear_samples(&setup.output()), vector().oracle());
}

#[test]
fn block_alignment_that_makes_no_sense_is_lived_with() {
    for bytes in [0, 3, 1 << 31, u32::MAX] {
        let setup = Setup::new();
        let driver = faulty::driver(&setup.driver_options(""));
        faulty::plan(Fault::Alignment(bytes));
        run(&driver, &options(&setup)).unwrap();
        assert_eq!(clear_samples(&setup.output()), vector().oracle(), "{bytes}");
    }
}

#[test]
fn lost_key_is_negotiated_anew_wherever_it_is_lost() {
    let faults = [
        // In a refresh, and out of one.
        (Fault::LoseKeyAtBlit(0), 9),
        (Fault::LoseKeyAtBlit(5), 8),
        (Fault::LoseKeyAtBlit(7), 9),
        (Fault::LoseKeyAtStart, 8),
        (Fault::LoseKeyAtFinish, 8),
    ];
    for (more, (fault, refreshes)) in ["", "capabilities.flags.protection_always_on=true;"]
        .into_iter()
        .flat_map(|more| faults.into_iter().map(move |fault| (more, fault)))
    {
        let setup = Setup::new();
        let driver = faulty::driver(&setup.driver_options(more));
        faulty::plan(fault);
        let report = run(&driver, &options(&setup)).unwrap();
        assert_eq!((report.tracks[0].recoveries, report.refreshes), (1, refreshes), "{fault:?}");
        assert_eq!(clear_samples(&setup.output()), vector().oracle(), "{fault:?}");
    }
}

#[test]
fn failed_blit_names_sample_entry_and_text() {
    let (sample, error) = path_error(Fault::FailBlit(3));
    assert_eq!(sample, Some(3));
    let PathError::Driver(Error::Driver(error)) = error else { panic!("{error}") };
    assert_eq!(error.hresult, HResult(E_FAIL));
    assert_eq!(error.to_string(), "DecryptionBlt: E_FAIL (0x80004005): the engine is on fire");
}

#[test]
fn refresh_that_always_fails_ends_the_run() {
    let (sample, error) = path_error(Fault::FailStart);
    // After the fifth sample it is due, and asked for at that one and the 16 that follow.
    assert_eq!(sample, Some(21));
    assert!(error.to_string().contains("StartSessionKeyRefresh"), "{error}");
}

#[test]
fn blank_certificate_is_refused() {
    let (sample, error) = path_error(Fault::BlankCertificate(D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION));
    assert!(sample.is_none() && matches!(error, PathError::Certificate(_)), "{error}");
    let error = channel_error(Fault::BlankCertificate(D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL));
    assert!(matches!(error, ChannelFailure::Certificate(_)), "{error}");
}

#[test]
fn driver_without_key_exchange_is_refused() {
    let (sample, error) = path_error(Fault::NoKeyExchange);
    assert!(sample.is_none() && matches!(error, PathError::NoKeyExchange), "{error}");
}

#[test]
fn mapping_shorter_than_the_buffer_is_refused() {
    let (_, error) = path_error(Fault::ShortMapping);
    let PathError::ShortMapping { mapped, expected } = error else { panic!("{error}") };
    assert_eq!(mapped + 1, expected);
}

#[test]
fn table_without_decryption_blt_is_refused_by_name() {
    let (_, error) = path_error(Fault::NoDecryptionBlt);
    assert!(matches!(error, PathError::Driver(Error::MissingEntry { function: "DecryptionBlt" })), "{error}");
}

/// Runs a file of AES-CBC; nothing is left behind.
fn cbc_error(fault: Option<Fault>) -> PathError {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    if let Some(fault) = fault {
        faulty::plan(fault);
    }
    let vector = Manifest::read().vector("pk-cbcs-v.mp4");
    let error = run(&driver, &setup.options(&vector.path(), &vector.keys())).unwrap_err();
    assert_eq!(setup.files(), [""; 0]);
    match error {
        DecryptError::Path { sample: None, source, .. } => source,
        other => panic!("{other}"),
    }
}

#[test]
fn table_without_stripes_is_named_for_cbc() {
    let error = cbc_error(None);
    let PathError::NoStripes { entry, sub_device_id } = &error else { panic!("{error}") };
    assert_eq!((*entry, *sub_device_id), ("VideoDecoderSubmitBuffers2", 3));
    let text = error.to_string();
    assert!(text.contains("WDDM 2.4 (sub-devices 6 and 7)") && text.contains("'cbcs' and 'cbc1'"), "{text}");
}

#[test]
fn driver_that_makes_no_decoder_for_cbc_is_told_apart() {
    let error = cbc_error(Some(Fault::NoCbcDecoder));
    assert!(matches!(error, PathError::NoCbcDecoder(_)), "{error}");
    assert!(error.to_string().contains("D3DERR_UNSUPPORTEDCRYPTO"), "{error}");
}
