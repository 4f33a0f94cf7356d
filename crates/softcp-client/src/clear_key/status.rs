//! How a command ended.

use std::fmt;

use softcp_abi::{HRESULT, S_OK};

/// Severity error, customer bit, facility ITF: the environment's own codes lie behind these bits.
const OWN: u32 = 0xA004_0000;

/// Why the environment refused a command. Success, `S_OK`, is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// The function number is not documented.
    UnknownFunction,
    /// The input is not as long as the command's.
    BadInput,
    /// The answer does not fit the room for it.
    NoRoom,
    /// There has been no PROVISION, or none since a teardown.
    NotProvisioned,
    /// The licence is too large, no licence, or holds no keys or a KID twice.
    BadLicence,
    /// No licence has brought this KID.
    UnknownKid,
    /// The KID has been revoked.
    Revoked,
    /// The licence's keys are more than can be kept.
    TooManyKeys,
    /// The random number generator failed.
    RandomFailed,
    /// Another HRESULT.
    Other(HRESULT),
}

impl Status {
    /// What an HRESULT says; none for `S_OK`.
    #[must_use]
    pub fn of(hresult: HRESULT) -> Option<Self> {
        if hresult == S_OK {
            return None;
        }
        Some(match hresult.cast_unsigned().wrapping_sub(OWN) {
            1 => Self::UnknownFunction,
            2 => Self::BadInput,
            3 => Self::NoRoom,
            4 => Self::NotProvisioned,
            5 => Self::BadLicence,
            6 => Self::UnknownKid,
            7 => Self::Revoked,
            8 => Self::TooManyKeys,
            9 => Self::RandomFailed,
            _ => Self::Other(hresult),
        })
    }

    /// The HRESULT.
    #[must_use]
    pub fn hresult(self) -> HRESULT {
        let code = match self {
            Self::UnknownFunction => 1,
            Self::BadInput => 2,
            Self::NoRoom => 3,
            Self::NotProvisioned => 4,
            Self::BadLicence => 5,
            Self::UnknownKid => 6,
            Self::Revoked => 7,
            Self::TooManyKeys => 8,
            Self::RandomFailed => 9,
            Self::Other(hresult) => return hresult,
        };
        (OWN | code).cast_signed()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownFunction => "it does not know the function",
            Self::BadInput => "the input is not as long as the function's",
            Self::NoRoom => "the answer does not fit",
            Self::NotProvisioned => "it is not provisioned",
            Self::BadLicence => "it cannot read the licence",
            Self::UnknownKid => "no licence has brought the KID",
            Self::Revoked => "the KID has been revoked",
            Self::TooManyKeys => "the licence's keys are more than it can keep",
            Self::RandomFailed => "its random number generator failed",
            Self::Other(hresult) => return write!(f, "status 0x{hresult:08X}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hresult_is_that_of_its_status() {
        assert_eq!(Status::of(0), None);
        for hresult in [1, -1, 0x7fff_ffff, 0xA004_0000_u32.cast_signed(), 0xA004_000A_u32.cast_signed()] {
            assert_eq!(Status::of(hresult), Some(Status::Other(hresult)));
        }
        for hresult in (0xA004_0001..=0xA004_0009_u32).map(u32::cast_signed) {
            let status = Status::of(hresult).unwrap();
            assert!(!matches!(status, Status::Other(_)), "{hresult:x}");
            assert_eq!(status.hresult(), hresult);
        }
    }
}
