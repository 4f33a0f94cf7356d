//! Time, which faults on purpose go by: passed in, so that a test need not wait.

use std::time::{Duration, Instant};

/// A clock that never goes back.
pub trait Clock: Send + Sync {
    /// The time since some moment, the same one at every call.
    fn now(&self) -> Duration;
    /// Returns when `time` has passed.
    fn sleep(&self, time: Duration);
}

/// The system's clock.
#[derive(Debug)]
pub(super) struct SystemClock(Instant);

impl SystemClock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
