//! Calls that must fail, and what they leave.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY, D3DERR_INVALIDCALL, E_INVALIDARG,
};
use softcp_runtime::{Device, HResult, Output, Reply, Resource, ResourceDesc, SessionHandle};

use super::{Rig, check_read_back};
use crate::case::{CaseResult, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::rig::{FILL, check_reported, encryption_blt, filled, read};

const INVALID_CALL: HResult = HResult(D3DERR_INVALIDCALL);

fn buffers(ctx: &Context<'_>, device: &Device, from: usize, to: usize) -> CaseResult<(Resource, Resource)> {
    let source = ctx.resource(device, &ResourceDesc::buffer(from), &ctx.random_bytes(from))?;
    Ok((source, filled(device, &ResourceDesc::buffer(to))?))
}

/// The raw call of `GetEncryptionBltKey` with a buffer of any size.
fn get_key(device: &Device, session: SessionHandle<'_>, key: &mut [u8]) -> CaseResult<Reply> {
    Ok(device.calls().get_encryption_blt_key(session, Output::Bytes(key))?)
}

/// A call that must fail, how it went, and what was in its buffers then.
struct Attempt {
    what: &'static str,
    reply: Reply,
    iv: [u8; 32],
    bytes: Vec<u8>,
}

/// Calls that must fail in different ways; whether they do is the matter of other cases.
fn attempts(ctx: &Context<'_>) -> CaseResult<Vec<Attempt>> {
    let mut rig = Rig::new(ctx, 0)?;
    let without_key = ctx.keyed_session(&rig.device)?;
    rig.new_key()?;
    let unkeyed = ctx.session(&rig.device)?;
    let handle = rig.session.handle();
    let mut kinds = vec![
        ("before a key exchange", unkeyed.handle(), 48, 16),
        ("an IV buffer of 15 bytes", handle, 48, 15),
        ("an IV buffer of 8 bytes", handle, 48, 8),
        ("an IV buffer of 32 bytes", handle, 48, 32),
        ("a destination that is larger", handle, 64, 16),
        ("a destination that is smaller", handle, 32, 16),
    ];
    if rig.caps.contains(READ_BACK_KEY) {
        kinds.push(("before GetEncryptionBltKey", without_key.handle(), 48, 16));
    }
    let attempt = |(what, session, to, iv_size): (_, _, _, usize)| {
        let (source, mut destination) = buffers(ctx, &rig.device, 48, to)?;
        let mut iv = [FILL; 32];
        let reply = encryption_blt(session, (&source, &destination), &mut iv[..iv_size])?;
        Ok(Attempt { what, reply, iv, bytes: read(&mut destination)? })
    };
    kinds.into_iter().map(attempt).collect()
}

pub(super) fn iv_kept(ctx: &Context<'_>) -> CaseResult {
    for Attempt { what, reply, iv, .. } in attempts(ctx)? {
        let kept = reply.reports.is_empty() || iv == [FILL; 32];
        check(kept, format!("{what}: an IV buffer that keeps its bytes"), || format!("{iv:02x?}"))?;
    }
    Ok(())
}

pub(super) fn destination_kept(ctx: &Context<'_>) -> CaseResult {
    for Attempt { what, reply, bytes, .. } in attempts(ctx)? {
        let kept = reply.reports.is_empty() || bytes.iter().all(|&byte| byte == FILL);
        check(kept, format!("{what}: a destination that keeps its bytes"), || format!("{bytes:02x?}"))?;
    }
    Ok(())
}

pub(super) fn one_report(ctx: &Context<'_>) -> CaseResult {
    for Attempt { what, reply, .. } in attempts(ctx)? {
        let reports = reply.reports.len();
        check(reports <= 1, format!("{what}: one call of the error callback"), || reports.to_string())?;
    }
    Ok(())
}

pub(super) fn key_one_report(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    let (session, unkeyed, mut memory) = (ctx.keyed_session(&device)?, ctx.session(&device)?, [FILL; 16]);
    for (what, reply) in [
        ("a buffer of 15 bytes", get_key(&device, session.handle(), &mut memory[..15])?),
        ("a session without a key", get_key(&device, unkeyed.handle(), &mut memory)?),
    ] {
        let reports = reply.reports.len();
        let expected = format!("GetEncryptionBltKey with {what}: one call of the error callback");
        check(reports <= 1, expected, || reports.to_string())?;
    }
    Ok(())
}

pub(super) fn failed_exchange_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    let key = rig.new_key()?;
    let before = rig.next_iv(ctx)?;
    for size in [255, 256] {
        let refused = rig.session.session.negotiate(&ctx.random_bytes(size));
        check(refused.is_err(), format!("a key exchange of {size} random bytes that fails"), || "success".to_owned())?;
        check_read_back(ctx, "bytes behind it, deciphered with the key from before", &rig.session, &key, 48)?;
    }
    let after = rig.next_iv(ctx)?;
    check(after == before.wrapping_add(3), format!("IV 0x{:x}, three after the first", before.wrapping_add(3)), || {
        format!("0x{after:x}")
    })
}

pub(super) fn without_key(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, READ_BACK_KEY)?;
    let (source, destination) = buffers(ctx, &rig.device, 48, 48)?;
    let reply = encryption_blt(rig.session.handle(), (&source, &destination), &mut [FILL; 16])?;
    check_hresult("EncryptionBlt before GetEncryptionBltKey", INVALID_CALL, reply.hresult())
}

pub(super) fn before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_clear(&device, READ_BACK)?;
    let session = ctx.session(&device)?;
    let (source, destination) = buffers(ctx, &device, 48, 48)?;
    let reply = encryption_blt(session.handle(), (&source, &destination), &mut [FILL; 16])?;
    check_hresult("EncryptionBlt before a key exchange", INVALID_CALL, reply.hresult())
}

pub(super) fn key_wrong_size(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    let session = ctx.keyed_session(&device)?;
    for size in [0, 1, 8, 15, 17, 32] {
        let mut memory = [FILL; 32];
        let reply = get_key(&device, session.handle(), &mut memory[..size])?;
        let call = format!("GetEncryptionBltKey with {size} bytes");
        check_hresult(&call, HResult(E_INVALIDARG), reply.hresult())?;
        check_bytes("the buffer", &[FILL; 32], &memory)?;
    }
    Ok(())
}

pub(super) fn key_null_buffer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    let session = ctx.keyed_session(&device)?;
    for size in [0, 16] {
        let reply = device.calls().get_encryption_blt_key(session.handle(), Output::Null { size })?;
        check_reported(&format!("GetEncryptionBltKey with a null buffer of size {size}"), &reply)?;
    }
    Ok(())
}

pub(super) fn failed_key_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    let key = rig.new_key()?;
    let mut memory = [FILL; 32];
    for size in [15, 17] {
        let reply = get_key(&rig.device, rig.session.handle(), &mut memory[..size])?;
        check_reported(&format!("GetEncryptionBltKey with {size} bytes"), &reply)?;
    }
    check_read_back(ctx, "bytes, deciphered with the key of before", &rig.session, &key, 48)
}

pub(super) fn key_before_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    let (session, mut key) = (ctx.session(&device)?, [FILL; 16]);
    let reply = get_key(&device, session.handle(), &mut key)?;
    check_hresult("GetEncryptionBltKey before a key exchange", INVALID_CALL, reply.hresult())?;
    check_bytes("the buffer", &[FILL; 16], &key)
}

pub(super) fn iv_wrong_size(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    for size in [0, 1, 8, 15, 17, 32] {
        let (source, destination) = buffers(ctx, &rig.device, 48, 48)?;
        let mut memory = [FILL; 32];
        let reply = encryption_blt(rig.session.handle(), (&source, &destination), &mut memory[..size])?;
        check_reported(&format!("EncryptionBlt with an IV buffer of {size} bytes"), &reply)?;
    }
    Ok(())
}

pub(super) fn iv_null(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    for size in [0, 16] {
        let (source, destination) = buffers(ctx, &rig.device, 48, 48)?;
        let (calls, session) = (rig.device.calls(), rig.session.handle());
        let reply = calls.encryption_blt(session, source.handle(), destination.handle(), Output::Null { size })?;
        check_reported(&format!("EncryptionBlt with a null IV buffer of size {size}"), &reply)?;
    }
    Ok(())
}

pub(super) fn sizes_differ(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let (buffer, surface) = (ResourceDesc::buffer, ResourceDesc::surface);
    for (from, to, what) in [
        (buffer(48), buffer(49), "a destination that is one byte larger"),
        (buffer(48), buffer(32), "a destination that is smaller"),
        (surface(16, 4), surface(16, 5), "a destination with one row more"),
        (surface(16, 4), surface(20, 4), "a destination with longer rows"),
    ] {
        let (source, destination) = (filled(&rig.device, &from)?, filled(&rig.device, &to)?);
        let reply = encryption_blt(rig.session.handle(), (&source, &destination), &mut [FILL; 16])?;
        check_reported(&format!("EncryptionBlt to {what}"), &reply)?;
    }
    Ok(())
}

pub(super) fn multisampled_source(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let desc = ResourceDesc::surface(64, 4);
    let made = rig.device.create_resource(&ResourceDesc { multisampled: true, ..desc });
    let source = made.map_err(|error| Stop::skipped(format!("the driver makes no multisampled ones: {error}")))?;
    let destination = filled(&rig.device, &desc)?;
    let reply = encryption_blt(rig.session.handle(), (&source, &destination), &mut [FILL; 16])?;
    check_reported("EncryptionBlt from a multisampled source", &reply)
}
