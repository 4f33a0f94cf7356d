//! The IVs of read-backs.

use std::collections::BTreeSet;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
};
use softcp_runtime::ResourceDesc;

use super::{Rig, iv_of};
use crate::case::{CaseResult, Stop, check, check_bytes};
use crate::context::Context;
use crate::rig::{Blit, FILL, encryption_blt, filled};

/// Fails unless `iv` is the one behind `last`.
fn check_next(what: &str, last: u64, iv: u64) -> CaseResult {
    let expected = last.wrapping_add(1);
    check(iv == expected, format!("{what}: an IV of {expected:#018x}"), || format!("{iv:#018x}"))
}

pub(super) fn goes_up(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let mut last = rig.next_iv(ctx)?;
    // Long enough for a carry out of the lowest byte, whatever it began with.
    for blit in 2..=300 {
        let iv = rig.next_iv(ctx)?;
        check_next(&format!("read-back {blit}"), last, iv)?;
        last = iv;
    }
    Ok(())
}

pub(super) fn per_key(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let mut other = ctx.keyed_session(&rig.device)?;
    other.new_read_back_key(&rig.caps)?;
    let mut last = [rig.next_iv(ctx)?, iv_of(ctx, &other)?];
    for _ in 0..5 {
        let iv = [rig.next_iv(ctx)?, iv_of(ctx, &other)?];
        check_next("the first session", last[0], iv[0])?;
        check_next("the second session", last[1], iv[1])?;
        last = iv;
    }
    Ok(())
}

/// A random number of 32 bits is the one behind the last one once in 2^32 times; twice in a row does not happen.
pub(super) fn new_first(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    let mut ivs = Vec::new();
    for _ in 0..3 {
        rig.new_key()?;
        ivs.push(rig.next_iv(ctx)?);
    }
    let is_random = ivs.windows(2).any(|pair| pair[1] != pair[0] && pair[1] != pair[0].wrapping_add(1));
    check(is_random, "first IVs of three keys that neither stay nor go on", || format!("{ivs:#x?}"))
}

pub(super) fn count_is_zero(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    for blit in 1..=3 {
        // More than a block, so that a driver that writes the Count it ended with is found.
        let (iv, _) = rig.session.encrypt(ctx, &[0; 48])?;
        check_bytes(&format!("the Count of read-back {blit}"), &[0; 8], &iv[8..])?;
    }
    Ok(())
}

pub(super) fn first_is_not_too_big(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    for key in 1..=8 {
        if key > 1 && !rig.caps.contains(READ_BACK_KEY) {
            ctx.renegotiate(&mut rig.session)?;
        }
        rig.new_key()?;
        let iv = rig.next_iv(ctx)?;
        check(iv < 1 << 32, format!("key {key}: a first IV of 32 bits"), || format!("{iv:#018x}"))?;
    }
    Ok(())
}

pub(super) fn failure(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    rig.new_key()?;
    let mut used = BTreeSet::from([rig.next_iv(ctx)?]);
    let source = ctx.resource(&rig.device, &ResourceDesc::buffer(48), &ctx.random_bytes(48))?;
    let smaller = filled(&rig.device, &ResourceDesc::buffer(32))?;
    for _ in 0..4 {
        encryption_blt(rig.session.handle(), (&source, &smaller), &mut [FILL; 16])?;
        let iv = rig.next_iv(ctx)?;
        check(used.insert(iv), "an IV that was not used before", || format!("{iv:#018x}"))?;
    }
    Ok(())
}

pub(super) fn refresh_keeps(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY | FRESHEN)?;
    rig.new_key()?;
    let mut last = rig.next_iv(ctx)?;
    for round in 1..=3 {
        rig.session.refresh()?;
        let iv = rig.next_iv(ctx)?;
        check_next(&format!("after refresh {round}"), last, iv)?;
        last = iv;
    }
    Ok(())
}

pub(super) fn decryption_keeps(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, DECRYPTION)?;
    rig.new_key()?;
    let mut last = rig.next_iv(ctx)?;
    for _ in 0..3 {
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        rig.session.decrypt(ctx, &blit, &ctx.random_bytes(48))?;
        let iv = rig.next_iv(ctx)?;
        check_next("behind a DecryptionBlt", last, iv)?;
        last = iv;
    }
    Ok(())
}

/// Another session key comes between, and a read-back under it.
pub(super) fn of_a_key_that_comes_back(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, 0)?;
    if rig.caps.contains(READ_BACK_KEY) {
        return Err(Stop::skipped("the driver reports ENCRYPTED_READ_BACK_KEY: read-backs have keys of its own"));
    }
    let first = rig.session.key;
    let mut used = BTreeSet::new();
    for round in 1..=3 {
        for _ in 0..3 {
            let iv = rig.next_iv(ctx)?;
            let expected = format!("round {round}: an IV that was not used before");
            check(used.insert(iv), expected, || format!("{iv:#018x}"))?;
        }
        ctx.renegotiate(&mut rig.session)?;
        rig.next_iv(ctx)?;
        ctx.exchange(&mut rig.session, first)?;
    }
    Ok(())
}
