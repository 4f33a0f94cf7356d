//! `softcp completions` and `softcp man`: generated from the command line.

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::failure::{Exit, Failure};
use crate::output::print_bytes;

/// Prints a completion script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "softcp", &mut script);
    print_bytes(&script)?;
    Ok(Exit::Ok)
}

/// Writes one man page per command: `softcp.1`, `softcp-caps.1` and so on.
pub(crate) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let directory = &args.directory;
    std::fs::create_dir_all(directory).map_err(|error| Failure::io("make", directory, &error))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|error| Failure::io("write the man pages into", directory, &error))?;
    Ok(Exit::Ok)
}
