//! A second AES, from the `RustCrypto` project: what AWS-LC's is tested against, and what runs where C code cannot (Miri).

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use cmac::Mac as _;

use super::{Aes, BlockCipher, CryptoFailure, Mac};

/// AES-128 of the `aes` crate, CMAC of the `cmac` crate.
#[derive(Debug, Clone, Copy)]
pub struct RustCryptoAes;

impl Aes for RustCryptoAes {
    fn cipher(&self, key: &[u8; 16]) -> Box<dyn BlockCipher> {
        Box::new(Cipher(aes::Aes128::new(key.into())))
    }

    fn mac(&self, key: &[u8; 16]) -> Box<dyn Mac> {
        Box::new(Cmac(cmac::Cmac::new(key.into())))
    }
}

struct Cmac(cmac::Cmac<aes::Aes128>);

impl Mac for Cmac {
    fn sign(&self, message: &[u8]) -> [u8; 16] {
        self.0.clone().chain_update(message).finalize().into_bytes().into()
    }

    fn verify(&self, message: &[u8], mac: &[u8; 16]) -> Result<(), CryptoFailure> {
        self.0.clone().chain_update(message).verify(mac.into()).map_err(|_| CryptoFailure)
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
