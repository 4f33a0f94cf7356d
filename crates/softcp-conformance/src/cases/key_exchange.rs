//! Key exchange of sessions.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "key-exchange", title: "Key exchange of sessions", cases: &[] };
