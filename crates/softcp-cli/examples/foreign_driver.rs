//! A driver that knows no options and has an identity of its own, as other makers' drivers do: the reference driver of
//! another library, opened without the caller's options.

use libloading::Library;
use softcp_abi::{
    E_FAIL, HRESULT, SOFTCP_OPEN_REFERENCE_DRIVER, softcp_driver, softcp_driver_desc, softcp_open_driver_fn,
};

/// The variable that names the library with the reference driver.
const INNER: &str = "SOFTCP_TEST_INNER_DRIVER";

/// Opens the driver.
///
/// # Safety
///
/// As for every entry of this type: both pointers are valid, and `desc` is whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_open_reference_driver(
    desc: *const softcp_driver_desc,
    driver: *mut softcp_driver,
) -> HRESULT {
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
    unsafe { entry(&raw const without_options, driver) }
}
