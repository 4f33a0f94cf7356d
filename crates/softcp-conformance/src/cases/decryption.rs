//! DecryptionBlt: keys, counter, parameters.

use crate::case::Group;

pub(super) const GROUP: Group =
    Group { name: "decryption", title: "DecryptionBlt: keys, counter, parameters", cases: &[] };
