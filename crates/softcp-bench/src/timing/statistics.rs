//! What is made of the times of all rounds: medians, their spread, and ratios within a round.
//!
//! Other work on the machine makes single turns slow, never fast. A round in which any turn took far longer than is
//! usual for its implementation is dropped as a whole, so that all implementations are compared over the same moments.

use super::Times;

/// A turn that took more than this many times its implementation's median disturbs its round.
const DISTURBED: f64 = 1.25;

/// What is known of one implementation. Times are in nanoseconds per call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// The median.
    pub(crate) median: f64,
    /// The first quartile.
    pub(crate) lower: f64,
    /// The third quartile.
    pub(crate) upper: f64,
    /// The median absolute deviation, as a share of the median.
    pub(crate) spread: f64,
    /// The median of the reference's time divided by this one's in the same round: above 1 is faster.
    pub(crate) ratio: f64,
}

/// What is known of a case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// Rounds that were dropped because something disturbed them.
    pub(crate) dropped: usize,
    /// In the order of the implementations.
    pub(crate) figures: Vec<Figures>,
}

/// Summarises rounds; the first implementation is the reference. There must be a round and an implementation.
pub(crate) fn summarise(times: &Times) -> Summary {
    let kept = undisturbed(times);
    let figures = (0..times.implementations()).map(|implementation| {
        let own: Vec<_> = kept.iter().map(|round| round[implementation]).collect();
        let ratios = kept.iter().map(|round| round[0] / round[implementation]).collect();
        let median = quantile(own.clone(), 0.5);
        Figures {
            median,
            lower: quantile(own.clone(), 0.25),
            upper: quantile(own.clone(), 0.75),
            spread: quantile(own.iter().map(|time| (time - median).abs()).collect(), 0.5) / median,
            ratio: quantile(ratios, 0.5),
        }
    });
    Summary { rounds: kept.len(), dropped: times.rounds().len() - kept.len(), figures: figures.collect() }
}

/// The rounds that nothing disturbed. At least half of the rounds are kept: where more are disturbed, being disturbed is
/// how the machine is, and the quietest half counts.
fn undisturbed(times: &Times) -> Vec<&[f64]> {
    let medians: Vec<_> = (0..times.implementations())
        .map(|implementation| quantile(times.rounds().iter().map(|round| round[implementation]).collect(), 0.5))
        .collect();
    let excess = |round: &[f64]| round.iter().zip(&medians).map(|(time, median)| time / median).fold(0.0, f64::max);
    let mut rounds: Vec<_> = times.rounds().iter().map(|round| (excess(round), round.as_slice())).collect();
    rounds.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let quiet = rounds.iter().filter(|(excess, _)| *excess <= DISTURBED).count();
    let kept = quiet.max(rounds.len().div_ceil(2));
    rounds.into_iter().take(kept).map(|(_, round)| round).collect()
}

/// The value below which a share of `values` lies, interpolated between neighbours.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 rounds")]
    let place = share * (values.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
    let below = place.floor() as usize;
    let above = (below + 1).min(values.len() - 1);
    values[below] + (values[above] - values[below]) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rounds: &[&[f64]]) -> Times {
        let mut times = Times::new(rounds[0].len());
        for round in rounds {
            times.push(round.to_vec());
        }
        times
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn quantiles_of_known_numbers() {
        let values = || vec![40.0, 10.0, 30.0, 20.0];
        for (share, expected) in [(0.0, 10.0), (0.25, 17.5), (0.5, 25.0), (0.75, 32.5), (1.0, 40.0)] {
            assert!(close(quantile(values(), share), expected), "{share}");
        }
        assert!(close(quantile(vec![7.0], 0.25), 7.0));
        assert!(close(quantile(vec![3.0, 1.0, 2.0], 0.5), 2.0));
    }

    #[test]
    fn median_quartiles_and_deviation_of_known_numbers() {
        let summary = summarise(&times(&[&[100.0], &[104.0], &[96.0], &[102.0], &[110.0]]));
        let figures = summary.figures[0];
        assert_eq!((summary.rounds, summary.dropped), (5, 0));
        assert!(close(figures.median, 102.0) && close(figures.lower, 100.0) && close(figures.upper, 104.0));
        // Deviations from 102: 0, 2, 2, 6, 8.
        assert!(close(figures.spread, 2.0 / 102.0) && close(figures.ratio, 1.0), "{figures:?}");
    }

    #[test]
    fn ratio_is_within_the_round_and_not_of_medians() {
        // The machine slows both down by a tenth from round to round: each round has the same ratio.
        let summary = summarise(&times(&[&[100.0, 50.0], &[110.0, 55.0], &[120.0, 60.0]]));
        assert!(close(summary.figures[1].ratio, 2.0));
        // Medians 100 and 50 would say 2; the rounds say 1, 2 and 2.4.
        let summary = summarise(&times(&[&[50.0, 50.0], &[100.0, 50.0], &[120.0, 50.0]]));
        assert!(close(summary.figures[1].ratio, 2.0));
        let summary = summarise(&times(&[&[100.0, 80.0], &[90.0, 100.0], &[99.0, 90.0], &[98.0, 100.0]]));
        assert!(close(summary.figures[1].ratio, f64::midpoint(0.98, 1.1)), "{:?}", summary.figures);
    }

    #[test]
    fn round_with_one_slow_turn_is_dropped_for_all() {
        let summary = summarise(&times(&[&[10.0, 20.0], &[10.0, 26.0], &[12.0, 20.0], &[10.0, 20.0]]));
        assert_eq!((summary.rounds, summary.dropped), (3, 1));
        assert!(close(summary.figures[1].upper, 20.0), "{summary:?}");
    }

    #[test]
    fn slow_turn_at_the_limit_is_kept() {
        let summary = summarise(&times(&[&[100.0], &[125.0], &[100.0]]));
        assert_eq!((summary.rounds, summary.dropped), (3, 0));
        let summary = summarise(&times(&[&[100.0], &[125.1], &[100.0]]));
        assert_eq!((summary.rounds, summary.dropped), (2, 1));
    }

    #[test]
    fn half_of_the_rounds_stay_on_a_noisy_machine() {
        // Each round is disturbed in one of its turns.
        let rounds: [&[f64]; 6] = [
            &[1.0, 1.0, 3.0],
            &[1.0, 3.1, 1.0],
            &[3.2, 1.0, 1.0],
            &[1.0, 1.0, 3.3],
            &[1.0, 3.4, 1.0],
            &[3.5, 1.0, 1.0],
        ];
        let summary = summarise(&times(&rounds));
        assert_eq!((summary.rounds, summary.dropped), (3, 3));
        // The quietest three.
        assert!(summary.figures.iter().all(|figures| close(figures.median, 1.0)), "{summary:?}");
    }

    #[test]
    fn single_round_is_kept_whatever_it_is() {
        let summary = summarise(&times(&[&[10.0, 5.0]]));
        assert_eq!((summary.rounds, summary.dropped), (1, 0));
        assert!(close(summary.figures[1].ratio, 2.0));
    }
}
