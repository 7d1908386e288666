//! Contexts of whole runs: draws, fills, steps and boundaries. Digits, MLP 64-128-128-10, batch 32, Adam, one
//! thread.

use crate::median;
use continual::core::{Error, Learner, Observer, Strategy};
use continual::scenarios::{Protocol, Scenario, digits};
use continual::{Bench, Experiment, Request, Strengths};
use std::time::Instant;

/// Steps of a context whose whole time is taken.
pub const STEPS: u32 = 2_000;
/// Contexts of a long stream.
const CONTEXTS: usize = 20;
/// Steps of each of those, and between two looks at the clock.
const LONG: (u32, u32) = (400, 20);

/// Seconds per step, from look to look, `[stages][looks]`; and of each stage with what ends it.
struct Clock {
    every: u32,
    /// Stages after which the run is ended.
    last_stage: usize,
    last: Instant,
    began: Instant,
    steps: Vec<Vec<f64>>,
    stages: Vec<f64>,
}

impl Clock {
    fn new(every: u32, last_stage: usize) -> Self {
        let (last, began) = (Instant::now(), Instant::now());
        Self { every, last_stage, last, began, steps: vec![Vec::new()], stages: Vec::new() }
    }
}

impl Observer for Clock {
    fn interval(&self) -> u32 {
        self.every
    }

    fn stepped(&mut self, steps: u32) {
        let each = self.last.elapsed().as_secs_f64() / f64::from(steps);
        self.steps.last_mut().into_iter().for_each(|looks| looks.push(each));
    }

    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        if progress.stage > self.stages.len() {
            self.stages.push(self.began.elapsed().as_secs_f64());
            self.steps.push(Vec::new());
            self.began = Instant::now();
        }
        if progress.stage == self.last_stage {
            return Err(Error::Interrupted { context: progress.stage, step: 0 });
        }
        self.last = Instant::now();
        Ok(())
    }
}

/// A strategy with what its run takes.
pub struct Timed {
    /// Its name.
    pub strategy: String,
    /// Seconds: of a context, or per step.
    pub seconds: f64,
    /// Of a later context, as a multiple of those.
    pub ratio: f64,
}

/// The strategies of a list in the task-incremental scenario, with their strengths of the benchmark.
fn timed(
    names: Option<&str>,
    time: impl Fn(&str, &dyn Strategy) -> Result<Timed, continual::Error>,
) -> Result<Vec<Timed>, continual::Error> {
    let (strategy, scenario) = (names.map(str::to_owned), Some("task".to_owned()));
    let request = Request { strategy, scenario, seeds: Some(1), ..Request::default() };
    let bench = Bench::new(&request, &Strengths::built_in()?)?;
    let cells =
        bench.cells.iter().filter(|cell| !cell.composition.is_baseline() || cell.label() == "none");
    cells.map(|cell| time(&cell.label(), cell.variants[0].strategy())).collect()
}

/// The second context of 2,000 steps of each curated strategy, with its boundary and test, beside the first. But
/// `joint`, whose steps are those of `none`.
///
/// # Errors
/// What a run reports.
pub fn curated() -> Result<Vec<Timed>, continual::Error> {
    timed(None, |name, strategy| {
        let experiment = Experiment::new(digits()).scenario(Scenario::Task).seeds([2]).steps(STEPS);
        let mut clock = Clock::new(STEPS, 2);
        watch(&experiment, strategy, &mut clock)?;
        let [first, second, ..] = clock.stages[..] else { return Ok(none(name)) };
        Ok(Timed { strategy: name.to_owned(), seconds: second, ratio: second / first })
    })
}

/// A step in context 2 of permuted digits, and in context 20 as a multiple of it, for strategies of every family
/// that a domain-incremental stream suits: medians of looks.
///
/// # Errors
/// What a run reports.
pub fn late() -> Result<Vec<Timed>, continual::Error> {
    timed(Some("none,ewc,ewc-online,si,lwf,er,er-reservoir,agem,dgr,fromp"), |name, strategy| {
        let experiment =
            Experiment::new(digits()).protocol(Protocol::Permuted).scenario(Scenario::Domain);
        let mut clock = Clock::new(LONG.1, CONTEXTS);
        let experiment = experiment.contexts(CONTEXTS).seeds([2]).steps(LONG.0);
        watch(&experiment, strategy, &mut clock)?;
        let of =
            |stage: usize| clock.steps.get(stage).map_or(f64::NAN, |looks| median(looks.clone()));
        let (early, late) = (of(1), of(CONTEXTS - 1));
        Ok(Timed { strategy: name.to_owned(), seconds: early, ratio: late / early })
    })
}

/// Runs until the clock has seen enough.
fn watch(
    experiment: &Experiment,
    strategy: &dyn Strategy,
    clock: &mut Clock,
) -> Result<(), continual::Error> {
    match experiment.run_watched(strategy, clock) {
        Err(continual::Error::Core(Error::Interrupted { .. })) => Ok(()),
        ran => ran.map(|_| ()),
    }
}

fn none(name: &str) -> Timed {
    Timed { strategy: name.to_owned(), seconds: f64::NAN, ratio: f64::NAN }
}
