//! This library as the loader knows it: its handle, its directory, and that it stays loaded.

use std::ffi::{OsString, c_void};
use std::os::windows::ffi::OsStringExt;
use std::path::PathBuf;

use windows::Win32::Foundation::HMODULE;
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
    GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW, GetModuleHandleExW,
};
use windows::Win32::System::SystemInformation::GetSystemDirectoryW;
use windows::core::{HSTRING, PCWSTR};

/// The longest path of Windows, in UTF-16 units with the zero at the end.
const LONGEST_PATH: usize = 0x8000;

/// The handle of this library, for comparisons.
pub(crate) fn own() -> windows::core::Result<HMODULE> {
    handle(GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT)
}

/// Keeps this library loaded until the process ends: devices that it has hooked call into it.
pub(crate) fn pin() -> windows::core::Result<()> {
    handle(GET_MODULE_HANDLE_EX_FLAG_PIN).map(drop)
}

/// Keeps the library that a function belongs to loaded until the process ends. Error: it belongs to none.
pub(crate) fn pin_owner(function: usize) -> windows::core::Result<()> {
    let here = PCWSTR(std::ptr::with_exposed_provenance(function));
    let mut found = HMODULE::default();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY: with FROM_ADDRESS the name is an address that is only compared; the output is writable.
    unsafe { GetModuleHandleExW(flags, here, &raw mut found) }
}

/// Whether a library of this path is loaded.
pub(crate) fn is_loaded(path: &HSTRING) -> bool {
    let mut found = HMODULE::default();
    // SAFETY: a path that ends in a zero; the output is writable.
    unsafe { GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, path, &raw mut found) }.is_ok()
}

/// The directory that this library was loaded from.
pub(crate) fn own_directory() -> Option<PathBuf> {
    let own = own().ok()?;
    // SAFETY: the handle is a loaded module's, and the buffer is writable over its length.
    let mut path = path(|buffer| unsafe { GetModuleFileNameW(Some(own), buffer) })?;
    path.pop();
    Some(path)
}

/// The system's directory, as seen by a program of this word size.
pub(crate) fn system_directory() -> Option<PathBuf> {
    // SAFETY: the buffer is writable over its length.
    path(|buffer| unsafe { GetSystemDirectoryW(Some(buffer)) })
}

fn handle(flag: u32) -> windows::core::Result<HMODULE> {
    let here: fn(u32) -> windows::core::Result<HMODULE> = handle;
    let here = PCWSTR((here as *const c_void).cast());
    let mut found = HMODULE::default();
    // SAFETY: with FROM_ADDRESS the name is an address that is only compared; the output is writable.
    unsafe { GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | flag, here, &raw mut found) }?;
    Ok(found)
}

/// A path that `fill` writes to a buffer, answering its length: 0 is a failure, the buffer's length or more a buffer that
/// is too short.
fn path(fill: impl Fn(&mut [u16]) -> u32) -> Option<PathBuf> {
    let mut buffer = vec![0_u16; 260];
    loop {
        let length = usize::try_from(fill(&mut buffer)).ok().filter(|&length| length > 0)?;
        if let Some(path) = buffer.get(..length).filter(|_| length < buffer.len()) {
            return Some(PathBuf::from(OsString::from_wide(path)));
        }
        if buffer.len() >= LONGEST_PATH {
            return None;
        }
        buffer.resize(LONGEST_PATH, 0);
    }
}
