//! Random numbers without a system call and without a lock: each thread draws them in batches from the crypto library.

use std::cell::RefCell;
use std::sync::Arc;

use softcp::provider::{CryptoFailure, RandomBatch, SecureRandom};

use crate::fork;

thread_local! {
    /// What this thread has drawn in advance; overwritten when the thread ends.
    static BATCH: RefCell<RandomBatch> = const { RefCell::new(RandomBatch::new()) };
}

/// A source whose numbers are drawn in batches, one for each thread. Where a fork would not be noticed, and while a thread
/// ends, they come straight from the source.
///
/// There may be several, over one source: they share their threads' batches.
pub(crate) struct ThreadRandom(Arc<dyn SecureRandom>);

impl ThreadRandom {
    pub(crate) fn new(source: Arc<dyn SecureRandom>) -> Self {
        Self(source)
    }
}

impl SecureRandom for ThreadRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
        let Some(process) = fork::process() else { return self.0.fill(out) };
        let filled = BATCH.try_with(|batch| Some(batch.try_borrow_mut().ok()?.fill(out, process, &*self.0)));
        filled.ok().flatten().unwrap_or_else(|| self.0.fill(out))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use softcp::provider::Provider;

    use super::*;

    fn numbers(count: usize) -> Vec<[u8; 16]> {
        let random = ThreadRandom::new(Provider::aws_lc().random);
        let mut number = [0; 16];
        let mut draw = |_| {
            random.fill(&mut number).unwrap();
            number
        };
        (0..count).map(&mut draw).collect()
    }

    #[test]
    fn threads_never_hand_out_the_same_numbers() {
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| numbers(1000))).collect();
        let all: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 4000);
    }

    #[test]
    fn bytes_are_not_all_alike() {
        let numbers = numbers(1000);
        let zeros = numbers.iter().flatten().filter(|&&byte| byte == 0).count();
        // Of 16,000 bytes 62.5 are zero, with a standard deviation of 7.9.
        assert!((10..150).contains(&zeros), "{zeros} zero bytes");
    }
}
