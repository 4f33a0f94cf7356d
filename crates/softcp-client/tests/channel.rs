//! Authenticated channels against a driver that this program plays: layouts, order, and every answer.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
mod driver;

use common::verified_driver;
use driver::cases::{DEVICE, commands, queries};
use driver::{
    CONFIGURE_INPUT, CONFIGURE_OUTPUT, Driver, E_FAIL, E_INVALIDARG, Image, QUERY_INPUT, QUERY_OUTPUT, S_OK, guid,
    size, u32_member,
};
use softcp_client::{
    Answer, AnswerError, ChannelError, ClientChannel, Command, FixedRandom, KeyExchange, Process, ProtectionFlags,
    Query, RandomError, SystemRandom,
};

const CHANNEL: usize = (usize::MAX / 3) ^ 0x5678_9abc;

const PROTECT: Command = Command::Protection(ProtectionFlags { enabled: true, overlay_or_fullscreen: false });

#[test]
fn initialize_is_its_structure_with_both_start_numbers() {
    let (driver, mut client) = Driver::channel_starting_at(CHANNEL, 0x0102_0304, 0x0506_0708);
    let message = client.command(Command::Initialize).unwrap();
    let structure = "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT";
    let expected = Image::new(structure)
        .set(CONFIGURE_INPUT, "ConfigureType", &guid("D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE"))
        .set(CONFIGURE_INPUT, "hChannel", &CHANNEL.to_ne_bytes())
        .set(CONFIGURE_INPUT, "SequenceNumber", &0x0506_0708_u32.to_ne_bytes())
        .set(structure, "StartSequenceQuery", &0x0102_0304_u32.to_ne_bytes())
        .set(structure, "StartSequenceConfigure", &0x0506_0708_u32.to_ne_bytes());
    assert_eq!(message.bytes(), driver.signed(expected.bytes));
    assert_eq!(message.answer_size(), size(CONFIGURE_OUTPUT));
    assert_eq!((message.name(), message.sequence_number()), ("INITIALIZE", 0x0506_0708));
}

#[test]
fn every_command_is_its_structure_signed_with_zero_padding() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    for (case, number) in commands().into_iter().zip(2001_u32..) {
        let message = client.command(case.command).unwrap();
        let mut expected = Image::new(case.structure)
            .set(CONFIGURE_INPUT, "ConfigureType", &guid(case.guid))
            .set(CONFIGURE_INPUT, "hChannel", &CHANNEL.to_ne_bytes())
            .set(CONFIGURE_INPUT, "SequenceNumber", &number.to_ne_bytes());
        for (field, value) in &case.members {
            expected = expected.set(case.structure, field, value);
        }
        assert_eq!(message.bytes(), driver.signed(expected.bytes), "{:?}", case.command);
        assert_eq!(message.answer_size(), size(CONFIGURE_OUTPUT));
        assert_eq!(message.name(), case.guid.strip_prefix("D3D11_AUTHENTICATED_CONFIGURE_").unwrap());
    }
}

#[test]
fn every_query_is_its_structure_with_zero_padding() {
    let (_, mut client) = Driver::initialized_channel(CHANNEL);
    for (case, number) in queries().into_iter().zip(1001_u32..) {
        let message = client.query(case.query).unwrap();
        let mut expected = Image::new(case.input)
            .set(QUERY_INPUT, "QueryType", &guid(case.guid))
            .set(QUERY_INPUT, "hChannel", &CHANNEL.to_ne_bytes())
            .set(QUERY_INPUT, "SequenceNumber", &number.to_ne_bytes());
        for (field, value) in &case.input_members {
            expected = expected.set(case.input, field, value);
        }
        assert_eq!(message.bytes(), expected.bytes, "{:?}", case.query);
        assert_eq!(message.answer_size(), size(case.output), "{:?}", case.query);
        assert_eq!(case.query.output_size(), size(case.output), "{:?}", case.query);
        assert_eq!(message.name(), case.guid.strip_prefix("D3D11_AUTHENTICATED_QUERY_").unwrap());
        assert_eq!((message.name(), message.sequence_number()), (case.query.name(), number));
    }
}

#[test]
fn every_command_is_accepted_by_the_driver() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in commands() {
        let message = client.command(case.command).unwrap();
        let output = driver.configure(message.bytes());
        assert_eq!(client.open_command_answer(&message, &output), Ok(()), "{:?}", case.command);
    }
}

#[test]
fn every_query_is_answered_with_its_values() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in queries() {
        let message = client.query(case.query).unwrap();
        let output = driver.query(message.bytes(), case.output, &case.output_members);
        assert_eq!(client.open_query_answer(&message, &output), Ok(case.answer), "{:?}", case.query);
    }
}

#[test]
fn answers_open_in_any_order_and_more_than_once() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let messages: Vec<_> = queries().iter().map(|case| client.query(case.query).unwrap()).collect();
    let outputs: Vec<_> = (queries().iter().zip(&messages))
        .map(|(case, message)| driver.query(message.bytes(), case.output, &case.output_members))
        .collect();
    for at in (0..messages.len()).rev().chain(0..messages.len()) {
        assert_eq!(client.open_query_answer(&messages[at], &outputs[at]), Ok(queries()[at].answer));
    }
}

#[test]
fn new_draws_start_numbers_below_half_of_the_range_queries_first() {
    let random = FixedRandom::new([0xff, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x02]);
    let exchange = KeyExchange::new(&verified_driver(), &SystemRandom).unwrap();
    let mut client = ClientChannel::new(exchange, CHANNEL, &random).unwrap();
    assert_eq!(random.bytes_taken(), 8);
    let message = client.command(Command::Initialize).unwrap();
    let start = |field| u32_member(message.bytes(), "D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT", field);
    assert_eq!((start("StartSequenceQuery"), start("StartSequenceConfigure")), (0x7fff_ffff, 0x4000_0001));
    assert_eq!(client.handle(), CHANNEL);
}

#[test]
fn new_without_random_bytes_is_an_error() {
    let exchange = KeyExchange::new(&verified_driver(), &SystemRandom).unwrap();
    assert_eq!(ClientChannel::new(exchange, CHANNEL, &FixedRandom::new([1; 7])).unwrap_err(), RandomError);
}

#[test]
fn before_initialize_is_accepted_nothing_else_can_be_made() {
    let (mut driver, mut client) = Driver::channel(CHANNEL);
    let nothing_else = |client: &mut ClientChannel| {
        assert!(!client.is_initialized());
        for case in commands() {
            assert_eq!(client.command(case.command).unwrap_err(), ChannelError::NotInitialized);
        }
        for case in queries() {
            assert_eq!(client.query(case.query).unwrap_err(), ChannelError::NotInitialized);
        }
    };
    nothing_else(&mut client);
    let message = client.command(Command::Initialize).unwrap();
    nothing_else(&mut client);
    let refusal = driver.command_answer(message.bytes(), E_FAIL);
    let refused = AnswerError::Refused { name: "INITIALIZE", return_code: E_FAIL };
    assert_eq!(client.open_command_answer(&message, &refusal), Err(refused));
    nothing_else(&mut client);

    // Repeated, it has another number, and is accepted.
    let again = client.command(Command::Initialize).unwrap();
    assert_eq!((message.sequence_number(), again.sequence_number()), (2000, 2001));
    let output = driver.configure(again.bytes());
    assert_eq!(client.open_command_answer(&again, &output), Ok(()));
    assert!(client.is_initialized());
    assert_eq!(client.command(PROTECT).unwrap().sequence_number(), 2002);
    assert_eq!(client.query(Query::Protection).unwrap().sequence_number(), 1001);
}

#[test]
fn late_answer_to_an_earlier_initialize_still_initializes() {
    let (mut driver, mut client) = Driver::channel(CHANNEL);
    let first = client.command(Command::Initialize).unwrap();
    let accepted = driver.configure(first.bytes());
    let second = client.command(Command::Initialize).unwrap();
    let refused = driver.configure(second.bytes());
    assert_eq!(
        client.open_command_answer(&second, &refused),
        Err(AnswerError::Refused { name: "INITIALIZE", return_code: E_INVALIDARG })
    );
    assert_eq!(client.open_command_answer(&first, &accepted), Ok(()));
    let message = client.command(PROTECT).unwrap();
    let output = driver.configure(message.bytes());
    assert_eq!(client.open_command_answer(&message, &output), Ok(()));
}

#[test]
fn initialize_answer_opened_again_does_not_restart_the_queries() {
    let (mut driver, mut client) = Driver::channel(CHANNEL);
    let message = client.command(Command::Initialize).unwrap();
    let output = driver.configure(message.bytes());
    client.open_command_answer(&message, &output).unwrap();
    assert_eq!(client.query(Query::DeviceHandle).unwrap().sequence_number(), 1001);
    client.open_command_answer(&message, &output).unwrap();
    assert_eq!(client.query(Query::DeviceHandle).unwrap().sequence_number(), 1002);
}

#[test]
fn initialize_after_it_was_accepted_is_not_made() {
    let (_, mut client) = Driver::initialized_channel(CHANNEL);
    assert_eq!(client.command(Command::Initialize).unwrap_err(), ChannelError::AlreadyInitialized);
    assert_eq!(client.command(PROTECT).unwrap().sequence_number(), 2001, "no number is used up");
}

#[test]
fn last_number_is_used_and_then_each_sequence_stays_exhausted() {
    let (mut driver, mut client) = Driver::channel_starting_at(CHANNEL, u32::MAX - 1, u32::MAX - 2);
    driver.initialize(&mut client);
    for number in [u32::MAX - 1, u32::MAX] {
        let message = client.command(PROTECT).unwrap();
        assert_eq!(message.sequence_number(), number);
        let output = driver.configure(message.bytes());
        assert_eq!(client.open_command_answer(&message, &output), Ok(()));
    }
    assert_eq!(client.query(Query::Protection).unwrap().sequence_number(), u32::MAX);
    for _ in 0..2 {
        assert_eq!(client.command(PROTECT).unwrap_err(), ChannelError::SequenceExhausted);
        assert_eq!(client.query(Query::Protection).unwrap_err(), ChannelError::SequenceExhausted);
    }
}

#[test]
fn start_at_the_last_number_leaves_initialize_alone() {
    let (mut driver, mut client) = Driver::channel_starting_at(CHANNEL, u32::MAX, u32::MAX);
    let message = client.command(Command::Initialize).unwrap();
    assert_eq!(client.command(Command::Initialize).unwrap_err(), ChannelError::SequenceExhausted);
    let output = driver.configure(message.bytes());
    assert_eq!(client.open_command_answer(&message, &output), Ok(()));
    assert_eq!(client.command(PROTECT).unwrap_err(), ChannelError::SequenceExhausted);
    assert_eq!(client.query(Query::Protection).unwrap_err(), ChannelError::SequenceExhausted);
}

#[test]
fn renegotiate_signs_with_the_new_key_and_goes_on_counting() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let old = client.command(PROTECT).unwrap();
    let old_answer = driver.configure(old.bytes());

    let exchange = KeyExchange::new(&verified_driver(), &SystemRandom).unwrap();
    driver.renegotiate(&exchange);
    client.renegotiate(exchange);

    assert!(client.is_initialized());
    assert_eq!(client.open_command_answer(&old, &old_answer), Err(AnswerError::NotAuthentic));
    let message = client.command(PROTECT).unwrap();
    assert_eq!(message.sequence_number(), 2002);
    let output = driver.configure(message.bytes());
    assert_eq!(client.open_command_answer(&message, &output), Ok(()));
}

#[test]
fn refused_command_tells_the_return_code_and_nothing_moves() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let allow = Command::SharedResource { process: Process::Dwm, allow: true };
    // Success is exactly S_OK (D27): S_FALSE is none.
    for return_code in [E_INVALIDARG, E_FAIL, 1] {
        let message = client.command(allow).unwrap();
        let refusal = driver.command_answer(message.bytes(), return_code);
        let refused = AnswerError::Refused { name: "SHARED_RESOURCE", return_code };
        assert_eq!(client.open_command_answer(&message, &refusal), Err(refused));
    }
    let message = client.command(allow).unwrap();
    let output = driver.configure(message.bytes());
    assert_eq!(client.open_command_answer(&message, &output), Ok(()));
}

#[test]
fn refused_query_is_accepted_as_a_refusal_in_each_form() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in queries() {
        let message = client.query(case.query).unwrap();
        let refused = Err(AnswerError::Refused { name: case.query.name(), return_code: E_INVALIDARG });
        // The whole structure, its members zero.
        let whole = driver.query_answer(message.bytes(), case.output, &[], E_INVALIDARG);
        assert_eq!(client.open_query_answer(&message, &whole), refused, "{:?}", case.query);
        // The header, cut to its size.
        let header = driver.query_answer(message.bytes(), QUERY_OUTPUT, &[], E_INVALIDARG);
        assert_eq!(client.open_query_answer(&message, &header), refused, "{:?}", case.query);
        // The header at the beginning of the output, and behind it what the application had there.
        let mut output = vec![0xee; message.answer_size()];
        output[..header.len()].copy_from_slice(&header);
        assert_eq!(client.open_query_answer(&message, &output), refused, "{:?}", case.query);
    }
}

#[test]
fn header_alone_with_success_is_incomplete() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in queries() {
        let message = client.query(case.query).unwrap();
        let mut output = driver.query_answer(message.bytes(), QUERY_OUTPUT, &[], S_OK);
        let incomplete = Err(AnswerError::Incomplete { name: case.query.name() });
        assert_eq!(client.open_query_answer(&message, &output), incomplete, "{:?}", case.query);
        output.resize(message.answer_size(), 0);
        assert_eq!(client.open_query_answer(&message, &output), incomplete, "{:?}", case.query);
    }
}

#[test]
fn success_about_another_parameter_is_refused() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    let mut echoes = 0;
    for case in queries() {
        for (at, &(member, _)) in case.output_members.iter().enumerate().take(case.echoed) {
            let mut members = case.output_members.clone();
            members[at].1[0] ^= 1;
            let message = client.query(case.query).unwrap();
            let output = driver.query_answer(message.bytes(), case.output, &members, S_OK);
            assert_eq!(client.open_query_answer(&message, &output), Err(AnswerError::Echo { member }));
            echoes += 1;
        }
    }
    assert_eq!(echoes, 8, "every parameter of every query is repeated");
}

#[test]
fn value_out_of_range_is_refused_and_the_last_in_range_is_not() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    let members = [
        ("ProtectionFlags", 3, 4),
        ("ChannelType", 2, 1),
        ("ChannelType", 3, 4),
        ("ProcessIdentifier", 2, 3),
        ("AccessibleInContiguousBlocks", 1, 2),
        ("AccessibleInNonContiguousBlocks", 1, 0xffff_ffff),
    ];
    for (member, good, bad) in members {
        let case = queries().into_iter().find(|case| case.output_members.iter().any(|(name, _)| *name == member));
        let case = case.unwrap();
        for (value, is_good) in [(good, true), (bad, false)] {
            let mut members = case.output_members.clone();
            members.iter_mut().find(|(name, _)| *name == member).unwrap().1 = u32::to_ne_bytes(value).to_vec();
            let message = client.query(case.query).unwrap();
            let output = driver.query_answer(message.bytes(), case.output, &members, S_OK);
            let opened = client.open_query_answer(&message, &output);
            if is_good {
                assert!(opened.is_ok(), "{member} {value}");
            } else {
                assert_eq!(opened, Err(AnswerError::Value { member, value }));
            }
        }
    }
}

#[test]
fn process_without_handle_is_told_by_its_kind() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    let structure = "D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT";
    for (kind, process) in [(0_u32, Process::Unknown), (1, Process::Dwm)] {
        let message = client.query(Query::RestrictedSharedResourceProcess { index: 0 }).unwrap();
        let members = [("ProcessIdentifier", kind.to_ne_bytes().to_vec())];
        let output = driver.query_answer(message.bytes(), structure, &members, S_OK);
        let expected = Answer::RestrictedSharedResourceProcess(process);
        assert_eq!(client.open_query_answer(&message, &output), Ok(expected));
    }
}

#[test]
fn padding_of_an_answer_may_hold_anything_that_is_signed() {
    let (driver, mut client) = Driver::initialized_channel(CHANNEL);
    let message = client.query(Query::OutputIdCount { device: DEVICE, session: 7 }).unwrap();
    let structure = "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT";
    let members = [
        ("DeviceHandle", DEVICE.to_ne_bytes().to_vec()),
        ("CryptoSessionHandle", 7_usize.to_ne_bytes().to_vec()),
        ("OutputIDCount", 3_u32.to_ne_bytes().to_vec()),
    ];
    let mut output = driver.query_answer(message.bytes(), structure, &members, S_OK);
    let (offset, count_size) = driver::place(structure, "OutputIDCount");
    output[offset + count_size..].fill(0xa5);
    let output = driver.signed(output);
    assert_eq!(client.open_query_answer(&message, &output), Ok(Answer::OutputIdCount(3)));
}

#[test]
fn answer_opened_as_the_other_kind_of_message_is_an_error() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let command = client.command(PROTECT).unwrap();
    let output = driver.configure(command.bytes());
    assert_eq!(
        client.open_query_answer(&command, &output),
        Err(AnswerError::MessageKind { expected: "a query", actual: "a command" })
    );
    let query = client.query(Query::Protection).unwrap();
    assert_eq!(
        client.open_command_answer(&query, &output),
        Err(AnswerError::MessageKind { expected: "a command", actual: "a query" })
    );
}

#[test]
fn errors_say_what_is_wrong() {
    let cases = [
        (AnswerError::NotAuthentic, "the answer is not authentic"),
        (
            AnswerError::Refused { name: "OUTPUT_ID", return_code: E_INVALIDARG },
            "the driver refused OUTPUT_ID with 0x80070057",
        ),
        (
            AnswerError::Value { member: "ProtectionFlags", value: 4 },
            "the answer's ProtectionFlags has the undefined value 0x4",
        ),
    ];
    for (error, text) in cases {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn debug_of_a_channel_shows_no_key() {
    let (driver, client) = Driver::channel(CHANNEL);
    let printed = format!("{client:?}");
    assert!(printed.contains("key: ChannelKey { .. }"), "{printed}");
    assert!(!printed.contains(&format!("{:?}", driver.key)), "{printed}");
}
