//! Samples of the four schemes of Common Encryption, as decoder buffers take them.
//!
//! Source: ISO/IEC 23001-7:2016, sections 10.1 (`cenc`), 10.2 (`cbc1`), 10.3 (`cens`), 10.4 (`cbcs`).

use std::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use softcp_abi::{
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
    D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK, GUID,
};
use thiserror::Error;

use crate::keys::KEY_SIZE;

/// Bytes of an AES block and of an IV.
const BLOCK: usize = 16;

/// Stripes inside each encrypted region, in blocks of 16 bytes: encrypted ones first, then clear ones, and again. What is left
/// of a stripe at the end of a region is cut there.
///
/// Usual in real content are one encrypted block and nine clear ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stripes {
    /// `cBlocksStripeEncrypted`, in files `crypt_byte_block`.
    pub encrypted: u32,
    /// `cBlocksStripeClear`, in files `skip_byte_block`.
    pub clear: u32,
}

/// How samples are encrypted.
///
/// | scheme | cipher | across the regions of a sample | a region's last partial block |
/// |---|---|---|---|
/// | `cenc` | AES-CTR | one key stream goes on byte by byte | encrypted |
/// | `cens` | AES-CTR | one key stream goes on over the encrypted blocks; stripes restart | clear |
/// | `cbc1` | AES-CBC | one chain goes on over the encrypted blocks | clear |
/// | `cbcs` | AES-CBC | the chain restarts with the IV, and so do the stripes | clear |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// AES-CTR of every byte of a region.
    Cenc,
    /// AES-CTR in stripes (D60).
    Cens(Stripes),
    /// AES-CBC of every whole block of a region (D61).
    Cbc1,
    /// AES-CBC in stripes.
    Cbcs(Stripes),
}

impl Scheme {
    /// `guidConfigBitstreamEncryption` of a decoder that takes such samples under a session's keys.
    #[must_use]
    pub const fn bitstream_encryption(self) -> GUID {
        match self {
            Self::Cenc | Self::Cens(_) => D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CENC,
            Self::Cbc1 | Self::Cbcs(_) => D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS,
        }
    }

    /// The stripes of a buffer; none where both counts of the buffer's description are zero.
    #[must_use]
    pub const fn stripes(self) -> Option<Stripes> {
        match self {
            Self::Cenc | Self::Cbc1 => None,
            Self::Cens(stripes) | Self::Cbcs(stripes) => Some(stripes),
        }
    }

    fn is_cbc(self) -> bool {
        matches!(self, Self::Cbc1 | Self::Cbcs(_))
    }
}

/// Clear bytes of a sample and the encrypted region behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subsample {
    /// Clear bytes.
    pub clear: u32,
    /// Bytes of the region, of which some are clear in schemes with stripes or whole blocks.
    pub encrypted: u32,
}

impl From<Subsample> for D3D11_VIDEO_DECODER_SUB_SAMPLE_MAPPING_BLOCK {
    fn from(subsample: Subsample) -> Self {
        Self { ClearSize: subsample.clear, EncryptedSize: subsample.encrypted }
    }
}

/// Why a sample cannot be encrypted or decrypted. It is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SampleError {
    /// The subsamples do not add up to the sample.
    #[error("the subsamples cover {covered} bytes of a sample of {bytes}")]
    MapMismatch {
        /// The sum of all sizes in bytes.
        covered: u64,
        /// Bytes of the sample.
        bytes: usize,
    },
    /// Stripes without encrypted blocks, or without clear ones (D64).
    #[error("stripes need encrypted and clear blocks; these have {} and {}", .0.encrypted, .0.clear)]
    OneSidedStripes(Stripes),
}

/// A key made ready for samples of one scheme. Wiped when dropped.
///
/// It comes from [`ContentKey::sample_cipher`](crate::ContentKey::sample_cipher) or
/// [`ClientSession::sample_cipher`](crate::ClientSession::sample_cipher). It goes over a sample block by block and is made
/// to be read and compared with, not to be fast.
///
/// ```
/// use softcp_client::{ContentKey, Scheme, Stripes, Subsample};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cipher = ContentKey::from([7; 16]).sample_cipher(Scheme::Cbcs(Stripes { encrypted: 1, clear: 9 }));
/// // 5 clear bytes, then a region of three blocks and a half: one encrypted block, the rest is clear.
/// let map = [Subsample { clear: 5, encrypted: 56 }];
/// let mut sample = [1; 61];
/// cipher.encrypt(&[9; 16], &map, &mut sample)?;
/// assert_eq!(sample[..5], [1; 5]);
/// assert_ne!(sample[5..21], [1; 16]);
/// assert_eq!(sample[21..], [1; 40]);
/// cipher.decrypt(&[9; 16], &map, &mut sample)?;
/// assert_eq!(sample, [1; 61]);
/// # Ok(())
/// # }
/// ```
pub struct SampleCipher {
    aes: Aes128,
    scheme: Scheme,
}

/// Which way a sample goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Encrypt,
    Decrypt,
}

impl SampleCipher {
    pub(crate) fn new(key: &[u8; KEY_SIZE], scheme: Scheme) -> Self {
        Self { aes: Aes128::new(&(*key).into()), scheme }
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Encrypts a sample in place. Without subsamples it is one region.
    ///
    /// `iv` is the first counter block of AES-CTR (D5: 8 bytes of IV, 8 of block count), which must never have been used
    /// with this key before, or the initialization vector of AES-CBC, which in `cbcs` is often the same for many samples.
    ///
    /// # Errors
    ///
    /// [`SampleError`] for subsamples that do not cover the sample, and for one-sided stripes.
    pub fn encrypt(&self, iv: &[u8; BLOCK], map: &[Subsample], sample: &mut [u8]) -> Result<(), SampleError> {
        self.apply(Direction::Encrypt, iv, map, sample)
    }

    /// Decrypts a sample in place: the inverse of [`encrypt`](Self::encrypt), with the same errors.
    pub fn decrypt(&self, iv: &[u8; BLOCK], map: &[Subsample], sample: &mut [u8]) -> Result<(), SampleError> {
        self.apply(Direction::Decrypt, iv, map, sample)
    }

    fn apply(
        &self,
        direction: Direction,
        iv: &[u8; BLOCK],
        map: &[Subsample],
        sample: &mut [u8],
    ) -> Result<(), SampleError> {
        if let Some(stripes) = self.scheme.stripes().filter(|stripes| stripes.encrypted == 0 || stripes.clear == 0) {
            return Err(SampleError::OneSidedStripes(stripes));
        }
        let sizes = map.iter().map(|part| u64::from(part.clear) + u64::from(part.encrypted));
        let covered = sizes.fold(0_u64, u64::saturating_add);
        if !map.is_empty() && covered != sample.len() as u64 {
            return Err(SampleError::MapMismatch { covered, bytes: sample.len() });
        }
        let mut state = State { aes: &self.aes, direction, iv: *iv, last: *iv, keystream: [0; BLOCK], used: 0 };
        if map.is_empty() {
            self.region(&mut state, sample);
        }
        let mut rest = sample;
        for part in map {
            // The sizes fit: they cover the sample.
            let (_, behind) = std::mem::take(&mut rest).split_at_mut(part.clear as usize);
            let (region, behind) = behind.split_at_mut(part.encrypted as usize);
            self.region(&mut state, region);
            rest = behind;
        }
        Ok(())
    }

    /// One region: every byte of it, every whole block, or those that its stripes say.
    fn region(&self, state: &mut State<'_>, region: &mut [u8]) {
        if matches!(self.scheme, Scheme::Cbcs(_)) {
            state.last = state.iv;
        }
        if self.scheme == Scheme::Cenc {
            for byte in region {
                *byte ^= state.keystream_byte();
            }
            return;
        }
        let (blocks, _) = region.as_chunks_mut::<BLOCK>();
        for (number, block) in blocks.iter_mut().enumerate() {
            let is_encrypted = self.scheme.stripes().is_none_or(|stripes| {
                let period = u64::from(stripes.encrypted) + u64::from(stripes.clear);
                number as u64 % period < u64::from(stripes.encrypted)
            });
            if !is_encrypted {
                continue;
            }
            if self.scheme.is_cbc() {
                state.chain(block);
            } else {
                for byte in block {
                    *byte ^= state.keystream_byte();
                }
            }
        }
    }
}

impl fmt::Debug for SampleCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleCipher").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// How far a sample has come.
struct State<'c> {
    aes: &'c Aes128,
    direction: Direction,
    iv: [u8; BLOCK],
    /// The last block of cipher text, at first the IV.
    last: [u8; BLOCK],
    /// The block of keystream that is being used.
    keystream: [u8; BLOCK],
    /// Bytes of keystream used.
    used: u64,
}

impl State<'_> {
    /// The next byte of the keystream (D5).
    fn keystream_byte(&mut self) -> u8 {
        let (number, at) = (self.used / BLOCK as u64, usize::try_from(self.used % BLOCK as u64).unwrap_or_default());
        if at == 0 {
            let count = self.iv[BLOCK / 2..].iter().fold(0_u64, |count, &byte| count << 8 | u64::from(byte));
            self.keystream = self.iv;
            self.keystream[BLOCK / 2..].copy_from_slice(&count.wrapping_add(number).to_be_bytes());
            self.aes.encrypt_block((&mut self.keystream).into());
        }
        self.used += 1;
        self.keystream[at]
    }

    /// The next block of the chain (NIST SP 800-38A section 6.2).
    fn chain(&mut self, block: &mut [u8; BLOCK]) {
        let before = *block;
        match self.direction {
            Direction::Encrypt => {
                block.iter_mut().zip(self.last).for_each(|(byte, last)| *byte ^= last);
                self.aes.encrypt_block(block.into());
                self.last = *block;
            }
            Direction::Decrypt => {
                self.aes.decrypt_block(block.into());
                block.iter_mut().zip(self.last).for_each(|(byte, last)| *byte ^= last);
                self.last = before;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
    use aws_lc_rs::iv::FixedLength;
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
    const IV: [u8; 16] = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
    const ONE_NINE: Stripes = Stripes { encrypted: 1, clear: 9 };

    fn cipher(scheme: Scheme) -> SampleCipher {
        SampleCipher::new(&KEY, scheme)
    }

    /// Another implementation of the whole chain: AWS-LC's, without its padding.
    fn cbc(key: [u8; 16], iv: [u8; 16], data: &[u8]) -> Vec<u8> {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_128, &key).unwrap()).unwrap();
        let mut encrypted = data.to_vec();
        key.less_safe_encrypt(&mut encrypted, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        encrypted.truncate(data.len());
        encrypted
    }

    /// Another implementation of the keystream; its counter has 128 bits, so `iv` must not wrap.
    fn ctr(key: [u8; 16], iv: [u8; 16], data: &[u8]) -> Vec<u8> {
        let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, &key).unwrap()).unwrap();
        let mut encrypted = data.to_vec();
        key.less_safe_encrypt(&mut encrypted, EncryptionContext::Iv128(FixedLength::from(iv))).unwrap();
        encrypted
    }

    /// The schemes as lists of byte numbers, region by region: what is gathered, encrypted and put back.
    fn gathered(scheme: Scheme, map: &[Subsample], bytes: usize) -> Vec<Vec<usize>> {
        let mut at = 0;
        let mut regions: Vec<(usize, usize)> = map
            .iter()
            .map(|part| {
                let region = (at + part.clear as usize, part.encrypted as usize);
                at = region.0 + region.1;
                region
            })
            .collect();
        if map.is_empty() {
            regions.push((0, bytes));
        }
        let of_region = |(start, len): (usize, usize)| -> Vec<usize> {
            match scheme {
                Scheme::Cenc => (start..start + len).collect(),
                Scheme::Cbc1 => (start..start + len / 16 * 16).collect(),
                Scheme::Cens(stripes) | Scheme::Cbcs(stripes) => (start..start + len / 16 * 16)
                    .filter(|at| {
                        let block = (at - start) / 16;
                        (block as u64) % u64::from(stripes.encrypted + stripes.clear) < u64::from(stripes.encrypted)
                    })
                    .collect(),
            }
        };
        regions.into_iter().map(of_region).collect()
    }

    fn by_gathering(scheme: Scheme, key: [u8; 16], iv: [u8; 16], map: &[Subsample], sample: &[u8]) -> Vec<u8> {
        let regions = gathered(scheme, map, sample.len());
        let streams = if matches!(scheme, Scheme::Cbcs(_)) { regions } else { vec![regions.concat()] };
        let mut out = sample.to_vec();
        for places in streams {
            let bytes: Vec<u8> = places.iter().map(|&at| sample[at]).collect();
            let encrypted = if scheme.is_cbc() { cbc(key, iv, &bytes) } else { ctr(key, iv, &bytes) };
            places.into_iter().zip(encrypted).for_each(|(at, byte)| out[at] = byte);
        }
        out
    }

    #[test]
    fn cbc1_of_the_nist_vector_is_the_published_cipher_text_and_the_rest_of_a_block_is_clear() {
        // NIST SP 800-38A, F.2.1.
        let plain = [0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128, 0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51];
        let expected = [0x7649_abac_8119_b246_cee9_8e9b_12e9_197d_u128, 0x5086_cb9b_5072_19ee_95db_113a_9176_78b2];
        let bytes = |blocks: [u128; 2], end: &[u8]| [&blocks.map(u128::to_be_bytes).concat(), end].concat();
        let mut sample = bytes(plain, b"fifteen bytes..");
        cipher(Scheme::Cbc1).encrypt(&IV, &[], &mut sample).unwrap();
        assert_eq!(sample, bytes(expected, b"fifteen bytes.."));
    }

    #[test]
    fn chain_goes_on_over_regions_in_cbc1_and_restarts_in_cbcs() {
        let map = [Subsample { clear: 3, encrypted: 16 }; 2];
        let sample = [7; 38];
        let encrypted = |scheme| {
            let mut sample = sample;
            cipher(scheme).encrypt(&IV, &map, &mut sample).unwrap();
            ([&sample[3..19], &sample[22..]].map(<[u8]>::to_vec), sample)
        };
        let ([first, second], _) = encrypted(Scheme::Cbc1);
        assert_ne!(first, second);
        let ([first, second], _) = encrypted(Scheme::Cbcs(ONE_NINE));
        assert_eq!(first, second);
    }

    #[test]
    fn sample_shorter_than_a_block_is_clear_but_in_cenc() {
        for (scheme, is_clear) in [
            (Scheme::Cenc, false),
            (Scheme::Cens(ONE_NINE), true),
            (Scheme::Cbc1, true),
            (Scheme::Cbcs(ONE_NINE), true),
        ] {
            let mut sample = [7; 15];
            cipher(scheme).encrypt(&IV, &[], &mut sample).unwrap();
            assert_eq!(sample == [7; 15], is_clear, "{scheme:?}");
        }
    }

    #[test]
    fn maps_and_stripes_that_are_none_leave_the_sample() {
        let part = |clear, encrypted| Subsample { clear, encrypted };
        let mut sample = [7; 40];
        for map in [&[part(0, 39)][..], &[part(1, 40)], &[part(u32::MAX, u32::MAX), part(42, 0)]] {
            let covered = map.iter().map(|part| u64::from(part.clear) + u64::from(part.encrypted)).sum();
            let error = cipher(Scheme::Cbc1).encrypt(&IV, map, &mut sample).unwrap_err();
            assert_eq!(error, SampleError::MapMismatch { covered, bytes: 40 });
        }
        for (encrypted, clear) in [(0, 0), (0, 9), (1, 0)] {
            let stripes = Stripes { encrypted, clear };
            for scheme in [Scheme::Cens(stripes), Scheme::Cbcs(stripes)] {
                let error = cipher(scheme).decrypt(&IV, &[], &mut sample).unwrap_err();
                assert_eq!(error, SampleError::OneSidedStripes(stripes));
            }
        }
        assert_eq!(sample, [7; 40]);
    }

    #[test]
    fn stripes_of_the_largest_counts_are_taken() {
        let most = Stripes { encrypted: u32::MAX, clear: u32::MAX };
        let mut sample = [7; 64];
        cipher(Scheme::Cbcs(most)).encrypt(&IV, &[], &mut sample).unwrap();
        assert_eq!(sample.to_vec(), cbc(KEY, IV, &[7; 64]));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", cipher(Scheme::Cbc1)), "SampleCipher { scheme: Cbc1, .. }");
    }

    fn any_scheme() -> impl Strategy<Value = Scheme> {
        let stripes = (1_u32..6, 1_u32..12).prop_map(|(encrypted, clear)| Stripes { encrypted, clear });
        (0..4, stripes).prop_map(|(scheme, stripes)| match scheme {
            0 => Scheme::Cenc,
            1 => Scheme::Cens(stripes),
            2 => Scheme::Cbc1,
            _ => Scheme::Cbcs(stripes),
        })
    }

    proptest! {
        #[test]
        fn samples_equal_those_of_another_implementation(
            key: [u8; 16],
            iv: [u8; 8],
            scheme in any_scheme(),
            sizes in prop::collection::vec((0..40_u32, prop_oneof![0..40_u32, 100..400_u32]), 0..8),
            whole in 0..500_usize,
            fill: u8,
        ) {
            let map: Vec<_> = sizes.iter().map(|&(clear, encrypted)| Subsample { clear, encrypted }).collect();
            let bytes = if map.is_empty() { whole } else { sizes.iter().map(|(a, b)| (a + b) as usize).sum() };
            let clear: Vec<u8> = (0..bytes).map(|at| fill.wrapping_add((at * 31).to_le_bytes()[0])).collect();
            let mut block = [0; 16];
            block[..8].copy_from_slice(&iv);
            let mut sample = clear.clone();
            let cipher = SampleCipher::new(&key, scheme);
            cipher.encrypt(&block, &map, &mut sample).unwrap();
            prop_assert_eq!(&sample, &by_gathering(scheme, key, block, &map, &clear));
            cipher.decrypt(&block, &map, &mut sample).unwrap();
            prop_assert_eq!(sample, clear);
        }
    }
}
