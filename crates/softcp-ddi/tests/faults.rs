//! Faults on purpose through the table: what the entries return or report, what the host hears, and an application that
//! goes on. What each fault does is tested with the engine; wrong OMACs are with the channels.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::cell::RefCell;
use std::ffi::{CString, c_void};
use std::ptr::null;
use std::time::{Duration, Instant};

use common::host::Host;
use common::{Block, Decryption, FILL, TestAdapter, TestDevice, TestSession, decrypts};
use softcp_abi::{
    D3DDDIERR_DEVICEREMOVED, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_FAIL, E_INVALIDARG, E_NOTIMPL,
    E_OUTOFMEMORY, HRESULT, S_OK,
};
use softcp_client::{
    CertificateChain, ChainError, ClientSession, KeyExchange, SystemRandom, TrustAnchors, UnixTime, VerifiedCertificate,
};
use softcp_ddi::core::caps::{softcp_caps, softcp_content_protection_caps, softcp_key_exchange_type};
use softcp_ddi::core::channel::{softcp_channel_certificate, softcp_channel_certificate_size};
use softcp_ddi::core::decoder::softcp_decoder_register;
use softcp_ddi::core::device::{softcp_protected_memory_release, softcp_protected_memory_reserve};
use softcp_ddi::core::faults::{softcp_clear_faults, softcp_inject_fault};
use softcp_ddi::core::hardware::softcp_private_data_sizes;
use softcp_ddi::core::session::{
    SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST, SOFTCP_SESSION_STATUS_KEY_LOST, SOFTCP_SESSION_STATUS_OK,
    softcp_session_certificate, softcp_session_certificate_size,
};
use softcp_ddi::core::types::softcp_guid;

const OPT_IN: &str = "faults.opt_in=true";

thread_local! {
    /// What the host of this test has heard: session and status.
    static HEARD: RefCell<Vec<(usize, u32)>> = const { RefCell::new(Vec::new()) };
}

unsafe extern "C" fn teardown(_context: *mut c_void, session: usize, status: u32) {
    HEARD.with_borrow_mut(|heard| heard.push((session, status)));
}

fn heard() -> Vec<(usize, u32)> {
    HEARD.take()
}

/// A device whose host hears of teardowns.
fn listening() -> TestDevice {
    let adapter = TestAdapter::new(OPT_IN);
    let mut device = TestDevice::new(&adapter);
    let callbacks = softcp_ddi::softcp_host { teardown: Some(teardown), ..Host::callbacks(&device.host) };
    device.replace(&adapter, &callbacks);
    device
}

fn inject(device: &TestDevice, text: &str) -> HRESULT {
    let text = CString::new(text).unwrap();
    // SAFETY: the device and the string live.
    unsafe { softcp_inject_fault(device.as_ptr(), text.as_ptr()) }
}

/// A new key exchange on a session that has lost its key.
fn renegotiate(device: &TestDevice, session: &TestSession, certificate: &VerifiedCertificate) -> ClientSession {
    let exchange = KeyExchange::new(certificate, &SystemRandom).unwrap();
    assert_eq!(device.negotiate(session, exchange.message().as_bytes()), S_OK);
    ClientSession::new(exchange)
}

/// Each entry that a loss can come with, on a session with a key, a read-back key and a refresh begun.
type Entry = fn(&TestDevice, &TestSession) -> HRESULT;
const ENTRIES: [(&str, Entry); 5] = [
    ("DecryptionBlt", |device, session| {
        let (source, destination) = (device.host.buffer(32), device.host.buffer(32));
        destination.set_bytes(&[FILL; 32]);
        let blit = Decryption::with_iv(&[1; 16]);
        let hresult = device.decryption_blt(session, source.handle(), destination.handle(), &blit);
        assert!(hresult == S_OK || destination.bytes() == [FILL; 32]);
        hresult
    }),
    ("EncryptionBlt", |device, session| {
        let (source, destination) = (device.host.buffer(32), device.host.buffer(32));
        destination.set_bytes(&[FILL; 32]);
        let mut iv = [FILL; 16];
        let hresult = device.encryption_blt(session, source.handle(), destination.handle(), &mut iv);
        assert!(hresult == S_OK || (destination.bytes() == [FILL; 32] && iv == [FILL; 16]));
        hresult
    }),
    ("GetEncryptionBltKey", |device, session| untouched(|key| device.encryption_blt_key(session, key))),
    ("StartSessionKeyRefresh", |device, session| untouched(|number| device.start_refresh(session, number))),
    ("FinishSessionKeyRefresh", |device, session| device.finish_refresh(session)),
];

/// What a call returns that leaves its output alone if it fails (D30).
fn untouched(call: impl FnOnce(&mut Block) -> HRESULT) -> HRESULT {
    let mut out = [FILL; 16];
    let hresult = call(&mut out);
    assert!(hresult == S_OK || out == [FILL; 16]);
    hresult
}

#[test]
fn a_loss_is_a_teardown_that_the_host_hears_of_and_an_application_recovers_from() {
    for (fault, status) in [
        ("key-lost", SOFTCP_SESSION_STATUS_KEY_LOST),
        ("key-and-content-lost", SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST),
    ] {
        for (name, entry) in ENTRIES {
            let device = listening();
            let certificate = device.certificate();
            let (session, client) = device.keyed_session(&certificate);
            let (other, _) = device.keyed_session(&certificate);
            assert!(decrypts(&device, &session, &client));
            assert_eq!(device.encryption_blt_key(&session, &mut [0; 16]), S_OK);
            assert_eq!(device.start_refresh(&session, &mut [0; 16]), S_OK);
            assert_eq!(inject(&device, fault), S_OK);
            assert_eq!((entry(&device, &session), heard()), (D3DERR_INVALIDCALL, vec![(0, status)]), "{name}");
            for lost in [&session, &other] {
                assert_eq!(device.status_of(lost), (S_OK, status), "{name}");
                assert_eq!((entry(&device, lost), heard()), (D3DERR_INVALIDCALL, vec![]), "{name}");
                let client = renegotiate(&device, lost, &certificate);
                assert_eq!(device.status_of(lost), (S_OK, SOFTCP_SESSION_STATUS_OK));
                assert!(decrypts(&device, lost, &client), "{name}");
            }
        }
    }
}

#[test]
fn a_removed_device_reports_it_until_there_is_a_new_one() {
    let adapter = TestAdapter::new(OPT_IN);
    let device = TestDevice::new(&adapter);
    let certificate = device.certificate();
    let (session, _) = device.keyed_session(&certificate);
    assert_eq!(inject(&device, "device-removed"), S_OK);
    for (name, entry) in ENTRIES {
        assert_eq!(entry(&device, &session), D3DDDIERR_DEVICEREMOVED, "{name}");
    }
    let unborn = TestSession::holding(usize::MAX);
    assert_eq!((device.create_in(&unborn), unborn.id()), (D3DDDIERR_DEVICEREMOVED, 0));
    assert_eq!(device.status_of(&session), (D3DDDIERR_DEVICEREMOVED, SOFTCP_SESSION_STATUS_OK));
    assert_eq!(device.handle_of(&session), (D3DDDIERR_DEVICEREMOVED, 0));
    nothing_of_the_adapter_is_told(&device);
    assert_eq!(device.destroy_session(&session), S_OK);
    drop(device);
    let device = TestDevice::new(&adapter);
    let (session, client) = device.keyed_session(&certificate);
    assert!(decrypts(&device, &session, &client));
}

/// Every entry that the adapter would answer, and every core function of the kind, says that the device is gone (D36);
/// outputs are as D30 says.
fn nothing_of_the_adapter_is_told(device: &TestDevice) {
    let (table, h_device) = (&device.table, device.h_device);
    let (aes, rsa) = (softcp_abi::D3D11_CRYPTO_TYPE_AES128_CTR, softcp_abi::D3D11_KEY_EXCHANGE_RSAES_OAEP);
    let mut caps = softcp_abi::D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS { Caps: 7, ..Default::default() };
    // SAFETY: GUIDs and outputs live past the calls here and below.
    let hresult =
        unsafe { table.pfnGetContentProtectionCaps.unwrap()(h_device, &raw const aes, null(), &raw mut caps) };
    assert_eq!((hresult, caps), (D3DDDIERR_DEVICEREMOVED, softcp_abi::D3D11_VIDEO_CONTENT_PROTECTION_CAPS::default()));
    let mut exchange = aes;
    let get_type = table.pfnGetCryptoKeyExchangeType.unwrap();
    // SAFETY: as above.
    let hresult = unsafe { get_type(h_device, &raw const aes, null(), 0, &raw mut exchange) };
    assert_eq!((hresult, exchange), (D3DDDIERR_DEVICEREMOVED, softcp_abi::GUID_NULL));
    let reported = |name: &str| match &*device.host.take_reports() {
        [report] => {
            assert_eq!(report.function, name);
            report.hresult
        }
        other => panic!("{name}: {other:?}"),
    };
    let info = softcp_abi::D3D11_1DDI_CERTIFICATE_INFO {
        CertificateType: softcp_abi::D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
        u: softcp_abi::D3D11_1DDI_CERTIFICATE_INFO_U { CryptoSessionType: aes },
    };
    let mut size = 7;
    // SAFETY: as above.
    unsafe { table.pfnGetCertificateSize.unwrap()(h_device, &raw const info, &raw mut size) };
    assert_eq!((reported("GetCertificateSize"), size), (D3DDDIERR_DEVICEREMOVED, 0));
    let mut certificate = [FILL; 64];
    // SAFETY: as above; the buffer has this size.
    unsafe { table.pfnGetCertificate.unwrap()(h_device, &raw const info, 64, certificate.as_mut_ptr()) };
    assert_eq!((reported("GetCertificate"), certificate), (D3DDDIERR_DEVICEREMOVED, [FILL; 64]));
    let mut sizes = [7, 7];
    let [input, output] = sizes.each_mut().map(std::ptr::from_mut);
    let private = table.pfnGetCryptoSessionPrivateDataSize.unwrap();
    // SAFETY: as above.
    unsafe { private(h_device, &raw const aes, null(), &raw const rsa, input, output) };
    assert_eq!((reported("GetCryptoSessionPrivateDataSize"), sizes), (D3DDDIERR_DEVICEREMOVED, [0, 0]));

    let (aes, rsa) = (softcp_guid::from(aes), softcp_guid::from(rsa));
    let (pointer, mut number, mut guid) = (device.as_ptr(), 7, aes);
    let mut caps = softcp_content_protection_caps { caps: 7, ..Default::default() };
    // SAFETY: the device lives, GUIDs and outputs live past the calls.
    #[allow(clippy::multiple_unsafe_ops_per_block, reason = "one reason for all of them")]
    let answers = unsafe {
        [
            softcp_caps(pointer, &raw const aes, null(), &raw mut caps),
            softcp_key_exchange_type(pointer, &raw const aes, null(), 0, &raw mut guid),
            softcp_session_certificate_size(pointer, &raw const aes, &raw mut number),
            softcp_session_certificate(pointer, &raw const aes, 64, certificate.as_mut_ptr().cast()),
            softcp_channel_certificate_size(pointer, 2, &raw mut number),
            softcp_channel_certificate(pointer, 2, 64, certificate.as_mut_ptr().cast()),
            softcp_private_data_sizes(pointer, &raw const aes, null(), &raw const rsa, input, output),
            softcp_protected_memory_reserve(pointer, 1),
        ]
    };
    assert_eq!(answers, [D3DDDIERR_DEVICEREMOVED; 8]);
    assert_eq!((caps, guid, number), (softcp_content_protection_caps::default(), softcp_guid::default(), 0));
    assert_eq!(certificate, [FILL; 64]);
    let mut decoder = 7;
    // SAFETY: as above.
    let hresult = unsafe { softcp_decoder_register(pointer, null(), &raw mut decoder) };
    assert_eq!((hresult, decoder), (D3DDDIERR_DEVICEREMOVED, 0));
    // Giving back goes on.
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_protected_memory_release(pointer, 0) }, S_OK);
}

#[test]
fn creation_fails_without_a_handle_and_succeeds_when_tried_again() {
    for (fault, expected) in [("out-of-memory", E_OUTOFMEMORY), ("unsupported-crypto", D3DERR_UNSUPPORTEDCRYPTO)] {
        let device = TestDevice::alone(OPT_IN);
        assert_eq!(inject(&device, fault), S_OK);
        let session = TestSession::holding(usize::MAX);
        assert_eq!((device.create_in(&session), session.id()), (expected, 0));
        assert_eq!(device.destroy_session(&session), S_OK);
        let (session, client) = device.keyed_session(&device.certificate());
        assert!(decrypts(&device, &session, &client));
    }
}

#[test]
fn exhausted_protected_memory_is_there_at_the_next_try() {
    let device = TestDevice::alone(OPT_IN);
    assert_eq!(inject(&device, "protected-memory-exhausted"), S_OK);
    // SAFETY: the device lives.
    let reserve = || unsafe { softcp_protected_memory_reserve(device.as_ptr(), 64) };
    assert_eq!([reserve(), reserve()], [E_OUTOFMEMORY, S_OK]);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_protected_memory_release(device.as_ptr(), 64) }, S_OK);
}

#[test]
fn a_faulty_chain_has_the_size_that_was_said_and_is_refused() {
    let device = TestDevice::alone(OPT_IN);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity/root.pem");
    let roots = TrustAnchors::from_pem(&std::fs::read(root).unwrap()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
    let check = || CertificateChain::parse(&device.certificate_bytes()).unwrap().verify(&roots, now).map(|_| ());
    for fault in ["certificate-expired", "certificate-wrong-root", "certificate-wrong-key"] {
        assert_eq!(inject(&device, fault), S_OK);
        let refused = check();
        let is_reason = match fault {
            "certificate-expired" => matches!(refused, Err(ChainError::Expired { .. })),
            "certificate-wrong-root" => matches!(refused, Err(ChainError::UnknownIssuer { .. })),
            _ => matches!(refused, Err(ChainError::BadSignature { .. })),
        };
        assert!(is_reason, "{fault}: {refused:?}");
        check().unwrap();
    }
}

#[test]
fn a_revoked_chain_has_the_size_that_was_said_and_is_refused() {
    // The identity that is made in memory has a list; its root comes with the chain.
    let in_memory = TestAdapter::with_options(OPT_IN);
    let device = TestDevice::new(&in_memory);
    let genuine = CertificateChain::parse(&device.certificate_bytes()).unwrap();
    let roots = TrustAnchors::from_der(genuine.certificates()[1].der()).unwrap();
    let check = || CertificateChain::parse(&device.certificate_bytes()).unwrap().verify(&roots, UnixTime::now());
    assert_eq!(inject(&device, "certificate-revoked"), S_OK);
    let refused = check();
    assert!(matches!(refused, Err(ChainError::Revoked { .. })), "{refused:?}");
    check().unwrap();
}

#[test]
fn a_revocation_that_cannot_be_shown_cannot_be_set() {
    let no_list = TestDevice::alone(OPT_IN);
    let no_place = TestAdapter::with_options("faults.opt_in=true;identity.encoding=der");
    for device in [no_list, TestDevice::new(&no_place)] {
        assert_eq!(inject(&device, "certificate-revoked"), E_NOTIMPL);
        assert_eq!(inject(&device, "certificate-expired"), S_OK);
    }
}

#[test]
fn a_slow_key_exchange_takes_longer_and_succeeds() {
    let device = TestDevice::alone("faults.list=slow-key-exchange delay=40ms");
    let certificate = device.certificate();
    let begin = Instant::now();
    let (session, client) = device.keyed_session(&certificate);
    assert!(begin.elapsed() >= Duration::from_millis(40));
    assert!(decrypts(&device, &session, &client));
}

#[test]
fn a_refused_refresh_leaves_the_key_and_a_repeated_number_is_seen() {
    let device = TestDevice::alone("faults.list=refresh-refused,repeated-random-number");
    let (session, mut client) = device.keyed_session(&device.certificate());
    assert_eq!(untouched(|number| device.start_refresh(&session, number)), E_FAIL);
    assert_eq!(device.finish_refresh(&session), D3DERR_INVALIDCALL);
    assert!(decrypts(&device, &session, &client));
    let mut last = [0; 16];
    for repeats in [false, true, false] {
        let mut number = [0; 16];
        assert_eq!(device.start_refresh(&session, &mut number), S_OK);
        assert_eq!(number == last, repeats);
        while number == last {
            // Finishing would bring the old key back: a newer number replaces this one (D2).
            assert_eq!(device.start_refresh(&session, &mut number), S_OK);
        }
        client.start_refresh(number);
        assert_eq!(device.finish_refresh(&session), S_OK);
        client.finish_refresh().unwrap();
        assert!(decrypts(&device, &session, &client));
        last = number;
    }
}

#[test]
fn faults_are_switched_only_where_that_is_allowed() {
    let device = TestDevice::alone("");
    assert_eq!(inject(&device, "key-lost"), E_NOTIMPL);
    // SAFETY: the device lives.
    let clear = |device: &TestDevice| unsafe { softcp_clear_faults(device.as_ptr()) };
    assert_eq!(clear(&device), E_NOTIMPL);
    let device = TestDevice::alone(OPT_IN);
    for bad in ["", "key-lots", "key-lost at=0", "key-lost every=1 delay=1s"] {
        assert_eq!(inject(&device, bad), E_INVALIDARG, "{bad}");
    }
    // SAFETY: the device lives; null is refused.
    assert_eq!(unsafe { softcp_inject_fault(device.as_ptr(), null()) }, E_INVALIDARG);
    // SAFETY: a null device is refused too.
    assert_eq!(unsafe { softcp_inject_fault(null(), null()) }, E_INVALIDARG);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_clear_faults(null()) }, E_INVALIDARG);
    assert_eq!(inject(&device, "key-lost every=1"), S_OK);
    assert_eq!(clear(&device), S_OK);
    let (session, client) = device.keyed_session(&device.certificate());
    assert!(decrypts(&device, &session, &client));
}
