//! Calls that must fail, and what they leave.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION as PARTIAL, D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    D3DERR_INVALIDCALL,
};
use softcp_runtime::{
    ContentProtectionCaps, Device, HResult, Input, PlaneDesc, Reply, Resource, ResourceDesc, ResourceHandle,
    SessionHandle,
};

use super::{check_blit, keyed};
use crate::case::{CaseResult, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::rig::{Blit, FILL, KeyedSession, check_reported, filled, read};

/// `DXGI_FORMAT_R8G8B8A8_UNORM` and `DXGI_FORMAT_B8G8R8A8_UNORM`.
const FORMATS: [u32; 2] = [28, 87];

/// The raw call with an IV of any size.
fn call(
    device: &Device,
    session: SessionHandle<'_>,
    (source, destination): (ResourceHandle<'_>, ResourceHandle<'_>),
    content_key: Option<&[u8]>,
    iv: Input<'_>,
) -> CaseResult<Reply> {
    let content_key = content_key.map_or(Input::Null { size: 0 }, Input::Bytes);
    Ok(device.calls().decryption_blt(session, source, destination, None, content_key, iv)?)
}

fn buffers(ctx: &Context<'_>, device: &Device, from: usize, to: usize) -> CaseResult<(Resource, Resource)> {
    let source = ctx.resource(device, &ResourceDesc::buffer(from), &ctx.random_bytes(from))?;
    Ok((source, filled(device, &ResourceDesc::buffer(to))?))
}

/// A call that must fail, how it went, and what was in its destination then.
struct Attempt {
    what: &'static str,
    reply: Reply,
    bytes: Vec<u8>,
}

/// Calls that must fail in different ways; whether they do is the matter of other cases.
fn attempts(
    ctx: &Context<'_>,
    device: &Device,
    session: &KeyedSession,
    caps: &ContentProtectionCaps,
) -> CaseResult<Vec<Attempt>> {
    let (unkeyed, iv, blob) = (ctx.session(device)?, [ctx.next_iv(), ctx.next_iv()].concat(), ctx.random_bytes(15));
    let handle = session.handle();
    let mut kinds = vec![
        ("before a key exchange", unkeyed.handle(), 48, None, 16),
        ("an IV of 15 bytes", handle, 48, None, 15),
        ("an IV of 8 bytes", handle, 48, None, 8),
        ("a destination that is larger", handle, 64, None, 16),
        ("a destination that is smaller", handle, 32, None, 16),
    ];
    if caps.contains(CONTENT_KEY) {
        kinds.push(("a content key of 15 bytes", handle, 48, Some(&*blob), 16));
    }
    let attempt = |(what, session, to, content_key, iv_size): (_, _, _, _, usize)| {
        let (source, mut destination) = buffers(ctx, device, 48, to)?;
        let iv = Input::Bytes(&iv[..iv_size]);
        let reply = call(device, session, (source.handle(), destination.handle()), content_key, iv)?;
        Ok(Attempt { what, reply, bytes: read(&mut destination)? })
    };
    kinds.into_iter().map(attempt).collect()
}

pub(super) fn before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require_clear(&device, DECRYPTION)?;
    let session = ctx.session(&device)?;
    let (source, destination) = buffers(ctx, &device, 48, 48)?;
    let reply = Blit { iv: ctx.next_iv(), ..Blit::default() }.call(&device, session.handle(), &source, &destination)?;
    check_hresult("DecryptionBlt before a key exchange", HResult(D3DERR_INVALIDCALL), reply.hresult())
}

pub(super) fn destination_kept(ctx: &Context<'_>) -> CaseResult {
    let (device, session, caps) = keyed(ctx, 0)?;
    for Attempt { what, reply, bytes } in attempts(ctx, &device, &session, &caps)? {
        let kept = reply.reports.is_empty() || bytes.iter().all(|&byte| byte == FILL);
        check(kept, format!("{what}: a destination that keeps its bytes"), || format!("{bytes:02x?}"))?;
    }
    Ok(())
}

pub(super) fn one_report(ctx: &Context<'_>) -> CaseResult {
    let (device, session, caps) = keyed(ctx, 0)?;
    for Attempt { what, reply, .. } in attempts(ctx, &device, &session, &caps)? {
        let reports = reply.reports.len();
        check(reports <= 1, format!("{what}: one call of the error callback"), || reports.to_string())?;
    }
    Ok(())
}

pub(super) fn usable_after_failure(ctx: &Context<'_>) -> CaseResult {
    let (device, session, caps) = keyed(ctx, 0)?;
    attempts(ctx, &device, &session, &caps)?;
    let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
    check_blit(ctx, "clear bytes behind calls that failed", &session, &session.key, &blit, 48)
}

/// A surface of two planes.
fn planes(row_bytes: usize, rows: usize, second_row_bytes: usize, second_rows: usize) -> ResourceDesc {
    let second = PlaneDesc { row_bytes: second_row_bytes, rows: second_rows, row_pitch: 0 };
    ResourceDesc { extra_planes: [Some(second), None], ..ResourceDesc::surface(row_bytes, rows) }
}

/// Other sizes, and other shapes of the same number of bytes.
pub(super) fn sizes_differ(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    let (buffer, surface) = (ResourceDesc::buffer, ResourceDesc::surface);
    for (from, to, what) in [
        (buffer(48), buffer(49), "a destination that is one byte larger"),
        (buffer(48), buffer(32), "a destination that is smaller"),
        (surface(16, 4), surface(16, 5), "a destination with one row more"),
        (surface(16, 4), surface(16, 3), "a destination with one row less"),
        (surface(16, 4), surface(20, 4), "a destination with longer rows"),
        (surface(16, 4), surface(32, 2), "a destination of the same number of bytes in other rows"),
        (planes(16, 4, 16, 2), planes(16, 4, 32, 1), "a destination whose second plane has other rows"),
        (planes(16, 4, 16, 2), planes(16, 2, 16, 4), "a destination with its planes the other way round"),
        (planes(16, 4, 16, 2), surface(16, 6), "a destination of the same number of bytes in one plane"),
    ] {
        let bytes = |plane: PlaneDesc| plane.row_bytes * plane.rows;
        let data =
            ctx.random_bytes(bytes(from.plane) + from.extra_planes.into_iter().flatten().map(bytes).sum::<usize>());
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        let (reply, _) = session.blit(ctx, &blit, (&from, &data), &to)?;
        check_reported(&format!("DecryptionBlt to {what}"), &reply)?;
    }
    Ok(())
}

pub(super) fn formats_differ(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let [from, to] = FORMATS.map(|format| ResourceDesc { format, ..ResourceDesc::surface(64, 4) });
    let mut source = ctx.resource(&device, &from, &ctx.random_bytes(256))?;
    let mut destination = filled(&device, &to)?;
    let formats = [source.map_read()?.format(), destination.map_read()?.format()];
    if formats != FORMATS {
        return Err(Stop::skipped(format!("resources of formats {FORMATS:?} have formats {formats:?}")));
    }
    let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
    let reply = blit.call(&device, session.handle(), &source, &destination)?;
    check_reported("DecryptionBlt from R8G8B8A8 to B8G8R8A8", &reply)
}

pub(super) fn wrong_iv_size(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let iv = [ctx.next_iv(), ctx.next_iv()].concat();
    for size in [0, 1, 8, 15, 17, 32] {
        let (source, destination) = buffers(ctx, &device, 48, 48)?;
        let resources = (source.handle(), destination.handle());
        let reply = call(&device, session.handle(), resources, None, Input::Bytes(&iv[..size]))?;
        check_reported(&format!("DecryptionBlt with an IV of {size} bytes"), &reply)?;
    }
    Ok(())
}

pub(super) fn null_iv(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    for size in [0, 16] {
        let (source, destination) = buffers(ctx, &device, 48, 48)?;
        let resources = (source.handle(), destination.handle());
        let reply = call(&device, session.handle(), resources, None, Input::Null { size })?;
        check_reported(&format!("DecryptionBlt with a null IV of size {size}"), &reply)?;
    }
    Ok(())
}

pub(super) fn clear_bytes_need_no_iv(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, PARTIAL)?;
    for (size, skip) in [(0, 0), (16, 0), (0, 4096)] {
        let data = ctx.random_bytes(48);
        let source = ctx.resource(&device, &ResourceDesc::buffer(48), &data)?;
        let mut destination = filled(&device, &ResourceDesc::buffer(48))?;
        let mut info = D3D11_1DDI_ENCRYPTED_BLOCK_INFO {
            NumEncryptedBytesAtBeginning: 0,
            NumBytesInSkipPattern: skip,
            NumBytesInEncryptPattern: 0,
        };
        let (from, to) = (source.handle(), destination.handle());
        let (calls, none) = (device.calls(), Input::Null { size: 0 });
        let reply = calls.decryption_blt(session.handle(), from, to, Some(&mut info), none, Input::Null { size })?;
        reply.into_result()?;
        check_bytes("bytes that were clear", &data, &read(&mut destination)?)?;
    }
    Ok(())
}

pub(super) fn null_resources(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let (source, destination) = buffers(ctx, &device, 48, 48)?;
    for (resources, what) in [
        ((ResourceHandle::NULL, destination.handle()), "a null source"),
        ((source.handle(), ResourceHandle::NULL), "a null destination"),
    ] {
        let reply = call(&device, session.handle(), resources, None, Input::Bytes(&ctx.next_iv()))?;
        check_reported(&format!("DecryptionBlt with {what}"), &reply)?;
    }
    Ok(())
}

pub(super) fn multisampled_destination(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let desc = ResourceDesc::surface(64, 4);
    let made = device.create_resource(&ResourceDesc { multisampled: true, ..desc });
    let destination = made.map_err(|error| Stop::skipped(format!("the driver makes no multisampled ones: {error}")))?;
    let source = ctx.resource(&device, &desc, &ctx.random_bytes(256))?;
    let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
    let reply = blit.call(&device, session.handle(), &source, &destination)?;
    check_reported("DecryptionBlt to a multisampled destination", &reply)
}
