//! The AES of `softcp-aes`, whose schedules and instructions blits use, for single blocks and CMAC.

use softcp_aes::Key;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Aes, CryptoFailure, Mac};

/// Bytes of a block.
const BLOCK: usize = softcp_aes::BLOCK;

/// AES-128 of `softcp-aes`. To encrypt and decrypt a block allocates nothing.
pub(super) struct CtrAes;

impl Aes for CtrAes {
    fn encrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        Key::new(key).encrypt_block(block);
    }

    fn decrypt_block(&self, key: &[u8; 16], block: &mut [u8; 16]) {
        Key::new(key).decrypt_block(block);
    }

    fn mac(&self, key: &[u8; 16]) -> Box<dyn Mac> {
        Box::new(Cmac::new(Key::new(key)))
    }
}

/// CMAC (NIST SP 800-38B): `E(M1)`, then `E(previous ⊕ Mi)` for each block, the last block masked with `K1` if it is
/// whole, else padded with a one bit and zeros and masked with `K2`.
struct Cmac {
    key: Key,
    masks: Masks,
}

/// The subkeys `K1` and `K2` (section 6.1).
#[derive(Zeroize, ZeroizeOnDrop)]
struct Masks {
    whole: [u8; BLOCK],
    padded: [u8; BLOCK],
}

impl Cmac {
    fn new(key: Key) -> Self {
        let mut zero = [0; BLOCK];
        key.encrypt_block(&mut zero);
        let whole = doubled(zero);
        zero.zeroize();
        Self { key, masks: Masks { whole, padded: doubled(whole) } }
    }
}

impl Mac for Cmac {
    fn sign(&self, message: &[u8]) -> [u8; BLOCK] {
        let (blocks, rest) = message.as_chunks::<BLOCK>();
        let (blocks, last, mask) = if let ([blocks @ .., last], []) = (blocks, rest) {
            (blocks, *last, &self.masks.whole)
        } else {
            let mut last = [0; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            last[rest.len()] = 0x80;
            (blocks, last, &self.masks.padded)
        };
        let mut mac = [0; BLOCK];
        for block in blocks {
            mac = xor(&mac, block);
            self.key.encrypt_block(&mut mac);
        }
        mac = xor(&xor(&mac, &last), mask);
        self.key.encrypt_block(&mut mac);
        mac
    }

    fn verify(&self, message: &[u8], mac: &[u8; BLOCK]) -> Result<(), CryptoFailure> {
        if self.sign(message).ct_eq(mac).into() { Ok(()) } else { Err(CryptoFailure) }
    }
}

/// A block times x in the field of 2^128 elements (section 6.1). Takes the same time for every block.
fn doubled(block: [u8; BLOCK]) -> [u8; BLOCK] {
    let number = u128::from_be_bytes(block);
    ((number << 1) ^ ((number >> 127) * 0x87)).to_be_bytes()
}

fn xor(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> [u8; BLOCK] {
    (u128::from_ne_bytes(*a) ^ u128::from_ne_bytes(*b)).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{aws_lc::AwsLc, rust_crypto::RustCryptoAes};
    use super::*;

    #[test]
    fn blocks_of_all_aes_agree() {
        let all: [&dyn Aes; 3] = [&CtrAes, &AwsLc, &RustCryptoAes];
        for seed in 0..=255u8 {
            let key = std::array::from_fn(|i| seed.wrapping_mul(7).wrapping_add(u8::try_from(i).unwrap()));
            let plain: [u8; 16] = std::array::from_fn(|i| seed ^ u8::try_from(i * 11).unwrap());
            let encrypted = all.map(|aes| {
                let mut block = plain;
                aes.encrypt_block(&key, &mut block);
                block
            });
            assert_eq!(encrypted, [encrypted[0]; 3]);
            assert_ne!(encrypted[0], plain);
            for aes in all {
                let mut block = encrypted[0];
                aes.decrypt_block(&key, &mut block);
                assert_eq!(block, plain);
            }
        }
    }

    /// SP 800-38B, appendix D.1: the subkeys of its AES-128 key.
    #[test]
    fn subkeys_are_those_of_the_standard() {
        let cmac = Cmac::new(Key::new(&0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes()));
        assert_eq!(u128::from_be_bytes(cmac.masks.whole), 0xfbee_d618_3571_3366_7c85_e08f_7236_a8de);
        assert_eq!(u128::from_be_bytes(cmac.masks.padded), 0xf7dd_ac30_6ae2_66cc_f90b_c11e_e46d_513b);
    }
}
