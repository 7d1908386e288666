//! What is ranked together.

use super::compare::{self, AgainstBest, Verdict};
use super::way;
use crate::label::{label, number};
use crate::registry::Composition;
use crate::tradeoff::{new, old};
use crate::{Error, Settings};
use cl_metrics::{AccuracyMatrix, AnytimeAccuracy, Plasticity, Summary, evaluate, intransigence};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Runs that differ in strategy, hyper-parameters and seed alone.
#[derive(Debug, Serialize)]
pub struct Board {
    /// What tells it from the others of the report.
    pub title: String,
    /// Settings that all runs share; `strategy`, `hyper` and `seed` are empty.
    pub settings: Settings,
    /// Conventions that all runs share.
    pub conventions: BTreeMap<String, String>,
    /// The version of the program.
    pub version: String,
    /// Devices, threads and members trained at once: whatever occurred.
    pub environment: [Vec<String>; 3],
    /// The strategies and values of sweeps, the best first.
    pub rows: Vec<Row>,
    /// What the tests say of them.
    pub verdict: Verdict,
}

/// A strategy with its hyper-parameters over all seeds.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The strategy and the values that tell it from others of its board.
    pub label: String,
    /// The strategy, parts joined with `+`.
    pub strategy: String,
    /// Hyper-parameters by `strategy.name`.
    pub hyper: BTreeMap<String, f64>,
    /// Conventions of its own.
    pub conventions: BTreeMap<String, String>,
    /// Whether the others are only compared with it: it has no rank.
    pub is_baseline: bool,
    /// 1 for the highest mean of the final accuracies; equal ones share it.
    pub rank: Option<usize>,
    /// Letters: rows that share one are not told apart by their seeds.
    pub group: Option<String>,
    /// How it compares with the first in rank.
    pub against_best: Option<AgainstBest>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Final accuracies in the order of the seeds, fractions.
    pub finals: Vec<f64>,
    /// Metrics over seeds, where all seeds have them.
    pub metrics: BTreeMap<String, Summary>,
    /// Mean accuracy on the contexts so far, by how many these are; of `joint` at the end alone.
    pub seen: Vec<(usize, Summary)>,
    /// Accuracy on the first context by steps so far, of runs that were evaluated on the way: of evaluations
    /// too close to be drawn the one with the lowest mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub way: Vec<(usize, Summary)>,
    /// The share of hidden units that are dormant by contexts so far, of runs of which that was measured.
    pub dormant: Vec<(usize, Summary)>,
    /// Stability: mean accuracy on all contexts but the last, at the end.
    pub old: Option<Summary>,
    /// Plasticity: mean accuracy on all contexts but the first, each when it was just learned.
    pub new: Option<Summary>,
    /// R, means over seeds.
    pub accuracy: Vec<Vec<f64>>,
    /// How many contexts had been learned at each row of R.
    pub after: Vec<usize>,
    /// The contexts of the columns of R, counted from 1.
    pub tracked: Vec<usize>,
    /// Bytes kept between contexts.
    pub bytes_kept: u64,
    /// Multiply-accumulates of one run; results of earlier versions do not say.
    pub macs: Option<u64>,
    /// Parameters of the network.
    pub parameters: usize,
    /// Steps of one run.
    pub steps: u64,
    /// Seconds of training and boundaries of one run.
    pub seconds: Summary,
}

impl Row {
    /// Of the final accuracies.
    #[must_use]
    pub fn last(&self) -> Option<&Summary> {
        self.metrics.get("final_accuracy")
    }

    pub(super) fn mean(&self) -> f64 {
        self.last().map_or(f64::NAN, |it| it.mean)
    }
}

/// One run.
pub(super) struct Run {
    pub matrix: AccuracyMatrix,
    pub anytime: Option<AnytimeAccuracy>,
    pub plasticity: Vec<Option<Plasticity>>,
    pub metrics: BTreeMap<String, f64>,
    pub steps: u64,
    pub seconds: f64,
    pub bytes_kept: u64,
    pub macs: Option<u64>,
    pub parameters: usize,
    pub environment: (String, usize, usize),
}

/// The runs of a row by seed.
pub(super) struct Cell {
    pub strategy: String,
    pub hyper: BTreeMap<String, f64>,
    pub conventions: BTreeMap<String, String>,
    pub runs: BTreeMap<u64, Run>,
}

/// Works out rows, ranks and tests.
pub(super) fn of(
    settings: Settings,
    conventions: BTreeMap<String, String>,
    version: String,
    cells: Vec<Cell>,
) -> Result<Board, Error> {
    let all = || cells.iter().flat_map(|cell| cell.runs.values()).map(|run| &run.environment);
    let environment = [
        told(all().map(|it| it.0.clone())),
        told(all().map(|it| it.1)),
        told(all().map(|it| it.2)),
    ];
    let labels = labels(&cells);
    let joint = joint(&cells);
    let rows: Result<Vec<Row>, Error> =
        labels.into_iter().zip(cells).map(|(label, cell)| row(label, cell, &joint)).collect();
    let mut rows = rows?;
    rows.sort_by(|a, b| b.mean().total_cmp(&a.mean()).then_with(|| a.label.cmp(&b.label)));
    let verdict = compare::judge(&mut rows)?;
    let title = String::new();
    Ok(Board { title, settings, conventions, version, environment, rows, verdict })
}

fn told<T: Ord + ToString>(values: impl Iterator<Item = T>) -> Vec<String> {
    values.collect::<BTreeSet<T>>().iter().map(ToString::to_string).collect()
}

/// Of each cell: its strategy, with the hyper-parameters whose values differ between cells of the same.
fn labels(cells: &[Cell]) -> Vec<String> {
    let mut values: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
    for cell in cells {
        for (name, value) in &cell.hyper {
            values.entry((&cell.strategy, name)).or_default().insert(value.to_bits());
        }
    }
    let of = |cell: &Cell| {
        let differs = |name: &&String| {
            values.get(&(cell.strategy.as_str(), name.as_str())).is_some_and(|it| it.len() > 1)
        };
        let shown: Vec<String> = cell.hyper.keys().filter(differs).cloned().collect();
        match Composition::parse(&cell.strategy) {
            Ok(composition) if composition.name == cell.strategy => {
                label(&composition, &shown, &[&cell.hyper])
            }
            _ => {
                let told = shown.iter().map(|name| format!(" {name}={}", number(cell.hyper[name])));
                cell.strategy.clone() + &told.collect::<String>()
            }
        }
    };
    cells.iter().map(of).collect()
}

/// By seed, the accuracies on context j of a model trained jointly on contexts 1 to j.
type Joint = BTreeMap<u64, Vec<f64>>;

/// Those of `cumulative`, which trains on all contexts so far and goes on from context to context.
fn joint(cells: &[Cell]) -> Joint {
    let runs =
        cells.iter().filter(|cell| cell.strategy == "cumulative").flat_map(|cell| &cell.runs);
    let of = |(seed, run): (&u64, &Run)| {
        let rows = run.matrix.require_square("intransigence").ok()?;
        Some((*seed, rows.iter().enumerate().map(|(j, row)| row[j]).collect()))
    };
    runs.filter_map(of).collect()
}

fn row(label: String, cell: Cell, joint: &Joint) -> Result<Row, Error> {
    let Cell { strategy, hyper, conventions, runs } = cell;
    let is_baseline = Composition::parse(&strategy).is_ok_and(|it| it.is_baseline());
    let seeds: Vec<u64> = runs.keys().copied().collect();
    let joint: Vec<Option<&Vec<f64>>> = seeds.iter().map(|seed| joint.get(seed)).collect();
    let runs: Vec<Run> = runs.into_values().collect();
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (run, joint) in runs.iter().zip(joint) {
        let mut own = run.metrics.clone();
        let known = evaluate(&run.matrix).0;
        own.extend(known.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if let Some(value) = joint.and_then(|joint| intransigence(&run.matrix, joint).ok()) {
            own.insert("intransigence".to_owned(), value);
        }
        for (name, value) in own {
            values.entry(name).or_default().push(value);
        }
    }
    values.retain(|_, values| values.len() == runs.len());
    let finals = values.get("final_accuracy").cloned().unwrap_or_default();
    let metrics: Result<_, cl_metrics::Error> =
        values.into_iter().map(|(name, values)| Ok((name, Summary::of(&values)?))).collect();
    let of = |value: fn(&AccuracyMatrix) -> f64| {
        let values: Vec<f64> = runs.iter().map(|run| value(&run.matrix)).collect();
        Summary::of(&values).ok()
    };
    let seconds: Vec<f64> = runs.iter().map(|run| run.seconds).collect();
    let largest = |of: fn(&Run) -> u64| runs.iter().map(of).max().unwrap_or(0);
    let macs: Option<Vec<u64>> = runs.iter().map(|run| run.macs).collect();
    Ok(Row {
        label,
        strategy,
        hyper,
        conventions,
        is_baseline,
        rank: None,
        group: None,
        against_best: None,
        seeds,
        finals,
        metrics: metrics?,
        seen: seen(&runs)?,
        way: way::of(&runs)?,
        dormant: dormant(&runs)?,
        old: of(old),
        new: of(new),
        accuracy: mean(&runs),
        after: runs.first().map_or_else(Vec::new, |run| after(&run.matrix, height(&runs))),
        tracked: runs.first().map_or_else(Vec::new, |run| tracked(&run.matrix)),
        bytes_kept: largest(|run| run.bytes_kept),
        macs: macs.and_then(|all| all.into_iter().max()),
        parameters: runs.iter().map(|run| run.parameters).max().unwrap_or(0),
        steps: largest(|run| run.steps),
        seconds: Summary::of(&seconds)?,
    })
}

/// Where all runs have it, by the contexts after which it was measured.
fn dormant(runs: &[Run]) -> Result<Vec<(usize, Summary)>, Error> {
    let Some(first) = runs.first() else { return Ok(Vec::new()) };
    let after = after(&first.matrix, height(runs));
    let at = |(number, context): (usize, &usize)| {
        let of = |run: &Run| Some((*run.plasticity.get(number)?)?.dormant_units);
        let values: Option<Vec<f64>> = runs.iter().map(of).collect();
        values.map(|values| Ok((*context, Summary::of(&values)?)))
    };
    after.iter().enumerate().filter_map(at).collect()
}

/// Rows that all runs have: one of `joint`, otherwise one per context.
fn height(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.matrix.rows().len()).min().unwrap_or(0)
}

fn mean(runs: &[Run]) -> Vec<Vec<f64>> {
    let mut sum: Vec<Vec<f64>> = Vec::new();
    for run in runs {
        let rows = &run.matrix.rows()[..height(runs)];
        if sum.is_empty() {
            sum = rows.to_vec();
            continue;
        }
        for (sum, value) in sum.iter_mut().flatten().zip(rows.iter().flatten()) {
            *sum += value;
        }
    }
    sum.iter_mut().flatten().for_each(|sum| *sum /= runs.len() as f64);
    sum
}

/// How many contexts had been learned at each of the first rows; the one row of `joint` is of all.
fn after(matrix: &AccuracyMatrix, height: usize) -> Vec<usize> {
    match matrix.evaluated_after() {
        _ if height == 1 => vec![matrix.contexts()],
        Some(after) => after[..height].iter().map(|stage| stage + 1).collect(),
        None => (1..=height).collect(),
    }
}

/// The contexts of the columns, counted from 1.
fn tracked(matrix: &AccuracyMatrix) -> Vec<usize> {
    match matrix.tracked() {
        Some(tracked) => tracked.iter().map(|context| context + 1).collect(),
        None => (1..=matrix.contexts()).collect(),
    }
}

fn seen(runs: &[Run]) -> Result<Vec<(usize, Summary)>, Error> {
    let (Some(first), height) = (runs.first(), height(runs)) else { return Ok(Vec::new()) };
    let tracked = tracked(&first.matrix);
    let of = |(row, learned): (usize, usize)| {
        let so_far = tracked.partition_point(|&context| context <= learned);
        let mean = |run: &Run| run.matrix.rows()[row][..so_far].iter().sum::<f64>() / so_far as f64;
        // Before the first tracked context there is nothing to tell.
        (so_far > 0).then(|| {
            let summary = Summary::of(&runs.iter().map(mean).collect::<Vec<f64>>())?;
            Ok((learned, summary))
        })
    };
    after(&first.matrix, height).into_iter().enumerate().filter_map(of).collect()
}
