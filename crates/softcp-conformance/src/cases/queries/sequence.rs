//! The sequence numbers of queries.

use crate::case::CaseResult;
use crate::context::Context;
use crate::dialogue::{ANSWER_HEADER, ASK_PROTECTION, QUERIES, QUERY_HEADER};
use crate::message::Message;
use crate::rig::KeyedChannel;

fn accept(channel: &mut KeyedChannel, number: u32) -> CaseResult {
    let query = channel.query_numbered(&ASK_PROTECTION, number);
    channel.answer_to(&ASK_PROTECTION, &query)?;
    channel.query = number;
    Ok(())
}

fn deny(channel: &mut KeyedChannel, what: &str, number: u32) -> CaseResult {
    let query = channel.query_numbered(&ASK_PROTECTION, number);
    channel.deny(&format!("query with number {number} {what}"), &ASK_PROTECTION, &query).map(drop)
}

pub(super) fn not_initialized(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    for kind in QUERIES {
        for number in [0, 1, 1000] {
            let query = channel.query_numbered(kind, number);
            channel.deny(&format!("{} with number {number} before CONFIGURE_INITIALIZE", kind.name), kind, &query)?;
        }
    }
    Ok(())
}

pub(super) fn not_greater(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(1000, 7)?;
    deny(&mut channel, "where the first is 1000", 999)?;
    for last in [1001, 3000, 0x8000_0001, 0xFFFF_FF00] {
        accept(&mut channel, last)?;
        for number in [last, last - 1, last / 2, 1000, 1, 0] {
            deny(&mut channel, &format!("after number {last}"), number)?;
        }
    }
    Ok(())
}

pub(super) fn may_skip(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(1000, 7)?;
    for number in [1000, 1001, 1003, 3000, 0x1_0001, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFF0] {
        accept(&mut channel, number)?;
    }
    // At once over more than half of all numbers.
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(5, 7)?;
    accept(&mut channel, 5)?;
    accept(&mut channel, 0xFFFF_FFF0)
}

pub(super) fn are_apart(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    channel.command = 0x2000_0000;
    channel.protect(0)?;
    accept(&mut channel, 1001)?;
    accept(&mut channel, 0x4000_0000)?;
    channel.protect(0)?;
    accept(&mut channel, 0x4000_0001)?;
    channel.protect(0)
}

pub(super) fn failed_query_uses_it(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let unknown = Message::query(ctx.guid(), channel.channel.handle_value(), 2000, QUERY_HEADER);
    channel.ask(&unknown, ANSWER_HEADER)?;
    deny(&mut channel, "which an unknown query has used", 2000)?;
    let small = channel.query_numbered(&ASK_PROTECTION, 3000);
    channel.ask(&small, ANSWER_HEADER)?;
    deny(&mut channel, "which a query with a small output has used", 3000)?;
    accept(&mut channel, 3001)
}
