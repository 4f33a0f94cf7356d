//! Drivers, devices and decoders, and what ends a process.

use softcp_abi::{E_OUTOFMEMORY, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::Hooks;
use crate::driver::Device;
use crate::surface;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "aborts-in-decryption-blt",
        "decryption/session-key",
        "DecryptionBlt ends the process.",
        Hooks { decryption_blt: Some(|_| std::process::abort()), ..Hooks::NONE },
    ),
    fault(
        "loops-in-finish",
        "refresh/xor",
        "FinishSessionKeyRefresh does not return.",
        Hooks {
            finish_session_key_refresh: Some(|_| {
                loop {
                    std::thread::park();
                }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "exits-in-create-channel",
        "channels/handle-is-given",
        "CreateAuthenticatedChannel ends the process as if all were well.",
        Hooks { create_authenticated_channel: Some(|_| std::process::exit(0)), ..Hooks::NONE },
    ),
    fault(
        "few-devices",
        "process/many-devices",
        "From the eighth device on, creating one is E_OUTOFMEMORY, even if the others have been destroyed.",
        Hooks {
            create_device: Some(|driver, create| if driver.counted() < 7 { create() } else { E_OUTOFMEMORY }),
            ..Hooks::NONE
        },
    ),
    fault(
        "decoder-handle-is-zero",
        "decoders/handle",
        "VideoDecoderGetHandle writes zero.",
        Hooks {
            video_decoder_get_handle: Some(|call| {
                let hresult = call.pass_on();
                call.set_handle(0);
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "decoder-handles-are-the-same",
        "decoders/handles-differ",
        "VideoDecoderGetHandle writes the same handle for each decoder.",
        Hooks {
            video_decoder_get_handle: Some(|call| {
                let hresult = call.pass_on();
                if hresult == S_OK {
                    call.set_handle(0x2000);
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "decoder-handle-left-on-failure",
        "decoders/handle-zero-on-failure",
        "A VideoDecoderGetHandle that fails leaves something in the caller's handle.",
        Hooks {
            video_decoder_get_handle: Some(|call| {
                let hresult = call.pass_on();
                if hresult != S_OK {
                    call.set_handle(0x0dd1_b17e);
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "decoder-null-handle-accepted",
        "decoders/null-handle-pointer",
        "VideoDecoderGetHandle without a place for the handle succeeds.",
        Hooks {
            video_decoder_get_handle: Some(|call| if call.is_null() { S_OK } else { call.pass_on() }),
            ..Hooks::NONE
        },
    ),
    fault(
        "opens-once",
        "process/open-and-close",
        "The driver cannot be opened while it is open.",
        Hooks { opens_once: true, ..Hooks::NONE },
    ),
    fault(
        "aborts-in-close",
        "process/unload",
        "Closing the driver ends the process.",
        Hooks { aborts_in_close: true, ..Hooks::NONE },
    ),
    fault(
        "device-takes-keys-along",
        "process/destroys-what-is-left",
        "Destroying a device on which sessions are left changes the keys of the sessions of all other devices.",
        Hooks { destroy_device: Some(takes_keys_along), ..Hooks::NONE },
    ),
    fault(
        "device-keeps-protected-memory",
        "process/protected-memory-comes-back",
        "The protected memory of resources that are left on a destroyed device stays taken.",
        Hooks { destroy_device: Some(|device| device.protected().is_empty()), ..Hooks::NONE },
    ),
    fault(
        "new-resource-not-cleared",
        "process/new-resource-is-zero",
        "A new resource that is not protected begins with what was there before.",
        Hooks {
            created_resource: Some(|device, resource| {
                if let (false, Some(mut rows)) = (device.is_protected(resource), surface::read(device, resource)) {
                    if let Some(byte) = rows.first_mut().and_then(|row| row.bytes.first_mut()) {
                        *byte = 0x5a;
                    }
                    surface::write(device, resource, &rows, false);
                }
            }),
            ..Hooks::NONE
        },
    ),
];

fn takes_keys_along(device: &Device) -> bool {
    let number = device.handle().pDrvPrivate.addr();
    let mut sessions = device.driver.sessions();
    if sessions.values().any(|session| session.device == number) {
        sessions.values_mut().for_each(|session| session.set_key([0; 16]));
    }
    true
}
