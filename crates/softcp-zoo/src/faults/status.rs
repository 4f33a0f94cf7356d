//! The status of a session, and what a teardown takes.

use softcp_abi::{
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST as CONTENT_LOST,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST as KEY_LOST, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK as OK, HRESULT,
    S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{CheckCryptoSessionStatus, DecryptionBlt, Hooks};
use crate::report::quietly;
use crate::surface;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "status-key-lost-unseen",
        "status/key-lost",
        "CheckCryptoSessionStatus says OK even if the key is lost.",
        status(|call| says(call, |status| if status == KEY_LOST { OK } else { status })),
    ),
    fault(
        "status-content-always-lost",
        "status/key-lost",
        "CheckCryptoSessionStatus says that the content is lost too if only the key is.",
        status(|call| says(call, |status| if status == KEY_LOST { CONTENT_LOST } else { status })),
    ),
    fault(
        "status-lost-of-a-good-session",
        "status/ok",
        "CheckCryptoSessionStatus of a session with a key says KEY_LOST.",
        status(|call| {
            let has_key = call.keys().is_some();
            says(call, |status| if has_key && status == OK { KEY_LOST } else { status })
        }),
    ),
    fault(
        "status-lost-before-exchange",
        "status/before-key-exchange",
        "CheckCryptoSessionStatus before any key exchange says KEY_LOST.",
        status(|call| {
            let has_key = call.keys().is_some();
            says(call, |status| if has_key { status } else { KEY_LOST })
        }),
    ),
    fault(
        "status-stays-lost",
        "status/exchange-restores",
        "After a key has been lost, CheckCryptoSessionStatus says so for ever.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(|call| {
                let is_lost = call.state() != OK;
                let hresult = call.pass_on();
                call.known(|session| session.count = session.count.max(is_lost.into()));
                hresult
            }),
            check_crypto_session_status: Some(|call| {
                let was_lost = call.known(|session| session.count) == Some(1);
                says(call, |status| if was_lost { KEY_LOST } else { status })
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "status-left-on-failure",
        "status/zero-on-failure",
        "A CheckCryptoSessionStatus that fails leaves something in the caller's status.",
        status(|call| {
            let hresult = call.pass_on();
            if hresult != S_OK {
                call.set_status(CONTENT_LOST);
            }
            hresult
        }),
    ),
    fault(
        "blit-without-key-unreported",
        "status/key-lost-refuses",
        "Of several DecryptionBlt that fail in a row, as after the loss of a key, the first reports it alone.",
        Hooks { decryption_blt: Some(silent_when_lost), ..Hooks::NONE },
    ),
    fault(
        "status-content-lost-unseen",
        "status/key-and-content-lost",
        "CheckCryptoSessionStatus says that only the key is lost if the content is lost too.",
        status(|call| says(call, |status| if status == CONTENT_LOST { KEY_LOST } else { status })),
    ),
    fault(
        "teardown-takes-content-along",
        "status/key-lost-keeps-content",
        "A teardown that takes the key fills protected surfaces with zeros.",
        Hooks {
            decryption_blt: Some(|call| {
                let hresult = call.pass_on();
                if let Some(device) = call.device().filter(|_| hresult != S_OK && call.state() == KEY_LOST) {
                    device.protected().into_iter().for_each(|resource| surface::zero(&device, resource));
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "teardown-leaves-content",
        "status/content-lost-is-zero",
        "A teardown that takes the content leaves protected surfaces as they are.",
        Hooks { decryption_blt: Some(leaves_content), ..Hooks::NONE },
    ),
    fault(
        "status-failure-reported-twice",
        "status/one-report",
        "A CheckCryptoSessionStatus that fails reports its error twice.",
        status(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
        }),
    ),
    fault(
        "status-null-accepted",
        "status/null-pointer",
        "CheckCryptoSessionStatus without a place for the status reports nothing.",
        status(|call| if call.is_null() { S_OK } else { call.pass_on() }),
    ),
];

const fn status(hook: fn(&CheckCryptoSessionStatus<'_>) -> HRESULT) -> Hooks {
    Hooks { check_crypto_session_status: Some(hook), ..Hooks::NONE }
}

/// Another status in a good answer.
fn says(call: &CheckCryptoSessionStatus<'_>, other: impl FnOnce(u32) -> u32) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(status) = call.status().filter(|_| hresult == S_OK) {
        call.set_status(other(status));
    }
    hresult
}

fn silent_when_lost(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult =
        if call.known(|session| session.count) == Some(1) { quietly(|| call.pass_on()) } else { call.pass_on() };
    call.known(|session| session.count = u64::from(hresult != S_OK));
    hresult
}

fn leaves_content(call: &DecryptionBlt<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let content = |resource| Some((resource, surface::read(&device, resource)?));
    let before: Vec<_> = device.protected().into_iter().filter_map(content).collect();
    let hresult = call.pass_on();
    if hresult != S_OK && call.state() == CONTENT_LOST {
        for (resource, rows) in &before {
            surface::write(&device, *resource, rows, false);
        }
    }
    hresult
}
