//! Random numbers.
//!
//! Tests of randomness raise a false alarm now and then. The bounds here are so wide that one in 10^9 runs of the whole
//! group does, and still narrow enough for what is not random at all: numbers that count, come from a clock, repeat, or
//! have bytes that stay. What only looks random cannot be told from outside.

mod tests_of_bits;

use std::collections::BTreeSet;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
};
use softcp_runtime::{Device, Driver};

use crate::case::{Case, CaseResult, Group, Requirement, check, hex};
use crate::context::Context;
use crate::oracle::{Block, keys};
use crate::rig::{FILL, KeyedSession, SESSION, encryption_blt, filled};
use crate::variation::Mix;
use tests_of_bits::check_bits;

/// Refresh numbers that are drawn.
const NUMBERS: usize = 4096;

/// Read-back keys that are drawn.
const KEYS: usize = 2048;

/// Read-back keys whose first IVs are drawn.
const FIRST_IVS: usize = 1024;

pub(super) const GROUP: Group = Group {
    name: "statistics",
    title: "Random numbers",
    mix: Mix::OneMore,
    cases: &[
        Case {
            name: "statistics/refresh-numbers-repeat",
            rule: "No number of a refresh comes twice in 4,096 Starts.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: refresh_numbers_repeat,
        },
        Case {
            name: "statistics/refresh-numbers-bias",
            rule: "The bits and bytes of refresh numbers are evenly distributed, and do not depend on one another or on the number before.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: refresh_numbers_bias,
        },
        Case {
            name: "statistics/refresh-numbers-differ-between-sessions",
            rule: "Sessions draw refresh numbers of their own.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: refresh_numbers_of_sessions,
        },
        Case {
            name: "statistics/refresh-numbers-differ-between-openings",
            rule: "The driver draws other refresh numbers each time that it is opened, also at the same time.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: refresh_numbers_of_openings,
        },
        Case {
            name: "statistics/read-back-keys-repeat",
            rule: "No read-back key comes twice in 2,048 calls.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: read_back_keys_repeat,
        },
        Case {
            name: "statistics/read-back-keys-bias",
            rule: "The bits and bytes of read-back keys are evenly distributed, and do not depend on one another or on the key before.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: read_back_keys_bias,
        },
        Case {
            name: "statistics/read-back-keys-differ-between-openings",
            rule: "The driver makes other read-back keys each time that it is opened, also at the same time.",
            source: "GetEncryptionBltKey",
            requirement: Requirement::Reference,
            run: read_back_keys_of_openings,
        },
        Case {
            name: "statistics/first-ivs-differ",
            rule: "The first IVs of read-back keys are different numbers.",
            source: "D11",
            requirement: Requirement::Decision,
            run: first_ivs_differ,
        },
        Case {
            name: "statistics/first-ivs-bias",
            rule: "The 32 bits of first IVs are evenly distributed, and do not depend on the IV before.",
            source: "D11",
            requirement: Requirement::Decision,
            run: first_ivs_bias,
        },
    ],
};

/// A session that draws refresh numbers.
fn freshening(ctx: &Context<'_>, device: &Device) -> CaseResult<KeyedSession> {
    ctx.require(device, FRESHEN)?;
    ctx.keyed_session(device)
}

fn refresh_numbers(session: &mut KeyedSession, count: usize) -> CaseResult<Vec<Block>> {
    Ok((0..count).map(|_| session.session.start_key_refresh()).collect::<Result<_, _>>()?)
}

fn read_back_keys(session: &mut KeyedSession, count: usize) -> CaseResult<Vec<Block>> {
    let key = |_| Ok(keys::unwrap(&session.key, &session.session.encryption_blt_key()?));
    (0..count).map(key).collect()
}

/// Fails unless all of `drawn` differ.
fn check_distinct(what: &str, drawn: &[Block]) -> CaseResult {
    let mut seen = BTreeSet::new();
    for (number, block) in drawn.iter().enumerate() {
        let expected = format!("{what}: {} that differ", drawn.len());
        check(seen.insert(block), expected, || format!("number {} was there before: {}", number + 1, hex(block)))?;
    }
    Ok(())
}

/// Whether one session repeats itself is the matter of other cases than whether two draw the same.
fn without_repetitions(drawn: Vec<Block>) -> BTreeSet<Block> {
    drawn.into_iter().collect()
}

fn refresh_numbers_repeat(ctx: &Context<'_>) -> CaseResult {
    let mut session = freshening(ctx, &ctx.device()?)?;
    check_distinct("refresh numbers of one session", &refresh_numbers(&mut session, NUMBERS)?)
}

fn refresh_numbers_bias(ctx: &Context<'_>) -> CaseResult {
    let mut session = freshening(ctx, &ctx.device()?)?;
    check_bits(ctx, "refresh numbers", &refresh_numbers(&mut session, NUMBERS)?)
}

/// Numbers of sessions that are made one behind the other, on two devices.
fn refresh_numbers_of_sessions(ctx: &Context<'_>) -> CaseResult {
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let device = ctx.device()?;
        let mut sessions = (0..8).map(|_| freshening(ctx, &device)).collect::<CaseResult<Vec<_>>>()?;
        for session in &mut sessions {
            numbers.extend(without_repetitions(refresh_numbers(session, 4)?));
        }
    }
    check_distinct("refresh numbers of sessions on two devices", &numbers)
}

/// Draws from sessions of drivers that are opened one behind the other, as fast as that goes.
fn of_openings(
    ctx: &Context<'_>,
    bits: u32,
    draw: impl Fn(&mut KeyedSession) -> CaseResult<Vec<Block>>,
) -> CaseResult<Vec<Block>> {
    ctx.require(&ctx.device()?, bits)?;
    let drivers = (0..4).map(|_| ctx.driver_with("")).collect::<CaseResult<Vec<Driver>>>()?;
    let mut drawn = Vec::new();
    for driver in &drivers {
        let session = driver.create_device()?.create_session(&SESSION)?;
        let mut session = KeyedSession { session, key: [0; 16] };
        ctx.renegotiate(&mut session)?;
        drawn.extend(without_repetitions(draw(&mut session)?));
    }
    Ok(drawn)
}

fn refresh_numbers_of_openings(ctx: &Context<'_>) -> CaseResult {
    let numbers = of_openings(ctx, FRESHEN, |session| refresh_numbers(session, 8))?;
    check_distinct("refresh numbers of a driver that was opened four times", &numbers)
}

fn read_back_keys_of_openings(ctx: &Context<'_>) -> CaseResult {
    let keys = of_openings(ctx, READ_BACK_KEY, |session| read_back_keys(session, 8))?;
    check_distinct("read-back keys of a driver that was opened four times", &keys)
}

fn read_back_keys_repeat(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    let mut keys = read_back_keys(&mut ctx.keyed_session(&device)?, KEYS)?;
    keys.extend(read_back_keys(&mut ctx.keyed_session(&device)?, 8)?);
    check_distinct("read-back keys of two sessions", &keys)
}

fn read_back_keys_bias(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, READ_BACK_KEY)?;
    check_bits(ctx, "read-back keys", &read_back_keys(&mut ctx.keyed_session(&device)?, KEYS)?)
}

/// The lower 32 bits of first IVs. Whether there are more is the matter of another case.
fn first_ivs(ctx: &Context<'_>) -> CaseResult<Vec<[u8; 4]>> {
    let device = ctx.device()?;
    ctx.require_clear(&device, READ_BACK | READ_BACK_KEY)?;
    let mut session = ctx.keyed_session(&device)?;
    let desc = softcp_runtime::ResourceDesc::buffer(16);
    let (source, destination) = (filled(&device, &desc)?, filled(&device, &desc)?);
    let mut ivs = Vec::new();
    for _ in 0..FIRST_IVS {
        session.session.encryption_blt_key()?;
        let mut iv = [FILL; 16];
        encryption_blt(session.handle(), (&source, &destination), &mut iv)?.into_result()?;
        ivs.push(std::array::from_fn(|i| iv[4 + i]));
    }
    Ok(ivs)
}

/// Of 1,024 random numbers of 32 bits two are the same in one of 8,000 runs, and five pairs in one of 10^20.
fn first_ivs_differ(ctx: &Context<'_>) -> CaseResult {
    let ivs = first_ivs(ctx)?;
    let repeated = ivs.len() - ivs.iter().collect::<BTreeSet<_>>().len();
    ctx.note(format!("{repeated} of {} first IVs were there before", ivs.len()));
    check(repeated < 5, format!("{} first IVs that differ", ivs.len()), || {
        format!("{repeated} of them were there before")
    })
}

fn first_ivs_bias(ctx: &Context<'_>) -> CaseResult {
    check_bits(ctx, "first IVs", &first_ivs(ctx)?)
}
