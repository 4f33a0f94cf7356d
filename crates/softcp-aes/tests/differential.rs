//! Random surfaces, ranges and counters against the `ctr` crate.

use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use proptest::collection::vec;
use proptest::prelude::*;
use softcp_aes::{BLOCK, CopyError, Key, Keystream, Rows, RowsMut, copy};

/// What is done with a run of visible bytes.
#[derive(Clone, Copy, Debug)]
enum Run {
    Encrypt,
    Clear,
    Leave,
}

/// A source, a destination, and what is to happen between them.
#[derive(Clone, Debug)]
struct Job {
    key: [u8; BLOCK],
    counter: [u8; BLOCK],
    row_bytes: usize,
    rows: usize,
    /// Distance of the rows, and of the first row from the start of the allocation, in source and destination.
    pitches: [usize; 2],
    offsets: [usize; 2],
    /// Ends of runs, as parts of the visible bytes in thousandths; what happens in each.
    runs: Vec<(usize, Run)>,
    seed: u8,
}

fn counters() -> impl Strategy<Value = [u8; BLOCK]> {
    let near_the_wrap = (any::<[u8; 8]>(), 0..400_u64).prop_map(|(iv, before)| {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&iv);
        block[8..].copy_from_slice(&(u64::MAX - before).to_be_bytes());
        block
    });
    prop_oneof![any::<[u8; BLOCK]>(), near_the_wrap]
}

fn jobs() -> impl Strategy<Value = Job> {
    let row_bytes = prop_oneof![3 => 0..80_usize, 2 => 80..600_usize, 1 => 600..3000_usize];
    let padding = || prop_oneof![1 => Just(0), 3 => 0..100_usize];
    let run = prop_oneof![3 => Just(Run::Encrypt), 1 => Just(Run::Clear), 1 => Just(Run::Leave)];
    (
        (any::<[u8; BLOCK]>(), counters(), any::<u8>()),
        (row_bytes, 0..12_usize),
        ([padding(), padding()], [0..64_usize, 0..64_usize]),
        vec((0..=1000_usize, run), 1..8),
    )
        .prop_map(|((key, counter, seed), (row_bytes, rows), (paddings, offsets), mut runs)| {
            runs.sort_by_key(|(end, _)| *end);
            let pitches = paddings.map(|padding| row_bytes + padding);
            Job { key, counter, row_bytes, rows, pitches, offsets, runs, seed }
        })
}

impl Job {
    fn visible_bytes(&self) -> usize {
        self.row_bytes * self.rows
    }

    /// Bytes that no two neighbouring places share; padding included.
    fn memory(&self, which: usize) -> Vec<u8> {
        let len = self.offsets[which] + self.pitches[which] * self.rows + 7;
        let seed = self.seed.wrapping_add(if which == 0 { 0 } else { 101 });
        (0..=u8::MAX).cycle().take(len).map(|i| i.wrapping_mul(167).wrapping_add(seed)).collect()
    }

    /// Where visible byte `i` lies in the memory of the source (0) or the destination (1).
    fn place(&self, which: usize, i: usize) -> usize {
        self.offsets[which] + i / self.row_bytes * self.pitches[which] + i % self.row_bytes
    }

    /// The runs as ranges of visible bytes.
    fn ranges(&self) -> Vec<(std::ops::Range<usize>, Run)> {
        let mut start = 0;
        let ranges = self.runs.iter().map(|&(end, run)| {
            let end = self.visible_bytes() * end / 1000;
            (std::mem::replace(&mut start, end)..end, run)
        });
        ranges.collect()
    }

    /// The destination's memory after the job, worked out byte by byte with one keystream of the `ctr` crate.
    fn expected(&self, src: &[u8], src_is: usize, dst: &[u8], dst_is: usize) -> Vec<u8> {
        let mut keystream = vec![0; self.visible_bytes()];
        Ctr64BE::<aes::Aes128>::new(&self.key.into(), &self.counter.into()).apply_keystream(&mut keystream);
        let mut keystream = keystream.into_iter();
        let mut expected = dst.to_vec();
        for (range, run) in self.ranges() {
            for i in range {
                let (from, to) = (self.place(src_is, i), self.place(dst_is, i));
                match run {
                    Run::Encrypt => expected[to] = src[from] ^ keystream.next().expect("as long as the surface"),
                    Run::Clear => expected[to] = src[from],
                    Run::Leave => {}
                }
            }
        }
        expected
    }

    fn surface<'a>(&self, which: usize, memory: &'a [u8]) -> Rows<'a> {
        Rows::new(&memory[self.offsets[which]..], self.pitches[which], self.row_bytes, self.rows).expect("it fits")
    }

    fn surface_mut<'a>(&self, which: usize, memory: &'a mut [u8]) -> RowsMut<'a> {
        RowsMut::new(&mut memory[self.offsets[which]..], self.pitches[which], self.row_bytes, self.rows)
            .expect("it fits")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn copy_equals_the_peer_and_leaves_the_rest(job in jobs()) {
        let src_memory = job.memory(0);
        let mut dst_memory = job.memory(1);
        let expected = job.expected(&src_memory, 0, &dst_memory, 1);
        let key = Key::new(&job.key);
        let mut keystream = Keystream::new(&key, job.counter);
        let src = job.surface(0, &src_memory);
        let mut dst = job.surface_mut(1, &mut dst_memory);
        let mut taken = 0;
        for (range, run) in job.ranges() {
            match run {
                Run::Encrypt => {
                    taken += range.len() as u64;
                    keystream.copy(&src, &mut dst, range)?;
                }
                Run::Clear => copy(&src, &mut dst, range)?,
                Run::Leave => {}
            }
        }
        prop_assert_eq!(keystream.position(), taken);
        prop_assert!(dst_memory == expected);
    }

    #[test]
    fn in_place_equals_the_peer_and_leaves_the_rest(job in jobs()) {
        let mut memory = job.memory(0);
        let expected = job.expected(&memory, 0, &memory, 0);
        let key = Key::new(&job.key);
        let mut keystream = Keystream::new(&key, job.counter);
        let mut surface = job.surface_mut(0, &mut memory);
        for (range, run) in job.ranges() {
            if let Run::Encrypt = run {
                keystream.in_place(&mut surface, range)?;
            }
        }
        prop_assert!(memory == expected);
    }

    #[test]
    fn flat_equals_the_peer(
        key: [u8; BLOCK], counter in counters(), data in vec(any::<u8>(), 0..5000), splits in vec(0..5000_usize, 0..6),
        offset in 0..64_usize,
    ) {
        let mut expected = data.clone();
        Ctr64BE::<aes::Aes128>::new(&key.into(), &counter.into()).apply_keystream(&mut expected);
        let key = Key::new(&key);
        let mut splits: Vec<_> = splits.into_iter().map(|split| split.min(data.len())).collect();
        splits.sort_unstable();
        splits.push(data.len());

        let mut copied = vec![0; offset + data.len()];
        let mut in_place = copied.clone();
        in_place[offset..].copy_from_slice(&data);
        let (mut first, mut second) = (Keystream::new(&key, counter), Keystream::new(&key, counter));
        let mut start = 0;
        for end in splits {
            first.apply(&data[start..end], &mut copied[offset + start..offset + end])?;
            second.apply_in_place(&mut in_place[offset + start..offset + end]);
            start = end;
        }
        prop_assert!(copied[offset..] == expected);
        prop_assert!(in_place[offset..] == expected);
    }

    #[test]
    fn refused_calls_change_nothing(job in jobs(), past in 1..50_usize, before in 0..40_usize) {
        let mut dst_memory = job.memory(1);
        let untouched = dst_memory.clone();
        let src_memory = job.memory(0);
        let src = job.surface(0, &src_memory);
        let mut dst = job.surface_mut(1, &mut dst_memory);
        let key = Key::new(&job.key);
        let mut keystream = Keystream::new(&key, job.counter);
        let mut peer = Keystream::new(&key, job.counter);
        keystream.apply_in_place(&mut vec![0; before]);
        peer.apply_in_place(&mut vec![0; before]);

        let visible_bytes = job.visible_bytes();
        let outside = CopyError::RangeOutside { start: 0, end: visible_bytes + past, visible_bytes };
        prop_assert_eq!(keystream.copy(&src, &mut dst, 0..visible_bytes + past), Err(outside.clone()));
        prop_assert_eq!(keystream.in_place(&mut dst, 0..visible_bytes + past), Err(outside));
        let row = vec![0; job.row_bytes + past];
        let other = Rows::from(&row[..]);
        let refused = keystream.copy(&other, &mut dst, 0..0);
        prop_assert!(matches!(refused, Err(CopyError::ShapeMismatch { .. })), "{:?}", refused);

        prop_assert_eq!(keystream.position(), before as u64);
        prop_assert!(dst_memory == untouched);
        let (mut next, mut peers_next) = ([0; 40], [0; 40]);
        keystream.apply_in_place(&mut next);
        peer.apply_in_place(&mut peers_next);
        prop_assert_eq!(next, peers_next);
    }
}
