//! Failures of this library's own, and their HRESULTs; those of the engine are [`Error::hresult`]. No match has a
//! catch-all arm.

use std::fmt;

use softcp::Error;
use softcp_abi::{E_FAIL, E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, HRESULT};

/// Why a call of the library failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused.
    Engine(Error),
    /// A required pointer is null.
    Null(&'static str),
    /// The structure's leading size is smaller than its first version's.
    StructureSize { name: &'static str, given: u32 },
    /// A string is not UTF-8.
    NotUtf8(&'static str),
    /// No SoftCP device is attached to this `hDevice`.
    NotAttached,
    /// This `hDevice` has a SoftCP device already.
    AlreadyAttached,
    /// A value out of its range.
    Invalid(&'static str),
    /// Memory described by the host cannot be used: overlapping or impossibly large.
    Mapping(&'static str),
    /// A callback of the host failed with this HRESULT.
    Host { callback: &'static str, hresult: HRESULT },
    /// The host has no such callback, without which there is no such function.
    NoCallback(&'static str),
    /// Something of the DDI that the reference driver does not have.
    NotOffered(&'static str),
    /// The variables of the log are wrong.
    Log(&'static str),
    /// No memory for a resource.
    OutOfMemory,
    /// A panic was caught; a defect of this library.
    Panic,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn hresult(&self) -> HRESULT {
        match self {
            Self::Engine(error) => error.hresult(),
            Self::Null(_)
            | Self::StructureSize { .. }
            | Self::NotUtf8(_)
            | Self::NotAttached
            | Self::AlreadyAttached
            | Self::Invalid(_)
            | Self::Log(_)
            | Self::Mapping(_) => E_INVALIDARG,
            Self::Host { hresult, .. } => *hresult,
            Self::NoCallback(_) | Self::NotOffered(_) => E_NOTIMPL,
            Self::OutOfMemory => E_OUTOFMEMORY,
            Self::Panic => E_FAIL,
        }
    }
}

impl Failure {
    /// Whether its HRESULT is somebody else's, and may be any: the host's, or the secure environment's.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Self::Host { .. } | Self::Engine(Error::Environment(_) | Error::SealedKey(_)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => write!(f, "{error}"),
            Self::Null(name) => write!(f, "{name} is null"),
            Self::StructureSize { name, given } => write!(f, "{name}.size is {given}, smaller than any version of it"),
            Self::NotUtf8(name) => write!(f, "{name} is not UTF-8"),
            Self::NotAttached => f.write_str("no SoftCP device is attached to this hDevice"),
            Self::AlreadyAttached => f.write_str("this hDevice has a SoftCP device already"),
            Self::Invalid(what) | Self::Mapping(what) | Self::Log(what) => f.write_str(what),
            Self::Host { callback, hresult } => write!(f, "the host's {callback} failed with {hresult:#010x}"),
            Self::NoCallback(name) => write!(f, "the host has no callback {name}"),
            Self::NotOffered(what) => write!(f, "this driver has no {what}"),
            Self::OutOfMemory => f.write_str("there is no memory for the resource"),
            Self::Panic => f.write_str("internal error: a panic was caught"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}
