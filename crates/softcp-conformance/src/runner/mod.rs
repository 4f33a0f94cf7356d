//! Runs cases, in this process or each group in a child of its own.
//!
//! Each case runs in the plainest circumstances first, and then, unless the run is a quick one, in
//! [variations](crate::variation).
//!
//! A driver may crash, hang or end its process. In a child that costs one case: what the child has said until then stays,
//! the case that it was at is a failed one with the way it went, and the cases behind it run in a new child. A driver that
//! ends the process when it is closed or unloaded does so in every child; that is one finding, of the case
//! [`UNLOAD`], which has a child of its own.

mod child;
mod clock;
mod protocol;

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use softcp_runtime::{Driver, Error, SUB_DEVICES};

use crate::case::{Case, Stop};
use crate::context::{Context, DriverSource};
use crate::variation::Variation;
use crate::{cases, diagnosis};

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
    /// A case that the driver has kept so far begins once more, in other circumstances.
    Varied {
        /// Which.
        variation: String,
    },
    /// A case has ended.
    Ended(CaseReport),
}

/// What a run needs to know.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Options for the driver, in the syntax of `SOFTCP_OPTIONS`.
    pub driver_options: String,
    /// Decides the keys, IVs and contents of the cases, and their variations: the same seed, the same run.
    pub seed: u64,
    /// Which cases run in variations.
    pub varied: Varied,
}

/// Which cases run in variations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Varied {
    /// All.
    #[default]
    All,
    /// None: each runs once.
    None,
    /// The one of this name.
    Only(String),
}

impl Varied {
    fn contains(&self, case: &Case) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Only(name) => name == case.name,
        }
    }

    /// How cases were varied, in a sentence without its end.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::All => {
                "each rule once, then again on every table that the driver has, in a mix of further devices and \
                          openings, threads and addresses that the seed decides"
                    .to_owned()
            }
            Self::None => "each rule once, on the newest table".to_owned(),
            Self::Only(name) => format!("each rule once, and {name} in variations"),
        }
    }
}

/// The case about the end of a driver.
pub const UNLOAD: &str = "process/unload";

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
    let tables = tables(&driver);
    for case in cases {
        on_event(Event::Began { case: case.name.to_owned() });
        let report = run_case((&driver, &tables), source, options, case, on_event);
        on_event(Event::Ended(report));
    }
    Ok(())
}

/// The sub-devices whose tables the driver fills, the newest first.
fn tables(driver: &Driver) -> Vec<u32> {
    SUB_DEVICES.into_iter().filter(|table| driver.create_device_with_table(*table).is_ok()).collect()
}

/// Runs each batch of cases in a child process of its own, `jobs` of them at a time. Events of several children come in
/// between each other.
pub fn run_isolated(
    isolation: &Isolation,
    options: &RunOptions,
    batches: &[Vec<&'static Case>],
    jobs: usize,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RunError> {
    let is_unload = |name: &&str| *name == UNLOAD;
    let mut left: VecDeque<Vec<&str>> = VecDeque::new();
    for cases in batches {
        let names: Vec<_> = cases.iter().map(|case| case.name).collect();
        // Its result is how the child ends.
        let (alone, others): (Vec<_>, Vec<_>) = names.into_iter().partition(is_unload);
        left.extend([others, alone].into_iter().filter(|names| !names.is_empty()));
    }
    let has_unload = left.iter().flatten().any(is_unload);
    let left = Mutex::new(left);
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let (sender, events) = channel();
    let work = |sender: Sender<Event>| -> Result<Vec<CaseReport>, RunError> {
        let mut at_the_end = Vec::new();
        while let Some(names) = next() {
            let ended = isolation.run(options, &names, &mut |event| drop(sender.send(event)));
            let ended = ended.inspect_err(|_| left.lock().unwrap_or_else(PoisonError::into_inner).clear())?;
            at_the_end.extend(ended);
        }
        Ok(at_the_end)
    };
    let crashed = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1))
            .map(|_| {
                let sender = sender.clone();
                scope.spawn(|| work(sender))
            })
            .collect();
        drop(sender);
        events.into_iter().for_each(&mut *on_event);
        let results = workers.into_iter().map(|worker| worker.join().expect("workers do not panic"));
        results.collect::<Result<Vec<_>, _>>()
    })?;
    // Without the case that is about it, the first child tells.
    if let (false, Some(first)) = (has_unload, crashed.into_iter().flatten().next()) {
        on_event(Event::Ended(first));
    }
    Ok(())
}

/// A case in the plainest circumstances, then in its variations.
fn run_case(
    (driver, tables): (&Driver, &[u32]),
    source: &DriverSource,
    options: &RunOptions,
    case: &Case,
    on_event: &mut dyn FnMut(Event),
) -> CaseReport {
    let seed = seed_of(case.name, options.seed);
    let start = Instant::now();
    let (mut outcome, mut notes) = check(driver, source, options, case, (Variation::PLAIN, seed));
    if outcome == Outcome::Passed && options.varied.contains(case) {
        for (number, variation) in (1..).zip(Variation::mix(cases::mix_of(case.name), tables, seed)) {
            on_event(Event::Varied { variation: variation.to_string() });
            let (varied, evidence) = check(driver, source, options, case, (variation, seed.wrapping_add(number)));
            if let Outcome::Failed { expected, seen: found } = varied {
                let text = format!("{found} (with {variation}; the rule is kept with {})", Variation::PLAIN);
                (outcome, notes) = (Outcome::Failed { expected, seen: text }, evidence);
                break;
            }
        }
    }
    CaseReport { name: case.name.to_owned(), outcome, notes, micros: micros(start.elapsed()) }
}

fn check(
    driver: &Driver,
    source: &DriverSource,
    options: &RunOptions,
    case: &Case,
    (variation, seed): (Variation, u64),
) -> (Outcome, Vec<String>) {
    diagnosis::forget();
    let context = Context::new(driver, source, &options.driver_options, variation, seed);
    let checked = catch_unwind(AssertUnwindSafe(|| (case.run)(&context)));
    let outcome = match checked {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Stop::Skipped { reason })) => Outcome::Skipped { reason },
        Ok(Err(Stop::Failed { expected, seen })) => Outcome::Failed { expected, seen },
        Err(panic) => Outcome::Failed { expected: "a check that comes to its end".to_owned(), seen: text_of(&*panic) },
    };
    (outcome, context.into_notes())
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
