//! Tracks, as the `trak` box describes them (ISO/IEC 14496-12, 8.3 to 8.7).

use core::cmp::Reverse;
use std::sync::Arc;

use crate::auxiliary::Auxiliary;
use crate::error::{BoxDefect, Result};
use crate::fourcc::{HDLR, MDHD, MDIA, MINF, STBL, STSD, TKHD};
use crate::meta::{BoxRef, Meta};
use crate::note::{NoteKind, Notes};
use crate::rewrite::{Edit, sample_protection};
use crate::run::{Run, SampleCursor, SampleSet};
use crate::sample_entry::{Protection, SampleEntry, are_equal_when_clear};
use crate::sample_group::{GroupCursor, SampleGroups};
use crate::sample_table::{ChunkCursor, SampleTable};
use crate::{FourCc, KeyId, Scheme, Syntax};

/// Chunks of a track that need not be in file order: a day of video in chunks of a tenth of a second.
const MAX_UNORDERED_CHUNKS: u32 = 1 << 20;

/// A track of the movie.
#[derive(Debug)]
pub struct Track {
    id: u32,
    handler: FourCc,
    timescale: u32,
    duration: Option<u64>,
    sample_count: Option<u64>,
    key_ids: Vec<KeyId>,
    set: Arc<SampleSet>,
    table: SampleTable,
    edits: Vec<Edit>,
    defaults: FragmentDefaults,
    /// Initialization vectors of samples whose entries are clear, the size of each, and the changes that take them out.
    unsignalled: Option<(Auxiliary, u8, Vec<Edit>)>,
    /// The key of such samples.
    unsignalled_key: Option<KeyId>,
    /// Whether the second of two sample entries, which is the same as the first when it is clear, goes.
    merged: bool,
}

/// What `trex` gives for the fragments of a track (ISO/IEC 14496-12, 8.8.3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FragmentDefaults {
    pub(crate) description: Option<u32>,
    pub(crate) sample_size: Option<u32>,
}

impl Track {
    /// The track's number, by which selections and samples name it. Never the same for two tracks.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What the track is: `vide`, `soun`, `text`, `subt` and others.
    #[must_use]
    pub fn handler(&self) -> FourCc {
        self.handler
    }

    /// The codec of the first sample entry (`avc1`, `mp4a`), which for a protected entry is the original one. All zeros
    /// if there is no entry.
    #[must_use]
    pub fn codec(&self) -> FourCc {
        self.sample_entries().first().map_or(FourCc([0; 4]), |entry| entry.codec)
    }

    /// How the track is protected: by its first protected sample entry. `None` for a clear track.
    #[must_use]
    pub fn protection(&self) -> Option<&Protection> {
        self.sample_entries().iter().find_map(|entry| entry.protection.as_ref())
    }

    /// The sample entries. A track may mix clear and protected ones.
    #[must_use]
    pub fn sample_entries(&self) -> &[SampleEntry] {
        &self.set.entries
    }

    /// What its samples look like when they are clear: by its first protected sample entry, or in a clear track its first.
    #[must_use]
    pub fn syntax(&self) -> Syntax {
        let entries = self.sample_entries();
        let entry = entries.iter().find(|entry| entry.protection.is_some()).or(entries.first());
        entry.map_or(Syntax::default(), |entry| entry.syntax)
    }

    /// The keys that the `moov` box names for this track, each once: the defaults of its sample entries and those of
    /// its sample groups. Fragments may name more; those appear with their samples.
    #[must_use]
    pub fn key_ids(&self) -> &[KeyId] {
        &self.key_ids
    }

    /// Number of samples; `None` if the movie has fragments, where it shows only at the end.
    #[must_use]
    pub fn sample_count(&self) -> Option<u64> {
        self.sample_count
    }

    /// Units of time in a second.
    #[must_use]
    pub fn timescale(&self) -> u32 {
        self.timescale
    }

    /// Duration in units of the timescale as the header of the media gives it, if it does. Usually 0 in a movie with
    /// fragments.
    #[must_use]
    pub fn duration(&self) -> Option<u64> {
        self.duration
    }

    /// Reads a `trak` box. `samples_left` is how many samples the movie may still have; those of the track are taken
    /// off. `first_index` gives the number of the first sample of a track.
    pub(crate) fn parse(
        meta: &Arc<Meta>,
        trak: &BoxRef,
        fragmented: bool,
        samples_left: &mut u64,
        first_index: impl Fn(u32) -> u64,
        notes: &mut Notes,
    ) -> Result<Self> {
        let id = track_id(meta, &meta.require(trak, TKHD)?)?;
        let mdia = meta.require(trak, MDIA)?;
        let (timescale, duration) = media_header(meta, &meta.require(&mdia, MDHD)?)?;
        let handler = handler(meta, &meta.require(&mdia, HDLR)?)?;
        let stbl = meta.require(&meta.require(&mdia, MINF)?, STBL)?;

        let mut edits = Vec::new();
        let stsd = meta.require(&stbl, STSD)?;
        let (entries, merged) = sample_entries(meta, &stsd, handler, &mut edits, id, notes)?;
        let table = SampleTable::parse(meta, &stbl)?;
        if merged {
            edits.extend(table.merge_descriptions(meta)?);
        }
        let count = u64::from(table.sample_count);
        *samples_left = samples_left
            .checked_sub(count)
            .ok_or_else(|| trak.defect(BoxDefect::TooManySamples { count, limit: *samples_left }))?;
        let mut set = SampleSet {
            meta: Arc::clone(meta),
            track_id: id,
            first_index: first_index(id),
            entries: entries.into(),
            groups: SampleGroups::default(),
            auxiliary: Auxiliary::Absent,
            unsignalled: None,
            others_have_vectors: false,
            encrypted_tail: None,
        };
        let mut unsignalled = None;
        let parents = [stbl, *trak];
        if let Some(scheme) = known_scheme(&set.entries) {
            set.groups = SampleGroups::of_track(meta, &stbl, id, notes)?;
            set.auxiliary = Auxiliary::find(meta, &parents, scheme.code(), 0, id, notes)?;
            settle(&mut set, &table)?;
            edits.extend(sample_protection(meta, &parents)?);
        } else if set.entries.iter().all(|entry| entry.protection.is_none())
            && let Some((auxiliary, iv_size)) = Auxiliary::find_unsignalled(meta, &parents)
        {
            unsignalled = Some((auxiliary, iv_size, sample_protection(meta, &parents)?));
        }
        Ok(Self {
            id,
            handler,
            timescale,
            duration,
            sample_count: (!fragmented).then_some(table.sample_count.into()),
            key_ids: key_ids(&set),
            set: Arc::new(set),
            table,
            edits,
            defaults: FragmentDefaults::default(),
            unsignalled,
            unsignalled_key: None,
            merged,
        })
    }

    /// Whether the `moov` box has initialization vectors for samples whose entries say that they are clear.
    pub(crate) fn is_unsignalled(&self) -> bool {
        self.unsignalled.is_some()
    }

    /// The key of samples that are encrypted under clear entries, if they are to be decrypted.
    pub(crate) fn unsignalled_key(&self) -> Option<KeyId> {
        self.unsignalled_key
    }

    /// Takes samples that have initialization vectors under clear entries as encrypted with this key.
    pub(crate) fn set_unsignalled_key(&mut self, kid: KeyId) -> Result<()> {
        self.unsignalled_key = Some(kid);
        // No run refers to the set before the pass begins.
        if let (Some((auxiliary, iv_size, edits)), Some(set)) = (self.unsignalled.take(), Arc::get_mut(&mut self.set)) {
            set.unsignalled = Some((kid, iv_size));
            set.auxiliary = auxiliary;
            settle(set, &self.table)?;
            self.edits.extend(edits);
        }
        Ok(())
    }

    /// How many samples the `moov` box has for the track without initialization vectors, which each of them needs.
    pub(crate) fn lacks_vectors(&self) -> Option<u32> {
        let is_lacking = matches!(self.set.auxiliary, Auxiliary::Absent) && self.may_have_vectors();
        (is_lacking && self.table.sample_count > 0).then_some(self.table.sample_count)
    }

    /// Gives those samples the vectors in this `senc` box, which was found elsewhere.
    pub(crate) fn set_vectors(&mut self, senc: &[u8]) -> Result<()> {
        let Some(set) = Arc::get_mut(&mut self.set) else { return Ok(()) };
        let position = set.meta.bytes().len();
        // Behind the `moov` box nothing that was read of it moves.
        set.meta = Arc::new(Meta::new(set.meta.offset(), [set.meta.bytes(), senc].concat()));
        set.auxiliary = Auxiliary::appended(&set.meta, position)?;
        settle(set, &self.table)
    }

    /// Says whether the last partial block of whole `cens` samples is encrypted.
    pub(crate) fn set_encrypted_tail(&mut self, is_encrypted: bool) {
        if let Some(set) = Arc::get_mut(&mut self.set) {
            set.encrypted_tail = Some(is_encrypted);
        }
    }

    /// Takes the defaults of the `trex` box in which the number of the sample entry stands at this position.
    pub(crate) fn set_fragment_defaults(&mut self, defaults: FragmentDefaults, description: usize) {
        if self.merged && defaults.description == Some(2) {
            self.edits.push(Edit::Number { position: description, value: 1 });
        }
        self.defaults = defaults;
    }

    /// Whether the second of two sample entries goes, so that its samples are of the first.
    pub(crate) fn merges_entries(&self) -> bool {
        self.merged
    }

    pub(crate) fn fragment_defaults(&self) -> FragmentDefaults {
        self.defaults
    }

    /// The scheme of Common Encryption that the track uses, if it does.
    pub(crate) fn known_scheme(&self) -> Option<Scheme> {
        known_scheme(&self.set.entries)
    }

    /// The first protection that is not Common Encryption.
    pub(crate) fn unknown_scheme(&self) -> Option<FourCc> {
        self.sample_entries().iter().find_map(|entry| match entry.protection.as_ref()?.scheme {
            Scheme::Other(code) => Some(code),
            _ => None,
        })
    }

    /// Whether samples may have initialization vectors of their own: the track is protected, and does not give all of them
    /// one that they share.
    pub(crate) fn may_have_vectors(&self) -> bool {
        let entries = self.set.entries.iter().filter_map(|entry| entry.parameters.as_ref());
        let mut all = entries.chain(self.set.groups.track_descriptions().entries());
        all.any(|parameters| !parameters.protected || parameters.iv_size > 0)
    }

    /// The samples of the track in `moov`.
    pub(crate) fn set(&self) -> &Arc<SampleSet> {
        &self.set
    }

    pub(crate) fn table(&self) -> &SampleTable {
        &self.table
    }

    /// What makes the `moov` describe clear samples of this track.
    pub(crate) fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The chunks of the track that have samples, in file order.
    pub(crate) fn chunks(&self) -> Result<Chunks> {
        let in_order = ChunksInOrder { set: Arc::clone(&self.set), table: self.table, cursor: ChunkCursor::default() };
        if self.table.is_in_file_order(&self.set.meta)? { Ok(Chunks::InOrder(in_order)) } else { in_order.sort() }
    }
}

/// The chunks of a track as runs, in file order.
#[derive(Debug)]
pub(crate) enum Chunks {
    /// Found one by one.
    InOrder(ChunksInOrder),
    /// Found beforehand, the last first.
    Sorted(Vec<Run>),
}

impl Chunks {
    /// The next chunk. `cursor` is where the chunk before it ended.
    pub(crate) fn next(&mut self, cursor: SampleCursor) -> Result<Option<Run>> {
        match self {
            Self::InOrder(chunks) => chunks.next(cursor),
            Self::Sorted(runs) => Ok(runs.pop()),
        }
    }
}

/// The chunks of a track in the order of their numbers.
#[derive(Debug)]
pub(crate) struct ChunksInOrder {
    set: Arc<SampleSet>,
    table: SampleTable,
    cursor: ChunkCursor,
}

impl ChunksInOrder {
    fn next(&mut self, mut cursor: SampleCursor) -> Result<Option<Run>> {
        while let Some(chunk) = self.cursor.next(&self.set.meta, &self.table)? {
            self.set.begin_run(&mut cursor, chunk.number)?;
            if chunk.samples > 0 {
                return Ok(Some(Run {
                    set: Arc::clone(&self.set),
                    offset: chunk.offset,
                    left: chunk.samples,
                    description: chunk.description,
                    sizes: self.table.sizes,
                    size_index: chunk.first_sample,
                    cursor,
                    is_clear: None,
                }));
            }
        }
        Ok(None)
    }

    /// Finds all chunks, without reading the samples, and sorts them. Only here is memory needed for each chunk, so
    /// their number is limited.
    fn sort(mut self) -> Result<Chunks> {
        let count = self.table.chunk_offsets().count();
        if count > MAX_UNORDERED_CHUNKS {
            let limit = MAX_UNORDERED_CHUNKS;
            return Err(self.table.chunk_offsets().defect(BoxDefect::TooManyUnorderedChunks { count, limit }));
        }
        let mut runs = Vec::with_capacity(count as usize);
        let mut cursor = SampleCursor::default();
        while let Some(run) = self.next(cursor)? {
            cursor = run.cursor;
            self.set.skip(&mut cursor, run.description, run.left)?;
            runs.push(run);
        }
        runs.sort_unstable_by_key(|run| Reverse((run.offset, run.size_index)));
        Ok(Chunks::Sorted(runs))
    }
}

fn track_id(meta: &Meta, tkhd: &BoxRef) -> Result<u32> {
    let mut fields = meta.fields(tkhd);
    match fields.version_and_flags()? {
        (0, _) => fields.skip(8)?,
        (1, _) => fields.skip(16)?,
        (version, _) => return Err(tkhd.defect(BoxDefect::UnknownVersion(version))),
    }
    fields.u32()
}

/// Timescale and duration; a duration of all ones is none.
fn media_header(meta: &Meta, mdhd: &BoxRef) -> Result<(u32, Option<u64>)> {
    let mut fields = meta.fields(mdhd);
    match fields.version_and_flags()? {
        (0, _) => {
            fields.skip(8)?;
            let (timescale, duration) = (fields.u32()?, fields.u32()?);
            Ok((timescale, (duration != u32::MAX).then_some(duration.into())))
        }
        (1, _) => {
            fields.skip(16)?;
            let (timescale, duration) = (fields.u32()?, fields.u64()?);
            Ok((timescale, (duration != u64::MAX).then_some(duration)))
        }
        (version, _) => Err(mdhd.defect(BoxDefect::UnknownVersion(version))),
    }
}

fn handler(meta: &Meta, hdlr: &BoxRef) -> Result<FourCc> {
    let mut fields = meta.fields(hdlr);
    fields.version_and_flags()?;
    fields.skip(4)?;
    fields.four_cc()
}

fn sample_entries(
    meta: &Meta,
    stsd: &BoxRef,
    handler: FourCc,
    edits: &mut Vec<Edit>,
    track_id: u32,
    notes: &mut Notes,
) -> Result<(Vec<SampleEntry>, bool)> {
    let mut fields = meta.fields(stsd);
    fields.version_and_flags()?;
    let count = fields.u32()?;
    // No entry is shorter: header, six bytes reserved, data reference.
    fields.table(count, 16)?;
    let mut entries = Vec::with_capacity(count as usize);
    let mut boxes: Vec<BoxRef> = Vec::with_capacity(count as usize);
    let mut end = fields.position();
    for entry in meta.boxes_between(end, stsd.end) {
        match entry {
            Ok(entry) => {
                entries.push(SampleEntry::parse(meta, &entry, handler, edits)?);
                end = entry.end;
                boxes.push(entry);
                if entries.last().is_some_and(SampleEntry::is_type_unchanged) {
                    notes.add(NoteKind::EntryTypeUnchanged, track_id, entry.offset);
                }
            }
            // What is left over behind the last one is none.
            Err(_) if entries.len() as u64 == u64::from(count) => break,
            Err(error) => return Err(error),
        }
    }
    if end < stsd.end {
        notes.add(NoteKind::SampleEntryPadding, track_id, stsd.offset);
    }
    if entries.len() as u64 != u64::from(count) {
        let expected = entries.len() as u64;
        return Err(stsd.defect(BoxDefect::CountMismatch { count: count.into(), expected }));
    }
    Ok(match (entries.as_slice(), boxes.as_slice()) {
        ([first, second], [first_box, second_box]) if end == stsd.end => {
            let is_protected = first.parameters.is_some() || second.parameters.is_some();
            let is_one = is_protected && are_equal_when_clear(meta, (first_box, first), (second_box, second));
            let size =
                u32::try_from(second_box.start - stsd.start).ok().filter(|_| is_one && stsd.payload == stsd.start + 8);
            if let Some(size) = size {
                // The second entry becomes unused space behind `stsd`, which ends earlier.
                edits.push(Edit::Number { position: stsd.start, value: size });
                edits.push(Edit::Number { position: stsd.payload + 4, value: 1 });
                edits.push(Edit::free(second_box));
                notes.add(NoteKind::EntriesMerged, track_id, second_box.offset);
            }
            (entries, size.is_some())
        }
        _ => (entries, false),
    })
}

fn known_scheme(entries: &[SampleEntry]) -> Option<Scheme> {
    entries.iter().find(|entry| entry.parameters.is_some())?.protection.as_ref().map(|protection| protection.scheme)
}

fn settle(set: &mut SampleSet, table: &SampleTable) -> Result<()> {
    let mut auxiliary = core::mem::replace(&mut set.auxiliary, Auxiliary::Absent);
    let meta = Arc::clone(&set.meta);
    auxiliary.settle(&meta, table.sample_count, None, || {
        let mut chunks = ChunkCursor::default();
        let mut groups = GroupCursor::default();
        let mut protected = 0u32;
        while let Some(chunk) = chunks.next(&set.meta, table)? {
            protected += set.count_protected(&mut groups, chunk.description, chunk.first_sample, chunk.samples)?;
        }
        Ok(protected)
    })?;
    set.auxiliary = auxiliary;
    Ok(())
}

fn key_ids(set: &SampleSet) -> Vec<KeyId> {
    let defaults = set.entries.iter().filter_map(|entry| entry.parameters.as_ref());
    let groups = set.groups.track_descriptions().entries().iter();
    let mut key_ids: Vec<_> = defaults.chain(groups).filter(|key| key.protected).map(|key| key.kid).collect();
    key_ids.sort_unstable();
    key_ids.dedup();
    key_ids
}
