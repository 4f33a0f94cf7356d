//! What a blit does with the resources and buffers that it is given.

use std::hint::black_box;

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY;
use softcp_runtime::{Device, Resource, ResourceDesc};

use super::keyed;
use crate::case::{CaseResult, check_bytes};
use crate::context::Context;
use crate::oracle::{Block, ctr};
use crate::rig::{Blit, KeyedSession, filled, read, write};

/// Bytes of the buffers here.
const LEN: usize = 100;

fn buffer() -> ResourceDesc {
    ResourceDesc::buffer(LEN)
}

/// Deciphers what `source` holds.
fn blit(device: &Device, session: &KeyedSession, iv: Block, source: &Resource, destination: &Resource) -> CaseResult {
    let blit = Blit { iv, ..Blit::default() };
    Ok(blit.call(device, session.handle(), source, destination)?.into_result()?)
}

pub(super) fn in_place(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let (data, iv) = (ctx.random_bytes(LEN), ctx.next_iv());
    let mut resource = ctx.resource(&device, &buffer(), &data)?;
    let reply = Blit { iv, ..Blit::default() }.call(&device, session.handle(), &resource, &resource)?;
    if reply.reports.is_empty() {
        return check_bytes("clear bytes in place", &ctr::apply(&session.key, &iv, None, &data), &read(&mut resource)?);
    }
    ctx.note(format!("refused: {}", reply.hresult()));
    check_bytes("bytes behind a refused call", &data, &read(&mut resource)?)
}

pub(super) fn source_untouched(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let data = ctx.random_bytes(LEN);
    let mut source = ctx.resource(&device, &buffer(), &data)?;
    blit(&device, &session, ctx.next_iv(), &source, &filled(&device, &buffer())?)?;
    check_bytes("the source", &data, &read(&mut source)?)
}

pub(super) fn iv_untouched(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let source = ctx.resource(&device, &buffer(), &ctx.random_bytes(LEN))?;
    let destination = filled(&device, &buffer())?;
    let iv = ctx.next_iv();
    // The driver sees this very copy, and must not write it.
    let given = Box::new(Blit { iv, ..Blit::default() });
    black_box(&*given).call(&device, session.handle(), &source, &destination)?.into_result()?;
    check_bytes("the IV", &iv, &black_box(&given).iv)
}

pub(super) fn content_key_untouched(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, CONTENT_KEY)?;
    let source = ctx.resource(&device, &buffer(), &ctx.random_bytes(LEN))?;
    let destination = filled(&device, &buffer())?;
    let key: Block = ctx.random();
    let given = key.to_vec();
    let blit = Blit { iv: ctx.next_iv(), content_key: Some(black_box(&given)), ..Blit::default() };
    blit.call(&device, session.handle(), &source, &destination)?.into_result()?;
    check_bytes("the wrapped content key", &key, black_box(&given))
}

pub(super) fn protected_destination(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let source = ctx.resource(&device, &buffer(), &ctx.random_bytes(LEN))?;
    let destination = device.create_resource(&buffer().protected())?;
    blit(&device, &session, ctx.next_iv(), &source, &destination)
}

/// A driver that keeps descriptions of resources by their handles meets the same handles again here.
pub(super) fn stale_resource(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let mut source = ctx.resource(&device, &buffer(), &ctx.random_bytes(LEN))?;
    let mut destination = filled(&device, &buffer())?;
    let check = |what: &str, source: &mut Resource, destination: &mut Resource, len: usize| {
        let (data, iv) = (ctx.random_bytes(len), ctx.next_iv());
        write(source, &data)?;
        blit(&device, &session, iv, source, destination)?;
        check_bytes(what, &ctr::apply(&session.key, &iv, None, &data), &read(destination)?)
    };
    check("clear bytes of the first blit", &mut source, &mut destination, LEN)?;
    check("clear bytes behind a source that was written again", &mut source, &mut destination, LEN)?;
    for len in [3 * LEN, LEN / 2, LEN] {
        drop((source, destination));
        let desc = ResourceDesc::buffer(len);
        (source, destination) = (filled(&device, &desc)?, filled(&device, &desc)?);
        let what = format!("clear bytes of new resources of {len} bytes in the place of destroyed ones");
        check(&what, &mut source, &mut destination, len)?;
    }
    Ok(())
}

pub(super) fn sessions_share_resources(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, 0)?;
    let other = ctx.keyed_session(&device)?;
    let data = ctx.random_bytes(LEN);
    let source = ctx.resource(&device, &buffer(), &data)?;
    let mut destination = filled(&device, &buffer())?;
    for (number, session) in [&session, &other, &session, &other].into_iter().enumerate() {
        let iv = ctx.next_iv();
        blit(&device, session, iv, &source, &destination)?;
        let what = format!("clear bytes of session {}", number % 2 + 1);
        check_bytes(&what, &ctr::apply(&session.key, &iv, None, &data), &read(&mut destination)?)?;
    }
    Ok(())
}
