//! Calls through the table: what arrives at the driver, and what comes back.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use std::ffi::CString;

use fake::{Behaviour, behave, device, log, open_driver};
use softcp_abi::{D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO, E_FAIL, E_INVALIDARG, E_OUTOFMEMORY, GUID, GUID_NULL};
use softcp_runtime::{
    CertificateOf, CryptoSessionDesc, Device, EncryptedBlockInfo, Error, HResult, Input, Output, PrivateMemory,
    ResourceDesc, ResourceHandle, Session, SessionHandle, SessionStatus,
};

const CRYPTO: GUID = GUID::from_u128(5 << 96);

const DESC: CryptoSessionDesc =
    CryptoSessionDesc { crypto_type: CRYPTO, decode_profile: GUID_NULL, key_exchange_type: GUID::from_u128(6 << 96) };

fn session(device: &Device) -> Session {
    let session = device.create_session(&DESC).unwrap();
    log();
    session
}

fn driver_error(error: Error) -> softcp_runtime::DriverError {
    match error {
        Error::Driver(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn session_outlives_driver_and_device_values_and_ends_before_them() {
    let driver = open_driver(Behaviour::default(), "").unwrap();
    let device = driver.create_device().unwrap();
    let session = device.create_session(&DESC).unwrap();
    let resource = device.create_resource(&ResourceDesc::buffer(8)).unwrap();
    drop(driver);
    drop(device);
    assert_eq!(
        log(),
        [
            "open none",
            "create_device",
            "retrieve_sub_object 6",
            "CreateCryptoSession 5 6",
            "create_resource 8x1/0 flags 0 format 0"
        ]
    );
    drop(session);
    assert_eq!(log(), ["DestroyCryptoSession 300"]);
    drop(resource);
    assert_eq!(log(), ["destroy_resource 208", "destroy_device 100", "close 77"]);
}

#[test]
fn session_that_cannot_be_created_is_not_destroyed() {
    let device =
        device(Behaviour { returns: vec![("CreateCryptoSession", D3DERR_UNSUPPORTEDCRYPTO)], ..Behaviour::default() });
    let error = driver_error(device.create_session(&DESC).unwrap_err());
    assert_eq!((error.function, error.hresult), ("CreateCryptoSession", HResult(D3DERR_UNSUPPORTEDCRYPTO)));
    assert_eq!(log(), ["CreateCryptoSession 5 6"]);
}

#[test]
fn decryption_blt_passes_every_argument() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    let [source, destination] = [1, 2].map(|bytes| device.create_resource(&ResourceDesc::buffer(bytes)).unwrap());
    log();
    let info = EncryptedBlockInfo { at_beginning: 16, skip: 32, encrypt: 48 };
    session.decryption_blt(&source, &destination, Some(info), Some(&[0xaa, 0xbb]), &[0xcc; 16]).unwrap();
    session.decryption_blt(&destination, &source, None, None, &[0; 16]).unwrap();
    assert_eq!(
        log(),
        [
            "DecryptionBlt 300 201 202 [16, 32, 48] aabb cccccccccccccccccccccccccccccccc",
            "DecryptionBlt 300 202 201 null null/0 00000000000000000000000000000000"
        ]
    );
}

#[test]
fn outputs_of_session_calls_come_back() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    let resource = device.create_resource(&ResourceDesc::buffer(1)).unwrap();
    log();
    session.negotiate(&[1, 2, 3]).unwrap();
    assert_eq!(session.encryption_blt(&resource, &resource).unwrap(), [0x11; 16]);
    assert_eq!(session.start_key_refresh().unwrap(), [0x22; 16]);
    session.finish_key_refresh().unwrap();
    assert_eq!(session.encryption_blt_key().unwrap(), [0x33; 16]);
    assert_eq!(session.handle_value().unwrap(), 400);
    assert_eq!(
        log(),
        [
            "NegotiateCryptoSessionKeyExchange 300 010203",
            "EncryptionBlt 300 201 201 16",
            "StartSessionKeyRefresh 300 16",
            "FinishSessionKeyRefresh 300",
            "GetEncryptionBltKey 300 16",
            "CryptoSessionGetHandle 300"
        ]
    );
}

#[test]
fn status_values_have_names() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    for (value, status) in [
        (0, SessionStatus::Ok),
        (1, SessionStatus::KeyLost),
        (2, SessionStatus::KeyAndContentLost),
        (3, SessionStatus::Other(3)),
    ] {
        behave(|behaviour| behaviour.status = value);
        assert_eq!(session.status().unwrap(), status);
    }
}

#[test]
fn status_of_an_old_table_is_a_missing_entry() {
    let driver = open_driver(Behaviour::default(), "").unwrap();
    let mut session = driver.create_device_with_table(2).unwrap().create_session(&DESC).unwrap();
    assert!(matches!(session.status(), Err(Error::MissingEntry { function: "CheckCryptoSessionStatus" })));
}

#[test]
fn entry_that_is_not_offered_is_named() {
    let device = device(Behaviour { missing: "DecryptionBlt", ..Behaviour::default() });
    let mut session = session(&device);
    let resource = device.create_resource(&ResourceDesc::buffer(1)).unwrap();
    let error = session.decryption_blt(&resource, &resource, None, None, &[0; 16]).unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "DecryptionBlt" }), "{error}");
}

#[test]
fn report_of_a_void_entry_is_its_error_once() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    let report = |function, text: Option<&str>| {
        let text = text.map(|text| CString::new(text).unwrap());
        ("FinishSessionKeyRefresh", function, D3DERR_INVALIDCALL, text)
    };
    for (planned, text) in [
        (report(Some(c"FinishSessionKeyRefresh"), Some("nothing to finish")), "nothing to finish"),
        (report(Some(c"softcp_session_finish_key_refresh"), Some("x")), "softcp_session_finish_key_refresh: x"),
        (report(None, None), ""),
    ] {
        behave(|behaviour| behaviour.reports = vec![planned]);
        let error = driver_error(session.finish_key_refresh().unwrap_err());
        assert_eq!(
            (error.function, error.hresult, error.text.as_str()),
            ("FinishSessionKeyRefresh", HResult(D3DERR_INVALIDCALL), text)
        );
        behave(|behaviour| behaviour.reports.clear());
        session.finish_key_refresh().unwrap();
    }
}

#[test]
fn report_that_no_call_waited_for_is_not_the_error_of_the_next() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    let resource = device.create_resource(&ResourceDesc::buffer(1)).unwrap();
    behave(|behaviour| behaviour.reports = vec![("destroy_resource", None, E_FAIL, None)]);
    drop(resource);
    session.finish_key_refresh().unwrap();
}

#[test]
fn first_of_several_reports_is_the_error_and_all_are_in_the_reply() {
    let device = device(Behaviour::default());
    let session = session(&device);
    let planned = [(E_FAIL, c"cause"), (E_INVALIDARG, c"effect")];
    behave(|behaviour| {
        behaviour.reports = planned
            .iter()
            .map(|(hresult, text)| ("FinishSessionKeyRefresh", None, *hresult, Some((*text).to_owned())))
            .collect();
    });
    let reply = device.calls().finish_session_key_refresh(session.handle()).unwrap();
    assert_eq!((reply.returned, reply.reports.len()), (None, 2));
    assert_eq!(reply.into_result().unwrap_err().text, "cause");
}

#[test]
fn returned_code_decides_and_a_report_gives_the_text() {
    let device = device(Behaviour::default());
    let mut session = session(&device);
    let report = ("NegotiateCryptoSessionKeyExchange", None, E_FAIL, Some(c"not a key".to_owned()));
    behave(|behaviour| {
        behaviour.reports = vec![report];
        behaviour.returns = vec![("NegotiateCryptoSessionKeyExchange", E_INVALIDARG)];
    });
    let error = driver_error(session.negotiate(&[0; 256]).unwrap_err());
    assert_eq!((error.hresult, error.text.as_str()), (HResult(E_INVALIDARG), "not a key"));
    behave(|behaviour| behaviour.returns.clear());
    session.negotiate(&[0; 256]).unwrap();
}

#[test]
fn positive_code_is_no_success() {
    let device = device(Behaviour { returns: vec![("GetContentProtectionCaps", 1)], ..Behaviour::default() });
    let error = driver_error(device.caps(&CRYPTO, &GUID_NULL).unwrap_err());
    assert_eq!(error.hresult, HResult(1));
}

#[test]
fn caps_come_back_as_the_driver_wrote_them() {
    let caps = device(Behaviour::default()).caps(&CRYPTO, &GUID_NULL).unwrap();
    assert_eq!((caps.bits, caps.key_exchange_type_count, caps.block_alignment_size), (0x411, 1, 16));
    assert_eq!(caps.protected_memory_size, 1 << 40);
    assert!(caps.contains(0x401) && !caps.contains(0x402));
}

#[test]
fn key_exchange_types_are_enumerated_to_one_past_the_last() {
    let types = vec![GUID::from_u128(1), GUID::from_u128(2)];
    let device = device(Behaviour { key_exchange_count: 2, key_exchange_types: types.clone(), ..Behaviour::default() });
    assert_eq!(device.key_exchange_types(&CRYPTO, &GUID_NULL).unwrap(), types);
    let calls = log();
    assert_eq!(calls[1..], [0, 1, 2].map(|index| format!("GetCryptoKeyExchangeType {index}")));
}

#[test]
fn key_exchange_count_that_disagrees_is_a_bad_answer() {
    for count in [0, 2, u32::MAX] {
        let device = device(Behaviour { key_exchange_count: count, ..Behaviour::default() });
        let error = device.key_exchange_types(&CRYPTO, &GUID_NULL).unwrap_err();
        assert!(matches!(error, Error::BadAnswer { function: "GetCryptoKeyExchangeType", .. }), "{error}");
    }
}

#[test]
fn certificate_is_asked_for_by_crypto_or_channel_type() {
    let device = device(Behaviour::default());
    assert_eq!(device.certificate(CertificateOf::CryptoSession(CRYPTO)).unwrap(), b"certificate");
    assert_eq!(device.certificate(CertificateOf::AuthenticatedChannel(3)).unwrap(), b"certificate");
    assert_eq!(log(), ["GetCertificateSize 2 5", "GetCertificate 11", "GetCertificateSize 1 3", "GetCertificate 11"]);
}

#[test]
fn certificate_of_an_unbelievable_size_is_not_fetched() {
    for size in [0, (1 << 20) + 1, u32::MAX] {
        let device = device(Behaviour { certificate_size: Some(size), ..Behaviour::default() });
        let error = device.certificate(CertificateOf::CryptoSession(CRYPTO)).unwrap_err();
        assert!(matches!(error, Error::BadAnswer { function: "GetCertificateSize", .. }), "{error}");
        assert_eq!(log(), ["GetCertificateSize 2 5"]);
    }
}

#[test]
fn calls_pass_null_pointers_wrong_sizes_and_dead_sessions_on() {
    let device = device(Behaviour::default());
    let calls = device.calls();
    let memory = PrivateMemory::new(40);
    let session = SessionHandle::of(&memory);
    // SAFETY: the memory is of the size that the driver asks for, new, and outlives the session.
    unsafe { calls.create_crypto_session(Some(&DESC.into()), session) }.unwrap().into_result().unwrap();
    calls.destroy_crypto_session(session).unwrap();
    calls.destroy_crypto_session(session).unwrap();
    log();
    calls.get_content_protection_caps(None, None, None).unwrap();
    calls.start_session_key_refresh(session, Output::Null { size: 16 }).unwrap();
    calls.start_session_key_refresh(session, Output::Bytes(&mut [0; 15])).unwrap();
    calls.get_encryption_blt_key(SessionHandle::NULL, Output::Bytes(&mut [0; 17])).unwrap();
    calls
        .decryption_blt(
            SessionHandle::NULL,
            ResourceHandle::NULL,
            ResourceHandle::NULL,
            None,
            Input::Bytes(&[1]),
            Input::Null { size: 16 },
        )
        .unwrap();
    assert_eq!(
        log(),
        [
            "GetContentProtectionCaps null",
            "StartSessionKeyRefresh 300 null/16",
            "StartSessionKeyRefresh 300 15",
            "GetEncryptionBltKey null 17",
            "DecryptionBlt null 0 0 null 01 null/16"
        ]
    );
}

#[test]
fn resource_description_is_passed_whole() {
    let device = device(Behaviour::default());
    let desc = ResourceDesc {
        extra_planes: [Some(softcp_runtime::PlaneDesc { row_bytes: 10, rows: 2, row_pitch: 32 }), None],
        format: 103,
        multisampled: true,
        ..ResourceDesc::surface(10, 4).protected()
    };
    drop(device.create_resource(&desc).unwrap());
    assert_eq!(log(), ["create_resource 10x4/0+10x2/32 flags 3 format 103", "destroy_resource 210"]);
}

#[test]
fn resource_flags_are_passed_one_by_one() {
    let device = device(Behaviour::default());
    let buffer = ResourceDesc::buffer(10);
    for (desc, flags) in [
        (buffer, 0),
        (buffer.protected(), 1),
        (ResourceDesc { multisampled: true, ..buffer }, 2),
        (buffer.shared(), 4),
        (ResourceDesc { restricted: true, ..buffer }, 8),
        (buffer.restricted(), 12),
        (buffer.restricted().shared(), 4),
        (ResourceDesc { multisampled: true, ..buffer.protected().restricted() }, 15),
    ] {
        drop(device.create_resource(&desc).unwrap());
        assert_eq!(log()[0], format!("create_resource 10x1/0 flags {flags} format 0"));
    }
}

#[test]
fn resource_that_cannot_be_created_is_not_destroyed() {
    let device = device(Behaviour { returns: vec![("create_resource", E_OUTOFMEMORY)], ..Behaviour::default() });
    let error = driver_error(device.create_resource(&ResourceDesc::buffer(1)).unwrap_err());
    assert_eq!(error.hresult, HResult(E_OUTOFMEMORY));
    assert_eq!(log(), ["create_resource 1x1/0 flags 0 format 0"]);
}
