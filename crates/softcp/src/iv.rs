//! The IV of a blit: `{ IV, Count }`, together the first counter block (D5).

use crate::error::{Error, Result};
use crate::provider::Provider;

/// Bytes of an [`AesCtrIv`] in memory.
pub const IV_SIZE: usize = 16;

/// `D3D11_AES_CTR_IV`: two 64-bit numbers, both big-endian in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct AesCtrIv {
    /// The upper half of the counter block; one value for each buffer.
    pub iv: u64,
    /// The lower half: the number of the first 16-byte block. Wraps at 64 bits without carry into `iv` (D5).
    pub count: u64,
}

impl AesCtrIv {
    /// Reads the 16 bytes that `pIV` points to. Another size is [`Error::WrongSize`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        iv_bytes(bytes).map(|bytes| Self::from_bytes(&bytes))
    }

    /// Reads a counter block.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; IV_SIZE]) -> Self {
        let block = u128::from_be_bytes(*bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of the block")]
        Self { iv: (block >> 64) as u64, count: block as u64 }
    }

    /// The counter block as it lies in memory.
    #[must_use]
    pub fn to_bytes(self) -> [u8; IV_SIZE] {
        (u128::from(self.iv) << 64 | u128::from(self.count)).to_be_bytes()
    }
}

/// The 16 bytes of an IV of any mode. Another size is [`Error::WrongSize`] (D64).
pub(crate) fn iv_bytes(bytes: &[u8]) -> Result<[u8; IV_SIZE]> {
    bytes.try_into().map_err(|_| Error::WrongSize { what: "the IV", expected: IV_SIZE, given: bytes.len() })
}

/// The IVs a driver gives to `EncryptionBlt` under one key (D11): the first a random 32-bit number in the 64-bit field,
/// each next one greater by one, none ever twice.
#[derive(Debug, Default)]
pub(crate) struct DriverIvs {
    last: Option<u64>,
}

impl DriverIvs {
    /// Those behind `last`, or from the first one on.
    pub(crate) fn behind(last: Option<u64>) -> Self {
        Self { last }
    }

    /// The last one that was used.
    pub(crate) fn last(&self) -> Option<u64> {
        self.last
    }

    /// The next IV; `first` is the first one of a test in place of a random one. Nothing is consumed until
    /// [`Self::commit`].
    pub(crate) fn next(&self, provider: &Provider, first: Option<u64>) -> Result<AesCtrIv> {
        let iv = if let Some(last) = self.last {
            last.checked_add(1).ok_or(Error::IvExhausted)?
        } else if let Some(first) = first {
            first
        } else {
            let mut first = [0; 4];
            provider.random.fill(&mut first).map_err(|_| Error::RandomFailed)?;
            u64::from(u32::from_be_bytes(first))
        };
        Ok(AesCtrIv { iv, count: 0 })
    }

    /// Checks an IV that the caller chose (D26): its IV field must be greater than the last one (D46).
    pub(crate) fn check(&self, iv: AesCtrIv) -> Result<()> {
        if self.last.is_some_and(|last| iv.iv <= last) { Err(Error::IvNotIncreasing) } else { Ok(()) }
    }

    /// Records that `iv` has been used.
    pub(crate) fn commit(&mut self, iv: AesCtrIv) {
        self.last = Some(iv.iv);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::provider::fixed::FixedRandom;

    fn provider(bytes: &[u8]) -> Provider {
        Provider::aws_lc().with_random(Arc::new(FixedRandom::new(bytes)))
    }

    #[test]
    fn bytes_are_two_big_endian_halves() {
        let iv = AesCtrIv { iv: 0x0102_0304_0506_0708, count: 9 };
        assert_eq!(iv.to_bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(AesCtrIv::parse(&iv.to_bytes()).unwrap(), iv);
    }

    #[test]
    fn parse_15_bytes_names_both_sizes() {
        let error = AesCtrIv::parse(&[0; 15]).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 16, given: 15, .. }));
    }

    #[test]
    fn first_iv_is_32_random_bits_and_the_next_one_more() {
        let provider = provider(&[0xFF, 0xFF, 0xFF, 0xFF]);
        let mut ivs = DriverIvs::default();
        let first = ivs.next(&provider, None).unwrap();
        assert_eq!(first, AesCtrIv { iv: 0xFFFF_FFFF, count: 0 });
        ivs.commit(first);
        assert_eq!(ivs.next(&provider, None).unwrap().iv, 0x1_0000_0000);
    }

    #[test]
    fn first_iv_of_a_test_is_the_one_told_and_no_later_one() {
        let provider = provider(&[]);
        let mut ivs = DriverIvs::default();
        let first = ivs.next(&provider, Some(7)).unwrap();
        assert_eq!(first, AesCtrIv { iv: 7, count: 0 });
        ivs.commit(first);
        assert_eq!(ivs.next(&provider, Some(7)).unwrap().iv, 8);
    }

    #[test]
    fn iv_is_not_consumed_before_commit() {
        let provider = provider(&[0, 0, 0, 1]);
        let mut ivs = DriverIvs::default();
        let first = ivs.next(&provider, None).unwrap();
        ivs.commit(first);
        assert_eq!(ivs.next(&provider, None).unwrap(), ivs.next(&provider, None).unwrap());
    }

    #[test]
    fn sequence_at_its_end_is_exhausted() {
        let ivs = DriverIvs { last: Some(u64::MAX) };
        assert!(matches!(ivs.next(&provider(&[0]), None), Err(Error::IvExhausted)));
    }
}
