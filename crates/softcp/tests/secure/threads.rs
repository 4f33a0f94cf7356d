//! Commands, blobs and teardowns on several threads.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use softcp::secure::clear_key::{function, status};
use softcp::secure::{ClearKeyEnvironment, EnvironmentError, SecureEnvironment};
use softcp::{Error, SessionStatus};

use crate::blobs::decrypt_with;
use crate::common::ctr;
use crate::rig::{KEY, KID, Rig, commands, licence};

/// Runs `test` and fails when it is not done within a minute: a deadlock is a failed test, not one that hangs.
pub(crate) fn within_a_minute(test: impl FnOnce() + Send + 'static) {
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

#[test]
fn threads_with_keys_of_their_own_get_their_own_keys() {
    within_a_minute(|| {
        let rig = Rig::new();
        rig.ok(function::PROVISION, &[]);
        thread::scope(|scope| {
            for seed in 1..=4_u8 {
                let rig = &rig;
                scope.spawn(move || {
                    let media = rig.media_session();
                    for round in 0..100_u8 {
                        let (kid, key) = ([seed; 16], [seed ^ round; 16]);
                        rig.load(&[(kid, key)]);
                        let key_of_blob = rig.adapter.open_sealed_key(&rig.blob(kid), None).unwrap();
                        let opened = decrypt_with(rig, media, key_of_blob, &[0; 16]).unwrap();
                        assert_eq!(opened, ctr(key, [7; 16], &[0; 16]), "thread {seed}, round {round}");
                    }
                });
            }
        });
    });
}

/// Each thread plays and recovers while another tears down; whatever comes, a blob that opens has the right key, and a
/// session that is lost can be restored.
#[test]
fn teardowns_at_any_moment_end_in_recovery_and_never_in_a_wrong_key() {
    within_a_minute(|| {
        let rig = Rig::new();
        thread::scope(|scope| {
            let players: Vec<_> = (0..3)
                .map(|_| {
                    let rig = &rig;
                    scope.spawn(move || play(rig))
                })
                .collect();
            while players.iter().any(|player| !player.is_finished()) {
                rig.adapter.teardown(false);
                thread::sleep(Duration::from_micros(300));
            }
            for player in players {
                player.join().unwrap();
            }
        });
    });
}

/// Decrypts 200 samples, each after as many recoveries as it takes.
fn play(rig: &Rig) {
    let session = rig.device.create_crypto_session(&commands()).unwrap();
    let media = rig.media_session();
    let send = |number, input: &[u8]| rig.send(session, number, input, 4096);
    for sample in 0..200_u8 {
        loop {
            let known = [0, status::NOT_PROVISIONED, status::UNKNOWN_KID];
            let _ = send(function::PROVISION, &[]);
            let (loaded, _) = send(function::LOAD_LICENCE, licence(&[(KID, KEY)]).as_bytes());
            let (made, blob) = send(function::MAKE_KEY_BLOB, &KID);
            assert!(known.contains(&loaded.status) && known.contains(&made.status));
            if rig.device.new_hardware_key(media, &[]).is_err() || made.status != 0 {
                continue;
            }
            let key = match rig.adapter.open_sealed_key(&blob, None) {
                Ok(key) => key,
                Err(Error::SealedKey(EnvironmentError::NotProvisioned | EnvironmentError::BadBlob)) => continue,
                Err(other) => panic!("{other:?}"),
            };
            match decrypt_with(rig, media, key, &[sample; 16]) {
                Ok(clear) => {
                    assert_eq!(clear, ctr(KEY, [7; 16], &[sample; 16]));
                    break;
                }
                Err(Error::KeyLost) => assert_ne!(rig.session_status(rig.session), SessionStatus::Ok),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn types_may_cross_threads() {
    fn is_send_and_sync<T: Send + Sync + ?Sized>() {}
    is_send_and_sync::<ClearKeyEnvironment>();
    is_send_and_sync::<dyn SecureEnvironment>();
}
