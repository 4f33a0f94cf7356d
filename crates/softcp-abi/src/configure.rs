//! Messages of ConfigureAuthenticatedChannel: commands and their answer.

use crate::{
    authenticated_channel::{
        D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE, D3D11_AUTHENTICATED_PROTECTION_FLAGS, D3D11_OMAC,
    },
    guid::GUID,
    hresult::HRESULT,
    types::{BOOL, HANDLE, UINT},
};

/// Header of every command.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_INPUT {
    /// MAC over every byte that follows it in the whole message, padding included.
    pub omac: D3D11_OMAC,
    /// The command: `D3D11_AUTHENTICATED_CONFIGURE_*`.
    pub ConfigureType: GUID,
    /// Handle of the channel.
    pub hChannel: HANDLE,
    /// For the first command after INITIALIZE its start number or more, then greater than that of the last command. Not
    /// looked at in INITIALIZE.
    pub SequenceNumber: UINT,
}

/// Answer to every command.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_OUTPUT {
    /// MAC over every byte that follows it in the whole message, padding included.
    pub omac: D3D11_OMAC,
    /// The command: `D3D11_AUTHENTICATED_CONFIGURE_*`.
    pub ConfigureType: GUID,
    /// Handle of the channel.
    pub hChannel: HANDLE,
    /// Sequence number of the command.
    pub SequenceNumber: UINT,
    /// How the message was received.
    pub ReturnCode: HRESULT,
}

/// Command `D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE`: set the first sequence numbers (D16).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT {
    /// Header of the command.
    pub Parameters: D3D11_AUTHENTICATED_CONFIGURE_INPUT,
    /// First sequence number of the queries.
    pub StartSequenceQuery: UINT,
    /// First sequence number of the commands.
    pub StartSequenceConfigure: UINT,
}

/// Command `D3D11_AUTHENTICATED_CONFIGURE_PROTECTION`: switch protection on or off.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT {
    /// Header of the command.
    pub Parameters: D3D11_AUTHENTICATED_CONFIGURE_INPUT,
    /// The protection to enforce (D19).
    pub Protections: D3D11_AUTHENTICATED_PROTECTION_FLAGS,
}

/// Command `D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION`: bind a session to a decoder.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT {
    /// Header of the command.
    pub Parameters: D3D11_AUTHENTICATED_CONFIGURE_INPUT,
    /// Handle of the decoder.
    pub DecoderHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
}

/// Command `D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE`: give or take a process's access.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT {
    /// Header of the command.
    pub Parameters: D3D11_AUTHENTICATED_CONFIGURE_INPUT,
    /// Kind of process.
    pub ProcessType: D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE,
    /// The process, when its kind is `HANDLE`.
    pub ProcessHandle: HANDLE,
    /// Whether the process may open restricted shared resources.
    pub AllowAccess: BOOL,
}

/// Command `D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE`: choose an encryption type.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT {
    /// Header of the command.
    pub Parameters: D3D11_AUTHENTICATED_CONFIGURE_INPUT,
    /// Encryption type; `GUID_NULL` is none.
    pub EncryptionGuid: GUID,
}

/// `D3D11_AUTHENTICATED_CONFIGURE_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_INPUT = D3D11_AUTHENTICATED_CONFIGURE_INPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT = D3D11_AUTHENTICATED_CONFIGURE_OUTPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE = D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION = D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE = D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT;
/// `D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION =
    D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT;
