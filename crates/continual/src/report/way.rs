//! Accuracies on the way, over seeds.

use super::board::Run;
use crate::Error;
use cl_metrics::{Glance, Summary};

/// So many points a curve has at most.
const MOST_POINTS: usize = 300;

/// Accuracy on the first context by steps, where all runs were evaluated at the same ones; otherwise nothing.
pub(super) fn of(runs: &[Run]) -> Result<Vec<(usize, Summary)>, Error> {
    let glances =
        |run: &'_ Run| run.anytime.as_ref().map_or_else(Vec::new, |it| it.glances().to_vec());
    let runs: Vec<Vec<Glance>> = runs.iter().map(glances).collect();
    let steps = |run: &[Glance]| run.iter().map(|it| it.step).collect::<Vec<u64>>();
    let Some(first) = runs.first().map(|run| steps(run)) else { return Ok(Vec::new()) };
    if runs.iter().any(|run| steps(run) != first) {
        return Ok(Vec::new());
    }
    let at = |(number, step): (usize, &u64)| {
        let values: Vec<f64> = runs.iter().map(|run| run[number].accuracy[0]).collect();
        Ok((*step as usize, Summary::of(&values)?))
    };
    let all: Result<Vec<_>, Error> = first.iter().enumerate().map(at).collect();
    let all = all?;
    let together = all.len().div_ceil(MOST_POINTS).max(1);
    let lowest = |near: &[(usize, Summary)]| {
        near.iter().copied().min_by(|a, b| a.1.mean.total_cmp(&b.1.mean))
    };
    Ok(all.chunks(together).filter_map(lowest).collect())
}
