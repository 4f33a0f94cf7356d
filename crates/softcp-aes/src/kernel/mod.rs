//! Kernels: what turns counter blocks into keystream and XORs it onto the data.
//!
//! A kernel gets a key, a [`StreamPosition`] in the keystream, and the spans of memory that are next. [`Kernel`] says which there
//! are; a [`Key`] is made for one of them. All but the portable one are the same [`pass`] over the vectors of an
//! instruction set, an [`engine`].

use core::fmt;

use aes::cipher::inout::InOutBuf;

use crate::BLOCK;
use crate::counter::Counter;
use crate::decryption_key::DecryptionKey;
use crate::key::Key;
use crate::schedule::{Schedule, with_kernel};
use crate::section::Sections;

/// The passes of one kernel: `$engine` for vectors, compiled for `$features`.
// Ahead of the modules that use it.
#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! passes {
    ($engine:ty, $features:tt) => {
        impl $engine {
            /// See [`crate::kernel::run`].
            pub(crate) fn run<'i, 'o>(
                self,
                keys: &RoundKeys,
                place: StreamPosition,
                len: usize,
                plan: Plan,
                spans: impl Iterator<Item = Span<'i, 'o>>,
            ) {
                // SAFETY: the processor has the features, as `self` exists.
                unsafe { run(self, keys, place, len, plan, spans) }
            }

            /// See [`crate::kernel::run_sections`].
            pub(crate) fn run_sections(
                self,
                keys: &RoundKeys,
                place: StreamPosition,
                len: usize,
                access: Access,
                sections: Sections<'_, '_, '_>,
            ) {
                // SAFETY: the processor has the features, as `self` exists.
                unsafe { run_sections(self, keys, place, len, access, sections) }
            }

            /// See [`crate::kernel::decrypt`].
            pub(crate) fn decrypt_sections(
                self,
                keys: &RoundKeys,
                iv: [u8; BLOCK],
                access: Access,
                sections: Sections<'_, '_, '_>,
            ) {
                // SAFETY: the processor has the features, as `self` exists.
                unsafe { decrypt_sections(self, keys, iv, access, sections) }
            }

            /// See [`crate::kernel::rounds_alone`].
            pub(crate) fn rounds_alone(self, keys: &RoundKeys, blocks: usize) -> [u8; BLOCK] {
                // SAFETY: the processor has the features, as `self` exists.
                unsafe { rounds_alone(self, keys, blocks) }
            }
        }

        #[target_feature(enable = $features)]
        fn rounds_alone(engine: $engine, keys: &RoundKeys, blocks: usize) -> [u8; BLOCK] {
            cbc::rounds_alone(engine, keys, blocks)
        }

        #[target_feature(enable = $features)]
        fn run<'i, 'o>(
            engine: $engine,
            keys: &RoundKeys,
            place: StreamPosition,
            len: usize,
            plan: Plan,
            spans: impl Iterator<Item = Span<'i, 'o>>,
        ) {
            pass::run(engine, keys, place, len, plan, spans);
        }

        #[target_feature(enable = $features)]
        fn run_sections(
            engine: $engine,
            keys: &RoundKeys,
            place: StreamPosition,
            len: usize,
            access: Access,
            sections: Sections<'_, '_, '_>,
        ) {
            pass::run_sections(engine, keys, place, len, access, sections);
        }

        #[target_feature(enable = $features)]
        fn decrypt_sections(
            engine: $engine,
            keys: &RoundKeys,
            iv: [u8; BLOCK],
            access: Access,
            sections: Sections<'_, '_, '_>,
        ) {
            cbc::run(engine, keys, iv, access, sections);
        }
    };
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod armv8;
mod buffer;
mod cbc;
mod counter_cache;
mod engine;
mod lanes;
mod pass;
mod plan;
mod portable;
#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
mod prefetch;
mod sections;
mod stage;
#[cfg(test)]
mod tests;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) mod x86;

#[cfg(target_arch = "aarch64")]
pub(crate) use armv8::Armv8 as OneBlock;
pub(crate) use plan::{Access, Job, Plan};
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) use x86::AesNi as OneBlock;

/// An implementation of the keystream. All give the same bytes, in a time that depends only on sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// x86 with AVX-512 (F and BW) and VAES: four blocks in a vector.
    Vaes512,
    /// x86 with AVX2 and VAES: two blocks in a vector.
    Vaes256,
    /// x86 with AES-NI and SSE4.1: one block in a vector.
    AesNi,
    /// `AArch64` with the cryptographic extension of Armv8: one block in a vector.
    Armv8,
    /// Any processor.
    Portable,
}

impl Kernel {
    /// All of them, the fastest first.
    pub const ALL: [Self; 5] = [Self::Vaes512, Self::Vaes256, Self::AesNi, Self::Armv8, Self::Portable];

    /// The fastest that this processor has. [`Key::new`] takes it.
    #[must_use]
    pub fn best() -> Self {
        Key::new(&[0; BLOCK]).kernel()
    }

    /// Those that this processor has, the fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| Key::with_kernel(&[0; BLOCK], *kernel).is_some())
    }

    /// Its name: `vaes-512`, `vaes-256`, `aes-ni`, `armv8`, `portable`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vaes512 => "vaes-512",
            Self::Vaes256 => "vaes-256",
            Self::AesNi => "aes-ni",
            Self::Armv8 => "armv8",
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A place in a keystream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamPosition {
    /// The block that the keystream began with.
    first: Counter,
    /// Bytes from there.
    pub(crate) bytes: u64,
}

impl StreamPosition {
    pub(crate) fn beginning(first: Counter) -> Self {
        Self { first, bytes: 0 }
    }

    /// The block that the next byte is in.
    #[inline]
    pub(crate) fn counter(self) -> Counter {
        self.first.plus(self.bytes / BLOCK as u64)
    }

    /// Bytes of that block before the next one.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "less than a block")]
    pub(crate) fn in_block(self) -> usize {
        self.bytes as usize % BLOCK
    }
}

/// A span of source and destination, or of memory that is changed in place. Never empty.
pub(crate) struct Span<'i, 'o> {
    pub(crate) data: InOutBuf<'i, 'o, u8>,
    /// Whether it is encrypted with keystream; otherwise it is copied.
    pub(crate) encrypted: bool,
}

/// Encrypts or copies `spans`, whose encrypted bytes are `len` together, with the keystream from `place` on.
#[inline]
pub(crate) fn run<'i, 'o>(
    key: &Key,
    place: StreamPosition,
    len: usize,
    plan: Plan,
    spans: impl Iterator<Item = Span<'i, 'o>>,
) {
    with_kernel!(
        key.schedule(),
        (engine, keys) => engine.run(keys, place, len, plan, spans),
        schedule => portable::run(schedule, place, len, spans),
    );
}

/// As [`run`], over the sections of a sample, whose blocks are `len` bytes together.
pub(crate) fn run_sections(
    key: &Key,
    place: StreamPosition,
    len: usize,
    access: Access,
    sections: Sections<'_, '_, '_>,
) {
    with_kernel!(
        key.schedule(),
        (engine, keys) => engine.run_sections(keys, place, len, access, sections),
        schedule => portable::run_sections(schedule, place, len, sections),
    );
}

/// Decrypts the blocks of `sections` in CBC mode, from `iv` on, and copies what is clear.
pub(crate) fn decrypt(key: &DecryptionKey, iv: [u8; BLOCK], access: Access, sections: Sections<'_, '_, '_>) {
    with_kernel!(
        key.schedule(),
        (engine, keys) => engine.decrypt_sections(keys, iv, access, sections),
        schedule => portable::decrypt(schedule, iv, sections),
    );
}

/// Takes blocks through the rounds in registers alone, as many as `blocks` or a few more; returns what comes of it.
pub(crate) fn rounds_alone(key: &DecryptionKey, blocks: usize) -> [u8; BLOCK] {
    with_kernel!(
        key.schedule(),
        (engine, keys) => engine.rounds_alone(keys, blocks),
        schedule => portable::rounds_alone(schedule, blocks),
    )
}
