//! Sealed key blobs; the layout is drawn in the module above.

use zeroize::Zeroizing;

use super::keys::Kid;
use crate::key::{ContentKey, KEY_SIZE};
use crate::provider::{AEAD_NONCE_SIZE, AeadKey};

/// Bytes of the secret.
pub(super) const SECRET_SIZE: usize = 32;
/// Bytes of a blob.
pub(super) const SIZE: usize = TAG + 16;

const MAGIC: [u8; 4] = *b"SCK1";
const NONCE: usize = MAGIC.len() + 16;
const KEY: usize = NONCE + AEAD_NONCE_SIZE;
const TAG: usize = KEY + KEY_SIZE;

/// What blobs are sealed under. Dropping it makes them all useless.
pub(super) struct Secret {
    key: Box<dyn AeadKey>,
    /// Blobs sealed so far.
    sealed: u64,
}

impl Secret {
    pub(super) fn new(key: Box<dyn AeadKey>) -> Self {
        Self { key, sealed: 0 }
    }

    /// A new blob that holds `key` for `kid`.
    pub(super) fn seal(&mut self, kid: Kid, key: &ContentKey) -> [u8; SIZE] {
        let mut blob = [0; SIZE];
        blob[..4].copy_from_slice(&MAGIC);
        blob[4..NONCE].copy_from_slice(&kid.0);
        let mut nonce = [0; AEAD_NONCE_SIZE];
        nonce[4..].copy_from_slice(&self.sealed.to_be_bytes());
        blob[NONCE..KEY].copy_from_slice(&nonce);
        // 2^64 blobs cannot be made, so no nonce is used twice.
        self.sealed += 1;
        let mut data = Zeroizing::new(*key.bytes());
        let tag = self.key.seal(&nonce, &blob[..NONCE], data.as_mut_slice());
        blob[KEY..TAG].copy_from_slice(data.as_slice());
        blob[TAG..].copy_from_slice(&tag);
        blob
    }

    /// What a blob sealed under this secret holds; none for any other bytes.
    pub(super) fn open(&self, blob: &[u8]) -> Option<(Kid, ContentKey)> {
        let blob: &[u8; SIZE] = blob.try_into().ok()?;
        let part = "the parts lie inside";
        let nonce = blob[NONCE..KEY].try_into().expect(part);
        let tag = blob[TAG..].try_into().expect(part);
        let mut data: Zeroizing<[u8; KEY_SIZE]> = Zeroizing::new(blob[KEY..TAG].try_into().expect(part));
        if blob[..4] != MAGIC {
            return None;
        }
        self.key.open(nonce, &blob[..NONCE], data.as_mut_slice(), tag).ok()?;
        Some((Kid(blob[4..NONCE].try_into().expect(part)), ContentKey::new(*data)))
    }
}
