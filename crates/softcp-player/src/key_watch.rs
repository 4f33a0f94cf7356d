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
//!   clear how most slices and tiles end: AVC and HEVC are told there after some ten megabytes of encrypted bytes that were
//!   looked at, by bytes that no NAL unit has, and AV1 is not.
//!
//! A warning changes nothing: the file is written, and the run succeeds.

use std::ops::Range;

use softcp_cenc::{Evidence, KeyId, Sample, Syntax, Track};

/// Bytes of each key up to which every sample is looked at; from there on as many as make a [`SHARE`]th of all bytes. To
/// look at a sample costs as much as to decrypt it.
const BYTES: u64 = 4 << 20;
/// See [`BYTES`].
const SHARE: u64 = 16;
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
    /// None for a codec without checks.
    evidence: Option<Evidence>,
    /// Bytes of the samples so far, and of those that were looked at.
    passed: u64,
    looked_at: u64,
}

impl Watched {
    /// Whether the next sample, of `len` bytes, is to be looked at.
    fn wants(&mut self, len: u32) -> bool {
        self.passed += u64::from(len);
        let is_due = self.looked_at < BYTES || self.looked_at * SHARE <= self.passed;
        let wants = is_due && !self.is_decided();
        self.looked_at += if wants { len.into() } else { 0 };
        wants
    }

    fn is_decided(&self) -> bool {
        self.evidence.as_ref().is_none_or(|seen| seen.is_right() || seen.is_noise())
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
        let of_sample = |watched: &&mut Watched| watched.track_id == track_id && watched.kid == kid;
        if let Some(watched) = self.watched.iter_mut().rev().find(of_sample) {
            return watched.wants(sample.len);
        }
        let syntax = tracks.iter().find(|track| track.id() == track_id).map_or(Syntax::default(), Track::syntax);
        if self.watched.len() == KEYS {
            return false;
        }
        let evidence = syntax.is_known().then(|| Evidence::new(syntax));
        let mut watched = Watched { track_id, kid, evidence, passed: 0, looked_at: 0 };
        let wants = watched.wants(sample.len);
        self.watched.push(watched);
        wants
    }

    /// Looks at a clear sample that [`wants`](Self::wants) asked for.
    pub(crate) fn look_at(&mut self, sample: &Sample, bytes: &[u8]) {
        let Some(encryption) = &sample.encryption else { return };
        let of_sample = |watched: &&mut Watched| watched.track_id == sample.track_id && watched.kid == encryption.kid;
        if let Some(watched) = self.watched.iter_mut().rev().find(of_sample) {
            let runs: Vec<Range<usize>> = encryption.encrypted_runs(sample.len).collect();
            if let Some(evidence) = &mut watched.evidence {
                evidence.add(bytes, bytes.len(), &runs);
            }
        }
    }

    /// The tracks and keys whose samples came out as noise, and how many samples showed it.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = (u32, KeyId, u32)> {
        let seen = self.watched.iter().filter_map(|watched| Some((watched, watched.evidence.as_ref()?)));
        let wrong = seen.filter(|(_, evidence)| evidence.is_noise());
        wrong.map(|(watched, evidence)| (watched.track_id, watched.kid, evidence.samples()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(evidence: Option<Evidence>) -> Watched {
        Watched { track_id: 1, kid: [0; 16], evidence, passed: 0, looked_at: 0 }
    }

    #[test]
    fn every_sample_is_looked_at_until_it_is_costly_and_then_a_share() {
        let len = 1 << 20;
        let mut watched = watched(Some(Evidence::new(Syntax::default())));
        let wanted: Vec<usize> = (0..200).filter(|_| watched.wants(len)).collect();
        assert_eq!(wanted[..4], [0, 1, 2, 3]);
        assert!(wanted[4..].iter().zip(4..).all(|(&index, count)| index + 1 == 16 * count), "{wanted:?}");
        assert_eq!(wanted.len(), 13);
    }

    #[test]
    fn samples_of_a_codec_without_checks_are_not_looked_at() {
        let mut watched = watched(None);
        assert!((0..10).all(|_| !watched.wants(100)));
    }
}
