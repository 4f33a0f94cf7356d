//! The way over a surface, row by row and run by run.

use core::ops::Range;
use core::slice::{Chunks, ChunksMut};

use aes::cipher::inout::InOutBuf;

use crate::kernel::Span;
use crate::rows::{Rows, RowsMut};

/// A run of visible bytes that are all encrypted or all clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Visible bytes of the surface, counted from 0.
    pub range: Range<usize>,
    /// Whether they take keystream; clear bytes take none (D6).
    pub encrypted: bool,
}

/// The visible bytes of a source and a destination of one shape, or of one surface, from first to last.
pub(crate) struct RowIter<'a> {
    rows: RowPairs<'a>,
    /// Bytes of a row.
    row_bytes: usize,
    /// What is left of the row in which the walk is, and the number of its first byte.
    row: InOutBuf<'a, 'a, u8>,
    at: usize,
}

/// Rows that are still to come.
enum RowPairs<'a> {
    Distinct(Chunks<'a, u8>, ChunksMut<'a, u8>),
    InPlace(ChunksMut<'a, u8>),
}

impl<'a> RowIter<'a> {
    /// Over surfaces that have been checked to be of one shape.
    pub(crate) fn new(src: &'a Rows<'_>, dst: &'a mut RowsMut<'_>) -> Self {
        let (from, to) = (src.shape(), dst.shape());
        if from.is_contiguous() && to.is_contiguous() {
            return Self::over(pair(src.data(), dst.data_mut()));
        }
        let rows = RowPairs::Distinct(src.data().chunks(from.row_pitch), dst.data_mut().chunks_mut(to.row_pitch));
        Self { rows, row_bytes: to.row_bytes, row: none(), at: 0 }
    }

    pub(crate) fn in_place(surface: &'a mut RowsMut<'_>) -> Self {
        let shape = surface.shape();
        if shape.is_contiguous() {
            return Self::over(surface.data_mut().into());
        }
        let rows = RowPairs::InPlace(surface.data_mut().chunks_mut(shape.row_pitch));
        Self { rows, row_bytes: shape.row_bytes, row: none(), at: 0 }
    }

    /// Over one row.
    pub(crate) fn over(row: InOutBuf<'a, 'a, u8>) -> Self {
        Self { rows: RowPairs::InPlace([].chunks_mut(1)), row_bytes: 1, row, at: 0 }
    }

    /// The spans of `runs`, which ascend and lie within the surface. A run has as many as rows.
    pub(crate) fn spans(self, runs: impl Iterator<Item = Run>) -> impl Iterator<Item = Span<'a, 'a>> {
        Spans { walk: self, runs, run: Run { range: 0..0, encrypted: false } }
    }

    /// Goes on to visible byte `to`, which is not behind it.
    fn seek(&mut self, to: usize) {
        let ahead = to - self.at;
        if ahead < self.row.len() {
            self.take(ahead);
            return;
        }
        let behind_row = ahead - self.row.len();
        self.row = self.rows.nth(behind_row / self.row_bytes, self.row_bytes).unwrap_or_else(none);
        self.at = to - behind_row % self.row_bytes;
        self.take(to - self.at);
    }

    /// Bytes that are left of the row, or of the next one if it has ended. 0: there is none.
    pub(crate) fn ready(&mut self) -> usize {
        if self.row.is_empty()
            && let Some(row) = self.rows.nth(0, self.row_bytes)
        {
            self.row = row;
        }
        self.row.len()
    }

    /// Takes the next `len` bytes, or what is left of the row.
    pub(crate) fn take(&mut self, len: usize) -> InOutBuf<'a, 'a, u8> {
        let len = len.min(self.row.len());
        let (taken, rest) = core::mem::replace(&mut self.row, none()).split_at(len);
        self.row = rest;
        self.at += taken.len();
        taken
    }
}

impl<'a> RowPairs<'a> {
    /// The row after `skipped` others.
    fn nth(&mut self, skipped: usize, row_bytes: usize) -> Option<InOutBuf<'a, 'a, u8>> {
        Some(match self {
            Self::Distinct(src, dst) => pair(&src.nth(skipped)?[..row_bytes], &mut dst.nth(skipped)?[..row_bytes]),
            Self::InPlace(rows) => (&mut rows.nth(skipped)?[..row_bytes]).into(),
        })
    }
}

/// A row of a source and the row of a destination that it goes to.
pub(crate) fn pair<'a>(src: &'a [u8], dst: &'a mut [u8]) -> InOutBuf<'a, 'a, u8> {
    InOutBuf::new(src, dst).expect("surfaces of one shape have rows of one length")
}

/// No bytes.
pub(crate) fn none<'a>() -> InOutBuf<'a, 'a, u8> {
    (&mut [][..]).into()
}

struct Spans<'a, R> {
    walk: RowIter<'a>,
    runs: R,
    /// What is left of the run.
    run: Run,
}

impl<'a, R: Iterator<Item = Run>> Iterator for Spans<'a, R> {
    type Item = Span<'a, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Span<'a, 'a>> {
        while self.run.range.is_empty() {
            self.run = self.runs.next()?;
        }
        self.walk.seek(self.run.range.start);
        let data = self.walk.take(self.run.range.len());
        self.run.range.start += data.len();
        Some(Span { data, encrypted: self.run.encrypted })
    }
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The bytes of the spans of `ranges`, on "abc", "def" and "ghi" at `pitch`, read from a source and in place.
    fn spans(pitch: usize, ranges: &[(usize, usize)]) -> Vec<String> {
        let mut memory = vec![b'!'; pitch * 3];
        for (row, text) in memory.chunks_mut(pitch).zip([b"abc", b"def", b"ghi"]) {
            row[..3].copy_from_slice(text);
        }
        let runs = || ranges.iter().map(|&(start, end)| Run { range: start..end, encrypted: true });
        let text = |span: Span<'_, '_>| String::from_utf8(span.data.get_in().to_vec()).unwrap();
        let mut other = vec![0; 12];
        let source = Rows::new(&memory, pitch, 3, 3).unwrap();
        let mut destination = RowsMut::new(&mut other, 4, 3, 3).unwrap();
        let read: Vec<_> = RowIter::new(&source, &mut destination).spans(runs()).map(text).collect();
        let mut surface = RowsMut::new(&mut memory, pitch, 3, 3).unwrap();
        let in_place: Vec<_> = RowIter::in_place(&mut surface).spans(runs()).map(text).collect();
        assert!(pitch == 3 || read == in_place);
        in_place
    }

    #[test]
    fn pieces_of_everything_are_the_rows_without_padding() {
        assert_eq!(spans(5, &[(0, 9)]), ["abc", "def", "ghi"]);
        assert_eq!(spans(3, &[(0, 9)]), ["abcdefghi"]);
    }

    #[test]
    fn pieces_of_runs_begin_and_end_inside_rows() {
        assert_eq!(spans(5, &[(1, 7)]), ["bc", "def", "g"]);
        assert_eq!(spans(5, &[(1, 2), (2, 3), (4, 5), (7, 9)]), ["b", "c", "e", "hi"]);
        assert_eq!(spans(3, &[(1, 2), (2, 3), (4, 5), (7, 9)]), ["b", "c", "e", "hi"]);
    }

    #[test]
    fn pieces_end_with_rows() {
        assert_eq!(spans(5, &[(0, 3)]), ["abc"]);
        assert_eq!(spans(5, &[(3, 6)]), ["def"]);
        assert_eq!(spans(5, &[(6, 9)]), ["ghi"]);
    }

    #[test]
    fn empty_runs_have_no_pieces() {
        for pitch in [3, 5] {
            for at in 0..=9 {
                assert!(spans(pitch, &[(at, at)]).is_empty());
            }
            assert_eq!(spans(pitch, &[(0, 0), (2, 3), (3, 3), (9, 9)]), ["c"]);
        }
    }
}
