//! Sends any bytes to an authenticated channel, as commands and queries, between true commands of an application: no
//! panic, nothing unsigned is obeyed, and the true commands get through with the numbers they have.
//!
//! The input is a list of messages: one byte that says what to do with it, one byte for its length, and the message.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use softcp::config::Config;
use softcp::provider::Provider;
use softcp::{Adapter, Device, Handle, Outputs};
use softcp_client::{
    CertificateChain, ClientChannel, Command, FixedRandom, KeyExchange, ProtectionFlags, UnverifiedCertificate,
};

/// An adapter, and a key exchange message with a key that the fuzzer does not know.
static ADAPTER: LazyLock<Arc<Adapter>> = LazyLock::new(|| {
    Adapter::new(&Config::default(), Provider::aws_lc()).expect("the default configuration is a good one")
});

fn exchange() -> KeyExchange {
    let chain = ADAPTER.channel_certificate(2).expect("the identity is made");
    let chain = CertificateChain::parse(&chain).expect("our own certificate");
    let certificate =
        UnverifiedCertificate::new(&chain).dangerous_accept_without_verification().expect("our own certificate");
    KeyExchange::new(&certificate, &FixedRandom::new(*b"not in the input")).expect("there are random numbers")
}

fn open(device: &Device) -> (Handle, ClientChannel) {
    let handle = device.create_authenticated_channel(2).expect("there are few channels");
    let exchange = exchange();
    device.negotiate_channel(handle, exchange.message().as_bytes()).expect("the message is good");
    let mut client = ClientChannel::with_sequences(exchange, handle.get(), 1, 1);
    obeyed(device, handle, &mut client, Command::Initialize);
    (handle, client)
}

fn obeyed(device: &Device, handle: Handle, client: &mut ClientChannel, command: Command) {
    let message = client.command(command).expect("there are numbers left");
    let reply = device.configure_channel(Some(handle), message.bytes());
    client.open_command_answer(&message, &reply.message).expect("a true command is obeyed");
}

fuzz_target!(|input: &[u8]| {
    let device = Device::new(&ADAPTER).expect("there are few devices");
    let (handle, mut client) = open(&device);
    let mut answers: Vec<Vec<u8>> = Vec::new();
    let mut rest = input;
    while let [what, length, following @ ..] = rest {
        let (message, later) = following.split_at(following.len().min(usize::from(*length)));
        rest = later;
        match what % 4 {
            0 => {
                let reply = device.configure_channel(Some(handle), message);
                assert!(reply.result.is_err());
                answers.push(reply.message);
            }
            1 => {
                let room = usize::from(what / 4) * 2;
                let reply = device.query_channel(Some(handle), message, room, Outputs::Configured);
                assert!(reply.message.len() <= room);
                if !reply.message.is_empty() {
                    answers.push(reply.message);
                }
            }
            2 => {
                // What the driver signed, with the fuzzer's bytes behind it or cut to their length.
                let Some(answer) = answers.get(usize::from(what / 4)) else { continue };
                let mut reflected = answer.clone();
                reflected.extend(message);
                assert!(device.configure_channel(Some(handle), &reflected).result.is_err());
                let cut = &answer[..answer.len().min(message.len())];
                assert!(device.configure_channel(Some(handle), cut).result.is_err());
            }
            _ => {
                let flags = ProtectionFlags { enabled: what & 4 != 0, overlay_or_fullscreen: what & 8 != 0 };
                obeyed(&device, handle, &mut client, Command::Protection(flags));
                assert_eq!(device.protection().bits(), flags.bits());
                continue;
            }
        }
    }
    obeyed(&device, handle, &mut client, Command::Protection(ProtectionFlags::default()));
});
