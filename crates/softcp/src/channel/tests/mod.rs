//! Layouts of both widths against the committed tables, and the checks in their order, on 32 and 64 bits alike.

use softcp_abi::{E_FAIL, E_INVALIDARG, GUID};

use super::command::Received;
use super::layout::return_code as return_code_of;
use super::state::Sequences;
use super::*;
use crate::Adapter;
use crate::config::Config;
use crate::provider::Provider;

mod layouts;
#[path = "../../../tests/common/messages.rs"]
mod messages;
mod order;
mod states;

use messages::{CONFIGURE_OUTPUT, I686, Layouts, Message, QUERY_INPUT, QUERY_OUTPUT, X86_64, is_signed, number_of};

const KEY: [u8; 16] = *b"a channel's key!";
const OTHER_KEY: [u8; 16] = *b"some other's key";
const CHANNEL: u64 = 0x3000_0071;

const INITIALIZE: u128 = 0x0611_4bdb_3523_470a_8dca_fbc2_8451_54f0;
const PROTECTION: u128 = 0x5045_5658_3f47_4362_bf99_bfdf_cde9_ed29;
const CRYPTO_SESSION: u128 = 0x6346_cc54_2cfc_4ad4_8224_d158_37de_7700;
const SHARED_RESOURCE: u128 = 0x0772_d047_1b40_48e8_9ca6_b5f5_10de_9f01;
const ENCRYPTION: u128 = 0x41ff_f286_6ae0_4d43_9d55_a46e_9efd_158a;

const INITIALIZE_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT";
const PROTECTION_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT";
const CRYPTO_SESSION_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT";
const SHARED_RESOURCE_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT";
const ENCRYPTION_INPUT: &str = "D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT";

/// Members of a structure and their values.
type Members = &'static [(&'static str, u64)];

/// What one query looks like: GUID, input structure and members, what it is read as, answer, and the answer's structure
/// and members.
struct QueryCase {
    guid: u128,
    input: (&'static str, Members),
    query: Query,
    answer: Answer,
    output: (&'static str, Members),
}

/// The GUID of encryptions here, and the two numbers that its halves are in memory.
const AES: GUID = GUID::from_u128(0x9b6b_d711_4f74_41c9_9e7b_0be2_d7d9_3b4f);

fn both() -> [(Width, &'static Layouts); 2] {
    [(Width::Bits32, &I686), (Width::Bits64, &X86_64)]
}

#[allow(clippy::too_many_lines, reason = "one case for each query")]
fn query_cases() -> Vec<QueryCase> {
    let case = |guid, input, query, answer, output| QueryCase { guid, input, query, answer, output };
    let plain: (&str, &[_]) = (QUERY_INPUT, &[]);
    vec![
        case(
            0xa84e_b584_c495_48aa_b94d_8bd2_d6fb_ce05,
            plain,
            Query::Protection,
            Answer::Protection { flags: 3 },
            ("D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT", &[("ProtectionFlags", 3)]),
        ),
        case(
            0xbc1b_18a5_b1fb_42ab_bd94_b582_8b4b_f7be,
            plain,
            Query::ChannelType,
            Answer::ChannelType { channel_type: 2 },
            ("D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT", &[("ChannelType", 2)]),
        ),
        case(
            0xec1c_539d_8cff_4e2a_bcc4_f569_2f99_f480,
            plain,
            Query::DeviceHandle,
            Answer::DeviceHandle { device: 0x1122_3344 },
            ("D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT", &[("DeviceHandle", 0x1122_3344)]),
        ),
        case(
            0x2634_499e_d018_4d74_ac17_7f72_4059_528d,
            ("D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT", &[("DecoderHandle", 0x11)]),
            Query::CryptoSession { decoder: 0x11 },
            Answer::CryptoSession { decoder: 0x11, session: 0x22, device: 0x33 },
            (
                "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT",
                &[("DecoderHandle", 0x11), ("CryptoSessionHandle", 0x22), ("DeviceHandle", 0x33)],
            ),
        ),
        case(
            0x0db2_07b3_9450_46a6_82de_1b96_d44f_9cf2,
            plain,
            Query::RestrictedSharedResourceProcessCount,
            Answer::RestrictedSharedResourceProcessCount { count: 9 },
            (
                "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT",
                &[("RestrictedSharedResourceProcessCount", 9)],
            ),
        ),
        case(
            0x649b_badb_f0f4_4639_a15b_2439_3fc3_abac,
            ("D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT", &[("ProcessIndex", 4)]),
            Query::RestrictedSharedResourceProcess { index: 4 },
            Answer::RestrictedSharedResourceProcess { index: 4, process_type: 2, process: 0x8899_aabb },
            (
                "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT",
                &[("ProcessIndex", 4), ("ProcessIdentifier", 2), ("ProcessHandle", 0x8899_aabb)],
            ),
        ),
        case(
            0x012f_0bd6_e662_4474_befd_aa53_e514_3c6d,
            plain,
            Query::UnrestrictedProtectedSharedResourceCount,
            Answer::UnrestrictedProtectedSharedResourceCount { count: 6 },
            (
                "D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT",
                &[("UnrestrictedProtectedSharedResourceCount", 6)],
            ),
        ),
        case(
            0x2c04_2b5e_8c07_46d5_aabe_8f75_cbad_4c31,
            (
                "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT",
                &[("DeviceHandle", 0x77), ("CryptoSessionHandle", 0x88)],
            ),
            Query::OutputIdCount { device: 0x77, session: 0x88 },
            Answer::OutputIdCount { device: 0x77, session: 0x88, count: 3 },
            (
                "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT",
                &[("DeviceHandle", 0x77), ("CryptoSessionHandle", 0x88), ("OutputIDCount", 3)],
            ),
        ),
        case(
            0x839d_dca3_9b4e_41e4_b053_892b_d2a1_1ee7,
            (
                "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT",
                &[("DeviceHandle", 0x77), ("CryptoSessionHandle", 0x88), ("OutputIDIndex", 2)],
            ),
            Query::OutputId { device: 0x77, session: 0x88, index: 2 },
            Answer::OutputId { device: 0x77, session: 0x88, index: 2, output: 0x0102_0304_0506_0708 },
            (
                "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT",
                &[
                    ("DeviceHandle", 0x77),
                    ("CryptoSessionHandle", 0x88),
                    ("OutputIDIndex", 2),
                    ("OutputID", 0x0102_0304_0506_0708),
                ],
            ),
        ),
        case(
            0x6214_d9d2_432c_4abb_9fce_216e_ea26_9e3b,
            plain,
            Query::AccessibilityAttributes,
            Answer::AccessibilityAttributes {
                bus_type: 0x4_0003,
                contiguous_blocks: true,
                non_contiguous_blocks: false,
            },
            (
                "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT",
                &[("BusType", 0x4_0003), ("AccessibleInContiguousBlocks", 1), ("AccessibleInNonContiguousBlocks", 0)],
            ),
        ),
        case(
            0xb30f_7066_203c_4b07_93fc_ceaa_fd61_241e,
            plain,
            Query::EncryptionWhenAccessibleGuidCount,
            Answer::EncryptionWhenAccessibleGuidCount { count: 5 },
            ("D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT", &[("EncryptionGuidCount", 5)]),
        ),
        case(
            0xf83a_5958_e986_4bda_beb0_411f_6a7a_01b7,
            ("D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT", &[("EncryptionGuidIndex", 1)]),
            Query::EncryptionWhenAccessibleGuid { index: 1 },
            Answer::EncryptionWhenAccessibleGuid { index: 1, encryption: AES },
            ("D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT", &[("EncryptionGuidIndex", 1)]),
        ),
        case(
            0xec17_91c7_dad3_4f15_9ec3_faa9_3d60_d4f0,
            plain,
            Query::CurrentEncryptionWhenAccessible,
            Answer::CurrentEncryptionWhenAccessible { encryption: AES },
            ("D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT", &[]),
        ),
    ]
}

fn command_cases() -> [(u128, &'static str, Members, Received); 4] {
    [
        (
            INITIALIZE,
            INITIALIZE_INPUT,
            &[("StartSequenceQuery", 0x0102_0304), ("StartSequenceConfigure", 0xfffe_fdfc)],
            Received::Initialize { queries: 0x0102_0304, commands: 0xfffe_fdfc },
        ),
        (PROTECTION, PROTECTION_INPUT, &[("Protections", 3)], Received::Command(Command::Protection { flags: 3 })),
        (
            CRYPTO_SESSION,
            CRYPTO_SESSION_INPUT,
            &[("DecoderHandle", 0x11), ("CryptoSessionHandle", 0x22), ("DeviceHandle", 0x3333_3333)],
            Received::Command(Command::CryptoSession { decoder: 0x11, session: 0x22, device: 0x3333_3333 }),
        ),
        (
            SHARED_RESOURCE,
            SHARED_RESOURCE_INPUT,
            &[("ProcessType", 2), ("ProcessHandle", 0x44), ("AllowAccess", 1)],
            Received::Command(Command::SharedResource { process_type: 2, process: 0x44, allow: 1 }),
        ),
    ]
}

fn with(message: Message, members: &[(&'static str, u64)]) -> Message {
    members.iter().fold(message, |message, &(field, value)| message.number(field, value))
}

/// A command that sets members to numbers, signed.
fn command(layouts: &'static Layouts, case: usize, number: u32) -> Message {
    let (guid, structure, members, _) = command_cases()[case];
    with(Message::command(layouts, structure, guid, CHANNEL, number), members).signed(KEY)
}

fn initialize(layouts: &'static Layouts, queries: u32, commands: u32) -> Vec<u8> {
    Message::command(layouts, INITIALIZE_INPUT, INITIALIZE, CHANNEL, 900)
        .number("StartSequenceQuery", queries.into())
        .number("StartSequenceConfigure", commands.into())
        .signed(KEY)
        .bytes
}

fn protection(layouts: &'static Layouts, flags: u32, number: u32) -> Message {
    Message::command(layouts, PROTECTION_INPUT, PROTECTION, CHANNEL, number)
        .number("Protections", flags.into())
        .signed(KEY)
}

/// A channel of this width with a key, and what reached its device.
struct Rig {
    channel: AuthenticatedChannel,
    layouts: &'static Layouts,
    obeyed: Vec<Command>,
}

impl Rig {
    /// A channel that is not initialised.
    fn keyed(width: Width, layouts: &'static Layouts) -> Self {
        let adapter = Adapter::new(&Config::default(), Provider::aws_lc()).unwrap();
        let handle = Handle::from_raw(usize::try_from(CHANNEL).unwrap()).unwrap();
        let mut channel = AuthenticatedChannel::new(Arc::clone(&adapter.state), handle, ChannelType::DriverSoftware);
        channel.width = width;
        channel.state.negotiated(ChannelKey::new(KEY).mac(&adapter.state.provider));
        Self { channel, layouts, obeyed: Vec::new() }
    }

    /// A channel whose queries begin at 100 and commands at 200.
    fn initialized(width: Width, layouts: &'static Layouts) -> Self {
        let mut rig = Self::keyed(width, layouts);
        rig.configure(&initialize(layouts, 100, 200)).result.unwrap();
        rig
    }

    fn configure(&mut self, message: &[u8]) -> Reply {
        let obeyed = &mut self.obeyed;
        self.channel.configure(message, |command| {
            obeyed.push(*command.get());
            Ok(())
        })
    }

    fn query(&mut self, message: &[u8], output_size: usize, answer: Answer) -> Reply {
        self.channel.query(message, output_size, |_, _| Ok(answer))
    }

    /// The sequences as they are, which is all that a message can move.
    fn sequences(&mut self) -> Option<Sequences> {
        self.channel.state.sequences_mut().copied()
    }

    /// The return code in a reply, which must be a signed one.
    fn signed_code(&self, reply: &Reply) -> u32 {
        assert!(is_signed(KEY, &reply.message), "{reply:?}");
        u32::try_from(number_of(self.layouts, CONFIGURE_OUTPUT, "ReturnCode", &reply.message)).unwrap()
    }
}
