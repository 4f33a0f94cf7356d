//! `softcp conform`: the conformance kit.

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use softcp_conformance::report::{self, Entry, Listing, Summary, Verdict};
use softcp_conformance::runner::{self, Event, Isolation, RunError, RunOptions, Varied};
use softcp_conformance::{Demands, DriverSource, Expectations, Report as ConformanceReport, Selection};
use softcp_files::{Destination, OutputFile, path_text, read_input};

use super::decrypt::counted;
use crate::args::ConformArgs;
use crate::driver::{self, MadeIdentity};
use crate::failure::{Exit, Failure, plain};
use crate::output::{self, Report, printable};
use crate::{progress, table};

/// `softcp conform`.
pub(crate) fn run(args: &ConformArgs, json: bool) -> Result<Exit, Failure> {
    if args.child {
        return serve(args);
    }
    let selection = Selection {
        only: args.filter.clone(),
        not: args.skip.clone(),
        requirements: args.requirement(),
        rules: args.rules,
    };
    let demands = Demands { require: args.require.clone(), max_skipped: args.max_skipped };
    let groups = demands
        .check()
        .and_then(|()| selection.groups())
        .map_err(|error| Failure::usage(error.to_string(), "softcp conform --list shows the cases and their names"))?;
    if args.list {
        output::print(&Listed(Listing::new(&groups)), json)?;
        return Ok(Exit::Ok);
    }
    let expectations = args.expect.as_deref().map_or_else(|| Ok(Expectations::default()), expectations)?;
    // Before the run: what cannot be written then shows now.
    let mut files = Vec::new();
    for (option, path, text) in [
        ("--junit", &args.junit, ConformanceReport::to_junit as fn(&_) -> _),
        ("--tap", &args.tap, ConformanceReport::to_tap),
        ("--html", &args.html, ConformanceReport::to_html),
    ] {
        if let Some(path) = path {
            files.push((option, open_report(path, option)?, text));
        }
    }
    let source = source(args);
    let (options, _identity) = options(args)?;
    let (mut driver, mut results) =
        (report::Driver { options: args.options.clone(), ..report::Driver::default() }, Vec::new());
    driver.library = args.driver.driver.as_ref().map(|path| path_text(path));
    let bar = progress::measurements();
    bar.set_length(groups.iter().map(|(_, cases)| cases.len() as u64).sum());
    let (start, started) = (Instant::now(), SystemTime::now());
    let mut follow = |event| match event {
        Event::Opened { driver: name, version } => {
            (driver.name, driver.version) = (printable(&name), printable(&version));
        }
        Event::Began { case } => bar.set_message(case),
        Event::Varied { .. } => {}
        Event::Ended(result) => {
            bar.inc(1);
            results.push(result);
        }
    };
    let ran = if args.in_process {
        let cases = groups.iter().flat_map(|(_, cases)| cases.iter().copied());
        runner::run_here(&source, &options, cases, &mut follow)
    } else {
        let isolation = Isolation { command: child(args)?, time_limit: Duration::from_secs(args.time_limit.into()) };
        let batches: Vec<_> = groups.iter().map(|(_, cases)| cases.clone()).collect();
        runner::run_isolated(&isolation, &options, &batches, jobs(args.jobs), &mut follow)
    };
    bar.finish_and_clear();
    ran.map_err(|error| run_failed(&error))?;
    let run = report::Run {
        driver,
        seed: options.seed,
        varied: options.varied.clone(),
        started: Some(started),
        rules: args.rules,
        expectations,
        demands: &demands,
    };
    let report = ConformanceReport::new(run, &groups, results);
    for (option, file, text) in files {
        let written = file.write_and_commit(text(&report).as_bytes());
        written.map_err(|error| Failure::output(&error, option))?;
    }
    let checked = Checked { report, seconds: start.elapsed().as_secs_f64() };
    output::print(&checked, json)?;
    Ok(if checked.report.is_success() { Exit::Ok } else { Exit::CheckFailed })
}

/// Begins a report's file.
pub(super) fn open_report(path: &Path, option: &str) -> Result<OutputFile, Failure> {
    let opened = Destination::check(path, true).and_then(|destination| destination.create());
    opened.map_err(|error| Failure::output(&error, option))
}

/// How many children run at a time.
pub(super) fn jobs(given: Option<NonZeroUsize>) -> usize {
    given.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// The work of a child process.
fn serve(args: &ConformArgs) -> Result<Exit, Failure> {
    runner::serve(&source(args)).map_err(|error| {
        Failure::environment(
            format!("no request to run cases: {}", plain(&error)),
            "leave --child out: it is for softcp itself",
        )
    })?;
    Ok(Exit::Ok)
}

fn source(args: &ConformArgs) -> DriverSource {
    match (&args.driver.driver, &args.zoo) {
        (Some(path), _) => DriverSource::Library(path.clone()),
        (None, Some(_)) => DriverSource::Entry(softcp_zoo::softcp_open_faulty_driver),
        (None, None) => DriverSource::Entry(softcp_ddi::softcp_open_reference_driver),
    }
}

/// The command of a child process for the same driver.
fn child(args: &ConformArgs) -> Result<Vec<OsString>, Failure> {
    let driver = args.driver.driver.as_ref().map(|path| ["--driver".into(), path.clone().into_os_string()]);
    let zoo = args.zoo.as_ref().map(|name| ["--zoo".into(), name.into()]);
    child_of_this_program(driver.into_iter().chain(zoo).flatten()).map_err(|error| run_failed(&error))
}

/// The command of a child process with arguments that say which driver it opens.
pub(super) fn child_of_this_program(which: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, RunError> {
    let program = std::env::current_exe()?.into_os_string();
    Ok([program, "conform".into(), "--child".into()].into_iter().chain(which).collect())
}

/// The options of the driver. The built-in one makes an identity whenever it is opened, unless it is told of one: it is
/// told of one for the whole run, which lies in the directory.
fn options(args: &ConformArgs) -> Result<(RunOptions, Option<MadeIdentity>), Failure> {
    let config = driver::configuration()?;
    let names_identity = args.options.contains("identity.directory") || config.identity.directory.is_some();
    let needs_identity = args.driver.driver.is_none() && !names_identity;
    let identity = needs_identity.then(|| driver::made_identity(config.identity.cache)).transpose()?;
    let option = identity.as_ref().map(MadeIdentity::option);
    let zoo = args.zoo.as_ref().map(|name| format!("zoo={name}"));
    let given = Some(args.options.clone()).filter(|options| !options.is_empty());
    let driver_options = zoo.into_iter().chain(option).chain(given).collect::<Vec<_>>().join(";");
    // A version of the rules never changes, and variations came after the first one.
    let varied = if args.quick || args.rules.is_some() { Varied::None } else { Varied::All };
    Ok((RunOptions { driver_options, seed: args.seed, varied }, identity))
}

/// More than any list of known deviations has.
const LARGEST_LIST: u64 = 16 << 20;

fn expectations(path: &Path) -> Result<Expectations, Failure> {
    let bytes = read_input(path, LARGEST_LIST).map_err(|error| Failure::input("read", &error))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::environment(format!("{} is no text", path_text(path)), "name a TOML file of known deviations")
    })?;
    Expectations::parse(&text).map_err(|error| {
        Failure::environment(
            format!(
                "{} is no list of known deviations: {}",
                path_text(path),
                printable(&driver::without_excerpt(&error.to_string()))
            ),
            "each deviation is [[deviation]] with a case and a reason; softcp conform --list shows the cases",
        )
    })
}

pub(super) fn run_failed(error: &RunError) -> Failure {
    let text = printable(&error.to_string());
    match error {
        RunError::Open(_) => Failure::environment(text, "check --driver, --options, SOFTCP_CONF and SOFTCP_OPTIONS"),
        RunError::Child(_) => Failure::environment(text, "run the cases in this process with --in-process"),
    }
}

/// What `softcp conform --list` reports.
#[derive(Serialize)]
#[serde(transparent)]
struct Listed(Listing);

impl Report for Listed {
    const NAME: &'static str = "conform-list";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for case in &self.0.cases {
            writeln!(out, "{} ({}: {})\n    {}", case.name, case.requirement, case.source, case.rule)?;
        }
        writeln!(out)?;
        writeln!(out, "{}", counted(self.0.cases.len() as u64, "case"))
    }
}

/// What `softcp conform` reports.
#[derive(Serialize)]
struct Checked {
    #[serde(flatten)]
    report: ConformanceReport,
    seconds: f64,
}

impl Report for Checked {
    const NAME: &'static str = "conform";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let driver = &self.report.driver;
        let library = driver.library.as_deref().map_or("built in".to_owned(), printable);
        writeln!(out, "{} {} ({library})\n", driver.name, driver.version)?;
        writeln!(out, "{}\n", table::text(&self.groups()))?;
        self.write_skipped(out)?;
        for entry in self
            .report
            .cases
            .iter()
            .filter(|entry| matches!(entry.verdict, Verdict::Known | Verdict::Fail | Verdict::Stale))
        {
            write_entry(entry, out)?;
        }
        let Summary { cases, passed, skipped, known, failed, stale } = self.report.summary;
        writeln!(out, "{}", self.report.conclusion_text())?;
        for demand in &self.report.unmet {
            writeln!(out, "Demanded and not met: {demand}.")?;
        }
        if self.report.other_deviations != 0 {
            let others = counted(self.report.other_deviations as u64, "known deviation");
            writeln!(out, "{others} not applied: about another driver or version.")?;
        }
        write!(out, "{}: {passed} passed, {failed} failed, {skipped} skipped", counted(cases as u64, "rule"))?;
        if known + stale != 0 {
            write!(out, ", {} known, {stale} no longer", counted(known as u64, "deviation"))?;
        }
        writeln!(out, "; {:.1} s", self.seconds)
    }
}

impl Checked {
    /// What the groups came to.
    fn groups(&self) -> Table {
        let mut groups = table::with_header(["Group", "Passed", "Failed", "Known", "Skipped"]);
        for (title, entries) in self.report.groups() {
            let count = |wanted: fn(Verdict) -> bool| match entries.iter().filter(|entry| wanted(entry.verdict)).count()
            {
                0 => "-".to_owned(),
                count => count.to_string(),
            };
            groups.add_row([
                title.to_owned(),
                count(|verdict| verdict == Verdict::Pass),
                count(Verdict::is_failure),
                count(|verdict| verdict == Verdict::Known),
                count(|verdict| verdict == Verdict::Skip),
            ]);
        }
        groups.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        groups
    }

    /// Why rules were skipped, each reason once.
    fn write_skipped(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut reasons = Vec::<(String, usize)>::new();
        let skipped = self.report.cases.iter().filter(|entry| entry.verdict == Verdict::Skip);
        for (_, reason) in skipped.flat_map(Entry::details) {
            match reasons.iter_mut().find(|(counted, _)| *counted == reason) {
                Some((_, count)) => *count += 1,
                None => reasons.push((reason, 1)),
            }
        }
        for (reason, count) in &reasons {
            writeln!(out, "skipped ({}): {}", counted(*count as u64, "rule"), printable(reason))?;
        }
        if reasons.is_empty() { Ok(()) } else { writeln!(out) }
    }
}

fn write_entry(entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {}: {}", entry.verdict.word(), entry.name, entry.rule)?;
    writeln!(out, "    required by: {} ({})", entry.source, entry.requirement)?;
    for (label, text) in entry.details() {
        writeln!(out, "    {label}: {}", printable(&text))?;
    }
    entry.notes.iter().try_for_each(|note| writeln!(out, "    note: {}", printable(note)))?;
    writeln!(out)
}
