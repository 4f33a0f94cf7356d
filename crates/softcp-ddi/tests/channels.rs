//! Authenticated channels through the table: pointers, sizes and private memory, the host's callbacks, and threads. The
//! other side is `softcp-client`; what commands and queries mean is tested with the engine, and from C.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::thread;

use common::host::Host;
use common::{FILL, TestAdapter, TestDevice, TestSession, size_u32};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL, D3D11_1DDI_HRTAUTHCHANNEL,
    D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3DDDIERR_DEVICEREMOVED, E_FAIL, E_INVALIDARG, HRESULT, S_OK,
};
use softcp_client::{
    Answer, AnswerError, ChannelMessage, ChannelType, ClientChannel, Command, KeyExchange, Process, ProtectionFlags,
    Query, SystemRandom,
};
use softcp_ddi::core::channel::{softcp_channel_create, softcp_channel_query};
use softcp_ddi::core::decoder::{softcp_decoder_register, softcp_decoder_session, softcp_decoder_unregister};
use softcp_ddi::core::device::softcp_device;
use softcp_ddi::core::faults::softcp_inject_fault;
use softcp_ddi::core::protection::{
    SOFTCP_PROCESS_DWM, SOFTCP_PROCESS_HANDLE, softcp_accessible_encryption, softcp_process, softcp_process_allowed,
    softcp_protection, softcp_protection_enforced,
};
use softcp_ddi::core::types::softcp_guid;

const ON: ProtectionFlags = ProtectionFlags { enabled: true, overlay_or_fullscreen: false };
const CONFIGURE_OUTPUT_SIZE: usize = size_of::<D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>();

/// The private memory of a channel, which is the runtime's.
struct TestChannel(Box<AtomicUsize>);

impl TestChannel {
    fn holding(id: usize) -> Self {
        Self(Box::new(AtomicUsize::new(id)))
    }

    fn handle(&self) -> D3D11_1DDI_HAUTHCHANNEL {
        D3D11_1DDI_HAUTHCHANNEL { pDrvPrivate: self.0.as_ptr().cast() }
    }

    fn id(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn create(device: &TestDevice, channel_type: u32, channel: &TestChannel) -> (HRESULT, usize) {
    let mut create = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL {
        ChannelType: channel_type,
        hChannel: std::ptr::without_provenance_mut(0x5A5A),
    };
    let runtime = D3D11_1DDI_HRTAUTHCHANNEL::default();
    let entry = device.table.pfnCreateAuthenticatedChannel.unwrap();
    // SAFETY: argument and private memory live past the call.
    let hresult = unsafe { entry(device.h_device, &raw mut create, channel.handle(), runtime) };
    assert_eq!(create.ChannelType, channel_type);
    (hresult, create.hChannel.addr())
}

fn destroy(device: &TestDevice, channel: &TestChannel) -> usize {
    // SAFETY: the private memory lives past the call.
    unsafe { device.table.pfnDestroyAuthenticatedChannel.unwrap()(device.h_device, channel.handle()) };
    device.host.take_reports().len()
}

fn negotiate(device: &TestDevice, channel: &TestChannel, data: &[u8]) -> HRESULT {
    let entry = device.table.pfnNegotiateAuthenticatedChannelKeyExchange.unwrap();
    // SAFETY: the data lives past the call and is not written.
    unsafe {
        entry(device.h_device, channel.handle(), u32::try_from(data.len()).unwrap(), data.as_ptr().cast_mut().cast())
    }
}

/// `ConfigureAuthenticatedChannel` as it stands.
///
/// # Safety
/// The pointers are null or valid for their sizes.
unsafe fn configure_raw(
    device: &TestDevice,
    h_device: D3D10DDI_HDEVICE,
    channel: &TestChannel,
    (size, input): (usize, *const c_void),
    output: *mut c_void,
) -> HRESULT {
    let entry = device.table.pfnConfigureAuthenticatedChannel.unwrap();
    // SAFETY: the caller's duty.
    unsafe { entry(h_device, channel.handle(), u32::try_from(size).unwrap(), input, output.cast()) }
}

fn configure(device: &TestDevice, channel: &TestChannel, message: &[u8]) -> (HRESULT, Vec<u8>) {
    let mut output = vec![FILL; CONFIGURE_OUTPUT_SIZE + 8];
    let input = (message.len(), message.as_ptr().cast());
    // SAFETY: input and output live past the call; the output is larger than needed.
    let hresult = unsafe { configure_raw(device, device.h_device, channel, input, output.as_mut_ptr().cast()) };
    assert_eq!(output.split_off(CONFIGURE_OUTPUT_SIZE), [FILL; 8]);
    (hresult, output)
}

fn query(device: &TestDevice, channel: &TestChannel, message: &[u8], room: usize) -> (HRESULT, Vec<u8>) {
    let mut output = vec![FILL; room + 8];
    let entry = device.table.pfnQueryAuthenticatedChannel.unwrap();
    let (size, room_size) = (u32::try_from(message.len()).unwrap(), u32::try_from(room).unwrap());
    let (input, into) = (message.as_ptr().cast(), output.as_mut_ptr().cast());
    // SAFETY: input and output live past the call; the output is larger than is said.
    let hresult = unsafe { entry(device.h_device, channel.handle(), size, input, room_size, into) };
    assert_eq!(output.split_off(room), [FILL; 8]);
    (hresult, output)
}

/// A channel that is initialised, and the application's half of it.
fn open(device: &TestDevice) -> (TestChannel, ClientChannel) {
    let channel = TestChannel::holding(0);
    let (hresult, handle) = create(device, 2, &channel);
    assert_eq!((hresult, handle), (S_OK, channel.id()));
    let exchange = KeyExchange::new(&device.certificate(), &SystemRandom).unwrap();
    assert_eq!(negotiate(device, &channel, exchange.message().as_bytes()), S_OK);
    let mut client = ClientChannel::new(exchange, handle, &SystemRandom).unwrap();
    obeyed(device, &channel, &mut client, Command::Initialize);
    (channel, client)
}

fn obeyed(device: &TestDevice, channel: &TestChannel, client: &mut ClientChannel, command: Command) {
    let message = client.command(command).unwrap();
    let (hresult, output) = configure(device, channel, message.bytes());
    assert_eq!((hresult, client.open_command_answer(&message, &output)), (S_OK, Ok(())));
}

fn answered(device: &TestDevice, channel: &TestChannel, client: &mut ClientChannel, asked: Query) -> Answer {
    let message = client.query(asked).unwrap();
    let (hresult, output) = query(device, channel, message.bytes(), message.answer_size());
    assert_eq!(hresult, S_OK);
    client.open_query_answer(&message, &output).unwrap()
}

fn refused(device: &TestDevice, channel: &TestChannel, client: &mut ClientChannel, asked: Query) -> i32 {
    let message = client.query(asked).unwrap();
    let (hresult, output) = query(device, channel, message.bytes(), message.answer_size());
    match client.open_query_answer(&message, &output) {
        Err(AnswerError::Refused { return_code, .. }) if return_code == hresult => hresult,
        other => panic!("{hresult:#x}: {other:?}"),
    }
}

#[test]
fn a_channel_from_creation_to_its_end() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let channel_type = answered(&device, &channel, &mut client, Query::ChannelType);
    assert_eq!(channel_type, Answer::ChannelType(ChannelType::DriverSoftware));
    obeyed(&device, &channel, &mut client, Command::Protection(ON));
    assert_eq!(enforced(&device), (1, 1));
    assert_eq!(destroy(&device, &channel), 0);
    assert_eq!((enforced(&device), channel.id()), ((0, 0), 0));
    assert_eq!(destroy(&device, &channel), 0, "a second time does nothing");
}

/// What the core functions say of protection: whether it is enforced, and the flags.
fn enforced(device: &TestDevice) -> (u32, u32) {
    let (mut enforced, mut flags) = (9, 9);
    // SAFETY: the device lives, the output is writable.
    assert_eq!(unsafe { softcp_protection_enforced(device.as_ptr(), &raw mut enforced) }, S_OK);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_protection(device.as_ptr(), &raw mut flags) }, S_OK);
    (enforced, flags)
}

#[test]
fn failed_creation_leaves_zeros_that_are_harmless_to_destroy() {
    let device = TestDevice::alone("");
    for channel_type in [0, 1, 4] {
        let channel = TestChannel::holding(77);
        assert_eq!(create(&device, channel_type, &channel), (E_INVALIDARG, 0));
        assert_eq!((channel.id(), destroy(&device, &channel)), (0, 0));
    }
    let entry = device.table.pfnCreateAuthenticatedChannel.unwrap();
    let channel = TestChannel::holding(77);
    let runtime = D3D11_1DDI_HRTAUTHCHANNEL::default();
    // SAFETY: the private memory lives past the call; null is refused.
    assert_eq!(unsafe { entry(device.h_device, null_mut(), channel.handle(), runtime) }, E_INVALIDARG);
    assert_eq!(channel.id(), 0);
    let mut create = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: 2, hChannel: null_mut() };
    let nowhere = D3D11_1DDI_HAUTHCHANNEL::default();
    // SAFETY: the argument lives past the call; null is refused.
    assert_eq!(unsafe { entry(device.h_device, &raw mut create, nowhere, runtime) }, E_INVALIDARG);
    let no_device = D3D10DDI_HDEVICE { pDrvPrivate: std::ptr::without_provenance_mut(3) };
    create.hChannel = std::ptr::without_provenance_mut(7);
    // SAFETY: argument and private memory live past the call.
    assert_eq!(unsafe { entry(no_device, &raw mut create, channel.handle(), runtime) }, E_INVALIDARG);
    assert!(create.hChannel.is_null());
}

#[test]
fn null_messages_are_refused_and_use_no_number_up() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let message = client.command(Command::Protection(ON)).unwrap();
    let bytes = message.bytes();
    let mut output = [FILL; CONFIGURE_OUTPUT_SIZE];
    let into: *mut c_void = output.as_mut_ptr().cast();
    let good: *const c_void = bytes.as_ptr().cast();
    for (input, to) in [((bytes.len(), null()), into), ((bytes.len(), good), null_mut())] {
        // SAFETY: null or valid for its size.
        let hresult = unsafe { configure_raw(&device, device.h_device, &channel, input, to) };
        assert_eq!(hresult, E_INVALIDARG);
    }
    assert_eq!(output, [FILL; CONFIGURE_OUTPUT_SIZE]);
    assert_eq!(enforced(&device).0, 0);
    let (hresult, output) = configure(&device, &channel, bytes);
    assert_eq!((hresult, client.open_command_answer(&message, &output)), (S_OK, Ok(())));

    let message = client.query(Query::Protection).unwrap();
    let entry = device.table.pfnQueryAuthenticatedChannel.unwrap();
    let size = u32::try_from(message.bytes().len()).unwrap();
    let mut room = [FILL; 64];
    for (input, to) in
        [(null(), room.as_mut_ptr().cast()), (message.bytes().as_ptr().cast::<c_void>(), null_mut::<c_void>())]
    {
        // SAFETY: null, or valid for its size.
        assert_eq!(unsafe { entry(device.h_device, channel.handle(), size, input, 64, to) }, E_INVALIDARG);
    }
    let (hresult, output) = query(&device, &channel, message.bytes(), message.answer_size());
    assert_eq!(hresult, S_OK);
    assert_eq!(client.open_query_answer(&message, &output), Ok(Answer::Protection(ON)));
}

#[test]
fn huge_messages_are_answered() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let command = client.command(Command::Protection(ON)).unwrap();
    let mut long = command.bytes().to_vec();
    long.resize(100_000, 0);
    let mut header = command.bytes()[..size_of::<softcp_abi::D3D11_AUTHENTICATED_CONFIGURE_INPUT>()].to_vec();
    header.resize(5000, 0);
    assert_eq!(configure(&device, &channel, &header).0, E_INVALIDARG);
    let (hresult, output) = configure(&device, &channel, &long);
    let opened = client.open_command_answer(&command, &output);
    assert!(matches!(opened, Err(AnswerError::Refused { return_code: E_INVALIDARG, .. })), "{opened:?}");
    assert_eq!((hresult, enforced(&device).0), (E_INVALIDARG, 0));
    let (hresult, output) = configure(&device, &channel, command.bytes());
    assert_eq!((hresult, client.open_command_answer(&command, &output)), (S_OK, Ok(())));

    let asked = client.query(Query::Protection).unwrap();
    let mut long = asked.bytes().to_vec();
    long.resize(100_000, 0);
    let (hresult, output) = query(&device, &channel, &long, asked.answer_size());
    assert_eq!((hresult, client.open_query_answer(&asked, &output)), (S_OK, Ok(Answer::Protection(ON))));
}

#[test]
fn messages_need_no_alignment_and_may_lie_where_the_answer_goes() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    for offset in 0..9 {
        let message = client.command(Command::Protection(ON)).unwrap();
        let mut buffer = [FILL; 200];
        buffer[offset..offset + message.bytes().len()].copy_from_slice(message.bytes());
        let at: *mut c_void = buffer[offset..].as_mut_ptr().cast();
        // SAFETY: the buffer holds the message and has room for the answer.
        let hresult = unsafe { configure_raw(&device, device.h_device, &channel, (message.bytes().len(), at), at) };
        assert_eq!(hresult, S_OK);
        let answer = &buffer[offset..offset + CONFIGURE_OUTPUT_SIZE];
        assert_eq!(client.open_command_answer(&message, answer), Ok(()));
    }
}

#[test]
fn stale_and_foreign_channels_are_refused_without_a_signature() {
    let adapter = TestAdapter::new("");
    let (device, other) = (TestDevice::new(&adapter), TestDevice::new(&adapter));
    let (channel, mut client) = open(&device);
    let session = device.create_session();
    let message = client.command(Command::Protection(ON)).unwrap();
    let stale = {
        let (channel, _) = open(&device);
        let stale = TestChannel::holding(channel.id());
        assert_eq!(destroy(&device, &channel), 0);
        stale
    };
    for (device, channel) in [
        (&other, &channel),
        (&device, &stale),
        (&device, &TestChannel::holding(0)),
        (&device, &TestChannel::holding(session.id())),
        (&device, &TestChannel::holding(usize::MAX)),
    ] {
        let (hresult, output) = configure(device, channel, message.bytes());
        assert_eq!((hresult, &output[..16]), (E_INVALIDARG, &[0; 16][..]));
        assert_eq!(client.open_command_answer(&message, &output), Err(AnswerError::NotAuthentic));
        assert_eq!(negotiate(device, channel, &[0; 256]), E_INVALIDARG);
    }
    assert_eq!(destroy(&device, &stale), 1, "one report (D20)");
    let (hresult, output) = configure(&device, &channel, message.bytes());
    assert_eq!((hresult, client.open_command_answer(&message, &output)), (S_OK, Ok(())));
}

#[test]
fn a_decoder_of_the_host_gets_the_session_that_a_channel_binds() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let session = device.create_session();
    let mut decoder = 0;
    // SAFETY: the device lives, the output is writable.
    assert_eq!(unsafe { softcp_decoder_register(device.as_ptr(), null(), &raw mut decoder) }, S_OK);
    let bound = |device: *const softcp_device| {
        let mut session = 0x77;
        // SAFETY: the device lives, the output is writable.
        (unsafe { softcp_decoder_session(device, decoder, &raw mut session) }, session)
    };
    assert_eq!(bound(device.as_ptr()), (S_OK, 0));
    let Answer::DeviceHandle(handle) = answered(&device, &channel, &mut client, Query::DeviceHandle) else { panic!() };
    let command = Command::CryptoSession { decoder, session: session.id(), device: handle };
    obeyed(&device, &channel, &mut client, command);
    assert_eq!(bound(device.as_ptr()), (S_OK, session.id()));
    let asked = answered(&device, &channel, &mut client, Query::CryptoSession { decoder });
    assert_eq!(asked, Answer::CryptoSession { session: session.id(), device: handle });
    // SAFETY: the device lives.
    assert_eq!(unsafe { softcp_decoder_unregister(device.as_ptr(), decoder) }, S_OK);
    assert_eq!(bound(device.as_ptr()), (E_INVALIDARG, 0));
    assert_eq!(refused(&device, &channel, &mut client, Query::CryptoSession { decoder }), E_INVALIDARG);
    // SAFETY: as above.
    assert_eq!(unsafe { softcp_decoder_unregister(device.as_ptr(), 0) }, S_OK);
}

/// Outputs of the host below: as many as this says.
static OUTPUTS: AtomicU32 = AtomicU32::new(2);
/// The device whose functions `outputs` calls again, and the id of a channel of it.
static AGAIN: AtomicPtr<softcp_device> = AtomicPtr::new(null_mut());
static AGAIN_CHANNEL: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn outputs(_context: *mut c_void, identifiers: *mut u64, capacity: u32) -> u32 {
    let count = OUTPUTS.load(Ordering::Relaxed);
    for index in 0..count.min(capacity) {
        // SAFETY: there is room for `capacity` of them.
        unsafe { identifiers.wrapping_add(index as usize).write(0x1_0000_0000 + u64::from(index)) };
    }
    // No lock is held during a callback, so calling in again on the same channel does not hang.
    let device = AGAIN.swap(null_mut(), Ordering::Relaxed);
    if !device.is_null() {
        let mut output = [0_u8; 64];
        let id = AGAIN_CHANNEL.load(Ordering::Relaxed);
        // SAFETY: the device is the one that calls; input and output have their sizes.
        let hresult =
            unsafe { softcp_channel_query(device, id, 4, [0_u8; 4].as_ptr().cast(), 64, output.as_mut_ptr().cast()) };
        assert_eq!(hresult, E_INVALIDARG);
    }
    count
}

unsafe extern "C" fn allowed_processes(_context: *mut c_void, processes: *mut softcp_process, capacity: u32) -> u32 {
    assert!(capacity >= 2);
    let list = [
        softcp_process { process_type: SOFTCP_PROCESS_DWM, ..softcp_process::default() },
        softcp_process { process_type: SOFTCP_PROCESS_HANDLE, reserved: 0, handle: 0x1234 },
    ];
    for (index, process) in list.into_iter().enumerate() {
        // SAFETY: there is room for `capacity` of them.
        unsafe { processes.wrapping_add(index).write(process) };
    }
    2
}

#[test]
fn host_names_outputs_and_processes() {
    let adapter = TestAdapter::new("outputs.identifiers=[7]");
    let mut device = TestDevice::new(&adapter);
    let mut callbacks = Host::callbacks(&device.host);
    callbacks.outputs = Some(outputs);
    callbacks.allowed_processes = Some(allowed_processes);
    device.replace(&adapter, &callbacks);
    let (channel, mut client) = open(&device);
    let session = device.create_session();
    let Answer::DeviceHandle(handle) = answered(&device, &channel, &mut client, Query::DeviceHandle) else { panic!() };
    let count = Query::OutputIdCount { device: handle, session: session.id() };
    let output = |index| Query::OutputId { device: handle, session: session.id(), index };

    AGAIN_CHANNEL.store(channel.id(), Ordering::Relaxed);
    AGAIN.store(device.as_ptr(), Ordering::Relaxed);
    assert_eq!(answered(&device, &channel, &mut client, count), Answer::OutputIdCount(2));
    assert_eq!(answered(&device, &channel, &mut client, output(1)), Answer::OutputId(0x1_0000_0001));
    assert_eq!(refused(&device, &channel, &mut client, output(2)), E_INVALIDARG);
    // Outputs are plugged in, more than the host is first asked for; but there is an end.
    OUTPUTS.store(3, Ordering::Relaxed);
    assert_eq!(answered(&device, &channel, &mut client, output(2)), Answer::OutputId(0x1_0000_0002));
    OUTPUTS.store(1000, Ordering::Relaxed);
    assert_eq!(answered(&device, &channel, &mut client, count), Answer::OutputIdCount(1000));
    assert_eq!(answered(&device, &channel, &mut client, output(999)), Answer::OutputId(0x1_0000_03E7));
    OUTPUTS.store(1025, Ordering::Relaxed);
    assert_eq!(refused(&device, &channel, &mut client, count), E_FAIL);
    assert_eq!(refused(&device, &channel, &mut client, output(0)), E_FAIL);

    let asked = answered(&device, &channel, &mut client, Query::RestrictedSharedResourceProcessCount);
    assert_eq!(asked, Answer::RestrictedSharedResourceProcessCount(2));
    let asked = answered(&device, &channel, &mut client, Query::RestrictedSharedResourceProcess { index: 1 });
    assert_eq!(asked, Answer::RestrictedSharedResourceProcess(Process::Handle(0x1234)));
    let allow = Command::SharedResource { process: Process::Handle(9), allow: true };
    obeyed(&device, &channel, &mut client, allow);
    for (process_type, handle, expected) in [
        (SOFTCP_PROCESS_DWM, 5, (S_OK, 1)),
        (SOFTCP_PROCESS_HANDLE, 9, (S_OK, 1)),
        (SOFTCP_PROCESS_HANDLE, 10, (S_OK, 0)),
        (0, 9, (E_INVALIDARG, 0)),
        (3, 9, (E_INVALIDARG, 0)),
    ] {
        let process = softcp_process { process_type, reserved: 0, handle };
        let mut allowed = 7;
        // SAFETY: the device lives; argument and output live past the call.
        let hresult = unsafe { softcp_process_allowed(device.as_ptr(), &raw const process, &raw mut allowed) };
        assert_eq!((hresult, allowed), expected, "{process_type} {handle}");
    }
}

/// How often the host below was asked.
static ASKED: AtomicU32 = AtomicU32::new(0);

/// Names one more than there is room for, each time, and any number of them.
unsafe extern "C" fn growing_outputs(context: *mut c_void, identifiers: *mut u64, capacity: u32) -> u32 {
    let asked = ASKED.fetch_add(1, Ordering::Relaxed);
    // SAFETY: as for `outputs`.
    let _ = unsafe { outputs(context, identifiers, capacity) };
    if asked % 4 < 2 { capacity + 1 } else { u32::MAX }
}

/// D35, and D17: the answer is checked to be signed and to hold nothing. The query's number is used up.
#[test]
fn outputs_that_grow_and_grow_are_asked_for_twice_and_then_a_signed_failure() {
    let adapter = TestAdapter::new("");
    let mut device = TestDevice::new(&adapter);
    device.replace(
        &adapter,
        &softcp_ddi::softcp_host { outputs: Some(growing_outputs), ..Host::callbacks(&device.host) },
    );
    let (channel, mut client) = open(&device);
    let session = device.create_session();
    let Answer::DeviceHandle(handle) = answered(&device, &channel, &mut client, Query::DeviceHandle) else { panic!() };
    for round in 1..=4 {
        let count = Query::OutputIdCount { device: handle, session: session.id() };
        assert_eq!(refused(&device, &channel, &mut client, count), E_FAIL);
        assert_eq!(ASKED.load(Ordering::Relaxed), 2 * round);
    }
    // A query that is wrong before outputs matter is refused for what is wrong with it.
    let wrong = Query::OutputId { device: handle, session: channel.id(), index: 0 };
    assert_eq!(refused(&device, &channel, &mut client, wrong), E_INVALIDARG);
    answered(&device, &channel, &mut client, Query::DeviceHandle);
}

/// D39, through the table: a channel that names itself gets an answer.
#[test]
fn channel_in_the_place_of_a_decoder_session_or_device_is_a_signed_refusal() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let session = device.create_session();
    let Answer::DeviceHandle(handle) = answered(&device, &channel, &mut client, Query::DeviceHandle) else { panic!() };
    let itself = channel.id();
    assert_eq!(refused(&device, &channel, &mut client, Query::CryptoSession { decoder: itself }), E_INVALIDARG);
    for (device_handle, session) in [(handle, itself), (itself, session.id()), (itself, itself)] {
        let count = Query::OutputIdCount { device: device_handle, session };
        assert_eq!(refused(&device, &channel, &mut client, count), E_INVALIDARG);
    }
    let bind = Command::CryptoSession { decoder: itself, session: itself, device: itself };
    let message = client.command(bind).unwrap();
    let (hresult, answer) = configure(&device, &channel, message.bytes());
    assert_eq!(hresult, E_INVALIDARG);
    let opened = client.open_command_answer(&message, &answer);
    assert!(matches!(opened, Err(AnswerError::Refused { return_code: E_INVALIDARG, .. })), "{opened:?}");
    assert_eq!(destroy(&device, &channel), 0);
}

/// D36: a removed device answers every message, and signs the answer.
#[test]
fn removed_device_answers_queries_and_commands_signed() {
    let device = TestDevice::alone("faults.opt_in=true");
    let (channel, mut client) = open(&device);
    // SAFETY: the device and the text live.
    assert_eq!(unsafe { softcp_inject_fault(device.as_ptr(), c"device-removed".as_ptr()) }, S_OK);
    assert_eq!(device.create_in(&TestSession::unborn()), D3DDDIERR_DEVICEREMOVED);
    assert_eq!(refused(&device, &channel, &mut client, Query::DeviceHandle), D3DDDIERR_DEVICEREMOVED);
    let message = client.command(Command::Protection(ON)).unwrap();
    let (hresult, answer) = configure(&device, &channel, message.bytes());
    assert_eq!(hresult, D3DDDIERR_DEVICEREMOVED);
    let opened = client.open_command_answer(&message, &answer);
    assert!(matches!(opened, Err(AnswerError::Refused { return_code: D3DDDIERR_DEVICEREMOVED, .. })), "{opened:?}");
    assert_eq!(negotiate(&device, &channel, &[0; 256]), D3DDDIERR_DEVICEREMOVED);
    assert_eq!(create(&device, 2, &TestChannel::holding(7)), (D3DDDIERR_DEVICEREMOVED, 0));
    // What channels have set goes on to protect, and what there is can be destroyed.
    assert_eq!(enforced(&device), (0, 0));
    assert_eq!(destroy(&device, &channel), 0);
}

#[test]
fn chosen_encryption_is_told_to_the_host() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let chosen = || {
        let mut guid = softcp_guid { data1: 7, ..softcp_guid::default() };
        // SAFETY: the device lives, the output is writable.
        assert_eq!(unsafe { softcp_accessible_encryption(device.as_ptr(), &raw mut guid) }, S_OK);
        softcp_abi::GUID::from(guid)
    };
    assert_eq!(chosen(), softcp_abi::GUID_NULL);
    let aes = softcp_abi::D3D11_CRYPTO_TYPE_AES128_CTR;
    obeyed(&device, &channel, &mut client, Command::EncryptionWhenAccessible(aes));
    assert_eq!(chosen(), aes);
    let unknown = client.command(Command::EncryptionWhenAccessible(softcp_abi::GUID::from_u128(1))).unwrap();
    assert_eq!(configure(&device, &channel, unknown.bytes()).0, E_INVALIDARG);
    assert_eq!(chosen(), aes);
}

#[test]
fn unknown_messages_are_e_fail() {
    let device = TestDevice::alone("");
    let (channel, mut client) = open(&device);
    let mut message = client.query(Query::Protection).unwrap().bytes().to_vec();
    message[0] ^= 1;
    assert_eq!(query(&device, &channel, &message, 64).0, E_FAIL);
}

#[test]
fn one_channel_answers_every_thread_and_no_number_twice() {
    let device = TestDevice::alone("");
    let (channel, client) = open(&device);
    let client = std::sync::Mutex::new(client);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let message: ChannelMessage = client.lock().unwrap().query(Query::ChannelType).unwrap();
                    let (hresult, output) = query(&device, &channel, message.bytes(), message.answer_size());
                    let opened = client.lock().unwrap().open_query_answer(&message, &output);
                    match opened {
                        Ok(_) => answered.fetch_add(usize::from(hresult == S_OK), Ordering::Relaxed),
                        // Overtaken by a thread with a greater number.
                        Err(AnswerError::Refused { return_code: E_INVALIDARG, .. }) => 0,
                        Err(error) => panic!("{error}"),
                    };
                    let again = query(&device, &channel, message.bytes(), message.answer_size());
                    assert_eq!(again.0, E_INVALIDARG);
                }
            });
        }
    });
    assert!(answered.into_inner() > 0);
}

#[test]
fn an_answer_with_a_wrong_mac_is_refused_and_a_new_channel_works() {
    let device = TestDevice::alone("faults.list=wrong-mac at=2 times=2");
    let (channel, mut client) = open(&device);
    let message = client.command(Command::Protection(ON)).unwrap();
    let (hresult, output) = configure(&device, &channel, message.bytes());
    assert_eq!((hresult, client.open_command_answer(&message, &output)), (S_OK, Err(AnswerError::NotAuthentic)));
    let message = client.query(Query::Protection).unwrap();
    let (hresult, output) = query(&device, &channel, message.bytes(), message.answer_size());
    assert_eq!((hresult, client.open_query_answer(&message, &output)), (S_OK, Err(AnswerError::NotAuthentic)));
    assert_eq!(destroy(&device, &channel), 0);
    let (channel, mut client) = open(&device);
    obeyed(&device, &channel, &mut client, Command::Protection(ON));
    assert_eq!(enforced(&device), (1, 1));
}

#[test]
fn nothing_a_destroyed_channel_sets_stays() {
    let adapter = TestAdapter::new("");
    for _ in 0..30 {
        let device = Arc::new(TestDevice::new(&adapter));
        let (channel, mut client) = open(&device);
        let messages: Vec<_> = (0..20).map(|_| client.command(Command::Protection(ON)).unwrap()).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                for message in &messages {
                    configure(&device, &channel, message.bytes());
                }
            });
            scope.spawn(|| {
                // Not through `channel`: its private memory is the other thread's until that is done.
                let same = TestChannel::holding(channel.id());
                assert_eq!(destroy(&device, &same), 0);
            });
        });
        assert_eq!(enforced(&device), (0, 0));
    }
}

#[test]
fn ids_of_sessions_and_channels_differ() {
    let device = TestDevice::alone("");
    let session: TestSession = device.create_session();
    let mut channel = 0;
    // SAFETY: the device lives, the output is writable.
    assert_eq!(unsafe { softcp_channel_create(device.as_ptr(), 3, &raw mut channel) }, S_OK);
    assert_ne!(channel, session.id());
    assert_eq!(size_u32::<softcp_process>(), 16);
}
