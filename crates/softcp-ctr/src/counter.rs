//! The counter of D5.

use crate::BLOCK;

/// The next counter block: 8 bytes of IV, then Count as a 64-bit big-endian number.
///
/// Count goes up by one per block and wraps without a carry into the IV (D5); the counter of ISO/IEC 23001-7 for 8-byte IVs
/// is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter {
    iv: [u8; 8],
    count: u64,
}

impl Counter {
    /// A counter whose first block is `block`, as the 16 bytes lie in memory.
    pub(crate) fn new(block: [u8; BLOCK]) -> Self {
        let [a, b, c, d, e, f, g, h, count @ ..] = block;
        Self { iv: [a, b, c, d, e, f, g, h], count: u64::from_be_bytes(count) }
    }

    /// Hands out the current block and goes on to the next.
    #[inline]
    pub(crate) fn next_block(&mut self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&self.iv);
        block[8..].copy_from_slice(&self.count.to_be_bytes());
        self.count = self.count.wrapping_add(1);
        block
    }
}
