//! What a run did.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::incident::Incident;

/// The outcome of [`decrypt`](crate::decrypt()). Serialised, it is the report that `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecryptReport {
    /// The encrypted file.
    #[serde(serialize_with = "softcp_files::serialize_path")]
    pub input: PathBuf,
    /// The clear file.
    #[serde(serialize_with = "softcp_files::serialize_path")]
    pub output: PathBuf,
    /// The driver's name and version.
    pub driver: String,
    /// Whether the driver's certificates, for sessions and for the channel, were checked against a root.
    pub certificate_verified: bool,
    /// The authenticated channel; none when the file was decrypted without one.
    pub channel: Option<ChannelReport>,
    /// What was done with a licence; none when the content keys were given.
    pub licence: Option<LicenceReport>,
    /// The tracks of the file, in its order.
    pub tracks: Vec<TrackReport>,
    /// Crypto sessions for content: one per decrypted track, those that took the place of a lost one not counted.
    pub sessions: u64,
    /// Samples of decrypted tracks.
    pub samples: u64,
    /// Session key refreshes finished.
    pub refreshes: u64,
    /// Decryption blits, and frames of a decoder for samples of AES-CBC.
    pub blits: u64,
    /// Bytes that were encrypted.
    pub bytes_encrypted: u64,
    /// Bytes of the file, read and written.
    pub bytes: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Bytes of the file in units of 10^6 per second.
    pub megabytes_per_second: f64,
    /// What went wrong on the way and was mended, in the order in which each happened first.
    pub incidents: Vec<Incident>,
    /// What is odd about the file, or had to be found out about it.
    pub file_notes: Vec<FileNote>,
    /// Keys that are wrong in all likelihood: what came out under them is noise. AES cannot tell, but codecs can.
    pub wrong_keys: Vec<WrongKey>,
    /// What the reader should know, as that the driver cannot refresh session keys. One sentence each.
    pub notes: Vec<String>,
}

/// What was done over an authenticated channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelReport {
    /// What the driver says, under its signature, that the channel is: `driver software` or `driver hardware`.
    pub channel_type: String,
    /// Whether the driver's certificate for channels was checked against a root.
    pub certificate_verified: bool,
    /// Whether protection was switched on, and the driver's signed answer confirmed it.
    pub protection_on: bool,
    /// Whether it was switched off at the end, and the driver's signed answer confirmed it; `false` where protection was
    /// in force before already, as with `PROTECTION_ALWAYS_ON`.
    pub protection_off_again: bool,
    /// Sessions bound to a decoder, each confirmed by the driver's signed answer.
    pub sessions_bound: u64,
    /// Commands sent, INITIALIZE included.
    pub commands: u64,
    /// Queries sent.
    pub queries: u64,
    /// Answers to either whose signature was right.
    pub answers_verified: u64,
}

/// What was done with a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenceReport {
    /// `temporary` or `persistent-license`.
    pub kind: String,
    /// Keys in the licence.
    pub keys: u64,
    /// How often the secure environment was given the licence: once, and once more after each teardown that was noticed.
    pub times_loaded: u64,
    /// Sealed keys that the environment has made.
    pub sealed_keys: u64,
    /// Commands to the environment.
    pub commands: u64,
}

/// One track of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrackReport {
    /// The track's number.
    pub id: u32,
    /// `vide`, `soun` and others.
    pub handler: String,
    /// The codec, as `avc1`.
    pub codec: String,
    /// The protection scheme, as `cenc`; none for a clear track.
    pub scheme: Option<String>,
    /// Whether the track was decrypted; if not, it was copied as it is.
    pub decrypted: bool,
    /// The KIDs whose keys were used, in the order of their first use, as 32 hexadecimal digits.
    pub key_ids: Vec<String>,
    /// Samples of the track that were processed; 0 for a copied one, whose samples are not looked at.
    pub samples: u64,
    /// Session key refreshes finished.
    pub refreshes: u64,
    /// How often keys were set up anew because the driver, or the secure environment behind it, had lost them (D23).
    pub recoveries: u64,
    /// Decryption blits, and frames of a decoder for samples of AES-CBC.
    pub blits: u64,
    /// Bytes of those samples.
    pub bytes: u64,
    /// How many of them were encrypted.
    pub bytes_encrypted: u64,
}

/// Something odd about a file that is decrypted all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileNote {
    /// What kind of thing, as a name for programs: `trailing-bytes`, `unused-key` and others.
    pub kind: &'static str,
    /// The track that it concerns, if it concerns one.
    pub track_id: Option<u32>,
    /// Where in the file it was seen first, if it has a place.
    pub offset: Option<u64>,
    /// How often it was seen.
    pub times: u64,
    /// What it is, for people.
    pub text: String,
}

/// What the player finds out about a file beside what the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileNoteKind {
    UnusedKey,
    EndsAtMissingKey,
    LeftoverVectors,
    NoKeyFits,
    TailUnknown,
    Partial,
}

impl FileNote {
    pub(crate) fn new(kind: FileNoteKind, track_id: Option<u32>, text: String) -> Self {
        let name = match kind {
            FileNoteKind::UnusedKey => "unused-key",
            FileNoteKind::EndsAtMissingKey => "ends-at-missing-key",
            FileNoteKind::LeftoverVectors => "leftover-vectors",
            FileNoteKind::NoKeyFits => "no-key-fits",
            FileNoteKind::TailUnknown => "tail-unknown",
            FileNoteKind::Partial => "partial",
        };
        Self { kind: name, track_id, offset: None, times: 1, text }
    }
}

impl From<&softcp_cenc::Note> for FileNote {
    fn from(note: &softcp_cenc::Note) -> Self {
        Self {
            kind: note.kind.name(),
            track_id: note.track_id,
            offset: Some(note.offset),
            times: note.times,
            text: note.kind.text().to_owned(),
        }
    }
}

/// Where, what, and how often.
impl fmt::Display for FileNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(track_id) = self.track_id {
            write!(f, "track {track_id}: ")?;
        }
        f.write_str(&self.text)?;
        match (self.offset, self.times) {
            (Some(offset), 1) => write!(f, " (at offset {offset})"),
            (Some(offset), times) => write!(f, " ({times} times, first at offset {offset})"),
            (None, _) => Ok(()),
        }
    }
}

/// A key that is wrong in all likelihood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrongKey {
    /// The track.
    pub track_id: u32,
    /// The KID, as 32 hexadecimal digits.
    pub kid: String,
    /// How many samples showed it.
    pub samples: u32,
}

impl fmt::Display for WrongKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { track_id, kid, samples } = self;
        write!(
            f,
            "track {track_id}: the key of KID {kid} is wrong in all likelihood: {samples} samples came out as noise"
        )
    }
}
