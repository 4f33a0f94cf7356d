//! Structures that begin with their size: callers built against an older or a newer header.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut, without_provenance};

use common::host::Host;
use common::{TestAdapter, TestDevice, decrypts, size_u32};
use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, E_INVALIDARG, HRESULT, S_OK,
    SOFTCP_DRIVER_INTERFACE_VERSION, softcp_driver, softcp_driver_desc,
};
use softcp_ddi::core::adapter::{
    SOFTCP_ADAPTER_IGNORE_ENVIRONMENT, softcp_adapter_create, softcp_adapter_desc, softcp_adapter_destroy,
};
use softcp_ddi::core::device::softcp_device_create;
use softcp_ddi::core::hardware::softcp_secure_command;
use softcp_ddi::core::session::{softcp_session_create, softcp_session_desc, softcp_session_destroy};
use softcp_ddi::{softcp_host, softcp_open_reference_driver, softcp_secure_environment};

/// Creates an adapter and destroys it again.
fn create_adapter(desc: &softcp_adapter_desc) -> HRESULT {
    let mut adapter = null_mut();
    // SAFETY: the description is at least as long as its size says, and its strings are strings or past that size.
    let hresult = unsafe { softcp_adapter_create(desc, &raw mut adapter) };
    assert_eq!(adapter.is_null(), hresult != S_OK);
    // SAFETY: null, or made above.
    assert_eq!(unsafe { softcp_adapter_destroy(adapter) }, S_OK);
    hresult
}

#[test]
fn description_smaller_than_its_first_version_is_refused() {
    for size in 0..8 {
        let desc = softcp_adapter_desc { size, ..softcp_adapter_desc::default() };
        assert_eq!(create_adapter(&desc), E_INVALIDARG, "{size}");
    }
}

/// A regression test: the half of a pointer that the size left was read as a pointer.
#[test]
fn size_that_cuts_a_pointer_in_two_leaves_it_out() {
    for size in 8..u32::try_from(offset_of!(softcp_adapter_desc, options)).unwrap() {
        let desc = softcp_adapter_desc {
            size,
            flags: SOFTCP_ADAPTER_IGNORE_ENVIRONMENT,
            configuration_file: c"/nonexistent/softcp.toml".as_ptr(),
            options: c"no such option".as_ptr(),
            environment: without_provenance(8),
        };
        assert_eq!(create_adapter(&desc), S_OK, "{size}");
    }
}

#[test]
fn members_within_the_size_count() {
    for (options, expected) in [(c"memory.protected=1", S_OK), (c"no.such.key=1", E_INVALIDARG)] {
        let desc = softcp_adapter_desc {
            size: size_u32::<softcp_adapter_desc>(),
            flags: SOFTCP_ADAPTER_IGNORE_ENVIRONMENT,
            configuration_file: null(),
            options: options.as_ptr(),
            ..softcp_adapter_desc::default()
        };
        assert_eq!(create_adapter(&desc), expected, "{options:?}");
    }
}

#[test]
fn description_of_before_secure_environments_has_none() {
    for size in offset_of!(softcp_adapter_desc, environment)..size_of::<softcp_adapter_desc>() {
        let desc = softcp_adapter_desc {
            size: u32::try_from(size).unwrap(),
            flags: SOFTCP_ADAPTER_IGNORE_ENVIRONMENT,
            environment: without_provenance(8),
            ..softcp_adapter_desc::default()
        };
        assert_eq!(create_adapter(&desc), S_OK, "{size}");
    }
}

unsafe extern "C" fn execute(_context: *mut c_void, _session: usize, _command: *mut softcp_secure_command) {}

#[test]
fn environment_needs_what_its_first_version_requires() {
    let first = u32::try_from(offset_of!(softcp_secure_environment, open_key)).unwrap();
    let whole = softcp_secure_environment {
        size: size_u32::<softcp_secure_environment>(),
        execute: Some(execute),
        ..softcp_secure_environment::default()
    };
    for (given, expected) in [
        (whole, S_OK),
        (softcp_secure_environment { size: first, ..whole }, S_OK),
        (softcp_secure_environment { size: first - 1, ..whole }, E_INVALIDARG),
        (softcp_secure_environment { size: 0, ..whole }, E_INVALIDARG),
        (softcp_secure_environment { execute: None, ..whole }, E_INVALIDARG),
    ] {
        let desc = softcp_adapter_desc {
            size: size_u32::<softcp_adapter_desc>(),
            flags: SOFTCP_ADAPTER_IGNORE_ENVIRONMENT,
            environment: &raw const given,
            ..softcp_adapter_desc::default()
        };
        assert_eq!(create_adapter(&desc), expected, "{}", given.size);
    }
}

#[test]
fn host_without_the_optional_callbacks_is_taken() {
    let adapter = TestAdapter::new("");
    let mut device = TestDevice::new(&adapter);
    let certificate = device.certificate();
    for size in [offset_of!(softcp_host, same_resource), offset_of!(softcp_host, unwrap_key), size_of::<softcp_host>()]
    {
        let callbacks = softcp_host { size: u32::try_from(size).unwrap(), ..Host::callbacks(&device.host) };
        device.replace(&adapter, &callbacks);
        let (session, client) = device.keyed_session(&certificate);
        assert!(decrypts(&device, &session, &client), "{size}");
    }
}

#[test]
fn host_without_map_or_unmap_is_refused() {
    let adapter = TestAdapter::new("");
    let host = std::sync::Arc::new(Host::default());
    let good = Host::callbacks(&host);
    let smallest = u32::try_from(offset_of!(softcp_host, same_resource)).unwrap();
    for bad in [
        softcp_host { map: None, ..good },
        softcp_host { unmap: None, ..good },
        softcp_host { size: smallest - 1, ..good },
        softcp_host { size: 0, ..good },
    ] {
        let mut device = null_mut();
        // SAFETY: the adapter lives, and the host is at least as long as its size says.
        let hresult = unsafe { softcp_device_create(adapter.as_ptr(), &raw const bad, &raw mut device) };
        assert_eq!((hresult, device.is_null()), (E_INVALIDARG, true));
    }
}

#[test]
fn session_description_must_have_all_of_its_first_version() {
    let device = TestDevice::alone("");
    let full = size_u32::<softcp_session_desc>();
    for (size, expected) in [(0, E_INVALIDARG), (full - 1, E_INVALIDARG), (full, S_OK)] {
        let desc = softcp_session_desc {
            size,
            crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR.into(),
            key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP.into(),
            ..softcp_session_desc::default()
        };
        let mut session = usize::MAX;
        // SAFETY: the device lives; description and output live past the call.
        let hresult = unsafe { softcp_session_create(device.as_ptr(), &raw const desc, &raw mut session) };
        assert_eq!((hresult, session != 0), (expected, expected == S_OK), "{size}");
        // SAFETY: the device lives; zero does nothing.
        assert_eq!(unsafe { softcp_session_destroy(device.as_ptr(), session) }, S_OK);
    }
}

#[test]
fn reference_driver_writes_no_more_than_the_callers_structure() {
    #[repr(C)]
    struct Later {
        driver: softcp_driver,
        beyond: [u8; 32],
    }
    let desc = softcp_driver_desc {
        size: size_u32::<softcp_driver_desc>(),
        interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
        ..softcp_driver_desc::default()
    };
    let open = |size: u32| {
        let mut later = Later { driver: softcp_driver { size, ..softcp_driver::default() }, beyond: [0xA5; 32] };
        // SAFETY: both structures are at least as long as their sizes say.
        let hresult = unsafe { softcp_open_reference_driver(&raw const desc, (&raw mut later).cast()) };
        (hresult, later)
    };
    let (hresult, later) = open(size_u32::<Later>());
    assert_eq!((hresult, later.driver.size, later.beyond), (S_OK, size_u32::<softcp_driver>(), [0xA5; 32]));
    // SAFETY: opened above, closed once.
    unsafe { later.driver.close.unwrap()(later.driver.context) };
    let first = u32::try_from(offset_of!(softcp_driver, wrap_resource)).unwrap();
    let (hresult, later) = open(first - 1);
    assert_eq!((hresult, later.driver.context.is_null()), (E_INVALIDARG, true));
}

#[test]
fn reference_driver_leaves_an_entry_out_that_the_callers_structure_has_no_room_for() {
    const UNTOUCHED: usize = usize::MAX / 0xFF * 0xA5;
    let first = offset_of!(softcp_driver, wrap_resource);
    let words = size_of::<softcp_driver>() / size_of::<usize>();
    for size in first..size_of::<softcp_driver>() {
        let mut memory = vec![UNTOUCHED; words];
        let driver = memory.as_mut_ptr().cast::<softcp_driver>();
        // SAFETY: the structure begins with its size, and the memory is as long as one.
        unsafe { driver.cast::<u32>().write(u32::try_from(size).unwrap()) };
        let desc = softcp_driver_desc {
            size: size_u32::<softcp_driver_desc>(),
            interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
            ..softcp_driver_desc::default()
        };
        // SAFETY: both structures are at least as long as their sizes say.
        assert_eq!(unsafe { softcp_open_reference_driver(&raw const desc, driver) }, S_OK);
        assert_eq!(memory[first / size_of::<usize>()..], [UNTOUCHED], "{size}");
        let mut opened = softcp_driver::default();
        let written = (&raw mut opened).cast::<usize>();
        // SAFETY: the memory is as long as the structure, and all that is copied has been written by the driver.
        unsafe { written.copy_from_nonoverlapping(memory.as_ptr(), first / size_of::<usize>()) };
        assert_eq!(opened.size as usize, first);
        // SAFETY: opened above, closed once.
        unsafe { opened.close.unwrap()(opened.context) };
    }
}
