//! `ID3D11AuthenticatedChannel`.

use std::ptr;

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE, D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE, GUID_NULL,
};
use softcp_runtime::{CertificateOf, Channel};
use windows::Win32::Foundation::{E_FAIL, E_OUTOFMEMORY, HANDLE};
use windows::Win32::Graphics::Direct3D11::{
    D3D11_AUTHENTICATED_CHANNEL_D3D11, D3D11_AUTHENTICATED_CHANNEL_TYPE, ID3D11AuthenticatedChannel,
    ID3D11AuthenticatedChannel_Vtbl,
};
use windows::core::{GUID, HRESULT, Interface};

use super::call::Call;
use super::certificate::Certificate;
use super::child::{Child, Kind};
use super::com::{self, Raw};
use super::video_device::{self, VideoDevice};
use crate::message::MessageId;
use crate::runtime_channel::RuntimeChannel;

/// A channel: who is at its other end.
pub(super) enum AuthenticatedChannel {
    /// The driver.
    Driver {
        /// The driver's channel.
        channel: Channel,
        /// The certificate of channels of its type.
        certificate: Certificate,
    },
    /// The runtime itself; the channel has no keys.
    Runtime(OwnChannel),
}

/// A channel of type D3D11, with a handle that no other object has: an address.
pub(super) struct OwnChannel {
    pub(super) channel: RuntimeChannel,
    #[allow(dead_code, reason = "its address is the handle")]
    address: Box<u64>,
}

impl OwnChannel {
    fn new() -> Self {
        let address = Box::new(0);
        Self { channel: RuntimeChannel::new(ptr::from_ref(&*address).addr()), address }
    }
}

static TABLE: ID3D11AuthenticatedChannel_Vtbl = ID3D11AuthenticatedChannel_Vtbl {
    base__: Child::<AuthenticatedChannel>::VTABLE,
    GetCertificateSize: get_certificate_size,
    GetCertificate: get_certificate,
    GetChannelHandle: get_channel_handle,
};

impl Kind for AuthenticatedChannel {
    type Table = ID3D11AuthenticatedChannel_Vtbl;
    const TABLE: &'static Self::Table = &TABLE;
    const INTERFACE: GUID = ID3D11AuthenticatedChannel::IID;

    fn end(child: &Child<Self>) {
        let state = child.state();
        state.protection.end_channel(handle(child));
        state.resources.records.update(&state.protection);
    }
}

/// The handle that the channel's messages carry.
pub(super) fn handle(child: &Child<AuthenticatedChannel>) -> usize {
    match child.inner() {
        AuthenticatedChannel::Driver { channel, .. } => channel.handle_value(),
        AuthenticatedChannel::Runtime(own) => own.channel.handle(),
    }
}

pub(super) unsafe extern "system" fn create_authenticated_channel(
    this: Raw,
    channel_type: D3D11_AUTHENTICATED_CHANNEL_TYPE,
    out: *mut Raw,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoDevice::state(this) }, "ID3D11VideoDevice::CreateAuthenticatedChannel");
        call.not_null(out, MessageId::CREATEAUTHENTICATEDCHANNEL_NULLPARAM, "ppAuthenticatedChannel")?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(out, ptr::null_mut()) };
        let number = channel_type.0.cast_unsigned();
        let channel = if channel_type == D3D11_AUTHENTICATED_CHANNEL_D3D11 {
            AuthenticatedChannel::Runtime(OwnChannel::new())
        } else {
            let needed = match number {
                D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE => D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE,
                D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE => D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE,
                _ => {
                    let text = format!("ChannelType is {number}, which is no type of channel");
                    return Err(call.refuse(MessageId::CREATEAUTHENTICATEDCHANNEL_INVALIDTYPE, &text));
                }
            };
            if video_device::caps(call, &GUID_NULL, &GUID_NULL)?.Caps & needed == 0 {
                let text = format!("the driver has no channels of type {number}");
                return Err(call.refuse(MessageId::CREATEAUTHENTICATEDCHANNEL_UNSUPPORTED, &text));
            }
            let driver = call.state.driver().ok_or(E_FAIL)?;
            let channel = call.driver(driver.create_channel(number)).inspect_err(|&hresult| {
                if hresult == E_OUTOFMEMORY {
                    call.say(
                        Some(MessageId::CREATEAUTHENTICATEDCHANNEL_OUTOFMEMORY_RETURN),
                        "the driver is out of memory",
                    );
                }
            })?;
            let certificate = Certificate::of(CertificateOf::AuthenticatedChannel(number));
            AuthenticatedChannel::Driver { channel, certificate }
        };
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(out, Child::create(call.state, channel)) };
        Ok(())
    })
}

/// The certificate of a driver's channel; the message for the runtime's own channel, which has none.
fn certificate<'a>(
    call: Call<'_>,
    channel: &'a AuthenticatedChannel,
    invalid_channel: MessageId,
) -> Result<&'a Certificate, HRESULT> {
    match channel {
        AuthenticatedChannel::Driver { certificate, .. } => Ok(certificate),
        AuthenticatedChannel::Runtime(_) => {
            Err(call.refuse(invalid_channel, "a channel of type D3D11 has no certificate"))
        }
    }
}

unsafe extern "system" fn get_certificate_size(this: Raw, size: *mut u32) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<AuthenticatedChannel>::this(this) };
        let call = Call::new(child.state(), "ID3D11AuthenticatedChannel::GetCertificateSize");
        call.not_null(size, MessageId::GETAUTHENTICATEDCHANNELCERTIFICATESIZE_NULLPARAM, "pCertificateSize")?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(size, 0) };
        let invalid_channel = MessageId::GETAUTHENTICATEDCHANNELCERTIFICATESIZE_INVALIDCHANNEL;
        let certificate = certificate(call, child.inner(), invalid_channel)?;
        // SAFETY: as above.
        unsafe { certificate.get_size(call, size) }
    })
}

unsafe extern "system" fn get_certificate(this: Raw, size: u32, bytes: *mut u8) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<AuthenticatedChannel>::this(this) };
        let call = Call::new(child.state(), "ID3D11AuthenticatedChannel::GetCertificate");
        call.not_null(bytes, MessageId::GETAUTHENTICATEDCHANNELCERTIFICATE_NULLPARAM, "pCertificate")?;
        let invalid_channel = MessageId::GETAUTHENTICATEDCHANNELCERTIFICATE_INVALIDCHANNEL;
        let certificate = certificate(call, child.inner(), invalid_channel)?;
        let wrong_size = MessageId::GETAUTHENTICATEDCHANNELCERTIFICATE_WRONGSIZE;
        // SAFETY: not null, and the program's duty.
        unsafe { certificate.get(call, size, bytes, wrong_size) }
    })
}

unsafe extern "system" fn get_channel_handle(this: Raw, out: *mut HANDLE) {
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<AuthenticatedChannel>::this(this) };
        // SAFETY: null or writable.
        unsafe { com::write(out, HANDLE(ptr::without_provenance_mut(handle(child)))) };
    });
}
