//! The checks between a message and its handler, in their one order.
//!
//! What passed them is [`Checked`], which only this file can make: a handler that takes a `Checked` command or query
//! cannot be reached with a message whose OMAC, handle or sequence number is wrong.
//!
//! | | command (D15) | query (D84) |
//! |---|---|---|
//! | 1 | it holds a header | it holds a header, and so does the output |
//! | 2 | the OMAC is right, and the message is no answer handed back | – (D17) |
//! | 3 | the channel handle is this channel's | the same |
//! | 4 | the channel is initialised; for INITIALIZE, not yet (D16) | the channel is initialised |
//! | 5 | the sequence number is allowed; **it is used up here** | the same |
//! | 6 | the command is known | the query is known |
//! | 7 | the size is the command's (D14) | the size holds the query |
//! | 8 | | the output holds the answer |

use super::command::{Command, INITIALIZE, Received};
use super::layout::{Header, OMAC_SIZE, Width, return_code};
use super::query::{Answer, Query};
use super::sequence::Sequence;
use super::state::{Sequences, State};
use crate::error::{Error, Result};
use crate::handle::Handle;

/// Most bytes that a command can have; the longest has 72. A longer one is refused unread, as a wrong OMAC is (D88): it may
/// be said to be longer than what can be read.
pub const MAX_COMMAND_SIZE: usize = 4096;

/// A command whose OMAC, handle, sequence number and size are right, or a query of which the same holds but for the
/// OMAC, which queries do not have.
#[derive(Debug)]
pub(crate) struct Checked<T>(T);

impl<T> Checked<T> {
    /// What the message says.
    pub(crate) fn get(&self) -> &T {
        &self.0
    }
}

/// A command that passed the checks.
pub(super) enum Verified {
    /// INITIALIZE, with the sequences it starts.
    Initialize(Checked<Sequences>),
    /// A command for the device.
    Command(Checked<Command>),
}

/// Checks a command. An error of steps 1 to 4, or of a wrong number, leaves the state as it was.
pub(super) fn command(width: Width, channel: Handle, state: &mut State, message: &[u8]) -> Result<Verified> {
    let needed = Header::command_size(width);
    if message.len() > MAX_COMMAND_SIZE {
        return Err(Error::NotAuthentic);
    }
    let (omac, header) = Header::of_command(width, message).ok_or(Error::MessageTooShort {
        what: "the command",
        needed,
        given: message.len(),
    })?;
    let mac = state.mac().ok_or(Error::NoChannelKey)?;
    mac.verify(&message[OMAC_SIZE..], &omac).map_err(|_| Error::NotAuthentic)?;
    if is_answer(width, &header, message) {
        return Err(Error::NotAuthentic);
    }
    check_handle(channel, &header)?;
    match (state.sequences_mut(), header.kind == INITIALIZE) {
        (None, true) => {}
        (None, false) => return Err(Error::ChannelNotInitialized),
        // Its number is not looked at, or else a replay of the first INITIALIZE could use a number up (D83).
        (Some(_), true) => return Err(Error::ChannelAlreadyInitialized),
        (Some(sequences), false) => sequences.commands.take(header.sequence)?,
    }
    Ok(match Received::read(width, header.kind, message)? {
        Received::Initialize { queries, commands } => {
            let sequences = Sequences { queries: Sequence::new(queries), commands: Sequence::new(commands) };
            Verified::Initialize(Checked(sequences))
        }
        Received::Command(command) => Verified::Command(Checked(command)),
    })
}

/// Checks a query whose `header` has been read. An error of steps 1 to 4, or of a wrong number, leaves the state as it
/// was.
pub(super) fn query(
    width: Width,
    channel: Handle,
    state: &mut State,
    header: &Header,
    message: &[u8],
    output_size: usize,
) -> Result<Checked<Query>> {
    check_handle(channel, header)?;
    state.mac().ok_or(Error::NoChannelKey)?;
    state.sequences_mut().ok_or(Error::ChannelNotInitialized)?.queries.take(header.sequence)?;
    let query = Query::read(width, header.kind, message)?;
    let needed = whole_answer_size(width, header);
    if output_size < needed {
        return Err(Error::MessageTooShort { what: "the output", needed, given: output_size });
    }
    Ok(Checked(query))
}

/// Bytes of the whole answer to a query; for an unknown one, of a header (D85).
pub(super) fn whole_answer_size(width: Width, header: &Header) -> usize {
    Answer::zero(header.kind).map_or_else(|| Header::answer_size(width), |answer| answer.write(width, header, 0).len())
}

fn check_handle(channel: Handle, header: &Header) -> Result<()> {
    if header.channel == channel.get() as u64 { Ok(()) } else { Err(Error::WrongChannel) }
}

/// Whether a message with a right OMAC is one that this channel has signed itself. An answer begins as a command does,
/// and is signed with the same key; what is in it an attacker chooses without the key, by a query or by a command with a
/// wrong OMAC. Good answers to queries carry `S_OK` and are as long as their query's answer is; refusals are a header
/// with a failure, or as long and zero behind the header. A good answer to a command has a number that is used up (D87).
fn is_answer(width: Width, header: &Header, message: &[u8]) -> bool {
    let header_size = Header::answer_size(width);
    let whole_size = whole_answer_size(width, header);
    match return_code(width, message) {
        Some(0) => Answer::zero(header.kind).is_some() && message.len() == whole_size,
        Some(code) => code < 0 && (message.len() == header_size || message.len() == whole_size),
        None => false,
    }
}
