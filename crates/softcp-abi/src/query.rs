//! Messages of QueryAuthenticatedChannel: queries and their answers.

use crate::{
    authenticated_channel::{
        D3D11_AUTHENTICATED_CHANNEL_TYPE, D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE,
        D3D11_AUTHENTICATED_PROTECTION_FLAGS, D3D11_OMAC,
    },
    bus::D3D11_BUS_TYPE,
    guid::GUID,
    hresult::HRESULT,
    types::{BOOL, HANDLE, UINT, UINT64},
};

/// Header of every query, and the whole of a query without parameters. Carries no MAC (D17).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_INPUT {
    /// The query: `D3D11_AUTHENTICATED_QUERY_*`.
    pub QueryType: GUID,
    /// Handle of the channel.
    pub hChannel: HANDLE,
    /// For the first query the start number of INITIALIZE or more, then greater than that of the last query.
    pub SequenceNumber: UINT,
}

/// Header of every answer to a query.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_OUTPUT {
    /// MAC over every byte that follows it in the whole message, padding included.
    pub omac: D3D11_OMAC,
    /// The query: `D3D11_AUTHENTICATED_QUERY_*`.
    pub QueryType: GUID,
    /// Handle of the channel.
    pub hChannel: HANDLE,
    /// Sequence number of the query.
    pub SequenceNumber: UINT,
    /// How the message was received.
    pub ReturnCode: HRESULT,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_PROTECTION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// The protection in force.
    pub ProtectionFlags: D3D11_AUTHENTICATED_PROTECTION_FLAGS,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Type of the channel.
    pub ChannelType: D3D11_AUTHENTICATED_CHANNEL_TYPE,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
}

/// Query `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT {
    /// Header of the query.
    pub Input: D3D11_AUTHENTICATED_QUERY_INPUT,
    /// Handle of the decoder.
    pub DecoderHandle: HANDLE,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Handle of the decoder.
    pub DecoderHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Number of processes.
    pub RestrictedSharedResourceProcessCount: UINT,
}

/// Query `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT {
    /// Header of the query.
    pub Input: D3D11_AUTHENTICATED_QUERY_INPUT,
    /// Index of the process, from 0.
    pub ProcessIndex: UINT,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Index of the process, from 0.
    pub ProcessIndex: UINT,
    /// Kind of process.
    pub ProcessIdentifier: D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE,
    /// The process, when its kind is `HANDLE`.
    pub ProcessHandle: HANDLE,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Number of resources.
    pub UnrestrictedProtectedSharedResourceCount: UINT,
}

/// Query `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT {
    /// Header of the query.
    pub Input: D3D11_AUTHENTICATED_QUERY_INPUT,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
    /// Number of outputs.
    pub OutputIDCount: UINT,
}

/// Query `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT {
    /// Header of the query.
    pub Input: D3D11_AUTHENTICATED_QUERY_INPUT,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
    /// Index of the output, from 0.
    pub OutputIDIndex: UINT,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Handle of the device.
    pub DeviceHandle: HANDLE,
    /// Handle of the crypto session.
    pub CryptoSessionHandle: HANDLE,
    /// Index of the output, from 0.
    pub OutputIDIndex: UINT,
    /// Identifier of the output. Aligned to 8 bytes on 32-bit Windows too.
    pub OutputID: UINT64,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Bus type and modifiers: `D3D11_BUS_*`.
    pub BusType: D3D11_BUS_TYPE,
    /// Whether contiguous blocks of video memory can be reached.
    pub AccessibleInContiguousBlocks: BOOL,
    /// Whether scattered blocks of video memory can be reached.
    pub AccessibleInNonContiguousBlocks: BOOL,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Number of encryption types.
    pub EncryptionGuidCount: UINT,
}

/// Query `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT {
    /// Header of the query.
    pub Input: D3D11_AUTHENTICATED_QUERY_INPUT,
    /// Index of the encryption type, from 0.
    pub EncryptionGuidIndex: UINT,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Index of the encryption type, from 0.
    pub EncryptionGuidIndex: UINT,
    /// Encryption type; `GUID_NULL` is none.
    pub EncryptionGuid: GUID,
}

/// Answer to `D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT {
    /// Header of the answer.
    pub Output: D3D11_AUTHENTICATED_QUERY_OUTPUT,
    /// Encryption type; `GUID_NULL` is none.
    pub EncryptionGuid: GUID,
}

/// `D3D11_AUTHENTICATED_QUERY_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_INPUT = D3D11_AUTHENTICATED_QUERY_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT = D3D11_AUTHENTICATED_QUERY_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION_OUTPUT = D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT = D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT = D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT = D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT = D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT =
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT = D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT = D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT = D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT = D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT = D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT =
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT;
/// `D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT;
/// `D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT` by its DDI name.
pub type D3D11_1DDI_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT =
    D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT;
