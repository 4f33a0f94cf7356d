//! The keys that the wrapper knows since it is in the middle: the identity's private key opens every key exchange.

use std::path::Path;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use cmac::{Cmac, Mac};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use softcp::identity::{CHAIN_FILE, KEY_FILE};

use crate::rsa::RawKey;

/// A key, a wrapped key or a random number.
pub(crate) type Block = [u8; 16];

/// The private key of the certificates.
pub(crate) struct PrivateKey {
    key: PrivateDecryptingKey,
    raw: RawKey,
}

/// How a key exchange message is padded.
#[derive(Clone, Copy)]
pub(crate) enum Padding {
    Oaep512,
    Oaep256,
    Pkcs1,
}

impl PrivateKey {
    /// That of an identity directory.
    pub(crate) fn read(directory: &Path) -> Result<Self, String> {
        let path = directory.join(KEY_FILE);
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let pkcs8 = PrivatePkcs8KeyDer::from_pem_file(&path).map_err(|error| failed(&error))?;
        let der = pkcs8.secret_pkcs8_der();
        let raw = RawKey::from_pkcs8(der).ok_or_else(|| failed(&"not an RSA key of 2048 bits"))?;
        PrivateDecryptingKey::from_pkcs8(der).map(|key| Self { key, raw }).map_err(|error| failed(&error))
    }

    /// The same by hand.
    pub(crate) fn raw(&self) -> &RawKey {
        &self.raw
    }

    /// The plain text of a message that is padded so; none if it is not.
    pub(crate) fn decrypt(&self, padding: Padding, message: &[u8]) -> Option<Vec<u8>> {
        let mut plain = vec![0; self.key.key_size_bytes()];
        let oaep = |algorithm, plain: &mut [u8]| {
            let key = OaepPrivateDecryptingKey::new(self.key.clone()).ok()?;
            key.decrypt(algorithm, message, plain, None).map(|plain| plain.len()).ok()
        };
        let len = match padding {
            Padding::Oaep512 => oaep(&OAEP_SHA512_MGF1SHA512, &mut plain),
            Padding::Oaep256 => oaep(&OAEP_SHA256_MGF1SHA256, &mut plain),
            Padding::Pkcs1 => {
                let key = Pkcs1PrivateDecryptingKey::new(self.key.clone()).ok()?;
                key.decrypt(message, &mut plain).map(|plain| plain.len()).ok()
            }
        }?;
        plain.truncate(len);
        Some(plain)
    }

    /// The key in a right message.
    pub(crate) fn key(&self, message: &[u8]) -> Option<Block> {
        self.decrypt(Padding::Oaep512, message)?.try_into().ok()
    }

    /// A right message for a key.
    pub(crate) fn encrypt(&self, key: &Block) -> Vec<u8> {
        let public = OaepPublicEncryptingKey::new(self.key.public_key()).expect("the key is one for encryption");
        let mut message = vec![0; self.key.key_size_bytes()];
        public.encrypt(&OAEP_SHA512_MGF1SHA512, key, &mut message, None).expect("16 bytes are not too long");
        message
    }
}

/// The certificates of an identity directory in DER, leaf first.
pub(crate) fn read_chain(directory: &Path) -> Result<Vec<Vec<u8>>, String> {
    let path = directory.join(CHAIN_FILE);
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(&path).map_err(|error| failed(&error))?;
    certificates.map(|der| der.map(|der| der.to_vec()).map_err(|error| failed(&error))).collect()
}

/// AES-128-ECB of one block.
pub(crate) fn wrap(key: &Block, block: &Block) -> Block {
    let mut block = *block;
    Aes128::new(key.into()).encrypt_block((&mut block).into());
    block
}

/// The inverse of [`wrap`].
pub(crate) fn unwrap(key: &Block, block: &Block) -> Block {
    let mut block = *block;
    Aes128::new(key.into()).decrypt_block((&mut block).into());
    block
}

pub(crate) fn xor(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// OMAC1 under a channel's key.
pub(crate) fn omac(key: &Block, message: &[u8]) -> Block {
    let mut mac = <Cmac<Aes128> as KeyInit>::new(key.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Random bytes.
pub(crate) fn random() -> Block {
    let mut block = [0; 16];
    aws_lc_rs::rand::fill(&mut block).expect("the system has random numbers");
    block
}
