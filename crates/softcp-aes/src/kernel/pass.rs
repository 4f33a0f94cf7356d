//! The pass over the spans of one call, in any instruction set.
//!
//! A span is encrypted in one of two ways. In registers: keystream is made where it is needed, from the block on in
//! which the span begins; a block that two spans share is made for both. From a buffer: keystream of several vectors is
//! stored, and the spans take from it what they need, at any alignment.

// What is inlined into code for a certain processor is compiled for that processor. Closures are not, nor what takes them:
// hence loops, and indices.
#![allow(clippy::inline_always, clippy::needless_range_loop)]

use core::mem::MaybeUninit;

use aes::cipher::inout::InOutBuf;

use super::buffer::{Buffer, Memory};
use super::counter_cache::{CounterCache, Entries};
use super::engine::{Engine, ROUNDS_BETWEEN};
use super::lanes::{Columns, Lanes};
use super::plan::{Access, Plan};
use super::sections::{self, Mode, VectorMode};
use super::{Span, StreamPosition, prefetch};
use crate::BLOCK;
use crate::counter::Counter;
use crate::schedule::RoundKeys;
use crate::section::Sections;

/// Vectors in flight: enough to hide the latency of a round.
pub(super) const FLIGHT: usize = 8;

/// From this many bytes on the two rounds that are saved pay for making the table.
const TABLE_FROM: usize = 12 << 10;

/// How far ahead of its turn memory is asked for, in bytes.
pub(super) const AHEAD: usize = 4 << 10;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// Clear spans of fewer bytes go through the caches: two lines at their ends do so anyway.
const CLEAR_STREAM_FROM: usize = 8 * LINE;

/// Encrypts or copies `spans`, whose encrypted bytes are `len` together, from `place` on.
#[inline(always)]
pub(super) fn run<'i, 'o, E: Engine>(
    engine: E,
    keys: &RoundKeys,
    place: StreamPosition,
    len: usize,
    plan: Plan,
    spans: impl Iterator<Item = Span<'i, 'o>>,
) {
    let mut entries = MaybeUninit::uninit();
    let mut pass = Pass::new(engine, keys, place, len, plan.access, &mut entries);
    // Keystream at another alignment than its blocks' comes from the buffer. Where vectors are short, waiting for what has
    // just been stored there costs more than going past the caches saves.
    if plan.access == Access::Streaming && E::STREAMS && (plan.aligned || E::BYTES == LINE) {
        pass.over::<true>(plan.buffered || !plan.aligned, len, spans);
        engine.fence();
    } else {
        pass.over::<false>(plan.buffered, len, spans);
    }
    pass.wipe();
}

/// As [`run`], over the sections of a sample.
#[inline(always)]
pub(super) fn run_sections<E: Engine>(
    engine: E,
    keys: &RoundKeys,
    place: StreamPosition,
    len: usize,
    access: Access,
    sections: Sections<'_, '_, '_>,
) {
    let mut entries = MaybeUninit::uninit();
    let mut pass = Pass::new(engine, keys, place, len, access, &mut entries);
    sections::run(&mut pass, access, sections);
    pass.wipe();
}

struct Pass<'e, E: Engine> {
    engine: E,
    keys: [E::Vector; 11],
    table: Option<CounterCache<'e, E>>,
    /// Where the next span begins that is encrypted in registers.
    place: StreamPosition,
    ahead: bool,
    /// The counters of the next column of periods, as numbers, and where the keystream is behind these periods.
    column: E::Vector,
    behind_columns: u64,
}

impl<'e, E: Engine> Pass<'e, E> {
    /// For `len` encrypted bytes. `entries` are large, and short calls have no use for them: they are neither made nor moved
    /// there.
    #[inline(always)]
    fn new(
        engine: E,
        keys: &RoundKeys,
        place: StreamPosition,
        len: usize,
        access: Access,
        entries: &'e mut MaybeUninit<Entries>,
    ) -> Self {
        let keys = broadcast(engine, keys);
        let table = if len >= TABLE_FROM {
            Some(CounterCache::new(engine, &keys, place.counter(), entries.write(Entries::EMPTY)))
        } else {
            None
        };
        let column = engine.numbers(place.counter());
        Self { engine, keys, table, place, ahead: access == Access::Prefetch, column, behind_columns: 0 }
    }

    /// Overwrites what depends on the key in memory.
    #[inline(always)]
    fn wipe(&mut self) {
        if let Some(table) = &mut self.table {
            table.wipe();
        }
    }
}

impl<E: Engine> Pass<'_, E> {
    #[inline(always)]
    fn over<'i, 'o, const STREAM: bool>(
        &mut self,
        buffered: bool,
        len: usize,
        spans: impl Iterator<Item = Span<'i, 'o>>,
    ) {
        if buffered {
            let mut memory = Memory::new();
            let mut buffer = Buffer::new(self.place, len, &mut memory);
            for Span { data, encrypted } in spans {
                if encrypted { self.with_buffer::<STREAM>(&mut buffer, data) } else { self.clear::<STREAM>(data) }
            }
            buffer.wipe();
        } else {
            for Span { data, encrypted } in spans {
                if encrypted { self.in_registers::<STREAM>(data) } else { self.clear::<STREAM>(data) }
            }
        }
    }

    /// Encrypts a span with keystream that stays in registers. With `STREAM`, a span whose blocks do not begin where
    /// those of memory do goes through the caches nevertheless.
    #[inline(always)]
    fn in_registers<const STREAM: bool>(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        let in_block = self.place.in_block();
        let to_vector = to_vector::<E>(&mut data);
        let stream = STREAM && (in_block + to_vector).is_multiple_of(BLOCK);
        let begun = match (stream, in_block) {
            (true, _) => to_vector,
            (false, 0) => 0,
            (false, _) => E::BYTES - in_block,
        };
        if begun != 0 {
            let (head, rest) = split_at_most(data, begun);
            let [keystream] = self.keystream::<1>(self.place.counter());
            self.place.bytes += head.len() as u64;
            self.engine.xor_part(keystream, in_block, head);
            data = rest;
        }
        if stream { self.whole_vectors::<true>(data) } else { self.whole_vectors::<false>(data) }
    }

    /// As [`Pass::in_registers`], from the beginning of a block on; with `STREAM`, of a vector's place in memory.
    #[inline(always)]
    fn whole_vectors<const STREAM: bool>(&mut self, mut data: InOutBuf<'_, '_, u8>) {
        while data.len() >= FLIGHT * E::BYTES {
            data = self.vectors::<STREAM, FLIGHT>(data);
        }
        while data.len() >= E::BYTES {
            data = self.vectors::<STREAM, 1>(data);
        }
        if !data.is_empty() {
            let [keystream] = self.keystream::<1>(self.place.counter());
            self.place.bytes += data.len() as u64;
            self.engine.xor_part(keystream, 0, data);
        }
    }

    /// Encrypts the first `N` vectors and returns the rest.
    #[inline(always)]
    fn vectors<'i, 'o, const STREAM: bool, const N: usize>(
        &mut self,
        data: InOutBuf<'i, 'o, u8>,
    ) -> InOutBuf<'i, 'o, u8> {
        let (vectors, rest) = data.split_at(N * E::BYTES);
        let keystream = self.keystream::<N>(self.place.counter());
        self.place.bytes += vectors.len() as u64;
        self.xor::<STREAM, N>(keystream, vectors);
        rest
    }

    /// Keystream of `N` vectors from `counter` on.
    #[inline(always)]
    fn keystream<const N: usize>(&mut self, counter: Counter) -> [E::Vector; N] {
        let Self { engine, keys, table, .. } = self;
        if let Some(table) = table
            && let Some(mut states) = table.states::<N>(keys, counter)
        {
            engine.encrypt(&mut states, keys, 2);
            return states;
        }
        let numbers = engine.numbers(counter);
        let mut states = [numbers; N];
        for i in 0..N {
            states[i] = engine.blocks(engine.plus(numbers, i as u64 * E::BLOCKS));
        }
        engine.encrypt(&mut states, keys, 0);
        states
    }

    /// XORs `keystream` onto as many vectors of data.
    #[inline(always)]
    fn xor<const STREAM: bool, const N: usize>(&self, keystream: [E::Vector; N], mut data: InOutBuf<'_, '_, u8>) {
        if !STREAM && self.ahead {
            prefetch_ahead(data.get_in(), prefetch::to_write);
        }
        for i in 0..N {
            if STREAM {
                prefetch_ahead(&data.get_in()[i * E::BYTES..(i + 1) * E::BYTES], prefetch::to_read);
            }
            let vector = self.engine.load(&data.get_in()[i * E::BYTES..]);
            self.put::<STREAM>(self.engine.xor(vector, keystream[i]), &mut data.get_out()[i * E::BYTES..]);
        }
    }

    #[inline(always)]
    fn put<const STREAM: bool>(&self, vector: E::Vector, to: &mut [u8]) {
        if STREAM {
            // SAFETY: `run` fences when a pass with STREAM is over.
            unsafe { self.engine.stream(vector, to) };
        } else {
            self.engine.store(vector, to);
        }
    }

    /// Encrypts a span with keystream from the buffer.
    #[inline(always)]
    fn with_buffer<const STREAM: bool>(&mut self, buffer: &mut Buffer<'_>, mut data: InOutBuf<'_, '_, u8>) {
        if STREAM {
            let to_vector = to_vector::<E>(&mut data);
            let (head, rest) = split_at_most(data, to_vector);
            self.with_buffer_to::<false>(buffer, head);
            self.with_buffer_to::<true>(buffer, rest);
        } else {
            self.with_buffer_to::<false>(buffer, data);
        }
    }

    #[inline(always)]
    fn with_buffer_to<const STREAM: bool>(&mut self, buffer: &mut Buffer<'_>, mut data: InOutBuf<'_, '_, u8>) {
        while data.len() >= E::BYTES {
            self.fill(buffer, E::BYTES);
            for _ in 0..buffer.ready().min(data.len()) / E::BYTES {
                let (vector, rest) = data.split_at(E::BYTES);
                let keystream = self.engine.load(buffer.take(E::BYTES));
                self.xor::<STREAM, 1>([keystream], vector);
                data = rest;
            }
        }
        if !data.is_empty() {
            self.fill(buffer, data.len());
            let keystream = self.engine.load_part(buffer.take(data.len()));
            self.engine.xor_part(keystream, 0, data);
        }
    }

    /// Makes keystream until `needed` bytes are ready, which are no more than a vector. Each time it makes as much as fits,
    /// and no more vectors than the call has a use for.
    #[inline(always)]
    fn fill(&mut self, buffer: &mut Buffer<'_>, needed: usize) {
        while buffer.ready() < needed {
            let len = buffer.left.next_multiple_of(E::BYTES).min(buffer.size());
            debug_assert_ne!(len, 0, "the spans have more encrypted bytes than was said");
            let mut counter = buffer.counter;
            let room = buffer.make_room(len);
            let (flights, vectors) = room.split_at_mut(len - len % (FLIGHT * E::BYTES));
            for flight in flights.chunks_exact_mut(FLIGHT * E::BYTES) {
                self.store_keystream::<FLIGHT>(&mut counter, flight);
            }
            for vector in vectors.chunks_exact_mut(E::BYTES) {
                self.store_keystream::<1>(&mut counter, vector);
            }
            buffer.filled(len);
        }
    }

    #[inline(always)]
    fn store_keystream<const N: usize>(&mut self, counter: &mut Counter, to: &mut [u8]) {
        let keystream = self.keystream::<N>(*counter);
        *counter = counter.plus(N as u64 * E::BLOCKS);
        for i in 0..N {
            self.engine.store(keystream[i], &mut to[i * E::BYTES..]);
        }
    }

    /// Copies a clear span.
    #[inline(always)]
    fn clear<const STREAM: bool>(&self, mut data: InOutBuf<'_, '_, u8>) {
        if STREAM && data.len() >= CLEAR_STREAM_FROM {
            let to_vector = to_vector::<E>(&mut data);
            let (head, rest) = data.split_at(to_vector);
            copy(head);
            data = rest;
            let zeros = [self.engine.broadcast(&[0; BLOCK])];
            while data.len() >= E::BYTES {
                let (vector, rest) = data.split_at(E::BYTES);
                self.xor::<STREAM, 1>(zeros, vector);
                data = rest;
            }
        }
        copy(data);
    }
}

impl<E: Engine> Mode for Pass<'_, E> {
    /// One keystream runs over all regions.
    #[inline(always)]
    fn restart(&mut self) {}

    #[inline(always)]
    fn blocks(&mut self, data: InOutBuf<'_, '_, u8>) {
        self.in_registers::<false>(data);
    }
}

impl<E: Engine> VectorMode<E> for Pass<'_, E> {
    #[inline(always)]
    fn engine(&self) -> E {
        self.engine
    }

    #[inline(always)]
    fn is_at_block(&self) -> bool {
        self.place.in_block() == 0
    }

    #[inline(always)]
    fn flight<const N: usize>(&mut self, mut lanes: impl Lanes<E, N>) {
        let keystream = self.keystream::<N>(self.place.counter());
        self.place.bytes += (N * E::BYTES) as u64;
        for _ in 0..ROUNDS_BETWEEN {
            lanes.work(self.engine);
        }
        for i in 0..N {
            let vector = lanes.load(self.engine, i);
            lanes.store(self.engine, i, self.engine.xor(vector, keystream[i]));
        }
    }

    #[inline(always)]
    fn begin_columns(&mut self, _: E::Vector, blocks: usize) {
        self.column = self.engine.numbers_apart(self.place.counter(), blocks as u64);
        self.behind_columns = self.place.bytes + (blocks * E::BYTES) as u64;
    }

    #[inline(always)]
    fn columns<const N: usize>(&mut self, mut columns: Columns<'_, '_>) {
        let mut states = [self.column; N];
        for i in 0..N {
            states[i] = self.engine.blocks(self.engine.plus(self.column, i as u64));
        }
        self.engine.encrypt(&mut states, &self.keys, 0);
        for i in 0..N {
            let vector = columns.load(self.engine, i);
            columns.store(self.engine, i, self.engine.xor(vector, states[i]));
        }
        self.column = self.engine.plus(self.column, N as u64);
    }

    #[inline(always)]
    fn end_columns(&mut self) {
        self.place.bytes = self.behind_columns;
    }
}

#[inline(always)]
pub(super) fn broadcast<E: Engine>(engine: E, keys: &RoundKeys) -> [E::Vector; 11] {
    let keys = keys.blocks();
    let mut vectors = [engine.broadcast(&keys[0]); 11];
    for i in 1..11 {
        vectors[i] = engine.broadcast(&keys[i]);
    }
    vectors
}

/// Bytes up to the next place in the destination's memory that a vector is aligned at.
#[inline(always)]
fn to_vector<E: Engine>(data: &mut InOutBuf<'_, '_, u8>) -> usize {
    data.get_out().as_ptr().addr().wrapping_neg() % E::BYTES
}

#[inline(always)]
fn split_at_most<'i, 'o>(data: InOutBuf<'i, 'o, u8>, at: usize) -> (InOutBuf<'i, 'o, u8>, InOutBuf<'i, 'o, u8>) {
    let at = at.min(data.len());
    data.split_at(at)
}

/// Asks for as many bytes as `now` has, [`AHEAD`] behind it.
#[inline(always)]
pub(super) fn prefetch_ahead(now: &[u8], ask: impl Fn(*const u8)) {
    for line in (0..now.len()).step_by(LINE) {
        ask(now.as_ptr().wrapping_add(AHEAD + line));
    }
}

#[inline(always)]
pub(super) fn copy(data: InOutBuf<'_, '_, u8>) {
    let _ = data.into_out_with_copied_in();
}
