//! The kernels of x86 processors, in 32 and 64 bits.

mod aes_ni;
mod vaes256;
mod vaes512;

pub(crate) use aes_ni::AesNi;
pub(crate) use vaes256::Vaes256;
pub(crate) use vaes512::Vaes512;

use super::engine::{Between, Engine, ROUNDS_BETWEEN};
use super::pass::FLIGHT;
use crate::BLOCK;

/// The order of the lower 8 bytes of a block: the IV's, which stay.
const KEPT: i64 = 0x0706_0504_0302_0100;
/// The order of the upper 8 bytes: Count's, the most significant first.
const SWAPPED: i64 = 0x0809_0a0b_0c0d_0e0f;

/// The rounds as AESENC does them: the key is added behind the round.
trait Rounds: Engine {
    /// A round with all its steps.
    fn round(self, state: Self::Vector, key: Self::Vector) -> Self::Vector;
    /// A round without the mixing of columns.
    fn last_round(self, state: Self::Vector, key: Self::Vector) -> Self::Vector;
    /// A round of the equivalent inverse cipher with all its steps.
    fn inverse_round(self, state: Self::Vector, key: Self::Vector) -> Self::Vector;
    /// A round of the equivalent inverse cipher without the mixing of columns.
    fn last_inverse_round(self, state: Self::Vector, key: Self::Vector) -> Self::Vector;
}

/// See [`Engine::encrypt`].
// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always)]
#[inline(always)]
fn encrypt<E: Rounds, const N: usize>(engine: E, states: &mut [E::Vector; N], keys: &[E::Vector; 11], from: usize) {
    for state in states.iter_mut() {
        *state = engine.xor(*state, keys[from]);
    }
    for key in &keys[from + 1..10] {
        for state in states.iter_mut() {
            *state = engine.round(*state, *key);
        }
    }
    for state in states {
        *state = engine.last_round(*state, keys[10]);
    }
}

/// Takes all vectors through a round.
#[allow(clippy::inline_always)]
#[inline(always)]
fn inverse_round<E: Rounds, const N: usize>(engine: E, states: &mut [E::Vector; N], key: E::Vector) {
    for state in states.iter_mut() {
        *state = engine.inverse_round(*state, key);
    }
}

/// See [`Engine::decrypt`].
#[allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "closures are not inlined so, nor what takes them"
)]
#[inline(always)]
fn decrypt<E: Rounds, const N: usize>(
    engine: E,
    states: &mut [E::Vector; N],
    keys: &[E::Vector; 11],
    between: &mut impl Between<E>,
) {
    for state in states.iter_mut() {
        *state = engine.xor(*state, keys[0]);
    }
    // A loop, where there are many vectors, keeps the compiler from taking one vector through all rounds before the next:
    // the processor would wait for each. Where there are few, the loop costs more than it saves.
    if N >= FLIGHT {
        for round in 1..=ROUNDS_BETWEEN {
            inverse_round(engine, states, keys[round]);
            between.work(engine);
        }
    } else {
        inverse_round(engine, states, keys[1]);
        inverse_round(engine, states, keys[2]);
        inverse_round(engine, states, keys[3]);
        inverse_round(engine, states, keys[4]);
        inverse_round(engine, states, keys[5]);
        inverse_round(engine, states, keys[6]);
        inverse_round(engine, states, keys[7]);
        inverse_round(engine, states, keys[8]);
        inverse_round(engine, states, keys[9]);
        for _ in 0..ROUNDS_BETWEEN {
            between.work(engine);
        }
    }
    for state in states {
        *state = engine.last_inverse_round(*state, keys[10]);
    }
}

/// See [`Engine::first_two_rounds`].
#[allow(clippy::inline_always)]
#[inline(always)]
fn first_two_rounds<E: Rounds>(engine: E, state: E::Vector, keys: &[E::Vector; 11]) -> E::Vector {
    let state = engine.round(engine.xor(state, keys[0]), keys[1]);
    engine.round(state, engine.broadcast(&[0; BLOCK]))
}
