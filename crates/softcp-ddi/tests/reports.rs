//! What entries that return nothing report, entry by entry, and whether the runtime may hear of it (D42). The page
//! `docs/errors.md` is the list that the answers are compared with.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::offset_of;
use std::ptr::{null, null_mut};

use common::host::Host;
use common::{Decryption, TestAdapter, TestDevice, TestSession, size_u32};
use softcp_abi::{
    D3D10DDI_HRESOURCE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_INFO_U,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, D3D11_1DDI_HAUTHCHANNEL, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DDDIERR_DEVICEREMOVED, E_FAIL, GUID, HRESULT,
    PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION, S_OK,
};
use softcp_ddi::core::device::softcp_device_removed;
use softcp_ddi::core::faults::{softcp_clear_faults, softcp_inject_fault};
use softcp_ddi::ddi::table::softcp_ddi_entry;
use softcp_ddi::{SOFTCP_REPORT_FORWARD, softcp_error_report, softcp_host};

const PAGE: &str = include_str!("../../../docs/errors.md");
/// A failure of a host's own.
const HOST_FAILURE: HRESULT = -0x7FFB_EDCC;
const OPTIONS: &str = "faults.opt_in=true;capabilities.flags.hardware_protected_memory_transition=true;\
    capabilities.flags.sequential_ctr_iv=true";

/// A report as a host gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    function: String,
    hresult: HRESULT,
    flags: u32,
}

thread_local! {
    /// What this thread's host has heard by `report_error2`, and how often by `report_error`.
    static HEARD: RefCell<(Vec<Report>, u32)> = const { RefCell::new((Vec::new(), 0)) };
    /// What the callbacks of this thread's host answer.
    static ANSWER: RefCell<HRESULT> = const { RefCell::new(S_OK) };
}

unsafe extern "C" fn report_error2(_context: *mut c_void, report: *const softcp_error_report) {
    // SAFETY: the library passes a report of its own.
    let report = unsafe { *report };
    assert_eq!((report.size, report.reserved), (size_u32::<softcp_error_report>(), 0));
    // SAFETY: strings of the library, valid during the call.
    let [function, text] = [report.function, report.text].map(|text| unsafe { CStr::from_ptr(text) }.to_str().unwrap());
    assert!(!text.is_empty());
    let heard = Report { function: function.to_owned(), hresult: report.hresult, flags: report.flags };
    HEARD.with_borrow_mut(|(reports, _)| reports.push(heard));
}

unsafe extern "C" fn report_error(_: *mut c_void, _: *const c_char, _: HRESULT, _: *const c_char) {
    HEARD.with_borrow_mut(|(_, old)| *old += 1);
}

unsafe extern "C" fn set_protection(_: *mut c_void, _: *mut c_void, _: u32) -> HRESULT {
    ANSWER.with_borrow(|answer| *answer)
}

/// A device whose host has the new callback.
fn device_with(options: &str) -> TestDevice {
    let adapter = TestAdapter::new(options);
    let mut device = TestDevice::new(&adapter);
    let callbacks = softcp_host {
        report_error: Some(report_error),
        report_error2: Some(report_error2),
        set_hardware_protection: Some(set_protection),
        ..Host::callbacks(&device.host)
    };
    device.replace(&adapter, &callbacks);
    device
}

/// What was reported since the last time; by the new callback alone.
fn heard() -> Vec<Report> {
    let (reports, old) = HEARD.take();
    assert_eq!(old, 0, "report_error was called though report_error2 is set");
    reports
}

/// The page's name of a code.
fn name(hresult: HRESULT) -> String {
    let number = format!("| {hresult:#010X} |").replace("0X", "0x");
    let row = PAGE.lines().find(|row| row.contains(&number));
    row.map_or_else(|| format!("{hresult:#x}"), |row| row[2..].split([' ', '(']).next().unwrap().to_owned())
}

/// What the page says of an entry: what it reports, and which of that may be handed on.
fn row(entry: &str) -> (Vec<&'static str>, &'static str) {
    let row = PAGE.lines().find_map(|row| row.strip_prefix(&format!("| {entry} | "))).unwrap();
    let (reports, forwards) = row.split_once(" |").unwrap();
    (reports.split(", ").collect(), forwards.trim().trim_end_matches('|').trim())
}

/// Everything that has been reported, as "entry code".
type Seen = BTreeSet<String>;

/// Takes the one report of a failed call, and compares it with the page.
fn reported(seen: &mut Seen, entry: &str, what: &str) -> HRESULT {
    let reports = heard();
    let [report] = &reports[..] else { panic!("{entry}, {what}: {reports:?}") };
    assert_eq!(report.function, entry, "{what}");
    let ((reports, forwards), code) = (row(entry), name(report.hresult));
    let is_callbacks = reports.contains(&"and any code of a callback");
    assert!(reports.contains(&code.as_str()) || is_callbacks, "{entry} reports {code}: {what}");
    let expected = if forwards == code { SOFTCP_REPORT_FORWARD } else { 0 };
    assert_eq!(report.flags, expected, "{entry} {code}: {what}");
    seen.insert(format!("{entry} {code}"));
    report.hresult
}

fn stale() -> TestSession {
    TestSession::holding(0x5A5A)
}

fn certificate_info(crypto_type: GUID) -> D3D11_1DDI_CERTIFICATE_INFO {
    D3D11_1DDI_CERTIFICATE_INFO {
        CertificateType: D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
        u: D3D11_1DDI_CERTIFICATE_INFO_U { CryptoSessionType: crypto_type },
    }
}

fn certificate_size(device: &TestDevice, crypto_type: GUID) {
    let (info, mut size) = (certificate_info(crypto_type), 9);
    // SAFETY: information and output live past the call.
    unsafe { device.table.pfnGetCertificateSize.unwrap()(device.h_device, &raw const info, &raw mut size) };
    assert_eq!(size, 0);
}

fn certificate(device: &TestDevice, crypto_type: GUID) {
    let (info, mut bytes) = (certificate_info(crypto_type), [7; 3]);
    // SAFETY: information and output live past the call.
    unsafe { device.table.pfnGetCertificate.unwrap()(device.h_device, &raw const info, 3, bytes.as_mut_ptr()) };
    assert_eq!(bytes, [7; 3]);
}

fn private_sizes(device: &TestDevice, exchange: GUID, input: *mut u32) {
    let (crypto_type, mut output) = (D3D11_CRYPTO_TYPE_AES128_CTR, 9);
    let entry = device.table.pfnGetCryptoSessionPrivateDataSize.unwrap();
    // SAFETY: GUIDs and outputs live past the call, or are null.
    unsafe { entry(device.h_device, &raw const crypto_type, null(), &raw const exchange, input, &raw mut output) };
    assert_eq!(output, 0);
}

fn set_hardware_protection(device: &TestDevice, resource: usize) {
    // SAFETY: a string; the entry has this type.
    let entry = unsafe { softcp_ddi_entry(c"pfnSetHardwareProtection".as_ptr()) };
    // SAFETY: a function's address, or null, which is none.
    let entry: PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION = unsafe { std::mem::transmute(entry) };
    let resource = D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(resource) };
    // SAFETY: the resource is the host's number.
    unsafe { entry.unwrap()(device.h_device, resource, 1) };
}

fn destroy_channel(device: &TestDevice, id: &mut usize) {
    let channel = D3D11_1DDI_HAUTHCHANNEL { pDrvPrivate: std::ptr::from_mut(id).cast() };
    // SAFETY: the private memory lives past the call.
    unsafe { device.table.pfnDestroyAuthenticatedChannel.unwrap()(device.h_device, channel) };
}

/// A blit of two buffers; with `size` another size of the destination.
fn decrypt(device: &TestDevice, session: &TestSession, size: usize, map: HRESULT) {
    let (source, destination) = (device.host.buffer(32), device.host.buffer(size));
    source.set_map_result(map);
    device.decryption_blt(session, source.handle(), destination.handle(), &Decryption::with_iv(&[1; 16]));
}

fn encrypt(device: &TestDevice, session: &TestSession, map: HRESULT) {
    let (source, destination) = (device.host.buffer(32), device.host.buffer(32));
    source.set_map_result(map);
    device.encryption_blt(session, source.handle(), destination.handle(), &mut [0; 16]);
}

fn inject(device: &TestDevice, text: &str) {
    let text = CString::new(text).unwrap();
    // SAFETY: the device and the string live.
    assert_eq!(unsafe { softcp_inject_fault(device.as_ptr(), text.as_ptr()) }, S_OK);
}

fn clear(device: &TestDevice) {
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_clear_faults(device.as_ptr()) }, S_OK);
}

/// Calls that fail on a device that is there.
fn failures(seen: &mut Seen) {
    let device = device_with(OPTIONS);
    let keyless = device.create_session();
    let (keyed, _) = device.keyed_session(&device.certificate());
    assert_eq!(heard(), []);

    device.destroy_session(&stale());
    reported(seen, "DestroyCryptoSession", "stale");
    destroy_channel(&device, &mut 0x5A5A);
    reported(seen, "DestroyAuthenticatedChannel", "stale");

    let unknown = GUID::from_u128(1);
    certificate_size(&device, unknown);
    reported(seen, "GetCertificateSize", "unknown type");
    certificate(&device, unknown);
    reported(seen, "GetCertificate", "unknown type");
    certificate(&device, D3D11_CRYPTO_TYPE_AES128_CTR);
    reported(seen, "GetCertificate", "another size");
    let mut size = 9;
    // SAFETY: the output lives past the call; null is refused.
    unsafe { device.table.pfnGetCertificateSize.unwrap()(device.h_device, null(), &raw mut size) };
    reported(seen, "GetCertificateSize", "null");

    for (what, session) in [("stale", &stale()), ("no key", &keyless)] {
        decrypt(&device, session, 32, S_OK);
        reported(seen, "DecryptionBlt", what);
        encrypt(&device, session, S_OK);
        reported(seen, "EncryptionBlt", what);
        device.start_refresh(session, &mut [0; 16]);
        reported(seen, "StartSessionKeyRefresh", what);
        device.finish_refresh(session);
        reported(seen, "FinishSessionKeyRefresh", what);
        device.encryption_blt_key(session, &mut [0; 16]);
        reported(seen, "GetEncryptionBltKey", what);
    }
    device.start_refresh(&keyed, &mut [0; 15]);
    reported(seen, "StartSessionKeyRefresh", "15 bytes");
    device.finish_refresh(&keyed);
    reported(seen, "FinishSessionKeyRefresh", "none pending");
    decrypt(&device, &keyed, 31, S_OK);
    reported(seen, "DecryptionBlt", "sizes");
    encrypt(&device, &keyed, S_OK);
    reported(seen, "EncryptionBlt", "no read-back key");
    inject(&device, "refresh-refused");
    device.start_refresh(&keyed, &mut [0; 16]);
    assert_eq!(reported(seen, "StartSessionKeyRefresh", "refused"), E_FAIL);
    clear(&device);

    // SAFETY: the private memory lives past the call; null is refused.
    unsafe { device.table.pfnCheckCryptoSessionStatus.unwrap()(device.h_device, keyed.handle(), null_mut()) };
    reported(seen, "CheckCryptoSessionStatus", "null");
    private_sizes(&device, unknown, &mut 9);
    reported(seen, "GetCryptoSessionPrivateDataSize", "unknown type");
    private_sizes(&device, D3D11_KEY_EXCHANGE_RSAES_OAEP, null_mut());
    reported(seen, "GetCryptoSessionPrivateDataSize", "null");
    set_hardware_protection(&device, 0);
    reported(seen, "SetHardwareProtection", "null");

    // Codes of callbacks, a removal of theirs among them.
    for code in [HOST_FAILURE, D3DDDIERR_DEVICEREMOVED] {
        decrypt(&device, &keyed, 32, code);
        assert_eq!(reported(seen, "DecryptionBlt", "map"), code);
        encrypt(&device, &keyed, code);
        assert_eq!(reported(seen, "EncryptionBlt", "map"), code);
        ANSWER.set(code);
        set_hardware_protection(&device, 16);
        assert_eq!(reported(seen, "SetHardwareProtection", "callback"), code);
    }
    assert_eq!(heard(), []);
}

/// Calls that the profile does not offer, or that protection refuses.
fn refusals(seen: &mut Seen) {
    let none = ["decryption_blt", "encrypted_read_back", "encrypted_read_back_key", "freshen_session_key"]
        .map(|flag| format!("capabilities.flags.{flag}=false"))
        .join(";");
    let device = device_with(&none);
    let (keyed, _) = device.keyed_session(&device.certificate());
    decrypt(&device, &keyed, 32, S_OK);
    reported(seen, "DecryptionBlt", "not offered");
    encrypt(&device, &keyed, S_OK);
    reported(seen, "EncryptionBlt", "not offered");
    device.start_refresh(&keyed, &mut [0; 16]);
    reported(seen, "StartSessionKeyRefresh", "not offered");
    device.finish_refresh(&keyed);
    reported(seen, "FinishSessionKeyRefresh", "not offered");
    device.encryption_blt_key(&keyed, &mut [0; 16]);
    reported(seen, "GetEncryptionBltKey", "not offered");
    set_hardware_protection(&device, 16);
    reported(seen, "SetHardwareProtection", "not offered");

    let device = device_with("capabilities.flags.protection_always_on=true;test.first_read_back_iv=0xFFFFFFFFFFFFFFFF");
    let (keyed, _) = device.keyed_session(&device.certificate());
    device.encryption_blt_key(&keyed, &mut [0; 16]);
    decrypt(&device, &keyed, 32, S_OK);
    reported(seen, "DecryptionBlt", "not protected");
    encrypt(&device, &keyed, S_OK);
    reported(seen, "EncryptionBlt", "not protected");
}

/// Every entry on a device that the host has lost; those that destroy report nothing.
fn removals(seen: &mut Seen) {
    let device = device_with(OPTIONS);
    let (keyed, _) = device.keyed_session(&device.certificate());
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_device_removed(device.as_ptr()) }, S_OK);
    let size = std::cell::Cell::new(9);
    let calls: [(&str, &dyn Fn()); 10] = [
        ("GetCertificateSize", &|| certificate_size(&device, D3D11_CRYPTO_TYPE_AES128_CTR)),
        ("GetCertificate", &|| certificate(&device, D3D11_CRYPTO_TYPE_AES128_CTR)),
        ("DecryptionBlt", &|| decrypt(&device, &keyed, 32, S_OK)),
        ("EncryptionBlt", &|| encrypt(&device, &keyed, S_OK)),
        ("StartSessionKeyRefresh", &|| assert_eq!(device.start_refresh(&keyed, &mut [0; 16]), S_OK)),
        ("FinishSessionKeyRefresh", &|| assert_eq!(device.finish_refresh(&keyed), S_OK)),
        ("GetEncryptionBltKey", &|| assert_eq!(device.encryption_blt_key(&keyed, &mut [0; 16]), S_OK)),
        ("CheckCryptoSessionStatus", &|| assert_eq!(device.status_of(&keyed), (S_OK, 0))),
        ("GetCryptoSessionPrivateDataSize", &|| {
            private_sizes(&device, D3D11_KEY_EXCHANGE_RSAES_OAEP, size.as_ptr());
        }),
        ("SetHardwareProtection", &|| set_hardware_protection(&device, 16)),
    ];
    for (entry, call) in calls {
        call();
        assert_eq!(reported(seen, entry, "removed"), D3DDDIERR_DEVICEREMOVED);
    }
    assert_eq!(size.get(), 0);
    device.destroy_session(&keyed);
    destroy_channel(&device, &mut 0);
    assert_eq!(heard(), []);
}

/// Read-back IVs come to their end.
fn defects(seen: &mut Seen) {
    let device = device_with("test.first_read_back_iv=0xFFFFFFFFFFFFFFFF");
    let (keyed, _) = device.keyed_session(&device.certificate());
    device.encryption_blt_key(&keyed, &mut [0; 16]);
    encrypt(&device, &keyed, S_OK);
    assert_eq!(heard(), []);
    encrypt(&device, &keyed, S_OK);
    assert_eq!(reported(seen, "EncryptionBlt", "no IV left"), E_FAIL);
}

#[test]
fn every_entry_reports_what_the_page_says_with_the_flag_that_it_says() {
    let mut seen = Seen::new();
    failures(&mut seen);
    refusals(&mut seen);
    removals(&mut seen);
    defects(&mut seen);
    // All that can be provoked has been. E_FAIL is a defect, but for these; the limit of keys takes 65,536 of them.
    let expected: BTreeSet<_> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | E_INVALIDARG"))
        .flat_map(|(entry, _)| row(entry).0.into_iter().map(move |code| format!("{entry} {code}")))
        .filter(|pair| !pair.ends_with("E_FAIL") && !pair.ends_with("E_OUTOFMEMORY"))
        .map(|pair| pair.replace("and any code of a callback", &name(HOST_FAILURE)))
        .chain(["EncryptionBlt E_FAIL".to_owned(), "StartSessionKeyRefresh E_FAIL".to_owned()])
        .collect();
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
}

/// Callers that were built before the new callback: what lies behind their structure is not called.
#[test]
fn host_of_before_the_flag_has_report_error_and_a_newer_one_has_the_new_callback_alone() {
    let adapter = TestAdapter::new("");
    let mut device = TestDevice::new(&adapter);
    let session = device.create_session();
    let whole = softcp_host { report_error2: Some(report_error2), ..Host::callbacks(&device.host) };
    for (size, calls) in [(offset_of!(softcp_host, report_error2), (1, 0)), (size_of::<softcp_host>(), (0, 1))] {
        device.replace(&adapter, &softcp_host { size: u32::try_from(size).unwrap(), ..whole });
        device.finish_refresh_unobserved(&session);
        assert_eq!((device.host.take_reports().len(), heard().len()), calls, "{size}");
    }
    // Without either, nothing is called.
    device.replace(&adapter, &softcp_host { report_error: None, ..Host::callbacks(&device.host) });
    device.finish_refresh_unobserved(&session);
    assert_eq!((device.host.take_reports().len(), heard().len()), (0, 0));
}
