//! `ID3D11VideoContext`, up to version 3, of an immediate context: its content-protection methods are the layer's,
//! and so are those that take a decoder, which may be the layer's.
//!
//! The object is a face of the real immediate context: its references are the context's, and `QueryInterface` leads to
//! all that the context has.

use windows::Win32::Graphics::Direct3D11::{
    ID3D11DeviceChild_Vtbl, ID3D11DeviceContext_Vtbl, ID3D11VideoContext_Vtbl, ID3D11VideoContext1_Vtbl,
    ID3D11VideoContext2_Vtbl, ID3D11VideoContext3_Vtbl,
};
use windows::core::{GUID, HRESULT, IUnknown_Vtbl};

use super::com::{self, Raw};
use super::device::Part;
use super::forward::{below, table};
use super::{blit, decoding, dialogue, hardware, key_exchange, refresh};

/// The video context of a device.
pub(super) type VideoContext = Part<ID3D11VideoContext3_Vtbl>;

const CHILD: ID3D11DeviceChild_Vtbl = ID3D11DeviceChild_Vtbl {
    base__: IUnknown_Vtbl { QueryInterface: query_interface, AddRef: add_reference, Release: release_reference },
    GetDevice: get_device,
    GetPrivateData: get_private_data,
    SetPrivateData: set_private_data,
    SetPrivateDataInterface: set_private_data_interface,
};

const VERSION_0: ID3D11VideoContext_Vtbl = table!(
    ID3D11VideoContext_Vtbl of OfContext 0 over CHILD;
    NegotiateCryptoSessionKeyExchange: key_exchange::negotiate_session,
    EncryptionBlt: blit::encryption_blt,
    DecryptionBlt: blit::decryption_blt,
    StartSessionKeyRefresh: refresh::start_session_key_refresh,
    FinishSessionKeyRefresh: refresh::finish_session_key_refresh,
    GetEncryptionBltKey: refresh::get_encryption_blt_key,
    NegotiateAuthenticatedChannelKeyExchange: key_exchange::negotiate_channel,
    QueryAuthenticatedChannel: dialogue::query_authenticated_channel,
    ConfigureAuthenticatedChannel: dialogue::configure_authenticated_channel,
    GetDecoderBuffer: decoding::get_decoder_buffer,
    ReleaseDecoderBuffer: decoding::release_decoder_buffer,
    DecoderBeginFrame: decoding::decoder_begin_frame,
    DecoderEndFrame: decoding::decoder_end_frame,
    SubmitDecoderBuffers: decoding::submit_decoder_buffers,
    DecoderExtension: decoding::decoder_extension,
    ;
    VideoProcessorSetOutputTargetRect 3,
    VideoProcessorSetOutputBackgroundColor 3,
    VideoProcessorSetOutputColorSpace 2,
    VideoProcessorSetOutputAlphaFillMode 3,
    VideoProcessorSetOutputConstriction 3,
    VideoProcessorSetOutputStereoMode 2,
    VideoProcessorSetOutputExtension 4,
    VideoProcessorGetOutputTargetRect 3,
    VideoProcessorGetOutputBackgroundColor 3,
    VideoProcessorGetOutputColorSpace 2,
    VideoProcessorGetOutputAlphaFillMode 3,
    VideoProcessorGetOutputConstriction 3,
    VideoProcessorGetOutputStereoMode 2,
    VideoProcessorGetOutputExtension 4,
    VideoProcessorSetStreamFrameFormat 3,
    VideoProcessorSetStreamColorSpace 3,
    VideoProcessorSetStreamOutputRate 5,
    VideoProcessorSetStreamSourceRect 4,
    VideoProcessorSetStreamDestRect 4,
    VideoProcessorSetStreamAlpha 4,
    VideoProcessorSetStreamPalette 4,
    VideoProcessorSetStreamPixelAspectRatio 5,
    VideoProcessorSetStreamLumaKey 5,
    VideoProcessorSetStreamStereoFormat 8,
    VideoProcessorSetStreamAutoProcessingMode 3,
    VideoProcessorSetStreamFilter 5,
    VideoProcessorSetStreamExtension 5,
    VideoProcessorGetStreamFrameFormat 3,
    VideoProcessorGetStreamColorSpace 3,
    VideoProcessorGetStreamOutputRate 5,
    VideoProcessorGetStreamSourceRect 4,
    VideoProcessorGetStreamDestRect 4,
    VideoProcessorGetStreamAlpha 4,
    VideoProcessorGetStreamPalette 4,
    VideoProcessorGetStreamPixelAspectRatio 5,
    VideoProcessorGetStreamLumaKey 5,
    VideoProcessorGetStreamStereoFormat 8,
    VideoProcessorGetStreamAutoProcessingMode 3,
    VideoProcessorGetStreamFilter 5,
    VideoProcessorGetStreamExtension 5,
    VideoProcessorBlt 5,
    VideoProcessorSetStreamRotation 4,
    VideoProcessorGetStreamRotation 4,
);

const VERSION_1: ID3D11VideoContext1_Vtbl = table!(
    ID3D11VideoContext1_Vtbl of OfContext 1 over VERSION_0;
    GetDataForNewHardwareKey: hardware::get_data_for_new_hardware_key,
    CheckCryptoSessionStatus: hardware::check_crypto_session_status,
    SubmitDecoderBuffers1: decoding::submit_decoder_buffers_1,
    DecoderEnableDownsampling: decoding::decoder_enable_downsampling,
    DecoderUpdateDownsampling: decoding::decoder_update_downsampling,
    ;
    VideoProcessorSetOutputColorSpace1 2,
    VideoProcessorSetOutputShaderUsage 2,
    VideoProcessorGetOutputColorSpace1 2,
    VideoProcessorGetOutputShaderUsage 2,
    VideoProcessorSetStreamColorSpace1 3,
    VideoProcessorSetStreamMirror 5,
    VideoProcessorGetStreamColorSpace1 3,
    VideoProcessorGetStreamMirror 5,
    VideoProcessorGetBehaviorHints 7,
);

const VERSION_2: ID3D11VideoContext2_Vtbl = table!(
    ID3D11VideoContext2_Vtbl of OfContext 2 over VERSION_1;
    ;
    VideoProcessorSetOutputHDRMetaData 4,
    VideoProcessorGetOutputHDRMetaData 4,
    VideoProcessorSetStreamHDRMetaData 5,
    VideoProcessorGetStreamHDRMetaData 5,
);

pub(super) static VTABLE: ID3D11VideoContext3_Vtbl = table!(
    ID3D11VideoContext3_Vtbl of OfContext 3 over VERSION_2;
    DecoderBeginFrame1: decoding::decoder_begin_frame_1,
    SubmitDecoderBuffers2: decoding::submit_decoder_buffers_2,
    ;
);

/// The real immediate context behind `this`, and its table.
///
/// # Safety
///
/// `this` is a video context of a live context.
unsafe fn context<'a>(this: Raw) -> (Raw, &'a ID3D11DeviceChild_Vtbl) {
    // SAFETY: the caller's duty.
    let context = unsafe { VideoContext::state(this) }.context().raw();
    // SAFETY: it lives, since its face does.
    let table = unsafe { com::vtable::<ID3D11DeviceContext_Vtbl>(context) };
    (context, &table.base__)
}

unsafe extern "system" fn query_interface(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.base__.QueryInterface)(context, iid, out) }
}

unsafe extern "system" fn add_reference(this: Raw) -> u32 {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: as above.
    unsafe { (table.base__.AddRef)(context) }
}

unsafe extern "system" fn release_reference(this: Raw) -> u32 {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: as above; nothing here is used afterwards.
    unsafe { (table.base__.Release)(context) }
}

unsafe extern "system" fn get_device(this: Raw, device: *mut Raw) {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.GetDevice)(context, device) }
}

unsafe extern "system" fn get_private_data(this: Raw, name: *const GUID, size: *mut u32, data: Raw) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.GetPrivateData)(context, name, size, data) }
}

unsafe extern "system" fn set_private_data(
    this: Raw,
    name: *const GUID,
    size: u32,
    data: *const core::ffi::c_void,
) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.SetPrivateData)(context, name, size, data) }
}

unsafe extern "system" fn set_private_data_interface(this: Raw, name: *const GUID, data: Raw) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (context, table) = unsafe { context(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.SetPrivateDataInterface)(context, name, data) }
}
