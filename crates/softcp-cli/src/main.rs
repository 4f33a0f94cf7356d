//! The `softcp` command.
//!
//! ```text
//!  args ──▶ commands::{demo, decrypt, caps, channel, bench, conform, faults, cert, completions, man}
//!              │  driver: opens the driver, decides whom to trust
//!              ▼
//!           libraries do the work ──▶ a report ──▶ output: text or JSON from the same data
//!                                  └─▶ Failure ──▶ what is wrong, what to do, exit code
//! ```

#![forbid(unsafe_code)]

mod args;
mod commands;
mod driver;
mod failure;
mod keys;
mod log;
mod output;
mod progress;
mod protected;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::init(cli.verbose);
    match commands::run(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print(cli.json);
            failure.exit.into()
        }
    }
}
