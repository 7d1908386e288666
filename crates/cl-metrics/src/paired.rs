//! Two methods compared on the same seeds.

use crate::{Error, Summary};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// With more pairs than these, Wilcoxon's signed ranks stand in for the values.
const MOST_FLIPPED: usize = 12;
/// With more pairs that differ than these, the distribution of signed ranks is taken as normal.
const MOST_EXACT: usize = 50;

/// How a p-value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PairedTest {
    /// Every assignment of signs to the differences: [`sign_flip`].
    SignFlip,
    /// Wilcoxon's signed ranks: [`signed_rank`].
    SignedRank,
}

/// The differences `a - b` of two methods, seed by seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Mean, spread and 95 % interval of the differences, in the metric's unit.
    pub difference: Summary,
    /// Effect size d_z: mean of the differences over their standard deviation. `None` where it is 0 or
    /// unknown.
    pub effect: Option<f64>,
    /// Two-sided p-value, for one comparison alone: see [`holm`](crate::holm) for many.
    pub p: f64,
    /// Two-sided p-value of the paired t test, which takes the differences as normal: [`paired_t`].
    pub t_p: f64,
    /// How `p` came about: up to 12 pairs by sign flips, above by signed ranks.
    pub test: PairedTest,
}

impl Paired {
    /// Compares values of the same seeds, in the same order: `a[k]` with `b[k]`.
    ///
    /// # Errors
    /// Series of different lengths, no values, a value that is no finite number.
    pub fn of(a: &[f64], b: &[f64]) -> Result<Self, Error> {
        if a.len() != b.len() {
            return Err(Error::Pairs { left: a.len(), right: b.len() });
        }
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let difference = Summary::of(&differences)?;
        let effect = difference.sd.filter(|sd| *sd > 0.0).map(|sd| difference.mean / sd);
        let (test, p) = match differences.len() {
            0..=MOST_FLIPPED => (PairedTest::SignFlip, sign_flip(&differences)),
            _ => (PairedTest::SignedRank, signed_rank(&differences)),
        };
        let t_p = paired_t(&difference);
        Ok(Self { difference, effect, p, t_p, test })
    }
}

/// Two-sided p-value of the paired t test (Student 1908) from the summary of the differences: the share of
/// Student's t with n - 1 degrees of freedom beyond mean / s.e.m. 1 where the spread is unknown, or all differences
/// are 0. Differences that are all the same are no evidence of a spread of 0 (accuracies of few test rows are
/// coarse): they give the `2^(1 - n)` of the exact test.
#[must_use]
pub fn paired_t(difference: &Summary) -> f64 {
    let Some(sem) = difference.sem else { return 1.0 };
    if sem == 0.0 {
        let of_signs = 2_f64.powf(1.0 - difference.n as f64);
        return if difference.mean == 0.0 { 1.0 } else { of_signs };
    }
    match StudentsT::new(0.0, 1.0, (difference.n - 1) as f64) {
        Ok(t) => (2.0 * t.sf((difference.mean / sem).abs())).min(1.0),
        Err(_) => 1.0,
    }
}

/// Two-sided p-value of the exact sign-flip permutation test (Fisher 1935): the share of the `2^n`
/// assignments of signs to the differences whose sum is at least as far from 0 as that of the differences
/// themselves. It assumes nothing but that a difference and its negative are equally likely. Not below
/// `2^(1 - n)`. Takes time and memory `2^n`: for few differences.
#[must_use]
pub fn sign_flip(differences: &[f64]) -> f64 {
    let Some((first, rest)) = differences.split_first() else { return 1.0 };
    // The sign of the first one stays: all flipped is equally far from 0.
    let mut sums = vec![*first];
    for difference in rest {
        let minus: Vec<f64> = sums.iter().map(|sum| sum - difference).collect();
        sums.iter_mut().for_each(|sum| *sum += difference);
        sums.extend(minus);
    }
    let size: f64 = differences.iter().map(|difference| difference.abs()).sum();
    // Sums of the same numbers in another order differ by roundings.
    let observed = differences.iter().sum::<f64>().abs() - 1e-12 * size;
    let far = sums.iter().filter(|sum| sum.abs() >= observed).count();
    far as f64 / sums.len() as f64
}

/// Two-sided p-value of Wilcoxon's signed-rank test (Wilcoxon 1945). Differences of 0 are left out, equal
/// ones share their mean rank; up to 50 the distribution over all signs of these ranks is exact, above it is
/// taken as normal.
#[must_use]
pub fn signed_rank(differences: &[f64]) -> f64 {
    let mut sized: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
    sized.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    if sized.is_empty() {
        return 1.0;
    }
    // Twice the ranks: whole numbers, also where two share one.
    let mut ranks = Vec::with_capacity(sized.len());
    let mut start = 0;
    while start < sized.len() {
        let least = sized[start].abs();
        let same = |it: &&f64| it.abs() - least <= 1e-9 * least;
        let end = start + sized[start..].iter().take_while(same).count();
        ranks.resize(end, start + end + 1);
        start = end;
    }
    let total: usize = ranks.iter().sum();
    let plus: usize = ranks.iter().zip(&sized).filter(|(_, it)| **it > 0.0).map(|(r, _)| r).sum();
    // How far twice the sum is from its middle.
    let off = (2 * plus).abs_diff(total);
    if ranks.len() > MOST_EXACT {
        let variance: f64 = ranks.iter().map(|&rank| (rank * rank) as f64).sum();
        return match Normal::new(0.0, 1.0) {
            Ok(normal) => (2.0 * normal.sf(off as f64 / variance.sqrt())).min(1.0),
            Err(_) => 1.0,
        };
    }
    // In how many of the 2^n ways the positive ranks add up to each number.
    let mut ways = vec![0.0; total + 1];
    ways[0] = 1.0;
    for &rank in &ranks {
        for sum in (rank..=total).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let far = ways.iter().enumerate().filter(|(sum, _)| (2 * sum).abs_diff(total) >= off);
    far.map(|(_, ways)| ways).sum::<f64>() / 2_f64.powi(ranks.len() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five differences of one sign: only all plus and all minus are as far, 2 of 32.
    #[test]
    fn five_seeds_of_one_sign_give_two_of_thirty_two() {
        assert_eq!(sign_flip(&[0.1, 0.2, 0.05, 0.3, 0.1]), 2.0 / 32.0);
        assert_eq!(sign_flip(&[-0.1, -0.2]), 0.5);
        assert_eq!(sign_flip(&[0.0, 0.0, 0.0]), 1.0);
        assert_eq!(sign_flip(&[0.3]), 1.0);
    }

    /// Of the sums of +-3 +-2 +-1, 6 and -6 are at least as far as 6; 6, 4, -4, -6 at least as far as 4; and
    /// the zeros 3 - 2 - 1 count everywhere.
    #[test]
    fn sums_as_far_from_zero_are_counted_whatever_their_sign() {
        assert_eq!(sign_flip(&[3.0, 2.0, 1.0]), 2.0 / 8.0);
        assert_eq!(sign_flip(&[3.0, 2.0, -1.0]), 4.0 / 8.0);
        assert_eq!(sign_flip(&[3.0, -2.0, -1.0]), 1.0);
        // 0.3 and 0.1 + 0.2 are not the same bits.
        assert_eq!(sign_flip(&[0.3, -0.1, -0.2]), 1.0);
        // Of 5, 3, 3 and 1 tenths, three are at least as far as 3, which is a little more than 0.3 here.
        assert_eq!(sign_flip(&[0.1, 0.3, -0.1]), 0.75);
    }

    /// Every assignment of signs, one after the other, with ranks by counting.
    fn slow(differences: &[f64]) -> f64 {
        let kept: Vec<f64> = differences.iter().copied().filter(|it| *it != 0.0).collect();
        let rank = |it: &f64| {
            let less = kept.iter().filter(|other| other.abs() < it.abs()).count() as f64;
            let same = kept.iter().filter(|other| other.abs() == it.abs()).count() as f64;
            less + (same + 1.0) / 2.0
        };
        let ranks: Vec<f64> = kept.iter().map(rank).collect();
        let middle = ranks.iter().sum::<f64>() / 2.0;
        let off = |plus: &dyn Fn(usize) -> bool| {
            let of = ranks.iter().enumerate().filter(|(at, _)| plus(*at));
            (of.map(|(_, rank)| rank).sum::<f64>() - middle).abs()
        };
        let observed = off(&|at| kept[at] > 0.0);
        let all = 1_u32 << kept.len();
        (0..all).filter(|signs| off(&|at| signs >> at & 1 == 1) >= observed).count() as f64
            / f64::from(all)
    }

    #[test]
    fn exact_signed_ranks_are_those_of_every_assignment_of_signs() {
        let cases: [&[f64]; 4] = [
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, -11.0, 12.0, 13.0],
            &[0.5, -0.5, 1.5, 2.5, 2.5, -2.5, 4.0, 0.0, 7.0, 7.0, -1.0, 3.0, 9.0, 0.25],
            &[-1.0, -1.0, -1.0, -1.0],
            &[2.0],
        ];
        for case in cases {
            assert!((signed_rank(case) - slow(case)).abs() < 1e-15, "{case:?}");
        }
        assert_eq!(signed_rank(&[0.0; 20]), 1.0);
        // The same size, but for a rounding: one rank.
        assert_eq!(signed_rank(&[0.1 + 0.2, -0.3, 1.0]), slow(&[3.0, -3.0, 10.0]));
    }

    /// scipy 1.17.1: `wilcoxon([k if k % 3 else -k for k in range(1, 61)], correction=False,
    /// method="approx").pvalue`.
    #[test]
    fn many_signed_ranks_are_normal_as_in_scipy() {
        let many: Vec<f64> =
            (1..=60).map(|k| if k % 3 == 0 { -f64::from(k) } else { f64::from(k) }).collect();
        let found = signed_rank(&many);
        assert!((found - MANY).abs() < 1e-9, "{found}");
    }

    const MANY: f64 = 0.03590012321587811;

    /// scipy 1.17.1: `ttest_1samp(differences, 0).pvalue`.
    #[test]
    fn the_t_test_is_that_of_scipy() {
        for (differences, expected) in T_TESTS {
            let found = paired_t(&Summary::of(differences).unwrap());
            assert!((found - expected).abs() < 1e-9, "{found} and {expected}");
        }
        let p = |differences: &[f64]| paired_t(&Summary::of(differences).unwrap());
        assert_eq!([p(&[0.5]), p(&[0.0, 0.0])], [1.0, 1.0]);
        assert_eq!([p(&[0.5, 0.5]), p(&[-0.5; 5])], [0.5, 0.0625]);
    }

    const T_TESTS: [(&[f64], f64); 2] = [
        (&[0.0282, -0.0047, 0.0024, 0.0230, 0.0184, -0.0053], 0.14535576553520702),
        (&[-0.63, -0.58, -0.66, -0.6, -0.71], 1.005862533470885e-05),
    ];

    #[test]
    fn thirteen_pairs_are_ranked_and_twelve_are_flipped() {
        let (a, b) = ([1.0; 13], [0.5; 13]);
        assert_eq!(Paired::of(&a, &b).unwrap().test, PairedTest::SignedRank);
        let twelve = Paired::of(&a[1..], &b[1..]).unwrap();
        assert_eq!((twelve.test, twelve.p), (PairedTest::SignFlip, 2.0 / 4096.0));
        assert_eq!((twelve.difference.mean, twelve.effect), (0.5, None));
    }

    #[test]
    fn series_of_different_lengths_are_refused() {
        assert_eq!(
            Paired::of(&[1.0], &[1.0, 2.0]).unwrap_err().to_string(),
            "paired comparison: 1 and 2 values, expected one of each per seed"
        );
    }
}
