//! Why a file could not be decrypted.

use std::io;
use std::path::PathBuf;

use softcp_cenc::{FourCc, KeyId, Scheme};
use softcp_files::{InputError, OutputError, path_text};

use crate::channel::ChannelFailure;
use crate::key_text::KidText;
use crate::licence::LicenceFailure;
use crate::path::PathError;

/// A run that failed. Neither input nor output has been touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    // The files.
    /// The input cannot be opened.
    #[error("cannot open {}: {source}", path_text(path))]
    OpenInput {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The input cannot be read.
    #[error("cannot read {}: {source}", path_text(path))]
    ReadInput {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output cannot be created, written or put in its place.
    #[error("cannot write {}: {source}", path_text(path))]
    WriteOutput {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Input and output are the same file.
    #[error("{} is the input too: choose another output", path_text(path))]
    OutputIsInput {
        /// The file.
        path: PathBuf,
    },
    /// The output cannot be where it is to be: something is there that may not be replaced, or that no file takes the place
    /// of.
    #[error("{0}: choose another output")]
    Output(OutputError),
    /// The input is something other than a file, such as a directory or a pipe.
    #[error("{0}: name a file")]
    Input(InputError),
    /// The input has no bytes.
    #[error("{} is empty", path_text(path))]
    EmptyInput {
        /// The file.
        path: PathBuf,
    },

    // What is in the input.
    /// The input is no MP4 file that can be read, or damaged.
    #[error("{}: {source}", path_text(path))]
    Container {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: softcp_cenc::Error,
    },
    /// No track is protected.
    #[error("{} is not encrypted: none of its {tracks} tracks is protected", path_text(path))]
    NotEncrypted {
        /// The file.
        path: PathBuf,
        /// How many tracks it has.
        tracks: usize,
    },
    /// The selection names a track that is not there.
    #[error("there is no track {track_id}; the tracks are {}", list(available))]
    NoSuchTrack {
        /// The track asked for.
        track_id: u32,
        /// The tracks of the file.
        available: Vec<u32>,
    },
    /// The selection names a track that is clear.
    #[error("track {track_id} is not encrypted: leave it out of the selection, it is copied as it is")]
    ClearTrack {
        /// The track asked for.
        track_id: u32,
    },
    /// A track to be decrypted is not under AES-CTR.
    #[error(
        "track {track_id} ({handler}) is protected by '{scheme}', which is not AES-CTR: only 'cenc' and 'cens' can be \
         decrypted by a crypto session of this kind; select other tracks to copy this one as it is"
    )]
    NotAesCtr {
        /// The track.
        track_id: u32,
        /// What it is.
        handler: FourCc,
        /// Its scheme.
        scheme: Scheme,
    },
    /// A key is missing.
    #[error(
        "no key for track {track_id} ({handler}): it is encrypted under KID {}; give it as --key {}:KEY",
        KidText(*kid),
        KidText(*kid)
    )]
    MissingKey {
        /// The track.
        track_id: u32,
        /// What it is.
        handler: FourCc,
        /// The KID.
        kid: KeyId,
    },

    /// The licence lacks a key.
    #[error(
        "the licence has no key for track {track_id} ({handler}): it is encrypted under KID {}",
        KidText(*kid)
    )]
    NotInLicence {
        /// The track.
        track_id: u32,
        /// What it is.
        handler: FourCc,
        /// The KID.
        kid: KeyId,
    },

    // The driver.
    /// The licence's keys cannot be used with this driver.
    #[error("the licence cannot be used: {source}")]
    Licence {
        /// What went wrong.
        source: LicenceFailure,
    },
    /// The driver lacks what protection needs: channels, or decoders to bind sessions to.
    #[error("{source}; decrypt without protection by --without-channel")]
    NoChannel {
        /// What is missing.
        source: ChannelFailure,
    },
    /// The channel could not be opened, or protection not switched on or off.
    #[error("the authenticated channel cannot be used: {source}")]
    Channel {
        /// What went wrong.
        source: ChannelFailure,
    },
    /// The protected path could not be opened, or broke.
    #[error("track {track_id}{}: {source}", sample.map(|index| format!(", sample {index}")).unwrap_or_default())]
    Path {
        /// The track.
        track_id: u32,
        /// The sample's number within the track, from 0; none while the path was opened.
        sample: Option<u64>,
        /// What went wrong.
        source: PathError,
    },
}

impl DecryptError {
    /// An error of the path of a track, at one of its samples or while the path was opened.
    pub(crate) fn of_path(track_id: u32, sample: Option<u64>, source: PathError) -> Self {
        match source {
            PathError::Channel(source) if source.is_not_offered() => Self::NoChannel { source },
            source => Self::Path { track_id, sample, source },
        }
    }

    /// Whether a new device, channel and sessions may fare better.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Licence { source } => source.may_pass(),
            Self::Channel { source } => source.may_pass(),
            Self::Path { source, .. } => source.may_pass(),
            _ => false,
        }
    }

    /// The track and the sample at which it happened, and the text without them.
    pub(crate) fn placed(&self) -> (Option<u32>, Option<u64>, String) {
        match self {
            Self::Path { track_id, sample, source } => (Some(*track_id), *sample, source.to_string()),
            error => (None, None, error.to_string()),
        }
    }
}

impl From<InputError> for DecryptError {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io { path, source } => Self::OpenInput { path, source },
            error => Self::Input(error),
        }
    }
}

impl From<OutputError> for DecryptError {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Io { path, source } => Self::WriteOutput { path, source },
            error => Self::Output(error),
        }
    }
}

impl From<LicenceFailure> for DecryptError {
    fn from(source: LicenceFailure) -> Self {
        Self::Licence { source }
    }
}

impl From<ChannelFailure> for DecryptError {
    fn from(source: ChannelFailure) -> Self {
        if source.is_not_offered() { Self::NoChannel { source } } else { Self::Channel { source } }
    }
}

fn list(track_ids: &[u32]) -> String {
    track_ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
