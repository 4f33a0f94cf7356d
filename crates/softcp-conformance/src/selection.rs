//! Which cases of the kit run.

use wildmatch::WildMatch;

use crate::case::{Case, Group, Requirement};
use crate::cases;
use crate::rules::RuleSet;

/// Which cases run. By default all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only cases that one of these patterns names; all, if there is none. A pattern is a case's name, in which `*` stands
    /// for any characters, or a group's name, which stands for all its cases.
    pub only: Vec<String>,
    /// Not those that one of these patterns names.
    pub not: Vec<String>,
    /// Only cases with one of these requirements; all, if there is none.
    pub requirements: Vec<Requirement>,
    /// Only cases of this version of the rules; all, if there is none.
    pub rules: Option<&'static RuleSet>,
}

/// Why a selection is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A pattern that no case has: most likely a slip.
    #[error("no case is called {0}")]
    NoSuchCase(String),
    /// Nothing is left.
    #[error("no case is left to run")]
    Nothing,
}

impl Selection {
    /// The selected cases, group by group.
    pub fn groups(&self) -> Result<Vec<(Group, Vec<&'static Case>)>, SelectionError> {
        self.only.iter().chain(&self.not).try_for_each(|pattern| check_pattern(pattern))?;
        let selected = |group: &Group| group.cases.iter().filter(|case| self.selects(case)).collect::<Vec<_>>();
        let groups = cases::GROUPS.iter().map(|group| (*group, selected(group)));
        let groups: Vec<_> = groups.filter(|(_, cases)| !cases.is_empty()).collect();
        if groups.is_empty() { Err(SelectionError::Nothing) } else { Ok(groups) }
    }

    fn selects(&self, case: &Case) -> bool {
        let by = |patterns: &[String]| patterns.iter().any(|pattern| names(pattern, case.name));
        (self.only.is_empty() || by(&self.only))
            && !by(&self.not)
            && (self.requirements.is_empty() || self.requirements.contains(&case.requirement))
            && self.rules.is_none_or(|rules| rules.contains(case.name))
    }
}

/// Whether a pattern names the case of this name.
pub(crate) fn names(pattern: &str, case: &str) -> bool {
    let is_group = case.split_once('/').is_some_and(|(group, _)| group == pattern);
    is_group || WildMatch::new(pattern).matches(case)
}

/// Fails for a pattern that names no case of the kit: most likely a slip.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), SelectionError> {
    let names_one = cases::all().any(|case| names(pattern, case.name));
    if names_one { Ok(()) } else { Err(SelectionError::NoSuchCase(pattern.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(only: &[&str], not: &[&str]) -> Result<Vec<&'static str>, SelectionError> {
        let patterns = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
        let selection = Selection { only: patterns(only), not: patterns(not), ..Selection::default() };
        Ok(selection.groups()?.into_iter().flat_map(|(_, cases)| cases).map(|case| case.name).collect())
    }

    #[test]
    fn everything_is_selected_by_default() {
        assert_eq!(selected(&[], &[]).unwrap().len(), cases::all().count());
    }

    #[test]
    fn patterns_are_names_groups_and_stars() {
        assert_eq!(selected(&["refresh/xor"], &[]).unwrap(), ["refresh/xor"]);
        let group = selected(&["refresh"], &[]).unwrap();
        assert!(group.len() > 2 && group.iter().all(|name| name.starts_with("refresh/")));
        assert_eq!(selected(&["refresh/*"], &[]).unwrap(), group);
        assert_eq!(selected(&["*/xor"], &[]).unwrap(), ["refresh/xor"]);
        assert!(!selected(&["refresh"], &["refresh/xor"]).unwrap().contains(&"refresh/xor"));
    }

    #[test]
    fn requirements_select_too() {
        let selection = Selection { requirements: vec![Requirement::Decision], ..Selection::default() };
        let cases = selection.groups().unwrap().into_iter().flat_map(|(_, cases)| cases);
        assert!(cases.map(|case| case.requirement).all(|requirement| requirement == Requirement::Decision));
    }

    #[test]
    fn patterns_without_a_case_are_errors() {
        assert_eq!(selected(&["refresh", "refersh"], &[]), Err(SelectionError::NoSuchCase("refersh".to_owned())));
        assert_eq!(selected(&[], &["refresh/xo"]), Err(SelectionError::NoSuchCase("refresh/xo".to_owned())));
        assert_eq!(selected(&["refresh"], &["refresh"]), Err(SelectionError::Nothing));
    }
}
