//! The wrapper changes nothing without a fault, and each faulty driver opens and does what it should not.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::collections::HashSet;
use std::mem::offset_of;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE as SOFTWARE, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, E_INVALIDARG, S_OK, SOFTCP_DRIVER_INTERFACE_VERSION, SOFTCP_MAPPING_PROTECTED,
    softcp_driver, softcp_driver_desc, softcp_mapping,
};
use softcp_client::{
    Answer, CertificateChain, ClientChannel, ClientSession, Command, KeyExchange, ProtectionFlags, Query, SystemRandom,
    UnverifiedCertificate, VerifiedCertificate,
};
use softcp_runtime::{
    CertificateOf, Channel, CryptoSessionDesc, Device, Driver, Error, GUID, HResult, ResourceDesc, Session,
};
use softcp_zoo::{drivers, find, softcp_open_faulty_driver};

/// The committed identity directory of the engine's tests, since making one takes long.
const IDENTITY: &str = concat!("identity.directory=", env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity");

const SESSION: CryptoSessionDesc = CryptoSessionDesc {
    crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
    decode_profile: softcp_abi::GUID_NULL,
    key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
};

const IV: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9];

fn open(name: &str) -> Driver {
    Driver::from_entry(softcp_open_faulty_driver, &format!("zoo={name};{IDENTITY}")).unwrap()
}

fn device(name: &str) -> Device {
    open(name).create_device().unwrap()
}

fn certificate(device: &Device, of: CertificateOf) -> VerifiedCertificate {
    let chain = CertificateChain::parse(&device.certificate(of).unwrap()).unwrap();
    UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().unwrap()
}

fn session(device: &Device) -> (Session, ClientSession) {
    let certificate = certificate(device, CertificateOf::CryptoSession(SESSION.crypto_type));
    let (client, message) = ClientSession::negotiate(&certificate, &SystemRandom).unwrap();
    let mut session = device.create_session(&SESSION).unwrap();
    session.negotiate(message.as_bytes()).unwrap();
    (session, client)
}

/// What the driver makes of `plain`, enciphered under the client's session key.
fn through(session: &mut Session, client: &ClientSession, iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let mut data = plain.to_vec();
    client.data_cipher().encrypt(softcp_client::AesCtrIv::from_bytes(*iv), &mut data);
    let device = session.device().clone();
    let desc = ResourceDesc::buffer(data.len());
    let (mut source, mut destination) =
        (device.create_resource(&desc).unwrap(), device.create_resource(&desc).unwrap());
    source.map_write().unwrap().row_mut(0).copy_from_slice(&data);
    session.decryption_blt(&source, &destination, None, None, iv).unwrap();
    destination.map_read().unwrap().row(0).to_vec()
}

fn refresh(session: &mut Session, client: &mut ClientSession) {
    client.start_refresh(session.start_key_refresh().unwrap());
    session.finish_key_refresh().unwrap();
    client.finish_refresh().unwrap();
}

struct Talk {
    channel: Channel,
    client: ClientChannel,
}

impl Talk {
    fn new(device: &Device) -> Self {
        let certificate = certificate(device, CertificateOf::AuthenticatedChannel(SOFTWARE));
        let exchange = KeyExchange::new(&certificate, &SystemRandom).unwrap();
        let mut channel = device.create_channel(SOFTWARE).unwrap();
        channel.negotiate(exchange.message().as_bytes()).unwrap();
        let client = ClientChannel::with_sequences(exchange, channel.handle_value(), 100, 200);
        Self { channel, client }
    }

    fn command(&mut self, command: Command) -> Vec<u8> {
        let message = self.client.command(command).unwrap();
        let (_, answer) = self.channel.configure(message.bytes()).unwrap();
        self.client.open_command_answer(&message, &answer).unwrap();
        message.bytes().to_vec()
    }

    fn query(&mut self, query: Query) -> Answer {
        let message = self.client.query(query).unwrap();
        let mut answer = vec![0; message.answer_size()];
        self.channel.query(message.bytes(), &mut answer).unwrap();
        self.client.open_query_answer(&message, &answer).unwrap()
    }

    /// The result of a command as it is.
    fn raw(&mut self, message: &[u8]) -> HResult {
        self.channel.configure(message).unwrap().0.hresult()
    }
}

#[test]
fn names_are_unique_and_rows_are_whole() {
    let mut seen = HashSet::new();
    for driver in drivers() {
        assert!(seen.insert(driver.name) && driver.name != "none", "{driver:?}");
        assert!(driver.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{driver:?}");
        assert!(driver.breaks.ends_with('.') && driver.caught_by.contains('/'), "{driver:?}");
        assert_eq!(find(driver.name).unwrap().name, driver.name);
    }
    assert!(seen.len() >= 50);
    assert!(find("none").is_none());
}

#[test]
fn every_driver_opens_and_makes_a_device() {
    // All at once, since they must not share anything.
    let opened: Vec<_> = drivers().map(|driver| (driver.name, open(driver.name))).collect();
    for (name, open) in &opened {
        let device = open.create_device().unwrap();
        assert_eq!(device.calls().table().finish_session_key_refresh.is_none(), *name == "table-without-finish");
    }
    // Closing this one would end the test's process.
    opened.into_iter().filter(|(name, _)| *name == "aborts-in-close").for_each(std::mem::forget);
}

#[test]
fn unknown_name_is_refused_with_a_text() {
    let Err(Error::Driver(error)) = Driver::from_entry(softcp_open_faulty_driver, "zoo=unicorn") else { panic!() };
    assert_eq!(error.hresult, HResult(E_INVALIDARG));
    assert!(error.text.contains("unicorn"), "{error}");
}

#[test]
fn identity_is_made_where_none_is_given() {
    let device = Driver::from_entry(softcp_open_faulty_driver, "").unwrap().create_device().unwrap();
    let (mut session, client) = session(&device);
    assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40]);
}

#[test]
fn wrapper_without_a_fault_changes_nothing() {
    let device = device("none");
    let (mut session, mut client) = session(&device);
    assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40]);
    refresh(&mut session, &mut client);
    assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40]);
    let mut talk = Talk::new(&device);
    talk.command(Command::Initialize);
    talk.command(Command::Protection(ProtectionFlags { enabled: true, ..ProtectionFlags::default() }));
    let Answer::Protection(flags) = talk.query(Query::Protection) else { panic!() };
    assert!(flags.enabled);
}

#[test]
fn channel_by_the_rules_of_a_correct_driver_changes_nothing() {
    // This driver numbers and signs all messages itself, and its own fault does not show here.
    let device = device("protection-not-of-mappings");
    let mut talk = Talk::new(&device);
    let first = talk.command(Command::Initialize);
    let on = talk.command(Command::Protection(ProtectionFlags { enabled: true, ..ProtectionFlags::default() }));
    let Answer::Protection(flags) = talk.query(Query::Protection) else { panic!() };
    assert!(flags.enabled);
    let Answer::DeviceHandle(handle) = talk.query(Query::DeviceHandle) else { panic!() };
    assert_ne!(handle, 0);
    for message in [first, on] {
        assert_eq!(talk.raw(&message), HResult(E_INVALIDARG));
    }
    // And its fault does here.
    let mut resource = device.create_resource(&ResourceDesc::buffer(16).protected()).unwrap();
    assert!(resource.map_read().is_ok());
    assert!(matches!(talk.query(Query::Protection), Answer::Protection(flags) if flags.enabled));
}

#[test]
fn refreshes_are_wrong() {
    for name in ["refresh-without-xor", "refresh-half-of-the-key", "refresh-finish-ignored", "refresh-number-reversed"]
    {
        let (mut session, mut client) = session(&device(name));
        assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40], "{name}");
        refresh(&mut session, &mut client);
        assert_ne!(through(&mut session, &client, &IV, &[7; 40]), [7; 40], "{name}");
    }
}

#[test]
fn a_broken_number_is_used_as_it_was_given() {
    for name in ["refresh-number-is-constant", "refresh-number-is-a-counter", "refresh-number-repeats"] {
        let (mut session, mut client) = session(&device(name));
        for _ in 0..20 {
            refresh(&mut session, &mut client);
        }
        assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40], "{name}");
    }
}

#[test]
fn counters_are_wrong_where_they_should_be() {
    let late = [1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 255, 255, 255, 255, 255];
    for (name, iv) in [
        ("counter-carries-into-iv", late),
        ("counter-of-32-bits", [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 255, 255, 255, 255]),
        ("counter-little-endian", IV),
        ("counter-starts-at-zero", IV),
        ("iv-high-half-ignored", IV),
        ("last-partial-block-encrypted", IV),
    ] {
        let (mut session, client) = session(&device(name));
        assert_ne!(through(&mut session, &client, &iv, &[7; 40]), [7; 40], "{name}");
    }
    let (mut session, client) = session(&device("counter-carries-into-iv"));
    assert_eq!(through(&mut session, &client, &IV, &[7; 40]), [7; 40]);
}

#[test]
fn a_channel_takes_what_it_should_not() {
    for (name, flip, expected) in [
        ("omac-unchecked", 0, true),
        ("omac-first-eight-bytes", 8, true),
        ("omac-first-eight-bytes", 7, false),
        ("omac-last-byte-not-compared", 15, true),
        ("omac-last-byte-not-compared", 14, false),
        ("none", 0, false),
    ] {
        let mut talk = Talk::new(&device(name));
        talk.command(Command::Initialize);
        let message = talk.client.command(Command::Protection(ProtectionFlags::default())).unwrap();
        let mut message = message.bytes().to_vec();
        message[flip] ^= 1;
        assert_eq!(talk.raw(&message) == HResult::OK, expected, "{name}, byte {flip}");
    }
    for name in ["command-number-again", "command-numbers-unchecked", "initialize-twice"] {
        let mut talk = Talk::new(&device(name));
        let first = talk.command(Command::Initialize);
        let again = talk.command(Command::Protection(ProtectionFlags::default()));
        let message = if name == "initialize-twice" { first } else { again };
        assert_eq!(talk.raw(&message), HResult::OK, "{name}");
    }
}

#[test]
fn capabilities_are_wrong() {
    let caps = |name| device(name).caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID::default()).unwrap();
    let right = caps("none");
    assert_eq!(caps("caps-alignment-zero").block_alignment_size, 0);
    assert_eq!(caps("caps-count-one-more").key_exchange_type_count, right.key_exchange_type_count + 1);
}

#[test]
fn patterns_are_wrong() {
    let info = softcp_runtime::EncryptedBlockInfo { at_beginning: 0, skip: 16, encrypt: 16 };
    let pattern = softcp_client::EncryptedBlockInfo {
        num_encrypted_bytes_at_beginning: 0,
        num_bytes_in_skip_pattern: 16,
        num_bytes_in_encrypt_pattern: 16,
    };
    for (name, expected) in [("none", true), ("skipped-bytes-take-keystream", false), ("pattern-applied-once", false)] {
        let device = device(name);
        let (mut session, client) = session(&device);
        let mut data = [7; 64];
        client.data_cipher().encrypt_pattern(softcp_client::AesCtrIv::from_bytes(IV), pattern, &mut data);
        let desc = ResourceDesc::buffer(data.len());
        let (mut from, mut to) = (device.create_resource(&desc).unwrap(), device.create_resource(&desc).unwrap());
        from.map_write().unwrap().row_mut(0).copy_from_slice(&data);
        session.decryption_blt(&from, &to, Some(info), None, &IV).unwrap();
        assert_eq!(to.map_read().unwrap().row(0) == [7; 64], expected, "{name}");
    }
}

#[test]
fn blits_are_wrong() {
    for (name, expected) in [("none", [7; 16]), ("blit-copies-without-deciphering", [7; 16])] {
        let device = device(name);
        let (mut session, _) = session(&device);
        let desc = ResourceDesc::buffer(16);
        let (mut from, mut to) = (device.create_resource(&desc).unwrap(), device.create_resource(&desc).unwrap());
        from.map_write().unwrap().row_mut(0).fill(7);
        session.decryption_blt(&from, &to, None, None, &IV).unwrap();
        assert_eq!(from.map_read().unwrap().row(0), expected, "{name}");
        assert_eq!(to.map_read().unwrap().row(0) == [7; 16], name != "none", "{name}");
    }
    let device = device("source-deciphered-in-place");
    let (mut session, _) = session(&device);
    let desc = ResourceDesc::buffer(16);
    let (mut from, to) = (device.create_resource(&desc).unwrap(), device.create_resource(&desc).unwrap());
    from.map_write().unwrap().row_mut(0).fill(7);
    session.decryption_blt(&from, &to, None, None, &IV).unwrap();
    assert_ne!(from.map_read().unwrap().row(0), [7; 16]);
}

#[test]
fn read_backs_are_wrong() {
    let keys = |name| {
        let (mut session, _) = session(&device(name));
        [session.encryption_blt_key().unwrap(), session.encryption_blt_key().unwrap()]
    };
    let ([first, second], [stays, same]) = (keys("none"), keys("read-back-key-stays"));
    assert!(first != second && stays == same);
    let ivs = |name| {
        let device = device(name);
        let (mut session, _) = session(&device);
        session.encryption_blt_key().unwrap();
        let desc = ResourceDesc::buffer(16);
        let (from, to) = (device.create_resource(&desc).unwrap(), device.create_resource(&desc).unwrap());
        [(); 2].map(|()| u128::from_be_bytes(session.encryption_blt(&from, &to).unwrap()) >> 64)
    };
    let ([first, second], [stays, same], [two, up]) =
        (ivs("none"), ivs("read-back-iv-stays"), ivs("read-back-iv-goes-up-by-two"));
    assert!(first + 1 == second && stays == same && two + 2 == up);
}

#[test]
fn sessions_and_channels_are_mixed_up() {
    for (name, expected) in [("none", true), ("sessions-share-one-key", false)] {
        let device = device(name);
        let (mut first, client) = session(&device);
        let _second = session(&device);
        assert_eq!(through(&mut first, &client, &IV, &[7; 40]) == [7; 40], expected, "{name}");
    }
    let (mut session, _) = session(&device("session-handle-is-zero"));
    assert_eq!(session.handle_value().unwrap(), 0);
    let mut talk = Talk::new(&device("channel-handle-is-zero"));
    assert_eq!(talk.channel.handle_value(), 0);
    talk.command(Command::Initialize);
}

#[test]
fn answers_are_wrong() {
    for (name, expected) in [("none", false), ("command-answer-unsigned", true)] {
        let mut talk = Talk::new(&device(name));
        let message = talk.client.command(Command::Initialize).unwrap();
        let (reply, answer) = talk.channel.configure(message.bytes()).unwrap();
        assert_eq!(reply.hresult(), HResult::OK);
        assert_eq!(answer[..16] == [0; 16], expected, "{name}");
    }
}

/// What comes of a blit from one wrapped buffer into another one with these flags.
fn through_wrapped(name: &str, flags: u32) -> softcp_runtime::Result<bool> {
    let device = device(name);
    let (mut session, client) = session(&device);
    let (mut from, mut to) = (*b"twenty bytes of data", [0; 20]);
    client.data_cipher().encrypt(softcp_client::AesCtrIv::from_bytes(IV), &mut from);
    let wrap = |memory: &mut [u8; 20], flags| {
        let data = memory.as_mut_ptr().cast();
        let described =
            softcp_mapping { data, row_pitch: 20, row_bytes: 20, rows: 1, flags, ..softcp_mapping::default() };
        // SAFETY: the arrays outlive their resources, and are looked at after them.
        unsafe { device.wrap_resource(&described) }.unwrap()
    };
    let (source, destination) = (wrap(&mut from, 0), wrap(&mut to, flags));
    session.decryption_blt(&source, &destination, None, None, &IV)?;
    drop((source, destination));
    Ok(to == *b"twenty bytes of data")
}

#[test]
fn wrapped_resources_pass_through_and_faults_know_them() {
    for flags in [0, SOFTCP_MAPPING_PROTECTED] {
        assert!(through_wrapped("none", flags).unwrap());
    }
    assert!(through_wrapped("protection-refuses-all-blits", 0).unwrap());
    through_wrapped("protection-refuses-all-blits", SOFTCP_MAPPING_PROTECTED).unwrap_err();
    assert!(through_wrapped("protection-enforced-unasked", SOFTCP_MAPPING_PROTECTED).unwrap());
    through_wrapped("protection-enforced-unasked", 0).unwrap_err();
}

#[test]
fn structure_of_the_first_version_is_filled_and_no_more() {
    const FILL: usize = 0x5A5A;
    let first = offset_of!(softcp_driver, wrap_resource);
    let words = first / size_of::<usize>();
    let desc = softcp_driver_desc {
        size: u32::try_from(size_of::<softcp_driver_desc>()).unwrap(),
        interface_version: SOFTCP_DRIVER_INTERFACE_VERSION,
        ..softcp_driver_desc::default()
    };
    let mut memory = vec![FILL; words + 1];
    let driver = memory.as_mut_ptr();
    // SAFETY: a structure begins with its size.
    unsafe { driver.cast::<u32>().write(u32::try_from(first).unwrap()) };
    // SAFETY: the description is whole, and the memory as long as the size that it begins with.
    assert_eq!(unsafe { softcp_open_faulty_driver(&raw const desc, driver.cast()) }, S_OK);
    assert_eq!(memory[words], FILL);
    let mut opened = softcp_driver::default();
    // SAFETY: the driver has written so much of a structure.
    unsafe { (&raw mut opened).cast::<usize>().copy_from_nonoverlapping(memory.as_ptr(), words) };
    assert_eq!(opened.size as usize, first);
    let mut device = D3D10DDI_HDEVICE::default();
    // SAFETY: the driver is open, and the output lives.
    assert_eq!(unsafe { opened.create_device.unwrap()(opened.context, &raw mut device) }, S_OK);
    // SAFETY: opened above, closed once.
    unsafe { opened.close.unwrap()(opened.context) };
}
