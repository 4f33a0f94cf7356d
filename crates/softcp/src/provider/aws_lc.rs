//! AWS-LC behind the provider traits. Its AES is one that others are tested against.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::cmac;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    AEAD_NONCE_SIZE, Aead, AeadKey, Aes, CryptoFailure, Mac, OaepPrivateKey, RSA_CIPHERTEXT_SIZE, Rsa, SecureRandom,
};

/// AWS-LC.
#[derive(Debug, Clone, Copy)]
pub struct AwsLc;

impl SecureRandom for AwsLc {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
        aws_lc_rs::rand::fill(out).map_err(|_| CryptoFailure)
    }
}

impl Aes for AwsLc {
    fn encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        let key = EncryptingKey::ecb(unbound(key)).expect("AES-128 has an ECB mode");
        key.encrypt(block).expect("one whole block can be encrypted");
    }

    fn decrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        let key = DecryptingKey::ecb(unbound(key)).expect("AES-128 has an ECB mode");
        key.decrypt(block, DecryptionContext::None).expect("one whole block can be decrypted");
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

fn unbound(key: &[u8; 16]) -> UnboundCipherKey {
    UnboundCipherKey::new(&AES_128, key).expect("16 bytes are an AES-128 key")
}

impl Aead for AwsLc {
    fn key(&self, key: &[u8; 32]) -> Box<dyn AeadKey> {
        let key = UnboundKey::new(&aead::AES_256_GCM, key).expect("32 bytes are an AES-256 key");
        Box::new(Gcm(LessSafeKey::new(key)))
    }
}

struct Gcm(LessSafeKey);

impl AeadKey for Gcm {
    fn seal(&self, nonce: &[u8; AEAD_NONCE_SIZE], associated: &[u8], data: &mut [u8]) -> [u8; 16] {
        let sealed = self.0.seal_in_place_separate_tag(Nonce::from(nonce), Aad::from(associated), data);
        let tag = sealed.expect("data of any length that fits memory can be sealed");
        tag.as_ref().try_into().expect("a tag is 16 bytes")
    }

    fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_SIZE],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoFailure> {
        let opened = self.0.open_in_place_separate_tag(Nonce::from(nonce), Aad::from(associated), tag, data);
        opened.map(|_| ()).map_err(|_| CryptoFailure)
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
    use super::super::Provider;
    use super::*;

    /// Test case 16 of the GCM specification (appendix B), whose plain text is cut to whole blocks here;
    /// the cipher text is a prefix of the published one.
    #[test]
    fn aead_is_aes_256_gcm_and_authenticates_everything() {
        let key = std::array::from_fn(|i| {
            [0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08][i % 16]
        });
        let nonce = [0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88];
        let plain = 0xd931_3225_f884_06e5_a559_09c5_aff5_269a_u128.to_be_bytes();
        let key = AwsLc.key(&key);
        let mut data = plain;
        let tag = key.seal(&nonce, b"associated", &mut data);
        assert_eq!(u128::from_be_bytes(data), 0x522d_c1f0_9956_7d07_f47f_37a3_2a84_427d);
        let opens = |nonce: &[u8; 12], associated: &[u8], mut data: [u8; 16], tag: [u8; 16]| {
            key.open(nonce, associated, &mut data, &tag).map(|()| data)
        };
        assert_eq!(opens(&nonce, b"associated", data, tag), Ok(plain));
        let flipped = |mut bytes: [u8; 16], bit: usize| {
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        for bit in 0..128 {
            assert_eq!(opens(&nonce, b"associated", flipped(data, bit), tag), Err(CryptoFailure));
            assert_eq!(opens(&nonce, b"associated", data, flipped(tag, bit)), Err(CryptoFailure));
        }
        assert_eq!(opens(&nonce, b"associateD", data, tag), Err(CryptoFailure));
        assert_eq!(opens(&[0; 12], b"associated", data, tag), Err(CryptoFailure));
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
