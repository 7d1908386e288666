//! Ranks, and which of them the seeds tell apart.

use super::Row;
use crate::Error;
use cl_metrics::{Paired, holm, letters};
use serde::Serialize;

/// Two rows whose adjusted p-value is at most this differ.
pub(super) const ALPHA: f64 = 0.05;
/// Only so many rows, the best ones, are compared with each other.
const MOST_COMPARED: usize = 40;

impl Verdict {
    /// Whether the p-values are those of the exact tests.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.seeds >= self.needed
    }
}

/// A row beside the first in rank, on the same seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AgainstBest {
    /// Final accuracy of the row minus that of the best, seed by seed.
    pub paired: Paired,
    /// The p-value, adjusted (Holm) for all pairs of the board.
    pub adjusted_p: f64,
}

/// What the paired tests of a board say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Rows that were compared, each with each: the best ones, without baselines.
    pub compared: usize,
    /// Pairs.
    pub pairs: usize,
    /// The fewest seeds that a pair has in common.
    pub seeds: usize,
    /// Pairs that are told apart.
    pub different: usize,
    /// The fewest seeds with which the exact tests can tell a pair apart after the correction. With fewer, the
    /// p-values are those of paired t tests, which take differences as normal.
    pub needed: usize,
}

/// Ranks rows, which are in order, and tests every pair.
pub(super) fn judge(rows: &mut [Row]) -> Result<Verdict, Error> {
    let ranked: Vec<usize> = (0..rows.len()).filter(|&at| !rows[at].is_baseline).collect();
    let mut last: Option<(usize, f64)> = None;
    for (place, &at) in ranked.iter().enumerate() {
        let mean = rows[at].mean();
        let rank = last.filter(|last| last.1 == mean).map_or(place + 1, |last| last.0);
        rows[at].rank = Some(rank);
        last = Some((rank, mean));
    }
    let compared = &ranked[..ranked.len().min(MOST_COMPARED)];
    let (mut pairs, mut fewest) = (Vec::new(), usize::MAX);
    for (place, &first) in compared.iter().enumerate() {
        for &second in &compared[place + 1..] {
            let paired = paired(&rows[second], &rows[first])?;
            fewest = fewest.min(paired.map_or(0, |it| it.difference.n));
            pairs.push(paired);
        }
    }
    if pairs.is_empty() {
        return Ok(Verdict::default());
    }
    // Which test does not depend on the accuracies: otherwise it would be chosen by what it says.
    let needed = needed(pairs.len());
    let tested = |it: Paired| if fewest >= needed { it.p } else { it.t_p };
    // Without a seed in common nothing tells them apart.
    let p: Vec<f64> = pairs.iter().map(|pair| pair.map_or(1.0, tested)).collect();
    let adjusted = holm(&p);
    // Pairs lie row by row of the upper triangle.
    let at = |first: usize, second: usize| {
        first * compared.len() - first * (first + 1) / 2 + second - first - 1
    };
    for (place, &row) in compared.iter().enumerate().skip(1) {
        let adjusted_p = adjusted[at(0, place)];
        rows[row].against_best =
            pairs[at(0, place)].map(|paired| AgainstBest { paired, adjusted_p });
    }
    // One seed knows no spread: letters would say that all are alike.
    if fewest < 2 {
        return Ok(Verdict {
            compared: compared.len(),
            pairs: pairs.len(),
            seeds: fewest,
            different: 0,
            needed,
        });
    }
    let groups = letters(compared.len(), |a, b| adjusted[at(a, b)] <= ALPHA);
    for (&row, group) in compared.iter().zip(groups.into_iter().flatten()) {
        rows[row].group = Some(group);
    }
    let different = adjusted.iter().filter(|p| **p <= ALPHA).count();
    Ok(Verdict { compared: compared.len(), pairs: pairs.len(), seeds: fewest, different, needed })
}

/// Both on the seeds that they share.
fn paired(row: &Row, best: &Row) -> Result<Option<Paired>, Error> {
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for (seed, value) in row.seeds.iter().zip(&row.finals) {
        if let Ok(at) = best.seeds.binary_search(seed) {
            own.push(*value);
            other.push(best.finals[at]);
        }
    }
    if own.is_empty() { Ok(None) } else { Ok(Some(Paired::of(&own, &other)?)) }
}

/// The fewest seeds with which the smallest p-value, that of differences of one sign, 2 in 2^n, is
/// at most alpha after it was multiplied by the number of pairs.
fn needed(pairs: usize) -> usize {
    (1..64).find(|&n| pairs as f64 * 2_f64.powi(1 - n) <= ALPHA).unwrap_or(64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pair: 2/32 = 0.0625 is too much, 2/64 = 0.03125 does. 66 pairs: 66 * 2/2048 = 0.064, 66 * 2/4096
    /// = 0.032.
    #[test]
    fn more_pairs_need_more_seeds() {
        assert_eq!([needed(1), needed(66)], [6, 12]);
    }
}
