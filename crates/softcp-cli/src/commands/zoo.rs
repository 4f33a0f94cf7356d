//! `softcp zoo`: whether the conformance kit finds out drivers that are known to be wrong.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use softcp_conformance::cases;
use softcp_conformance::runner::{self, Event, Isolation, RunError, RunOptions, Varied};
use softcp_conformance::trial::{Finding, Suspect, Trial};
use softcp_zoo::FaultyDriver;

use super::conform;
use super::decrypt::counted;
use crate::args::ZooArgs;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report};
use crate::{driver, progress, table};

/// The driver without a fault.
const NONE: &str = "none";
/// For each case: far more than any takes, and what drivers that hang cost.
const TIME_LIMIT: Duration = Duration::from_secs(4);

/// `softcp zoo`.
pub(crate) fn run(args: &ZooArgs, json: bool) -> Result<Exit, Failure> {
    let suspects = suspects(&args.names)?;
    if args.list {
        output::print(&Listed { drivers: suspects }, json)?;
        return Ok(Exit::Ok);
    }
    let table = args.table.as_deref().map(|path| conform::open_report(path, "--table")).transpose()?;
    let identity = driver::made_identity(driver::configuration()?.identity.cache)?;
    let trial = trial(&suspects, &identity.option(), args)?;
    if let Some(file) = table {
        let written = file.write_and_commit(trial.to_markdown().as_bytes());
        written.map_err(|error| Failure::output(&error, "--table"))?;
    }
    let tried = Tried { untried: if args.names.is_empty() { trial.untried().collect() } else { Vec::new() }, trial };
    output::print(&tried, json)?;
    Ok(if tried.trial.is_success() { Exit::Ok } else { Exit::CheckFailed })
}

fn suspects(names: &[String]) -> Result<Vec<Suspect>, Failure> {
    let suspect =
        |driver: &FaultyDriver| Suspect { name: driver.name, breaks: driver.breaks, caught_by: driver.caught_by };
    if names.is_empty() {
        return Ok(softcp_zoo::drivers().map(suspect).collect());
    }
    let unknown = |name: &String| {
        Failure::usage(format!("no driver of the zoo is called {name}"), "softcp zoo --list shows their names")
    };
    names.iter().map(|name| softcp_zoo::find(name).map(suspect).ok_or_else(|| unknown(name))).collect()
}

/// Lets each suspect, and the driver without a fault, go through all cases, several at a time.
fn trial(suspects: &[Suspect], identity: &str, args: &ZooArgs) -> Result<Trial, Failure> {
    let bar = progress::measurements();
    bar.set_length(suspects.len() as u64 + 1);
    let left = Mutex::new(std::iter::once(None).chain((0..suspects.len()).map(Some)).collect::<VecDeque<_>>());
    let next = || left.lock().expect("nothing panics in here").pop_front();
    let work = || -> Result<Vec<_>, Failure> {
        let mut done = Vec::new();
        while let Some(index) = next() {
            let (name, killed_by) = index.map_or((NONE, ""), |index| (suspects[index].name, suspects[index].caught_by));
            bar.set_message(name);
            done.push((index, failed(name, killed_by, identity).map_err(|error| conform::run_failed(&error))?));
            bar.inc(1);
        }
        Ok(done)
    };
    let jobs = conform::jobs(args.jobs);
    let results = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("workers do not panic")).collect::<Result<Vec<_>, _>>()
    });
    bar.finish_and_clear();
    let mut results: Vec<_> = results?.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    let mut trial = Trial::default();
    for (index, failed) in results {
        match index {
            None => trial.blamed = failed,
            Some(index) => trial.findings.push(Finding::new(suspects[index], failed)),
        }
    }
    Ok(trial)
}

/// The cases that a driver of the zoo fails.
fn failed(name: &str, killed_by: &str, identity: &str) -> Result<BTreeSet<String>, RunError> {
    let command = conform::child_of_this_program(["--zoo".into(), name.into()])?;
    // The variations are for the case that must fail, and for the driver without a fault.
    let varied = if killed_by.is_empty() { Varied::All } else { Varied::Only(killed_by.to_owned()) };
    let options = RunOptions { driver_options: format!("zoo={name};{identity}"), seed: 1, varied };
    let mut failed = BTreeSet::new();
    let mut note = |event| match event {
        Event::Ended(result) if result.outcome.is_failure() => drop(failed.insert(result.name)),
        _ => {}
    };
    let isolation = Isolation { command, time_limit: TIME_LIMIT };
    runner::run_isolated(&isolation, &options, &[cases::all().collect()], 1, &mut note)?;
    Ok(failed)
}

/// What `softcp zoo --list` reports.
#[derive(Serialize)]
struct Listed {
    drivers: Vec<Suspect>,
}

impl Report for Listed {
    const NAME: &'static str = "zoo-list";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for Suspect { name, breaks, caught_by } in &self.drivers {
            writeln!(out, "{name} ({caught_by})\n    {breaks}")?;
        }
        writeln!(out, "\n{}", counted(self.drivers.len() as u64, "driver"))
    }
}

/// What `softcp zoo` reports.
#[derive(Serialize)]
struct Tried {
    #[serde(flatten)]
    trial: Trial,
    /// Cases by which nobody was to be caught.
    untried: Vec<&'static str>,
}

impl Report for Tried {
    const NAME: &'static str = "zoo";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut findings = table::with_header(["Driver", "Caught by", "Fails besides"]);
        for Finding { suspect, is_caught, failed } in &self.trial.findings {
            let caught_by =
                if *is_caught { suspect.caught_by.to_owned() } else { format!("NOT {}", suspect.caught_by) };
            let besides = failed.len() - usize::from(*is_caught);
            findings.add_row([suspect.name.to_owned(), caught_by, besides.to_string()]);
        }
        writeln!(out, "{}\n", table::text(&findings))?;
        for case in &self.trial.blamed {
            writeln!(out, "blamed without a fault: {case}")?;
        }
        if !self.untried.is_empty() {
            writeln!(out, "no driver of the zoo is for: {}\n", self.untried.join(", "))?;
        }
        let caught = self.trial.findings.iter().filter(|finding| finding.is_caught).count();
        writeln!(out, "{} of {} caught", caught, counted(self.trial.findings.len() as u64, "driver"))
    }
}
