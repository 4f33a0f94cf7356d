//! The form of answers to queries.

use softcp_runtime::HResult;

use crate::case::{CaseResult, check, check_equal};
use crate::context::Context;
use crate::dialogue::{
    ANSWER_HEADER, ASK_ACCESSIBILITY, ASK_DEVICE_HANDLE, ASK_PROTECTION, Answer, Kind, QUERY_HEADER, plain_queries,
};
use crate::message::{Member, Message, is_signed};
use crate::rig::KeyedChannel;

fn check_header(what: &str, query: &Message, answer: &Answer) -> CaseResult {
    let (header, sent) = (answer.header(), &query.0);
    let size = size_of::<usize>();
    check_equal(&format!("GUID in the answer to {what}"), &sent[..16].to_vec(), &header.guid)?;
    check_equal(
        &format!("channel handle in the answer to {what}"),
        &sent[16..16 + size].to_vec(),
        &header.channel.to_bytes(),
    )?;
    check_equal(
        &format!("sequence number in the answer to {what}"),
        &sent[16 + size..20 + size].to_vec(),
        &header.sequence.to_bytes(),
    )?;
    check_equal(&format!("return code in the answer to {what}"), &answer.hresult, &HResult(header.return_code))
}

pub(super) fn repeats_header(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for kind in plain_queries() {
        let query = channel.next_query(kind);
        let answer = channel.answer_to(kind, &query)?;
        check_header(kind.name, &query, &answer)?;
    }
    Ok(())
}

/// Fails unless the answer's OMAC covers one of `sizes`, which are those that the rules allow.
pub(super) fn check_signed(channel: &KeyedChannel, what: &str, answer: &Answer, sizes: &[usize]) -> CaseResult {
    let signed = sizes.iter().any(|&size| size <= answer.bytes.len() && is_signed(&channel.key, &answer.bytes[..size]));
    let seen = || format!("{} with the answer {:02x?}", answer.hresult, answer.bytes);
    check(signed, format!("the answer to {what} has the OMAC of all bytes behind it, of {sizes:?} in all"), seen)
}

fn signed(channel: &mut KeyedChannel, kind: &Kind) -> CaseResult {
    let answer = channel.answer(kind)?;
    check_signed(channel, kind.name, &answer, &[kind.answer])
}

/// With an answer that has no padding.
pub(super) fn is_signed_with_the_key(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for _ in 0..3 {
        signed(&mut channel, &ASK_DEVICE_HANDLE)?;
    }
    Ok(())
}

pub(super) fn covers_padding(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    // Four bytes behind the last member, on 64-bit machines.
    for kind in [ASK_PROTECTION, ASK_ACCESSIBILITY] {
        signed(&mut channel, &kind)?;
    }
    plain_queries().try_for_each(|kind| signed(&mut channel, kind))
}

pub(super) fn failed_is_signed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    channel.answer(&ASK_PROTECTION)?;
    let handle = channel.channel.handle_value();
    let used = channel.query;
    let unknown = Message::query(ctx.guid(), handle, used + 1, QUERY_HEADER);
    let old = channel.query_numbered(&ASK_PROTECTION, used);
    let small = channel.query_numbered(&ASK_PROTECTION, used + 2);
    for (what, query, size) in [
        ("an unknown query", unknown, ANSWER_HEADER),
        ("a query with an old number", old.clone(), ASK_PROTECTION.answer),
        ("a query with an old number and a small output", old, ANSWER_HEADER),
        ("a query whose output is too small", small, ANSWER_HEADER),
    ] {
        let answer = channel.ask(&query, size)?;
        check(!answer.hresult.is_ok(), format!("{what} fails"), || answer.hresult.to_string())?;
        check_header(what, &query, &answer)?;
        // A failure has nothing to say behind the header: signing that alone, or the structure, are both answers.
        check_signed(&channel, what, &answer, &[ANSWER_HEADER, size])?;
    }
    Ok(())
}
