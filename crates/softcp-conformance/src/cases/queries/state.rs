//! What queries say.

use std::mem::offset_of;

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_INPUT as ShareInput,
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_ENCRYPTION_GUID_OUTPUT as EncryptionOutput,
    D3D11_AUTHENTICATED_QUERY_ACCESSIBILITY_OUTPUT as AccessibilityOutput,
    D3D11_AUTHENTICATED_QUERY_CRYPTO_SESSION_OUTPUT as SessionOutput,
    D3D11_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_OUTPUT as ProcessOutput, D3D11_BUS_TYPE_AGP,
    D3D11_PROCESSIDTYPE_DWM, D3D11_PROCESSIDTYPE_HANDLE,
};
use softcp_runtime::ResourceDesc;

use crate::case::{CaseResult, Stop, check, check_equal, check_hresult, hex};
use crate::cases::commands::effects::bind;
use crate::context::Context;
use crate::dialogue::{
    ANSWER_HEADER, ASK_ACCESSIBILITY, ASK_CHANNEL_TYPE, ASK_CRYPTO_SESSION, ASK_CURRENT_ENCRYPTION, ASK_ENCRYPTION,
    ASK_ENCRYPTION_COUNT, ASK_PROCESS, ASK_PROCESS_COUNT, ASK_UNRESTRICTED_COUNT, Answer, Kind, QUERY_HEADER,
    SET_SHARED_RESOURCE, decoder_on,
};
use crate::rig::KeyedChannel;

/// More than this many processes, outputs or encryptions are not asked for.
pub(in crate::cases) const MOST: u32 = 64;

/// Fails for a count that no driver has: it is asked for one by one.
pub(in crate::cases) fn believable(what: &str, count: u32) -> CaseResult<u32> {
    check(count <= 1 << 16, format!("a believable number of {what}"), || count.to_string())?;
    Ok(count)
}

/// A query by index, with the next number and an output of the right size, whatever comes of it.
pub(in crate::cases) fn at(channel: &mut KeyedChannel, kind: &Kind, index: u32) -> CaseResult<Answer> {
    let query = channel.next_query(kind).with(QUERY_HEADER, index);
    channel.ask(&query, kind.answer)
}

/// The same where it must be answered, and must repeat the index.
fn present(channel: &mut KeyedChannel, kind: &Kind, index: u32) -> CaseResult<Answer> {
    let answer = at(channel, kind, index)?;
    check_hresult(&format!("{} {index}", kind.name), softcp_runtime::HResult::OK, answer.hresult)?;
    check_equal(&format!("index in the answer to {}", kind.name), &index, &answer.u32(ANSWER_HEADER))?;
    Ok(answer)
}

/// Fails unless indices past `count` are `E_INVALIDARG`.
fn check_past(channel: &mut KeyedChannel, kind: &Kind, count: u32) -> CaseResult {
    for index in [count, count + 1, 0x8000_0000, u32::MAX] {
        let answer = at(channel, kind, index)?;
        let call = format!("{} {index} of {count}", kind.name);
        crate::dialogue::check_invalid(&call, answer.hresult)?;
    }
    Ok(())
}

/// How many processes are allowed.
pub(in crate::cases) fn process_count(channel: &mut KeyedChannel) -> CaseResult<u32> {
    let count = channel.answer(&ASK_PROCESS_COUNT)?.u32(ANSWER_HEADER);
    believable("allowed processes", count)
}

/// Type and handle of the processes that are allowed, sorted.
pub(in crate::cases) fn processes(channel: &mut KeyedChannel) -> CaseResult<Vec<(u32, usize)>> {
    let mut found = Vec::new();
    for index in 0..process_count(channel)?.min(MOST) {
        let answer = present(channel, &ASK_PROCESS, index)?;
        let process_type = answer.u32(offset_of!(ProcessOutput, ProcessIdentifier));
        found.push((process_type, answer.handle(offset_of!(ProcessOutput, ProcessHandle))));
    }
    found.sort_unstable();
    Ok(found)
}

/// Fails unless the process of this handle is among the allowed ones, or not.
pub(in crate::cases) fn check_process(channel: &mut KeyedChannel, handle: usize, allowed: bool) -> CaseResult {
    let all = processes(channel)?;
    let expected = format!("process 0x{handle:x} {} the allowed ones", if allowed { "among" } else { "not among" });
    check(all.contains(&(D3D11_PROCESSIDTYPE_HANDLE, handle)) == allowed, expected, || format!("{all:x?}"))
}

/// The encryptions of accessible content, each as the bytes of its GUID.
pub(in crate::cases) fn encryptions(channel: &mut KeyedChannel) -> CaseResult<Vec<[u8; 16]>> {
    let count = believable("encryptions", channel.answer(&ASK_ENCRYPTION_COUNT)?.u32(ANSWER_HEADER))?;
    (0..count.min(MOST))
        .map(|index| Ok(present(channel, &ASK_ENCRYPTION, index)?.guid(offset_of!(EncryptionOutput, EncryptionGuid))))
        .collect()
}

/// The encryption of accessible content that is in force.
pub(in crate::cases) fn current_encryption(channel: &mut KeyedChannel) -> CaseResult<[u8; 16]> {
    Ok(channel.answer(&ASK_CURRENT_ENCRYPTION)?.guid(ANSWER_HEADER))
}

fn binding(channel: &mut KeyedChannel, decoder: usize) -> CaseResult<Answer> {
    let query = channel.next_query(&ASK_CRYPTO_SESSION).with(QUERY_HEADER, decoder);
    channel.answer_to(&ASK_CRYPTO_SESSION, &query)
}

/// The session that is bound to a decoder, zero where there is none.
pub(in crate::cases) fn bound_session(channel: &mut KeyedChannel, decoder: usize) -> CaseResult<usize> {
    Ok(binding(channel, decoder)?.handle(offset_of!(SessionOutput, CryptoSessionHandle)))
}

pub(super) fn protection(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_switchable_protection(&device)?;
    let mut channel = ctx.open_channel(&device)?;
    channel.check_protection("before anything was set", 0)?;
    for flags in [1, 0, 1] {
        channel.protect(flags)?;
        for _ in 0..2 {
            channel.check_protection(&format!("after CONFIGURE_PROTECTION with flags 0x{flags:x}"), flags)?;
        }
    }
    Ok(())
}

pub(super) fn channel_type(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let types = [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE];
    let mut asked = 0;
    for channel_type in types {
        let channel = match device.create_channel(channel_type) {
            Ok(channel) => channel,
            Err(error @ softcp_runtime::Error::MissingEntry { .. }) => return Err(error.into()),
            Err(_) => continue,
        };
        let mut channel = ctx.keyed_channel_of(&device, channel_type, channel)?;
        channel.initialize(1000, 2000)?;
        channel.use_first_numbers()?;
        let answer = channel.answer(&ASK_CHANNEL_TYPE)?;
        check_equal("type of the channel", &channel_type, &answer.u32(ANSWER_HEADER))?;
        asked += 1;
    }
    let none = || Stop::skipped("the driver makes neither a software nor a hardware channel");
    if asked == 0 { Err(none()) } else { Ok(()) }
}

pub(super) fn device_handle(ctx: &Context<'_>) -> CaseResult {
    let (device, elsewhere) = (ctx.device()?, ctx.device()?);
    let mut channels = [ctx.open_channel(&device)?, ctx.open_channel(&device)?, ctx.open_channel(&elsewhere)?];
    let first = channels[0].device_handle()?;
    check(first != 0, "a device handle that is not zero", || "zero".to_owned())?;
    check_equal("device handle the second time", &first, &channels[0].device_handle()?)?;
    check_equal("device handle over another channel", &first, &channels[1].device_handle()?)?;
    let other = channels[2].device_handle()?;
    check(first != other, "another handle for another device", || format!("0x{other:x} for both"))
}

pub(super) fn crypto_session(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut session = ctx.session(&device)?;
    let mut decoders = [decoder_on(&device)?, decoder_on(&device)?];
    let own = channel.device_handle()?;
    let session = session.handle_value()?;
    let (bound, unbound) = (decoders[0].handle_value()?, decoders[1].handle_value()?);
    let message = bind(&mut channel, bound, session, own);
    channel.obey("CONFIGURE_CRYPTO_SESSION", message)?;
    let answer = binding(&mut channel, bound)?;
    check_equal("decoder in the answer", &bound, &answer.handle(offset_of!(SessionOutput, DecoderHandle)))?;
    check_equal("session in the answer", &session, &answer.handle(offset_of!(SessionOutput, CryptoSessionHandle)))?;
    check_equal("device in the answer", &own, &answer.handle(offset_of!(SessionOutput, DeviceHandle)))?;
    // A decoder without a session may be an error, but not a decoder with this one.
    let query = channel.next_query(&ASK_CRYPTO_SESSION).with(QUERY_HEADER, unbound);
    let answer = channel.ask(&query, ASK_CRYPTO_SESSION.answer)?;
    let seen = answer.handle(offset_of!(SessionOutput, CryptoSessionHandle));
    check(!answer.hresult.is_ok() || seen != session, "no session at another decoder", || format!("0x{seen:x}"))
}

fn share(channel: &mut KeyedChannel, handle: usize, allow: u32) -> CaseResult {
    let message = channel
        .next_command(&SET_SHARED_RESOURCE)
        .with(offset_of!(ShareInput, ProcessType), D3D11_PROCESSIDTYPE_HANDLE)
        .with(offset_of!(ShareInput, ProcessHandle), handle)
        .with(offset_of!(ShareInput, AllowAccess), allow);
    channel.obey("CONFIGURE_SHARED_RESOURCE", message).map(drop)
}

pub(super) fn allowed_processes(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut expected = processes(&mut channel)?;
    // One has bits in all its bytes.
    let wide = (usize::MAX / 3) & !3;
    for handle in [0x1234, 0x4321, 0x1_0008, wide] {
        share(&mut channel, handle, 1)?;
        expected.push((D3D11_PROCESSIDTYPE_HANDLE, handle));
        expected.sort_unstable();
        check_equal("types and handles of the allowed processes", &expected, &processes(&mut channel)?)?;
    }
    for handle in [0x4321, wide, 0x1234, 0x1_0008] {
        share(&mut channel, handle, 0)?;
        expected.retain(|process| *process != (D3D11_PROCESSIDTYPE_HANDLE, handle));
        check_equal("types and handles of the allowed processes", &expected, &processes(&mut channel)?)?;
    }
    Ok(())
}

pub(super) fn dwm_process(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let message = channel
        .next_command(&SET_SHARED_RESOURCE)
        .with(offset_of!(ShareInput, ProcessType), D3D11_PROCESSIDTYPE_DWM)
        .with(offset_of!(ShareInput, AllowAccess), 1_u32)
        .signed(&channel.key);
    let answer = channel.send(&message)?;
    if !answer.hresult.is_ok() {
        return Err(Stop::skipped(format!("the driver has no window manager to allow: {}", answer.hresult)));
    }
    let types = processes(&mut channel)?.into_iter().map(|(process_type, _)| process_type).collect::<Vec<_>>();
    check(types.contains(&D3D11_PROCESSIDTYPE_DWM), "a process of type 1 among the allowed ones", || {
        format!("processes of types {types:?}")
    })
}

pub(super) fn process_index_past_count(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let count = process_count(&mut channel)?;
    check_past(&mut channel, &ASK_PROCESS, count)?;
    share(&mut channel, 0x1234, 1)?;
    let count = process_count(&mut channel)?;
    check_past(&mut channel, &ASK_PROCESS, count)
}

pub(super) fn unrestricted_shared_resources(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let mut count = || Ok::<_, Stop>(channel.answer(&ASK_UNRESTRICTED_COUNT)?.u32(ANSWER_HEADER));
    let desc = ResourceDesc::surface(64, 4);
    let make = |desc: ResourceDesc| {
        let none = |error| Stop::skipped(format!("the driver makes no shared protected resource: {error}"));
        device.create_resource(&desc).map_err(none)
    };
    let before = count()?;
    let first = make(desc.protected().shared())?;
    check_equal("unrestricted protected resources, one more", &(before + 1), &count()?)?;
    let second = make(desc.protected().shared())?;
    check_equal("unrestricted protected resources, two more", &(before + 2), &count()?)?;
    let others = [make(desc)?, make(desc.shared())?, make(desc.protected())?, make(desc.protected().restricted())?];
    check_equal("unrestricted protected resources after others were made", &(before + 2), &count()?)?;
    drop(others);
    check_equal("unrestricted protected resources after the others are gone", &(before + 2), &count()?)?;
    drop(first);
    check_equal("unrestricted protected resources after one is gone", &(before + 1), &count()?)?;
    drop(second);
    check_equal("unrestricted protected resources at the end", &before, &count()?)
}

pub(super) fn accessibility(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let answer = channel.answer(&ASK_ACCESSIBILITY)?;
    let bus = answer.u32(offset_of!(AccessibilityOutput, BusType));
    let (kind, modifier) = (bus & 0xFFFF, (bus & 0x7FFF_0000) >> 16);
    let defined = kind <= D3D11_BUS_TYPE_AGP && modifier <= 5;
    check(defined, "a bus type and modifier that are defined", || format!("0x{bus:08x}"))?;
    for (what, offset) in [
        ("AccessibleInContiguousBlocks", offset_of!(AccessibilityOutput, AccessibleInContiguousBlocks)),
        ("AccessibleInNonContiguousBlocks", offset_of!(AccessibilityOutput, AccessibleInNonContiguousBlocks)),
    ] {
        let value = answer.u32(offset);
        check(value <= 1, format!("{what} of 0 or 1"), || value.to_string())?;
    }
    let again = channel.answer(&ASK_ACCESSIBILITY)?;
    check_equal(
        "attributes the second time",
        &answer.bytes[ANSWER_HEADER..60].to_vec(),
        &again.bytes[ANSWER_HEADER..60].to_vec(),
    )
}

pub(super) fn encryption_guids(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let listed = encryptions(&mut channel)?;
    for (n, encryption) in listed.iter().enumerate() {
        check(encryption != &[0; 16], format!("encryption {n} that is not zero"), || hex(encryption))?;
        let twice = listed[..n].contains(encryption);
        check(!twice, format!("encryption {n} that is not listed before"), || hex(encryption))?;
    }
    check_equal("encryptions the second time", &listed, &encryptions(&mut channel)?)
}

pub(super) fn encryption_index_past_count(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let count = believable("encryptions", channel.answer(&ASK_ENCRYPTION_COUNT)?.u32(ANSWER_HEADER))?;
    check_past(&mut channel, &ASK_ENCRYPTION, count)
}

pub(super) fn current(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let mut channel = ctx.open_channel(&device)?;
    let listed = encryptions(&mut channel)?;
    let seen = current_encryption(&mut channel)?;
    let known = seen == [0; 16] || listed.contains(&seen);
    check(known, "no encryption, or one that is listed", || hex(&seen))?;
    check_equal("encryption the second time", &seen, &current_encryption(&mut channel)?)
}
