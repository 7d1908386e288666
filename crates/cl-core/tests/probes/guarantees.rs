//! What every probe keeps, whatever its parts: a population gives the bits of single runs, and a run
//! that was stopped and taken up again those of one that was not.

use crate::common::{Setup, bits};
use cl_core::{Checkpoint, Error, Learner, Naive, Observer, Strategy, run};
use cl_scenarios::{ContextStream, Scenario, Stream};
use serde_json::Value;

/// All that a run leaves of a member: slots as bits, host state, accuracies.
type Left = (Vec<(String, Vec<u32>)>, Value, Vec<Vec<f64>>);

fn left(learner: &mut Learner<'_>, observer: &mut dyn Observer) -> Result<Vec<Left>, Error> {
    let outcomes = run(learner, observer)?;
    let hosts = learner.save()?;
    let of = |member: usize| -> Result<Left, Error> {
        let accuracy = outcomes[member].accuracy.rows().to_vec();
        Ok((bits(learner, member), hosts.host(member)?, accuracy))
    };
    (0..outcomes.len()).map(of).collect()
}

/// Saves a run after so many steps and evaluations, and stops it there.
struct Cut {
    after: usize,
    saved: Option<Checkpoint>,
}

impl Observer for Cut {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        self.after = self.after.saturating_sub(1);
        if self.after > 0 {
            return Ok(());
        }
        self.saved = Some(learner.save()?);
        Err(Error::Interrupted { context: learner.progress().stage, step: learner.progress().step })
    }
    fn interval(&self) -> u32 {
        1
    }
}

/// Runs seeds 2, 3 and 4 together and alone, and together once more for each `cut`: after that many
/// steps and evaluations it is saved, through its file, and taken up by another learner.
pub fn population_is_singles_and_resume_is_whole(
    setup: &Setup<'_>,
    strategy: &dyn Strategy,
    cuts: impl IntoIterator<Item = usize>,
) {
    let seeds = [2, 3, 4];
    let together = Setup { seeds: &seeds, threads: 2, ..*setup };
    let whole = left(&mut together.learner(strategy).unwrap(), &mut ()).unwrap();
    for (member, seed) in seeds.iter().enumerate() {
        let alone = Setup { seeds: std::slice::from_ref(seed), threads: 1, ..*setup };
        let alone = left(&mut alone.learner(strategy).unwrap(), &mut ()).unwrap();
        same(&alone[0], &whole[member], &format!("seed {seed} alone"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    for after in cuts {
        let mut cut = Cut { after, saved: None };
        let stopped = run(&mut together.learner(strategy).unwrap(), &mut cut);
        assert!(matches!(stopped, Err(Error::Interrupted { .. })), "{stopped:?}");
        cut.saved.unwrap().save(&path).unwrap();
        let mut learner = together.learner(strategy).unwrap();
        learner.restore(&Checkpoint::load(&path).unwrap()).unwrap();
        let resumed = left(&mut learner, &mut ()).unwrap();
        for (resumed, whole) in resumed.iter().zip(&whole) {
            same(resumed, whole, &format!("stopped after {after}"));
        }
    }
}

#[track_caller]
fn same(a: &Left, b: &Left, what: &str) {
    let names = |left: &Left| left.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(a), names(b), "{what}");
    for ((name, a), (_, b)) in a.0.iter().zip(&b.0) {
        assert!(a == b, "{what}: slot {name} differs");
    }
    assert_eq!((&a.1, &a.2), (&b.1, &b.2), "{what}");
}

#[test]
fn a_run_is_taken_up_between_stages_that_draw_from_more_and_more_contexts() {
    let shown: fn(ContextStream) -> Box<dyn Stream> = |stream| Box::new(stream.cumulative());
    let setup = Setup { scenario: Scenario::Task, shown, ..Setup::default() };
    population_is_singles_and_resume_is_whole(&setup, &Naive, [4, 9, 26]);
}

/// What a run's slots were at its start and after every step, by name, for every member.
pub struct Path<'a> {
    slots: &'a [&'a str],
    /// `[steps + 1][members]` of the slots' values.
    pub at: Vec<Vec<Vec<Vec<f32>>>>,
    /// Stage, phase and step after each.
    pub progress: Vec<(usize, usize, u32)>,
}

impl<'a> Path<'a> {
    /// Runs a strategy to the end and writes down these slots.
    pub fn of(learner: &mut Learner<'_>, slots: &'a [&'a str]) -> Self {
        let mut path = Self { slots, at: Vec::new(), progress: Vec::new() };
        path.between(learner).unwrap();
        run(learner, &mut path).unwrap();
        path
    }

    /// A slot of a member after so many steps.
    pub fn slot(&self, steps: usize, member: usize, name: &str) -> &[f32] {
        let slot = self.slots.iter().position(|slot| *slot == name).unwrap();
        &self.at[steps][member][slot]
    }

    /// Steps of the run.
    pub fn steps(&self) -> usize {
        self.at.len() - 1
    }
}

impl Observer for Path<'_> {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        let progress = learner.progress();
        // Told again after an evaluation, where nothing has moved.
        if progress.step > 0 || self.at.is_empty() {
            let read = |member| self.slots.iter().map(move |slot| learner.read(slot, member));
            let members = (0..learner.members()).map(|member| read(member).collect());
            self.at.push(members.collect::<Result<_, _>>()?);
            self.progress.push((progress.stage, progress.phase, progress.step));
        }
        Ok(())
    }
    fn interval(&self) -> u32 {
        1
    }
}
