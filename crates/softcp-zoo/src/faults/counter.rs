//! The counter of blits, and where the keystream goes.

use super::{cipher, fault};
use crate::FaultyDriver;
use crate::cipher::{Counter, RULES, Restart, Rules, count};
use crate::keys::Block;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "counter-carries-into-iv",
        "decryption/count-carry",
        "Count carries into the IV when it overflows.",
        with(|iv, number| u128::from_be_bytes(*iv).wrapping_add(number.into()).to_be_bytes()),
    ),
    fault(
        "counter-of-32-bits",
        "decryption/count-carry",
        "Only the last 32 bits of Count go up.",
        with(|iv, number| {
            let mut block = *iv;
            let low = u32::from_be_bytes([iv[12], iv[13], iv[14], iv[15]]);
            block[12..].copy_from_slice(&low.wrapping_add(low_half(number)).to_be_bytes());
            block
        }),
    ),
    fault(
        "counter-little-endian",
        "decryption/session-key",
        "Count goes up as a little-endian number.",
        with(|iv, number| {
            let mut block = *iv;
            let count = u64::from_le_bytes(std::array::from_fn(|i| iv[8 + i]));
            block[8..].copy_from_slice(&count.wrapping_add(number).to_le_bytes());
            block
        }),
    ),
    fault(
        "counter-starts-at-zero",
        "decryption/count-starts-where-told",
        "The caller's Count is ignored: it starts at zero.",
        with(|iv, number| {
            let mut block = *iv;
            block[8..].fill(0);
            count(&block, number)
        }),
    ),
    fault(
        "counter-starts-at-one",
        "decryption/count-starts-where-told",
        "The first block is that of the caller's Count plus one.",
        with(|iv, number| count(iv, number + 1)),
    ),
    fault(
        "counter-high-half-ignored",
        "decryption/count-starts-where-told",
        "The upper 32 bits of the caller's Count are taken as zero.",
        with(|iv, number| {
            let mut block = *iv;
            block[8..12].fill(0);
            count(&block, number)
        }),
    ),
    fault(
        "iv-high-half-ignored",
        "decryption/iv-is-used",
        "The upper 32 bits of the IV are taken as zero.",
        with(|iv, number| {
            let mut block = *iv;
            block[..4].fill(0);
            count(&block, number)
        }),
    ),
    fault(
        "iv-ignored",
        "decryption/iv-is-used",
        "The IV is taken as zero.",
        with(|iv, number| {
            let mut block = *iv;
            block[..8].fill(0);
            count(&block, number)
        }),
    ),
    fault(
        "counter-starts-over-in-large-buffers",
        "decryption/large",
        "After 65,536 bytes the keystream begins anew.",
        with(|iv, number| count(iv, number % 4096)),
    ),
    fault(
        "last-partial-block-encrypted",
        "decryption/any-length",
        "The last bytes of a buffer stay as they are if they are no whole block.",
        cipher(Rules { last_partial_block: false, ..RULES }),
    ),
    fault(
        "keystream-restarts-at-rows",
        "surfaces/rows-go-on",
        "The keystream begins anew at each row.",
        cipher(Rules { restart: Restart::Rows, ..RULES }),
    ),
    fault(
        "keystream-restarts-at-planes",
        "surfaces/planes-in-order",
        "The keystream begins anew at each plane.",
        cipher(Rules { restart: Restart::Planes, ..RULES }),
    ),
    fault(
        "padding-takes-keystream",
        "surfaces/padding-not-read",
        "The padding of the source is deciphered like the bytes before it, and takes keystream.",
        cipher(Rules { padding_takes_keystream: true, ..RULES }),
    ),
    fault(
        "padding-written",
        "surfaces/padding-not-written",
        "The padding of the source is copied to the destination.",
        cipher(Rules { padding_is_written: true, ..RULES }),
    ),
    fault(
        "odd-widths-left",
        "surfaces/odd-widths",
        "Of each row, the bytes behind the last multiple of 4 stay as they are.",
        cipher(Rules { row_unit: 4, ..RULES }),
    ),
];

const fn with(counter: Counter) -> crate::calls::Hooks {
    cipher(Rules { counter, ..RULES })
}

/// The lower 32 bits.
fn low_half(number: u64) -> u32 {
    let block: Block = u128::from(number).to_be_bytes();
    u32::from_be_bytes([block[12], block[13], block[14], block[15]])
}
