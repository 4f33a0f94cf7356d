//! Paths as text for people and for JSON, whatever bytes they have.

use std::path::{Path, PathBuf};

use serde::Serializer;

/// A path as text: what is not Unicode, and control characters, become U+FFFD.
#[must_use]
pub fn path_text(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Serializes a path as text, which never fails: bytes that are not Unicode become U+FFFD. Control characters stay: JSON
/// escapes them.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The same for a path that may be missing.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize_optional_path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serialize_path(path, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(path_text(Path::new("a\u{1b}[31m\nb")), "a\u{fffd}[31m\u{fffd}b");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_unicode_are_replaced() {
        use std::os::unix::ffi::OsStrExt as _;
        assert_eq!(path_text(Path::new(std::ffi::OsStr::from_bytes(b"a\xffb"))), "a\u{fffd}b");
    }
}
