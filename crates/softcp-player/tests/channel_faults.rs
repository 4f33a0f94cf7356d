//! Drivers whose channels lie, and somebody between player and driver: what the player makes of it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
#[path = "common/faulty.rs"]
mod faulty;

use std::mem::offset_of;

use common::{Manifest, Setup, Vector, clear_samples, run};
use faulty::Fault;
use faulty::forger::{self, Attack, Missing};
use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
    D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, D3D11_AUTHENTICATED_QUERY_PROTECTION,
    D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT, E_FAIL, E_INVALIDARG, GUID, S_OK,
};
use softcp_client::{Answer, AnswerError, ChannelType};
use softcp_player::{ChannelFailure, DecryptError, DecryptOptions, PathError, Protection};
use softcp_runtime::HResult;

const ON: u32 = 1;
const OFF: u32 = 0;

fn vector() -> Vector {
    Manifest::read().vector("ff-cenc-frag-video.mp4")
}

fn options(setup: &Setup) -> DecryptOptions {
    let vector = vector();
    DecryptOptions { refresh_every: 5, ..setup.options(&vector.path(), &vector.keys()) }
}

/// Runs with an attack on the `number`-th message of a GUID; nothing is left behind.
fn attacked(attack: Attack, message: GUID, number: u32) -> ChannelFailure {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    forger::attack(attack, message, number);
    let error = run(&driver, &options(&setup)).unwrap_err();
    assert!(forger::is_done(), "{error}");
    assert_eq!(setup.files(), [""; 0], "{error}");
    match error {
        DecryptError::Path { sample: None, source: PathError::Channel(source), .. }
        | DecryptError::Channel { source } => source,
        other => panic!("{other}"),
    }
}

/// Every message of a run with one session: GUID and number.
const MESSAGES: [(GUID, u32); 10] = [
    (D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, 0),
    (D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, 0),
    (D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, 0),
    (D3D11_AUTHENTICATED_QUERY_PROTECTION, 0),
    (D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, 0),
    (D3D11_AUTHENTICATED_QUERY_PROTECTION, 1),
    (D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, 0),
    (D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, 0),
    (D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, 1),
    (D3D11_AUTHENTICATED_QUERY_PROTECTION, 2),
];

#[test]
fn wrong_omac_in_any_answer_ends_the_run() {
    for (message, number) in MESSAGES {
        let failure = attacked(Attack::FlipOmac, message, number);
        let ChannelFailure::NotAuthentic { source, .. } = failure else { panic!("{failure}") };
        assert_eq!(source, AnswerError::NotAuthentic);
    }
}

#[test]
fn forged_s_ok_without_an_answer_is_no_success() {
    for (message, number) in MESSAGES {
        let failure = attacked(Attack::Silence(S_OK), message, number);
        assert!(matches!(failure, ChannelFailure::NotAuthentic { .. }), "{failure}");
    }
}

#[test]
fn failure_without_an_answer_is_an_unsigned_refusal() {
    for (message, number) in MESSAGES {
        let failure = attacked(Attack::Silence(E_FAIL), message, number);
        let ChannelFailure::UnsignedFailure { returned, .. } = &failure else { panic!("{failure}") };
        assert_eq!(returned.hresult, HResult(E_FAIL));
        assert!(failure.to_string().contains("no signed answer"), "{failure}");
    }
}

#[test]
fn failure_beside_a_signed_success_is_no_success() {
    for (message, number) in MESSAGES {
        let failure = attacked(Attack::Return(E_FAIL), message, number);
        assert!(matches!(failure, ChannelFailure::Contradiction { .. }), "{failure}");
    }
}

#[test]
fn signed_refusal_stands_although_the_call_returns_s_ok() {
    let offset = offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ReturnCode);
    for (message, number) in MESSAGES {
        let failure = attacked(Attack::Lie { offset, value: E_INVALIDARG.cast_unsigned() }, message, number);
        assert!(matches!(failure, ChannelFailure::Refused { hresult: HResult(E_INVALIDARG), .. }), "{failure}");
    }
}

#[test]
fn replayed_answer_is_refused() {
    for (message, number) in MESSAGES.into_iter().filter(|(_, number)| *number > 0) {
        let failure = attacked(Attack::Replay, message, number);
        let ChannelFailure::NotAuthentic { source, .. } = failure else { panic!("{failure}") };
        assert_eq!(source, AnswerError::OtherMessage { member: "SequenceNumber" });
    }
}

#[test]
fn channel_of_another_type_is_refused() {
    let offset = offset_of!(D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT, ChannelType);
    let lie = Attack::Lie { offset, value: ChannelType::DriverHardware.value() };
    let failure = attacked(lie, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, 0);
    let ChannelFailure::WrongChannelType { answered, .. } = failure else { panic!("{failure}") };
    assert_eq!(answered, Answer::ChannelType(ChannelType::DriverHardware));
}

#[test]
fn undefined_value_under_the_signature_is_malformed() {
    let offset = offset_of!(D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT, ProtectionFlags.Value);
    let failure = attacked(Attack::Lie { offset, value: 5 }, D3D11_AUTHENTICATED_QUERY_PROTECTION, 1);
    assert!(matches!(failure, ChannelFailure::Malformed { source: AnswerError::Value { .. }, .. }), "{failure}");
}

#[test]
fn protection_that_is_accepted_and_not_switched_is_noticed() {
    for (number, wanted) in [(0, true), (1, false)] {
        let failure = attacked(Attack::Swallow, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, number);
        let ChannelFailure::NotSwitched { wanted: named } = failure else { panic!("{failure}") };
        assert_eq!(named, wanted);
    }
}

#[test]
fn binding_that_is_accepted_and_not_made_is_noticed() {
    let failure = attacked(Attack::Swallow, D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, 0);
    assert!(matches!(failure, ChannelFailure::NotBound { bound_session: 0, .. }), "{failure}");
}

#[test]
fn binding_to_another_session_or_device_is_noticed() {
    for offset in [
        offset_of!(D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT, CryptoSessionHandle),
        offset_of!(D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT, DeviceHandle),
    ] {
        let failure = attacked(Attack::Lie { offset, value: 7 }, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, 0);
        assert!(matches!(failure, ChannelFailure::NotBound { .. }), "{failure}");
    }
}

#[test]
fn driver_without_a_fault_sees_protection_on_then_off() {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    run(&driver, &options(&setup)).unwrap();
    assert_eq!(forger::protection_seen(), [ON, OFF]);
}

#[test]
fn run_that_fails_half_way_switches_protection_off() {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    faulty::plan(Fault::FailBlit(3));
    let error = run(&driver, &options(&setup)).unwrap_err();
    assert!(matches!(error, DecryptError::Path { sample: Some(3), .. }), "{error}");
    assert_eq!(forger::protection_seen(), [ON, OFF]);
}

#[test]
fn run_whose_binding_fails_switches_protection_off() {
    attacked(Attack::FlipOmac, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, 0);
    assert_eq!(forger::protection_seen(), [ON, OFF]);
}

#[test]
fn protection_that_may_be_on_is_switched_off_when_its_answer_is_lost() {
    attacked(Attack::FlipOmac, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, 0);
    assert_eq!(forger::protection_seen(), [ON, OFF]);
}

#[test]
fn binding_lost_with_the_key_is_made_again() {
    for (forgets, commands) in [(false, 4), (true, 5)] {
        let setup = Setup::new();
        let driver = faulty::driver(&setup.driver_options(""));
        faulty::plan(Fault::LoseKeyAtBlit(3));
        if forgets {
            let offset = offset_of!(D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT, CryptoSessionHandle);
            forger::attack(Attack::Lie { offset, value: 0 }, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, 1);
        }
        let report = run(&driver, &options(&setup)).unwrap();
        let channel = report.channel.unwrap();
        assert_eq!((report.tracks[0].recoveries, channel.sessions_bound, channel.commands), (1, 1, commands));
        assert_eq!(clear_samples(&setup.output()), vector().oracle());
    }
}

#[test]
fn driver_without_channels_is_refused_by_name_and_option_and_decrypts_without() {
    for (missing, named) in [
        (Missing::Create, "CreateAuthenticatedChannel"),
        (Missing::Configure, "ConfigureAuthenticatedChannel"),
        (Missing::Implementation, "E_NOTIMPL"),
        (Missing::Decoder, "CreateVideoDecoder"),
    ] {
        let setup = Setup::new();
        let driver = faulty::driver(&setup.driver_options(""));
        forger::take_out(missing);
        let error = run(&driver, &options(&setup)).unwrap_err();
        assert!(matches!(error, DecryptError::NoChannel { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(named) && text.contains("--without-channel"), "{text}");
        assert_eq!(setup.files(), [""; 0]);

        let options = DecryptOptions { protection: Protection::Without, ..options(&setup) };
        assert_eq!(run(&driver, &options).unwrap().channel, None);
        assert_eq!(clear_samples(&setup.output()), vector().oracle());
    }
}

#[test]
fn channel_without_a_handle_is_refused() {
    let setup = Setup::new();
    let driver = faulty::driver(&setup.driver_options(""));
    forger::take_out(Missing::Handle);
    let error = run(&driver, &options(&setup)).unwrap_err();
    assert!(matches!(error, DecryptError::Channel { source: ChannelFailure::NoHandle }), "{error}");
    assert_eq!(setup.files(), [""; 0]);
}
