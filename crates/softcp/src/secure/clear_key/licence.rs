//! Clear key licences: a JSON Web Key set ("Encrypted Media Extensions", section 9.1.4; RFC 7517).

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use softcp_abi::HRESULT;
use zeroize::Zeroizing;

use super::keys::Kid;
use super::{MAX_KEYS, MAX_LICENCE_SIZE, status};
use crate::key::{ContentKey, KEY_SIZE};

/// Bytes that the decoder asks for to decode the 22 characters of 16 bytes.
const DECODED_SIZE: usize = 18;

/// A licence that is all right.
pub(super) struct Licence {
    pub(super) kind: Kind,
    /// At least one key, each KID once, in the licence's order. Boxed once and for all, so that moves copy no key.
    pub(super) keys: Vec<(Kid, Box<ContentKey>)>,
}

/// How long a licence is meant to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
pub(super) enum Kind {
    #[default]
    #[serde(rename = "temporary")]
    Temporary,
    /// Earlier drafts said `persistent`.
    #[serde(rename = "persistent-license", alias = "persistent")]
    Persistent,
}

impl Kind {
    /// The number in the answer to `LOAD_LICENCE`.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Temporary => 0,
            Self::Persistent => 1,
        }
    }
}

/// The JSON. Strings are borrowed from it, so that no key is copied; a string with escapes cannot be borrowed and fails.
#[derive(serde::Deserialize)]
struct KeySet<'a> {
    #[serde(borrow)]
    keys: Vec<Object<Key<'a>>>,
    #[serde(default, rename = "type")]
    kind: Kind,
}

#[derive(serde::Deserialize)]
struct Key<'a> {
    kty: &'a str,
    kid: &'a str,
    k: &'a str,
}

/// A JSON object. A derived structure alone would also be read from an array of its members.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

impl Licence {
    /// Reads a licence. The status says only that it is none: a text about it could show a key.
    pub(super) fn parse(json: &[u8]) -> Result<Self, HRESULT> {
        if json.len() > MAX_LICENCE_SIZE {
            return Err(status::BAD_LICENCE);
        }
        // All of it: strings that are passed over would not be looked at.
        let json = str::from_utf8(json).map_err(|_| status::BAD_LICENCE)?;
        let Object(set): Object<KeySet<'_>> = serde_json::from_str(json).map_err(|_| status::BAD_LICENCE)?;
        if set.keys.len() > MAX_KEYS {
            return Err(status::TOO_MANY_KEYS);
        }
        let keys =
            set.keys.iter().map(|Object(key)| key.decode()).collect::<Option<Vec<_>>>().ok_or(status::BAD_LICENCE)?;
        let kids: HashSet<Kid> = keys.iter().map(|(kid, _)| *kid).collect();
        if keys.is_empty() || kids.len() < keys.len() {
            return Err(status::BAD_LICENCE);
        }
        Ok(Self { kind: set.kind, keys })
    }
}

impl Key<'_> {
    /// The key in the clear; none if it is no symmetric key of 16 bytes with a KID of 16 bytes.
    fn decode(&self) -> Option<(Kid, Box<ContentKey>)> {
        let kid = decode(self.kid).filter(|_| self.kty == "oct")?;
        Some((Kid(*kid), Box::new(ContentKey::new(*decode(self.k)?))))
    }
}

/// 16 bytes of base64url without padding.
fn decode(text: &str) -> Option<Zeroizing<[u8; KEY_SIZE]>> {
    let mut decoded = Zeroizing::new([0; DECODED_SIZE]);
    if URL_SAFE_NO_PAD.decode_slice(text, decoded.as_mut_slice()) != Ok(KEY_SIZE) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; KEY_SIZE]);
    bytes.copy_from_slice(&decoded[..KEY_SIZE]);
    Some(bytes)
}
