//! Clear copies, and what a source and a destination have to agree on.

use core::ops::Range;

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
    let whole = src.shape().is_contiguous() && dst.shape().is_contiguous();
    let sources = src.pieces(src.shape().span(&range, whole));
    let destinations = dst.pieces_mut(dst.shape().span(&range, whole));
    for (src, dst) in sources.zip(destinations) {
        dst.copy_from_slice(src);
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
}

/// Checks what [`CopyError`] reports.
pub(crate) fn check(src: Shape, dst: Shape, range: &Range<usize>) -> Result<(), CopyError> {
    if (src.row_bytes, src.rows) != (dst.row_bytes, dst.rows) {
        return Err(CopyError::ShapeMismatch {
            src_row_bytes: src.row_bytes,
            src_rows: src.rows,
            dst_row_bytes: dst.row_bytes,
            dst_rows: dst.rows,
        });
    }
    let visible_bytes = src.visible_bytes();
    if range.start > range.end || range.end > visible_bytes {
        return Err(CopyError::RangeOutside { start: range.start, end: range.end, visible_bytes });
    }
    Ok(())
}
