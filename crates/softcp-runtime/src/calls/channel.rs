//! The entries of authenticated channels.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HRTAUTHCHANNEL, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
};

use super::{Calls, ChannelHandle, Input, Output, Reply, call, const_ptr, mut_ptr};
use crate::call_site::{Argument, Lent};
use crate::error::{Error, Result};

impl Calls<'_> {
    /// `CalcPrivateAuthenticatedChannelSize`: bytes of private memory.
    pub fn calc_private_authenticated_channel_size(
        &self,
        desc: Option<&D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL>,
    ) -> Result<usize> {
        let function = "CalcPrivateAuthenticatedChannelSize";
        let entry = self.device.table.calc_private_authenticated_channel_size;
        let entry = entry.ok_or(Error::MissingEntry { function })?;
        // SAFETY: the device lives, and the description is valid or null.
        Ok(unsafe { entry(self.device.handle, const_ptr(desc)) })
    }

    /// `CreateAuthenticatedChannel`. The driver writes the channel's handle to `desc` (D25).
    ///
    /// # Safety
    ///
    /// The memory of `channel` is at least as large as `CalcPrivateAuthenticatedChannelSize` said, holds no live
    /// channel, and stays until `DestroyAuthenticatedChannel` was called on it or the device is destroyed.
    pub unsafe fn create_authenticated_channel(
        &self,
        desc: Option<&mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL>,
        channel: ChannelHandle<'_>,
    ) -> Result<Reply> {
        let desc = mut_ptr(desc);
        // As for sessions: one that differs per channel.
        let runtime_handle = D3D11_1DDI_HRTAUTHCHANNEL { handle: channel.raw.pDrvPrivate };
        call!(
            self,
            create_authenticated_channel,
            "CreateAuthenticatedChannel",
            HRESULT,
            (desc, channel.raw, runtime_handle)
        )
    }

    /// `DestroyAuthenticatedChannel`.
    pub fn destroy_authenticated_channel(&self, channel: ChannelHandle<'_>) -> Result<Reply> {
        call!(self, destroy_authenticated_channel, "DestroyAuthenticatedChannel", void, (channel.raw))
    }

    /// `NegotiateAuthenticatedChannelKeyExchange`. The driver may write to `data`.
    pub fn negotiate_authenticated_channel_key_exchange(
        &self,
        channel: ChannelHandle<'_>,
        data: Output<'_>,
    ) -> Result<Reply> {
        let data = self.output("NegotiateAuthenticatedChannelKeyExchange", "the message", data)?;
        let reply = call!(
            self,
            negotiate_authenticated_channel_key_exchange,
            "NegotiateAuthenticatedChannelKeyExchange",
            HRESULT,
            (channel.raw, data.size, data.data)
        )?;
        data.end()?;
        Ok(reply)
    }

    /// `QueryAuthenticatedChannel`. Both buffers go to the driver at the address they have, unless the calls are made at
    /// [another place](crate::CallSite).
    pub fn query_authenticated_channel(
        &self,
        channel: ChannelHandle<'_>,
        input: Input<'_>,
        output: Output<'_>,
    ) -> Result<Reply> {
        let (site, function) = (self.device.site.as_deref(), "QueryAuthenticatedChannel");
        let input = Lent::input(site, Argument { function, name: "the query", is_message: true }, input)?;
        let output = Lent::output(site, Argument { function, name: "the answer", is_message: true }, output)?;
        let reply = call!(
            self,
            query_authenticated_channel,
            "QueryAuthenticatedChannel",
            HRESULT,
            (channel.raw, input.size, input.data.cast_const(), output.size, output.data)
        )?;
        input.end()?;
        output.end()?;
        Ok(reply)
    }

    /// `ConfigureAuthenticatedChannel`. The input goes to the driver at the address it has, unless the calls are made at
    /// [another place](crate::CallSite).
    pub fn configure_authenticated_channel(
        &self,
        channel: ChannelHandle<'_>,
        input: Input<'_>,
        output: Option<&mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>,
    ) -> Result<Reply> {
        let function = "ConfigureAuthenticatedChannel";
        let argument = Argument { function, name: "the command", is_message: true };
        let input = Lent::input(self.device.site.as_deref(), argument, input)?;
        let output = mut_ptr(output);
        let reply = call!(
            self,
            configure_authenticated_channel,
            "ConfigureAuthenticatedChannel",
            HRESULT,
            (channel.raw, input.size, input.data.cast_const(), output)
        )?;
        input.end()?;
        Ok(reply)
    }
}
