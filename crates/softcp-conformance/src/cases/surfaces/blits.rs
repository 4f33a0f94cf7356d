//! Which bytes `DecryptionBlt` deciphers.

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION as PARTIAL;
use softcp_runtime::{EncryptedBlockInfo, ResourceDesc};

use super::{deciphering, pitched, planar, visible_bytes};
use crate::case::{CaseResult, Stop, check_bytes};
use crate::context::Context;
use crate::oracle::ctr;
use crate::rig::{Blit, KeyedSession, filled, read};

/// Fails unless a blit from one surface to another is right.
fn check_blit(
    ctx: &Context<'_>,
    what: &str,
    session: &KeyedSession,
    info: Option<EncryptedBlockInfo>,
    [from, to]: [&ResourceDesc; 2],
) -> CaseResult {
    let (data, blit) = (ctx.random_bytes(visible_bytes(from)), Blit { iv: ctx.next_iv(), info, content_key: None });
    let (reply, bytes) = session.blit(ctx, &blit, (from, &data), to)?;
    reply.into_result()?;
    check_bytes(what, &ctr::apply(&session.key, &blit.iv, info, &data), &bytes)
}

pub(super) fn rows_go_on(ctx: &Context<'_>) -> CaseResult {
    let (_device, session) = deciphering(ctx, 0)?;
    for (row_bytes, rows) in [(24, 5), (16, 4), (64, 3), (100, 7)] {
        let desc = ResourceDesc::surface(row_bytes, rows);
        let what = format!("clear bytes of {rows} rows of {row_bytes}");
        check_blit(ctx, &what, &session, None, [&desc, &desc])?;
    }
    Ok(())
}

pub(super) fn odd_widths(ctx: &Context<'_>) -> CaseResult {
    let (_device, session) = deciphering(ctx, 0)?;
    for row_bytes in (1..=40).chain([63, 65, 127, 129]) {
        let desc = ResourceDesc::surface(row_bytes, 4);
        check_blit(ctx, &format!("clear bytes of 4 rows of {row_bytes}"), &session, None, [&desc, &desc])?;
    }
    Ok(())
}

pub(super) fn pitches_differ(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, 0)?;
    for [from, to] in [[256, 64], [64, 256], [60, 128], [128, 60], [61, 77]] {
        let descs = [from, to].map(|row_pitch| pitched(60, 5, row_pitch));
        let seen =
            [filled(&device, &descs[0])?.map_read()?.row_pitch(), filled(&device, &descs[1])?.map_read()?.row_pitch()];
        if seen[0] == seen[1] {
            let reason = format!("resources with pitches of {from} and {to} bytes both have one of {}", seen[0]);
            return Err(Stop::skipped(reason));
        }
        let what = format!("clear bytes from a pitch of {} to one of {}", seen[0], seen[1]);
        check_blit(ctx, &what, &session, None, descs.each_ref())?;
    }
    Ok(())
}

pub(super) fn planes_in_order(ctx: &Context<'_>) -> CaseResult {
    let (_device, session) = deciphering(ctx, 0)?;
    for desc in planar(None) {
        let planes = 1 + desc.extra_planes.iter().flatten().count();
        check_blit(ctx, &format!("clear bytes of {planes} planes"), &session, None, [&desc, &desc])?;
    }
    Ok(())
}

/// Runs of whole blocks, which are a multiple of every usual alignment, and end within rows.
pub(super) fn pattern_over_rows(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, PARTIAL)?;
    let unit = ctx.caps(&device)?.block_alignment_size.max(16);
    if !unit.is_multiple_of(16) || unit > 64 {
        return Err(Stop::skipped(format!("the runs are no multiple of {unit} bytes")));
    }
    let info = Some(EncryptedBlockInfo { at_beginning: unit, skip: 2 * unit, encrypt: 3 * unit });
    let [two_planes, three_planes] = planar(None);
    for desc in [ResourceDesc::surface(40, 20), ResourceDesc::surface(13, 60), two_planes, three_planes] {
        let what = format!("clear bytes of a pattern over rows of {}", desc.plane.row_bytes);
        check_blit(ctx, &what, &session, info, [&desc, &desc])?;
    }
    Ok(())
}

/// All of each surface, and where the driver takes runs, runs that end within rows.
pub(super) fn in_place(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, 0)?;
    let caps = ctx.caps(&device)?;
    let unit = caps.block_alignment_size.max(16);
    let pattern = EncryptedBlockInfo { at_beginning: unit, skip: 2 * unit, encrypt: 3 * unit };
    let has_pattern = caps.contains(PARTIAL) && unit.is_multiple_of(16) && unit <= 64;
    let infos = if has_pattern { vec![None, Some(pattern)] } else { vec![None] };
    let [two_planes, three_planes] = planar(None);
    for desc in [ResourceDesc::surface(40, 20), pitched(60, 5, 77), two_planes, three_planes] {
        for &info in &infos {
            let (data, blit) =
                (ctx.random_bytes(visible_bytes(&desc)), Blit { iv: ctx.next_iv(), info, content_key: None });
            let mut surface = ctx.resource(&device, &desc, &data)?;
            blit.call(&device, session.handle(), &surface, &surface)?.into_result()?;
            let planes = 1 + desc.extra_planes.iter().flatten().count();
            let runs = if info.is_some() { ", in runs" } else { "" };
            let what = format!("bytes in place of {planes} planes with rows of {}{runs}", desc.plane.row_bytes);
            check_bytes(&what, &ctr::apply(&session.key, &blit.iv, info, &data), &read(&mut surface)?)?;
        }
    }
    Ok(())
}

/// 1080 rows of 1280 bytes: luma and chroma of a frame of 1280 x 720.
pub(super) fn many_rows(ctx: &Context<'_>) -> CaseResult {
    let (_device, session) = deciphering(ctx, 0)?;
    let desc = ResourceDesc::surface(1280, 1080);
    check_blit(ctx, "clear bytes of 1080 rows of 1280", &session, None, [&desc, &desc])
}

/// `DXGI_FORMAT_R8_UNORM` and `DXGI_FORMAT_B8G8R8A8_UNORM`.
const FORMATS: [u32; 2] = [61, 87];

pub(super) fn unknown_format(ctx: &Context<'_>) -> CaseResult {
    let (_device, session) = deciphering(ctx, 0)?;
    let surface = |format| ResourceDesc { format, ..ResourceDesc::surface(40, 6) };
    for format in FORMATS {
        for [from, to] in [[0, format], [format, 0], [0, 0]] {
            let what = format!("clear bytes from format {from} to format {to}");
            check_blit(ctx, &what, &session, None, [&surface(from), &surface(to)])?;
        }
    }
    Ok(())
}
