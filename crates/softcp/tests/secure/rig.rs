//! An adapter with a secure environment, and the application's side of its messages.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use softcp::provider::Provider;
use softcp::secure::clear_key::{MAX_LICENCE_SIZE, function, status};
use softcp::secure::{CommandBuffers, CommandReport, SecureEnvironment};
use softcp::{Adapter, CryptoSessionDesc, Device, GUID, Handle, SessionStatus};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_HW_PROTECTION};

use crate::common::{Block, adapter, config, desc};

/// Talks to a secure environment, and is otherwise as the software profile.
pub(crate) const OPTIONS: &str = "capabilities.flags.hardware_drm_communication=true;quirks.key_exchange_alias=true";

pub(crate) const KID: Block = 0x2f05_477f_c24b_b4fa_efd8_6517_156d_affc_u128.to_be_bytes();
pub(crate) const OTHER_KID: Block = [0x22; 16];
pub(crate) const KEY: Block = [0xC4; 16];

/// A device with one command session.
pub(crate) struct Rig {
    pub(crate) adapter: Arc<Adapter>,
    pub(crate) device: Device,
    pub(crate) session: Handle,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::on(adapter(OPTIONS))
    }

    pub(crate) fn with_environment(environment: Arc<dyn SecureEnvironment>) -> Self {
        Self::on(Adapter::with_environment(&config(OPTIONS), Provider::aws_lc(), environment).unwrap())
    }

    pub(crate) fn on(adapter: Arc<Adapter>) -> Self {
        let device = Device::new(&adapter).unwrap();
        let session = device.create_crypto_session(&commands()).unwrap();
        Self { adapter, device, session }
    }

    /// A rig that is provisioned and has one key.
    pub(crate) fn with_key() -> Self {
        let rig = Self::new();
        rig.ok(function::PROVISION, &[]);
        rig.load(&[(KID, KEY)]);
        rig
    }

    /// Sends a command with room for `room` bytes, checks that all of the room is written, and returns the answer.
    pub(crate) fn send(&self, session: Handle, number: u32, input: &[u8], room: usize) -> (CommandReport, Vec<u8>) {
        let mut output = vec![0xEE; room];
        let buffers = CommandBuffers { private_input: &[], input, private_output: &mut [], output: &mut output };
        let report = self.device.execute_secure_command(session, number, buffers).unwrap();
        let rest = output.split_off(report.written as usize);
        assert!(rest.iter().all(|&byte| byte == 0), "bytes behind the answer");
        (report, output)
    }

    /// A command that must succeed; its answer.
    pub(crate) fn ok(&self, number: u32, input: &[u8]) -> Vec<u8> {
        let (report, answer) = self.send(self.session, number, input, MAX_LICENCE_SIZE);
        assert_eq!(report.status, 0, "function {number}");
        answer
    }

    /// The status of a command that must answer nothing else; 0 if it succeeds.
    pub(crate) fn status(&self, number: u32, input: &[u8]) -> i32 {
        let (report, answer) = self.send(self.session, number, input, MAX_LICENCE_SIZE);
        assert!(report.status == 0 || answer.is_empty(), "a failed command answered");
        report.status
    }

    pub(crate) fn load(&self, keys: &[(Block, Block)]) {
        self.ok(function::LOAD_LICENCE, licence(keys).as_bytes());
    }

    pub(crate) fn blob(&self, kid: Block) -> Vec<u8> {
        self.ok(function::MAKE_KEY_BLOB, &kid)
    }

    pub(crate) fn session_status(&self, session: Handle) -> SessionStatus {
        self.device.crypto_session(session).unwrap().lock().status()
    }

    /// Creates a session whose keys come from the environment without a key exchange.
    pub(crate) fn media_session(&self) -> Handle {
        self.device.create_crypto_session(&media()).unwrap()
    }
}

/// A command session.
pub(crate) fn commands() -> CryptoSessionDesc {
    CryptoSessionDesc { key_exchange_type: D3D11_KEY_EXCHANGE_HW_PROTECTION, ..desc() }
}

/// A media session, as a public browser creates it: the crypto type as key exchange type (D29).
pub(crate) fn media() -> CryptoSessionDesc {
    CryptoSessionDesc { key_exchange_type: D3D11_CRYPTO_TYPE_AES128_CTR, ..desc() }
}

pub(crate) fn guid(kid: Block) -> GUID {
    GUID::from_u128(u128::from_be_bytes(kid))
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A temporary licence.
pub(crate) fn licence(keys: &[(Block, Block)]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|(kid, key)| format!(r#"{{"kty":"oct","kid":"{}","k":"{}"}}"#, base64url(kid), base64url(key)))
        .collect();
    format!(r#"{{"keys":[{}],"type":"temporary"}}"#, keys.join(","))
}

/// Every status of the environment, by name.
pub(crate) const STATUSES: [(&str, i32); 9] = [
    ("unknown function", status::UNKNOWN_FUNCTION),
    ("bad input", status::BAD_INPUT),
    ("no room", status::NO_ROOM),
    ("not provisioned", status::NOT_PROVISIONED),
    ("bad licence", status::BAD_LICENCE),
    ("unknown KID", status::UNKNOWN_KID),
    ("revoked", status::REVOKED),
    ("too many keys", status::TOO_MANY_KEYS),
    ("random failed", status::RANDOM_FAILED),
];
