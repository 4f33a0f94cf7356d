//! The driver's half of an authenticated channel, played by the test programs.
//!
//! Nothing here comes from the code under test: offsets and sizes are those of the tables in `softcp-abi/spec`, GUIDs
//! those of its list, and signatures are made by AWS-LC.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::HashMap;
use std::sync::OnceLock;

use aws_lc_rs::cmac;
use aws_lc_rs::rsa::{OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use softcp_client::{ClientChannel, Command, KeyExchange, SystemRandom};

use crate::common::{vectors, verified_driver};

pub(crate) mod cases;

#[cfg(target_pointer_width = "64")]
const TABLE: &str = include_str!("../../../softcp-abi/spec/abi-x86_64.csv");
#[cfg(target_pointer_width = "32")]
const TABLE: &str = include_str!("../../../softcp-abi/spec/abi-i686.csv");

const GUIDS: &str = include_str!("../../../softcp-abi/spec/guids.csv");

pub(crate) const CONFIGURE_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_INPUT";
pub(crate) const CONFIGURE_OUTPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_OUTPUT";
pub(crate) const QUERY_INPUT: &str = "D3D11_AUTHENTICATED_QUERY_INPUT";
pub(crate) const QUERY_OUTPUT: &str = "D3D11_AUTHENTICATED_QUERY_OUTPUT";

pub(crate) const S_OK: i32 = 0;
pub(crate) const E_FAIL: i32 = 0x8000_4005_u32.cast_signed();
pub(crate) const E_INVALIDARG: i32 = 0x8007_0057_u32.cast_signed();

/// Bytes in an OMAC.
const OMAC: usize = 16;

/// Structure and member, and where it is: offset and size.
type Places = HashMap<(&'static str, &'static str), (usize, usize)>;

/// Offset and size of a member; of the whole structure for an empty name.
pub(crate) fn place(structure: &str, field: &str) -> (usize, usize) {
    static PLACES: OnceLock<Places> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let rows = TABLE.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        rows.map(|row| ((row[0], row[1]), (row[2].parse().unwrap(), row[3].parse().unwrap()))).collect()
    });
    *places.get(&(structure, field)).unwrap_or_else(|| panic!("the table has no {structure}.{field}"))
}

pub(crate) fn size(structure: &str) -> usize {
    place(structure, "").1
}

/// A GUID of the list as it lies in memory.
pub(crate) fn guid(name: &str) -> Vec<u8> {
    let line = GUIDS.lines().find_map(|line| line.strip_prefix(&format!("{name},")));
    let groups: Vec<&str> = line.unwrap_or_else(|| panic!("the list has no {name}")).split('-').collect();
    let number = |group: usize| u64::from_str_radix(groups[group], 16).unwrap();
    let mut bytes = u32::try_from(number(0)).unwrap().to_ne_bytes().to_vec();
    bytes.extend(u16::try_from(number(1)).unwrap().to_ne_bytes());
    bytes.extend(u16::try_from(number(2)).unwrap().to_ne_bytes());
    bytes.extend(u16::try_from(number(3)).unwrap().to_be_bytes());
    bytes.extend(&number(4).to_be_bytes()[2..]);
    bytes
}

/// A structure in memory, all zero at first.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) bytes: Vec<u8>,
}

impl Image {
    pub(crate) fn new(structure: &str) -> Self {
        Self { bytes: vec![0; size(structure)] }
    }

    /// Sets a member, to a value of exactly its size.
    pub(crate) fn set(mut self, structure: &str, field: &str, value: &[u8]) -> Self {
        let (offset, size) = place(structure, field);
        assert_eq!(value.len(), size, "{structure}.{field}");
        self.bytes[offset..offset + size].copy_from_slice(value);
        self
    }
}

/// A member of a structure in memory.
pub(crate) fn member<'a>(bytes: &'a [u8], structure: &str, field: &str) -> &'a [u8] {
    let (offset, size) = place(structure, field);
    &bytes[offset..offset + size]
}

pub(crate) fn u32_member(bytes: &[u8], structure: &str, field: &str) -> u32 {
    u32::from_ne_bytes(member(bytes, structure, field).try_into().unwrap())
}

/// The members of an answer behind its header.
pub(crate) type Members<'a> = &'a [(&'a str, Vec<u8>)];

/// A driver's channel.
pub(crate) struct Driver {
    pub(crate) key: [u8; 16],
    pub(crate) handle: usize,
    /// The last numbers used: of queries, of commands. Start numbers count as used, the stricter of two readings.
    last: Option<(u32, u32)>,
}

impl Driver {
    /// A channel and the application's side of it, with start numbers 1000 for queries and 2000 for commands.
    pub(crate) fn channel(handle: usize) -> (Self, ClientChannel) {
        Self::channel_starting_at(handle, 1000, 2000)
    }

    pub(crate) fn channel_starting_at(handle: usize, query: u32, command: u32) -> (Self, ClientChannel) {
        let exchange = KeyExchange::new(&verified_driver(), &SystemRandom).unwrap();
        let driver = Self { key: open(exchange.message().as_bytes()), handle, last: None };
        (driver, ClientChannel::with_sequences(exchange, handle, query, command))
    }

    /// The same after INITIALIZE.
    pub(crate) fn initialized_channel(handle: usize) -> (Self, ClientChannel) {
        let (mut driver, mut client) = Self::channel(handle);
        driver.initialize(&mut client);
        (driver, client)
    }

    pub(crate) fn initialize(&mut self, client: &mut ClientChannel) {
        let message = client.command(Command::Initialize).unwrap();
        let output = self.configure(message.bytes());
        client.open_command_answer(&message, &output).unwrap();
    }

    /// Accepts another key exchange.
    pub(crate) fn renegotiate(&mut self, exchange: &KeyExchange) {
        self.key = open(exchange.message().as_bytes());
    }

    /// `ConfigureAuthenticatedChannel`, in the order of D15; what a command asks for is never refused.
    pub(crate) fn configure(&mut self, input: &[u8]) -> Vec<u8> {
        let code = self.receive_command(input);
        self.command_answer(input, code)
    }

    fn receive_command(&mut self, input: &[u8]) -> i32 {
        const INITIALIZE: &str = "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT";

        let is_authentic = cmac::verify(&self.cmac_key(), &input[OMAC..], &input[..OMAC]).is_ok();
        if !is_authentic || member(input, CONFIGURE_INPUT, "hChannel") != self.handle.to_ne_bytes() {
            return E_INVALIDARG;
        }
        let number = u32_member(input, CONFIGURE_INPUT, "SequenceNumber");
        let is_initialize =
            member(input, CONFIGURE_INPUT, "ConfigureType") == guid("D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE");
        match &mut self.last {
            None if is_initialize && input.len() == size(INITIALIZE) => {
                let start = |field| u32_member(input, INITIALIZE, field);
                self.last = Some((start("StartSequenceQuery"), start("StartSequenceConfigure")));
                S_OK
            }
            Some((_, last)) if number > *last => {
                *last = number;
                if is_initialize { E_INVALIDARG } else { S_OK }
            }
            _ => E_INVALIDARG,
        }
    }

    /// `QueryAuthenticatedChannel`: `members` is what the driver knows, an answer of `structure`.
    pub(crate) fn query(&mut self, input: &[u8], structure: &str, members: Members<'_>) -> Vec<u8> {
        let number = u32_member(input, QUERY_INPUT, "SequenceNumber");
        let is_for_this_channel = member(input, QUERY_INPUT, "hChannel") == self.handle.to_ne_bytes();
        match &mut self.last {
            Some((last, _)) if is_for_this_channel && number > *last => {
                *last = number;
                self.query_answer(input, structure, members, S_OK)
            }
            _ => self.query_answer(input, structure, &[], E_INVALIDARG),
        }
    }

    /// A signed answer to the command `input` with any return code.
    pub(crate) fn command_answer(&self, input: &[u8], return_code: i32) -> Vec<u8> {
        let mut image = Image::new(CONFIGURE_OUTPUT);
        for field in ["ConfigureType", "hChannel", "SequenceNumber"] {
            image = image.set(CONFIGURE_OUTPUT, field, member(input, CONFIGURE_INPUT, field));
        }
        self.signed(image.set(CONFIGURE_OUTPUT, "ReturnCode", &return_code.to_ne_bytes()).bytes)
    }

    /// A signed answer to the query `input` with any members and return code. `structure` may be the header's.
    pub(crate) fn query_answer(
        &self,
        input: &[u8],
        structure: &str,
        members: Members<'_>,
        return_code: i32,
    ) -> Vec<u8> {
        let mut image = Image::new(structure);
        for field in ["QueryType", "hChannel", "SequenceNumber"] {
            image = image.set(QUERY_OUTPUT, field, member(input, QUERY_INPUT, field));
        }
        image = image.set(QUERY_OUTPUT, "ReturnCode", &return_code.to_ne_bytes());
        for (field, value) in members {
            image = image.set(structure, field, value);
        }
        self.signed(image.bytes)
    }

    /// The message with its OMAC.
    pub(crate) fn signed(&self, mut message: Vec<u8>) -> Vec<u8> {
        let tag = cmac::sign(&self.cmac_key(), &message[OMAC..]).unwrap();
        message[..OMAC].copy_from_slice(tag.as_ref());
        message
    }

    fn cmac_key(&self) -> cmac::Key {
        cmac::Key::new(cmac::AES_128, &self.key).unwrap()
    }
}

/// The key in a key exchange message.
fn open(message: &[u8]) -> [u8; 16] {
    let key = PrivateDecryptingKey::from_pkcs8(vectors::LEAF_KEY).unwrap();
    let key = OaepPrivateDecryptingKey::new(key).unwrap();
    let mut plain = vec![0; key.min_output_size()];
    key.decrypt(&OAEP_SHA512_MGF1SHA512, message, &mut plain, None).unwrap().try_into().unwrap()
}
