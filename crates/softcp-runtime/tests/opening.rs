//! Loading and opening drivers, and creating devices.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod fake;

use fake::{Behaviour, log, open_driver};
use softcp_abi::{E_FAIL, E_INVALIDARG, E_OUTOFMEMORY};
use softcp_runtime::{Driver, Error, HResult};

#[test]
fn load_of_a_missing_file_names_it() {
    let error = Driver::load("no/such/driver.so", "").unwrap_err();
    assert!(matches!(error, Error::Load { .. }), "{error}");
    assert!(error.to_string().contains("no/such/driver.so"), "{error}");
}

#[test]
fn load_of_a_file_that_is_no_library_is_refused() {
    let error = Driver::load(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), "").unwrap_err();
    assert!(matches!(error, Error::Load { .. }), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn load_of_a_library_without_the_entry_names_it() {
    let error = Driver::load("libc.so.6", "").unwrap_err();
    assert!(matches!(error, Error::NoEntry { .. }), "{error}");
    let names = "exports neither softcp_open_driver nor softcp_open_reference_driver";
    assert!(error.to_string().ends_with(names), "{error}");
}

#[test]
fn open_passes_options_and_keeps_name_and_version() {
    let driver = open_driver(Behaviour::default(), "memory.protected=1").unwrap();
    assert_eq!((driver.name(), driver.version()), ("fake", "0.1"));
    assert_eq!(log(), ["open memory.protected=1"]);
    drop(driver);
    assert_eq!(log(), ["close 77"]);
}

#[test]
fn open_without_options_passes_null() {
    drop(open_driver(Behaviour::default(), "").unwrap());
    assert_eq!(log(), ["open none", "close 77"]);
}

#[test]
fn open_options_with_a_zero_byte_are_refused() {
    let error = open_driver(Behaviour::default(), "a\0b").unwrap_err();
    assert!(matches!(error, Error::OptionsNul(_)), "{error}");
    assert_eq!(log(), [""; 0]);
}

#[test]
fn open_that_fails_gives_hresult_and_text_and_is_not_closed() {
    let behaviour = Behaviour {
        returns: vec![("open", E_INVALIDARG)],
        reports: vec![("open", None, E_INVALIDARG, Some(c"memory.protectd: no such key".to_owned()))],
        ..Behaviour::default()
    };
    let Error::Driver(error) = open_driver(behaviour, "memory.protectd=1").unwrap_err() else { panic!() };
    assert_eq!(
        error.to_string(),
        "softcp_open_reference_driver: E_INVALIDARG (0x80070057): memory.protectd: no such key"
    );
    assert_eq!(log(), ["open memory.protectd=1"]);
}

#[test]
fn open_of_another_interface_version_is_refused_and_nothing_of_it_called() {
    let error = open_driver(Behaviour { interface_version: 2, ..Behaviour::default() }, "").unwrap_err();
    assert!(matches!(error, Error::WrongInterfaceVersion { driver: 2 }), "{error}");
    assert!(error.to_string().contains("version 2"), "{error}");
    assert_eq!(log(), ["open none"]);
}

#[test]
fn open_without_a_name_is_refused_and_closed() {
    let error = open_driver(Behaviour { has_name: false, ..Behaviour::default() }, "").unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert_eq!(log(), ["open none", "close 77"]);
}

#[test]
fn device_uses_the_newest_table_that_the_driver_fills() {
    for (sub_devices, chosen, tried) in [
        (vec![2, 3, 5, 6, 7], 6, vec![6]),
        (vec![2, 3, 5, 7], 7, vec![6, 7]),
        (vec![2, 3, 5], 5, vec![6, 7, 5]),
        (vec![2, 3], 3, vec![6, 7, 5, 3]),
        (vec![2], 2, vec![6, 7, 5, 3, 2]),
    ] {
        let driver = open_driver(Behaviour { sub_devices, ..Behaviour::default() }, "").unwrap();
        log();
        let device = driver.create_device().unwrap();
        assert_eq!(device.sub_device_id(), chosen);
        let calls: Vec<_> = tried.iter().map(|id| format!("retrieve_sub_object {id}")).collect();
        assert_eq!(log()[1..], calls);
    }
}

#[test]
fn device_with_a_chosen_table_asks_for_no_other() {
    let driver = open_driver(Behaviour::default(), "").unwrap();
    log();
    assert_eq!(driver.create_device_with_table(3).unwrap().sub_device_id(), 3);
    assert_eq!(log(), ["create_device", "retrieve_sub_object 3", "destroy_device 100"]);
}

#[test]
fn device_without_any_table_is_refused_and_destroyed() {
    let driver = open_driver(Behaviour { sub_devices: Vec::new(), ..Behaviour::default() }, "").unwrap();
    let error = driver.create_device().unwrap_err();
    let Error::NoVideoTable { tried, last } = &error else { panic!("{error}") };
    assert_eq!((tried.as_slice(), *last), (&[6, 7, 5, 3, 2][..], HResult(E_INVALIDARG)));
    assert_eq!(log().last().unwrap(), "destroy_device 100");
}

#[test]
fn device_of_a_sub_device_without_video_table_is_refused_without_a_call() {
    let driver = open_driver(Behaviour::default(), "").unwrap();
    log();
    assert!(matches!(driver.create_device_with_table(4), Err(Error::NoVideoTable { .. })));
    assert_eq!(log(), ["create_device", "destroy_device 100"]);
}

#[test]
fn device_that_cannot_be_created_gives_the_hresult() {
    let behaviour = Behaviour { returns: vec![("create_device", E_OUTOFMEMORY)], ..Behaviour::default() };
    let Error::Driver(error) = open_driver(behaviour, "").unwrap().create_device().unwrap_err() else { panic!() };
    assert_eq!((error.function, error.hresult), ("create_device", HResult(E_OUTOFMEMORY)));
    assert_eq!(log(), ["open none", "create_device", "close 77"]);
}

#[test]
fn driver_without_create_device_is_refused_by_name() {
    let driver = open_driver(Behaviour { missing: "create_device", ..Behaviour::default() }, "").unwrap();
    let error = driver.create_device().unwrap_err();
    assert!(matches!(error, Error::MissingEntry { function: "create_device" }), "{error}");
}

#[test]
fn error_of_an_unknown_code_shows_its_number() {
    let behaviour = Behaviour { returns: vec![("open", 0x8123_4567_u32.cast_signed())], ..Behaviour::default() };
    let error = open_driver(behaviour, "").unwrap_err();
    assert_eq!(error.to_string(), "softcp_open_reference_driver: 0x81234567");
    assert_ne!(HResult(E_FAIL).to_string(), HResult(E_INVALIDARG).to_string());
}

#[test]
fn values_can_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<Driver>();
    check::<softcp_runtime::Device>();
    check::<softcp_runtime::Session>();
    check::<softcp_runtime::Channel>();
    check::<softcp_runtime::Decoder>();
    check::<softcp_runtime::Resource>();
}
