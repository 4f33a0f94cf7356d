//! What several test programs need: a host whose resources are memory of the test, a device of it attached to an
//! `hDevice`, and the entries of its table as safe calls that collect what is returned and reported.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use softcp_abi::{
    D3D10DDI_HDEVICE, D3D10DDI_HRESOURCE, D3D11_1DDI_CERTIFICATE_INFO, D3D11_1DDI_CERTIFICATE_INFO_U,
    D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION, D3D11_1DDI_ENCRYPTED_BLOCK_INFO, D3D11_1DDI_HCRYPTOSESSION,
    D3D11_1DDI_HRTCRYPTOSESSION, D3D11_1DDIARG_CREATECRYPTOSESSION, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, D3DWDDM2_4DDI_VIDEO_FUNCTIONS, D3DWDDM2_4DDI_VIDEODEVICEFUNCS, GUID_NULL, HRESULT,
    S_OK,
};
use softcp_client::{
    AesCtrIv, CertificateChain, ClientSession, KeyExchange, SystemRandom, TrustAnchors, UnixTime, VerifiedCertificate,
};
use softcp_ddi::core::adapter::{softcp_adapter, softcp_adapter_create, softcp_adapter_desc, softcp_adapter_destroy};
use softcp_ddi::core::device::{softcp_device, softcp_device_create, softcp_device_destroy};
use softcp_ddi::core::session::softcp_session_invalidate;
use softcp_ddi::ddi::attach::softcp_ddi_attach;
use softcp_ddi::ddi::table::softcp_ddi_fill;
use softcp_ddi::{softcp_host, softcp_secure_environment};

pub(crate) mod host;

use host::Host;

/// A key or any other AES block.
pub(crate) type Block = [u8; 16];

/// The committed identity directory of the engine's tests, since making one takes long.
pub(crate) const IDENTITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../softcp/tests/vectors/identity");

/// What fills buffers that a call must not write.
pub(crate) const FILL: u8 = 0xA5;

/// An adapter; devices are made on it.
pub(crate) struct TestAdapter(*mut softcp_adapter);

// SAFETY: creation functions may be called from any thread; destroyed once, by whoever owns it.
unsafe impl Send for TestAdapter {}
// SAFETY: as for Send.
unsafe impl Sync for TestAdapter {}

impl TestAdapter {
    /// An adapter with the committed identity and further options.
    pub(crate) fn new(options: &str) -> Self {
        Self::with_options(&format!("identity.directory={IDENTITY};{options}"))
    }

    /// An adapter with these options alone.
    pub(crate) fn with_options(options: &str) -> Self {
        Self::with_secure_environment(options, null())
    }

    /// As [`Self::with_options`], with a secure environment, which may be null.
    pub(crate) fn with_secure_environment(options: &str, environment: *const softcp_secure_environment) -> Self {
        let options = std::ffi::CString::new(options).unwrap();
        let desc = softcp_adapter_desc {
            size: size_u32::<softcp_adapter_desc>(),
            flags: softcp_ddi::core::adapter::SOFTCP_ADAPTER_IGNORE_ENVIRONMENT,
            configuration_file: null(),
            options: options.as_ptr(),
            environment,
        };
        let mut adapter = null_mut();
        // SAFETY: the description has its size and a string that lives on; the output is writable. Whoever gave an
        // environment keeps its context.
        assert_eq!(unsafe { softcp_adapter_create(&raw const desc, &raw mut adapter) }, S_OK);
        Self(adapter)
    }

    pub(crate) fn as_ptr(&self) -> *const softcp_adapter {
        self.0
    }
}

impl Drop for TestAdapter {
    fn drop(&mut self) {
        // SAFETY: made by `with_secure_environment`, destroyed once.
        assert_eq!(unsafe { softcp_adapter_destroy(self.0) }, S_OK);
    }
}

/// A device of a host of its own, attached to an `hDevice` of its own.
pub(crate) struct TestDevice {
    pub(crate) host: Arc<Host>,
    device: *mut softcp_device,
    pub(crate) h_device: D3D10DDI_HDEVICE,
    pub(crate) table: D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
}

// SAFETY: a device may be used from any thread; destroyed once, by whoever owns it. `hDevice` is a number.
unsafe impl Send for TestDevice {}
// SAFETY: as for Send.
unsafe impl Sync for TestDevice {}

impl TestDevice {
    pub(crate) fn new(adapter: &TestAdapter) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0x1000);
        let host = Arc::new(Host::default());
        let mut table = D3DWDDM2_4DDI_VIDEODEVICEFUNCS::default();
        let (size, into) = (size_of_val(&table), (&raw mut table).cast());
        // SAFETY: the table has this size.
        assert_eq!(unsafe { softcp_ddi_fill(D3DWDDM2_4DDI_VIDEO_FUNCTIONS, size, into) }, S_OK);
        let h_device =
            D3D10DDI_HDEVICE { pDrvPrivate: without_provenance_mut(NEXT.fetch_add(0x10, Ordering::Relaxed)) };
        let callbacks = Host::callbacks(&host);
        let mut device = Self { host, device: null_mut(), h_device, table };
        device.replace(adapter, &callbacks);
        device
    }

    /// A device of a driver that is opened elsewhere and reports to this host; whoever opened it destroys it.
    pub(crate) fn of_driver(
        host: Arc<Host>,
        h_device: D3D10DDI_HDEVICE,
        table: &D3DWDDM2_4DDI_VIDEODEVICEFUNCS,
    ) -> Self {
        Self { host, device: null_mut(), h_device, table: *table }
    }

    /// Destroys the device and makes another over the same host, by these callbacks of it.
    pub(crate) fn replace(&mut self, adapter: &TestAdapter, callbacks: &softcp_host) {
        self.destroy();
        // SAFETY: the adapter lives; the callbacks may be called until `drop`, which is before the host ends.
        assert_eq!(unsafe { softcp_device_create(adapter.0, callbacks, &raw mut self.device) }, S_OK);
        // SAFETY: made above.
        assert_eq!(unsafe { softcp_ddi_attach(self.device, self.h_device) }, S_OK);
    }

    /// A device on an adapter of its own, with the committed identity.
    pub(crate) fn alone(options: &str) -> Self {
        Self::new(&TestAdapter::new(options))
    }

    pub(crate) fn as_ptr(&self) -> *mut softcp_device {
        self.device
    }

    /// The driver's verified certificate, read through the table.
    pub(crate) fn certificate(&self) -> VerifiedCertificate {
        let root = std::fs::read(format!("{IDENTITY}/root.pem")).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let chain = CertificateChain::parse(&self.certificate_bytes()).unwrap();
        chain.verify(&TrustAnchors::from_pem(&root).unwrap(), now).unwrap()
    }

    /// What `GetCertificate` writes.
    pub(crate) fn certificate_bytes(&self) -> Vec<u8> {
        let info = D3D11_1DDI_CERTIFICATE_INFO {
            CertificateType: D3D11_1DDI_CERTIFICATE_TYPE_CRYPTO_SESSION,
            u: D3D11_1DDI_CERTIFICATE_INFO_U { CryptoSessionType: D3D11_CRYPTO_TYPE_AES128_CTR },
        };
        let mut size = 0;
        // SAFETY: information and output live past the call.
        unsafe { self.table.pfnGetCertificateSize.unwrap()(self.h_device, &raw const info, &raw mut size) };
        let mut bytes = vec![0; size as usize];
        let get = self.table.pfnGetCertificate.unwrap();
        // SAFETY: information and output live past the call, and the output has this size.
        unsafe { get(self.h_device, &raw const info, size, bytes.as_mut_ptr()) };
        assert_eq!(self.host.take_reports(), []);
        bytes
    }

    /// A session without a key.
    pub(crate) fn create_session(&self) -> TestSession {
        let session = TestSession::unborn();
        assert_eq!(self.create_in(&session), S_OK);
        session
    }

    /// A session whose key both sides have.
    pub(crate) fn keyed_session(&self, certificate: &VerifiedCertificate) -> (TestSession, ClientSession) {
        let session = self.create_session();
        let exchange = KeyExchange::new(certificate, &SystemRandom).unwrap();
        assert_eq!(self.negotiate(&session, exchange.message().as_bytes()), S_OK);
        (session, ClientSession::new(exchange))
    }

    /// `CreateCryptoSession` in private memory that exists.
    pub(crate) fn create_in(&self, session: &TestSession) -> HRESULT {
        let create = D3D11_1DDIARG_CREATECRYPTOSESSION {
            CryptoType: D3D11_CRYPTO_TYPE_AES128_CTR,
            DecodeProfile: GUID_NULL,
            KeyExchangeType: D3D11_KEY_EXCHANGE_RSAES_OAEP,
        };
        let entry = self.table.pfnCreateCryptoSession.unwrap();
        // SAFETY: arguments and private memory live past the call.
        unsafe { entry(self.h_device, &raw const create, session.handle(), D3D11_1DDI_HRTCRYPTOSESSION::default()) }
    }

    /// Destroys the device, so that `drop` does not.
    pub(crate) fn destroy(&mut self) {
        let device = std::mem::replace(&mut self.device, null_mut());
        // SAFETY: made by `new`, destroyed once; null does nothing.
        assert_eq!(unsafe { softcp_device_destroy(device) }, S_OK);
    }

    /// For a device that was destroyed by other means.
    pub(crate) fn forget(&mut self) {
        self.device = null_mut();
    }

    /// Takes a session's key, with `content` the protected content too (D23).
    pub(crate) fn invalidate(&self, session: &TestSession, status: u32) {
        // SAFETY: the device lives.
        assert_eq!(unsafe { softcp_session_invalidate(self.device, session.id(), status) }, S_OK);
    }
}

/// The entries of sessions. Those that return nothing answer with what they reported, `S_OK` for nothing.
impl TestDevice {
    pub(crate) fn negotiate(&self, session: &TestSession, message: &[u8]) -> HRESULT {
        let entry = self.table.pfnNegotiateCryptoSessionKeyExchange.unwrap();
        // SAFETY: the message lives past the call and is read only.
        let hresult =
            unsafe { entry(self.h_device, session.handle(), len_u32(message), message.as_ptr().cast_mut().cast()) };
        self.returned(hresult)
    }

    pub(crate) fn decryption_blt(
        &self,
        session: &TestSession,
        source: D3D10DDI_HRESOURCE,
        destination: D3D10DDI_HRESOURCE,
        blit: &Decryption<'_>,
    ) -> HRESULT {
        let entry = self.table.pfnDecryptionBlt.unwrap();
        let info = blit.info.as_ref().map_or(null(), std::ptr::from_ref);
        let key = blit.content_key.map_or(null(), <[u8]>::as_ptr).cast::<c_void>();
        let key_size = blit.content_key.map_or(0, len_u32);
        let (iv_size, iv) = (len_u32(blit.iv), blit.iv.as_ptr().cast::<c_void>());
        // SAFETY: information, key and IV live past the call; resources are looked up by the host.
        unsafe { entry(self.h_device, session.handle(), source, destination, info, key_size, key, iv_size, iv) };
        self.reported("DecryptionBlt")
    }

    pub(crate) fn encryption_blt(
        &self,
        session: &TestSession,
        source: D3D10DDI_HRESOURCE,
        destination: D3D10DDI_HRESOURCE,
        iv: &mut [u8],
    ) -> HRESULT {
        let entry = self.table.pfnEncryptionBlt.unwrap();
        let (size, iv) = (len_u32(iv), iv.as_mut_ptr().cast());
        // SAFETY: the IV lives past the call and has this size; resources are looked up by the host.
        unsafe { entry(self.h_device, session.handle(), source, destination, size, iv) };
        self.reported("EncryptionBlt")
    }

    pub(crate) fn start_refresh(&self, session: &TestSession, number: &mut [u8]) -> HRESULT {
        let entry = self.table.pfnStartSessionKeyRefresh.unwrap();
        // SAFETY: the number lives past the call and has this size.
        unsafe { entry(self.h_device, session.handle(), len_u32(number), number.as_mut_ptr().cast()) };
        self.reported("StartSessionKeyRefresh")
    }

    pub(crate) fn finish_refresh(&self, session: &TestSession) -> HRESULT {
        self.finish_refresh_unobserved(session);
        self.reported("FinishSessionKeyRefresh")
    }

    /// As [`Self::finish_refresh`], leaving what is reported to the host's list.
    pub(crate) fn finish_refresh_unobserved(&self, session: &TestSession) {
        // SAFETY: the private memory lives past the call.
        unsafe { self.table.pfnFinishSessionKeyRefresh.unwrap()(self.h_device, session.handle()) };
    }

    pub(crate) fn encryption_blt_key(&self, session: &TestSession, key: &mut [u8]) -> HRESULT {
        let entry = self.table.pfnGetEncryptionBltKey.unwrap();
        // SAFETY: the key lives past the call and has this size.
        unsafe { entry(self.h_device, session.handle(), len_u32(key), key.as_mut_ptr().cast()) };
        self.reported("GetEncryptionBltKey")
    }

    /// The answer, and what the output holds afterwards, which was not zero before.
    pub(crate) fn handle_of(&self, session: &TestSession) -> (HRESULT, usize) {
        let mut handle = without_provenance_mut(usize::MAX);
        let entry = self.table.pfnCryptoSessionGetHandle.unwrap();
        // SAFETY: the output lives past the call.
        let hresult = unsafe { entry(self.h_device, session.handle(), &raw mut handle) };
        (self.returned(hresult), handle.addr())
    }

    /// The answer, and what the output holds afterwards, which was no status before.
    pub(crate) fn status_of(&self, session: &TestSession) -> (HRESULT, u32) {
        let mut status = u32::MAX;
        let entry = self.table.pfnCheckCryptoSessionStatus.unwrap();
        // SAFETY: the output lives past the call.
        unsafe { entry(self.h_device, session.handle(), &raw mut status) };
        (self.reported("CheckCryptoSessionStatus"), status)
    }

    pub(crate) fn destroy_session(&self, session: &TestSession) -> HRESULT {
        // SAFETY: the private memory lives past the call.
        unsafe { self.table.pfnDestroyCryptoSession.unwrap()(self.h_device, session.handle()) };
        self.reported("DestroyCryptoSession")
    }

    /// An entry that returns an HRESULT reports nothing.
    fn returned(&self, hresult: HRESULT) -> HRESULT {
        assert_eq!(self.host.take_reports(), []);
        hresult
    }

    /// An entry that returns nothing makes at most one report, under its own name and with a text (D20).
    fn reported(&self, entry: &str) -> HRESULT {
        match &*self.host.take_reports() {
            [] => S_OK,
            [report] => {
                assert_eq!(report.function, entry);
                assert!(report.hresult < 0 && !report.text.is_empty(), "{report:?}");
                report.hresult
            }
            many => panic!("{entry} made several reports: {many:?}"),
        }
    }
}

impl Drop for TestDevice {
    fn drop(&mut self) {
        self.destroy();
        self.host.assert_balanced();
    }
}

/// The private memory of a session, which is the runtime's, and the handle that points to it.
pub(crate) struct TestSession(Option<Box<AtomicUsize>>);

impl TestSession {
    /// Private memory filled with zeros, as the runtime allocates it.
    pub(crate) fn unborn() -> Self {
        Self::holding(0)
    }

    /// Private memory that holds any bytes.
    pub(crate) fn holding(id: usize) -> Self {
        Self(Some(Box::new(AtomicUsize::new(id))))
    }

    /// A null handle.
    pub(crate) fn null() -> Self {
        Self(None)
    }

    /// What the driver keeps in the private memory.
    pub(crate) fn id(&self) -> usize {
        self.0.as_ref().map_or(0, |memory| memory.load(Ordering::Relaxed))
    }

    pub(crate) fn handle(&self) -> D3D11_1DDI_HCRYPTOSESSION {
        let memory = self.0.as_ref().map_or(null_mut(), |memory| memory.as_ptr());
        D3D11_1DDI_HCRYPTOSESSION { pDrvPrivate: memory.cast() }
    }
}

/// The arguments of a `DecryptionBlt` but its resources.
pub(crate) struct Decryption<'a> {
    pub(crate) info: Option<D3D11_1DDI_ENCRYPTED_BLOCK_INFO>,
    pub(crate) content_key: Option<&'a [u8]>,
    pub(crate) iv: &'a [u8],
}

impl<'a> Decryption<'a> {
    /// Everything encrypted under the session key.
    pub(crate) fn with_iv(iv: &'a [u8]) -> Self {
        Self { info: None, content_key: None, iv }
    }
}

/// Whether the driver decrypts a buffer under the session key that the client has.
pub(crate) fn decrypts(device: &TestDevice, session: &TestSession, client: &ClientSession) -> bool {
    let (iv, clear) = (AesCtrIv { iv: 5, count: 0 }, *b"the same bytes on both sides, 37 long");
    let mut enciphered = clear;
    client.data_cipher().encrypt(iv, &mut enciphered);
    let (source, destination) = (device.host.buffer(clear.len()), device.host.buffer(clear.len()));
    source.set_bytes(&enciphered);
    let hresult =
        device.decryption_blt(session, source.handle(), destination.handle(), &Decryption::with_iv(&iv.to_bytes()));
    hresult == S_OK && destination.bytes() == clear
}

pub(crate) fn size_u32<T>() -> u32 {
    u32::try_from(size_of::<T>()).unwrap()
}

fn len_u32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// Random bytes that are the same in every run.
pub(crate) struct TestRandom(u64);

impl TestRandom {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator `SplitMix64`.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next_u64() % end as u64).unwrap()
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next_u64().to_le_bytes()[0]).collect()
    }
}
