//! Threads: what each may do at the same time as the others. A session or channel is called by one thread at a time.

use std::sync::Barrier;
use std::thread;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT as DECRYPTION_BLT,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE as CHANNEL_TYPE, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT as Answer,
    D3D11_AUTHENTICATED_QUERY_INPUT as Query,
};
use softcp_runtime::{Device, HResult, PrivateMemory, SessionHandle};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_hresult};
use crate::context::Context;
use crate::message::{Message, is_signed};
use crate::oracle::ctr;
use crate::oracle::oaep::Padding;
use crate::probe::{Probe, create_in, decipher, negotiate, session_key, session_memory};
use crate::rig::{Blit, KeyedChannel, KeyedSession, SESSION};

/// Threads that run at the same time.
const THREADS: usize = 4;
/// What each does again and again.
const ROUNDS: usize = 40;

pub(super) const GROUP: Group = Group {
    name: "threads",
    title: "Threads",
    cases: &[
        Case {
            name: "threads/sessions-in-parallel",
            rule: "Sessions of one device decipher rightly while others do so on other threads.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: sessions_in_parallel,
        },
        Case {
            name: "threads/devices-in-parallel",
            rule: "Devices work on a thread each, with their sessions.",
            source: "DecryptionBlt",
            requirement: Requirement::Quality,
            run: devices_in_parallel,
        },
        Case {
            name: "threads/create-and-destroy",
            rule: "Threads create, negotiate and destroy sessions of one device at the same time, each its own.",
            source: "CreateCryptoSession, DestroyCryptoSession",
            requirement: Requirement::Quality,
            run: create_and_destroy,
        },
        Case {
            name: "threads/channels-in-parallel",
            rule: "Channels of one device answer on a thread each, signed with their own keys.",
            source: "QueryAuthenticatedChannel",
            requirement: Requirement::Quality,
            run: channels_in_parallel,
        },
        Case {
            name: "threads/numbers-differ",
            rule: "Random numbers for session key refresh that threads get at the same time all differ.",
            source: "StartSessionKeyRefresh",
            requirement: Requirement::Quality,
            run: numbers_differ,
        },
        Case {
            name: "threads/handles-differ",
            rule: "Sessions that threads create at the same time have different handles.",
            source: "D25",
            requirement: Requirement::Decision,
            run: handles_differ,
        },
        Case {
            name: "threads/reports-on-the-calling-thread",
            rule: "A failure is reported on the thread that made the call, once, while other threads succeed.",
            source: "D20",
            requirement: Requirement::Decision,
            run: reports_on_the_calling_thread,
        },
    ],
};

/// Runs a closure for each item on a thread of its own, all at the same time; the results in the items' order.
fn in_parallel<I: Send, T: Send>(items: Vec<I>, run: impl Fn(usize, I) -> CaseResult<T> + Sync) -> CaseResult<Vec<T>> {
    let barrier = Barrier::new(items.len());
    let (barrier, run) = (&barrier, &run);
    thread::scope(|scope| {
        let start = |(at, item)| {
            scope.spawn(move || {
                barrier.wait();
                run(at, item)
            })
        };
        let threads: Vec<_> = items.into_iter().enumerate().map(start).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err(Stop::failed("a thread that comes to its end", "a panic")))
        };
        threads.into_iter().map(join).collect()
    })
}

/// An IV of a thread's own, greater than the one before.
fn iv(thread: usize, round: usize) -> [u8; 16] {
    let mut iv = [0; 16];
    iv[..8].copy_from_slice(&(((round as u64) << 8) | thread as u64).to_be_bytes());
    iv
}

/// Deciphers with a session again and again.
fn decipher_often(thread: usize, session: &KeyedSession) -> CaseResult {
    for round in 1..=ROUNDS {
        let blit = Blit { iv: iv(thread, round), ..Blit::default() };
        let data: Vec<u8> =
            (0..=255).map(|byte: u8| byte.wrapping_mul(7).wrapping_add(blit.iv[7] ^ blit.iv[6])).collect();
        let (reply, seen) = decipher(session.session.device(), session.handle(), &blit, &data)?;
        reply.into_result()?;
        let what = format!("clear bytes of thread {thread} in round {round}");
        check_bytes(&what, &ctr::apply(&session.key, &blit.iv, None, &data), &seen)?;
    }
    Ok(())
}

fn sessions_in_parallel(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    Probe::new(ctx, &device)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&device)).collect::<CaseResult<Vec<_>>>()?;
    in_parallel(sessions, |thread, session| decipher_often(thread, &session)).map(drop)
}

fn devices_in_parallel(ctx: &Context<'_>) -> CaseResult {
    Probe::new(ctx, &ctx.device()?)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&ctx.device()?)).collect::<CaseResult<Vec<_>>>()?;
    in_parallel(sessions, |thread, session| decipher_often(thread, &session)).map(drop)
}

fn create_and_destroy(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let watcher = ctx.keyed_session(&device)?;
    let public_key = session_key(ctx, &device)?;
    let keys: Vec<Vec<[u8; 16]>> = (0..THREADS).map(|_| (0..8).map(|_| ctx.random()).collect()).collect();
    in_parallel(keys, |thread, keys| {
        for (round, key) in (1..).zip(keys) {
            let memory: PrivateMemory = session_memory(&device, 0)?;
            let session = SessionHandle::of(&memory);
            create_in(&device, &SESSION, &memory)?.into_result()?;
            negotiate(&device, session, &public_key.encrypt(&key, Padding::Oaep512))?.0.into_result()?;
            let (blit, data) = (Blit { iv: iv(thread, round), ..Blit::default() }, key.repeat(3));
            let (reply, seen) = decipher(&device, session, &blit, &data)?;
            reply.into_result()?;
            let what = format!("clear bytes of thread {thread} under the key of round {round}");
            check_bytes(&what, &ctr::apply(&key, &blit.iv, None, &data), &seen)?;
            device.calls().destroy_crypto_session(session)?.into_result()?;
        }
        Ok(())
    })?;
    probe.key("the key of a session that was there all the time", &watcher)
}

/// Asks for the channel's type again and again.
fn ask_often(channel: &mut KeyedChannel) -> CaseResult {
    for _ in 0..ROUNDS {
        channel.query += 1;
        let handle = channel.channel.handle_value();
        let question = Message::query(CHANNEL_TYPE, handle, channel.query, size_of::<Query>());
        let mut answer = vec![0; size_of::<Answer>()];
        let reply = channel.channel.query(&question.0, &mut answer)?;
        check_hresult(&format!("QUERY_CHANNEL_TYPE with number {}", channel.query), HResult::OK, reply.hresult())?;
        check(is_signed(&channel.key, &answer), "an answer signed with the channel's own key", || {
            "another".to_owned()
        })?;
    }
    Ok(())
}

fn channels_in_parallel(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let channels = (0..THREADS).map(|_| ctx.open_channel(&device)).collect::<CaseResult<Vec<_>>>()?;
    in_parallel(channels, |_, mut channel| ask_often(&mut channel)).map(drop)
}

fn numbers_differ(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, FRESHEN)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&device)).collect::<CaseResult<Vec<_>>>()?;
    let numbers = in_parallel(sessions, |_, mut session| {
        (0..256).map(|_| Ok(session.session.start_key_refresh()?)).collect::<CaseResult<Vec<_>>>()
    })?;
    let mut numbers = numbers.concat();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    check(numbers.len() == count, format!("{count} numbers that all differ"), || format!("{} do", numbers.len()))
}

fn handles_differ(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.caps(&device)?;
    let devices: Vec<Device> = vec![device; THREADS];
    let sessions = in_parallel(devices, |_, device| {
        let create = |_| {
            let mut session = device.create_session(&SESSION)?;
            Ok((session.handle_value()?, session))
        };
        (0..16).map(create).collect::<CaseResult<Vec<_>>>()
    })?;
    let mut handles: Vec<_> = sessions.iter().flatten().map(|(handle, _)| *handle).collect();
    let count = handles.len();
    handles.sort_unstable();
    handles.dedup();
    check(handles.len() == count, format!("{count} handles that all differ"), || format!("{} do", handles.len()))
}

fn reports_on_the_calling_thread(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, DECRYPTION_BLT)?;
    // Every second session has no key, and its calls fail.
    let session = |at| if at % 2 == 0 { Ok(ctx.keyed_session(&device)?.session) } else { ctx.session(&device) };
    let sessions = (0..THREADS).map(session).collect::<CaseResult<Vec<_>>>()?;
    in_parallel(sessions, |thread, session| {
        for round in 1..=ROUNDS {
            let blit = Blit { iv: iv(thread, round), ..Blit::default() };
            let (reply, _) = decipher(&device, session.handle(), &blit, &[1; 32])?;
            let expected = thread % 2;
            check(reply.reports.len() == expected, format!("{expected} reports on thread {thread}"), || {
                format!("{}: {:?}", reply.reports.len(), reply.reports)
            })?;
        }
        Ok(())
    })
    .map(drop)
}
