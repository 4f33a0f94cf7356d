//! What goes wrong only while other threads are about.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use softcp_abi::{E_FAIL, HRESULT, S_OK};

use super::fault;
use crate::FaultyDriver;
use crate::calls::{
    CryptoSessionGetHandle, DecryptionBlt, Hooks, NegotiateCryptoSessionKeyExchange,
    NegotiateCryptoSessionKeyExchangeMT, QueryAuthenticatedChannel,
};
use crate::channel::{change_query_answer, sign};
use crate::keys::wrap;
use crate::memory::Buffer;

/// How long something lies in a place that all threads share.
const MOMENT: Duration = Duration::from_micros(200);
/// The same where a call takes long in any case.
const LONGER: Duration = Duration::from_millis(1);

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "sessions-race-for-one-key",
        "threads/sessions-in-parallel",
        "A blit copies its key to a place that all threads share, and takes it from there a moment later.",
        Hooks { decryption_blt: Some(racing), ..Hooks::NONE },
    ),
    fault(
        "devices-race-for-one-key",
        "threads/devices-in-parallel",
        "A blit takes the key of one that is under way on another device.",
        Hooks { decryption_blt: Some(racing_devices), ..Hooks::NONE },
    ),
    fault(
        "exchanges-race-for-one-key",
        "threads/create-and-destroy",
        "A key exchange copies its key to a place that all threads share, and takes it from there a moment later.",
        Hooks { negotiate_crypto_session_key_exchange: Some(racing_exchanges), ..Hooks::NONE },
    ),
    fault(
        "channels-race-for-one-key",
        "threads/channels-in-parallel",
        "A query copies its channel's key to a place that all threads share, and signs with what is there a moment later.",
        Hooks { query_authenticated_channel: Some(racing_queries), ..Hooks::NONE },
    ),
    fault(
        "handles-race",
        "threads/handles-differ",
        "CryptoSessionGetHandle copies the handle to a place that all threads share, and takes it from there a moment later.",
        Hooks { crypto_session_get_handle: Some(racing_handles), ..Hooks::NONE },
    ),
    fault(
        "mt-exchange-one-at-a-time",
        "threads/mt-key-exchange",
        "NegotiateCryptoSessionKeyExchangeMT is E_FAIL while another thread is in it with the same session, which has no commands.",
        mt("", |call| meets(call, false)),
    ),
    fault(
        "mt-command-one-at-a-time",
        "threads/mt-commands",
        "A command by NegotiateCryptoSessionKeyExchangeMT is E_FAIL while another thread carries one on the same session.",
        mt("capabilities.profile=hardware-like", |call| meets(call, true)),
    ),
    fault(
        "blits-lock-the-source-first",
        "threads/opposite-blits",
        "A blit takes a lock of its source, then one of its destination, and waits for each as long as it takes.",
        Hooks { decryption_blt: Some(locking), ..Hooks::NONE },
    ),
    fault(
        "reports-double-among-threads",
        "threads/reports-on-the-calling-thread",
        "A DecryptionBlt that fails reports its error twice while one fails on another thread.",
        Hooks { decryption_blt: Some(reporting), ..Hooks::NONE },
    ),
];

const fn mt(options: &'static str, hook: fn(&NegotiateCryptoSessionKeyExchangeMT<'_>) -> HRESULT) -> Hooks {
    Hooks { options, negotiate_crypto_session_key_exchange_mt: Some(hook), ..Hooks::NONE }
}

fn racing(call: &DecryptionBlt<'_>) -> HRESULT {
    let (Some(device), Some(key), Some(keys)) = (call.device(), call.data_key(), call.keys()) else {
        return call.pass_on();
    };
    device.driver.keep(key);
    std::thread::sleep(MOMENT);
    let taken = device.driver.kept().unwrap_or(key);
    if taken == key {
        return call.pass_on();
    }
    let mut wrapped = wrap(&keys.own, &taken);
    call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
}

fn racing_devices(call: &DecryptionBlt<'_>) -> HRESULT {
    let (Some(device), Some(key), Some(keys)) = (call.device(), call.data_key(), call.keys()) else {
        return call.pass_on();
    };
    // The key of the last blit, and its device.
    let last = |place| device.driver.notes().get(&place).copied();
    device.driver.notes().extend([(0, u128::from_be_bytes(key)), (1, call.device_number() as u128)]);
    std::thread::sleep(MOMENT);
    match (last(0), last(1)) {
        (Some(taken), Some(other)) if other != call.device_number() as u128 => {
            let mut wrapped = wrap(&keys.own, &taken.to_be_bytes());
            call.with_content_key(Buffer::of(&mut wrapped)).pass_on()
        }
        _ => call.pass_on(),
    }
}

fn racing_exchanges(call: &NegotiateCryptoSessionKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(keys), Some(device)) = (hresult, call.keys(), call.device()) {
        device.driver.keep(keys.own);
        std::thread::sleep(LONGER);
        call.set_key(device.driver.kept().unwrap_or(keys.own));
    }
    hresult
}

fn racing_queries(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    let own = call.known(|channel| channel.key).flatten();
    let taken = call.device().zip(own).and_then(|(device, key)| {
        device.driver.keep(key);
        std::thread::sleep(MOMENT);
        device.driver.kept()
    });
    change_query_answer(call, |_, key, answer| sign(&taken.unwrap_or(*key), answer))
}

fn racing_handles(call: &CryptoSessionGetHandle<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(handle), Some(device)) = (hresult, call.handle(), call.device()) {
        device.driver.notes().insert(0, handle as u128);
        std::thread::sleep(MOMENT);
        let taken = device.driver.notes().get(&0).and_then(|taken| usize::try_from(*taken).ok());
        call.set_handle(taken.unwrap_or(handle));
    }
    hresult
}

/// Fails when it meets another call on a session that carries commands, or on one that does not.
fn meets(call: &NegotiateCryptoSessionKeyExchangeMT<'_>, commands: bool) -> HRESULT {
    let is_it = call.known(|session| session.carries_commands) == Some(commands);
    let Some(device) = call.device().filter(|_| is_it) else { return call.pass_on() };
    match device.driver.meeting(call.session(), || call.pass_on()) {
        (_, true) => E_FAIL,
        (hresult, false) => hresult,
    }
}

/// Resources that blits have locked, of all drivers in the process: handles are never used twice.
static LOCKED: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());
/// Told when one is unlocked.
static UNLOCKED: Condvar = Condvar::new();

/// A resource that is locked until this is dropped.
struct Lock(usize);

impl Lock {
    fn new(resource: usize) -> Self {
        let locked = LOCKED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_locked = |locked: &mut BTreeSet<usize>| locked.contains(&resource);
        UNLOCKED.wait_while(locked, is_locked).unwrap_or_else(PoisonError::into_inner).insert(resource);
        Self(resource)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        LOCKED.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        UNLOCKED.notify_all();
    }
}

fn locking(call: &DecryptionBlt<'_>) -> HRESULT {
    let _source = Lock::new(call.source());
    if call.source() == call.destination() {
        return call.pass_on();
    }
    std::thread::yield_now();
    let _destination = Lock::new(call.destination());
    call.pass_on()
}

fn reporting(call: &DecryptionBlt<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let Some(device) = call.device().filter(|_| hresult != S_OK) else { return hresult };
    let ((), meets) = device.driver.meeting(0, || ());
    if meets { call.report(hresult, "as has been said") } else { hresult }
}
