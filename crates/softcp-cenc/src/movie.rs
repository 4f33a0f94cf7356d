//! Opening a file: finding and reading its `moov` box.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::Arc;

use crate::error::{BoxDefect, Error, Result};
use crate::fourcc::{MDAT, MOOF, MOOV, MVEX, TRAK, TREX};
use crate::header::{Header, MAX_HEADER};
use crate::key_system::SystemHeader;
use crate::meta::{BoxRef, Meta};
use crate::pieces::Pieces;
use crate::rewrite::{Edit, is_system_header};
use crate::source::Source;
use crate::track::{FragmentDefaults, Track};

/// An MP4 file whose `moov` box has been read.
#[derive(Debug)]
pub struct Movie<R> {
    pub(crate) source: Source<R>,
    pub(crate) limits: Limits,
    pub(crate) moov: Arc<Meta>,
    pub(crate) tracks: Tracks,
    /// Changes that remove the boxes about key systems.
    pub(crate) system_headers: Vec<Edit>,
    fragmented: bool,
}

/// How much of a file is taken into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest `moov` or `moof` box, in bytes: 256 MiB unless changed. Memory in use stays within a multiple of the
    /// boxes that are really there, whatever numbers stand in them: two for usual files, some tens for hostile ones.
    pub metadata_box: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { metadata_box: 256 << 20 }
    }
}

/// Media data in front of `moov` that a stream may have: an `mdat` that is empty, or nearly so.
const STREAM_SKIP: u64 = 1 << 20;

/// The tracks to decrypt. Their samples come as pieces of their own and their metadata are rewritten; the bytes of
/// other tracks are copied as they are.
///
/// A clear track may be selected: its samples come one by one, its metadata stay. Left out, it costs less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every track.
    All,
    /// The tracks with these numbers.
    Tracks(Vec<u32>),
}

impl<R: Read + Seek> Movie<R> {
    /// Reads the `moov` box, with the default [`Limits`]. Media data and fragments are not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::NotMp4`] if the file is something else, [`Error::NoMovie`] if no `moov` box comes before the first
    /// fragment, [`Error::Box`] or [`Error::StrayBytes`] if it or a box before it is damaged, [`Error::Read`] if the
    /// reader fails. A protection scheme that is not known is no error.
    pub fn open(reader: R) -> Result<Self> {
        Self::open_with_limits(reader, Limits::default())
    }

    /// As [`open`](Self::open), with other limits.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with_limits(reader: R, limits: Limits) -> Result<Self> {
        Self::open_source(Source::new(reader)?, limits)
    }

    /// As [`open`](Self::open), for a stream that is read once, from its beginning to its end: no more of it is asked for than
    /// the next box header, `moov` or `moof` box, and auxiliary information, so that `reader` need not keep much. It is
    /// never asked where it ends ([`std::io::SeekFrom::End`]); [`file_len`](Self::file_len) is [`i64::MAX`] until the end
    /// has been seen. The pieces are those of a file, but [`Piece::Copy`](crate::Piece::Copy) ends with each box.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::NotStreamable`] if media data come before the `moov` box.
    pub fn open_stream(reader: R) -> Result<Self> {
        Self::open_source(Source::stream(reader), Limits::default())
    }

    fn open_source(mut source: Source<R>, limits: Limits) -> Result<Self> {
        let mut position = 0;
        let (moov, header) = loop {
            if source.is_end(position)? {
                return Err(Error::NoMovie);
            }
            let header = box_at(&mut source, position).map_err(|error| not_mp4(position, error))?;
            match header.kind {
                MOOV => break (position, header),
                MOOF => return Err(Error::NoMovie),
                MDAT if source.is_stream() && header.size > STREAM_SKIP => {
                    return Err(Error::NotStreamable { reason: "its moov box lies behind the media data" });
                }
                // The header has been checked against the rest of the file.
                _ => position += header.size,
            }
        };
        let moov = Arc::new(read_metadata(&mut source, moov, &header, limits)?);
        let root = moov.root()?;
        let mvex = moov.find(&root, MVEX)?;
        let mut tracks = Tracks::default();
        let mut system_headers = Vec::new();
        // A sample takes at least one byte: a larger count is damage, and would keep a reader busy for nothing.
        let mut samples_left = source.len();
        for child in moov.children(&root) {
            let child = child?;
            if child.kind == TRAK {
                let track = Track::parse(&moov, &child, mvex.is_some(), &mut samples_left)?;
                tracks.add(track, &child)?;
            } else if is_system_header(&child) {
                system_headers.push(Edit::free(&child));
            }
        }
        if tracks.list.is_empty() {
            return Err(root.defect(BoxDefect::Missing(TRAK)));
        }
        if let Some(mvex) = &mvex {
            tracks.set_fragment_defaults(&moov, mvex)?;
        }
        Ok(Self { source, limits, moov, tracks, system_headers, fragmented: mvex.is_some() })
    }

    /// Takes the file to pieces, in one pass from its first byte to its last.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTrack`] if the selection names a track that is not there, [`Error::UnknownScheme`] if it holds
    /// one whose protection is not Common Encryption. [`Error::Box`] if the order of a track's chunks cannot be
    /// found.
    pub fn into_pieces(self, selection: &Selection) -> Result<Pieces<R>> {
        Pieces::new(self, selection)
    }

    /// The reader, to read other parts of the file. Its position is anywhere, and may be left anywhere.
    pub fn reader_mut(&mut self) -> &mut R {
        self.source.reader_mut()
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.source.len()
    }
}

impl<R> Movie<R> {
    /// The tracks, in the order of the file.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks.list
    }

    /// Bytes up to the end of the `moov` box: of an initialization segment, what media segments need of it.
    #[must_use]
    pub fn moov_end(&self) -> u64 {
        self.moov.offset() + self.moov.bytes().len() as u64
    }

    /// What the `moov` box has for key systems.
    #[must_use]
    pub fn key_systems(&self) -> Vec<SystemHeader> {
        SystemHeader::all_of(&self.moov).unwrap_or_default()
    }

    /// Whether the movie may have fragments after its `moov` box.
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.fragmented
    }

    /// The reader. Its position is anywhere.
    #[must_use]
    pub fn into_reader(self) -> R {
        self.source.into_inner()
    }
}

/// Tracks and their numbers.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) list: Vec<Track>,
    by_id: HashMap<u32, usize>,
}

impl Tracks {
    /// The place of a track in the list.
    pub(crate) fn position(&self, track_id: u32) -> Option<usize> {
        self.by_id.get(&track_id).copied()
    }

    fn add(&mut self, track: Track, of: &BoxRef) -> Result<()> {
        let track_id = track.id();
        if self.by_id.insert(track_id, self.list.len()).is_some() {
            return Err(of.defect(BoxDefect::TrackId { track_id, taken: true }));
        }
        self.list.push(track);
        Ok(())
    }

    fn set_fragment_defaults(&mut self, meta: &Meta, mvex: &BoxRef) -> Result<()> {
        for child in meta.children(mvex) {
            let trex = child?;
            if trex.kind != TREX {
                continue;
            }
            let mut fields = meta.fields(&trex);
            fields.version_and_flags()?;
            let track_id = fields.u32()?;
            let description = fields.u32()?;
            let _duration = fields.u32()?;
            let sample_size = fields.u32()?;
            // Packagers that split a movie into one file per track may leave the defaults of the others in.
            if let Some(track) = self.position(track_id).and_then(|position| self.list.get_mut(position)) {
                track.set_fragment_defaults(FragmentDefaults {
                    description: Some(description),
                    sample_size: Some(sample_size),
                });
            }
        }
        Ok(())
    }
}

/// Whether an error about the first box is one about all of the file: that it is something else.
fn not_mp4(position: u64, error: Error) -> Error {
    const FIRST: [&[u8; 4]; 11] =
        [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid", b"sidx", b"pdin"];
    match error {
        Error::Box { kind, .. } if position == 0 && !FIRST.contains(&&kind.0) => Error::NotMp4 { first: kind },
        error => error,
    }
}

/// The header of the top-level box at `offset`.
pub(crate) fn box_at<R: Read + Seek>(source: &mut Source<R>, offset: u64) -> Result<Header> {
    let mut bytes = [0; MAX_HEADER];
    let peeked = source.peek(offset, MAX_HEADER)?;
    let len = peeked.len();
    bytes[..len].copy_from_slice(peeked);
    // Of a stream it may have become known just now.
    let available = source.len().saturating_sub(offset);
    Header::parse(&bytes[..len], offset, available, true)
}

/// Reads a whole `moov` or `moof` box.
pub(crate) fn read_metadata<R: Read + Seek>(
    source: &mut Source<R>,
    offset: u64,
    header: &Header,
    limits: Limits,
) -> Result<Meta> {
    let too_large = || Error::Box {
        kind: header.kind,
        offset,
        defect: BoxDefect::TooLarge { size: header.size, limit: limits.metadata_box },
    };
    let len = Some(header.size).filter(|size| *size <= limits.metadata_box);
    let len = len.and_then(|size| usize::try_from(size).ok()).ok_or_else(too_large)?;
    Ok(Meta::new(offset, source.read(offset, len)?))
}
