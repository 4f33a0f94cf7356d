//! `JUnit` XML, as build servers read it.
//!
//! The elements and attributes are those that both Maven Surefire's form and the schema of the Jenkins xunit plugin
//! (`junit-10.xsd`) have. In particular, a test case has no `properties`, and a suite counts `skipped`, not `disabled`:
//! what a rule says and where it comes from is in the text of the case.

use quick_xml::events::{BytesDecl, BytesText, Event};
use quick_xml::{Writer, writer};

use super::{Entry, Report, Verdict};
use crate::runner::Outcome;

type Result = std::io::Result<()>;

pub(super) fn write(report: &Report) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    document(&mut xml, report).expect("writing to memory does not fail");
    let mut text = String::from_utf8(xml.into_inner()).expect("XML is written as UTF-8");
    text.push('\n');
    text
}

fn document(xml: &mut Writer<Vec<u8>>, report: &Report) -> Result {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let counts = Counts::of(&report.cases);
    let suites = with(
        xml.create_element("testsuites"),
        &[
            ("name", format!("{} {}", report.driver.name, report.driver.version)),
            ("tests", counts.tests.to_string()),
            ("failures", counts.failures.to_string()),
            ("errors", counts.errors.to_string()),
            ("time", seconds(counts.micros)),
        ],
    );
    suites.write_inner_content(|xml| {
        report.groups().try_for_each(|(title, entries)| suite(xml, report, title, entries))
    })?;
    Ok(())
}

fn suite(xml: &mut Writer<Vec<u8>>, report: &Report, title: &str, entries: &[Entry]) -> Result {
    let counts = Counts::of(entries);
    let suite = with(
        xml.create_element("testsuite"),
        &[
            ("name", title.to_owned()),
            ("tests", counts.tests.to_string()),
            ("failures", counts.failures.to_string()),
            ("errors", counts.errors.to_string()),
            ("skipped", counts.skipped.to_string()),
            ("time", seconds(counts.micros)),
            ("timestamp", report.started.clone()),
            ("hostname", report.host.clone()),
        ],
    );
    suite.write_inner_content(|xml| entries.iter().try_for_each(|entry| case(xml, title, entry)))?;
    Ok(())
}

fn case(xml: &mut Writer<Vec<u8>>, title: &str, entry: &Entry) -> Result {
    let element = with(
        xml.create_element("testcase"),
        &[
            ("name", entry.name.to_owned()),
            ("classname", format!("softcp.conformance.{}", title.replace('.', " "))),
            ("time", seconds(entry.micros)),
        ],
    );
    element.write_inner_content(|xml| {
        if let Some(kind) = Kind::of(entry) {
            let details: Vec<_> = entry.details().iter().map(|(label, text)| format!("{label}: {text}")).collect();
            let message = details.first().cloned().unwrap_or_default();
            let mut element = with(xml.create_element(kind.element()), &[("message", message)]);
            if kind != Kind::Skipped {
                element = with(element, &[("type", entry.requirement.name().to_owned())]);
            }
            element.write_text_content(text(&format!("{}\n{}", entry.rule, details.join("\n"))))?;
        }
        let rule = format!("rule: {}\nsource: {} ({})", entry.rule, entry.source, entry.requirement);
        let notes = entry.notes.iter().map(|note| format!("\nnote: {note}"));
        let out = notes.fold(rule, |out, note| out + &note);
        xml.create_element("system-out").write_text_content(text(&out))?;
        Ok(())
    })?;
    Ok(())
}

/// Which element tells of a case that has not passed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Skipped,
    Failure,
    /// The process ended, or time did.
    Error,
}

impl Kind {
    fn of(entry: &Entry) -> Option<Self> {
        match (entry.verdict, &entry.outcome) {
            (Verdict::Pass, _) => None,
            (Verdict::Skip | Verdict::Known, _) => Some(Self::Skipped),
            (_, Outcome::Crashed { .. } | Outcome::TimedOut { .. }) => Some(Self::Error),
            _ => Some(Self::Failure),
        }
    }

    const fn element(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
    micros: u64,
}

impl Counts {
    fn of(entries: &[Entry]) -> Self {
        let count = |kind| entries.iter().filter(|entry| Kind::of(entry) == Some(kind)).count();
        Self {
            tests: entries.len(),
            failures: count(Kind::Failure),
            errors: count(Kind::Error),
            skipped: count(Kind::Skipped),
            micros: entries.iter().map(|entry| entry.micros).sum(),
        }
    }
}

/// Seconds with three digits, as Surefire writes them.
fn seconds(micros: u64) -> String {
    let millis = micros.div_ceil(1000);
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

fn with<'a, W>(element: writer::ElementWriter<'a, W>, attributes: &[(&str, String)]) -> writer::ElementWriter<'a, W> {
    let allowed = attributes.iter().map(|(name, value)| (*name, printable(value)));
    allowed.fold(element, |element, (name, value)| element.with_attribute((name, value.as_str())))
}

fn text(text: &str) -> BytesText<'static> {
    BytesText::new(&printable(text)).into_owned()
}

/// Without the characters that XML 1.0 (section 2.2) cannot hold, not even escaped.
fn printable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}
