//! Devices: one for each `hDevice` of the host.

use std::sync::Arc;

use super::adapter::softcp_adapter;
use super::types::softcp_hresult;
pub use crate::device::softcp_device;
use crate::host::softcp_host;
use crate::hresult::{Failure, Result};
use crate::{ddi, guard, pointer};

/// Makes a device on `adapter` over the host's callbacks, which are copied, and writes it to `device`.
///
/// SOFTCP_E_INVALIDARG: a null pointer, a host without `map` or `unmap`, or one that allows a process of an unknown type or
/// more than 1024. SOFTCP_E_OUTOFMEMORY: too many devices.
///
/// # Safety
/// `adapter` came from `softcp_adapter_create`; `host` points to a structure of its `size`; `device` is null or valid
/// for a write. Until the device is destroyed the callbacks may be called with their context from any thread that
/// calls this library, and what `map` describes is memory that, until `unmap`, is valid for the access asked for and
/// touched by nobody else.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_device_create(
    adapter: *const softcp_adapter,
    host: *const softcp_host,
    device: *mut *mut softcp_device,
) -> softcp_hresult {
    guard::run("softcp_device_create", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { pointer::write("device", device, std::ptr::null_mut()) }?;
        // SAFETY: the caller's duty on `adapter`.
        let adapter = unsafe { adapter.as_ref() }.ok_or(Failure::Null("adapter"))?;
        // SAFETY: the caller's duty on `host`; all members are valid when zero.
        let host =
            unsafe { pointer::versioned("softcp_host", host, std::mem::offset_of!(softcp_host, same_resource)) }?;
        // SAFETY: the caller's duty on the callbacks.
        let made = unsafe { softcp_device::new(adapter.engine(), host, None) }?;
        // SAFETY: the caller's duty on `device`.
        unsafe { pointer::write("device", device, Arc::into_raw(made).cast_mut()) }
    })
}

/// Destroys a device with all its sessions, channels and decoders, and detaches it from every `hDevice`; null does
/// nothing. Calls under way, on other threads or in whose callback this is called, go on to their end with the host's
/// callbacks; the host's context must live as long. No new call may begin.
///
/// # Safety
/// `device` is null or came from `softcp_device_create` and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_device_destroy(device: *mut softcp_device) -> softcp_hresult {
    guard::run("softcp_device_destroy", || {
        if !device.is_null() {
            ddi::attach::detach_device(device);
            // SAFETY: the caller's duty: it came from `Arc::into_raw` and is given back once.
            drop(unsafe { Arc::from_raw(device) });
        }
        Ok(())
    })
}

/// The host has lost its device: the runtime was told of a removal, the hardware is gone or was reset. From now on every
/// DDI entry and every function on the device answers SOFTCP_E_DEVICEREMOVED, or reports it where an entry returns
/// nothing; outputs are as those of any failed call (D30). It cannot be undone: make a new device.
///
/// What destroys and gives back still works (D36): `softcp_device_destroy`, `softcp_session_destroy`,
/// `softcp_channel_destroy`, `softcp_decoder_unregister`, `softcp_protected_memory_release`,
/// `softcp_unrestricted_share_remove`, and the entries that destroy. So do the questions what channels have set
/// (`softcp_protection_enforced` and its like), since a host that got no answer might stop to protect; `softcp_ddi_attach` and
/// `softcp_ddi_detach`; and the functions for faults, which belong to the adapter. Other devices of the adapter are not
/// touched.
///
/// May be called from any thread, in a callback too, and again. A call in flight on another thread may still end as it
/// would have; its outputs are then as good as ever.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_device_removed(device: *const softcp_device) -> softcp_hresult {
    guard::run("softcp_device_removed", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow_removed(device) }?.engine().mark_removed();
        Ok(())
    })
}

/// Takes `bytes` from the protected-memory budget for a protected resource that the host is about to make (D24).
/// SOFTCP_E_OUTOFMEMORY: they are not there. SOFTCP_E_DEVICEREMOVED: the device was removed (D36).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_protected_memory_reserve(device: *const softcp_device, bytes: u64) -> softcp_hresult {
    guard::run("softcp_protected_memory_reserve", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        Ok(device.live_adapter()?.protected_memory().reserve(bytes)?)
    })
}

/// Gives `bytes` of a protected resource back to the budget when the resource is destroyed.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_protected_memory_release(device: *const softcp_device, bytes: u64) -> softcp_hresult {
    guard::run("softcp_protected_memory_release", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        device.adapter().protected_memory().release(bytes);
        Ok(())
    })
}

/// The device behind a caller's pointer, kept alive for the call: another thread, or a callback of this very call, may
/// destroy it meanwhile. A removed one is an error (D36).
///
/// # Safety
/// `device` is null or came from `softcp_device_create` and has not been destroyed yet.
pub(crate) unsafe fn borrow(device: *const softcp_device) -> Result<Arc<softcp_device>> {
    // SAFETY: the caller's duty is the same.
    let device = unsafe { borrow_removed(device) }?;
    device.engine().check_present()?;
    Ok(device)
}

/// As [`borrow`], but a removed device will do: for what goes on to work (D36), and for messages on channels, whose answer
/// says that the device is gone.
///
/// # Safety
/// As for [`borrow`].
pub(crate) unsafe fn borrow_removed(device: *const softcp_device) -> Result<Arc<softcp_device>> {
    if device.is_null() {
        return Err(Failure::Null("device"));
    }
    // SAFETY: not null, so by the caller's duty it came from `Arc::into_raw` and is alive.
    unsafe { Arc::increment_strong_count(device) };
    // SAFETY: the count that was just added is the one that this takes.
    Ok(unsafe { Arc::from_raw(device) })
}
