//! Queries: what `QueryAuthenticatedChannel` is asked.

use std::mem::{offset_of, size_of};

use softcp_abi::{self as abi, GUID};

use super::fields::put;
use super::message::Header;

/// A question over an authenticated channel. Handles are the numbers that the driver gave; indices begin at 0.
///
/// A query is not signed, its answer is (D17); and the answer repeats the query's parameters, so that a query changed
/// on its way is noticed when the answer is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// The protection in force on the device.
    Protection,
    /// Which part of the driver answers.
    ChannelType,
    /// The handle of the device that owns the channel.
    DeviceHandle,
    /// The crypto session that a decoder uses, and its device.
    CryptoSession {
        /// The decoder.
        decoder: usize,
    },
    /// How many processes may open restricted shared resources.
    RestrictedSharedResourceProcessCount,
    /// One of these processes.
    RestrictedSharedResourceProcess {
        /// Which one, below their count.
        index: u32,
    },
    /// How many protected shared resources any process can open.
    UnrestrictedProtectedSharedResourceCount,
    /// To how many outputs a device can show a session's content.
    OutputIdCount {
        /// The device.
        device: usize,
        /// The crypto session.
        session: usize,
    },
    /// The identifier of one of these outputs.
    OutputId {
        /// The device.
        device: usize,
        /// The crypto session.
        session: usize,
        /// Which output, below their count.
        index: u32,
    },
    /// How others than the graphics processor can reach video memory.
    AccessibilityAttributes,
    /// How many ways there are to encipher content before it becomes accessible.
    EncryptionWhenAccessibleGuidCount,
    /// One of these ways.
    EncryptionWhenAccessibleGuid {
        /// Which one, below their count.
        index: u32,
    },
    /// How content is enciphered now before it becomes accessible.
    CurrentEncryptionWhenAccessible,
}

impl Query {
    /// The query's GUID: `D3D11_AUTHENTICATED_QUERY_*`.
    #[must_use]
    pub const fn guid(&self) -> GUID {
        self.form().guid
    }

    /// The query's name in the reference, without `D3D11_AUTHENTICATED_QUERY_`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.form().name
    }

    /// Bytes in the answer's structure.
    #[must_use]
    pub const fn output_size(&self) -> usize {
        self.form().output_size
    }

    /// The message.
    pub(super) fn encode(self, header: Header) -> Vec<u8> {
        let mut message = vec![0; self.form().input_size];
        let bytes = message.as_mut_slice();
        // A query's structure begins with this one, so its offsets are the message's.
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_QUERY_INPUT, QueryType), self.guid());
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_QUERY_INPUT, hChannel), header.channel);
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_QUERY_INPUT, SequenceNumber), header.sequence_number);
        match self {
            Self::CryptoSession { decoder } => {
                use abi::D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT as Input;
                put(bytes, offset_of!(Input, DecoderHandle), decoder);
            }
            Self::RestrictedSharedResourceProcess { index } => {
                use abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT as Input;
                put(bytes, offset_of!(Input, ProcessIndex), index);
            }
            Self::OutputIdCount { device, session } => {
                use abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT as Input;
                put(bytes, offset_of!(Input, DeviceHandle), device);
                put(bytes, offset_of!(Input, CryptoSessionHandle), session);
            }
            Self::OutputId { device, session, index } => {
                use abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT as Input;
                put(bytes, offset_of!(Input, DeviceHandle), device);
                put(bytes, offset_of!(Input, CryptoSessionHandle), session);
                put(bytes, offset_of!(Input, OutputIDIndex), index);
            }
            Self::EncryptionWhenAccessibleGuid { index } => {
                use abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT as Input;
                put(bytes, offset_of!(Input, EncryptionGuidIndex), index);
            }
            Self::Protection
            | Self::ChannelType
            | Self::DeviceHandle
            | Self::RestrictedSharedResourceProcessCount
            | Self::UnrestrictedProtectedSharedResourceCount
            | Self::AccessibilityAttributes
            | Self::EncryptionWhenAccessibleGuidCount
            | Self::CurrentEncryptionWhenAccessible => {}
        }
        message
    }

    const fn form(&self) -> Form {
        match self {
            Self::Protection => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_PROTECTION,
                name: "PROTECTION",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT>(),
            },
            Self::ChannelType => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE,
                name: "CHANNEL_TYPE",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT>(),
            },
            Self::DeviceHandle => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE,
                name: "DEVICE_HANDLE",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT>(),
            },
            Self::CryptoSession { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION,
                name: "CRYPTO_SESSION",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT>(),
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT>(),
            },
            Self::RestrictedSharedResourceProcessCount => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
                name: "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT>(
                ),
            },
            Self::RestrictedSharedResourceProcess { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
                name: "RESTRICTED_SHARED_RESOURCE_PROCESS",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT>(),
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT>(),
            },
            Self::UnrestrictedProtectedSharedResourceCount => {
                use abi::D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT as Output;
                Form {
                    guid: abi::D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
                    name: "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT",
                    input_size: PLAIN,
                    output_size: size_of::<Output>(),
                }
            }
            Self::OutputIdCount { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT,
                name: "OUTPUT_ID_COUNT",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT>(),
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT>(),
            },
            Self::OutputId { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID,
                name: "OUTPUT_ID",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT>(),
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT>(),
            },
            Self::AccessibilityAttributes => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES,
                name: "ACCESSIBILITY_ATTRIBUTES",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT>(),
            },
            Self::EncryptionWhenAccessibleGuidCount => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT,
                name: "ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT>(),
            },
            Self::EncryptionWhenAccessibleGuid { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
                name: "ENCRYPTION_WHEN_ACCESSIBLE_GUID",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT>(),
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT>(),
            },
            Self::CurrentEncryptionWhenAccessible => Form {
                guid: abi::D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE,
                name: "CURRENT_ENCRYPTION_WHEN_ACCESSIBLE",
                input_size: PLAIN,
                output_size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT>(),
            },
        }
    }
}

/// Bytes in a query without parameters: the header.
const PLAIN: usize = size_of::<abi::D3D11_AUTHENTICATED_QUERY_INPUT>();

/// What a kind of query is called and how large it and its answer are.
struct Form {
    guid: GUID,
    name: &'static str,
    input_size: usize,
    output_size: usize,
}
