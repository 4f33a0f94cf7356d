//! The fuzzing corpus of the secure environment (`fuzz/corpus/secure_messages`), once more.

use std::collections::BTreeSet;
use std::path::Path;

use softcp::secure::clear_key::{function, status};

use crate::common::adapter;
use crate::rig::{OPTIONS, Rig};
use crate::script;

#[test]
fn every_file_of_the_corpus_is_answered_as_documented() {
    let rig = Rig::on(adapter(&format!("{OPTIONS};faults.opt_in=true")));
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/secure_messages");
    let mut seen = BTreeSet::new();
    for file in std::fs::read_dir(corpus).unwrap() {
        seen.extend(script::run(&rig.device, rig.session, &std::fs::read(file.unwrap().path()).unwrap()));
    }
    // Every function succeeds somewhere, and every status comes about but those that take more than a small file.
    for number in function::VERSION..=function::TEARDOWN {
        assert!(seen.contains(&(number, 0)), "no file has function {number} succeed");
    }
    let failures: BTreeSet<_> = seen.iter().map(|(_, status)| *status).filter(|status| *status != 0).collect();
    let expected = [
        status::UNKNOWN_FUNCTION,
        status::BAD_INPUT,
        status::NO_ROOM,
        status::NOT_PROVISIONED,
        status::BAD_LICENCE,
        status::UNKNOWN_KID,
        status::REVOKED,
    ];
    assert_eq!(failures, BTreeSet::from(expected));
}
