//! Keys and key identifiers as people and other programs write them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use softcp_cenc::KeyId;
use softcp_client::{ContentKey, KEY_SIZE};

/// Writes a KID as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KidText(pub KeyId);

impl fmt::Display for KidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a key is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// There is no colon, and it is no key.
    #[error("{chars} characters without a colon are not a key: a key is KID:KEY, TRACK:KEY or KEY")]
    NoColon {
        /// Its length.
        chars: usize,
    },
    /// The first half is neither a KID nor the number of a track.
    #[error("{kid:?} is neither a KID, which is 32 hexadecimal digits, nor the number of a track")]
    BadKid {
        /// The first half.
        kid: String,
    },
    /// The second half is no key.
    #[error("the key after the colon, of {digits} characters, is not 32 hexadecimal digits")]
    BadKey {
        /// Its length.
        digits: usize,
    },
    /// Another key has been given for the same.
    #[error("two different keys are given for {owner}")]
    TwoKeys {
        /// What it is for, such as `KID 00112233445566778899aabbccddeeff`.
        owner: String,
    },
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Kid(KeyId),
    Track(u32),
    Rest,
}

/// A key as it was written.
#[derive(Debug)]
pub(crate) struct KeyText {
    pub(crate) owner: Owner,
    pub(crate) key: ContentKey,
    /// How it was read, where that is not plain.
    pub(crate) note: Option<String>,
}

impl KeyText {
    /// Reads `KID:KEY`, `TRACK:KEY` or `KEY`.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyTextError> {
        let text = text.trim();
        let Some((owner, key)) = text.split_once(':') else {
            let (key, form) = parse(text).ok_or_else(|| KeyTextError::NoColon { chars: text.chars().count() })?;
            let note = form.name().map(|form| format!("The key for everything was read as {form}."));
            return Ok(Self { owner: Owner::Rest, key: key.into(), note });
        };
        let (owner, key) = (owner.trim(), key.trim());
        let (owner, owner_form) = match parse(owner) {
            Some((kid, form)) => (Owner::Kid(kid), form),
            None => (Owner::Track(track(owner).ok_or_else(|| bad_kid(owner))?), Form::Digits),
        };
        let (key, key_form) = parse(key).ok_or_else(|| KeyTextError::BadKey { digits: key.chars().count() })?;
        let name = match owner {
            Owner::Kid(kid) => format!("KID {}", KidText(kid)),
            Owner::Track(id) => format!("track {id}"),
            Owner::Rest => String::new(),
        };
        let note = match (owner_form.name(), key_form.name()) {
            (None, None) => None,
            (Some(kid), None) => Some(format!("{name} was read as {kid}.")),
            (None, Some(key)) => Some(format!("The key of {name} was read as {key}.")),
            (Some(kid), Some(key)) if kid == key => Some(format!("{name} and its key were read as {kid}.")),
            (Some(kid), Some(key)) => Some(format!("{name} was read as {kid}, and its key as {key}.")),
        };
        Ok(Self { owner, key: key.into(), note })
    }
}

fn bad_kid(owner: &str) -> KeyTextError {
    KeyTextError::BadKid { kid: owner.to_owned() }
}

/// The number of a track.
fn track(text: &str) -> Option<u32> {
    let is_number = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok().filter(|id| *id != 0) } else { None }
}

/// How 16 bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Digits,
    Prefixed,
    Guid,
    Base64,
}

impl Form {
    /// Its name, unless it needs none.
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Digits => None,
            Self::Prefixed => Some("hexadecimal digits after 0x"),
            Self::Guid => Some("a GUID, its digits in the order in which they stand"),
            Self::Base64 => Some("base64"),
        }
    }
}

/// 16 bytes in any of the forms. Each form has its own lengths, so that none can be taken for another.
fn parse(text: &str) -> Option<([u8; KEY_SIZE], Form)> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return Some((parse_hex(digits)?, Form::Prefixed));
    }
    let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    match bare.len() {
        32 => Some((parse_hex(bare)?, Form::Digits)),
        36 => Some((parse_hex(&bare.replace('-', ""))?, Form::Guid)),
        22..=24 => parse_base64(bare).map(|bytes| (bytes, Form::Base64)),
        _ => None,
    }
}

fn parse_hex(text: &str) -> Option<[u8; KEY_SIZE]> {
    let mut bytes = [0; KEY_SIZE];
    let digits = text.as_bytes();
    if digits.len() != 2 * KEY_SIZE {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        for &digit in pair {
            let value = char::from(digit).to_digit(16)?;
            *byte = *byte << 4 | u8::try_from(value).ok()?;
        }
    }
    Some(bytes)
}

/// Base64 or base64url, with padding or without.
fn parse_base64(text: &str) -> Option<[u8; KEY_SIZE]> {
    let text = text.strip_suffix("==").unwrap_or(text).replace('-', "+").replace('_', "/");
    // One byte more, so that a longer text does not fit by chance.
    let mut bytes = [0; KEY_SIZE + 2];
    let len = STANDARD_NO_PAD.decode_slice(&text, &mut bytes).ok()?;
    if len == KEY_SIZE { bytes[..KEY_SIZE].try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "fbfefd02030405060708090a0b0c0dff";

    fn read(text: &str) -> KeyText {
        KeyText::parse(text).unwrap()
    }

    #[test]
    fn every_form_is_the_same_key_and_told_unless_plain() {
        let plain = read(&format!("{KID}:{KEY}"));
        assert_eq!(plain.note, None);
        for (text, told) in [
            (format!("{KID}:0X{KEY}"), "after 0x"),
            (format!("0x{KID}:{KEY}"), "after 0x"),
            (format!("00112233-4455-6677-8899-aabbccddeeff:{KEY}"), "GUID"),
            (format!("{{00112233-4455-6677-8899-AABBCCDDEEFF}}:{KEY}"), "GUID"),
            ("ABEiM0RVZneImaq7zN3u/w==:+/79AgMEBQYHCAkKCwwN/w==".to_owned(), "base64"),
            ("ABEiM0RVZneImaq7zN3u_w:-_79AgMEBQYHCAkKCwwN_w".to_owned(), "base64"),
        ] {
            let read = read(&text);
            assert_eq!((read.owner, &read.key), (plain.owner, &plain.key), "{text}");
            let note = read.note.unwrap();
            assert!(note.contains(told) && !note.contains(KEY), "{note}");
        }
    }

    #[test]
    fn number_before_the_colon_is_a_track_and_a_key_alone_is_for_everything() {
        assert_eq!(read(&format!("12:{KEY}")).owner, Owner::Track(12));
        assert_eq!(read(KEY).owner, Owner::Rest);
        // 32 decimal digits are a KID.
        assert!(matches!(read(&format!("{}:{KEY}", "1".repeat(32))).owner, Owner::Kid(_)));
    }

    #[test]
    fn text_without_colon_that_is_no_key_is_refused_and_not_repeated() {
        let error = KeyText::parse("nonsense").unwrap_err();
        assert_eq!(error, KeyTextError::NoColon { chars: 8 });
        assert!(!error.to_string().contains("nonsense"));
    }

    #[test]
    fn bad_owner_is_named() {
        for owner in ["0", "", "-1", "00112z", "99999999999", "ABEiM0RVZneImaq7zN3u*w"] {
            let error = KeyText::parse(&format!("{owner}:{KEY}")).unwrap_err();
            assert_eq!(error, KeyTextError::BadKid { kid: owner.to_owned() });
        }
        // Leading zeros are allowed in a number.
        assert_eq!(read(&format!("0011:{KEY}")).owner, Owner::Track(11));
    }

    #[test]
    fn bad_key_is_not_repeated() {
        let wrong = [
            "00010203",
            "000102030405060708090a0b0c0d0e0g",
            "+00102030405060708090a0b0c0d0e0f",
            "0x00010203",
            "ABEiM0RVZneImaq7zN3u/w=",
            "ABEiM0RVZneImaq7zN3u/x",
            "ABEiM0RVZneImaq7zN3u_wAA",
            "é0102030405060708090a0b0c0d0e0f",
        ];
        for key in wrong {
            let error = KeyText::parse(&format!("{KID}:{key}")).unwrap_err();
            assert_eq!(error, KeyTextError::BadKey { digits: key.chars().count() }, "{key}");
            assert!(!error.to_string().contains(key));
        }
    }
}
