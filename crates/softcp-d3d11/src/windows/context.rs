//! The context's use of resources: what is mapped and discarded is seen, and what protection forbids is refused (D19).

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use softcp_abi::D3DERR_CANNOTPROTECTCONTENT;
use windows::Win32::Foundation::RECT;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_MAP, D3D11_MAP_READ, D3D11_MAP_WRITE_DISCARD, D3D11_MAP_WRITE_NO_OVERWRITE,
    D3D11_MAPPED_SUBRESOURCE, ID3D11Device, ID3D11Device_Vtbl, ID3D11Device1, ID3D11Device1_Vtbl, ID3D11Device2,
    ID3D11Device2_Vtbl, ID3D11Device3, ID3D11Device3_Vtbl, ID3D11DeviceContext_Vtbl, ID3D11DeviceContext1,
    ID3D11DeviceContext1_Vtbl, ID3D11Resource, ID3D11View,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_FORMAT;
use windows::Win32::Graphics::Dxgi::{
    DXGI_OFFER_RESOURCE_PRIORITY, DXGI_RECLAIM_RESOURCE_RESULT_OK, DXGI_RECLAIM_RESOURCE_RESULTS, IDXGIDevice2,
    IDXGIDevice2_Vtbl, IDXGIDevice4, IDXGIDevice4_Vtbl,
};
use windows::core::{BOOL, HRESULT, Interface};

use super::call::Call;
use super::com::{self, Raw};
use super::device::{self, DeviceState};
use super::hooks::detour::{KnownTable, Method, instances, method};
use super::hooks::own_call;
use super::loss::{self, UPDATE};
use super::query::{self, Asker};
use super::resource::Note;
use super::staging::{COPY_REGION, MAP, UNMAP};

type Views = *const Raw;

static COPY: Method<ID3D11DeviceContext_Vtbl, unsafe extern "system" fn(Raw, Raw, Raw)> =
    method!(ID3D11DeviceContext_Vtbl, CopyResource);
static RESOLVE: Method<ID3D11DeviceContext_Vtbl, unsafe extern "system" fn(Raw, Raw, u32, Raw, u32, DXGI_FORMAT)> =
    method!(ID3D11DeviceContext_Vtbl, ResolveSubresource);
static CLEAR: Method<ID3D11DeviceContext_Vtbl, unsafe extern "system" fn(Raw, Raw, *const f32)> =
    method!(ID3D11DeviceContext_Vtbl, ClearRenderTargetView);
static SET_TARGETS: Method<ID3D11DeviceContext_Vtbl, unsafe extern "system" fn(Raw, u32, Views, Raw)> =
    method!(ID3D11DeviceContext_Vtbl, OMSetRenderTargets);
type SetTargetsAndViews = unsafe extern "system" fn(Raw, u32, Views, Raw, u32, u32, Views, *const u32);
static SET_TARGETS_AND_VIEWS: Method<ID3D11DeviceContext_Vtbl, SetTargetsAndViews> =
    method!(ID3D11DeviceContext_Vtbl, OMSetRenderTargetsAndUnorderedAccessViews);
type CopyRegion1 = unsafe extern "system" fn(Raw, Raw, u32, u32, u32, u32, Raw, u32, *const D3D11_BOX, u32);
static COPY_REGION_1: Method<ID3D11DeviceContext1_Vtbl, CopyRegion1> =
    method!(ID3D11DeviceContext1_Vtbl, CopySubresourceRegion1);
type Update1 = unsafe extern "system" fn(Raw, Raw, u32, *const D3D11_BOX, *const core::ffi::c_void, u32, u32, u32);
static UPDATE_1: Method<ID3D11DeviceContext1_Vtbl, Update1> = method!(ID3D11DeviceContext1_Vtbl, UpdateSubresource1);
static DISCARD: Method<ID3D11DeviceContext1_Vtbl, unsafe extern "system" fn(Raw, Raw)> =
    method!(ID3D11DeviceContext1_Vtbl, DiscardResource);
static DISCARD_VIEW: Method<ID3D11DeviceContext1_Vtbl, unsafe extern "system" fn(Raw, Raw)> =
    method!(ID3D11DeviceContext1_Vtbl, DiscardView);
type Offer = unsafe extern "system" fn(Raw, u32, *const Raw, DXGI_OFFER_RESOURCE_PRIORITY) -> HRESULT;
static OFFER: Method<IDXGIDevice2_Vtbl, Offer> = method!(IDXGIDevice2_Vtbl, OfferResources);
type Reclaim = unsafe extern "system" fn(Raw, u32, *const Raw, *mut BOOL) -> HRESULT;
static RECLAIM: Method<IDXGIDevice2_Vtbl, Reclaim> = method!(IDXGIDevice2_Vtbl, ReclaimResources);

type Offer1 = unsafe extern "system" fn(Raw, u32, *const Raw, DXGI_OFFER_RESOURCE_PRIORITY, u32) -> HRESULT;
static OFFER_1: Method<IDXGIDevice4_Vtbl, Offer1> = method!(IDXGIDevice4_Vtbl, OfferResources1);
type Reclaim1 = unsafe extern "system" fn(Raw, u32, *const Raw, *mut DXGI_RECLAIM_RESOURCE_RESULTS) -> HRESULT;
static RECLAIM_1: Method<IDXGIDevice4_Vtbl, Reclaim1> = method!(IDXGIDevice4_Vtbl, ReclaimResources1);

/// Hooks the contexts of a device. Done when a program asks for a video interface or creates a protected resource, and
/// not before: a program that does neither calls the implementation directly.
///
/// # Safety
///
/// The device and its immediate context live.
pub(super) unsafe fn watch(state: &DeviceState) {
    // SAFETY: the caller's duty.
    unsafe { watch_context(state.context().raw(), state.context_asker(), Some(state.tables().context_1)) };
    // SAFETY: the caller's duty.
    let device = unsafe { state.device().interface::<ID3D11Device>() };
    let mut deferred = None;
    // Deferred contexts may have tables of their own. A single-threaded device has none.
    // SAFETY: a live device, a place.
    if unsafe { device.CreateDeferredContext(0, Some(&raw mut deferred)) }.is_ok()
        && let Some(deferred) = deferred
    {
        // SAFETY: a live context that is new.
        let asker = unsafe { Asker::of(deferred.as_raw()) };
        // SAFETY: a live context.
        unsafe { watch_context(deferred.as_raw(), asker, None) };
    }
    // SAFETY: a live device.
    if let Some(device) = unsafe { state.device_interface::<IDXGIDevice2>() } {
        // SAFETY: a live device.
        unsafe { state.tables().dxgi_2.hook(&OFFER, device.as_raw(), &instances!(offer_resources)) };
        // SAFETY: as above.
        unsafe { state.tables().dxgi_2.hook(&RECLAIM, device.as_raw(), &instances!(reclaim_resources)) };
    }
    // SAFETY: a live device.
    if let Some(device) = unsafe { state.device_interface::<IDXGIDevice4>() } {
        // SAFETY: as above.
        unsafe { state.tables().dxgi_4.hook(&OFFER_1, device.as_raw(), &instances!(offer_resources_1)) };
        // SAFETY: as above.
        unsafe { state.tables().dxgi_4.hook(&RECLAIM_1, device.as_raw(), &instances!(reclaim_resources_1)) };
    }
}

/// Looks at a context that was just made: what it maps counts from the beginning, and the methods that protection needs are
/// remembered as they are before a program can replace them.
///
/// # Safety
///
/// `context` is a live `ID3D11DeviceContext`.
pub(super) unsafe fn prepare(context: Raw) -> KnownTable {
    // SAFETY: a live context, here and below, and functions that do what they replace for all that nothing is known of.
    unsafe { MAP.hook(context, &instances!(map)) };
    // SAFETY: as above.
    unsafe { UNMAP.hook(context, &instances!(unmap)) };
    // SAFETY: as above.
    unsafe { COPY.prepare(context, &instances!(copy_resource)) };
    // SAFETY: as above.
    unsafe { COPY_REGION.prepare(context, &instances!(copy_subresource_region)) };
    // SAFETY: as above.
    unsafe { RESOLVE.prepare(context, &instances!(resolve_subresource)) };
    // SAFETY: as above.
    let Some(later) = (unsafe { query::interface_below::<ID3D11DeviceContext1>(context) }) else {
        return KnownTable::default();
    };
    let later = later.as_raw();
    // SAFETY: as above.
    let is_prepared = unsafe { COPY_REGION_1.prepare(later, &instances!(copy_subresource_region_1)) };
    // SAFETY: as above.
    unsafe { DISCARD.prepare(later, &instances!(discard_resource)) };
    // SAFETY: as above.
    unsafe { DISCARD_VIEW.prepare(later, &instances!(discard_view)) };
    // SAFETY: a live context.
    unsafe { KnownTable::of(later, is_prepared) }
}

/// As [`prepare`], for the methods of a device by which resources are offered: the tables of both versions.
///
/// # Safety
///
/// The device lives.
pub(super) unsafe fn prepare_device(device: &ID3D11Device) -> (KnownTable, KnownTable) {
    let (mut version_2, mut version_4) = (KnownTable::default(), KnownTable::default());
    // SAFETY: a live device.
    if let Some(device) = unsafe { query::interface_below::<IDXGIDevice2>(device.as_raw()) } {
        let device = device.as_raw();
        // SAFETY: as in `prepare`, here and below.
        let offer = unsafe { OFFER.prepare(device, &instances!(offer_resources)) };
        // SAFETY: as above.
        let reclaim = unsafe { RECLAIM.prepare(device, &instances!(reclaim_resources)) };
        // SAFETY: a live device.
        version_2 = unsafe { KnownTable::of(device, offer && reclaim) };
    }
    // SAFETY: a live device.
    if let Some(device) = unsafe { query::interface_below::<IDXGIDevice4>(device.as_raw()) } {
        let device = device.as_raw();
        // SAFETY: as above.
        let offer = unsafe { OFFER_1.prepare(device, &instances!(offer_resources_1)) };
        // SAFETY: as above.
        let reclaim = unsafe { RECLAIM_1.prepare(device, &instances!(reclaim_resources_1)) };
        // SAFETY: a live device.
        version_4 = unsafe { KnownTable::of(device, offer && reclaim) };
    }
    (version_2, version_4)
}

/// Sees to it that content cannot leave protected resources by a context: every method by which it could is hooked, whatever
/// another library, or the implementation itself, has done to the context's table meanwhile. Answers whether that is so.
///
/// # Safety
///
/// `context` is a live `ID3D11DeviceContext`, and `asker` its own; `table` is that of its version 1 from when it was new, none
/// where it is new.
pub(super) unsafe fn enforce(context: Raw, asker: Asker, table: Option<KnownTable>) -> bool {
    // SAFETY: as in `prepare`, here and below.
    let map = unsafe { MAP.hook(context, &instances!(map)) };
    // SAFETY: as above.
    let copy = unsafe { COPY.hook(context, &instances!(copy_resource)) };
    // SAFETY: as above.
    let copy_region = unsafe { COPY_REGION.hook(context, &instances!(copy_subresource_region)) };
    // SAFETY: as above.
    let resolve = unsafe { RESOLVE.hook(context, &instances!(resolve_subresource)) };
    // SAFETY: as above.
    let later = unsafe { asker.interface::<ID3D11DeviceContext1>(context) };
    let copy_region_1 = later.is_none_or(|later| {
        // SAFETY: a live context.
        let table = table.unwrap_or_else(|| unsafe { KnownTable::of(later.as_raw(), true) });
        // SAFETY: as above.
        unsafe { table.hook(&COPY_REGION_1, later.as_raw(), &instances!(copy_subresource_region_1)) }
    });
    map && copy && copy_region && resolve && copy_region_1
}

/// Hooks what the layer watches of a context.
///
/// # Safety
///
/// As for [`enforce`].
unsafe fn watch_context(context: Raw, asker: Asker, table: Option<KnownTable>) {
    // SAFETY: the caller's duty.
    unsafe { enforce(context, asker, table) };
    // SAFETY: as in `prepare`, here and below.
    unsafe { UNMAP.hook(context, &instances!(unmap)) };
    // SAFETY: as above.
    let Some(later) = (unsafe { asker.interface::<ID3D11DeviceContext1>(context) }) else { return };
    let later = later.as_raw();
    // SAFETY: as above.
    let table = table.unwrap_or_else(|| unsafe { KnownTable::of(later, true) });
    // SAFETY: as above.
    unsafe { table.hook(&DISCARD, later, &instances!(discard_resource)) };
    // SAFETY: as above.
    unsafe { table.hook(&DISCARD_VIEW, later, &instances!(discard_view)) };
}

/// The methods of a device that make deferred contexts.
macro_rules! deferred {
    ($($table:ident, $interface:ty, $method:ident, $entry:ident, $function:ident;)*) => {
        $(
            static $entry: Method<$table, unsafe extern "system" fn(Raw, u32, *mut Raw) -> HRESULT> =
                method!($table, $method);

            unsafe extern "system" fn $function<const I: usize>(device: Raw, flags: u32, out: *mut Raw) -> HRESULT {
                com::guard(|| {
                    let below = $entry.original::<I>();
                    // SAFETY: the program's arguments, for this method.
                    let answer = unsafe { below(device, flags, out) };
                    // SAFETY: null or readable, and written by the method.
                    let context = unsafe { com::read(out) }.unwrap_or(ptr::null_mut());
                    if answer.is_ok() && !context.is_null() {
                        // SAFETY: just made.
                        unsafe { new_deferred(context) };
                    }
                    answer
                })
            }
        )*

        /// Hooks the methods that make deferred contexts, which may have functions of their own.
        ///
        /// # Safety
        ///
        /// The device lives.
        pub(super) unsafe fn hook_deferred(device: &ID3D11Device) {
            $(
                // SAFETY: a live device.
                if let Some(device) = unsafe { query::interface_below::<$interface>(device.as_raw()) } {
                    // SAFETY: as above; the function does what it replaces.
                    unsafe { $entry.hook(device.as_raw(), &instances!($function)) };
                }
            )*
        }
    };
}

deferred! {
    ID3D11Device_Vtbl, ID3D11Device, CreateDeferredContext, DEFERRED, create_deferred_context;
    ID3D11Device1_Vtbl, ID3D11Device1, CreateDeferredContext1, DEFERRED_1, create_deferred_context_1;
    ID3D11Device2_Vtbl, ID3D11Device2, CreateDeferredContext2, DEFERRED_2, create_deferred_context_2;
    ID3D11Device3_Vtbl, ID3D11Device3, CreateDeferredContext3, DEFERRED_3, create_deferred_context_3;
}

/// # Safety
///
/// `context` is a live context that was just made.
unsafe fn new_deferred(context: Raw) {
    // SAFETY: the caller's duty; its device lives as long.
    let Some(state) = (unsafe { device::of_context(context) }) else { return };
    if state.is_watched() {
        // SAFETY: the caller's duty.
        let asker = unsafe { Asker::of(context) };
        // SAFETY: as above.
        unsafe { watch_context(context, asker, None) };
    } else {
        // SAFETY: as above.
        unsafe { prepare(context) };
    }
}

/// Methods that may write to any resource: they count as work of the device, and go on below.
macro_rules! works {
    ($($table:ty, $method:ident, $entry:ident, $function:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            static $entry: Method<$table, unsafe extern "system" fn(Raw, $($type),*)> = method!($table, $method);

            unsafe extern "system" fn $function<const I: usize>(context: Raw, $($argument: $type),*) {
                com::guard(|| {
                    // SAFETY: COM's duty: the context lives.
                    unsafe { worked(context) };
                    let below = $entry.original::<I>();
                    // SAFETY: the program's arguments, for this method.
                    unsafe { below(context, $($argument),*) };
                });
            }
        )*

        /// Hooks all of them.
        ///
        /// # Safety
        ///
        /// `context` is a live context of version 1.
        unsafe fn watch_work(context: Raw) {
            $(
                // SAFETY: the caller's duty; the function does what it replaces.
                unsafe { $entry.hook(context, &instances!($function)) };
            )*
        }
    };
}

works! {
    ID3D11DeviceContext_Vtbl, DrawIndexed, DRAW_INDEXED, draw_indexed(a: u32, b: u32, c: i32);
    ID3D11DeviceContext_Vtbl, Draw, DRAW, draw(a: u32, b: u32);
    ID3D11DeviceContext_Vtbl, DrawIndexedInstanced, DRAW_INDEXED_INSTANCED,
        draw_indexed_instanced(a: u32, b: u32, c: u32, d: i32, e: u32);
    ID3D11DeviceContext_Vtbl, DrawInstanced, DRAW_INSTANCED, draw_instanced(a: u32, b: u32, c: u32, d: u32);
    ID3D11DeviceContext_Vtbl, DrawAuto, DRAW_AUTO, draw_auto();
    ID3D11DeviceContext_Vtbl, DrawIndexedInstancedIndirect, DRAW_INDEXED_INDIRECT, draw_indexed_indirect(a: Raw, b: u32);
    ID3D11DeviceContext_Vtbl, DrawInstancedIndirect, DRAW_INDIRECT, draw_indirect(a: Raw, b: u32);
    ID3D11DeviceContext_Vtbl, Dispatch, DISPATCH, dispatch(a: u32, b: u32, c: u32);
    ID3D11DeviceContext_Vtbl, DispatchIndirect, DISPATCH_INDIRECT, dispatch_indirect(a: Raw, b: u32);
    ID3D11DeviceContext_Vtbl, ClearUnorderedAccessViewUint, CLEAR_UNORDERED_UINT, clear_unordered_uint(a: Raw, b: *const u32);
    ID3D11DeviceContext_Vtbl, ClearUnorderedAccessViewFloat, CLEAR_UNORDERED_FLOAT, clear_unordered_float(a: Raw, b: *const f32);
    ID3D11DeviceContext_Vtbl, GenerateMips, GENERATE_MIPS, generate_mips(a: Raw);
    ID3D11DeviceContext_Vtbl, ExecuteCommandList, EXECUTE, execute_command_list(a: Raw, b: BOOL);
    ID3D11DeviceContext1_Vtbl, ClearView, CLEAR_VIEW, clear_view(a: Raw, b: *const f32, c: *const RECT, d: u32);
}

/// The device of an immediate context has done work.
///
/// # Safety
///
/// `context` is a live context.
unsafe fn worked(context: Raw) {
    // SAFETY: the caller's duty.
    if let Some((state, true)) = unsafe { state(context) } {
        state.work.fetch_add(1, Ordering::Relaxed);
    }
}

/// Hooks what defines the content of a resource, when the first one has been discarded.
///
/// # Safety
///
/// `context` is a live `ID3D11DeviceContext1`.
unsafe fn watch_writes(context: Raw) {
    // SAFETY: the caller's duty.
    unsafe { watch_work(context) };
    // SAFETY: as in `watch_context`.
    unsafe { UPDATE.hook(context, &instances!(update_subresource)) };
    // SAFETY: as above.
    unsafe { UPDATE_1.hook(context, &instances!(update_subresource_1)) };
    // SAFETY: as above.
    unsafe { CLEAR.hook(context, &instances!(clear_render_target_view)) };
    // SAFETY: as above.
    unsafe { SET_TARGETS.hook(context, &instances!(set_render_targets)) };
    // SAFETY: as above.
    unsafe { SET_TARGETS_AND_VIEWS.hook(context, &instances!(set_render_targets_and_views)) };
}

/// The state of a context's device, and whether the context is the immediate one.
///
/// # Safety
///
/// `context` is a live `ID3D11DeviceContext`.
unsafe fn state<'a>(context: Raw) -> Option<(&'a DeviceState, bool)> {
    let state = match device::remembered(context) {
        // SAFETY: the immediate context lives, and so does its device, whose state this is.
        Some(state) => unsafe { &*state },
        // SAFETY: the caller's duty.
        None => unsafe { device::of_context(context) }?,
    };
    // SAFETY: the caller's duty.
    let immediate = unsafe { state.is_immediate(context) };
    if immediate {
        // SAFETY: the program uses the immediate context on this thread.
        unsafe { loss::settle_targets(state) };
    }
    Some((state, immediate))
}

/// Something is about to be written to a resource: its content is defined, and what was lost of it is gone first.
///
/// # Safety
///
/// `context` is a live context; `resource` is null or a live resource of its device.
unsafe fn written(context: Raw, resource: Raw) {
    if own_call::is_on(resource) {
        return;
    }
    // SAFETY: the caller's duty.
    unsafe { settle(context, resource) };
    // SAFETY: the caller's duty.
    if let Some(note) = unsafe { Note::of(resource) } {
        note.define();
    }
}

/// Settles a loss of content, where this context may.
///
/// # Safety
///
/// As for [`written`].
unsafe fn settle(context: Raw, resource: Raw) {
    // SAFETY: the caller's duty.
    if let Some((state, true)) = unsafe { state(context) } {
        // SAFETY: the caller's duty; the immediate context is the program's to use on this thread.
        unsafe { loss::settle(state, resource) };
    }
}

/// As [`written`], for what views show.
///
/// # Safety
///
/// `context` is a live context; `views` is null or points to `count` views, each null or live.
unsafe fn written_views(context: Raw, views: Views, count: u32) {
    if views.is_null() {
        return;
    }
    // SAFETY: not null, and the caller's duty.
    let views = unsafe { std::slice::from_raw_parts(views, count as usize) };
    for &view in views {
        // SAFETY: null or live.
        let Some(view) = (unsafe { com::borrowed::<ID3D11View>(view) }) else { continue };
        // SAFETY: a live view.
        let Ok(resource) = (unsafe { view.GetResource() }) else { continue };
        // SAFETY: the reference in `resource` keeps it alive.
        unsafe { written(context, resource.as_raw()) };
    }
}

/// Whether protection lets content go from one resource to another; it may not leave protected resources.
///
/// # Safety
///
/// `context` is a live context; the resources are null or live.
unsafe fn may_copy(function: &'static str, context: Raw, to: Raw, from: Raw) -> bool {
    if own_call::is_copying(to, from) {
        return true;
    }
    // SAFETY: the caller's duty.
    let Some((state, immediate)) = (unsafe { state(context) }) else { return true };
    if immediate {
        for resource in [from, to] {
            // SAFETY: null or live; the immediate context is the program's to use on this thread.
            unsafe { loss::settle(state, resource) };
        }
    }
    if !state.protection.enforced() {
        return true;
    }
    // SAFETY: null or live.
    let (to, from) = (unsafe { Note::of(to) }, unsafe { Note::of(from) });
    let is_protected = |note: Option<Arc<Note>>| note.is_some_and(|note| note.is_protected());
    if is_protected(from) && !is_protected(to) {
        let text = "protection is on: protected content cannot be copied to a resource that is not protected";
        Call::new(state, function).say(None, text);
        return false;
    }
    true
}

unsafe extern "system" fn map<const I: usize>(
    context: Raw,
    resource: Raw,
    subresource: u32,
    how: D3D11_MAP,
    flags: u32,
    mapped: *mut D3D11_MAPPED_SUBRESOURCE,
) -> HRESULT {
    com::guard(|| {
        let below = MAP.original::<I>();
        // SAFETY: as above.
        let found = if resource.is_null() || own_call::is_on(resource) { None } else { unsafe { state(context) } };
        let Some((state, immediate)) = found else {
            // SAFETY: the program's arguments, for this method.
            return unsafe { below(context, resource, subresource, how, flags, mapped) };
        };
        // SAFETY: not null, and live: the program's duty.
        if state.protection.enforced() && unsafe { Note::of(resource) }.is_some_and(|note| note.is_protected()) {
            // SAFETY: null or writable.
            unsafe { com::write(mapped, D3D11_MAPPED_SUBRESOURCE::default()) };
            let text = "protection is on: a protected resource cannot be mapped";
            let call = Call::new(state, "ID3D11DeviceContext::Map");
            return call.refuse_with(None, HRESULT(D3DERR_CANNOTPROTECTCONTENT), text);
        }
        if immediate {
            // SAFETY: not null, and live: the program's duty.
            unsafe { loss::settle(state, resource) };
        }
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(context, resource, subresource, how, flags, mapped) };
        // Deferred contexts map memory of their own.
        if immediate && answer == HRESULT(0) {
            // These are for dynamic resources, which no blit takes: a program may map thousands of them for each frame.
            let is_dynamic = [D3D11_MAP_WRITE_DISCARD, D3D11_MAP_WRITE_NO_OVERWRITE].contains(&how);
            let note = if is_dynamic {
                // SAFETY: not null, and live.
                unsafe { Note::of(resource) }
            } else {
                // SAFETY: not null, and live.
                unsafe { Note::of_or_new(resource, state) }
            };
            if let Some(note) = note {
                note.mapped.fetch_add(1, Ordering::Relaxed);
                if how != D3D11_MAP_READ {
                    note.define();
                }
            }
        }
        answer
    })
}

unsafe extern "system" fn unmap<const I: usize>(context: Raw, resource: Raw, subresource: u32) {
    com::guard(|| {
        if !own_call::is_on(resource)
            // SAFETY: COM's duty: the context lives.
            && let Some((_, true)) = unsafe { state(context) }
        {
            // SAFETY: null or live.
            if let Some(note) = unsafe { Note::of(resource) } {
                // A resource that is not mapped may be unmapped; that changes nothing.
                let less = |count: u32| count.checked_sub(1);
                let _ = note.mapped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            }
        }
        let below = UNMAP.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, resource, subresource) };
    });
}

unsafe extern "system" fn copy_resource<const I: usize>(context: Raw, to: Raw, from: Raw) {
    com::guard(|| {
        // SAFETY: COM's duties.
        if unsafe { may_copy("ID3D11DeviceContext::CopyResource", context, to, from) } {
            let below = COPY.original::<I>();
            // SAFETY: the program's arguments, for this method.
            unsafe { below(context, to, from) };
            // SAFETY: null or live.
            unsafe { written(context, to) };
        }
    });
}

unsafe extern "system" fn copy_subresource_region<const I: usize>(
    context: Raw,
    to: Raw,
    to_subresource: u32,
    x: u32,
    y: u32,
    z: u32,
    from: Raw,
    from_subresource: u32,
    region: *const D3D11_BOX,
) {
    com::guard(|| {
        // SAFETY: COM's duties.
        if unsafe { may_copy("ID3D11DeviceContext::CopySubresourceRegion", context, to, from) } {
            let below = COPY_REGION.original::<I>();
            // SAFETY: the program's arguments, for this method.
            unsafe { below(context, to, to_subresource, x, y, z, from, from_subresource, region) };
            // SAFETY: null or live.
            unsafe { written(context, to) };
        }
    });
}

unsafe extern "system" fn copy_subresource_region_1<const I: usize>(
    context: Raw,
    to: Raw,
    to_subresource: u32,
    x: u32,
    y: u32,
    z: u32,
    from: Raw,
    from_subresource: u32,
    region: *const D3D11_BOX,
    flags: u32,
) {
    com::guard(|| {
        // SAFETY: COM's duties.
        if unsafe { may_copy("ID3D11DeviceContext1::CopySubresourceRegion1", context, to, from) } {
            let below = COPY_REGION_1.original::<I>();
            // SAFETY: the program's arguments, for this method.
            unsafe { below(context, to, to_subresource, x, y, z, from, from_subresource, region, flags) };
            // SAFETY: null or live.
            unsafe { written(context, to) };
        }
    });
}

unsafe extern "system" fn resolve_subresource<const I: usize>(
    context: Raw,
    to: Raw,
    to_subresource: u32,
    from: Raw,
    from_subresource: u32,
    format: DXGI_FORMAT,
) {
    com::guard(|| {
        // SAFETY: COM's duties.
        if unsafe { may_copy("ID3D11DeviceContext::ResolveSubresource", context, to, from) } {
            let below = RESOLVE.original::<I>();
            // SAFETY: the program's arguments, for this method.
            unsafe { below(context, to, to_subresource, from, from_subresource, format) };
            // SAFETY: null or live.
            unsafe { written(context, to) };
        }
    });
}

unsafe extern "system" fn discard_resource<const I: usize>(context: Raw, resource: Raw) {
    com::guard(|| {
        let below = DISCARD.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, resource) };
        // SAFETY: as above.
        if let Some((state, true)) = unsafe { state(context) } {
            // SAFETY: as above.
            unsafe { watch_writes(context) };
            // SAFETY: null or live.
            if let Some(note) = unsafe { Note::of_or_new(resource, state) } {
                note.discard(state.work.load(Ordering::Relaxed));
            }
        }
    });
}

unsafe extern "system" fn discard_view<const I: usize>(context: Raw, view: Raw) {
    com::guard(|| {
        let below = DISCARD_VIEW.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, view) };
        // SAFETY: null or live.
        let Some(view) = (unsafe { com::borrowed::<ID3D11View>(view) }) else { return };
        // SAFETY: as above.
        let Some((state, true)) = (unsafe { state(context) }) else { return };
        // SAFETY: as above.
        unsafe { watch_writes(context) };
        // SAFETY: a live view.
        let Ok(resource) = (unsafe { view.GetResource() }) else { return };
        // SAFETY: live.
        if let Some(note) = unsafe { Note::of_or_new(resource.as_raw(), state) } {
            note.discard(state.work.load(Ordering::Relaxed));
        }
    });
}

unsafe extern "system" fn update_subresource<const I: usize>(
    context: Raw,
    resource: Raw,
    subresource: u32,
    region: *const D3D11_BOX,
    data: *const core::ffi::c_void,
    row_pitch: u32,
    depth_pitch: u32,
) {
    com::guard(|| {
        // SAFETY: null or live.
        unsafe { written(context, resource) };
        let below = UPDATE.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, resource, subresource, region, data, row_pitch, depth_pitch) };
    });
}

unsafe extern "system" fn update_subresource_1<const I: usize>(
    context: Raw,
    resource: Raw,
    subresource: u32,
    region: *const D3D11_BOX,
    data: *const core::ffi::c_void,
    row_pitch: u32,
    depth_pitch: u32,
    flags: u32,
) {
    com::guard(|| {
        // SAFETY: null or live.
        unsafe { written(context, resource) };
        let below = UPDATE_1.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, resource, subresource, region, data, row_pitch, depth_pitch, flags) };
    });
}

unsafe extern "system" fn clear_render_target_view<const I: usize>(context: Raw, view: Raw, colour: *const f32) {
    com::guard(|| {
        // SAFETY: one view, null or live.
        unsafe { written_views(context, &raw const view, 1) };
        let below = CLEAR.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, view, colour) };
    });
}

unsafe extern "system" fn set_render_targets<const I: usize>(context: Raw, count: u32, views: Views, depth: Raw) {
    com::guard(|| {
        // SAFETY: the program's duties. What is bound is about to be drawn to.
        unsafe { written_views(context, views, count) };
        let below = SET_TARGETS.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, count, views, depth) };
    });
}

unsafe extern "system" fn set_render_targets_and_views<const I: usize>(
    context: Raw,
    count: u32,
    views: Views,
    depth: Raw,
    first: u32,
    unordered_count: u32,
    unordered: Views,
    counts: *const u32,
) {
    com::guard(|| {
        // The largest number means that what is bound stays.
        for (views, count) in [(views, count), (unordered, unordered_count)] {
            // SAFETY: the program's duties.
            unsafe { written_views(context, if count == u32::MAX { ptr::null() } else { views }, count) };
        }
        let below = SET_TARGETS_AND_VIEWS.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(context, count, views, depth, first, unordered_count, unordered, counts) };
    });
}

/// Does something to the notes on resources, which DXGI knows by an interface of its own; it is given their places in the
/// list.
///
/// # Safety
///
/// `resources` is null or points to `count` live resources of the device that `device` is an interface of.
unsafe fn with_listed(device: Raw, resources: *const Raw, count: u32, mut act: impl FnMut(usize, &DeviceState, &Note)) {
    // SAFETY: a live device.
    let Some(device) = (unsafe { query::interface_below::<ID3D11Device>(device) }) else { return };
    // SAFETY: as above.
    let Some(state) = (unsafe { device::find(device.as_raw()) }) else { return };
    if resources.is_null() {
        return;
    }
    // SAFETY: not null, and the caller's duty.
    for (index, &resource) in unsafe { std::slice::from_raw_parts(resources, count as usize) }.iter().enumerate() {
        if resource.is_null() {
            continue;
        }
        // SAFETY: live.
        let Some(resource) = (unsafe { query::interface_below::<ID3D11Resource>(resource) }) else { continue };
        // SAFETY: live, and of this device.
        if let Some(note) = unsafe { Note::of_or_new(resource.as_raw(), state) } {
            act(index, state, &note);
        }
    }
}

/// Resources were offered.
///
/// # Safety
///
/// As for [`with_listed`].
unsafe fn offered(device: Raw, resources: *const Raw, count: u32) {
    // SAFETY: the caller's duty.
    unsafe { with_listed(device, resources, count, |_, _, note| note.offered.store(true, Ordering::Relaxed)) };
}

/// Resources were reclaimed. Those whose content was discarded meanwhile hold nothing until they are written to.
///
/// # Safety
///
/// As for [`with_listed`].
unsafe fn reclaimed(device: Raw, resources: *const Raw, count: u32, discarded: impl Fn(usize) -> bool) {
    let act = |index: usize, state: &DeviceState, note: &Note| {
        note.offered.store(false, Ordering::Relaxed);
        if discarded(index) {
            note.discard(state.work.load(Ordering::Relaxed));
            // SAFETY: the immediate context lives as long as its device.
            let context = unsafe { state.context_asker().interface::<ID3D11DeviceContext1>(state.context().raw()) };
            if let Some(context) = context {
                // SAFETY: a live context.
                unsafe { watch_writes(context.as_raw()) };
            }
        }
    };
    // SAFETY: the caller's duty.
    unsafe { with_listed(device, resources, count, act) };
}

unsafe extern "system" fn offer_resources<const I: usize>(
    device: Raw,
    count: u32,
    resources: *const Raw,
    priority: DXGI_OFFER_RESOURCE_PRIORITY,
) -> HRESULT {
    com::guard(|| {
        let below = OFFER.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(device, count, resources, priority) };
        if answer.is_ok() {
            // SAFETY: the program's duties.
            unsafe { offered(device, resources, count) };
        }
        answer
    })
}

unsafe extern "system" fn reclaim_resources<const I: usize>(
    device: Raw,
    count: u32,
    resources: *const Raw,
    discarded: *mut BOOL,
) -> HRESULT {
    com::guard(|| {
        let below = RECLAIM.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(device, count, resources, discarded) };
        if answer.is_ok() {
            // SAFETY: null, or one answer for each resource: the program's duty.
            let answer = |index: usize| unsafe { com::read(com::at(discarded, index)) };
            let discarded = |index| answer(index).is_ok_and(BOOL::as_bool);
            // SAFETY: the program's duties.
            unsafe { reclaimed(device, resources, count, discarded) };
        }
        answer
    })
}

unsafe extern "system" fn offer_resources_1<const I: usize>(
    device: Raw,
    count: u32,
    resources: *const Raw,
    priority: DXGI_OFFER_RESOURCE_PRIORITY,
    flags: u32,
) -> HRESULT {
    com::guard(|| {
        let below = OFFER_1.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(device, count, resources, priority, flags) };
        if answer.is_ok() {
            // SAFETY: the program's duties.
            unsafe { offered(device, resources, count) };
        }
        answer
    })
}

unsafe extern "system" fn reclaim_resources_1<const I: usize>(
    device: Raw,
    count: u32,
    resources: *const Raw,
    results: *mut DXGI_RECLAIM_RESOURCE_RESULTS,
) -> HRESULT {
    com::guard(|| {
        let below = RECLAIM_1.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(device, count, resources, results) };
        if answer.is_ok() {
            // SAFETY: null, or one answer for each resource: the program's duty.
            let result = |index: usize| unsafe { com::read(com::at(results, index)) };
            let discarded = |index| result(index).is_ok_and(|result| result != DXGI_RECLAIM_RESOURCE_RESULT_OK);
            // SAFETY: the program's duties.
            unsafe { reclaimed(device, resources, count, discarded) };
        }
        answer
    })
}
