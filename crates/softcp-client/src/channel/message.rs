//! A message made for the driver, and what is remembered of it for its answer.

use std::mem::size_of;

use softcp_abi as abi;

use super::command::Command;
use super::omac;
use super::query::Query;
use crate::keys::ChannelKey;

/// A command or query, ready to be passed on.
///
/// Pass [`bytes`](Self::bytes) and an output of [`answer_size`](Self::answer_size) bytes to
/// `ConfigureAuthenticatedChannel` or `QueryAuthenticatedChannel`, then open the output against this value. Messages
/// go to the driver in the order they were made: it refuses one whose number is not greater than the one before. A
/// message that is not sent costs nothing but its number.
#[derive(Clone, Debug)]
pub struct ChannelMessage {
    asked: Asked,
    header: Header,
    bytes: Vec<u8>,
}

impl ChannelMessage {
    pub(super) fn command(key: &ChannelKey, header: Header, command: Command, start_query: u32) -> Self {
        let mut bytes = command.encode(header, start_query);
        omac::sign(key, &mut bytes);
        Self { asked: Asked::Command(command), header, bytes }
    }

    pub(super) fn query(header: Header, query: Query) -> Self {
        Self { asked: Asked::Query(query), header, bytes: query.encode(header) }
    }

    /// What to pass as the input.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the output to offer to the driver, and to open afterwards.
    #[must_use]
    pub fn answer_size(&self) -> usize {
        match self.asked {
            Asked::Command(_) => size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT>(),
            Asked::Query(query) => query.output_size(),
        }
    }

    /// The name of the command or query in the reference, without its prefix.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.asked {
            Asked::Command(command) => command.name(),
            Asked::Query(query) => query.name(),
        }
    }

    /// The number of the message in its sequence.
    #[must_use]
    pub fn sequence_number(&self) -> u32 {
        self.header.sequence_number
    }

    /// The same message with other bytes.
    #[cfg(test)]
    pub(super) fn with_bytes(self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self }
    }

    pub(super) fn asked(&self) -> Asked {
        self.asked
    }

    pub(super) fn header(&self) -> Header {
        self.header
    }
}

/// What a message asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Command(Command),
    Query(Query),
}

/// What tells one message from another, next to its GUID. The answer repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) channel: usize,
    pub(super) sequence_number: u32,
}
