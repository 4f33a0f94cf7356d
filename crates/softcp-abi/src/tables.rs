//! Video function tables, one per driver model, as RetrieveSubObject fills them.
//!
//! In every table the content-protection entries sit in slots 58 to 78; from WDDM 2.0 on also in 81, 82 and 93, and
//! in sub-device 6 in slot 96. All other entries belong to the host driver's decoder and video processor. Those of them
//! that make a decoder (slots 7 to 9), its frames (11 to 13, and 83 from WDDM 2.0 on) and its output views (48 to 50) have
//! their types here, since a session is bound to a decoder and encrypts what it is given.

mod d3d11_1;
mod wddm2_0;
mod wddm2_1;
mod wddm2_4;
mod wddm2_4_rs4;

pub use d3d11_1::D3D11_1DDI_VIDEODEVICEFUNCS;
pub use wddm2_0::D3DWDDM2_0DDI_VIDEODEVICEFUNCS;
pub use wddm2_1::D3DWDDM2_1DDI_VIDEODEVICEFUNCS;
pub use wddm2_4::D3DWDDM2_4DDI_VIDEODEVICEFUNCS;
pub use wddm2_4_rs4::D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0;

/// Sub-device of RetrieveSubObject with the table `D3D11_1DDI_VIDEODEVICEFUNCS`.
pub const D3D11_1DDI_VIDEO_FUNCTIONS: u32 = 2;
/// Sub-device of RetrieveSubObject with the table `D3DWDDM2_0DDI_VIDEODEVICEFUNCS`.
pub const D3DWDDM2_0DDI_VIDEO_FUNCTIONS: u32 = 3;
/// Sub-device of RetrieveSubObject with the table `D3DWDDM2_1DDI_VIDEODEVICEFUNCS`.
pub const D3DWDDM2_1DDI_VIDEO_FUNCTIONS: u32 = 5;
/// Sub-device of RetrieveSubObject with the table `D3DWDDM2_4DDI_VIDEODEVICEFUNCS`.
pub const D3DWDDM2_4DDI_VIDEO_FUNCTIONS: u32 = 6;
/// Sub-device of RetrieveSubObject with the table `D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0`.
pub const D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0: u32 = 7;

/// Size in bytes of the video function table of a sub-device, or `None` when it is no video sub-device.
#[must_use]
pub const fn video_table_size(sub_device_id: u32) -> Option<usize> {
    match sub_device_id {
        D3D11_1DDI_VIDEO_FUNCTIONS => Some(size_of::<D3D11_1DDI_VIDEODEVICEFUNCS>()),
        D3DWDDM2_0DDI_VIDEO_FUNCTIONS => Some(size_of::<D3DWDDM2_0DDI_VIDEODEVICEFUNCS>()),
        D3DWDDM2_1DDI_VIDEO_FUNCTIONS => Some(size_of::<D3DWDDM2_1DDI_VIDEODEVICEFUNCS>()),
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS => Some(size_of::<D3DWDDM2_4DDI_VIDEODEVICEFUNCS>()),
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => Some(size_of::<D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0>()),
        _ => None,
    }
}
