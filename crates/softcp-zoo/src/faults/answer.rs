//! What a channel answers.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT as SessionCommand,
    D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
    D3D11_AUTHENTICATED_CONFIGURE_INPUT as CommandInput, D3D11_AUTHENTICATED_CONFIGURE_OUTPUT,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE,
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT as SessionQuery,
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT, D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE,
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
    D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT, D3D11_AUTHENTICATED_QUERY_INPUT as QueryInput,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT, D3D11_AUTHENTICATED_QUERY_PROTECTION,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT as ProcessOutput,
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, D3D11_PROCESSIDTYPE_DWM,
    D3D11_PROCESSIDTYPE_HANDLE, E_FAIL, E_INVALIDARG, GUID, HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{ConfigureAuthenticatedChannel, Hooks, QueryAuthenticatedChannel};
use crate::channel::{
    HEADER, OMAC, change_command_answer, change_query_answer, guid_bytes, guid_of, handle_at, number_at, put, sign,
};
use crate::driver::Device;
use crate::keys::{Block, omac};

const CODE: usize = offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ReturnCode);

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "command-answer-unsigned",
        "commands/answer-is-signed",
        "The OMAC of a good answer to a command is zero.",
        command(|call| change_command_answer(call, |hresult, _, answer| unsigned_if(hresult == S_OK, answer))),
    ),
    fault(
        "command-answer-omac-wrong",
        "commands/answer-is-signed",
        "The OMAC of a good answer to a command is wrong in its last byte.",
        command(|call| change_command_answer(call, |hresult, _, answer| flipped_if(hresult == S_OK, answer))),
    ),
    fault(
        "command-answer-without-header",
        "commands/answer-repeats-header",
        "The answer to a command has zeros in place of GUID, handle and sequence number.",
        command(|call| change_command_answer(call, |_, key, answer| without_header(key, answer))),
    ),
    fault(
        "command-answer-next-number",
        "commands/answer-repeats-header",
        "The answer to a command carries its sequence number plus 1.",
        command(|call| change_command_answer(call, |_, key, answer| next_number(key, answer))),
    ),
    fault(
        "command-refusal-unsigned",
        "commands/failed-answer-is-signed",
        "The OMAC of the answer to a refused command is zero.",
        command(|call| change_command_answer(call, |hresult, _, answer| unsigned_if(hresult != S_OK, answer))),
    ),
    fault(
        "command-code-is-always-s-ok",
        "commands/answer-repeats-header",
        "The return code in the answer to a command is S_OK in any case.",
        command(|call| change_command_answer(call, |_, key, answer| code_is_s_ok(key, answer))),
    ),
    fault(
        "unknown-command-is-e-invalidarg",
        "commands/unknown",
        "An unknown command is E_INVALIDARG.",
        command(|call| if_unknown_command(call, E_INVALIDARG)),
    ),
    fault(
        "unknown-command-is-s-ok",
        "commands/unknown",
        "An unknown command succeeds and does nothing.",
        command(|call| if_unknown_command(call, S_OK)),
    ),
    fault(
        "command-looked-at-before-omac",
        "commands/order-of-checks",
        "An unknown command is E_FAIL even if its OMAC is wrong.",
        command(unknown_first),
    ),
    fault(
        "command-null-output-accepted",
        "commands/null-arguments",
        "A command without an output succeeds and is not obeyed.",
        command(|call| if call.output().data.is_null() { S_OK } else { call.pass_on() }),
    ),
    fault(
        "command-of-its-own-channel-hangs",
        "commands/own-handle",
        "CONFIGURE_CRYPTO_SESSION whose decoder handle is the channel's own never returns.",
        command(|call| if names_itself(call) { hang() } else { call.pass_on() }),
    ),
    fault(
        "query-of-its-own-channel-hangs",
        "queries/own-handle",
        "QUERY_CRYPTO_SESSION whose decoder handle is the channel's own never returns.",
        query(|call| match named_by(call) {
            Some((channel, decoder)) if channel == decoder => hang(),
            _ => call.pass_on(),
        }),
    ),
    fault(
        "channels-wait-for-each-other",
        "threads/channels-name-each-other",
        "Two queries never return that name another channel in the place of a decoder at the same time.",
        query(waits_for_another),
    ),
    fault(
        "query-answer-unsigned",
        "queries/answer-is-signed",
        "The OMAC of a good answer to a query is zero.",
        query(|call| change_query_answer(call, |hresult, _, answer| unsigned_if(hresult == S_OK, answer))),
    ),
    fault(
        "query-answer-omac-wrong",
        "queries/answer-is-signed",
        "The OMAC of a good answer to a query is wrong in its last byte.",
        query(|call| change_query_answer(call, |hresult, _, answer| flipped_if(hresult == S_OK, answer))),
    ),
    fault(
        "query-answer-signed-without-padding",
        "queries/answer-covers-padding",
        "The OMAC of an answer to a query does not cover the last 4 bytes of the answer.",
        query(|call| change_query_answer(call, signed_in_part)),
    ),
    fault(
        "query-answer-without-header",
        "queries/answer-repeats-header",
        "The answer to a query has zeros in place of GUID, handle and sequence number.",
        query(|call| change_query_answer(call, |_, key, answer| without_header(key, answer))),
    ),
    fault(
        "query-answer-next-number",
        "queries/answer-repeats-header",
        "The answer to a query carries its sequence number plus 1.",
        query(|call| change_query_answer(call, |_, key, answer| next_number(key, answer))),
    ),
    fault(
        "query-refusal-unsigned",
        "queries/failed-answer-is-signed",
        "The OMAC of the answer to a refused query is zero.",
        query(|call| change_query_answer(call, |hresult, _, answer| unsigned_if(hresult != S_OK, answer))),
    ),
    fault(
        "query-code-is-always-s-ok",
        "queries/failed-answer-is-signed",
        "The return code in the answer to a query is S_OK in any case.",
        query(|call| change_query_answer(call, |_, key, answer| code_is_s_ok(key, answer))),
    ),
    fault(
        "unknown-query-is-s-ok",
        "queries/unknown",
        "An unknown query succeeds, with a header as its answer.",
        query(|call| if_unknown_query(call, S_OK)),
    ),
    fault(
        "unknown-query-is-e-invalidarg",
        "queries/unknown",
        "An unknown query is E_INVALIDARG.",
        query(|call| if_unknown_query(call, E_INVALIDARG)),
    ),
    fault(
        "query-protection-is-zero",
        "queries/protection",
        "QUERY_PROTECTION says that no protection is enabled, whatever has been set.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_PROTECTION, |_| 0)),
    ),
    fault(
        "query-protection-is-on",
        "queries/protection",
        "QUERY_PROTECTION says that protection is enabled, whatever has been set.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_PROTECTION, |flags| flags | 1)),
    ),
    fault(
        "query-channel-type-is-that-of-the-api",
        "queries/channel-type",
        "QUERY_CHANNEL_TYPE says 1, the type of the API's own channel.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, |_| 1)),
    ),
    fault(
        "query-device-handle-is-zero",
        "queries/device-handle",
        "QUERY_DEVICE_HANDLE says zero.",
        query(no_device_handle),
    ),
    fault(
        "query-processes-not-counted",
        "queries/processes",
        "The count of processes that may open shared resources stays at 0.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT, |_| 0)),
    ),
    fault(
        "query-process-past-count-is-s-ok",
        "queries/process-index-past-count",
        "A process of an index that is past the count is answered with zeros.",
        query(|call| succeeds(call, &D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS)),
    ),
    fault(
        "query-shared-resources-not-counted",
        "queries/unrestricted-shared-resources",
        "The count of unrestricted protected shared resources stays at 0.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT, |_| 0)),
    ),
    fault(
        "query-outputs-one-more",
        "queries/outputs",
        "The count of outputs is 1 higher than the number of outputs that can be asked for.",
        query(|call| {
            let at = offset_of!(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT, OutputIDCount);
            says_at(call, &D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, at, |count| count + 1)
        }),
    ),
    fault(
        "query-output-past-count-is-s-ok",
        "queries/output-index-past-count",
        "An output of an index that is past the count is answered with zeros.",
        query(|call| succeeds(call, &D3D11_AUTHENTICATED_QUERY_OUTPUT_ID)),
    ),
    fault(
        "query-accessibility-unknown-bus",
        "queries/accessibility",
        "QUERY_ACCESSIBILITY_ATTRIBUTES says a bus type that there is not.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, |_| 0xffff)),
    ),
    fault(
        "query-encryptions-one-more",
        "queries/encryption-guids",
        "The count of encryption types is 1 higher than the number that can be asked for.",
        query(|call| says(call, &D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT, |count| count + 1)),
    ),
    fault(
        "query-encryption-past-count-is-s-ok",
        "queries/encryption-guid-index-past-count",
        "An encryption type of an index that is past the count is answered with zeros.",
        query(|call| succeeds(call, &D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID)),
    ),
    fault(
        "query-current-encryption-is-none",
        "commands/encryption-when-accessible",
        "QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE answers the null GUID, whatever has been chosen.",
        query(|call| {
            change_query_answer(call, |hresult, key, answer| {
                let is_it = guid_of(answer) == D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE;
                if hresult == S_OK && is_it {
                    answer[HEADER..].fill(0);
                    sign(key, answer);
                }
            })
        }),
    ),
    fault(
        "query-crypto-session-is-zero",
        "queries/crypto-session",
        "QUERY_CRYPTO_SESSION answers zero in place of the session's handle.",
        query(|call| {
            change_query_answer(call, |hresult, key, answer| {
                if hresult == S_OK && guid_of(answer) == D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION {
                    let at = offset_of!(D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT, CryptoSessionHandle);
                    put(answer, at, &0_usize.to_ne_bytes());
                    sign(key, answer);
                }
            })
        }),
    ),
    fault(
        "query-larger-output-refused",
        "queries/output-larger",
        "A query whose output is larger than its answer is E_INVALIDARG.",
        query(larger_refused),
    ),
    fault(
        "query-null-output-accepted",
        "queries/null-arguments",
        "A query without an output succeeds.",
        query(|call| if call.output().data.is_null() { S_OK } else { call.pass_on() }),
    ),
    fault(
        "query-window-manager-by-handle",
        "queries/dwm-process",
        "The window manager is given as a process by its handle.",
        query(|call| {
            let at = offset_of!(ProcessOutput, ProcessIdentifier);
            says_at(call, &D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS, at, |process_type| {
                if process_type == D3D11_PROCESSIDTYPE_DWM { D3D11_PROCESSIDTYPE_HANDLE } else { process_type }
            })
        }),
    ),
    fault(
        "query-current-encryption-unlisted",
        "queries/current-encryption",
        "Until an encryption has been chosen, QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE answers one that is not listed.",
        Hooks { configure_authenticated_channel: Some(choosing), ..query(unlisted_until_chosen) },
    ),
];

const fn command(hook: fn(&ConfigureAuthenticatedChannel<'_>) -> HRESULT) -> Hooks {
    Hooks { configure_authenticated_channel: Some(hook), ..Hooks::NONE }
}

const fn query(hook: fn(&QueryAuthenticatedChannel<'_>) -> HRESULT) -> Hooks {
    Hooks { query_authenticated_channel: Some(hook), ..Hooks::NONE }
}

fn unsigned_if(is_it: bool, answer: &mut [u8]) {
    if is_it {
        answer[..OMAC].fill(0);
    }
}

fn flipped_if(is_it: bool, answer: &mut [u8]) {
    if is_it {
        answer[OMAC - 1] ^= 1;
    }
}

fn without_header(key: &Block, answer: &mut [u8]) {
    answer[OMAC..CODE].fill(0);
    sign(key, answer);
}

fn next_number(key: &Block, answer: &mut [u8]) {
    let at = offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, SequenceNumber);
    let number = number_at(answer, at).wrapping_add(1);
    put(answer, at, &number.to_ne_bytes());
    sign(key, answer);
}

fn code_is_s_ok(key: &Block, answer: &mut [u8]) {
    put(answer, CODE, &S_OK.to_ne_bytes());
    sign(key, answer);
}

fn signed_in_part(hresult: HRESULT, key: &Block, answer: &mut [u8]) {
    if hresult == S_OK && answer.len() > HEADER {
        let mac = omac(key, &answer[OMAC..answer.len() - 4]);
        answer[..OMAC].copy_from_slice(&mac);
    }
}

/// What an unknown command comes to, which is `E_FAIL` from a correct driver.
fn if_unknown_command(call: &ConfigureAuthenticatedChannel<'_>, other: HRESULT) -> HRESULT {
    let hresult = change_command_answer(call, |hresult, key, answer| {
        if hresult == E_FAIL {
            put(answer, CODE, &other.to_ne_bytes());
            sign(key, answer);
        }
    });
    if hresult == E_FAIL { other } else { hresult }
}

/// As [`if_unknown_command`].
fn if_unknown_query(call: &QueryAuthenticatedChannel<'_>, other: HRESULT) -> HRESULT {
    let hresult = change_query_answer(call, |hresult, key, answer| {
        if hresult == E_FAIL {
            put(answer, CODE, &other.to_ne_bytes());
            sign(key, answer);
        }
    });
    if hresult == E_FAIL { other } else { hresult }
}

/// The channel's handle in a `QUERY_CRYPTO_SESSION`, and the decoder's.
fn named_by(call: &QueryAuthenticatedChannel<'_>) -> Option<(usize, usize)> {
    let message = call.input().get().filter(|message| message.len() >= size_of::<SessionQuery>())?;
    let is_it = message[..16] == guid_bytes(&D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION);
    let at = |offset| handle_at(&message, offset);
    is_it.then(|| (at(offset_of!(QueryInput, hChannel)), at(offset_of!(SessionQuery, DecoderHandle))))
}

/// Whether a `CONFIGURE_CRYPTO_SESSION` has its channel's handle in the place of a decoder's.
fn names_itself(call: &ConfigureAuthenticatedChannel<'_>) -> bool {
    call.input().get().filter(|message| message.len() >= size_of::<SessionCommand>()).is_some_and(|message| {
        let at = |offset| handle_at(&message, offset);
        guid_of(&message) == D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION
            && at(offset_of!(CommandInput, hChannel)) == at(offset_of!(SessionCommand, DecoderHandle))
    })
}

/// What a call does that waits for itself.
fn hang() -> HRESULT {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

/// Where two of them are under way at once, each has locked its own channel and waits for the other's.
fn waits_for_another(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    const NAMING: usize = usize::MAX;
    let is_channel = |device: &Device, handle| device.driver.channels().values().any(|known| known.shown == handle);
    match (call.device(), named_by(call)) {
        (Some(device), Some((channel, decoder))) if channel != decoder && is_channel(&device, decoder) => {
            let (hresult, has_met) = device.driver.meeting(NAMING, || call.pass_on());
            if has_met { hang() } else { hresult }
        }
        _ => call.pass_on(),
    }
}

fn unknown_first(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    let known = [
        D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
        D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
        D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION,
        D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
        D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
    ];
    let message = call.input().get().filter(|message| message.len() >= HEADER);
    let is_unknown = message.is_some_and(|message| !known.contains(&guid_of(&message)));
    let hresult = change_command_answer(call, |hresult, key, answer| {
        if hresult != S_OK && is_unknown {
            put(answer, CODE, &E_FAIL.to_ne_bytes());
            sign(key, answer);
        }
    });
    if hresult != S_OK && is_unknown { E_FAIL } else { hresult }
}

/// Another number in the good answer to a query.
fn says_at(call: &QueryAuthenticatedChannel<'_>, query: &GUID, at: usize, number: impl FnOnce(u32) -> u32) -> HRESULT {
    change_query_answer(call, |hresult, key, answer| {
        if hresult == S_OK && guid_of(answer) == *query && answer.len() >= at + 4 {
            let number = number(number_at(answer, at));
            put(answer, at, &number.to_ne_bytes());
            sign(key, answer);
        }
    })
}

/// Another number in the first member of the good answer to a query.
fn says(call: &QueryAuthenticatedChannel<'_>, query: &GUID, number: impl FnOnce(u32) -> u32) -> HRESULT {
    says_at(call, query, HEADER, number)
}

/// Zero in the place of the device's handle, all of it.
fn no_device_handle(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    change_query_answer(call, |hresult, key, answer| {
        if hresult == S_OK && guid_of(answer) == D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE {
            put(answer, HEADER, &0_usize.to_ne_bytes());
            sign(key, answer);
        }
    })
}

/// A query succeeds even though it has been refused for what it asks.
fn succeeds(call: &QueryAuthenticatedChannel<'_>, query: &GUID) -> HRESULT {
    let mut is_it = false;
    let hresult = change_query_answer(call, |hresult, key, answer| {
        // A refusal for another reason than the index carries an answer that is as long; they are told apart by nothing.
        is_it = hresult == E_INVALIDARG && guid_of(answer) == *query && answer.len() > HEADER;
        if is_it {
            put(answer, CODE, &S_OK.to_ne_bytes());
            sign(key, answer);
        }
    });
    if is_it { S_OK } else { hresult }
}

fn larger_refused(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    let (size, mut is_larger) = (call.output().size as usize, false);
    let hresult = change_query_answer(call, |hresult, key, answer| {
        is_larger = hresult == S_OK && size > answer.len();
        if is_larger {
            put(answer, CODE, &E_INVALIDARG.to_ne_bytes());
            sign(key, answer);
        }
    });
    if is_larger { E_INVALIDARG } else { hresult }
}

/// Notes by a device that an encryption has been chosen on it.
fn choosing(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    let is_it = call.input().get().is_some_and(|message| {
        message.len() > HEADER && guid_of(&message) == D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE
    });
    let hresult = call.pass_on();
    if let Some(device) = call.device().filter(|_| is_it && hresult == S_OK) {
        device.driver.notes().insert(call.device_number(), 1);
    }
    hresult
}

fn unlisted_until_chosen(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    let is_chosen = call.device().is_some_and(|device| device.driver.notes().contains_key(&call.device_number()));
    change_query_answer(call, |hresult, key, answer| {
        let is_it = guid_of(answer) == D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE;
        if hresult == S_OK && is_it && !is_chosen {
            answer[HEADER..].fill(0x5a);
            sign(key, answer);
        }
    })
}
