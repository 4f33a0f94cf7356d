//! Every kernel and every plan against blocks of AES, one by one.

use proptest::collection::vec;
use proptest::prelude::*;

use super::plan::Access;
use super::*;
use crate::region::{Area, Areas, Pattern, Region};
use crate::row_iter::{RowIter, Run};
use crate::rows::{Rows, RowsMut};
use crate::section::Planes;

/// A surface, the runs on it, and where in which keystream they begin.
#[derive(Clone, Debug)]
struct Job {
    key: [u8; BLOCK],
    place: StreamPosition,
    row_bytes: usize,
    rows: usize,
    pitches: [usize; 2],
    /// Of the first row, from the start of the allocation.
    offsets: [usize; 2],
    runs: Vec<Run>,
}

/// Counters anywhere, and shortly before a carry: into the second byte of Count, into the sixth, and past its end.
fn counters() -> impl Strategy<Value = Counter> {
    let carries = prop_oneof![Just(1_u64 << 8), Just(1 << 40), Just(0)];
    let near = (any::<u64>(), carries, 0..1500_u64).prop_map(|(iv, carry, before)| (iv, carry.wrapping_sub(before)));
    let any = (any::<u64>(), any::<u64>());
    prop_oneof![near, any].prop_map(|(iv, count)| Counter { iv: iv.to_ne_bytes(), count })
}

fn jobs() -> impl Strategy<Value = Job> {
    // Miri takes a thousand times as long.
    let scale: usize = if cfg!(miri) { 100 } else { 1 };
    let rows = prop_oneof![
        (1..40_000 / scale, Just(1_usize)),
        (1..200_usize, 1..30 / scale + 2),
        (200..4000 / scale + 201, 1..8 / scale + 2),
        (1..80_usize, 1..10_usize).prop_map(|(blocks, rows)| (blocks * BLOCK, rows)),
    ];
    let padding = || prop_oneof![Just(0), 0..100_usize, (0..5_usize).prop_map(|blocks| blocks * BLOCK)];
    let offset = || prop_oneof![0..80_usize, (0..5_usize).prop_map(|blocks| blocks * BLOCK)];
    let runs = prop_oneof![
        Just(vec![(1000, true)]),
        vec((0..=1000_usize, any::<bool>()), 1..12),
        (1..200_usize).prop_map(|step| (1..).map(|i| (i * step, i % 2 == 0)).take(1000 / step + 1).collect()),
    ];
    let place = (counters(), prop_oneof![Just(0), 0..10_000_u64]);
    (any::<[u8; BLOCK]>(), place, rows, [padding(), padding()], [offset(), offset()], runs).prop_map(
        |(key, (first, bytes), (row_bytes, rows), paddings, offsets, mut ends)| {
            ends.sort_unstable();
            let mut start = 0;
            let runs = ends.into_iter().map(|(end, encrypted)| {
                let end = (row_bytes * rows * end.min(1000) / 1000).max(start);
                Run { range: std::mem::replace(&mut start, end)..end, encrypted }
            });
            let runs = runs.collect();
            let pitches = paddings.map(|padding| row_bytes + padding);
            Job { key, place: StreamPosition { first, bytes }, row_bytes, rows, pitches, offsets, runs }
        },
    )
}

impl Job {
    fn memory(&self, which: usize) -> Vec<u8> {
        let len = self.offsets[which] + self.pitches[which] * self.rows + 7;
        let seed = if which == 0 { 3 } else { 101 };
        (0..=u8::MAX).cycle().take(len).map(|i| i.wrapping_mul(167).wrapping_add(seed)).collect()
    }

    /// Where a visible byte lies.
    fn at(&self, which: usize, byte: usize) -> usize {
        self.offsets[which] + byte / self.row_bytes * self.pitches[which] + byte % self.row_bytes
    }

    /// `to` after the job, from `from`.
    fn expected(&self, (from, from_is): (&[u8], usize), (to, to_is): (&[u8], usize)) -> Vec<u8> {
        let key = Key::with_kernel(&self.key, Kernel::Portable).expect("every processor has it");
        let mut expected = to.to_vec();
        let mut place = self.place;
        let mut block = ([0; BLOCK], None);
        for Run { range, encrypted } in self.runs.clone() {
            for byte in range {
                let mut mask = 0;
                if encrypted {
                    if block.1 != Some(place.counter()) {
                        block = (place.counter().block(), Some(place.counter()));
                        key.encrypt_block(&mut block.0);
                    }
                    mask = block.0[place.in_block()];
                    place.bytes += 1;
                }
                expected[self.at(to_is, byte)] = from[self.at(from_is, byte)] ^ mask;
            }
        }
        expected
    }

    fn len(&self) -> usize {
        self.runs.iter().filter(|run| run.encrypted).map(|run| run.range.len()).sum()
    }
}

/// All plans that a call could have, for memory that is aligned to its keystream or not.
fn plans() -> impl Iterator<Item = Plan> {
    let accesses = [Access::Cached, Access::Streaming, Access::Prefetch];
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    accesses.into_iter().flat_map(move |access| flags.map(|(buffered, aligned)| Plan { access, buffered, aligned }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 400 }))]

    #[test]
    fn every_kernel_and_plan_give_the_bytes_of_single_blocks(job in jobs()) {
        let source = job.memory(0);
        let before = job.memory(1);
        let expected = job.expected((&source, 0), (&before, 1));
        let expected_in_place = job.expected((&source, 0), (&source, 0));
        let Job { row_bytes, rows, pitches, offsets, .. } = job;
        for kernel in Kernel::available() {
            let key = Key::with_kernel(&job.key, kernel).expect("it is available");
            for plan in plans() {
                let mut memory = before.clone();
                let from = Rows::new(&source[offsets[0]..], pitches[0], row_bytes, rows).expect("it fits");
                let mut to = RowsMut::new(&mut memory[offsets[1]..], pitches[1], row_bytes, rows).expect("it fits");
                let spans = RowIter::new(&from, &mut to).spans(job.runs.iter().cloned());
                run(&key, job.place, job.len(), plan, spans);
                prop_assert!(memory == expected, "{kernel}, {plan:?}");

                let mut memory = source.clone();
                let mut surface =
                    RowsMut::new(&mut memory[offsets[0]..], pitches[0], row_bytes, rows).expect("it fits");
                let spans = RowIter::in_place(&mut surface).spans(job.runs.iter().cloned());
                run(&key, job.place, job.len(), plan, spans);
                prop_assert!(memory == expected_in_place, "{kernel} in place, {plan:?}");
            }
        }
    }
}

#[test]
fn large_calls_stream_and_short_pieces_share_keystream() {
    let job = plan::Job { total_len: 1 << 30, spans: 1, bytes: 1 << 30, in_place: false, aligned: true };
    let large = Plan { access: Access::Streaming, buffered: false, aligned: true };
    assert_eq!(Plan::of(job), large);
    assert_eq!(Plan::of(plan::Job { in_place: true, ..job }), Plan { access: Access::Prefetch, ..large });
    assert_eq!(Plan::of(plan::Job { spans: 1 << 23, ..job }), Plan { buffered: true, ..large });
    assert_eq!(Plan::of(plan::Job { total_len: 1000, ..job }), Plan { access: Access::Cached, ..large });
}

/// A sample in rows, and its regions.
#[derive(Clone, Debug)]
struct Sample {
    row_bytes: usize,
    rows: usize,
    pitches: [usize; 2],
    offsets: [usize; 2],
    regions: Vec<Region>,
    pattern: Option<Pattern>,
    restarts: bool,
}

fn samples() -> impl Strategy<Value = Sample> {
    let scale: usize = if cfg!(miri) { 100 } else { 1 };
    let rows = prop_oneof![
        3 => (1..60_000 / scale, Just(1_usize)),
        1 => (1..2000 / scale + 2, 1..20 / scale + 2),
    ];
    let pattern =
        (1..12_u32, prop_oneof![1..12_u32, 200..600_u32]).prop_map(|(encrypted, clear)| Pattern { encrypted, clear });
    let usual = Just(Pattern { encrypted: 1, clear: 9 });
    let pattern = prop_oneof![Just(None), usual.prop_map(Some), pattern.prop_map(Some)];
    let place = || [prop_oneof![Just(0_usize), 0..100_usize], prop_oneof![Just(0_usize), 0..100_usize]];
    (rows, place(), place(), vec(0..=1000_usize, 0..4), pattern, any::<bool>()).prop_map(
        |((row_bytes, rows), paddings, offsets, mut cuts, pattern, restarts)| {
            cuts.extend([0, 1000]);
            cuts.sort_unstable();
            let at = |cut: usize| row_bytes * rows * cut / 1000;
            let lengths: Vec<_> = cuts.windows(2).map(|cuts| at(cuts[1]) - at(cuts[0])).collect();
            // Mostly encrypted: what is clear before each region is a part of it.
            let regions = lengths.into_iter().map(|len| Region { clear: len % 77, encrypted: len - len % 77 });
            let regions = regions.collect();
            Sample { row_bytes, rows, pitches: paddings.map(|p| row_bytes + p), offsets, regions, pattern, restarts }
        },
    )
}

impl Sample {
    fn memory(&self, which: usize) -> Vec<u8> {
        let len = self.offsets[which] + self.pitches[which] * self.rows + 7;
        (0..=u8::MAX).cycle().take(len).map(|i| i.wrapping_mul(167).wrapping_add(3)).collect()
    }

    /// What the memory of the destination holds afterwards; without a source, of the surface.
    fn run(&self, kernel: Kernel, access: Access, chained: bool, source: Option<&[u8]>) -> Vec<u8> {
        let which = usize::from(source.is_some());
        let mut memory = self.memory(which);
        let &Self { row_bytes, rows, pitches, offsets, pattern, restarts, .. } = self;
        let mut to = [RowsMut::new(&mut memory[offsets[which]..], pitches[which], row_bytes, rows).expect("it fits")];
        let from =
            source.map(|source| [Rows::new(&source[offsets[0]..], pitches[0], row_bytes, rows).expect("it fits")]);
        let planes = match &from {
            Some(from) => Planes::new(from, &mut to),
            None => Planes::in_place(&mut to),
        };
        let mut areas = Areas::new(self.regions.iter().copied(), pattern);
        let len = areas.clone().map(Area::encrypted).sum();
        let (key, iv) = (*b"a key of 16 byte", *b"an IV or counter");
        if chained {
            let key = DecryptionKey::with_kernel(&key, kernel).expect("it is available");
            decrypt(&key, iv, access, Sections::new(planes, &mut areas, restarts));
        } else {
            let key = Key::with_kernel(&key, kernel).expect("it is available");
            // Once from inside a block, too.
            let place = StreamPosition { first: Counter::new(iv), bytes: if restarts { 5 } else { 32 } };
            run_sections(&key, place, len, access, Sections::new(planes, &mut areas, false));
        }
        memory
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 300 }))]

    /// The portable kernel is checked against other implementations in `tests/regions.rs`.
    #[test]
    fn every_kernel_and_access_give_the_sections_of_the_portable_kernel(sample in samples(), chained: bool) {
        let source = sample.memory(0);
        let expected = sample.run(Kernel::Portable, Access::Cached, chained, Some(&source));
        let expected_in_place = sample.run(Kernel::Portable, Access::Cached, chained, None);
        for kernel in Kernel::available() {
            for access in [Access::Cached, Access::Streaming] {
                prop_assert!(sample.run(kernel, access, chained, Some(&source)) == expected, "{kernel}, {access:?}");
            }
            for access in [Access::Cached, Access::Prefetch] {
                prop_assert!(sample.run(kernel, access, chained, None) == expected_in_place, "{kernel}, {access:?}");
            }
        }
    }
}
