//! The faulty drivers, by what they get wrong.

use crate::FaultyDriver;
use crate::calls::Hooks;
use crate::cipher::{Rules, decrypt};

mod counter;
mod decryption;
mod pattern;
mod read_back;
mod refresh;
mod session;

/// All families.
pub(crate) const FAMILIES: &[&[FaultyDriver]] = &[refresh::DRIVERS, counter::DRIVERS, pattern::DRIVERS, decryption::DRIVERS, read_back::DRIVERS, session::DRIVERS];

/// A row of a family.
const fn fault(name: &'static str, caught_by: &'static str, breaks: &'static str, hooks: Hooks) -> FaultyDriver {
    FaultyDriver { name, breaks, caught_by, hooks }
}

/// Deciphers by these rules.
const fn cipher(rules: Rules) -> Hooks {
    Hooks { decryption_blt: Some(decrypt), cipher: rules, ..Hooks::NONE }
}
