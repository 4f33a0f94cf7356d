//! Which messages a channel takes: OMAC, sequence numbers, INITIALIZE, handles and sizes.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_INPUT as Command, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT as Protection,
};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::channel::{Numbers, Omac, RULES, Rules, number_at, put};

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
];
