//! Which bytes `EncryptionBlt` enciphers.

use softcp_runtime::{Device, ResourceDesc};

use super::{pitched, planar, reading_back, visible_bytes};
use crate::case::{CaseResult, check_bytes};
use crate::context::Context;
use crate::oracle::{Block, ctr};
use crate::rig::{FILL, KeyedSession, encryption_blt, filled, read};

/// Fails unless what `EncryptionBlt` writes deciphers to what it read.
fn check_read_back(
    ctx: &Context<'_>,
    what: &str,
    (device, session, key): (&Device, &KeyedSession, &Block),
    [from, to]: [&ResourceDesc; 2],
) -> CaseResult {
    let data = ctx.random_bytes(visible_bytes(from));
    let (source, mut destination) = (ctx.resource(device, from, &data)?, filled(device, to)?);
    let mut iv = [FILL; 16];
    encryption_blt(session.handle(), (&source, &destination), &mut iv)?.into_result()?;
    check_bytes(what, &ctr::apply(key, &iv, None, &data), &read(&mut destination)?)
}

pub(super) fn rows(ctx: &Context<'_>) -> CaseResult {
    let (device, session, key) = reading_back(ctx)?;
    for (row_bytes, rows) in [(24, 5), (13, 9), (64, 3)] {
        let desc = ResourceDesc::surface(row_bytes, rows);
        let what = format!("encrypted bytes of {rows} rows of {row_bytes}");
        check_read_back(ctx, &what, (&device, &session, &key), [&desc, &desc])?;
    }
    Ok(())
}

pub(super) fn planes(ctx: &Context<'_>) -> CaseResult {
    let (device, session, key) = reading_back(ctx)?;
    for desc in planar(None) {
        let planes = 1 + desc.extra_planes.iter().flatten().count();
        let what = format!("encrypted bytes of {planes} planes");
        check_read_back(ctx, &what, (&device, &session, &key), [&desc, &desc])?;
    }
    Ok(())
}

pub(super) fn pitches(ctx: &Context<'_>) -> CaseResult {
    let (device, session, key) = reading_back(ctx)?;
    for [from, to] in [[256, 64], [64, 256], [61, 77]] {
        let descs = [from, to].map(|row_pitch| pitched(60, 5, row_pitch));
        let what = format!("encrypted bytes from a pitch of {from} to one of {to}");
        check_read_back(ctx, &what, (&device, &session, &key), descs.each_ref())?;
    }
    Ok(())
}
