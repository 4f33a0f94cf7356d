//! Session status: what is lost in a teardown, and how it comes back. SoftCP has teardowns on request.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY as READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN, D3DERR_INVALIDCALL,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST as KEY_AND_CONTENT_LOST,
    D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST as KEY_LOST, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK as OK,
};
use softcp_runtime::{Device, Driver, HResult, Output, ResourceDesc, SessionHandle};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::probe::{Probe, check_fails, failed};
use crate::rig::{FILL, KeyedSession, filled, read, start_refresh};
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "status",
    title: "Session status and teardown",
    mix: Mix::All,
    cases: &[
        Case {
            name: "status/ok",
            rule: "The status of a session with a key is OK.",
            source: "CheckCryptoSessionStatus",
            requirement: Requirement::Reference,
            run: ok,
        },
        Case {
            name: "status/before-key-exchange",
            rule: "The status of a session that has had no key yet is OK, since it has lost none.",
            source: "CheckCryptoSessionStatus",
            requirement: Requirement::Quality,
            run: before_key_exchange,
        },
        Case {
            name: "status/key-lost",
            rule: "After a teardown that took the key the status is KEY_LOST, until a new key exchange.",
            source: "D23",
            requirement: Requirement::Decision,
            run: |ctx| check_lost(ctx, "key-lost", KEY_LOST),
        },
        Case {
            name: "status/key-and-content-lost",
            rule: "After a teardown that took key and content the status is KEY_AND_CONTENT_LOST, until a new key exchange.",
            source: "D23",
            requirement: Requirement::Decision,
            run: |ctx| check_lost(ctx, "key-and-content-lost", KEY_AND_CONTENT_LOST),
        },
        Case {
            name: "status/key-lost-refuses",
            rule: "While the key is lost every blit, refresh and read-back key call reports D3DERR_INVALIDCALL.",
            source: "D23",
            requirement: Requirement::Decision,
            run: key_lost_refuses,
        },
        Case {
            name: "status/exchange-restores",
            rule: "A new key exchange after a teardown makes the status OK and the new key the one in force.",
            source: "D23",
            requirement: Requirement::Decision,
            run: exchange_restores,
        },
        Case {
            name: "status/key-lost-keeps-content",
            rule: "A teardown that takes the key leaves protected surfaces as they are.",
            source: "D23",
            requirement: Requirement::Decision,
            run: key_lost_keeps_content,
        },
        Case {
            name: "status/content-lost-is-zero",
            rule: "A teardown that takes the content fills protected surfaces with zeros.",
            source: "D23",
            requirement: Requirement::Decision,
            run: content_lost_is_zero,
        },
        Case {
            name: "status/zero-on-failure",
            rule: "When CheckCryptoSessionStatus fails, it writes zero.",
            source: "D30",
            requirement: Requirement::Decision,
            run: zero_on_failure,
        },
        Case {
            name: "status/one-report",
            rule: "A CheckCryptoSessionStatus that fails calls the error callback once.",
            source: "D20",
            requirement: Requirement::Decision,
            run: one_report,
        },
        Case {
            name: "status/null-pointer",
            rule: "CheckCryptoSessionStatus without a place for the status makes a report.",
            source: "D20",
            requirement: Requirement::Quality,
            run: null_pointer,
        },
    ],
};

/// The status as the driver writes it, over another value.
fn status(device: &Device, session: SessionHandle<'_>) -> CaseResult<u32> {
    let mut status = u32::MAX;
    device.calls().check_crypto_session_status(session, Some(&mut status))?.into_result()?;
    Ok(status)
}

fn check_status(what: &str, session: &KeyedSession, expected: u32) -> CaseResult {
    let seen = status(session.session.device(), session.handle())?;
    check(seen == expected, format!("status {expected} {what}"), || format!("{seen}"))
}

fn ok(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = ctx.keyed_session(&device)?;
    check_status("of a session with a key", &session, OK)
}

fn before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = KeyedSession { session: ctx.session(&device)?, key: [0; 16] };
    check_status("of a session without a key", &session, OK)
}

/// A driver that tears down at the first call that uses a key, and a session that has met that.
struct TornDown {
    _driver: Driver,
    device: Device,
    session: KeyedSession,
    probe: Probe,
}

/// `prepare` runs before the teardown.
fn torn_down<T>(
    ctx: &Context<'_>,
    fault: &str,
    prepare: impl FnOnce(&Device) -> CaseResult<T>,
) -> CaseResult<(TornDown, T)> {
    let driver = ctx.driver_with(&format!("faults.list={fault} at=1"))?;
    let device = ctx.device_of(&driver)?;
    let probe = Probe::new(ctx, &device)?;
    let session = ctx.keyed_session(&device)?;
    let prepared = prepare(&device)?;
    // A driver that takes every option, and knows none, is not one to be tested so.
    let (reply, _) = crate::probe::decipher(&device, session.handle(), &crate::rig::Blit::default(), &[0; 16])?;
    if reply.reports.is_empty() && status(&device, session.handle())? == OK {
        return Err(Stop::skipped(format!("the driver does not do what the option faults.list={fault} asks for")));
    }
    Ok((TornDown { _driver: driver, device, session, probe }, prepared))
}

fn check_lost(ctx: &Context<'_>, fault: &str, expected: u32) -> CaseResult {
    let (mut torn, ()) = torn_down(ctx, fault, |_| Ok(()))?;
    for _ in 0..2 {
        check_status("after the teardown", &torn.session, expected)?;
    }
    torn.probe.no_key("after the teardown", &torn.device, torn.session.handle())?;
    check_status("after a call that was refused", &torn.session, expected)?;
    ctx.renegotiate(&mut torn.session)?;
    check_status("after a new key exchange", &torn.session, OK)
}

fn key_lost_refuses(ctx: &Context<'_>) -> CaseResult {
    let (torn, ()) = torn_down(ctx, "key-lost", |_| Ok(()))?;
    let (device, session) = (&torn.device, torn.session.handle());
    let invalid = HResult(D3DERR_INVALIDCALL);
    let reply = torn.probe.no_key("after the teardown", device, session)?;
    check_hresult("DecryptionBlt after the teardown", invalid, reply.hresult())?;
    let (caps, calls) = (ctx.caps(device)?, device.calls());
    if caps.contains(FRESHEN) {
        let mut number = [FILL; 16];
        let reply = start_refresh(device, session, &mut number)?;
        check_hresult("StartSessionKeyRefresh after the teardown", invalid, reply.hresult())?;
        check_bytes("the random number's buffer", &[FILL; 16], &number)?;
        let reply = calls.finish_session_key_refresh(session)?;
        check_hresult("FinishSessionKeyRefresh after the teardown", invalid, reply.hresult())?;
    }
    if caps.contains(READ_BACK_KEY) {
        let mut key = [FILL; 16];
        let reply = calls.get_encryption_blt_key(session, Output::Bytes(&mut key))?;
        check_hresult("GetEncryptionBltKey after the teardown", invalid, reply.hresult())?;
        check_bytes("the read-back key's buffer", &[FILL; 16], &key)?;
    }
    if caps.contains(softcp_abi::D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK) {
        let desc = ResourceDesc::buffer(32);
        let (source, mut to) = (ctx.resource(device, &desc, &[1; 32])?, filled(device, &desc)?);
        let mut iv = [FILL; 16];
        let reply = calls.encryption_blt(session, source.handle(), to.handle(), Output::Bytes(&mut iv))?;
        check_hresult("EncryptionBlt after the teardown", invalid, reply.hresult())?;
        check_bytes("the IV's buffer", &[FILL; 16], &iv)?;
        check_bytes("the destination", &[FILL; 32], &read(&mut to)?)?;
    }
    Ok(())
}

fn exchange_restores(ctx: &Context<'_>) -> CaseResult {
    for fault in ["key-lost", "key-and-content-lost"] {
        let (mut torn, ()) = torn_down(ctx, fault, |_| Ok(()))?;
        ctx.renegotiate(&mut torn.session)?;
        check_status("after a new key exchange", &torn.session, OK)?;
        torn.probe.key(&format!("the new key after {fault}"), &torn.session)?;
    }
    Ok(())
}

/// The bytes of a protected surface after a teardown, of [`FILL`] before it.
fn content_after(ctx: &Context<'_>, fault: &str) -> CaseResult<Vec<u8>> {
    let protected = |device: &Device| match filled(device, &ResourceDesc::surface(48, 3).protected()) {
        Ok(resource) => Ok(resource),
        Err(_) => Err(Stop::skipped("the driver makes no protected surface that can be written without protection")),
    };
    let (_torn, mut surface) = torn_down(ctx, fault, protected)?;
    read(&mut surface)
}

fn key_lost_keeps_content(ctx: &Context<'_>) -> CaseResult {
    check_bytes("a protected surface after the key is lost", &[FILL; 144], &content_after(ctx, "key-lost")?)
}

fn content_lost_is_zero(ctx: &Context<'_>) -> CaseResult {
    let seen = content_after(ctx, "key-and-content-lost")?;
    check_bytes("a protected surface after its content is lost", &[0; 144], &seen)
}

fn zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let session = ctx.keyed_session(&device)?;
    for before in [u32::MAX, KEY_AND_CONTENT_LOST] {
        let mut status = before;
        let reply = other.calls().check_crypto_session_status(session.handle(), Some(&mut status))?;
        // Another case says that it fails.
        check(!failed(&reply) || status == 0, "the status zero", || format!("{status}"))?;
    }
    Ok(())
}

fn one_report(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let (session, mut status) = (ctx.keyed_session(&device)?, 0);
    let reply = other.calls().check_crypto_session_status(session.handle(), Some(&mut status))?;
    let reports = reply.reports.len();
    let expected = "CheckCryptoSessionStatus of another device's session: one call of the error callback";
    check(reports <= 1, expected, || reports.to_string())
}

fn null_pointer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = ctx.keyed_session(&device)?;
    let reply = device.calls().check_crypto_session_status(session.handle(), None)?;
    check_fails("CheckCryptoSessionStatus without a place for the status", &reply)
}
