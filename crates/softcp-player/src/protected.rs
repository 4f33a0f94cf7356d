//! A device under protection: the start-up of a protected player before its sessions, and the end after them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use softcp_abi::D3D11_DECODER_PROFILE_H264_VLD_NOFGT;
use softcp_client::{Answer, ChannelType, Command, ProtectionFlags, Query};
use softcp_runtime::{Decoder, DecoderDesc, Device, Session};

use crate::channel::{ChannelFailure, PlayerChannel};
use crate::report::ChannelReport;
use crate::trust::Trust;

/// `DXGI_FORMAT_NV12`.
const FORMAT_NV12: u32 = 103;

/// Whether content is decrypted under protection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// An authenticated channel is opened and protection is on; each session is bound to a decoder. What is decrypted
    /// stays in protected resources and comes out encrypted. A driver that cannot do this is an error.
    #[default]
    Required,
    /// No channel is opened, and what is decrypted can be read where it lies, unless the driver protects it at all times
    /// (`PROTECTION_ALWAYS_ON`). For drivers without channels.
    Without,
}

/// A device whose protection is on, by a channel of its own.
///
/// [`open`](Self::open) is what a protected player does first, [`close`](Self::close) what it does last. A value that is
/// dropped without `close`, as after an error, switches protection off too, but nobody learns whether that went well.
///
/// Protection is in force on a device while any channel enables it. Open one such value per device, or close the last one
/// first: one that is closed while a later one lives finds protection still on, and says so as an error.
#[derive(Debug)]
pub struct ProtectedDevice {
    device: Device,
    /// The handle by which messages name the device.
    handle: usize,
    /// Protection was in force before this channel asked for it.
    was_on: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    channel: PlayerChannel,
    /// PROTECTION with the flag has been sent, and PROTECTION without it has not been accepted since.
    on: bool,
    /// What the driver said last about protection.
    in_force: bool,
    sessions_bound: u64,
}

/// A decoder made for one session, and bound to it: the binding ends with the decoder.
#[derive(Debug)]
pub struct Binding {
    decoder: Decoder,
    decoder_handle: usize,
    session_handle: usize,
}

impl Binding {
    /// The decoder, for frames under the session's keys.
    pub fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }
}

impl ProtectedDevice {
    /// Opens a channel, asks for the device's handle, and switches protection on; a query must confirm it.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`]; [`ChannelFailure::NotSwitched`] when the driver accepted the command and did not obey.
    pub fn open(device: &Device, trust: &Trust, channel_type: ChannelType) -> Result<Self, ChannelFailure> {
        let mut channel = PlayerChannel::open(device, trust, channel_type)?;
        let Answer::DeviceHandle(handle) = channel.query(Query::DeviceHandle)? else {
            unreachable!("an answer is of its query's kind")
        };
        let was_on = protection(&mut channel)?.enabled;
        let state = State { channel, on: false, in_force: was_on, sessions_bound: 0 };
        let protected = Self { device: device.clone(), handle, was_on, state: Mutex::new(state) };
        protected.switch(true)?;
        Ok(protected)
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The handle by which messages name the device.
    #[must_use]
    pub fn handle(&self) -> usize {
        self.handle
    }

    /// Whether protection was in force before, as with `PROTECTION_ALWAYS_ON`: then it stays so.
    #[must_use]
    pub fn was_protected(&self) -> bool {
        self.was_on
    }

    /// Switches protection on or off; a query must confirm it. Where protection was in force before, it may still be
    /// after it is switched off.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`].
    pub fn switch(&self, on: bool) -> Result<(), ChannelFailure> {
        self.state().switch(on, self.was_on)
    }

    /// What the driver says about the protection in force.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`].
    pub fn protection(&self) -> Result<ProtectionFlags, ChannelFailure> {
        protection(&mut self.state().channel)
    }

    /// Makes a decoder and binds `session` to it with `CONFIGURE_CRYPTO_SESSION`; a query must confirm it.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`]: [`NoDecoder`](ChannelFailure::NoDecoder) from a driver that makes none,
    /// [`NotBound`](ChannelFailure::NotBound) when the driver accepted the command and did not obey.
    pub fn bind(&self, session: &mut Session) -> Result<Binding, ChannelFailure> {
        let decoder = self.device.create_decoder(&decoder_desc()).map_err(ChannelFailure::of_decoder)?;
        self.bind_to(decoder, session)
    }

    /// Binds `session` to a decoder that is there already; otherwise as [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn bind_to(&self, mut decoder: Decoder, session: &mut Session) -> Result<Binding, ChannelFailure> {
        let decoder_handle = decoder.handle_value().map_err(ChannelFailure::of_decoder)?;
        let binding = Binding { decoder, decoder_handle, session_handle: session.handle_value()? };
        let mut state = self.state();
        state.bind(&binding, self.handle)?;
        state.sessions_bound += 1;
        Ok(binding)
    }

    /// Binds once more where the driver says that a binding has ended, as it may when it loses a session's key.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub fn keep_bound(&self, binding: &Binding) -> Result<(), ChannelFailure> {
        let mut state = self.state();
        match state.check_binding(binding, self.handle) {
            Err(ChannelFailure::NotBound { .. }) => state.bind(binding, self.handle),
            checked => checked,
        }
    }

    /// What has been done so far.
    #[must_use]
    pub fn report(&self) -> ChannelReport {
        let state = self.state();
        let messages = state.channel.messages();
        ChannelReport {
            channel_type: state.channel.channel_type().to_string(),
            certificate_verified: state.channel.is_certificate_verified(),
            protection_on: true,
            protection_off_again: !state.in_force,
            sessions_bound: state.sessions_bound,
            commands: messages.commands,
            queries: messages.queries,
            answers_verified: messages.answers_verified,
        }
    }

    /// Switches protection off, has that confirmed, and destroys the channel.
    ///
    /// # Errors
    ///
    /// [`ChannelFailure`]; the channel is destroyed all the same.
    pub fn close(self) -> Result<ChannelReport, ChannelFailure> {
        let mut state = self.state();
        if state.on {
            state.switch(false, self.was_on)?;
        }
        drop(state);
        Ok(self.report())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ProtectedDevice {
    /// Switches protection off if it is on, as well as can be: the driver ends a channel's settings with the channel, but
    /// not every driver may.
    fn drop(&mut self) {
        let mut state = self.state();
        if state.on {
            let _ = state.channel.command(Command::Protection(ProtectionFlags::default()));
        }
    }
}

impl State {
    fn switch(&mut self, on: bool, was_on: bool) -> Result<(), ChannelFailure> {
        // Set before, since a failed command may have been carried out.
        self.on |= on;
        let flags = ProtectionFlags { enabled: on, ..ProtectionFlags::default() };
        self.channel.command(Command::Protection(flags))?;
        self.on = on;
        self.in_force = protection(&mut self.channel)?.enabled;
        let as_wanted = self.in_force == on || was_on && !on;
        if as_wanted { Ok(()) } else { Err(ChannelFailure::NotSwitched { wanted: on }) }
    }

    fn bind(&mut self, binding: &Binding, device: usize) -> Result<(), ChannelFailure> {
        let (decoder, session) = (binding.decoder_handle, binding.session_handle);
        self.channel.command(Command::CryptoSession { decoder, session, device })?;
        self.check_binding(binding, device)
    }

    fn check_binding(&mut self, binding: &Binding, device: usize) -> Result<(), ChannelFailure> {
        let (decoder, session) = (binding.decoder_handle, binding.session_handle);
        match self.channel.query(Query::CryptoSession { decoder })? {
            Answer::CryptoSession { session: bound, device: of } if (bound, of) == (session, device) => Ok(()),
            Answer::CryptoSession { session: bound_session, device: bound_device } => {
                Err(ChannelFailure::NotBound { session, bound_session, bound_device })
            }
            _ => unreachable!("an answer is of its query's kind"),
        }
    }
}

/// A decoder to bind a session to. Any will do: nothing is decoded, and a session is bound before the size of frames is
/// known.
pub(crate) fn decoder_desc() -> DecoderDesc {
    DecoderDesc::bitstream(D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 1920, 1088, FORMAT_NV12)
}

fn protection(channel: &mut PlayerChannel) -> Result<ProtectionFlags, ChannelFailure> {
    match channel.query(Query::Protection)? {
        Answer::Protection(flags) => Ok(flags),
        _ => unreachable!("an answer is of its query's kind"),
    }
}
