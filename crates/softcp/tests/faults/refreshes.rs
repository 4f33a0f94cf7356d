//! Refreshes of the session key.

use softcp::{CryptoSession, Error};

use crate::common::{Block, Rig, ctr, xor};
use crate::{inject, rig};

const KEY: Block = *b"the session key.";
const IV: Block = [7; 16];

fn start(rig: &Rig) -> Result<Block, Error> {
    let mut number = [0xEE; 16];
    let result = rig.call(|session| session.start_key_refresh(&mut number));
    assert!(result.is_ok() || number == [0xEE; 16], "a failed call writes nothing");
    result.map(|()| number)
}

fn finish(rig: &Rig) {
    rig.call(CryptoSession::finish_key_refresh).unwrap();
}

#[test]
fn a_refused_refresh_leaves_the_key_and_succeeds_later() {
    let (rig, _) = rig("refresh-refused");
    rig.negotiate(KEY);
    let error = start(&rig).unwrap_err();
    assert!(matches!(error, Error::RefreshRefused) && error.hresult() == softcp_abi::E_FAIL, "{error}");
    assert!(matches!(rig.call(CryptoSession::finish_key_refresh), Err(Error::NoRefreshPending)));
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(KEY, IV, &[1; 40]));
    let number = start(&rig).unwrap();
    finish(&rig);
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(xor(KEY, number), IV, &[1; 40]));
}

#[test]
fn a_refused_refresh_leaves_a_pending_one() {
    let (rig, _) = rig("");
    rig.negotiate(KEY);
    let number = start(&rig).unwrap();
    inject(&rig, "refresh-refused");
    start(&rig).unwrap_err();
    finish(&rig);
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(xor(KEY, number), IV, &[1; 40]));
}

#[test]
fn a_repeated_number_is_seen_and_replaced_by_starting_again() {
    let (rig, _) = rig("repeated-random-number");
    rig.negotiate(KEY);
    let first = start(&rig).unwrap();
    finish(&rig);
    let second = start(&rig).unwrap();
    assert_eq!(second, first, "the fault");
    // The application has kept the number, and does not finish: that would bring the old key back.
    let third = start(&rig).unwrap();
    assert_ne!(third, second);
    finish(&rig);
    let key = xor(xor(KEY, first), third);
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(key, IV, &[1; 40]));
}

#[test]
fn numbers_repeat_for_each_session_by_itself() {
    let (rig, _) = rig("repeated-random-number every=1");
    let other = Rig {
        session: rig.device.create_crypto_session(&crate::common::desc()).unwrap(),
        certificate: crate::common::checked_certificate(rig.device.adapter()),
        device: rig.device,
    };
    other.negotiate(KEY);
    let numbers = [start(&other).unwrap(), start(&other).unwrap()];
    assert_eq!(numbers[0], numbers[1]);
    let first = Rig { session: rig.session, ..other };
    first.negotiate(KEY);
    assert_ne!(start(&first).unwrap(), numbers[0]);
}
