//! Regions and patterns against the rules of ISO/IEC 23001-7, worked out here block by block, with the `cbc` and `ctr` crates.

use cbc::cipher::{BlockModeDecrypt, KeyIvInit, StreamCipher};
use ctr::Ctr64BE;
use proptest::collection::vec;
use proptest::prelude::*;
use softcp_aes::{
    Alternation, BLOCK, CbcDecryption, Chain, CopyError, DecryptionKey, Kernel, Key, Keystream, Pattern, Region, Rows,
    RowsMut, Run,
};

/// The schemes that have whole blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Cbc1,
    Cbcs,
    Cens,
}

/// A plane: visible bytes of a row, rows, and for source and destination the padding and the place of the first row.
#[derive(Clone, Debug)]
struct Plane {
    row_bytes: usize,
    rows: usize,
    paddings: [usize; 2],
    offsets: [usize; 2],
}

impl Plane {
    fn pitch(&self, which: usize) -> usize {
        self.row_bytes + self.paddings[which]
    }

    fn visible(&self) -> usize {
        self.row_bytes * self.rows
    }

    /// Its memory, each byte different from its neighbors.
    fn memory(&self, which: usize, seed: u8) -> Vec<u8> {
        let len = self.offsets[which] + self.pitch(which) * self.rows + 5;
        let seed = seed.wrapping_add(if which == 0 { 0 } else { 101 });
        (0..=u8::MAX).cycle().take(len).map(|i| i.wrapping_mul(167).wrapping_add(seed)).collect()
    }

    /// Where a visible byte lies.
    fn at(&self, which: usize, byte: usize) -> usize {
        self.offsets[which] + byte / self.row_bytes * self.pitch(which) + byte % self.row_bytes
    }

    fn rows<'a>(&self, which: usize, memory: &'a [u8]) -> Rows<'a> {
        Rows::new(&memory[self.offsets[which]..], self.pitch(which), self.row_bytes, self.rows).expect("it fits")
    }

    fn rows_mut<'a>(&self, which: usize, memory: &'a mut [u8]) -> RowsMut<'a> {
        RowsMut::new(&mut memory[self.offsets[which]..], self.pitch(which), self.row_bytes, self.rows).expect("it fits")
    }
}

/// A sample in planes, and how it is encrypted.
#[derive(Clone, Debug)]
struct Sample {
    key: [u8; BLOCK],
    iv: [u8; BLOCK],
    scheme: Scheme,
    pattern: Option<Pattern>,
    planes: Vec<Plane>,
    regions: Vec<Region>,
    seed: u8,
}

fn pattern(encrypted: u32, clear: u32) -> Pattern {
    Pattern { encrypted, clear }
}

fn planes() -> impl Strategy<Value = Vec<Plane>> {
    // Miri takes a thousand times as long.
    let scale: usize = if cfg!(miri) { 20 } else { 1 };
    let plane =
        |sizes: BoxedStrategy<(usize, usize)>| {
            let padding = || prop_oneof![Just(0), 0..70_usize];
            let offset = || 0..70_usize;
            (sizes, [padding(), padding()], [offset(), offset()])
                .prop_map(|((row_bytes, rows), paddings, offsets)| Plane { row_bytes, rows, paddings, offsets })
        };
    let flat = (0..20_000 / scale, Just(1)).boxed();
    let rows = prop_oneof![
        (0..12_usize, 0..60 / scale + 2),
        (0..300_usize, 0..20 / scale + 2),
        (3000..4000 / scale + 3001, 0..3_usize)
    ];
    prop_oneof![plane(flat).prop_map(|plane| vec![plane]), vec(plane(rows.boxed()), 0..4)]
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let usual = prop_oneof![Just(pattern(1, 9)), Just(pattern(5, 5)), Just(pattern(1, 1)), Just(pattern(u32::MAX, 3))];
    prop_oneof![usual, (1..20_u32, 1..20_u32).prop_map(|(encrypted, clear)| pattern(encrypted, clear))]
}

fn samples() -> impl Strategy<Value = Sample> {
    let scheme = prop_oneof![
        Just((Scheme::Cbc1, false)),
        Just((Scheme::Cbcs, false)),
        Just((Scheme::Cbc1, true)),
        Just((Scheme::Cbcs, true)),
        Just((Scheme::Cens, true)),
    ];
    let cuts = vec(prop_oneof![0..=1000_usize, Just(0), Just(1000)], 0..8);
    let keys = (any::<[u8; BLOCK]>(), any::<[u8; BLOCK]>(), any::<u8>());
    (keys, scheme, patterns(), planes(), cuts, any::<bool>()).prop_map(
        |((key, iv, seed), (scheme, has_pattern), pattern, planes, mut cuts, ends_clear)| {
            let total: usize = planes.iter().map(Plane::visible).sum();
            cuts.sort_unstable();
            if !ends_clear || cuts.len() % 2 != 0 {
                cuts.push(1000);
            }
            if cuts.len() % 2 != 0 {
                cuts.insert(0, 0);
            }
            let mut start = 0;
            let mut until = |cut: usize| {
                let end = total * cut / 1000;
                end - std::mem::replace(&mut start, end)
            };
            let mut regions: Vec<_> =
                cuts.chunks(2).map(|cut| Region { clear: until(cut[0]), encrypted: until(cut[1]) }).collect();
            regions.push(Region { clear: until(1000), encrypted: 0 });
            Sample { key, iv, scheme, pattern: has_pattern.then_some(pattern), planes, regions, seed }
        },
    )
}

/// The sample's bytes decrypted, by the table of schemes: for each block of each region, whether it is encrypted; the
/// encrypted ones of one chain in a row.
fn decrypted(sample: &Sample, bytes: &[u8]) -> Vec<u8> {
    let mut decrypted = bytes.to_vec();
    // Chains of places of encrypted blocks.
    let mut chains: Vec<Vec<usize>> = vec![vec![]];
    let mut at = 0;
    for region in &sample.regions {
        at += region.clear;
        if sample.scheme == Scheme::Cbcs {
            chains.push(vec![]);
        }
        for block in 0..region.encrypted / BLOCK {
            let is_encrypted = sample.pattern.is_none_or(|Pattern { encrypted, clear }| {
                block as u64 % (u64::from(encrypted) + u64::from(clear)) < u64::from(encrypted)
            });
            if is_encrypted {
                chains.last_mut().expect("it is not empty").push(at + block * BLOCK);
            }
        }
        at += region.encrypted;
    }
    assert_eq!(at, bytes.len());
    for chain in chains {
        let mut together: Vec<u8> = chain.iter().flat_map(|&at| bytes[at..at + BLOCK].to_vec()).collect();
        if sample.scheme == Scheme::Cens {
            Ctr64BE::<aes::Aes128>::new(&sample.key.into(), &sample.iv.into()).apply_keystream(&mut together);
        } else {
            let mut cbc = cbc::Decryptor::<aes::Aes128>::new(&sample.key.into(), &sample.iv.into());
            for block in together.chunks_mut(BLOCK) {
                let block: &mut [u8; BLOCK] = block.try_into().expect("whole blocks");
                cbc.decrypt_block(block.into());
            }
        }
        for (place, block) in chain.into_iter().zip(together.chunks(BLOCK)) {
            decrypted[place..place + BLOCK].copy_from_slice(block);
        }
    }
    decrypted
}

impl Sample {
    fn memory(&self, which: usize) -> Vec<Vec<u8>> {
        (0..).zip(&self.planes).map(|(i, plane)| plane.memory(which, self.seed.wrapping_add(i * 50))).collect()
    }

    /// `to` after the sample in `from` has been decrypted.
    fn expected(&self, from: (&[Vec<u8>], usize), to: (&[Vec<u8>], usize)) -> Vec<Vec<u8>> {
        let places =
            || self.planes.iter().enumerate().flat_map(|(i, plane)| (0..plane.visible()).map(move |byte| (i, byte)));
        let bytes: Vec<u8> = places().map(|(i, byte)| from.0[i][self.planes[i].at(from.1, byte)]).collect();
        let mut expected = to.0.to_vec();
        for ((i, byte), value) in places().zip(decrypted(self, &bytes)) {
            expected[i][self.planes[i].at(to.1, byte)] = value;
        }
        expected
    }

    fn rows<'a>(&self, which: usize, memory: &'a [Vec<u8>]) -> Vec<Rows<'a>> {
        self.planes.iter().zip(memory).map(|(plane, memory)| plane.rows(which, memory)).collect()
    }

    fn rows_mut<'a>(&self, which: usize, memory: &'a mut [Vec<u8>]) -> Vec<RowsMut<'a>> {
        self.planes.iter().zip(memory).map(|(plane, memory)| plane.rows_mut(which, memory)).collect()
    }

    /// Decrypts with `kernel` from `source` to `destination`, or in place; returns what was said and the keystream taken.
    fn run(
        &self,
        kernel: Kernel,
        source: Option<&[Rows<'_>]>,
        destination: &mut [RowsMut<'_>],
        regions: &[Region],
    ) -> (Result<(), CopyError>, u64) {
        let regions = regions.iter().copied();
        if let (Scheme::Cens, Some(pattern)) = (self.scheme, self.pattern) {
            let key = Key::with_kernel(&self.key, kernel).expect("it is available");
            let mut keystream = Keystream::new(&key, self.iv);
            let outcome = match source {
                Some(source) => keystream.copy_regions(source, destination, pattern, regions),
                None => keystream.in_place_regions(destination, pattern, regions),
            };
            return (outcome, keystream.position());
        }
        let chain = if self.scheme == Scheme::Cbcs { Chain::RestartsInRegion } else { Chain::Continues };
        let key = DecryptionKey::with_kernel(&self.key, kernel).expect("it is available");
        let decryption = CbcDecryption::new(&key, self.iv, chain, self.pattern);
        let outcome = match source {
            Some(source) => decryption.copy(source, destination, regions),
            None => decryption.in_place(destination, regions),
        };
        (outcome, 0)
    }
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::available().filter(|kernel| DecryptionKey::with_kernel(&[0; BLOCK], *kernel).is_some())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 5 } else { 1500 }))]

    #[test]
    fn copy_decrypts_by_the_rules_and_leaves_padding(sample in samples()) {
        let (source, before) = (sample.memory(0), sample.memory(1));
        let expected = sample.expected((&source, 0), (&before, 1));
        for kernel in kernels() {
            let mut memory = before.clone();
            let mut to = sample.rows_mut(1, &mut memory);
            let (outcome, _) = sample.run(kernel, Some(&sample.rows(0, &source)), &mut to, &sample.regions);
            prop_assert_eq!(outcome, Ok(()));
            prop_assert!(memory == expected, "{}", kernel);
        }
    }

    #[test]
    fn in_place_decrypts_by_the_rules_and_leaves_padding(sample in samples()) {
        let source = sample.memory(0);
        let expected = sample.expected((&source, 0), (&source, 0));
        for kernel in kernels() {
            let mut memory = source.clone();
            let (outcome, _) = sample.run(kernel, None, &mut sample.rows_mut(0, &mut memory), &sample.regions);
            prop_assert_eq!(outcome, Ok(()));
            prop_assert!(memory == expected, "{}", kernel);
        }
    }

    #[test]
    fn refused_calls_change_nothing(sample in samples(), more in 1..40_usize) {
        let (source, before) = (sample.memory(0), sample.memory(1));
        let mut memory = before.clone();
        let mut to = sample.rows_mut(1, &mut memory);
        let visible_bytes = sample.planes.iter().map(Plane::visible).sum();
        let mut regions = sample.regions.clone();
        regions.push(Region { clear: 0, encrypted: more });
        let mismatch = CopyError::RegionsMismatch { covered: (visible_bytes + more) as u128, visible_bytes };
        for from in [Some(&sample.rows(0, &source)[..]), None] {
            let refused = sample.run(Kernel::best(), from, &mut to, &regions);
            prop_assert_eq!(refused, (Err(mismatch.clone()), 0));
            for (encrypted, clear) in [(0, 1), (1, 0)] {
                let sample = Sample { pattern: Some(pattern(encrypted, clear)), ..sample.clone() };
                let refused = sample.run(Kernel::best(), from, &mut to, &sample.regions);
                prop_assert_eq!(refused, (Err(CopyError::BadPattern { encrypted, clear }), 0));
            }
        }
        let row = vec![0; 5000];
        let mut others = sample.rows(0, &source);
        others.push(Rows::from(&row[..]));
        let planes = CopyError::PlanesMismatch { src_planes: others.len(), dst_planes: to.len() };
        prop_assert_eq!(sample.run(Kernel::best(), Some(&others), &mut to, &sample.regions), (Err(planes), 0));
        others.pop();
        if let Some(last) = others.last_mut() {
            *last = Rows::from(&row[..]);
            let (refused, _) = sample.run(Kernel::best(), Some(&others), &mut to, &sample.regions);
            let is_mismatch = matches!(refused, Err(CopyError::ShapeMismatch { src_row_bytes: 5000, src_rows: 1, .. }));
            prop_assert!(is_mismatch, "{:?}", refused);
        }
        prop_assert!(memory == before);
    }
}

/// The runs of an alternation, by the words of D8.
fn runs(beginning: usize, skip: usize, encrypt: usize, total: usize) -> Vec<Run> {
    let lengths = [(beginning, true)].into_iter().chain([(skip, false), (encrypt, true)].into_iter().cycle());
    let mut at = 0;
    let mut runs = vec![];
    for (length, encrypted) in lengths {
        if at == total {
            break;
        }
        let range = at..(at + length).min(total);
        at = range.end;
        runs.push(Run { range, encrypted });
    }
    runs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 5 } else { 1500 }))]

    #[test]
    fn alternations_are_their_runs(
        sample in samples(),
        [beginning, skip, encrypt] in prop_oneof![[0..9_u32, 1..4_u32, 1..4_u32], [0..40_u32, 1..40_u32, 1..40_u32]],
    ) {
        // One plane, whose runs can be given to `copy_runs`.
        let plane = sample.planes.first();
        let Some(plane) = plane.map(|plane| Plane { row_bytes: plane.row_bytes.max(1), ..plane.clone() }) else {
            return Ok(());
        };
        let total = plane.visible();
        let [beginning, skip, encrypt] = [beginning, skip, encrypt].map(|blocks| blocks * 16);
        let Some(alternation) = Alternation::new(beginning, skip, encrypt, total) else { return Ok(()) };
        let runs = runs(beginning as usize, skip as usize, encrypt as usize, total);
        let (source, before) = (plane.memory(0, sample.seed), plane.memory(1, sample.seed));
        for kernel in kernels() {
            let key = Key::with_kernel(&sample.key, kernel).expect("it is available");
            let (mut by_runs, mut by_blocks) = (before.clone(), before.clone());
            let mut expected = Keystream::new(&key, sample.iv);
            let from = plane.rows(0, &source);
            expected.copy_runs(&from, &mut plane.rows_mut(1, &mut by_runs), runs.iter().cloned()).unwrap();
            let mut keystream = Keystream::new(&key, sample.iv);
            let to = &mut [plane.rows_mut(1, &mut by_blocks)];
            keystream.copy_alternation(&[plane.rows(0, &source)], to, alternation).unwrap();
            prop_assert!(by_blocks == by_runs, "{}", kernel);
            prop_assert_eq!(keystream.position(), expected.position());
            let mut in_place = source.clone();
            let mut keystream = Keystream::new(&key, sample.iv);
            keystream.in_place_alternation(&mut [plane.rows_mut(0, &mut in_place)], alternation).unwrap();
            for byte in 0..total {
                prop_assert_eq!(in_place[plane.at(0, byte)], by_runs[plane.at(1, byte)]);
            }
            let more = vec![0; total + 1];
            let refused = keystream.copy_alternation(
                &[Rows::from(&more[..])],
                &mut [RowsMut::from(&mut more.clone()[..])],
                alternation,
            );
            let mismatch = CopyError::RegionsMismatch { covered: total as u128, visible_bytes: total + 1 };
            prop_assert_eq!(refused, Err(mismatch));
        }
    }
}
