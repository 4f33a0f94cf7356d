//! ConfigureAuthenticatedChannel.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "commands", title: "ConfigureAuthenticatedChannel", cases: &[] };
