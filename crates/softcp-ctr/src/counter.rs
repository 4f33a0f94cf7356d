//! The counter of D5.

use core::array;

use aes::Block;

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
        let iv = array::from_fn(|i| block[i]);
        let count = array::from_fn(|i| block[8 + i]);
        Self { iv, count: u64::from_be_bytes(count) }
    }

    /// Writes the next `blocks.len()` counter blocks and goes on behind them.
    // Inlined into code for a certain processor, where it becomes vector instructions.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(crate) fn fill(&mut self, blocks: &mut [Block]) {
        let Self { iv, count } = *self;
        let mut next = count;
        for block in blocks {
            block[..8].copy_from_slice(&iv);
            block[8..].copy_from_slice(&next.to_be_bytes());
            next = next.wrapping_add(1);
        }
        self.count = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks<const N: usize>(first: [u8; BLOCK]) -> [[u8; BLOCK]; N] {
        let mut counter = Counter::new(first);
        array::from_fn(|_| {
            let mut block = [Block::default()];
            counter.fill(&mut block);
            block[0].into()
        })
    }

    #[test]
    fn first_block_is_the_given_one() {
        let given = *b"0123456789abcdef";
        assert_eq!(blocks::<1>(given), [given]);
    }

    #[test]
    fn count_goes_up_big_endian() {
        let [_, second, third] = blocks(*b"ivivivIV\0\0\0\0\0\0\0\xfe");
        assert_eq!(&second, b"ivivivIV\0\0\0\0\0\0\0\xff");
        assert_eq!(&third, b"ivivivIV\0\0\0\0\0\0\x01\0");
    }

    #[test]
    fn count_at_its_end_wraps_and_leaves_the_iv() {
        let [_, second] = blocks(*b"ivivivIV\xff\xff\xff\xff\xff\xff\xff\xff");
        assert_eq!(&second, b"ivivivIV\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn fill_of_many_equals_many_fills() {
        let first = *b"ivivivIV\xff\xff\xff\xff\xff\xff\xff\xfd";
        let mut many = [Block::default(); 5];
        Counter::new(first).fill(&mut many);
        assert_eq!(many.map(<[u8; BLOCK]>::from), blocks(first));
    }
}
