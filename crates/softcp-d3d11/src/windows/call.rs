//! A call of a method: what is refused is said once, and errors of the driver become HRESULTs in one place.

use softcp_abi::{D3DDDIERR_DEVICEREMOVED, E_NOTIMPL};
use softcp_runtime::{DriverError, Error};
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG};
use windows::Win32::Graphics::Dxgi::DXGI_ERROR_DEVICE_REMOVED;
use windows::core::HRESULT;

use super::device::DeviceState;
use super::report;
use crate::message::MessageId;

/// A call of a method on a device's objects.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) state: &'a DeviceState,
    function: &'static str,
}

impl<'a> Call<'a> {
    /// A call of `function`, by its interface and name.
    pub(super) fn new(state: &'a DeviceState, function: &'static str) -> Self {
        Self { state, function }
    }

    /// Refuses the call with a message of the runtime: `E_INVALIDARG`.
    pub(super) fn refuse(self, id: MessageId, text: &str) -> HRESULT {
        self.refuse_with(Some(id), E_INVALIDARG, text)
    }

    /// Refuses the call. What has no identifier of the runtime's is said without one.
    pub(super) fn refuse_with(self, id: Option<MessageId>, hresult: HRESULT, text: &str) -> HRESULT {
        self.say(id, text);
        hresult
    }

    /// Says why a call is refused.
    pub(super) fn say(self, id: Option<MessageId>, text: &str) {
        // SAFETY: the device lives during a call on one of its objects.
        unsafe { report::refused(self.state.device(), id, self.function, text) };
    }

    /// What a required pointer points to, copied; the message for a null one.
    ///
    /// # Safety
    ///
    /// `value` is null, or points to a readable `T`.
    pub(super) unsafe fn required<T: Copy>(self, value: *const T, id: MessageId, name: &str) -> Result<T, HRESULT> {
        self.not_null(value, id, name)?;
        // SAFETY: not null, and the caller's duty; programs do not promise alignment.
        Ok(unsafe { value.read_unaligned() })
    }

    /// The message for a null pointer.
    pub(super) fn not_null<T>(self, pointer: *const T, id: MessageId, name: &str) -> Result<(), HRESULT> {
        if pointer.is_null() { Err(self.refuse(id, &format!("{name} is null"))) } else { Ok(()) }
    }

    /// An answer of the driver; its failure is said, and becomes an HRESULT of the API.
    pub(super) fn driver<T>(self, answer: Result<T, impl Into<Error>>) -> Result<T, HRESULT> {
        answer.map_err(|error| {
            let error = error.into();
            self.refuse_with(None, hresult(&error), &error.to_string())
        })
    }
}

/// The API's HRESULT for a failure of the driver: the driver's own, but for a removed device, which has another name.
fn hresult(error: &Error) -> HRESULT {
    match error {
        Error::Driver(DriverError { hresult, .. }) if hresult.0 == D3DDDIERR_DEVICEREMOVED => DXGI_ERROR_DEVICE_REMOVED,
        Error::Driver(DriverError { hresult, .. }) => HRESULT(hresult.0),
        Error::MissingEntry { .. } => HRESULT(E_NOTIMPL),
        Error::TooLong { .. } => E_INVALIDARG,
        _ => E_FAIL,
    }
}
