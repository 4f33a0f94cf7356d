//! The keys of sessions and channels, one type for each role.
//!
//! A key is wiped when it is dropped, compares in constant time, and never prints its bytes.

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::cipher::DataCipher;
use crate::random::{Random, RandomError};
use crate::sample::{SampleCipher, Scheme};

/// Bytes in a key of any role: AES-128.
pub const KEY_SIZE: usize = 16;

/// Defines a 16-byte secret: wiped on drop, compared in constant time, printed as its type's name alone.
macro_rules! secret {
    ($(#[$doc:meta])* $vis:vis struct $name:ident) => {
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop)]
        $vis struct $name([u8; KEY_SIZE]);

        impl ConstantTimeEq for $name {
            fn ct_eq(&self, other: &Self) -> subtle::Choice {
                self.0.ct_eq(&other.0)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.ct_eq(other).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

secret! {
    /// A key the application chose for its content: buffers are enciphered under it, and it travels to the driver
    /// wrapped under the session key (`pContentKey` of `DecryptionBlt`).
    pub struct ContentKey
}

impl ContentKey {
    /// A new random key.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when `random` has no bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomError> {
        random_bytes(random).map(|bytes| Self(*bytes))
    }

    /// The cipher for buffers that `DecryptionBlt` is to open with this key.
    #[must_use]
    pub fn data_cipher(&self) -> DataCipher {
        DataCipher::new(&self.0)
    }

    /// The cipher for samples that a decoder is to open with this key. The key is the same for every scheme (D62).
    #[must_use]
    pub fn sample_cipher(&self, scheme: Scheme) -> SampleCipher {
        SampleCipher::new(&self.0, scheme)
    }
}

impl From<[u8; KEY_SIZE]> for ContentKey {
    /// A key known from elsewhere, for example from a licence. The caller's own copy is the caller's to wipe.
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes)
    }
}

secret! {
    /// The key under which the driver enciphers what `EncryptionBlt` reads back.
    ///
    /// Only [`ClientSession::read_back_key`](crate::ClientSession::read_back_key) makes one. It is a key of its own:
    /// a later refresh of the session key leaves it valid (D12); the next `GetEncryptionBltKey` replaces it.
    pub struct ReadBackKey
}

impl ReadBackKey {
    /// The cipher that opens a surface read back under this key.
    #[must_use]
    pub fn data_cipher(&self) -> DataCipher {
        DataCipher::new(&self.0)
    }
}

secret! {
    /// The key both sides of a session share.
    pub(crate) struct SessionKey
}

impl SessionKey {
    pub(crate) fn generate(random: &dyn Random) -> Result<Self, RandomError> {
        random_bytes(random).map(|bytes| Self(*bytes))
    }

    /// The plain text of the key exchange.
    pub(crate) fn as_bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }

    /// The same key in the role of a channel's: both are made by the same key exchange.
    pub(crate) fn into_channel_key(self) -> ChannelKey {
        ChannelKey(self.0)
    }

    pub(crate) fn data_cipher(&self) -> DataCipher {
        DataCipher::new(&self.0)
    }

    pub(crate) fn sample_cipher(&self, scheme: Scheme) -> SampleCipher {
        SampleCipher::new(&self.0, scheme)
    }

    /// One block of AES-128-ECB, as `DecryptionBlt` unwraps it.
    pub(crate) fn wrap(&self, key: &ContentKey) -> WrappedContentKey {
        let mut block = key.0.into();
        Aes128::new(&self.0.into()).encrypt_block(&mut block);
        WrappedContentKey(block.into())
    }

    /// The inverse of `GetEncryptionBltKey`'s wrapping: one block of AES-128-ECB.
    pub(crate) fn unwrap(&self, wrapped: &[u8; KEY_SIZE]) -> ReadBackKey {
        let mut block = (*wrapped).into();
        Aes128::new(&self.0.into()).decrypt_block(&mut block);
        let key = ReadBackKey(block.into());
        block.zeroize();
        key
    }

    /// The key after a refresh: this one XOR the driver's random number.
    pub(crate) fn refreshed_by(&self, number: &RefreshNumber) -> Self {
        let mut key = self.clone();
        for (byte, random) in key.0.iter_mut().zip(&number.0) {
            *byte ^= random;
        }
        key
    }
}

impl Clone for SessionKey {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

secret! {
    /// The random number `StartSessionKeyRefresh` returned. With one key it gives the next, so it is kept like a key.
    pub(crate) struct RefreshNumber
}

impl From<[u8; KEY_SIZE]> for RefreshNumber {
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes)
    }
}

secret! {
    /// The key both sides of an authenticated channel share: it signs commands and answers.
    pub(crate) struct ChannelKey
}

impl ChannelKey {
    pub(crate) fn as_bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }
}

#[cfg(test)]
impl From<[u8; KEY_SIZE]> for ChannelKey {
    fn from(bytes: [u8; KEY_SIZE]) -> Self {
        Self(bytes)
    }
}

/// A [`ContentKey`] enciphered under the session key: the `pContentKey` of `DecryptionBlt`.
///
/// It is no secret, and it means something only to the session key it was made under: after a refresh or a new key
/// exchange the content key is wrapped again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WrappedContentKey([u8; KEY_SIZE]);

impl WrappedContentKey {
    /// The 16 bytes to pass on.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_SIZE] {
        &self.0
    }
}

impl AsRef<[u8]> for WrappedContentKey {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn random_bytes(random: &dyn Random) -> Result<Zeroizing<[u8; KEY_SIZE]>, RandomError> {
    let mut bytes = Zeroizing::new([0; KEY_SIZE]);
    random.fill(bytes.as_mut_slice())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::FixedRandom;

    /// NIST SP 800-38A F.1.1, ECB-AES128: key, first plain text block, first cipher text block.
    const NIST_KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
    const NIST_PLAIN: [u8; 16] = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
    const NIST_CIPHER: [u8; 16] = 0x3ad7_7bb4_0d7a_3660_a89e_caf3_2466_ef97_u128.to_be_bytes();

    #[test]
    fn wrap_nist_ecb_block_gives_the_published_cipher_text() {
        let wrapped = SessionKey(NIST_KEY).wrap(&ContentKey(NIST_PLAIN));
        assert_eq!(*wrapped.as_bytes(), NIST_CIPHER);
        assert_eq!(wrapped.as_ref(), NIST_CIPHER);
    }

    #[test]
    fn unwrap_nist_ecb_block_gives_the_published_plain_text() {
        assert_eq!(SessionKey(NIST_KEY).unwrap(&NIST_CIPHER).0, NIST_PLAIN);
    }

    #[test]
    fn refreshed_by_number_gives_key_xor_number() {
        let mut key = [0x0f; 16];
        key[15] = 0xff;
        let mut number = [0xf0; 16];
        number[0] = 0x0f;
        let mut expected = [0xff; 16];
        expected[0] = 0x00;
        expected[15] = 0x0f;
        assert_eq!(SessionKey(key).refreshed_by(&RefreshNumber(number)).0, expected);
    }

    #[test]
    fn generate_takes_sixteen_bytes_from_the_source() {
        let random = FixedRandom::new((1..=40).collect::<Vec<u8>>());
        assert_eq!(ContentKey::generate(&random).unwrap().0.to_vec(), (1..=16).collect::<Vec<u8>>());
        assert_eq!(SessionKey::generate(&random).unwrap().0.to_vec(), (17..=32).collect::<Vec<u8>>());
        assert_eq!(ContentKey::generate(&random), Err(RandomError));
        assert_eq!(SessionKey::generate(&random), Err(RandomError));
    }

    #[test]
    fn keys_differing_in_any_one_bit_are_not_equal() {
        let key = ContentKey([0xa5; 16]);
        assert_eq!(key, ContentKey([0xa5; 16]));
        for bit in 0..128 {
            let mut other = [0xa5; 16];
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(key, ContentKey(other), "bit {bit}");
        }
    }

    #[test]
    fn debug_of_keys_shows_no_byte() {
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            ContentKey([0xab; 16]),
            ReadBackKey([0xab; 16]),
            SessionKey([0xab; 16]),
            RefreshNumber([0xab; 16]),
            ChannelKey([0xab; 16])
        );
        let names = ["ContentKey", "ReadBackKey", "SessionKey", "RefreshNumber", "ChannelKey"];
        assert_eq!(printed, names.map(|name| format!("{name} {{ .. }}")).join(" "));
    }

    #[test]
    fn zeroize_wipes_every_byte() {
        let mut key = ContentKey([0xab; 16]);
        key.zeroize();
        assert_eq!(key.0, [0; 16]);
    }
}
