//! Devices of the reference driver, and the host callbacks that lend their resources to blits.

use std::collections::HashMap;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use softcp::{Adapter, Error};
use softcp_abi::{D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, HRESULT, softcp_mapping, softcp_report_error};

use super::resource::{Resource, Shape, User};
use crate::core::session::SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST;
use crate::ddi::attach::{self, AddressHashing};
use crate::device::softcp_device;
use crate::guard;
use crate::host::softcp_host;
use crate::hresult::{Failure, Result};

/// The resources of a device, by the number in their handle.
type Resources = HashMap<usize, Arc<Resource>, AddressHashing>;

/// The live devices of one driver, by the number in their handle.
#[derive(Default)]
pub(super) struct ReferenceDevices(Mutex<HashMap<usize, Arc<ReferenceDevice>>>);

/// A device: its resources, and the SoftCP device attached to its handle.
pub(super) struct ReferenceDevice {
    host: Arc<ReferenceHost>,
    softcp: Arc<softcp_device>,
}

/// What the host callbacks of a device reach.
pub(super) struct ReferenceHost {
    resources: Mutex<Resources>,
    /// Output views of decoders: the number of a view's resource, by that of the view.
    views: Mutex<HashMap<usize, usize>>,
    /// Frames that have begun, by the decoder's id.
    frames: Mutex<HashMap<usize, Frame>>,
    errors: ErrorSink,
}

/// A decoder's frame that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The number of the resource behind the output view.
    pub(super) output: usize,
    /// Bytes of the output that are there.
    pub(super) filled: usize,
}

/// Where the runtime wants errors.
#[derive(Clone, Copy)]
pub(super) struct ErrorSink {
    pub(super) context: *mut c_void,
    pub(super) report: softcp_report_error,
}

// SAFETY: the runtime's context and callback may be used from any thread that calls the driver;
// `softcp_open_reference_driver` states that duty.
unsafe impl Send for ErrorSink {}
// SAFETY: as for Send.
unsafe impl Sync for ErrorSink {}

impl ReferenceDevices {
    pub(super) fn create(&self, adapter: &Arc<Adapter>, errors: ErrorSink) -> Result<D3D10DDI_HDEVICE> {
        let host = Arc::new(ReferenceHost {
            resources: Mutex::default(),
            views: Mutex::default(),
            frames: Mutex::default(),
            errors,
        });
        let callbacks = softcp_host {
            size: u32::try_from(size_of::<softcp_host>()).expect("a small structure"),
            context: Arc::as_ptr(&host).cast_mut().cast(),
            map: Some(map),
            unmap: Some(unmap),
            // Not report_error2: the driver's caller wants every failure, whatever a runtime allows (D42).
            report_error: Some(report_error),
            teardown: Some(teardown),
            ..softcp_host::default()
        };
        // SAFETY: the context is kept alive by the device itself; `map` lends memory of a live resource to one writer
        // or to readers at a time.
        let softcp = unsafe { softcp_device::new(adapter, callbacks, Some(Arc::clone(&host) as _)) }?;
        let handle = D3D10DDI_HDEVICE { pDrvPrivate: std::ptr::without_provenance_mut(next_number()) };
        attach::attach(Arc::clone(&softcp), handle)?;
        lock(&self.0).insert(handle.pDrvPrivate.addr(), Arc::new(ReferenceDevice { host, softcp }));
        Ok(handle)
    }

    pub(super) fn get(&self, handle: D3D10DDI_HDEVICE) -> Result<Arc<ReferenceDevice>> {
        let devices = lock(&self.0);
        devices.get(&handle.pDrvPrivate.addr()).cloned().ok_or(Failure::Invalid("the handle names no live device"))
    }

    /// Destroys a device with its sessions and resources. Zero does nothing.
    pub(super) fn destroy(&self, handle: D3D10DDI_HDEVICE) -> Result<()> {
        if handle.pDrvPrivate.is_null() {
            return Ok(());
        }
        let device = lock(&self.0).remove(&handle.pDrvPrivate.addr());
        device.ok_or(Failure::Invalid("the handle names no live device"))?.end();
        Ok(())
    }

    pub(super) fn destroy_all(&self) {
        let devices: Vec<_> = lock(&self.0).drain().collect();
        for (_, device) in devices {
            device.end();
        }
    }
}

impl ReferenceDevice {
    fn end(&self) {
        attach::detach_device(Arc::as_ptr(&self.softcp));
        for (_, resource) in lock(&self.host.resources).drain() {
            self.release(&resource);
        }
    }

    /// Makes a resource; a protected one takes its bytes from the budget (D24).
    pub(super) fn create_resource(&self, shape: Shape) -> Result<D3D10DDI_HRESOURCE> {
        let memory = self.softcp.live_adapter()?.protected_memory();
        let bytes = shape.budget();
        memory.reserve(bytes)?;
        let Some(resource) = Resource::new(shape) else {
            memory.release(bytes);
            return Err(Failure::OutOfMemory);
        };
        if resource.unrestricted_share() {
            self.softcp.engine().add_unrestricted_share();
        }
        Ok(self.insert(resource))
    }

    /// Makes a resource of the caller's memory.
    ///
    /// # Safety
    /// As for [`Resource::wrapping`].
    pub(super) unsafe fn wrap_resource(&self, memory: &softcp_mapping) -> Result<D3D10DDI_HRESOURCE> {
        self.softcp.live_adapter()?;
        // SAFETY: the caller's duty is the same.
        let resource = unsafe { Resource::wrapping(memory) }?;
        Ok(self.insert(resource))
    }

    fn insert(&self, resource: Resource) -> D3D10DDI_HRESOURCE {
        let number = next_number();
        lock(&self.host.resources).insert(number, Arc::new(resource));
        D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(number) }
    }

    /// Destroys a resource, unless it is mapped. Zero does nothing.
    pub(super) fn destroy_resource(&self, handle: D3D10DDI_HRESOURCE) -> Result<()> {
        if handle.pDrvPrivate.is_null() {
            return Ok(());
        }
        let mut resources = lock(&self.host.resources);
        if find(&resources, handle.pDrvPrivate)?.is_mapped() {
            return Err(Failure::Invalid("the resource is mapped; unmap it first"));
        }
        if let Some(resource) = resources.remove(&handle.pDrvPrivate.addr()) {
            self.release(&resource);
        }
        Ok(())
    }

    /// Maps a resource for the caller, unless it is protected and protection is enforced (D19).
    pub(super) fn map(&self, handle: D3D10DDI_HRESOURCE) -> Result<softcp_mapping> {
        self.softcp.live_adapter()?;
        let resources = lock(&self.host.resources);
        let resource = find(&resources, handle.pDrvPrivate)?;
        if resource.protected() && self.softcp.engine().protection_enforced() {
            return Err(Error::ProtectedAccess.into());
        }
        resource.map(User::Caller)
    }

    pub(super) fn unmap(&self, handle: D3D10DDI_HRESOURCE) -> Result<()> {
        find(&lock(&self.host.resources), handle.pDrvPrivate)?.unmap(User::Caller)
    }

    fn release(&self, resource: &Resource) {
        self.softcp.adapter().protected_memory().release(resource.budget());
        if resource.unrestricted_share() {
            self.softcp.engine().remove_unrestricted_share();
        }
    }
}

impl ReferenceHost {
    /// The host behind a device; an error when the device is somebody else's.
    pub(super) fn of(device: &softcp_device) -> Result<&Self> {
        device.context().ok_or(Failure::Invalid("the device is none of the reference driver"))
    }

    pub(super) fn resource(&self, cookie: *mut c_void) -> Result<Arc<Resource>> {
        find(&lock(&self.resources), cookie).cloned()
    }

    /// Makes an output view of a resource, by the resource's number.
    pub(super) fn create_view(&self, resource: usize) -> usize {
        let number = next_number();
        lock(&self.views).insert(number, resource);
        number
    }

    /// The number of a view's resource.
    pub(super) fn view(&self, view: usize) -> Result<usize> {
        lock(&self.views).get(&view).copied().ok_or(Failure::Invalid("the handle names no live output view"))
    }

    /// Destroys a view. Zero does nothing.
    pub(super) fn destroy_view(&self, view: usize) -> Result<()> {
        if view == 0 || lock(&self.views).remove(&view).is_some() {
            return Ok(());
        }
        Err(Failure::Invalid("the handle names no live output view"))
    }

    pub(super) fn frame(&self, decoder: usize) -> Option<Frame> {
        lock(&self.frames).get(&decoder).copied()
    }

    /// Sets what is known of a decoder's frame; none for one that has ended.
    pub(super) fn set_frame(&self, decoder: usize, frame: Option<Frame>) {
        let mut frames = lock(&self.frames);
        match frame {
            Some(frame) => frames.insert(decoder, frame),
            None => frames.remove(&decoder),
        };
    }
}

unsafe extern "C" fn map(
    context: *mut c_void,
    resource: *mut c_void,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    guard::run("map", || {
        // SAFETY: the context that `create` gave, kept alive by the SoftCP device that calls.
        let host = unsafe { &*context.cast::<ReferenceHost>() };
        let mapped = find(&lock(&host.resources), resource)?.map(User::Blit { access })?;
        // SAFETY: the library passes a mapping of its own.
        unsafe { mapping.write(mapped) };
        Ok(())
    })
}

unsafe extern "C" fn unmap(context: *mut c_void, resource: *mut c_void) {
    guard::run("unmap", || {
        // SAFETY: as in `map`.
        let host = unsafe { &*context.cast::<ReferenceHost>() };
        find(&lock(&host.resources), resource)?.unmap(User::Blit { access: 0 })
    });
}

unsafe extern "C" fn teardown(context: *mut c_void, _session: usize, status: u32) {
    guard::run("teardown", || {
        // SAFETY: as in `map`.
        let host = unsafe { &*context.cast::<ReferenceHost>() };
        if status == SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST {
            let resources = lock(&host.resources);
            resources.values().filter(|resource| resource.protected()).for_each(|lost| lost.lose_content());
        }
        Ok(())
    });
}

unsafe extern "C" fn report_error(
    context: *mut c_void,
    function: *const c_char,
    hresult: HRESULT,
    text: *const c_char,
) {
    // SAFETY: as in `map`.
    let ErrorSink { context, report } = unsafe { &*context.cast::<ReferenceHost>() }.errors;
    if let Some(report) = report {
        // SAFETY: the runtime's own function with its own context; the strings are the library's and live on.
        unsafe { report(context, function, hresult, text) };
    }
}

fn find(resources: &Resources, cookie: *mut c_void) -> Result<&Arc<Resource>> {
    resources.get(&cookie.addr()).ok_or(Failure::Invalid("the handle names no live resource of this device"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers for device and resource handles: multiples of 16, so that they look like pointers, and never used twice.
fn next_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).wrapping_mul(16)
}
