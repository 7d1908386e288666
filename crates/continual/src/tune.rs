//! Choosing strengths on validation images.

use crate::registry::{Composition, Grid};
use crate::request::{Choices, hypers};
use crate::{Bench, Cell, Error, Key, Request, Strengths};
use cl_core::{Outcome, run};
use cl_metrics::final_accuracy;
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
        if hypers(&choices.strategies).iter().all(|(_, hyper)| hyper.grid == Grid::Fixed) {
            return Err(Error::Impossible(
                "tune: none of the strategies has a strength to choose".to_owned(),
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
                if hyper.grid == Grid::Fixed {
                    continue;
                }
                let Some((strategy, _)) = name.split_once('.') else { continue };
                let composition = Composition::parse(strategy)?;
                let cell = self.cell(&composition, scenario, None);
                if cell.impossible()?.is_some() {
                    continue;
                }
                let values = hyper.grid.values();
                let points = self.population(&cell, &name, &values)?;
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
            protocol: self.choices.protocol,
            preset: self.choices.preset,
            scenario,
        }
    }

    fn cell(
        &self,
        composition: &Composition,
        scenario: Scenario,
        set: Option<(&str, f64)>,
    ) -> Cell {
        match set {
            None => Cell::new(&self.choices, &self.strengths, composition, scenario),
            Some((name, value)) => {
                let mut choices = self.choices.clone();
                choices.set.insert(name.to_owned(), value);
                Cell::new(&choices, &self.strengths, composition, scenario)
            }
        }
    }

    /// All values as one population whose members differ in the slot.
    fn population(&self, cell: &Cell, name: &str, values: &[f64]) -> Result<Vec<Point>, Error> {
        let experiment = cell.experiment.clone().seeds(values.iter().map(|_| SEED));
        let mut learner = experiment.learner(cell.strategy())?;
        let slot = name.replace('.', "/");
        for (member, &value) in values.iter().enumerate() {
            learner.set_hyper(&slot, member, value as f32)?;
        }
        match run(&mut learner, &mut ()) {
            Ok(outcomes) => points(values, &outcomes),
            // One value too large stops them all: find out which.
            Err(cl_core::Error::Tensor(_) | cl_core::Error::Diverged { .. }) => {
                self.one_by_one(&cell.composition, cell.scenario, name, values)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn one_by_one(
        &self,
        composition: &Composition,
        scenario: Scenario,
        name: &str,
        values: &[f64],
    ) -> Result<Vec<Point>, Error> {
        let mut all = Vec::with_capacity(values.len());
        for &value in values {
            let cell = self.cell(composition, scenario, Some((name, value)));
            match cell.experiment.run(cell.strategy()) {
                Ok(outcomes) => all.extend(points(&[value], &outcomes)?),
                Err(error) if error.is_bad_input() => return Err(error),
                Err(_) => all.push(Point { value, accuracy: None }),
            }
        }
        Ok(all)
    }
}

fn points(values: &[f64], outcomes: &[Outcome]) -> Result<Vec<Point>, Error> {
    let point = |(&value, outcome): (&f64, &Outcome)| {
        Ok(Point { value, accuracy: Some(final_accuracy(&outcome.accuracy)?) })
    };
    values.iter().zip(outcomes).map(point).collect()
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
