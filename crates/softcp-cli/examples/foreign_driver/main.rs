//! A driver that knows no options and has an identity of its own, as other makers' drivers do: the reference driver of
//! another library, opened without the caller's options.
//!
//! The variable [`DEFECT`] breaks it:
//!
//! | defect | what it does |
//! |---|---|
//! | `read-back` | `EncryptionBlt` does nothing |
//! | `caps` | `GetContentProtectionCaps` fails for the decode profiles of VP9 |
//! | `no-channels` | the table has no entries for authenticated channels |
//! | `no-decoders` | nor, instead of those, for decoders |
//! | `omac` | the OMAC of answers to QUERY_OUTPUT_ID is wrong |
//! | `omac-command` | that of answers to CONFIGURE_PROTECTION |
//! | `refusal` | QUERY_OUTPUT_ID is refused, signed |
//! | `unsigned-refusal` | QUERY_ACCESSIBILITY_ATTRIBUTES is refused, and nothing is written |
//! | `crash` | it ends the process when it is opened |
//! | `unbound` | a session that was bound to a decoder is destroyed before QUERY_CRYPTO_SESSION |

mod channel;

use std::ffi::c_void;
use std::sync::OnceLock;

use libloading::Library;
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    D3D11_DECODER_PROFILE_VP9_VLD_10BIT_PROFILE2, D3D11_DECODER_PROFILE_VP9_VLD_PROFILE0,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEODEVICEFUNCS, E_FAIL, E_INVALIDARG, GUID, HRESULT, S_OK,
    SOFTCP_OPEN_REFERENCE_DRIVER, softcp_driver, softcp_driver_desc, softcp_open_driver_fn,
};

/// The variable that names the library with the reference driver.
const INNER: &str = "SOFTCP_TEST_INNER_DRIVER";

/// The variable that names a defect.
const DEFECT: &str = "SOFTCP_TEST_DEFECT";

type RetrieveSubObject = unsafe extern "C" fn(*mut c_void, D3D10DDI_HDEVICE, u32, usize, *mut c_void) -> HRESULT;

/// The entry of the inner driver.
static RETRIEVE_SUB_OBJECT: OnceLock<RetrieveSubObject> = OnceLock::new();

/// The table of the inner driver.
static TABLE: OnceLock<D3DWDDM2_4DDI_VIDEODEVICEFUNCS> = OnceLock::new();

/// Opens the driver.
///
/// # Safety
///
/// As for every entry of this type: both pointers are valid, and both structures are whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_open_driver(desc: *const softcp_driver_desc, driver: *mut softcp_driver) -> HRESULT {
    if std::env::var_os(DEFECT).is_some_and(|defect| defect == "crash") {
        std::process::abort();
    }
    let Some(path) = std::env::var_os(INNER) else { return E_FAIL };
    // SAFETY: the test names a library that may be loaded.
    let Ok(library) = (unsafe { Library::new(path) }) else { return E_FAIL };
    // SAFETY: a library that exports the name exports this type.
    let entry = unsafe { library.get::<softcp_open_driver_fn>(SOFTCP_OPEN_REFERENCE_DRIVER) }.map(|symbol| *symbol);
    let Ok(entry) = entry else { return E_FAIL };
    // The driver's code stays loaded until the process ends.
    std::mem::forget(library);
    // SAFETY: the caller's duty.
    let mut without_options = unsafe { *desc };
    without_options.options = std::ptr::null();
    // SAFETY: the caller's duty, for all that was copied.
    let hresult = unsafe { entry(&raw const without_options, driver) };
    if hresult == S_OK && std::env::var_os(DEFECT).is_some() {
        // SAFETY: the caller's duty.
        let driver = unsafe { &mut *driver };
        if let Some(inner) = driver.retrieve_sub_object.replace(retrieve_sub_object) {
            RETRIEVE_SUB_OBJECT.get_or_init(|| inner);
        }
    }
    hresult
}

/// Gives the newest table only, with the defect.
unsafe extern "C" fn retrieve_sub_object(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    let (D3DWDDM2_4DDI_VIDEO_FUNCTIONS, Some(inner)) = (sub_device_id, RETRIEVE_SUB_OBJECT.get()) else {
        return E_INVALIDARG;
    };
    // SAFETY: the caller's duty, passed on.
    let hresult = unsafe { inner(context, device, sub_device_id, table_size, table) };
    if hresult == S_OK {
        // SAFETY: the caller's duty: a table of this sub-device, which the inner driver has checked the size of.
        let table = unsafe { &mut *table.cast::<D3DWDDM2_4DDI_VIDEODEVICEFUNCS>() };
        TABLE.get_or_init(|| *table);
        match std::env::var(DEFECT).as_deref() {
            Ok("read-back") => table.pfnEncryptionBlt = Some(encryption_blt),
            Ok("caps") => table.pfnGetContentProtectionCaps = Some(get_content_protection_caps),
            Ok(defect) => channel::break_table(table, defect),
            Err(_) => {}
        }
    }
    hresult
}

/// Reports success and writes nothing.
unsafe extern "system" fn encryption_blt(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HCRYPTOSESSION,
    _: D3D10DDI_HRESOURCE,
    _: D3D10DDI_HRESOURCE,
    _: u32,
    _: *mut c_void,
) {
}

/// Fails for VP9.
unsafe extern "system" fn get_content_protection_caps(
    device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    caps: *mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
) -> HRESULT {
    const VP9: [GUID; 2] = [D3D11_DECODER_PROFILE_VP9_VLD_PROFILE0, D3D11_DECODER_PROFILE_VP9_VLD_10BIT_PROFILE2];
    // SAFETY: the caller's duty: null or valid.
    let profile = unsafe { decode_profile.as_ref() };
    match TABLE.get().and_then(|table| table.pfnGetContentProtectionCaps) {
        Some(inner) if !profile.is_some_and(|profile| VP9.contains(profile)) => {
            // SAFETY: the caller's duty, passed on.
            unsafe { inner(device, crypto_type, decode_profile, caps) }
        }
        _ => E_FAIL,
    }
}
