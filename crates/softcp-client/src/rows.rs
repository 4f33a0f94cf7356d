//! Surfaces: rows of visible bytes at a pitch.

use thiserror::Error;

/// A surface in memory, as a mapped staging texture shows it.
///
/// Only the first `row_bytes` of each row belong to the picture. The padding up to the pitch is neither enciphered
/// nor deciphered (D9). The rows of an NV12 surface are those of both its planes, one below the other: one and a half
/// times its height.
#[derive(Debug)]
pub struct RowsMut<'a> {
    data: &'a mut [u8],
    row_pitch: usize,
    row_bytes: usize,
    rows: usize,
}

impl<'a> RowsMut<'a> {
    /// Describes `rows` rows of `row_bytes` bytes each; a row starts `row_pitch` bytes after the one before.
    ///
    /// `data` may end with the visible bytes of the last row, without its padding; what follows is ignored.
    ///
    /// # Errors
    ///
    /// [`RowsError`] when rows overlap, or `data` is too short for them.
    pub fn new(data: &'a mut [u8], row_pitch: usize, row_bytes: usize, rows: usize) -> Result<Self, RowsError> {
        if row_bytes > row_pitch {
            return Err(RowsError::RowLongerThanPitch { row_bytes, row_pitch });
        }
        let needed = match rows {
            0 => Some(0),
            _ => row_pitch.checked_mul(rows - 1).and_then(|start| start.checked_add(row_bytes)),
        };
        if needed.is_none_or(|needed| needed > data.len()) {
            return Err(RowsError::TooShort { row_pitch, row_bytes, rows, len: data.len() });
        }
        Ok(Self { data, row_pitch, row_bytes, rows })
    }

    /// The visible bytes, row after row, without padding.
    #[must_use]
    pub fn to_packed(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.row_bytes * self.rows);
        for row in self.data.chunks(self.row_pitch.max(1)).take(self.rows) {
            packed.extend_from_slice(&row[..self.row_bytes]);
        }
        packed
    }

    /// The visible bytes of each row.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let row_bytes = self.row_bytes;
        self.data.chunks_mut(self.row_pitch.max(1)).take(self.rows).map(move |row| &mut row[..row_bytes])
    }
}

/// Why a description of a surface is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RowsError {
    /// Rows would overlap.
    #[error("a row of {row_bytes} bytes does not fit a pitch of {row_pitch} bytes")]
    RowLongerThanPitch {
        /// Visible bytes in a row.
        row_bytes: usize,
        /// Distance from row to row.
        row_pitch: usize,
    },
    /// The memory ends before the last row does.
    #[error("{len} bytes are too few for {rows} rows of {row_bytes} bytes at a pitch of {row_pitch} bytes")]
    TooShort {
        /// Distance from row to row.
        row_pitch: usize,
        /// Visible bytes in a row.
        row_bytes: usize,
        /// Number of rows.
        rows: usize,
        /// Bytes given.
        len: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(data: &mut [u8], row_pitch: usize, row_bytes: usize, rows: usize) -> Vec<Vec<u8>> {
        RowsMut::new(data, row_pitch, row_bytes, rows).unwrap().iter_mut().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn rows_at_a_pitch_exclude_padding() {
        let mut data: Vec<u8> = (0..11).collect();
        assert_eq!(collected(&mut data, 4, 3, 3), [[0, 1, 2], [4, 5, 6], [8, 9, 10]]);
        assert_eq!(RowsMut::new(&mut data, 4, 3, 3).unwrap().to_packed(), [0, 1, 2, 4, 5, 6, 8, 9, 10]);
    }

    #[test]
    fn bytes_after_the_last_row_are_ignored() {
        let mut data: Vec<u8> = (0..100).collect();
        assert_eq!(collected(&mut data, 4, 2, 2), [[0, 1], [4, 5]]);
    }

    #[test]
    fn surface_without_visible_bytes_is_empty() {
        assert!(RowsMut::new(&mut [], 0, 0, 5).unwrap().to_packed().is_empty());
        assert!(RowsMut::new(&mut [], 8, 8, 0).unwrap().to_packed().is_empty());
        assert_eq!(collected(&mut [], 8, 8, 0), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn row_longer_than_pitch_is_refused() {
        assert_eq!(
            RowsMut::new(&mut [0; 64], 8, 9, 2).unwrap_err(),
            RowsError::RowLongerThanPitch { row_bytes: 9, row_pitch: 8 }
        );
    }

    #[test]
    fn data_one_byte_short_is_refused() {
        let too_short = RowsError::TooShort { row_pitch: 4, row_bytes: 3, rows: 3, len: 10 };
        assert_eq!(RowsMut::new(&mut [0; 10], 4, 3, 3).unwrap_err(), too_short);
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        for (row_pitch, rows) in [(usize::MAX, usize::MAX), (usize::MAX, 2), (1 << (usize::BITS - 4), 1 << 5)] {
            let refused = RowsMut::new(&mut [0; 8], row_pitch, 8, rows).unwrap_err();
            assert_eq!(refused, RowsError::TooShort { row_pitch, row_bytes: 8, rows, len: 8 });
        }
    }
}
