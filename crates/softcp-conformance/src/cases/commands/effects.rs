//! What commands do, as far as queries show it.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT as BindInput,
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT as ShareInput,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED as OVERLAY,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED as ENABLED, D3D11_PROCESSIDTYPE_HANDLE, GUID_NULL,
};

use crate::case::{CaseResult, Stop, check, check_equal, hex};
use crate::cases::queries::state::{
    bound_session, check_process, current_encryption, encryptions, process_count, processes,
};
use crate::context::Context;
use crate::dialogue::{COMMAND_HEADER, SET_CRYPTO_SESSION, SET_ENCRYPTION, SET_PROTECTION, SET_SHARED_RESOURCE};
use crate::dialogue::{check_fails, check_invalid, decoder_on};
use crate::message::Message;
use crate::message::is_signed;
use crate::rig::KeyedChannel;

pub(super) fn protection(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    for flags in [ENABLED, 0, ENABLED, ENABLED, 0, 0] {
        channel.protect(flags)?;
        channel.check_protection(&format!("after CONFIGURE_PROTECTION with flags 0x{flags:x}"), flags)?;
    }
    // What cannot be enforced may be refused, but not pretended.
    for flags in [ENABLED | OVERLAY, OVERLAY] {
        let before = channel.protection()?;
        let message = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, flags).signed(&channel.key);
        let obeyed = channel.send(&message)?.hresult.is_ok();
        let (then, left) = if obeyed { (flags, "obeyed") } else { (before, "refused") };
        channel.check_protection(&format!("after flags 0x{flags:x} were {left}"), then)?;
    }
    channel.protect(0)
}

pub(super) fn reserved_flags(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    for flags in [0x4_u32, 0x5, 0x8, 0x100, 0x1_0001, 0x4000_0000, 0x7FFF_FFFC] {
        let message = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, flags).signed(&channel.key);
        channel.refuse(&format!("CONFIGURE_PROTECTION with flags 0x{flags:x}"), &message)?;
        channel.check_protection(&format!("after refused flags 0x{flags:x}"), 0)?;
    }
    Ok(())
}

/// A process, by its handle, to be allowed or not.
pub(super) fn share(channel: &mut KeyedChannel, process_type: u32, process: usize, allow: u32) -> Message {
    channel
        .next_command(&SET_SHARED_RESOURCE)
        .with(offset_of!(ShareInput, ProcessType), process_type)
        .with(offset_of!(ShareInput, ProcessHandle), process)
        .with(offset_of!(ShareInput, AllowAccess), allow)
        .signed(&channel.key)
}

pub(super) fn shared_resource(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let before = process_count(&mut channel)?;
    let handles = [0x1234, 0x5678_usize];
    for (n, handle) in (1..).zip(handles) {
        let allow = share(&mut channel, D3D11_PROCESSIDTYPE_HANDLE, handle, 1);
        channel.obey("CONFIGURE_SHARED_RESOURCE that allows a process", allow)?;
        check_equal("number of allowed processes", &(before + n), &process_count(&mut channel)?)?;
        check_process(&mut channel, handle, true)?;
    }
    let revoke = share(&mut channel, D3D11_PROCESSIDTYPE_HANDLE, handles[0], 0);
    channel.obey("CONFIGURE_SHARED_RESOURCE that no longer allows a process", revoke)?;
    check_process(&mut channel, handles[0], false)?;
    check_process(&mut channel, handles[1], true)?;
    let revoke = share(&mut channel, D3D11_PROCESSIDTYPE_HANDLE, handles[1], 0);
    channel.obey("CONFIGURE_SHARED_RESOURCE that no longer allows a process", revoke)?;
    check_equal("number of allowed processes at the end", &before, &process_count(&mut channel)?)
}

pub(super) fn process_type(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let before = processes(&mut channel)?;
    for process_type in [3, 4, 0x102, u32::MAX] {
        let allow = share(&mut channel, process_type, 0x1234, 1);
        check_fails(&format!("process type 0x{process_type:x}"), channel.send(&allow)?.hresult)?;
        check_equal("allowed processes after a wrong type", &before, &processes(&mut channel)?)?;
    }
    Ok(())
}

pub(super) fn encryption(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let listed = encryptions(&mut channel)?;
    if listed.is_empty() {
        return Err(Stop::skipped("the driver lists no encryption for accessible content"));
    }
    for encryption in &listed {
        let mut message = channel.next_command(&SET_ENCRYPTION);
        message.0[COMMAND_HEADER..COMMAND_HEADER + 16].copy_from_slice(encryption);
        channel.obey(&format!("choosing the encryption {}", hex(encryption)), message)?;
        check_equal("encryption that is in force", encryption, &current_encryption(&mut channel)?)?;
    }
    let none = channel.next_command(&SET_ENCRYPTION).with(COMMAND_HEADER, GUID_NULL).signed(&channel.key);
    // A driver may always encrypt; one that says that it does not must not.
    if channel.send(&none)?.hresult.is_ok() {
        check_equal("encryption after none was chosen", &[0; 16], &current_encryption(&mut channel)?)?;
    }
    Ok(())
}

pub(super) fn encryption_not_listed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let before = current_encryption(&mut channel)?;
    for _ in 0..3 {
        let message = channel.next_command(&SET_ENCRYPTION).with(COMMAND_HEADER, ctx.guid()).signed(&channel.key);
        check_fails("an encryption that is not listed", channel.send(&message)?.hresult)?;
        check_equal("encryption that is in force", &before, &current_encryption(&mut channel)?)?;
    }
    Ok(())
}

/// `CONFIGURE_CRYPTO_SESSION` with the next number.
pub(in crate::cases) fn bind(channel: &mut KeyedChannel, decoder: usize, session: usize, device: usize) -> Message {
    channel
        .next_command(&SET_CRYPTO_SESSION)
        .with(offset_of!(BindInput, DecoderHandle), decoder)
        .with(offset_of!(BindInput, CryptoSessionHandle), session)
        .with(offset_of!(BindInput, DeviceHandle), device)
        .signed(&channel.key)
}

pub(super) fn crypto_session(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut sessions = [ctx.session(&device)?, ctx.session(&device)?];
    let mut decoder = decoder_on(&device)?;
    let (decoder, own) = (decoder.handle_value()?, channel.device_handle()?);
    for session in &mut sessions {
        let session = session.handle_value()?;
        let message = bind(&mut channel, decoder, session, own);
        channel.obey("CONFIGURE_CRYPTO_SESSION", message)?;
        check_equal("session that is bound to the decoder", &session, &bound_session(&mut channel, decoder)?)?;
    }
    Ok(())
}

pub(super) fn foreign_handles(ctx: &Context<'_>) -> CaseResult {
    let (device, elsewhere) = (ctx.device()?, ctx.device()?);
    let mut channel = ctx.open_channel(&device)?;
    let other_device = ctx.open_channel(&elsewhere)?.device_handle()?;
    let mut made = (ctx.session(&device)?, ctx.session(&elsewhere)?);
    let mut decoders = (decoder_on(&device)?, decoder_on(&elsewhere)?);
    let (session, other_session) = (made.0.handle_value()?, made.1.handle_value()?);
    let (decoder, other_decoder) = (decoders.0.handle_value()?, decoders.1.handle_value()?);
    let own = channel.device_handle()?;
    let wrong = [
        ("another device's session", decoder, other_session, own),
        ("another device's decoder", other_decoder, session, own),
        ("another device", decoder, session, other_device),
        ("a decoder for a session", decoder, decoder, own),
        ("a session for a decoder", session, session, own),
        ("no session", decoder, 0, own),
        ("no decoder", 0, session, own),
        ("no device", decoder, session, 0),
    ];
    let before = bound_session(&mut channel, decoder)?;
    for (what, decoder_handle, session, device) in wrong {
        let message = bind(&mut channel, decoder_handle, session, device);
        check_invalid(&format!("CONFIGURE_CRYPTO_SESSION with {what}"), channel.send(&message)?.hresult)?;
        let bound = bound_session(&mut channel, decoder)?;
        check(bound == before, format!("no session bound after {what}"), || format!("0x{bound:x}"))?;
    }
    Ok(())
}

/// As `queries/own-handle`.
pub(super) fn own_handle(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let (mut session, mut decoder) = (ctx.session(&device)?, decoder_on(&device)?);
    let (session, decoder) = (session.handle_value()?, decoder.handle_value()?);
    let (own, itself) = (channel.device_handle()?, channel.channel.handle_value());
    for (what, decoder, session, device) in [
        ("the channel for a decoder", itself, session, own),
        ("the channel for a session", decoder, itself, own),
        ("the channel for a device", decoder, session, itself),
        ("the channel for all", itself, itself, itself),
    ] {
        let message = bind(&mut channel, decoder, session, device);
        let answer = channel.send(&message)?;
        check_invalid(&format!("CONFIGURE_CRYPTO_SESSION with {what}"), answer.hresult)?;
        check(is_signed(&channel.key, &answer.bytes), "a signed answer", || "another".to_owned())?;
    }
    check_equal("the session that is bound", &0, &bound_session(&mut channel, decoder)?)
}
