//! A driver: a shared library, or an entry linked in.

use std::ffi::{CString, c_char, c_void};
use std::fmt;
use std::mem::offset_of;
use std::path::Path;
use std::sync::Arc;

use libloading::Library;
use softcp_abi::{
    D3D10DDI_HDEVICE, SOFTCP_DRIVER_INTERFACE_VERSION, SOFTCP_OPEN_DRIVER_NAMES, SOFTCP_OPEN_REFERENCE_DRIVER,
    softcp_driver, softcp_driver_desc, softcp_open_driver_fn,
};

use crate::call_site::CallSite;
use crate::calls::Reply;
use crate::device::{Device, SUB_DEVICES};
use crate::error::{Error, Result};
use crate::hresult::HResult;
use crate::report::{Reports, report_error, text_at};

/// An open driver. Closed when it and everything made from it are gone. Clones share it.
#[derive(Clone)]
pub struct Driver {
    pub(crate) open: Arc<OpenDriver>,
    pub(crate) site: Option<Arc<CallSite>>,
}

impl Driver {
    /// Loads a shared library and opens the driver in it: by `softcp_open_driver` if the library exports that, else by
    /// `softcp_open_reference_driver` (D40).
    ///
    /// `options` are in the syntax of `SOFTCP_OPTIONS`, as `capabilities.profile=hardware-like`; empty for none.
    ///
    /// # Errors
    ///
    /// [`Error::Load`], [`Error::NoEntry`], and those of [`from_entry`](Self::from_entry).
    pub fn load(path: impl AsRef<Path>, options: &str) -> Result<Self> {
        let path = path.as_ref();
        // SAFETY: running a driver's initialisers is what loading it means; see "Safety" of the crate.
        let library = unsafe { Library::new(path) }.map_err(|source| Error::Load { path: path.to_owned(), source })?;
        let find = |name: &'static str| {
            // SAFETY: a library that exports the name exports this type; see "Safety" of the crate.
            unsafe { library.get::<softcp_open_driver_fn>(name) }.map(|symbol| (name, *symbol))
        };
        let [own, reference] = SOFTCP_OPEN_DRIVER_NAMES;
        let entry = find(own)
            .or_else(|source| find(reference).map_err(|_| source))
            .map_err(|source| Error::NoEntry { path: path.to_owned(), source })?;
        Self::open(entry, options, Some(library))
    }

    /// Opens a driver whose entry is linked into this program.
    ///
    /// # Errors
    ///
    /// [`Error::OptionsNul`]; [`Error::Driver`] when the entry fails, with the driver's text about bad options;
    /// [`Error::WrongInterfaceVersion`]; [`Error::BadAnswer`] when it gives no name or version.
    pub fn from_entry(entry: softcp_open_driver_fn, options: &str) -> Result<Self> {
        Self::open((SOFTCP_OPEN_REFERENCE_DRIVER, entry), options, None)
    }

    /// The same open driver, whose devices from here on are called from another place: on another thread, or with buffers
    /// at other addresses. What was made before, and resources, are called as before.
    #[must_use]
    pub fn at(&self, site: Arc<CallSite>) -> Self {
        Self { open: Arc::clone(&self.open), site: Some(site) }
    }

    /// The driver's name for itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.open.name
    }

    /// The driver's version of itself.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.open.version
    }

    /// Creates a device with the newest video function table that the driver fills: sub-device 6, 7, 5, 3 or 2.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`], [`Error::Driver`] (`E_OUTOFMEMORY`), [`Error::NoVideoTable`].
    pub fn create_device(&self) -> Result<Device> {
        Device::create(self, &SUB_DEVICES)
    }

    /// Creates a device with the video function table of one sub-device.
    ///
    /// # Errors
    ///
    /// As [`create_device`](Self::create_device).
    pub fn create_device_with_table(&self, sub_device_id: u32) -> Result<Device> {
        Device::create(self, &[sub_device_id])
    }

    /// Opens a driver by its entry, which errors call by `name`.
    fn open(
        (name, entry): (&'static str, softcp_open_driver_fn),
        options: &str,
        library: Option<Library>,
    ) -> Result<Self> {
        let options = CString::new(options)?;
        let reports = Arc::new(Reports::default());
        let desc = softcp_driver_desc {
            size: struct_size::<softcp_driver_desc>(),
            interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
            options: if options.is_empty() { std::ptr::null() } else { options.as_ptr() },
            error_context: Arc::as_ptr(&reports).cast_mut().cast(),
            report_error: Some(report_error),
        };
        let mut raw = softcp_driver { size: struct_size::<softcp_driver>(), ..Default::default() };
        let reply = Reply::collect(name, &reports, || {
            // SAFETY: both structures are whole, carry their sizes and live until the call returns; `reports` lives
            // until `close`.
            let hresult = unsafe { entry(&raw const desc, &raw mut raw) };
            Some(HResult(hresult))
        });
        reply.into_result()?;
        if raw.interface_version != SOFTCP_DRIVER_INTERFACE_VERSION {
            // Its other members may mean anything, `close` too: the driver stays open, and its library loaded.
            std::mem::forget((library, reports));
            return Err(Error::WrongInterfaceVersion { driver: raw.interface_version });
        }
        // An older driver's structure ends before the optional entry.
        if (raw.size as usize) < offset_of!(softcp_driver, wrap_resource) + size_of_val(&raw.wrap_resource) {
            raw.wrap_resource = None;
        }
        // From here on the driver is closed on every way out.
        let mut open = OpenDriver { raw, name: String::new(), version: String::new(), reports, library };
        open.name = copied_text(name, "name", raw.name)?;
        open.version = copied_text(name, "version", raw.version)?;
        Ok(Self { open: Arc::new(open), site: None })
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("name", &self.open.name)
            .field("version", &self.open.version)
            .finish_non_exhaustive()
    }
}

/// What keeps a driver open.
pub(crate) struct OpenDriver {
    pub(crate) raw: softcp_driver,
    name: String,
    version: String,
    pub(crate) reports: Arc<Reports>,
    /// Dropped after `close`: the driver's code lives in it.
    #[allow(dead_code, reason = "held, not used")]
    library: Option<Library>,
}

impl OpenDriver {
    /// First argument of every entry.
    pub(crate) fn context(&self) -> *mut c_void {
        self.raw.context
    }

    pub(crate) fn destroy_device(&self, device: D3D10DDI_HDEVICE) {
        if let Some(destroy) = self.raw.destroy_device {
            // SAFETY: the driver is open, and the device is one of its own that nobody uses any more.
            unsafe { destroy(self.context(), device) };
        }
    }
}

// SAFETY: the contract of `softcp_driver`: its entries may be called from any thread. The pointers in it are the
// driver's own and are not followed here, but for name and version, which are copied on opening.
unsafe impl Send for OpenDriver {}
// SAFETY: as above.
unsafe impl Sync for OpenDriver {}

impl Drop for OpenDriver {
    fn drop(&mut self) {
        if let Some(close) = self.raw.close {
            // SAFETY: every device holds the driver open, so none is left; nothing is used after this.
            unsafe { close(self.context()) };
        }
    }
}

/// A copy of a text of the driver that is open.
fn copied_text(function: &'static str, what: &str, text: *const c_char) -> Result<String> {
    if text.is_null() {
        let defect = format!("its {what} is null");
        return Err(Error::BadAnswer { function, defect });
    }
    // SAFETY: not null, and the driver is open: the text is valid until `close`.
    Ok(unsafe { text_at(text) })
}

/// The `size` member of a structure.
pub(crate) fn struct_size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("structures of the interface are far smaller than 4 GiB")
}
