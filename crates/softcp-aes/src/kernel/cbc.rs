//! CBC decryption (NIST SP 800-38A section 6.2), in any instruction set.
//!
//! A block of plaintext is its block of ciphertext decrypted, XOR the block of ciphertext before: blocks do not wait for each
//! other.

// What is inlined into code for a certain processor is compiled for that processor. Closures are not, nor what takes them:
// hence loops, and indices.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use aes::cipher::inout::InOutBuf;

use super::engine::{Engine, MAX_BYTES, Nothing};
use super::lanes::{Columns, Contiguous, Lanes};
use super::pass::{FLIGHT, broadcast, prefetch_ahead};
use super::plan::Access;
use super::prefetch;
use super::sections::{self, Mode, VectorMode};
use crate::BLOCK;
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// See [`super::decrypt`]. `keys` are those of the equivalent inverse cipher.
#[inline(always)]
pub(super) fn run<E: Engine>(
    engine: E,
    keys: &RoundKeys,
    iv: [u8; BLOCK],
    access: Access,
    sections: Sections<'_, '_, '_>,
) {
    let iv = engine.broadcast(&iv);
    let ahead = access == Access::Prefetch;
    let mut cbc = Cbc { engine, keys: broadcast(engine, keys), iv, chain: iv, column: iv, ahead };
    sections::run(&mut cbc, access, sections);
}

/// See [`super::rounds_alone`].
#[inline(always)]
pub(super) fn rounds_alone<E: Engine>(engine: E, keys: &RoundKeys, blocks: usize) -> [u8; BLOCK] {
    let keys = broadcast(engine, keys);
    let mut states = [keys[0]; FLIGHT];
    for _ in 0..blocks.div_ceil(FLIGHT * E::BYTES / BLOCK) {
        engine.decrypt(&mut states, &keys, &mut Nothing);
    }
    let mut sum = states[0];
    for i in 1..FLIGHT {
        sum = engine.xor(sum, states[i]);
    }
    let mut bytes = [0; MAX_BYTES];
    engine.store(sum, &mut bytes);
    *bytes.first_chunk().expect("a vector has a block")
}

struct Cbc<E: Engine> {
    engine: E,
    keys: [E::Vector; 11],
    iv: E::Vector,
    /// The last block of the vector is the block of ciphertext before the next one.
    chain: E::Vector,
    /// The blocks of ciphertext before those of the next column.
    column: E::Vector,
    ahead: bool,
}

impl<E: Engine> Cbc<E> {
    /// Takes the first `N` vectors and returns the rest.
    #[inline(always)]
    fn vectors<'i, 'o, const N: usize>(&mut self, data: InOutBuf<'i, 'o, u8>) -> InOutBuf<'i, 'o, u8> {
        let (vectors, rest) = data.split_at(N * E::BYTES);
        if self.ahead {
            prefetch_ahead(vectors.get_in(), prefetch::to_write);
        }
        self.flight::<N>(Contiguous(vectors));
        rest
    }

    /// Takes the next blocks, fewer than a vector has and at least one.
    #[inline(always)]
    fn part(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        let ciphertext = self.engine.load_part(data.get_in());
        let last = data.get_in().last_chunk().expect("there is a block");
        let chain = self.engine.broadcast(last);
        let mut states = [ciphertext];
        self.engine.decrypt(&mut states, &self.keys, &mut Nothing);
        let plaintext = self.engine.xor(states[0], self.engine.follow(self.chain, ciphertext));
        self.engine.store_part(plaintext, data.get_out());
        self.chain = chain;
    }
}

impl<E: Engine> Mode for Cbc<E> {
    #[inline(always)]
    fn restart(&mut self) {
        self.chain = self.iv;
    }

    #[inline(always)]
    fn blocks(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        while data.len() >= FLIGHT * E::BYTES {
            data = self.vectors::<FLIGHT>(data);
        }
        if data.len() >= FLIGHT / 2 * E::BYTES {
            data = self.vectors::<{ FLIGHT / 2 }>(data);
        }
        while data.len() >= E::BYTES {
            data = self.vectors::<1>(data);
        }
        if !data.is_empty() {
            self.part(data);
        }
    }
}

impl<E: Engine> VectorMode<E> for Cbc<E> {
    #[inline(always)]
    fn engine(&self) -> E {
        self.engine
    }

    #[inline(always)]
    fn is_at_block(&self) -> bool {
        true
    }

    #[inline(always)]
    fn flight<const N: usize>(&mut self, mut lanes: impl Lanes<E, N>) {
        let mut ciphertext = [self.chain; N];
        for i in 0..N {
            ciphertext[i] = lanes.load(self.engine, i);
        }
        let mut states = ciphertext;
        self.engine.decrypt(&mut states, &self.keys, &mut lanes);
        states[0] = self.engine.xor(states[0], self.engine.follow(self.chain, ciphertext[0]));
        for i in 1..N {
            states[i] = self.engine.xor(states[i], lanes.before(self.engine, i, &ciphertext));
        }
        for i in 0..N {
            lanes.store(self.engine, i, states[i]);
        }
        self.chain = ciphertext[N - 1];
    }

    #[inline(always)]
    fn begin_columns(&mut self, last: E::Vector, _: usize) {
        self.column = self.engine.follow(self.chain, last);
        self.chain = last;
    }

    #[inline(always)]
    fn columns<const N: usize>(&mut self, mut columns: Columns<'_, '_>) {
        let mut ciphertext = [self.column; N];
        for i in 0..N {
            ciphertext[i] = columns.load(self.engine, i);
        }
        let mut states = ciphertext;
        self.engine.decrypt(&mut states, &self.keys, &mut Nothing);
        states[0] = self.engine.xor(states[0], self.column);
        for i in 1..N {
            states[i] = self.engine.xor(states[i], ciphertext[i - 1]);
        }
        for i in 0..N {
            columns.store(self.engine, i, states[i]);
        }
        self.column = ciphertext[N - 1];
    }

    #[inline(always)]
    fn end_columns(&mut self) {}
}
