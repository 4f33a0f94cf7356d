//! Cases: one rule each.

use std::fmt;

use serde::{Deserialize, Serialize};
use softcp_runtime::{DriverError, Error, HResult};

use crate::context::Context;
use crate::diagnosis;
use crate::variation::Mix;

/// How much a rule binds a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// The public reference of the DDI demands it.
    Reference,
    /// The reference is silent or disagrees with itself; SoftCP has decided (`docs/decisions.md`).
    Decision,
    /// Nothing demands it, and users of a driver will miss it.
    Quality,
}

impl Requirement {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Reference, Self::Decision, Self::Quality];

    /// `reference`, `decision`, `quality`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Decision => "decision",
            Self::Quality => "quality",
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Cases that are about the same part of the interface, and share a child process.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// First part of its cases' names, as `refresh`.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The circumstances in which they run.
    pub mix: Mix,
    /// Its cases, in the order in which they run.
    pub cases: &'static [Case],
}

/// One rule and the check of it.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The group's name, a slash, and the rule in short, as `refresh/xor`. Unique, and the same for ever: lists of known
    /// deviations and reports go by it.
    pub name: &'static str,
    /// The rule in one sentence.
    pub rule: &'static str,
    /// Where it comes from: an entry of the DDI, a decision by its number, a standard and its section.
    pub source: &'static str,
    /// How much it binds.
    pub requirement: Requirement,
    /// Checks it.
    pub run: fn(&Context<'_>) -> CaseResult,
}

/// What a check came to: the rule holds, or why the check stopped.
pub type CaseResult<T = ()> = Result<T, Stop>;

/// Why a check stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The driver does not offer what the rule is about.
    Skipped {
        /// What it does not offer, or why it cannot be told.
        reason: String,
    },
    /// The driver breaks the rule, or what a case needs before it comes to its rule.
    Failed {
        /// What should have been.
        expected: String,
        /// What was.
        seen: String,
    },
}

impl Stop {
    /// A rule that does not concern this driver.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped { reason: reason.into() }
    }

    /// A broken rule.
    pub fn failed(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Failed { expected: expected.into(), seen: seen.into() }
    }
}

/// A call that had to succeed did not.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::MissingEntry { function } => Self::skipped(format!("the driver does not offer {function}")),
            Error::Driver(error) => error.into(),
            error => Self::failed("answers that keep the contract", error.to_string()),
        }
    }
}

impl From<DriverError> for Stop {
    fn from(error: DriverError) -> Self {
        let seen = if error.text.is_empty() {
            error.hresult.to_string()
        } else {
            format!("{}: {}", error.hresult, error.text)
        };
        Self::failed(format!("{} succeeds", error.function), seen)
    }
}

/// Fails unless `holds`.
pub(crate) fn check(holds: bool, expected: impl Into<String>, seen: impl FnOnce() -> String) -> CaseResult {
    if holds { Ok(()) } else { Err(Stop::failed(expected, seen())) }
}

/// Fails unless both are the same.
pub(crate) fn check_equal<T: PartialEq + fmt::Debug>(what: &str, expected: &T, seen: &T) -> CaseResult {
    check(expected == seen, format!("{what}: {expected:?}"), || format!("{seen:?}"))
}

/// Fails unless the bytes are the same; says where they differ first.
pub(crate) fn check_bytes(what: &str, expected: &[u8], seen: &[u8]) -> CaseResult {
    if expected == seen {
        return Ok(());
    }
    if expected.len() != seen.len() {
        return Err(Stop::failed(format!("{what}: {} bytes", expected.len()), format!("{} bytes", seen.len())));
    }
    let at = expected.iter().zip(seen).position(|(a, b)| a != b).unwrap_or_default();
    let differing = expected.iter().zip(seen).filter(|(a, b)| a != b).count();
    let around = |bytes: &[u8]| hex(&bytes[at..bytes.len().min(at + 16)]);
    let mistake = diagnosis::explain(expected, seen).map(|text| format!(": {text}")).unwrap_or_default();
    Err(Stop::failed(
        format!("{what}: {} from byte {at} on", around(expected)),
        format!("{} ({differing} of {} bytes differ){mistake}", around(seen), seen.len()),
    ))
}

/// Fails unless a call ended with `expected`.
pub(crate) fn check_hresult(call: &str, expected: HResult, seen: HResult) -> CaseResult {
    check(expected == seen, format!("{call}: {expected}"), || seen.to_string())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
