//! HRESULT: the type and the codes that a content-protection entry can return or report.

// The codes are written as casts of the usual hexadecimal form because the header generator reads no method calls.
#![allow(clippy::cast_possible_wrap)]

/// Result of an entry: negative is a failure.
pub type HRESULT = i32;

/// Success. The only success code of this interface (D27).
pub const S_OK: HRESULT = 0;
/// The entry is not implemented.
pub const E_NOTIMPL: HRESULT = 0x8000_4001_u32 as HRESULT;
/// A pointer that must not be null is null.
pub const E_POINTER: HRESULT = 0x8000_4003_u32 as HRESULT;
/// Unspecified failure; also an unknown query or command of an authenticated channel.
pub const E_FAIL: HRESULT = 0x8000_4005_u32 as HRESULT;
/// An internal error of the driver.
pub const E_UNEXPECTED: HRESULT = 0x8000_ffff_u32 as HRESULT;
/// The handle is stale, foreign or zero.
pub const E_HANDLE: HRESULT = 0x8007_0006_u32 as HRESULT;
/// Memory, or the budget of protected memory (D24), is exhausted.
pub const E_OUTOFMEMORY: HRESULT = 0x8007_000e_u32 as HRESULT;
/// An argument is wrong: size, index, pattern, sequence number or message code.
pub const E_INVALIDARG: HRESULT = 0x8007_0057_u32 as HRESULT;
/// The call is not allowed in the present state (D3, D12, D23).
pub const D3DERR_INVALIDCALL: HRESULT = 0x8876_086c_u32 as HRESULT;
/// The device was removed.
pub const D3DDDIERR_DEVICEREMOVED: HRESULT = 0x8876_0870_u32 as HRESULT;
/// The content cannot be protected.
pub const D3DERR_CANNOTPROTECTCONTENT: HRESULT = 0x8876_087d_u32 as HRESULT;
/// The crypto type is not supported for the decode profile.
pub const D3DERR_UNSUPPORTEDCRYPTO: HRESULT = 0x8876_087e_u32 as HRESULT;
/// `D3DERR_UNSUPPORTEDCRYPTO` by the name that the DDI uses.
pub const D3DDDIERR_UNSUPPORTEDCRYPTO: HRESULT = 0x8876_087e_u32 as HRESULT;
