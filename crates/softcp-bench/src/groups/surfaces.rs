//! Surfaces: warm, from memory, with padding, and in place.

use std::cell::RefCell;
use std::rc::Rc;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK,
};

use super::{Planned, from_memory, warm as schedule};
use crate::bench::Bench;
use crate::case::Case;
use crate::driver::{Blit, Blits, Link};
use crate::error::BenchError;
use crate::implementations::{AwsLc, Cipher, KEY, OnSurfaces, PlainCopy, RustCrypto, kernels, reference};
use crate::machine::available_memory;
use crate::surface::{Ring, Shape, content};

const HD: Shape = Shape::packed(1920, 1620);
const UHD: Shape = Shape::packed(3840, 3240);

/// A surface that is measured, and whether it is measured in a quick run too.
type Sized = (&'static str, Shape, bool);

const WARM: [Sized; 6] = [
    ("1 KiB", Shape::flat(1 << 10), true),
    ("16 KiB", Shape::flat(16 << 10), false),
    ("256 KiB", Shape::flat(256 << 10), true),
    ("1080p NV12", HD, true),
    ("4K NV12", UHD, false),
    ("64 MiB", Shape::flat(64 << 20), false),
];

const COLD: [Sized; 3] = [("1080p NV12", HD, true), ("4K NV12", UHD, false), ("64 MiB", Shape::flat(64 << 20), false)];

const PITCHED: [Sized; 4] = [
    ("1080p, pitch 1920", HD, false),
    ("1080p, pitch 2048", Shape { row_pitch: 2048, row_bytes: 1920, rows: 1620 }, true),
    ("4K, pitch 4096", Shape { row_pitch: 4096, row_bytes: 3840, rows: 3240 }, false),
    ("1366 x 768, pitch 1536", Shape { row_pitch: 1536, row_bytes: 1366, rows: 1152 }, true),
];

const IN_PLACE: [Sized; 3] =
    [("256 KiB", Shape::flat(256 << 10), true), ("1080p NV12", HD, false), ("4K NV12", UHD, false)];

/// How a case is done.
#[derive(Clone, Copy, Debug)]
struct Manner {
    in_place: bool,
    /// Bytes that lie between two uses of a surface; 0 for one surface that is used again and again.
    distance: u64,
}

pub(super) fn warm(bench: &mut Bench<'_>) -> Vec<Planned> {
    planned(bench, &WARM, Manner { in_place: false, distance: 0 })
}

pub(super) fn pitches(bench: &mut Bench<'_>) -> Vec<Planned> {
    planned(bench, &PITCHED, Manner { in_place: false, distance: 0 })
}

pub(super) fn in_place(bench: &mut Bench<'_>) -> Vec<Planned> {
    planned(bench, &IN_PLACE, Manner { in_place: true, distance: 0 })
}

pub(super) fn cold(bench: &mut Bench<'_>) -> Vec<Planned> {
    // Twice the last level: the order within the rounds is random, and caches are not perfect.
    let distance = 2 * bench.machine.last_level_cache();
    match available_memory() {
        Some(available) if distance > available / 2 => {
            let [needed, available] = [distance, available].map(|bytes| bytes >> 20);
            bench.skip("cold", format!("needs {needed} MiB to get past the caches; {available} MiB are free"));
            Vec::new()
        }
        _ => planned(bench, &COLD, Manner { in_place: false, distance }),
    }
}

fn planned(bench: &Bench<'_>, sizes: &[Sized], manner: Manner) -> Vec<Planned> {
    let schedule = if manner.distance == 0 { schedule(bench) } else { from_memory(bench) };
    let chosen = sizes.iter().filter(|(_, _, is_quick)| *is_quick || !bench.quick);
    chosen
        .map(|&(name, shape, _)| Planned::new(name, schedule, move |bench| case(bench, name, shape, manner)))
        .collect()
}

fn case(bench: &Bench<'_>, name: &str, shape: Shape, manner: Manner) -> Result<Case, BenchError> {
    let ciphers = ciphers(bench)?;
    let blits = blits(bench, manner);
    let content = content(shape.visible());
    let encrypted = Rc::from(reference(&KEY, &content));
    let pairs = |implementations| pairs_for(manner.distance, shape, implementations, ciphers.len() + blits.len());

    let mut case = Case::new(name, Some(shape.visible()));
    let ring = Rc::new(RefCell::new(Ring::of_buffers(pairs(ciphers.len()), shape, &content)));
    let drivers: Vec<_> = blits
        .chunk_by(|(one, ..), (next, ..)| std::ptr::eq(*one, *next))
        .map(|blits| {
            let resources = blits[0].0.resources(pairs(blits.len()), shape, &content)?;
            Ok((blits, Rc::new(RefCell::new(resources))))
        })
        .collect::<Result<_, BenchError>>()?;
    let content = Rc::from(content);
    let on_surfaces = |cipher, in_place| OnSurfaces { cipher, ring: Rc::clone(&ring), shape, in_place };
    for (name, cipher, is_copy) in ciphers {
        let expected = if is_copy { &content } else { &encrypted };
        case.add(name, expected, on_surfaces(cipher, manner.in_place && !is_copy));
    }
    for (blits, resources) in drivers {
        for (link, name, blit) in blits {
            let expected = if *blit == Blit::Encrypt { &content } else { &encrypted };
            case.add(name, expected, Blits::new(link, *blit, &resources, shape)?);
        }
    }
    Ok(case)
}

/// How many pairs of surfaces a part of the implementations shares, so that `distance` bytes lie between two uses of each.
///
/// Implementations take equal turns, so while a ring of a part goes round once, all others move their share as well.
fn pairs_for(distance: u64, shape: Shape, part: usize, all: usize) -> usize {
    let bytes_per_turn = 2 * shape.len() as u64;
    let turns = distance.div_ceil(bytes_per_turn);
    let pairs = (turns * part as u64).div_ceil(all as u64) + 1;
    usize::try_from(pairs).expect("the surfaces fit into memory")
}

/// A cipher, its name, and whether it is the plain copy.
type Named = (String, Box<dyn Cipher>, bool);

/// The plain copy first: ratios are to it.
fn ciphers(bench: &Bench<'_>) -> Result<Vec<Named>, BenchError> {
    let mut ciphers: Vec<Named> = vec![("memcpy".to_owned(), Box::new(PlainCopy), true)];
    for kernel in kernels() {
        ciphers.push((kernel.name().to_owned(), Box::new(kernel), false));
    }
    if let Some(openssl) = &bench.openssl {
        ciphers.push(("OpenSSL".to_owned(), Box::new(openssl.cipher()?), false));
    }
    ciphers.push(("aws-lc".to_owned(), Box::new(AwsLc::new()?), false));
    ciphers.push(("RustCrypto".to_owned(), Box::new(RustCrypto::new()), false));
    Ok(ciphers)
}

/// What the drivers can do of it, driver by driver.
fn blits<'b>(bench: &'b Bench<'_>, manner: Manner) -> Vec<(&'b Link, String, Blit)> {
    let mut blits = Vec::new();
    for (link, of) in bench.links(&[]) {
        if link.has(D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT) {
            let blit = if manner.in_place { Blit::InPlace } else { Blit::Decrypt };
            blits.push((link, format!("DecryptionBlt{of}"), blit));
        }
        if !manner.in_place && link.has(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK) {
            blits.push((link, format!("EncryptionBlt{of}"), Blit::Encrypt));
        }
    }
    blits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_implementations_use_one_pair() {
        assert_eq!(pairs_for(0, HD, 5, 7), 1);
    }

    #[test]
    fn rings_together_hold_the_distance() {
        let distance = 520 << 20;
        for shape in [HD, UHD, Shape::flat(64 << 20)] {
            let (ciphers, blits) = (pairs_for(distance, shape, 5, 7), pairs_for(distance, shape, 2, 7));
            // While a ring goes round, every implementation moves a pair in each of its turns.
            for (pairs, part) in [(ciphers, 5), (blits, 2)] {
                let moved = (pairs as u64 * 2 * shape.len() as u64) * 7 / part;
                assert!(moved >= distance, "{shape:?}: {pairs}");
            }
            // And hardly more than that: one pair to spare for each, and one for rounding up.
            assert!((ciphers + blits - 4) as u64 * 2 * (shape.len() as u64) <= distance, "{shape:?}");
        }
    }
}
