//! Content keys from the command line and from files, and licences.

use std::path::Path;

use softcp_files::{path_text, read_input};
use softcp_player::{KeyMap, KeyTextError, Licence};

use crate::failure::Failure;

const FORM: &str = "give a key as KID:KEY, TRACK:KEY or KEY; KID and KEY are 32 hexadecimal digits, a GUID, or base64";

/// More than any file of keys, or licence, has.
const LIMIT: u64 = 16 << 20;

/// The keys of `--key` and `--key-file`. The same key twice is one; two for one KID are an error.
pub(crate) fn read(keys: &[String], file: Option<&Path>) -> Result<KeyMap, Failure> {
    let mut map = KeyMap::new();
    if let Some(path) = file {
        let bytes = read_input(path, LIMIT).map_err(|error| Failure::input("read the keys in", &error))?;
        let text = text(&bytes)
            .ok_or_else(|| Failure::usage(format!("{} is no text: it cannot hold keys", path_text(path)), FORM))?;
        for (index, line) in text.lines().enumerate() {
            // Neither a KID nor a key has this sign in it.
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let place = || format!("{}, line {}", path_text(path), index + 1);
                map.insert_text(line).map_err(|error| refused(&place(), &error))?;
            }
        }
        if map.is_empty() && keys.is_empty() {
            return Err(Failure::usage(format!("{} holds no keys", path_text(path)), FORM));
        }
    }
    for key in keys {
        map.insert_text(key).map_err(|error| refused("--key", &error))?;
    }
    Ok(map)
}

/// The text of a file that may begin with a byte order mark, as editors of Windows write it: UTF-8 or UTF-16.
fn text(bytes: &[u8]) -> Option<String> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, []) = bytes.as_chunks::<2>() else { return None };
        String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok()
    };
    match bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) {
        [0xff, 0xfe, text @ ..] => units(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => units(text, u16::from_be_bytes),
        text => str::from_utf8(text).ok().map(str::to_owned),
    }
}

/// The licence of `--licence`.
pub(crate) fn licence(path: &Path) -> Result<Licence, Failure> {
    let json = read_input(path, LIMIT).map_err(|error| Failure::input("read the licence", &error))?;
    Licence::parse(json).map_err(|error| {
        Failure::usage(
            format!("{}: {error}", path_text(path)),
            r#"a licence is {"keys": [{"kty": "oct", "kid": "…", "k": "…"}]}, kid and k being 16 bytes in base64url"#,
        )
    })
}

fn refused(place: &str, error: &KeyTextError) -> Failure {
    let help = match error {
        KeyTextError::TwoKeys { .. } => "leave one of them out",
        _ => FORM,
    };
    Failure::usage(format!("{place}: {error}"), help)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
mod tests {
    use super::*;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "000102030405060708090a0b0c0d0e0f";

    fn file(text: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn file_with_comments_and_empty_lines_gives_its_keys() {
        let file = file(format!("# mine\r\n\r\n  {KID}:{KEY}  \r\n"));
        assert_eq!(read(&[], Some(file.path())).unwrap().len(), 1);
    }

    #[test]
    fn file_of_any_editor_gives_its_keys() {
        let text = format!("\u{feff}# mine\r\n{KID}:{KEY} # the film\r\n");
        let units: Vec<_> = text.encode_utf16().collect();
        let little: Vec<_> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<_> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for bytes in [text.into_bytes(), little, big] {
            assert_eq!(read(&[], Some(file(bytes).path())).unwrap().len(), 1);
        }
        assert!(read(&[], Some(file([0xff, 0xfe, 0x00]).path())).unwrap_err().what.contains("no text"));
    }

    #[test]
    fn two_keys_for_one_kid_are_refused_across_file_and_options_and_equal_ones_are_not() {
        let other = format!("{KID}:f{}", &KEY[1..]);
        let same = format!("{KID}:{KEY}");
        let with = file(&same);
        let failure = read(std::slice::from_ref(&other), Some(with.path())).unwrap_err();
        assert_eq!(failure.exit, crate::failure::Exit::Usage);
        assert!(failure.what.contains(KID) && !failure.what.contains(KEY), "{}", failure.what);
        assert!(read(&[same.clone(), other], None).unwrap_err().what.contains(KID));
        assert_eq!(read(&[same], Some(with.path())).unwrap().len(), 1);
    }

    #[test]
    fn bad_line_of_a_file_is_named_and_its_key_is_not() {
        let file = file(format!("{KID}:{KEY}\n{KID}:feed\n"));
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
