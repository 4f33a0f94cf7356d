//! Versions of the rules: lists of cases that never change.
//!
//! The kit grows. A driver that has been released is measured with the rules that it was built for: `--rules 1.0` runs the
//! cases of that version and no others, whatever the kit has learned since. A version is a file of case names,
//! `rules/VERSION.txt`, one on each line; once published it is never edited. A case keeps its name and its meaning for
//! ever; a rule that changes its meaning is a new case.

use std::sync::LazyLock;

/// A version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// Its version, such as `1.0`.
    pub version: &'static str,
    names: Vec<&'static str>,
}

static ALL: LazyLock<Vec<RuleSet>> = LazyLock::new(|| vec![RuleSet::new("1.0", include_str!("../rules/1.0.txt"))]);

impl RuleSet {
    fn new(version: &'static str, text: &'static str) -> Self {
        Self { version, names: text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect() }
    }

    /// All versions, the oldest first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The rules of a version; none if there is no such version.
    #[must_use]
    pub fn find(version: &str) -> Option<&'static Self> {
        Self::all().iter().find(|rules| rules.version == version)
    }

    /// Whether a case of this name is one of them.
    #[must_use]
    pub fn contains(&self, case: &str) -> bool {
        self.names.binary_search(&case).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    #[test]
    fn every_version_lists_cases_of_the_kit_in_order() {
        for rules in RuleSet::all() {
            assert!(!rules.names.is_empty());
            assert!(rules.names.is_sorted_by(|a, b| a < b), "{}: not in order, or listed twice", rules.version);
            for name in &rules.names {
                assert!(cases::find(name).is_some(), "{}: the kit has lost the case {name}", rules.version);
            }
        }
    }

    #[test]
    fn versions_are_found_by_name() {
        assert!(RuleSet::find("1.0").unwrap().contains("refresh/xor"));
        assert!(!RuleSet::find("1.0").unwrap().contains("refresh/xro"));
        assert_eq!(RuleSet::find("0.9"), None);
    }
}
