//! Sample groups of type `seig`: keys for some of a track's samples (ISO/IEC 14496-12, 8.9; ISO/IEC 23001-7, 6).

use std::sync::Arc;

use crate::error::{BoxDefect, Result};
use crate::fourcc::{CSGP, SBGP, SEIG, SGPD};
use crate::meta::{BoxRef, Meta, Table};
use crate::note::{NoteKind, Notes};
use crate::protection::KeyParameters;
use crate::rewrite::grouping_type;

/// Group numbers of a fragment's own descriptions begin after this one (ISO/IEC 14496-12, 8.9.4).
const FRAGMENT_LOCAL: u32 = 0x1_0000;

/// The key groups that an `sgpd` box describes.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupDescriptions {
    entries: Vec<KeyParameters>,
    /// The group of samples that no `sbgp` places, from 1; 0 is none.
    default: u32,
}

impl GroupDescriptions {
    /// Every description.
    pub(crate) fn entries(&self) -> &[KeyParameters] {
        &self.entries
    }

    fn parse(meta: &Meta, sgpd: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(sgpd);
        let (version, _) = fields.version_and_flags()?;
        if version > 2 {
            return Err(sgpd.defect(BoxDefect::UnknownVersion(version)));
        }
        fields.skip(4)?;
        let default_length = if version >= 1 { fields.u32()? } else { 0 };
        let default = if version >= 2 { fields.u32()? } else { 0 };
        let count = fields.u32()?;
        // Twenty bytes is the shortest description; this bounds the list by the size of the box.
        fields.table(count, 20)?;
        let mut entries = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let length = match (version, default_length) {
                (0, _) => None,
                (_, 0) => Some(fields.u32()?),
                (_, length) => Some(length),
            };
            let start = fields.position();
            entries.push(KeyParameters::from_seig(sgpd, &mut fields)?);
            if let Some(length) = length {
                let rest = (length as usize).checked_sub(fields.position() - start);
                fields.skip(rest.ok_or_else(|| sgpd.defect(BoxDefect::Truncated))?)?;
            }
        }
        Ok(Self { entries, default })
    }

    fn get(&self, number: u32) -> Option<&KeyParameters> {
        self.entries.get(number.checked_sub(1)? as usize)
    }
}

/// Which samples of a track, or of one fragment of it, are in which key group.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleGroups {
    runs: Option<GroupRuns>,
    /// Descriptions of the track.
    track: Arc<GroupDescriptions>,
    /// Descriptions of the fragment; empty for a track.
    fragment: GroupDescriptions,
}

/// Where the group number of each sample comes from.
#[derive(Clone, Debug)]
enum GroupRuns {
    /// `sbgp`: number of samples, group number.
    Runs(Table),
    /// `csgp`.
    Patterns(Patterns),
}

impl SampleGroups {
    /// Groups of the samples in a `moov`, from the boxes in `stbl`.
    pub(crate) fn of_track(meta: &Meta, stbl: &BoxRef, track_id: u32, notes: &mut Notes) -> Result<Self> {
        let boxes = GroupBoxes::find(meta, stbl, track_id, notes)?;
        Ok(Self { runs: boxes.runs, track: Arc::new(boxes.descriptions), fragment: GroupDescriptions::default() })
    }

    /// Groups of the samples in a `traf` of the track that has the descriptions `track`.
    pub(crate) fn of_fragment(
        meta: &Meta,
        traf: &BoxRef,
        track: Arc<GroupDescriptions>,
        track_id: u32,
        notes: &mut Notes,
    ) -> Result<Self> {
        let boxes = GroupBoxes::find(meta, traf, track_id, notes)?;
        Ok(Self { runs: boxes.runs, track, fragment: boxes.descriptions })
    }

    /// The descriptions of the track.
    pub(crate) fn track_descriptions(&self) -> &Arc<GroupDescriptions> {
        &self.track
    }

    /// Whether every sample takes its parameters from its sample entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_none() && self.default_number() == 0
    }

    /// The parameters of group `number`, as [`GroupCursor::next`] gives it.
    pub(crate) fn get(&self, number: u32) -> Option<&KeyParameters> {
        if number > FRAGMENT_LOCAL { self.fragment.get(number - FRAGMENT_LOCAL) } else { self.track.get(number) }
    }

    fn default_number(&self) -> u32 {
        match self.fragment.default {
            0 => self.track.default,
            local => local.saturating_add(FRAGMENT_LOCAL),
        }
    }
}

/// Goes through the samples in order and says which group each is in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupCursor {
    next_run: u32,
    left: u32,
    number: u32,
    pattern: PatternCursor,
}

impl GroupCursor {
    /// The group number of the next sample; 0 is none.
    pub(crate) fn next(&mut self, meta: &Meta, groups: &SampleGroups) -> Result<u32> {
        match &groups.runs {
            None => Ok(groups.default_number()),
            Some(GroupRuns::Patterns(patterns)) => {
                Ok(self.pattern.next(meta, patterns)?.unwrap_or_else(|| groups.default_number()))
            }
            Some(GroupRuns::Runs(runs)) => {
                while self.left == 0 {
                    if self.next_run == runs.count() {
                        return Ok(groups.default_number());
                    }
                    self.left = runs.u32(meta, self.next_run, 0)?;
                    self.number = runs.u32(meta, self.next_run, 4)?;
                    self.next_run += 1;
                }
                self.left -= 1;
                Ok(self.number)
            }
        }
    }
}

/// The patterns of a `csgp` box (ISO/IEC 14496-12:2020, 8.9.5): each is a sequence of group numbers that some samples go
/// through again and again. Its fields have 4, 8, 16 or 32 bits each, so positions count half bytes.
#[derive(Clone, Copy, Debug)]
struct Patterns {
    of: BoxRef,
    count: u32,
    /// Where lengths and sample counts begin, and where the group numbers.
    table: usize,
    numbers: usize,
    length_size: u8,
    count_size: u8,
    number_size: u8,
    /// Whether the highest bit of a number says that the group is the fragment's own.
    marks_local: bool,
}

impl Patterns {
    fn parse(meta: &Meta, csgp: &BoxRef) -> Result<Self> {
        let mut fields = meta.fields(csgp);
        let (version, flags) = fields.version_and_flags()?;
        if version != 0 {
            return Err(csgp.defect(BoxDefect::UnknownVersion(version)));
        }
        fields.skip(if flags & 0x40 == 0 { 4 } else { 8 })?;
        let count = fields.u32()?;
        // In half bytes.
        let size = |code: u32| [1u8, 2, 4, 8][code as usize & 3];
        let (length_size, count_size) = (size(flags >> 4), size(flags >> 2));
        let table = 2 * fields.position();
        let entry = usize::from(length_size) + usize::from(count_size);
        let room = 2 * fields.remaining() / entry;
        if count as usize > room {
            return Err(csgp.defect(BoxDefect::CountTooLarge { count: count.into(), room: room as u64 }));
        }
        let patterns = Self {
            of: *csgp,
            count,
            table,
            numbers: table + count as usize * entry,
            length_size,
            count_size,
            number_size: size(flags),
            marks_local: flags & 0x80 != 0,
        };
        let mut total = 0u64;
        for index in 0..count {
            let (length, samples) = patterns.pattern(meta, index)?;
            if length == 0 && samples > 0 {
                return Err(csgp.defect(BoxDefect::Reserved { field: "pattern_length", value: 0 }));
            }
            total += u64::from(length);
        }
        let room = (2 * csgp.end - patterns.numbers) / usize::from(patterns.number_size);
        if total > room as u64 {
            return Err(csgp.defect(BoxDefect::CountTooLarge { count: total, room: room as u64 }));
        }
        Ok(patterns)
    }

    /// Length of a pattern, and how many samples it is for.
    fn pattern(&self, meta: &Meta, index: u32) -> Result<(u32, u32)> {
        let entry = usize::from(self.length_size) + usize::from(self.count_size);
        let at = self.table + index as usize * entry;
        let samples = self.field(meta, at + usize::from(self.length_size), self.count_size)?;
        Ok((self.field(meta, at, self.length_size)?, samples))
    }

    /// Group number `index` of all patterns.
    fn number(&self, meta: &Meta, index: u64) -> Result<u32> {
        let index = usize::try_from(index).map_err(|_| self.of.defect(BoxDefect::Truncated))?;
        let number = self.field(meta, self.numbers + index * usize::from(self.number_size), self.number_size)?;
        let mark = 1 << (4 * u32::from(self.number_size) - 1);
        if self.marks_local && number & mark != 0 {
            return Ok((number & !mark).saturating_add(FRAGMENT_LOCAL));
        }
        Ok(number)
    }

    /// A number of `size` half bytes.
    fn field(&self, meta: &Meta, at: usize, size: u8) -> Result<u32> {
        (at..at + usize::from(size)).try_fold(0, |number, half| {
            let byte = meta.bytes().get(half / 2).filter(|_| half / 2 < self.of.end);
            let byte = *byte.ok_or_else(|| self.of.defect(BoxDefect::Truncated))?;
            let digit = if half % 2 == 0 { byte >> 4 } else { byte & 0x0f };
            Ok(number << 4 | u32::from(digit))
        })
    }
}

/// Goes through the samples of patterns.
#[derive(Clone, Copy, Debug, Default)]
struct PatternCursor {
    /// Patterns begun.
    next: u32,
    /// Samples left of the pattern.
    left: u32,
    /// Its first group number, its length, and the next one within it.
    start: u64,
    length: u32,
    position: u32,
}

impl PatternCursor {
    /// The group number of the next sample; `None` behind the last pattern.
    fn next(&mut self, meta: &Meta, patterns: &Patterns) -> Result<Option<u32>> {
        while self.left == 0 {
            if self.next == patterns.count {
                return Ok(None);
            }
            self.start += u64::from(self.length);
            (self.length, self.left) = patterns.pattern(meta, self.next)?;
            self.position = 0;
            self.next += 1;
        }
        let number = patterns.number(meta, self.start + u64::from(self.position))?;
        self.left -= 1;
        self.position = if self.position + 1 == self.length { 0 } else { self.position + 1 };
        Ok(Some(number))
    }
}

/// The `seig` boxes among the children of `stbl` or `traf`.
#[derive(Default)]
struct GroupBoxes {
    runs: Option<GroupRuns>,
    descriptions: GroupDescriptions,
}

impl GroupBoxes {
    fn find(meta: &Meta, parent: &BoxRef, track_id: u32, notes: &mut Notes) -> Result<Self> {
        let mut found = Self::default();
        let (mut described, mut placed): (Option<BoxRef>, Option<BoxRef>) = (None, None);
        for child in meta.children(parent) {
            let child = child?;
            if !matches!(child.kind, SGPD | SBGP | CSGP) || grouping_type(meta, &child) != Some(SEIG) {
                continue;
            }
            let before = if child.kind == SGPD { &mut described } else { &mut placed };
            if let Some(before) = before.replace(child) {
                if before.kind != child.kind || meta.payload(&before) != meta.payload(&child) {
                    return Err(child.defect(BoxDefect::Duplicate));
                }
                notes.add(NoteKind::DuplicateBox, track_id, child.offset);
                continue;
            }
            match child.kind {
                SGPD => found.descriptions = GroupDescriptions::parse(meta, &child)?,
                SBGP => found.runs = Some(GroupRuns::Runs(sample_runs(meta, &child)?)),
                _ => found.runs = Some(GroupRuns::Patterns(Patterns::parse(meta, &child)?)),
            }
        }
        Ok(found)
    }
}

/// The table of an `sbgp` box: number of samples, group number.
fn sample_runs(meta: &Meta, sbgp: &BoxRef) -> Result<Table> {
    let mut fields = meta.fields(sbgp);
    let (version, _) = fields.version_and_flags()?;
    match version {
        0 => fields.skip(4)?,
        1 => fields.skip(8)?,
        _ => return Err(sbgp.defect(BoxDefect::UnknownVersion(version))),
    }
    let count = fields.u32()?;
    fields.table(count, 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, bx};

    /// A protected description with eight-byte vectors.
    fn seig(kid: u8) -> Vec<u8> {
        [&[0, 0, 1, 8][..], &[kid; 16]].concat()
    }

    fn sgpd(version: u8, middle: &[u8], entries: &[&[u8]]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
        bx(b"sgpd", &[&[version, 0, 0, 0], b"seig", middle, &count, &entries.concat()])
    }

    fn sbgp(runs: &[(u32, u32)]) -> Vec<u8> {
        let count = u32::try_from(runs.len()).unwrap().to_be_bytes();
        let runs: Vec<u8> = runs.iter().flat_map(|run| [run.0.to_be_bytes(), run.1.to_be_bytes()]).flatten().collect();
        bx(b"sbgp", &[&[0; 4], b"seig", &count, &runs])
    }

    fn groups(boxes: &[Vec<u8>]) -> Result<(Meta, SampleGroups)> {
        let meta = Meta::new(0, bx(b"stbl", &[&boxes.concat()]));
        let groups = SampleGroups::of_track(&meta, &meta.root()?, 1, &mut Notes::default())?;
        Ok((meta, groups))
    }

    fn of_fragment(meta: &Meta, track: Arc<GroupDescriptions>) -> Result<SampleGroups> {
        SampleGroups::of_fragment(meta, &meta.root()?, track, 1, &mut Notes::default())
    }

    fn defect(boxes: &[Vec<u8>]) -> BoxDefect {
        testing::defect(groups(boxes))
    }

    fn numbers(boxes: &[Vec<u8>], samples: usize) -> Vec<u32> {
        let (meta, groups) = groups(boxes).unwrap();
        let mut cursor = GroupCursor::default();
        (0..samples).map(|_| cursor.next(&meta, &groups).unwrap()).collect()
    }

    #[test]
    fn samples_take_the_groups_of_their_runs() {
        let boxes = [sgpd(1, &20u32.to_be_bytes(), &[&seig(1), &seig(2)]), sbgp(&[(2, 1), (0, 9), (1, 0), (1, 2)])];
        assert_eq!(numbers(&boxes, 5), [1, 1, 0, 2, 0]);
    }

    #[test]
    fn samples_after_the_runs_take_the_default_of_version_2() {
        let middle = [20u32.to_be_bytes(), 2u32.to_be_bytes()].concat();
        let boxes = [sgpd(2, &middle, &[&seig(1), &seig(2)]), sbgp(&[(1, 1)])];
        assert_eq!(numbers(&boxes, 3), [1, 2, 2]);
    }

    #[test]
    fn description_lengths_of_their_own_are_followed() {
        let mut padded = [&25u32.to_be_bytes()[..], &seig(1), &[0xff; 5]].concat();
        padded.extend([&20u32.to_be_bytes()[..], &seig(2)].concat());
        let sgpd = bx(b"sgpd", &[&[1, 0, 0, 0], b"seig", &[0; 4], &2u32.to_be_bytes(), &padded]);
        let (_, groups) = groups(&[sgpd]).unwrap();
        assert_eq!(groups.get(2).unwrap().kid, [2; 16]);
    }

    #[test]
    fn version_0_descriptions_have_no_length() {
        let (_, groups) = groups(&[sgpd(0, &[], &[&seig(1), &seig(2)])]).unwrap();
        assert_eq!(groups.get(2).unwrap().kid, [2; 16]);
    }

    #[test]
    fn number_above_65536_is_the_fragments_own() {
        let meta = Meta::new(0, bx(b"traf", &[&sgpd(1, &20u32.to_be_bytes(), &[&seig(7)])]));
        let (_, track) = groups(&[sgpd(1, &20u32.to_be_bytes(), &[&seig(1)])]).unwrap();
        let track = track.track_descriptions().clone();
        let groups = of_fragment(&meta, track).unwrap();
        assert_eq!(groups.get(1).unwrap().kid, [1; 16]);
        assert_eq!(groups.get(0x1_0001).unwrap().kid, [7; 16]);
        assert!(groups.get(0x1_0002).is_none() && groups.get(0x1_0000).is_none());
    }

    #[test]
    fn default_of_a_fragment_is_its_own_group() {
        let middle = [20u32.to_be_bytes(), 1u32.to_be_bytes()].concat();
        let meta = Meta::new(0, bx(b"traf", &[&sgpd(2, &middle, &[&seig(7)])]));
        let (_, track) = groups(&[sgpd(2, &middle, &[&seig(1)])]).unwrap();
        let track = track.track_descriptions().clone();
        let groups = of_fragment(&meta, track.clone()).unwrap();
        assert_eq!(GroupCursor::default().next(&meta, &groups).unwrap(), 0x1_0001);
        // Without a default of its own it has the track's.
        let meta = Meta::new(0, bx(b"traf", &[]));
        let groups = of_fragment(&meta, track).unwrap();
        assert_eq!(GroupCursor::default().next(&meta, &groups).unwrap(), 1);
    }

    #[test]
    fn groups_of_another_type_are_left_out() {
        let roll = bx(b"sgpd", &[&[1, 0, 0, 0], b"roll", &2u32.to_be_bytes(), &1u32.to_be_bytes(), &[0, 1]]);
        assert!(groups(&[roll]).unwrap().1.is_empty());
    }

    #[test]
    fn sgpd_count_above_its_room_is_refused() {
        let sgpd = bx(b"sgpd", &[&[1, 0, 0, 0], b"seig", &20u32.to_be_bytes(), &u32::MAX.to_be_bytes(), &seig(1)]);
        assert_eq!(defect(&[sgpd]), BoxDefect::CountTooLarge { count: u64::from(u32::MAX), room: 1 });
    }

    #[test]
    fn sgpd_description_shorter_than_its_fields_is_refused() {
        assert_eq!(defect(&[sgpd(1, &19u32.to_be_bytes(), &[&seig(1)])]), BoxDefect::Truncated);
    }

    #[test]
    fn sgpd_description_longer_than_the_box_is_refused() {
        assert_eq!(defect(&[sgpd(1, &21u32.to_be_bytes(), &[&seig(1)])]), BoxDefect::Truncated);
    }

    #[test]
    fn sgpd_version_3_is_unknown() {
        assert_eq!(defect(&[sgpd(3, &[0; 8], &[])]), BoxDefect::UnknownVersion(3));
    }

    #[test]
    fn sbgp_count_above_its_room_is_refused() {
        let sbgp = bx(b"sbgp", &[&[0; 4], b"seig", &2u32.to_be_bytes(), &[0; 8]]);
        assert_eq!(defect(&[sbgp]), BoxDefect::CountTooLarge { count: 2, room: 1 });
    }

    #[test]
    fn second_sbgp_is_a_duplicate_unless_it_is_the_same() {
        assert_eq!(defect(&[sbgp(&[(1, 1)]), sbgp(&[(2, 1)])]), BoxDefect::Duplicate);
        let same = [sgpd(1, &20u32.to_be_bytes(), &[&seig(1)]), sbgp(&[(1, 1)]), sbgp(&[(1, 1)])];
        assert_eq!(numbers(&same, 2), [1, 0]);
    }

    #[test]
    fn second_sgpd_is_a_duplicate_unless_it_is_the_same() {
        let one = |kid| sgpd(1, &20u32.to_be_bytes(), &[&seig(kid)]);
        assert_eq!(defect(&[one(1), one(2)]), BoxDefect::Duplicate);
        assert_eq!(groups(&[one(1), one(1)]).unwrap().1.get(1).unwrap().kid, [1; 16]);
    }

    /// `csgp` with these sizes in half bytes: lengths, sample counts, numbers.
    fn csgp(flags: u8, sizes: [usize; 3], patterns: &[(u32, &[u32])]) -> Vec<u8> {
        let mut halves: Vec<u8> = Vec::new();
        let mut put = |value: u32, size: usize| {
            halves.extend((0..size).rev().map(|digit| u8::try_from(value >> (4 * digit) & 0x0f).unwrap()));
        };
        for (samples, numbers) in patterns {
            put(u32::try_from(numbers.len()).unwrap(), sizes[0]);
            put(*samples, sizes[1]);
        }
        patterns.iter().flat_map(|(_, numbers)| *numbers).for_each(|number| put(*number, sizes[2]));
        let code = |size: usize| u8::try_from(size.trailing_zeros()).unwrap();
        let flags = flags | code(sizes[0]) << 4 | code(sizes[1]) << 2 | code(sizes[2]);
        let bytes: Vec<u8> =
            halves.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or_default()).collect();
        let parameter: &[u8] = if flags & 0x40 == 0 { &[] } else { b"parm" };
        let count = u32::try_from(patterns.len()).unwrap().to_be_bytes();
        bx(b"csgp", &[&[0, 0, 0, flags], b"seig", parameter, &count, &bytes])
    }

    #[test]
    fn patterns_of_all_sizes_repeat_for_their_samples() {
        let descriptions = sgpd(1, &20u32.to_be_bytes(), &[&seig(1), &seig(2), &seig(3)]);
        for length in [1, 2, 4, 8] {
            for count in [1, 2, 4, 8] {
                for number in [1, 2, 4, 8] {
                    for flags in [0, 0x40] {
                        let patterns: [(u32, &[u32]); 3] = [(5, &[1, 2]), (0, &[3, 3, 3]), (4, &[3, 0, 1])];
                        let boxes = [descriptions.clone(), csgp(flags, [length, count, number], &patterns)];
                        assert_eq!(numbers(&boxes, 11), [1, 2, 1, 2, 1, 3, 0, 1, 3, 0, 0], "{length} {count} {number}");
                    }
                }
            }
        }
    }

    #[test]
    fn highest_bit_of_a_pattern_marks_the_fragments_own_group_where_the_flag_says_so() {
        for (size, mark) in [(1, 8u32), (2, 0x80), (4, 0x8000), (8, 1 << 31)] {
            let numbers_with = |flags| numbers(&[csgp(flags, [2, 2, size], &[(2, &[mark | 1, 2])])], 2);
            assert_eq!(numbers_with(0x80), [0x1_0001, 2]);
            assert_eq!(numbers_with(0), [mark | 1, 2]);
        }
    }

    #[test]
    fn damaged_patterns_are_refused() {
        let csgp = |payload: &[u8]| defect(&[bx(b"csgp", &[&[0, 0, 0, 0x15], b"seig", payload])]);
        assert_eq!(csgp(&[0xff, 0xff, 0xff, 0xff, 1, 1]), BoxDefect::CountTooLarge { count: u32::MAX.into(), room: 1 });
        assert_eq!(csgp(&[0, 0, 0, 1, 3, 9, 1, 1]), BoxDefect::CountTooLarge { count: 3, room: 2 });
        assert_eq!(csgp(&[0, 0, 0, 1, 0, 9]), BoxDefect::Reserved { field: "pattern_length", value: 0 });
        assert_eq!(csgp(&[0, 0, 0]), BoxDefect::Truncated);
        assert_eq!(defect(&[bx(b"csgp", &[&[1, 0, 0, 0], b"seig", &[0; 4]])]), BoxDefect::UnknownVersion(1));
    }
}
