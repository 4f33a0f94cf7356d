//! Attackers between application and driver, without the channel's key: nothing of theirs is believed, and the true
//! answer still opens afterwards.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
mod driver;

use driver::cases::{QueryCase, commands, queries};
use driver::{CONFIGURE_OUTPUT, Driver, E_INVALIDARG, QUERY_OUTPUT, S_OK, place, size};
use proptest::prelude::*;
use softcp_client::{Answer, AnswerError, ChannelMessage, ClientChannel, Command, ProtectionFlags, Query};

const CHANNEL: usize = 0x1234_5678;

const PROTECT: Command = Command::Protection(ProtectionFlags { enabled: true, overlay_or_fullscreen: false });
const UNPROTECT: Command = Command::Protection(ProtectionFlags { enabled: false, overlay_or_fullscreen: false });

/// Opens an answer as its message's kind.
fn open(client: &mut ClientChannel, message: &ChannelMessage, output: &[u8]) -> Result<Option<Answer>, AnswerError> {
    match client.open_query_answer(message, output) {
        Err(AnswerError::MessageKind { .. }) => client.open_command_answer(message, output).map(|()| None),
        opened => opened.map(Some),
    }
}

/// A message with the driver's true answer to it, and what that means.
struct Exchange {
    client: ClientChannel,
    message: ChannelMessage,
    output: Vec<u8>,
    answer: Option<Answer>,
}

/// Every command and every query, each on a channel of its own: INITIALIZE on one that is not initialised.
fn exchanges() -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let (mut driver, mut client) = Driver::channel(CHANNEL);
    let message = client.command(Command::Initialize).unwrap();
    exchanges.push(Exchange { output: driver.configure(message.bytes()), message, client, answer: None });
    for case in commands() {
        let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
        let message = client.command(case.command).unwrap();
        exchanges.push(Exchange { output: driver.configure(message.bytes()), message, client, answer: None });
    }
    for case in queries() {
        let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
        let message = client.query(case.query).unwrap();
        let output = driver.query(message.bytes(), case.output, &case.output_members);
        exchanges.push(Exchange { output, message, client, answer: Some(case.answer) });
    }
    exchanges
}

impl Exchange {
    /// Offers a forged answer: it is refused as said, and the client's state is as before.
    fn refuses(&mut self, forged: &[u8], error: AnswerError, what: impl std::fmt::Display) {
        let before = format!("{:?}", self.client);
        assert_eq!(open(&mut self.client, &self.message, forged), Err(error), "{}: {what}", self.message.name());
        assert_eq!(format!("{:?}", self.client), before, "{}: {what}", self.message.name());
    }

    /// After the forgeries, the true answer.
    fn accepts_the_true_answer(mut self) {
        assert_eq!(open(&mut self.client, &self.message, &self.output), Ok(self.answer), "{}", self.message.name());
        assert!(self.client.is_initialized());
    }
}

#[test]
fn answer_with_any_bit_flipped_is_not_authentic() {
    for mut exchange in exchanges() {
        let mut output = exchange.output.clone();
        for bit in 0..output.len() * 8 {
            output[bit / 8] ^= 1 << (bit % 8);
            exchange.refuses(&output, AnswerError::NotAuthentic, format_args!("bit {bit}"));
            output[bit / 8] ^= 1 << (bit % 8);
        }
        exchange.accepts_the_true_answer();
    }
}

#[test]
fn answer_truncated_or_extended_is_refused() {
    for mut exchange in exchanges() {
        let output = exchange.output.clone();
        let expected = exchange.message.answer_size();
        for actual in 0..output.len() {
            // An answer to a query cut to its header has the size of a refusal, but not a refusal's OMAC.
            let error = match exchange.answer {
                Some(_) if actual == size(QUERY_OUTPUT) => AnswerError::NotAuthentic,
                _ => AnswerError::Length { expected, actual },
            };
            exchange.refuses(&output[..actual], error, format_args!("{actual} bytes"));
        }
        for more in [1, 4, 8, 16, 4096] {
            let extended = [&output[..], &vec![0; more]].concat();
            let error = AnswerError::Length { expected, actual: expected + more };
            exchange.refuses(&extended, error, format_args!("{more} bytes more"));
        }
        exchange.accepts_the_true_answer();
    }
}

#[test]
fn output_that_nobody_signed_is_not_authentic() {
    for mut exchange in exchanges() {
        for byte in [0x00, 0xff] {
            let output = vec![byte; exchange.message.answer_size()];
            exchange.refuses(&output, AnswerError::NotAuthentic, "filled");
        }
        // What a driver without a key writes: everything right, and an OMAC of zeros.
        let mut output = exchange.output.clone();
        output[..16].fill(0);
        exchange.refuses(&output, AnswerError::NotAuthentic, "OMAC of zeros");
        exchange.accepts_the_true_answer();
    }
}

#[test]
fn answer_signed_with_another_channels_key_is_not_authentic() {
    let (other, _) = Driver::channel(CHANNEL);
    for mut exchange in exchanges() {
        let output = other.signed(exchange.output.clone());
        exchange.refuses(&output, AnswerError::NotAuthentic, "another key");
        exchange.accepts_the_true_answer();
    }
}

#[test]
fn answers_of_two_channels_exchanged_are_not_authentic() {
    let (mut one, mut client_of_one) = Driver::initialized_channel(1);
    let (mut two, mut client_of_two) = Driver::initialized_channel(2);
    let (message_one, message_two) = (client_of_one.command(PROTECT).unwrap(), client_of_two.command(PROTECT).unwrap());
    let (answer_one, answer_two) = (one.configure(message_one.bytes()), two.configure(message_two.bytes()));
    assert_eq!(client_of_one.open_command_answer(&message_one, &answer_two), Err(AnswerError::NotAuthentic));
    assert_eq!(client_of_two.open_command_answer(&message_two, &answer_one), Err(AnswerError::NotAuthentic));
    assert_eq!(client_of_one.open_command_answer(&message_two, &answer_two), Err(AnswerError::NotAuthentic));
    assert_eq!(client_of_one.open_command_answer(&message_one, &answer_one), Ok(()));
    assert_eq!(client_of_two.open_command_answer(&message_two, &answer_two), Ok(()));
}

#[test]
fn message_of_another_handle_signed_with_the_right_key_is_refused() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let message = client.command(PROTECT).unwrap();
    let mut output = driver.configure(message.bytes());
    output[place(CONFIGURE_OUTPUT, "hChannel").0] ^= 1;
    let output = driver.signed(output);
    let other = Err(AnswerError::OtherMessage { member: "hChannel" });
    assert_eq!(client.open_command_answer(&message, &output), other);
}

#[test]
fn replayed_answer_to_an_earlier_message_is_refused() {
    let number = Err(AnswerError::OtherMessage { member: "SequenceNumber" });
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in commands() {
        let earlier = client.command(case.command).unwrap();
        let recorded = driver.configure(earlier.bytes());
        let message = client.command(case.command).unwrap();
        let output = driver.configure(message.bytes());
        assert_eq!(client.open_command_answer(&message, &recorded), number, "{:?}", case.command);
        assert_eq!(client.open_command_answer(&message, &output), Ok(()), "{:?}", case.command);
    }
    for case in queries() {
        let earlier = client.query(case.query).unwrap();
        let recorded = driver.query(earlier.bytes(), case.output, &case.output_members);
        let message = client.query(case.query).unwrap();
        let output = driver.query(message.bytes(), case.output, &case.output_members);
        assert_eq!(client.open_query_answer(&message, &recorded).map(|_| ()), number, "{:?}", case.query);
        assert_eq!(client.open_query_answer(&message, &output), Ok(case.answer), "{:?}", case.query);
    }
}

#[test]
fn replayed_refusal_of_an_earlier_initialize_is_refused() {
    let (mut driver, mut client) = Driver::channel(CHANNEL);
    let first = client.command(Command::Initialize).unwrap();
    let refusal = driver.command_answer(first.bytes(), E_INVALIDARG);
    let second = client.command(Command::Initialize).unwrap();
    let output = driver.configure(second.bytes());
    let number = Err(AnswerError::OtherMessage { member: "SequenceNumber" });
    assert_eq!(client.open_command_answer(&second, &refusal), number);
    assert_eq!(client.open_command_answer(&second, &output), Ok(()));
}

#[test]
fn answers_of_two_messages_exchanged_are_refused() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    let [on, off] = [PROTECT, UNPROTECT].map(|command| client.command(command).unwrap());
    let [on_answer, off_answer] = [&on, &off].map(|message| driver.configure(message.bytes()));
    let number = Err(AnswerError::OtherMessage { member: "SequenceNumber" });
    assert_eq!(client.open_command_answer(&on, &off_answer), number);
    assert_eq!(client.open_command_answer(&off, &on_answer), number);
    assert_eq!(client.open_command_answer(&on, &on_answer), Ok(()));
    assert_eq!(client.open_command_answer(&off, &off_answer), Ok(()));

    // Of every two queries whose answers have the same size.
    let cases = queries();
    for one in &cases {
        for two in cases.iter().filter(|two| two.guid != one.guid && size(two.output) == size(one.output)) {
            let [first, second] = [one, two].map(|case| client.query(case.query).unwrap());
            let answer = |driver: &mut Driver, case: &QueryCase, message: &ChannelMessage| {
                driver.query(message.bytes(), case.output, &case.output_members)
            };
            let (first_answer, second_answer) = (answer(&mut driver, one, &first), answer(&mut driver, two, &second));
            let other = Err(AnswerError::OtherMessage { member: "QueryType" });
            assert_eq!(client.open_query_answer(&first, &second_answer), other);
            assert_eq!(client.open_query_answer(&second, &first_answer), other);
            assert_eq!(client.open_query_answer(&first, &first_answer), Ok(one.answer));
            assert_eq!(client.open_query_answer(&second, &second_answer), Ok(two.answer));
        }
    }
}

#[test]
fn answer_to_a_command_is_none_to_a_query_of_the_same_number() {
    let (mut driver, mut client) = Driver::channel_starting_at(CHANNEL, 5000, 5000);
    driver.initialize(&mut client);
    let command = client.command(PROTECT).unwrap();
    let query = client.query(Query::Protection).unwrap();
    assert_eq!(command.sequence_number(), query.sequence_number());
    let refusal_of_command = driver.command_answer(command.bytes(), E_INVALIDARG);
    let refusal_of_query = driver.query_answer(query.bytes(), QUERY_OUTPUT, &[], E_INVALIDARG);
    assert_eq!(
        client.open_query_answer(&query, &refusal_of_command),
        Err(AnswerError::OtherMessage { member: "QueryType" })
    );
    assert_eq!(
        client.open_command_answer(&command, &refusal_of_query),
        Err(AnswerError::OtherMessage { member: "ConfigureType" })
    );
}

#[test]
fn command_sent_back_as_its_own_answer_is_refused() {
    let (_, mut client) = Driver::channel(CHANNEL);
    let message = client.command(Command::Initialize).unwrap();
    assert!(open(&mut client, &message, message.bytes()).is_err());
    assert!(!client.is_initialized());

    let (_, mut client) = Driver::initialized_channel(CHANNEL);
    for case in commands() {
        let message = client.command(case.command).unwrap();
        let opened = client.open_command_answer(&message, message.bytes());
        if message.bytes().len() != message.answer_size() {
            assert!(matches!(opened, Err(AnswerError::Length { .. })), "{:?}", case.command);
        } else if case.command == UNPROTECT {
            // On 32-bit systems: the command is, byte for byte, what the driver would answer.
            assert_eq!(opened, Ok(()));
        } else {
            assert_eq!(opened, Err(AnswerError::Reflected), "{:?}", case.command);
        }
        // Cut or filled up to the size of an answer.
        let mut forged = message.bytes().to_vec();
        forged.resize(message.answer_size(), 0);
        if forged != message.bytes() {
            assert_eq!(client.open_command_answer(&message, &forged), Err(AnswerError::NotAuthentic));
        }
    }
}

#[test]
fn command_sent_back_as_the_answer_to_a_query_is_refused() {
    let (_, mut client) = Driver::initialized_channel(CHANNEL);
    let command = client.command(PROTECT).unwrap();
    for case in queries() {
        let message = client.query(case.query).unwrap();
        let opened = client.open_query_answer(&message, command.bytes());
        let is_offered_size = [message.answer_size(), size(QUERY_OUTPUT)].contains(&command.bytes().len());
        match opened {
            Err(AnswerError::OtherMessage { member: "QueryType" }) => assert!(is_offered_size),
            Err(AnswerError::Length { .. }) => assert!(!is_offered_size),
            _ => panic!("{:?}: {opened:?}", case.query),
        }
    }
}

#[test]
fn query_changed_on_its_way_is_noticed_in_the_answer() {
    let mut changed = 0;
    for case in queries() {
        for (member, _) in &case.input_members {
            let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
            let message = client.query(case.query).unwrap();
            let (offset, _) = place(case.input, member);
            let mut input = message.bytes().to_vec();
            input[offset] ^= 1;
            // The driver answers in good faith about what it was asked.
            let mut members = case.output_members.clone();
            members.iter_mut().find(|(name, _)| name == member).unwrap().1[0] ^= 1;
            let output = driver.query(&input, case.output, &members);
            assert_eq!(client.open_query_answer(&message, &output), Err(AnswerError::Echo { member }));
            changed += 1;
        }
    }
    assert_eq!(changed, 8);
}

#[test]
fn command_changed_on_its_way_is_refused_by_the_driver_and_told() {
    let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
    for case in commands() {
        let message = client.command(case.command).unwrap();
        let mut input = message.bytes().to_vec();
        *input.last_mut().unwrap() ^= 1;
        let output = driver.configure(&input);
        let refused = AnswerError::Refused { name: case.command.name(), return_code: E_INVALIDARG };
        assert_eq!(client.open_command_answer(&message, &output), Err(refused), "{:?}", case.command);
    }
}

/// What happens to an answer on its way.
#[derive(Clone, Copy, Debug)]
enum Attack {
    None,
    Lose,
    Flip { bit: usize },
    Cut { to: usize },
    ReplayOldest,
    OtherKey,
}

fn any_attack() -> impl Strategy<Value = Attack> {
    prop_oneof![
        Just(Attack::None),
        Just(Attack::Lose),
        any::<usize>().prop_map(|bit| Attack::Flip { bit }),
        any::<usize>().prop_map(|to| Attack::Cut { to }),
        Just(Attack::ReplayOldest),
        Just(Attack::OtherKey),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to answers: what is opened is true, and the channel goes on as if nothing had been attacked.
    #[test]
    fn any_interleaving_of_attacks_changes_nothing(
        steps in prop::collection::vec((any::<prop::sample::Index>(), any_attack()), 1..40)
    ) {
        let (mut driver, mut client) = Driver::initialized_channel(CHANNEL);
        let (other, _) = Driver::channel(CHANNEL);
        let (commands, queries) = (commands(), queries());
        let mut recorded: Option<Vec<u8>> = None;
        let (mut next_command, mut next_query) = (2001, 1001);
        for (which, attack) in steps {
            let at = which.index(commands.len() + queries.len());
            let (message, output, answer) = if let Some(case) = commands.get(at) {
                let message = client.command(case.command).unwrap();
                prop_assert_eq!(message.sequence_number(), next_command);
                next_command += 1;
                let output = driver.configure(message.bytes());
                (message, output, None)
            } else {
                let case = &queries[at - commands.len()];
                let message = client.query(case.query).unwrap();
                prop_assert_eq!(message.sequence_number(), next_query);
                next_query += 1;
                let output = driver.query(message.bytes(), case.output, &case.output_members);
                (message, output, Some(case.answer))
            };
            let before = format!("{client:?}");
            let forged = match attack {
                Attack::None | Attack::Lose => None,
                Attack::Flip { bit } => {
                    let mut forged = output.clone();
                    let bit = bit % (forged.len() * 8);
                    forged[bit / 8] ^= 1 << (bit % 8);
                    Some(forged)
                }
                Attack::Cut { to } => Some(output[..to % output.len()].to_vec()),
                Attack::ReplayOldest => recorded.clone(),
                Attack::OtherKey => Some(other.signed(output.clone())),
            };
            if let Some(forged) = forged {
                prop_assert!(open(&mut client, &message, &forged).is_err(), "{attack:?}");
            }
            if !matches!(attack, Attack::Lose) {
                prop_assert_eq!(open(&mut client, &message, &output), Ok(answer));
            }
            prop_assert_eq!(format!("{client:?}"), before);
            recorded.get_or_insert(output);
        }
    }

    /// Whatever a driver signs behind a right header: it is read without a panic, and only refused for its values.
    #[test]
    fn any_signed_body_is_read_or_refused_for_its_values(
        which in any::<prop::sample::Index>(),
        body in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 64),
        echo: bool,
    ) {
        let (driver, mut client) = Driver::initialized_channel(CHANNEL);
        let cases = queries();
        let case = which.get(&cases);
        let message = client.query(case.query).unwrap();
        let echoed: &[_] = if echo { &case.output_members[..case.echoed] } else { &[] };
        let mut output = driver.query_answer(message.bytes(), case.output, &[], S_OK);
        let header = size(QUERY_OUTPUT);
        let len = output.len();
        output[header..].copy_from_slice(&body[..len - header]);
        for (field, value) in echoed {
            let (offset, size) = place(case.output, field);
            output[offset..offset + size].copy_from_slice(value);
        }
        match client.open_query_answer(&message, &driver.signed(output)) {
            Ok(_) | Err(AnswerError::Value { .. }) => prop_assert!(echo || case.echoed == 0),
            Err(AnswerError::Echo { .. }) => prop_assert!(!echo),
            Err(error) => prop_assert!(false, "{error:?}"),
        }
    }
}
