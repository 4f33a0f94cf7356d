//! Commands to a secure environment, as a session whose key exchange is `D3D11_KEY_EXCHANGE_HW_PROTECTION` carries them.
//!
//! ```text
//!  D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA: function, two pointers, status
//!    input    private size, size           ┊ private bytes, the command's bytes
//!    output   private size, room, written, ┊ private bytes, the answer's bytes, zeros
//!             times                        ┊
//!                                          pbInput, pbOutput: declared with 4 bytes, and go on past the structures
//! ```

use std::fmt;
use std::mem::offset_of;
use std::ops::Range;

use softcp_abi::{
    D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA, D3D11_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA as InputData,
    D3D11_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA as OutputData, HRESULT, S_OK,
};

use crate::error::{Error, Result};
use crate::hresult::HResult;
use crate::memory::AlignedBytes;

/// How many private bytes a command and its answer begin with: `GetCryptoSessionPrivateDataSize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrivateDataSizes {
    /// Bytes before those of a command.
    pub input: u32,
    /// Bytes before those of an answer.
    pub output: u32,
}

/// One command to a secure environment. Its bytes, which may hold keys, are not printed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SecureCommand<'a> {
    /// `HWProtectionFunctionID`.
    pub function: u32,
    /// Private bytes; [`PrivateDataSizes::input`] says how many there must be.
    pub private_input: &'a [u8],
    /// The command's bytes; may be none (D29).
    pub input: &'a [u8],
    /// Room for the private bytes of the answer; [`PrivateDataSizes::output`] says how much there must be.
    pub private_room: u32,
    /// Room for the answer in bytes, private bytes not counted: `MaxHWProtectionDataSize`.
    pub room: u32,
}

/// What came back of a command that the driver carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureAnswer {
    /// How the command ended, as the environment says.
    pub status: HResult,
    /// Private bytes.
    pub private_output: Vec<u8>,
    /// The answer's bytes, as many as the driver says it has written.
    pub output: Vec<u8>,
    /// Time on the way, in units of 100 ns.
    pub transport_time: u64,
    /// Time in the environment, in units of 100 ns.
    pub execution_time: u64,
}

/// A command laid out as the DDI has it, for [`Calls`](crate::Calls); after the call, its answer.
pub struct CommandMessage {
    function: u32,
    status: HRESULT,
    input: AlignedBytes,
    output: AlignedBytes,
    private_room: usize,
    room: usize,
}

impl CommandMessage {
    /// Lays a command out. The room is zero at first.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] when a part is longer than a 32-bit size.
    pub fn new(command: &SecureCommand<'_>) -> Result<Self> {
        let function = "NegotiateCryptoSessionKeyExchange";
        let size = |bytes: usize| u32::try_from(bytes).map_err(|_| Error::TooLong { function, bytes });
        let (private_input, input) = (command.private_input, command.input);
        let message = [private_input, input].concat();
        let mut laid_out =
            AlignedBytes::from(vec![0; longer::<InputData>(offset_of!(InputData, pbInput), message.len())].as_slice());
        put(&mut laid_out, offset_of!(InputData, PrivateDataSize), &size(private_input.len())?.to_ne_bytes());
        put(&mut laid_out, offset_of!(InputData, HWProtectionDataSize), &size(input.len())?.to_ne_bytes());
        put(&mut laid_out, offset_of!(InputData, pbInput), &message);

        let (private_room, room) = (command.private_room as usize, command.room as usize);
        let len = longer::<OutputData>(offset_of!(OutputData, pbOutput), private_room.saturating_add(room));
        let mut output = AlignedBytes::from(vec![0; len].as_slice());
        put(&mut output, offset_of!(OutputData, PrivateDataSize), &command.private_room.to_ne_bytes());
        put(&mut output, offset_of!(OutputData, MaxHWProtectionDataSize), &command.room.to_ne_bytes());
        Ok(Self { function: command.function, status: S_OK, input: laid_out, output, private_room, room })
    }

    /// The same with `slack` more bytes behind the room than the driver is told of, and every byte of the room and of the
    /// slack filled.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_slack(command: &SecureCommand<'_>, slack: usize, fill: u8) -> Result<Self> {
        let mut message = Self::new(command)?;
        let begin = offset_of!(OutputData, pbOutput);
        let mut output = message.output.bytes()[..begin].to_vec();
        let len = longer::<OutputData>(begin, message.private_room.saturating_add(message.room)).saturating_add(slack);
        output.resize(len, fill);
        message.output = AlignedBytes::from(output.as_slice());
        Ok(message)
    }

    /// Has the message claim other sizes than it has: those of private input, input, room for private bytes and room for the
    /// answer, in this order. For tests of whether a driver compares them before it uses them.
    ///
    /// # Safety
    ///
    /// A driver that is given the message touches no byte that is not there.
    pub unsafe fn claim(&mut self, [private_input, input, private_room, room]: [u32; 4]) {
        put(&mut self.input, offset_of!(InputData, PrivateDataSize), &private_input.to_ne_bytes());
        put(&mut self.input, offset_of!(InputData, HWProtectionDataSize), &input.to_ne_bytes());
        put(&mut self.output, offset_of!(OutputData, PrivateDataSize), &private_room.to_ne_bytes());
        put(&mut self.output, offset_of!(OutputData, MaxHWProtectionDataSize), &room.to_ne_bytes());
    }

    /// The room for private bytes and the answer, and the slack behind it, as they are now.
    #[must_use]
    pub fn output_bytes(&self) -> &[u8] {
        &self.output.bytes()[offset_of!(OutputData, pbOutput)..]
    }

    /// The structure with pointers to this message. They are valid until the message is used again.
    pub(crate) fn data(&mut self) -> D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA {
        D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA {
            HWProtectionFunctionID: self.function,
            pInputData: self.input.as_mut_ptr().cast(),
            pOutputData: self.output.as_mut_ptr().cast(),
            Status: self.status,
        }
    }

    /// Takes over what the driver wrote to the structure itself.
    pub(crate) fn carried(&mut self, data: &D3D11_KEY_EXCHANGE_HW_PROTECTION_DATA) {
        self.status = data.Status;
    }

    /// Reads the answer of a call that has succeeded.
    ///
    /// # Errors
    ///
    /// [`Error::BadAnswer`] when the driver says that it has written more than there was room for.
    pub fn answer(&self) -> Result<SecureAnswer> {
        let number = |offset| u64::from_ne_bytes(self.part(offset));
        let written = u32::from_ne_bytes(self.part(offset_of!(OutputData, HWProtectionDataSize))) as usize;
        if written > self.room {
            let defect = format!("it says it has written {written} bytes to room for {}", self.room);
            return Err(Error::BadAnswer { function: "NegotiateCryptoSessionKeyExchange", defect });
        }
        let begin = offset_of!(OutputData, pbOutput);
        let answer = begin + self.private_room;
        let bytes = |range: Range<usize>| self.output.bytes()[range].to_vec();
        Ok(SecureAnswer {
            status: HResult(self.status),
            private_output: bytes(begin..answer),
            output: bytes(answer..answer + written),
            transport_time: number(offset_of!(OutputData, TransportTime)),
            execution_time: number(offset_of!(OutputData, ExecutionTime)),
        })
    }

    /// A member of the output.
    fn part<const LEN: usize>(&self, offset: usize) -> [u8; LEN] {
        *self.output.bytes()[offset..].first_chunk().expect("the output holds the whole structure")
    }
}

impl fmt::Debug for SecureCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, private_input, input, .. } = self;
        write!(f, "SecureCommand(function {function}, {}+{} bytes)", private_input.len(), input.len())
    }
}

impl fmt::Debug for CommandMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandMessage").field("function", &self.function).finish_non_exhaustive()
    }
}

/// Bytes of a structure whose last member, at `offset`, goes on for `len` bytes: never less than the structure.
fn longer<T>(offset: usize, len: usize) -> usize {
    offset.saturating_add(len).max(size_of::<T>())
}

fn put(to: &mut AlignedBytes, offset: usize, bytes: &[u8]) {
    to.bytes_mut()[offset..offset + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_never_shorter_than_its_structures() {
        for (private, len) in [(0, 0), (1, 2), (3, 1), (0, 100)] {
            let (private_input, input) = (vec![1; private], vec![2; len]);
            let (private_room, room) = (u32::try_from(private).unwrap(), u32::try_from(len).unwrap());
            let command =
                SecureCommand { function: 9, private_input: &private_input, input: &input, private_room, room };
            let message = CommandMessage::new(&command).unwrap();
            assert_eq!(message.input.bytes().len(), (8 + private + len).max(size_of::<InputData>()));
            assert_eq!(message.input.bytes()[8..8 + private + len], [private_input, input].concat());
            let begin = offset_of!(OutputData, pbOutput);
            assert_eq!(message.output.bytes().len(), (begin + private + len).max(size_of::<OutputData>()));
            let answer = message.answer().unwrap();
            assert_eq!((answer.private_output, answer.output), (vec![0; private], vec![]));
        }
    }
}
