//! The keystream of one counter-mode run.

use core::fmt;
use core::iter;
use core::ops::Range;

use aes::cipher::inout::InOutBuf;
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;
use crate::copy::{CopyError, check};
use crate::kernel::{self, Position};
use crate::key::Key;
use crate::rows::{Rows, RowsMut};

/// The AES-128-CTR keystream of one key and one first counter block (NIST SP 800-38A section 6.5, with the counter of D5).
///
/// Each call takes as many bytes of keystream as it enciphers bytes, beginning where the call before it ended, also inside a
/// block (D6). A call that fails takes none. Keystream kept between two calls is overwritten on drop.
pub struct Keystream<'k> {
    key: &'k Key,
    position: Position,
}

impl<'k> Keystream<'k> {
    /// The keystream that begins with `counter_block`: 8 bytes of IV, then 8 bytes of Count, as they lie in memory (D5).
    #[must_use]
    pub fn new(key: &'k Key, counter_block: [u8; BLOCK]) -> Self {
        Self { key, position: Position::new(counter_block) }
    }

    /// Enciphers or deciphers the visible bytes of `range` from `src` to `dst`.
    ///
    /// Padding is neither read nor written, nor are visible bytes outside `range`.
    ///
    /// # Errors
    ///
    /// Nothing is written, and no keystream taken, when it fails:
    ///
    /// - [`CopyError::ShapeMismatch`]: `src` and `dst` differ in rows, or in bytes per row.
    /// - [`CopyError::RangeOutside`]: `range` does not lie within the surface.
    pub fn copy(&mut self, src: &Rows<'_>, dst: &mut RowsMut<'_>, range: Range<usize>) -> Result<(), CopyError> {
        check(src.shape(), dst.shape(), &range)?;
        let len = range.len();
        if src.shape().is_contiguous() && dst.shape().is_contiguous() {
            let piece = pair(&src.flat()[range.clone()], &mut dst.flat_mut()[range]);
            kernel::xor(self.key, &mut self.position, len, iter::once(piece));
        } else {
            let pieces = src.pieces(range.clone()).zip(dst.pieces_mut(range)).map(|(src, dst)| pair(src, dst));
            kernel::xor(self.key, &mut self.position, len, pieces);
        }
        Ok(())
    }

    /// Enciphers or deciphers the visible bytes of `range` where they are.
    ///
    /// # Errors
    ///
    /// [`CopyError::RangeOutside`] when `range` does not lie within the surface. Nothing is written then, and no keystream
    /// taken.
    pub fn in_place(&mut self, surface: &mut RowsMut<'_>, range: Range<usize>) -> Result<(), CopyError> {
        let shape = surface.shape();
        check(shape, shape, &range)?;
        if shape.is_contiguous() {
            self.apply_in_place(&mut surface.flat_mut()[range]);
        } else {
            let len = range.len();
            let pieces = surface.pieces_mut(range).map(InOutBuf::from);
            kernel::xor(self.key, &mut self.position, len, pieces);
        }
        Ok(())
    }

    /// Enciphers or deciphers a flat buffer from `src` to `dst`.
    ///
    /// # Errors
    ///
    /// [`CopyError::ShapeMismatch`] when they differ in length. Nothing is written then, and no keystream taken.
    pub fn apply(&mut self, src: &[u8], dst: &mut [u8]) -> Result<(), CopyError> {
        self.copy(&src.into(), &mut dst.into(), 0..src.len())
    }

    /// Enciphers or deciphers a flat buffer where it is.
    pub fn apply_in_place(&mut self, data: &mut [u8]) {
        let len = data.len();
        kernel::xor(self.key, &mut self.position, len, iter::once(data.into()));
    }

    /// Bytes of keystream taken since [`Keystream::new`].
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position.bytes()
    }
}

impl fmt::Debug for Keystream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystream").field("position", &self.position()).finish_non_exhaustive()
    }
}

impl Drop for Keystream<'_> {
    fn drop(&mut self) {
        self.position.wipe();
    }
}

impl ZeroizeOnDrop for Keystream<'_> {}

/// A piece of the source and the piece of the destination that it goes to.
fn pair<'i, 'o>(src: &'i [u8], dst: &'o mut [u8]) -> InOutBuf<'i, 'o, u8> {
    InOutBuf::new(src, dst).expect("surfaces of one shape have pieces of one length")
}
