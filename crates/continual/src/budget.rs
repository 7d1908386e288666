//! Strategies at equal bytes: what each may keep of a number of bytes, and what comes out.

use crate::budget_plan::{Fit, Plan};
use crate::choices::Chosen;
use crate::registry::Composition;
use crate::{Bench, CellCost, Error, Finished, Line, Request, Strengths, choose};
use cl_metrics::Summary;
use cl_scenarios::Scenario;

/// What runs where nobody chooses: every strategy, and penalties whose bytes that are left over go to
/// exemplars.
const STRATEGIES: &str = "all,ewc+er,si+er,lwf+er";

/// Strategies in one scenario, each with as many rows as so many bytes allow.
///
/// The bytes are those that a strategy keeps between contexts, as [`Line::bytes_kept`] tells them. A
/// strategy without a memory of rows has bytes of its own: it runs once.
#[derive(Clone, Debug, PartialEq)]
pub struct EqualBytes {
    /// What runs.
    pub request: Request,
    /// The scenario.
    pub scenario: Scenario,
    /// The bytes, ascending.
    pub budgets: Vec<u64>,
    /// How many rows each strategy keeps.
    pub fits: Vec<Fit>,
}

/// What a strategy gave with so many bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetPoint {
    /// The strategy.
    pub strategy: String,
    /// Whether it is a baseline: the others are compared with it.
    pub is_baseline: bool,
    /// The budget; nothing where the strategy has bytes of its own.
    pub budget: Option<u64>,
    /// The rows of every class that each of its memories keeps.
    pub rows: Option<u64>,
    /// Bytes kept between contexts.
    pub bytes: u64,
    /// Multiply-accumulates of one run, evaluations included.
    pub macs: u64,
    /// Final accuracy over seeds, a fraction.
    pub accuracy: Summary,
}

impl EqualBytes {
    /// Works out how many rows every strategy of `request` (where nothing is said, all of them) may keep.
    ///
    /// # Errors
    /// No budget or one of 0; several scenarios; a hyper-parameter that counts rows or has several
    /// values; what [`Bench::new`] refuses.
    pub fn new(request: Request, budgets: &[u64], strengths: &Strengths) -> Result<Self, Error> {
        let mut budgets = budgets.to_vec();
        budgets.sort_unstable();
        budgets.dedup();
        if budgets.first().is_none_or(|&least| least == 0) {
            return Err(Error::Impossible("budget: expected numbers of bytes above 0".to_owned()));
        }
        let scenario =
            choose("scenario", request.scenario.as_deref().unwrap_or("class"), &Scenario::ALL)?;
        let strategy = request.strategy.clone().unwrap_or_else(|| STRATEGIES.to_owned());
        let request =
            Request { scenario: Some(scenario.to_string()), strategy: Some(strategy), ..request };
        let choices = request.choices()?;
        choices.strategies.iter().try_for_each(refuse_rows)?;
        let mut fits = Vec::new();
        for chosen in &choices.strategies {
            let plan = Plan { choices: &choices, strengths, chosen, scenario };
            if let Some(fit) = plan.fit(&budgets)? {
                fits.push(fit);
            }
        }
        if !fits.iter().any(Fit::runs) {
            let least: Vec<String> = fits
                .iter()
                .map(|fit| format!("{} at least {} bytes", fit.strategy, fit.least))
                .collect();
            return Err(Error::Impossible(format!(
                "budget: {} bytes are too few: expected for {}",
                budgets.last().copied().unwrap_or_default(),
                least.join(", ")
            )));
        }
        Ok(Self { request, scenario, budgets, fits })
    }

    /// The runs: every strategy once with each number of rows.
    ///
    /// # Errors
    /// What [`Bench::new`] refuses.
    pub fn bench(&self, strengths: &Strengths) -> Result<Bench, Error> {
        let mut choices = self.request.choices()?;
        let chosen = std::mem::take(&mut choices.strategies);
        for chosen in chosen {
            let name = &chosen.composition.name;
            let Some(fit) = self.fits.iter().find(|fit| fit.strategy == *name) else { continue };
            match fit.hypers.is_empty() {
                true => choices.strategies.push(chosen),
                false => {
                    choices.strategies.extend(fit.settings().map(|rows| with(&chosen, fit, rows)));
                }
            }
        }
        Bench::of(choices, strengths)
    }

    /// What came out, fit by fit, each by ascending budget. Two budgets that allow the same rows are two
    /// points of the same runs.
    ///
    /// # Errors
    /// Accuracies that are no numbers.
    pub fn points(
        &self,
        bench: &Bench,
        costs: &[CellCost],
        finished: &Finished,
    ) -> Result<Vec<BudgetPoint>, Error> {
        let mut points = Vec::new();
        for fit in &self.fits {
            let wanted: Vec<(Option<u64>, Option<u64>)> = match fit.hypers.is_empty() {
                true => vec![(None, None)],
                false => {
                    let budgets = self.budgets.iter().map(|&budget| Some(budget));
                    budgets
                        .zip(fit.rows.iter().copied())
                        .filter(|(_, rows)| rows.is_some())
                        .collect()
                }
            };
            for (budget, rows) in wanted {
                let own = |line: &&Line| line.strategy == fit.strategy && fit.is_of(line, rows);
                let lines: Vec<_> = finished.lines.iter().filter(own).collect();
                let Some(first) = lines.first() else { continue };
                let accuracies: Vec<f64> = lines
                    .iter()
                    .filter_map(|line| line.metrics.get("final_accuracy").copied())
                    .collect();
                let cost = bench.cells.iter().zip(costs).find(|(cell, _)| {
                    cell.variants
                        .iter()
                        .any(|variant| variant.settings.with_seed(first.seed) == first.settings)
                });
                points.push(BudgetPoint {
                    strategy: fit.strategy.clone(),
                    is_baseline: Composition::parse(&fit.strategy)?.is_baseline(),
                    budget,
                    rows,
                    bytes: lines.iter().map(|line| line.bytes_kept).max().unwrap_or_default(),
                    macs: cost.map_or(0, |(_, cost)| cost.costs.macs),
                    accuracy: Summary::of(&accuracies)?,
                });
            }
        }
        Ok(points)
    }
}

/// A hyper-parameter that counts rows is what a budget chooses, and another one has one value.
fn refuse_rows(chosen: &Chosen) -> Result<(), Error> {
    for (name, values) in &chosen.hyper {
        let refused = |why: &str| Err(Error::Impossible(format!("budget: --set {name}: {why}")));
        if chosen.composition.hyper(name).is_some_and(|hyper| hyper.grid.counts_rows()) {
            return refused("it counts the rows of a memory, which --bytes chooses");
        }
        if values.len() > 1 {
            return refused("expected one value, not a sweep");
        }
    }
    Ok(())
}

/// A strategy with so many rows.
fn with(chosen: &Chosen, fit: &Fit, rows: u64) -> Chosen {
    let mut chosen = chosen.clone();
    for (name, value) in fit.values(rows) {
        chosen.shown.push(name.clone());
        chosen.hyper.push((name, vec![value]));
    }
    chosen
}
