//! Numbers that come to their end.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "exhaustion", title: "Numbers that come to their end", cases: &[] };
