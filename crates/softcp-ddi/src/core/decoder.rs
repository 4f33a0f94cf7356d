//! Decoders of the host.

use super::device::{borrow, softcp_device};
use super::types::{softcp_decoder, softcp_hresult, softcp_session};
use crate::{guard, pointer};

/// Registers a decoder that the host has made, and writes to `decoder` the handle that the host's VideoDecoderGetHandle
/// must answer: an application binds a session to it over an authenticated channel. SOFTCP_E_OUTOFMEMORY: too many.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `decoder` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_register(
    device: *const softcp_device,
    decoder: *mut softcp_decoder,
) -> softcp_hresult {
    guard::run("softcp_decoder_register", || {
        // SAFETY: the caller's duty on `decoder`.
        unsafe { pointer::write("decoder", decoder, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let id = unsafe { borrow(device) }?.register_decoder()?;
        // SAFETY: the caller's duty on `decoder`.
        unsafe { pointer::write("decoder", decoder, id) }
    })
}

/// The host has destroyed the decoder. Zero does nothing. SOFTCP_E_INVALIDARG: not a live decoder of this device, which
/// is harmless.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_unregister(
    device: *const softcp_device,
    decoder: softcp_decoder,
) -> softcp_hresult {
    guard::run("softcp_decoder_unregister", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.unregister_decoder(decoder)
    })
}

/// Writes to `session` the session that an authenticated channel has bound to the decoder; zero before that, and after
/// the session is destroyed. SOFTCP_E_INVALIDARG: not a live decoder of this device.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `session` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_decoder_session(
    device: *const softcp_device,
    decoder: softcp_decoder,
    session: *mut softcp_session,
) -> softcp_hresult {
    guard::run("softcp_decoder_session", || {
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let bound = unsafe { borrow(device) }?.decoder_session(decoder)?;
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, bound) }
    })
}
