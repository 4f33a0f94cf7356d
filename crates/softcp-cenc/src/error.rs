//! What can be wrong with a file, sorted by where the fault lies.

use std::io;

use crate::{FileKind, FourCc};

/// Whose fault an [`Error`] is, and so what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The reader failed: the disk, the network, permissions.
    Read,
    /// The file has no bytes.
    Empty,
    /// The file is something other than an MP4 file.
    WrongKind,
    /// The file is a media segment: its initialization segment is missing.
    NoInitialization,
    /// The initialization segment in front of the fragments is that of another stream.
    WrongPartner,
    /// The file ends too early. What is there can be read: see [`Options::partial`](crate::Options::partial).
    CutOff,
    /// The file uses something that this crate does not read. Another reader may.
    Unsupported,
    /// The writer left out what a reader needs: no reader can decrypt the file.
    Unreadable,
    /// The file contradicts itself.
    Damaged,
    /// A limit of this crate's on memory.
    Limit,
    /// The caller asked for what is not in the file.
    Request,
}

/// Why a file could not be read. Carries where (box type and file offset, or track and sample) and what.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The reader failed. Nothing is wrong with the file as far as it was read.
    #[error("cannot read {len} bytes at offset {offset}: {source}")]
    Read {
        /// Where in the file.
        offset: u64,
        /// How many bytes were wanted.
        len: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// A movie fragment comes before any `moov` box, or the file ends without one.
    #[error("no moov box {}", if *.fragments { "in front of the first fragment" } else { "in the file" })]
    NoMovie {
        /// Whether there is a fragment.
        fragments: bool,
    },
    /// The file ends inside a box before its `moov` box comes: without that no sample can be found.
    #[error(
        "no moov box: the file ends {missing} bytes too early, inside the {kind} box at offset {offset}, and what says \
         where the samples are would have come after it"
    )]
    MovieCutOff {
        /// The type of the box in which the file ends.
        kind: FourCc,
        /// Where in the file it begins.
        offset: u64,
        /// Bytes of that box that are not there.
        missing: u64,
    },
    /// The file cannot be read in one pass without going back.
    #[error("it cannot be read as a stream: {reason}")]
    NotStreamable {
        /// Why.
        reason: &'static str,
    },
    /// The file does not begin with a box that MP4 files begin with.
    #[error("not an MP4 file: {}", describe(*.kind, *.first))]
    NotMp4 {
        /// What it is, if that can be told.
        kind: Option<FileKind>,
        /// Bytes 4 to 7, where an MP4 file has the type of its first box.
        first: FourCc,
    },
    /// No fragment is of a track of the movie.
    #[error(
        "the fragments are of track {fragment_track}, and the moov box in front of them has {}: the initialization \
         segment is that of another stream",
        track_list(movie_tracks)
    )]
    WrongInitialization {
        /// The track that the first fragment is of.
        fragment_track: u32,
        /// The tracks of the movie.
        movie_tracks: Vec<u32>,
    },
    /// The file ends inside a box.
    #[error("the file ends {missing} bytes too early, inside the {kind} box at offset {offset}")]
    CutOff {
        /// The type of the box in which the file ends.
        kind: FourCc,
        /// Where in the file it begins.
        offset: u64,
        /// Bytes of that box that are not there.
        missing: u64,
    },
    /// Fewer than eight bytes follow the last box of a container.
    #[error("{len} bytes at offset {offset} are too few for a box header")]
    StrayBytes {
        /// Where in the file.
        offset: u64,
        /// How many bytes there are.
        len: u64,
    },
    /// A box is not what its type says.
    #[error("{kind} box at offset {offset}: {defect}")]
    Box {
        /// The type of the box.
        kind: FourCc,
        /// Where in the file its header begins.
        offset: u64,
        /// What is wrong.
        defect: BoxDefect,
    },
    /// A sample is not where, or not encrypted as, the file's tables say.
    #[error("track {track_id}, sample {index}: {defect}")]
    Sample {
        /// The track.
        track_id: u32,
        /// The sample's number within the track, from 0.
        index: u64,
        /// What is wrong.
        defect: SampleDefect,
    },
    /// The selection names a track that the movie does not have.
    #[error("the movie has no track {track_id}: see its list of tracks")]
    NoSuchTrack {
        /// The track that was asked for.
        track_id: u32,
    },
    /// The selection names a track protected by something other than Common Encryption.
    #[error(
        "track {track_id} is protected by the scheme '{scheme}', which is not Common Encryption: leave the track out"
    )]
    UnknownScheme {
        /// The track.
        track_id: u32,
        /// What its `schm` box says.
        scheme: FourCc,
    },
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Read { .. } => ErrorClass::Read,
            Self::Empty => ErrorClass::Empty,
            Self::NotMp4 { .. } => ErrorClass::WrongKind,
            Self::NoMovie { fragments: true } => ErrorClass::NoInitialization,
            Self::WrongInitialization { .. } => ErrorClass::WrongPartner,
            // A recording that was not finished, or a download that ended where a box does.
            Self::NoMovie { fragments: false } | Self::MovieCutOff { .. } | Self::CutOff { .. } => ErrorClass::CutOff,
            Self::StrayBytes { .. } => ErrorClass::Damaged,
            Self::NotStreamable { .. } | Self::NoSuchTrack { .. } => ErrorClass::Request,
            Self::UnknownScheme { .. } => ErrorClass::Unsupported,
            Self::Box { defect, .. } => defect.class(),
            Self::Sample { defect, .. } => defect.class(),
        }
    }
}

/// What a file is that is no MP4 file.
fn describe(kind: Option<FileKind>, first: FourCc) -> String {
    match kind {
        Some(kind) => format!("it is {kind}"),
        None => format!("it begins with a box of type '{first}', or with something else altogether"),
    }
}

fn track_list(track_ids: &[u32]) -> String {
    match track_ids {
        [track_id] => format!("track {track_id} only"),
        _ => format!("the tracks {}", track_ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// What is wrong with a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxDefect {
    /// The size in the header is smaller than the header.
    #[error("its size {size} is smaller than its own header")]
    SizeTooSmall {
        /// The size in the header.
        size: u64,
    },
    /// The box ends after its container or the file does.
    #[error("it says it has {size} bytes, and only {available} are there")]
    PastEnd {
        /// The size in the header.
        size: u64,
        /// What is left of the container or the file.
        available: u64,
    },
    /// The box is over the limit on metadata.
    #[error("its {size} bytes are more than the limit of {limit} for metadata: raise the limit if the file is trusted")]
    TooLarge {
        /// The size of the box.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The box ends inside a field.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// A count in the box is larger than the entries it has room for.
    #[error("it announces {count} entries and has room for {room}")]
    CountTooLarge {
        /// The count in the box.
        count: u64,
        /// Room for this many.
        room: u64,
    },
    /// A count disagrees with the number of samples or chunks.
    #[error("it covers {count} entries where {expected} are needed")]
    CountMismatch {
        /// What the box covers.
        count: u64,
        /// What the track or the fragment has.
        expected: u64,
    },
    /// More samples are announced than the file has bytes.
    #[error("it announces {count} samples where the file has bytes for {limit} at most")]
    TooManySamples {
        /// Samples of the track or the fragment.
        count: u64,
        /// Bytes of the file less the samples announced before.
        limit: u64,
    },
    /// A version of the box that this crate does not know.
    #[error("its version {0} is not known")]
    UnknownVersion(u8),
    /// It gives several keys for one sample (ISO/IEC 23001-7:2023, `multi_key`).
    #[error("it gives several keys for one sample, which is not supported")]
    SeveralKeys,
    /// Samples of a second movie lie in front of its `moov` box.
    #[error("it is a second movie whose samples lie at offset {data}, in front of it: this order is not supported")]
    DataBeforeMovie {
        /// Where the samples lie.
        data: u64,
    },
    /// A field has a value that the standard reserves.
    #[error("its field {field} has the reserved value {value}")]
    Reserved {
        /// The field's name in the standard.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A box that must be inside is not.
    #[error("it has no {0} box inside")]
    Missing(FourCc),
    /// A box that may occur once occurs again, with other contents.
    #[error("it is there twice, with different contents")]
    Duplicate,
    /// A track number is used by two tracks, or by a fragment of no track.
    #[error("its track number {track_id} belongs to {}", if *.taken { "another track" } else { "no track" })]
    TrackId {
        /// The number.
        track_id: u32,
        /// Taken by another track, or unknown.
        taken: bool,
    },
    /// Neither the run nor the fragment nor the movie says how large the samples are.
    #[error("no sample size is given, neither here nor as a default")]
    NoSampleSize,
    /// The chunks of `stsc` are not in ascending order from 1.
    #[error("its entry {entry} does not continue the sequence of chunks")]
    ChunkOrder {
        /// The entry's number, from 0.
        entry: u32,
    },
    /// A track's chunks are not in file order and too many to sort.
    #[error("its {count} chunks are not in file order, and at most {limit} can be sorted: interleave the file again")]
    TooManyUnorderedChunks {
        /// Chunks of the track.
        count: u32,
        /// How many would do.
        limit: u32,
    },
    /// An offset computed from the box leaves the file's number range.
    #[error("it leads to an offset outside of the file")]
    OffsetRange,
    /// The samples of a fragment lie in front of what has been passed when its box is found.
    #[error("its samples lie at offset {data}, in front of data that comes before it: this order is not supported")]
    DataBeforeFragment {
        /// Where the samples lie.
        data: u64,
    },
}

/// What is wrong with a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleDefect {
    /// The sample lies, in whole or in part, where no media data is.
    #[error("its {len} bytes at offset {offset} are not within one media data box")]
    OutsideMediaData {
        /// Where in the file.
        offset: u64,
        /// How many bytes.
        len: u32,
    },
    /// The sample begins before the sample in front of it ends.
    #[error(
        "it begins at offset {offset}, inside data that ends at {end}: samples that share bytes are not supported, since \
         each would have to be decrypted there"
    )]
    Overlap {
        /// Where in the file.
        offset: u64,
        /// Where the data in front of it ends.
        end: u64,
    },
    /// The sample's description number has no entry in `stsd`.
    #[error("its sample description {index} is not in stsd")]
    NoDescription {
        /// The number, from 1.
        index: u32,
    },
    /// The sample's key group number has no entry in `sgpd`.
    #[error("its key group {index:#x} is not in sgpd")]
    NoKeyGroup {
        /// The number as in `sbgp`.
        index: u32,
    },
    /// The sample is encrypted, and the file does not say with which initialization vector.
    #[error(
        "it is encrypted, and no senc, saiz or saio box gives its initialization vector: the writer left it out (ffmpeg \
         before 9 does where its output is fragmented), and no reader can decrypt the sample"
    )]
    NoInitializationVector,
    /// The file does not say whether the sample is encrypted: its entry says it is, no initialization vector is given,
    /// and the syntax of the codec is not known well enough to tell from its bytes.
    #[error(
        "its sample entry says that it is encrypted, and no initialization vector is given: whether it is clear cannot \
         be told"
    )]
    PerhapsClear,
    /// The sample ends behind the file's last byte.
    #[error("its {len} bytes at offset {offset} end behind the file's last byte")]
    CutOff {
        /// Where in the file.
        offset: u64,
        /// How many bytes.
        len: u32,
    },
    /// The sample's auxiliary information has a length that its contents do not fill.
    #[error("its {len} bytes of auxiliary information are not an initialization vector and subsamples")]
    AuxiliaryLength {
        /// Length in bytes.
        len: u32,
    },
    /// The sample's auxiliary information lies past the end of the file.
    #[error("its {len} bytes of auxiliary information at offset {offset} are not in the file")]
    AuxiliaryOutside {
        /// Where in the file.
        offset: u64,
        /// How many bytes.
        len: u32,
    },
    /// The subsamples cover more bytes than the sample has.
    #[error("its subsamples cover {covered} bytes of {len}")]
    SubsampleLength {
        /// Bytes that the subsamples cover.
        covered: u64,
        /// Bytes that the sample has.
        len: u32,
    },
}

impl BoxDefect {
    fn class(self) -> ErrorClass {
        match self {
            Self::TooLarge { .. } | Self::TooManyUnorderedChunks { .. } => ErrorClass::Limit,
            Self::UnknownVersion(_)
            | Self::SeveralKeys
            | Self::DataBeforeMovie { .. }
            | Self::DataBeforeFragment { .. } => ErrorClass::Unsupported,
            _ => ErrorClass::Damaged,
        }
    }
}

impl SampleDefect {
    fn class(self) -> ErrorClass {
        match self {
            Self::Overlap { .. } | Self::PerhapsClear => ErrorClass::Unsupported,
            Self::NoInitializationVector => ErrorClass::Unreadable,
            Self::CutOff { .. } => ErrorClass::CutOff,
            _ => ErrorClass::Damaged,
        }
    }
}

pub(crate) type Result<T, E = Error> = core::result::Result<T, E>;
