//! Teardowns of hardware protection: sessions that have lost their keys, and the events by which programs are told.
//!
//! The driver says that keys were lost when its table is asked for the status of a session, and only then. So it is asked
//! after every call that may bring a loss to light, and while an event is registered, from time to time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST;
use windows::Win32::Foundation::{CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, E_INVALIDARG, HANDLE, LUID};
use windows::Win32::Graphics::Direct3D11::ID3D11Device;
use windows::Win32::Graphics::Dxgi::{IDXGIAdapter, IDXGIAdapter3, IDXGIAdapter3_Vtbl, IDXGIDevice};
use windows::Win32::System::Threading::{GetCurrentProcess, SetEvent};
use windows::core::{HRESULT, Interface};

use super::com::{self, Raw};
use super::hooks::detour::{Method, instances, method};
use super::session::Sessions;

/// How often the driver is asked while somebody waits for a teardown.
const INTERVAL: Duration = Duration::from_millis(50);

/// The first number of a registration, far from those of implementations, which count from 1.
const FIRST_COOKIE: u32 = 0x5C00_0000;

type Register = unsafe extern "system" fn(Raw, HANDLE, *mut u32) -> HRESULT;
type Unregister = unsafe extern "system" fn(Raw, u32);

static REGISTER: Method<IDXGIAdapter3_Vtbl, Register> =
    method!(IDXGIAdapter3_Vtbl, RegisterHardwareContentProtectionTeardownStatusEvent);
static UNREGISTER: Method<IDXGIAdapter3_Vtbl, Unregister> =
    method!(IDXGIAdapter3_Vtbl, UnregisterHardwareContentProtectionTeardownStatus);

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
static REGISTRATIONS: Mutex<(Vec<Registration>, u32)> = Mutex::new((Vec::new(), FIRST_COOKIE));
/// The sessions of every device.
static DEVICES: Mutex<Vec<Weak<Sessions>>> = Mutex::new(Vec::new());
/// Whether the thread that asks is running.
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Somebody has registered an event, ever.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether the program has asked for content protection by registering an event for its teardown.
pub(super) fn anybody_asks() -> bool {
    ASKED.load(Ordering::Relaxed)
}

fn registrations() -> MutexGuard<'static, (Vec<Registration>, u32)> {
    REGISTRATIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new device: its sessions are watched from now on.
pub(super) fn watch(sessions: &Arc<Sessions>) {
    let mut devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner);
    devices.retain(|device| device.strong_count() > 0);
    devices.push(Arc::downgrade(sessions));
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
    unsafe { REGISTER.hook(adapter.as_raw(), &instances!(register)) };
    // SAFETY: as above.
    unsafe { UNREGISTER.hook(adapter.as_raw(), &instances!(unregister)) };
}

/// Asks the driver for the status of every session of a device; a loss that is new is told to whom it concerns.
pub(super) fn look(sessions: &Sessions) {
    let mut lost = false;
    for session in sessions.live() {
        let Some(status) = session.check_status() else { continue };
        if session.note_status(status) {
            lost = true;
            if status == D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST {
                sessions.resources.lose_content();
            }
        }
    }
    if lost {
        let is_told = |entry: &&Registration| entry.adapter == sessions.adapter;
        registrations().0.iter().filter(is_told).for_each(|entry| entry.event.set());
    }
}

/// Asks for all devices until nobody waits any more.
fn run() {
    loop {
        thread::sleep(INTERVAL);
        if registrations().0.is_empty() {
            WATCHING.store(false, Ordering::Release);
            // Somebody may have registered in between, and seen a thread that was still there.
            if registrations().0.is_empty() || WATCHING.swap(true, Ordering::AcqRel) {
                return;
            }
        }
        let devices = DEVICES.lock().unwrap_or_else(PoisonError::into_inner).clone();
        devices.iter().filter_map(Weak::upgrade).for_each(|sessions| look(&sessions));
    }
}

unsafe extern "system" fn register<const I: usize>(this: Raw, event: HANDLE, cookie: *mut u32) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: null or writable.
        unsafe { com::write(cookie, 0) };
        if cookie.is_null() || event.is_invalid() {
            return Err(E_INVALIDARG);
        }
        ASKED.store(true, Ordering::Relaxed);
        let own = Event::of(event).map_err(|error| error.code())?;
        let below = REGISTER.original::<I>();
        let mut number = 0;
        // SAFETY: a live adapter, the program's event, a place.
        let below = unsafe { below(this, event, &raw mut number) }.is_ok().then_some(number);
        // SAFETY: COM's duty.
        let adapter = unsafe { com::borrowed::<IDXGIAdapter>(this) }.ok_or(E_INVALIDARG)?;
        // SAFETY: a live adapter.
        let adapter = unsafe { adapter.GetDesc() }.map_err(|error| error.code())?.AdapterLuid;
        let mut registrations = registrations();
        let number = registrations.1;
        registrations.1 = number.wrapping_add(1).max(FIRST_COOKIE);
        registrations.0.push(Registration { cookie: number, below, adapter, event: own });
        drop(registrations);
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(cookie, number) };
        if !WATCHING.swap(true, Ordering::AcqRel) {
            let thread = thread::Builder::new().name("softcp-teardown".into()).spawn(run);
            if let Err(error) = thread {
                WATCHING.store(false, Ordering::Release);
                tracing::error!(id = "no-watch", %error, "teardowns will be told late: there is no thread to watch for them");
            }
        }
        Ok(())
    })
}

unsafe extern "system" fn unregister<const I: usize>(this: Raw, cookie: u32) {
    com::guard(|| {
        let mut registrations = registrations();
        let known = registrations.0.iter().position(|entry| entry.cookie == cookie);
        let registration = known.map(|index| registrations.0.swap_remove(index));
        drop(registrations);
        // What the layer does not know was registered below before the layer was there.
        if let Some(number) = registration.map_or(Some(cookie), |registration| registration.below) {
            let below = UNREGISTER.original::<I>();
            // SAFETY: a live adapter, and a number that it has given.
            unsafe { below(this, number) };
        }
    });
}
