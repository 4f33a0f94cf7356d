//! Kernels: what turns counter blocks into keystream and XORs it onto the data.
//!
//! A kernel gets a key, a [`Place`] in the keystream, and the pieces of memory that are next. [`Kernel`] says which there
//! are; a [`Key`] is made for one of them. All but the portable one are the same [`pass`] over the vectors of an
//! instruction set, an [`engine`].

use core::fmt;

use aes::cipher::inout::InOutBuf;

use crate::BLOCK;
use crate::counter::Counter;
use crate::decryption_key::{DecryptionKey, DecryptionSchedule};
use crate::key::{Key, Schedule};
use crate::section::Section;

#[cfg(target_arch = "aarch64")]
pub(crate) mod armv8;
mod buffer;
mod engine;
mod pass;
mod plan;
mod portable;
#[cfg(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"))]
mod prefetch;
#[cfg(test)]
mod tests;
mod two_rounds;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
pub(crate) mod x86;

pub(crate) use plan::{Job, Plan};

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
pub(crate) struct Place {
    /// The block that the keystream began with.
    first: Counter,
    /// Bytes from there.
    pub(crate) bytes: u64,
}

impl Place {
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

/// A piece of source and destination, or of memory that is changed in place. Never empty.
pub(crate) struct Piece<'i, 'o> {
    pub(crate) data: InOutBuf<'i, 'o, u8>,
    /// Whether it is enciphered with keystream; otherwise it is copied.
    pub(crate) encrypted: bool,
}

/// Enciphers or copies `pieces`, whose encrypted bytes are `len` together, with the keystream from `place` on.
#[inline]
pub(crate) fn run<'i, 'o>(
    key: &Key,
    place: Place,
    len: usize,
    plan: Plan,
    pieces: impl Iterator<Item = Piece<'i, 'o>>,
) {
    match key.schedule() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Schedule::Vaes512(engine, keys) => engine.run(keys, place, len, plan, pieces),
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Schedule::Vaes256(engine, keys) => engine.run(keys, place, len, plan, pieces),
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Schedule::AesNi(engine, keys) => engine.run(keys, place, len, plan, pieces),
        #[cfg(target_arch = "aarch64")]
        Schedule::Armv8(engine, keys) => engine.run(keys, place, len, plan, pieces),
        Schedule::Portable(schedule) => portable::run(schedule, place, len, pieces),
    }
}

/// Decrypts `sections` in CBC mode from `iv` on, and copies what is clear.
#[inline]
pub(crate) fn decrypt<'a>(key: &DecryptionKey, iv: [u8; BLOCK], sections: impl Iterator<Item = Section<'a>>) {
    match key.schedule() {
        DecryptionSchedule::Portable(schedule) => portable::decrypt(schedule, iv, sections),
    }
}
