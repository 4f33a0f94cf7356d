//! Wrong keys, noticed by what comes out.
//!
//! AES-CTR decrypts under any key. But under a wrong one the samples come out as noise, and codecs write anything but:
//! [`Evidence`] weighs the samples of each track and key, until they are right or wrong beyond doubt. The policy is to be
//! silent rather than wrong:
//!
//! - A warning needs 20 bits of evidence, a chance of one in a million that right samples look so bad.
//! - Only bytes that were encrypted are judged. Each check allows what real writers do, known defects included: padding of
//!   slices, zeros behind NAL units, streams that change their configuration.
//! - Codecs without checks, and samples too few to tell, are passed over in silence. `cbcs` and `cens` with a pattern leave
//!   clear how most slices and tiles end: AVC and HEVC are told there after some megabytes of encrypted bytes, by bytes that
//!   no NAL unit has, and AV1 is not.
//!
//! A warning changes nothing: the file is written, and the run succeeds.

use std::ops::Range;

use softcp_cenc::{Evidence, KeyId, Sample, Syntax, Track};

/// Longer samples are not: they are held in memory for it.
const LONGEST: u32 = 4 << 20;
/// Keys that are watched, at most: a file with more of them is none that a user has.
const KEYS: usize = 256;

/// What has been seen of each track and key.
#[derive(Debug, Default)]
pub(crate) struct KeyWatch {
    watched: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    track_id: u32,
    kid: KeyId,
    evidence: Evidence,
}

impl Watched {
    fn is_decided(&self) -> bool {
        self.evidence.is_right() || self.evidence.is_noise()
    }
}

impl KeyWatch {
    /// Whether the sample, of one of these tracks, is to be shown when it is clear.
    pub(crate) fn wants(&mut self, sample: &Sample, tracks: &[Track]) -> bool {
        let Some(encryption) = &sample.encryption else { return false };
        if sample.len > LONGEST {
            return false;
        }
        let (track_id, kid) = (sample.track_id, encryption.kid);
        let of_sample = |watched: &&Watched| watched.track_id == track_id && watched.kid == kid;
        if let Some(watched) = self.watched.iter().rev().find(of_sample) {
            return !watched.is_decided();
        }
        let syntax = tracks.iter().find(|track| track.id() == track_id).map_or(Syntax::default(), Track::syntax);
        if self.watched.len() == KEYS {
            return false;
        }
        self.watched.push(Watched { track_id, kid, evidence: Evidence::new(syntax) });
        syntax.is_known()
    }

    /// Looks at a clear sample that [`wants`](Self::wants) asked for.
    pub(crate) fn look_at(&mut self, sample: &Sample, bytes: &[u8]) {
        let Some(encryption) = &sample.encryption else { return };
        let of_sample = |watched: &&mut Watched| watched.track_id == sample.track_id && watched.kid == encryption.kid;
        if let Some(watched) = self.watched.iter_mut().rev().find(of_sample) {
            let runs: Vec<Range<usize>> = encryption.encrypted_runs(sample.len).collect();
            watched.evidence.add(bytes, bytes.len(), &runs);
        }
    }

    /// The tracks and keys whose samples came out as noise, and how many samples showed it.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = (u32, KeyId, u32)> {
        let wrong = self.watched.iter().filter(|watched| watched.evidence.is_noise());
        wrong.map(|watched| (watched.track_id, watched.kid, watched.evidence.samples()))
    }
}
