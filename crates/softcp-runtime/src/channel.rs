//! An authenticated channel in private memory of the runtime.

use std::{fmt, ptr};

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, HANDLE,
};

use crate::calls::{ChannelHandle, Input, Output, Reply};
use crate::device::Device;
use crate::error::Result;
use crate::memory::{AlignedBytes, PrivateMemory};

/// Bytes of the answer to a command: 48 on 64-bit targets, 44 on 32-bit ones.
pub const CONFIGURE_OUTPUT_SIZE: usize = size_of::<D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>();

/// The answer to a command as it lies in memory: `D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT`.
pub type ConfigureOutput = [u8; CONFIGURE_OUTPUT_SIZE];

/// An authenticated channel. Destroyed when dropped; it keeps its device alive.
///
/// Messages are bytes here: what they say and how they are signed is the affair of application and driver. Calls on
/// one channel must not overlap, hence `&mut self`.
///
/// [`query`](Self::query) and [`configure`](Self::configure) fail when the call cannot be made. When it can be, they
/// give the driver's answer and its [`Reply`], also for a refusal: that is signed as well (D17), and the HRESULT beside
/// it is not.
pub struct Channel {
    device: Device,
    memory: PrivateMemory,
    handle_value: usize,
}

impl Channel {
    pub(crate) fn create(device: &Device, channel_type: D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE) -> Result<Self> {
        let calls = device.calls();
        let mut desc = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: channel_type, ..Default::default() };
        let memory = PrivateMemory::new(calls.calc_private_authenticated_channel_size(Some(&desc))?);
        // SAFETY: the memory is new and of the size asked for; `Channel` destroys the channel before it frees it.
        let reply = unsafe { calls.create_authenticated_channel(Some(&mut desc), ChannelHandle::of(&memory)) }?;
        reply.into_result()?;
        Ok(Self { device: device.clone(), memory, handle_value: desc.hChannel.addr() })
    }

    /// The device that the channel was created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The channel's handle, for [`Calls`](crate::Calls).
    #[must_use]
    pub fn handle(&self) -> ChannelHandle<'_> {
        ChannelHandle::of(&self.memory)
    }

    /// The number that names the channel in its messages: what the driver wrote to `hChannel` (D25), zero if nothing.
    #[must_use]
    pub fn handle_value(&self) -> usize {
        self.handle_value
    }

    /// `NegotiateAuthenticatedChannelKeyExchange` with a copy of `data`; for RSAES-OAEP 256 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Driver`](crate::Error::Driver) with `E_INVALIDARG` or `E_OUTOFMEMORY`.
    pub fn negotiate(&mut self, data: &[u8]) -> Result<()> {
        let mut data = data.to_vec();
        let calls = self.device.calls();
        Ok(calls
            .negotiate_authenticated_channel_key_exchange(self.handle(), Output::Bytes(&mut data))?
            .into_result()?)
    }

    /// `QueryAuthenticatedChannel`: asks `input` and has `output` overwritten with the answer.
    ///
    /// The driver gets both aligned as the structures of the DDI are, wherever they lie. Bytes of `output` that it does
    /// not write are as before.
    ///
    /// # Errors
    ///
    /// [`Error::MissingEntry`](crate::Error::MissingEntry), [`Error::TooLong`](crate::Error::TooLong). What the driver
    /// returned is in the reply: `E_FAIL` for an unknown query, `E_INVALIDARG`, `E_OUTOFMEMORY`.
    pub fn query(&mut self, input: &[u8], output: &mut [u8]) -> Result<Reply> {
        let question = AlignedBytes::from(input);
        let mut answer = AlignedBytes::from(&*output);
        let reply = self.device.calls().query_authenticated_channel(
            self.handle(),
            Input::Bytes(question.bytes()),
            Output::Bytes(answer.bytes_mut()),
        )?;
        output.copy_from_slice(answer.bytes());
        Ok(reply)
    }

    /// `ConfigureAuthenticatedChannel`: gives the command `input`, and returns the answer beside the reply.
    ///
    /// The driver gets the command aligned as the structures of the DDI are, wherever it lies. Bytes of the answer that
    /// it does not write are zero.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query); `E_FAIL` is an unknown command.
    pub fn configure(&mut self, input: &[u8]) -> Result<(Reply, ConfigureOutput)> {
        let command = AlignedBytes::from(input);
        let mut answer = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
        let reply = self.device.calls().configure_authenticated_channel(
            self.handle(),
            Input::Bytes(command.bytes()),
            Some(&mut answer),
        )?;
        Ok((reply, bytes_of(&answer)))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        // A table without the entry, or a report, leaves nothing to be done about it.
        let _ = self.device.calls().destroy_authenticated_channel(self.handle());
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("device", &self.device).finish_non_exhaustive()
    }
}

// An answer is the sum of its members: OMAC, GUID, handle, sequence number and return code.
const _: () = assert!(CONFIGURE_OUTPUT_SIZE == 16 + 16 + size_of::<HANDLE>() + 4 + 4);

fn bytes_of(answer: &D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT) -> ConfigureOutput {
    // SAFETY: the structure is as large as the array and has no padding, so every byte is initialised.
    unsafe { ptr::from_ref(answer).cast::<ConfigureOutput>().read() }
}
