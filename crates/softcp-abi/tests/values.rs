//! Values of GUIDs, messages, HRESULTs and enumerations.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use softcp_abi::*;
use support::{Source, table};

#[test]
fn guid_constants_equal_the_table_both_ways() {
    let mut defined = Source::read().numbers("guid");
    assert_eq!(defined.remove("GUID_NULL"), Some(0));
    let listed: BTreeMap<String, u128> =
        table("guids.csv").into_iter().map(|row| (row[0].clone(), parse_guid(&row[1]))).collect();
    assert_eq!(defined, listed);
}

#[test]
fn message_constants_equal_the_table_both_ways() {
    let listed: BTreeMap<String, u128> = table("messages.csv")
        .into_iter()
        .map(|row| {
            (
                row[0].clone(),
                u128::from_str_radix(row[1].trim_start_matches("0x"), 16).expect("an identifier is hexadecimal"),
            )
        })
        .collect();
    assert_eq!(Source::read().numbers("messages"), listed);
}

#[test]
fn hresult_constants_have_their_public_values() {
    let expected = [
        ("S_OK", 0),
        ("E_NOTIMPL", 0x8000_4001),
        ("E_POINTER", 0x8000_4003),
        ("E_FAIL", 0x8000_4005),
        ("E_UNEXPECTED", 0x8000_ffff),
        ("E_HANDLE", 0x8007_0006),
        ("E_OUTOFMEMORY", 0x8007_000e),
        ("E_INVALIDARG", 0x8007_0057),
        ("D3DERR_INVALIDCALL", 0x8876_086c),
        ("D3DDDIERR_DEVICEREMOVED", 0x8876_0870),
        ("D3DERR_CANNOTPROTECTCONTENT", 0x8876_087d),
        ("D3DERR_UNSUPPORTEDCRYPTO", 0x8876_087e),
        ("D3DDDIERR_UNSUPPORTEDCRYPTO", 0x8876_087e),
    ];
    let expected: BTreeMap<String, u128> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(Source::read().numbers("hresult"), expected);
}

#[test]
fn hresult_of_a_failure_is_negative() {
    assert_eq!(E_INVALIDARG, -2_147_024_809);
    assert_eq!(D3DERR_INVALIDCALL, -2_005_530_516);
}

#[test]
fn guid_from_u128_splits_the_written_form_into_its_groups() {
    let guid = GUID::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
    assert_eq!((guid.Data1, guid.Data2, guid.Data3), (0x0123_4567, 0x89ab, 0xcdef));
    assert_eq!(guid.Data4, [0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10]);
}

#[test]
fn guid_display_and_debug_are_the_written_form() {
    let written = "9b6bd711-4f74-41c9-9e7b-0be2d7d93b4f";
    assert_eq!(D3D11_CRYPTO_TYPE_AES128_CTR.to_string(), written);
    assert_eq!(format!("{D3D11_CRYPTO_TYPE_AES128_CTR:?}"), written);
    assert_eq!(
        GUID::from_u128(0x0000_0001_0002_0003_0004_0000_0000_0005).to_string(),
        "00000001-0002-0003-0004-000000000005"
    );
}

#[test]
fn decoder_profiles_lists_every_profile_once_under_its_name() {
    let defined = Source::read().numbers("profile");
    let listed: BTreeMap<String, u128> =
        DECODER_PROFILES.iter().map(|(name, guid)| ((*name).to_owned(), parse_guid(&guid.to_string()))).collect();
    assert_eq!(listed, defined);
    assert_eq!(listed.len(), DECODER_PROFILES.len(), "a name is listed twice");
    let guids: BTreeSet<GUID> = DECODER_PROFILES.iter().map(|(_, guid)| *guid).collect();
    assert_eq!(guids.len(), DECODER_PROFILES.len(), "a GUID is listed twice");
}

#[test]
fn decoder_profiles_have_their_published_guids() {
    let published = [
        ("D3D11_DECODER_PROFILE_MPEG2_VLD", "ee27417f-5e28-4e65-beea-1d26b508adc9"),
        ("D3D11_DECODER_PROFILE_VC1_VLD", "1b81bea3-a0c7-11d3-b984-00c04f2e73c5"),
        ("D3D11_DECODER_PROFILE_H264_VLD_NOFGT", "1b81be68-a0c7-11d3-b984-00c04f2e73c5"),
        ("D3D11_DECODER_PROFILE_HEVC_VLD_MAIN", "5b11d51b-2f4c-4452-bcc3-09f2a1160cc0"),
        ("D3D11_DECODER_PROFILE_HEVC_VLD_MAIN10", "107af0e0-ef1a-4d19-aba8-67a163073d13"),
        ("D3D11_DECODER_PROFILE_VP8_VLD", "90b899ea-3a62-4705-88b3-8df04b2744e7"),
        ("D3D11_DECODER_PROFILE_VP9_VLD_PROFILE0", "463707f8-a1d0-4585-876d-83aa6d60b89e"),
        ("D3D11_DECODER_PROFILE_AV1_VLD_PROFILE0", "b8be4ccb-cf53-46ba-8d59-d6b8a6da5d2a"),
        ("DXVA_ModeMPEG2_D", "1b81be0d-a0c7-11d3-b984-00c04f2e73c5"),
    ];
    for (name, guid) in published {
        let listed = DECODER_PROFILES.iter().find(|(listed, _)| *listed == name);
        assert_eq!(listed.map(|(_, guid)| guid.to_string()).as_deref(), Some(guid), "{name}");
    }
}

#[test]
fn decoder_buffer_types_have_their_public_values() {
    let expected = [
        "UNKNOWN",
        "PICTURE_PARAMETERS",
        "MACROBLOCK_CONTROL",
        "RESIDUAL_DIFFERENCE",
        "DEBLOCKING_CONTROL",
        "INVERSE_QUANTIZATION_MATRIX",
        "SLICE_CONTROL",
        "BITSTREAM",
        "MOTION_VECTOR",
        "FILM_GRAIN",
    ];
    let expected = expected.iter().map(|name| format!("D3D11_1DDI_VIDEO_DECODER_BUFFER_{name}")).zip(0..);
    assert_eq!(Source::read().numbers("decoder"), expected.collect());
}

#[test]
fn driver_capability_bits_are_0x1_to_0x8000_in_order() {
    let driver = [
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY,
        D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED,
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE,
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION,
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
        D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
    ];
    assert_eq!(driver, core::array::from_fn(|bit| 1_u32 << bit));
}

#[test]
fn application_capability_bits_skip_memory_transition_and_end_with_multi_threaded() {
    let application = [
        D3D11_CONTENT_PROTECTION_CAPS_SOFTWARE,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE,
        D3D11_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON,
        D3D11_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION,
        D3D11_CONTENT_PROTECTION_CAPS_CONTENT_KEY,
        D3D11_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY,
        D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
        D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
        D3D11_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV,
        D3D11_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY,
        D3D11_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION,
        D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED,
    ];
    assert_eq!(application, core::array::from_fn(|bit| 1_u32 << bit));
}

#[test]
fn enumerations_have_their_public_values() {
    assert_eq!([D3D11_1DDI_CERTIFICATE_TYPE_AUTHENTICATED_CHANNEL, D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION], [1, 2]);
    let channel = [
        D3D11_AUTHENTICATED_CHANNEL_D3D11,
        D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
        D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE,
    ];
    assert_eq!(channel, [1, 2, 3]);
    assert_eq!([D3D11_PROCESSIDTYPE_UNKNOWN, D3D11_PROCESSIDTYPE_DWM, D3D11_PROCESSIDTYPE_HANDLE], [0, 1, 2]);
    let status = [
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK,
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST,
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST,
    ];
    assert_eq!(status, [0, 1, 2]);
    let bus = [
        D3D11_BUS_TYPE_OTHER,
        D3D11_BUS_TYPE_PCI,
        D3D11_BUS_TYPE_PCIX,
        D3D11_BUS_TYPE_PCIEXPRESS,
        D3D11_BUS_TYPE_AGP,
        D3D11_BUS_IMPL_MODIFIER_INSIDE_OF_CHIPSET,
        D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_CHIP,
        D3D11_BUS_IMPL_MODIFIER_TRACKS_ON_MOTHER_BOARD_TO_SOCKET,
        D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR,
        D3D11_BUS_IMPL_MODIFIER_DAUGHTER_BOARD_CONNECTOR_INSIDE_OF_NUAE,
        D3D11_BUS_IMPL_MODIFIER_NON_STANDARD,
    ];
    assert_eq!(bus, [0, 1, 2, 3, 4, 0x1_0000, 0x2_0000, 0x3_0000, 0x4_0000, 0x5_0000, 0x8000_0000]);
}

#[test]
fn ddi_names_have_the_values_of_their_api_names() {
    let source = Source::read();
    let mut pairs = 0;
    for stem in ["authenticated_channel", "bus"] {
        let values = source.numbers(stem);
        for (name, value) in values.iter().filter(|(name, _)| name.starts_with("D3D11_1DDI_")) {
            let api = name.replace("D3D11_1DDI_", "D3D11_");
            assert_eq!(values.get(&api), Some(value), "{name}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 16);
}

/// The number that the written form of a GUID stands for; panics on anything but groups of 8-4-4-4-12 digits.
fn parse_guid(written: &str) -> u128 {
    let groups: Vec<usize> = written.split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12], "{written}");
    u128::from_str_radix(&written.replace('-', ""), 16).unwrap_or_else(|e| panic!("{written}: {e}"))
}
