//! Content that was lost in a teardown: protected resources are filled with zeros (D23).
//!
//! A loss becomes known on any thread, but only the thread that uses the immediate context may write to resources. So it
//! is noted, and done before the context's next use that the layer sees.

use std::ptr;
use std::sync::atomic::Ordering;

use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, D3D11_MAP_WRITE, D3D11_MAPPED_SUBRESOURCE, D3D11_USAGE_STAGING, ID3D11DeviceContext_Vtbl,
};

use super::com::{self, Raw, Weak};
use super::device::DeviceState;
use super::hook::{Entry, entry};
use super::resource::{Facts, Shape};
use super::staging::{MAP, UNMAP};

pub(super) type Update = unsafe extern "system" fn(Raw, Raw, u32, *const D3D11_BOX, *const core::ffi::c_void, u32, u32);

pub(super) const UPDATE: Entry<ID3D11DeviceContext_Vtbl, Update> = entry!(ID3D11DeviceContext_Vtbl, UpdateSubresource);

/// Fills the protected resources of a device with zeros, if their content was lost.
pub(super) fn apply(state: &DeviceState) {
    if !state.content_lost.swap(false, Ordering::AcqRel) {
        return;
    }
    // Held until all is done: a resource takes itself off the list, for which it needs the lock, before it goes.
    let protected = state.resources.protected();
    for &address in &*protected {
        let resource: Raw = ptr::with_exposed_provenance_mut(address);
        // SAFETY: it is on the list, so its memory is there.
        let references = unsafe { com::add_ref(resource) };
        // With one reference, ours, it is on its way out on another thread, and waits for the list: neither used nor
        // released.
        if references > 1 {
            // SAFETY: it lives.
            unsafe { clear(state.context(), resource) };
            // SAFETY: the reference taken above.
            unsafe { com::release(resource) };
        }
    }
    tracing::warn!(id = "content-lost", "the content of {} protected resources is lost", protected.len());
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
        if facts.usage == D3D11_USAGE_STAGING {
            let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
            // SAFETY: a live context.
            let map = unsafe { MAP.below(context.raw()) };
            // SAFETY: a live context, a live resource of its device, a place.
            let answer = unsafe { map(context.raw(), resource, subresource, D3D11_MAP_WRITE, 0, &raw mut mapped) };
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
            let unmap = unsafe { UNMAP.below(context.raw()) };
            // SAFETY: mapped above.
            unsafe { unmap(context.raw(), resource, subresource) };
        } else {
            let zeros = vec![0_u8; bytes];
            let pitch = u32::try_from(pitch).unwrap_or(u32::MAX);
            // SAFETY: a live context.
            let update = unsafe { UPDATE.below(context.raw()) };
            // SAFETY: no subresource is larger than the first, which has this size.
            unsafe { update(context.raw(), resource, subresource, ptr::null(), zeros.as_ptr().cast(), pitch, 0) };
        }
    }
}
