//! The library that calls are forwarded to. It is loaded by the first call, never from `DllMain`, where the loader's lock is
//! held and a library must not load others.

use std::ffi::CStr;
use std::path::PathBuf;
use std::sync::OnceLock;

use thiserror::Error;
use windows::Win32::Foundation::HMODULE;
use windows::Win32::System::LibraryLoader::{GetProcAddress, LOAD_WITH_ALTERED_SEARCH_PATH, LoadLibraryExW};
use windows::core::{HSTRING, PCSTR};

use super::{module, settings};

/// A function of the real library, whatever its arguments.
pub(crate) type Function = unsafe extern "system" fn() -> isize;

/// Why there is nothing to forward to.
#[derive(Debug, Error)]
enum RealError {
    #[error("the system directory cannot be found; name the library with d3d11.real")]
    NoSystemDirectory,
    #[error(
        "{} cannot be loaded: {source}; under Wine, WINEDLLOVERRIDES=d3d11=n,b lets a program have this library and the \
         system's",
        path.display()
    )]
    LoadSystems { path: PathBuf, source: windows::core::Error },
    #[error(
        "{}, which d3d11.real names, is not there; correct the path, which begins at this library's directory, or leave \
         d3d11.real out for the system's library",
        path.display()
    )]
    NoNamed { path: PathBuf },
    #[error(
        "{}, which d3d11.real names, cannot be loaded: {source}; the file must be of this program's word size ({} bits), and \
         all libraries that it needs must be found (under Wine, a file with the name of one of Wine's libraries needs an \
         override n for that name)",
        path.display(),
        usize::BITS
    )]
    LoadNamed { path: PathBuf, source: windows::core::Error },
    #[error("{} is this library itself, which cannot forward to itself; name another one with d3d11.real", path.display())]
    Itself { path: PathBuf },
    #[error("this library's own handle cannot be found: {0}")]
    NoHandle(windows::core::Error),
}

/// A library that stays loaded.
struct Library(HMODULE);

// SAFETY: a handle of a module is a number that every thread may use.
unsafe impl Send for Library {}
// SAFETY: as above; it never changes.
unsafe impl Sync for Library {}

/// The function of this name in the real library, if there are such a library and such a function.
pub(crate) fn get(name: &CStr) -> Option<Function> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| load().inspect_err(|error| tracing::error!("{error}")).ok()).as_ref()?;
    // SAFETY: the module is never unloaded, and the name ends in a zero byte.
    unsafe { GetProcAddress(library.0, PCSTR(name.as_ptr().cast())) }
}

fn load() -> Result<Library, RealError> {
    let named = settings::get().real.clone();
    let is_named = named.is_some();
    let path = match named {
        Some(path) => path,
        None => module::system_directory().ok_or(RealError::NoSystemDirectory)?.join("d3d11.dll"),
    };
    // What the real library hands out is hooked by functions of this one.
    module::pin().map_err(RealError::NoHandle)?;
    let name = HSTRING::from(path.as_path());
    if module::is_loaded(&name) {
        tracing::warn!(
            id = "loaded-second",
            "{} was loaded before this library forwards to it: what has loaded it calls it without content protection",
            path.display()
        );
    }
    // SAFETY: running the initialisers of Direct3D's library is what forwarding to it means; no lock of the loader is held.
    let real = match unsafe { LoadLibraryExW(&name, None, LOAD_WITH_ALTERED_SEARCH_PATH) } {
        Ok(real) => real,
        Err(_) if is_named && !path.exists() => return Err(RealError::NoNamed { path }),
        Err(source) if is_named => return Err(RealError::LoadNamed { path, source }),
        Err(source) => return Err(RealError::LoadSystems { path, source }),
    };
    // The reference that a load of itself has added is harmless: this library is pinned.
    if real == module::own().map_err(RealError::NoHandle)? {
        return Err(RealError::Itself { path });
    }
    tracing::info!("calls are forwarded to {}", path.display());
    Ok(Library(real))
}
