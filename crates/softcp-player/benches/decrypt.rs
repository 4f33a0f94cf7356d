//! `decrypt`, under protection and without a channel, against `cp` on a file of one's own:
//! `cargo bench -p softcp-player -- FILE KID:KEY [ROUNDS]`.
//!
//! `tools/media/big.sh` makes a fitting file. Put it on a memory file system. Without arguments nothing is measured.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people at a terminal")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use softcp_player::{DecryptOptions, Protection, Trust, decrypt};
use softcp_runtime::Driver;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, key, rounds @ ..] = arguments.as_slice() else {
        println!("usage: cargo bench -p softcp-player -- FILE KID:KEY [ROUNDS]");
        return;
    };
    let rounds: usize = rounds.first().map_or(15, |rounds| rounds.parse().unwrap());
    let input = PathBuf::from(file);
    let output = input.with_extension("bench.mp4");
    let driver = Driver::from_entry(softcp_ddi::softcp_open_reference_driver, "").unwrap();
    let mut options = DecryptOptions::new(&input, &output, Trust::Anyone);
    options.overwrite = true;
    options.keys.insert_text(key).unwrap();

    let (mut protected, mut unprotected, mut copied) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (protection, times) in [(Protection::Required, &mut protected), (Protection::Without, &mut unprotected)] {
            options.protection = protection;
            times.push(seconds(&output, || {
                decrypt(&driver, &options, &mut |_| {}).unwrap();
            }));
        }
        copied.push(seconds(&output, || {
            assert!(Command::new("cp").args([&input, &output]).status().unwrap().success());
        }));
    }
    let report = decrypt(&driver, &options, &mut |_| {}).unwrap();
    std::fs::remove_file(&output).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let megabytes = report.bytes as f64 / 1e6;
    println!("{} samples, {} blits, {} refreshes", report.samples, report.blits, report.refreshes);
    // On a machine with other work the fastest rounds say more than the middle ones.
    for (what, pick) in [("median", 0.5), ("fastest", 0.0)] {
        let cp = quantile(&mut copied, pick);
        println!("{what:8} cp                       {:5.0} MB/s", megabytes / cp);
        for (how, times) in [("under protection", &mut protected), ("without channel", &mut unprotected)] {
            let decrypt = quantile(times, pick);
            println!("{what:8} decrypt {how:16} {:5.0} MB/s, {:.2} x cp's time", megabytes / decrypt, decrypt / cp);
        }
    }
}

/// Runs `work` with no output there yet.
fn seconds(output: &Path, work: impl FnOnce()) -> f64 {
    let _ = std::fs::remove_file(output);
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn quantile(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into a short list"
    )]
    let index = (values.len() as f64 * quantile) as usize;
    values[index]
}
