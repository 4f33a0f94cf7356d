//! Memory in which lines are put together before they are streamed.
//!
//! Blocks and periods of a sample begin anywhere in a line of the destination, and lines can only be written past the caches as
//! a whole. The stage is a destination in the nearest cache whose lines are those of the real one.

// What is inlined into code for a certain processor is compiled for that processor.
#![allow(clippy::inline_always)]

use aes::cipher::inout::InOutBuf;
use zeroize::optimization_barrier;

use super::engine::Engine;
use super::pass::{AHEAD, LINE, prefetch_ahead};
use super::prefetch;

/// Bytes that are put together at a time, at most.
pub(super) const SIZE: usize = (8 << 10) - LINE;

/// Fewer bytes go through the caches: two lines at their ends do so anyway.
pub(super) const WORTHWHILE: usize = 8 * LINE;

/// The stage of one call: two halves, one of which is filled while the other is streamed.
pub(super) struct Stage([Half; 2]);

/// What is left of a line, and what comes behind it.
#[repr(align(64))]
struct Half([u8; LINE + SIZE]);

/// Lines that have been put together, on their way out.
pub(super) struct Outflow<'s, 'd> {
    lines: &'s [u8],
    destination: &'d mut [u8],
    /// What is asked for, line for line.
    ahead: *const u8,
}

impl Outflow<'_, '_> {
    /// Nothing goes out.
    #[inline(always)]
    pub(super) fn none() -> Self {
        Self { lines: &[], destination: &mut [], ahead: core::ptr::null() }
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Streams up to `count` lines. [`Engine::fence`] comes at the end of the call.
    #[inline(always)]
    pub(super) fn stream<E: Engine>(&mut self, engine: E, count: usize) {
        for _ in 0..count {
            let Some((line, lines)) = self.lines.split_first_chunk::<LINE>() else { return };
            let destination = core::mem::take(&mut self.destination);
            let Some((to, rest)) = destination.split_first_chunk_mut::<LINE>() else { return };
            prefetch::to_read(self.ahead);
            stream_line(engine, line, to);
            (self.lines, self.destination, self.ahead) = (lines, rest, self.ahead.wrapping_add(LINE));
        }
    }
}

#[inline(always)]
fn stream_line<E: Engine>(engine: E, from: &[u8; LINE], to: &mut [u8; LINE]) {
    for at in (0..LINE).step_by(E::BYTES) {
        let vector = engine.load(&from[at..]);
        // SAFETY: `sections::run` fences at the end of the call.
        unsafe { engine.stream(vector, &mut to[at..]) };
    }
}

impl Stage {
    pub(super) const EMPTY: Self = Self([const { Half([0; LINE + SIZE]) }; 2]);

    /// Writes what `fill` makes of `data`, in turns of `step` bytes, each to a part of the stage, to the lines of the
    /// destination.
    #[inline(always)]
    pub(super) fn fill<E: Engine>(
        &mut self,
        engine: E,
        data: InOutBuf<'_, '_, u8>,
        step: usize,
        fill: &mut impl Fill<E>,
    ) {
        let (mut source, mut destination) = sides(data);
        let [half, other] = &mut self.0;
        let (mut half, mut other) = (half, other);
        // Bytes of the first line before the destination, and in the half.
        let mut before = destination.as_ptr().addr() % LINE;
        let mut end = before;
        let mut outflow = Outflow::none();
        while !source.is_empty() {
            let (now, rest) = source.split_at(step.min(source.len()));
            fill.fill(now, &mut half.0[end..][..now.len()], &mut outflow);
            outflow.stream(engine, usize::MAX);
            end += now.len();
            let whole = end - end % LINE;
            let mut start = 0;
            if before != 0 && whole != 0 {
                let (line, rest) = destination.split_at_mut(LINE - before);
                line.copy_from_slice(&half.0[before..LINE]);
                (destination, before, start) = (rest, 0, LINE);
            }
            other.0[..end - whole].copy_from_slice(&half.0[whole..end]);
            (half, other) = (other, half);
            let (lines, behind) = destination.split_at_mut(whole - start);
            outflow =
                Outflow { lines: &other.0[start..whole], destination: lines, ahead: now.as_ptr().wrapping_add(AHEAD) };
            (destination, source, end) = (behind, rest, end - whole);
        }
        outflow.stream(engine, usize::MAX);
        destination.copy_from_slice(&half.0[before..end]);
    }

    /// Overwrites what was put together.
    #[inline(always)]
    pub(super) fn wipe(&mut self) {
        for half in &mut self.0 {
            half.0.fill(0);
        }
        optimization_barrier(self);
    }
}

/// What puts the bytes of a stage together.
pub(super) trait Fill<E: Engine> {
    /// Makes `destination` of `source`, and streams `outflow` meanwhile.
    fn fill(&mut self, source: &[u8], destination: &mut [u8], outflow: &mut Outflow<'_, '_>);
}

/// Copies data that needs no stage past the caches.
#[inline(always)]
pub(super) fn copy<E: Engine>(engine: E, data: InOutBuf<'_, '_, u8>) {
    let (source, destination) = sides(data);
    let head = (destination.as_ptr().addr().wrapping_neg() % LINE).min(source.len());
    let (head_from, source) = source.split_at(head);
    let (head_to, destination) = destination.split_at_mut(head);
    head_to.copy_from_slice(head_from);
    let (from, tail_from) = source.as_chunks::<LINE>();
    let (to, tail_to) = destination.as_chunks_mut::<LINE>();
    for (from, to) in from.iter().zip(to) {
        prefetch_ahead(from, prefetch::to_read);
        stream_line(engine, from, to);
    }
    tail_to.copy_from_slice(tail_from);
}

/// Whether source and destination are one.
#[inline(always)]
pub(super) fn is_in_place(data: &mut InOutBuf<'_, '_, u8>) -> bool {
    let (source, destination) = data.reborrow().into_raw();
    core::ptr::eq(source, destination)
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
