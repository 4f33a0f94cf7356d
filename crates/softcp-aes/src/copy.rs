//! Clear copies, and what a source and a destination have to agree on.

use core::iter;
use core::ops::Range;

use crate::kernel::Span;
use crate::row_iter::{RowIter, Run};
use crate::rows::{Rows, RowsMut, Shape};

/// Copies the visible bytes of `range` from `src` to `dst` as they are.
///
/// Padding is neither read nor written, nor are visible bytes outside `range`.
///
/// # Errors
///
/// Nothing is written when it fails:
///
/// - [`CopyError::ShapeMismatch`]: `src` and `dst` differ in rows, or in bytes per row.
/// - [`CopyError::RangeOutside`]: `range` does not lie within the surface.
pub fn copy(src: &Rows<'_>, dst: &mut RowsMut<'_>, range: Range<usize>) -> Result<(), CopyError> {
    check(src.shape(), dst.shape(), &range)?;
    for Span { data, .. } in RowIter::new(src, dst).spans(iter::once(Run { range, encrypted: false })) {
        let _ = data.into_out_with_copied_in();
    }
    Ok(())
}

/// Why a copy was refused before its first byte. The caller's mistake in each case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Source and destination differ in rows, or in bytes per row.
    #[error(
        "source of {src_rows} rows with {src_row_bytes} bytes cannot be copied to \
         {dst_rows} rows with {dst_row_bytes} bytes"
    )]
    ShapeMismatch {
        /// Visible bytes of a source row.
        src_row_bytes: usize,
        /// Rows of the source.
        src_rows: usize,
        /// Visible bytes of a destination row.
        dst_row_bytes: usize,
        /// Rows of the destination.
        dst_rows: usize,
    },
    /// The range ends before it starts, or goes past the last visible byte.
    #[error("bytes {start}..{end} do not lie within the {visible_bytes} visible bytes of the surface")]
    RangeOutside {
        /// Start of the range.
        start: usize,
        /// End of the range, not part of it.
        end: usize,
        /// Visible bytes of the surface.
        visible_bytes: usize,
    },
    /// Source and destination differ in the number of planes.
    #[error("source of {src_planes} planes cannot be copied to {dst_planes} planes")]
    PlanesMismatch {
        /// Planes of the source.
        src_planes: usize,
        /// Planes of the destination.
        dst_planes: usize,
    },
    /// Regions have to cover the planes exactly.
    #[error("regions cover {covered} bytes, the planes have {visible_bytes}")]
    RegionsMismatch {
        /// Clear and encrypted bytes of all regions.
        covered: u128,
        /// Visible bytes of all planes.
        visible_bytes: usize,
    },
    /// A pattern has encrypted and clear blocks. Regions whose blocks are all encrypted have no pattern.
    #[error("pattern of {encrypted} encrypted and {clear} clear blocks: neither can be 0")]
    BadPattern {
        /// Encrypted blocks of a period.
        encrypted: u32,
        /// Clear blocks of a period.
        clear: u32,
    },
}

/// Checks the shapes, and that `range` lies within them.
pub(crate) fn check(src: Shape, dst: Shape, range: &Range<usize>) -> Result<(), CopyError> {
    check_shapes(src, dst)?;
    let visible_bytes = src.visible_bytes();
    if range.start > range.end || range.end > visible_bytes {
        return Err(CopyError::RangeOutside { start: range.start, end: range.end, visible_bytes });
    }
    Ok(())
}

/// Checks that two planes are of one shape.
pub(crate) fn check_shapes(src: Shape, dst: Shape) -> Result<(), CopyError> {
    if (src.row_bytes, src.rows) != (dst.row_bytes, dst.rows) {
        return Err(CopyError::ShapeMismatch {
            src_row_bytes: src.row_bytes,
            src_rows: src.rows,
            dst_row_bytes: dst.row_bytes,
            dst_rows: dst.rows,
        });
    }
    Ok(())
}

#[cfg(test)]
// A setup that fails is a failed test.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const CANARY: u8 = 0xee;

    /// Copies `range` of three rows of three bytes from pitch `src_pitch` to pitch `dst_pitch`; returns the destination with
    /// its padding.
    fn copied(src_pitch: usize, dst_pitch: usize, range: Range<usize>) -> Vec<u8> {
        let mut src = vec![b'!'; src_pitch * 3];
        for (row, text) in src.chunks_mut(src_pitch).zip([b"abc", b"def", b"ghi"]) {
            row[..3].copy_from_slice(text);
        }
        let mut dst = vec![CANARY; dst_pitch * 3];
        let src = Rows::new(&src, src_pitch, 3, 3).unwrap();
        copy(&src, &mut RowsMut::new(&mut dst, dst_pitch, 3, 3).unwrap(), range).unwrap();
        dst
    }

    #[test]
    fn copy_of_everything_leaves_padding() {
        assert_eq!(copied(4, 5, 0..9), b"abc\xee\xeedef\xee\xeeghi\xee\xee");
        assert_eq!(copied(5, 4, 0..9), b"abc\xeedef\xeeghi\xee");
    }

    #[test]
    fn copy_between_packed_and_pitched() {
        assert_eq!(copied(3, 4, 0..9), b"abc\xeedef\xeeghi\xee");
        assert_eq!(copied(4, 3, 0..9), b"abcdefghi");
        assert_eq!(copied(3, 3, 0..9), b"abcdefghi");
    }

    #[test]
    fn copy_of_a_range_leaves_the_bytes_around_it() {
        assert_eq!(copied(4, 4, 2..7), b"\xee\xeec\xeedef\xeeg\xee\xee\xee");
        assert_eq!(copied(3, 3, 2..7), b"\xee\xeecdefg\xee\xee");
    }

    #[test]
    fn copy_of_an_empty_range_writes_nothing() {
        for at in [0, 4, 9] {
            assert_eq!(copied(4, 4, at..at), [CANARY; 12]);
            assert_eq!(copied(3, 3, at..at), [CANARY; 9]);
        }
    }

    #[test]
    fn copy_of_empty_surfaces_does_nothing() {
        for (row_bytes, rows) in [(0, 0), (0, 3), (3, 0)] {
            let src = Rows::new(&[], 0, row_bytes, rows).unwrap();
            let mut dst = [CANARY; 8];
            copy(&src, &mut RowsMut::new(&mut dst, 8, row_bytes, rows).unwrap(), 0..0).unwrap();
            assert_eq!(dst, [CANARY; 8]);
        }
    }

    #[test]
    fn copy_of_a_single_row_ignores_its_pitch() {
        for pitch in [0, 1, usize::MAX] {
            let mut dst = [CANARY; 4];
            let src = Rows::new(b"abc", pitch, 3, 1).unwrap();
            copy(&src, &mut RowsMut::new(&mut dst, 2, 3, 1).unwrap(), 1..3).unwrap();
            assert_eq!(&dst, b"\xeebc\xee");
        }
    }

    #[test]
    fn copy_to_another_shape_is_refused_and_writes_nothing() {
        let src = [1; 12];
        for (row_bytes, rows) in [(6, 1), (5, 2), (4, 3), (12, 1)] {
            let mut dst = [CANARY; 12];
            let error = copy(
                &Rows::new(&src, 6, 6, 2).unwrap(),
                &mut RowsMut::new(&mut dst, row_bytes, row_bytes, rows).unwrap(),
                0..1,
            )
            .unwrap_err();
            assert_eq!(
                error,
                CopyError::ShapeMismatch { src_row_bytes: 6, src_rows: 2, dst_row_bytes: row_bytes, dst_rows: rows }
            );
            assert_eq!(dst, [CANARY; 12]);
        }
    }

    #[test]
    // A backward range is one of the mistakes to be refused.
    #[allow(clippy::reversed_empty_ranges)]
    fn copy_of_a_range_outside_is_refused_and_writes_nothing() {
        let src = [1; 12];
        for range in [0..13, 13..13, 5..4, 12..usize::MAX, usize::MAX..0] {
            let mut dst = [CANARY; 12];
            let error =
                copy(&Rows::new(&src, 6, 6, 2).unwrap(), &mut RowsMut::new(&mut dst, 6, 6, 2).unwrap(), range.clone())
                    .unwrap_err();
            assert_eq!(error, CopyError::RangeOutside { start: range.start, end: range.end, visible_bytes: 12 });
            assert_eq!(dst, [CANARY; 12]);
        }
    }
}
