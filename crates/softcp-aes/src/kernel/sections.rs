//! The pass over the sections of a sample, in any instruction set and either mode.
//!
//! What is encrypted is read from the source and written to the destination by a [`Mode`]; what is clear is copied. A pattern
//! with few encrypted blocks is taken some periods at a time: all bytes are copied, and the encrypted blocks, gathered into
//! vectors, are written over their copies. Large samples are written past the caches in the same way, with a small memory as
//! the first destination, whose whole lines are then streamed.

// What is inlined into code for a certain processor is compiled for that processor. Closures are not, nor what takes them.
#![allow(clippy::inline_always)]

use aes::cipher::inout::InOutBuf;

use super::engine::Engine;
use super::lanes::{Columns, Lanes, Strided};
use super::pass::{FLIGHT, copy};
use super::plan::Access;
use super::stage::{self, Stage};
use crate::BLOCK;
use crate::region::Stripes;
use crate::section::{Section, Sections, SplitBlock};

/// A mode of operation of AES, at its place in a chain of blocks.
pub(super) trait Mode<E: Engine> {
    fn engine(&self) -> E;
    /// Whether a whole block comes next.
    fn is_at_block(&self) -> bool;
    /// A region begins whose chain does not go on from the one before.
    fn restart(&mut self);
    /// Takes whole consecutive blocks.
    fn blocks(&mut self, data: InOutBuf<'_, '_, u8>);
    /// Takes the next `N` vectors of blocks that are consecutive in the chain.
    fn flight<const N: usize>(&mut self, lanes: impl Lanes<E, N>);
    /// Begins with as many periods as a vector has blocks. `last` are their last encrypted blocks, of `blocks` in each.
    fn begin_columns(&mut self, last: E::Vector, blocks: usize);
    /// Takes the next `N` blocks of each of these periods.
    fn columns<const N: usize>(&mut self, columns: Columns<'_, '_>);
    /// All blocks of these periods have been taken.
    fn end_columns(&mut self);
    /// Takes the next block, whose bytes do not lie together.
    fn split(&mut self, block: SplitBlock<'_>);
}

/// Vectors of one period's encrypted blocks from which on they are taken by themselves rather than with other periods'.
const LONG_RUN: usize = 4;

/// Bytes of the periods that are copied before their encrypted blocks are written over the copies.
const TOGETHER: usize = 8 << 10;

/// Copies `sections`, the encrypted ones in `mode`.
#[inline(always)]
pub(super) fn run<E: Engine>(mode: &mut impl Mode<E>, access: Access, sections: Sections<'_, '_, '_>) {
    if access == Access::Streaming && E::STREAMS {
        let mut memory = Stage::<E>::MEMORY;
        let mut stage = Stage::new(mode.engine(), &mut memory);
        for section in sections {
            streamed(mode, &mut stage, section);
        }
        stage.end();
    } else {
        for section in sections {
            cached(mode, section);
        }
    }
}

#[inline(always)]
fn cached<E: Engine>(mode: &mut impl Mode<E>, section: Section<'_>) {
    match section {
        Section::Restart => mode.restart(),
        Section::Clear(data) => copy(data),
        Section::Blocks(data) => mode.blocks(data),
        Section::Stripes(data, stripes) => periods(mode, data, stripes),
        Section::Split(block) => mode.split(block),
    }
}

/// As [`cached`], past the caches where there are enough lines.
#[inline(always)]
fn streamed<E: Engine>(mode: &mut impl Mode<E>, stage: &mut Stage<'_, E>, section: Section<'_>) {
    let step = match &section {
        Section::Clear(data) if data.len() >= stage::WORTHWHILE => stage::SIZE,
        Section::Blocks(data) if data.len() >= stage::WORTHWHILE => stage::SIZE,
        Section::Stripes(data, Stripes { period, encrypted })
            if data.len() >= stage::WORTHWHILE && *period <= stage::SIZE =>
        {
            stage::SIZE / period * period
        }
        _ => return cached(mode, section),
    };
    let (data, stripes) = match section {
        Section::Clear(data) => return stage.copy(data),
        Section::Blocks(data) => (data, None),
        Section::Stripes(data, stripes) => (data, Some(stripes)),
        Section::Restart | Section::Split(_) => return,
    };
    let (mut source, mut destination) = stage::sides(data);
    stage.begin(destination);
    while !source.is_empty() {
        let (now, rest) = source.split_at(step.min(source.len()));
        let staged = stage.next(now);
        match stripes {
            None => mode.blocks(staged),
            Some(stripes) => periods(mode, staged, stripes),
        }
        destination = stage.flush(now, destination);
        source = rest;
    }
    stage.finish(destination);
}

/// Bytes of whole periods, of at most `limit` bytes, that are best taken together. A period is not longer than that.
#[inline(always)]
fn periods_within<E: Engine>(limit: usize, period: usize, encrypted: usize) -> usize {
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

/// Takes whole periods of a pattern.
#[inline(always)]
fn periods<E: Engine>(mode: &mut impl Mode<E>, mut data: InOutBuf<'_, '_, u8>, stripes: Stripes) {
    let Stripes { encrypted, period } = stripes;
    let span = E::BYTES / BLOCK * period;
    let is_long = encrypted >= LONG_RUN * E::BYTES || span > TOGETHER;
    if !is_long && mode.is_at_block() {
        let together = periods_within::<E>(TOGETHER, period, encrypted);
        while data.len() >= span {
            let len = together.min(data.len() - data.len() % span);
            let (mut now, rest) = data.split_at(len);
            copy(now.reborrow());
            if encrypted == BLOCK {
                strided(mode, now, period);
            } else {
                columns(mode, now, stripes);
            }
            data = rest;
        }
    }
    while !data.is_empty() {
        let (blocks, rest) = data.split_at(encrypted);
        let (clear, rest) = rest.split_at(period - encrypted);
        mode.blocks(blocks);
        copy(clear);
        data = rest;
    }
}

/// Takes the blocks of whole vectors of periods with one block each.
#[inline(always)]
fn strided<E: Engine>(mode: &mut impl Mode<E>, mut data: InOutBuf<'_, '_, u8>, period: usize) {
    let span = E::BYTES / BLOCK * period;
    while data.len() >= FLIGHT * span {
        let (now, rest) = data.split_at(FLIGHT * span);
        mode.flight::<FLIGHT>(Strided { data: now, period });
        data = rest;
    }
    while !data.is_empty() {
        let (now, rest) = data.split_at(span);
        mode.flight::<1>(Strided { data: now, period });
        data = rest;
    }
}

/// Takes the blocks of whole vectors of periods with several blocks each.
#[inline(always)]
fn columns<E: Engine>(mode: &mut impl Mode<E>, mut data: InOutBuf<'_, '_, u8>, stripes: Stripes) {
    let Stripes { encrypted, period } = stripes;
    let span = E::BYTES / BLOCK * period;
    while !data.is_empty() {
        let (mut now, rest) = data.split_at(span);
        let last = mode.engine().gather(now.get_in(), period, encrypted - BLOCK);
        mode.begin_columns(last, encrypted / BLOCK);
        let mut at = 0;
        while encrypted - at >= 4 * BLOCK {
            mode.columns::<4>(Columns { data: now.reborrow(), period, at });
            at += 4 * BLOCK;
        }
        while at < encrypted {
            mode.columns::<1>(Columns { data: now.reborrow(), period, at });
            at += BLOCK;
        }
        mode.end_columns();
        data = rest;
    }
}
