//! Where the blocks of vectors lie in memory.

// What is inlined into code for a certain processor is compiled for that processor. Closures are not, nor what takes them:
// hence loops, and indices.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use aes::cipher::inout::InOutBuf;

use super::engine::{Between, Engine};
use super::pass::LINE;
use super::stage::Outflow;
use crate::BLOCK;

/// `N` vectors of blocks that are consecutive in the chain of their mode.
///
/// What there is to do [`Between`] the rounds comes before vectors are stored.
pub(super) trait Lanes<E: Engine, const N: usize>: Between<E> {
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

impl<E: Engine> Between<E> for Contiguous<'_, '_> {
    #[inline(always)]
    fn work(&mut self, _: E) {}
}

/// The first blocks of periods, as many periods as the vectors have blocks. From one place to another, the periods have been
/// copied, and the blocks are written over their copies.
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

impl<E: Engine> Between<E> for Strided<'_, '_> {
    #[inline(always)]
    fn work(&mut self, _: E) {}
}

/// Other lanes, with lines to stream meanwhile.
pub(super) struct Flowing<'f, 's, 'd, L> {
    pub(super) lanes: L,
    pub(super) outflow: &'f mut Outflow<'s, 'd>,
}

impl<E: Engine, L: Lanes<E, N>, const N: usize> Lanes<E, N> for Flowing<'_, '_, '_, L> {
    #[inline(always)]
    fn load(&self, engine: E, i: usize) -> E::Vector {
        self.lanes.load(engine, i)
    }

    #[inline(always)]
    fn before(&self, engine: E, i: usize, loaded: &[E::Vector; N]) -> E::Vector {
        self.lanes.before(engine, i, loaded)
    }

    #[inline(always)]
    fn store(&mut self, engine: E, i: usize, vector: E::Vector) {
        self.lanes.store(engine, i, vector);
    }
}

impl<E: Engine, L> Between<E> for Flowing<'_, '_, '_, L> {
    #[inline(always)]
    fn work(&mut self, engine: E) {
        self.outflow.stream(engine, 1);
    }
}

/// Copies whole lines, and streams as many.
#[inline(always)]
pub(super) fn copy_lines<E: Engine>(engine: E, source: &[u8], destination: &mut [u8], outflow: &mut Outflow<'_, '_>) {
    let (source, _) = source.as_chunks::<LINE>();
    let (destination, _) = destination.as_chunks_mut::<LINE>();
    for line in 0..source.len().min(destination.len()) {
        copy_line(engine, &source[line], &mut destination[line]);
        outflow.stream(engine, 1);
    }
}

#[inline(always)]
fn copy_line<E: Engine>(engine: E, from: &[u8; LINE], to: &mut [u8; LINE]) {
    for at in (0..LINE).step_by(E::BYTES) {
        engine.store(engine.load(&from[at..]), &mut to[at..]);
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
