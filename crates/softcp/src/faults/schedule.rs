//! When a fault occurs, and the text that says so.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use super::{Fault, FaultError};

/// How long a slow key exchange takes where the text does not say.
const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// A fault, and at which of the calls that count for it it occurs.
///
/// As text, the fault's name and then any of these, separated by spaces:
///
/// | key | meaning |
/// |---|---|
/// | `at=N` | at the N-th call that counts, the first being 1; with `times=M` at that one and the M−1 that follow |
/// | `every=N` | at every N-th call that counts |
/// | `probability=P` | at each call that counts with probability P, from 0 to 1; `seed=S` (default 0) says at which ones |
/// | `after=T` | calls count only after the time T, as `250ms` or `2s`, since the fault was set |
/// | `times=M` | at M calls altogether; default: 1 with `at`, else without end |
/// | `delay=T` | of a slow key exchange: how much longer it takes (default 1s) |
///
/// `at`, `every` and `probability` exclude each other; without any of them it is `at=1`. The same schedule meets the same
/// calls in every run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    fault: Fault,
    trigger: Trigger,
    after: Duration,
    times: Option<NonZeroU64>,
    delay: Option<Duration>,
}

/// Which of the calls that count are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    At(NonZeroU64),
    Every(NonZeroU64),
    Probability { probability: Probability, seed: u64 },
}

/// A number from 0 to 1, kept by its bits so that it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probability(u64);

impl Schedule {
    /// The fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// How long after it was set calls begin to count.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }

    /// How much longer a slow key exchange takes.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.delay.unwrap_or(DEFAULT_DELAY)
    }

    /// How often it occurs altogether; none is without end.
    #[must_use]
    pub fn times(&self) -> Option<u64> {
        match (self.times, self.trigger) {
            (None, Trigger::At(_)) => Some(1),
            (times, _) => times.map(NonZeroU64::get),
        }
    }

    /// Whether it occurs at the call of this number, the first being 1, if it has not occurred [`Self::times`] already.
    #[must_use]
    pub fn meets(&self, call: u64) -> bool {
        match self.trigger {
            Trigger::At(first) => call >= first.get(),
            Trigger::Every(step) => call.is_multiple_of(step.get()),
            Trigger::Probability { probability, seed } => unit(seed, call) < probability.get(),
        }
    }
}

impl FromStr for Schedule {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let bad = |reason: &str| FaultError::BadSchedule { text: text.to_owned(), reason: reason.to_owned() };
        let mut words = text.split_whitespace();
        let name = words.next().ok_or_else(|| bad("it names no fault"))?;
        let fault = Fault::from_name(name).ok_or_else(|| FaultError::UnknownFault { name: name.to_owned() })?;
        let (mut at, mut every, mut probability, mut seed) = (None, None, None, None);
        let (mut after, mut times, mut delay) = (None, None, None);
        for word in words {
            let (key, value) =
                word.split_once('=').ok_or_else(|| bad(&format!("{word} is not of the form key=value")))?;
            let fresh = match key {
                "at" => at.replace(count(value).ok_or_else(|| bad("at must be a whole number from 1 on"))?).is_none(),
                "every" => {
                    every.replace(count(value).ok_or_else(|| bad("every must be a whole number from 1 on"))?).is_none()
                }
                "times" => {
                    times.replace(count(value).ok_or_else(|| bad("times must be a whole number from 1 on"))?).is_none()
                }
                "probability" => probability
                    .replace(Probability::parse(value).ok_or_else(|| bad("probability must be a number from 0 to 1"))?)
                    .is_none(),
                "seed" => seed.replace(value.parse().map_err(|_| bad("seed must be a whole number"))?).is_none(),
                "after" => {
                    after.replace(time(value).ok_or_else(|| bad("after must be a time as 250ms or 2s"))?).is_none()
                }
                "delay" => {
                    delay.replace(time(value).ok_or_else(|| bad("delay must be a time as 250ms or 2s"))?).is_none()
                }
                _ => {
                    return Err(bad(&format!(
                        "{key} is no key; at, every, probability, seed, after, times and delay are"
                    )));
                }
            };
            if !fresh {
                return Err(bad(&format!("{key} is there twice")));
            }
        }
        let trigger = match (at, every, probability) {
            (None, None, None) => Trigger::At(NonZeroU64::MIN),
            (Some(at), None, None) => Trigger::At(at),
            (None, Some(every), None) => Trigger::Every(every),
            (None, None, Some(probability)) => Trigger::Probability { probability, seed: seed.unwrap_or_default() },
            _ => return Err(bad("at, every and probability exclude each other")),
        };
        if seed.is_some() && probability.is_none() {
            return Err(bad("seed goes with probability"));
        }
        if delay.is_some() && fault != Fault::SlowKeyExchange {
            return Err(bad("delay goes with slow-key-exchange"));
        }
        Ok(Self { fault, trigger, after: after.unwrap_or_default(), times, delay })
    }
}

/// The text, which reads back as the same schedule.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.name())?;
        match self.trigger {
            Trigger::At(call) => write!(f, " at={call}")?,
            Trigger::Every(step) => write!(f, " every={step}")?,
            Trigger::Probability { probability, seed } => write!(f, " probability={} seed={seed}", probability.get())?,
        }
        if let Some(times) = self.times {
            write!(f, " times={times}")?;
        }
        if !self.after.is_zero() {
            write!(f, " after={}", time_text(self.after))?;
        }
        if let Some(delay) = self.delay {
            write!(f, " delay={}", time_text(delay))?;
        }
        Ok(())
    }
}

impl Serialize for Schedule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Probability {
    fn parse(text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok()?;
        (0.0..=1.0).contains(&number).then(|| Self(number.to_bits()))
    }

    fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

fn count(text: &str) -> Option<NonZeroU64> {
    text.parse().ok()
}

/// A whole number of milliseconds or seconds, with its unit.
fn time(text: &str) -> Option<Duration> {
    let whole = |number: &str| number.parse::<u32>().ok().map(u64::from);
    match text.strip_suffix("ms") {
        Some(number) => whole(number).map(Duration::from_millis),
        None => whole(text.strip_suffix('s')?).map(Duration::from_secs),
    }
}

/// What [`time`] reads as this time. Not all of them are a 32-bit number of milliseconds.
fn time_text(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}

/// A number from 0 to 1, 1 excluded, that the seed gives to a call: the generator `SplitMix64`, entered at the call.
fn unit(seed: u64, call: u64) -> f64 {
    let mut z = seed.wrapping_add(call.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    let unit = (z >> 11) as f64 / (1_u64 << 53) as f64;
    unit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    /// The calls among the first twenty at which it occurs, if nothing limits how often.
    fn met(text: &str) -> Vec<u64> {
        (1..=20).filter(|&call| schedule(text).meets(call)).collect()
    }

    #[test]
    fn at_meets_that_call_and_once() {
        assert_eq!(met("key-lost at=18"), [18, 19, 20]);
        assert_eq!(schedule("key-lost at=18").times(), Some(1));
        assert_eq!(schedule("key-lost at=18 times=2").times(), Some(2));
        assert_eq!(schedule("key-lost"), schedule("key-lost at=1"));
    }

    #[test]
    fn every_meets_multiples_without_end() {
        assert_eq!(met("wrong-mac every=7"), [7, 14]);
        assert_eq!(schedule("wrong-mac every=7").times(), None);
    }

    #[test]
    fn probability_is_the_same_for_the_same_seed() {
        assert_eq!(met("key-lost probability=0.3 seed=5"), met("key-lost probability=0.3 seed=5"));
        assert_ne!(met("key-lost probability=0.5 seed=5"), met("key-lost probability=0.5 seed=6"));
        assert_eq!(met("key-lost probability=0"), [0_u64; 0]);
        assert_eq!(met("key-lost probability=1").len(), 20);
    }

    #[test]
    fn bad_text_is_named_with_its_reason() {
        for (text, reason) in [
            ("", "no fault"),
            ("key-lots", "key-lots"),
            ("key-lost at", "key=value"),
            ("key-lost at=0", "at must"),
            ("key-lost every=-1", "every must"),
            ("key-lost times=0", "times must"),
            ("key-lost when=1", "when is no key"),
            ("key-lost at=1 at=1", "twice"),
            ("key-lost at=1 every=2", "exclude"),
            ("key-lost seed=1", "seed goes"),
            ("key-lost delay=1s", "delay goes"),
            ("key-lost after=5", "after must"),
            ("slow-key-exchange delay=-1s", "delay must"),
            ("key-lost probability=1.5", "probability must"),
            ("key-lost probability=nan", "probability must"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains(text), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(
            fault in proptest::sample::select(Fault::ALL),
            kind in 0..3, number in 1_u64.., probability in 0.0..=1.0_f64, seed: u64,
            after: u32, unit in proptest::sample::select(&["ms", "s"]), times in proptest::option::of(1_u64..),
        ) {
            let trigger = match kind {
                0 => format!("at={number}"),
                1 => format!("every={number}"),
                _ => format!("seed={seed} probability={probability}"),
            };
            let times = times.map(|times| format!(" times={times}")).unwrap_or_default();
            let parsed = schedule(&format!("{fault} after={after}{unit} {trigger}{times}"));
            prop_assert_eq!(schedule(&parsed.to_string()), parsed);
        }

        #[test]
        fn frequency_is_the_probability(probability in 0.0..=1.0_f64, seed: u64) {
            let schedule = schedule(&format!("key-lost probability={probability} seed={seed}"));
            let met = (1..=10_000).filter(|&call| schedule.meets(call)).count();
            let expected = probability * 10_000.0;
            // Six standard deviations of the binomial distribution, at most.
            prop_assert!((f64::from(u32::try_from(met).unwrap()) - expected).abs() <= 300.0);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Schedule>();
        }
    }
}
