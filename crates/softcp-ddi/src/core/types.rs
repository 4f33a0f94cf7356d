//! Plain types of the core functions.

#![expect(clippy::cast_possible_wrap, reason = "HRESULTs are written as the unsigned numbers everyone knows them by")]

use softcp_abi::GUID;

/// An HRESULT: zero or positive is success, negative a failure.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub type softcp_hresult = i32;

/// A crypto session: a number that is looked up and checked on each use, never a pointer. It means something to the
/// device it was created on alone. Zero is no session.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub type softcp_session = usize;

/// An authenticated channel: a number as `softcp_session` is. It is also the handle that the channel's messages carry.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub type softcp_channel = usize;

/// A decoder of the host: a number as `softcp_session` is. It is also the handle by which messages of a channel name it.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub type softcp_decoder = usize;

/// Success.
pub const SOFTCP_S_OK: softcp_hresult = 0;
/// 0x80070057: null pointer, wrong size, bad value, stale or foreign handle, a key exchange that failed, or a message on a
/// channel that is not authentic or out of order.
pub const SOFTCP_E_INVALIDARG: softcp_hresult = 0x8007_0057_u32 as i32;
/// 0x8007000E: protected memory or handles are used up.
pub const SOFTCP_E_OUTOFMEMORY: softcp_hresult = 0x8007_000E_u32 as i32;
/// 0x80004005: unknown command or query, IVs are used up, the random generator or the identity failed, or an internal
/// error.
pub const SOFTCP_E_FAIL: softcp_hresult = 0x8000_4005_u32 as i32;
/// 0x80004001: the capability profile does not offer this.
pub const SOFTCP_E_NOTIMPL: softcp_hresult = 0x8000_4001_u32 as i32;
/// 0x8876086C: the call does not fit the session's state: no key yet, no refresh pending, no read-back key, key lost.
pub const SOFTCP_E_INVALIDCALL: softcp_hresult = 0x8876_086C_u32 as i32;
/// 0x88760870: the device was removed. Every function of it answers so but those that destroy, unregister and release, those
/// about faults, and those that ask what channels have set (D36).
pub const SOFTCP_E_DEVICEREMOVED: softcp_hresult = 0x8876_0870_u32 as i32;
/// 0x8876087E: crypto type, decode profile or key exchange type is not supported.
pub const SOFTCP_E_UNSUPPORTEDCRYPTO: softcp_hresult = 0x8876_087E_u32 as i32;
/// 0x8876087D: protection is enforced and a resource is not protected, or is and would be exposed.
pub const SOFTCP_E_CANNOTPROTECTCONTENT: softcp_hresult = 0x8876_087D_u32 as i32;

/// A GUID, laid out as the Windows type.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_guid {
    /// First 32 bits.
    pub data1: u32,
    /// Next 16 bits.
    pub data2: u16,
    /// Next 16 bits.
    pub data3: u16,
    /// Last eight bytes.
    pub data4: [u8; 8],
}

impl From<softcp_guid> for GUID {
    fn from(guid: softcp_guid) -> Self {
        Self { Data1: guid.data1, Data2: guid.data2, Data3: guid.data3, Data4: guid.data4 }
    }
}

impl From<GUID> for softcp_guid {
    fn from(guid: GUID) -> Self {
        Self { data1: guid.Data1, data2: guid.Data2, data3: guid.Data3, data4: guid.Data4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_ddi() {
        assert_eq!(
            [
                SOFTCP_S_OK,
                SOFTCP_E_INVALIDARG,
                SOFTCP_E_OUTOFMEMORY,
                SOFTCP_E_FAIL,
                SOFTCP_E_NOTIMPL,
                SOFTCP_E_INVALIDCALL,
                SOFTCP_E_DEVICEREMOVED,
                SOFTCP_E_UNSUPPORTEDCRYPTO,
                SOFTCP_E_CANNOTPROTECTCONTENT,
            ],
            [
                softcp_abi::S_OK,
                softcp_abi::E_INVALIDARG,
                softcp_abi::E_OUTOFMEMORY,
                softcp_abi::E_FAIL,
                softcp_abi::E_NOTIMPL,
                softcp_abi::D3DERR_INVALIDCALL,
                softcp_abi::D3DDDIERR_DEVICEREMOVED,
                softcp_abi::D3DERR_UNSUPPORTEDCRYPTO,
                softcp_abi::D3DERR_CANNOTPROTECTCONTENT,
            ]
        );
    }
}
