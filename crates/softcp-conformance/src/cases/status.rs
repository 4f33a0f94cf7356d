//! Session status and lost keys.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "status", title: "Session status and lost keys", cases: &[] };
