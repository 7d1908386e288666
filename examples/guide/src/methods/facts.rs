//! What a dry run of the default protocol on digits says of every strategy.

use continual::core::{Needs, Parts, Strategy};
use continual::prelude::*;
use continual::{CellCost, Error, Strengths};

/// A strategy in the scenarios of the default protocol.
pub(super) struct Facts {
    /// The parts it plays.
    pub(super) parts: Vec<&'static str>,
    /// What it needs, in words.
    pub(super) needs: Vec<&'static str>,
    /// Its cost where it runs, and why it does not where it does not.
    pub(super) cost: Vec<(Scenario, Result<CellCost, String>)>,
    /// Its hyper-parameters by name, with the value in each scenario where it runs.
    pub(super) values: Vec<(Scenario, Vec<(String, f64)>)>,
}

/// Every strategy, with one seed.
pub(super) struct DryRun {
    bench: Bench,
    costs: Vec<CellCost>,
}

impl DryRun {
    /// # Errors
    /// What recording refuses.
    pub(super) fn new() -> Result<Self, Error> {
        let strategy = Some("all".to_owned());
        let request = Request { strategy, seeds: Some(1), ..Request::default() };
        let bench = Bench::new(&request, &Strengths::built_in()?)?;
        let costs = bench.costs()?;
        Ok(Self { bench, costs })
    }

    /// What it says of a strategy.
    pub(super) fn of(&self, name: &str) -> Facts {
        let cells = self.bench.cells.iter().zip(&self.costs);
        let own: Vec<_> = cells.filter(|(cell, _)| cell.composition.name == name).collect();
        let skipped = self.bench.skipped.iter().filter(|it| it.strategy == name);
        let mut cost: Vec<_> = own.iter().map(|(cell, cost)| (cell.scenario, Ok(**cost))).collect();
        cost.extend(skipped.map(|it| (it.scenario, Err(it.reason.clone()))));
        cost.sort_by_key(|(scenario, _)| {
            self.bench.scenarios.iter().position(|known| known == scenario)
        });
        let values = own.iter().map(|(cell, _)| {
            let hyper = cell.variants.iter().flat_map(|it| &it.settings.hyper);
            (cell.scenario, hyper.map(|(name, value)| (name.clone(), *value)).collect())
        });
        let strategy = own.first().and_then(|(cell, _)| cell.variants.first());
        let strategy = strategy.map(|variant| variant.strategy());
        Facts {
            parts: strategy.map_or_else(Vec::new, parts),
            needs: strategy.map_or_else(Vec::new, |it| needs(it.needs())),
            cost,
            values: values.collect(),
        }
    }

    /// Multiply-accumulates of a run of plain training.
    pub(super) fn plain(&self, scenario: Scenario) -> Option<u64> {
        let cells = self.bench.cells.iter().zip(&self.costs);
        let mut plain =
            cells.filter(|(cell, _)| cell.composition.name == "none" && cell.scenario == scenario);
        plain.next().map(|(_, cost)| cost.macs())
    }
}

fn parts(strategy: &dyn Strategy) -> Vec<&'static str> {
    let mut names: Vec<_> =
        Parts::of(strategy).played().into_iter().map(|(part, _)| part).collect();
    names.dedup();
    names
}

fn needs(needs: Needs) -> Vec<&'static str> {
    let all = [
        (needs.boundaries, "to be told when a context ends"),
        (needs.moments, "moments at which to consolidate: boundaries or a number of steps"),
        (needs.task_id_in_training, "the context of each training example"),
        (needs.task_id_at_test, "the context of each test example"),
        (needs.old_data, "examples of earlier contexts from the stream"),
    ];
    all.into_iter().filter_map(|(needed, what)| needed.then_some(what)).collect()
}
