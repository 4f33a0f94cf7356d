//! Crypto sessions through the table, with `softcp-client` as the application: every entry in every state, and the
//! protocol from key exchange to read-back.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::host::HostResource;
use common::{Block, Decryption, FILL, TestAdapter, TestDevice, TestRandom, TestSession, decrypts};
use softcp_abi::{
    D3D10DDI_HDEVICE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_ENCRYPTED_BLOCK_INFO,
    D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS, D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP,
    D3DERR_INVALIDCALL, E_INVALIDARG, GUID_NULL, HRESULT, S_OK, softcp_plane,
};
use softcp_client::{
    AesCtrIv, ClientSession, ContentKey, EncryptedBlockInfo, KeyExchange, SystemRandom, VerifiedCertificate,
};

/// A state that a session handle can be in, with whatever leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A null handle.
    NullHandle,
    /// Private memory of zeros, as before create and after a failed one.
    Zeroed,
    /// Private memory that no driver has written.
    Garbage,
    /// Destroyed.
    Destroyed,
    /// Destroyed, and its private memory put back.
    Stale,
    /// Alive on another device.
    Foreign,
    Created,
    Keyed,
    RefreshPending,
    /// With a read-back key.
    ReadBack,
    /// With a read-back key, during a refresh.
    ReadBackRefreshPending,
    KeyLost,
    KeyAndContentLost,
}

/// An entry, called with arguments of which only the session can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Negotiate,
    DecryptionBlt,
    EncryptionBlt,
    Start,
    Finish,
    GetEncryptionBltKey,
    GetHandle,
    CheckStatus,
    Destroy,
}

use Call::{
    CheckStatus, DecryptionBlt, Destroy, EncryptionBlt, Finish, GetEncryptionBltKey, GetHandle, Negotiate, Start,
};

const STATES: [State; 13] = [
    State::NullHandle,
    State::Zeroed,
    State::Garbage,
    State::Destroyed,
    State::Stale,
    State::Foreign,
    State::Created,
    State::Keyed,
    State::RefreshPending,
    State::ReadBack,
    State::ReadBackRefreshPending,
    State::KeyLost,
    State::KeyAndContentLost,
];

const CALLS: [Call; 9] =
    [Negotiate, DecryptionBlt, EncryptionBlt, Start, Finish, GetEncryptionBltKey, GetHandle, CheckStatus, Destroy];

/// What the contract says: `ddi.md`'s §1 to §8 and D3, D12, D23, D30.
#[allow(clippy::match_same_arms, reason = "one rule of the contract each")]
fn expected(state: State, call: Call) -> HRESULT {
    match (state, call) {
        // Destroying what a failed create left, or a second time, is harmless.
        (State::Zeroed | State::Destroyed, Destroy) => S_OK,
        (State::NullHandle | State::Zeroed | State::Garbage | State::Destroyed | State::Stale | State::Foreign, _) => {
            E_INVALIDARG
        }
        (_, Negotiate | GetHandle | CheckStatus | Destroy) => S_OK,
        (State::Created | State::KeyLost | State::KeyAndContentLost, _) => D3DERR_INVALIDCALL,
        (_, DecryptionBlt | Start | GetEncryptionBltKey) => S_OK,
        (State::ReadBack | State::ReadBackRefreshPending, EncryptionBlt) => S_OK,
        (State::RefreshPending | State::ReadBackRefreshPending, Finish) => S_OK,
        (_, EncryptionBlt | Finish) => D3DERR_INVALIDCALL,
    }
}

/// A device, a second one, and what leads a session on the first into a state.
struct Rig {
    device: TestDevice,
    other: TestDevice,
    certificate: VerifiedCertificate,
}

/// A session in a state, with the client's half where it has a key.
struct Subject {
    session: TestSession,
    client: Option<ClientSession>,
    number: Option<Block>,
}

impl Rig {
    fn new() -> Self {
        let adapter = TestAdapter::new("");
        let (device, other) = (TestDevice::new(&adapter), TestDevice::new(&adapter));
        let certificate = device.certificate();
        Self { device, other, certificate }
    }

    fn subject(&self, state: State) -> Subject {
        let without_key = |session| Subject { session, client: None, number: None };
        let device = &self.device;
        match state {
            State::NullHandle => return without_key(TestSession::null()),
            State::Zeroed => return without_key(TestSession::unborn()),
            State::Garbage => return without_key(TestSession::holding(0xA5A5_A5A5)),
            State::Created => return without_key(device.create_session()),
            State::Foreign => return without_key(self.other.keyed_session(&self.certificate).0),
            _ => {}
        }
        let (session, client) = device.keyed_session(&self.certificate);
        let mut subject = Subject { session, client: Some(client), number: None };
        if matches!(state, State::ReadBack | State::ReadBackRefreshPending) {
            assert_eq!(device.encryption_blt_key(&subject.session, &mut [0; 16]), S_OK);
        }
        if matches!(state, State::RefreshPending | State::ReadBackRefreshPending) {
            let mut number = Block::default();
            assert_eq!(device.start_refresh(&subject.session, &mut number), S_OK);
            subject.number = Some(number);
        }
        match state {
            State::KeyLost => device.invalidate(&subject.session, 1),
            State::KeyAndContentLost => device.invalidate(&subject.session, 2),
            State::Destroyed => assert_eq!(device.destroy_session(&subject.session), S_OK),
            State::Stale => {
                let id = subject.session.id();
                assert_eq!(device.destroy_session(&subject.session), S_OK);
                return without_key(TestSession::holding(id));
            }
            _ => return subject,
        }
        without_key(subject.session)
    }

    /// Makes the call, and checks that a refused one left its outputs as D30 says.
    fn call(&self, session: &TestSession, call: Call) -> HRESULT {
        let device = &self.device;
        let (source, destination) = (device.host.buffer(40), device.host.buffer(40));
        destination.set_bytes(&[FILL; 40]);
        let mut buffer = [FILL; 16];
        let hresult = match call {
            Negotiate => {
                let exchange = KeyExchange::new(&self.certificate, &SystemRandom).unwrap();
                device.negotiate(session, exchange.message().as_bytes())
            }
            DecryptionBlt => {
                device.decryption_blt(session, source.handle(), destination.handle(), &Decryption::with_iv(&[0; 16]))
            }
            EncryptionBlt => device.encryption_blt(session, source.handle(), destination.handle(), &mut buffer),
            Start => device.start_refresh(session, &mut buffer),
            Finish => device.finish_refresh(session),
            GetEncryptionBltKey => device.encryption_blt_key(session, &mut buffer),
            GetHandle => {
                let (hresult, handle) = device.handle_of(session);
                assert_eq!(handle != 0, hresult == S_OK, "{call:?}: {handle:#x}");
                hresult
            }
            CheckStatus => {
                let (hresult, status) = device.status_of(session);
                assert!(status <= 2 && (hresult == S_OK || status == 0), "{call:?}: {status}");
                hresult
            }
            Destroy => device.destroy_session(session),
        };
        let writes_destination = matches!(call, DecryptionBlt | EncryptionBlt) && hresult == S_OK;
        assert_eq!(destination.bytes() != [FILL; 40], writes_destination, "{call:?}: the destination");
        let writes_buffer = matches!(call, EncryptionBlt | Start | GetEncryptionBltKey) && hresult == S_OK;
        assert_eq!(buffer != [FILL; 16], writes_buffer, "{call:?}: the buffer");
        hresult
    }
}

#[test]
fn every_entry_in_every_state_answers_as_the_contract_says() {
    let rig = Rig::new();
    for state in STATES {
        for call in CALLS {
            let subject = rig.subject(state);
            assert_eq!(rig.call(&subject.session, call), expected(state, call), "{call:?} in {state:?}");
        }
    }
}

#[test]
fn refused_entry_leaves_the_state_as_it_was() {
    let rig = Rig::new();
    for state in STATES {
        let Subject { session, client, number } = rig.subject(state);
        let refused = CALLS.iter().copied().filter(|&call| expected(state, call) != S_OK);
        for call in refused {
            assert_eq!(rig.call(&session, call), expected(state, call), "{call:?} in {state:?}");
        }
        for call in CALLS.into_iter().filter(|&call| expected(state, call) != S_OK) {
            assert_eq!(rig.call(&session, call), expected(state, call), "{call:?} again in {state:?}");
        }
        let Some(mut client) = client else { continue };
        assert!(decrypts(&rig.device, &session, &client), "{state:?}");
        if let Some(number) = number {
            assert_eq!(rig.device.finish_refresh(&session), S_OK, "{state:?}");
            client.start_refresh(number);
            client.finish_refresh().unwrap();
            assert!(decrypts(&rig.device, &session, &client), "{state:?}, refreshed");
        }
    }
}

#[test]
fn status_says_what_was_lost() {
    let rig = Rig::new();
    for (state, status) in [(State::Created, 0), (State::Keyed, 0), (State::KeyLost, 1), (State::KeyAndContentLost, 2)]
    {
        assert_eq!(rig.device.status_of(&rig.subject(state).session), (S_OK, status), "{state:?}");
    }
}

#[test]
fn key_exchange_ends_a_loss() {
    let rig = Rig::new();
    let lost = rig.subject(State::KeyAndContentLost).session;
    let exchange = KeyExchange::new(&rig.certificate, &SystemRandom).unwrap();
    assert_eq!(rig.device.negotiate(&lost, exchange.message().as_bytes()), S_OK);
    assert_eq!(rig.device.status_of(&lost), (S_OK, 0));
    assert!(decrypts(&rig.device, &lost, &ClientSession::new(exchange)));
}

#[test]
fn session_of_another_device_is_untouched_by_refused_calls() {
    let rig = Rig::new();
    let (session, client) = rig.other.keyed_session(&rig.certificate);
    for call in CALLS {
        assert_eq!(rig.call(&session, call), E_INVALIDARG, "{call:?}");
    }
    assert!(decrypts(&rig.other, &session, &client));
}

#[test]
fn refused_key_exchange_keeps_the_old_key() {
    let rig = Rig::new();
    let (session, client) = rig.device.keyed_session(&rig.certificate);
    let good = KeyExchange::new(&rig.certificate, &SystemRandom).unwrap();
    let mut changed = *good.message().as_bytes();
    changed[100] ^= 1;
    for message in [&changed[..], &[0; 256], &[0xFF; 256], &[], &changed[..255], &[1; 257]] {
        assert_eq!(rig.device.negotiate(&session, message), E_INVALIDARG, "{} bytes", message.len());
    }
    assert!(decrypts(&rig.device, &session, &client));
}

#[test]
fn buffers_of_other_sizes_are_refused_and_keep_their_bytes() {
    let rig = Rig::new();
    let (session, client) = rig.device.keyed_session(&rig.certificate);
    let (source, destination) = (rig.device.host.buffer(40), rig.device.host.buffer(40));
    destination.set_bytes(&[FILL; 40]);
    for size in [0, 1, 15, 17, 32] {
        let mut buffer = vec![FILL; size];
        assert_eq!(rig.device.start_refresh(&session, &mut buffer), E_INVALIDARG, "{size}");
        assert_eq!(rig.device.encryption_blt_key(&session, &mut buffer), E_INVALIDARG, "{size}");
        let (from, to) = (source.handle(), destination.handle());
        assert_eq!(rig.device.encryption_blt(&session, from, to, &mut buffer), E_INVALIDARG, "{size}");
        assert_eq!(rig.device.decryption_blt(&session, from, to, &Decryption::with_iv(&buffer)), E_INVALIDARG);
        let keyed = Decryption { content_key: Some(&buffer), ..Decryption::with_iv(&[0; 16]) };
        assert_eq!(rig.device.decryption_blt(&session, from, to, &keyed), E_INVALIDARG, "{size}");
        assert!(buffer.iter().all(|byte| *byte == FILL));
    }
    assert_eq!(destination.bytes(), [FILL; 40]);
    assert!(decrypts(&rig.device, &session, &client));
}

/// The visible bytes of a surface of the test's host, plane after plane.
fn visible(planes: &[softcp_plane], resource: &HostResource) -> Vec<u8> {
    let (memory, mut start, mut bytes) = (resource.bytes(), 0, Vec::new());
    for plane in planes {
        for row in 0..plane.rows {
            bytes.extend(&memory[start + row * plane.row_pitch..][..plane.row_bytes]);
        }
        start += plane.rows * plane.row_pitch;
    }
    bytes
}

/// Writes visible bytes into a surface whose other bytes are `FILL`.
fn set_visible(planes: &[softcp_plane], resource: &HostResource, mut bytes: &[u8]) {
    let mut memory = vec![FILL; resource.bytes().len()];
    let mut start = 0;
    for plane in planes {
        for row in 0..plane.rows {
            let (head, tail) = bytes.split_at(plane.row_bytes);
            memory[start + row * plane.row_pitch..][..plane.row_bytes].copy_from_slice(head);
            bytes = tail;
        }
        start += plane.rows * plane.row_pitch;
    }
    resource.set_bytes(&memory);
}

/// The same planes with other pitches.
fn with_padding(random: &mut TestRandom, planes: &[softcp_plane]) -> Vec<softcp_plane> {
    planes.iter().map(|plane| softcp_plane { row_pitch: plane.row_bytes + random.below(40), ..*plane }).collect()
}

#[test]
fn decryption_of_any_surface_and_pattern_equals_the_client() {
    let rig = Rig::new();
    let (session, client) = rig.device.keyed_session(&rig.certificate);
    let mut random = TestRandom::new(1);
    for round in 0..400 {
        let shape: Vec<_> = (0..=random.below(3))
            .map(|_| softcp_plane { row_bytes: 1 + random.below(70), rows: 1 + random.below(12), ..Default::default() })
            .collect();
        let (from, to) = (with_padding(&mut random, &shape), with_padding(&mut random, &shape));
        let (source, destination) = (rig.device.host.planes(&from), rig.device.host.planes(&to));
        let total: usize = shape.iter().map(|plane| plane.row_bytes * plane.rows).sum();
        let clear = random.bytes(total);
        let mut run = || random.one_of(&[0, 1, 2, 15, 16, 17, 160, 5000]);
        let info = D3D11_1DDI_ENCRYPTED_BLOCK_INFO {
            NumEncryptedBytesAtBeginning: run(),
            NumBytesInSkipPattern: run(),
            NumBytesInEncryptPattern: run(),
        };
        let info = (random.below(4) != 0).then_some(info);
        let iv = AesCtrIv { iv: random.next_u64(), count: random.one_of(&[0, 7, u64::MAX, u64::MAX - 3]) };
        let content_key = (random.below(2) == 0).then(|| ContentKey::generate(&SystemRandom).unwrap());
        let cipher = content_key.as_ref().map_or_else(|| client.data_cipher(), ContentKey::data_cipher);
        let wrapped = content_key.as_ref().map(|key| *client.wrap_content_key(key).as_bytes());
        let mut enciphered = clear.clone();
        match info {
            None => cipher.encrypt(iv, &mut enciphered),
            Some(info) => cipher.encrypt_pattern(
                iv,
                EncryptedBlockInfo {
                    num_encrypted_bytes_at_beginning: info.NumEncryptedBytesAtBeginning,
                    num_bytes_in_skip_pattern: info.NumBytesInSkipPattern,
                    num_bytes_in_encrypt_pattern: info.NumBytesInEncryptPattern,
                },
                &mut enciphered,
            ),
        }
        set_visible(&from, &source, &enciphered);
        set_visible(&to, &destination, &vec![FILL; total]);
        let blit = Decryption { info, content_key: wrapped.as_ref().map(|key| &key[..]), iv: &iv.to_bytes() };

        let hresult = rig.device.decryption_blt(&session, source.handle(), destination.handle(), &blit);
        assert_eq!(hresult, S_OK, "round {round}");
        let decrypted = destination.bytes();
        set_visible(&to, &destination, &clear);
        assert_eq!(decrypted, destination.bytes(), "round {round}: {shape:?} {info:?} {iv:?}");

        let hresult = rig.device.decryption_blt(&session, source.handle(), source.handle(), &blit);
        assert_eq!(hresult, S_OK, "round {round}");
        assert_eq!(visible(&from, &source), clear, "round {round}, in place: {shape:?} {info:?} {iv:?}");
    }
}

#[test]
fn refreshes_keep_both_sides_on_one_key() {
    let rig = Rig::new();
    let (session, mut client) = rig.device.keyed_session(&rig.certificate);
    for round in 0..50 {
        let mut number = Block::default();
        for _ in 0..=round % 3 {
            assert_eq!(rig.device.start_refresh(&session, &mut number), S_OK);
            client.start_refresh(number);
        }
        assert!(decrypts(&rig.device, &session, &client), "round {round}: the old key until Finish");
        assert_eq!(rig.device.finish_refresh(&session), S_OK);
        client.finish_refresh().unwrap();
        assert!(decrypts(&rig.device, &session, &client), "round {round}: the new key after Finish");
    }
}

#[test]
fn read_back_opens_with_its_key_under_increasing_ivs() {
    let rig = Rig::new();
    let (session, mut client) = rig.device.keyed_session(&rig.certificate);
    let mut wrapped = Block::default();
    assert_eq!(rig.device.encryption_blt_key(&session, &mut wrapped), S_OK);
    let key = client.read_back_key(&wrapped);
    let (source, destination) = (rig.device.host.rows(50, 9, 64), rig.device.host.buffer(50 * 9));
    destination.change_mapping(|mapping| {
        (mapping.row_bytes, mapping.rows, mapping.row_pitch) = (50, 9, 50);
    });
    let mut last: Option<AesCtrIv> = None;
    for round in 0..6_u8 {
        if round == 3 {
            let mut number = Block::default();
            assert_eq!(rig.device.start_refresh(&session, &mut number), S_OK);
            client.start_refresh(number);
            assert_eq!(rig.device.finish_refresh(&session), S_OK);
            client.finish_refresh().unwrap();
        }
        let clear = vec![round; 50 * 9];
        set_visible(&[softcp_plane { row_bytes: 50, rows: 9, row_pitch: 64, ..Default::default() }], &source, &clear);
        let mut iv = [FILL; 16];
        let hresult = rig.device.encryption_blt(&session, source.handle(), destination.handle(), &mut iv);
        assert_eq!(hresult, S_OK, "round {round}");
        let iv = AesCtrIv::from_bytes(iv);
        match last {
            None => assert!(u32::try_from(iv.iv).is_ok() && iv.count == 0, "{iv:?}"),
            Some(last) => assert_eq!(iv, AesCtrIv { iv: last.iv + 1, count: 0 }),
        }
        last = Some(iv);
        let mut read = destination.bytes();
        assert_ne!(read, clear, "round {round}");
        key.data_cipher().encrypt(iv, &mut read);
        assert_eq!(read, clear, "round {round}");
    }
}

/// A regression test: outputs of entries that were called with an `hDevice` without a device were left as they were.
#[test]
fn entry_without_a_device_writes_zero_outputs() {
    let rig = Rig::new();
    let session = rig.device.create_session();
    let mut detached = TestDevice::alone("");
    detached.h_device = D3D10DDI_HDEVICE::default();
    let (h_device, table) = (detached.h_device, detached.table);
    assert_eq!(detached.handle_of(&session), (E_INVALIDARG, 0));
    assert_eq!(detached.status_of(&session), (S_OK, 0), "there is nobody to report to");

    let created = TestSession::holding(0xA5A5);
    assert_eq!(detached.create_in(&created), E_INVALIDARG);
    assert_eq!(created.id(), 0);
    let mut caps = D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS { Caps: 1, ..Default::default() };
    let none = std::ptr::null();
    // SAFETY: null stands for no GUID, and the output lives past the call.
    let hresult = unsafe { table.pfnGetContentProtectionCaps.unwrap()(h_device, none, none, &raw mut caps) };
    assert_eq!((hresult, caps), (E_INVALIDARG, D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS::default()));
    let mut exchange = D3D11_KEY_EXCHANGE_RSAES_OAEP;
    let (entry, crypto_type) = (table.pfnGetCryptoKeyExchangeType.unwrap(), D3D11_CRYPTO_TYPE_AES128_CTR);
    // SAFETY: the GUIDs are readable, and the output lives past the call.
    let hresult = unsafe { entry(h_device, &raw const crypto_type, none, 0, &raw mut exchange) };
    assert_eq!((hresult, exchange), (E_INVALIDARG, GUID_NULL));
    let (info, mut size) = (D3D11_1DDI_CERTIFICATE_INFO::default(), 7);
    // SAFETY: information and output live past the call.
    unsafe { table.pfnGetCertificateSize.unwrap()(h_device, &raw const info, &raw mut size) };
    assert_eq!(size, 0);
}
