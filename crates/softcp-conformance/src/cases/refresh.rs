//! Session key refresh: Start hands out a random number, Finish XORs it into the key.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY as CONTENT_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK as READ_BACK,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN, D3DERR_INVALIDCALL, E_INVALIDARG,
};
use softcp_runtime::{Device, HResult, Input, Output, ResourceDesc};

use crate::case::{Case, CaseResult, Group, Requirement, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::oaep::Padding;
use crate::oracle::{Block, ctr, keys};
use crate::probe::session_key;
use crate::rig::{Blit, FILL, KeyedSession, check_reported, filled, start_refresh};
use crate::variation::Mix;

const INVALID_CALL: HResult = HResult(D3DERR_INVALIDCALL);

pub(super) const GROUP: Group = Group {
    name: "refresh",
    title: "Session key refresh",
    mix: Mix::All,
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
        Case {
            name: "refresh/null-buffer",
            rule: "Start with a null buffer fails, and the key stays.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Quality,
            run: null_buffer,
        },
        Case {
            name: "refresh/newer-number-replaces",
            rule: "The number of a second Start replaces that of the first.",
            source: "D2",
            requirement: Requirement::Decision,
            run: newer_number_replaces,
        },
        Case {
            name: "refresh/finish-without-start",
            rule: "Finish without a Start is D3DERR_INVALIDCALL, and the key stays.",
            source: "D3",
            requirement: Requirement::Decision,
            run: finish_without_start,
        },
        Case {
            name: "refresh/finish-twice",
            rule: "A second Finish is D3DERR_INVALIDCALL, and the key stays.",
            source: "D3",
            requirement: Requirement::Decision,
            run: finish_twice,
        },
        Case {
            name: "refresh/start-before-key-exchange",
            rule: "Start before a key exchange is D3DERR_INVALIDCALL, and the buffer keeps its bytes.",
            source: "D3",
            requirement: Requirement::Decision,
            run: start_before_key_exchange,
        },
        Case {
            name: "refresh/finish-before-key-exchange",
            rule: "Finish before a key exchange is D3DERR_INVALIDCALL.",
            source: "D3",
            requirement: Requirement::Decision,
            run: finish_before_key_exchange,
        },
        Case {
            name: "refresh/exchange-discards-number",
            rule: "A key exchange between Start and Finish discards the number: Finish is D3DERR_INVALIDCALL, and the key is the new one.",
            source: "D4",
            requirement: Requirement::Decision,
            run: exchange_discards_number,
        },
        Case {
            name: "refresh/exchange-of-same-key-discards-number",
            rule: "A key exchange between Start and Finish discards the number also where it brings the key that is in force.",
            source: "D4",
            requirement: Requirement::Decision,
            run: exchange_of_same_key_discards_number,
        },
        Case {
            name: "refresh/failed-exchange-keeps-number",
            rule: "A key exchange that fails between Start and Finish changes neither the key nor the number.",
            source: "D4",
            requirement: Requirement::Decision,
            run: failed_exchange_keeps_number,
        },
        Case {
            name: "refresh/failed-blit-keeps-number",
            rule: "A DecryptionBlt that fails between Start and Finish changes neither the key nor the number.",
            source: "D20",
            requirement: Requirement::Decision,
            run: failed_blit_keeps_number,
        },
        Case {
            name: "refresh/content-keys-follow",
            rule: "After Finish, content keys are deciphered with the new session key, those that were used before too.",
            source: "FinishSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: content_keys_follow,
        },
        Case {
            name: "refresh/content-keys-until-finish",
            rule: "Between Start and Finish, content keys are deciphered with the old session key.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: content_keys_until_finish,
        },
        Case {
            name: "refresh/other-session-keeps-key",
            rule: "A refresh changes the key of its own session only.",
            source: "FinishSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: other_session_keeps_key,
        },
        Case {
            name: "refresh/sessions-have-own-numbers",
            rule: "Sessions that are between Start and Finish have a number each.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: sessions_have_own_numbers,
        },
        Case {
            name: "refresh/number-is-new",
            rule: "Every Start gives another number.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: number_is_new,
        },
        Case {
            name: "refresh/number-is-written",
            rule: "Start writes all 16 bytes of the number, and none behind them.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: number_is_written,
        },
        Case {
            name: "refresh/failed-start-keeps-number",
            rule: "A Start that fails leaves the number of the one before it.",
            source: "D1",
            requirement: Requirement::Decision,
            run: failed_start_keeps_number,
        },
        Case {
            name: "refresh/read-back-key-stays",
            rule: "A read-back key that was made between Start and Finish stays valid after Finish.",
            source: "D12",
            requirement: Requirement::Decision,
            run: read_back_key_stays,
        },
        Case {
            name: "refresh/read-back-keys-follow",
            rule: "After Finish, GetEncryptionBltKey encrypts with the new session key.",
            source: "FinishSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: read_back_keys_follow,
        },
        Case {
            name: "refresh/one-report",
            rule: "A Start or a Finish that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: one_report,
        },
        Case {
            name: "refresh/many",
            rule: "Refresh after refresh, the key follows.",
            source: "FinishSessionKeyRefresh",
            requirement: Requirement::Reference,
            run: many,
        },
    ],
};

fn keyed(ctx: &Context<'_>, bits: u32) -> CaseResult<(Device, KeyedSession)> {
    let device = ctx.device()?;
    ctx.require_clear(&device, FRESHEN | DECRYPTION | bits)?;
    let session = ctx.keyed_session(&device)?;
    Ok((device, session))
}

/// Fails unless the driver deciphers with the key that the kit thinks it has.
fn check_key(ctx: &Context<'_>, what: &str, session: &KeyedSession) -> CaseResult {
    let (blit, data) = (Blit { iv: ctx.next_iv(), ..Blit::default() }, ctx.random_bytes(40));
    check_bytes(what, &ctr::apply(&session.key, &blit.iv, None, &data), &session.decrypt(ctx, &blit, &data)?)
}

/// The same with a content key, as the application wraps it.
fn check_content_key(ctx: &Context<'_>, what: &str, session: &KeyedSession, wrapped: &Block) -> CaseResult {
    let blit = Blit { iv: ctx.next_iv(), content_key: Some(wrapped), ..Blit::default() };
    let (data, key) = (ctx.random_bytes(40), keys::unwrap(&session.key, wrapped));
    check_bytes(what, &ctr::apply(&key, &blit.iv, None, &data), &session.decrypt(ctx, &blit, &data)?)
}

/// Finish, here and in the driver.
fn finish(session: &mut KeyedSession, number: &Block) -> CaseResult {
    session.session.finish_key_refresh()?;
    session.key = keys::refreshed(&session.key, number);
    Ok(())
}

/// Fails unless Finish is refused for want of a number.
fn check_no_number(call: &str, device: &Device, session: &KeyedSession) -> CaseResult {
    let reply = device.calls().finish_session_key_refresh(session.handle())?;
    check_hresult(call, INVALID_CALL, reply.hresult())
}

fn xor(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    for round in 1..=3 {
        session.refresh()?;
        check_key(ctx, &format!("clear bytes after refresh {round}"), &session)?;
    }
    Ok(())
}

fn old_key_until_finish(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    let number = session.session.start_key_refresh()?;
    check_key(ctx, "clear bytes under the old key", &session)?;
    finish(&mut session, &number)?;
    check_key(ctx, "clear bytes under the new key", &session)
}

fn wrong_size(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx, 0)?;
    for size in [0, 1, 8, 15, 17, 32] {
        let mut memory = [FILL; 32];
        let reply = start_refresh(&device, session.handle(), &mut memory[..size])?;
        check_hresult(&format!("Start with {size} bytes"), HResult(E_INVALIDARG), reply.hresult())?;
        check(memory == [FILL; 32], "a buffer that keeps its bytes", || format!("{memory:02x?}"))?;
    }
    check_key(ctx, "clear bytes under the old key", &session)
}

fn null_buffer(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx, 0)?;
    for size in [0, 16] {
        let reply = device.calls().start_session_key_refresh(session.handle(), Output::Null { size })?;
        check_reported(&format!("Start with a null buffer of size {size}"), &reply)?;
    }
    check_key(ctx, "clear bytes under the old key", &session)
}

fn newer_number_replaces(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    session.session.start_key_refresh()?;
    session.session.start_key_refresh()?;
    let last = session.session.start_key_refresh()?;
    finish(&mut session, &last)?;
    check_key(ctx, "clear bytes under the old key XOR the last number", &session)
}

fn finish_without_start(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx, 0)?;
    check_no_number("Finish without a Start", &device, &session)?;
    check_key(ctx, "clear bytes under the old key", &session)
}

fn finish_twice(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    session.refresh()?;
    check_no_number("a second Finish", &device, &session)?;
    check_key(ctx, "clear bytes under the refreshed key", &session)
}

fn start_before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, FRESHEN)?;
    let (session, mut number) = (ctx.session(&device)?, [FILL; 16]);
    let reply = start_refresh(&device, session.handle(), &mut number)?;
    check_hresult("Start before a key exchange", INVALID_CALL, reply.hresult())?;
    check_bytes("the buffer", &[FILL; 16], &number)
}

fn finish_before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, FRESHEN)?;
    let session = ctx.session(&device)?;
    let reply = device.calls().finish_session_key_refresh(session.handle())?;
    check_hresult("Finish before a key exchange", INVALID_CALL, reply.hresult())
}

fn exchange_discards_number(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    session.session.start_key_refresh()?;
    ctx.renegotiate(&mut session)?;
    check_no_number("Finish behind a key exchange", &device, &session)?;
    check_key(ctx, "clear bytes under the newly exchanged key", &session)
}

fn exchange_of_same_key_discards_number(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    let message = session_key(ctx, &device)?.encrypt(&session.key, Padding::Oaep512);
    session.session.start_key_refresh()?;
    session.session.negotiate(&message)?;
    check_no_number("Finish behind an exchange of the same key", &device, &session)?;
    check_key(ctx, "clear bytes under the key", &session)
}

fn failed_exchange_keeps_number(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    let number = session.session.start_key_refresh()?;
    let refused = session.session.negotiate(&ctx.random_bytes(255));
    check(refused.is_err(), "a key exchange of 255 bytes that fails", || "success".to_owned())?;
    finish(&mut session, &number)?;
    check_key(ctx, "clear bytes under the refreshed key", &session)
}

fn failed_blit_keeps_number(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    let number = session.session.start_key_refresh()?;
    let (desc, larger) = (ResourceDesc::buffer(40), ResourceDesc::buffer(41));
    let (source, same, other) =
        (ctx.resource(&device, &desc, &ctx.random_bytes(40))?, filled(&device, &desc)?, filled(&device, &larger)?);
    let iv = ctx.next_iv();
    for (what, to, iv_size) in [("an IV of 15 bytes", &same, 15), ("a larger destination", &other, 16)] {
        let (none, iv) = (Input::Null { size: 0 }, Input::Bytes(&iv[..iv_size]));
        let calls = device.calls();
        let reply = calls.decryption_blt(session.handle(), source.handle(), to.handle(), None, none, iv)?;
        check_reported(&format!("DecryptionBlt with {what}"), &reply)?;
    }
    check_key(ctx, "clear bytes under the old key", &session)?;
    finish(&mut session, &number)?;
    check_key(ctx, "clear bytes under the refreshed key", &session)
}

fn content_keys_follow(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, CONTENT_KEY)?;
    let wrapped = ctx.random();
    check_content_key(ctx, "clear bytes under a content key before the refresh", &session, &wrapped)?;
    for round in 1..=2 {
        session.refresh()?;
        let what = format!("clear bytes under the same wrapped content key after refresh {round}");
        check_content_key(ctx, &what, &session, &wrapped)?;
        check_content_key(ctx, "clear bytes under a content key of the new session key", &session, &ctx.random())?;
    }
    Ok(())
}

fn content_keys_until_finish(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, CONTENT_KEY)?;
    session.session.start_key_refresh()?;
    check_content_key(ctx, "clear bytes under a content key of the old session key", &session, &ctx.random())
}

fn other_session_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    let other = ctx.keyed_session(&device)?;
    session.refresh()?;
    check_key(ctx, "clear bytes of the other session", &other)
}

fn sessions_have_own_numbers(ctx: &Context<'_>) -> CaseResult {
    let (device, mut first) = keyed(ctx, 0)?;
    let mut second = ctx.keyed_session(&device)?;
    let numbers = [first.session.start_key_refresh()?, second.session.start_key_refresh()?];
    finish(&mut first, &numbers[0])?;
    check_key(ctx, "clear bytes of the session that is refreshed", &first)?;
    check_key(ctx, "clear bytes of the one that is not yet", &second)?;
    finish(&mut second, &numbers[1])?;
    check_key(ctx, "clear bytes of the second session", &second)
}

/// Over some Starts with a Finish, and some without one. `statistics` looks at many more.
fn number_is_new(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    let mut numbers = std::collections::BTreeSet::from([[0; 16], [0xff; 16]]);
    for start in 1..=32 {
        let number = session.session.start_key_refresh()?;
        check(numbers.insert(number), format!("a number at Start {start} that was not there before"), || {
            format!("{number:02x?}")
        })?;
        if start % 3 == 0 {
            finish(&mut session, &number)?;
        }
    }
    Ok(())
}

/// A byte that is random keeps a value that it had before once in 256 times: not 16 times in a row.
fn number_is_written(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx, 0)?;
    let mut written = [false; 16];
    for _ in 0..16 {
        let mut memory = [FILL; 48];
        start_refresh(&device, session.handle(), &mut memory[16..32])?.into_result()?;
        for (at, written) in written.iter_mut().enumerate() {
            *written |= memory[16 + at] != FILL;
        }
        let around = [&memory[..16], &memory[32..]].concat();
        check_bytes("the bytes around the buffer", &[FILL; 32], &around)?;
    }
    check(written == [true; 16], "16 bytes that are written", || format!("written: {written:?}"))
}

fn failed_start_keeps_number(ctx: &Context<'_>) -> CaseResult {
    let (device, mut session) = keyed(ctx, 0)?;
    let number = session.session.start_key_refresh()?;
    let mut memory = [FILL; 32];
    for size in [15, 17] {
        let reply = start_refresh(&device, session.handle(), &mut memory[..size])?;
        check_reported(&format!("Start with {size} bytes"), &reply)?;
    }
    finish(&mut session, &number)?;
    check_key(ctx, "clear bytes under the old key XOR the number that was given", &session)
}

fn read_back_key_stays(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, READ_BACK | READ_BACK_KEY)?;
    let number = session.session.start_key_refresh()?;
    let read_back = keys::unwrap(&session.key, &session.session.encryption_blt_key()?);
    finish(&mut session, &number)?;
    let data = ctx.random_bytes(40);
    let (iv, bytes) = session.encrypt(ctx, &data)?;
    check_bytes("encrypted bytes after the refresh", &ctr::apply(&read_back, &iv, None, &data), &bytes)
}

fn read_back_keys_follow(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, READ_BACK | READ_BACK_KEY)?;
    session.refresh()?;
    let read_back = keys::unwrap(&session.key, &session.session.encryption_blt_key()?);
    let data = ctx.random_bytes(40);
    let (iv, bytes) = session.encrypt(ctx, &data)?;
    check_bytes("bytes under a key of after the refresh", &ctr::apply(&read_back, &iv, None, &data), &bytes)
}

fn one_report(ctx: &Context<'_>) -> CaseResult {
    let (device, session) = keyed(ctx, 0)?;
    let (unkeyed, mut memory) = (ctx.session(&device)?, [FILL; 32]);
    for (what, reply) in [
        ("Start with 15 bytes", start_refresh(&device, session.handle(), &mut memory[..15])?),
        ("Finish without a Start", device.calls().finish_session_key_refresh(session.handle())?),
        ("Start before a key exchange", start_refresh(&device, unkeyed.handle(), &mut memory[..16])?),
        ("Finish before a key exchange", device.calls().finish_session_key_refresh(unkeyed.handle())?),
    ] {
        let reports = reply.reports.len();
        check(reports <= 1, format!("{what}: one call of the error callback"), || reports.to_string())?;
    }
    Ok(())
}

fn many(ctx: &Context<'_>) -> CaseResult {
    let (_device, mut session) = keyed(ctx, 0)?;
    for round in 1..=300 {
        session.refresh()?;
        if round % 25 == 0 {
            check_key(ctx, &format!("clear bytes after refresh {round}"), &session)?;
        }
    }
    Ok(())
}
