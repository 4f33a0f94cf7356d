//! The entries of authenticated channels.

use std::ffi::c_void;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HRTAUTHCHANNEL,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, HANDLE, HRESULT, SIZE_T,
};

use super::attach::{attached, device, reporting};
use super::void_entry;
use crate::hresult::Result;
use crate::{guard, message, pointer};

/// `CalcPrivateAuthenticatedChannelSize`: the private memory holds the channel's id.
pub(super) unsafe extern "system" fn calc_private_authenticated_channel_size(
    _h_device: D3D10DDI_HDEVICE,
    _create: *const D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
) -> SIZE_T {
    size_of::<usize>()
}

/// `CreateAuthenticatedChannel`: writes the channel's handle into its argument (D25). On failure that and the private
/// memory hold zero, so that destroying it is harmless.
pub(super) unsafe extern "system" fn create_authenticated_channel(
    h_device: D3D10DDI_HDEVICE,
    create: *mut D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    _runtime_channel: D3D11_1DDI_HRTAUTHCHANNEL,
) -> HRESULT {
    guard::run("CreateAuthenticatedChannel", || {
        // SAFETY: the runtime's duty: null or memory of the size that CalcPrivateAuthenticatedChannelSize said.
        let private = unsafe { pointer::write("hAuthChannel", channel.pDrvPrivate.cast(), 0_usize) };
        // SAFETY: the runtime's duty: null or readable and writable.
        let wanted = unsafe { pointer::read("pCreateData", create) }?;
        let answer = |id| D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL {
            hChannel: std::ptr::without_provenance_mut::<c_void>(id) as HANDLE,
            ..wanted
        };
        // SAFETY: as above.
        unsafe { pointer::write("pCreateData", create, answer(0)) }?;
        private?;
        let id = device(h_device)?.create_channel(wanted.ChannelType)?;
        // SAFETY: as above.
        unsafe { pointer::write("hAuthChannel", channel.pDrvPrivate.cast(), id) }?;
        // SAFETY: as above.
        unsafe { pointer::write("pCreateData", create, answer(id)) }
    })
}

/// `DestroyAuthenticatedChannel`: a second call, and one after a failed create, does nothing.
pub(super) unsafe extern "system" fn destroy_authenticated_channel(
    h_device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
) {
    reporting(&void_entry::DESTROY_AUTHENTICATED_CHANNEL, h_device, || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its channel handle.
        device.destroy_channel(unsafe { id(channel) }?)?;
        // SAFETY: the runtime's duty: the private memory lives until this call returns.
        unsafe { pointer::write("hAuthChannel", channel.pDrvPrivate.cast(), 0_usize) }
    });
}

/// `NegotiateAuthenticatedChannelKeyExchange`.
pub(super) unsafe extern "system" fn negotiate_authenticated_channel_key_exchange(
    h_device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    data_size: u32,
    data: *mut c_void,
) -> HRESULT {
    guard::run("NegotiateAuthenticatedChannelKeyExchange", || {
        let device = device(h_device)?;
        // SAFETY: the runtime's duty on its channel handle.
        let id = unsafe { id(channel) }?;
        // SAFETY: the runtime's duty: null or readable for `data_size` bytes.
        let data = unsafe { pointer::bytes("pData", data, data_size as usize) }?;
        device.negotiate_channel(id, data)
    })
}

/// `QueryAuthenticatedChannel`: a refused query is answered too (D17).
pub(super) unsafe extern "system" fn query_authenticated_channel(
    h_device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: u32,
    input: *const c_void,
    output_size: u32,
    output: *mut c_void,
) -> HRESULT {
    guard::run("QueryAuthenticatedChannel", || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its channel handle.
        let id = unsafe { id(channel) }?;
        // SAFETY: the runtime's duty: null or readable for `input_size` bytes.
        let message = unsafe { message::query("pInput", input, input_size) }?;
        pointer::check_not_null("pOutput", output)?;
        let reply = device.query_channel(id, &message, output_size as usize);
        // SAFETY: the runtime's duty: writable for `output_size` bytes, which the answer does not exceed.
        unsafe { pointer::write_bytes("pOutput", output, &reply.message) }?;
        Ok(reply.result?)
    })
}

/// `ConfigureAuthenticatedChannel`: a refused command is answered too.
pub(super) unsafe extern "system" fn configure_authenticated_channel(
    h_device: D3D10DDI_HDEVICE,
    channel: D3D11_1DDI_HAUTHCHANNEL,
    input_size: u32,
    input: *const c_void,
    output: *mut D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT,
) -> HRESULT {
    guard::run("ConfigureAuthenticatedChannel", || {
        let device = attached(h_device)?;
        // SAFETY: the runtime's duty on its channel handle.
        let id = unsafe { id(channel) }?;
        // SAFETY: the runtime's duty: null or readable for `input_size` bytes.
        let message = unsafe { message::command("pInput", input, input_size) }?;
        pointer::check_not_null("pOutput", output.cast())?;
        let reply = device.configure_channel(id, &message);
        // SAFETY: the runtime's duty: writable; the answer has the structure's size.
        unsafe { pointer::write_bytes("pOutput", output.cast(), &reply.message) }?;
        Ok(reply.result?)
    })
}

/// The id in a channel's private memory.
///
/// # Safety
/// `channel.pDrvPrivate` is null or the private memory of a channel, of the size that
/// `CalcPrivateAuthenticatedChannelSize` said.
unsafe fn id(channel: D3D11_1DDI_HAUTHCHANNEL) -> Result<usize> {
    // SAFETY: the caller's duty.
    unsafe { pointer::read("hAuthChannel", channel.pDrvPrivate.cast()) }
}
