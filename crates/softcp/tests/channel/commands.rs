//! What each command sets, and when it is refused.

use softcp::{DataKey, DecoderEncryption, Device, Error, Handle, Outputs, Process, Surface, SurfaceFlags, SurfaceMut};

use crate::common::{adapter, buffers, checked_certificate, desc, key_exchange};
use crate::rig::{AES, CRYPTO_SESSION, INITIALIZE, Rig, open, raw};

/// A decryption blit into a buffer that is protected or not.
fn blit(device: &Device, session: Handle, protected: bool) -> Result<(), Error> {
    let (source, mut destination) = ([7; 32], [0; 32]);
    let mut surfaces = buffers(&source, &mut destination);
    if let softcp::BlitSurfaces::Distinct { destination, .. } = &mut surfaces {
        destination.flags = SurfaceFlags { protected, multisampled: false };
    }
    device.crypto_session(session).unwrap().lock().decryption_blt(surfaces, None, &DataKey::Session, &[0; 16])
}

/// A read-back of a buffer that is protected or not.
fn read_back(device: &Device, session: Handle, protected: bool) -> Result<(), Error> {
    let mut destination = [0; 32];
    let mut source = Surface::buffer(&[7; 32]);
    source.flags = SurfaceFlags { protected, multisampled: false };
    let surfaces = softcp::BlitSurfaces::Distinct { source, destination: SurfaceMut::buffer(&mut destination) };
    device.crypto_session(session).unwrap().lock().encryption_blt(surfaces, &mut [0; 16])
}

fn with_key(rig: &Rig) {
    let exchange = key_exchange(&checked_certificate(rig.device.adapter()), [9; 16]);
    let session = rig.device.crypto_session(rig.session).unwrap();
    session.lock().negotiate(exchange.message().as_bytes()).unwrap();
    session.lock().encryption_blt_key(&mut [0; 16]).unwrap();
}

#[test]
fn protection_keeps_clear_content_in_protected_resources_until_it_is_off() {
    let mut rig = Rig::new("");
    with_key(&rig);
    blit(&rig.device, rig.session, false).unwrap();
    rig.protect(1).unwrap();
    assert!(rig.device.protection_enforced());
    assert!(matches!(blit(&rig.device, rig.session, false), Err(Error::NotProtected("destination"))));
    assert!(matches!(read_back(&rig.device, rig.session, false), Err(Error::NotProtected("source"))));
    blit(&rig.device, rig.session, true).unwrap();
    read_back(&rig.device, rig.session, true).unwrap();
    rig.protect(0).unwrap();
    assert!(!rig.device.protection_enforced());
    blit(&rig.device, rig.session, false).unwrap();
    read_back(&rig.device, rig.session, false).unwrap();
}

#[test]
fn overlay_flag_alone_enforces_nothing_here() {
    let mut rig = Rig::new("");
    rig.protect(2).unwrap();
    assert_eq!((rig.device.protection_enforced(), rig.flags()), (false, 2));
    assert!(rig.device.protection().overlay_or_fullscreen_required);
    rig.protect(3).unwrap();
    assert_eq!((rig.device.protection_enforced(), rig.flags()), (true, 3));
}

#[test]
fn unknown_protection_flags_are_refused_and_change_nothing() {
    let mut rig = Rig::new("");
    rig.protect(1).unwrap();
    // With bit 31 the command has the form of an answer on 32 bits, and is refused as that.
    let with_bit_31 = if cfg!(target_pointer_width = "64") { &[0x8000_0000, 0xFFFF_FFFF][..] } else { &[] };
    for &flags in [4, 5, 0x7FFF_FFFF].iter().chain(with_bit_31) {
        let error = rig.protect(flags).unwrap_err();
        assert!(matches!(error, Error::BadProtectionFlags(given) if u64::from(given) == flags));
    }
    assert_eq!(rig.flags(), 1);
}

#[test]
fn protection_of_one_channel_is_not_taken_away_by_another() {
    let mut rig = Rig::new("");
    let mut other = open(&rig.device, 3, [2; 16]);
    rig.protect(1).unwrap();
    other.protect(&rig.device, 0).unwrap();
    assert_eq!(rig.flags(), 1);
    other.protect(&rig.device, 2).unwrap();
    assert_eq!(rig.flags(), 3);
    rig.device.destroy_authenticated_channel(other.handle).unwrap();
    assert_eq!(rig.flags(), 1);
    rig.device.destroy_authenticated_channel(rig.channel.handle).unwrap();
    assert!(!rig.device.protection_enforced());
}

#[test]
fn protection_of_one_device_is_not_anothers() {
    let adapter = adapter("");
    let (one, other) = (Device::new(&adapter).unwrap(), Device::new(&adapter).unwrap());
    open(&one, 2, [1; 16]).protect(&one, 1).unwrap();
    assert!(one.protection_enforced() && !other.protection_enforced());
}

#[test]
fn protection_always_on_stays_on() {
    let mut rig = Rig::new("capabilities.flags.protection_always_on=true");
    assert_eq!(rig.flags(), 1);
    rig.protect(0).unwrap();
    assert_eq!((rig.flags(), rig.device.protection_enforced()), (1, true));
}

#[test]
fn session_is_bound_to_a_decoder_until_either_is_gone() {
    let mut rig = Rig::new("");
    let (decoder, session, device) = (raw(rig.decoder), raw(rig.session), raw(rig.device.handle()));
    assert_eq!(rig.bound_session(decoder).unwrap(), 0);
    rig.bind(decoder, session, device).unwrap();
    assert_eq!(rig.bound_session(decoder).unwrap(), session);
    assert_eq!(rig.device.decoder_session(rig.decoder).unwrap(), Some(rig.session));

    let second = rig.device.create_crypto_session(&desc()).unwrap();
    rig.bind(decoder, raw(second), device).unwrap();
    assert_eq!(rig.bound_session(decoder).unwrap(), raw(second));
    rig.device.destroy_crypto_session(second).unwrap();
    assert_eq!((rig.bound_session(decoder).unwrap(), rig.device.decoder_session(rig.decoder).unwrap()), (0, None));

    rig.device.unregister_decoder(rig.decoder).unwrap();
    assert!(matches!(rig.bound_session(decoder), Err(Error::BadHandle { kind: "decoder" })));
    assert!(matches!(rig.bind(decoder, session, device), Err(Error::BadHandle { kind: "decoder" })));
    assert!(rig.device.unregister_decoder(rig.decoder).is_err());
}

#[test]
fn a_binding_ends_with_its_channel_and_no_other_takes_it_away() {
    let mut rig = Rig::new("");
    let (decoder, session, device) = (raw(rig.decoder), raw(rig.session), raw(rig.device.handle()));
    let second = raw(rig.device.create_crypto_session(&desc()).unwrap());
    rig.bind(decoder, session, device).unwrap();
    let mut other = open(&rig.device, 2, [2; 16]);
    let mut bind = |session| {
        let members = [("DecoderHandle", decoder), ("CryptoSessionHandle", session), ("DeviceHandle", device)];
        let structure = "D3D11_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_INPUT";
        other.command(&rig.device, CRYPTO_SESSION, structure, &members)
    };
    for session in [second, session] {
        assert!(matches!(bind(session), Err(Error::HeldByAnother(_))));
    }
    assert_eq!(rig.device.decoder_session(rig.decoder).unwrap(), Some(rig.session));
    rig.device.destroy_authenticated_channel(rig.channel.handle).unwrap();
    assert_eq!(rig.device.decoder_session(rig.decoder).unwrap(), None);
    bind(second).unwrap();
    assert_eq!(rig.device.decoder_session(rig.decoder).unwrap().map(raw), Some(second));
}

#[test]
fn binding_refuses_handles_that_name_nothing_of_this_device() {
    let mut rig = Rig::new("");
    let (decoder, session, device) = (raw(rig.decoder), raw(rig.session), raw(rig.device.handle()));
    rig.bind(decoder, session, device).unwrap();
    let stranger = Device::new(rig.device.adapter()).unwrap();
    let (their_session, their_decoder) =
        (stranger.create_crypto_session(&desc()).unwrap(), stranger.register_decoder(DecoderEncryption::Ctr).unwrap());
    let channel = raw(rig.channel.handle);
    let cases = [
        (decoder, session, 0, "device"),
        (decoder, session, raw(stranger.handle()), "device"),
        (decoder, session, session, "device"),
        (0, session, device, "decoder"),
        (raw(their_decoder), session, device, "decoder"),
        (session, session, device, "decoder"),
        (decoder ^ 1 << 24, session, device, "decoder"),
        (decoder, 0, device, "crypto session"),
        (decoder, raw(their_session), device, "crypto session"),
        (decoder, channel, device, "crypto session"),
        (decoder, decoder, device, "crypto session"),
    ];
    for (decoder, session, device, kind) in cases {
        let error = rig.bind(decoder, session, device).unwrap_err();
        assert!(matches!(error, Error::BadHandle { kind: named } if named == kind), "{error}");
    }
    assert_eq!(rig.bound_session(decoder).unwrap(), session);
}

#[test]
fn processes_are_allowed_and_revoked() {
    let mut rig = Rig::new("");
    rig.device.allow_process(Process::Dwm).unwrap();
    rig.share(2, 0x1234, 1).unwrap();
    rig.share(2, 0x5678, 0xFFFF_FFFF).unwrap();
    rig.share(2, 0x1234, 1).unwrap();
    rig.share(1, 0x99, 1).unwrap();
    assert_eq!(rig.processes(), [(1, 0), (2, 0x1234), (2, 0x5678)]);
    assert!(rig.device.process_allowed(Process::Handle(0x1234)) && !rig.device.process_allowed(Process::Handle(0x99)));
    rig.share(2, 0x1234, 0).unwrap();
    rig.share(2, 0x1234, 0).unwrap();
    assert_eq!(rig.processes(), [(1, 0), (2, 0x5678)]);
    rig.share(1, 0, 0).unwrap();
    assert_eq!(rig.processes()[0], (1, 0), "the host holds it still");
    assert!(matches!(rig.share(1, 0, 0), Err(Error::HeldByAnother(_))));
    rig.device.destroy_authenticated_channel(rig.channel.handle).unwrap();
    assert!(!rig.device.process_allowed(Process::Handle(0x5678)) && rig.device.process_allowed(Process::Dwm));
}

#[test]
fn processes_of_unknown_type_are_refused() {
    let mut rig = Rig::new("");
    for process_type in [0, 3, 0xFFFF_FFFF] {
        for allow in [0, 1] {
            assert!(matches!(rig.share(process_type, 7, allow), Err(Error::BadProcessType(_))));
        }
    }
    assert_eq!(rig.processes(), []);
}

#[test]
fn a_permission_of_one_channel_is_not_revoked_by_another() {
    let mut rig = Rig::new("");
    let mut other = open(&rig.device, 2, [2; 16]);
    rig.share(2, 7, 1).unwrap();
    assert!(matches!(other.share(&rig.device, 2, 7, 0), Err(Error::HeldByAnother(_))));
    assert_eq!(rig.processes(), [(2, 7)]);
}

#[test]
fn encryption_is_one_of_those_offered_or_none() {
    let mut rig = Rig::new("");
    for encryption in [1, AES + 1, u128::MAX] {
        assert!(matches!(rig.encrypt(encryption), Err(Error::UnsupportedEncryption(_))));
    }
    rig.encrypt(AES).unwrap();
    assert_eq!(rig.device.accessible_encryption(), softcp::GUID::from_u128(AES));
    let mut other = open(&rig.device, 2, [2; 16]);
    assert!(matches!(other.encrypt(&rig.device, 0), Err(Error::HeldByAnother(_))));
    other.encrypt(&rig.device, AES).unwrap();
    rig.encrypt(0).unwrap();
    assert_eq!(rig.device.accessible_encryption(), softcp::GUID::from_u128(AES), "the other holds it");
    other.encrypt(&rig.device, 0).unwrap();
    assert_eq!(rig.device.accessible_encryption(), softcp::GUID::default());
}

#[test]
fn calls_that_waited_for_a_channel_that_was_destroyed_meanwhile_find_none() {
    let rig = Rig::new("");
    let (device, handle) = (&rig.device, rig.channel.handle);
    let (command, query) = (rig.channel.protection(1), rig.channel.channel_type_query());
    // Each thread calls until the channel is gone; whatever was under way, nothing of it stays.
    std::thread::scope(|scope| {
        let calls = [0, 1, 2].map(|kind| {
            let (command, query) = (&command, &query);
            scope.spawn(move || {
                loop {
                    let error = match kind {
                        0 => device.configure_channel(Some(handle), command).result.err(),
                        1 => device.query_channel(Some(handle), query, 200, Outputs::Configured).result.err(),
                        _ => device.negotiate_channel(handle, &[0; 256]).err(),
                    };
                    if matches!(error, Some(Error::BadHandle { .. })) {
                        break;
                    }
                }
            })
        });
        std::thread::sleep(std::time::Duration::from_millis(5));
        device.destroy_authenticated_channel(handle).unwrap();
        assert!(!device.protection_enforced());
        for call in calls {
            call.join().unwrap();
        }
    });
    assert!(!rig.device.protection_enforced());
}

#[test]
fn a_second_initialize_is_refused() {
    let mut rig = Rig::new("");
    let message = rig.channel.initialize();
    let reply = rig.device.configure_channel(Some(rig.channel.handle), &message);
    assert!(matches!(reply.result, Err(Error::ChannelAlreadyInitialized)));
    rig.protect(1).unwrap();
}

#[test]
fn unknown_command_uses_its_number_up() {
    let mut rig = Rig::new("");
    let structure = "D3D11_AUTHENTICATED_CONFIGURE_PROTECTION_INPUT";
    let message = rig.channel.message(INITIALIZE ^ 1, structure, &[]).signed(rig.channel.key).bytes;
    assert!(matches!(rig.channel.send(&rig.device, &message), Err(Error::UnknownCommand(_))));
    let again = rig.device.configure_channel(Some(rig.channel.handle), &message);
    assert!(matches!(again.result, Err(Error::SequenceNotGreater { .. })));
}

#[test]
fn channel_types_are_the_two_of_a_driver() {
    let device = Device::new(&adapter("")).unwrap();
    for channel_type in [0, 1, 4, u32::MAX] {
        assert!(matches!(device.create_authenticated_channel(channel_type), Err(Error::BadChannelType(_))));
        assert!(matches!(device.adapter().channel_certificate(channel_type), Err(Error::BadChannelType(_))));
    }
    for channel_type in [2, 3] {
        device.create_authenticated_channel(channel_type).unwrap();
        let certificate = device.adapter().channel_certificate(channel_type).unwrap();
        assert_eq!(certificate, device.adapter().session_certificate(&desc().crypto_type).unwrap());
    }
}

#[test]
fn handles_of_every_kind_differ() {
    let rig = Rig::new("");
    let other = open(&rig.device, 3, [2; 16]);
    let handles = [rig.device.handle(), rig.session, rig.decoder, rig.channel.handle, other.handle];
    for (index, handle) in handles.iter().enumerate() {
        assert!(!handles[..index].contains(handle));
    }
}

#[test]
fn a_channel_works_on_its_own_device_and_until_it_is_destroyed() {
    let rig = Rig::new("");
    let stranger = Device::new(rig.device.adapter()).unwrap();
    let message = rig.channel.protection(1);
    for (device, handle) in [
        (&stranger, Some(rig.channel.handle)),
        (&rig.device, None),
        (&rig.device, Some(rig.session)),
        (&rig.device, Some(rig.decoder)),
    ] {
        let reply = device.configure_channel(handle, &message);
        assert!(matches!(reply.result, Err(Error::BadHandle { kind: "authenticated channel" })));
        assert_eq!(reply.message[..16], [0; 16], "nobody can sign for a channel that is not there");
        let reply = device.query_channel(handle, &message[16..], 200, Outputs::Configured);
        assert!(matches!(reply.result, Err(Error::BadHandle { .. })));
    }
    assert!(stranger.destroy_authenticated_channel(rig.channel.handle).is_err());
    assert!(stranger.negotiate_channel(rig.channel.handle, &[0; 256]).is_err());
    rig.device.destroy_authenticated_channel(rig.channel.handle).unwrap();
    assert!(rig.device.destroy_authenticated_channel(rig.channel.handle).is_err());
    let reply = rig.device.configure_channel(Some(rig.channel.handle), &message);
    assert!(matches!(reply.result, Err(Error::BadHandle { .. })));
    assert!(!rig.device.protection_enforced());
}

#[test]
fn key_exchange_of_a_wrong_size_or_another_key_changes_nothing() {
    let mut rig = Rig::new("");
    for size in [0, 255, 257] {
        let error = rig.device.negotiate_channel(rig.channel.handle, &vec![0; size]).unwrap_err();
        assert!(matches!(error, Error::WrongSize { expected: 256, given, .. } if given == size));
    }
    let error = rig.device.negotiate_channel(rig.channel.handle, &[1; 256]).unwrap_err();
    assert!(matches!(error, Error::KeyExchangeFailed));
    rig.protect(1).unwrap();
    let exchange = key_exchange(&checked_certificate(rig.device.adapter()), [5; 16]);
    rig.device.negotiate_channel(rig.channel.handle, exchange.message().as_bytes()).unwrap();
    rig.channel.key = [5; 16];
    rig.protect(0).unwrap();
    assert_eq!(rig.flags(), 0);
}
