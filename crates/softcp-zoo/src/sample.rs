//! Samples of Common Encryption, decrypted by rules that may be wrong.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use crate::cipher::count;
use crate::keys::{Block, xor};

/// Bytes of a block.
const BLOCK: usize = 16;

/// An encrypted buffer.
pub(crate) struct Sample<'s> {
    pub(crate) is_cbc: bool,
    pub(crate) key: Block,
    pub(crate) iv: Block,
    /// Clear bytes and the region behind them; they cover the data.
    pub(crate) parts: &'s [(usize, usize)],
    /// Encrypted and clear blocks; zeros for none.
    pub(crate) stripes: (u32, u32),
    pub(crate) data: &'s [u8],
}

/// What is wrong. The default is a correct driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own that one driver breaks")]
pub(crate) struct Flaws {
    /// A keystream or a chain that should go on over regions restarts, or the other way about.
    pub(crate) inverted_restart: bool,
    /// Stripes go on from one region to the next.
    pub(crate) stripes_go_on: bool,
    /// The bytes behind the last whole block of a region: left in cenc, decrypted in the other schemes.
    pub(crate) inverted_partial_block: bool,
    /// Clear blocks take part in the chain, or take keystream.
    pub(crate) clear_blocks_count: bool,
    /// Stripes that the end of their region cuts are left.
    pub(crate) last_stripe_lost: bool,
    /// Stripes are of bytes, not of blocks.
    pub(crate) stripes_of_bytes: bool,
    /// What follows a region of 0 bytes is left.
    pub(crate) empty_region_ends: bool,
    /// Stripes mean AES-CBC, and none AES-CTR, whatever the decoder has.
    pub(crate) mode_by_stripes: bool,
}

/// None.
pub(crate) const NO_FLAWS: Flaws = Flaws {
    inverted_restart: false,
    stripes_go_on: false,
    inverted_partial_block: false,
    clear_blocks_count: false,
    last_stripe_lost: false,
    stripes_of_bytes: false,
    empty_region_ends: false,
    mode_by_stripes: false,
};

/// The clear bytes of a sample.
pub(crate) fn decrypt(sample: &Sample<'_>, flaws: Flaws) -> Vec<u8> {
    let is_striped = sample.stripes != (0, 0);
    let is_cbc = if flaws.mode_by_stripes { is_striped } else { sample.is_cbc };
    let restarts = (is_cbc && is_striped) != flaws.inverted_restart;
    let leaves_partial_block = (is_cbc || is_striped) != flaws.inverted_partial_block;
    let cipher = Aes128::new((&sample.key).into());
    let mut walk = Walk { cipher, iv: sample.iv, last: sample.iv, used: 0 };
    let (encrypted, clear) = (u64::from(sample.stripes.0), u64::from(sample.stripes.1));
    let mut out = sample.data.to_vec();
    let (mut at, mut number) = (0, 0_u64);
    for &(before, len) in sample.parts {
        at += before;
        if len == 0 && flaws.empty_region_ends {
            break;
        }
        if restarts {
            (walk.last, walk.used) = (walk.iv, 0);
        }
        if !flaws.stripes_go_on {
            number = 0;
        }
        let unit = if flaws.stripes_of_bytes { 1 } else { BLOCK };
        let of_whole_stripes = |len: usize| {
            let period = usize::try_from((encrypted + clear) * unit as u64).unwrap_or(usize::MAX);
            if is_striped && flaws.last_stripe_lost { len / period * period } else { len }
        };
        let region = &mut out[at..at + of_whole_stripes(len)];
        at += len;
        for piece in region.chunks_mut(unit) {
            let is_encrypted = !is_striped || number % (encrypted + clear) < encrypted;
            number += 1;
            let is_partial = piece.len() < unit || (flaws.stripes_of_bytes && is_cbc);
            if is_partial && leaves_partial_block {
                continue;
            }
            if is_encrypted {
                walk.decrypt(is_cbc, piece);
            } else if flaws.clear_blocks_count {
                walk.pass(is_cbc, piece);
            }
        }
    }
    out
}

struct Walk {
    cipher: Aes128,
    iv: Block,
    last: Block,
    used: u64,
}

impl Walk {
    fn decrypt(&mut self, is_cbc: bool, piece: &mut [u8]) {
        match <&mut Block>::try_from(&mut *piece) {
            Ok(block) if is_cbc => {
                let sent = *block;
                self.cipher.decrypt_block(block.into());
                *block = xor(block, &self.last);
                self.last = sent;
            }
            // What is no whole block has a keystream of the chain's last block.
            Err(_) if is_cbc => {
                let mut stream = self.last;
                self.cipher.encrypt_block((&mut stream).into());
                piece.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
            }
            _ => {
                for byte in piece {
                    let mut stream = count(&self.iv, self.used / BLOCK as u64);
                    self.cipher.encrypt_block((&mut stream).into());
                    *byte ^= stream[usize::try_from(self.used % BLOCK as u64).unwrap_or_default()];
                    self.used += 1;
                }
            }
        }
    }

    fn pass(&mut self, is_cbc: bool, piece: &[u8]) {
        self.used += piece.len() as u64;
        if let (true, Ok(block)) = (is_cbc, piece.try_into()) {
            self.last = block;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(is_cbc: bool, stripes: (u32, u32), data: &[u8]) -> Sample<'_> {
        const PARTS: &[(usize, usize)] = &[(0, 48), (0, 0), (3, 56)];
        Sample { is_cbc, key: [1; 16], iv: [2; 16], parts: PARTS, stripes, data }
    }

    #[test]
    fn each_flaw_shows_in_some_scheme_and_none_is_right() {
        // NIST SP 800-38A, F.2.2, as the correct rules see it.
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let iv = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let cipher = 0x7649_abac_8119_b246_cee9_8e9b_12e9_197d_u128.to_be_bytes();
        let plain = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        let published = Sample { is_cbc: true, key, iv, parts: &[(0, 16)], stripes: (0, 0), data: &cipher };
        assert_eq!(decrypt(&published, NO_FLAWS), plain);
        let data: Vec<u8> = (0..107).collect();
        for flaws in [
            Flaws { inverted_restart: true, ..NO_FLAWS },
            Flaws { stripes_go_on: true, ..NO_FLAWS },
            Flaws { inverted_partial_block: true, ..NO_FLAWS },
            Flaws { clear_blocks_count: true, ..NO_FLAWS },
            Flaws { last_stripe_lost: true, ..NO_FLAWS },
            Flaws { stripes_of_bytes: true, ..NO_FLAWS },
            Flaws { empty_region_ends: true, ..NO_FLAWS },
            Flaws { mode_by_stripes: true, ..NO_FLAWS },
        ] {
            let schemes = [(false, (0, 0)), (false, (1, 1)), (true, (0, 0)), (true, (1, 1))];
            let shows = schemes.iter().filter(|(is_cbc, stripes)| {
                let sample = sample(*is_cbc, *stripes, &data);
                decrypt(&sample, flaws) != decrypt(&sample, NO_FLAWS)
            });
            assert_ne!(shows.count(), 0, "{flaws:?}");
        }
    }
}
