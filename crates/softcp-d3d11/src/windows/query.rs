//! `QueryInterface` of the real device and its immediate context: the video interfaces are the layer's.

use std::cell::Cell;
use std::ptr;

use windows::Win32::Foundation::E_POINTER;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_DEVICE_CONTEXT_IMMEDIATE, ID3D11Debug, ID3D11Device, ID3D11Device1, ID3D11Device2, ID3D11Device3,
    ID3D11Device4, ID3D11Device5, ID3D11DeviceContext, ID3D11DeviceContext1, ID3D11DeviceContext2,
    ID3D11DeviceContext3, ID3D11DeviceContext4, ID3D11InfoQueue, ID3D11Multithread, ID3D11RefDefaultTrackingOptions,
    ID3D11RefTrackingOptions, ID3D11SwitchToRef, ID3D11TracingDevice, ID3D11VideoContext, ID3D11VideoContext1,
    ID3D11VideoContext2, ID3D11VideoContext3, ID3D11VideoDevice, ID3D11VideoDevice1, ID3D11VideoDevice2,
    ID3DUserDefinedAnnotation,
};
use windows::Win32::Graphics::Dxgi::{
    IDXGIDevice, IDXGIDevice1, IDXGIDevice2, IDXGIDevice3, IDXGIDevice4, IDXGIObject,
};
use windows::core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};

use super::com::{self, Raw};
use super::device;
use super::hooks::detour::{Method, instances, method};

/// The type of `QueryInterface`.
type QueryInterface = unsafe extern "system" fn(Raw, *const GUID, *mut Raw) -> HRESULT;

/// Interfaces of a device that may have functions of their own for `QueryInterface`.
const OF_DEVICE: [GUID; 26] = [
    IUnknown::IID,
    ID3D11Device::IID,
    ID3D11Device1::IID,
    ID3D11Device2::IID,
    ID3D11Device3::IID,
    ID3D11Device4::IID,
    ID3D11Device5::IID,
    ID3D11VideoDevice::IID,
    ID3D11VideoDevice1::IID,
    ID3D11VideoDevice2::IID,
    ID3D11Debug::IID,
    ID3D11InfoQueue::IID,
    ID3D11Multithread::IID,
    ID3D11SwitchToRef::IID,
    ID3D11TracingDevice::IID,
    ID3D11RefTrackingOptions::IID,
    ID3D11RefDefaultTrackingOptions::IID,
    IDXGIObject::IID,
    IDXGIDevice::IID,
    IDXGIDevice1::IID,
    IDXGIDevice2::IID,
    IDXGIDevice3::IID,
    IDXGIDevice4::IID,
    // ID3D10Device, ID3D10Device1, ID3D10Multithread: a device may be one of Direct3D 10, too.
    GUID::from_u128(0x9b7e_4c0f_342c_4106_a19f_4f27_04f6_89f0),
    GUID::from_u128(0x9b7e_4c8f_342c_4106_a19f_4f27_04f6_89f0),
    GUID::from_u128(0x9b7e_4e00_342c_4106_a19f_4f27_04f6_89f0),
];

/// As [`OF_DEVICE`], of a context.
const OF_CONTEXT: [GUID; 12] = [
    IUnknown::IID,
    ID3D11DeviceContext::IID,
    ID3D11DeviceContext1::IID,
    ID3D11DeviceContext2::IID,
    ID3D11DeviceContext3::IID,
    ID3D11DeviceContext4::IID,
    ID3D11VideoContext::IID,
    ID3D11VideoContext1::IID,
    ID3D11VideoContext2::IID,
    ID3D11VideoContext3::IID,
    ID3D11Multithread::IID,
    ID3DUserDefinedAnnotation::IID,
];

static QUERY_INTERFACE: Method<IUnknown_Vtbl, QueryInterface, 48> = method!(IUnknown_Vtbl, QueryInterface);

/// Hooks `QueryInterface` of every interface of a device and of its immediate context.
///
/// # Safety
///
/// Both live.
pub(super) unsafe fn hook(device: &ID3D11Device, context: &ID3D11DeviceContext) {
    let interfaces = OF_DEVICE.iter().map(|iid| (device.as_raw(), iid));
    let mut are_hooked = true;
    for (object, iid) in interfaces.chain(OF_CONTEXT.iter().map(|iid| (context.as_raw(), iid))) {
        let mut interface: Raw = ptr::null_mut();
        // SAFETY: a live object, an identifier and a place.
        let found = unsafe { below(object, iid, &raw mut interface) };
        if found.is_err() || interface.is_null() {
            continue;
        }
        // SAFETY: a live object; the function below does for objects unknown to it what was there before.
        are_hooked &= unsafe { QUERY_INTERFACE.hook(interface, &instances!(query_interface; 48)) };
        // SAFETY: QueryInterface has given this reference.
        unsafe { com::release(interface) };
    }
    if !are_hooked {
        tracing::error!(id = "hook-refused", "QueryInterface cannot be hooked: a device may lack its video interfaces");
    }
}

thread_local! {
    /// The layer is asking the implementation below, whose objects may ask each other through hooked tables.
    static ASKING_BELOW: Cell<bool> = const { Cell::new(false) };
}

/// `QueryInterface` as the implementation below has it.
///
/// # Safety
///
/// `object` is a live COM object, `iid` and `out` null or valid.
pub(super) unsafe fn below(object: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    // SAFETY: the caller's duty; every table begins with that of IUnknown.
    let query = unsafe { QUERY_INTERFACE.of(object) };
    // SAFETY: the caller's duty.
    asking_below(|| unsafe { query(object, iid, out) })
}

/// Makes a call during which the implementation below answers for itself.
fn asking_below<R>(call: impl FnOnce() -> R) -> R {
    let before = ASKING_BELOW.replace(true);
    let answer = call();
    ASKING_BELOW.set(before);
    answer
}

/// An interface of the implementation below, with a reference of its own; none where it has none.
///
/// # Safety
///
/// `object` is a live COM object.
pub(super) unsafe fn interface_below<I: Interface>(object: Raw) -> Option<I> {
    // SAFETY: the caller's duty.
    let interface = unsafe { object_below(object, &I::IID) }?;
    // SAFETY: it is the interface that was asked for, and its reference goes along.
    Some(unsafe { I::from_raw(interface.into_raw()) })
}

/// As [`interface_below`], for an interface that is told by its identifier.
///
/// # Safety
///
/// `object` is a live COM object.
pub(super) unsafe fn object_below(object: Raw, iid: &GUID) -> Option<IUnknown> {
    let mut interface: Raw = ptr::null_mut();
    // SAFETY: a live object, an identifier and a place.
    let found = unsafe { below(object, iid, &raw mut interface) };
    // SAFETY: QueryInterface has given this reference.
    (found.is_ok() && !interface.is_null()).then(|| unsafe { IUnknown::from_raw(interface) })
}

/// How an object answers below, kept from when it was new: later its table may be a copy with somebody's hooks, which may
/// hold locks around the call that has led to the layer.
#[derive(Clone, Copy)]
pub(super) struct Asker(QueryInterface);

impl Asker {
    /// # Safety
    ///
    /// `object` is a live COM object.
    pub(super) unsafe fn of(object: Raw) -> Self {
        // SAFETY: the caller's duty; every table begins with that of IUnknown.
        Self(unsafe { com::vtable::<IUnknown_Vtbl>(object) }.QueryInterface)
    }

    /// An interface of the implementation below, with a reference of its own; none where it has none.
    ///
    /// # Safety
    ///
    /// `object` lives, and is the one that this is the asker of.
    pub(super) unsafe fn interface<I: Interface>(self, object: Raw) -> Option<I> {
        // SAFETY: the caller's duty.
        unsafe { answered(object, self.0) }
    }
}

/// The layer's part that answers for an interface of a device or context; none where the implementation below answers.
/// `query` is the method below: by the object's table it would be called through the hooks that have led here, a second
/// time, and they may hold locks.
///
/// # Safety
///
/// `this` is a live COM object, and `query` its `QueryInterface`.
unsafe fn part(this: Raw, query: QueryInterface, iid: GUID) -> Option<Raw> {
    match iid {
        ID3D11VideoDevice::IID | ID3D11VideoDevice1::IID | ID3D11VideoDevice2::IID => {
            // SAFETY: the caller's duty.
            unsafe { video_device(this, query) }
        }
        ID3D11VideoContext::IID | ID3D11VideoContext1::IID | ID3D11VideoContext2::IID | ID3D11VideoContext3::IID => {
            // SAFETY: the caller's duty.
            unsafe { video_context(this, query) }
        }
        _ => None,
    }
}

/// An interface as `query` answers it.
///
/// # Safety
///
/// As for [`part`].
unsafe fn answered<I: Interface>(this: Raw, query: QueryInterface) -> Option<I> {
    let mut interface: Raw = ptr::null_mut();
    // SAFETY: the caller's duty; an identifier and a place.
    let found = asking_below(|| unsafe { query(this, &I::IID, &raw mut interface) });
    // SAFETY: it is the interface that was asked for, and QueryInterface has given this reference.
    (found.is_ok() && !interface.is_null()).then(|| unsafe { I::from_raw(interface) })
}

unsafe extern "system" fn query_interface<const I: usize>(this: Raw, iid: *const GUID, out: *mut Raw) -> HRESULT {
    com::guard(|| {
        // SAFETY: null or readable.
        let asked = if ASKING_BELOW.get() { None } else { unsafe { com::read(iid) }.ok() };
        let query = QUERY_INTERFACE.original::<I>();
        // SAFETY: COM's duty: `this` lives; this hook stands before that method.
        let answer = asked.and_then(|iid| unsafe { part(this, query, iid) });
        match answer {
            None => {
                // SAFETY: the program's arguments, for this method.
                asking_below(|| unsafe { query(this, iid, out) })
            }
            Some(_) if out.is_null() => E_POINTER,
            Some(part) => {
                // SAFETY: the part's device or context lives, since `this` is one of its interfaces.
                unsafe { com::add_ref(part) };
                // SAFETY: not null, and COM's duty.
                unsafe { com::write(out, part) };
                HRESULT(0)
            }
        }
    })
}

/// The video device of the device that `this` is an interface of; none when it is no device, or not one of the layer's.
///
/// # Safety
///
/// As for [`part`].
unsafe fn video_device(this: Raw, query: QueryInterface) -> Option<Raw> {
    // SAFETY: the caller's duty.
    let device = unsafe { answered::<ID3D11Device>(this, query) }?;
    // SAFETY: it lives as long as `this`.
    let state = unsafe { device::find(device.as_raw()) }?;
    if !state.offers_video() {
        return None;
    }
    state.driver()?;
    state.watch();
    Some(state.video_device().as_raw())
}

/// As [`video_device`], of an immediate context.
///
/// # Safety
///
/// As for [`part`].
unsafe fn video_context(this: Raw, query: QueryInterface) -> Option<Raw> {
    // SAFETY: the caller's duty.
    let context = unsafe { answered::<ID3D11DeviceContext>(this, query) }?;
    // SAFETY: a live context.
    if unsafe { context.GetType() } != D3D11_DEVICE_CONTEXT_IMMEDIATE {
        return None;
    }
    // SAFETY: its device lives as long as `this`.
    let state = unsafe { device::of_context(context.as_raw()) }?;
    if !state.offers_video() {
        return None;
    }
    state.driver()?;
    state.watch();
    Some(state.video_context().as_raw())
}
