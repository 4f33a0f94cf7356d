//! Content-protection capabilities.
//!
//! The driver's bits and the application's bits agree up to 0x1000 and differ from 0x2000 up.
//! A runtime translates them; passing one set for the other is a bug.

use crate::types::UINT;

/// What a driver offers for a crypto type and decode profile.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_VIDEO_CONTENT_PROTECTION_CAPS {
    /// Capability bits: `D3D11_1DDI_` and `D3DWDDM2_0DDI_` ones from a driver, `D3D11_` ones for an application.
    pub Caps: UINT,
    /// Number of key exchange types; GetCryptoKeyExchangeType lists them by index.
    pub KeyExchangeTypeCount: UINT,
    /// Encrypted and clear runs are multiples of this many bytes (D7).
    pub BlockAlignmentSize: UINT,
    /// Memory for protected resources in bytes; never zero (D24).
    pub ProtectedMemorySize: u64,
}

/// `D3D11_VIDEO_CONTENT_PROTECTION_CAPS` by its DDI name.
pub type D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS = D3D11_VIDEO_CONTENT_PROTECTION_CAPS;

/// Capability bits that a driver reports.
pub type D3D11_1DDI_CONTENT_PROTECTION_CAPS = u32;

/// The driver encrypts in software.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x1;
/// The adapter encrypts in hardware.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x2;
/// Protected surfaces are protected even if no application asks for it.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x4;
/// Buffers may be encrypted in part.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x8;
/// Data may be encrypted with a content key of its own, wrapped with the session key.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x10;
/// The session key can be refreshed without a new key exchange.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x20;
/// Protected surfaces can be read back encrypted, see EncryptionBlt.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x40;
/// Encrypted read-back takes a key of its own, see GetEncryptionBltKey (D12).
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x80;
/// The IV of DecryptionBlt must increase (D10).
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x100;
/// Of a compressed buffer only the slice data may be encrypted.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x200;
/// DecryptionBlt is supported.
pub const D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x400;
/// WDDM 2.0: single uncompressed resources can be protected by hardware.
pub const D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED: D3D11_1DDI_CONTENT_PROTECTION_CAPS =
    0x800;
/// WDDM 2.0: protected memory keeps its content when it is paged out.
pub const D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE: D3D11_1DDI_CONTENT_PROTECTION_CAPS =
    0x1000;
/// WDDM 2.0: SetHardwareProtection can switch an existing resource. Has no counterpart for applications.
pub const D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_TRANSITION:
    D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x2000;
/// WDDM 2.0: keys and content can be lost to a hardware teardown, see CheckCryptoSessionStatus.
pub const D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x4000;
/// WDDM 2.0: a crypto session carries commands to a secure execution environment.
pub const D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION: D3D11_1DDI_CONTENT_PROTECTION_CAPS = 0x8000;

/// Capability bits that an application sees.
pub type D3D11_CONTENT_PROTECTION_CAPS = u32;

/// Application's bit: the driver encrypts in software.
pub const D3D11_CONTENT_PROTECTION_CAPS_SOFTWARE: D3D11_CONTENT_PROTECTION_CAPS = 0x1;
/// Application's bit: the adapter encrypts in hardware.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE: D3D11_CONTENT_PROTECTION_CAPS = 0x2;
/// Application's bit: protected surfaces are always protected.
pub const D3D11_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON: D3D11_CONTENT_PROTECTION_CAPS = 0x4;
/// Application's bit: buffers may be encrypted in part.
pub const D3D11_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION: D3D11_CONTENT_PROTECTION_CAPS = 0x8;
/// Application's bit: wrapped content keys are supported.
pub const D3D11_CONTENT_PROTECTION_CAPS_CONTENT_KEY: D3D11_CONTENT_PROTECTION_CAPS = 0x10;
/// Application's bit: the session key can be refreshed.
pub const D3D11_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY: D3D11_CONTENT_PROTECTION_CAPS = 0x20;
/// Application's bit: protected surfaces can be read back encrypted.
pub const D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK: D3D11_CONTENT_PROTECTION_CAPS = 0x40;
/// Application's bit: encrypted read-back takes a key of its own.
pub const D3D11_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY: D3D11_CONTENT_PROTECTION_CAPS = 0x80;
/// Application's bit: the IV of DecryptionBlt must increase.
pub const D3D11_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV: D3D11_CONTENT_PROTECTION_CAPS = 0x100;
/// Application's bit: only slice data may be encrypted.
pub const D3D11_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY: D3D11_CONTENT_PROTECTION_CAPS = 0x200;
/// Application's bit: DecryptionBlt is supported.
pub const D3D11_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT: D3D11_CONTENT_PROTECTION_CAPS = 0x400;
/// Application's bit: single uncompressed resources can be protected by hardware.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED: D3D11_CONTENT_PROTECTION_CAPS = 0x800;
/// Application's bit: protected memory keeps its content when it is paged out.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECTED_MEMORY_PAGEABLE: D3D11_CONTENT_PROTECTION_CAPS = 0x1000;
/// Application's bit: hardware teardown; a driver reports it as 0x4000.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN: D3D11_CONTENT_PROTECTION_CAPS = 0x2000;
/// Application's bit: commands to a secure environment; a driver reports it as 0x8000.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION: D3D11_CONTENT_PROTECTION_CAPS = 0x4000;
/// Application's bit: the multi-threaded key exchange of WDDM 2.4 is offered; set by the runtime.
pub const D3D11_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION_MULTI_THREADED: D3D11_CONTENT_PROTECTION_CAPS =
    0x8000;
