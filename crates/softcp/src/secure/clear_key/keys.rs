//! The keys that licences have brought.

use std::collections::HashMap;

use softcp_abi::{GUID, HRESULT};

use super::{MAX_KEYS, status};
use crate::key::ContentKey;

/// A key's identifier, in the byte order of MP4 files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kid(pub(super) [u8; 16]);

impl Kid {
    /// A command's input that is a KID.
    pub(super) fn parse(input: &[u8]) -> Result<Self, HRESULT> {
        input.try_into().map(Self).map_err(|_| status::BAD_INPUT)
    }

    /// The GUID of the same written form.
    pub(super) fn guid(self) -> GUID {
        GUID::from_u128(u128::from_be_bytes(self.0))
    }
}

/// Keys by KID, [`MAX_KEYS`] at most, revoked ones counted.
#[derive(Default)]
pub(super) struct Keys(HashMap<Kid, Slot>);

enum Slot {
    /// Boxed, since a table that grows would leave copies of its keys behind.
    Live(Box<ContentKey>),
    Revoked,
}

impl Keys {
    /// Takes all of a licence's keys, whose KIDs differ, or none.
    pub(super) fn load(&mut self, keys: Vec<(Kid, Box<ContentKey>)>) -> Result<(), HRESULT> {
        if keys.iter().any(|(kid, _)| matches!(self.0.get(kid), Some(Slot::Revoked))) {
            return Err(status::REVOKED);
        }
        let new = keys.iter().filter(|(kid, _)| !self.0.contains_key(kid)).count();
        if self.0.len() + new > MAX_KEYS {
            return Err(status::TOO_MANY_KEYS);
        }
        self.0.extend(keys.into_iter().map(|(kid, key)| (kid, Slot::Live(key))));
        Ok(())
    }

    /// The key of a KID.
    pub(super) fn get(&self, kid: Kid) -> Result<&ContentKey, HRESULT> {
        match self.0.get(&kid) {
            Some(Slot::Live(key)) => Ok(key),
            Some(Slot::Revoked) => Err(status::REVOKED),
            None => Err(status::UNKNOWN_KID),
        }
    }

    /// Revokes one key; returns how many were not revoked before.
    pub(super) fn revoke(&mut self, kid: Kid) -> Result<usize, HRESULT> {
        self.0.get_mut(&kid).map(Slot::revoke).ok_or(status::UNKNOWN_KID)
    }

    /// Revokes all keys; returns how many were not revoked before.
    pub(super) fn revoke_all(&mut self) -> usize {
        self.0.values_mut().map(Slot::revoke).sum()
    }
}

impl Slot {
    fn revoke(&mut self) -> usize {
        match std::mem::replace(self, Self::Revoked) {
            Self::Live(_) => 1,
            Self::Revoked => 0,
        }
    }
}
