//! A driver that does as it is told and writes down how it was called.
//!
//! State belongs to the thread, as do the calls of a test.

#![allow(dead_code, reason = "each test program uses a part of this")]

mod channel;
mod decoder;
mod frame;
mod hardware;

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_void};
use std::fmt::Write as _;
use std::ptr;

use softcp_abi::{
    BYTE, D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    D3D11_1DDI_HCRYPTOSESSION, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
    D3D11_1DDI_VIDEODEVICEFUNCS, D3D11_1DDIARG_CREATECRYPTOSESSION, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
    D3DWDDM2_0DDI_VIDEODEVICEFUNCS, D3DWDDM2_1DDI_VIDEODEVICEFUNCS, D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
    D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0, E_INVALIDARG, GUID, HANDLE, HRESULT, PFND3D11_1DDI_VIDEODECODERBEGINFRAME,
    PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME, PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0, S_OK, SIZE_T, UINT,
    softcp_driver, softcp_driver_desc, softcp_mapping, softcp_resource_desc, video_table_size,
};
use softcp_runtime::{Device, Driver};

/// How the driver behaves.
pub(crate) struct Behaviour {
    pub(crate) interface_version: u32,
    pub(crate) has_name: bool,
    /// The sub-devices that it fills.
    pub(crate) sub_devices: Vec<u32>,
    /// An entry that it does not offer.
    pub(crate) missing: &'static str,
    /// Entries that return a code.
    pub(crate) returns: Vec<(&'static str, HRESULT)>,
    /// Entries that report an error: the entry, the entry it names, code and text.
    pub(crate) reports: Vec<(&'static str, Option<&'static CStr>, HRESULT, Option<CString>)>,
    pub(crate) key_exchange_count: u32,
    pub(crate) key_exchange_types: Vec<GUID>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) certificate_size: Option<u32>,
    /// Bytes of private memory of a session, a channel and a decoder.
    pub(crate) session_size: usize,
    pub(crate) status: u32,
    /// Sessions carry commands, and this is the answer to each.
    pub(crate) command: Option<CommandAnswer>,
    /// What buffers of messages must be aligned to.
    pub(crate) alignment: usize,
    pub(crate) mapping: softcp_mapping,
    /// Bytes of `softcp_driver` that it says it has written.
    pub(crate) driver_size: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            interface_version: 1,
            has_name: true,
            sub_devices: vec![2, 3, 5, 6, 7],
            missing: "",
            returns: Vec::new(),
            reports: Vec::new(),
            key_exchange_count: 1,
            key_exchange_types: vec![GUID::from_u128(1)],
            certificate: b"certificate".to_vec(),
            certificate_size: None,
            session_size: 40,
            status: 0,
            command: None,
            alignment: 1,
            mapping: softcp_mapping::default(),
            driver_size: size_of::<softcp_driver>(),
        }
    }
}

/// What the environment behind the driver answers.
#[derive(Clone)]
pub(crate) struct CommandAnswer {
    pub(crate) status: HRESULT,
    /// The byte that all of the output is filled with.
    pub(crate) fill: u8,
    pub(crate) written: u32,
}

#[derive(Default)]
struct State {
    behaviour: Behaviour,
    desc: Option<softcp_driver_desc>,
    log: Vec<String>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Opens the driver with this behaviour.
pub(crate) fn open_driver(behaviour: Behaviour, options: &str) -> softcp_runtime::Result<Driver> {
    STATE.set(State { behaviour, ..State::default() });
    Driver::from_entry(open, options)
}

/// A device of a driver with this behaviour; the log begins after it.
pub(crate) fn device(behaviour: Behaviour) -> Device {
    let device = open_driver(behaviour, "").unwrap().create_device().unwrap();
    log();
    device
}

/// Changes the behaviour.
pub(crate) fn behave(change: impl FnOnce(&mut Behaviour)) {
    STATE.with_borrow_mut(|state| change(&mut state.behaviour));
}

/// The calls since the last time.
pub(crate) fn log() -> Vec<String> {
    STATE.with_borrow_mut(|state| std::mem::take(&mut state.log))
}

fn behaviour<T>(get: impl FnOnce(&Behaviour) -> T) -> T {
    STATE.with_borrow(|state| get(&state.behaviour))
}

/// Writes a call down, reports what is planned, and gives the planned code.
fn enter(function: &str, arguments: &str) -> HRESULT {
    let (hresult, reports, desc) = STATE.with_borrow_mut(|state| {
        state.log.push(format!("{function}{}{arguments}", if arguments.is_empty() { "" } else { " " }));
        let planned = state.behaviour.returns.iter().find(|(planned, _)| *planned == function);
        let reports = state.behaviour.reports.iter().filter(|(planned, ..)| *planned == function);
        let reports: Vec<_> = reports.cloned().collect();
        (planned.map_or(S_OK, |(_, hresult)| *hresult), reports, state.desc)
    });
    for (_, function, hresult, text) in reports {
        let desc = desc.unwrap();
        let function = function.map_or(ptr::null(), CStr::as_ptr);
        let text = text.as_deref().map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the runtime's callback with its own context, during a call; strings or null.
        unsafe { desc.report_error.unwrap()(desc.error_context, function, hresult, text) };
    }
    hresult
}

fn number(handle: *mut c_void) -> usize {
    handle.addr()
}

fn handle(number: usize) -> *mut c_void {
    ptr::without_provenance_mut(number)
}

fn session_number(session: D3D11_1DDI_HCRYPTOSESSION) -> String {
    private_number(session.pDrvPrivate)
}

/// What an object wrote into its private memory when it was created.
fn private_number(memory: *mut c_void) -> String {
    if memory.is_null() {
        return "null".to_owned();
    }
    // SAFETY: a handle that is not null points to private memory, at least a number of it.
    unsafe { memory.cast::<u64>().read() }.to_string()
}

/// Fills the private memory of a new object, and writes its number there.
fn fill_private(memory: *mut c_void, number: u64) {
    let size = behaviour(|behaviour| behaviour.session_size);
    // SAFETY: private memory of the size asked for.
    unsafe { memory.cast::<u8>().write_bytes(0xee, size) };
    // SAFETY: as above, and aligned; the size in the tests is that of a number at least.
    unsafe { memory.cast::<u64>().write(number) };
}

/// A buffer as text: its size, and its bytes if there are any.
fn input(size: UINT, data: *const c_void) -> String {
    if data.is_null() {
        return format!("null/{size}");
    }
    // SAFETY: not null, so valid for the size.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size as usize) };
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Fills a buffer with a byte.
fn output(size: UINT, data: *mut c_void, byte: u8) -> String {
    if data.is_null() {
        return format!("null/{size}");
    }
    // SAFETY: not null, so valid for the size.
    unsafe { data.cast::<u8>().write_bytes(byte, size as usize) };
    size.to_string()
}

unsafe extern "C" fn open(desc: *const softcp_driver_desc, driver: *mut softcp_driver) -> HRESULT {
    // SAFETY: the caller's structure.
    let desc = unsafe { *desc };
    let options = if desc.options.is_null() {
        "none".to_owned()
    } else {
        // SAFETY: not null, so a string.
        unsafe { CStr::from_ptr(desc.options) }.to_str().unwrap().to_owned()
    };
    STATE.with_borrow_mut(|state| state.desc = Some(desc));
    let sizes = (desc.size as usize, size_of::<softcp_driver_desc>());
    assert_eq!(sizes.0, sizes.1);
    let hresult = enter("open", &options);
    if hresult != S_OK {
        return hresult;
    }
    let offered = |function| behaviour(|behaviour| behaviour.missing != function);
    let answer = softcp_driver {
        size: u32::try_from(behaviour(|behaviour| behaviour.driver_size)).unwrap(),
        interface_version: behaviour(|behaviour| behaviour.interface_version),
        name: if behaviour(|behaviour| behaviour.has_name) { c"fake".as_ptr() } else { ptr::null() },
        version: c"0.1".as_ptr(),
        context: handle(77),
        create_device: if offered("create_device") { Some(create_device) } else { None },
        destroy_device: Some(destroy_device),
        retrieve_sub_object: Some(retrieve_sub_object),
        create_resource: Some(create_resource),
        destroy_resource: Some(destroy_resource),
        map_resource: if offered("map_resource") { Some(map_resource) } else { None },
        unmap_resource: Some(unmap_resource),
        close: Some(close),
        wrap_resource: if offered("wrap_resource") { Some(wrap_resource) } else { None },
    };
    // SAFETY: the caller's structure, of the size that it says.
    unsafe { driver.write(answer) };
    S_OK
}

unsafe extern "C" fn create_device(context: *mut c_void, device: *mut D3D10DDI_HDEVICE) -> HRESULT {
    assert_eq!(number(context), 77);
    let hresult = enter("create_device", "");
    if hresult == S_OK {
        // SAFETY: the caller's place.
        unsafe { device.write(D3D10DDI_HDEVICE { pDrvPrivate: handle(100) }) };
    }
    hresult
}

unsafe extern "C" fn destroy_device(_: *mut c_void, device: D3D10DDI_HDEVICE) {
    enter("destroy_device", &number(device.pDrvPrivate).to_string());
}

unsafe extern "C" fn close(context: *mut c_void) {
    enter("close", &number(context).to_string());
}

macro_rules! fill {
    ($table:expr, $type:ty $(, $field:ident = $entry:expr)*) => {{
        let offered = |function: &str| behaviour(|behaviour| behaviour.missing != function);
        // SAFETY: the caller's table of this type; every bit pattern that it can hold is a table.
        let table = unsafe { &mut *$table.cast::<$type>() };
        if offered("CreateVideoDecoder") {
            table.pfnCalcPrivateVideoDecoderSize = Some(decoder::calc_private_size);
            table.pfnCreateVideoDecoder = Some(decoder::create);
            table.pfnDestroyVideoDecoder = Some(decoder::destroy);
        }
        table.pfnVideoDecoderGetHandle = Some(decoder::get_handle);
        table.pfnVideoDecoderEndFrame = Some(frame::end);
        table.pfnVideoDecoderSubmitBuffers = Some(frame::submit);
        table.pfnCalcPrivateVideoDecoderOutputViewSize = Some(frame::calc_view_size);
        table.pfnCreateVideoDecoderOutputView = Some(frame::create_view);
        table.pfnDestroyVideoDecoderOutputView = Some(frame::destroy_view);
        if offered("CreateAuthenticatedChannel") {
            table.pfnCalcPrivateAuthenticatedChannelSize = Some(channel::calc_private_size);
            table.pfnCreateAuthenticatedChannel = Some(channel::create);
            table.pfnDestroyAuthenticatedChannel = Some(channel::destroy);
        }
        table.pfnNegotiateAuthenticatedChannelKeyExchange = Some(channel::negotiate);
        table.pfnQueryAuthenticatedChannel = Some(channel::query);
        table.pfnConfigureAuthenticatedChannel = Some(channel::configure);
        table.pfnGetContentProtectionCaps = Some(get_content_protection_caps);
        table.pfnGetCryptoKeyExchangeType = Some(get_crypto_key_exchange_type);
        table.pfnCalcPrivateCryptoSessionSize = Some(calc_private_crypto_session_size);
        table.pfnCreateCryptoSession = Some(create_crypto_session);
        table.pfnDestroyCryptoSession = Some(destroy_crypto_session);
        table.pfnGetCertificateSize = Some(get_certificate_size);
        table.pfnGetCertificate = Some(get_certificate);
        table.pfnNegotiateCryptoSessionKeyExchange = Some(negotiate);
        table.pfnEncryptionBlt = Some(encryption_blt);
        table.pfnDecryptionBlt = if offered("DecryptionBlt") { Some(decryption_blt) } else { None };
        table.pfnStartSessionKeyRefresh = Some(start_session_key_refresh);
        table.pfnFinishSessionKeyRefresh = Some(finish_session_key_refresh);
        table.pfnGetEncryptionBltKey = Some(get_encryption_blt_key);
        table.pfnCryptoSessionGetHandle = Some(crypto_session_get_handle);
        $(table.$field = $entry;)*
    }};
}

/// The same with the entries of WDDM 2.0.
macro_rules! fill_later {
    ($table:expr, $type:ty $(, $field:ident = $entry:expr)*) => {
        fill!(
            $table,
            $type,
            pfnCheckCryptoSessionStatus = Some(check_crypto_session_status),
            pfnGetDataForNewHardwareKey = Some(hardware::get_data_for_new_hardware_key),
            pfnGetCryptoSessionPrivateDataSize = Some(hardware::get_private_data_size)
            $(, $field = $entry)*
        )
    };
}

unsafe extern "C" fn retrieve_sub_object(
    _: *mut c_void,
    device: D3D10DDI_HDEVICE,
    sub_device_id: u32,
    table_size: usize,
    table: *mut c_void,
) -> HRESULT {
    assert_eq!(number(device.pDrvPrivate), 100);
    enter("retrieve_sub_object", &sub_device_id.to_string());
    if !behaviour(|behaviour| behaviour.sub_devices.contains(&sub_device_id)) {
        return E_INVALIDARG;
    }
    assert_eq!(Some(table_size), video_table_size(sub_device_id));
    let has_frames = behaviour(|behaviour| behaviour.missing != "VideoDecoderBeginFrame");
    let begin: PFND3D11_1DDI_VIDEODECODERBEGINFRAME = if has_frames { Some(frame::begin) } else { None };
    let begin_rs4: PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME_RS4_0 =
        if has_frames { Some(frame::begin_rs4) } else { None };
    let begin_2_4: PFND3DWDDM2_4DDI_VIDEODECODERBEGINFRAME = if has_frames { Some(frame::begin_2_4) } else { None };
    match sub_device_id {
        2 => fill!(table, D3D11_1DDI_VIDEODEVICEFUNCS, pfnVideoDecoderBeginFrame = begin),
        3 => fill_later!(
            table,
            D3DWDDM2_0DDI_VIDEODEVICEFUNCS,
            pfnVideoDecoderBeginFrame = begin,
            pfnVideoDecoderSubmitBuffers1 = Some(frame::submit_1)
        ),
        5 => fill_later!(
            table,
            D3DWDDM2_1DDI_VIDEODEVICEFUNCS,
            pfnVideoDecoderBeginFrame = begin,
            pfnVideoDecoderSubmitBuffers1 = Some(frame::submit_1)
        ),
        7 => fill_later!(
            table,
            D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0,
            pfnVideoDecoderBeginFrame = begin_rs4,
            pfnVideoDecoderSubmitBuffers2 = Some(frame::submit_2)
        ),
        _ => fill_later!(
            table,
            D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
            pfnVideoDecoderBeginFrame = begin_2_4,
            pfnVideoDecoderSubmitBuffers2 = Some(frame::submit_2),
            pfnNegotiateCryptoSessionKeyExchangeMT = Some(hardware::negotiate_mt)
        ),
    }
    S_OK
}

unsafe extern "C" fn create_resource(
    _: *mut c_void,
    device: D3D10DDI_HDEVICE,
    desc: *const softcp_resource_desc,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    assert_eq!(number(device.pDrvPrivate), 100);
    // SAFETY: the caller's structure.
    let desc = unsafe { *desc };
    assert_eq!(desc.size as usize, size_of::<softcp_resource_desc>());
    let planes: Vec<_> = desc.extra_planes[..desc.extra_plane_count as usize]
        .iter()
        .map(|plane| format!("+{}x{}/{}", plane.row_bytes, plane.rows, plane.row_pitch))
        .collect();
    let text = format!(
        "{}x{}/{}{} flags {} format {}",
        desc.row_bytes,
        desc.rows,
        desc.row_pitch,
        planes.concat(),
        desc.flags,
        desc.format
    );
    let hresult = enter("create_resource", &text);
    if hresult == S_OK {
        // SAFETY: the caller's place.
        unsafe { resource.write(D3D10DDI_HRESOURCE { pDrvPrivate: handle(200 + desc.row_bytes) }) };
    }
    hresult
}

unsafe extern "C" fn wrap_resource(
    _: *mut c_void,
    device: D3D10DDI_HDEVICE,
    memory: *const softcp_mapping,
    resource: *mut D3D10DDI_HRESOURCE,
) -> HRESULT {
    assert_eq!(number(device.pDrvPrivate), 100);
    // SAFETY: the caller's structure.
    let memory = unsafe { *memory };
    let softcp_mapping { row_bytes, rows, row_pitch, flags, format, .. } = memory;
    let hresult = enter("wrap_resource", &format!("{row_bytes}x{rows}/{row_pitch} flags {flags} format {format}"));
    if hresult == S_OK {
        STATE.with_borrow_mut(|state| state.behaviour.mapping = memory);
        // SAFETY: the caller's place.
        unsafe { resource.write(D3D10DDI_HRESOURCE { pDrvPrivate: handle(300 + row_bytes) }) };
    }
    hresult
}

unsafe extern "C" fn destroy_resource(_: *mut c_void, _: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    enter("destroy_resource", &number(resource.pDrvPrivate).to_string());
}

unsafe extern "C" fn map_resource(
    _: *mut c_void,
    _: D3D10DDI_HDEVICE,
    resource: D3D10DDI_HRESOURCE,
    access: u32,
    mapping: *mut softcp_mapping,
) -> HRESULT {
    let hresult = enter("map_resource", &format!("{} {access}", number(resource.pDrvPrivate)));
    if hresult == S_OK {
        // SAFETY: the caller's place.
        unsafe { mapping.write(behaviour(|behaviour| behaviour.mapping)) };
    }
    hresult
}

unsafe extern "C" fn unmap_resource(_: *mut c_void, _: D3D10DDI_HDEVICE, resource: D3D10DDI_HRESOURCE) {
    enter("unmap_resource", &number(resource.pDrvPrivate).to_string());
}

unsafe extern "system" fn get_content_protection_caps(
    _: D3D10DDI_HDEVICE,
    crypto_type: *const GUID,
    _: *const GUID,
    caps: *mut D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS,
) -> HRESULT {
    let hresult = enter("GetContentProtectionCaps", if crypto_type.is_null() { "null" } else { "" });
    // SAFETY: the caller's place, or null.
    if let Some(caps) = unsafe { caps.as_mut() }
        && hresult == S_OK
    {
        caps.Caps = 0x411;
        caps.KeyExchangeTypeCount = behaviour(|behaviour| behaviour.key_exchange_count);
        caps.BlockAlignmentSize = 16;
        caps.ProtectedMemorySize = 1 << 40;
    }
    hresult
}

unsafe extern "system" fn get_crypto_key_exchange_type(
    _: D3D10DDI_HDEVICE,
    _: *const GUID,
    _: *const GUID,
    index: UINT,
    key_exchange_type: *mut GUID,
) -> HRESULT {
    enter("GetCryptoKeyExchangeType", &index.to_string());
    match behaviour(|behaviour| behaviour.key_exchange_types.get(index as usize).copied()) {
        Some(guid) => {
            // SAFETY: the caller's place.
            unsafe { key_exchange_type.write(guid) };
            S_OK
        }
        None => E_INVALIDARG,
    }
}

unsafe extern "system" fn calc_private_crypto_session_size(
    _: D3D10DDI_HDEVICE,
    _: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
) -> SIZE_T {
    behaviour(|behaviour| behaviour.session_size)
}

unsafe extern "system" fn create_crypto_session(
    _: D3D10DDI_HDEVICE,
    desc: *const D3D11_1DDIARG_CREATECRYPTOSESSION,
    session: D3D11_1DDI_HCRYPTOSESSION,
    runtime: D3D11_1DDI_HRTCRYPTOSESSION,
) -> HRESULT {
    // SAFETY: the caller's structure.
    let desc = unsafe { *desc };
    assert!(!runtime.handle.is_null());
    assert_eq!(session.pDrvPrivate.addr() % 16, 0);
    let hresult = enter("CreateCryptoSession", &format!("{} {}", desc.CryptoType.Data1, desc.KeyExchangeType.Data1));
    if hresult == S_OK {
        fill_private(session.pDrvPrivate, 300);
    }
    hresult
}

unsafe extern "system" fn destroy_crypto_session(_: D3D10DDI_HDEVICE, session: D3D11_1DDI_HCRYPTOSESSION) {
    enter("DestroyCryptoSession", &session_number(session));
}

unsafe extern "system" fn get_certificate_size(
    _: D3D10DDI_HDEVICE,
    info: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: *mut UINT,
) {
    // SAFETY: the caller's structure.
    let info = unsafe { *info };
    // SAFETY: both members are plain numbers, and the larger one was initialised.
    let first = unsafe { info.u.CryptoSessionType }.Data1;
    enter("GetCertificateSize", &format!("{} {first}", info.CertificateType));
    let len = behaviour(|behaviour| u32::try_from(behaviour.certificate.len()).unwrap());
    // SAFETY: the caller's place.
    unsafe { size.write(behaviour(|behaviour| behaviour.certificate_size.unwrap_or(len))) };
}

unsafe extern "system" fn get_certificate(
    _: D3D10DDI_HDEVICE,
    _: *const D3D11_1DDI_CERTIFICATE_INFO,
    size: UINT,
    certificate: *mut BYTE,
) {
    enter("GetCertificate", &size.to_string());
    behaviour(|behaviour| {
        let len = behaviour.certificate.len().min(size as usize);
        // SAFETY: the caller's buffer of `size` bytes.
        unsafe { certificate.copy_from_nonoverlapping(behaviour.certificate.as_ptr(), len) };
    });
}

unsafe extern "system" fn negotiate(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    data: *mut c_void,
) -> HRESULT {
    if behaviour(|behaviour| behaviour.command.is_some()) {
        return hardware::execute("NegotiateCryptoSessionKeyExchange", &session_number(session), size, data);
    }
    enter("NegotiateCryptoSessionKeyExchange", &format!("{} {}", session_number(session), input(size, data)))
}

unsafe extern "system" fn encryption_blt(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    source: D3D10DDI_HRESOURCE,
    destination: D3D10DDI_HRESOURCE,
    iv_size: UINT,
    iv: *mut c_void,
) {
    let (source, destination) = (number(source.pDrvPrivate), number(destination.pDrvPrivate));
    let iv = output(iv_size, iv, 0x11);
    enter("EncryptionBlt", &format!("{} {source} {destination} {iv}", session_number(session)));
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
    assert_eq!(number(device.pDrvPrivate), 100);
    let (source, destination) = (number(source.pDrvPrivate), number(destination.pDrvPrivate));
    // SAFETY: the caller's structure, or null.
    let info = unsafe { info.as_ref() }.map_or_else(
        || "null".to_owned(),
        |info| {
            let fields = [info.NumEncryptedBytesAtBeginning, info.NumBytesInSkipPattern, info.NumBytesInEncryptPattern];
            format!("{fields:?}")
        },
    );
    let (key, iv) = (input(content_key_size, content_key), input(iv_size, iv));
    enter("DecryptionBlt", &format!("{} {source} {destination} {info} {key} {iv}", session_number(session)));
}

unsafe extern "system" fn start_session_key_refresh(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    random: *mut c_void,
) {
    let size = output(size, random, 0x22);
    enter("StartSessionKeyRefresh", &format!("{} {size}", session_number(session)));
}

unsafe extern "system" fn finish_session_key_refresh(_: D3D10DDI_HDEVICE, session: D3D11_1DDI_HCRYPTOSESSION) {
    enter("FinishSessionKeyRefresh", &session_number(session));
}

unsafe extern "system" fn get_encryption_blt_key(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    size: UINT,
    key: *mut c_void,
) {
    let size = output(size, key, 0x33);
    enter("GetEncryptionBltKey", &format!("{} {size}", session_number(session)));
}

unsafe extern "system" fn crypto_session_get_handle(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    out: *mut HANDLE,
) -> HRESULT {
    // SAFETY: the caller's place.
    unsafe { out.write(handle(400)) };
    enter("CryptoSessionGetHandle", &session_number(session))
}

unsafe extern "system" fn check_crypto_session_status(
    _: D3D10DDI_HDEVICE,
    session: D3D11_1DDI_HCRYPTOSESSION,
    status: *mut D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS,
) {
    // SAFETY: the caller's place.
    unsafe { status.write(behaviour(|behaviour| behaviour.status)) };
    enter("CheckCryptoSessionStatus", &session_number(session));
}
