//! Errors of entries that return nothing: caught on their way from the reference driver to the runtime.
//!
//! A report arrives on the thread that called the entry, before the entry returns. So what a call reported is kept per
//! thread; whose call it is follows from the context.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_void};

use softcp_abi::{HRESULT, S_OK, softcp_report_error};

thread_local! {
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// A call that is under way on this thread.
struct Call {
    is_quiet: bool,
    first: HRESULT,
}

/// Where the runtime wants reports.
pub(crate) struct Sink {
    context: *mut c_void,
    report: softcp_report_error,
}

// SAFETY: the runtime's context and callback may be used from any thread that calls the driver.
unsafe impl Send for Sink {}
// SAFETY: as for Send.
unsafe impl Sync for Sink {}

impl Sink {
    pub(crate) fn new(context: *mut c_void, report: softcp_report_error) -> Self {
        Self { context, report }
    }

    /// Reports an error of this wrapper's own.
    pub(crate) fn report(&self, function: &str, hresult: HRESULT, text: &str) {
        let [function, text] = [function, text].map(|text| CString::new(text).unwrap_or_default());
        self.forward(function.as_ptr(), hresult, text.as_ptr());
    }

    fn forward(&self, function: *const c_char, hresult: HRESULT, text: *const c_char) {
        if let Some(report) = self.report {
            // SAFETY: the runtime's own function with its own context, while its driver is open; the strings are valid
            // during the call.
            unsafe { report(self.context, function, hresult, text) };
        }
    }
}

/// The callback that the reference driver gets; its context is a [`Sink`].
pub(crate) unsafe extern "C" fn report_error(
    context: *mut c_void,
    function: *const c_char,
    hresult: HRESULT,
    text: *const c_char,
) {
    let is_quiet = CALLS.with_borrow_mut(|calls| {
        for call in calls.iter_mut().filter(|call| call.first == S_OK) {
            call.first = hresult;
        }
        calls.iter().any(|call| call.is_quiet)
    });
    if !is_quiet {
        // SAFETY: the context given with this callback, which lives as long as the reference driver is open.
        unsafe { &*context.cast::<Sink>() }.forward(function, hresult, text);
    }
}

/// Runs `call` and says what it reported first; `S_OK` is nothing.
pub(crate) fn watched<T>(call: impl FnOnce() -> T) -> (T, HRESULT) {
    within(false, call)
}

/// As [`watched`], and the runtime hears nothing of it.
pub(crate) fn quietly<T>(call: impl FnOnce() -> T) -> T {
    within(true, call).0
}

fn within<T>(is_quiet: bool, call: impl FnOnce() -> T) -> (T, HRESULT) {
    CALLS.with_borrow_mut(|calls| calls.push(Call { is_quiet, first: S_OK }));
    let output = call();
    let reported = CALLS.with_borrow_mut(|calls| calls.pop().map_or(S_OK, |call| call.first));
    (output, reported)
}

/// Text of a caller; none if it is null or no UTF-8.
///
/// # Safety
/// Null or a string.
pub(crate) unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's duty.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}
