//! Structures of the HW_PROTECTION key exchange (WDDM 2.0), which carries commands to a secure environment.

use crate::{
    hresult::HRESULT,
    types::{BYTE, UINT, UINT64},
};

/// The data of NegotiateCryptoSessionKeyExchange on a session of type `D3D11_KEY_EXCHANGE_HW_PROTECTION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA {
    /// Number of the command, defined by the secure environment.
    pub HWProtectionFunctionID: UINT,
    /// The command's input, owned by the caller.
    pub pInputData: *mut D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA,
    /// Where the answer goes, owned by the caller.
    pub pOutputData: *mut D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA,
    /// Written by the driver: how the command ended.
    pub Status: HRESULT,
}

/// Input of a command. The buffer goes on past the structure.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA {
    /// Bytes of `pbInput` that are private to the driver and come first; see GetCryptoSessionPrivateDataSize.
    pub PrivateDataSize: UINT,
    /// Bytes of the command, which follow; zero is allowed (D29).
    pub HWProtectionDataSize: UINT,
    /// First 4 bytes of the private data and the command.
    pub pbInput: [BYTE; 4],
}

/// Output of a command. The buffer goes on past the structure.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA {
    /// Bytes of `pbOutput` that are private to the driver and come first.
    pub PrivateDataSize: UINT,
    /// Room for the answer in bytes; nothing is written past it (D29).
    pub MaxHWProtectionDataSize: UINT,
    /// Written by the driver: bytes of the answer.
    pub HWProtectionDataSize: UINT,
    /// Written by the driver: time spent in transport, in units of 100 ns.
    pub TransportTime: UINT64,
    /// Written by the driver: time spent in execution, in units of 100 ns.
    pub ExecutionTime: UINT64,
    /// First 4 bytes of the private data and the answer.
    pub pbOutput: [BYTE; 4],
}

/// `D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA` by its DDI name.
pub type D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA = D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA;
/// `D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA` by its DDI name.
pub type D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA = D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
/// `D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA` by its DDI name.
pub type D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA = D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;
