//! Random numbers.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "statistics", title: "Random numbers", cases: &[] };
