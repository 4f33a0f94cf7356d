//! The calls of a public browser's hardware DRM proxy, in its order and with its quirks (D29): the crypto type as key
//! exchange type of media sessions and as key GUID of frames, and no command bytes at all.

use softcp::secure::clear_key::function;
use softcp::{
    ContentKey, CryptoSessionDesc, DataKey, DecoderBuffer, DecoderEncryption, Device, Encrypted, Handle, SessionStatus,
    Subsample,
};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, DECODER_PROFILES};

use crate::common::{adapter, buffers, ctr};
use crate::rig::{KEY, KID, Rig, licence};

/// What the browser asks of a hardware driver, and what it must be told to run its media sessions.
const OPTIONS: &str = "capabilities.profile=hardware-like;quirks.key_exchange_alias=true";

/// `D3D11_VIDEO_DECODER_BUFFER_BITSTREAM`.
const BITSTREAM: u32 = 6;

fn desc(key_exchange_type: softcp::GUID) -> CryptoSessionDesc {
    let decode_profile = DECODER_PROFILES[0].1;
    CryptoSessionDesc { crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR, decode_profile, key_exchange_type }
}

/// What the browser does before it plays: a command session, keys, a media session.
fn start() -> (Rig, Handle) {
    let adapter = adapter(OPTIONS);
    let (crypto_type, profile) = (D3D11_CRYPTO_TYPE_AES128_CTR, DECODER_PROFILES[0].1);
    let caps = adapter.content_protection_caps(&crypto_type, &profile).unwrap();
    let offered = (0..caps.key_exchange_type_count).any(|index| {
        adapter.key_exchange_type(&crypto_type, &profile, index).unwrap() == D3D11_KEY_EXCHANGE_HW_PROTECTION
    });
    assert!(offered, "the browser gives up here");
    let device = Device::new(&adapter).unwrap();
    let session = device.create_crypto_session(&desc(D3D11_KEY_EXCHANGE_HW_PROTECTION)).unwrap();
    let sizes = adapter.private_sizes(&desc(D3D11_KEY_EXCHANGE_HW_PROTECTION)).unwrap();
    assert_eq!((sizes.input, sizes.output), (0, 0));
    let rig = Rig { adapter, device, session };
    let media = keys_and_media_session(&rig);
    (rig, media)
}

/// Provisions, loads a licence and creates a media session that is `Ok`.
fn keys_and_media_session(rig: &Rig) -> Handle {
    rig.ok(function::PROVISION, &[]);
    rig.ok(function::LOAD_LICENCE, licence(&[(KID, KEY)]).as_bytes());
    let media = rig.device.create_crypto_session(&desc(D3D11_CRYPTO_TYPE_AES128_CTR)).unwrap();
    rig.device.new_hardware_key(media, &rig.blob(KID)).unwrap();
    assert_eq!(rig.session_status(media), SessionStatus::Ok);
    media
}

fn key(rig: &Rig) -> ContentKey {
    rig.adapter.open_sealed_key(&rig.blob(KID), Some(&D3D11_CRYPTO_TYPE_AES128_CTR)).unwrap()
}

#[test]
fn frames_with_sealed_keys_decrypt_on_a_media_session_until_a_teardown_and_after_recovery() {
    let (rig, mut media) = start();
    let decoder = rig.device.register_decoder(DecoderEncryption::Sealed).unwrap();
    let subsamples = [Subsample { clear: 5, encrypted: 16 }];
    let clear = *b"clear0123456789abcdef";
    let sample = |iv| [&clear[..5], &ctr(KEY, iv, &clear[5..])].concat();
    for number in 1..=20_u8 {
        let iv = [number; 16];
        if number % 7 == 0 {
            rig.adapter.teardown(true);
            for session in [rig.session, media] {
                assert_eq!(rig.session_status(session), SessionStatus::KeyAndContentLost);
            }
            rig.device.destroy_crypto_session(media).unwrap();
            media = keys_and_media_session(&rig);
        }
        rig.device.begin_frame(decoder, Some(media), &DataKey::Unwrapped(key(&rig))).unwrap();
        let (sent, mut opened) = (sample(iv), [0; 21]);
        let encrypted = Encrypted::Subsamples(&subsamples);
        let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&iv), encrypted, stripes: None };
        rig.device.decrypt_buffer(decoder, buffers(&sent, &mut opened), &buffer).unwrap();
        rig.device.end_frame(decoder).unwrap();
        assert_eq!(opened, clear, "sample {number}");
    }
}

#[test]
fn frame_that_a_teardown_overtakes_decrypts_nothing() {
    let (rig, media) = start();
    let decoder = rig.device.register_decoder(DecoderEncryption::Sealed).unwrap();
    rig.device.begin_frame(decoder, Some(media), &DataKey::Unwrapped(key(&rig))).unwrap();
    rig.adapter.teardown(false);
    let mut opened = [0xEE; 16];
    let buffer = DecoderBuffer { buffer_type: BITSTREAM, iv: Some(&[1; 16]), encrypted: Encrypted::All, stripes: None };
    let result = rig.device.decrypt_buffer(decoder, buffers(&[0; 16], &mut opened), &buffer);
    assert!(matches!(result, Err(softcp::Error::KeyLost)), "{result:?}");
    assert_eq!(opened, [0xEE; 16]);
}

#[test]
fn command_session_gives_no_frame_a_key() {
    let (rig, _) = start();
    let decoder = rig.device.register_decoder(DecoderEncryption::Sealed).unwrap();
    let result = rig.device.begin_frame(decoder, Some(rig.session), &DataKey::Unwrapped(key(&rig)));
    assert!(matches!(result, Err(softcp::Error::CommandSession)), "{result:?}");
}
