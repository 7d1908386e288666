//! The small stream on which strategies are checked.

use super::failures::Fault;
use super::subject::{Facts, Subject};
use crate::learner::{Learner, Settings};
use crate::strategy::Strategy;
use cl_buffers::RowSize;
use cl_nn::{Adam, Mlp, Network};
use cl_scenarios::{Dataset, Part, Parts, Protocol, Scenario, Stream, StreamSpec, digits};
use cl_tensor::Cpu;
use std::sync::Arc;

/// The members of a population; one of the seeds does not fit 32 bits.
pub(super) const SEEDS: [u64; 3] = [2, 3, 5 << 32];
const CONTEXTS: usize = 3;
const CLASSES: usize = 6;
/// Training and test examples of each class: the rows of a context do not fill whole chunks.
const EXAMPLES: [usize; 2] = [80, 20];
const HIDDEN: usize = 16;
const STEPS: u32 = 8;
const BATCH: usize = 16;

/// Digits 0 to 5, split into three contexts.
pub(super) struct Course<'a> {
    pub subject: &'a Subject,
    pub scenario: Scenario,
    pub data: Dataset,
}

impl<'a> Course<'a> {
    pub(super) fn new(subject: &'a Subject, scenario: Scenario) -> Result<Self, Fault> {
        Ok(Self { subject, scenario, data: some_digits()? })
    }

    fn stream(&self, seed: u64) -> Result<Box<dyn Stream>, Fault> {
        let (protocol, part) = (Protocol::Split, Part::Final);
        let (scenario, contexts) = (self.scenario, CONTEXTS);
        let spec = StreamSpec { protocol, scenario, contexts, seed, part, pad: 0 };
        Ok(Box::new(spec.build(&self.data)?))
    }

    fn network(&self, outputs: usize) -> Result<Box<dyn Network>, Fault> {
        let inputs = self.data.features();
        Ok(match &self.subject.network {
            Some(make) => make(inputs, outputs),
            None => Box::new(Mlp::new(&[inputs, HIDDEN, outputs])?.with_dropout(0.1)?),
        })
    }

    /// The strategy as a process makes it that is started again.
    pub(super) fn strategy(&self) -> Box<dyn Strategy> {
        (self.subject.make)()
    }

    pub(super) fn learner<'s>(
        &self,
        strategy: &'s dyn Strategy,
        seeds: &[u64],
        threads: usize,
    ) -> Result<Learner<'s>, Fault> {
        let mut population = Vec::with_capacity(seeds.len());
        for &seed in seeds {
            population.push((seed, self.stream(seed)?));
        }
        let outputs = population.first().map_or(1, |(_, stream)| stream.outputs());
        let settings = Settings {
            device: Arc::new(Cpu { threads }),
            // A large ε: the step follows the gradient smoothly, so that what differs in rounding
            // stays small, as after ±lr for a gradient of 1e-9 it would not.
            ..Settings::new(STEPS, BATCH, Box::new(Adam { eps: 1e-3, ..Adam::new(5e-3) }))
        };
        Ok(Learner::new(strategy, &self.data, population, self.network(outputs)?, settings)?)
    }

    /// The bytes that the subject says it keeps.
    pub(super) fn kept(&self, learner: &Learner<'_>) -> u64 {
        let stream = learner.stream(0);
        let (features, outputs) = (self.data.features() as u32, stream.outputs() as u32);
        let classes = (CLASSES / CONTEXTS) as u64;
        let hidden = [HIDDEN as u64];
        (self.subject.kept)(&Facts {
            scenario: self.scenario,
            layout: &learner.model().layout,
            contexts: CONTEXTS as u64,
            classes,
            rows: classes * EXAMPLES[0] as u64,
            steps: u64::from(STEPS),
            batch: BATCH as u64,
            outputs: u64::from(outputs),
            hidden: if self.subject.network.is_none() { &hidden } else { &[] },
            row_size: RowSize::new(features, outputs),
        })
    }
}

/// A few examples of each of the first digits.
fn some_digits() -> Result<Dataset, cl_scenarios::Error> {
    let all = digits();
    let (mut images, mut labels, mut parts) = (Vec::new(), Vec::new(), Parts::default());
    let both = [(&all.train, &mut parts.train), (&all.test, &mut parts.test)];
    for ((from, to), count) in both.into_iter().zip(EXAMPLES) {
        for class in 0..CLASSES as u8 {
            let of_class = from.iter().filter(|&&example| all.labels[example as usize] == class);
            for &example in of_class.take(count) {
                to.push(labels.len() as u32);
                images.extend_from_slice(all.image(example));
                labels.push(class);
            }
        }
    }
    Dataset::new(
        "digits 0 to 5",
        (all.width, all.height),
        CLASSES,
        all.scale,
        images,
        labels,
        parts,
    )
}
