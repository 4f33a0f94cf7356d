//! What each query answers, and when it is refused.

use softcp::{Device, Error, Outputs};

use crate::common::messages::{Message, QUERY_INPUT, QUERY_OUTPUT, guid_bytes, is_signed};
use crate::rig::{
    AES, KEY, QUERY_ACCESSIBILITY, QUERY_CHANNEL_TYPE, QUERY_CURRENT_ENCRYPTION, QUERY_DEVICE_HANDLE, QUERY_ENCRYPTION,
    QUERY_ENCRYPTION_COUNT, QUERY_OUTPUT_ID, QUERY_OUTPUT_ID_COUNT, QUERY_PROTECTION, QUERY_UNRESTRICTED_COUNT, Rig,
    layouts, open, raw,
};

const ACCESSIBILITY: &str = "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT";
const CURRENT: &str = "D3D11_AUTHENTICATED_QUERY_CURRENT_ACCESSIBILITY_ENCRYPTION_OUTPUT";
const ENCRYPTION_INPUT: &str = "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_INPUT";
const ENCRYPTION_OUTPUT: &str = "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT";

#[test]
fn channel_type_is_the_one_it_was_created_with() {
    let rig = Rig::new("");
    for channel_type in [2, 3] {
        let mut channel = open(&rig.device, channel_type, KEY);
        let output = "D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT";
        let answer = channel.ask(&rig.device, QUERY_CHANNEL_TYPE, (QUERY_INPUT, &[]), output, &["ChannelType"]);
        assert_eq!(answer.unwrap(), [u64::from(channel_type)]);
    }
}

#[test]
fn device_handle_is_the_devices() {
    let mut rig = Rig::new("");
    let answer = rig.ask(QUERY_DEVICE_HANDLE, "D3D11_AUTHENTICATED_QUERY_DEVICE_HANDLE_OUTPUT", "DeviceHandle");
    assert_eq!(answer.unwrap(), raw(rig.device.handle()));
}

#[test]
fn processes_past_the_end_are_refused() {
    let mut rig = Rig::new("");
    rig.share(2, 7, 1).unwrap();
    for index in [1, 0xFFFF_FFFF] {
        assert!(matches!(rig.process(index), Err(Error::BadIndex { what: "process", count: 1, .. })));
    }
}

#[test]
fn unrestricted_shares_are_counted() {
    let mut rig = Rig::new("");
    let count = |rig: &mut Rig| {
        let output = "D3D11_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT_OUTPUT";
        rig.ask(QUERY_UNRESTRICTED_COUNT, output, "UnrestrictedProtectedSharedResourceCount").unwrap()
    };
    assert_eq!(count(&mut rig), 0);
    rig.device.add_unrestricted_share();
    rig.device.add_unrestricted_share();
    rig.device.remove_unrestricted_share();
    assert_eq!(count(&mut rig), 1);
    rig.device.remove_unrestricted_share();
    rig.device.remove_unrestricted_share();
    assert_eq!(count(&mut rig), 0);
}

/// Every output that the channel reports for a device and a session.
fn outputs(rig: &mut Rig, device: u64, session: u64) -> Result<Vec<u64>, Error> {
    let viewer = [("DeviceHandle", device), ("CryptoSessionHandle", session)];
    let count = rig.ask_with(
        QUERY_OUTPUT_ID_COUNT,
        ("D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT", &viewer),
        "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT",
        &["DeviceHandle", "CryptoSessionHandle", "OutputIDCount"],
    )?;
    assert_eq!(count[..2], [device, session]);
    (0..count[2]).map(|index| output(rig, device, session, index)).collect()
}

fn output(rig: &mut Rig, device: u64, session: u64, index: u64) -> Result<u64, Error> {
    let input = [("DeviceHandle", device), ("CryptoSessionHandle", session), ("OutputIDIndex", index)];
    let answer = rig.ask_with(
        QUERY_OUTPUT_ID,
        ("D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT", &input),
        "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT",
        &["DeviceHandle", "CryptoSessionHandle", "OutputIDIndex", "OutputID"],
    )?;
    assert_eq!(answer[..3], [device, session, index]);
    Ok(answer[3])
}

#[test]
fn outputs_are_those_configured_until_the_host_names_others() {
    let mut rig = Rig::new("outputs.identifiers=[5, 0x123456789a, 5]");
    let (device, session) = (raw(rig.device.handle()), raw(rig.session));
    assert_eq!(outputs(&mut rig, device, session).unwrap(), [5, 0x12_3456_789a, 5]);
    let error = output(&mut rig, device, session, 3).unwrap_err();
    assert!(matches!(error, Error::BadIndex { what: "output", index: 3, count: 3 }));
    rig.channel.outputs = Outputs::Named(&[u64::MAX]);
    assert_eq!(outputs(&mut rig, device, session).unwrap(), [u64::MAX]);
    rig.channel.outputs = Outputs::Named(&[]);
    assert_eq!(outputs(&mut rig, device, session).unwrap(), [0; 0]);
}

/// The answer is checked to be signed, and to hold nothing, by the rig.
#[test]
fn outputs_that_the_host_cannot_tell_are_a_signed_failure_of_the_right_query_only() {
    let mut rig = Rig::new("");
    rig.channel.outputs = Outputs::Unavailable;
    let (device, session) = (raw(rig.device.handle()), raw(rig.session));
    assert!(matches!(outputs(&mut rig, device, session), Err(Error::OutputsUnavailable)));
    assert!(matches!(output(&mut rig, device, session, 0), Err(Error::OutputsUnavailable)));
    assert_eq!(Error::OutputsUnavailable.hresult(), softcp_abi::E_FAIL);
    assert!(matches!(outputs(&mut rig, device, device), Err(Error::BadHandle { .. })));
    assert_eq!(rig.flags(), 0, "other queries do not ask for outputs");
    rig.channel.outputs = Outputs::Configured;
    assert_eq!(outputs(&mut rig, device, session).unwrap(), [1]);
}

#[test]
fn outputs_are_asked_for_by_live_handles_of_the_device() {
    let mut rig = Rig::new("");
    let (device, session) = (raw(rig.device.handle()), raw(rig.session));
    let stranger = Device::new(rig.device.adapter()).unwrap();
    for (device, session) in
        [(0, session), (raw(stranger.handle()), session), (device, 0), (device, device), (session, device)]
    {
        assert!(matches!(outputs(&mut rig, device, session), Err(Error::BadHandle { .. })));
        assert!(matches!(output(&mut rig, device, session, 0), Err(Error::BadHandle { .. })));
    }
    assert_eq!(outputs(&mut rig, device, session).unwrap(), [1]);
}

#[test]
fn accessibility_is_the_configured_one() {
    for (options, expected) in [
        ("", [0, 1, 1]),
        ("capabilities.profile=hardware-like", [0x4_0003, 0, 0]),
        ("accessibility.bus=pci;accessibility.non_contiguous_blocks=false", [1, 1, 0]),
    ] {
        let mut rig = Rig::new(options);
        let fields = ["BusType", "AccessibleInContiguousBlocks", "AccessibleInNonContiguousBlocks"];
        let answer = rig.ask_with(QUERY_ACCESSIBILITY, (QUERY_INPUT, &[]), ACCESSIBILITY, &fields).unwrap();
        assert_eq!(answer, expected, "{options}");
    }
}

#[test]
fn encryptions_are_listed_and_the_current_one_is_the_one_chosen() {
    let second = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff_u128;
    let mut rig = Rig::new("accessibility.encryption=[\"aes128-ctr\", \"00112233-4455-6677-8899-aabbccddeeff\"]");
    let count = "D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_COUNT_OUTPUT";
    assert_eq!(rig.ask(QUERY_ENCRYPTION_COUNT, count, "EncryptionGuidCount").unwrap(), 2);
    for (index, expected) in [(0, AES), (1, second)] {
        let channel = &mut rig.channel;
        let message =
            Message::query(layouts(), ENCRYPTION_INPUT, QUERY_ENCRYPTION, raw(channel.handle), channel.next_query);
        channel.next_query += 1;
        let message = message.number("EncryptionGuidIndex", index).bytes;
        let reply = rig.device.query_channel(
            Some(channel.handle),
            &message,
            layouts().size(ENCRYPTION_OUTPUT),
            Outputs::Configured,
        );
        assert_eq!(reply.message[layouts().field(ENCRYPTION_OUTPUT, "EncryptionGuid")], guid_bytes(expected));
        assert!(reply.result.is_ok() && is_signed(KEY, &reply.message));
    }
    let past = rig.ask_with(
        QUERY_ENCRYPTION,
        (ENCRYPTION_INPUT, &[("EncryptionGuidIndex", 2)]),
        ENCRYPTION_OUTPUT,
        &["EncryptionGuidIndex"],
    );
    assert!(matches!(past, Err(Error::BadIndex { what: "encryption", index: 2, count: 2 })));

    let current = |rig: &mut Rig| {
        let reply = rig.channel.answer(&rig.device, QUERY_CURRENT_ENCRYPTION);
        assert!(reply.result.is_ok() && is_signed(KEY, &reply.message));
        reply.message[layouts().field(CURRENT, "EncryptionGuid")].to_vec()
    };
    assert_eq!(current(&mut rig), [0; 16]);
    rig.encrypt(second).unwrap();
    assert_eq!(current(&mut rig), guid_bytes(second));
    rig.encrypt(0).unwrap();
    assert_eq!(current(&mut rig), [0; 16]);
}

#[test]
fn larger_buffers_than_needed_do() {
    let rig = Rig::new("");
    let channel = &rig.channel;
    let mut message = Message::query(layouts(), QUERY_INPUT, QUERY_PROTECTION, raw(channel.handle), 1000).bytes;
    message.extend([9; 100]);
    let reply = rig.device.query_channel(Some(channel.handle), &message, 1000, Outputs::Configured);
    reply.result.unwrap();
    assert_eq!(reply.message.len(), layouts().size("D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT"));
    assert!(is_signed(KEY, &reply.message));
}

#[test]
fn an_output_for_a_header_gets_a_signed_refusal() {
    let rig = Rig::new("");
    let channel = &rig.channel;
    let header = layouts().size(QUERY_OUTPUT);
    let whole = layouts().size("D3D11_AUTHENTICATED_QUERY_PROTECTION_OUTPUT");
    for (number, room) in (1000..).zip([header, whole - 1]) {
        let message = Message::query(layouts(), QUERY_INPUT, QUERY_PROTECTION, raw(channel.handle), number).bytes;
        let reply = rig.device.query_channel(Some(channel.handle), &message, room, Outputs::Configured);
        assert!(
            matches!(reply.result, Err(Error::MessageTooShort { what: "the output", needed, .. }) if needed == whole)
        );
        assert!(is_signed(KEY, &reply.message) && reply.message.len() == header);
    }
    let message = Message::query(layouts(), QUERY_INPUT, QUERY_PROTECTION, raw(channel.handle), 1002).bytes;
    let reply = rig.device.query_channel(Some(channel.handle), &message, header - 1, Outputs::Configured);
    assert!(reply.result.is_err() && reply.message.is_empty());
    rig.device.query_channel(Some(channel.handle), &message, whole, Outputs::Configured).result.unwrap();
}
