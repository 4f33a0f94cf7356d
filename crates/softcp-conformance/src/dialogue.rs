//! Commands and queries over a channel whose key the kit knows.

use std::mem::offset_of;

use softcp_abi as abi;
use softcp_abi::{E_FAIL, E_INVALIDARG, GUID};
use softcp_runtime::{Decoder, DecoderDesc, Device, HResult};

use crate::case::{CaseResult, Stop, check, check_hresult};
use crate::context::Context;
use crate::message::{Header, Message, member};
use crate::rig::{FILL, KeyedChannel};

/// A command or a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Its name in the DDI, without the prefix.
    pub(crate) name: &'static str,
    pub(crate) guid: GUID,
    /// Bytes of its structure.
    pub(crate) size: usize,
    /// Bytes of its answer's structure.
    pub(crate) answer: usize,
}

/// Bytes of the structure that a query or a command without members is.
pub(crate) const QUERY_HEADER: usize = size_of::<abi::D3D11_AUTHENTICATED_QUERY_INPUT>();
pub(crate) const COMMAND_HEADER: usize = size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT>();
/// Bytes of the header of an answer.
pub(crate) const ANSWER_HEADER: usize = size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT>();

macro_rules! commands {
    ($($name:ident: $guid:ident, $input:ident;)+) => {$(
        pub(crate) const $name: Kind = Kind {
            name: stringify!($guid),
            guid: abi::$guid,
            size: size_of::<abi::$input>(),
            answer: ANSWER_HEADER,
        };
    )+};
}

macro_rules! queries {
    ($($name:ident: $guid:ident, $input:ident, $output:ident;)+) => {
        $(
            pub(crate) const $name: Kind = Kind {
                name: stringify!($guid),
                guid: abi::$guid,
                size: size_of::<abi::$input>(),
                answer: size_of::<abi::$output>(),
            };
        )+

        /// All queries.
        pub(crate) const QUERIES: &[Kind] = &[$($name),+];
    };
}

commands! {
    SET_INITIALIZE: D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT;
    SET_PROTECTION: D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT;
    SET_CRYPTO_SESSION:
        D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT;
    SET_SHARED_RESOURCE:
        D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT;
    SET_ENCRYPTION:
        D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
        D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT;
}

/// The commands that need an initialised channel.
pub(crate) const COMMANDS: &[Kind] = &[SET_PROTECTION, SET_CRYPTO_SESSION, SET_SHARED_RESOURCE, SET_ENCRYPTION];

queries! {
    ASK_PROTECTION:
        D3D11_AUTHENTICATED_QUERY_PROTECTION,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT;
    ASK_CHANNEL_TYPE:
        D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT;
    ASK_DEVICE_HANDLE:
        D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT;
    ASK_CRYPTO_SESSION:
        D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION,
        D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT;
    ASK_PROCESS_COUNT:
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT;
    ASK_PROCESS:
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT,
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT;
    ASK_UNRESTRICTED_COUNT:
        D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT;
    ASK_OUTPUT_COUNT:
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT,
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT;
    ASK_OUTPUT:
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID,
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT;
    ASK_ACCESSIBILITY:
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT;
    ASK_ENCRYPTION_COUNT:
        D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT;
    ASK_ENCRYPTION:
        D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT,
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT;
    ASK_CURRENT_ENCRYPTION:
        D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE,
        D3D11_AUTHENTICATED_QUERY_INPUT, D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT;
}

/// Queries that ask for nothing but what they are called, so that every driver answers them with the header alone.
pub(crate) fn plain_queries() -> impl Iterator<Item = &'static Kind> {
    QUERIES.iter().filter(|kind| kind.size == QUERY_HEADER)
}

/// What came back for a message: the HRESULT of the call, and the output.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) hresult: HResult,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self) -> Header {
        Header::of(&self.bytes)
    }

    pub(crate) fn u32(&self, offset: usize) -> u32 {
        u32::from_ne_bytes(member(&self.bytes, offset))
    }

    pub(crate) fn u64(&self, offset: usize) -> u64 {
        u64::from_ne_bytes(member(&self.bytes, offset))
    }

    pub(crate) fn handle(&self, offset: usize) -> usize {
        usize::from_ne_bytes(member(&self.bytes, offset))
    }

    /// The bytes of a GUID.
    pub(crate) fn guid(&self, offset: usize) -> [u8; 16] {
        member(&self.bytes, offset)
    }
}

/// Fails unless a call ended with `E_INVALIDARG`.
pub(crate) fn check_invalid(call: &str, seen: HResult) -> CaseResult {
    check_hresult(call, HResult(E_INVALIDARG), seen)
}

/// Fails unless a call ended with `E_FAIL`, which is what unknown commands and queries are.
pub(crate) fn check_unknown(call: &str, seen: HResult) -> CaseResult {
    check_hresult(call, HResult(E_FAIL), seen)
}

/// Fails unless a call failed, with whatever code.
pub(crate) fn check_fails(call: &str, seen: HResult) -> CaseResult {
    check(seen.0 < 0, format!("{call}: a failure"), || seen.to_string())
}

impl KeyedChannel {
    /// A command with the next number, not signed, all members behind its header zero.
    pub(crate) fn next_command(&mut self, kind: &Kind) -> Message {
        self.command += 1;
        self.unsigned_command(kind.guid, self.command, kind.size)
    }

    /// A query with the next number, all members behind its header zero.
    pub(crate) fn next_query(&mut self, kind: &Kind) -> Message {
        self.query += 1;
        self.query_numbered(kind, self.query)
    }

    /// A query with any number.
    pub(crate) fn query_numbered(&self, kind: &Kind, number: u32) -> Message {
        Message::query(kind.guid, self.channel.handle_value(), number, kind.size)
    }

    /// `CONFIGURE_PROTECTION` with any number, signed.
    pub(crate) fn protection_numbered(&self, flags: u32, number: u32) -> Message {
        self.unsigned_command(SET_PROTECTION.guid, number, SET_PROTECTION.size)
            .with(COMMAND_HEADER, flags)
            .signed(&self.key)
    }

    /// A query and a command with the next numbers, whatever comes of them.
    pub(crate) fn use_first_numbers(&mut self) -> CaseResult {
        let query = self.next_query(&ASK_PROTECTION);
        self.ask(&query, ASK_PROTECTION.answer)?;
        let command = self.next_command(&SET_PROTECTION).signed(&self.key);
        self.send(&command).map(drop)
    }

    /// Gives a command as it is.
    pub(crate) fn send(&mut self, command: &Message) -> CaseResult<Answer> {
        let (reply, output) = self.channel.configure(&command.0)?;
        Ok(Answer { hresult: reply.hresult(), bytes: output.to_vec() })
    }

    /// Signs a command and gives it; it must be obeyed.
    pub(crate) fn obey(&mut self, what: &str, command: Message) -> CaseResult<Answer> {
        let answer = self.send(&command.signed(&self.key))?;
        check_hresult(what, HResult::OK, answer.hresult)?;
        Ok(answer)
    }

    /// Gives a command as it is; it must be `E_INVALIDARG`.
    pub(crate) fn refuse(&mut self, what: &str, command: &Message) -> CaseResult<Answer> {
        let answer = self.send(command)?;
        check_invalid(what, answer.hresult)?;
        Ok(answer)
    }

    /// Asks a query as it is, with an output of `size` bytes that holds [`FILL`] before.
    pub(crate) fn ask(&mut self, query: &Message, size: usize) -> CaseResult<Answer> {
        let mut bytes = vec![FILL; size];
        let reply = self.channel.query(&query.0, &mut bytes)?;
        Ok(Answer { hresult: reply.hresult(), bytes })
    }

    /// Asks a query as it is, with an output of the right size; it must be `E_INVALIDARG`.
    pub(crate) fn deny(&mut self, what: &str, kind: &Kind, query: &Message) -> CaseResult<Answer> {
        let answer = self.ask(query, kind.answer)?;
        check_invalid(what, answer.hresult)?;
        Ok(answer)
    }

    /// Asks a query with an output of the right size; it must be answered.
    pub(crate) fn answer_to(&mut self, kind: &Kind, query: &Message) -> CaseResult<Answer> {
        let answer = self.ask(query, kind.answer)?;
        check_hresult(kind.name, HResult::OK, answer.hresult)?;
        Ok(answer)
    }

    /// Asks a query without members, with the next number; it must be answered.
    pub(crate) fn answer(&mut self, kind: &Kind) -> CaseResult<Answer> {
        let query = self.next_query(kind);
        self.answer_to(kind, &query)
    }

    /// What `QUERY_PROTECTION` answers.
    pub(crate) fn protection(&mut self) -> CaseResult<u32> {
        Ok(self.answer(&ASK_PROTECTION)?.u32(ANSWER_HEADER))
    }

    /// Fails unless `QUERY_PROTECTION` answers with `flags`.
    pub(crate) fn check_protection(&mut self, when: &str, flags: u32) -> CaseResult {
        let seen = self.protection()?;
        check(seen == flags, format!("protection {when}: 0x{flags:x}"), || format!("0x{seen:x}"))
    }

    /// What `QUERY_DEVICE_HANDLE` answers.
    pub(crate) fn device_handle(&mut self) -> CaseResult<usize> {
        let answer = self.answer(&ASK_DEVICE_HANDLE)?;
        Ok(answer.handle(offset_of!(abi::D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT, DeviceHandle)))
    }
}

impl Context<'_> {
    /// Skips the case where protection cannot be seen to change.
    pub(crate) fn require_switchable_protection(&self, device: &Device) -> CaseResult {
        match self.caps(device) {
            Ok(caps) if caps.contains(abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON) => Err(
                Stop::skipped("the driver reports PROTECTION_ALWAYS_ON, so that no command can be seen to change it"),
            ),
            // A driver without sessions may have channels.
            _ => Ok(()),
        }
    }

    /// A GUID that names nothing.
    pub(crate) fn guid(&self) -> GUID {
        GUID::from_u128(u128::from_ne_bytes(self.random()))
    }
}

/// A decoder to bind a session to; a driver whose decoders are made elsewhere skips the case.
pub(crate) fn decoder_on(device: &Device) -> CaseResult<Decoder> {
    let desc = DecoderDesc::bitstream(abi::D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 1280, 720, 103);
    device.create_decoder(&desc).map_err(|error| Stop::skipped(format!("the driver makes no decoder: {error}")))
}

/// Numbers in the place of a channel's handle that name it not, and what they are.
pub(crate) fn wrong_handles(channel: &KeyedChannel, other: &KeyedChannel) -> [(&'static str, usize); 4] {
    let own = channel.channel.handle_value();
    [
        ("zero", 0),
        ("another channel's", other.channel.handle_value()),
        ("the channel's plus one", own.wrapping_add(1)),
        ("the channel's with its highest bit inverted", own ^ (1 << (usize::BITS - 1))),
    ]
}
