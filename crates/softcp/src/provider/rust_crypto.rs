//! A second AES, from the `RustCrypto` project: what AWS-LC's is tested against, and what runs where C code cannot (Miri).

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

use super::{Aes, BlockCipher};

/// AES-128 of the `aes` crate.
#[derive(Debug, Clone, Copy)]
pub struct RustCryptoAes;

impl Aes for RustCryptoAes {
    fn cipher(&self, key: &[u8; 16]) -> Box<dyn BlockCipher> {
        Box::new(Cipher(aes::Aes128::new(key.into())))
    }
}

struct Cipher(aes::Aes128);

impl BlockCipher for Cipher {
    fn encrypt_block(&self, block: &mut [u8; 16]) {
        self.0.encrypt_block(block.into());
    }

    fn decrypt_block(&self, block: &mut [u8; 16]) {
        self.0.decrypt_block(block.into());
    }
}
