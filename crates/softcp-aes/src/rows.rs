//! Pitched surfaces: rows of visible bytes with padding between them.

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
    #[inline]
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

    pub(crate) fn data(&self) -> &'a [u8] {
        self.data
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
    #[inline]
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

    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        self.data
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
    pub(crate) row_pitch: usize,
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

    /// Whether no padding parts the visible bytes. A surface that is not contiguous has rows with bytes in them.
    pub(crate) fn is_contiguous(self) -> bool {
        self.rows <= 1 || self.row_bytes == 0 || self.row_pitch == self.row_bytes
    }
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Both constructors have to give the same answer.
    fn new(len: usize, row_pitch: usize, row_bytes: usize, rows: usize) -> Result<(), RowsError> {
        let mut data = vec![0; len];
        let shared = Rows::new(&data, row_pitch, row_bytes, rows).map(drop);
        let mutable = RowsMut::new(&mut data, row_pitch, row_bytes, rows).map(drop);
        assert_eq!(shared, mutable);
        shared
    }

    #[test]
    fn data_up_to_the_last_visible_byte_is_enough() {
        assert_eq!(new(2 * 8 + 5, 8, 5, 3), Ok(()));
    }

    #[test]
    fn data_one_byte_short_is_refused() {
        assert_eq!(new(2 * 8 + 4, 8, 5, 3), Err(RowsError::DataTooShort { needed: 21, available: 20 }));
    }

    #[test]
    fn pitch_of_a_row_is_enough() {
        assert_eq!(new(15, 5, 5, 3), Ok(()));
    }

    #[test]
    fn pitch_less_than_a_row_is_refused() {
        assert_eq!(new(100, 4, 5, 2), Err(RowsError::PitchTooSmall { row_pitch: 4, row_bytes: 5 }));
    }

    #[test]
    fn pitch_of_a_single_row_is_ignored() {
        assert_eq!(new(5, 0, 5, 1), Ok(()));
        assert_eq!(new(5, usize::MAX, 5, 1), Ok(()));
    }

    #[test]
    fn surface_without_rows_is_empty_and_needs_no_data() {
        assert_eq!(new(0, 8, 5, 0), Ok(()));
        assert_eq!(new(0, 4, 5, 0), Ok(()));
        assert_eq!(Rows::new(&[], 8, 5, 0).unwrap().visible_bytes(), 0);
    }

    #[test]
    fn surface_with_rows_of_no_bytes_is_empty_and_needs_no_data() {
        assert_eq!(new(0, usize::MAX, 0, usize::MAX), Ok(()));
        assert_eq!(new(0, 0, 0, 3), Ok(()));
        assert_eq!(Rows::new(&[], 8, 0, 3).unwrap().visible_bytes(), 0);
    }

    #[test]
    fn rows_times_pitch_past_usize_is_refused() {
        let pitch = usize::MAX / 2;
        assert_eq!(new(9, pitch, 5, 4), Err(RowsError::TooLarge { row_pitch: pitch, rows: 4 }));
    }

    #[test]
    fn last_row_past_usize_is_refused() {
        let pitch = usize::MAX - 3;
        assert_eq!(new(9, pitch, 5, 2), Err(RowsError::TooLarge { row_pitch: pitch, rows: 2 }));
    }

    #[test]
    fn measures_are_those_given() {
        let mut data = [0; 64];
        let shared = Rows::new(&data, 8, 5, 3).unwrap();
        assert_eq!((shared.row_pitch(), shared.row_bytes(), shared.rows(), shared.visible_bytes()), (8, 5, 3, 15));
        let mutable = RowsMut::new(&mut data, 8, 5, 3).unwrap();
        assert_eq!((mutable.row_pitch(), mutable.row_bytes(), mutable.rows(), mutable.visible_bytes()), (8, 5, 3, 15));
    }

    #[test]
    fn flat_buffer_is_one_row() {
        let mut data = [1, 2, 3];
        let shared = Rows::from(&data[..]);
        assert_eq!((shared.row_bytes(), shared.rows(), shared.data()), (3, 1, &[1, 2, 3][..]));
        let mut mutable = RowsMut::from(&mut data[..]);
        assert_eq!((mutable.row_bytes(), mutable.rows()), (3, 1));
        assert_eq!(mutable.data_mut(), [1, 2, 3]);
    }

    #[test]
    fn reborrow_and_as_rows_are_the_same_surface() {
        let mut data = *b"abc..def..ghi";
        let mut surface = RowsMut::new(&mut data, 5, 3, 3).unwrap();
        surface.reborrow().data_mut()[..3].fill(b'x');
        assert_eq!(surface.as_rows().data(), b"xxx..def..ghi");
        assert_eq!(surface.row_pitch(), 5);
    }
}
