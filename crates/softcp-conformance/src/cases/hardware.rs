//! Hardware DRM communication.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "hardware", title: "Hardware DRM communication", cases: &[] };
