//! What the layer keeps for a device of the implementation below: its video interfaces, the driver's device, and what
//! channels have set.
//!
//! It is private data of the real device, and ends with it: no reference keeps a device alive, and reference counts that
//! a program sees are those of the implementation below.

use std::cell::Cell;
use std::collections::HashMap;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use softcp::config::VideoDevice as VideoDeviceSetting;
use softcp_runtime::{Device as DriverDevice, Driver};
use windows::Win32::Foundation::LUID;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_DEVICE_CONTEXT_IMMEDIATE, ID3D11Device, ID3D11DeviceContext, ID3D11VideoDevice,
};
use windows::Win32::Graphics::Dxgi::IDXGIDevice;
use windows::core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};

use super::com::{self, Raw, Weak};
use super::hooks::detour::KnownTable;
use super::query::Asker;
use super::resource::Resources;
use super::session::Sessions;
use super::video_context::VideoContext;
use super::video_device::VideoDevice;
use super::{context, creation, encryption, query, reading, settings, shared, teardown};
use crate::protection::Protection;

/// Under this name the state is private data of the device.
const STATE: GUID = GUID::from_u128(0x1c5f_27a4_6c1d_4b0e_9c7e_5d3a_90b1_42f6);

/// Every state, by the address of its device: to ask the device for its private data may call through its table, which
/// may have somebody's hooks. The lock is held for nothing else.
static STATES: LazyLock<RwLock<HashMap<usize, Weak>>> = LazyLock::new(RwLock::default);

/// The state of a device. It is a COM object, so that private data can own it, and nothing else.
#[repr(C)]
pub(super) struct DeviceState {
    vtable: &'static IUnknown_Vtbl,
    references: AtomicU32,
    video_device: VideoDevice,
    video_context: VideoContext,
    device: Weak,
    context: Weak,
    device_asker: Asker,
    context_asker: Asker,
    tables: OnceLock<Tables>,
    driver: OnceLock<Option<DriverDevice>>,
    /// The driver's decoders have been tried: they hand out what they decrypt.
    shows_clear_bytes: OnceLock<bool>,
    watched: AtomicBool,
    /// The program has said that it wants video or content protection.
    asks: AtomicBool,
    /// It was logged that protection cannot be enforced.
    warned: AtomicBool,
    /// Counts work that may have written to any resource; never 0.
    pub(super) work: AtomicU64,
    pub(super) protection: Arc<Protection>,
    pub(super) resources: Arc<Resources>,
    pub(super) sessions: Arc<Sessions>,
}

/// The tables of later interfaces, as they were when the device was made.
#[derive(Clone, Copy, Default)]
pub(super) struct Tables {
    pub(super) context_1: KnownTable,
    pub(super) device_3: KnownTable,
    pub(super) dxgi_2: KnownTable,
    pub(super) dxgi_4: KnownTable,
}

/// A part of the state that programs see as an object: its table, then the state.
#[repr(C)]
pub(super) struct Part<V: 'static> {
    vtable: &'static V,
    state: *const DeviceState,
}

// SAFETY: the address is that of the state that the part lies in; the state is made for threads.
unsafe impl<V> Send for Part<V> {}
// SAFETY: as above.
unsafe impl<V> Sync for Part<V> {}

impl<V> Part<V> {
    pub(super) fn new(vtable: &'static V) -> Self {
        Self { vtable, state: ptr::null() }
    }

    /// As programs see it.
    pub(super) fn as_raw(&self) -> Raw {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The state that the part at this address lies in.
    ///
    /// # Safety
    ///
    /// `this` is a part of a device that lives while the answer is used, as it does during a call on it.
    pub(super) unsafe fn state<'a>(this: Raw) -> &'a DeviceState {
        // SAFETY: parts are laid out as this, whatever their table.
        let state = unsafe { (*this.cast::<Self>()).state };
        // SAFETY: set when the state was made, which lives as long as the device.
        unsafe { &*state }
    }
}

impl DeviceState {
    pub(super) fn device(&self) -> Weak {
        self.device
    }

    /// The immediate context.
    pub(super) fn context(&self) -> Weak {
        self.context
    }

    /// An interface of the device below, whatever its table says meanwhile.
    ///
    /// # Safety
    ///
    /// The device lives.
    pub(super) unsafe fn device_interface<I: Interface>(&self) -> Option<I> {
        // SAFETY: the caller's duty.
        unsafe { self.device_asker.interface(self.device.raw()) }
    }

    /// The tables of later interfaces, as they were when the device was made.
    pub(super) fn tables(&self) -> Tables {
        self.tables.get().copied().unwrap_or_default()
    }

    /// How the immediate context answers below.
    pub(super) fn context_asker(&self) -> Asker {
        self.context_asker
    }

    /// Whether a context of this device is the immediate one, by whatever interface. That is remembered, by address.
    ///
    /// # Safety
    ///
    /// `context` is a live context of this device.
    pub(super) unsafe fn is_immediate(&self, context: Raw) -> bool {
        if context == self.context.raw() {
            REMEMBERED.set(Remembered { context, state: self, generation: GENERATION.load(Ordering::Acquire) });
            return true;
        }
        // SAFETY: the caller's duty.
        let Some(context) = (unsafe { com::borrowed::<ID3D11DeviceContext>(context) }) else { return false };
        // SAFETY: a live context.
        unsafe { context.GetType() == D3D11_DEVICE_CONTEXT_IMMEDIATE }
    }

    pub(super) fn video_device(&self) -> &VideoDevice {
        &self.video_device
    }

    pub(super) fn video_context(&self) -> &VideoContext {
        &self.video_context
    }

    /// The driver's device, made when it is first asked for; none when there is no driver.
    pub(super) fn driver(&self) -> Option<&DriverDevice> {
        let make = || {
            let device = driver()?.create_device().map_err(|error| {
                tracing::error!(id = "no-driver-device", %error, "the driver makes no device");
            });
            let device = device.ok()?;
            let null = softcp_abi::GUID_NULL;
            let always_on = device
                .caps(&null, &null)
                .is_ok_and(|caps| caps.bits & softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON != 0);
            self.protection.set_always_on(always_on);
            Some(device)
        };
        self.driver.get_or_init(make).as_ref()
    }

    /// Whether the driver's decoders hand out what they decrypt, so that a decoder below can have it.
    pub(super) fn shows_clear_bytes(&self) -> bool {
        *self.shows_clear_bytes.get_or_init(|| self.driver().is_some_and(encryption::shows_clear_bytes))
    }

    /// The program asks for content protection of this device.
    pub(super) fn ask(&self) {
        self.asks.store(true, Ordering::Relaxed);
    }

    /// Whether the device has the layer's video interfaces.
    pub(super) fn offers_video(&self) -> bool {
        match settings::get().video_device {
            VideoDeviceSetting::Always => true,
            VideoDeviceSetting::Never => false,
            VideoDeviceSetting::Auto => self.asks.load(Ordering::Relaxed) || teardown::anybody_asks(),
        }
    }

    /// Whether the layer sees what is mapped, copied, offered and discarded.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Acquire)
    }

    /// Whether content cannot leave protected resources of this device past the layer. Looked at before each blit that
    /// brings some in; where it cannot be had, that is logged once.
    pub(super) fn enforces(&self) -> bool {
        // SAFETY: the immediate context lives during a call on one of its device's objects.
        let by_context =
            unsafe { context::enforce(self.context().raw(), self.context_asker, Some(self.tables().context_1)) };
        let enforces = reading::enforce() && by_context;
        if !enforces && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::error!(
                id = "no-enforcement",
                "methods by which protected content could leave cannot be hooked, so blits into protected resources are \
                 refused while protection is on"
            );
        }
        enforces
    }

    /// From now on the layer sees what is mapped, copied, offered and discarded.
    pub(super) fn watch(&self) {
        // Two threads may do this at once, and may not wait for each other: it calls below.
        if !self.is_watched() {
            // SAFETY: the device and its immediate context live: a call on one of them, or on the device's creation, led
            // here.
            unsafe { context::watch(self) };
            self.watched.store(true, Ordering::Release);
        }
    }
}

/// The immediate context that a thread used last, and the state of its device.
#[derive(Clone, Copy)]
struct Remembered {
    context: Raw,
    state: *const DeviceState,
    /// It is true as long as no device comes or goes.
    generation: u64,
}

/// Counts the devices that have come and gone.
static GENERATION: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static REMEMBERED: Cell<Remembered> =
        const { Cell::new(Remembered { context: ptr::null_mut(), state: ptr::null(), generation: 0 }) };
}

/// The state of the device of an immediate context, if this thread used that context last; nothing is called for it.
pub(super) fn remembered(context: Raw) -> Option<*const DeviceState> {
    let last = REMEMBERED.get();
    (last.context == context && last.generation == GENERATION.load(Ordering::Acquire)).then_some(last.state)
}

impl Drop for DeviceState {
    fn drop(&mut self) {
        GENERATION.fetch_add(1, Ordering::AcqRel);
        let mut states = STATES.write().unwrap_or_else(PoisonError::into_inner);
        let device = self.device.raw().addr();
        if states.get(&device).is_some_and(|state| ptr::eq(state.raw().cast(), ptr::from_ref(self))) {
            states.remove(&device);
        }
    }
}

/// The driver of this process, opened when it is first needed; none when it cannot be.
fn driver() -> Option<&'static Driver> {
    static DRIVER: OnceLock<Option<Driver>> = OnceLock::new();
    let open = || {
        let settings = settings::get();
        let driver = match &settings.driver {
            Some(path) => Driver::load(path, &settings.driver_options),
            None => Driver::from_entry(softcp_ddi::softcp_open_reference_driver, ""),
        };
        driver
            .map_err(
                |error| tracing::error!(id = "no-driver", %error, "no content protection: the driver cannot be used"),
            )
            .ok()
    };
    DRIVER.get_or_init(open).as_ref()
}

/// Gives a device that was just made a state, and hooks the objects of its implementation.
///
/// `device` is an `ID3D11Device`, or null; `asks_for_video` whether it was created with `VIDEO_SUPPORT`.
pub(super) fn attach(device: Raw, asks_for_video: bool) {
    com::guard(|| {
        if !device.is_null() && settings::get().enabled {
            // SAFETY: a device that the real library just made.
            unsafe { attach_to(device, asks_for_video) };
        }
    });
}

/// Whether a device has no video interfaces at all, since the layer was told to have none: where a program has asked for
/// `VIDEO_SUPPORT`, its creation fails.
///
/// `device` is an `ID3D11Device` that was just made, or null.
pub(super) fn lacks_video(device: Raw) -> bool {
    let settings = settings::get();
    if device.is_null() || !settings.enabled || settings.video_device != VideoDeviceSetting::Never {
        return false;
    }
    // SAFETY: not null, and live.
    unsafe { query::interface_below::<ID3D11VideoDevice>(device) }.is_none()
}

/// # Safety
///
/// `device` is a live `ID3D11Device`.
unsafe fn attach_to(device: Raw, asks_for_video: bool) {
    // SAFETY: the caller's duty.
    if unsafe { find(device) }.is_some() {
        return;
    }
    let weak = Weak::new(device);
    // SAFETY: the caller's duty.
    let real = unsafe { weak.interface::<ID3D11Device>() };
    // SAFETY: a live device.
    let Ok(context) = (unsafe { real.GetImmediateContext() }) else { return };
    // SAFETY: a live device.
    let adapter = unsafe { adapter(&real) };
    let resources: Arc<Resources> = Arc::default();
    let state = Box::new(DeviceState {
        vtable: &STATE_VTABLE,
        references: AtomicU32::new(1),
        video_device: VideoDevice::new(&super::video_device::VTABLE),
        video_context: VideoContext::new(&super::video_context::VTABLE),
        device: weak,
        context: Weak::new(context.as_raw()),
        // SAFETY: a live device.
        device_asker: unsafe { Asker::of(device) },
        // SAFETY: a live context.
        context_asker: unsafe { Asker::of(context.as_raw()) },
        tables: OnceLock::new(),
        driver: OnceLock::new(),
        shows_clear_bytes: OnceLock::new(),
        watched: AtomicBool::new(false),
        asks: AtomicBool::new(asks_for_video),
        warned: AtomicBool::new(false),
        work: AtomicU64::new(1),
        protection: Arc::default(),
        resources: Arc::clone(&resources),
        sessions: Arc::new(Sessions::new(adapter, resources)),
    });
    let state = Box::into_raw(state);
    GENERATION.fetch_add(1, Ordering::AcqRel);
    STATES.write().unwrap_or_else(PoisonError::into_inner).insert(device.addr(), Weak::new(state.cast()));
    // SAFETY: just made, and nobody else has it yet.
    unsafe { (*state).video_device.state = state };
    // SAFETY: as above.
    unsafe { (*state).video_context.state = state };
    // SAFETY: the state begins as a COM object with a reference, which is this one's from now on.
    let owner = unsafe { IUnknown::from_raw(state.cast()) };
    // SAFETY: a live device; it takes a reference of its own.
    if let Err(error) = unsafe { real.SetPrivateDataInterface(&STATE, &owner) } {
        tracing::error!(id = "no-private-data", %error, "no content protection: the device takes no private data");
        return;
    }
    // SAFETY: the state was made above, and its owner keeps it.
    teardown::watch(unsafe { &(*state).sessions });
    // SAFETY: as above.
    unsafe { query::hook(&real, &context) };
    // SAFETY: as above.
    unsafe { creation::hook(&real) };
    // SAFETY: as above.
    unsafe { shared::hook(&real) };
    // SAFETY: as above.
    unsafe { teardown::hook(&real) };
    // SAFETY: as above.
    unsafe { context::hook_deferred(&real) };
    // SAFETY: as above.
    let context_1 = unsafe { context::prepare(context.as_raw()) };
    // SAFETY: as above.
    let (dxgi_2, dxgi_4) = unsafe { context::prepare_device(&real) };
    // SAFETY: as above.
    let device_3 = unsafe { reading::prepare(device) };
    // SAFETY: the state was made above, and its owner keeps it.
    let _ = unsafe { &*state }.tables.set(Tables { context_1, device_3, dxgi_2, dxgi_4 });
    tracing::debug!(id = "device", "a device with content protection");
}

/// The adapter's identifier; zero when there is none.
///
/// # Safety
///
/// The device lives.
unsafe fn adapter(device: &ID3D11Device) -> LUID {
    let Ok(device) = device.cast::<IDXGIDevice>() else { return LUID::default() };
    // SAFETY: a live device.
    let Ok(adapter) = (unsafe { device.GetAdapter() }) else { return LUID::default() };
    // SAFETY: a live adapter.
    unsafe { adapter.GetDesc() }.map_or(LUID::default(), |desc| desc.AdapterLuid)
}

/// The state of a device; none for one that the layer has not seen being made.
///
/// # Safety
///
/// `device` is a live `ID3D11Device`, and lives while the answer is used.
pub(super) unsafe fn find<'a>(device: Raw) -> Option<&'a DeviceState> {
    let known = STATES.read().unwrap_or_else(PoisonError::into_inner).get(&device.addr()).copied();
    if let Some(known) = known {
        // SAFETY: a state leaves the table before it ends, and it lives as long as its device.
        return Some(unsafe { &*known.raw().cast::<DeviceState>() });
    }
    // Another interface of the device may have another address.
    // SAFETY: the caller's duty.
    let device = unsafe { com::borrowed::<ID3D11Device>(device) }?;
    let mut found: Raw = ptr::null_mut();
    let mut size = u32::try_from(size_of::<Raw>()).expect("a pointer");
    // SAFETY: a live device, and room for a pointer.
    unsafe { device.GetPrivateData(&STATE, &raw mut size, Some((&raw mut found).cast())) }.ok()?;
    if found.is_null() {
        return None;
    }
    // SAFETY: what is stored under this name is a state, with a reference for this caller.
    let state = unsafe { &*found.cast::<DeviceState>() };
    // SAFETY: the device, which the caller says lives, keeps one of its own.
    unsafe { com::release(found) };
    ptr::eq(state.vtable, &raw const STATE_VTABLE).then_some(state)
}

/// The state of the device of a context; none for a context of a device that the layer does not know.
///
/// # Safety
///
/// `context` is a live `ID3D11DeviceContext`, and its device lives while the answer is used.
pub(super) unsafe fn of_context<'a>(context: Raw) -> Option<&'a DeviceState> {
    // SAFETY: the caller's duty.
    let context = unsafe { com::borrowed::<ID3D11DeviceContext>(context) }?;
    // SAFETY: a live context.
    let device = unsafe { context.GetDevice() }.ok()?;
    // SAFETY: it lives past this function: the caller's duty.
    unsafe { find(device.as_raw()) }
}

static STATE_VTABLE: IUnknown_Vtbl =
    IUnknown_Vtbl { QueryInterface: query_interface, AddRef: add_reference, Release: release_reference };

unsafe extern "system" fn query_interface(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    // SAFETY: the caller's duties, which are COM's.
    unsafe { com::query_interface(this, add_reference, &[], iid, out) }
}

unsafe extern "system" fn add_reference(this: Raw) -> u32 {
    // SAFETY: `this` is a live state.
    let state = unsafe { &*this.cast::<DeviceState>() };
    state.references.fetch_add(1, Ordering::Relaxed) + 1
}

unsafe extern "system" fn release_reference(this: Raw) -> u32 {
    // SAFETY: `this` is a live state.
    let state = unsafe { &*this.cast::<DeviceState>() };
    let left = state.references.fetch_sub(1, Ordering::AcqRel) - 1;
    if left == 0 {
        // SAFETY: made by `Box::into_raw`, and the last reference is gone.
        let state = unsafe { Box::from_raw(this.cast::<DeviceState>()) };
        com::guard(|| drop(state));
    }
    left
}
