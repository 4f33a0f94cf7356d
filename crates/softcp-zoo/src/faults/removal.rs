//! Devices that are gone.

use softcp_abi::{D3DDDIERR_DEVICEREMOVED, HRESULT, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    CheckCryptoSessionStatus, CreateCryptoSession, CryptoSessionGetHandle, DecryptionBlt, DestroyCryptoSession, Hooks,
};
use crate::report::quietly;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "removal-unreported",
        "removal/every-entry",
        "CheckCryptoSessionStatus on a removed device reports nothing.",
        Hooks { check_crypto_session_status: Some(silent), ..Hooks::NONE },
    ),
    fault(
        "removal-leaves-a-handle",
        "removal/outputs",
        "CryptoSessionGetHandle on a removed device fails, and leaves something in the caller's handle.",
        Hooks { crypto_session_get_handle: Some(leaves_a_handle), ..Hooks::NONE },
    ),
    fault(
        "removal-reported-by-destroy",
        "removal/destroys",
        "DestroyCryptoSession on a removed device destroys the session, and reports the removal.",
        Hooks { decryption_blt: Some(noting), destroy_crypto_session: Some(reporting), ..Hooks::NONE },
    ),
    fault(
        "removal-takes-all-devices",
        "removal/other-devices",
        "When a device is removed, CreateCryptoSession fails on the driver's other devices, too.",
        Hooks { decryption_blt: Some(noting), create_crypto_session: Some(gone_too), ..Hooks::NONE },
    ),
];

fn silent(call: &CheckCryptoSessionStatus<'_>) -> HRESULT {
    let hresult = quietly(|| call.pass_on());
    if hresult == S_OK || hresult == D3DDDIERR_DEVICEREMOVED {
        return S_OK;
    }
    call.report(hresult, "CheckCryptoSessionStatus fails")
}

fn leaves_a_handle(call: &CryptoSessionGetHandle<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == D3DDDIERR_DEVICEREMOVED {
        call.set_handle(0x5A5A);
    }
    hresult
}

/// Keeps in mind that a device is gone: by its handle, and that there is one at all by zero.
fn noting(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(device) = call.device().filter(|_| hresult == D3DDDIERR_DEVICEREMOVED) {
        device.driver.notes().extend([(call.device_number(), 1), (0, 1)]);
    }
    hresult
}

fn reporting(call: &DestroyCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let is_gone = call.device().is_some_and(|device| device.driver.notes().contains_key(&call.device_number()));
    if hresult == S_OK && is_gone { call.report(D3DDDIERR_DEVICEREMOVED, "the device was removed") } else { hresult }
}

fn gone_too(call: &CreateCryptoSession<'_>) -> HRESULT {
    match call.device() {
        Some(device) if device.driver.notes().contains_key(&0) => D3DDDIERR_DEVICEREMOVED,
        _ => call.pass_on(),
    }
}
