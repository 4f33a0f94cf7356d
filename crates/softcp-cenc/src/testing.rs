//! Boxes for the unit tests.

use core::fmt::Debug;

use crate::FourCc;
use crate::error::{BoxDefect, Error, Result};

/// A box.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "a byte string is a reference")]
pub(crate) fn bx(kind: &[u8; 4], payload: &[&[u8]]) -> Vec<u8> {
    let payload = payload.concat();
    let size = u32::try_from(payload.len() + 8).expect("test boxes are small").to_be_bytes();
    [&size[..], kind, &payload].concat()
}

/// The type of the box that an error is about, and what is wrong with it.
pub(crate) fn box_defect<T: Debug>(result: Result<T>) -> (FourCc, BoxDefect) {
    match result {
        Err(Error::Box { kind, defect, .. }) => (kind, defect),
        other => panic!("no box defect: {other:?}"),
    }
}

/// What is wrong with a box, whichever it is.
pub(crate) fn defect<T: Debug>(result: Result<T>) -> BoxDefect {
    box_defect(result).1
}

/// Bytes without any order (xorshift).
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}
