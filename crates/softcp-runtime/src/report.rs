//! The error callback: where entries that return nothing report failure (D20).

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use softcp_abi::HRESULT;

use crate::HResult;

/// Reports kept at most; a driver that reports without end loses the rest.
const MAX_PENDING: usize = 1024;

/// One report of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) hresult: HResult,
    /// Entry and text as the driver gave them; either may be empty.
    pub(crate) function: String,
    pub(crate) text: String,
}

/// The reports of one driver, each kept with its thread until the call that caused it takes it.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// Length of the list, so that a call without reports takes no lock.
    len: AtomicUsize,
    list: Mutex<Vec<(ThreadId, Report)>>,
}

impl Reports {
    /// The reports of this thread since the last time, in order.
    pub(crate) fn take(&self) -> Vec<Report> {
        // A report of this thread was stored by this thread, so its own count is visible to it.
        if self.len.load(Ordering::Relaxed) == 0 {
            return Vec::new();
        }
        let this = thread::current().id();
        let mut list = self.lock();
        let taken = list.extract_if(.., |(thread, _)| *thread == this).map(|(_, report)| report).collect();
        self.len.store(list.len(), Ordering::Relaxed);
        taken
    }

    fn add(&self, report: Report) {
        let mut list = self.lock();
        if list.len() < MAX_PENDING {
            list.push((thread::current().id(), report));
        }
        self.len.store(list.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ThreadId, Report)>> {
        // A list is whole after each statement, also after a panic elsewhere.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The function that a driver calls. `context` is a [`Reports`] that outlives the driver.
pub(crate) unsafe extern "C" fn report_error(
    context: *mut c_void,
    function: *const c_char,
    hresult: HRESULT,
    text: *const c_char,
) {
    // SAFETY: the driver hands back the context of its description, a `Reports` that is dropped after `close`.
    let reports = unsafe { context.cast::<Reports>().as_ref() };
    // SAFETY: the contract of the callback: null, or UTF-8 ending in a zero byte, valid during the call.
    let function = unsafe { text_at(function) };
    // SAFETY: as above.
    let text = unsafe { text_at(text) };
    if let Some(reports) = reports {
        reports.add(Report { hresult: HResult(hresult), function, text });
    }
}

/// The string at `text`, empty when it is null.
///
/// # Safety
///
/// `text` is null or points to bytes that end in a zero byte.
pub(crate) unsafe fn text_at(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    fn report(reports: &Reports, hresult: HRESULT, text: *const c_char) {
        // SAFETY: the context is a `Reports` and the strings are literals or null.
        unsafe { report_error(ptr::from_ref(reports).cast_mut().cast(), c"DecryptionBlt".as_ptr(), hresult, text) }
    }

    #[test]
    fn take_gives_the_reports_of_this_thread_once_and_in_order() {
        let reports = Reports::default();
        report(&reports, -1, c"first".as_ptr());
        report(&reports, -2, ptr::null());
        let taken = reports.take();
        let texts: Vec<_> = taken.iter().map(|report| (report.hresult.0, report.text.as_str())).collect();
        assert_eq!(texts, [(-1, "first"), (-2, "")]);
        assert_eq!(taken[0].function, "DecryptionBlt");
        assert_eq!(reports.take(), []);
    }

    #[test]
    fn reports_of_another_thread_stay_with_it() {
        let reports = Reports::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                report(&reports, -1, c"other".as_ptr());
                report(&reports, -1, c"other".as_ptr());
                assert_eq!(reports.take().len(), 2);
                report(&reports, -1, c"left".as_ptr());
            });
        });
        report(&reports, -2, c"mine".as_ptr());
        assert_eq!(reports.take().len(), 1);
        assert_eq!(reports.lock().len(), 1);
    }

    #[test]
    fn reports_without_end_are_cut() {
        let reports = Reports::default();
        for _ in 0..MAX_PENDING + 10 {
            report(&reports, -1, ptr::null());
        }
        assert_eq!(reports.take().len(), MAX_PENDING);
    }

    #[test]
    fn text_that_is_no_utf8_is_kept_readable() {
        let reports = Reports::default();
        report(&reports, -1, c"\xff!".as_ptr());
        assert_eq!(reports.take()[0].text, "\u{fffd}!");
    }
}
