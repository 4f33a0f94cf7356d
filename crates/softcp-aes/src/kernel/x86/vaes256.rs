//! VAES in AVX2 registers: vectors of two blocks.

#![allow(clippy::wildcard_imports, reason = "the intrinsics")]

#[cfg(target_arch = "x86")]
use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

use super::{AesNi, KEPT, Rounds, SWAPPED};
use crate::BLOCK;
use crate::counter::Counter;
use crate::kernel::engine::{Between, Engine, check_periods};
use crate::kernel::{Access, Plan, Span, StreamPosition, cbc, pass};
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// A processor with VAES and AVX2, and AES-NI for single blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vaes256 {
    pub(crate) aes_ni: AesNi,
}

impl Vaes256 {
    pub(crate) fn new() -> Option<Self> {
        let aes_ni = AesNi::new()?;
        (is_x86_feature_detected!("vaes") && is_x86_feature_detected!("avx2")).then_some(Self { aes_ni })
    }
}

passes!(Vaes256, "aes,avx2,vaes");

// What is inlined into code for a certain processor is compiled for that processor. SAFETY below: the processor has the
// features, as `self` exists.
#[allow(clippy::inline_always)]
impl Engine for Vaes256 {
    type Vector = __m256i;
    const BYTES: usize = 32;
    const STREAMS: bool = true;

    #[inline(always)]
    fn load(self, from: &[u8]) -> __m256i {
        let from: *const [u8; 32] = from.first_chunk().expect("a vector is 32 bytes");
        // SAFETY: 32 bytes that are borrowed.
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m256i, to: &mut [u8]) {
        let to: *mut [u8; 32] = to.first_chunk_mut().expect("a vector is 32 bytes");
        // SAFETY: 32 bytes that are borrowed mutably.
        unsafe { _mm256_storeu_si256(to.cast(), vector) }
    }

    #[inline(always)]
    fn gather(self, from: &[u8], period: usize, at: usize) -> __m256i {
        check_periods(from.len(), 2, period, at);
        let first = from.as_ptr().wrapping_add(at);
        let second = from.as_ptr().wrapping_add(period + at);
        // SAFETY: 16 bytes that are borrowed, as has been checked.
        let first = unsafe { _mm_loadu_si128(first.cast()) };
        // SAFETY: as above.
        let second = unsafe { _mm_loadu_si128(second.cast()) };
        // SAFETY: as `self` exists.
        unsafe { _mm256_set_m128i(second, first) }
    }

    #[inline(always)]
    fn scatter(self, vector: __m256i, to: &mut [u8], period: usize, at: usize) {
        check_periods(to.len(), 2, period, at);
        let first = to.as_mut_ptr().wrapping_add(at);
        let second = to.as_mut_ptr().wrapping_add(period + at);
        // SAFETY: as `self` exists.
        let block = unsafe { _mm256_castsi256_si128(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(first.cast(), block) };
        // SAFETY: as `self` exists.
        let block = unsafe { _mm256_extracti128_si256::<1>(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(second.cast(), block) };
    }

    #[inline(always)]
    unsafe fn stream(self, vector: __m256i, to: &mut [u8]) {
        let to: *mut [u8; 32] = to.first_chunk_mut().expect("a vector is 32 bytes");
        assert!(to.addr().is_multiple_of(32));
        // SAFETY: 32 aligned bytes that are borrowed mutably; the caller fences.
        unsafe { _mm256_stream_si256(to.cast(), vector) }
    }

    #[inline(always)]
    fn fence(self) {
        self.aes_ni.fence();
    }

    #[inline(always)]
    fn broadcast(self, block: &[u8; BLOCK]) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_broadcastsi128_si256(self.aes_ni.load(block)) }
    }

    #[inline(always)]
    fn xor(self, a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_xor_si256(a, b) }
    }

    #[inline(always)]
    fn follow(self, before: __m256i, now: __m256i) -> __m256i {
        // SAFETY: as `self` exists. The upper half of `before`, then the lower half of `now`.
        unsafe { _mm256_permute2x128_si256::<0x21>(before, now) }
    }

    #[inline(always)]
    fn numbers_apart(self, first: Counter, step: u64) -> __m256i {
        let step = step.cast_signed();
        // SAFETY: as `self` exists.
        let first = unsafe { _mm256_broadcastsi128_si256(self.aes_ni.numbers(first)) };
        // SAFETY: as `self` exists.
        let places = unsafe { _mm256_set_epi64x(step, 0, 0, 0) };
        // SAFETY: as `self` exists.
        unsafe { _mm256_add_epi64(first, places) }
    }

    #[inline(always)]
    fn plus(self, numbers: __m256i, blocks: u64) -> __m256i {
        let blocks = blocks.cast_signed();
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm256_set_epi64x(blocks, 0, blocks, 0) };
        // SAFETY: as `self` exists.
        unsafe { _mm256_add_epi64(numbers, blocks) }
    }

    #[inline(always)]
    fn blocks(self, numbers: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        let order = unsafe { _mm256_set_epi64x(SWAPPED, KEPT, SWAPPED, KEPT) };
        // SAFETY: as `self` exists.
        unsafe { _mm256_shuffle_epi8(numbers, order) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, states: &mut [__m256i; N], keys: &[__m256i; 11], from: usize) {
        super::encrypt(self, states, keys, from);
    }

    #[inline(always)]
    fn decrypt<const N: usize>(
        self,
        states: &mut [__m256i; N],
        keys: &[__m256i; 11],
        between: &mut impl Between<Self>,
    ) {
        super::decrypt(self, states, keys, between);
    }

    #[inline(always)]
    fn first_two_rounds(self, state: __m256i, keys: &[__m256i; 11]) -> __m256i {
        super::first_two_rounds(self, state, keys)
    }
}

#[allow(clippy::inline_always)]
impl Rounds for Vaes256 {
    #[inline(always)]
    fn round(self, state: __m256i, key: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_aesenc_epi128(state, key) }
    }

    #[inline(always)]
    fn last_round(self, state: __m256i, key: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_aesenclast_epi128(state, key) }
    }

    #[inline(always)]
    fn inverse_round(self, state: __m256i, key: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_aesdec_epi128(state, key) }
    }

    #[inline(always)]
    fn last_inverse_round(self, state: __m256i, key: __m256i) -> __m256i {
        // SAFETY: as `self` exists.
        unsafe { _mm256_aesdeclast_epi128(state, key) }
    }
}
