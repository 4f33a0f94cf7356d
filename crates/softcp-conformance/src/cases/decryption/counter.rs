//! IV and Count: the counter block, and the order of IVs.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV as SEQUENTIAL, E_INVALIDARG,
};
use softcp_runtime::{HResult, ResourceDesc};

use super::{check_blit, keyed};
use crate::case::{CaseResult, Stop, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::keys::wrap;
use crate::oracle::{Block, ctr};
use crate::rig::{Blit, KeyedSession};

/// A counter block.
fn block(iv: u64, count: u64) -> Block {
    (u128::from(iv) << 64 | u128::from(count)).to_be_bytes()
}

/// The IV of a counter block.
fn iv_of(block: &Block) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|i| block[i]))
}

pub(super) fn count_starts_where_told(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    // Before each carry into the next byte, on both sides of the sign, and a number whose bytes all differ.
    let carries = (1..8).map(|bytes| (1_u64 << (8 * bytes)) - 1);
    for count in carries.chain([1, 0x0102_0304_0506_0708, i64::MAX.cast_unsigned(), 1 << 63]) {
        let blit = Blit { iv: block(iv_of(&ctx.next_iv()), count), ..Blit::default() };
        let what = format!("clear bytes with a Count of {count:#018x}");
        check_blit(ctx, &what, &session, &session.key, &blit, 53)?;
    }
    Ok(())
}

pub(super) fn count_carry(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    for count in [u64::MAX - 1, u64::MAX] {
        let blit = Blit { iv: block(iv_of(&ctx.next_iv()), count), ..Blit::default() };
        let what = format!("clear bytes with a Count of {count:#018x}");
        check_blit(ctx, &what, &session, &session.key, &blit, 16 * 20 + 5)?;
    }
    Ok(())
}

/// Byte after byte, from the last one up, so that the numbers increase.
pub(super) fn iv_is_used(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    for iv in (0..8).map(|byte| 1 << (8 * byte)).chain([0x1122_3344_5566_7788, 0xfedc_ba98_7654_3210]) {
        let what = format!("clear bytes with an IV of {iv:#018x}");
        let blit = Blit { iv: block(iv, 0), ..Blit::default() };
        check_blit(ctx, &what, &session, &session.key, &blit, 20)?;
    }
    Ok(())
}

pub(super) fn any_length(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    let around = [127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1025, 4095, 4096, 4097];
    for len in (1..=80).chain(around) {
        let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
        check_blit(ctx, &format!("clear bytes of {len}"), &session, &session.key, &blit, len)?;
    }
    Ok(())
}

pub(super) fn large(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    let len = (1 << 20) + 16 * 300 + 7;
    let blit = Blit { iv: ctx.next_iv(), ..Blit::default() };
    check_blit(ctx, &format!("clear bytes of {len}"), &session, &session.key, &blit, len)
}

pub(super) fn same_iv_again(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, 0)?;
    let (blit, desc) = (Blit { iv: ctx.next_iv(), ..Blit::default() }, ResourceDesc::buffer(48));
    session.decrypt(ctx, &blit, &ctx.random_bytes(48))?;
    let data = ctx.random_bytes(48);
    let (reply, bytes) = session.blit(ctx, &blit, (&desc, &data), &desc)?;
    if !reply.reports.is_empty() {
        ctx.note(format!("the second call is refused with {}", reply.hresult()));
        return Ok(());
    }
    check_bytes("clear bytes of the second call", &ctr::apply(&session.key, &blit.iv, None, &data), &bytes)
}

pub(super) fn iv_order_is_free(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, caps) = keyed(ctx, 0)?;
    if caps.contains(SEQUENTIAL) {
        return Err(Stop::skipped("the driver reports SEQUENTIAL_CTR_IV"));
    }
    let base = iv_of(&ctx.next_iv());
    for step in [10, 9, 1, 20, 15, 0] {
        let blit = Blit { iv: block(base + step, 0), ..Blit::default() };
        check_blit(ctx, &format!("clear bytes with IV {step} of 20"), &session, &session.key, &blit, 20)?;
    }
    Ok(())
}

pub(super) fn sequential_iv(ctx: &Context<'_>) -> CaseResult {
    let (_device, session, _) = keyed(ctx, SEQUENTIAL)?;
    let (last, desc) = (0x2143_6587_a9cb_ed0f_u64, ResourceDesc::buffer(48));
    let blit = Blit { iv: block(last, 0), ..Blit::default() };
    session.decrypt(ctx, &blit, &ctx.random_bytes(48))?;
    // The second to last is smaller as a number that begins with its last byte, and as one of 32 bits.
    for iv in [last, last - 1, last - (1 << 32) + 1, 0] {
        let blit = Blit { iv: block(iv, 0), ..Blit::default() };
        let (reply, _) = session.blit(ctx, &blit, (&desc, &ctx.random_bytes(48)), &desc)?;
        let call = format!("DecryptionBlt with an IV of {iv:#018x} behind {last:#018x}");
        check_hresult(&call, HResult(E_INVALIDARG), reply.hresult())?;
    }
    // Smaller as a signed number, and as one that begins with its last byte.
    for iv in [last + 1, (last | 0xff) + 1, u64::MAX] {
        let blit = Blit { iv: block(iv, 0), ..Blit::default() };
        check_blit(ctx, &format!("clear bytes with an IV of {iv:#018x}"), &session, &session.key, &blit, 20)?;
    }
    Ok(())
}

pub(super) fn sequential_iv_per_key(ctx: &Context<'_>) -> CaseResult {
    let (device, session, caps) = keyed(ctx, SEQUENTIAL)?;
    let last = iv_of(&ctx.next_iv());
    session.decrypt(ctx, &Blit { iv: block(last, 0), ..Blit::default() }, &ctx.random_bytes(16))?;
    let smaller = Blit { iv: block(last - 1, 0), ..Blit::default() };
    let other = ctx.keyed_session(&device)?;
    check_blit(ctx, "clear bytes of another session", &other, &other.key, &smaller, 20)?;
    if !caps.contains(CONTENT_KEY) {
        return Ok(());
    }
    for number in 1..=3 {
        let key: Block = ctx.random();
        let wrapped = wrap(&session.key, &key);
        let blit = Blit { content_key: Some(&wrapped), ..smaller };
        check_blit(ctx, &format!("clear bytes under content key {number}"), &session, &key, &blit, 20)?;
    }
    Ok(())
}

/// Fails unless a blit with this IV is `E_INVALIDARG`.
fn check_refused(ctx: &Context<'_>, what: &str, session: &KeyedSession, iv: u64) -> CaseResult {
    let desc = ResourceDesc::buffer(48);
    let blit = Blit { iv: block(iv, 0), ..Blit::default() };
    let (reply, _) = session.blit(ctx, &blit, (&desc, &ctx.random_bytes(48)), &desc)?;
    check_hresult(&format!("DecryptionBlt {what}"), HResult(E_INVALIDARG), reply.hresult())
}

pub(super) fn sequential_iv_of_a_key_that_comes_back(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session, _) = keyed(ctx, SEQUENTIAL)?;
    let (first, last) = (session.key, iv_of(&ctx.next_iv()));
    let blit = |iv| Blit { iv: block(iv, 0), ..Blit::default() };
    check_blit(ctx, "clear bytes under the first key", &session, &first, &blit(last), 20)?;
    ctx.renegotiate(&mut session)?;
    check_blit(ctx, "clear bytes under the second key", &session, &session.key, &blit(last - 1), 20)?;
    ctx.exchange(&mut session, first)?;
    check_refused(ctx, "with an IV of the first key when it has come back", &session, last)?;
    check_blit(ctx, "clear bytes under the first key again", &session, &first, &blit(last + 1), 20)
}

pub(super) fn sequential_iv_per_session(ctx: &Context<'_>) -> CaseResult {
    let (device, session, _) = keyed(ctx, SEQUENTIAL)?;
    let last = iv_of(&ctx.next_iv());
    let blit = Blit { iv: block(last, 0), ..Blit::default() };
    check_blit(ctx, "clear bytes of the first session", &session, &session.key, &blit, 20)?;
    let mut other = ctx.keyed_session(&device)?;
    ctx.exchange(&mut other, session.key)?;
    check_blit(ctx, "clear bytes of another session with the same key", &other, &other.key, &blit, 20)?;
    check_refused(ctx, "with the IV once more", &other, last)
}
