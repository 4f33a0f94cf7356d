//! The secure environment: sessions that carry commands, and the free-threaded entry.

use softcp_abi::{
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION as COMMUNICATION, E_FAIL, E_INVALIDARG, E_NOTIMPL,
    HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    GetContentProtectionCaps, GetDataForNewHardwareKey, Hooks, NegotiateCryptoSessionKeyExchange,
    NegotiateCryptoSessionKeyExchangeMT, SecureCommand,
};

/// With a secure environment.
const HARDWARE_LIKE: &str = "capabilities.profile=hardware-like";
/// What a key exchange message has.
const MESSAGE: usize = 256;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "private-data-sizes-too-large",
        "hardware/private-data-sizes",
        "GetCryptoSessionPrivateDataSize says that private data has 4 GiB less a byte.",
        Hooks {
            options: HARDWARE_LIKE,
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
    fault(
        "communication-not-reported",
        "hardware/key-exchange-is-listed",
        "HW_PROTECTION is a key exchange type, and HARDWARE_DRM_COMMUNICATION is not reported.",
        Hooks { get_content_protection_caps: Some(without_communication), ..commands() },
    ),
    fault(
        "private-data-sizes-left-on-failure",
        "hardware/private-data-sizes-zero-on-failure",
        "A GetCryptoSessionPrivateDataSize that fails leaves something in the caller's sizes.",
        Hooks {
            get_crypto_session_private_data_size: Some(|call| {
                let hresult = call.pass_on();
                if hresult != S_OK {
                    call.set_sizes(16, 16);
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "private-data-sizes-reported-twice",
        "hardware/private-data-sizes-one-report",
        "A GetCryptoSessionPrivateDataSize that fails reports its error twice.",
        Hooks {
            get_crypto_session_private_data_size: Some(|call| {
                let hresult = call.pass_on();
                if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "empty-command-refused",
        "hardware/empty-command",
        "A command with neither bytes nor room for an answer is E_INVALIDARG.",
        command(|call| {
            match call.command().and_then(|command| Some((command.input_sizes()?, command.output_sizes()?))) {
                Some(([_, 0], [_, 0, _])) => E_INVALIDARG,
                _ => call.pass_on(),
            }
        }),
    ),
    fault(
        "answer-past-its-room",
        "hardware/output-within-limit",
        "The byte behind the room for an answer is written, where the structure has one.",
        command(past_room),
    ),
    fault(
        "answer-rest-not-written",
        "hardware/whole-output-is-written",
        "Of the room for an answer, the bytes behind the answer are left as they were.",
        command(rest_left),
    ),
    fault(
        "private-size-unchecked",
        "hardware/wrong-private-size",
        "A command with more private bytes than there should be succeeds and does nothing.",
        command(|call| {
            let private = call.command().and_then(|command| command.input_sizes()).map_or(0, |[private, _]| private);
            let hresult = call.pass_on();
            if hresult == E_INVALIDARG && private > 0 { S_OK } else { hresult }
        }),
    ),
    fault(
        "command-sizes-unchecked",
        "hardware/claimed-sizes",
        "A command of more than 1 MiB succeeds and does nothing.",
        command(|call| match call.command().and_then(|command| command.input_sizes()) {
            Some([_, input]) if input > 1 << 20 => S_OK,
            _ => call.pass_on(),
        }),
    ),
    fault(
        "refresh-of-a-session-for-commands",
        "hardware/other-entries-refused",
        "FinishSessionKeyRefresh of a session that carries commands succeeds and does nothing.",
        Hooks {
            finish_session_key_refresh: Some(|call| {
                if call.known(|session| session.carries_commands) == Some(true) { S_OK } else { call.pass_on() }
            }),
            ..commands()
        },
    ),
    fault(
        "mt-entry-takes-anything",
        "hardware/mt-entry-refuses-too",
        "NegotiateCryptoSessionKeyExchangeMT succeeds with every message of 256 bytes on a session that has a key.",
        mt(|call| {
            let hresult = call.pass_on();
            let is_it = call.size() == MESSAGE && call.known(|session| session.keys.is_some()) == Some(true);
            let own = call.known(|session| session.device) == Some(call.device_number());
            if is_it && own { S_OK } else { hresult }
        }),
    ),
    fault(
        "mt-command-status-lost",
        "hardware/mt-command",
        "A command by NegotiateCryptoSessionKeyExchangeMT has the status E_FAIL.",
        Hooks {
            options: HARDWARE_LIKE,
            ..mt(|call| {
                let hresult = call.pass_on();
                if let Some(command) = call.command().filter(|_| hresult == S_OK) {
                    command.set_status(E_FAIL);
                }
                hresult
            })
        },
    ),
    fault(
        "hardware-key-data-left-on-failure",
        "hardware/data-zero-on-failure",
        "A GetDataForNewHardwareKey that fails on a session's own device leaves something in the caller's data.",
        Hooks { get_data_for_new_hardware_key: Some(data_left), ..Hooks::NONE },
    ),
];

const fn commands() -> Hooks {
    Hooks { options: HARDWARE_LIKE, ..Hooks::NONE }
}

const fn command(hook: fn(&NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT) -> Hooks {
    Hooks { negotiate_crypto_session_key_exchange: Some(hook), ..commands() }
}

const fn mt(hook: fn(&NegotiateCryptoSessionKeyExchangeMT<'_>) -> HRESULT) -> Hooks {
    Hooks { negotiate_crypto_session_key_exchange_mt: Some(hook), ..Hooks::NONE }
}

fn without_communication(call: &GetContentProtectionCaps<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(caps)) = (hresult, call.caps()) {
        call.set_caps(Caps { Caps: caps.Caps & !COMMUNICATION, ..caps });
    }
    hresult
}

fn past_room(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let sizes = call.command().and_then(|command| Some((command, command.output_sizes()?)));
    if let (S_OK, Some((command, [private, room, _]))) = (hresult, sizes)
        && let Some(mut bytes) = command.output().get()
        && let Some(byte) = bytes.get_mut((private + room) as usize)
    {
        *byte = !*byte;
        command.output().set(&bytes);
    }
    hresult
}

fn rest_left(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let output = |command: &SecureCommand<'_>| Some((command.output().get()?, command.output_sizes()?));
    let before = call.command().as_ref().and_then(output);
    let hresult = call.pass_on();
    if let (S_OK, Some((old, _)), Some(command)) = (hresult, before, call.command())
        && let Some((mut bytes, [private, room, written])) = output(&command)
    {
        let rest = (private + written) as usize..(private + room) as usize;
        bytes[rest.clone()].copy_from_slice(&old[rest]);
        command.output().set(&bytes);
    }
    hresult
}

fn data_left(call: &GetDataForNewHardwareKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK && call.known(|session| session.device) == Some(call.device_number()) {
        call.set_data(0x0dd1_b17e);
    }
    hresult
}
