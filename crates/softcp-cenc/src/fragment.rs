//! Samples of movie fragments: `moof`, `traf`, `tfhd`, `trun` (ISO/IEC 14496-12, 8.8).

use std::sync::Arc;

use crate::auxiliary::Auxiliary;
use crate::error::{BoxDefect, Result};
use crate::fourcc::{TFHD, TRAF, TRUN};
use crate::meta::{BoxRef, Fields, Meta};
use crate::pass::Pass;
use crate::rewrite::{Edit, is_sample_protection, is_system_header};
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
}

impl Fragment {
    /// Reads a `moof` box.
    pub(crate) fn parse(meta: &Arc<Meta>, pass: &mut Pass) -> Result<Self> {
        let moof = meta.root()?;
        let mut fragment = Self::default();
        let mut data_end = None;
        for child in meta.children(&moof) {
            let child = child?;
            if child.kind == TRAF {
                data_end = Some(fragment.add_traf(meta, &child, data_end, pass)?);
            } else if is_system_header(&child) {
                fragment.system_headers.push(Edit::free(&child));
            }
        }
        Ok(fragment)
    }

    /// Reads a `traf` box and returns where its data ends, from which the next one may count.
    fn add_traf(&mut self, meta: &Arc<Meta>, traf: &BoxRef, previous_end: Option<u64>, pass: &mut Pass) -> Result<u64> {
        let header = TrackFragmentHeader::parse(meta, &meta.require(traf, TFHD)?)?;
        let track_id = header.track_id;
        let no_track = || header.of.defect(BoxDefect::TrackId { track_id, taken: false });
        let base = match header.base {
            Some(base) => base,
            None if header.base_is_moof => meta.offset(),
            None => previous_end.unwrap_or(meta.offset()),
        };
        let defaults = pass.track(track_id).ok_or_else(no_track)?.fragment_defaults();
        let runs = TrackRuns::parse(meta, traf, base, header.sample_size.or(defaults.sample_size))?;
        if pass.is_selected(track_id) {
            let first_index = pass.count_samples(track_id, runs.count).map_err(|defect| traf.defect(defect))?;
            let track = pass.track(track_id).ok_or_else(no_track)?;
            let description = header.description.or(defaults.description).unwrap_or(1);
            let set =
                self.sample_set(meta, traf, track, SampleRange { first_index, count: runs.count, description, base })?;
            self.add_runs(&Arc::new(set), description, &runs.list)?;
        }
        Ok(runs.data_end)
    }

    /// What the samples of a `traf` have in common. Notes what changes in it.
    fn sample_set(
        &mut self,
        meta: &Arc<Meta>,
        traf: &BoxRef,
        track: &Track,
        samples: SampleRange,
    ) -> Result<SampleSet> {
        let mut set = SampleSet {
            meta: Arc::clone(meta),
            track_id: track.id(),
            first_index: samples.first_index,
            entries: Arc::clone(&track.set().entries),
            groups: SampleGroups::default(),
            auxiliary: Auxiliary::Absent,
        };
        let Some(scheme) = track.known_scheme() else { return Ok(set) };
        set.groups = SampleGroups::of_fragment(meta, traf, Arc::clone(track.set().groups.track_descriptions()))?;
        let mut auxiliary = Auxiliary::find(meta, &[*traf], scheme, samples.base)?;
        auxiliary.settle(samples.count, || {
            set.count_protected(&mut GroupCursor::default(), samples.description, 0, samples.count)
        })?;
        set.auxiliary = auxiliary;
        for child in meta.children(traf) {
            let child = child?;
            if is_sample_protection(meta, &child, scheme) {
                self.edits.push(Edit::free(&child));
            }
        }
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
    of: BoxRef,
    track_id: u32,
    base: Option<u64>,
    base_is_moof: bool,
    description: Option<u32>,
    sample_size: Option<u32>,
}

impl TrackFragmentHeader {
    fn parse(meta: &Meta, of: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(of);
        let (_, flags) = fields.version_and_flags()?;
        let track_id = fields.u32()?;
        let base = if flags & 0x01 != 0 { Some(fields.u64()?) } else { None };
        let description = optional(&mut fields, flags, 0x02)?;
        let _duration = optional(&mut fields, flags, 0x08)?;
        let sample_size = optional(&mut fields, flags, 0x10)?;
        Ok(Self { of: *of, track_id, base, base_is_moof: flags & 0x02_0000 != 0, description, sample_size })
    }
}

/// The `trun` boxes of a `traf`.
#[derive(Debug)]
struct TrackRuns {
    list: Vec<TrackRun>,
    /// Samples in all of them.
    count: u32,
    data_end: u64,
}

/// A `trun` box (ISO/IEC 14496-12, 8.8.8).
#[derive(Clone, Copy, Debug)]
struct TrackRun {
    offset: u64,
    count: u32,
    sizes: SampleSizes,
}

impl TrackRuns {
    fn parse(meta: &Meta, traf: &BoxRef, base: u64, default_size: Option<u32>) -> Result<Self> {
        let mut runs = Self { list: Vec::new(), count: 0, data_end: base };
        for child in meta.children(traf) {
            let child = child?;
            if child.kind != TRUN {
                continue;
            }
            let run = TrackRun::parse(meta, &child, base, runs.data_end, default_size)?;
            let len = run.sizes.sum(meta, run.count)?;
            if len > 0 && run.offset < meta.offset() {
                return Err(child.defect(BoxDefect::DataBeforeFragment { data: run.offset }));
            }
            runs.count = runs.count.checked_add(run.count).ok_or_else(|| {
                let limit = u64::from(u32::MAX - runs.count);
                child.defect(BoxDefect::TooManySamples { count: run.count.into(), limit })
            })?;
            runs.data_end = run.offset.checked_add(len).ok_or_else(|| child.defect(BoxDefect::OffsetRange))?;
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
        Ok(Self { offset, count, sizes })
    }
}

/// A 32-bit field that is there if `flag` is set.
fn optional(fields: &mut Fields<'_>, flags: u32, flag: u32) -> Result<Option<u32>> {
    if flags & flag == 0 { Ok(None) } else { fields.u32().map(Some) }
}
