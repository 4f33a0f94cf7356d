//! What several test programs need: adapters on the committed identity, and the application's side of a session.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod messages;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use softcp::config::Config;
use softcp::provider::{CryptoFailure, Provider, SecureRandom};
use softcp::{Adapter, BlitSurfaces, CryptoSessionDesc, Device, Handle, Surface, SurfaceMut};
use softcp_abi::{D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL};
use softcp_client::{CertificateChain, KeyExchange, TrustAnchors, UnixTime, VerifiedCertificate};

/// A key or any other AES block.
pub(crate) type Block = [u8; 16];

/// The committed identity directory; `vectors/README.md` says what it is.
pub(crate) const IDENTITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/identity");

/// A configuration with the committed identity, since making one takes long, and `options` as in `SOFTCP_OPTIONS`.
pub(crate) fn config(options: &str) -> Config {
    let mut config = Config::default().with_options(options).unwrap();
    config.identity.directory = Some(IDENTITY.into());
    config
}

pub(crate) fn adapter(options: &str) -> Arc<Adapter> {
    adapter_with(options, Provider::aws_lc())
}

pub(crate) fn adapter_with(options: &str, provider: Provider) -> Arc<Adapter> {
    Adapter::new(&config(options), provider).unwrap()
}

/// A device with one session, and the certificate to which its key exchange messages go.
pub(crate) struct Rig {
    pub(crate) device: Device,
    pub(crate) session: Handle,
    pub(crate) certificate: VerifiedCertificate,
}

impl Rig {
    pub(crate) fn new(options: &str) -> Self {
        Self::with_provider(options, Provider::aws_lc())
    }

    pub(crate) fn with_provider(options: &str, provider: Provider) -> Self {
        let adapter = adapter_with(options, provider);
        let certificate = checked_certificate(&adapter);
        let device = Device::new(&adapter).unwrap();
        let session = device.create_crypto_session(&desc()).unwrap();
        Self { device, session, certificate }
    }

    /// Calls a method of the session.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut softcp::CryptoSession) -> T) -> T {
        call(&mut self.device.crypto_session(self.session).unwrap().lock())
    }

    /// Gives the session a key of the application's choice.
    pub(crate) fn negotiate(&self, key: Block) {
        let exchange = key_exchange(&self.certificate, key);
        self.call(|session| session.negotiate(exchange.message().as_bytes())).unwrap();
    }

    /// Opens `data` with the session key.
    pub(crate) fn decrypt(&self, data: &[u8], iv: Block) -> Vec<u8> {
        let mut out = vec![0; data.len()];
        let surfaces = buffers(data, &mut out);
        self.call(|session| session.decryption_blt(surfaces, None, &softcp::DataKey::Session, &iv)).unwrap();
        out
    }
}

/// Runs `body` on a thread of its own and waits for it so long at most: a call that waits for itself fails the test.
pub(crate) fn within(limit: Duration, body: impl FnOnce() + Send + 'static) {
    let (sender, done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        body();
        let _ = sender.send(());
    });
    match done.recv_timeout(limit) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the calls do not come to an end"),
        // Ended, or panicked: the thread says which.
        Ok(()) | Err(_) => thread.join().unwrap(),
    }
}

pub(crate) fn desc() -> CryptoSessionDesc {
    CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
    }
}

/// The adapter's certificate after the application has checked the chain up to the committed root.
pub(crate) fn checked_certificate(adapter: &Adapter) -> VerifiedCertificate {
    let roots = std::fs::read(Path::new(IDENTITY).join("root.pem")).unwrap();
    let roots = TrustAnchors::from_pem(&roots).unwrap();
    let chain = adapter.session_certificate(&D3D11_CRYPTO_TYPE_AES128_CTR).unwrap();
    CertificateChain::parse(&chain).unwrap().verify(&roots, now()).unwrap()
}

/// A moment within the validity of the committed identity: 15 January 2027.
pub(crate) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}

/// A key exchange whose session key is `key`.
pub(crate) fn key_exchange(certificate: &VerifiedCertificate, key: Block) -> KeyExchange {
    KeyExchange::new(certificate, &softcp_client::FixedRandom::new(key)).unwrap()
}

/// Two flat buffers as the sides of a blit.
pub(crate) fn buffers<'a>(source: &'a [u8], destination: &'a mut [u8]) -> BlitSurfaces<'a> {
    BlitSurfaces::Distinct { source: Surface::buffer(source), destination: SurfaceMut::buffer(destination) }
}

/// `data` XOR the keystream of AES-128-CTR, whose 64-bit counter wraps as D5 says, by another implementation.
pub(crate) fn ctr(key: Block, iv: Block, data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    ctr::Ctr64BE::<aes::Aes128>::new(&key.into(), &iv.into()).apply_keystream(&mut data);
    data
}

/// One block of AES-128-ECB, enciphered, by another implementation.
pub(crate) fn wrap(key: Block, block: Block) -> Block {
    use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
    let mut block = block.into();
    aes::Aes128::new(&key.into()).encrypt_block(&mut block);
    block.into()
}

/// One block of AES-128-ECB, deciphered, by another implementation.
pub(crate) fn unwrap(key: Block, block: Block) -> Block {
    use aes::cipher::{BlockCipherDecrypt as _, KeyInit as _};
    let mut block = block.into();
    aes::Aes128::new(&key.into()).decrypt_block(&mut block);
    block.into()
}

pub(crate) fn xor(a: Block, b: Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

/// The system's random numbers until they are switched off; then every request fails.
pub(crate) struct SwitchedRandom {
    source: Arc<dyn SecureRandom>,
    is_off: AtomicBool,
}

impl SwitchedRandom {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { source: Provider::aws_lc().random, is_off: AtomicBool::new(false) })
    }

    /// A provider with these random numbers.
    pub(crate) fn provider(self: &Arc<Self>) -> Provider {
        Provider::aws_lc().with_random(Arc::clone(self) as _)
    }

    /// Calls `call` while the random numbers fail.
    pub(crate) fn while_off<T>(&self, call: impl FnOnce() -> T) -> T {
        self.is_off.store(true, Ordering::Relaxed);
        let result = call();
        self.is_off.store(false, Ordering::Relaxed);
        result
    }
}

impl SecureRandom for SwitchedRandom {
    /// When off, spoils the buffer before it fails, as the trait allows.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailure> {
        if self.is_off.load(Ordering::Relaxed) {
            out.fill(0xDD);
            return Err(CryptoFailure);
        }
        self.source.fill(out)
    }
}
