//! Content keys by key identifier, by track, and for all.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::Arc;

use softcp_cenc::KeyId;
use softcp_client::ContentKey;

use crate::key_text::{KeyText, KeyTextError, KidText, Owner};
use crate::licence::LicensedKeys;

/// The content keys that the user has, each with the KID by which files name it, with a track's number, or for everything.
///
/// The key of a KID comes before that of a track, and that before the one for everything. A KID that is not there is looked
/// for in the byte order of a GUID too, as `PlayReady` writes it: two KIDs are never the same but for that by chance.
#[derive(Clone, Debug, Default)]
pub struct KeyMap {
    kids: HashMap<KeyId, Arc<ContentKey>>,
    tracks: HashMap<u32, Arc<ContentKey>>,
    rest: Option<Arc<ContentKey>>,
    notes: Vec<String>,
}

impl KeyMap {
    /// No keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key. The same again changes nothing.
    ///
    /// # Errors
    ///
    /// [`KeyTextError::TwoKeys`] if there is another key with this KID, which stays.
    pub fn insert(&mut self, kid: KeyId, key: ContentKey) -> Result<(), KeyTextError> {
        add(&mut self.kids, kid, key).map_err(|()| KeyTextError::TwoKeys { owner: format!("KID {}", KidText(kid)) })
    }

    /// Adds a key written as `KID:KEY`, `TRACK:KEY` or `KEY`, the last for everything that has no key of its own.
    ///
    /// KID and KEY are 32 hexadecimal digits, with the dashes and braces of a GUID or after `0x` if they like, or 16 bytes in
    /// base64 or base64url. TRACK is a number in decimal digits. What was not plain digits is told in [`notes`](Self::notes).
    ///
    /// # Errors
    ///
    /// [`KeyTextError`] says which half is wrong, and repeats nothing of the key.
    pub fn insert_text(&mut self, text: &str) -> Result<(), KeyTextError> {
        let KeyText { owner, key, note } = KeyText::parse(text)?;
        match owner {
            Owner::Kid(kid) => self.insert(kid, key)?,
            Owner::Track(id) => {
                add(&mut self.tracks, id, key).map_err(|()| KeyTextError::TwoKeys { owner: format!("track {id}") })?;
            }
            Owner::Rest => match &self.rest {
                Some(old) if **old != key => {
                    return Err(KeyTextError::TwoKeys { owner: "everything without a key of its own".to_owned() });
                }
                _ => self.rest = Some(Arc::new(key)),
            },
        }
        self.notes.extend(note);
        Ok(())
    }

    /// How keys were read that were not given as plain digits, one sentence each. No key is in them.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The keys as they are for one track: that of the track takes the place of the one for everything.
    #[must_use]
    pub fn for_track(&self, track_id: u32) -> Self {
        let rest = self.tracks.get(&track_id).or(self.rest.as_ref()).cloned();
        Self { kids: self.kids.clone(), tracks: HashMap::new(), rest, notes: Vec::new() }
    }

    /// The key with this KID, or the one for everything.
    #[must_use]
    pub fn get(&self, kid: &KeyId) -> Option<&ContentKey> {
        let key = self.kids.get(kid).or_else(|| self.kids.get(&guid_order(kid)));
        key.or(self.rest.as_ref()).map(|key| &**key)
    }

    /// The KID under which the key of `kid` was given, if it was in the byte order of a GUID.
    #[must_use]
    pub fn given_in_guid_order(&self, kid: &KeyId) -> Option<KeyId> {
        let other = guid_order(kid);
        (!self.kids.contains_key(kid) && self.kids.contains_key(&other)).then_some(other)
    }

    /// The KIDs that keys were given for, in order.
    #[must_use]
    pub fn kids(&self) -> Vec<KeyId> {
        let mut kids: Vec<_> = self.kids.keys().copied().collect();
        kids.sort_unstable();
        kids
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kids.len() + self.tracks.len() + usize::from(self.rest.is_some())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Adds a key unless another one is there.
fn add<K: Eq + Hash>(keys: &mut HashMap<K, Arc<ContentKey>>, owner: K, key: ContentKey) -> Result<(), ()> {
    match keys.entry(owner) {
        Entry::Occupied(old) if **old.get() != key => Err(()),
        Entry::Occupied(_) => Ok(()),
        Entry::Vacant(place) => {
            place.insert(Arc::new(key));
            Ok(())
        }
    }
}

/// The KID with its first three fields in the other byte order: a GUID in memory has them with the least byte first.
fn guid_order(kid: &KeyId) -> KeyId {
    let mut other = *kid;
    other[..4].reverse();
    other[4..6].reverse();
    other[6..8].reverse();
    other
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

#[cfg(test)]
mod tests {
    use super::*;

    const KID: &str = "00112233445566778899aabbccddeeff";
    const KEY: &str = "000102030405060708090a0b0c0d0e0f";
    const OTHER: &str = "f00102030405060708090a0b0c0d0e0f";

    fn kid() -> KeyId {
        0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes()
    }

    fn key() -> ContentKey {
        let bytes: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        bytes.into()
    }

    fn map(texts: &[&str]) -> Result<KeyMap, KeyTextError> {
        let mut keys = KeyMap::new();
        texts.iter().try_for_each(|text| keys.insert_text(text))?;
        Ok(keys)
    }

    #[test]
    fn insert_text_kid_and_key_can_be_looked_up() {
        let keys = map(&[&format!("{KID}:{KEY}")]).unwrap();
        assert_eq!(keys.get(&kid()), Some(&key()));
        assert_eq!(keys.get(&[7; 16]), None);
        assert_eq!((keys.len(), keys.notes()), (1, &[][..]));
    }

    #[test]
    fn insert_text_same_key_twice_in_any_form_is_one_key() {
        let keys = map(&[
            &format!("{KID}:{KEY}"),
            &format!("00112233-4455-6677-8899-AABBCCDDEEFF:0x{KEY}"),
            "ABEiM0RVZneImaq7zN3u/w==:AAECAwQFBgcICQoLDA0ODw",
        ])
        .unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys.get(&kid()), Some(&key()));
    }

    #[test]
    fn insert_text_two_keys_for_one_kid_track_or_everything_name_it_and_keep_the_first() {
        for (owner, named) in [
            (format!("{KID}:"), format!("KID {KID}")),
            ("1:".to_owned(), "track 1".to_owned()),
            (String::new(), "everything".to_owned()),
        ] {
            let mut keys = map(&[&format!("{owner}{KEY}")]).unwrap();
            let error = keys.insert_text(&format!("{owner}{OTHER}")).unwrap_err();
            assert!(matches!(&error, KeyTextError::TwoKeys { owner } if owner.starts_with(&named)), "{error}");
            assert!(!error.to_string().contains(OTHER) && !error.to_string().contains(KEY));
            assert_eq!(keys.for_track(1).get(&kid()), Some(&key()), "{owner}");
        }
    }

    #[test]
    fn key_of_the_kid_comes_before_that_of_the_track_and_that_before_the_rest() {
        let all = [format!("{KID}:{KEY}"), format!("1:{OTHER}"), "11111111111111111111111111111111".to_owned()];
        let keys = map(&all.each_ref().map(String::as_str)).unwrap();
        let other = ContentKey::from(0xf001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes());
        assert_eq!(keys.for_track(1).get(&kid()), Some(&key()));
        assert_eq!(keys.for_track(1).get(&[7; 16]), Some(&other));
        assert_eq!(keys.for_track(2).get(&[7; 16]), Some(&ContentKey::from([0x11; 16])));
    }

    #[test]
    fn kid_in_the_byte_order_of_a_guid_is_found_and_told() {
        let keys = map(&[&format!("33221100-5544-7766-8899-aabbccddeeff:{KEY}")]).unwrap();
        assert_eq!(keys.get(&kid()), Some(&key()));
        let given = keys.given_in_guid_order(&kid()).map(|kid| KidText(kid).to_string());
        assert_eq!(given.as_deref(), Some("33221100554477668899aabbccddeeff"));
        assert_eq!(map(&[&format!("{KID}:{KEY}")]).unwrap().given_in_guid_order(&kid()), None);
    }
}
