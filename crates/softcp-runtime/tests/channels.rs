//! Authenticated channels: what arrives at the driver, and what comes back.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use std::mem::offset_of;

use fake::{Behaviour, behave, device, log};
use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, E_FAIL, E_INVALIDARG,
    E_OUTOFMEMORY,
};
use softcp_runtime::{
    CONFIGURE_OUTPUT_SIZE, Channel, ChannelHandle, CryptoSessionDesc, Device, Error, GUID, HResult, Input, Output,
    PrivateMemory, SessionHandle,
};

fn channel(device: &Device) -> Channel {
    let channel = device.create_channel(D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE).unwrap();
    log();
    channel
}

#[test]
fn channel_has_the_handle_that_the_driver_wrote_for_its_type() {
    let device = device(Behaviour::default());
    for channel_type in
        [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, 99]
    {
        let channel = device.create_channel(channel_type).unwrap();
        assert_eq!(channel.handle_value(), 555);
        assert_eq!(log(), [format!("CreateAuthenticatedChannel {channel_type}")]);
        drop(channel);
        assert_eq!(log(), ["DestroyAuthenticatedChannel 500"]);
    }
}

#[test]
fn channel_outlives_the_device_value_and_ends_before_the_device() {
    let device = device(Behaviour::default());
    let channel = channel(&device);
    drop(device);
    assert_eq!(log(), [""; 0]);
    drop(channel);
    assert_eq!(log(), ["DestroyAuthenticatedChannel 500", "destroy_device 100", "close 77"]);
}

#[test]
fn channel_that_cannot_be_created_is_not_destroyed() {
    let behaviour = Behaviour { returns: vec![("CreateAuthenticatedChannel", E_OUTOFMEMORY)], ..Behaviour::default() };
    let Error::Driver(error) = device(behaviour).create_channel(2).unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("CreateAuthenticatedChannel", HResult(E_OUTOFMEMORY)));
    assert_eq!(log(), ["CreateAuthenticatedChannel 2", "destroy_device 100", "close 77"]);
}

#[test]
fn channel_of_a_driver_without_channels_is_a_missing_entry() {
    let device = device(Behaviour { missing: "CreateAuthenticatedChannel", ..Behaviour::default() });
    let error = device.create_channel(2).unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "CalcPrivateAuthenticatedChannelSize" }), "{error}");
}

#[test]
fn channel_is_made_with_each_table() {
    for sub_device_id in [2, 3, 5, 6, 7] {
        let driver = fake::open_driver(Behaviour::default(), "").unwrap();
        let mut channel = driver.create_device_with_table(sub_device_id).unwrap().create_channel(2).unwrap();
        log();
        channel.query(&[1], &mut [0; 2]).unwrap();
        assert_eq!(log(), ["QueryAuthenticatedChannel 500 01 2"], "{sub_device_id}");
    }
}

#[test]
fn negotiate_passes_the_data_and_gives_the_code() {
    let device = device(Behaviour::default());
    let mut channel = channel(&device);
    channel.negotiate(&[1, 2, 3]).unwrap();
    behave(|behaviour| behaviour.returns = vec![("NegotiateAuthenticatedChannelKeyExchange", E_INVALIDARG)]);
    let Error::Driver(error) = channel.negotiate(&[]).unwrap_err() else { panic!() };
    assert_eq!(error.hresult, HResult(E_INVALIDARG));
    assert_eq!(
        log(),
        ["NegotiateAuthenticatedChannelKeyExchange 500 010203", "NegotiateAuthenticatedChannelKeyExchange 500 "]
    );
}

#[test]
fn query_gives_reply_and_answer_whatever_the_code() {
    let device = device(Behaviour::default());
    let mut channel = channel(&device);
    for hresult in [0, E_FAIL, E_INVALIDARG] {
        behave(|behaviour| behaviour.returns = vec![("QueryAuthenticatedChannel", hresult)]);
        let mut output = [0xee; 6];
        let reply = channel.query(&[0xaa, 0xbb], &mut output).unwrap();
        assert_eq!((reply.hresult(), reply.into_result().is_ok()), (HResult(hresult), hresult == 0));
        assert_eq!(output, [0x44, 0x44, 0x44, 0x44, 0xee, 0xee], "bytes that the driver does not write stay");
        assert_eq!(log(), ["QueryAuthenticatedChannel 500 aabb 6"]);
    }
}

#[test]
fn query_passes_any_size() {
    let device = device(Behaviour::default());
    let mut channel = channel(&device);
    for size in [0, 1, 4, 1000] {
        let mut output = vec![0; size];
        channel.query(&output.clone(), &mut output).unwrap();
        let arguments = format!("{} {size}", "00".repeat(size));
        assert_eq!(log(), [format!("QueryAuthenticatedChannel 500 {arguments}")]);
        let (answer, rest) = output.split_at(size.min(4));
        assert!(answer.iter().all(|byte| *byte == 0x44) && rest.iter().all(|byte| *byte == 0), "{size}");
    }
}

#[test]
fn configure_gives_reply_and_answer_whatever_the_code() {
    let device = device(Behaviour::default());
    let mut channel = channel(&device);
    for hresult in [0, E_FAIL, E_INVALIDARG] {
        behave(|behaviour| behaviour.returns = vec![("ConfigureAuthenticatedChannel", hresult)]);
        let (reply, output) = channel.configure(&[0xaa, 0xbb]).unwrap();
        assert_eq!(reply.hresult(), HResult(hresult));
        assert_eq!(log(), ["ConfigureAuthenticatedChannel 500 aabb"]);
        assert_eq!(output.len(), CONFIGURE_OUTPUT_SIZE);
        assert_eq!(output[..16], [0x55; 16]);
        let field = |offset: usize, size: usize| &output[offset..offset + size];
        assert_eq!(
            field(offset_of!(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, ConfigureType), 4),
            0x6600_0000_u32.to_ne_bytes()
        );
        assert_eq!(
            field(offset_of!(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, hChannel), size_of::<usize>()),
            555_usize.to_ne_bytes()
        );
        assert_eq!(
            field(offset_of!(D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, SequenceNumber), 4),
            7_u32.to_ne_bytes()
        );
        assert_eq!(output[CONFIGURE_OUTPUT_SIZE - 4..], hresult.to_ne_bytes());
    }
}

#[test]
fn text_of_a_refusal_is_in_the_reply() {
    let device = device(Behaviour::default());
    let mut channel = channel(&device);
    behave(|behaviour| {
        behaviour.reports = vec![("ConfigureAuthenticatedChannel", None, E_FAIL, Some(c"old number".to_owned()))];
        behaviour.returns = vec![("ConfigureAuthenticatedChannel", E_INVALIDARG)];
    });
    let (reply, _) = channel.configure(&[]).unwrap();
    assert_eq!(reply.hresult(), HResult(E_INVALIDARG), "what is returned counts before what is reported");
    let error = reply.into_result().unwrap_err();
    assert_eq!((error.hresult, error.text.as_str()), (HResult(E_INVALIDARG), "old number"));
}

#[test]
fn messages_are_aligned_for_the_driver_wherever_they_lie() {
    let device = device(Behaviour { alignment: 16, ..Behaviour::default() });
    let mut channel = channel(&device);
    let message = [0; 64];
    let mut output = [0; 64];
    for start in 0..16 {
        channel.query(&message[start..], &mut output[start..]).unwrap();
        channel.configure(&message[start..]).unwrap();
    }
}

#[test]
fn calls_pass_null_pointers_wrong_sizes_and_foreign_handles_on() {
    let device = device(Behaviour::default());
    let calls = device.calls();
    let (memory, session) = (PrivateMemory::new(40), PrivateMemory::new(40));
    let (channel, foreign) = (ChannelHandle::of(&memory), ChannelHandle::of(&session));
    let mut desc = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: 3, ..Default::default() };
    assert_eq!(calls.calc_private_authenticated_channel_size(None).unwrap(), 40);
    // SAFETY: the memory is of the size that the driver asks for, new, and outlives the channel.
    unsafe { calls.create_authenticated_channel(Some(&mut desc), channel) }.unwrap().into_result().unwrap();
    assert_eq!(desc.hChannel.addr(), 555);
    let crypto = CryptoSessionDesc {
        crypto_type: GUID::default(),
        decode_profile: GUID::default(),
        key_exchange_type: GUID::default(),
    };
    // SAFETY: as above, for the session.
    unsafe { calls.create_crypto_session(Some(&crypto.into()), SessionHandle::of(&session)) }.unwrap();
    log();
    calls.negotiate_authenticated_channel_key_exchange(foreign, Output::Null { size: 256 }).unwrap();
    calls.query_authenticated_channel(channel, Input::Null { size: 32 }, Output::Null { size: 48 }).unwrap();
    calls.query_authenticated_channel(foreign, Input::Bytes(&[1]), Output::Bytes(&mut [])).unwrap();
    calls.query_authenticated_channel(ChannelHandle::NULL, Input::Bytes(&[]), Output::Bytes(&mut [0; 3])).unwrap();
    calls.configure_authenticated_channel(channel, Input::Null { size: u32::MAX }, None).unwrap();
    let mut output = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
    calls.configure_authenticated_channel(foreign, Input::Bytes(&[2]), Some(&mut output)).unwrap();
    calls.destroy_authenticated_channel(channel).unwrap();
    calls.destroy_authenticated_channel(channel).unwrap();
    assert_eq!(
        log(),
        [
            "NegotiateAuthenticatedChannelKeyExchange 300 null/256",
            "QueryAuthenticatedChannel 500 null/32 null/48",
            "QueryAuthenticatedChannel 300 01 0",
            "QueryAuthenticatedChannel null  3",
            "ConfigureAuthenticatedChannel 500 null/4294967295",
            "ConfigureAuthenticatedChannel 300 02",
            "DestroyAuthenticatedChannel 500",
            "DestroyAuthenticatedChannel 500"
        ]
    );
}
