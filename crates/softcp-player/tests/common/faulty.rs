//! The reference driver with faults: its entries, each of which can be made to fail.
//!
//! Faults belong to the thread that plans them, as do the calls of a test.

// Each test program uses a part of this.
#![allow(dead_code)]

pub(crate) mod forger;

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_void};
use std::path::Path;

use softcp_abi::{
    BYTE, D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_TYPE,
    D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HDECODE, D3D11_1DDI_HRTDECODE,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, D3D11_1DDIARG_CREATEVIDEODECODER,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST, D3DWDDM2_0DDI_VIDEODEVICEFUNCS,
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS, E_FAIL, GUID, HRESULT, PFND3D11_1DDI_CREATEVIDEODECODER, S_OK, UINT, softcp_driver,
    softcp_driver_desc, softcp_mapping,
};
use softcp_ddi::softcp_open_reference_driver;
use softcp_runtime::Driver;

use crate::common::wrapped;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The session key is lost at the n-th decryption blit from now, from 0.
    LoseKeyAtBlit(u32),
    /// The session key is lost at the next `StartSessionKeyRefresh`.
    LoseKeyAtStart,
    /// The session key is lost at the next `FinishSessionKeyRefresh`.
    LoseKeyAtFinish,
    /// The n-th decryption blit from now, from 0, fails.
    FailBlit(u32),
    /// `StartSessionKeyRefresh` fails.
    FailStart,
    /// The certificate of this type is of the right size and holds nothing.
    BlankCertificate(D3D11_1DDI_CERTIFICATE_TYPE),
    /// No key exchange type is offered.
    NoKeyExchange,
    /// The block alignment is this many bytes.
    Alignment(u32),
    /// Mappings are one byte short.
    ShortMapping,
    /// The table has no `DecryptionBlt`.
    NoDecryptionBlt,
    /// The table is that of WDDM 2.4, and no decoder is made for CBCS.
    NoCbcDecoder,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static LOST: Cell<bool> = const { Cell::new(false) };
    static REAL: RefCell<Real> =
        const { RefCell::new(Real { driver: None, desc: None, table: None, create_decoder: None }) };
}

/// The reference driver's own entries.
struct Real {
    driver: Option<softcp_driver>,
    desc: Option<softcp_driver_desc>,
    table: Option<D3DWDDM2_0DDI_VIDEODEVICEFUNCS>,
    create_decoder: PFND3D11_1DDI_CREATEVIDEODECODER,
}

/// Opens the driver; without a fault until [`plan`], and without an attack until [`forger::attack`]. The options begin
/// with the identity's directory.
pub(crate) fn driver(options: &str) -> Driver {
    LOST.set(false);
    FAULT.set(None);
    let (identity, _) = options.strip_prefix("identity.directory=").unwrap().split_once(';').unwrap();
    forger::reset(Path::new(identity));
    Driver::from_entry(open, options).unwrap()
}

/// Plans a fault for this thread's calls.
pub(crate) fn plan(fault: Fault) {
    FAULT.set(Some(fault));
}

fn table() -> D3DWDDM2_0DDI_VIDEODEVICEFUNCS {
    REAL.with_borrow(|real| real.table.unwrap())
}

fn report(function: &CStr, hresult: HRESULT, text: &CStr) {
    let desc = REAL.with_borrow(|real| real.desc.unwrap());
    // SAFETY: the runtime's callback with its own context, while its driver is open.
    unsafe { desc.report_error.unwrap()(desc.error_context, function.as_ptr(), hresult, text.as_ptr()) };
}

/// Whether the fault that counts blits is due now; counts this one.
fn is_due(due: impl Fn(Fault) -> Option<u32>, next: fn(u32) -> Fault) -> bool {
    match FAULT.get().and_then(due) {
        Some(0) => {
            FAULT.set(None);
            true
        }
        Some(left) => {
            FAULT.set(Some(next(left - 1)));
            false
        }
        None => false,
    }
}

/// Loses the key if `fault` is planned; whether it is lost.
fn lose_key(fault: Fault) -> bool {
    if FAULT.get() == Some(fault) {
        FAULT.set(None);
        LOST.set(true);
    }
    LOST.get()
}

unsafe extern "C" fn open(desc: *const softcp_driver_desc, driver: *mut softcp_driver) -> HRESULT {
    // SAFETY: the caller's structures are passed on.
    let hresult = unsafe { softcp_open_reference_driver(desc, driver) };
    if hresult != S_OK {
        return hresult;
    }
    // SAFETY: the reference driver has just read it.
    let desc = unsafe { *desc };
    // SAFETY: the reference driver has just written it, and the caller owns it.
    let driver = unsafe { &mut *driver };
    REAL.with_borrow_mut(|real| (real.driver, real.desc) = (Some(*driver), Some(desc)));
    driver.retrieve_sub_object = Some(retrieve_sub_object);
    driver.map_resource = Some(map_resource);
    S_OK
}

unsafe extern "C" fn retrieve_sub_object(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    let driver = REAL.with_borrow(|real| real.driver.unwrap());
    let (own, place) = ((context, device), (table_size, table));
    if FAULT.get() == Some(Fault::NoCbcDecoder) {
        let change = |table: &mut D3DWDDM2_4DDI_VIDEODEVICEFUNCS| {
            REAL.with_borrow_mut(|real| real.create_decoder = table.pfnCreateVideoDecoder);
            table.pfnCreateVideoDecoder = Some(create_video_decoder);
        };
        // SAFETY: the caller's arguments are passed on.
        return unsafe { wrapped::retrieve_sub_object(&driver, own, sub_device_id, place, change) };
    }
    let change = |table: &mut D3DWDDM2_0DDI_VIDEODEVICEFUNCS| {
        REAL.with_borrow_mut(|real| real.table = Some(*table));
        table.pfnGetContentProtectionCaps = Some(get_content_protection_caps);
        table.pfnGetCryptoKeyExchangeType = Some(get_crypto_key_exchange_type);
        table.pfnGetCertificate = Some(get_certificate);
        table.pfnNegotiateCryptoSessionKeyExchange = Some(negotiate);
        table.pfnDecryptionBlt = if FAULT.get() == Some(Fault::NoDecryptionBlt) { None } else { Some(decryption_blt) };
        table.pfnStartSessionKeyRefresh = Some(start_session_key_refresh);
        table.pfnFinishSessionKeyRefresh = Some(finish_session_key_refresh);
        table.pfnCheckCryptoSessionStatus = Some(check_crypto_session_status);
        forger::fill(table);
    };
    // SAFETY: the caller's arguments are passed on.
    unsafe { wrapped::retrieve_sub_object(&driver, own, sub_device_id, place, change) }
}

unsafe extern "system" fn create_video_decoder(
    device: D3D10DDI_HDEVICE,
    create: *const D3D11_1DDIARG_CREATEVIDEODECODER,
    decoder: D3D11_1DDI_HDECODE,
    runtime: D3D11_1DDI_HRTDECODE,
) -> HRESULT {
    // SAFETY: the runtime passes a description.
    if unsafe { (*create).Config.guidConfigBitstreamEncryption } == D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS {
        return D3DERR_UNSUPPORTEDCRYPTO;
    }
    let real = REAL.with_borrow(|real| real.create_decoder.unwrap());
    // SAFETY: the caller's arguments are passed on.
    unsafe { real(device, create, decoder, runtime) }
}

unsafe extern "C" fn map_resource(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    let map = REAL.with_borrow(|real| real.driver.unwrap().map_resource.unwrap());
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { map(context, device, resource, access, mapping) };
    if hresult == S_OK && FAULT.get() == Some(Fault::ShortMapping) {
        // SAFETY: the reference driver has just written it.
        unsafe { (*mapping).row_bytes -= 1 };
    }
    hresult
}

unsafe extern "system" fn get_content_protection_caps(
    device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    caps: *mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
) -> HRESULT {
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { table().pfnGetContentProtectionCaps.unwrap()(device, crypto_type, decode_profile, caps) };
    if hresult == S_OK && FAULT.get() == Some(Fault::NoKeyExchange) {
        // SAFETY: the reference driver has just written it.
        unsafe { (*caps).KeyExchangeTypeCount = 0 };
    }
    if let Some(Fault::Alignment(bytes)) = FAULT.get() {
        // SAFETY: the reference driver has just written it.
        unsafe { (*caps).BlockAlignmentSize = bytes };
    }
    hresult
}

unsafe extern "system" fn get_crypto_key_exchange_type(
    device: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    decode_profile: *const GUID,
    index: UINT,
    key_exchange_type: *mut GUID,
) -> HRESULT {
    if FAULT.get() == Some(Fault::NoKeyExchange) {
        return E_FAIL;
    }
    let real = table().pfnGetCryptoKeyExchangeType.unwrap();
    // SAFETY: the caller's arguments are passed on.
    unsafe { real(device, crypto_type, decode_profile, index, key_exchange_type) }
}

unsafe extern "system" fn get_certificate(
    device: D3D10DDI_HDEVICE,
    info: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: UINT,
    certificate: *mut BYTE,
) {
    // SAFETY: the runtime passes a description.
    let of = unsafe { (*info).CertificateType };
    if FAULT.get() != Some(Fault::BlankCertificate(of)) {
        // SAFETY: the caller's arguments are passed on.
        unsafe { table().pfnGetCertificate.unwrap()(device, info, size, certificate) };
    }
}

unsafe extern "system" fn negotiate(
    device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    data: *mut c_void,
) -> HRESULT {
    LOST.set(false);
    // SAFETY: the caller's arguments are passed on.
    unsafe { table().pfnNegotiateCryptoSessionKeyExchange.unwrap()(device, session, size, data) }
}

unsafe extern "system" fn decryption_blt(
    device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    source: D3D10DDI_HRESOURCE,
    destination: D3D10DDI_HRESOURCE,
    info: *const D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    content_key_size: UINT,
    content_key: *const c_void,
    iv_size: UINT,
    iv: *const c_void,
) {
    let count = |fault| if let Fault::FailBlit(left) = fault { Some(left) } else { None };
    if is_due(count, Fault::FailBlit) {
        return report(c"DecryptionBlt", E_FAIL, c"the engine is on fire");
    }
    let count = |fault| if let Fault::LoseKeyAtBlit(left) = fault { Some(left) } else { None };
    if is_due(count, Fault::LoseKeyAtBlit) {
        LOST.set(true);
    }
    if LOST.get() {
        return report(c"DecryptionBlt", D3DERR_INVALIDCALL, c"the session key is lost");
    }
    let real = table().pfnDecryptionBlt.unwrap();
    // SAFETY: the caller's arguments are passed on.
    unsafe { real(device, session, source, destination, info, content_key_size, content_key, iv_size, iv) };
}

unsafe extern "system" fn start_session_key_refresh(
    device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    number: *mut c_void,
) {
    if FAULT.get() == Some(Fault::FailStart) {
        return report(c"StartSessionKeyRefresh", E_FAIL, c"no random numbers");
    }
    if lose_key(Fault::LoseKeyAtStart) {
        return report(c"StartSessionKeyRefresh", D3DERR_INVALIDCALL, c"the session key is lost");
    }
    // SAFETY: the caller's arguments are passed on.
    unsafe { table().pfnStartSessionKeyRefresh.unwrap()(device, session, size, number) };
}

unsafe extern "system" fn finish_session_key_refresh(device: D3D10DDI_HDEVICE, session: D3D11_1DDI_HCRYPTOSESSION) {
    if lose_key(Fault::LoseKeyAtFinish) {
        return report(c"FinishSessionKeyRefresh", D3DERR_INVALIDCALL, c"the session key is lost");
    }
    // SAFETY: the caller's arguments are passed on.
    unsafe { table().pfnFinishSessionKeyRefresh.unwrap()(device, session) };
}

unsafe extern "system" fn check_crypto_session_status(
    device: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    status: *mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
) {
    // SAFETY: the caller's arguments are passed on.
    unsafe { table().pfnCheckCryptoSessionStatus.unwrap()(device, session, status) };
    if LOST.get() {
        // SAFETY: the reference driver has just written it.
        unsafe { *status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST };
    }
}
