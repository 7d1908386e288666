//! Strategies at equal bytes: what each may keep of a number of bytes, and what comes out.

use crate::choices::{Choices, Chosen};
use crate::registry::{Composition, Family, Grid};
use crate::{Bench, Cell, CellCost, Error, Finished, Request, Strengths, choose};
use cl_metrics::Summary;
use cl_scenarios::Scenario;
use std::collections::BTreeMap;

/// What runs where nobody chooses: every strategy, and penalties whose bytes that are left over go to
/// exemplars.
const STRATEGIES: &str = "all,ewc+er,si+er,lwf+er";

/// Strategies in one scenario, each with as many rows as so many bytes allow.
///
/// The bytes are those that a strategy keeps between contexts (exemplars, labels, logits, Fisher
/// information, anchors, teachers), with full memories. A strategy without a memory of rows has bytes
/// of its own: it runs once.
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

/// The rows that a strategy may keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The strategy.
    pub strategy: String,
    /// The hyper-parameter that counts rows, `strategy.hyper`; none has bytes of its own.
    pub hyper: Option<String>,
    /// The fewest bytes that it can do with.
    pub least: u64,
    /// The hyper-parameter for each budget; nothing where `least` is more.
    pub rows: Vec<Option<u64>>,
}

/// What a strategy gave with so many bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetPoint {
    /// The strategy.
    pub strategy: String,
    /// Whether it keeps all data: the others are compared with it.
    pub is_baseline: bool,
    /// The budget; nothing where the strategy has bytes of its own.
    pub budget: Option<u64>,
    /// The value of the hyper-parameter that counts rows.
    pub rows: Option<u64>,
    /// Bytes kept between contexts, the most over seeds.
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
    /// No budget or one of 0; several scenarios; what [`Bench::new`] refuses.
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
        let mut fits = Vec::new();
        for chosen in &choices.strategies {
            let bytes = Bytes { choices: &choices, strengths, chosen, scenario };
            if let Some(fit) = bytes.fit(&budgets)? {
                fits.push(fit);
            }
        }
        let mut set = request.set.clone();
        let mut strategies = Vec::new();
        for fit in &fits {
            let Some(hyper) = &fit.hyper else {
                strategies.push(fit.strategy.clone());
                continue;
            };
            let rows: Vec<String> = fit.rows.iter().flatten().map(u64::to_string).collect();
            if !rows.is_empty() {
                strategies.push(fit.strategy.clone());
                set.push(format!("{}:{hyper}={}", fit.strategy, rows.join(",")));
            }
        }
        if strategies.is_empty() {
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
        let request = Request { strategy: Some(strategies.join(",")), set, ..request };
        Ok(Self { request, scenario, budgets, fits })
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
            let wanted: Vec<(Option<u64>, Option<u64>)> = match fit.hyper {
                None => vec![(None, None)],
                Some(_) => {
                    let budgets = self.budgets.iter().map(|&budget| Some(budget));
                    budgets
                        .zip(fit.rows.iter().copied())
                        .filter(|(_, rows)| rows.is_some())
                        .collect()
                }
            };
            for (budget, rows) in wanted {
                let lines = finished.lines.iter().filter(|line| {
                    let kept = fit.hyper.as_ref().and_then(|hyper| line.settings.hyper.get(hyper));
                    line.strategy == fit.strategy && kept.map(|&kept| kept as u64) == rows
                });
                let lines: Vec<_> = lines.collect();
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

/// The bytes of one strategy.
struct Bytes<'a> {
    choices: &'a Choices,
    strengths: &'a Strengths,
    chosen: &'a Chosen,
    scenario: Scenario,
}

impl Bytes<'_> {
    /// The hyper-parameter that counts its rows: of a composition that of the replay in it, which takes
    /// the bytes that the others leave.
    fn counts_rows(&self) -> Option<String> {
        let parts = &self.chosen.composition.parts;
        let replay = parts.iter().filter(|part| part.family == Family::Replay);
        replay.chain(parts).find_map(|part| {
            let rows = part.hypers.iter().find(|hyper| hyper.grid == Grid::Rows)?;
            Some(format!("{}.{}", part.name, rows.name))
        })
    }

    fn cell(&self, rows: Option<(&str, u64)>) -> Cell {
        let rows = rows.map(|(hyper, rows)| (hyper.to_owned(), rows as f64));
        let given: BTreeMap<String, f64> = rows.into_iter().collect();
        Cell::new(self.choices, self.strengths, self.chosen, &[given], self.scenario)
    }

    /// Nothing where the scenario does not suit the strategy: the benchmark says why, if it was asked
    /// for by name.
    fn fit(&self, budgets: &[u64]) -> Result<Option<Fit>, Error> {
        let strategy = self.chosen.composition.name.clone();
        if self.cell(None).impossible()?.is_some() {
            return match self.chosen.by_name {
                true => Ok(Some(Fit { strategy, hyper: None, least: 0, rows: Vec::new() })),
                false => Ok(None),
            };
        }
        let Some(hyper) = self.counts_rows() else {
            let least = self.cell(None).cost()?.costs.bytes_kept;
            return Ok(Some(Fit { strategy, hyper: None, least, rows: Vec::new() }));
        };
        let mut known = BTreeMap::new();
        let mut bytes = |rows: u64| -> Result<u64, Error> {
            if let Some(&bytes) = known.get(&rows) {
                return Ok(bytes);
            }
            let bytes = self.cell(Some((&hyper, rows))).cost()?.costs.bytes_kept;
            known.insert(rows, bytes);
            Ok(bytes)
        };
        let least = bytes(1)?;
        // No class has more rows than there are.
        let most = self.choices.experiment.dataset.train.len() as u64;
        let rows = budgets.iter().map(|&budget| most_rows(budget, most, &mut bytes));
        let rows = rows.collect::<Result<_, _>>()?;
        Ok(Some(Fit { strategy, least, rows, hyper: Some(hyper) }))
    }
}

/// The most rows, at most `most`, whose bytes fit; nothing where one row does not.
fn most_rows(
    budget: u64,
    most: u64,
    bytes: &mut dyn FnMut(u64) -> Result<u64, Error>,
) -> Result<Option<u64>, Error> {
    if bytes(1)? > budget {
        return Ok(None);
    }
    let (mut fits, mut over) = (1, 2);
    while over <= most && bytes(over)? <= budget {
        (fits, over) = (over, 2 * over);
    }
    over = over.min(most + 1);
    while over - fits > 1 {
        let middle = fits.midpoint(over);
        match bytes(middle)? <= budget {
            true => fits = middle,
            false => over = middle,
        }
    }
    Ok(Some(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_rows_are_found_for_every_budget() {
        // 40 bytes of its own and 7 for each row.
        let mut bytes = |rows: u64| Ok(40 + 7 * rows);
        for budget in 0..400_u64 {
            let expected = budget.checked_sub(40).map(|left| left / 7).filter(|&rows| rows > 0);
            let expected = expected.map(|rows| rows.min(30));
            assert_eq!(most_rows(budget, 30, &mut bytes).unwrap(), expected, "{budget}");
        }
    }
}
