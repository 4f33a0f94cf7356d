//! Order and types of the video function tables.

mod support;

use core::mem::offset_of;
use std::collections::BTreeMap;

use softcp_abi::*;
use support::{Source, table, type_name};

/// Names of the content-protection entries, after those of decoders and their frames, and of the types they must have.
const TYPED: &[(&str, &str)] = &[
    ("pfnCalcPrivateVideoDecoderSize", "PFND3D11_1DDI_CALCPRIVATEVIDEODECODERSIZE"),
    ("pfnCreateVideoDecoder", "PFND3D11_1DDI_CREATEVIDEODECODER"),
    ("pfnDestroyVideoDecoder", "PFND3D11_1DDI_DESTROYVIDEODECODER"),
    ("pfnVideoDecoderBeginFrame", "PFND3D11_1DDI_VIDEODECODERBEGINFRAME"),
    ("pfnVideoDecoderEndFrame", "PFND3D11_1DDI_VIDEODECODERENDFRAME"),
    ("pfnVideoDecoderSubmitBuffers", "PFND3D11_1DDI_VIDEODECODERSUBMITBUFFERS"),
    ("pfnCalcPrivateVideoDecoderOutputViewSize", "PFND3D11_1DDI_CALCPRIVATEVIDEODECODEROUTPUTVIEWSIZE"),
    ("pfnCreateVideoDecoderOutputView", "PFND3D11_1DDI_CREATEVIDEODECODEROUTPUTVIEW"),
    ("pfnDestroyVideoDecoderOutputView", "PFND3D11_1DDI_DESTROYVIDEODECODEROUTPUTVIEW"),
    ("pfnVideoDecoderSubmitBuffers1", "PFND3DWDDM2_0DDI_VIDEODECODERSUBMITBUFFERS1"),
    ("pfnVideoDecoderSubmitBuffers2", "PFND3DWDDM2_4DDI_VIDEODECODERSUBMITBUFFERS"),
    ("pfnGetContentProtectionCaps", "PFND3D11_1DDI_GETCONTENTPROTECTIONCAPS"),
    ("pfnGetCryptoKeyExchangeType", "PFND3D11_1DDI_GETCRYPTOKEYEXCHANGETYPE"),
    ("pfnCalcPrivateCryptoSessionSize", "PFND3D11_1DDI_CALCPRIVATECRYPTOSESSIONSIZE"),
    ("pfnCreateCryptoSession", "PFND3D11_1DDI_CREATECRYPTOSESSION"),
    ("pfnDestroyCryptoSession", "PFND3D11_1DDI_DESTROYCRYPTOSESSION"),
    ("pfnGetCertificateSize", "PFND3D11_1DDI_GETCERTIFICATESIZE"),
    ("pfnGetCertificate", "PFND3D11_1DDI_GETCERTIFICATE"),
    ("pfnNegotiateCryptoSessionKeyExchange", "PFND3D11_1DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE"),
    ("pfnEncryptionBlt", "PFND3D11_1DDI_ENCRYPTIONBLT"),
    ("pfnDecryptionBlt", "PFND3D11_1DDI_DECRYPTIONBLT"),
    ("pfnStartSessionKeyRefresh", "PFND3D11_1DDI_STARTSESSIONKEYREFRESH"),
    ("pfnFinishSessionKeyRefresh", "PFND3D11_1DDI_FINISHSESSIONKEYREFRESH"),
    ("pfnGetEncryptionBltKey", "PFND3D11_1DDI_GETENCRYPTIONBLTKEY"),
    ("pfnCalcPrivateAuthenticatedChannelSize", "PFND3D11_1DDI_CALCPRIVATEAUTHENTICATEDCHANNELSIZE"),
    ("pfnCreateAuthenticatedChannel", "PFND3D11_1DDI_CREATEAUTHENTICATEDCHANNEL"),
    ("pfnDestroyAuthenticatedChannel", "PFND3D11_1DDI_DESTROYAUTHENTICATEDCHANNEL"),
    ("pfnNegotiateAuthenticatedChannelKeyExchange", "PFND3D11_1DDI_NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE"),
    ("pfnQueryAuthenticatedChannel", "PFND3D11_1DDI_QUERYAUTHENTICATEDCHANNEL"),
    ("pfnConfigureAuthenticatedChannel", "PFND3D11_1DDI_CONFIGUREAUTHENTICATEDCHANNEL"),
    ("pfnVideoDecoderGetHandle", "PFND3D11_1DDI_VIDEODECODERGETHANDLE"),
    ("pfnCryptoSessionGetHandle", "PFND3D11_1DDI_CRYPTOSESSIONGETHANDLE"),
    ("pfnGetDataForNewHardwareKey", "PFND3DWDDM2_0DDI_GETDATAFORNEWHARDWAREKEY"),
    ("pfnCheckCryptoSessionStatus", "PFND3DWDDM2_0DDI_CHECKCRYPTOSESSIONSTATUS"),
    ("pfnGetCryptoSessionPrivateDataSize", "PFND3DWDDM2_0DDI_GETCRYPTOSESSIONPRIVATEDATASIZE"),
    ("pfnNegotiateCryptoSessionKeyExchangeMT", "PFND3DWDDM2_4DDI_NEGOTIATECRYPTOSESSIONKEYEXCHANGE"),
];

/// The tables in which `VideoDecoderBeginFrame` has another type: its structure has grown.
const BEGIN_FRAME_2_4: &[(&str, &str)] = &[
    ("D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0", "PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0"),
    ("D3DWDDM2_4DDI_VIDEODEVICEFUNCS", "PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME"),
];

#[test]
fn entries_of_each_table_are_in_the_order_of_functables() {
    let source = Source::read();
    let tables = expected_tables();
    assert_eq!(tables.len(), 5);
    for (name, (_, entries)) in tables {
        let fields: Vec<&String> = source.composites[&name].fields.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, entries.iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn content_protection_and_decoders_frames_are_typed_and_all_others_opaque() {
    let source = Source::read();
    for name in expected_tables().keys() {
        for (field, ty) in &source.composites[name].fields {
            let in_this_table =
                BEGIN_FRAME_2_4.iter().find(|(table, _)| table == name && field == "pfnVideoDecoderBeginFrame");
            let typed = in_this_table.or(TYPED.iter().find(|(entry, _)| entry == field));
            let expected = typed.map_or("PFND3D10DDI_OPAQUE", |(_, ty)| ty);
            assert_eq!(type_name(ty).as_deref(), Some(expected), "{name}.{field}");
        }
    }
}

#[test]
fn typed_entries_sit_in_the_slots_of_the_contract() {
    let source = Source::read();
    let core: Vec<usize> = (7..=9).chain(11..=13).chain(48..=50).chain(58..=78).collect();
    for (name, (id, _)) in expected_tables() {
        let later: &[usize] = match id {
            D3D11_1DDI_VIDEO_FUNCTIONS => &[],
            D3DWDDM2_4DDI_VIDEO_FUNCTIONS => &[81, 82, 83, 93, 96],
            _ => &[81, 82, 83, 93],
        };
        let fields = source.composites[&name].fields.iter().enumerate();
        let typed: Vec<usize> = fields
            .filter(|(_, (_, ty))| type_name(ty).as_deref() != Some("PFND3D10DDI_OPAQUE"))
            .map(|(slot, _)| slot)
            .collect();
        assert_eq!(typed, [core.as_slice(), later].concat(), "{name}");
    }
}

#[test]
fn every_type_of_a_typed_entry_is_a_nullable_system_function() {
    let source = Source::read();
    for (_, name) in TYPED
        .iter()
        .chain(BEGIN_FRAME_2_4)
        .chain([&("", "PFND3D10DDI_OPAQUE"), &("", "PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION")])
    {
        let syn::Type::Path(path) = &source.aliases[*name] else { panic!("{name} is no path") };
        let option = path.path.segments.last().expect("a path has a name");
        assert_eq!(option.ident, "Option", "{name}");
        let syn::PathArguments::AngleBracketed(arguments) = &option.arguments else { panic!("{name}") };
        let Some(syn::GenericArgument::Type(syn::Type::BareFn(function))) = arguments.args.first() else {
            panic!("{name} holds no function")
        };
        let abi = function.abi.as_ref().and_then(|abi| abi.name.as_ref()).map(syn::LitStr::value);
        assert_eq!(abi.as_deref(), Some("system"), "{name}");
        assert!(function.unsafety.is_some(), "{name}");
    }
}

#[test]
fn video_table_size_of_each_sub_device_is_its_number_of_entries() {
    for (name, (id, entries)) in expected_tables() {
        assert_eq!(video_table_size(id), Some(entries.len() * size_of::<usize>()), "{name}");
    }
}

#[test]
fn video_table_size_of_another_sub_device_is_none() {
    for id in [0, 1, 4, 8, u32::MAX] {
        assert_eq!(video_table_size(id), None, "{id}");
    }
}

#[test]
fn compiled_offsets_are_slots_times_pointer_size() {
    let slot = |offset: usize| offset / size_of::<usize>();
    assert_eq!(slot(offset_of!(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetContentProtectionCaps)), 58);
    assert_eq!(slot(offset_of!(D3D11_1DDI_VIDEODEVICEFUNCS, pfnGetCaptureHandle)), 80);
    assert_eq!(slot(offset_of!(D3DWDDM2_0DDI_VIDEODEVICEFUNCS, pfnCheckCryptoSessionStatus)), 82);
    assert_eq!(slot(offset_of!(D3DWDDM2_1DDI_VIDEODEVICEFUNCS, pfnVideoProcessorSetStreamHDRMetaData)), 95);
    assert_eq!(slot(offset_of!(D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0, pfnVideoDecoderSubmitBuffers2)), 83);
    assert_eq!(slot(offset_of!(D3DWDDM2_4DDI_VIDEODEVICEFUNCS, pfnNegotiateCryptoSessionKeyExchangeMT)), 96);
}

#[test]
fn default_table_offers_no_entry() {
    let table = D3DWDDM2_4DDI_VIDEODEVICEFUNCS::default();
    assert!(table.pfnGetVideoDecoderProfileCount.is_none());
    assert!(table.pfnNegotiateCryptoSessionKeyExchangeMT.is_none());
}

/// Name of each table, with its sub-device and its entries in order.
fn expected_tables() -> BTreeMap<String, (u32, Vec<String>)> {
    let mut tables: BTreeMap<String, (u32, Vec<String>)> = BTreeMap::new();
    for row in table("functables.csv") {
        let [name, id, slot, entry] = row.as_slice() else { panic!("functables.csv: {row:?}") };
        let id: u32 = id.parse().expect("a sub-device is a number");
        let slot: usize = slot.parse().expect("a slot is a number");
        let (known, entries) = tables.entry(name.clone()).or_insert_with(|| (id, Vec::new()));
        assert_eq!(*known, id, "{name} has two sub-devices");
        assert_eq!(slot, entries.len(), "{name}: slots are not in order");
        entries.push(entry.clone());
    }
    tables
}
