//! AES-128 keys for decryption.

use core::fmt;

use aes::Aes128Dec;
use aes::cipher::KeyInit;
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;
#[cfg(target_arch = "aarch64")]
use crate::kernel::armv8::Armv8;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use crate::kernel::x86::{AesNi, Vaes256, Vaes512};
use crate::kernel::{self, Kernel};
#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
use crate::key::RoundKeys;

/// An AES-128 key expanded for decryption: the schedule of the equivalent inverse cipher (FIPS 197 section 5.3.5), for one of
/// the kernels.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct DecryptionKey {
    schedule: DecryptionSchedule,
}

/// A schedule in the form that its kernel takes, and what proves that the processor has the kernel.
#[derive(Clone)]
pub(crate) enum DecryptionSchedule {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes512(Vaes512, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes256(Vaes256, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    AesNi(AesNi, RoundKeys),
    #[cfg(target_arch = "aarch64")]
    Armv8(Armv8, RoundKeys),
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
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(vaes512) = Vaes512::new() {
            return Self { schedule: DecryptionSchedule::Vaes512(vaes512, vaes512.aes_ni.expand_inverse(bytes)) };
        }
        let others = Kernel::ALL.into_iter().find_map(|kernel| Self::with_kernel(bytes, kernel));
        others.expect("every processor has the portable kernel")
    }

    /// Expands a 16-byte key for `kernel`, if this processor has it. For tests and measurements: [`DecryptionKey::new`]
    /// chooses the fastest.
    #[must_use]
    pub fn with_kernel(bytes: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        let schedule =
            match kernel {
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                Kernel::Vaes512 => Vaes512::new()
                    .map(|engine| DecryptionSchedule::Vaes512(engine, engine.aes_ni.expand_inverse(bytes)))?,
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                Kernel::Vaes256 => Vaes256::new()
                    .map(|engine| DecryptionSchedule::Vaes256(engine, engine.aes_ni.expand_inverse(bytes)))?,
                #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
                Kernel::AesNi => {
                    AesNi::new().map(|engine| DecryptionSchedule::AesNi(engine, engine.expand_inverse(bytes)))?
                }
                #[cfg(target_arch = "aarch64")]
                Kernel::Armv8 => {
                    Armv8::new().map(|engine| DecryptionSchedule::Armv8(engine, engine.expand_inverse(bytes)))?
                }
                Kernel::Portable => DecryptionSchedule::Portable(Aes128Dec::new(bytes.into())),
                #[allow(unreachable_patterns, reason = "kernels of other processors")]
                _ => return None,
            };
        Some(Self { schedule })
    }

    /// The kernel that it is for.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        match self.schedule {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            DecryptionSchedule::Vaes512(..) => Kernel::Vaes512,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            DecryptionSchedule::Vaes256(..) => Kernel::Vaes256,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            DecryptionSchedule::AesNi(..) => Kernel::AesNi,
            #[cfg(target_arch = "aarch64")]
            DecryptionSchedule::Armv8(..) => Kernel::Armv8,
            DecryptionSchedule::Portable(_) => Kernel::Portable,
        }
    }

    /// Takes blocks through the ten rounds in registers alone, as many as `blocks` or a few more, and returns what comes out
    /// of the last. For measurements: nothing that decrypts as many blocks can be faster.
    #[must_use]
    pub fn rounds_alone(&self, blocks: usize) -> [u8; BLOCK] {
        kernel::rounds_alone(self, blocks)
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

    #[test]
    fn schedules_overwrite_themselves_on_drop() {
        fn overwrites_itself<T: ZeroizeOnDrop>() {}
        // Does not compile when the `zeroize` feature of `aes` is off.
        overwrites_itself::<Aes128Dec>();
    }
}
