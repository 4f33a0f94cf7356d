//! Random numbers in batches, for sources that take as long for one number as for many.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{CryptoFailure, SecureRandom};

/// Bytes of a batch: 128 refresh numbers.
const BATCH: usize = 2048;

/// Random bytes drawn from a source in advance, and handed out piece by piece, each once. What has been handed out is
/// overwritten at once, what is left when dropped.
///
/// `owner` stands for the process that drew them: bytes that another owner asks for are drawn anew, so that a process
/// and its fork never hand out the same ones. Whoever keeps a batch has to know an owner that changes with a fork.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RandomBatch {
    bytes: [u8; BATCH],
    /// Bytes at the end that have not been handed out.
    left: usize,
    owner: u64,
}

impl RandomBatch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; BATCH], left: 0, owner: 0 }
    }

    /// As [`SecureRandom::fill`] of `source`, from bytes that were drawn from it in advance for this `owner`.
    pub fn fill(&mut self, out: &mut [u8], owner: u64, source: &dyn SecureRandom) -> Result<(), CryptoFailure> {
        if out.len() > BATCH {
            return source.fill(out);
        }
        if self.left < out.len() || self.owner != owner {
            self.left = 0;
            source.fill(&mut self.bytes)?;
            (self.left, self.owner) = (BATCH, owner);
        }
        let start = BATCH - self.left;
        let piece = &mut self.bytes[start..start + out.len()];
        out.copy_from_slice(piece);
        // Not taken away by the compiler, since the batch may be looked at later. Byte by byte it would take longer.
        piece.fill(0);
        self.left -= out.len();
        Ok(())
    }
}

impl Default for RandomBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for RandomBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RandomBatch").field("left", &self.left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Counts 1 to 255 and again; none of its bytes is 0. Fails while it is told to.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl SecureRandom for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
            let mut last = self.0.load(Ordering::Relaxed);
            for byte in out {
                last = last.checked_add(1).unwrap_or(1);
                *byte = last;
            }
            self.0.store(last, Ordering::Relaxed);
            Ok(())
        }
    }

    struct Failing;

    impl SecureRandom for Failing {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
            out.fill(0xEE);
            Err(CryptoFailure)
        }
    }

    fn draw<const N: usize>(batch: &mut RandomBatch, owner: u64, source: &dyn SecureRandom) -> [u8; N] {
        let mut out = [0; N];
        batch.fill(&mut out, owner, source).unwrap();
        out
    }

    #[test]
    fn pieces_are_the_sources_bytes_in_order_and_each_once() {
        let (mut batch, source, direct) = (RandomBatch::new(), Counting::default(), Counting::default());
        for _ in 0..3 * BATCH / 16 {
            let mut expected = [0; 16];
            direct.fill(&mut expected).unwrap();
            assert_eq!(draw::<16>(&mut batch, 1, &source), expected);
        }
    }

    #[test]
    fn what_was_handed_out_is_overwritten_and_the_rest_is_not() {
        let (mut batch, source) = (RandomBatch::new(), Counting::default());
        draw::<100>(&mut batch, 1, &source);
        assert!(batch.bytes[..100].iter().all(|&byte| byte == 0) && batch.bytes[100..].iter().all(|&byte| byte != 0));
    }

    #[test]
    fn a_piece_that_is_not_left_whole_begins_a_new_batch() {
        let (mut batch, source) = (RandomBatch::new(), Counting::default());
        draw::<{ BATCH - 1 }>(&mut batch, 1, &source);
        let mut expected = source.0.load(Ordering::Relaxed);
        expected = expected.checked_add(1).unwrap_or(1);
        assert_eq!(draw::<2>(&mut batch, 1, &source)[0], expected);
    }

    #[test]
    fn more_than_a_batch_comes_straight_from_the_source() {
        let (mut batch, source, direct) = (RandomBatch::new(), Counting::default(), Counting::default());
        let mut expected = [0; BATCH + 1];
        direct.fill(&mut expected).unwrap();
        assert_eq!(draw::<{ BATCH + 1 }>(&mut batch, 1, &source), expected);
        assert_eq!(batch.left, 0);
    }

    #[test]
    fn another_owner_gets_none_of_the_first_ones_bytes() {
        let (mut batch, source) = (RandomBatch::new(), Counting::default());
        draw::<16>(&mut batch, 1, &source);
        let mut expected = source.0.load(Ordering::Relaxed);
        expected = expected.checked_add(1).unwrap_or(1);
        assert_eq!(draw::<16>(&mut batch, 2, &source)[0], expected, "a byte of the batch drawn before");
    }

    #[test]
    fn failure_of_the_source_hands_nothing_out_and_keeps_nothing() {
        let mut batch = RandomBatch::new();
        let mut out = [7; 16];
        assert_eq!(batch.fill(&mut out, 1, &Failing), Err(CryptoFailure));
        assert_eq!((out, batch.left), ([7; 16], 0));
        let source = Counting::default();
        draw::<16>(&mut batch, 1, &source);
        assert_eq!(batch.fill(&mut out, 2, &Failing), Err(CryptoFailure), "the first owner's bytes");
        assert_eq!(batch.fill(&mut out, 1, &Failing), Err(CryptoFailure), "bytes of a failed source");
    }

    #[test]
    fn debug_shows_no_byte() {
        let (mut batch, source) = (RandomBatch::new(), Counting::default());
        draw::<48>(&mut batch, 1, &source);
        assert_eq!(format!("{batch:?}"), "RandomBatch { left: 2000, .. }");
    }
}
