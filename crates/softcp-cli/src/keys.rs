//! Content keys from the command line and from files, and licences.

use std::path::Path;

use softcp_player::{KeyMap, KeyTextError, Licence};

use crate::failure::Failure;

const FORM: &str = "give a key as KID:KEY, each of 32 hexadecimal digits; the KID may have dashes";

/// The keys of `--key` and `--key-file`; of two keys with the same KID the later counts, those of the file first.
pub(crate) fn read(keys: &[String], file: Option<&Path>) -> Result<KeyMap, Failure> {
    let mut map = KeyMap::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read the keys in", path, &error))?;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let place = || format!("{}, line {}", path.display(), index + 1);
                map.insert_text(line).map_err(|error| refused(&place(), &error))?;
            }
        }
        if map.is_empty() && keys.is_empty() {
            return Err(Failure::usage(format!("{} holds no keys", path.display()), FORM));
        }
    }
    for key in keys {
        map.insert_text(key).map_err(|error| refused("--key", &error))?;
    }
    Ok(map)
}

/// The licence of `--licence`.
pub(crate) fn licence(path: &Path) -> Result<Licence, Failure> {
    let json = std::fs::read(path).map_err(|error| Failure::io("read the licence", path, &error))?;
    Licence::parse(json).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path.display()),
            r#"a licence is {"keys": [{"kty": "oct", "kid": "…", "k": "…"}]}, kid and k being 16 bytes in base64url"#,
        )
    })
}

fn refused(place: &str, error: &KeyTextError) -> Failure {
    Failure::usage(format!("{place}: {error}"), FORM)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
mod tests {
    use super::*;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "000102030405060708090a0b0c0d0e0f";

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn file_with_comments_and_empty_lines_gives_its_keys() {
        let file = file(&format!("# mine\r\n\r\n  {KID}:{KEY}  \r\n"));
        assert_eq!(read(&[], Some(file.path())).unwrap().len(), 1);
    }

    #[test]
    fn bad_line_of_a_file_is_named_and_its_key_is_not() {
        let file = file(&format!("{KID}:{KEY}\n{KID}:feed\n"));
        let failure = read(&[], Some(file.path())).unwrap_err();
        assert!(failure.what.contains("line 2") && !failure.what.contains("feed"), "{}", failure.what);
    }

    #[test]
    fn licence_that_is_malformed_names_the_member_and_not_the_key() {
        let file = file(r#"{"keys": [{"kty": "oct", "kid": "AAAA", "k": "FmY0"}]}"#);
        let failure = licence(file.path()).unwrap_err();
        assert!(failure.what.contains("keys[0].kid") && !failure.what.contains("FmY0"), "{}", failure.what);
    }

    #[test]
    fn file_without_keys_is_refused() {
        assert!(read(&[], Some(file("# none\n").path())).is_err());
    }
}
