//! `softcp doctor`: problems of the configuration, the identity, the driver and the drop-in `d3d11.dll`, and what to do
//! about each. It looks, and changes nothing.
//!
//! ```text
//!  configuration ──▶ identity ──▶ faults ──▶ driver          for every user of SoftCP; the driver in a process of its own
//!  program ──▶ library (its PE file) ──▶ wine (overrides)    with --program
//! ```

mod configuration;
mod driver;
mod faults;
mod identity;
mod library;
mod program;
mod wine;

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::args::DoctorArgs;
use crate::failure::{Exit, Failure};
use crate::output::{self, Report, printable};

/// `softcp doctor`.
pub(crate) fn run(args: &DoctorArgs, json: bool) -> Result<Exit, Failure> {
    if args.child {
        return driver::child(&args.driver);
    }
    let mut findings = Findings::default();
    let config = configuration::check(&mut findings, args.program.is_some());
    if let Some(config) = &config {
        identity::check(&mut findings, config);
        faults::check(&mut findings, config);
    }
    driver::check(&mut findings, &args.driver, config.as_ref());
    if let Some(path) = &args.program {
        program::check(&mut findings, path, args.prefix.as_deref(), config.as_ref());
    }
    let report = DoctorReport::of(findings);
    output::print(&report, json)?;
    Ok(if report.problems == 0 { Exit::Ok } else { Exit::CheckFailed })
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// As it should be.
    Ok,
    /// It works, and perhaps not as expected.
    Warning,
    /// Something does not work.
    Problem,
}

/// Which part of SoftCP a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Subject {
    Configuration,
    Identity,
    Faults,
    Driver,
    Program,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, Deserialize)]
struct Finding {
    subject: Subject,
    severity: Severity,
    /// What was found, in one line.
    what: String,
    /// What to do, in one line; none where there is nothing to do.
    help: Option<String>,
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, subject: Subject, what: impl AsRef<str>) {
        self.add(subject, Severity::Ok, what.as_ref(), None);
    }

    fn warning(&mut self, subject: Subject, what: impl AsRef<str>, help: impl AsRef<str>) {
        self.add(subject, Severity::Warning, what.as_ref(), Some(help.as_ref()));
    }

    fn problem(&mut self, subject: Subject, what: impl AsRef<str>, help: impl AsRef<str>) {
        self.add(subject, Severity::Problem, what.as_ref(), Some(help.as_ref()));
    }

    /// A failure as other commands would report it.
    fn failure(&mut self, subject: Subject, failure: &Failure) {
        self.problem(subject, &failure.what, &failure.help);
    }

    fn add(&mut self, subject: Subject, severity: Severity, what: &str, help: Option<&str>) {
        self.0.push(Finding { subject, severity, what: printable(what), help: help.map(printable) });
    }
}

/// What `softcp doctor` reports.
#[derive(Serialize)]
struct DoctorReport {
    findings: Vec<Finding>,
    problems: usize,
    warnings: usize,
}

impl DoctorReport {
    fn of(Findings(findings): Findings) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        Self { problems: count(Severity::Problem), warnings: count(Severity::Warning), findings }
    }
}

impl Report for DoctorReport {
    const NAME: &'static str = "doctor";

    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut subject = None;
        for finding in &self.findings {
            if subject != Some(finding.subject) {
                subject = Some(finding.subject);
                writeln!(out, "{:?}", finding.subject)?;
            }
            let severity = match finding.severity {
                Severity::Ok => "ok",
                Severity::Warning => "warning",
                Severity::Problem => "PROBLEM",
            };
            writeln!(out, "  {severity:<8} {}", finding.what)?;
            finding.help.iter().try_for_each(|help| writeln!(out, "     help: {help}"))?;
        }
        writeln!(out, "\n{}, {}", counted(self.problems, "problem"), counted(self.warnings, "warning"))
    }
}

/// A number of things, in words.
fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
