//! Crypto sessions: their life, whom they belong to, and the handle by which messages name them.

use softcp_abi::{D3DDDIERR_UNSUPPORTEDCRYPTO, GUID};
use softcp_runtime::{CryptoSessionDesc, Device, HResult, PrivateMemory, SessionHandle};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::oracle::oaep::Padding;
use crate::probe::{
    Probe, call_all, check_fails, create_in, failed, key_exchange_types, negotiate, probe_if_possible, session_key,
    session_memory,
};
use crate::rig::{FILL, KeyedSession, SESSION};
use crate::variation::Mix;

/// How many sessions live at the same time where it is about many.
const MANY: usize = 64;

pub(super) const GROUP: Group = Group {
    name: "sessions",
    title: "Crypto sessions",
    mix: Mix::All,
    cases: &[
        Case {
            name: "sessions/create-and-destroy",
            rule: "CreateCryptoSession returns S_OK for a pair that has capabilities, and DestroyCryptoSession reports nothing.",
            source: "CreateCryptoSession, DestroyCryptoSession",
            requirement: Requirement::Reference,
            run: create_and_destroy,
        },
        Case {
            name: "sessions/size-is-kept",
            rule: "A session needs no more memory than CalcPrivateCryptoSessionSize says, in no call.",
            source: "CalcPrivateCryptoSessionSize",
            requirement: Requirement::Reference,
            run: size_is_kept,
        },
        Case {
            name: "sessions/memory-may-hold-anything",
            rule: "CreateCryptoSession takes private memory that holds anything, also what is left of another session.",
            source: "CreateCryptoSession",
            requirement: Requirement::Quality,
            run: memory_may_hold_anything,
        },
        Case {
            name: "sessions/unsupported-pair",
            rule: "CreateCryptoSession of an unknown crypto type or decode profile is D3DDDIERR_UNSUPPORTEDCRYPTO.",
            source: "CreateCryptoSession",
            requirement: Requirement::Reference,
            run: unsupported_pair,
        },
        Case {
            name: "sessions/unknown-key-exchange",
            rule: "CreateCryptoSession refuses a key exchange type that is not listed.",
            source: "D29",
            requirement: Requirement::Decision,
            run: unknown_key_exchange,
        },
        Case {
            name: "sessions/handle-is-given",
            rule: "CryptoSessionGetHandle returns S_OK and a handle that is not zero, the same each time.",
            source: "CryptoSessionGetHandle",
            requirement: Requirement::Reference,
            run: handle_is_given,
        },
        Case {
            name: "sessions/handles-differ",
            rule: "Sessions that live at the same time have different handles, also on different devices.",
            source: "D25",
            requirement: Requirement::Decision,
            run: handles_differ,
        },
        Case {
            name: "sessions/handle-zero-on-failure",
            rule: "When CryptoSessionGetHandle fails, it writes zero.",
            source: "D30",
            requirement: Requirement::Decision,
            run: handle_zero_on_failure,
        },
        Case {
            name: "sessions/keys-are-apart",
            rule: "Each session deciphers with its own key, in whatever order they are called.",
            source: "NegotiateCryptoSessionKeyExchange",
            requirement: Requirement::Reference,
            run: keys_are_apart,
        },
        Case {
            name: "sessions/many",
            rule: "64 sessions live at the same time, each with its own key.",
            source: "CreateCryptoSession",
            requirement: Requirement::Quality,
            run: many,
        },
        Case {
            name: "sessions/destroy-in-any-order",
            rule: "Destroying a session leaves the others alone.",
            source: "DestroyCryptoSession",
            requirement: Requirement::Reference,
            run: destroy_in_any_order,
        },
        Case {
            name: "sessions/other-device",
            rule: "Every call on a session with another device than the one it was created on fails, and the session goes on.",
            source: "CreateCryptoSession",
            requirement: Requirement::Reference,
            run: other_device,
        },
        Case {
            name: "sessions/other-device-outputs",
            rule: "A call with another device writes handle, status and private output as zero, and leaves data buffers alone.",
            source: "D30",
            requirement: Requirement::Decision,
            run: other_device_outputs,
        },
        Case {
            name: "sessions/other-device-destroy",
            rule: "DestroyCryptoSession with another device fails, and the session goes on.",
            source: "CreateCryptoSession",
            requirement: Requirement::Reference,
            run: other_device_destroy,
        },
        Case {
            name: "sessions/destroyed",
            rule: "Calls on a destroyed session fail, and destroying it once more does no harm.",
            source: "DestroyCryptoSession",
            requirement: Requirement::Quality,
            run: destroyed,
        },
        Case {
            name: "sessions/null-handle-pointer",
            rule: "CryptoSessionGetHandle refuses a null pointer for the handle.",
            source: "CryptoSessionGetHandle",
            requirement: Requirement::Quality,
            run: null_handle_pointer,
        },
    ],
};

/// A session in memory of the case's own, so that the memory outlives it.
struct InMemory<'d> {
    device: &'d Device,
    memory: PrivateMemory,
}

impl<'d> InMemory<'d> {
    fn create(ctx: &Context<'_>, device: &'d Device) -> CaseResult<Self> {
        ctx.caps(device)?;
        let memory = session_memory(device, 0)?;
        create_in(device, &SESSION, &memory)?.into_result()?;
        Ok(Self { device, memory })
    }

    fn handle(&self) -> SessionHandle<'_> {
        SessionHandle::of(&self.memory)
    }

    /// Gives it a key.
    fn negotiate(&self, ctx: &Context<'_>) -> CaseResult<[u8; 16]> {
        let key = ctx.random();
        let message = session_key(ctx, self.device)?.encrypt(&key, Padding::Oaep512);
        negotiate(self.device, self.handle(), &message)?.0.into_result()?;
        Ok(key)
    }
}

fn create_and_destroy(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for round in 1..=20 {
        let session = InMemory { device: &device, memory: session_memory(&device, 0)? };
        ctx.caps(&device)?;
        let reply = create_in(&device, &SESSION, &session.memory)?;
        check_hresult(&format!("CreateCryptoSession, round {round}"), HResult::OK, reply.hresult())?;
        let reply = device.calls().destroy_crypto_session(session.handle())?;
        check(reply.reports.is_empty(), "DestroyCryptoSession without a report", || reply.hresult().to_string())?;
    }
    Ok(())
}

fn size_is_kept(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let guard = 64;
    let mut memory = session_memory(&device, guard)?;
    let size = memory.len() - guard;
    ctx.note(format!("a session has {size} bytes of private memory"));
    memory.fill(FILL);
    create_in(&device, &SESSION, &memory)?.into_result()?;
    let session = InMemory { device: &device, memory };
    session.negotiate(ctx)?;
    // Whether they succeed does not matter here.
    call_all(ctx, &device, session.handle(), &device)?;
    device.calls().destroy_crypto_session(session.handle())?;
    let InMemory { mut memory, .. } = session;
    check_bytes(&format!("what follows the {size} bytes of the session"), &[FILL; 64], &memory.bytes()[size..])
}

fn memory_may_hold_anything(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let mut memory = session_memory(&device, 0)?;
    for fill in [Some(0xff), Some(FILL), Some(0), None, None] {
        if let Some(byte) = fill {
            memory.fill(byte);
        }
        let what =
            fill.map_or("memory of a destroyed session".to_owned(), |byte| format!("memory full of {byte:#04x}"));
        let reply = create_in(&device, &SESSION, &memory)?;
        check_hresult(&format!("CreateCryptoSession in {what}"), HResult::OK, reply.hresult())?;
        let session = InMemory { device: &device, memory };
        probe.no_key(&format!("of a new session in {what}"), &device, session.handle())?;
        let key = session.negotiate(ctx)?;
        probe.key_at(&format!("the key of a session in {what}"), &device, session.handle(), &key)?;
        device.calls().destroy_crypto_session(session.handle())?.into_result()?;
        InMemory { memory, .. } = session;
    }
    Ok(())
}

/// Fails unless a session cannot be created; gives the driver's code.
fn refused(device: &Device, what: &str, desc: &CryptoSessionDesc) -> CaseResult<HResult> {
    let size = device.calls().calc_private_crypto_session_size(Some(&(*desc).into()))?;
    let memory = PrivateMemory::new(size);
    let reply = create_in(device, desc, &memory)?;
    if !failed(&reply) {
        device.calls().destroy_crypto_session(SessionHandle::of(&memory))?;
    }
    check_fails(&format!("CreateCryptoSession with {what}"), &reply)?;
    Ok(reply.hresult())
}

fn unknown(ctx: &Context<'_>) -> GUID {
    GUID::from_u128(u128::from_be_bytes(ctx.random()) | 1)
}

fn unsupported_pair(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    for (what, desc) in [
        ("an unknown crypto type", CryptoSessionDesc { crypto_type: unknown(ctx), ..SESSION }),
        ("an unknown decode profile", CryptoSessionDesc { decode_profile: unknown(ctx), ..SESSION }),
    ] {
        let seen = refused(&device, what, &desc)?;
        check_hresult(&format!("CreateCryptoSession with {what}"), HResult(D3DDDIERR_UNSUPPORTEDCRYPTO), seen)?;
    }
    Ok(())
}

fn unknown_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let listed = key_exchange_types(&device)?;
    for key_exchange_type in [unknown(ctx), unknown(ctx)].into_iter().filter(|guid| !listed.contains(guid)) {
        refused(&device, "an unknown key exchange type", &CryptoSessionDesc { key_exchange_type, ..SESSION })?;
    }
    Ok(())
}

/// The handle of a session, which must not be zero.
fn handle_value(device: &Device, session: SessionHandle<'_>) -> CaseResult<usize> {
    let mut handle = std::ptr::without_provenance_mut(0);
    let reply = device.calls().crypto_session_get_handle(session, Some(&mut handle))?;
    check_hresult("CryptoSessionGetHandle", HResult::OK, reply.hresult())?;
    check(!handle.is_null(), "a handle that is not zero", || "zero".to_owned())?;
    Ok(handle.addr())
}

fn handle_is_given(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = ctx.session(&device)?;
    let first = handle_value(&device, session.handle())?;
    let again = handle_value(&device, session.handle())?;
    check(first == again, format!("the handle {first:#x} once more"), || format!("{again:#x}"))
}

fn handles_differ(ctx: &Context<'_>) -> CaseResult {
    let devices = [ctx.device()?, ctx.device()?];
    let sessions = devices.iter().cycle().take(8).map(|device| ctx.session(device)).collect::<CaseResult<Vec<_>>>()?;
    let mut handles = Vec::new();
    for session in &sessions {
        let handle = handle_value(session.device(), session.handle())?;
        check(!handles.contains(&handle), "handles that all differ", || format!("{handle:#x} twice"))?;
        handles.push(handle);
    }
    for channel in devices.iter().map(|device| ctx.channel(device)) {
        let handle = match channel {
            Ok(channel) => channel.handle_value(),
            Err(Stop::Skipped { .. }) => continue,
            Err(stop) => return Err(stop),
        };
        check(!handles.contains(&handle), "a handle of a channel that no session has", || format!("{handle:#x}"))?;
    }
    Ok(())
}

fn handle_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let session = ctx.session(&device)?;
    let mut handle = std::ptr::without_provenance_mut(usize::MAX);
    let reply = other.calls().crypto_session_get_handle(session.handle(), Some(&mut handle))?;
    // Another case says that it fails.
    check(!failed(&reply) || handle.is_null(), "the handle zero", || format!("{:#x}", handle.addr()))
}

fn keys_are_apart(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let sessions = [ctx.keyed_session(&device)?, ctx.keyed_session(&device)?, ctx.keyed_session(&device)?];
    for at in [0, 2, 1, 1, 0, 2] {
        probe.key(&format!("the key of session {at}"), &sessions[at])?;
    }
    Ok(())
}

fn many(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let sessions = (0..MANY).map(|_| ctx.keyed_session(&device)).collect::<CaseResult<Vec<_>>>()?;
    sessions.iter().enumerate().try_for_each(|(at, session)| probe.key(&format!("the key of session {at}"), session))
}

fn destroy_in_any_order(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let mut sessions =
        (0..6).map(|number| Ok((number, ctx.keyed_session(&device)?))).collect::<CaseResult<Vec<_>>>()?;
    // The first, the last, and those in the middle.
    for at in [0, 4, 1, 2, 0] {
        let (gone, session) = sessions.remove(at);
        let reply = device.calls().destroy_crypto_session(session.handle())?;
        check(reply.reports.is_empty(), "DestroyCryptoSession without a report", || reply.hresult().to_string())?;
        drop(session);
        for (number, session) in &sessions {
            probe.key(&format!("the key of session {number} after session {gone} is gone"), session)?;
        }
    }
    Ok(())
}

/// Two devices, and a session with a key on the first one.
fn two_devices(ctx: &Context<'_>) -> CaseResult<(Device, Device, KeyedSession)> {
    let (device, other) = (ctx.device()?, ctx.device()?);
    let session = ctx.keyed_session(&device)?;
    Ok((device, other, session))
}

fn other_device(ctx: &Context<'_>) -> CaseResult {
    let (device, other, session) = two_devices(ctx)?;
    // Whether the resources are the session's device's or the other one's.
    let mut refusals = call_all(ctx, &other, session.handle(), &device)?;
    refusals.extend(call_all(ctx, &other, session.handle(), &other)?);
    for refusal in refusals {
        check_fails(&format!("{} with another device", refusal.reply.function), &refusal.reply)?;
    }
    let probe = probe_if_possible(ctx, &device)?;
    probe.map_or(Ok(()), |probe| probe.key("the key that the session had", &session))
}

fn other_device_outputs(ctx: &Context<'_>) -> CaseResult {
    let (_device, other, session) = two_devices(ctx)?;
    for refusal in call_all(ctx, &other, session.handle(), &other)?.into_iter().filter(|refusal| failed(&refusal.reply))
    {
        let function = refusal.reply.function;
        let expected = format!("{function} with another device: outputs as D30 has them");
        check(refusal.defect.is_none(), expected, || refusal.defect.unwrap_or_default())?;
    }
    Ok(())
}

fn other_device_destroy(ctx: &Context<'_>) -> CaseResult {
    let (device, other, session) = two_devices(ctx)?;
    let probe = probe_if_possible(ctx, &device)?;
    let reply = other.calls().destroy_crypto_session(session.handle())?;
    if let Some(probe) = probe {
        probe.key("the key that the session had", &session)?;
    }
    check_fails("DestroyCryptoSession with another device", &reply)
}

fn destroyed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = InMemory::create(ctx, &device)?;
    session.negotiate(ctx)?;
    device.calls().destroy_crypto_session(session.handle())?.into_result()?;
    for refusal in call_all(ctx, &device, session.handle(), &device)? {
        check_fails(&format!("{} on a destroyed session", refusal.reply.function), &refusal.reply)?;
    }
    // It may report that or not.
    device.calls().destroy_crypto_session(session.handle())?;
    ctx.keyed_session(&device).map(drop)
}

fn null_handle_pointer(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let session = ctx.session(&device)?;
    let reply = device.calls().crypto_session_get_handle(session.handle(), None)?;
    check_fails("CryptoSessionGetHandle without a place for the handle", &reply)
}
