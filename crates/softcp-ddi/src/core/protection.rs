//! What authenticated channels have set, for the host to enforce, and what the host tells them.

use softcp::Process;

use super::device::{borrow, borrow_removed, softcp_device};
use super::types::{softcp_guid, softcp_hresult};
use crate::hresult::{Failure, Result};
use crate::{guard, pointer};

/// Flag of `softcp_protection`: protection is enforced (D19).
pub const SOFTCP_PROTECTION_ENABLED: u32 = 1;
/// Flag of `softcp_protection`: content may be shown in an overlay or full screen only.
pub const SOFTCP_PROTECTION_OVERLAY_OR_FULLSCREEN_REQUIRED: u32 = 2;

/// Process type: the desktop window manager; the handle does not count.
pub const SOFTCP_PROCESS_DWM: u32 = 1;
/// Process type: the process of a handle.
pub const SOFTCP_PROCESS_HANDLE: u32 = 2;

/// A process.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_process {
    /// SOFTCP_PROCESS_ value.
    pub process_type: u32,
    /// Reserved, zero.
    pub reserved: u32,
    /// The process of type SOFTCP_PROCESS_HANDLE: what applications pass as ProcessHandle. It is compared, never used.
    pub handle: u64,
}

impl softcp_process {
    /// The process as the engine knows it; an unknown type is SOFTCP_E_INVALIDARG, and so is a reserved member in use.
    pub(crate) fn engine(self) -> Result<Process> {
        if self.reserved != 0 {
            return Err(Failure::Invalid("softcp_process.reserved is not zero"));
        }
        Ok(Process::from_parts(self.process_type, self.handle)?)
    }
}

/// Writes to `enforced` whether protection is enforced (1) or not (0): while it is, the host must refuse to map
/// protected resources and to copy them to unprotected ones (D19).
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `enforced` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_protection_enforced(
    device: *const softcp_device,
    enforced: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_protection_enforced", || {
        // SAFETY: the caller's duty on `enforced`.
        unsafe { pointer::write("enforced", enforced, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `enforced`.
        unsafe { pointer::write("enforced", enforced, u32::from(device.engine().protection_enforced())) }
    })
}

/// Writes to `flags` the protection in force on the device, as SOFTCP_PROTECTION_ flags: that of all its channels
/// together. The second flag is for the host to enforce, which knows how its images are shown.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `flags` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_protection(device: *const softcp_device, flags: *mut u32) -> softcp_hresult {
    guard::run("softcp_protection", || {
        // SAFETY: the caller's duty on `flags`.
        unsafe { pointer::write("flags", flags, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `flags`.
        unsafe { pointer::write("flags", flags, device.engine().protection().bits()) }
    })
}

/// Writes to `allowed` whether a process may open the device's restricted shared resources (1) or not (0): those that the
/// host allowed from the start, and those that a channel allows. SOFTCP_E_INVALIDARG: an unknown process type.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `process` is null or readable; `allowed` is null or valid for a
/// write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_process_allowed(
    device: *const softcp_device,
    process: *const softcp_process,
    allowed: *mut u32,
) -> softcp_hresult {
    guard::run("softcp_process_allowed", || {
        // SAFETY: the caller's duty on `allowed`.
        unsafe { pointer::write("allowed", allowed, 0) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `process`.
        let process = unsafe { pointer::read("process", process) }?.engine()?;
        // SAFETY: the caller's duty on `allowed`.
        unsafe { pointer::write("allowed", allowed, u32::from(device.engine().process_allowed(process))) }
    })
}

/// Writes to `encryption` the encryption that a channel has chosen for content before it becomes accessible, as by being
/// paged out to memory that others reach; all zero is none. It is for the host to apply, which moves the content.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`; `encryption` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_accessible_encryption(
    device: *const softcp_device,
    encryption: *mut softcp_guid,
) -> softcp_hresult {
    guard::run("softcp_accessible_encryption", || {
        // SAFETY: the caller's duty on `encryption`.
        unsafe { pointer::write("encryption", encryption, softcp_guid::default()) }?;
        // SAFETY: the caller's duty on `device`.
        let device = unsafe { borrow_removed(device) }?;
        // SAFETY: the caller's duty on `encryption`.
        unsafe { pointer::write("encryption", encryption, device.engine().accessible_encryption().into()) }
    })
}

/// The host has made a protected resource that is shared with other processes without restriction: channels report how
/// many there are.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_unrestricted_share_add(device: *const softcp_device) -> softcp_hresult {
    guard::run("softcp_unrestricted_share_add", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow(device) }?.engine().add_unrestricted_share();
        Ok(())
    })
}

/// The host has destroyed a resource of `softcp_unrestricted_share_add`.
///
/// # Safety
/// `device` is null or came from `softcp_device_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn softcp_unrestricted_share_remove(device: *const softcp_device) -> softcp_hresult {
    guard::run("softcp_unrestricted_share_remove", || {
        // SAFETY: the caller's duty on `device`.
        unsafe { borrow_removed(device) }?.engine().remove_unrestricted_share();
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_types_are_those_of_the_ddi() {
        assert_eq!(SOFTCP_PROTECTION_ENABLED, softcp_abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED);
        assert_eq!(
            SOFTCP_PROTECTION_OVERLAY_OR_FULLSCREEN_REQUIRED,
            softcp_abi::D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED
        );
        assert_eq!(SOFTCP_PROCESS_DWM, softcp_abi::D3D11_1DDI_PROCESSIDTYPE_DWM);
        assert_eq!(SOFTCP_PROCESS_HANDLE, softcp_abi::D3D11_1DDI_PROCESSIDTYPE_HANDLE);
    }
}
