//! `GetContentProtectionCaps`, `GetCryptoKeyExchangeType`.

use softcp_abi::{D3D10DDI_HDEVICE, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, GUID, GUID_NULL, HRESULT};

use super::attach::device;
use crate::{guard, pointer};

/// `GetContentProtectionCaps`: null or the null GUID stands for no crypto type or no profile (D27).
pub(super) unsafe extern "system" fn get_content_protection_caps(
    h_device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    caps: *mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
) -> HRESULT {
    guard::run("GetContentProtectionCaps", || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pCaps", caps, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS::default()) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let crypto_type = unsafe { pointer::read_or(crypto_type, GUID_NULL) };
        // SAFETY: the runtime's duty: null or readable.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL) };
        let answer = device.live_adapter()?.content_protection_caps(&crypto_type, &decode_profile)?;
        let answer = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS {
            Caps: answer.capabilities.bits(),
            KeyExchangeTypeCount: answer.key_exchange_type_count,
            BlockAlignmentSize: answer.block_alignment,
            ProtectedMemorySize: answer.protected_memory_size,
        };
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pCaps", caps, answer) }
    })
}

/// `GetCryptoKeyExchangeType`: E_INVALIDARG past the last one (D27).
pub(super) unsafe extern "system" fn get_crypto_key_exchange_type(
    h_device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    index: u32,
    key_exchange_type: *mut GUID,
) -> HRESULT {
    guard::run("GetCryptoKeyExchangeType", || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pKeyExchangeType", key_exchange_type, GUID_NULL) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let crypto_type = unsafe { pointer::read_or(crypto_type, GUID_NULL) };
        // SAFETY: the runtime's duty: null or readable.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL) };
        let found = device.live_adapter()?.key_exchange_type(&crypto_type, &decode_profile, index)?;
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pKeyExchangeType", key_exchange_type, found) }
    })
}
