//! Hardware keys and the status of sessions.

use softcp_runtime::Input;
use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::D3D11_CRYPTO_SESSION_STATUS;
use windows::core::HRESULT;

use super::call::Call;
use super::com::{self, Raw};
use super::key_exchange::session;
use super::teardown;
use super::video_context::VideoContext;

pub(super) unsafe extern "system" fn get_data_for_new_hardware_key(
    this: Raw,
    raw: Raw,
    size: u32,
    input: *const core::ffi::c_void,
    output: *mut u64,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext1::GetDataForNewHardwareKey");
        // SAFETY: null or writable.
        unsafe { com::write(output, 0) };
        // SAFETY: null or a live object.
        let session = &unsafe { session(call, raw, None) }?.session;
        if output.is_null() {
            return Err(call.refuse_with(None, E_INVALIDARG, "pPrivateOutputData is null"));
        }
        // SAFETY: null or readable.
        let input = unsafe { com::bytes(input, size) }.map_or(Input::Null { size }, Input::Bytes);
        let mut answer = 0;
        let calls = session.device().calls();
        let reply = calls.get_data_for_new_hardware_key(session.handle(), input, Some(&mut answer));
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(output, answer) };
        Ok(())
    })
}

/// The SDK's header gives this method an HRESULT; whoever takes it for one without ignores the answer.
pub(super) unsafe extern "system" fn check_crypto_session_status(
    this: Raw,
    raw: Raw,
    status: *mut D3D11_CRYPTO_SESSION_STATUS,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoContext::state(this) };
        let call = Call::new(state, "ID3D11VideoContext1::CheckCryptoSessionStatus");
        // SAFETY: null or writable.
        unsafe { com::write(status, D3D11_CRYPTO_SESSION_STATUS::default()) };
        // SAFETY: null or a live object.
        let child = unsafe { session(call, raw, None) }?;
        if status.is_null() {
            return Err(call.refuse_with(None, E_INVALIDARG, "pStatus is null"));
        }
        let mut answer = 0;
        let calls = child.session.device().calls();
        let reply = calls.check_crypto_session_status(child.session.handle(), Some(&mut answer));
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(status, D3D11_CRYPTO_SESSION_STATUS(answer.cast_signed())) };
        teardown::look(&state.sessions);
        Ok(())
    })
}
