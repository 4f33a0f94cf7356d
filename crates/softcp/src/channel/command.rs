//! The commands of `ConfigureAuthenticatedChannel`.

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
    D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, GUID,
};

use super::layout::{Width, read_command};
use crate::error::{Error, Result};

/// The GUID of the one command that an uninitialised channel takes.
pub(super) const INITIALIZE: GUID = D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE;

/// A message read as a command: the channel's own one, or one for its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// Set the first sequence numbers.
    Initialize {
        /// First number of the queries.
        queries: u32,
        /// First number of the commands.
        commands: u32,
    },
    /// Everything else.
    Command(Command),
}

/// A command as its message says it: every value is the sender's, and none is checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Switch protection on or off.
    Protection {
        /// `D3D11_AUTHENTICATED_PROTECTION_FLAGS`.
        flags: u32,
    },
    /// Bind a session to a decoder.
    CryptoSession {
        /// Handle of the decoder.
        decoder: u64,
        /// Handle of the session.
        session: u64,
        /// Handle of the device.
        device: u64,
    },
    /// Allow a process to open restricted shared resources, or no longer.
    SharedResource {
        /// `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE`.
        process_type: u32,
        /// Handle of the process.
        process: u64,
        /// A BOOL.
        allow: u32,
    },
    /// Choose the encryption of content that becomes accessible.
    EncryptionWhenAccessible {
        /// The encryption; all zero is none.
        encryption: GUID,
    },
}

impl Received {
    /// Reads the command of this GUID out of a whole message. Errors: [`Error::UnknownCommand`], [`Error::WrongSize`].
    pub(super) fn read(width: Width, kind: GUID, message: &[u8]) -> Result<Self> {
        let command = match kind {
            INITIALIZE => {
                return read_command(width, message, |from| Self::Initialize {
                    queries: from.u32(),
                    commands: from.u32(),
                });
            }
            D3D11_AUTHENTICATED_CONFIGURE_PROTECTION => {
                read_command(width, message, |from| Command::Protection { flags: from.u32() })
            }
            D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION => read_command(width, message, |from| {
                Command::CryptoSession { decoder: from.handle(), session: from.handle(), device: from.handle() }
            }),
            D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE => read_command(width, message, |from| {
                Command::SharedResource { process_type: from.u32(), process: from.handle(), allow: from.u32() }
            }),
            D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE => {
                read_command(width, message, |from| Command::EncryptionWhenAccessible { encryption: from.guid() })
            }
            _ => Err(Error::UnknownCommand(kind)),
        };
        command.map(Self::Command)
    }
}
