//! A device under protection, as a second channel on the same device sees it.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::Setup;
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DERR_CANNOTPROTECTCONTENT, GUID_NULL};
use softcp_client::{Answer, ChannelType, Query};
use softcp_player::{ChannelFailure, PlayerChannel, ProtectedDevice};
use softcp_runtime::{CryptoSessionDesc, Device, Error, HResult, ResourceDesc};

const SOFTWARE: ChannelType = ChannelType::DriverSoftware;

fn device(setup: &Setup) -> Device {
    setup.driver("").create_device().unwrap()
}

fn protect(setup: &Setup, device: &Device) -> ProtectedDevice {
    ProtectedDevice::open(device, &setup.trust(), SOFTWARE).unwrap()
}

fn is_on(channel: &mut PlayerChannel) -> bool {
    let Answer::Protection(flags) = channel.query(Query::Protection).unwrap() else { unreachable!() };
    flags.enabled
}

#[test]
fn protection_is_on_until_closed() {
    let setup = Setup::new();
    let device = device(&setup);
    let mut other = PlayerChannel::open(&device, &setup.trust(), SOFTWARE).unwrap();
    let mut surface = device.create_resource(&ResourceDesc::buffer(64).protected()).unwrap();
    assert!(!is_on(&mut other) && surface.map_read().is_ok());
    let protected = protect(&setup, &device);
    assert!(is_on(&mut other) && protected.protection().unwrap().enabled && !protected.was_protected());
    let Err(Error::Driver(error)) = surface.map_read() else { panic!("mapped") };
    assert_eq!(error.hresult, HResult(D3DERR_CANNOTPROTECTCONTENT));
    let report = protected.close().unwrap();
    assert!(report.protection_on && report.protection_off_again);
    assert!(!is_on(&mut other) && surface.map_read().is_ok());
}

#[test]
fn protection_is_off_after_a_drop() {
    let setup = Setup::new();
    let device = device(&setup);
    let mut other = PlayerChannel::open(&device, &setup.trust(), SOFTWARE).unwrap();
    drop(protect(&setup, &device));
    assert!(!is_on(&mut other));
}

#[test]
fn switch_off_and_on_is_confirmed_each_time() {
    let setup = Setup::new();
    let device = device(&setup);
    let protected = protect(&setup, &device);
    for on in [false, false, true, true] {
        protected.switch(on).unwrap();
        assert_eq!(protected.protection().unwrap().enabled, on);
    }
    assert!(protected.close().unwrap().protection_off_again);
}

#[test]
fn two_on_one_device_are_closed_last_first() {
    let setup = Setup::new();
    let device = device(&setup);
    let first = protect(&setup, &device);
    let second = protect(&setup, &device);
    assert!(second.was_protected());
    assert!(!second.close().unwrap().protection_off_again);
    assert!(first.close().unwrap().protection_off_again);

    let first = protect(&setup, &device);
    let second = protect(&setup, &device);
    let failure = first.close().unwrap_err();
    assert!(matches!(failure, ChannelFailure::NotSwitched { wanted: false }), "{failure}");
    assert!(second.close().unwrap().protection_off_again);
}

#[test]
fn bound_session_is_the_decoders_until_the_session_ends() {
    let setup = Setup::new();
    let device = device(&setup);
    let protected = protect(&setup, &device);
    let mut session = device
        .create_session(&CryptoSessionDesc {
            crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
            decode_profile: GUID_NULL,
            key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
        })
        .unwrap();
    let binding = protected.bind(&mut session).unwrap();
    protected.keep_bound(&binding).unwrap();
    assert_eq!(protected.report().sessions_bound, 1);
    drop(session);
    let failure = protected.keep_bound(&binding).unwrap_err();
    assert!(matches!(failure, ChannelFailure::Refused { name: "CRYPTO_SESSION", .. }), "{failure}");
}

#[test]
fn value_can_be_shared_by_the_threads_of_a_player() {
    fn shared<T: Send + Sync>() {}
    shared::<ProtectedDevice>();
}
