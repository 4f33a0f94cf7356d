//! Runs any bytes as messages to a secure environment and checks every answer against what the documentation says. The
//! fuzz target `secure_messages` includes this file, so that both judge alike.
//!
//! The input is a list of messages: one byte that says what to do with it, two for its length (little-endian), and the
//! message. The low three bits of the first byte are a function number, the others room for the answer in units of 8
//! bytes; 7 is no function: with an even number behind it the message is a fault's schedule, with an odd one a sealed blob.

use std::collections::{BTreeSet, HashMap};

use softcp::faults::Schedule;
use softcp::secure::clear_key::{BLOB_SIZE, MAX_KEYS, function, status};
use softcp::secure::{CommandBuffers, SecureEffect};
use softcp::{Device, GUID, Handle};
use softcp_client::clear_key::Licence;

type Kid = [u8; 16];

/// What the environment must know.
#[derive(Default)]
struct Model {
    /// The secret's keys, true for those that have not been revoked; none before PROVISION.
    keys: Option<HashMap<Kid, bool>>,
    /// Blobs of the secret, and their KIDs.
    blobs: Vec<(Vec<u8>, Kid)>,
    /// The last answer to PROVISION.
    number: u64,
}

/// Runs `input` on a command session whose environment is torn down first, and returns each function with its statuses.
/// The adapter must allow faults to be set.
pub(crate) fn run(device: &Device, session: Handle, input: &[u8]) -> BTreeSet<(u32, i32)> {
    let mut seen = BTreeSet::new();
    let mut model = Model::default();
    send(device, session, function::TEARDOWN, &[], 0);
    let mut rest = input;
    while let [what, low, high, following @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let (message, later) = following.split_at(following.len().min(length));
        rest = later;
        let (number, more) = (u32::from(what & 7), what >> 3);
        match (number, more % 2) {
            (7, 0) => schedule(device, message),
            (7, _) => model.open(device, message),
            _ => {
                let room = usize::from(more) * 8;
                let (status, effect, answer) = send(device, session, number, message, room);
                assert_eq!(status, model.status(number, message, room), "function {number}");
                assert!(status == 0 || answer.is_empty(), "a failed command answered");
                let expected = match (number, status) {
                    (function::PROVISION, 0) => SecureEffect::Provisioned,
                    (function::TEARDOWN, 0) => SecureEffect::TornDown,
                    _ => SecureEffect::None,
                };
                assert_eq!(effect, expected);
                if status == 0 {
                    model.obeyed(number, message, &answer);
                }
                seen.insert((number, status));
            }
        }
    }
    seen
}

/// Sends a command; its status, effect, and answer. What lies behind the answer must be zero.
fn send(device: &Device, session: Handle, number: u32, input: &[u8], room: usize) -> (i32, SecureEffect, Vec<u8>) {
    let mut output = vec![0xEE; room];
    let buffers = CommandBuffers { private_input: &[], input, private_output: &mut [], output: &mut output };
    let report = device.execute_secure_command(session, number, buffers).expect("the session carries commands");
    let behind = output.split_off(report.written as usize);
    assert!(behind.iter().all(|&byte| byte == 0), "bytes behind the answer");
    (report.status, report.effect, output)
}

/// A text that is a schedule reads back as the same one, and can be set.
fn schedule(device: &Device, text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(schedule) = text.parse::<Schedule>() else { return };
    assert_eq!(schedule.to_string().parse().as_ref(), Ok(&schedule), "{text:?}");
    for call in [1, 2, 1000, u64::MAX] {
        let _ = schedule.meets(call);
    }
    let faults = device.adapter().faults();
    faults.inject(schedule.clone()).expect("the adapter allows it, and none is set");
    let [set] = &faults.list()[..] else { panic!("one is set") };
    assert_eq!(set.schedule, schedule);
    faults.clear().expect("as above");
}

impl Model {
    /// The status that the documentation gives a command; 0 for success.
    fn status(&self, number: u32, input: &[u8], room: usize) -> i32 {
        let kid = Kid::try_from(input);
        let bad_input = match number {
            function::VERSION | function::PROVISION | function::TEARDOWN => !input.is_empty(),
            function::MAKE_KEY_BLOB => kid.is_err(),
            function::REVOKE => kid.is_err() && !input.is_empty(),
            _ => false,
        };
        let no_room = |needed: usize| if room < needed { status::NO_ROOM } else { 0 };
        match (number, &self.keys) {
            (0, _) => status::UNKNOWN_FUNCTION,
            _ if bad_input => status::BAD_INPUT,
            (function::VERSION, _) => no_room(16),
            (function::PROVISION, _) => no_room(8),
            (function::TEARDOWN, _) => 0,
            (_, None) => status::NOT_PROVISIONED,
            (function::LOAD_LICENCE, Some(keys)) => match Licence::parse(input) {
                Err(_) => status::BAD_LICENCE,
                Ok(licence) if room < 8 + 16 * licence.kids().len() => status::NO_ROOM,
                Ok(licence) if licence.kids().iter().any(|kid| keys.get(kid) == Some(&false)) => status::REVOKED,
                Ok(licence) => {
                    let new = licence.kids().iter().filter(|kid| !keys.contains_key(*kid)).count();
                    if keys.len() + new > MAX_KEYS { status::TOO_MANY_KEYS } else { 0 }
                }
            },
            (function::REVOKE, _) if room < 4 => status::NO_ROOM,
            (function::REVOKE, _) if input.is_empty() => 0,
            (_, Some(keys)) => match keys.get(&kid.expect("the length is right")) {
                None => status::UNKNOWN_KID,
                Some(false) if number == function::MAKE_KEY_BLOB => status::REVOKED,
                Some(_) if number == function::MAKE_KEY_BLOB => no_room(BLOB_SIZE),
                Some(_) => 0,
            },
        }
    }

    /// Checks the answer of a command that has succeeded, and does the same.
    fn obeyed(&mut self, number: u32, input: &[u8], answer: &[u8]) {
        match number {
            function::VERSION => assert_eq!(answer, [1_u32, 1024, 65_536, 64].map(u32::to_le_bytes).as_flattened()),
            function::PROVISION => {
                let given = u64::from_le_bytes(answer.try_into().expect("eight bytes"));
                assert!(given > 0 && (self.keys.is_none() || given == self.number) && given >= self.number);
                self.number = given;
                self.keys.get_or_insert_default();
            }
            function::TEARDOWN => {
                assert!(answer.is_empty());
                self.keys = None;
                self.blobs.clear();
            }
            function::LOAD_LICENCE => {
                assert!(input.trim_ascii_start().starts_with(b"{"), "a licence is an object");
                let licence = Licence::parse(input).expect("the environment has taken it");
                assert_eq!(&answer[8..], licence.kids().as_flattened());
                self.keys().extend(licence.kids().iter().map(|&kid| (kid, true)));
            }
            function::MAKE_KEY_BLOB => {
                assert_eq!((&answer[..4], &answer[4..20], answer.len()), (&b"SCK1"[..], input, BLOB_SIZE));
                self.blobs.push((answer.to_vec(), input.try_into().expect("a KID")));
            }
            function::REVOKE => {
                let only = Kid::try_from(input).ok();
                let mut revoked = 0_u32;
                for (_, live) in self.keys().iter_mut().filter(|(kid, _)| only.is_none_or(|only| only == **kid)) {
                    revoked += u32::from(std::mem::replace(live, false));
                }
                assert_eq!(answer, revoked.to_le_bytes());
            }
            _ => panic!("function {number} succeeded"),
        }
    }

    fn keys(&mut self) -> &mut HashMap<Kid, bool> {
        self.keys.as_mut().expect("nothing is obeyed before PROVISION")
    }

    /// Opens bytes as a blob, then the blob that their first byte numbers with the others laid over it: only what the
    /// environment has made opens, and only while its KID is not revoked.
    fn open(&self, device: &Device, bytes: &[u8]) {
        self.opens(device, bytes);
        let [index, differences @ ..] = bytes else { return };
        let Some((blob, kid)) = self.blobs.get(usize::from(*index)) else { return };
        let mut changed = blob.clone();
        changed.iter_mut().zip(differences).for_each(|(byte, change)| *byte ^= change);
        self.opens(device, &changed);
        let other = GUID::from_u128(!u128::from_be_bytes(*kid));
        assert!(device.adapter().open_sealed_key(blob, Some(&other)).is_err(), "opened for another KID");
    }

    fn opens(&self, device: &Device, bytes: &[u8]) {
        let made = self.blobs.iter().find(|(blob, _)| blob == bytes);
        let expected = made.is_some_and(|(_, kid)| self.keys.as_ref().is_some_and(|keys| keys.get(kid) == Some(&true)));
        assert_eq!(device.adapter().open_sealed_key(bytes, None).is_ok(), expected);
    }
}
