//! How a kernel goes about a call.

use crate::BLOCK;
use crate::caches::Caches;

/// How one call is gone about. Every plan gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) access: Access,
    /// Keystream is made for several spans together and taken from a buffer; otherwise for each span in registers.
    pub(crate) buffered: bool,
    /// Whether blocks of keystream and of the destination's memory begin together in every span.
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
    Prefetch,
}

/// What a plan goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Bytes that are read and written in the blit that the call belongs to.
    pub(crate) total_len: usize,
    /// Spans of the call, and their bytes.
    pub(crate) spans: usize,
    pub(crate) bytes: usize,
    pub(crate) in_place: bool,
    /// See [`Plan::aligned`].
    pub(crate) aligned: bool,
}

/// Spans of fewer bytes than this, on average, share their keystream: a vector begun for each of them would be taken only in
/// part.
const SHORT: usize = 16 * BLOCK;

impl Plan {
    pub(crate) fn of(job: Job) -> Self {
        let Job { total_len, spans, bytes, in_place, aligned } = job;
        let buffered = spans > 1 && bytes / spans < SHORT;
        Self { access: Access::of(total_len, in_place), buffered, aligned }
    }
}

impl Access {
    /// For a blit of `bytes`.
    pub(crate) fn of(bytes: usize, in_place: bool) -> Self {
        match (bytes >= Caches::get().streaming_from(), in_place) {
            (false, _) => Self::Cached,
            (true, false) => Self::Streaming,
            (true, true) => Self::Prefetch,
        }
    }
}
