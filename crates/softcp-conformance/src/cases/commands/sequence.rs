//! The sequence numbers of commands.

use softcp_runtime::CertificateOf;

use crate::case::CaseResult;
use crate::context::Context;
use crate::dialogue::{ANSWER_HEADER, ASK_CHANNEL_TYPE, COMMAND_HEADER, COMMANDS, SET_INITIALIZE, SET_PROTECTION};
use crate::message::Message;
use crate::oracle::oaep::Padding;
use crate::rig::KeyedChannel;

fn accept(channel: &mut KeyedChannel, what: &str, number: u32) -> CaseResult {
    let message = channel.unsigned_command(SET_PROTECTION.guid, number, SET_PROTECTION.size);
    channel.obey(&format!("command with number {number} {what}"), message)?;
    channel.command = number;
    Ok(())
}

fn refuse(channel: &mut KeyedChannel, what: &str, number: u32) -> CaseResult {
    let message = channel.protection_numbered(0, number);
    channel.refuse(&format!("command with number {number} {what}"), &message).map(drop)
}

fn second_initialize(channel: &KeyedChannel, number: u32, start: u32) -> Message {
    let message = channel.unsigned_command(SET_INITIALIZE.guid, number, SET_INITIALIZE.size);
    message.with(COMMAND_HEADER, start).with(COMMAND_HEADER + 4, start).signed(&channel.key)
}

pub(super) fn initialize(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for start in [1, 2000, 0x9000_0000] {
        let mut channel = ctx.keyed_channel(&device)?;
        channel.initialize(7, start)?;
        refuse(&mut channel, &format!("where the first is {start}"), start - 1)?;
        accept(&mut channel, "that is the first", start)?;
    }
    Ok(())
}

pub(super) fn initialize_twice(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(0)?;
    for start in [1, 0x1000_0000] {
        let number = channel.command + 1;
        let message = second_initialize(&channel, number, start);
        channel.refuse(&format!("a second CONFIGURE_INITIALIZE with {start}"), &message)?;
        refuse(&mut channel, "which was used before the second CONFIGURE_INITIALIZE", number - 1)?;
        // Whether the refused one used its number up is another rule's affair.
        accept(&mut channel, "after a second CONFIGURE_INITIALIZE", number + 1)?;
    }
    Ok(())
}

pub(super) fn initialize_after_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(0)?;
    let last = channel.command;
    let of = CertificateOf::AuthenticatedChannel(channel.answer(&ASK_CHANNEL_TYPE)?.u32(ANSWER_HEADER));
    channel.key = ctx.random();
    channel.channel.negotiate(&ctx.public_key(&device, of)?.encrypt(&channel.key, Padding::Oaep512))?;
    for start in [1, 0x1000_0000] {
        let message = second_initialize(&channel, last + 1, start);
        channel.refuse(&format!("a second CONFIGURE_INITIALIZE with {start} under another key"), &message)?;
    }
    refuse(&mut channel, "which was used before the other key", last)?;
    // Whether the refused ones have used their number up is another rule's affair.
    accept(&mut channel, "under another key", last + 2)
}

pub(super) fn not_initialized(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.keyed_channel(&device)?;
    for kind in COMMANDS {
        for number in [0, 1, 1000] {
            let message = channel.unsigned_command(kind.guid, number, kind.size).signed(&channel.key);
            channel.refuse(&format!("{} with number {number} before CONFIGURE_INITIALIZE", kind.name), &message)?;
        }
    }
    Ok(())
}

pub(super) fn not_greater(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for last in [3000, 0x8000_0001, 0xFFFF_FF00] {
        accept(&mut channel, "that is greater", last)?;
        for number in [last, last - 1, last / 2, 2000, 1, 0] {
            refuse(&mut channel, &format!("after number {last}"), number)?;
        }
    }
    Ok(())
}

pub(super) fn replay(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    let on = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, 1_u32).signed(&channel.key);
    channel.obey("CONFIGURE_PROTECTION with flags 0x1", on.clone())?;
    channel.refuse("the same command at once", &on)?;
    channel.protect(0)?;
    channel.refuse("the same command after another one", &on)?;
    channel.check_protection("after a replay", 0)
}

pub(super) fn may_skip(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for number in [2001, 2002, 2004, 3000, 0x1_0001, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFF0] {
        let after = format!("after number {}", channel.command);
        accept(&mut channel, &after, number)?;
    }
    // At once over more than half of all numbers.
    let mut channel = ctx.keyed_channel(&device)?;
    channel.initialize(7, 5)?;
    accept(&mut channel, "that is the first", 5)?;
    accept(&mut channel, "after number 5", 0xFFFF_FFF0)
}

pub(super) fn failed_command_uses_it(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    // What they fail with, and whether, is the affair of other rules.
    let number = channel.command + 10;
    let unknown = channel.unsigned_command(ctx.guid(), number, COMMAND_HEADER).signed(&channel.key);
    channel.send(&unknown)?;
    refuse(&mut channel, "which an unknown command has used", number)?;

    let number = number + 10;
    let large = channel.protection_numbered(0, number).resized(SET_PROTECTION.size + 8).signed(&channel.key);
    channel.send(&large)?;
    refuse(&mut channel, "which a command of a wrong size has used", number)?;

    let number = number + 10;
    let handles = COMMANDS[1];
    let nothing = channel.unsigned_command(handles.guid, number, handles.size).signed(&channel.key);
    channel.send(&nothing)?;
    refuse(&mut channel, "which a command with wrong handles has used", number)?;
    accept(&mut channel, "after those that failed", number + 1)
}
