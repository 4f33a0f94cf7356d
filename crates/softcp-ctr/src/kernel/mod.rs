//! Kernels: what turns counter blocks into keystream and XORs it onto the data.
//!
//! A kernel gets a key, a [`Position`] in the keystream, and the pieces of memory that the next bytes of keystream go to. It
//! leaves the position behind the last of them.

mod portable;

use aes::cipher::inout::InOutBuf;
use zeroize::Zeroize;

use crate::BLOCK;
use crate::counter::Counter;
use crate::key::Key;

/// XORs the next `len` bytes of keystream onto `pieces`, which hold `len` bytes together.
#[inline]
pub(crate) fn xor<'i, 'o>(
    key: &Key,
    position: &mut Position,
    len: usize,
    pieces: impl Iterator<Item = InOutBuf<'i, 'o, u8>>,
) {
    portable::xor(key, position, len, pieces);
}

/// A place in the keystream.
pub(crate) struct Position {
    /// The first block that no keystream was made from.
    counter: Counter,
    /// The last block of keystream that was made.
    block: [u8; BLOCK],
    /// How much of `block` is taken already; all of it when the position is at the end of a block.
    taken: usize,
    /// Bytes taken since the beginning.
    bytes: u64,
}

impl Position {
    /// The beginning of the keystream of `counter_block`.
    pub(crate) fn new(counter_block: [u8; BLOCK]) -> Self {
        Self { counter: Counter::new(counter_block), block: [0; BLOCK], taken: BLOCK, bytes: 0 }
    }

    /// Bytes taken since the beginning.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Overwrites the keystream that was kept. The position is of no use any more.
    pub(crate) fn wipe(&mut self) {
        // As a slice: `zeroize` overwrites an array byte by byte.
        self.block.as_mut_slice().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wipe_overwrites_the_kept_keystream() {
        let key = Key::new(&[1; BLOCK]);
        let mut position = Position::new([0; BLOCK]);
        let mut byte = [0];
        xor(&key, &mut position, 1, core::iter::once(byte.as_mut_slice().into()));
        assert_ne!(position.block, [0; BLOCK]);
        position.wipe();
        assert_eq!(position.block, [0; BLOCK]);
    }
}
