//! How a kernel goes about a call.

use crate::BLOCK;
use crate::caches::Caches;

/// How one call is gone about. Every plan gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) access: Access,
    /// Keystream is made for several pieces together and taken from a buffer; otherwise for each piece in registers.
    pub(crate) buffered: bool,
    /// Whether blocks of keystream and of the destination's memory begin together in every piece.
    pub(crate) aligned: bool,
}

/// How memory is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As it comes.
    Cached,
    /// Whole lines of the destination are written past the caches, and the source is asked for ahead of its turn.
    Streaming,
    /// Lines that are changed in place are asked for ahead of their turn.
    AskingAhead,
}

/// What a plan goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Bytes that are read and written in the blit that the call belongs to.
    pub(crate) blit_bytes: usize,
    /// Pieces of the call, and their bytes.
    pub(crate) pieces: usize,
    pub(crate) bytes: usize,
    pub(crate) in_place: bool,
    /// See [`Plan::aligned`].
    pub(crate) aligned: bool,
}

/// Pieces of fewer bytes than this, on average, share their keystream: a vector begun for each of them would be taken only in
/// part.
const SHORT: usize = 16 * BLOCK;

impl Plan {
    pub(crate) fn of(job: Job) -> Self {
        let Job { blit_bytes, pieces, bytes, in_place, aligned } = job;
        let buffered = pieces > 1 && bytes / pieces < SHORT;
        Self { access: Access::of(blit_bytes, in_place), buffered, aligned }
    }
}

impl Access {
    /// For a blit of `bytes`.
    pub(crate) fn of(bytes: usize, in_place: bool) -> Self {
        match (bytes >= Caches::get().streaming_from(), in_place) {
            (false, _) => Self::Cached,
            (true, false) => Self::Streaming,
            (true, true) => Self::AskingAhead,
        }
    }
}
