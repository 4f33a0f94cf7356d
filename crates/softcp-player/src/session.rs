//! A crypto session whose two halves, the driver's and the application's, stay in step.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS, D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL,
};
use softcp_client::{
    Certificate, CertificateChain, ClientSession, DataCipher, KeyExchange, SystemRandom, VerifiedCertificate,
};
use softcp_runtime::{
    CertificateOf, CompressedBuffer, ContentProtectionCaps, CryptoSessionDesc, Decoder, Device, FrameKey, OutputView,
    Session,
};

use crate::path::PathError;
use crate::protected::{Binding, ProtectedDevice, decoder_desc};
use crate::trust::Trust;

const DESC: CryptoSessionDesc = CryptoSessionDesc {
    crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
    decode_profile: GUID_NULL,
    key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
};

/// A session of AES-128-CTR that has a key, and under protection a decoder that it is bound to.
///
/// The calls that change keys are made here, on both halves; those that move content are the caller's, on
/// [`session`](Self::session).
#[derive(Debug)]
pub struct OpenSession<'p> {
    /// First, so that the decoder is destroyed before the session that it uses.
    binding: Option<(&'p ProtectedDevice, Binding)>,
    /// A decoder of AES-CBC that no channel has bound: its frames name the session.
    unbound: Option<Decoder>,
    /// Whether the decoder is one of AES-CBC.
    has_cbc: bool,
    session: Session,
    client: ClientSession,
    certificate: VerifiedCertificate,
    has_read_back_key: bool,
    /// The random number of the last refresh of this key.
    last_number: Option<[u8; 16]>,
}

impl<'p> OpenSession<'p> {
    /// Checks the driver's certificate for sessions, creates one, lets the driver have a key, and binds the session to a
    /// decoder of its own. `caps` are those of the device for AES-128-CTR.
    ///
    /// # Errors
    ///
    /// [`PathError::Certificate`] and [`PathError::Untrusted`] for the certificate, [`PathError::KeyExchange`],
    /// [`PathError::Driver`] for a call that failed, [`PathError::Channel`] for the binding.
    pub fn open(
        protected: &'p ProtectedDevice,
        trust: &Trust,
        caps: &ContentProtectionCaps,
    ) -> Result<Self, PathError> {
        let mut open = Self::without_channel(protected.device(), trust, caps)?;
        let binding = protected.bind(&mut open.session)?;
        open.binding = Some((protected, binding));
        Ok(open)
    }

    /// The same with a decoder of AES-CBC, for [`decode`](Self::decode). `protected`: none, to do without a channel; then
    /// frames take sealed keys only.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); [`PathError::NoCbcDecoder`] from a driver that makes no such decoder.
    pub(crate) fn open_for_cbc(
        device: &Device,
        protected: Option<&'p ProtectedDevice>,
        trust: &Trust,
        caps: &ContentProtectionCaps,
    ) -> Result<Self, PathError> {
        let mut open = Self::without_channel(device, trust, caps)?;
        open.has_cbc = true;
        let decoder = cbc_decoder(device)?;
        match protected {
            Some(protected) => open.binding = Some((protected, protected.bind_to(decoder, &mut open.session)?)),
            None => open.unbound = Some(decoder),
        }
        Ok(open)
    }

    /// The same without a channel: the session is bound to nothing.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but the last.
    pub fn without_channel(device: &Device, trust: &Trust, caps: &ContentProtectionCaps) -> Result<Self, PathError> {
        let chain = device.certificate(CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR))?;
        let certificate = trust.check(&CertificateChain::parse(&chain)?)?;
        let mut session = device.create_session(&DESC)?;
        let exchange = KeyExchange::new(&certificate, &SystemRandom)?;
        session.negotiate(exchange.message().as_bytes())?;
        Ok(Self {
            binding: None,
            unbound: None,
            has_cbc: false,
            session,
            client: ClientSession::new(exchange),
            certificate,
            has_read_back_key: caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY),
            last_number: None,
        })
    }

    /// The driver's half, for blits and its status. Key exchanges and refreshes go through this value instead.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The application's half.
    #[must_use]
    pub fn client(&self) -> &ClientSession {
        &self.client
    }

    /// The driver's certificate for sessions.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.certificate.certificate()
    }

    /// Whether the certificate was checked against a root.
    #[must_use]
    pub fn is_certificate_verified(&self) -> bool {
        self.certificate.is_chain_verified()
    }

    /// Whether read-backs are under a key of their own (`ENCRYPTED_READ_BACK_KEY`); else it is the session key.
    #[must_use]
    pub fn has_read_back_key(&self) -> bool {
        self.has_read_back_key
    }

    /// `StartSessionKeyRefresh` on both sides. The old key stays in force until [`finish_refresh`](Self::finish_refresh).
    ///
    /// # Errors
    ///
    /// [`PathError::Driver`]; nothing has changed. [`PathError::RepeatedRandomNumber`]: finishing would bring the key
    /// before the last refresh back, so the application has not started; starting again replaces the number (D2).
    pub fn start_refresh(&mut self) -> Result<(), PathError> {
        let number = self.session.start_key_refresh()?;
        if self.last_number == Some(number) {
            return Err(PathError::RepeatedRandomNumber);
        }
        self.last_number = Some(number);
        self.client.start_refresh(number);
        Ok(())
    }

    /// `FinishSessionKeyRefresh` on both sides.
    ///
    /// # Errors
    ///
    /// [`PathError::Driver`], nothing has changed; [`PathError::Mirror`] when no refresh was started (D3).
    pub fn finish_refresh(&mut self) -> Result<(), PathError> {
        self.session.finish_key_refresh()?;
        Ok(self.client.finish_refresh()?)
    }

    /// Gives the driver a new key, as after it has lost the old one (D23), and sees to it that the binding stands. A
    /// read-back key has to be asked for again.
    ///
    /// # Errors
    ///
    /// [`PathError::KeyExchange`], [`PathError::Driver`], [`PathError::Channel`].
    pub fn renegotiate(&mut self) -> Result<(), PathError> {
        let exchange = KeyExchange::new(&self.certificate, &SystemRandom)?;
        self.session.negotiate(exchange.message().as_bytes())?;
        self.client.renegotiate(exchange);
        self.last_number = None;
        if let Some((protected, binding)) = &self.binding {
            protected.keep_bound(binding)?;
        }
        Ok(())
    }

    /// Replaces the driver's session, which has lost its key, by a new one with a key and a binding of its own. Unlike one
    /// that is [negotiated](Self::renegotiate) anew, it remembers no IVs (D10). A read-back key has to be asked for again.
    ///
    /// # Errors
    ///
    /// [`PathError::KeyExchange`], [`PathError::Driver`], [`PathError::Channel`]; the old session is still there.
    pub fn recreate(&mut self) -> Result<(), PathError> {
        let mut session = self.session.device().create_session(&DESC)?;
        let exchange = KeyExchange::new(&self.certificate, &SystemRandom)?;
        session.negotiate(exchange.message().as_bytes())?;
        let binding = match &self.binding {
            Some((protected, _)) if self.has_cbc => {
                Some((*protected, protected.bind_to(cbc_decoder(session.device())?, &mut session)?))
            }
            Some((protected, _)) => Some((*protected, protected.bind(&mut session)?)),
            None => None,
        };
        // The old decoder goes before the old session.
        self.binding = binding;
        self.session = session;
        self.client.renegotiate(exchange);
        self.last_number = None;
        Ok(())
    }

    /// One frame of the decoder of AES-CBC, of one buffer: `VideoDecoderBeginFrame`, `VideoDecoderSubmitBuffers2`,
    /// `VideoDecoderEndFrame`. Its clear bytes are in the view's resource then. A frame that has begun ends in any case.
    ///
    /// # Errors
    ///
    /// [`PathError::Driver`].
    pub(crate) fn decode(
        &mut self,
        view: &OutputView,
        key: SampleKey<'_>,
        buffer: &CompressedBuffer<'_>,
    ) -> Result<(), PathError> {
        let bound = self.binding.as_mut().map(|(_, binding)| binding.decoder());
        let decoder = bound.or(self.unbound.as_mut()).expect("sessions for frames are opened with a decoder");
        let key = match key {
            SampleKey::Wrapped(key) => FrameKey::Content(key),
            SampleKey::Sealed(blob) => FrameKey::Sealed { session: &self.session, blob, key_id: None },
        };
        let mut frame = decoder.begin_frame(view, key)?;
        frame.submit(buffer)?;
        Ok(frame.end()?)
    }

    /// What opens read-backs: the key of `GetEncryptionBltKey`, or where the driver has none, the session key (D12).
    ///
    /// The former outlives refreshes; the latter is good until the next one.
    ///
    /// # Errors
    ///
    /// [`PathError::Driver`].
    pub fn read_back_cipher(&mut self) -> Result<DataCipher, PathError> {
        if self.has_read_back_key {
            let wrapped = self.session.encryption_blt_key()?;
            Ok(self.client.read_back_key(&wrapped).data_cipher())
        } else {
            Ok(self.client.data_cipher())
        }
    }
}

/// A content key as the driver takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SampleKey<'a> {
    /// Encrypted under the session key in force.
    Wrapped(&'a [u8]),
    /// Sealed by the driver's secure environment.
    Sealed(&'a [u8]),
}

/// A decoder of the schemes of AES-CBC.
fn cbc_decoder(device: &Device) -> Result<Decoder, PathError> {
    let desc = decoder_desc().with_bitstream_encryption(D3D11_DECODER_BITSTREAM_ENCRYPTION_TYPE_CBCS);
    device.create_decoder(&desc).map_err(PathError::of_cbc_decoder)
}
