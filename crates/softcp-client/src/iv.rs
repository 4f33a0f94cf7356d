//! Initialisation vectors for AES-128-CTR.

use thiserror::Error;

use crate::random::{Random, RandomError};

/// Bytes in an AES block.
const BLOCK_SIZE: u64 = 16;

/// An initialisation vector of AES-128-CTR: `D3D11_AES_CTR_IV`.
///
/// Together the two numbers are the first counter block: IV first, then Count, both big-endian (D5). Count goes up by
/// one for each 16 bytes and wraps without a carry into IV, as in ISO/IEC 23001-7 with 8-byte IVs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AesCtrIv {
    /// The number that is never used twice with one key.
    pub iv: u64,
    /// The block within the stream, 0 for its first byte.
    pub count: u64,
}

impl AesCtrIv {
    /// The IV of a stream's first byte: Count is 0.
    #[must_use]
    pub const fn new(iv: u64) -> Self {
        Self { iv, count: 0 }
    }

    /// Reads the 16 bytes that `EncryptionBlt` wrote, or that a file carries.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = |half: &[u8]| half.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let (iv, count) = bytes.split_at(8);
        Self { iv: number(iv), count: number(count) }
    }

    /// The 16 bytes that `DecryptionBlt` reads.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.iv) << 64 | u128::from(self.count)).to_be_bytes()
    }

    /// The IV at which the same stream goes on after `bytes` enciphered bytes, so that a long buffer can be submitted
    /// in chunks. Skipped bytes of a pattern do not count (D6).
    ///
    /// # Errors
    ///
    /// [`IvError::NotBlockAligned`] when `bytes` is no multiple of 16: an IV cannot point into a block.
    pub fn advance(self, bytes: u64) -> Result<Self, IvError> {
        if !bytes.is_multiple_of(BLOCK_SIZE) {
            return Err(IvError::NotBlockAligned { bytes });
        }
        Ok(Self { count: self.count.wrapping_add(bytes / BLOCK_SIZE), ..self })
    }
}

/// The IVs of the buffers that an application enciphers under one key, one for each buffer.
///
/// It starts at a random 32-bit number and goes up by one (the rule of D11, applied to the application's own
/// buffers), so IVs are strictly increasing, which drivers that report `SEQUENTIAL_CTR_IV` insist on (D10). Keep one
/// sequence for each key: two under the same key could meet. A new key gets a new sequence.
#[derive(Debug)]
pub struct IvSequence {
    /// The next IV; `None` after the last one.
    next: Option<u64>,
}

impl IvSequence {
    /// Starts a sequence.
    ///
    /// # Errors
    ///
    /// [`RandomError`] when `random` has no bytes.
    pub fn new(random: &dyn Random) -> Result<Self, RandomError> {
        let mut start = [0; 4];
        random.fill(&mut start)?;
        Ok(Self { next: Some(u32::from_be_bytes(start).into()) })
    }

    /// The IV for the next buffer, with Count 0.
    ///
    /// # Errors
    ///
    /// [`IvError::Exhausted`] after the IV 2^64 − 1, for ever: the key has to be replaced.
    pub fn next_iv(&mut self) -> Result<AesCtrIv, IvError> {
        let iv = self.next.ok_or(IvError::Exhausted)?;
        self.next = iv.checked_add(1);
        Ok(AesCtrIv::new(iv))
    }
}

/// Why there is no IV to give.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IvError {
    /// The sequence has reached its end.
    #[error("every IV of this sequence has been used: replace the key and start a new sequence")]
    Exhausted,
    /// A stream can be continued only at a block boundary.
    #[error("a stream cannot go on after {bytes} bytes: that is no multiple of the 16-byte block")]
    NotBlockAligned {
        /// The bytes asked to pass over.
        bytes: u64,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::FixedRandom;

    #[test]
    fn to_bytes_puts_iv_then_count_big_endian() {
        let iv = AesCtrIv { iv: 0x0102_0304_0506_0708, count: 0xfffe_fdfc_fbfa_f9f8 };
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8];
        assert_eq!(iv.to_bytes(), bytes);
        assert_eq!(AesCtrIv::from_bytes(bytes), iv);
    }

    #[test]
    fn advance_at_last_count_wraps_without_carry_into_iv() {
        let iv = AesCtrIv { iv: 7, count: u64::MAX };
        assert_eq!(iv.advance(16), Ok(AesCtrIv { iv: 7, count: 0 }));
        assert_eq!(iv.advance(48), Ok(AesCtrIv { iv: 7, count: 2 }));
    }

    #[test]
    fn advance_into_a_block_is_refused() {
        for bytes in [1, 15, 17, u64::MAX] {
            assert_eq!(AesCtrIv::new(7).advance(bytes), Err(IvError::NotBlockAligned { bytes }));
        }
    }

    #[test]
    fn sequence_starts_at_random_32_bits_and_goes_up_by_one() {
        let mut ivs = IvSequence::new(&FixedRandom::new([0xff, 0xff, 0xff, 0xfe])).unwrap();
        let drawn: Vec<_> = (0..4).map(|_| ivs.next_iv().unwrap()).collect();
        assert_eq!(drawn, [0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001].map(AesCtrIv::new));
    }

    #[test]
    fn sequence_after_the_last_iv_stays_exhausted() {
        let mut ivs = IvSequence { next: Some(u64::MAX - 1) };
        assert_eq!(ivs.next_iv(), Ok(AesCtrIv::new(u64::MAX - 1)));
        assert_eq!(ivs.next_iv(), Ok(AesCtrIv::new(u64::MAX)));
        assert_eq!(ivs.next_iv(), Err(IvError::Exhausted));
        assert_eq!(ivs.next_iv(), Err(IvError::Exhausted));
    }

    #[test]
    fn sequence_without_random_bytes_is_an_error() {
        assert_eq!(IvSequence::new(&FixedRandom::new([1, 2, 3])).unwrap_err(), RandomError);
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: [u8; 16]) {
            prop_assert_eq!(AesCtrIv::from_bytes(bytes).to_bytes(), bytes);
        }

        #[test]
        fn advance_in_two_steps_equals_one_step(iv: u64, count: u64, first in 0_u64..1 << 40, second in 0_u64..1 << 40) {
            let start = AesCtrIv { iv, count };
            let stepped = start.advance(first * 16).unwrap().advance(second * 16).unwrap();
            prop_assert_eq!(stepped, start.advance((first + second) * 16).unwrap());
        }
    }
}
