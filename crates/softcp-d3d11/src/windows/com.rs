//! What every object and hook here needs of COM.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use windows::Win32::Foundation::{E_INVALIDARG, E_POINTER, E_UNEXPECTED};
use windows::core::{GUID, HRESULT, IUnknown, IUnknown_Vtbl, Interface};

/// An interface pointer as COM passes it.
pub(super) type Raw = *mut c_void;

/// What a method answers when it could not do its work because of a defect of the layer.
pub(super) trait Defect {
    /// The answer.
    const DEFECT: Self;
}

impl Defect for HRESULT {
    const DEFECT: Self = E_UNEXPECTED;
}

impl Defect for () {
    const DEFECT: Self = ();
}

impl Defect for u32 {
    const DEFECT: Self = 0;
}

/// Runs the body of a method; a panic ends here, not in the program.
pub(super) fn guard<R: Defect>(body: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        tracing::error!("a method panicked; this is a defect of the layer, please report it");
        R::DEFECT
    })
}

/// As [`guard`], for bodies with `?`.
pub(super) fn guard_result(body: impl FnOnce() -> Result<(), HRESULT>) -> HRESULT {
    guard(|| body().err().unwrap_or(HRESULT(0)))
}

/// The table of functions of an object.
///
/// # Safety
///
/// `object` is a live COM object whose table begins with `V`.
pub(super) unsafe fn vtable<'a, V>(object: Raw) -> &'a V {
    // SAFETY: the first word of a COM object points to its table; the caller says it is one.
    let table = unsafe { object.cast::<*const V>().read() };
    // SAFETY: tables live as long as the code of their methods.
    unsafe { &*table }
}

/// `AddRef`.
///
/// # Safety
///
/// `object` is a live COM object.
pub(super) unsafe fn add_ref(object: Raw) -> u32 {
    // SAFETY: every table begins with that of IUnknown.
    let table = unsafe { vtable::<IUnknown_Vtbl>(object) };
    // SAFETY: the object lives.
    unsafe { (table.AddRef)(object) }
}

/// `Release`. The object may be gone afterwards.
///
/// # Safety
///
/// `object` is a live COM object, and the caller has a reference to give up.
pub(super) unsafe fn release(object: Raw) -> u32 {
    // SAFETY: every table begins with that of IUnknown.
    let table = unsafe { vtable::<IUnknown_Vtbl>(object) };
    // SAFETY: the caller's duty.
    unsafe { (table.Release)(object) }
}

/// The interface behind a pointer that a caller passed, without taking a reference; none for null.
///
/// # Safety
///
/// `object` is null, or a live object of the interface for as long as the answer is used.
pub(super) unsafe fn borrowed<I: Interface>(object: Raw) -> Option<ManuallyDrop<I>> {
    if object.is_null() {
        return None;
    }
    // SAFETY: not null; it is never dropped, so the caller's reference stays the caller's.
    Some(ManuallyDrop::new(unsafe { I::from_raw(object) }))
}

/// A live object by address, without a reference: the owner of this value knows why it lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Weak(Raw);

// SAFETY: Direct3D's devices and their children may be used from any thread; contexts from one at a time, which is the
// program's duty as it is without the layer.
unsafe impl Send for Weak {}
// SAFETY: as above.
unsafe impl Sync for Weak {}

impl Weak {
    pub(super) fn new(object: Raw) -> Self {
        Self(object)
    }

    pub(super) fn raw(self) -> Raw {
        self.0
    }

    /// The object as an interface, without taking a reference.
    ///
    /// # Safety
    ///
    /// It lives while the answer is used, and the address is that of this interface.
    pub(super) unsafe fn interface<I: Interface>(self) -> ManuallyDrop<I> {
        // SAFETY: the caller's duty; never dropped.
        ManuallyDrop::new(unsafe { I::from_raw(self.0) })
    }
}

/// Whether two pointers are interfaces of one object.
///
/// # Safety
///
/// Both are live COM objects.
pub(super) unsafe fn same_object(a: Raw, b: Raw) -> bool {
    if a == b {
        return true;
    }
    // SAFETY: the caller's duty.
    let a = unsafe { identity(a) };
    // SAFETY: as above.
    let b = unsafe { identity(b) };
    matches!((a, b), (Some(a), Some(b)) if a.as_raw() == b.as_raw())
}

/// # Safety
///
/// `object` is a live COM object.
unsafe fn identity(object: Raw) -> Option<IUnknown> {
    // SAFETY: the caller's duty; every object is an IUnknown.
    let object = unsafe { borrowed::<IUnknown>(object) }?;
    object.cast::<IUnknown>().ok()
}

/// The value that a caller points to; an error for null.
///
/// # Safety
///
/// `value` is null, or points to a readable `T`.
pub(super) unsafe fn read<T: Copy>(value: *const T) -> Result<T, HRESULT> {
    if value.is_null() {
        return Err(E_INVALIDARG);
    }
    // SAFETY: not null, and the caller says it is readable; callers do not promise alignment.
    Ok(unsafe { value.read_unaligned() })
}

/// A place of an array; null for every place of null.
pub(super) fn at<T>(array: *const T, index: usize) -> *const T {
    if array.is_null() { array } else { array.wrapping_add(index) }
}

/// Writes to where a caller points; null is left alone.
///
/// # Safety
///
/// `to` is null, or points to a writable `T`.
pub(super) unsafe fn write<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: not null, and the caller says it is writable.
        unsafe { to.write_unaligned(value) };
    }
}

/// The bytes that a caller points to; none for null.
///
/// # Safety
///
/// `bytes` is null, or points to `size` readable bytes that nobody writes while the answer is used.
pub(super) unsafe fn bytes<'a>(bytes: *const c_void, size: u32) -> Option<&'a [u8]> {
    // SAFETY: not null, and the caller's duty.
    (!bytes.is_null()).then(|| unsafe { std::slice::from_raw_parts(bytes.cast(), size as usize) })
}

/// The bytes that a caller points to, to write; none for null.
///
/// # Safety
///
/// `bytes` is null, or points to `size` writable bytes that nobody else uses while the answer is used.
pub(super) unsafe fn bytes_mut<'a>(bytes: *mut c_void, size: u32) -> Option<&'a mut [u8]> {
    // SAFETY: not null, and the caller's duty.
    (!bytes.is_null()).then(|| unsafe { std::slice::from_raw_parts_mut(bytes.cast(), size as usize) })
}

/// `QueryInterface` of an object with a list of interfaces that all have the object's own address. `add_reference` is called
/// by itself, not by the object's table: what a program has put there is for the program's own calls.
///
/// # Safety
///
/// `this` is a live object with a reference count behind `IUnknown`; `iid` and `out` are null or valid.
pub(super) unsafe fn query_interface(
    this: Raw,
    add_reference: unsafe extern "system" fn(Raw) -> u32,
    interfaces: &[GUID],
    iid: *const GUID,
    out: *mut Raw,
) -> HRESULT {
    if out.is_null() {
        return E_POINTER;
    }
    // SAFETY: null or readable.
    let known = unsafe { read(iid) }.is_ok_and(|iid| iid == IUnknown::IID || interfaces.contains(&iid));
    // SAFETY: not null, and writable.
    unsafe { write(out, if known { this } else { ptr::null_mut() }) };
    if !known {
        return windows::Win32::Foundation::E_NOINTERFACE;
    }
    // SAFETY: the object lives, and the function is its own.
    unsafe { add_reference(this) };
    HRESULT(0)
}
