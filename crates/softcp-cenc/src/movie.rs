//! Opening a file: finding and reading its `moov` box.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Seek};
use std::sync::Arc;

use crate::error::{BoxDefect, Error, Result};
use crate::file_kind::{FileKind, LOOKED_AT};
use crate::fourcc::{MDAT, MOOF, MOOV, MVEX, TRAK, TREX};
use crate::fragment::{unsignalled_tracks, vectors_of_movie};
use crate::header::{Header, MAX_HEADER};
use crate::key_system::SystemHeader;
use crate::meta::{BoxRef, Meta};
use crate::note::{NoteKind, Notes};
use crate::pieces::Pieces;
use crate::rewrite::{Edit, is_system_header};
use crate::source::Source;
use crate::track::{FragmentDefaults, Track};
use crate::{FourCc, KeyId, Note};

/// An MP4 file whose `moov` box has been read.
#[derive(Debug)]
pub struct Movie<R> {
    pub(crate) source: Source<R>,
    pub(crate) limits: Limits,
    pub(crate) contents: MovieBox,
    pub(crate) notes: Notes,
    unsignalled: Vec<u32>,
}

/// A `moov` box.
#[derive(Debug)]
pub(crate) struct MovieBox {
    pub(crate) meta: Arc<Meta>,
    pub(crate) tracks: Tracks,
    /// Changes that remove the boxes about key systems.
    pub(crate) system_headers: Vec<Edit>,
    pub(crate) fragmented: bool,
}

impl MovieBox {
    /// Reads a `moov` box in a file that may still have `samples_left` samples. `first_index` gives the number of the
    /// first sample of a track.
    pub(crate) fn parse(
        meta: Arc<Meta>,
        samples_left: &mut u64,
        first_index: impl Fn(u32) -> u64,
        notes: &mut Notes,
    ) -> Result<Self> {
        let root = meta.root()?;
        let mvex = meta.find(&root, MVEX)?;
        let mut tracks = Tracks::default();
        let mut system_headers = Vec::new();
        for child in meta.children(&root) {
            let child = child?;
            if child.kind == TRAK {
                let track = Track::parse(&meta, &child, mvex.is_some(), samples_left, &first_index, notes)?;
                tracks.add(track, &child)?;
            } else if is_system_header(&child) {
                system_headers.push(Edit::free(&child));
            }
        }
        if tracks.list.is_empty() {
            return Err(root.defect(BoxDefect::Missing(TRAK)));
        }
        if let Some(mvex) = &mvex {
            tracks.set_fragment_defaults(&meta, mvex)?;
        }
        Ok(Self { meta, tracks, system_headers, fragmented: mvex.is_some() })
    }
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
    /// Every track that is protected, and those of [`Options::unsignalled`].
    Protected,
    /// The tracks with these numbers.
    Tracks(Vec<u32>),
}

/// What to take out of a file, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The tracks to decrypt.
    pub selection: Selection,
    /// Tracks whose sample entries say that they are clear, and whose samples have initialization vectors (`senc`) all
    /// the same: those samples are encrypted with this key. Nothing in the file names it. See
    /// [`Movie::unsignalled_tracks`].
    pub unsignalled: Vec<(u32, KeyId)>,
    /// Tracks of which it is known whether the last partial block of a `cens` sample without subsamples is encrypted. Of
    /// others the pattern tells: 1:0, as GPAC writes it, means that it is.
    pub encrypted_tails: Vec<(u32, bool)>,
    /// Whether a file that ends too early is read as far as it goes: whole fragments, and in a file without fragments
    /// whole samples. What is left out is in [`Pieces::notes`].
    pub partial: bool,
    /// Where the file is to end, as if it were cut off there; with `partial`.
    pub end: Option<u64>,
}

impl Options {
    /// These tracks of a whole file.
    #[must_use]
    pub fn new(selection: Selection) -> Self {
        Self { selection, unsignalled: Vec::new(), encrypted_tails: Vec::new(), partial: false, end: None }
    }
}

impl<R: Read + Seek> Movie<R> {
    /// Reads the `moov` box, with the default [`Limits`]. Of media data and fragments only
    /// the first fragment is looked at.
    ///
    /// # Errors
    ///
    /// [`Error::Empty`]; [`Error::NotMp4`] if the file is something else, [`Error::NoMovie`] if no `moov` box comes before
    /// the first fragment, [`Error::MovieCutOff`] if the file ends before it, [`Error::Box`] or [`Error::StrayBytes`] if it
    /// or a box before it is damaged, [`Error::Read`] if the reader fails. A protection scheme that is not known is no
    /// error.
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
        if source.is_end(0)? {
            return Err(Error::Empty);
        }
        let (offset, header) = find_movie(&mut source)?;
        let meta = Arc::new(read_metadata(&mut source, offset, &header, limits)?);
        let mut notes = Notes::default();
        // A sample takes at least one byte: a larger count is damage, and would keep a reader busy for nothing.
        let mut samples_left = source.len();
        let contents = MovieBox::parse(meta, &mut samples_left, |_| 0, &mut notes)?;
        let mut movie = Self { source, limits, contents, notes, unsignalled: Vec::new() };
        movie.find_unsignalled(offset + header.size);
        movie.find_vectors(offset + header.size);
        Ok(movie)
    }

    /// Finds the tracks that are encrypted under clear entries, in the `moov` box and in the first fragment behind it.
    fn find_unsignalled(&mut self, mut position: u64) {
        let list = &self.contents.tracks.list;
        let is_clear = |track: &&Track| track.protection().is_none();
        self.unsignalled = list.iter().filter(|track| track.is_unsignalled()).map(Track::id).collect();
        if self.source.is_stream() || !self.contents.fragmented || !list.iter().any(|track| is_clear(&track)) {
            return;
        }
        // What is wrong here is reported when it is reached.
        while position < self.source.len() {
            let Ok(header) = box_at(&mut self.source, position) else { return };
            match header.kind {
                MOOV => return,
                MOOF => {
                    let Ok(moof) = read_metadata(&mut self.source, position, &header, self.limits) else { return };
                    let tracks = &self.contents.tracks;
                    let clear = |id| tracks.position(id).is_some_and(|at| is_clear(&&tracks.list[at]));
                    let found = unsignalled_tracks(&moof, clear).unwrap_or_default();
                    self.unsignalled.extend(found);
                    self.unsignalled.sort_unstable();
                    self.unsignalled.dedup();
                    return;
                }
                _ => position = position.saturating_add(header.size),
            }
        }
    }

    /// Finds the vectors of samples in `moov` that ffmpeg has put into the first fragment of the track.
    fn find_vectors(&mut self, mut position: u64) {
        let lacking = |track: &Track| Some((track.id(), track.lacks_vectors()?));
        let mut samples: Vec<_> = self.contents.tracks.list.iter().filter_map(lacking).collect();
        if self.source.is_stream() || !self.contents.fragmented {
            return;
        }
        // What is wrong here is reported when it is reached.
        while !samples.is_empty() && position < self.source.len() {
            let Ok(header) = box_at(&mut self.source, position) else { return };
            if header.kind == MOOV {
                return;
            }
            if header.kind == MOOF {
                let Ok(moof) = read_metadata(&mut self.source, position, &header, self.limits) else { return };
                let Ok(found) = vectors_of_movie(&moof, &mut samples) else { return };
                for (track_id, senc) in found {
                    let track = self.contents.tracks.get_mut(track_id);
                    if track.is_some_and(|track| track.set_vectors(&senc).is_ok()) {
                        self.notes.add(NoteKind::VectorsBehind, track_id, position);
                    }
                }
            }
            position = position.saturating_add(header.size);
        }
    }

    /// Takes the file to pieces, in one pass from its first byte to its last.
    ///
    /// # Errors
    ///
    /// As [`into_pieces_with`](Self::into_pieces_with).
    pub fn into_pieces(self, selection: &Selection) -> Result<Pieces<R>> {
        self.into_pieces_with(Options::new(selection.clone()))
    }

    /// Takes the file to pieces, in one pass from its first byte to its last.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTrack`] if the selection names a track that is not there, [`Error::UnknownScheme`] if it holds
    /// one whose protection is not Common Encryption. [`Error::Box`] if the order of a track's chunks cannot be
    /// found.
    pub fn into_pieces_with(self, options: Options) -> Result<Pieces<R>> {
        Pieces::new(self, options)
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
        &self.contents.tracks.list
    }

    /// Tracks whose sample entries say that they are clear, and whose samples have initialization vectors all the same, in
    /// the `moov` box or in the first fragment. They are encrypted, or a program that decrypted them has left the vectors
    /// in. See [`Options::unsignalled`].
    #[must_use]
    pub fn unsignalled_tracks(&self) -> &[u32] {
        &self.unsignalled
    }

    /// What is odd about the `moov` box.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        self.notes.as_slice()
    }

    /// Bytes up to the end of the `moov` box: of an initialization segment, what media segments need of it.
    #[must_use]
    pub fn moov_end(&self) -> u64 {
        self.contents.meta.offset() + self.contents.meta.bytes().len() as u64
    }

    /// What the `moov` box has for key systems.
    #[must_use]
    pub fn key_systems(&self) -> Vec<SystemHeader> {
        SystemHeader::all_of(&self.contents.meta).unwrap_or_default()
    }

    /// Whether the movie may have fragments after its `moov` box.
    #[must_use]
    pub fn is_fragmented(&self) -> bool {
        self.contents.fragmented
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

    /// The track with this number.
    pub(crate) fn get_mut(&mut self, track_id: u32) -> Option<&mut Track> {
        let position = self.position(track_id)?;
        self.list.get_mut(position)
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
            let position = fields.position();
            let description = fields.u32()?;
            let _duration = fields.u32()?;
            let sample_size = fields.u32()?;
            // Packagers that split a movie into one file per track may leave the defaults of the others in.
            if let Some(track) = self.position(track_id).and_then(|position| self.list.get_mut(position)) {
                let defaults = FragmentDefaults { description: Some(description), sample_size: Some(sample_size) };
                track.set_fragment_defaults(defaults, position);
            }
        }
        Ok(())
    }
}

/// The first `moov` box.
fn find_movie<R: Read + Seek>(source: &mut Source<R>) -> Result<(u64, Header)> {
    let mut position = 0;
    let mut last = (FourCc([0; 4]), 0);
    while !source.is_end(position)? {
        let header = match box_at(source, position) {
            Ok(header) => header,
            Err(error) => return Err(before_movie(source, position, error)?),
        };
        match header.kind {
            MOOV => return Ok((position, header)),
            MOOF => return Err(Error::NoMovie { fragments: true }),
            MDAT if source.is_stream() && header.size > STREAM_SKIP => {
                return Err(Error::NotStreamable { reason: "its moov box lies behind the media data" });
            }
            // The header has been checked against the rest of the file.
            _ => position += header.size,
        }
        last = (header.kind, header.size);
    }
    // Something else may look like boxes by chance.
    Err(not_mp4(source)?.unwrap_or_else(|| match position.checked_sub(source.len()) {
        // Of a stream it shows behind the box.
        Some(missing @ 1..) => Error::MovieCutOff { kind: last.0, offset: position - last.1, missing },
        _ => Error::NoMovie { fragments: false },
    }))
}

/// What an error about a box in front of `moov` says about the whole file: that it is something else, or ends there.
fn before_movie<R: Read + Seek>(source: &mut Source<R>, position: u64, error: Error) -> Result<Error> {
    if position == 0
        && let Some(not_mp4) = not_mp4(source)?
    {
        return Ok(not_mp4);
    }
    Ok(match error {
        Error::Box { kind, offset, defect: BoxDefect::PastEnd { size, available } } if is_top_level(kind) => {
            let missing = size - available;
            if kind == MOOV {
                Error::CutOff { kind, offset, missing }
            } else {
                Error::MovieCutOff { kind, offset, missing }
            }
        }
        Error::StrayBytes { .. } if position > 0 => Error::NoMovie { fragments: false },
        error => error,
    })
}

/// The error of a file that is something else, if it is: it does not begin with a box that MP4 files begin with.
fn not_mp4<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Error>> {
    let bytes = source.peek(0, LOOKED_AT)?;
    let first = bytes.get(4..8).and_then(|kind| kind.first_chunk::<4>()).map_or(FourCc([0; 4]), |kind| FourCc(*kind));
    Ok((!is_top_level(first)).then(|| Error::NotMp4 { kind: FileKind::of(bytes), first }))
}

/// Whether boxes of this type are known to lie outside of others (ISO/IEC 14496-12, table 1, and `QuickTime`).
pub(crate) fn is_top_level(kind: FourCc) -> bool {
    const KNOWN: [&[u8; 4]; 26] = [
        b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid", b"sidx", b"ssix", b"pdin",
        b"emsg", b"prft", b"mfra", b"meta", b"meco", b"imda", b"pssh", b"udta", b"junk", b"pnot", b"PICT", b"etyp",
        b"ttyp", b"mfro",
    ];
    KNOWN.contains(&&kind.0)
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
    let bytes = source.read(offset, len).map_err(|error| match &error {
        // A stream shows only now that it ends there.
        Error::Read { source: cause, .. } if source.is_stream() && cause.kind() == ErrorKind::UnexpectedEof => {
            let missing = (offset + header.size).saturating_sub(source.len());
            Error::CutOff { kind: header.kind, offset, missing }
        }
        _ => error,
    })?;
    Ok(Meta::new(offset, bytes))
}
