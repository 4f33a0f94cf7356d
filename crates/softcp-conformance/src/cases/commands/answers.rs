//! The answers to commands.

use crate::case::{CaseResult, check, check_equal};
use crate::context::Context;
use crate::dialogue::{COMMAND_HEADER, SET_PROTECTION};
use crate::message::{Member, Message, is_signed};
use crate::rig::KeyedChannel;

/// The next command.
fn right(channel: &mut KeyedChannel) -> Message {
    channel.next_command(&SET_PROTECTION).signed(&channel.key)
}

/// Commands that hold a header, and what is wrong with them.
fn refused(ctx: &Context<'_>, channel: &mut KeyedChannel) -> Vec<(&'static str, Message)> {
    let key = channel.key;
    let mut next = || channel.next_command(&SET_PROTECTION);
    let (wrong_omac, large, flags) = (next(), next(), next());
    let unknown = channel.unsigned_command(ctx.guid(), channel.command + 1, COMMAND_HEADER);
    channel.command += 1;
    let old = channel.unsigned_command(SET_PROTECTION.guid, 5, SET_PROTECTION.size);
    let handle = channel.channel.handle_value().wrapping_add(1);
    let foreign = Message::command(SET_PROTECTION.guid, handle, channel.command + 1, SET_PROTECTION.size);
    channel.command += 1;
    vec![
        ("with a wrong OMAC", wrong_omac.signed(&key).flipped(0)),
        ("that is too large", large.resized(SET_PROTECTION.size + 8).signed(&key)),
        ("that is too small", flags.resized(COMMAND_HEADER).signed(&key)),
        ("that is unknown", unknown.signed(&key)),
        ("with an old number", old.signed(&key)),
        ("with a wrong handle", foreign.signed(&key)),
    ]
}

fn check_repeats(channel: &mut KeyedChannel, what: &str, command: &Message) -> CaseResult {
    let answer = channel.send(command)?;
    let (header, sent) = (answer.header(), &command.0);
    check_equal(&format!("GUID in the answer to a command {what}"), &sent[16..32].to_vec(), &header.guid)?;
    let size = size_of::<usize>();
    check_equal(
        &format!("channel handle in the answer to a command {what}"),
        &sent[32..32 + size].to_vec(),
        &header.channel.to_bytes(),
    )?;
    check_equal(
        &format!("sequence number in the answer to a command {what}"),
        &sent[32 + size..36 + size].to_vec(),
        &header.sequence.to_bytes(),
    )?;
    let code = softcp_runtime::HResult(header.return_code);
    check_equal(&format!("return code in the answer to a command {what}"), &answer.hresult, &code)
}

pub(super) fn repeats_header(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let command = right(&mut channel);
    check_repeats(&mut channel, "that is right", &command)?;
    for (what, command) in refused(ctx, &mut channel) {
        check_repeats(&mut channel, what, &command)?;
    }
    Ok(())
}

fn check_signed(channel: &mut KeyedChannel, what: &str, command: &Message) -> CaseResult {
    let answer = channel.send(command)?;
    let signed = is_signed(&channel.key, &answer.bytes);
    let expected = format!("the answer to a command {what} has the OMAC of all bytes behind it");
    check(signed, expected, || format!("{} with the answer {:02x?}", answer.hresult, answer.bytes))
}

pub(super) fn is_signed_when_obeyed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for _ in 0..3 {
        let command = right(&mut channel);
        check_signed(&mut channel, "that is right", &command)?;
    }
    Ok(())
}

pub(super) fn failed_is_signed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for (what, command) in refused(ctx, &mut channel) {
        check_signed(&mut channel, what, &command)?;
    }
    Ok(())
}
