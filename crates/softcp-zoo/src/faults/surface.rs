//! Rows, planes and padding, of both blits, and blits in place.

use softcp_abi::{E_INVALIDARG, HRESULT, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{DecryptionBlt, EncryptionBlt, Hooks};
use crate::cipher::{RULES, Restart, Rules, apply, encrypt_by_rules};
use crate::surface::{self, Row};

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "blit-in-place-ignored",
        "decryption/in-place",
        "A blit of a buffer to itself without runs succeeds and does nothing.",
        blit(|call| in_place(call, |call, rows| if rows == 1 && call.info().is_none() { Some(left) } else { None })),
    ),
    fault(
        "blit-in-place-without-runs",
        "patterns/in-place",
        "A blit of a buffer to itself with runs deciphers all of it.",
        blit(|call| in_place(call, |call, rows| if rows == 1 && call.info().is_some() { Some(all) } else { None })),
    ),
    fault(
        "surface-in-place-by-rows",
        "surfaces/in-place",
        "In a blit of a surface to itself the keystream begins anew at each row.",
        blit(|call| in_place(call, |_, rows| if rows > 1 { Some(by_rows) } else { None })),
    ),
    fault(
        "rows-past-1024-left",
        "surfaces/many-rows",
        "The rows of a destination behind its 1,024th stay as they are.",
        blit(few_rows),
    ),
    fault(
        "source-padding-cleared",
        "surfaces/source-padding-not-written",
        "A DecryptionBlt fills the padding of its source with zeros.",
        blit(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK && call.source() != call.destination() {
                clear_padding(call.device().as_deref(), call.source());
            }
            hresult
        }),
    ),
    fault(
        "read-back-keystream-restarts-at-planes",
        "surfaces/read-back-planes",
        "In EncryptionBlt the keystream begins anew at each plane.",
        Hooks { cipher: Rules { restart: Restart::Planes, ..RULES }, ..read_back(encrypt_by_rules) },
    ),
    fault(
        "read-back-pitches-refused",
        "surfaces/read-back-pitches",
        "EncryptionBlt refuses a source and a destination of different pitches.",
        read_back(one_pitch),
    ),
    fault(
        "read-back-padding-cleared",
        "surfaces/read-back-padding-not-written",
        "An EncryptionBlt fills the padding of its destination with zeros.",
        read_back(|call| {
            let hresult = call.pass_on();
            if hresult == S_OK {
                clear_padding(call.device().as_deref(), call.destination());
            }
            hresult
        }),
    ),
    fault(
        "read-back-padding-read",
        "surfaces/read-back-padding-not-read",
        "What EncryptionBlt writes in the first byte of a row depends on the first byte of the source's padding behind it.",
        read_back(padding_read),
    ),
];

const fn blit(hook: fn(&DecryptionBlt<'_>) -> HRESULT) -> Hooks {
    Hooks { decryption_blt: Some(hook), ..Hooks::NONE }
}

const fn read_back(hook: fn(&EncryptionBlt<'_>) -> HRESULT) -> Hooks {
    Hooks { encryption_blt: Some(hook), ..Hooks::NONE }
}

/// What a blit in place makes of the rows, in place of what it should.
type InPlace = fn(&DecryptionBlt<'_>, &mut [Row]);

/// A blit; of a resource to itself as `choose` says, given its number of rows.
fn in_place(call: &DecryptionBlt<'_>, choose: impl FnOnce(&DecryptionBlt<'_>, usize) -> Option<InPlace>) -> HRESULT {
    let device = call.device().filter(|_| call.source() == call.destination());
    let before = device.and_then(|device| Some((surface::read(&device, call.source())?, device)));
    let hresult = call.pass_on();
    if let (S_OK, Some((mut rows, device))) = (hresult, before)
        && let Some(change) = choose(call, rows.len())
    {
        change(call, &mut rows);
        surface::write(&device, call.destination(), &rows, false);
    }
    hresult
}

fn left(_: &DecryptionBlt<'_>, _: &mut [Row]) {}

fn all(call: &DecryptionBlt<'_>, rows: &mut [Row]) {
    if let (Some(key), Some(iv)) = (call.data_key(), call.iv().block()) {
        apply(&RULES, &key, &iv, None, rows);
    }
}

fn by_rows(call: &DecryptionBlt<'_>, rows: &mut [Row]) {
    if let (Some(key), Some(iv)) = (call.data_key(), call.iv().block()) {
        apply(&Rules { restart: Restart::Rows, ..RULES }, &key, &iv, call.info().as_ref(), rows);
    }
}

fn few_rows(call: &DecryptionBlt<'_>) -> HRESULT {
    let device = call.device();
    let read = || surface::read(device.as_deref()?, call.destination());
    let before = read();
    let hresult = call.pass_on();
    if let (S_OK, Some(before), Some(device)) = (hresult, before.filter(|rows| rows.len() > 1024), &device)
        && let Some(mut rows) = read()
    {
        rows[1024..].clone_from_slice(&before[1024..]);
        surface::write(device, call.destination(), &rows, false);
    }
    hresult
}

fn clear_padding(device: Option<&crate::driver::Device>, resource: usize) {
    if let Some((device, mut rows)) = device.and_then(|device| Some((device, surface::read(device, resource)?))) {
        for row in &mut rows {
            row.padding.fill(0);
        }
        surface::write(device, resource, &rows, true);
    }
}

fn one_pitch(call: &EncryptionBlt<'_>) -> HRESULT {
    let pitch = |resource| {
        let rows = surface::read(call.device().as_deref()?, resource)?;
        let first = rows.first().filter(|_| rows.len() > 1)?;
        Some(first.bytes.len() + first.padding.len())
    };
    if pitch(call.source()) == pitch(call.destination()) {
        return call.pass_on();
    }
    let hresult = call.pass_on();
    if hresult == S_OK { call.report(E_INVALIDARG, "source and destination have different pitches") } else { hresult }
}

fn padding_read(call: &EncryptionBlt<'_>) -> HRESULT {
    let device = call.device();
    let read = |resource| surface::read(device.as_deref()?, resource);
    let source = read(call.source());
    let hresult = call.pass_on();
    if let (S_OK, Some(source), Some(mut rows), Some(device)) = (hresult, source, read(call.destination()), &device) {
        for (row, from) in rows.iter_mut().zip(&source) {
            if let (Some(byte), Some(padding)) = (row.bytes.first_mut(), from.padding.first()) {
                *byte ^= padding;
            }
        }
        surface::write(device, call.destination(), &rows, false);
    }
    hresult
}
