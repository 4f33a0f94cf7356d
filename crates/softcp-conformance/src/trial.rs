//! A trial of the kit itself: drivers that are known to be wrong, and whether it finds out.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::cases;

/// A driver that is known to break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Suspect {
    /// What it is called.
    pub name: &'static str,
    /// What it does wrong, in one sentence.
    pub breaks: &'static str,
    /// The case that must find it.
    pub caught_by: &'static str,
}

/// What the kit found out about a suspect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The driver.
    #[serde(flatten)]
    pub suspect: Suspect,
    /// Whether the case that must find it has.
    pub is_caught: bool,
    /// All cases that it failed.
    pub failed: BTreeSet<String>,
}

impl Finding {
    /// From the cases that the suspect failed.
    #[must_use]
    pub fn new(suspect: Suspect, failed: BTreeSet<String>) -> Self {
        Self { suspect, is_caught: failed.contains(suspect.caught_by), failed }
    }
}

/// A trial.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// The cases that the driver without a fault failed, which should be none.
    pub blamed: BTreeSet<String>,
    /// The suspects.
    pub findings: Vec<Finding>,
}

impl Trial {
    /// Whether the kit has found every suspect out and blames nobody else.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.blamed.is_empty() && self.findings.iter().all(|finding| finding.is_caught)
    }

    /// The cases by which nobody was to be caught: rules of which it is not known that the kit finds a breach.
    pub fn untried(&self) -> impl Iterator<Item = &'static str> {
        cases::all()
            .map(|case| case.name)
            .filter(|name| self.findings.iter().all(|finding| finding.suspect.caught_by != *name))
    }

    /// As a page of Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = String::from(HEAD);
        // Writing to a string does not fail.
        for Finding { suspect: Suspect { name, breaks, caught_by }, is_caught, failed } in &self.findings {
            let others: Vec<_> = failed.iter().filter(|case| case != caught_by).collect();
            let others = match others.as_slice() {
                [] => String::new(),
                few if few.len() <= LISTED => few.iter().map(|case| format!("`{case}`")).collect::<Vec<_>>().join(", "),
                many => format!("{} more", many.len()),
            };
            let caught_by = if *is_caught { format!("`{caught_by}`") } else { format!("**not** by `{caught_by}`") };
            let _ = writeln!(page, "| `{name}` | {breaks} | {caught_by} | {others} |");
        }
        page
    }
}

/// So many further cases are named.
const LISTED: usize = 3;

const HEAD: &str = "\
# The zoo

Drivers that break one rule each, and the case of the conformance kit that finds each of them out. `softcp zoo --table` writes
this page; CI compares it.

| driver | what it does wrong | caught by | fails besides |
|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(failed: &[&str]) -> Finding {
        let suspect = Suspect { name: "n", breaks: "It breaks.", caught_by: "refresh/xor" };
        Finding::new(suspect, failed.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn suspect_is_caught_by_its_own_case_alone() {
        assert!(finding(&["refresh/xor", "refresh/many"]).is_caught);
        assert!(!finding(&["refresh/many"]).is_caught);
        let trial =
            |findings, blamed: &[&str]| Trial { findings, blamed: blamed.iter().map(ToString::to_string).collect() };
        assert!(trial(vec![finding(&["refresh/xor"])], &[]).is_success());
        assert!(!trial(vec![finding(&["refresh/xor"])], &["refresh/xor"]).is_success());
        assert!(!trial(vec![finding(&[])], &[]).is_success());
    }

    #[test]
    fn untried_cases_are_those_that_nobody_is_caught_by() {
        let trial = Trial { findings: vec![finding(&["refresh/xor", "refresh/many"])], ..Trial::default() };
        let untried: Vec<_> = trial.untried().collect();
        assert!(!untried.contains(&"refresh/xor") && untried.contains(&"refresh/many"));
    }

    #[test]
    fn page_names_a_few_further_cases() {
        let few = Trial { findings: vec![finding(&["refresh/xor", "refresh/many"])], ..Trial::default() }.to_markdown();
        assert!(few.ends_with("| `n` | It breaks. | `refresh/xor` | `refresh/many` |\n"), "{few}");
        let many = Trial { findings: vec![finding(&["a", "b", "c", "d"])], ..Trial::default() }.to_markdown();
        assert!(many.ends_with("| `n` | It breaks. | **not** by `refresh/xor` | 4 more |\n"), "{many}");
    }
}
