//! Which process this is, without asking the system: a number that changes with a fork.
//!
//! The number is set back in a child by the kernel, which wipes the page that it lies in (`MADV_WIPEONFORK`, Linux 4.14),
//! also after a `clone` that the C library does not know of; where the kernel cannot, by a handler of `pthread_atfork`. The
//! child then takes the next number.

#[cfg(target_os = "linux")]
pub(crate) use linux::process;

/// Windows has no fork.
#[cfg(windows)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have no number")]
pub(crate) fn process() -> Option<u64> {
    Some(1)
}

/// Elsewhere nobody knows.
#[cfg(not(any(target_os = "linux", windows)))]
pub(crate) fn process() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The number of this process, greater than those of all processes that it is a fork of; none where no fork would be
    /// noticed.
    pub(crate) fn process() -> Option<u64> {
        static DETECTOR: OnceLock<Option<Detector>> = OnceLock::new();
        DETECTOR.get_or_init(|| Detector::of_page().or_else(Detector::of_handler)).as_ref().map(Detector::process)
    }

    /// Notices forks.
    pub(super) struct Detector {
        /// The number of the process; 0 after a fork.
        number: &'static AtomicU64,
    }

    impl Detector {
        /// By a page that the kernel wipes; none where it cannot.
        pub(super) fn of_page() -> Option<Self> {
            let (size, access) = (size_of::<AtomicU64>(), libc::PROT_READ | libc::PROT_WRITE);
            let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            // SAFETY: a new mapping, which touches no other.
            let page = unsafe { libc::mmap(std::ptr::null_mut(), size, access, kind, -1, 0) };
            if page == libc::MAP_FAILED {
                return None;
            }
            // SAFETY: the mapping made above.
            if unsafe { libc::madvise(page, size, libc::MADV_WIPEONFORK) } != 0 {
                // SAFETY: as above; nothing refers to it.
                unsafe { libc::munmap(page, size) };
                return None;
            }
            // SAFETY: the mapping is aligned, holds zeros, and is never unmapped.
            let number = unsafe { &*page.cast::<AtomicU64>() };
            Some(Self { number })
        }

        /// By a handler that the C library calls in the child; none where there can be no more of those.
        pub(super) fn of_handler() -> Option<Self> {
            set_back_in_children().then_some(Self { number: &HANDLED })
        }

        pub(super) fn process(&self) -> u64 {
            match self.number.load(Ordering::Relaxed) {
                0 => self.next(),
                number => number,
            }
        }

        #[cold]
        fn next(&self) -> u64 {
            // A fork continues its parent's count.
            static LAST: AtomicU64 = AtomicU64::new(0);
            let next = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            match self.number.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => next,
                Err(number) => number,
            }
        }
    }

    /// The number where the kernel wipes no page.
    static HANDLED: AtomicU64 = AtomicU64::new(0);

    fn set_back_in_children() -> bool {
        unsafe extern "C" fn in_child() {
            HANDLED.store(0, Ordering::Relaxed);
        }
        static IS_SET: OnceLock<bool> = OnceLock::new();
        // SAFETY: the handler stores a number and nothing else. This library is never unmapped (`pin.rs`).
        *IS_SET.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(in_child)) } == 0)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Runs `child` in a fork and returns what it wrote.
        fn forked(child: impl FnOnce() -> u64) -> u64 {
            let mut ends = [0; 2];
            // SAFETY: the output has room for two.
            assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
            // SAFETY: the child calls only what may be called after a fork: it loads, stores, writes and ends.
            let process = unsafe { libc::fork() };
            if process == 0 {
                let number = child().to_ne_bytes();
                // SAFETY: the number lives past the call.
                unsafe { libc::write(ends[1], number.as_ptr().cast(), 8) };
                // SAFETY: ends the child and nothing else.
                unsafe { libc::_exit(0) };
            }
            assert!(process > 0);
            let mut number = [0; 8];
            // SAFETY: the output has room for 8 bytes.
            assert_eq!(unsafe { libc::read(ends[0], number.as_mut_ptr().cast(), 8) }, 8);
            // SAFETY: the child made above; its status is not asked for.
            assert_eq!(unsafe { libc::waitpid(process, std::ptr::null_mut(), 0) }, process);
            for end in ends {
                // SAFETY: opened above, closed once.
                unsafe { libc::close(end) };
            }
            u64::from_ne_bytes(number)
        }

        #[test]
        fn child_and_grandchild_have_numbers_of_their_own() {
            for detector in [Detector::of_page(), Detector::of_handler()].into_iter().flatten() {
                let parent = detector.process();
                assert_eq!(detector.process(), parent);
                let child = forked(|| detector.process());
                assert!(child > parent, "{child} after {parent}");
                let grandchild = forked(|| {
                    let child = detector.process();
                    // The pipe is made and read in the child.
                    forked(|| detector.process()).checked_sub(child).unwrap_or(u64::MAX)
                });
                assert!((1..u64::MAX).contains(&grandchild));
                assert_eq!(detector.process(), parent);
            }
        }

        #[test]
        fn forks_are_noticed_here() {
            assert!(process().is_some() && Detector::of_handler().is_some());
        }
    }
}
