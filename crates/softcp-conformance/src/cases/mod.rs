//! The cases, group by group.

mod caps;
mod certificates;
mod channels;
mod commands;
mod decoders;
mod decryption;
mod exhaustion;
mod hardware;
mod key_exchange;
mod patterns;
mod process;
mod protection;
mod queries;
mod read_back;
mod refresh;
mod removal;
mod sessions;
mod statistics;
mod status;
mod surfaces;
mod table;
mod threads;

use crate::case::{Case, Group};
use crate::variation::Mix;

/// All groups, in the order in which they run.
pub const GROUPS: &[Group] = &[
    table::GROUP,
    caps::GROUP,
    certificates::GROUP,
    sessions::GROUP,
    key_exchange::GROUP,
    decryption::GROUP,
    patterns::GROUP,
    surfaces::GROUP,
    refresh::GROUP,
    read_back::GROUP,
    status::GROUP,
    removal::GROUP,
    protection::GROUP,
    channels::GROUP,
    commands::GROUP,
    queries::GROUP,
    exhaustion::GROUP,
    hardware::GROUP,
    decoders::GROUP,
    threads::GROUP,
    statistics::GROUP,
    process::GROUP,
];

/// All cases.
pub fn all() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(|group| group.cases)
}

/// The case of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Case> {
    all().find(|case| case.name == name)
}

/// The circumstances in which the case of a name runs.
pub(crate) fn mix_of(name: &str) -> Mix {
    let group = GROUPS.iter().find(|group| group.cases.iter().any(|case| case.name == name));
    group.map_or(Mix::Plain, |group| group.mix)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_begin_with_their_group() {
        let mut seen = HashSet::new();
        for group in GROUPS {
            for case in group.cases {
                assert!(seen.insert(case.name), "{} is there twice", case.name);
                assert_eq!(case.name.split_once('/').unwrap().0, group.name, "{}", case.name);
                let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/';
                assert!(case.name.chars().all(is_plain), "{}", case.name);
                assert!(!case.source.is_empty() && case.rule.ends_with('.'), "{}", case.name);
            }
        }
    }
}
