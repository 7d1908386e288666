//! A benchmark: cells by strategy and scenario, run one after the other.

use crate::choices::{Choices, Chosen};
use crate::conventions;
use crate::label::label;
use crate::request::Request;
use crate::results::Line;
use crate::waves::Watch;
use crate::{Cell, CellCost, Error, Keep, Strengths};
use cl_core::Observer;
use cl_scenarios::{DatasetName, Part, Protocol, Scenario, StreamKind};

/// A row of the table in a scenario that has no results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy, with the values that tell it from others.
    pub strategy: String,
    /// Why not.
    pub reason: String,
}

/// Watches a benchmark.
///
/// ```
/// use continual::{Bench, Cell, CellCost, Progress, Request, Strengths};
///
/// #[derive(Default)]
/// struct Told {
///     begun: Vec<String>,
///     macs: u64,
/// }
///
/// impl Progress for Told {
///     fn begin(&mut self, cell: &Cell, _: &CellCost) {
///         self.begun.push(cell.label());
///     }
///     fn advanced(&mut self, macs: u64) {
///         self.macs += macs;
///     }
/// }
///
/// let [strategy, scenario] = ["none,l2", "task"].map(|name| Some(name.to_owned()));
/// let request = Request { strategy, scenario, steps: Some(2), seeds: Some(1), ..Request::default() };
/// let bench = Bench::new(&request, &Strengths::built_in()?)?;
/// let mut told = Told::default();
/// bench.run(&bench.costs()?, &mut told, &mut ())?;
/// assert_eq!(told.begun, ["none", "l2"]);
/// assert!(told.macs > 0);
/// # Ok::<(), continual::Error>(())
/// ```
pub trait Progress {
    /// A population starts.
    fn begin(&mut self, _cell: &Cell, _cost: &CellCost) {}

    /// So many more multiply-accumulates are done, over all members.
    fn advanced(&mut self, _macs: u64) {}

    /// A population is through.
    fn end(&mut self, _cell: &Cell) {}

    /// A checkpoint could not be written, for this reason; training goes on.
    fn unsaved(&mut self, _reason: &str) {}
}

/// Watches nothing.
impl Progress for () {}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The strategy, with the values that tell it from others.
    pub label: String,
    /// Whether the others are compared with it.
    pub is_baseline: bool,
}

/// What a benchmark gave.
#[derive(Debug, Default)]
pub struct Finished {
    /// One line per run.
    pub lines: Vec<Line>,
    /// Strategies and values of a sweep whose loss was no number any more, and strategies whose capacity
    /// did not do.
    pub diverged: Vec<Skipped>,
    /// Those of `diverged` of whose cell nothing is left: no value of a sweep was trained either.
    pub lost: Vec<Skipped>,
}

impl Finished {
    /// The failure of cells that nothing is left of, one line for all; `None` without one.
    #[must_use]
    pub fn failure(&self) -> Option<Error> {
        let tell = |it: &Skipped| format!("{} in {}: {}", it.strategy, it.scenario, it.reason);
        let told: Vec<String> = self.lost.iter().map(tell).collect();
        (!told.is_empty()).then(|| Error::Diverged(format!("no results of {}", told.join("; "))))
    }
}

/// A benchmark, resolved and checked.
pub struct Bench {
    /// What will be run, scenario by scenario.
    pub cells: Vec<Cell>,
    /// What cannot be run.
    pub skipped: Vec<Skipped>,
    /// The scenarios, in order: the columns of the table.
    pub scenarios: Vec<Scenario>,
    /// The strategies and the values of sweeps, in order: the rows of the table.
    pub rows: Vec<Row>,
    /// The data set.
    pub dataset: DatasetName,
    /// How contexts are made.
    pub protocol: Protocol,
    /// How the stream goes from one context to the next.
    pub stream: StreamKind,
    /// The seeds, one member of each population each.
    pub seeds: Vec<u64>,
    /// Number of contexts.
    pub contexts: usize,
    /// What the networks are evaluated on.
    pub part: Part,
    /// Choices that differ from the default protocol.
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
        Ok(Self { quick: request.quick, ..Self::of(request.choices()?, strengths)? })
    }

    pub(crate) fn of(choices: Choices, strengths: &Strengths) -> Result<Self, Error> {
        let rows = rows(&choices.strategies)?;
        let (mut cells, mut skipped) = (Vec::new(), Vec::<Skipped>::new());
        // Why each strategy cannot run, until a scenario is found in which it can.
        let mut refused: Vec<Option<String>> = vec![None; choices.strategies.len()];
        for (index, &scenario) in choices.scenarios.iter().enumerate() {
            for (chosen, refused) in choices.strategies.iter().zip(&mut refused) {
                for given in chosen.groups() {
                    let cell = Cell::new(&choices, strengths, chosen, &given, scenario);
                    match cell.impossible().map_err(|error| chosen.at(error))? {
                        None => {
                            *refused = None;
                            cells.push(cell);
                        }
                        Some(reason) => {
                            if index == 0 {
                                *refused = Some(reason.clone());
                            }
                            skipped.push(Skipped { scenario, strategy: cell.label(), reason });
                        }
                    }
                }
            }
        }
        for chosen in &choices.strategies {
            check_used(chosen, &cells).map_err(|error| chosen.at(error))?;
        }
        for (chosen, refused) in choices.strategies.iter().zip(refused) {
            if let (true, Some(reason)) = (chosen.by_name, refused) {
                return Err(chosen.at(Error::Impossible(reason)));
            }
        }
        let setup = choices.experiment.setup;
        Ok(Self {
            rows,
            scenarios: choices.scenarios,
            dataset: choices.dataset,
            protocol: setup.protocol,
            stream: setup.kind,
            seeds: setup.seeds,
            contexts: setup.contexts,
            part: setup.part,
            deviations: choices.deviations,
            quick: false,
            cells,
            skipped,
        })
    }

    /// What every cell costs; whatever would be refused later is refused here, before training.
    ///
    /// # Errors
    /// As [`Cell::cost`].
    pub fn costs(&self) -> Result<Vec<CellCost>, Error> {
        self.cells.iter().map(|cell| cell.cost().map_err(Error::without_place)).collect()
    }

    /// Runs every cell that `keep` does not know, and hands over what it gave as soon as it is
    /// through. A cell whose loss is no number any more is no fault of the others: it is a gap, and they
    /// run ([`Finished::failure`]).
    ///
    /// # Errors
    /// The first run that failed otherwise, or what `keep` returned; [`Error::Diverged`] where no cell has
    /// results.
    pub fn run(
        &self,
        costs: &[CellCost],
        progress: &mut dyn Progress,
        keep: &mut dyn Keep,
    ) -> Result<Finished, Error> {
        let mut all = Finished::default();
        for (index, (cell, cost)) in self.cells.iter().zip(costs).enumerate() {
            progress.begin(cell, cost);
            let macs = cost.costs.step.macs;
            let mut steps = Steps { progress: &mut *progress, macs, members: 0 };
            let trained = match cell.run_kept(index, &mut steps, keep) {
                // No fault of the others: a gap in the table, with its reason below.
                Err(error) if error.is_used_up() && self.cells.len() > 1 => {
                    progress.end(cell);
                    let (scenario, strategy) = (cell.scenario, cell.label());
                    all.diverged.push(Skipped { scenario, strategy, reason: error.to_string() });
                    continue;
                }
                trained => trained?,
            };
            progress.end(cell);
            let nothing = trained.lines.is_empty();
            all.lines.extend(trained.lines);
            for (strategy, reason) in trained.diverged {
                let gap = Skipped { scenario: cell.scenario, strategy, reason };
                if nothing {
                    all.lost.push(gap.clone());
                }
                all.diverged.push(gap);
            }
        }
        if !all.lines.is_empty() {
            return Ok(all);
        }
        let used_up = all.diverged.first().map(|gap| Error::Diverged(gap.reason.clone()));
        all.failure().or(used_up).map_or(Ok(all), Err)
    }

    /// Which contexts are evaluated when, in words; `None` where it is all of them after each.
    #[must_use]
    pub fn tracked(&self) -> Option<String> {
        self.cells.first().and_then(|cell| conventions::tracked(&cell.experiment.setup))
    }

    /// SHA-256 of the data set, hexadecimal.
    pub(crate) fn checksum(&self) -> &str {
        // Without a cell nothing is trained on any data.
        self.cells.first().map_or("", |cell| &cell.experiment.dataset.checksum)
    }

    /// Where programs run.
    #[must_use]
    pub fn device(&self) -> String {
        // Without a cell nothing runs anywhere.
        self.cells
            .first()
            .map_or_else(String::new, |cell| cell.experiment.setup.device().describe())
    }

    /// SHA-256 of the weights that networks start with, hexadecimal; empty where they are drawn.
    pub(crate) fn weights(&self) -> &str {
        let mut variants = self.cells.iter().flat_map(|cell| &cell.variants);
        variants.next().map_or("", |variant| &variant.settings.weights)
    }

    /// The runs of a row in a scenario, in the order of the seeds. A run is known by its settings.
    #[must_use]
    pub fn runs<'l>(&self, row: &Row, scenario: Scenario, lines: &'l [Line]) -> Vec<&'l Line> {
        let cells = self.cells.iter().filter(|cell| cell.scenario == scenario);
        let Some(variant) =
            cells.flat_map(|cell| &cell.variants).find(|variant| variant.label == row.label)
        else {
            return Vec::new();
        };
        let settings = self.seeds.iter().map(|&seed| variant.settings.with_seed(seed));
        settings
            .filter_map(|settings| lines.iter().find(|line| line.settings == settings))
            .collect()
    }
}

/// Refuses values that would mean nothing in any of a strategy's cells.
fn check_used(chosen: &Chosen, cells: &[Cell]) -> Result<(), Error> {
    let Chosen { composition, hyper, .. } = chosen;
    for (name, values) in hyper {
        let own = cells.iter().filter(|cell| cell.composition.name == composition.name);
        let reasons: Option<Vec<&str>> = own.map(|cell| cell.unused(name)).collect();
        let reason = reasons.and_then(|reasons| reasons.first().copied());
        let (Some(reason), Some(hyper)) = (reason, composition.hyper(name)) else { continue };
        let told: Vec<String> = values.iter().map(|&value| hyper.tell(value)).collect();
        let (what, value) = (name.clone(), told.join(","));
        return Err(Error::Value { what, value, expected: format!("nothing here: {reason}") });
    }
    Ok(())
}

/// Every value of every strategy once.
fn rows(strategies: &[Chosen]) -> Result<Vec<Row>, Error> {
    let mut rows: Vec<Row> = Vec::new();
    for chosen in strategies {
        for values in chosen.groups().iter().flatten() {
            let label = label(&chosen.composition, &chosen.shown, &[values]);
            if rows.iter().any(|row| row.label == label) {
                return Err(chosen.at(Error::Impossible(format!(
                    "strategy `{label}` is there twice: each would be the same row of the table"
                ))));
            }
            rows.push(Row { label, is_baseline: chosen.composition.is_baseline() });
        }
    }
    Ok(rows)
}

/// Turns steps into work.
struct Steps<'a> {
    progress: &'a mut dyn Progress,
    /// Of one member's step.
    macs: u64,
    /// Of the wave under way.
    members: usize,
}

impl Watch for Steps<'_> {
    fn of(&mut self, members: usize) -> &mut dyn Observer {
        self.members = members;
        self
    }
}

impl Observer for Steps<'_> {
    fn stepped(&mut self, steps: u32) {
        self.progress.advanced(u64::from(steps) * self.macs * self.members as u64);
    }

    fn unsaved(&mut self, error: cl_core::Error) -> Result<(), cl_core::Error> {
        self.progress.unsaved(&error.to_string());
        Ok(())
    }
}
