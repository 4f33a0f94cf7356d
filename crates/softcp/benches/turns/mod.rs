//! Calls that are measured in turns, for the benchmarks of single calls.
//!
//! Each is measured with criterion, then a table of times is printed: medians over rounds in which each call has one turn.
//! The argument `table` leaves criterion out.

use std::time::Instant;

use criterion::Criterion;

const ROUNDS: usize = 301;

/// One call that is measured.
pub(crate) struct Case<'b> {
    pub(crate) name: String,
    /// Calls of one turn: enough for the clock.
    pub(crate) calls: usize,
    pub(crate) call: Box<dyn FnMut() + 'b>,
}

/// Whether the program runs only to see that it works, as `cargo test --benches` does.
pub(crate) fn is_test() -> bool {
    has("--test") || !has("--bench")
}

fn has(wanted: &str) -> bool {
    std::env::args().any(|argument| argument == wanted)
}

/// Measures what the program's arguments ask for.
pub(crate) fn run(group: &str, cases: &mut [Case<'_>]) {
    if !has("table") {
        let mut criterion = Criterion::default().configure_from_args();
        let mut group = criterion.benchmark_group(group);
        for case in &mut *cases {
            group.bench_function(&case.name, |bencher| bencher.iter(&mut case.call));
        }
        group.finish();
        criterion.final_summary();
    }
    if !is_test() {
        table(cases);
    }
}

fn table(cases: &mut [Case<'_>]) {
    let mut times = vec![Vec::new(); cases.len()];
    for round in 0..ROUNDS {
        for turn in 0..cases.len() {
            let index = (round + turn) % cases.len();
            let case = &mut cases[index];
            let start = Instant::now();
            for _ in 0..case.calls {
                (case.call)();
            }
            times[index].push(start.elapsed().as_secs_f64() * 1e9 / case.calls as f64);
        }
    }
    println!("\n{:<56}{:>12}{:>12}", "ns a call", "median", "fastest");
    for (case, times) in cases.iter().zip(&mut times) {
        times.sort_unstable_by(f64::total_cmp);
        println!("{:<56}{:>12.1}{:>12.1}", case.name, times[times.len() / 2], times[0]);
    }
}
