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
    let [two_planes, three_planes] = planar(None);
    let surface = ResourceDesc::surface;
    for desc in [surface(24, 5), surface(13, 9), surface(64, 3), two_planes, three_planes] {
        let what = format!("encrypted bytes of rows of {}", desc.plane.row_bytes);
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
