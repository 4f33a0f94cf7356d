//! AES-128 OMAC1, which is CMAC (NIST SP 800-38B, RFC 4493).

use cmac::{Cmac, KeyInit, Mac};

use super::Block;

/// The OMAC of `message` under a channel's key.
#[must_use]
pub fn omac(key: &Block, message: &[u8]) -> Block {
    let mut mac = Cmac::<aes::Aes128>::new(key.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4493, section 4, example 2.
    #[test]
    fn omac_is_that_of_the_rfc() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let message = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        assert_eq!(omac(&key, &message), 0x070a_16b4_6b4d_4144_f79b_dd9d_d04a_287c_u128.to_be_bytes());
    }
}
