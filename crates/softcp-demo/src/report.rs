//! What the demonstration showed.

use std::path::PathBuf;

use serde::Serialize;
use softcp_player::{ChannelReport, Incident};

use crate::picture::Area;

/// The outcome of [`run`](crate::run()). Serialised, it is the report that `--json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct DemoReport {
    /// The driver's name and version.
    pub driver: String,
    /// Who the driver says it is.
    pub certificate: CertificateSummary,
    /// How the clip was played.
    pub clip: ClipSummary,
    /// The frame that is shown.
    pub frame: FrameSummary,
    /// How the frame went into the protected surface and came back.
    pub surface: SurfaceSummary,
    /// The authenticated channel that the frame was sent under; none when there was none.
    pub channel: Option<ChannelReport>,
    /// What protection forbade; none when there was no channel to switch it.
    pub protection: Option<ProtectionSummary>,
    /// What went wrong on the way, with clip or frame, and was mended.
    pub incidents: Vec<Incident>,
    /// The picture.
    #[serde(serialize_with = "softcp_files::serialize_path")]
    pub picture: PathBuf,
    /// Where the four panels lie in the picture.
    pub panels: [Area; 4],
    /// Wall-clock time.
    pub seconds: f64,
}

impl DemoReport {
    /// Whether everything is as it should be: the clip was decrypted picture for picture, the frame came back byte for byte, nobody without a key saw more than
    /// noise, and protection forbade what it should while it was on and nothing after.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.clip.is_identical
            && self.surface.read_back_identical
            && self.surface.bus.is_noise
            && self.surface.read_back.is_noise
            && self.protection.as_ref().is_none_or(ProtectionSummary::is_as_expected)
    }
}

/// The driver's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateSummary {
    /// Whom it is about (RFC 4514).
    pub subject: String,
    /// Whether it leads to a trusted root; `false` when any was accepted.
    pub is_verified: bool,
}

/// How the clip was played through the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClipSummary {
    /// The codec, as `avc1`.
    pub codec: String,
    /// The protection scheme, as `cenc`.
    pub scheme: String,
    /// Samples decrypted.
    pub samples: u64,
    /// Session keys used, the negotiated one and those of refreshes.
    pub key_generations: u64,
    /// Session key refreshes.
    pub refreshes: u64,
    /// Decryption blits.
    pub blits: u64,
    /// Bytes of the samples.
    pub bytes: u64,
    /// How many of them were encrypted.
    pub bytes_encrypted: u64,
    /// Whether all its pictures, decoded, are those that were encrypted.
    pub is_identical: bool,
    /// The clear clip, if it was asked for.
    #[serde(serialize_with = "softcp_files::serialize_optional_path")]
    pub clear_clip: Option<PathBuf>,
    /// What the reader should know. One sentence each.
    pub notes: Vec<String>,
}

/// The frame that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FrameSummary {
    /// Its number in the clip, from 1.
    pub number: usize,
    /// How many pictures the clip has.
    pub of: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes of NV12.
    pub bytes: usize,
}

/// How the frame went into the protected surface and came back.
#[derive(Clone, Debug, Serialize)]
pub struct SurfaceSummary {
    /// Session keys used, the negotiated one and those of refreshes.
    pub key_generations: u64,
    /// The IV of the decryption blit: 32 hexadecimal digits, IV then count.
    pub upload_iv: String,
    /// What travelled to the driver.
    pub bus: Noise,
    /// The IV of the encryption blit, made by the driver.
    pub read_back_iv: String,
    /// Whether the driver made a key of its own for the read-back (`ENCRYPTED_READ_BACK_KEY`); else it is the session
    /// key.
    pub read_back_has_own_key: bool,
    /// What came back from the driver.
    pub read_back: Noise,
    /// Whether the read-back, opened with the key, is the frame.
    pub read_back_identical: bool,
}

/// What protection forbade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProtectionSummary {
    /// Protection was in force before it was switched on, as with `PROTECTION_ALWAYS_ON`, and stays so.
    pub always_on: bool,
    /// What came of the attempts while protection was on.
    pub while_on: Enforcement,
    /// What came of the same after it was switched off.
    pub after_off: Enforcement,
}

impl ProtectionSummary {
    /// Whether nothing was allowed while protection was in force, and after that everything, with the frame to be seen.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        let is_off = |attempt: &Attempt| attempt.allowed && attempt.shows_frame;
        let is_on = |attempt: &Attempt| !attempt.allowed;
        let Self { always_on, while_on, after_off } = self;
        let after = [&after_off.map, &after_off.blit];
        [&while_on.map, &while_on.blit].into_iter().all(is_on)
            && if *always_on { after.into_iter().all(is_on) } else { after.into_iter().all(is_off) }
    }
}

/// Attempts to get at clear content past the read-back (D19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Enforcement {
    /// To map the protected surface that holds the frame.
    pub map: Attempt,
    /// To decrypt the frame into a surface that is not protected.
    pub blit: Attempt,
}

/// An attempt to see the frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Whether the driver allowed it.
    pub allowed: bool,
    /// What the driver said instead, as `D3DERR_CANNOTPROTECTCONTENT (0x8876087D)`; none when it was allowed.
    pub refused_with: Option<String>,
    /// Whether the frame could be seen, byte for byte.
    pub shows_frame: bool,
}

/// How bytes are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Noise {
    /// Shannon entropy of the byte values, in bits per byte; of noise, almost 8.
    pub entropy: f64,
    /// Chi-square statistic of the byte values against the uniform distribution; of noise, about 255.
    pub chi_square: f64,
    /// Whether the bytes pass for noise.
    pub is_noise: bool,
}
