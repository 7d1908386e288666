//! Choosing strengths on validation images.

use crate::choices::{Choices, Chosen};
use crate::registry::Composition;
use crate::request::hypers;
use crate::{Bench, Cell, Error, Key, Request, Strengths};
use cl_scenarios::{Part, Scenario};

/// The seed under which strengths are chosen; results use others.
const SEED: u64 = 1;

/// One value of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The strength.
    pub value: f64,
    /// Final accuracy on the validation images, a fraction; `None`: the loss was no number any more.
    pub accuracy: Option<f64>,
}

/// The grid of one hyper-parameter in one scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The section of the file of strengths.
    pub section: String,
    /// `strategy.hyper`.
    pub name: String,
    /// The grid, ascending.
    pub points: Vec<Point>,
}

impl Sweep {
    /// The value of the highest accuracy; of several the smallest.
    #[must_use]
    pub fn chosen(&self) -> Option<f64> {
        let best = self.points.iter().filter_map(|point| point.accuracy).reduce(f64::max)?;
        self.points.iter().find(|point| point.accuracy == Some(best)).map(|point| point.value)
    }
}

/// A choice of strengths, prepared.
pub struct Tuning {
    choices: Choices,
    strengths: Strengths,
}

impl Tuning {
    /// Resolves a request as [`Bench::new`] does, but trains on the train images with seed 1 and
    /// evaluates on the validation images.
    ///
    /// # Errors
    /// As [`Bench::new`]; data without validation images.
    pub fn new(request: &Request, strengths: &Strengths) -> Result<Self, Error> {
        // Refuses what is impossible, as the benchmark would.
        Bench::new(request, strengths)?;
        let mut choices = request.choices()?;
        if choices.experiment.setup.kind.is_task_free() {
            return Err(Error::Impossible(format!(
                "tune: strengths are kept for stream `sharp` alone, not for `{}`",
                choices.experiment.setup.kind
            )));
        }
        if !hypers(&choices.strategies).iter().any(|(_, hyper)| hyper.grid.is_strength()) {
            return Err(Error::Impossible(
                "tune: none of the strategies has a strength to choose; expected one such as ewc or si"
                    .to_owned(),
            ));
        }
        choices.experiment = choices.experiment.part(Part::Validation).seeds([SEED]);
        choices.experiment.stream(SEED)?;
        Ok(Self { choices, strengths: strengths.clone() })
    }

    /// Sweeps every strength of every strategy in every scenario, the other hyper-parameters at
    /// their resolved values; hands each grid over as soon as it is through.
    ///
    /// # Errors
    /// What training refuses, other than a loss that is not a number any more.
    pub fn run(&self, seen: &mut dyn FnMut(&Sweep)) -> Result<Vec<Sweep>, Error> {
        let mut all = Vec::new();
        for &scenario in &self.choices.scenarios {
            for (name, hyper) in hypers(&self.choices.strategies) {
                if !hyper.grid.is_strength() {
                    continue;
                }
                let Some((strategy, _)) = name.split_once('.') else { continue };
                let values = hyper.grid.values();
                let cell = self.cell(strategy, scenario, &name, &values)?;
                if cell.impossible()?.is_some() {
                    continue;
                }
                let points = points(&cell, &name, &values)?;
                let sweep = Sweep { section: self.key(scenario).section(), name, points };
                seen(&sweep);
                all.push(sweep);
            }
        }
        Ok(all)
    }

    fn key(&self, scenario: Scenario) -> Key {
        Key {
            dataset: self.choices.dataset.to_string(),
            protocol: self.choices.experiment.setup.protocol,
            preset: self.choices.preset,
            scenario,
        }
    }

    /// A strategy alone with every value of the grid, otherwise as it was chosen.
    fn cell(
        &self,
        strategy: &str,
        scenario: Scenario,
        name: &str,
        values: &[f64],
    ) -> Result<Cell, Error> {
        let composition = Composition::parse(strategy)?;
        let given = self.choices.strategies.iter().flat_map(|chosen| &chosen.hyper);
        let mut hyper: Vec<(String, Vec<f64>)> =
            given.filter(|(known, _)| composition.hyper(known).is_some()).cloned().collect();
        hyper.retain(|(known, _)| known != name);
        hyper.push((name.to_owned(), values.to_vec()));
        let chosen = Chosen { hyper, ..Chosen::new(composition) };
        let given: Vec<_> = chosen.groups().into_iter().flatten().collect();
        Ok(Cell::new(&self.choices, &self.strengths, &chosen, &given, scenario))
    }
}

/// All values as one population; a value whose loss is no number any more has no line.
fn points(cell: &Cell, name: &str, values: &[f64]) -> Result<Vec<Point>, Error> {
    let trained = cell.run(&mut ())?;
    let accuracy = |value: f64| {
        let line =
            trained.lines.iter().find(|line| line.settings.hyper.get(name) == Some(&value))?;
        line.metrics.get("final_accuracy").copied()
    };
    Ok(values.iter().map(|&value| Point { value, accuracy: accuracy(value) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_the_best_strengths_is_chosen() {
        let point = |value, accuracy| Point { value, accuracy };
        let sweep = |points| Sweep { section: String::new(), name: String::new(), points };
        let tied = sweep(vec![
            point(1.0, Some(0.5)),
            point(10.0, Some(0.9)),
            point(100.0, Some(0.9)),
            point(1000.0, None),
        ]);
        assert_eq!(tied.chosen(), Some(10.0));
        assert_eq!(sweep(vec![point(1.0, None)]).chosen(), None);
    }
}
