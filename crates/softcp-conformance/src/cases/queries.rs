//! QueryAuthenticatedChannel.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "queries", title: "QueryAuthenticatedChannel", cases: &[] };
