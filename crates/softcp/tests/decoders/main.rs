//! Encrypted buffers of the host's decoders: keys, patterns, subsamples, IVs, and the states of a frame.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../common/mod.rs"]
mod common;
mod schemes;

use common::messages::{Message, native};
use common::{Block, Rig, buffers, ctr, key_exchange, wrap, xor};
use proptest::prelude::*;
use softcp::{
    BlitSurfaces, ContentKey, DataKey, DecoderBuffer, DecoderEncryption, Encrypted, EncryptedBlockInfo, Error, GUID,
    Handle, Stripes, Subsample, SurfaceMut,
};

const SESSION_KEY: Block = *b"the session key!";
const CONTENT_KEY: Block = *b"the content key!";
const CHANNEL_KEY: Block = *b"the channel key!";
const BITSTREAM: u32 = 6;
const SLICE_CONTROL: u32 = 5;

/// A decoder to whose session a channel has bound it, and that session's key.
struct Decoding {
    rig: Rig,
    decoder: Handle,
}

impl Decoding {
    fn new(options: &str) -> Self {
        Self::of(DecoderEncryption::Ctr, options)
    }

    fn of(encryption: DecoderEncryption, options: &str) -> Self {
        let rig = Rig::new(options);
        rig.negotiate(SESSION_KEY);
        let decoder = rig.device.register_decoder(encryption).unwrap();
        let decoding = Self { rig, decoder };
        decoding.bind();
        decoding
    }

    /// Opens a channel and binds the session to the decoder.
    fn bind(&self) {
        let device = &self.rig.device;
        let channel = device.create_authenticated_channel(2).unwrap();
        let exchange = key_exchange(&self.rig.certificate, CHANNEL_KEY);
        device.negotiate_channel(channel, exchange.message().as_bytes()).unwrap();
        let raw = |handle: Handle| handle.get() as u64;
        let send = |structure, guid, number, members: &[(&'static str, u64)]| {
            let message = Message::command(native(), structure, guid, raw(channel), number);
            let message = members.iter().fold(message, |message, &(field, value)| message.number(field, value));
            device.configure_channel(Some(channel), &message.signed(CHANNEL_KEY).bytes).result.unwrap();
        };
        send("D3D11_AUTHENTICATED_CONFIGURE_INITIALIZE_INPUT", 0x0611_4bdb_3523_470a_8dca_fbc2_8451_54f0, 0, &[]);
        send(
            "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT",
            0x6346_cc54_2cfc_4ad4_8224_d158_37de_7700,
            1,
            &[
                ("DecoderHandle", raw(self.decoder)),
                ("CryptoSessionHandle", raw(self.rig.session)),
                ("DeviceHandle", raw(device.handle())),
            ],
        );
    }

    fn begin(&self, key: &DataKey<'_>) -> Result<(), Error> {
        self.rig.device.begin_frame(self.decoder, None, key)
    }

    fn end(&self) {
        self.rig.device.end_frame(self.decoder).unwrap();
    }

    /// Decrypts a bitstream buffer into another one.
    fn decrypt(&self, data: &[u8], iv: Option<&[u8]>, encrypted: Encrypted<'_>) -> Result<Vec<u8>, Error> {
        self.decrypt_as(BITSTREAM, data, iv, encrypted)
    }

    fn decrypt_as(
        &self,
        buffer_type: u32,
        data: &[u8],
        iv: Option<&[u8]>,
        encrypted: Encrypted<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.decrypt_buffer(data, &DecoderBuffer { buffer_type, iv, encrypted, stripes: None })
    }

    /// A bitstream buffer with stripes, or without.
    fn decrypt_striped(
        &self,
        data: &[u8],
        iv: &[u8],
        encrypted: Encrypted<'_>,
        stripes: Option<Stripes>,
    ) -> Result<Vec<u8>, Error> {
        self.decrypt_buffer(data, &DecoderBuffer { buffer_type: BITSTREAM, iv: Some(iv), encrypted, stripes })
    }

    fn decrypt_buffer(&self, data: &[u8], buffer: &DecoderBuffer<'_>) -> Result<Vec<u8>, Error> {
        let mut out = vec![0xEE; data.len()];
        let result = self.rig.device.decrypt_buffer(self.decoder, buffers(data, &mut out), buffer);
        if result.is_err() {
            assert!(out.iter().all(|&byte| byte == 0xEE), "a refused buffer was written");
        }
        result.map(|()| out)
    }
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + 7).to_le_bytes()[0]).collect()
}

/// `data` enciphered in the runs that subsamples say, by another implementation.
fn encipher(key: Block, iv: Block, data: &[u8], subsamples: &[Subsample]) -> Vec<u8> {
    let mut positions = Vec::new();
    let mut at = 0;
    for subsample in subsamples {
        at += subsample.clear as usize;
        positions.extend(at..at + subsample.encrypted as usize);
        at += subsample.encrypted as usize;
    }
    let gathered: Vec<u8> = positions.iter().map(|&at| data[at]).collect();
    let mut out = data.to_vec();
    for (&at, byte) in positions.iter().zip(ctr(key, iv, &gathered)) {
        out[at] = byte;
    }
    out
}

// Keys.

#[test]
fn buffers_are_under_the_session_key_in_force_when_they_come() {
    let decoding = Decoding::new("");
    let clear = data(100);
    decoding.begin(&DataKey::Session).unwrap();
    let opened = decoding.decrypt(&ctr(SESSION_KEY, [1; 16], &clear), Some(&[1; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
    let mut number = [0; 16];
    decoding.rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
    let opened = decoding.decrypt(&ctr(SESSION_KEY, [2; 16], &clear), Some(&[2; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
    decoding.rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
    let opened = decoding.decrypt(&ctr(xor(SESSION_KEY, number), [3; 16], &clear), Some(&[3; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
}

#[test]
fn a_content_key_is_opened_when_the_frame_begins() {
    let decoding = Decoding::new("");
    let clear = data(100);
    decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
    decoding.rig.call(|session| session.start_key_refresh(&mut [0; 16])).unwrap();
    decoding.rig.call(softcp::CryptoSession::finish_key_refresh).unwrap();
    let opened = decoding.decrypt(&ctr(CONTENT_KEY, [1; 16], &clear), Some(&[1; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
    decoding.end();
    decoding.begin(&DataKey::Unwrapped(ContentKey::new(SESSION_KEY))).unwrap();
    let opened = decoding.decrypt(&ctr(SESSION_KEY, [1; 16], &clear), Some(&[1; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
}

#[test]
fn a_frame_can_name_its_session() {
    let decoding = Decoding::new("");
    let device = &decoding.rig.device;
    let sealed = device.register_decoder(DecoderEncryption::Sealed).unwrap();
    let key = DataKey::Unwrapped(ContentKey::new(CONTENT_KEY));
    assert!(matches!(device.begin_frame(sealed, None, &key), Err(Error::NoDecoderSession)));
    let stranger = Rig::new("");
    let error = device.begin_frame(sealed, Some(stranger.session), &key).unwrap_err();
    assert!(matches!(error, Error::BadHandle { kind: "crypto session" }));
    device.begin_frame(sealed, Some(decoding.rig.session), &key).unwrap();
    let (clear, mut out) = (data(50), vec![0; 50]);
    let enciphered = ctr(CONTENT_KEY, [1; 16], &clear);
    let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&[1; 16]), encrypted: Encrypted::All, stripes: None };
    device.decrypt_buffer(sealed, buffers(&enciphered, &mut out), &buffer).unwrap();
    assert_eq!(out, clear);
}

#[test]
fn encryption_guids_are_those_of_the_contract() {
    let from = |guid: u128| DecoderEncryption::from_guid(&GUID::from_u128(guid));
    for guid in [0, 0x9b6b_d711_4f74_41c9_9e7b_0be2_d7d9_3b4f, 0xb040_5235_c13d_44f2_9ae5_dd48_e08e_5b67] {
        assert_eq!(from(guid).unwrap(), DecoderEncryption::Ctr);
    }
    assert_eq!(from(0x89d6_ac4f_09f2_4229_b2cd_3774_0a6d_fd81).unwrap(), DecoderEncryption::Sealed);
    assert_eq!(from(0x1b81_bed0_a0c7_11d3_b984_00c0_4f2e_73c5).unwrap(), DecoderEncryption::None);
    assert_eq!(from(0x422d_9319_9d21_4bb7_9371_faf5_a82c_3e04).unwrap(), DecoderEncryption::Cbc);
    for guid in [0x422d_9319_9d21_4bb7_9371_faf5_a82c_3e05, 1] {
        assert!(matches!(from(guid), Err(Error::UnsupportedCrypto)));
    }
}

// States.

#[test]
fn a_frame_needs_a_bound_session_with_a_key() {
    let rig = Rig::new("");
    let decoder = rig.device.register_decoder(DecoderEncryption::Ctr).unwrap();
    let decoding = Decoding { rig, decoder };
    assert!(matches!(decoding.begin(&DataKey::Session), Err(Error::NoDecoderSession)));
    decoding.bind();
    assert!(matches!(decoding.begin(&DataKey::Session), Err(Error::NoSessionKey)));
    decoding.rig.negotiate(SESSION_KEY);
    decoding.begin(&DataKey::Session).unwrap();
}

#[test]
fn buffers_and_ends_need_a_frame_and_frames_do_not_overlap() {
    let decoding = Decoding::new("");
    let device = &decoding.rig.device;
    assert!(matches!(decoding.decrypt(&[0; 4], Some(&[0; 16]), Encrypted::All), Err(Error::NoFrame)));
    assert!(matches!(decoding.decrypt(&[0; 4], None, Encrypted::All), Err(Error::NoFrame)));
    assert!(matches!(device.end_frame(decoding.decoder), Err(Error::NoFrame)));
    decoding.begin(&DataKey::Session).unwrap();
    assert!(matches!(decoding.begin(&DataKey::Session), Err(Error::FrameInProgress)));
    decoding.end();
    assert!(matches!(device.end_frame(decoding.decoder), Err(Error::NoFrame)));
    decoding.begin(&DataKey::Session).unwrap();
}

#[test]
fn a_lost_key_is_lost_in_the_middle_of_a_frame_too() {
    let decoding = Decoding::new("");
    for key in [DataKey::Session, DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))] {
        decoding.begin(&key).unwrap();
        decoding.rig.call(|session| session.invalidate(false));
        assert!(matches!(decoding.decrypt(&[0; 4], Some(&[0; 16]), Encrypted::All), Err(Error::KeyLost)));
        decoding.end();
        assert!(matches!(decoding.begin(&key), Err(Error::KeyLost)));
        decoding.rig.negotiate(SESSION_KEY);
    }
    decoding.begin(&DataKey::Session).unwrap();
    let clear = data(20);
    let opened = decoding.decrypt(&ctr(SESSION_KEY, [9; 16], &clear), Some(&[9; 16]), Encrypted::All);
    assert_eq!(opened.unwrap(), clear);
}

/// A regression test: the key exchange after a loss brought the frame's content key back.
#[test]
fn content_key_of_a_frame_stays_lost_after_a_new_key_exchange() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
    decoding.rig.call(|session| session.invalidate(false));
    decoding.rig.negotiate(SESSION_KEY);
    assert!(matches!(decoding.decrypt(&[0; 4], Some(&[0; 16]), Encrypted::All), Err(Error::KeyLost)));
    decoding.end();
    decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
    decoding.decrypt(&[0; 4], Some(&[0; 16]), Encrypted::All).unwrap();
}

/// A regression test: a frame kept its session's key, which not even a teardown took any more.
#[test]
fn no_frame_outlives_its_session() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Session).unwrap();
    decoding.rig.device.destroy_crypto_session(decoding.rig.session).unwrap();
    let refused = decoding.decrypt(&[0; 4], Some(&[0; 16]), Encrypted::All);
    assert!(matches!(refused, Err(Error::BadHandle { kind: "crypto session" })), "{refused:?}");
    decoding.end();
}

#[test]
fn handles_that_name_no_decoder_are_refused() {
    let decoding = Decoding::new("");
    let device = &decoding.rig.device;
    let stale = device.register_decoder(DecoderEncryption::Ctr).unwrap();
    device.unregister_decoder(stale).unwrap();
    let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: None, encrypted: Encrypted::All, stripes: None };
    for handle in [stale, decoding.rig.session, device.handle()] {
        let bad = |result: Result<(), Error>| matches!(result, Err(Error::BadHandle { kind: "decoder" }));
        assert!(bad(device.begin_frame(handle, None, &DataKey::Session)));
        assert!(bad(device.decrypt_buffer(handle, buffers(&[0], &mut [0]), &buffer)));
        assert!(bad(device.end_frame(handle)));
    }
}

// Buffers.

#[test]
fn clear_buffers_are_copied() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Session).unwrap();
    assert_eq!(decoding.decrypt_as(SLICE_CONTROL, &data(40), None, Encrypted::All).unwrap(), data(40));
    let mut shorter = [0; 39];
    let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: None, encrypted: Encrypted::All, stripes: None };
    let result = decoding.rig.device.decrypt_buffer(decoding.decoder, buffers(&data(40), &mut shorter), &buffer);
    assert!(matches!(result, Err(Error::SizeMismatch)) && shorter == [0; 39]);
}

#[test]
fn buffers_of_types_that_the_api_does_not_define_are_refused() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Session).unwrap();
    for buffer_type in 0..=8 {
        decoding.decrypt_as(buffer_type, &data(20), None, Encrypted::All).unwrap();
        decoding.decrypt_as(buffer_type, &data(20), Some(&[0; 16]), Encrypted::All).unwrap();
    }
    for buffer_type in [9, 10, 0xFFFF_FFFE, 0xFFFF_FFFF] {
        for iv in [None, Some(&[0; 16][..])] {
            let refused = decoding.decrypt_as(buffer_type, &data(20), iv, Encrypted::All);
            assert!(matches!(refused, Err(Error::UnknownBufferType { buffer_type: given }) if given == buffer_type));
        }
    }
}

#[test]
fn a_decoder_without_encryption_takes_clear_buffers_only() {
    let decoding = Decoding::new("");
    let device = &decoding.rig.device;
    let decoder = device.register_decoder(DecoderEncryption::None).unwrap();
    device.begin_frame(decoder, None, &DataKey::Session).unwrap();
    let mut out = [0; 8];
    let buffer = |iv| DecoderBuffer { buffer_type: BITSTREAM, iv, encrypted: Encrypted::All, stripes: None };
    let result = device.decrypt_buffer(decoder, buffers(&[7; 8], &mut out), &buffer(Some(&[0; 16])));
    assert!(matches!(result, Err(Error::BufferNotEncryptable { buffer_type: BITSTREAM })));
    device.decrypt_buffer(decoder, buffers(&[7; 8], &mut out), &buffer(None)).unwrap();
    assert_eq!(out, [7; 8]);
}

#[test]
fn only_slice_data_is_encrypted_where_the_profile_says_so() {
    let slices = Decoding::new("capabilities.flags.encrypt_slicedata_only=true");
    let all = Decoding::new("");
    for decoding in [&slices, &all] {
        decoding.begin(&DataKey::Session).unwrap();
        decoding.decrypt_as(BITSTREAM, &data(20), Some(&[0; 16]), Encrypted::All).unwrap();
        decoding.decrypt_as(SLICE_CONTROL, &data(20), None, Encrypted::All).unwrap();
    }
    let refused = slices.decrypt_as(SLICE_CONTROL, &data(20), Some(&[0; 16]), Encrypted::All);
    assert!(matches!(refused, Err(Error::BufferNotEncryptable { buffer_type: SLICE_CONTROL })));
    all.decrypt_as(SLICE_CONTROL, &data(20), Some(&[0; 16]), Encrypted::All).unwrap();
}

#[test]
fn ivs_are_sixteen_bytes_and_increase_where_the_profile_says_so() {
    let decoding = Decoding::new("capabilities.flags.sequential_ctr_iv=true");
    decoding.begin(&DataKey::Session).unwrap();
    for size in [0, 8, 15, 17] {
        let result = decoding.decrypt(&[0; 4], Some(&vec![0; size]), Encrypted::All);
        assert!(matches!(result, Err(Error::WrongSize { what: "the IV", expected: 16, given }) if given == size));
    }
    decoding.decrypt(&[0; 4], Some(&[5; 16]), Encrypted::All).unwrap();
    for iv in [[5; 16], [4; 16]] {
        assert!(matches!(decoding.decrypt(&[0; 4], Some(&iv), Encrypted::All), Err(Error::IvNotIncreasing)));
    }
    decoding.end();
    decoding.begin(&DataKey::Session).unwrap();
    assert!(matches!(decoding.decrypt(&[0; 4], Some(&[5; 16]), Encrypted::All), Err(Error::IvNotIncreasing)));
    decoding.decrypt(&[0; 4], Some(&[6; 16]), Encrypted::All).unwrap();
}

#[test]
fn patterns_are_as_in_blits() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Session).unwrap();
    let (clear, iv) = (data(100), [7; 16]);
    let subsamples = [(0, 10), (20, 30), (20, 20)].map(|(clear, encrypted)| Subsample { clear, encrypted });
    let pattern = EncryptedBlockInfo { at_beginning: 10, skip: 20, encrypt: 30 };
    let enciphered = encipher(SESSION_KEY, iv, &clear, &subsamples);
    assert_eq!(decoding.decrypt(&enciphered, Some(&iv), Encrypted::Pattern(pattern)).unwrap(), clear);
    let strict = Decoding::new("capabilities.block_alignment=16");
    strict.begin(&DataKey::Session).unwrap();
    let result = strict.decrypt(&enciphered, Some(&iv), Encrypted::Pattern(pattern));
    assert!(matches!(result, Err(Error::UnalignedPattern { .. })));
}

#[test]
fn subsamples_that_do_not_cover_the_buffer_are_refused() {
    let decoding = Decoding::new("");
    decoding.begin(&DataKey::Session).unwrap();
    let of = |clear, encrypted| Subsample { clear, encrypted };
    for subsamples in [&[][..], &[of(5, 4)], &[of(5, 6)], &[of(u32::MAX, u32::MAX), of(12, 0)], &[of(10, 0), of(0, 1)]]
    {
        let result = decoding.decrypt(&[0; 10], Some(&[0; 16]), Encrypted::Subsamples(subsamples));
        assert!(matches!(result, Err(Error::SubsamplesMismatch { bytes: 10, .. })), "{subsamples:?}");
    }
}

#[test]
fn partial_encryption_and_content_keys_need_their_capabilities() {
    let decoding = Decoding::new("capabilities.flags.partial_decryption=false;capabilities.flags.content_key=false");
    assert!(matches!(decoding.begin(&DataKey::Wrapped(&[0; 16])), Err(Error::NotOffered(_))));
    decoding.begin(&DataKey::Session).unwrap();
    let subsamples = [Subsample { clear: 2, encrypted: 8 }];
    let refused = decoding.decrypt(&[0; 10], Some(&[0; 16]), Encrypted::Subsamples(&subsamples));
    assert!(matches!(refused, Err(Error::NotOffered(_))));
    decoding.decrypt(&[0; 10], Some(&[0; 16]), Encrypted::All).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn subsamples_equal_byte_by_byte_in_place_and_across(
        sizes in proptest::collection::vec((0..70_u32, 0..70_u32), 0..12),
        iv: Block,
        in_place: bool,
    ) {
        let decoding = Decoding::new("");
        decoding.begin(&DataKey::Wrapped(&wrap(SESSION_KEY, CONTENT_KEY))).unwrap();
        let subsamples: Vec<_> = sizes.iter().map(|&(clear, encrypted)| Subsample { clear, encrypted }).collect();
        let clear = data(sizes.iter().map(|&(clear, encrypted)| (clear + encrypted) as usize).sum());
        let mut enciphered = encipher(CONTENT_KEY, iv, &clear, &subsamples);
        let opened = if in_place {
            let surface = BlitSurfaces::Same(SurfaceMut::buffer(&mut enciphered));
            let encrypted = Encrypted::Subsamples(&subsamples);
            let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&iv), encrypted, stripes: None };
            decoding.rig.device.decrypt_buffer(decoding.decoder, surface, &buffer).unwrap();
            enciphered
        } else {
            decoding.decrypt(&enciphered, Some(&iv), Encrypted::Subsamples(&subsamples)).unwrap()
        };
        prop_assert_eq!(opened, clear);
    }
}
