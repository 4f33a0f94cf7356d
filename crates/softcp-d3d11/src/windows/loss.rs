//! Content that was lost in a teardown: protected resources are filled with zeros (D23).
//!
//! A loss becomes known on any thread, but only the thread that uses the immediate context may write to resources, and only
//! a caller with a pointer knows that a resource lives. So each resource has a mark, and is filled before its next use that
//! the layer sees: a blit, a copy, Map, being written to or drawn to.

use std::ptr;

use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_MAP_WRITE, D3D11_MAP_WRITE_DISCARD, D3D11_MAPPED_SUBRESOURCE,
    D3D11_SIMULTANEOUS_RENDER_TARGET_COUNT, D3D11_USAGE_DYNAMIC, D3D11_USAGE_STAGING, ID3D11DeviceContext,
    ID3D11DeviceContext_Vtbl,
};
use windows::core::Interface;

use super::com::{Raw, Weak};
use super::device::DeviceState;
use super::hooks::detour::{Method, method};
use super::hooks::own_call;
use super::resource::{Facts, Note, Shape};
use super::staging::{MAP, UNMAP};

pub(super) type Update = unsafe extern "system" fn(Raw, Raw, u32, *const D3D11_BOX, *const core::ffi::c_void, u32, u32);

pub(super) static UPDATE: Method<ID3D11DeviceContext_Vtbl, Update> =
    method!(ID3D11DeviceContext_Vtbl, UpdateSubresource);

/// Before a resource is used: fills it with zeros if its content was lost.
///
/// # Safety
///
/// `resource` is null or a live resource of this device, and this thread may use the immediate context.
pub(super) unsafe fn settle(state: &DeviceState, resource: Raw) {
    if !state.resources.any_lost() {
        return;
    }
    // SAFETY: the caller's duty.
    if unsafe { Note::of(resource) }.is_some_and(|note| note.take_lost()) {
        // SAFETY: the caller's duty.
        unsafe { clear(state.context(), resource) };
        tracing::warn!(id = "content-lost", "the content of a protected resource is lost");
    }
}

/// Settles what the context draws to at present, once for each loss: drawing goes on without telling the layer.
///
/// # Safety
///
/// This thread may use the immediate context.
pub(super) unsafe fn settle_targets(state: &DeviceState) {
    if !state.resources.take_targets_lost() {
        return;
    }
    // SAFETY: it lives during a call on one of its device's objects.
    let context = unsafe { state.context().interface::<ID3D11DeviceContext>() };
    let mut targets = [const { None }; D3D11_SIMULTANEOUS_RENDER_TARGET_COUNT as usize];
    // SAFETY: a live context, and a place for each view.
    unsafe { context.OMGetRenderTargets(Some(&mut targets), None) };
    for target in targets.iter().flatten() {
        // SAFETY: a live view.
        if let Ok(resource) = unsafe { target.GetResource() } {
            // SAFETY: live, and of this device.
            unsafe { settle(state, resource.as_raw()) };
        }
    }
}

/// Fills all that the context can write of a resource with zeros.
///
/// # Safety
///
/// Both live.
unsafe fn clear(context: Weak, resource: Raw) {
    // SAFETY: the caller's duty.
    let facts = unsafe { Facts::of(resource) };
    let Some(layout) = facts.shape.layout() else { return };
    if facts.samples > 1 {
        return;
    }
    let pitch = match facts.shape {
        Shape::Buffer { bytes } => bytes as usize,
        _ => layout.planes.iter().map(|plane| plane.row_bytes).max().unwrap_or_default(),
    };
    let Some(bytes) = layout.mapped_size(pitch) else { return };
    for subresource in 0..facts.subresources {
        let how = if facts.usage == D3D11_USAGE_DYNAMIC { D3D11_MAP_WRITE_DISCARD } else { D3D11_MAP_WRITE };
        if [D3D11_USAGE_STAGING, D3D11_USAGE_DYNAMIC].contains(&facts.usage) {
            let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
            // SAFETY: a live context.
            let map = unsafe { MAP.of(context.raw()) };
            // SAFETY: a live context, a live resource of its device, a place.
            let map = || unsafe { map(context.raw(), resource, subresource, how, 0, &raw mut mapped) };
            let answer = own_call::on(resource, map);
            // Only subresource 0 has the size that is known here.
            if answer.is_err() || mapped.pData.is_null() {
                continue;
            }
            let pitch = if let Shape::Buffer { .. } = facts.shape { bytes } else { mapped.RowPitch as usize };
            if let (0, Some(bytes)) = (subresource, layout.mapped_size(pitch)) {
                // SAFETY: mapped for writing, and as large as the layout says.
                unsafe { mapped.pData.cast::<u8>().write_bytes(0, bytes) };
            }
            // SAFETY: a live context.
            let unmap = unsafe { UNMAP.of(context.raw()) };
            // SAFETY: mapped above.
            own_call::on(resource, || unsafe { unmap(context.raw(), resource, subresource) });
        } else {
            let zeros = vec![0_u8; bytes];
            let pitch = u32::try_from(pitch).unwrap_or(u32::MAX);
            // SAFETY: a live context.
            let update = unsafe { UPDATE.of(context.raw()) };
            let zeros = zeros.as_ptr().cast();
            // SAFETY: no subresource is larger than the first, which has this size.
            let update = || unsafe { update(context.raw(), resource, subresource, ptr::null(), zeros, pitch, 0) };
            own_call::on(resource, update);
        }
    }
}
