//! Known deviations of a driver: which cases it fails, and why that is accepted.
//!
//! ```toml
//! [[deviation]]
//! case = "decryption/same-iv-again"
//! reason = "the hardware refuses an IV twice; no player of ours seeks"
//! ```
//!
//! A deviation that is no longer there is an error, so that a list does not outlive its reasons.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cases;

/// Known deviations: the reason by the case's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations(BTreeMap<String, String>);

/// Why a list of deviations is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationsError {
    /// Not a TOML file of this form.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A case that the kit does not have.
    #[error("the kit has no case {0}")]
    NoSuchCase(String),
    /// Twice the same case.
    #[error("{0} is listed twice")]
    Twice(String),
    /// A deviation without a reason.
    #[error("{0} has no reason")]
    NoReason(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    case: String,
    reason: String,
}

impl Expectations {
    /// Reads the text of a list.
    pub fn parse(text: &str) -> Result<Self, ExpectationsError> {
        let mut list = BTreeMap::new();
        for Deviation { case, reason } in toml::from_str::<File>(text)?.deviation {
            if cases::find(&case).is_none() {
                return Err(ExpectationsError::NoSuchCase(case));
            }
            if reason.trim().is_empty() {
                return Err(ExpectationsError::NoReason(case));
            }
            if list.contains_key(&case) {
                return Err(ExpectationsError::Twice(case));
            }
            list.insert(case, reason);
        }
        Ok(Self(list))
    }

    /// Why the driver is expected to fail a case; none if it is not.
    #[must_use]
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(case: &str, reason: &str) -> String {
        format!("[[deviation]]\ncase = \"{case}\"\nreason = \"{reason}\"\n")
    }

    #[test]
    fn reasons_are_found_by_case() {
        let list = Expectations::parse(&entry("refresh/xor", "no refresh here")).unwrap();
        assert_eq!(list.reason("refresh/xor"), Some("no refresh here"));
        assert_eq!(list.reason("refresh/wrong-size"), None);
        assert_eq!(Expectations::parse("").unwrap(), Expectations::default());
    }

    #[test]
    fn lists_with_mistakes_are_refused() {
        let error = |text: &str| Expectations::parse(text).unwrap_err().to_string();
        assert_eq!(error(&entry("refresh/xro", "r")), "the kit has no case refresh/xro");
        assert_eq!(error(&entry("refresh/xor", " ")), "refresh/xor has no reason");
        assert_eq!(error(&(entry("refresh/xor", "a") + &entry("refresh/xor", "b"))), "refresh/xor is listed twice");
        assert!(error("[[deviation]]\ncase = \"refresh/xor\"").contains("reason"));
        assert!(error("deviations = []").contains("deviations"));
    }
}
