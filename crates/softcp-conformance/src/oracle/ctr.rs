//! AES-128 in counter mode with the DDI's counter block, and which bytes it is for.
//!
//! Sources: NIST SP 800-38A section 6.5; D5 (the counter), D6 to D8 (patterns), D9 (rows).

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use softcp_runtime::EncryptedBlockInfo;

use super::Block;
use crate::diagnosis;

/// The first `len` bytes of keystream. `iv` is IV and Count as they lie in memory: Count, the last 8 bytes, is a big-endian
/// number that goes up by 1 for each block and wraps without a carry (D5).
#[must_use]
pub fn keystream(key: &Block, iv: &Block, len: usize) -> Vec<u8> {
    let cipher = Aes128::new(key.into());
    let count = u64::from_be_bytes(std::array::from_fn(|i| iv[8 + i]));
    let blocks = (0..len.div_ceil(16) as u64).flat_map(|number| {
        let mut block = *iv;
        block[8..].copy_from_slice(&count.wrapping_add(number).to_be_bytes());
        cipher.encrypt_block((&mut block).into());
        block
    });
    blocks.take(len).collect()
}

/// Whether byte `at` of `len` is encrypted (D6 to D8); without information all are.
#[must_use]
pub fn is_encrypted(info: Option<EncryptedBlockInfo>, at: usize) -> bool {
    let Some(EncryptedBlockInfo { at_beginning, skip, encrypt }) = info else { return true };
    let [at_beginning, skip, encrypt] = [at_beginning, skip, encrypt].map(|bytes| bytes as usize);
    let Some(behind) = at.checked_sub(at_beginning) else { return true };
    skip + encrypt != 0 && behind % (skip + encrypt) >= skip
}

/// Enciphers or deciphers visible bytes: keystream goes to the encrypted ones alone, one stream over all runs (D6).
///
/// What comes out is remembered on this thread, so that a driver that makes something else of it can be told what it did.
#[must_use]
pub fn apply(key: &Block, iv: &Block, info: Option<EncryptedBlockInfo>, data: &[u8]) -> Vec<u8> {
    let expected = quietly(key, iv, info, data);
    diagnosis::note_blit(key, iv, info, data, &expected);
    expected
}

/// As [`apply`], and nothing is remembered.
pub(crate) fn quietly(key: &Block, iv: &Block, info: Option<EncryptedBlockInfo>, data: &[u8]) -> Vec<u8> {
    let mut keystream = keystream(key, iv, data.len()).into_iter();
    let apply = |(at, byte): (usize, &u8)| {
        if is_encrypted(info, at) { byte ^ keystream.next().unwrap_or_default() } else { *byte }
    };
    data.iter().enumerate().map(apply).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38A, F.5.1.
    #[test]
    fn keystream_is_that_of_the_standard() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let iv = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff_u128.to_be_bytes();
        let plain = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        let cipher = apply(&key, &iv, None, &plain);
        assert_eq!(cipher, 0x874d_6191_b620_e326_1bef_6864_990d_b6ce_u128.to_be_bytes());
    }

    #[test]
    fn count_wraps_without_a_carry() {
        let (key, mut iv) = ([1; 16], [2; 16]);
        iv[8..].fill(0xff);
        let mut next = iv;
        next[8..].fill(0);
        assert_eq!(keystream(&key, &iv, 32)[16..], keystream(&key, &next, 16));
    }

    #[test]
    fn runs_are_those_of_the_decisions() {
        let text = |at_beginning, skip, encrypt| -> String {
            let info = Some(EncryptedBlockInfo { at_beginning, skip, encrypt });
            (0..8).map(|at| if is_encrypted(info, at) { 'e' } else { '.' }).collect()
        };
        assert_eq!(text(2, 3, 1), "ee...e..");
        assert_eq!(text(3, 0, 0), "eee.....");
        assert_eq!(text(1, 2, 0), "e.......");
        assert_eq!(text(1, 0, 2), "eeeeeeee");
        assert_eq!(text(0, 1, 1), ".e.e.e.e");
    }

    #[test]
    fn skipped_bytes_take_no_keystream() {
        let (key, iv) = ([1; 16], [2; 16]);
        let stream = keystream(&key, &iv, 2);
        let info = EncryptedBlockInfo { at_beginning: 1, skip: 2, encrypt: 1 };
        assert_eq!(apply(&key, &iv, Some(info), &[0; 4]), [stream[0], 0, 0, stream[1]]);
    }
}
