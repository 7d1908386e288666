//! A benchmark: cells by strategy and scenario, run one after the other.

use crate::request::Request;
use crate::results::Line;
use crate::{Cell, CellCost, Error, Strengths};
use cl_core::Observer;
use cl_scenarios::{DatasetName, Protocol, Scenario};

/// A cell that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy.
    pub strategy: String,
    /// Why not.
    pub reason: String,
}

/// Watches a benchmark.
pub trait Progress {
    /// A population starts.
    fn begin(&mut self, _cell: &Cell, _cost: &CellCost) {}

    /// So many more multiply-accumulates are done, over all members.
    fn advanced(&mut self, _macs: u64) {}

    /// A population is through.
    fn end(&mut self, _cell: &Cell) {}
}

/// Watches nothing.
impl Progress for () {}

/// A benchmark, resolved and checked.
pub struct Bench {
    /// What will be run, scenario by scenario; each (scenario, strategy) once.
    pub cells: Vec<Cell>,
    /// What cannot be run.
    pub skipped: Vec<Skipped>,
    /// The scenarios, in order: the columns of the table.
    pub scenarios: Vec<Scenario>,
    /// The strategies, in order: the rows of the table.
    pub strategies: Vec<String>,
    /// The data set.
    pub dataset: DatasetName,
    /// How contexts are made.
    pub protocol: Protocol,
    /// The seeds, one member of each population each.
    pub seeds: Vec<u64>,
    /// Number of contexts.
    pub contexts: usize,
    /// Options that differ from the default protocol.
    pub deviations: Vec<&'static str>,
    /// Whether this is only a look.
    pub quick: bool,
}

impl Bench {
    /// Resolves a request: names, data, strengths, hyper-parameters.
    ///
    /// A strategy that some scenarios do not suit is left out there. One that was asked for by name
    /// and suits none of the scenarios is an error.
    ///
    /// # Errors
    /// Unknown names, values out of range, data that cannot be read, impossible choices.
    pub fn new(request: &Request, strengths: &Strengths) -> Result<Self, Error> {
        let choices = request.choices()?;
        let (mut cells, mut skipped) = (Vec::new(), Vec::<Skipped>::new());
        for &scenario in &choices.scenarios {
            for chosen in &choices.strategies {
                let cell = Cell::new(&choices, strengths, &chosen.composition, scenario);
                match cell.impossible()? {
                    None => cells.push(cell),
                    Some(reason) => {
                        let strategy = chosen.composition.name.clone();
                        skipped.push(Skipped { scenario, strategy, reason });
                    }
                }
            }
        }
        for chosen in choices.strategies.iter().filter(|chosen| chosen.by_name) {
            let name = &chosen.composition.name;
            let runs = cells.iter().any(|cell| cell.composition.name == *name);
            let reason = skipped.iter().find(|skipped| skipped.strategy == *name);
            if let (false, Some(Skipped { reason, .. })) = (runs, reason) {
                return Err(Error::Impossible(reason.clone()));
            }
        }
        let names = choices.strategies.iter().map(|chosen| chosen.composition.name.clone());
        Ok(Self {
            strategies: names.collect(),
            scenarios: choices.scenarios,
            dataset: choices.dataset,
            protocol: choices.protocol,
            seeds: choices.experiment.seeds,
            contexts: choices.experiment.contexts,
            deviations: choices.deviations,
            quick: request.quick,
            cells,
            skipped,
        })
    }

    /// What every cell costs; whatever would be refused later is refused here, before training.
    ///
    /// # Errors
    /// As [`Cell::cost`].
    pub fn costs(&self) -> Result<Vec<CellCost>, Error> {
        self.cells.iter().map(Cell::cost).collect()
    }

    /// Runs every cell and hands its lines over as soon as it is through.
    ///
    /// # Errors
    /// The first run that failed, or what `keep` returned.
    pub fn run(
        &self,
        costs: &[CellCost],
        progress: &mut dyn Progress,
        keep: &mut dyn FnMut(&[Line]) -> Result<(), Error>,
    ) -> Result<Vec<Line>, Error> {
        let mut all = Vec::new();
        for (cell, cost) in self.cells.iter().zip(costs) {
            progress.begin(cell, cost);
            let step = cost.costs.step.macs * cost.members as u64;
            let lines = cell.run(&mut Steps { progress: &mut *progress, step })?;
            progress.end(cell);
            keep(&lines)?;
            all.extend(lines);
        }
        Ok(all)
    }
}

/// Turns steps into work.
struct Steps<'a> {
    progress: &'a mut dyn Progress,
    step: u64,
}

impl Observer for Steps<'_> {
    fn stepped(&mut self, steps: u32) {
        self.progress.advanced(u64::from(steps) * self.step);
    }
}
