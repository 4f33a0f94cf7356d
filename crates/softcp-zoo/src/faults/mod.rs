//! The faulty drivers, by what they get wrong.

use softcp_abi::HRESULT;

use crate::FaultyDriver;
use crate::calls::{ConfigureAuthenticatedChannel, Hooks, QueryAuthenticatedChannel};
use crate::channel as channel_rules;
use crate::cipher::{Rules, decrypt};

mod answer;
mod caps;
mod certificate;
mod channel;
mod counter;
mod decoder;
mod decryption;
mod exchange;
mod hardware;
mod message;
mod pattern;
mod process;
mod protection;
mod read_back;
mod refresh;
mod removal;
mod session;
mod status;
mod surface;
mod table;
mod thread;

/// All families.
pub(crate) const FAMILIES: &[&[FaultyDriver]] = &[
    refresh::DRIVERS,
    counter::DRIVERS,
    pattern::DRIVERS,
    decryption::DRIVERS,
    surface::DRIVERS,
    read_back::DRIVERS,
    session::DRIVERS,
    exchange::DRIVERS,
    channel::DRIVERS,
    message::DRIVERS,
    answer::DRIVERS,
    protection::DRIVERS,
    caps::DRIVERS,
    certificate::DRIVERS,
    status::DRIVERS,
    removal::DRIVERS,
    table::DRIVERS,
    process::DRIVERS,
    hardware::DRIVERS,
    decoder::DRIVERS,
    thread::DRIVERS,
];

/// A row of a family.
#[allow(clippy::large_types_passed_by_value, reason = "evaluated when it is compiled")]
const fn fault(name: &'static str, caught_by: &'static str, breaks: &'static str, hooks: Hooks) -> FaultyDriver {
    FaultyDriver { name, breaks, caught_by, hooks }
}

/// Deciphers by these rules.
const fn cipher(rules: Rules) -> Hooks {
    Hooks { decryption_blt: Some(decrypt), cipher: rules, ..Hooks::NONE }
}

/// Takes messages by these rules.
const fn messages(rules: channel_rules::Rules) -> Hooks {
    Hooks {
        configure_authenticated_channel: Some(configure),
        query_authenticated_channel: Some(query),
        messages: rules,
        ..Hooks::NONE
    }
}

fn configure(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    channel_rules::configure(call, &device.driver.hooks.messages)
}

fn query(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    channel_rules::query(call, &device.driver.hooks.messages)
}
