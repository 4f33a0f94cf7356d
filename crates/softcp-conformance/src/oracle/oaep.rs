//! Key exchange messages, right and wrong ones.
//!
//! Source: RFC 8017 section 7.1; hash and MGF1 are SHA-512 with an empty label.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA512_MGF1SHA512, OaepPublicEncryptingKey,
    Pkcs1PublicEncryptingKey, PublicEncryptingKey,
};

use super::encoding::RawKey;

/// How a message is padded. Only the first is the DDI's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// RSAES-OAEP with SHA-512, empty label.
    Oaep512,
    /// RSAES-OAEP with SHA-256.
    Oaep256,
    /// RSAES-OAEP with SHA-1.
    Oaep1,
    /// RSAES-OAEP with SHA-512 and a label of one byte.
    Labelled,
    /// RSAES-PKCS1-v1_5.
    Pkcs1,
}

/// A driver's public key.
#[derive(Debug)]
pub struct PublicKey(PublicEncryptingKey);

impl PublicKey {
    /// From a certificate's `SubjectPublicKeyInfo`, in DER; none for another kind of key or size.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        PublicEncryptingKey::from_der(spki).ok().map(Self)
    }

    /// Bits of the modulus.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.key_size_bits()
    }

    /// Its two numbers, for messages that no library makes.
    #[must_use]
    pub fn raw(&self) -> Option<RawKey> {
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&self.0).ok()?;
        RawKey::from_spki(spki.as_ref())
    }

    /// The message for `plain`.
    ///
    /// # Panics
    ///
    /// When `plain` is too long for the padding.
    #[must_use]
    pub fn encrypt(&self, plain: &[u8], padding: Padding) -> Vec<u8> {
        let mut message = vec![0; self.0.key_size_bytes()];
        let oaep = |algorithm, label: Option<&[u8]>, message: &mut [u8]| {
            let key = OaepPublicEncryptingKey::new(self.0.clone()).expect("the key is one for encryption");
            key.encrypt(algorithm, plain, message, label).map(drop)
        };
        match padding {
            Padding::Oaep512 => oaep(&OAEP_SHA512_MGF1SHA512, None, &mut message),
            Padding::Oaep256 => oaep(&OAEP_SHA256_MGF1SHA256, None, &mut message),
            Padding::Oaep1 => oaep(&OAEP_SHA1_MGF1SHA1, None, &mut message),
            Padding::Labelled => oaep(&OAEP_SHA512_MGF1SHA512, Some(b"L"), &mut message),
            Padding::Pkcs1 => {
                let key = Pkcs1PublicEncryptingKey::new(self.0.clone()).expect("the key is one for encryption");
                key.encrypt(plain, &mut message).map(drop)
            }
        }
        .expect("plain texts of cases are short");
        message
    }
}
