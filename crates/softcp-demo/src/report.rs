//! What the demonstration showed.

use std::path::PathBuf;

use serde::Serialize;

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
    /// The picture.
    pub picture: PathBuf,
    /// Where the four panels lie in the picture.
    pub panels: [Area; 4],
    /// Wall-clock time.
    pub seconds: f64,
}

impl DemoReport {
    /// Whether everything is as it should be: the frame came back byte for byte, and nobody without a key saw more
    /// than noise.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.surface.read_back_identical && self.surface.bus.is_noise && self.surface.read_back.is_noise
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
    /// The clear clip, if it was asked for.
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
