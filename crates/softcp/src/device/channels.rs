//! Authenticated channels of a device: what their commands change and their queries report.

use std::sync::Arc;

use softcp_abi::{GUID, GUID_NULL};

use super::{Device, Object, Process, ProtectionFlags};
use crate::channel::{Answer, AuthenticatedChannel, ChannelType, Checked, Command, Query, Reply};
use crate::error::{Error, Result};
use crate::handle::{Handle, Kind};

/// The outputs that show a device's images, for queries about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outputs<'a> {
    /// Those configured.
    #[default]
    Configured,
    /// Those of the host, by their identifiers.
    Named(&'a [u64]),
    /// The host was asked, and its answer cannot be used (D35).
    Unavailable,
}

impl Device {
    /// `CreateAuthenticatedChannel`; the handle is what its messages carry (D25). Errors: [`Error::BadChannelType`],
    /// [`Error::TooManyObjects`]; by faults also [`Error::OutOfMemory`], [`Error::DeviceRemoved`].
    pub fn create_authenticated_channel(&self, channel_type: u32) -> Result<Handle> {
        self.removal.check_call(&self.adapter.state.faults)?;
        self.adapter.state.check_memory()?;
        let channel_type = ChannelType::from_number(channel_type)?;
        self.insert_with(Kind::AuthenticatedChannel, |handle| {
            let channel = AuthenticatedChannel::new(Arc::clone(&self.adapter.state), handle, channel_type);
            Object::AuthenticatedChannel(Box::new(channel))
        })
    }

    /// `DestroyAuthenticatedChannel`: what the channel has set ends with it. A call under way on another thread ends first;
    /// one that waits finds no channel. Error: [`Error::BadHandle`].
    pub fn destroy_authenticated_channel(&self, channel: Handle) -> Result<()> {
        self.with_channel(Some(channel), |_, _| {
            self.destroy(channel, Kind::AuthenticatedChannel)?;
            self.protection.end_channel(channel);
            self.bindings.end_channel(channel);
            Ok(())
        })?
    }

    /// `NegotiateAuthenticatedChannelKeyExchange`: `message` is the channel key, encrypted as for a session; exactly 256
    /// bytes. Any state of the channel. Errors: [`Error::BadHandle`], [`Error::WrongSize`],
    /// [`Error::KeyExchangeFailed`] for everything else that is wrong with the message (D22); then nothing changes.
    pub fn negotiate_channel(&self, channel: Handle, message: &[u8]) -> Result<()> {
        self.removal.check()?;
        self.with_channel(Some(channel), |_, channel| channel.negotiate(message))?
    }

    /// `ConfigureAuthenticatedChannel`: checks a command, carries it out, and answers it; the checks are made in the
    /// order of D15. Any state; a channel without a key refuses with an answer that is not signed, and so does the device
    /// where there is no such channel (D89).
    ///
    /// Errors in the reply: [`Error::BadHandle`] of the channel, [`Error::MessageTooShort`], [`Error::NotAuthentic`] (of a
    /// command longer than [`MAX_COMMAND_SIZE`](crate::MAX_COMMAND_SIZE) too), [`Error::NoChannelKey`],
    /// [`Error::WrongChannel`], [`Error::ChannelNotInitialized`], [`Error::ChannelAlreadyInitialized`] (D16),
    /// [`Error::SequenceNotGreater`], [`Error::SequenceExhausted`] (D18), which change nothing;
    /// [`Error::UnknownCommand`], [`Error::WrongSize`] (D14), [`Error::BadHandle`] of what the command names,
    /// [`Error::BadProtectionFlags`], [`Error::BadProcessType`], [`Error::UnsupportedEncryption`],
    /// [`Error::HeldByAnother`], [`Error::TooManyObjects`], which use the sequence number up and change nothing else.
    ///
    /// On a removed device every command is answered with [`Error::DeviceRemoved`], signed as any answer is (D36).
    pub fn configure_channel(&self, channel: Option<Handle>, message: &[u8]) -> Reply {
        self.with_channel(channel, |handle, channel| match self.removal.check() {
            Ok(()) => channel.configure(message, |command| self.obey(handle, &command)),
            Err(removed) => channel.refuse_command(message, removed),
        })
        .unwrap_or_else(|error| {
            AuthenticatedChannel::unknown_to_command(message, self.removal.check().err().unwrap_or(error))
        })
    }

    /// `QueryAuthenticatedChannel`: checks a query and answers it. The answer is at most `output_size` bytes. `outputs` are
    /// those that show the device's images. Any state; a channel without a key refuses with an answer that is not signed, and
    /// so does the device where there is no such channel.
    ///
    /// Errors in the reply: [`Error::BadHandle`] of the channel, [`Error::MessageTooShort`] of a query or an output without
    /// room for a header, [`Error::WrongChannel`], [`Error::NoChannelKey`], [`Error::ChannelNotInitialized`],
    /// [`Error::SequenceNotGreater`], [`Error::SequenceExhausted`] (D18), which change nothing;
    /// [`Error::UnknownQuery`], [`Error::MessageTooShort`] for the query's or the answer's structure,
    /// [`Error::BadHandle`] of what the query names, [`Error::BadIndex`], [`Error::OutputsUnavailable`], which use the
    /// sequence number up.
    ///
    /// On a removed device every query is answered with [`Error::DeviceRemoved`], signed as any answer is (D36).
    pub fn query_channel(
        &self,
        channel: Option<Handle>,
        message: &[u8],
        output_size: usize,
        outputs: Outputs<'_>,
    ) -> Reply {
        self.with_channel(channel, |_, channel| match self.removal.check() {
            Ok(()) => channel.query(message, output_size, |query, kind| self.answer(kind, outputs, &query)),
            Err(removed) => channel.refuse_query(message, output_size, removed),
        })
        .unwrap_or_else(|error| {
            let error = self.removal.check().err().unwrap_or(error);
            AuthenticatedChannel::unknown_to_query(message, output_size, error)
        })
    }

    /// Allows a process to open restricted shared resources for the host: no channel can revoke that. Error:
    /// [`Error::TooManyObjects`].
    pub fn allow_process(&self, process: Process) -> Result<()> {
        self.protection.allow(None, process)
    }

    /// Whether a process may open restricted shared resources of this device.
    #[must_use]
    pub fn process_allowed(&self, process: Process) -> bool {
        self.protection.is_allowed(process)
    }

    /// The encryption that content of this device must have before it becomes accessible; all zero is none.
    #[must_use]
    pub fn accessible_encryption(&self) -> GUID {
        self.protection.encryption()
    }

    /// Calls `call` with a live channel of this device, locked. It is looked for again when it is locked: destroyed by
    /// another thread meanwhile, it neither sets nor answers anything any more. Error: [`Error::BadHandle`].
    fn with_channel<T>(
        &self,
        handle: Option<Handle>,
        call: impl FnOnce(Handle, &mut AuthenticatedChannel) -> T,
    ) -> Result<T> {
        let handle = handle.ok_or_else(|| Kind::AuthenticatedChannel.bad_handle())?;
        let bad_handle = || Kind::AuthenticatedChannel.bad_handle();
        let objects = &self.adapter.objects;
        let held = objects.hold(Kind::AuthenticatedChannel, handle, Some(self.handle)).ok_or_else(bad_handle)?;
        let mut object = held.lock();
        match &mut *object {
            Some(Object::AuthenticatedChannel(channel)) if self.is_live(handle, Kind::AuthenticatedChannel) => {
                Ok(call(handle, channel))
            }
            _ => Err(bad_handle()),
        }
    }

    /// Carries a command out. An error changes nothing.
    fn obey(&self, channel: Handle, command: &Checked<Command>) -> Result<()> {
        match *command.get() {
            Command::Protection { flags } => {
                self.protection.set_flags(channel, ProtectionFlags::from_bits(flags)?);
                Ok(())
            }
            Command::CryptoSession { decoder, session, device } => {
                self.check_device(device)?;
                self.bind_decoder(channel, handle(decoder, Kind::Decoder)?, handle(session, Kind::CryptoSession)?)
            }
            Command::SharedResource { process_type, process, allow } => {
                let process = Process::from_parts(process_type, process)?;
                if allow == 0 {
                    self.protection.revoke(channel, process)
                } else {
                    self.protection.allow(Some(channel), process)
                }
            }
            Command::EncryptionWhenAccessible { encryption } => {
                if encryption != GUID_NULL && !self.encryptions().contains(&encryption) {
                    return Err(Error::UnsupportedEncryption(encryption));
                }
                self.protection.set_encryption(channel, encryption)
            }
        }
    }

    fn answer(&self, channel_type: ChannelType, outputs: Outputs<'_>, query: &Checked<Query>) -> Result<Answer> {
        match *query.get() {
            // Of the device, whoever enabled it (D92).
            Query::Protection => Ok(Answer::Protection { flags: self.protection.flags().bits() }),
            Query::ChannelType => Ok(Answer::ChannelType { channel_type: channel_type.number() }),
            Query::DeviceHandle => Ok(Answer::DeviceHandle { device: raw(self.handle) }),
            Query::CryptoSession { decoder } => {
                let session = self.decoder_session(handle(decoder, Kind::Decoder)?)?.map_or(0, raw);
                Ok(Answer::CryptoSession { decoder, session, device: raw(self.handle) })
            }
            Query::RestrictedSharedResourceProcessCount => {
                Ok(Answer::RestrictedSharedResourceProcessCount { count: count(self.protection.process_count()) })
            }
            Query::RestrictedSharedResourceProcess { index } => {
                let count = count(self.protection.process_count());
                let found = usize::try_from(index).ok().and_then(|index| self.protection.process(index));
                let (process_type, process) =
                    found.ok_or(Error::BadIndex { what: "process", index, count })?.to_parts();
                Ok(Answer::RestrictedSharedResourceProcess { index, process_type, process })
            }
            Query::UnrestrictedProtectedSharedResourceCount => {
                Ok(Answer::UnrestrictedProtectedSharedResourceCount { count: self.shares.count() })
            }
            Query::OutputIdCount { device, session } => {
                self.check_viewer(device, session)?;
                Ok(Answer::OutputIdCount { device, session, count: count(self.identifiers(outputs)?.len()) })
            }
            Query::OutputId { device, session, index } => {
                self.check_viewer(device, session)?;
                let output = at("output", self.identifiers(outputs)?, index)?;
                Ok(Answer::OutputId { device, session, index, output })
            }
            Query::AccessibilityAttributes => {
                let accessibility = &self.adapter.state.profile.accessibility;
                Ok(Answer::AccessibilityAttributes {
                    bus_type: accessibility.bus_type,
                    contiguous_blocks: accessibility.contiguous_blocks,
                    non_contiguous_blocks: accessibility.non_contiguous_blocks,
                })
            }
            Query::EncryptionWhenAccessibleGuidCount => {
                Ok(Answer::EncryptionWhenAccessibleGuidCount { count: count(self.encryptions().len()) })
            }
            Query::EncryptionWhenAccessibleGuid { index } => {
                let encryption = at("encryption", self.encryptions(), index)?;
                Ok(Answer::EncryptionWhenAccessibleGuid { index, encryption })
            }
            Query::CurrentEncryptionWhenAccessible => {
                Ok(Answer::CurrentEncryptionWhenAccessible { encryption: self.protection.encryption() })
            }
        }
    }

    fn encryptions(&self) -> &[GUID] {
        &self.adapter.state.profile.accessibility.encryption
    }

    fn check_device(&self, device: u64) -> Result<()> {
        if device == raw(self.handle) { Ok(()) } else { Err(Kind::Device.bad_handle()) }
    }

    /// Checks the device and the session for which outputs are asked.
    fn check_viewer(&self, device: u64, session: u64) -> Result<()> {
        self.check_device(device)?;
        self.check_live(handle(session, Kind::CryptoSession)?, Kind::CryptoSession)
    }

    /// The identifiers of outputs.
    fn identifiers<'a>(&'a self, outputs: Outputs<'a>) -> Result<&'a [u64]> {
        match outputs {
            Outputs::Configured => Ok(self.adapter.outputs()),
            Outputs::Named(identifiers) => Ok(identifiers),
            Outputs::Unavailable => Err(Error::OutputsUnavailable),
        }
    }
}

/// A handle as messages carry it.
fn raw(handle: Handle) -> u64 {
    handle.get() as u64
}

/// The handle that a message carries; zero, and what is no handle here, is an error (D93).
fn handle(raw: u64, kind: Kind) -> Result<Handle> {
    usize::try_from(raw).ok().and_then(Handle::from_raw).ok_or_else(|| kind.bad_handle())
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

fn at<T: Copy>(what: &'static str, list: &[T], index: u32) -> Result<T> {
    let position = usize::try_from(index).unwrap_or(usize::MAX);
    list.get(position).copied().ok_or(Error::BadIndex { what, index, count: count(list.len()) })
}
