//! Keeps this code mapped after `dlclose`.
//!
//! The crypto library keeps some memory for each thread that calls it and frees it when the thread ends, through a
//! function of its own. Were the code unmapped by then, the end of that thread would be a crash. Linking with
//! `-z nodelete` would help `libsoftcp.so` alone; this helps every shared library that the code is linked into.

/// Pins the shared library that holds this function, at the first call. Does nothing in a program.
#[cfg(target_os = "linux")]
pub(crate) fn stay_mapped() {
    use std::mem::MaybeUninit;
    use std::sync::Once;

    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let here: fn() = stay_mapped;
        let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: the address is only compared, and the output is writable.
        if unsafe { libc::dladdr(here as *const libc::c_void, found.as_mut_ptr()) } == 0 {
            return;
        }
        // SAFETY: written by the call above; any bytes are valid, zeros too.
        let name = unsafe { found.assume_init() }.dli_fname;
        // The handle is never closed. A program's own name finds nothing, and nothing is loaded anew.
        // SAFETY: null or the dynamic linker's own string, which lives as long as this code is mapped.
        unsafe { libc::dlopen(name, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE) };
    });
}

/// Other systems do not call into a library that they have unloaded.
#[cfg(not(target_os = "linux"))]
pub(crate) fn stay_mapped() {}
