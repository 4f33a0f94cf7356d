//! `softcp faults set` and `softcp faults clear`: writes a request and waits for those it is for.
//!
//! Whom it is for is read before the request is written: an adapter that comes later passes over it.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;
use softcp::faults::files::{FileError, Request, State};
use softcp::faults::{MAX_FAULTS, Schedule};

use super::{POLL, label, states};
use crate::args::{FaultsClearArgs, FaultsSetArgs, FaultsTargetArgs};
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};
use crate::table;

/// What to do about a directory that no request can be written into.
const START_ANEW: &str = "empty the control directory and start the programs anew";

/// `softcp faults set`.
pub(super) fn set(args: &FaultsSetArgs, directory: &Path, json: bool) -> Result<Exit, Failure> {
    if args.faults.len() > MAX_FAULTS {
        return Err(Failure::usage(
            format!("{} faults are too many", args.faults.len()),
            format!("set at most {MAX_FAULTS} at once"),
        ));
    }
    if args.next {
        return leave(args, directory, json);
    }
    if let Some(seconds) = args.wait_for_program {
        wait_for_program(args.target.process, Duration::from_secs(seconds.into()), directory)?;
    }
    ask(&args.faults, args.add, &args.target, directory, json)
}

/// `softcp faults clear`.
pub(super) fn clear(args: &FaultsClearArgs, directory: &Path, json: bool) -> Result<Exit, Failure> {
    ask(&[], false, &args.target, directory, json)
}

/// Leaves the faults for the next program.
fn leave(args: &FaultsSetArgs, directory: &Path, json: bool) -> Result<Exit, Failure> {
    let list: Vec<_> = args.faults.iter().map(ToString::to_string).collect();
    let request = Request { serial: 0, process: None, add: args.add, list };
    request.leave(directory).map_err(|error| cannot_write(&error))?;
    let report = SetReport {
        directory: directory.display().to_string(),
        add: args.add,
        next: true,
        faults: request.list,
        adapters: Vec::new(),
        dropped: Vec::new(),
    };
    output::print(&report, json)?;
    Ok(Exit::Ok)
}

/// Waits until a program that the request can be for is there, or the time is over.
fn wait_for_program(process: Option<u32>, time: Duration, directory: &Path) -> Result<(), Failure> {
    let begin = Instant::now();
    // The directory is the program's to make.
    while begin.elapsed() < time {
        let is_there = directory.exists()
            && states(directory)?
                .0
                .iter()
                .any(|state| state.is_gone() != Some(true) && process.is_none_or(|process| process == state.process));
        if is_there {
            return Ok(());
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn cannot_write(error: &FileError) -> Failure {
    match error {
        FileError::Io { path, source } => Failure::io("write", path, source),
        _ => Failure::environment(printable(&error.to_string()), START_ANEW),
    }
}

fn ask(
    faults: &[Schedule],
    add: bool,
    target: &FaultsTargetArgs,
    directory: &Path,
    json: bool,
) -> Result<Exit, Failure> {
    let (all, _) = states(directory)?;
    let previous = Request::read(directory).ok().flatten();
    // One that is bad is replaced: whoever has read it says so in its state.
    let last_serial = all.iter().map(|state| state.serial).chain(previous.iter().map(|previous| previous.serial)).max();
    let alive: Vec<_> = all.into_iter().filter(|state| state.is_gone() != Some(true)).collect();
    let is_asked = |state: &&State| target.process.is_none_or(|process| process == state.process);
    let asked: Vec<_> = alive.iter().filter(is_asked).collect();
    if asked.is_empty() {
        return Err(nobody(target.process, directory));
    }
    let serial = last_serial
        .unwrap_or(0)
        .checked_add(1)
        .ok_or_else(|| Failure::environment("the serial numbers of requests are used up", START_ANEW))?;
    let list: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let request = Request { serial, process: target.process, add, list };
    let overtaken = |state: &&State| previous.as_ref().is_some_and(|previous| is_open(previous, state));
    let dropped = alive.iter().filter(overtaken).filter(|state| add || !is_asked(state));
    let dropped = dropped.map(|state| Unanswered { process: state.process, adapter: state.adapter }).collect();
    request.write(directory).map_err(|error| cannot_write(&error))?;
    let report = SetReport {
        directory: directory.display().to_string(),
        add,
        next: false,
        faults: request.list,
        adapters: wait(&asked, serial, Duration::from_secs(target.wait.into()), directory)?,
        dropped,
    };
    output::print(&report, json)?;
    let is_refused = report.adapters.iter().any(|adapter| matches!(adapter.answer, Answer::Refused { .. }));
    Ok(if is_refused { Exit::CheckFailed } else { Exit::Ok })
}

fn nobody(process: Option<u32>, directory: &Path) -> Failure {
    let directory = directory.display();
    let what = match process {
        Some(process) => format!("process {process} does not use {directory}"),
        None => format!("no program uses {directory}"),
    };
    Failure::environment(
        what,
        "start the program with SOFTCP_OPTIONS=faults.control=DIR; `softcp faults list` shows which ones run",
    )
}

/// Whether an adapter has a request still before it.
fn is_open(request: &Request, state: &State) -> bool {
    request.serial > state.serial && request.process.is_none_or(|process| process == state.process)
}

/// The answers, as soon as all are there, or what there is of them when the time is over.
fn wait(asked: &[&State], serial: u64, time: Duration, directory: &Path) -> Result<Vec<AskedAdapter>, Failure> {
    let begin = Instant::now();
    loop {
        let (now, _) = states(directory)?;
        let adapters: Vec<_> = asked.iter().map(|asked| AskedAdapter::of(asked, &now, serial)).collect();
        let is_over = !adapters.iter().any(|adapter| matches!(adapter.answer, Answer::Pending));
        let left = time.saturating_sub(begin.elapsed());
        if is_over || left.is_zero() {
            return Ok(adapters);
        }
        std::thread::sleep(left.min(POLL));
    }
}

/// What `softcp faults set` and `softcp faults clear` report.
#[derive(Serialize)]
struct SetReport {
    directory: String,
    /// Whether the faults were set next to those that were set already.
    add: bool,
    /// Whether they were left for the next program.
    next: bool,
    /// The faults asked for; none: all are cleared.
    faults: Vec<String>,
    adapters: Vec<AskedAdapter>,
    /// Adapters that had not come to the request before, which this one has replaced.
    dropped: Vec<Unanswered>,
}

/// An adapter that was asked.
#[derive(Serialize)]
struct AskedAdapter {
    process: u32,
    adapter: u32,
    program: String,
    #[serde(flatten)]
    answer: Answer,
}

/// What has come of a request.
#[derive(Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
enum Answer {
    /// It is obeyed.
    Obeyed,
    /// It will be obeyed at the next call that a fault can meet.
    Pending,
    /// The process refuses it.
    Refused { error: String },
    /// A later request has come before it was seen to be obeyed.
    Overtaken,
    /// The adapter was destroyed, or the process has ended.
    Gone,
}

#[derive(Serialize)]
struct Unanswered {
    process: u32,
    adapter: u32,
}

impl AskedAdapter {
    fn of(asked: &State, states: &[State], serial: u64) -> Self {
        let is_asked = |state: &&State| {
            (state.process, state.adapter, state.started) == (asked.process, asked.adapter, asked.started)
        };
        let answer = match states.iter().find(is_asked) {
            Some(state) if state.serial > serial => Answer::Overtaken,
            Some(State { serial: seen, error: Some(error), .. }) if *seen == serial => {
                Answer::Refused { error: printable(error) }
            }
            Some(state) if state.serial == serial => Answer::Obeyed,
            Some(state) if state.is_gone() != Some(true) => Answer::Pending,
            _ => Answer::Gone,
        };
        Self { process: asked.process, adapter: asked.adapter, program: printable(&asked.program), answer }
    }
}

impl Report for SetReport {
    const NAME: &'static str = "faults-set";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let faults = self.faults.join(", ");
        match (self.faults.is_empty(), self.add) {
            (true, _) => writeln!(out, "Clear all faults\n")?,
            (false, true) => writeln!(out, "Add {faults}\n")?,
            (false, false) => writeln!(out, "Set {faults}\n")?,
        }
        if self.next {
            return writeln!(out, "The next program that uses {} takes them", self.directory);
        }
        let mut table = table::with_header(["Process", "Program", "Answer"]);
        for adapter in &self.adapters {
            let of_process = self.adapters.iter().filter(|other| other.process == adapter.process).count();
            let answer = match &adapter.answer {
                Answer::Obeyed => "obeyed",
                Answer::Pending => "will at its next call",
                Answer::Refused { error } => &format!("refused: {error}"),
                Answer::Overtaken => "a later request has come",
                Answer::Gone => "is gone",
            };
            table.add_row([&label(adapter.process, adapter.adapter, of_process == 1), &adapter.program, answer]);
        }
        writeln!(out, "{}", table::text(&table))?;
        self.dropped.iter().try_for_each(|Unanswered { process, adapter }| {
            writeln!(out, "{process}-{adapter} had not come to the request before this one, and no longer will")
        })
    }
}
