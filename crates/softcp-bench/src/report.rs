//! What was measured, as data.

use serde::Serialize;

use crate::machine::Machine;
use crate::timing::Summary;

/// Everything that a run measured.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BenchReport {
    /// The kernel of `softcp-aes` that a key gets by itself on this machine.
    pub kernel: String,
    /// The machine.
    pub machine: Machine,
    /// The other implementations.
    pub peers: Vec<PeerReport>,
    /// Whether it was measured in seconds instead of a minute: fewer sizes, fewer rounds.
    pub quick: bool,
    /// The groups that were measured.
    pub groups: Vec<GroupReport>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// Outputs that were compared with what they must be, and were right.
    pub outputs_checked: usize,
    /// Wall-clock time.
    pub seconds: f64,
}

/// Another implementation that was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerReport {
    /// Its name.
    pub name: &'static str,
    /// What it says its version is.
    pub version: Option<String>,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// How the figures of a group are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Gigabytes (10⁹ bytes) of payload per second.
    GigabytesPerSecond,
    /// The time of a call.
    Time,
    /// Calls per second.
    PerSecond,
}

/// A group of cases with the same implementations.
#[derive(Clone, Debug, Serialize)]
pub struct GroupReport {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it measures, in a sentence.
    pub description: &'static str,
    /// How its figures are read.
    pub unit: Unit,
    /// Its cases.
    pub cases: Vec<CaseReport>,
}

/// One thing that was done, by each implementation in each round.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// What was done.
    pub name: String,
    /// Bytes that one call moves; none: it moves no content worth counting.
    pub bytes: Option<u64>,
    /// Rounds that count.
    pub rounds: usize,
    /// Rounds that were dropped because something disturbed one of their turns.
    pub rounds_dropped: usize,
    /// One for each implementation; the first is the reference.
    pub results: Vec<ResultReport>,
}

/// The figures of one implementation.
#[derive(Clone, Debug, Serialize)]
pub struct ResultReport {
    /// Who.
    pub implementation: String,
    /// Median time of a call in nanoseconds.
    pub nanoseconds: f64,
    /// First quartile.
    pub lower_quartile: f64,
    /// Third quartile.
    pub upper_quartile: f64,
    /// Median absolute deviation, as a share of the median.
    pub spread: f64,
    /// Gigabytes (10⁹ bytes) of payload per second, by the median.
    pub gigabytes_per_second: Option<f64>,
    /// How many times as fast as the reference: the median over the rounds of both times in one round.
    pub ratio: f64,
}

impl CaseReport {
    pub(crate) fn new(name: String, bytes: Option<u64>, implementations: Vec<String>, summary: &Summary) -> Self {
        let results = implementations.into_iter().zip(&summary.figures).map(|(implementation, figures)| ResultReport {
            implementation,
            nanoseconds: figures.median,
            lower_quartile: figures.lower,
            upper_quartile: figures.upper,
            spread: figures.spread,
            gigabytes_per_second: bytes.map(|bytes| {
                #[expect(clippy::cast_precision_loss, reason = "surfaces are far smaller than 2^52 bytes")]
                let bytes = bytes as f64;
                bytes / figures.median
            }),
            ratio: figures.ratio,
        });
        Self { name, bytes, rounds: summary.rounds, rounds_dropped: summary.dropped, results: results.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::{Times, summarise};

    #[test]
    fn bytes_per_nanosecond_are_gigabytes_per_second() {
        let mut times = Times::new(2);
        times.push(vec![1000.0, 500.0]);
        let summary = summarise(&times);
        let names = || vec!["one".to_owned(), "other".to_owned()];
        let case = CaseReport::new("case".to_owned(), Some(16_000), names(), &summary);
        assert_eq!(case.results[0].gigabytes_per_second, Some(16.0));
        assert_eq!((case.results[1].gigabytes_per_second, case.results[1].ratio), (Some(32.0), 2.0));
        let case = CaseReport::new("case".to_owned(), None, names(), &summary);
        assert_eq!(case.results[0].gigabytes_per_second, None);
    }
}
