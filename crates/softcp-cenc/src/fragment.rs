//! Samples of movie fragments: `moof`, `traf`, `tfhd`, `trun` (ISO/IEC 14496-12, 8.8).

use std::sync::Arc;

use crate::auxiliary::Auxiliary;
use crate::error::{BoxDefect, Result};
use crate::fourcc::{TFHD, TRAF, TRUN};
use crate::meta::{BoxRef, Fields, Meta};
use crate::note::NoteKind;
use crate::pass::Pass;
use crate::rewrite::{Edit, is_system_header, sample_protection};
use crate::run::{Run, SampleCursor, SampleSet};
use crate::sample_group::{GroupCursor, SampleGroups};
use crate::sample_size::SampleSizes;
use crate::track::Track;

/// What a `moof` box says.
#[derive(Debug, Default)]
pub(crate) struct Fragment {
    /// The runs of the selected tracks, in the order of the file's boxes.
    pub(crate) runs: Vec<Run>,
    /// What makes the box describe clear samples of the selected tracks.
    pub(crate) edits: Vec<Edit>,
    /// The boxes about key systems.
    pub(crate) system_headers: Vec<Edit>,
    /// Where its data end, of all its tracks.
    pub(crate) data_end: u64,
    /// Whether it is of a track that the movie has.
    pub(crate) has_known_track: bool,
}

/// The numbers of the tracks that a `moof` box is about.
pub(crate) fn fragment_tracks(meta: &Meta) -> Result<Vec<u32>> {
    Ok(track_fragments(meta)?.into_iter().map(|(track_id, _)| track_id).collect())
}

/// The tracks of a `moof` box, each with whether it has initialization vectors there.
pub(crate) fn tracks_with_vectors(meta: &Meta) -> Result<Vec<(u32, bool)>> {
    let fragments = track_fragments(meta)?.into_iter();
    Ok(fragments.map(|(track_id, traf)| (track_id, Auxiliary::has_vectors(meta, &traf))).collect())
}

/// The tracks among `is_clear` whose `traf` has initialization vectors all the same.
pub(crate) fn unsignalled_tracks(meta: &Meta, is_clear: impl Fn(u32) -> bool) -> Result<Vec<u32>> {
    let fragments = track_fragments(meta)?.into_iter().filter(|(track_id, _)| is_clear(*track_id));
    let encrypted = fragments.filter(|(_, traf)| Auxiliary::find_unsignalled(meta, &[*traf]).is_some());
    Ok(encrypted.map(|(track_id, _)| track_id).collect())
}

/// The tracks among `samples`, which the `moov` box has so many samples of, whose vectors stand in this `moof` box: each with
/// a `senc` box for them. Those that have a `traf` here are taken out of `samples`: it is their first.
pub(crate) fn vectors_of_movie(meta: &Meta, samples: &mut Vec<(u32, u32)>) -> Result<Vec<(u32, Vec<u8>)>> {
    let mut found = Vec::new();
    for (track_id, traf) in track_fragments(meta)? {
        if let Some(place) = samples.iter().position(|(id, _)| *id == track_id) {
            let (_, count) = samples.swap_remove(place);
            found.extend(Auxiliary::entries_of_movie(meta, &traf, count).map(|senc| (track_id, senc)));
        }
    }
    Ok(found)
}

/// The `traf` boxes of a `moof` box with the numbers of their tracks.
fn track_fragments(meta: &Meta) -> Result<Vec<(u32, BoxRef)>> {
    let mut fragments = Vec::new();
    for child in meta.children(&meta.root()?) {
        let child = child?;
        if child.kind == TRAF {
            fragments.push((TrackFragmentHeader::parse(meta, &meta.require(&child, TFHD)?)?.track_id, child));
        }
    }
    Ok(fragments)
}

impl Fragment {
    /// Reads a `moof` box. What lies in front of `passed` has been given out: no sample may lie there.
    pub(crate) fn parse(meta: &Arc<Meta>, passed: u64, pass: &mut Pass) -> Result<Self> {
        let moof = meta.root()?;
        let mut fragment = Self::default();
        let mut data_end = None;
        for child in meta.children(&moof) {
            let child = child?;
            if child.kind == TRAF {
                data_end = fragment.add_traf(meta, &child, data_end, passed, pass)?.or(data_end);
            } else if is_system_header(&child) {
                fragment.system_headers.push(Edit::free(&child));
            }
        }
        Ok(fragment)
    }

    /// Reads a `traf` box and returns where its data ends, from which the next one may count; `None` if it is of a track
    /// that the movie does not have.
    fn add_traf(
        &mut self,
        meta: &Arc<Meta>,
        traf: &BoxRef,
        previous_end: Option<u64>,
        passed: u64,
        pass: &mut Pass,
    ) -> Result<Option<u64>> {
        let header = TrackFragmentHeader::parse(meta, &meta.require(traf, TFHD)?)?;
        let track_id = header.track_id;
        let base = match header.base {
            Some(base) => base,
            None if header.base_is_moof => meta.offset(),
            None => previous_end.unwrap_or(meta.offset()),
        };
        let Some(track) = pass.track(track_id) else {
            pass.notes.add(NoteKind::UnknownTrack, track_id, traf.offset);
            return Ok(None);
        };
        self.has_known_track = true;
        let defaults = track.fragment_defaults();
        let runs = TrackRuns::parse(meta, traf, base, header.sample_size.or(defaults.sample_size))?;
        self.data_end = self.data_end.max(runs.last_byte_end);
        if pass.is_selected(track_id) {
            if let Some(early) = runs.list.iter().find(|run| run.len > 0 && run.offset < passed) {
                return Err(traf.defect(BoxDefect::DataBeforeFragment { data: early.offset }));
            }
            if runs.list.iter().any(|run| run.len > 0 && run.offset < meta.offset()) {
                pass.notes.add(NoteKind::DataBeforeFragment, track_id, meta.offset());
            }
            let first_index = pass.count_samples(track_id, runs.count).map_err(|defect| traf.defect(defect))?;
            let description = header.description.or(defaults.description).unwrap_or(1);
            if let (Some(2), true) = (header.description, pass.track(track_id).is_some_and(Track::merges_entries)) {
                self.edits.push(Edit::Number { position: header.description_position, value: 1 });
            }
            let samples = SampleRange { first_index, count: runs.count, description, base };
            let set = self.sample_set(meta, traf, track_id, samples, pass)?;
            self.add_runs(&Arc::new(set), description, &runs.list)?;
        } else if pass.track(track_id).is_some_and(|track| track.protection().is_none())
            && Auxiliary::find_unsignalled(meta, &[*traf]).is_some()
        {
            pass.notes.add(NoteKind::UnsignalledEncryption, track_id, traf.offset);
        }
        Ok(Some(runs.data_end))
    }

    /// What the samples of a `traf` have in common. Notes what changes in it.
    fn sample_set(
        &mut self,
        meta: &Arc<Meta>,
        traf: &BoxRef,
        track_id: u32,
        samples: SampleRange,
        pass: &mut Pass,
    ) -> Result<SampleSet> {
        let others_have_vectors = pass.has_vectors(track_id);
        let (track, notes) =
            pass.track_and_notes(track_id).ok_or_else(|| traf.defect(BoxDefect::TrackId { track_id, taken: false }))?;
        let mut set = SampleSet {
            meta: Arc::clone(meta),
            track_id,
            first_index: samples.first_index,
            entries: Arc::clone(&track.set().entries),
            groups: SampleGroups::default(),
            auxiliary: Auxiliary::Absent,
            unsignalled: None,
            others_have_vectors,
            encrypted_tail: track.set().encrypted_tail,
        };
        if let Some(scheme) = track.known_scheme() {
            let descriptions = Arc::clone(track.set().groups.track_descriptions());
            set.groups = SampleGroups::of_fragment(meta, traf, descriptions, track_id, notes)?;
            set.auxiliary = Auxiliary::find(meta, &[*traf], scheme.code(), samples.base, track_id, notes)?;
        } else if let (Some(kid), Some((auxiliary, iv_size))) =
            (track.unsignalled_key(), Auxiliary::find_unsignalled(meta, &[*traf]))
        {
            notes.add(NoteKind::UnsignalledEncryption, track_id, traf.offset);
            set.unsignalled = Some((kid, iv_size));
            set.auxiliary = auxiliary;
        } else {
            return Ok(set);
        }
        let mut auxiliary = core::mem::replace(&mut set.auxiliary, Auxiliary::Absent);
        if auxiliary.settle(meta, samples.count, set.iv_size(samples.description), || {
            set.count_protected(&mut GroupCursor::default(), samples.description, 0, samples.count)
        })? {
            notes.add(NoteKind::RepeatedEntries, track_id, traf.offset);
        }
        set.auxiliary = auxiliary;
        self.edits.extend(sample_protection(meta, &[*traf])?);
        Ok(set)
    }

    fn add_runs(&mut self, set: &Arc<SampleSet>, description: u32, runs: &[TrackRun]) -> Result<()> {
        let mut cursor = SampleCursor::default();
        for (number, run) in (0..).zip(runs) {
            set.begin_run(&mut cursor, number)?;
            if run.count > 0 {
                self.runs.push(Run {
                    set: Arc::clone(set),
                    offset: run.offset,
                    left: run.count,
                    description,
                    sizes: run.sizes,
                    size_index: 0,
                    cursor,
                    is_clear: None,
                });
            }
            if (number as usize) + 1 < runs.len() {
                set.skip(&mut cursor, description, run.count)?;
            }
        }
        Ok(())
    }
}

/// The samples of a `traf`.
#[derive(Clone, Copy, Debug)]
struct SampleRange {
    /// Number within the track of the first.
    first_index: u64,
    count: u32,
    description: u32,
    /// What offsets count from.
    base: u64,
}

/// A `tfhd` box (ISO/IEC 14496-12, 8.8.7).
#[derive(Clone, Copy, Debug)]
struct TrackFragmentHeader {
    track_id: u32,
    base: Option<u64>,
    base_is_moof: bool,
    description: Option<u32>,
    /// Where that stands.
    description_position: usize,
    sample_size: Option<u32>,
}

impl TrackFragmentHeader {
    fn parse(meta: &Meta, of: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(of);
        let (_, flags) = fields.version_and_flags()?;
        let track_id = fields.u32()?;
        let base = if flags & 0x01 != 0 { Some(fields.u64()?) } else { None };
        let description_position = fields.position();
        let description = optional(&mut fields, flags, 0x02)?;
        let _duration = optional(&mut fields, flags, 0x08)?;
        let sample_size = optional(&mut fields, flags, 0x10)?;
        let base_is_moof = flags & 0x02_0000 != 0;
        Ok(Self { track_id, base, base_is_moof, description, description_position, sample_size })
    }
}

/// The `trun` boxes of a `traf`.
#[derive(Debug)]
struct TrackRuns {
    list: Vec<TrackRun>,
    /// Samples in all of them.
    count: u32,
    /// Where the last run ends.
    data_end: u64,
    /// Where the data of all runs end.
    last_byte_end: u64,
}

/// A `trun` box (ISO/IEC 14496-12, 8.8.8).
#[derive(Clone, Copy, Debug)]
struct TrackRun {
    offset: u64,
    count: u32,
    sizes: SampleSizes,
    /// Bytes of all its samples.
    len: u64,
}

impl TrackRuns {
    fn parse(meta: &Meta, traf: &BoxRef, base: u64, default_size: Option<u32>) -> Result<Self> {
        let mut runs = Self { list: Vec::new(), count: 0, data_end: base, last_byte_end: 0 };
        for child in meta.children(traf) {
            let child = child?;
            if child.kind != TRUN {
                continue;
            }
            let run = TrackRun::parse(meta, &child, base, runs.data_end, default_size)?;
            runs.count = runs.count.checked_add(run.count).ok_or_else(|| {
                let limit = u64::from(u32::MAX - runs.count);
                child.defect(BoxDefect::TooManySamples { count: run.count.into(), limit })
            })?;
            runs.data_end = run.offset.checked_add(run.len).ok_or_else(|| child.defect(BoxDefect::OffsetRange))?;
            if run.len > 0 {
                runs.last_byte_end = runs.last_byte_end.max(runs.data_end);
            }
            runs.list.push(run);
        }
        Ok(runs)
    }
}

impl TrackRun {
    /// `base` is what a given offset counts from, `next` is where the run begins if none is given.
    fn parse(meta: &Meta, of: &BoxRef, base: u64, next: u64, default_size: Option<u32>) -> Result<Self> {
        let mut fields = meta.fields(of);
        let (_, flags) = fields.version_and_flags()?;
        let count = fields.u32()?;
        let offset = match optional(&mut fields, flags, 0x01)? {
            Some(offset) => base.checked_add_signed(offset.cast_signed().into()),
            None => Some(next),
        };
        let offset = offset.ok_or_else(|| of.defect(BoxDefect::OffsetRange))?;
        let _first_sample_flags = optional(&mut fields, flags, 0x04)?;
        let present = |flag: u32| if flags & flag == 0 { 0 } else { 4 };
        let stride = present(0x100) + present(0x200) + present(0x400) + present(0x800);
        let table = fields.table(if stride == 0 { 0 } else { count }, stride)?;
        let sizes = match default_size {
            _ if flags & 0x200 != 0 => SampleSizes::Longs { table, field: if flags & 0x100 == 0 { 0 } else { 4 } },
            Some(size) => SampleSizes::Constant(size),
            None if count == 0 => SampleSizes::Constant(0),
            None => return Err(of.defect(BoxDefect::NoSampleSize)),
        };
        let len = sizes.sum(meta, count)?;
        Ok(Self { offset, count, sizes, len })
    }
}

/// A 32-bit field that is there if `flag` is set.
fn optional(fields: &mut Fields<'_>, flags: u32, flag: u32) -> Result<Option<u32>> {
    if flags & flag == 0 { Ok(None) } else { fields.u32().map(Some) }
}
