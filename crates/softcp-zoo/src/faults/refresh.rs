//! Session key refresh.

use softcp_abi::{D3DERR_INVALIDCALL, HRESULT, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    CreateCryptoSession, DecryptionBlt, EncryptionBlt, FinishSessionKeyRefresh, GetEncryptionBltKey, Hooks,
    NegotiateCryptoSessionKeyExchange, StartSessionKeyRefresh,
};
use crate::keys::{Block, random, unwrap, wrap, xor};
use crate::memory::Buffer;
use crate::report::quietly;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "refresh-without-xor",
        "refresh/xor",
        "FinishSessionKeyRefresh makes the number itself the session key.",
        Hooks { finish_session_key_refresh: Some(without_xor), ..Hooks::NONE },
    ),
    fault(
        "refresh-half-of-the-key",
        "refresh/xor",
        "FinishSessionKeyRefresh changes the first 8 bytes of the session key only.",
        Hooks { finish_session_key_refresh: Some(half), ..Hooks::NONE },
    ),
    fault(
        "refresh-finish-ignored",
        "refresh/xor",
        "FinishSessionKeyRefresh succeeds and leaves the session key as it was.",
        Hooks { finish_session_key_refresh: Some(ignored), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-reversed",
        "refresh/xor",
        "FinishSessionKeyRefresh takes the bytes of the number from the last to the first.",
        Hooks { finish_session_key_refresh: Some(reversed), ..Hooks::NONE },
    ),
    fault(
        "refresh-at-start",
        "refresh/old-key-until-finish",
        "StartSessionKeyRefresh changes the session key at once, and Finish changes nothing.",
        Hooks {
            start_session_key_refresh: Some(at_start),
            finish_session_key_refresh: Some(after_start),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-number-is-a-counter",
        "statistics/refresh-numbers-bias",
        "The numbers of StartSessionKeyRefresh count up from 1.",
        Hooks { start_session_key_refresh: Some(counter), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-has-a-fixed-bit",
        "statistics/refresh-numbers-bias",
        "The highest bit of each number of StartSessionKeyRefresh is zero.",
        Hooks { start_session_key_refresh: Some(fixed_bit), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-is-constant",
        "refresh/number-is-new",
        "StartSessionKeyRefresh gives the same number each time.",
        Hooks { start_session_key_refresh: Some(constant), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-repeats",
        "statistics/refresh-numbers-repeat",
        "Each 16th number of StartSessionKeyRefresh is the one before it once more.",
        Hooks { start_session_key_refresh: Some(repeats), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-same-in-all-sessions",
        "threads/numbers-differ",
        "Each session gets the same row of numbers from StartSessionKeyRefresh.",
        Hooks { start_session_key_refresh: Some(same_in_all), ..Hooks::NONE },
    ),
    fault(
        "refresh-keeps-first-number",
        "refresh/newer-number-replaces",
        "A second StartSessionKeyRefresh gives a number, and Finish takes the first one.",
        Hooks { start_session_key_refresh: Some(first_number), ..Hooks::NONE },
    ),
    fault(
        "refresh-number-survives-exchange",
        "refresh/exchange-discards-number",
        "A number that was saved before a key exchange is applied by a Finish after it.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(exchange_keeps_number),
            finish_session_key_refresh: Some(finish_kept),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-finish-without-start",
        "refresh/finish-without-start",
        "FinishSessionKeyRefresh without any Start succeeds and does nothing.",
        Hooks {
            start_session_key_refresh: Some(counted),
            finish_session_key_refresh: Some(without_start),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-finish-twice",
        "refresh/finish-twice",
        "A second FinishSessionKeyRefresh applies the number once more.",
        Hooks { finish_session_key_refresh: Some(twice), ..Hooks::NONE },
    ),
    fault(
        "refresh-wrong-size-writes",
        "refresh/wrong-size",
        "StartSessionKeyRefresh with a buffer of a wrong size reports E_INVALIDARG and writes the buffer all the same.",
        Hooks { start_session_key_refresh: Some(writes_on_failure), ..Hooks::NONE },
    ),
    fault(
        "refresh-larger-buffer-accepted",
        "refresh/wrong-size",
        "StartSessionKeyRefresh takes a buffer that is larger than the key, and fills its beginning.",
        Hooks { start_session_key_refresh: Some(larger), ..Hooks::NONE },
    ),
    fault(
        "refresh-null-buffer-accepted",
        "refresh/null-buffer",
        "StartSessionKeyRefresh without a buffer succeeds and saves nothing.",
        Hooks { start_session_key_refresh: Some(null_buffer), ..Hooks::NONE },
    ),
    fault(
        "refresh-failed-start-drops-number",
        "refresh/failed-start-keeps-number",
        "A StartSessionKeyRefresh that fails discards the number that was saved before.",
        Hooks { start_session_key_refresh: Some(dropping), finish_session_key_refresh: Some(dropped), ..Hooks::NONE },
    ),
    fault(
        "refresh-of-all-sessions",
        "refresh/other-session-keeps-key",
        "FinishSessionKeyRefresh applies the number to each session of the driver.",
        Hooks { finish_session_key_refresh: Some(all_sessions), ..Hooks::NONE },
    ),
    fault(
        "refresh-content-keys-under-old-key",
        "refresh/content-keys-follow",
        "After a refresh content keys are still taken to be wrapped with the key before it.",
        Hooks {
            finish_session_key_refresh: Some(keeps_old_key),
            decryption_blt: Some(content_key_under_old_key),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-read-back-key-under-old-key",
        "refresh/read-back-keys-follow",
        "After a refresh GetEncryptionBltKey wraps with the key before it.",
        Hooks {
            finish_session_key_refresh: Some(keeps_old_key),
            get_encryption_blt_key: Some(read_back_under_old_key),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-drops-read-back-key",
        "read-back/refresh-keeps-key",
        "A refresh discards the read-back key: EncryptionBlt needs a new one.",
        Hooks {
            finish_session_key_refresh: Some(drops_read_back),
            get_encryption_blt_key: Some(gives_read_back),
            encryption_blt: Some(without_read_back),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-start-before-key-exchange",
        "refresh/start-before-key-exchange",
        "StartSessionKeyRefresh before any key exchange gives a number.",
        Hooks { start_session_key_refresh: Some(before_exchange), ..Hooks::NONE },
    ),
    fault(
        "refresh-wears-out",
        "refresh/many",
        "From the 33rd refresh of a session on the key stays as it is.",
        Hooks { finish_session_key_refresh: Some(wears_out), ..Hooks::NONE },
    ),
    fault(
        "refresh-finish-before-key-exchange",
        "refresh/finish-before-key-exchange",
        "FinishSessionKeyRefresh before any key exchange succeeds and does nothing.",
        Hooks {
            finish_session_key_refresh: Some(|call| {
                if call.known(|session| session.keys.is_none()) == Some(true) { S_OK } else { call.pass_on() }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-number-survives-exchange-of-same-key",
        "refresh/exchange-of-same-key-discards-number",
        "A key exchange that brings the key that is in force leaves the number, and Finish applies it.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(same_key_keeps_number),
            finish_session_key_refresh: Some(finish_kept),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-failed-exchange-drops-number",
        "refresh/failed-exchange-keeps-number",
        "A key exchange that fails discards the number.",
        Hooks {
            start_session_key_refresh: Some(beginning),
            negotiate_crypto_session_key_exchange: Some(|call| {
                let hresult = call.pass_on();
                if hresult != S_OK {
                    call.known(|session| session.count = 1);
                }
                hresult
            }),
            finish_session_key_refresh: Some(dropped),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-failed-blit-drops-number",
        "refresh/failed-blit-keeps-number",
        "A DecryptionBlt that fails discards the number.",
        Hooks {
            start_session_key_refresh: Some(beginning),
            decryption_blt: Some(|call| {
                let hresult = call.pass_on();
                if hresult != S_OK {
                    call.known(|session| session.count = 1);
                }
                hresult
            }),
            finish_session_key_refresh: Some(dropped),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-content-keys-at-start",
        "refresh/content-keys-until-finish",
        "From Start on, content keys are taken to be wrapped with the key that Finish will make.",
        Hooks { decryption_blt: Some(content_key_under_next_key), ..Hooks::NONE },
    ),
    fault(
        "refresh-sessions-share-number",
        "refresh/sessions-have-own-numbers",
        "FinishSessionKeyRefresh applies the last number that any session of the driver was given.",
        Hooks {
            start_session_key_refresh: Some(|call| {
                let hresult = call.pass_on();
                if let (S_OK, Some(number), Some(device)) = (hresult, call.number().block(), call.device()) {
                    device.driver.keep(number);
                }
                hresult
            }),
            finish_session_key_refresh: Some(|call| {
                let last = call.device().and_then(|device| device.driver.kept());
                finish_with(call, |key, number| xor(key, &last.unwrap_or(*number)))
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-number-in-part",
        "refresh/number-is-written",
        "StartSessionKeyRefresh leaves the last byte of the caller's buffer as it was, and takes it for the number's.",
        Hooks { start_session_key_refresh: Some(in_part), ..Hooks::NONE },
    ),
    fault(
        "refresh-drops-newer-read-back-key",
        "refresh/read-back-key-stays",
        "FinishSessionKeyRefresh discards a read-back key that was made since Start.",
        Hooks {
            finish_session_key_refresh: Some(drops_newer_read_back),
            get_encryption_blt_key: Some(gives_since_start),
            encryption_blt: Some(without_newer_read_back),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-failure-reported-twice",
        "refresh/one-report",
        "A StartSessionKeyRefresh that fails reports its error twice.",
        Hooks {
            start_session_key_refresh: Some(|call| {
                let hresult = call.pass_on();
                if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
            }),
            ..Hooks::NONE
        },
    ),
    fault(
        "refresh-numbers-by-place",
        "statistics/refresh-numbers-differ-between-sessions",
        "The n-th sessions of two devices get the same row of numbers from StartSessionKeyRefresh.",
        Hooks { create_crypto_session: Some(numbered), start_session_key_refresh: Some(by_place), ..Hooks::NONE },
    ),
    fault(
        "refresh-numbers-of-a-fixed-seed",
        "statistics/refresh-numbers-differ-between-openings",
        "Each time that it is opened, the driver gives the same row of numbers, which look random.",
        Hooks {
            start_session_key_refresh: Some(|call| {
                start_with(call, |_, _, _, all| wrap(b"A key for it all", &u128::from(all).to_be_bytes()))
            }),
            ..Hooks::NONE
        },
    ),
];

/// Finish, and a session key made from the old one and the number.
fn finish_with(call: &FinishSessionKeyRefresh<'_>, key: impl FnOnce(&Block, &Block) -> Block) -> HRESULT {
    let before = call.known(|session| (session.keys, session.number));
    let hresult = call.pass_on();
    if let (S_OK, Some((Some(keys), Some((_, number))))) = (hresult, before) {
        call.set_key(key(&keys.own, &number));
    }
    hresult
}

fn without_xor(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    finish_with(call, |_, number| *number)
}

fn half(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    finish_with(call, |key, number| std::array::from_fn(|i| if i < 8 { key[i] ^ number[i] } else { key[i] }))
}

fn ignored(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    finish_with(call, |key, _| *key)
}

fn reversed(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    finish_with(call, |key, number| std::array::from_fn(|i| key[i] ^ number[15 - i]))
}

fn wears_out(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let count = call.known(|session| {
        session.count += 1;
        session.count
    });
    finish_with(call, |key, number| if count > Some(32) { *key } else { xor(key, number) })
}

fn at_start(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let before = call.known(|session| session.kept).flatten().or_else(|| call.keys().map(|keys| keys.own));
    let hresult = call.pass_on();
    if let (S_OK, Some(before), Some(number)) = (hresult, before, call.number().block()) {
        call.set_key(xor(&before, &number));
        call.known(|session| session.kept = Some(before));
    }
    hresult
}

fn after_start(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = finish_with(call, |key, _| *key);
    if hresult == S_OK {
        call.known(|session| session.kept = None);
    }
    hresult
}

/// Start, and another number in place of the random one. `next` gets it, the one before, how many there were in the session,
/// and in the driver.
fn start_with(
    call: &StartSessionKeyRefresh<'_>,
    next: impl FnOnce(Block, Option<Block>, u64, u64) -> Block,
) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(real), Some(device)) = (hresult, call.number().block(), call.device()) {
        let all = device.driver.counted();
        let number = call.known(|session| {
            let number = next(real, session.kept, session.count, all);
            session.set_number(number);
            session.kept = Some(number);
            session.count += 1;
            number
        });
        call.number().set(&number.unwrap_or(real));
    }
    hresult
}

fn counter(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    start_with(call, |_, _, _, all| u128::from(all + 1).to_be_bytes())
}

fn fixed_bit(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    start_with(call, |mut number, _, _, _| {
        number[0] &= 0x7f;
        number
    })
}

fn constant(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    start_with(call, |_, _, _, _| *b"SoftCP's number.")
}

fn repeats(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    start_with(call, |number, last, count, _| last.filter(|_| count % 16 == 15).unwrap_or(number))
}

fn same_in_all(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    start_with(call, |_, _, count, _| wrap(b"A key for it all", &u128::from(count).to_be_bytes()))
}

fn first_number(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let first = call.known(|session| session.number.map(|(_, number)| number)).flatten();
    let hresult = call.pass_on();
    if let (S_OK, Some(first)) = (hresult, first) {
        call.known(|session| session.set_number(first));
    }
    hresult
}

fn exchange_keeps_number(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let number = call.known(|session| session.number.map(|(_, number)| number)).flatten();
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = number);
    }
    hresult
}

fn finish_kept(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let kept = call.known(|session| session.kept.take().filter(|_| session.number.is_none())).flatten();
    match (kept, call.keys()) {
        (Some(number), Some(keys)) => {
            call.set_key(xor(&keys.own, &number));
            S_OK
        }
        _ => call.pass_on(),
    }
}

fn counted(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    call.known(|session| session.count += 1);
    call.pass_on()
}

fn without_start(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    if call.known(|session| session.keys.is_some() && session.count == 0) == Some(true) { S_OK } else { call.pass_on() }
}

fn twice(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let number = call.known(|session| session.number.map(|(_, number)| number)).flatten();
    let again = call.known(|session| session.kept).flatten();
    if let (None, Some(number), Some(keys)) = (number, again, call.keys()) {
        call.set_key(xor(&keys.own, &number));
        return S_OK;
    }
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = number);
    }
    hresult
}

fn writes_on_failure(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK && call.number().size != 16 {
        call.number().set(&[random(), random()].concat());
    }
    hresult
}

fn larger(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    if call.number().size <= 16 || call.number().data.is_null() {
        return call.pass_on();
    }
    let mut number = [0; 16];
    let hresult = call.with_number(Buffer::of(&mut number)).pass_on();
    if hresult == S_OK {
        call.number().set(&number);
    }
    hresult
}

fn null_buffer(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    if call.number().data.is_null() && call.keys().is_some() { S_OK } else { call.pass_on() }
}

fn dropping(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    call.known(|session| session.count = u64::from(hresult != S_OK));
    hresult
}

fn beginning(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.count = 0);
    }
    hresult
}

fn dropped(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    if call.known(|session| session.number.is_some() && session.count == 1) != Some(true) {
        return call.pass_on();
    }
    // The reference driver still has the number, which a next Start replaces.
    call.report(D3DERR_INVALIDCALL, "no refresh has been started")
}

fn all_sessions(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let number = call.known(|session| session.number.map(|(_, number)| number)).flatten();
    let hresult = call.pass_on();
    if let (S_OK, Some(number), Some(device)) = (hresult, number, call.device()) {
        let mut sessions = device.driver.sessions();
        for (_, other) in sessions.iter_mut().filter(|(session, _)| **session != call.session()) {
            if let Some(keys) = &mut other.keys {
                keys.own = xor(&keys.own, &number);
            }
        }
    }
    hresult
}

fn keeps_old_key(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let old = call.keys().map(|keys| keys.own);
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = old);
    }
    hresult
}

fn content_key_under_old_key(call: &DecryptionBlt<'_>) -> HRESULT {
    let old = call.known(|session| session.kept).flatten();
    match (old, call.keys(), call.content_key().block()) {
        (Some(old), Some(keys), Some(wrapped)) => {
            let mut wrapped = wrap(&keys.own, &unwrap(&old, &wrapped));
            call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
        }
        _ => call.pass_on(),
    }
}

fn read_back_under_old_key(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let known = call.known(|session| (session.kept, session.read_back));
    if let (S_OK, Some((Some(old), Some(key)))) = (hresult, known) {
        call.key().set(&wrap(&old, &key));
    }
    hresult
}

fn drops_read_back(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.count = 1);
    }
    hresult
}

fn gives_read_back(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.count = 0);
    }
    hresult
}

fn without_read_back(call: &EncryptionBlt<'_>) -> HRESULT {
    if call.known(|session| session.count) == Some(1) {
        return call.report(D3DERR_INVALIDCALL, "there is no read-back key");
    }
    call.pass_on()
}

fn before_exchange(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    if call.known(|session| session.keys.is_none()) != Some(true) || call.number().size != 16 {
        return call.pass_on();
    }
    let hresult = quietly(|| call.pass_on());
    if hresult != D3DERR_INVALIDCALL {
        return hresult;
    }
    call.number().set(&random());
    S_OK
}

fn same_key_keeps_number(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let (old, number) =
        (call.keys().map(|keys| keys.own), call.known(|session| session.number.map(|(_, number)| number)).flatten());
    let hresult = call.pass_on();
    if hresult == S_OK && call.keys().map(|keys| keys.own) == old {
        call.known(|session| session.kept = number);
    }
    hresult
}

fn content_key_under_next_key(call: &DecryptionBlt<'_>) -> HRESULT {
    let number = call.known(|session| session.number.map(|(_, number)| number)).flatten();
    match (number, call.keys(), call.content_key().block()) {
        (Some(number), Some(keys), Some(wrapped)) => {
            let mut wrapped = wrap(&keys.own, &unwrap(&xor(&keys.own, &number), &wrapped));
            call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
        }
        _ => call.pass_on(),
    }
}

fn in_part(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    let before = call.number().block();
    start_with(call, |mut number, _, _, _| {
        number[15] = before.map_or(number[15], |before| before[15]);
        number
    })
}

/// Of the read-back key: it was made since Start, and after that also discarded.
const SINCE_START: u64 = 1;
const DISCARDED: u64 = 2;

fn gives_since_start(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.count = if session.number.is_some() { SINCE_START } else { 0 });
    }
    hresult
}

fn drops_newer_read_back(call: &FinishSessionKeyRefresh<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.count = if session.count == SINCE_START { DISCARDED } else { session.count });
    }
    hresult
}

fn without_newer_read_back(call: &EncryptionBlt<'_>) -> HRESULT {
    if call.known(|session| session.count) == Some(DISCARDED) {
        return call.report(D3DERR_INVALIDCALL, "there is no read-back key");
    }
    call.pass_on()
}

/// Counts a device's sessions: each begins with its number where the count of refresh numbers does not reach.
fn numbered(call: &CreateCryptoSession<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(device)) = (hresult, call.device()) {
        let place = {
            let mut notes = device.driver.notes();
            let sessions = notes.entry(call.device_number()).or_default();
            *sessions += 1;
            u64::try_from(*sessions).unwrap_or_default()
        };
        call.known(|session| session.count = place << 32);
    }
    hresult
}

fn by_place(call: &StartSessionKeyRefresh<'_>) -> HRESULT {
    // The driver's own secret, so that two openings differ.
    let secret = call.device().map_or([0; 16], |device| {
        let new = device.driver.kept().unwrap_or_else(random);
        device.driver.keep(new);
        new
    });
    start_with(call, |_, _, count, _| wrap(&secret, &u128::from(count).to_be_bytes()))
}
