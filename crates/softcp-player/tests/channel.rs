//! Channels of the reference driver, and of drivers that answer wrongly.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::Setup;
use softcp_client::{Answer, ChannelError, ChannelType, Command, Process, ProtectionFlags, Query};
use softcp_player::{ChannelFailure, MessageCounts, PlayerChannel, Trust};
use softcp_runtime::HResult;

const ON: ProtectionFlags = ProtectionFlags { enabled: true, overlay_or_fullscreen: false };

#[test]
fn open_of_each_type_and_profile_ends_the_start_up() {
    let setup = Setup::new();
    for options in ["", "capabilities.profile=hardware-like", "capabilities.profile=permissive"] {
        let device = setup.driver(options).create_device().unwrap();
        for channel_type in [ChannelType::DriverSoftware, ChannelType::DriverHardware] {
            let channel = PlayerChannel::open(&device, &setup.trust(), channel_type).unwrap();
            assert_eq!(channel.channel_type(), channel_type);
            assert!(channel.is_certificate_verified() && channel.handle() != 0);
            assert!(!channel.certificate().subject().is_empty());
            assert_eq!(channel.messages(), MessageCounts { commands: 1, queries: 1, answers_verified: 2 });
        }
    }
}

#[test]
fn command_shows_in_the_answer_to_its_query() {
    let setup = Setup::new();
    let device = setup.driver("").create_device().unwrap();
    let mut channel = PlayerChannel::open(&device, &setup.trust(), ChannelType::DriverSoftware).unwrap();
    assert_eq!(channel.query(Query::Protection).unwrap(), Answer::Protection(ProtectionFlags::default()));
    channel.command(Command::Protection(ON)).unwrap();
    assert_eq!(channel.query(Query::Protection).unwrap(), Answer::Protection(ON));
    assert_eq!(channel.messages(), MessageCounts { commands: 2, queries: 3, answers_verified: 5 });
}

#[test]
fn command_and_query_that_are_refused_say_so_under_the_signature_and_the_channel_goes_on() {
    let setup = Setup::new();
    let device = setup.driver("").create_device().unwrap();
    let mut channel = PlayerChannel::open(&device, &setup.trust(), ChannelType::DriverSoftware).unwrap();
    let refused = [
        channel.command(Command::SharedResource { process: Process::Unknown, allow: true }).unwrap_err(),
        channel.query(Query::RestrictedSharedResourceProcess { index: 9 }).unwrap_err(),
    ];
    for failure in refused {
        let ChannelFailure::Refused { hresult, .. } = failure else { panic!("{failure}") };
        assert_eq!(hresult, HResult(softcp_abi::E_INVALIDARG));
        assert!(failure.is_signed() && failure.to_string().contains("E_INVALIDARG"), "{failure}");
    }
    let failure = channel.command(Command::Initialize).unwrap_err();
    assert!(matches!(failure, ChannelFailure::Message(ChannelError::AlreadyInitialized)), "{failure}");
    channel.command(Command::Protection(ON)).unwrap();
    // The INITIALIZE that was not sent is not counted.
    assert_eq!(channel.messages(), MessageCounts { commands: 3, queries: 2, answers_verified: 5 });
}

#[test]
fn open_on_a_driver_with_another_root_is_not_trusted() {
    let (setup, other) = (Setup::new(), Setup::new());
    let device = other.driver("").create_device().unwrap();
    let open = |trust: &Trust| PlayerChannel::open(&device, trust, ChannelType::DriverSoftware);
    let failure = open(&setup.trust()).unwrap_err();
    assert!(matches!(failure, ChannelFailure::Untrusted(_)), "{failure}");
    assert!(!open(&Trust::Anyone).unwrap().is_certificate_verified());
}
