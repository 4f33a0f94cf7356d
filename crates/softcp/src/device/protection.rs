//! What the authenticated channels of a device have set.
//!
//! Each channel has settings of its own, which end with it, and which no other channel takes away. What is in force on
//! the device is all of them together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use softcp_abi::{
    D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED, D3D11_PROCESSIDTYPE_DWM, D3D11_PROCESSIDTYPE_HANDLE, GUID,
    GUID_NULL,
};

use crate::error::{Error, Result};
use crate::handle::Handle;

/// Most processes that can be allowed on one device.
const MAX_PROCESSES: usize = 1024;

/// `D3D11_AUTHENTICATED_PROTECTION_FLAGS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProtectionFlags {
    /// Protection is enforced (D19).
    pub enabled: bool,
    /// Content may be shown in an overlay or full screen only. The engine reports it; showing is the host's.
    pub overlay_or_fullscreen_required: bool,
}

impl ProtectionFlags {
    /// Reads the flags; [`Error::BadProtectionFlags`] when other bits are set.
    pub fn from_bits(bits: u32) -> Result<Self> {
        let enabled = D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED;
        let overlay = D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED;
        if bits & !(enabled | overlay) != 0 {
            return Err(Error::BadProtectionFlags(bits));
        }
        Ok(Self { enabled: bits & enabled != 0, overlay_or_fullscreen_required: bits & overlay != 0 })
    }

    /// The flags as messages carry them.
    #[must_use]
    pub fn bits(self) -> u32 {
        let bit = |on, bit| if on { bit } else { 0 };
        bit(self.enabled, D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED)
            | bit(
                self.overlay_or_fullscreen_required,
                D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED,
            )
    }

    fn or(self, other: Self) -> Self {
        Self {
            enabled: self.enabled || other.enabled,
            overlay_or_fullscreen_required: self.overlay_or_fullscreen_required || other.overlay_or_fullscreen_required,
        }
    }
}

/// A process that may be allowed to open restricted shared resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Process {
    /// The desktop window manager.
    Dwm,
    /// The process of this handle. What the number means is the host's affair.
    Handle(u64),
}

impl Process {
    /// The process of a `D3D11_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE` and a handle, which counts for type HANDLE only.
    /// [`Error::BadProcessType`] for every other type, UNKNOWN included.
    pub fn from_parts(process_type: u32, handle: u64) -> Result<Self> {
        match process_type {
            D3D11_PROCESSIDTYPE_DWM => Ok(Self::Dwm),
            D3D11_PROCESSIDTYPE_HANDLE => Ok(Self::Handle(handle)),
            other => Err(Error::BadProcessType(other)),
        }
    }

    /// The type and the handle, 0 where it does not count.
    #[must_use]
    pub fn to_parts(self) -> (u32, u64) {
        match self {
            Self::Dwm => (D3D11_PROCESSIDTYPE_DWM, 0),
            Self::Handle(handle) => (D3D11_PROCESSIDTYPE_HANDLE, handle),
        }
    }
}

/// The settings of all channels of a device.
#[derive(Debug)]
pub(crate) struct Protection {
    /// `PROTECTION_ALWAYS_ON` is reported.
    always_on: bool,
    /// Whether protection is in force, for blits to ask without a lock. Changes under the lock of `settings` only.
    enforced: AtomicBool,
    settings: Mutex<Settings>,
}

#[derive(Debug, Default)]
struct Settings {
    /// Protection flags, of channels that have set any.
    flags: Vec<(Handle, ProtectionFlags)>,
    /// Allowed processes in the order they were allowed, none twice.
    processes: Vec<Held<Process>>,
    /// The encryption of accessible content.
    encryption: Option<Held<GUID>>,
}

/// A setting, in force while anybody holds it.
#[derive(Debug)]
struct Held<T> {
    setting: T,
    /// The channels that have set it, and `None` for the host; never empty.
    holders: Vec<Option<Handle>>,
}

impl<T> Held<T> {
    fn new(setting: T, holder: Option<Handle>) -> Self {
        Self { setting, holders: vec![holder] }
    }

    fn hold(&mut self, holder: Option<Handle>) {
        if !self.holders.contains(&holder) {
            self.holders.push(holder);
        }
    }

    fn is_held_by(&self, channel: Handle) -> bool {
        self.holders.contains(&Some(channel))
    }

    /// Gives up what a channel holds. Says whether anybody holds the setting still.
    fn let_go(&mut self, channel: Handle) -> bool {
        self.holders.retain(|holder| *holder != Some(channel));
        !self.holders.is_empty()
    }
}

impl Protection {
    pub(crate) fn new(always_on: bool) -> Self {
        Self { always_on, enforced: AtomicBool::new(always_on), settings: Mutex::default() }
    }

    /// Whether clear content must stay in protected resources (D19). A call that has begun goes on as it began.
    pub(crate) fn enforced(&self) -> bool {
        self.enforced.load(Ordering::Acquire)
    }

    /// What is in force.
    pub(crate) fn flags(&self) -> ProtectionFlags {
        self.settings().flags(self.always_on)
    }

    /// Sets a channel's flags.
    pub(crate) fn set_flags(&self, channel: Handle, flags: ProtectionFlags) {
        self.change_flags(&mut self.settings(), channel, flags);
    }

    /// As [`Self::set_flags`], with the settings locked.
    fn change_flags(&self, settings: &mut Settings, channel: Handle, flags: ProtectionFlags) {
        settings.flags.retain(|(owner, _)| *owner != channel);
        if flags != ProtectionFlags::default() {
            settings.flags.push((channel, flags));
        }
        self.enforced.store(settings.flags(self.always_on).enabled, Ordering::Release);
    }

    /// How many processes may open restricted shared resources.
    pub(crate) fn process_count(&self) -> usize {
        self.settings().processes.len()
    }

    /// One of them, in the order in which they were allowed.
    pub(crate) fn process(&self, index: usize) -> Option<Process> {
        self.settings().processes.get(index).map(|held| held.setting)
    }

    /// Whether a process is one of them.
    pub(crate) fn is_allowed(&self, process: Process) -> bool {
        self.settings().processes.iter().any(|held| held.setting == process)
    }

    /// Allows a process, for a channel or for the host. Error: [`Error::TooManyObjects`].
    pub(crate) fn allow(&self, holder: Option<Handle>, process: Process) -> Result<()> {
        let mut settings = self.settings();
        if let Some(held) = settings.processes.iter_mut().find(|held| held.setting == process) {
            held.hold(holder);
            return Ok(());
        }
        if settings.processes.len() >= MAX_PROCESSES {
            return Err(Error::TooManyObjects);
        }
        settings.processes.push(Held::new(process, holder));
        Ok(())
    }

    /// Revokes what a channel has allowed; the process stays allowed while another holds that. One that is not allowed
    /// stays so. Error, when only others have allowed it: [`Error::HeldByAnother`].
    pub(crate) fn revoke(&self, channel: Handle, process: Process) -> Result<()> {
        let mut settings = self.settings();
        match settings.processes.iter().position(|held| held.setting == process) {
            None => Ok(()),
            Some(index) if settings.processes[index].is_held_by(channel) => {
                if !settings.processes[index].let_go(channel) {
                    settings.processes.remove(index);
                }
                Ok(())
            }
            Some(_) => Err(Error::HeldByAnother("the permission")),
        }
    }

    /// The encryption of content that becomes accessible; all zero is none.
    pub(crate) fn encryption(&self) -> GUID {
        self.settings().encryption.as_ref().map_or(GUID_NULL, |held| held.setting)
    }

    /// Chooses it; none takes a channel's choice back. Error, when another channel holds a different one:
    /// [`Error::HeldByAnother`].
    pub(crate) fn set_encryption(&self, channel: Handle, encryption: GUID) -> Result<()> {
        let mut settings = self.settings();
        let Some(held) = &mut settings.encryption else {
            settings.encryption = (encryption != GUID_NULL).then(|| Held::new(encryption, Some(channel)));
            return Ok(());
        };
        if held.setting == encryption {
            held.hold(Some(channel));
        } else if held.holders == [Some(channel)] {
            settings.encryption = (encryption != GUID_NULL).then(|| Held::new(encryption, Some(channel)));
        } else if encryption == GUID_NULL && held.is_held_by(channel) {
            held.let_go(channel);
        } else {
            return Err(Error::HeldByAnother("the encryption"));
        }
        Ok(())
    }

    /// Ends a channel's settings.
    pub(crate) fn end_channel(&self, channel: Handle) {
        let mut settings = self.settings();
        self.change_flags(&mut settings, channel, ProtectionFlags::default());
        settings.processes.retain_mut(|held| held.let_go(channel));
        settings.encryption.take_if(|held| !held.let_go(channel));
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn flags(&self, always_on: bool) -> ProtectionFlags {
        let always = ProtectionFlags { enabled: always_on, overlay_or_fullscreen_required: false };
        self.flags.iter().fold(always, |sum, (_, flags)| sum.or(*flags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: ProtectionFlags = ProtectionFlags { enabled: true, overlay_or_fullscreen_required: false };
    const OVERLAY: ProtectionFlags = ProtectionFlags { enabled: false, overlay_or_fullscreen_required: true };
    const OFF: ProtectionFlags = ProtectionFlags { enabled: false, overlay_or_fullscreen_required: false };

    impl Protection {
        fn processes(&self) -> Vec<Process> {
            (0..self.process_count()).map(|index| self.process(index).unwrap()).collect()
        }
    }

    fn channels() -> [Handle; 2] {
        [1, 2].map(|raw| Handle::from_raw(raw).unwrap())
    }

    #[test]
    fn flags_are_bits_0_and_1() {
        for (bits, flags) in [(0, OFF), (1, ON), (2, OVERLAY), (3, ON.or(OVERLAY))] {
            assert_eq!((ProtectionFlags::from_bits(bits).unwrap(), flags.bits()), (flags, bits));
        }
        for bits in [4, 0x8000_0000, 7, u32::MAX] {
            assert!(matches!(ProtectionFlags::from_bits(bits), Err(Error::BadProtectionFlags(given)) if given == bits));
        }
    }

    #[test]
    fn protection_is_in_force_while_any_channel_enables_it() {
        let [a, b] = channels();
        let protection = Protection::new(false);
        assert!(!protection.enforced());
        protection.set_flags(a, ON);
        protection.set_flags(b, OVERLAY);
        assert_eq!((protection.enforced(), protection.flags()), (true, ON.or(OVERLAY)));
        protection.set_flags(b, OFF);
        assert_eq!((protection.enforced(), protection.flags()), (true, ON));
        protection.end_channel(a);
        assert_eq!((protection.enforced(), protection.flags()), (false, OFF));
    }

    #[test]
    fn protection_always_on_cannot_be_switched_off() {
        let [a, _] = channels();
        let protection = Protection::new(true);
        protection.set_flags(a, ON);
        protection.set_flags(a, OFF);
        assert_eq!((protection.enforced(), protection.flags()), (true, ON));
    }

    #[test]
    fn processes_are_listed_once_and_in_order() {
        let [a, b] = channels();
        let protection = Protection::new(false);
        for (owner, process) in [
            (None, Process::Dwm),
            (Some(a), Process::Handle(7)),
            (Some(b), Process::Handle(7)),
            (Some(a), Process::Dwm),
        ] {
            protection.allow(owner, process).unwrap();
        }
        assert_eq!(protection.processes(), [Process::Dwm, Process::Handle(7)]);
    }

    #[test]
    fn a_channel_revokes_what_it_allowed_and_nothing_else() {
        let [a, b] = channels();
        let protection = Protection::new(false);
        protection.allow(None, Process::Dwm).unwrap();
        protection.allow(Some(a), Process::Handle(7)).unwrap();
        assert!(matches!(protection.revoke(a, Process::Dwm), Err(Error::HeldByAnother(_))));
        assert!(matches!(protection.revoke(b, Process::Handle(7)), Err(Error::HeldByAnother(_))));
        protection.revoke(b, Process::Handle(8)).unwrap();
        assert_eq!(protection.processes().len(), 2);
        protection.revoke(a, Process::Handle(7)).unwrap();
        assert_eq!(protection.processes(), [Process::Dwm]);
        protection.allow(Some(b), Process::Handle(9)).unwrap();
        protection.end_channel(b);
        assert_eq!(protection.processes(), [Process::Dwm]);
    }

    #[test]
    fn a_process_that_two_channels_allow_stays_until_both_revoke_it() {
        let [a, b] = channels();
        let protection = Protection::new(false);
        for channel in [a, b, a] {
            protection.allow(Some(channel), Process::Dwm).unwrap();
        }
        protection.revoke(a, Process::Dwm).unwrap();
        assert_eq!(protection.processes(), [Process::Dwm]);
        assert!(matches!(protection.revoke(a, Process::Dwm), Err(Error::HeldByAnother(_))));
        protection.allow(Some(a), Process::Dwm).unwrap();
        protection.end_channel(b);
        assert_eq!(protection.processes(), [Process::Dwm]);
        protection.revoke(a, Process::Dwm).unwrap();
        assert_eq!(protection.processes(), []);
    }

    #[test]
    fn process_list_has_an_end() {
        let [a, _] = channels();
        let protection = Protection::new(false);
        for handle in 0..MAX_PROCESSES as u64 {
            protection.allow(Some(a), Process::Handle(handle)).unwrap();
        }
        assert!(matches!(protection.allow(Some(a), Process::Dwm), Err(Error::TooManyObjects)));
        protection.allow(Some(a), Process::Handle(0)).unwrap();
    }

    #[test]
    fn encryption_is_its_channels_until_that_ends() {
        let [a, b] = channels();
        let (first, second) = (GUID::from_u128(1), GUID::from_u128(2));
        let protection = Protection::new(false);
        protection.set_encryption(a, first).unwrap();
        protection.set_encryption(b, first).unwrap();
        assert!(matches!(protection.set_encryption(b, second), Err(Error::HeldByAnother(_))));
        assert_eq!(protection.encryption(), first);
        protection.set_encryption(a, GUID_NULL).unwrap();
        assert_eq!(protection.encryption(), first, "b holds it still");
        assert!(matches!(protection.set_encryption(a, second), Err(Error::HeldByAnother(_))));
        protection.set_encryption(b, second).unwrap();
        protection.end_channel(a);
        assert_eq!(protection.encryption(), second);
        protection.end_channel(b);
        assert_eq!(protection.encryption(), GUID_NULL);
    }

    #[test]
    fn process_types_are_dwm_and_handle() {
        assert_eq!(Process::from_parts(1, 7).unwrap().to_parts(), (1, 0));
        assert_eq!(Process::from_parts(2, 7).unwrap().to_parts(), (2, 7));
        for other in [0, 3, u32::MAX] {
            assert!(matches!(Process::from_parts(other, 7), Err(Error::BadProcessType(given)) if given == other));
        }
    }
}
