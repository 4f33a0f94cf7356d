//! What is measured.

mod channel;
mod regions;
mod samples;
mod sessions;
mod surfaces;
mod threads;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::bench::Bench;
use crate::case::Case;
use crate::error::BenchError;
use crate::report::Unit;
use crate::timing::Schedule;

/// A group of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Surfaces from source to destination, in the caches as far as they fit.
    Surfaces,
    /// The same from memory.
    Cold,
    /// Rows with padding between them, and of odd widths.
    Pitches,
    /// Surfaces where they are.
    InPlace,
    /// Buffers in CBC.
    Cbc,
    /// Buffers with patterns of encrypted and clear blocks.
    Patterns,
    /// Samples of a file, each with its wrapped content key.
    Samples,
    /// Session key refreshes.
    Refresh,
    /// Key exchanges.
    KeyExchange,
    /// Queries over an authenticated channel.
    Query,
    /// Sessions from creation to destruction.
    Sessions,
    /// A blit while there are many sessions.
    ManySessions,
    /// Blits on several threads.
    Threads,
}

impl Group {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 13] = [
        Self::Surfaces,
        Self::Cold,
        Self::Pitches,
        Self::InPlace,
        Self::Cbc,
        Self::Patterns,
        Self::Samples,
        Self::Refresh,
        Self::KeyExchange,
        Self::Query,
        Self::Sessions,
        Self::ManySessions,
        Self::Threads,
    ];

    /// Its name, as `key-exchange`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Surfaces => "surfaces",
            Self::Cold => "cold",
            Self::Pitches => "pitches",
            Self::InPlace => "in-place",
            Self::Cbc => "cbc",
            Self::Patterns => "patterns",
            Self::Samples => "samples",
            Self::Refresh => "refresh",
            Self::KeyExchange => "key-exchange",
            Self::Query => "query",
            Self::Sessions => "sessions",
            Self::ManySessions => "many-sessions",
            Self::Threads => "threads",
        }
    }

    /// What it measures.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Surfaces => "Surfaces from source to destination, in the caches as far as they fit",
            Self::Cold => "Surfaces from source to destination, from memory",
            Self::Pitches => "Surfaces whose rows have padding between them or odd widths",
            Self::InPlace => "Surfaces encrypted where they are; the plain copy goes to another surface",
            Self::Cbc => {
                "Whole buffers decrypted with AES-128-CBC; \"AES limit\" does ten rounds per block in registers alone"
            }
            Self::Patterns => "Buffers of encrypted and clear blocks in turn, by the schemes cbcs and cens",
            Self::Samples => "Samples of 1500 bytes, each with its wrapped content key",
            Self::Refresh => "Session key refresh: Start and Finish",
            Self::KeyExchange => "Key exchange: RSAES-OAEP with 2048 bits and SHA-512",
            Self::Query => "Queries over an authenticated channel",
            Self::Sessions => "Sessions created, given a key and destroyed",
            Self::ManySessions => "DecryptionBlt of 256 bytes while there are many sessions",
            Self::Threads => "DecryptionBlt on several threads (blit.threads)",
        }
    }

    /// How its figures are read.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Surfaces
            | Self::Cold
            | Self::Pitches
            | Self::InPlace
            | Self::Cbc
            | Self::Patterns
            | Self::Threads => Unit::GigabytesPerSecond,
            Self::Samples | Self::Refresh | Self::Query | Self::ManySessions => Unit::Time,
            Self::KeyExchange | Self::Sessions => Unit::PerSecond,
        }
    }

    /// What there is to measure in it. What has to be left out is noted.
    pub(crate) fn plan(self, bench: &mut Bench<'_>) -> Vec<Planned> {
        match self {
            Self::Surfaces => surfaces::warm(bench),
            Self::Cold => surfaces::cold(bench),
            Self::Pitches => surfaces::pitches(bench),
            Self::InPlace => surfaces::in_place(bench),
            Self::Cbc => regions::cbc(bench),
            Self::Patterns => regions::patterns(bench),
            Self::Samples => samples::plan(bench),
            Self::Refresh => sessions::refresh(bench),
            Self::KeyExchange => sessions::key_exchange(bench),
            Self::Query => channel::plan(bench),
            Self::Sessions => sessions::whole(bench),
            Self::ManySessions => sessions::many(bench),
            Self::Threads => threads::plan(bench),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|group| group.name() == name).ok_or_else(|| UnknownGroup(name.to_owned()))
    }
}

/// A name that no group has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no group {0:?}")]
pub struct UnknownGroup(String);

/// A case that is made when its turn comes: surfaces of all cases together would not fit into memory.
pub(crate) struct Planned {
    /// What the progress shows.
    pub(crate) name: String,
    pub(crate) schedule: Schedule,
    pub(crate) build: Box<Build>,
}

/// Makes a case.
type Build = dyn FnOnce(&Bench<'_>) -> Result<Case, BenchError>;

impl Planned {
    fn new(
        name: impl Into<String>,
        schedule: Schedule,
        build: impl FnOnce(&Bench<'_>) -> Result<Case, BenchError> + 'static,
    ) -> Self {
        Self { name: name.into(), schedule, build: Box::new(build) }
    }
}

/// Calls that bring the data of a turn into the caches. One does not suffice: the ciphers share their surfaces and the
/// driver has others, and caches prefer to keep what was used more than once.
const WARM_UP: u32 = 3;

/// For cases whose data is in the caches, or that have hardly any.
fn warm(bench: &Bench<'_>) -> Schedule {
    if bench.quick { schedule(60, 20, 5, WARM_UP) } else { schedule(1_600, 100, 15, WARM_UP) }
}

/// For cases whose data comes from memory: one call is a turn.
fn from_memory(bench: &Bench<'_>) -> Schedule {
    if bench.quick { schedule(100, 0, 5, 0) } else { schedule(2_500, 0, 15, 0) }
}

fn schedule(budget_ms: u64, turn_us: u64, least_rounds: usize, warm_up: u32) -> Schedule {
    Schedule { budget: Duration::from_millis(budget_ms), turn: Duration::from_micros(turn_us), least_rounds, warm_up }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_found_by_its_name() {
        for group in Group::ALL {
            assert_eq!(group.to_string().parse(), Ok(group));
        }
        assert_eq!("none".parse::<Group>().unwrap_err().to_string(), "there is no group \"none\"");
    }
}
