//! A second AES, from the `RustCrypto` project: what the others are tested against, and what runs where C code cannot (Miri).

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use cmac::Mac as _;

use super::{Aes, CryptoFailure, Mac};

/// AES-128 of the `aes` crate, CMAC of the `cmac` crate.
#[derive(Debug, Clone, Copy)]
pub struct RustCryptoAes;

impl Aes for RustCryptoAes {
    fn encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        aes::Aes128::new(key.into()).encrypt_block(block.into());
    }

    fn decrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        aes::Aes128::new(key.into()).decrypt_block(block.into());
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
