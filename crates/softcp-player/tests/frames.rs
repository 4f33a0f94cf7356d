//! Encrypted frames over the driver's function table alone: what the reference driver's decoders are given, and the clear
//! bytes that their output views then hold.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use common::Setup;
use softcp_abi::{
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_DECODER_ENCRYPTION_HW_CENC, D3D11_DECODER_PROFILE_H264_VLD_NOFGT,
    D3D11_KEY_EXCHANGE_HW_PROTECTION, D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DERR_CANNOTPROTECTCONTENT, D3DERR_INVALIDCALL,
    E_INVALIDARG, GUID_NULL,
};
use softcp_client::clear_key::{ClearKeyCommand, Licence, LoadLicence, MakeKeyBlob, Provision};
use softcp_client::{
    AesCtrIv, CertificateChain, ChannelType, ClientSession, Command, ContentKey, DataCipher, ProtectionFlags, Query,
    SystemRandom,
};
use softcp_player::PlayerChannel;
use softcp_runtime::{
    CertificateOf, CompressedBuffer, CryptoSessionDesc, Decoder, DecoderDesc, Device, EncryptedBlockInfo,
    EncryptedBytes, Error, Frame, FrameKey, GUID, HResult, OutputView, Resource, ResourceDesc, SecureCommand, Session,
    SubSample,
};

const TABLES: [u32; 5] = [2, 3, 5, 7, 6];
const BITSTREAM: u32 = 6;
const PICTURE_PARAMETERS: u32 = 0;
const SIZE: usize = 96;
const IV: AesCtrIv = AesCtrIv { iv: 7, count: 0 };

/// A decoder to which a channel has bound a session, and the session's other half.
struct Rig {
    channel: PlayerChannel,
    session: Session,
    client: ClientSession,
    decoder: Decoder,
    device: Device,
    _setup: Setup,
}

fn desc() -> DecoderDesc {
    DecoderDesc::bitstream(D3D11_DECODER_PROFILE_H264_VLD_NOFGT, 640, 480, 0)
}

impl Rig {
    fn new(table: u32) -> Self {
        Self::with(table, "")
    }

    fn with(table: u32, options: &str) -> Self {
        let setup = Setup::new();
        let device = setup.driver(options).create_device_with_table(table).unwrap();
        let chain = device.certificate(CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR)).unwrap();
        let certificate = setup.trust().check(&CertificateChain::parse(&chain).unwrap()).unwrap();
        let mut session = device.create_session(&session_desc(D3D11_KEY_EXCHANGE_RSAES_OAEP)).unwrap();
        let (client, message) = ClientSession::negotiate(&certificate, &SystemRandom).unwrap();
        session.negotiate(message.as_bytes()).unwrap();
        let mut decoder = device.create_decoder(&desc()).unwrap();
        let mut channel = PlayerChannel::open(&device, &setup.trust(), ChannelType::DriverSoftware).unwrap();
        let softcp_client::Answer::DeviceHandle(owner) = channel.query(Query::DeviceHandle).unwrap() else { panic!() };
        let (to, from) = (decoder.handle_value().unwrap(), session.handle_value().unwrap());
        channel.command(Command::CryptoSession { decoder: to, session: from, device: owner }).unwrap();
        Self { channel, session, client, decoder, device, _setup: setup }
    }

    fn protect(&mut self, enabled: bool) {
        self.channel.command(Command::Protection(ProtectionFlags { enabled, overlay_or_fullscreen: false })).unwrap();
    }

    fn view(&self, desc: &ResourceDesc) -> OutputView {
        view(&self.device, desc)
    }
}

fn session_desc(key_exchange_type: GUID) -> CryptoSessionDesc {
    CryptoSessionDesc { crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR, decode_profile: GUID_NULL, key_exchange_type }
}

fn view(device: &Device, desc: &ResourceDesc) -> OutputView {
    let resource = device.create_resource(desc).unwrap();
    device.create_output_view(resource, D3D11_DECODER_PROFILE_H264_VLD_NOFGT).unwrap()
}

fn holding(device: &Device, bytes: &[u8]) -> Resource {
    let mut resource = device.create_resource(&ResourceDesc::buffer(bytes.len())).unwrap();
    resource.map_write().unwrap().row_mut(0).copy_from_slice(bytes);
    resource
}

fn clear() -> Vec<u8> {
    (100..).take(SIZE).collect()
}

/// Encrypts runs of some bytes as one stream.
fn encrypted(cipher: &DataCipher, runs: &[std::ops::Range<usize>]) -> Vec<u8> {
    let mut bytes = clear();
    let mut stream = cipher.stream(IV);
    for run in runs {
        stream.apply(&mut bytes[run.clone()]);
    }
    bytes
}

fn all_encrypted(cipher: &DataCipher) -> Vec<u8> {
    let mut bytes = clear();
    cipher.stream(IV).apply(&mut bytes);
    bytes
}

fn submit(frame: &mut Frame<'_>, data: &Resource, encrypted: EncryptedBytes<'_>) -> Result<(), Error> {
    let size = u32::try_from(SIZE).unwrap();
    frame.submit(&CompressedBuffer { resource: data, buffer_type: BITSTREAM, size, iv: Some(IV.to_bytes()), encrypted })
}

/// The visible bytes of what has been decoded to.
fn shown(view: &mut OutputView) -> Vec<u8> {
    let mapping = view.resource_mut().map_read().unwrap();
    (0..mapping.rows()).flat_map(|row| mapping.row(row).to_vec()).collect()
}

fn assert_hresult(result: Result<(), Error>, expected: i32) {
    match result {
        Err(Error::Driver(error)) => assert_eq!(error.hresult, HResult(expected), "{error}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_table_opens_buffers_under_session_and_content_keys() {
    for table in TABLES {
        let mut rig = Rig::new(table);
        // Rows of 40 with a pitch of 64: the bytes go on over their ends.
        let mut view = rig.view(&ResourceDesc::surface(40, 6));
        let content = ContentKey::generate(&SystemRandom).unwrap();
        let wrapped = rig.client.wrap_content_key(&content);
        for (key, cipher) in [
            (FrameKey::Session, rig.client.data_cipher()),
            (FrameKey::Content(wrapped.as_bytes()), content.data_cipher()),
        ] {
            let whole = holding(&rig.device, &all_encrypted(&cipher));
            let pattern = EncryptedBlockInfo { at_beginning: 16, skip: 24, encrypt: 8 };
            let patterned = holding(&rig.device, &encrypted(&cipher, &[0..16, 40..48, 72..80]));
            let parameters = holding(&rig.device, &[1, 2, 3]);
            let mut frame = rig.decoder.begin_frame(&view, key).unwrap();
            submit(&mut frame, &whole, EncryptedBytes::All).unwrap();
            let (resource, encrypted) = (&parameters, EncryptedBytes::All);
            let in_the_clear =
                CompressedBuffer { resource, buffer_type: PICTURE_PARAMETERS, size: 3, iv: None, encrypted };
            frame.submit(&in_the_clear).unwrap();
            submit(&mut frame, &patterned, EncryptedBytes::Pattern(pattern)).unwrap();
            frame.end().unwrap();
            let expected = [&clear()[..], &[1, 2, 3], &clear(), &[0; 45]].concat();
            assert_eq!(shown(&mut view), expected, "table {table}");
            view.resource_mut().map_write().unwrap().row_mut(0).fill(0);
        }
    }
}

#[test]
fn subsamples_go_through_the_entry_that_the_table_has() {
    let blocks = [
        SubSample { ClearSize: 5, EncryptedSize: 20 },
        SubSample { ClearSize: 31, EncryptedSize: 0 },
        SubSample { ClearSize: 0, EncryptedSize: 40 },
    ];
    for table in TABLES {
        let mut rig = Rig::new(table);
        let mut view = rig.view(&ResourceDesc::buffer(SIZE));
        let data = holding(&rig.device, &encrypted(&rig.client.data_cipher(), &[5..25, 56..96]));
        let mut frame = rig.decoder.begin_frame(&view, FrameKey::Session).unwrap();
        let result = submit(&mut frame, &data, EncryptedBytes::Subsamples(&blocks));
        if table == 2 {
            assert!(matches!(result, Err(Error::MissingEntry { function: "VideoDecoderSubmitBuffers1" })));
            continue;
        }
        result.unwrap();
        assert_hresult(submit(&mut frame, &data, EncryptedBytes::Subsamples(&blocks[..2])), E_INVALIDARG);
        frame.end().unwrap();
        assert_eq!(shown(&mut view), clear(), "table {table}");
    }
}

#[test]
fn only_bitstream_is_encrypted_when_the_driver_says_so() {
    for table in TABLES {
        let mut rig = Rig::with(table, "capabilities.flags.encrypt_slicedata_only=true");
        let mut view = rig.view(&ResourceDesc::buffer(SIZE));
        let data = holding(&rig.device, &all_encrypted(&rig.client.data_cipher()));
        let mut frame = rig.decoder.begin_frame(&view, FrameKey::Session).unwrap();
        let whole = CompressedBuffer {
            resource: &data,
            buffer_type: BITSTREAM,
            size: u32::try_from(SIZE).unwrap(),
            iv: Some(IV.to_bytes()),
            encrypted: EncryptedBytes::All,
        };
        for neighbour in [BITSTREAM - 1, BITSTREAM + 1] {
            assert_hresult(frame.submit(&CompressedBuffer { buffer_type: neighbour, ..whole }), E_INVALIDARG);
        }
        frame.submit(&whole).unwrap();
        frame.end().unwrap();
        assert_eq!(shown(&mut view), clear(), "table {table}");
    }
}

#[test]
fn under_protection_the_output_is_protected_and_read_back_encrypted() {
    let mut rig = Rig::new(6);
    let data = holding(&rig.device, &all_encrypted(&rig.client.data_cipher()));
    let mut plain = rig.view(&ResourceDesc::buffer(SIZE));
    let mut safe = rig.view(&ResourceDesc::buffer(SIZE).protected());
    rig.protect(true);
    let mut frame = rig.decoder.begin_frame(&plain, FrameKey::Session).unwrap();
    assert_hresult(submit(&mut frame, &data, EncryptedBytes::All), D3DERR_CANNOTPROTECTCONTENT);
    frame.end().unwrap();
    assert_eq!(shown(&mut plain), [0; SIZE]);

    let mut frame = rig.decoder.begin_frame(&safe, FrameKey::Session).unwrap();
    submit(&mut frame, &data, EncryptedBytes::All).unwrap();
    frame.end().unwrap();
    // Nor does what is protected become readable as a clear buffer of another frame.
    let mut frame = rig.decoder.begin_frame(&plain, FrameKey::Session).unwrap();
    let copy = CompressedBuffer {
        resource: safe.resource(),
        buffer_type: BITSTREAM,
        size: u32::try_from(SIZE).unwrap(),
        iv: None,
        encrypted: EncryptedBytes::All,
    };
    assert_hresult(frame.submit(&copy), D3DERR_CANNOTPROTECTCONTENT);
    frame.end().unwrap();
    assert_eq!(shown(&mut plain), [0; SIZE]);
    assert_hresult(safe.resource_mut().map_read().map(drop), D3DERR_CANNOTPROTECTCONTENT);
    let key = rig.client.read_back_key(&rig.session.encryption_blt_key().unwrap());
    let mut read_back = rig.device.create_resource(&ResourceDesc::buffer(SIZE)).unwrap();
    let iv = rig.session.encryption_blt(safe.resource(), &read_back).unwrap();
    let mut bytes = read_back.map_read().unwrap().row(0).to_vec();
    assert_ne!(bytes, clear());
    key.data_cipher().encrypt(AesCtrIv::from_bytes(iv), &mut bytes);
    assert_eq!(bytes, clear());
}

#[test]
fn refused_buffers_write_nothing() {
    let mut rig = Rig::new(6);
    let mut view = rig.view(&ResourceDesc::buffer(SIZE + 10));
    let data = holding(&rig.device, &all_encrypted(&rig.client.data_cipher()));
    let unbound = rig.device.create_decoder(&desc()).unwrap().begin_frame(&view, FrameKey::Session).map(drop);
    assert_hresult(unbound, D3DERR_INVALIDCALL);
    assert_hresult(rig.decoder.begin_frame(&view, FrameKey::Content(&[1; 5])).map(drop), E_INVALIDARG);
    let mut frame = rig.decoder.begin_frame(&view, FrameKey::Session).unwrap();
    let (resource, encrypted) = (&data, EncryptedBytes::All);
    for (size, iv) in [(97, Some(IV.to_bytes())), (u32::MAX, None)] {
        let past_the_end = CompressedBuffer { resource, buffer_type: BITSTREAM, size, iv, encrypted };
        assert_hresult(frame.submit(&past_the_end), E_INVALIDARG);
    }
    submit(&mut frame, &data, EncryptedBytes::All).unwrap();
    assert_hresult(submit(&mut frame, &data, EncryptedBytes::All), E_INVALIDARG);
    frame.end().unwrap();
    assert_eq!(shown(&mut view), [&clear()[..], &[0; 10]].concat());
}

#[test]
fn lost_keys_end_with_the_frame_and_the_output_stays() {
    let mut rig = Rig::new(6);
    let mut view = rig.view(&ResourceDesc::buffer(SIZE));
    let data = holding(&rig.device, &all_encrypted(&rig.client.data_cipher()));
    let mut frame = rig.decoder.begin_frame(&view, FrameKey::Session).unwrap();
    // The session is destroyed under the frame.
    drop(rig.session);
    assert_hresult(submit(&mut frame, &data, EncryptedBytes::All), E_INVALIDARG);
    frame.end().unwrap();
    assert_eq!(shown(&mut view), [0; SIZE]);
}

#[test]
fn sealed_keys_name_their_session() {
    let setup = Setup::new();
    let options = "capabilities.flags.hardware_drm_communication=true;quirks.key_exchange_alias=true";
    let device = setup.driver(options).create_device().unwrap();
    let mut commands = device.create_session(&session_desc(D3D11_KEY_EXCHANGE_HW_PROTECTION)).unwrap();
    let licence =
        Licence::parse(*br#"{"keys":[{"kty":"oct","kid":"AQEBAQEBAQEBAQEBAQEBAQ","k":"AgICAgICAgICAgICAgICAg"}]}"#)
            .unwrap();
    run(&mut commands, &Provision);
    run(&mut commands, &LoadLicence { licence: &licence });
    let blob = run(&mut commands, &MakeKeyBlob { kid: [1; 16] });

    let media = device.create_session(&session_desc(D3D11_CRYPTO_TYPE_AES128_CTR)).unwrap();
    let mut desc = desc();
    desc.config.guidConfigBitstreamEncryption = D3D11_DECODER_ENCRYPTION_HW_CENC;
    let mut decoder = device.create_decoder(&desc).unwrap();
    let mut view = view(&device, &ResourceDesc::buffer(SIZE));
    let data = holding(&device, &all_encrypted(&ContentKey::from([2; 16]).data_cipher()));
    let sealed = |key_id| FrameKey::Sealed { session: &media, blob: blob.as_bytes(), key_id };
    let other = GUID::from_u128(5);
    assert_hresult(decoder.begin_frame(&view, sealed(Some(other))).map(drop), E_INVALIDARG);
    assert_hresult(decoder.begin_frame(&view, FrameKey::Session).map(drop), E_INVALIDARG);
    let id = GUID::from_u128(u128::from_be_bytes([1; 16]));
    let mut frame = decoder.begin_frame(&view, sealed(Some(id))).unwrap();
    submit(&mut frame, &data, EncryptedBytes::All).unwrap();
    frame.end().unwrap();
    assert_eq!(shown(&mut view), clear());
}

fn run<C: ClearKeyCommand>(session: &mut Session, command: &C) -> C::Answer {
    let answer = session
        .execute(&SecureCommand {
            function: command.function(),
            private_input: &[],
            input: command.input(),
            private_room: 0,
            room: u32::try_from(command.room()).unwrap(),
        })
        .unwrap();
    command.open(answer.status.0, &answer.output).unwrap()
}
