//! What drivers over the reference driver share: how their table comes from its own.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_0DDI_VIDEODEVICEFUNCS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS, E_NOTIMPL, HRESULT, S_OK, softcp_driver,
};

/// The function table of a sub-device.
pub(crate) trait Table {
    const SUB_DEVICE: u32;
}

impl Table for D3DWDDM2_0DDI_VIDEODEVICEFUNCS {
    const SUB_DEVICE: u32 = D3DWDDM2_0DDI_VIDEO_FUNCTIONS;
}

impl Table for D3DWDDM2_4DDI_VIDEODEVICEFUNCS {
    const SUB_DEVICE: u32 = D3DWDDM2_4DDI_VIDEO_FUNCTIONS;
}

/// `retrieve_sub_object`: fills `table` as the reference driver does and hands it to `change`. Of one version only.
///
/// # Safety
/// As for the driver's own entry.
pub(crate) unsafe fn retrieve_sub_object<T: Table>(
    driver: &softcp_driver,
    (context, device): (*mut c_void, D3D10DDI_HDEVICE),
    sub_device_id: u32,
    (table_size, table): (usize, *mut c_void),
    change: impl FnOnce(&mut T),
) -> HRESULT {
    if sub_device_id != T::SUB_DEVICE {
        return E_NOTIMPL;
    }
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { driver.retrieve_sub_object.unwrap()(context, device, sub_device_id, table_size, table) };
    if hresult == S_OK {
        // SAFETY: the reference driver has filled a table of this sub-device.
        change(unsafe { &mut *table.cast() });
    }
    hresult
}
