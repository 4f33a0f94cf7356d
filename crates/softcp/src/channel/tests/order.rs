//! The checks in their order (D15).

use super::*;

const QUERY_CRYPTO_SESSION: u128 = 0x2634_499e_d018_4d74_ac17_7f72_4059_528d;

/// A message that a check refuses.
struct Refused {
    message: Vec<u8>,
    is_expected: fn(&Error) -> bool,
    code: u32,
    uses_number: bool,
}

impl Refused {
    /// A message refused before its number is used up.
    fn early(message: Vec<u8>, is_expected: fn(&Error) -> bool) -> Self {
        Self { message, is_expected, code: 0x8007_0057, uses_number: false }
    }

    /// A message refused afterwards.
    fn late(message: Vec<u8>, is_expected: fn(&Error) -> bool, code: u32) -> Self {
        Self { message, is_expected, code, uses_number: true }
    }
}

#[test]
fn each_check_on_a_command_comes_before_the_next() {
    // Each message is wrong in one way and in all the later ones, so that the error says which check came first.
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        let later = |channel, number| Message::command(layouts, PROTECTION_INPUT, 77, channel, number);
        let unsigned = later(1, 5).bytes;
        let mut long = Message::command(layouts, PROTECTION_INPUT, PROTECTION, CHANNEL, 201);
        long.bytes.push(0);
        let header = Header::command_size(width);
        let cases = [
            Refused::early(unsigned[..header - 1].to_vec(), |e| matches!(e, Error::MessageTooShort { .. })),
            Refused::early(unsigned, |e| matches!(e, Error::NotAuthentic)),
            Refused::early(later(1, 5).signed(KEY).bytes, |e| matches!(e, Error::WrongChannel)),
            Refused::early(initialize(layouts, 1, 1), |e| matches!(e, Error::ChannelAlreadyInitialized)),
            Refused::early(later(CHANNEL, 199).signed(KEY).bytes, |e| {
                matches!(e, Error::SequenceNotGreater { given: 199, least: 200 })
            }),
            Refused::late(
                later(CHANNEL, 200).signed(KEY).bytes,
                |e| matches!(e, Error::UnknownCommand(_)),
                0x8000_4005,
            ),
            Refused::late(long.signed(KEY).bytes, |e| matches!(e, Error::WrongSize { .. }), 0x8007_0057),
        ];
        for (index, case) in cases.into_iter().enumerate() {
            let before = rig.sequences();
            let reply = rig.configure(&case.message);
            let error = reply.result.as_ref().unwrap_err();
            assert!((case.is_expected)(error), "case {index}: {error:?}");
            assert_eq!(rig.signed_code(&reply), case.code, "case {index}");
            assert_eq!(rig.sequences() != before, case.uses_number, "case {index}");
        }
        assert!(rig.obeyed.is_empty());
        rig.configure(&protection(layouts, 1, 202).bytes).result.unwrap();
        assert_eq!(rig.obeyed, [Command::Protection { flags: 1 }]);
    }
}

#[test]
fn a_query_or_an_output_without_room_for_a_header_is_not_answered() {
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        let query = Message::query(layouts, QUERY_INPUT, QUERY_CRYPTO_SESSION, CHANNEL, 100).bytes;
        let room = layouts.size(QUERY_OUTPUT);
        let before = rig.sequences();
        for (message, room, what) in [(&query[1..], room, "the query"), (&query[..], room - 1, "the output")] {
            let reply = rig.channel.query(message, room, |_, _| panic!("a wrong query was answered"));
            let error = reply.result.unwrap_err();
            assert!(matches!(error, Error::MessageTooShort { what: short, .. } if short == what), "{error}");
            assert!(reply.message.is_empty());
        }
        assert_eq!(rig.sequences(), before);
    }
}

#[test]
fn each_check_on_a_query_comes_before_the_next() {
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        let query = |guid, channel, number| Message::query(layouts, QUERY_INPUT, guid, channel, number).bytes;
        let whole_query = |number| {
            let structure = "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT";
            Message::query(layouts, structure, QUERY_CRYPTO_SESSION, CHANNEL, number).bytes
        };
        let header = layouts.size(QUERY_OUTPUT);
        let whole = layouts.size("D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT");
        let too_short = |e: &Error| matches!(e, Error::MessageTooShort { what: "the query", .. });
        let no_room = |e: &Error| matches!(e, Error::MessageTooShort { what: "the output", .. });
        // Each with the room for its answer and the size that this has.
        let cases = [
            (Refused::early(query(77, 1, 5), |e| matches!(e, Error::WrongChannel)), whole, header),
            (
                Refused::early(query(77, CHANNEL, 99), |e| {
                    matches!(e, Error::SequenceNotGreater { given: 99, least: 100 })
                }),
                whole,
                header,
            ),
            (
                Refused::late(query(77, CHANNEL, 100), |e| matches!(e, Error::UnknownQuery(_)), 0x8000_4005),
                whole,
                header,
            ),
            (Refused::late(query(QUERY_CRYPTO_SESSION, CHANNEL, 101), too_short, 0x8007_0057), whole, whole),
            (Refused::late(whole_query(102), no_room, 0x8007_0057), whole - 1, header),
        ];
        for (index, (case, room, size)) in cases.into_iter().enumerate() {
            let before = rig.sequences();
            let reply = rig.channel.query(&case.message, room, |_, _| panic!("a wrong query was answered"));
            let error = reply.result.as_ref().unwrap_err();
            assert!((case.is_expected)(error), "case {index}: {error:?}");
            assert_eq!((reply.message.len(), rig.signed_code(&reply)), (size, case.code), "case {index}");
            assert!(reply.message[header..].iter().all(|&byte| byte == 0), "case {index}");
            assert_eq!(rig.sequences() != before, case.uses_number, "case {index}");
        }
        let answer = Answer::CryptoSession { decoder: 1, session: 2, device: 3 };
        let reply = rig.query(&whole_query(103), whole, answer);
        reply.result.as_ref().unwrap();
        assert_eq!((reply.message.len(), rig.signed_code(&reply)), (whole, 0));
    }
}

#[test]
fn refused_answers_repeat_the_header() {
    for (width, layouts) in both() {
        let mut rig = Rig::initialized(width, layouts);
        let mut message = protection(layouts, 1, 250);
        message.bytes[0] ^= 1;
        let reply = rig.configure(&message.bytes);
        let expected = Message::answer(layouts, CONFIGURE_OUTPUT, PROTECTION, CHANNEL, 250, 0x8007_0057).signed(KEY);
        assert_eq!(reply.message, expected.bytes);
        let reply = rig.configure(&message.bytes[..20]);
        let expected = Message::answer(layouts, CONFIGURE_OUTPUT, 0, 0, 0, 0x8007_0057).signed(KEY);
        assert_eq!(reply.message, expected.bytes);
    }
}
