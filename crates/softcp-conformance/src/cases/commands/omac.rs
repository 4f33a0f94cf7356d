//! The OMAC of commands.

use crate::case::CaseResult;
use crate::context::Context;
use crate::dialogue::{COMMAND_HEADER, SET_INITIALIZE, SET_PROTECTION, check_invalid};
use crate::message::{Message, OMAC};
use crate::oracle::omac;
use crate::rig::KeyedChannel;

/// The next command, right and signed.
fn next(channel: &mut KeyedChannel) -> Message {
    channel.next_command(&SET_PROTECTION).signed(&channel.key)
}

/// A command whose OMAC is wrong in every byte.
fn wrongly_signed(command: Message, channel: &KeyedChannel) -> Message {
    (0..OMAC).fold(command.signed(&channel.key), Message::flipped)
}

/// The same with another OMAC.
fn with_omac(message: &Message, omac: &[u8]) -> Message {
    let mut message = message.clone();
    message.0[..OMAC].copy_from_slice(omac);
    message
}

pub(super) fn wrong(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let right = next(&mut channel);
    let all_bytes = omac::omac(&channel.key, &right.0);
    let zeroed = omac::omac(&channel.key, &with_omac(&right, &[0; 16]).0);
    let over = |end: usize| omac::omac(&channel.key, &right.0[OMAC..end]);
    let size = right.0.len();
    let wrong = [
        ("the OMAC over all but the last 4 bytes", over(size - 4)),
        ("the OMAC over the header alone", over(COMMAND_HEADER)),
        ("the OMAC over whole blocks alone", over(size - size % 16)),
        ("an OMAC of zeros", [0; 16]),
        ("an OMAC of ones", [0xFF; 16]),
        ("a random OMAC", ctx.random()),
        ("the OMAC over the whole message", all_bytes),
        ("the OMAC over the whole message with its OMAC zero", zeroed),
    ];
    for (what, omac) in wrong {
        channel.refuse(what, &with_omac(&right, &omac))?;
    }
    Ok(())
}

pub(super) fn every_byte(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for at in 0..OMAC {
        let right = next(&mut channel);
        for bit in [0x01, 0x80, 0xFF] {
            let mut wrong = right.clone();
            wrong.0[at] ^= bit;
            channel.refuse(&format!("OMAC whose byte {at} is XORed with 0x{bit:02x}"), &wrong)?;
        }
    }
    Ok(())
}

pub(super) fn covers_every_byte(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    // The right message is accepted, so that it is the change that is refused.
    channel.protect(0)?;
    for at in OMAC..SET_PROTECTION.size {
        let right = next(&mut channel);
        let wrong = right.clone().flipped(at);
        let call = format!("{} whose byte {at} was changed after signing", SET_PROTECTION.name);
        check_invalid(&call, channel.send(&wrong)?.hresult)?;
    }
    Ok(())
}

pub(super) fn failure_changes_nothing(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.keyed_channel(&device)?;
    let initialize = |number: u32| {
        let message = channel.unsigned_command(SET_INITIALIZE.guid, number, SET_INITIALIZE.size);
        message.with(COMMAND_HEADER, number).with(COMMAND_HEADER + 4, number)
    };
    let wrong = wrongly_signed(initialize(0x4000_0000), &channel);
    channel.send(&wrong)?;
    // Were the channel initialised now, this one would be refused.
    channel.initialize(10, 10)?;
    (channel.query, channel.command) = (10, 10);
    let on = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, 1_u32);
    channel.send(&wrongly_signed(on, &channel))?;
    channel.check_protection("after a command to switch it on with a wrong OMAC", 0)?;
    // And what is on is not switched off.
    channel.protect(1)?;
    let off = channel.next_command(&SET_PROTECTION);
    channel.send(&wrongly_signed(off, &channel))?;
    channel.check_protection("after a command to switch it off with a wrong OMAC", 1)
}

pub(super) fn failure_keeps_sequence(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for ahead in [0, 1, 1000, 0x7000_0000] {
        let wrong = wrongly_signed(channel.protection_numbered(0, channel.command + 1 + ahead), &channel);
        channel.send(&wrong)?;
        let right = channel.next_command(&SET_PROTECTION);
        let number = channel.command;
        channel.obey(&format!("command {number} after one with a wrong OMAC and number {}", number + ahead), right)?;
    }
    Ok(())
}

pub(super) fn key_of_another_channel(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let other = ctx.open_channel(&device)?;
    let message = channel.next_command(&SET_PROTECTION);
    channel.refuse("a command that is signed with another channel's key", &message.clone().signed(&other.key))?;
    channel.refuse("a command that is signed with a key of zeros", &message.clone().signed(&[0; 16]))?;
    // Whether those have used their number up is another rule's affair.
    channel.protect(0)
}
