//! The channel of type `D3D11_AUTHENTICATED_CHANNEL_D3D11`, which the runtime answers itself.
//!
//! It has no certificate, no key and so no OMAC: the `omac` member is written as zeros and not read. Sequence numbers are
//! repeated and not checked, since nothing that can be replayed was authentic before. All else is as a driver's channel
//! (page of `ID3D11VideoContext::QueryAuthenticatedChannel` and the pages of the structures): an answer repeats the
//! message's header and carries the return code.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CHANNEL_D3D11, D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
    D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE, D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_PROTECTION, D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT,
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT, E_FAIL, E_INVALIDARG, E_OUTOFMEMORY,
    GUID, HRESULT, S_OK,
};

use crate::message::MessageId;
use crate::protection::{KNOWN_FLAGS, ProcessError, Protection};
use crate::structures::{
    self, CONFIGURE_OUTPUT_SIZE, ConfigureHeader, QueryHeader, configure_output, put_u32, put_usize, query_output,
};

/// What the channel has to know of its device.
pub trait Facts {
    /// The device's handle, as messages carry it.
    fn device_handle(&self) -> usize;

    /// What the channels of the device have set, and this one sets.
    fn protection(&self) -> &Protection;
}

/// Why a query was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A buffer is smaller than its structure. The output is untouched.
    #[error(
        "the query needs {needed} bytes of input and {needed_output} of output, and has {given} and {given_output}"
    )]
    WrongSize {
        /// Bytes of the input structure.
        needed: usize,
        /// Bytes of the input.
        given: usize,
        /// Bytes of the output structure.
        needed_output: usize,
        /// Bytes of the output.
        given_output: usize,
    },
    /// The message carries the handle of another channel.
    #[error("the query is for channel {given:#x}, this is channel {own:#x}")]
    WrongChannel {
        /// The handle in the message.
        given: usize,
        /// The channel's handle.
        own: usize,
    },
    /// The channel does not answer this query.
    #[error("a channel of type D3D11 does not answer the query {0}")]
    UnsupportedQuery(GUID),
    /// There are fewer processes.
    #[error("there is no process {index}, {count} are allowed")]
    InvalidProcessIndex {
        /// The index in the query.
        index: u32,
        /// Allowed processes.
        count: u32,
    },
}

impl QueryError {
    /// The debug layer's message.
    #[must_use]
    pub fn message(&self) -> Option<MessageId> {
        Some(match self {
            Self::WrongSize { .. } => MessageId::QUERYAUTHENTICATEDCHANNEL_WRONGSIZE,
            Self::WrongChannel { .. } => MessageId::QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL,
            Self::UnsupportedQuery(_) => MessageId::QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY,
            Self::InvalidProcessIndex { .. } => MessageId::QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX,
        })
    }

    /// What the method returns, and what the answer carries.
    #[must_use]
    pub fn hresult(&self) -> HRESULT {
        match self {
            Self::UnsupportedQuery(_) => E_FAIL,
            Self::WrongSize { .. } | Self::WrongChannel { .. } | Self::InvalidProcessIndex { .. } => E_INVALIDARG,
        }
    }
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigureError {
    /// The message has not the size of its structure (D14).
    #[error("the command has {needed} bytes, the message {given}")]
    WrongSize {
        /// Bytes of the structure.
        needed: usize,
        /// Bytes of the message.
        given: usize,
    },
    /// The message carries the handle of another channel.
    #[error("the command is for channel {given:#x}, this is channel {own:#x}")]
    WrongChannel {
        /// The handle in the message.
        given: usize,
        /// The channel's handle.
        own: usize,
    },
    /// The channel does not know this command.
    #[error("a channel of type D3D11 does not take the command {0}")]
    UnsupportedConfigure(GUID),
    /// Protection flags without a meaning are set.
    #[error("the protection flags {0:#x} have bits without a meaning")]
    UnknownProtectionFlags(u32),
    /// The process cannot be allowed, or not be revoked.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl ConfigureError {
    /// The debug layer's message; it has none for wrong flags, for a list that is full, and for what another channel
    /// holds.
    #[must_use]
    pub fn message(&self) -> Option<MessageId> {
        match self {
            Self::WrongSize { .. } => Some(MessageId::CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE),
            Self::WrongChannel { .. } => Some(MessageId::CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL),
            Self::UnsupportedConfigure(_) => Some(MessageId::CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE),
            Self::Process(ProcessError::UnknownType(_)) => {
                Some(MessageId::CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE)
            }
            Self::UnknownProtectionFlags(_) | Self::Process(ProcessError::TooMany | ProcessError::HeldByAnother) => {
                None
            }
        }
    }

    /// What the method returns, and what the answer carries.
    #[must_use]
    pub fn hresult(&self) -> HRESULT {
        match self {
            Self::UnsupportedConfigure(_) => E_FAIL,
            Self::Process(ProcessError::TooMany) => E_OUTOFMEMORY,
            Self::WrongSize { .. }
            | Self::WrongChannel { .. }
            | Self::UnknownProtectionFlags(_)
            | Self::Process(ProcessError::UnknownType(_) | ProcessError::HeldByAnother) => E_INVALIDARG,
        }
    }
}

/// A channel of the runtime. Whoever owns it ends its settings with [`Protection::end_channel`] when it is gone.
#[derive(Debug)]
pub struct RuntimeChannel {
    handle: usize,
}

/// The answer to a query behind its header.
enum Answer {
    Number { offset: usize, value: u32 },
    DeviceHandle(usize),
    Process { index: u32, process_type: u32, handle: u64 },
}

impl RuntimeChannel {
    /// A channel with this handle, which no other channel of the device has, of the runtime or of the driver.
    #[must_use]
    pub fn new(handle: usize) -> Self {
        Self { handle }
    }

    /// The channel's handle (`GetChannelHandle`).
    #[must_use]
    pub fn handle(&self) -> usize {
        self.handle
    }

    /// `QueryAuthenticatedChannel`. Any state, before INITIALIZE too.
    ///
    /// Buffers may be larger than the structures; what is behind them is not touched. A failure writes the answer's
    /// header with the return code, and zeros for the members of the query that is known (D17, D30), if the output holds
    /// them; after [`QueryError::WrongSize`] the output is untouched.
    ///
    /// Errors, checked in this order: [`QueryError::WrongSize`] for a message without a whole header,
    /// [`QueryError::WrongChannel`], [`QueryError::UnsupportedQuery`], [`QueryError::WrongSize`],
    /// [`QueryError::InvalidProcessIndex`].
    pub fn query(&self, input: &[u8], output: &mut [u8], facts: &dyn Facts) -> Result<(), QueryError> {
        let header = QueryHeader::read(input)
            .ok_or_else(|| wrong_size(QueryHeader::SIZE, structures::QUERY_OUTPUT_SIZE, input, output))?;
        let answer = self.answer(&header, input, output, facts);
        if matches!(answer, Err(QueryError::WrongSize { .. })) {
            return answer.map(drop);
        }
        let return_code = answer.as_ref().map_or_else(QueryError::hresult, |_| S_OK);
        let size = structures::query_shape(&header.guid).map_or(structures::QUERY_OUTPUT_SIZE, |shape| shape.output);
        // A failure for which there is no room goes unwritten; an answer has room, which was checked.
        if let Some(output) = output.get_mut(..size) {
            output.fill(0);
            output[..structures::QUERY_OUTPUT_SIZE].copy_from_slice(&query_output(&header, return_code));
            if let Ok(answer) = &answer {
                answer.write(output);
            }
        }
        answer.map(drop)
    }

    fn answer(
        &self,
        header: &QueryHeader,
        input: &[u8],
        output: &[u8],
        facts: &dyn Facts,
    ) -> Result<Answer, QueryError> {
        if header.channel != self.handle {
            return Err(QueryError::WrongChannel { given: header.channel, own: self.handle });
        }
        let guid = header.guid;
        let is_answered = [
            D3D11_AUTHENTICATED_QUERY_PROTECTION,
            D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE,
            D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE,
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
            D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
        ]
        .contains(&guid);
        let shape = structures::query_shape(&guid).filter(|_| is_answered).ok_or(QueryError::UnsupportedQuery(guid))?;
        if !shape.fits(input.len(), output.len()) {
            return Err(wrong_size(shape.input, shape.output, input, output));
        }
        let protection = facts.protection();
        match guid {
            D3D11_AUTHENTICATED_QUERY_PROTECTION => Ok(Answer::Number {
                offset: offset_of!(D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT, ProtectionFlags),
                value: protection.flags(),
            }),
            D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE => Ok(Answer::Number {
                offset: offset_of!(D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT, ChannelType),
                value: D3D11_AUTHENTICATED_CHANNEL_D3D11,
            }),
            D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE => Ok(Answer::DeviceHandle(facts.device_handle())),
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT => Ok(Answer::Number {
                offset: offset_of!(
                    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT,
                    RestrictedSharedResourceProcessCount
                ),
                value: count(protection.processes().len()),
            }),
            D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT => Ok(Answer::Number {
                offset: offset_of!(
                    D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT,
                    UnrestrictedProtectedSharedResourceCount
                ),
                value: protection.unrestricted(),
            }),
            _ => {
                // The one query that is left; its size was checked, so it has an index.
                let index = structures::process_index(input).ok_or(QueryError::UnsupportedQuery(guid))?;
                let processes = protection.processes();
                let process = usize::try_from(index).ok().and_then(|index| processes.get(index));
                let process =
                    process.ok_or(QueryError::InvalidProcessIndex { index, count: count(processes.len()) })?;
                Ok(Answer::Process { index, process_type: process.process_type, handle: process.handle })
            }
        }
    }

    /// `ConfigureAuthenticatedChannel`. Any state: INITIALIZE is accepted whenever it comes, and says nothing here.
    ///
    /// On success the answer to return. After an error, [`configure_output`] makes the answer that carries it, of a
    /// message with a whole header.
    ///
    /// Errors, checked in this order: [`ConfigureError::WrongSize`] for a message without a whole header,
    /// [`ConfigureError::WrongChannel`], [`ConfigureError::UnsupportedConfigure`], [`ConfigureError::WrongSize`],
    /// [`ConfigureError::UnknownProtectionFlags`], [`ConfigureError::Process`].
    pub fn configure(&self, input: &[u8], facts: &dyn Facts) -> Result<[u8; CONFIGURE_OUTPUT_SIZE], ConfigureError> {
        let wrong_size = |needed| ConfigureError::WrongSize { needed, given: input.len() };
        let header = ConfigureHeader::read(input).ok_or(wrong_size(ConfigureHeader::SIZE))?;
        if header.channel != self.handle {
            return Err(ConfigureError::WrongChannel { given: header.channel, own: self.handle });
        }
        let guid = header.guid;
        let is_taken = [
            D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE,
            D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
            D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
        ]
        .contains(&guid);
        let size =
            structures::configure_size(&guid).filter(|_| is_taken).ok_or(ConfigureError::UnsupportedConfigure(guid))?;
        if input.len() != size {
            return Err(wrong_size(size));
        }
        // Each of these reads nothing but its own command.
        if let Some(flags) = structures::protection_flags(input) {
            if flags & !KNOWN_FLAGS != 0 {
                return Err(ConfigureError::UnknownProtectionFlags(flags));
            }
            facts.protection().set_flags(self.handle, flags);
        }
        if let Some(shared) = structures::shared_resource(input) {
            let protection = facts.protection();
            if shared.allow {
                protection.allow(self.handle, shared.process_type, shared.handle)?;
            } else {
                protection.revoke(self.handle, shared.process_type, shared.handle)?;
            }
        }
        Ok(configure_output(&header, S_OK))
    }
}

impl Answer {
    /// Writes the members behind the header; `output` has the size of the structure.
    fn write(&self, output: &mut [u8]) {
        type ProcessOutput = D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT;
        match *self {
            Self::Number { offset, value } => put_u32(output, offset, value),
            Self::DeviceHandle(handle) => {
                put_usize(output, offset_of!(D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT, DeviceHandle), handle);
            }
            Self::Process { index, process_type, handle } => {
                put_u32(output, offset_of!(ProcessOutput, ProcessIndex), index);
                put_u32(output, offset_of!(ProcessOutput, ProcessIdentifier), process_type);
                // A handle came from a message of this machine, so it fits.
                let handle = usize::try_from(handle).unwrap_or(0);
                put_usize(output, offset_of!(ProcessOutput, ProcessHandle), handle);
            }
        }
    }
}

fn wrong_size(needed: usize, needed_output: usize, input: &[u8], output: &[u8]) -> QueryError {
    QueryError::WrongSize { needed, given: input.len(), needed_output, given_output: output.len() }
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use softcp_abi::{
        D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION, D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
        D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, GUID_NULL,
    };

    use super::*;
    use crate::structures::table;

    const OWN: usize = 0x1122_3340;
    const OTHER: usize = 0x1122_3341;

    #[derive(Default)]
    struct Device(Protection);

    impl Facts for Device {
        fn device_handle(&self) -> usize {
            0x5566_7788
        }

        fn protection(&self) -> &Protection {
            &self.0
        }
    }

    impl Device {
        fn processes(&self) -> Vec<(u32, u64)> {
            self.0.processes().iter().map(|process| (process.process_type, process.handle)).collect()
        }

        /// What an output buffer of this size, filled with a pattern, holds after a query.
        fn ask(&self, query: &[u8], size: usize) -> (Result<(), QueryError>, Vec<u8>) {
            let mut output = vec![0xEE; size];
            let result = RuntimeChannel::new(OWN).query(query, &mut output, self);
            (result, output)
        }

        fn tell(&self, command: &[u8]) -> Result<[u8; CONFIGURE_OUTPUT_SIZE], ConfigureError> {
            RuntimeChannel::new(OWN).configure(command, self)
        }
    }

    fn query(guid: GUID) -> Vec<u8> {
        table::query("D3D11_AUTHENTICATED_QUERY_INPUT", guid, OWN, &[])
    }

    fn process_query(index: u32) -> Vec<u8> {
        table::query(
            "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT",
            D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
            OWN,
            &[("ProcessIndex", &index.to_ne_bytes())],
        )
    }

    fn protect(flags: u32) -> Vec<u8> {
        table::command(
            "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT",
            D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
            OWN,
            &[("Protections", &flags.to_ne_bytes())],
        )
    }

    fn share(process_type: u32, handle: usize, allow: u32) -> Vec<u8> {
        table::command(
            "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT",
            D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE,
            OWN,
            &[
                ("ProcessType", &process_type.to_ne_bytes()),
                ("ProcessHandle", &handle.to_ne_bytes()),
                ("AllowAccess", &allow.to_ne_bytes()),
            ],
        )
    }

    /// A failed query: HRESULT, message, and the error itself.
    fn said(error: QueryError) -> (HRESULT, &'static str) {
        (error.hresult(), error.message().unwrap().name())
    }

    #[test]
    fn queries_are_answered_to_the_byte() {
        let device = Device::default();
        device.0.set_flags(OTHER, 3);
        device.0.allow(OTHER, 2, 0x99).unwrap();
        device.0.allow(OTHER, 1, 0).unwrap();
        for _ in 0..5 {
            device.0.add_unrestricted();
        }
        let listed: &[(GUID, &str, &str, &[u8])] = &[
            (D3D11_AUTHENTICATED_QUERY_PROTECTION, "PROTECTION", "ProtectionFlags", &3_u32.to_ne_bytes()),
            (D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE, "CHANNEL_TYPE", "ChannelType", &1_u32.to_ne_bytes()),
            (
                D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE,
                "DEVICE_HANDLE",
                "DeviceHandle",
                &0x5566_7788_usize.to_ne_bytes(),
            ),
            (
                D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT,
                "RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT",
                "RestrictedSharedResourceProcessCount",
                &2_u32.to_ne_bytes(),
            ),
            (
                D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT,
                "UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT",
                "UnrestrictedProtectedSharedResourceCount",
                &5_u32.to_ne_bytes(),
            ),
        ];
        for &(guid, name, member, value) in listed {
            let structure = format!("D3D11_AUTHENTICATED_QUERY_{name}_OUTPUT");
            let expected = table::answer(&structure, guid, OWN, S_OK, &[(member, value)]);
            let larger = [expected.as_slice(), &[0xEE; 3]].concat();
            assert_eq!(device.ask(&query(guid), expected.len()), (Ok(()), expected), "{name}");
            assert_eq!(device.ask(&[query(guid).as_slice(), &[1]].concat(), larger.len()), (Ok(()), larger), "{name}");
        }
    }

    #[test]
    fn processes_are_answered_by_index() {
        let device = Device::default();
        device.0.allow(OTHER, 2, 0x99).unwrap();
        device.0.allow(OTHER, 1, 0).unwrap();
        let structure = "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT";
        let answer = |return_code, index: u32, process_type: u32, handle: usize| {
            table::answer(
                structure,
                D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
                OWN,
                return_code,
                &[
                    ("ProcessIndex", &index.to_ne_bytes()),
                    ("ProcessIdentifier", &process_type.to_ne_bytes()),
                    ("ProcessHandle", &handle.to_ne_bytes()),
                ],
            )
        };
        let size = table::size(structure);
        assert_eq!(device.ask(&process_query(0), size), (Ok(()), answer(S_OK, 0, 2, 0x99)));
        assert_eq!(device.ask(&process_query(1), size), (Ok(()), answer(S_OK, 1, 1, 0)));
        for index in [2, u32::MAX] {
            let (result, output) = device.ask(&process_query(index), size);
            assert_eq!(result, Err(QueryError::InvalidProcessIndex { index, count: 2 }));
            assert_eq!(said(result.unwrap_err()), (E_INVALIDARG, "QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX"));
            assert_eq!(output, answer(E_INVALIDARG, 0, 0, 0));
        }
    }

    #[test]
    fn queries_of_a_wrong_size_leave_the_output() {
        let device = Device::default();
        let header = query(D3D11_AUTHENTICATED_QUERY_PROTECTION);
        let whole = table::size("D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT");
        let process = table::size("D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT");
        let index = process_query(0);
        for (query, size) in [
            (&[] as &[u8], whole),
            (&header[..header.len() - 1], whole),
            (&header, whole - 1),
            (&header, 0),
            (&index[..index.len() - 1], process),
            (&index, process - 1),
        ] {
            let (result, output) = device.ask(query, size);
            assert!(matches!(result, Err(QueryError::WrongSize { .. })), "{result:?}");
            assert_eq!(said(result.unwrap_err()), (E_INVALIDARG, "QUERYAUTHENTICATEDCHANNEL_WRONGSIZE"));
            assert_eq!(output, vec![0xEE; size]);
        }
    }

    #[test]
    fn unknown_queries_are_answered_with_the_return_code() {
        let device = Device::default();
        let header = "D3D11_AUTHENTICATED_QUERY_OUTPUT";
        let session = "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT";
        let accessibility = "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT";
        for (guid, structure) in [
            (GUID_NULL, header),
            (D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, header),
            (D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION, session),
            (D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, accessibility),
        ] {
            let expected = table::answer(structure, guid, OWN, E_FAIL, &[]);
            let (result, output) = device.ask(&query(guid), expected.len());
            assert_eq!((result, output), (Err(QueryError::UnsupportedQuery(guid)), expected));
            assert_eq!(said(result.unwrap_err()), (E_FAIL, "QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY"));
            let none = vec![0xEE; table::size(header) - 1];
            assert_eq!(device.ask(&query(guid), none.len()), (result, none), "no room for a header");
        }
    }

    #[test]
    fn messages_for_another_channel_are_refused() {
        let device = Device::default();
        let guid = D3D11_AUTHENTICATED_QUERY_PROTECTION;
        let query = table::query("D3D11_AUTHENTICATED_QUERY_INPUT", guid, OTHER, &[]);
        let expected = table::answer("D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT", guid, OTHER, E_INVALIDARG, &[]);
        let (result, output) = device.ask(&query, expected.len());
        let error = QueryError::WrongChannel { given: OTHER, own: OWN };
        assert_eq!((result, output), (Err(error), expected));
        assert_eq!(said(error), (E_INVALIDARG, "QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL"));

        let command = table::command(
            "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT",
            D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
            OTHER,
            &[("Protections", &1_u32.to_ne_bytes())],
        );
        let error = ConfigureError::WrongChannel { given: OTHER, own: OWN };
        assert_eq!(device.tell(&command), Err(error));
        assert_eq!(refusal(error), (E_INVALIDARG, Some("CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL")));
        assert_eq!(device.0.flags(), 0);
    }

    fn refusal(error: ConfigureError) -> (HRESULT, Option<&'static str>) {
        (error.hresult(), error.message().map(MessageId::name))
    }

    /// The answer of a command that was carried out.
    fn done(guid: GUID) -> Vec<u8> {
        let output = "D3D11_AUTHENTICATED_CONFIGURE_OUTPUT";
        let fields: [(&str, &str, &[u8]); 3] = [
            (output, "ConfigureType", &table::guid(guid)),
            (output, "hChannel", &OWN.to_ne_bytes()),
            (output, "SequenceNumber", &table::SEQUENCE.to_ne_bytes()),
        ];
        table::message(output, &fields)
    }

    #[test]
    fn initialize_says_nothing() {
        let device = Device::default();
        let guid = D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE;
        let command = table::command(
            "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT",
            guid,
            OWN,
            &[("StartSequenceQuery", &u32::MAX.to_ne_bytes()), ("StartSequenceConfigure", &u32::MAX.to_ne_bytes())],
        );
        for _ in 0..2 {
            assert_eq!(device.tell(&command).unwrap().as_slice(), done(guid));
        }
        assert!(device.tell(&protect(0)).is_ok(), "sequence numbers are not checked");
    }

    #[test]
    fn protection_is_the_channels_own() {
        let device = Device::default();
        for (flags, enforced) in [(1, true), (2, false), (3, true), (0, false)] {
            let output = device.tell(&protect(flags)).unwrap();
            assert_eq!(output.as_slice(), done(D3D11_AUTHENTICATED_CONFIGURE_PROTECTION));
            assert_eq!((device.0.flags(), device.0.enforced()), (flags, enforced));
        }
        device.tell(&protect(1)).unwrap();
        for flags in [4, 0x8000_0000, u32::MAX] {
            let error = ConfigureError::UnknownProtectionFlags(flags);
            assert_eq!(device.tell(&protect(flags)), Err(error));
            assert_eq!((refusal(error), device.0.flags()), ((E_INVALIDARG, None), 1));
        }
        device.0.end_channel(OTHER);
        assert_eq!(device.0.flags(), 1);
        device.0.end_channel(RuntimeChannel::new(OWN).handle());
        assert_eq!(device.0.flags(), 0);
    }

    #[test]
    fn processes_are_allowed_and_revoked() {
        let device = Device::default();
        let output = device.tell(&share(2, 0x99, 1)).unwrap();
        assert_eq!(output.as_slice(), done(D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE));
        device.tell(&share(1, 0x77, 1)).unwrap();
        assert_eq!(device.processes(), [(2, 0x99), (1, 0)]);
        device.tell(&share(2, 0x99, 0)).unwrap();
        assert_eq!(device.processes(), [(1, 0)]);
        for (process_type, allow) in [(0, 1), (0, 0), (3, 1), (u32::MAX, 0)] {
            let error = ConfigureError::Process(ProcessError::UnknownType(process_type));
            assert_eq!(device.tell(&share(process_type, 0x99, allow)), Err(error));
            let expected = (E_INVALIDARG, Some("CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE"));
            assert_eq!((refusal(error), device.processes()), (expected, vec![(1, 0)]));
        }
        device.0.allow(OTHER, 2, 5).unwrap();
        let error = ConfigureError::Process(ProcessError::HeldByAnother);
        assert_eq!((device.tell(&share(2, 5, 0)), refusal(error)), (Err(error), (E_INVALIDARG, None)));
        for handle in 0..1022 {
            device.0.allow(OTHER, 2, 100 + handle).unwrap();
        }
        let error = ConfigureError::Process(ProcessError::TooMany);
        assert_eq!((device.tell(&share(2, 6, 1)), refusal(error)), (Err(error), (E_OUTOFMEMORY, None)));
    }

    #[test]
    fn commands_of_a_wrong_size_change_nothing() {
        let device = Device::default();
        let (protect, share) = (protect(1), share(1, 0, 1));
        let longer = |command: &[u8]| [command, &[0]].concat();
        for command in [
            vec![],
            protect[..ConfigureHeader::SIZE - 1].to_vec(),
            protect[..ConfigureHeader::SIZE].to_vec(),
            protect[..protect.len() - 1].to_vec(),
            longer(&protect),
            longer(&share),
            share[..share.len() - 1].to_vec(),
        ] {
            let error = device.tell(&command).unwrap_err();
            assert!(matches!(error, ConfigureError::WrongSize { given, .. } if given == command.len()), "{error:?}");
            assert_eq!(refusal(error), (E_INVALIDARG, Some("CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE")));
        }
        assert_eq!((device.0.flags(), device.processes()), (0, vec![]));
    }

    #[test]
    fn unknown_commands_fail() {
        let device = Device::default();
        for guid in [
            GUID_NULL,
            D3D11_AUTHENTICATED_QUERY_PROTECTION,
            D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION,
            D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE,
        ] {
            let command = table::command("D3D11_AUTHENTICATED_CONFIGURE_INPUT", guid, OWN, &[]);
            let error = ConfigureError::UnsupportedConfigure(guid);
            assert_eq!(device.tell(&command), Err(error));
            assert_eq!(refusal(error), (E_FAIL, Some("CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE")));
        }
    }
}
