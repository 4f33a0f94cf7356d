//! Variations: the circumstances in which a case runs.
//!
//! A rule holds for every table that a driver offers, for its second device as for its first, on every thread, and wherever
//! a caller's buffers lie. So a case first runs in the plainest circumstances, and then again on each other table, in a mix
//! of the rest that the seed decides. A driver that keeps the rule at first and breaks it then is told which variation it
//! was.

use std::fmt;

use softcp_abi::{
    D3D11_1DDI_VIDEO_FUNCTIONS, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, D3DWDDM2_1DDI_VIDEO_FUNCTIONS,
    D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0,
};
use softcp_runtime::{CallBuffers, CallThread};

/// What is open beside the device that a case works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A device of the same driver with a session in use, created before, and another device, created after.
    Devices,
    /// The same on a second opening of the driver.
    Driver,
}

/// The circumstances of one run of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The sub-device whose table is used; none: the newest one.
    pub table: Option<u32>,
    /// What else is open.
    pub beside: Beside,
    /// Threads of the calls.
    pub thread: CallThread,
    /// Addresses of the calls' buffers.
    pub buffers: CallBuffers,
}

/// Which variations the cases of a group run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Every table, each with its share of devices, threads and addresses.
    All,
    /// The plainest circumstances, and one older table behind another device: for cases that take long, or have threads of
    /// their own.
    OneMore,
    /// The plainest circumstances alone: for cases that go through tables or drivers themselves.
    Plain,
}

/// Variations of cases with [`Mix::All`] at least, whatever tables there are.
const LEAST: usize = 4;

impl Variation {
    /// The plainest circumstances.
    pub const PLAIN: Self =
        Self { table: None, beside: Beside::Nothing, thread: CallThread::Caller, buffers: CallBuffers::AsGiven };

    /// What comes behind the plainest circumstances, for a driver with these tables, the newest first. `seed` decides.
    #[must_use]
    pub fn mix(mix: Mix, tables: &[u32], seed: u64) -> Vec<Self> {
        let older = tables.get(1..).unwrap_or_default();
        // Bits that differ from one case to the next.
        let bits = (seed ^ seed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16;
        let turn = usize::try_from(bits & 0xffff).unwrap_or_default();
        match mix {
            Mix::Plain => Vec::new(),
            Mix::OneMore if older.is_empty() => vec![Self { beside: Beside::Devices, ..Self::PLAIN }],
            Mix::OneMore => {
                vec![Self { table: Some(older[turn % older.len()]), beside: Beside::Devices, ..Self::PLAIN }]
            }
            Mix::All => {
                let mut tables: Vec<_> = older.iter().copied().map(Some).collect();
                while tables.is_empty() || tables.len() < LEAST {
                    tables.push(None);
                }
                // Each property goes through its values, in an order of its own, and begins where the seed says. The newest
                // table has its turn with both threads and fixed addresses in any case.
                tables.push(None);
                let last = tables.len() - 1;
                let pick = |at: usize| {
                    let thread = [CallThread::Other, CallThread::Alternating { seed }, CallThread::Caller];
                    let beside = [Beside::Devices, Beside::Driver, Beside::Nothing, Beside::Devices];
                    let buffers = [CallBuffers::Fixed, CallBuffers::AsGiven];
                    Self {
                        table: tables[at],
                        beside: beside[(at + turn / 3) % 4],
                        thread: thread[(at + turn) % 3],
                        buffers: buffers[(at / 2 + turn / 12) % 2],
                    }
                };
                let newest =
                    Self { thread: CallThread::Alternating { seed }, buffers: CallBuffers::Fixed, ..pick(last) };
                (0..last).map(pick).chain([newest]).collect()
            }
        }
    }
}

/// The driver model of a table.
fn model(table: u32) -> String {
    match table {
        D3D11_1DDI_VIDEO_FUNCTIONS => "Direct3D 11.1".to_owned(),
        D3DWDDM2_0DDI_VIDEO_FUNCTIONS => "WDDM 2.0".to_owned(),
        D3DWDDM2_1DDI_VIDEO_FUNCTIONS => "WDDM 2.1".to_owned(),
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0 => "WDDM 2.4 (RS4)".to_owned(),
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS => "WDDM 2.4".to_owned(),
        other => format!("sub-device {other}"),
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.table {
            Some(table) => write!(f, "the table of {}", model(table))?,
            None => f.write_str("the newest table")?,
        }
        match self.beside {
            Beside::Nothing => {}
            Beside::Devices => f.write_str(", other devices beside")?,
            Beside::Driver => f.write_str(", the driver opened a second time")?,
        }
        match self.thread {
            CallThread::Caller => {}
            CallThread::Other => f.write_str(", calls from a second thread")?,
            CallThread::Alternating { .. } => f.write_str(", calls from two threads in turn")?,
        }
        match self.buffers {
            CallBuffers::AsGiven => Ok(()),
            CallBuffers::Fixed => f.write_str(", buffers at one odd address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TABLES: [u32; 5] = [
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS,
        D3DWDDM2_4DDI_VIDEO_FUNCTIONS_RS4_0,
        D3DWDDM2_1DDI_VIDEO_FUNCTIONS,
        D3DWDDM2_0DDI_VIDEO_FUNCTIONS,
        D3D11_1DDI_VIDEO_FUNCTIONS,
    ];

    #[test]
    fn every_table_and_every_circumstance_has_its_turn_with_every_seed() {
        for seed in (0..200_u64).map(|seed| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let mix = Variation::mix(Mix::All, &TABLES, seed);
            assert_eq!(mix.len(), 5);
            let tables: HashSet<_> = mix.iter().map(|variation| variation.table).collect();
            assert_eq!(tables.len(), 5, "{mix:?}");
            for beside in [Beside::Devices, Beside::Driver] {
                assert!(mix.iter().any(|variation| variation.beside == beside), "{mix:?}");
            }
            for thread in [CallThread::Other, CallThread::Alternating { seed }] {
                assert!(mix.iter().any(|variation| variation.thread == thread), "{mix:?}");
            }
            assert!(mix.iter().any(|variation| variation.buffers == CallBuffers::Fixed));
        }
    }

    #[test]
    fn mix_is_the_seed_s() {
        let mixes: HashSet<_> =
            (0..64).map(|seed| format!("{:?}", Variation::mix(Mix::All, &TABLES, seed << 40 | seed))).collect();
        assert!(mixes.len() > 16, "{}", mixes.len());
        assert_eq!(Variation::mix(Mix::All, &TABLES, 7), Variation::mix(Mix::All, &TABLES, 7));
    }

    #[test]
    fn driver_with_one_table_is_varied_too() {
        assert_eq!(Variation::mix(Mix::All, &TABLES[..1], 3).len(), 5);
        assert_eq!(Variation::mix(Mix::OneMore, &TABLES[..1], 3).len(), 1);
        assert_eq!(Variation::mix(Mix::Plain, &TABLES, 3), []);
    }

    #[test]
    fn text_says_what_is_not_plain() {
        let varied = Variation {
            table: Some(D3DWDDM2_0DDI_VIDEO_FUNCTIONS),
            beside: Beside::Devices,
            thread: CallThread::Other,
            buffers: CallBuffers::Fixed,
        };
        assert_eq!(
            varied.to_string(),
            "the table of WDDM 2.0, other devices beside, calls from a second thread, buffers at one odd address"
        );
        assert_eq!(Variation::PLAIN.to_string(), "the newest table");
    }
}
