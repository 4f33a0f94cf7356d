//! VAES in AVX-512 registers: vectors of four blocks, which are a cache line.

#![allow(clippy::wildcard_imports, reason = "the intrinsics")]

#[cfg(target_arch = "x86")]
use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

use aes::cipher::inout::InOutBuf;

use super::{AesNi, KEPT, Rounds, SWAPPED};
use crate::BLOCK;
use crate::counter::Counter;
use crate::kernel::engine::{Between, Engine, check_periods};
use crate::kernel::{Access, Plan, Span, StreamPosition, cbc, pass};
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// A processor with VAES and AVX-512 F and BW, and AES-NI for single blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vaes512 {
    pub(crate) aes_ni: AesNi,
}

impl Vaes512 {
    pub(crate) fn new() -> Option<Self> {
        let aes_ni = AesNi::new()?;
        let has_all = is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw");
        has_all.then_some(Self { aes_ni })
    }
}

passes!(Vaes512, "aes,avx512f,avx512bw,vaes");

/// A mask of `len` bytes, 1 to 64.
#[allow(clippy::inline_always)]
#[inline(always)]
fn mask(len: usize) -> u64 {
    u64::MAX >> (64 - len)
}

// What is inlined into code for a certain processor is compiled for that processor. SAFETY below: the processor has the
// features, as `self` exists.
#[allow(clippy::inline_always)]
impl Engine for Vaes512 {
    type Vector = __m512i;
    const BYTES: usize = 64;
    const STREAMS: bool = true;

    #[inline(always)]
    fn load(self, from: &[u8]) -> __m512i {
        let from: *const [u8; 64] = from.first_chunk().expect("a vector is 64 bytes");
        // SAFETY: 64 bytes that are borrowed.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    fn load_part(self, from: &[u8]) -> __m512i {
        assert!(matches!(from.len(), 1..=64));
        // SAFETY: bytes that are masked off are not touched; the others are borrowed.
        unsafe { _mm512_maskz_loadu_epi8(mask(from.len()), from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m512i, to: &mut [u8]) {
        let to: *mut [u8; 64] = to.first_chunk_mut().expect("a vector is 64 bytes");
        // SAFETY: 64 bytes that are borrowed mutably.
        unsafe { _mm512_storeu_si512(to.cast(), vector) }
    }

    #[inline(always)]
    fn store_part(self, vector: __m512i, to: &mut [u8]) {
        assert!(matches!(to.len(), 1..=64));
        // SAFETY: bytes that are masked off are not touched; the others are borrowed mutably.
        unsafe { _mm512_mask_storeu_epi8(to.as_mut_ptr().cast(), mask(to.len()), vector) }
    }

    #[inline(always)]
    fn gather(self, from: &[u8], period: usize, at: usize) -> __m512i {
        check_periods(from.len(), 4, period, at);
        let start = from.as_ptr().wrapping_add(at);
        // SAFETY: 16 bytes that are borrowed, as has been checked.
        let block = unsafe { _mm_loadu_si128(start.cast()) };
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm512_castsi128_si512(block) };
        // SAFETY: 16 bytes that are borrowed, as has been checked.
        let block = unsafe { _mm_loadu_si128(start.wrapping_add(period).cast()) };
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm512_inserti32x4::<1>(blocks, block) };
        // SAFETY: 16 bytes that are borrowed, as has been checked.
        let block = unsafe { _mm_loadu_si128(start.wrapping_add(2 * period).cast()) };
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm512_inserti32x4::<2>(blocks, block) };
        // SAFETY: 16 bytes that are borrowed, as has been checked.
        let block = unsafe { _mm_loadu_si128(start.wrapping_add(3 * period).cast()) };
        // SAFETY: as `self` exists.
        unsafe { _mm512_inserti32x4::<3>(blocks, block) }
    }

    #[inline(always)]
    fn scatter(self, vector: __m512i, to: &mut [u8], period: usize, at: usize) {
        check_periods(to.len(), 4, period, at);
        let start = to.as_mut_ptr().wrapping_add(at);
        // SAFETY: as `self` exists.
        let block = unsafe { _mm512_extracti32x4_epi32::<0>(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(start.cast(), block) };
        // SAFETY: as `self` exists.
        let block = unsafe { _mm512_extracti32x4_epi32::<1>(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(start.wrapping_add(period).cast(), block) };
        // SAFETY: as `self` exists.
        let block = unsafe { _mm512_extracti32x4_epi32::<2>(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(start.wrapping_add(2 * period).cast(), block) };
        // SAFETY: as `self` exists.
        let block = unsafe { _mm512_extracti32x4_epi32::<3>(vector) };
        // SAFETY: 16 bytes that are borrowed mutably, as has been checked.
        unsafe { _mm_storeu_si128(start.wrapping_add(3 * period).cast(), block) };
    }

    #[inline(always)]
    unsafe fn stream(self, vector: __m512i, to: &mut [u8]) {
        let to: *mut [u8; 64] = to.first_chunk_mut().expect("a vector is 64 bytes");
        assert!(to.addr().is_multiple_of(64));
        // SAFETY: 64 aligned bytes that are borrowed mutably; the caller fences.
        unsafe { _mm512_stream_si512(to.cast(), vector) }
    }

    #[inline(always)]
    fn fence(self) {
        self.aes_ni.fence();
    }

    #[inline(always)]
    fn xor_part(self, vector: __m512i, at: usize, data: InOutBuf<'_, '_, u8>) {
        let len = data.len();
        assert!(len != 0 && at + len <= 64);
        let mask = mask(len) << at;
        let (from, to) = data.into_raw();
        // SAFETY: the bytes that are not masked off are those of `data`; the others are not touched.
        let data = unsafe { _mm512_maskz_loadu_epi8(mask, from.wrapping_sub(at).cast()) };
        let data = self.xor(data, vector);
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_epi8(to.wrapping_sub(at).cast(), mask, data) }
    }

    #[inline(always)]
    fn broadcast(self, block: &[u8; BLOCK]) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_broadcast_i32x4(self.aes_ni.load(block)) }
    }

    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    fn follow(self, before: __m512i, now: __m512i) -> __m512i {
        // SAFETY: as `self` exists. The last two of the 8-byte numbers of `before`, then the first six of `now`.
        unsafe { _mm512_alignr_epi64::<6>(now, before) }
    }

    #[inline(always)]
    fn numbers_apart(self, first: Counter, step: u64) -> __m512i {
        let step = step.cast_signed();
        // SAFETY: as `self` exists.
        let first = unsafe { _mm512_broadcast_i32x4(self.aes_ni.numbers(first)) };
        // SAFETY: as `self` exists.
        let places = unsafe { _mm512_set_epi64(step.wrapping_mul(3), 0, step.wrapping_mul(2), 0, step, 0, 0, 0) };
        // SAFETY: as `self` exists.
        unsafe { _mm512_add_epi64(first, places) }
    }

    #[inline(always)]
    fn plus(self, numbers: __m512i, blocks: u64) -> __m512i {
        let blocks = blocks.cast_signed();
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm512_set_epi64(blocks, 0, blocks, 0, blocks, 0, blocks, 0) };
        // SAFETY: as `self` exists.
        unsafe { _mm512_add_epi64(numbers, blocks) }
    }

    #[inline(always)]
    fn blocks(self, numbers: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        let order = unsafe { _mm512_set_epi64(SWAPPED, KEPT, SWAPPED, KEPT, SWAPPED, KEPT, SWAPPED, KEPT) };
        // SAFETY: as `self` exists.
        unsafe { _mm512_shuffle_epi8(numbers, order) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, states: &mut [__m512i; N], keys: &[__m512i; 11], from: usize) {
        super::encrypt(self, states, keys, from);
    }

    #[inline(always)]
    fn decrypt<const N: usize>(
        self,
        states: &mut [__m512i; N],
        keys: &[__m512i; 11],
        between: &mut impl Between<Self>,
    ) {
        super::decrypt(self, states, keys, between);
    }

    #[inline(always)]
    fn first_two_rounds(self, state: __m512i, keys: &[__m512i; 11]) -> __m512i {
        super::first_two_rounds(self, state, keys)
    }
}

#[allow(clippy::inline_always)]
impl Rounds for Vaes512 {
    #[inline(always)]
    fn round(self, state: __m512i, key: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_aesenc_epi128(state, key) }
    }

    #[inline(always)]
    fn last_round(self, state: __m512i, key: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_aesenclast_epi128(state, key) }
    }

    #[inline(always)]
    fn inverse_round(self, state: __m512i, key: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_aesdec_epi128(state, key) }
    }

    #[inline(always)]
    fn last_inverse_round(self, state: __m512i, key: __m512i) -> __m512i {
        // SAFETY: as `self` exists.
        unsafe { _mm512_aesdeclast_epi128(state, key) }
    }
}
