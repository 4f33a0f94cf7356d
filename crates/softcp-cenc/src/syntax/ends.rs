//! How slices and tiles end.
//!
//! Their last bit that is set is a stop bit (`rbsp_trailing_bits` of ISO/IEC 14496-10 and 23008-2, `trailing_bits` of AV1),
//! and arithmetic coding ends anywhere: the stop bit is each of the eight bits of the last byte as often. In noise the lowest
//! bit that is set is the first of each second byte, the second of each fourth, and so on.

use core::ops::Range;

use super::View;

/// Shorter units are often alike, such as slices of skipped macroblocks, and would say the same again and again.
const SHORTEST: usize = 64;

/// Of how many encoders one is taken to end its slices in a way of its own, in bits.
const OWN_WAY: f32 = 14.0;

/// Where the stop bits of slices or tiles were: how often at each bit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends {
    counts: [u16; 8],
    /// How much likelier they are from an encoder that prefers some bits, whichever, than from noise, in bits.
    own_way: f32,
}

impl Ends {
    /// Adds the end of one unit of a sample.
    pub(super) fn add(&mut self, sample: &View<'_>, unit: Range<usize>) {
        if unit.len() < SHORTEST {
            return;
        }
        match sample.judged_bytes(unit.end - 3..unit.end) {
            // Padding (cabac_zero_words), and zeros that some writers leave behind: nothing to see.
            None | Some([0, 0, 3] | [_, _, 0]) => {}
            Some(end) => self.add_bit(end[2].trailing_zeros() as usize & 7),
        }
    }

    fn add_bit(&mut self, bit: usize) {
        let total: f32 = self.counts.iter().map(|count| f32::from(*count)).sum();
        // The estimate of Krichevsky and Trofimov: what was seen before, and half a time more.
        let chance = (f32::from(self.counts[bit]) + 0.5) / (total + 4.0);
        self.own_way += chance.log2() + super::bits_of(bit) + 1.0;
        self.counts[bit] = self.counts[bit].saturating_add(1);
    }

    /// How much likelier these ends are from a codec than noise, in bits, by the kind of encoder that they fit best.
    pub(super) fn bits(&self, is_avc: bool) -> f32 {
        let likelier =
            |bits: [f32; 8]| self.counts.iter().zip(bits).map(|(count, bits)| f32::from(*count) * bits).sum();
        let as_often: f32 = likelier([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        // x264 sets the last bit in half of its slices, whatever is in front of it.
        let x264: f32 = if is_avc { likelier([0.2, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0]) } else { as_often };
        as_often.max(x264).max(self.own_way - OWN_WAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(bits: impl IntoIterator<Item = usize>) -> Ends {
        let mut ends = Ends::default();
        bits.into_iter().for_each(|bit| ends.add_bit(bit));
        ends
    }

    /// The stop bits that noise has.
    fn noise(count: usize) -> impl Iterator<Item = usize> {
        crate::testing::noise(count, 5).into_iter().map(|byte| byte.trailing_zeros() as usize & 7)
    }

    #[test]
    fn ends_at_all_bits_alike_are_right_and_those_of_noise_are_not() {
        for is_avc in [false, true] {
            assert!(ends((0..64).map(|index| index * 5 % 8)).bits(is_avc) > 20.0);
            assert!(ends(noise(100)).bits(is_avc) < -20.0);
        }
    }

    #[test]
    fn ends_of_x264_are_right_in_avc() {
        let x264 = (0..200).map(|index| if index % 2 == 0 { 0 } else { index / 2 % 8 });
        assert!(ends(x264).bits(true) > 20.0);
    }

    #[test]
    fn encoder_with_a_way_of_its_own_is_never_taken_for_noise() {
        for bit in 0..8 {
            let mut ends = Ends::default();
            for _ in 0..1000 {
                ends.add_bit(bit);
                assert!(ends.bits(false) > -18.0, "bit {bit}: {}", ends.bits(false));
            }
            assert!(ends.bits(false) > 20.0);
        }
    }
}
