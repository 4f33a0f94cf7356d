//! The Test Anything Protocol, version 13.
//!
//! Version 14 says the same lines otherwise, and `prove` up to that of Debian 12 (`TAP::Harness` 3.44) refuses its header. The
//! YAML blocks hold nothing but a name and a text in double quotes on each line: `prove` refuses a list of texts that
//! hold a colon and a space.

use std::fmt::Write as _;

use super::{Entry, Report, Verdict};

pub(super) fn write(report: &Report) -> String {
    let mut tap = format!("TAP version 13\n1..{}\n", report.cases.len());
    for (number, entry) in (1..).zip(&report.cases) {
        // Writing to a string does not fail.
        let _ = line(&mut tap, number, entry);
    }
    tap
}

fn line(tap: &mut String, number: usize, entry: &Entry) -> std::fmt::Result {
    let is_ok = matches!(entry.verdict, Verdict::Pass | Verdict::Skip);
    write!(tap, "{} {number} - {}", if is_ok { "ok" } else { "not ok" }, entry.name)?;
    let reason = entry.details().into_iter().find(|(label, _)| matches!(*label, "skipped" | "known"));
    match (entry.verdict, reason) {
        (Verdict::Skip, Some((_, reason))) => writeln!(tap, " # SKIP {}", one_line(&reason))?,
        (Verdict::Known, Some((_, reason))) => writeln!(tap, " # TODO {}", one_line(&reason))?,
        _ => writeln!(tap)?,
    }
    if is_ok && entry.notes.is_empty() {
        return Ok(());
    }
    writeln!(tap, "  ---")?;
    for (label, text) in [("rule", entry.rule.to_owned()), ("source", entry.source.to_owned())]
        .into_iter()
        .chain([("requirement", entry.requirement.to_string())])
        .chain(entry.details())
    {
        writeln!(tap, "  {label}: {}", quoted(&text))?;
    }
    for (number, note) in (1..).zip(&entry.notes) {
        writeln!(tap, "  note_{number}: {}", quoted(note))?;
    }
    writeln!(tap, "  ...")
}

/// A scalar of YAML in double quotes, in the escapes that JSON shares with YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Without what would end the line or begin another directive.
fn one_line(text: &str) -> String {
    text.replace('#', "\\#").split_whitespace().collect::<Vec<_>>().join(" ")
}
