//! Whether bits are as random ones are.
//!
//! Of n random bits the number of ones is n/2, give or take 7.5 times its standard deviation of √n/2, but once in 10^13
//! times (the normal distribution's two tails). A run makes some 10^3 such tests.

use crate::case::{CaseResult, check};
use crate::context::Context;

/// Standard deviations that a count may be off.
const DEVIATIONS: f64 = 7.5;

/// Counts of ones among `n` random bits that may be.
#[derive(Clone, Copy)]
struct Bounds {
    least: usize,
    most: usize,
}

impl Bounds {
    fn of(n: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let deviation = (n as f64).sqrt() / 2.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred, and not negative")]
        let margin = (DEVIATIONS * deviation).ceil() as usize;
        Self { least: (n / 2).saturating_sub(margin), most: n.div_ceil(2) + margin }
    }

    fn check(self, what: &str, ones: usize) -> CaseResult {
        let Self { least, most } = self;
        check((least..=most).contains(&ones), format!("{what}: {least} to {most}"), || ones.to_string())
    }
}

fn bit<const N: usize>(block: &[u8; N], at: usize) -> bool {
    block[at / 8] >> (7 - at % 8) & 1 == 1
}

/// Tests how often each bit is set, how often it changes from one number to the next, how often neighbouring bits are the
/// same, how often two bytes of a number are the same, and how the values of all bytes are distributed.
pub(super) fn check_bits<const N: usize>(ctx: &Context<'_>, what: &str, drawn: &[[u8; N]]) -> CaseResult {
    let (n, pairs) = (drawn.len(), drawn.len().saturating_sub(1));
    let mut furthest = 0;
    for at in 0..8 * N {
        let ones = drawn.iter().filter(|block| bit(block, at)).count();
        Bounds::of(n).check(&format!("{what}: ones in bit {at} of {n} numbers"), ones)?;
        furthest = furthest.max(ones.abs_diff(n / 2));
        let changes = drawn.windows(2).filter(|pair| bit(&pair[0], at) != bit(&pair[1], at)).count();
        Bounds::of(pairs).check(&format!("{what}: changes of bit {at} from number to number"), changes)?;
        if at > 0 {
            let differ = drawn.iter().filter(|block| bit(block, at) != bit(block, at - 1)).count();
            Bounds::of(n).check(&format!("{what}: numbers whose bits {} and {at} differ", at - 1), differ)?;
        }
    }
    let same = check_pairs_of_bytes(what, drawn)?;
    let chi_square = check_values(what, drawn)?;
    let Bounds { least, most } = Bounds::of(n);
    ctx.note(format!("{n} {what}: ones per bit at most {furthest} off {} ({least} to {most} pass)", n / 2));
    ctx.note(format!(
        "{what}: equal bytes in two places at most {same} times; chi-square of the bytes {chi_square:.1}"
    ));
    Ok(())
}

/// Two bytes are equal once in 256 times: 16 of 4096, and 64 or more in one of 10^17 runs (binomial distribution).
/// Fewer numbers have a smaller bound. Returns the largest count.
fn check_pairs_of_bytes<const N: usize>(what: &str, drawn: &[[u8; N]]) -> CaseResult<usize> {
    let expected = drawn.len() / 256;
    let most = 3 * expected + 20;
    let mut largest = 0;
    for second in 1..N {
        for first in 0..second {
            let same = drawn.iter().filter(|block| block[first] == block[second]).count();
            check(same <= most, format!("{what}: bytes {first} and {second} equal at most {most} times"), || {
                format!("{same} of {} times", drawn.len())
            })?;
            largest = largest.max(same);
        }
    }
    Ok(largest)
}

/// Chi-square of the 256 values of all bytes: 255 degrees of freedom, and more than 450 in one of 10^12 runs. A sum that
/// is far too small is no chance either: less than 115 in one of 10^12.
fn check_values<const N: usize>(what: &str, drawn: &[[u8; N]]) -> CaseResult<f64> {
    let mut counts = [0_u32; 256];
    drawn.iter().flatten().for_each(|&byte| counts[usize::from(byte)] += 1);
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    let expected = (drawn.len() * N) as f64 / 256.0;
    let chi_square = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum::<f64>();
    check((115.0..450.0).contains(&chi_square), format!("{what}: a chi-square of the bytes from 115 to 450"), || {
        format!("{chi_square:.1}")
    })?;
    Ok(chi_square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Stop;

    /// `SplitMix64`.
    fn random(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        }
    }

    fn failure(drawn: &[[u8; 16]]) -> Option<String> {
        let source = crate::DriverSource::Entry(softcp_ddi::softcp_open_reference_driver);
        let driver = source.open("").unwrap();
        let ctx = Context::new(&driver, &source, "", crate::Variation::PLAIN, 0);
        match check_bits(&ctx, "numbers", drawn) {
            Ok(()) => None,
            Err(Stop::Failed { expected, .. }) => Some(expected),
            Err(Stop::Skipped { reason }) => panic!("{reason}"),
        }
    }

    fn numbers(mut number: impl FnMut(u64) -> u128) -> Vec<[u8; 16]> {
        (0..4096).map(|at| number(at).to_be_bytes()).collect()
    }

    #[test]
    fn random_numbers_pass() {
        for seed in 0..20 {
            let mut random = random(seed);
            assert_eq!(failure(&numbers(|_| u128::from(random()) << 64 | u128::from(random()))), None);
        }
    }

    #[test]
    fn what_is_not_random_fails() {
        let mut next = random(1);
        let mut random = || u128::from(next()) << 64 | u128::from(next());
        let start = random();
        let cases: [(&str, Vec<[u8; 16]>); 7] = [
            ("numbers that count", numbers(|at| start + u128::from(at))),
            ("numbers that step", numbers(|at| start.wrapping_add(u128::from(at) << 100))),
            ("a byte that stays", numbers(|_| random() & !0xff00 | 0x5500)),
            ("a bit that is set more often", numbers(|_| random() | (random() & random() & 1 << 77))),
            ("a half that comes twice", numbers(|_| (random() >> 64) * ((1 << 64) + 1))),
            ("printable bytes", numbers(|_| random() & u128::from_be_bytes([0x7f; 16]))),
            (
                "every number twice",
                numbers({
                    let mut last = 0;
                    move |at| {
                        if at % 2 == 0 {
                            last = random();
                        }
                        last
                    }
                }),
            ),
        ];
        for (what, drawn) in cases {
            assert!(failure(&drawn).is_some(), "{what}");
        }
    }
}
