//! Sessions, their handles, and the key exchange.

use softcp_abi::{
    D3D11_1DDIARG_CREATECRYPTOSESSION, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, E_FAIL,
    E_OUTOFMEMORY, GUID_NULL, HRESULT, S_OK,
};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    CreateCryptoSession, CryptoSessionGetHandle, DecryptionBlt, DestroyCryptoSession, EncryptionBlt,
    FinishSessionKeyRefresh, GetEncryptionBltKey, Hooks, NegotiateCryptoSessionKeyExchange, StartSessionKeyRefresh,
};
use crate::cipher::decrypt_unchecked;
use crate::keys::{Block, Padding, random};
use crate::memory::Buffer;
use crate::report::quietly;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "session-usable-from-another-device",
        "sessions/other-device",
        "Calls on a session work on every device of the driver.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(negotiate_anywhere),
            start_session_key_refresh: Some(start_anywhere),
            finish_session_key_refresh: Some(finish_anywhere),
            get_encryption_blt_key: Some(key_anywhere),
            decryption_blt: Some(decrypt_anywhere),
            encryption_blt: Some(encrypt_anywhere),
            crypto_session_get_handle: Some(handle_anywhere),
            ..Hooks::NONE
        },
    ),
    fault(
        "sessions-share-one-key",
        "sessions/keys-are-apart",
        "A key exchange changes the key of all sessions of the driver.",
        exchange(shared_key),
    ),
    fault(
        "session-handle-is-zero",
        "sessions/handle-is-given",
        "CryptoSessionGetHandle writes zero.",
        handle(|call| {
            let hresult = call.pass_on();
            call.set_handle(0);
            hresult
        }),
    ),
    fault(
        "session-handle-not-written",
        "sessions/handle-is-given",
        "CryptoSessionGetHandle succeeds and writes nothing.",
        handle(|_| S_OK),
    ),
    fault(
        "session-handles-are-the-same",
        "sessions/handles-differ",
        "CryptoSessionGetHandle writes the same handle for each session.",
        handle(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK {
                call.set_handle(0x1000);
            }
            hresult
        }),
    ),
    fault(
        "session-handle-left-on-failure",
        "sessions/handle-zero-on-failure",
        "A CryptoSessionGetHandle that fails leaves something in the caller's handle.",
        handle(|call| {
            let hresult = call.pass_on();
            if hresult != S_OK {
                call.set_handle(0x0dd1_b17e);
            }
            hresult
        }),
    ),
    fault(
        "destroyed-session-lives-on",
        "sessions/destroyed",
        "Calls on a destroyed session still work.",
        Hooks { destroy_crypto_session: Some(|_| S_OK), ..Hooks::NONE },
    ),
    fault(
        "unsupported-pair-accepted",
        "sessions/unsupported-pair",
        "CreateCryptoSession makes a session for AES-128-CTR whatever crypto type and profile it is asked for.",
        Hooks { create_crypto_session: Some(any_pair), ..Hooks::NONE },
    ),
    fault(
        "unsupported-pair-is-e-fail",
        "sessions/unsupported-pair",
        "CreateCryptoSession for an unsupported pair is E_FAIL.",
        Hooks { create_crypto_session: Some(pair_is_e_fail), ..Hooks::NONE },
    ),
    fault(
        "eight-sessions-at-most",
        "sessions/many",
        "A ninth session on a device is E_OUTOFMEMORY.",
        Hooks { create_crypto_session: Some(eight_at_most), ..Hooks::NONE },
    ),
    fault(
        "destroying-drops-newer-keys",
        "sessions/destroy-in-any-order",
        "Destroying a session changes the keys of all others.",
        Hooks { destroy_crypto_session: Some(drops_keys), ..Hooks::NONE },
    ),
    fault(
        "exchange-with-oaep-sha-256",
        "key-exchange/wrong-hash",
        "A key exchange message of RSAES-OAEP with SHA-256 is accepted.",
        exchange(|call| accepting(call, Padding::Oaep256)),
    ),
    fault(
        "exchange-with-pkcs1",
        "key-exchange/pkcs1",
        "A key exchange message of RSAES-PKCS1-v1_5 is accepted.",
        exchange(|call| accepting(call, Padding::Pkcs1)),
    ),
    fault(
        "exchange-with-short-key",
        "key-exchange/wrong-plain-size",
        "A plain text that is shorter than 16 bytes is filled up with zeros.",
        exchange(|call| resized(call, |len| len < 16)),
    ),
    fault(
        "exchange-with-long-key",
        "key-exchange/wrong-plain-size",
        "Of a plain text that is longer than 16 bytes the first 16 are taken.",
        exchange(|call| resized(call, |len| len > 16)),
    ),
    fault(
        "exchange-with-trailing-bytes",
        "key-exchange/wrong-size",
        "Bytes behind the 256 of a key exchange message are ignored.",
        exchange(trailing),
    ),
    fault(
        "exchange-failure-drops-key",
        "key-exchange/failure-keeps-key",
        "A key exchange that fails leaves the session with a key of zeros.",
        exchange(drops_key),
    ),
    fault(
        "exchange-keeps-old-key",
        "key-exchange/replaces-key",
        "A second key exchange succeeds and changes nothing.",
        exchange(keeps_old),
    ),
    fault(
        "exchange-tells-padding-from-length",
        "key-exchange/one-error",
        "A message that does not decrypt is E_FAIL, a plain text of a wrong length E_INVALIDARG.",
        exchange(two_errors),
    ),
    fault(
        "exchange-takes-anything",
        "key-exchange/changed-message",
        "A message that does not decrypt is taken for good, and the key stays as it was.",
        exchange(takes_anything),
    ),
    fault(
        "exchange-null-data-accepted",
        "key-exchange/null-data",
        "A key exchange without data succeeds and does nothing.",
        exchange(|call| if call.data().data.is_null() { S_OK } else { call.pass_on() }),
    ),
    fault(
        "exchange-decrypts-in-place",
        "key-exchange/input-untouched",
        "After a key exchange the caller's buffer begins with the session key.",
        exchange(in_place),
    ),
    fault(
        "exchange-key-reversed",
        "key-exchange/accepts-oaep-sha512",
        "The bytes of the session key are taken from the last to the first.",
        exchange(reversed),
    ),
    fault(
        "destroying-without-key-reported",
        "sessions/create-and-destroy",
        "Destroying a session that has no key reports an error.",
        Hooks {
            destroy_crypto_session: Some(|call| {
                let has_key = call.known(|session| session.keys.is_some());
                let hresult = call.pass_on();
                if hresult == S_OK && has_key == Some(false) { call.report(E_FAIL, "there is no key") } else { hresult }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "session-past-its-memory",
        "sessions/size-is-kept",
        "A session takes 8 bytes more of its private memory than CalcPrivateCryptoSessionSize says.",
        create(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK {
                call.write_behind_memory(0x0dd1_b17e);
            }
            hresult
        }),
    ),
    fault(
        "session-memory-taken-for-live",
        "sessions/memory-may-hold-anything",
        "In private memory that begins with 0xFF no session is made, since there is one already.",
        create(|call| if call.first_byte() == Some(0xff) { E_FAIL } else { call.pass_on() }),
    ),
    fault(
        "unknown-key-exchange-accepted",
        "sessions/unknown-key-exchange",
        "CreateCryptoSession makes a session for RSAES-OAEP whatever key exchange type it is asked for.",
        create(any_exchange),
    ),
    fault(
        "other-device-gets-number",
        "sessions/other-device-outputs",
        "StartSessionKeyRefresh with another device fails, and fills the buffer with a number all the same.",
        Hooks { start_session_key_refresh: Some(fills_elsewhere), ..Hooks::NONE },
    ),
    fault(
        "session-destroyed-from-another-device",
        "sessions/other-device-destroy",
        "DestroyCryptoSession works on every device of the driver.",
        Hooks { destroy_crypto_session: Some(|call| call.on_its_device().pass_on()), ..Hooks::NONE },
    ),
    fault(
        "session-null-handle-accepted",
        "sessions/null-handle-pointer",
        "CryptoSessionGetHandle without a place for the handle succeeds.",
        handle(|call| if call.is_null() { S_OK } else { call.pass_on() }),
    ),
];

const fn create(hook: fn(&CreateCryptoSession<'_>) -> HRESULT) -> Hooks {
    Hooks { create_crypto_session: Some(hook), ..Hooks::NONE }
}

const fn exchange(hook: fn(&NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT) -> Hooks {
    Hooks { negotiate_crypto_session_key_exchange: Some(hook), ..Hooks::NONE }
}

const fn handle(hook: fn(&CryptoSessionGetHandle<'_>) -> HRESULT) -> Hooks {
    Hooks { crypto_session_get_handle: Some(hook), ..Hooks::NONE }
}

fn negotiate_anywhere(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn start_anywhere(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn finish_anywhere(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn key_anywhere(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn encrypt_anywhere(call: &EncryptionBlt<'_>) -> HRESULT {
    let there = call.on_its_device();
    if quietly(|| there.pass_on()) == S_OK { S_OK } else { call.pass_on() }
}

fn handle_anywhere(call: &CryptoSessionGetHandle<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

/// With resources of the calling device, which the session's own device does not know.
fn decrypt_anywhere(call: &DecryptionBlt<'_>) -> HRESULT {
    let is_elsewhere =
        call.known(|session| session.device) != call.device().map(|device| device.handle().pDrvPrivate.addr());
    match call.iv().block() {
        Some(iv) if is_elsewhere && call.keys().is_some() => decrypt_unchecked(call, call.data_key(), &iv),
        _ => call.pass_on(),
    }
}

fn shared_key(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(keys), Some(device)) = (hresult, call.keys(), call.device()) {
        device.driver.sessions().values_mut().for_each(|session| session.set_key(keys.own));
    }
    hresult
}

fn any_pair(call: &CreateCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK || call.desc().is_none() {
        return hresult;
    }
    let desc = D3D11_1DDIARG_CREATECRYPTOSESSION {
        CryptoType: D3D11_CRYPTO_TYPE_AES128_CTR,
        DecodeProfile: GUID_NULL,
        KeyExchangeType: D3D11_KEY_EXCHANGE_RSAES_OAEP,
    };
    call.with_desc(&desc).pass_on()
}

fn pair_is_e_fail(call: &CreateCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == softcp_abi::D3DDDIERR_UNSUPPORTEDCRYPTO { E_FAIL } else { hresult }
}

fn eight_at_most(call: &CreateCryptoSession<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let number = device.handle().pDrvPrivate.addr();
    let live = device.driver.sessions().values().filter(|session| session.device == number).count();
    if live >= 8 { E_OUTOFMEMORY } else { call.pass_on() }
}

fn drops_keys(call: &DestroyCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(device) = call.device().filter(|_| hresult == S_OK) {
        device.driver.sessions().values_mut().for_each(|session| session.set_key([0; 16]));
    }
    hresult
}

/// Exchanges a key that has come in a wrong message.
fn exchange_key(call: &NegotiateCryptoSessionKeyExchange<'_>, key: &Block) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let mut message = device.driver.key.encrypt(key);
    call.with_data(Buffer::of(&mut message)).pass_on()
}

/// The plain text of a message with this padding.
fn plain(call: &NegotiateCryptoSessionKeyExchange<'_>, padding: Padding) -> Option<Vec<u8>> {
    let message = call.data().get().filter(|message| message.len() == 256)?;
    call.device()?.driver.key.decrypt(padding, &message)
}

fn accepting(call: &NegotiateCryptoSessionKeyExchange<'_>, padding: Padding) -> HRESULT {
    let right = plain(call, Padding::Oaep512);
    match plain(call, padding).and_then(|plain| plain.try_into().ok()) {
        Some(key) if right.is_none() => exchange_key(call, &key),
        _ => call.pass_on(),
    }
}

fn resized(call: &NegotiateCryptoSessionKeyExchange<'_>, is_it: impl FnOnce(usize) -> bool) -> HRESULT {
    match plain(call, Padding::Oaep512).filter(|plain| is_it(plain.len())) {
        Some(plain) => exchange_key(call, &std::array::from_fn(|i| plain.get(i).copied().unwrap_or_default())),
        None => call.pass_on(),
    }
}

fn trailing(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    match call.data().get().filter(|data| data.len() > 256) {
        Some(mut data) => call.with_data(Buffer::of(&mut data[..256])).pass_on(),
        None => call.pass_on(),
    }
}

fn drops_key(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK {
        call.set_key([0; 16]);
    }
    hresult
}

fn keeps_old(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let old = call.keys();
    let hresult = call.pass_on();
    if let (S_OK, Some(old)) = (hresult, old) {
        call.set_key(old.own);
    }
    hresult
}

fn two_errors(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let is_padding = call.data().size == 256 && !call.data().data.is_null() && plain(call, Padding::Oaep512).is_none();
    if hresult != S_OK && is_padding { E_FAIL } else { hresult }
}

fn takes_anything(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let is_whole = call.data().size == 256 && !call.data().data.is_null();
    if is_whole && plain(call, Padding::Oaep512).is_none() { S_OK } else { hresult }
}

fn in_place(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(keys)) = (hresult, call.keys()) {
        call.data().set(&keys.own);
    }
    hresult
}

fn reversed(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(keys)) = (hresult, call.keys()) {
        call.set_key(std::array::from_fn(|i| keys.own[15 - i]));
    }
    hresult
}

fn any_exchange(call: &CreateCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    match call.desc().filter(|_| hresult != S_OK) {
        Some(desc) => {
            let oaep = D3D11_1DDIARG_CREATECRYPTOSESSION { KeyExchangeType: D3D11_KEY_EXCHANGE_RSAES_OAEP, ..desc };
            call.with_desc(&oaep).pass_on()
        }
        None => hresult,
    }
}

fn fills_elsewhere(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let device = call.known(|session| session.device);
    if hresult != S_OK && device.is_some_and(|device| device != call.device_number()) {
        call.number().set(&random());
    }
    hresult
}
