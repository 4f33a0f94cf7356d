//! What a pass over the file carries along: the selection and the numbers of samples seen.

use crate::error::{BoxDefect, Error, Result};
use crate::meta::Meta;
use crate::movie::{Selection, Tracks};
use crate::rewrite::Edit;
use crate::track::Track;

/// Tracks, selection and sample counts during one pass.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) tracks: Tracks,
    /// Of each track, whether its samples are wanted.
    pub(crate) selected: Vec<bool>,
    /// Whether the boxes about key systems go: every protected track is selected.
    drop_system_headers: bool,
    pub(crate) moov_offset: u64,
    /// The `moov` box as rewritten, if it changes, until it is given out.
    pub(crate) moov_bytes: Option<Vec<u8>>,
    /// Samples of each track.
    sample_counts: Vec<u64>,
    /// How many samples the file may still have: one for each of its bytes.
    samples_left: u64,
}

impl Pass {
    /// Begins a pass over a file of `file_len` bytes.
    pub(crate) fn new(
        moov: &Meta,
        tracks: Tracks,
        selection: &Selection,
        system_headers: &[Edit],
        file_len: u64,
    ) -> Result<Self> {
        let selected = selected(&tracks, selection)?;
        let protected = |track: &Track| track.protection().is_some();
        let mut both = tracks.list.iter().zip(&selected);
        let drop_system_headers =
            both.all(|(track, selected)| *selected || !protected(track)) && tracks.list.iter().any(protected);
        let sample_counts: Vec<_> = tracks.list.iter().map(|track| track.table().sample_count.into()).collect();
        let mut state = Self {
            tracks,
            selected,
            drop_system_headers,
            moov_offset: moov.offset(),
            moov_bytes: None,
            samples_left: file_len.saturating_sub(sample_counts.iter().sum()),
            sample_counts,
        };
        let chosen = state.tracks.list.iter().zip(&state.selected).filter(|(_, selected)| **selected);
        let edits: Vec<_> = chosen.flat_map(|(track, _)| track.edits()).copied().collect();
        state.moov_bytes = state.rewrite(moov, &edits, system_headers);
        Ok(state)
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

    /// Whether the track's samples are wanted.
    pub(crate) fn is_selected(&self, track_id: u32) -> bool {
        self.tracks.position(track_id).is_some_and(|position| self.selected[position])
    }

    /// Takes note of `count` more samples of a track and gives the number of the first. Fails when there are more
    /// samples than the file has bytes.
    pub(crate) fn count_samples(&mut self, track_id: u32, count: u32) -> Result<u64, BoxDefect> {
        let count = u64::from(count);
        let left = self.samples_left.checked_sub(count);
        self.samples_left = left.ok_or(BoxDefect::TooManySamples { count, limit: self.samples_left })?;
        let slot = self.tracks.position(track_id).and_then(|position| self.sample_counts.get_mut(position));
        Ok(slot.map_or(0, |slot| {
            let first = *slot;
            *slot += count;
            first
        }))
    }
}

/// Which of the tracks are selected.
fn selected(tracks: &Tracks, selection: &Selection) -> Result<Vec<bool>> {
    let selected = match selection {
        Selection::All => vec![true; tracks.list.len()],
        Selection::Tracks(track_ids) => {
            let mut selected = vec![false; tracks.list.len()];
            for &track_id in track_ids {
                let position = tracks.position(track_id).ok_or(Error::NoSuchTrack { track_id })?;
                selected[position] = true;
            }
            selected
        }
    };
    for (track, selected) in tracks.list.iter().zip(&selected) {
        if let (true, Some(scheme)) = (selected, track.unknown_scheme()) {
            return Err(Error::UnknownScheme { track_id: track.id(), scheme });
        }
    }
    Ok(selected)
}
