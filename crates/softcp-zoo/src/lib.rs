//! Drivers that are wrong on purpose.
//!
//! Each is the reference driver behind a wrapper that breaks one rule, and names the case of the conformance kit that must
//! find it. A kit that passes one of them is not sharp enough. The wrapper without a fault, `zoo=none`, must pass all.
//!
//! ```text
//!  options "zoo=refresh-without-xor;identity.directory=…"
//!
//!  runtime ──▶ softcp_driver entries ──▶ context ──▶ Driver ─┐
//!          ──▶ table entries ──▶ registry by hDevice ────────┤
//!                                                            ▼
//!                           Hooks: one for each entry, none by default ──▶ reference driver
//!                             │ channel, cipher: what a hook can do by rules of its own
//!                             ▼
//!                           sessions, channels: the keys that the wrapper has seen pass
//! ```
//!
//! The wrapper is in the middle and has the private key of the identity, so it knows every session key, refresh number,
//! read-back key and channel key. With them a fault
//!
//! - has the driver use another session key than it should: blits and read-back keys are translated ([`session::Keys`]);
//! - deciphers anew what the reference driver has deciphered, by other rules ([`cipher`]);
//! - decrypts decoder buffers by other rules, before the reference driver sees them ([`decoder`], [`sample`]);
//! - lets messages through that the reference driver would refuse, since it numbers and signs them itself ([`channel`]);
//! - leaves out single steps of reading a key exchange message ([`rsa`]).
//!
//! A new fault is a row in a family of [`faults`] and a function or two. Where one needs to remember something, sessions and
//! drivers have a place for it. Every case of the kit has a driver that it must catch.
//!
//! Any number of faulty drivers can be open in one process, on any threads.

#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion"))]
#![allow(rustdoc::private_intra_doc_links, reason = "who reads this writes faults")]

use std::fmt;

mod calls;
mod channel;
mod cipher;
mod decoder;
mod driver;
mod faults;
mod keys;
mod memory;
mod report;
mod rsa;
mod sample;
mod session;
mod surface;

use calls::Hooks;
pub use driver::softcp_open_faulty_driver;

/// A driver that breaks one rule.
#[derive(Clone, Copy)]
pub struct FaultyDriver {
    /// Its name in the option `zoo`, as `refresh-without-xor`.
    pub name: &'static str,
    /// What it does wrong, in one sentence.
    pub breaks: &'static str,
    /// The case that must fail, as `refresh/xor`.
    pub caught_by: &'static str,
    hooks: Hooks,
}

impl fmt::Debug for FaultyDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, breaks, caught_by, hooks: _ } = self;
        f.debug_struct("FaultyDriver")
            .field("name", name)
            .field("breaks", breaks)
            .field("caught_by", caught_by)
            .finish_non_exhaustive()
    }
}

/// All of them, family by family.
pub fn drivers() -> impl Iterator<Item = &'static FaultyDriver> {
    faults::FAMILIES.iter().copied().flatten()
}

/// The one of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static FaultyDriver> {
    drivers().find(|driver| driver.name == name)
}

/// The hooks of the driver of this name; `none` has none.
fn hooks(name: &str) -> Option<Hooks> {
    if name == "none" { Some(Hooks::NONE) } else { find(name).map(|driver| driver.hooks) }
}
