//! The application's side of an authenticated channel.
//!
//! Over a channel an application tells a driver how to protect content and asks what it does about it, and both can
//! tell that nobody between them changed or replayed a message: commands and all answers are signed ([`omac`]), every
//! message has a number of its own, and an answer repeats the number of its message.
//!
//! ```text
//!          driver accepted the key exchange
//!                        |
//!                        v
//!        .---------->  Keyed  ---------------.
//!        |               |                   | command(Initialize): not yet accepted,
//!        |               |                   | may be repeated
//!        '---------------|-------------------'
//!                        |
//!                        | open_command_answer: INITIALIZE accepted
//!                        v
//!        .---------->  Initialized{queries}  --.
//!        |                                     | command, query: the next number of their sequence
//!        '-------------------------------------'
//!
//!        renegotiate(new key) leaves state and sequences as they are: numbers never go back
//! ```
//!
//! A refused, changed or missing answer moves nothing.

use thiserror::Error;

use crate::key_exchange::KeyExchange;
use crate::keys::ChannelKey;
use crate::random::{Random, RandomError};

mod answer;
mod command;
mod fields;
mod message;
mod omac;
mod query;
mod values;

pub use answer::{Answer, AnswerError};
pub use command::Command;
pub use message::ChannelMessage;
pub use query::Query;
pub use values::{Accessibility, BusType, ChannelType, Process, ProtectionFlags};

use message::Header;

/// An authenticated channel whose key the driver has: the mirror of the driver's state.
///
/// 1. Create the channel, check its certificate and let the driver accept a [`KeyExchange`]. That makes this value.
/// 2. [`command`](Self::command) with [`Command::Initialize`], and open the answer.
/// 3. [`query`](Self::query) with [`Query::ChannelType`], and compare the answer with the type of channel asked for:
///    the certificate alone does not tell hardware from software.
/// 4. [`Command::Protection`], and everything else, in any order.
///
/// Each message goes to the driver once and in the order of making; its answer is opened against it. A failed call of
/// `ConfigureAuthenticatedChannel` or `QueryAuthenticatedChannel` writes an answer too (D17): open it all the same, to
/// know whether it was the driver that refused.
#[derive(Debug)]
pub struct ClientChannel {
    key: ChannelKey,
    handle: usize,
    start_query: u32,
    commands: Sequence,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The driver has the key; it has not yet accepted INITIALIZE, as far as is known here.
    Keyed,
    Initialized {
        queries: Sequence,
    },
}

/// The numbers of one kind of message, each greater than the one before.
#[derive(Debug)]
struct Sequence {
    next: Option<u32>,
}

impl ClientChannel {
    /// The channel after the driver accepted `exchange`. `handle` is what `CreateAuthenticatedChannel` wrote to
    /// `hChannel` (D25); each message carries it.
    ///
    /// The start numbers of both sequences are drawn from `random`, queries first, and are below 2³¹: that leaves at
    /// least 2³¹ messages of each kind before a sequence is exhausted (D18).
    ///
    /// # Errors
    ///
    /// [`RandomError`] when `random` has no bytes.
    pub fn new(exchange: KeyExchange, handle: usize, random: &dyn Random) -> Result<Self, RandomError> {
        let draw = || {
            let mut number = [0; 4];
            random.fill(&mut number).map(|()| u32::from_be_bytes(number) >> 1)
        };
        let (start_query, start_command) = (draw()?, draw()?);
        Ok(Self::with_sequences(exchange, handle, start_query, start_command))
    }

    /// The same with chosen start numbers: for tests.
    ///
    /// Nothing carries a start number but INITIALIZE, whose own number is `start_command`: the first query is
    /// `start_query` + 1, the first command after INITIALIZE `start_command` + 1. That is right for every driver,
    /// whether it takes the start numbers for the first ones allowed or for the last ones used.
    #[must_use]
    pub fn with_sequences(exchange: KeyExchange, handle: usize, start_query: u32, start_command: u32) -> Self {
        let commands = Sequence { next: Some(start_command) };
        Self { key: exchange.into_channel_key(), handle, start_query, commands, state: State::Keyed }
    }

    /// Takes the key of another `exchange` after the driver accepted it.
    ///
    /// The sequences go on, and an INITIALIZE that was accepted stays so. Answers to earlier messages are signed under
    /// the old key and can no longer be opened.
    pub fn renegotiate(&mut self, exchange: KeyExchange) {
        self.key = exchange.into_channel_key();
    }

    /// Makes a command, signed, with the next number of the commands.
    ///
    /// # Errors
    ///
    /// [`ChannelError`]; no number is used up.
    pub fn command(&mut self, command: Command) -> Result<ChannelMessage, ChannelError> {
        match (&self.state, command) {
            (State::Keyed, Command::Initialize) => {}
            (State::Keyed, _) => return Err(ChannelError::NotInitialized),
            (State::Initialized { .. }, Command::Initialize) => return Err(ChannelError::AlreadyInitialized),
            (State::Initialized { .. }, _) => {}
        }
        let header = Header { channel: self.handle, sequence_number: self.commands.take()? };
        Ok(ChannelMessage::command(&self.key, header, command, self.start_query))
    }

    /// Makes a query with the next number of the queries.
    ///
    /// # Errors
    ///
    /// [`ChannelError`]; no number is used up.
    pub fn query(&mut self, query: Query) -> Result<ChannelMessage, ChannelError> {
        let State::Initialized { queries } = &mut self.state else {
            return Err(ChannelError::NotInitialized);
        };
        let header = Header { channel: self.handle, sequence_number: queries.take()? };
        Ok(ChannelMessage::query(header, query))
    }

    /// Opens the answer to a command of this channel: `output` is what the driver wrote, whatever the HRESULT of
    /// `ConfigureAuthenticatedChannel` was. Only `Ok` means that the driver did what was asked.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] says for each case what it means; the channel stays as it was.
    pub fn open_command_answer(&mut self, message: &ChannelMessage, output: &[u8]) -> Result<(), AnswerError> {
        answer::open_command(&self.key, message, output)?;
        if let (State::Keyed, message::Asked::Command(Command::Initialize)) = (&self.state, message.asked()) {
            self.state = State::Initialized { queries: Sequence { next: self.start_query.checked_add(1) } };
        }
        Ok(())
    }

    /// Opens the answer to a query of this channel: `output` is what the driver wrote, whatever the HRESULT of
    /// `QueryAuthenticatedChannel` was.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] says for each case what it means.
    pub fn open_query_answer(&self, message: &ChannelMessage, output: &[u8]) -> Result<Answer, AnswerError> {
        answer::open_query(&self.key, message, output)
    }

    /// The handle of the channel.
    #[must_use]
    pub fn handle(&self) -> usize {
        self.handle
    }

    /// Whether the driver has accepted INITIALIZE, so that there can be queries and other commands.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        matches!(self.state, State::Initialized { .. })
    }
}

impl Sequence {
    fn take(&mut self) -> Result<u32, ChannelError> {
        let number = self.next.ok_or(ChannelError::SequenceExhausted)?;
        self.next = number.checked_add(1);
        Ok(number)
    }
}

/// Why no message can be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChannelError {
    /// The driver has not yet accepted INITIALIZE, and would refuse every other message. Send it first.
    #[error("the channel is not initialised: send INITIALIZE and open its answer first")]
    NotInitialized,
    /// The driver has accepted INITIALIZE, and would refuse another with `E_INVALIDARG` (0x80070057, D16).
    #[error("the channel is already initialised")]
    AlreadyInitialized,
    /// The sequence has had its last number, 0xFFFFFFFF (D18). Make a new channel.
    #[error("every sequence number has been used: make a new channel")]
    SequenceExhausted,
}
