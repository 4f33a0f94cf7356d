//! Key exchanges of sessions and channels.

use std::sync::Arc;

use softcp_abi::{D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA, D3D11_KEY_EXCHANGE_RSAES_OAEP};
use softcp_runtime::Output;
use windows::Win32::Foundation::E_INVALIDARG;
use windows::Win32::Graphics::Direct3D11::D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS;
use windows::core::HRESULT;

use super::call::Call;
use super::channel::AuthenticatedChannel;
use super::child::Child;
use super::com::{self, Raw};
use super::device::DeviceState;
use super::session::CryptoSession;
use super::teardown;
use super::video_context::VideoContext;
use super::video_device::VideoDevice;
use crate::message::MessageId;

/// Bytes of a key exchange: a 2048-bit number.
const RSAES_OAEP_SIZE: u32 = 256;

/// The session that a program passes; the message for null, and for what is no session of this device.
///
/// # Safety
///
/// `session` is null, or a live COM object for as long as the answer is used.
pub(super) unsafe fn session<'a>(
    call: Call<'_>,
    session: Raw,
    null: Option<MessageId>,
) -> Result<&'a CryptoSession, HRESULT> {
    if session.is_null() {
        return Err(call.refuse_with(null, E_INVALIDARG, "pCryptoSession is null"));
    }
    // SAFETY: the caller's duty.
    match unsafe { Child::<Arc<CryptoSession>>::of(session) } {
        Some(child) if std::ptr::eq(child.state(), call.state) => Ok(child.inner()),
        Some(_) => Err(call.refuse_with(None, E_INVALIDARG, "pCryptoSession was created on another device")),
        None => Err(call.refuse_with(None, E_INVALIDARG, "pCryptoSession is no crypto session of this layer")),
    }
}

/// As [`session`], for channels.
///
/// # Safety
///
/// As for [`session`].
pub(super) unsafe fn channel<'a>(
    call: Call<'_>,
    channel: Raw,
    null: MessageId,
) -> Result<&'a Child<AuthenticatedChannel>, HRESULT> {
    call.not_null(channel, null, "pChannel")?;
    // SAFETY: the caller's duty.
    match unsafe { Child::<AuthenticatedChannel>::of(channel) } {
        Some(child) if std::ptr::eq(child.state(), call.state) => Ok(child),
        Some(_) => Err(call.refuse_with(None, E_INVALIDARG, "pChannel was created on another device")),
        None => Err(call.refuse_with(None, E_INVALIDARG, "pChannel is no authenticated channel of this layer")),
    }
}

pub(super) unsafe extern "system" fn negotiate_session(this: Raw, session: Raw, size: u32, data: Raw) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoContext::state(this) };
        // SAFETY: the program's duties on its arguments.
        unsafe { negotiate(state, "ID3D11VideoContext::NegotiateCryptoSessionKeyExchange", session, None, size, data) }
    })
}

pub(super) unsafe extern "system" fn negotiate_session_free_threaded(
    this: Raw,
    session: Raw,
    flags: D3D11_CRYPTO_SESSION_KEY_EXCHANGE_FLAGS,
    size: u32,
    data: Raw,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoDevice::state(this) };
        let (function, flags) =
            ("ID3D11VideoDevice2::NegotiateCryptoSessionKeyExchangeMT", Some(flags.0.cast_unsigned()));
        // SAFETY: the program's duties on its arguments.
        unsafe { negotiate(state, function, session, flags, size, data) }
    })
}

/// A key exchange or a command of a session; with flags through the free-threaded entry.
///
/// # Safety
///
/// `raw` is null or a live COM object; `data` null or `size` bytes, which for a session that carries commands are a whole
/// structure with valid pointers.
unsafe fn negotiate(
    state: &DeviceState,
    function: &'static str,
    raw: Raw,
    flags: Option<u32>,
    size: u32,
    data: Raw,
) -> Result<(), HRESULT> {
    let call = Call::new(state, function);
    let null = MessageId::NEGOTIATECRPYTOSESSIONKEYEXCHANGE_NULLPARAM;
    // SAFETY: the caller's duty.
    let child = unsafe { session(call, raw, Some(null)) }?;
    call.not_null(data, null, "pData")?;
    let expected = if child.carries_commands() {
        u32::try_from(size_of::<D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA>()).expect("a small structure")
    } else if child.desc.key_exchange_type == D3D11_KEY_EXCHANGE_RSAES_OAEP {
        RSAES_OAEP_SIZE
    } else {
        // A key exchange of the driver's own: only the driver knows its size.
        size
    };
    if size != expected {
        let text = format!("DataSize is {size}, and this key exchange has {expected} bytes");
        return Err(call.refuse(MessageId::NEGOTIATECRPYTOSESSIONKEYEXCHANGE_INVALIDSIZE, &text));
    }
    let (calls, handle) = (child.session.device().calls(), child.session.handle());
    // SAFETY: not null, and the caller's duty.
    let data = Output::Bytes(unsafe { com::bytes_mut(data, size) }.unwrap_or_default());
    let reply = match flags {
        // SAFETY: where the driver follows pointers in the data, the size has been checked, and the program answers for
        // the rest.
        None => unsafe { calls.negotiate_crypto_session_key_exchange(handle, data) },
        // SAFETY: as above.
        Some(flags) => unsafe { calls.negotiate_crypto_session_key_exchange_mt(handle, flags, data) },
    };
    let answer = call.driver(reply.and_then(|reply| Ok(reply.into_result()?)));
    // A command may have torn protection down, and a new key ends a loss.
    teardown::look(&state.sessions);
    answer
}

pub(super) unsafe extern "system" fn negotiate_channel(this: Raw, raw: Raw, size: u32, data: Raw) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoContext::state(this) };
        let call = Call::new(state, "ID3D11VideoContext::NegotiateAuthenticatedChannelKeyExchange");
        let null = MessageId::NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_NULLPARAM;
        // SAFETY: null or a live object.
        let child = unsafe { channel(call, raw, null) }?;
        call.not_null(data, null, "pData")?;
        let AuthenticatedChannel::Driver { channel, .. } = child.inner() else {
            let id = MessageId::NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDCHANNEL;
            return Err(call.refuse(id, "a channel of type D3D11 has no keys"));
        };
        if size != RSAES_OAEP_SIZE {
            let text = format!("DataSize is {size}, and this key exchange has {RSAES_OAEP_SIZE} bytes");
            return Err(call.refuse(MessageId::NEGOTIATEAUTHENTICATEDCHANNELKEYEXCHANGE_INVALIDSIZE, &text));
        }
        // SAFETY: not null, and the program's duty.
        let data = Output::Bytes(unsafe { com::bytes_mut(data, size) }.unwrap_or_default());
        let calls = channel.device().calls();
        let reply = calls.negotiate_authenticated_channel_key_exchange(channel.handle(), data);
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))
    })
}
