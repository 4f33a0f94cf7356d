//! The frame around every exported function: no panic leaves it, every failure becomes an HRESULT and a log line.

use std::panic::{AssertUnwindSafe, catch_unwind};

use softcp_abi::{HRESULT, S_OK};

use crate::call_log::Call;
use crate::core::last_error;
use crate::hresult::{Failure, Result};

/// Runs `body`, and hands its failure, with the function's name, to `failed` before answering with the HRESULT.
pub(crate) fn run_reporting(
    function: &'static str,
    failed: impl FnOnce(&'static str, &Failure),
    body: impl FnOnce() -> Result<()>,
) -> HRESULT {
    let call = Call::begin(function);
    let hresult = run_unlogged(function, failed, body);
    if let Some(call) = call {
        // The host may have a subscriber of its own.
        let _ = catch_unwind(AssertUnwindSafe(|| call.end(hresult)));
    }
    hresult
}

fn run_unlogged(
    function: &'static str,
    failed: impl FnOnce(&'static str, &Failure),
    body: impl FnOnce() -> Result<()>,
) -> HRESULT {
    // A panic is a defect; what it may have left half-done is a session or a channel, whose states are all usable.
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return S_OK,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::Panic,
    };
    let hresult = failure.hresult();
    // Even the report must not unwind into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // A list without a count is asked for until there is no more: that is a correct call.
        if matches!(failure, Failure::Engine(softcp::Error::BadIndex { .. })) {
            tracing::debug!(function, hresult = format_args!("{hresult:#010x}"), "{failure}");
        } else {
            tracing::warn!(function, hresult = format_args!("{hresult:#010x}"), "{failure}");
        }
        failed(function, &failure);
    }));
    // Last: the report may have called functions of the library that failed.
    let _ = catch_unwind(AssertUnwindSafe(|| last_error::keep(function, &failure, hresult)));
    hresult
}

/// Runs `body` and answers with its HRESULT.
pub(crate) fn run(function: &'static str, body: impl FnOnce() -> Result<()>) -> HRESULT {
    run_reporting(function, |_, _| {}, body)
}

#[cfg(test)]
mod tests {
    use softcp_abi::{E_FAIL, E_INVALIDARG};

    use super::*;

    #[test]
    fn panic_becomes_e_fail() {
        assert_eq!(run("test", || panic!("on purpose")), E_FAIL);
    }

    #[test]
    fn panic_in_the_report_stays_inside() {
        let hresult = run_reporting("test", |_, _| panic!("on purpose"), || Err(Failure::NotAttached));
        assert_eq!(hresult, E_INVALIDARG);
    }

    #[test]
    fn failure_is_reported_once_with_its_function() {
        let mut reports = Vec::new();
        let failed = |function, failure: &Failure| reports.push((function, failure.hresult()));
        run_reporting("softcp_x", failed, || Err(Failure::Null("p")));
        assert_eq!(reports, [("softcp_x", E_INVALIDARG)]);
        assert_eq!(run("test", || Ok(())), S_OK);
    }
}
