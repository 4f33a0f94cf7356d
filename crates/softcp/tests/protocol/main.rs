//! The engine and the application's half against each other: a session from end to end, and a model of the session's
//! state machine that has to agree with the engine after any sequence of calls.

#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../common/mod.rs"]
mod common;
mod model;
mod world;

use common::{Rig, buffers, ctr, desc, key_exchange};
use proptest::prelude::*;
use softcp::config::Config;
use softcp::provider::Provider;
use softcp::{
    Adapter, BlitSurfaces, CryptoSession, DataKey, EncryptedBlockInfo, Error, Rows, RowsMut, Surface, SurfaceFlags,
    SurfaceMut,
};
use softcp_client::{
    CertificateChain, ClientSession, ContentKey, IvSequence, ReadBackKey, SystemRandom, UnverifiedCertificate,
};
use world::World;

// A session from end to end.

#[test]
fn stream_with_two_hundred_refreshes_opens_frame_by_frame() {
    let rig = Rig::new("");
    let (mut client, message) = ClientSession::negotiate(&rig.certificate, &SystemRandom).unwrap();
    rig.call(|session| session.negotiate(message.as_bytes())).unwrap();
    let content_key = ContentKey::generate(&SystemRandom).unwrap();
    let mut ivs = IvSequence::new(&SystemRandom).unwrap();
    let mut wrapped = client.wrap_content_key(&content_key);
    let pattern = EncryptedBlockInfo { at_beginning: 16, skip: 144, encrypt: 16 };
    let client_pattern = softcp_client::EncryptedBlockInfo {
        num_encrypted_bytes_at_beginning: 16,
        num_bytes_in_skip_pattern: 144,
        num_bytes_in_encrypt_pattern: 16,
    };
    for frame in 0..600_usize {
        // A frame under the content key, then one under the session key, now with a pattern, now without.
        let clear: Vec<u8> = (0..frame + 50).map(|at| (at * 7 + frame).to_le_bytes()[0]).collect();
        let use_content_key = frame % 4 < 3;
        let iv = ivs.next_iv().unwrap();
        let session_cipher = client.data_cipher();
        let content_cipher = content_key.data_cipher();
        let cipher = if use_content_key { &content_cipher } else { &session_cipher };
        let info = (frame % 2 == 0).then_some(pattern);
        let mut travelling = clear.clone();
        match info {
            Some(_) => cipher.encrypt_pattern(iv, client_pattern, &mut travelling),
            None => cipher.encrypt(iv, &mut travelling),
        }
        assert_ne!(travelling, clear);

        let mut opened = vec![0; clear.len()];
        let data_key = if use_content_key { DataKey::Wrapped(wrapped.as_bytes()) } else { DataKey::Session };
        let surfaces = buffers(&travelling, &mut opened);
        rig.call(|session| session.decryption_blt(surfaces, info, &data_key, &iv.to_bytes())).unwrap();
        assert_eq!(opened, clear, "frame {frame}");

        match frame % 3 {
            0 => {
                let mut number = [0; 16];
                rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
                client.start_refresh(number);
            }
            2 => {
                rig.call(CryptoSession::finish_key_refresh).unwrap();
                client.finish_refresh().unwrap();
                wrapped = client.wrap_content_key(&content_key);
            }
            _ => {}
        }
    }
    assert_eq!(client.generation(), 200);
    assert_eq!(rig.call(|session| session.generation()), 201);
}

#[test]
fn read_back_of_a_pitched_surface_opens_row_by_row_at_the_client() {
    let rig = Rig::new("");
    let (mut client, message) = ClientSession::negotiate(&rig.certificate, &SystemRandom).unwrap();
    rig.call(|session| session.negotiate(message.as_bytes())).unwrap();
    let picture: Vec<u8> = (0..64 * 20).map(|at: usize| (at * 11).to_le_bytes()[0]).collect();
    let mut read_back_key = None;
    let mut last: Option<u64> = None;
    for turn in 0..9 {
        if turn % 3 == 0 {
            let mut wrapped = [0; 16];
            rig.call(|session| session.encryption_blt_key(&mut wrapped)).unwrap();
            read_back_key = Some(client.read_back_key(&wrapped));
            last = None;
        }
        let (mut out, mut iv) = (vec![0xEE; 80 * 20], [0; 16]);
        let source = [Rows::new(&picture, 64, 50, 20).unwrap()];
        let source = Surface::new(source, 0, SurfaceFlags::default()).unwrap();
        let destination = [RowsMut::new(&mut out, 80, 50, 20).unwrap()];
        let destination = SurfaceMut::new(destination, 0, SurfaceFlags::default()).unwrap();
        let surfaces = BlitSurfaces::Distinct { source, destination };
        rig.call(|session| session.encryption_blt(surfaces, &mut iv)).unwrap();

        let iv = softcp_client::AesCtrIv::from_bytes(iv);
        assert!(last.is_none_or(|last| iv.iv == last + 1), "the IV does not go on (D11)");
        last = Some(iv.iv);
        let mut rows = softcp_client::RowsMut::new(&mut out, 80, 50, 20).unwrap();
        read_back_key.as_ref().map(ReadBackKey::data_cipher).unwrap().decrypt_rows(iv, &mut rows);
        let expected: Vec<u8> = picture.chunks(64).flat_map(|row| &row[..50]).copied().collect();
        assert_eq!(rows.to_packed(), expected, "turn {turn}");

        // The read-back key is a key of its own: refreshes of the session key leave it (D12).
        let mut number = [0; 16];
        rig.call(|session| session.start_key_refresh(&mut number)).unwrap();
        rig.call(CryptoSession::finish_key_refresh).unwrap();
        client.start_refresh(number);
        client.finish_refresh().unwrap();
    }
}

#[test]
fn message_for_another_driver_is_refused() {
    let rig = Rig::new("");
    let stranger = Adapter::new(&Config::default(), Provider::aws_lc()).unwrap();
    let chain = stranger.session_certificate(&desc().crypto_type).unwrap();
    let chain = CertificateChain::parse(&chain).unwrap();
    let certificate = UnverifiedCertificate::new(&chain);
    let certificate = certificate.dangerous_accept_without_verification().unwrap();
    let exchange = key_exchange(&certificate, [1; 16]);
    let result = rig.call(|session| session.negotiate(exchange.message().as_bytes()));
    assert!(matches!(result, Err(Error::KeyExchangeFailed)), "{result:?}");
    assert_eq!(rig.call(|session| session.generation()), 0);
}

#[test]
fn messages_of_one_key_differ_and_give_sessions_the_same_key() {
    let rig = Rig::new("");
    let (one, two) = (key_exchange(&rig.certificate, [8; 16]), key_exchange(&rig.certificate, [8; 16]));
    assert_ne!(one.message(), two.message(), "RSAES-OAEP is randomised");
    for exchange in [one, two] {
        rig.call(|session| session.negotiate(exchange.message().as_bytes())).unwrap();
        assert_eq!(rig.decrypt(&[0; 16], [2; 16]), ctr([8; 16], [2; 16], &[0; 16]));
    }
}

// Any sequence of calls.

#[test]
fn any_sequence_of_calls_on_two_sessions_is_answered_as_the_model_says() {
    let worlds = [World::new(true), World::new(false)];
    let sequence = prop::collection::vec((0..2_usize, model::any_call()), 1..80);
    proptest!(ProptestConfig::with_cases(384), |(world in 0..2_usize, calls in sequence)| {
        let world = &worlds[world];
        let mut places = [world.place(), world.place()];
        for (index, call) in &calls {
            world.call(&mut places[*index], call)?;
            // The other session is as it was.
            world.check_agreement(&places[1 - *index])?;
        }
        for place in &places {
            if place.model.exists {
                world.device.destroy_crypto_session(place.handle).unwrap();
            }
        }
    });
}
