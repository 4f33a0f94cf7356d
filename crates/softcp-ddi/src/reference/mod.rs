//! The reference driver: this library with a small host of its own, whose resources are plain memory.
//!
//! `softcp_open_reference_driver` is what the conformance kit, the player and the `softcp` command load. They look for
//! `softcp_open_driver` first, by which any other driver can be tested, one that links this library too (D40). Every handle
//! is looked up, none dereferenced, so a kit may pass stale and foreign ones.

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use softcp::Adapter;
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, HRESULT, SOFTCP_ACCESS_READ_WRITE, SOFTCP_DRIVER_INTERFACE_VERSION,
    softcp_driver, softcp_driver_desc, softcp_mapping, softcp_resource_desc,
};

use crate::ddi::table;
use crate::hresult::{Failure, Result};
use crate::{core, guard, host, log, pointer};

mod decoder;
mod device;
mod frame;
mod resource;

use device::{ErrorSink, ReferenceDevice, ReferenceDevices};
use resource::Shape;

const NAME: &CStr = c"SoftCP reference driver";
const ENTRY: &str = softcp_abi::SOFTCP_OPEN_REFERENCE_DRIVER;

/// Bytes of a `softcp_driver` that every caller must have room for: all of the first version.
const FIRST_VERSION: usize = std::mem::offset_of!(softcp_driver, wrap_resource);

/// An open reference driver: what `softcp_driver.context` points to.
struct ReferenceDriver {
    adapter: Arc<Adapter>,
    errors: ErrorSink,
    devices: ReferenceDevices,
}

/// Opens the reference driver. Kits look for `softcp_open_driver` first: so a driver that links this library statically
/// exports that, and this one stays what it is (D40). `options` of the description are those of SOFTCP_OPTIONS, which is laid over them.
/// SOFTCP_E_INVALIDARG: null, another interface version, too small a size, or options that are not valid.
/// SOFTCP_E_FAIL: the identity directory cannot be used. SOFTCP_E_NOTIMPL: the options ask for the fault
/// certificate-revoked without a revocation list, as softcp_inject_fault says. What is wrong goes to `report_error`.
///
/// # Safety
/// `desc` is null or points to a structure of its `size`, whose options are null or a string and whose callback may
/// be called with its context until the driver is closed; `driver` is null or points to a structure of its `size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_open_reference_driver(
    desc: *const softcp_driver_desc,
    driver: *mut softcp_driver,
) -> HRESULT {
    guard::run(ENTRY, || {
        // SAFETY: the caller's duty: null, or its size comes first.
        let size = unsafe { pointer::read("softcp_driver", driver.cast::<u32>()) }?;
        let room = usize::try_from(size).unwrap_or(usize::MAX).min(size_of::<softcp_driver>());
        // No half of a pointer is written.
        let room = room - room % align_of::<softcp_driver>();
        if room < FIRST_VERSION {
            return Err(Failure::StructureSize { name: "softcp_driver", given: size });
        }
        // SAFETY: the caller's duty: `driver` is writable for its size, of which this is a part.
        unsafe { write_driver(driver, &softcp_driver { size, ..softcp_driver::default() }, room) };
        // SAFETY: the caller's duty on `desc`; all members are valid when zero.
        let desc = unsafe { pointer::versioned("softcp_driver_desc", desc, 8) }?;
        if desc.interface_version != SOFTCP_DRIVER_INTERFACE_VERSION {
            return Err(Failure::Invalid("softcp_driver_desc.interface_version is not the one this library speaks"));
        }
        // SAFETY: the caller's duty on the options.
        let options = unsafe { pointer::string("options", desc.options) };
        let options = log::init_logging().map_err(Failure::Log).and(options);
        let options = options.map(|options| options.map(|options| ("softcp_driver_desc.options", options)));
        let adapter =
            options.and_then(|options| core::adapter::open(None, options, true, None)).inspect_err(|failure| {
                // SAFETY: the caller's duty on the description's callback.
                unsafe { host::report_error(desc.error_context, desc.report_error, ENTRY, failure) };
            })?;
        let opened = ReferenceDriver {
            adapter,
            errors: ErrorSink { context: desc.error_context, report: desc.report_error },
            devices: ReferenceDevices::default(),
        };
        let answer = softcp_driver {
            size: u32::try_from(room).expect("a part of a u32"),
            interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
            name: NAME.as_ptr(),
            version: core::adapter::VERSION.as_ptr(),
            context: Box::into_raw(Box::new(opened)).cast(),
            create_device: Some(create_device),
            destroy_device: Some(destroy_device),
            retrieve_sub_object: Some(retrieve_sub_object),
            create_resource: Some(create_resource),
            destroy_resource: Some(destroy_resource),
            map_resource: Some(map_resource),
            unmap_resource: Some(unmap_resource),
            close: Some(close),
            wrap_resource: Some(wrap_resource),
        };
        // SAFETY: as above.
        unsafe { write_driver(driver, &answer, room) };
        Ok(())
    })
}

/// # Safety
/// `driver` is valid for writes of `room` bytes, which is at most the size of the structure.
unsafe fn write_driver(driver: *mut softcp_driver, value: &softcp_driver, room: usize) {
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: `value` is at least `room` bytes, `driver` by the caller's duty, and they do not overlap.
    unsafe { std::ptr::copy_nonoverlapping(from, driver.cast(), room) };
}

/// The driver behind a context.
///
/// # Safety
/// `context` is null or came from `softcp_open_reference_driver` and is not closed during `'a`.
unsafe fn driver<'a>(context: *mut c_void) -> Result<&'a ReferenceDriver> {
    // SAFETY: the caller's duty.
    unsafe { context.cast::<ReferenceDriver>().as_ref() }.ok_or(Failure::Null("context"))
}

unsafe extern "C" fn create_device(context: *mut c_void, device: *mut D3D10DDI_HDEVICE) -> HRESULT {
    guard::run("create_device", || {
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("device", device, D3D10DDI_HDEVICE::default()) }?;
        // SAFETY: the caller's duty on the context.
        let driver = unsafe { driver(context) }?;
        let made = driver.devices.create(&driver.adapter, driver.errors)?;
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("device", device, made) }
    })
}

unsafe extern "C" fn destroy_device(context: *mut c_void, device: D3D10DDI_HDEVICE) {
    guard::run("destroy_device", || {
        // SAFETY: the caller's duty on the context.
        unsafe { driver(context) }?.devices.destroy(device)
    });
}

unsafe extern "C" fn retrieve_sub_object(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    guard::run("retrieve_sub_object", || {
        // SAFETY: the caller's duty on the context.
        unsafe { driver(context) }?.devices.get(device)?;
        // SAFETY: the caller's duty: null or writable for `table_size` bytes.
        unsafe { table::fill(sub_device_id, table_size, table) }?;
        for entry in decoder::ENTRIES.iter().chain(frame::ENTRIES).chain(frame::entries_of(sub_device_id)) {
            // SAFETY: `fill` has checked that this is a table, which has these entries; the caller says it is writable.
            unsafe { entry.set(table) };
        }
        Ok(())
    })
}

unsafe extern "C" fn create_resource(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    desc: *const softcp_resource_desc,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    guard::run("create_resource", || {
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("resource", resource, D3D10DDI_HRESOURCE::default()) }?;
        // SAFETY: the caller's duty on `desc`; all members are valid when zero.
        let desc = unsafe {
            pointer::versioned("softcp_resource_desc", desc, std::mem::offset_of!(softcp_resource_desc, extra_planes))
        }?;
        let shape = Shape::new(&desc)?;
        // SAFETY: the caller's duty on the context.
        let made = unsafe { with_device(context, device, |device| device.create_resource(shape)) }?;
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("resource", resource, made) }
    })
}

unsafe extern "C" fn wrap_resource(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    memory: *const softcp_mapping,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    guard::run("wrap_resource", || {
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("resource", resource, D3D10DDI_HRESOURCE::default()) }?;
        // SAFETY: the caller's duty: null or readable.
        let memory = unsafe { pointer::read("memory", memory) }?;
        // SAFETY: the caller's duty on what it describes.
        let wrap = |device: &ReferenceDevice| unsafe { device.wrap_resource(&memory) };
        // SAFETY: the caller's duty on the context.
        let made = unsafe { with_device(context, device, wrap) }?;
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("resource", resource, made) }
    })
}

unsafe extern "C" fn destroy_resource(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    guard::run("destroy_resource", || {
        // SAFETY: the caller's duty on the context.
        unsafe { with_device(context, device, |device| device.destroy_resource(resource)) }
    });
}

unsafe extern "C" fn map_resource(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    guard::run("map_resource", || {
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("mapping", mapping, softcp_mapping::default()) }?;
        if access == 0 || access & !SOFTCP_ACCESS_READ_WRITE != 0 {
            return Err(Failure::Invalid("access is none of the SOFTCP_ACCESS_ values"));
        }
        // SAFETY: the caller's duty on the context.
        let mapped = unsafe { with_device(context, device, |device| device.map(resource)) }?;
        // SAFETY: the caller's duty: null or writable.
        unsafe { pointer::write("mapping", mapping, mapped) }
    })
}

unsafe extern "C" fn unmap_resource(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    guard::run("unmap_resource", || {
        // SAFETY: the caller's duty on the context.
        unsafe { with_device(context, device, |device| device.unmap(resource)) }
    });
}

unsafe extern "C" fn close(context: *mut c_void) {
    guard::run("close", || {
        if !context.is_null() {
            // SAFETY: the caller's duty: it came from `Box::into_raw` and is given back once.
            let driver = unsafe { Box::from_raw(context.cast::<ReferenceDriver>()) };
            driver.devices.destroy_all();
        }
        Ok(())
    });
}

/// Runs `body` on a live device of the driver.
///
/// # Safety
/// As for [`driver`].
unsafe fn with_device<T>(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    body: impl FnOnce(&ReferenceDevice) -> Result<T>,
) -> Result<T> {
    // SAFETY: the caller's duty is the same.
    let driver = unsafe { driver(context) }?;
    body(&*driver.devices.get(device)?)
}

/// The exported function has the type that loaders cast it to.
const _: softcp_abi::softcp_open_driver_fn = softcp_open_reference_driver;
