//! What each state takes, and what old messages and answers can do in it.

use super::*;

#[test]
fn without_a_key_everything_is_refused_and_nothing_is_signed() {
    for (width, layouts) in both() {
        let mut rig = Rig::keyed(width, layouts);
        rig.channel.state = State::Created;
        let reply = rig.configure(&initialize(layouts, 1, 1));
        assert!(matches!(reply.result, Err(Error::NoChannelKey)));
        let expected = Message::answer(layouts, CONFIGURE_OUTPUT, INITIALIZE, CHANNEL, 900, 0x8007_0057);
        assert_eq!(reply.message, expected.bytes);
        let query = Message::query(layouts, QUERY_INPUT, query_cases()[0].guid, CHANNEL, 1).bytes;
        let reply = rig.query(&query, 200, Answer::Protection { flags: 0 });
        assert!(matches!(reply.result, Err(Error::NoChannelKey)));
        assert_eq!(reply.message[..16], [0; 16]);
    }
}

#[test]
fn before_initialize_everything_else_is_refused() {
    for (width, layouts) in both() {
        let mut rig = Rig::keyed(width, layouts);
        for case in 1..command_cases().len() {
            let reply = rig.configure(&command(layouts, case, 1).bytes);
            assert!(matches!(reply.result, Err(Error::ChannelNotInitialized)));
        }
        let query = Message::query(layouts, QUERY_INPUT, query_cases()[0].guid, CHANNEL, 1).bytes;
        let reply = rig.query(&query, 200, Answer::Protection { flags: 0 });
        assert!(matches!(reply.result, Err(Error::ChannelNotInitialized)));
        assert_eq!(rig.signed_code(&reply), 0x8007_0057);
        rig.configure(&initialize(layouts, 1, 1)).result.unwrap();
    }
}

#[test]
fn the_first_numbers_are_those_of_initialize() {
    for (width, layouts) in both() {
        let mut rig = Rig::keyed(width, layouts);
        rig.configure(&initialize(layouts, u32::MAX, 0)).result.unwrap();
        rig.configure(&protection(layouts, 0, 0).bytes).result.unwrap();
        let query = |number| Message::query(layouts, QUERY_INPUT, query_cases()[0].guid, CHANNEL, number).bytes;
        let answer = Answer::Protection { flags: 0 };
        assert!(matches!(rig.query(&query(u32::MAX - 1), 200, answer).result, Err(Error::SequenceNotGreater { .. })));
        rig.query(&query(u32::MAX), 200, answer).result.unwrap();
        assert!(matches!(rig.query(&query(u32::MAX), 200, answer).result, Err(Error::SequenceExhausted)));
        rig.configure(&protection(layouts, 0, 1).bytes).result.unwrap();
    }
}

#[test]
fn initialize_of_a_wrong_size_leaves_the_channel_uninitialised() {
    for (width, layouts) in both() {
        let mut rig = Rig::keyed(width, layouts);
        let mut long = Message::command(layouts, INITIALIZE_INPUT, INITIALIZE, CHANNEL, 1);
        long.bytes.extend([0; 8]);
        assert!(matches!(rig.configure(&long.signed(KEY).bytes).result, Err(Error::WrongSize { .. })));
        assert_eq!(rig.sequences(), None);
        rig.configure(&initialize(layouts, 1, 1)).result.unwrap();
    }
}

#[test]
fn a_second_key_goes_on_with_the_sequences() {
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        rig.configure(&protection(layouts, 1, 200).bytes).result.unwrap();
        let provider = Provider::aws_lc();
        rig.channel.state.negotiated(ChannelKey::new(OTHER_KEY).mac(&provider));
        let again =
            |number, key| Message::command(layouts, PROTECTION_INPUT, PROTECTION, CHANNEL, number).signed(key).bytes;
        assert!(matches!(rig.configure(&again(201, KEY)).result, Err(Error::NotAuthentic)));
        assert!(matches!(rig.configure(&again(200, OTHER_KEY)).result, Err(Error::SequenceNotGreater { .. })));
        let reply = rig.configure(&again(201, OTHER_KEY));
        reply.result.unwrap();
        assert!(is_signed(OTHER_KEY, &reply.message) && !is_signed(KEY, &reply.message));
    }
}

#[test]
fn answers_handed_back_as_commands_move_nothing() {
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        let mut answers = Vec::new();
        // Refusals of commands with numbers to come, which anybody can provoke with a wrong OMAC.
        for guid in [INITIALIZE, PROTECTION, CRYPTO_SESSION, 77] {
            let forged = Message::command(layouts, PROTECTION_INPUT, guid, CHANNEL, 5000);
            answers.push(rig.configure(&forged.bytes).message);
        }
        // Answers to queries, which nobody signs: good ones, refusals, and of unknown ones with a command's GUID.
        for (number, case) in (5000..).zip(query_cases()) {
            let message = with(Message::query(layouts, case.input.0, case.guid, CHANNEL, number), case.input.1).bytes;
            let size = layouts.size(case.output.0);
            let good = rig.query(&message, size, case.answer);
            assert!(good.result.is_ok());
            answers.push(good.message);
            answers.push(rig.query(&message, size, case.answer).message);
            answers.push(rig.query(&message, layouts.size(QUERY_OUTPUT), case.answer).message);
        }
        for (number, guid) in (6000..).zip([INITIALIZE, PROTECTION, SHARED_RESOURCE]) {
            let message = Message::query(layouts, QUERY_INPUT, guid, CHANNEL, number).bytes;
            answers.push(rig.query(&message, 200, Answer::Protection { flags: 0 }).message);
        }
        let before = rig.sequences();
        for answer in &answers {
            assert!(is_signed(KEY, answer));
            assert!(rig.configure(answer).result.is_err(), "{answer:02x?}");
            assert_eq!(rig.sequences(), before, "{answer:02x?}");
        }
        assert!(rig.obeyed.is_empty() && answers.len() > 40);
    }
}

#[test]
fn initialize_and_its_answer_replayed_move_nothing() {
    for (width, layouts) in both() {
        let mut rig = Rig::keyed(width, layouts);
        let message = initialize(layouts, 1, 1);
        let answer = rig.configure(&message).message;
        let before = rig.sequences();
        assert!(matches!(rig.configure(&message).result, Err(Error::ChannelAlreadyInitialized)));
        assert!(rig.configure(&answer).result.is_err());
        assert_eq!(rig.sequences(), before);
    }
}
