//! Whether a device is gone: its host has said so (D41), or an injected fault has removed it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::faults::{Fault, Faults};

/// Whether a device is gone. It never comes back.
#[derive(Debug, Default)]
pub(crate) struct Removal(AtomicBool);

impl Removal {
    /// [`Error::DeviceRemoved`] on a removed device.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::DeviceRemoved) } else { Ok(()) }
    }

    /// Removes the device: every call that begins from now on fails.
    pub(crate) fn remove(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// As [`Self::check`], at a call that counts for the fault: the call that meets it removes the device.
    pub(crate) fn check_call(&self, faults: &Faults) -> Result<()> {
        self.check()?;
        if faults.meets(Fault::DeviceRemoved) {
            self.remove();
        }
        self.check()
    }
}
