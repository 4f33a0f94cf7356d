//! Which messages a channel takes: OMAC, sequence numbers, INITIALIZE, handles and sizes.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT as Encryption,
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT as Bind,
    D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE, D3D11_AUTHENTICATED_CONFIGURE_INPUT as Command,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Protection,
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT as Share,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT as CountInput,
    D3D11_PROCESSIDTYPE_HANDLE, HRESULT, S_OK,
};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{ConfigureAuthenticatedChannel, Hooks};
use crate::channel::{Channel, Numbers, OMAC, Omac, RULES, Rules, guid_of, handle_at, number_at, put, sign};
use crate::keys::{Block, omac};
use crate::memory::Buffer;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "omac-unchecked",
        "commands/omac-wrong",
        "The OMAC of a command is not checked.",
        messages(Rules { omac: Omac::Unchecked, ..RULES }),
    ),
    fault(
        "omac-first-eight-bytes",
        "commands/omac-every-byte",
        "Of a command's OMAC only the first 8 bytes are compared.",
        messages(Rules { omac: Omac::Prefix(8), ..RULES }),
    ),
    fault(
        "omac-last-byte-not-compared",
        "commands/omac-every-byte",
        "The last byte of a command's OMAC is not compared.",
        messages(Rules { omac: Omac::Prefix(15), ..RULES }),
    ),
    fault(
        "omac-first-byte-not-compared",
        "commands/omac-every-byte",
        "The first byte of a command's OMAC is not compared.",
        messages(Rules { omac: Omac::Suffix(15), ..RULES }),
    ),
    fault(
        "omac-without-header-padding",
        "commands/omac-covers-every-byte",
        "The padding behind a command's sequence number is taken as zero when the OMAC is computed.",
        messages(Rules {
            omac: Omac::Zeroed {
                at: offset_of!(Command, SequenceNumber) + 4,
                len: size_of::<Command>() - offset_of!(Command, SequenceNumber) - 4,
                from_end: false,
            },
            ..RULES
        }),
    ),
    fault(
        "omac-without-padding-at-the-end",
        "commands/omac-covers-every-byte",
        "The last 4 bytes of a command are taken as zero when the OMAC is computed.",
        messages(Rules { omac: Omac::Zeroed { at: 4, len: 4, from_end: true }, ..RULES }),
    ),
    fault(
        "omac-wrong-is-obeyed",
        "commands/omac-failure-changes-nothing",
        "A command with a wrong OMAC is refused, and obeyed all the same.",
        messages(Rules { wrong_omac_is_not_obeyed: false, ..RULES }),
    ),
    fault(
        "omac-wrong-uses-number",
        "commands/omac-failure-keeps-sequence",
        "A command with a wrong OMAC uses its sequence number up.",
        messages(Rules { wrong_omac_uses_none: false, ..RULES }),
    ),
    fault(
        "command-numbers-unchecked",
        "commands/sequence-not-greater",
        "Sequence numbers of commands are not checked.",
        messages(Rules { command_numbers: Numbers::Any, ..RULES }),
    ),
    fault(
        "command-number-again",
        "commands/replay",
        "A command may have the sequence number of the last one.",
        messages(Rules { command_numbers: Numbers::Same, ..RULES }),
    ),
    fault(
        "command-numbers-without-gaps",
        "commands/sequence-may-skip",
        "A command's sequence number must be the last one plus 1.",
        messages(Rules { command_numbers: Numbers::Next, ..RULES }),
    ),
    fault(
        "query-numbers-unchecked",
        "queries/sequence-not-greater",
        "Sequence numbers of queries are not checked.",
        messages(Rules { query_numbers: Numbers::Any, ..RULES }),
    ),
    fault(
        "query-number-again",
        "queries/sequence-not-greater",
        "A query may have the sequence number of the last one.",
        messages(Rules { query_numbers: Numbers::Same, ..RULES }),
    ),
    fault(
        "query-numbers-without-gaps",
        "queries/sequence-may-skip",
        "A query's sequence number must be the last one plus 1.",
        messages(Rules { query_numbers: Numbers::Next, ..RULES }),
    ),
    fault(
        "one-sequence-for-both",
        "queries/sequences-are-apart",
        "Commands and queries share one sequence.",
        messages(Rules { are_apart: false, ..RULES }),
    ),
    fault(
        "failed-command-keeps-number",
        "commands/failed-command-uses-sequence",
        "A command that fails does not use its sequence number up.",
        messages(Rules { failed_command_uses: false, ..RULES }),
    ),
    fault(
        "failed-query-keeps-number",
        "queries/failed-query-uses-sequence",
        "A query that fails does not use its sequence number up.",
        messages(Rules { failed_query_uses: false, ..RULES }),
    ),
    fault(
        "refused-number-is-kept",
        "commands/sequence-not-greater",
        "After a command with too small a sequence number, that number is the least allowed one.",
        messages(Rules { refusal_uses_none: false, ..RULES }),
    ),
    fault(
        "command-numbers-wrap",
        "exhaustion/command-sequence",
        "After 0xFFFFFFFF the sequence numbers of commands start over.",
        messages(Rules { command_numbers: Numbers::Wrapping, ..RULES }),
    ),
    fault(
        "query-numbers-wrap",
        "exhaustion/query-sequence",
        "After 0xFFFFFFFF the sequence numbers of queries start over.",
        messages(Rules { query_numbers: Numbers::Wrapping, ..RULES }),
    ),
    fault(
        "initialize-twice",
        "commands/initialize-twice",
        "A second INITIALIZE starts the sequences anew.",
        messages(Rules { initialize_once: false, ..RULES }),
    ),
    fault(
        "initialize-numbers-ignored",
        "commands/initialize",
        "The sequences start at 0, whatever numbers INITIALIZE carries.",
        messages(Rules { start_counts: false, ..RULES }),
    ),
    fault(
        "commands-before-initialize",
        "commands/not-initialized",
        "Commands are obeyed before INITIALIZE.",
        messages(Rules { commands_wait: false, ..RULES }),
    ),
    fault(
        "queries-before-initialize",
        "queries/not-initialized",
        "Queries are answered before INITIALIZE.",
        messages(Rules { queries_wait: false, ..RULES }),
    ),
    fault(
        "command-handle-unchecked",
        "commands/wrong-handle",
        "A command may carry the handle of another channel, or any.",
        messages(Rules { command_handle: false, ..RULES }),
    ),
    fault(
        "query-handle-unchecked",
        "queries/wrong-handle",
        "A query may carry the handle of another channel, or any.",
        messages(Rules { query_handle: false, ..RULES }),
    ),
    fault(
        "command-larger-accepted",
        "commands/too-large",
        "Bytes behind a command are ignored.",
        messages(Rules { surplus: 4000, ..RULES }),
    ),
    fault(
        "command-smaller-accepted",
        "commands/too-small",
        "Members that are missing from a command's end are taken as zero.",
        messages(Rules { missing: 4000, ..RULES }),
    ),
    fault(
        "query-smaller-accepted",
        "queries/input-too-small",
        "Members that are missing from a query's end are taken as zero.",
        messages(Rules { query_size: false, ..RULES }),
    ),
    fault(
        "query-output-cut",
        "queries/output-too-small",
        "An answer that is larger than the output buffer is cut, and the query succeeds.",
        messages(Rules { output_size: false, ..RULES }),
    ),
    fault(
        "reserved-flags-ignored",
        "commands/reserved-flags",
        "PROTECTION with other flags than the two that there are is obeyed without them.",
        messages(Rules {
            change_command: |guid, message| {
                if *guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION {
                    let at = offset_of!(Protection, Protections.Value);
                    if message.len() == size_of::<Protection>() {
                        let flags = number_at(message, at) & 3;
                        put(message, at, &flags.to_ne_bytes());
                    }
                }
            },
            ..RULES
        }),
    ),
    fault(
        "initialize-after-exchange",
        "commands/initialize-after-exchange",
        "After a key exchange INITIALIZE works once more, and starts the sequences anew.",
        Hooks {
            negotiate_authenticated_channel_key_exchange: Some(|call| {
                let hresult = call.pass_on();
                if hresult == S_OK {
                    call.known(Channel::forget_initialize);
                }
                hresult
            }),
            ..messages(RULES)
        },
    ),
    fault(
        "omac-of-any-channel",
        "commands/key-of-another-channel",
        "A command may be signed with the key of any channel of the driver.",
        Hooks { configure_authenticated_channel: Some(signed_by_any), ..Hooks::NONE },
    ),
    fault(
        "processes-not-taken-back",
        "commands/shared-resource",
        "SHARED_RESOURCE that takes a process back succeeds and allows it.",
        messages(Rules {
            change_command: |guid, message| {
                if *guid == D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE && message.len() == size_of::<Share>() {
                    put(message, offset_of!(Share, AllowAccess), &1_u32.to_ne_bytes());
                }
            },
            ..RULES
        }),
    ),
    fault(
        "process-type-unchecked",
        "commands/process-type",
        "SHARED_RESOURCE takes every process type that there is not for that of a process's handle.",
        messages(Rules {
            change_command: |guid, message| {
                let at = offset_of!(Share, ProcessType);
                if *guid == D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE
                    && message.len() == size_of::<Share>()
                    && number_at(message, at) > D3D11_PROCESSIDTYPE_HANDLE
                {
                    put(message, at, &D3D11_PROCESSIDTYPE_HANDLE.to_ne_bytes());
                }
            },
            ..RULES
        }),
    ),
    fault(
        "unlisted-encryption-accepted",
        "commands/encryption-not-listed",
        "ENCRYPTION_WHEN_ACCESSIBLE with an encryption that is not listed succeeds and chooses nothing.",
        messages(Rules {
            forgives: &[(D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE, size_of::<Encryption>())],
            ..RULES
        }),
    ),
    fault(
        "session-bound-for-good",
        "commands/crypto-session",
        "CRYPTO_SESSION for a decoder to which a session is bound succeeds, and the first one stays bound.",
        Hooks { configure_authenticated_channel: Some(bound_once), ..Hooks::NONE },
    ),
    fault(
        "foreign-handles-bound-to-nothing",
        "commands/foreign-handles",
        "CRYPTO_SESSION with handles of others succeeds and binds nothing.",
        messages(Rules { forgives: &[(D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, size_of::<Bind>())], ..RULES }),
    ),
    fault(
        "foreign-handles-answered",
        "queries/foreign-handles",
        "OUTPUT_ID_COUNT for handles of others is answered with zeros.",
        messages(Rules { forgives: &[(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, size_of::<CountInput>())], ..RULES }),
    ),
];

/// Signs a command anew that another channel's key has signed.
fn signed_by_any(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    let own = call.known(|channel| channel.key).flatten();
    let message = call.input().get().filter(|message| message.len() > OMAC);
    let (Some(device), Some(own), Some(mut message)) = (call.device(), own, message) else { return call.pass_on() };
    let is_signed = |key: &Block| message[..OMAC] == omac(key, &message[OMAC..]);
    let is_anybodys = device.driver.channels().values().filter_map(|channel| channel.key).any(|key| is_signed(&key));
    if !is_anybodys || is_signed(&own) {
        return call.pass_on();
    }
    sign(&own, &mut message);
    call.with_input(Buffer::of(&mut message)).pass_on()
}

/// Puts the session that is bound already in the place of the new one.
fn bound_once(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    let key = call.known(|channel| channel.key).flatten();
    let message = call.input().get().filter(|message| message.len() == size_of::<Bind>());
    let (Some(device), Some(key), Some(mut message)) = (call.device(), key, message) else { return call.pass_on() };
    let is_it = guid_of(&message) == D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION;
    if !is_it || message[..OMAC] != omac(&key, &message[OMAC..]) {
        return call.pass_on();
    }
    let at = offset_of!(Bind, CryptoSessionHandle);
    let (decoder, session) = (handle_at(&message, offset_of!(Bind, DecoderHandle)), handle_at(&message, at));
    let bound = device.driver.notes().get(&decoder).and_then(|bound| usize::try_from(*bound).ok());
    put(&mut message, at, &bound.unwrap_or(session).to_ne_bytes());
    sign(&key, &mut message);
    let hresult = call.with_input(Buffer::of(&mut message)).pass_on();
    if hresult == S_OK {
        device.driver.notes().entry(decoder).or_insert(session as u128);
    }
    hresult
}
