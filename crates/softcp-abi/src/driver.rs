//! The driver entry: how a driver is loaded and tested outside a Direct3D runtime.
//!
//! A shared library exports [`SOFTCP_OPEN_DRIVER`] with the type [`softcp_open_driver_fn`]. The caller, who plays the
//! runtime, opens the driver, creates devices and resources through [`softcp_driver`], and gets its function table from
//! `retrieve_sub_object`. SoftCP's library exports its reference driver under [`SOFTCP_OPEN_REFERENCE_DRIVER`], which is
//! looked for second: so a driver that has that library linked in can still have an entry of its own (D40).
//!
//! - Structures begin with `size`: the size of the structure in bytes as the side that writes it knows it. Members
//!   past it do not exist; the reader takes them as zero. Zero means the default, unless a member says otherwise.
//! - The caller owns the memory of every structure it passes, and may free it when the call returns.
//! - An entry that returns an HRESULT returns S_OK or a failure; on failure its outputs are zero (D30).
//! - Private memory of sessions, channels and decoders is the caller's, of the size that the table's CalcPrivate entries say.
//! - Errors of table entries that return nothing come through `report_error`, which plays the runtime's
//!   `pfnSetErrorCb` (D20).

use core::ffi::{c_char, c_void};

use crate::{
    handle::{D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE},
    hresult::HRESULT,
};

/// Version of this interface, compared for equality.
pub const SOFTCP_DRIVER_INTERFACE_VERSION: u32 = 1;

/// Name under which a driver exports its function of type `softcp_open_driver_fn`. SoftCP's library never defines it.
pub const SOFTCP_OPEN_DRIVER: &str = "softcp_open_driver";

/// Name under which SoftCP's library exports its reference driver, a function of type `softcp_open_driver_fn`. A driver
/// that does not link the library may use it too.
pub const SOFTCP_OPEN_REFERENCE_DRIVER: &str = "softcp_open_reference_driver";

/// The names of an entry in the order in which they are looked for (D40).
pub const SOFTCP_OPEN_DRIVER_NAMES: [&str; 2] = [SOFTCP_OPEN_DRIVER, SOFTCP_OPEN_REFERENCE_DRIVER];

/// Access of a mapping: the caller reads.
pub const SOFTCP_ACCESS_READ: u32 = 1;
/// Access of a mapping: the caller writes.
pub const SOFTCP_ACCESS_WRITE: u32 = 2;
/// Access of a mapping: the caller reads and writes.
pub const SOFTCP_ACCESS_READ_WRITE: u32 = 3;

/// Flag of a mapping: the resource is protected.
pub const SOFTCP_MAPPING_PROTECTED: u32 = 1;
/// Flag of a mapping: the resource is multisampled.
pub const SOFTCP_MAPPING_MULTISAMPLED: u32 = 2;

/// Flag of a description: make a protected resource.
pub const SOFTCP_RESOURCE_PROTECTED: u32 = 1;
/// Flag of a description: make a multisampled resource.
pub const SOFTCP_RESOURCE_MULTISAMPLED: u32 = 2;
/// Flag of a description: make a shared resource, which other processes may open.
pub const SOFTCP_RESOURCE_SHARED: u32 = 4;
/// Flag of a description, with `SOFTCP_RESOURCE_SHARED` only: the sharing is restricted to the processes that an
/// authenticated channel allowed.
pub const SOFTCP_RESOURCE_RESTRICTED: u32 = 8;

/// One further plane of a planar surface. All sizes are in bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct softcp_plane {
    /// First byte of the first row; valid until the resource is unmapped.
    pub data: *mut c_void,
    /// Distance from one row to the next.
    pub row_pitch: usize,
    /// Visible bytes of a row; the rest of the pitch is padding and is not touched (D9).
    pub row_bytes: usize,
    /// Number of rows.
    pub rows: usize,
}

/// Memory of a mapped resource. All sizes are in bytes. A buffer is one row.
///
/// The driver owns the memory; pointers are valid until the resource is unmapped.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct softcp_mapping {
    /// First byte of the first row of the first plane.
    pub data: *mut c_void,
    /// Distance from one row to the next.
    pub row_pitch: usize,
    /// Visible bytes of a row; the rest of the pitch is padding and is not touched (D9).
    pub row_bytes: usize,
    /// Number of rows.
    pub rows: usize,
    /// `SOFTCP_MAPPING_*`.
    pub flags: u32,
    /// `DXGI_FORMAT`; 0 for an unknown format and for a buffer.
    pub format: u32,
    /// Number of members of `extra_planes` that count: 0 to 2.
    pub extra_plane_count: u32,
    /// Zero.
    pub reserved: u32,
    /// Further planes, in memory order.
    pub extra_planes: [softcp_plane; 2],
}

/// What resource to create. All sizes are in bytes. A buffer is one row.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct softcp_resource_desc {
    /// Size of this structure.
    pub size: u32,
    /// `SOFTCP_RESOURCE_*`.
    pub flags: u32,
    /// `DXGI_FORMAT`; 0 for an unknown format and for a buffer.
    pub format: u32,
    /// Number of members of `extra_planes` that count: 0 to 2.
    pub extra_plane_count: u32,
    /// Visible bytes of a row.
    pub row_bytes: usize,
    /// Number of rows.
    pub rows: usize,
    /// Distance from one row to the next; 0 is the driver's choice.
    pub row_pitch: usize,
    /// Further planes, in memory order. `data` is ignored; a `row_pitch` of 0 is the driver's choice.
    pub extra_planes: [softcp_plane; 2],
}

/// Receives an error of an entry that returns nothing: every failure, with codes too that a driver keeps from its
/// runtime's `pfnSetErrorCb` (D42).
///
/// `context` is `error_context` of the description. `function` names the entry and `text` says what is wrong, both
/// UTF-8 ending in a zero byte and valid during the call only; either is null from a driver that has none. Called on
/// the thread that called the entry, before the entry returns. Must not unwind, nor call the driver.
pub type softcp_report_error =
    Option<unsafe extern "C" fn(context: *mut c_void, function: *const c_char, hresult: HRESULT, text: *const c_char)>;

/// How to open a driver. Owned by the caller and read during the call only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct softcp_driver_desc {
    /// Size of this structure.
    pub size: u32,
    /// `SOFTCP_DRIVER_INTERFACE_VERSION`.
    pub interface_version: u32,
    /// Options in the syntax of `SOFTCP_OPTIONS`, UTF-8 ending in a zero byte. Null: none.
    pub options: *const c_char,
    /// First argument of `report_error`; must stay valid until the driver is closed.
    pub error_context: *mut c_void,
    /// Where errors of entries that return nothing go. Null: they are dropped.
    pub report_error: softcp_report_error,
}

/// An open driver: what `softcp_open_driver_fn` fills. The first argument of each entry is `context`.
///
/// The entries may be called from any thread. They and the function tables are valid until `close`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct softcp_driver {
    /// Size of this structure. Set by the caller to the size it knows; the driver writes no more than that, and
    /// leaves here how much it wrote.
    pub size: u32,
    /// Written by the driver: the version that it speaks.
    pub interface_version: u32,
    /// The driver's name, UTF-8 ending in a zero byte, valid until `close`. Never null after success.
    pub name: *const c_char,
    /// The driver's version, UTF-8 ending in a zero byte, valid until `close`. Never null after success.
    pub version: *const c_char,
    /// The driver's own data: first argument of each entry.
    pub context: *mut c_void,
    /// Creates a device and writes its handle: S_OK or E_OUTOFMEMORY. Destroy it with `destroy_device`.
    pub create_device: Option<unsafe extern "C" fn(context: *mut c_void, device: *mut D3D10DDI_HDEVICE) -> HRESULT>,
    /// Destroys a device with its sessions, channels, decoders and resources. Zero does nothing.
    pub destroy_device: Option<unsafe extern "C" fn(context: *mut c_void, device: D3D10DDI_HDEVICE)>,
    /// Fills the content-protection entries of a video function table, and those of decoders, their output views and
    /// frames if the driver has decoders to bind sessions to; leaves the others as they are.
    ///
    /// `table_size` is the size of the table in bytes. E_INVALIDARG: no video sub-device, or not its table's size.
    /// The entries work until the device is destroyed. Private memory of sessions, channels and
    /// decoders is the caller's, of the size that the table's CalcPrivate entries say.
    pub retrieve_sub_object: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: D3D10DDI_HDEVICE,
            sub_device_id: u32,
            table_size: usize,
            table: *mut c_void,
        ) -> HRESULT,
    >,
    /// Creates a resource, filled with zeros, and writes its handle: S_OK, E_INVALIDARG or E_OUTOFMEMORY.
    pub create_resource: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: D3D10DDI_HDEVICE,
            desc: *const softcp_resource_desc,
            resource: *mut D3D10DDI_HRESOURCE,
        ) -> HRESULT,
    >,
    /// Destroys a resource, which must not be mapped. Zero does nothing.
    pub destroy_resource:
        Option<unsafe extern "C" fn(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE)>,
    /// Maps a resource for `access` (`SOFTCP_ACCESS_*`) and describes its memory.
    ///
    /// Each success needs one `unmap_resource`. While it is mapped, no blit may use the resource.
    pub map_resource: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: D3D10DDI_HDEVICE,
            resource: D3D10DDI_HRESOURCE,
            access: u32,
            mapping: *mut softcp_mapping,
        ) -> HRESULT,
    >,
    /// Ends a mapping; its pointers are no longer valid.
    pub unmap_resource:
        Option<unsafe extern "C" fn(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE)>,
    /// Closes the driver with all its devices. Nothing of it may be used afterwards.
    pub close: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// Makes a resource whose memory is the caller's, and writes its handle: S_OK, E_INVALIDARG or E_OUTOFMEMORY. Null
    /// from a driver that only has memory of its own: then the caller copies through `map_resource`.
    ///
    /// `memory` describes it as a mapping does, and is read during the call only. What it describes stays valid until
    /// `destroy_resource`, and while a call uses the resource: for reads, and for writes where calls write to it.
    /// Nobody else touches it during such a call, the padding between its rows included. The driver touches it in such
    /// calls only, and of the padding neither reads nor writes anything (D9). E_INVALIDARG: a null pointer, a plane
    /// without rows or with empty ones, a pitch smaller than a row, an unknown flag, `reserved` not zero, more than two
    /// extra planes, or planes larger than the address space.
    ///
    /// Otherwise it is a resource as others are, and `map_resource` gives the same memory. But it takes nothing of the
    /// protected memory that there is (D24), is nobody's share, and keeps its bytes when content is lost (D23): those
    /// are the caller's to clear.
    pub wrap_resource: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            device: D3D10DDI_HDEVICE,
            memory: *const softcp_mapping,
            resource: *mut D3D10DDI_HRESOURCE,
        ) -> HRESULT,
    >,
}

/// Opens a driver: S_OK, E_POINTER, E_INVALIDARG (version, size or options) or another failure.
///
/// On failure the members of `driver` after `size` are zero, and there is nothing to close.
pub type softcp_open_driver_fn =
    unsafe extern "C" fn(desc: *const softcp_driver_desc, driver: *mut softcp_driver) -> HRESULT;
