//! The primitives the engine is built on, passed in and never global.
//!
//! A [`Provider`] is five small trait objects: random numbers, RSA, AES, authenticated encryption, and a clock.
//! [`Provider::aws_lc`] is the one to use; [`aws_lc`] and [`rust_crypto`] hold further AES against which it is tested, and
//! [`fixed`] numbers and a clock that are the same in every run.

use std::sync::Arc;

use zeroize::Zeroizing;

pub mod aws_lc;
mod batch;
mod clock;
mod ctr;
pub mod fixed;
pub mod rust_crypto;

pub use batch::RandomBatch;
pub use clock::Clock;

/// Bytes of an RSA-2048 ciphertext: the size of every key exchange message.
pub const RSA_CIPHERTEXT_SIZE: usize = 256;

/// A primitive failed. Says no more, so that it cannot be used as an oracle (D22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoFailure;

/// A source of random numbers.
pub trait SecureRandom: Send + Sync {
    /// Fills `out` with unpredictable bytes, or fails and leaves them unspecified.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure>;
}

/// One AES-128 key, ready to sign and verify messages with CMAC (NIST SP 800-38B, which is OMAC1).
pub trait Mac: Send + Sync {
    /// The MAC of `message`, of full length.
    fn sign(&self, message: &[u8]) -> [u8; 16];
    /// Whether `mac` is the MAC of `message`; takes the same time wherever they differ.
    fn verify(&self, message: &[u8], mac: &[u8; 16]) -> Result<(), CryptoFailure>;
}

/// AES-128.
pub trait Aes: Send + Sync {
    /// Encrypts one block in place under `key` (ECB).
    fn encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]);
    /// Decrypts one block in place under `key` (ECB). Opens wrapped content keys at blits, so it should not allocate.
    fn decrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]);
    /// Expands `key` for CMAC.
    fn mac(&self, key: &[u8; 16]) -> Box<dyn Mac>;
}

/// An RSA-2048 private key that opens key exchange messages.
pub trait OaepPrivateKey: Send + Sync {
    /// RSAES-OAEP decryption (RFC 8017, section 7.1.2) with SHA-512, MGF1-SHA-512 and an empty label. Every failure is
    /// the same failure and takes the same time.
    fn decrypt(&self, ciphertext: &[u8; RSA_CIPHERTEXT_SIZE]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure>;
    /// The DER `SubjectPublicKeyInfo` that belongs to this key.
    fn public_key_der(&self) -> &[u8];
}

/// RSA.
pub trait Rsa: Send + Sync {
    /// Makes a 2048-bit key and returns it as PKCS #8 DER. Takes 40 to 200 ms.
    fn generate(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure>;
    /// Reads a 2048-bit private key from PKCS #8 DER.
    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn OaepPrivateKey>, CryptoFailure>;
}

/// Bytes of the nonce of authenticated encryption.
pub const AEAD_NONCE_SIZE: usize = 12;

/// One AES-256-GCM key (NIST SP 800-38D), with nonces of 96 bits and tags of 128.
pub trait AeadKey: Send + Sync {
    /// Encrypts `data` in place and returns the tag over it and over `associated`, which is authenticated and not
    /// encrypted. The caller never uses a nonce twice with one key.
    fn seal(&self, nonce: &[u8; AEAD_NONCE_SIZE], associated: &[u8], data: &mut [u8]) -> [u8; 16];
    /// Decrypts `data` in place if `tag` is right, else fails and leaves it unspecified. Takes the same time wherever the
    /// tags differ.
    fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_SIZE],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoFailure>;
}

/// Authenticated encryption with associated data: AES-256-GCM.
pub trait Aead: Send + Sync {
    /// Expands `key`.
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey>;
}

/// The primitives an adapter works with.
#[derive(Clone)]
pub struct Provider {
    /// Random numbers: refresh numbers, read-back keys, first IVs, handle serials, secrets.
    pub random: Arc<dyn SecureRandom>,
    /// The RSA of the key exchange.
    pub rsa: Arc<dyn Rsa>,
    /// The AES that wraps and unwraps keys, and signs messages. Blits go through `softcp-aes` in any case.
    pub aes: Arc<dyn Aes>,
    /// The encryption of sealed key blobs.
    pub aead: Arc<dyn Aead>,
    /// The time that faults on purpose go by. Nothing else does.
    pub clock: Arc<dyn Clock>,
}

impl Provider {
    /// AWS-LC for random numbers, RSA and authenticated encryption; for AES that of `softcp-aes`, which takes a tenth of the
    /// time for a single block; and the system's clock.
    #[must_use]
    pub fn aws_lc() -> Self {
        Self {
            random: Arc::new(aws_lc::AwsLc),
            rsa: Arc::new(aws_lc::AwsLc),
            aes: Arc::new(ctr::CtrAes),
            aead: Arc::new(aws_lc::AwsLc),
            clock: Arc::new(clock::SystemClock::new()),
        }
    }

    /// The same provider with another source of random numbers.
    #[must_use]
    pub fn with_random(self, random: Arc<dyn SecureRandom>) -> Self {
        Self { random, ..self }
    }

    /// The same provider with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}
