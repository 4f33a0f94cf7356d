//! The kit finds nothing wrong with the reference driver.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an unwrap in a test is an assertion")]

use softcp_conformance::runner::{Event, Outcome, RunOptions, run_here};
use softcp_conformance::{DriverSource, cases};
use softcp_ddi::softcp_open_reference_driver;

/// The committed identity directory of the engine's tests, since making one takes long.
const IDENTITY: &str = concat!("identity.directory=", env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity");

fn run(profile: &str) {
    let options = RunOptions { driver_options: format!("{IDENTITY};{profile}"), seed: 1, ..RunOptions::default() };
    let mut wrong = Vec::new();
    let source = DriverSource::Entry(softcp_open_reference_driver);
    let mut note = |event| match event {
        Event::Ended(result) if result.outcome.is_failure() => wrong.push(result),
        Event::Ended(result) => {
            if let Outcome::Skipped { reason } = result.outcome {
                println!("skipped {}: {reason}", result.name);
            }
        }
        _ => {}
    };
    run_here(&source, &options, cases::all(), &mut note).unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn default_profile_passes() {
    run("");
}

#[test]
fn hardware_like_profile_passes() {
    run("capabilities.profile=hardware-like");
}

#[test]
fn permissive_profile_passes() {
    run("capabilities.profile=permissive");
}
