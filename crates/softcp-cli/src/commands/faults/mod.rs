//! `softcp faults`: what goes wrong on purpose in running programs, seen and changed through a control directory.

mod list;
mod names;
mod set;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use softcp::faults::files::{FileError, State};

use crate::args::{FaultsArgs, FaultsCommand, FaultsListArgs};
use crate::driver;
use crate::failure::{Exit, Failure, plain};

/// How often the state files are looked at by a command that waits.
const POLL: Duration = Duration::from_millis(20);

/// `softcp faults`.
pub(crate) fn run(args: &FaultsArgs, json: bool) -> Result<Exit, Failure> {
    let directory = || directory(args.control.as_deref());
    match &args.command {
        None => list::run(&FaultsListArgs::default(), &directory()?, json),
        Some(FaultsCommand::List(args)) => list::run(args, &directory()?, json),
        Some(FaultsCommand::Set(args)) => set::set(args, &directory()?, json),
        Some(FaultsCommand::Clear(args)) => set::clear(args, &directory()?, json),
        Some(FaultsCommand::Names) => names::run(json),
    }
}

/// The control directory: that of the command line, else the configured one.
fn directory(named: Option<&Path>) -> Result<PathBuf, Failure> {
    match named {
        Some(directory) => Ok(directory.to_owned()),
        None => driver::configuration()?.faults.control.ok_or_else(|| {
            Failure::usage(
                "no control directory is named",
                "name the one that the program was started with: --control DIR, or SOFTCP_OPTIONS=faults.control=DIR",
            )
        }),
    }
}

/// What the adapters in a control directory say of themselves, and the files that cannot be used.
fn states(directory: &Path) -> Result<(Vec<State>, Vec<FileError>), Failure> {
    let all = State::read_all(directory).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::environment(
            format!("cannot read the control directory {}: {}", directory.display(), plain(&error)),
            "check the path; a program that is started with SOFTCP_OPTIONS=faults.control=DIR makes it",
        ),
        _ => Failure::io("read the control directory", directory, &error),
    })?;
    let (mut states, mut unusable) = (Vec::new(), Vec::new());
    for state in all {
        match state {
            Ok(state) => states.push(state),
            Err(error) => unusable.push(error),
        }
    }
    Ok((states, unusable))
}

/// How the table names an adapter: by its process, and by its number if the process has several.
fn label(process: u32, adapter: u32, is_only: bool) -> String {
    if is_only { process.to_string() } else { format!("{process}-{adapter}") }
}
