//! A device with a channel whose key the test knows, and messages to it by the tables of offsets.

use softcp::provider::Provider;
use softcp::{DecoderEncryption, Device, Error, Handle, Outputs, Reply};

use crate::common::messages::{
    CONFIGURE_OUTPUT, Layouts, Message, QUERY_INPUT, QUERY_OUTPUT, is_signed, native, number_of,
};
use crate::common::{Block, adapter_with, checked_certificate, desc, key_exchange};

pub(crate) const KEY: Block = *b"the channel key.";

pub(crate) const INITIALIZE: u128 = 0x0611_4bdb_3523_470a_8dca_fbc2_8451_54f0;
pub(crate) const PROTECTION: u128 = 0x5045_5658_3f47_4362_bf99_bfdf_cde9_ed29;
pub(crate) const CRYPTO_SESSION: u128 = 0x6346_cc54_2cfc_4ad4_8224_d158_37de_7700;
pub(crate) const SHARED_RESOURCE: u128 = 0x0772_d047_1b40_48e8_9ca6_b5f5_10de_9f01;
pub(crate) const ENCRYPTION: u128 = 0x41ff_f286_6ae0_4d43_9d55_a46e_9efd_158a;

pub(crate) const QUERY_PROTECTION: u128 = 0xa84e_b584_c495_48aa_b94d_8bd2_d6fb_ce05;
pub(crate) const QUERY_CHANNEL_TYPE: u128 = 0xbc1b_18a5_b1fb_42ab_bd94_b582_8b4b_f7be;
pub(crate) const QUERY_DEVICE_HANDLE: u128 = 0xec1c_539d_8cff_4e2a_bcc4_f569_2f99_f480;
pub(crate) const QUERY_CRYPTO_SESSION: u128 = 0x2634_499e_d018_4d74_ac17_7f72_4059_528d;
pub(crate) const QUERY_PROCESS_COUNT: u128 = 0x0db2_07b3_9450_46a6_82de_1b96_d44f_9cf2;
pub(crate) const QUERY_PROCESS: u128 = 0x649b_badb_f0f4_4639_a15b_2439_3fc3_abac;
pub(crate) const QUERY_UNRESTRICTED_COUNT: u128 = 0x012f_0bd6_e662_4474_befd_aa53_e514_3c6d;
pub(crate) const QUERY_OUTPUT_ID_COUNT: u128 = 0x2c04_2b5e_8c07_46d5_aabe_8f75_cbad_4c31;
pub(crate) const QUERY_OUTPUT_ID: u128 = 0x839d_dca3_9b4e_41e4_b053_892b_d2a1_1ee7;
pub(crate) const QUERY_ACCESSIBILITY: u128 = 0x6214_d9d2_432c_4abb_9fce_216e_ea26_9e3b;
pub(crate) const QUERY_ENCRYPTION_COUNT: u128 = 0xb30f_7066_203c_4b07_93fc_ceaa_fd61_241e;
pub(crate) const QUERY_ENCRYPTION: u128 = 0xf83a_5958_e986_4bda_beb0_411f_6a7a_01b7;
pub(crate) const QUERY_CURRENT_ENCRYPTION: u128 = 0xec17_91c7_dad3_4f15_9ec3_faa9_3d60_d4f0;

/// Every query.
pub(crate) const ALL_QUERIES: [u128; 13] = [
    QUERY_PROTECTION,
    QUERY_CHANNEL_TYPE,
    QUERY_DEVICE_HANDLE,
    QUERY_CRYPTO_SESSION,
    QUERY_PROCESS_COUNT,
    QUERY_PROCESS,
    QUERY_UNRESTRICTED_COUNT,
    QUERY_OUTPUT_ID_COUNT,
    QUERY_OUTPUT_ID,
    QUERY_ACCESSIBILITY,
    QUERY_ENCRYPTION_COUNT,
    QUERY_ENCRYPTION,
    QUERY_CURRENT_ENCRYPTION,
];

/// The encryption that is offered by default.
pub(crate) const AES: u128 = 0x9b6b_d711_4f74_41c9_9e7b_0be2_d7d9_3b4f;

/// A device with one channel that has a key, and a session and a decoder to talk about.
pub(crate) struct Rig {
    pub(crate) device: Device,
    pub(crate) channel: Channel,
    pub(crate) session: Handle,
    pub(crate) decoder: Handle,
}

/// A channel as the application sees it: its handle, and the next numbers of its sequences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) handle: Handle,
    pub(crate) key: Block,
    pub(crate) next_query: u32,
    pub(crate) next_command: u32,
    /// The outputs that the host names with each query.
    pub(crate) outputs: Outputs<'static>,
}

/// Members of a message by name.
pub(crate) type Members<'a> = &'a [(&'static str, u64)];

impl Rig {
    /// A device under these options, whose channel is initialised.
    pub(crate) fn new(options: &str) -> Self {
        let device = Device::new(&adapter_with(options, Provider::aws_lc())).unwrap();
        let session = device.create_crypto_session(&desc()).unwrap();
        let decoder = device.register_decoder(DecoderEncryption::Ctr).unwrap();
        let channel = open(&device, 2, KEY);
        Self { device, channel, session, decoder }
    }

    /// Sends a command with the next number; its answer is checked but for the return code.
    pub(crate) fn command(&mut self, guid: u128, structure: &'static str, members: Members<'_>) -> Result<(), Error> {
        self.channel.command(&self.device, guid, structure, members)
    }

    pub(crate) fn protect(&mut self, flags: u64) -> Result<(), Error> {
        self.channel.protect(&self.device, flags)
    }

    pub(crate) fn bind(&mut self, decoder: u64, session: u64, device: u64) -> Result<(), Error> {
        let members = [("DecoderHandle", decoder), ("CryptoSessionHandle", session), ("DeviceHandle", device)];
        self.command(CRYPTO_SESSION, "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT", &members)
    }

    pub(crate) fn share(&mut self, process_type: u64, process: u64, allow: u64) -> Result<(), Error> {
        self.channel.share(&self.device, process_type, process, allow)
    }

    pub(crate) fn encrypt(&mut self, encryption: u128) -> Result<(), Error> {
        self.channel.encrypt(&self.device, encryption)
    }

    /// Sends a query with the next number and gives the named member of its answer, which is checked.
    pub(crate) fn ask(&mut self, guid: u128, output: &'static str, field: &'static str) -> Result<u64, Error> {
        self.channel.ask(&self.device, guid, (QUERY_INPUT, &[]), output, &[field]).map(|values| values[0])
    }

    pub(crate) fn ask_with(
        &mut self,
        guid: u128,
        input: (&'static str, Members<'_>),
        output: &'static str,
        fields: &[&'static str],
    ) -> Result<Vec<u64>, Error> {
        self.channel.ask(&self.device, guid, input, output, fields)
    }

    pub(crate) fn flags(&mut self) -> u64 {
        self.ask(QUERY_PROTECTION, "D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT", "ProtectionFlags").unwrap()
    }

    /// Type and handle of every allowed process, through the channel.
    pub(crate) fn processes(&mut self) -> Vec<(u64, u64)> {
        let count = "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT";
        let count = self.ask(QUERY_PROCESS_COUNT, count, "RestrictedSharedResourceProcessCount").unwrap();
        (0..count).map(|index| self.process(index).unwrap()).collect()
    }

    pub(crate) fn process(&mut self, index: u64) -> Result<(u64, u64), Error> {
        let values = self.ask_with(
            QUERY_PROCESS,
            ("D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT", &[("ProcessIndex", index)]),
            "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT",
            &["ProcessIndex", "ProcessIdentifier", "ProcessHandle"],
        )?;
        assert_eq!(values[0], index);
        Ok((values[1], values[2]))
    }

    pub(crate) fn bound_session(&mut self, decoder: u64) -> Result<u64, Error> {
        let values = self.ask_with(
            QUERY_CRYPTO_SESSION,
            ("D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT", &[("DecoderHandle", decoder)]),
            "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT",
            &["DecoderHandle", "CryptoSessionHandle", "DeviceHandle"],
        )?;
        assert_eq!((values[0], values[2]), (decoder, raw(self.device.handle())));
        Ok(values[1])
    }
}

/// Opens a channel on `device` and initialises it: queries begin at 1000, commands at 2000.
pub(crate) fn open(device: &Device, channel_type: u32, key: Block) -> Channel {
    let handle = device.create_authenticated_channel(channel_type).unwrap();
    let certificate = checked_certificate(device.adapter());
    device.negotiate_channel(handle, key_exchange(&certificate, key).message().as_bytes()).unwrap();
    let channel = Channel { handle, key, next_query: 1000, next_command: 2000, outputs: Outputs::Configured };
    device.configure_channel(Some(handle), &channel.initialize()).result.unwrap();
    channel
}

impl Channel {
    /// INITIALIZE with the next numbers.
    pub(crate) fn initialize(&self) -> Vec<u8> {
        self.message(
            INITIALIZE,
            "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT",
            &[("StartSequenceQuery", self.next_query.into()), ("StartSequenceConfigure", self.next_command.into())],
        )
        .signed(self.key)
        .bytes
    }

    /// A command with the next number, which is not used up, and not signed.
    pub(crate) fn message(&self, guid: u128, structure: &'static str, members: Members<'_>) -> Message {
        let message = Message::command(native(), structure, guid, raw(self.handle), self.next_command);
        members.iter().fold(message, |message, &(field, value)| message.number(field, value))
    }

    /// `QUERY_CHANNEL_TYPE` with the next number, which is not used up.
    pub(crate) fn channel_type_query(&self) -> Vec<u8> {
        Message::query(native(), QUERY_INPUT, QUERY_CHANNEL_TYPE, raw(self.handle), self.next_query).bytes
    }

    /// PROTECTION with the next number, which is not used up.
    pub(crate) fn protection(&self, flags: u64) -> Vec<u8> {
        let structure = "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT";
        self.message(PROTECTION, structure, &[("Protections", flags)]).signed(self.key).bytes
    }

    pub(crate) fn command(
        &mut self,
        device: &Device,
        guid: u128,
        structure: &'static str,
        members: Members<'_>,
    ) -> Result<(), Error> {
        let message = self.message(guid, structure, members).signed(self.key);
        self.send(device, &message.bytes)
    }

    pub(crate) fn protect(&mut self, device: &Device, flags: u64) -> Result<(), Error> {
        self.send(device, &self.protection(flags))
    }

    pub(crate) fn share(&mut self, device: &Device, process_type: u64, process: u64, allow: u64) -> Result<(), Error> {
        let members = [("ProcessType", process_type), ("ProcessHandle", process), ("AllowAccess", allow)];
        self.command(device, SHARED_RESOURCE, "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT", &members)
    }

    pub(crate) fn encrypt(&mut self, device: &Device, encryption: u128) -> Result<(), Error> {
        let structure = "D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT";
        let message = self.message(ENCRYPTION, structure, &[]).guid("EncryptionGuid", encryption).signed(self.key);
        self.send(device, &message.bytes)
    }

    /// Sends a command that carries the next number, which is used up, and checks the answer.
    pub(crate) fn send(&mut self, device: &Device, message: &[u8]) -> Result<(), Error> {
        let reply = device.configure_channel(Some(self.handle), message);
        assert!(is_signed(self.key, &reply.message));
        assert_eq!(reply.message[16..32], message[16..32], "the answer is to another command");
        assert_eq!(number_of(native(), CONFIGURE_OUTPUT, "hChannel", &reply.message), raw(self.handle));
        assert_eq!(
            number_of(native(), CONFIGURE_OUTPUT, "SequenceNumber", &reply.message),
            u64::from(self.next_command)
        );
        check_code(&reply);
        self.next_command += 1;
        reply.result
    }

    /// Sends a query with the next number, checks the answer, and gives the named members.
    pub(crate) fn ask(
        &mut self,
        device: &Device,
        guid: u128,
        input: (&'static str, Members<'_>),
        output: &'static str,
        fields: &[&'static str],
    ) -> Result<Vec<u64>, Error> {
        let message = Message::query(native(), input.0, guid, raw(self.handle), self.next_query);
        let message = input.1.iter().fold(message, |message, &(field, value)| message.number(field, value));
        let reply = device.query_channel(Some(self.handle), &message.bytes, native().size(output), self.outputs);
        assert!(is_signed(self.key, &reply.message));
        assert_eq!(reply.message.len(), native().size(output));
        assert_eq!(reply.message[16..32], message.bytes[..16]);
        assert_eq!(number_of(native(), QUERY_OUTPUT, "hChannel", &reply.message), raw(self.handle));
        assert_eq!(number_of(native(), QUERY_OUTPUT, "SequenceNumber", &reply.message), u64::from(self.next_query));
        check_code(&reply);
        self.next_query += 1;
        let header = native().size(QUERY_OUTPUT);
        if reply.result.is_err() {
            assert!(reply.message[header..].iter().all(|&byte| byte == 0), "a refusal answers nothing (D30)");
        }
        reply.result.map(|()| fields.iter().map(|field| number_of(native(), output, field, &reply.message)).collect())
    }

    /// A query without parameters whose whole answer is given, to compare states.
    pub(crate) fn answer(&mut self, device: &Device, guid: u128) -> Reply {
        let message = Message::query(native(), QUERY_INPUT, guid, raw(self.handle), self.next_query);
        self.next_query += 1;
        device.query_channel(Some(self.handle), &message.bytes, 200, Outputs::Configured)
    }
}

/// The return code in the answer is that of the result.
fn check_code(reply: &Reply) {
    let code = u32::try_from(number_of(native(), CONFIGURE_OUTPUT, "ReturnCode", &reply.message)).unwrap();
    let expected = reply.result.as_ref().map_or_else(Error::hresult, |()| 0);
    assert_eq!(code.cast_signed(), expected);
}

pub(crate) fn raw(handle: Handle) -> u64 {
    handle.get() as u64
}

/// The committed table, for tests that place bytes by hand.
pub(crate) fn layouts() -> &'static Layouts {
    native()
}
