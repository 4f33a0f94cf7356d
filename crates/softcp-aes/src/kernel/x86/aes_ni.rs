//! AES-NI: vectors of one block.

#![allow(clippy::wildcard_imports, reason = "the intrinsics")]

#[cfg(target_arch = "x86")]
use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

use super::{KEPT, Rounds, SWAPPED};
use crate::BLOCK;
use crate::counter::Counter;
use crate::kernel::engine::{Between, Engine};
use crate::kernel::{Access, Plan, Span, StreamPosition, cbc, pass};
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// A processor with AES-NI and SSE4.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AesNi(());

impl AesNi {
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("aes") && is_x86_feature_detected!("sse4.1")).then_some(Self(()))
    }

    /// The key schedule of FIPS 197 section 5.2.
    pub(crate) fn expand(self, key: &[u8; BLOCK]) -> RoundKeys {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { expand(self, key) }
    }

    /// The key schedule of the equivalent inverse cipher (FIPS 197 section 5.3.5), in the order in which its keys are added.
    pub(crate) fn expand_inverse(self, key: &[u8; BLOCK]) -> RoundKeys {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { expand_inverse(self, key) }
    }

    pub(crate) fn encrypt_block(self, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { encrypt_block(self, keys, block) }
    }

    pub(crate) fn decrypt_block(self, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { decrypt_block(self, keys, block) }
    }
}

passes!(AesNi, "aes,sse4.1");

/// One word of a round key comes from S-boxes of the word before it, rotated; the last round of AES does both when all
/// columns are that word, as rows of equal bytes do not change when they shift.
#[target_feature(enable = "aes,sse4.1")]
fn expand(engine: AesNi, key: &[u8; BLOCK]) -> RoundKeys {
    let rotated_last_word = _mm_set1_epi32(0x0c0f_0e0d);
    let mut blocks = [*key; 11];
    let mut round_key = engine.load(key);
    for (block, constant) in blocks[1..].iter_mut().zip([0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36]) {
        let word = _mm_shuffle_epi8(round_key, rotated_last_word);
        let word = _mm_aesenclast_si128(word, _mm_set1_epi32(constant));
        let sums = _mm_xor_si128(round_key, _mm_slli_si128::<4>(round_key));
        let sums = _mm_xor_si128(sums, _mm_slli_si128::<8>(sums));
        round_key = _mm_xor_si128(sums, word);
        engine.store(round_key, block);
    }
    RoundKeys::new(blocks)
}

#[target_feature(enable = "aes,sse4.1")]
fn expand_inverse(engine: AesNi, key: &[u8; BLOCK]) -> RoundKeys {
    let keys = expand(engine, key);
    let mut blocks = *keys.blocks();
    blocks.reverse();
    for block in &mut blocks[1..10] {
        engine.store(_mm_aesimc_si128(engine.load(block)), block);
    }
    RoundKeys::new(blocks)
}

#[target_feature(enable = "aes,sse4.1")]
fn encrypt_block(engine: AesNi, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
    let mut state = [engine.load(block)];
    engine.encrypt(&mut state, &keys.blocks().map(|key| engine.load(&key)), 0);
    engine.store(state[0], block);
}

/// The equivalent inverse cipher of FIPS 197 section 5.3.5, whose keys are made on the way.
#[target_feature(enable = "aes,sse4.1")]
fn decrypt_block(engine: AesNi, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
    let keys = keys.blocks().map(|key| engine.load(&key));
    let mut state = _mm_xor_si128(engine.load(block), keys[10]);
    for key in keys[1..10].iter().rev() {
        state = _mm_aesdec_si128(state, _mm_aesimc_si128(*key));
    }
    engine.store(_mm_aesdeclast_si128(state, keys[0]), block);
}

// What is inlined into code for a certain processor is compiled for that processor. SAFETY below: the processor has the
// features, as `self` exists.
#[allow(clippy::inline_always)]
impl Engine for AesNi {
    type Vector = __m128i;
    const BYTES: usize = 16;
    const STREAMS: bool = true;

    #[inline(always)]
    fn load(self, from: &[u8]) -> __m128i {
        let from: *const [u8; 16] = from.first_chunk().expect("a vector is 16 bytes");
        // SAFETY: 16 bytes that are borrowed.
        unsafe { _mm_loadu_si128(from.cast()) }
    }

    #[inline(always)]
    fn store(self, vector: __m128i, to: &mut [u8]) {
        let to: *mut [u8; 16] = to.first_chunk_mut().expect("a vector is 16 bytes");
        // SAFETY: 16 bytes that are borrowed mutably.
        unsafe { _mm_storeu_si128(to.cast(), vector) }
    }

    #[inline(always)]
    fn gather(self, from: &[u8], _: usize, at: usize) -> __m128i {
        self.load(&from[at..])
    }

    #[inline(always)]
    fn scatter(self, vector: __m128i, to: &mut [u8], _: usize, at: usize) {
        self.store(vector, &mut to[at..]);
    }

    #[inline(always)]
    unsafe fn stream(self, vector: __m128i, to: &mut [u8]) {
        let to: *mut [u8; 16] = to.first_chunk_mut().expect("a vector is 16 bytes");
        assert!(to.addr().is_multiple_of(16));
        // SAFETY: 16 aligned bytes that are borrowed mutably; the caller fences.
        unsafe { _mm_stream_si128(to.cast(), vector) }
    }

    #[inline(always)]
    fn fence(self) {
        // SAFETY: SSE is part of SSE4.1.
        unsafe { _mm_sfence() }
    }

    #[inline(always)]
    fn broadcast(self, block: &[u8; BLOCK]) -> __m128i {
        self.load(block)
    }

    #[inline(always)]
    fn xor(self, a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        unsafe { _mm_xor_si128(a, b) }
    }

    #[inline(always)]
    fn follow(self, before: __m128i, _: __m128i) -> __m128i {
        before
    }

    #[inline(always)]
    fn numbers_apart(self, first: Counter, _: u64) -> __m128i {
        let iv = i64::from_ne_bytes(first.iv);
        // SAFETY: as `self` exists.
        unsafe { _mm_set_epi64x(first.count.cast_signed(), iv) }
    }

    #[inline(always)]
    fn plus(self, numbers: __m128i, blocks: u64) -> __m128i {
        // SAFETY: as `self` exists.
        let blocks = unsafe { _mm_set_epi64x(blocks.cast_signed(), 0) };
        // SAFETY: as `self` exists.
        unsafe { _mm_add_epi64(numbers, blocks) }
    }

    #[inline(always)]
    fn blocks(self, numbers: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        let order = unsafe { _mm_set_epi64x(SWAPPED, KEPT) };
        // SAFETY: as `self` exists.
        unsafe { _mm_shuffle_epi8(numbers, order) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, states: &mut [__m128i; N], keys: &[__m128i; 11], from: usize) {
        super::encrypt(self, states, keys, from);
    }

    #[inline(always)]
    fn decrypt<const N: usize>(
        self,
        states: &mut [__m128i; N],
        keys: &[__m128i; 11],
        between: &mut impl Between<Self>,
    ) {
        super::decrypt(self, states, keys, between);
    }

    #[inline(always)]
    fn first_two_rounds(self, state: __m128i, keys: &[__m128i; 11]) -> __m128i {
        super::first_two_rounds(self, state, keys)
    }
}

#[allow(clippy::inline_always)]
impl Rounds for AesNi {
    #[inline(always)]
    fn round(self, state: __m128i, key: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        unsafe { _mm_aesenc_si128(state, key) }
    }

    #[inline(always)]
    fn last_round(self, state: __m128i, key: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        unsafe { _mm_aesenclast_si128(state, key) }
    }

    #[inline(always)]
    fn inverse_round(self, state: __m128i, key: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        unsafe { _mm_aesdec_si128(state, key) }
    }

    #[inline(always)]
    fn last_inverse_round(self, state: __m128i, key: __m128i) -> __m128i {
        // SAFETY: as `self` exists.
        unsafe { _mm_aesdeclast_si128(state, key) }
    }
}
