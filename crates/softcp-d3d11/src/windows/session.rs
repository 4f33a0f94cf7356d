//! `ID3D11CryptoSession`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use softcp_abi::{D3D11_KEY_EXCHANGE_HW_PROTECTION, D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK, GUID as Guid};
use softcp_runtime::{CertificateOf, CryptoSessionDesc, Session};
use windows::Win32::Foundation::{E_FAIL, E_OUTOFMEMORY, HANDLE, LUID};
use windows::Win32::Graphics::Direct3D11::{ID3D11CryptoSession, ID3D11CryptoSession_Vtbl};
use windows::core::{GUID, HRESULT, Interface};

use super::call::Call;
use super::certificate::Certificate;
use super::child::{Child, Kind};
use super::com::{self, Raw};
use super::resource::Resources;
use super::staging::Staging;
use super::video_device::{self, VideoDevice};
use crate::message::MessageId;

/// A crypto session of the driver, and what the layer knows of it.
pub(super) struct CryptoSession {
    pub(super) session: Session,
    pub(super) desc: CryptoSessionDesc,
    /// The DDI's capability bits for its crypto type and profile.
    pub(super) caps: u32,
    /// The status that was last seen, to notice a teardown.
    pub(super) status: AtomicU32,
    certificate: Certificate,
    /// Textures and buffers that blits go through.
    pub(super) staging: Staging,
}

/// The live sessions of a device, and whom a teardown concerns.
pub(super) struct Sessions {
    list: Mutex<Vec<Weak<CryptoSession>>>,
    /// The adapter's identifier, by which events are registered.
    pub(super) adapter: LUID,
    /// The device's resources, whose content may be lost, too.
    pub(super) resources: Arc<Resources>,
}

impl Sessions {
    pub(super) fn new(adapter: LUID, resources: Arc<Resources>) -> Self {
        Self { list: Mutex::default(), adapter, resources }
    }

    /// Every live session. They are asked without a lock: one that is busy must not hold up the others.
    pub(super) fn live(&self) -> Vec<Arc<CryptoSession>> {
        self.list().iter().filter_map(Weak::upgrade).collect()
    }

    fn add(&self, session: &Arc<CryptoSession>) {
        let mut list = self.list();
        list.retain(|session| session.strong_count() > 0);
        list.push(Arc::downgrade(session));
    }

    fn list(&self) -> MutexGuard<'_, Vec<Weak<CryptoSession>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static TABLE: ID3D11CryptoSession_Vtbl = ID3D11CryptoSession_Vtbl {
    base__: Child::<Arc<CryptoSession>>::VTABLE,
    GetCryptoType: get_crypto_type,
    GetDecoderProfile: get_decoder_profile,
    GetCertificateSize: get_certificate_size,
    GetCertificate: get_certificate,
    GetCryptoSessionHandle: get_crypto_session_handle,
};

impl Kind for Arc<CryptoSession> {
    type Table = ID3D11CryptoSession_Vtbl;
    const TABLE: &'static Self::Table = &TABLE;
    const INTERFACE: GUID = ID3D11CryptoSession::IID;

    fn end(child: &Child<Self>) {
        // Whoever is asking for the status may keep the session for a moment; what is the device's goes now.
        child.inner().staging.clear();
    }
}

impl CryptoSession {
    /// Whether the session carries commands to a secure environment.
    pub(super) fn carries_commands(&self) -> bool {
        self.desc.key_exchange_type == D3D11_KEY_EXCHANGE_HW_PROTECTION
    }

    /// The status as the driver says it now; none from a driver that has no such entry.
    pub(super) fn check_status(&self) -> Option<u32> {
        let mut status = D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK;
        let calls = self.session.device().calls();
        let reply = calls.check_crypto_session_status(self.session.handle(), Some(&mut status)).ok()?;
        reply.hresult().is_ok().then_some(status)
    }

    /// Notes a status, and says whether it tells of a loss that was not known.
    pub(super) fn note_status(&self, status: u32) -> bool {
        self.status.swap(status, Ordering::AcqRel) != status && status != D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS_OK
    }
}

pub(super) unsafe extern "system" fn create_crypto_session(
    this: Raw,
    crypto_type: *const GUID,
    profile: *const GUID,
    key_exchange_type: *const GUID,
    out: *mut Raw,
) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let call = Call::new(unsafe { VideoDevice::state(this) }, "ID3D11VideoDevice::CreateCryptoSession");
        let null = MessageId::CREATECRYPTOSESSION_NULLPARAM;
        call.not_null(out, null, "ppCryptoSession")?;
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(out, std::ptr::null_mut()) };
        let desc = CryptoSessionDesc {
            // SAFETY: null or readable, and of the same layout.
            crypto_type: unsafe { call.required(crypto_type.cast::<Guid>(), null, "pCryptoType") }?,
            // SAFETY: null or readable.
            decode_profile: unsafe { video_device::optional(profile) },
            // SAFETY: null or readable, and of the same layout.
            key_exchange_type: unsafe { call.required(key_exchange_type.cast::<Guid>(), null, "pKeyExchangeType") }?,
        };
        let driver = call.state.driver().ok_or(E_FAIL)?;
        let session = call.driver(driver.create_session(&desc)).inspect_err(|&hresult| {
            if hresult == E_OUTOFMEMORY {
                call.say(Some(MessageId::CREATECRYPTOSESSION_OUTOFMEMORY_RETURN), "the driver is out of memory");
            }
        })?;
        let caps = video_device::caps(call, &desc.crypto_type, &desc.decode_profile)?.Caps;
        let session = CryptoSession {
            session,
            desc,
            caps,
            status: AtomicU32::new(0),
            certificate: Certificate::of(CertificateOf::CryptoSession(desc.crypto_type)),
            staging: Staging::default(),
        };
        if let Some(status) = session.check_status() {
            // A session that must be provisioned first begins without a key; that is no teardown.
            session.note_status(status);
        }
        let session = Arc::new(session);
        call.state.sessions.add(&session);
        let child = Child::create(call.state, session);
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(out, child) };
        Ok(())
    })
}

unsafe extern "system" fn get_crypto_type(this: Raw, crypto_type: *mut GUID) {
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<Arc<CryptoSession>>::this(this) };
        let call = Call::new(child.state(), "ID3D11CryptoSession::GetCryptoType");
        if call.not_null(crypto_type, MessageId::GETCRYPTOTYPE_NULLPARAM, "pCryptoType").is_ok() {
            // SAFETY: not null, and the program's duty; of the same layout.
            unsafe { com::write(crypto_type.cast::<Guid>(), child.inner().desc.crypto_type) };
        }
    });
}

unsafe extern "system" fn get_decoder_profile(this: Raw, profile: *mut GUID) {
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<Arc<CryptoSession>>::this(this) };
        let call = Call::new(child.state(), "ID3D11CryptoSession::GetDecoderProfile");
        if call.not_null(profile, MessageId::GETDECODERPROFILE_NULLPARAM, "pDecoderProfile").is_ok() {
            // SAFETY: not null, and the program's duty; of the same layout.
            unsafe { com::write(profile.cast::<Guid>(), child.inner().desc.decode_profile) };
        }
    });
}

unsafe extern "system" fn get_certificate_size(this: Raw, size: *mut u32) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<Arc<CryptoSession>>::this(this) };
        let call = Call::new(child.state(), "ID3D11CryptoSession::GetCertificateSize");
        call.not_null(size, MessageId::GETCRYPTOSESSIONCERTIFICATESIZE_NULLPARAM, "pCertificateSize")?;
        // SAFETY: not null, and the program's duty.
        unsafe { child.inner().certificate.get_size(call, size) }
    })
}

unsafe extern "system" fn get_certificate(this: Raw, size: u32, certificate: *mut u8) -> HRESULT {
    com::guard_result(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<Arc<CryptoSession>>::this(this) };
        let call = Call::new(child.state(), "ID3D11CryptoSession::GetCertificate");
        call.not_null(certificate, MessageId::GETCRYPTOSESSIONCERTIFICATE_NULLPARAM, "pCertificate")?;
        let wrong_size = MessageId::GETCRYPTOSESSIONCERTIFICATE_WRONGSIZE;
        // SAFETY: not null, and the program's duty.
        unsafe { child.inner().certificate.get(call, size, certificate, wrong_size) }
    })
}

unsafe extern "system" fn get_crypto_session_handle(this: Raw, handle: *mut HANDLE) {
    com::guard(|| {
        // SAFETY: COM's duty: `this` lives.
        let child = unsafe { Child::<Arc<CryptoSession>>::this(this) };
        let call = Call::new(child.state(), "ID3D11CryptoSession::GetCryptoSessionHandle");
        if call.not_null(handle, MessageId::GETCRYPTOSESSIONHANDLE_WRONGSIZE, "pCryptoSessionHandle").is_err() {
            return;
        }
        // SAFETY: not null, and the program's duty.
        unsafe { com::write(handle, HANDLE::default()) };
        let session = &child.inner().session;
        let mut answer = std::ptr::null_mut();
        let reply = session.device().calls().crypto_session_get_handle(session.handle(), Some(&mut answer));
        match call.driver(reply.and_then(|reply| Ok(reply.into_result()?))) {
            // SAFETY: as above.
            Ok(()) => unsafe { com::write(handle, HANDLE(answer)) },
            Err(E_OUTOFMEMORY) => {
                call.say(Some(MessageId::GETCRYPTOSESSIONHANDLE_OUTOFMEMORY), "the driver is out of memory");
            }
            Err(_) => {}
        }
    });
}
