//! EncryptionBlt and GetEncryptionBltKey.

use crate::case::Group;

pub(super) const GROUP: Group = Group { name: "read-back", title: "EncryptionBlt and GetEncryptionBltKey", cases: &[] };
