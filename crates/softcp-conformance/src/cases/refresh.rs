//! Session key refresh: Start hands out a random number, Finish XORs it into the key.

use softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN;
use softcp_runtime::{Device, HResult};

use crate::case::{Case, CaseResult, Group, Requirement, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::{ctr, keys};
use crate::rig::{Blit, FILL, KeyedSession, start_refresh};

pub(super) const GROUP: Group = Group {
    name: "refresh",
    title: "Session key refresh",
    cases: &[
        Case {
            name: "refresh/xor",
            rule: "After FinishSessionKeyRefresh the session key is the old one XOR the number that Start returned.",
            source: "FinishSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: xor,
        },
        Case {
            name: "refresh/old-key-until-finish",
            rule: "Between Start and Finish the old key is in force.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: old_key_until_finish,
        },
        Case {
            name: "refresh/wrong-size",
            rule: "Start with a buffer of another size than the key's is E_INVALIDARG, and the buffer keeps its bytes.",
            source: "D1",
            requirement: Requirement::Decision,
            run: wrong_size,
        },
    ],
};

fn keyed(ctx: &Context<'_>) -> CaseResult<(Device, KeyedSession)> {
    let device = ctx.device()?;
    ctx.require(&device, FRESHEN)?;
    let session = ctx.keyed_session(&device)?;
    Ok((device, session))
}

/// Fails unless the driver deciphers with the key that the kit thinks it has.
fn check_key(ctx: &Context<'_>, what: &str, session: &KeyedSession) -> CaseResult {
    let (blit, data) = (Blit { iv: ctx.random(), ..Blit::default() }, ctx.random_bytes(40));
    check_bytes(what, &ctr::apply(&session.key, &blit.iv, None, &data), &session.decrypt(ctx, &blit, &data)?)
}

fn xor(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx)?;
    for round in 1..=3 {
        session.refresh()?;
        check_key(ctx, &format!("clear bytes after refresh {round}"), &session)?;
    }
    Ok(())
}

fn old_key_until_finish(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx)?;
    let number = session.session.start_key_refresh()?;
    check_key(ctx, "clear bytes under the old key", &session)?;
    session.session.finish_key_refresh()?;
    session.key = keys::refreshed(&session.key, &number);
    check_key(ctx, "clear bytes under the new key", &session)
}

fn wrong_size(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx)?;
    for size in [0, 1, 15, 17, 32] {
        let mut number = vec![FILL; size];
        let reply = start_refresh(&device, session.handle(), &mut number)?;
        check_hresult(&format!("Start with {size} bytes"), HResult(softcp_abi::E_INVALIDARG), reply.hresult())?;
        check(number.iter().all(|&byte| byte == FILL), "a buffer that keeps its bytes", || format!("{number:02x?}"))?;
    }
    check_key(ctx, "clear bytes under the old key", &session)
}
