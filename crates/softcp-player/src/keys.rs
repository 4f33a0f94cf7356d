//! Content keys by key identifier.

use std::collections::HashMap;
use std::fmt;

use softcp_cenc::KeyId;
use softcp_client::{ContentKey, KEY_SIZE};

use crate::licence::LicensedKeys;

/// The content keys that the user has, each with the KID by which files name it.
#[derive(Debug, Default)]
pub struct KeyMap {
    keys: HashMap<KeyId, ContentKey>,
}

impl KeyMap {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; a second one with the same KID replaces the first.
    pub fn insert(&mut self, kid: KeyId, key: ContentKey) {
        self.keys.insert(kid, key);
    }

    /// Adds a key written as `KID:KEY`, each of 32 hexadecimal digits; the KID may have the dashes of a UUID.
    ///
    /// # Errors
    ///
    /// [`KeyTextError`] says which half is wrong, and repeats nothing of the key.
    pub fn insert_text(&mut self, text: &str) -> Result<(), KeyTextError> {
        let (kid, key) = text.split_once(':').ok_or(KeyTextError::NoColon)?;
        let kid = parse_hex(&kid.replace('-', "")).ok_or_else(|| KeyTextError::BadKid { kid: kid.to_owned() })?;
        let key = parse_hex(key).ok_or(KeyTextError::BadKey { digits: key.chars().count() })?;
        self.insert(kid, key.into());
        Ok(())
    }

    /// The key with this KID.
    #[must_use]
    pub fn get(&self, kid: &KeyId) -> Option<&ContentKey> {
        self.keys.get(kid)
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Where the content keys of a path come from.
#[derive(Clone, Copy, Debug)]
pub enum ContentKeys<'a> {
    /// The application has them, and wraps them with the session key.
    Given(&'a KeyMap),
    /// The driver's secure environment has them from a licence, and seals them.
    Licensed(&'a LicensedKeys),
}

impl ContentKeys<'_> {
    /// Whether there is a key with this KID.
    #[must_use]
    pub fn contains(&self, kid: &KeyId) -> bool {
        match self {
            Self::Given(keys) => keys.get(kid).is_some(),
            Self::Licensed(keys) => keys.contains(kid),
        }
    }
}

impl<'a> From<&'a KeyMap> for ContentKeys<'a> {
    fn from(keys: &'a KeyMap) -> Self {
        Self::Given(keys)
    }
}

impl<'a> From<&'a LicensedKeys> for ContentKeys<'a> {
    fn from(keys: &'a LicensedKeys) -> Self {
        Self::Licensed(keys)
    }
}

/// Writes a KID as the 32 hexadecimal digits that [`KeyMap::insert_text`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KidText(pub KeyId);

impl fmt::Display for KidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a key is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// There are no two halves.
    #[error("a key is given as KID:KEY, with a colon between")]
    NoColon,
    /// The first half is no KID.
    #[error("the KID {kid:?} is not 32 hexadecimal digits")]
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

#[cfg(test)]
mod tests {
    use super::*;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn insert_text_kid_and_key_can_be_looked_up() {
        let mut keys = KeyMap::new();
        keys.insert_text(&format!("{KID}:{KEY}")).unwrap();
        let kid = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes();
        let key: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert_eq!(keys.get(&kid), Some(&ContentKey::from(key)));
        assert_eq!(KidText(kid).to_string(), KID);
    }

    #[test]
    fn insert_text_kid_as_uuid_is_the_same_kid() {
        let mut keys = KeyMap::new();
        keys.insert_text(&format!("{KID}:{KEY}")).unwrap();
        keys.insert_text(&format!("00112233-4455-6677-8899-AABBCCDDEEFF:{KEY}")).unwrap();
        assert_eq!(keys.len(), 1);
    }

    #[test]
    fn insert_text_without_colon_is_refused() {
        assert_eq!(KeyMap::new().insert_text(KID), Err(KeyTextError::NoColon));
    }

    #[test]
    fn insert_text_short_kid_names_it() {
        let error = KeyMap::new().insert_text(&format!("0011:{KEY}")).unwrap_err();
        assert_eq!(error, KeyTextError::BadKid { kid: "0011".to_owned() });
    }

    #[test]
    fn insert_text_bad_key_does_not_repeat_it() {
        for key in ["00010203", "000102030405060708090a0b0c0d0e0g", "+00102030405060708090a0b0c0d0e0f"] {
            let error = KeyMap::new().insert_text(&format!("{KID}:{key}")).unwrap_err();
            assert_eq!(error, KeyTextError::BadKey { digits: key.len() });
            assert!(!error.to_string().contains(key));
        }
    }
}
