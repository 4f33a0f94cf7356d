//! What a run came to, and the forms in which it is told.

mod html;
mod junit;
mod tap;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::{Case, Group, Requirement};
use crate::cases;
use crate::expect::Expectations;
use crate::runner::{CaseReport, Outcome};

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The driver that was checked.
    pub driver: Driver,
    /// How the run can be repeated.
    pub seed: u64,
    /// How many cases came to what.
    pub summary: Summary,
    /// The cases that were selected, in their order.
    pub cases: Vec<Entry>,
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
    /// Whether the driver passes.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.stale == 0
    }
}

impl Report {
    /// Puts the results of the selected cases together. A case without a result was not run, and is left out.
    #[must_use]
    pub fn new(
        driver: Driver,
        seed: u64,
        groups: &[(Group, Vec<&'static Case>)],
        results: Vec<CaseReport>,
        expectations: &Expectations,
    ) -> Self {
        let mut results: BTreeMap<_, _> = results.into_iter().map(|result| (result.name.clone(), result)).collect();
        let mut entries = Vec::new();
        for (group, cases) in groups {
            let with_results = cases.iter().filter_map(|case| Some((case, results.remove(case.name)?)));
            entries.extend(with_results.map(|(case, result)| Entry::new(group, case, result, expectations)));
        }
        let count = |verdict| entries.iter().filter(|entry| entry.verdict == verdict).count();
        let summary = Summary {
            cases: entries.len(),
            passed: count(Verdict::Pass),
            skipped: count(Verdict::Skip),
            known: count(Verdict::Known),
            failed: count(Verdict::Fail),
            stale: count(Verdict::Stale),
        };
        Self { driver, seed, summary, cases: entries }
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

    /// As TAP 14.
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
    fn new(group: &Group, case: &Case, result: CaseReport, expectations: &Expectations) -> Self {
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
                    ("seen", format!("nothing after {limit_ms} ms: the process was ended")),
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

/// How many cases the kit has.
#[must_use]
pub fn case_count() -> usize {
    cases::all().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::Selection;

    /// A report with one case of each kind.
    pub(super) fn sample() -> Report {
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
            notes: vec!["a note".to_owned()],
            micros: 1500,
        };
        let deviation = |case: &str| format!("[[deviation]]\ncase = \"{case}\"\nreason = \"because\"\n");
        let expectations = Expectations::parse(&(deviation(known) + &deviation(stale))).unwrap();
        let driver = Driver { name: "A <driver>".to_owned(), version: "1".to_owned(), ..Driver::default() };
        Report::new(driver, 7, &groups, outcomes.into_iter().map(result).collect(), &expectations)
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
        assert!(xml.contains("a &lt;b&gt; &amp;"), "{xml}");
    }

    #[test]
    fn tap_has_a_line_for_each_case_and_a_plan() {
        let tap = sample().to_tap();
        let lines: Vec<_> = tap.lines().filter(|line| line.starts_with("ok") || line.starts_with("not ok")).collect();
        assert!(tap.starts_with("TAP version 14\n1..7\n"), "{tap}");
        assert_eq!(lines.len(), 7);
        assert_eq!(lines.iter().filter(|line| line.starts_with("not ok")).count(), 5, "{tap}");
        assert_eq!(lines.iter().filter(|line| line.contains("# TODO because")).count(), 1, "{tap}");
        assert_eq!(lines.iter().filter(|line| line.contains("# SKIP not offered")).count(), 1, "{tap}");
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
