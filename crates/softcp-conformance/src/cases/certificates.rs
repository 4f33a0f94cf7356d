//! Certificates.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "certificates", title: "Certificates", cases: &[] };
