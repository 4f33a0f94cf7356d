//! The messages of the built-in environment, byte by byte, and every way in which they fail.

use std::sync::Arc;

use softcp::Adapter;
use softcp::secure::SecureEffect;
use softcp::secure::clear_key::{BLOB_SIZE, function, status};

use crate::common::{SwitchedRandom, config};
use crate::rig::{KEY, KID, OPTIONS, OTHER_KID, Rig, STATUSES, licence};

#[test]
fn function_numbers_and_statuses_are_those_documented() {
    use function as f;
    let numbers = [f::VERSION, f::PROVISION, f::LOAD_LICENCE, f::MAKE_KEY_BLOB, f::REVOKE, f::TEARDOWN];
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for (number, (name, status)) in (1..).zip(STATUSES) {
        assert_eq!(status.cast_unsigned(), 0xA004_0000 + number, "{name}");
    }
}

#[test]
fn version_answers_version_and_limits_before_any_provisioning() {
    let answer = Rig::new().ok(function::VERSION, &[]);
    assert_eq!(answer, [1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 64, 0, 0, 0]);
}

#[test]
fn provision_answers_its_number_which_rises_with_teardowns_only() {
    let rig = Rig::new();
    assert_eq!(rig.ok(function::PROVISION, &[]), 1_u64.to_le_bytes());
    assert_eq!(rig.ok(function::PROVISION, &[]), 1_u64.to_le_bytes());
    assert!(rig.ok(function::TEARDOWN, &[]).is_empty());
    assert_eq!(rig.ok(function::PROVISION, &[]), 2_u64.to_le_bytes());
}

#[test]
fn second_provisioning_keeps_keys_and_blobs() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    rig.ok(function::PROVISION, &[]);
    rig.blob(KID);
    rig.adapter.open_sealed_key(&blob, None).unwrap();
}

#[test]
fn load_licence_answers_type_count_and_kids_in_order() {
    let rig = Rig::new();
    rig.ok(function::PROVISION, &[]);
    let temporary = licence(&[(OTHER_KID, KEY), (KID, KEY)]);
    let expected = |kind: u8| [&[kind, 0, 0, 0, 2, 0, 0, 0][..], &OTHER_KID, &KID].concat();
    assert_eq!(rig.ok(function::LOAD_LICENCE, temporary.as_bytes()), expected(0));
    for (name, kind) in [("persistent-license", 1), ("persistent", 1), ("temporary", 0)] {
        let json = temporary.replace("temporary", name);
        assert_eq!(rig.ok(function::LOAD_LICENCE, json.as_bytes()), expected(kind), "{name}");
    }
    let untyped = temporary.replace(r#","type":"temporary""#, "");
    assert_eq!(rig.ok(function::LOAD_LICENCE, untyped.as_bytes()), expected(0));
}

#[test]
fn make_key_blob_answers_magic_and_kid_and_never_the_key() {
    let rig = Rig::with_key();
    let blob = rig.blob(KID);
    assert_eq!((blob.len(), &blob[..4], &blob[4..20]), (BLOB_SIZE, &b"SCK1"[..], &KID[..]));
    assert!(!blob.windows(3).any(|window| window == &KEY[..3]));
    assert_ne!(rig.blob(KID), blob, "each blob has a nonce of its own");
}

#[test]
fn revoke_answers_how_many_keys_it_took() {
    let rig = Rig::with_key();
    rig.load(&[(OTHER_KID, KEY), ([3; 16], KEY)]);
    assert_eq!(rig.ok(function::REVOKE, &KID), [1, 0, 0, 0]);
    assert_eq!(rig.ok(function::REVOKE, &KID), [0, 0, 0, 0]);
    assert_eq!(rig.ok(function::REVOKE, &[]), [2, 0, 0, 0]);
    assert_eq!(rig.ok(function::REVOKE, &[]), [0, 0, 0, 0]);
}

#[test]
fn revoked_key_makes_no_blob_and_no_licence_brings_it_back_until_a_teardown() {
    let rig = Rig::with_key();
    rig.load(&[(OTHER_KID, KEY)]);
    rig.ok(function::REVOKE, &KID);
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &KID), status::REVOKED);
    let both = licence(&[([9; 16], KEY), (KID, KEY)]);
    assert_eq!(rig.status(function::LOAD_LICENCE, both.as_bytes()), status::REVOKED);
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &[9; 16]), status::UNKNOWN_KID, "the licence was taken in part");
    rig.blob(OTHER_KID);
    rig.ok(function::TEARDOWN, &[]);
    rig.ok(function::PROVISION, &[]);
    rig.load(&[(KID, KEY)]);
    rig.blob(KID);
}

#[test]
fn teardown_takes_keys_and_provisioning() {
    let rig = Rig::with_key();
    let (report, _) = rig.send(rig.session, function::TEARDOWN, &[], 0);
    assert_eq!((report.status, report.effect), (0, SecureEffect::TornDown));
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &KID), status::NOT_PROVISIONED);
    rig.ok(function::PROVISION, &[]);
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &KID), status::UNKNOWN_KID);
}

#[test]
fn commands_before_provisioning_say_so() {
    let rig = Rig::new();
    for (number, input) in [
        (function::LOAD_LICENCE, licence(&[(KID, KEY)]).as_bytes()),
        (function::MAKE_KEY_BLOB, &KID),
        (function::REVOKE, &[]),
    ] {
        assert_eq!(rig.status(number, input), status::NOT_PROVISIONED, "function {number}");
    }
    assert_eq!(rig.status(function::TEARDOWN, &[]), 0);
}

#[test]
fn unknown_functions_say_so() {
    let rig = Rig::with_key();
    for number in [0, 7, 8, 0x100, 0x0100_0001, u32::MAX] {
        for input in [&[][..], &KID] {
            assert_eq!(rig.status(number, input), status::UNKNOWN_FUNCTION, "function {number}");
        }
    }
}

#[test]
fn input_of_another_length_is_refused_and_changes_nothing() {
    let rig = Rig::with_key();
    for number in [function::VERSION, function::PROVISION, function::TEARDOWN] {
        assert_eq!(rig.status(number, &[0]), status::BAD_INPUT, "function {number}");
    }
    for length in [0, 1, 15, 17, 32] {
        assert_eq!(rig.status(function::MAKE_KEY_BLOB, &vec![0; length]), status::BAD_INPUT, "{length} bytes");
    }
    for length in [1, 15, 17, 32] {
        assert_eq!(rig.status(function::REVOKE, &vec![0; length]), status::BAD_INPUT, "{length} bytes");
    }
    rig.blob(KID);
}

#[test]
fn unknown_kid_is_not_made_a_blob_of_and_not_revoked() {
    let rig = Rig::with_key();
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &OTHER_KID), status::UNKNOWN_KID);
    assert_eq!(rig.status(function::REVOKE, &OTHER_KID), status::UNKNOWN_KID);
}

#[test]
fn answer_without_room_fails_before_anything_changes() {
    let rig = Rig::with_key();
    let more = licence(&[(OTHER_KID, KEY)]);
    for (number, input, needed) in [
        (function::VERSION, &[][..], 16),
        (function::PROVISION, &[], 8),
        (function::LOAD_LICENCE, more.as_bytes(), 24),
        (function::MAKE_KEY_BLOB, &KID, 64),
        (function::REVOKE, &KID, 4),
        (function::REVOKE, &[], 4),
    ] {
        for room in [0, needed - 1] {
            let (report, answer) = rig.send(rig.session, number, input, room);
            assert_eq!((report.status, answer.len()), (status::NO_ROOM, 0), "function {number}, {room} bytes");
            assert_eq!(report.effect, SecureEffect::None);
        }
        rig.blob(KID);
        assert_eq!(rig.status(function::MAKE_KEY_BLOB, &OTHER_KID), status::UNKNOWN_KID, "loaded without room");
    }
    for (number, input, needed) in [
        (function::LOAD_LICENCE, more.as_bytes(), 24),
        (function::MAKE_KEY_BLOB, &KID[..], 64),
        (function::REVOKE, &[], 4),
    ] {
        let (report, answer) = rig.send(rig.session, number, input, needed);
        assert_eq!((report.status, answer.len()), (0, needed), "function {number}");
    }
}

#[test]
fn provision_without_random_numbers_fails_and_can_be_repeated() {
    let random = SwitchedRandom::new();
    let rig = Rig::on(Adapter::new(&config(OPTIONS), random.provider()).unwrap());
    random.while_off(|| assert_eq!(rig.status(function::PROVISION, &[]), status::RANDOM_FAILED));
    assert_eq!(rig.status(function::MAKE_KEY_BLOB, &KID), status::NOT_PROVISIONED);
    assert_eq!(rig.ok(function::PROVISION, &[]), 1_u64.to_le_bytes());
}

#[test]
fn provisioned_environment_needs_no_more_random_numbers() {
    let random = SwitchedRandom::new();
    let rig = Rig::on(Adapter::new(&config(OPTIONS), random.provider()).unwrap());
    rig.ok(function::PROVISION, &[]);
    random.while_off(|| {
        rig.load(&[(KID, KEY)]);
        rig.adapter.open_sealed_key(&rig.blob(KID), None).unwrap();
    });
}

#[test]
fn key_loaded_again_is_the_newer_one_and_older_blobs_keep_theirs() {
    let rig = Rig::with_key();
    let old = rig.blob(KID);
    rig.load(&[(KID, [0xD5; 16])]);
    let new = rig.blob(KID);
    for (blob, key) in [(old, KEY), (new, [0xD5; 16])] {
        assert_eq!(crate::blobs::decrypt(&rig, &blob, &[0; 16]), crate::common::ctr(key, [7; 16], &[0; 16]));
    }
}

#[test]
fn environments_of_two_adapters_know_nothing_of_each_other() {
    let (one, two) = (Rig::with_key(), Rig::new());
    assert_eq!(two.status(function::MAKE_KEY_BLOB, &KID), status::NOT_PROVISIONED);
    two.ok(function::TEARDOWN, &[]);
    one.blob(KID);
    assert!(!Arc::ptr_eq(&one.adapter, &two.adapter));
}
