//! Keystream that has been made and not been taken yet.

use zeroize::optimization_barrier;

use super::Place;
use super::engine::MAX_BYTES;
use crate::BLOCK;
use crate::counter::Counter;

/// Keystream for the pieces of one call, made some vectors at a time.
pub(super) struct Buffer {
    /// Room for what is left of a vector, then [`Buffer::SIZE`] bytes that new keystream goes to.
    bytes: Bytes,
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

#[repr(align(64))]
struct Bytes([u8; MAX_BYTES + Buffer::SIZE]);

// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always)]
impl Buffer {
    /// Bytes that are made at a time, at most. Enough that the first have left the store buffer when they are loaded.
    pub(super) const SIZE: usize = 2 << 10;

    /// For `len` bytes from `place` on.
    #[inline(always)]
    pub(super) fn new(place: Place, len: usize) -> Self {
        let passed = place.in_block();
        Self {
            bytes: Bytes([0; MAX_BYTES + Self::SIZE]),
            start: MAX_BYTES,
            end: MAX_BYTES,
            passed,
            counter: place.counter(),
            left: passed + len,
        }
    }

    #[inline(always)]
    pub(super) fn ready(&self) -> usize {
        self.end - self.start
    }

    /// Takes `len` bytes of those that are ready.
    #[inline(always)]
    pub(super) fn take(&mut self, len: usize) -> &[u8] {
        let bytes = &self.bytes.0[self.start..self.end][..len];
        self.start += len;
        bytes
    }

    /// Room for the next `len` bytes, behind those that are ready, which are less than a vector.
    #[inline(always)]
    pub(super) fn make_room(&mut self, len: usize) -> &mut [u8] {
        let start = MAX_BYTES - self.ready();
        self.bytes.0.copy_within(self.start..self.end, start);
        (self.start, self.end) = (start, MAX_BYTES);
        &mut self.bytes.0[MAX_BYTES..][..len]
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
        self.bytes.0 = [0; MAX_BYTES + Self::SIZE];
        optimization_barrier(&self.bytes.0);
    }
}
