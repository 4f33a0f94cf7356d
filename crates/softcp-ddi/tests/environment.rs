//! A secure environment of the host: what its callbacks are told, and what becomes of their answers.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard};

use common::{Block, Decryption, FILL, TestAdapter, TestDevice, size_u32};
use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_DECODER_ENCRYPTION_HW_CENC, D3D11_KEY_EXCHANGE_HW_PROTECTION,
    D3DERR_INVALIDCALL, E_FAIL, E_INVALIDARG, E_NOTIMPL, E_UNEXPECTED, GUID, GUID_NULL, HRESULT, S_OK,
};
use softcp_client::AesCtrIv;
use softcp_ddi::core::decoder::{
    softcp_decoder_begin_frame, softcp_decoder_desc, softcp_decoder_end_frame, softcp_decoder_register,
};
use softcp_ddi::core::device::softcp_device;
use softcp_ddi::core::hardware::{
    softcp_private_data_sizes, softcp_secure_command, softcp_session_execute, softcp_session_new_hardware_key,
};
use softcp_ddi::core::session::{
    SOFTCP_SESSION_STATUS_KEY_LOST, SOFTCP_SESSION_STATUS_OK, softcp_adapter_teardown, softcp_session_create,
    softcp_session_desc, softcp_session_destroy, softcp_session_status,
};
use softcp_ddi::core::types::softcp_guid;
use softcp_ddi::{
    SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_TORN_DOWN,
    softcp_secure_environment,
};

const KEY: Block = *b"0123456789abcdef";
const KEY_ID: GUID = GUID::from_u128(0x1122_3344);
const BLOB: &[u8] = b"a sealed key";
const PRIVATE_IN: &[u8] = b"abc";
const PRIVATE_OUT: usize = 5;

/// What the environment heard of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    session: usize,
    function: u32,
    private_input: Vec<u8>,
    input: Vec<u8>,
    private_room: u32,
    room: u32,
}

/// What it answers to every command, as it writes it.
#[derive(Debug, Clone, Default)]
struct Answer {
    private_output: Vec<u8>,
    output: Vec<u8>,
    /// More than `output` has, for one that lies.
    beyond: u32,
    status: HRESULT,
    times: (u64, u64),
    effect: u32,
    /// Calls in again from the callback: a session of this device has its status asked for.
    calls_in: Option<(usize, usize)>,
}

#[derive(Default)]
struct Environment {
    heard: Mutex<Vec<Heard>>,
    answer: Mutex<Answer>,
    key_ids: Mutex<Vec<Option<softcp_guid>>>,
    key_result: Mutex<HRESULT>,
    teardowns: Mutex<u32>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// The bytes at `data`; null for none.
fn bytes(data: *const c_void, size: u32) -> Vec<u8> {
    assert_eq!(data.is_null(), size == 0, "null where the size is 0");
    if size == 0 {
        return Vec::new();
    }
    // SAFETY: the library says that so many bytes are there.
    unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size as usize) }.to_vec()
}

unsafe extern "C" fn execute(context: *mut c_void, session: usize, command: *mut softcp_secure_command) {
    // SAFETY: the context outlives the adapter.
    let environment = unsafe { &*context.cast::<Environment>() };
    // SAFETY: the library's structure, for this call alone.
    let command = unsafe { &mut *command };
    assert_eq!(command.size, size_u32::<softcp_secure_command>());
    assert_eq!((command.written, command.status, command.effect, command.reserved), (0, 0, 0, 0));
    lock(&environment.heard).push(Heard {
        session,
        function: command.function,
        private_input: bytes(command.private_input, command.private_input_size),
        input: bytes(command.input, command.input_size),
        private_room: command.private_output_size,
        room: command.output_size,
    });
    let answer = lock(&environment.answer).clone();
    if let Some((device, session)) = answer.calls_in {
        let mut status = 7;
        let device = std::ptr::with_exposed_provenance::<softcp_device>(device);
        // SAFETY: the test's device, in whose call this is.
        assert_eq!(unsafe { softcp_session_status(device, session, &raw mut status) }, S_OK);
    }
    for (from, to) in [(&answer.private_output, command.private_output), (&answer.output, command.output)] {
        // SAFETY: no test answers more than there is room for; one may only say so.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.cast(), from.len()) };
    }
    command.written = u32::try_from(answer.output.len()).unwrap() + answer.beyond;
    command.status = answer.status;
    (command.transport_time, command.execution_time) = answer.times;
    command.effect = answer.effect;
    // What it does to the rest of the library's structure is of no consequence.
    (command.size, command.output_size, command.output) = (0, u32::MAX, null_mut());
}

unsafe extern "C" fn open_key(
    context: *mut c_void,
    blob: *const c_void,
    blob_size: u32,
    key_id: *const softcp_guid,
    key: *mut u8,
) -> HRESULT {
    // SAFETY: the context outlives the adapter.
    let environment = unsafe { &*context.cast::<Environment>() };
    // SAFETY: null, or the library's.
    lock(&environment.key_ids).push(unsafe { key_id.as_ref() }.copied());
    if bytes(blob, blob_size) != BLOB {
        return E_FAIL;
    }
    // SAFETY: the library has room for a key.
    unsafe { std::ptr::copy_nonoverlapping(KEY.as_ptr(), key, KEY.len()) };
    *lock(&environment.key_result)
}

unsafe extern "C" fn new_hardware_key(
    context: *mut c_void,
    session: usize,
    private_input_size: u32,
    private_input: *const c_void,
    data: *mut u64,
) -> HRESULT {
    // SAFETY: the context outlives the adapter.
    let environment = unsafe { &*context.cast::<Environment>() };
    assert_ne!(session, 0);
    let input = bytes(private_input, private_input_size);
    // SAFETY: the library's.
    unsafe { data.write(0xFFFF_0000_0000_0000 | input.len() as u64) };
    *lock(&environment.key_result)
}

unsafe extern "C" fn teardown(context: *mut c_void) {
    // SAFETY: the context outlives the adapter.
    *lock(unsafe { &(*context.cast::<Environment>()).teardowns }) += 1;
}

impl Environment {
    fn callbacks(&self) -> softcp_secure_environment {
        softcp_secure_environment {
            size: size_u32::<softcp_secure_environment>(),
            private_input_size: u32::try_from(PRIVATE_IN.len()).unwrap(),
            private_output_size: u32::try_from(PRIVATE_OUT).unwrap(),
            reserved: 0,
            context: std::ptr::from_ref(self).cast_mut().cast(),
            execute: Some(execute),
            open_key: Some(open_key),
            new_hardware_key: Some(new_hardware_key),
            teardown: Some(teardown),
        }
    }

    fn set(&self, answer: Answer) {
        *lock(&self.answer) = answer;
    }
}

/// An adapter over the callbacks, which are gone when it is used.
fn adapter(callbacks: softcp_secure_environment) -> TestAdapter {
    let options = "capabilities.flags.hardware_drm_communication=true;quirks.key_exchange_alias=true";
    TestAdapter::with_secure_environment(options, &raw const callbacks)
}

/// A device on an adapter of its own.
fn device(callbacks: softcp_secure_environment) -> TestDevice {
    TestDevice::new(&adapter(callbacks))
}

fn session(device: &TestDevice, key_exchange_type: GUID) -> usize {
    let desc = softcp_session_desc {
        size: size_u32::<softcp_session_desc>(),
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR.into(),
        decode_profile: GUID_NULL.into(),
        key_exchange_type: key_exchange_type.into(),
    };
    let mut session = 0;
    // SAFETY: the device lives; description and output live past the call.
    assert_eq!(unsafe { softcp_session_create(device.as_ptr(), &raw const desc, &raw mut session) }, S_OK);
    session
}

fn commands(device: &TestDevice) -> usize {
    session(device, D3D11_KEY_EXCHANGE_HW_PROTECTION)
}

/// A session that takes sealed keys without a key exchange (D29).
fn media(device: &TestDevice) -> usize {
    session(device, D3D11_CRYPTO_TYPE_AES128_CTR)
}

fn status(device: &TestDevice, session: usize) -> u32 {
    let mut status = u32::MAX;
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_session_status(device.as_ptr(), session, &raw mut status) }, S_OK);
    status
}

/// What a command came to, and its two outputs.
struct Done {
    hresult: HRESULT,
    command: softcp_secure_command,
    private_output: Vec<u8>,
    output: Vec<u8>,
}

fn run(device: &TestDevice, session: usize, private_input: &[u8], input: &[u8], room: usize) -> Done {
    let (mut private_output, mut output) = (vec![FILL; PRIVATE_OUT], vec![FILL; room]);
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let mut command = softcp_secure_command {
        size: size_u32::<softcp_secure_command>(),
        function: 77,
        private_input: private_input.as_ptr().cast(),
        input: input.as_ptr().cast(),
        private_output: private_output.as_mut_ptr().cast(),
        output: output.as_mut_ptr().cast(),
        private_input_size: len(private_input),
        input_size: len(input),
        private_output_size: len(&private_output),
        output_size: len(&output),
        written: 9,
        status: 9,
        transport_time: 9,
        execution_time: 9,
        effect: 9,
        reserved: 0,
    };
    // SAFETY: the device lives; the command and its memory live past the call.
    let hresult = unsafe { softcp_session_execute(device.as_ptr(), session, &raw mut command) };
    Done { hresult, command, private_output, output }
}

#[test]
fn command_and_answer_pass_through() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = commands(&device);
    environment.set(Answer {
        private_output: b"12345".to_vec(),
        output: b"answer".to_vec(),
        status: 0x0004_0123,
        times: (u64::MAX, 3),
        ..Answer::default()
    });
    let done = run(&device, session, PRIVATE_IN, b"input", 10);
    assert_eq!((done.hresult, done.command.status, done.command.written), (S_OK, 0x0004_0123, 6));
    assert_eq!((done.command.transport_time, done.command.execution_time), (u64::MAX, 3));
    assert_eq!((&*done.private_output, &*done.output), (&b"12345"[..], &b"answer\0\0\0\0"[..]));
    let heard = Heard {
        session,
        function: 77,
        private_input: PRIVATE_IN.to_vec(),
        input: b"input".to_vec(),
        private_room: 5,
        room: 10,
    };
    assert_eq!(lock(&environment.heard).pop(), Some(heard.clone()));
    // No command bytes and no room for an answer (D29).
    environment.set(Answer::default());
    let done = run(&device, session, PRIVATE_IN, b"", 0);
    assert_eq!((done.hresult, done.command.written, &*done.private_output), (S_OK, 0, &[0; 5][..]));
    assert_eq!(lock(&environment.heard).pop(), Some(Heard { input: Vec::new(), room: 0, ..heard }));
}

#[test]
fn refused_command_keeps_its_status_and_answer() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = commands(&device);
    environment.set(Answer { output: b"why".to_vec(), status: E_FAIL, ..Answer::default() });
    let done = run(&device, session, PRIVATE_IN, b"", 4);
    assert_eq!((done.hresult, done.command.status, &*done.output), (S_OK, E_FAIL, &b"why\0"[..]));
}

#[test]
fn answer_larger_than_its_room_is_not_used() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = commands(&device);
    for (beyond, effect, reported, lost) in [
        (1, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK),
        (u32::MAX - 4, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_OK),
        (1, SOFTCP_SECURE_EFFECT_TORN_DOWN, SOFTCP_SECURE_EFFECT_TORN_DOWN, SOFTCP_SESSION_STATUS_KEY_LOST),
        (1, SOFTCP_SECURE_EFFECT_PROVISIONED, SOFTCP_SECURE_EFFECT_NONE, SOFTCP_SESSION_STATUS_KEY_LOST),
    ] {
        environment.set(Answer {
            private_output: b"12345".to_vec(),
            output: b"four".to_vec(),
            beyond,
            times: (1, 2),
            effect,
            ..Answer::default()
        });
        let done = run(&device, session, PRIVATE_IN, b"", 4);
        assert_eq!((done.hresult, done.command.status, done.command.written), (S_OK, E_UNEXPECTED, 0));
        assert_eq!((done.command.transport_time, done.command.execution_time), (0, 0));
        assert_eq!((done.private_output, done.output), (vec![0; PRIVATE_OUT], vec![0; 4]));
        assert_eq!((done.command.effect, status(&device, session)), (reported, lost));
    }
}

#[test]
fn unknown_effect_is_no_answer() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = commands(&device);
    environment.set(Answer { output: b"four".to_vec(), effect: 3, ..Answer::default() });
    let done = run(&device, session, PRIVATE_IN, b"", 4);
    assert_eq!((done.command.status, done.command.written, done.output), (E_UNEXPECTED, 0, vec![0; 4]));
    assert_eq!(status(&device, session), SOFTCP_SESSION_STATUS_OK);
}

#[test]
fn effects_move_the_status_of_sessions() {
    let environment = Environment::default();
    let adapter = adapter(environment.callbacks());
    let device = TestDevice::new(&adapter);
    let (session, other) = (commands(&device), commands(&device));
    let run = |effect| {
        environment.set(Answer { effect, ..Answer::default() });
        assert_eq!(run(&device, session, PRIVATE_IN, b"", 0).command.effect, effect);
        (status(&device, session), status(&device, other))
    };
    let lost = SOFTCP_SESSION_STATUS_KEY_LOST;
    assert_eq!(run(SOFTCP_SECURE_EFFECT_TORN_DOWN), (lost, lost));
    assert_eq!(run(SOFTCP_SECURE_EFFECT_NONE), (lost, lost));
    assert_eq!(run(SOFTCP_SECURE_EFFECT_PROVISIONED), (SOFTCP_SESSION_STATUS_OK, lost));
    assert_eq!(*lock(&environment.teardowns), 0, "it has done so itself");
    // SAFETY: the adapter lives.
    assert_eq!(unsafe { softcp_adapter_teardown(adapter.as_ptr(), SOFTCP_SESSION_STATUS_KEY_LOST) }, S_OK);
    assert_eq!((*lock(&environment.teardowns), status(&device, session)), (1, lost));
}

#[test]
fn private_sizes_are_the_environments_for_command_sessions_alone() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let crypto_type: softcp_guid = D3D11_CRYPTO_TYPE_AES128_CTR.into();
    for (kind, expected) in [(D3D11_KEY_EXCHANGE_HW_PROTECTION, (3, 5)), (D3D11_CRYPTO_TYPE_AES128_CTR, (0, 0))] {
        let (mut input, mut output, kind) = (9, 9, kind.into());
        let (of, kind) = (&raw const crypto_type, &raw const kind);
        // SAFETY: the device lives; GUIDs and outputs live past the call.
        let hresult =
            unsafe { softcp_private_data_sizes(device.as_ptr(), of, null(), kind, &raw mut input, &raw mut output) };
        assert_eq!((hresult, (input, output)), (S_OK, expected));
    }
    let session = commands(&device);
    let done = run(&device, session, b"abcd", b"", 4);
    assert_eq!((done.hresult, done.command.status, done.output), (E_INVALIDARG, E_INVALIDARG, vec![FILL; 4]));
    assert_eq!(*lock(&environment.heard), []);
}

/// Decrypts a buffer with a sealed key.
fn blit(device: &TestDevice, session: usize, blob: &[u8]) -> HRESULT {
    let (iv, clear) = (AesCtrIv { iv: 7, count: 0 }, [0x33_u8; 50]);
    let mut enciphered = clear;
    softcp_client::ContentKey::from(KEY).data_cipher().encrypt(iv, &mut enciphered);
    let (source, destination) = (device.host.buffer(50), device.host.buffer(50));
    source.set_bytes(&enciphered);
    destination.set_bytes(&[FILL; 50]);
    let (bytes, session) = (iv.to_bytes(), common::TestSession::holding(session));
    let blit = Decryption { content_key: Some(blob), ..Decryption::with_iv(&bytes) };
    let hresult = device.decryption_blt(&session, source.handle(), destination.handle(), &blit);
    assert_eq!(destination.bytes(), if hresult == S_OK { clear } else { [FILL; 50] });
    hresult
}

#[test]
fn sealed_keys_are_opened_by_the_environment() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = media(&device);
    assert_eq!(blit(&device, session, BLOB), S_OK);
    assert_eq!(blit(&device, session, &BLOB[1..]), E_FAIL);
    assert_eq!(blit(&device, session, b""), E_FAIL);
    assert_eq!(*lock(&environment.key_ids), [None; 3]);
    for (result, expected) in [(-1, -1), (1, S_OK), (i32::MIN, i32::MIN)] {
        *lock(&environment.key_result) = result;
        assert_eq!(blit(&device, session, BLOB), expected);
    }
}

#[test]
fn key_ids_of_frames_reach_the_environment_but_for_those_that_say_nothing() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = media(&device);
    let desc = softcp_decoder_desc {
        size: size_u32::<softcp_decoder_desc>(),
        bitstream_encryption: D3D11_DECODER_ENCRYPTION_HW_CENC.into(),
    };
    let mut decoder = 0;
    // SAFETY: the device lives; description and output live past the call.
    assert_eq!(unsafe { softcp_decoder_register(device.as_ptr(), &raw const desc, &raw mut decoder) }, S_OK);
    for key_id in [KEY_ID, GUID_NULL, D3D11_CRYPTO_TYPE_AES128_CTR] {
        let key_id: softcp_guid = key_id.into();
        let (size, blob) = (u32::try_from(BLOB.len()).unwrap(), BLOB.as_ptr().cast());
        // SAFETY: the device lives; blob and identifier live past the call.
        let hresult =
            unsafe { softcp_decoder_begin_frame(device.as_ptr(), decoder, session, size, blob, &raw const key_id) };
        assert_eq!(hresult, S_OK);
        // SAFETY: the device lives.
        assert_eq!(unsafe { softcp_decoder_end_frame(device.as_ptr(), decoder) }, S_OK);
    }
    assert_eq!(*lock(&environment.key_ids), [Some(KEY_ID.into()), None, None]);
}

/// Asks for a hardware key; the data was not zero before.
fn hardware_key(device: &TestDevice, session: usize, input: &[u8]) -> (HRESULT, u64) {
    let (mut data, size) = (7, u32::try_from(input.len()).unwrap());
    // SAFETY: the device lives; input and output live past the call.
    let hresult = unsafe {
        softcp_session_new_hardware_key(device.as_ptr(), session, size, input.as_ptr().cast(), &raw mut data)
    };
    (hresult, data)
}

#[test]
fn new_hardware_key_is_the_environments() {
    let environment = Environment::default();
    let adapter = adapter(environment.callbacks());
    let device = TestDevice::new(&adapter);
    let session = media(&device);
    assert_eq!(hardware_key(&device, session, b"four"), (S_OK, 0xFFFF_0000_0000_0004));
    assert_eq!(hardware_key(&device, session, b""), (S_OK, 0xFFFF_0000_0000_0000));
    // SAFETY: the adapter lives.
    assert_eq!(unsafe { softcp_adapter_teardown(adapter.as_ptr(), SOFTCP_SESSION_STATUS_KEY_LOST) }, S_OK);
    *lock(&environment.key_result) = D3DERR_INVALIDCALL;
    assert_eq!(hardware_key(&device, session, b""), (D3DERR_INVALIDCALL, 0));
    assert_eq!((status(&device, session), blit(&device, session, BLOB)), (1, D3DERR_INVALIDCALL));
    *lock(&environment.key_result) = S_OK;
    assert_eq!(hardware_key(&device, session, b"").0, S_OK);
    assert_eq!((status(&device, session), blit(&device, session, BLOB)), (0, S_OK));
}

#[test]
fn environment_of_execute_alone_refuses_keys_and_forgets_nothing() {
    let environment = Environment::default();
    let whole = environment.callbacks();
    let adapter =
        adapter(softcp_secure_environment { open_key: None, new_hardware_key: None, teardown: None, ..whole });
    let device = TestDevice::new(&adapter);
    let session = media(&device);
    assert_eq!(blit(&device, session, BLOB), E_INVALIDARG);
    assert_eq!(hardware_key(&device, session, b""), (E_NOTIMPL, 0));
    // SAFETY: the adapter lives.
    assert_eq!(unsafe { softcp_adapter_teardown(adapter.as_ptr(), SOFTCP_SESSION_STATUS_KEY_LOST) }, S_OK);
    assert_eq!((*lock(&environment.teardowns), status(&device, session)), (0, 1));
}

#[test]
fn without_the_capability_the_environment_is_never_asked() {
    let environment = Environment::default();
    let callbacks = environment.callbacks();
    let adapter = TestAdapter::with_secure_environment("", &raw const callbacks);
    let device = TestDevice::new(&adapter);
    let session = device.create_session().id();
    assert_eq!(blit(&device, session, BLOB), E_INVALIDARG);
    // SAFETY: the adapter lives.
    assert_eq!(unsafe { softcp_adapter_teardown(adapter.as_ptr(), SOFTCP_SESSION_STATUS_KEY_LOST) }, S_OK);
    assert_eq!((lock(&environment.key_ids).len(), *lock(&environment.teardowns)), (0, 0));
}

#[test]
fn no_lock_is_held_during_a_command() {
    let environment = Environment::default();
    let device = device(environment.callbacks());
    let session = commands(&device);
    let here = device.as_ptr().expose_provenance();
    environment.set(Answer { calls_in: Some((here, session)), ..Answer::default() });
    assert_eq!(run(&device, session, PRIVATE_IN, b"", 0).command.status, S_OK);
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_session_destroy(device.as_ptr(), session) }, S_OK);
}
