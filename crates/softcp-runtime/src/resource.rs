//! Resources of a device, and their memory while it is mapped.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use softcp_abi::{
    D3D10DDI_HRESOURCE, SOFTCP_ACCESS_READ, SOFTCP_ACCESS_READ_WRITE, SOFTCP_ACCESS_WRITE, SOFTCP_MAPPING_PROTECTED,
    SOFTCP_RESOURCE_MULTISAMPLED, SOFTCP_RESOURCE_PROTECTED, SOFTCP_RESOURCE_RESTRICTED, SOFTCP_RESOURCE_SHARED,
    softcp_mapping, softcp_plane, softcp_resource_desc,
};

use crate::calls::{Reply, ResourceHandle};
use crate::device::Device;
use crate::driver::struct_size;
use crate::error::{Error, Result};
use crate::hresult::HResult;

/// Further planes that a resource can have.
const MAX_EXTRA_PLANES: usize = 2;

/// One plane of a resource. All sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaneDesc {
    /// Visible bytes of a row.
    pub row_bytes: usize,
    /// Number of rows.
    pub rows: usize,
    /// Distance from one row to the next; 0 is the driver's choice.
    pub row_pitch: usize,
}

/// What resource to create.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is one flag of the interface, and any of them may be set
pub struct ResourceDesc {
    /// The first plane; the only one of a buffer or a packed surface.
    pub plane: PlaneDesc,
    /// Further planes in memory order.
    pub extra_planes: [Option<PlaneDesc>; MAX_EXTRA_PLANES],
    /// `DXGI_FORMAT`; 0 for an unknown format and for a buffer.
    pub format: u32,
    /// Make a protected resource.
    pub protected: bool,
    /// Make a multisampled resource.
    pub multisampled: bool,
    /// Make a shared resource, which other processes may open.
    pub shared: bool,
    /// With `shared`: only processes that an authenticated channel allowed may open it.
    pub restricted: bool,
}

impl ResourceDesc {
    /// A buffer of `bytes`: one row.
    #[must_use]
    pub fn buffer(bytes: usize) -> Self {
        Self { plane: PlaneDesc { row_bytes: bytes, rows: 1, row_pitch: 0 }, ..Self::default() }
    }

    /// A surface of one plane, with the driver's choice of pitch.
    #[must_use]
    pub fn surface(row_bytes: usize, rows: usize) -> Self {
        Self { plane: PlaneDesc { row_bytes, rows, row_pitch: 0 }, ..Self::default() }
    }

    /// The same, protected.
    #[must_use]
    pub fn protected(self) -> Self {
        Self { protected: true, ..self }
    }

    /// The same, shared with any process.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { shared: true, restricted: false, ..self }
    }

    /// The same, shared with the processes that an authenticated channel allowed.
    #[must_use]
    pub fn restricted(self) -> Self {
        Self { shared: true, restricted: true, ..self }
    }

    fn to_abi(self) -> softcp_resource_desc {
        let flags = [
            (self.protected, SOFTCP_RESOURCE_PROTECTED),
            (self.multisampled, SOFTCP_RESOURCE_MULTISAMPLED),
            (self.shared, SOFTCP_RESOURCE_SHARED),
            (self.restricted, SOFTCP_RESOURCE_RESTRICTED),
        ];
        let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag);
        let mut desc = softcp_resource_desc {
            size: struct_size::<softcp_resource_desc>(),
            flags,
            format: self.format,
            row_bytes: self.plane.row_bytes,
            rows: self.plane.rows,
            row_pitch: self.plane.row_pitch,
            ..Default::default()
        };
        for (to, from) in desc.extra_planes.iter_mut().zip(self.extra_planes.into_iter().flatten()) {
            *to = softcp_plane {
                row_bytes: from.row_bytes,
                rows: from.rows,
                row_pitch: from.row_pitch,
                ..Default::default()
            };
            desc.extra_plane_count += 1;
        }
        desc
    }
}

/// A resource. Destroyed when dropped; it keeps its device alive.
pub struct Resource {
    device: Device,
    raw: D3D10DDI_HRESOURCE,
}

impl Resource {
    pub(crate) fn create(device: &Device, desc: &ResourceDesc) -> Result<Self> {
        let function = "create_resource";
        let driver = &device.open.driver;
        let create = driver.raw.create_resource.ok_or(Error::MissingEntry { function })?;
        let desc = desc.to_abi();
        let mut raw = D3D10DDI_HRESOURCE::default();
        let reply = Reply::collect(function, &driver.reports, || {
            // SAFETY: the device lives, the description is whole, the handle's place is valid.
            let hresult = unsafe { create(driver.context(), device.open.handle, &raw const desc, &raw mut raw) };
            Some(HResult(hresult))
        });
        reply.into_result()?;
        Ok(Self { device: device.clone(), raw })
    }

    /// The resource's handle, for [`Calls`](crate::Calls).
    #[must_use]
    pub fn handle(&self) -> ResourceHandle<'_> {
        ResourceHandle { raw: self.raw, resource: PhantomData }
    }

    /// The device that the resource was created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Gives the resource up without destroying it, so that the device can be destroyed with it.
    pub fn abandon(mut self) {
        self.raw = D3D10DDI_HRESOURCE::default();
    }

    /// Maps the resource to read it. No blit can use it meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`] with what the driver returns, as `D3DERR_CANNOTPROTECTCONTENT` for a protected resource while
    /// protection is enforced (D19); [`Error::BadAnswer`] for a mapping that describes no memory.
    pub fn map_read(&mut self) -> Result<Mapping<'_>> {
        let memory = Memory::map(self, SOFTCP_ACCESS_READ)?;
        Ok(Mapping { memory })
    }

    /// Maps the resource to overwrite it. What it held before may still be read from the mapping, or may not.
    ///
    /// # Errors
    ///
    /// As [`map_read`](Self::map_read).
    pub fn map_write(&mut self) -> Result<MappingMut<'_>> {
        let memory = Memory::map(self, SOFTCP_ACCESS_WRITE)?;
        Ok(MappingMut { memory })
    }

    /// Maps the resource to read and change it.
    ///
    /// # Errors
    ///
    /// As [`map_read`](Self::map_read).
    pub fn map_read_write(&mut self) -> Result<MappingMut<'_>> {
        let memory = Memory::map(self, SOFTCP_ACCESS_READ_WRITE)?;
        Ok(MappingMut { memory })
    }
}

// SAFETY: the handle is the driver's own pointer, which is not followed here, and the driver may be called from any
// thread.
unsafe impl Send for Resource {}
// SAFETY: as above; mapping takes `&mut`.
unsafe impl Sync for Resource {}

impl Drop for Resource {
    fn drop(&mut self) {
        let driver = &self.device.open.driver;
        if let Some(destroy) = driver.raw.destroy_resource
            && !self.raw.pDrvPrivate.is_null()
        {
            // SAFETY: the device lives, and the resource is one of its own that is neither mapped nor used any more.
            unsafe { destroy(driver.context(), self.device.open.handle, self.raw) };
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("device", &self.device).finish_non_exhaustive()
    }
}

/// A resource in memory that its maker lends for `'m`: [`Device::wrap_resource`]. It goes wherever a [`Resource`] does by
/// reference. Destroyed when dropped; it keeps its device alive.
///
/// When it is leaked, the driver still knows the memory, and touches it no more: it does so in calls with the handle only.
#[derive(Debug)]
pub struct WrappedResource<'m> {
    /// Never lent mutably: exchanged for another one it would outlive `'m`.
    resource: Resource,
    memory: PhantomData<&'m mut [u8]>,
}

impl WrappedResource<'_> {
    /// # Safety
    ///
    /// As for [`Device::wrap_resource`].
    pub(crate) unsafe fn new(device: &Device, memory: &softcp_mapping) -> Result<Self> {
        let function = "wrap_resource";
        let driver = &device.open.driver;
        let wrap = driver.raw.wrap_resource.ok_or(Error::MissingEntry { function })?;
        let mut raw = D3D10DDI_HRESOURCE::default();
        let reply = Reply::collect(function, &driver.reports, || {
            // SAFETY: the device lives, the handle's place is valid, and the memory is while the caller says so.
            Some(HResult(unsafe { wrap(driver.context(), device.open.handle, memory, &raw mut raw) }))
        });
        reply.into_result()?;
        Ok(Self { resource: Resource { device: device.clone(), raw }, memory: PhantomData })
    }

    /// The resource without the life time of its memory, for an owner whose maker answers for that.
    pub(crate) fn into_resource(self) -> Resource {
        self.resource
    }

    /// As [`Resource::map_read`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn map_read(&mut self) -> Result<Mapping<'_>> {
        self.resource.map_read()
    }

    /// As [`Resource::map_write`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn map_write(&mut self) -> Result<MappingMut<'_>> {
        self.resource.map_write()
    }

    /// As [`Resource::map_read_write`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn map_read_write(&mut self) -> Result<MappingMut<'_>> {
        self.resource.map_read_write()
    }
}

impl Deref for WrappedResource<'_> {
    type Target = Resource;

    fn deref(&self) -> &Resource {
        &self.resource
    }
}

/// A resource mapped to be read. Unmapped when dropped.
#[derive(Debug)]
pub struct Mapping<'a> {
    memory: Memory<'a>,
}

/// A resource mapped to be written. Unmapped when dropped.
#[derive(Debug)]
pub struct MappingMut<'a> {
    memory: Memory<'a>,
}

macro_rules! reading {
    ($type:ident) => {
        impl $type<'_> {
            /// Number of rows of all planes.
            #[must_use]
            pub fn rows(&self) -> usize {
                self.memory.planes().iter().map(|plane| plane.rows).sum()
            }

            /// The visible bytes of a row; the rows of further planes follow those of the first.
            ///
            /// # Panics
            ///
            /// When there is no such row.
            #[must_use]
            pub fn row(&self, index: usize) -> &[u8] {
                let (data, len) = self.memory.row(index);
                // SAFETY: the row lies in the mapping, which lives as long as `self`, and nobody writes to it.
                unsafe { std::slice::from_raw_parts(data, len) }
            }

            /// All bytes at once when no padding lies between them: one plane, and one row or a pitch of a row's bytes.
            #[must_use]
            pub fn bytes(&self) -> Option<&[u8]> {
                let (data, len) = self.memory.contiguous()?;
                // SAFETY: as for a row.
                Some(unsafe { std::slice::from_raw_parts(data, len) })
            }

            /// The padding behind the visible bytes of a row, up to the next row of the same plane; none behind the last
            /// one. Blits neither read nor write it (D9).
            ///
            /// # Panics
            ///
            /// When there is no such row.
            #[must_use]
            pub fn padding(&self, index: usize) -> &[u8] {
                let (data, len) = self.memory.padding(index);
                // SAFETY: the padding lies between two rows of the mapping, which lives as long as `self`, and nobody
                // writes to it.
                unsafe { std::slice::from_raw_parts(data, len) }
            }

            /// Distance in bytes from one row of the first plane to the next.
            #[must_use]
            pub fn row_pitch(&self) -> usize {
                self.memory.planes[0].row_pitch
            }

            /// `DXGI_FORMAT` as the driver gives it.
            #[must_use]
            pub fn format(&self) -> u32 {
                self.memory.format
            }

            /// Whether the resource is protected.
            #[must_use]
            pub fn is_protected(&self) -> bool {
                self.memory.flags & SOFTCP_MAPPING_PROTECTED != 0
            }
        }
    };
}

reading!(Mapping);
reading!(MappingMut);

impl MappingMut<'_> {
    /// The visible bytes of a row, to write.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    #[must_use]
    pub fn row_mut(&mut self, index: usize) -> &mut [u8] {
        let (data, len) = self.memory.row(index);
        // SAFETY: the row lies in the mapping, which lives as long as `self`, and `&mut self` makes it the only view.
        unsafe { std::slice::from_raw_parts_mut(data, len) }
    }

    /// The padding behind the visible bytes of a row, up to the next row of the same plane, to write; none behind the last
    /// one.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    #[must_use]
    pub fn padding_mut(&mut self, index: usize) -> &mut [u8] {
        let (data, len) = self.memory.padding(index);
        // SAFETY: the padding lies between two rows of the mapping, and `&mut self` makes it the only view.
        unsafe { std::slice::from_raw_parts_mut(data, len) }
    }

    /// All bytes at once, to write, when no padding lies between them: one plane, and one row or a pitch of a row's
    /// bytes.
    #[must_use]
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let (data, len) = self.memory.contiguous()?;
        // SAFETY: as for a row.
        Some(unsafe { std::slice::from_raw_parts_mut(data, len) })
    }
}

/// One plane of mapped memory, checked: its rows lie one behind the other in one allocation of the driver.
#[derive(Clone, Copy, Debug)]
struct Plane {
    data: *mut u8,
    row_pitch: usize,
    row_bytes: usize,
    rows: usize,
}

/// The memory of a mapped resource.
#[derive(Debug)]
struct Memory<'a> {
    resource: &'a Resource,
    planes: [Plane; 1 + MAX_EXTRA_PLANES],
    plane_count: usize,
    flags: u32,
    format: u32,
}

impl<'a> Memory<'a> {
    fn map(resource: &'a Resource, access: u32) -> Result<Self> {
        let function = "map_resource";
        let driver = &resource.device.open.driver;
        let map = driver.raw.map_resource.ok_or(Error::MissingEntry { function })?;
        let mut mapping = softcp_mapping::default();
        let reply = Reply::collect(function, &driver.reports, || {
            let device = resource.device.open.handle;
            // SAFETY: the device lives, the resource is one of its own and not mapped, the mapping's place is valid.
            Some(HResult(unsafe { map(driver.context(), device, resource.raw, access, &raw mut mapping) }))
        });
        reply.into_result()?;
        // From here on the resource is unmapped on every way out.
        let extra_planes = mapping.extra_planes;
        let first = softcp_plane {
            data: mapping.data,
            row_pitch: mapping.row_pitch,
            row_bytes: mapping.row_bytes,
            rows: mapping.rows,
        };
        let mut memory = Self {
            resource,
            planes: [first, extra_planes[0], extra_planes[1]].map(Plane::from),
            plane_count: 1,
            flags: mapping.flags,
            format: mapping.format,
        };
        memory.plane_count += mapping.extra_plane_count as usize;
        if memory.plane_count > memory.planes.len() {
            let defect = format!("a mapping of {} planes", memory.plane_count);
            return Err(Error::BadAnswer { function, defect });
        }
        for plane in memory.planes() {
            plane.check().map_err(|defect| Error::BadAnswer { function, defect })?;
        }
        Ok(memory)
    }

    fn planes(&self) -> &[Plane] {
        &self.planes[..self.plane_count]
    }

    /// First byte and length of a row.
    fn row(&self, index: usize) -> (*mut u8, usize) {
        let (plane, row) = self.find(index);
        (plane.data.wrapping_add(row * plane.row_pitch), plane.row_bytes)
    }

    /// First byte and length of the padding between a row and the next one of its plane.
    fn padding(&self, index: usize) -> (*mut u8, usize) {
        let (plane, row) = self.find(index);
        let is_last = row + 1 == plane.rows;
        // Behind the last row the driver need not have memory. Before, the pitch is at least a row, as checked.
        let len = if is_last { 0 } else { plane.row_pitch - plane.row_bytes };
        (plane.data.wrapping_add(row * plane.row_pitch + plane.row_bytes), len)
    }

    /// The plane of a row, and which of its rows it is.
    fn find(&self, index: usize) -> (Plane, usize) {
        let mut left = index;
        for plane in self.planes() {
            if left < plane.rows {
                return (*plane, left);
            }
            left -= plane.rows;
        }
        panic!("row {index} of a resource with {} rows", index - left);
    }

    /// First byte and length of everything, when there is no padding.
    fn contiguous(&self) -> Option<(*mut u8, usize)> {
        match self.planes() {
            [plane] if plane.rows <= 1 || plane.row_pitch == plane.row_bytes => {
                Some((plane.data, plane.row_bytes * plane.rows))
            }
            _ => None,
        }
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        let driver = &self.resource.device.open.driver;
        if let Some(unmap) = driver.raw.unmap_resource {
            // SAFETY: the resource is mapped, once, and nothing reads its memory any more.
            unsafe { unmap(driver.context(), self.resource.device.open.handle, self.resource.raw) };
        }
    }
}

impl Plane {
    /// Checks that the rows can be sliced.
    fn check(&self) -> Result<(), String> {
        let Self { row_pitch, row_bytes, rows, .. } = *self;
        let describe = |defect| format!("{defect} ({rows} rows of {row_bytes} bytes at a pitch of {row_pitch})");
        if rows > 1 && row_pitch < row_bytes {
            return Err(describe("rows that overlap"));
        }
        let bytes = match rows {
            0 => Some(0),
            _ => row_pitch.checked_mul(rows - 1).and_then(|start| start.checked_add(row_bytes)),
        };
        match bytes.filter(|bytes| isize::try_from(*bytes).is_ok()) {
            None => Err(describe("more bytes than there is address space")),
            Some(_) if self.data.is_null() => Err(describe("a null pointer")),
            Some(_) => Ok(()),
        }
    }
}

impl From<softcp_plane> for Plane {
    fn from(plane: softcp_plane) -> Self {
        Self { data: plane.data.cast(), row_pitch: plane.row_pitch, row_bytes: plane.row_bytes, rows: plane.rows }
    }
}
