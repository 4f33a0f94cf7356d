//! Authenticated channels: signed commands to a driver, signed answers from it.
//!
//! ```text
//!             verify.rs: OMAC, handle,       device: what the command
//!   message ──▶ initialised, number, size ──▶ sets, what the query     ──▶ answer ──▶ signed message
//!               = Checked<Command>            asks for                     layout.rs
//!                 Checked<Query>
//! ```
//!
//! A channel knows messages, its key and its sequence numbers. What commands change and queries report belongs to the
//! device (`device/`), which hands it in as the last step of each call. The states are drawn in `state.rs`, the order of
//! the checks in `verify.rs`.

use std::sync::Arc;

use softcp_abi::{
    D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, HRESULT, S_OK,
};

use crate::adapter::AdapterState;
use crate::error::{Error, Result};
use crate::faults::Fault;
use crate::handle::Handle;
use crate::key::ChannelKey;

mod command;
mod layout;
mod query;
mod sequence;
mod state;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use command::Command;
use layout::{Header, Message, OMAC_SIZE, Width, Writer};
pub(crate) use query::{Answer, Query};
use state::State;
pub(crate) use verify::Checked;
pub use verify::MAX_COMMAND_SIZE;
use verify::Verified;

/// `D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE`, of the two that a driver has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelType {
    /// A channel to the driver's software.
    DriverSoftware,
    /// A channel to the driver's hardware.
    DriverHardware,
}

impl ChannelType {
    /// The type of that number, which every capability profile has (D94); [`Error::BadChannelType`] for any other, the API's own channel (1) included.
    pub fn from_number(number: u32) -> Result<Self> {
        match number {
            D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE => Ok(Self::DriverSoftware),
            D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE => Ok(Self::DriverHardware),
            other => Err(Error::BadChannelType(other)),
        }
    }

    /// The number by which the DDI knows the type.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::DriverSoftware => D3D11_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
            Self::DriverHardware => D3D11_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE,
        }
    }
}

/// What a command or a query led to: the result, and the signed message that carries it to the sender.
#[derive(Debug)]
pub struct Reply {
    /// Whether the message was obeyed or answered, and if not, why.
    pub result: Result<()>,
    /// The answer to write to the output. Empty where there is none to give: a query, or an output, without room for a
    /// header (D17).
    pub message: Vec<u8>,
}

/// Bytes of the header of a command.
#[must_use]
pub fn command_header_size() -> usize {
    Header::command_size(Width::NATIVE)
}

/// Bytes of a query that count, of which `message` holds the beginning: of its kind where the header is there and the kind
/// is known, else of a header. What lies behind them is not looked at.
#[must_use]
pub fn query_size(message: &[u8]) -> usize {
    let header = Header::of_query(Width::NATIVE, message);
    header.map_or_else(|| Header::query_size(Width::NATIVE), |header| Query::size(Width::NATIVE, header.kind))
}

/// Whether a query asks for outputs, which the device is told with it.
#[must_use]
pub fn asks_for_outputs(message: &[u8]) -> bool {
    let kind = Header::of_query(Width::NATIVE, message).map(|header| header.kind);
    matches!(kind, Some(D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT | D3D11_AUTHENTICATED_QUERY_OUTPUT_ID))
}

/// One authenticated channel. Calls on it need `&mut`: whoever shares a channel serialises the calls.
pub(crate) struct AuthenticatedChannel {
    adapter: Arc<AdapterState>,
    handle: Handle,
    channel_type: ChannelType,
    width: Width,
    state: State,
}

impl AuthenticatedChannel {
    /// A channel whose messages carry `handle`.
    pub(crate) fn new(adapter: Arc<AdapterState>, handle: Handle, channel_type: ChannelType) -> Self {
        Self { adapter, handle, channel_type, width: Width::NATIVE, state: State::Created }
    }

    /// `NegotiateAuthenticatedChannelKeyExchange`: as a session's; the plain text is the channel key. Any state; the
    /// sequences, if they run, go on (D90).
    pub(crate) fn negotiate(&mut self, message: &[u8]) -> Result<()> {
        let key = ChannelKey::new(*self.adapter.exchanged_key(message)?);
        self.state.negotiated(key.mac(&self.adapter.provider));
        Ok(())
    }

    /// `ConfigureAuthenticatedChannel`: checks the command and has `obey` carry it out, INITIALIZE excepted, which is the
    /// channel's own. The answer repeats the header, zero where the message has none.
    pub(crate) fn configure(&mut self, message: &[u8], obey: impl FnOnce(Checked<Command>) -> Result<()>) -> Reply {
        let header = Header::of_command(self.width, message).map(|(_, header)| header).unwrap_or_default();
        let result = self.checked_command(message, obey);
        let code = result.as_ref().map_or_else(Error::hresult, |()| S_OK);
        let answer = Writer::answer(self.width, &header, code).finish();
        Reply { result, message: self.signed(answer) }
    }

    /// `QueryAuthenticatedChannel`: checks the query and has `answer` answer it for a channel of this type. A failed
    /// query is answered too, all members zero (D17, D30).
    pub(crate) fn query(
        &mut self,
        message: &[u8],
        output_size: usize,
        answer: impl FnOnce(Checked<Query>, ChannelType) -> Result<Answer>,
    ) -> Reply {
        let header = match self.query_header(message, output_size) {
            Ok(header) => header,
            Err(error) => return Reply { result: Err(error), message: Vec::new() },
        };
        let found = verify::query(self.width, self.handle, &mut self.state, &header, message, output_size)
            .and_then(|query| answer(query, self.channel_type));
        let unsigned = match &found {
            Ok(answer) => answer.write(self.width, &header, S_OK),
            Err(error) => refusal(self.width, &header, error.hresult(), output_size),
        };
        Reply { result: found.map(|_| ()), message: self.signed(unsigned) }
    }

    /// The reply to a command that is not looked at, whatever it is: the header that it has, and the error, signed (D17).
    pub(crate) fn refuse_command(&self, message: &[u8], error: Error) -> Reply {
        let answer = command_refusal(self.width, message, &error);
        Reply { result: Err(error), message: self.signed(answer) }
    }

    /// As [`Self::refuse_command`], for a query.
    pub(crate) fn refuse_query(&self, message: &[u8], output_size: usize, error: Error) -> Reply {
        let answer = query_refusal(self.width, message, output_size, &error);
        Reply { result: Err(error), message: answer.map(|answer| self.signed(answer)).unwrap_or_default() }
    }

    /// The reply to a command on a handle that names no channel. Nothing can sign it.
    pub(crate) fn unknown_to_command(message: &[u8], error: Error) -> Reply {
        let answer = command_refusal(Width::NATIVE, message, &error);
        Reply { result: Err(error), message: answer.to_vec() }
    }

    /// The reply to a query on a handle that names no channel. Nothing can sign it.
    pub(crate) fn unknown_to_query(message: &[u8], output_size: usize, error: Error) -> Reply {
        let answer = query_refusal(Width::NATIVE, message, output_size, &error);
        Reply { result: Err(error), message: answer.map(|answer| answer.to_vec()).unwrap_or_default() }
    }

    fn checked_command(&mut self, message: &[u8], obey: impl FnOnce(Checked<Command>) -> Result<()>) -> Result<()> {
        match verify::command(self.width, self.handle, &mut self.state, message)? {
            Verified::Initialize(sequences) => {
                self.state.initialize(&sequences);
                Ok(())
            }
            Verified::Command(command) => obey(command),
        }
    }

    /// Step 1 of a query's checks.
    fn query_header(&self, message: &[u8], output_size: usize) -> Result<Header> {
        let too_short = |what, needed, given| Error::MessageTooShort { what, needed, given };
        let header = Header::of_query(self.width, message)
            .ok_or_else(|| too_short("the query", Header::query_size(self.width), message.len()))?;
        let needed = Header::answer_size(self.width);
        if output_size < needed { Err(too_short("the output", needed, output_size)) } else { Ok(header) }
    }

    /// Signs an answer. Without a key its OMAC stays zero.
    fn signed(&self, mut answer: Message) -> Vec<u8> {
        if let Some(mac) = self.state.mac() {
            let (omac, rest) = answer.split_at_mut(OMAC_SIZE);
            omac.copy_from_slice(&mac.sign(rest));
            if self.adapter.faults.meets(Fault::WrongMac) {
                omac[0] = !omac[0];
            }
        }
        answer.to_vec()
    }
}

impl std::fmt::Debug for AuthenticatedChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticatedChannel")
            .field("handle", &self.handle)
            .field("channel_type", &self.channel_type)
            .field("state", &self.state.name())
            .finish_non_exhaustive()
    }
}

/// The refusal of a command that nothing is known of but its header, which is zero where the message has none (D86).
fn command_refusal(width: Width, message: &[u8], error: &Error) -> Message {
    let header = Header::of_command(width, message).map(|(_, header)| header).unwrap_or_default();
    Writer::answer(width, &header, error.hresult()).finish()
}

/// The refusal of a query that nothing is known of but its header; none where query or output hold no header (D17).
fn query_refusal(width: Width, message: &[u8], output_size: usize, error: &Error) -> Option<Message> {
    let header = Header::of_query(width, message)?;
    let is_room = output_size >= Header::answer_size(width);
    is_room.then(|| refusal(width, &header, error.hresult(), output_size))
}

/// The refusal of a query: its whole answer with members of zero where there is room for it, else a header (D17, D30).
fn refusal(width: Width, header: &Header, code: HRESULT, output_size: usize) -> Message {
    match Answer::zero(header.kind) {
        Some(zero) if output_size >= verify::whole_answer_size(width, header) => zero.write(width, header, code),
        _ => Writer::answer(width, header, code).finish(),
    }
}
