//! Resources of the reference driver: plain memory with rows and planes.

use std::cell::UnsafeCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    SOFTCP_ACCESS_WRITE, SOFTCP_MAPPING_MULTISAMPLED, SOFTCP_MAPPING_PROTECTED, SOFTCP_RESOURCE_MULTISAMPLED,
    SOFTCP_RESOURCE_PROTECTED, SOFTCP_RESOURCE_RESTRICTED, SOFTCP_RESOURCE_SHARED, softcp_mapping, softcp_plane,
    softcp_resource_desc,
};

use crate::hresult::{Failure, Result};

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
                0 => plane.row_bytes.checked_next_multiple_of(PITCH_ALIGNMENT),
                pitch => Some(pitch),
            };
            let size = row_pitch.and_then(|pitch| pitch.checked_mul(plane.rows));
            let end = size.and_then(|size| size.checked_add(bytes)).filter(|&end| end <= MAX_BYTES);
            let (Some(row_pitch), Some(end)) = (row_pitch, end) else {
                return Err(Failure::Invalid("the resource is larger than this driver makes"));
            };
            if plane.rows == 0 || plane.row_bytes == 0 || row_pitch < plane.row_bytes {
                return Err(Failure::Invalid("a plane has no rows, empty rows, or a pitch smaller than its rows"));
            }
            planes.push(Plane { offset: bytes, row_pitch, row_bytes: plane.row_bytes, rows: plane.rows });
            bytes = end;
        }
        Ok(Self { planes, bytes, flags: desc.flags, format: desc.format })
    }

    /// Bytes of memory, padding included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the resource is protected.
    pub(super) fn protected(&self) -> bool {
        self.flags & SOFTCP_RESOURCE_PROTECTED != 0
    }

    /// Whether the resource is protected and every process may open it.
    pub(super) fn unrestricted_share(&self) -> bool {
        self.protected() && self.flags & (SOFTCP_RESOURCE_SHARED | SOFTCP_RESOURCE_RESTRICTED) == SOFTCP_RESOURCE_SHARED
    }
}

/// A resource. Its memory is reached through mappings only.
pub(super) struct Resource {
    shape: Shape,
    memory: Box<[UnsafeCell<u8>]>,
    state: Mutex<State>,
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

impl Resource {
    /// Makes a resource filled with zeros; none when there is no memory.
    pub(super) fn new(shape: Shape) -> Option<Self> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(shape.bytes).ok()?;
        memory.resize_with(shape.bytes, UnsafeCell::default);
        Some(Self {
            shape,
            memory: memory.into_boxed_slice(),
            state: Mutex::new(State { users: Users::Nobody, is_lost: false }),
        })
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
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
        let base = UnsafeCell::raw_get(self.memory.as_ptr());
        let describe = |plane: &Plane| softcp_plane {
            data: base.wrapping_add(plane.offset).cast(),
            row_pitch: plane.row_pitch,
            row_bytes: plane.row_bytes,
            rows: plane.rows,
        };
        let first = describe(&self.shape.planes[0]);
        let mut extra_planes = [softcp_plane::default(); 2];
        self.shape.planes[1..].iter().zip(&mut extra_planes).for_each(|(plane, slot)| *slot = describe(plane));
        let flag = |resource, mapping| if self.shape.flags & resource != 0 { mapping } else { 0 };
        Ok(softcp_mapping {
            data: first.data,
            row_pitch: first.row_pitch,
            row_bytes: first.row_bytes,
            rows: first.rows,
            flags: flag(SOFTCP_RESOURCE_PROTECTED, SOFTCP_MAPPING_PROTECTED)
                | flag(SOFTCP_RESOURCE_MULTISAMPLED, SOFTCP_MAPPING_MULTISAMPLED),
            format: self.shape.format,
            extra_plane_count: u32::try_from(self.shape.planes.len() - 1).expect("at most two"),
            reserved: 0,
            extra_planes,
        })
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

    /// The content is lost: fills the memory with zeros, now or when nobody has it mapped any more (D23).
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
        let base = UnsafeCell::raw_get(self.memory.as_ptr());
        // SAFETY: the memory is as long as this, and nobody has it mapped while the lock is held.
        unsafe { base.write_bytes(0, self.memory.len()) };
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use softcp_abi::SOFTCP_ACCESS_READ;

    use super::*;

    fn desc(row_bytes: usize, rows: usize, row_pitch: usize) -> softcp_resource_desc {
        softcp_resource_desc { row_bytes, rows, row_pitch, ..softcp_resource_desc::default() }
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
