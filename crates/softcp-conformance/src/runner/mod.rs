//! Runs cases, in this process or each group in a child of its own.
//!
//! A driver may crash, hang or end its process. In a child that costs one case: what the child has said until then stays,
//! the case that it was at is a failed one with the way it went, and the cases behind it run in a new child.

mod child;
mod protocol;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use softcp_runtime::{Driver, Error};

use crate::case::{Case, Stop};
use crate::context::{Context, DriverSource};

pub use child::{Isolation, serve};

/// What came of one case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The driver keeps the rule.
    Passed,
    /// The rule is about something that the driver does not offer.
    Skipped {
        /// What it does not offer.
        reason: String,
    },
    /// The driver breaks the rule.
    Failed {
        /// What should have been.
        expected: String,
        /// What was.
        seen: String,
    },
    /// The driver has ended the process.
    Crashed {
        /// How: a signal, an exit code.
        how: String,
    },
    /// The driver was not done within the time limit.
    TimedOut {
        /// The time limit in milliseconds.
        limit_ms: u64,
    },
}

impl Outcome {
    /// Whether the driver broke the rule, in whatever way.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Crashed { .. } | Self::TimedOut { .. })
    }
}

/// A case that has run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// The case's name.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Evidence: what was measured, what the driver printed.
    pub notes: Vec<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// What happens in a run, as it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The driver is open.
    Opened {
        /// What it calls itself.
        driver: String,
        /// Its version.
        version: String,
    },
    /// A case begins.
    Began {
        /// Its name.
        case: String,
    },
    /// A case has ended.
    Ended(CaseReport),
}

/// What a run needs to know.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Options for the driver, in the syntax of `SOFTCP_OPTIONS`.
    pub driver_options: String,
    /// Decides the keys, IVs and contents of the cases: the same seed, the same run.
    pub seed: u64,
}

/// Why a run could not be.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The driver cannot be opened.
    #[error("the driver cannot be opened: {0}")]
    Open(String),
    /// A child process cannot be started or talked to.
    #[error("a child process for the cases cannot be used: {0}")]
    Child(#[from] std::io::Error),
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        // The loader of the system says more than that it failed.
        let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let deepest = causes.last().map(|cause| format!(" ({cause})")).unwrap_or_default();
        Self::Open(format!("{error}{deepest}"))
    }
}

/// Runs cases in this process. A driver that crashes or hangs takes the process with it.
pub fn run_here<'c>(
    source: &DriverSource,
    options: &RunOptions,
    cases: impl IntoIterator<Item = &'c Case>,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    let driver = source.open(&options.driver_options)?;
    on_event(Event::Opened { driver: driver.name().to_owned(), version: driver.version().to_owned() });
    for case in cases {
        on_event(Event::Began { case: case.name.to_owned() });
        on_event(Event::Ended(run_case(&driver, source, options, case)));
    }
    Ok(())
}

/// Runs each batch of cases in a child process of its own.
pub fn run_isolated(
    isolation: &Isolation,
    options: &RunOptions,
    batches: &[Vec<&'static Case>],
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    for cases in batches {
        let names: Vec<_> = cases.iter().map(|case| case.name).collect();
        isolation.run(options, &names, on_event)?;
    }
    Ok(())
}

fn run_case(driver: &Driver, source: &DriverSource, options: &RunOptions, case: &Case) -> CaseReport {
    let context = Context::new(driver, source, &options.driver_options, seed_of(case.name, options.seed));
    let start = Instant::now();
    let checked = catch_unwind(AssertUnwindSafe(|| (case.run)(&context)));
    let time = start.elapsed();
    let outcome = match checked {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Stop::Skipped { reason })) => Outcome::Skipped { reason },
        Ok(Err(Stop::Failed { expected, seen })) => Outcome::Failed { expected, seen },
        Err(panic) => Outcome::Failed { expected: "a check that comes to its end".to_owned(), seen: text_of(&*panic) },
    };
    CaseReport { name: case.name.to_owned(), outcome, notes: context.into_notes(), micros: micros(time) }
}

/// Another seed for each case, so that it does not matter which others run (FNV-1a).
fn seed_of(name: &str, seed: u64) -> u64 {
    name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    format!("a panic: {}", text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
