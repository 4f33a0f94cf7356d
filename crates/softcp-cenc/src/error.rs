//! What can be wrong with a file, sorted by where the fault lies.

use std::io;

use crate::FourCc;

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
    /// The file cannot be read in one pass without going back.
    #[error("it cannot be read as a stream: {reason}")]
    NotStreamable {
        /// Why.
        reason: &'static str,
    },
    /// The file has no `moov` box, or a movie fragment comes before it.
    #[error("no moov box before the media data ends: put the initialization segment in front of the media segments")]
    NoMovie,
    /// The file does not begin with a box that MP4 files begin with.
    #[error("not an MP4 file: it begins with a box of type '{first}'")]
    NotMp4 {
        /// The type of the first box.
        first: FourCc,
    },
    /// Fewer than eight bytes follow the last box of the file or of a container.
    #[error(
        "{len} bytes at offset {offset} are too few for a box header: the file is cut short or has something appended"
    )]
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
    #[error("it says it has {size} bytes, and only {available} are there: the file is cut short or damaged")]
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
    /// A form of the box that this crate does not read.
    #[error("this form of the box is not supported")]
    Unsupported,
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
    /// A box that may occur once occurs again.
    #[error("it is there twice")]
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
    /// The samples of a fragment lie in front of it.
    #[error("its samples lie at offset {data}, before the fragment: such a file cannot be read in one forward pass")]
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
    #[error("its {len} bytes at offset {offset} are not within one media data box: the file is cut short or damaged")]
    OutsideMediaData {
        /// Where in the file.
        offset: u64,
        /// How many bytes.
        len: u32,
    },
    /// The sample begins before the sample in front of it ends.
    #[error("it begins at offset {offset}, inside data that ends at {end}: two samples share bytes")]
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
    #[error("it is encrypted, and neither senc nor saiz and saio give its initialization vector")]
    NoInitializationVector,
    /// The sample's auxiliary information has a length that its contents do not fill.
    #[error("its {len} bytes of auxiliary information are not an initialization vector and subsamples")]
    AuxiliaryLength {
        /// Length in bytes.
        len: u32,
    },
    /// The sample's auxiliary information lies past the end of the file.
    #[error(
        "its {len} bytes of auxiliary information at offset {offset} are not in the file: it is cut short or damaged"
    )]
    AuxiliaryOutside {
        /// Where in the file.
        offset: u64,
        /// How many bytes.
        len: u32,
    },
    /// The subsamples do not cover the sample: the standard wants their sum to be its size, and what is left over or
    /// missing may be clear or protected.
    #[error("its subsamples cover {covered} bytes of {len}")]
    SubsampleLength {
        /// Bytes that the subsamples cover.
        covered: u64,
        /// Bytes that the sample has.
        len: u32,
    },
}

pub(crate) type Result<T, E = Error> = core::result::Result<T, E>;
