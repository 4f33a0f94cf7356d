//! One pass over the file: what to copy, what to replace, what to decrypt.

use core::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{Read, Seek};
use std::sync::Arc;

use crate::Sample;
use crate::error::{BoxDefect, Error, Result, SampleDefect};
use crate::fourcc::{MOOF, MOOV};
use crate::fragment::Fragment;
use crate::key_system::SystemHeader;
use crate::movie::{Limits, Movie, Selection, box_at, read_metadata};
use crate::pass::Pass;
use crate::run::{Run, SampleCursor};
use crate::source::{STREAM_LEN, Source};
use crate::track::{Chunks, Track};

/// A part of the file. Piece follows piece without a gap, from the first byte of the file to the last.
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
    /// The samples to come, next one first.
    runs: BinaryHeap<Pending>,
    /// Of each selected track, the chunks that are still to come.
    chunks: Vec<Chunks>,
    pushed: u64,
    /// The box that is being passed: end of its header, and its end.
    region: (u64, u64),
    /// End of what has been given out, and of the last sample.
    position: u64,
    sample_end: u64,
    /// Comes after the [`Piece::Copy`] in front of it.
    queued: Option<Piece>,
    /// What the last fragment has for key systems.
    key_systems: Vec<SystemHeader>,
    finished: bool,
}

impl<R: Read + Seek> Pieces<R> {
    pub(crate) fn new(movie: Movie<R>, selection: &Selection) -> Result<Self> {
        let Movie { source, limits, moov, tracks, system_headers, .. } = movie;
        let pass = Pass::new(&moov, tracks, selection, &system_headers, source.len())?;
        let mut pieces = Self {
            source,
            limits,
            pass,
            runs: BinaryHeap::new(),
            chunks: Vec::new(),
            pushed: 0,
            region: (0, 0),
            position: 0,
            sample_end: 0,
            queued: None,
            key_systems: Vec::new(),
            finished: false,
        };
        pieces.push_tracks()?;
        Ok(pieces)
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] if a sample is not where the tables say, shares bytes with another, or its encryption is not
    /// described; [`Error::Box`] if a box is damaged; [`Error::Read`] if the reader fails. After an error there are no
    /// more pieces: what was written so far is incomplete.
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

    fn find_piece(&mut self) -> Result<Option<Piece>> {
        if let Some(piece) = self.queued.take() {
            return Ok(Some(piece));
        }
        loop {
            if let Some(sample) = self.next_sample()? {
                return Ok(Some(self.give(Piece::Sample(sample))));
            }
            if let Some(copy) = self.flush() {
                return Ok(Some(copy));
            }
            if self.source.is_end(self.region.1)? {
                if let Some(Reverse(pending)) = self.runs.peek() {
                    return Err(outside(&pending.run)?);
                }
                let (offset, len) = (self.position, self.source.len() - self.position);
                self.position = self.source.len();
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
        let (offset, end) = (self.position, self.region.1);
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
        let Some(mut top) = self.runs.peek_mut() else { return Ok(None) };
        let run = &mut top.0.run;
        if run.next_len()? > 0 && run.offset >= self.region.1 {
            return Ok(None);
        }
        let sample = run.next(&mut self.source)?;
        if run.left == 0 {
            let Reverse(done) = PeekMut::pop(top);
            if let Some(track) = done.track {
                self.push_chunk(track, done.run.cursor)?;
            }
        } else {
            drop(top);
        }
        if sample.len > 0 {
            let end = sample.offset + u64::from(sample.len);
            let defect = if sample.offset < self.sample_end {
                Some(SampleDefect::Overlap { offset: sample.offset, end: self.sample_end })
            } else if sample.offset < self.region.0 || end > self.region.1 {
                Some(SampleDefect::OutsideMediaData { offset: sample.offset, len: sample.len })
            } else {
                None
            };
            if let Some(defect) = defect {
                return Err(Error::Sample { track_id: sample.track_id, index: sample.index, defect });
            }
            self.sample_end = end;
        }
        Ok(Some(sample))
    }

    /// Goes on to the next top-level box; gives it as a piece if it changes.
    fn next_box(&mut self) -> Result<Option<Piece>> {
        let offset = self.region.1;
        let header = box_at(&mut self.source, offset)?;
        let end = offset + header.size;
        let bytes = match header.kind {
            MOOV => {
                self.region = (end, end);
                if offset != self.pass.moov_offset {
                    return Err(Error::Box { kind: MOOV, offset, defect: BoxDefect::Duplicate });
                }
                self.pass.moov_bytes.take()
            }
            MOOF => {
                self.region = (end, end);
                let moof = Arc::new(read_metadata(&mut self.source, offset, &header, self.limits)?);
                self.key_systems = SystemHeader::all_of(&moof)?;
                let mut fragment = Fragment::parse(&moof, &mut self.pass)?;
                for run in fragment.runs.drain(..) {
                    self.push(run, None);
                }
                self.pass.rewrite(&moof, &fragment.edits, &fragment.system_headers)
            }
            _ => {
                self.region = (offset + header.len as u64, end);
                None
            }
        };
        Ok(bytes.map(|bytes| Piece::Rewritten { offset, bytes }))
    }

    /// Makes the first chunk of each selected track known.
    fn push_tracks(&mut self) -> Result<()> {
        for (track, selected) in self.pass.tracks.list.iter().zip(&self.pass.selected) {
            if *selected {
                self.chunks.push(track.chunks()?);
            }
        }
        (0..self.chunks.len()).try_for_each(|track| self.push_chunk(track, SampleCursor::default()))
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
    /// The tracks, in the order of the file.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.pass.tracks.list
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

/// The error of a run that begins after the end of the file.
fn outside(run: &Run) -> Result<Error> {
    let defect = SampleDefect::OutsideMediaData { offset: run.offset, len: run.next_len()? };
    Ok(run.defect(defect))
}
