//! `decrypt`, under protection and without a channel, against `cp` and other decrypters on a file of one's own:
//! `cargo bench -p softcp-player -- FILE KID:KEY [ROUNDS]`.
//!
//! `tools/media/big.sh` makes a fitting file. Put it on a memory file system. Without arguments nothing is measured.
//!
//! Each round runs everything once, in another order, and ratios are those within a round: what else the machine does
//! concerns both. ffmpeg and packager run if they are there, named by FFMPEG and PACKAGER or on the PATH.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people at a terminal")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use softcp_player::{DecryptOptions, Protection, Trust, decrypt};
use softcp_runtime::Driver;

/// One way to make a file out of another, and how long it took in each round.
struct Way<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> bool + 'a>,
    seconds: Vec<f64>,
}

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
    let options = |protection| {
        let mut options = DecryptOptions::new(&input, &output, Trust::Anyone);
        options.keys.insert_text(key).unwrap();
        options.protection = protection;
        options
    };
    let (protected, unprotected) = (options(Protection::Required), options(Protection::Without));
    let report = decrypt(&driver, &protected, &mut |_| {}).unwrap();
    println!("{} samples, {} blits, {} refreshes", report.samples, report.blits, report.refreshes);

    let ours = |options: &DecryptOptions| decrypt(&driver, options, &mut |_| {}).is_ok();
    let mut ways = vec![
        Way::new("cp", || succeeds(Command::new("cp").args([&input, &output]))),
        Way::new("decrypt under protection", || ours(&protected)),
    ];
    // Decoders of AES-CBC take no key without one.
    if ours(&unprotected) {
        ways.push(Way::new("decrypt without channel", || ours(&unprotected)));
    }
    let (kid, bare_key) = key.split_once(':').unwrap();
    for (name, mut command) in
        [("ffmpeg", ffmpeg(&input, bare_key, &output)), ("packager", packager(&input, kid, bare_key, &output))]
    {
        let _ = std::fs::remove_file(&output);
        // One that is not there, or cannot read the file, is left out.
        if succeeds(&mut command) {
            ways.push(Way::new(name, move || succeeds(&mut command)));
        }
    }
    for round in 0..rounds {
        let first = round % ways.len();
        ways.rotate_left(first);
        for way in &mut ways {
            let _ = std::fs::remove_file(&output);
            let start = Instant::now();
            assert!((way.run)(), "{} failed", way.name);
            way.seconds.push(start.elapsed().as_secs_f64());
        }
        ways.rotate_right(first);
    }
    let _ = std::fs::remove_file(&output);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let megabytes = report.bytes as f64 / 1e6;
    println!(
        "{:26}{:>8}{:>8}{:>10}  x cp: {:>6}{:>14}{:>10}",
        "", "median", "MB/s", "fastest", "median", "quartiles", "fastest"
    );
    let cp = ways[0].seconds.clone();
    for way in &ways {
        let ratios: Vec<_> = way.seconds.iter().zip(&cp).map(|(seconds, cp)| seconds / cp).collect();
        let [fastest, _, median, _] = quartiles(&way.seconds);
        let [_, low, middle, high] = quartiles(&ratios);
        let [fastest_cp, ..] = quartiles(&cp);
        println!(
            "{:26}{:5.0} ms{:8.0}{:7.0} ms{:14.2}{:8.2}-{:.2}{:11.2}",
            way.name,
            median * 1e3,
            megabytes / median,
            fastest * 1e3,
            middle,
            low,
            high,
            fastest / fastest_cp
        );
    }
}

impl<'a> Way<'a> {
    fn new(name: &'static str, run: impl FnMut() -> bool + 'a) -> Self {
        Self { name, run: Box::new(run), seconds: Vec::new() }
    }
}

fn ffmpeg(input: &Path, key: &str, output: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("FFMPEG").unwrap_or("ffmpeg".into()));
    command.args(["-v", "error", "-nostdin", "-y", "-decryption_key", key, "-i"]).arg(input);
    command.args(["-map", "0", "-c", "copy"]).arg(output);
    command
}

fn packager(input: &Path, kid: &str, key: &str, output: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("PACKAGER").unwrap_or("packager".into()));
    command.arg(format!("in={},stream=video,output={}", input.display(), output.display()));
    command.args(["--enable_raw_key_decryption", "--keys", &format!("label=:key_id={kid}:key={key}"), "--quiet"]);
    command
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The least, the lower quartile, the median and the upper quartile.
fn quartiles(values: &[f64]) -> [f64; 4] {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len() - 1;
    [0, last / 4, last / 2, last * 3 / 4].map(|index| values[index])
}
