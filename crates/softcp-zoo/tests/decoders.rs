//! The drivers that get encrypted buffers of decoders wrong, before the cases of the kit about them: in one process, since none
//! of them ends it. `softcp zoo` runs every driver before every case.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an unwrap in a test is an assertion")]

use softcp_conformance::runner::{Event, Outcome, RunOptions, Varied, run_here};
use softcp_conformance::{DriverSource, cases};
use softcp_zoo::{drivers, softcp_open_faulty_driver};

/// The committed identity directory of the engine's tests, since making one takes long.
const IDENTITY: &str = concat!("identity.directory=", env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity");

/// The cases about decoders that a driver fails, and those that it skips.
fn outcomes(name: &str) -> (Vec<String>, Vec<String>) {
    let options = RunOptions { driver_options: format!("zoo={name};{IDENTITY}"), seed: 1, varied: Varied::None };
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
    let of_decoders = cases::all().filter(|case| case.name.starts_with("decoders/"));
    let source = DriverSource::Entry(softcp_open_faulty_driver);
    let mut note = |event| {
        if let Event::Ended(result) = event {
            match result.outcome {
                Outcome::Skipped { .. } => skipped.push(result.name),
                outcome if outcome.is_failure() => failed.push(result.name),
                _ => {}
            }
        }
    };
    run_here(&source, &options, of_decoders, &mut note).unwrap();
    (failed, skipped)
}

#[test]
fn each_is_found_by_its_case() {
    assert_eq!(outcomes("none"), (Vec::new(), Vec::new()));
    let mut count = 0;
    let mut missed = Vec::new();
    for driver in drivers().filter(|driver| driver.caught_by.starts_with("decoders/")) {
        let (failed, _) = outcomes(driver.name);
        println!("{}: {}", driver.name, failed.join(", "));
        if !failed.iter().any(|case| case == driver.caught_by) {
            missed.push(driver.name);
        }
        count += 1;
    }
    assert!(count >= 40, "{count}");
    assert!(missed.is_empty(), "{missed:?}");
}
