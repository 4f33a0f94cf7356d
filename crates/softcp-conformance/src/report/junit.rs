//! `JUnit` XML, as build servers read it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Entry, Report, Verdict};
use crate::runner::Outcome;

pub(super) fn write(report: &Report) -> String {
    let mut xml = quick_junit::Report::new(format!("{} {}", report.driver.name, report.driver.version));
    xml.add_test_suites(report.groups().map(|(title, entries)| {
        let mut suite = TestSuite::new(title);
        suite.add_test_cases(entries.iter().map(case));
        suite
    }));
    xml.to_string().expect("writing to memory does not fail")
}

fn case(entry: &Entry) -> TestCase {
    let status = match (entry.verdict, &entry.outcome) {
        (Verdict::Pass, _) => TestCaseStatus::success(),
        (Verdict::Skip | Verdict::Known, _) => TestCaseStatus::skipped(),
        (_, Outcome::Crashed { .. } | Outcome::TimedOut { .. }) => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    let mut case = TestCase::new(entry.name, with_details(status, entry));
    case.set_time(Duration::from_micros(entry.micros));
    case.add_property(("rule", entry.rule));
    case.add_property(("source", entry.source));
    case.add_property(("requirement", entry.requirement.name()));
    if !entry.notes.is_empty() {
        case.set_system_out(entry.notes.join("\n"));
    }
    case
}

fn with_details(mut status: TestCaseStatus, entry: &Entry) -> TestCaseStatus {
    let details: Vec<_> = entry.details().iter().map(|(label, text)| format!("{label}: {text}")).collect();
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_message(details.first().cloned().unwrap_or_default());
        status.set_description(format!("{}\n{}", entry.rule, details.join("\n")));
    }
    status
}
