//! Where random numbers come from: always an argument, never a global.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use thiserror::Error;

/// A source of random bytes.
///
/// Session keys, content keys and first IVs are taken from it. The padding of the key exchange message is not: AWS-LC
/// draws that from its own generator.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `dest` with random bytes. On an error, the content of `dest` must not be used.
    fn fill(&self, dest: &mut [u8]) -> Result<(), RandomError>;
}

/// A random source had no bytes to give.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the random number source failed")]
pub struct RandomError;

/// The cryptographic generator of AWS-LC, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, dest: &mut [u8]) -> Result<(), RandomError> {
        aws_lc_rs::rand::fill(dest).map_err(|_| RandomError)
    }
}

/// Bytes chosen in advance, handed out in order: for tests only.
///
/// Nothing made with it is secret. A request for more bytes than are left fails and takes none, so a test also sees
/// how many random bytes an operation draws.
#[derive(Debug)]
pub struct FixedRandom {
    bytes: Vec<u8>,
    taken: AtomicUsize,
}

impl FixedRandom {
    /// A source that hands out exactly `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), taken: AtomicUsize::new(0) }
    }

    /// How many bytes have been handed out.
    #[must_use]
    pub fn bytes_taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Random for FixedRandom {
    fn fill(&self, dest: &mut [u8]) -> Result<(), RandomError> {
        let end_of = |start: usize| start.checked_add(dest.len()).filter(|&end| end <= self.bytes.len());
        let start = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end_of).map_err(|_| RandomError)?;
        dest.copy_from_slice(&self.bytes[start..start + dest.len()]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_random_hands_out_bytes_in_order() {
        let random = FixedRandom::new([1, 2, 3, 4, 5]);
        let (mut first, mut second) = ([0; 2], [0; 3]);
        random.fill(&mut first).unwrap();
        random.fill(&mut second).unwrap();
        assert_eq!((first, second), ([1, 2], [3, 4, 5]));
        assert_eq!(random.bytes_taken(), 5);
    }

    #[test]
    fn fixed_random_short_of_bytes_fails_and_takes_none() {
        let random = FixedRandom::new([1, 2, 3]);
        let mut dest = [0; 4];
        assert_eq!(random.fill(&mut dest), Err(RandomError));
        assert_eq!((dest, random.bytes_taken()), ([0; 4], 0));
        random.fill(&mut dest[..3]).unwrap();
        assert_eq!(dest, [1, 2, 3, 0]);
    }

    #[test]
    fn system_random_fills_the_whole_buffer_and_never_repeats() {
        let (mut first, mut second) = ([0; 64], [0; 64]);
        SystemRandom.fill(&mut first).unwrap();
        SystemRandom.fill(&mut second).unwrap();
        assert_ne!(first, second);
        // A run of 16 zeros in 64 random bytes has a chance below 2^-120: the buffer was filled to its end.
        assert!(!first.windows(16).any(|run| run == [0; 16]));
    }
}
