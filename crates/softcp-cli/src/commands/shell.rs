//! `softcp completions` and `softcp man`: generated from the command line.

use std::io;

use clap::CommandFactory as _;
use softcp_files::{Destination, TemporaryDirectory};

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::failure::{Exit, Failure};
use crate::manual;
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
    let failed = |error: &io::Error| Failure::io("write the man pages into", directory, error);
    // Into a directory of their own first: a page is put in its place when it is whole.
    let staging = TemporaryDirectory::new_in(directory).map_err(|error| failed(&error))?;
    clap_mangen::generate_to(Cli::command(), staging.path()).map_err(|error| failed(&error))?;
    for entry in std::fs::read_dir(staging.path()).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let page = std::fs::read_to_string(entry.path()).map_err(|error| failed(&error))?;
        let page = manual::tidy(&page);
        let place = Destination::check(&directory.join(entry.file_name()), true).and_then(|place| place.create());
        let written = place.and_then(|file| file.write_and_commit(page.as_bytes()));
        written.map_err(|error| Failure {
            help: "name another directory, or remove what is there".to_owned(),
            ..Failure::output(&error, "DIR")
        })?;
    }
    Ok(Exit::Ok)
}
