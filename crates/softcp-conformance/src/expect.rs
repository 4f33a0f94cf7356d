//! Known deviations of a driver: which cases it fails, and why that is accepted.
//!
//! ```toml
//! [[deviation]]
//! case = "decryption/same-iv-again"
//! reason = "the hardware refuses an IV twice; no player of ours seeks"
//! ```
//!
//! A deviation that is no longer there is an error, so that a list does not outlive its reasons.
//!
//! `driver` and `version`, in the file's head or in a deviation, say which driver it is about, by the name and version that
//! the driver gives; `*` stands for any characters. A deviation of another driver is not applied.

use std::collections::BTreeMap;

use serde::Deserialize;
use wildmatch::WildMatch;

use crate::cases;
use crate::report::Driver;

/// Known deviations, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations(Vec<Deviation>);

/// The known deviations of one driver: the reason by the case's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known(BTreeMap<String, String>);

/// Why a list of deviations is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationsError {
    /// Not a TOML file of this form.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A case that the kit does not have.
    #[error("the kit has no case {0}")]
    NoSuchCase(String),
    /// Twice the same case for the same driver and version.
    #[error("{0} is listed twice")]
    Twice(String),
    /// A deviation without a reason.
    #[error("{0} has no reason")]
    NoReason(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    driver: Option<String>,
    version: Option<String>,
    #[serde(default)]
    deviation: Vec<Deviation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    case: String,
    reason: String,
    driver: Option<String>,
    version: Option<String>,
}

impl Expectations {
    /// Reads the text of a list.
    pub fn parse(text: &str) -> Result<Self, ExpectationsError> {
        let File { driver, version, deviation } = toml::from_str(text)?;
        let mut list = Vec::<Deviation>::new();
        for mut deviation in deviation {
            deviation.driver = deviation.driver.or_else(|| driver.clone());
            deviation.version = deviation.version.or_else(|| version.clone());
            if cases::find(&deviation.case).is_none() {
                return Err(ExpectationsError::NoSuchCase(deviation.case));
            }
            if deviation.reason.trim().is_empty() {
                return Err(ExpectationsError::NoReason(deviation.case));
            }
            let about = |of: &Deviation| (of.case.clone(), of.driver.clone(), of.version.clone());
            if list.iter().any(|listed| about(listed) == about(&deviation)) {
                return Err(ExpectationsError::Twice(deviation.case));
            }
            list.push(deviation);
        }
        Ok(Self(list))
    }

    /// The deviations of `driver`, and how many are about others. Of several that name one case the first one counts.
    pub(crate) fn for_driver(&self, driver: &Driver) -> (Known, usize) {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern.as_deref().is_none_or(|pattern| WildMatch::new(pattern).matches(text))
        };
        let mut known = BTreeMap::new();
        let mut others = 0;
        for deviation in &self.0 {
            if fits(&deviation.driver, &driver.name) && fits(&deviation.version, &driver.version) {
                known.entry(deviation.case.clone()).or_insert_with(|| deviation.reason.clone());
            } else {
                others += 1;
            }
        }
        (Known(known), others)
    }
}

impl Known {
    /// Why the driver is expected to fail a case; none if it is not.
    pub(crate) fn reason(&self, case: &str) -> Option<&str> {
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
        let (known, others) = list.for_driver(&Driver::default());
        assert_eq!((known.reason("refresh/xor"), others), (Some("no refresh here"), 0));
        assert_eq!(known.reason("refresh/wrong-size"), None);
        assert_eq!(Expectations::parse("").unwrap(), Expectations::default());
    }

    #[test]
    fn deviations_of_another_driver_or_version_are_not_applied() {
        let head = "driver = \"Example*\"\nversion = \"1.*\"\n";
        let own = "[[deviation]]\ncase = \"refresh/wrong-size\"\nreason = \"r\"\nversion = \"2.0\"\n";
        let list = Expectations::parse(&(head.to_owned() + &entry("refresh/xor", "a") + own)).unwrap();
        let of = |name: &str, version: &str| {
            let driver = Driver { name: name.into(), version: version.into(), ..Driver::default() };
            let (known, others) = list.for_driver(&driver);
            (known.reason("refresh/xor").is_some(), known.reason("refresh/wrong-size").is_some(), others)
        };
        assert_eq!(of("Example driver", "1.4"), (true, false, 1));
        assert_eq!(of("Example driver", "2.0"), (false, true, 1));
        assert_eq!(of("Another driver", "1.4"), (false, false, 2));
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
