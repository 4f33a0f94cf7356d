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
use std::sync::{PoisonError, RwLock};

use crate::error::{Error, Result};

#[cfg(target_pointer_width = "64")]
const INDEX_BITS: u32 = 24;
#[cfg(target_pointer_width = "64")]
const SERIAL_BITS: u32 = 36;
#[cfg(target_pointer_width = "32")]
const INDEX_BITS: u32 = 14;
#[cfg(target_pointer_width = "32")]
const SERIAL_BITS: u32 = 15;

const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;
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

    fn new(kind: Kind, serial: usize, index: usize) -> Self {
        let raw = (kind as usize) << (SERIAL_BITS + INDEX_BITS) | (serial & SERIAL_MASK) << INDEX_BITS | index;
        Self(NonZeroUsize::new(raw).expect("the kind is never zero"))
    }

    fn index(self) -> usize {
        self.get() & INDEX_MASK
    }
}

/// The live objects of an adapter, by handle. Finding one costs the same whatever their number.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    table: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    entries: Vec<Option<(Handle, T)>>,
    free: Vec<usize>,
    next_serial: usize,
}

impl<T: Clone> Registry<T> {
    /// An empty registry. `first_serial` should be random, so that another adapter's handles mean nothing here.
    pub(crate) fn new(first_serial: usize) -> Self {
        Self { table: RwLock::new(Slots { entries: Vec::new(), free: Vec::new(), next_serial: first_serial }) }
    }

    /// Adds the object that `make` builds around its own handle.
    pub(crate) fn insert_with(&self, kind: Kind, make: impl FnOnce(Handle) -> T) -> Result<Handle> {
        let mut guard = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let slots = &mut *guard;
        let index = slots.free.last().copied().unwrap_or(slots.entries.len());
        if index > INDEX_MASK {
            return Err(Error::TooManyObjects);
        }
        let handle = Handle::new(kind, slots.next_serial, index);
        slots.next_serial = slots.next_serial.wrapping_add(1);
        let entry = Some((handle, make(handle)));
        if slots.free.pop().is_some() {
            slots.entries[index] = entry;
        } else {
            slots.entries.push(entry);
        }
        Ok(handle)
    }

    /// The object that `handle` names.
    pub(crate) fn get(&self, handle: Handle) -> Option<T> {
        let guard = self.table.read().unwrap_or_else(PoisonError::into_inner);
        match guard.entries.get(handle.index()) {
            Some(Some((live, object))) if *live == handle => Some(object.clone()),
            _ => None,
        }
    }

    /// Every live object that satisfies `wanted`.
    pub(crate) fn all(&self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let guard = self.table.read().unwrap_or_else(PoisonError::into_inner);
        guard.entries.iter().flatten().filter(|(_, object)| wanted(object)).map(|(_, object)| object.clone()).collect()
    }

    /// Takes the object that `handle` names out, if it satisfies `allowed`.
    pub(crate) fn remove_if(&self, handle: Handle, allowed: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut guard = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let slots = &mut *guard;
        let slot = slots.entries.get_mut(handle.index())?;
        match slot {
            Some((live, object)) if *live == handle && allowed(object) => {
                slots.free.push(handle.index());
                slot.take().map(|(_, object)| object)
            }
            _ => None,
        }
    }

    /// Takes out every object that satisfies `doomed`.
    pub(crate) fn remove_all(&self, doomed: impl Fn(&T) -> bool) -> Vec<T> {
        let mut guard = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let slots = &mut *guard;
        let mut removed = Vec::new();
        for (index, slot) in slots.entries.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|(_, object)| doomed(object)) {
                slots.free.push(index);
                removed.extend(slot.take().map(|(_, object)| object));
            }
        }
        removed
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

    fn insert(registry: &Registry<u32>, value: u32) -> Handle {
        registry.insert_with(Kind::CryptoSession, |_| value).unwrap()
    }

    #[test]
    fn live_handle_finds_its_object() {
        let registry = Registry::new(0);
        let handle = insert(&registry, 7);
        assert_eq!(registry.get(handle), Some(7));
    }

    #[test]
    fn stale_handle_finds_nothing_even_when_the_slot_is_used_again() {
        let registry = Registry::new(0);
        let stale = insert(&registry, 1);
        assert_eq!(registry.remove_if(stale, |_| true), Some(1));
        let fresh = insert(&registry, 2);
        assert_eq!(stale.index(), fresh.index());
        assert_eq!((registry.get(stale), registry.get(fresh)), (None, Some(2)));
        assert_eq!(registry.remove_if(stale, |_| true), None);
    }

    #[test]
    fn forged_handles_find_nothing() {
        let registry = Registry::new(5);
        let handle = insert(&registry, 1);
        for raw in [handle.get() ^ 1, handle.get() ^ 1 << INDEX_BITS, usize::MAX, 1] {
            assert_eq!(registry.get(Handle::from_raw(raw).unwrap()), None);
        }
        assert_eq!(Handle::from_raw(0), None);
    }

    #[test]
    fn serial_wraps_without_touching_the_kind() {
        let registry = Registry::new(SERIAL_MASK);
        let (last, first) = (insert(&registry, 1), insert(&registry, 2));
        assert_eq!((registry.get(last), registry.get(first)), (Some(1), Some(2)));
        assert_eq!(last.get() >> (INDEX_BITS + SERIAL_BITS), Kind::CryptoSession as usize);
    }

    #[test]
    fn all_finds_what_matches_and_leaves_it() {
        let registry = Registry::new(0);
        let (one, _) = (insert(&registry, 1), insert(&registry, 2));
        insert(&registry, 3);
        assert_eq!(registry.all(|value| value % 2 == 1), [1, 3]);
        registry.remove_if(one, |_| true);
        assert_eq!(registry.all(|value| value % 2 == 1), [3]);
    }

    #[test]
    fn remove_all_frees_what_matches() {
        let registry = Registry::new(0);
        let (one, two) = (insert(&registry, 1), insert(&registry, 2));
        assert_eq!(registry.remove_all(|value| *value == 1), vec![1]);
        assert_eq!((registry.get(one), registry.get(two)), (None, Some(2)));
    }
}
