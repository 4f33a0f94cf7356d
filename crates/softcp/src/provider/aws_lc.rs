//! AWS-LC behind the provider traits.

use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::cmac;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Aes, BlockCipher, CryptoFailure, Mac, OaepPrivateKey, RSA_CIPHERTEXT_SIZE, Rsa, SecureRandom};

/// AWS-LC.
pub(super) struct AwsLc;

impl SecureRandom for AwsLc {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
        aws_lc_rs::rand::fill(out).map_err(|_| CryptoFailure)
    }
}

impl Aes for AwsLc {
    fn cipher(&self, key: &[u8; 16]) -> Box<dyn BlockCipher> {
        let unbound = || UnboundCipherKey::new(&AES_128, key).expect("16 bytes are an AES-128 key");
        Box::new(Ecb {
            encrypt: EncryptingKey::ecb(unbound()).expect("AES-128 has an ECB mode"),
            decrypt: DecryptingKey::ecb(unbound()).expect("AES-128 has an ECB mode"),
        })
    }

    fn mac(&self, key: &[u8; 16]) -> Box<dyn Mac> {
        Box::new(Cmac(cmac::Key::new(cmac::AES_128, key).expect("16 bytes are an AES-128 key")))
    }
}

struct Cmac(cmac::Key);

impl Mac for Cmac {
    fn sign(&self, message: &[u8]) -> [u8; 16] {
        let mut mac = [0; 16];
        cmac::sign_to_buffer(&self.0, message, &mut mac).expect("16 bytes hold the MAC of any message");
        mac
    }

    fn verify(&self, message: &[u8], mac: &[u8; 16]) -> Result<(), CryptoFailure> {
        cmac::verify(&self.0, message, mac).map_err(|_| CryptoFailure)
    }
}

struct Ecb {
    encrypt: EncryptingKey,
    decrypt: DecryptingKey,
}

impl BlockCipher for Ecb {
    fn encrypt_block(&self, block: &mut [u8; 16]) {
        self.encrypt.encrypt(block).expect("one whole block can be encrypted");
    }

    fn decrypt_block(&self, block: &mut [u8; 16]) {
        self.decrypt.decrypt(block, DecryptionContext::None).expect("one whole block can be decrypted");
    }
}

impl Rsa for AwsLc {
    fn generate(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| CryptoFailure)?;
        let der = key.as_der().map_err(|_| CryptoFailure)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn OaepPrivateKey>, CryptoFailure> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| CryptoFailure)?;
        if key.key_size_bytes() != RSA_CIPHERTEXT_SIZE {
            return Err(CryptoFailure);
        }
        let public_key_der = key.public_key().as_der().map_err(|_| CryptoFailure)?.as_ref().to_vec();
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| CryptoFailure)?;
        Ok(Box::new(PrivateKey { key, public_key_der }))
    }
}

struct PrivateKey {
    key: OaepPrivateDecryptingKey,
    public_key_der: Vec<u8>,
}

impl OaepPrivateKey for PrivateKey {
    fn decrypt(&self, ciphertext: &[u8; RSA_CIPHERTEXT_SIZE]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        let mut buffer = Zeroizing::new([0; RSA_CIPHERTEXT_SIZE]);
        let decrypted = self.key.decrypt(&OAEP_SHA512_MGF1SHA512, ciphertext, buffer.as_mut_slice(), None);
        match decrypted {
            Ok(plain) => {
                let copy = Zeroizing::new(plain.to_vec());
                plain.zeroize();
                Ok(copy)
            }
            Err(_) => Err(CryptoFailure),
        }
    }

    fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Provider, rust_crypto::RustCryptoAes};
    use super::*;

    #[test]
    fn aes_of_both_providers_agree() {
        for seed in 0..=255u8 {
            let key = std::array::from_fn(|i| seed.wrapping_mul(7).wrapping_add(u8::try_from(i).unwrap()));
            let plain: [u8; 16] = std::array::from_fn(|i| seed ^ u8::try_from(i * 11).unwrap());
            let (mut ours, mut theirs) = (plain, plain);
            let (aws, rust) = (AwsLc.cipher(&key), RustCryptoAes.cipher(&key));
            aws.encrypt_block(&mut ours);
            rust.encrypt_block(&mut theirs);
            assert_eq!(ours, theirs);
            assert_ne!(ours, plain);
            aws.decrypt_block(&mut ours);
            rust.decrypt_block(&mut theirs);
            assert_eq!((ours, theirs), (plain, plain));
        }
    }

    #[test]
    fn random_bytes_differ_between_calls() {
        let (mut first, mut second) = ([0; 16], [0; 16]);
        Provider::aws_lc().random.fill(&mut first).unwrap();
        Provider::aws_lc().random.fill(&mut second).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn load_rejects_what_is_no_rsa_2048_key() {
        assert!(AwsLc.load(b"not a key").is_err());
    }
}
