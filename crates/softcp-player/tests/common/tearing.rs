//! The reference driver, torn down at random: before and after any call that needs a key.
//!
//! A seed decides when, and by which of the ways that there are: the key of the calling session is lost, or all keys of
//! the adapter with the secure environment's, with or without the protected content, or a TEARDOWN command is sent. Seeds
//! and counts belong to the thread that sets them, as do the calls of a test.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::sync::Arc;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HCRYPTOSESSION,
    D3D11_1DDI_HDECODE, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDIARG_CREATECRYPTOSESSION,
    D3D11_KEY_EXCHANGE_HW_PROTECTION, D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC, D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
    D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME, HRESULT, S_OK, UINT, softcp_driver, softcp_driver_desc,
};
use softcp_ddi::core::decoder::softcp_decoder_session;
use softcp_ddi::core::hardware::{softcp_secure_command, softcp_session_execute};
use softcp_ddi::core::session::softcp_session_invalidate;
use softcp_ddi::ddi::attach::attached_device;
use softcp_ddi::softcp_open_reference_driver;
use softcp_runtime::Driver;

use crate::common::wrapped;

/// The command that tears the clear-key environment down.
const TEARDOWN: u32 = 6;

thread_local! {
    static PLAN: Cell<Plan> = const { Cell::new(Plan { state: 0, one_in: 0, teardowns: 0 }) };
    static REAL: RefCell<Real> = const { RefCell::new(Real { driver: None, table: None, command_session: None }) };
}

#[derive(Clone, Copy)]
struct Plan {
    state: u64,
    /// At each place one in so many is a teardown; 0: none is.
    one_in: u64,
    teardowns: u64,
}

struct Real {
    driver: Option<softcp_driver>,
    table: Option<D3DWDDM2_4DDI_VIDEODEVICEFUNCS>,
    /// The session that carries commands, by its number for core functions.
    command_session: Option<usize>,
}

/// Opens the driver; it stays up until [`plan`].
pub(crate) fn driver(options: &str) -> Driver {
    plan(0, 0);
    Driver::from_entry(open, options).unwrap()
}

/// From now on tears down at one place in so many.
pub(crate) fn plan(seed: u64, one_in: u64) {
    PLAN.set(Plan { state: seed, one_in, teardowns: 0 });
}

/// Teardowns since [`plan`].
pub(crate) fn teardowns() -> u64 {
    PLAN.get().teardowns
}

/// The next number of `SplitMix64`.
fn random(plan: &mut Plan) -> u64 {
    plan.state = plan.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (plan.state ^ plan.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Tears down, if this is a place where the plan says so.
fn perhaps(device: D3D10DDI_HDEVICE, session: impl Fn() -> usize) {
    let mut plan = PLAN.get();
    if plan.one_in == 0 {
        return;
    }
    let (is_now, way) = (random(&mut plan).is_multiple_of(plan.one_in), random(&mut plan) % 5);
    plan.teardowns += u64::from(is_now);
    PLAN.set(plan);
    if is_now {
        tear_down(device, session(), way);
    }
}

fn tear_down(device: D3D10DDI_HDEVICE, of_table: usize, way: u64) {
    let attached = attached_device(device).unwrap();
    let device = Arc::as_ptr(&attached);
    let status = if way.is_multiple_of(2) { 1 } else { 2 };
    let hresult = match way {
        // A decoder that no channel has bound.
        0 | 1 if of_table == 0 => return,
        // SAFETY: the device is held by the `Arc`.
        0 | 1 => unsafe { softcp_session_invalidate(device, of_table, status) },
        // As softcp_adapter_teardown does.
        2 | 3 => {
            attached.adapter().teardown(status == 2);
            S_OK
        }
        _ => {
            let Some(session) = REAL.with_borrow(|real| real.command_session) else { return };
            let size = u32::try_from(size_of::<softcp_secure_command>()).unwrap();
            let mut command = softcp_secure_command { size, function: TEARDOWN, ..softcp_secure_command::default() };
            // SAFETY: as above, and the command is whole, without bytes and room.
            unsafe { softcp_session_execute(device, session, &raw mut command) }
        }
    };
    assert_eq!(hresult, S_OK, "way {way}");
}

/// The number by which core functions know a session: its handle.
fn session_number(device: D3D10DDI_HDEVICE, session: D3D11_1DDI_HCRYPTOSESSION) -> usize {
    let mut handle = std::ptr::null_mut();
    // SAFETY: the session that the caller is calling.
    let hresult = unsafe { table().pfnCryptoSessionGetHandle.unwrap()(device, session, &raw mut handle) };
    assert_eq!(hresult, S_OK);
    handle.addr()
}

/// The number of the session that is bound to a decoder; 0 for none.
fn bound_session(device: D3D10DDI_HDEVICE, decoder: D3D11_1DDI_HDECODE) -> usize {
    let (mut handle, mut session) = (std::ptr::null_mut(), 0);
    // SAFETY: the decoder that the caller is calling.
    let hresult = unsafe { table().pfnVideoDecoderGetHandle.unwrap()(device, decoder, &raw mut handle) };
    assert_eq!(hresult, S_OK);
    let attached = attached_device(device).unwrap();
    // SAFETY: the device is held by the `Arc`.
    let hresult = unsafe { softcp_decoder_session(Arc::as_ptr(&attached), handle.addr(), &raw mut session) };
    assert_eq!(hresult, S_OK);
    session
}

fn table() -> D3DWDDM2_4DDI_VIDEODEVICEFUNCS {
    REAL.with_borrow(|real| real.table.unwrap())
}

unsafe extern "C" fn open(desc: *const softcp_driver_desc, driver: *mut softcp_driver) -> HRESULT {
    // SAFETY: the caller's structures are passed on.
    let hresult = unsafe { softcp_open_reference_driver(desc, driver) };
    if hresult == S_OK {
        // SAFETY: the reference driver has just written it, and the caller owns it.
        let driver = unsafe { &mut *driver };
        REAL.with_borrow_mut(|real| *real = Real { driver: Some(*driver), table: None, command_session: None });
        driver.retrieve_sub_object = Some(retrieve_sub_object);
    }
    hresult
}

unsafe extern "C" fn retrieve_sub_object(
    context: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    let driver = REAL.with_borrow(|real| real.driver.unwrap());
    let change = |table: &mut D3DWDDM2_4DDI_VIDEODEVICEFUNCS| {
        REAL.with_borrow_mut(|real| real.table = Some(*table));
        table.pfnCreateCryptoSession = Some(create_crypto_session);
        table.pfnNegotiateCryptoSessionKeyExchange = Some(negotiate);
        table.pfnDecryptionBlt = Some(decryption_blt);
        table.pfnEncryptionBlt = Some(encryption_blt);
        table.pfnGetEncryptionBltKey = Some(get_encryption_blt_key);
        table.pfnStartSessionKeyRefresh = Some(start_session_key_refresh);
        table.pfnFinishSessionKeyRefresh = Some(finish_session_key_refresh);
        table.pfnVideoDecoderBeginFrame = Some(video_decoder_begin_frame);
        table.pfnVideoDecoderSubmitBuffers2 = Some(video_decoder_submit_buffers_2);
        table.pfnVideoDecoderEndFrame = Some(video_decoder_end_frame);
    };
    // SAFETY: the caller's arguments are passed on.
    unsafe { wrapped::retrieve_sub_object(&driver, (context, device), sub_device_id, (table_size, table), change) }
}

unsafe extern "system" fn create_crypto_session(
    device: D3D10DDI_HDEVICE,
    desc: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
    session: D3D11_1DDI_HCRYPTOSESSION,
    runtime: D3D11_1DDI_HRTCRYPTOSESSION,
) -> HRESULT {
    // SAFETY: the caller's arguments are passed on.
    let hresult = unsafe { table().pfnCreateCryptoSession.unwrap()(device, desc, session, runtime) };
    // SAFETY: the runtime passes a description.
    if hresult == S_OK && unsafe { (*desc).KeyExchangeType } == D3D11_KEY_EXCHANGE_HW_PROTECTION {
        let number = session_number(device, session);
        REAL.with_borrow_mut(|real| real.command_session = Some(number));
    }
    hresult
}

/// An entry that is as the real one, with a place for a teardown on either side.
macro_rules! entry {
    ($name:ident, $field:ident, ($($argument:ident: $type:ty),*) $(-> $output:ty)?) => {
        unsafe extern "system" fn $name(
            device: D3D10DDI_HDEVICE,
            session: D3D11_1DDI_HCRYPTOSESSION,
            $($argument: $type),*
        ) $(-> $output)? {
            perhaps(device, || session_number(device, session));
            // SAFETY: the caller's arguments are passed on.
            let output = unsafe { table().$field.unwrap()(device, session, $($argument),*) };
            perhaps(device, || session_number(device, session));
            output
        }
    };
}

entry!(negotiate, pfnNegotiateCryptoSessionKeyExchange, (size: UINT, data: *mut c_void) -> HRESULT);
entry!(decryption_blt, pfnDecryptionBlt, (
    source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE, info: *const D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    content_key_size: UINT, content_key: *const c_void, iv_size: UINT, iv: *const c_void
));
entry!(encryption_blt, pfnEncryptionBlt, (
    source: D3D10DDI_HRESOURCE, destination: D3D10DDI_HRESOURCE, iv_size: UINT, iv: *mut c_void
));
entry!(get_encryption_blt_key, pfnGetEncryptionBltKey, (size: UINT, key: *mut c_void));
entry!(start_session_key_refresh, pfnStartSessionKeyRefresh, (size: UINT, number: *mut c_void));
entry!(finish_session_key_refresh, pfnFinishSessionKeyRefresh, ());

/// The same for an entry of decoders.
macro_rules! decoder_entry {
    ($name:ident, $field:ident, ($($argument:ident: $type:ty),*) $(-> $output:ty)?) => {
        unsafe extern "system" fn $name(
            device: D3D10DDI_HDEVICE,
            decoder: D3D11_1DDI_HDECODE,
            $($argument: $type),*
        ) $(-> $output)? {
            perhaps(device, || bound_session(device, decoder));
            // SAFETY: the caller's arguments are passed on.
            let output = unsafe { table().$field.unwrap()(device, decoder, $($argument),*) };
            perhaps(device, || bound_session(device, decoder));
            output
        }
    };
}

decoder_entry!(video_decoder_begin_frame, pfnVideoDecoderBeginFrame, (
    begin: *const D3DWDDM2_4DDIARG_VIDEODECODERBEGINFRAME
) -> HRESULT);
decoder_entry!(video_decoder_submit_buffers_2, pfnVideoDecoderSubmitBuffers2, (
    count: UINT, buffers: *const D3DWDDM2_4DDI_VIDEO_DECODER_BUFFER_DESC
) -> HRESULT);
decoder_entry!(video_decoder_end_frame, pfnVideoDecoderEndFrame, ());
