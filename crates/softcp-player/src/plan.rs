//! What is to be done with a file, decided before anything is written.
//!
//! The `moov` box tells for most files. Where it does not, the metadata are scanned first ([`Scan`]), or some samples are
//! tried ([`Trial`]): keys that no sample may use, files that seem clear, files that are cut off, samples that are encrypted
//! under clear entries, `cens` audio.

use std::path::Path;

use softcp_cenc::{KeyId, Movie, Options, Pattern, Sample, Scheme, Selection, Track};
use softcp_runtime::Driver;

use crate::decrypt::DecryptOptions;
use crate::error::{DecryptError, WantedKey};
use crate::report::{FileNote, FileNoteKind};
use crate::scan::Scan;
use crate::source::{Metadata, Names, Reopen};
use crate::trial::{self, Tail, Trial};

/// How the samples of `cens` tracks end that have neither pattern nor subsamples: the standard leaves the bytes behind the
/// last whole block clear, and some writers encrypt them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CensTail {
    /// As GPAC's pattern of 1:0 says, or as the samples look when they are decrypted; else by the standard.
    #[default]
    Auto,
    /// Clear, by the standard, as Shaka Packager writes them.
    Clear,
    /// Encrypted, as Bento4, GPAC and ffmpeg write them.
    Encrypted,
}

/// What is to be done with a file.
pub(crate) struct Plan {
    /// How to take it to pieces.
    pub(crate) pieces: Options,
    /// What has been found out.
    pub(crate) notes: Vec<FileNote>,
}

/// Why a movie would not be decrypted with whatever keys, as far as its `moov` box and its first fragment tell.
pub(crate) fn refusal(path: &Path, movie: &Movie<Metadata>) -> Option<DecryptError> {
    let mut protected = movie.tracks().iter().filter(|track| track.protection().is_some()).peekable();
    if protected.peek().is_some() || !movie.unsignalled_tracks().is_empty() {
        return protected.find_map(|track| check_scheme(track).err());
    }
    Some(DecryptError::NotEncrypted { path: path.to_owned(), tracks: movie.tracks().len() })
}

/// Refuses a track that cannot be decrypted: other protections than Common Encryption.
fn check_scheme(track: &Track) -> Result<(), DecryptError> {
    let (track_id, handler) = (track.id(), track.handler());
    for entry in track.sample_entries() {
        let Some(protection) = &entry.protection else { continue };
        if let Scheme::Other(scheme) = protection.sample_scheme() {
            return Err(DecryptError::NotCommonEncryption { track_id, handler, scheme, entry: entry.kind });
        }
    }
    Ok(())
}

/// What a plan is made from.
pub(crate) struct Planner<'a> {
    pub(crate) driver: &'a Driver,
    pub(crate) options: &'a DecryptOptions,
    pub(crate) names: &'a Names,
    /// How to read the file again; a stream cannot be.
    pub(crate) reopen: Option<&'a Reopen>,
}

impl Planner<'_> {
    /// Decides.
    pub(crate) fn plan(&self, movie: &Movie<Metadata>) -> Result<Plan, DecryptError> {
        let mut plan = Plan { pieces: Options::new(Selection::Protected), notes: Vec::new() };
        plan.pieces.partial = self.options.partial;
        let mut scan = if self.options.partial { self.scan()? } else { None };
        self.select(movie, &mut plan, &mut scan)?;
        let is_selected = |track: &&Track| match &plan.pieces.selection {
            Selection::Tracks(track_ids) => track_ids.contains(&track.id()),
            _ => track.protection().is_some(),
        };
        movie.tracks().iter().filter(is_selected).try_for_each(check_scheme)?;
        self.check_keys(movie, &mut plan, &mut scan)?;
        if let Some(scan) = &scan
            && self.options.partial
        {
            self.check_rest(&mut plan, scan)?;
        }
        self.find_tails(movie, &mut plan)?;
        Ok(plan)
    }

    /// Scans the file; none for a stream.
    fn scan(&self) -> Result<Option<Scan>, DecryptError> {
        let Some(reopen) = self.reopen else { return Ok(None) };
        Ok(Some(Scan::of(reopen.movie().map_err(|error| self.names.container(error))?)))
    }

    fn scanned<'s>(&self, scan: &'s mut Option<Scan>) -> Result<Option<&'s Scan>, DecryptError> {
        if scan.is_none() {
            *scan = self.scan()?;
        }
        Ok(scan.as_ref())
    }

    /// Which tracks are decrypted.
    fn select(&self, movie: &Movie<Metadata>, plan: &mut Plan, scan: &mut Option<Scan>) -> Result<(), DecryptError> {
        let tracks = movie.tracks();
        let protected = |track: &Track| track.protection().is_some();
        let mut unsignalled = movie.unsignalled_tracks().to_vec();
        if let Some(track_ids) = &self.options.tracks {
            for &track_id in track_ids {
                let track = tracks.iter().find(|track| track.id() == track_id);
                if track.is_some_and(protected) || unsignalled.contains(&track_id) {
                    continue;
                }
                // A later movie may have it.
                if self.scanned(scan)?.is_some_and(|scan| scan.tracks.contains_key(&track_id)) {
                    continue;
                }
                return Err(match track {
                    Some(_) => DecryptError::ClearTrack { track_id },
                    None => DecryptError::NoSuchTrack { track_id, available: tracks.iter().map(Track::id).collect() },
                });
            }
            let known = track_ids.iter().filter(|id| tracks.iter().any(|track| track.id() == **id)).copied();
            plan.pieces.selection = if known.clone().count() == track_ids.len() {
                Selection::Tracks(known.collect())
            } else {
                // What is not there yet can only be found by its protection.
                Selection::Protected
            };
            unsignalled.retain(|id| track_ids.contains(id));
        } else if !tracks.iter().any(protected) {
            // The moov box makes the file seem clear.
            if let Some(scan) = self.scanned(scan)? {
                unsignalled.clone_from(&scan.unsignalled);
            }
            let is_encrypted = scan.as_ref().is_some_and(Scan::is_encrypted);
            if !is_encrypted && unsignalled.is_empty() {
                return Err(self.not_encrypted(tracks.len(), scan.as_ref()));
            }
        }
        let is_alone = !tracks.iter().any(protected) && !scan.as_ref().is_some_and(Scan::is_encrypted);
        if !unsignalled.is_empty() {
            self.find_unsignalled_keys(&unsignalled, is_alone, plan)?;
        }
        Ok(())
    }

    fn not_encrypted(&self, tracks: usize, scan: Option<&Scan>) -> DecryptError {
        match scan.and_then(|scan| scan.error.as_ref()) {
            // The rest may be encrypted.
            Some(error) => {
                DecryptError::SeemsClear { path: self.options.input.clone(), tracks, why: error.to_string() }
            }
            None => DecryptError::NotEncrypted { path: self.options.input.clone(), tracks },
        }
    }

    fn has_key(&self, track_id: u32, kid: &KeyId) -> bool {
        match &self.options.licence {
            Some(licence) => licence.kids().contains(kid),
            None => self.options.keys.for_track(track_id).get(kid).is_some(),
        }
    }

    /// Looks for the keys that the tracks name as their defaults; where one is missing, for those that samples use. A
    /// default of zeros belongs to a file that rotates keys: its samples name theirs, as they come.
    fn check_keys(
        &self,
        movie: &Movie<Metadata>,
        plan: &mut Plan,
        scan: &mut Option<Scan>,
    ) -> Result<(), DecryptError> {
        let is_selected = |track: &&Track| match &plan.pieces.selection {
            Selection::Tracks(track_ids) => track_ids.contains(&track.id()),
            _ => true,
        };
        let mut missing = Vec::new();
        for track in movie.tracks().iter().filter(is_selected) {
            let protections = track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref());
            let defaults = protections.filter(|protection| protection.protected_by_default);
            let kids = defaults.filter_map(|protection| protection.default_kid);
            for kid in kids.filter(|kid| *kid != KeyId::default() && !self.has_key(track.id(), kid)) {
                missing.push(WantedKey {
                    kid,
                    track_id: track.id(),
                    handler: track.handler(),
                    sample: None,
                    is_missing: true,
                });
            }
        }
        let wants_all = self.options.partial && scan.is_some();
        if missing.is_empty() && !wants_all {
            return Ok(());
        }
        let Some(scan) = self.scanned(scan)? else { return Err(self.missing_keys(missing)) };
        let wanted = self.wanted_keys(scan, &plan.pieces);
        let first = wanted.iter().filter(|(key, _)| key.is_missing).map(|(_, offset)| *offset).min();
        let Some(first) = first else {
            for key in missing {
                plan.notes.push(FileNote::new(FileNoteKind::UnusedKey, Some(key.track_id), key.unused_text()));
            }
            return Ok(());
        };
        let is_first_sample = scan.tracks.values().flat_map(|track| &track.keys).all(|key| key.offset >= first);
        if !self.options.partial || is_first_sample || first < movie.moov_end() {
            return Err(self.missing_keys(wanted.into_iter().map(|(key, _)| key).collect()));
        }
        plan.pieces.end = Some(first);
        let missing = wanted.iter().filter(|(key, _)| key.is_missing).map(|(key, _)| key.text());
        let text = format!("The output ends where a key is missing: {}.", missing.collect::<Vec<_>>().join("; "));
        plan.notes.push(FileNote::new(FileNoteKind::EndsAtMissingKey, None, text));
        Ok(())
    }

    /// The keys that samples of the selected tracks use, and where each is used first.
    fn wanted_keys(&self, scan: &Scan, pieces: &Options) -> Vec<(WantedKey, u64)> {
        let is_selected = |track_id: u32| match &pieces.selection {
            Selection::Tracks(track_ids) => track_ids.contains(&track_id),
            _ => self.options.tracks.as_ref().is_none_or(|track_ids| track_ids.contains(&track_id)),
        };
        let mut wanted = Vec::new();
        for (&track_id, track) in scan.tracks.iter().filter(|(id, _)| is_selected(**id)) {
            for key in &track.keys {
                let is_missing = !self.has_key(track_id, &key.kid);
                let (kid, handler) = (key.kid, track.handler);
                wanted.push((WantedKey { kid, track_id, handler, sample: Some(key.sample), is_missing }, key.offset));
            }
        }
        wanted
    }

    fn missing_keys(&self, keys: Vec<WantedKey>) -> DecryptError {
        match self.options.licence {
            Some(_) => DecryptError::NotInLicence { keys },
            None => DecryptError::MissingKey { keys },
        }
    }

    /// Says what a file that ends too early still has.
    fn check_rest(&self, plan: &mut Plan, scan: &Scan) -> Result<(), DecryptError> {
        if let Some(error) = &scan.error {
            return Err(DecryptError::SeemsDamaged { path: self.options.input.clone(), why: error.to_string() });
        }
        let whole: u64 = scan.tracks.values().map(|track| track.samples).sum();
        if whole == 0 && scan.unsignalled.is_empty() {
            return Err(DecryptError::NothingWhole { path: self.options.input.clone() });
        }
        if let Some(cut) = scan.cut_off {
            plan.notes.push(cut.note(&scan.whole_samples(), false));
        }
        Ok(())
    }

    /// An error of the pass, with what a scan of the file adds to it.
    pub(crate) fn explain(&self, error: DecryptError, pieces: &Options) -> DecryptError {
        let is_cut_off = matches!(&error, DecryptError::Container { source, .. }
            if source.class() == softcp_cenc::ErrorClass::CutOff);
        let is_missing_key = matches!(&error, DecryptError::MissingKey { .. } | DecryptError::NotInLicence { .. });
        if !is_cut_off && !is_missing_key {
            return error;
        }
        let Ok(Some(scan)) = self.scan() else { return error };
        match error {
            DecryptError::Container { path, source } => {
                DecryptError::CutOff { path, whole: scan.whole_samples(), source }
            }
            error => {
                let wanted: Vec<_> = self.wanted_keys(&scan, pieces).into_iter().map(|(key, _)| key).collect();
                if wanted.iter().any(|key| key.is_missing) { self.missing_keys(wanted) } else { error }
            }
        }
    }

    /// Finds the keys of tracks that are encrypted under clear entries. Nothing names them: one that is given for the
    /// track or for everything, or the only one, or the one under which the samples look right.
    fn find_unsignalled_keys(&self, track_ids: &[u32], is_alone: bool, plan: &mut Plan) -> Result<(), DecryptError> {
        let mut trial: Option<Trial<'_>> = None;
        for &track_id in track_ids {
            let kids = self.candidates(track_id);
            if kids.is_empty() {
                if is_alone {
                    return Err(DecryptError::UnsignalledEncryption { track_id });
                }
                continue;
            }
            let Some(reopen) = self.reopen else {
                if let [kid] = kids[..] {
                    plan.pieces.unsignalled.push((track_id, kid));
                }
                continue;
            };
            let names = self.names;
            let mut options = Options::new(Selection::Tracks(vec![track_id]));
            options.unsignalled.push((track_id, kids[0]));
            let (samples, syntax) = trial::first_samples(reopen, options).map_err(|error| names.container(error))?;
            let mut stored = trial::Judge::new(syntax);
            samples.iter().try_for_each(|sample| stored.look_at_stored(reopen, sample)).map_err(|e| self.read(e))?;
            if stored.is_right() {
                let text = "initialization vectors are left of an encryption that is no more: the samples are clear";
                plan.notes.push(FileNote::new(FileNoteKind::LeftoverVectors, Some(track_id), text.to_owned()));
                continue;
            }
            if let [kid] = kids[..] {
                plan.pieces.unsignalled.push((track_id, kid));
                continue;
            }
            let trial = match &mut trial {
                Some(trial) => trial,
                None => trial.insert(Trial::new(self.driver, self.options)),
            };
            let mut judged = Vec::new();
            for kid in kids {
                let mut judge = trial::Judge::new(syntax);
                let under = |sample: &Sample| Sample {
                    encryption: sample.encryption.clone().map(|it| softcp_cenc::SampleEncryption { kid, ..it }),
                    ..sample.clone()
                };
                trial.run(track_id, reopen, &samples, under, |sample, bytes| judge.look_at(sample, bytes))?;
                judged.push((judge.bits(), kid));
            }
            judged.sort_by(|one, other| other.0.total_cmp(&one.0));
            match judged[..] {
                [(best, kid), (second, _), ..] if best - second >= trial::DECIDED => {
                    plan.pieces.unsignalled.push((track_id, kid));
                }
                _ if is_alone => return Err(DecryptError::NoKeyFits { track_id }),
                _ => {
                    let text = "samples are encrypted under an entry that says they are clear, and which key is theirs cannot be told: they \
                                stay as they are";
                    plan.notes.push(FileNote::new(FileNoteKind::NoKeyFits, Some(track_id), text.to_owned()));
                }
            }
        }
        if let Selection::Tracks(selected) = &mut plan.pieces.selection {
            let unsignalled = plan.pieces.unsignalled.iter().map(|(track_id, _)| *track_id);
            selected.retain(|id| !track_ids.contains(id) || unsignalled.clone().any(|unsignalled| unsignalled == *id));
        }
        if is_alone && plan.pieces.unsignalled.is_empty() {
            return Err(DecryptError::NotEncrypted { path: self.options.input.clone(), tracks: track_ids.len() });
        }
        Ok(())
    }

    /// The keys that may be those of a track that names none.
    fn candidates(&self, track_id: u32) -> Vec<KeyId> {
        if let Some(licence) = &self.options.licence {
            return licence.kids().to_vec();
        }
        let given = self.options.keys.for_track(track_id);
        // A key that serves every KID serves this one.
        if given.get(&KeyId::default()).is_some() { vec![KeyId::default()] } else { given.kids() }
    }

    /// Finds out how the whole samples of `cens` tracks end.
    fn find_tails(&self, movie: &Movie<Metadata>, plan: &mut Plan) -> Result<(), DecryptError> {
        let is_whole = |track: &Track| {
            track.sample_entries().iter().filter_map(|entry| entry.protection.as_ref()).any(|protection| {
                let gpac = Pattern { crypt_blocks: 1, skip_blocks: 0 };
                protection.scheme == Scheme::Cens && protection.pattern.is_none_or(|pattern| pattern == gpac)
            })
        };
        for track in movie.tracks().iter().filter(|track| is_whole(track)) {
            let track_id = track.id();
            match self.options.cens_tail {
                CensTail::Clear => plan.pieces.encrypted_tails.push((track_id, false)),
                CensTail::Encrypted => plan.pieces.encrypted_tails.push((track_id, true)),
                CensTail::Auto => {
                    let is_selected = match &plan.pieces.selection {
                        Selection::Tracks(track_ids) => track_ids.contains(&track_id),
                        _ => true,
                    };
                    if let (true, Some(reopen)) = (is_selected, self.reopen) {
                        self.find_tail(track_id, reopen, plan)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn find_tail(&self, track_id: u32, reopen: &Reopen, plan: &mut Plan) -> Result<(), DecryptError> {
        let options = Options { partial: true, ..Options::new(Selection::Tracks(vec![track_id])) };
        let (mut samples, syntax) =
            trial::first_samples(reopen, options).map_err(|error| self.names.container(error))?;
        samples.retain(|sample| {
            let tail = |it: &softcp_cenc::SampleEncryption| {
                let is_whole = it.scheme == Scheme::Cens && it.subsamples.is_empty() && it.pattern.is_none();
                is_whole && sample.len % 16 != 0 && self.has_key(track_id, &it.kid)
            };
            sample.encryption.as_ref().is_some_and(tail)
        });
        if samples.is_empty() {
            return Ok(());
        }
        let mut tail = Tail::new(syntax);
        Trial::new(self.driver, self.options).run(
            track_id,
            reopen,
            &samples,
            |sample| Sample {
                encryption: sample
                    .encryption
                    .clone()
                    .map(|it| softcp_cenc::SampleEncryption { encrypted_tail: true, ..it }),
                ..sample.clone()
            },
            |sample, bytes| tail.look_at(reopen, sample, bytes),
        )?;
        if let Some(is_encrypted) = tail.is_encrypted() {
            plan.pieces.encrypted_tails.push((track_id, is_encrypted));
        } else {
            let text = "whether the last bytes of samples, behind their last whole block, are encrypted cannot be told: \
                        they were left as they are, as the standard says; --cens-tail chooses";
            plan.notes.push(FileNote::new(FileNoteKind::TailUnknown, Some(track_id), text.to_owned()));
        }
        Ok(())
    }

    fn read(&self, source: std::io::Error) -> DecryptError {
        DecryptError::ReadInput { path: self.options.input.clone(), source }
    }
}
