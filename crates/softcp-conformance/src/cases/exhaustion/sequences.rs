//! Sequence numbers of channels.

use crate::case::CaseResult;
use crate::context::Context;
use crate::dialogue::{ASK_PROTECTION, SET_PROTECTION};
use crate::rig::KeyedChannel;

/// Numbers after the last one.
const AFTER: [u32; 7] = [0, 1, 2, 1000, 0x7FFF_FFFF, 0xFFFF_FFFE, u32::MAX];

fn query(channel: &mut KeyedChannel, number: u32) -> CaseResult {
    let query = channel.query_numbered(&ASK_PROTECTION, number);
    channel.answer_to(&ASK_PROTECTION, &query).map(drop)
}

fn command(channel: &mut KeyedChannel, number: u32) -> CaseResult {
    let message = channel.unsigned_command(SET_PROTECTION.guid, number, SET_PROTECTION.size);
    channel.obey(&format!("command with number 0x{number:x}"), message).map(drop)
}

pub(super) fn command_sequence(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(10, 0xFFFF_FFFD)?;
    command(&mut channel, 0xFFFF_FFFE)?;
    command(&mut channel, u32::MAX)?;
    for (n, number) in (11..).zip(AFTER) {
        let message = channel.protection_numbered(0, number);
        channel.refuse(&format!("command with number 0x{number:x} after 0xffffffff"), &message)?;
        query(&mut channel, n)?;
    }
    Ok(())
}

pub(super) fn query_sequence(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(0xFFFF_FFFD, 10)?;
    query(&mut channel, 0xFFFF_FFFE)?;
    query(&mut channel, u32::MAX)?;
    for (n, number) in (11..).zip(AFTER) {
        let message = channel.query_numbered(&ASK_PROTECTION, number);
        channel.deny(&format!("query with number 0x{number:x} after 0xffffffff"), &ASK_PROTECTION, &message)?;
        command(&mut channel, n)?;
    }
    Ok(())
}
