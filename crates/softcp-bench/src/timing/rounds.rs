//! Rounds: in each of them every implementation has one turn, in an order drawn anew.

use std::time::{Duration, Instant};

use super::SplitMix;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Time for all rounds of a case.
    pub(crate) budget: Duration,
    /// A turn lasts at least about this long: long enough for the clock.
    pub(crate) turn: Duration,
    /// Rounds that are made even if the budget does not suffice.
    pub(crate) least_rounds: usize,
    /// Calls at the beginning of each turn that do not count, so that its data is in the caches; none: data comes from
    /// memory, and a turn is one call.
    pub(crate) warm_up: u32,
}

/// More rounds tell no more.
const MOST_ROUNDS: usize = 501;

/// Calls of a turn, at most.
const MOST_CALLS: u32 = 1 << 20;

/// Nanoseconds per call: one row per round, one column per implementation.
#[derive(Debug)]
pub(crate) struct Times {
    implementations: usize,
    rounds: Vec<Vec<f64>>,
}

impl Times {
    pub(crate) fn new(implementations: usize) -> Self {
        Self { implementations, rounds: Vec::new() }
    }

    pub(crate) fn push(&mut self, round: Vec<f64>) {
        assert_eq!(round.len(), self.implementations, "a round has a turn for each implementation");
        self.rounds.push(round);
    }

    pub(crate) fn implementations(&self) -> usize {
        self.implementations
    }

    pub(crate) fn rounds(&self) -> &[Vec<f64>] {
        &self.rounds
    }
}

/// Lets `implementations`, each a call, take turns until the budget is used up.
pub(crate) fn run<E>(
    implementations: &mut [&mut dyn FnMut() -> Result<(), E>],
    schedule: Schedule,
    random: &mut SplitMix,
) -> Result<Times, E> {
    let mut calls = Vec::new();
    for call in implementations.iter_mut() {
        calls.push(if schedule.warm_up == 0 { 1 } else { calls_per_turn(*call, schedule.turn)? });
    }
    let mut order: Vec<_> = (0..implementations.len()).collect();
    let mut times = Times::new(implementations.len());
    let start = Instant::now();
    while times.rounds.len() < schedule.least_rounds
        || (start.elapsed() < schedule.budget && times.rounds.len() < MOST_ROUNDS)
    {
        random.shuffle(&mut order);
        let mut round = vec![0.0; implementations.len()];
        for &implementation in &order {
            turn(implementations[implementation], schedule.warm_up)?;
            let taken = turn(implementations[implementation], calls[implementation])?;
            // A clock that stood still would make a ratio of nothing.
            round[implementation] = (taken.as_secs_f64() * 1e9).max(1.0) / f64::from(calls[implementation]);
        }
        times.push(round);
    }
    Ok(times)
}

/// The calls that fill a turn.
fn calls_per_turn<E>(call: &mut dyn FnMut() -> Result<(), E>, least: Duration) -> Result<u32, E> {
    let mut calls = 1;
    // The first one pays for cold code and fresh pages.
    call()?;
    while turn(call, calls)? < least && calls < MOST_CALLS {
        calls *= 2;
    }
    Ok(calls)
}

fn turn<E>(call: &mut dyn FnMut() -> Result<(), E>, calls: u32) -> Result<Duration, E> {
    let start = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(start.elapsed())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const NO_TIME: Schedule = Schedule { budget: Duration::ZERO, turn: Duration::ZERO, least_rounds: 4, warm_up: 0 };

    #[test]
    fn every_implementation_has_one_turn_in_each_round() {
        let (mut first, mut second) = (0, 0);
        let mut one = || -> Result<(), Infallible> {
            first += 1;
            Ok(())
        };
        let mut other = || {
            second += 1;
            Ok(())
        };
        let Ok(times) = run(&mut [&mut one, &mut other], NO_TIME, &mut SplitMix::new(1));
        assert_eq!((first, second), (4, 4));
        assert_eq!((times.rounds().len(), times.implementations()), (4, 2));
        assert!(times.rounds().iter().flatten().all(|&time| time > 0.0));
    }

    #[test]
    fn warm_turn_begins_with_calls_that_are_not_timed() {
        let mut calls = 0;
        let mut slow_at_first = || -> Result<(), Infallible> {
            calls += 1;
            // After two calls that find out how many fill a turn, each fourth one is timed.
            if calls <= 2 || calls % 4 != 2 {
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        };
        let schedule = Schedule { warm_up: 3, ..NO_TIME };
        let Ok(times) = run(&mut [&mut slow_at_first], schedule, &mut SplitMix::new(1));
        assert!(times.rounds().iter().any(|round| round[0] < 1e7), "{times:?}");
        assert_eq!(calls, 2 + 4 * (3 + 1));
    }

    #[test]
    fn short_calls_are_repeated_until_they_fill_a_turn() {
        let mut call = || -> Result<(), Infallible> {
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        };
        let Ok(calls) = calls_per_turn(&mut call, Duration::from_millis(3));
        // A sleep lasts at least as long as asked for.
        assert!((2..=4).contains(&calls), "{calls}");
    }

    #[test]
    fn failure_of_an_implementation_ends_the_case() {
        let mut fine = || Ok(());
        let mut broken = || Err("broken");
        let error = run(&mut [&mut fine, &mut broken], NO_TIME, &mut SplitMix::new(1)).unwrap_err();
        assert_eq!(error, "broken");
    }
}
