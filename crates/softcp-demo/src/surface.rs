//! One frame into a protected surface and back, by the calls of a player and its decoder.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY, D3D11_CRYPTO_TYPE_AES128_CTR,
    D3D11_KEY_EXCHANGE_RSAES_OAEP, GUID_NULL,
};
use softcp_client::{
    AesCtrIv, CertificateChain, ClientSession, DataCipher, IvSequence, KeyExchange, SystemRandom, VerifiedCertificate,
};
use softcp_player::Trust;
use softcp_runtime::{
    CertificateOf, ContentProtectionCaps, CryptoSessionDesc, Device, PlaneDesc, Resource, ResourceDesc, Session,
};

use crate::error::DemoError;
use crate::frame::Nv12;
use crate::report::CertificateSummary;

/// `DXGI_FORMAT_NV12`.
const FORMAT_NV12: u32 = 103;

/// Rows in system memory begin at multiples of this many bytes, as a display driver's do.
const PITCH_ALIGNMENT: usize = 256;

/// A frame that has been to a protected surface: what could be seen on its way, and what came back.
#[derive(Debug)]
pub(crate) struct RoundTrip {
    /// The encrypted frame as it travelled to the driver.
    pub(crate) on_bus: Nv12,
    pub(crate) upload_iv: AesCtrIv,
    /// What the driver wrote into system memory.
    pub(crate) read_back: Nv12,
    pub(crate) read_back_iv: AesCtrIv,
    /// The read-back opened with the key.
    pub(crate) opened: Nv12,
    /// Whether that key is one of the read-back's own.
    pub(crate) own_key: bool,
    /// Session keys used.
    pub(crate) key_generations: u64,
    pub(crate) certificate: CertificateSummary,
}

/// Puts `frame` into a protected surface, refreshes the session key where the driver can, and reads the surface back.
pub(crate) fn round_trip(device: &Device, trust: &Trust, frame: &Nv12) -> Result<RoundTrip, DemoError> {
    let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
    check_caps(&caps)?;
    let certificate = certificate(device, trust)?;
    let mut session = device.create_session(&CryptoSessionDesc {
        crypto_type: D3D11_CRYPTO_TYPE_AES128_CTR,
        decode_profile: GUID_NULL,
        key_exchange_type: D3D11_KEY_EXCHANGE_RSAES_OAEP,
    })?;
    let exchange = KeyExchange::new(&certificate, &SystemRandom)?;
    session.negotiate(exchange.message().as_bytes())?;
    let mut client = ClientSession::new(exchange);

    let upload_iv = IvSequence::new(&SystemRandom)?.next_iv()?;
    let on_bus = enciphered(frame, &client.data_cipher(), upload_iv);
    let mut staging = device.create_resource(&system_memory(frame))?;
    write(&mut staging, &on_bus)?;
    let protected = device.create_resource(&surface(frame, 0).protected())?;
    session.decryption_blt(&staging, &protected, None, None, &upload_iv.to_bytes())?;

    // Content in a protected surface outlives the key it came in under.
    if caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY) {
        client.start_refresh(session.start_key_refresh()?);
        session.finish_key_refresh()?;
        client.finish_refresh()?;
    }

    let own_key = caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY);
    let cipher = read_back_cipher(&mut session, &client, own_key)?;
    let mut destination = device.create_resource(&system_memory(frame))?;
    let read_back_iv = AesCtrIv::from_bytes(session.encryption_blt(&protected, &destination)?);
    let read_back = read(&mut destination, frame)?;
    Ok(RoundTrip {
        opened: enciphered(&read_back, &cipher, read_back_iv),
        on_bus,
        upload_iv,
        read_back,
        read_back_iv,
        own_key,
        key_generations: client.generation() + 1,
        certificate: CertificateSummary {
            subject: certificate.certificate().subject(),
            is_verified: certificate.is_chain_verified(),
        },
    })
}

fn check_caps(caps: &ContentProtectionCaps) -> Result<(), DemoError> {
    let needed: [(D3D11_1DDI_CONTENT_PROTECTION_CAPS, &str); 2] = [
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT, "DECRYPTION_BLT"),
        (D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, "ENCRYPTED_READ_BACK"),
    ];
    match needed.into_iter().find(|(bit, _)| !caps.contains(*bit)) {
        Some((_, capability)) => Err(DemoError::NotOffered { capability }),
        None => Ok(()),
    }
}

fn certificate(device: &Device, trust: &Trust) -> Result<VerifiedCertificate, DemoError> {
    let chain = device.certificate(CertificateOf::CryptoSession(D3D11_CRYPTO_TYPE_AES128_CTR))?;
    let chain = CertificateChain::parse(&chain)?;
    Ok(trust.check(&chain)?)
}

/// `GetEncryptionBltKey`; a driver without such keys uses the session key (D12).
fn read_back_cipher(session: &mut Session, client: &ClientSession, own_key: bool) -> Result<DataCipher, DemoError> {
    if own_key {
        Ok(client.read_back_key(&session.encryption_blt_key()?).data_cipher())
    } else {
        Ok(client.data_cipher())
    }
}

/// Enciphers a frame, or deciphers one: the visible bytes of all rows are one stream (D9).
fn enciphered(frame: &Nv12, cipher: &DataCipher, iv: AesCtrIv) -> Nv12 {
    let mut bytes = frame.bytes().to_vec();
    cipher.stream(iv).apply(&mut bytes);
    Nv12::new(frame.width(), frame.height(), bytes).expect("as many bytes as before")
}

/// A surface that the frame fits, with a pitch of the driver's choice where it is 0.
fn surface(frame: &Nv12, row_pitch: usize) -> ResourceDesc {
    let plane = |rows| PlaneDesc { row_bytes: frame.width(), rows, row_pitch };
    ResourceDesc {
        plane: plane(frame.height()),
        extra_planes: [Some(plane(frame.height() / 2)), None],
        format: FORMAT_NV12,
        ..ResourceDesc::default()
    }
}

/// A surface in system memory, whose rows are longer than the frame's.
fn system_memory(frame: &Nv12) -> ResourceDesc {
    surface(frame, (frame.width() + 1).next_multiple_of(PITCH_ALIGNMENT))
}

fn write(resource: &mut Resource, frame: &Nv12) -> Result<(), DemoError> {
    let mut mapping = resource.map_write()?;
    check_mapping(mapping.rows(), mapping.row(0).len(), frame)?;
    for (index, row) in frame.rows().enumerate() {
        mapping.row_mut(index).copy_from_slice(row);
    }
    Ok(())
}

fn read(resource: &mut Resource, like: &Nv12) -> Result<Nv12, DemoError> {
    let mapping = resource.map_read()?;
    check_mapping(mapping.rows(), mapping.row(0).len(), like)?;
    let bytes = (0..mapping.rows()).flat_map(|index| mapping.row(index)).copied().collect();
    let wrong = || DemoError::WrongMapping { what: "rows of different lengths".to_owned() };
    Nv12::new(like.width(), like.height(), bytes).ok_or_else(wrong)
}

fn check_mapping(rows: usize, row_bytes: usize, frame: &Nv12) -> Result<(), DemoError> {
    if (rows, row_bytes) == (frame.rows().count(), frame.width()) {
        Ok(())
    } else {
        Err(DemoError::WrongMapping { what: format!("{rows} rows of {row_bytes} bytes") })
    }
}
