//! Several threads.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "threads", title: "Several threads", cases: &[] };
