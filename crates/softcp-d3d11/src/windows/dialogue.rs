//! `QueryAuthenticatedChannel` and `ConfigureAuthenticatedChannel`: what the runtime checks of a message, and what it learns
//! from commands that the driver has obeyed.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION,
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE, D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS,
    D3D11_PROCESSIDTYPE_HANDLE,
};
use softcp_runtime::{Error, Input, Output, Reply};
use windows::Win32::Foundation::{E_FAIL, E_INVALIDARG};
use windows::Win32::Graphics::Direct3D11::D3D11_AUTHENTICATED_CONFIGURE_OUTPUT;
use windows::core::HRESULT;

use super::call::Call;
use super::channel::{self, AuthenticatedChannel};
use super::com::{self, Raw};
use super::device::DeviceState;
use super::key_exchange;
use super::video_context::VideoContext;
use crate::message::MessageId;
use crate::protection::Protection;
use crate::runtime_channel::Facts;
use crate::structures::{self, ConfigureHeader, QueryHeader, SharedResource};

impl Facts for DeviceState {
    fn device_handle(&self) -> usize {
        self.device().raw().addr()
    }

    fn protection(&self) -> &Protection {
        &self.protection
    }
}

pub(super) unsafe extern "system" fn query_authenticated_channel(
    this: Raw,
    raw: Raw,
    input_size: u32,
    input: *const core::ffi::c_void,
    output_size: u32,
    output: Raw,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoContext::state(this) }, "ID3D11VideoContext::QueryAuthenticatedChannel");
        let null = MessageId::QUERYAUTHENTICATEDCHANNEL_NULLPARAM;
        // SAFETY: null or a live object.
        let child = unsafe { key_exchange::channel(call, raw, null) }?;
        call.not_null(input, null, "pInput")?;
        call.not_null(output, null, "pOutput")?;
        // SAFETY: not null, and the program's duty. What is checked must be what is used, so it is copied.
        let input = unsafe { com::bytes(input, input_size) }.unwrap_or_default().to_vec();
        // SAFETY: not null, and the program's duty.
        let output = unsafe { com::bytes_mut(output, output_size) }.unwrap_or_default();
        let channel = match child.inner() {
            AuthenticatedChannel::Driver { channel, .. } => channel,
            AuthenticatedChannel::Runtime(channel) => {
                return channel
                    .channel
                    .query(&input, output, call.state)
                    .map_err(|error| call.refuse_with(error.message(), HRESULT(error.hresult()), &error.to_string()));
            }
        };
        let Some(header) = QueryHeader::read(&input) else {
            let text = format!("InputSize is {input_size}, and a query has at least {} bytes", QueryHeader::SIZE);
            return Err(call.refuse(MessageId::QUERYAUTHENTICATEDCHANNEL_WRONGSIZE, &text));
        };
        let defect = query_defect(&header, channel::handle(child), input.len(), output.len());
        let calls = channel.device().calls();
        let reply = calls.query_authenticated_channel(channel.handle(), Input::Bytes(&input), Output::Bytes(output));
        if let Some((id, hresult, text)) = defect {
            return Err(refused_by_both(call, reply, id, hresult, &text));
        }
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?))).inspect_err(|&hresult| {
            let of_process = header.guid == D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS;
            if of_process && hresult == E_INVALIDARG {
                let index = structures::process_index(&input).unwrap_or_default();
                let text = format!("the driver does not answer for process {index}");
                call.say(Some(MessageId::QUERYAUTHENTICATEDCHANNEL_INVALIDPROCESSINDEX), &text);
            }
        })
    })
}

pub(super) unsafe extern "system" fn configure_authenticated_channel(
    this: Raw,
    raw: Raw,
    input_size: u32,
    input: *const core::ffi::c_void,
    output: *mut D3D11_AUTHENTICATED_CONFIGURE_OUTPUT,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let state = unsafe { VideoContext::state(this) };
        let call = Call::new(state, "ID3D11VideoContext::ConfigureAuthenticatedChannel");
        let null = MessageId::CONFIGUREAUTHENTICATEDCHANNEL_NULLPARAM;
        // SAFETY: null or a live object.
        let child = unsafe { key_exchange::channel(call, raw, null) }?;
        call.not_null(input, null, "pInput")?;
        call.not_null(output, null, "pOutput")?;
        // SAFETY: not null, and the program's duty. What is checked must be what is used, so it is copied.
        let input = unsafe { com::bytes(input, input_size) }.unwrap_or_default().to_vec();
        let channel = match child.inner() {
            AuthenticatedChannel::Driver { channel, .. } => channel,
            AuthenticatedChannel::Runtime(channel) => {
                let answer = channel.channel.configure(&input, state);
                state.resources.records.update(&state.protection);
                let bytes = match (&answer, ConfigureHeader::read(&input)) {
                    (Ok(bytes), _) => Some(*bytes),
                    (Err(error), Some(header)) => Some(structures::configure_output(&header, error.hresult())),
                    (Err(_), None) => None,
                };
                if let Some(bytes) = bytes {
                    // SAFETY: not null, the program's duty, and the answer has the structure's size.
                    unsafe { com::write(output.cast(), bytes) };
                }
                return answer
                    .map(|_| ())
                    .map_err(|error| call.refuse_with(error.message(), HRESULT(error.hresult()), &error.to_string()));
            }
        };
        let Some(header) = ConfigureHeader::read(&input) else {
            let text = format!("InputSize is {input_size}, and a command has at least {} bytes", ConfigureHeader::SIZE);
            return Err(call.refuse(MessageId::CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE, &text));
        };
        let own = channel::handle(child);
        let share = (header.guid == D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE)
            .then(|| structures::shared_resource(&input))
            .flatten();
        let defect = command_defect(&header, own, input.len(), share.as_ref());
        let output = output.cast::<D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>();
        // SAFETY: not null, and the program's duty; of the same layout.
        let output = unsafe { output.as_mut() };
        let calls = channel.device().calls();
        let reply = calls.configure_authenticated_channel(channel.handle(), Input::Bytes(&input), output);
        if let Some((id, hresult, text)) = defect {
            return Err(refused_by_both(call, reply, id, hresult, &text));
        }
        call.driver(reply.and_then(|reply| Ok(reply.into_result()?)))?;
        if header.guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION
            && let Some(flags) = structures::protection_flags(&input)
        {
            state.protection.set_flags(own, flags);
        }
        let is_setting = header.guid == D3D11_AUTHENTICATED_CONFIGURE_PROTECTION || share.is_some();
        if let Some(share) = share {
            // The driver has taken it; the runtime's list serves for what the runtime refuses itself.
            let _ = if share.allow {
                state.protection.allow(own, share.process_type, share.handle)
            } else {
                state.protection.revoke(own, share.process_type, share.handle)
            };
        }
        if is_setting {
            state.resources.records.update(&state.protection);
        }
        Ok(())
    })
}

/// What the runtime finds wrong with a message: the identifier of what it says, the HRESULT, the text.
type MessageDefect = (MessageId, HRESULT, String);

fn query_defect(header: &QueryHeader, own: usize, input: usize, output: usize) -> Option<MessageDefect> {
    if header.channel != own {
        let text = format!("the query is for channel {:#x}, this is channel {own:#x}", header.channel);
        return Some((MessageId::QUERYAUTHENTICATEDCHANNEL_WRONGCHANNEL, E_INVALIDARG, text));
    }
    let Some(shape) = structures::query_shape(&header.guid) else {
        let text = format!("there is no query {}", header.guid);
        return Some((MessageId::QUERYAUTHENTICATEDCHANNEL_UNSUPPORTEDQUERY, E_FAIL, text));
    };
    if shape.fits(input, output) {
        return None;
    }
    let text = format!(
        "the query has {} bytes and its answer {}; InputSize is {input}, OutputSize {output}",
        shape.input, shape.output
    );
    Some((MessageId::QUERYAUTHENTICATEDCHANNEL_WRONGSIZE, E_INVALIDARG, text))
}

fn command_defect(
    header: &ConfigureHeader,
    own: usize,
    input: usize,
    share: Option<&SharedResource>,
) -> Option<MessageDefect> {
    if header.channel != own {
        let text = format!("the command is for channel {:#x}, this is channel {own:#x}", header.channel);
        return Some((MessageId::CONFIGUREAUTHENTICATEDCHANNEL_WRONGCHANNEL, E_INVALIDARG, text));
    }
    let Some(size) = structures::configure_size(&header.guid) else {
        let text = format!("there is no command {}", header.guid);
        return Some((MessageId::CONFIGUREAUTHENTICATEDCHANNEL_UNSUPPORTEDCONFIGURE, E_FAIL, text));
    };
    if input != size {
        let text = format!("the command has {size} bytes, and InputSize is {input}");
        return Some((MessageId::CONFIGUREAUTHENTICATEDCHANNEL_WRONGSIZE, E_INVALIDARG, text));
    }
    let process_type = share?.process_type;
    if process_type <= D3D11_PROCESSIDTYPE_HANDLE {
        return None;
    }
    let text = format!("ProcessType is {process_type}, which is no type of process");
    Some((MessageId::CONFIGUREAUTHENTICATEDCHANNEL_INVALIDPROCESSIDTYPE, E_INVALIDARG, text))
}

/// A message that the runtime refuses. The driver has had it nevertheless: only the driver can tell whether the message is
/// authentic, which comes first, use its number up, and sign the refusal (D15, D17). Its answer counts; what the runtime
/// found is said once.
fn refused_by_both(
    call: Call<'_>,
    reply: Result<Reply, Error>,
    id: MessageId,
    hresult: HRESULT,
    text: &str,
) -> HRESULT {
    let answer = reply.ok().map(|reply| HRESULT(reply.hresult().0)).filter(|answer| answer.is_err());
    call.refuse_with(Some(id), answer.unwrap_or(hresult), text)
}
