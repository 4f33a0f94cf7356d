//! Sample groups of type `seig`: keys for some of a track's samples (ISO/IEC 14496-12, 8.9; ISO/IEC 23001-7, 6).

use std::sync::Arc;

use crate::error::{BoxDefect, Result};
use crate::fourcc::{CSGP, SBGP, SEIG, SGPD};
use crate::meta::{BoxRef, Meta, Table};
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
    runs: Option<Table>,
    /// Descriptions of the track.
    track: Arc<GroupDescriptions>,
    /// Descriptions of the fragment; empty for a track.
    fragment: GroupDescriptions,
}

impl SampleGroups {
    /// Groups of the samples in a `moov`, from the boxes in `stbl`.
    pub(crate) fn of_track(meta: &Meta, stbl: &BoxRef) -> Result<Self> {
        let boxes = GroupBoxes::find(meta, stbl)?;
        Ok(Self { runs: boxes.runs, track: Arc::new(boxes.descriptions), fragment: GroupDescriptions::default() })
    }

    /// Groups of the samples in a `traf` of the track that has the descriptions `track`.
    pub(crate) fn of_fragment(meta: &Meta, traf: &BoxRef, track: Arc<GroupDescriptions>) -> Result<Self> {
        let boxes = GroupBoxes::find(meta, traf)?;
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
}

impl GroupCursor {
    /// The group number of the next sample; 0 is none.
    pub(crate) fn next(&mut self, meta: &Meta, groups: &SampleGroups) -> Result<u32> {
        let Some(runs) = &groups.runs else { return Ok(groups.default_number()) };
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

/// The `seig` boxes among the children of `stbl` or `traf`.
#[derive(Default)]
struct GroupBoxes {
    runs: Option<Table>,
    descriptions: GroupDescriptions,
}

impl GroupBoxes {
    fn find(meta: &Meta, parent: &BoxRef) -> Result<Self> {
        let mut found = Self::default();
        let mut described = false;
        for child in meta.children(parent) {
            let child = child?;
            if !matches!(child.kind, SGPD | SBGP | CSGP) || grouping_type(meta, &child) != Some(SEIG) {
                continue;
            }
            let duplicate = || child.defect(BoxDefect::Duplicate);
            match child.kind {
                SGPD if described => return Err(duplicate()),
                SGPD => {
                    found.descriptions = GroupDescriptions::parse(meta, &child)?;
                    described = true;
                }
                SBGP if found.runs.is_some() => return Err(duplicate()),
                SBGP => found.runs = Some(sample_runs(meta, &child)?),
                // No maker of encrypted files is known to write the compact form for key groups.
                _ => return Err(child.defect(BoxDefect::Unsupported)),
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
        let groups = SampleGroups::of_track(&meta, &meta.root()?)?;
        Ok((meta, groups))
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
        let groups = SampleGroups::of_fragment(&meta, &meta.root().unwrap(), track).unwrap();
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
        let groups = SampleGroups::of_fragment(&meta, &meta.root().unwrap(), track.clone()).unwrap();
        assert_eq!(GroupCursor::default().next(&meta, &groups).unwrap(), 0x1_0001);
        // Without a default of its own it has the track's.
        let meta = Meta::new(0, bx(b"traf", &[]));
        let groups = SampleGroups::of_fragment(&meta, &meta.root().unwrap(), track).unwrap();
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
    fn second_sbgp_is_a_duplicate() {
        assert_eq!(defect(&[sbgp(&[]), sbgp(&[])]), BoxDefect::Duplicate);
    }

    #[test]
    fn second_sgpd_is_a_duplicate() {
        assert_eq!(defect(&[sgpd(1, &[0; 4], &[]), sgpd(1, &[0; 4], &[])]), BoxDefect::Duplicate);
    }

    #[test]
    fn compact_key_groups_are_unsupported() {
        assert_eq!(defect(&[bx(b"csgp", &[&[0; 4], b"seig"])]), BoxDefect::Unsupported);
    }
}
