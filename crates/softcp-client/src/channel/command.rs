//! Commands: what `ConfigureAuthenticatedChannel` is asked to do.

use std::mem::{offset_of, size_of};

use softcp_abi::{self as abi, GUID};

use super::fields::put;
use super::message::Header;
use super::values::{Process, ProtectionFlags};

/// A command over an authenticated channel. Handles are the numbers that the driver gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Sends the start numbers of both sequences. It comes before everything else, and is accepted once (D16).
    Initialize,
    /// Sets the protection that this channel asks for. The device enforces it while any channel has it enabled (D19).
    Protection(ProtectionFlags),
    /// Makes a decoder use a crypto session.
    CryptoSession {
        /// The decoder: what `VideoDecoderGetHandle` returned.
        decoder: usize,
        /// The session: what `CryptoSessionGetHandle` returned.
        session: usize,
        /// The device: the answer to [`Query::DeviceHandle`](crate::Query::DeviceHandle).
        device: usize,
    },
    /// Allows a process to open restricted shared resources, or takes that back.
    SharedResource {
        /// The process.
        process: Process,
        /// Whether it may open them.
        allow: bool,
    },
    /// Chooses the encryption of content before it becomes accessible, one of those that
    /// [`Query::EncryptionWhenAccessibleGuid`](crate::Query::EncryptionWhenAccessibleGuid) lists.
    EncryptionWhenAccessible(GUID),
}

impl Command {
    /// The command's GUID: `D3D11_AUTHENTICATED_CONFIGURE_*`.
    #[must_use]
    pub const fn guid(&self) -> GUID {
        self.form().guid
    }

    /// The command's name in the reference, without `D3D11_AUTHENTICATED_CONFIGURE_`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.form().name
    }

    /// The message, not yet signed. INITIALIZE carries `start_query`, and its own number as the start of commands.
    pub(super) fn encode(self, header: Header, start_query: u32) -> Vec<u8> {
        let mut message = vec![0; self.form().input_size];
        let bytes = message.as_mut_slice();
        // A command's structure begins with this one, so its offsets are the message's.
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT, ConfigureType), self.guid());
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT, hChannel), header.channel);
        put(bytes, offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT, SequenceNumber), header.sequence_number);
        match self {
            Self::Initialize => {
                use abi::D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT as Input;
                put(bytes, offset_of!(Input, StartSequenceQuery), start_query);
                put(bytes, offset_of!(Input, StartSequenceConfigure), header.sequence_number);
            }
            Self::Protection(flags) => {
                use abi::D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Input;
                put(bytes, offset_of!(Input, Protections.Value), flags.bits());
            }
            Self::CryptoSession { decoder, session, device } => {
                use abi::D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT as Input;
                put(bytes, offset_of!(Input, DecoderHandle), decoder);
                put(bytes, offset_of!(Input, CryptoSessionHandle), session);
                put(bytes, offset_of!(Input, DeviceHandle), device);
            }
            Self::SharedResource { process, allow } => {
                use abi::D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT as Input;
                let (kind, handle) = process.members();
                put(bytes, offset_of!(Input, ProcessType), kind);
                put(bytes, offset_of!(Input, ProcessHandle), handle);
                put(bytes, offset_of!(Input, AllowAccess), if allow { abi::TRUE } else { abi::FALSE });
            }
            Self::EncryptionWhenAccessible(guid) => {
                use abi::D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT as Input;
                put(bytes, offset_of!(Input, EncryptionGuid), guid);
            }
        }
        message
    }

    const fn form(&self) -> Form {
        match self {
            Self::Initialize => Form {
                guid: abi::D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
                name: "INITIALIZE",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT>(),
            },
            Self::Protection(_) => Form {
                guid: abi::D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
                name: "PROTECTION",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT>(),
            },
            Self::CryptoSession { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION,
                name: "CRYPTO_SESSION",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT>(),
            },
            Self::SharedResource { .. } => Form {
                guid: abi::D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
                name: "SHARED_RESOURCE",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT>(),
            },
            Self::EncryptionWhenAccessible(_) => Form {
                guid: abi::D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
                name: "ENCRYPTION_WHEN_ACCESSIBLE",
                input_size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT>(),
            },
        }
    }
}

/// What a kind of command is called and how large it is.
struct Form {
    guid: GUID,
    name: &'static str,
    input_size: usize,
}
