//! Faults on purpose, one by one: the call that meets each, what is lost and what is not, and an application that notices
//! and goes on. The application's side is `softcp-client`.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../common/mod.rs"]
mod common;

mod certificates;
mod channels;
mod losses;
mod refreshes;
mod resources;

use std::sync::Arc;

use softcp::provider::Provider;
use softcp::provider::fixed::FixedClock;

use common::Rig;

/// A device with one session, these faults, and a clock that stands.
fn rig(faults: &str) -> (Rig, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::default());
    let provider = Provider::aws_lc().with_clock(Arc::clone(&clock) as _);
    (Rig::with_provider(&format!("faults.opt_in=true;faults.list={faults}"), provider), clock)
}

/// Sets a fault, whose calls count from now on.
fn inject(rig: &Rig, text: &str) {
    rig.device.adapter().faults().inject(text.parse().unwrap()).unwrap();
}
