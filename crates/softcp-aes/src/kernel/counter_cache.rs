//! The counter-mode shortcut: two of ten rounds are done once for many blocks.
//!
//! In 256 consecutive blocks that begin where the lowest byte of Count is 0, only that byte, byte 15 of the block, differs.
//! Round 1 spreads it over the first column and round 2 from there over the whole state, each column hanging on one byte of
//! that first column alone. The last step of a round is linear, so the state after two rounds is one that is the same for all
//! 256, XOR one of 256 entries that hang on the lowest byte. The other bytes of the first column come from bytes 0, 5 and
//! 10 of the block: the entries hold as long as those do, which is for 2^40 blocks.
//!
//! The index is a part of Count, which is public: no secret selects what is loaded.

use zeroize::optimization_barrier;

use super::engine::Engine;
use crate::BLOCK;
use crate::counter::Counter;

/// Blocks with the same Count but for its lowest byte.
const SEGMENT: u64 = 256;

/// The states after two rounds, less the addition of round key 2.
pub(super) struct CounterCache<'e, E: Engine> {
    engine: E,
    entries: &'e mut Entries,
    /// The state of the first block of the segment: XOR with an entry gives a block.
    fixed: E::Vector,
    /// Count without its lowest byte.
    segment: u64,
}

/// Memory for the entries.
#[repr(align(64))]
pub(super) struct Entries([u8; 256 * BLOCK]);

impl Entries {
    pub(super) const EMPTY: Self = Self([0; 256 * BLOCK]);
}

// What is inlined into code for a certain processor is compiled for that processor.
#[allow(clippy::inline_always, clippy::needless_range_loop, reason = "closures are not inlined so")]
impl<'e, E: Engine> CounterCache<'e, E> {
    #[inline(always)]
    pub(super) fn new(engine: E, keys: &[E::Vector; 11], counter: Counter, entries: &'e mut Entries) -> Self {
        let fixed = engine.broadcast(&[0; BLOCK]);
        let mut made = Self { engine, entries, fixed, segment: counter.count / SEGMENT };
        made.make_entries(keys, counter);
        made
    }

    /// The states of `N` vectors of counters from `counter` on, if they lie in one segment.
    #[inline(always)]
    pub(super) fn states<const N: usize>(
        &mut self,
        keys: &[E::Vector; 11],
        counter: Counter,
    ) -> Option<[E::Vector; N]> {
        let lowest = counter.count % SEGMENT;
        if lowest + N as u64 * E::BLOCKS > SEGMENT {
            return None;
        }
        self.enter(keys, counter);
        #[allow(clippy::cast_possible_truncation, reason = "at most 255")]
        let entries = &self.entries.0[lowest as usize * BLOCK..][..N * E::BYTES];
        let mut states = [self.fixed; N];
        for i in 0..N {
            states[i] = self.engine.xor(self.fixed, self.engine.load(&entries[i * E::BYTES..]));
        }
        Some(states)
    }

    /// Makes the entries hold for the segment of `counter`.
    #[inline(always)]
    fn enter(&mut self, keys: &[E::Vector; 11], counter: Counter) {
        let segment = counter.count / SEGMENT;
        if segment != self.segment {
            if segment >> 32 == self.segment >> 32 {
                self.fixed = self.fixed_of(keys, counter);
            } else {
                self.make_entries(keys, counter);
            }
            self.segment = segment;
        }
    }

    #[inline(always)]
    fn make_entries(&mut self, keys: &[E::Vector; 11], counter: Counter) {
        self.fixed = self.fixed_of(keys, counter);
        let numbers = self.engine.numbers(first_of_segment(counter));
        for (i, entries) in (0..).zip(self.entries.0.chunks_exact_mut(E::BYTES)) {
            let blocks = self.engine.blocks(self.engine.plus(numbers, i * E::BLOCKS));
            let state = self.engine.first_two_rounds(blocks, keys);
            self.engine.store(self.engine.xor(state, self.fixed), entries);
        }
    }

    #[inline(always)]
    fn fixed_of(&self, keys: &[E::Vector; 11], counter: Counter) -> E::Vector {
        let first = self.engine.broadcast(&first_of_segment(counter).block());
        self.engine.first_two_rounds(first, keys)
    }

    /// Overwrites what depends on the key.
    #[inline(always)]
    pub(super) fn wipe(&mut self) {
        self.fixed = self.engine.broadcast(&[0; BLOCK]);
        self.entries.0 = [0; 256 * BLOCK];
        optimization_barrier(self);
    }
}

fn first_of_segment(counter: Counter) -> Counter {
    Counter { count: counter.count / SEGMENT * SEGMENT, ..counter }
}
