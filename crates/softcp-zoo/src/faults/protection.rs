//! What protection keeps from whom.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Protection,
    E_INVALIDARG, GUID, HRESULT,
};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{DecryptionBlt, EncryptionBlt, Hooks};
use crate::channel::{RULES, Rules, number_at, put, without_protection};

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "protection-not-of-destinations",
        "protection/destination-must-be-protected",
        "While protection is enabled, DecryptionBlt still writes to unprotected destinations.",
        Hooks { decryption_blt: Some(decrypts_anywhere), ..messages(RULES) },
    ),
    fault(
        "protection-not-of-sources",
        "protection/source-must-be-protected",
        "While protection is enabled, EncryptionBlt still reads unprotected sources.",
        Hooks { encryption_blt: Some(encrypts_anything), ..messages(RULES) },
    ),
    fault(
        "protection-not-of-mappings",
        "protection/map-refused",
        "While protection is enabled, protected resources can still be mapped.",
        Hooks { map_resource: Some(|device, _, map| without_protection(device, map)), ..messages(RULES) },
    ),
    fault(
        "protection-swallowed",
        "commands/protection",
        "PROTECTION succeeds and enables nothing.",
        messages(Rules { change_command: |guid, message| set_flags(guid, message, |_| 0), ..RULES }),
    ),
    fault(
        "protection-cannot-be-switched-off",
        "protection/off-again",
        "PROTECTION without flags succeeds, and protection stays enabled.",
        messages(Rules { change_command: |guid, message| set_flags(guid, message, |flags| flags | 1), ..RULES }),
    ),
    fault(
        "protection-off-for-all-channels",
        "protection/last-channel-counts",
        "Switching protection off on one channel switches it off on all of them.",
        messages(Rules { off_is_for_one: false, ..RULES }),
    ),
    fault(
        "protection-enforced-unasked",
        "protection/unenforced-is-unchecked",
        "DecryptionBlt refuses unprotected destinations, although protection is not enabled.",
        Hooks { decryption_blt: Some(always_enforced), ..Hooks::NONE },
    ),
    fault(
        "protection-refuses-all-blits",
        "protection/protected-path",
        "DecryptionBlt refuses protected destinations.",
        Hooks { decryption_blt: Some(refuses_protected), ..Hooks::NONE },
    ),
];

fn decrypts_anywhere(call: &DecryptionBlt<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    without_protection(&device, || call.pass_on())
}

fn encrypts_anything(call: &EncryptionBlt<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    without_protection(&device, || call.pass_on())
}

/// Changes the flags of a PROTECTION command that is whole.
fn set_flags(guid: &GUID, message: &mut [u8], flags: impl FnOnce(u32) -> u32) {
    let at = offset_of!(Protection, Protections.Value);
    if *guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION && message.len() == size_of::<Protection>() {
        let given = number_at(message, at);
        // What a correct driver refuses stays refused.
        if given & !3 == 0 {
            put(message, at, &flags(given).to_ne_bytes());
        }
    }
}

fn always_enforced(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.device() {
        Some(device) if device.exists(call.destination()) && !device.is_protected(call.destination()) => {
            call.report(E_INVALIDARG, "the destination is not protected")
        }
        _ => call.pass_on(),
    }
}

fn refuses_protected(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.device() {
        Some(device) if device.is_protected(call.destination()) => {
            call.report(E_INVALIDARG, "the destination is protected")
        }
        _ => call.pass_on(),
    }
}
