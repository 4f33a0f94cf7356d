//! The host: the driver or layer that links this library, and the callbacks through which it lends its resources.

use std::ffi::{CString, c_char, c_void};

use softcp::{ContentKey, Error, KEY_SIZE};
use softcp_abi::{HRESULT, S_OK, softcp_mapping};

use crate::core::protection::softcp_process;
use crate::ddi::void_entry::VoidEntry;
use crate::hresult::{Failure, Result};

/// Callbacks of the host. All but `map` and `unmap` may be null. No lock is held while one of them runs, so it may
/// call this library again. They are called on the thread of the call that needs them.
#[repr(C)]
#[derive(Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_host {
    /// Size of this structure in bytes as the host knows it.
    pub size: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// First argument of every callback.
    pub context: *mut c_void,
    /// Makes the memory of `resource` accessible and describes it. `resource` is what the caller of a blit passed,
    /// never null. `access` is a SOFTCP_ACCESS_ value; mapping for writing keeps what the memory holds. The mapping is
    /// zero when the callback begins. A failure is passed on; it is not unmapped.
    ///
    /// A blit maps its source and its destination, or once where they are the same resource. It is refused when they
    /// overlap otherwise, or when planes of the destination do, the padding between rows included. Calls on other
    /// threads may map the same resource at the same time; a host that cannot have that fails, or waits.
    ///
    /// Order, for a host whose `map` takes a lock that `unmap` releases (D43): the resource with the smaller cookie, as an
    /// address, is mapped first, whichever of the two is the source, and unmapped last. No lock of the library is held
    /// meanwhile, and a thread maps no more than these two. So a lock for each resource, recursive or not, cannot deadlock
    /// when one thread blits from A to B and another from B to A, as long as each resource has one cookie. Where two
    /// cookies can name one resource (`same_resource`), their order is not the resources': such a host takes one lock for
    /// all resources (recursive, since a blit maps two), or only tries a lock and fails, as with E_FAIL. So must a host
    /// whose locks are also held elsewhere in another order.
    pub map: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            resource: *mut c_void,
            access: u32,
            mapping: *mut softcp_mapping,
        ) -> HRESULT,
    >,
    /// Ends a mapping: once for each `map` that succeeded, on the same thread, before the call that needed it returns.
    pub unmap: Option<unsafe extern "C" fn(context: *mut c_void, resource: *mut c_void)>,
    /// Whether two different cookies name the same resource (non-zero) or not (zero). Null: they never do.
    pub same_resource: Option<unsafe extern "C" fn(context: *mut c_void, a: *mut c_void, b: *mut c_void) -> i32>,
    /// Receives the failure of a DDI entry that returns nothing, once for each failed call (D20). Most codes must not be
    /// passed on to `pfnSetErrorCb`: `report_error2` says which may. Not called where that is set.
    pub report_error: Option<
        unsafe extern "C" fn(context: *mut c_void, function: *const c_char, hresult: HRESULT, text: *const c_char),
    >,
    /// Opens a sealed key blob and writes the 16-byte content key to `key` (D28). Asked for content keys that are not
    /// 16 bytes, so `blob_size` is any other number, 0 included, and for those of decoders with sealed keys, of any size; a
    /// failure is passed on. Null: the secure environment opens them; where hardware DRM communication is not offered, they
    /// are E_INVALIDARG.
    pub unwrap_key: Option<
        unsafe extern "C" fn(context: *mut c_void, blob: *const c_void, blob_size: u32, key: *mut u8) -> HRESULT,
    >,
    /// Writes the identifiers of the outputs that show the device's images to `identifiers`, up to `capacity` of them, and
    /// returns how many there are. Asked at each query about outputs, with a capacity of 64, and where there are more once
    /// again with one of 1024. More than that are too many: the query is then answered with E_FAIL, signed as every answer
    /// is (D17, D35). Null: the outputs are those configured (outputs.identifiers).
    pub outputs: Option<unsafe extern "C" fn(context: *mut c_void, identifiers: *mut u64, capacity: u32) -> u32>,
    /// Writes the processes that may open restricted shared resources from the start to `processes`, as `outputs` does, with
    /// the same capacities. Asked when the device is made, which fails with E_INVALIDARG where there are too many; no channel
    /// can revoke these. Null: none.
    pub allowed_processes:
        Option<unsafe extern "C" fn(context: *mut c_void, processes: *mut softcp_process, capacity: u32) -> u32>,
    /// Hears of a teardown that took something: of one session, or of the whole adapter when `session` is zero.
    /// `status` is SOFTCP_SESSION_STATUS_KEY_LOST or SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST; with the latter the host
    /// must fill the device's protected resources with zeros (D23). It is where a host signals the teardown event of its
    /// runtime. Called before the call that caused it returns.
    pub teardown: Option<unsafe extern "C" fn(context: *mut c_void, session: usize, status: u32)>,
    /// Makes a resource protected (1) or unprotected (0), for SetHardwareProtection; a failure is passed on. Null: that
    /// entry reports E_NOTIMPL.
    pub set_hardware_protection:
        Option<unsafe extern "C" fn(context: *mut c_void, resource: *mut c_void, is_protected: u32) -> HRESULT>,
    /// As `report_error`, and called in its place where it is set: the report also says whether its code may be passed on
    /// to the runtime. Must not unwind. `report` and its strings are valid during the call only.
    pub report_error2: Option<unsafe extern "C" fn(context: *mut c_void, report: *const softcp_error_report)>,
}

/// Flag of `softcp_error_report`: the runtime allows `hresult` for this entry, so that a host passes it on to the runtime's
/// `pfnSetErrorCb`. Without the flag it must not: log it, and go on.
pub const SOFTCP_REPORT_FORWARD: u32 = 1;

/// The failure of a DDI entry that returns nothing (D20), and whether the runtime may hear of it (D42).
///
/// A code that the runtime does not allow for the function makes it lose the device on purpose, as if the device had been
/// removed ("Handling Errors" in the Windows driver documentation). The reference allows no code for these entries but
/// D3DDDIERR_DEVICEREMOVED, and for a check-type function not even that; all others are the mistake of an application, or a
/// state that it can leave. What each entry reports, with "(forward)" behind a code that has SOFTCP_REPORT_FORWARD:
///
/// - DestroyCryptoSession: E_INVALIDARG, E_FAIL
/// - GetCertificateSize: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
/// - GetCertificate: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
/// - EncryptionBlt: E_INVALIDARG, INVALIDCALL, CANNOTPROTECTCONTENT, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL, and any
///   code of a callback
/// - DecryptionBlt: E_INVALIDARG, INVALIDCALL, CANNOTPROTECTCONTENT, E_NOTIMPL, E_OUTOFMEMORY, DEVICEREMOVED (forward),
///   E_FAIL, and any code of a callback
/// - StartSessionKeyRefresh: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
/// - FinishSessionKeyRefresh: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
/// - GetEncryptionBltKey: E_INVALIDARG, INVALIDCALL, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL
/// - DestroyAuthenticatedChannel: E_INVALIDARG, E_FAIL
/// - CheckCryptoSessionStatus: E_INVALIDARG, DEVICEREMOVED, E_FAIL
/// - GetCryptoSessionPrivateDataSize: E_INVALIDARG, UNSUPPORTEDCRYPTO, DEVICEREMOVED (forward), E_FAIL
/// - SetHardwareProtection: E_INVALIDARG, E_NOTIMPL, DEVICEREMOVED (forward), E_FAIL, and any code of a callback
///
/// A code of a callback is what `map`, `unwrap_key`, `set_hardware_protection` or the secure environment failed with; a
/// DEVICEREMOVED of theirs has the flag too. docs/errors.md says what the codes mean, and what a host can do.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_error_report {
    /// Size of this structure in bytes as the library knows it.
    pub size: u32,
    /// SOFTCP_REPORT_ flags.
    pub flags: u32,
    /// What the entry failed with.
    pub hresult: HRESULT,
    /// Reserved, zero.
    pub reserved: u32,
    /// Name of the entry without pfn, as "DecryptionBlt", UTF-8. Never null.
    pub function: *const c_char,
    /// What is wrong, UTF-8. Never null.
    pub text: *const c_char,
}

/// How many outputs, or processes, a host is asked for: first for a few, then for the most that are believed (D35). No
/// third time, so that a list that grows from call to call comes to an end.
const CAPACITIES: [u32; 2] = [64, 1024];

/// A host whose required callbacks are there.
pub(crate) struct Host(softcp_host);

// SAFETY: the host's context and callbacks may be used from any thread; `softcp_device_create` states that duty.
unsafe impl Send for Host {}
// SAFETY: as for Send.
unsafe impl Sync for Host {}

impl Host {
    /// Takes the callbacks; `map` and `unmap` must be there.
    pub(crate) fn new(host: softcp_host) -> Result<Self> {
        host.map.ok_or(Failure::Null("softcp_host.map"))?;
        host.unmap.ok_or(Failure::Null("softcp_host.unmap"))?;
        Ok(Self(host))
    }

    /// Maps a resource; `mapping` is zero. Each success needs one [`Self::unmap`].
    pub(crate) fn map(&self, resource: *mut c_void, access: u32, mapping: &mut softcp_mapping) -> Result<()> {
        let map = self.0.map.expect("checked when the host was taken");
        // SAFETY: the host's own function with its own context; the cookie came from the host's caller.
        let hresult = unsafe { map(self.0.context, resource, access, mapping) };
        check("map", hresult)
    }

    pub(crate) fn unmap(&self, resource: *mut c_void) {
        let unmap = self.0.unmap.expect("checked when the host was taken");
        // SAFETY: the host's own function with its own context, for a resource it has mapped.
        unsafe { unmap(self.0.context, resource) };
    }

    pub(crate) fn same_resource(&self, a: *mut c_void, b: *mut c_void) -> bool {
        a == b
            || self.0.same_resource.is_some_and(|same| {
                // SAFETY: the host's own function with its own context.
                unsafe { same(self.0.context, a, b) != 0 }
            })
    }

    /// Reports the failure of an entry that returns nothing, and whether its code may be passed on (D42).
    pub(crate) fn report(&self, entry: &VoidEntry, failure: &Failure) {
        debug_assert!(entry.is_listed(failure), "{} is not listed for {}", failure, entry.name);
        let Some(report) = self.0.report_error2 else {
            // SAFETY: the host's own function with its own context.
            return unsafe { report_error(self.0.context, self.0.report_error, entry.name, failure) };
        };
        let (function, text) = (c_text(entry.name), c_text(&failure.to_string()));
        let hresult = failure.hresult();
        let described = softcp_error_report {
            size: u32::try_from(size_of::<softcp_error_report>()).expect("a small structure"),
            flags: if entry.may_forward(hresult) { SOFTCP_REPORT_FORWARD } else { 0 },
            hresult,
            reserved: 0,
            function: function.as_ptr(),
            text: text.as_ptr(),
        };
        // SAFETY: the host's own function with its own context; the report and its strings live past the call.
        unsafe { report(self.0.context, &raw const described) };
    }

    /// The outputs, if the host names them.
    pub(crate) fn outputs(&self) -> Result<Option<Vec<u64>>> {
        let Some(outputs) = self.0.outputs else { return Ok(None) };
        // SAFETY: the host's own function with its own context; the list has room for as many as it is told.
        list(|items, capacity| unsafe { outputs(self.0.context, items, capacity) }).map(Some)
    }

    /// The processes that are allowed from the start.
    pub(crate) fn allowed_processes(&self) -> Result<Vec<softcp_process>> {
        let Some(processes) = self.0.allowed_processes else { return Ok(Vec::new()) };
        // SAFETY: as for `outputs`.
        list(|items, capacity| unsafe { processes(self.0.context, items, capacity) })
    }

    /// Tells of a teardown, of all sessions where `session` is zero.
    pub(crate) fn teardown(&self, session: usize, status: u32) {
        if let Some(teardown) = self.0.teardown {
            // SAFETY: the host's own function with its own context.
            unsafe { teardown(self.0.context, session, status) };
        }
    }

    /// Makes a resource protected or unprotected.
    pub(crate) fn set_hardware_protection(&self, resource: *mut c_void, is_protected: bool) -> Result<()> {
        let set = self.0.set_hardware_protection.ok_or(Failure::NoCallback("set_hardware_protection"))?;
        // SAFETY: the host's own function with its own context; the cookie came from the host's caller.
        let hresult = unsafe { set(self.0.context, resource, is_protected.into()) };
        check("set_hardware_protection", hresult)
    }

    /// Opens a sealed key blob (D28), if the host has a function for that.
    pub(crate) fn unwrap_key(&self, blob: &[u8]) -> Option<Result<ContentKey>> {
        let unwrap_key = self.0.unwrap_key?;
        let Ok(size) = u32::try_from(blob.len()) else {
            return Some(Err(Error::UnsupportedContentKey(blob.len()).into()));
        };
        let mut key = [0; KEY_SIZE];
        // SAFETY: the host's own function with its own context; blob and key live past the call and have these sizes.
        let hresult = unsafe { unwrap_key(self.0.context, blob.as_ptr().cast(), size, key.as_mut_ptr()) };
        Some(check("unwrap_key", hresult).map(|()| ContentKey::new(key)))
    }
}

/// Tells an error callback, if there is one, of a failure.
///
/// # Safety
/// `report` may be called with `context`.
pub(crate) unsafe fn report_error(
    context: *mut c_void,
    report: softcp_abi::softcp_report_error,
    function: &str,
    failure: &Failure,
) {
    let Some(report) = report else { return };
    let (function, message) = (c_text(function), c_text(&failure.to_string()));
    // SAFETY: the caller's duty; both strings live past the call.
    unsafe { report(context, function.as_ptr(), failure.hresult(), message.as_ptr()) };
}

/// A text for a host. No text of this library holds a zero byte; one that did would be empty.
fn c_text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// What a host writes to a list, for which room is made as it asks. The list may grow between two calls.
fn list<T: Copy + Default>(write: impl Fn(*mut T, u32) -> u32) -> Result<Vec<T>> {
    for capacity in CAPACITIES {
        let mut items = vec![T::default(); capacity as usize];
        let count = write(items.as_mut_ptr(), capacity);
        if count <= capacity {
            items.truncate(count as usize);
            return Ok(items);
        }
    }
    Err(Failure::Invalid("the host names more than 1024 of a kind"))
}

/// A negative HRESULT is a failure. S_FALSE and its like are taken as success: hosts differ in what they return.
fn check(callback: &'static str, hresult: HRESULT) -> Result<()> {
    if hresult >= S_OK { Ok(()) } else { Err(Failure::Host { callback, hresult }) }
}
