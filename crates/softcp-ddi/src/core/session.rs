//! Crypto sessions.

use std::ffi::c_void;

use softcp::{CryptoSession, CryptoSessionDesc, EncryptedBlockInfo};

use super::adapter::softcp_adapter;
use super::device::{borrow, softcp_device};
use super::types::{softcp_guid, softcp_hresult, softcp_session};
use crate::device::{CertificateOf, status_number};
use crate::hresult::{Failure, Result};
use crate::{guard, pointer};

/// Session status: nothing was lost.
pub const SOFTCP_SESSION_STATUS_OK: u32 = 0;
/// Session status: the key was lost; a new key exchange restores it (D23).
pub const SOFTCP_SESSION_STATUS_KEY_LOST: u32 = 1;
/// Session status: the key and the protected content were lost.
pub const SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST: u32 = 2;

/// What a session is for.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_session_desc {
    /// Size of this structure in bytes as the caller knows it.
    pub size: u32,
    /// AES-128-CTR: {9b6bd711-4f74-41c9-9e7b-0be2d7d93b4f}.
    pub crypto_type: softcp_guid,
    /// Decode profile, or all zero when nothing is decoded.
    pub decode_profile: softcp_guid,
    /// RSAES-OAEP: {c1949895-d72a-4a1d-8e5d-ed857d171520}.
    pub key_exchange_type: softcp_guid,
}

/// Which bytes of a partly encrypted surface are encrypted: first those at the beginning, then to the end of the
/// surface a clear run and an encrypted run in turn. `encrypt` 0: the rest is clear; `skip` 0 with `encrypt` not 0:
/// everything is encrypted (D8). Clear bytes consume no keystream (D6). All members are in bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_encrypted_block_info {
    /// Encrypted bytes at the beginning.
    pub at_beginning: u32,
    /// Length of each clear run.
    pub skip: u32,
    /// Length of each encrypted run.
    pub encrypt: u32,
}

impl From<softcp_encrypted_block_info> for EncryptedBlockInfo {
    fn from(info: softcp_encrypted_block_info) -> Self {
        Self { at_beginning: info.at_beginning, skip: info.skip, encrypt: info.encrypt }
    }
}

/// Creates a session and writes it to `session`. SOFTCP_E_UNSUPPORTEDCRYPTO: crypto type, decode profile or key
/// exchange type is not supported. SOFTCP_E_OUTOFMEMORY: too many sessions.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `desc` is null or points to a structure of its `size`;
/// `session` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_create(
    device: *const softcp_device,
    desc: *const softcp_session_desc,
    session: *mut softcp_session,
) -> softcp_hresult {
    guard::run("softcp_session_create", || {
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `desc`; all members are valid when zero.
        let desc = unsafe { pointer::versioned("softcp_session_desc", desc, size_of::<softcp_session_desc>()) }?;
        let id = device.create_session(&CryptoSessionDesc {
            crypto_type: desc.crypto_type.into(),
            decode_profile: desc.decode_profile.into(),
            key_exchange_type: desc.key_exchange_type.into(),
        })?;
        // SAFETY: the caller's duty on `session`.
        unsafe { pointer::write("session", session, id) }
    })
}

/// Destroys a session. Zero does nothing. SOFTCP_E_INVALIDARG: not a live session of this device, which is harmless.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_destroy(
    device: *const softcp_device,
    session: softcp_session,
) -> softcp_hresult {
    guard::run("softcp_session_destroy", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.destroy_session(session)
    })
}

/// Writes the size of the certificate chain in bytes to `size`. The first call may make the identity, which takes up to
/// half a second. SOFTCP_E_UNSUPPORTEDCRYPTO: the crypto type has no certificate.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `crypto_type` is null or readable; `size` is null or valid
/// for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_certificate_size(
    device: *const softcp_device,
    crypto_type: *const softcp_guid,
    size: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_session_certificate_size", || {
        // SAFETY: the caller's duty on `size`.
        unsafe { pointer::write("size", size, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `crypto_type`.
        let crypto_type = unsafe { pointer::read("crypto_type", crypto_type) }?;
        let bytes = device.certificate_size(CertificateOf::CryptoSession(crypto_type.into()))?;
        // SAFETY: the caller's duty on `size`.
        unsafe { pointer::write("size", size, bytes) }
    })
}

/// Writes the certificate chain, leaf first, to `certificate`: one PKCS #7 blob, or the DER certificates one after
/// another, as configured (D13). `size` must be exactly its size, else SOFTCP_E_INVALIDARG and the buffer is untouched.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `crypto_type` is null or readable; `certificate` is null or
/// valid for writes of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_certificate(
    device: *const softcp_device,
    crypto_type: *const softcp_guid,
    size: u32,
    certificate: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_session_certificate", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `crypto_type`.
        let crypto_type = unsafe { pointer::read("crypto_type", crypto_type) }?;
        // SAFETY: the caller's duty on `certificate`.
        let certificate = unsafe { pointer::bytes_mut("certificate", certificate, size as usize) }?;
        device.certificate(CertificateOf::CryptoSession(crypto_type.into()), certificate)
    })
}

/// Key exchange: `data` is the session key, encrypted with RSAES-OAEP (SHA-512, MGF1-SHA-512, empty label) to the
/// certificate's key, exactly 256 bytes. Any state; replaces a key, discards a pending refresh (D4) and the read-back
/// key, and ends a loss. SOFTCP_E_INVALIDARG: wrong size or failed decryption, not told apart further (D22); then
/// nothing changes.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `data` is null or valid for reads of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_negotiate(
    device: *const softcp_device,
    session: softcp_session,
    size: u32,
    data: *const c_void,
) -> softcp_hresult {
    guard::run("softcp_session_negotiate", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `data`.
        let data = unsafe { pointer::bytes("data", data, size as usize) }?;
        device.with_session(session, |session| session.negotiate(data))
    })
}

/// Decrypts `source` into `destination`, which may be the same resource. The session needs a key.
///
/// `info` null: everything is encrypted. `content_key` null: the session key decrypts; 16 bytes: that key, encrypted
/// with AES-128-ECB under the session key; any other size, up to 65,536 bytes: opened by the host's `unwrap_key` or the
/// secure environment (D28, D34). `iv`: 16 bytes, the first counter block (D5): an IV and a block count of 8 bytes each, both
/// big-endian. It may be null where `info` leaves every byte clear (D38). Both surfaces agree in row bytes, rows, planes and
/// format, where format 0 agrees with every format (D37); pitches may differ (D9).
///
/// Where SEQUENTIAL_CTR_IV is reported, `iv` is greater than the last one used with the same key in this session (D10, D32).
/// The session remembers this of the key in force and of 4096 content keys and exchanged keys; under others only an IV above
/// those of all forgotten keys is taken, until the next refresh or key exchange (D31). Else SOFTCP_E_INVALIDARG.
///
/// SOFTCP_E_INVALIDCALL: no key, or lost. SOFTCP_E_NOTIMPL: not offered. SOFTCP_E_CANNOTPROTECTCONTENT: protection is
/// enforced and the destination is not protected (D19). SOFTCP_E_INVALIDARG: everything else that is wrong with the
/// arguments. A failure of a host callback is passed on. A failed call writes nothing.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; the resources mean something to the host; `info` is null or
/// readable; `content_key` and `iv` are null or valid for reads of their sizes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_decryption_blt(
    device: *const softcp_device,
    session: softcp_session,
    source: *mut c_void,
    destination: *mut c_void,
    info: *const softcp_encrypted_block_info,
    content_key_size: u32,
    content_key: *const c_void,
    iv_size: u32,
    iv: *const c_void,
) -> softcp_hresult {
    guard::run("softcp_session_decryption_blt", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `info`.
        let info = unsafe { pointer::read_or_null(info) }.map(EncryptedBlockInfo::from);
        // SAFETY: the caller's duty on `content_key`.
        let content_key = unsafe { pointer::bytes_or_null(content_key, content_key_size as usize) }?;
        // SAFETY: the caller's duty on `iv`.
        let iv = unsafe { pointer::bytes_or_null(iv, iv_size as usize) }?.unwrap_or_default();
        device.calls().decryption_blt(session, source, destination, info, content_key, iv)
    })
}

/// Encrypts `source`, a protected surface, into `destination` under the read-back key where one is offered, else under
/// the session key. The 16 bytes of `iv` receive the IV that was chosen (D11, D26). Under a session key that comes back in
/// this session the IVs go on (D33). The session needs a key.
///
/// SOFTCP_E_INVALIDCALL: no key, lost, or no read-back key yet (D12). SOFTCP_E_FAIL: all IVs of the key are used.
/// Otherwise as `softcp_session_decryption_blt`.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; the resources mean something to the host; `iv` is null or
/// valid for writes of `iv_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_encryption_blt(
    device: *const softcp_device,
    session: softcp_session,
    source: *mut c_void,
    destination: *mut c_void,
    iv_size: u32,
    iv: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_session_encryption_blt", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `iv`.
        let iv = unsafe { pointer::bytes_mut("iv", iv, iv_size as usize) }?;
        device.calls().encryption_blt(session, source, destination, iv)
    })
}

/// Starts a session key refresh: writes a fresh random number of 16 bytes to `number` and remembers it. The old key
/// stays in force until `softcp_session_finish_key_refresh`; a second Start replaces the number (D2).
/// SOFTCP_E_INVALIDARG: `size` is not 16 (D1). SOFTCP_E_INVALIDCALL: no key, or lost (D3).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `number` is null or valid for writes of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_start_key_refresh(
    device: *const softcp_device,
    session: softcp_session,
    size: u32,
    number: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_session_start_key_refresh", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `number`.
        let number = unsafe { pointer::bytes_mut("number", number, size as usize) }?;
        device.calls().with_session(session, |session| session.start_key_refresh(number))
    })
}

/// Finishes a session key refresh: the key becomes the old one XOR the number, for everything after this call.
/// SOFTCP_E_INVALIDCALL: none was started, or a key exchange discarded it (D3, D4); the key is unchanged.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_finish_key_refresh(
    device: *const softcp_device,
    session: softcp_session,
) -> softcp_hresult {
    guard::run("softcp_session_finish_key_refresh", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.calls().with_session(session, CryptoSession::finish_key_refresh)
    })
}

/// Makes a new read-back key and writes it to `key`, 16 bytes, encrypted with AES-128-ECB under the session key.
/// SOFTCP_E_INVALIDARG: `size` is not 16 (D1). SOFTCP_E_INVALIDCALL: no key, or lost.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `key` is null or valid for writes of `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_encryption_blt_key(
    device: *const softcp_device,
    session: softcp_session,
    size: u32,
    key: *mut c_void,
) -> softcp_hresult {
    guard::run("softcp_session_encryption_blt_key", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow(device) }?;
        // SAFETY: the caller's duty on `key`.
        let key = unsafe { pointer::bytes_mut("key", key, size as usize) }?;
        device.calls().with_session(session, |session| session.encryption_blt_key(key))
    })
}

/// Writes to `handle` the HANDLE by which applications know the session, never zero on success and unique among the
/// adapter's live objects (D25).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `handle` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_handle(
    device: *const softcp_device,
    session: softcp_session,
    handle: *mut usize,
) -> softcp_hresult {
    guard::run("softcp_session_handle", || {
        // SAFETY: the caller's duty on `handle`.
        unsafe { pointer::write("handle", handle, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let found = unsafe { borrow(device) }?.session_handle(session)?;
        // SAFETY: the caller's duty on `handle`.
        unsafe { pointer::write("handle", handle, found) }
    })
}

/// Writes the session's SOFTCP_SESSION_STATUS_ to `status`. Any state.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `status` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_status(
    device: *const softcp_device,
    session: softcp_session,
    status: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_session_status", || {
        // SAFETY: the caller's duty on `status`.
        unsafe { pointer::write("status", status, SOFTCP_SESSION_STATUS_OK) }?;
        // SAFETY: the caller's duty on `device`.
        let found = unsafe { borrow(device) }?.session(session)?.lock().status();
        // SAFETY: the caller's duty on `status`.
        unsafe { pointer::write("status", status, status_number(found)) }
    })
}

/// Tells the session that a teardown took its key (SOFTCP_SESSION_STATUS_KEY_LOST) or its key and the protected content
/// (SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST). Any state; a session without a key has nothing to lose. If something was
/// lost, the host's `teardown` is called. SOFTCP_E_INVALIDARG: another status.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_session_invalidate(
    device: *const softcp_device,
    session: softcp_session,
    status: u32,
) -> softcp_hresult {
    guard::run("softcp_session_invalidate", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.invalidate_session(session, is_content_lost(status)?)
    })
}

/// A teardown of the whole adapter, as by a power event, a display change, a tampering that was noticed: what the secure
/// environment holds is forgotten, and every session of every device loses its key, and with
/// SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST its content. Each host on whose device something was lost has its `teardown`
/// called once. SOFTCP_E_INVALIDARG: another status.
///
/// # Safety
/// `adapter` is null or came from `softcp_adapter_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_adapter_teardown(adapter: *const softcp_adapter, status: u32) -> softcp_hresult {
    guard::run("softcp_adapter_teardown", || {
        // SAFETY: the caller's duty on `adapter`.
        let adapter = unsafe { adapter.as_ref() }.ok_or(Failure::Null("adapter"))?;
        adapter.engine().teardown(is_content_lost(status)?);
        Ok(())
    })
}

/// Whether the content is lost too; an error for a status that is no loss.
fn is_content_lost(status: u32) -> Result<bool> {
    match status {
        SOFTCP_SESSION_STATUS_KEY_LOST => Ok(false),
        SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST => Ok(true),
        _ => Err(Failure::Invalid("status is no loss")),
    }
}
