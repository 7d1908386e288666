//! Heads that grow when a context brings new outputs.

use super::programs::Programs;
use super::{Head, Learner};
use crate::error::Error;
use crate::model::Model;
use crate::record::IMAGES;
use cl_nn::{Layout, Network};
use cl_scenarios::Stream;
use cl_tensor::{CpuSession, Resident, Session};

/// Outputs that the contexts of the first `stages` stages need.
fn needed(stream: &dyn Stream, labels: &[u8], stages: usize) -> usize {
    let contexts = stream.stages()[..stages].iter().flat_map(|stage| &stage.contexts);
    let units = contexts.flat_map(|&context| {
        let examples = stream.train(context).iter();
        examples.map(move |&example| stream.target(context, labels[example as usize]))
    });
    units.max().map_or(1, |unit| unit as usize + 1)
}

/// The network with the outputs that it starts with.
pub(super) fn head(
    network: Box<dyn Network>,
    stream: &dyn Stream,
    labels: &[u8],
    head: Head,
) -> Result<Box<dyn Network>, Error> {
    match head {
        Head::Full => Ok(network),
        Head::Growing => with_outputs(&*network, needed(stream, labels, 1)),
    }
}

fn with_outputs(network: &dyn Network, outputs: usize) -> Result<Box<dyn Network>, Error> {
    network
        .with_outputs(outputs)
        .ok_or_else(|| Error::Misfit(format!("the head of {} cannot grow", network.describe())))
}

impl Learner<'_> {
    /// Grows the head where a stage brings outputs beyond those there are.
    pub(super) fn grow_for(&mut self, stage: usize) -> Result<(), Error> {
        if self.settings.head == Head::Full {
            return Ok(());
        }
        let needed = |stream: &dyn Stream| needed(stream, &self.dataset.labels, stage + 1);
        let outputs = self.members.iter().map(|member| needed(&*member.stream)).max();
        match outputs.filter(|&outputs| outputs > self.model.network.outputs()) {
            None => Ok(()),
            Some(outputs) => self.grow(outputs),
        }
    }

    /// Gives the network more outputs: programs are recorded anew; every slot keeps its values and is
    /// padded with its initial ones. Between contexts only.
    ///
    /// # Errors
    /// A network whose head is fixed, fewer outputs than there are, a slot whose shape changed in
    /// another way.
    pub fn grow(&mut self, outputs: usize) -> Result<(), Error> {
        let now = self.model.network.outputs();
        if outputs < now {
            return Err(Error::Misfit(format!("growing a head of {now} outputs to {outputs}")));
        }
        let network = with_outputs(&*self.model.network, outputs)?;
        let (data, contexts) = (self.model.data.clone(), self.model.contexts);
        let model = Model::new(network, &self.parts, data, contexts, self.model.masked)?;
        let mut session = CpuSession::new(self.session.seeds(), self.settings.threads)?;
        session.set_resident(IMAGES, Resident::Bytes(self.dataset.images.clone()))?;
        let (member, labels) = (&self.members[0], &self.dataset.labels);
        let programs =
            Programs::record(&mut session, &model, &self.parts, &self.settings, member, labels)?;
        let known = self.session.slots();
        for slot in session.slots().into_iter().filter(|slot| known.contains(slot)) {
            let old = self.session.slot_type(&slot)?.shape;
            let new = session.slot_type(&slot)?.shape;
            let layouts = [&self.model.layout, &model.layout];
            let Some(places) = places(&old, &new, layouts) else {
                return Err(Error::Misfit(format!(
                    "growing to {outputs} outputs: slot `{slot}` goes from {old:?} to {new:?}; \
                     expected axes that grow"
                )));
            };
            for member in 0..self.members.len() {
                let values = self.session.read(&slot, member)?;
                let mut padded = session.read(&slot, member)?;
                for (value, &place) in values.iter().zip(&places) {
                    if let Some(place) = place {
                        padded[place] = *value;
                    }
                }
                session.write(&slot, member, &padded)?;
            }
        }
        (self.model, self.session, self.programs) = (model, session, programs);
        self.write_transforms()
    }
}

/// Where each element of a slot goes when its shape grows; `None` for padding of theta.
fn places(old: &[usize], new: &[usize], layouts: [&Layout; 2]) -> Option<Vec<Option<usize>>> {
    let [before, after] = layouts;
    if let (Some((last, rows)), Some((grown, same))) = (old.split_last(), new.split_last())
        && before != after
        && rows == same
        && (*last, *grown) == (before.len(), after.len())
    {
        let mut row = vec![None; before.len()];
        for range in before.ranges() {
            let grown = after.range(&range.name)?;
            let inside = grid(&range.shape, &grown.shape)?;
            for (from, to) in range.floats().zip(inside) {
                row[from] = Some(grown.offset + to);
            }
        }
        let shifted = |r: usize| row.iter().map(move |to| to.map(|to| to + r * after.len()));
        return Some((0..rows.iter().product()).flat_map(shifted).collect());
    }
    Some(grid(old, new)?.into_iter().map(Some).collect())
}

/// Row-major positions of the elements of a shape within a larger one.
fn grid(old: &[usize], new: &[usize]) -> Option<Vec<usize>> {
    if old.len() != new.len() || old.iter().zip(new).any(|(old, new)| old > new) {
        return None;
    }
    let mut positions = vec![0];
    for (&old, &new) in old.iter().zip(new) {
        positions = positions.iter().flat_map(|&at| (0..old).map(move |i| at * new + i)).collect();
    }
    Some(positions)
}
