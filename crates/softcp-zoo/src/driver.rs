//! The wrapper itself: opens the reference driver and stands before its entries.
//!
//! Every entry finds its wrapper anew: those of a table by the device's handle in one registry, those of `softcp_driver`
//! by their context. So any number of faulty drivers can be open in a process.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use softcp::identity::{IdentityFiles, IdentityOptions};
use softcp::provider::Provider;
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, E_FAIL, E_INVALIDARG, HRESULT, S_OK, SOFTCP_MAPPING_PROTECTED,
    SOFTCP_RESOURCE_PROTECTED, softcp_driver, softcp_driver_desc, softcp_mapping, softcp_resource_desc,
    video_table_size,
};
use softcp_ddi::softcp_open_reference_driver;

use crate::calls::{self, Hooks};
use crate::channel::Channel;
use crate::decoder;
use crate::keys::{self, Block, PrivateKey};
use crate::report::{self, Sink};
use crate::session::Session;

const ENTRY: &str = "softcp_open_faulty_driver";
const NAME: &CStr = c"SoftCP faulty driver";

/// An open faulty driver: what `softcp_driver.context` points to.
pub(crate) struct Driver {
    real: Real,
    pub(crate) sink: Box<Sink>,
    pub(crate) hooks: Hooks,
    pub(crate) key: PrivateKey,
    sessions: Mutex<HashMap<usize, Session>>,
    channels: Mutex<HashMap<usize, Channel>>,
    resources: Mutex<HashMap<usize, Resource>>,
    /// The certificates in DER, leaf first.
    pub(crate) chain: Vec<Vec<u8>>,
    /// For a fault's own use: something it keeps, something it counts, and numbers by what they are of.
    kept: Mutex<Option<Block>>,
    count: AtomicU64,
    notes: Mutex<HashMap<usize, u128>>,
    /// The identity that was made for this driver.
    _identity: Option<tempfile::TempDir>,
}

/// A resource that has been created and not destroyed.
#[derive(Clone, Copy)]
struct Resource {
    /// Address in the handle of its device.
    device: usize,
    is_protected: bool,
}

/// The reference driver's own entries.
struct Real(softcp_driver);

// SAFETY: the entries may be called from any thread, and the context is theirs.
unsafe impl Send for Real {}
// SAFETY: as for Send.
unsafe impl Sync for Real {}

/// A device of a faulty driver.
pub(crate) struct Device {
    number: usize,
    pub(crate) driver: Arc<Driver>,
}

/// How many drivers are open that cannot be open twice.
static OPEN_ONCE: AtomicU64 = AtomicU64::new(0);

static DEVICES: RwLock<Option<HashMap<usize, Arc<Device>>>> = RwLock::new(None);

/// The device of a handle.
pub(crate) fn device(handle: D3D10DDI_HDEVICE) -> Option<Arc<Device>> {
    let devices = DEVICES.read().unwrap_or_else(PoisonError::into_inner);
    devices.as_ref()?.get(&handle.pDrvPrivate.addr()).cloned()
}

fn change_devices(change: impl FnOnce(&mut HashMap<usize, Arc<Device>>)) {
    change(DEVICES.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Driver {
    /// Its sessions, by the address of their private memory.
    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<usize, Session>> {
        lock(&self.sessions)
    }

    /// Its channels, by the address of their private memory.
    pub(crate) fn channels(&self) -> MutexGuard<'_, HashMap<usize, Channel>> {
        lock(&self.channels)
    }
}

impl Driver {
    /// What a fault keeps for the whole driver, and what it kept before.
    pub(crate) fn keep(&self, block: Block) -> Option<Block> {
        lock(&self.kept).replace(block)
    }

    /// What is kept.
    pub(crate) fn kept(&self) -> Option<Block> {
        *lock(&self.kept)
    }

    /// Counts up: the number before.
    pub(crate) fn counted(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Numbers by whatever a fault says they are of: a handle, the address of private memory.
    pub(crate) fn notes(&self) -> MutexGuard<'_, HashMap<usize, u128>> {
        lock(&self.notes)
    }

    /// Runs `call` and says whether another one that is noted so was under way with it, at its beginning or at its end.
    /// For long enough that calls on several threads meet.
    pub(crate) fn meeting<T>(&self, what: usize, call: impl FnOnce() -> T) -> (T, bool) {
        let change = |change: fn(&mut u128)| {
            let mut notes = self.notes();
            let number = notes.entry(what).or_default();
            change(number);
            *number
        };
        let before = change(|number| *number += 1);
        std::thread::sleep(MEETING);
        let output = call();
        let after = change(|number| *number -= 1);
        (output, before > 1 || after > 0)
    }
}

/// How long calls that are to meet others take.
const MEETING: Duration = Duration::from_micros(300);

impl Device {
    pub(crate) fn handle(&self) -> D3D10DDI_HDEVICE {
        D3D10DDI_HDEVICE { pDrvPrivate: std::ptr::without_provenance_mut(self.number) }
    }

    /// Whether a resource was created as a protected one.
    pub(crate) fn is_protected(&self, resource: usize) -> bool {
        lock(&self.driver.resources).get(&resource).is_some_and(|resource| resource.is_protected)
    }

    /// Whether a resource has been created and not destroyed.
    pub(crate) fn exists(&self, resource: usize) -> bool {
        lock(&self.driver.resources).contains_key(&resource)
    }

    /// The protected resources of this device.
    pub(crate) fn protected(&self) -> Vec<usize> {
        let resources = lock(&self.driver.resources);
        let is_it = |resource: &Resource| resource.is_protected && resource.device == self.number;
        resources.iter().filter(|(_, resource)| is_it(resource)).map(|(number, _)| *number).collect()
    }

    /// Whether a channel of this device has any of these protection flags set. Known of drivers with rules of messages.
    pub(crate) fn has_protection(&self, flags: u32) -> bool {
        let channels = self.driver.channels();
        channels.values().any(|channel| channel.device == self.number && channel.flags() & flags != 0)
    }

    /// Creates a resource past every fault.
    fn create_resource(&self, desc: &softcp_resource_desc, resource: &mut D3D10DDI_HRESOURCE) -> HRESULT {
        let Real(real) = &self.driver.real;
        let Some(create) = real.create_resource else { return E_INVALIDARG };
        // SAFETY: the reference driver's own entry and context, and a place for a handle.
        unsafe { create(real.context, self.handle(), desc, resource) }
    }

    /// Whether a resource could be created now: one is, and destroyed.
    pub(crate) fn try_resource(&self, desc: &softcp_resource_desc) -> HRESULT {
        let mut resource = D3D10DDI_HRESOURCE::default();
        let hresult = self.create_resource(desc, &mut resource);
        let Real(real) = &self.driver.real;
        if let (S_OK, Some(destroy)) = (hresult, real.destroy_resource) {
            // SAFETY: the reference driver's own entry and context, and a resource that it has just made.
            unsafe { destroy(real.context, self.handle(), resource) };
        }
        hresult
    }

    /// Maps a resource as its owner would, and past every fault.
    pub(crate) fn map(&self, resource: usize, access: u32) -> Option<softcp_mapping> {
        let Real(real) = &self.driver.real;
        let mut mapping = softcp_mapping::default();
        // SAFETY: the reference driver's own entry and context, and a mapping of this function's.
        let hresult =
            unsafe { real.map_resource?(real.context, self.handle(), handle(resource), access, &raw mut mapping) };
        (hresult == S_OK).then_some(mapping)
    }

    /// Format and `SOFTCP_MAPPING_*` flags of a resource; none if there is none that can be mapped.
    pub(crate) fn look(&self, resource: usize) -> Option<(u32, u32)> {
        let mapping = self.map(resource, softcp_abi::SOFTCP_ACCESS_READ)?;
        self.unmap(resource);
        Some((mapping.format, mapping.flags))
    }

    /// Ends a mapping.
    pub(crate) fn unmap(&self, resource: usize) {
        let Real(real) = &self.driver.real;
        if let Some(unmap) = real.unmap_resource {
            // SAFETY: the reference driver's own entry and context.
            unsafe { unmap(real.context, self.handle(), handle(resource)) };
        }
    }
}

fn handle(resource: usize) -> D3D10DDI_HRESOURCE {
    D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(resource) }
}

/// Opens a faulty driver. The options begin with `zoo=NAME`; what follows after a semicolon goes to the reference driver.
/// `zoo=none`, or no such option, is the wrapper without a fault. Without `identity.directory` an identity is made.
///
/// `E_INVALIDARG`, with a text for `report_error`: an unknown name, or an identity that cannot be read. Otherwise as
/// `softcp_open_reference_driver`.
///
/// # Safety
/// As for `softcp_open_reference_driver`.
pub unsafe extern "C" fn softcp_open_faulty_driver(
    desc: *const softcp_driver_desc,
    driver: *mut softcp_driver,
) -> HRESULT {
    // SAFETY: the caller's duty: null, or its size comes first.
    let size = unsafe { crate::memory::read(desc.cast::<u32>()) };
    if size.is_none_or(|size| (size as usize) < size_of::<softcp_driver_desc>()) || driver.is_null() {
        // SAFETY: the caller's duty is the same; the reference driver says what is wrong.
        return unsafe { softcp_open_reference_driver(desc, driver) };
    }
    // SAFETY: the caller's duty, and it is as long as that.
    let desc = unsafe { *desc };
    let sink = Box::new(Sink::new(desc.error_context, desc.report_error));
    // SAFETY: the caller's duty on the options.
    let options = unsafe { report::text(desc.options) }.unwrap_or_default();
    let prepared = match Prepared::new(options) {
        Ok(prepared) => prepared,
        Err(text) => {
            sink.report(ENTRY, E_INVALIDARG, &text);
            // SAFETY: the caller's duty on `driver`; without a description it is refused, and the outputs are zero then.
            unsafe { softcp_open_reference_driver(std::ptr::null(), driver) };
            return E_INVALIDARG;
        }
    };
    if prepared.hooks.opens_once && OPEN_ONCE.fetch_add(1, Ordering::Relaxed) > 0 {
        OPEN_ONCE.fetch_sub(1, Ordering::Relaxed);
        sink.report(ENTRY, E_FAIL, "the driver is open already");
        // SAFETY: as above.
        unsafe { softcp_open_reference_driver(std::ptr::null(), driver) };
        return E_FAIL;
    }
    let inner = softcp_driver_desc {
        options: prepared.options.as_ptr(),
        error_context: std::ptr::from_ref(&*sink).cast_mut().cast(),
        report_error: Some(report::report_error),
        ..desc
    };
    // SAFETY: the caller's duty on `driver`; the description is whole, and the sink lives until the driver is closed.
    let hresult = unsafe { softcp_open_reference_driver(&raw const inner, driver) };
    if hresult != S_OK {
        if prepared.hooks.opens_once {
            OPEN_ONCE.fetch_sub(1, Ordering::Relaxed);
        }
        return hresult;
    }
    // SAFETY: the reference driver has just written it, with its size first.
    let written = unsafe { driver.cast::<u32>().read() } as usize;
    let mut opened = softcp_driver::default();
    // SAFETY: as many bytes are there, of a structure that may be an older and shorter one; no more than this one has.
    unsafe { (&raw mut opened).cast::<u8>().copy_from_nonoverlapping(driver.cast(), written) };
    let wrapper = Driver {
        real: Real(opened),
        sink,
        hooks: prepared.hooks,
        key: prepared.key,
        sessions: Mutex::default(),
        channels: Mutex::default(),
        resources: Mutex::default(),
        chain: prepared.chain,
        kept: Mutex::default(),
        count: AtomicU64::new(0),
        notes: Mutex::default(),
        _identity: prepared.made,
    };
    opened.name = NAME.as_ptr();
    opened.context = Arc::into_raw(Arc::new(wrapper)).cast_mut().cast();
    opened.create_device = Some(create_device);
    opened.destroy_device = Some(destroy_device);
    opened.retrieve_sub_object = Some(retrieve_sub_object);
    opened.create_resource = Some(create_resource);
    opened.destroy_resource = Some(destroy_resource);
    opened.map_resource = Some(map_resource);
    opened.unmap_resource = Some(unmap_resource);
    opened.close = Some(close);
    opened.wrap_resource = opened.wrap_resource.and(Some(wrap_resource));
    // SAFETY: as above; the caller's duty on `driver`.
    unsafe { driver.cast::<u8>().copy_from_nonoverlapping((&raw const opened).cast(), written) };
    S_OK
}

/// The exported function has the type that loaders cast it to.
const _: softcp_abi::softcp_open_driver_fn = softcp_open_faulty_driver;

/// What is known before the reference driver is opened.
struct Prepared {
    hooks: Hooks,
    options: CString,
    key: PrivateKey,
    chain: Vec<Vec<u8>>,
    made: Option<tempfile::TempDir>,
}

impl Prepared {
    fn new(options: &str) -> Result<Self, String> {
        let (name, rest) = match options.strip_prefix("zoo=") {
            Some(options) => options.split_once(';').unwrap_or((options, "")),
            None => ("none", options),
        };
        let hooks = crate::hooks(name).ok_or_else(|| format!("there is no faulty driver {name:?}"))?;
        let (key, _) = hooks.options.split_once('=').unwrap_or_default();
        let rest = match rest {
            "" => hooks.options.to_owned(),
            _ if key.is_empty() || rest.contains(key) => rest.to_owned(),
            _ => format!("{};{rest}", hooks.options),
        };
        let given =
            rest.split(';').find_map(|option| option.trim().strip_prefix("identity.directory=")).map(str::to_owned);
        let (directory, made, options) = if let (Some(directory), None) = (given, hooks.identity) {
            (PathBuf::from(directory.trim_matches('"')), None, rest)
        } else {
            let is_identity = |option: &&str| option.trim().starts_with("identity.directory=");
            let rest = rest.split(';').filter(|option| !is_identity(option)).collect::<Vec<_>>().join(";");
            let made = make_identity(&hooks.identity.map_or_else(IdentityOptions::default, |options| options()))?;
            let option = format!("identity.directory={}", made.path().display());
            let options = if rest.is_empty() { option } else { format!("{option};{rest}") };
            (made.path().to_owned(), Some(made), options)
        };
        let key = PrivateKey::read(&directory)?;
        let options = CString::new(options).map_err(|error| error.to_string())?;
        let chain = keys::read_chain(&directory)?;
        Ok(Self { hooks, options, key, chain, made })
    }
}

fn make_identity(options: &IdentityOptions) -> Result<tempfile::TempDir, String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let files = IdentityFiles::generate(&Provider::aws_lc(), options);
    let files = files.map_err(|error| error.to_string())?;
    files.write(directory.path()).map_err(|error| error.to_string())?;
    Ok(directory)
}

/// The driver behind a context.
///
/// # Safety
/// `context` came from `softcp_open_faulty_driver` and is not closed meanwhile.
unsafe fn driver(context: *mut c_void) -> Arc<Driver> {
    let driver = context.cast::<Driver>().cast_const();
    // SAFETY: the caller's duty: it came from `Arc::into_raw` and holds one count.
    unsafe { Arc::increment_strong_count(driver) };
    // SAFETY: the count is this one's.
    unsafe { Arc::from_raw(driver) }
}

unsafe extern "C" fn create_device(context: *mut c_void, device: *mut D3D10DDI_HDEVICE) -> HRESULT {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    let Some(create) = real.create_device else { return E_INVALIDARG };
    // SAFETY: the caller's arguments are passed on.
    let mut create = || unsafe { create(real.context, device) };
    let hresult = match driver.hooks.create_device {
        Some(hook) => hook(&driver, &mut create),
        None => create(),
    };
    if hresult == S_OK {
        // SAFETY: the reference driver has written it.
        let number = unsafe { (*device).pDrvPrivate }.addr();
        let made = Device { number, driver: Arc::clone(&driver) };
        change_devices(|devices| drop(devices.insert(number, Arc::new(made))));
    }
    hresult
}

unsafe extern "C" fn destroy_device(context: *mut c_void, device: D3D10DDI_HDEVICE) {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let number = device.pDrvPrivate.addr();
    if let (Some(hook), Some(device)) = (driver.hooks.destroy_device, self::device(device))
        && !hook(&device)
    {
        return;
    }
    driver.sessions().retain(|_, session| session.device != number);
    driver.channels().retain(|_, channel| channel.device != number);
    let Real(real) = &driver.real;
    if let Some(destroy) = real.destroy_device {
        // SAFETY: the caller's arguments are passed on.
        unsafe { destroy(real.context, device) };
    }
    lock(&driver.resources).retain(|_, resource| resource.device != number);
    change_devices(|devices| drop(devices.remove(&number)));
}

unsafe extern "C" fn retrieve_sub_object(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    let Some(retrieve) = real.retrieve_sub_object else { return E_INVALIDARG };
    let retrieve = |sub_device_id, table_size| {
        // SAFETY: the caller's arguments are passed on, or a size that is smaller.
        unsafe { retrieve(real.context, device, sub_device_id, table_size, table) }
    };
    let hresult = match driver.hooks.retrieve_sub_object {
        Some(hook) => hook(sub_device_id, table_size, &retrieve),
        None => retrieve(sub_device_id, table_size),
    };
    if hresult == S_OK && driver.hooks.writes_behind_tables {
        let number = device.pDrvPrivate.addr();
        if driver.notes().insert(number, 1).is_some() {
            // SAFETY: a second table of a device is what the kit asks for, which has room for far more than a table.
            unsafe { table.cast::<usize>().wrapping_add(table_size / size_of::<usize>()).write(number) };
        }
    }
    if hresult == S_OK && video_table_size(sub_device_id) == Some(table_size) {
        // SAFETY: the reference driver has checked that it is a table of this size, whose entries are pointers.
        let table = unsafe { std::slice::from_raw_parts_mut(table.cast(), table_size / size_of::<usize>()) };
        calls::fill(table);
        if driver.hooks.decoder.is_some() {
            decoder::fill(sub_device_id, table);
        }
        if let Some(change) = driver.hooks.change_table {
            change(sub_device_id, table);
        }
    }
    hresult
}

unsafe extern "C" fn create_resource(
    context: *mut c_void,
    device_handle: D3D10DDI_HDEVICE,
    desc: *const softcp_resource_desc,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    let Some(create) = real.create_resource else { return E_INVALIDARG };
    // SAFETY: the caller's arguments are passed on.
    let mut create = || unsafe { create(real.context, device_handle, desc, resource) };
    let hresult = match (driver.hooks.create_resource, device(device_handle)) {
        (Some(hook), Some(device)) if !desc.is_null() => {
            // SAFETY: the caller's duty: it is not null, and valid.
            hook(&device, unsafe { &*desc }, &mut create)
        }
        _ => create(),
    };
    if hresult == S_OK {
        // SAFETY: the reference driver has read it.
        let is_protected = unsafe { (*desc).flags } & SOFTCP_RESOURCE_PROTECTED != 0;
        // SAFETY: the reference driver has written it.
        let number = unsafe { (*resource).pDrvPrivate }.addr();
        let made = Resource { device: device_handle.pDrvPrivate.addr(), is_protected };
        lock(&driver.resources).insert(number, made);
        if let (Some(hook), Some(device)) = (driver.hooks.created_resource, device(device_handle)) {
            hook(&device, number);
        }
    }
    hresult
}

unsafe extern "C" fn wrap_resource(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    memory: *const softcp_mapping,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    let Some(wrap) = real.wrap_resource else { return E_INVALIDARG };
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { wrap(real.context, device, memory, resource) };
    if hresult == S_OK {
        // SAFETY: the reference driver has read it.
        let is_protected = unsafe { (*memory).flags } & SOFTCP_MAPPING_PROTECTED != 0;
        // SAFETY: the reference driver has written it.
        let number = unsafe { (*resource).pDrvPrivate }.addr();
        lock(&driver.resources).insert(number, Resource { device: device.pDrvPrivate.addr(), is_protected });
    }
    hresult
}

unsafe extern "C" fn destroy_resource(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    lock(&driver.resources).remove(&resource.pDrvPrivate.addr());
    let Real(real) = &driver.real;
    if let Some(destroy) = real.destroy_resource {
        // SAFETY: the caller's arguments are passed on.
        unsafe { destroy(real.context, device, resource) };
    }
}

unsafe extern "C" fn map_resource(
    context: *mut c_void,
    device_handle: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    let Some(map) = real.map_resource else { return E_INVALIDARG };
    let mut map = || {
        // SAFETY: the caller's arguments are passed on.
        unsafe { map(real.context, device_handle, resource, access, mapping) }
    };
    match (driver.hooks.map_resource, device(device_handle)) {
        (Some(hook), Some(device)) => hook(&device, resource.pDrvPrivate.addr(), &mut map),
        _ => map(),
    }
}

unsafe extern "C" fn unmap_resource(context: *mut c_void, device: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    // SAFETY: the caller's duty on the context.
    let driver = unsafe { driver(context) };
    let Real(real) = &driver.real;
    if let Some(unmap) = real.unmap_resource {
        // SAFETY: the caller's arguments are passed on.
        unsafe { unmap(real.context, device, resource) };
    }
}

unsafe extern "C" fn close(context: *mut c_void) {
    if context.is_null() {
        return;
    }
    // SAFETY: the caller's duty: it came from `Arc::into_raw` and is given back once.
    let driver = unsafe { Arc::from_raw(context.cast::<Driver>().cast_const()) };
    if driver.hooks.aborts_in_close {
        std::process::abort();
    }
    if driver.hooks.opens_once {
        OPEN_ONCE.fetch_sub(1, Ordering::Relaxed);
    }
    let Real(real) = &driver.real;
    if let Some(close) = real.close {
        // SAFETY: the reference driver's own entry and context, closed once.
        unsafe { close(real.context) };
    }
    change_devices(|devices| devices.retain(|_, device| !Arc::ptr_eq(&device.driver, &driver)));
}
