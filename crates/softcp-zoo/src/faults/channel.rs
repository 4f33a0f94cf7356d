//! Channels, their handles and their key exchange.

use softcp_abi::{D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE, E_FAIL, HRESULT, S_OK};

use super::{fault, messages};
use crate::FaultyDriver;
use crate::calls::{
    ConfigureAuthenticatedChannel, CreateAuthenticatedChannel, Hooks, NegotiateAuthenticatedChannelKeyExchange,
    QueryAuthenticatedChannel,
};
use crate::channel::RULES;
use crate::keys::{Block, Padding, random};
use crate::memory::Buffer;
use crate::report::quietly;

pub(super) const DRIVERS: &[FaultyDriver] = &[
    fault(
        "channel-handle-is-zero",
        "channels/handle-is-given",
        "CreateAuthenticatedChannel writes zero as the channel's handle, and messages carry that.",
        Hooks { create_authenticated_channel: Some(|call| shown_as(call, 0)), ..messages(RULES) },
    ),
    fault(
        "channel-handles-are-the-same",
        "channels/handles-differ",
        "Each channel has the same handle.",
        Hooks { create_authenticated_channel: Some(|call| shown_as(call, 0x1000)), ..messages(RULES) },
    ),
    fault(
        "channel-usable-from-another-device",
        "channels/other-device",
        "Calls on a channel work on every device of the driver.",
        Hooks {
            negotiate_authenticated_channel_key_exchange: Some(negotiate_anywhere),
            configure_authenticated_channel: Some(configure_anywhere),
            query_authenticated_channel: Some(query_anywhere),
            ..Hooks::NONE
        },
    ),
    fault(
        "destroyed-channel-lives-on",
        "channels/destroyed",
        "Calls on a destroyed channel still work.",
        Hooks { destroy_authenticated_channel: Some(|_| S_OK), ..Hooks::NONE },
    ),
    fault(
        "channel-type-unchecked",
        "channels/unknown-type",
        "A channel of any type is made, as a channel to the driver's software.",
        Hooks { create_authenticated_channel: Some(any_type), ..Hooks::NONE },
    ),
    fault(
        "channel-works-before-key-exchange",
        "channels/before-key-exchange",
        "A channel begins with a key of zeros.",
        Hooks { create_authenticated_channel: Some(key_of_zeros), ..Hooks::NONE },
    ),
    fault(
        "channel-exchange-with-oaep-sha-256",
        "channels/wrong-hash",
        "A channel's key exchange message of RSAES-OAEP with SHA-256 is accepted.",
        exchange(|call| accepting(call, Padding::Oaep256)),
    ),
    fault(
        "channel-exchange-with-short-key",
        "channels/key-wrong-plain-size",
        "The plain text of a channel's key exchange is filled up with zeros if it is shorter than 16 bytes.",
        exchange(short_key),
    ),
    fault(
        "channel-exchange-with-trailing-bytes",
        "channels/key-wrong-size",
        "Bytes behind the 256 of a channel's key exchange message are ignored.",
        exchange(trailing),
    ),
    fault(
        "channel-exchange-failure-drops-key",
        "channels/failure-keeps-key",
        "A key exchange that fails leaves the channel with a key that nobody knows.",
        exchange(drops_key),
    ),
    fault(
        "channel-exchange-keeps-old-key",
        "channels/new-key-replaces",
        "A second key exchange of a channel succeeds and changes nothing.",
        exchange(keeps_old),
    ),
    fault(
        "channels-share-one-key",
        "channels/are-apart",
        "A key exchange changes the key of all channels of the device.",
        exchange(shared_key),
    ),
    fault(
        "channel-exchange-is-e-fail",
        "channels/key-exchange",
        "Every key exchange of a channel is E_FAIL.",
        exchange(|_| E_FAIL),
    ),
    fault(
        "channel-handle-left-on-failure",
        "channels/handle-zero-on-failure",
        "A CreateAuthenticatedChannel that fails leaves something in the caller's handle.",
        Hooks {
            create_authenticated_channel: Some(|call| {
                let hresult = call.pass_on();
                if let Some(mut desc) = call.desc().filter(|_| hresult != S_OK) {
                    desc.hChannel = std::ptr::without_provenance_mut(0x0dd1_b17e);
                    call.set_desc(desc);
                }
                hresult
            }),
            ..Hooks::NONE
        },
    ),
];

const fn exchange(hook: fn(&NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT) -> Hooks {
    Hooks { negotiate_authenticated_channel_key_exchange: Some(hook), ..Hooks::NONE }
}

/// Has the application know the channel by another handle.
fn shown_as(call: &CreateAuthenticatedChannel<'_>, handle: usize) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(mut desc)) = (hresult, call.desc()) {
        desc.hChannel = std::ptr::without_provenance_mut(handle);
        call.set_desc(desc);
        call.known(|channel| channel.shown = handle);
    }
    hresult
}

fn negotiate_anywhere(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn configure_anywhere(call: &ConfigureAuthenticatedChannel<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn query_anywhere(call: &QueryAuthenticatedChannel<'_>) -> HRESULT {
    call.on_its_device().pass_on()
}

fn any_type(call: &CreateAuthenticatedChannel<'_>) -> HRESULT {
    let Some(mut desc) = call.desc() else { return call.pass_on() };
    let wanted = desc.ChannelType;
    let hresult = call.pass_on();
    if hresult == S_OK {
        return hresult;
    }
    desc.ChannelType = D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_SOFTWARE;
    call.set_desc(desc);
    let hresult = call.pass_on();
    if let Some(desc) = call.desc() {
        call.set_desc(softcp_abi::D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL { ChannelType: wanted, ..desc });
    }
    hresult
}

fn key_of_zeros(call: &CreateAuthenticatedChannel<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if let (S_OK, Some(device)) = (hresult, call.device()) {
        let mut message = device.driver.key.encrypt(&[0; 16]);
        let exchange = NegotiateAuthenticatedChannelKeyExchange::to(&device, call.memory(), Buffer::of(&mut message));
        quietly(|| exchange.pass_on());
    }
    hresult
}

/// Exchanges a key that has come in a wrong message.
fn exchange_key(call: &NegotiateAuthenticatedChannelKeyExchange<'_>, key: &Block) -> HRESULT {
    let Some(device) = call.device() else { return call.pass_on() };
    let mut message = device.driver.key.encrypt(key);
    call.with_data(Buffer::of(&mut message)).pass_on()
}

/// The plain text of a message with this padding.
fn plain(call: &NegotiateAuthenticatedChannelKeyExchange<'_>, padding: Padding) -> Option<Vec<u8>> {
    let message = call.data().get().filter(|message| message.len() == 256)?;
    call.device()?.driver.key.decrypt(padding, &message)
}

fn accepting(call: &NegotiateAuthenticatedChannelKeyExchange<'_>, padding: Padding) -> HRESULT {
    let right = plain(call, Padding::Oaep512);
    match plain(call, padding).and_then(|plain| plain.try_into().ok()) {
        Some(key) if right.is_none() => exchange_key(call, &key),
        _ => call.pass_on(),
    }
}

fn short_key(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    match plain(call, Padding::Oaep512).filter(|plain| plain.len() < 16) {
        Some(plain) => exchange_key(call, &std::array::from_fn(|i| plain.get(i).copied().unwrap_or_default())),
        None => call.pass_on(),
    }
}

fn trailing(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    match call.data().get().filter(|data| data.len() > 256) {
        Some(mut data) => call.with_data(Buffer::of(&mut data[..256])).pass_on(),
        None => call.pass_on(),
    }
}

fn drops_key(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    if hresult != S_OK && call.known(|channel| channel.key.is_some()) == Some(true) {
        quietly(|| exchange_key(call, &random()));
    }
    hresult
}

fn keeps_old(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    let old = call.known(|channel| channel.key).flatten();
    let hresult = call.pass_on();
    if let (S_OK, Some(old)) = (hresult, old) {
        quietly(|| exchange_key(call, &old));
    }
    hresult
}

fn shared_key(call: &NegotiateAuthenticatedChannelKeyExchange<'_>) -> HRESULT {
    let hresult = call.pass_on();
    let (S_OK, Some(device), Some(data)) = (hresult, call.device(), call.data().get()) else { return hresult };
    let number = device.handle().pDrvPrivate.addr();
    let others: Vec<_> = device
        .driver
        .channels()
        .iter()
        .filter(|(address, channel)| **address != call.channel() && channel.device == number)
        .map(|(_, channel)| channel.memory())
        .collect();
    for other in others {
        let mut data = data.clone();
        let exchange = NegotiateAuthenticatedChannelKeyExchange::to(&device, other, Buffer::of(&mut data));
        quietly(|| exchange.pass_on());
    }
    hresult
}
