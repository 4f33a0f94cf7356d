//! Where the members of messages lie, on both widths, by the committed tables.

use super::*;

#[test]
fn commands_are_read_at_the_offsets_of_the_tables() {
    for (width, layouts) in both() {
        for (guid, structure, members, expected) in command_cases() {
            let mut message = with(Message::command(layouts, structure, guid, CHANNEL, 7), members);
            message.bytes[..16].fill(0xAB);
            let (omac, header) = Header::of_command(width, &message.bytes).unwrap();
            assert_eq!((omac, header.channel, header.sequence), ([0xAB; 16], CHANNEL, 7));
            assert_eq!(header.kind, GUID::from_u128(guid));
            assert_eq!(Received::read(width, header.kind, &message.bytes).unwrap(), expected, "{structure}");
        }
        let encryption = Message::command(layouts, ENCRYPTION_INPUT, ENCRYPTION, CHANNEL, 7)
            .guid("EncryptionGuid", 0x9b6b_d711_4f74_41c9_9e7b_0be2_d7d9_3b4f);
        let read = Received::read(width, GUID::from_u128(ENCRYPTION), &encryption.bytes).unwrap();
        assert_eq!(read, Received::Command(Command::EncryptionWhenAccessible { encryption: AES }));
    }
}

#[test]
fn commands_of_another_size_are_refused_with_the_tables_size() {
    for (width, layouts) in both() {
        let structures = [
            (INITIALIZE, INITIALIZE_INPUT),
            (PROTECTION, PROTECTION_INPUT),
            (CRYPTO_SESSION, CRYPTO_SESSION_INPUT),
            (SHARED_RESOURCE, SHARED_RESOURCE_INPUT),
            (ENCRYPTION, ENCRYPTION_INPUT),
        ];
        for (guid, structure) in structures {
            let size = layouts.size(structure);
            let message = Message::command(layouts, structure, guid, CHANNEL, 7).bytes;
            let longer = [&message[..], &[0]].concat();
            for wrong in [&message[..size - 1], &message[..Header::command_size(width)], &longer] {
                let error = Received::read(width, GUID::from_u128(guid), wrong).unwrap_err();
                assert!(
                    matches!(error, Error::WrongSize { expected, given, .. } if (expected, given) == (size, wrong.len()))
                );
            }
        }
    }
}

#[test]
fn queries_are_read_and_answered_at_the_offsets_of_the_tables() {
    for (width, layouts) in both() {
        for QueryCase { guid, input, query, answer, output } in query_cases() {
            let message = with(Message::query(layouts, input.0, guid, CHANNEL, 7), input.1).bytes;
            let header = Header::of_query(width, &message).unwrap();
            assert_eq!(header, Header { kind: GUID::from_u128(guid), channel: CHANNEL, sequence: 7 });
            assert_eq!(Query::read(width, header.kind, &message).unwrap(), query);
            if !input.1.is_empty() {
                let size = layouts.size(input.0);
                let error = Query::read(width, header.kind, &message[..size - 1]).unwrap_err();
                assert!(matches!(error, Error::MessageTooShort { needed, .. } if needed == size), "{error}");
            }
            assert_eq!(Query::size(width, header.kind), layouts.size(input.0));
            let longer = [&message[..], &[9; 40]].concat();
            assert_eq!(Query::read(width, header.kind, &longer).unwrap(), query);

            let mut expected = with(Message::answer(layouts, output.0, guid, CHANNEL, 7, 0x8000_4005), output.1);
            if let Answer::EncryptionWhenAccessibleGuid { .. } | Answer::CurrentEncryptionWhenAccessible { .. } = answer
            {
                expected = expected.guid("EncryptionGuid", 0x9b6b_d711_4f74_41c9_9e7b_0be2_d7d9_3b4f);
            }
            assert_eq!(answer.write(width, &header, E_FAIL)[..], expected.bytes, "{}", output.0);
            let zero = Message::answer(layouts, output.0, guid, CHANNEL, 7, 0x8007_0057);
            assert_eq!(Answer::zero(header.kind).unwrap().write(width, &header, E_INVALIDARG)[..], zero.bytes);
        }
    }
}

#[test]
fn headers_have_the_tables_sizes() {
    for (width, layouts) in both() {
        assert_eq!(Header::query_size(width), layouts.size(QUERY_INPUT));
        assert_eq!(Header::command_size(width), layouts.size(messages::CONFIGURE_INPUT));
        assert_eq!(Header::answer_size(width), layouts.size(CONFIGURE_OUTPUT));
        assert_eq!(Header::answer_size(width), layouts.size(QUERY_OUTPUT));
        let message = vec![0; Header::command_size(width) - 1];
        assert!(Header::of_command(width, &message).is_none());
        assert!(Header::of_query(width, &message[..Header::query_size(width) - 1]).is_none());
        let code = Message::answer(layouts, QUERY_OUTPUT, 1, 2, 3, 0x8000_4005).bytes;
        assert_eq!(return_code_of(width, &code), Some(E_FAIL));
        assert_eq!(return_code_of(width, &code[..code.len() - 1]), None);
    }
}
