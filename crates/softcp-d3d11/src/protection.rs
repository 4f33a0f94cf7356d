//! What the authenticated channels of a device have set, as far as the runtime acts on it itself: in `Map`, in copies,
//! and when a program opens a shared resource.
//!
//! The rules are those of the driver: each channel has settings of its own, which end with it and which no other channel
//! takes away, and what is in force on the device is all of them together (D19).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED, D3D11_PROCESSIDTYPE_DWM, D3D11_PROCESSIDTYPE_HANDLE,
};

/// Every bit of `D3D11_AUTHENTICATED_PROTECTION_FLAGS` that has a meaning.
pub const KNOWN_FLAGS: u32 = D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED
    | D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED;

/// Most processes that can be allowed on one device, as for the driver.
const MOST_PROCESSES: usize = 1024;

/// A process that may open restricted shared resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Process {
    /// `D3D11_PROCESSIDTYPE_DWM` or `_HANDLE`.
    pub process_type: u32,
    /// The handle, with the type HANDLE; otherwise 0.
    pub handle: u64,
}

impl Process {
    /// The handle of any other type than HANDLE does not count. Error: [`ProcessError::UnknownType`].
    fn new(process_type: u32, handle: u64) -> Result<Self, ProcessError> {
        match process_type {
            D3D11_PROCESSIDTYPE_DWM => Ok(Self { process_type, handle: 0 }),
            D3D11_PROCESSIDTYPE_HANDLE => Ok(Self { process_type, handle }),
            other => Err(ProcessError::UnknownType(other)),
        }
    }
}

/// Why a process was not allowed, or its permission not revoked. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// The type is UNKNOWN, or none of `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE`.
    #[error("the process identifier type is {0}; it must be 1 (DWM) or 2 (HANDLE)")]
    UnknownType(u32),
    /// As many processes are allowed as can be.
    #[error("{MOST_PROCESSES} processes are allowed already")]
    TooMany,
    /// Other channels have allowed the process, this one has not, and it cannot take away what is theirs.
    #[error("another channel has allowed the process")]
    HeldByAnother,
}

/// The settings of all channels of a device. Channels are told apart by their handles.
#[derive(Debug, Default)]
pub struct Protection {
    /// Whether protection is in force, to be asked without a lock at each `Map` and copy. Changes under the lock of
    /// `settings` only.
    enforced: AtomicBool,
    settings: Mutex<Settings>,
}

#[derive(Debug, Default)]
struct Settings {
    always_on: bool,
    /// Flags of the channels that have set any.
    flags: Vec<(usize, u32)>,
    /// Allowed processes in the order they were allowed, none twice.
    processes: Vec<Allowed>,
    /// Protected shared resources that any process can open.
    unrestricted: u32,
}

#[derive(Debug)]
struct Allowed {
    process: Process,
    /// The channels that have allowed it; never empty.
    channels: Vec<usize>,
}

impl Protection {
    /// No channel has set anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether clear content must stay in protected resources (D19). Takes no lock.
    #[must_use]
    pub fn enforced(&self) -> bool {
        self.enforced.load(Ordering::Acquire)
    }

    /// The flags in force, of all channels together.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.settings().flags()
    }

    /// Says whether the driver reports `PROTECTION_ALWAYS_ON`: then protection is in force whatever channels set.
    pub fn set_always_on(&self, always_on: bool) {
        self.change(|settings| settings.always_on = always_on);
    }

    /// Sets a channel's flags, in place of those it has set before. Bits without a meaning are dropped: to refuse them is
    /// for whoever answers the command.
    pub fn set_flags(&self, channel: usize, flags: u32) {
        self.change(|settings| settings.set_flags(channel, flags & KNOWN_FLAGS));
    }

    /// Ends what a channel has set: its flags, and the permissions that no other channel has given too.
    pub fn end_channel(&self, channel: usize) {
        self.change(|settings| {
            settings.set_flags(channel, 0);
            settings.processes.retain_mut(|allowed| {
                allowed.channels.retain(|holder| *holder != channel);
                !allowed.channels.is_empty()
            });
        });
    }

    /// Allows a process to open restricted shared resources; `handle` counts for the type HANDLE only. Errors:
    /// [`ProcessError::UnknownType`], [`ProcessError::TooMany`].
    pub fn allow(&self, channel: usize, process_type: u32, handle: u64) -> Result<(), ProcessError> {
        let process = Process::new(process_type, handle)?;
        let mut settings = self.settings();
        if let Some(allowed) = settings.processes.iter_mut().find(|allowed| allowed.process == process) {
            if !allowed.channels.contains(&channel) {
                allowed.channels.push(channel);
            }
            return Ok(());
        }
        if settings.processes.len() >= MOST_PROCESSES {
            return Err(ProcessError::TooMany);
        }
        settings.processes.push(Allowed { process, channels: vec![channel] });
        Ok(())
    }

    /// Revokes what a channel has allowed; the process stays allowed while another channel allows it. One that nobody has
    /// allowed stays so. Errors: [`ProcessError::UnknownType`], [`ProcessError::HeldByAnother`].
    pub fn revoke(&self, channel: usize, process_type: u32, handle: u64) -> Result<(), ProcessError> {
        let process = Process::new(process_type, handle)?;
        let mut settings = self.settings();
        let Some(index) = settings.processes.iter().position(|allowed| allowed.process == process) else {
            return Ok(());
        };
        let channels = &mut settings.processes[index].channels;
        let place = channels.iter().position(|holder| *holder == channel).ok_or(ProcessError::HeldByAnother)?;
        channels.remove(place);
        if channels.is_empty() {
            settings.processes.remove(index);
        }
        Ok(())
    }

    /// The processes that may open restricted shared resources, in the order in which they were allowed.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        self.settings().processes.iter().map(|allowed| allowed.process).collect()
    }

    /// Counts a protected shared resource that any process can open.
    pub fn add_unrestricted(&self) {
        let mut settings = self.settings();
        settings.unrestricted = settings.unrestricted.saturating_add(1);
    }

    /// Takes back what [`add_unrestricted`](Self::add_unrestricted) counted, when the resource is gone.
    pub fn remove_unrestricted(&self) {
        let mut settings = self.settings();
        settings.unrestricted = settings.unrestricted.saturating_sub(1);
    }

    /// How many protected shared resources any process can open.
    #[must_use]
    pub fn unrestricted(&self) -> u32 {
        self.settings().unrestricted
    }

    fn change(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        let enabled = settings.flags() & D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED != 0;
        self.enforced.store(enabled, Ordering::Release);
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn flags(&self) -> u32 {
        let always = if self.always_on { D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED } else { 0 };
        self.flags.iter().fold(always, |sum, (_, flags)| sum | flags)
    }

    fn set_flags(&mut self, channel: usize, flags: u32) {
        self.flags.retain(|(owner, _)| *owner != channel);
        if flags != 0 {
            self.flags.push((channel, flags));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: usize = 0x10;
    const B: usize = 0x20;
    const DWM: u32 = D3D11_PROCESSIDTYPE_DWM;
    const HANDLE: u32 = D3D11_PROCESSIDTYPE_HANDLE;

    fn state(protection: &Protection) -> (bool, u32) {
        (protection.enforced(), protection.flags())
    }

    fn processes(protection: &Protection) -> Vec<(u32, u64)> {
        protection.processes().iter().map(|process| (process.process_type, process.handle)).collect()
    }

    #[test]
    fn protection_is_in_force_while_any_channel_enables_it() {
        let protection = Protection::new();
        assert_eq!(state(&protection), (false, 0));
        protection.set_flags(A, 1);
        protection.set_flags(B, 2);
        assert_eq!(state(&protection), (true, 3));
        protection.set_flags(B, 0);
        assert_eq!(state(&protection), (true, 1));
        protection.set_flags(B, 3);
        protection.set_flags(A, 0);
        assert_eq!(state(&protection), (true, 3));
        protection.end_channel(A);
        assert_eq!(state(&protection), (true, 3));
        protection.end_channel(B);
        assert_eq!(state(&protection), (false, 0));
        protection.set_flags(A, 2);
        assert_eq!(state(&protection), (false, 2));
    }

    #[test]
    fn bits_without_a_meaning_are_dropped() {
        let protection = Protection::new();
        protection.set_flags(A, 0xFFFF_FFFC);
        assert_eq!(state(&protection), (false, 0));
        protection.set_flags(A, u32::MAX);
        assert_eq!(state(&protection), (true, 3));
    }

    #[test]
    fn protection_always_on_is_not_a_channels() {
        let protection = Protection::new();
        protection.set_always_on(true);
        protection.set_flags(A, 1);
        protection.set_flags(A, 0);
        protection.end_channel(A);
        assert_eq!(state(&protection), (true, 1));
        protection.set_always_on(false);
        assert_eq!(state(&protection), (false, 0));
    }

    #[test]
    fn processes_are_listed_once_and_in_order() {
        let protection = Protection::new();
        for (channel, process_type, handle) in
            [(A, HANDLE, 7), (B, DWM, 5), (B, HANDLE, 7), (A, DWM, 6), (A, HANDLE, 5)]
        {
            protection.allow(channel, process_type, handle).unwrap();
        }
        assert_eq!(processes(&protection), [(HANDLE, 7), (DWM, 0), (HANDLE, 5)]);
    }

    #[test]
    fn a_process_stays_until_each_channel_that_allowed_it_revokes_it_or_ends() {
        let protection = Protection::new();
        for channel in [A, B, A] {
            protection.allow(channel, HANDLE, 7).unwrap();
        }
        protection.revoke(A, HANDLE, 7).unwrap();
        assert_eq!(processes(&protection), [(HANDLE, 7)]);
        assert_eq!(protection.revoke(A, HANDLE, 7), Err(ProcessError::HeldByAnother));
        protection.end_channel(A);
        assert_eq!(processes(&protection), [(HANDLE, 7)]);
        protection.allow(A, DWM, 0).unwrap();
        protection.end_channel(B);
        assert_eq!(processes(&protection), [(DWM, 0)]);
        assert_eq!(protection.revoke(B, HANDLE, 7), Ok(()), "nobody allows it");
        protection.revoke(A, DWM, 99).unwrap();
        assert_eq!(processes(&protection), []);
    }

    #[test]
    fn unknown_types_of_processes_are_refused() {
        let protection = Protection::new();
        for process_type in [0, 3, u32::MAX] {
            let error = Err(ProcessError::UnknownType(process_type));
            assert_eq!(protection.allow(A, process_type, 1), error);
            assert_eq!(protection.revoke(A, process_type, 1), error);
        }
        assert_eq!(processes(&protection), []);
    }

    #[test]
    fn the_list_of_processes_has_an_end() {
        let protection = Protection::new();
        for handle in 0..1024 {
            protection.allow(A, HANDLE, handle).unwrap();
        }
        assert_eq!(protection.allow(A, DWM, 0), Err(ProcessError::TooMany));
        assert_eq!(protection.allow(B, HANDLE, 3), Ok(()), "it is in the list");
        assert_eq!(protection.processes().len(), 1024);
    }

    #[test]
    fn shared_resources_are_counted() {
        let protection = Protection::new();
        protection.remove_unrestricted();
        assert_eq!(protection.unrestricted(), 0);
        protection.add_unrestricted();
        protection.add_unrestricted();
        protection.remove_unrestricted();
        assert_eq!(protection.unrestricted(), 1);
    }

    #[test]
    fn threads_share_it() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&Protection::new());
    }
}
