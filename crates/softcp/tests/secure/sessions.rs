//! Sessions whose keys come from the environment: what they take and refuse, and their status.

use std::sync::{Arc, Mutex};

use softcp::secure::clear_key::function;
use softcp::secure::{CommandBuffers, EnvironmentError, PrivateSizes, SecureEffect};
use softcp::{DataKey, Device, Error, GUID, Handle, SessionStatus, TeardownObserver};
use softcp_abi::{D3DERR_INVALIDCALL, E_INVALIDARG, E_NOTIMPL, GUID_NULL};

use crate::blobs::decrypt_with;
use crate::common::{adapter, buffers, checked_certificate, desc, key_exchange};
use crate::rig::{KEY, KID, Rig, commands, media};

/// What a device's observer has heard: of each teardown whether content was lost.
#[derive(Default)]
struct Heard(Mutex<Vec<bool>>);

impl TeardownObserver for Heard {
    fn torn_down(&self, content: bool) {
        self.0.lock().unwrap().push(content);
    }
}

impl Heard {
    fn of(device: &Device) -> Arc<Self> {
        let heard = Arc::new(Self::default());
        let observer: Arc<dyn TeardownObserver> = Arc::<Self>::clone(&heard);
        device.observe_teardowns(Arc::downgrade(&observer));
        heard
    }

    fn take(&self) -> Vec<bool> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn no_bytes() -> CommandBuffers<'static> {
    CommandBuffers { private_input: &[], input: &[], private_output: &mut [], output: &mut [] }
}

fn negotiate(rig: &Rig, session: Handle) -> softcp::Result<()> {
    let exchange = key_exchange(&checked_certificate(&rig.adapter), [1; 16]);
    rig.device.crypto_session(session).unwrap().lock().negotiate(exchange.message().as_bytes())
}

/// Every call that needs a session key, each as an error or none.
fn key_calls(rig: &Rig, session: Handle) -> Vec<(&'static str, Option<Error>)> {
    let session = rig.device.crypto_session(session).unwrap();
    let mut session = session.lock();
    let (mut out, mut iv, mut number) = ([0xEE; 16], [0xEE; 16], [0xEE; 16]);
    let calls = vec![
        ("blit", session.decryption_blt(buffers(&[0; 16], &mut out), None, &DataKey::Session, &[1; 16]).err()),
        (
            "wrapped",
            session.decryption_blt(buffers(&[0; 16], &mut out), None, &DataKey::Wrapped(&[0; 16]), &[1; 16]).err(),
        ),
        ("read back", session.encryption_blt(buffers(&[0; 16], &mut out), &mut iv).err()),
        ("start", session.start_key_refresh(&mut number).err()),
        ("finish", session.finish_key_refresh().err()),
        ("read-back key", session.encryption_blt_key(&mut number).err()),
    ];
    assert_eq!((out, iv, number), ([0xEE; 16], [0xEE; 16], [0xEE; 16]), "a failed call wrote");
    calls
}

#[test]
fn command_session_refuses_everything_but_commands() {
    let rig = Rig::with_key();
    let key = rig.adapter.open_sealed_key(&rig.blob(KID), None).unwrap();
    let mut calls = key_calls(&rig, rig.session);
    calls.push(("key exchange", negotiate(&rig, rig.session).err()));
    calls.push(("sealed key", decrypt_with(&rig, rig.session, key, &[0; 16]).err()));
    for (name, error) in calls {
        let error = error.unwrap();
        assert!(matches!(error, Error::CommandSession), "{name}: {error:?}");
        assert_eq!(error.hresult(), D3DERR_INVALIDCALL);
    }
    rig.blob(KID);
}

#[test]
fn lost_command_session_refuses_a_key_exchange_too() {
    let rig = Rig::with_key();
    rig.adapter.teardown(false);
    assert!(matches!(negotiate(&rig, rig.session), Err(Error::CommandSession)));
    for (name, error) in key_calls(&rig, rig.session) {
        assert_eq!(error.unwrap().hresult(), D3DERR_INVALIDCALL, "{name}");
    }
    assert_eq!(rig.session_status(rig.session), SessionStatus::KeyLost);
}

#[test]
fn media_session_without_session_key_refuses_what_needs_one() {
    let rig = Rig::new();
    for (name, error) in key_calls(&rig, rig.media_session()) {
        let error = error.unwrap();
        assert!(matches!(error, Error::NoSessionKey), "{name}: {error:?}");
    }
}

#[test]
fn crypto_type_as_key_exchange_type_without_drm_communication_makes_an_ordinary_session() {
    let plain = Rig::with_key();
    let key = plain.adapter.open_sealed_key(&plain.blob(KID), None).unwrap();
    let device = Device::new(&adapter("quirks.key_exchange_alias=true")).unwrap();
    let session = device.crypto_session(device.create_crypto_session(&media()).unwrap()).unwrap();
    let mut out = [0xEE; 16];
    let blit = session.lock().decryption_blt(buffers(&[0; 16], &mut out), None, &DataKey::Unwrapped(key), &[1; 16]);
    assert!(matches!(blit, Err(Error::NoSessionKey)), "{blit:?}");
    let heard = Heard::of(&device);
    device.adapter().teardown(false);
    assert!(heard.take().is_empty(), "nothing to lose");
    assert_eq!(session.lock().status(), SessionStatus::Ok);
}

#[test]
fn media_session_can_negotiate_like_any_other() {
    let rig = Rig::new();
    let session = rig.media_session();
    negotiate(&rig, session).unwrap();
    let shared = rig.device.crypto_session(session).unwrap();
    let mut out = [0; 16];
    shared.lock().decryption_blt(buffers(&[0; 16], &mut out), None, &DataKey::Session, &[1; 16]).unwrap();
    rig.adapter.teardown(false);
    assert_eq!(rig.session_status(session), SessionStatus::KeyLost);
    negotiate(&rig, session).unwrap();
    assert_eq!((rig.session_status(session), shared.lock().generation()), (SessionStatus::Ok, 2));
}

#[test]
fn commands_on_other_sessions_are_invalid_calls() {
    let rig = Rig::new();
    for desc in [desc(), media()] {
        let session = rig.device.create_crypto_session(&desc).unwrap();
        let mut output = [0xEE; 16];
        let buffers = CommandBuffers { output: &mut output, ..no_bytes() };
        let error = rig.device.execute_secure_command(session, function::VERSION, buffers).unwrap_err();
        assert!(matches!(error, Error::NoCommandSession), "{error:?}");
        assert_eq!((error.hresult(), output), (D3DERR_INVALIDCALL, [0xEE; 16]));
    }
}

#[test]
fn commands_on_handles_of_nothing_or_of_another_device_are_refused() {
    let rig = Rig::new();
    let other = Device::new(&rig.adapter).unwrap();
    let destroyed = rig.device.create_crypto_session(&commands()).unwrap();
    rig.device.destroy_crypto_session(destroyed).unwrap();
    for (device, handle) in [(&other, rig.session), (&rig.device, destroyed), (&rig.device, rig.device.handle())] {
        let error = device.execute_secure_command(handle, function::VERSION, no_bytes()).unwrap_err();
        assert_eq!(error.hresult(), E_INVALIDARG);
        assert!(matches!(device.new_hardware_key(handle, &[]), Err(Error::BadHandle { .. })));
    }
}

#[test]
fn command_without_input_and_room_is_carried() {
    let rig = Rig::new();
    let report = rig.device.execute_secure_command(rig.session, function::TEARDOWN, no_bytes()).unwrap();
    assert_eq!((report.status, report.written), (0, 0));
}

#[test]
fn private_bytes_where_there_are_none_are_the_wrong_size() {
    let rig = Rig::new();
    let mut byte = [0xEE];
    for buffers in [
        CommandBuffers { private_input: &[0], ..no_bytes() },
        CommandBuffers { private_output: &mut byte, ..no_bytes() },
    ] {
        let error = rig.device.execute_secure_command(rig.session, function::PROVISION, buffers).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 0, given: 1, .. }), "{error:?}");
    }
    assert_eq!(byte, [0xEE]);
    assert_eq!(rig.ok(function::PROVISION, &[]), 1_u64.to_le_bytes());
    assert!(rig.adapter.private_sizes(&media()).is_ok());
}

#[test]
fn private_sizes_are_answered_for_what_sessions_can_be_created_for() {
    let rig = Rig::new();
    for desc in [commands(), media(), desc()] {
        assert_eq!(rig.adapter.private_sizes(&desc).unwrap(), PrivateSizes { input: 0, output: 0 });
    }
    let unknown = softcp::CryptoSessionDesc { crypto_type: GUID::from_u128(7), ..commands() };
    assert!(matches!(rig.adapter.private_sizes(&unknown), Err(Error::UnsupportedCrypto)));
    assert!(matches!(adapter("").private_sizes(&commands()), Err(Error::UnsupportedCrypto)));
    let null = softcp::CryptoSessionDesc { crypto_type: GUID_NULL, ..commands() };
    assert!(rig.adapter.private_sizes(&null).is_err());
}

#[test]
fn teardown_loses_every_session_that_has_something_to_lose() {
    for (content, lost) in [(false, SessionStatus::KeyLost), (true, SessionStatus::KeyAndContentLost)] {
        let rig = Rig::with_key();
        let other_device = Device::new(&rig.adapter).unwrap();
        let other = other_device.create_crypto_session(&commands()).unwrap();
        let (media, idle, keyed) = (rig.media_session(), rig.device.create_crypto_session(&desc()).unwrap(), {
            let session = rig.device.create_crypto_session(&desc()).unwrap();
            negotiate(&rig, session).unwrap();
            session
        });
        assert_eq!(rig.session_status(rig.session), SessionStatus::Ok);
        let untouched = Device::new(&rig.adapter).unwrap();
        let heard = [&rig.device, &other_device, &untouched].map(Heard::of);
        rig.adapter.teardown(content);
        assert_eq!(heard.each_ref().map(|heard| heard.take()), [vec![content], vec![content], Vec::new()]);
        for session in [rig.session, media, keyed] {
            assert_eq!(rig.session_status(session), lost);
        }
        assert_eq!(other_device.crypto_session(other).unwrap().lock().status(), lost);
        assert_eq!(rig.session_status(idle), SessionStatus::Ok, "an ordinary session without key has nothing to lose");
        rig.adapter.teardown(content);
        assert!(heard.iter().all(|heard| heard.take().is_empty()), "nothing is left to lose");
    }
}

#[test]
fn teardown_command_loses_keys_as_a_power_event_does() {
    let rig = Rig::with_key();
    let media = rig.media_session();
    let key = rig.adapter.open_sealed_key(&rig.blob(KID), None).unwrap();
    rig.ok(function::TEARDOWN, &[]);
    for session in [rig.session, media] {
        assert_eq!(rig.session_status(session), SessionStatus::KeyLost);
    }
    // A key that was opened before is of no use to a session that is lost.
    assert!(matches!(decrypt_with(&rig, media, key, &[0; 16]), Err(Error::KeyLost)));
}

#[test]
fn provisioning_restores_its_own_session_and_no_other() {
    let rig = Rig::with_key();
    let other = rig.device.create_crypto_session(&commands()).unwrap();
    rig.adapter.teardown(true);
    rig.ok(function::VERSION, &[]);
    assert_eq!(rig.session_status(rig.session), SessionStatus::KeyAndContentLost, "VERSION is no provisioning");
    let (report, _) = rig.send(rig.session, function::PROVISION, &[], 8);
    assert_eq!(report.effect, SecureEffect::Provisioned);
    assert_eq!(rig.session_status(rig.session), SessionStatus::Ok);
    assert_eq!(rig.session_status(other), SessionStatus::KeyAndContentLost);
    let _ = rig.send(other, function::PROVISION, &[], 8);
    assert_eq!(rig.session_status(other), SessionStatus::Ok);
}

#[test]
fn provisioning_that_fails_restores_nothing() {
    let rig = Rig::with_key();
    rig.adapter.teardown(false);
    let _ = rig.send(rig.session, function::PROVISION, &[], 7);
    assert_eq!(rig.session_status(rig.session), SessionStatus::KeyLost);
}

#[test]
fn session_created_after_a_teardown_is_ok() {
    let rig = Rig::with_key();
    rig.adapter.teardown(false);
    let session = rig.device.create_crypto_session(&commands()).unwrap();
    assert_eq!(rig.session_status(session), SessionStatus::Ok);
}

#[test]
fn new_hardware_key_answers_the_provisioning_and_restores_a_media_session() {
    let rig = Rig::with_key();
    let media = rig.media_session();
    assert_eq!(rig.device.new_hardware_key(media, &[]).unwrap(), 1);
    rig.adapter.teardown(false);
    assert!(matches!(
        rig.device.new_hardware_key(media, &[]),
        Err(Error::Environment(EnvironmentError::NotProvisioned))
    ));
    assert_eq!(rig.session_status(media), SessionStatus::KeyLost);
    rig.ok(function::PROVISION, &[]);
    rig.load(&[(KID, KEY)]);
    assert_eq!(rig.session_status(media), SessionStatus::KeyLost, "provisioning is another session's");
    let blob = rig.blob(KID);
    assert_eq!(rig.device.new_hardware_key(media, &blob).unwrap(), 2);
    assert_eq!(rig.session_status(media), SessionStatus::Ok);
    let key = rig.adapter.open_sealed_key(&blob, None).unwrap();
    decrypt_with(&rig, media, key, &[0; 16]).unwrap();
}

#[test]
fn new_hardware_key_with_a_bad_blob_is_refused() {
    let rig = Rig::with_key();
    let media = rig.media_session();
    let mut blob = rig.blob(KID);
    blob[40] ^= 1;
    for input in [&blob[..], &[0]] {
        let error = rig.device.new_hardware_key(media, input).unwrap_err();
        assert!(matches!(error, Error::Environment(EnvironmentError::BadBlob)), "{error:?}");
    }
}

#[test]
fn new_hardware_key_is_for_sessions_of_the_environment() {
    let rig = Rig::with_key();
    let session = rig.device.create_crypto_session(&desc()).unwrap();
    let error = rig.device.new_hardware_key(session, &[]).unwrap_err();
    assert!(matches!(error, Error::NoHardwareKey) && error.hresult() == D3DERR_INVALIDCALL, "{error:?}");
    let plain = Device::new(&adapter("quirks.key_exchange_alias=true")).unwrap();
    let error = plain.new_hardware_key(plain.create_crypto_session(&media()).unwrap(), &[]).unwrap_err();
    assert_eq!(error.hresult(), E_NOTIMPL, "{error:?}");
}

#[test]
fn execution_time_is_in_units_of_100_ns() {
    let rig = Rig::new();
    let start = std::time::Instant::now();
    let (report, _) = rig.send(rig.session, function::PROVISION, &[], 8);
    let elapsed = start.elapsed().as_nanos() / 100;
    assert!(u128::from(report.execution_time) <= elapsed && report.transport_time == 0, "{report:?}");
}
