//! What every probe keeps, whatever its parts: a population gives the bits of single runs, a resumed run
//! those of a whole one.

use crate::common::{Setup, bits};
use crate::seen::assert_same;
use cl_core::{Checkpoint, Error, Learner, Observer, Strategy, run};

/// Asserts that two members together give the slots and accuracies of two runs, bit for bit.
pub fn population_is_singles(setup: &Setup<'_>, strategy: &dyn Strategy) {
    let seeds = [2, 5];
    let mut together = Setup { seeds: &seeds, threads: 2, ..*setup }.learner(strategy).unwrap();
    let outcomes = run(&mut together, &mut ()).unwrap();
    for (member, seed) in seeds.into_iter().enumerate() {
        let mut alone = Setup { seeds: &[seed], ..*setup }.learner(strategy).unwrap();
        let outcome = run(&mut alone, &mut ()).unwrap();
        assert_eq!(outcome[0].accuracy.rows(), outcomes[member].accuracy.rows());
        assert_same(&bits(&mut alone, 0), &bits(&mut together, member));
    }
}

/// Asserts that a run saved after each of these numbers of steps and taken up by a new learner ends
/// with the bits of the whole run.
pub fn resume_is_whole(setup: &Setup<'_>, strategy: &dyn Strategy, cuts: &[u32]) {
    let mut whole = setup.learner(strategy).unwrap();
    let outcomes = run(&mut whole, &mut ()).unwrap();
    for &at in cuts {
        let mut cut = Cut { at, steps: 0, saved: None };
        run(&mut setup.learner(strategy).unwrap(), &mut cut).unwrap();
        let mut resumed = setup.learner(strategy).unwrap();
        resumed.restore(&cut.saved.unwrap()).unwrap();
        let outcome = run(&mut resumed, &mut ()).unwrap();
        assert_eq!(outcome[0].accuracy.rows(), outcomes[0].accuracy.rows(), "cut at {at}");
        assert_same(&bits(&mut resumed, 0), &bits(&mut whole, 0));
    }
}

/// Saves a run after so many steps.
struct Cut {
    at: u32,
    steps: u32,
    saved: Option<Checkpoint>,
}

impl Observer for Cut {
    fn stepped(&mut self, steps: u32) {
        self.steps += steps;
    }
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), Error> {
        if self.steps == self.at && self.saved.is_none() {
            self.saved = Some(learner.save()?);
        }
        Ok(())
    }
    fn interval(&self) -> u32 {
        1
    }
}
