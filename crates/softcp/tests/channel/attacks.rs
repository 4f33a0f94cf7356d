//! An attacker between application and driver, who sees every message and may change, drop, repeat and reorder them, but
//! has no key.

use softcp::{Error, Outputs};

use crate::common::messages::{CONFIGURE_INPUT, Message, QUERY_INPUT};
use crate::rig::{Channel, KEY, PROTECTION, QUERY_PROTECTION, Rig, layouts, open, raw};

/// Sends a message that must not get through, and sees that it did not, the return code included.
fn refused(rig: &Rig, channel: &Channel, message: &[u8]) -> Error {
    let reply = rig.device.configure_channel(Some(channel.handle), message);
    assert!(!rig.device.protection_enforced(), "the message got through");
    reply.result.unwrap_err()
}

#[test]
fn every_flipped_bit_of_a_command_is_noticed_and_the_true_one_still_gets_through() {
    let mut rig = Rig::new("");
    let message = rig.channel.protection(1);
    for bit in 0..8 * message.len() {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(refused(&rig, &rig.channel, &changed), Error::NotAuthentic), "bit {bit}");
    }
    rig.channel.send(&rig.device, &message).unwrap();
    assert!(rig.device.protection_enforced());
}

#[test]
fn commands_cut_or_extended_are_noticed() {
    let mut rig = Rig::new("");
    let message = rig.channel.protection(1);
    for length in 0..message.len() {
        let error = refused(&rig, &rig.channel, &message[..length]);
        assert!(matches!(error, Error::NotAuthentic | Error::MessageTooShort { .. }), "{length} bytes");
    }
    for more in (1..64).chain([4000, 4039, 4040, 4041, 4100, 100_000]) {
        let longer = [&message[..], &vec![0; more]].concat();
        assert!(matches!(refused(&rig, &rig.channel, &longer), Error::NotAuthentic), "{more} bytes more");
    }
    rig.channel.send(&rig.device, &message).unwrap();
}

#[test]
fn a_signed_header_is_not_obeyed_whatever_is_put_behind_it() {
    // What the application signed is a header alone, which no command is; only as it is does it use its number up.
    let mut rig = Rig::new("");
    let header = rig.channel.message(PROTECTION, CONFIGURE_INPUT, &[]).signed(KEY).bytes;
    for more in [1, 8, 100, 4048, 4049, 5000, 100_000] {
        let longer = [&header[..], &vec![0; more]].concat();
        assert!(matches!(refused(&rig, &rig.channel, &longer), Error::NotAuthentic), "{more} bytes more");
    }
    rig.protect(1).unwrap();
    assert!(matches!(
        rig.device.configure_channel(Some(rig.channel.handle), &header).result,
        Err(Error::SequenceNotGreater { .. })
    ));
}

#[test]
fn repeated_commands_are_refused() {
    let mut rig = Rig::new("");
    let on = rig.channel.protection(1);
    rig.channel.send(&rig.device, &on).unwrap();
    rig.protect(0).unwrap();
    for _ in 0..3 {
        assert!(matches!(refused(&rig, &rig.channel, &on), Error::SequenceNotGreater { given: 2000, least: 2002 }));
    }
}

#[test]
fn commands_out_of_order_get_through_only_forwards() {
    let mut rig = Rig::new("");
    let first = rig.channel.protection(1);
    rig.channel.next_command += 5;
    let later = rig.channel.protection(0);
    rig.channel.send(&rig.device, &later).unwrap();
    assert!(matches!(refused(&rig, &rig.channel, &first), Error::SequenceNotGreater { given: 2000, least: 2006 }));
}

#[test]
fn messages_of_another_channel_are_refused() {
    let rig = Rig::new("");
    let same_key = open(&rig.device, 2, KEY);
    let other_key = open(&rig.device, 2, [8; 16]);
    assert!(matches!(refused(&rig, &rig.channel, &same_key.protection(1)), Error::WrongChannel));
    assert!(matches!(refused(&rig, &rig.channel, &other_key.protection(1)), Error::NotAuthentic));
    assert!(matches!(refused(&rig, &same_key, &rig.channel.protection(1)), Error::WrongChannel));
    for mut channel in [rig.channel, same_key, other_key] {
        channel.protect(&rig.device, 0).unwrap();
    }
}

#[test]
fn a_message_signed_with_another_key_is_refused() {
    let mut rig = Rig::new("");
    for key in [[0; 16], [0xFF; 16], [8; 16]] {
        let forged = Channel { key, ..rig.channel }.protection(1);
        assert!(matches!(refused(&rig, &rig.channel, &forged), Error::NotAuthentic));
    }
    rig.protect(1).unwrap();
}

#[test]
fn a_command_as_a_query_and_a_query_as_a_command_are_refused() {
    let mut rig = Rig::new("");
    let message = rig.channel.protection(1);
    let reply = rig.device.query_channel(Some(rig.channel.handle), &message, 200, Outputs::Configured);
    assert!(reply.result.is_err());
    let query = Message::query(layouts(), QUERY_INPUT, QUERY_PROTECTION, raw(rig.channel.handle), 1000).bytes;
    assert!(matches!(refused(&rig, &rig.channel, &query), Error::MessageTooShort { .. }));
    rig.channel.send(&rig.device, &message).unwrap();
    rig.flags();
}

#[test]
fn queries_repeated_or_out_of_order_are_refused_by_a_signed_answer() {
    let mut rig = Rig::new("");
    let query =
        |number| Message::query(layouts(), QUERY_INPUT, QUERY_PROTECTION, raw(rig.channel.handle), number).bytes;
    let [old, new] = [query(1003), query(1010)];
    rig.device.query_channel(Some(rig.channel.handle), &new, 200, Outputs::Configured).result.unwrap();
    for again in [&old, &new] {
        let reply = rig.device.query_channel(Some(rig.channel.handle), again, 200, Outputs::Configured);
        assert!(matches!(reply.result, Err(Error::SequenceNotGreater { least: 1011, .. })));
        assert!(crate::common::messages::is_signed(KEY, &reply.message));
    }
    rig.channel.next_query = 1011;
    rig.flags();
}
