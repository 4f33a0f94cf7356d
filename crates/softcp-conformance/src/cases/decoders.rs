//! Decoders.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "decoders", title: "Decoders", cases: &[] };
