//! Memory of a resource, for a blit: mapped itself where the processor may reach it, else through a staging resource.

use std::ptr;

use softcp_abi::softcp_mapping;
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BUFFER_DESC, D3D11_CPU_ACCESS_READ, D3D11_CPU_ACCESS_WRITE, D3D11_MAP, D3D11_MAP_READ, D3D11_MAP_READ_WRITE,
    D3D11_MAP_WRITE, D3D11_MAPPED_SUBRESOURCE, D3D11_TEXTURE2D_DESC, D3D11_USAGE_STAGING, ID3D11Device,
    ID3D11DeviceContext_Vtbl, ID3D11Resource,
};
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT, DXGI_SAMPLE_DESC};
use windows::core::{HRESULT, Interface};

use super::com::{Raw, Weak};
use super::device::DeviceState;
use super::hook::{Entry, entry};
use super::resource::{Facts, Shape};
use crate::format::Layout;

/// Most staging resources that are kept for the next blit.
const KEPT: usize = 4;

type Map = unsafe extern "system" fn(Raw, Raw, u32, D3D11_MAP, u32, *mut D3D11_MAPPED_SUBRESOURCE) -> HRESULT;
type Unmap = unsafe extern "system" fn(Raw, Raw, u32);
type CopyRegion = unsafe extern "system" fn(
    Raw,
    Raw,
    u32,
    u32,
    u32,
    u32,
    Raw,
    u32,
    *const windows::Win32::Graphics::Direct3D11::D3D11_BOX,
);

/// The methods below the layer: what it maps and copies itself is no program's doing.
pub(super) const MAP: Entry<ID3D11DeviceContext_Vtbl, Map> = entry!(ID3D11DeviceContext_Vtbl, Map);
pub(super) const UNMAP: Entry<ID3D11DeviceContext_Vtbl, Unmap> = entry!(ID3D11DeviceContext_Vtbl, Unmap);
pub(super) const COPY_REGION: Entry<ID3D11DeviceContext_Vtbl, CopyRegion> =
    entry!(ID3D11DeviceContext_Vtbl, CopySubresourceRegion);

/// Staging resources of a session, kept for the next blit of the same shape.
#[derive(Default)]
pub(super) struct Staging(Vec<(Shape, ID3D11Resource)>);

impl Staging {
    /// A staging resource of this shape, that the processor reads and writes.
    fn take(&mut self, state: &DeviceState, shape: Shape) -> Result<ID3D11Resource, HRESULT> {
        match self.0.iter().position(|(kept, _)| *kept == shape) {
            Some(index) => Ok(self.0.swap_remove(index).1),
            None => create(state, shape),
        }
    }

    fn give_back(&mut self, shape: Shape, resource: ID3D11Resource) {
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push((shape, resource));
    }
}

fn create(state: &DeviceState, shape: Shape) -> Result<ID3D11Resource, HRESULT> {
    // SAFETY: the device lives during a call on one of its objects.
    let device = unsafe { state.device().interface::<ID3D11Device>() };
    let cpu_access = (D3D11_CPU_ACCESS_READ.0 | D3D11_CPU_ACCESS_WRITE.0).cast_unsigned();
    match shape {
        Shape::Buffer { bytes } => {
            let desc = D3D11_BUFFER_DESC {
                ByteWidth: bytes,
                Usage: D3D11_USAGE_STAGING,
                CPUAccessFlags: cpu_access,
                ..Default::default()
            };
            let mut buffer = None;
            // SAFETY: a live device, a whole description, a place.
            unsafe { device.CreateBuffer(&raw const desc, None, Some(&raw mut buffer)) }
                .map_err(|error| error.code())?;
            buffer.ok_or(E_FAIL)?.cast().map_err(|error| error.code())
        }
        Shape::Texture { format, width, height } => {
            let desc = D3D11_TEXTURE2D_DESC {
                Width: width,
                Height: height,
                MipLevels: 1,
                ArraySize: 1,
                Format: DXGI_FORMAT(format.cast_signed()),
                SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
                Usage: D3D11_USAGE_STAGING,
                CPUAccessFlags: cpu_access,
                ..Default::default()
            };
            let mut texture = None;
            // SAFETY: a live device, a whole description, a place.
            unsafe { device.CreateTexture2D(&raw const desc, None, Some(&raw mut texture)) }
                .map_err(|error| error.code())?;
            texture.ok_or(E_FAIL)?.cast().map_err(|error| error.code())
        }
        Shape::Other(_) => Err(E_INVALIDARG),
    }
}

/// What a blit does with a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The memory of a resource, for as long as a blit needs it.
pub(super) struct Lent {
    context: Weak,
    target: Weak,
    shape: Shape,
    access: Access,
    /// The resource that stands in for the target; none where the target itself is mapped.
    stand_in: Option<ID3D11Resource>,
    mapped: D3D11_MAPPED_SUBRESOURCE,
    layout: Layout,
}

impl Lent {
    /// Maps subresource 0.
    ///
    /// # Safety
    ///
    /// The resource lives and is of this device, whose immediate context no other thread uses: the program's duties.
    pub(super) unsafe fn map(
        state: &DeviceState,
        staging: &mut Staging,
        facts: &Facts,
        access: Access,
    ) -> Result<Self, HRESULT> {
        let layout = facts.shape.layout().ok_or(E_INVALIDARG)?;
        let (needed, how) = match access {
            Access::Read => (D3D11_CPU_ACCESS_READ, D3D11_MAP_READ),
            Access::Write => (D3D11_CPU_ACCESS_WRITE, D3D11_MAP_WRITE),
        };
        let direct = facts.usage == D3D11_USAGE_STAGING && facts.cpu_access & needed.0.cast_unsigned() != 0;
        let stand_in = if direct { None } else { Some(staging.take(state, facts.shape)?) };
        let how = if direct { how } else { D3D11_MAP_READ_WRITE };
        let context = state.context();
        if let (Some(stand_in), Access::Read) = (&stand_in, access) {
            // SAFETY: both live, are of this device, and their subresources 0 have one shape.
            unsafe { copy(context, stand_in.as_raw(), facts.resource.raw()) };
        }
        let mut mapped = D3D11_MAPPED_SUBRESOURCE::default();
        let raw = stand_in.as_ref().map_or(facts.resource.raw(), Interface::as_raw);
        // SAFETY: a live context.
        let map = unsafe { MAP.below(context.raw()) };
        // SAFETY: a live context, a live resource of its device, a place.
        let hresult = unsafe { map(context.raw(), raw, 0, how, 0, &raw mut mapped) };
        hresult.ok().map_err(|error| error.code())?;
        let lent = Self { context, target: facts.resource, shape: facts.shape, access, stand_in, mapped, layout };
        if lent.mapped.pData.is_null() || lent.layout.mapped_size(lent.row_pitch()).is_none() {
            lent.unmap(staging, false);
            return Err(E_FAIL);
        }
        Ok(lent)
    }

    fn row_pitch(&self) -> usize {
        // A buffer is one row, whatever is said of its pitch.
        match self.shape {
            Shape::Buffer { bytes } => bytes as usize,
            _ => self.mapped.RowPitch as usize,
        }
    }

    /// The memory, as the driver wants it described.
    pub(super) fn mapping(&self, flags: u32) -> softcp_mapping {
        let pitch = self.row_pitch();
        let first = self.layout.planes[0];
        let mut mapping = softcp_mapping {
            data: self.mapped.pData,
            row_pitch: pitch,
            row_bytes: first.row_bytes,
            rows: first.rows,
            flags,
            format: self.shape.format(),
            ..Default::default()
        };
        let further = self.layout.planes.iter().enumerate().skip(1);
        for ((index, plane), to) in further.zip(&mut mapping.extra_planes) {
            // `mapped_size` has shown that this is within the memory.
            let offset = self.layout.offset(index, pitch).unwrap_or_default();
            to.data = self.mapped.pData.wrapping_byte_add(offset);
            (to.row_pitch, to.row_bytes, to.rows) = (pitch, plane.row_bytes, plane.rows);
            mapping.extra_plane_count += 1;
        }
        mapping
    }

    /// Ends it. What was written goes to the resource if `keep` says so; it is there for whatever the context does next.
    pub(super) fn unmap(self, staging: &mut Staging, keep: bool) {
        let raw = self.stand_in.as_ref().map_or(self.target.raw(), Interface::as_raw);
        // SAFETY: context and resource live since `map`, which has mapped it.
        let unmap = unsafe { UNMAP.below(self.context.raw()) };
        // SAFETY: as above.
        unsafe { unmap(self.context.raw(), raw, 0) };
        if let Some(stand_in) = self.stand_in {
            if keep && self.access == Access::Write {
                // SAFETY: both live, are of this device, and their subresources 0 have one shape.
                unsafe { copy(self.context, self.target.raw(), stand_in.as_raw()) };
            }
            staging.give_back(self.shape, stand_in);
        }
    }
}

/// Copies subresource 0.
///
/// # Safety
///
/// All live; the resources are of the context's device, and their subresources 0 have one shape.
unsafe fn copy(context: Weak, to: Raw, from: Raw) {
    // SAFETY: the caller's duty.
    let copy = unsafe { COPY_REGION.below(context.raw()) };
    // SAFETY: the caller's duty; no box means all of it.
    unsafe { copy(context.raw(), to, 0, 0, 0, 0, from, 0, ptr::null()) };
}
