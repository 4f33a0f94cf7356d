//! Handles in messages that name something else than they should, the channel itself above all: no call waits for itself,
//! nor two for each other (D39).

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use softcp::Error;

use crate::common::{Block, within};
use crate::rig::{
    CRYPTO_SESSION, Channel, KEY, QUERY_CRYPTO_SESSION, QUERY_OUTPUT_ID, QUERY_OUTPUT_ID_COUNT, Rig, open, raw,
};

const OTHER_KEY: Block = *b"the other's key.";

const LIMIT: Duration = Duration::from_secs(60);

/// Queries and commands with handles in them: GUID, input structure, output structure (none for a command), and the members
/// that are handles.
const WITH_HANDLES: [(u128, &str, Option<&str>, &[&str]); 4] = [
    (
        QUERY_CRYPTO_SESSION,
        "D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_INPUT",
        Some("D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT"),
        &["DecoderHandle"],
    ),
    (
        QUERY_OUTPUT_ID_COUNT,
        "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT",
        Some("D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT"),
        &["DeviceHandle", "CryptoSessionHandle"],
    ),
    (
        QUERY_OUTPUT_ID,
        "D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT",
        Some("D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT"),
        &["DeviceHandle", "CryptoSessionHandle"],
    ),
    (
        CRYPTO_SESSION,
        "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT",
        None,
        &["DecoderHandle", "CryptoSessionHandle", "DeviceHandle"],
    ),
];

/// Sends each of them with each of its handles in turn, and with all, being `wrong`. Every answer is checked to be signed.
fn name_everywhere(rig: &mut Rig, wrong: u64) {
    for (guid, input, output, fields) in WITH_HANDLES {
        let right = |field: &str| match field {
            "DecoderHandle" => raw(rig.decoder),
            "CryptoSessionHandle" => raw(rig.session),
            _ => raw(rig.device.handle()),
        };
        for mask in 1..1 << fields.len() {
            let member = |(place, &field): (usize, &&'static str)| {
                (field, if mask >> place & 1 == 1 { wrong } else { right(field) })
            };
            let members: Vec<_> = fields.iter().enumerate().map(member).collect();
            let is_right = members.iter().all(|&(field, value)| value == right(field));
            let result = match output {
                Some(output) => rig.channel.ask(&rig.device, guid, (input, &members), output, fields).map(|_| ()),
                None => rig.channel.command(&rig.device, guid, input, &members),
            };
            match result {
                Ok(()) => assert!(is_right, "{input} with {wrong:#x} as {mask:b}"),
                Err(error) => assert!(!is_right && matches!(error, Error::BadHandle { .. }), "{input}: {error}"),
            }
        }
    }
}

#[test]
fn every_handle_in_a_message_may_be_the_channels_own() {
    within(LIMIT, || {
        let mut rig = Rig::new("");
        let own = raw(rig.channel.handle);
        name_everywhere(&mut rig, own);
        // The channel is as it was, and can be destroyed.
        rig.protect(1).unwrap();
        rig.device.destroy_authenticated_channel(rig.channel.handle).unwrap();
    });
}

#[test]
fn every_handle_in_a_message_may_be_of_any_other_kind() {
    within(LIMIT, || {
        let mut rig = Rig::new("");
        let other = open(&rig.device, 2, OTHER_KEY);
        let wrong = [other.handle, rig.device.handle(), rig.session, rig.decoder].map(raw);
        for wrong in wrong.into_iter().chain([0, u64::MAX, wrong[0] ^ 1]) {
            name_everywhere(&mut rig, wrong);
        }
    });
}

#[test]
fn channels_that_name_each_other_on_two_threads_do_not_wait_for_each_other() {
    within(LIMIT, || {
        let rig = Rig::new("");
        let (one, other) = (rig.channel, open(&rig.device, 2, OTHER_KEY));
        assert_ne!(KEY, OTHER_KEY);
        let start = Barrier::new(4);
        let talk = |mut channel: Channel, named: Channel| {
            start.wait();
            for _ in 0..3000 {
                for (guid, input, output, fields) in WITH_HANDLES {
                    let members: Vec<_> = fields.iter().map(|&field| (field, raw(named.handle))).collect();
                    let result = match output {
                        Some(output) => channel.ask(&rig.device, guid, (input, &members), output, fields).map(|_| ()),
                        None => channel.command(&rig.device, guid, input, &members),
                    };
                    assert!(matches!(result, Err(Error::BadHandle { .. })));
                }
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| talk(one, other));
            scope.spawn(|| talk(other, one));
            // Others bind and destroy meanwhile.
            scope.spawn(|| {
                start.wait();
                for _ in 0..300 {
                    let decoder = rig.device.register_decoder(softcp::DecoderEncryption::Ctr).unwrap();
                    assert_eq!(rig.device.decoder_session(decoder).unwrap(), None);
                    rig.device.unregister_decoder(decoder).unwrap();
                }
            });
            scope.spawn(|| {
                start.wait();
                for _ in 0..300 {
                    let channel = rig.device.create_authenticated_channel(2).unwrap();
                    rig.device.destroy_authenticated_channel(channel).unwrap();
                }
            });
        });
    });
}

/// Handles of core calls that take two.
#[test]
fn frames_that_name_a_channel_or_themselves_are_refused() {
    within(LIMIT, || {
        let rig = Rig::new("");
        let handles = [rig.channel.handle, rig.session, rig.device.handle()];
        for handle in handles {
            let begun = rig.device.begin_frame(handle, None, &softcp::DataKey::Session);
            assert!(matches!(begun, Err(Error::BadHandle { .. })));
            assert!(matches!(rig.device.end_frame(handle), Err(Error::BadHandle { .. })));
            assert!(matches!(rig.device.decoder_session(handle), Err(Error::BadHandle { .. })));
            assert!(matches!(rig.device.unregister_decoder(handle), Err(Error::BadHandle { .. })));
        }
        for session in [rig.decoder, rig.channel.handle, rig.device.handle()] {
            let begun = rig.device.begin_frame(rig.decoder, Some(session), &softcp::DataKey::Session);
            assert!(matches!(begun, Err(Error::BadHandle { .. })), "{begun:?}");
            assert!(matches!(rig.device.crypto_session(session), Err(Error::BadHandle { .. })));
            assert!(matches!(rig.device.sessions().hold(session), Err(Error::BadHandle { .. })));
        }
    });
}
