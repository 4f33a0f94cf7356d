//! Teardowns of hardware protection: sessions that have lost their keys, and the events by which programs are told.
//!
//! The driver says that keys were lost when its table is asked for the status of a session, and only then. So it is asked
//! after every call that may bring a loss to light, and while an event is registered, from time to time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
use windows::Win32::Foundation::{CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, E_INVALIDARG, HANDLE, LUID};
use windows::Win32::Graphics::Direct3D11::ID3D11Device;
use windows::Win32::Graphics::Dxgi::{IDXGIAdapter, IDXGIAdapter3, IDXGIAdapter3_Vtbl, IDXGIDevice};
use windows::Win32::System::Threading::{GetCurrentProcess, SetEvent};
use windows::core::{HRESULT, Interface};

use super::com::{self, Raw};
use super::device::DeviceState;
use super::hook::{Entry, entry};

/// How often the driver is asked while somebody waits for a teardown.
const INTERVAL: Duration = Duration::from_millis(50);

type Register = unsafe extern "system" fn(Raw, HANDLE, *mut u32) -> HRESULT;
type Unregister = unsafe extern "system" fn(Raw, u32);

const REGISTER: Entry<IDXGIAdapter3_Vtbl, Register> =
    entry!(IDXGIAdapter3_Vtbl, RegisterHardwareContentProtectionTeardownStatusEvent);
const UNREGISTER: Entry<IDXGIAdapter3_Vtbl, Unregister> =
    entry!(IDXGIAdapter3_Vtbl, UnregisterHardwareContentProtectionTeardownStatus);

/// A registered event.
struct Registration {
    cookie: u32,
    /// What the implementation below calls it; none where it has no such events.
    below: Option<u32>,
    adapter: LUID,
    event: Event,
}

/// An event of the program's, by a handle of the layer's own.
struct Event(HANDLE);

// SAFETY: handles of events may be used from any thread.
unsafe impl Send for Event {}

impl Event {
    fn of(event: HANDLE) -> windows::core::Result<Self> {
        let mut own = HANDLE::default();
        // SAFETY: no arguments.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: a handle that is no handle is refused by the system; a place for the new one.
        unsafe { DuplicateHandle(process, event, process, &raw mut own, 0, false, DUPLICATE_SAME_ACCESS) }?;
        Ok(Self(own))
    }

    fn set(&self) {
        // SAFETY: a handle of our own.
        let _ = unsafe { SetEvent(self.0) };
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: a handle of our own, closed once.
        let _ = unsafe { CloseHandle(self.0) };
    }
}

/// What is registered, and the number of the next registration.
static REGISTRATIONS: Mutex<(Vec<Registration>, u32)> = Mutex::new((Vec::new(), 1));
/// The live states of devices, by their addresses. The lock keeps them alive.
static DEVICES: Mutex<Vec<usize>> = Mutex::new(Vec::new());
/// Whether the thread that asks is running.
static WATCHING: AtomicBool = AtomicBool::new(false);

fn registrations() -> MutexGuard<'static, (Vec<Registration>, u32)> {
    REGISTRATIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn devices() -> MutexGuard<'static, Vec<usize>> {
    DEVICES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new device: its sessions are watched from now on.
pub(super) fn remember(state: *const DeviceState) {
    devices().push(state.expose_provenance());
}

/// The state of a device is about to go.
pub(super) fn forget(state: *const DeviceState) {
    devices().retain(|&known| known != state.addr());
}

/// Hooks the events of the device's adapter.
///
/// # Safety
///
/// The device lives.
pub(super) unsafe fn hook(device: &ID3D11Device) {
    let Ok(device) = device.cast::<IDXGIDevice>() else { return };
    // SAFETY: a live device.
    let Ok(adapter) = (unsafe { device.GetAdapter() }) else { return };
    let Ok(adapter) = adapter.cast::<IDXGIAdapter3>() else { return };
    // SAFETY: a live adapter; the function below registers with the implementation, too.
    unsafe { REGISTER.replace(adapter.as_raw(), register) };
    // SAFETY: as above.
    unsafe { UNREGISTER.replace(adapter.as_raw(), unregister) };
}

/// Asks the driver for the status of every session of a device; a loss that is new is told to whom it concerns.
pub(super) fn look(state: &DeviceState) {
    let mut lost = false;
    for session in state.sessions().iter() {
        let session = session.inner();
        let Some(status) = session.check_status() else { continue };
        if session.note_status(status) {
            lost = true;
            if status == D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST {
                state.content_lost.store(true, Ordering::Release);
            }
        }
    }
    if lost {
        let adapter = state.adapter();
        registrations().0.iter().filter(|entry| entry.adapter == adapter).for_each(|entry| entry.event.set());
    }
}

/// Asks for all devices until nobody waits any more.
fn watch() {
    loop {
        thread::sleep(INTERVAL);
        if registrations().0.is_empty() {
            WATCHING.store(false, Ordering::Release);
            // Somebody may have registered in between, and seen a thread that was still there.
            if registrations().0.is_empty() || WATCHING.swap(true, Ordering::AcqRel) {
                return;
            }
        }
        for &state in &*devices() {
            // SAFETY: a state takes itself off this list before it goes, for which it needs the lock held here.
            look(unsafe { &*std::ptr::with_exposed_provenance::<DeviceState>(state) });
        }
    }
}

unsafe extern "system" fn register(this: Raw, event: HANDLE, cookie: *mut u32) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: null or writable.
        unsafe { com::write(cookie, 0) };
        if cookie.is_null() || event.is_invalid() {
            return Err(E_INVALIDARG);
        }
        let own = Event::of(event).map_err(|error| error.code())?;
        // SAFETY: COM's duty: `this` lives.
        let below = unsafe { REGISTER.below(this) };
        let mut number = 0;
        // SAFETY: a live adapter, the program's event, a place.
        let below = unsafe { below(this, event, &raw mut number) }.is_ok().then_some(number);
        // SAFETY: COM's duty.
        let adapter = unsafe { com::borrowed::<IDXGIAdapter>(this) }.ok_or(E_INVALIDARG)?;
        // SAFETY: a live adapter.
        let adapter = unsafe { adapter.GetDesc() }.map_err(|error| error.code())?.AdapterLuid;
        let mut registrations = registrations();
        let number = registrations.1;
        registrations.1 = number.wrapping_add(1).max(1);
        registrations.0.push(Registration { cookie: number, below, adapter, event: own });
        drop(registrations);
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(cookie, number) };
        if !WATCHING.swap(true, Ordering::AcqRel) {
            thread::spawn(watch);
        }
        Ok(())
    })
}

unsafe extern "system" fn unregister(this: Raw, cookie: u32) {
    com::guard(|| {
        let mut registrations = registrations();
        let Some(index) = registrations.0.iter().position(|entry| entry.cookie == cookie) else { return };
        let registration = registrations.0.swap_remove(index);
        drop(registrations);
        if let Some(number) = registration.below {
            // SAFETY: COM's duty: `this` lives.
            let below = unsafe { UNREGISTER.below(this) };
            // SAFETY: a live adapter, and a number that it has given.
            unsafe { below(this, number) };
        }
    });
}
