//! How many protected resources other processes can open without a channel's permission. The resources are the host's;
//! the engine counts them for `UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Device;

/// A count that stops at its ends.
#[derive(Debug, Default)]
pub(super) struct UnrestrictedShares(AtomicU32);

impl UnrestrictedShares {
    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn update(&self, change: impl Fn(u32) -> u32) {
        // The closure always answers, so the update cannot fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| Some(change(count)));
    }
}

impl Device {
    /// The host has made a protected resource that is shared without restriction.
    pub fn add_unrestricted_share(&self) {
        self.shares.update(|count| count.saturating_add(1));
    }

    /// The host has destroyed one. More than were added are ignored.
    pub fn remove_unrestricted_share(&self) {
        self.shares.update(|count| count.saturating_sub(1));
    }
}
