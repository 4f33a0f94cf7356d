//! What protection keeps from whom.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON as ALWAYS_ON,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Protection,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED as OVERLAY,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED as ENABLED, E_FAIL, E_INVALIDARG, E_OUTOFMEMORY, GUID,
    HRESULT, S_OK, SOFTCP_RESOURCE_PROTECTED, softcp_resource_desc,
};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{DecryptionBlt, EncryptionBlt, Hooks};
use crate::channel::{RULES, Rules, number_at, put, without_protection};
use crate::surface;

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
    fault(
        "protection-not-of-content-keys",
        "protection/destination-of-every-blit",
        "While protection is enabled, DecryptionBlt under a content key still writes to unprotected destinations.",
        Hooks {
            decryption_blt: Some(|call| {
                if call.content_key().data.is_null() { call.pass_on() } else { decrypts_anywhere(call) }
            }),
            ..messages(RULES)
        },
    ),
    fault(
        "protection-refusal-clears",
        "protection/refused-destination-kept",
        "A destination that is refused for want of protection is filled with zeros.",
        Hooks {
            decryption_blt: Some(|call| {
                let hresult = call.pass_on();
                let device = call.device().filter(|device| device.has_protection(ENABLED));
                if let Some(device) =
                    device.filter(|device| !device.is_protected(call.destination()) && hresult != S_OK)
                {
                    surface::zero(&device, call.destination());
                }
                hresult
            }),
            ..messages(RULES)
        },
    ),
    fault(
        "protection-of-all-mappings",
        "protection/unprotected-maps",
        "While protection is enabled, no resource can be mapped.",
        Hooks {
            map_resource: Some(|device, _, map| if device.has_protection(ENABLED) { E_INVALIDARG } else { map() }),
            ..messages(RULES)
        },
    ),
    fault(
        "protection-by-the-other-flag",
        "protection/overlay-flag-alone",
        "OverlayOrFullscreenRequired alone has DecryptionBlt refuse unprotected destinations.",
        Hooks {
            decryption_blt: Some(|call| match call.device() {
                Some(device) if device.has_protection(OVERLAY) && !device.is_protected(call.destination()) => {
                    call.report(E_INVALIDARG, "the destination is not protected")
                }
                _ => call.pass_on(),
            }),
            ..messages(RULES)
        },
    ),
    fault(
        "protection-outlives-its-channel",
        "protection/ends-with-the-channel",
        "Protection that a channel has enabled stays when the channel is destroyed.",
        Hooks {
            destroy_authenticated_channel: Some(|call| {
                if call.known(|channel| channel.flags() & ENABLED) == Some(ENABLED) { S_OK } else { call.pass_on() }
            }),
            ..messages(RULES)
        },
    ),
    fault(
        "protection-always-on-for-show",
        "protection/always-on",
        "PROTECTION_ALWAYS_ON is reported, and protection is enforced when a channel enables it.",
        Hooks {
            get_content_protection_caps: Some(|call| {
                let hresult = call.pass_on();
                if let (S_OK, Some(caps)) = (hresult, call.caps()) {
                    call.set_caps(Caps { Caps: caps.Caps | ALWAYS_ON, ..caps });
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "budget-used-up-is-e-fail",
        "protection/budget",
        "Creating a protected resource past ProtectedMemorySize is E_FAIL.",
        Hooks {
            create_resource: Some(|_, _, create| {
                let hresult = create();
                if hresult == E_OUTOFMEMORY { E_FAIL } else { hresult }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "budget-is-for-all",
        "protection/budget-is-for-protected",
        "An unprotected resource is E_OUTOFMEMORY where ProtectedMemorySize does not suffice for it.",
        Hooks {
            create_resource: Some(|device, desc, create| {
                let protected = softcp_resource_desc { flags: desc.flags | SOFTCP_RESOURCE_PROTECTED, ..*desc };
                if device.try_resource(&protected) == E_OUTOFMEMORY { E_OUTOFMEMORY } else { create() }
            }),
            ..Hooks::NONE
        },
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
