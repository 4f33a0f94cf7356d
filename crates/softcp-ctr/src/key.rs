//! AES-128 keys.

use core::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use zeroize::ZeroizeOnDrop;

use crate::BLOCK;

/// An expanded AES-128 key: the encryption schedule of FIPS 197.
///
/// Its bytes are overwritten when it is dropped and are never printed.
#[derive(Clone)]
pub struct Key {
    schedule: Aes128Enc,
}

impl Key {
    /// Expands a 16-byte key.
    ///
    /// The caller's copy of the bytes stays as it is: overwriting it is the caller's business.
    #[must_use]
    pub fn new(bytes: &[u8; BLOCK]) -> Self {
        Self { schedule: Aes128Enc::new(bytes.into()) }
    }

    /// Enciphers one block in place (AES-128, FIPS 197 section 5.1; one block of ECB mode).
    pub fn encrypt_block(&self, block: &mut [u8; BLOCK]) {
        self.schedule.encrypt_block(block.into());
    }

    /// Deciphers one block in place (AES-128, FIPS 197 section 5.3; one block of ECB mode).
    ///
    /// The decryption schedule is derived at each call: only key unwrapping needs it, one block at a time.
    pub fn decrypt_block(&self, block: &mut [u8; BLOCK]) {
        Aes128Dec::from(&self.schedule).decrypt_block(block.into());
    }

    /// The schedule, for the portable kernel.
    pub(crate) fn schedule(&self) -> &Aes128Enc {
        &self.schedule
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

// `Aes128Enc` overwrites itself when it is dropped: the `zeroize` feature of `aes`.
impl ZeroizeOnDrop for Key {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_byte_of_the_key() {
        assert_eq!(format!("{:?}", Key::new(&[0xab; BLOCK])), "Key { .. }");
    }

    #[test]
    fn decrypt_block_undoes_encrypt_block() {
        let key = Key::new(b"0123456789abcdef");
        let mut block = *b"sixteen bytes ..";
        key.encrypt_block(&mut block);
        assert_ne!(&block, b"sixteen bytes ..");
        key.decrypt_block(&mut block);
        assert_eq!(&block, b"sixteen bytes ..");
    }

    #[test]
    fn schedule_is_overwritten_on_drop() {
        fn overwrites_itself<T: ZeroizeOnDrop>(_: &T) {}
        // Does not compile when the `zeroize` feature of `aes` is off.
        overwrites_itself(Key::new(&[0; BLOCK]).schedule());
    }
}
