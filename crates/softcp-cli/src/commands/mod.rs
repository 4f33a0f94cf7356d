//! The commands, one per file.

mod bench;
mod caps;
mod cert;
mod channel;
mod conform;
mod decrypt;
mod demo;
mod doctor;
mod faults;
mod info;
mod shell;
mod zoo;

use crate::args::{CertCommand, Cli, Command};
use crate::failure::{Exit, Failure};

/// Runs the command that was asked for.
pub(crate) fn run(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Demo(args) => demo::run(args, cli.json),
        Command::Decrypt(args) => decrypt::run(args, cli.json),
        Command::Info(args) => info::run(args, cli.json),
        Command::Caps(args) => caps::run(args, cli.json),
        Command::Channel(args) => channel::run(args, cli.json),
        Command::Bench(args) => bench::run(args, cli.json),
        Command::Conform(args) => conform::run(args, cli.json),
        Command::Zoo(args) => zoo::run(args, cli.json),
        Command::Faults(args) => faults::run(args, cli.json),
        Command::Doctor(args) => doctor::run(args, cli.json),
        Command::Cert(CertCommand::New(args)) => cert::new(args, cli.json),
        Command::Cert(CertCommand::Show(args)) => cert::show(args, cli.json),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    }
}
