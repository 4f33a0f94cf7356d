//! AES-128 keys for decryption.

use core::fmt;

use aes::Aes128Dec;
use aes::cipher::KeyInit;
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;
use crate::kernel::Kernel;

/// An AES-128 key expanded for decryption: the schedule of the equivalent inverse cipher (FIPS 197 section 5.3.5), for one of
/// the kernels.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct DecryptionKey {
    schedule: DecryptionSchedule,
}

/// A schedule in the form that its kernel takes.
#[derive(Clone)]
pub(crate) enum DecryptionSchedule {
    // It overwrites itself when it is dropped: the `zeroize` feature of `aes`.
    Portable(Aes128Dec),
}

impl DecryptionKey {
    /// Expands a 16-byte key for the fastest kernel that this processor has.
    ///
    /// The caller's copy of the bytes stays as it is: overwriting it is the caller's business.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK]) -> Self {
        let all = Kernel::ALL.into_iter().find_map(|kernel| Self::with_kernel(bytes, kernel));
        all.expect("every processor has the portable kernel")
    }

    /// Expands a 16-byte key for `kernel`, if this processor has it. For tests and measurements: [`DecryptionKey::new`]
    /// chooses the fastest.
    #[must_use]
    pub fn with_kernel(bytes: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        let schedule = match kernel {
            Kernel::Portable => DecryptionSchedule::Portable(Aes128Dec::new(bytes.into())),
            _ => return None,
        };
        Some(Self { schedule })
    }

    /// The kernel that it is for.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        match self.schedule {
            DecryptionSchedule::Portable(_) => Kernel::Portable,
        }
    }

    pub(crate) fn schedule(&self) -> &DecryptionSchedule {
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
