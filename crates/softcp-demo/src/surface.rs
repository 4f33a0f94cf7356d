//! One frame into a protected surface and back, by the calls of a protected player and its decoder, and what can be done
//! to the surface while protection is on and after it is off.

use softcp_abi::{
    D3D11_1DDI_CONTENT_PROTECTION_CAPS, D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT,
    D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK, D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY,
    D3D11_CRYPTO_TYPE_AES128_CTR, GUID_NULL,
};
use softcp_client::{AesCtrIv, ChannelType, DataCipher, IvSequence, SystemRandom};
use softcp_player::{ChannelReport, OpenSession, ProtectedDevice, Protection, Trust};
use softcp_runtime::{ContentProtectionCaps, Device, Error, PlaneDesc, Resource, ResourceDesc};

use crate::error::DemoError;
use crate::frame::Nv12;
use crate::report::{Attempt, CertificateSummary, Enforcement, ProtectionSummary};

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
    /// What was done over the channel, and what protection did; none without a channel.
    pub(crate) protected: Option<(ChannelReport, ProtectionSummary)>,
}

/// Puts `frame` into a protected surface, refreshes the session key where the driver can, and reads the surface back; with
/// a channel, under protection. Then tries what protection forbids, on and off.
pub(crate) fn round_trip(
    device: &Device,
    trust: &Trust,
    frame: &Nv12,
    protection: Protection,
) -> Result<RoundTrip, DemoError> {
    let caps = device.caps(&D3D11_CRYPTO_TYPE_AES128_CTR, &GUID_NULL)?;
    check_caps(&caps)?;
    if protection == Protection::Without {
        let session = OpenSession::without_channel(device, trust, &caps)?;
        return Ok(Journey::new(device, session, frame)?.go(&caps)?.0);
    }
    let protected = ProtectedDevice::open(device, trust, ChannelType::DriverSoftware)?;
    let session = OpenSession::open(&protected, trust, &caps)?;
    let (mut trip, mut journey) = Journey::new(device, session, frame)?.go(&caps)?;
    let while_on = journey.enforcement()?;
    protected.switch(false)?;
    let after_off = journey.enforcement()?;
    // The session and its decoder end before the channel does.
    drop(journey);
    let always_on = protected.was_protected();
    trip.protected = Some((protected.close()?, ProtectionSummary { always_on, while_on, after_off }));
    Ok(trip)
}

/// A session and the surface that a frame is sent to.
struct Journey<'a> {
    device: &'a Device,
    session: OpenSession<'a>,
    frame: &'a Nv12,
    /// One sequence for all session keys: an IV is never used twice, and they increase (D10).
    ivs: IvSequence,
    surface: Resource,
}

impl<'a> Journey<'a> {
    fn new(device: &'a Device, session: OpenSession<'a>, frame: &'a Nv12) -> Result<Self, DemoError> {
        let ivs = IvSequence::new(&SystemRandom)?;
        Ok(Self { device, session, frame, ivs, surface: device.create_resource(&surface(frame, 0).protected())? })
    }

    fn go(mut self, caps: &ContentProtectionCaps) -> Result<(RoundTrip, Self), DemoError> {
        let Upload { staging, on_bus, iv: upload_iv } = self.upload()?;
        self.session.session().decryption_blt(&staging, &self.surface, None, None, &upload_iv.to_bytes())?;

        // Content in a protected surface outlives the key it came in under.
        if caps.contains(D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY) {
            self.session.start_refresh()?;
            self.session.finish_refresh()?;
        }

        let cipher = self.session.read_back_cipher()?;
        let mut destination = self.device.create_resource(&system_memory(self.frame))?;
        let read_back_iv = AesCtrIv::from_bytes(self.session.session().encryption_blt(&self.surface, &destination)?);
        let read_back = read(&mut destination, self.frame)?;
        let trip = RoundTrip {
            opened: enciphered(&read_back, &cipher, read_back_iv),
            on_bus,
            upload_iv,
            read_back,
            read_back_iv,
            own_key: self.session.has_read_back_key(),
            key_generations: self.session.client().generation() + 1,
            certificate: CertificateSummary {
                subject: self.session.certificate().subject(),
                is_verified: self.session.is_certificate_verified(),
            },
            protected: None,
        };
        Ok((trip, self))
    }

    /// The frame in system memory, encrypted under the session key in force.
    fn upload(&mut self) -> Result<Upload, DemoError> {
        let iv = self.ivs.next_iv()?;
        let on_bus = enciphered(self.frame, &self.session.client().data_cipher(), iv);
        let mut staging = self.device.create_resource(&system_memory(self.frame))?;
        write(&mut staging, &on_bus)?;
        Ok(Upload { staging, on_bus, iv })
    }

    /// Tries what protection forbids: to map the protected surface, and to decrypt into one that is not protected.
    fn enforcement(&mut self) -> Result<Enforcement, DemoError> {
        let map = attempt(read(&mut self.surface, self.frame), self.frame)?;
        let upload = self.upload()?;
        let mut unprotected = self.device.create_resource(&surface(self.frame, 0))?;
        let session = self.session.session();
        let blit = session.decryption_blt(&upload.staging, &unprotected, None, None, &upload.iv.to_bytes());
        let seen = blit.map_err(DemoError::from).and_then(|()| read(&mut unprotected, self.frame));
        Ok(Enforcement { map, blit: attempt(seen, self.frame)? })
    }
}

/// An encrypted frame on its way to the driver.
struct Upload {
    staging: Resource,
    on_bus: Nv12,
    iv: AesCtrIv,
}

/// What came of an attempt to see the frame. The driver's own refusal is an answer here; every other error stays one.
fn attempt(seen: Result<Nv12, DemoError>, frame: &Nv12) -> Result<Attempt, DemoError> {
    match seen {
        Ok(seen) => Ok(Attempt { allowed: true, refused_with: None, shows_frame: seen == *frame }),
        Err(DemoError::Driver(Error::Driver(refusal))) => {
            let refused_with = Some(refusal.hresult.to_string());
            Ok(Attempt { allowed: false, refused_with, shows_frame: false })
        }
        Err(error) => Err(error),
    }
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
