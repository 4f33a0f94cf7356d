//! `ID3D11VideoDevice`, up to version 2: its content-protection methods are the layer's, and so are decoders of
//! encrypted bitstreams.
//!
//! The object is a face of the real device: its references are the device's, and `QueryInterface` leads to all that the
//! device has.

use softcp_abi::{D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, GUID as Guid, GUID_NULL};
use softcp_runtime::CryptoSessionDesc;
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_VIDEO_CONTENT_PROTECTION_CAPS, ID3D11Device_Vtbl, ID3D11VideoDevice_Vtbl, ID3D11VideoDevice1_Vtbl,
    ID3D11VideoDevice2_Vtbl,
};
use windows::core::{GUID, HRESULT, IUnknown_Vtbl};

use super::call::Call;
use super::com::{self, Raw};
use super::device::Part;
use super::forward::{below, table};
use super::{channel, decoder, encryption, key_exchange, session};
use crate::capability;
use crate::message::MessageId;

/// The video device of a device.
pub(super) type VideoDevice = Part<ID3D11VideoDevice2_Vtbl>;

const UNKNOWN: IUnknown_Vtbl =
    IUnknown_Vtbl { QueryInterface: query_interface, AddRef: add_reference, Release: release_reference };

const VERSION_0: ID3D11VideoDevice_Vtbl = table!(
    ID3D11VideoDevice_Vtbl of OfDevice 0 over UNKNOWN;
    CreateVideoDecoder: decoder::create_video_decoder,
    CreateVideoProcessor: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoProcessor 2),
    CreateAuthenticatedChannel: channel::create_authenticated_channel,
    CreateCryptoSession: session::create_crypto_session,
    CreateVideoDecoderOutputView: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoDecoderOutputView 2),
    CreateVideoProcessorInputView: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoProcessorInputView 3),
    CreateVideoProcessorOutputView: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoProcessorOutputView 3),
    CreateVideoProcessorEnumerator: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CreateVideoProcessorEnumerator 1),
    CheckVideoDecoderFormat: below!(new OfDevice 0 ID3D11VideoDevice_Vtbl.CheckVideoDecoderFormat 2),
    GetVideoDecoderConfigCount: encryption::get_video_decoder_config_count,
    GetVideoDecoderConfig: encryption::get_video_decoder_config,
    GetContentProtectionCaps: get_content_protection_caps,
    CheckCryptoKeyExchange: check_crypto_key_exchange,
    SetPrivateData: set_private_data,
    SetPrivateDataInterface: set_private_data_interface,
    ;
    GetVideoDecoderProfileCount 0,
    GetVideoDecoderProfile 2,
);

const VERSION_1: ID3D11VideoDevice1_Vtbl = table!(
    ID3D11VideoDevice1_Vtbl of OfDevice 1 over VERSION_0;
    GetVideoDecoderCaps: encryption::get_video_decoder_caps,
    CheckVideoDecoderDownsampling: below!(new OfDevice 1 ID3D11VideoDevice1_Vtbl.CheckVideoDecoderDownsampling 6),
    GetCryptoSessionPrivateDataSize: get_crypto_session_private_data_size,
    ;
    RecommendVideoDecoderDownsampleParameters 5,
);

pub(super) static VTABLE: ID3D11VideoDevice2_Vtbl = table!(
    ID3D11VideoDevice2_Vtbl of OfDevice 2 over VERSION_1;
    NegotiateCryptoSessionKeyExchangeMT: key_exchange::negotiate_session_free_threaded,
    ;
    CheckFeatureSupport 3,
);

/// The DDI's capability bits for a crypto type and a decode profile.
pub(super) fn caps(
    call: Call<'_>,
    crypto_type: &Guid,
    profile: &Guid,
) -> Result<D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, HRESULT> {
    let driver = call.state.driver().ok_or(E_FAIL)?;
    let mut caps = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS::default();
    let reply = driver.calls().get_content_protection_caps(Some(crypto_type), Some(profile), Some(&mut caps));
    call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
    Ok(caps)
}

/// Null stands for the null identifier, where the SDK's header lets it be left out.
///
/// # Safety
///
/// `guid` is null or readable.
pub(super) unsafe fn optional(guid: *const GUID) -> Guid {
    // SAFETY: null or readable, and of the same layout.
    unsafe { com::read(guid.cast::<Guid>()) }.unwrap_or(GUID_NULL)
}

unsafe extern "system" fn get_content_protection_caps(
    this: Raw,
    crypto_type: *const GUID,
    profile: *const GUID,
    caps_out: *mut D3D11_VIDEO_CONTENT_PROTECTION_CAPS,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoDevice::state(this) }, "ID3D11VideoDevice::GetContentProtectionCaps");
        call.not_null(caps_out, MessageId::GETCONTENTPROTECTIONCAPS_NULLPARAM, "pCaps")?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(caps_out, D3D11_VIDEO_CONTENT_PROTECTION_CAPS::default()) };
        // SAFETY: null or readable.
        let (crypto_type, profile) = (unsafe { optional(crypto_type) }, unsafe { optional(profile) });
        let caps = caps(call, &crypto_type, &profile)?;
        let driver = call.state.driver().ok_or(E_FAIL)?;
        let free_threaded = driver.calls().table().negotiate_crypto_session_key_exchange_mt.is_some();
        let answer = D3D11_VIDEO_CONTENT_PROTECTION_CAPS {
            Caps: capability::to_api(caps.Caps, free_threaded),
            KeyExchangeTypeCount: caps.KeyExchangeTypeCount,
            BlockAlignmentSize: caps.BlockAlignmentSize,
            ProtectedMemorySize: caps.ProtectedMemorySize,
        };
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(caps_out, answer) };
        Ok(())
    })
}

unsafe extern "system" fn check_crypto_key_exchange(
    this: Raw,
    crypto_type: *const GUID,
    profile: *const GUID,
    index: u32,
    key_exchange_type: *mut GUID,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoDevice::state(this) }, "ID3D11VideoDevice::CheckCryptoKeyExchange");
        let null = MessageId::CHECKCRYPTOKEYEXCHANGE_NULLPARAM;
        call.not_null(key_exchange_type, null, "pKeyExchangeType")?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(key_exchange_type, GUID::zeroed()) };
        // SAFETY: null or readable, and of the same layout.
        let crypto_type = unsafe { call.required(crypto_type.cast::<Guid>(), null, "pCryptoType") }?;
        // SAFETY: null or readable.
        let profile = unsafe { optional(profile) };
        let count = caps(call, &crypto_type, &profile)?.KeyExchangeTypeCount;
        if index >= count {
            let text = format!("Index is {index}, and there are {count} key exchange types");
            return Err(call.refuse(MessageId::CHECKCRYPTOKEYEXCHANGE_INVALIDINDEX, &text));
        }
        let driver = call.state.driver().ok_or(E_FAIL)?;
        let mut found = GUID_NULL;
        let reply =
            driver.calls().get_crypto_key_exchange_type(Some(&crypto_type), Some(&profile), index, Some(&mut found));
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
        // SAFETY: not null, and the program's duty; of the same layout.
        unsafe { com::write(key_exchange_type.cast::<Guid>(), found) };
        Ok(())
    })
}

unsafe extern "system" fn get_crypto_session_private_data_size(
    this: Raw,
    crypto_type: *const GUID,
    profile: *const GUID,
    key_exchange_type: *const GUID,
    input_size: *mut u32,
    output_size: *mut u32,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoDevice::state(this) };
        let call = Call::new(state, "ID3D11VideoDevice1::GetCryptoSessionPrivateDataSize");
        for size in [input_size, output_size] {
            // SAFETY: null or writable.
            unsafe { com::write(size, 0) };
        }
        if [crypto_type, key_exchange_type].iter().any(|guid| guid.is_null())
            || input_size.is_null()
            || output_size.is_null()
        {
            return Err(call.refuse_with(None, E_INVALIDARG, "a required pointer is null"));
        }
        let desc = CryptoSessionDesc {
            // SAFETY: not null, and the program's duty.
            crypto_type: unsafe { optional(crypto_type) },
            // SAFETY: null or readable.
            decode_profile: unsafe { optional(profile) },
            // SAFETY: not null, and the program's duty.
            key_exchange_type: unsafe { optional(key_exchange_type) },
        };
        let driver = state.driver().ok_or(E_FAIL)?;
        let sizes = call.driver(driver.private_data_sizes(&desc))?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(input_size, sizes.input) };
        // SAFETY: as above.
        unsafe { com::write(output_size, sizes.output) };
        Ok(())
    })
}

/// The real device behind `this`, and its table.
///
/// # Safety
///
/// `this` is the video device of a live device.
unsafe fn device<'a>(this: Raw) -> (Raw, &'a ID3D11Device_Vtbl) {
    // SAFETY: the caller's duty.
    let device = unsafe { VideoDevice::state(this) }.device().raw();
    // SAFETY: it lives, since its face does.
    (device, unsafe { com::vtable(device) })
}

unsafe extern "system" fn query_interface(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (device, table) = unsafe { device(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.base__.QueryInterface)(device, iid, out) }
}

unsafe extern "system" fn add_reference(this: Raw) -> u32 {
    // SAFETY: COM's duty: `this` lives.
    let (device, table) = unsafe { device(this) };
    // SAFETY: as above.
    unsafe { (table.base__.AddRef)(device) }
}

unsafe extern "system" fn release_reference(this: Raw) -> u32 {
    // SAFETY: COM's duty: `this` lives.
    let (device, table) = unsafe { device(this) };
    // SAFETY: as above; nothing here is used afterwards.
    unsafe { (table.base__.Release)(device) }
}

unsafe extern "system" fn set_private_data(
    this: Raw,
    name: *const GUID,
    size: u32,
    data: *const core::ffi::c_void,
) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (device, table) = unsafe { device(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.SetPrivateData)(device, name, size, data) }
}

unsafe extern "system" fn set_private_data_interface(this: Raw, name: *const GUID, data: Raw) -> HRESULT {
    // SAFETY: COM's duty: `this` lives.
    let (device, table) = unsafe { device(this) };
    // SAFETY: the arguments are the program's, for this method.
    unsafe { (table.SetPrivateDataInterface)(device, name, data) }
}
