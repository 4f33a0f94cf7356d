//! Environments of a host: they may call back in, and their answers are not trusted.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use softcp::secure::{
    CommandBuffers, EnvironmentError, PrivateSizes, SecureAnswer, SecureCommand, SecureEffect, SecureEnvironment,
};
use softcp::{Adapter, ContentKey, Device, Error, GUID, Handle, SessionStatus};
use softcp_abi::{E_FAIL, E_UNEXPECTED, GUID_NULL};

use crate::rig::{KID, Rig, commands, guid, media};

type Execute = Box<dyn Fn(SecureCommand<'_>) -> SecureAnswer + Send + Sync>;

/// An environment made of one function; 3 private bytes in, 5 out.
struct Scripted {
    execute: Execute,
    key_ids: Mutex<Vec<Option<GUID>>>,
    teardowns: AtomicUsize,
}

impl Scripted {
    fn new(execute: impl Fn(SecureCommand<'_>) -> SecureAnswer + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { execute: Box::new(execute), key_ids: Mutex::default(), teardowns: AtomicUsize::new(0) })
    }
}

impl SecureEnvironment for Scripted {
    fn private_sizes(&self) -> PrivateSizes {
        PrivateSizes { input: 3, output: 5 }
    }

    fn execute(&self, command: SecureCommand<'_>) -> SecureAnswer {
        (self.execute)(command)
    }

    fn open_key(&self, blob: &[u8], key_id: Option<&GUID>) -> Result<ContentKey, EnvironmentError> {
        self.key_ids.lock().unwrap().push(key_id.copied());
        blob.try_into().map(ContentKey::new).map_err(|_| EnvironmentError::Failed(E_UNEXPECTED))
    }

    fn new_hardware_key(&self, _session: Handle, private_input: &[u8]) -> Result<u64, EnvironmentError> {
        private_input.first().map(|&byte| u64::from(byte)).ok_or(EnvironmentError::BadInput)
    }

    fn teardown(&self) {
        self.teardowns.fetch_add(1, Ordering::SeqCst);
    }
}

/// Status, private output and output of a command with room for 8 bytes.
fn send(rig: &Rig) -> (i32, u32, [u8; 5], [u8; 8]) {
    let (mut private_output, mut output) = ([0xEE; 5], [0xEE; 8]);
    let buffers = CommandBuffers {
        private_input: &[1, 2, 3],
        input: &[4, 5],
        private_output: &mut private_output,
        output: &mut output,
    };
    let report = rig.device.execute_secure_command(rig.session, 77, buffers).unwrap();
    (report.status, report.written, private_output, output)
}

#[test]
fn command_reaches_the_environment_as_it_was_sent() {
    let seen = Arc::new(Mutex::new(None));
    let record = Arc::clone(&seen);
    let rig = Rig::with_environment(Scripted::new(move |command| {
        let SecureCommand { session, function, private_input, input, room } = command;
        *record.lock().unwrap() = Some((session, function, private_input.to_vec(), input.to_vec(), room));
        SecureAnswer {
            status: E_FAIL,
            output: vec![6, 7],
            private_output: vec![8],
            transport_time: u64::MAX,
            execution_time: 9,
            effect: SecureEffect::None,
        }
    }));
    assert_eq!(send(&rig), (E_FAIL, 2, [8, 0, 0, 0, 0], [6, 7, 0, 0, 0, 0, 0, 0]));
    assert_eq!(seen.lock().unwrap().take(), Some((rig.session, 77, vec![1, 2, 3], vec![4, 5], 8)));
    assert_eq!(rig.adapter.private_sizes(&commands()).unwrap(), PrivateSizes { input: 3, output: 5 });
    assert_eq!(rig.adapter.private_sizes(&media()).unwrap(), PrivateSizes::default());
}

#[test]
fn answer_that_fills_the_room_is_taken_and_one_byte_more_is_unexpected() {
    for (output, private, fits) in [(8, 5, true), (9, 0, false), (0, 6, false), (1 << 20, 1 << 20, false)] {
        let rig = Rig::with_environment(Scripted::new(move |_| SecureAnswer {
            output: vec![0xAA; output],
            private_output: vec![0xBB; private],
            transport_time: 5,
            ..SecureAnswer::default()
        }));
        let expected = if fits { (0, 8, [0xBB; 5], [0xAA; 8]) } else { (E_UNEXPECTED, 0, [0; 5], [0; 8]) };
        assert_eq!(send(&rig), expected, "{output} and {private} bytes");
    }
}

#[test]
fn private_bytes_of_another_size_never_reach_the_environment() {
    let rig = Rig::with_environment(Scripted::new(|_| panic!("reached")));
    for (input, output) in [(0, 5), (2, 5), (4, 5), (3, 0), (3, 4), (3, 6)] {
        let (private_input, mut private_output) = (vec![0; input], vec![0xEE; output]);
        let buffers = CommandBuffers {
            private_input: &private_input,
            input: &[],
            private_output: &mut private_output,
            output: &mut [],
        };
        let error = rig.device.execute_secure_command(rig.session, 1, buffers).unwrap_err();
        assert!(matches!(error, Error::WrongSize { .. }), "{error:?}");
        assert!(private_output.iter().all(|&byte| byte == 0xEE));
    }
}

#[test]
fn effects_of_any_function_move_the_status() {
    let effect = Arc::new(Mutex::new(SecureEffect::None));
    let next = Arc::clone(&effect);
    let rig = Rig::with_environment(Scripted::new(move |_| SecureAnswer {
        effect: *next.lock().unwrap(),
        ..SecureAnswer::failed(E_FAIL)
    }));
    for (next, status) in [
        (SecureEffect::None, SessionStatus::Ok),
        (SecureEffect::Provisioned, SessionStatus::Ok),
        (SecureEffect::TornDown, SessionStatus::KeyLost),
        (SecureEffect::None, SessionStatus::KeyLost),
        (SecureEffect::Provisioned, SessionStatus::Ok),
    ] {
        *effect.lock().unwrap() = next;
        let _ = send(&rig);
        assert_eq!(rig.session_status(rig.session), status, "{next:?}");
    }
}

#[test]
fn environment_tears_down_before_the_sessions_learn_of_it() {
    let environment = Scripted::new(|_| SecureAnswer::default());
    let rig = Rig::with_environment(Arc::clone(&environment) as _);
    rig.adapter.teardown(false);
    assert_eq!(environment.teardowns.load(Ordering::SeqCst), 1);
    assert_eq!(rig.session_status(rig.session), SessionStatus::KeyLost);
}

#[test]
fn key_ids_that_say_nothing_do_not_reach_the_environment() {
    let environment = Scripted::new(|_| SecureAnswer::default());
    let rig = Rig::with_environment(Arc::clone(&environment) as _);
    rig.adapter.open_sealed_key(&[1; 16], Some(&GUID_NULL)).unwrap();
    rig.adapter.open_sealed_key(&[1; 16], Some(&guid(KID))).unwrap();
    let error = rig.adapter.open_sealed_key(&[], None).unwrap_err();
    assert_eq!(error.hresult(), E_UNEXPECTED);
    assert_eq!(*environment.key_ids.lock().unwrap(), [None, Some(guid(KID)), None]);
}

#[test]
fn hardware_key_input_and_answer_pass_through() {
    let rig = Rig::with_environment(Scripted::new(|_| SecureAnswer::default()));
    let media = rig.media_session();
    assert_eq!(rig.device.new_hardware_key(media, &[200, 1]).unwrap(), 200);
    let error = rig.device.new_hardware_key(media, &[]).unwrap_err();
    assert!(matches!(error, Error::Environment(EnvironmentError::BadInput)), "{error:?}");
}

/// What an environment needs to call back in.
struct Inside {
    adapter: Weak<Adapter>,
    device: Device,
}

/// An environment that, in each of its methods, does with the engine whatever it likes.
#[test]
fn environment_may_call_back_into_the_engine_from_every_method() {
    struct Reentrant(OnceLock<Inside>);

    impl Reentrant {
        fn call_in(&self, session: Option<Handle>) {
            let inside = self.0.get().unwrap();
            let adapter = inside.adapter.upgrade().unwrap();
            let created = inside.device.create_crypto_session(&commands()).unwrap();
            for session in session.into_iter().chain([created]) {
                inside.device.crypto_session(session).unwrap().lock().invalidate(false);
            }
            inside.device.destroy_crypto_session(created).unwrap();
            let _ = adapter.private_sizes(&commands());
        }
    }

    impl SecureEnvironment for Reentrant {
        fn execute(&self, command: SecureCommand<'_>) -> SecureAnswer {
            self.call_in(Some(command.session));
            let inside = self.0.get().unwrap();
            let adapter = inside.adapter.upgrade().unwrap();
            if command.function > 0 {
                adapter.open_sealed_key(&[1; 16], None).unwrap();
                adapter.teardown(true);
                let buffers =
                    CommandBuffers { private_input: &[], input: &[], private_output: &mut [], output: &mut [] };
                let nested = inside.device.execute_secure_command(command.session, command.function - 1, buffers);
                return SecureAnswer { effect: SecureEffect::TornDown, ..SecureAnswer::failed(nested.unwrap().status) };
            }
            inside.device.destroy_crypto_session(command.session).unwrap();
            SecureAnswer { effect: SecureEffect::Provisioned, ..SecureAnswer::failed(1) }
        }

        fn open_key(&self, _: &[u8], _: Option<&GUID>) -> Result<ContentKey, EnvironmentError> {
            self.call_in(None);
            Ok(ContentKey::new([1; 16]))
        }

        fn new_hardware_key(&self, session: Handle, _: &[u8]) -> Result<u64, EnvironmentError> {
            self.call_in(Some(session));
            Ok(5)
        }

        fn teardown(&self) {
            self.call_in(None);
        }
    }

    crate::threads::within_a_minute(|| {
        let environment = Arc::new(Reentrant(OnceLock::new()));
        let rig = Rig::with_environment(Arc::clone(&environment) as _);
        let Rig { adapter, device, session } = rig;
        let adapter_of = Arc::downgrade(&adapter);
        environment.0.set(Inside { adapter: adapter_of, device }).ok().unwrap();
        let device = &environment.0.get().unwrap().device;
        let media = device.create_crypto_session(&media()).unwrap();
        assert_eq!(device.new_hardware_key(media, &[]).unwrap(), 5);
        let buffers = CommandBuffers { private_input: &[], input: &[], private_output: &mut [], output: &mut [] };
        assert_eq!(device.execute_secure_command(session, 3, buffers).unwrap().status, 1);
        assert!(device.crypto_session(session).is_err(), "the innermost command destroyed the session");
    });
}

#[test]
fn provisioning_that_a_teardown_overtakes_leaves_the_session_lost() {
    struct Overtaken(OnceLock<Weak<Adapter>>);

    impl SecureEnvironment for Overtaken {
        fn execute(&self, _: SecureCommand<'_>) -> SecureAnswer {
            // The power event comes after the environment has provisioned and before the engine hears of it.
            self.0.get().unwrap().upgrade().unwrap().teardown(false);
            SecureAnswer { effect: SecureEffect::Provisioned, ..SecureAnswer::default() }
        }

        fn open_key(&self, _: &[u8], _: Option<&GUID>) -> Result<ContentKey, EnvironmentError> {
            Err(EnvironmentError::BadBlob)
        }

        fn new_hardware_key(&self, _: Handle, _: &[u8]) -> Result<u64, EnvironmentError> {
            self.0.get().unwrap().upgrade().unwrap().teardown(false);
            Ok(0)
        }

        fn teardown(&self) {}
    }

    let environment = Arc::new(Overtaken(OnceLock::new()));
    let rig = Rig::with_environment(Arc::clone(&environment) as _);
    environment.0.set(Arc::downgrade(&rig.adapter)).unwrap();
    let _ = rig.send(rig.session, 1, &[], 0);
    assert_eq!(rig.session_status(rig.session), SessionStatus::KeyLost);
    let media = rig.media_session();
    rig.device.new_hardware_key(media, &[]).unwrap();
    assert_eq!(rig.session_status(media), SessionStatus::KeyLost);
}

#[test]
fn panic_of_an_environment_leaves_session_and_adapter_usable() {
    let rig = Rig::with_environment(Scripted::new(|command| {
        assert!(command.function != 13, "planned");
        SecureAnswer::default()
    }));
    let call = |function| {
        let buffers =
            CommandBuffers { private_input: &[0; 3], input: &[], private_output: &mut [0; 5], output: &mut [] };
        rig.device.execute_secure_command(rig.session, function, buffers).unwrap().status
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| call(13))).is_err());
    assert_eq!(call(1), 0);
    rig.adapter.teardown(false);
}
