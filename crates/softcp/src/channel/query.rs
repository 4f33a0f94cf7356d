//! The queries of `QueryAuthenticatedChannel` and their answers.

use softcp_abi::{
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE,
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE,
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
    D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, D3D11_AUTHENTICATED_QUERY_PROTECTION,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, GUID, HRESULT,
};

use super::layout::{Header, Message, Width, Writer, read_query};
use crate::error::{Error, Result};

/// A query as its message says it: every value is the sender's, and none is checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Query {
    Protection,
    ChannelType,
    DeviceHandle,
    CryptoSession { decoder: u64 },
    RestrictedSharedResourceProcessCount,
    RestrictedSharedResourceProcess { index: u32 },
    UnrestrictedProtectedSharedResourceCount,
    OutputIdCount { device: u64, session: u64 },
    OutputId { device: u64, session: u64, index: u32 },
    AccessibilityAttributes,
    EncryptionWhenAccessibleGuidCount,
    EncryptionWhenAccessibleGuid { index: u32 },
    CurrentEncryptionWhenAccessible,
}

/// An answer: the members behind the header, those that repeat the query's included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Protection { flags: u32 },
    ChannelType { channel_type: u32 },
    DeviceHandle { device: u64 },
    CryptoSession { decoder: u64, session: u64, device: u64 },
    RestrictedSharedResourceProcessCount { count: u32 },
    RestrictedSharedResourceProcess { index: u32, process_type: u32, process: u64 },
    UnrestrictedProtectedSharedResourceCount { count: u32 },
    OutputIdCount { device: u64, session: u64, count: u32 },
    OutputId { device: u64, session: u64, index: u32, output: u64 },
    AccessibilityAttributes { bus_type: u32, contiguous_blocks: bool, non_contiguous_blocks: bool },
    EncryptionWhenAccessibleGuidCount { count: u32 },
    EncryptionWhenAccessibleGuid { index: u32, encryption: GUID },
    CurrentEncryptionWhenAccessible { encryption: GUID },
}

impl Query {
    /// Reads the query of this GUID out of a whole message. Errors: [`Error::UnknownQuery`],
    /// [`Error::MessageTooShort`].
    pub(super) fn read(width: Width, kind: GUID, message: &[u8]) -> Result<Self> {
        match kind {
            D3D11_AUTHENTICATED_QUERY_PROTECTION => Ok(Self::Protection),
            D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE => Ok(Self::ChannelType),
            D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE => Ok(Self::DeviceHandle),
            D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION => {
                read_query(width, message, |from| Self::CryptoSession { decoder: from.handle() })
            }
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT => {
                Ok(Self::RestrictedSharedResourceProcessCount)
            }
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS => {
                read_query(width, message, |from| Self::RestrictedSharedResourceProcess { index: from.u32() })
            }
            D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT => {
                Ok(Self::UnrestrictedProtectedSharedResourceCount)
            }
            D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT => {
                read_query(width, message, |from| Self::OutputIdCount { device: from.handle(), session: from.handle() })
            }
            D3D11_AUTHENTICATED_QUERY_OUTPUT_ID => read_query(width, message, |from| Self::OutputId {
                device: from.handle(),
                session: from.handle(),
                index: from.u32(),
            }),
            D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES => Ok(Self::AccessibilityAttributes),
            D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT => {
                Ok(Self::EncryptionWhenAccessibleGuidCount)
            }
            D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID => {
                read_query(width, message, |from| Self::EncryptionWhenAccessibleGuid { index: from.u32() })
            }
            D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE => Ok(Self::CurrentEncryptionWhenAccessible),
            _ => Err(Error::UnknownQuery(kind)),
        }
    }

    /// Bytes of a query of this GUID; of an unknown one, of a header.
    pub(super) fn size(width: Width, kind: GUID) -> usize {
        match Self::read(width, kind, &[]) {
            Err(Error::MessageTooShort { needed, .. }) => needed,
            _ => Header::query_size(width),
        }
    }
}

impl Answer {
    /// The answer to the query of this GUID with all members zero, which is what a failed query gets (D30); none for an
    /// unknown query.
    pub(super) fn zero(kind: GUID) -> Option<Self> {
        let none = GUID::default();
        Some(match kind {
            D3D11_AUTHENTICATED_QUERY_PROTECTION => Self::Protection { flags: 0 },
            D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE => Self::ChannelType { channel_type: 0 },
            D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE => Self::DeviceHandle { device: 0 },
            D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION => Self::CryptoSession { decoder: 0, session: 0, device: 0 },
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT => {
                Self::RestrictedSharedResourceProcessCount { count: 0 }
            }
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS => {
                Self::RestrictedSharedResourceProcess { index: 0, process_type: 0, process: 0 }
            }
            D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT => {
                Self::UnrestrictedProtectedSharedResourceCount { count: 0 }
            }
            D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT => Self::OutputIdCount { device: 0, session: 0, count: 0 },
            D3D11_AUTHENTICATED_QUERY_OUTPUT_ID => Self::OutputId { device: 0, session: 0, index: 0, output: 0 },
            D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES => {
                Self::AccessibilityAttributes { bus_type: 0, contiguous_blocks: false, non_contiguous_blocks: false }
            }
            D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT => {
                Self::EncryptionWhenAccessibleGuidCount { count: 0 }
            }
            D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID => {
                Self::EncryptionWhenAccessibleGuid { index: 0, encryption: none }
            }
            D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE => {
                Self::CurrentEncryptionWhenAccessible { encryption: none }
            }
            _ => return None,
        })
    }

    /// The whole message, not signed yet.
    pub(super) fn write(&self, width: Width, header: &Header, return_code: HRESULT) -> Message {
        let mut to = Writer::answer(width, header, return_code);
        match *self {
            Self::Protection { flags: number }
            | Self::ChannelType { channel_type: number }
            | Self::RestrictedSharedResourceProcessCount { count: number }
            | Self::UnrestrictedProtectedSharedResourceCount { count: number }
            | Self::EncryptionWhenAccessibleGuidCount { count: number } => to.u32(number),
            Self::DeviceHandle { device } => to.handle(device),
            Self::CryptoSession { decoder, session, device } => {
                to.handle(decoder);
                to.handle(session);
                to.handle(device);
            }
            Self::RestrictedSharedResourceProcess { index, process_type, process } => {
                to.u32(index);
                to.u32(process_type);
                to.handle(process);
            }
            Self::OutputIdCount { device, session, count } => {
                to.handle(device);
                to.handle(session);
                to.u32(count);
            }
            Self::OutputId { device, session, index, output } => {
                to.handle(device);
                to.handle(session);
                to.u32(index);
                to.u64(output);
            }
            Self::AccessibilityAttributes { bus_type, contiguous_blocks, non_contiguous_blocks } => {
                to.u32(bus_type);
                to.u32(contiguous_blocks.into());
                to.u32(non_contiguous_blocks.into());
            }
            Self::EncryptionWhenAccessibleGuid { index, encryption } => {
                to.u32(index);
                to.guid(encryption);
            }
            Self::CurrentEncryptionWhenAccessible { encryption } => to.guid(encryption),
        }
        to.finish()
    }
}
