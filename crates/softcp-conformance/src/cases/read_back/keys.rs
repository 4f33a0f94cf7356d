//! Which key a read-back is under.

use std::collections::BTreeSet;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
};

use super::{Rig, check_read_back};
use crate::case::{CaseResult, Stop, check};
use crate::context::Context;
use crate::oracle::keys;

pub(super) fn key_is_wrapped(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    let key = keys::unwrap(&rig.session.key, &rig.session.session.encryption_blt_key()?);
    check_read_back(ctx, "bytes, deciphered with the unwrapped key", &rig.session, &key, 48)
}

pub(super) fn new_key_each_time(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    let mut seen = BTreeSet::from([[0; 16], [0xff; 16]]);
    for call in 1..=16 {
        let wrapped = rig.session.session.encryption_blt_key()?;
        let expected = format!("a key at call {call} that was not there before");
        check(seen.insert(wrapped), expected, || format!("{wrapped:02x?}, wrapped"))?;
    }
    Ok(())
}

pub(super) fn key_in_force(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    for number in 1..=3 {
        let key = rig.new_key()?;
        for blit in 1..=2 {
            let what = format!("bytes of read-back {blit} under key {number}, deciphered");
            check_read_back(ctx, &what, &rig.session, &key, 48)?;
        }
    }
    Ok(())
}

pub(super) fn session_key(ctx: &Context<'_>) -> CaseResult {
    let rig = Rig::new(ctx, 0)?;
    if rig.caps.contains(READ_BACK_KEY) {
        return Err(Stop::skipped("the driver reports ENCRYPTED_READ_BACK_KEY"));
    }
    check_read_back(ctx, "bytes, deciphered with the session key", &rig.session, &rig.session.key, 48)
}

pub(super) fn sessions_have_own_keys(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY)?;
    let key = rig.new_key()?;
    let mut other = ctx.keyed_session(&rig.device)?;
    let others_key = other.new_read_back_key(&rig.caps)?;
    check(key != others_key, "two keys", || "one".to_owned())?;
    check_read_back(ctx, "bytes of the first session, deciphered", &rig.session, &key, 48)?;
    check_read_back(ctx, "bytes of the second session, deciphered", &other, &others_key, 48)
}

pub(super) fn refresh_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let mut rig = Rig::new(ctx, READ_BACK_KEY | FRESHEN)?;
    let key = rig.new_key()?;
    for round in 1..=2 {
        rig.session.refresh()?;
        let what = format!("bytes after refresh {round}, deciphered with the read-back key of before");
        check_read_back(ctx, &what, &rig.session, &key, 48)?;
    }
    Ok(())
}
