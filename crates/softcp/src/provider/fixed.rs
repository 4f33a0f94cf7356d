//! Random numbers and a clock that are the same in every run: for tests, never for keys that matter.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Clock, CryptoFailure, SecureRandom};

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

/// A clock that stands until somebody moves it. It begins at zero; to sleep moves it.
#[derive(Debug, Default)]
pub struct FixedClock {
    nanoseconds: AtomicU64,
}

impl FixedClock {
    /// Moves the clock on. It counts up to 584 years.
    pub fn advance(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
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
