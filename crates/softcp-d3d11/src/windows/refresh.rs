//! The session key refresh and read-back keys.

use softcp_runtime::Output;
use windows::core::HRESULT;

use super::call::Call;
use super::com::{self, Raw};
use super::key_exchange::session;
use super::video_context::VideoContext;
use crate::message::MessageId;

/// Bytes of a session key: AES-128.
const KEY_SIZE: u32 = 16;

pub(super) unsafe extern "system" fn start_session_key_refresh(this: Raw, raw: Raw, size: u32, number: Raw) {
    let _ = com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::StartSessionKeyRefresh");
        let null = MessageId::STARTSESSIONKEYREFRESH_NULLPARAM;
        // SAFETY: null or a live object.
        let session = &unsafe { session(call, raw, Some(null)) }?.session;
        call.not_null(number, null, "pRandomNumber")?;
        if size != KEY_SIZE {
            let text = format!("RandomNumberSize is {size}, and the session key has {KEY_SIZE} bytes");
            return Err(call.refuse(MessageId::STARTSESSIONKEYREFRESH_INVALIDSIZE, &text));
        }
        // SAFETY: not null, and the program's duty.
        let number = Output::Bytes(unsafe { com::bytes_mut(number, size) }.unwrap_or_default());
        let reply = session.device().calls().start_session_key_refresh(session.handle(), number);
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))
    });
}

pub(super) unsafe extern "system" fn finish_session_key_refresh(this: Raw, raw: Raw) {
    let _ = com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::FinishSessionKeyRefresh");
        // SAFETY: null or a live object.
        let session = &unsafe { session(call, raw, Some(MessageId::FINISHSESSIONKEYREFRESH_NULLPARAM)) }?.session;
        let reply = session.device().calls().finish_session_key_refresh(session.handle());
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))
    });
}

pub(super) unsafe extern "system" fn get_encryption_blt_key(this: Raw, raw: Raw, size: u32, key: Raw) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::GetEncryptionBltKey");
        let null = MessageId::GETENCRYPTIONBLTKEY_NULLPARAM;
        // SAFETY: null or a live object.
        let session = &unsafe { session(call, raw, Some(null)) }?.session;
        call.not_null(key, null, "pReadbackKey")?;
        if size != KEY_SIZE {
            let text = format!("KeySize is {size}, and the session key has {KEY_SIZE} bytes");
            return Err(call.refuse(MessageId::GETENCRYPTIONBLTKEY_INVALIDSIZE, &text));
        }
        // SAFETY: not null, and the program's duty.
        let key = Output::Bytes(unsafe { com::bytes_mut(key, size) }.unwrap_or_default());
        let reply = session.device().calls().get_encryption_blt_key(session.handle(), key);
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))
    })
}
