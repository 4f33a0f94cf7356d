//! `[test]`: hooks for tests of what cannot be reached otherwise. They cost security; nothing else sets them.

use serde::{Deserialize, Serialize};

use super::number::Number;

/// `[test]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TestConfig {
    /// The first IV that `EncryptionBlt` uses with each key, in place of 32 random bits (D11). IVs that are known
    /// beforehand are the same under keys that are the same: for tests of the end of the sequence only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_read_back_iv: Option<Number>,
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn first_iv(options: &str) -> Option<u64> {
        // Twice, so that what is written is read again.
        let config = Config::default().with_options(options).unwrap().with_options("").unwrap();
        config.test.first_read_back_iv.map(u64::from)
    }

    #[test]
    fn numbers_have_64_bits_and_two_forms() {
        assert_eq!(first_iv(""), None);
        for (text, number) in [
            ("7", 7),
            ("0x10", 16),
            ("18446744073709551615", u64::MAX),
            ("0xFFFFFFFFFFFFFFFE", u64::MAX - 1),
            ("\"0xfffffffffffffffe\"", u64::MAX - 1),
        ] {
            assert_eq!(first_iv(&format!("test.first_read_back_iv={text}")), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_named() {
        for text in ["-1", "0x", "many", "18446744073709551616"] {
            let error = Config::default().with_options(&format!("test.first_read_back_iv={text}")).unwrap_err();
            assert!(error.to_string().contains("test.first_read_back_iv"), "{error}");
        }
    }
}
