//! Rows, pitches and planes.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "surfaces", title: "Rows, pitches and planes", cases: &[] };
