//! Where the blocks of vectors lie in memory.

// What is inlined into code for a certain processor is compiled for that processor.
#![allow(clippy::inline_always)]

use aes::cipher::inout::InOutBuf;

use super::engine::Engine;
use crate::BLOCK;

/// `N` vectors of blocks that are consecutive in the chain of their mode.
pub(super) trait Lanes<E: Engine, const N: usize> {
    /// Vector `i` of the source.
    fn load(&self, engine: E, i: usize) -> E::Vector;
    /// For each block of vector `i`, which is not the first, the block before it. All vectors of the source are `loaded`;
    /// none has been stored.
    fn before(&self, engine: E, i: usize, loaded: &[E::Vector; N]) -> E::Vector;
    /// Writes vector `i` of the destination.
    fn store(&mut self, engine: E, i: usize, vector: E::Vector);
}

/// Vectors that lie one after the other.
pub(super) struct Contiguous<'i, 'o>(pub(super) InOutBuf<'i, 'o, u8>);

impl<E: Engine, const N: usize> Lanes<E, N> for Contiguous<'_, '_> {
    #[inline(always)]
    fn load(&self, engine: E, i: usize) -> E::Vector {
        engine.load(&self.0.get_in()[i * E::BYTES..])
    }

    /// Loads them: registers are scarce.
    #[inline(always)]
    fn before(&self, engine: E, i: usize, _: &[E::Vector; N]) -> E::Vector {
        engine.load(&self.0.get_in()[i * E::BYTES - BLOCK..])
    }

    #[inline(always)]
    fn store(&mut self, engine: E, i: usize, vector: E::Vector) {
        engine.store(vector, &mut self.0.get_out()[i * E::BYTES..]);
    }
}

/// The first blocks of periods, as many periods as the vectors have blocks.
pub(super) struct Strided<'i, 'o> {
    pub(super) data: InOutBuf<'i, 'o, u8>,
    pub(super) period: usize,
}

impl<E: Engine, const N: usize> Lanes<E, N> for Strided<'_, '_> {
    #[inline(always)]
    fn load(&self, engine: E, i: usize) -> E::Vector {
        let span = E::BYTES / BLOCK * self.period;
        engine.gather(&self.data.get_in()[i * span..][..span], self.period, 0)
    }

    #[inline(always)]
    fn before(&self, engine: E, i: usize, loaded: &[E::Vector; N]) -> E::Vector {
        engine.follow(loaded[i - 1], loaded[i])
    }

    #[inline(always)]
    fn store(&mut self, engine: E, i: usize, vector: E::Vector) {
        let span = E::BYTES / BLOCK * self.period;
        engine.scatter(vector, &mut self.data.get_out()[i * span..][..span], self.period, 0);
    }
}

/// Blocks at the same place in each of as many periods as a vector has blocks, from byte `at` of the periods on.
pub(super) struct Columns<'i, 'o> {
    pub(super) data: InOutBuf<'i, 'o, u8>,
    pub(super) period: usize,
    pub(super) at: usize,
}

impl Columns<'_, '_> {
    /// Block `i` of each period in the source.
    #[inline(always)]
    pub(super) fn load<E: Engine>(&self, engine: E, i: usize) -> E::Vector {
        engine.gather(self.data.get_in(), self.period, self.at + i * BLOCK)
    }

    /// Writes block `i` of each period in the destination.
    #[inline(always)]
    pub(super) fn store<E: Engine>(&mut self, engine: E, i: usize, vector: E::Vector) {
        engine.scatter(vector, self.data.get_out(), self.period, self.at + i * BLOCK);
    }
}
