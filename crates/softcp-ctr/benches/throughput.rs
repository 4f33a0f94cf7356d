//! Counter-mode copies beside a plain copy and beside the `ctr` crate.
//!
//! `cargo bench -p softcp-ctr` measures each contestant with criterion, then prints a table of ratios. Absolute figures move
//! with the machine's other load; the ratios come from rounds in which all contestants take turns, so read those.
//! `cargo bench -p softcp-ctr -- ratios` prints the table alone.

// A benchmark reports on the terminal, rounded, and a failed setup may stop it.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use softcp_ctr::{BLOCK, Key, Keystream, Rows, RowsMut};

/// A surface: what it is called, and its measures in bytes and rows.
struct Case {
    name: &'static str,
    row_pitch: usize,
    row_bytes: usize,
    rows: usize,
}

const CASES: [Case; 8] = [
    Case { name: "64 B", row_pitch: 64, row_bytes: 64, rows: 1 },
    Case { name: "1 KiB", row_pitch: 1 << 10, row_bytes: 1 << 10, rows: 1 },
    Case { name: "16 KiB", row_pitch: 16 << 10, row_bytes: 16 << 10, rows: 1 },
    Case { name: "256 KiB", row_pitch: 256 << 10, row_bytes: 256 << 10, rows: 1 },
    Case { name: "1080p NV12, packed", row_pitch: 1920, row_bytes: 1920, rows: 1620 },
    Case { name: "1080p NV12, pitch 2048", row_pitch: 2048, row_bytes: 1920, rows: 1620 },
    Case { name: "1366 x 768 NV12, pitch 1408", row_pitch: 1408, row_bytes: 1366, rows: 1152 },
    Case { name: "4K NV12, packed", row_pitch: 3840, row_bytes: 3840, rows: 3240 },
];

/// The plain copy comes first: ratios are to it.
const CONTESTANTS: [&str; 4] = ["plain copy", "ctr crate", "softcp-ctr", "softcp-ctr in place"];

fn main() {
    let only_ratios = std::env::args().any(|argument| argument == "ratios");
    if !only_ratios {
        let mut criterion = Criterion::default().configure_from_args();
        for case in &CASES {
            criterion_group(&mut criterion, case);
        }
        criterion.final_summary();
    }
    // `cargo test --benches` runs this program only to see that it works.
    if !std::env::args().any(|argument| argument == "--test") {
        ratios();
    }
}

fn criterion_group(criterion: &mut Criterion, case: &Case) {
    let mut group = criterion.benchmark_group(case.name);
    group.throughput(Throughput::Bytes((case.row_bytes * case.rows) as u64));
    let mut bench = Bench::new(case);
    for (contestant, name) in CONTESTANTS.iter().enumerate() {
        group.bench_function(*name, |bencher| bencher.iter(|| bench.call(contestant)));
    }
    group.finish();
}

/// Prints speed and ratio to the plain copy: medians over rounds in which each contestant has one turn.
fn ratios() {
    const ROUNDS: usize = 101;
    println!(
        "\n{:<28}{:>16}{:>24}{:>24}{:>24}",
        "GB/s (x plain copy)", CONTESTANTS[0], CONTESTANTS[1], CONTESTANTS[2], CONTESTANTS[3]
    );
    for case in &CASES {
        let bytes = case.row_bytes * case.rows;
        // A turn is long enough for the clock.
        let calls = (1 << 20) / bytes + 1;
        let mut bench = Bench::new(case);
        let mut times = [const { Vec::new() }; CONTESTANTS.len()];
        for round in 0..ROUNDS {
            for turn in 0..CONTESTANTS.len() {
                let contestant = (round + turn) % CONTESTANTS.len();
                let start = Instant::now();
                for _ in 0..calls {
                    bench.call(contestant);
                }
                times[contestant].push(start.elapsed());
            }
        }
        let medians = times.each_mut().map(|times| median(times));
        print!("{:<28}", case.name);
        for (contestant, median) in medians.iter().enumerate() {
            let speed = (bytes * calls) as f64 / median.as_secs_f64() / 1e9;
            if contestant == 0 {
                print!("{speed:>16.2}");
            } else {
                let ratio = medians[0].as_secs_f64() / median.as_secs_f64();
                print!("{:>24}", format!("{speed:.2} ({ratio:.2})"));
            }
        }
        println!();
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Source, destination and keys of one case, ready.
struct Bench<'c> {
    case: &'c Case,
    key: Key,
    peer: Ctr64BE<aes::Aes128>,
    src: Vec<u8>,
    dst: Vec<u8>,
}

impl<'c> Bench<'c> {
    fn new(case: &'c Case) -> Self {
        let len = case.row_pitch * case.rows;
        Self {
            case,
            key: Key::new(&[0x2b; BLOCK]),
            peer: Ctr64BE::new(&[0x2b; BLOCK].into(), &[0; BLOCK].into()),
            src: vec![0x5a; len],
            dst: vec![0xa5; len],
        }
    }

    fn call(&mut self, contestant: usize) {
        let &Case { row_pitch, row_bytes, rows, .. } = self.case;
        let whole = 0..row_bytes * rows;
        let src = Rows::new(black_box(&self.src), row_pitch, row_bytes, rows).unwrap();
        let mut dst = RowsMut::new(black_box(&mut self.dst), row_pitch, row_bytes, rows).unwrap();
        match contestant {
            0 => softcp_ctr::copy(&src, &mut dst, whole).unwrap(),
            1 if row_pitch == row_bytes => self.peer.apply_keystream_b2b(&self.src, &mut self.dst),
            1 => {
                for (src, dst) in self.src.chunks(row_pitch).zip(self.dst.chunks_mut(row_pitch)) {
                    self.peer.apply_keystream_b2b(&src[..row_bytes], &mut dst[..row_bytes]);
                }
            }
            2 => Keystream::new(&self.key, [0; BLOCK]).copy(&src, &mut dst, whole).unwrap(),
            _ => Keystream::new(&self.key, [0; BLOCK]).in_place(&mut dst, whole).unwrap(),
        }
    }
}
