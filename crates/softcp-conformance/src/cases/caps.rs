//! Capabilities.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "caps", title: "Capabilities", cases: &[] };
