//! Shared resources with flags of content protection: who opens one learns what it is, and whether it may.
//!
//! The process that creates such a resource writes a record about it into memory that it names after the resource's
//! shared handle or name, and keeps the record up to date; processes that open the resource look for the record. An NT
//! handle without a name is known to no other process by any number, so nothing can be recorded of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use softcp_abi::{D3D11_PROCESSIDTYPE_DWM, D3D11_PROCESSIDTYPE_HANDLE, D3DERR_CANNOTPROTECTCONTENT};
use windows::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_RESOURCE_MISC_HW_PROTECTED, D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE,
    D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER, D3D11_RESOURCE_MISC_RESTRICTED_CONTENT, ID3D11Device,
    ID3D11Device_Vtbl, ID3D11Device1, ID3D11Device1_Vtbl, ID3D11Resource,
};
use windows::Win32::Graphics::Dxgi::{IDXGIResource, IDXGIResource1, IDXGIResource1_Vtbl};
use windows::Win32::Security::SECURITY_ATTRIBUTES;
use windows::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_ALL_ACCESS, FILE_MAP_READ, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
};
use windows::Win32::System::Threading::{GetCurrentProcessId, GetProcessId};
use windows::core::{GUID, HRESULT, HSTRING, Interface, PCWSTR};

use super::call::Call;
use super::com::{self, Raw};
use super::device::{self, DeviceState};
use super::hooks::detour::{Method, instances, method};
use super::query;
use super::resource::{Flags, Note};
use crate::protection::Protection;

/// Most processes that a record tells; more cannot be allowed on a device.
const MOST_PROCESSES: usize = 1024;
/// How a record begins.
const MAGIC: u32 = u32::from_le_bytes(*b"SCP1");
/// In the list of processes: the desktop window manager.
const DWM: u32 = u32::MAX;

const RESTRICTED: u32 = (D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE.0
    | D3D11_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER.0)
    .cast_unsigned();
const PROTECTED: u32 = (D3D11_RESOURCE_MISC_RESTRICTED_CONTENT.0 | D3D11_RESOURCE_MISC_HW_PROTECTED.0).cast_unsigned();

/// A record, as it lies in shared memory. Every value may be read while it is written.
#[repr(C)]
struct Record {
    magic: AtomicU32,
    creator: AtomicU32,
    /// The flags of the resource.
    misc: AtomicU32,
    /// Whether protection is on.
    enforced: AtomicU32,
    count: AtomicU32,
    processes: [AtomicU32; MOST_PROCESSES],
}

/// A record that is mapped here.
struct Mapped {
    mapping: HANDLE,
    view: MEMORY_MAPPED_VIEW_ADDRESS,
}

// SAFETY: handles and shared memory may be used from any thread; the record is made of atomics.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Makes a record, or takes one that is there.
    fn create(name: &str) -> Option<Self> {
        let name = HSTRING::from(name);
        let size = u32::try_from(size_of::<Record>()).expect("a few KiB");
        // SAFETY: memory of the system's paging file, with a name.
        let mapping = unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, None, PAGE_READWRITE, 0, size, &name) }.ok()?;
        Self::map(mapping, FILE_MAP_ALL_ACCESS)
    }

    /// The record of another process; none where there is none.
    fn open(name: &str) -> Option<Self> {
        // SAFETY: a name that ends in a zero.
        let mapping = unsafe { OpenFileMappingW(FILE_MAP_READ.0, false, &HSTRING::from(name)) }.ok()?;
        Self::map(mapping, FILE_MAP_READ)
    }

    fn map(mapping: HANDLE, access: windows::Win32::System::Memory::FILE_MAP) -> Option<Self> {
        // SAFETY: a live mapping; what is not there is refused by the system.
        let view = unsafe { MapViewOfFile(mapping, access, 0, 0, size_of::<Record>()) };
        let mapped = Self { mapping, view };
        (!view.Value.is_null()).then_some(mapped)
    }

    fn record(&self) -> &Record {
        // SAFETY: mapped in this size, and aligned to a page; every content is valid for atomics.
        unsafe { &*self.view.Value.cast::<Record>() }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if !self.view.Value.is_null() {
            // SAFETY: a view of our own, which nobody refers to any more.
            let _ = unsafe { UnmapViewOfFile(self.view) };
        }
        // SAFETY: a handle of our own, closed once.
        let _ = unsafe { CloseHandle(self.mapping) };
    }
}

/// The records on the shared resources of a device.
#[derive(Default)]
pub(super) struct Records(Mutex<Vec<Published>>);

/// A record, and the resource that it is about, by address.
struct Published {
    resource: usize,
    misc: u32,
    mapped: Mapped,
}

impl Records {
    /// Writes a record about a resource.
    fn publish(&self, resource: Raw, misc: u32, name: &str, protection: &Protection) {
        let Some(mapped) = Mapped::create(name) else {
            tracing::warn!(id = "no-record", name, "other processes will not know what this shared resource is");
            return;
        };
        let published = Published { resource: resource.addr(), misc, mapped };
        published.write(protection);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(published);
    }

    /// Brings all records up to date with what channels have set.
    pub(super) fn update(&self, protection: &Protection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|published| published.write(protection));
    }

    /// The resource is about to go.
    pub(super) fn withdraw(&self, resource: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|published| published.resource != resource);
    }
}

impl Published {
    fn write(&self, protection: &Protection) {
        let record = self.mapped.record();
        let processes = protection.processes();
        let processes = processes.iter().filter_map(|process| match process.process_type {
            D3D11_PROCESSIDTYPE_DWM => Some(DWM),
            // SAFETY: what is no handle of a process has no number.
            D3D11_PROCESSIDTYPE_HANDLE => Some(unsafe {
                GetProcessId(HANDLE(std::ptr::without_provenance_mut(usize::try_from(process.handle).ok()?)))
            }),
            _ => None,
        });
        let mut count = 0;
        for (to, process) in record.processes.iter().zip(processes) {
            to.store(process, Ordering::Relaxed);
            count += 1;
        }
        record.count.store(count, Ordering::Release);
        // SAFETY: no arguments.
        record.creator.store(unsafe { GetCurrentProcessId() }, Ordering::Relaxed);
        record.misc.store(self.misc, Ordering::Relaxed);
        record.enforced.store(u32::from(protection.enforced()), Ordering::Relaxed);
        record.magic.store(MAGIC, Ordering::Release);
    }
}

/// What a record says to a process that opens the resource.
struct Found {
    misc: u32,
    /// The process must not open it.
    is_refused: bool,
}

fn find(name: &str) -> Option<Found> {
    let mapped = Mapped::open(name)?;
    let record = mapped.record();
    if record.magic.load(Ordering::Acquire) != MAGIC {
        return None;
    }
    let misc = record.misc.load(Ordering::Relaxed);
    // SAFETY: no arguments.
    let own = unsafe { GetCurrentProcessId() };
    let count = (record.count.load(Ordering::Acquire) as usize).min(MOST_PROCESSES);
    let allowed = record.processes[..count].iter().any(|process| {
        let process = process.load(Ordering::Relaxed);
        process == own || process == DWM && is_window_manager()
    });
    let is_refused = misc & RESTRICTED != 0
        && record.enforced.load(Ordering::Relaxed) != 0
        && record.creator.load(Ordering::Relaxed) != own
        && !allowed;
    Some(Found { misc, is_refused })
}

/// Whether this program is the desktop window manager, by its name.
fn is_window_manager() -> bool {
    std::env::current_exe().is_ok_and(|path| path.file_stem().is_some_and(|name| name.eq_ignore_ascii_case("dwm")))
}

fn name_of_handle(handle: HANDLE) -> String {
    format!("Local\\softcp-d3d11-handle-{:x}", handle.0.addr())
}

fn name_of_name(name: &str) -> String {
    // A backslash separates namespaces, and the name may have one.
    format!("Local\\softcp-d3d11-name-{}", name.replace('\\', "/"))
}

type OpenByHandle = unsafe extern "system" fn(Raw, HANDLE, *const GUID, *mut Raw) -> HRESULT;
type OpenByName = unsafe extern "system" fn(Raw, PCWSTR, u32, *const GUID, *mut Raw) -> HRESULT;
type CreateHandle = unsafe extern "system" fn(Raw, *const SECURITY_ATTRIBUTES, u32, PCWSTR, *mut HANDLE) -> HRESULT;

static OPEN: Method<ID3D11Device_Vtbl, OpenByHandle> = method!(ID3D11Device_Vtbl, OpenSharedResource);
static OPEN_1: Method<ID3D11Device1_Vtbl, OpenByHandle> = method!(ID3D11Device1_Vtbl, OpenSharedResource1);
static OPEN_BY_NAME: Method<ID3D11Device1_Vtbl, OpenByName> = method!(ID3D11Device1_Vtbl, OpenSharedResourceByName);
static CREATE_HANDLE: Method<IDXGIResource1_Vtbl, CreateHandle> = method!(IDXGIResource1_Vtbl, CreateSharedHandle);

/// Hooks the methods that open shared resources.
///
/// # Safety
///
/// The device lives.
pub(super) unsafe fn hook(device: &ID3D11Device) {
    // SAFETY: a live device, and functions that do what they replace for resources without a record.
    unsafe { OPEN.hook(device.as_raw(), &instances!(open_shared_resource)) };
    // SAFETY: a live device.
    let Some(device) = (unsafe { query::interface_below::<ID3D11Device1>(device.as_raw()) }) else { return };
    // SAFETY: as above.
    unsafe { OPEN_1.hook(device.as_raw(), &instances!(open_shared_resource_1)) };
    // SAFETY: as above.
    unsafe { OPEN_BY_NAME.hook(device.as_raw(), &instances!(open_shared_resource_by_name)) };
}

/// A shared resource with flags of content protection was created: other processes will be told.
///
/// # Safety
///
/// The resource lives, and is of this device.
pub(super) unsafe fn created(state: &DeviceState, resource: Raw, misc: u32) {
    // SAFETY: the caller's duty.
    if let Some(later) = unsafe { query::interface_below::<IDXGIResource1>(resource) } {
        // SAFETY: a live resource; the function does what it replaces for resources that nothing is known of.
        unsafe { CREATE_HANDLE.hook(later.as_raw(), &instances!(create_shared_handle)) };
    }
    // SAFETY: the caller's duty.
    let Some(shared) = (unsafe { query::interface_below::<IDXGIResource>(resource) }) else { return };
    // Resources that are shared by NT handles have no handle of this kind.
    // SAFETY: a live resource.
    if let Ok(handle) = unsafe { shared.GetSharedHandle() } {
        state.resources.records.publish(resource, misc, &name_of_handle(handle), &state.protection);
    }
}

unsafe extern "system" fn create_shared_handle<const I: usize>(
    resource: Raw,
    attributes: *const SECURITY_ATTRIBUTES,
    access: u32,
    name: PCWSTR,
    handle: *mut HANDLE,
) -> HRESULT {
    com::guard(|| {
        let below = CREATE_HANDLE.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let answer = unsafe { below(resource, attributes, access, name, handle) };
        if answer.is_err() || name.is_null() {
            return answer;
        }
        // SAFETY: COM's duty: the resource lives.
        let Some(real) = (unsafe { query::interface_below::<ID3D11Resource>(resource) }) else { return answer };
        // SAFETY: it lives.
        let Some(note) = (unsafe { Note::of(real.as_raw()) }) else { return answer };
        // SAFETY: a live resource.
        let Ok(device) = (unsafe { real.GetDevice() }) else { return answer };
        // SAFETY: a live device.
        let state = unsafe { device::find(device.as_raw()) };
        // SAFETY: not null, and the program's duty.
        if let (Some(state), Ok(name)) = (state, unsafe { name.to_string() }) {
            state.resources.records.publish(real.as_raw(), note.misc(), &name_of_name(&name), &state.protection);
        }
        answer
    })
}

/// Opens a resource, unless its record forbids it; what is opened is as protected as the record says.
///
/// # Safety
///
/// `device` is a live device, `out` null or writable, and `below` opens the resource that the record is about.
unsafe fn open(
    function: &'static str,
    device: Raw,
    record: &str,
    out: *mut Raw,
    below: impl FnOnce() -> HRESULT,
) -> HRESULT {
    // SAFETY: the caller's duty.
    let state = unsafe { query::interface_below::<ID3D11Device>(device) }
        // SAFETY: it lives as long as `device`.
        .and_then(|device| unsafe { device::find(device.as_raw()) });
    let (Some(state), Some(found)) = (state, find(record)) else { return below() };
    let call = Call::new(state, function);
    if found.is_refused {
        // SAFETY: null or writable.
        unsafe { com::write(out, std::ptr::null_mut()) };
        let text = "protection is on, and no channel has allowed this process to open the restricted resource";
        return call.refuse_with(None, HRESULT(D3DERR_CANNOTPROTECTCONTENT), text);
    }
    let answer = below();
    // SAFETY: null or readable, and written by the method.
    let opened = unsafe { com::read(out) }.unwrap_or(std::ptr::null_mut());
    if answer.is_err() || opened.is_null() {
        return answer;
    }
    // SAFETY: just opened, whatever interface the program asked for.
    if let Some(resource) = unsafe { query::interface_below::<ID3D11Resource>(opened) }
        // SAFETY: it lives.
        && unsafe { Note::of(resource.as_raw()) }.is_none()
    {
        let flags = Flags { misc: found.misc, is_protected: found.misc & PROTECTED != 0, in_driver: None };
        // SAFETY: it lives, and is of this device.
        let _ = unsafe { Note::attach(resource.as_raw(), state, flags, false) };
        state.watch();
    }
    answer
}

unsafe extern "system" fn open_shared_resource<const I: usize>(
    device: Raw,
    handle: HANDLE,
    iid: *const GUID,
    out: *mut Raw,
) -> HRESULT {
    com::guard(|| {
        let below = OPEN.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let open_below = || unsafe { below(device, handle, iid, out) };
        // SAFETY: the program's duties.
        unsafe { open("ID3D11Device::OpenSharedResource", device, &name_of_handle(handle), out, open_below) }
    })
}

unsafe extern "system" fn open_shared_resource_1<const I: usize>(
    device: Raw,
    handle: HANDLE,
    iid: *const GUID,
    out: *mut Raw,
) -> HRESULT {
    com::guard(|| {
        let below = OPEN_1.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let open_below = || unsafe { below(device, handle, iid, out) };
        // SAFETY: the program's duties.
        unsafe { open("ID3D11Device1::OpenSharedResource1", device, &name_of_handle(handle), out, open_below) }
    })
}

unsafe extern "system" fn open_shared_resource_by_name<const I: usize>(
    device: Raw,
    name: PCWSTR,
    access: u32,
    iid: *const GUID,
    out: *mut Raw,
) -> HRESULT {
    com::guard(|| {
        let below = OPEN_BY_NAME.original::<I>();
        // SAFETY: the program's arguments, for this method.
        let open_below = || unsafe { below(device, name, access, iid, out) };
        // SAFETY: not null, and the program's duty.
        let record = if name.is_null() { None } else { unsafe { name.to_string() }.ok() };
        let Some(record) = record else { return open_below() };
        // SAFETY: the program's duties.
        unsafe { open("ID3D11Device1::OpenSharedResourceByName", device, &name_of_name(&record), out, open_below) }
    })
}
