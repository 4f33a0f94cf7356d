//! Handles: small numbers that name the engine's objects, checked on every use.
//!
//! A [`Handle`] holds an index, a serial number and the kind of its object, in as many bits as a pointer has, so that
//! it fits the one slot that the DDI's handle structures offer. It is looked up, never dereferenced: a stale, foreign,
//! forged or zeroed handle is an error. Live handles of one adapter are unique over all kinds (D25).
//!
//! ```text
//! 64 bits: kind 4 | serial 36 | index 24          32 bits: kind 3 | serial 15 | index 14
//! ```

use std::num::NonZeroUsize;

use crate::error::Error;

#[cfg(target_pointer_width = "64")]
const INDEX_BITS: u32 = 24;
#[cfg(target_pointer_width = "64")]
const SERIAL_BITS: u32 = 36;
#[cfg(target_pointer_width = "32")]
const INDEX_BITS: u32 = 14;
#[cfg(target_pointer_width = "32")]
const SERIAL_BITS: u32 = 15;

pub(crate) const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
const SERIAL_MASK: usize = (1 << SERIAL_BITS) - 1;

/// What a handle names. Never zero, so no handle is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Kind {
    /// A device.
    Device = 1,
    /// A crypto session.
    CryptoSession = 2,
    /// An authenticated channel.
    AuthenticatedChannel = 3,
    /// A decoder of the host.
    Decoder = 4,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::CryptoSession => "crypto session",
            Self::AuthenticatedChannel => "authenticated channel",
            Self::Decoder => "decoder",
        }
    }
}

/// Names one live object of an adapter; what an application sees as `HANDLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(NonZeroUsize);

impl Handle {
    /// A handle from the pointer-sized number that [`Self::get`] gave out. Any other number is an error when used;
    /// zero is one at once.
    #[must_use]
    pub fn from_raw(raw: usize) -> Option<Self> {
        NonZeroUsize::new(raw).map(Self)
    }

    /// The handle as a pointer-sized number, never zero.
    #[must_use]
    pub fn get(self) -> usize {
        self.0.get()
    }

    pub(crate) fn new(kind: Kind, serial: usize, index: usize) -> Self {
        let raw = (kind as usize) << (SERIAL_BITS + INDEX_BITS) | (serial & SERIAL_MASK) << INDEX_BITS | index;
        Self(NonZeroUsize::new(raw).expect("the kind is never zero"))
    }

    /// The kind of object that the handle says it names.
    pub(crate) fn is_of(self, kind: Kind) -> bool {
        self.get() >> (SERIAL_BITS + INDEX_BITS) == kind as usize
    }

    pub(crate) fn index(self) -> usize {
        self.get() & INDEX_MASK
    }
}

impl Kind {
    /// The error of a handle that names no live object of this kind on this device.
    #[must_use]
    pub fn bad_handle(self) -> Error {
        Error::BadHandle { kind: self.name() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_wraps_without_touching_the_kind() {
        let [last, first] = [SERIAL_MASK, SERIAL_MASK + 1].map(|serial| Handle::new(Kind::CryptoSession, serial, 7));
        assert_ne!(last, first);
        for handle in [last, first] {
            assert!(handle.is_of(Kind::CryptoSession) && !handle.is_of(Kind::Device));
            assert_eq!(handle.index(), 7);
        }
    }

    #[test]
    fn zero_is_no_handle() {
        assert_eq!(Handle::from_raw(0), None);
    }
}
