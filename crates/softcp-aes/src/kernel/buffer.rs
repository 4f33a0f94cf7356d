//! Keystream that has been made and not been taken yet.

use core::mem::MaybeUninit;

use zeroize::optimization_barrier;

use super::StreamPosition;
use super::engine::MAX_BYTES;
use crate::BLOCK;
use crate::counter::Counter;

/// Keystream for the spans of one call, made some vectors at a time.
pub(super) struct Buffer<'b> {
    /// Room for what is left of a vector, then for new keystream.
    bytes: &'b mut [u8],
    /// The bytes that are ready.
    start: usize,
    end: usize,
    /// Bytes at the beginning of the keystream that belong to the call before this one.
    passed: usize,
    /// The first block that has not been made.
    pub(super) counter: Counter,
    /// Bytes that the call needs of the blocks that have not been made.
    pub(super) left: usize,
}

/// Memory for a buffer: little for short calls, where clearing it would show. Neither is made before it is known which a
/// call needs.
pub(super) struct Memory {
    short: MaybeUninit<Short>,
    long: MaybeUninit<Long>,
}

/// Bytes of new keystream that fit. Enough, in a long call, that the first have left the processor's store buffer when they
/// are loaded.
const SHORT: usize = 512;
const LONG: usize = 2 << 10;

#[repr(align(64))]
struct Short([u8; MAX_BYTES + SHORT]);

#[repr(align(64))]
struct Long([u8; MAX_BYTES + LONG]);

impl Memory {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { short: MaybeUninit::uninit(), long: MaybeUninit::uninit() }
    }
}

// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always)]
impl<'b> Buffer<'b> {
    /// For `len` bytes from `place` on.
    #[inline(always)]
    pub(super) fn new(place: StreamPosition, len: usize, memory: &'b mut Memory) -> Self {
        let passed = place.in_block();
        let left = passed + len;
        let bytes: &mut [u8] = if left <= SHORT {
            &mut memory.short.write(Short([0; MAX_BYTES + SHORT])).0
        } else {
            &mut memory.long.write(Long([0; MAX_BYTES + LONG])).0
        };
        Self { bytes, start: MAX_BYTES, end: MAX_BYTES, passed, counter: place.counter(), left }
    }

    /// Bytes that can be made at a time.
    #[inline(always)]
    pub(super) fn size(&self) -> usize {
        self.bytes.len() - MAX_BYTES
    }

    #[inline(always)]
    pub(super) fn ready(&self) -> usize {
        self.end - self.start
    }

    /// Takes `len` bytes of those that are ready.
    #[inline(always)]
    pub(super) fn take(&mut self, len: usize) -> &[u8] {
        let bytes = &self.bytes[self.start..self.end][..len];
        self.start += len;
        bytes
    }

    /// Room for the next `len` bytes, behind those that are ready, which are less than a vector.
    #[inline(always)]
    pub(super) fn make_room(&mut self, len: usize) -> &mut [u8] {
        let start = MAX_BYTES - self.ready();
        self.bytes.copy_within(self.start..self.end, start);
        (self.start, self.end) = (start, MAX_BYTES);
        &mut self.bytes[MAX_BYTES..][..len]
    }

    /// `len` bytes, whole blocks, have been written to that room.
    #[inline(always)]
    pub(super) fn filled(&mut self, len: usize) {
        self.end = MAX_BYTES + len;
        self.start += core::mem::take(&mut self.passed);
        self.counter = self.counter.plus((len / BLOCK) as u64);
        self.left = self.left.saturating_sub(len);
    }

    /// Overwrites the keystream.
    #[inline(always)]
    pub(super) fn wipe(&mut self) {
        self.bytes.fill(0);
        optimization_barrier(self.bytes);
    }
}
