//! Key exchange messages that are wrong in one place only, and keys.

use aws_lc_rs::digest::SHA256;
use softcp_abi::{E_INVALIDARG, HRESULT, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{Hooks, NegotiateCryptoSessionKeyExchange};
use crate::keys::Block;
use crate::memory::Buffer;
use crate::report::quietly;
use crate::rsa::{DECODING, Decoding};

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "exchange-key-of-zeros-refused",
        "key-exchange/any-key",
        "A key of zeros is E_INVALIDARG.",
        exchange(|call| {
            let key = call.device().and_then(|device| device.driver.key.key(&call.data().get()?));
            if key == Some([0; 16]) { E_INVALIDARG } else { call.pass_on() }
        }),
    ),
    fault(
        "exchange-with-mask-of-sha-256",
        "key-exchange/wrong-mask-hash",
        "RSAES-OAEP with SHA-512 and an MGF1 with SHA-256 is accepted.",
        exchange(|call| accepting(call, &Decoding { mask: &SHA256, ..DECODING })),
    ),
    fault(
        "exchange-label-unchecked",
        "key-exchange/label",
        "The hash of the label is not looked at.",
        exchange(|call| accepting(call, &Decoding { label: false, ..DECODING })),
    ),
    fault(
        "exchange-first-byte-unchecked",
        "key-exchange/first-byte",
        "The first byte of an encoding is not looked at.",
        exchange(|call| accepting(call, &Decoding { first_byte: false, ..DECODING })),
    ),
    fault(
        "exchange-padding-unchecked",
        "key-exchange/padding",
        "The bytes of an encoding before the 1 that separates need not be zeros.",
        exchange(|call| accepting(call, &Decoding { padding: false, ..DECODING })),
    ),
    fault(
        "exchange-modulo-the-modulus",
        "key-exchange/not-below-modulus",
        "A message that is as a number not below the modulus is taken modulo it.",
        exchange(|call| {
            let below = call.device().zip(call.data().get());
            match below.and_then(|(device, message)| device.driver.key.raw().below_modulus(&message)) {
                Some(mut message) => call.with_data(Buffer::of(&mut message)).pass_on(),
                None => call.pass_on(),
            }
        }),
    ),
    fault(
        "exchange-failure-gives-key",
        "key-exchange/failure-gives-no-key",
        "A key exchange that fails gives a session that has no key one of zeros.",
        exchange(gives_key),
    ),
];

const fn exchange(hook: fn(&NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT) -> Hooks {
    Hooks { negotiate_crypto_session_key_exchange: Some(hook), ..Hooks::NONE }
}

/// The key in a message to a session that has been created, to who does these steps.
fn plain(call: &NegotiateCryptoSessionKeyExchange<'_>, steps: &Decoding) -> Option<Block> {
    let message = call.data().get().filter(|_| call.known(|_| ()).is_some())?;
    call.device()?.driver.key.raw().decrypt(&message, steps)
}

/// Exchanges a key that has come in a wrong message.
fn exchange_key(call: &NegotiateCryptoSessionKeyExchange<'_>, key: &Block) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let mut message = device.driver.key.encrypt(key);
    call.with_data(Buffer::of(&mut message)).pass_on()
}

fn accepting(call: &NegotiateCryptoSessionKeyExchange<'_>, steps: &Decoding) -> HRESULT {
    let hresult = call.pass_on();
    match plain(call, steps).filter(|_| hresult != S_OK) {
        Some(key) => exchange_key(call, &key),
        None => hresult,
    }
}

fn gives_key(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK && call.known(|session| session.keys.is_none()) == Some(true) {
        quietly(|| exchange_key(call, &[0; 16]));
    }
    hresult
}
