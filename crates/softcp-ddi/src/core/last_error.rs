//! The text of the last failed call of a thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char};

use softcp_abi::HRESULT;

use crate::hresult::Failure;

thread_local! {
    static LAST: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// What the last failed call of this thread was, and why it failed: "softcp_session_negotiate: the key exchange failed
/// (0x80070057)", UTF-8. Null when no call of this thread has failed yet.
///
/// Failed functions of softcp.h, `softcp_ddi_attach`, `_fill` and `_entry`, and `softcp_open_reference_driver` set it; a call that
/// succeeds leaves it as it is. DDI entries leave it too: what they fail with goes to the host's callbacks (D20). The text
/// is valid until the next failed call of the same thread, or until the thread ends; it must not be freed. It never holds a
/// key or content, and no text of a message on a channel.
#[unsafe(no_mangle)]
pub extern "C" fn softcp_last_error() -> *const c_char {
    LAST.try_with(|last| last.try_borrow().ok()?.as_ref().map(|text| text.as_ptr()))
        .ok()
        .flatten()
        .unwrap_or(std::ptr::null())
}

/// Keeps the text of a failed call for [`softcp_last_error`], if its name is that of a C function.
pub(crate) fn keep(function: &str, failure: &Failure, hresult: HRESULT) {
    if !function.starts_with("softcp_") {
        return;
    }
    // A text that a caller passed could hold no zero byte either.
    let text = CString::new(format!("{function}: {failure} ({hresult:#010x})")).unwrap_or_default();
    // A thread that ends keeps nothing any more. What was kept is dropped when nothing is borrowed.
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| last.replace(text)));
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::guard;

    fn last() -> Option<String> {
        let text = softcp_last_error();
        // SAFETY: not null, so a string that lives until this thread's next failed call.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned())
    }

    #[test]
    fn text_is_the_thread_s_last_failed_call_of_a_c_function() {
        assert_eq!(last(), None);
        guard::run("softcp_x", || Err(Failure::Null("p")));
        let expected = Some("softcp_x: p is null (0x80070057)".to_owned());
        assert_eq!(last(), expected);
        guard::run("softcp_y", || Ok(()));
        guard::run("DecryptionBlt", || Err(Failure::NotAttached));
        assert_eq!(last(), expected);
        assert_eq!(std::thread::spawn(last).join().unwrap(), None);
        guard::run("softcp_z", || panic!("in a test"));
        assert!(last().unwrap().starts_with("softcp_z: internal error"));
    }
}
