//! The protected-memory budget (D24). The engine counts bytes; the memory itself is the host's.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::faults::{Fault, Faults};

/// How much protected memory there is and how much of it is taken. May be used from any thread.
#[derive(Debug)]
pub struct ProtectedMemory {
    budget: Option<NonZeroU64>,
    taken: AtomicU64,
    faults: Arc<Faults>,
}

impl ProtectedMemory {
    /// A budget in bytes; 0 is unlimited.
    pub(crate) fn new(budget: u64, faults: Arc<Faults>) -> Self {
        Self { budget: NonZeroU64::new(budget), taken: AtomicU64::new(0), faults }
    }

    /// `ProtectedMemorySize` in bytes: the budget, or the largest number when unlimited; never 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.budget.map_or(u64::MAX, NonZeroU64::get)
    }

    /// Takes `bytes` for a protected resource; [`Error::ProtectedMemoryExhausted`] when they are not there.
    pub fn reserve(&self, bytes: u64) -> Result<()> {
        if bytes > 0 && self.faults.meets(Fault::ProtectedMemoryExhausted) {
            return Err(Error::ProtectedMemoryExhausted { requested: bytes, available: 0 });
        }
        let size = self.size();
        let take = |taken: u64| taken.checked_add(bytes).filter(|sum| *sum <= size);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .map(|_| ())
            .map_err(|taken| Error::ProtectedMemoryExhausted { requested: bytes, available: size - taken })
    }

    /// Gives `bytes` back when the resource goes. Bytes never taken are ignored.
    pub fn release(&self, bytes: u64) {
        let give = |taken: u64| Some(taken.saturating_sub(bytes));
        // The closure always answers, so the update cannot fail.
        let _ = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::fixed::FixedClock;

    fn memory(budget: u64) -> ProtectedMemory {
        let faults = Faults::new(&crate::faults::FaultConfig::default(), Arc::new(FixedClock::default()), None);
        ProtectedMemory::new(budget, Arc::new(faults.unwrap()))
    }

    #[test]
    fn reserve_past_the_budget_says_what_is_left() {
        let memory = memory(100);
        memory.reserve(60).unwrap();
        let error = memory.reserve(41).unwrap_err();
        assert!(matches!(error, Error::ProtectedMemoryExhausted { requested: 41, available: 40 }));
        memory.reserve(40).unwrap();
        memory.release(60);
        memory.reserve(60).unwrap();
    }

    #[test]
    fn zero_is_unlimited_and_reported_as_the_largest_number() {
        let memory = memory(0);
        assert_eq!(memory.size(), u64::MAX);
        memory.reserve(1 << 60).unwrap();
    }
}
