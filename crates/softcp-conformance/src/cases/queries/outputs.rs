//! The outputs that show a session's content, and handles of others in queries.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_INPUT as CountInput,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT_OUTPUT as CountOutput,
    D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_INPUT as IdInput, D3D11_AUTHENTICATED_QUERY_OUTPUT_ID_OUTPUT as IdOutput,
};
use softcp_runtime::HResult;

use super::state::{MOST, believable};
use crate::case::{CaseResult, check, check_equal, check_hresult};
use crate::context::Context;
use crate::dialogue::{ASK_CRYPTO_SESSION, ASK_OUTPUT, ASK_OUTPUT_COUNT, Answer, QUERY_HEADER, check_invalid};
use crate::message::is_signed;
use crate::rig::KeyedChannel;

fn ask_count(channel: &mut KeyedChannel, device: usize, session: usize) -> CaseResult<Answer> {
    let query = channel
        .next_query(&ASK_OUTPUT_COUNT)
        .with(offset_of!(CountInput, DeviceHandle), device)
        .with(offset_of!(CountInput, CryptoSessionHandle), session);
    channel.ask(&query, ASK_OUTPUT_COUNT.answer)
}

fn ask_output(channel: &mut KeyedChannel, device: usize, session: usize, index: u32) -> CaseResult<Answer> {
    let query = channel
        .next_query(&ASK_OUTPUT)
        .with(offset_of!(IdInput, DeviceHandle), device)
        .with(offset_of!(IdInput, CryptoSessionHandle), session)
        .with(offset_of!(IdInput, OutputIDIndex), index);
    channel.ask(&query, ASK_OUTPUT.answer)
}

fn count(channel: &mut KeyedChannel, device: usize, session: usize) -> CaseResult<u32> {
    let answer = ask_count(channel, device, session)?;
    check_hresult(ASK_OUTPUT_COUNT.name, HResult::OK, answer.hresult)?;
    check_equal("device in the answer", &device, &answer.handle(offset_of!(CountOutput, DeviceHandle)))?;
    check_equal("session in the answer", &session, &answer.handle(offset_of!(CountOutput, CryptoSessionHandle)))?;
    believable("outputs", answer.u32(offset_of!(CountOutput, OutputIDCount)))
}

pub(super) fn outputs(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut session = ctx.session(&device)?;
    let (own, session) = (channel.device_handle()?, session.handle_value()?);
    let count = count(&mut channel, own, session)?;
    ctx.note(format!("{count} outputs"));
    let mut ids = Vec::new();
    for index in 0..count.min(MOST) {
        let answer = ask_output(&mut channel, own, session, index)?;
        check_hresult(&format!("output {index} of {count}"), HResult::OK, answer.hresult)?;
        check_equal("device in the answer", &own, &answer.handle(offset_of!(IdOutput, DeviceHandle)))?;
        check_equal("session in the answer", &session, &answer.handle(offset_of!(IdOutput, CryptoSessionHandle)))?;
        check_equal("index in the answer", &index, &answer.u32(offset_of!(IdOutput, OutputIDIndex)))?;
        let id = answer.u64(offset_of!(IdOutput, OutputID));
        check(!ids.contains(&id), format!("an identifier of its own for output {index}"), || format!("0x{id:x}"))?;
        ids.push(id);
    }
    Ok(())
}

pub(super) fn index_past_count(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut session = ctx.session(&device)?;
    let (own, session) = (channel.device_handle()?, session.handle_value()?);
    let count = count(&mut channel, own, session)?;
    for index in [count, count + 1, 0x8000_0000, u32::MAX] {
        let answer = ask_output(&mut channel, own, session, index)?;
        check_invalid(&format!("output {index} of {count}"), answer.hresult)?;
    }
    Ok(())
}

pub(super) fn foreign_handles(ctx: &Context<'_>) -> CaseResult {
    let (device, elsewhere) = (ctx.device()?, ctx.device()?);
    let mut channel = ctx.open_channel(&device)?;
    let other_device = ctx.open_channel(&elsewhere)?.device_handle()?;
    let mut sessions = (ctx.session(&device)?, ctx.session(&elsewhere)?);
    let (session, other_session) = (sessions.0.handle_value()?, sessions.1.handle_value()?);
    let own = channel.device_handle()?;
    let channel_handle = channel.channel.handle_value();
    for (what, device, session) in [
        ("another device", other_device, session),
        ("another device's session", own, other_session),
        ("no device", 0, session),
        ("no session", own, 0),
        ("a session for a device", session, session),
        ("a channel for a session", own, channel_handle),
    ] {
        let answer = ask_count(&mut channel, device, session)?;
        check_invalid(&format!("{} with {what}", ASK_OUTPUT_COUNT.name), answer.hresult)?;
        let answer = ask_output(&mut channel, device, session, 0)?;
        check_invalid(&format!("{} with {what}", ASK_OUTPUT.name), answer.hresult)?;
    }
    for (what, decoder) in [("no decoder", 0), ("a session for a decoder", session), ("a device for a decoder", own)] {
        let query = channel.next_query(&ASK_CRYPTO_SESSION).with(QUERY_HEADER, decoder);
        channel.deny(&format!("{} with {what}", ASK_CRYPTO_SESSION.name), &ASK_CRYPTO_SESSION, &query)?;
    }
    Ok(())
}

/// A driver that locks what it is asked for before it looks at what it is waits for itself, and runs into the time limit.
pub(super) fn own_handle(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut session = ctx.session(&device)?;
    let session = session.handle_value()?;
    let (own, itself) = (channel.device_handle()?, channel.channel.handle_value());
    let query = channel.next_query(&ASK_CRYPTO_SESSION).with(QUERY_HEADER, itself);
    let answer = channel.deny("the channel for a decoder", &ASK_CRYPTO_SESSION, &query)?;
    check(is_signed(&channel.key, &answer.bytes), "a signed answer", || "another".to_owned())?;
    for (what, device, session) in [
        ("the channel for a session", own, itself),
        ("the channel for a device", itself, session),
        ("the channel for both", itself, itself),
    ] {
        for answer in [ask_count(&mut channel, device, session)?, ask_output(&mut channel, device, session, 0)?] {
            check_invalid(what, answer.hresult)?;
            check(is_signed(&channel.key, &answer.bytes), "a signed answer", || "another".to_owned())?;
        }
    }
    channel.protection().map(drop)
}
