//! What the runtime knows of the messages of authenticated channels: how large they are, and what a few of them say.
//!
//! The layouts are those of `softcp-abi`, for the machine's own width of a HANDLE. Nothing is checked here but sizes: an
//! OMAC is for the driver to judge, which alone has the key.

use std::mem::offset_of;

// Nearly all of its messages are named below.
#[allow(clippy::wildcard_imports)]
use softcp_abi::*;

/// Sizes of a query and of its answer, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryShape {
    /// The input structure.
    pub input: usize,
    /// The output structure.
    pub output: usize,
}

impl QueryShape {
    /// Whether buffers of these sizes hold the structures. Larger ones do, as they do for a driver.
    #[must_use]
    pub fn fits(self, input: usize, output: usize) -> bool {
        self.input <= input && self.output <= output
    }
}

/// The shape of a query of this GUID (page of `ID3D11VideoContext::QueryAuthenticatedChannel`); none for an unknown one.
#[must_use]
pub fn query_shape(guid: &GUID) -> Option<QueryShape> {
    type Header = D3D11_AUTHENTICATED_QUERY_INPUT;
    const fn shape<Input, Output>() -> QueryShape {
        QueryShape { input: size_of::<Input>(), output: size_of::<Output>() }
    }
    Some(match *guid {
        D3D11_AUTHENTICATED_QUERY_PROTECTION => shape::<Header, D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT>(),
        D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE => shape::<Header, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT>(),
        D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE => shape::<Header, D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT>(),
        D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION => {
            shape::<D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT => {
            shape::<Header, D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS => shape::<
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT,
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT,
        >(),
        D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT => {
            shape::<Header, D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT => {
            shape::<D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_OUTPUT_ID => {
            shape::<D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES => {
            shape::<Header, D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT => {
            shape::<Header, D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT>()
        }
        D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID => shape::<
            D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT,
            D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT,
        >(),
        D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE => {
            shape::<Header, D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT>()
        }
        _ => return None,
    })
}

/// Bytes of a command of this GUID (page of `ID3D11VideoContext::ConfigureAuthenticatedChannel`), which a message must
/// have exactly (D14); none for an unknown one.
#[must_use]
pub fn configure_size(guid: &GUID) -> Option<usize> {
    Some(match *guid {
        D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE => size_of::<D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT>(),
        D3D11_AUTHENTICATED_CONFIGURE_PROTECTION => size_of::<D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT>(),
        D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION => size_of::<D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT>(),
        D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE => {
            size_of::<D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT>()
        }
        D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE => {
            size_of::<D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT>()
        }
        _ => return None,
    })
}

/// What a query says of itself: `D3D11_AUTHENTICATED_QUERY_INPUT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryHeader {
    /// The query.
    pub guid: GUID,
    /// The channel's handle.
    pub channel: usize,
    /// The sequence number.
    pub sequence: u32,
}

impl QueryHeader {
    /// Bytes of the header.
    pub const SIZE: usize = size_of::<D3D11_AUTHENTICATED_QUERY_INPUT>();

    /// Reads the header of a query; none if the message is shorter.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Self> {
        let message = message.get(..Self::SIZE)?;
        Some(Self {
            guid: guid_at(message, offset_of!(D3D11_AUTHENTICATED_QUERY_INPUT, QueryType))?,
            channel: usize_at(message, offset_of!(D3D11_AUTHENTICATED_QUERY_INPUT, hChannel))?,
            sequence: u32_at(message, offset_of!(D3D11_AUTHENTICATED_QUERY_INPUT, SequenceNumber))?,
        })
    }
}

/// What a command says of itself behind its OMAC: `D3D11_AUTHENTICATED_CONFIGURE_INPUT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigureHeader {
    /// The command.
    pub guid: GUID,
    /// The channel's handle.
    pub channel: usize,
    /// The sequence number.
    pub sequence: u32,
}

impl ConfigureHeader {
    /// Bytes of the header, OMAC included.
    pub const SIZE: usize = size_of::<D3D11_AUTHENTICATED_CONFIGURE_INPUT>();

    /// Reads the header of a command; none if the message is shorter.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Self> {
        let message = message.get(..Self::SIZE)?;
        Some(Self {
            guid: guid_at(message, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_INPUT, ConfigureType))?,
            channel: usize_at(message, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_INPUT, hChannel))?,
            sequence: u32_at(message, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_INPUT, SequenceNumber))?,
        })
    }
}

/// Bytes of the answer to a command.
pub const CONFIGURE_OUTPUT_SIZE: usize = size_of::<D3D11_AUTHENTICATED_CONFIGURE_OUTPUT>();

/// Bytes of the header of the answer to a query.
pub const QUERY_OUTPUT_SIZE: usize = size_of::<D3D11_AUTHENTICATED_QUERY_OUTPUT>();

/// The answer to a command, without an OMAC (zeros): what the runtime answers for itself.
#[must_use]
pub fn configure_output(header: &ConfigureHeader, return_code: HRESULT) -> [u8; CONFIGURE_OUTPUT_SIZE] {
    let mut output = [0; CONFIGURE_OUTPUT_SIZE];
    put_guid(&mut output, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ConfigureType), header.guid);
    put_usize(&mut output, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, hChannel), header.channel);
    put_u32(&mut output, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, SequenceNumber), header.sequence);
    let return_code = return_code.cast_unsigned();
    put_u32(&mut output, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_OUTPUT, ReturnCode), return_code);
    output
}

/// The header of the answer to a query, without an OMAC (zeros).
#[must_use]
pub fn query_output(header: &QueryHeader, return_code: HRESULT) -> [u8; QUERY_OUTPUT_SIZE] {
    let mut output = [0; QUERY_OUTPUT_SIZE];
    put_guid(&mut output, offset_of!(D3D11_AUTHENTICATED_QUERY_OUTPUT, QueryType), header.guid);
    put_usize(&mut output, offset_of!(D3D11_AUTHENTICATED_QUERY_OUTPUT, hChannel), header.channel);
    put_u32(&mut output, offset_of!(D3D11_AUTHENTICATED_QUERY_OUTPUT, SequenceNumber), header.sequence);
    let return_code = return_code.cast_unsigned();
    put_u32(&mut output, offset_of!(D3D11_AUTHENTICATED_QUERY_OUTPUT, ReturnCode), return_code);
    output
}

/// The flags of a command `CONFIGURE_PROTECTION`, unchecked; none for another command or another size.
#[must_use]
pub fn protection_flags(command: &[u8]) -> Option<u32> {
    let command = body(command, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION)?;
    u32_at(command, offset_of!(D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT, Protections))
}

/// What a command `CONFIGURE_SHARED_RESOURCE` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedResource {
    /// `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE`, unchecked.
    pub process_type: u32,
    /// The process, when the type is `HANDLE`.
    pub handle: u64,
    /// Whether the process may open restricted shared resources.
    pub allow: bool,
}

/// Reads a command `CONFIGURE_SHARED_RESOURCE`; none for another command or another size.
#[must_use]
pub fn shared_resource(command: &[u8]) -> Option<SharedResource> {
    type Command = D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT;
    let command = body(command, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE)?;
    Some(SharedResource {
        process_type: u32_at(command, offset_of!(Command, ProcessType))?,
        handle: usize_at(command, offset_of!(Command, ProcessHandle))? as u64,
        allow: u32_at(command, offset_of!(Command, AllowAccess))? != 0,
    })
}

/// The index in a query `RESTRICTED_SHARED_RESOURCE_PROCESS`; none for another query or one that is too short.
#[must_use]
pub fn process_index(query: &[u8]) -> Option<u32> {
    let header = QueryHeader::read(query)?;
    if header.guid != D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS {
        return None;
    }
    let query = query.get(..query_shape(&header.guid)?.input)?;
    u32_at(query, offset_of!(D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT, ProcessIndex))
}

/// The whole command, if it is this one and has its size.
fn body(command: &[u8], guid: GUID) -> Option<&[u8]> {
    let is_this = ConfigureHeader::read(command)?.guid == guid && configure_size(&guid) == Some(command.len());
    is_this.then_some(command)
}

fn array_at<const N: usize>(message: &[u8], offset: usize) -> Option<[u8; N]> {
    message.get(offset..)?.first_chunk().copied()
}

fn u32_at(message: &[u8], offset: usize) -> Option<u32> {
    array_at(message, offset).map(u32::from_ne_bytes)
}

fn usize_at(message: &[u8], offset: usize) -> Option<usize> {
    array_at(message, offset).map(usize::from_ne_bytes)
}

fn guid_at(message: &[u8], offset: usize) -> Option<GUID> {
    let message = message.get(offset..)?;
    Some(GUID {
        Data1: array_at(message, offset_of!(GUID, Data1)).map(u32::from_ne_bytes)?,
        Data2: array_at(message, offset_of!(GUID, Data2)).map(u16::from_ne_bytes)?,
        Data3: array_at(message, offset_of!(GUID, Data3)).map(u16::from_ne_bytes)?,
        Data4: array_at(message, offset_of!(GUID, Data4))?,
    })
}

/// Writes a member of a message. `message` holds it: its size is that of the structure.
fn put(message: &mut [u8], offset: usize, bytes: &[u8]) {
    message[offset..][..bytes.len()].copy_from_slice(bytes);
}

pub(crate) fn put_u32(message: &mut [u8], offset: usize, value: u32) {
    put(message, offset, &value.to_ne_bytes());
}

/// A HANDLE.
pub(crate) fn put_usize(message: &mut [u8], offset: usize, value: usize) {
    put(message, offset, &value.to_ne_bytes());
}

fn put_guid(message: &mut [u8], offset: usize, value: GUID) {
    put(message, offset + offset_of!(GUID, Data1), &value.Data1.to_ne_bytes());
    put(message, offset + offset_of!(GUID, Data2), &value.Data2.to_ne_bytes());
    put(message, offset + offset_of!(GUID, Data3), &value.Data3.to_ne_bytes());
    put(message, offset + offset_of!(GUID, Data4), &value.Data4);
}

/// Messages made and read by the committed tables of offsets, not by the structures, to test against.
#[cfg(test)]
pub(crate) mod table {
    use softcp_abi::GUID;

    #[cfg(target_pointer_width = "64")]
    const TABLE: &str = include_str!("../../softcp-abi/spec/abi-x86_64.csv");
    #[cfg(target_pointer_width = "32")]
    const TABLE: &str = include_str!("../../softcp-abi/spec/abi-i686.csv");

    /// Offset and size of a field; of the whole structure if its name is empty.
    fn place(structure: &str, field: &str) -> (usize, usize) {
        let row = TABLE.lines().find_map(|row| row.strip_prefix(&format!("{structure},{field},")));
        let (offset, size) = row.unwrap_or_else(|| panic!("{structure}.{field}")).split_once(',').unwrap();
        (offset.parse().unwrap(), size.parse().unwrap())
    }

    pub(crate) fn size(structure: &str) -> usize {
        place(structure, "").1
    }

    /// A GUID as it lies in memory.
    pub(crate) fn guid(guid: GUID) -> Vec<u8> {
        let text = guid.to_string().replace('-', "");
        let mut bytes: Vec<u8> = (0..16).map(|i| u8::from_str_radix(&text[2 * i..][..2], 16).unwrap()).collect();
        if cfg!(target_endian = "little") {
            // The written form has the first three members from their highest digit on.
            for member in [0..4, 4..6, 6..8] {
                bytes[member].reverse();
            }
        }
        bytes
    }

    /// A structure with these fields, in bytes, and zeros elsewhere. Fields of its header by the header's name too.
    pub(crate) fn message(structure: &str, fields: &[(&str, &str, &[u8])]) -> Vec<u8> {
        let mut message = vec![0; size(structure)];
        for (owner, field, bytes) in fields {
            let (offset, size) = place(owner, field);
            assert_eq!(bytes.len(), size, "{owner}.{field}");
            message[offset..offset + size].copy_from_slice(bytes);
        }
        message
    }

    /// A query with its members behind the header.
    pub(crate) fn query(structure: &str, kind: GUID, channel: usize, members: &[(&str, &[u8])]) -> Vec<u8> {
        let header = "D3D11_AUTHENTICATED_QUERY_INPUT";
        whole(structure, header, &[("QueryType", &guid(kind)), ("hChannel", &channel.to_ne_bytes())], members)
    }

    /// A command with its members behind the header; its OMAC is not zero.
    pub(crate) fn command(structure: &str, kind: GUID, channel: usize, members: &[(&str, &[u8])]) -> Vec<u8> {
        let header = "D3D11_AUTHENTICATED_CONFIGURE_INPUT";
        let own: [(&str, &[u8]); 3] =
            [("omac", &[0xCC; 16]), ("ConfigureType", &guid(kind)), ("hChannel", &channel.to_ne_bytes())];
        whole(structure, header, &own, members)
    }

    /// The answer to a query.
    pub(crate) fn answer(
        structure: &str,
        kind: GUID,
        channel: usize,
        return_code: i32,
        members: &[(&str, &[u8])],
    ) -> Vec<u8> {
        let header = "D3D11_AUTHENTICATED_QUERY_OUTPUT";
        let own: [(&str, &[u8]); 3] = [
            ("QueryType", &guid(kind)),
            ("hChannel", &channel.to_ne_bytes()),
            ("ReturnCode", &return_code.to_ne_bytes()),
        ];
        whole(structure, header, &own, members)
    }

    /// The sequence number of every message that is made here.
    pub(crate) const SEQUENCE: u32 = 0x0403_0201;

    fn whole(structure: &str, header: &str, own: &[(&str, &[u8])], members: &[(&str, &[u8])]) -> Vec<u8> {
        let sequence = SEQUENCE.to_ne_bytes();
        let mut fields: Vec<(&str, &str, &[u8])> = vec![(header, "SequenceNumber", &sequence)];
        fields.extend(own.iter().map(|&(field, bytes)| (header, field, bytes)));
        fields.extend(members.iter().map(|&(field, bytes)| (structure, field, bytes)));
        message(structure, &fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: usize = 0x1122_3344;

    /// A GUID that no query or command has.
    const UNKNOWN: GUID = D3D11_KEY_EXCHANGE_RSAES_OAEP;

    #[test]
    fn queries_have_the_sizes_of_the_table() {
        let none = "D3D11_AUTHENTICATED_QUERY_INPUT";
        let listed = [
            (D3D11_AUTHENTICATED_QUERY_PROTECTION, none, "PROTECTION_OUTPUT"),
            (D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, none, "CHANNEL_TYPE_OUTPUT"),
            (D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, none, "DEVICE_HANDLE_OUTPUT"),
            (D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, "CRYPTO_SESSION_INPUT", "CRYPTO_SESSION_OUTPUT"),
            (
                D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
                none,
                "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT",
            ),
            (
                D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
                "RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT",
                "RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT",
            ),
            (
                D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
                none,
                "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT",
            ),
            (D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, "OUTPUT_ID_COUNT_INPUT", "OUTPUT_ID_COUNT_OUTPUT"),
            (D3D11_AUTHENTICATED_QUERY_OUTPUT_ID, "OUTPUT_ID_INPUT", "OUTPUT_ID_OUTPUT"),
            (D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, none, "ACCESSIBILITY_OUTPUT"),
            (
                D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT,
                none,
                "ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT",
            ),
            (
                D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
                "ACCESSIBILITY_ENCRYPTION_GUID_INPUT",
                "ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT",
            ),
            (
                D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE,
                none,
                "CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT",
            ),
        ];
        for (guid, input, output) in listed {
            let full = |name: &str| match name.strip_prefix("D3D11_") {
                Some(_) => name.to_owned(),
                None => format!("D3D11_AUTHENTICATED_QUERY_{name}"),
            };
            let expected = QueryShape { input: table::size(&full(input)), output: table::size(&full(output)) };
            assert_eq!(query_shape(&guid), Some(expected), "{output}");
        }
        assert_eq!(named("D3D11_AUTHENTICATED_QUERY_"), listed.len());
        assert_eq!(
            [UNKNOWN, GUID_NULL, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION].map(|guid| query_shape(&guid)),
            [None; 3]
        );
    }

    #[test]
    fn commands_have_the_sizes_of_the_table() {
        let listed = [
            (D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE, "INITIALIZE_INPUT"),
            (D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, "PROTECTION_INPUT"),
            (D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, "CRYPTO_SESSION_INPUT"),
            (D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, "SHARED_RESOURCE_INPUT"),
            (D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE, "ACCESSIBLE_ENCRYPTION_INPUT"),
        ];
        for (guid, name) in listed {
            let expected = table::size(&format!("D3D11_AUTHENTICATED_CONFIGURE_{name}"));
            assert_eq!(configure_size(&guid), Some(expected), "{name}");
        }
        assert_eq!(named("D3D11_AUTHENTICATED_CONFIGURE_"), listed.len());
        assert_eq!(
            [UNKNOWN, GUID_NULL, D3D11_AUTHENTICATED_QUERY_PROTECTION].map(|guid| configure_size(&guid)),
            [None; 3]
        );
    }

    /// How many GUIDs have a name that begins like this.
    fn named(start: &str) -> usize {
        include_str!("../../softcp-abi/spec/guids.csv").lines().filter(|row| row.starts_with(start)).count()
    }

    #[test]
    fn buffers_may_be_larger_than_a_query() {
        let shape = QueryShape { input: 8, output: 12 };
        assert_eq!([(8, 12), (9, 13), (7, 12), (8, 11)].map(|(i, o)| shape.fits(i, o)), [true, true, false, false]);
    }

    #[test]
    fn headers_are_read() {
        let guid = D3D11_AUTHENTICATED_QUERY_PROTECTION;
        let query = table::query("D3D11_AUTHENTICATED_QUERY_INPUT", guid, CHANNEL, &[]);
        let expected = QueryHeader { guid, channel: CHANNEL, sequence: table::SEQUENCE };
        assert_eq!((query.len(), QueryHeader::read(&query)), (QueryHeader::SIZE, Some(expected)));
        assert_eq!(QueryHeader::read(&[query.as_slice(), &[7]].concat()), Some(expected));
        assert_eq!(QueryHeader::read(&query[..QueryHeader::SIZE - 1]), None);
        assert_eq!(QueryHeader::read(&[]), None);

        let guid = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
        let command = table::command("D3D11_AUTHENTICATED_CONFIGURE_INPUT", guid, CHANNEL, &[]);
        let expected = ConfigureHeader { guid, channel: CHANNEL, sequence: table::SEQUENCE };
        assert_eq!((command.len(), ConfigureHeader::read(&command)), (ConfigureHeader::SIZE, Some(expected)));
        assert_eq!(ConfigureHeader::read(&[command.as_slice(), &[7]].concat()), Some(expected));
        assert_eq!(ConfigureHeader::read(&command[..ConfigureHeader::SIZE - 1]), None);
    }

    #[test]
    fn handles_have_the_width_of_the_machine() {
        let query = table::query("D3D11_AUTHENTICATED_QUERY_INPUT", GUID_NULL, usize::MAX, &[]);
        assert_eq!(QueryHeader::read(&query).unwrap().channel, usize::MAX);
    }

    #[test]
    fn answers_repeat_the_header() {
        let guid = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
        let header = ConfigureHeader { guid, channel: CHANNEL, sequence: table::SEQUENCE };
        let output = "D3D11_AUTHENTICATED_CONFIGURE_OUTPUT";
        let expected = table::message(
            output,
            &[
                (output, "ConfigureType", &table::guid(guid)),
                (output, "hChannel", &CHANNEL.to_ne_bytes()),
                (output, "SequenceNumber", &table::SEQUENCE.to_ne_bytes()),
                (output, "ReturnCode", &E_INVALIDARG.to_ne_bytes()),
            ],
        );
        assert_eq!(configure_output(&header, E_INVALIDARG).as_slice(), expected);

        let guid = D3D11_AUTHENTICATED_QUERY_PROTECTION;
        let header = QueryHeader { guid, channel: CHANNEL, sequence: table::SEQUENCE };
        let expected = table::answer("D3D11_AUTHENTICATED_QUERY_OUTPUT", guid, CHANNEL, E_FAIL, &[]);
        assert_eq!(query_output(&header, E_FAIL).as_slice(), expected);
    }

    #[test]
    fn members_are_read_of_the_right_message_only() {
        let flags = table::command(
            "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT",
            D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
            CHANNEL,
            &[("Protections", &0x8000_0003_u32.to_ne_bytes())],
        );
        let shared = |allow: u32| {
            table::command(
                "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT",
                D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
                CHANNEL,
                &[
                    ("ProcessType", &9_u32.to_ne_bytes()),
                    ("ProcessHandle", &usize::MAX.to_ne_bytes()),
                    ("AllowAccess", &allow.to_ne_bytes()),
                ],
            )
        };
        let index = table::query(
            "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT",
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
            CHANNEL,
            &[("ProcessIndex", &5_u32.to_ne_bytes())],
        );
        let longer = |message: &[u8]| [message, &[0]].concat();
        let shorter = |message: &[u8]| message[..message.len() - 1].to_vec();

        assert_eq!(protection_flags(&flags), Some(0x8000_0003));
        for wrong in [longer(&flags), shorter(&flags), shared(1), index.clone(), vec![]] {
            assert_eq!(protection_flags(&wrong), None);
        }
        for (allow, allowed) in [(0, false), (1, true), (0x100, true)] {
            let expected = SharedResource { process_type: 9, handle: usize::MAX as u64, allow: allowed };
            assert_eq!(shared_resource(&shared(allow)), Some(expected));
        }
        for wrong in [longer(&shared(1)), shorter(&shared(1)), flags.clone(), vec![]] {
            assert_eq!(shared_resource(&wrong), None);
        }
        assert_eq!((process_index(&index), process_index(&longer(&index))), (Some(5), Some(5)));
        let other = table::query(
            "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT",
            D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID,
            CHANNEL,
            &[("ProcessIndex", &5_u32.to_ne_bytes())],
        );
        let header = index[..QueryHeader::SIZE].to_vec();
        for wrong in [shorter(&index), header, other, vec![]] {
            assert_eq!(process_index(&wrong), None);
        }
    }
}
