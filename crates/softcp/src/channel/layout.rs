//! How messages lie in memory: members one after another with natural alignment, in the machine's byte order.
//!
//! The layout follows from the width of a HANDLE and from the order of the members, so one description of a message
//! serves 32 and 64 bits; the tests compare both with the committed tables of offsets.
//!
//! ```text
//! query       { QueryType, hChannel, SequenceNumber }                        members …
//! command     { omac, ConfigureType, hChannel, SequenceNumber }              members …
//! answer      { omac, …Type, hChannel, SequenceNumber, ReturnCode }          members …
//! ```
//!
//! A header in braces is a structure of its own: padding follows it where its alignment asks for some. The OMAC covers
//! every byte behind the `omac` member, padding included.

use softcp_abi::{GUID, HRESULT};

use crate::error::{Error, Result};

/// Bytes of an OMAC, the first member of commands and answers.
pub(super) const OMAC_SIZE: usize = 16;

/// The width of a HANDLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// 4 bytes. Elsewhere than on 32-bit machines only the tests use it, and the other way round.
    #[cfg_attr(not(target_pointer_width = "32"), allow(dead_code, reason = "see above"))]
    Bits32 = 4,
    /// 8 bytes.
    #[cfg_attr(not(target_pointer_width = "64"), allow(dead_code, reason = "see above"))]
    Bits64 = 8,
}

impl Width {
    /// This machine's.
    #[cfg(target_pointer_width = "32")]
    pub(super) const NATIVE: Self = Self::Bits32;
    /// This machine's.
    #[cfg(target_pointer_width = "64")]
    pub(super) const NATIVE: Self = Self::Bits64;
}

/// What every message says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Header {
    /// The command or query.
    pub(super) kind: GUID,
    /// The channel's handle.
    pub(super) channel: u64,
    /// The sequence number.
    pub(super) sequence: u32,
}

impl Header {
    /// Bytes of the header of a query.
    pub(super) fn query_size(width: Width) -> usize {
        Reader::new(width, &[]).after_header(Reader::header)
    }

    /// Bytes of the header of a command.
    pub(super) fn command_size(width: Width) -> usize {
        Reader::new(width, &[]).after_header(Reader::command_header)
    }

    /// Bytes of the header of an answer.
    pub(super) fn answer_size(width: Width) -> usize {
        Writer::answer(width, &Self::default(), 0).finish().len()
    }

    /// Reads the header of a query: none if `message` is shorter.
    pub(super) fn of_query(width: Width, message: &[u8]) -> Option<Self> {
        let message = message.get(..Self::query_size(width))?;
        Some(Reader::new(width, message).header())
    }

    /// Reads the header of a command, and its OMAC: none if `message` is shorter.
    pub(super) fn of_command(width: Width, message: &[u8]) -> Option<([u8; OMAC_SIZE], Self)> {
        let message = message.get(..Self::command_size(width))?;
        Some(Reader::new(width, message).command_header())
    }
}

/// The members of a query behind its header. `message` may be longer than the query; shorter is an error.
pub(super) fn read_query<T>(width: Width, message: &[u8], read: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T> {
    let mut reader = Reader::new(width, message);
    reader.after_header(Reader::header);
    let members = read(&mut reader);
    let needed = reader.place.end();
    if message.len() < needed {
        return Err(Error::MessageTooShort { what: "the query", needed, given: message.len() });
    }
    Ok(members)
}

/// The members of a command behind its header. `message` must have exactly the command's size (D14).
pub(super) fn read_command<T>(width: Width, message: &[u8], read: impl FnOnce(&mut Reader<'_>) -> T) -> Result<T> {
    let mut reader = Reader::new(width, message);
    reader.after_header(Reader::command_header);
    let members = read(&mut reader);
    let expected = reader.place.end();
    if message.len() != expected {
        return Err(Error::WrongSize { what: "the command", expected, given: message.len() });
    }
    Ok(members)
}

/// The return code at its place in an answer, if `message` is long enough to be one.
pub(super) fn return_code(width: Width, message: &[u8]) -> Option<HRESULT> {
    let mut reader = Reader::new(width, message.get(..Header::answer_size(width))?);
    reader.command_header();
    Some(reader.u32().cast_signed())
}

/// Where the next member goes, and what alignment the members so far ask for.
#[derive(Debug, Clone, Copy)]
struct Place {
    width: Width,
    at: usize,
    alignment: usize,
}

impl Place {
    fn new(width: Width) -> Self {
        Self { width, at: 0, alignment: 1 }
    }

    /// The offset of a member of `size` bytes.
    fn next(&mut self, size: usize, alignment: usize) -> usize {
        let offset = self.at.next_multiple_of(alignment);
        self.at = offset + size;
        self.alignment = self.alignment.max(alignment);
        offset
    }

    /// The size of a structure that ends here.
    fn end(&self) -> usize {
        self.at.next_multiple_of(self.alignment)
    }
}

/// Reads the members of a message in order. A member that lies past the end of the message is read as zero: who reads
/// compares the sizes afterwards and only then uses what was read.
pub(super) struct Reader<'m> {
    message: &'m [u8],
    place: Place,
}

impl<'m> Reader<'m> {
    fn new(width: Width, message: &'m [u8]) -> Self {
        Self { message, place: Place::new(width) }
    }

    /// A 32-bit number.
    pub(super) fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.bytes())
    }

    /// A HANDLE.
    pub(super) fn handle(&mut self) -> u64 {
        match self.place.width {
            Width::Bits32 => u64::from(self.u32()),
            Width::Bits64 => u64::from_ne_bytes(self.bytes()),
        }
    }

    /// A GUID, which is aligned as its first member is.
    pub(super) fn guid(&mut self) -> GUID {
        GUID {
            Data1: u32::from_ne_bytes(self.bytes()),
            Data2: u16::from_ne_bytes(self.bytes()),
            Data3: u16::from_ne_bytes(self.bytes()),
            Data4: self.array(),
        }
    }

    fn header(&mut self) -> Header {
        Header { kind: self.guid(), channel: self.handle(), sequence: self.u32() }
    }

    fn command_header(&mut self) -> ([u8; OMAC_SIZE], Header) {
        (self.array(), self.header())
    }

    /// Reads a header and goes to the end of its structure, which is returned.
    fn after_header<T>(&mut self, header: impl FnOnce(&mut Self) -> T) -> usize {
        header(self);
        self.place.at = self.place.end();
        self.place.at
    }

    /// A number of `N` bytes, aligned to its size.
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let offset = self.place.next(N, N);
        self.read(offset)
    }

    /// An array of `N` bytes, which has no alignment.
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let offset = self.place.next(N, 1);
        self.read(offset)
    }

    fn read<const N: usize>(&self, offset: usize) -> [u8; N] {
        let bytes = self.message.get(offset..offset + N);
        bytes.map_or([0; N], |bytes| bytes.try_into().expect("a slice of this length"))
    }
}

/// Bytes that hold every answer; the longest has 80.
const MAX_ANSWER_SIZE: usize = 96;

/// A whole answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message {
    bytes: [u8; MAX_ANSWER_SIZE],
    size: usize,
}

impl std::ops::Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

impl std::ops::DerefMut for Message {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.size]
    }
}

/// Writes the members of an answer in order. Padding, and the OMAC until it is signed, are zero.
pub(super) struct Writer {
    bytes: [u8; MAX_ANSWER_SIZE],
    place: Place,
}

impl Writer {
    /// An answer with its header.
    pub(super) fn answer(width: Width, header: &Header, return_code: HRESULT) -> Self {
        let mut writer = Self { bytes: [0; MAX_ANSWER_SIZE], place: Place::new(width) };
        writer.array([0; OMAC_SIZE]);
        writer.guid(header.kind);
        writer.handle(header.channel);
        writer.u32(header.sequence);
        writer.u32(return_code.cast_unsigned());
        writer.place.at = writer.place.end();
        writer
    }

    /// A 32-bit number.
    pub(super) fn u32(&mut self, value: u32) {
        self.bytes(value.to_ne_bytes());
    }

    /// A 64-bit number, aligned to 8 bytes on 32-bit Windows too.
    pub(super) fn u64(&mut self, value: u64) {
        self.bytes(value.to_ne_bytes());
    }

    /// A HANDLE; of a 32-bit one, the lower half counts.
    pub(super) fn handle(&mut self, value: u64) {
        match self.place.width {
            #[expect(clippy::cast_possible_truncation, reason = "a handle of a 32-bit machine has 32 bits")]
            Width::Bits32 => self.u32(value as u32),
            Width::Bits64 => self.u64(value),
        }
    }

    /// A GUID.
    pub(super) fn guid(&mut self, value: GUID) {
        self.bytes(value.Data1.to_ne_bytes());
        self.bytes(value.Data2.to_ne_bytes());
        self.bytes(value.Data3.to_ne_bytes());
        self.array(value.Data4);
    }

    /// The whole message, not signed yet.
    pub(super) fn finish(self) -> Message {
        Message { bytes: self.bytes, size: self.place.end() }
    }

    fn bytes<const N: usize>(&mut self, bytes: [u8; N]) {
        let offset = self.place.next(N, N);
        self.write(offset, bytes);
    }

    fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        let offset = self.place.next(N, 1);
        self.write(offset, bytes);
    }

    fn write<const N: usize>(&mut self, offset: usize, bytes: [u8; N]) {
        self.bytes[offset..offset + N].copy_from_slice(&bytes);
    }
}
