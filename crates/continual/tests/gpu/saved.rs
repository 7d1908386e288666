//! Runs whose state is taken in the middle, and runs that go on from there.

use cl_core::{Checkpoint, Learner, Observer, Outcome, run};
use continual::{Error, Keep, Wave};

/// Keeps the networks of all runs; and of the last the state in the middle of its last context, and how often
/// the host waited.
#[derive(Default)]
pub(crate) struct Half {
    /// With the names of the runs.
    pub networks: Vec<(String, Vec<f32>)>,
    pub middle: Option<Checkpoint>,
    /// Most round trips of [`INTERVAL`] steps.
    pub round_trips: u64,
}

/// Steps that are taken in one go.
pub(crate) const INTERVAL: u32 = 5;

impl Keep for Half {
    fn train(
        &mut self,
        _: &Wave,
        learner: &mut Learner<'_>,
        _: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Error> {
        let mut middle = Middle::default();
        let outcomes = run(learner, &mut middle)?;
        (self.middle, self.round_trips) = (middle.state, middle.most);
        Ok(outcomes)
    }

    fn trained(&mut self, names: &[String], learner: &Learner<'_>) -> Result<(), Error> {
        for (member, name) in names.iter().enumerate() {
            self.networks.push((name.clone(), network(learner, member)?));
        }
        Ok(())
    }
}

/// Every parameter of a member.
fn network(learner: &Learner<'_>, member: usize) -> Result<Vec<f32>, Error> {
    Ok(learner.network_values(member)?.into_iter().flat_map(|it| it.floats).collect())
}

/// Takes the state in the middle of the last context, and counts round trips.
#[derive(Default)]
struct Middle {
    state: Option<Checkpoint>,
    /// Most round trips from one look to the next.
    most: u64,
    /// The last look: stage, phase, and round trips so far.
    last: Option<(usize, usize, u64)>,
}

impl Observer for Middle {
    fn between(&mut self, learner: &Learner<'_>) -> Result<(), cl_core::Error> {
        let at = learner.progress();
        let now = learner.round_trips();
        if let (Some((stage, phase, before)), true) = (self.last, at.step > 0)
            && (stage, phase) == (at.stage, at.phase)
        {
            self.most = self.most.max(now - before);
        }
        if self.state.is_none() && at.stage + 1 == learner.stages() && at.step > 0 {
            self.state = Some(learner.save()?);
        }
        self.last = Some((at.stage, at.phase, learner.round_trips()));
        Ok(())
    }

    fn interval(&self) -> u32 {
        INTERVAL
    }
}

/// Goes on from a checkpoint with a learner that never trained before.
pub(crate) struct Other {
    middle: Checkpoint,
    /// What it ended with.
    pub network: Vec<f32>,
}

impl Other {
    pub(crate) fn of(middle: Checkpoint) -> Self {
        Self { middle, network: Vec::new() }
    }
}

impl Keep for Other {
    fn train(
        &mut self,
        _: &Wave,
        learner: &mut Learner<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Outcome>, Error> {
        learner.restore(&self.middle)?;
        assert!(learner.progress().step > 0, "it would start anew");
        Ok(run(learner, observer)?)
    }

    fn trained(&mut self, _: &[String], learner: &Learner<'_>) -> Result<(), Error> {
        self.network = network(learner, 0)?;
        Ok(())
    }
}
