//! Answers with a wrong OMAC.

use softcp::{Handle, Outputs};
use softcp_client::{Answer, AnswerError, ClientChannel, Command, ProtectionFlags, Query};

use crate::common::{Rig, key_exchange};
use crate::{inject, rig};

const ON: ProtectionFlags = ProtectionFlags { enabled: true, overlay_or_fullscreen: false };

fn open(rig: &Rig) -> (Handle, ClientChannel) {
    let handle = rig.device.create_authenticated_channel(2).unwrap();
    let exchange = key_exchange(&rig.certificate, [5; 16]);
    rig.device.negotiate_channel(handle, exchange.message().as_bytes()).unwrap();
    let mut client = ClientChannel::with_sequences(exchange, handle.get(), 10, 20);
    obey(rig, handle, &mut client, Command::Initialize).unwrap();
    (handle, client)
}

fn obey(rig: &Rig, channel: Handle, client: &mut ClientChannel, command: Command) -> Result<(), AnswerError> {
    let message = client.command(command).unwrap();
    let reply = rig.device.configure_channel(Some(channel), message.bytes());
    reply.result.unwrap();
    client.open_command_answer(&message, &reply.message)
}

fn ask(rig: &Rig, channel: Handle, client: &mut ClientChannel, query: Query) -> Result<Answer, AnswerError> {
    let message = client.query(query).unwrap();
    let reply = rig.device.query_channel(Some(channel), message.bytes(), message.answer_size(), Outputs::Configured);
    reply.result.unwrap();
    client.open_query_answer(&message, &reply.message)
}

#[test]
fn a_wrong_mac_is_seen_and_the_next_question_is_answered() {
    let (rig, _) = rig("");
    let (channel, mut client) = open(&rig);
    inject(&rig, "wrong-mac every=2 times=2");
    for wrong in [false, true, false, true, false, false] {
        let answer = ask(&rig, channel, &mut client, Query::Protection);
        assert_eq!(matches!(answer, Err(AnswerError::NotAuthentic)), wrong, "{answer:?}");
    }
}

#[test]
fn a_command_whose_answer_is_wrong_has_been_obeyed() {
    let (rig, _) = rig("");
    let (channel, mut client) = open(&rig);
    inject(&rig, "wrong-mac");
    let answer = obey(&rig, channel, &mut client, Command::Protection(ON));
    assert!(matches!(answer, Err(AnswerError::NotAuthentic)));
    assert!(rig.device.protection_enforced());
    // As the client advises: a new channel.
    rig.device.destroy_authenticated_channel(channel).unwrap();
    assert!(!rig.device.protection_enforced());
    let (channel, mut client) = open(&rig);
    obey(&rig, channel, &mut client, Command::Protection(ON)).unwrap();
    assert!(rig.device.protection_enforced());
}

#[test]
fn answers_of_a_channel_without_a_key_do_not_count() {
    let (rig, _) = rig("wrong-mac");
    let handle = rig.device.create_authenticated_channel(2).unwrap();
    rig.device.configure_channel(Some(handle), &[0; 100]).result.unwrap_err();
    assert_eq!(rig.device.adapter().faults().list()[0].counted, 0);
}
