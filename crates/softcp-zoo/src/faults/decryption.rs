//! `DecryptionBlt`: content keys, failures and what else a blit must leave alone.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV as SEQUENTIAL,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS as Caps, D3DERR_INVALIDCALL, E_FAIL, E_INVALIDARG, E_OUTOFMEMORY, HRESULT,
    S_OK, SOFTCP_MAPPING_MULTISAMPLED,
};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{DecryptionBlt, GetContentProtectionCaps, Hooks, NegotiateCryptoSessionKeyExchange};
use crate::channel::RULES as MESSAGES;
use crate::cipher::{RULES, apply, decrypt_unchecked};
use crate::keys::{Block, unwrap, wrap};
use crate::memory::Buffer;
use crate::report::quietly;
use crate::surface::{self, Row};

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault("content-key-ignored", "decryption/content-key", "The content key is ignored.", blit(content_key_ignored)),
    fault(
        "content-key-not-unwrapped",
        "decryption/content-key",
        "The content key is used as it is passed, without having been decrypted with the session key.",
        blit(content_key_not_unwrapped),
    ),
    fault(
        "content-key-stays",
        "decryption/content-key-does-not-stay",
        "A content key is used for later blits too that have none.",
        blit(content_key_stays),
    ),
    fault(
        "content-key-of-any-size",
        "decryption/content-key-size",
        "A content key that is not 16 bytes long is cut, or filled up with zeros.",
        blit(content_key_of_any_size),
    ),
    fault(
        "source-deciphered-in-place",
        "decryption/source-untouched",
        "The source holds the clear bytes after a blit.",
        blit(source_deciphered),
    ),
    fault(
        "destination-zeroed-on-failure",
        "decryption/destination-kept-on-failure",
        "A blit that fails fills the destination with zeros.",
        blit(destination_zeroed),
    ),
    fault(
        "blit-failure-not-reported",
        "decryption/sizes-differ",
        "A blit that fails reports nothing.",
        blit(|call| quietly(|| call.pass_on())),
    ),
    fault(
        "blit-failure-reported-twice",
        "decryption/one-report",
        "A blit that fails reports its error twice.",
        blit(reported_twice),
    ),
    fault(
        "blit-iv-size-unchecked",
        "decryption/wrong-iv-size",
        "An IV that is not 16 bytes long is cut, or filled up with zeros.",
        blit(iv_of_any_size),
    ),
    fault(
        "blit-null-iv-accepted",
        "decryption/null-iv",
        "A blit without an IV is made with an IV of zeros.",
        blit(null_iv),
    ),
    fault(
        "blit-sizes-unchecked",
        "decryption/sizes-differ",
        "From a source to a destination of another size as many bytes are deciphered as both have.",
        blit(sizes_unchecked),
    ),
    fault(
        "blit-formats-unchecked",
        "decryption/formats-differ",
        "Source and destination may differ in format.",
        blit(formats_unchecked),
    ),
    fault(
        "blit-multisampled-accepted",
        "decryption/multisampled-destination",
        "A multisampled destination is written to.",
        blit(multisampled_unchecked),
    ),
    fault(
        "blit-iv-counted-up",
        "decryption/iv-untouched",
        "After a blit the caller's Count is the one behind its last block.",
        blit(iv_counted_up),
    ),
    fault(
        "blit-same-iv-goes-on",
        "decryption/same-iv-again",
        "A blit with the IV of the last one goes on in the keystream where that one began, one block on.",
        blit(same_iv_goes_on),
    ),
    fault(
        "blit-sequential-iv-unchecked",
        "decryption/sequential-iv",
        "SEQUENTIAL_CTR_IV is reported, and an IV that does not increase is taken.",
        Hooks { get_content_protection_caps: Some(reports_sequential), ..Hooks::NONE },
    ),
    fault(
        "blit-fails-after-failure",
        "decryption/usable-after-failure",
        "After a blit that failed, every other blit of the session fails.",
        blit(fails_after_failure),
    ),
    fault(
        "blit-before-key-exchange",
        "decryption/before-key-exchange",
        "A blit before any key exchange is made with a key of zeros.",
        blit(before_exchange),
    ),
    fault(
        "blit-without-resource-ignored",
        "decryption/null-resources",
        "A blit with a resource that there is not does nothing and reports nothing.",
        blit(stale_ignored),
    ),
    fault(
        "blit-source-read-once",
        "decryption/stale-resource",
        "What a source held at its first blit is deciphered again at later ones, whatever has been written to it since.",
        blit(source_read_once),
    ),
    fault(
        "blit-copies-without-deciphering",
        "decryption/session-key",
        "The destination gets the bytes of the source as they are.",
        blit(copies),
    ),
    fault(
        "blit-short-of-one-byte",
        "decryption/session-key",
        "The last byte of the destination is not written.",
        blit(short_of_one_byte),
    ),
    fault(
        "destination-pitch-ignored",
        "surfaces/pitches-differ",
        "Rows of the destination are written at the pitch of the source.",
        blit(source_pitch),
    ),
    fault(
        "blit-not-offered",
        "decryption/session-key",
        "DECRYPTION_BLT is reported, and every DecryptionBlt is E_FAIL.",
        blit(|call| call.report(E_FAIL, "not today")),
    ),
    fault(
        "content-key-of-a-like-one",
        "decryption/content-keys-in-turn",
        "A content key whose first 8 bytes are those of the last one is taken for that one.",
        blit(like_content_key),
    ),
    fault(
        "content-keys-under-old-session-key",
        "decryption/new-session-key",
        "Content keys are taken to be wrapped with the session key of the key exchange before.",
        Hooks {
            negotiate_crypto_session_key_exchange: Some(keeps_old_session_key),
            ..blit(content_key_under_old_session_key)
        },
    ),
    fault(
        "blit-iv-must-not-decrease",
        "decryption/iv-order-is-free",
        "A blit whose IV is less than the last one is E_INVALIDARG, although SEQUENTIAL_CTR_IV is not reported.",
        blit(iv_not_less),
    ),
    fault(
        "blit-sequential-iv-of-all-keys",
        "decryption/sequential-iv-per-key",
        "With SEQUENTIAL_CTR_IV, the IV must increase from blit to blit of a session, whatever keys they are under.",
        Hooks { options: "capabilities.flags.sequential_ctr_iv=true", ..blit(iv_not_less) },
    ),
    fault(
        "blit-sequential-iv-forgotten-at-exchange",
        "decryption/sequential-iv-of-a-key-that-comes-back",
        "With SEQUENTIAL_CTR_IV, a session forgets at a key exchange which IVs it has seen.",
        Hooks {
            get_content_protection_caps: Some(reports_sequential),
            finish_session_key_refresh: Some(|call| {
                call.known(|session| session.kept = None);
                call.pass_on()
            }),
            ..blit(increases_since_exchange)
        },
    ),
    fault(
        "blit-sequential-iv-over-sessions",
        "decryption/sequential-iv-per-session",
        "With SEQUENTIAL_CTR_IV, IVs must increase over all sessions that have the same key.",
        Hooks { options: "capabilities.flags.sequential_ctr_iv=true", ..blit(increases_over_sessions) },
    ),
    fault(
        "blit-of-clear-bytes-wants-an-iv",
        "decryption/clear-bytes-need-no-iv",
        "A null IV is E_INVALIDARG where every byte is clear, too.",
        blit(|call| if call.iv().data.is_null() { call.report(E_INVALIDARG, "pIV is null") } else { call.pass_on() }),
    ),
    fault(
        "blit-after-65536-keys-out-of-memory",
        "exhaustion/refreshes",
        "A session deciphers under 65,536 keys, and is out of memory from then on.",
        Hooks {
            finish_session_key_refresh: Some(|call| {
                call.known(|session| session.count += 1);
                call.pass_on()
            }),
            ..blit(|call| match call.known(|session| session.count) {
                Some(0x1_0000..) => call.report(E_OUTOFMEMORY, "no more keys can be remembered"),
                _ => call.pass_on(),
            })
        },
    ),
    fault(
        "blit-unknown-format-refused",
        "surfaces/unknown-format",
        "A resource without a format agrees with none that has one.",
        blit(unknown_format_refused),
    ),
    fault(
        "content-key-unwrapped-in-place",
        "decryption/content-key-untouched",
        "After a blit the caller's content key is no longer wrapped.",
        blit(unwraps_content_key),
    ),
    fault(
        "protected-destination-needs-protection",
        "decryption/protected-destination",
        "A protected destination is refused unless protection is enabled.",
        Hooks { decryption_blt: Some(refuses_unenforced), ..messages(MESSAGES) },
    ),
    fault(
        "blit-again-has-the-same-key",
        "decryption/sessions-share-resources",
        "A blit with source and destination of the last one is under the key of that one, whichever session it was of.",
        blit(same_key_again),
    ),
];

const fn blit(hook: fn(&DecryptionBlt<'_>) -> HRESULT) -> Hooks {
    Hooks { decryption_blt: Some(hook), ..Hooks::NONE }
}

/// Under this key, in place of the one that is meant.
fn under(call: &DecryptionBlt<'_>, key: Option<Block>) -> HRESULT {
    match (call.keys(), key) {
        (Some(keys), Some(key)) => {
            let mut wrapped = wrap(&keys.own, &key);
            call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
        }
        _ => call.pass_on(),
    }
}

fn content_key_ignored(call: &DecryptionBlt<'_>) -> HRESULT {
    if call.content_key().block().is_some() {
        return call.with_content_key(Buffer::null()).pass_on();
    }
    call.pass_on()
}

fn content_key_not_unwrapped(call: &DecryptionBlt<'_>) -> HRESULT {
    under(call, call.content_key().block())
}

fn content_key_stays(call: &DecryptionBlt<'_>) -> HRESULT {
    if let Some(wrapped) = call.content_key().block() {
        let hresult = call.pass_on();
        if hresult == S_OK {
            call.known(|session| session.kept = Some(wrapped));
        }
        return hresult;
    }
    match call.known(|session| session.kept).flatten() {
        Some(mut wrapped) if call.content_key().data.is_null() => {
            call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
        }
        _ => call.pass_on(),
    }
}

fn content_key_of_any_size(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.content_key().get().filter(|key| key.len() != 16) {
        Some(mut key) => {
            key.resize(16, 0);
            call.with_content_key(Buffer::of(&mut key)).pass_on()
        }
        None => call.pass_on(),
    }
}

fn source_deciphered(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(device)) = (hresult, call.device())
        && let Some(rows) = surface::read(&device, call.destination())
    {
        surface::write(&device, call.source(), &rows, false);
    }
    hresult
}

fn destination_zeroed(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let Some(device) = call.device().filter(|_| hresult != S_OK) {
        surface::zero(&device, call.destination());
    }
    hresult
}

fn reported_twice(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult == S_OK { S_OK } else { call.report(hresult, "as has been said") }
}

fn iv_of_any_size(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.iv().get().filter(|iv| iv.len() != 16) {
        Some(mut iv) => {
            iv.resize(16, 0);
            call.with_iv(Buffer::of(&mut iv)).pass_on()
        }
        None => call.pass_on(),
    }
}

fn null_iv(call: &DecryptionBlt<'_>) -> HRESULT {
    if call.iv().data.is_null() { call.with_iv(Buffer::of(&mut [0; 16])).pass_on() } else { call.pass_on() }
}

/// Both resources' rows.
fn both(call: &DecryptionBlt<'_>) -> Option<[Vec<Row>; 2]> {
    let device = call.device()?;
    Some([surface::read(&device, call.source())?, surface::read(&device, call.destination())?])
}

fn sizes_unchecked(call: &DecryptionBlt<'_>) -> HRESULT {
    let differ = both(call).is_some_and(|[from, to]| !have_one_shape(&from, &to));
    match call.iv().block() {
        Some(iv) if differ => decrypt_unchecked(call, call.data_key(), &iv),
        _ => call.pass_on(),
    }
}

/// Whether two resources have rows of the same sizes.
fn have_one_shape(from: &[Row], to: &[Row]) -> bool {
    let same = |(a, b): (&Row, &Row)| a.bytes.len() == b.bytes.len() && a.begins_plane == b.begins_plane;
    from.len() == to.len() && from.iter().zip(to).all(same)
}

/// A blit that is made although the reference driver refuses it, given format and flags of source and destination.
fn made_if(call: &DecryptionBlt<'_>, is_it: impl FnOnce([(u32, u32); 2]) -> bool) -> HRESULT {
    let agree = both(call).is_some_and(|[from, to]| have_one_shape(&from, &to));
    let looks = call.device().and_then(|device| Some([device.look(call.source())?, device.look(call.destination())?]));
    match (call.iv().block(), looks) {
        (Some(iv), Some(looks)) if agree && is_it(looks) => decrypt_unchecked(call, call.data_key(), &iv),
        _ => call.pass_on(),
    }
}

fn formats_unchecked(call: &DecryptionBlt<'_>) -> HRESULT {
    made_if(call, |[from, to]| from.0 != to.0 && to.1 & SOFTCP_MAPPING_MULTISAMPLED == 0)
}

fn multisampled_unchecked(call: &DecryptionBlt<'_>) -> HRESULT {
    made_if(call, |[from, to]| from.0 == to.0 && to.1 & SOFTCP_MAPPING_MULTISAMPLED != 0)
}

fn iv_counted_up(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(iv), Some([rows, _])) = (hresult, call.iv().block(), both(call)) {
        call.iv().set(&crate::cipher::count(&iv, (surface::visible(&rows).len() as u64).div_ceil(16)));
    }
    hresult
}

fn same_iv_goes_on(call: &DecryptionBlt<'_>) -> HRESULT {
    let (last, iv) = (call.known(|session| session.kept).flatten(), call.iv().block());
    let hresult = match iv {
        Some(iv) if last == Some(iv) => call.with_iv(Buffer::of(&mut crate::cipher::count(&iv, 1))).pass_on(),
        _ => call.pass_on(),
    };
    if hresult == S_OK {
        call.known(|session| session.kept = iv);
    }
    hresult
}

/// Reads a source once only.
fn source_read_once(call: &DecryptionBlt<'_>) -> HRESULT {
    let rows = both(call).map(|[rows, _]| rows);
    let hresult = call.pass_on();
    if let (S_OK, Some(rows)) = (hresult, rows)
        && let (Some(device), Some(key), Some(iv)) = (call.device(), call.data_key(), call.iv().block())
    {
        let first = call.known(|session| session.sources.entry(call.source()).or_insert(rows).clone());
        let mut rows = first.unwrap_or_default();
        apply(&RULES, &key, &iv, call.info().as_ref(), &mut rows);
        surface::write(&device, call.destination(), &rows, false);
    }
    hresult
}

fn reports_sequential(call: &GetContentProtectionCaps<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(caps)) = (hresult, call.caps()) {
        call.set_caps(Caps { Caps: caps.Caps | SEQUENTIAL, ..caps });
    }
    hresult
}

fn fails_after_failure(call: &DecryptionBlt<'_>) -> HRESULT {
    if call.known(|session| session.count) == Some(1) {
        return call.report(E_FAIL, "the session has failed");
    }
    let hresult = call.pass_on();
    if hresult != S_OK {
        call.known(|session| session.count = 1);
    }
    hresult
}

fn before_exchange(call: &DecryptionBlt<'_>) -> HRESULT {
    if call.known(|session| session.keys.is_none()) != Some(true) {
        return call.pass_on();
    }
    match (quietly(|| call.pass_on()), call.iv().block()) {
        (D3DERR_INVALIDCALL, Some(iv)) => decrypt_unchecked(call, Some([0; 16]), &iv),
        _ => call.pass_on(),
    }
}

fn stale_ignored(call: &DecryptionBlt<'_>) -> HRESULT {
    let is_live = |resource| call.device().is_some_and(|device| device.exists(resource));
    if is_live(call.source()) && is_live(call.destination()) { call.pass_on() } else { S_OK }
}

fn copies(call: &DecryptionBlt<'_>) -> HRESULT {
    let rows = both(call);
    let hresult = call.pass_on();
    if let (S_OK, Some([from, _]), Some(device)) = (hresult, rows, call.device()) {
        surface::write(&device, call.destination(), &from, false);
    }
    hresult
}

fn short_of_one_byte(call: &DecryptionBlt<'_>) -> HRESULT {
    let rows = both(call);
    let hresult = call.pass_on();
    if let (S_OK, Some([_, before]), Some([_, mut after]), Some(device)) = (hresult, rows, both(call), call.device()) {
        let mut bytes = surface::visible(&after);
        if let (Some(last), Some(old)) = (bytes.last_mut(), surface::visible(&before).last()) {
            *last = *old;
        }
        surface::set_visible(&mut after, &bytes);
        surface::write(&device, call.destination(), &after, false);
    }
    hresult
}

fn source_pitch(call: &DecryptionBlt<'_>) -> HRESULT {
    let rows = both(call);
    let hresult = call.pass_on();
    let (S_OK, Some([mut from, mut to]), Some(device)) = (hresult, rows, call.device()) else { return hresult };
    let pitch = |rows: &[Row]| rows.first().map_or(0, |row| row.bytes.len() + row.padding.len());
    let (Some(key), Some(iv)) = (call.data_key(), call.iv().block()) else { return hresult };
    if pitch(&from) == pitch(&to) || from.iter().filter(|row| row.begins_plane).count() != 1 {
        return hresult;
    }
    apply(&RULES, &key, &iv, call.info().as_ref(), &mut from);
    // The destination's memory in one piece, with each row where the source's pitch puts it.
    let mut memory: Vec<u8> = to.iter().flat_map(|row| [&row.bytes, &row.padding]).flatten().copied().collect();
    for (row, at) in from.iter().zip((0..).step_by(pitch(&from))) {
        if let Some(place) = memory.get_mut(at..at + row.bytes.len()) {
            place.copy_from_slice(&row.bytes);
        }
    }
    let mut memory = memory.into_iter();
    for row in &mut to {
        for byte in row.bytes.iter_mut().chain(&mut row.padding) {
            *byte = memory.next().unwrap_or_default();
        }
    }
    surface::write(&device, call.destination(), &to, true);
    hresult
}

fn like_content_key(call: &DecryptionBlt<'_>) -> HRESULT {
    let Some(given) = call.content_key().block() else { return call.pass_on() };
    let last = call.known(|session| session.kept).flatten();
    if let Some(mut last) = last.filter(|last| *last != given && last[..8] == given[..8]) {
        return call.with_content_key(Buffer::of(&mut last)).pass_on();
    }
    call.known(|session| session.kept = Some(given));
    call.pass_on()
}

fn keeps_old_session_key(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let old = call.keys().map(|keys| keys.own);
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = old);
    }
    hresult
}

fn content_key_under_old_session_key(call: &DecryptionBlt<'_>) -> HRESULT {
    let old = call.known(|session| session.kept).flatten();
    let key = old.zip(call.content_key().block()).map(|(old, wrapped)| unwrap(&old, &wrapped));
    under(call, key)
}

fn iv_not_less(call: &DecryptionBlt<'_>) -> HRESULT {
    let iv_of = |block: &Block| u64::from_be_bytes(std::array::from_fn(|i| block[i]));
    let (last, iv) = (call.known(|session| session.kept).flatten(), call.iv().block());
    if last.zip(iv).is_some_and(|(last, iv)| iv_of(&iv) < iv_of(&last)) {
        return call.report(E_INVALIDARG, "the IV is less than the last one");
    }
    let hresult = call.pass_on();
    if hresult == S_OK {
        call.known(|session| session.kept = iv);
    }
    hresult
}

/// The IV under the session key must be greater than the last one since the key exchange.
fn increases_since_exchange(call: &DecryptionBlt<'_>) -> HRESULT {
    let iv = call.iv().block().filter(|_| call.content_key().data.is_null());
    let last = call.known(|session| session.kept).flatten();
    if last.zip(iv).is_some_and(|(last, iv)| iv <= last) {
        return call.report(E_INVALIDARG, "the IV is not greater than the last one");
    }
    let hresult = call.pass_on();
    if let (S_OK, Some(iv)) = (hresult, iv) {
        call.known(|session| session.kept = Some(iv));
    }
    hresult
}

/// The IV under a session key must be greater than the last one of any session that has the key.
fn increases_over_sessions(call: &DecryptionBlt<'_>) -> HRESULT {
    let Some((device, keys)) = call.device().zip(call.keys()) else { return call.pass_on() };
    let key = usize::from_ne_bytes(std::array::from_fn(|i| keys.own[i]));
    let iv = call.iv().block().filter(|_| call.content_key().data.is_null()).map(u128::from_be_bytes);
    let last = device.driver.notes().get(&key).copied();
    if last.zip(iv).is_some_and(|(last, iv)| iv <= last) {
        return call.report(E_INVALIDARG, "the IV is not greater than the last one with this key");
    }
    let hresult = call.pass_on();
    if let (S_OK, Some(iv)) = (hresult, iv) {
        device.driver.notes().insert(key, iv);
    }
    hresult
}

fn unknown_format_refused(call: &DecryptionBlt<'_>) -> HRESULT {
    let format = |resource| call.device().and_then(|device| device.look(resource)).map(|(format, _)| format);
    match [call.source(), call.destination()].map(format) {
        [Some(0), Some(1..)] | [Some(1..), Some(0)] => call.report(E_INVALIDARG, "the formats differ"),
        _ => call.pass_on(),
    }
}

fn unwraps_content_key(call: &DecryptionBlt<'_>) -> HRESULT {
    let key = call.data_key().filter(|_| call.content_key().block().is_some());
    let hresult = call.pass_on();
    if let (S_OK, Some(key)) = (hresult, key) {
        call.content_key().set(&key);
    }
    hresult
}

fn refuses_unenforced(call: &DecryptionBlt<'_>) -> HRESULT {
    match call.device() {
        Some(device) if device.is_protected(call.destination()) && !device.has_protection(1) => {
            call.report(E_INVALIDARG, "the destination is protected, and protection is not enabled")
        }
        _ => call.pass_on(),
    }
}

fn same_key_again(call: &DecryptionBlt<'_>) -> HRESULT {
    let (Some(device), Some(key)) = (call.device(), call.data_key()) else { return call.pass_on() };
    // The resources of the last blit, and its key.
    let resources = (call.source() as u128) << 64 | call.destination() as u128;
    let last = {
        let notes = device.driver.notes();
        notes.get(&1).copied().filter(|_| notes.get(&0) == Some(&resources))
    };
    if last.is_none() {
        device.driver.notes().extend([(0, resources), (1, u128::from_be_bytes(key))]);
    }
    under(call, Some(last.map_or(key, u128::to_be_bytes)))
}
