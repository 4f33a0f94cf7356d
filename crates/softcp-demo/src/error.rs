//! Why the demonstration did not come to its end.

use std::io;

use softcp_client::{IvError, RandomError};
use softcp_files::OutputError;
use softcp_player::{ChannelFailure, DecryptError, KeyTextError, PathError};
use softcp_runtime::Error;

/// A demonstration that failed. A picture has not been written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    // The clip.
    /// The clip's key is not of the form `KID:KEY`.
    #[error("the clip's key is not understood: {0}")]
    Key(#[from] KeyTextError),
    /// The clip could not be decrypted through the driver.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The clear clip cannot be read.
    #[error("the clear clip cannot be read: {0}")]
    Container(#[from] softcp_cenc::Error),
    /// The clip has no H.264 track that can be decoded.
    #[error("the clip is no H.264 video that can be shown: {0}")]
    NotAvc(&'static str),
    /// The decoder refused a sample.
    #[error("sample {sample} of the clip cannot be decoded: {reason}")]
    Decode {
        /// Its number, from 0.
        sample: usize,
        /// What the decoder says.
        reason: String,
    },

    // The driver.
    /// The driver does not report a capability that is needed to show a protected surface.
    #[error("the driver does not report {capability}, without which there is no protected surface to show")]
    NotOffered {
        /// The capability's name without prefix.
        capability: &'static str,
    },
    /// A call to the driver failed.
    #[error(transparent)]
    Driver(#[from] Error),
    /// The driver mapped a surface with other rows than it was created with.
    #[error("the driver mapped a surface with {what}")]
    WrongMapping {
        /// What is wrong.
        what: String,
    },
    /// The session could not be opened, or its key not refreshed.
    #[error(transparent)]
    Session(#[from] PathError),
    /// The channel could not be opened, or protection not switched on or off.
    #[error("the authenticated channel cannot be used: {0}")]
    Channel(#[from] ChannelFailure),
    /// No first IV could be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// No IV is left.
    #[error(transparent)]
    Iv(#[from] IvError),

    // The output.
    /// The picture cannot be made.
    #[error("the picture cannot be made: {0}")]
    Picture(#[source] io::Error),
    /// The picture, or the clip, cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl DemoError {
    /// Whether a new device may fare better: the driver failed a call, or was not believed.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Driver(error) => matches!(error, Error::Driver(_)),
            Self::Session(error) => error.may_pass(),
            Self::Channel(failure) => failure.may_pass(),
            _ => false,
        }
    }
}
