//! Crypto sessions.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "sessions", title: "Crypto sessions", cases: &[] };
