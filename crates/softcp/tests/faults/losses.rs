//! Keys, content and devices that are lost.

use std::sync::{Arc, Mutex};

use softcp::{
    Adapter, CryptoSession, DataKey, DecoderBuffer, DecoderEncryption, Device, Encrypted, Error, Outputs,
    SessionStatus, SharedSession, TeardownObserver,
};

use crate::common::{Block, Rig, adapter, buffers, checked_certificate, ctr, desc, key_exchange};
use crate::{inject, rig};

const KEY: Block = *b"the session key.";
const OTHER: Block = *b"the next one....";
const IV: Block = [7; 16];

/// Every call that a loss can come with, on a session with a key and a read-back key and a refresh begun.
type Call = fn(&mut CryptoSession, &mut [u8; 16]) -> Result<(), Error>;
const CALLS: [(&str, Call); 6] = [
    ("DecryptionBlt", |session, out| session.decryption_blt(buffers(&[0; 16], out), None, &DataKey::Session, &IV)),
    ("DecryptionBlt", |session, out| {
        session.decryption_blt(buffers(&[0; 16], out), None, &DataKey::Wrapped(&[3; 16]), &IV)
    }),
    ("EncryptionBlt", |session, out| session.encryption_blt(buffers(&[0; 16], out), &mut [0; 16])),
    ("GetEncryptionBltKey", |session, out| session.encryption_blt_key(out)),
    ("StartSessionKeyRefresh", |session, out| session.start_key_refresh(out)),
    ("FinishSessionKeyRefresh", |session, _| session.finish_key_refresh()),
];

/// A rig whose session is ready for every call.
fn ready() -> Rig {
    let (rig, _) = rig("");
    rig.negotiate(KEY);
    rig.call(|session| session.encryption_blt_key(&mut [0; 16])).unwrap();
    rig.call(|session| session.start_key_refresh(&mut [0; 16])).unwrap();
    rig
}

#[test]
fn a_lost_key_is_noticed_at_every_call_and_a_key_exchange_brings_a_new_one() {
    for (name, call) in CALLS {
        for (fault, content, status) in [
            ("key-lost", false, SessionStatus::KeyLost),
            ("key-and-content-lost", true, SessionStatus::KeyAndContentLost),
        ] {
            let rig = ready();
            inject(&rig, fault);
            let mut out = [0xEE; 16];
            let error = rig.call(|session| call(session, &mut out)).unwrap_err();
            assert!(matches!(error, Error::TornDown { content: lost } if lost == content), "{name}: {error}");
            assert_eq!((error.hresult(), out), (softcp_abi::D3DERR_INVALIDCALL, [0xEE; 16]), "{name}");
            assert_eq!(rig.call(|session| session.status()), status, "{name}");
            // Lost stays lost, by the rules and not by the fault.
            let again = rig.call(|session| call(session, &mut out)).unwrap_err();
            assert!(matches!(again, Error::KeyLost), "{name}: {again}");
            rig.negotiate(OTHER);
            assert_eq!(rig.call(|session| session.status()), SessionStatus::Ok);
            assert_eq!(rig.decrypt(&[1; 40], IV), ctr(OTHER, IV, &[1; 40]), "{name}");
        }
    }
}

#[test]
fn only_calls_on_a_session_with_a_key_count() {
    let (rig, _) = rig("key-lost at=2");
    for (_, call) in CALLS {
        let error = rig.call(|session| call(session, &mut [0; 16])).unwrap_err();
        assert!(matches!(error, Error::NoSessionKey), "{error}");
    }
    rig.negotiate(KEY);
    assert_eq!(rig.decrypt(&[1; 40], IV), ctr(KEY, IV, &[1; 40]));
    assert_eq!(rig.device.adapter().faults().list()[0].counted, 1);
    let lost = rig.call(|session| session.decryption_blt(buffers(&[], &mut []), None, &DataKey::Session, &IV));
    assert!(matches!(lost, Err(Error::TornDown { .. })));
}

#[test]
fn stronger_loss_wins_and_both_count() {
    let (rig, _) = rig("key-lost,key-and-content-lost");
    rig.negotiate(KEY);
    let lost = rig.call(CryptoSession::finish_key_refresh);
    assert!(matches!(lost, Err(Error::TornDown { content: true })));
    assert!(rig.device.adapter().faults().list().iter().all(|fault| fault.occurred == 1));
}

#[test]
fn loss_at_random_calls_loses_no_byte() {
    let (rig, _) = rig("key-lost probability=0.3 seed=11");
    rig.negotiate(KEY);
    let (mut key, mut losses) = (KEY, 0);
    for round in 0..200_u8 {
        let clear = [round; 33];
        let opened = loop {
            let (enciphered, mut out) = (ctr(key, IV, &clear), [0; 33]);
            let surfaces = buffers(&enciphered, &mut out);
            match rig.call(|session| session.decryption_blt(surfaces, None, &DataKey::Session, &IV)) {
                Ok(()) => break out,
                Err(Error::TornDown { .. }) => {
                    losses += 1;
                    key = [losses; 16];
                    rig.negotiate(key);
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(opened, clear);
    }
    assert!(losses > 40, "{losses}");
}

#[test]
fn a_decoder_meets_a_loss_at_a_frame_and_at_a_buffer() {
    for at in [1, 2, 3] {
        let (rig, _) = rig("");
        rig.negotiate(KEY);
        inject(&rig, &format!("key-lost at={at}"));
        let decoder = rig.device.register_decoder(DecoderEncryption::Ctr).unwrap();
        let buffer = DecoderBuffer { buffer_type: 6, iv: Some(&IV), encrypted: Encrypted::All, stripes: None };
        let frame = || {
            rig.device.begin_frame(decoder, Some(rig.session), &DataKey::Session)?;
            let decrypted = (0..2).try_for_each(|_| {
                let mut out = [0xEE; 20];
                let result = rig.device.decrypt_buffer(decoder, buffers(&[1; 20], &mut out), &buffer);
                assert!(result.is_ok() || out == [0xEE; 20], "a failed call writes nothing");
                result
            });
            rig.device.end_frame(decoder).unwrap();
            decrypted
        };
        assert!(matches!(frame(), Err(Error::TornDown { content: false })), "at={at}");
        rig.negotiate(OTHER);
        frame().unwrap();
    }
}

/// Hears of teardowns.
#[derive(Default)]
struct Heard(Mutex<Vec<bool>>);

impl TeardownObserver for Heard {
    fn torn_down(&self, content: bool) {
        self.0.lock().unwrap().push(content);
    }
}

/// A device, its observer, and its one session with a key.
fn observed(adapter: &Arc<Adapter>) -> (Device, Arc<Heard>, SharedSession) {
    let (device, heard) = (Device::new(adapter).unwrap(), Arc::new(Heard::default()));
    let observer: Arc<dyn TeardownObserver> = Arc::<Heard>::clone(&heard);
    device.observe_teardowns(Arc::downgrade(&observer));
    let session = device.create_crypto_session(&desc()).unwrap();
    let session = device.crypto_session(session).unwrap();
    let exchange = key_exchange(&checked_certificate(adapter), KEY);
    session.lock().negotiate(exchange.message().as_bytes()).unwrap();
    (device, heard, session)
}

#[test]
fn the_rest_of_a_teardown_takes_other_sessions_and_each_device_hears_once() {
    let adapter = adapter("faults.list=key-lost");
    let devices = [observed(&adapter), observed(&adapter)];
    let [(device, _, first), (_, _, second)] = &devices;
    let lost = first.lock().finish_key_refresh();
    assert!(matches!(lost, Err(Error::TornDown { content: false })));
    assert_eq!((first.lock().status(), second.lock().status()), (SessionStatus::KeyLost, SessionStatus::Ok));
    for (_, heard, _) in &devices {
        assert!(heard.0.lock().unwrap().is_empty());
    }
    // Done by whoever gets the error, when nothing is locked.
    device.torn_down(false);
    adapter.teardown(false);
    assert_eq!((first.lock().status(), second.lock().status()), (SessionStatus::KeyLost, SessionStatus::KeyLost));
    for (_, heard, _) in &devices {
        assert_eq!(*heard.0.lock().unwrap(), [false]);
    }
}

#[test]
fn a_removed_device_answers_nothing_and_a_new_one_works() {
    for at in 1..=5 {
        let (rig, _) = rig("");
        inject(&rig, &format!("device-removed at={at}"));
        let calls = || {
            rig.device.create_crypto_session(&desc())?;
            let exchange = key_exchange(&rig.certificate, KEY);
            let session = rig.device.crypto_session(rig.session)?;
            session.lock().negotiate(exchange.message().as_bytes())?;
            session.lock().start_key_refresh(&mut [0; 16])?;
            session.lock().finish_key_refresh()?;
            rig.device.create_authenticated_channel(2)
        };
        assert!(matches!(calls(), Err(Error::DeviceRemoved)), "at={at}");
        assert!(matches!(rig.device.crypto_session(rig.session), Err(Error::DeviceRemoved)));
        assert!(matches!(rig.device.create_crypto_session(&desc()), Err(Error::DeviceRemoved)));
        assert!(matches!(rig.device.create_authenticated_channel(2), Err(Error::DeviceRemoved)));
        assert!(matches!(rig.device.register_decoder(DecoderEncryption::None), Err(Error::DeviceRemoved)));
        assert!(matches!(
            rig.device.query_channel(None, &[], 0, Outputs::Configured).result,
            Err(Error::DeviceRemoved)
        ));
        assert!(matches!(rig.device.configure_channel(None, &[]).result, Err(Error::DeviceRemoved)));
        assert_eq!(Error::DeviceRemoved.hresult(), softcp_abi::D3DDDIERR_DEVICEREMOVED);
        rig.device.destroy_crypto_session(rig.session).unwrap();
        let fresh = Device::new(rig.device.adapter()).unwrap();
        let session = fresh.create_crypto_session(&desc()).unwrap();
        let fresh = Rig { device: fresh, session, certificate: rig.certificate };
        fresh.negotiate(OTHER);
        assert_eq!(fresh.decrypt(&[1; 40], IV), ctr(OTHER, IV, &[1; 40]));
    }
}
