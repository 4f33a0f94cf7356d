//! Memory of a resource, for a blit: mapped itself where the processor may reach it, else through a staging resource.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
use super::hooks::detour::{Method, method};
use super::hooks::own_call;
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
pub(super) static MAP: Method<ID3D11DeviceContext_Vtbl, Map> = method!(ID3D11DeviceContext_Vtbl, Map);
pub(super) static UNMAP: Method<ID3D11DeviceContext_Vtbl, Unmap> = method!(ID3D11DeviceContext_Vtbl, Unmap);
pub(super) static COPY_REGION: Method<ID3D11DeviceContext_Vtbl, CopyRegion> =
    method!(ID3D11DeviceContext_Vtbl, CopySubresourceRegion);

/// Bytes of a canary.
const CANARY_SIZE: usize = 16;

/// Random bytes at the beginning of a staging resource that waits to be copied to. A copy returns nothing, and where it
/// did not take place they are still there.
type Canary = [u8; CANARY_SIZE];

fn new_canary() -> Canary {
    // Each state of the standard hasher has a random key of its own.
    let word = || RandomState::new().hash_one(0).to_ne_bytes();
    let (first, second) = (word(), word());
    std::array::from_fn(|index| if index < 8 { first[index] } else { second[index - 8] })
}

/// A resource that stands in for another one of its shape, since the processor cannot reach that one.
struct StandIn {
    resource: ID3D11Resource,
    shape: Shape,
    /// What its memory begins with, if the layer has written that after the last use.
    canary: Option<Canary>,
}

/// Stand-ins of a session, kept for the next blit of the same shape. The lock is held to take one and to give it back, and
/// not while anything is called below: a program's other thread may be in the device's critical section, and another
/// library's hook may begin a blit of the same session.
#[derive(Default)]
pub(super) struct Staging(Mutex<Vec<StandIn>>);

impl Staging {
    /// A staging resource of this shape, that the processor reads and writes; one with a canary where there is one, if it
    /// is to be copied to.
    fn take(&self, state: &DeviceState, shape: Shape, access: Access) -> Result<StandIn, HRESULT> {
        let kept = {
            let mut kept = self.kept();
            let fits = |entry: &StandIn| entry.shape == shape;
            let suits = |entry: &StandIn| fits(entry) && entry.canary.is_some() == (access == Access::Read);
            let index = kept.iter().position(suits).or_else(|| kept.iter().position(fits));
            index.map(|index| kept.swap_remove(index))
        };
        match kept {
            Some(stand_in) => Ok(stand_in),
            None => Ok(StandIn { resource: create(state, shape)?, shape, canary: None }),
        }
    }

    fn give_back(&self, stand_in: StandIn) {
        let oldest = {
            let mut kept = self.kept();
            let oldest = (kept.len() >= KEPT).then(|| kept.remove(0));
            kept.push(stand_in);
            oldest
        };
        // Released here, without the lock.
        drop(oldest);
    }

    /// Lets all of them go.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.kept());
        drop(all);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<StandIn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    device: Weak,
    context: Weak,
    target: Weak,
    shape: Shape,
    access: Access,
    /// The resource that stands in for the target; none where the target itself is mapped.
    stand_in: Option<StandIn>,
    mapped: D3D11_MAPPED_SUBRESOURCE,
    layout: Layout,
}

impl Lent {
    /// Maps subresource 0. A step that fails makes it fail, a copy that does not take place included.
    ///
    /// # Safety
    ///
    /// The resource lives and is of this device, whose immediate context no other thread uses: the program's duties.
    pub(super) unsafe fn map(
        state: &DeviceState,
        staging: &Staging,
        facts: &Facts,
        access: Access,
    ) -> Result<Self, HRESULT> {
        let layout = facts.shape.layout().ok_or(E_INVALIDARG)?;
        let (needed, how) = match access {
            Access::Read => (D3D11_CPU_ACCESS_READ, D3D11_MAP_READ),
            Access::Write => (D3D11_CPU_ACCESS_WRITE, D3D11_MAP_WRITE),
        };
        let direct = facts.usage == D3D11_USAGE_STAGING && facts.cpu_access & needed.0.cast_unsigned() != 0;
        let mut lent = Self {
            device: state.device(),
            context: state.context(),
            target: facts.resource,
            shape: facts.shape,
            access,
            stand_in: None,
            mapped: D3D11_MAPPED_SUBRESOURCE::default(),
            layout,
        };
        if direct {
            // SAFETY: the caller's duty.
            unsafe { lent.map_now(how) }?;
            return Ok(lent);
        }
        let mut stand_in = staging.take(state, facts.shape, access)?;
        if access == Access::Write {
            stand_in.canary = None;
        }
        lent.stand_in = Some(stand_in);
        let canary = match access {
            // SAFETY: the caller's duty.
            Access::Read => unsafe { lent.copy_in() }?,
            Access::Write => None,
        };
        // SAFETY: the caller's duty.
        unsafe { lent.map_now(D3D11_MAP_READ_WRITE) }?;
        if canary.is_some_and(|canary| lent.first_bytes().is_some_and(|bytes| *bytes == canary)) {
            let _ = lent.unmap(staging, false);
            return Err(E_FAIL);
        }
        Ok(lent)
    }

    /// Copies the target to its stand-in. Answers with the canary that must be gone then.
    ///
    /// # Safety
    ///
    /// As for [`map`](Self::map).
    unsafe fn copy_in(&mut self) -> Result<Option<Canary>, HRESULT> {
        if self.stand_in.as_ref().is_some_and(|stand_in| stand_in.canary.is_none()) {
            // SAFETY: the caller's duty.
            unsafe { self.map_now(D3D11_MAP_READ_WRITE) }?;
            self.leave_canary();
            self.unmap_now();
        }
        let Some(stand_in) = &mut self.stand_in else { return Ok(None) };
        let canary = stand_in.canary.take();
        // SAFETY: both live, are of this device, and their subresources 0 have one shape.
        unsafe { copy(self.context, stand_in.resource.as_raw(), self.target.raw()) };
        Ok(canary)
    }

    /// Writes a new canary to the stand-in, which is mapped; not where it would not fit.
    fn leave_canary(&mut self) {
        let canary = new_canary();
        let written = self.first_bytes().map(|bytes| *bytes = canary);
        if let Some(stand_in) = &mut self.stand_in {
            stand_in.canary = written.map(|()| canary);
        }
    }

    /// The bytes in which canaries are; none where the first row is shorter. The stand-in is mapped.
    fn first_bytes(&mut self) -> Option<&mut Canary> {
        let fits = self.layout.planes.first()?.row_bytes >= CANARY_SIZE;
        // SAFETY: mapped for reading and writing, and the first row, which is there, is long enough.
        fits.then(|| unsafe { &mut *self.mapped.pData.cast::<Canary>() })
    }

    /// What is mapped: the stand-in, or the target itself.
    fn raw(&self) -> Raw {
        self.stand_in.as_ref().map_or(self.target.raw(), |stand_in| stand_in.resource.as_raw())
    }

    /// # Safety
    ///
    /// As for [`map`](Self::map).
    unsafe fn map_now(&mut self, how: D3D11_MAP) -> Result<(), HRESULT> {
        let (context, raw) = (self.context.raw(), self.raw());
        self.mapped = D3D11_MAPPED_SUBRESOURCE::default();
        let mapped = &raw mut self.mapped;
        // SAFETY: a live context.
        let map = unsafe { MAP.of(context) };
        // SAFETY: a live context, a live resource of its device, a place.
        let hresult = own_call::on(raw, || unsafe { map(context, raw, 0, how, 0, mapped) });
        hresult.ok().map_err(|error| error.code())?;
        if self.mapped.pData.is_null() || self.layout.mapped_size(self.row_pitch()).is_none() {
            self.unmap_now();
            return Err(E_FAIL);
        }
        Ok(())
    }

    fn unmap_now(&self) {
        let (context, raw) = (self.context.raw(), self.raw());
        // SAFETY: a live context.
        let unmap = unsafe { UNMAP.of(context) };
        // SAFETY: context and resource live since it was mapped.
        own_call::on(raw, || unsafe { unmap(context, raw, 0) });
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
    /// Error: the device is gone, and what was written with it.
    pub(super) fn unmap(mut self, staging: &Staging, keep: bool) -> Result<(), HRESULT> {
        let is_kept = keep && self.access == Access::Write;
        if self.stand_in.is_some() && !is_kept {
            self.leave_canary();
        }
        self.unmap_now();
        let Some(stand_in) = self.stand_in else { return Ok(()) };
        if is_kept {
            // SAFETY: both live, are of this device, and their subresources 0 have one shape.
            unsafe { copy(self.context, self.target.raw(), stand_in.resource.as_raw()) };
        }
        staging.give_back(stand_in);
        if !is_kept {
            return Ok(());
        }
        // SAFETY: the device lives during a call on one of its objects.
        let device = unsafe { self.device.interface::<ID3D11Device>() };
        // SAFETY: as above.
        unsafe { device.GetDeviceRemovedReason() }.map_err(|error| error.code())
    }
}

/// Copies subresource 0.
///
/// # Safety
///
/// All live; the resources are of the context's device, and their subresources 0 have one shape.
unsafe fn copy(context: Weak, to: Raw, from: Raw) {
    // SAFETY: the caller's duty.
    let copy = unsafe { COPY_REGION.of(context.raw()) };
    // SAFETY: the caller's duty; no box means all of it.
    own_call::copying(to, from, || unsafe { copy(context.raw(), to, 0, 0, 0, 0, from, 0, ptr::null()) });
}
