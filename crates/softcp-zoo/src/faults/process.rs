//! Tables, devices, decoders, the secure environment, and what ends a process.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_HCRYPTOSESSION, D3DWDDM2_1DDI_VIDEO_FUNCTIONS, E_FAIL, E_NOTIMPL, E_OUTOFMEMORY,
    HRESULT, S_OK, UINT,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::Hooks;

/// Indices in every table.
const NEGOTIATE_CRYPTO_SESSION_KEY_EXCHANGE: usize = 65;
const FINISH_SESSION_KEY_REFRESH: usize = 69;

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
        "table-without-finish",
        "table/entries-present",
        "The table has no FinishSessionKeyRefresh, although FRESHEN_SESSION_KEY is reported.",
        Hooks {
            change_table: Some(|_, table| set(table, FINISH_SESSION_KEY_REFRESH, std::ptr::null())),
            ..Hooks::NONE
        },
    ),
    fault(
        "table-of-wddm-2-1-without-key-exchange",
        "table/every-version",
        "NegotiateCryptoSessionKeyExchange of the table of WDDM 2.1 is E_FAIL.",
        Hooks {
            change_table: Some(|sub_device, table| {
                if sub_device == D3DWDDM2_1DDI_VIDEO_FUNCTIONS {
                    set(table, NEGOTIATE_CRYPTO_SESSION_KEY_EXCHANGE, no_exchange as *const c_void);
                }
            }),
            ..Hooks::NONE
        },
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
        "private-data-sizes-too-large",
        "hardware/private-data-sizes",
        "GetCryptoSessionPrivateDataSize says that private data has 4 GiB less a byte.",
        Hooks {
            options: "capabilities.profile=hardware-like",
            get_crypto_session_private_data_size: Some(|call| {
                let hresult = call.pass_on();
                call.set_sizes(u32::MAX, u32::MAX);
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "mt-entry-not-implemented",
        "hardware/mt-entry",
        "NegotiateCryptoSessionKeyExchangeMT is E_NOTIMPL.",
        Hooks { negotiate_crypto_session_key_exchange_mt: Some(|_| E_NOTIMPL), ..Hooks::NONE },
    ),
];

/// `NegotiateCryptoSessionKeyExchange`, not offered.
unsafe extern "system" fn no_exchange(
    _: D3D10DDI_HDEVICE,
    _: D3D11_1DDI_HCRYPTOSESSION,
    _: UINT,
    _: *mut c_void,
) -> HRESULT {
    E_FAIL
}

fn set(table: &mut [*const c_void], index: usize, entry: *const c_void) {
    if let Some(slot) = table.get_mut(index) {
        *slot = entry;
    }
}
