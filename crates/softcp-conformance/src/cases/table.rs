//! Function table.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "table", title: "Function table", cases: &[] };
