//! Whatever an attacker throws in between, the channel is where the valid messages alone would have brought it.

use proptest::prelude::*;
use softcp::{Device, Reply};

use crate::common::messages::{Message, QUERY_INPUT};
use crate::rig::{
    AES, Channel, KEY, QUERY_CURRENT_ENCRYPTION, QUERY_PROCESS_COUNT, QUERY_PROTECTION, Rig, layouts, open, raw,
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
        proptest::collection::vec(any::<u8>(), 0..120).prop_map(Attack::Noise),
    ];
    let step = prop_oneof![2 => valid.prop_map(Step::Valid), 3 => attack.prop_map(Step::Attack)];
    proptest::collection::vec(step, 1..40)
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
    answers.into_iter().map(|guid| members(channel.answer(device, guid))).collect()
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
                    if let Valid::Protect(flags) = valid {
                        sent.push(channel.protection(*flags));
                    }
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
    fn queries_of_any_bytes_answer_nothing_to_strangers(bytes in proptest::collection::vec(any::<u8>(), 0..100), room in 0..200_usize) {
        let mut rig = Rig::new("");
        let reply = rig.device.query_channel(Some(rig.channel.handle), &bytes, room);
        prop_assert!(reply.result.is_err() && reply.message.len() <= room);
        rig.flags();
    }

    #[test]
    fn an_answer_is_never_longer_than_the_room_for_it(guid in 0..13_usize, room in 0..120_usize) {
        let rig = Rig::new("");
        let guids = crate::rig::ALL_QUERIES;
        let query = Message::query(layouts(), QUERY_INPUT, guids[guid], raw(rig.channel.handle), 1000).bytes;
        let reply = rig.device.query_channel(Some(rig.channel.handle), &query, room);
        prop_assert!(reply.message.len() <= room);
    }
}
