//! Enforced protection.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "protection", title: "Enforced protection", cases: &[] };
