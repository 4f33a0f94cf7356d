//! What an instruction set has to offer to be a kernel.

use aes::cipher::inout::InOutBuf;
use zeroize::optimization_barrier;

use crate::counter::Counter;

/// Bytes of the largest vector.
pub(super) const MAX_BYTES: usize = 64;

/// Vectors of AES blocks in one instruction set. A value exists only where the processor has the instructions, so that
/// the methods are safe to call.
///
/// Counters come in two forms: as *numbers*, which can be added to, and as *blocks*, the bytes that AES works on.
// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always)]
pub(super) trait Engine: Copy {
    /// Some blocks, in a register.
    type Vector: Copy;
    /// Bytes of a vector.
    const BYTES: usize;
    /// Blocks of a vector.
    const BLOCKS: u64 = (Self::BYTES / crate::BLOCK) as u64;
    /// Whether [`Engine::stream`] goes past the caches.
    const STREAMS: bool;

    /// The first [`Engine::BYTES`] bytes. Panics if there are fewer.
    fn load(self, from: &[u8]) -> Self::Vector;
    /// All of up to [`Engine::BYTES`] bytes, then zeros.
    #[inline(always)]
    fn load_part(self, from: &[u8]) -> Self::Vector {
        let mut bytes = [0; MAX_BYTES];
        bytes[..from.len()].copy_from_slice(from);
        let vector = self.load(&bytes);
        wipe(&mut bytes);
        vector
    }
    /// Writes the first [`Engine::BYTES`] bytes. Panics if there are fewer.
    fn store(self, vector: Self::Vector, to: &mut [u8]);
    /// Writes the first of its bytes to all of `to`, which is not empty. Panics if they are too few.
    #[inline(always)]
    fn store_part(self, vector: Self::Vector, to: &mut [u8]) {
        let mut bytes = [0; MAX_BYTES];
        self.store(vector, &mut bytes);
        to.copy_from_slice(&bytes[..Self::BYTES][..to.len()]);
        wipe(&mut bytes);
    }
    /// The block at byte `at` of each of the periods that `from` consists of: as many as a vector has blocks, of `period` bytes
    /// each. Panics if they are shorter, or the block goes past the end of its period.
    fn gather(self, from: &[u8], period: usize, at: usize) -> Self::Vector;
    /// Writes each block to byte `at` of its period. Panics as [`Engine::gather`] does.
    fn scatter(self, vector: Self::Vector, to: &mut [u8], period: usize, at: usize);
    /// As [`Engine::store`], past the caches. Panics if `to` is not aligned to [`Engine::BYTES`].
    ///
    /// # Safety
    ///
    /// [`Engine::fence`] has to come before anything that relies on what is written.
    unsafe fn stream(self, vector: Self::Vector, to: &mut [u8]);
    /// Ends a sequence of [`Engine::stream`].
    fn fence(self);
    /// XORs the bytes of `vector` from byte `at` on onto `data`, which is not empty. Panics if they are too few.
    #[inline(always)]
    fn xor_part(self, vector: Self::Vector, at: usize, mut data: InOutBuf<'_, '_, u8>) {
        let mut bytes = [0; MAX_BYTES];
        self.store(vector, &mut bytes);
        data.xor_in2out(&bytes[at..Self::BYTES][..data.len()]);
        wipe(&mut bytes);
    }

    /// A vector with `block` in each place.
    fn broadcast(self, block: &[u8; crate::BLOCK]) -> Self::Vector;
    /// Bitwise exclusive or.
    fn xor(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The blocks that come before those of `now` when `now` follows `before`: the last of `before`, then all of `now` but its
    /// last.
    fn follow(self, before: Self::Vector, now: Self::Vector) -> Self::Vector;
    /// The counters from `first` on, as numbers.
    #[inline(always)]
    fn numbers(self, first: Counter) -> Self::Vector {
        self.numbers_apart(first, 1)
    }
    /// Counters `step` blocks apart, from `first` on, as numbers.
    fn numbers_apart(self, first: Counter, step: u64) -> Self::Vector;
    /// The counters that come `blocks` later, as numbers.
    fn plus(self, numbers: Self::Vector, blocks: u64) -> Self::Vector;
    /// Counters as blocks.
    fn blocks(self, numbers: Self::Vector) -> Self::Vector;

    /// The rounds from `from` to 10: `states` lack the addition of round key `from`, and are whole blocks of keystream
    /// afterwards.
    fn encrypt<const N: usize>(self, states: &mut [Self::Vector; N], keys: &[Self::Vector; 11], from: usize);
    /// The equivalent inverse cipher (FIPS 197 section 5.3.5) with its round keys, in the order in which they are added.
    /// What is to be done [`Between`] the rounds does not wait for them.
    fn decrypt<const N: usize>(
        self,
        states: &mut [Self::Vector; N],
        keys: &[Self::Vector; 11],
        between: &mut impl Between<Self>,
    );
    /// The first two rounds, without the addition of round key 2.
    fn first_two_rounds(self, state: Self::Vector, keys: &[Self::Vector; 11]) -> Self::Vector;
}

/// Work that a processor can do while it waits for rounds of AES.
pub(super) trait Between<E: Engine> {
    /// Does a part of it, of [`ROUNDS_BETWEEN`] in all.
    fn work(&mut self, engine: E);
}

/// Rounds behind which [`Between::work`] is called.
pub(super) const ROUNDS_BETWEEN: usize = 9;

/// There is nothing to do.
pub(super) struct Nothing;

#[allow(clippy::inline_always)]
impl<E: Engine> Between<E> for Nothing {
    #[inline(always)]
    fn work(&mut self, _: E) {}
}

/// Checks what [`Engine::gather`] and [`Engine::scatter`] panic at: the block at byte `at` of any of `periods` periods then lies
/// within `len` bytes.
#[allow(clippy::inline_always)]
#[inline(always)]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64")),
    allow(dead_code, reason = "only gathers of x86 have a bound to check")
)]
pub(super) fn check_periods(len: usize, periods: usize, period: usize, at: usize) {
    assert!(period <= len / periods && at < period && crate::BLOCK <= period - at);
}

/// Overwrites keystream in memory, at once rather than byte by byte.
// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always)]
#[inline(always)]
fn wipe(bytes: &mut [u8; MAX_BYTES]) {
    *bytes = [0; MAX_BYTES];
    optimization_barrier(bytes);
}
