//! GUID, handle and sizes of queries.

use softcp_abi::{D3D11_AUTHENTICATED_QUERY_PROTECTION, GUID_NULL};
use softcp_runtime::{Input, Output};

use super::answers::check_signed;
use crate::case::{CaseResult, check_hresult};
use crate::context::Context;
use crate::dialogue::{
    ANSWER_HEADER, ASK_DEVICE_HANDLE, ASK_PROTECTION, QUERIES, QUERY_HEADER, check_fails, check_invalid, check_unknown,
    plain_queries, wrong_handles,
};
use crate::message::Message;
use crate::rig::FILL;

pub(super) fn unknown(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let (mut tail, mut head) = (D3D11_AUTHENTICATED_QUERY_PROTECTION, D3D11_AUTHENTICATED_QUERY_PROTECTION);
    tail.Data4[7] ^= 1;
    head.Data1 ^= 1;
    for guid in [ctx.guid(), GUID_NULL, tail, head] {
        channel.query += 1;
        let query = Message::query(guid, channel.channel.handle_value(), channel.query, QUERY_HEADER);
        check_unknown(&format!("a query of GUID {guid}"), channel.ask(&query, ASK_PROTECTION.answer)?.hresult)?;
    }
    Ok(())
}

/// An output as the structures of the DDI lie, with bytes behind it that belong to somebody else.
#[repr(align(16))]
struct Guarded([u8; 256]);

pub(super) fn output_too_small(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for kind in QUERIES {
        for size in [0, 16, ANSWER_HEADER - 1, ANSWER_HEADER, kind.answer - 4, kind.answer - 1] {
            let query = channel.next_query(kind);
            let mut output = Guarded([FILL; 256]);
            let reply = device.calls().query_authenticated_channel(
                channel.channel.handle(),
                Input::Bytes(&query.0),
                Output::Bytes(&mut output.0[..size]),
            )?;
            let call = format!("{} with an output of {size} bytes", kind.name);
            check_invalid(&call, reply.hresult())?;
            let behind = &output.0[size..];
            crate::case::check_bytes(&format!("bytes behind the output of {call}"), &vec![FILL; behind.len()], behind)?;
        }
    }
    Ok(())
}

pub(super) fn output_larger(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for more in [4, 8, 64] {
        let query = channel.next_query(&ASK_DEVICE_HANDLE);
        let size = ASK_DEVICE_HANDLE.answer + more;
        let what = format!("a query whose output has {size} bytes");
        let answer = channel.ask(&query, size)?;
        check_hresult(&what, softcp_runtime::HResult::OK, answer.hresult)?;
        // All bytes behind the OMAC: those of the structure, or those of the output.
        check_signed(&channel, &what, &answer, &[ASK_DEVICE_HANDLE.answer, size])?;
    }
    Ok(())
}

pub(super) fn input_too_small(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for kind in plain_queries() {
        for size in [0, 1, 16, QUERY_HEADER - 1] {
            let query = channel.next_query(kind).resized(size);
            channel.deny(&format!("{} of {size} bytes", kind.name), kind, &query)?;
        }
    }
    for kind in QUERIES.iter().filter(|kind| kind.size > QUERY_HEADER) {
        for size in [QUERY_HEADER, QUERY_HEADER + 3] {
            let query = channel.next_query(kind).resized(size);
            channel.deny(&format!("{} of {size} bytes", kind.name), kind, &query)?;
        }
    }
    Ok(())
}

pub(super) fn wrong_handle(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let other = ctx.open_channel(&device)?;
    for (what, handle) in wrong_handles(&channel, &other) {
        channel.query += 1;
        let query = Message::query(ASK_PROTECTION.guid, handle, channel.query, ASK_PROTECTION.size);
        channel.deny(&format!("a query whose channel handle is {what}"), &ASK_PROTECTION, &query)?;
    }
    Ok(())
}

pub(super) fn null_arguments(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let bytes = |size: usize| u32::try_from(size).unwrap_or_default();
    for size in [0, bytes(ASK_PROTECTION.size)] {
        let mut output = Guarded([FILL; 256]);
        let output = Output::Bytes(&mut output.0[..ASK_PROTECTION.answer]);
        let input = Input::Null { size };
        let reply = device.calls().query_authenticated_channel(channel.channel.handle(), input, output)?;
        check_fails(&format!("a null input of {size} bytes"), reply.hresult())?;
    }
    for size in [0, bytes(ASK_PROTECTION.answer)] {
        let query = channel.next_query(&ASK_PROTECTION);
        let (input, output) = (Input::Bytes(&query.0), Output::Null { size });
        let reply = device.calls().query_authenticated_channel(channel.channel.handle(), input, output)?;
        check_fails(&format!("a null output of {size} bytes"), reply.hresult())?;
    }
    // Whether a number was used up is not said.
    channel.protection().map(drop)
}
