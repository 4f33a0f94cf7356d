//! Video decoders of the driver: number 600, handle 666.

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTDECODE, D3D11_1DDIARG_CREATEVIDEODECODER, HANDLE, HRESULT,
    S_OK, SIZE_T,
};

use super::{behaviour, enter, fill_private, handle, number, private_number};

pub(super) unsafe extern "system" fn calc_private_size(
    _: D3D10DDI_HDEVICE,
    _: *const D3D11_1DDIARG_CREATEVIDEODECODER,
) -> SIZE_T {
    behaviour(|behaviour| behaviour.session_size)
}

pub(super) unsafe extern "system" fn create(
    device: D3D10DDI_HDEVICE,
    desc: *const D3D11_1DDIARG_CREATEVIDEODECODER,
    decoder: D3D11_1DDI_HDECODE,
    runtime: D3D11_1DDI_HRTDECODE,
) -> HRESULT {
    assert_eq!(number(device.pDrvPrivate), 100);
    assert!(!runtime.handle.is_null());
    // SAFETY: the caller's structure.
    let desc = unsafe { *desc };
    let (stream, config) = (desc.Desc, desc.Config);
    let arguments = format!(
        "{} {}x{} {} {} raw {}",
        stream.Guid.Data1,
        stream.SampleWidth,
        stream.SampleHeight,
        stream.OutputFormat,
        config.guidConfigBitstreamEncryption,
        config.ConfigBitstreamRaw
    );
    let hresult = enter("CreateVideoDecoder", &arguments);
    if hresult == S_OK {
        fill_private(decoder.pDrvPrivate, 600);
    }
    hresult
}

pub(super) unsafe extern "system" fn destroy(_: D3D10DDI_HDEVICE, decoder: D3D11_1DDI_HDECODE) {
    enter("DestroyVideoDecoder", &private_number(decoder.pDrvPrivate));
}

pub(super) unsafe extern "system" fn get_handle(
    _: D3D10DDI_HDEVICE,
    decoder: D3D11_1DDI_HDECODE,
    out: *mut HANDLE,
) -> HRESULT {
    let hresult = enter("VideoDecoderGetHandle", &private_number(decoder.pDrvPrivate));
    if !out.is_null() && hresult == S_OK {
        // SAFETY: the caller's place.
        unsafe { out.write(handle(666)) };
    }
    hresult
}
