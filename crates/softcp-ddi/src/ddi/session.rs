//! The entries of crypto sessions.

use std::ffi::c_void;

use softcp::{CryptoSession, CryptoSessionDesc, EncryptedBlockInfo};
use softcp_abi::{
    BOOL, D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HCRYPTOSESSION,
    D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDIARG_CREATECRYPTOSESSION, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, HANDLE, HRESULT, S_OK, SIZE_T,
};

use super::attach::{attached, device, reporting, reporting_calls};
use super::{hardware, void_entry};
use crate::device::status_number;
use crate::hresult::Result;
use crate::{guard, pointer};

/// `CalcPrivateCryptoSessionSize`: the private memory holds the session's id.
pub(super) unsafe extern "system" fn calc_private_crypto_session_size(
    _h_device: D3D10DDI_HDEVICE,
    _create: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
) -> SIZE_T {
    size_of::<usize>()
}

/// `CreateCryptoSession`: on failure the private memory holds zero, so that destroying it is harmless.
pub(super) unsafe extern "system" fn create_crypto_session(
    h_device: D3D10DDI_HDEVICE,
    create: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
    session: D3D11_1DDI_HCRYPTOSESSION,
    _runtime_session: D3D11_1DDI_HRTCRYPTOSESSION,
) -> HRESULT {
    guard::run("CreateCryptoSession", || {
        // SAFETY: the runtime's duty: null or memory of the size that CalcPrivateCryptoSessionSize said.
        unsafe { pointer::write("hCryptoSession", session.pDrvPrivate.cast(), 0_usize) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty: null or readable.
        let create = unsafe { pointer::read("pCreateData", create) }?;
        let id = device.create_session(&CryptoSessionDesc {
            crypto_type: create.CryptoType,
            decode_profile: create.DecodeProfile,
            key_exchange_type: create.KeyExchangeType,
        })?;
        // SAFETY: as above.
        unsafe { pointer::write("hCryptoSession", session.pDrvPrivate.cast(), id) }
    })
}

/// `DestroyCryptoSession`: a second call, and one after a failed create, does nothing.
pub(super) unsafe extern "system" fn destroy_crypto_session(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
) {
    reporting(&void_entry::DESTROY_CRYPTO_SESSION, h_device, || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        device.destroy_session(id)?;
        // SAFETY: the runtime's duty: the private memory lives until this call returns.
        unsafe { pointer::write("hCryptoSession", session.pDrvPrivate.cast(), 0_usize) }
    });
}

/// `NegotiateCryptoSessionKeyExchange`.
pub(super) unsafe extern "system" fn negotiate_crypto_session_key_exchange(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    data_size: u32,
    data: *mut c_void,
) -> HRESULT {
    guard::run("NegotiateCryptoSessionKeyExchange", || {
        // SAFETY: the runtime's duty on its session handle and on the data.
        unsafe { negotiate(h_device, session, data_size, data) }
    })
}

/// The key exchange of a session: a key, or for a session that carries commands to the secure environment a command.
///
/// # Safety
/// `session` is as the runtime passes it; `data` is null or valid for `data_size` bytes, read or, for a command, also
/// written, and so are the structures that a command points to.
pub(super) unsafe fn negotiate(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    data_size: u32,
    data: *mut c_void,
) -> Result<()> {
    let device = device(h_device)?;
    // SAFETY: the caller's duty.
    let id = unsafe { id(session) }?;
    if device.session(id)?.lock().desc().carries_commands() {
        // SAFETY: the caller's duty.
        return unsafe { hardware::execute(&device, id, data, data_size as usize) };
    }
    // SAFETY: the caller's duty.
    let data = unsafe { pointer::bytes("pData", data, data_size as usize) }?;
    device.with_session(id, |session| session.negotiate(data))
}

/// `EncryptionBlt`: the driver writes the IV (D26).
pub(super) unsafe extern "system" fn encryption_blt(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    source: D3D10DDI_HRESOURCE,
    destination: D3D10DDI_HRESOURCE,
    iv_size: u32,
    iv: *mut c_void,
) {
    reporting_calls(&void_entry::ENCRYPTION_BLT, h_device, |calls| {
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        // SAFETY: the runtime's duty: null or writable for `iv_size` bytes.
        let iv = unsafe { pointer::bytes_mut("pIV", iv, iv_size as usize) }?;
        calls.encryption_blt(id, source.pDrvPrivate, destination.pDrvPrivate, iv)
    });
}

/// `DecryptionBlt`.
pub(super) unsafe extern "system" fn decryption_blt(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    source: D3D10DDI_HRESOURCE,
    destination: D3D10DDI_HRESOURCE,
    info: *const D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    content_key_size: u32,
    content_key: *const c_void,
    iv_size: u32,
    iv: *const c_void,
) {
    let hresult = reporting_calls(&void_entry::DECRYPTION_BLT, h_device, |calls| {
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        // SAFETY: the runtime's duty: null or readable.
        let info = unsafe { pointer::read_or_null(info) }.map(|info| EncryptedBlockInfo {
            at_beginning: info.NumEncryptedBytesAtBeginning,
            skip: info.NumBytesInSkipPattern,
            encrypt: info.NumBytesInEncryptPattern,
        });
        // SAFETY: the runtime's duty: null or readable for `content_key_size` bytes.
        let content_key = unsafe { pointer::bytes_or_null(content_key, content_key_size as usize) }?;
        // SAFETY: the runtime's duty: null or readable for `iv_size` bytes.
        let iv = unsafe { pointer::bytes_or_null(iv, iv_size as usize) }?.unwrap_or_default();
        let (source, destination) = (source.pDrvPrivate, destination.pDrvPrivate);
        calls.decryption_blt(id, source, destination, info, content_key, iv)
    });
    if hresult != S_OK && !info.is_null() && attached(h_device).is_ok_and(|device| device.adapter().status_echo()) {
        let field = info.cast_mut().cast::<u32>().wrapping_add(NUM_BYTES_IN_ENCRYPT_PATTERN);
        // SAFETY: who configures the status echo promises that callers pass writable block information (D21).
        unsafe { field.write_unaligned(hresult.cast_unsigned()) };
    }
}

/// Which 32-bit member of the block information receives the status echo.
const NUM_BYTES_IN_ENCRYPT_PATTERN: usize =
    std::mem::offset_of!(D3D11_1DDI_ENCRYPTED_BLOCK_INFO, NumBytesInEncryptPattern) / size_of::<u32>();

/// `StartSessionKeyRefresh`.
pub(super) unsafe extern "system" fn start_session_key_refresh(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    random_number_size: u32,
    random_number: *mut c_void,
) {
    reporting_calls(&void_entry::START_SESSION_KEY_REFRESH, h_device, |calls| {
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        // SAFETY: the runtime's duty: null or writable for `random_number_size` bytes.
        let number = unsafe { pointer::bytes_mut("pRandomNumber", random_number, random_number_size as usize) }?;
        calls.with_session(id, |session| session.start_key_refresh(number))
    });
}

/// `FinishSessionKeyRefresh`.
pub(super) unsafe extern "system" fn finish_session_key_refresh(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
) {
    reporting_calls(&void_entry::FINISH_SESSION_KEY_REFRESH, h_device, |calls| {
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        calls.with_session(id, CryptoSession::finish_key_refresh)
    });
}

/// `GetEncryptionBltKey`.
pub(super) unsafe extern "system" fn get_encryption_blt_key(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    key_size: u32,
    readback_key: *mut c_void,
) {
    reporting_calls(&void_entry::GET_ENCRYPTION_BLT_KEY, h_device, |calls| {
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        // SAFETY: the runtime's duty: null or writable for `key_size` bytes.
        let key = unsafe { pointer::bytes_mut("pReadbackKey", readback_key, key_size as usize) }?;
        calls.with_session(id, |session| session.encryption_blt_key(key))
    });
}

/// `CryptoSessionGetHandle`: the session's id; zero on failure (D30).
pub(super) unsafe extern "system" fn crypto_session_get_handle(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    handle: *mut HANDLE,
) -> HRESULT {
    guard::run("CryptoSessionGetHandle", || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pHandle", handle, std::ptr::null_mut()) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its session handle.
        let id = device.session_handle(unsafe { id(session) }?)?;
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pHandle", handle, std::ptr::without_provenance_mut(id)) }
    })
}

/// `CheckCryptoSessionStatus` (WDDM 2.0).
pub(super) unsafe extern "system" fn check_crypto_session_status(
    h_device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    status: *mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
) {
    reporting(&void_entry::CHECK_CRYPTO_SESSION_STATUS, h_device, || {
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pStatus", status, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK) }?;
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its session handle.
        let id = unsafe { id(session) }?;
        let found = device.session(id)?.lock().status();
        // SAFETY: the runtime's duty: null or writable.
        unsafe { pointer::write("pStatus", status, status_number(found)) }
    });
}

/// `SetHardwareProtection` (WDDM 2.0), of the core device table (D82).
pub(super) unsafe extern "system" fn set_hardware_protection(
    h_device: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
    is_protected: BOOL,
) {
    reporting(&void_entry::SET_HARDWARE_PROTECTION, h_device, || {
        device(h_device)?.set_hardware_protection(resource.pDrvPrivate, is_protected != 0)
    });
}

/// The id in a session's private memory.
///
/// # Safety
/// `session.pDrvPrivate` is null or the private memory of a session, of the size that `CalcPrivateCryptoSessionSize`
/// said.
pub(crate) unsafe fn id(session: D3D11_1DDI_HCRYPTOSESSION) -> Result<usize> {
    // SAFETY: the caller's duty.
    unsafe { pointer::read("hCryptoSession", session.pDrvPrivate.cast()) }
}
