//! What a pass over the file carries along: the movie in force, the selection, and the numbers of samples seen.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{BoxDefect, Error, Result};
use crate::meta::Meta;
use crate::movie::{MovieBox, Options, Selection, Tracks};
use crate::note::Notes;
use crate::rewrite::Edit;
use crate::track::Track;

/// Tracks, selection and sample counts during one pass.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) options: Options,
    pub(crate) tracks: Tracks,
    /// Of each track, whether its samples are wanted.
    pub(crate) selected: Vec<bool>,
    /// Whether the movie has fragments.
    pub(crate) fragmented: bool,
    pub(crate) notes: Notes,
    /// Whether the boxes about key systems go: every protected track is selected.
    drop_system_headers: bool,
    /// The `moov` box that is in force, and as it is rewritten, if it changes.
    moov: Arc<Meta>,
    moov_bytes: Option<Vec<u8>>,
    /// Tracks with samples that have initialization vectors, and those of which it is known that none has.
    vectors: HashMap<u32, bool>,
    /// Samples of each track so far.
    sample_counts: HashMap<u32, u64>,
    /// How many samples the file may still have: one for each of its bytes.
    samples_left: u64,
}

impl Pass {
    /// Begins a pass over a file of `file_len` bytes with its first movie.
    pub(crate) fn new(movie: MovieBox, options: Options, notes: Notes, file_len: u64) -> Result<Self> {
        let mut pass = Self {
            options,
            tracks: Tracks::default(),
            selected: Vec::new(),
            fragmented: false,
            notes,
            drop_system_headers: false,
            moov: Arc::clone(&movie.meta),
            moov_bytes: None,
            vectors: HashMap::new(),
            sample_counts: HashMap::new(),
            samples_left: file_len,
        };
        if let Selection::Tracks(track_ids) = &pass.options.selection {
            let unknown = track_ids.iter().find(|track_id| movie.tracks.position(**track_id).is_none());
            if let Some(&track_id) = unknown {
                return Err(Error::NoSuchTrack { track_id });
            }
        }
        pass.set_movie(movie)?;
        Ok(pass)
    }

    /// Puts another movie in force.
    pub(crate) fn set_movie(&mut self, movie: MovieBox) -> Result<()> {
        let MovieBox { meta, mut tracks, system_headers, fragmented } = movie;
        for (track_id, kid) in &self.options.unsignalled {
            if let Some(track) = tracks.get_mut(*track_id).filter(|track| track.protection().is_none()) {
                track.set_unsignalled_key(*kid)?;
            }
        }
        for (track_id, is_encrypted) in &self.options.encrypted_tails {
            if let Some(track) = tracks.get_mut(*track_id) {
                track.set_encrypted_tail(*is_encrypted);
            }
        }
        self.selected = selected(&tracks, &self.options.selection)?;
        let protected = |track: &Track| track.protection().is_some();
        let mut both = tracks.list.iter().zip(&self.selected);
        self.drop_system_headers =
            both.all(|(track, selected)| *selected || !protected(track)) && tracks.list.iter().any(protected);
        for track in &tracks.list {
            let count = u64::from(track.table().sample_count);
            *self.sample_counts.entry(track.id()).or_default() += count;
            self.samples_left = self.samples_left.saturating_sub(count);
        }
        let chosen = tracks.list.iter().zip(&self.selected).filter(|(_, selected)| **selected);
        let edits: Vec<_> = chosen.flat_map(|(track, _)| track.edits()).copied().collect();
        self.moov_bytes = self.rewrite(&meta, &edits, &system_headers);
        (self.tracks, self.fragmented, self.moov) = (tracks, fragmented, meta);
        Ok(())
    }

    /// Reads another `moov` box, unless it has the contents of the one in force: then it says so by `None`.
    pub(crate) fn read_movie(&mut self, meta: Meta) -> Result<Option<MovieBox>> {
        if meta.bytes() == self.moov.bytes() {
            return Ok(None);
        }
        let counts = &self.sample_counts;
        let first_index = |track_id: u32| counts.get(&track_id).copied().unwrap_or_default();
        let mut samples_left = self.samples_left;
        MovieBox::parse(Arc::new(meta), &mut samples_left, first_index, &mut self.notes).map(Some)
    }

    /// The `moov` box in force.
    pub(crate) fn moov(&self) -> &Meta {
        &self.moov
    }

    /// The `moov` box in force as rewritten, if it changes.
    pub(crate) fn moov_bytes(&self) -> Option<&[u8]> {
        self.moov_bytes.as_deref()
    }

    /// The bytes of a box after its changes, if there are any.
    pub(crate) fn rewrite(&self, meta: &Meta, edits: &[Edit], system_headers: &[Edit]) -> Option<Vec<u8>> {
        let system_headers = if self.drop_system_headers { system_headers } else { &[] };
        if edits.is_empty() && system_headers.is_empty() {
            return None;
        }
        Some(Edit::apply(meta, edits.iter().chain(system_headers)))
    }

    /// The track with this number.
    pub(crate) fn track(&self, track_id: u32) -> Option<&Track> {
        self.tracks.list.get(self.tracks.position(track_id)?)
    }

    /// The track with this number, and where to put notes about it.
    pub(crate) fn track_and_notes(&mut self, track_id: u32) -> Option<(&Track, &mut Notes)> {
        Some((self.tracks.list.get(self.tracks.position(track_id)?)?, &mut self.notes))
    }

    /// Whether the track's samples are wanted.
    pub(crate) fn is_selected(&self, track_id: u32) -> bool {
        self.tracks.position(track_id).is_some_and(|position| self.selected[position])
    }

    /// Whether samples of the track are known to have initialization vectors.
    pub(crate) fn has_vectors(&self, track_id: u32) -> bool {
        self.vectors.get(&track_id).copied().unwrap_or_default()
    }

    /// Whether it is to be found out if samples of the track have initialization vectors: it is protected, and its samples
    /// do not all share one.
    pub(crate) fn wants_vectors(&self, track_id: u32) -> bool {
        !self.vectors.contains_key(&track_id)
            && self.is_selected(track_id)
            && self.track(track_id).is_some_and(Track::may_have_vectors)
    }

    /// Takes note of whether samples of a track have initialization vectors.
    pub(crate) fn set_vectors(&mut self, track_id: u32, has: bool) {
        self.vectors.insert(track_id, has);
    }

    /// Takes note of `count` more samples of a track and gives the number of the first. Fails when there are more
    /// samples than the file has bytes.
    pub(crate) fn count_samples(&mut self, track_id: u32, count: u32) -> Result<u64, BoxDefect> {
        let count = u64::from(count);
        let left = self.samples_left.checked_sub(count);
        self.samples_left = left.ok_or(BoxDefect::TooManySamples { count, limit: self.samples_left })?;
        let seen = self.sample_counts.entry(track_id).or_default();
        let first = *seen;
        *seen += count;
        Ok(first)
    }

    /// Whether a movie so far has samples of its own, outside of fragments.
    pub(crate) fn has_samples(&self) -> bool {
        self.sample_counts.values().any(|count| *count > 0)
    }
}

/// Which of the tracks are selected.
fn selected(tracks: &Tracks, selection: &Selection) -> Result<Vec<bool>> {
    let selected: Vec<bool> = match selection {
        Selection::All => vec![true; tracks.list.len()],
        Selection::Protected => {
            tracks.list.iter().map(|track| track.protection().is_some() || track.unsignalled_key().is_some()).collect()
        }
        Selection::Tracks(track_ids) => tracks.list.iter().map(|track| track_ids.contains(&track.id())).collect(),
    };
    for (track, selected) in tracks.list.iter().zip(&selected) {
        if let (true, Some(scheme)) = (selected, track.unknown_scheme()) {
            return Err(Error::UnknownScheme { track_id: track.id(), scheme });
        }
    }
    Ok(selected)
}
