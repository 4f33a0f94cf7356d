//! What a driver has run out of, and what it is slow at.

use std::time::Duration;

use softcp::Error;
use softcp::provider::Clock as _;
use softcp_abi::{D3DERR_UNSUPPORTEDCRYPTO, E_OUTOFMEMORY};

use crate::common::{Block, ctr, desc, key_exchange};
use crate::{inject, rig};

const KEY: Block = *b"the session key.";
const IV: Block = [7; 16];

#[test]
fn exhausted_protected_memory_is_there_again_at_the_next_try() {
    let (rig, _) = rig("protected-memory-exhausted at=2");
    let memory = rig.device.adapter().protected_memory();
    memory.reserve(100).unwrap();
    memory.reserve(0).unwrap();
    let error = memory.reserve(50).unwrap_err();
    assert!(matches!(error, Error::ProtectedMemoryExhausted { requested: 50, available: 0 }), "{error}");
    assert_eq!(error.hresult(), E_OUTOFMEMORY);
    memory.release(100);
    memory.reserve(50).unwrap();
}

#[test]
fn out_of_memory_at_creation_and_key_exchange_leaves_nothing_behind() {
    let (rig, _) = rig("");
    rig.negotiate(KEY);
    inject(&rig, "out-of-memory every=2");
    let device = &rig.device;
    let channel = device.create_authenticated_channel(2).unwrap();
    let out_of_memory = |result: Result<_, Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::OutOfMemory) && error.hresult() == E_OUTOFMEMORY, "{error}");
    };
    out_of_memory(device.create_authenticated_channel(2).map(|_| ()));
    device.create_authenticated_channel(2).unwrap();
    out_of_memory(device.create_crypto_session(&desc()).map(|_| ()));
    device.create_crypto_session(&desc()).unwrap();
    let exchange = key_exchange(&rig.certificate, [9; 16]);
    out_of_memory(rig.call(|session| session.negotiate(exchange.message().as_bytes())));
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(KEY, IV, &[1; 40]), "the key in force stays");
    rig.negotiate([9; 16]);
    out_of_memory(device.negotiate_channel(channel, exchange.message().as_bytes()));
    device.negotiate_channel(channel, exchange.message().as_bytes()).unwrap();
}

#[test]
fn unsupported_crypto_goes_away_when_tried_again() {
    let (rig, _) = rig("");
    inject(&rig, "unsupported-crypto times=2");
    for _ in 0..2 {
        let error = rig.device.create_crypto_session(&desc()).unwrap_err();
        assert_eq!(error.hresult(), D3DERR_UNSUPPORTEDCRYPTO);
    }
    rig.device.create_crypto_session(&desc()).unwrap();
}

#[test]
fn slow_key_exchange_takes_its_time_and_succeeds() {
    let (rig, clock) = rig("slow-key-exchange at=2 delay=250ms");
    rig.negotiate(KEY);
    assert_eq!(clock.now(), Duration::ZERO);
    rig.negotiate([9; 16]);
    assert_eq!(clock.now(), Duration::from_millis(250));
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr([9; 16], IV, &[1; 40]));
}
