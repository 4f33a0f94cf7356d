//! Handle, GUID and size of commands, and the order in which they are checked.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_AUTHENTICATED_CONFIGURE_PROTECTION, GUID, GUID_NULL,
};
use softcp_runtime::Input;

use crate::case::CaseResult;
use crate::context::Context;
use crate::dialogue::{COMMAND_HEADER, COMMANDS, SET_PROTECTION, check_fails, check_unknown, wrong_handles};
use crate::message::{Message, OMAC};

pub(super) fn wrong_handle(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    let other = ctx.open_channel(&device)?;
    for (what, handle) in wrong_handles(&channel, &other) {
        channel.command += 1;
        let message = Message::command(SET_PROTECTION.guid, handle, channel.command, SET_PROTECTION.size);
        let message = message.with(COMMAND_HEADER, 1_u32).signed(&channel.key);
        channel.refuse(&format!("a command whose channel handle is {what}"), &message)?;
        channel.check_protection("after a command with a wrong handle", 0)?;
    }
    Ok(())
}

/// GUIDs of no command: random, zero, and one that differs from a command's only at its end or at its beginning.
fn unknown_guids(ctx: &Context<'_>) -> [GUID; 4] {
    let mut tail = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    tail.Data4[7] ^= 1;
    let mut head = D3D11_AUTHENTICATED_CONFIGURE_PROTECTION;
    head.Data1 ^= 1;
    [ctx.guid(), GUID_NULL, tail, head]
}

pub(super) fn unknown(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    for guid in unknown_guids(ctx) {
        channel.command += 1;
        let message = channel.unsigned_command(guid, channel.command, COMMAND_HEADER).signed(&channel.key);
        check_unknown(&format!("a command of GUID {guid}"), channel.send(&message)?.hresult)?;
    }
    Ok(())
}

pub(super) fn too_small(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    for kind in COMMANDS {
        for size in [0, 1, OMAC - 1, OMAC, COMMAND_HEADER - 1, COMMAND_HEADER, kind.size - 4, kind.size - 1] {
            // All bytes behind the header are zero, and its members valid where they have a value of zero.
            let message = channel.next_command(kind).resized(size).signed(&channel.key);
            channel.refuse(&format!("{} of {size} bytes", kind.name), &message)?;
        }
    }
    let on = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, 1_u32);
    let short = on.resized(SET_PROTECTION.size - 4).signed(&channel.key);
    channel.refuse("CONFIGURE_PROTECTION without its padding", &short)?;
    channel.check_protection("after commands that are too small", 0)
}

pub(super) fn too_large(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    for more in [1, 4, 8, 16, 200] {
        let size = SET_PROTECTION.size + more;
        let message = channel.next_command(&SET_PROTECTION).with(COMMAND_HEADER, 1_u32).resized(size);
        channel.refuse(&format!("CONFIGURE_PROTECTION of {size} bytes"), &message.signed(&channel.key))?;
        channel.check_protection("after a command that is too large", 0)?;
    }
    Ok(())
}

pub(super) fn order(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let unknown = ctx.guid();
    let mut channel = ctx.keyed_channel(&device)?;
    let early = channel.unsigned_command(unknown, 5, COMMAND_HEADER).signed(&channel.key);
    channel.refuse("an unknown command on a channel that is not initialised", &early)?;

    let mut channel = ctx.open_channel(&device)?;
    channel.protect(0)?;
    let last = channel.command;
    let next = channel.unsigned_command(unknown, last + 1, COMMAND_HEADER).signed(&channel.key);
    channel.refuse("an unknown command whose OMAC is wrong", &next.clone().flipped(0))?;
    let short = next.clone().resized(COMMAND_HEADER - 1).signed(&channel.key);
    channel.refuse("an unknown command without room for a header", &short)?;
    let handle = channel.channel.handle_value().wrapping_add(1);
    let foreign = Message::command(unknown, handle, last + 1, COMMAND_HEADER).signed(&channel.key);
    channel.refuse("an unknown command with a wrong handle", &foreign)?;
    let old = channel.unsigned_command(unknown, last, COMMAND_HEADER).signed(&channel.key);
    channel.refuse("an unknown command with a number that was used", &old)?;
    for (n, size) in (2..).zip([COMMAND_HEADER, COMMAND_HEADER + 8, COMMAND_HEADER + 24, COMMAND_HEADER + 200]) {
        // A handle that is wrong may have used a number up; the numbers go on behind it.
        let message = channel.unsigned_command(unknown, last + n, size).signed(&channel.key);
        check_unknown(&format!("an unknown command of {size} bytes"), channel.send(&message)?.hresult)?;
    }
    Ok(())
}

pub(super) fn null_arguments(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let size = u32::try_from(SET_PROTECTION.size).unwrap_or_default();
    for size in [0, size] {
        let mut output = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
        let input = Input::Null { size };
        let reply =
            device.calls().configure_authenticated_channel(channel.channel.handle(), input, Some(&mut output))?;
        check_fails(&format!("a null input of {size} bytes"), reply.hresult())?;
    }
    let message = channel.next_command(&SET_PROTECTION).signed(&channel.key);
    let input = Input::Bytes(&message.0);
    let reply = device.calls().configure_authenticated_channel(channel.channel.handle(), input, None)?;
    check_fails("a null output", reply.hresult())?;
    // Whether a number was used up is not said.
    channel.protect(0)
}
