//! Encrypted read-back: `GetEncryptionBltKey` and `EncryptionBlt`.

use softcp_abi::{D3DERR_INVALIDCALL, E_FAIL, E_INVALIDARG, HRESULT, S_OK, SOFTCP_MAPPING_MULTISAMPLED};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{EncryptionBlt, GetEncryptionBltKey, Hooks};
use crate::channel::RULES as MESSAGES;
use crate::cipher::{RULES, Restart, Rules, apply, count, encrypt_anew, encrypt_by_rules};
use crate::keys::{Block, random, wrap};
use crate::memory::Buffer;
use crate::report::quietly;
use crate::surface;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "read-back-key-stays",
        "read-back/new-key-each-time",
        "GetEncryptionBltKey returns the read-back key that there is, if there is one.",
        key(key_stays),
    ),
    fault(
        "read-back-key-repeats",
        "statistics/read-back-keys-repeat",
        "Each 16th read-back key is the one before it once more.",
        key(key_repeats),
    ),
    fault(
        "read-back-key-in-the-clear",
        "read-back/key-is-wrapped",
        "GetEncryptionBltKey returns the read-back key without having encrypted it.",
        key(key_in_the_clear),
    ),
    fault(
        "read-back-key-decrypted",
        "read-back/key-is-wrapped",
        "GetEncryptionBltKey decrypts the read-back key with the session key rather than encrypting it.",
        key(key_decrypted),
    ),
    fault(
        "read-back-key-of-wrong-size-written",
        "read-back/key-wrong-size",
        "GetEncryptionBltKey with a buffer of a wrong size reports E_INVALIDARG and writes the buffer all the same.",
        key(key_wrong_size),
    ),
    fault(
        "read-back-key-in-larger-buffer",
        "read-back/key-wrong-size",
        "GetEncryptionBltKey takes a buffer that is larger than the key, and fills its beginning.",
        key(key_larger),
    ),
    fault(
        "read-back-key-before-exchange",
        "read-back/key-before-exchange",
        "GetEncryptionBltKey before any key exchange returns a key.",
        key(key_before_exchange),
    ),
    fault(
        "read-back-under-session-key",
        "read-back/deciphers",
        "EncryptionBlt enciphers with the session key, although ENCRYPTED_READ_BACK_KEY is reported.",
        blit(under_session_key),
    ),
    fault(
        "read-back-key-late",
        "read-back/key-in-force",
        "The first EncryptionBlt behind GetEncryptionBltKey is still enciphered with the read-back key before.",
        Hooks { get_encryption_blt_key: Some(key_noted), encryption_blt: Some(key_late), ..Hooks::NONE },
    ),
    fault(
        "read-back-iv-stays",
        "read-back/iv-goes-up",
        "Each EncryptionBlt under one read-back key has the same IV.",
        blit(iv_stays),
    ),
    fault(
        "read-back-iv-goes-up-by-two",
        "read-back/iv-goes-up",
        "The IV of EncryptionBlt goes up by 2.",
        blit(|call| iv_with(call, |first, number| first.wrapping_add(2 * number))),
    ),
    fault(
        "read-back-iv-goes-down",
        "read-back/iv-goes-up",
        "The IV of EncryptionBlt goes down.",
        blit(|call| iv_with(call, |first, number| first.wrapping_add(1 << 20).wrapping_sub(number))),
    ),
    fault(
        "read-back-first-iv-is-one",
        "statistics/first-ivs-differ",
        "The first IV under each read-back key is 1.",
        blit(|call| iv_with(call, |_, number| 1 + number)),
    ),
    fault(
        "read-back-first-iv-is-even",
        "statistics/first-ivs-bias",
        "The first IV under each read-back key is even.",
        blit(|call| iv_with(call, |first, number| (first & !1) + number)),
    ),
    fault(
        "read-back-first-iv-is-too-big",
        "read-back/first-iv-is-not-too-big",
        "The first IV is random in all of its 64 bits.",
        blit(|call| iv_with(call, |first, number| (first | first << 33 | 1 << 62).wrapping_add(number))),
    ),
    fault(
        "read-back-iv-little-endian",
        "read-back/iv-goes-up",
        "The IV of EncryptionBlt is a little-endian number.",
        blit(|call| anew(call, swapped)),
    ),
    fault(
        "read-back-count-is-one",
        "read-back/count-is-zero",
        "Count starts at 1 in EncryptionBlt.",
        blit(|call| {
            anew(call, |iv| {
                let mut iv = *iv;
                iv[15] = 1;
                iv
            })
        }),
    ),
    fault(
        "read-back-count-not-written",
        "read-back/count-is-zero",
        "EncryptionBlt writes the first half of the IV buffer only.",
        blit(count_not_written),
    ),
    fault(
        "read-back-iv-written-on-failure",
        "read-back/iv-kept-on-failure",
        "An EncryptionBlt that fails fills the IV buffer with zeros.",
        blit(iv_on_failure),
    ),
    fault(
        "read-back-iv-size-unchecked",
        "read-back/iv-wrong-size",
        "EncryptionBlt takes an IV buffer that is larger than the IV.",
        blit(iv_larger),
    ),
    fault(
        "read-back-without-key",
        "read-back/without-key",
        "EncryptionBlt before any GetEncryptionBltKey is made with a key that nobody knows.",
        blit(without_key),
    ),
    fault(
        "read-back-destination-zeroed-on-failure",
        "read-back/destination-kept-on-failure",
        "An EncryptionBlt that fails fills the destination with zeros.",
        blit(destination_zeroed),
    ),
    fault(
        "read-back-source-enciphered",
        "read-back/source-untouched",
        "EncryptionBlt leaves the enciphered bytes in the source too.",
        blit(source_enciphered),
    ),
    fault(
        "read-back-sizes-unchecked",
        "read-back/sizes-differ",
        "EncryptionBlt to a destination of another size copies as many bytes as both have.",
        blit(sizes_unchecked),
    ),
    fault(
        "read-back-multisampled-accepted",
        "read-back/multisampled-source",
        "EncryptionBlt of a multisampled source succeeds and does nothing.",
        blit(multisampled),
    ),
    fault(
        "read-back-keystream-restarts-at-rows",
        "surfaces/read-back-rows",
        "In EncryptionBlt the keystream begins anew at each row.",
        Hooks {
            encryption_blt: Some(encrypt_by_rules),
            cipher: Rules { restart: Restart::Rows, ..RULES },
            ..Hooks::NONE
        },
    ),
    fault(
        "read-back-keystream-restarts-in-large-buffers",
        "read-back/any-length",
        "In EncryptionBlt the keystream begins anew after 65,536 bytes.",
        Hooks {
            encryption_blt: Some(encrypt_by_rules),
            cipher: Rules { counter: |iv, number| count(iv, number % 4096), ..RULES },
            ..Hooks::NONE
        },
    ),
    fault(
        "read-back-under-unknown-key",
        "read-back/session-key-without-read-back-keys",
        "Without ENCRYPTED_READ_BACK_KEY, EncryptionBlt enciphers with a key of its own.",
        Hooks { options: "capabilities.flags.encrypted_read_back_key=false", ..blit(under_unknown_key) },
    ),
    fault(
        "read-back-key-of-all-sessions",
        "read-back/sessions-have-own-keys",
        "EncryptionBlt enciphers with the last read-back key that any session of the driver was given.",
        Hooks { get_encryption_blt_key: Some(key_for_all), encryption_blt: Some(under_key_for_all), ..Hooks::NONE },
    ),
    fault(
        "read-back-ivs-of-all-sessions",
        "read-back/iv-per-key",
        "The IVs of all sessions go up with each EncryptionBlt of any.",
        blit(iv_of_all),
    ),
    fault(
        "read-back-ivs-anew-for-old-keys",
        "read-back/ivs-of-a-key-that-comes-back",
        "Without ENCRYPTED_READ_BACK_KEY, IVs begin anew with each key exchange, at the same number for the same key.",
        Hooks { options: "capabilities.flags.encrypted_read_back_key=false", ..blit(anew_for_old_keys) },
    ),
    fault(
        "read-back-iv-goes-on",
        "read-back/new-key-new-first-iv",
        "The first IV under a new read-back key is the one behind the last one under the key before.",
        blit(iv_goes_on),
    ),
    fault(
        "read-back-failure-repeats-iv",
        "read-back/failure-uses-no-iv",
        "After an EncryptionBlt that failed, the IV before it comes once more.",
        blit(iv_repeated),
    ),
    fault(
        "read-back-key-null-buffer-accepted",
        "read-back/key-null-buffer",
        "GetEncryptionBltKey without a buffer succeeds and makes no key.",
        key(|call| if call.key().data.is_null() { S_OK } else { call.pass_on() }),
    ),
    fault(
        "read-back-key-lost-by-failure",
        "read-back/failed-key-keeps-key",
        "A GetEncryptionBltKey that fails for its buffer puts a new read-back key in force.",
        key(|call| {
            let hresult = call.pass_on();
            if hresult != S_OK && call.key().size != 16 {
                quietly(|| call.with_key(Buffer::of(&mut [0; 16])).pass_on());
            }
            hresult
        }),
    ),
    fault(
        "read-back-before-key-exchange",
        "read-back/before-key-exchange",
        "EncryptionBlt before any key exchange succeeds and does nothing.",
        blit(|call| if call.known(|session| session.keys.is_none()) == Some(true) { S_OK } else { call.pass_on() }),
    ),
    fault(
        "read-back-null-iv-accepted",
        "read-back/iv-null",
        "EncryptionBlt without a place for the IV succeeds.",
        blit(
            |call| {
                if call.iv().data.is_null() { call.with_iv(Buffer::of(&mut [0; 16])).pass_on() } else { call.pass_on() }
            },
        ),
    ),
    fault(
        "read-back-failure-reported-twice",
        "read-back/one-report",
        "An EncryptionBlt that fails reports its error twice.",
        blit(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
        }),
    ),
    fault(
        "read-back-key-failure-reported-twice",
        "read-back/key-one-report",
        "A GetEncryptionBltKey that fails reports its error twice.",
        key(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
        }),
    ),
    fault(
        "failed-exchange-drops-read-back-key",
        "read-back/failed-exchange-keeps-key",
        "A key exchange that fails discards the read-back key.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(|call| {
                let hresult = call.pass_on();
                if hresult != S_OK {
                    call.known(|session| session.count = 1);
                }
                hresult
            }),
            get_encryption_blt_key: Some(|call| {
                let hresult = call.pass_on();
                if hresult == S_OK {
                    call.known(|session| session.count = 0);
                }
                hresult
            }),
            ..blit(|call| {
                if call.known(|session| session.count) == Some(1) {
                    return call.report(D3DERR_INVALIDCALL, "there is no read-back key");
                }
                call.pass_on()
            })
        },
    ),
    fault(
        "read-back-of-protected-sources-is-zeros",
        "read-back/protected-source",
        "EncryptionBlt of a protected source enciphers zeros, unless protection is enabled.",
        Hooks { encryption_blt: Some(protected_is_zeros), ..messages(MESSAGES) },
    ),
    fault(
        "refresh-uses-read-back-iv",
        "read-back/refresh-keeps-ivs",
        "A session key refresh uses an IV of the read-back key up.",
        Hooks {
            finish_session_key_refresh: Some(|call| {
                let hresult = call.pass_on();
                call.known(|session| session.count += u64::from(hresult == S_OK));
                hresult
            }),
            ..blit(iv_counted_on)
        },
    ),
    fault(
        "decryption-uses-read-back-iv",
        "read-back/decryption-keeps-ivs",
        "A DecryptionBlt uses an IV of the read-back key up.",
        Hooks {
            decryption_blt: Some(|call| {
                let hresult = call.pass_on();
                call.known(|session| session.count += u64::from(hresult == S_OK));
                hresult
            }),
            ..blit(iv_counted_on)
        },
    ),
    fault(
        "read-back-ivs-wrap",
        "exhaustion/read-back-iv",
        "After the last IV of 64 bits EncryptionBlt goes on with 0.",
        blit(iv_wraps),
    ),
    fault(
        "read-back-ivs-of-32-bits",
        "exhaustion/read-back-iv-32-bits",
        "Only the last 32 bits of the IV of EncryptionBlt go up.",
        blit(|call| iv_with(call, |first, number| first >> 32 << 32 | first.wrapping_add(number) & 0xffff_ffff)),
    ),
    fault(
        "read-back-key-has-a-fixed-bit",
        "statistics/read-back-keys-bias",
        "The highest bit of each read-back key is zero.",
        Hooks {
            get_encryption_blt_key: Some(|call| {
                own_key(call, |mut key, _| {
                    key[0] &= 0x7f;
                    key
                })
            }),
            ..blit(under_own_key)
        },
    ),
    fault(
        "read-back-keys-of-a-fixed-seed",
        "statistics/read-back-keys-differ-between-openings",
        "Each time that it is opened, the driver makes the same row of read-back keys, which look random.",
        Hooks {
            get_encryption_blt_key: Some(|call| {
                own_key(call, |_, number| wrap(b"A key for it all", &u128::from(number).to_be_bytes()))
            }),
            ..blit(under_own_key)
        },
    ),
];

const fn key(hook: fn(&GetEncryptionBltKey<'_>) -> HRESULT) -> Hooks {
    Hooks { get_encryption_blt_key: Some(hook), ..Hooks::NONE }
}

const fn blit(hook: fn(&EncryptionBlt<'_>) -> HRESULT) -> Hooks {
    Hooks { encryption_blt: Some(hook), ..Hooks::NONE }
}

/// The read-back key that there is, wrapped, and no new one.
fn the_same(call: &GetEncryptionBltKey<'_>) -> Option<HRESULT> {
    let (keys, key) = call.known(|session| Some((session.keys?, session.read_back?))).flatten()?;
    if call.key().size != 16 || call.key().data.is_null() {
        return None;
    }
    call.key().set(&wrap(&keys.own, &key));
    Some(S_OK)
}

fn key_stays(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    the_same(call).unwrap_or_else(|| call.pass_on())
}

fn key_repeats(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let count = call.known(|session| {
        session.count += 1;
        session.count
    });
    match count {
        Some(count) if count % 16 == 0 => key_stays(call),
        _ => call.pass_on(),
    }
}

/// A new key, in another form.
fn key_as(call: &GetEncryptionBltKey<'_>, form: impl FnOnce(&Block, &Block) -> Block) -> HRESULT {
    let hresult = call.pass_on();
    let known = call.known(|session| Some((session.keys?, session.read_back?))).flatten();
    if let (S_OK, Some((keys, key))) = (hresult, known) {
        call.key().set(&form(&keys.own, &key));
    }
    hresult
}

fn key_in_the_clear(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    key_as(call, |_, key| *key)
}

fn key_decrypted(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    key_as(call, crate::keys::unwrap)
}

fn key_wrong_size(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK && call.key().size != 16 {
        call.key().set(&[random(), random()].concat());
    }
    hresult
}

fn key_larger(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    if call.key().size <= 16 || call.key().data.is_null() {
        return call.pass_on();
    }
    let mut key = [0; 16];
    let hresult = call.with_key(Buffer::of(&mut key)).pass_on();
    if hresult == S_OK {
        call.key().set(&key);
    }
    hresult
}

fn key_before_exchange(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    if call.known(|session| session.keys.is_none()) != Some(true) || call.key().size != 16 {
        return call.pass_on();
    }
    match quietly(|| call.pass_on()) {
        D3DERR_INVALIDCALL => {
            call.key().set(&random());
            S_OK
        }
        _ => call.pass_on(),
    }
}

/// A blit that is enciphered once more, with another IV.
fn anew(call: &EncryptionBlt<'_>, iv: impl FnOnce(&Block) -> Block) -> HRESULT {
    let hresult = call.pass_on();
    let key = call.known(|session| session.read_back).flatten();
    if let (S_OK, Some(used), Some(key)) = (hresult, call.iv().block(), key) {
        let iv = iv(&used);
        encrypt_anew(call, &used, &key, &iv);
        call.iv().set(&iv);
    }
    hresult
}

/// Another IV, given the first one under this read-back key and how many there were since.
fn iv_with(call: &EncryptionBlt<'_>, number: impl FnOnce(u64, u64) -> u64) -> HRESULT {
    anew(call, |used| {
        let real = u64::from_be_bytes(std::array::from_fn(|i| used[i]));
        let key = call.known(|session| session.read_back).flatten();
        // The first one is kept with the key that it is for.
        let first = call.known(|session| {
            if session.kept != key {
                (session.kept, session.count) = (key, real);
            }
            session.count
        });
        let first = first.unwrap_or(real);
        let mut iv = *used;
        iv[..8].copy_from_slice(&number(first, real.wrapping_sub(first)).to_be_bytes());
        iv
    })
}

fn iv_stays(call: &EncryptionBlt<'_>) -> HRESULT {
    iv_with(call, |first, _| first)
}

fn swapped(iv: &Block) -> Block {
    std::array::from_fn(|i| if i < 8 { iv[7 - i] } else { iv[i] })
}

fn under_session_key(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(used), Some(keys)) = (hresult, call.iv().block(), call.keys()) {
        encrypt_anew(call, &used, &keys.own, &used);
    }
    hresult
}

fn key_noted(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let old = call.known(|session| session.read_back).flatten();
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = old);
    }
    hresult
}

fn key_late(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(used)) = (hresult, call.iv().block())
        && let Some(old) = call.known(|session| session.kept.take()).flatten()
    {
        encrypt_anew(call, &used, &old, &used);
    }
    hresult
}

fn count_not_written(call: &EncryptionBlt<'_>) -> HRESULT {
    let before = call.iv().block();
    let hresult = call.pass_on();
    if let (S_OK, Some(before), Some(mut iv)) = (hresult, before, call.iv().block()) {
        iv[8..].copy_from_slice(&before[8..]);
        call.iv().set(&iv);
    }
    hresult
}

fn iv_on_failure(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK {
        call.iv().set(&vec![0; call.iv().size as usize]);
    }
    hresult
}

fn iv_larger(call: &EncryptionBlt<'_>) -> HRESULT {
    if call.iv().size <= 16 || call.iv().data.is_null() {
        return call.pass_on();
    }
    let mut iv = [0; 16];
    let hresult = call.with_iv(Buffer::of(&mut iv)).pass_on();
    if hresult == S_OK {
        call.iv().set(&iv);
    }
    hresult
}

fn without_key(call: &EncryptionBlt<'_>) -> HRESULT {
    if call.known(|session| session.keys.is_some() && session.read_back.is_none()) == Some(true) {
        quietly(|| call.new_key(&mut [0; 16]));
    }
    call.pass_on()
}

fn destination_zeroed(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(device) = call.device().filter(|_| hresult != S_OK) {
        surface::zero(&device, call.destination());
    }
    hresult
}

fn source_enciphered(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(device)) = (hresult, call.device())
        && let Some(rows) = surface::read(&device, call.destination())
    {
        surface::write(&device, call.source(), &rows, false);
    }
    hresult
}

fn sizes_unchecked(call: &EncryptionBlt<'_>) -> HRESULT {
    let device = call.device();
    let rows = device.as_ref().and_then(|device| {
        Some((device, surface::read(device, call.source())?, surface::read(device, call.destination())?))
    });
    let key = call.known(|session| session.read_back).flatten();
    match (rows, key) {
        (Some((device, mut from, mut to)), Some(key))
            if from.len() != to.len() || surface::visible(&from).len() != surface::visible(&to).len() =>
        {
            let mut iv = [0; 16];
            iv[4..8].copy_from_slice(&random()[..4]);
            apply(&RULES, &key, &iv, None, &mut from);
            surface::set_visible(&mut to, &surface::visible(&from));
            surface::write(device, call.destination(), &to, false);
            call.iv().set(&iv);
            S_OK
        }
        _ => call.pass_on(),
    }
}

fn multisampled(call: &EncryptionBlt<'_>) -> HRESULT {
    let flags = call.device().and_then(|device| device.look(call.source())).map_or(0, |(_, flags)| flags);
    if flags & SOFTCP_MAPPING_MULTISAMPLED == 0 {
        return call.pass_on();
    }
    match quietly(|| call.pass_on()) {
        D3DERR_INVALIDCALL | E_INVALIDARG => S_OK,
        _ => call.pass_on(),
    }
}

/// The first IV of a key is noted by the key; `kept` says which key the session counts its read-backs for.
fn anew_for_old_keys(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let known = call.device().zip(call.keys()).zip(call.iv().block());
    let (S_OK, Some(((device, keys), used))) = (hresult, known) else { return hresult };
    let number = usize::from_ne_bytes(std::array::from_fn(|i| keys.own[i]));
    let real = u64::from_be_bytes(std::array::from_fn(|i| used[i]));
    let first = *device.driver.notes().entry(number).or_insert(u128::from(real));
    // A key exchange clears what is kept.
    let count = call.known(|session| {
        session.count = if session.kept == Some(keys.own) { session.count + 1 } else { 0 };
        session.kept = Some(keys.own);
        session.count
    });
    let own = u64::try_from(first).unwrap_or_default() + count.unwrap_or_default();
    let mut iv = used;
    iv[..8].copy_from_slice(&own.to_be_bytes());
    // The session key is what it was enciphered with.
    call.known(|session| session.read_back = Some(keys.real));
    encrypt_anew(call, &used, &keys.own, &iv);
    call.iv().set(&iv);
    hresult
}

fn under_unknown_key(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(iv), Some(keys)) = (hresult, call.iv().block(), call.keys()) {
        // The session key is what it was enciphered with.
        call.known(|session| session.read_back = Some(keys.real));
        encrypt_anew(call, &iv, &random(), &iv);
    }
    hresult
}

/// A new read-back key of this driver's own, given the reference driver's and how many there were.
fn own_key(call: &GetEncryptionBltKey<'_>, own: impl FnOnce(Block, u64) -> Block) -> HRESULT {
    let hresult = call.pass_on();
    let known = call.known(|session| Some((session.keys?, session.read_back?))).flatten();
    if let (S_OK, Some((keys, real)), Some(device)) = (hresult, known, call.device()) {
        let own = own(real, device.driver.counted());
        call.known(|session| session.kept = Some(own));
        call.key().set(&wrap(&keys.own, &own));
    }
    hresult
}

fn under_own_key(call: &EncryptionBlt<'_>) -> HRESULT {
    let own = call.known(|session| session.kept).flatten();
    under(call, own)
}

/// A blit under this key, in place of the one that is meant.
fn under(call: &EncryptionBlt<'_>, key: Option<Block>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(used), Some(key)) = (hresult, call.iv().block(), key) {
        encrypt_anew(call, &used, &key, &used);
    }
    hresult
}

fn key_for_all(call: &GetEncryptionBltKey<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let key = call.known(|session| session.read_back).flatten();
    if let (S_OK, Some(key), Some(device)) = (hresult, key, call.device()) {
        device.driver.keep(key);
    }
    hresult
}

fn under_key_for_all(call: &EncryptionBlt<'_>) -> HRESULT {
    under(call, call.device().and_then(|device| device.driver.kept()))
}

fn iv_of_all(call: &EncryptionBlt<'_>) -> HRESULT {
    anew(call, |used| {
        let all = call.device().map_or(0, |device| device.driver.counted());
        let key = call.known(|session| session.read_back).flatten();
        let base = call.known(|session| {
            // What the first IV under a key is ahead of the count then.
            if session.kept != key {
                (session.kept, session.count) = (key, number_of(used).wrapping_sub(all));
            }
            session.count
        });
        numbered(used, base.map_or(0, |base| base.wrapping_add(all)))
    })
}

fn iv_goes_on(call: &EncryptionBlt<'_>) -> HRESULT {
    anew(call, |used| {
        let next = call.known(|session| {
            session.count = if session.count == 0 { number_of(used) } else { session.count.wrapping_add(1) };
            session.count
        });
        numbered(used, next.unwrap_or_default())
    })
}

fn iv_repeated(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = anew(call, |used| {
        let key = call.known(|session| session.read_back).flatten();
        // How many have failed under this key.
        let failed = call.known(|session| {
            if session.kept != key {
                (session.kept, session.count) = (key, 0);
            }
            session.count
        });
        numbered(used, number_of(used).wrapping_sub(failed.unwrap_or_default()))
    });
    if hresult != S_OK {
        call.known(|session| session.count += 1);
    }
    hresult
}

/// The IV is so many ahead as the session has counted.
fn iv_counted_on(call: &EncryptionBlt<'_>) -> HRESULT {
    anew(call, |used| {
        numbered(used, number_of(used).wrapping_add(call.known(|session| session.count).unwrap_or_default()))
    })
}

fn iv_wraps(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = quietly(|| call.pass_on());
    let key = call.known(|session| session.read_back).flatten();
    let rows = call.device().and_then(|device| Some((surface::read(&device, call.source())?, device)));
    match (hresult, key, rows) {
        (E_FAIL, Some(key), Some((mut rows, device))) => {
            let number = call.known(|session| {
                session.count += 1;
                session.count - 1
            });
            let iv = numbered(&[0; 16], number.unwrap_or_default());
            apply(&RULES, &key, &iv, None, &mut rows);
            surface::write(&device, call.destination(), &rows, false);
            call.iv().set(&iv);
            S_OK
        }
        (S_OK, ..) => S_OK,
        _ => call.pass_on(),
    }
}

fn protected_is_zeros(call: &EncryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let device = call.device().filter(|device| device.is_protected(call.source()) && !device.has_protection(u32::MAX));
    let key = call.known(|session| session.read_back).flatten();
    if let (S_OK, Some(device), Some(key), Some(iv)) = (hresult, device, key, call.iv().block())
        && let Some(mut rows) = surface::read(&device, call.destination())
    {
        for row in &mut rows {
            row.bytes.fill(0);
        }
        apply(&RULES, &key, &iv, None, &mut rows);
        surface::write(&device, call.destination(), &rows, false);
    }
    hresult
}

fn number_of(iv: &Block) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|i| iv[i]))
}

/// The same with another number.
fn numbered(iv: &Block, number: u64) -> Block {
    let mut iv = *iv;
    iv[..8].copy_from_slice(&number.to_be_bytes());
    iv
}
