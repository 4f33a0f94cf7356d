//! Pitched surfaces: rows of visible bytes with padding between them.

use core::ops::Range;
use core::slice::{Chunks, ChunksMut};

/// A surface to read from: `rows` rows of `row_bytes` visible bytes, each starting `row_pitch` bytes after the one before.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    data: &'a [u8],
    shape: Shape,
}

impl<'a> Rows<'a> {
    /// Describes the surface at the beginning of `data`.
    ///
    /// `row_pitch` and `row_bytes` are in bytes. `data` has to hold every row up to the last visible byte; the last row
    /// needs no padding, and bytes past it are never touched. The pitch of a single row has no meaning and may be anything. A
    /// surface without rows, or with rows of 0 bytes, is empty and needs no data.
    ///
    /// # Errors
    ///
    /// - [`RowsError::PitchTooSmall`]: rows would overlap.
    /// - [`RowsError::DataTooShort`]: `data` ends before the last visible byte.
    /// - [`RowsError::TooLarge`]: the surface has more bytes than `usize` can count.
    pub fn new(data: &'a [u8], row_pitch: usize, row_bytes: usize, rows: usize) -> Result<Self, RowsError> {
        let shape = Shape { row_pitch, row_bytes, rows };
        let extent = shape.extent()?;
        let data = data.get(..extent).ok_or(RowsError::DataTooShort { needed: extent, available: data.len() })?;
        Ok(Self { data, shape })
    }

    /// Bytes from the start of one row to the start of the next, as given to [`Rows::new`].
    #[must_use]
    pub fn row_pitch(&self) -> usize {
        self.shape.row_pitch
    }

    /// Visible bytes of one row.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.shape.row_bytes
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Visible bytes of the whole surface: `row_bytes` × `rows`.
    #[must_use]
    pub fn visible_bytes(&self) -> usize {
        self.shape.visible_bytes()
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The visible bytes in `span`, one slice per row that it touches.
    pub(crate) fn pieces(&self, span: Span) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let rows: Chunks<'a, u8> = self.data.chunks(span.pitch);
        rows.skip(span.first_row).zip(span.columns()).map(|(row, columns)| &row[columns])
    }
}

/// A flat buffer is a surface of one row.
impl<'a> From<&'a [u8]> for Rows<'a> {
    fn from(data: &'a [u8]) -> Self {
        Self { data, shape: Shape::flat(data.len()) }
    }
}

/// A surface to write to. See [`Rows`].
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [u8],
    shape: Shape,
}

impl<'a> RowsMut<'a> {
    /// Describes the surface at the beginning of `data`, under the rules of [`Rows::new`].
    ///
    /// # Errors
    ///
    /// Those of [`Rows::new`].
    pub fn new(data: &'a mut [u8], row_pitch: usize, row_bytes: usize, rows: usize) -> Result<Self, RowsError> {
        let shape = Shape { row_pitch, row_bytes, rows };
        let extent = shape.extent()?;
        let available = data.len();
        let data = data.get_mut(..extent).ok_or(RowsError::DataTooShort { needed: extent, available })?;
        Ok(Self { data, shape })
    }

    /// Bytes from the start of one row to the start of the next, as given to [`RowsMut::new`].
    #[must_use]
    pub fn row_pitch(&self) -> usize {
        self.shape.row_pitch
    }

    /// Visible bytes of one row.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.shape.row_bytes
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// Visible bytes of the whole surface: `row_bytes` × `rows`.
    #[must_use]
    pub fn visible_bytes(&self) -> usize {
        self.shape.visible_bytes()
    }

    /// The same surface, to read from.
    #[must_use]
    pub fn as_rows(&self) -> Rows<'_> {
        Rows { data: self.data, shape: self.shape }
    }

    /// The same surface for a shorter time.
    #[must_use]
    pub fn reborrow(&mut self) -> RowsMut<'_> {
        RowsMut { data: self.data, shape: self.shape }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The visible bytes in `span`, one slice per row that it touches.
    pub(crate) fn pieces_mut(&mut self, span: Span) -> impl Iterator<Item = &mut [u8]> {
        let rows: ChunksMut<'_, u8> = self.data.chunks_mut(span.pitch);
        rows.skip(span.first_row).zip(span.columns()).map(|(row, columns)| &mut row[columns])
    }
}

/// A flat buffer is a surface of one row.
impl<'a> From<&'a mut [u8]> for RowsMut<'a> {
    fn from(data: &'a mut [u8]) -> Self {
        let shape = Shape::flat(data.len());
        Self { data, shape }
    }
}

/// Why a buffer cannot be the surface it was said to be. The caller's mistake in each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowsError {
    /// Two or more rows, each longer than the distance between them.
    #[error("row pitch of {row_pitch} bytes is less than the {row_bytes} bytes of a row")]
    PitchTooSmall {
        /// Bytes from row to row.
        row_pitch: usize,
        /// Visible bytes of one row.
        row_bytes: usize,
    },
    /// The buffer ends before the last visible byte.
    #[error("surface needs {needed} bytes, its buffer has {available}")]
    DataTooShort {
        /// Bytes from the first to the last visible byte.
        needed: usize,
        /// Bytes of the buffer.
        available: usize,
    },
    /// The surface has more bytes than `usize` can count.
    #[error("surface of {rows} rows with a pitch of {row_pitch} bytes is larger than memory")]
    TooLarge {
        /// Bytes from row to row.
        row_pitch: usize,
        /// Number of rows.
        rows: usize,
    },
}

/// The measures of a surface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    row_pitch: usize,
    pub(crate) row_bytes: usize,
    pub(crate) rows: usize,
}

impl Shape {
    fn flat(len: usize) -> Self {
        Self { row_pitch: len, row_bytes: len, rows: 1 }
    }

    /// Bytes from the first to the last visible byte.
    fn extent(&self) -> Result<usize, RowsError> {
        let &Self { row_pitch, row_bytes, rows } = self;
        if rows == 0 || row_bytes == 0 {
            return Ok(0);
        }
        if rows > 1 && row_pitch < row_bytes {
            return Err(RowsError::PitchTooSmall { row_pitch, row_bytes });
        }
        (rows - 1)
            .checked_mul(row_pitch)
            .and_then(|start_of_last| start_of_last.checked_add(row_bytes))
            .ok_or(RowsError::TooLarge { row_pitch, rows })
    }

    /// Does not overflow: a surface with visible bytes has at least as many bytes of data, see [`Shape::extent`].
    pub(crate) fn visible_bytes(self) -> usize {
        self.row_bytes * self.rows
    }

    /// Whether no padding parts the visible bytes.
    pub(crate) fn is_contiguous(self) -> bool {
        self.rows <= 1 || self.row_pitch == self.row_bytes
    }

    /// Where the visible bytes of `range` lie in a surface of this shape. `whole` takes the surface as one long row, which is
    /// right when it [is contiguous](Shape::is_contiguous).
    pub(crate) fn span(self, range: &Range<usize>, whole: bool) -> Span {
        let row_bytes = if whole { self.visible_bytes() } else { self.row_bytes };
        let pitch = if whole { self.visible_bytes() } else { self.row_pitch };
        // A range with bytes in it lies in rows with bytes in them; an empty one touches no row.
        let row_bytes = row_bytes.max(1);
        Span {
            // A pitch of 0 belongs to a surface without bytes, or with one row.
            pitch: pitch.max(row_bytes),
            row_bytes,
            first_row: range.start / row_bytes,
            first_column: range.start % row_bytes,
            len: range.len(),
        }
    }
}

/// A range of visible bytes, as rows and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pitch: usize,
    row_bytes: usize,
    first_row: usize,
    first_column: usize,
    len: usize,
}

impl Span {
    /// The range of columns in each row, from the first row on.
    fn columns(self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.first_column;
        let mut left = self.len;
        core::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let columns = start..self.row_bytes.min(start + left);
            left -= columns.len();
            start = 0;
            Some(columns)
        })
    }
}
