//! A driver as an implementation: through its function table, as the Direct3D runtime calls it.

use std::cell::RefCell;
use std::rc::Rc;

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
    D3D11_CRYPTO_TYPE_AES128_CTR, D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL,
};
use softcp_client::{
    AesCtrIv, CertificateChain, ClientSession, DataCipher, FixedRandom, KeyExchangeMessage, VerifiedCertificate,
};
use softcp_player::Trust;
use softcp_runtime::{
    CertificateOf, ContentProtectionCaps, CryptoSessionDesc, Device, Driver, PlaneDesc, Resource, ResourceDesc, Session,
};

use crate::case::Implementation;
use crate::error::BenchError;
use crate::implementations::{IV, KEY};
use crate::surface::{Ring, Shape, UNTOUCHED};

const DESC: CryptoSessionDesc = CryptoSessionDesc {
    crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
    decode_profile: GUID_NULL,
    key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
};

/// A device of a driver, and the driver's certificate.
pub(crate) struct Link {
    device: Device,
    trust: Trust,
    certificate: VerifiedCertificate,
    caps: ContentProtectionCaps,
}

impl Link {
    /// Creates a device and checks the certificate for sessions.
    pub(crate) fn open(driver: &Driver, trust: &Trust) -> Result<Self, BenchError> {
        let device = driver.create_device()?;
        let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
        let chain = device.certificate(CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR))?;
        let certificate = trust.check(&CertificateChain::parse(&chain)?)?;
        Ok(Self { device, trust: trust.clone(), certificate, caps })
    }

    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The name of the first of `capabilities` that the driver does not report.
    pub(crate) fn lacks(
        &self,
        capabilities: &[(D3D11_1DDI_CONTENT_PROTECTION_CAPS, &'static str)],
    ) -> Option<&'static str> {
        capabilities.iter().find(|(bit, _)| !self.caps.contains(*bit)).map(|(_, name)| *name)
    }

    /// Whether the driver reports a capability.
    pub(crate) fn has(&self, capability: D3D11_1DDI_CONTENT_PROTECTION_CAPS) -> bool {
        self.caps.contains(capability)
    }

    /// The application's half of a session whose key is [`KEY`], and the message that gives it to a session of the driver.
    pub(crate) fn exchange(&self) -> Result<(ClientSession, KeyExchangeMessage), BenchError> {
        Ok(ClientSession::negotiate(&self.certificate, &FixedRandom::new(KEY))?)
    }

    /// A session whose key is [`KEY`].
    pub(crate) fn session(&self) -> Result<KeyedSession, BenchError> {
        let (client, message) = self.exchange()?;
        let mut session = create_session(&self.device)?;
        session.negotiate(message.as_bytes())?;
        Ok(KeyedSession { session, client, iv: AesCtrIv::from_bytes(IV) })
    }

    /// `pairs` of resources of a shape, whose sources hold `content`. Destinations are written too, so that the driver's
    /// memory for them is there.
    pub(crate) fn resources(&self, pairs: usize, shape: Shape, content: &[u8]) -> Result<Ring<Resource>, BenchError> {
        let Shape { row_pitch, row_bytes, rows } = shape;
        let desc = ResourceDesc { plane: PlaneDesc { row_bytes, rows, row_pitch }, ..ResourceDesc::default() };
        let untouched = vec![UNTOUCHED; shape.visible()];
        let pair = || {
            let (mut source, mut destination) =
                (self.device.create_resource(&desc)?, self.device.create_resource(&desc)?);
            write(&mut source, shape, content)?;
            write(&mut destination, shape, &untouched)?;
            Ok::<_, BenchError>((source, destination))
        };
        Ok(Ring::new((0..pairs).map(|_| pair()).collect::<Result<_, _>>()?))
    }

    /// What opens the read-backs of a session.
    fn read_back_cipher(&self, keyed: &mut KeyedSession) -> Result<DataCipher, BenchError> {
        if self.caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY) {
            let wrapped = keyed.session.encryption_blt_key()?;
            Ok(keyed.client.read_back_key(&wrapped).data_cipher())
        } else {
            Ok(keyed.client.data_cipher())
        }
    }
}

/// A session of a driver, without a key.
pub(crate) fn create_session(device: &Device) -> Result<Session, BenchError> {
    Ok(device.create_session(&DESC)?)
}

/// A session with its application's half.
pub(crate) struct KeyedSession {
    pub(crate) session: Session,
    pub(crate) client: ClientSession,
    iv: AesCtrIv,
}

impl KeyedSession {
    /// The next IV: [`IV`] first, and then greater ones, which some drivers insist on (D10).
    pub(crate) fn next_iv(&mut self) -> [u8; 16] {
        let iv = self.iv;
        self.iv = AesCtrIv::new(iv.iv + 1);
        iv.to_bytes()
    }
}

/// Fills the rows of a resource.
pub(crate) fn write(resource: &mut Resource, shape: Shape, content: &[u8]) -> Result<(), BenchError> {
    let mut mapping = resource.map_write()?;
    check(mapping.rows(), shape)?;
    for (row, content) in content.chunks(shape.row_bytes).enumerate() {
        mapping.row_mut(row).copy_from_slice(content);
    }
    Ok(())
}

/// The visible bytes of a resource.
pub(crate) fn read(resource: &mut Resource, shape: Shape) -> Result<Vec<u8>, BenchError> {
    let mapping = resource.map_read()?;
    check(mapping.rows(), shape)?;
    Ok((0..shape.rows).flat_map(|row| mapping.row(row)).copied().collect())
}

fn check(mapped: usize, shape: Shape) -> Result<(), BenchError> {
    if mapped == shape.rows { Ok(()) } else { Err(BenchError::WrongMapping { mapped, rows: shape.rows }) }
}

/// What a session does with a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blit {
    /// `DecryptionBlt` under the session key.
    Decrypt,
    /// The same with one resource as source and destination.
    InPlace,
    /// `EncryptionBlt`.
    Encrypt,
}

/// Blits of a session, over resources that it shares with others.
pub(crate) struct Blits {
    keyed: KeyedSession,
    read_back: Option<DataCipher>,
    blit: Blit,
    ring: Rc<RefCell<Ring<Resource>>>,
    shape: Shape,
}

impl Blits {
    pub(crate) fn new(
        link: &Link,
        blit: Blit,
        ring: &Rc<RefCell<Ring<Resource>>>,
        shape: Shape,
    ) -> Result<Self, BenchError> {
        let mut keyed = link.session()?;
        let read_back = if blit == Blit::Encrypt { Some(link.read_back_cipher(&mut keyed)?) } else { None };
        Ok(Self { keyed, read_back, blit, ring: Rc::clone(ring), shape })
    }
}

/// One blit; the IV of what was encrypted.
fn work(
    keyed: &mut KeyedSession,
    blit: Blit,
    (source, destination): &(Resource, Resource),
) -> Result<Option<AesCtrIv>, BenchError> {
    let source = match blit {
        Blit::Encrypt => {
            let iv = keyed.session.encryption_blt(source, destination)?;
            return Ok(Some(AesCtrIv::from_bytes(iv)));
        }
        Blit::Decrypt => source,
        Blit::InPlace => destination,
    };
    let iv = keyed.next_iv();
    keyed.session.decryption_blt(source, destination, None, None, &iv)?;
    Ok(None)
}

impl Implementation for Blits {
    fn call(&mut self) -> Result<(), BenchError> {
        work(&mut self.keyed, self.blit, self.ring.borrow_mut().advance()).map(drop)
    }

    /// For `EncryptionBlt`, whose IV is the driver's choice: what it wrote, opened by the application.
    fn prove(&mut self) -> Result<Vec<u8>, BenchError> {
        let mut ring = self.ring.borrow_mut();
        let pair = ring.advance();
        let before = match self.blit {
            Blit::InPlace => read(&mut pair.0, self.shape)?,
            Blit::Decrypt | Blit::Encrypt => vec![UNTOUCHED; self.shape.visible()],
        };
        write(&mut pair.1, self.shape, &before)?;
        let iv = work(&mut self.keyed, self.blit, pair)?;
        let mut output = read(&mut pair.1, self.shape)?;
        if let (Some(iv), Some(cipher)) = (iv, &self.read_back) {
            cipher.stream(iv).apply(&mut output);
        }
        Ok(output)
    }
}
