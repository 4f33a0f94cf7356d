//! The run: opens what takes part, measures group after group, and reports.

use std::rc::Rc;
use std::time::Instant;

use softcp_abi::{D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON};
use softcp_player::Trust;
use softcp_runtime::Driver;

use crate::driver::Link;
use crate::error::BenchError;
use crate::groups::{Group, Planned};
use crate::implementations::{OpenSsl, kernel_in_use};
use crate::machine::Machine;
use crate::report::{BenchReport, GroupReport, PeerReport, Skipped};
use crate::timing::SplitMix;

/// The seed of the order of turns: any will do.
const SEED: u64 = 0x50f7_c900;

/// What the names of implementations end in that are the other driver's.
const AGAINST: &str = ", against";

/// An open driver, and whom to trust when it shows its certificate.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The driver.
    pub driver: Driver,
    /// Whom to trust.
    pub trust: Trust,
}

/// Opens the driver once more, with further options in the syntax of `SOFTCP_OPTIONS`; empty for none. An error is the
/// reason in words: what needs this driver is then left out.
pub type OpenAgain<'a> = dyn Fn(&str) -> Result<Opened, String> + 'a;

/// What to measure.
#[derive(Clone, Debug, Default)]
pub struct BenchOptions {
    /// The groups; none: all.
    pub groups: Vec<Group>,
    /// Take seconds instead of a minute: fewer sizes, fewer rounds.
    pub quick: bool,
    /// Numbers of threads to compare with one; none: as many as there are processors.
    pub threads: Vec<usize>,
    /// Another driver, such as an earlier build of the same one, that takes turns with the measured one in every case.
    pub against: Option<Opened>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Cases that are done.
    pub done: usize,
    /// Cases in all.
    pub total: usize,
    /// The group being measured.
    pub group: Group,
    /// The case being measured.
    pub case: &'a str,
}

/// What the groups are planned and built from.
pub(crate) struct Bench<'a> {
    pub(crate) open: &'a OpenAgain<'a>,
    pub(crate) link: Link,
    /// The driver that it is measured against.
    against: Option<Link>,
    /// Whether clear surfaces of the driver can be compared: else it takes no part in what is done to surfaces.
    pub(crate) drives: bool,
    pub(crate) openssl: Option<Rc<OpenSsl>>,
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    pub(crate) threads: Vec<usize>,
    skipped: Vec<Skipped>,
}

impl Bench<'_> {
    /// Notes what is left out.
    pub(crate) fn skip(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skipped { what: what.into(), reason: reason.into() });
    }

    /// The drivers, each with what the names of its implementations end in.
    pub(crate) fn every_link(&self) -> impl Iterator<Item = (&Link, &'static str)> {
        let against = self.against.as_ref().map(|link| (link, AGAINST));
        std::iter::once((&self.link, "")).chain(against)
    }

    /// Those that can take part in what is done to surfaces and needs capabilities.
    pub(crate) fn links(
        &self,
        capabilities: &[(D3D11_1DDI_CONTENT_PROTECTION_CAPS, &'static str)],
    ) -> impl Iterator<Item = (&Link, &'static str)> {
        let is_driven = |link: &Link| self.drives || !std::ptr::eq(link, &raw const self.link);
        self.every_link().filter(move |(link, _)| is_driven(link) && link.lacks(capabilities).is_none())
    }

    /// Whether the driver can take part in something that needs capabilities; else it is noted.
    pub(crate) fn offers(
        &mut self,
        what: &str,
        capabilities: &[(D3D11_1DDI_CONTENT_PROTECTION_CAPS, &'static str)],
    ) -> bool {
        match self.link.lacks(capabilities) {
            // That it does not is noted already.
            None => self.drives,
            Some(capability) => {
                self.skip(what, format!("the driver does not report {capability}"));
                false
            }
        }
    }
}

/// Checks that every implementation gives the right output, and measures them.
///
/// `opened` is the driver that is measured, `open_again` makes further ones of its kind.
///
/// # Errors
///
/// [`BenchError::WrongOutput`] when an implementation's output is wrong; the others when a call fails, the driver's certificate
/// is not believed, or another implementation fails.
pub fn run(
    opened: &Opened,
    open_again: &OpenAgain<'_>,
    options: &BenchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<BenchReport, BenchError> {
    let start = Instant::now();
    let (openssl, no_openssl) = match OpenSsl::load() {
        Ok(openssl) => (Some(openssl), None),
        Err(reason) => (None, Some(reason)),
    };
    let link = Link::open(&opened.driver, &opened.trust)?;
    let always_on = link.has(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON);
    let against = options.against.as_ref().map(|other| Link::open(&other.driver, &other.trust)).transpose()?;
    let (against, unmeasurable) = match against {
        Some(other) if other.has(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON) => (None, true),
        against => (against, false),
    };
    let machine = Machine::here();
    let mut bench = Bench {
        open: open_again,
        link,
        against,
        drives: !always_on,
        openssl,
        threads: counts(&options.threads, machine.processors),
        machine,
        quick: options.quick,
        skipped: Vec::new(),
    };
    if let Some(reason) = no_openssl {
        bench.skip("OpenSSL", reason);
    }
    if unmeasurable {
        bench.skip("--against", "that driver protects its output at all times (PROTECTION_ALWAYS_ON)");
    }
    if always_on {
        bench.skip("the driver's blits", "the driver protects its output at all times (PROTECTION_ALWAYS_ON)");
    }
    let wanted = |group: &Group| options.groups.is_empty() || options.groups.contains(group);
    let plans: Vec<(Group, Vec<Planned>)> =
        Group::ALL.into_iter().filter(wanted).map(|group| (group, group.plan(&mut bench))).collect();
    let total = plans.iter().map(|(_, cases)| cases.len()).sum();
    let mut random = SplitMix::new(SEED);
    let mut groups = Vec::new();
    let (mut done, mut outputs_checked) = (0, 0);
    for (group, planned) in plans {
        let mut cases = Vec::new();
        for Planned { name, schedule, build } in planned {
            progress(Progress { done, total, group, case: &name });
            let case = build(&bench)?.run(schedule, &mut random)?;
            outputs_checked += case.results.len();
            cases.push(case);
            done += 1;
        }
        if !cases.is_empty() {
            groups.push(GroupReport {
                name: group.name(),
                description: group.description(),
                unit: group.unit(),
                cases,
            });
        }
    }
    Ok(BenchReport {
        kernel: kernel_in_use(),
        machine: bench.machine,
        peers: peers(bench.openssl.as_deref()),
        quick: bench.quick,
        groups,
        skipped: bench.skipped,
        outputs_checked,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// One thread first, which the others are compared with, and each number once.
fn counts(threads: &[usize], processors: usize) -> Vec<usize> {
    let mut counts = if threads.is_empty() { vec![processors] } else { threads.to_vec() };
    counts.push(1);
    counts.sort_unstable();
    counts.dedup();
    counts
}

fn peers(openssl: Option<&OpenSsl>) -> Vec<PeerReport> {
    let openssl = openssl.map(|openssl| PeerReport { name: "OpenSSL", version: Some(openssl.version().to_owned()) });
    let linked = ["aws-lc", "RustCrypto"].map(|name| PeerReport { name, version: None });
    openssl.into_iter().chain(linked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thread_is_always_among_the_counts_and_first() {
        assert_eq!(counts(&[4, 2, 2, 1], 8), [1, 2, 4]);
        assert_eq!(counts(&[], 8), [1, 8]);
        assert_eq!(counts(&[], 1), [1]);
    }
}
