//! DecryptionBlt: encrypted and clear runs.

use crate::case::Group;

pub(super) const GROUP: Group =
    Group { name: "patterns", title: "DecryptionBlt: encrypted and clear runs", cases: &[] };
