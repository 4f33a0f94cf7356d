//! The end of the process by a signal.

use std::io;

/// From now on, Ctrl-C, SIGTERM, SIGHUP and SIGQUIT remove what has a temporary name before they end the process as they
/// always do: its parent sees that signal, a shell the status 128 and its number. A signal that is ignored when this is
/// called, such as SIGHUP under `nohup`, stays ignored. A limit on the size of files (`ulimit -f`) becomes an error of
/// writing, where the system would end the process.
///
/// For commands, once and early: a library has no business with its host's signals.
///
/// # Errors
///
/// Those of setting it up; everything is as it was then.
pub fn remove_temporaries_on_signals() -> io::Result<()> {
    set_up()
}

#[cfg(unix)]
fn set_up() -> io::Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let ignored = ignored();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().filter(|signal| !ignored(*signal)))?;
    if !ignored(SIGXFSZ) {
        // A handler that does nothing: the call that met the limit fails with EFBIG.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    }
    std::thread::Builder::new().name("softcp-signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // The lock is kept: whoever is putting a file in its place is done, and nobody begins.
            let mut names = crate::temporary::lock();
            names.remove_all();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            // Not reached for signals that end a process.
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Which signals the process ignores, as far as the system tells without unsafe code.
#[cfg(unix)]
fn ignored() -> impl Fn(i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = ignored_mask(&status).unwrap_or(0);
    move |signal| mask >> (signal - 1) & 1 != 0
}

/// The mask of ignored signals in `/proc/PID/status`: bit 0 is signal 1.
#[cfg(unix)]
fn ignored_mask(status: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

#[cfg(windows)]
fn set_up() -> io::Result<()> {
    /// What a process that Ctrl-C ends has as its exit code (`STATUS_CONTROL_C_EXIT`).
    const CONTROL_C_EXIT: i32 = 0xC000_013A_u32.cast_signed();
    ctrlc::set_handler(|| {
        let mut names = crate::temporary::lock();
        names.remove_all();
        std::process::exit(CONTROL_C_EXIT);
    })
    .map_err(io::Error::other)
}

#[cfg(not(any(unix, windows)))]
fn set_up() -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn mask_of_ignored_signals_is_read() {
        assert_eq!(ignored_mask("Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"), Some(0x1001));
        assert_eq!(ignored_mask("Name:\tx\n"), None);
    }
}
