//! Whatever an attacker throws in between, the channel is where the valid messages alone would have brought it.

use proptest::prelude::*;
use softcp::{Device, Outputs, Process, Reply};

use crate::common::messages::{Message, QUERY_INPUT};
use crate::rig::{
    AES, ALL_QUERIES, CRYPTO_SESSION, Channel, ENCRYPTION, INITIALIZE, KEY, PROTECTION, QUERY_CURRENT_ENCRYPTION,
    QUERY_PROCESS_COUNT, QUERY_PROTECTION, Rig, SHARED_RESOURCE, layouts, open, raw,
};

/// What the application sends: a message that the driver must obey.
#[derive(Debug, Clone)]
enum Valid {
    Protect(u64),
    Share(u64, bool),
    Encrypt(bool),
    /// Passes numbers over.
    Skip(u32),
}

/// What the attacker does next, to the messages seen so far and those to come.
#[derive(Debug, Clone)]
enum Attack {
    /// The next true message with a bit changed.
    Flip(usize),
    /// A true message again.
    Replay(usize),
    /// The next true message cut.
    Cut(usize),
    /// The next true message with bytes behind it.
    Extend(usize),
    /// A command of his own under a key of his own.
    Forge(u8),
    /// A message of another channel of the same device.
    Mix,
    /// An answer that the driver gave, handed back.
    Reflect(usize),
    /// A query, which anybody can make the driver sign an answer to: its GUID may be a command's.
    Query(usize, u32),
    /// Bytes.
    Noise(Vec<u8>),
}

#[derive(Debug, Clone)]
enum Step {
    Valid(Valid),
    Attack(Attack),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let valid = prop_oneof![
        (0..4_u64).prop_map(Valid::Protect),
        (0..4_u64, any::<bool>()).prop_map(|(process, allow)| Valid::Share(process, allow)),
        any::<bool>().prop_map(Valid::Encrypt),
        (1..9_u32).prop_map(Valid::Skip),
    ];
    let attack = prop_oneof![
        any::<usize>().prop_map(Attack::Flip),
        any::<usize>().prop_map(Attack::Replay),
        any::<usize>().prop_map(Attack::Cut),
        (1..100_usize).prop_map(Attack::Extend),
        any::<u8>().prop_map(Attack::Forge),
        Just(Attack::Mix),
        any::<usize>().prop_map(Attack::Reflect),
        (0..18_usize, 0..50_u32).prop_map(|(kind, ahead)| Attack::Query(kind, ahead)),
        proptest::collection::vec(any::<u8>(), 0..120).prop_map(Attack::Noise),
    ];
    let step = prop_oneof![2 => valid.prop_map(Step::Valid), 3 => attack.prop_map(Step::Attack)];
    proptest::collection::vec(step, 1..40)
}

/// The message that [`send`] sends.
fn message_of(channel: &Channel, valid: &Valid) -> Option<Vec<u8>> {
    match *valid {
        Valid::Protect(flags) => Some(channel.protection(flags)),
        Valid::Share(process, allow) => {
            let members = [("ProcessType", 2), ("ProcessHandle", process), ("AllowAccess", allow.into())];
            let structure = "D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT";
            Some(channel.message(SHARED_RESOURCE, structure, &members).signed(channel.key).bytes)
        }
        Valid::Encrypt(on) => {
            let structure = "D3D11_AUTHENTICATED_CONFIGURE_ACCESSIBLE_ENCRYPTION_INPUT";
            let message = channel.message(ENCRYPTION, structure, &[]);
            Some(message.guid("EncryptionGuid", if on { AES } else { 0 }).signed(channel.key).bytes)
        }
        Valid::Skip(_) => None,
    }
}

fn send(device: &Device, channel: &mut Channel, valid: &Valid) {
    match *valid {
        Valid::Protect(flags) => channel.protect(device, flags).unwrap(),
        Valid::Share(process, allow) => channel.share(device, 2, process, allow.into()).unwrap(),
        Valid::Encrypt(on) => channel.encrypt(device, if on { AES } else { 0 }).unwrap(),
        Valid::Skip(numbers) => channel.next_command += numbers,
    }
}

/// What a channel says of its device, but for handles and signatures: the same for the same state.
fn state(device: &Device, channel: &mut Channel) -> Vec<Vec<u8>> {
    let answers = [QUERY_PROTECTION, QUERY_PROCESS_COUNT, QUERY_CURRENT_ENCRYPTION];
    let members = |reply: Reply| reply.message[layouts().size("D3D11_AUTHENTICATED_QUERY_OUTPUT")..].to_vec();
    let mut state: Vec<_> = answers.into_iter().map(|guid| members(channel.answer(device, guid))).collect();
    state.push((0..4).map(|process| u8::from(device.process_allowed(Process::Handle(process)))).collect());
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn attacks_between_valid_messages_change_nothing(steps in steps()) {
        let mut attacked = Rig::new("");
        let mut alone = Rig::new("");
        let other = open(&attacked.device, 2, KEY);
        let mut sent: Vec<Vec<u8>> = vec![attacked.channel.initialize()];
        let mut answers: Vec<Vec<u8>> = Vec::new();
        for step in &steps {
            let channel = &mut attacked.channel;
            // What the application would send next, had it something to say.
            let next = channel.protection(1);
            let device = &attacked.device;
            let message = match step {
                Step::Valid(valid) => {
                    sent.extend(message_of(channel, valid));
                    send(device, channel, valid);
                    send(&alone.device, &mut alone.channel, valid);
                    continue;
                }
                Step::Attack(Attack::Flip(bit)) => {
                    let mut changed = next;
                    let bit = bit % (8 * changed.len());
                    changed[bit / 8] ^= 1 << (bit % 8);
                    changed
                }
                Step::Attack(Attack::Replay(index)) => sent[index % sent.len()].clone(),
                Step::Attack(Attack::Cut(length)) => next[..length % next.len()].to_vec(),
                Step::Attack(Attack::Extend(more)) => [next, vec![0; *more]].concat(),
                Step::Attack(Attack::Forge(key)) => Channel { key: [*key; 16], ..*channel }.protection(1),
                Step::Attack(Attack::Mix) => other.protection(1),
                Step::Attack(Attack::Query(kind, ahead)) => {
                    let commands = [INITIALIZE, PROTECTION, CRYPTO_SESSION, SHARED_RESOURCE, ENCRYPTION];
                    let guid = ALL_QUERIES.iter().chain(&commands).nth(*kind).unwrap();
                    let number = channel.next_query + ahead;
                    let query = Message::query(layouts(), QUERY_INPUT, *guid, raw(channel.handle), number).bytes;
                    answers.push(device.query_channel(Some(channel.handle), &query, 200, Outputs::Configured).message);
                    // Queries are not signed: this one used numbers up, as anybody can (D17).
                    channel.next_query = number + 1;
                    continue;
                }
                Step::Attack(Attack::Reflect(index)) => match answers.len() {
                    0 => continue,
                    len => answers[index % len].clone(),
                },
                Step::Attack(Attack::Noise(bytes)) => bytes.clone(),
            };
            let reply = device.configure_channel(Some(channel.handle), &message);
            prop_assert!(reply.result.is_err());
            answers.push(reply.message);
        }
        prop_assert_eq!(
            state(&attacked.device, &mut attacked.channel),
            state(&alone.device, &mut alone.channel)
        );
        // And the numbers: the very next one is still free on both.
        attacked.protect(1).unwrap();
        alone.protect(1).unwrap();
    }

    #[test]
    fn queries_of_other_channels_and_of_any_bytes_are_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
        room in 0..200_usize,
    ) {
        let mut rig = Rig::new("");
        let reply = rig.device.query_channel(Some(rig.channel.handle), &bytes, room, Outputs::Configured);
        prop_assert!(reply.result.is_err() && reply.message.len() <= room);
        rig.flags();
    }

    #[test]
    fn an_answer_is_never_longer_than_the_room_for_it(guid in 0..13_usize, room in 0..120_usize) {
        let rig = Rig::new("");
        let guids = ALL_QUERIES;
        let query = Message::query(layouts(), QUERY_INPUT, guids[guid], raw(rig.channel.handle), 1000).bytes;
        let reply = rig.device.query_channel(Some(rig.channel.handle), &query, room, Outputs::Configured);
        prop_assert!(reply.message.len() <= room);
    }
}
