//! Capabilities and key exchange types.

use softcp_abi::GUID_NULL;

use super::device::{borrow, softcp_device};
use super::types::{softcp_guid, softcp_hresult};
use crate::{guard, pointer};

/// Protection is done in software.
pub const SOFTCP_CAPS_SOFTWARE: u32 = 0x1;
/// Protection is done in hardware.
pub const SOFTCP_CAPS_HARDWARE: u32 = 0x2;
/// Protection is enforced at all times (D19).
pub const SOFTCP_CAPS_PROTECTION_ALWAYS_ON: u32 = 0x4;
/// Encrypted block information is understood.
pub const SOFTCP_CAPS_PARTIAL_DECRYPTION: u32 = 0x8;
/// Content keys.
pub const SOFTCP_CAPS_CONTENT_KEY: u32 = 0x10;
/// Session key refresh.
pub const SOFTCP_CAPS_FRESHEN_SESSION_KEY: u32 = 0x20;
/// Encrypted read-back.
pub const SOFTCP_CAPS_ENCRYPTED_READ_BACK: u32 = 0x40;
/// Read-back uses a key of its own.
pub const SOFTCP_CAPS_ENCRYPTED_READ_BACK_KEY: u32 = 0x80;
/// IVs must increase (D10).
pub const SOFTCP_CAPS_SEQUENTIAL_CTR_IV: u32 = 0x100;
/// Only slice data is encrypted in decoder buffers.
pub const SOFTCP_CAPS_ENCRYPT_SLICEDATA_ONLY: u32 = 0x200;
/// Decryption blits.
pub const SOFTCP_CAPS_DECRYPTION_BLT: u32 = 0x400;
/// Uncompressed content is protected by hardware.
pub const SOFTCP_CAPS_HARDWARE_PROTECT_UNCOMPRESSED: u32 = 0x800;
/// Protected memory can be paged.
pub const SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE: u32 = 0x1000;
/// Memory can become protected and unprotected.
pub const SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION: u32 = 0x2000;
/// The hardware can tear protection down.
pub const SOFTCP_CAPS_HARDWARE_TEARDOWN: u32 = 0x4000;
/// Hardware-protection key exchange.
pub const SOFTCP_CAPS_HARDWARE_DRM_COMMUNICATION: u32 = 0x8000;

/// What the driver offers for a crypto type and a decode profile.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_content_protection_caps {
    /// SOFTCP_CAPS_ bits, the DDI's.
    pub caps: u32,
    /// How many key exchange types can be enumerated.
    pub key_exchange_type_count: u32,
    /// Bytes that every pattern run must be a multiple of (D7).
    pub block_alignment_size: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// Protected memory in bytes; the largest number when unlimited, never 0 (D24).
    pub protected_memory_size: u64,
}

/// Writes to `caps` what is offered for a crypto type and a decode profile; null or the null GUID stands for none of
/// either (D27). SOFTCP_E_UNSUPPORTEDCRYPTO: type or profile is unknown.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; `caps` is null or valid for a
/// write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_caps(
    device: *const softcp_device,
    crypto_type: *const softcp_guid,
    decode_profile: *const softcp_guid,
    caps: *mut softcp_content_protection_caps,
) -> softcp_hresult {
    guard::run("softcp_caps", || {
        // SAFETY: the caller's duty on `caps`.
        unsafe { pointer::write("caps", caps, softcp_content_protection_caps::default()) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `crypto_type`.
        let crypto_type = unsafe { pointer::read_or(crypto_type, GUID_NULL.into()) };
        // SAFETY: the caller's duty on `decode_profile`.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL.into()) };
        let answer = device.live_adapter()?.content_protection_caps(&crypto_type.into(), &decode_profile.into())?;
        let answer = softcp_content_protection_caps {
            caps: answer.capabilities.bits(),
            key_exchange_type_count: answer.key_exchange_type_count,
            block_alignment_size: answer.block_alignment,
            reserved: 0,
            protected_memory_size: answer.protected_memory_size,
        };
        // SAFETY: the caller's duty on `caps`.
        unsafe { pointer::write("caps", caps, answer) }
    })
}

/// Writes to `key_exchange_type` the key exchange type at `index`. SOFTCP_E_UNSUPPORTEDCRYPTO: type or profile is
/// unknown. SOFTCP_E_INVALIDARG: no type at this index.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; the GUIDs are null or readable; `key_exchange_type` is null
/// or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_key_exchange_type(
    device: *const softcp_device,
    crypto_type: *const softcp_guid,
    decode_profile: *const softcp_guid,
    index: u32,
    key_exchange_type: *mut softcp_guid,
) -> softcp_hresult {
    guard::run("softcp_key_exchange_type", || {
        // SAFETY: the caller's duty on `key_exchange_type`.
        unsafe { pointer::write("key_exchange_type", key_exchange_type, softcp_guid::default()) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `crypto_type`.
        let crypto_type = unsafe { pointer::read_or(crypto_type, GUID_NULL.into()) };
        // SAFETY: the caller's duty on `decode_profile`.
        let decode_profile = unsafe { pointer::read_or(decode_profile, GUID_NULL.into()) };
        let found = device.live_adapter()?.key_exchange_type(&crypto_type.into(), &decode_profile.into(), index)?;
        // SAFETY: the caller's duty on `key_exchange_type`.
        unsafe { pointer::write("key_exchange_type", key_exchange_type, found.into()) }
    })
}

#[cfg(test)]
mod tests {
    use softcp::capability::Capability;

    #[test]
    fn bits_are_those_of_the_engine() {
        use super::*;
        let bits = [
            SOFTCP_CAPS_SOFTWARE,
            SOFTCP_CAPS_HARDWARE,
            SOFTCP_CAPS_PROTECTION_ALWAYS_ON,
            SOFTCP_CAPS_PARTIAL_DECRYPTION,
            SOFTCP_CAPS_CONTENT_KEY,
            SOFTCP_CAPS_FRESHEN_SESSION_KEY,
            SOFTCP_CAPS_ENCRYPTED_READ_BACK,
            SOFTCP_CAPS_ENCRYPTED_READ_BACK_KEY,
            SOFTCP_CAPS_SEQUENTIAL_CTR_IV,
            SOFTCP_CAPS_ENCRYPT_SLICEDATA_ONLY,
            SOFTCP_CAPS_DECRYPTION_BLT,
            SOFTCP_CAPS_HARDWARE_PROTECT_UNCOMPRESSED,
            SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE,
            SOFTCP_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION,
            SOFTCP_CAPS_HARDWARE_TEARDOWN,
            SOFTCP_CAPS_HARDWARE_DRM_COMMUNICATION,
        ];
        assert!(Capability::ALL.iter().map(|capability| capability.bit()).eq(bits));
    }
}
