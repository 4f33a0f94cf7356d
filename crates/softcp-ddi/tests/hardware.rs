//! Hardware protection through the table: the structures of a command, its pointers and sizes, and teardown. What the
//! built-in environment answers is tested with the engine.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use common::host::Host;
use common::{Block, Decryption, FILL, TestAdapter, TestDevice, TestSession, decrypts, size_u32};
use softcp_abi::{
    D3D10DDI_HRESOURCE, D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDIARG_CREATECRYPTOSESSION, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_HW_PROTECTION, D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DERR_INVALIDCALL, D3DERR_UNSUPPORTEDCRYPTO,
    D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_DATA as Data,
    D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA as Input,
    D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA as Output, E_INVALIDARG, E_NOTIMPL, GUID, GUID_NULL, HRESULT,
    PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION, S_OK,
};
use softcp_client::{AesCtrIv, ClientSession};
use softcp_ddi::core::hardware::{softcp_private_data_sizes, softcp_secure_command, softcp_session_execute};
use softcp_ddi::core::session::{
    SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST, SOFTCP_SESSION_STATUS_KEY_LOST, SOFTCP_SESSION_STATUS_OK,
    softcp_adapter_teardown,
};
use softcp_ddi::ddi::table::softcp_ddi_entry;

const OPTIONS: &str = "capabilities.flags.hardware_drm_communication=true";
const KID: Block = [0x22; 16];
const KEY: Block = *b"0123456789abcdef";
/// The licence of that key: base64url of KID and KEY.
const LICENCE: &[u8] = br#"{"keys":[{"kty":"oct","kid":"IiIiIiIiIiIiIiIiIiIiIg","k":"MDEyMzQ1Njc4OWFiY2RlZg"}]}"#;

const VERSION: u32 = 1;
const PROVISION: u32 = 2;
const LOAD_LICENCE: u32 = 3;
const MAKE_KEY_BLOB: u32 = 4;
const TEARDOWN: u32 = 6;

/// A command as an application lays it out: structures whose last member goes on behind them.
struct Command {
    input: Vec<u64>,
    output: Vec<u64>,
    data: Data,
}

impl Command {
    fn new(function: u32, bytes: &[u8], room: usize) -> Self {
        let words = |bytes: usize| vec![0x0101_0101_0101_0101 * u64::from(FILL); bytes.div_ceil(8)];
        let mut input = words(size_of::<Input>() + bytes.len());
        let mut output = words(size_of::<Output>() + room);
        let start: *mut Input = input.as_mut_ptr().cast();
        let begin = Input { PrivateDataSize: 0, HWProtectionDataSize: len(bytes), pbInput: [0; 4] };
        // SAFETY: the words hold the structure and the bytes behind it.
        unsafe { start.write(begin) };
        let to = start.wrapping_byte_add(offset_of!(Input, pbInput)).cast::<u8>();
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        let at: *mut Output = output.as_mut_ptr().cast();
        // SAFETY: the words hold the structure.
        let mut begin = unsafe { at.read() };
        begin.PrivateDataSize = 0;
        begin.MaxHWProtectionDataSize = u32::try_from(room).unwrap();
        // SAFETY: as above.
        unsafe { at.write(begin) };
        let data = Data { HWProtectionFunctionID: function, pInputData: start, pOutputData: at, Status: 0x55 };
        Self { input, output, data }
    }

    /// The beginning of the output as it is now.
    fn report(&self) -> Output {
        // SAFETY: the words hold the structure.
        unsafe { self.output.as_ptr().cast::<Output>().read() }
    }

    /// The bytes of the output.
    fn bytes(&self, room: usize) -> Vec<u8> {
        let bytes: Vec<u8> = self.output.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes[offset_of!(Output, pbOutput)..][..room].to_vec()
    }

    /// Through `NegotiateCryptoSessionKeyExchange`, or its MT twin with these flags.
    fn send(&mut self, device: &TestDevice, session: &TestSession, flags: Option<u32>) -> HRESULT {
        let data: *mut c_void = (&raw mut self.data).cast();
        let (h_device, handle, size) = (device.h_device, session.handle(), size_u32::<Data>());
        match flags {
            // SAFETY: data, input and output live past the call.
            None => unsafe { device.table.pfnNegotiateCryptoSessionKeyExchange.unwrap()(h_device, handle, size, data) },
            Some(flags) => {
                let entry = device.table.pfnNegotiateCryptoSessionKeyExchangeMT.unwrap();
                // SAFETY: as above.
                unsafe { entry(h_device, handle, flags, size, data) }
            }
        }
    }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A session of a key exchange type.
fn create(device: &TestDevice, key_exchange_type: GUID) -> (HRESULT, TestSession) {
    let session = TestSession::unborn();
    let create = D3D11_1DDIARG_CREATECRYPTOSESSION {
        CryptoType: D3D11_CRYPTO_TYPE_AES128_CTR,
        DecodeProfile: GUID_NULL,
        KeyExchangeType: key_exchange_type,
    };
    let entry = device.table.pfnCreateCryptoSession.unwrap();
    let runtime = D3D11_1DDI_HRTCRYPTOSESSION::default();
    // SAFETY: arguments and private memory live past the call.
    let hresult = unsafe { entry(device.h_device, &raw const create, session.handle(), runtime) };
    (hresult, session)
}

fn commands(device: &TestDevice) -> TestSession {
    let (hresult, session) = create(device, D3D11_KEY_EXCHANGE_HW_PROTECTION);
    assert_eq!(hresult, S_OK);
    session
}

/// Runs a command that must succeed; its answer.
fn run(device: &TestDevice, session: &TestSession, function: u32, bytes: &[u8], room: usize) -> Vec<u8> {
    let mut command = Command::new(function, bytes, room);
    assert_eq!(command.send(device, session, None), S_OK);
    assert_eq!(command.data.Status, S_OK);
    let mut answer = command.bytes(room);
    let rest = answer.split_off(command.report().HWProtectionDataSize as usize);
    assert!(rest.iter().all(|&byte| byte == 0), "all of the output is written (D29)");
    answer
}

/// Provisions, loads the licence and has a blob made.
fn blob(device: &TestDevice, session: &TestSession) -> Vec<u8> {
    run(device, session, PROVISION, &[], 8);
    run(device, session, LOAD_LICENCE, LICENCE, 100);
    run(device, session, MAKE_KEY_BLOB, &KID, 64)
}

/// Whether a blit with a sealed key gives the clear bytes.
fn opens(device: &TestDevice, session: &TestSession, blob: &[u8]) -> HRESULT {
    let (iv, clear) = (AesCtrIv { iv: 7, count: 0 }, [0x33_u8; 50]);
    let mut enciphered = clear;
    softcp_client::ContentKey::from(KEY).data_cipher().encrypt(iv, &mut enciphered);
    let (source, destination) = (device.host.buffer(50), device.host.buffer(50));
    source.set_bytes(&enciphered);
    let bytes = iv.to_bytes();
    let blit = Decryption { content_key: Some(blob), ..Decryption::with_iv(&bytes) };
    let hresult = device.decryption_blt(session, source.handle(), destination.handle(), &blit);
    assert!(hresult != S_OK || destination.bytes() == clear);
    hresult
}

fn keyed(device: &TestDevice) -> (TestSession, ClientSession) {
    device.keyed_session(&device.certificate())
}

#[test]
fn a_licence_becomes_a_sealed_key_that_decrypts() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    assert_eq!(run(&device, &session, VERSION, &[], 16)[..4], [1, 0, 0, 0]);
    let blob = blob(&device, &session);
    assert!(!blob.windows(16).any(|window| window == KEY), "a sealed key shows no key");
    let (media, _) = keyed(&device);
    assert_eq!(opens(&device, &media, &blob), S_OK);
    let mut changed = blob.clone();
    changed[40] ^= 1;
    assert_eq!(opens(&device, &media, &changed), E_INVALIDARG);
    assert_eq!(opens(&device, &media, &blob[..63]), E_INVALIDARG);
}

#[test]
fn a_refused_command_has_its_status_and_no_answer() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    let mut command = Command::new(MAKE_KEY_BLOB, &KID, 64);
    assert_eq!(command.send(&device, &session, None), S_OK);
    assert!(command.data.Status < 0);
    assert_eq!((command.report().HWProtectionDataSize, command.bytes(64)), (0, vec![0; 64]));
}

/// D34: what a command claims is compared before a byte of it is touched. The buffers are a few bytes each, so a driver
/// that believes the claims does not survive this.
#[test]
fn claimed_sizes_are_compared_before_bytes_are_touched() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    for claimed in [u32::MAX, u32::MAX - 3, 0x8000_0000, 0x7FFF_FFFF, (1 << 20) + 1] {
        for at in 0..4 {
            let mut command = Command::new(VERSION, &[1, 2, 3], 16);
            let (input, output) = (command.data.pInputData.cast::<u32>(), command.data.pOutputData.cast::<u32>());
            let place = [input, input.wrapping_add(1), output, output.wrapping_add(1)][at];
            // SAFETY: a size at the beginning of one of the structures.
            unsafe { place.write(claimed) };
            assert_eq!(
                command.send(&device, &session, Some(0).filter(|_| at % 2 == 0)),
                E_INVALIDARG,
                "{claimed:#x} {at}"
            );
            assert_eq!(command.data.Status, E_INVALIDARG);
            assert_eq!(command.bytes(16), [FILL; 16]);
        }
        let (mut private, mut bytes) = ([FILL; 4], [FILL; 4]);
        for at in 0..4 {
            let mut sizes = [0, 4, 0, 4];
            sizes[at] = claimed;
            let mut command = softcp_secure_command {
                size: size_u32::<softcp_secure_command>(),
                function: VERSION,
                private_input: private.as_ptr().cast(),
                input: bytes.as_ptr().cast(),
                private_output: private.as_mut_ptr().cast(),
                output: bytes.as_mut_ptr().cast(),
                private_input_size: sizes[0],
                input_size: sizes[1],
                private_output_size: sizes[2],
                output_size: sizes[3],
                ..softcp_secure_command::default()
            };
            // SAFETY: the device lives; of the claimed bytes none is touched, which is what the test is about.
            let hresult = unsafe { softcp_session_execute(device.as_ptr(), session.id(), &raw mut command) };
            assert_eq!((hresult, command.status), (E_INVALIDARG, E_INVALIDARG), "{claimed:#x} {at}");
        }
        assert_eq!((private, bytes), ([FILL; 4], [FILL; 4]));
    }
    assert_eq!(run(&device, &session, VERSION, &[], 16)[..4], [1, 0, 0, 0]);
}

#[test]
fn claimed_sizes_of_sealed_keys_and_hardware_keys_are_compared_too() {
    let device = TestDevice::alone(OPTIONS);
    let (media, _) = keyed(&device);
    let (source, destination) = (device.host.buffer(50), device.host.buffer(50));
    let (entry, new_key) = (device.table.pfnDecryptionBlt.unwrap(), device.table.pfnGetDataForNewHardwareKey.unwrap());
    let (few, iv) = ([1_u8; 8], [0_u8; 16]);
    for claimed in [u32::MAX, 0x8000_0000, (1 << 16) + 1] {
        let (from, to, few, iv) = (source.handle(), destination.handle(), few.as_ptr().cast(), iv.as_ptr().cast());
        // SAFETY: of the claimed bytes none is touched, which is what the test is about; the rest lives past the call.
        unsafe { entry(device.h_device, media.handle(), from, to, null(), claimed, few, 16, iv) };
        // SAFETY: as above.
        unsafe { entry(device.h_device, media.handle(), from, to, null(), 0, null(), claimed, iv) };
        let codes: Vec<_> = device.host.take_reports().iter().map(|report| report.hresult).collect();
        assert_eq!(codes, [E_INVALIDARG; 2]);
        let mut data = 7;
        // SAFETY: as above.
        let hresult = unsafe { new_key(device.h_device, media.handle(), claimed, few, &raw mut data) };
        assert!(hresult < 0 && data == 0, "{hresult:#x}");
    }
}

#[test]
fn the_free_threaded_twin_takes_no_flags() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    let mut command = Command::new(VERSION, &[], 16);
    assert_eq!(command.send(&device, &session, Some(0)), S_OK);
    assert_eq!((command.data.Status, command.report().HWProtectionDataSize), (S_OK, 16));
    assert_eq!(command.send(&device, &session, Some(1)), E_INVALIDARG);
    // It is the key exchange of other sessions too.
    let (media, client) = keyed(&device);
    assert!(decrypts(&device, &media, &client));
}

#[test]
fn malformed_commands_are_refused_and_their_output_stays() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    let entry = device.table.pfnNegotiateCryptoSessionKeyExchange.unwrap();
    let mut command = Command::new(VERSION, &[], 16);
    let data: *mut c_void = (&raw mut command.data).cast();
    for size in [0, 4, size_u32::<Data>() - 1, size_u32::<Data>() + 1, 256] {
        // SAFETY: a size that is not the structure's is refused before it is read.
        assert_eq!(unsafe { entry(device.h_device, session.handle(), size, data) }, E_INVALIDARG, "{size}");
    }
    // SAFETY: null is refused.
    let hresult = unsafe { entry(device.h_device, session.handle(), size_u32::<Data>(), null_mut()) };
    assert_eq!(hresult, E_INVALIDARG);
    let changes: [fn(&mut Data); 2] = [|data| data.pInputData = null_mut(), |data| data.pOutputData = null_mut()];
    for change in changes {
        let mut command = Command::new(VERSION, &[], 16);
        change(&mut command.data);
        assert_eq!((command.send(&device, &session, None), command.data.Status), (E_INVALIDARG, E_INVALIDARG));
        assert_eq!(command.bytes(16), [FILL; 16]);
    }
    // Private bytes that the environment does not have.
    let mut command = Command::new(VERSION, &[1, 2, 3, 4], 16);
    command.input[0] = 4 | command.input[0] >> 32 << 32;
    assert_eq!((command.send(&device, &session, None), command.data.Status), (E_INVALIDARG, E_INVALIDARG));
    let report = command.report();
    let written = (report.HWProtectionDataSize, report.TransportTime, report.ExecutionTime);
    assert_eq!((written, command.bytes(16)), ((0, 0, 0), vec![FILL; 16]));
}

#[test]
fn command_sessions_take_no_key_and_key_sessions_no_command() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    assert_eq!(device.negotiate(&session, &[0; 256]), E_INVALIDARG, "256 bytes are no command");
    assert_eq!(device.start_refresh(&session, &mut [0; 16]), D3DERR_INVALIDCALL);
    assert_eq!(device.encryption_blt_key(&session, &mut [0; 16]), D3DERR_INVALIDCALL);
    let (media, _) = keyed(&device);
    assert_eq!(Command::new(VERSION, &[], 16).send(&device, &media, None), E_INVALIDARG);
}

#[test]
fn without_the_capability_there_is_no_hardware_protection() {
    let device = TestDevice::alone("");
    assert_eq!(create(&device, D3D11_KEY_EXCHANGE_HW_PROTECTION).0, D3DERR_UNSUPPORTEDCRYPTO);
    let (media, _) = keyed(&device);
    assert_eq!(opens(&device, &media, &[7; 64]), E_INVALIDARG);
    let entry = device.table.pfnGetDataForNewHardwareKey.unwrap();
    let mut data = 7;
    // SAFETY: the output lives past the call.
    let hresult = unsafe { entry(device.h_device, media.handle(), 0, null(), &raw mut data) };
    assert_eq!((hresult, data), (E_NOTIMPL, 0));
}

#[test]
fn private_sizes_are_none_and_unknown_types_are_refused() {
    let device = TestDevice::alone(OPTIONS);
    let entry = device.table.pfnGetCryptoSessionPrivateDataSize.unwrap();
    for (key_exchange_type, expected) in [
        (D3D11_KEY_EXCHANGE_HW_PROTECTION, S_OK),
        (D3D11_KEY_EXCHANGE_RSAES_OAEP, S_OK),
        (GUID::from_u128(1), D3DERR_UNSUPPORTEDCRYPTO),
    ] {
        let (mut input, mut output) = (7, 7);
        let crypto_type = D3D11_CRYPTO_TYPE_AES128_CTR;
        let (of, kind) = (&raw const crypto_type, &raw const key_exchange_type);
        // SAFETY: GUIDs and outputs live past the call.
        unsafe { entry(device.h_device, of, null(), kind, &raw mut input, &raw mut output) };
        let reported = device.host.take_reports().first().map_or(S_OK, |report| report.hresult);
        assert_eq!((reported, input, output), (expected, 0, 0));
        let (mut input, mut output) = (7, 7);
        // SAFETY: as above.
        let hresult = unsafe {
            softcp_private_data_sizes(device.as_ptr(), of.cast(), null(), kind.cast(), &raw mut input, &raw mut output)
        };
        assert_eq!((hresult, input, output), (expected, 0, 0));
    }
}

#[test]
fn core_command_is_the_same_command() {
    let device = TestDevice::alone(OPTIONS);
    let session = commands(&device);
    let mut output = [FILL; 20];
    let mut command = softcp_secure_command {
        size: size_u32::<softcp_secure_command>(),
        function: VERSION,
        output: output.as_mut_ptr().cast(),
        output_size: 20,
        status: 7,
        written: 7,
        ..softcp_secure_command::default()
    };
    // SAFETY: the device lives; the command and its output live past the call.
    let hresult = unsafe { softcp_session_execute(device.as_ptr(), session.id(), &raw mut command) };
    assert_eq!((hresult, command.status, command.written), (S_OK, S_OK, 16));
    assert_eq!((output[0], &output[16..]), (1, &[0; 4][..]));
    let (media, _) = keyed(&device);
    // SAFETY: as above.
    let hresult = unsafe { softcp_session_execute(device.as_ptr(), media.id(), &raw mut command) };
    assert_eq!((hresult, command.status, command.written), (D3DERR_INVALIDCALL, D3DERR_INVALIDCALL, 0));
    command.size -= 8;
    // SAFETY: as above.
    let hresult = unsafe { softcp_session_execute(device.as_ptr(), session.id(), &raw mut command) };
    assert_eq!(hresult, E_INVALIDARG);
}

// Teardown.

/// What the host below has heard.
static HEARD: Mutex<Vec<(usize, u32)>> = Mutex::new(Vec::new());

unsafe extern "C" fn teardown(_context: *mut c_void, session: usize, status: u32) {
    HEARD.lock().unwrap().push((session, status));
}

#[test]
fn teardown_loses_keys_is_heard_and_is_recovered_from() {
    let adapter = TestAdapter::new(OPTIONS);
    let mut device = TestDevice::new(&adapter);
    let mut callbacks = Host::callbacks(&device.host);
    callbacks.teardown = Some(teardown);
    device.replace(&adapter, &callbacks);
    let session = commands(&device);
    let blob = blob(&device, &session);
    let (media, _) = keyed(&device);
    let untouched = device.create_session();
    let heard = || std::mem::take(&mut *HEARD.lock().unwrap());
    assert_eq!(heard(), []);

    device.invalidate(&media, SOFTCP_SESSION_STATUS_KEY_LOST);
    device.invalidate(&media, SOFTCP_SESSION_STATUS_KEY_LOST);
    device.invalidate(&untouched, SOFTCP_SESSION_STATUS_KEY_LOST);
    assert_eq!(heard(), [(media.id(), SOFTCP_SESSION_STATUS_KEY_LOST)], "once, and only what was lost");
    assert_eq!(opens(&device, &media, &blob), D3DERR_INVALIDCALL);

    let all = |status| {
        // SAFETY: the adapter lives.
        unsafe { softcp_adapter_teardown(adapter.as_ptr(), status) }
    };
    assert_eq!(all(SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST), S_OK);
    assert_eq!(heard(), [(0, SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST)]);
    assert_eq!(all(SOFTCP_SESSION_STATUS_OK), E_INVALIDARG);
    for session in [&session, &media] {
        assert_eq!(device.status_of(session), (S_OK, SOFTCP_SESSION_STATUS_KEY_AND_CONTENT_LOST));
    }
    assert_eq!(device.status_of(&untouched), (S_OK, SOFTCP_SESSION_STATUS_OK));

    run(&device, &session, PROVISION, &[], 8);
    assert_eq!(device.status_of(&session), (S_OK, SOFTCP_SESSION_STATUS_OK));
    let (fresh, _) = keyed(&device);
    assert_eq!(opens(&device, &fresh, &blob), E_INVALIDARG, "sealed before the teardown");
    run(&device, &session, LOAD_LICENCE, LICENCE, 100);
    let blob = run(&device, &session, MAKE_KEY_BLOB, &KID, 64);
    assert_eq!(opens(&device, &fresh, &blob), S_OK);

    run(&device, &session, TEARDOWN, &[], 0);
    assert_eq!(heard(), [(0, SOFTCP_SESSION_STATUS_KEY_LOST)]);
    assert_eq!(opens(&device, &fresh, &blob), D3DERR_INVALIDCALL);
}

#[test]
fn a_fault_tears_the_environment_down_too() {
    let device = TestDevice::alone(&format!("{OPTIONS};faults.list=key-lost at=2"));
    let session = commands(&device);
    let sealed = blob(&device, &session);
    let (media, _) = keyed(&device);
    assert_eq!(opens(&device, &media, &sealed), S_OK);
    assert_eq!(opens(&device, &media, &sealed), D3DERR_INVALIDCALL);
    assert_eq!(device.status_of(&session), (S_OK, SOFTCP_SESSION_STATUS_KEY_LOST));
    run(&device, &session, PROVISION, &[], 8);
    let (media, _) = keyed(&device);
    assert_eq!(opens(&device, &media, &sealed), E_INVALIDARG, "sealed before the teardown");
    let sealed = blob(&device, &session);
    assert_eq!(opens(&device, &media, &sealed), S_OK);
}

// SetHardwareProtection.

static PROTECTED: Mutex<Vec<(usize, u32)>> = Mutex::new(Vec::new());

unsafe extern "C" fn set_protection(_context: *mut c_void, resource: *mut c_void, is_protected: u32) -> HRESULT {
    PROTECTED.lock().unwrap().push((resource.addr(), is_protected));
    S_OK
}

#[test]
fn hardware_protection_of_a_resource_is_the_hosts_to_set() {
    // SAFETY: a string; the entry has this type.
    let entry = unsafe { softcp_ddi_entry(c"pfnSetHardwareProtection".as_ptr()) };
    // SAFETY: a function's address, or null, which is none.
    let entry: PFND3DWDDM2_0DDI_SETHARDWAREPROTECTION = unsafe { std::mem::transmute(entry) };
    let set = |device: &TestDevice, resource: usize, is_protected| {
        let resource = D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::without_provenance_mut(resource) };
        // SAFETY: the resource is the host's number.
        unsafe { entry.unwrap()(device.h_device, resource, is_protected) };
        device.host.take_reports().first().map_or(S_OK, |report| report.hresult)
    };
    let adapter = TestAdapter::new("capabilities.flags.hardware_protected_memory_transition=true");
    let mut device = TestDevice::new(&adapter);
    assert_eq!(set(&device, 16, 1), E_NOTIMPL, "the host has no such callback");
    let mut callbacks = Host::callbacks(&device.host);
    callbacks.set_hardware_protection = Some(set_protection);
    device.replace(&adapter, &callbacks);
    assert_eq!((set(&device, 16, 7), set(&device, 32, 0), set(&device, 0, 1)), (S_OK, S_OK, E_INVALIDARG));
    assert_eq!(*PROTECTED.lock().unwrap(), [(16, 1), (32, 0)]);
    let without = TestAdapter::new("");
    device.replace(&without, &callbacks);
    assert_eq!(set(&device, 16, 1), E_NOTIMPL, "the profile does not report it");
}
