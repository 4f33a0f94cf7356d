//! One device on several threads: sessions do not disturb one another, one session serialises its calls, and what is
//! destroyed while it is used is used to the end.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::collections::HashSet;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use common::{Block, Decryption, TestAdapter, TestDevice, TestSession, decrypts};
use softcp_abi::{D3DERR_INVALIDCALL, E_INVALIDARG, S_OK};
use softcp_client::{AesCtrIv, ContentKey, SystemRandom};
use softcp_ddi::core::device::{softcp_device, softcp_device_destroy};

const THREADS: usize = 4;
const ROUNDS: usize = 50;

#[test]
fn sessions_of_several_threads_keep_their_keys_apart() {
    let device = TestDevice::alone("");
    let certificate = device.certificate();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let (session, mut client) = device.keyed_session(&certificate);
                for _ in 0..ROUNDS {
                    let mut number = Block::default();
                    assert_eq!(device.start_refresh(&session, &mut number), S_OK);
                    assert!(decrypts(&device, &session, &client));
                    assert_eq!(device.finish_refresh(&session), S_OK);
                    client.start_refresh(number);
                    client.finish_refresh().unwrap();
                    assert!(decrypts(&device, &session, &client));
                }
                assert_eq!(device.destroy_session(&session), S_OK);
            });
        }
    });
}

#[test]
fn one_session_gives_every_thread_its_own_result() {
    let device = TestDevice::alone("");
    let (session, client) = device.keyed_session(&device.certificate());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (device, session, client) = (&device, &session, &client);
            scope.spawn(move || {
                let key = ContentKey::generate(&SystemRandom).unwrap();
                let wrapped = client.wrap_content_key(&key);
                let (source, destination) = (device.host.buffer(5000), device.host.buffer(5000));
                for round in 0..ROUNDS {
                    let clear = vec![u8::try_from(thread * ROUNDS + round).unwrap(); 5000];
                    let (iv, mut enciphered) = (AesCtrIv { iv: round as u64, count: 0 }, clear.clone());
                    key.data_cipher().encrypt(iv, &mut enciphered);
                    source.set_bytes(&enciphered);
                    let block = iv.to_bytes();
                    let blit = Decryption { content_key: Some(wrapped.as_bytes()), ..Decryption::with_iv(&block) };
                    let hresult = device.decryption_blt(session, source.handle(), destination.handle(), &blit);
                    assert_eq!(hresult, S_OK);
                    assert!(destination.bytes() == clear, "thread {thread}, round {round}");
                }
            });
        }
    });
}

#[test]
fn read_backs_of_several_threads_never_share_an_iv() {
    let device = TestDevice::alone("");
    let (session, _client) = device.keyed_session(&device.certificate());
    assert_eq!(device.encryption_blt_key(&session, &mut [0; 16]), S_OK);
    let ivs: Vec<Block> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let (source, destination) = (device.host.buffer(64), device.host.buffer(64));
                    let mut ivs = vec![Block::default(); ROUNDS];
                    for iv in &mut ivs {
                        let (from, to) = (source.handle(), destination.handle());
                        assert_eq!(device.encryption_blt(&session, from, to, iv), S_OK);
                    }
                    ivs
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ivs.iter().collect::<HashSet<_>>().len(), THREADS * ROUNDS);
}

#[test]
fn each_start_of_a_refresh_is_answered_once_by_finish() {
    let device = TestDevice::alone("");
    let (session, _client) = device.keyed_session(&device.certificate());
    for _ in 0..ROUNDS {
        assert_eq!(device.start_refresh(&session, &mut [0; 16]), S_OK);
        let barrier = Barrier::new(THREADS);
        let finished = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        device.finish_refresh_unobserved(&session);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            THREADS - device.host.take_reports().iter().filter(|r| r.hresult == D3DERR_INVALIDCALL).count()
        });
        assert_eq!(finished, 1);
    }
}

#[test]
fn sessions_created_and_destroyed_by_several_threads_are_never_mixed_up() {
    let device = TestDevice::alone("");
    let (kept, client) = device.keyed_session(&device.certificate());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..10 * ROUNDS {
                    let session = device.create_session();
                    let id = session.id();
                    assert_eq!(device.handle_of(&session), (S_OK, id));
                    assert_eq!(device.destroy_session(&session), S_OK);
                    assert_eq!(device.handle_of(&TestSession::holding(id)), (E_INVALIDARG, 0));
                }
            });
        }
    });
    assert!(decrypts(&device, &kept, &client));
}

#[test]
fn identity_made_at_first_use_is_one_for_all_threads() {
    let adapter = TestAdapter::with_options("");
    let barrier = Barrier::new(THREADS);
    let certificates: HashSet<Vec<u8>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let device = TestDevice::new(&adapter);
                    barrier.wait();
                    device.certificate_bytes()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(certificates.len(), 1);
}

#[test]
fn devices_made_and_destroyed_by_several_threads_are_attached_apart() {
    let adapter = TestAdapter::new("");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let mut device = TestDevice::new(&adapter);
                    let session = device.create_session();
                    assert_eq!(device.status_of(&session), (S_OK, 0));
                    device.destroy();
                    assert_eq!(device.handle_of(&session), (E_INVALIDARG, 0));
                }
            });
        }
    });
}

/// What a thread remembers of a device ends when another thread detaches it.
#[test]
fn device_replaced_by_another_thread_is_the_new_one_for_all_threads() {
    let adapter = TestAdapter::new("");
    let mut device = TestDevice::new(&adapter);
    let certificate = device.certificate();
    let (h_device, table) = (SendDevice(device.h_device), device.table);
    let found = move |session: &TestSession| {
        let (h_device, mut handle, mut number) = ({ &h_device }.0, null_mut(), Block::default());
        let get_handle = table.pfnCryptoSessionGetHandle.unwrap();
        // SAFETY: the private memory and the output live past the call.
        let hresult = unsafe { get_handle(h_device, session.handle(), &raw mut handle) };
        let start = table.pfnStartSessionKeyRefresh.unwrap();
        // SAFETY: the private memory and the number live past the call.
        unsafe { start(h_device, session.handle(), 16, number.as_mut_ptr().cast()) };
        (hresult, number != Block::default())
    };
    let (yes, no) = ((S_OK, true), (E_INVALIDARG, false));
    let (ask, asked) = mpsc::channel::<Arc<TestSession>>();
    let (answer, answers) = mpsc::channel();
    thread::scope(|scope| {
        let found = &found;
        // Ends when nobody asks any more.
        scope.spawn(move || asked.into_iter().for_each(|session| answer.send(found(&session)).unwrap()));
        let ask = ask;
        let other_thread = |session: &Arc<TestSession>| {
            ask.send(Arc::clone(session)).unwrap();
            answers.recv().unwrap()
        };
        let (before, _client) = device.keyed_session(&certificate);
        let before = Arc::new(before);
        assert_eq!(other_thread(&before), yes);

        let callbacks = common::host::Host::callbacks(&device.host);
        device.replace(&adapter, &callbacks);
        assert_eq!((other_thread(&before), found(&before)), (no, no));
        device.host.take_reports();
        let (after, _client) = device.keyed_session(&certificate);
        let after = Arc::new(after);
        assert_eq!((other_thread(&after), found(&after)), (yes, yes));

        device.destroy();
        assert_eq!((other_thread(&after), found(&after)), (no, no));
        device.host.take_reports();
    });
}

/// A number that crosses threads.
struct SendDevice(softcp_abi::D3D10DDI_HDEVICE);

// SAFETY: nothing is read at the address.
unsafe impl Send for SendDevice {}
// SAFETY: as for Send.
unsafe impl Sync for SendDevice {}

#[test]
fn session_destroyed_during_its_blit_decrypts_to_the_end() {
    let device = Arc::new(TestDevice::alone(""));
    let (session, client) = device.keyed_session(&device.certificate());
    let session = Arc::new(session);
    let destroyed = Arc::new(AtomicBool::new(false));
    device.host.during_map(Some(Box::new({
        let (device, session, destroyed) = (Arc::clone(&device), Arc::clone(&session), Arc::clone(&destroyed));
        move || {
            if !destroyed.swap(true, Ordering::Relaxed) {
                thread::scope(|scope| {
                    scope.spawn(|| assert_eq!(device.destroy_session(&session), S_OK));
                });
            }
        }
    })));
    // The handle is gone from the private memory by the time the blit ends, but not from the call under way.
    assert!(decrypts(&device, &session, &client));
    assert!(destroyed.load(Ordering::Relaxed));
    assert!(!decrypts(&device, &session, &client));
    device.host.during_map(None);
}

/// A regression test: a core function used its device after another thread, or its own callback, had destroyed it.
#[test]
fn device_destroyed_during_a_blit_decrypts_to_the_end() {
    for by_another_thread in [false, true] {
        let mut device = TestDevice::alone("");
        let (session, client) = device.keyed_session(&device.certificate());
        let raw = Arc::new(AtomicPtr::new(device.as_ptr()));
        let junk = Arc::new(std::sync::Mutex::new(Vec::new()));
        device.host.during_map(Some(Box::new({
            let (raw, junk) = (Arc::clone(&raw), Arc::clone(&junk));
            move || {
                let destroy = || {
                    let device = raw.swap(null_mut(), Ordering::Relaxed);
                    // SAFETY: alive until now, and not used again; null does nothing.
                    assert_eq!(unsafe { softcp_device_destroy(device) }, S_OK);
                };
                if by_another_thread {
                    thread::scope(|scope| {
                        scope.spawn(destroy);
                    });
                } else {
                    destroy();
                }
                // Whatever was freed too early is written over.
                junk.lock().unwrap().extend((1..200).map(|size| vec![0xFF_u8; size]));
            }
        })));
        assert!(core_blit_decrypts(&device, raw.load(Ordering::Relaxed), &session, &client));
        assert!(raw.load(Ordering::Relaxed).is_null());
        device.host.during_map(None);
        device.forget();
    }
}

/// As [`decrypts`], through the core function.
fn core_blit_decrypts(
    device: &TestDevice,
    raw: *const softcp_device,
    session: &TestSession,
    client: &softcp_client::ClientSession,
) -> bool {
    let (iv, clear) = (AesCtrIv { iv: 5, count: 0 }, [7; 100]);
    let mut enciphered = clear;
    client.data_cipher().encrypt(iv, &mut enciphered);
    let (source, destination) = (device.host.buffer(clear.len()), device.host.buffer(clear.len()));
    source.set_bytes(&enciphered);
    let (from, to, block) = (source.handle().pDrvPrivate, destination.handle().pDrvPrivate, iv.to_bytes());
    let (none, iv) = (std::ptr::null(), block.as_ptr().cast());
    let blt = softcp_ddi::core::session::softcp_session_decryption_blt;
    // SAFETY: the device lives when the call begins, and the IV past the call.
    let hresult = unsafe { blt(raw, session.id(), from, to, std::ptr::null(), 0, none, 16, iv) };
    hresult == S_OK && destination.bytes() == clear
}
