//! Sends any bytes to the built-in secure environment: its commands, clear-key licences and sealed blobs, and fault
//! schedules as text. No panic, every answer is the documented one, the client's reader of licences agrees with the
//! environment's, and no blob opens that was not made.
//!
//! `crates/softcp/tests/secure/script.rs` says what the input looks like, and judges the answers.

#![no_main]

#[path = "../../crates/softcp/tests/secure/script.rs"]
mod script;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use softcp::config::Config;
use softcp::provider::Provider;
use softcp::{Adapter, CryptoSessionDesc, Device, Handle};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION, GUID_NULL};

/// A device that talks to a secure environment, and a session that carries commands.
static DEVICE: LazyLock<(Device, Handle)> = LazyLock::new(|| {
    let config = Config::default()
        .with_options("capabilities.flags.hardware_drm_communication=true;faults.opt_in=true")
        .expect("the options are good ones");
    let adapter = Adapter::new(&config, Provider::aws_lc()).expect("the configuration is a good one");
    let device = Device::new(&adapter).expect("there are few devices");
    let desc = CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION,
    };
    let session = device.create_crypto_session(&desc).expect("the key exchange is offered");
    (device, session)
});

fuzz_target!(|input: &[u8]| {
    let (device, session) = &*DEVICE;
    script::run(device, *session, input);
});
