//! Padding, which is nobody's.

use softcp_runtime::{Device, Resource, ResourceDesc};

use super::{deciphering, pitched, planar, reading_back, visible_bytes};
use crate::case::{CaseResult, Stop, check_bytes};
use crate::context::Context;
use crate::oracle::ctr;
use crate::rig::{Blit, FILL, encryption_blt, filled, read};

/// Surfaces with padding behind their rows.
fn surfaces() -> [ResourceDesc; 5] {
    let [two_planes, three_planes] = planar(Some(8));
    [pitched(60, 5, 64), pitched(16, 4, 48), pitched(7, 4, 8), two_planes, three_planes]
}

/// Writes the padding of a resource; returns what lies there then. A driver whose resources have none, or lose it from one
/// mapping to the next, skips the case.
fn pad(ctx: &Context<'_>, resource: &mut Resource) -> CaseResult<Vec<u8>> {
    let mut written = Vec::new();
    let mut mapping = resource.map_read_write()?;
    for row in 0..mapping.rows() {
        let padding = mapping.padding_mut(row);
        padding.copy_from_slice(&ctx.random_bytes(padding.len()));
        written.extend_from_slice(padding);
    }
    drop(mapping);
    if written.is_empty() {
        return Err(Stop::skipped("the driver's resources have no padding"));
    }
    if padding(resource)? != written {
        return Err(Stop::skipped("padding that was written is another one in the next mapping"));
    }
    Ok(written)
}

fn padding(resource: &mut Resource) -> CaseResult<Vec<u8>> {
    let mapping = resource.map_read()?;
    Ok((0..mapping.rows()).flat_map(|row| mapping.padding(row)).copied().collect())
}

/// A source that holds `data`, and an empty destination.
fn resources(ctx: &Context<'_>, device: &Device, desc: &ResourceDesc, data: &[u8]) -> CaseResult<(Resource, Resource)> {
    Ok((ctx.resource(device, desc, data)?, filled(device, desc)?))
}

fn describe(desc: &ResourceDesc) -> String {
    format!("rows of {} bytes at a pitch of {}", desc.plane.row_bytes, desc.plane.row_pitch)
}

pub(super) fn not_written(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, 0)?;
    for desc in &surfaces() {
        let (source, mut destination) = resources(ctx, &device, desc, &ctx.random_bytes(visible_bytes(desc)))?;
        let written = pad(ctx, &mut destination)?;
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        blit.call(&device, session.handle(), &source, &destination)?.into_result()?;
        check_bytes(&format!("the padding of {}", describe(desc)), &written, &padding(&mut destination)?)?;
    }
    Ok(())
}

pub(super) fn source_not_written(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, 0)?;
    for desc in &surfaces() {
        let (mut source, destination) = resources(ctx, &device, desc, &ctx.random_bytes(visible_bytes(desc)))?;
        let written = pad(ctx, &mut source)?;
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        blit.call(&device, session.handle(), &source, &destination)?.into_result()?;
        check_bytes(&format!("the padding of {}", describe(desc)), &written, &padding(&mut source)?)?;
    }
    Ok(())
}

/// Two paddings, one ciphertext.
pub(super) fn not_read(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = deciphering(ctx, 0)?;
    for desc in &surfaces() {
        let data = ctx.random_bytes(visible_bytes(desc));
        for number in 1..=2 {
            let (mut source, mut destination) = resources(ctx, &device, desc, &data)?;
            pad(ctx, &mut source)?;
            let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
            blit.call(&device, session.handle(), &source, &destination)?.into_result()?;
            let what = format!("clear bytes of {} with padding {number}", describe(desc));
            let expected = ctr::apply(&session.key, &blit.iv, None, &data);
            check_bytes(&what, &expected, &read(&mut destination)?)?;
        }
    }
    Ok(())
}

pub(super) fn read_back_not_written(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = reading_back(ctx)?;
    for desc in &surfaces() {
        let (source, mut destination) = resources(ctx, &device, desc, &ctx.random_bytes(visible_bytes(desc)))?;
        let written = pad(ctx, &mut destination)?;
        encryption_blt(session.handle(), (&source, &destination), &mut [FILL; 16])?.into_result()?;
        check_bytes(&format!("the padding of {}", describe(desc)), &written, &padding(&mut destination)?)?;
    }
    Ok(())
}

pub(super) fn read_back_not_read(ctx: &Context<'_>) -> CaseResult {
    let (device, session, key) = reading_back(ctx)?;
    for desc in &surfaces() {
        let data = ctx.random_bytes(visible_bytes(desc));
        for number in 1..=2 {
            let (mut source, mut destination) = resources(ctx, &device, desc, &data)?;
            pad(ctx, &mut source)?;
            let mut iv = [FILL; 16];
            encryption_blt(session.handle(), (&source, &destination), &mut iv)?.into_result()?;
            let what = format!("encrypted bytes of {} with padding {number}", describe(desc));
            check_bytes(&what, &ctr::apply(&key, &iv, None, &data), &read(&mut destination)?)?;
        }
    }
    Ok(())
}
