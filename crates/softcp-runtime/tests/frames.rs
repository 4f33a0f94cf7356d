//! Frames of decoders: what arrives at the driver through each table.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use fake::{Behaviour, behave, device, log};
use softcp_abi::{D3DERR_INVALIDCALL, E_OUTOFMEMORY, softcp_mapping};
use softcp_runtime::{
    CompressedBuffer, CryptoSessionDesc, Decoder, DecoderDesc, Device, EncryptedBlockInfo, EncryptedBytes, Error,
    FrameDecoder, FrameKey, GUID, HResult, OutputView, Resource, ResourceDesc, Stripes, SubSample,
};

const PROFILE: GUID = GUID::from_u128(9 << 96);
const BITSTREAM: u32 = 6;

fn decoder(device: &Device) -> Decoder {
    device.create_decoder(&DecoderDesc::bitstream(PROFILE, 1920, 1080, 103)).unwrap()
}

fn resource(device: &Device) -> Resource {
    device.create_resource(&ResourceDesc::buffer(64)).unwrap()
}

fn view(device: &Device) -> OutputView {
    device.create_output_view(resource(device), PROFILE).unwrap()
}

fn buffer<'a>(resource: &'a Resource, encrypted: EncryptedBytes<'a>) -> CompressedBuffer<'a> {
    CompressedBuffer { resource, buffer_type: BITSTREAM, size: 48, iv: Some([7; 16]), encrypted }
}

const IV: &str = "07070707070707070707070707070707";

#[test]
fn frame_begins_with_the_structure_of_its_table_and_buffers_have_the_types_of_the_ddi() {
    for (table, begin) in [(2, "11.1"), (3, "11.1"), (5, "11.1"), (7, "RS4"), (6, "2.4")] {
        let driver = fake::open_driver(Behaviour::default(), "").unwrap();
        let device = driver.create_device_with_table(table).unwrap();
        let (mut decoder, view, data) = (decoder(&device), view(&device), resource(&device));
        log();
        let mut frame = decoder.begin_frame(&view, FrameKey::Content(&[1, 2, 3])).unwrap();
        frame.submit(&buffer(&data, EncryptedBytes::All)).unwrap();
        let pattern = EncryptedBlockInfo { at_beginning: 16, skip: 8, encrypt: 4 };
        frame.submit(&buffer(&data, EncryptedBytes::Pattern(pattern))).unwrap();
        let parameters = CompressedBuffer { buffer_type: 0, iv: None, ..buffer(&data, EncryptedBytes::All) };
        frame.submit(&parameters).unwrap();
        frame.end().unwrap();
        let calls = [
            format!("VideoDecoderBeginFrame {begin}: 600 700 010203"),
            format!("VideoDecoderSubmitBuffers type 7 0+48 of 264 iv {IV}"),
            format!("VideoDecoderSubmitBuffers type 7 0+48 of 264 iv {IV} pattern 16 8 4"),
            "VideoDecoderSubmitBuffers type 1 0+48 of 264 iv null/0".to_owned(),
            "VideoDecoderEndFrame 600".to_owned(),
        ];
        assert_eq!(log(), calls, "table {table}");
    }
}

#[test]
fn subsamples_go_through_the_entry_of_the_table() {
    let blocks = [SubSample { ClearSize: 5, EncryptedSize: 20 }, SubSample { ClearSize: 3, EncryptedSize: 20 }];
    for (table, entry) in [(2, None), (3, Some(1)), (5, Some(1)), (7, Some(2)), (6, Some(2))] {
        let driver = fake::open_driver(Behaviour::default(), "").unwrap();
        let device = driver.create_device_with_table(table).unwrap();
        let (mut decoder, view, data) = (decoder(&device), view(&device), resource(&device));
        let mut frame = decoder.begin_frame(&view, FrameKey::Session).unwrap();
        log();
        let result = frame.submit(&buffer(&data, EncryptedBytes::Subsamples(&blocks)));
        if let Some(entry) = entry {
            result.unwrap();
            let call = format!("VideoDecoderSubmitBuffers{entry} type 7 0+48 of 264 iv {IV} 5-20 3-20");
            assert_eq!(log(), [call], "table {table}");
        } else {
            assert!(matches!(result, Err(Error::MissingEntry { function: "VideoDecoderSubmitBuffers1" })));
        }
    }
}

#[test]
fn stripes_go_through_the_entry_of_wddm_2_4_with_subsamples_and_without() {
    let blocks = [SubSample { ClearSize: 5, EncryptedSize: 43 }];
    for table in [2, 3, 5, 7, 6] {
        let driver = fake::open_driver(Behaviour::default(), "").unwrap();
        let device = driver.create_device_with_table(table).unwrap();
        let (mut decoder, view, data) = (decoder(&device), view(&device), resource(&device));
        let mut frame = decoder.begin_frame(&view, FrameKey::Session).unwrap();
        for (subsamples, text, stripes) in [(&blocks[..], " 5-43", (1, 9)), (&[], "", (5, 3)), (&[], "", (0, 7))] {
            log();
            let (encrypted, clear) = stripes;
            let stripes = Stripes { encrypted, clear };
            let result = frame.submit(&buffer(&data, EncryptedBytes::Striped { subsamples, stripes }));
            if matches!(table, 6 | 7) {
                result.unwrap();
                let submitted = format!("type 7 0+48 of 264 iv {IV}{text} stripes {encrypted} {clear}");
                assert_eq!(log(), [format!("VideoDecoderSubmitBuffers2 {submitted}")], "table {table}");
            } else {
                assert!(matches!(result, Err(Error::MissingEntry { function: "VideoDecoderSubmitBuffers2" })));
                assert!(log().is_empty());
            }
        }
    }
}

#[test]
fn session_key_is_a_null_key_and_a_sealed_one_a_structure() {
    let device = device(Behaviour::default());
    let desc = CryptoSessionDesc {
        crypto_type: GUID::from_u128(1),
        decode_profile: GUID::from_u128(2),
        key_exchange_type: GUID::from_u128(3),
    };
    let session = device.create_session(&desc).unwrap();
    let (mut decoder, view) = (decoder(&device), view(&device));
    log();
    drop(decoder.begin_frame(&view, FrameKey::Session).unwrap());
    for key_id in [None, Some(GUID::from_u128(5 << 96))] {
        drop(decoder.begin_frame(&view, FrameKey::Sealed { session: &session, blob: &[9, 8], key_id }).unwrap());
    }
    for blob_size in [0, 9] {
        drop(decoder.begin_frame(&view, FrameKey::Unsealed { session: &session, blob_size }).unwrap());
    }
    let ended = "VideoDecoderEndFrame 600";
    let calls = [
        "VideoDecoderBeginFrame 2.4: 600 700 null/0",
        ended,
        "VideoDecoderBeginFrame 2.4: 600 700 session 300 0908 none",
        ended,
        "VideoDecoderBeginFrame 2.4: 600 700 session 300 0908 5",
        ended,
        "VideoDecoderBeginFrame 2.4: 600 700 session 300 null/0 none",
        ended,
        "VideoDecoderBeginFrame 2.4: 600 700 session 300 null/9 none",
        ended,
    ];
    assert_eq!(log(), calls);
}

#[test]
fn frame_that_cannot_begin_is_not_ended() {
    let device = device(Behaviour { returns: vec![("VideoDecoderBeginFrame", E_OUTOFMEMORY)], ..Behaviour::default() });
    let (mut decoder, view) = (decoder(&device), view(&device));
    log();
    let Error::Driver(error) = decoder.begin_frame(&view, FrameKey::Session).unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("VideoDecoderBeginFrame", HResult(E_OUTOFMEMORY)));
    assert_eq!(log(), ["VideoDecoderBeginFrame 2.4: 600 700 null/0"]);
}

#[test]
fn report_of_the_end_of_a_frame_is_its_error() {
    let device = device(Behaviour::default());
    let (mut decoder, view) = (decoder(&device), view(&device));
    behave(|behaviour| behaviour.reports = vec![("VideoDecoderEndFrame", None, D3DERR_INVALIDCALL, None)]);
    let frame = decoder.begin_frame(&view, FrameKey::Session).unwrap();
    log();
    let Error::Driver(error) = frame.end().unwrap_err() else { panic!() };
    assert_eq!(error.hresult, HResult(D3DERR_INVALIDCALL));
    assert_eq!(log(), ["VideoDecoderEndFrame 600"]);
}

#[test]
fn view_is_destroyed_before_its_resource() {
    let device = device(Behaviour::default());
    drop(view(&device));
    let calls = log();
    assert_eq!(
        calls[1..],
        ["CreateVideoDecoderOutputView 264 9 0+1/0", "DestroyVideoDecoderOutputView 700", "destroy_resource 264",]
    );
}

#[test]
fn driver_without_frames_is_a_missing_entry() {
    let device = device(Behaviour { missing: "VideoDecoderBeginFrame", ..Behaviour::default() });
    let (mut decoder, view) = (decoder(&device), view(&device));
    let error = decoder.begin_frame(&view, FrameKey::Session).unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "VideoDecoderBeginFrame" }), "{error}");
}

#[test]
fn frame_decoder_has_a_frame_between_calls_and_its_view_goes_with_it() {
    let device = device(Behaviour::default());
    let data = resource(&device);
    let mut frames = FrameDecoder::new(decoder(&device));
    let (first, second) = (view(&device), view(&device));
    log();
    frames.begin(first, FrameKey::Content(&[1, 2, 3])).unwrap();
    frames.submit(&buffer(&data, EncryptedBytes::All)).unwrap();
    frames.end().unwrap();
    let calls = log();
    let submit = format!("VideoDecoderSubmitBuffers type 7 0+48 of 264 iv {IV}");
    assert_eq!(
        calls,
        [
            "VideoDecoderBeginFrame 2.4: 600 700 010203",
            &submit,
            "VideoDecoderEndFrame 600",
            "DestroyVideoDecoderOutputView 700",
            "destroy_resource 264"
        ]
    );
    // One that is open when the decoder goes ends before its view.
    frames.begin(second, FrameKey::Session).unwrap();
    log();
    drop(frames);
    assert_eq!(
        log(),
        [
            "VideoDecoderEndFrame 600",
            "DestroyVideoDecoderOutputView 700",
            "destroy_resource 264",
            "DestroyVideoDecoder 600"
        ]
    );
}

#[test]
fn frame_decoder_ends_no_frame_that_has_not_begun() {
    let device = device(Behaviour { returns: vec![("VideoDecoderBeginFrame", E_OUTOFMEMORY)], ..Behaviour::default() });
    let mut frames = FrameDecoder::new(decoder(&device));
    let view = view(&device);
    log();
    frames.begin(view, FrameKey::Session).unwrap_err();
    drop(frames);
    assert_eq!(
        log(),
        [
            "VideoDecoderBeginFrame 2.4: 600 700 null/0",
            "DestroyVideoDecoderOutputView 700",
            "destroy_resource 264",
            "DestroyVideoDecoder 600"
        ]
    );
}

#[test]
fn view_of_lent_memory_is_of_a_wrapped_resource() {
    let device = device(Behaviour::default());
    let mut memory = [0_u8; 16];
    let data = memory.as_mut_ptr().cast();
    let described = softcp_mapping { data, row_pitch: 16, row_bytes: 16, rows: 1, flags: 1, ..Default::default() };
    // SAFETY: the memory is there until the view is gone.
    let view = unsafe { device.wrap_output_view(&described, PROFILE) }.unwrap();
    drop(view);
    assert_eq!(
        log(),
        [
            "wrap_resource 16x1/16 flags 1 format 0",
            "CreateVideoDecoderOutputView 316 9 0+1/0",
            "DestroyVideoDecoderOutputView 700",
            "destroy_resource 316"
        ]
    );
}
