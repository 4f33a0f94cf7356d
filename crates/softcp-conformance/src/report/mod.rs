//! What a run came to, and the forms in which it is told.

mod html;
mod junit;
mod tap;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::case::{Case, Group, Requirement};
use crate::demands::Demands;
use crate::expect::{Expectations, Known};
use crate::rules::RuleSet;
use crate::runner::{CaseReport, Outcome, Varied};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The driver that was checked.
    pub driver: Driver,
    /// How the run can be repeated.
    pub seed: u64,
    /// In which circumstances the cases ran: on which tables, devices and threads.
    pub mix: String,
    /// Version of the rules that ran, such as `1.0`; none: all that the kit has.
    pub rules: Option<&'static str>,
    /// Version of the kit.
    pub kit: &'static str,
    /// When the run began: RFC 3339, in UTC and whole seconds.
    pub started: String,
    /// The machine's name.
    pub host: String,
    /// What the run as a whole says of the driver.
    pub conclusion: Conclusion,
    /// How many cases came to what.
    pub summary: Summary,
    /// Titles of the groups of which nothing was checked, because the driver offers nothing of them.
    pub unchecked: Vec<&'static str>,
    /// The demands of the caller that the run does not meet, each in a sentence. Any of them fails the run.
    pub unmet: Vec<String>,
    /// Known deviations that are about another driver, or another version of it: they were not applied.
    pub other_deviations: usize,
    /// The cases that were selected, in their order.
    pub cases: Vec<Entry>,
}

/// What a run as a whole says of a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// No rule is broken, and something of every group was checked.
    Conforms,
    /// No rule is broken, and of some groups nothing was checked.
    ConformsInPart,
    /// A rule is broken, a known deviation is none, a demand is not met, or nothing at all was checked.
    Fails,
}

/// What is known of a run apart from its results.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The driver.
    pub driver: Driver,
    /// What decided the keys, IVs and contents of the cases.
    pub seed: u64,
    /// Which cases ran in variations.
    pub varied: Varied,
    /// When it began; none: not known, as in tests of the forms.
    pub started: Option<SystemTime>,
    /// The rules that were asked for.
    pub rules: Option<&'static RuleSet>,
    /// Known deviations.
    pub expectations: Expectations,
    /// What must have been checked.
    pub demands: &'a Demands,
}

impl<'a> Run<'a> {
    /// A run of all rules with a driver that nothing is known of.
    #[must_use]
    pub fn new(demands: &'a Demands) -> Self {
        Self {
            driver: Driver::default(),
            seed: 0,
            varied: Varied::default(),
            started: None,
            rules: None,
            expectations: Expectations::default(),
            demands,
        }
    }
}

/// The driver that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Driver {
    /// What it calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The library that it was loaded from; none for one that is built in.
    pub library: Option<String>,
    /// The options that it was opened with.
    pub options: String,
}

/// One case of a report.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The case's name.
    pub name: &'static str,
    /// Its group's title.
    #[serde(skip)]
    pub group: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// How much it binds.
    pub requirement: Requirement,
    /// What it means for the run.
    pub verdict: Verdict,
    /// What came of the check.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Why a failure is accepted, by the list of known deviations.
    pub known: Option<String>,
    /// Evidence.
    pub notes: Vec<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// What a case means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The driver keeps the rule.
    Pass,
    /// The driver does not offer what the rule is about.
    Skip,
    /// The driver breaks the rule, and the list of known deviations says so.
    Known,
    /// The driver breaks the rule. The run fails.
    Fail,
    /// The list of known deviations says that the driver breaks the rule, and it does not. The run fails.
    Stale,
}

impl Verdict {
    /// Whether the run fails by it.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Fail | Self::Stale)
    }

    /// `pass`, `skip`, `known`, `FAIL`, `STALE`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Known => "known",
            Self::Fail => "FAIL",
            Self::Stale => "STALE",
        }
    }
}

/// How many cases came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Cases that ran.
    pub cases: usize,
    /// Rules that the driver keeps.
    pub passed: usize,
    /// Rules about something that it does not offer.
    pub skipped: usize,
    /// Known deviations.
    pub known: usize,
    /// Broken rules.
    pub failed: usize,
    /// Known deviations that are none.
    pub stale: usize,
}

impl Summary {
    fn of(entries: &[Entry]) -> Self {
        let count = |verdict| entries.iter().filter(|entry| entry.verdict == verdict).count();
        Self {
            cases: entries.len(),
            passed: count(Verdict::Pass),
            skipped: count(Verdict::Skip),
            known: count(Verdict::Known),
            failed: count(Verdict::Fail),
            stale: count(Verdict::Stale),
        }
    }

    /// Whether no rule is broken, but for known deviations.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.stale == 0
    }

    /// Rules that were checked.
    #[must_use]
    pub fn checked(&self) -> usize {
        self.cases - self.skipped
    }
}

/// Titles of the groups whose every case was skipped.
fn unchecked(entries: &[Entry]) -> Vec<&'static str> {
    let groups = entries.chunk_by(|a, b| a.group == b.group);
    let skipped = groups.filter(|cases| cases.iter().all(|entry| entry.verdict == Verdict::Skip));
    skipped.map(|cases| cases[0].group).collect()
}

impl Report {
    /// Puts the results of the selected cases together. A case without a result was not run, and is left out.
    #[must_use]
    pub fn new(run: Run<'_>, groups: &[(Group, Vec<&'static Case>)], results: Vec<CaseReport>) -> Self {
        let Run { driver, seed, varied, started, rules, expectations, demands } = run;
        let (expectations, other_deviations) = expectations.for_driver(&driver);
        let mut results: BTreeMap<_, _> = results.into_iter().map(|result| (result.name.clone(), result)).collect();
        let mut entries = Vec::new();
        for (group, cases) in groups {
            let with_results = cases.iter().filter_map(|case| Some((case, results.remove(case.name)?)));
            entries.extend(with_results.map(|(case, result)| Entry::new(group, case, result, &expectations)));
        }
        let summary = Summary::of(&entries);
        let unmet = demands.unmet(&entries);
        let unchecked = unchecked(&entries);
        Self {
            driver,
            seed,
            mix: varied.describe(),
            rules: rules.map(|rules| rules.version),
            kit: env!("CARGO_PKG_VERSION"),
            started: DateTime::<Utc>::from(started.unwrap_or(UNIX_EPOCH)).to_rfc3339_opts(SecondsFormat::Secs, true),
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            conclusion: if !summary.is_success() || !unmet.is_empty() || summary.checked() == 0 {
                Conclusion::Fails
            } else if unchecked.is_empty() {
                Conclusion::Conforms
            } else {
                Conclusion::ConformsInPart
            },
            summary,
            unchecked,
            unmet,
            other_deviations,
            cases: entries,
        }
    }

    /// Whether the driver passes.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.conclusion != Conclusion::Fails
    }

    /// What the run says of the driver, in a sentence that says how much was looked at.
    #[must_use]
    pub fn conclusion_text(&self) -> String {
        let Summary { cases, .. } = self.summary;
        let share = format!("{} of {cases} rules were checked", self.summary.checked());
        match self.conclusion {
            Conclusion::Conforms => format!("Conforms: {share}."),
            Conclusion::ConformsInPart => {
                format!("Conforms in part: {share}. Nothing was checked of: {}.", self.unchecked.join(", "))
            }
            Conclusion::Fails if self.summary.checked() == 0 => {
                "Nothing was checked: the driver offers nothing of what the rules are about.".to_owned()
            }
            Conclusion::Fails => format!("Does not conform: {share}."),
        }
    }

    /// The cases by group, with the groups' titles.
    pub fn groups(&self) -> impl Iterator<Item = (&'static str, &[Entry])> {
        self.cases.chunk_by(|a, b| a.group == b.group).map(|entries| (entries[0].group, entries))
    }

    /// As `JUnit` XML, a suite for each group.
    #[must_use]
    pub fn to_junit(&self) -> String {
        junit::write(self)
    }

    /// As TAP 13.
    #[must_use]
    pub fn to_tap(&self) -> String {
        tap::write(self)
    }

    /// As one HTML page that needs nothing else.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::write(self)
    }
}

impl Entry {
    fn new(group: &Group, case: &Case, result: CaseReport, expectations: &Known) -> Self {
        let known = expectations.reason(case.name).map(ToOwned::to_owned);
        let verdict = match (&result.outcome, &known) {
            (outcome, Some(_)) if outcome.is_failure() => Verdict::Known,
            (_, Some(_)) => Verdict::Stale,
            (Outcome::Passed, None) => Verdict::Pass,
            (Outcome::Skipped { .. }, None) => Verdict::Skip,
            (_, None) => Verdict::Fail,
        };
        let CaseReport { outcome, notes, micros, .. } = result;
        let Case { name, rule, source, requirement, .. } = *case;
        Self { name, group: group.title, rule, source, requirement, verdict, outcome, known, notes, micros }
    }

    /// What there is to say about the outcome, in lines of a label and a text.
    #[must_use]
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let mut details = match &self.outcome {
            Outcome::Passed => Vec::new(),
            Outcome::Skipped { reason } => vec![("skipped", reason.clone())],
            Outcome::Failed { expected, seen } => vec![("expected", expected.clone()), ("seen", seen.clone())],
            Outcome::Crashed { how } => {
                vec![("expected", ENDS.to_owned()), ("seen", format!("the process ended: {how}"))]
            }
            Outcome::TimedOut { limit_ms } => {
                vec![
                    ("expected", ENDS.to_owned()),
                    ("seen", format!("nothing after {limit_ms} ms of work or waiting: the process was ended")),
                ]
            }
        };
        if let Some(reason) = &self.known {
            let label = if self.verdict == Verdict::Stale { "stale" } else { "known" };
            details.push((label, reason.clone()));
        }
        details
    }
}

/// What is expected of every case.
const ENDS: &str = "a driver that returns from every call";

/// The cases as a list, for those who want to read the rules.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// All cases that were selected.
    pub cases: Vec<ListedCase>,
}

/// A case of a list.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ListedCase {
    /// The case's name.
    pub name: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// How much it binds.
    pub requirement: Requirement,
}

impl Listing {
    /// Lists the selected cases.
    #[must_use]
    pub fn new(groups: &[(Group, Vec<&'static Case>)]) -> Self {
        let listed = |case: &&Case| ListedCase {
            name: case.name,
            rule: case.rule,
            source: case.source,
            requirement: case.requirement,
        };
        Self { cases: groups.iter().flat_map(|(_, cases)| cases.iter().map(listed)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demands::SkipLimit;
    use crate::selection::Selection;

    const NO_DEMANDS: Demands = Demands { require: Vec::new(), max_skipped: None };

    /// A report with one case of each kind.
    fn sample() -> Report {
        let selection = Selection { only: vec!["refresh".to_owned()], ..Selection::default() };
        let mut groups = selection.groups().unwrap();
        groups[0].1.truncate(7);
        let names: Vec<_> = groups[0].1.iter().map(|case| case.name).collect();
        let [passed, failed, skipped, crashed, slow, known, stale] = names.as_slice() else { panic!("seven cases") };
        let failure = || Outcome::Failed { expected: "a <b> & \"c\"".to_owned(), seen: "d\u{1b}]]>".to_owned() };
        let outcomes = [
            (passed, Outcome::Passed),
            (failed, failure()),
            (skipped, Outcome::Skipped { reason: "not offered".to_owned() }),
            (crashed, Outcome::Crashed { how: "signal: 6 (SIGABRT)".to_owned() }),
            (slow, Outcome::TimedOut { limit_ms: 500 }),
            (known, failure()),
            (stale, Outcome::Passed),
        ];
        let result = |(name, outcome): (&&str, Outcome)| CaseReport {
            name: (*name).to_owned(),
            outcome,
            notes: vec!["a note: with a colon".to_owned(), "another \u{1b}".to_owned()],
            micros: 1500,
        };
        let deviation = |case: &str| format!("[[deviation]]\ncase = \"{case}\"\nreason = \"because\"\n");
        let expectations = Expectations::parse(&(deviation(known) + &deviation(stale))).unwrap();
        let driver = Driver { name: "A <driver>".to_owned(), version: "1".to_owned(), ..Driver::default() };
        let started = Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let run = Run {
            driver,
            seed: 7,
            varied: Varied::None,
            started,
            rules: None,
            expectations,
            demands: &Demands::default(),
        };
        Report::new(run, &groups, outcomes.into_iter().map(result).collect())
    }

    #[test]
    fn verdicts_follow_from_outcomes_and_expectations() {
        let report = sample();
        let verdicts: Vec<_> = report.cases.iter().map(|entry| entry.verdict.word()).collect();
        assert_eq!(verdicts, ["pass", "FAIL", "skip", "FAIL", "FAIL", "known", "STALE"]);
        let expected = Summary { cases: 7, passed: 1, skipped: 1, known: 1, failed: 3, stale: 1 };
        assert_eq!(report.summary, expected);
        assert!(!report.summary.is_success());
    }

    #[test]
    fn junit_is_xml_with_all_cases() {
        let xml = sample().to_junit();
        let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
        assert_eq!((read.tests, read.failures, read.errors), (7, 2, 2));
        let case = &read.test_suites[0].test_cases[1];
        assert_eq!(case.classname.as_ref().unwrap().as_str(), "softcp.conformance.Session key refresh");
        assert_eq!(case.time.unwrap().as_millis(), 2);
        assert!(
            case.system_out
                .as_ref()
                .unwrap()
                .as_str()
                .ends_with("\nnote: a note: with a colon\nnote: another \u{fffd}")
        );
        assert_eq!(read.test_suites[0].timestamp.unwrap().timestamp(), 1_700_000_000);
        assert!(xml.contains("a &lt;b&gt; &amp;"), "{xml}");
    }

    /// What the schema of the Jenkins xunit plugin (`junit-10.xsd`) has for an element: all its attributes, and those that
    /// must be there.
    fn schema_of(element: &[u8]) -> (&'static [&'static str], &'static [&'static str]) {
        match element {
            b"testsuites" => (&["name", "time", "tests", "failures", "errors"], &[]),
            b"testsuite" => (
                &["name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"],
                &["name", "tests", "failures", "errors"],
            ),
            b"testcase" => (&["name", "time", "classname"], &["name"]),
            b"failure" | b"error" | b"skipped" => (&["type", "message"], &[]),
            b"system-out" => (&[], &[]),
            other => panic!("the schema has no element {}", String::from_utf8_lossy(other)),
        }
    }

    #[test]
    fn junit_has_nothing_that_the_schema_of_jenkins_lacks() {
        use quick_xml::events::Event;
        let xml = sample().to_junit();
        let mut reader = quick_xml::Reader::from_str(&xml);
        let mut elements = 0;
        loop {
            let element = match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(element) | Event::Empty(element) => element,
                _ => continue,
            };
            elements += 1;
            let (allowed, required) = schema_of(element.name().as_ref());
            let attributes: BTreeMap<_, _> = element
                .attributes()
                .map(|attribute| attribute.unwrap())
                .map(|it| (String::from_utf8(it.key.as_ref().to_vec()).unwrap(), it.value.into_owned()))
                .collect();
            for name in attributes.keys() {
                assert!(allowed.contains(&name.as_str()), "{element:?} has {name}");
            }
            for name in required {
                assert!(attributes.contains_key(*name), "{element:?} lacks {name}");
            }
            if let Some(time) = attributes.get("time") {
                let (whole, part) = std::str::from_utf8(time).unwrap().split_once('.').unwrap();
                assert!(
                    part.len() == 3
                        && whole.len() <= 3
                        && whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit())
                );
            }
        }
        assert_eq!(elements, 2 + 7 + 7 + 6, "suites, cases, their texts, and what has not passed");
    }

    #[test]
    fn tap_has_a_line_for_each_case_and_a_plan() {
        let tap = sample().to_tap();
        let lines: Vec<_> = tap.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).collect();
        assert!(tap.starts_with("TAP version 13\n1..7\n"), "{tap}");
        assert_eq!(lines.len(), 7);
        assert_eq!(lines.iter().filter(|line| line.starts_with("not ok")).count(), 5, "{tap}");
        assert_eq!(lines.iter().filter(|line| line.contains("# TODO because")).count(), 1, "{tap}");
        assert_eq!(lines.iter().filter(|line| line.contains("# SKIP not offered")).count(), 1, "{tap}");
        assert!(!tap.lines().any(|line| line.trim_start().starts_with("- ")), "prove cannot read lists of texts");
    }

    #[test]
    fn conclusion_says_how_much_was_checked() {
        let selection = Selection { only: vec!["refresh".into(), "caps".into()], ..Selection::default() };
        let groups = selection.groups().unwrap();
        let results = |offers: fn(&str) -> bool| {
            let cases = groups.iter().flat_map(|(_, cases)| cases);
            let skipped = || Outcome::Skipped { reason: "not offered".to_owned() };
            let outcome = |name| if offers(name) { Outcome::Passed } else { skipped() };
            let report = |case: &&Case| CaseReport {
                name: case.name.to_owned(),
                outcome: outcome(case.name),
                notes: Vec::new(),
                micros: 1,
            };
            cases.map(report).collect::<Vec<_>>()
        };
        let run = |demands: &Demands, offers| {
            let run = Run { demands, ..Run::new(&NO_DEMANDS) };
            Report::new(run, &groups, results(offers))
        };
        let all = run(&NO_DEMANDS, |_| true);
        assert_eq!((all.conclusion, all.is_success()), (Conclusion::Conforms, true));
        let part = run(&NO_DEMANDS, |name| name.starts_with("caps"));
        assert_eq!((part.conclusion, part.is_success()), (Conclusion::ConformsInPart, true));
        assert_eq!(part.unchecked, ["Session key refresh"]);
        assert!(part.conclusion_text().ends_with("Nothing was checked of: Session key refresh."));
        let nothing = run(&NO_DEMANDS, |_| false);
        assert!(!nothing.is_success() && nothing.conclusion_text().starts_with("Nothing was checked:"));

        let demands = Demands { require: vec!["refresh".to_owned(), "caps".to_owned()], max_skipped: None };
        assert!(run(&demands, |_| true).is_success());
        let unmet = run(&demands, |name| name.starts_with("caps"));
        assert_eq!((unmet.is_success(), unmet.unmet), (false, vec!["nothing of refresh was checked".to_owned()]));
        let at_most = |limit| Demands { require: Vec::new(), max_skipped: Some(limit) };
        let one_missing: fn(&str) -> bool = |name| name != "refresh/xor";
        assert!(run(&at_most(SkipLimit::Cases(1)), one_missing).is_success());
        assert!(!run(&at_most(SkipLimit::Cases(0)), one_missing).is_success());
        assert!(run(&at_most(SkipLimit::Percent(50)), one_missing).is_success());
        assert!(!run(&at_most(SkipLimit::Percent(0)), one_missing).is_success());
    }

    #[test]
    fn html_escapes_what_drivers_say_and_loads_nothing() {
        let html = sample().to_html();
        assert!(html.starts_with("<!DOCTYPE html>"));
        assert!(html.contains("A &lt;driver&gt;") && html.contains("a &lt;b&gt; &amp;") && !html.contains("<driver>"));
        for outside in ["src=", "href=\"http", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
    }

    #[test]
    fn json_says_the_same() {
        let json = serde_json::to_value(sample()).unwrap();
        assert_eq!(json["summary"]["failed"], 3);
        assert_eq!(json["cases"][1]["outcome"], "failed");
        assert_eq!(json["cases"][1]["verdict"], "fail");
        assert_eq!(json["cases"][5]["known"], "because");
    }
}
