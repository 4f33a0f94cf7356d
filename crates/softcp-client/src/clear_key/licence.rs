//! Clear key licences as an application reads them: to say what is wrong with one before a driver has to.

use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::keys::KEY_SIZE;

/// Characters of 16 bytes in base64url without padding.
const CHARACTERS: usize = 22;
/// Bytes that the decoder asks for to decode that many characters.
const DECODED_SIZE: usize = 18;

/// A licence: a JSON Web Key set, as "Encrypted Media Extensions", section 9.1.4, has it (RFC 7517).
///
/// It holds keys in the clear. The JSON is zeroized when the value is dropped, and is never printed.
#[derive(Clone)]
pub struct Licence {
    json: Zeroizing<Vec<u8>>,
    kind: LicenceKind,
    kids: Vec<[u8; KEY_SIZE]>,
}

/// How long a licence is meant to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LicenceKind {
    /// `temporary`, which is also meant when a licence says nothing.
    Temporary,
    /// `persistent-license`.
    Persistent,
}

/// What is wrong with a licence. Repeats nothing of it but the names of members, since it holds keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LicenceError {
    /// It is not a JSON object, which is UTF-8 throughout; or a member is in it twice.
    #[error("it is no JSON object, or has a member twice (line {line}, column {column})")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 at the end of the line before.
        column: usize,
    },
    /// A member is missing.
    #[error("{member} is missing")]
    Missing {
        /// The member, as `keys[0].kid`.
        member: String,
    },
    /// A member is not of its form.
    #[error("{member} {form}")]
    Malformed {
        /// The member, as `keys[0].kid`.
        member: String,
        /// What it should be, as "is no string".
        form: &'static str,
    },
    /// There are no keys.
    #[error("keys is empty")]
    NoKeys,
    /// A KID is there twice.
    #[error("keys[{second}].kid is that of keys[{first}] again")]
    SameKid {
        /// Index of the first key.
        first: usize,
        /// Index of the second one.
        second: usize,
    },
}

/// The members that count; others are ignored.
#[derive(Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "type", deserialize_with = "even_null")]
    kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(borrow)]
    kty: Option<&'a RawValue>,
    #[serde(borrow)]
    kid: Option<&'a RawValue>,
    #[serde(borrow)]
    k: Option<&'a RawValue>,
}

impl Licence {
    /// Reads a licence.
    ///
    /// # Errors
    ///
    /// [`LicenceError`] names the member.
    pub fn parse(json: impl Into<Vec<u8>>) -> Result<Self, LicenceError> {
        let json = Zeroizing::new(json.into());
        let set: KeySet<'_> = serde_json::from_str(text(&json)?)
            .map_err(|error| LicenceError::NotJson { line: error.line(), column: error.column() })?;
        // An array of the members' values would do for serde.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(LicenceError::NotJson { line: 1, column: 1 });
        }
        let keys = set.keys.ok_or_else(|| LicenceError::Missing { member: "keys".to_owned() })?;
        let keys: Vec<&RawValue> = serde_json::from_str(keys.get())
            .map_err(|_| LicenceError::Malformed { member: "keys".to_owned(), form: "is no array" })?;
        let kids: Vec<_> = keys.iter().enumerate().map(|(index, key)| kid_of(index, key)).collect::<Result<_, _>>()?;
        check_kids(&kids)?;
        let kind = match set.kind.map(|kind| string("type", kind)).transpose()? {
            None | Some("temporary") => LicenceKind::Temporary,
            // Earlier drafts said `persistent`.
            Some("persistent-license" | "persistent") => LicenceKind::Persistent,
            Some(_) => {
                let form = "is neither temporary nor persistent-license";
                return Err(LicenceError::Malformed { member: "type".to_owned(), form });
            }
        };
        Ok(Self { json, kind, kids })
    }

    /// The JSON, which holds keys.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// How long the licence is meant to last.
    #[must_use]
    pub fn kind(&self) -> LicenceKind {
        self.kind
    }

    /// Its KIDs, in its order. At least one, each once.
    #[must_use]
    pub fn kids(&self) -> &[[u8; KEY_SIZE]] {
        &self.kids
    }
}

impl fmt::Debug for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Licence").field("kind", &self.kind).field("kids", &self.kids).finish_non_exhaustive()
    }
}

impl LicenceKind {
    /// The kind of a number in an answer to `LOAD_LICENCE`; `None` for one that means nothing.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Temporary),
            1 => Some(Self::Persistent),
            _ => None,
        }
    }
}

/// The whole licence as text: strings that are passed over would not be looked at.
fn text(json: &[u8]) -> Result<&str, LicenceError> {
    str::from_utf8(json).map_err(|error| {
        let good = &json[..error.valid_up_to()];
        let line = good.split(|&byte| byte == b'\n').count();
        let column = 1 + good.iter().rev().take_while(|&&byte| byte != b'\n').count();
        LicenceError::NotJson { line, column }
    })
}

/// A member that is there, whatever it is: as an `Option` by itself, `null` would be read as its absence.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Checks one key, and gives its KID.
fn kid_of(index: usize, key: &RawValue) -> Result<[u8; KEY_SIZE], LicenceError> {
    let place = format!("keys[{index}]");
    let is_object = key.get().starts_with('{'); // an array of the members' values would do for serde
    let key: Key<'_> = serde_json::from_str(key.get()).ok().filter(|_| is_object).ok_or_else(|| {
        LicenceError::Malformed { member: place.clone(), form: "is no object, or has a member twice" }
    })?;
    let kty = format!("{place}.kty");
    if present(&kty, key.kty)? != "oct" {
        return Err(LicenceError::Malformed { member: kty, form: "is not oct" });
    }
    let kid = decode(&format!("{place}.kid"), key.kid)?;
    // Only looked at: the environment has it from the JSON.
    drop(decode(&format!("{place}.k"), key.k)?);
    Ok(*kid)
}

/// The text of a member that must be there.
fn present<'a>(member: &str, value: Option<&'a RawValue>) -> Result<&'a str, LicenceError> {
    string(member, value.ok_or_else(|| LicenceError::Missing { member: member.to_owned() })?)
}

/// The text of a member that is a string. One with escapes is none here: the environment takes none.
fn string<'a>(member: &str, value: &'a RawValue) -> Result<&'a str, LicenceError> {
    let form = "is no string without escapes";
    serde_json::from_str(value.get()).map_err(|_| LicenceError::Malformed { member: member.to_owned(), form })
}

fn check_kids(kids: &[[u8; KEY_SIZE]]) -> Result<(), LicenceError> {
    if kids.is_empty() {
        return Err(LicenceError::NoKeys);
    }
    let mut seen = HashSet::new();
    let Some(second) = kids.iter().position(|kid| !seen.insert(kid)) else { return Ok(()) };
    let first = kids.iter().position(|kid| *kid == kids[second]).expect("it has been seen");
    Err(LicenceError::SameKid { first, second })
}

/// 16 bytes of base64url without padding.
fn decode(member: &str, value: Option<&RawValue>) -> Result<Zeroizing<[u8; KEY_SIZE]>, LicenceError> {
    let text = present(member, value)?;
    let mut decoded = Zeroizing::new([0; DECODED_SIZE]);
    if text.len() != CHARACTERS || URL_SAFE_NO_PAD.decode_slice(text, decoded.as_mut_slice()) != Ok(KEY_SIZE) {
        let form = "is not 16 bytes in base64url without padding";
        return Err(LicenceError::Malformed { member: member.to_owned(), form });
    }
    let mut bytes = Zeroizing::new([0; KEY_SIZE]);
    bytes.copy_from_slice(&decoded[..KEY_SIZE]);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: &str = "FmY0xnWCPCNaSpRG-tUuTQ";

    fn key(kid: &str, k: &str) -> String {
        format!(r#"{{"kty": "oct", "kid": "{kid}", "k": "{k}", "alg": "A128KW"}}"#)
    }

    fn message(json: &str) -> String {
        Licence::parse(json).unwrap_err().to_string()
    }

    #[test]
    fn licence_of_the_specification_gives_its_kids() {
        let json =
            format!(r#"{{"keys": [{}], "type": "persistent-license", "more": 1}}"#, key("LwVHf8JLtPrv2GUXFW2v_A", K));
        let licence = Licence::parse(json.as_bytes()).unwrap();
        assert_eq!(licence.kids(), [0x2f05_477f_c24b_b4fa_efd8_6517_156d_affc_u128.to_be_bytes()]);
        assert_eq!(licence.kind(), LicenceKind::Persistent);
        assert_eq!(licence.json(), json.as_bytes());
        assert!(!format!("{licence:?}").contains("FmY0"));
    }

    #[test]
    fn type_is_temporary_unless_it_says_otherwise() {
        let with = |more: &str| {
            Licence::parse(format!(r#"{{"keys": [{}]{more}}}"#, key("AAAAAAAAAAAAAAAAAAAAAA", K))).map(|it| it.kind())
        };
        assert_eq!(with(""), Ok(LicenceKind::Temporary));
        assert_eq!(with(r#", "type": "temporary""#), Ok(LicenceKind::Temporary));
        assert_eq!(with(r#", "type": "persistent""#), Ok(LicenceKind::Persistent));
        assert_eq!(
            with(r#", "type": "x""#).unwrap_err().to_string(),
            "type is neither temporary nor persistent-license"
        );
        for other in ["1", "null"] {
            let error = with(&format!(r#", "type": {other}"#)).unwrap_err();
            assert_eq!(error.to_string(), "type is no string without escapes");
        }
    }

    #[test]
    fn malformed_licence_names_the_member_and_shows_no_key() {
        let good = key("AAAAAAAAAAAAAAAAAAAAAA", K);
        let second = |key: &str| message(&format!(r#"{{"keys": [{good}, {key}]}}"#));
        let base64 = "is not 16 bytes in base64url without padding";
        assert_eq!(message("{}"), "keys is missing");
        assert_eq!(message(r#"{"keys": "FmY0"}"#), "keys is no array");
        assert_eq!(message(r#"{"keys": []}"#), "keys is empty");
        assert_eq!(second("3"), "keys[1] is no object, or has a member twice");
        let array = format!(r#"["oct", "AQAAAAAAAAAAAAAAAAAAAA", "{K}"]"#);
        assert_eq!(second(&array), "keys[1] is no object, or has a member twice");
        assert!(message(&format!(r#" [[{good}], "temporary"]"#)).starts_with("it is no JSON object"));
        assert_eq!(second(r#"{"kty": "oct", "k": "a", "k": "b"}"#), "keys[1] is no object, or has a member twice");
        assert_eq!(second(r#"{"kid": "a", "k": "b"}"#), "keys[1].kty is missing");
        assert_eq!(second(r#"{"kty": "RSA"}"#), "keys[1].kty is not oct");
        assert_eq!(second(&format!(r#"{{"kty": "oct", "k": "{K}"}}"#)), "keys[1].kid is missing");
        assert_eq!(second(r#"{"kty": "oct", "kid": "AAAAAAAAAAAAAAAAAAAAAA"}"#), "keys[1].k is missing");
        assert_eq!(second(&key("AA", K)), format!("keys[1].kid {base64}"));
        assert_eq!(second(&key("AQAAAAAAAAAAAAAAAAAAAA", "AA")), format!("keys[1].k {base64}"));
        assert_eq!(second(&key("AQAAAAAAAAAAAAAAAAAAAA", &format!("{K}=="))), format!("keys[1].k {base64}"));
        assert_eq!(
            second(&key("AQAAAAAAAAAAAAAAAAAAAA", r"\u0041AAAAAAAAAAAAAAAAAAAAA")),
            "keys[1].k is no string without escapes"
        );
        assert_eq!(second(&good), "keys[1].kid is that of keys[0] again");
    }

    #[test]
    fn text_that_is_no_json_says_where() {
        assert_eq!(message("{\n  \"keys\": FmY0"), "it is no JSON object, or has a member twice (line 2, column 11)");
        assert!(message("").starts_with("it is no JSON object"));
        assert!(message(r#"{"keys": [], "keys": []}"#).starts_with("it is no JSON object, or has a member twice"));
        assert!(!message("[\"FmY0\"]").contains("FmY0"));
        let passed_over = Licence::parse(*b"{\n \"more\": \"\xff\"}").unwrap_err();
        assert_eq!(passed_over, LicenceError::NotJson { line: 2, column: 11 });
    }
}
