//! Authenticated channels: handles, keys, and what a channel is to others.

use softcp_abi::{
    D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE,
    D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT, D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL as CreateChannel,
};
use softcp_runtime::{CertificateOf, Channel, ChannelHandle, Device, HResult, Input, Output, PrivateMemory};

use crate::case::{Case, CaseResult, Group, Requirement, Stop, check, check_hresult};
use crate::context::Context;
use crate::dialogue::{
    ASK_DEVICE_HANDLE, COMMAND_HEADER, QUERIES, SET_INITIALIZE, check_fails, check_invalid, decoder_on,
};
use crate::message::{Message, is_signed};
use crate::oracle::Block;
use crate::oracle::oaep::{Padding, PublicKey};
use crate::rig::KeyedChannel;
use crate::variation::Mix;

pub(super) const GROUP: Group = Group {
    name: "channels",
    title: "Authenticated channels",
    mix: Mix::All,
    cases: &[
        Case {
            name: "channels/handle-is-given",
            rule: "CreateAuthenticatedChannel writes a handle that is not zero to its argument.",
            source: "D25",
            requirement: Requirement::Decision,
            run: handle_is_given,
        },
        Case {
            name: "channels/handles-differ",
            rule: "No two live channels, sessions, decoders and devices have the same handle.",
            source: "D25",
            requirement: Requirement::Decision,
            run: handles_differ,
        },
        Case {
            name: "channels/key-exchange",
            rule: "The channel takes a key of 16 bytes by RSAES-OAEP with SHA-512, and knows it.",
            source: "NegotiateAuthenticatedChannelKeyExchange",
            requirement: Requirement::Reference,
            run: key_exchange,
        },
        Case {
            name: "channels/key-wrong-size",
            rule: "A key exchange message of other than 256 bytes is E_INVALIDARG.",
            source: "NegotiateAuthenticatedChannelKeyExchange",
            requirement: Requirement::Reference,
            run: key_wrong_size,
        },
        Case {
            name: "channels/key-wrong-plain-size",
            rule: "A key of other than 16 bytes is E_INVALIDARG.",
            source: "D22",
            requirement: Requirement::Decision,
            run: key_wrong_plain_size,
        },
        Case {
            name: "channels/wrong-hash",
            rule: "A key exchange message with another padding than OAEP with SHA-512 and an empty label is E_INVALIDARG.",
            source: "NegotiateAuthenticatedChannelKeyExchange",
            requirement: Requirement::Reference,
            run: wrong_hash,
        },
        Case {
            name: "channels/failure-keeps-key",
            rule: "A key exchange that fails leaves the key as it is.",
            source: "D22",
            requirement: Requirement::Decision,
            run: failure_keeps_key,
        },
        Case {
            name: "channels/new-key-replaces",
            rule: "A second key exchange replaces the key.",
            source: "NegotiateAuthenticatedChannelKeyExchange",
            requirement: Requirement::Reference,
            run: new_key_replaces,
        },
        Case {
            name: "channels/before-key-exchange",
            rule: "Before the key exchange every command and query is E_INVALIDARG.",
            source: "ConfigureAuthenticatedChannel",
            requirement: Requirement::Reference,
            run: before_key_exchange,
        },
        Case {
            name: "channels/are-apart",
            rule: "Two channels have keys, sequence numbers and states of their own.",
            source: "CreateAuthenticatedChannel",
            requirement: Requirement::Reference,
            run: are_apart,
        },
        Case {
            name: "channels/other-device",
            rule: "Calls on a channel with another device fail.",
            source: "CreateAuthenticatedChannel",
            requirement: Requirement::Quality,
            run: other_device,
        },
        Case {
            name: "channels/destroyed",
            rule: "Calls on a channel that was destroyed fail.",
            source: "DestroyAuthenticatedChannel",
            requirement: Requirement::Quality,
            run: destroyed,
        },
        Case {
            name: "channels/unknown-type",
            rule: "A channel of a type that is not defined, or the API's own, is refused.",
            source: "CreateAuthenticatedChannel",
            requirement: Requirement::Reference,
            run: unknown_type,
        },
        Case {
            name: "channels/handle-zero-on-failure",
            rule: "A failed CreateAuthenticatedChannel writes a handle of zero.",
            source: "D30",
            requirement: Requirement::Decision,
            run: handle_zero_on_failure,
        },
    ],
};

/// A channel of the first type that the driver makes, without a key, and the public key of its certificate.
fn channel(ctx: &Context<'_>, device: &Device) -> CaseResult<(Channel, PublicKey)> {
    for channel_type in
        [D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE]
    {
        match device.create_channel(channel_type) {
            Ok(channel) => {
                let key = ctx.public_key(device, CertificateOf::AuthenticatedChannel(channel_type))?;
                return Ok((channel, key));
            }
            Err(error @ softcp_runtime::Error::MissingEntry { .. }) => return Err(error.into()),
            Err(_) => {}
        }
    }
    Err(Stop::skipped("the driver makes neither a software nor a hardware channel"))
}

fn negotiate(channel: &Channel, message: &[u8]) -> CaseResult<HResult> {
    let (mut message, calls) = (message.to_vec(), channel.device().calls());
    let reply = calls.negotiate_authenticated_channel_key_exchange(channel.handle(), Output::Bytes(&mut message))?;
    Ok(reply.hresult())
}

/// `CONFIGURE_INITIALIZE` under a key; the HRESULT, and whether the answer is signed with the key.
fn try_initialize(channel: &mut Channel, key: &Block) -> CaseResult<(HResult, bool)> {
    let message = Message::command(SET_INITIALIZE.guid, channel.handle_value(), 1, SET_INITIALIZE.size);
    let message = message.with(COMMAND_HEADER, 1_u32).with(COMMAND_HEADER + 4, 1_u32).signed(key);
    let (reply, answer) = channel.configure(&message.0)?;
    Ok((reply.hresult(), is_signed(key, &answer)))
}

/// Fails unless the driver has this key for the channel, which is initialised by that.
fn check_key(channel: &mut Channel, what: &str, key: &Block) -> CaseResult {
    let (hresult, signed) = try_initialize(channel, key)?;
    check_hresult(&format!("CONFIGURE_INITIALIZE under {what}"), HResult::OK, hresult)?;
    check(signed, format!("an answer that is signed with {what}"), || "another OMAC".to_owned())
}

fn handle_is_given(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for _ in 0..3 {
        let handle = ctx.channel(&device)?.handle_value();
        check(handle != 0, "a channel handle that is not zero", || "zero".to_owned())?;
    }
    Ok(())
}

fn handles_differ(ctx: &Context<'_>) -> CaseResult {
    let devices = [ctx.device()?, ctx.device()?];
    let mut seen = Vec::new();
    // All of them live until the end.
    let (mut channels, mut sessions, mut decoders) = (Vec::new(), Vec::new(), Vec::new());
    for device in &devices {
        for n in 0..3 {
            let mut channel = ctx.open_channel(device)?;
            seen.push(("a channel", channel.channel.handle_value()));
            if n == 0 {
                seen.push(("a device", channel.device_handle()?));
            }
            channels.push(channel);
            if let Ok(mut session) = ctx.session(device) {
                seen.push(("a session", session.handle_value()?));
                sessions.push(session);
            }
            if let Ok(mut decoder) = decoder_on(device) {
                seen.push(("a decoder", decoder.handle_value()?));
                decoders.push(decoder);
            }
        }
    }
    for (n, (what, handle)) in seen.iter().enumerate() {
        if let Some((other, _)) = seen[..n].iter().find(|(_, before)| before == handle) {
            return Err(Stop::failed(format!("{what} and {other} with handles of their own"), format!("0x{handle:x}")));
        }
    }
    Ok(())
}

fn key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    for key in [ctx.random(), [0; 16], [0xFF; 16]] {
        let (mut channel, public) = channel(ctx, &device)?;
        let code = negotiate(&channel, &public.encrypt(&key, Padding::Oaep512))?;
        check_hresult("NegotiateAuthenticatedChannelKeyExchange", HResult::OK, code)?;
        check_key(&mut channel, "the key", &key)?;
    }
    Ok(())
}

fn key_wrong_size(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (channel, public) = channel(ctx, &device)?;
    let message = public.encrypt(&ctx.random::<16>(), Padding::Oaep512);
    for size in [0, 1, 16, 128, 255, 257, 512] {
        let mut wrong = message.clone();
        wrong.resize(size, 0);
        check_invalid(&format!("a key exchange message of {size} bytes"), negotiate(&channel, &wrong)?)?;
    }
    // Zeros in front leave the number what it is.
    let longer = [&[0], &message[..]].concat();
    check_invalid("a key exchange message with a zero in front", negotiate(&channel, &longer)?)
}

fn key_wrong_plain_size(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (channel, public) = channel(ctx, &device)?;
    for size in [0, 1, 8, 15, 17, 24, 32, 64] {
        let message = public.encrypt(&ctx.random_bytes(size), Padding::Oaep512);
        check_invalid(&format!("a key of {size} bytes"), negotiate(&channel, &message)?)?;
    }
    Ok(())
}

fn wrong_hash(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (channel, public) = channel(ctx, &device)?;
    for padding in [Padding::Oaep256, Padding::Oaep1, Padding::Labelled, Padding::Pkcs1] {
        let message = public.encrypt(&ctx.random::<16>(), padding);
        check_invalid(&format!("a key exchange message padded as {padding:?}"), negotiate(&channel, &message)?)?;
    }
    Ok(())
}

fn failure_keeps_key(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (mut channel, public) = channel(ctx, &device)?;
    let key = ctx.random();
    let code = negotiate(&channel, &public.encrypt(&key, Padding::Oaep512))?;
    check_hresult("NegotiateAuthenticatedChannelKeyExchange", HResult::OK, code)?;
    let mut changed = public.encrypt(&ctx.random::<16>(), Padding::Oaep512);
    changed[200] ^= 1;
    for message in [&changed[..], &public.encrypt(&ctx.random::<24>(), Padding::Oaep512), &changed[..255]] {
        check_fails("a wrong key exchange message", negotiate(&channel, message)?)?;
    }
    check_key(&mut channel, "the key before those that failed", &key)
}

fn new_key_replaces(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (mut channel, public) = channel(ctx, &device)?;
    let keys: [Block; 3] = [ctx.random(), ctx.random(), ctx.random()];
    for key in &keys {
        let code = negotiate(&channel, &public.encrypt(key, Padding::Oaep512))?;
        check_hresult("NegotiateAuthenticatedChannelKeyExchange", HResult::OK, code)?;
    }
    for key in &keys[..2] {
        check_invalid("CONFIGURE_INITIALIZE under a key that was replaced", try_initialize(&mut channel, key)?.0)?;
    }
    check_key(&mut channel, "the newest key", &keys[2])
}

fn before_key_exchange(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (mut channel, _) = channel(ctx, &device)?;
    // No key, a key of zeros and no OMAC at all.
    for (what, key) in [("a key of zeros", [0; 16]), ("some key", ctx.random())] {
        check_invalid(&format!("CONFIGURE_INITIALIZE under {what}"), try_initialize(&mut channel, &key)?.0)?;
    }
    let message = Message::command(SET_INITIALIZE.guid, channel.handle_value(), 1, SET_INITIALIZE.size);
    let (reply, _) = channel.configure(&message.0)?;
    check_invalid("CONFIGURE_INITIALIZE without an OMAC", reply.hresult())?;
    for kind in QUERIES {
        let query = Message::query(kind.guid, channel.handle_value(), 1, kind.size);
        let reply = channel.query(&query.0, &mut vec![0; kind.answer])?;
        check_invalid(&format!("{} before the key exchange", kind.name), reply.hresult())?;
    }
    Ok(())
}

fn are_apart(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let (mut one, mut two) = (ctx.open_channel(&device)?, ctx.open_channel(&device)?);
    (one.query, one.command) = (0x5000_0000, 0x5000_0000);
    one.protect(0)?;
    one.device_handle()?;
    // The other one's numbers are behind, and its key is another one.
    two.protect(0)?;
    two.device_handle()?;
    let query = two.next_query(&ASK_DEVICE_HANDLE);
    let answer = two.answer_to(&ASK_DEVICE_HANDLE, &query)?;
    let signed = is_signed(&two.key, &answer.bytes);
    check(signed, "an answer that is signed with the channel's own key", || "another OMAC".to_owned())?;
    drop(one);
    two.protect(0)?;
    two.device_handle().map(drop)
}

/// Calls on a channel with `device`, each of which must fail.
fn check_all_fail(keyed: &KeyedChannel, device: &Device, handle: ChannelHandle<'_>, when: &str) -> CaseResult {
    let calls = device.calls();
    let query = keyed.query_numbered(&ASK_DEVICE_HANDLE, 5000);
    let mut output = vec![0; ASK_DEVICE_HANDLE.answer];
    let reply = calls.query_authenticated_channel(handle, Input::Bytes(&query.0), Output::Bytes(&mut output))?;
    check_fails(&format!("QueryAuthenticatedChannel {when}"), reply.hresult())?;
    let command = keyed.protection_numbered(0, 5000);
    let mut output = D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT::default();
    let reply = calls.configure_authenticated_channel(handle, Input::Bytes(&command.0), Some(&mut output))?;
    check_fails(&format!("ConfigureAuthenticatedChannel {when}"), reply.hresult())
}

fn other_device(ctx: &Context<'_>) -> CaseResult {
    let (device, elsewhere) = (ctx.device()?, ctx.device()?);
    let mut keyed = ctx.open_channel(&device)?;
    check_all_fail(&keyed, &elsewhere, keyed.channel.handle(), "with another device")?;
    let (_, public) = channel(ctx, &device)?;
    let mut message = public.encrypt(&ctx.random::<16>(), Padding::Oaep512);
    let handle = keyed.channel.handle();
    let reply = elsewhere.calls().negotiate_authenticated_channel_key_exchange(handle, Output::Bytes(&mut message))?;
    check_fails("NegotiateAuthenticatedChannelKeyExchange with another device", reply.hresult())?;
    keyed.protect(0)
}

fn destroyed(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    let keyed = ctx.open_channel(&device)?;
    let destroyed = device.calls().destroy_authenticated_channel(keyed.channel.handle())?;
    destroyed.into_result()?;
    let checked = check_all_fail(&keyed, &device, keyed.channel.handle(), "on a destroyed channel");
    // Dropped, it would be destroyed once more, which no runtime does.
    std::mem::forget(keyed);
    checked
}

const UNKNOWN: [u32; 5] = [0, 1, 4, 0x102, u32::MAX];

/// `CreateAuthenticatedChannel` of a type that is none: what it returned, and the handle it wrote.
fn create(device: &Device, channel_type: u32) -> CaseResult<(HResult, usize)> {
    let calls = device.calls();
    let handle = std::ptr::without_provenance_mut(0x5A5A_5A5A);
    let mut desc = CreateChannel { ChannelType: channel_type, hChannel: handle };
    let memory = PrivateMemory::new(calls.calc_private_authenticated_channel_size(Some(&desc))?.min(1 << 20));
    let channel = ChannelHandle::of(&memory);
    // SAFETY: the memory is new and of the size asked for; a channel that was made is destroyed below, before it goes.
    let reply = unsafe { calls.create_authenticated_channel(Some(&mut desc), channel) }?;
    if reply.hresult().is_ok() {
        calls.destroy_authenticated_channel(channel)?;
    }
    Ok((reply.hresult(), desc.hChannel.addr()))
}

fn unknown_type(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.channel(&device)?;
    for channel_type in UNKNOWN {
        check_fails(&format!("a channel of type {channel_type}"), create(&device, channel_type)?.0)?;
    }
    Ok(())
}

fn handle_zero_on_failure(ctx: &Context<'_>) -> CaseResult {
    let device = ctx.device()?;
    ctx.channel(&device)?;
    for channel_type in UNKNOWN {
        let (hresult, handle) = create(&device, channel_type)?;
        if hresult.0 < 0 {
            let expected = format!("the handle zero after {hresult} for type {channel_type}");
            check(handle == 0, expected, || format!("0x{handle:x}"))?;
        }
    }
    Ok(())
}
