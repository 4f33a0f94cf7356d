//! Resources of the reference driver: plain memory with rows and planes, the driver's own or its caller's.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    SOFTCP_ACCESS_READ, SOFTCP_ACCESS_WRITE, SOFTCP_MAPPING_MULTISAMPLED, SOFTCP_MAPPING_PROTECTED,
    SOFTCP_RESOURCE_MULTISAMPLED, SOFTCP_RESOURCE_PROTECTED, SOFTCP_RESOURCE_RESTRICTED, SOFTCP_RESOURCE_SHARED,
    softcp_mapping, softcp_plane, softcp_resource_desc,
};

use crate::hresult::{Failure, Result};
use crate::mapping;

/// Rows begin at multiples of this many bytes unless the description says otherwise, as graphics memory does.
const PITCH_ALIGNMENT: usize = 64;
/// Most bytes of one resource: the largest object there can be.
const MAX_BYTES: usize = isize::MAX.cast_unsigned();

/// Where the planes of a resource lie in its memory.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    planes: Vec<Plane>,
    bytes: usize,
    flags: u32,
    format: u32,
}

#[derive(Debug, Clone, Copy)]
struct Plane {
    offset: usize,
    row_pitch: usize,
    row_bytes: usize,
    rows: usize,
}

impl Shape {
    /// Lays the planes of a description out, one after another.
    pub(super) fn new(desc: &softcp_resource_desc) -> Result<Self> {
        let known = SOFTCP_RESOURCE_PROTECTED
            | SOFTCP_RESOURCE_MULTISAMPLED
            | SOFTCP_RESOURCE_SHARED
            | SOFTCP_RESOURCE_RESTRICTED;
        if desc.flags & !known != 0 {
            return Err(Failure::Invalid("softcp_resource_desc.flags holds an unknown flag"));
        }
        if desc.flags & (SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED) == SOFTCP_RESOURCE_RESTRICTED {
            return Err(Failure::Invalid("only a shared resource can be a restricted one"));
        }
        let extra = usize::try_from(desc.extra_plane_count).unwrap_or(usize::MAX);
        let extra =
            desc.extra_planes.get(..extra).ok_or(Failure::Invalid("a resource has at most two extra planes"))?;
        let first = softcp_plane {
            data: std::ptr::null_mut(),
            row_pitch: desc.row_pitch,
            row_bytes: desc.row_bytes,
            rows: desc.rows,
        };
        let (mut planes, mut bytes) = (Vec::new(), 0);
        for plane in std::iter::once(&first).chain(extra) {
            let row_pitch = match plane.row_pitch {
                0 => plane.row_bytes.checked_next_multiple_of(PITCH_ALIGNMENT).ok_or(TOO_LARGE)?,
                pitch => pitch,
            };
            let end = end(&softcp_plane { row_pitch, ..*plane }, bytes)?;
            planes.push(Plane { offset: bytes, row_pitch, row_bytes: plane.row_bytes, rows: plane.rows });
            bytes = end;
        }
        Ok(Self { planes, bytes, flags: desc.flags, format: desc.format })
    }

    /// Bytes that the resource takes of the budget for protected ones (D24), padding included.
    pub(super) fn budget(&self) -> u64 {
        if self.flags & SOFTCP_RESOURCE_PROTECTED != 0 { self.bytes as u64 } else { 0 }
    }

    /// The description of memory that begins at `base`.
    fn mapping(&self, base: *mut u8) -> softcp_mapping {
        let describe = |plane: &Plane| softcp_plane {
            data: base.wrapping_add(plane.offset).cast(),
            row_pitch: plane.row_pitch,
            row_bytes: plane.row_bytes,
            rows: plane.rows,
        };
        let first = describe(&self.planes[0]);
        let mut extra_planes = [softcp_plane::default(); 2];
        self.planes[1..].iter().zip(&mut extra_planes).for_each(|(plane, slot)| *slot = describe(plane));
        let flag = |resource, mapping| if self.flags & resource != 0 { mapping } else { 0 };
        softcp_mapping {
            data: first.data,
            row_pitch: first.row_pitch,
            row_bytes: first.row_bytes,
            rows: first.rows,
            flags: flag(SOFTCP_RESOURCE_PROTECTED, SOFTCP_MAPPING_PROTECTED)
                | flag(SOFTCP_RESOURCE_MULTISAMPLED, SOFTCP_MAPPING_MULTISAMPLED),
            format: self.format,
            extra_plane_count: u32::try_from(self.planes.len() - 1).expect("at most two"),
            reserved: 0,
            extra_planes,
        }
    }
}

/// Where a plane ends, padding included, that begins `before` bytes into the resource; an error where its sizes make no
/// sense.
fn end(plane: &softcp_plane, before: usize) -> Result<usize> {
    let size = plane.row_pitch.checked_mul(plane.rows);
    let end = size.and_then(|size| size.checked_add(before)).filter(|&end| end <= MAX_BYTES).ok_or(TOO_LARGE)?;
    if plane.rows == 0 || plane.row_bytes == 0 || plane.row_pitch < plane.row_bytes {
        return Err(Failure::Invalid("a plane has no rows, empty rows, or a pitch smaller than its rows"));
    }
    Ok(end)
}

const TOO_LARGE: Failure = Failure::Invalid("the resource is larger than the address space");

/// Bytes of a cache line: memory begins with one, as graphics memory does, so that blits can write whole lines past the
/// caches.
const LINE: usize = 64;

/// Memory of the driver's own: zeros, of which the system brings in no page before it is used.
struct Memory {
    allocation: *mut u8,
    layout: Layout,
}

impl Memory {
    /// Room for a line more than `bytes`, since the memory is aligned by [`Self::base`]: of an allocator that aligns it
    /// come zeros that were written one by one.
    fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::array::<u8>(bytes.checked_add(LINE)?).ok()?;
        // SAFETY: the layout has at least the bytes of a line.
        let allocation = unsafe { alloc_zeroed(layout) };
        (!allocation.is_null()).then_some(Self { allocation, layout })
    }

    /// The first byte of the first whole line.
    fn base(&self) -> *mut u8 {
        self.allocation.wrapping_add(self.allocation.addr().wrapping_neg() % LINE)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and given back once.
        unsafe { dealloc(self.allocation, self.layout) };
    }
}

/// A resource. Its memory is reached through mappings only.
pub(super) struct Resource {
    /// The memory, as those who map it are told of it.
    mapping: softcp_mapping,
    /// None where the memory is the caller's.
    own: Option<Own>,
    state: Mutex<State>,
}

/// What a resource has whose memory is the driver's own.
struct Own {
    shape: Shape,
    memory: Memory,
}

/// Who has a resource mapped, and what is to be done when nobody has.
#[derive(Debug)]
struct State {
    users: Users,
    /// Fill with zeros: its content was lost while somebody had it mapped.
    is_lost: bool,
}

/// Who maps a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// The driver's caller, alone.
    Caller,
    /// A blit; several may read at a time, one that writes is alone. `access` is not looked at when it unmaps.
    Blit { access: u32 },
}

/// Who has a resource mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Users {
    Nobody,
    Caller,
    WritingBlit,
    ReadingBlits(u32),
}

// SAFETY: the memory is only handed out as raw pointers by `map`, to one writer or to readers. Everything else is
// behind a lock or never changes.
unsafe impl Sync for Resource {}
// SAFETY: the memory that its pointers point to is its own, or the caller's who may call on any thread, and bound to none.
unsafe impl Send for Resource {}

impl Resource {
    /// Makes a resource filled with zeros; none when there is no memory.
    pub(super) fn new(shape: Shape) -> Option<Self> {
        let memory = Memory::new(shape.bytes)?;
        Some(Self {
            mapping: shape.mapping(memory.base()),
            own: Some(Own { shape, memory }),
            state: Mutex::new(State { users: Users::Nobody, is_lost: false }),
        })
    }

    /// Makes a resource of the caller's memory; an error where the description makes no sense.
    ///
    /// # Safety
    /// What `memory` describes is valid, and touched by nobody else, whenever the resource is mapped for a blit, read or
    /// written.
    pub(super) unsafe fn wrapping(memory: &softcp_mapping) -> Result<Self> {
        if memory.flags & !(SOFTCP_MAPPING_PROTECTED | SOFTCP_MAPPING_MULTISAMPLED) != 0 || memory.reserved != 0 {
            return Err(Failure::Invalid("softcp_mapping.flags holds an unknown flag, or reserved is not zero"));
        }
        let mut bytes = 0;
        for plane in mapping::planes(memory)? {
            bytes = end(&plane, bytes)?;
            mapping::extent(&plane)?;
        }
        let mut mapping = *memory;
        mapping.extra_planes[memory.extra_plane_count as usize..].fill(softcp_plane::default());
        Ok(Self { mapping, own: None, state: Mutex::new(State { users: Users::Nobody, is_lost: false }) })
    }

    /// Whether a pixel has more than one sample.
    pub(super) fn multisampled(&self) -> bool {
        self.mapping.flags & SOFTCP_MAPPING_MULTISAMPLED != 0
    }

    /// Whether the resource is protected.
    pub(super) fn protected(&self) -> bool {
        self.mapping.flags & SOFTCP_MAPPING_PROTECTED != 0
    }

    /// Whether the resource is protected and every process may open it.
    pub(super) fn unrestricted_share(&self) -> bool {
        const SHARING: u32 = SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED;
        let is_share = |own: &Own| own.shape.flags & SHARING == SOFTCP_RESOURCE_SHARED;
        self.protected() && self.own.as_ref().is_some_and(is_share)
    }

    /// Bytes that it takes of the budget for protected resources (D24): the caller's memory takes none.
    pub(super) fn budget(&self) -> u64 {
        self.own.as_ref().map_or(0, |own| own.shape.budget())
    }

    /// Bytes that are no padding.
    pub(super) fn visible_bytes(&self) -> usize {
        self.planes().map(|plane| plane.row_bytes * plane.rows).sum()
    }

    fn planes(&self) -> impl Iterator<Item = softcp_plane> {
        mapping::planes(&self.mapping).into_iter().flatten()
    }

    /// The memory of some of the visible bytes, counted row after row and plane after plane (D9): first byte and length
    /// of each piece.
    fn pieces(&self, visible: Range<usize>) -> impl Iterator<Item = (*mut u8, usize)> {
        let row_of = |plane: softcp_plane, row| plane.data.cast::<u8>().wrapping_add(row * plane.row_pitch);
        let rows =
            self.planes().flat_map(move |plane| (0..plane.rows).map(move |row| (row_of(plane, row), plane.row_bytes)));
        let mut before = 0;
        rows.filter_map(move |(row, bytes)| {
            let from = visible.start.max(before) - before;
            let to = visible.end.clamp(before, before + bytes) - before;
            before += bytes;
            (from < to).then(|| (row.wrapping_add(from), to - from))
        })
    }

    /// Marks the resource as mapped and describes its memory; an error while somebody else's mapping forbids it.
    pub(super) fn map(&self, user: User) -> Result<softcp_mapping> {
        let mut state = self.state();
        state.users = match (state.users, user) {
            (Users::Nobody, User::Caller) => Users::Caller,
            (Users::Nobody, User::Blit { access }) if access & SOFTCP_ACCESS_WRITE != 0 => Users::WritingBlit,
            (Users::Nobody, User::Blit { .. }) => Users::ReadingBlits(1),
            (Users::ReadingBlits(count), User::Blit { access }) if access & SOFTCP_ACCESS_WRITE == 0 => {
                Users::ReadingBlits(count + 1)
            }
            (Users::Caller, _) => return Err(Failure::Invalid("the resource is mapped; unmap it first")),
            _ => return Err(Failure::Invalid("the resource is in use by a blit on another thread")),
        };
        drop(state);
        Ok(self.mapping)
    }

    /// A copy of some of the visible bytes, for a decoder; an error where there are not so many, or somebody writes.
    pub(super) fn read(&self, visible: Range<usize>) -> Result<Vec<u8>> {
        self.check(&visible)?;
        let user = User::Blit { access: SOFTCP_ACCESS_READ };
        self.map(user)?;
        let mut bytes = Vec::with_capacity(visible.len());
        for (piece, len) in self.pieces(visible) {
            // SAFETY: the piece lies in the memory, which `map` has lent to readers alone.
            bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(piece, len) });
        }
        self.unmap(user)?;
        Ok(bytes)
    }

    /// Writes visible bytes from `start` on, for a decoder; an error where there are not so many, or somebody uses it.
    pub(super) fn write(&self, start: usize, bytes: &[u8]) -> Result<()> {
        let visible = start..start.saturating_add(bytes.len());
        self.check(&visible)?;
        let user = User::Blit { access: SOFTCP_ACCESS_WRITE };
        self.map(user)?;
        let mut rest = bytes;
        for (piece, len) in self.pieces(visible) {
            let (now, later) = rest.split_at(len);
            // SAFETY: the piece lies in the memory, which `map` has lent to this writer alone; `now` is as long.
            unsafe { std::ptr::copy_nonoverlapping(now.as_ptr(), piece, len) };
            rest = later;
        }
        self.unmap(user)
    }

    /// Lends some of the visible bytes where they lie, for a decoder; none where they are in several pieces. `access` is
    /// `SOFTCP_ACCESS_READ` or `SOFTCP_ACCESS_WRITE`. An error where there are not so many, or somebody is in the way.
    pub(super) fn lend(&self, visible: Range<usize>, access: u32) -> Result<Option<Lent<'_>>> {
        self.check(&visible)?;
        let mut pieces = self.pieces(visible);
        let (Some((first, len)), None) = (pieces.next(), pieces.next()) else { return Ok(None) };
        let user = User::Blit { access };
        self.map(user)?;
        Ok(Some(Lent { resource: self, user, first, len }))
    }

    /// An error where there are not so many visible bytes.
    pub(super) fn check(&self, visible: &Range<usize>) -> Result<()> {
        if visible.end <= self.visible_bytes() {
            return Ok(());
        }
        Err(Failure::Invalid("the data does not fit into the resource"))
    }

    /// Ends a mapping of `user`; an error when there is none.
    pub(super) fn unmap(&self, user: User) -> Result<()> {
        let mut state = self.state();
        state.users = match (state.users, user) {
            (Users::Caller, User::Caller) | (Users::WritingBlit | Users::ReadingBlits(..=1), User::Blit { .. }) => {
                Users::Nobody
            }
            (Users::ReadingBlits(count), User::Blit { .. }) => Users::ReadingBlits(count - 1),
            _ => return Err(Failure::Invalid("the resource is not mapped")),
        };
        if state.users == Users::Nobody && std::mem::take(&mut state.is_lost) {
            self.clear(&state);
        }
        Ok(())
    }

    /// The content is lost: fills the memory with zeros, now or when nobody has it mapped any more (D23). The caller's
    /// memory is the caller's to clear.
    pub(super) fn lose_content(&self) {
        let mut state = self.state();
        if state.users == Users::Nobody {
            self.clear(&state);
        } else {
            state.is_lost = true;
        }
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.state().users != Users::Nobody
    }

    /// Fills the memory with zeros. Who holds the lock keeps everybody from mapping it.
    fn clear(&self, _nobody: &MutexGuard<'_, State>) {
        let Some(Own { shape, memory }) = &self.own else { return };
        // SAFETY: the memory is as long as this, and nobody has it mapped while the lock is held.
        unsafe { memory.base().write_bytes(0, shape.bytes) };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Visible bytes that lie together, mapped until this is dropped.
pub(super) struct Lent<'a> {
    resource: &'a Resource,
    user: User,
    first: *mut u8,
    len: usize,
}

impl Lent<'_> {
    /// The first of the bytes: valid for reads, or for reads and writes and used by nobody else, as the access was.
    pub(super) fn first(&self) -> *mut u8 {
        self.first
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether some of the memory is that of `other`, as it may be where it is the caller's.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let range = |lent: &Self| lent.first.addr()..lent.first.addr() + lent.len;
        let (one, two) = (range(self), range(other));
        one.start < two.end && two.start < one.end
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // It has been mapped.
        let _ = self.resource.unmap(self.user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desc(row_bytes: usize, rows: usize, row_pitch: usize) -> softcp_resource_desc {
        softcp_resource_desc { row_bytes, rows, row_pitch, ..softcp_resource_desc::default() }
    }

    #[test]
    fn memory_begins_with_a_line() {
        for bytes in [1, 100, 5000] {
            let resource = Resource::new(Shape::new(&desc(bytes, 1, 0)).unwrap()).unwrap();
            let mapping = resource.map(User::Caller).unwrap();
            assert!(mapping.data.addr().is_multiple_of(LINE));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_that_is_not_used_is_not_there() {
        const BYTES: usize = 256 << 20;
        let resident_kib = || {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
        };
        let before = resident_kib();
        let resource = Resource::new(Shape::new(&desc(BYTES, 1, 0)).unwrap()).unwrap();
        let last = resource.read(BYTES - 1..BYTES).unwrap();
        // Other tests run beside this one, and take far less.
        assert!(resident_kib() < before + (128 << 10));
        assert_eq!(last, [0]);
    }

    #[test]
    fn pitch_is_aligned_by_default_and_kept_when_given() {
        for (given, expected) in [(0, 128), (101, 101)] {
            let mapping = Resource::new(Shape::new(&desc(100, 3, given)).unwrap()).unwrap().map(User::Caller).unwrap();
            assert_eq!((mapping.row_pitch, mapping.row_bytes, mapping.rows), (expected, 100, 3));
        }
    }

    #[test]
    fn planes_follow_one_another() {
        let mut desc = desc(64, 4, 0);
        desc.extra_plane_count = 1;
        desc.extra_planes[0] = softcp_plane { row_bytes: 64, rows: 2, ..softcp_plane::default() };
        let mapping = Resource::new(Shape::new(&desc).unwrap()).unwrap().map(User::Caller).unwrap();
        assert_eq!(mapping.extra_planes[0].data.addr() - mapping.data.addr(), 4 * 64);
        assert_eq!((mapping.extra_plane_count, mapping.extra_planes[0].rows), (1, 2));
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for (row_bytes, rows, pitch) in [(0, 1, 0), (1, 0, 0), (100, 2, 99), (usize::MAX, 2, 0), (1, usize::MAX, 0)] {
            assert!(Shape::new(&desc(row_bytes, rows, pitch)).is_err(), "{row_bytes} {rows} {pitch}");
        }
        let mut many = desc(1, 1, 0);
        many.extra_plane_count = 3;
        assert!(Shape::new(&many).is_err());
        let mut restricted = desc(1, 1, 0);
        restricted.flags = SOFTCP_RESOURCE_RESTRICTED;
        assert!(Shape::new(&restricted).is_err());
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn resource_larger_than_memory_is_none() {
        assert!(Resource::new(Shape::new(&desc(64, 1 << 52, 0)).unwrap()).is_none());
    }

    #[test]
    fn second_map_is_refused_until_unmapped() {
        let resource = Resource::new(Shape::new(&desc(1, 1, 0)).unwrap()).unwrap();
        let blit = User::Blit { access: SOFTCP_ACCESS_READ };
        resource.map(User::Caller).unwrap();
        assert!(resource.map(User::Caller).is_err() && resource.map(blit).is_err() && resource.is_mapped());
        assert!(resource.unmap(blit).is_err());
        resource.unmap(User::Caller).unwrap();
        assert!(resource.unmap(User::Caller).is_err());
        resource.map(User::Caller).unwrap();
    }

    #[test]
    fn visible_bytes_are_copied_over_the_ends_of_rows_and_planes() {
        let mut desc = desc(3, 2, 5);
        desc.extra_plane_count = 1;
        desc.extra_planes[0] = softcp_plane { row_bytes: 2, rows: 1, row_pitch: 2, ..softcp_plane::default() };
        let resource = Resource::new(Shape::new(&desc).unwrap()).unwrap();
        resource.write(2, &[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(resource.read(0..8).unwrap(), [0, 0, 1, 2, 3, 4, 5, 0]);
        assert_eq!(resource.read(3..7).unwrap(), [2, 3, 4, 5]);
        assert_eq!(resource.read(8..8).unwrap(), [0; 0]);
        let mapping = resource.map(User::Caller).unwrap();
        // SAFETY: mapped, as long as two rows of five bytes and one of two, and nothing else writes it meanwhile.
        let memory = unsafe { mapping.data.cast::<[u8; 12]>().read() };
        assert_eq!(memory, [0, 0, 1, 0, 0, 2, 3, 4, 0, 0, 5, 0]);
        assert!(resource.read(0..1).is_err() && resource.write(0, &[1]).is_err());
        resource.unmap(User::Caller).unwrap();
        assert!(resource.read(0..9).is_err() && resource.write(8, &[1]).is_err() && !resource.is_mapped());
        assert!(resource.write(usize::MAX, &[1, 2]).is_err());
    }

    #[test]
    fn lost_content_is_zero_now_or_when_nobody_maps_it() {
        let resource = Resource::new(Shape::new(&desc(4, 1, 4)).unwrap()).unwrap();
        let bytes = |mapping: softcp_mapping| {
            // SAFETY: mapped, and nothing else writes it meanwhile.
            unsafe { mapping.data.cast::<[u8; 4]>().read() }
        };
        let fill = |mapping: softcp_mapping| {
            // SAFETY: as above.
            unsafe { mapping.data.cast::<[u8; 4]>().write([7; 4]) };
        };
        fill(resource.map(User::Caller).unwrap());
        resource.lose_content();
        resource.unmap(User::Caller).unwrap();
        let mapping = resource.map(User::Caller).unwrap();
        assert_eq!(bytes(mapping), [0; 4]);
        fill(mapping);
        resource.unmap(User::Caller).unwrap();
        resource.lose_content();
        assert_eq!(bytes(resource.map(User::Caller).unwrap()), [0; 4]);
    }

    /// Two planes of the caller's in memory of their own, the second before the first one.
    fn wrapped(first: &mut [u8], second: &mut [u8]) -> Resource {
        let plane = |memory: &mut [u8], row_pitch, row_bytes, rows| {
            assert!(memory.len() >= row_pitch * (rows - 1) + row_bytes);
            softcp_plane { data: memory.as_mut_ptr().cast(), row_pitch, row_bytes, rows }
        };
        let softcp_plane { data, row_pitch, row_bytes, rows } = plane(first, 5, 3, 2);
        let extra_planes = [plane(second, 2, 2, 1), softcp_plane::default()];
        let flags = SOFTCP_MAPPING_PROTECTED;
        let mapping = softcp_mapping { data, row_pitch, row_bytes, rows, flags, extra_planes, ..Default::default() };
        // SAFETY: the slices are as long, and the tests look at them when nothing else does.
        unsafe { Resource::wrapping(&softcp_mapping { extra_plane_count: 1, ..mapping }) }.unwrap()
    }

    #[test]
    fn visible_bytes_of_the_callers_memory_are_where_it_says() {
        let mut memory = [9; 12];
        let (second, first) = memory.split_at_mut(4);
        let resource = wrapped(first, second);
        resource.write(2, &[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(resource.read(0..8).unwrap(), [9, 9, 1, 2, 3, 4, 5, 9]);
        assert!(resource.read(0..9).is_err() && resource.write(8, &[1]).is_err());
        assert_eq!(memory, [5, 9, 9, 9, 9, 9, 1, 9, 9, 2, 3, 4]);
    }

    #[test]
    fn callers_memory_takes_no_budget_is_no_share_and_keeps_its_bytes() {
        let (mut first, mut second) = ([7; 8], [7; 2]);
        let resource = wrapped(&mut first, &mut second);
        assert!(resource.protected() && !resource.multisampled() && !resource.unrestricted_share());
        assert_eq!(resource.budget(), 0);
        resource.lose_content();
        resource.map(User::Caller).unwrap();
        resource.lose_content();
        resource.unmap(User::Caller).unwrap();
        assert_eq!(resource.read(0..8).unwrap(), [7; 8]);
    }

    #[test]
    fn blits_read_together_and_write_alone() {
        let resource = Resource::new(Shape::new(&desc(1, 1, 0)).unwrap()).unwrap();
        let [read, write] = [SOFTCP_ACCESS_READ, SOFTCP_ACCESS_WRITE].map(|access| User::Blit { access });
        resource.map(read).unwrap();
        resource.map(read).unwrap();
        assert!(resource.map(write).is_err());
        resource.unmap(read).unwrap();
        assert!(resource.map(write).is_err());
        resource.unmap(read).unwrap();
        resource.map(write).unwrap();
        assert!(resource.map(read).is_err());
    }
}
