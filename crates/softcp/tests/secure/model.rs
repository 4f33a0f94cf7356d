//! The built-in environment against a model of it: any sequence of commands, any answer room.

use std::collections::HashMap;

use proptest::prelude::*;
use softcp::SessionStatus;
use softcp::secure::clear_key::{function, status};

use crate::blobs;
use crate::common::{Block, ctr};
use crate::rig::{Rig, guid, licence};

/// KIDs are few, so that commands meet.
#[derive(Debug, Clone)]
enum Step {
    Provision,
    Load(Vec<(u8, u8)>),
    MakeBlob(u8),
    Revoke(Option<u8>),
    TeardownCommand,
    PowerEvent,
    OpenBlobs,
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    let kid = 0..4_u8;
    let step = prop_oneof![
        3 => Just(Step::Provision),
        4 => prop::collection::vec((kid.clone(), any::<u8>()), 1..4).prop_map(Step::Load),
        6 => kid.clone().prop_map(Step::MakeBlob),
        2 => prop::option::weighted(0.8, kid).prop_map(Step::Revoke),
        1 => Just(Step::TeardownCommand),
        1 => Just(Step::PowerEvent),
        4 => Just(Step::OpenBlobs),
    ];
    prop::collection::vec((step, prop::bool::weighted(0.1)), 1..60)
}

/// What the environment should hold. A key that is `None` is revoked.
#[derive(Default)]
struct Model {
    provisionings: u64,
    keys: Option<HashMap<u8, Option<u8>>>,
    lost: bool,
}

/// A blob that was made: when, for which KID, with which key.
struct Made {
    provisioning: u64,
    kid: u8,
    key: u8,
    blob: Vec<u8>,
}

fn block(byte: u8) -> Block {
    [byte; 16]
}

impl Model {
    /// Function, input, and the expected status and size of the answer, if the room suffices.
    fn command(&mut self, step: &Step, no_room: bool) -> Option<(u32, Vec<u8>, i32, usize)> {
        let refused = |number, input: Vec<u8>, status| Some((number, input, status, 0));
        match step {
            Step::Provision if no_room => refused(function::PROVISION, vec![], status::NO_ROOM),
            Step::Provision => {
                if self.keys.is_none() {
                    self.keys = Some(HashMap::new());
                    self.provisionings += 1;
                }
                self.lost = false;
                Some((function::PROVISION, vec![], 0, 8))
            }
            Step::Load(keys) => {
                let pairs: Vec<_> = keys.iter().map(|&(kid, key)| (block(kid), block(key))).collect();
                let input = licence(&pairs).into_bytes();
                let is_twice = (1..keys.len()).any(|i| keys[..i].iter().any(|(kid, _)| *kid == keys[i].0));
                let Some(known) = &mut self.keys else {
                    return refused(function::LOAD_LICENCE, input, status::NOT_PROVISIONED);
                };
                let status = match () {
                    () if is_twice => status::BAD_LICENCE,
                    () if no_room => status::NO_ROOM,
                    () if keys.iter().any(|(kid, _)| known.get(kid) == Some(&None)) => status::REVOKED,
                    () => {
                        known.extend(keys.iter().map(|&(kid, key)| (kid, Some(key))));
                        return Some((function::LOAD_LICENCE, input, 0, 8 + 16 * keys.len()));
                    }
                };
                refused(function::LOAD_LICENCE, input, status)
            }
            Step::MakeBlob(kid) => {
                let input = block(*kid).to_vec();
                let status = match self.keys.as_ref().map(|keys| keys.get(kid)) {
                    None => status::NOT_PROVISIONED,
                    Some(None) => status::UNKNOWN_KID,
                    Some(Some(None)) => status::REVOKED,
                    Some(Some(Some(_))) if no_room => status::NO_ROOM,
                    Some(Some(Some(_))) => return Some((function::MAKE_KEY_BLOB, input, 0, 64)),
                };
                refused(function::MAKE_KEY_BLOB, input, status)
            }
            Step::Revoke(kid) => {
                let input = kid.map_or(vec![], |kid| block(kid).to_vec());
                let Some(known) = &mut self.keys else {
                    return refused(function::REVOKE, input, status::NOT_PROVISIONED);
                };
                if no_room {
                    return refused(function::REVOKE, input, status::NO_ROOM);
                }
                match kid {
                    Some(kid) if !known.contains_key(kid) => {
                        return refused(function::REVOKE, input, status::UNKNOWN_KID);
                    }
                    Some(kid) => drop(known.insert(*kid, None)),
                    None => known.values_mut().for_each(|key| *key = None),
                }
                Some((function::REVOKE, input, 0, 4))
            }
            Step::TeardownCommand => {
                (self.keys, self.lost) = (None, true);
                Some((function::TEARDOWN, vec![], 0, 0))
            }
            Step::PowerEvent | Step::OpenBlobs => None,
        }
    }

    /// Whether a blob should open.
    fn opens(&self, made: &Made) -> bool {
        self.provisionings == made.provisioning && self.keys.as_ref().is_some_and(|keys| keys[&made.kid].is_some())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_commands_do_what_the_model_says(steps in steps()) {
        let rig = Rig::new();
        let (mut model, mut blobs) = (Model::default(), Vec::new());
        for (step, no_room) in steps {
            match model.command(&step, no_room) {
                Some((number, input, status, size)) => {
                    let room = if no_room { 0 } else { 4096 };
                    let (report, answer) = rig.send(rig.session, number, &input, room);
                    prop_assert_eq!((report.status, answer.len()), (status, size), "{:?}", step);
                    if let (Step::MakeBlob(kid), 0) = (&step, status) {
                        let key = model.keys.as_ref().unwrap()[kid].unwrap();
                        blobs.push(Made { provisioning: model.provisionings, kid: *kid, key, blob: answer });
                    }
                }
                None if matches!(step, Step::PowerEvent) => {
                    rig.adapter.teardown(false);
                    (model.keys, model.lost) = (None, true);
                }
                None => {
                    for made in &blobs {
                        let opened = rig.adapter.open_sealed_key(&made.blob, Some(&guid(block(made.kid))));
                        prop_assert_eq!(opened.is_ok(), model.opens(made), "KID {}", made.kid);
                        if opened.is_ok() {
                            let clear = blobs::decrypt(&rig, &made.blob, &[0; 16]);
                            prop_assert_eq!(clear, ctr(block(made.key), [7; 16], &[0; 16]));
                        }
                    }
                }
            }
            let expected = if model.lost { SessionStatus::KeyLost } else { SessionStatus::Ok };
            prop_assert_eq!(rig.session_status(rig.session), expected, "{:?}", step);
        }
    }
}
