//! Samples of the four schemes of Common Encryption, block by block.
//!
//! Source: ISO/IEC 23001-7 sections 10.1 (`cenc`), 10.2 (`cbc1`), 10.3 (`cens`), 10.4 (`cbcs`); NIST SP 800-38A section 6.2.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::Block;
use super::ctr::keystream;

/// The mode of AES.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Counter mode: `cenc`, with stripes `cens`.
    Ctr,
    /// Cipher block chaining: `cbc1`, with stripes `cbcs`.
    Cbc,
}

/// A mode, and the stripes in blocks: encrypted ones, then clear ones; zeros for none.
pub type Scheme = (Mode, (u32, u32));

/// Clear bytes and the region behind them.
pub type Part = (u32, u32);

/// The numbers of the bytes that are encrypted in a region of a sample.
fn encrypted_places((mode, stripes): Scheme, start: usize, len: usize) -> Vec<usize> {
    match (mode, stripes) {
        (Mode::Ctr, (0, 0)) => (start..start + len).collect(),
        (_, (encrypted, clear)) => {
            let period = u64::from(encrypted) + u64::from(clear);
            let is_encrypted = |block: usize| period == 0 || block as u64 % period < u64::from(encrypted);
            let blocks = (0..len / 16).filter(|block| is_encrypted(*block));
            blocks.flat_map(|block| (0..16).map(move |byte| start + 16 * block + byte)).collect()
        }
    }
}

/// A sample as an application encrypts it. Without parts it is one region.
#[must_use]
pub fn encrypt(scheme: Scheme, key: &Block, iv: &Block, parts: &[Part], clear: &[u8]) -> Vec<u8> {
    let whole = [(0, u32::try_from(clear.len()).unwrap_or(u32::MAX))];
    let mut at = 0;
    let mut regions = Vec::new();
    for (skipped, region) in if parts.is_empty() { &whole } else { parts } {
        at += *skipped as usize;
        regions.push(encrypted_places(scheme, at, *region as usize));
        at += *region as usize;
    }
    let mut sample = clear.to_vec();
    match scheme {
        (Mode::Ctr, _) => {
            let places = regions.concat();
            let stream = keystream(key, iv, places.len());
            places.into_iter().zip(stream).for_each(|(at, byte)| sample[at] ^= byte);
        }
        (Mode::Cbc, stripes) => {
            let cipher = Aes128::new(key.into());
            let mut last = *iv;
            for places in regions {
                if stripes != (0, 0) {
                    last = *iv;
                }
                for block in places.as_chunks::<16>().0 {
                    let mut text: Block = std::array::from_fn(|i| sample[block[i]] ^ last[i]);
                    cipher.encrypt_block((&mut text).into());
                    block.iter().zip(text).for_each(|(at, byte)| sample[*at] = byte);
                    last = text;
                }
            }
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Block = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
    const IV: Block = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();

    /// NIST SP 800-38A, F.2.1.
    #[test]
    fn chain_is_that_of_the_standard() {
        let plain = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];
        let cipher = [0x7649_abac_8119_b246_cee9_8e9b_12e9_197d_u128, 0x5086_cb9b_5072_19ee_95db_113a_9176_78b2];
        let bytes = |blocks: [u128; 2]| [&blocks.map(u128::to_be_bytes).concat()[..], b"rest"].concat();
        assert_eq!(encrypt((Mode::Cbc, (0, 0)), &KEY, &IV, &[], &bytes(plain)), bytes(cipher));
    }

    #[test]
    fn stripes_restart_in_each_region_and_are_cut_at_its_end() {
        let text = |scheme, parts: &[Part], len| -> String {
            let sample = encrypt(scheme, &KEY, &IV, parts, &vec![0; len]);
            sample.chunks(16).map(|block| if block.iter().all(|&byte| byte == 0) { '.' } else { 'e' }).collect()
        };
        for mode in [Mode::Ctr, Mode::Cbc] {
            assert_eq!(text((mode, (1, 2)), &[], 16 * 8), "e..e..e.");
            assert_eq!(text((mode, (2, 1)), &[(0, 64), (16, 48)], 128), "ee.e.ee.");
            assert_eq!(text((mode, (1, 9)), &[], 15), ".");
        }
        assert_eq!(text((Mode::Ctr, (0, 0)), &[], 15), "e");
        assert_eq!(text((Mode::Cbc, (0, 0)), &[], 15), ".");
    }

    #[test]
    fn chain_restarts_in_regions_with_stripes_only() {
        let regions = [(0, 16), (0, 16)];
        let equal = |scheme| {
            let sample = encrypt(scheme, &KEY, &IV, &regions, &[7; 32]);
            sample[..16] == sample[16..]
        };
        assert!(equal((Mode::Cbc, (1, 9))));
        assert!(!equal((Mode::Cbc, (0, 0))) && !equal((Mode::Ctr, (1, 9))));
    }
}
