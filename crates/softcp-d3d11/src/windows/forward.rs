//! Methods of the video interfaces that are not about content protection: done by the implementation below, where it
//! has the interface, and not implemented where it has not.
//!
//! A forwarded method is a generic function that knows its place in the table; the types of its parameters are those
//! of the entry that it stands in, so that none is written down here.

use windows::Win32::Foundation::E_NOTIMPL;
use windows::Win32::Graphics::Direct3D11::{
    ID3D11VideoContext, ID3D11VideoContext1, ID3D11VideoContext2, ID3D11VideoContext3, ID3D11VideoDevice,
    ID3D11VideoDevice1, ID3D11VideoDevice2,
};
use windows::core::{BOOL, GUID, HRESULT, IUnknown, Interface};

use super::com::{self, Defect, Raw};
use super::query;
use super::video_context::VideoContext;
use super::video_device::VideoDevice;

/// What a method answers when there is nothing below that has it.
pub(super) trait Missing: Defect {
    /// The answer.
    const MISSING: Self;
}

impl Missing for () {
    const MISSING: Self = ();
}

impl Missing for HRESULT {
    const MISSING: Self = E_NOTIMPL;
}

/// The counts: there are none.
impl Missing for u32 {
    const MISSING: Self = 0;
}

/// The extension methods, which return an HRESULT as a number.
impl Missing for i32 {
    const MISSING: Self = E_NOTIMPL.0;
}

impl Defect for i32 {
    const DEFECT: Self = HRESULT::DEFECT.0;
}

/// A value that a method writes, and what it writes when it has none.
pub(super) trait Zero {
    /// The value.
    const ZERO: Self;
}

impl Zero for Raw {
    const ZERO: Self = std::ptr::null_mut();
}

impl Zero for u32 {
    const ZERO: Self = 0;
}

impl Zero for BOOL {
    const ZERO: Self = Self(0);
}

/// Which object below has the methods of a part.
pub(super) trait Below {
    /// The versions of the interface, the first one first.
    const VERSIONS: &'static [GUID];

    /// The real device or context.
    ///
    /// # Safety
    ///
    /// `this` is the part of a live device.
    unsafe fn real(this: Raw) -> Raw;
}

/// The methods of the video device.
pub(super) struct OfDevice;

impl Below for OfDevice {
    const VERSIONS: &'static [GUID] = &[ID3D11VideoDevice::IID, ID3D11VideoDevice1::IID, ID3D11VideoDevice2::IID];

    unsafe fn real(this: Raw) -> Raw {
        // SAFETY: the caller's duty.
        unsafe { VideoDevice::state(this) }.device().raw()
    }
}

/// The methods of the video context.
pub(super) struct OfContext;

impl Below for OfContext {
    const VERSIONS: &'static [GUID] =
        &[ID3D11VideoContext::IID, ID3D11VideoContext1::IID, ID3D11VideoContext2::IID, ID3D11VideoContext3::IID];

    unsafe fn real(this: Raw) -> Raw {
        // SAFETY: the caller's duty.
        unsafe { VideoContext::state(this) }.context().raw()
    }
}

/// The method of the object below that stands at `OFFSET` of its table, as a function of type `F`; none where there is
/// no such object.
///
/// # Safety
///
/// `this` is the part of a live device, and `F` the type of the entry.
unsafe fn method<B: Below, F: Copy>(this: Raw, version: usize, offset: usize) -> Option<(IUnknown, F)> {
    // SAFETY: the caller's duty.
    let real = unsafe { B::real(this) };
    // SAFETY: it lives, since its part does.
    let object = unsafe { query::object_below(real, &B::VERSIONS[version]) }?;
    // SAFETY: a live object.
    let table: &u8 = unsafe { com::vtable(object.as_raw()) };
    let entry = std::ptr::from_ref(table).wrapping_add(offset).cast::<F>();
    // SAFETY: the caller's duty.
    let method = unsafe { entry.read() };
    Some((object, method))
}

/// Whether the implementation below has a version of an interface.
///
/// # Safety
///
/// `this` is the part of a live device.
pub(super) unsafe fn below_has<B: Below>(this: Raw, version: usize) -> bool {
    // SAFETY: the caller's duty.
    let real = unsafe { B::real(this) };
    // SAFETY: it lives, since its part does.
    unsafe { query::object_below(real, &B::VERSIONS[version]) }.is_some()
}

/// One forwarding function for each number of parameters, and one for each of those that make an object.
macro_rules! forwards {
    ($($name:ident, $creator:ident: $($argument:ident $type:ident)*;)*) => {$(
        /// Forwards the method at `OFFSET` of the table of `B`'s interface of `VERSION`.
        #[allow(dead_code, clippy::many_single_char_names, clippy::too_many_arguments, reason = "methods of any shape")]
        pub(super) unsafe extern "system" fn $name<
            B: Below, const VERSION: usize, const OFFSET: usize, R: Missing, $($type),*
        >(this: Raw, $($argument: $type),*) -> R {
            com::guard(|| {
                type Method<R, $($type),*> = unsafe extern "system" fn(Raw, $($type),*) -> R;
                // SAFETY: COM's duty: `this` is the part of a live device. This function stands in the place of a table
                // of the same type, so the entry there has its type.
                let found = unsafe { method::<B, Method<R, $($type),*>>(this, VERSION, OFFSET) };
                let Some((object, method)) = found else { return R::MISSING };
                // SAFETY: the arguments are the program's, for this method.
                unsafe { method(object.as_raw(), $($argument),*) }
            })
        }

        /// As above, for a method whose last parameter receives a value: zero where there is nothing below (D30).
        #[allow(dead_code, clippy::many_single_char_names, clippy::too_many_arguments, reason = "methods of any shape")]
        pub(super) unsafe extern "system" fn $creator<
            B: Below, const VERSION: usize, const OFFSET: usize, Out: Zero, $($type),*
        >(this: Raw, $($argument: $type,)* out: *mut Out) -> HRESULT {
            com::guard(|| {
                type Method<Out, $($type),*> = unsafe extern "system" fn(Raw, $($type,)* *mut Out) -> HRESULT;
                // SAFETY: as above.
                let found = unsafe { method::<B, Method<Out, $($type),*>>(this, VERSION, OFFSET) };
                let Some((object, method)) = found else {
                    // SAFETY: null or writable.
                    unsafe { com::write(out, Out::ZERO) };
                    return E_NOTIMPL;
                };
                // SAFETY: the arguments are the program's, for this method.
                unsafe { method(object.as_raw(), $($argument,)* out) }
            })
        }
    )*};
}

forwards! {
    forward0, create0: ;
    forward1, create1: a A;
    forward2, create2: a A b B1;
    forward3, create3: a A b B1 c C;
    forward4, create4: a A b B1 c C d D;
    forward5, create5: a A b B1 c C d D e E;
    forward6, create6: a A b B1 c C d D e E f F;
    forward7, create7: a A b B1 c C d D e E f F g G;
    forward8, create8: a A b B1 c C d D e E f F g G h H;
}

/// The forwarding function for a method: whose, version of the interface, table, method, number of parameters. With
/// `new` in front, one whose last parameter, not counted, receives an object.
macro_rules! below {
    ($of:ident $version:literal $table:ident.$method:ident 0) => { below!(@ forward0 $of $version $table $method) };
    ($of:ident $version:literal $table:ident.$method:ident 1) => { below!(@ forward1 $of $version $table $method _) };
    ($of:ident $version:literal $table:ident.$method:ident 2) => { below!(@ forward2 $of $version $table $method _, _) };
    ($of:ident $version:literal $table:ident.$method:ident 3) => { below!(@ forward3 $of $version $table $method _, _, _) };
    ($of:ident $version:literal $table:ident.$method:ident 4) => {
        below!(@ forward4 $of $version $table $method _, _, _, _)
    };
    ($of:ident $version:literal $table:ident.$method:ident 5) => {
        below!(@ forward5 $of $version $table $method _, _, _, _, _)
    };
    ($of:ident $version:literal $table:ident.$method:ident 7) => {
        below!(@ forward7 $of $version $table $method _, _, _, _, _, _, _)
    };
    ($of:ident $version:literal $table:ident.$method:ident 8) => {
        below!(@ forward8 $of $version $table $method _, _, _, _, _, _, _, _)
    };
    (new $of:ident $version:literal $table:ident.$method:ident 1) => { below!(@new create1 $of $version $table $method _) };
    (new $of:ident $version:literal $table:ident.$method:ident 2) => {
        below!(@new create2 $of $version $table $method _, _)
    };
    (new $of:ident $version:literal $table:ident.$method:ident 3) => {
        below!(@new create3 $of $version $table $method _, _, _)
    };
    (new $of:ident $version:literal $table:ident.$method:ident 6) => {
        below!(@new create6 $of $version $table $method _, _, _, _, _, _)
    };
    (@ $forward:ident $of:ident $version:literal $table:ident $method:ident $($hole:tt)*) => {
        $crate::windows::forward::$forward::<
            $crate::windows::forward::$of, $version, { core::mem::offset_of!($table, $method) }, _, $($hole)*
        >
    };
    (@new $forward:ident $of:ident $version:literal $table:ident $method:ident $($hole:tt)*) => {
        $crate::windows::forward::$forward::<
            $crate::windows::forward::$of, $version, { core::mem::offset_of!($table, $method) }, _, $($hole)*
        >
    };
}
pub(super) use below;

/// A table: the methods that the layer has, and those that are below, each with its number of parameters.
macro_rules! table {
    ($table:ident of $of:ident $version:literal over $base:expr; $($own:ident: $value:expr,)* ; $($method:ident $count:tt,)*) => {
        $table {
            base__: $base,
            $($own: $value,)*
            $($method: below!($of $version $table.$method $count),)*
        }
    };
}
pub(super) use table;
