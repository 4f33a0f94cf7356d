//! Keys under keys, and the refreshed key.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::Block;
use crate::diagnosis::{self, Origin};

/// A content key as the application wraps it: AES-128-ECB under the session key (FIPS 197).
#[must_use]
pub fn wrap(session_key: &Block, key: &Block) -> Block {
    let wrapped = encrypt_block(session_key, key);
    diagnosis::note_key(*key, Origin::Unwrapped(wrapped, *session_key));
    wrapped
}

/// A read-back key as the driver wrapped it.
#[must_use]
pub fn unwrap(session_key: &Block, wrapped: &Block) -> Block {
    let key = decrypt_block(session_key, wrapped);
    diagnosis::note_key(key, Origin::Unwrapped(*wrapped, *session_key));
    key
}

/// The session key after a refresh: the old one XOR the number.
#[must_use]
pub fn refreshed(session_key: &Block, number: &Block) -> Block {
    let key = xor(session_key, number);
    diagnosis::note_key(key, Origin::Refreshed(*session_key, *number));
    key
}

/// One block of AES-128 (FIPS 197).
pub(crate) fn encrypt_block(key: &Block, block: &Block) -> Block {
    let mut block = *block;
    Aes128::new(key.into()).encrypt_block((&mut block).into());
    block
}

/// The inverse of [`encrypt_block`].
pub(crate) fn decrypt_block(key: &Block, block: &Block) -> Block {
    let mut block = *block;
    Aes128::new(key.into()).decrypt_block((&mut block).into());
    block
}

pub(crate) fn xor(a: &Block, b: &Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.1.
    #[test]
    fn wrap_is_one_block_of_the_standard() {
        let key = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let plain = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128.to_be_bytes();
        let wrapped = wrap(&key, &plain);
        assert_eq!(wrapped, 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128.to_be_bytes());
        assert_eq!(unwrap(&key, &wrapped), plain);
    }
}
