//! Which SoftCP device belongs to which `hDevice`.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use softcp_abi::D3D10DDI_HDEVICE;

use crate::core::device::{borrow, softcp_device};
use crate::core::types::softcp_hresult;
use crate::guard;
use crate::hresult::{Failure, Result};

/// Attached devices by the address in `hDevice.pDrvPrivate`. A DDI entry has nothing else to find its device by.
static ATTACHED: RwLock<BTreeMap<usize, Arc<softcp_device>>> = RwLock::new(BTreeMap::new());

/// Attaches a SoftCP device to the host's `hDevice`, so that the table entries called with that `hDevice` reach it. A
/// device may be attached to several. Only the value of `h_device.pDrvPrivate` counts; nothing is read there.
///
/// Entries pass the `pDrvPrivate` of an HRESOURCE to the host's callbacks as the resource. The private memory of a
/// crypto session, which the runtime owns, holds its `softcp_session`, that of a channel its `softcp_channel`. An entry that returns nothing makes one call of the
/// host's `report_error` when it fails (D20). Entries called with an `hDevice` that has no device return E_INVALIDARG.
///
/// SOFTCP_E_INVALIDARG: null, or the `hDevice` has a device already.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_ddi_attach(device: *const softcp_device, h_device: D3D10DDI_HDEVICE) -> softcp_hresult {
    guard::run("softcp_ddi_attach", || {
        // SAFETY: the caller's duty on `device`.
        attach(unsafe { borrow(device) }?, h_device)
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
    device(h_device).ok()
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
    let removed = ATTACHED.write().unwrap_or_else(PoisonError::into_inner).remove(&h_device.pDrvPrivate.addr());
    // Dropped here, after the lock: the last reference ends the device's sessions.
    drop(removed);
}

/// Detaches `device` from every `hDevice`.
pub(crate) fn detach_device(device: *const softcp_device) {
    let mut removed = Vec::new();
    ATTACHED.write().unwrap_or_else(PoisonError::into_inner).retain(|_, attached| {
        let keep = Arc::as_ptr(attached) != device;
        if !keep {
            removed.push(Arc::clone(attached));
        }
        keep
    });
}

/// The device attached to `hDevice`.
pub(crate) fn device(h_device: D3D10DDI_HDEVICE) -> Result<Arc<softcp_device>> {
    let attached = ATTACHED.read().unwrap_or_else(PoisonError::into_inner);
    attached.get(&h_device.pDrvPrivate.addr()).cloned().ok_or(Failure::NotAttached)
}

/// The frame of an entry that returns nothing: its failure is one report to the host (D20). An entry that returns an
/// HRESULT has the plain frame of [`guard::run`]. In both, `body` writes the outputs of a failed call before it looks
/// its device up, so that they are complete without one too (D30).
pub(crate) fn reporting(
    function: &'static str,
    h_device: D3D10DDI_HDEVICE,
    body: impl FnOnce() -> Result<()>,
) -> softcp_hresult {
    let report = |function, failure: &Failure| {
        if let Ok(device) = device(h_device) {
            device.report(function, failure);
        }
    };
    guard::run_reporting(function, report, body)
}
