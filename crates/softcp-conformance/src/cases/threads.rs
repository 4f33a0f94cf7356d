//! Threads: what each may do at the same time as the others. A session or channel is called by one thread at a time.

use std::sync::Barrier;
use std::thread;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY as FRESHEN,
    D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE as CHANNEL_TYPE, D3D11_AUTHENTICATED_QUERY_CHANNEL_TYPE_OUTPUT as Answer,
    D3D11_AUTHENTICATED_QUERY_INPUT as Query, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION as COMMUNICATION,
};
use softcp_runtime::{
    CommandMessage, CryptoSessionDesc, Device, HResult, Output, PrivateMemory, Resource, ResourceDesc, SecureCommand,
    SessionHandle,
};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_bytes, check_equal, check_hresult};
use crate::context::Context;
use crate::dialogue::{ASK_CRYPTO_SESSION, QUERY_HEADER};
use crate::message::{Message, is_signed};
use crate::oracle::ctr;
use crate::oracle::oaep::Padding;
use crate::probe::{Probe, create_in, decipher, negotiate, session_key, session_memory};
use crate::rig::{Blit, KeyedChannel, KeyedSession, SESSION};
use crate::variation::Mix;

/// Threads that run at the same time.
const THREADS: usize = 4;
/// What each does again and again.
const ROUNDS: usize = 100;
/// Random numbers that each thread takes.
const NUMBERS: usize = 2048;

pub(super) const GROUP: Group = Group {
    name: "threads",
    title: "Threads",
    mix: Mix::OneMore,
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
            name: "threads/channels-name-each-other",
            rule: "Channels whose queries name each other in the place of a decoder are answered on a thread each.",
            source: "D39",
            requirement: Requirement::Decision,
            run: channels_name_each_other,
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
            name: "threads/mt-key-exchange",
            rule: "NegotiateCryptoSessionKeyExchangeMT may be called by several threads on one session: one of their keys is then in force.",
            source: "NegotiateCryptoSessionKeyExchangeMT",
            requirement: Requirement::Reference,
            run: mt_key_exchange,
        },
        Case {
            name: "threads/mt-commands",
            rule: "NegotiateCryptoSessionKeyExchangeMT carries commands of several threads on one session.",
            source: "NegotiateCryptoSessionKeyExchangeMT",
            requirement: Requirement::Reference,
            run: mt_commands,
        },
        Case {
            name: "threads/opposite-blits",
            rule: "Two threads that blit between the same two resources in opposite directions never wait for each other for ever.",
            source: "DecryptionBlt; D43",
            requirement: Requirement::Quality,
            run: opposite_blits,
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

/// Bytes of each blit where threads decipher: enough that blits of several threads overlap.
const BYTES: usize = 1 << 16;
/// Blits of each thread there.
const BLITS: usize = 128;
/// How often the threads are started.
const PASSES: usize = 3;
/// How many blits of a pass are looked at as a whole; of the others it is the first and the last block.
const WHOLE: usize = 1;

/// What one thread does: all that it takes is there before the threads start.
struct Work {
    session: KeyedSession,
    source: Resource,
    blits: Vec<(Blit<'static>, Resource)>,
    data: Vec<u8>,
}

impl Work {
    fn new(ctx: &Context<'_>, (thread, pass): (usize, usize), session: KeyedSession) -> CaseResult<Self> {
        let (device, desc, data) = (session.session.device(), ResourceDesc::buffer(BYTES), ctx.random_bytes(BYTES));
        let source = ctx.resource(device, &desc, &data)?;
        let blit = |round| {
            Ok((Blit { iv: iv(thread, pass * BLITS + round), ..Blit::default() }, device.create_resource(&desc)?))
        };
        let blits = (1..=BLITS).map(blit).collect::<CaseResult<Vec<_>>>()?;
        Ok(Self { session, source, blits, data })
    }

    fn run(&self) -> CaseResult {
        for (blit, destination) in &self.blits {
            let device = self.session.session.device();
            blit.call(device, self.session.handle(), &self.source, destination)?.into_result()?;
        }
        Ok(())
    }

    fn check(&mut self, thread: usize) -> CaseResult {
        let (key, data) = (&self.session.key, &self.data);
        for (round, (blit, destination)) in self.blits.iter_mut().enumerate() {
            let what = format!("clear bytes of thread {thread}, blit {round}");
            let mapping = destination.map_read()?;
            let seen = if mapping.rows() == 1 { mapping.row(0) } else { &[] };
            check(seen.len() == BYTES, format!("a buffer of {BYTES} bytes"), || format!("{} bytes", seen.len()))?;
            if round < WHOLE {
                check_bytes(&what, &ctr::apply(key, &blit.iv, None, data), seen)?;
            }
            let mut last = blit.iv;
            last[8..].copy_from_slice(&(BYTES as u64 / 16 - 1).to_be_bytes());
            for (block, at) in [(blit.iv, 0), (last, BYTES - 16)] {
                let what = format!("{what}, from byte {at} on");
                check_bytes(&what, &ctr::apply(key, &block, None, &data[at..at + 16]), &seen[at..at + 16])?;
            }
        }
        Ok(())
    }
}

/// Deciphers with each session on a thread of its own, and looks at the results when all are done.
fn decipher_in_parallel(ctx: &Context<'_>, mut sessions: Vec<KeyedSession>) -> CaseResult {
    for pass in 0..PASSES {
        let work = sessions.into_iter().enumerate().map(|(thread, session)| Work::new(ctx, (thread, pass), session));
        let mut done = in_parallel(work.collect::<CaseResult<Vec<_>>>()?, |_, work| work.run().map(|()| work))?;
        done.iter_mut().enumerate().try_for_each(|(thread, work)| work.check(thread))?;
        sessions = done.into_iter().map(|work| work.session).collect();
    }
    Ok(())
}

fn sessions_in_parallel(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    Probe::new(ctx, &device)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&device)).collect::<CaseResult<Vec<_>>>()?;
    decipher_in_parallel(ctx, sessions)
}

fn devices_in_parallel(ctx: &Context<'_>) -> CaseResult {
    Probe::new(ctx, &ctx.device()?)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&ctx.device()?)).collect::<CaseResult<Vec<_>>>()?;
    decipher_in_parallel(ctx, sessions)
}

fn create_and_destroy(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let watcher = ctx.keyed_session(&device)?;
    let public_key = session_key(ctx, &device)?;
    let keys: Vec<Vec<[u8; 16]>> = (0..THREADS).map(|_| (0..16).map(|_| ctx.random()).collect()).collect();
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

/// A driver that locks one channel while another is locked waits for ever, and runs into the time limit.
fn channels_name_each_other(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let channels = [ctx.open_channel(&device)?, ctx.open_channel(&device)?];
    let [one, other] = [0, 1].map(|at| channels[at].channel.handle_value());
    let work = channels.into_iter().zip([other, one]).collect();
    in_parallel(work, |_, (mut channel, named): (KeyedChannel, usize)| {
        for _ in 0..10 * ROUNDS {
            let query = channel.next_query(&ASK_CRYPTO_SESSION).with(QUERY_HEADER, named);
            channel.deny("another channel for a decoder", &ASK_CRYPTO_SESSION, &query)?;
        }
        Ok(())
    })
    .map(drop)
}

fn numbers_differ(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, FRESHEN)?;
    let sessions = (0..THREADS).map(|_| ctx.keyed_session(&device)).collect::<CaseResult<Vec<_>>>()?;
    let numbers = in_parallel(sessions, |_, mut session| {
        (0..NUMBERS).map(|_| Ok(session.session.start_key_refresh()?)).collect::<CaseResult<Vec<_>>>()
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
        (0..64).map(create).collect::<CaseResult<Vec<_>>>()
    })?;
    let mut handles: Vec<_> = sessions.iter().flatten().map(|(handle, _)| *handle).collect();
    let count = handles.len();
    handles.sort_unstable();
    handles.dedup();
    check(handles.len() == count, format!("{count} handles that all differ"), || format!("{} do", handles.len()))
}

fn reports_on_the_calling_thread(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    Probe::new(ctx, &device)?;
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

/// Blits of each thread in opposite directions: enough that threads that take two locks in two orders meet.
const OPPOSITE_BLITS: usize = 2000;

/// That the blits return is what is checked: a driver may refuse one while another uses a resource. One that does not return
/// costs the case its time limit.
fn opposite_blits(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let desc = ResourceDesc::buffer(64);
    let resources = [ctx.resource(&device, &desc, &[1; 64])?, ctx.resource(&device, &desc, &[2; 64])?];
    let sessions = [ctx.keyed_session(&device)?, ctx.keyed_session(&device)?];
    let done = in_parallel(sessions.into(), |thread, session| {
        let (source, destination) = (&resources[thread], &resources[1 - thread]);
        let mut refused = 0;
        for round in 1..=OPPOSITE_BLITS {
            let blit = Blit { iv: iv(thread, round), ..Blit::default() };
            let reply = blit.call(&device, session.handle(), source, destination)?;
            refused += usize::from(!reply.hresult().is_ok());
        }
        Ok((session, refused))
    })?;
    for (thread, (session, refused)) in done.into_iter().enumerate() {
        ctx.note(format!("thread {thread}: {refused} of {OPPOSITE_BLITS} blits were refused"));
        // Its IVs are past those of the probe, for drivers that want them to increase.
        let blit = Blit { iv: iv(thread, OPPOSITE_BLITS + 1), ..Blit::default() };
        let (reply, seen) = decipher(&device, session.handle(), &blit, &[7; 48])?;
        reply.into_result()?;
        let expected = ctr::apply(&session.key, &blit.iv, None, &[7; 48]);
        check_bytes(&format!("clear bytes of thread {thread} afterwards"), &expected, &seen)?;
    }
    probe.key("the key of a new session", &ctx.keyed_session(&device)?)
}

fn mt_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let probe = Probe::new(ctx, &device)?;
    let (session, public_key) = (ctx.session(&device)?, session_key(ctx, &device)?);
    for round in 0..4 {
        let keys: Vec<[u8; 16]> = (0..THREADS).map(|_| ctx.random()).collect();
        let messages = keys.iter().map(|key| public_key.encrypt(key, Padding::Oaep512)).collect();
        in_parallel(messages, |_, mut message: Vec<u8>| {
            let (calls, to) = (device.calls(), Output::Bytes(&mut message));
            // SAFETY: the session takes a key, not commands.
            let reply = unsafe { calls.negotiate_crypto_session_key_exchange_mt(session.handle(), 0, to) };
            Ok(reply?.into_result()?)
        })?;
        let is_in_force = |key| probe.key_at("a key", &device, session.handle(), key).is_ok();
        check(keys.iter().any(is_in_force), format!("one of the {THREADS} keys of round {round} in force"), || {
            "none of them".to_owned()
        })?;
    }
    Ok(())
}

fn mt_commands(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.require(&device, COMMUNICATION)?;
    let desc = CryptoSessionDesc { key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION, ..SESSION };
    let (session, sizes) = (device.create_session(&desc)?, device.private_data_sizes(&desc)?);
    let private_input = vec![0; sizes.input as usize];
    // What the command means is the environment's affair.
    let command =
        SecureCommand { function: 1, private_input: &private_input, input: &[], private_room: sizes.output, room: 64 };
    let run = || -> CaseResult<_> {
        let mut message = CommandMessage::new(&command)?;
        let reply = device.calls().execute_command_mt(session.handle(), 0, &mut message)?;
        let answer = message.answer()?;
        Ok((reply.hresult(), answer.status, answer.output))
    };
    let alone = run()?;
    in_parallel(vec![(); THREADS], |thread, ()| {
        (0..ROUNDS).try_for_each(|_| check_equal(&format!("the answer on thread {thread}"), &alone, &run()?))
    })
    .map(drop)
}
