//! Faults on purpose, set and cleared while a program runs.

use std::ffi::c_char;

use softcp::Error;
use softcp::faults::Schedule;

use super::device::{borrow_removed, softcp_device};
use super::types::softcp_hresult;
use crate::hresult::Failure;
use crate::{guard, pointer};

/// Sets a fault on the device's adapter, for all its devices: `text` is its name, and when it occurs, as "key-lost at=3",
/// "wrong-mac every=5 times=2", "slow-key-exchange every=1 delay=250ms" or "refresh-refused probability=0.1 seed=7".
/// Without more than a name it occurs at the next call that counts for it. Calls are counted from now on.
///
/// The names: key-lost, key-and-content-lost, device-removed, protected-memory-exhausted, out-of-memory,
/// unsupported-crypto, certificate-expired, certificate-wrong-root, certificate-wrong-key, certificate-revoked,
/// slow-key-exchange, wrong-mac, repeated-random-number, refresh-refused. The keys: at=N, every=N or probability=P with
/// seed=S; times=N; after=T and delay=T, a time as 250ms or 2s.
///
/// SOFTCP_E_NOTIMPL: the configuration does not allow it (faults.opt_in), or it leaves certificate-revoked without a
/// revocation list (an identity.directory without crl.pem, or identity.encoding=der). SOFTCP_E_INVALIDARG: null, a text
/// that says something else, or one of more than 65,536 bytes. SOFTCP_E_OUTOFMEMORY: 256 faults are set already. Then
/// nothing is set (softcp_last_error says what is wrong).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `text` is null or a string that ends in a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_inject_fault(device: *const softcp_device, text: *const c_char) -> softcp_hresult {
    guard::run("softcp_inject_fault", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `text`.
        let text = unsafe { pointer::string("text", text) }?.ok_or(Failure::Null("text"))?;
        let schedule: Schedule = text.parse().map_err(Error::from)?;
        Ok(device.adapter().faults().inject(schedule).map_err(Error::from)?)
    })
}

/// Clears all faults of the device's adapter, those of its configuration too. What they have done stays done.
/// SOFTCP_E_NOTIMPL: the configuration does not allow it (faults.opt_in).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_clear_faults(device: *const softcp_device) -> softcp_hresult {
    guard::run("softcp_clear_faults", || {
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        Ok(device.adapter().faults().clear().map_err(Error::from)?)
    })
}
