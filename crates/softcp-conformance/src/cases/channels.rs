//! Authenticated channels.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "channels", title: "Authenticated channels", cases: &[] };
