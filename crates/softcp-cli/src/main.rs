//! The `softcp` command.
//!
//! ```text
//!  args ──▶ commands::{demo, decrypt, info, caps, channel, bench, conform, zoo, faults, doctor, cert, completions, man}
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
mod identity_cache;
mod keys;
mod log;
mod manual;
mod output;
mod progress;
mod protected;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = log::init(cli.verbose) {
        let failure = failure::Failure::usage(error, "correct the variable, or unset it");
        failure.print(cli.json);
        return failure.exit.into();
    }
    if let Err(error) = softcp_files::remove_temporaries_on_signals() {
        // Everything works as before but for the removal.
        tracing::warn!(%error, "a signal would leave temporary files behind");
    }
    match commands::run(&cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.print(cli.json);
            failure.exit.into()
        }
    }
}
