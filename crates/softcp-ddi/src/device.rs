//! One device of a host: the engine's device and the host's callbacks. What the C functions and the DDI entries share.

use std::any::Any;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use softcp::secure::{CommandBuffers, CommandReport, CommandSizes, PrivateSizes};
use softcp::{
    Adapter, CryptoSession, CryptoSessionDesc, DataKey, DecoderBuffer, DecoderEncryption, Device, Error, GUID, Handle,
    Kind, Outputs, Reply, SessionStatus, SharedSession, TeardownObserver,
};

use crate::call_log;
use crate::calls::SessionCalls;
use crate::ddi::void_entry::VoidEntry;
use crate::host::{Host, softcp_host};
use crate::hresult::{Failure, Result};
use crate::mapping;

/// Whose certificate chain is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateOf {
    /// Authenticated channels of this type.
    AuthenticatedChannel(u32),
    /// Crypto sessions of this crypto type.
    CryptoSession(GUID),
}

/// A device. Opaque; made by `softcp_device_create`.
#[allow(non_camel_case_types, reason = "named as in the C header")]
pub struct softcp_device {
    engine: Device,
    /// What comes at every buffer, and the host.
    calls: Arc<SessionCalls>,
    /// The chain whose size was asked for last: the one that is then written, whatever is shown to who asks next.
    measured: Mutex<Option<(CertificateOf, Vec<u8>)>>,
}

impl softcp_device {
    /// A device on `adapter` over `host`.
    ///
    /// # Safety
    /// The host's callbacks may be called with its context from any thread until the device is dropped, and what its
    /// `map` describes is memory that is, until `unmap`, valid for the access asked for and touched by nobody else.
    pub(crate) unsafe fn new(
        adapter: &Arc<Adapter>,
        host: softcp_host,
        context: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Result<Arc<Self>> {
        let (engine, host) = (Device::new(adapter)?, Host::new(host)?);
        for process in host.allowed_processes()? {
            engine.allow_process(process.engine()?)?;
        }
        let device = Arc::new_cyclic(|device| {
            // SAFETY: the caller's duty is the same.
            let calls = unsafe { SessionCalls::new(engine.sessions(), host, Weak::clone(device), context) };
            Self { engine, calls: Arc::new(calls), measured: Mutex::default() }
        });
        let observer: Arc<dyn TeardownObserver> = Arc::<Self>::clone(&device);
        device.engine.observe_teardowns(Arc::downgrade(&observer));
        Ok(device)
    }

    /// What is behind the host's context, if the host is part of this library and has a `T` there.
    pub(crate) fn context<T: Any>(&self) -> Option<&T> {
        self.calls.context()?.downcast_ref()
    }

    pub(crate) fn calls(&self) -> &Arc<SessionCalls> {
        &self.calls
    }

    fn host(&self) -> &Host {
        self.calls.host()
    }

    pub(crate) fn engine(&self) -> &Device {
        &self.engine
    }

    /// The engine's adapter that the device belongs to.
    #[must_use]
    pub fn adapter(&self) -> &Adapter {
        self.engine.adapter()
    }

    /// One report to the host for the failure of an entry that returns nothing (D20).
    pub(crate) fn report(&self, entry: &VoidEntry, failure: &Failure) {
        self.host().report(entry, failure);
    }

    /// Creates a session and returns its id.
    pub(crate) fn create_session(&self, desc: &CryptoSessionDesc) -> Result<usize> {
        let id = self.engine.create_crypto_session(desc)?.get();
        call_log::note_handle(id);
        Ok(id)
    }

    /// Destroys a session. The zero id, which a failed create leaves, is harmless.
    pub(crate) fn destroy_session(&self, id: usize) -> Result<()> {
        call_log::note_handle(id);
        Handle::from_raw(id).map_or(Ok(()), |handle| Ok(self.engine.destroy_crypto_session(handle)?))
    }

    /// The live session of this device that `id` names.
    pub(crate) fn session(&self, id: usize) -> Result<SharedSession> {
        Ok(self.engine.crypto_session(handle(id, Kind::CryptoSession)?)?)
    }

    /// Calls a session.
    pub(crate) fn with_session<T>(
        &self,
        id: usize,
        call: impl FnOnce(&mut CryptoSession) -> softcp::Result<T>,
    ) -> Result<T> {
        let session = self.session(id)?;
        let result = call(&mut session.lock());
        self.calls.settled(result.map_err(Failure::from))
    }

    /// The engine's adapter, for a call that it answers for this device: a removed device answers nothing.
    pub(crate) fn live_adapter(&self) -> Result<&Adapter> {
        Ok(self.engine.live_adapter()?)
    }

    /// Checks what sizes the caller of a command claims, before a byte of it is read (D34).
    pub(crate) fn check_command(&self, session: usize, sizes: &CommandSizes) -> Result<()> {
        Ok(self.engine.check_secure_command(handle(session, Kind::CryptoSession)?, sizes)?)
    }

    /// As [`Self::check_command`], for the private input of a new hardware key.
    pub(crate) fn check_new_hardware_key(&self, session: usize, private_input: usize) -> Result<()> {
        Ok(self.engine.check_new_hardware_key(handle(session, Kind::CryptoSession)?, private_input)?)
    }

    /// Carries a command to the secure environment.
    pub(crate) fn execute_command(
        &self,
        session: usize,
        function: u32,
        buffers: CommandBuffers<'_>,
    ) -> Result<CommandReport> {
        Ok(self.engine.execute_secure_command(handle(session, Kind::CryptoSession)?, function, buffers)?)
    }

    pub(crate) fn new_hardware_key(&self, session: usize, private_input: &[u8]) -> Result<u64> {
        Ok(self.engine.new_hardware_key(handle(session, Kind::CryptoSession)?, private_input)?)
    }

    pub(crate) fn private_sizes(
        &self,
        crypto_type: GUID,
        decode_profile: GUID,
        key_exchange_type: GUID,
    ) -> Result<PrivateSizes> {
        Ok(self.live_adapter()?.private_sizes(&CryptoSessionDesc { crypto_type, decode_profile, key_exchange_type })?)
    }

    /// A teardown of one session; the host hears of it if something was lost.
    pub(crate) fn invalidate_session(&self, id: usize, content: bool) -> Result<()> {
        let lost = self.session(id)?.lock().invalidate(content);
        if lost {
            self.host().teardown(id, lost_status(content));
        }
        Ok(())
    }

    /// Makes a resource of the host protected or unprotected.
    pub(crate) fn set_hardware_protection(&self, resource: *mut c_void, is_protected: bool) -> Result<()> {
        self.engine.check_memory_transition()?;
        if resource.is_null() {
            return Err(Failure::Null("hResource"));
        }
        self.host().set_hardware_protection(resource, is_protected)
    }

    /// The session's handle for the application, which is its id.
    pub(crate) fn session_handle(&self, id: usize) -> Result<usize> {
        self.session(id).map(|_| id)
    }

    /// Creates a channel and returns its id, which is also the handle that its messages carry.
    pub(crate) fn create_channel(&self, channel_type: u32) -> Result<usize> {
        let id = self.engine.create_authenticated_channel(channel_type)?.get();
        call_log::note_handle(id);
        Ok(id)
    }

    /// Destroys a channel. The zero id, which a failed create leaves, is harmless.
    pub(crate) fn destroy_channel(&self, id: usize) -> Result<()> {
        call_log::note_handle(id);
        Handle::from_raw(id).map_or(Ok(()), |handle| Ok(self.engine.destroy_authenticated_channel(handle)?))
    }

    pub(crate) fn negotiate_channel(&self, id: usize, message: &[u8]) -> Result<()> {
        Ok(self.engine.negotiate_channel(handle(id, Kind::AuthenticatedChannel)?, message)?)
    }

    pub(crate) fn configure_channel(&self, id: usize, message: &[u8]) -> Reply {
        call_log::note_handle(id);
        self.engine.configure_channel(Handle::from_raw(id), message)
    }

    pub(crate) fn query_channel(&self, id: usize, message: &[u8], output_size: usize) -> Reply {
        call_log::note_handle(id);
        // Outputs come and go, so the host is asked each time, before the engine locks anything. What comes of it counts for
        // a query that passes all checks only, and has its place in the answer (D17).
        let outputs = if softcp::asks_for_outputs(message) { self.host().outputs() } else { Ok(None) };
        let outputs = match &outputs {
            Ok(None) => Outputs::Configured,
            Ok(Some(identifiers)) => Outputs::Named(identifiers),
            Err(_) => Outputs::Unavailable,
        };
        self.engine.query_channel(Handle::from_raw(id), message, output_size, outputs)
    }

    /// Registers a decoder of the host and returns its id.
    pub(crate) fn register_decoder(&self, encryption: DecoderEncryption) -> Result<usize> {
        let id = self.engine.register_decoder(encryption)?.get();
        call_log::note_handle(id);
        Ok(id)
    }

    /// What encrypts a decoder's buffers.
    pub(crate) fn decoder_encryption(&self, decoder: usize) -> Result<DecoderEncryption> {
        Ok(self.engine.decoder_encryption(handle(decoder, Kind::Decoder)?)?)
    }

    /// Whether frames of a decoder have a key; otherwise session and key of a frame are ignored.
    pub(crate) fn has_frame_keys(&self, decoder: usize) -> Result<bool> {
        Ok(self.decoder_encryption(decoder)?.mode().is_some())
    }

    /// Begins a frame: under the session that `session` names with a sealed key, else under the one bound to the decoder. A
    /// decoder without encryption gets no content key.
    pub(crate) fn begin_frame(
        &self,
        decoder: usize,
        session: usize,
        content_key: Option<&[u8]>,
        key_id: Option<&GUID>,
    ) -> Result<()> {
        let decoder = handle(decoder, Kind::Decoder)?;
        let session = Handle::from_raw(session);
        let key = match content_key {
            None => DataKey::Session,
            Some(key) => match key.try_into() {
                Ok(wrapped) if session.is_none() => DataKey::Wrapped(wrapped),
                _ => {
                    if let Some(session) = session.or(self.engine.decoder_session(decoder)?) {
                        self.engine.crypto_session(session)?.lock().check_not_lost()?;
                    }
                    DataKey::Unwrapped(self.calls.open_key(key, key_id)?)
                }
            },
        };
        self.calls.settled(self.engine.begin_frame(decoder, session, &key).map_err(Failure::from))
    }

    /// Ends a frame.
    pub(crate) fn end_frame(&self, decoder: usize) -> Result<()> {
        Ok(self.engine.end_frame(handle(decoder, Kind::Decoder)?)?)
    }

    /// Decrypts one buffer of a frame.
    ///
    /// # Safety
    /// `source` is null or valid for reads of `size` bytes, `destination` null or valid for reads and writes of as many;
    /// nothing else touches them during the call.
    pub(crate) unsafe fn decrypt_buffer(
        &self,
        decoder: usize,
        source: *const c_void,
        destination: *mut c_void,
        size: usize,
        buffer: &DecoderBuffer<'_>,
    ) -> Result<()> {
        let decoder = handle(decoder, Kind::Decoder)?;
        // SAFETY: the caller's duty is the same.
        let surfaces = unsafe { mapping::buffers(source, destination, size) }?;
        self.calls.settled(self.engine.decrypt_buffer(decoder, surfaces, buffer).map_err(Failure::from))
    }

    /// Forgets a decoder. The zero id is harmless.
    pub(crate) fn unregister_decoder(&self, id: usize) -> Result<()> {
        call_log::note_handle(id);
        Handle::from_raw(id).map_or(Ok(()), |handle| Ok(self.engine.unregister_decoder(handle)?))
    }

    /// The id of the session bound to a decoder, zero when there is none.
    pub(crate) fn decoder_session(&self, id: usize) -> Result<usize> {
        Ok(self.engine.decoder_session(handle(id, Kind::Decoder)?)?.map_or(0, Handle::get))
    }

    /// Writes the certificate chain to `certificate`, which must have exactly its size (D48).
    pub(crate) fn certificate(&self, of: CertificateOf, certificate: &mut [u8]) -> Result<()> {
        self.live_adapter()?;
        let measured = self.measured().clone().filter(|(whose, _)| *whose == of);
        let chain = measured.map_or_else(|| self.chain(of), |(_, chain)| Ok(chain))?;
        if certificate.len() != chain.len() {
            let (expected, given) = (chain.len(), certificate.len());
            return Err(Error::WrongSize { what: "the certificate buffer", expected, given }.into());
        }
        certificate.copy_from_slice(&chain);
        Ok(())
    }

    /// The size of the certificate chain in bytes.
    pub(crate) fn certificate_size(&self, of: CertificateOf) -> Result<u32> {
        let chain = self.chain(of)?;
        let size = chain.len();
        *self.measured() = Some((of, chain));
        u32::try_from(size).map_err(|_| Failure::Invalid("the certificate chain is larger than 4 GiB"))
    }

    fn measured(&self) -> MutexGuard<'_, Option<(CertificateOf, Vec<u8>)>> {
        // Nothing panics half-way while it is held.
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chain(&self, of: CertificateOf) -> Result<Vec<u8>> {
        Ok(match of {
            CertificateOf::AuthenticatedChannel(channel_type) => {
                self.live_adapter()?.channel_certificate(channel_type)?
            }
            CertificateOf::CryptoSession(crypto_type) => self.live_adapter()?.session_certificate(&crypto_type)?,
        })
    }
}

impl TeardownObserver for softcp_device {
    fn torn_down(&self, content: bool) {
        tracing::info!(target: "softcp_ddi::event", content, "teardown: all keys lost");
        self.host().teardown(0, lost_status(content));
    }
}

impl std::fmt::Debug for softcp_device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("softcp_device").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// The handle of an id; zero is none.
fn handle(id: usize, kind: Kind) -> Result<Handle> {
    call_log::note_handle(id);
    Handle::from_raw(id).ok_or_else(|| kind.bad_handle().into())
}

fn lost_status(content: bool) -> u32 {
    status_number(if content { SessionStatus::KeyAndContentLost } else { SessionStatus::KeyLost })
}

/// The number by which C and the DDI know a status.
pub(crate) fn status_number(status: SessionStatus) -> u32 {
    match status {
        SessionStatus::Ok => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK,
        SessionStatus::KeyLost => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_LOST,
        SessionStatus::KeyAndContentLost => softcp_abi::D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_KEY_AND_CONTENT_LOST,
    }
}
