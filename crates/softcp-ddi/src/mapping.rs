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

/// A resource that is mapped; unmapped when dropped.
struct Mapped<'h> {
    host: &'h Host,
    resource: *mut c_void,
}

impl<'h> Mapped<'h> {
    /// Maps a resource and writes what the host says about it to `mapping`, which is zero.
    fn new(host: &'h Host, resource: *mut c_void, access: u32, mapping: &mut softcp_mapping) -> Result<Self> {
        host.map(resource, access, mapping)?;
        Ok(Self { host, resource })
    }
}

impl Drop for Mapped<'_> {
    fn drop(&mut self) {
        self.host.unmap(self.resource);
    }
}

/// The planes of a mapping in memory order, checked for nothing but their number.
pub(crate) fn planes(mapping: &softcp_mapping) -> Result<impl Iterator<Item = softcp_plane> + Clone> {
    let extra = usize::try_from(mapping.extra_plane_count).unwrap_or(usize::MAX);
    match mapping.extra_planes.get(..extra) {
        Some(extra) => Ok(std::iter::once(first_plane(mapping)).chain(extra.iter().copied())),
        None => Err(Failure::Mapping("a mapping has more than two extra planes")),
    }
}

fn first_plane(mapping: &softcp_mapping) -> softcp_plane {
    let &softcp_mapping { data, row_pitch, row_bytes, rows, .. } = mapping;
    softcp_plane { data, row_pitch, row_bytes, rows }
}

fn flags(mapping: &softcp_mapping) -> SurfaceFlags {
    SurfaceFlags {
        protected: mapping.flags & SOFTCP_MAPPING_PROTECTED != 0,
        multisampled: mapping.flags & SOFTCP_MAPPING_MULTISAMPLED != 0,
    }
}

/// Maps the two sides of a blit, once if they are the same resource, and runs `blit` on them. Of two resources the one
/// with the smaller cookie is mapped first and unmapped last, so that hosts with a lock for each resource do not deadlock
/// (D43).
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
        let mut mapping = softcp_mapping::default();
        let _mapped = Mapped::new(host, destination, SOFTCP_ACCESS_READ_WRITE, &mut mapping)?;
        // SAFETY: mapped for reading and writing until after the blit; the caller passes the host's duty on.
        return blit(BlitSurfaces::Same(unsafe { surface_mut(&mapping) }?));
    }
    let (mut from, mut to) = (softcp_mapping::default(), softcp_mapping::default());
    let mut map_source = || Mapped::new(host, source, SOFTCP_ACCESS_READ, &mut from);
    let mut map_destination = || Mapped::new(host, destination, SOFTCP_ACCESS_WRITE, &mut to);
    let (_first, _second);
    if source.addr() < destination.addr() {
        _first = map_source()?;
        _second = map_destination()?;
    } else {
        _first = map_destination()?;
        _second = map_source()?;
    }
    check_apart(&from, &to)?;
    // The surfaces are made in the call's arguments: to hand them through a result first would copy them.
    if is_of_one_plane(&from) && is_of_one_plane(&to) {
        // SAFETY: mapped until after the blit, and nothing writes it: the destination does not overlap it.
        let source = unsafe { rows(first_plane(&from)) }?;
        // SAFETY: mapped until after the blit, and nothing else touches it: the source does not overlap it.
        let destination = unsafe { rows_mut(first_plane(&to)) }?;
        return blit(BlitSurfaces::Distinct {
            source: Surface::of_plane(source, from.format, flags(&from)),
            destination: SurfaceMut::of_plane(destination, to.format, flags(&to)),
        });
    }
    blit(BlitSurfaces::Distinct {
        // SAFETY: as above.
        source: unsafe { surface(&from) }?,
        // SAFETY: as above.
        destination: unsafe { surface_mut(&to) }?,
    })
}

fn is_of_one_plane(mapping: &softcp_mapping) -> bool {
    mapping.extra_plane_count == 0
}

/// Checks that no planes of two mappings overlap.
fn check_apart(from: &softcp_mapping, to: &softcp_mapping) -> Result<()> {
    let overlapping = || {
        Err(Failure::Mapping(
            "source and destination overlap; the host's same_resource must say so if they are one resource",
        ))
    };
    if is_of_one_plane(from) && is_of_one_plane(to) {
        let overlaps = overlaps(&extent(&first_plane(from))?, &extent(&first_plane(to))?);
        return if overlaps { overlapping() } else { Ok(()) };
    }
    for a in planes(from)? {
        let a = extent(&a)?;
        for b in planes(to)? {
            if overlaps(&a, &extent(&b)?) {
                return overlapping();
            }
        }
    }
    Ok(())
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
unsafe fn surface<'a>(mapping: &softcp_mapping) -> Result<Surface<'a>> {
    // SAFETY: the caller's duty, for each plane.
    let rows = |plane: softcp_plane| unsafe { rows(plane) };
    let planes = planes(mapping)?.map(rows).collect::<Result<PlaneList<_>>>()?;
    Ok(Surface::new(planes.into_iter(), mapping.format, flags(mapping))?)
}

/// # Safety
/// The mapped memory is valid for reads and writes, and touched by nobody else, during `'a`.
unsafe fn surface_mut<'a>(mapping: &softcp_mapping) -> Result<SurfaceMut<'a>> {
    let mut seen = PlaneList::<Range<usize>>::default();
    for plane in planes(mapping)? {
        let extent = extent(&plane)?;
        if seen.iter().any(|other| overlaps(other, &extent)) {
            return Err(Failure::Mapping("two planes of a mapping overlap"));
        }
        seen.push(extent);
    }
    // SAFETY: the caller's duty, for each plane; none overlaps another.
    let rows_mut = |plane: softcp_plane| unsafe { rows_mut(plane) };
    let planes = planes(mapping)?.map(rows_mut).collect::<Result<PlaneList<_>>>()?;
    Ok(SurfaceMut::new(planes.into_iter(), mapping.format, flags(mapping))?)
}

/// # Safety
/// The plane's memory is valid for reads, and written by nobody, during `'a`.
unsafe fn rows<'a>(plane: softcp_plane) -> Result<Rows<'a>> {
    let data = match length(&plane)? {
        0 => &[][..],
        // SAFETY: not null and within the address space (`length`), valid by the caller's duty.
        bytes => unsafe { std::slice::from_raw_parts(plane.data.cast(), bytes) },
    };
    Ok(Rows::new(data, plane.row_pitch, plane.row_bytes, plane.rows).map_err(softcp::Error::from)?)
}

/// # Safety
/// The plane's memory is valid for reads and writes, and touched by nobody else, during `'a`.
unsafe fn rows_mut<'a>(plane: softcp_plane) -> Result<RowsMut<'a>> {
    let data = match length(&plane)? {
        0 => &mut [][..],
        // SAFETY: not null and within the address space (`length`), valid and exclusive by the caller's duty.
        bytes => unsafe { std::slice::from_raw_parts_mut(plane.data.cast(), bytes) },
    };
    Ok(RowsMut::new(data, plane.row_pitch, plane.row_bytes, plane.rows).map_err(softcp::Error::from)?)
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
pub(crate) fn extent(plane: &softcp_plane) -> Result<Range<usize>> {
    let start = plane.data.addr();
    let end =
        start.checked_add(length(plane)?).ok_or(Failure::Mapping("a mapping is larger than the address space"))?;
    Ok(start..end)
}

fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
}
