//! The cryptographic extension of Armv8: vectors of one block.

#![allow(clippy::wildcard_imports, reason = "the intrinsics")]

use core::arch::aarch64::*;
use core::array;

use super::engine::{Between, Engine, ROUNDS_BETWEEN};
use super::{Access, Plan, Span, StreamPosition, cbc, pass};
use crate::BLOCK;
use crate::counter::Counter;
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// A processor with the AES instructions of Armv8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Armv8(());

impl Armv8 {
    pub(crate) fn new() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("aes").then_some(Self(()))
    }

    /// The key schedule of FIPS 197 section 5.2.
    pub(crate) fn expand(self, key: &[u8; BLOCK]) -> RoundKeys {
        // SAFETY: the processor has the features, as `self` exists.
        unsafe { expand(key) }
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

passes!(Armv8, "neon,aes");

#[target_feature(enable = "neon,aes")]
fn expand(key: &[u8; BLOCK]) -> RoundKeys {
    let mut words: [u32; 4] =
        array::from_fn(|i| u32::from_le_bytes([key[4 * i], key[4 * i + 1], key[4 * i + 2], key[4 * i + 3]]));
    let mut round_constant = 1u8;
    RoundKeys::new(array::from_fn(|round| {
        if round != 0 {
            words[0] ^= s_boxes(words[3].rotate_right(8)) ^ u32::from(round_constant);
            for i in 1..4 {
                words[i] ^= words[i - 1];
            }
            round_constant = (round_constant << 1) ^ if round_constant & 0x80 == 0 { 0 } else { 0x1b };
        }
        array::from_fn(|i| words[i / 4].to_le_bytes()[i % 4])
    }))
}

#[target_feature(enable = "neon,aes")]
fn expand_inverse(engine: Armv8, key: &[u8; BLOCK]) -> RoundKeys {
    let keys = expand(key);
    let mut blocks = *keys.blocks();
    blocks.reverse();
    for block in &mut blocks[1..10] {
        engine.store(vaesimcq_u8(engine.load(block)), block);
    }
    RoundKeys::new(blocks)
}

/// The S-box of each byte. All columns are `word`, and rows of equal bytes do not change when they shift.
#[target_feature(enable = "neon,aes")]
fn s_boxes(word: u32) -> u32 {
    let state = vaeseq_u8(vreinterpretq_u8_u32(vdupq_n_u32(word)), vdupq_n_u8(0));
    vgetq_lane_u32::<0>(vreinterpretq_u32_u8(state))
}

#[target_feature(enable = "neon,aes")]
fn encrypt_block(engine: Armv8, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
    let mut state = [engine.load(block)];
    engine.encrypt(&mut state, &keys.blocks().map(|key| engine.load(&key)), 0);
    engine.store(state[0], block);
}

/// The equivalent inverse cipher of FIPS 197 section 5.3.5, whose keys are made on the way.
#[target_feature(enable = "neon,aes")]
fn decrypt_block(engine: Armv8, keys: &RoundKeys, block: &mut [u8; BLOCK]) {
    let keys = keys.blocks().map(|key| engine.load(&key));
    let mut state = vaesimcq_u8(vaesdq_u8(engine.load(block), keys[10]));
    for key in keys[2..10].iter().rev() {
        state = vaesimcq_u8(vaesdq_u8(state, vaesimcq_u8(*key)));
    }
    state = vaesdq_u8(state, vaesimcq_u8(keys[1]));
    engine.store(veorq_u8(state, keys[0]), block);
}

// What is inlined into code for a certain processor is compiled for that processor. SAFETY below: the processor has the
// features, as `self` exists.
#[allow(clippy::inline_always)]
impl Engine for Armv8 {
    type Vector = uint8x16_t;
    const BYTES: usize = 16;
    const STREAMS: bool = false;

    #[inline(always)]
    fn load(self, from: &[u8]) -> uint8x16_t {
        let from: *const [u8; 16] = from.first_chunk().expect("a vector is 16 bytes");
        // SAFETY: 16 bytes that are borrowed.
        unsafe { vld1q_u8(from.cast()) }
    }

    #[inline(always)]
    fn store(self, vector: uint8x16_t, to: &mut [u8]) {
        let to: *mut [u8; 16] = to.first_chunk_mut().expect("a vector is 16 bytes");
        // SAFETY: 16 bytes that are borrowed mutably.
        unsafe { vst1q_u8(to.cast(), vector) }
    }

    #[inline(always)]
    fn gather(self, from: &[u8], _: usize, at: usize) -> uint8x16_t {
        self.load(&from[at..])
    }

    #[inline(always)]
    fn scatter(self, vector: uint8x16_t, to: &mut [u8], _: usize, at: usize) {
        self.store(vector, &mut to[at..]);
    }

    #[inline(always)]
    unsafe fn stream(self, vector: uint8x16_t, to: &mut [u8]) {
        self.store(vector, to);
    }

    #[inline(always)]
    fn fence(self) {}

    #[inline(always)]
    fn broadcast(self, block: &[u8; BLOCK]) -> uint8x16_t {
        self.load(block)
    }

    #[inline(always)]
    fn xor(self, a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        // SAFETY: as `self` exists.
        unsafe { veorq_u8(a, b) }
    }

    #[inline(always)]
    fn follow(self, before: uint8x16_t, _: uint8x16_t) -> uint8x16_t {
        before
    }

    /// The bytes of both halves are the other way round.
    #[inline(always)]
    fn numbers_apart(self, first: Counter, _: u64) -> uint8x16_t {
        // SAFETY: as `self` exists.
        let iv = unsafe { vcreate_u64(u64::from_be_bytes(first.iv)) };
        // SAFETY: as `self` exists.
        let count = unsafe { vcreate_u64(first.count) };
        // SAFETY: as `self` exists.
        let both = unsafe { vcombine_u64(iv, count) };
        // SAFETY: as `self` exists.
        unsafe { vreinterpretq_u8_u64(both) }
    }

    #[inline(always)]
    fn plus(self, numbers: uint8x16_t, blocks: u64) -> uint8x16_t {
        // SAFETY: as `self` exists.
        let none = unsafe { vcreate_u64(0) };
        // SAFETY: as `self` exists.
        let blocks = unsafe { vcreate_u64(blocks) };
        // SAFETY: as `self` exists.
        let both = unsafe { vcombine_u64(none, blocks) };
        // SAFETY: as `self` exists.
        let numbers = unsafe { vreinterpretq_u64_u8(numbers) };
        // SAFETY: as `self` exists.
        let sum = unsafe { vaddq_u64(numbers, both) };
        // SAFETY: as `self` exists.
        unsafe { vreinterpretq_u8_u64(sum) }
    }

    #[inline(always)]
    fn blocks(self, numbers: uint8x16_t) -> uint8x16_t {
        // SAFETY: as `self` exists.
        unsafe { vrev64q_u8(numbers) }
    }

    #[inline(always)]
    fn encrypt<const N: usize>(self, states: &mut [uint8x16_t; N], keys: &[uint8x16_t; 11], from: usize) {
        // SAFETY: as `self` exists.
        unsafe { encrypt(states, keys, from) }
    }

    #[inline(always)]
    fn decrypt<const N: usize>(
        self,
        states: &mut [uint8x16_t; N],
        keys: &[uint8x16_t; 11],
        between: &mut impl Between<Self>,
    ) {
        // SAFETY: as `self` exists.
        unsafe { decrypt(self, states, keys, between) }
    }

    #[inline(always)]
    fn first_two_rounds(self, state: uint8x16_t, keys: &[uint8x16_t; 11]) -> uint8x16_t {
        // SAFETY: as `self` exists.
        unsafe { first_two_rounds(state, keys) }
    }
}

/// AESE adds the key before the round, not after it.
#[target_feature(enable = "neon,aes")]
#[inline]
fn encrypt<const N: usize>(states: &mut [uint8x16_t; N], keys: &[uint8x16_t; 11], from: usize) {
    for key in &keys[from..9] {
        for state in states.iter_mut() {
            *state = vaesmcq_u8(vaeseq_u8(*state, *key));
        }
    }
    for state in states {
        *state = veorq_u8(vaeseq_u8(*state, keys[9]), keys[10]);
    }
}

/// AESD adds the key before the round, not after it.
#[target_feature(enable = "neon,aes")]
#[inline]
fn decrypt<const N: usize>(
    engine: Armv8,
    states: &mut [uint8x16_t; N],
    keys: &[uint8x16_t; 11],
    between: &mut impl Between<Armv8>,
) {
    for key in &keys[..ROUNDS_BETWEEN] {
        for state in states.iter_mut() {
            *state = vaesimcq_u8(vaesdq_u8(*state, *key));
        }
        between.work(engine);
    }
    for state in states {
        *state = veorq_u8(vaesdq_u8(*state, keys[9]), keys[10]);
    }
}

#[target_feature(enable = "neon,aes")]
#[inline]
fn first_two_rounds(state: uint8x16_t, keys: &[uint8x16_t; 11]) -> uint8x16_t {
    let state = vaesmcq_u8(vaeseq_u8(state, keys[0]));
    vaesmcq_u8(vaeseq_u8(state, keys[1]))
}
