//! Random numbers that are the same in every run: for known-answer tests, never for keys that matter.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CryptoFailure, SecureRandom};

/// Hands out the bytes it was made with, in order, and starts again at the end.
#[derive(Debug)]
pub struct FixedRandom {
    bytes: Vec<u8>,
    next: AtomicUsize,
}

impl FixedRandom {
    /// Repeats `bytes` forever. An empty list makes every call fail, which tests what callers do then.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), next: AtomicUsize::new(0) }
    }
}

impl SecureRandom for FixedRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
        if self.bytes.is_empty() {
            return Err(CryptoFailure);
        }
        let start = self.next.fetch_add(out.len(), Ordering::Relaxed);
        for (offset, byte) in out.iter_mut().enumerate() {
            *byte = self.bytes[(start + offset) % self.bytes.len()];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_order_and_repeat() {
        let random = FixedRandom::new([1, 2, 3]);
        let (mut first, mut second) = ([0; 2], [0; 2]);
        random.fill(&mut first).unwrap();
        random.fill(&mut second).unwrap();
        assert_eq!((first, second), ([1, 2], [3, 1]));
    }

    #[test]
    fn empty_list_fails() {
        assert_eq!(FixedRandom::new([]).fill(&mut [0]), Err(CryptoFailure));
    }
}
