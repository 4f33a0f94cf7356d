//! Decrypting some samples to see whether they come out right, before the file is gone over.

use std::io::{self, Read, Seek, SeekFrom};

use softcp_cenc::{Error, Evidence, Options, Piece, Sample, Syntax, Track};
use softcp_client::ChannelType;
use softcp_runtime::Driver;

use crate::decrypt::DecryptOptions;
use crate::error::DecryptError;
use crate::keys::ContentKeys;
use crate::licence::LicensedKeys;
use crate::path::{CipherModes, PathOptions, ProtectedPath, SampleError};
use crate::protected::{ProtectedDevice, Protection};
use crate::source::Reopen;

/// Samples that are tried.
const SAMPLES: usize = 64;
/// Longer ones are passed over.
const LONGEST: u32 = 4 << 20;
/// How much likelier one reading must be than the other, in bits.
pub(crate) const DECIDED: f32 = 6.0;

/// The first samples of the one selected track, and the syntax of its codec.
pub(crate) fn first_samples(reopen: &Reopen, options: Options) -> Result<(Vec<Sample>, Syntax), Error> {
    let mut pieces = reopen.movie()?.into_pieces_with(options)?;
    let mut samples: Vec<Sample> = Vec::new();
    while samples.len() < SAMPLES {
        match pieces.next_piece() {
            Ok(Some(Piece::Sample(sample)))
                if sample.len > 0 && sample.len <= LONGEST && sample.encryption.is_some() =>
            {
                samples.push(sample);
            }
            Ok(Some(_)) => {}
            // What is wrong behind the first samples is found when it is reached.
            Ok(None) | Err(_) => break,
        }
    }
    let track = samples.first().and_then(|sample| pieces.tracks().iter().find(|track| track.id() == sample.track_id));
    let syntax = track.map_or(Syntax::default(), Track::syntax);
    Ok((samples, syntax))
}

/// The bytes of a sample as they are stored.
fn stored(reopen: &Reopen, sample: &Sample) -> io::Result<Vec<u8>> {
    let mut file = reopen.data()?;
    file.seek(SeekFrom::Start(sample.offset))?;
    let mut bytes = vec![0; sample.len as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Whether samples look right.
pub(crate) struct Judge(Evidence);

impl Judge {
    pub(crate) fn new(syntax: Syntax) -> Self {
        Self(Evidence::new(syntax))
    }

    /// A sample as it came out.
    pub(crate) fn look_at(&mut self, sample: &Sample, bytes: &[u8]) {
        let runs: Vec<_> =
            sample.encryption.iter().flat_map(|encryption| encryption.encrypted_runs(sample.len)).collect();
        self.0.add(bytes, bytes.len(), &runs);
    }

    /// A sample as it is stored.
    pub(crate) fn look_at_stored(&mut self, reopen: &Reopen, sample: &Sample) -> io::Result<()> {
        let bytes = stored(reopen, sample)?;
        self.look_at(sample, &bytes);
        Ok(())
    }

    pub(crate) fn bits(&self) -> f32 {
        self.0.bits()
    }

    pub(crate) fn is_right(&self) -> bool {
        self.0.is_right()
    }
}

/// Whether the bytes of samples behind their last whole block are encrypted.
pub(crate) struct Tail {
    decrypted: Evidence,
    as_stored: Evidence,
}

impl Tail {
    pub(crate) fn new(syntax: Syntax) -> Self {
        Self { decrypted: Evidence::new(syntax), as_stored: Evidence::new(syntax) }
    }

    /// A sample decrypted to its last byte.
    pub(crate) fn look_at(&mut self, reopen: &Reopen, sample: &Sample, bytes: &[u8]) {
        let Ok(stored) = stored(reopen, sample) else { return };
        let start = bytes.len() - bytes.len() % 16;
        let tail = start..bytes.len();
        self.decrypted.add(bytes, bytes.len(), std::slice::from_ref(&tail));
        let mut mixed = bytes.to_vec();
        mixed[tail.clone()].copy_from_slice(&stored[tail.clone()]);
        self.as_stored.add(&mixed, mixed.len(), &[tail]);
    }

    /// `None` if it cannot be told.
    pub(crate) fn is_encrypted(&self) -> Option<bool> {
        let difference = self.decrypted.bits() - self.as_stored.bits();
        (difference.abs() >= DECIDED).then_some(difference > 0.0)
    }
}

/// Decrypts samples by the way, with a device of its own.
pub(crate) struct Trial<'a> {
    driver: &'a Driver,
    options: &'a DecryptOptions,
}

impl<'a> Trial<'a> {
    pub(crate) fn new(driver: &'a Driver, options: &'a DecryptOptions) -> Self {
        Self { driver, options }
    }

    /// Decrypts the samples of a track as `read` reads them, and shows what comes out to `show`.
    pub(crate) fn run(
        &mut self,
        track_id: u32,
        reopen: &Reopen,
        samples: &[Sample],
        read: impl Fn(&Sample) -> Sample,
        mut show: impl FnMut(&Sample, &[u8]),
    ) -> Result<(), DecryptError> {
        let of_path = |source| DecryptError::of_path(track_id, None, source);
        let options = self.options;
        let failed = |source| DecryptError::ReadInput { path: options.input.clone(), source };
        let device = self.driver.create_device().map_err(|source| of_path(source.into()))?;
        let protected = match options.protection {
            Protection::Required => Some(ProtectedDevice::open(&device, &options.trust, ChannelType::DriverSoftware)?),
            Protection::Without => None,
        };
        let licensed = options.licence.clone().map(|licence| LicensedKeys::open(&device, licence)).transpose()?;
        let given = options.keys.for_track(track_id);
        let keys = licensed.as_ref().map_or(ContentKeys::Given(&given), ContentKeys::Licensed);
        // What is tried is `cens` audio, or under clear entries.
        let modes = CipherModes { ctr: true, cbc: false };
        let path_options = PathOptions { trust: options.trust.clone(), refresh_every: 0, modes };
        let path = match &protected {
            Some(protected) => ProtectedPath::open(protected, keys, &path_options),
            None => ProtectedPath::without_channel(&device, keys, &path_options),
        };
        let mut path = path.map_err(of_path)?;
        for sample in samples {
            let sample = read(sample);
            let Some(encryption) = &sample.encryption else { continue };
            let bytes = stored(reopen, &sample).map_err(failed)?;
            let mut out = Vec::with_capacity(bytes.len());
            match path.decrypt_sample(encryption, sample.len, &mut &bytes[..], &mut out) {
                Ok(()) => show(&sample, &out),
                Err(SampleError::Path(source)) => return Err(of_path(source)),
                Err(SampleError::Read(source) | SampleError::Write(source)) => return Err(failed(source)),
            }
        }
        drop(path);
        if let Some(protected) = protected {
            protected.close()?;
        }
        Ok(())
    }
}
