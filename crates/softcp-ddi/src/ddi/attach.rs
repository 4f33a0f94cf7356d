//! Which SoftCP device belongs to which `hDevice`.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use softcp_abi::D3D10DDI_HDEVICE;

use super::void_entry::VoidEntry;
use crate::calls::SessionCalls;
use crate::core::device::{borrow_removed, softcp_device};
use crate::core::types::softcp_hresult;
use crate::guard;
use crate::hresult::{Failure, Result};

/// Attached devices by the address in `hDevice.pDrvPrivate`. A DDI entry has nothing else to find its device by.
static ATTACHED: RwLock<BTreeMap<usize, Arc<softcp_device>>> = RwLock::new(BTreeMap::new());

/// Counts what is detached, after it is: then what threads remember counts no more.
static DETACHED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The devices that this thread has called, so that it finds them without a lock.
    static KNOWN: RefCell<Known> = const { RefCell::new(Known::new()) };
}

/// Attaches a SoftCP device to the host's `hDevice`, so that the table entries called with that `hDevice` reach it. A
/// device may be attached to several. Only the value of `h_device.pDrvPrivate` counts; nothing is read there.
///
/// Entries pass the `pDrvPrivate` of an HRESOURCE to the host's callbacks as the resource. The private memory of a
/// crypto session, which the runtime owns, holds its `softcp_session`, that of a channel its `softcp_channel`. An entry that
/// returns nothing makes one call of the host's `report_error2`, or else `report_error`, when it fails (D20). Entries called
/// with an `hDevice` that has no device return E_INVALIDARG.
///
/// SOFTCP_E_INVALIDARG: null, or the `hDevice` has a device already.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_ddi_attach(device: *const softcp_device, h_device: D3D10DDI_HDEVICE) -> softcp_hresult {
    guard::run("softcp_ddi_attach", || {
        // SAFETY: the caller's duty on `device`.
        attach(unsafe { borrow_removed(device) }?, h_device)
    })
}

/// Detaches the device from `hDevice`. Harmless when none is attached. `softcp_device_destroy` does so by itself.
#[unsafe(no_mangle)]
pub extern "C" fn softcp_ddi_detach(h_device: D3D10DDI_HDEVICE) -> softcp_hresult {
    guard::run("softcp_ddi_detach", || {
        detach(h_device);
        Ok(())
    })
}

/// The device attached to `hDevice`, if there is one: for hosts in Rust that drive the reference driver and call core
/// functions, as `softcp_session_invalidate`, on the device behind it. The pointer of the `Arc` is what they take, while it is held.
#[must_use]
pub fn attached_device(h_device: D3D10DDI_HDEVICE) -> Option<Arc<softcp_device>> {
    attached(h_device).ok()
}

pub(crate) fn attach(device: Arc<softcp_device>, h_device: D3D10DDI_HDEVICE) -> Result<()> {
    if h_device.pDrvPrivate.is_null() {
        return Err(Failure::Null("hDevice"));
    }
    let mut attached = ATTACHED.write().unwrap_or_else(PoisonError::into_inner);
    match attached.entry(h_device.pDrvPrivate.addr()) {
        std::collections::btree_map::Entry::Occupied(_) => Err(Failure::AlreadyAttached),
        std::collections::btree_map::Entry::Vacant(slot) => {
            slot.insert(device);
            Ok(())
        }
    }
}

pub(crate) fn detach(h_device: D3D10DDI_HDEVICE) {
    let mut attached = ATTACHED.write().unwrap_or_else(PoisonError::into_inner);
    let removed = attached.remove(&h_device.pDrvPrivate.addr());
    DETACHED.fetch_add(1, Ordering::Release);
    drop(attached);
    // Dropped here, after the lock: the last reference ends the device's sessions.
    drop(removed);
}

/// Detaches `device` from every `hDevice`.
pub(crate) fn detach_device(device: *const softcp_device) {
    let mut removed = Vec::new();
    let mut attached = ATTACHED.write().unwrap_or_else(PoisonError::into_inner);
    attached.retain(|_, attached| {
        let keep = Arc::as_ptr(attached) != device;
        if !keep {
            removed.push(Arc::clone(attached));
        }
        keep
    });
    DETACHED.fetch_add(1, Ordering::Release);
}

/// The device attached to `hDevice`. A removed one is an error (D36).
pub(crate) fn device(h_device: D3D10DDI_HDEVICE) -> Result<Arc<softcp_device>> {
    let device = attached(h_device)?;
    device.engine().check_present()?;
    Ok(device)
}

/// As [`device`], but a removed one will do: for entries that destroy, for messages on channels, whose answer says that the
/// device is gone, and for reports.
pub(crate) fn attached(h_device: D3D10DDI_HDEVICE) -> Result<Arc<softcp_device>> {
    with_calls(h_device, |calls| calls.device().ok_or(Failure::NotAttached))
}

/// Runs `call` with the calls of the device attached to `hDevice`.
///
/// A thread that has called the device before finds it without a lock, and without writing anything that another thread
/// looks at. What it remembers is taken out for the call: the call may call the host, and the host this library again.
pub(crate) fn with_calls<T>(h_device: D3D10DDI_HDEVICE, call: impl FnOnce(&SessionCalls) -> Result<T>) -> Result<T> {
    let address = h_device.pDrvPrivate.addr();
    let calls = match Known::take(address) {
        Some(known) => known,
        None => attached_calls(address)?,
    };
    let result = call(&calls);
    Known::put_back(address, calls);
    result
}

#[cold]
fn attached_calls(address: usize) -> Result<Arc<SessionCalls>> {
    let attached = ATTACHED.read().unwrap_or_else(PoisonError::into_inner);
    attached.get(&address).map(|device| Arc::clone(device.calls())).ok_or(Failure::NotAttached)
}

/// What a thread remembers of devices that it has called. It forgets all of it when one is detached, at its next call.
struct Known {
    /// What [`DETACHED`] was when the first of them was found.
    detached: u64,
    /// The one called last; none during its call.
    last: (usize, Option<Arc<SessionCalls>>),
    others: HashMap<usize, Option<Arc<SessionCalls>>, AddressHashing>,
}

impl Known {
    const fn new() -> Self {
        Self { detached: 0, last: (0, None), others: HashMap::with_hasher(AddressHashing) }
    }

    /// Takes out what is remembered.
    fn take(address: usize) -> Option<Arc<SessionCalls>> {
        let mut forgotten = None;
        KNOWN
            .try_with(|known| {
                let mut known = known.try_borrow_mut().ok()?;
                let detached = DETACHED.load(Ordering::Acquire);
                if known.detached != detached {
                    forgotten = Some(std::mem::replace(&mut *known, Self { detached, ..Self::new() }));
                    return None;
                }
                if known.last.0 == address { known.last.1.take() } else { known.others.get_mut(&address)?.take() }
            })
            .ok()
            .flatten()
        // What is forgotten is dropped here, when nothing is borrowed.
    }

    /// Remembers a device after its call, unless one has been detached meanwhile: it may be this one.
    fn put_back(address: usize, calls: Arc<SessionCalls>) {
        let mut calls = Some(calls);
        // A thread that ends remembers nothing any more.
        let _ = KNOWN.try_with(|known| {
            let Ok(mut known) = known.try_borrow_mut() else { return };
            if known.detached != DETACHED.load(Ordering::Acquire) {
                return;
            }
            if known.last.0 == address {
                std::mem::swap(&mut known.last.1, &mut calls);
                return;
            }
            let (before, calls_before) = std::mem::replace(&mut known.last, (address, calls.take()));
            if calls_before.is_some() {
                known.others.insert(before, calls_before);
            }
        });
    }
}

/// Hashes addresses and numbers that are handed out like them, which no attacker chooses, by one multiplication.
#[derive(Default)]
pub(crate) struct AddressHashing;

impl BuildHasher for AddressHashing {
    type Hasher = AddressHasher;

    fn build_hasher(&self) -> AddressHasher {
        AddressHasher(0)
    }
}

/// The hash of one address.
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        // The golden ratio: addresses that lie at even distances come far apart. The upper half holds what counts.
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 32;
    }
}

/// The wrapper of an entry that returns nothing: its failure is one report to the host (D20). An entry that returns an
/// HRESULT has the plain wrapper [`guard::run`]. In both, `body` writes the outputs of a failed call before it looks
/// its device up, so that they are complete without one too (D30).
pub(crate) fn reporting(
    entry: &VoidEntry,
    h_device: D3D10DDI_HDEVICE,
    body: impl FnOnce() -> Result<()>,
) -> softcp_hresult {
    let report = |_, failure: &Failure| {
        if let Ok(device) = attached(h_device) {
            device.report(entry, failure);
        }
    };
    guard::run_reporting(entry.name, report, body)
}

/// As [`reporting`], for a call that comes at every buffer.
pub(crate) fn reporting_calls(
    entry: &VoidEntry,
    h_device: D3D10DDI_HDEVICE,
    body: impl FnOnce(&SessionCalls) -> Result<()>,
) -> softcp_hresult {
    reporting(entry, h_device, || with_calls(h_device, body))
}
