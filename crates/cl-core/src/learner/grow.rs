//! Heads that grow when a context brings new outputs.

use super::programs::Programs;
use super::{Head, Learner};
use crate::error::Error;
use crate::model::Model;
use crate::record::IMAGES;
use cl_nn::{Layout, Network};
use cl_scenarios::Stream;
use cl_tensor::Resident;

/// Outputs that the contexts of the first `stages` stages need.
fn needed(stream: &dyn Stream, labels: &[u8], stages: usize) -> usize {
    let contexts = stream.stages()[..stages].iter().flat_map(|stage| &*stage.contexts);
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
        let (data, stream) = (self.model.data.clone(), self.model.stream());
        let mut model = Model::new(network, &self.parts, data, stream)?;
        model.one_context = self.model.one_context;
        let mut session = self.settings.device.session(self.session.seeds())?;
        session.set_resident(IMAGES, Resident::Bytes(self.dataset.images.clone()))?;
        let (member, labels) = (&self.members[0], &self.dataset.labels);
        let programs =
            Programs::record(&mut *session, &model, &self.parts, &self.settings, member, labels)?;
        let known = self.session.slots();
        for slot in session.slots().into_iter().filter(|slot| known.contains(slot)) {
            let old = self.session.slot_type(&slot)?.shape;
            let new = session.slot_type(&slot)?.shape;
            let layouts = [self.model.layout_of(&slot), model.layout_of(&slot)];
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

/// Where each element of a slot goes when its shape grows; `None` for padding of theta. Every axis
/// as long as theta follows its layout.
fn places(old: &[usize], new: &[usize], layouts: [&Layout; 2]) -> Option<Vec<Option<usize>>> {
    if old.len() != new.len() {
        return None;
    }
    let mut places = vec![Some(0)];
    for (&old, &new) in old.iter().zip(new) {
        let axis = axis(old, new, layouts)?;
        let inner = |place: &Option<usize>| {
            let place = *place;
            axis.iter().map(move |&to| Some(place? * new + to?)).collect::<Vec<_>>()
        };
        places = places.iter().flat_map(inner).collect();
    }
    Some(places)
}

/// Where each entry of an axis goes.
fn axis(old: usize, new: usize, [before, after]: [&Layout; 2]) -> Option<Vec<Option<usize>>> {
    if before == after || (old, new) != (before.len(), after.len()) {
        return (old <= new).then(|| (0..old).map(Some).collect());
    }
    let mut axis = vec![None; old];
    for range in before.ranges() {
        let grown = after.range(&range.name)?;
        let inside = grid(&range.shape, &grown.shape)?;
        for (from, to) in range.floats().zip(inside) {
            axis[from] = Some(grown.offset + to);
        }
    }
    Some(axis)
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

#[cfg(test)]
mod tests {
    use super::*;
    use cl_nn::Mlp;
    use cl_scenarios::{Part, Protocol, Scenario, StreamSpec, digits};

    #[test]
    fn a_smaller_shape_lies_at_the_front_of_every_axis_of_a_larger_one() {
        // Row-major: element (i, j) of 2 x 3 is number 4 i + j of 3 x 4.
        assert_eq!(grid(&[2, 3], &[3, 4]), Some(vec![0, 1, 2, 4, 5, 6]));
        // (i, 0, k) of 2 x 1 x 2 is number 9 i + k of 2 x 3 x 3.
        assert_eq!(grid(&[2, 1, 2], &[2, 3, 3]), Some(vec![0, 1, 9, 10]));
        assert_eq!(grid(&[3], &[3]), Some(vec![0, 1, 2]));
        assert_eq!(grid(&[], &[]), Some(vec![0]));
        assert_eq!(grid(&[2, 3], &[3, 2]), None, "an axis that shrinks");
        assert_eq!(grid(&[6], &[2, 3]), None, "another number of axes");
    }

    fn layout(outputs: usize) -> Layout {
        Layout::new(&Mlp::new(&[2, 40, outputs]).unwrap().params()).unwrap()
    }

    /// Every weight of theta moves to where the grown layout keeps the weight of the same name, row
    /// and column, in each of the slot's rows; padding goes nowhere.
    #[test]
    fn what_belongs_to_a_parameter_moves_with_it() {
        let (before, after) = (layout(2), layout(5));
        // 64-float ranges: w1 80, b1 40, w2 80 -> 200, b2 2 -> 5.
        assert_eq!((before.len(), after.len()), (128 + 64 + 128 + 64, 128 + 64 + 256 + 64));
        for rows in [vec![], vec![3]] {
            let shape = |len: usize| [rows.clone(), vec![len]].concat();
            let (old, new) = (shape(before.len()), shape(after.len()));
            let found = places(&old, &new, [&before, &after]).unwrap();
            let mut expected = vec![None; old.iter().product()];
            for (row, of_row) in expected.chunks_mut(before.len()).enumerate() {
                for name in ["w1", "b1", "w2", "b2"] {
                    let (from, to) = (before.range(name).unwrap(), after.range(name).unwrap());
                    let (columns, grown) = (from.shape.last().unwrap(), to.shape.last().unwrap());
                    for i in 0..from.len / columns {
                        for j in 0..*columns {
                            of_row[from.offset + i * columns + j] =
                                Some(row * after.len() + to.offset + i * grown + j);
                        }
                    }
                }
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_slot_of_another_shape_grows_by_its_axes_and_may_not_shrink() {
        let (before, after) = (layout(2), layout(5));
        let of = |old: &[usize], new: &[usize]| places(old, new, [&before, &after]);
        assert_eq!(of(&[2, 2], &[2, 5]), Some(vec![Some(0), Some(1), Some(5), Some(6)]));
        assert_eq!(of(&[], &[]), Some(vec![Some(0)]));
        assert_eq!(of(&[5], &[2]), None);
    }

    /// An axis of theta's length follows the layout wherever it stands: entry (i, k) of `[theta, 2]`
    /// stays beside parameter i.
    #[test]
    fn any_axis_of_thetas_length_follows_the_layout() {
        let (before, after) = (layout(2), layout(70));
        let of = |old: &[usize], new: &[usize]| places(old, new, [&before, &after]).unwrap();
        let (b, a) = (before.len(), after.len());
        assert_ne!(b, a);
        let flat = of(&[b], &[a]);
        assert!(flat.iter().enumerate().any(|(from, to)| to.is_some_and(|to| to != from)));
        for (i, to) in flat.iter().enumerate() {
            for k in 0..2 {
                assert_eq!(of(&[b, 2], &[a, 2])[2 * i + k], to.map(|to| 2 * to + k));
            }
        }
    }

    #[test]
    fn a_head_starts_with_the_outputs_of_the_first_stage() {
        let data = digits();
        let stream = |scenario| {
            let (protocol, part) = (Protocol::Split, Part::Final);
            let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
            spec.build(&data).unwrap()
        };
        let outputs =
            |scenario| (1..=5).map(move |n| needed(&stream(scenario), &digits().labels, n));
        assert_eq!(outputs(Scenario::Class).collect::<Vec<_>>(), [2, 4, 6, 8, 10]);
        assert_eq!(outputs(Scenario::Task).collect::<Vec<_>>(), [2, 4, 6, 8, 10]);
        assert_eq!(outputs(Scenario::Domain).collect::<Vec<_>>(), [2; 5]);
        let class = stream(Scenario::Class);
        let of = |head_is| {
            let network = Box::new(Mlp::new(&[64, 8, 10]).unwrap());
            head(network, &class, &data.labels, head_is).unwrap().outputs()
        };
        assert_eq!((of(Head::Full), of(Head::Growing)), (10, 2));
    }
}
