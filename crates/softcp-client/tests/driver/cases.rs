//! Every command and query with values that differ in every byte, and the answers of a driver.

use softcp_client::{Accessibility, Answer, BusType, ChannelType, Command, GUID, Process, ProtectionFlags, Query};

/// Handles, all different, with bits in each byte.
pub(crate) const DECODER: usize = (usize::MAX / 3) ^ 0x0102_0304;
pub(crate) const SESSION: usize = (usize::MAX / 3) ^ 0x1112_1314;
pub(crate) const DEVICE: usize = (usize::MAX / 3) ^ 0x2122_2324;
pub(crate) const PROCESS: usize = (usize::MAX / 3) ^ 0x3132_3334;

const SOME_GUID: GUID = GUID::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);

/// [`SOME_GUID`] as it lies in memory.
fn some_guid() -> Vec<u8> {
    let mut bytes = 0x0011_2233_u32.to_ne_bytes().to_vec();
    bytes.extend(0x4455_u16.to_ne_bytes());
    bytes.extend(0x6677_u16.to_ne_bytes());
    bytes.extend([0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]);
    bytes
}

fn handle(value: usize) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

fn number(value: u32) -> Vec<u8> {
    value.to_ne_bytes().to_vec()
}

/// A command and the members of its structure behind the header.
pub(crate) struct CommandCase {
    pub(crate) command: Command,
    pub(crate) guid: &'static str,
    pub(crate) structure: &'static str,
    pub(crate) members: Vec<(&'static str, Vec<u8>)>,
}

/// Every command but INITIALIZE, with every kind of parameter.
pub(crate) fn commands() -> Vec<CommandCase> {
    let protection = |enabled, overlay_or_fullscreen, bits| CommandCase {
        command: Command::Protection(ProtectionFlags { enabled, overlay_or_fullscreen }),
        guid: "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION",
        structure: "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT",
        members: vec![("Protections", number(bits))],
    };
    let shared_resource = |process, allow, kind, process_handle| CommandCase {
        command: Command::SharedResource { process, allow },
        guid: "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE",
        structure: "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT",
        members: vec![
            ("ProcessType", number(kind)),
            ("ProcessHandle", handle(process_handle)),
            ("AllowAccess", number(u32::from(allow))),
        ],
    };
    vec![
        protection(true, false, 1),
        protection(false, true, 2),
        protection(true, true, 3),
        protection(false, false, 0),
        CommandCase {
            command: Command::CryptoSession { decoder: DECODER, session: SESSION, device: DEVICE },
            guid: "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION",
            structure: "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT",
            members: vec![
                ("DecoderHandle", handle(DECODER)),
                ("CryptoSessionHandle", handle(SESSION)),
                ("DeviceHandle", handle(DEVICE)),
            ],
        },
        shared_resource(Process::Unknown, true, 0, 0),
        shared_resource(Process::Dwm, true, 1, 0),
        shared_resource(Process::Handle(PROCESS), true, 2, PROCESS),
        shared_resource(Process::Handle(PROCESS), false, 2, PROCESS),
        CommandCase {
            command: Command::EncryptionWhenAccessible(SOME_GUID),
            guid: "D3D11_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE",
            structure: "D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT",
            members: vec![("EncryptionGuid", some_guid())],
        },
    ]
}

/// A query, the members of its structure and its answer's structure behind the headers, and what the answer means.
#[derive(Clone)]
pub(crate) struct QueryCase {
    pub(crate) query: Query,
    pub(crate) guid: &'static str,
    pub(crate) input: &'static str,
    pub(crate) input_members: Vec<(&'static str, Vec<u8>)>,
    pub(crate) output: &'static str,
    pub(crate) output_members: Vec<(&'static str, Vec<u8>)>,
    /// How many of the first members of the output repeat a parameter.
    pub(crate) echoed: usize,
    pub(crate) answer: Answer,
}

/// All thirteen queries.
#[allow(clippy::too_many_lines, reason = "a table")]
pub(crate) fn queries() -> Vec<QueryCase> {
    vec![
        QueryCase {
            query: Query::Protection,
            guid: "D3D11_AUTHENTICATED_QUERY_PROTECTION",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT",
            output_members: vec![("ProtectionFlags", number(1))],
            echoed: 0,
            answer: Answer::Protection(ProtectionFlags { enabled: true, overlay_or_fullscreen: false }),
        },
        QueryCase {
            query: Query::ChannelType,
            guid: "D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT",
            output_members: vec![("ChannelType", number(3))],
            echoed: 0,
            answer: Answer::ChannelType(ChannelType::DriverHardware),
        },
        QueryCase {
            query: Query::DeviceHandle,
            guid: "D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT",
            output_members: vec![("DeviceHandle", handle(DEVICE))],
            echoed: 0,
            answer: Answer::DeviceHandle(DEVICE),
        },
        QueryCase {
            query: Query::CryptoSession { decoder: DECODER },
            guid: "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION",
            input: "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT",
            input_members: vec![("DecoderHandle", handle(DECODER))],
            output: "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT",
            output_members: vec![
                ("DecoderHandle", handle(DECODER)),
                ("CryptoSessionHandle", handle(SESSION)),
                ("DeviceHandle", handle(DEVICE)),
            ],
            echoed: 1,
            answer: Answer::CryptoSession { session: SESSION, device: DEVICE },
        },
        QueryCase {
            query: Query::RestrictedSharedResourceProcessCount,
            guid: "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT_OUTPUT",
            output_members: vec![("RestrictedSharedResourceProcessCount", number(0x4142_4344))],
            echoed: 0,
            answer: Answer::RestrictedSharedResourceProcessCount(0x4142_4344),
        },
        QueryCase {
            query: Query::RestrictedSharedResourceProcess { index: 0x5152_5354 },
            guid: "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS",
            input: "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_INPUT",
            input_members: vec![("ProcessIndex", number(0x5152_5354))],
            output: "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT",
            output_members: vec![
                ("ProcessIndex", number(0x5152_5354)),
                ("ProcessIdentifier", number(2)),
                ("ProcessHandle", handle(PROCESS)),
            ],
            echoed: 1,
            answer: Answer::RestrictedSharedResourceProcess(Process::Handle(PROCESS)),
        },
        QueryCase {
            query: Query::UnrestrictedProtectedSharedResourceCount,
            guid: "D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT",
            output_members: vec![("UnrestrictedProtectedSharedResourceCount", number(0x6162_6364))],
            echoed: 0,
            answer: Answer::UnrestrictedProtectedSharedResourceCount(0x6162_6364),
        },
        QueryCase {
            query: Query::OutputIdCount { device: DEVICE, session: SESSION },
            guid: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT",
            input: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT",
            input_members: vec![("DeviceHandle", handle(DEVICE)), ("CryptoSessionHandle", handle(SESSION))],
            output: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT",
            output_members: vec![
                ("DeviceHandle", handle(DEVICE)),
                ("CryptoSessionHandle", handle(SESSION)),
                ("OutputIDCount", number(0x7172_7374)),
            ],
            echoed: 2,
            answer: Answer::OutputIdCount(0x7172_7374),
        },
        QueryCase {
            query: Query::OutputId { device: DEVICE, session: SESSION, index: 0x8182_8384 },
            guid: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID",
            input: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT",
            input_members: vec![
                ("DeviceHandle", handle(DEVICE)),
                ("CryptoSessionHandle", handle(SESSION)),
                ("OutputIDIndex", number(0x8182_8384)),
            ],
            output: "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT",
            output_members: vec![
                ("DeviceHandle", handle(DEVICE)),
                ("CryptoSessionHandle", handle(SESSION)),
                ("OutputIDIndex", number(0x8182_8384)),
                ("OutputID", 0x9192_9394_9596_9798_u64.to_ne_bytes().to_vec()),
            ],
            echoed: 3,
            answer: Answer::OutputId(0x9192_9394_9596_9798),
        },
        QueryCase {
            query: Query::AccessibilityAttributes,
            guid: "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT",
            output_members: vec![
                ("BusType", number(0x0004_0003)),
                ("AccessibleInContiguousBlocks", number(1)),
                ("AccessibleInNonContiguousBlocks", number(0)),
            ],
            echoed: 0,
            answer: Answer::AccessibilityAttributes(Accessibility {
                bus_type: BusType(0x0004_0003),
                in_contiguous_blocks: true,
                in_non_contiguous_blocks: false,
            }),
        },
        QueryCase {
            query: Query::EncryptionWhenAccessibleGuidCount,
            guid: "D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT",
            output_members: vec![("EncryptionGuidCount", number(0xa1a2_a3a4))],
            echoed: 0,
            answer: Answer::EncryptionWhenAccessibleGuidCount(0xa1a2_a3a4),
        },
        QueryCase {
            query: Query::EncryptionWhenAccessibleGuid { index: 0xb1b2_b3b4 },
            guid: "D3D11_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID",
            input: "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT",
            input_members: vec![("EncryptionGuidIndex", number(0xb1b2_b3b4))],
            output: "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT",
            output_members: vec![("EncryptionGuidIndex", number(0xb1b2_b3b4)), ("EncryptionGuid", some_guid())],
            echoed: 1,
            answer: Answer::EncryptionWhenAccessibleGuid(SOME_GUID),
        },
        QueryCase {
            query: Query::CurrentEncryptionWhenAccessible,
            guid: "D3D11_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE",
            input: "D3D11_AUTHENTICATED_QUERY_INPUT",
            input_members: vec![],
            output: "D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT",
            output_members: vec![("EncryptionGuid", some_guid())],
            echoed: 0,
            answer: Answer::CurrentEncryptionWhenAccessible(SOME_GUID),
        },
    ]
}
