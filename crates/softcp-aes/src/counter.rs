//! The counter of D5.

use core::array;

use crate::BLOCK;

/// A counter block: 8 bytes of IV, then Count as a 64-bit big-endian number.
///
/// Count goes up by one per block and wraps without a carry into the IV (D5); the counter of ISO/IEC 23001-7 for 8-byte IVs
/// is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) iv: [u8; 8],
    pub(crate) count: u64,
}

impl Counter {
    /// The counter block whose 16 bytes lie in memory as `block`.
    pub(crate) fn new(block: [u8; BLOCK]) -> Self {
        let iv = array::from_fn(|i| block[i]);
        let count = array::from_fn(|i| block[8 + i]);
        Self { iv, count: u64::from_be_bytes(count) }
    }

    /// The counter block that comes `blocks` later.
    #[inline]
    pub(crate) fn plus(self, blocks: u64) -> Self {
        Self { iv: self.iv, count: self.count.wrapping_add(blocks) }
    }

    /// The bytes as they lie in memory.
    #[inline]
    pub(crate) fn block(self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&self.iv);
        block[8..].copy_from_slice(&self.count.to_be_bytes());
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_is_the_given_one() {
        let given = *b"0123456789abcdef";
        assert_eq!(Counter::new(given).block(), given);
    }

    #[test]
    fn count_goes_up_big_endian() {
        let first = Counter::new(*b"ivivivIV\0\0\0\0\0\0\0\xfe");
        assert_eq!(&first.plus(1).block(), b"ivivivIV\0\0\0\0\0\0\0\xff");
        assert_eq!(&first.plus(2).block(), b"ivivivIV\0\0\0\0\0\0\x01\0");
    }

    #[test]
    fn count_at_its_end_wraps_and_leaves_the_iv() {
        let last = Counter::new(*b"ivivivIV\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(&last.plus(1).block(), b"ivivivIV\0\0\0\0\0\0\0\0");
    }
}
