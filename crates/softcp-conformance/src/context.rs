//! What a case gets to work with.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use softcp_abi::softcp_open_driver_fn;
use softcp_runtime::{CallBuffers, CallSite, CallThread, Driver, Error};

use crate::case::{CaseResult, Stop};
use crate::oracle::Block;
use crate::rig::Companion;
use crate::variation::{Beside, Variation};

/// Where the driver under test comes from.
#[derive(Clone)]
pub enum DriverSource {
    /// A shared library that exports `softcp_open_driver` or `softcp_open_reference_driver` (D40).
    Library(PathBuf),
    /// An entry that is linked into this program.
    Entry(softcp_open_driver_fn),
}

impl DriverSource {
    /// Opens the driver.
    pub fn open(&self, options: &str) -> Result<Driver, Error> {
        match self {
            Self::Library(path) => Driver::load(path, options),
            Self::Entry(entry) => Driver::from_entry(*entry, options),
        }
    }
}

impl fmt::Debug for DriverSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(path) => f.debug_tuple("Library").field(path).finish(),
            Self::Entry(_) => f.write_str("Entry"),
        }
    }
}

/// A driver that is called from this place.
fn at(driver: &Driver, site: Option<&Arc<CallSite>>) -> Driver {
    site.map_or_else(|| driver.clone(), |site| driver.at(Arc::clone(site)))
}

/// What a case gets to work with: the open driver, and a place for its evidence.
#[derive(Debug)]
pub struct Context<'d> {
    driver: Driver,
    variation: Variation,
    site: Option<Arc<CallSite>>,
    /// Once the first device was asked for: what is open beside it.
    beside: RefCell<Option<Vec<Companion>>>,
    source: &'d DriverSource,
    options: &'d str,
    notes: RefCell<Vec<String>>,
    random: Cell<u64>,
    last_iv: Cell<u64>,
}

impl<'d> Context<'d> {
    /// For one run of a case. `seed` decides what keys, IVs and contents it gives.
    #[must_use]
    pub fn new(driver: &Driver, source: &'d DriverSource, options: &'d str, variation: Variation, seed: u64) -> Self {
        let is_plain = (variation.thread, variation.buffers) == (CallThread::Caller, CallBuffers::AsGiven);
        let site = (!is_plain).then(|| CallSite::new(variation.thread, variation.buffers));
        let driver = at(driver, site.as_ref());
        Self {
            driver,
            variation,
            site,
            beside: RefCell::default(),
            source,
            options,
            notes: RefCell::default(),
            random: Cell::new(seed),
            last_iv: Cell::default(),
        }
    }

    /// The circumstances.
    pub(crate) fn variation(&self) -> Variation {
        self.variation
    }

    /// Opens what the variation wants beside the devices of the case, the first time.
    pub(crate) fn open_beside(&self) {
        if self.variation.beside == Beside::Nothing || self.beside.borrow().is_some() {
            return;
        }
        let companions = match self.variation.beside {
            // A driver that cannot be open twice has said so in cases of its own.
            Beside::Driver => self.driver_with("").map(|driver| self.companions(&driver)).unwrap_or_default(),
            _ => self.companions(&self.driver),
        };
        *self.beside.borrow_mut() = Some(companions);
    }

    /// The driver under test, opened with the user's options.
    #[must_use]
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// The same driver opened once more, with an option of SoftCP's besides: a test hook, as a fault on purpose. A driver
    /// that does not know the option skips the case.
    pub(crate) fn driver_with(&self, option: &str) -> CaseResult<Driver> {
        let options = [self.options, option].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(";");
        let opened = self.source.open(&options).map_err(|error| {
            Stop::skipped(format!("the driver does not have the optional test hook {option}: {error}"))
        })?;
        Ok(at(&opened, self.site.as_ref()))
    }

    /// Adds a line of evidence to the report.
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.notes.borrow_mut().push(line.into());
    }

    /// The evidence so far.
    #[must_use]
    pub fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// Bytes for keys, content and IVs, which a run can repeat by its seed (`SplitMix64`). Nothing here is secret.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// As [`random`](Self::random).
    pub(crate) fn random_bytes(&self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes);
        bytes
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.random.set(state);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ mixed >> 31).to_le_bytes()[..chunk.len()]);
        }
    }

    /// An IV with a Count of 0 that is greater than all before it in the case, as drivers with `SEQUENTIAL_CTR_IV` want
    /// them (D10).
    pub(crate) fn next_iv(&self) -> Block {
        // Numbers of 32 bits: whether a driver uses the upper ones too is the matter of one case only.
        let iv = self.last_iv.get().max(1 << 24) + 1 + u64::from(u16::from_le_bytes(self.random()));
        self.last_iv.set(iv);
        (u128::from(iv) << 64).to_be_bytes()
    }
}
