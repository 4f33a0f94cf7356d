//! Sessions on several threads: nobody waits for ever, and nobody gets another's result.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{Block, Rig, buffers, ctr, desc, key_exchange, xor};
use softcp::config::Config;
use softcp::provider::Provider;
use softcp::{Adapter, CryptoSession, DataKey, Device, Error, Handle, SharedSession};
use softcp_client::{ClientSession, ContentKey, IvSequence, SystemRandom};

/// Runs `test` and fails when it is not done within a minute: a deadlock is a failed test, not one that hangs.
fn within_a_minute(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Ok(()) => thread.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not done within a minute: a deadlock"),
    }
}

/// The keystream that a session deciphers with.
fn keystream(session: &SharedSession, iv: Block, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    let zeros = vec![0; len];
    session.lock().decryption_blt(buffers(&zeros, &mut out), None, &DataKey::Session, &iv).unwrap();
    out
}

#[test]
fn sessions_on_several_threads_keep_their_own_keys() {
    within_a_minute(|| {
        let rig = Rig::new("");
        let stream = |seed: u8| {
            let session = rig.device.crypto_session(rig.device.create_crypto_session(&desc()).unwrap()).unwrap();
            let (mut client, message) = ClientSession::negotiate(&rig.certificate, &SystemRandom).unwrap();
            session.lock().negotiate(message.as_bytes()).unwrap();
            let content_key = ContentKey::generate(&SystemRandom).unwrap();
            let mut ivs = IvSequence::new(&SystemRandom).unwrap();
            for frame in 0..300_usize {
                let clear = vec![seed; 100 + frame];
                let (iv, mut sent, mut opened) = (ivs.next_iv().unwrap(), clear.clone(), vec![0; clear.len()]);
                content_key.data_cipher().encrypt(iv, &mut sent);
                let wrapped = client.wrap_content_key(&content_key);
                let (surfaces, data_key) = (buffers(&sent, &mut opened), DataKey::Wrapped(wrapped.as_bytes()));
                session.lock().decryption_blt(surfaces, None, &data_key, &iv.to_bytes()).unwrap();
                assert_eq!(opened, clear, "session {seed}, frame {frame}");
                if frame % 10 == 0 {
                    let mut number = [0; 16];
                    session.lock().start_key_refresh(&mut number).unwrap();
                    client.start_refresh(number);
                    session.lock().finish_key_refresh().unwrap();
                    client.finish_refresh().unwrap();
                }
            }
        };
        thread::scope(|scope| {
            for seed in 0..4 {
                let stream = &stream;
                scope.spawn(move || stream(seed));
            }
        });
    });
}

#[test]
fn create_and_destroy_beside_a_blitting_thread_disturbs_nobody() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([9; 16]);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut blits = 0_u64;
                while !is_over.load(Ordering::Relaxed) || blits < 200 {
                    let iv = u128::from(blits).to_be_bytes();
                    let session = rig.device.crypto_session(rig.session).unwrap();
                    assert_eq!(keystream(&session, iv, 333), ctr([9; 16], iv, &[0; 333]), "blit {blits}");
                    blits += 1;
                }
            });
            for _ in 0..500 {
                let handles: Vec<_> = (0..4).map(|_| rig.device.create_crypto_session(&desc()).unwrap()).collect();
                for &handle in &handles {
                    let error = rig.device.crypto_session(handle).unwrap().lock().finish_key_refresh().unwrap_err();
                    assert!(matches!(error, Error::NoSessionKey), "a new session is another's: {error}");
                    rig.device.destroy_crypto_session(handle).unwrap();
                    assert!(rig.device.crypto_session(handle).is_err());
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn two_threads_on_one_session_see_one_key_after_the_other() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([4; 16]);
        let session = rig.device.crypto_session(rig.session).unwrap();
        let iv = [6; 16];
        let (keys, seen) = thread::scope(|scope| {
            let blitting = scope.spawn(|| {
                let mut seen: Vec<Vec<u8>> = Vec::new();
                loop {
                    // The generation first: what is seen after it is not older.
                    let is_last = session.lock().generation() == 301;
                    seen.push(keystream(&session, iv, 40));
                    if is_last {
                        return seen;
                    }
                }
            });
            let mut keys = vec![[4; 16]];
            for _ in 0..300 {
                let mut number = [0; 16];
                session.lock().start_key_refresh(&mut number).unwrap();
                thread::yield_now();
                session.lock().finish_key_refresh().unwrap();
                keys.push(xor(*keys.last().unwrap(), number));
            }
            (keys, blitting.join().unwrap())
        });
        let streams: Vec<_> = keys.iter().map(|&key| ctr(key, iv, &[0; 40])).collect();
        let mut at = 0;
        for stream in &seen {
            let step = streams[at..].iter().position(|expected| expected == stream);
            at += step.expect("a blit under no key of the session, or under an older one than the blit before");
        }
        assert_eq!(at, 300, "the last blit is not under the last key");
    });
}

#[test]
fn refreshes_by_two_threads_leave_a_key_that_follows_from_their_numbers() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([4; 16]);
        let session = rig.device.crypto_session(rig.session).unwrap();
        // Each thread holds the session from Start to Finish, as a runtime that serialises pairs of calls would.
        let refresh = || {
            (0..200).fold([0; 16], |sum, _| {
                let mut guard = session.lock();
                let mut number = [0; 16];
                guard.start_key_refresh(&mut number).unwrap();
                guard.finish_key_refresh().unwrap();
                xor(sum, number)
            })
        };
        let [one, two] = thread::scope(|scope| [scope.spawn(refresh), scope.spawn(refresh)].map(|t| t.join().unwrap()));
        let key = xor(xor([4; 16], one), two);
        assert_eq!(keystream(&session, [0; 16], 32), ctr(key, [0; 16], &[0; 32]));
        assert_eq!(session.lock().generation(), 401);
    });
}

#[test]
fn destroy_does_not_wait_for_a_call_under_way_and_the_call_ends_well() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([5; 16]);
        let session = rig.device.crypto_session(rig.session).unwrap();
        let mut guard = session.lock();
        // Were this to wait for the guard, it would wait for ever.
        thread::scope(|scope| {
            scope.spawn(|| rig.device.destroy_crypto_session(rig.session).unwrap());
        });
        assert!(matches!(rig.device.crypto_session(rig.session), Err(Error::BadHandle { .. })));
        let mut out = [0; 50];
        guard.decryption_blt(buffers(&[0; 50], &mut out), None, &DataKey::Session, &[1; 16]).unwrap();
        assert_eq!(out[..], ctr([5; 16], [1; 16], &[0; 50]));
    });
}

#[test]
fn call_under_way_outlives_its_device_and_adapter() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([5; 16]);
        let session = rig.device.crypto_session(rig.session).unwrap();
        drop(rig);
        assert_eq!(keystream(&session, [1; 16], 20), ctr([5; 16], [1; 16], &[0; 20]));
    });
}

#[test]
fn busy_session_holds_up_no_other() {
    within_a_minute(|| {
        let rig = Rig::new("");
        let busy = rig.device.crypto_session(rig.session).unwrap();
        let _busy = busy.lock();
        thread::scope(|scope| {
            scope.spawn(|| {
                let handle = rig.device.create_crypto_session(&desc()).unwrap();
                let session = rig.device.crypto_session(handle).unwrap();
                session.lock().negotiate(key_exchange(&rig.certificate, [7; 16]).message().as_bytes()).unwrap();
                assert_eq!(keystream(&session, [1; 16], 20), ctr([7; 16], [1; 16], &[0; 20]));
                assert!(Device::new(rig.device.adapter()).is_ok());
                rig.device.destroy_crypto_session(handle).unwrap();
            });
        });
    });
}

#[test]
fn identity_asked_for_by_many_threads_is_made_once() {
    within_a_minute(|| {
        let adapter = Adapter::new(&Config::default(), Provider::aws_lc()).unwrap();
        let certificate = || adapter.session_certificate(&desc().crypto_type).unwrap();
        let certificates: HashSet<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(certificate)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(certificates.len(), 1);
    });
}

#[test]
fn panic_while_a_session_is_held_leaves_it_usable() {
    within_a_minute(|| {
        let rig = Rig::new("");
        rig.negotiate([5; 16]);
        let session = rig.device.crypto_session(rig.session).unwrap();
        let holder = session.clone();
        let panicked = thread::spawn(move || {
            let _guard = holder.lock();
            panic!("a caller of the engine panics");
        });
        assert!(panicked.join().is_err());
        assert_eq!(keystream(&session, [1; 16], 20), ctr([5; 16], [1; 16], &[0; 20]));
    });
}

#[test]
fn ten_thousand_sessions_are_found_by_their_own_handles() {
    /// The keys of the sessions that get one, by their number.
    fn key(number: usize) -> Block {
        (number as u128 + 1).to_be_bytes()
    }
    const SESSIONS: usize = 10_000;
    const KEYED_EVERY: usize = 100;
    let rig = Rig::new("");
    let negotiate = |session: &SharedSession, number| {
        session.lock().negotiate(key_exchange(&rig.certificate, key(number)).message().as_bytes()).unwrap();
    };
    let find = |handle| rig.device.crypto_session(handle);
    let handles: Vec<Handle> = (0..SESSIONS).map(|_| rig.device.create_crypto_session(&desc()).unwrap()).collect();
    assert_eq!(handles.iter().collect::<HashSet<_>>().len(), SESSIONS, "handles are unique (D25)");
    for (number, &handle) in handles.iter().enumerate().step_by(KEYED_EVERY) {
        negotiate(&find(handle).unwrap(), number);
    }
    let check = |number: usize, handle| {
        let session = find(handle).unwrap();
        let is_keyed = number.is_multiple_of(KEYED_EVERY);
        assert_eq!(session.lock().generation(), u64::from(is_keyed), "session {number}");
        if is_keyed {
            assert_eq!(keystream(&session, [1; 16], 16), ctr(key(number), [1; 16], &[0; 16]), "session {number}");
        }
    };
    handles.iter().enumerate().for_each(|(number, &handle)| check(number, handle));

    // Every third goes; the others stay, and those that come into the free places are new.
    let (gone, left): (Vec<_>, Vec<_>) = handles.into_iter().enumerate().partition(|(number, _)| number % 3 == 1);
    for &(_, handle) in &gone {
        rig.device.destroy_crypto_session(handle).unwrap();
    }
    let fresh: Vec<_> = gone.iter().map(|_| rig.device.create_crypto_session(&desc()).unwrap()).collect();
    for &(number, handle) in &gone {
        assert!(matches!(find(handle), Err(Error::BadHandle { .. })), "session {number} is gone");
        assert!(!fresh.contains(&handle), "a handle names another session now");
    }
    for &(number, handle) in &left {
        check(number, handle);
    }
    for &handle in &fresh {
        assert_eq!(find(handle).unwrap().lock().generation(), 0, "a new session is as created");
    }
}

/// Sessions cross threads, and the errors that come back from there do too.
#[test]
fn types_may_cross_threads() {
    fn is_send_and_sync<T: Send + Sync>() {}
    fn is_send<T: Send>() {}
    is_send_and_sync::<Adapter>();
    is_send_and_sync::<Device>();
    is_send_and_sync::<SharedSession>();
    is_send_and_sync::<Error>();
    is_send::<CryptoSession>();
}
