//! AES-128 keys.

use core::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes::{Aes128Dec, Aes128Enc};
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;
use crate::kernel::Kernel;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use crate::kernel::x86::{Vaes256, Vaes512};
use crate::schedule::Schedule;

/// An expanded AES-128 key: the encryption schedule of FIPS 197, for one of the kernels.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct Key {
    schedule: Schedule<Aes128Enc>,
}

impl Key {
    /// Expands a 16-byte key for the fastest kernel that this processor has.
    ///
    /// The caller's copy of the bytes stays as it is: overwriting it is the caller's business.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK]) -> Self {
        Self { schedule: Schedule::new(bytes) }
    }

    /// Expands a 16-byte key for `kernel`, if this processor has it. For tests and measurements: [`Key::new`] chooses the
    /// fastest.
    #[must_use]
    pub fn with_kernel(bytes: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        Schedule::for_kernel(bytes, kernel).map(|schedule| Self { schedule })
    }

    /// The kernel that it is for.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.schedule.kernel()
    }

    /// Encrypts one block in place (AES-128, FIPS 197 section 5.1; one block of ECB mode).
    pub fn encrypt_block(&self, block: &mut [u8; BLOCK]) {
        match &self.schedule {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::Vaes512(Vaes512 { aes_ni }, keys)
            | Schedule::Vaes256(Vaes256 { aes_ni }, keys)
            | Schedule::AesNi(aes_ni, keys) => aes_ni.encrypt_block(keys, block),
            #[cfg(target_arch = "aarch64")]
            Schedule::Armv8(engine, keys) => engine.encrypt_block(keys, block),
            Schedule::Portable(schedule) => schedule.encrypt_block(block.into()),
        }
    }

    /// Decrypts one block in place (AES-128, FIPS 197 section 5.3; one block of ECB mode).
    ///
    /// The decryption schedule is derived at each call: only key unwrapping needs it, one block at a time.
    pub fn decrypt_block(&self, block: &mut [u8; BLOCK]) {
        match &self.schedule {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::Vaes512(Vaes512 { aes_ni }, keys)
            | Schedule::Vaes256(Vaes256 { aes_ni }, keys)
            | Schedule::AesNi(aes_ni, keys) => aes_ni.decrypt_block(keys, block),
            #[cfg(target_arch = "aarch64")]
            Schedule::Armv8(engine, keys) => engine.decrypt_block(keys, block),
            Schedule::Portable(schedule) => Aes128Dec::from(schedule).decrypt_block(block.into()),
        }
    }

    pub(crate) fn schedule(&self) -> &Schedule<Aes128Enc> {
        &self.schedule
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

// Every form of the schedule overwrites itself.
impl ZeroizeOnDrop for Key {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte_of_the_key() {
        assert_eq!(format!("{:?}", Key::new(&[0xab; BLOCK])), "Key { .. }");
    }

    #[test]
    fn new_takes_the_first_kernel_there_is() {
        assert_eq!(Some(Kernel::best()), Kernel::available().next());
        assert_eq!(Kernel::available().last(), Some(Kernel::Portable));
    }

    /// FIPS 197, appendix B.
    #[test]
    fn block_of_every_kernel_is_the_published_one() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let plain = 0x3243_f6a8_885a_308d_3131_98a2_e037_0734_u128.to_be_bytes();
        for kernel in Kernel::available() {
            let key = Key::with_kernel(&key, kernel).expect("it is available");
            let mut block = plain;
            key.encrypt_block(&mut block);
            assert_eq!(u128::from_be_bytes(block), 0x3925_841d_02dc_09fb_dc11_8597_196a_0b32, "{kernel}");
            key.decrypt_block(&mut block);
            assert_eq!(block, plain, "{kernel}");
        }
    }
}
