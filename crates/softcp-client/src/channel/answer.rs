//! Answers: what the driver said, believed only as far as its signature reaches.

use std::mem::{offset_of, size_of};

use softcp_abi::{self as abi, GUID};
use thiserror::Error;

use super::fields::Field;
use super::message::{Asked, ChannelMessage, Header};
use super::omac::{self, Authentic};
use super::query::Query;
use super::values::{Accessibility, BusType, ChannelType, Process, ProtectionFlags};
use crate::keys::ChannelKey;

/// What a driver answered to the [`Query`] of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The protection in force.
    Protection(ProtectionFlags),
    /// Which part of the driver answers. The application compares it with the type of channel it asked for.
    ChannelType(ChannelType),
    /// The handle of the device.
    DeviceHandle(usize),
    /// What the decoder uses.
    CryptoSession {
        /// The crypto session; zero when the decoder uses none.
        session: usize,
        /// The device.
        device: usize,
    },
    /// Number of processes that may open restricted shared resources.
    RestrictedSharedResourceProcessCount(u32),
    /// One of these processes.
    RestrictedSharedResourceProcess(Process),
    /// Number of protected shared resources that any process can open.
    UnrestrictedProtectedSharedResourceCount(u32),
    /// Number of outputs.
    OutputIdCount(u32),
    /// Identifier of an output.
    OutputId(u64),
    /// How video memory can be reached.
    AccessibilityAttributes(Accessibility),
    /// Number of ways to encipher accessible content.
    EncryptionWhenAccessibleGuidCount(u32),
    /// One of these ways.
    EncryptionWhenAccessibleGuid(GUID),
    /// The way in force; all zero when there is none.
    CurrentEncryptionWhenAccessible(GUID),
}

/// Why an answer is not accepted.
///
/// The client stays as it was, and the message stays open: another answer to it, the true one, is still accepted. The
/// variants are in the order of the checks. Up to [`NotAuthentic`](Self::NotAuthentic) nothing of the answer has been
/// believed; after it, the bytes are the driver's own.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// The message is a query and was opened as a command, or the other way round. A mistake in the application.
    #[error("the message is {actual}, but its answer was opened as that of {expected}")]
    MessageKind {
        /// What the method that was called opens.
        expected: &'static str,
        /// What the message is.
        actual: &'static str,
    },
    /// The output has another size than [`ChannelMessage::answer_size`]; the answer to a query may also be cut to its
    /// header. A mistake in the application, unless something between it and the driver changes sizes.
    #[error("the answer has {actual} bytes instead of {expected}")]
    Length {
        /// The size to offer to the driver.
        expected: usize,
        /// Bytes in the output.
        actual: usize,
    },
    /// The OMAC is wrong: somebody changed the answer, or it was made under another key, or the driver wrote none.
    ///
    /// Look at the HRESULT of the call first: a driver that never saw a whole message does not sign. Where that is
    /// success, do not trust the path to the driver: send nothing secret, and make a new channel.
    #[error("the answer is not authentic")]
    NotAuthentic,
    /// The output is the command itself: it came back instead of an answer, so the driver may never have seen it.
    /// Treat it as [`NotAuthentic`](Self::NotAuthentic).
    ///
    /// Possible on 32-bit systems, where PROTECTION is as large as its answer. There, the successful answer to
    /// PROTECTION without flags is the command byte for byte, and accepted; whoever must know that protection is off
    /// asks with [`Query::Protection`].
    #[error("the answer is the command itself")]
    Reflected,
    /// The answer is the driver's, but to another message: an old answer was replayed, or two were exchanged.
    ///
    /// If the application opened the answer against the wrong message, it opens it against the right one; else
    /// treat it as [`NotAuthentic`](Self::NotAuthentic).
    #[error("the answer belongs to another message: its {member} is not the one sent")]
    OtherMessage {
        /// The member of the header that differs.
        member: &'static str,
    },
    /// The driver itself refused a message with this header, with any return code but `S_OK` (D27), and told no more.
    /// Whoever can call the driver on the channel can provoke that, by a message with a wrong OMAC, and keep the true one
    /// back or deliver it afterwards: after a refused command ask by a query what is in force. The usual codes:
    ///
    /// - `E_INVALIDARG` (0x80070057): a parameter, an index past the count, a handle of another device; an
    ///   INITIALIZE after the first (D16); or the driver has seen a greater sequence number: then make a new channel.
    /// - `E_FAIL` (0x80004005): the driver does not know this command or query. Do without it.
    #[error("the driver refused {name} with {return_code:#010x}")]
    Refused {
        /// The command's or query's name in the reference.
        name: &'static str,
        /// The driver's HRESULT.
        return_code: i32,
    },
    /// The driver signed a success, but only the header of its answer. A defect of the driver: do without the query.
    #[error("the answer to {name} is a header alone although it reports success")]
    Incomplete {
        /// The query's name in the reference.
        name: &'static str,
    },
    /// The answer repeats a parameter of the query with another value: the query was changed on its way, or the
    /// driver is defective. What it answers is true of something else. Ask again; if it stays, do without the query.
    #[error("the answer is about another {member} than the query")]
    Echo {
        /// The member that differs.
        member: &'static str,
    },
    /// The answer holds a value that means nothing: an undefined flag, a type that does not exist, a BOOL that is
    /// neither 0 nor 1. A defect of the driver, or an interface newer than this crate: do without the query.
    #[error("the answer's {member} has the undefined value {value:#x}")]
    Value {
        /// The member that holds it.
        member: &'static str,
        /// The value.
        value: u32,
    },
}

/// Opens the answer to a command.
pub(super) fn open_command(key: &ChannelKey, message: &ChannelMessage, output: &[u8]) -> Result<(), AnswerError> {
    let Asked::Command(command) = message.asked() else {
        return Err(AnswerError::MessageKind { expected: "a command", actual: "a query" });
    };
    if output.len() != message.answer_size() {
        return Err(AnswerError::Length { expected: message.answer_size(), actual: output.len() });
    }
    let answer = omac::verify(key, output).ok_or(AnswerError::NotAuthentic)?;
    let return_code = COMMAND_ANSWER.return_code(answer);
    // With S_OK the command would be its own successful answer: see `Reflected`.
    if message.bytes().starts_with(answer.omac()) && return_code != abi::S_OK {
        return Err(AnswerError::Reflected);
    }
    COMMAND_ANSWER.check(answer, command.guid(), message.header())?;
    succeeded(return_code, command.name())
}

/// Opens the answer to a query.
pub(super) fn open_query(key: &ChannelKey, message: &ChannelMessage, output: &[u8]) -> Result<Answer, AnswerError> {
    let Asked::Query(query) = message.asked() else {
        return Err(AnswerError::MessageKind { expected: "a query", actual: "a command" });
    };
    if ![query.output_size(), QUERY_ANSWER.size].contains(&output.len()) {
        return Err(AnswerError::Length { expected: query.output_size(), actual: output.len() });
    }
    // A refusal may be the header alone (D17), also where the driver was offered room for more.
    let answer = omac::verify(key, output)
        .or_else(|| omac::verify(key, &output[..QUERY_ANSWER.size]))
        .ok_or(AnswerError::NotAuthentic)?;
    QUERY_ANSWER.check(answer, query.guid(), message.header())?;
    succeeded(QUERY_ANSWER.return_code(answer), query.name())?;
    if answer.size() != query.output_size() {
        return Err(AnswerError::Incomplete { name: query.name() });
    }
    decode(query, answer)
}

fn succeeded(return_code: i32, name: &'static str) -> Result<(), AnswerError> {
    if return_code == abi::S_OK { Ok(()) } else { Err(AnswerError::Refused { name, return_code }) }
}

/// Where an answer's structure has the members of its header. An answer begins with one, so these are its offsets.
struct HeaderLayout {
    size: usize,
    guid: (usize, &'static str),
    channel: usize,
    sequence_number: usize,
    return_code: usize,
}

const COMMAND_ANSWER: HeaderLayout = HeaderLayout {
    size: size_of::<abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT>(),
    guid: (offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ConfigureType), "ConfigureType"),
    channel: offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, hChannel),
    sequence_number: offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, SequenceNumber),
    return_code: offset_of!(abi::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ReturnCode),
};

const QUERY_ANSWER: HeaderLayout = HeaderLayout {
    size: size_of::<abi::D3D11_AUTHENTICATED_QUERY_OUTPUT>(),
    guid: (offset_of!(abi::D3D11_AUTHENTICATED_QUERY_OUTPUT, QueryType), "QueryType"),
    channel: offset_of!(abi::D3D11_AUTHENTICATED_QUERY_OUTPUT, hChannel),
    sequence_number: offset_of!(abi::D3D11_AUTHENTICATED_QUERY_OUTPUT, SequenceNumber),
    return_code: offset_of!(abi::D3D11_AUTHENTICATED_QUERY_OUTPUT, ReturnCode),
};

impl HeaderLayout {
    /// Whether the answer is to the message of this GUID and header.
    fn check(&self, answer: Authentic<'_>, guid: GUID, sent: Header) -> Result<(), AnswerError> {
        let (guid_offset, guid_name) = self.guid;
        let differs = if answer.get::<GUID>(guid_offset) != guid {
            guid_name
        } else if answer.get::<usize>(self.channel) != sent.channel {
            "hChannel"
        } else if answer.get::<u32>(self.sequence_number) != sent.sequence_number {
            "SequenceNumber"
        } else {
            return Ok(());
        };
        Err(AnswerError::OtherMessage { member: differs })
    }

    fn return_code(&self, answer: Authentic<'_>) -> i32 {
        answer.get(self.return_code)
    }
}

/// Reads a successful answer of the query's full size.
fn decode(query: Query, answer: Authentic<'_>) -> Result<Answer, AnswerError> {
    Ok(match query {
        Query::Protection => {
            use abi::D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT as Output;
            let bits = answer.get(offset_of!(Output, ProtectionFlags.Value));
            Answer::Protection(valid("ProtectionFlags", bits, ProtectionFlags::from_bits(bits))?)
        }
        Query::ChannelType => {
            use abi::D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT as Output;
            let value = answer.get(offset_of!(Output, ChannelType));
            Answer::ChannelType(valid("ChannelType", value, ChannelType::from_value(value))?)
        }
        Query::DeviceHandle => {
            use abi::D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT as Output;
            Answer::DeviceHandle(answer.get(offset_of!(Output, DeviceHandle)))
        }
        Query::CryptoSession { decoder } => {
            use abi::D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT as Output;
            same("DecoderHandle", decoder, answer.get(offset_of!(Output, DecoderHandle)))?;
            Answer::CryptoSession {
                session: answer.get(offset_of!(Output, CryptoSessionHandle)),
                device: answer.get(offset_of!(Output, DeviceHandle)),
            }
        }
        Query::RestrictedSharedResourceProcessCount => {
            use abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT as Output;
            Answer::RestrictedSharedResourceProcessCount(
                answer.get(offset_of!(Output, RestrictedSharedResourceProcessCount)),
            )
        }
        Query::RestrictedSharedResourceProcess { index } => {
            use abi::D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT as Output;
            same("ProcessIndex", index, answer.get(offset_of!(Output, ProcessIndex)))?;
            let kind = answer.get(offset_of!(Output, ProcessIdentifier));
            let process = Process::from_members(kind, answer.get(offset_of!(Output, ProcessHandle)));
            Answer::RestrictedSharedResourceProcess(valid("ProcessIdentifier", kind, process)?)
        }
        Query::UnrestrictedProtectedSharedResourceCount => {
            use abi::D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT as Output;
            Answer::UnrestrictedProtectedSharedResourceCount(
                answer.get(offset_of!(Output, UnrestrictedProtectedSharedResourceCount)),
            )
        }
        Query::OutputIdCount { device, session } => {
            use abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT as Output;
            same("DeviceHandle", device, answer.get(offset_of!(Output, DeviceHandle)))?;
            same("CryptoSessionHandle", session, answer.get(offset_of!(Output, CryptoSessionHandle)))?;
            Answer::OutputIdCount(answer.get(offset_of!(Output, OutputIDCount)))
        }
        Query::OutputId { device, session, index } => {
            use abi::D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT as Output;
            same("DeviceHandle", device, answer.get(offset_of!(Output, DeviceHandle)))?;
            same("CryptoSessionHandle", session, answer.get(offset_of!(Output, CryptoSessionHandle)))?;
            same("OutputIDIndex", index, answer.get(offset_of!(Output, OutputIDIndex)))?;
            Answer::OutputId(answer.get(offset_of!(Output, OutputID)))
        }
        Query::AccessibilityAttributes => {
            use abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT as Output;
            let contiguous = answer.get(offset_of!(Output, AccessibleInContiguousBlocks));
            let scattered = answer.get(offset_of!(Output, AccessibleInNonContiguousBlocks));
            Answer::AccessibilityAttributes(Accessibility {
                bus_type: BusType(answer.get(offset_of!(Output, BusType))),
                in_contiguous_blocks: boolean("AccessibleInContiguousBlocks", contiguous)?,
                in_non_contiguous_blocks: boolean("AccessibleInNonContiguousBlocks", scattered)?,
            })
        }
        Query::EncryptionWhenAccessibleGuidCount => {
            use abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT as Output;
            Answer::EncryptionWhenAccessibleGuidCount(answer.get(offset_of!(Output, EncryptionGuidCount)))
        }
        Query::EncryptionWhenAccessibleGuid { index } => {
            use abi::D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT as Output;
            same("EncryptionGuidIndex", index, answer.get(offset_of!(Output, EncryptionGuidIndex)))?;
            Answer::EncryptionWhenAccessibleGuid(answer.get(offset_of!(Output, EncryptionGuid)))
        }
        Query::CurrentEncryptionWhenAccessible => {
            use abi::D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT as Output;
            Answer::CurrentEncryptionWhenAccessible(answer.get(offset_of!(Output, EncryptionGuid)))
        }
    })
}

/// A parameter as asked and as repeated.
fn same<T: Field + PartialEq>(member: &'static str, asked: T, repeated: T) -> Result<(), AnswerError> {
    if asked == repeated { Ok(()) } else { Err(AnswerError::Echo { member }) }
}

/// A value of a type that does not hold every 32-bit number.
fn valid<T>(member: &'static str, value: u32, parsed: Option<T>) -> Result<T, AnswerError> {
    parsed.ok_or(AnswerError::Value { member, value })
}

fn boolean(member: &'static str, value: abi::BOOL) -> Result<bool, AnswerError> {
    match value {
        abi::FALSE => Ok(false),
        abi::TRUE => Ok(true),
        _ => Err(AnswerError::Value { member, value: value.cast_unsigned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::Command;
    use super::super::fields;
    use super::*;

    const KEY: [u8; 16] = [7; 16];
    const HEADER: Header = Header { channel: 0x1234, sequence_number: 5 };

    /// PROTECTION and its answer as if both had the same size, which they have on 32-bit systems: the command as it
    /// comes back has its flags where an answer has its return code.
    fn command_that_looks_like_an_answer(flags: i32) -> ChannelMessage {
        let message = ChannelMessage::command(&KEY.into(), HEADER, Command::Protection(ProtectionFlags::default()), 0);
        let mut bytes = message.bytes()[..COMMAND_ANSWER.size].to_vec();
        fields::put(&mut bytes, COMMAND_ANSWER.return_code, flags);
        omac::sign(&KEY.into(), &mut bytes);
        message.with_bytes(bytes)
    }

    #[test]
    fn command_itself_with_flags_is_a_reflection() {
        for flags in [1, 2, 3] {
            let message = command_that_looks_like_an_answer(flags);
            assert_eq!(open_command(&KEY.into(), &message, message.bytes()), Err(AnswerError::Reflected));
        }
    }

    #[test]
    fn command_itself_without_flags_is_its_own_successful_answer() {
        let message = command_that_looks_like_an_answer(0);
        assert_eq!(open_command(&KEY.into(), &message, message.bytes()), Ok(()));
    }

    #[test]
    fn refusal_of_a_command_that_looks_like_an_answer_is_no_reflection() {
        let message = command_that_looks_like_an_answer(1);
        let mut output = message.bytes().to_vec();
        fields::put(&mut output, COMMAND_ANSWER.return_code, abi::E_INVALIDARG);
        omac::sign(&KEY.into(), &mut output);
        let refused = AnswerError::Refused { name: "PROTECTION", return_code: abi::E_INVALIDARG };
        assert_eq!(open_command(&KEY.into(), &message, &output), Err(refused));
    }
}
