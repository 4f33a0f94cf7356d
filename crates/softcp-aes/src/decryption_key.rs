//! AES-128 keys for decryption.

use core::fmt;

use aes::Aes128Dec;
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;
use crate::kernel::{self, Kernel};
use crate::schedule::Schedule;

/// An AES-128 key expanded for decryption: the schedule of the equivalent inverse cipher (FIPS 197 section 5.3.5), for one of
/// the kernels.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct DecryptionKey {
    schedule: Schedule<Aes128Dec>,
}

impl DecryptionKey {
    /// Expands a 16-byte key for the fastest kernel that this processor has.
    ///
    /// The caller's copy of the bytes stays as it is: overwriting it is the caller's business.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK]) -> Self {
        Self { schedule: Schedule::new(bytes) }
    }

    /// Expands a 16-byte key for `kernel`, if this processor has it. For tests and measurements: [`DecryptionKey::new`]
    /// chooses the fastest.
    #[must_use]
    pub fn with_kernel(bytes: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        Schedule::for_kernel(bytes, kernel).map(|schedule| Self { schedule })
    }

    /// The kernel that it is for.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.schedule.kernel()
    }

    /// Takes blocks through the ten rounds in registers alone, as many as `blocks` or a few more, and returns what comes out
    /// of the last. For measurements: nothing that decrypts as many blocks can be faster.
    #[must_use]
    pub fn rounds_alone(&self, blocks: usize) -> [u8; BLOCK] {
        kernel::rounds_alone(self, blocks)
    }

    pub(crate) fn schedule(&self) -> &Schedule<Aes128Dec> {
        &self.schedule
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey").finish_non_exhaustive()
    }
}

// Every form of the schedule overwrites itself.
impl ZeroizeOnDrop for DecryptionKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte_of_the_key() {
        assert_eq!(format!("{:?}", DecryptionKey::new(&[0xab; BLOCK])), "DecryptionKey { .. }");
    }

    #[test]
    fn keys_for_decryption_have_the_kernels_of_other_keys() {
        assert_eq!(DecryptionKey::new(&[0; BLOCK]).kernel(), Kernel::best());
        for kernel in Kernel::ALL {
            let key = DecryptionKey::with_kernel(&[0; BLOCK], kernel);
            let is_available = Kernel::available().any(|available| available == kernel);
            assert_eq!(key.map(|key| key.kernel()), is_available.then_some(kernel));
        }
    }
}
