//! Mapped resources as surfaces of the engine. The only place where memory of the host becomes slices.

use std::ffi::c_void;
use std::ops::Range;

use softcp::{BlitSurfaces, Rows, RowsMut, Surface, SurfaceFlags, SurfaceMut};
use softcp_abi::{
    SOFTCP_ACCESS_READ, SOFTCP_ACCESS_READ_WRITE, SOFTCP_ACCESS_WRITE, SOFTCP_MAPPING_MULTISAMPLED,
    SOFTCP_MAPPING_PROTECTED, softcp_mapping, softcp_plane,
};

use crate::host::Host;
use crate::hresult::{Failure, Result};
use crate::pointer;

/// A mapped resource; unmapped when dropped.
struct Mapped<'h> {
    host: &'h Host,
    resource: *mut c_void,
    mapping: softcp_mapping,
}

impl<'h> Mapped<'h> {
    fn new(host: &'h Host, resource: *mut c_void, access: u32) -> Result<Self> {
        Ok(Self { host, resource, mapping: host.map(resource, access)? })
    }

    /// The planes in memory order, checked for nothing but their number.
    fn planes(&self) -> Result<impl Iterator<Item = softcp_plane> + Clone> {
        let softcp_mapping { data, row_pitch, row_bytes, rows, extra_plane_count, extra_planes, .. } = self.mapping;
        let extra = usize::try_from(extra_plane_count).unwrap_or(usize::MAX);
        if extra > extra_planes.len() {
            return Err(Failure::Mapping("a mapping has more than two extra planes"));
        }
        let first = softcp_plane { data, row_pitch, row_bytes, rows };
        Ok(std::iter::once(first).chain(extra_planes.into_iter().take(extra)))
    }

    fn flags(&self) -> SurfaceFlags {
        SurfaceFlags {
            protected: self.mapping.flags & SOFTCP_MAPPING_PROTECTED != 0,
            multisampled: self.mapping.flags & SOFTCP_MAPPING_MULTISAMPLED != 0,
        }
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        self.host.unmap(self.resource);
    }
}

/// Maps the two sides of a blit, once if they are the same resource, and runs `blit` on them.
///
/// # Safety
/// What the host's `map` describes is memory that, until `unmap`, is valid for the access asked for and is touched by
/// nobody else.
pub(crate) unsafe fn with_surfaces(
    host: &Host,
    source: *mut c_void,
    destination: *mut c_void,
    blit: impl FnOnce(BlitSurfaces<'_>) -> Result<()>,
) -> Result<()> {
    if host.same_resource(source, destination) {
        let mapped = Mapped::new(host, destination, SOFTCP_ACCESS_READ_WRITE)?;
        // SAFETY: mapped for reading and writing until after the blit; the caller passes the host's duty on.
        let surface = unsafe { surface_mut(&mapped) }?;
        return blit(BlitSurfaces::Same(surface));
    }
    let from = Mapped::new(host, source, SOFTCP_ACCESS_READ)?;
    let to = Mapped::new(host, destination, SOFTCP_ACCESS_WRITE)?;
    for (a, b) in from.planes()?.flat_map(|a| to.planes().into_iter().flatten().map(move |b| (a, b))) {
        if overlaps(&extent(&a)?, &extent(&b)?) {
            return Err(Failure::Mapping(
                "source and destination overlap; the host's same_resource must say so if they are one resource",
            ));
        }
    }
    // SAFETY: mapped until after the blit, and nothing writes it: the destination does not overlap it.
    let source = unsafe { surface(&from) }?;
    // SAFETY: mapped until after the blit, and nothing else touches it: the source does not overlap it.
    let destination = unsafe { surface_mut(&to) }?;
    blit(BlitSurfaces::Distinct { source, destination })
}

/// The two sides of a decoder's buffer, which are the same memory or do not overlap.
///
/// # Safety
/// `source` is null or valid for reads of `size` bytes, `destination` null or valid for reads and writes of as many;
/// nothing else touches them during `'a`.
pub(crate) unsafe fn buffers<'a>(
    source: *const c_void,
    destination: *mut c_void,
    size: usize,
) -> Result<BlitSurfaces<'a>> {
    let plane = |data| softcp_plane { data, row_pitch: size, row_bytes: size, rows: 1 };
    let overlapping = overlaps(&extent(&plane(source.cast_mut()))?, &extent(&plane(destination))?);
    if overlapping && !std::ptr::addr_eq(source, destination) {
        return Err(Failure::Mapping("source and destination overlap without being the same"));
    }
    // SAFETY: the caller's duty; where the source is the same memory, it is not made a slice of.
    let to = SurfaceMut::buffer(unsafe { pointer::bytes_mut("destination", destination, size) }?);
    if overlapping {
        return Ok(BlitSurfaces::Same(to));
    }
    // SAFETY: the caller's duty; it does not overlap the destination.
    let source = Surface::buffer(unsafe { pointer::bytes("source", source, size) }?);
    Ok(BlitSurfaces::Distinct { source, destination: to })
}

/// # Safety
/// The mapped memory is valid for reads, and written by nobody, during `'a`.
unsafe fn surface<'a>(mapped: &'a Mapped<'_>) -> Result<Surface<'a>> {
    let rows = |plane: softcp_plane| -> Result<Rows<'a>> {
        let data = match length(&plane)? {
            0 => &[][..],
            // SAFETY: not null and within the address space (`length`), valid by the caller's duty.
            bytes => unsafe { std::slice::from_raw_parts(plane.data.cast(), bytes) },
        };
        Ok(Rows::new(data, plane.row_pitch, plane.row_bytes, plane.rows).map_err(softcp::Error::from)?)
    };
    let planes = mapped.planes()?.map(rows).collect::<Result<PlaneList<_>>>()?;
    Ok(Surface::new(planes.into_iter(), mapped.mapping.format, mapped.flags())?)
}

/// # Safety
/// The mapped memory is valid for reads and writes, and touched by nobody else, during `'a`.
unsafe fn surface_mut<'a>(mapped: &'a Mapped<'_>) -> Result<SurfaceMut<'a>> {
    let mut seen = PlaneList::<Range<usize>>::default();
    let mut rows = |plane: softcp_plane| -> Result<RowsMut<'a>> {
        let extent = extent(&plane)?;
        if seen.iter().any(|other| overlaps(other, &extent)) {
            return Err(Failure::Mapping("two planes of a mapping overlap"));
        }
        seen.push(extent);
        let data = match length(&plane)? {
            0 => &mut [][..],
            // SAFETY: not null and within the address space (`length`), valid and exclusive by the caller's duty; no
            // earlier plane overlaps it.
            bytes => unsafe { std::slice::from_raw_parts_mut(plane.data.cast(), bytes) },
        };
        Ok(RowsMut::new(data, plane.row_pitch, plane.row_bytes, plane.rows).map_err(softcp::Error::from)?)
    };
    let planes = mapped.planes()?.map(&mut rows).collect::<Result<PlaneList<_>>>()?;
    Ok(SurfaceMut::new(planes.into_iter(), mapped.mapping.format, mapped.flags())?)
}

/// Up to three things, without an allocation.
struct PlaneList<T>([Option<T>; softcp::MAX_PLANES]);

impl<T> Default for PlaneList<T> {
    fn default() -> Self {
        Self([None, None, None])
    }
}

impl<T> PlaneList<T> {
    fn push(&mut self, item: T) {
        *self.0.iter_mut().find(|slot| slot.is_none()).expect("a mapping has at most three planes") = Some(item);
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    fn into_iter(self) -> impl Iterator<Item = T> {
        self.0.into_iter().flatten()
    }
}

impl<T> FromIterator<T> for PlaneList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = Self::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

/// Bytes from the first visible byte to the last; 0 for an empty plane.
fn length(plane: &softcp_plane) -> Result<usize> {
    let too_large = Failure::Mapping("a mapping is larger than the address space");
    if plane.rows == 0 || plane.row_bytes == 0 {
        return Ok(0);
    }
    let bytes = (plane.rows - 1)
        .checked_mul(plane.row_pitch)
        .and_then(|start| start.checked_add(plane.row_bytes))
        .filter(|&bytes| isize::try_from(bytes).is_ok());
    match bytes {
        None => Err(too_large),
        Some(_) if plane.data.is_null() => Err(Failure::Null("the data of a mapping")),
        Some(bytes) => Ok(bytes),
    }
}

/// The addresses a plane spans, padding included.
fn extent(plane: &softcp_plane) -> Result<Range<usize>> {
    let start = plane.data.addr();
    let end =
        start.checked_add(length(plane)?).ok_or(Failure::Mapping("a mapping is larger than the address space"))?;
    Ok(start..end)
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
}
