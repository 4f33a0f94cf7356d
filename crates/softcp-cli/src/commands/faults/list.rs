//! `softcp faults list`: what is set in each process, and how far it has got.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use softcp::faults::Fault;
use softcp::faults::files::{SetFault, State};

use super::{POLL, label, states};
use crate::args::FaultsListArgs;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::table;

/// `softcp faults list`.
pub(super) fn run(args: &FaultsListArgs, directory: &Path, json: bool) -> Result<Exit, Failure> {
    let end = Instant::now() + Duration::from_secs(args.wait.into());
    let (states, unusable, not_occurred) = loop {
        let (states, unusable) = states(directory)?;
        let not_occurred = not_occurred(&args.occurred, &states);
        if not_occurred.is_empty() || Instant::now() >= end {
            break (states, unusable, not_occurred);
        }
        std::thread::sleep(POLL);
    };
    let report = ListReport {
        directory: directory.display().to_string(),
        adapters: states.iter().map(AdapterReport::of).collect(),
        unusable_files: unusable.iter().map(|error| printable(&error.to_string())).collect(),
        not_occurred,
    };
    output::print(&report, json)?;
    Ok(if report.not_occurred.is_empty() { Exit::Ok } else { Exit::CheckFailed })
}

/// Which of the faults asked for have occurred in no program.
fn not_occurred(asked: &[Fault], states: &[State]) -> Vec<String> {
    let has_occurred = |fault: &Fault| {
        let mut set = states.iter().flat_map(|state| &state.faults);
        set.any(|set| set.occurred > 0 && set.fault.split(' ').next() == Some(fault.name()))
    };
    asked.iter().filter(|fault| !has_occurred(fault)).map(ToString::to_string).collect()
}

/// What `softcp faults list` reports.
#[derive(Serialize)]
struct ListReport {
    directory: String,
    adapters: Vec<AdapterReport>,
    /// State files that cannot be read, each with the reason.
    unusable_files: Vec<String>,
    /// Faults of `--occurred` that have occurred in no program.
    not_occurred: Vec<String>,
}

/// An adapter of a process.
#[derive(Serialize)]
struct AdapterReport {
    process: u32,
    adapter: u32,
    program: String,
    /// Whether the process has ended without removing its file; none: cannot be told.
    is_gone: Option<bool>,
    /// Its file in the directory.
    file: String,
    /// Why the last request was not obeyed.
    error: Option<String>,
    faults: Vec<FaultReport>,
}

/// A fault that is set.
#[derive(Serialize)]
struct FaultReport {
    fault: String,
    when: String,
    counted: u64,
    occurred: u64,
}

impl AdapterReport {
    fn of(state: &State) -> Self {
        Self {
            process: state.process,
            adapter: state.adapter,
            program: printable(&state.program),
            is_gone: state.is_gone(),
            file: state.file_name(),
            error: state.error.as_deref().map(printable),
            faults: state.faults.iter().map(FaultReport::of).collect(),
        }
    }
}

impl FaultReport {
    fn of(set: &SetFault) -> Self {
        let text = printable(&set.fault);
        let (fault, when) = text.split_once(' ').unwrap_or((&text, ""));
        Self { fault: fault.to_owned(), when: when.to_owned(), counted: set.counted, occurred: set.occurred }
    }
}

impl Report for ListReport {
    const NAME: &'static str = "faults-list";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.adapters.is_empty() {
            writeln!(out, "No program uses {}", self.directory)?;
        } else {
            self.write_table(out)?;
        }
        for adapter in &self.adapters {
            if let Some(error) = &adapter.error {
                writeln!(out, "Process {} has refused the last request: {error}", adapter.process)?;
            }
            if adapter.is_gone == Some(true) {
                let file = Path::new(&self.directory).join(&adapter.file);
                writeln!(out, "Process {} is gone; it has left {}", adapter.process, file.display())?;
            }
        }
        self.unusable_files.iter().try_for_each(|error| writeln!(out, "Left out: {error}"))?;
        self.not_occurred.iter().try_for_each(|fault| writeln!(out, "{fault} has not occurred"))
    }
}

impl ListReport {
    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = table::with_header(["Process", "Program", "Fault", "When", "Counted", "Occurred"]);
        for adapter in &self.adapters {
            let of_process = self.adapters.iter().filter(|other| other.process == adapter.process).count();
            let mut process = label(adapter.process, adapter.adapter, of_process == 1);
            if adapter.is_gone == Some(true) {
                process += " (gone)";
            }
            for fault in &adapter.faults {
                let counts = [fault.counted, fault.occurred].map(|count| count.to_string());
                table.add_row([&process, &adapter.program, &fault.fault, &fault.when, &counts[0], &counts[1]]);
            }
            if adapter.faults.is_empty() {
                table.add_row([&process, &adapter.program, "none", "-", "-", "-"]);
            }
        }
        writeln!(out, "{}", table::text(&table))
    }
}
