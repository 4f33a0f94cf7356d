//! The Test Anything Protocol, version 14.

use std::fmt::Write as _;

use super::{Entry, Report, Verdict};

pub(super) fn write(report: &Report) -> String {
    let mut tap = format!("TAP version 14\n1..{}\n", report.cases.len());
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
    if !entry.notes.is_empty() {
        writeln!(tap, "  notes:")?;
        entry.notes.iter().try_for_each(|note| writeln!(tap, "    - {}", quoted(note)))?;
    }
    writeln!(tap, "  ...")
}

/// A scalar of YAML in double quotes, which is written as a string of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Without what would end the line or begin another directive.
fn one_line(text: &str) -> String {
    text.replace('#', "\\#").split_whitespace().collect::<Vec<_>>().join(" ")
}
