//! Frames of the driver's decoders, and output views: number 700.

use std::ffi::c_void;
use std::fmt::Write as _;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW,
    D3D11_1DDI_HVIDEODECODEROUTPUTVIEW, D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
    D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW, D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
    D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION, D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1,
    D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0, HRESULT, S_OK, SIZE_T,
    UINT,
};

use super::{behaviour, enter, fill_private, input, number, private_number, session_number};

pub(super) unsafe extern "system" fn calc_view_size(
    _: D3D10DDI_HDEVICE,
    _: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
) -> SIZE_T {
    behaviour(|behaviour| behaviour.session_size)
}

pub(super) unsafe extern "system" fn create_view(
    _: D3D10DDI_HDEVICE,
    create: *const D3D11_1DDIARG_CREATEVIDEODECODEROUTPUTVIEW,
    view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    runtime: D3D11_1DDI_HRTVIDEODECODEROUTPUTVIEW,
) -> HRESULT {
    assert!(!runtime.handle.is_null());
    // SAFETY: the caller's structure.
    let create = unsafe { *create };
    let arguments = format!(
        "{} {} {}+{}/{}",
        number(create.hDrvResource.pDrvPrivate),
        create.DecodeProfile.Data1,
        create.FirstArraySlice,
        create.ArraySize,
        create.MipSlice
    );
    let hresult = enter("CreateVideoDecoderOutputView", &arguments);
    if hresult == S_OK {
        fill_private(view.pDrvPrivate, 700);
    }
    hresult
}

pub(super) unsafe extern "system" fn destroy_view(_: D3D10DDI_HDEVICE, view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW) {
    enter("DestroyVideoDecoderOutputView", &private_number(view.pDrvPrivate));
}

type Sealed = D3DWDDM2_0DDI_VIDEO_DECODER_BEGIN_FRAME_CRYPTO_SESSION;

fn begin_with(
    table: &str,
    decoder: D3D11_1DDI_HDECODE,
    view: D3D11_1DDI_HVIDEODECODEROUTPUTVIEW,
    key: (*const c_void, UINT),
    histograms: &[D3D10DDI_HRESOURCE],
) -> HRESULT {
    assert!(histograms.iter().all(|buffer| buffer.pDrvPrivate.is_null()));
    let key = if key.1 as usize == size_of::<Sealed>() {
        // SAFETY: a key of this size is such a structure in these tests.
        let sealed = unsafe { key.0.cast::<Sealed>().read() };
        let id = if sealed.pKeyInfoId.is_null() {
            "none".to_owned()
        } else {
            // SAFETY: not null, so an identifier.
            unsafe { *sealed.pKeyInfoId }.Data1.to_string()
        };
        format!("session {} {} {id}", session_number(sealed.hCryptoSession), input(sealed.BlobSize, sealed.pBlob))
    } else {
        input(key.1, key.0)
    };
    let (decoder, view) = (private_number(decoder.pDrvPrivate), private_number(view.pDrvPrivate));
    enter("VideoDecoderBeginFrame", &format!("{table}: {decoder} {view} {key}"))
}

pub(super) unsafe extern "system" fn begin(
    _: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    begin: *const D3D11_1DDIARG_VIDEODECODERBEGINFRAME,
) -> HRESULT {
    // SAFETY: the caller's structure.
    let begin = unsafe { *begin };
    begin_with("11.1", decoder, begin.hOutputView, (begin.pContentKey, begin.ContentKeySize), &[])
}

pub(super) unsafe extern "system" fn begin_rs4(
    _: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    begin: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME_RS4_0,
) -> HRESULT {
    // SAFETY: the caller's structure.
    let begin = unsafe { *begin };
    let histograms = begin.Histograms.map(|histogram| histogram.hBuffer);
    begin_with("RS4", decoder, begin.hOutputView, (begin.pContentKey, begin.ContentKeySize), &histograms)
}

pub(super) unsafe extern "system" fn begin_2_4(
    _: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    begin: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME,
) -> HRESULT {
    // SAFETY: the caller's structure.
    let begin = unsafe { *begin };
    let histograms = begin.Histograms.map(|histogram| histogram.hBuffer);
    begin_with("2.4", decoder, begin.hOutputView, (begin.pContentKey, begin.ContentKeySize), &histograms)
}

pub(super) unsafe extern "system" fn end(_: D3D10DDI_HDEVICE, decoder: D3D11_1DDI_HDECODE) {
    enter("VideoDecoderEndFrame", &private_number(decoder.pDrvPrivate));
}

/// A buffer as text: type, size, resource, IV.
fn buffer(resource: D3D10DDI_HRESOURCE, buffer_type: UINT, place: (UINT, UINT), iv: (UINT, *mut c_void)) -> String {
    let (resource, iv) = (number(resource.pDrvPrivate), input(iv.0, iv.1));
    format!("type {buffer_type} {}+{} of {resource} iv {iv}", place.0, place.1)
}

fn blocks(count: UINT, first: *const D3DWDDM2_0DDI_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK) -> String {
    if first.is_null() {
        return String::new();
    }
    // SAFETY: the caller's array; the tests have one.
    let blocks = unsafe { std::slice::from_raw_parts(first, count as usize) };
    blocks.iter().fold(String::new(), |mut text, block| {
        write!(text, " {}-{}", block.ClearSize, block.EncryptedSize).unwrap();
        text
    })
}

pub(super) unsafe extern "system" fn submit(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HDECODE,
    count: UINT,
    buffers: *const D3D11_1DDI_VIDEO_DECODER_BUFFER_DESC,
) -> HRESULT {
    assert_eq!(count, 1);
    // SAFETY: the caller's array of one.
    let desc = unsafe { *buffers };
    let pattern = if desc.PartialEncryption == 0 {
        String::new()
    } else {
        let info = desc.EncryptedBlockInfo;
        format!(
            " pattern {} {} {}",
            info.NumEncryptedBytesAtBeginning, info.NumBytesInSkipPattern, info.NumBytesInEncryptPattern
        )
    };
    let iv = (desc.IVSize, desc.pIV);
    let text = buffer(desc.hResource, desc.BufferType, (desc.DataOffset, desc.DataSize), iv);
    enter("VideoDecoderSubmitBuffers", &format!("{text}{pattern}"))
}

pub(super) unsafe extern "system" fn submit_1(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HDECODE,
    count: UINT,
    buffers: *const D3DWDDM2_0DDI_VIDEO_DECODER_BUFFER_DESC1,
) -> HRESULT {
    assert_eq!(count, 1);
    // SAFETY: the caller's array of one.
    let desc = unsafe { *buffers };
    let iv = (desc.IVSize, desc.pIV);
    let text = buffer(desc.hResource, desc.BufferType, (desc.DataOffset, desc.DataSize), iv);
    let blocks = blocks(desc.SubSampleMappingCount, desc.pSubSampleMappingBlock);
    enter("VideoDecoderSubmitBuffers1", &format!("{text}{blocks}"))
}

pub(super) unsafe extern "system" fn submit_2(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HDECODE,
    count: UINT,
    buffers: *const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC,
) -> HRESULT {
    assert_eq!(count, 1);
    // SAFETY: the caller's array of one.
    let desc = unsafe { *buffers };
    let iv = (desc.IVSize, desc.pIV);
    let text = buffer(desc.hResource, desc.BufferType, (desc.DataOffset, desc.DataSize), iv);
    let blocks = blocks(desc.SubSampleMappingCount, desc.pSubSampleMappingBlock);
    let stripes = match (desc.cBlocksStripeEncrypted, desc.cBlocksStripeClear) {
        (0, 0) => String::new(),
        (encrypted, clear) => format!(" stripes {encrypted} {clear}"),
    };
    enter("VideoDecoderSubmitBuffers2", &format!("{text}{blocks}{stripes}"))
}
