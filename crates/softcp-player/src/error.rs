//! Why a file could not be decrypted.

use std::io;
use std::path::PathBuf;

use softcp_cenc::{FourCc, KeyId};
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
    /// The input ends too early.
    #[error("{}: {source}; {}", path_text(path), whole_samples(whole))]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Of each protected track, how many samples are there in whole fragments, or in a file without fragments, whole.
        whole: Vec<(u32, u64)>,
        /// Where it ends.
        source: softcp_cenc::Error,
    },
    /// Of an input that ends too early, no sample is whole.
    #[error("{} ends before its first protected sample is whole", path_text(path))]
    NothingWhole {
        /// The file.
        path: PathBuf,
    },
    /// The input is damaged in a way that [`DecryptOptions::partial`](crate::DecryptOptions::partial) does not help with.
    #[error("{}: {why}: this is not a file that only ends too early", path_text(path))]
    SeemsDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No track is protected, in no movie of the file and in no fragment.
    #[error("{} is not encrypted: none of its {tracks} tracks is protected", path_text(path))]
    NotEncrypted {
        /// The file.
        path: PathBuf,
        /// How many tracks it has.
        tracks: usize,
    },
    /// No track is protected as far as the file can be read.
    #[error("{}: none of its {tracks} tracks is protected as far as it can be read: {why}", path_text(path))]
    SeemsClear {
        /// The file.
        path: PathBuf,
        /// How many tracks it has.
        tracks: usize,
        /// What comes then.
        why: String,
    },
    /// A track says that it is clear and has initialization vectors for its samples.
    #[error(
        "track {track_id} is encrypted, although its sample entry says that it is clear: its fragments have \
         initialization vectors (senc). Nothing names its key"
    )]
    UnsignalledEncryption {
        /// The track.
        track_id: u32,
    },
    /// It cannot be told which of the keys is that of a track that says that it is clear and is encrypted.
    #[error(
        "track {track_id} is encrypted, although its sample entry says that it is clear, and it cannot be told which of \
         the keys given is its own"
    )]
    NoKeyFits {
        /// The track.
        track_id: u32,
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
    /// A track to be decrypted is protected by something other than Common Encryption.
    #[error(
        "track {track_id} ({handler}) is protected by {}, which is not Common Encryption",
        protection_name(*scheme, *entry)
    )]
    NotCommonEncryption {
        /// The track.
        track_id: u32,
        /// What it is.
        handler: FourCc,
        /// Its scheme.
        scheme: FourCc,
        /// The type of its sample entry.
        entry: FourCc,
    },
    /// Keys are missing.
    #[error("no key for {}", wanted_keys(keys))]
    MissingKey {
        /// The keys that the file wants, as far as that is known, in the order of their first use.
        keys: Vec<WantedKey>,
    },

    /// The licence lacks keys.
    #[error("the licence has no key for {}", wanted_keys(keys))]
    NotInLicence {
        /// The keys that the file wants, as far as that is known, in the order of their first use.
        keys: Vec<WantedKey>,
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

/// A key that a file wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedKey {
    /// Its KID.
    pub kid: KeyId,
    /// The track.
    pub track_id: u32,
    /// What the track is.
    pub handler: FourCc,
    /// The first sample that needs it, by its number within the track, from 0; none if that is not known.
    pub sample: Option<u64>,
    /// Whether the key was not given.
    pub is_missing: bool,
}

impl WantedKey {
    /// What it is for: "track 1 (vide), KID ..., from sample 20 on".
    pub(crate) fn text(&self) -> String {
        let Self { kid, track_id, handler, sample, .. } = self;
        let from = sample.map(|sample| format!(", from sample {sample} on")).unwrap_or_default();
        format!("track {track_id} ({handler}): it is encrypted under KID {}{from}", KidText(*kid))
    }

    /// That no sample needs it.
    pub(crate) fn unused_text(&self) -> String {
        format!("no sample uses KID {}, for which a sample entry stands and no key was given", KidText(self.kid))
    }
}

/// The keys that are missing, and the others that the file wants.
fn wanted_keys(keys: &[WantedKey]) -> String {
    let missing: Vec<_> = keys.iter().filter(|key| key.is_missing).map(WantedKey::text).collect();
    let given: Vec<_> = keys.iter().filter(|key| !key.is_missing).map(|key| KidText(key.kid).to_string()).collect();
    let mut text = missing.join("; ");
    if !given.is_empty() {
        text += "; the file also wants, and has been given, ";
        text += &given.join(", ");
    }
    text
}

/// What whole samples there are.
fn whole_samples(whole: &[(u32, u64)]) -> String {
    let tracks: Vec<_> = whole.iter().map(|(track_id, samples)| format!("{samples} of track {track_id}")).collect();
    match tracks.as_slice() {
        [] => "no protected sample is whole".to_owned(),
        tracks => format!("whole samples: {}", tracks.join(", ")),
    }
}

/// What a protection is called that is not Common Encryption.
fn protection_name(scheme: FourCc, entry: FourCc) -> String {
    let what = match &scheme.0 {
        b"itun" => "FairPlay of iTunes",
        b"drms" | b"drmi" => "iTunes",
        b"odkm" => "OMA DRM",
        b"adkm" => "Adobe Access",
        _ => "",
    };
    let by = if what.is_empty() { format!("'{scheme}'") } else { format!("{what} ('{scheme}')") };
    if entry.0.starts_with(b"enc") || entry == scheme { by } else { format!("{by} under a sample entry '{entry}'") }
}

impl DecryptError {
    /// What to do about an error of the input; `None` for other errors, and where the error says it.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        use softcp_cenc::{BoxDefect, Error, ErrorClass, FileKind};
        let container = |error: &Error| match error.class() {
            ErrorClass::Empty => "the file has no bytes: get it again from where it came",
            ErrorClass::WrongKind => match error {
                Error::NotMp4 {
                    kind: Some(FileKind::HlsPlaylist | FileKind::DashManifest | FileKind::SmoothManifest),
                    ..
                } => "this is the list of a stream's parts: download the parts that it names, and give those",
                Error::NotMp4 { kind: Some(FileKind::Html | FileKind::Xml | FileKind::Json), .. } => {
                    "this is text, perhaps the error message of a server: download the file again"
                }
                _ => "only MP4 files are read (ISO/IEC 14496-12), with Common Encryption",
            },
            ErrorClass::NoInitialization => {
                "this is a media segment: give the initialization segment of its stream with --init, or put it in front"
            }
            ErrorClass::WrongPartner => "use the initialization segment of the stream that the fragments are of",
            ErrorClass::CutOff => match error {
                Error::NoMovie { .. } => {
                    "a moov box says where the samples are, mostly at the end of a file: this recording or download was not \
                     finished"
                }
                Error::MovieCutOff { .. } => "nothing can be decrypted without its end: get the file again",
                Error::CutOff { kind, .. } if &kind.0 == b"moov" => {
                    "nothing can be decrypted without the whole of it: get the file again"
                }
                _ => "get the file again, or write what is there with --partial",
            },
            ErrorClass::Unsupported => "the file may be in order: it uses what is not supported here",
            ErrorClass::Unreadable => "have the file encrypted again, with a writer that does not leave this out",
            ErrorClass::Limit => "this is a limit against hostile files, and not an error of the file",
            ErrorClass::Request => "give the input as a file, and the tracks that it has",
            _ if matches!(error, Error::Box { defect: BoxDefect::Missing(kind), .. } if &kind.0 == b"trak") => {
                "a file without tracks has nothing to decrypt"
            }
            _ => "the file contradicts itself there: it is damaged, or its writer has a defect",
        };
        match self {
            Self::CutOff { whole, .. } if whole.is_empty() => Some("get the file again"),
            Self::Container { source, .. } | Self::CutOff { source, .. } => Some(container(source)),
            Self::NothingWhole { .. } => Some("get the file again"),
            Self::SeemsDamaged { .. } => Some("the file contradicts itself there: get it again"),
            Self::SeemsClear { .. } => Some("what comes behind that may be encrypted: get the file again"),
            Self::NotEncrypted { .. } => Some("use the file as it is: it is clear"),
            Self::UnsignalledEncryption { .. } | Self::NoKeyFits { .. } => Some("give its key with --key TRACK:KEY"),
            Self::NotCommonEncryption { .. } => {
                Some("only Common Encryption can be decrypted; with --track N other tracks are, and this one is copied")
            }
            Self::MissingKey { .. } => Some("give each key with --key KID:KEY, in a --key-file, or in a --licence"),
            Self::NotInLicence { .. } => Some("use the licence of this file, or select other tracks with --track"),
            _ => None,
        }
    }

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
