//! Numbers that come to their end.

mod read_back_iv;
mod refreshes;
mod sequences;

use crate::case::{Case, Group, Requirement};
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "exhaustion",
    title: "Numbers that come to their end",
    mix: Mix::OneMore,
    cases: &[
        Case {
            name: "exhaustion/command-sequence",
            rule: "After command number 0xFFFFFFFF every command is E_INVALIDARG, whatever its number.",
            source: "D18",
            requirement: Requirement::Decision,
            run: sequences::command_sequence,
        },
        Case {
            name: "exhaustion/query-sequence",
            rule: "After query number 0xFFFFFFFF every query is E_INVALIDARG, whatever its number.",
            source: "D18",
            requirement: Requirement::Decision,
            run: sequences::query_sequence,
        },
        Case {
            name: "exhaustion/refreshes",
            rule: "A session deciphers under any number of keys, one after another: it has no 65,537th that is too many.",
            source: "D31",
            requirement: Requirement::Decision,
            run: refreshes::refreshes,
        },
        Case {
            name: "exhaustion/read-back-iv",
            rule: "After the last IV of 64 bits EncryptionBlt is E_FAIL until there is a new read-back key, and no IV comes again.",
            source: "D11",
            requirement: Requirement::Decision,
            run: read_back_iv::read_back_iv,
        },
        Case {
            name: "exhaustion/read-back-iv-32-bits",
            rule: "After the last IV of 32 bits the next one is greater by one.",
            source: "D11",
            requirement: Requirement::Decision,
            run: read_back_iv::past_32_bits,
        },
    ],
};
