//! What a call costs around its kernel: blits, refreshes, queries and key exchanges through the function table.
//!
//! `cargo bench -p softcp-ddi` measures each call with criterion, then prints a table of times. Absolute figures move
//! with the machine's other load; the table comes from rounds in which all calls take turns, so read differences and
//! ratios within it. `cargo bench -p softcp-ddi -- table` prints the table alone.
//!
//! The host's callbacks do nothing but hand a mapping out. "In turn" calls each of many objects once before it calls
//! the first one again, so that what the library knows about one has left the nearest cache by then.

// A benchmark reports on the terminal, rounded, and a failed setup may stop it.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../../softcp/benches/turns/mod.rs"]
mod turns;

use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::host::passing_host;
use common::{Block, TestAdapter, TestDevice, TestSession};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use softcp::provider::{OaepPrivateKey, Provider};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDI_HAUTHCHANNEL,
    D3D11_1DDI_HRTAUTHCHANNEL, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL, D3DWDDM2_4DDI_VIDEODEVICEFUNCS, S_OK,
    softcp_mapping,
};
use softcp_aes::{Key, Keystream};
use softcp_client::{
    ClientChannel, ClientSession, Command, ContentKey, KeyExchange, Query, SystemRandom, VerifiedCertificate,
};
use turns::Case;

/// Bytes of a sample of a soundtrack, which is what many small blits are for.
const SAMPLE: usize = 1500;
/// Objects beside which one is as fast as alone.
const MANY: usize = 10_000;

fn main() {
    let bench = Bench::new(if turns::is_test() { 3 } else { MANY });
    turns::run("call", &mut bench.cases());
}

/// Memory and the mapping that describes it.
struct Memory {
    _bytes: Vec<u8>,
    mapping: Box<softcp_mapping>,
}

impl Memory {
    fn new(len: usize) -> Self {
        let mut bytes = vec![0x5A; len];
        let data = bytes.as_mut_ptr().cast();
        let mapping = softcp_mapping { data, row_pitch: len, row_bytes: len, rows: 1, ..softcp_mapping::default() };
        Self { _bytes: bytes, mapping: Box::new(mapping) }
    }

    fn handle(&self) -> D3D10DDI_HRESOURCE {
        D3D10DDI_HRESOURCE { pDrvPrivate: std::ptr::from_ref(&*self.mapping).cast_mut().cast() }
    }
}

/// Source and destination of a blit.
struct Pair(Memory, Memory);

impl Pair {
    fn new(len: usize) -> Self {
        Self(Memory::new(len), Memory::new(len))
    }
}

/// A session whose key both sides have.
struct Session {
    memory: TestSession,
    client: ClientSession,
}

/// A channel that answers queries: its private memory, and a query whose number is to be counted up.
struct Channel {
    memory: Box<AtomicUsize>,
    query: Vec<u8>,
    sequence: u32,
}

/// Devices, sessions and channels: one alone, and one among many.
struct Bench {
    alone: World,
    among: World,
    pair: Pair,
    sample: Pair,
    private_key: Box<dyn OaepPrivateKey>,
}

/// An adapter and what lives on it. `devices` are further `hDevice` values of devices with a session each.
struct World {
    _adapter: TestAdapter,
    device: TestDevice,
    devices: Vec<TestDevice>,
    sessions: Vec<Session>,
    elsewhere: Vec<Session>,
    channels: Vec<Channel>,
    exchange: Vec<u8>,
}

impl Bench {
    fn new(many: usize) -> Self {
        let pem = include_bytes!("../../softcp/tests/vectors/identity/key.pem");
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem).unwrap();
        Self {
            alone: World::new(1),
            among: World::new(many),
            pair: Pair::new(16),
            sample: Pair::new(SAMPLE),
            private_key: Provider::aws_lc().rsa.load(key.secret_pkcs8_der()).unwrap(),
        }
    }

    fn cases<'b>(&'b self) -> Vec<Case<'b>> {
        let Self { alone, among, pair, sample, private_key } = self;
        let many = among.sessions.len();
        let mut cases = Vec::new();
        let mut case = |name: &str, calls, call: Box<dyn FnMut() + 'b>| {
            cases.push(Case { name: name.replace("MANY", &many.to_string()), calls, call });
        };
        case("kernel alone: 16 bytes", 256, kernel(16));
        case("kernel alone: 1500 bytes", 128, kernel(SAMPLE));
        case("kernel alone: key schedule and 1500 bytes", 128, kernel_with_schedule(SAMPLE));
        case("DecryptionBlt, 16 bytes", 256, alone.blits(pair, false));
        case("DecryptionBlt, 16 bytes, one of MANY sessions", 256, among.blits(pair, false));
        case("DecryptionBlt, 16 bytes, MANY sessions in turn", 256, among.blits(pair, true));
        case("DecryptionBlt, 16 bytes, one of MANY devices", 256, among.blits_of_devices(pair, false));
        case("DecryptionBlt, 16 bytes, MANY devices in turn", 256, among.blits_of_devices(pair, true));
        case("DecryptionBlt, 1500 bytes", 128, alone.blits(sample, false));
        case("DecryptionBlt, 1500 bytes, one wrapped key", 128, alone.wrapped_blits(sample, 1));
        case("DecryptionBlt, 1500 bytes, 4 wrapped keys in turn", 128, alone.wrapped_blits(sample, 4));
        case("DecryptionBlt, 1500 bytes, 1000 wrapped keys in turn", 128, alone.wrapped_blits(sample, 1000));
        case("Start + Finish", 128, alone.refreshes(false));
        case("Start + Finish, one of MANY sessions", 128, among.refreshes(false));
        case("Start + Finish, MANY sessions in turn", 128, among.refreshes(true));
        case("QueryAuthenticatedChannel", 64, alone.queries(false));
        case("QueryAuthenticatedChannel, one of MANY channels", 64, among.queries(false));
        case("QueryAuthenticatedChannel, MANY channels in turn", 64, among.queries(true));
        case("NegotiateCryptoSessionKeyExchange", 1, alone.exchanges());
        let message: [u8; 256] = alone.exchange.as_slice().try_into().unwrap();
        let private = move || {
            black_box(private_key.decrypt(black_box(&message)).unwrap());
        };
        case("RSA private operation alone", 1, Box::new(private));
        cases
    }
}

impl World {
    fn new(count: usize) -> Self {
        let adapter = TestAdapter::new("");
        let mut device = TestDevice::new(&adapter);
        device.replace(&adapter, &passing_host());
        let certificate = device.certificate();
        let session = |device: &TestDevice| {
            let (memory, client) = device.keyed_session(&certificate);
            Session { memory, client }
        };
        let sessions = (0..count).map(|_| session(&device)).collect();
        let channels = (0..count).map(|_| Channel::new(&device, &certificate)).collect();
        let devices: Vec<_> = (0..if count == 1 { 0 } else { count })
            .map(|_| {
                let mut device = TestDevice::new(&adapter);
                device.replace(&adapter, &passing_host());
                device
            })
            .collect();
        let elsewhere = devices.iter().map(session).collect();
        let exchange = KeyExchange::new(&certificate, &SystemRandom).unwrap().message().as_bytes().to_vec();
        Self { _adapter: adapter, device, devices, sessions, elsewhere, channels, exchange }
    }

    fn table(&self) -> &D3DWDDM2_4DDI_VIDEODEVICEFUNCS {
        &self.device.table
    }

    /// Blits of one session, or of all in turn.
    fn blits<'b>(&'b self, pair: &'b Pair, in_turn: bool) -> Box<dyn FnMut() + 'b> {
        let (mut next, count) = (0, if in_turn { self.sessions.len() } else { 1 });
        Box::new(move || {
            next = (next + 1) % count;
            blit(self.table(), self.device.h_device, &self.sessions[next].memory, pair, None);
        })
    }

    /// Blits of the session of one device, or of all in turn.
    fn blits_of_devices<'b>(&'b self, pair: &'b Pair, in_turn: bool) -> Box<dyn FnMut() + 'b> {
        let (mut next, count) = (0, if in_turn { self.devices.len() } else { 1 });
        Box::new(move || {
            next = (next + 1) % count;
            blit(self.table(), self.devices[next].h_device, &self.elsewhere[next].memory, pair, None);
        })
    }

    /// Blits under content keys that take turns.
    fn wrapped_blits<'b>(&'b self, pair: &'b Pair, count: usize) -> Box<dyn FnMut() + 'b> {
        // A session of its own: refreshes would unwrap these to other keys, which takes as long.
        let session = &self.sessions[0];
        let wrapped = || *session.client.wrap_content_key(&ContentKey::generate(&SystemRandom).unwrap()).as_bytes();
        let (mut next, keys) = (0, (0..count).map(|_| wrapped()).collect::<Vec<Block>>());
        Box::new(move || {
            next = (next + 1) % count;
            blit(self.table(), self.device.h_device, &session.memory, pair, Some(&keys[next]));
        })
    }

    fn refreshes<'b>(&'b self, in_turn: bool) -> Box<dyn FnMut() + 'b> {
        let (mut next, count) = (0, if in_turn { self.sessions.len() } else { 1 });
        let (start, finish) =
            (self.table().pfnStartSessionKeyRefresh.unwrap(), self.table().pfnFinishSessionKeyRefresh.unwrap());
        Box::new(move || {
            next = (next + 1) % count;
            let (session, mut number) = (self.sessions[next].memory.handle(), Block::default());
            // SAFETY: the number lives past the call and has this size.
            unsafe { start(self.device.h_device, session, 16, number.as_mut_ptr().cast()) };
            // SAFETY: the private memory lives past the call.
            unsafe { finish(self.device.h_device, session) };
            black_box(number);
        })
    }

    fn queries<'b>(&'b self, in_turn: bool) -> Box<dyn FnMut() + 'b> {
        let (mut next, count) = (0, if in_turn { self.channels.len() } else { 1 });
        let entry = self.table().pfnQueryAuthenticatedChannel.unwrap();
        // Two cases take turns on one channel, so each takes its numbers from what the channel has counted.
        Box::new(move || {
            next = (next + 1) % count;
            let channel = &self.channels[next];
            let (mut output, sequence) = ([0_u8; 64], next_sequence(channel));
            let mut query = [0_u8; 64];
            let size = channel.query.len();
            query[..size].copy_from_slice(&channel.query);
            query[24..28].copy_from_slice(&sequence.to_ne_bytes());
            let (input, into) = (query.as_ptr().cast(), output.as_mut_ptr().cast());
            let handle = channel.handle();
            // SAFETY: input and output live past the call and have these sizes.
            let hresult = unsafe { entry(self.device.h_device, handle, u32::try_from(size).unwrap(), input, 64, into) };
            assert_eq!(hresult, S_OK);
            black_box(output);
        })
    }

    fn exchanges(&self) -> Box<dyn FnMut() + '_> {
        // Another session than those of the blits, whose keys stay.
        let session = self.device.create_session();
        let entry = self.table().pfnNegotiateCryptoSessionKeyExchange.unwrap();
        Box::new(move || {
            let message = self.exchange.as_ptr().cast_mut().cast();
            // SAFETY: the message lives past the call and is read only.
            let hresult = unsafe { entry(self.device.h_device, session.handle(), 256, message) };
            assert_eq!(hresult, S_OK);
        })
    }
}

impl Channel {
    fn new(device: &TestDevice, certificate: &VerifiedCertificate) -> Self {
        let memory = Box::new(AtomicUsize::new(0));
        let mut channel = Self { memory, query: Vec::new(), sequence: 0 };
        let mut create = D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: 2, ..Default::default() };
        let entry = device.table.pfnCreateAuthenticatedChannel.unwrap();
        let runtime = D3D11_1DDI_HRTAUTHCHANNEL::default();
        // SAFETY: argument and private memory live past the call.
        assert_eq!(unsafe { entry(device.h_device, &raw mut create, channel.handle(), runtime) }, S_OK);
        let exchange = KeyExchange::new(certificate, &SystemRandom).unwrap();
        let message = exchange.message().as_bytes().to_vec();
        let entry = device.table.pfnNegotiateAuthenticatedChannelKeyExchange.unwrap();
        // SAFETY: the message lives past the call and is read only.
        let hresult = unsafe { entry(device.h_device, channel.handle(), 256, message.as_ptr().cast_mut().cast()) };
        assert_eq!(hresult, S_OK);
        let mut client = ClientChannel::with_sequences(exchange, create.hChannel.addr(), 1, 1);
        let message = client.command(Command::Initialize).unwrap();
        let mut output = [0_u8; size_of::<D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT>()];
        let entry = device.table.pfnConfigureAuthenticatedChannel.unwrap();
        let (size, input) = (u32::try_from(message.bytes().len()).unwrap(), message.bytes().as_ptr().cast());
        let into = output.as_mut_ptr().cast();
        // SAFETY: input and output live past the call; the output has its structure's size.
        assert_eq!(unsafe { entry(device.h_device, channel.handle(), size, input, into) }, S_OK);
        client.open_command_answer(&message, &output).unwrap();
        let query = client.query(Query::Protection).unwrap();
        channel.query = query.bytes().to_vec();
        channel.sequence = query.sequence_number();
        channel
    }

    fn handle(&self) -> D3D11_1DDI_HAUTHCHANNEL {
        D3D11_1DDI_HAUTHCHANNEL { pDrvPrivate: self.memory.as_ptr().cast() }
    }
}

/// The next number of a channel's queries. One counter serves all channels, since numbers may leave some out.
fn next_sequence(channel: &Channel) -> u32 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    channel.sequence + u32::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap()
}

/// `DecryptionBlt` through the table.
fn blit(
    table: &D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
    h_device: D3D10DDI_HDEVICE,
    session: &TestSession,
    Pair(source, destination): &Pair,
    key: Option<&Block>,
) {
    let iv = black_box([7_u8; 16]);
    let (key, key_size) = key.map_or((null(), 0), |key| (key.as_ptr().cast::<c_void>(), 16));
    let (from, to) = (source.handle(), destination.handle());
    let entry = table.pfnDecryptionBlt.unwrap();
    // SAFETY: key and IV live past the call; the resources are mappings that live as long as the benchmark.
    unsafe { entry(h_device, session.handle(), from, to, null(), key_size, key, 16, iv.as_ptr().cast()) };
}

fn kernel<'b>(len: usize) -> Box<dyn FnMut() + 'b> {
    let (key, source, mut destination) = (Key::new(&[3; 16]), vec![0x5A; len], vec![0; len]);
    Box::new(move || {
        Keystream::new(&key, black_box([7; 16])).apply(black_box(&source), &mut destination).unwrap();
        black_box(&mut destination);
    })
}

fn kernel_with_schedule<'b>(len: usize) -> Box<dyn FnMut() + 'b> {
    let (source, mut destination) = (vec![0x5A; len], vec![0; len]);
    Box::new(move || {
        let key = Key::new(black_box(&[3; 16]));
        Keystream::new(&key, black_box([7; 16])).apply(black_box(&source), &mut destination).unwrap();
        black_box(&mut destination);
    })
}
