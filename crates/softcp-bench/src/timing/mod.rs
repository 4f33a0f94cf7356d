//! How time is measured: rounds in which each implementation has one turn, and what is made of their times.

mod random;
mod rounds;
mod statistics;

pub(crate) use random::SplitMix;
pub(crate) use rounds::{Schedule, Times, run};
pub(crate) use statistics::{Summary, summarise};
