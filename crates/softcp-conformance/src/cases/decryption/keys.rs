//! Which key the data is under.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION as DRM, E_INVALIDARG,
};
use softcp_runtime::{HResult, ResourceDesc};

use super::{check_blit, keyed};
use crate::case::{CaseResult, check_hresult};
use crate::context::Context;
use crate::oracle::Block;
use crate::oracle::keys::{unwrap, wrap};
use crate::rig::{Blit, check_reported};

pub(super) fn session_key(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
    check_blit(ctx, "clear bytes", &session, &session.key, &blit, 48)
}

pub(super) fn content_key(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, CONTENT_KEY)?;
    let key: Block = ctx.random();
    let wrapped = wrap(&session.key, &key);
    let blit = Blit { iv: ctx.next_iv(), content_key: Some(&wrapped), ..Blit::default() };
    check_blit(ctx, "clear bytes", &session, &key, &blit, 48)
}

pub(super) fn content_key_does_not_stay(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, CONTENT_KEY)?;
    let wrapped: Block = ctx.random();
    let with = Blit { iv: ctx.next_iv(), content_key: Some(&wrapped), ..Blit::default() };
    session.decrypt(ctx, &with, &ctx.random_bytes(48))?;
    let without = Blit { iv: ctx.next_iv(), ..Blit::default() };
    check_blit(ctx, "clear bytes under the session key", &session, &session.key, &without, 48)
}

/// More than a small cache of keys holds, and each of them twice. Some differ in one byte only.
pub(super) fn content_keys_in_turn(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, CONTENT_KEY)?;
    let first: Block = ctx.random();
    let mut wrapped: Vec<Block> = (0..24).map(|_| ctx.random()).collect();
    wrapped.extend((0..16).map(|at| {
        let mut other = first;
        other[at] ^= 1;
        other
    }));
    wrapped.push(first);
    for round in 1..=2 {
        for (number, wrapped) in wrapped.iter().enumerate() {
            let blit = Blit { iv: ctx.next_iv(), content_key: Some(wrapped), ..Blit::default() };
            let what = format!("clear bytes under content key {number}, round {round}");
            check_blit(ctx, &what, &session, &unwrap(&session.key, wrapped), &blit, 20)?;
        }
    }
    Ok(())
}

pub(super) fn new_session_key(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session, _) = keyed(ctx, CONTENT_KEY)?;
    let wrapped: Block = ctx.random();
    for round in 1..=2 {
        let blit = Blit { iv: ctx.next_iv(), content_key: Some(&wrapped), ..Blit::default() };
        let what = format!("clear bytes under the wrapped content key, with session key {round}");
        check_blit(ctx, &what, &session, &unwrap(&session.key, &wrapped), &blit, 48)?;
        ctx.renegotiate(&mut session)?;
    }
    Ok(())
}

/// Blobs of other sizes are sealed keys, for drivers that have them (D28); what they say about bytes that are none is theirs.
pub(super) fn content_key_size(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, caps) = keyed(ctx, CONTENT_KEY)?;
    let (desc, blob) = (ResourceDesc::buffer(48), ctx.random_bytes(48));
    for size in [0, 1, 8, 15, 17, 24, 32, 48] {
        let blit = Blit { iv: ctx.next_iv(), content_key: Some(&blob[..size]), ..Blit::default() };
        let (reply, _) = session.blit(ctx, &blit, (&desc, &ctx.random_bytes(48)), &desc)?;
        let call = format!("DecryptionBlt with a content key of {size} bytes");
        check_reported(&call, &reply)?;
        if !caps.contains(DRM) {
            check_hresult(&call, HResult(E_INVALIDARG), reply.hresult())?;
        }
    }
    Ok(())
}
