//! Memory in which lines are put together before they are streamed.
//!
//! Blocks and periods of a sample begin anywhere in a line of the destination, and lines can only be written past the caches as
//! a whole. The stage is a destination in the nearest cache whose lines are those of the real one.

// What is inlined into code for a certain processor is compiled for that processor.
#![allow(clippy::inline_always)]

use aes::cipher::inout::InOutBuf;
use zeroize::optimization_barrier;

use super::engine::Engine;
use super::pass::{LINE, ask_ahead};
use super::prefetch;

/// Bytes that are put together at a time.
pub(super) const SIZE: usize = 8 << 10;

/// Fewer bytes go through the caches: two lines at their ends do so anyway.
pub(super) const WORTHWHILE: usize = 8 * LINE;

/// The stage of one call.
pub(super) struct Stage<'m, E: Engine> {
    engine: E,
    memory: &'m mut Memory,
    /// Bytes of the first line that do not belong to the section, or have been written.
    start: usize,
    /// The end of what has been put together.
    end: usize,
}

/// Memory for a stage: what is left of a line, and what comes behind it.
#[repr(align(64))]
pub(super) struct Memory([u8; LINE + SIZE]);

impl<'m, E: Engine> Stage<'m, E> {
    pub(super) const MEMORY: Memory = Memory([0; LINE + SIZE]);

    #[inline(always)]
    pub(super) fn new(engine: E, memory: &'m mut Memory) -> Self {
        Self { engine, memory, start: 0, end: 0 }
    }

    /// Begins with lines of `destination`.
    #[inline(always)]
    pub(super) fn begin(&mut self, destination: &[u8]) {
        self.start = destination.as_ptr().addr() % LINE;
        self.end = self.start;
    }

    /// The next bytes, at most [`SIZE`], with the stage as their destination.
    #[inline(always)]
    pub(super) fn next<'s>(&'s mut self, source: &'s [u8]) -> InOutBuf<'s, 's, u8> {
        let room = &mut self.memory.0[self.end..][..source.len()];
        self.end += source.len();
        InOutBuf::new(source, room).expect("both are of one length")
    }

    /// Streams the lines that are whole to `destination` and returns what comes behind them. What follows `source` is asked
    /// for.
    #[inline(always)]
    pub(super) fn flush<'d>(&mut self, source: &[u8], mut destination: &'d mut [u8]) -> &'d mut [u8] {
        let whole = self.end - self.end % LINE;
        let mut at = 0;
        if self.start != 0 && whole != 0 {
            let (line, rest) = destination.split_at_mut(LINE - self.start);
            line.copy_from_slice(&self.memory.0[self.start..LINE]);
            (destination, self.start, at) = (rest, 0, LINE);
        }
        let (lines, rest) = destination.split_at_mut(whole - at);
        for (from, to) in self.memory.0[at..whole].chunks_exact(LINE).zip(lines.chunks_exact_mut(LINE)) {
            self.stream(from, to);
        }
        ask_ahead(source, prefetch::to_read);
        self.memory.0.copy_within(whole..self.end, 0);
        self.end -= whole;
        rest
    }

    /// Writes the last line, which is not whole.
    #[inline(always)]
    pub(super) fn finish(&mut self, destination: &mut [u8]) {
        destination.copy_from_slice(&self.memory.0[self.start..self.end]);
    }

    /// Copies data that needs no stage.
    #[inline(always)]
    pub(super) fn copy(&self, data: InOutBuf<'_, '_, u8>) {
        let (source, destination) = sides(data);
        let head = (destination.as_ptr().addr().wrapping_neg() % LINE).min(source.len());
        let (head_from, source) = source.split_at(head);
        let (head_to, destination) = destination.split_at_mut(head);
        head_to.copy_from_slice(head_from);
        let (from, to) = (source.chunks_exact(LINE), destination.chunks_exact_mut(LINE));
        let tail = from.remainder();
        for (from, to) in from.zip(to) {
            ask_ahead(from, prefetch::to_read);
            self.stream(from, to);
        }
        let whole = destination.len() - tail.len();
        destination[whole..].copy_from_slice(tail);
    }

    /// Streams a line.
    #[inline(always)]
    fn stream(&self, from: &[u8], to: &mut [u8]) {
        for (from, to) in from.chunks_exact(E::BYTES).zip(to.chunks_exact_mut(E::BYTES)) {
            let vector = self.engine.load(from);
            // SAFETY: `end` fences.
            unsafe { self.engine.stream(vector, to) };
        }
    }

    /// Ends the call: what has been streamed is visible to others, and what was put together is overwritten.
    #[inline(always)]
    pub(super) fn end(self) {
        self.engine.fence();
        self.memory.0.fill(0);
        optimization_barrier(self.memory);
    }
}

/// Source and destination of data that is not changed in place.
#[inline(always)]
pub(super) fn sides<'i, 'o>(data: InOutBuf<'i, 'o, u8>) -> (&'i [u8], &'o mut [u8]) {
    let len = data.len();
    let (source, destination) = data.into_raw();
    assert!(!core::ptr::eq(source, destination) || len == 0, "streams from one place to another");
    // SAFETY: `data` borrowed `len` bytes there for 'i.
    let source = unsafe { core::slice::from_raw_parts(source, len) };
    // SAFETY: `data` borrowed `len` bytes there mutably for 'o; they are the source's or do not overlap it, and they are not
    // the source's.
    let destination = unsafe { core::slice::from_raw_parts_mut(destination, len) };
    (source, destination)
}
