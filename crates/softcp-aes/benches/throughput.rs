//! Counter-mode copies beside a plain copy and beside the `ctr` crate.
//!
//! `cargo bench -p softcp-aes` measures each implementation with criterion, then prints a table of ratios. Absolute figures move
//! with the machine's other load; the ratios come from rounds in which all implementations take turns, so read those.
//! `cargo bench -p softcp-aes -- ratios` prints the table alone, `… -- ratios 4K` its rows with that in their names.

// A benchmark reports on the terminal, rounded, and a failed setup may stop it.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used)]

use std::hash::{BuildHasher as _, RandomState};
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use softcp_aes::{BLOCK, Kernel, Key, Keystream, Rows, RowsMut};

/// A surface: what it is called, its measures in bytes and rows, how many are taken in turn, and how the rows begin.
struct Case {
    name: &'static str,
    row_pitch: usize,
    row_bytes: usize,
    rows: usize,
    /// Surfaces that take turns: with many, each comes from memory.
    surfaces: usize,
}

const fn warm(name: &'static str, row_pitch: usize, row_bytes: usize, rows: usize) -> Case {
    Case { name, row_pitch, row_bytes, rows, surfaces: 1 }
}

const CASES: [Case; 11] = [
    warm("64 B", 64, 64, 1),
    warm("1 KiB", 1 << 10, 1 << 10, 1),
    warm("16 KiB", 16 << 10, 16 << 10, 1),
    warm("256 KiB", 256 << 10, 256 << 10, 1),
    warm("1 MiB", 1 << 20, 1 << 20, 1),
    warm("1080p NV12, packed", 1920, 1920, 1620),
    warm("1080p NV12, pitch 2048", 2048, 1920, 1620),
    warm("1917 x 1080 NV12, pitch 2048", 2048, 1917, 1620),
    warm("4K NV12, packed", 3840, 3840, 3240),
    warm("64 MiB", 64 << 20, 64 << 20, 1),
    Case { name: "4K NV12, from memory", row_pitch: 3840, row_bytes: 3840, rows: 3240, surfaces: 32 },
];

/// What takes part.
#[derive(Clone, Copy, PartialEq)]
enum Contestant {
    /// Row by row, or at once where there is no padding. Ratios are to it.
    PlainCopy,
    CtrCrate,
    Copy(Kernel),
    InPlace(Kernel),
}

impl Contestant {
    fn all() -> Vec<Self> {
        let kernels = || Kernel::available();
        let mut all = vec![Self::PlainCopy, Self::CtrCrate];
        all.extend(kernels().map(Self::Copy));
        all.push(Self::InPlace(Kernel::best()));
        all
    }

    fn name(self) -> String {
        match self {
            Self::PlainCopy => "plain copy".to_owned(),
            Self::CtrCrate => "ctr crate".to_owned(),
            Self::Copy(kernel) => kernel.to_string(),
            Self::InPlace(kernel) => format!("{kernel} in place"),
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "ratios");
    let only_ratios = arguments.next().is_some();
    let filter = arguments.next().filter(|argument| !argument.starts_with('-')).unwrap_or_default();
    if !only_ratios {
        let mut criterion = Criterion::default().configure_from_args();
        for case in CASES.iter().filter(|case| case.surfaces == 1) {
            criterion_group(&mut criterion, case);
        }
        criterion.final_summary();
    }
    // `cargo test --benches` runs this program only to see that it works.
    if !std::env::args().any(|argument| argument == "--test") {
        ratios(&filter);
    }
}

fn criterion_group(criterion: &mut Criterion, case: &Case) {
    let mut group = criterion.benchmark_group(case.name);
    group.throughput(Throughput::Bytes((case.row_bytes * case.rows) as u64));
    let mut bench = Bench::new(case);
    for implementation in Contestant::all() {
        group.bench_function(implementation.name(), |bencher| bencher.iter(|| bench.call(implementation)));
    }
    group.finish();
}

/// Prints speed and ratio to the plain copy: medians over rounds in which each implementation has one turn.
fn ratios(filter: &str) {
    const ROUNDS: usize = 61;
    let shuffle = RandomState::new();
    let implementations = Contestant::all();
    print!("\n{:<30}", "GB/s (x plain copy)");
    for implementation in &implementations {
        print!("{:>18}", implementation.name());
    }
    println!();
    for case in CASES.iter().filter(|case| case.name.contains(filter)) {
        let bytes = case.row_bytes * case.rows;
        // A turn is long enough for the clock, and for what the turn before it has left in the caches to matter little.
        let calls = (24 << 20) / bytes + 1;
        let mut bench = Bench::new(case);
        let mut times = vec![Vec::new(); implementations.len()];
        let mut order: Vec<_> = (0..implementations.len()).collect();
        for round in 0..ROUNDS {
            // Another order each time: what runs before has a say in what the caches hold.
            order.sort_by_cached_key(|implementation| shuffle.hash_one((round, implementation)));
            for &implementation in &order {
                let start = Instant::now();
                for _ in 0..calls {
                    bench.call(implementations[implementation]);
                }
                times[implementation].push(start.elapsed());
            }
        }
        let medians: Vec<_> = times.iter_mut().map(|times| median(times)).collect();
        print!("{:<30}", case.name);
        for median in &medians {
            let speed = (bytes * calls) as f64 / median.as_secs_f64() / 1e9;
            let ratio = medians[0].as_secs_f64() / median.as_secs_f64();
            print!("{:>18}", format!("{speed:.2} ({ratio:.2})"));
        }
        println!();
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Sources, destinations and keys of one case, ready.
struct Bench<'c> {
    case: &'c Case,
    keys: Vec<Key>,
    peer: Ctr64BE<aes::Aes128>,
    surfaces: Vec<(Vec<u8>, Vec<u8>)>,
    next: usize,
}

impl<'c> Bench<'c> {
    fn new(case: &'c Case) -> Self {
        // Lines, as drivers align surfaces.
        let len = case.row_pitch * case.rows + 63;
        Self {
            case,
            keys: Kernel::available().map(|kernel| Key::with_kernel(&[0x2b; BLOCK], kernel).unwrap()).collect(),
            peer: Ctr64BE::new(&[0x2b; BLOCK].into(), &[0; BLOCK].into()),
            surfaces: (0..case.surfaces).map(|_| (vec![0x5a; len], vec![0xa5; len])).collect(),
            next: 0,
        }
    }

    fn call(&mut self, implementation: Contestant) {
        let &Case { row_pitch, row_bytes, rows, .. } = self.case;
        let whole = 0..row_bytes * rows;
        self.next = (self.next + 1) % self.surfaces.len();
        let (src, dst) = &mut self.surfaces[self.next];
        let (src, dst) = (aligned(src), aligned(dst));
        let key = |kernel| self.keys.iter().find(|key| key.kernel() == kernel).unwrap();
        let from = Rows::new(black_box(src), row_pitch, row_bytes, rows).unwrap();
        match implementation {
            Contestant::PlainCopy => {
                let mut to = RowsMut::new(black_box(dst), row_pitch, row_bytes, rows).unwrap();
                softcp_aes::copy(&from, &mut to, whole).unwrap();
            }
            Contestant::CtrCrate if row_pitch == row_bytes => {
                let len = row_pitch * rows;
                self.peer.apply_keystream_b2b(&src[..len], &mut dst[..len]);
            }
            Contestant::CtrCrate => {
                for (src, dst) in src.chunks(row_pitch).zip(dst.chunks_mut(row_pitch)).take(rows) {
                    self.peer.apply_keystream_b2b(&src[..row_bytes], &mut dst[..row_bytes]);
                }
            }
            Contestant::Copy(kernel) => {
                let mut to = RowsMut::new(black_box(dst), row_pitch, row_bytes, rows).unwrap();
                Keystream::new(key(kernel), [0; BLOCK]).copy(&from, &mut to, whole).unwrap();
            }
            Contestant::InPlace(kernel) => {
                let mut to = RowsMut::new(black_box(dst), row_pitch, row_bytes, rows).unwrap();
                Keystream::new(key(kernel), [0; BLOCK]).in_place(&mut to, whole).unwrap();
            }
        }
    }
}

/// From the first line on.
fn aligned(memory: &mut [u8]) -> &mut [u8] {
    let start = memory.as_ptr().align_offset(64);
    &mut memory[start..]
}
