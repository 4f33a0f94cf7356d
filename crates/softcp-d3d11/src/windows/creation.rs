//! Resources that are created with flags of content protection. The implementation below is not shown those flags; what
//! they mean is the layer's to keep.

use softcp_runtime::{PlaneDesc, Resource as DriverResource, ResourceDesc};
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_BUFFER_DESC, D3D11_RESOURCE_MISC_HW_PROTECTED, D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE,
    D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT,
    D3D11_RESOURCE_MISC_SHARED, D3D11_RESOURCE_MISC_SHARED_KEYEDMUTEX, D3D11_RESOURCE_MISC_SHARED_NTHANDLE,
    D3D11_SUBRESOURCE_DATA, D3D11_TEXTURE1D_DESC, D3D11_TEXTURE2D_DESC, D3D11_TEXTURE2D_DESC1, D3D11_TEXTURE3D_DESC,
    D3D11_TEXTURE3D_DESC1, D3D11_USAGE, D3D11_USAGE_DYNAMIC, D3D11_USAGE_STAGING, ID3D11Buffer_Vtbl, ID3D11Device,
    ID3D11Device_Vtbl, ID3D11Device3, ID3D11Device3_Vtbl, ID3D11Texture1D_Vtbl, ID3D11Texture2D_Vtbl, ID3D11Texture2D1,
    ID3D11Texture2D1_Vtbl, ID3D11Texture3D_Vtbl, ID3D11Texture3D1, ID3D11Texture3D1_Vtbl,
};
use windows::core::{HRESULT, Interface};

use super::call::Call;
use super::com::{self, Raw};
use super::device;
use super::hooks::detour::{Method, instances, method};
use super::query;
use super::resource::{Flags, Note};
use super::shared;
use crate::format::Layout;

/// Flags of content that is protected.
const PROTECTED: u32 = (D3D11_RESOURCE_MISC_RESTRICTED_CONTENT.0 | D3D11_RESOURCE_MISC_HW_PROTECTED.0).cast_unsigned();
/// Flags that restrict who opens a shared resource.
const RESTRICTED: u32 = (D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE.0
    | D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER.0)
    .cast_unsigned();
/// Flags of resources that are shared.
const SHARED: u32 =
    (D3D11_RESOURCE_MISC_SHARED.0 | D3D11_RESOURCE_MISC_SHARED_KEYEDMUTEX.0 | D3D11_RESOURCE_MISC_SHARED_NTHANDLE.0)
        .cast_unsigned();

/// A description of a resource, as far as the layer looks at it.
trait Description: Copy {
    fn misc(&mut self) -> &mut u32;
    fn usage(&self) -> D3D11_USAGE;
    /// Bytes of all subresources; 0 where that is unknown.
    fn bytes(&self) -> usize;
    /// Hooks `GetDesc` of the new resource's kind, so that it tells the flags.
    ///
    /// # Safety
    ///
    /// `resource` is a live resource of the kind that is described.
    unsafe fn hook(resource: Raw);
}

/// The method of a device that creates a resource of a kind.
type Create<D> = unsafe extern "system" fn(Raw, *const D, *const D3D11_SUBRESOURCE_DATA, *mut Raw) -> HRESULT;
/// The method of a resource that describes it.
type Describe<D> = unsafe extern "system" fn(Raw, *mut D);

/// The hooks of one kind of resource: its description, the device's table and method, and of the kind's own table the
/// method that describes it.
macro_rules! kind {
    ($description:ty, $device:ty, $create:ident, $name:ident, $describe_name:ident, $table:ty, $describe:ident, $flags:ident) => {
        static $name: Method<$device, Create<$description>> = method!($device, $create);
        static $describe_name: Method<$table, Describe<$description>> = method!($table, $describe);

        mod $flags {
            use super::*;

            pub(super) unsafe extern "system" fn create<const I: usize>(
                device: Raw,
                desc: *const $description,
                data: *const D3D11_SUBRESOURCE_DATA,
                out: *mut Raw,
            ) -> HRESULT {
                com::guard(|| {
                    let below = $name.original::<I>();
                    // SAFETY: the program's duties on its arguments.
                    unsafe {
                        super::create(concat!("ID3D11Device::", stringify!($create)), below, device, desc, data, out)
                    }
                })
            }

            pub(super) unsafe extern "system" fn describe<const I: usize>(resource: Raw, desc: *mut $description) {
                com::guard(|| {
                    let below = $describe_name.original::<I>();
                    // SAFETY: the program's arguments, for this method.
                    unsafe { below(resource, desc) };
                    // SAFETY: COM's duty: the resource lives.
                    if let (Some(note), false) = (unsafe { Note::of(resource) }, desc.is_null()) {
                        // SAFETY: not null, and written by the method below.
                        *unsafe { &mut *desc }.misc() |= note.misc();
                    }
                });
            }
        }
    };
}

kind!(
    D3D11_BUFFER_DESC,
    ID3D11Device_Vtbl,
    CreateBuffer,
    CREATE_BUFFER,
    BUFFER_DESC,
    ID3D11Buffer_Vtbl,
    GetDesc,
    buffer
);
kind!(
    D3D11_TEXTURE1D_DESC,
    ID3D11Device_Vtbl,
    CreateTexture1D,
    CREATE_TEXTURE_1D,
    TEXTURE_1D_DESC,
    ID3D11Texture1D_Vtbl,
    GetDesc,
    texture_1d
);
kind!(
    D3D11_TEXTURE2D_DESC,
    ID3D11Device_Vtbl,
    CreateTexture2D,
    CREATE_TEXTURE_2D,
    TEXTURE_2D_DESC,
    ID3D11Texture2D_Vtbl,
    GetDesc,
    texture_2d
);
kind!(
    D3D11_TEXTURE3D_DESC,
    ID3D11Device_Vtbl,
    CreateTexture3D,
    CREATE_TEXTURE_3D,
    TEXTURE_3D_DESC,
    ID3D11Texture3D_Vtbl,
    GetDesc,
    texture_3d
);
kind!(
    D3D11_TEXTURE2D_DESC1,
    ID3D11Device3_Vtbl,
    CreateTexture2D1,
    CREATE_TEXTURE_2D1,
    TEXTURE_2D1_DESC,
    ID3D11Texture2D1_Vtbl,
    GetDesc1,
    texture_2d1
);
kind!(
    D3D11_TEXTURE3D_DESC1,
    ID3D11Device3_Vtbl,
    CreateTexture3D1,
    CREATE_TEXTURE_3D1,
    TEXTURE_3D1_DESC,
    ID3D11Texture3D1_Vtbl,
    GetDesc1,
    texture_3d1
);

/// Hooks the methods that create resources.
///
/// # Safety
///
/// The device lives.
pub(super) unsafe fn hook(device: &ID3D11Device) {
    let raw = device.as_raw();
    // SAFETY: a live device, and functions that do what they replace for whatever has none of the flags.
    unsafe { CREATE_BUFFER.hook(raw, &instances!(buffer::create)) };
    // SAFETY: as above.
    unsafe { CREATE_TEXTURE_1D.hook(raw, &instances!(texture_1d::create)) };
    // SAFETY: as above.
    unsafe { CREATE_TEXTURE_2D.hook(raw, &instances!(texture_2d::create)) };
    // SAFETY: as above.
    unsafe { CREATE_TEXTURE_3D.hook(raw, &instances!(texture_3d::create)) };
    // SAFETY: a live device.
    let Some(device) = (unsafe { query::interface_below::<ID3D11Device3>(raw) }) else { return };
    // SAFETY: as above.
    unsafe { CREATE_TEXTURE_2D1.hook(device.as_raw(), &instances!(texture_2d1::create)) };
    // SAFETY: as above.
    unsafe { CREATE_TEXTURE_3D1.hook(device.as_raw(), &instances!(texture_3d1::create)) };
}

/// Creates a resource; one with flags of content protection becomes known to the layer and to the driver.
///
/// # Safety
///
/// The arguments are a program's, for this method of a live device.
unsafe fn create<D: Description>(
    function: &'static str,
    below: Create<D>,
    device: Raw,
    desc: *const D,
    data: *const D3D11_SUBRESOURCE_DATA,
    out: *mut Raw,
) -> HRESULT {
    // SAFETY: null or readable.
    let described = unsafe { com::read(desc) }.ok();
    let flags = described.map_or(0, |mut desc| *desc.misc() & (PROTECTED | RESTRICTED));
    // SAFETY: a live device.
    let state = if flags == 0 { None } else { unsafe { device::find(device) } };
    let (Some(state), Some(mut described)) = (state, described) else {
        // SAFETY: the caller's duty.
        return unsafe { below(device, desc, data, out) };
    };
    state.ask();
    let call = Call::new(state, function);
    // SAFETY: null or writable.
    unsafe { com::write(out, std::ptr::null_mut()) };
    let noted = match check(call, described, flags) {
        Ok(noted) => noted,
        Err(hresult) => return hresult,
    };
    let is_shared = *described.misc() & SHARED != 0;
    *described.misc() &= !flags;
    // SAFETY: a live device, a whole description, the program's data and place.
    let answer = unsafe { below(device, &raw const described, data, out) };
    // SAFETY: null or readable, and written by the method.
    let resource = unsafe { com::read(out) }.unwrap_or(std::ptr::null_mut());
    if answer.is_err() || resource.is_null() {
        return answer;
    }
    let unrestricted_share = noted.is_protected && is_shared && flags & RESTRICTED == 0;
    // SAFETY: just created, on this device.
    unsafe { D::hook(resource) };
    // SAFETY: as above.
    if unsafe { Note::attach(resource, state, noted, unrestricted_share) }.is_none() {
        // SAFETY: the reference that the method has given, which the program does not get.
        unsafe { com::release(resource) };
        // SAFETY: null or writable.
        unsafe { com::write(out, std::ptr::null_mut()) };
        return call.refuse_with(None, E_FAIL, "the resource takes no private data, so it could not be protected");
    }
    if is_shared {
        // SAFETY: as above.
        unsafe { shared::created(state, resource, flags) };
    }
    state.watch();
    answer
}

/// What is checked of flags, and what stands for the resource in the driver's books.
fn check<D: Description>(call: Call<'_>, mut desc: D, flags: u32) -> Result<Flags, HRESULT> {
    let is_protected = flags & PROTECTED != 0;
    let is_shared = *desc.misc() & SHARED != 0;
    let hw_protected = flags & D3D11_RESOURCE_MISC_HW_PROTECTED.0.cast_unsigned() != 0;
    if hw_protected && [D3D11_USAGE_DYNAMIC, D3D11_USAGE_STAGING].contains(&desc.usage()) {
        let text = "D3D11_RESOURCE_MISC_HW_PROTECTED does not go with dynamic or staging usage";
        return Err(call.refuse_with(None, E_INVALIDARG, text));
    }
    if flags & RESTRICTED != 0 && !is_shared {
        let text = "D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE is for shared resources";
        return Err(call.refuse_with(None, E_INVALIDARG, text));
    }
    let driver = call.state.driver().ok_or(E_FAIL)?;
    let book = ResourceDesc {
        plane: PlaneDesc { row_bytes: desc.bytes().max(1), rows: 1, row_pitch: desc.bytes().max(1) },
        protected: is_protected,
        shared: is_shared,
        restricted: is_shared && flags & RESTRICTED != 0,
        ..ResourceDesc::default()
    };
    let in_driver: Option<DriverResource> = match driver.create_resource(&book) {
        Ok(resource) => Some(resource),
        Err(error) => return call.driver(Err(error)),
    };
    Ok(Flags { misc: flags, is_protected, in_driver })
}

/// Bytes of the mipmaps of a surface, `depth` of them or times over; 0 for a format without memory of its own.
fn surface_bytes(format: u32, width: u32, height: u32, levels: u32, layers: u32) -> usize {
    let complete = 32 - width.max(height).leading_zeros();
    let levels = if levels == 0 { complete } else { levels.min(complete) };
    let level = |level: u32| {
        let layout = Layout::of_texture(format, (width >> level).max(1), (height >> level).max(1));
        layout.and_then(|layout| layout.visible_bytes()).unwrap_or_default()
    };
    (0..levels).map(level).sum::<usize>().saturating_mul(layers as usize)
}

macro_rules! description {
    ($description:ty, |$desc:ident| $bytes:expr, $entry:ident, $flags:ident) => {
        impl Description for $description {
            fn misc(&mut self) -> &mut u32 {
                &mut self.MiscFlags
            }

            fn usage(&self) -> D3D11_USAGE {
                self.Usage
            }

            fn bytes(&self) -> usize {
                let $desc = self;
                $bytes
            }

            unsafe fn hook(resource: Raw) {
                // SAFETY: the caller's duty; the function adds nothing for resources that nothing is known of.
                unsafe { $entry.hook(resource, &instances!($flags::describe)) };
            }
        }
    };
}

description!(D3D11_BUFFER_DESC, |desc| desc.ByteWidth as usize, BUFFER_DESC, buffer);
description!(
    D3D11_TEXTURE1D_DESC,
    |desc| surface_bytes(desc.Format.0.cast_unsigned(), desc.Width, 1, desc.MipLevels, desc.ArraySize),
    TEXTURE_1D_DESC,
    texture_1d
);
description!(
    D3D11_TEXTURE2D_DESC,
    |desc| surface_bytes(desc.Format.0.cast_unsigned(), desc.Width, desc.Height, desc.MipLevels, desc.ArraySize),
    TEXTURE_2D_DESC,
    texture_2d
);
description!(
    D3D11_TEXTURE3D_DESC,
    |desc| surface_bytes(desc.Format.0.cast_unsigned(), desc.Width, desc.Height, desc.MipLevels, desc.Depth),
    TEXTURE_3D_DESC,
    texture_3d
);

/// The later descriptions, whose resources have the earlier interface, too.
macro_rules! later_description {
    ($description:ty, $interface:ty, |$desc:ident| $bytes:expr, $entry:ident, $flags:ident, $before:ident, $before_flags:ident) => {
        impl Description for $description {
            fn misc(&mut self) -> &mut u32 {
                &mut self.MiscFlags
            }

            fn usage(&self) -> D3D11_USAGE {
                self.Usage
            }

            fn bytes(&self) -> usize {
                let $desc = self;
                $bytes
            }

            unsafe fn hook(resource: Raw) {
                // SAFETY: the caller's duty: the later interface begins with the earlier one.
                unsafe { $before.hook(resource, &instances!($before_flags::describe)) };
                // SAFETY: a live resource.
                if let Some(later) = unsafe { query::interface_below::<$interface>(resource) } {
                    // SAFETY: as above.
                    unsafe { $entry.hook(later.as_raw(), &instances!($flags::describe)) };
                }
            }
        }
    };
}

later_description!(
    D3D11_TEXTURE2D_DESC1,
    ID3D11Texture2D1,
    |desc| surface_bytes(desc.Format.0.cast_unsigned(), desc.Width, desc.Height, desc.MipLevels, desc.ArraySize),
    TEXTURE_2D1_DESC,
    texture_2d1,
    TEXTURE_2D_DESC,
    texture_2d
);
later_description!(
    D3D11_TEXTURE3D_DESC1,
    ID3D11Texture3D1,
    |desc| surface_bytes(desc.Format.0.cast_unsigned(), desc.Width, desc.Height, desc.MipLevels, desc.Depth),
    TEXTURE_3D1_DESC,
    texture_3d1,
    TEXTURE_3D_DESC,
    texture_3d
);
