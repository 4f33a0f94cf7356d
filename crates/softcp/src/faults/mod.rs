//! Faults on purpose: what real drivers do rarely, for applications to be tested against.
//!
//! ```text
//!   configuration, inject ──▶ Faults: [Schedule, …] ◀── each call asks "does this fault meet me?" ── engine
//!   another process ──▶ control directory ──┘
//! ```
//!
//! A fault comes before the call that meets it has any effect, and takes what it says and nothing else; the rules of the
//! protocol stay what they are. `docs/faults.md` says of each what happens and how an application recovers.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use softcp_abi::{E_INVALIDARG, E_NOTIMPL, E_OUTOFMEMORY, HRESULT};

use crate::error::Result;
use crate::identity::CRL_FILE;
use crate::provider::Clock;

pub(crate) mod chain;
mod control;
pub mod files;
mod schedule;

pub use schedule::Schedule;

use control::Control;

/// More faults than these at once are refused.
pub const MAX_FAULTS: usize = 256;

/// The bit beside those of the faults: there is a control directory to look into.
const CONTROLLED: u32 = 1 << 31;
const _: () = assert!(Fault::ALL.len() < 31, "each fault has a bit of its own");

macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $summary:literal;)*) => {
        /// What can go wrong on purpose.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name by which it is set, in lower case with dashes. Names never change.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What happens, in one line for people.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                }
            }
        }
    };
}

faults! {
    /// A teardown takes every session's key, and the secure environment forgets everything (D23). The call that meets it
    /// is [`Error::TornDown`](crate::Error::TornDown).
    ///
    /// Counts: decryption and encryption blits, read-back keys, Start and Finish of a refresh, frames and encrypted buffers
    /// of decoders, on a session that has a key to lose.
    KeyLost = "key-lost", "all sessions of the adapter lose their keys, as at a power event";
    /// As `key-lost`, and the protected content is lost too (D23). Counts the same calls.
    KeyAndContentLost = "key-and-content-lost", "all sessions of the adapter lose their keys, and protected content is lost too";
    /// The device is gone for good: this call and every later one on it but destroying is
    /// [`Error::DeviceRemoved`](crate::Error::DeviceRemoved).
    ///
    /// Counts: creating sessions and channels, key exchanges of sessions, and the calls that `key-lost` counts.
    DeviceRemoved = "device-removed", "the device is gone for good; every call on it fails";
    /// A protected resource finds no memory, whatever the budget has left (D24):
    /// [`Error::ProtectedMemoryExhausted`](crate::Error::ProtectedMemoryExhausted). Counts: reservations of more than 0
    /// bytes.
    ProtectedMemoryExhausted = "protected-memory-exhausted", "there is no room for a protected resource";
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory). Counts: creating sessions and channels, and their key exchanges.
    OutOfMemory = "out-of-memory", "a session, a channel or a key exchange finds no memory";
    /// [`Error::UnsupportedCrypto`](crate::Error::UnsupportedCrypto), though the type is offered. Counts: creating sessions.
    UnsupportedCrypto = "unsupported-crypto", "a session is refused, though its crypto type is offered";
    /// The chain that the driver shows has a leaf that expired in 2004. Counts: asking for a chain. The leaf's signature
    /// does not cover the changed date.
    CertificateExpired = "certificate-expired", "the driver's certificate expired in 2004";
    /// The chain that the driver shows leads to a root that nobody knows. Counts: asking for a chain.
    CertificateWrongRoot = "certificate-wrong-root", "the driver's certificate leads to a root that nobody knows";
    /// The chain that the driver shows has a leaf with a key that is not the driver's: its signature is wrong, and who
    /// does not check that fails at the key exchange. Counts: asking for a chain.
    CertificateWrongKey = "certificate-wrong-key", "the driver's certificate has a key that is not the driver's";
    /// The driver's own chain carries a revocation list of the leaf's issuer that names the leaf (RFC 5280, section 5; the
    /// `crls` of RFC 5652, section 5.1). Counts: asking for a chain. It cannot be set where that list has no place or there
    /// is none: [`FaultError::NoPlaceForRevocationList`], [`FaultError::NoRevocationList`].
    CertificateRevoked = "certificate-revoked", "the driver's certificate has been revoked, as a list in the chain says";
    /// A key exchange takes longer, and succeeds. Counts: key exchanges of sessions and channels.
    SlowKeyExchange = "slow-key-exchange", "a key exchange takes longer, by delay=T (1s)";
    /// An answer on a channel carries a wrong OMAC; what was asked for has been done. Counts: answers to commands and
    /// queries on channels that have a key.
    WrongMac = "wrong-mac", "an answer on an authenticated channel has a wrong signature";
    /// The random number of a refresh is the one of the refresh before. Counts: Starts of a refresh, from a session's
    /// second one on since the fault was set.
    RepeatedRandomNumber = "repeated-random-number", "a key refresh hands out the number of the refresh before";
    /// [`Error::RefreshRefused`](crate::Error::RefreshRefused); the key in force stays. Counts: Starts of a refresh on a
    /// session that has a key.
    RefreshRefused = "refresh-refused", "a key refresh is refused; the key in force stays";
}

impl Fault {
    /// The fault of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a fault cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// There is no such fault. `E_INVALIDARG`.
    #[error("{name:?} is no fault; these are: {}", names())]
    UnknownFault {
        /// The name given.
        name: String,
    },
    /// The text says something else than a [`Schedule`]. `E_INVALIDARG`.
    #[error("fault {text:?}: {reason}")]
    BadSchedule {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration does not allow to switch faults at run time. `E_NOTIMPL`.
    #[error("faults cannot be switched at run time; set faults.opt_in=true to allow it")]
    NotAllowed,
    /// `certificate-revoked`, where the chain is handed out as certificates in DER, one after another. `E_NOTIMPL`.
    #[error(
        "certificate-revoked cannot occur: certificates in DER leave no place for a revocation list; \
         set identity.encoding=pkcs7"
    )]
    NoPlaceForRevocationList,
    /// `certificate-revoked`, where the identity directory holds no revocation list. `E_NOTIMPL`.
    #[error(
        "certificate-revoked cannot occur: the identity directory holds no {CRL_FILE}; \
         make an identity with `softcp cert new`"
    )]
    NoRevocationList,
    /// 256 faults are set already. `E_OUTOFMEMORY`.
    #[error("{MAX_FAULTS} faults are set already; clear them first")]
    TooMany,
}

impl FaultError {
    /// The HRESULT by which callers know this error.
    #[must_use]
    pub fn hresult(&self) -> HRESULT {
        match self {
            Self::UnknownFault { .. } | Self::BadSchedule { .. } => E_INVALIDARG,
            Self::NotAllowed | Self::NoPlaceForRevocationList | Self::NoRevocationList => E_NOTIMPL,
            Self::TooMany => E_OUTOFMEMORY,
        }
    }
}

/// `[faults]`: what goes wrong from the start, and whether more can be set at run time. By default nothing and no.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultConfig {
    /// Whether faults can be set and cleared at run time.
    pub opt_in: bool,
    /// The faults set from the start, each a [`Schedule`] as text; also one text with commas between them.
    #[serde(deserialize_with = "list_or_text")]
    pub list: Vec<Schedule>,
    /// A directory by which other processes can set and clear faults, and see them; it is made if needed. None: they
    /// cannot, and so does an empty path, by which inline options undo what a file names. [`files`] is what goes on in it.
    /// Independent of `opt_in`.
    #[serde(deserialize_with = "path_or_none", skip_serializing_if = "Option::is_none")]
    pub control: Option<PathBuf>,
}

/// A fault that is set, and how far it has got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultState {
    /// When it occurs.
    pub schedule: Schedule,
    /// Calls that have counted since it was set.
    pub counted: u64,
    /// How often it has occurred.
    pub occurred: u64,
}

/// The faults of an adapter. May be used from any thread; without faults a call spends one relaxed load on it.
pub struct Faults {
    opt_in: bool,
    clock: Arc<dyn Clock>,
    /// A bit for each fault that can still occur, and [`CONTROLLED`].
    pending: AtomicU32,
    set: Mutex<Vec<Set>>,
    /// Why `certificate-revoked` cannot be set; none if it can.
    unable_to_revoke: Option<FaultError>,
    control: Option<Control>,
    /// Is called when a fault occurs.
    notify: OnceLock<fn(Fault, &Schedule)>,
}

struct Set {
    state: FaultState,
    /// When it was set, by the clock.
    since: Duration,
}

impl Faults {
    /// Errors: [`Error::Fault`](crate::Error::Fault), [`Error::Config`](crate::Error::Config).
    pub(crate) fn new(
        config: &FaultConfig,
        clock: Arc<dyn Clock>,
        unable_to_revoke: Option<FaultError>,
    ) -> Result<Self> {
        let pending = AtomicU32::new(0);
        let opt_in = config.opt_in;
        let notify = OnceLock::new();
        let mut faults =
            Self { opt_in, clock, pending, set: Mutex::default(), unable_to_revoke, control: None, notify };
        config.list.iter().try_for_each(|schedule| faults.add(schedule.clone()))?;
        if let Some(directory) = &config.control {
            faults.control = Some(Control::new(directory, &faults.list())?);
            faults.note_pending(&faults.lock());
        }
        if let Some(control) = &faults.control {
            control.take_next(&faults);
        }
        Ok(faults)
    }

    /// From now on what goes wrong with the control directory goes to `warning`, to be logged; it must not call this adapter.
    /// The first one given stays.
    pub fn warn_with(&self, warning: fn(&str)) {
        if let Some(control) = &self.control {
            control.warn_with(warning);
        }
    }

    /// From now on `notify` is called for each schedule by which a fault occurs, to be logged; it must not call this adapter. The
    /// first one given stays.
    pub fn notify_with(&self, notify: fn(Fault, &Schedule)) {
        let _ = self.notify.set(notify);
    }

    /// Sets a fault, next to those that are set already. Errors: [`FaultError::NotAllowed`], [`FaultError::TooMany`], and
    /// for `certificate-revoked` [`FaultError::NoPlaceForRevocationList`] and [`FaultError::NoRevocationList`].
    pub fn inject(&self, schedule: Schedule) -> Result<(), FaultError> {
        if self.opt_in { self.add(schedule) } else { Err(FaultError::NotAllowed) }
    }

    /// Clears all faults, those of the configuration too. What they have done stays done. Error:
    /// [`FaultError::NotAllowed`].
    pub fn clear(&self) -> Result<(), FaultError> {
        if !self.opt_in {
            return Err(FaultError::NotAllowed);
        }
        let mut set = self.lock();
        set.clear();
        self.note_pending(&set);
        Ok(())
    }

    /// The faults that are set, in the order in which they were. One that has occurred as often as it should stays in the
    /// list until the next one is set.
    #[must_use]
    pub fn list(&self) -> Vec<FaultState> {
        self.lock().iter().map(|set| set.state.clone()).collect()
    }

    /// Whether no fault can occur any more, as far as is known now.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending() == 0
    }

    /// Whether the fault can still occur.
    pub(crate) fn is_pending(&self, fault: Fault) -> bool {
        self.pending() & fault.bit() != 0
    }

    /// The bits of the faults that can still occur, after a look into the control directory, if there is one.
    fn pending(&self) -> u32 {
        let bits = self.pending.load(Ordering::Relaxed);
        if bits & CONTROLLED == 0 { bits } else { self.pending_controlled() }
    }

    #[cold]
    fn pending_controlled(&self) -> u32 {
        if let Some(control) = &self.control {
            control.look(self, self.clock.now());
        }
        self.pending.load(Ordering::Relaxed) & !CONTROLLED
    }

    /// Counts a call for `fault` and says whether it is met.
    pub(crate) fn meets(&self, fault: Fault) -> bool {
        self.met(fault).is_some()
    }

    /// A key exchange takes as much longer as `slow-key-exchange` says, if it is met.
    pub(crate) fn slow_down(&self) {
        if let Some(delay) = self.met(Fault::SlowKeyExchange) {
            self.clock.sleep(delay);
        }
    }

    /// Counts a call for `fault`; the longest delay of those schedules that meet it, none if none does.
    fn met(&self, fault: Fault) -> Option<Duration> {
        if !self.is_pending(fault) {
            return None;
        }
        let now = self.clock.now();
        let mut set = self.lock();
        // Every schedule counts the call, also behind one that meets it.
        let met = set.iter_mut().filter(|set| set.state.schedule.fault() == fault);
        let met: Vec<_> = met.filter_map(|set| set.count(now).then(|| set.state.schedule.clone())).collect();
        let delay = met.iter().map(Schedule::delay).max();
        if delay.is_some() {
            self.note_pending(&set);
            drop(set);
            if let Some(notify) = self.notify.get() {
                for schedule in &met {
                    notify(fault, schedule);
                }
            }
            if let Some(control) = &self.control {
                control.occurred(self, now);
            }
        }
        delay
    }

    /// Whether the fault can occur at all with this adapter's configuration.
    fn check(&self, schedule: &Schedule) -> Result<(), FaultError> {
        match &self.unable_to_revoke {
            Some(error) if schedule.fault() == Fault::CertificateRevoked => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn add(&self, schedule: Schedule) -> Result<(), FaultError> {
        self.check(&schedule)?;
        let since = self.clock.now();
        let mut set = self.lock();
        set.retain(|set| !set.is_over());
        if set.len() >= MAX_FAULTS {
            return Err(FaultError::TooMany);
        }
        set.push(Set::new(schedule, since));
        self.note_pending(&set);
        Ok(())
    }

    /// Sets these faults, with `keep` next to those that are set already, else in their place. Errors:
    /// [`FaultError::TooMany`], and those of a fault that cannot occur; then nothing has changed.
    fn replace(&self, schedules: Vec<Schedule>, keep: bool) -> Result<(), FaultError> {
        schedules.iter().try_for_each(|schedule| self.check(schedule))?;
        let since = self.clock.now();
        let mut set = self.lock();
        let kept = |set: &Set| keep && !set.is_over();
        if set.iter().filter(|set| kept(set)).count() + schedules.len() > MAX_FAULTS {
            return Err(FaultError::TooMany);
        }
        set.retain(kept);
        set.extend(schedules.into_iter().map(|schedule| Set::new(schedule, since)));
        self.note_pending(&set);
        Ok(())
    }

    fn note_pending(&self, set: &[Set]) {
        let pending = set.iter().filter(|set| !set.is_over());
        let controlled = if self.control.is_some() { CONTROLLED } else { 0 };
        let bits = pending.fold(controlled, |bits, set| bits | set.state.schedule.fault().bit());
        self.pending.store(bits, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Set>> {
        // Nothing in here panics half-way.
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("opt_in", &self.opt_in).field("list", &self.list()).finish_non_exhaustive()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Some(control) = &self.control {
            control.end(&self.list());
        }
    }
}

impl Set {
    fn new(schedule: Schedule, since: Duration) -> Self {
        Self { state: FaultState { schedule, counted: 0, occurred: 0 }, since }
    }

    fn is_over(&self) -> bool {
        self.state.schedule.times().is_some_and(|times| self.state.occurred >= times)
    }

    /// Counts a call, if it counts, and says whether the fault occurs at it.
    fn count(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.since) < self.state.schedule.after() || self.is_over() {
            return false;
        }
        self.state.counted += 1;
        let met = self.state.schedule.meets(self.state.counted);
        self.state.occurred += u64::from(met);
        met
    }
}

fn names() -> String {
    Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ")
}

/// A list of schedules, or one text with commas between them, which needs no quotes inline.
fn list_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Schedule>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        List(Vec<String>),
    }
    let given = match Given::deserialize(deserializer)? {
        Given::Text(text) => text.split(',').filter(|part| !part.trim().is_empty()).map(str::to_owned).collect(),
        Given::List(list) => list,
    };
    given.iter().map(|text| text.trim().parse()).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

/// A path; an empty one is none.
fn path_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    Ok(path.filter(|path| !path.as_os_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::fixed::FixedClock;

    fn faults(texts: &[&str]) -> (Faults, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::default());
        let list = texts.iter().map(|text| text.parse().unwrap()).collect();
        let config = FaultConfig { opt_in: true, list, control: None };
        (Faults::new(&config, Arc::clone(&clock) as _, None).unwrap(), clock)
    }

    /// Which of the next `calls` are met, the first being 1.
    fn met(faults: &Faults, fault: Fault, calls: u64) -> Vec<u64> {
        (1..=calls).filter(|_| faults.meets(fault)).collect()
    }

    #[test]
    fn names_are_unique_and_read_back() {
        assert_eq!(Fault::ALL.len(), 14);
        for &fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.name()), Some(fault));
        }
    }

    #[test]
    fn at_meets_one_call_and_leaves_nothing_pending() {
        let (faults, _) = faults(&["key-lost at=3"]);
        assert_eq!(met(&faults, Fault::WrongMac, 9), [0; 0]);
        assert_eq!(met(&faults, Fault::KeyLost, 9), [3]);
        assert!(faults.is_empty());
        let [state] = &faults.list()[..] else { panic!("one fault") };
        assert_eq!((state.counted, state.occurred), (3, 1));
    }

    #[test]
    fn times_limit_every_and_at() {
        assert_eq!(met(&faults(&["wrong-mac every=2 times=3"]).0, Fault::WrongMac, 12), [2, 4, 6]);
        assert_eq!(met(&faults(&["wrong-mac at=2 times=3"]).0, Fault::WrongMac, 12), [2, 3, 4]);
    }

    #[test]
    fn schedules_of_one_fault_count_side_by_side() {
        assert_eq!(met(&faults(&["key-lost at=2", "key-lost at=5"]).0, Fault::KeyLost, 9), [2, 5]);
    }

    #[test]
    fn calls_before_the_time_do_not_count() {
        let (faults, clock) = faults(&["key-lost at=2 after=250ms"]);
        assert_eq!(met(&faults, Fault::KeyLost, 9), [0; 0]);
        clock.advance(Duration::from_millis(249));
        assert_eq!(met(&faults, Fault::KeyLost, 9), [0; 0]);
        clock.advance(Duration::from_millis(1));
        assert_eq!(met(&faults, Fault::KeyLost, 9), [2]);
    }

    #[test]
    fn slowness_is_the_delay_and_no_more() {
        let (faults, clock) = faults(&["slow-key-exchange at=2 delay=250ms"]);
        faults.slow_down();
        assert_eq!(clock.now(), Duration::ZERO);
        faults.slow_down();
        faults.slow_down();
        assert_eq!(clock.now(), Duration::from_millis(250));
    }

    #[test]
    fn cleared_faults_do_not_occur() {
        let (faults, _) = faults(&["key-lost every=1"]);
        faults.clear().unwrap();
        assert!(faults.is_empty() && faults.list().is_empty() && !faults.meets(Fault::KeyLost));
    }

    #[test]
    fn without_opt_in_nothing_is_switched() {
        let clock = Arc::new(FixedClock::default());
        let list = vec!["key-lost".parse().unwrap()];
        let faults = Faults::new(&FaultConfig { opt_in: false, list, control: None }, clock, None).unwrap();
        assert_eq!(faults.inject("wrong-mac".parse().unwrap()), Err(FaultError::NotAllowed));
        assert_eq!(faults.clear(), Err(FaultError::NotAllowed));
        assert!(faults.meets(Fault::KeyLost));
    }

    #[test]
    fn spent_faults_make_room_and_too_many_are_refused() {
        let (faults, _) = faults(&[]);
        for _ in 0..MAX_FAULTS {
            faults.inject("key-lost".parse().unwrap()).unwrap();
        }
        assert_eq!(faults.inject("key-lost".parse().unwrap()), Err(FaultError::TooMany));
        assert!(faults.meets(Fault::KeyLost));
        faults.inject("key-lost".parse().unwrap()).unwrap();
        assert_eq!(faults.list().len(), 1);
    }

    #[test]
    fn threads_share_one_count() {
        let (faults, _) = faults(&["key-lost every=10"]);
        let met = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| met(&faults, Fault::KeyLost, 1000).len())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        assert_eq!(met, 400);
    }
}
