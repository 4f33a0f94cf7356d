//! One pass over the file: what to copy, what to replace, what to decrypt.

use core::cmp::{Ordering, Reverse};
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{Read, Seek};
use std::sync::Arc;

use crate::error::{BoxDefect, Error, Result, SampleDefect};
use crate::fourcc::{MDAT, MOOF, MOOV};
use crate::fragment::{Fragment, fragment_tracks, tracks_with_vectors};
use crate::header::{Header, MAX_HEADER};
use crate::key_system::SystemHeader;
use crate::meta::Meta;
use crate::movie::{Limits, Movie, Options, is_top_level, read_metadata};
use crate::note::NoteKind;
use crate::pass::Pass;
use crate::run::{Run, SampleCursor};
use crate::shorten::shorten;
use crate::source::{STREAM_LEN, Source};
use crate::track::{Chunks, Track};
use crate::{FourCc, Note, Sample};

/// A part of the file. Piece follows piece without a gap, from the first byte of the file to the last; with
/// [`Options::partial`] to the last that is of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes to take over as they are: other tracks, boxes that do not change, unused space.
    Copy {
        /// Where in the file.
        offset: u64,
        /// How many bytes, at least one.
        len: u64,
    },
    /// Metadata to write in place of as many bytes of the file.
    Rewritten {
        /// Where in the file.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A sample of a selected track. One without bytes may come at any time, and its offset means nothing.
    Sample(Sample),
}

impl Piece {
    /// Where in the file the piece lies.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match self {
            Self::Copy { offset, .. } | Self::Rewritten { offset, .. } => *offset,
            Self::Sample(sample) => sample.offset,
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Copy { len, .. } => *len,
            Self::Rewritten { bytes, .. } => bytes.len() as u64,
            Self::Sample(sample) => sample.len.into(),
        }
    }

    /// Whether it has no bytes, as only a sample can.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The pieces of a file, in file order.
///
/// Only metadata are read: the bytes of samples and of [`Piece::Copy`] are for the caller to read, best with a handle
/// of its own, since [`reader_mut`](Self::reader_mut) shares its position with the reading of metadata. In memory are
/// the `moov` box and the fragments whose samples are still to come: normally one.
///
/// As an iterator it ends after the first error.
#[derive(Debug)]
pub struct Pieces<R> {
    source: Source<R>,
    limits: Limits,
    pass: Pass,
    /// Where the first `moov` box lies.
    moov_offset: u64,
    /// The samples to come, next one first.
    runs: BinaryHeap<Pending>,
    /// Of each selected track of each movie, the chunks that are still to come.
    chunks: Vec<Chunks>,
    pushed: u64,
    /// The box that is being passed: end of its header, and its end.
    region: (u64, u64),
    /// Fragments that were read before they were reached, because samples may lie in front of them.
    ahead: VecDeque<Ahead>,
    /// How far the file has been searched for them.
    searched: u64,
    /// Whether a fragment of the movie has been seen.
    fragment_seen: bool,
    /// Where what is of use of the file ends, if that is before its end.
    cut: Option<u64>,
    /// End of what has been given out, and the last sample that was, with its end.
    position: u64,
    sample_end: u64,
    last: Option<Sample>,
    /// Comes after the [`Piece::Copy`] in front of it.
    queued: Option<Piece>,
    /// What the last fragment has for key systems.
    key_systems: Vec<SystemHeader>,
    finished: bool,
}

/// A `moof` box that has been read and not been reached.
#[derive(Debug)]
struct Ahead {
    offset: u64,
    size: u64,
    bytes: Option<Vec<u8>>,
}

/// What is found where a box may begin.
enum TopLevel {
    Box(Header),
    /// A box that is known and ends behind the file, by so many bytes.
    CutOff(FourCc, usize, u64),
    /// No box.
    Other,
}

impl<R: Read + Seek> Pieces<R> {
    pub(crate) fn new(movie: Movie<R>, options: Options) -> Result<Self> {
        let Movie { source, limits, contents, notes, .. } = movie;
        let moov_offset = contents.meta.offset();
        let cut = options.end.filter(|_| options.partial);
        let pass = Pass::new(contents, options, notes, source.len())?;
        let mut pieces = Self {
            source,
            limits,
            pass,
            moov_offset,
            runs: BinaryHeap::new(),
            chunks: Vec::new(),
            pushed: 0,
            region: (0, 0),
            ahead: VecDeque::new(),
            searched: 0,
            fragment_seen: false,
            cut,
            position: 0,
            sample_end: 0,
            last: None,
            queued: None,
            key_systems: Vec::new(),
            finished: false,
        };
        pieces.push_tracks(|_| true)?;
        Ok(pieces)
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] if a sample is not where the tables say, shares bytes with another, or its encryption is not
    /// described; [`Error::Box`] if a box is damaged; [`Error::CutOff`] if the file ends too early, unless
    /// [`Options::partial`] is set; [`Error::WrongInitialization`] if no fragment is of a track of the movie;
    /// [`Error::Read`] if the reader fails. After an error there are no more pieces: what was written so far is
    /// incomplete.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        if self.finished {
            return Ok(None);
        }
        let piece = self.find_piece();
        self.finished = !matches!(piece, Ok(Some(_)));
        piece
    }

    /// What the last fragment has for key systems; asked for a second time, nothing.
    pub fn take_key_systems(&mut self) -> Vec<SystemHeader> {
        core::mem::take(&mut self.key_systems)
    }

    /// The reader, to read the bytes of pieces. Its position is anywhere, and may be left anywhere.
    pub fn reader_mut(&mut self) -> &mut R {
        self.source.reader_mut()
    }

    /// Bytes of the file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.source.len()
    }

    /// Where the file ends, or what is of use of it.
    fn end(&self) -> u64 {
        self.cut.map_or(self.source.len(), |cut| cut.min(self.source.len()))
    }

    /// Ends the file at `offset`.
    fn end_at(&mut self, offset: u64) {
        let end = self.end().min(offset);
        self.cut = Some(end);
        self.region = (self.region.0.min(end), self.region.1.min(end));
    }

    fn find_piece(&mut self) -> Result<Option<Piece>> {
        if let Some(piece) = self.queued.take() {
            return Ok(Some(piece));
        }
        loop {
            if let Some(sample) = self.next_sample()? {
                return Ok(Some(self.give(Piece::Sample(sample))));
            }
            if self.sample_end < self.region.1 && self.find_fragment_ahead()? {
                continue;
            }
            if let Some(copy) = self.flush() {
                return Ok(Some(copy));
            }
            if self.source.is_end(self.region.1)? || self.region.1 >= self.end() {
                if let Some(Reverse(pending)) = self.runs.peek() {
                    if !self.pass.options.partial {
                        return Err(outside(&pending.run, self.end())?);
                    }
                    self.drop_run()?;
                    continue;
                }
                let (offset, len) = (self.position, self.end().saturating_sub(self.position));
                self.position = self.end();
                return Ok((len > 0).then_some(Piece::Copy { offset, len }));
            }
            if let Some(piece) = self.next_box()? {
                return Ok(Some(self.give(piece)));
            }
        }
    }

    /// Of a stream, gives out what is left of the box that has been passed, before the next one is looked at: the reader need
    /// not keep it.
    fn flush(&mut self) -> Option<Piece> {
        let (offset, end) = (self.position, self.region.1.min(self.end()));
        if !self.source.is_stream() || offset >= end || end >= STREAM_LEN {
            return None;
        }
        self.position = end;
        Some(Piece::Copy { offset, len: end - offset })
    }

    /// Gives out what lies in front of `piece`, and after that the piece.
    fn give(&mut self, piece: Piece) -> Piece {
        if piece.is_empty() {
            return piece;
        }
        let gap = piece.offset() - self.position;
        let copy = Piece::Copy { offset: self.position, len: gap };
        self.position = piece.offset() + piece.len();
        if gap == 0 {
            return piece;
        }
        self.queued = Some(piece);
        copy
    }

    /// The next sample, if it lies in the box that is being passed.
    fn next_sample(&mut self) -> Result<Option<Sample>> {
        loop {
            if let Some(Reverse(first)) = self.runs.peek() {
                let (offset, len) = (first.run.offset, first.run.next_len()?);
                if len > 0 && offset < self.region.1 {
                    self.look_for_end(offset.saturating_add(len.into()))?;
                }
            }
            let file_end = self.end();
            let Some(mut top) = self.runs.peek_mut() else { return Ok(None) };
            let run = &mut top.0.run;
            let len = run.next_len()?;
            if len > 0 && run.offset >= self.region.1 {
                return Ok(None);
            }
            let is_cut_off = len > 0 && run.offset.saturating_add(len.into()) > file_end;
            if is_cut_off && self.pass.options.partial {
                drop(top);
                self.drop_run()?;
                continue;
            }
            let sample = run.next(&mut self.source, &mut self.pass.notes)?;
            if run.left == 0 {
                let Reverse(done) = PeekMut::pop(top);
                if let Some(track) = done.track {
                    self.push_chunk(track, done.run.cursor)?;
                }
            } else {
                drop(top);
            }
            if sample.len == 0 {
                return Ok(Some(sample));
            }
            if self.is_last_again(&sample) {
                self.pass.notes.add(NoteKind::SharedSample, sample.track_id, sample.offset);
                continue;
            }
            let end = sample.offset + u64::from(sample.len);
            let defect = if sample.offset < self.sample_end {
                Some(SampleDefect::Overlap { offset: sample.offset, end: self.sample_end })
            } else if is_cut_off {
                Some(SampleDefect::CutOff { offset: sample.offset, len: sample.len })
            } else if sample.offset < self.region.0 || end > self.region.1 {
                Some(SampleDefect::OutsideMediaData { offset: sample.offset, len: sample.len })
            } else {
                None
            };
            if let Some(defect) = defect {
                return Err(Error::Sample { track_id: sample.track_id, index: sample.index, defect });
            }
            self.sample_end = end;
            self.last = Some(sample.clone());
            return Ok(Some(sample));
        }
    }

    /// Whether a sample is the one before again: the same bytes, clear or encrypted in the same way.
    fn is_last_again(&self, sample: &Sample) -> bool {
        self.last.as_ref().is_some_and(|last| {
            (last.offset, last.len) == (sample.offset, sample.len) && last.encryption == sample.encryption
        })
    }

    /// Leaves out the samples of the first run, which are not there.
    fn drop_run(&mut self) -> Result<()> {
        let Some(Reverse(dropped)) = self.runs.pop() else { return Ok(()) };
        let run = dropped.run;
        self.pass.notes.add_times(NoteKind::SampleLeftOut, run.set.track_id, run.offset, run.left.into());
        match dropped.track {
            Some(track) => self.push_chunk(track, run.skip_rest()?),
            None => Ok(()),
        }
    }

    /// What begins at `offset`.
    fn top_level(&mut self, offset: u64) -> Result<TopLevel> {
        let mut bytes = self.source.peek(offset, MAX_HEADER)?.to_vec();
        if let Ok(header) = Header::parse(&bytes, offset, STREAM_LEN, true)
            && matches!(header.kind, MOOV | MOOF)
            && header.size < STREAM_LEN
        {
            self.look_for_end(offset.saturating_add(header.size))?;
        }
        // Of a stream it may have become known just now.
        let available = self.end().saturating_sub(offset);
        bytes.truncate(usize::try_from(available).unwrap_or(usize::MAX));
        match Header::parse(&bytes, offset, available, true) {
            // Zeros are a box without type that goes on to the end.
            Ok(header) if header.kind == FourCc([0; 4]) => Ok(TopLevel::Other),
            Ok(header) => Ok(TopLevel::Box(header)),
            Err(Error::Box { kind, defect: BoxDefect::PastEnd { size, available }, .. }) if is_top_level(kind) => {
                let header_len = if bytes.starts_with(&1u32.to_be_bytes()) { 16 } else { 8 };
                Ok(TopLevel::CutOff(kind, header_len, size - available))
            }
            Err(Error::Box { kind, .. }) if !is_top_level(kind) => Ok(TopLevel::Other),
            Err(Error::StrayBytes { .. } | Error::Box { defect: BoxDefect::Truncated, .. }) => Ok(TopLevel::Other),
            Err(error) => Err(error),
        }
    }

    /// Goes on to the next top-level box; gives it as a piece if it changes.
    fn next_box(&mut self) -> Result<Option<Piece>> {
        let offset = self.region.1;
        let header = match self.top_level(offset)? {
            TopLevel::Box(header) => header,
            TopLevel::Other => {
                self.pass_other(offset);
                return Ok(None);
            }
            TopLevel::CutOff(kind, header_len, missing) => return self.pass_cut_off(offset, kind, header_len, missing),
        };
        let end = offset + header.size;
        let bytes = match header.kind {
            MOOV => {
                self.region = (end, end);
                if offset != self.moov_offset {
                    self.next_movie(offset, &header)?;
                }
                self.movie_bytes(offset)?
            }
            MOOF => {
                if self.ahead.front().is_none_or(|ahead| ahead.offset != offset) {
                    self.read_fragment(offset, &header, offset)?;
                }
                let ahead = self.ahead.pop_front().filter(|ahead| ahead.offset == offset);
                if offset >= self.end() {
                    // The fragment is not whole: the file ends here.
                    return Ok(None);
                }
                self.region = (end, end);
                ahead.and_then(|ahead| ahead.bytes)
            }
            _ => {
                self.region = (offset + header.len as u64, end);
                None
            }
        };
        Ok(bytes.map(|bytes| Piece::Rewritten { offset, bytes }))
    }

    /// The `moov` box at `offset` as it is given out, if it changes.
    fn movie_bytes(&mut self, offset: u64) -> Result<Option<Vec<u8>>> {
        let bytes = self.pass.moov_bytes().map(<[u8]>::to_vec);
        if !self.pass.options.partial || self.source.is_stream() {
            return Ok(bytes);
        }
        let shorter = match &bytes {
            Some(bytes) => shorten(&Meta::new(offset, bytes.clone()), self.end())?,
            None => shorten(self.pass.moov(), self.end())?,
        };
        if shorter.is_some() {
            self.pass.notes.add(NoteKind::TablesShortened, None, offset);
        }
        Ok(shorter.or(bytes))
    }

    /// Whether a stream that may be cut off ends in front of `end`: then it has been read to its end, and says so. Until then
    /// it is kept. Of a file the length is known.
    fn look_for_end(&mut self, end: u64) -> Result<()> {
        if self.source.is_stream() && self.pass.options.partial && end > 0 {
            self.source.is_end(end - 1)?;
        }
        Ok(())
    }

    /// Reads the `moof` box at `offset`. What lies in front of `passed` has been given out.
    fn read_fragment(&mut self, offset: u64, header: &Header, passed: u64) -> Result<()> {
        let moof = Arc::new(read_metadata(&mut self.source, offset, header, self.limits)?);
        self.key_systems.extend(SystemHeader::all_of(&moof)?);
        if !self.fragment_seen && !self.pass.has_samples() {
            self.check_partner(&moof, offset + header.size)?;
        }
        self.find_vectors(&moof, offset + header.size)?;
        let mut fragment = Fragment::parse(&moof, passed, &mut self.pass)?;
        self.fragment_seen |= fragment.has_known_track;
        self.look_for_end(fragment.data_end)?;
        if self.pass.options.partial && fragment.data_end > self.end() {
            let samples = fragment.runs.iter().map(|run| u64::from(run.left)).sum();
            self.pass.notes.add_times(NoteKind::FragmentLeftOut, None, offset, samples);
            self.end_at(offset);
            self.ahead.push_back(Ahead { offset, size: header.size, bytes: None });
            return Ok(());
        }
        for run in fragment.runs.drain(..) {
            self.push(run, None);
        }
        let bytes = self.pass.rewrite(&moof, &fragment.edits, &fragment.system_headers);
        self.ahead.push_back(Ahead { offset, size: header.size, bytes });
        Ok(())
    }

    /// Finds out whether tracks of a fragment that has no initialization vectors for them have some in fragments behind
    /// it, as behind a clear lead. Once for each track.
    fn find_vectors(&mut self, moof: &Meta, mut position: u64) -> Result<()> {
        let mut wanted: Vec<u32> = Vec::new();
        for (track_id, has) in tracks_with_vectors(moof)? {
            if has {
                self.pass.set_vectors(track_id, true);
            } else if self.pass.wants_vectors(track_id) {
                wanted.push(track_id);
            }
        }
        while !self.source.is_stream() && !wanted.is_empty() && position < self.end() {
            // What is wrong there is reported when it is reached.
            let Ok(TopLevel::Box(header)) = self.top_level(position) else { break };
            match header.kind {
                MOOV => break,
                MOOF => {
                    let Ok(other) = read_metadata(&mut self.source, position, &header, self.limits) else { break };
                    for (track_id, has) in tracks_with_vectors(&other).unwrap_or_default() {
                        if has && wanted.contains(&track_id) {
                            self.pass.set_vectors(track_id, true);
                            wanted.retain(|wanted| *wanted != track_id);
                        }
                    }
                }
                _ => {}
            }
            position += header.size;
        }
        for track_id in wanted {
            self.pass.set_vectors(track_id, false);
        }
        Ok(())
    }

    /// Checks that a fragment of the movie comes before the next movie does, beginning with the one given: otherwise
    /// they are those of another stream.
    fn check_partner(&mut self, moof: &Meta, mut position: u64) -> Result<()> {
        let is_known = |pass: &Pass, track_ids: &[u32]| track_ids.iter().any(|id| pass.track(*id).is_some());
        let first = fragment_tracks(moof)?;
        let Some(&fragment_track) = first.first() else { return Ok(()) };
        if is_known(&self.pass, &first) {
            return Ok(());
        }
        while !self.source.is_stream() && position < self.end() {
            let TopLevel::Box(header) = self.top_level(position)? else { break };
            match header.kind {
                MOOV => break,
                MOOF => {
                    let other = read_metadata(&mut self.source, position, &header, self.limits)?;
                    if is_known(&self.pass, &fragment_tracks(&other)?) {
                        return Ok(());
                    }
                }
                _ => {}
            }
            position += header.size;
        }
        let movie_tracks = self.pass.tracks.list.iter().map(Track::id).collect();
        Err(Error::WrongInitialization { fragment_track, movie_tracks })
    }

    /// Reads the next fragment in advance if the media data that are being passed have bytes that no fragment so far has
    /// samples in: they may be those of a fragment behind them. Says whether there was one.
    fn find_fragment_ahead(&mut self) -> Result<bool> {
        let is_media_data = self.region.0 < self.region.1;
        if self.source.is_stream() || !self.pass.fragmented || !is_media_data || self.region.1 > self.end() {
            return Ok(false);
        }
        let known = self.ahead.back().map_or(self.region.1, |ahead| ahead.offset + ahead.size);
        let mut position = self.searched.max(known).max(self.region.1);
        while position < self.end() {
            // What is wrong there is reported when it is reached.
            let Ok(TopLevel::Box(header)) = self.top_level(position) else { break };
            match header.kind {
                MOOV => break,
                MOOF => {
                    let passed = self.sample_end.max(self.region.0);
                    self.searched = position + header.size;
                    self.read_fragment(position, &header, passed)?;
                    return Ok(true);
                }
                _ => position += header.size,
            }
        }
        // Not again before what ended the search has been passed.
        self.searched = self.searched.max(position);
        Ok(false)
    }

    /// Bytes that are no box, at the end of the file.
    fn pass_other(&mut self, offset: u64) {
        self.pass.notes.add(NoteKind::TrailingBytes, None, offset);
        self.region = (self.end(), self.end());
        if self.pass.options.partial {
            self.end_at(offset);
        }
    }

    /// A box of this type at `offset`, of which so many bytes are not there.
    fn pass_cut_off(&mut self, offset: u64, kind: FourCc, header_len: usize, missing: u64) -> Result<Option<Piece>> {
        if !self.pass.options.partial {
            return Err(Error::CutOff { kind, offset, missing });
        }
        let start = offset + header_len as u64;
        let first = self.runs.peek().map(|Reverse(pending)| (pending.run.offset, pending.run.next_len()));
        let has_samples = match first {
            Some((at, len)) => at >= start && at.saturating_add(len?.into()) <= self.end(),
            None => false,
        };
        if kind != MDAT || !has_samples {
            self.pass.notes.add(NoteKind::BoxLeftOut, None, offset);
            self.region = (offset, offset);
            self.end_at(offset);
            return Ok(None);
        }
        self.pass.notes.add(NoteKind::MediaDataCutOff, None, offset);
        let mut bytes = self.source.read(offset, header_len)?;
        let size = self.end() - offset;
        // The header keeps its length; a size of 32 bits was larger than this one.
        if header_len == 16 {
            bytes[8..16].copy_from_slice(&size.to_be_bytes());
        } else if let Ok(size) = u32::try_from(size) {
            bytes[..4].copy_from_slice(&size.to_be_bytes());
        }
        self.region = (start, self.end());
        Ok(Some(Piece::Rewritten { offset, bytes }))
    }

    /// Another `moov` box.
    fn next_movie(&mut self, offset: u64, header: &Header) -> Result<()> {
        let meta = read_metadata(&mut self.source, offset, header, self.limits)?;
        let Some(movie) = self.pass.read_movie(meta)? else {
            self.pass.notes.add(NoteKind::MovieRepeated, None, offset);
            return Ok(());
        };
        self.pass.notes.add(NoteKind::MovieReplaced, None, offset);
        // A fragment's tracks are those of the new movie from here on.
        self.fragment_seen = false;
        self.pass.set_movie(movie)?;
        let passed = offset + header.size;
        let first_new = self.chunks.len();
        self.push_tracks(|_| true)?;
        let early = self.runs.iter().filter(|Reverse(pending)| pending.track.is_some_and(|track| track >= first_new));
        let early = early.map(|Reverse(pending)| pending.run.offset).min().filter(|data| *data < passed);
        match early {
            Some(data) => Err(Error::Box { kind: MOOV, offset, defect: BoxDefect::DataBeforeMovie { data } }),
            None => Ok(()),
        }
    }

    /// Makes the first chunk of each selected track known.
    fn push_tracks(&mut self, wanted: impl Fn(&Track) -> bool) -> Result<()> {
        let first = self.chunks.len();
        for (track, selected) in self.pass.tracks.list.iter().zip(&self.pass.selected) {
            if *selected && wanted(track) {
                self.chunks.push(track.chunks()?);
            }
        }
        (first..self.chunks.len()).try_for_each(|track| self.push_chunk(track, SampleCursor::default()))
    }

    /// Makes the next chunk of a track known, after one that ended at `cursor`.
    fn push_chunk(&mut self, track: usize, cursor: SampleCursor) -> Result<()> {
        if let Some(run) = self.chunks[track].next(cursor)? {
            self.push(run, Some(track));
        }
        Ok(())
    }

    fn push(&mut self, run: Run, track: Option<usize>) {
        self.runs.push(Reverse(PendingRun { run, order: self.pushed, track }));
        self.pushed += 1;
    }
}

impl<R> Pieces<R> {
    /// The tracks of the `moov` box that was passed last, or will be first, in its order.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.pass.tracks.list
    }

    /// What is odd about the file, as far as it has been passed.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        self.pass.notes.as_slice()
    }

    /// The reader. Its position is anywhere.
    #[must_use]
    pub fn into_reader(self) -> R {
        self.source.into_inner()
    }
}

impl<R: Read + Seek> Iterator for Pieces<R> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_piece().transpose()
    }
}

/// A run in the queue, where the one with the smallest offset comes first.
type Pending = Reverse<PendingRun>;

#[derive(Debug)]
struct PendingRun {
    run: Run,
    /// Runs at the same place come in the order of their boxes.
    order: u64,
    /// For a chunk, where the next one comes from.
    track: Option<usize>,
}

impl PendingRun {
    fn key(&self) -> (u64, u64) {
        (self.run.offset, self.order)
    }
}

impl Ord for PendingRun {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for PendingRun {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PendingRun {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for PendingRun {}

/// The error of a run that begins after the end of a file of `file_len` bytes.
fn outside(run: &Run, file_len: u64) -> Result<Error> {
    let (offset, len) = (run.offset, run.next_len()?);
    let is_cut_off = offset.saturating_add(len.into()) > file_len;
    Ok(run.defect(if is_cut_off {
        SampleDefect::CutOff { offset, len }
    } else {
        SampleDefect::OutsideMediaData { offset, len }
    }))
}
