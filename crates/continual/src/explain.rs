//! What the programs that train cost, by kind of kernel.

use crate::{Cell, Error};
use cl_core::{TrainingProgram, Trains};
use cl_tensor::{Cost, KindCost};

/// A program that trains, and what one run of it costs one member.
#[derive(Clone, Debug)]
pub struct ProgramCost {
    /// Names of the phases that run it.
    pub phases: Vec<&'static str>,
    /// What it trains.
    pub trains: Trains,
    /// Rows of the stream per step.
    pub rows: usize,
    /// How often a run of one member runs it, over all contexts, as far as that is known before.
    pub runs: u64,
    /// Passes over memories beside these.
    pub passes: u64,
    /// What it costs as a whole.
    pub cost: Cost,
    /// The same by kind of kernel.
    pub kinds: Vec<KindCost>,
}

impl Cell {
    /// Every program that trains, in the order of its first run; nothing is trained. A head that grows is that of
    /// the first context.
    ///
    /// # Errors
    /// Whatever would be refused when the run starts.
    pub fn programs(&self) -> Result<Vec<ProgramCost>, Error> {
        let Some(first) = self.variants.first() else { return Ok(Vec::new()) };
        let learner = self.one().learner(first.strategy())?;
        let told = |program: TrainingProgram<'_>| {
            let TrainingProgram { phases, trains, rows, runs, passes, plan } = program;
            let (cost, kinds) = (plan.cost(), plan.cost_by_kind());
            ProgramCost { phases, trains, rows, runs, passes, cost, kinds }
        };
        Ok(learner.training_programs().into_iter().map(told).collect())
    }
}
