//! AES-128-CTR over buffers and surfaces.
//!
//! Counter mode enciphers and deciphers by the same operation: data XOR keystream. The names here
//! say which of the two the application is doing.

use std::fmt;

use aes::Aes128;
use aes::cipher::{KeyInit, StreamCipher};
use ctr::cipher::{InnerIvInit, StreamCipherCoreWrapper};
use ctr::{CtrCore, flavors};

use crate::iv::AesCtrIv;
use crate::keys::KEY_SIZE;
use crate::pattern::{EncryptedBlockInfo, PatternCursor};
use crate::rows::RowsMut;

/// A key made ready to encipher and decipher buffer bytes.
///
/// It comes from [`ContentKey::data_cipher`](crate::ContentKey::data_cipher),
/// [`ReadBackKey::data_cipher`](crate::ReadBackKey::data_cipher) or
/// [`ClientSession::data_cipher`](crate::ClientSession::data_cipher), and is wiped when dropped.
pub struct DataCipher {
    aes: Aes128,
}

impl DataCipher {
    pub(crate) fn new(key: &[u8; KEY_SIZE]) -> Self {
        Self { aes: Aes128::new(&(*key).into()) }
    }

    /// Enciphers a whole buffer in place: `DecryptionBlt` without an encrypted-block info.
    ///
    /// `iv` must never have been used with this key before; take it from an [`IvSequence`](crate::IvSequence).
    pub fn encrypt(&self, iv: AesCtrIv, buffer: &mut [u8]) {
        self.stream(iv).apply(buffer);
    }

    /// Enciphers the bytes of a buffer that `pattern` says, in place: `DecryptionBlt` with an encrypted-block info.
    ///
    /// `iv` as for [`encrypt`](Self::encrypt).
    pub fn encrypt_pattern(&self, iv: AesCtrIv, pattern: EncryptedBlockInfo, buffer: &mut [u8]) {
        self.stream_with_pattern(iv, pattern).apply(buffer);
    }

    /// Deciphers a surface in place: what `EncryptionBlt` wrote, with the IV it returned.
    pub fn decrypt_rows(&self, iv: AesCtrIv, rows: &mut RowsMut<'_>) {
        self.stream(iv).apply_rows(rows);
    }

    /// Starts a stream in which every byte is enciphered, for data that arrives in pieces or planes.
    #[must_use]
    pub fn stream(&self, iv: AesCtrIv) -> CipherStream<'_> {
        self.start(iv, PatternCursor::everything())
    }

    /// Starts a stream in which `pattern` says what is enciphered. The pattern runs on from piece to piece.
    #[must_use]
    pub fn stream_with_pattern(&self, iv: AesCtrIv, pattern: EncryptedBlockInfo) -> CipherStream<'_> {
        self.start(iv, PatternCursor::new(pattern))
    }

    fn start(&self, iv: AesCtrIv, pattern: PatternCursor) -> CipherStream<'_> {
        let core = CtrCore::inner_iv_init(&self.aes, &iv.to_bytes().into());
        CipherStream { keystream: StreamCipherCoreWrapper::from_core(core), pattern }
    }
}

impl fmt::Debug for DataCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataCipher").finish_non_exhaustive()
    }
}

/// One keystream, consumed from its first byte on.
///
/// Pieces of any length continue each other, inside a block too. The counter wraps as D5 says: `Ctr64BE` counts in
/// the second half of the block alone.
pub struct CipherStream<'a> {
    keystream: StreamCipherCoreWrapper<CtrCore<&'a Aes128, flavors::Ctr64BE>>,
    pattern: PatternCursor,
}

impl CipherStream<'_> {
    /// Enciphers or deciphers the next bytes, in place.
    pub fn apply(&mut self, mut data: &mut [u8]) {
        while !data.is_empty() {
            let (len, encrypted) = self.pattern.take(data.len());
            let (run, rest) = data.split_at_mut(len);
            if encrypted {
                self.keystream.apply_keystream(run);
            }
            data = rest;
        }
    }

    /// Enciphers or deciphers the next bytes into a buffer of the same length.
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    pub fn apply_to(&mut self, mut from: &[u8], mut to: &mut [u8]) {
        assert_eq!(from.len(), to.len(), "bytes of one stream go into as many bytes");
        while !from.is_empty() {
            let (len, encrypted) = self.pattern.take(from.len());
            let (run, rest) = from.split_at(len);
            let (into, left) = to.split_at_mut(len);
            if encrypted {
                self.keystream.apply_keystream_b2b(run, into);
            } else {
                into.copy_from_slice(run);
            }
            (from, to) = (rest, left);
        }
    }

    /// Enciphers or deciphers the visible bytes of the next surface or plane, row after row, in place.
    ///
    /// Neither keystream nor pattern restarts at a row (D9), and the padding keeps its bytes.
    pub fn apply_rows(&mut self, rows: &mut RowsMut<'_>) {
        for row in rows.iter_mut() {
            self.apply(row);
        }
    }
}

impl fmt::Debug for CipherStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CipherStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aes::cipher::BlockCipherEncrypt;
    use proptest::prelude::*;

    use super::*;

    /// NIST SP 800-38A F.5.1, CTR-AES128: key, initial counter block, plain text, cipher text.
    const NIST_KEY: u128 = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c;
    const NIST_COUNTER: u128 = 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff;
    const NIST_PLAIN: [u128; 4] = [
        0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a,
        0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51,
        0x30c8_1c46_a35c_e411_e5fb_c119_1a0a_52ef,
        0xf69f_2445_df4f_9b17_ad2b_417b_e66c_3710,
    ];
    const NIST_CIPHER: [u128; 4] = [
        0x874d_6191_b620_e326_1bef_6864_990d_b6ce,
        0x9806_f66b_7970_fdff_8617_187b_b9ff_fdff,
        0x5ae4_df3e_dbd5_d35e_5b4f_0902_0db0_3eab,
        0x1e03_1dda_2fbe_03d1_7921_70a0_f300_9cee,
    ];

    fn bytes(blocks: &[u128]) -> Vec<u8> {
        blocks.iter().flat_map(|block| block.to_be_bytes()).collect()
    }

    /// A second, slow reading of D5, D6, D8 and D9: decides and enciphers one byte at a time.
    fn by_byte(key: [u8; 16], iv: AesCtrIv, info: Option<EncryptedBlockInfo>, data: &mut [u8], layout: [usize; 3]) {
        let [row_pitch, row_bytes, rows] = layout;
        let aes = Aes128::new(&key.into());
        let mut consumed: u64 = 0;
        for visible in 0..row_bytes * rows {
            let encrypted = info.is_none_or(|info| {
                let [beginning, skip, encrypt] = [
                    info.num_encrypted_bytes_at_beginning,
                    info.num_bytes_in_skip_pattern,
                    info.num_bytes_in_encrypt_pattern,
                ]
                .map(|field| usize::try_from(field).unwrap());
                visible < beginning || encrypt > 0 && (visible - beginning) % (skip + encrypt) >= skip
            });
            if encrypted {
                let mut block = [0; 16];
                block[..8].copy_from_slice(&iv.iv.to_be_bytes());
                block[8..].copy_from_slice(&iv.count.wrapping_add(consumed / 16).to_be_bytes());
                let mut block = block.into();
                aes.encrypt_block(&mut block);
                let place = visible / row_bytes * row_pitch + visible % row_bytes;
                data[place] ^= block[usize::try_from(consumed % 16).unwrap()];
                consumed += 1;
            }
        }
    }

    #[test]
    fn encrypt_nist_ctr_vector_gives_the_published_cipher_text() {
        let cipher = DataCipher::new(&NIST_KEY.to_be_bytes());
        let mut data = bytes(&NIST_PLAIN);
        cipher.encrypt(AesCtrIv::from_bytes(NIST_COUNTER.to_be_bytes()), &mut data);
        assert_eq!(data, bytes(&NIST_CIPHER));
    }

    #[test]
    fn encrypt_across_the_64_bit_wrap_starts_count_at_zero_and_keeps_iv() {
        // Keystream blocks made with OpenSSL 3.0.19, each counter block enciphered by itself:
        //   printf '%s' 0102030405060708ffffffffffffffff | xxd -r -p |
        //     openssl enc -aes-128-ecb -nopad -K 2b7e151628aed2a6abf7158809cf4f3c | xxd -p
        // and the same for 01020304050607080000000000000000.
        const KEYSTREAM: [u128; 2] =
            [0x9bc6_9d06_da9b_3335_ef60_284d_cfea_4e97, 0x5dc8_d5a6_af38_131b_4e8b_a885_5e92_b30b];
        let mut data = [0; 32];
        let iv = AesCtrIv { iv: 0x0102_0304_0506_0708, count: u64::MAX };
        DataCipher::new(&NIST_KEY.to_be_bytes()).encrypt(iv, &mut data);
        assert_eq!(data.to_vec(), bytes(&KEYSTREAM));
    }

    #[test]
    fn encrypt_pattern_skipped_bytes_stay_clear_and_consume_no_keystream() {
        let cipher = DataCipher::new(&NIST_KEY.to_be_bytes());
        let iv = AesCtrIv::from_bytes(NIST_COUNTER.to_be_bytes());
        // The published plain text with clear bytes put in after bytes 10, 10 + 30 and 10 + 30 + 24.
        let pattern = EncryptedBlockInfo {
            num_encrypted_bytes_at_beginning: 10,
            num_bytes_in_skip_pattern: 7,
            num_bytes_in_encrypt_pattern: 30,
        };
        let spread = |text: &[u8]| [&text[..10], b"clear01", &text[10..40], b"clear02", &text[40..]].concat();
        let mut data = spread(&bytes(&NIST_PLAIN));
        cipher.encrypt_pattern(iv, pattern, &mut data);
        assert_eq!(data, spread(&bytes(&NIST_CIPHER)));
    }

    #[test]
    fn decrypt_rows_pitched_surface_opens_rows_and_keeps_padding() {
        let cipher = DataCipher::new(&NIST_KEY.to_be_bytes());
        let iv = AesCtrIv::from_bytes(NIST_COUNTER.to_be_bytes());
        let pitched = |text: &[u8]| [&text[..20], b"padding", &text[20..40], b"PADDING", &text[40..60]].concat();
        let mut data = pitched(&bytes(&NIST_CIPHER));
        let mut rows = RowsMut::new(&mut data, 27, 20, 3).unwrap();
        cipher.decrypt_rows(iv, &mut rows);
        assert_eq!(rows.to_packed(), bytes(&NIST_PLAIN)[..60]);
        assert_eq!(data, pitched(&bytes(&NIST_PLAIN)));
    }

    #[test]
    fn stream_advanced_iv_continues_the_buffer() {
        let cipher = DataCipher::new(&NIST_KEY.to_be_bytes());
        let iv = AesCtrIv::from_bytes(NIST_COUNTER.to_be_bytes());
        let mut data = bytes(&NIST_PLAIN);
        let (first, second) = data.split_at_mut(32);
        cipher.encrypt(iv.advance(32).unwrap(), second);
        cipher.encrypt(iv, first);
        assert_eq!(data, bytes(&NIST_CIPHER));
    }

    #[test]
    fn debug_shows_no_key() {
        let cipher = DataCipher::new(&[0xab; 16]);
        assert_eq!(format!("{cipher:?}"), "DataCipher { .. }");
        assert_eq!(format!("{:?}", cipher.stream(AesCtrIv::new(1))), "CipherStream { .. }");
    }

    prop_compose! {
        /// Run lengths around the block size, with the special value 0 often.
        fn any_pattern()(
            fields in prop::array::uniform3(prop_oneof![Just(0_u32), 1_u32..40, Just(16_u32), 100_u32..1000])
        ) -> EncryptedBlockInfo {
            let [num_encrypted_bytes_at_beginning, num_bytes_in_skip_pattern, num_bytes_in_encrypt_pattern] = fields;
            EncryptedBlockInfo {
                num_encrypted_bytes_at_beginning, num_bytes_in_skip_pattern, num_bytes_in_encrypt_pattern,
            }
        }
    }

    /// Counts that wrap within a small surface, and any others.
    fn any_iv() -> impl Strategy<Value = AesCtrIv> {
        let count = prop_oneof![any::<u64>(), (0_u64..8).prop_map(|distance| u64::MAX - distance)];
        (any::<u64>(), count).prop_map(|(iv, count)| AesCtrIv { iv, count })
    }

    proptest! {
        #[test]
        fn pattern_on_pitched_rows_equals_byte_by_byte(
            key: [u8; 16],
            iv in any_iv(),
            pattern in prop::option::of(any_pattern()),
            padding in 0_usize..20,
            row_bytes in 1_usize..70,
            rows in 1_usize..12,
            fill: u8,
        ) {
            let row_pitch = row_bytes + padding;
            let mut data: Vec<u8> = (0..row_pitch * rows).map(|at| fill.wrapping_add(at.to_le_bytes()[0])).collect();
            let mut expected = data.clone();
            by_byte(key, iv, pattern, &mut expected, [row_pitch, row_bytes, rows]);

            let cipher = DataCipher::new(&key);
            let mut stream = match pattern {
                Some(pattern) => cipher.stream_with_pattern(iv, pattern),
                None => cipher.stream(iv),
            };
            stream.apply_rows(&mut RowsMut::new(&mut data, row_pitch, row_bytes, rows).unwrap());
            prop_assert_eq!(data, expected);
        }

        #[test]
        fn buffer_in_pieces_equals_buffer_at_once(
            key: [u8; 16],
            iv in any_iv(),
            pattern in any_pattern(),
            mut data in prop::collection::vec(any::<u8>(), 0..600),
            piece in 1_usize..50,
        ) {
            let cipher = DataCipher::new(&key);
            let mut whole = data.clone();
            cipher.encrypt_pattern(iv, pattern, &mut whole);
            let mut stream = cipher.stream_with_pattern(iv, pattern);
            let mut elsewhere = vec![0xee; data.len()];
            data.chunks(piece).zip(elsewhere.chunks_mut(piece)).for_each(|(from, to)| stream.apply_to(from, to));
            prop_assert_eq!(&elsewhere, &whole);
            let mut stream = cipher.stream_with_pattern(iv, pattern);
            data.chunks_mut(piece).for_each(|piece| stream.apply(piece));
            prop_assert_eq!(data, whole);
        }
    }
}
