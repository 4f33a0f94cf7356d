//! Memory of the layer's, lent to the driver as resources of its own for one blit.

use softcp_abi::{SOFTCP_MAPPING_PROTECTED, softcp_mapping, softcp_plane};
use softcp_runtime::{Calls, Device, Error, PlaneDesc, Reply, Resource, ResourceDesc, ResourceHandle};

use super::session::CryptoSession;

/// Has the driver blit from one memory to another.
///
/// A driver that makes resources of memory works in it directly. For another one the content is copied into resources
/// of its own, and back; such a driver cannot serve protected resources while protection is on, since it does not map
/// them then (D19).
///
/// # Safety
///
/// Both mappings describe memory that is valid, and that nobody else uses, until this returns.
pub(super) unsafe fn lend(
    session: &CryptoSession,
    from: &softcp_mapping,
    to: &softcp_mapping,
    blt: impl FnOnce(Calls<'_>, ResourceHandle<'_>, ResourceHandle<'_>) -> Result<Reply, Error>,
) -> Result<(), Error> {
    let device = session.session.device();
    if device.wraps_resources() {
        // SAFETY: the caller's duty; both resources are gone when this returns.
        let source = unsafe { device.wrap_resource(from) }?;
        // SAFETY: as above.
        let destination = unsafe { device.wrap_resource(to) }?;
        return Ok(blt(device.calls(), source.handle(), destination.handle())?.into_result()?);
    }
    let (mut source, mut destination) = (create(device, from)?, create(device, to)?);
    // SAFETY: the caller's duty.
    unsafe { copy_in(&mut source, from) }?;
    // SAFETY: the caller's duty.
    unsafe { copy_in(&mut destination, to) }?;
    blt(device.calls(), source.handle(), destination.handle())?.into_result()?;
    // SAFETY: the caller's duty.
    unsafe { copy_out(&mut destination, to) }
}

/// A resource of the driver's own, of the shape of the memory.
fn create(device: &Device, memory: &softcp_mapping) -> Result<Resource, Error> {
    let desc = |plane: &softcp_plane| PlaneDesc { row_bytes: plane.row_bytes, rows: plane.rows, row_pitch: 0 };
    let mut planes = planes(memory).map(|plane| desc(&plane));
    let plane = planes.next().unwrap_or_default();
    device.create_resource(&ResourceDesc {
        plane,
        extra_planes: [planes.next(), planes.next()],
        format: memory.format,
        protected: memory.flags & SOFTCP_MAPPING_PROTECTED != 0,
        ..ResourceDesc::default()
    })
}

/// # Safety
///
/// The memory is valid.
unsafe fn copy_in(resource: &mut Resource, memory: &softcp_mapping) -> Result<(), Error> {
    let mut mapping = resource.map_write()?;
    for (index, (row, bytes)) in rows(memory).enumerate() {
        // SAFETY: the caller's duty: rows of the description are there.
        let row = unsafe { std::slice::from_raw_parts(row, bytes) };
        mapping.row_mut(index).copy_from_slice(row);
    }
    Ok(())
}

/// # Safety
///
/// The memory is valid, and nobody else uses it.
unsafe fn copy_out(resource: &mut Resource, memory: &softcp_mapping) -> Result<(), Error> {
    let mapping = resource.map_read()?;
    for (index, (row, bytes)) in rows(memory).enumerate() {
        // SAFETY: the caller's duty: rows of the description are there.
        let row = unsafe { std::slice::from_raw_parts_mut(row, bytes) };
        row.copy_from_slice(mapping.row(index));
    }
    Ok(())
}

/// The planes, the first one included.
fn planes(memory: &softcp_mapping) -> impl Iterator<Item = softcp_plane> + use<> {
    let first =
        softcp_plane { data: memory.data, row_pitch: memory.row_pitch, row_bytes: memory.row_bytes, rows: memory.rows };
    std::iter::once(first).chain(memory.extra_planes.into_iter().take(memory.extra_plane_count as usize))
}

/// Every row of every plane, in memory order: where it is, and how long.
fn rows(memory: &softcp_mapping) -> impl Iterator<Item = (*mut u8, usize)> {
    planes(memory).flat_map(|plane| {
        (0..plane.rows).map(move |row| (plane.data.cast::<u8>().wrapping_add(row * plane.row_pitch), plane.row_bytes))
    })
}
