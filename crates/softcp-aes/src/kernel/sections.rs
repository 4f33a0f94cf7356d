//! The pass over the sections of a sample, in any instruction set and either mode.
//!
//! What is encrypted is read from the source and written to the destination by a [`Mode`]; what is clear is copied. A pattern
//! with few encrypted blocks is taken some periods at a time: all bytes are copied, and the encrypted blocks, gathered into
//! vectors, are written over their copies. Large samples are written past the caches in the same way, with a small memory as
//! the first destination, whose whole lines are then streamed.

// What is inlined into code for a certain processor is compiled for that processor. Closures are not, nor what takes them.
#![allow(clippy::inline_always)]

use aes::cipher::inout::InOutBuf;
use zeroize::optimization_barrier;

use super::engine::Engine;
use super::lanes::{Columns, Contiguous, Flowing, Lanes, Strided, copy_lines};
use super::pass::{FLIGHT, copy};
use super::plan::Access;
use super::stage::{self, Fill, Outflow, Stage};
use crate::BLOCK;
use crate::region::Stripes;
use crate::section::{Section, Sections, SplitBlock};

/// A mode of operation of AES, at its place in a chain of blocks.
pub(super) trait Mode {
    /// A region begins whose chain does not go on from the one before.
    fn restart(&mut self);
    /// Takes whole consecutive blocks.
    fn blocks(&mut self, data: InOutBuf<'_, '_, u8>);

    /// Takes whole periods of a pattern, one by one.
    #[inline(always)]
    fn periods(&mut self, mut data: InOutBuf<'_, '_, u8>, Stripes { encrypted, period }: Stripes) {
        while !data.is_empty() {
            let (blocks, rest) = data.split_at(encrypted);
            let (clear, rest) = rest.split_at(period - encrypted);
            self.blocks(blocks);
            copy(clear);
            data = rest;
        }
    }

    /// Takes the next block, whose bytes do not lie together.
    #[inline(always)]
    fn split(&mut self, mut block: SplitBlock<'_>) {
        let mut bytes = block.read();
        self.blocks((&mut bytes[..]).into());
        block.write(&bytes);
        bytes = [0; BLOCK];
        optimization_barrier(&bytes);
    }
}

/// A mode that takes blocks in vectors, from places that need not be consecutive, too.
pub(super) trait VectorMode<E: Engine>: Mode {
    fn engine(&self) -> E;
    /// Whether a whole block comes next.
    fn is_at_block(&self) -> bool;
    /// Takes the next `N` vectors of blocks that are consecutive in the chain.
    fn flight<const N: usize>(&mut self, lanes: impl Lanes<E, N>);
    /// Begins with as many periods as a vector has blocks. `last` are their last encrypted blocks, of `blocks` in each.
    fn begin_columns(&mut self, last: E::Vector, blocks: usize);
    /// Takes the next `N` blocks of each of these periods.
    fn columns<const N: usize>(&mut self, columns: Columns<'_, '_>);
    /// All blocks of these periods have been taken.
    fn end_columns(&mut self);
}

/// Vectors of one period's encrypted blocks from which on they are taken by themselves rather than with other periods'.
const LONG_RUN: usize = 4;

/// Bytes of the periods of a vector up to which they are copied before their encrypted blocks are written over the copies.
const TOGETHER: usize = 8 << 10;
/// Flights whose periods are copied together, at least.
const FLIGHTS: usize = 3;

/// Source and destination are split alike.
const ONE_LENGTH: &str = "both are of one length";

/// Copies `sections`, the encrypted ones in `mode`.
#[inline(always)]
pub(super) fn run<E: Engine>(mode: &mut impl VectorMode<E>, access: Access, sections: Sections<'_, '_, '_>) {
    if access == Access::Streaming && E::STREAMS {
        let mut stage = Stage::EMPTY;
        for section in sections {
            streamed(mode, &mut stage, section);
        }
        mode.engine().fence();
        stage.wipe();
    } else {
        for section in sections {
            cached(mode, section);
        }
    }
}

#[inline(always)]
fn cached<E: Engine>(mode: &mut impl VectorMode<E>, section: Section<'_>) {
    match section {
        Section::Restart => mode.restart(),
        Section::Clear(data) => copy(data),
        Section::Blocks(data) => mode.blocks(data),
        Section::Stripes(data, stripes) => periods(mode, data, stripes, &mut Outflow::none()),
        Section::Split(block) => mode.split(block),
    }
}

/// As [`cached`], past the caches where there are enough lines.
#[inline(always)]
fn streamed<E: Engine>(mode: &mut impl VectorMode<E>, stage: &mut Stage, section: Section<'_>) {
    let engine = mode.engine();
    match section {
        Section::Clear(data) if data.len() >= stage::WORTHWHILE => stage::copy(engine, data),
        Section::Blocks(data) if data.len() >= stage::WORTHWHILE => {
            let step = stage::SIZE - stage::SIZE % (FLIGHT * E::BYTES);
            stage.fill(engine, data, step, &mut Filling { mode, stripes: None });
        }
        Section::Stripes(data, stripes) if data.len() >= stage::WORTHWHILE && stripes.period <= stage::SIZE => {
            let step = periods_within::<E>(stage::SIZE, stripes);
            stage.fill(engine, data, step, &mut Filling { mode, stripes: Some(stripes) });
        }
        section => cached(mode, section),
    }
}

/// Blocks, or whole periods, that go to a stage.
struct Filling<'m, M> {
    mode: &'m mut M,
    stripes: Option<Stripes>,
}

impl<E: Engine, M: VectorMode<E>> Fill<E> for Filling<'_, M> {
    #[inline(always)]
    fn fill(&mut self, source: &[u8], destination: &mut [u8], outflow: &mut Outflow<'_, '_>) {
        let mut data = InOutBuf::new(source, destination).expect(ONE_LENGTH);
        if let Some(stripes) = self.stripes {
            return periods(self.mode, data, stripes, outflow);
        }
        while data.len() >= FLIGHT * E::BYTES && self.mode.is_at_block() {
            let (now, rest) = data.split_at(FLIGHT * E::BYTES);
            self.mode.flight::<FLIGHT>(Flowing { lanes: Contiguous(now), outflow });
            data = rest;
        }
        self.mode.blocks(data);
    }
}

/// Bytes of whole periods, of at most `limit` bytes, that are best taken together. A period is not longer than that.
#[inline(always)]
fn periods_within<E: Engine>(limit: usize, Stripes { encrypted, period }: Stripes) -> usize {
    let span = E::BYTES / BLOCK * period;
    let flight = if encrypted == BLOCK { FLIGHT * span } else { span };
    let unit = if flight <= limit {
        flight
    } else if span <= limit {
        span
    } else {
        period
    };
    limit / unit * unit
}

/// Takes whole periods of a pattern, and streams `outflow` meanwhile.
#[inline(always)]
fn periods<E: Engine>(
    mode: &mut impl VectorMode<E>,
    mut data: InOutBuf<'_, '_, u8>,
    stripes: Stripes,
    outflow: &mut Outflow<'_, '_>,
) {
    let Stripes { encrypted, period } = stripes;
    let span = E::BYTES / BLOCK * period;
    if mode.is_at_block() && span <= TOGETHER && encrypted < LONG_RUN * E::BYTES {
        let (mut now, rest) = {
            let whole = data.len() - data.len() % span;
            data.split_at(whole)
        };
        match (encrypted == BLOCK, stage::is_in_place(&mut now)) {
            (true, true) => strided(mode, now, period),
            (true, false) => strided_copy(mode, now, period, outflow),
            (false, _) => columns(mode, now, stripes),
        }
        data = rest;
    }
    mode.periods(data, stripes);
}

/// Takes the blocks of whole vectors of periods with one block each, where they are.
#[inline(always)]
fn strided<E: Engine>(mode: &mut impl VectorMode<E>, mut data: InOutBuf<'_, '_, u8>, period: usize) {
    let span = E::BYTES / BLOCK * period;
    while data.len() >= FLIGHT * span {
        let (now, rest) = data.split_at(FLIGHT * span);
        mode.flight::<FLIGHT>(Strided { data: now, period });
        data = rest;
    }
    few_strided(mode, data, period);
}

/// As [`strided`], of fewer periods than a flight has.
#[inline(always)]
fn few_strided<E: Engine>(mode: &mut impl VectorMode<E>, mut data: InOutBuf<'_, '_, u8>, period: usize) {
    let span = E::BYTES / BLOCK * period;
    if data.len() >= 4 * span {
        let (now, rest) = data.split_at(4 * span);
        mode.flight::<4>(Strided { data: now, period });
        data = rest;
    }
    if data.len() >= 2 * span {
        let (now, rest) = data.split_at(2 * span);
        mode.flight::<2>(Strided { data: now, period });
        data = rest;
    }
    if !data.is_empty() {
        mode.flight::<1>(Strided { data, period });
    }
}

/// As [`strided`], from one place to another, with all bytes.
#[inline(always)]
fn strided_copy<E: Engine>(
    mode: &mut impl VectorMode<E>,
    data: InOutBuf<'_, '_, u8>,
    period: usize,
    outflow: &mut Outflow<'_, '_>,
) {
    let span = E::BYTES / BLOCK * period;
    let engine = mode.engine();
    let (mut source, mut destination) = stage::sides(data);
    let group = FLIGHT * span;
    // A copy of a single flight of long vectors waits for its stores.
    let together = (TOGETHER / group).max(FLIGHTS) * group;
    let is_streaming = !outflow.is_empty();
    let mut copied = 0;
    while source.len() >= group {
        if copied == 0 {
            copied = together.min(source.len() / group * group);
            let (from, to) = (&source[..copied], &mut destination[..copied]);
            if is_streaming {
                // A flight's periods are whole lines.
                copy_lines(engine, from, to, outflow);
            } else {
                to.copy_from_slice(from);
            }
        }
        let (from, from_rest) = source.split_at(group);
        let (to, to_rest) = destination.split_at_mut(group);
        let data = InOutBuf::new(from, to).expect(ONE_LENGTH);
        mode.flight::<FLIGHT>(Flowing { lanes: Strided { data, period }, outflow });
        (source, destination) = (from_rest, to_rest);
        copied -= group;
    }
    let mut data = InOutBuf::new(source, destination).expect(ONE_LENGTH);
    copy(data.reborrow());
    few_strided(mode, data, period);
}

/// Takes whole vectors of periods with several blocks each.
#[inline(always)]
fn columns<E: Engine>(mode: &mut impl VectorMode<E>, mut data: InOutBuf<'_, '_, u8>, stripes: Stripes) {
    let Stripes { encrypted, period } = stripes;
    let span = E::BYTES / BLOCK * period;
    while !data.is_empty() {
        let (mut now, rest) = data.split_at(span);
        copy(now.reborrow());
        let last = mode.engine().gather(now.get_in(), period, encrypted - BLOCK);
        mode.begin_columns(last, encrypted / BLOCK);
        let mut at = 0;
        // The usual number of more than one.
        if encrypted == 5 * BLOCK {
            mode.columns::<5>(Columns { data: now.reborrow(), period, at });
            at = encrypted;
        }
        while encrypted - at >= 4 * BLOCK {
            mode.columns::<4>(Columns { data: now.reborrow(), period, at });
            at += 4 * BLOCK;
        }
        if encrypted - at >= 2 * BLOCK {
            mode.columns::<2>(Columns { data: now.reborrow(), period, at });
            at += 2 * BLOCK;
        }
        if at < encrypted {
            mode.columns::<1>(Columns { data: now.reborrow(), period, at });
        }
        mode.end_columns();
        data = rest;
    }
}
