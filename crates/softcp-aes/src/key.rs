//! AES-128 keys.

use core::array;
use core::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use zeroize::{ZeroizeOnDrop, optimization_barrier};

use crate::BLOCK;
use crate::kernel::Kernel;
#[cfg(target_arch = "aarch64")]
use crate::kernel::armv8::Armv8;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use crate::kernel::x86::{AesNi, Vaes256, Vaes512};

/// An expanded AES-128 key: the encryption schedule of FIPS 197, for one of the kernels.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct Key {
    schedule: Schedule,
}

/// A key schedule, in the form that its kernel takes, and what proves that the processor has the kernel.
#[derive(Clone)]
pub(crate) enum Schedule {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes512(Vaes512, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes256(Vaes256, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    AesNi(AesNi, RoundKeys),
    #[cfg(target_arch = "aarch64")]
    Armv8(Armv8, RoundKeys),
    // It overwrites itself when it is dropped: the `zeroize` feature of `aes`.
    Portable(Aes128Enc),
}

/// The eleven round keys.
#[derive(Clone)]
#[repr(align(16))]
pub(crate) struct RoundKeys([[u8; BLOCK]; 11]);

impl RoundKeys {
    #[inline]
    pub(crate) fn new(blocks: [[u8; BLOCK]; 11]) -> Self {
        Self(blocks)
    }

    #[inline]
    pub(crate) fn blocks(&self) -> &[[u8; BLOCK]; 11] {
        &self.0
    }
}

impl Drop for RoundKeys {
    fn drop(&mut self) {
        // At once: byte by byte it would take as long as making them.
        self.0 = array::from_fn(|_| [0; BLOCK]);
        optimization_barrier(self);
    }
}

impl ZeroizeOnDrop for RoundKeys {}

impl Key {
    /// Expands a 16-byte key for the fastest kernel that this processor has.
    ///
    /// The caller's copy of the bytes stays as it is: overwriting it is the caller's business.
    #[inline]
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK]) -> Self {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(vaes512) = Vaes512::new() {
            return Self { schedule: Schedule::Vaes512(vaes512, vaes512.aes_ni.expand(bytes)) };
        }
        let others = Kernel::ALL.into_iter().find_map(|kernel| Self::with_kernel(bytes, kernel));
        others.expect("every processor has the portable kernel")
    }

    /// Expands a 16-byte key for `kernel`, if this processor has it. For tests and measurements: [`Key::new`] chooses the
    /// fastest.
    #[must_use]
    pub fn with_kernel(bytes: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        let schedule = match kernel {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::Vaes512 => Vaes512::new().map(|engine| Schedule::Vaes512(engine, engine.aes_ni.expand(bytes)))?,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::Vaes256 => Vaes256::new().map(|engine| Schedule::Vaes256(engine, engine.aes_ni.expand(bytes)))?,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::AesNi => AesNi::new().map(|engine| Schedule::AesNi(engine, engine.expand(bytes)))?,
            #[cfg(target_arch = "aarch64")]
            Kernel::Armv8 => Armv8::new().map(|engine| Schedule::Armv8(engine, engine.expand(bytes)))?,
            Kernel::Portable => Schedule::Portable(Aes128Enc::new(bytes.into())),
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
            Schedule::Vaes512(..) => Kernel::Vaes512,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::Vaes256(..) => Kernel::Vaes256,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::AesNi(..) => Kernel::AesNi,
            #[cfg(target_arch = "aarch64")]
            Schedule::Armv8(..) => Kernel::Armv8,
            Schedule::Portable(_) => Kernel::Portable,
        }
    }

    /// Enciphers one block in place (AES-128, FIPS 197 section 5.1; one block of ECB mode).
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

    /// Deciphers one block in place (AES-128, FIPS 197 section 5.3; one block of ECB mode).
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

    pub(crate) fn schedule(&self) -> &Schedule {
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

    #[test]
    fn schedules_overwrite_themselves_on_drop() {
        fn overwrites_itself<T: ZeroizeOnDrop>() {}
        // Does not compile when the `zeroize` feature of `aes` is off.
        overwrites_itself::<Aes128Enc>();
        overwrites_itself::<RoundKeys>();
    }
}
