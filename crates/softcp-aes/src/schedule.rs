//! Expanded keys, each in the form that its kernel takes.

use core::array;

use aes::cipher::KeyInit;
use aes::{Aes128Dec, Aes128Enc};
use zeroize::{ZeroizeOnDrop, optimization_barrier};

use crate::BLOCK;
use crate::kernel::Kernel;
#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
use crate::kernel::OneBlock;
#[cfg(target_arch = "aarch64")]
use crate::kernel::armv8::Armv8;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use crate::kernel::x86::{AesNi, Vaes256, Vaes512};

/// A key schedule, and what proves that the processor has its kernel.
///
/// `P` is the form of the portable kernel. It says which of a key's two schedules this is.
#[derive(Clone)]
pub(crate) enum Schedule<P> {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes512(Vaes512, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    Vaes256(Vaes256, RoundKeys),
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    AesNi(AesNi, RoundKeys),
    #[cfg(target_arch = "aarch64")]
    Armv8(Armv8, RoundKeys),
    // It overwrites itself when it is dropped: the `zeroize` feature of `aes`.
    Portable(P),
}

/// `$result` for the engine and the round keys of a schedule, or `$portable_result` for the form of the portable kernel.
macro_rules! with_kernel {
    ($schedule:expr, ($engine:ident, $keys:ident) => $result:expr, $portable:ident => $portable_result:expr $(,)?) => {
        match $schedule {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::Vaes512($engine, $keys) => $result,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::Vaes256($engine, $keys) => $result,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Schedule::AesNi($engine, $keys) => $result,
            #[cfg(target_arch = "aarch64")]
            Schedule::Armv8($engine, $keys) => $result,
            Schedule::Portable($portable) => $portable_result,
        }
    };
}
pub(crate) use with_kernel;

/// A form of the portable kernel, and how the other kernels make the same schedule.
pub(crate) trait Portable {
    fn expand(key: &[u8; BLOCK]) -> Self;
    #[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
    fn round_keys(engine: OneBlock, key: &[u8; BLOCK]) -> RoundKeys;
}

/// The schedule for encryption (FIPS 197 section 5.2).
impl Portable for Aes128Enc {
    fn expand(key: &[u8; BLOCK]) -> Self {
        Self::new(key.into())
    }

    #[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn round_keys(engine: OneBlock, key: &[u8; BLOCK]) -> RoundKeys {
        engine.expand(key)
    }
}

/// The schedule of the equivalent inverse cipher (FIPS 197 section 5.3.5).
impl Portable for Aes128Dec {
    fn expand(key: &[u8; BLOCK]) -> Self {
        Self::new(key.into())
    }

    #[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
    #[inline]
    fn round_keys(engine: OneBlock, key: &[u8; BLOCK]) -> RoundKeys {
        engine.expand_inverse(key)
    }
}

impl<P: Portable> Schedule<P> {
    /// For the fastest kernel that this processor has.
    #[inline]
    pub(crate) fn new(key: &[u8; BLOCK]) -> Self {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        if let Some(vaes512) = Vaes512::new() {
            return Self::Vaes512(vaes512, P::round_keys(vaes512.aes_ni, key));
        }
        let others = Kernel::ALL.into_iter().find_map(|kernel| Self::for_kernel(key, kernel));
        others.expect("every processor has the portable kernel")
    }

    /// For `kernel`, if this processor has it.
    pub(crate) fn for_kernel(key: &[u8; BLOCK], kernel: Kernel) -> Option<Self> {
        Some(match kernel {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::Vaes512 => Vaes512::new().map(|engine| Self::Vaes512(engine, P::round_keys(engine.aes_ni, key)))?,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::Vaes256 => Vaes256::new().map(|engine| Self::Vaes256(engine, P::round_keys(engine.aes_ni, key)))?,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Kernel::AesNi => AesNi::new().map(|engine| Self::AesNi(engine, P::round_keys(engine, key)))?,
            #[cfg(target_arch = "aarch64")]
            Kernel::Armv8 => Armv8::new().map(|engine| Self::Armv8(engine, P::round_keys(engine, key)))?,
            Kernel::Portable => Self::Portable(P::expand(key)),
            #[allow(unreachable_patterns, reason = "kernels of other processors")]
            _ => return None,
        })
    }
}

impl<P> Schedule<P> {
    /// The kernel that it is for.
    pub(crate) fn kernel(&self) -> Kernel {
        match self {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Vaes512(..) => Kernel::Vaes512,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Vaes256(..) => Kernel::Vaes256,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::AesNi(..) => Kernel::AesNi,
            #[cfg(target_arch = "aarch64")]
            Self::Armv8(..) => Kernel::Armv8,
            Self::Portable(_) => Kernel::Portable,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_overwrite_themselves_on_drop() {
        fn overwrites_itself<T: ZeroizeOnDrop>() {}
        // Does not compile when the `zeroize` feature of `aes` is off.
        overwrites_itself::<Aes128Enc>();
        overwrites_itself::<Aes128Dec>();
        overwrites_itself::<RoundKeys>();
    }
}
