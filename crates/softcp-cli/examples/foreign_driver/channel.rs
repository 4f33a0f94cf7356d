//! Defects of authenticated channels.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::{process, ptr};

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HCRYPTOSESSION,
    D3D11_AUTHENTICATED_CONFIGURE_INPUT, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION,
    D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT,
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS, E_FAIL, E_NOTIMPL, GUID, HANDLE, HRESULT, UINT,
};

use crate::TABLE;

/// The private memory of the session whose handle was asked for last.
static SESSION: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Gives the table the defect of this name.
pub(crate) fn break_table(table: &mut D3DWDDM2_4DDI_VIDEODEVICEFUNCS, defect: &str) {
    match defect {
        "no-channels" => {
            table.pfnCalcPrivateAuthenticatedChannelSize = None;
            table.pfnCreateAuthenticatedChannel = None;
            table.pfnDestroyAuthenticatedChannel = None;
            table.pfnNegotiateAuthenticatedChannelKeyExchange = None;
            table.pfnQueryAuthenticatedChannel = None;
            table.pfnConfigureAuthenticatedChannel = None;
        }
        "no-decoders" => {
            table.pfnCalcPrivateVideoDecoderSize = None;
            table.pfnCreateVideoDecoder = None;
            table.pfnDestroyVideoDecoder = None;
            table.pfnVideoDecoderGetHandle = None;
        }
        "omac" => table.pfnQueryAuthenticatedChannel = Some(query_with_wrong_omac),
        "omac-command" => table.pfnConfigureAuthenticatedChannel = Some(configure_with_wrong_omac),
        "refusal" => table.pfnQueryAuthenticatedChannel = Some(query_that_is_refused),
        "unsigned-refusal" => table.pfnQueryAuthenticatedChannel = Some(query_that_is_not_answered),
        "unbound" => {
            table.pfnCryptoSessionGetHandle = Some(remember_session);
            table.pfnQueryAuthenticatedChannel = Some(query_after_the_session);
        }
        // A test that misspells a defect must not pass.
        _ => process::abort(),
    }
}

/// The entry of the inner driver.
///
/// # Safety
///
/// As for `QueryAuthenticatedChannel`.
unsafe fn query(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input: (UINT, *const c_void),
    output: (UINT, *mut c_void),
) -> HRESULT {
    match TABLE.get().and_then(|table| table.pfnQueryAuthenticatedChannel) {
        // SAFETY: the caller's duty, passed on.
        Some(inner) => unsafe { inner(device, channel, input.0, input.1, output.0, output.1) },
        None => E_FAIL,
    }
}

/// What is asked.
///
/// # Safety
///
/// `input` points to a query.
unsafe fn kind(input: *const c_void) -> GUID {
    // SAFETY: the caller's duty: every query begins with this structure.
    unsafe { (*input.cast::<D3D11_AUTHENTICATED_QUERY_INPUT>()).QueryType }
}

/// Changes one bit of an OMAC: an answer begins with it.
///
/// # Safety
///
/// `output` points to an answer.
unsafe fn damage(output: *mut c_void) {
    // SAFETY: the caller's duty.
    unsafe { *output.cast::<u8>() ^= 1 };
}

unsafe extern "system" fn query_with_wrong_omac(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output_size: UINT,
    output: *mut c_void,
) -> HRESULT {
    // SAFETY: the caller's duty, passed on.
    let hresult = unsafe { query(device, channel, (input_size, input), (output_size, output)) };
    // SAFETY: the tests send whole queries.
    if unsafe { kind(input) } == D3D11_AUTHENTICATED_QUERY_OUTPUT_ID {
        // SAFETY: and make room for whole answers.
        unsafe { damage(output) };
    }
    hresult
}

unsafe extern "system" fn configure_with_wrong_omac(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
) -> HRESULT {
    let Some(inner) = TABLE.get().and_then(|table| table.pfnConfigureAuthenticatedChannel) else { return E_FAIL };
    // SAFETY: the caller's duty, passed on.
    let hresult = unsafe { inner(device, channel, input_size, input, output) };
    // SAFETY: the tests send whole commands.
    let kind = unsafe { (*input.cast::<D3D11_AUTHENTICATED_CONFIGURE_INPUT>()).ConfigureType };
    if kind == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION {
        // SAFETY: and make room for the answer.
        unsafe { damage(output.cast()) };
    }
    hresult
}

/// Asks for an output that is not there in place of the one that is asked for: the inner driver signs its refusal.
unsafe extern "system" fn query_that_is_refused(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output_size: UINT,
    output: *mut c_void,
) -> HRESULT {
    // SAFETY: the tests send whole queries.
    if unsafe { kind(input) } != D3D11_AUTHENTICATED_QUERY_OUTPUT_ID {
        // SAFETY: the caller's duty, passed on.
        return unsafe { query(device, channel, (input_size, input), (output_size, output)) };
    }
    // SAFETY: the kind says that it is this structure.
    let mut other = unsafe { *input.cast::<D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT>() };
    other.OutputIDIndex = UINT::MAX;
    // SAFETY: the caller's duty for all but the query, which is as large.
    unsafe { query(device, channel, (input_size, (&raw const other).cast()), (output_size, output)) }
}

unsafe extern "system" fn query_that_is_not_answered(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output_size: UINT,
    output: *mut c_void,
) -> HRESULT {
    // SAFETY: the tests send whole queries.
    if unsafe { kind(input) } == D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES {
        return E_NOTIMPL;
    }
    // SAFETY: the caller's duty, passed on.
    unsafe { query(device, channel, (input_size, input), (output_size, output)) }
}

unsafe extern "system" fn remember_session(
    device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    handle: *mut HANDLE,
) -> HRESULT {
    SESSION.store(session.pDrvPrivate.cast(), Ordering::Relaxed);
    match TABLE.get().and_then(|table| table.pfnCryptoSessionGetHandle) {
        // SAFETY: the caller's duty, passed on.
        Some(inner) => unsafe { inner(device, session, handle) },
        None => E_FAIL,
    }
}

unsafe extern "system" fn query_after_the_session(
    device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: UINT,
    input: *const c_void,
    output_size: UINT,
    output: *mut c_void,
) -> HRESULT {
    // SAFETY: the tests send whole queries.
    let is_about_sessions = unsafe { kind(input) } == D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION;
    let destroy = TABLE.get().and_then(|table| table.pfnDestroyCryptoSession);
    if let (true, Some(destroy)) = (is_about_sessions, destroy) {
        let session = D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: SESSION.load(Ordering::Relaxed).cast() };
        // SAFETY: the runtime keeps the memory until it destroys the session, which may be done twice.
        unsafe { destroy(device, session) };
    }
    // SAFETY: the caller's duty, passed on.
    unsafe { query(device, channel, (input_size, input), (output_size, output)) }
}
