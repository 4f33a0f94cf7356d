//! A surface in parts that can be encrypted at the same time.

use crate::rows::{Rows, RowsMut};

/// Visible bytes of a part, about: long enough that taking one costs nothing, short enough that all end together.
pub(crate) const PART_BYTES: usize = 128 << 10;

/// What is left of a source and a destination of one shape, or of one surface.
pub(crate) struct Parts<'a> {
    source: Option<&'a [u8]>,
    destination: &'a mut [u8],
    source_pitch: usize,
    pitch: usize,
    row_bytes: usize,
    rows: usize,
    /// Visible bytes before what is left.
    at: usize,
}

/// Some of the rows, or of a row's bytes.
pub(crate) struct Part<'a> {
    pub(crate) source: Option<Rows<'a>>,
    pub(crate) destination: RowsMut<'a>,
    /// Visible bytes before it.
    pub(crate) at: usize,
}

impl<'a> Parts<'a> {
    /// Of surfaces that have been checked to be of one shape.
    pub(crate) fn new(source: Option<&Rows<'a>>, destination: &'a mut RowsMut<'_>) -> Self {
        let shape = destination.shape();
        let is_flat = shape.is_contiguous() && source.is_none_or(|source| source.shape().is_contiguous());
        // Without padding a surface is one long row.
        let (row_bytes, rows) = if is_flat { (shape.visible_bytes(), 1) } else { (shape.row_bytes, shape.rows) };
        Self {
            source: source.map(Rows::data),
            source_pitch: source.map_or(0, Rows::row_pitch),
            destination: destination.data_mut(),
            pitch: shape.row_pitch,
            row_bytes,
            rows,
            at: 0,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let Self { source, destination, source_pitch, pitch, row_bytes, rows, at } = self;
        if *rows == 0 || *row_bytes == 0 {
            return None;
        }
        let is_row = *rows == 1;
        let (taken_rows, taken_bytes) = if is_row {
            (1, PART_BYTES.min(*row_bytes))
        } else {
            ((PART_BYTES / *row_bytes).clamp(1, *rows), *row_bytes)
        };
        // Behind the last row there is no padding.
        let cut = |len: usize, pitch: usize| if is_row { taken_bytes } else { len.min(taken_rows * pitch) };
        let fits = "a part of a surface holds its rows";
        let source = source.as_mut().map(|source| {
            let (part, rest) = source.split_at(cut(source.len(), *source_pitch));
            *source = rest;
            Rows::new(part, *source_pitch, taken_bytes, taken_rows).expect(fits)
        });
        let len = destination.len();
        let (part, rest) = core::mem::take(destination).split_at_mut(cut(len, *pitch));
        *destination = rest;
        let part =
            Part { source, destination: RowsMut::new(part, *pitch, taken_bytes, taken_rows).expect(fits), at: *at };
        *at += taken_rows * taken_bytes;
        if is_row {
            *row_bytes -= taken_bytes;
        } else {
            *rows -= taken_rows;
        }
        Some(part)
    }
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Numbers the visible bytes of each part, and says what the memory holds then: each visible byte the low byte of its
    /// number.
    fn numbered(pitch: usize, row_bytes: usize, rows: usize, with_source: bool) -> (Vec<u8>, usize) {
        let source = vec![0; row_bytes * rows];
        let source = Rows::new(&source, row_bytes, row_bytes, rows).unwrap();
        let mut memory = vec![0xEE; pitch * rows];
        let mut surface = RowsMut::new(&mut memory, pitch, row_bytes, rows).unwrap();
        let mut parts = 0;
        for mut part in Parts::new(with_source.then_some(&source), &mut surface) {
            assert_eq!(part.source.is_some(), with_source);
            assert!(part.source.is_none_or(|source| source.visible_bytes() == part.destination.visible_bytes()));
            let shape = part.destination.shape();
            let mut number = part.at;
            let pitch = if shape.rows == 1 { shape.row_bytes } else { shape.row_pitch };
            for row in part.destination.data_mut().chunks_mut(pitch) {
                for byte in &mut row[..shape.row_bytes] {
                    *byte = number.to_le_bytes()[0];
                    number += 1;
                }
            }
            parts += 1;
        }
        (memory, parts)
    }

    #[test]
    #[cfg_attr(miri, ignore = "large surfaces take Miri hours, and no unsafe code is in this")]
    fn parts_are_the_surface_once() {
        for (pitch, row_bytes, rows) in
            [(1, 1, 1), (100, 100, 4000), (128, 100, 4000), (3, 1, 5), (200_000, 199_999, 3)]
        {
            for with_source in [false, true] {
                let (memory, parts) = numbered(pitch, row_bytes, rows, with_source);
                let expected = memory.chunks(pitch).enumerate().all(|(row, bytes)| {
                    let visible = bytes[..row_bytes].iter().zip(row * row_bytes..);
                    visible.into_iter().all(|(byte, number)| *byte == number.to_le_bytes()[0])
                        && bytes[row_bytes..].iter().all(|padding| *padding == 0xEE)
                });
                assert!(expected, "{pitch} {row_bytes} {rows}");
                assert!(parts >= (row_bytes * rows).div_ceil(2 * PART_BYTES));
            }
        }
    }

    #[test]
    fn empty_surfaces_have_no_parts() {
        assert_eq!(numbered(5, 0, 3, true).1, 0);
        assert_eq!(numbered(5, 3, 0, false).1, 0);
    }
}
