//! Video decoders: what arrives at the driver, and what comes back.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use fake::{Behaviour, behave, device, log};
use softcp_abi::{D3D11_1DDIARG_CREATEVIDEODECODER, E_FAIL, E_OUTOFMEMORY, GUID_NULL};
use softcp_runtime::{DecoderDesc, DecoderHandle, Error, GUID, HResult, PrivateMemory};

const CREATED: &str = "CreateVideoDecoder 9 1920x1080 103 00000000-0000-0000-0000-000000000000 raw 1";

fn desc() -> DecoderDesc {
    DecoderDesc::bitstream(GUID::from_u128(9 << 96), 1920, 1080, 103)
}

#[test]
fn description_of_a_bitstream_leaves_its_encryption_to_a_session_and_other_buffers_clear() {
    let arguments = D3D11_1DDIARG_CREATEVIDEODECODER::from(desc());
    assert_eq!(arguments.Config.guidConfigBitstreamEncryption, GUID_NULL);
    let clear = "1b81bed0-a0c7-11d3-b984-00c04f2e73c5";
    assert_eq!(arguments.Config.guidConfigMBcontrolEncryption.to_string(), clear);
    assert_eq!(arguments.Config.guidConfigResidDiffEncryption.to_string(), clear);
}

#[test]
fn decoder_is_made_with_each_table_and_gives_its_handle() {
    for sub_device_id in [2, 3, 5, 6, 7] {
        let driver = fake::open_driver(Behaviour::default(), "").unwrap();
        let device = driver.create_device_with_table(sub_device_id).unwrap();
        log();
        let mut decoder = device.create_decoder(&desc()).unwrap();
        assert_eq!(decoder.handle_value().unwrap(), 666);
        drop(decoder);
        assert_eq!(log(), [CREATED, "VideoDecoderGetHandle 600", "DestroyVideoDecoder 600"], "{sub_device_id}");
    }
}

#[test]
fn decoder_outlives_the_device_value_and_ends_before_the_device() {
    let device = device(Behaviour::default());
    let decoder = device.create_decoder(&desc()).unwrap();
    drop(device);
    assert_eq!(log(), [CREATED]);
    drop(decoder);
    assert_eq!(log(), ["DestroyVideoDecoder 600", "destroy_device 100", "close 77"]);
}

#[test]
fn decoder_that_cannot_be_created_is_not_destroyed() {
    let device = device(Behaviour { returns: vec![("CreateVideoDecoder", E_OUTOFMEMORY)], ..Behaviour::default() });
    let Error::Driver(error) = device.create_decoder(&desc()).unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("CreateVideoDecoder", HResult(E_OUTOFMEMORY)));
    assert_eq!(log(), [CREATED]);
}

#[test]
fn decoder_of_a_driver_that_makes_none_is_a_missing_entry() {
    let device = device(Behaviour { missing: "CreateVideoDecoder", ..Behaviour::default() });
    let error = device.create_decoder(&desc()).unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "CalcPrivateVideoDecoderSize" }), "{error}");
}

#[test]
fn handle_that_the_driver_refuses_gives_the_code() {
    let device = device(Behaviour::default());
    let mut decoder = device.create_decoder(&desc()).unwrap();
    behave(|behaviour| behaviour.returns = vec![("VideoDecoderGetHandle", E_FAIL)]);
    let Error::Driver(error) = decoder.handle_value().unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("VideoDecoderGetHandle", HResult(E_FAIL)));
}

#[test]
fn calls_pass_null_pointers_and_dead_decoders_on() {
    let device = device(Behaviour::default());
    let calls = device.calls();
    let memory = PrivateMemory::new(calls.calc_private_video_decoder_size(None).unwrap());
    let decoder = DecoderHandle::of(&memory);
    // SAFETY: the memory is of the size that the driver asks for, new, and outlives the decoder.
    unsafe { calls.create_video_decoder(Some(&desc().into()), decoder) }.unwrap().into_result().unwrap();
    log();
    calls.video_decoder_get_handle(decoder, None).unwrap();
    calls.destroy_video_decoder(decoder).unwrap();
    calls.destroy_video_decoder(decoder).unwrap();
    calls.video_decoder_get_handle(DecoderHandle::NULL, None).unwrap();
    assert_eq!(
        log(),
        [
            "VideoDecoderGetHandle 600",
            "DestroyVideoDecoder 600",
            "DestroyVideoDecoder 600",
            "VideoDecoderGetHandle null"
        ]
    );
}
