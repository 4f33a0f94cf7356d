//! What must have been checked for a run to count: a driver that offers nothing breaks no rule.

use std::fmt;
use std::str::FromStr;

use crate::report::{Entry, Verdict};
use crate::selection::{SelectionError, check_pattern, names};

/// What must have been checked. By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// Patterns as in [`crate::Selection::only`]: of the cases that each one names, at least one must have been checked.
    pub require: Vec<String>,
    /// How many cases may be skipped.
    pub max_skipped: Option<SkipLimit>,
}

/// A number of cases, or a share of those that were selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipLimit {
    /// So many cases.
    Cases(usize),
    /// So many of a hundred, 0 to 100.
    Percent(u8),
}

impl FromStr for SkipLimit {
    type Err = String;

    /// `20`, or `5%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither a number of rules, such as 20, nor a share of them, such as 5%");
        match text.strip_suffix('%') {
            Some(share) => share.parse().ok().filter(|share| *share <= 100).map(Self::Percent).ok_or_else(wrong),
            None => text.parse().map(Self::Cases).map_err(|_| wrong()),
        }
    }
}

impl fmt::Display for SkipLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cases(cases) => write!(f, "{cases}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

impl Demands {
    /// Whether every pattern names a case of the kit.
    pub fn check(&self) -> Result<(), SelectionError> {
        self.require.iter().try_for_each(|pattern| check_pattern(pattern))
    }

    /// The demands that a run does not meet, each in a sentence.
    pub(crate) fn unmet(&self, entries: &[Entry]) -> Vec<String> {
        let was_checked = |entry: &Entry| entry.verdict != Verdict::Skip;
        let missing = self
            .require
            .iter()
            .filter(|pattern| !entries.iter().any(|entry| names(pattern, entry.name) && was_checked(entry)));
        let mut unmet: Vec<_> = missing.map(|pattern| format!("nothing of {pattern} was checked")).collect();
        let skipped = entries.iter().filter(|entry| !was_checked(entry)).count();
        let is_exceeded = |limit: &SkipLimit| match *limit {
            SkipLimit::Cases(cases) => skipped > cases,
            SkipLimit::Percent(share) => skipped * 100 > entries.len() * usize::from(share),
        };
        if let Some(limit) = self.max_skipped.filter(is_exceeded) {
            unmet.push(format!("{skipped} of {} rules were skipped, and {limit} may be", entries.len()));
        }
        unmet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_or_shares() {
        assert_eq!("20".parse(), Ok(SkipLimit::Cases(20)));
        assert_eq!("5%".parse(), Ok(SkipLimit::Percent(5)));
        for wrong in ["", "%", "-1", "101%", "5 %", "1.5%"] {
            assert!(wrong.parse::<SkipLimit>().unwrap_err().contains("such as 5%"), "{wrong}");
        }
    }

    #[test]
    fn patterns_must_name_a_case() {
        let demands = |pattern: &str| Demands { require: vec![pattern.to_owned()], ..Demands::default() };
        assert_eq!(demands("refresh").check(), Ok(()));
        assert_eq!(demands("refersh").check(), Err(SelectionError::NoSuchCase("refersh".to_owned())));
    }
}
