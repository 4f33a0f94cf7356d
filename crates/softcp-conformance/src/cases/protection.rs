//! Enforced protection.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION as PARTIAL,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON as ALWAYS_ON,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_OVERLAY_OR_FULLSCREEN_REQUIRED as OVERLAY,
    D3D11_AUTHENTICATED_PROTECTION_FLAG_PROTECTION_ENABLED as ENABLED, E_OUTOFMEMORY,
};
use softcp_runtime::{Device, Driver, EncryptedBlockInfo, Error, HResult, Reply, Resource, ResourceDesc};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::ctr;
use crate::rig::{Blit, FILL, KeyedChannel, KeyedSession, check_reported, encryption_blt, filled, read};
use crate::variation::Mix;

/// Bytes of the buffers here.
const LEN: usize = 100;

/// Protected memory of a driver whose budget is tried out, and the pieces that it is used in.
const BUDGET: usize = 1 << 20;
const PIECE: usize = 1 << 16;

pub(super) const GROUP: Group = Group {
    name: "protection",
    title: "Enforced protection",
    mix: Mix::All,
    cases: &[
        Case {
            name: "protection/destination-must-be-protected",
            rule: "While protection is enforced, DecryptionBlt to an unprotected destination is refused.",
            source: "D19",
            requirement: Requirement::Decision,
            run: destination_must_be_protected,
        },
        Case {
            name: "protection/destination-of-every-blit",
            rule: "While protection is enforced, an unprotected destination is refused under a content key, with runs and in place too.",
            source: "D19",
            requirement: Requirement::Decision,
            run: destination_of_every_blit,
        },
        Case {
            name: "protection/source-must-be-protected",
            rule: "While protection is enforced, EncryptionBlt from an unprotected source is refused.",
            source: "D19",
            requirement: Requirement::Decision,
            run: source_must_be_protected,
        },
        Case {
            name: "protection/refused-destination-kept",
            rule: "A destination that is refused for want of protection keeps its bytes.",
            source: "D20",
            requirement: Requirement::Decision,
            run: refused_destination_kept,
        },
        Case {
            name: "protection/map-refused",
            rule: "While protection is enforced, a protected resource cannot be mapped.",
            source: "D19",
            requirement: Requirement::Decision,
            run: map_refused,
        },
        Case {
            name: "protection/unprotected-maps",
            rule: "While protection is enforced, an unprotected resource can be mapped.",
            source: "D19",
            requirement: Requirement::Decision,
            run: unprotected_maps,
        },
        Case {
            name: "protection/unenforced-is-unchecked",
            rule: "While protection is not enforced, blits take resources of both kinds, and both can be mapped.",
            source: "D19",
            requirement: Requirement::Decision,
            run: unenforced_is_unchecked,
        },
        Case {
            name: "protection/overlay-flag-alone",
            rule: "OverlayOrFullscreenRequired without ProtectionEnabled enforces nothing on blits and mappings.",
            source: "D19",
            requirement: Requirement::Decision,
            run: overlay_flag_alone,
        },
        Case {
            name: "protection/off-again",
            rule: "When the channel takes ProtectionEnabled back, protection is enforced no more.",
            source: "D19",
            requirement: Requirement::Decision,
            run: off_again,
        },
        Case {
            name: "protection/last-channel-counts",
            rule: "Protection is enforced as long as any channel has it enabled.",
            source: "D19",
            requirement: Requirement::Decision,
            run: last_channel_counts,
        },
        Case {
            name: "protection/ends-with-the-channel",
            rule: "Protection that a channel has enabled ends with the channel.",
            source: "D19",
            requirement: Requirement::Decision,
            run: ends_with_the_channel,
        },
        Case {
            name: "protection/protected-path",
            rule: "Content goes through protected resources: deciphered into one, read back encrypted from it.",
            source: "D19",
            requirement: Requirement::Decision,
            run: protected_path,
        },
        Case {
            name: "protection/always-on",
            rule: "With PROTECTION_ALWAYS_ON, protection is enforced before any channel exists, and no channel ends it.",
            source: "D19",
            requirement: Requirement::Decision,
            run: always_on,
        },
        Case {
            name: "protection/budget",
            rule: "Creating protected resources past ProtectedMemorySize is E_OUTOFMEMORY, and destroying them gives it back.",
            source: "D24",
            requirement: Requirement::Decision,
            run: budget,
        },
        Case {
            name: "protection/budget-is-for-protected",
            rule: "Unprotected resources take nothing of ProtectedMemorySize.",
            source: "D24",
            requirement: Requirement::Decision,
            run: budget_is_for_protected,
        },
    ],
};

fn buffer() -> ResourceDesc {
    ResourceDesc::buffer(LEN)
}

/// A device with protection that can be switched, and a channel that has switched it on.
fn enforced(ctx: &Context<'_>, bits: u32) -> CaseResult<(Device, KeyedChannel)> {
    let device = ctx.device()?;
    ctx.require_clear(&device, bits)?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(ENABLED)?;
    Ok((device, channel))
}

/// A `DecryptionBlt` of random bytes to `destination`.
fn decrypt_to(ctx: &Context<'_>, session: &KeyedSession, destination: &Resource) -> CaseResult<Reply> {
    let device = session.session.device();
    let source = ctx.resource(device, &buffer(), &ctx.random_bytes(LEN))?;
    Blit { iv: ctx.next_iv(), ..Blit::default() }.call(device, session.handle(), &source, destination)
}

/// Fails unless `device` enforces protection, or unless it does not. A mapping or a blit that is refused will do: whether
/// both are is the matter of other cases.
fn check_enforced(ctx: &Context<'_>, what: &str, device: &Device, expected: bool) -> CaseResult {
    let mut refused = device.create_resource(&buffer().protected())?.map_read().is_err();
    if ctx.caps(device)?.contains(DECRYPTION) {
        let session = ctx.keyed_session(device)?;
        refused |= !decrypt_to(ctx, &session, &device.create_resource(&buffer())?)?.reports.is_empty();
    }
    let text = |enforced| if enforced { "protection is enforced" } else { "protection is not enforced" };
    check(refused == expected, format!("{what}: {}", text(expected)), || text(refused).to_owned())
}

fn destination_must_be_protected(ctx: &Context<'_>) -> CaseResult {
    let (device, _channel) = enforced(ctx, DECRYPTION)?;
    let session = ctx.keyed_session(&device)?;
    let reply = decrypt_to(ctx, &session, &filled(&device, &buffer())?)?;
    check_reported("DecryptionBlt to an unprotected destination", &reply)
}

fn destination_of_every_blit(ctx: &Context<'_>) -> CaseResult {
    let (device, _channel) = enforced(ctx, DECRYPTION)?;
    let (session, caps) = (ctx.keyed_session(&device)?, ctx.caps(&device)?);
    let wrapped: [u8; 16] = ctx.random();
    let pattern = EncryptedBlockInfo { at_beginning: 0, skip: 0, encrypt: 0 };
    for (what, bits, info, content_key) in [
        ("under the session key", 0, None, None),
        ("under a content key", CONTENT_KEY, None, Some(&wrapped[..])),
        ("with runs", PARTIAL, Some(pattern), None),
        ("with runs and a content key", PARTIAL | CONTENT_KEY, Some(pattern), Some(&wrapped[..])),
    ] {
        if !caps.contains(bits) {
            continue;
        }
        let (source, other) = (filled(&device, &buffer())?, filled(&device, &buffer())?);
        for (place, destination) in [("another resource", &other), ("its source", &source)] {
            let blit = Blit { iv: ctx.next_iv(), info, content_key };
            let reply = blit.call(&device, session.handle(), &source, destination)?;
            check_reported(&format!("DecryptionBlt {what} to {place}, which is not protected"), &reply)?;
        }
    }
    Ok(())
}

fn source_must_be_protected(ctx: &Context<'_>) -> CaseResult {
    let (device, _channel) = enforced(ctx, READ_BACK)?;
    let mut session = ctx.keyed_session(&device)?;
    session.new_read_back_key(&ctx.caps(&device)?)?;
    let (source, destination) = (filled(&device, &buffer())?, filled(&device, &buffer())?);
    let reply = encryption_blt(session.handle(), (&source, &destination), &mut [FILL; 16])?;
    check_reported("EncryptionBlt from an unprotected source", &reply)
}

fn refused_destination_kept(ctx: &Context<'_>) -> CaseResult {
    let (device, _channel) = enforced(ctx, DECRYPTION)?;
    let session = ctx.keyed_session(&device)?;
    let mut destination = filled(&device, &buffer())?;
    if decrypt_to(ctx, &session, &destination)?.reports.is_empty() {
        return Err(Stop::skipped("the driver does not refuse the destination"));
    }
    check_bytes("the destination", &[FILL; LEN], &read(&mut destination)?)
}

fn map_refused(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_clear(&device, 0)?;
    let mut before = device.create_resource(&buffer().protected())?;
    before.map_read()?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(ENABLED)?;
    let mut since = device.create_resource(&buffer().protected())?;
    for (resource, when) in [(&mut before, "before"), (&mut since, "after")] {
        for (access, mapped) in [
            ("reading", resource.map_read().map(drop)),
            ("writing", resource.map_write().map(drop)),
            ("both", resource.map_read_write().map(drop)),
        ] {
            let expected = format!("a protected resource made {when} the command, that cannot be mapped for {access}");
            check(mapped.is_err(), expected, || "it is mapped".to_owned())?;
        }
    }
    Ok(())
}

fn unprotected_maps(ctx: &Context<'_>) -> CaseResult {
    let (device, _channel) = enforced(ctx, 0)?;
    let mut resource = device.create_resource(&buffer())?;
    resource.map_read()?;
    resource.map_write()?;
    Ok(())
}

/// Fails unless `DecryptionBlt` takes both kinds and shows what it did.
fn check_unchecked(ctx: &Context<'_>, device: &Device) -> CaseResult {
    let session = ctx.keyed_session(device)?;
    for desc in [buffer(), buffer().protected()] {
        let (data, blit) = (ctx.random_bytes(LEN), Blit { iv: ctx.next_iv(), ..Blit::default() });
        let (reply, bytes) = session.blit(ctx, &blit, (&buffer(), &data), &desc)?;
        reply.into_result()?;
        let what = if desc.protected { "a protected destination" } else { "an unprotected destination" };
        check_bytes(what, &ctr::apply(&session.key, &blit.iv, None, &data), &bytes)?;
    }
    Ok(())
}

fn unenforced_is_unchecked(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let caps = ctx.require_clear(&device, DECRYPTION)?;
    check_unchecked(ctx, &device)?;
    if caps.contains(READ_BACK) {
        let mut session = ctx.keyed_session(&device)?;
        session.new_read_back_key(&caps)?;
        for desc in [buffer(), buffer().protected()] {
            let (source, destination) = (filled(&device, &desc)?, filled(&device, &buffer())?);
            encryption_blt(session.handle(), (&source, &destination), &mut [FILL; 16])?.into_result()?;
        }
    }
    Ok(())
}

fn overlay_flag_alone(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_clear(&device, DECRYPTION)?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(OVERLAY)?;
    check_unchecked(ctx, &device)
}

fn off_again(ctx: &Context<'_>) -> CaseResult {
    let (device, mut channel) = enforced(ctx, DECRYPTION)?;
    check_enforced(ctx, "switched on", &device, true)?;
    channel.protect(0)?;
    check_enforced(ctx, "switched off", &device, false)?;
    check_unchecked(ctx, &device)?;
    channel.protect(ENABLED | OVERLAY)?;
    check_enforced(ctx, "switched on again", &device, true)
}

fn last_channel_counts(ctx: &Context<'_>) -> CaseResult {
    let (device, mut first) = enforced(ctx, 0)?;
    let mut second = ctx.open_channel(&device)?;
    second.protect(ENABLED)?;
    first.protect(0)?;
    check_enforced(ctx, "two channels, switched off by the first", &device, true)?;
    first.protect(ENABLED)?;
    second.protect(0)?;
    check_enforced(ctx, "two channels, switched off by the second", &device, true)?;
    first.protect(0)?;
    check_enforced(ctx, "switched off by both", &device, false)
}

fn ends_with_the_channel(ctx: &Context<'_>) -> CaseResult {
    let (device, first) = enforced(ctx, 0)?;
    let mut second = ctx.open_channel(&device)?;
    second.protect(ENABLED)?;
    drop(first);
    check_enforced(ctx, "one of two channels destroyed", &device, true)?;
    drop(second);
    check_enforced(ctx, "both channels destroyed", &device, false)
}

/// Fails unless content comes out encrypted as it went in.
fn check_path(ctx: &Context<'_>, device: &Device) -> CaseResult {
    let mut session = ctx.keyed_session(device)?;
    let key = session.new_read_back_key(&ctx.caps(device)?)?;
    let (data, blit) = (ctx.random_bytes(LEN), Blit { iv: ctx.next_iv(), ..Blit::default() });
    let source = ctx.resource(device, &buffer(), &data)?;
    let protected = device.create_resource(&buffer().protected())?;
    blit.call(device, session.handle(), &source, &protected)?.into_result()?;
    let (mut destination, mut iv) = (filled(device, &buffer())?, [FILL; 16]);
    encryption_blt(session.handle(), (&protected, &destination), &mut iv)?.into_result()?;
    let clear = ctr::apply(&session.key, &blit.iv, None, &data);
    check_bytes("clear bytes, read back and deciphered", &clear, &ctr::apply(&key, &iv, None, &read(&mut destination)?))
}

fn protected_path(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let caps = ctx.require(&device, DECRYPTION | READ_BACK)?;
    if caps.contains(ALWAYS_ON) {
        return check_path(ctx, &device);
    }
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(ENABLED)?;
    check_path(ctx, &device)
}

fn always_on(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, ALWAYS_ON | DECRYPTION)?;
    let mut protected = device.create_resource(&buffer().protected())?;
    check(protected.map_read().is_err(), "a protected resource that cannot be mapped", || "it is mapped".to_owned())?;
    let session = ctx.keyed_session(&device)?;
    let reply = decrypt_to(ctx, &session, &filled(&device, &buffer())?)?;
    check_reported("DecryptionBlt to an unprotected destination", &reply)?;
    let mut channel = ctx.open_channel(&device)?;
    channel.protect(ENABLED)?;
    channel.protect(0)?;
    check_enforced(ctx, "switched off by a channel", &device, true)
}

/// The driver with a small budget.
fn with_budget(ctx: &Context<'_>) -> CaseResult<(Driver, Device)> {
    let option = format!("memory.protected={BUDGET}");
    let driver = ctx.driver_with(&option)?;
    let device = ctx.device_of(&driver)?;
    let size = ctx.caps(&device)?.protected_memory_size;
    if size != BUDGET as u64 {
        let reason = format!("with the option {option} the driver reports a ProtectedMemorySize of {size}");
        return Err(Stop::skipped(reason));
    }
    Ok((driver, device))
}

/// A piece of protected memory; none when the driver says that there is no more.
fn piece(device: &Device) -> CaseResult<Option<Resource>> {
    match device.create_resource(&ResourceDesc::buffer(PIECE).protected()) {
        Ok(resource) => Ok(Some(resource)),
        Err(Error::Driver(error)) => {
            let call = "creating a protected resource past the budget";
            check_hresult(call, HResult(E_OUTOFMEMORY), error.hresult).map(|()| None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Pieces until there are no more, at most one more than there can be.
fn take_all(device: &Device) -> CaseResult<Vec<Resource>> {
    let mut pieces = Vec::new();
    while pieces.len() <= BUDGET / PIECE {
        let Some(resource) = piece(device)? else { break };
        pieces.push(resource);
    }
    let most = BUDGET / PIECE;
    // A driver may need some of it for itself, but not most.
    check((most / 2..=most).contains(&pieces.len()), format!("at most {most} resources of {PIECE} bytes"), || {
        format!("{} of them", pieces.len())
    })?;
    Ok(pieces)
}

fn budget(ctx: &Context<'_>) -> CaseResult {
    let (driver, device) = with_budget(ctx)?;
    let mut pieces = take_all(&device)?;
    ctx.note(format!("{} resources of {PIECE} bytes with a budget of {BUDGET}", pieces.len()));
    let other = ctx.device_of(&driver)?;
    for round in 1..=2 {
        pieces.pop();
        let new = piece(&device)?;
        check(new.is_some(), format!("round {round}: a resource in the place of a destroyed one"), || {
            "E_OUTOFMEMORY".to_owned()
        })?;
        pieces.extend(new);
        check(piece(&device)?.is_none(), format!("round {round}: no second one"), || "a second one".to_owned())?;
    }
    let count = pieces.len();
    drop(pieces);
    let again = take_all(&other)?.len();
    check(again == count, format!("{count} resources again when all are destroyed"), || again.to_string())
}

fn budget_is_for_protected(ctx: &Context<'_>) -> CaseResult {
    let (_driver, device) = with_budget(ctx)?;
    let unprotected = device.create_resource(&ResourceDesc::buffer(2 * BUDGET))?;
    let pieces = take_all(&device)?;
    device.create_resource(&ResourceDesc::buffer(PIECE))?;
    drop((unprotected, pieces));
    Ok(())
}
