//! Opening and closing.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "process", title: "Opening and closing", cases: &[] };
