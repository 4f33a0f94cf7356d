//! Messages of authenticated channels by the committed tables of offsets, signed by another CMAC than the engine's: a
//! second implementation of both, to test the engine's against.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use cmac::{KeyInit as _, Mac as _};

/// Offsets and sizes of structures, for one width of handles.
pub(crate) struct Layouts(HashMap<(&'static str, &'static str), Range<usize>>);

/// 64-bit handles.
pub(crate) static X86_64: LazyLock<Layouts> =
    LazyLock::new(|| Layouts::read(include_str!("../../../softcp-abi/spec/abi-x86_64.csv")));
/// 32-bit handles.
pub(crate) static I686: LazyLock<Layouts> =
    LazyLock::new(|| Layouts::read(include_str!("../../../softcp-abi/spec/abi-i686.csv")));

/// This machine's.
pub(crate) fn native() -> &'static Layouts {
    if cfg!(target_pointer_width = "64") { &X86_64 } else { &I686 }
}

impl Layouts {
    fn read(csv: &'static str) -> Self {
        let row = |line: &'static str| {
            let mut cells = line.split(',');
            let mut next = || cells.next().unwrap();
            let (structure, field) = (next(), next());
            let (offset, size): (usize, usize) = (next().parse().unwrap(), next().parse().unwrap());
            ((structure, field), offset..offset + size)
        };
        Self(csv.lines().skip(1).map(row).collect())
    }

    /// Bytes of a structure.
    pub(crate) fn size(&self, structure: &'static str) -> usize {
        self.field(structure, "").len()
    }

    /// Where a field lies.
    pub(crate) fn field(&self, structure: &'static str, field: &'static str) -> Range<usize> {
        self.0.get(&(structure, field)).unwrap_or_else(|| panic!("{structure}.{field} is not in the table")).clone()
    }
}

pub(crate) const CONFIGURE_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_INPUT";
pub(crate) const CONFIGURE_OUTPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_OUTPUT";
pub(crate) const QUERY_INPUT: &str = "D3D11_AUTHENTICATED_QUERY_INPUT";
pub(crate) const QUERY_OUTPUT: &str = "D3D11_AUTHENTICATED_QUERY_OUTPUT";

/// The bytes of a message and the structure they are.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) layouts: &'static Layouts,
    pub(crate) structure: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// A structure of zeros.
    pub(crate) fn new(layouts: &'static Layouts, structure: &'static str) -> Self {
        Self { layouts, structure, bytes: vec![0; layouts.size(structure)] }
    }

    /// A command with its header, not signed.
    pub(crate) fn command(
        layouts: &'static Layouts,
        structure: &'static str,
        guid: u128,
        channel: u64,
        number: u32,
    ) -> Self {
        Self::new(layouts, structure)
            .guid_in(CONFIGURE_INPUT, "ConfigureType", guid)
            .number_in(CONFIGURE_INPUT, "hChannel", channel)
            .number_in(CONFIGURE_INPUT, "SequenceNumber", number.into())
    }

    /// A query with its header.
    pub(crate) fn query(
        layouts: &'static Layouts,
        structure: &'static str,
        guid: u128,
        channel: u64,
        number: u32,
    ) -> Self {
        Self::new(layouts, structure)
            .guid_in(QUERY_INPUT, "QueryType", guid)
            .number_in(QUERY_INPUT, "hChannel", channel)
            .number_in(QUERY_INPUT, "SequenceNumber", number.into())
    }

    /// An answer to a query with its header, not signed.
    pub(crate) fn answer(
        layouts: &'static Layouts,
        structure: &'static str,
        guid: u128,
        channel: u64,
        number: u32,
        code: u32,
    ) -> Self {
        Self::new(layouts, structure)
            .guid_in(QUERY_OUTPUT, "QueryType", guid)
            .number_in(QUERY_OUTPUT, "hChannel", channel)
            .number_in(QUERY_OUTPUT, "SequenceNumber", number.into())
            .number_in(QUERY_OUTPUT, "ReturnCode", code.into())
    }

    /// Sets a member to a number.
    pub(crate) fn number(self, field: &'static str, value: u64) -> Self {
        let structure = self.structure;
        self.number_in(structure, field, value)
    }

    /// Sets a member to a GUID, written as one number.
    pub(crate) fn guid(self, field: &'static str, value: u128) -> Self {
        let structure = self.structure;
        self.guid_in(structure, field, value)
    }

    /// Signs the message.
    pub(crate) fn signed(mut self, key: [u8; 16]) -> Self {
        let omac = cmac(key, &self.bytes[16..]);
        self.bytes[..16].copy_from_slice(&omac);
        self
    }

    fn number_in(mut self, structure: &'static str, field: &'static str, value: u64) -> Self {
        let place = self.layouts.field(structure, field);
        let size = place.len();
        self.bytes[place].copy_from_slice(&value.to_le_bytes()[..size]);
        assert!(size == 8 || value < 1 << (8 * size), "{value:#x} has no room in {field}");
        self
    }

    fn guid_in(mut self, structure: &'static str, field: &'static str, value: u128) -> Self {
        let place = self.layouts.field(structure, field);
        self.bytes[place].copy_from_slice(&guid_bytes(value));
        self
    }
}

/// A member of a message that was received.
pub(crate) fn number_of(
    layouts: &'static Layouts,
    structure: &'static str,
    field: &'static str,
    message: &[u8],
) -> u64 {
    let mut value = [0; 8];
    let place = layouts.field(structure, field);
    value[..place.len()].copy_from_slice(&message[place]);
    u64::from_le_bytes(value)
}

/// A GUID as it lies in memory: its first three groups are little-endian.
pub(crate) fn guid_bytes(value: u128) -> [u8; 16] {
    let mut bytes = value.to_be_bytes();
    for group in [0..4, 4..6, 6..8] {
        bytes[group].reverse();
    }
    bytes
}

/// CMAC by the RustCrypto crate.
pub(crate) fn cmac(key: [u8; 16], message: &[u8]) -> [u8; 16] {
    cmac::Cmac::<aes::Aes128>::new(&key.into()).chain_update(message).finalize().into_bytes().into()
}

/// Whether an answer is signed with the key.
pub(crate) fn is_signed(key: [u8; 16], answer: &[u8]) -> bool {
    answer.len() >= 16 && answer[..16] == cmac(key, &answer[16..])
}
