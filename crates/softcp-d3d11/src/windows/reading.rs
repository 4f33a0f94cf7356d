//! Other ways than `Map` of a context by which a program reads a resource: DXGI's surfaces, and the device's own method.
//! While protection is on they are closed for protected resources as `Map` is (D19).

use core::ffi::c_void;

use softcp_abi::D3DERR_CANNOTPROTECTCONTENT;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BOX, ID3D11Device, ID3D11Device3, ID3D11Device3_Vtbl, ID3D11Resource,
};
use windows::Win32::Graphics::Dxgi::{
    DXGI_MAP_FLAGS, DXGI_MAPPED_RECT, IDXGISurface, IDXGISurface_Vtbl, IDXGISurface1, IDXGISurface1_Vtbl,
};
use windows::Win32::Graphics::Gdi::HDC;
use windows::core::{BOOL, HRESULT, Interface};

use super::call::Call;
use super::com::{self, Raw};
use super::device::{self, DeviceState};
use super::hooks::detour::{KnownTable, Method, instances, method};
use super::query;
use super::resource::Note;

type MapSurface = unsafe extern "system" fn(Raw, *mut DXGI_MAPPED_RECT, DXGI_MAP_FLAGS) -> HRESULT;
type GetDc = unsafe extern "system" fn(Raw, BOOL, *mut HDC) -> HRESULT;
type Read = unsafe extern "system" fn(Raw, *mut c_void, u32, u32, Raw, u32, *const D3D11_BOX);

static MAP_SURFACE: Method<IDXGISurface_Vtbl, MapSurface> = method!(IDXGISurface_Vtbl, Map);
static GET_DC: Method<IDXGISurface1_Vtbl, GetDc> = method!(IDXGISurface1_Vtbl, GetDC);
static READ: Method<ID3D11Device3_Vtbl, Read> = method!(ID3D11Device3_Vtbl, ReadFromSubresource);

/// Remembers the method of a device that was just made, and the table that it is in.
///
/// # Safety
///
/// `device` is a live `ID3D11Device`.
pub(super) unsafe fn prepare(device: Raw) -> KnownTable {
    // SAFETY: the caller's duty.
    let Some(device) = (unsafe { query::interface_below::<ID3D11Device3>(device) }) else {
        return KnownTable::default();
    };
    // SAFETY: a live device; the function does what it replaces for resources that are not protected.
    let is_prepared = unsafe { READ.prepare(device.as_raw(), &instances!(read_from_subresource)) };
    // SAFETY: a live device.
    unsafe { KnownTable::of(device.as_raw(), is_prepared) }
}

/// Hooks the surface of a protected resource, and its device's method.
///
/// # Safety
///
/// The resource lives, and is of this device.
pub(super) unsafe fn hook(resource: Raw, state: &DeviceState) {
    // SAFETY: the caller's duty.
    if let Some(surface) = unsafe { query::interface_below::<IDXGISurface>(resource) } {
        // SAFETY: a live surface; the function does what it replaces for resources that are not protected.
        unsafe { MAP_SURFACE.hook(surface.as_raw(), &instances!(map_surface)) };
    }
    // SAFETY: the caller's duty.
    if let Some(surface) = unsafe { query::interface_below::<IDXGISurface1>(resource) } {
        // Its table has a Map of its own.
        // SAFETY: as above.
        unsafe { MAP_SURFACE.hook(surface.as_raw(), &instances!(map_surface)) };
        // SAFETY: as above.
        unsafe { GET_DC.hook(surface.as_raw(), &instances!(get_dc)) };
    }
    // SAFETY: the caller's duty.
    if let Some(device) = unsafe { state.device_interface::<ID3D11Device3>() } {
        // SAFETY: as above.
        unsafe { state.tables().device_3.hook(&READ, device.as_raw(), &instances!(read_from_subresource)) };
    }
}

/// Sees to it that the hooks of all these methods are in place. Answers whether they are.
pub(super) fn enforce() -> bool {
    let (map, dc, read) = (MAP_SURFACE.enable(), GET_DC.enable(), READ.enable());
    map && dc && read
}

/// Whether a resource, by any of its interfaces, must not be read now; that is said.
///
/// # Safety
///
/// `object` is null, or an interface of a live resource.
unsafe fn is_closed(function: &'static str, object: Raw) -> bool {
    if object.is_null() {
        return false;
    }
    // SAFETY: not null, and the caller's duty.
    let Some(resource) = (unsafe { query::interface_below::<ID3D11Resource>(object) }) else { return false };
    // SAFETY: a live resource.
    if !unsafe { Note::of(resource.as_raw()) }.is_some_and(|note| note.is_protected()) {
        return false;
    }
    // SAFETY: a live resource.
    let Ok(device) = (unsafe { resource.GetDevice() }) else { return false };
    let device: ID3D11Device = device;
    // SAFETY: it lives as long as its resource.
    let Some(state) = (unsafe { device::find(device.as_raw()) }) else { return false };
    let is_closed = state.protection.enforced();
    if is_closed {
        Call::new(state, function).say(None, "protection is on: a protected resource cannot be read");
    }
    is_closed
}

unsafe extern "system" fn map_surface<const I: usize>(
    surface: Raw,
    mapped: *mut DXGI_MAPPED_RECT,
    flags: DXGI_MAP_FLAGS,
) -> HRESULT {
    com::guard(|| {
        // SAFETY: COM's duty: the surface lives.
        if unsafe { is_closed("IDXGISurface::Map", surface) } {
            // SAFETY: null or writable.
            unsafe { com::write(mapped, DXGI_MAPPED_RECT::default()) };
            return HRESULT(D3DERR_CANNOTPROTECTCONTENT);
        }
        let below = MAP_SURFACE.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(surface, mapped, flags) }
    })
}

unsafe extern "system" fn get_dc<const I: usize>(surface: Raw, discard: BOOL, dc: *mut HDC) -> HRESULT {
    com::guard(|| {
        // SAFETY: COM's duty: the surface lives.
        if unsafe { is_closed("IDXGISurface1::GetDC", surface) } {
            // SAFETY: null or writable.
            unsafe { com::write(dc, HDC::default()) };
            return HRESULT(D3DERR_CANNOTPROTECTCONTENT);
        }
        let below = GET_DC.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(surface, discard, dc) }
    })
}

unsafe extern "system" fn read_from_subresource<const I: usize>(
    device: Raw,
    to: *mut c_void,
    row_pitch: u32,
    depth_pitch: u32,
    resource: Raw,
    subresource: u32,
    region: *const D3D11_BOX,
) {
    com::guard(|| {
        // SAFETY: null or live: the program's duty.
        if unsafe { is_closed("ID3D11Device3::ReadFromSubresource", resource) } {
            return;
        }
        let below = READ.original::<I>();
        // SAFETY: the program's arguments, for this method.
        unsafe { below(device, to, row_pitch, depth_pitch, resource, subresource, region) };
    });
}
