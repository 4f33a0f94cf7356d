//! A host in Rust: resources are looked up by number, never by address, so that any cookie may be passed.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use softcp_abi::{D3D10DDI_HRESOURCE, E_INVALIDARG, HRESULT, S_OK, softcp_mapping, softcp_plane};
use softcp_ddi::softcp_host;

use super::size_u32;

/// The offset that stands for null data.
pub(crate) const NULL_DATA: *mut c_void = without_provenance_mut(usize::MAX);

/// What a host's `map` does before it answers.
type Hook = Box<dyn Fn() + Send + Sync>;

/// A host, the context of its callbacks.
#[derive(Default)]
pub(crate) struct Host {
    resources: Mutex<HashMap<usize, Arc<HostResource>>>,
    reports: Mutex<Vec<Report>>,
    unknown_unmaps: AtomicUsize,
    /// Each map (true) and unmap (false) that succeeded, with its cookie.
    order: Mutex<Vec<(bool, usize)>>,
    during_map: Mutex<Option<Arc<Hook>>>,
}

/// One call of `report_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) function: String,
    pub(crate) hresult: HRESULT,
    pub(crate) text: String,
}

/// A resource of a host: some memory, and what `map` says about it.
pub(crate) struct HostResource {
    number: usize,
    memory: Arc<Mutex<Vec<u8>>>,
    state: Mutex<ResourceState>,
}

#[derive(Clone, Copy)]
struct ResourceState {
    /// The mapping; `data` members are offsets into the memory, or null.
    mapping: softcp_mapping,
    map_result: HRESULT,
    same_as: usize,
    mapped: u32,
    maps: u32,
    unmaps: u32,
    access: u32,
}

// SAFETY: the `data` members of the mapping are numbers.
unsafe impl Send for ResourceState {}

impl Host {
    /// The callbacks of a host, which must outlive their use.
    pub(crate) fn callbacks(host: &Arc<Self>) -> softcp_host {
        softcp_host {
            size: size_u32::<softcp_host>(),
            reserved: 0,
            context: Arc::as_ptr(host).cast_mut().cast(),
            map: Some(map),
            unmap: Some(unmap),
            same_resource: Some(same_resource),
            report_error: Some(report_error),
            unwrap_key: None,
            outputs: None,
            allowed_processes: None,
            teardown: None,
            set_hardware_protection: None,
            report_error2: None,
        }
    }

    /// A buffer: one row.
    pub(crate) fn buffer(&self, bytes: usize) -> Arc<HostResource> {
        self.planes(&[softcp_plane { row_bytes: bytes, rows: 1, ..softcp_plane::default() }])
    }

    /// A surface of rows.
    pub(crate) fn rows(&self, row_bytes: usize, rows: usize, row_pitch: usize) -> Arc<HostResource> {
        self.planes(&[softcp_plane { row_bytes, rows, row_pitch, ..softcp_plane::default() }])
    }

    /// A surface of planes, one behind the other, in memory that ends with the last visible byte.
    pub(crate) fn planes(&self, planes: &[softcp_plane]) -> Arc<HostResource> {
        let (mut placed, mut start, mut end) = (Vec::new(), 0, 0);
        for plane in planes {
            placed.push(softcp_plane { data: without_provenance_mut(start), ..*plane });
            end = start + plane.rows.saturating_sub(1) * plane.row_pitch + plane.row_bytes;
            start += plane.rows * plane.row_pitch.max(plane.row_bytes);
        }
        let mut extra_planes = [softcp_plane::default(); 2];
        extra_planes[..placed.len() - 1].copy_from_slice(&placed[1..]);
        let softcp_plane { data, row_pitch, row_bytes, rows } = placed[0];
        let extra_plane_count = u32::try_from(placed.len() - 1).unwrap();
        let mapping = softcp_mapping {
            data,
            row_pitch,
            row_bytes,
            rows,
            extra_plane_count,
            extra_planes,
            ..softcp_mapping::default()
        };
        self.resource(vec![0; end], mapping)
    }

    /// A resource with any mapping, whose `data` members are offsets into `memory`.
    pub(crate) fn resource(&self, memory: Vec<u8>, mapping: softcp_mapping) -> Arc<HostResource> {
        self.insert(Arc::new(Mutex::new(memory)), mapping)
    }

    /// Another resource in the memory of `resource`, which `same_resource` does not tell of.
    pub(crate) fn window_of(&self, resource: &HostResource, mapping: softcp_mapping) -> Arc<HostResource> {
        self.insert(Arc::clone(&resource.memory), mapping)
    }

    fn insert(&self, memory: Arc<Mutex<Vec<u8>>>, mapping: softcp_mapping) -> Arc<HostResource> {
        let state = ResourceState { mapping, map_result: S_OK, same_as: 0, mapped: 0, maps: 0, unmaps: 0, access: 0 };
        let mut resources = lock(&self.resources);
        let number = 0x10 * (resources.len() + 1);
        let resource = Arc::new(HostResource { number, memory, state: Mutex::new(state) });
        resources.insert(number, Arc::clone(&resource));
        resource
    }

    /// What was reported since the last time.
    pub(crate) fn take_reports(&self) -> Vec<Report> {
        std::mem::take(&mut lock(&self.reports))
    }

    /// Calls `hook` in every `map` that succeeds, before it answers; none calls nothing.
    pub(crate) fn during_map(&self, hook: Option<Hook>) {
        *lock(&self.during_map) = hook.map(Arc::new);
    }

    /// Fails unless each map that succeeded had one unmap, and nothing else was unmapped.
    pub(crate) fn assert_balanced(&self) {
        assert_eq!(self.unknown_unmaps.load(Ordering::Relaxed), 0, "a resource that does not exist was unmapped");
        for resource in lock(&self.resources).values() {
            let state = lock(&resource.state);
            assert_eq!(state.maps, state.unmaps, "maps and unmaps of resource {:#x}", resource.number);
        }
    }

    /// Maps (true) and unmaps (false) since the last time, with their cookies.
    pub(crate) fn take_order(&self) -> Vec<(bool, usize)> {
        std::mem::take(&mut lock(&self.order))
    }

    /// How many maps succeeded.
    pub(crate) fn maps(&self) -> u32 {
        lock(&self.resources).values().map(|resource| lock(&resource.state).maps).sum()
    }

    fn find(&self, cookie: *mut c_void) -> Option<Arc<HostResource>> {
        lock(&self.resources).get(&cookie.addr()).cloned()
    }
}

impl HostResource {
    pub(crate) fn handle(&self) -> D3D10DDI_HRESOURCE {
        D3D10DDI_HRESOURCE { pDrvPrivate: without_provenance_mut(self.number) }
    }

    /// Changes what `map` says.
    pub(crate) fn change_mapping(&self, change: impl FnOnce(&mut softcp_mapping)) {
        change(&mut lock(&self.state).mapping);
    }

    /// What `map` answers; a failure maps nothing.
    pub(crate) fn set_map_result(&self, hresult: HRESULT) {
        lock(&self.state).map_result = hresult;
    }

    /// Makes this another name of `other`.
    pub(crate) fn set_same_as(&self, other: &Self) {
        lock(&self.state).same_as = other.number;
    }

    /// Maps and unmaps that succeeded, and the access that was asked for last.
    pub(crate) fn counts(&self) -> (u32, u32, u32) {
        let state = lock(&self.state);
        (state.maps, state.unmaps, state.access)
    }

    /// All of the memory, padding included.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        lock(&self.memory).clone()
    }

    pub(crate) fn set_bytes(&self, bytes: &[u8]) {
        lock(&self.memory).copy_from_slice(bytes);
    }
}

unsafe extern "C" fn map(
    context: *mut c_void,
    resource: *mut c_void,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    // SAFETY: the context is a host that outlives its devices.
    let host = unsafe { &*context.cast::<Host>() };
    let Some(resource) = host.find(resource) else { return E_INVALIDARG };
    let (mut described, result) = {
        let mut state = lock(&resource.state);
        if state.map_result < 0 {
            return state.map_result;
        }
        state.maps += 1;
        state.mapped += 1;
        state.access = access;
        (state.mapping, state.map_result)
    };
    lock(&host.order).push((true, resource.number));
    let base = lock(&resource.memory).as_mut_ptr();
    let place =
        |offset: *mut c_void| if offset == NULL_DATA { null_mut() } else { base.wrapping_add(offset.addr()).cast() };
    described.data = place(described.data);
    described.extra_planes.iter_mut().for_each(|plane| plane.data = place(plane.data));
    // SAFETY: the library passes a mapping of its own.
    unsafe { mapping.write(described) };
    let hook = lock(&host.during_map).clone();
    if let Some(hook) = hook {
        hook();
    }
    result
}

unsafe extern "C" fn unmap(context: *mut c_void, resource: *mut c_void) {
    // SAFETY: as in `map`.
    let host = unsafe { &*context.cast::<Host>() };
    let found = host.find(resource);
    let mapped = found.as_ref().map(|resource| lock(&resource.state)).filter(|state| state.mapped > 0);
    if let Some(mut state) = mapped {
        state.mapped -= 1;
        state.unmaps += 1;
        lock(&host.order).push((false, resource.addr()));
    } else {
        host.unknown_unmaps.fetch_add(1, Ordering::Relaxed);
    }
}

unsafe extern "C" fn same_resource(context: *mut c_void, a: *mut c_void, b: *mut c_void) -> i32 {
    // SAFETY: as in `map`.
    let host = unsafe { &*context.cast::<Host>() };
    let names = |one: *mut c_void, other: *mut c_void| {
        host.find(one).is_some_and(|resource| lock(&resource.state).same_as == other.addr())
    };
    i32::from(names(a, b) || names(b, a))
}

unsafe extern "C" fn report_error(
    context: *mut c_void,
    function: *const c_char,
    hresult: HRESULT,
    text: *const c_char,
) {
    // SAFETY: as in `map`.
    let host = unsafe { &*context.cast::<Host>() };
    // SAFETY: the library passes strings.
    let [function, text] = [function, text].map(|text| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned());
    lock(&host.reports).push(Report { function, hresult, text });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host whose resources are mappings that exist already: a cookie is the address of one, which lives as long as it may
/// be mapped.
pub(crate) fn passing_host() -> softcp_host {
    softcp_host { size: size_u32::<softcp_host>(), map: Some(pass_on), unmap: Some(keep), ..softcp_host::default() }
}

unsafe extern "C" fn pass_on(_: *mut c_void, resource: *mut c_void, _: u32, to: *mut softcp_mapping) -> HRESULT {
    // SAFETY: the duty of those who make cookies for this host.
    let mapping = unsafe { resource.cast::<softcp_mapping>().read() };
    // SAFETY: the library passes a mapping of its own.
    unsafe { to.write(mapping) };
    S_OK
}

unsafe extern "C" fn keep(_: *mut c_void, _: *mut c_void) {}
