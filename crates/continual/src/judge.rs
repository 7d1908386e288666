//! A classifier trained on real data, which says what generators make.

use crate::experiment::{Order, Setup};
use crate::network::NetworkSpec;
use crate::{Error, Experiment};
use cl_core::{Learner, Naive, Strategy, run};
use cl_nn::{ForwardContext, Layout, Network, Theta};
use cl_replay::generative::Judge;
use cl_scenarios::{Protocol, Scenario, Stream};
use cl_tensor::{CpuSession, Graph, Init, Plan, Session};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A network of one hidden layer for each member of a population, trained on the training images of all
/// contexts at once as they are there, permuted or rotated; its classes are those of the data set. It is
/// trained before the run and outside of all that is timed; without it nothing is judged.
#[derive(Debug)]
pub(crate) struct JointJudge {
    classes: usize,
    networks: OnceLock<BTreeMap<u64, Judging>>,
}

/// The network of one seed.
#[derive(Debug)]
struct Judging {
    network: Box<dyn Network>,
    theta: Vec<f32>,
    /// The class of each output.
    classes: Vec<usize>,
}

impl JointJudge {
    /// Units of its hidden layer.
    const UNITS: usize = 128;
    /// Steps per context, of so many images.
    const STEPS: u32 = 100;
    const BATCH: usize = 128;

    /// One that has not learned yet.
    pub(crate) fn new(classes: usize) -> Self {
        Self { classes, networks: OnceLock::new() }
    }

    /// Trains it for every seed of an experiment, once.
    pub(crate) fn learn(&self, experiment: &Experiment) -> Result<(), Error> {
        if self.networks.get().is_none() {
            let networks = Self::trained(experiment)?;
            self.networks.get_or_init(|| networks);
        }
        Ok(())
    }

    fn trained(experiment: &Experiment) -> Result<BTreeMap<u64, Judging>, Error> {
        let Setup { protocol, contexts, pad, part, threads, ref seeds, .. } = experiment.setup;
        let setup = Setup {
            protocol,
            // Where outputs are the classes of the data set.
            scenario: match protocol {
                Protocol::Split => Scenario::Class,
                Protocol::Permuted | Protocol::Rotated => Scenario::Domain,
            },
            contexts,
            pad,
            part,
            threads,
            seeds: seeds.clone(),
            order: Order::Joint,
            network: NetworkSpec::of(&[Self::UNITS]),
            steps: Self::STEPS,
            batch: Self::BATCH,
            ..Setup::default()
        };
        let joint = Experiment { dataset: experiment.dataset.clone(), setup };
        let mut learner = joint.learner(&Naive)?;
        run(&mut learner, &mut ())?;
        let judging = |(member, &seed)| {
            let stream = joint.stream(seed)?;
            let mut classes = vec![0; stream.outputs()];
            for context in 0..stream.contexts() {
                for label in stream.classes(context) {
                    classes[stream.target(context, label) as usize] = usize::from(label);
                }
            }
            let network = joint.network(stream.outputs())?;
            Ok((seed, Judging { network, theta: theta(&learner, member)?, classes }))
        };
        seeds.iter().enumerate().map(judging).collect()
    }
}

fn theta(learner: &Learner<'_>, member: usize) -> Result<Vec<f32>, cl_core::Error> {
    learner.read("theta", member)
}

impl Judge for JointJudge {
    fn classes(&self) -> usize {
        self.classes
    }

    fn classify(
        &self,
        seed: u64,
        images: &[f32],
        pixels: usize,
    ) -> Result<Option<Vec<usize>>, cl_core::Error> {
        match self.networks.get().and_then(|networks| networks.get(&seed)) {
            Some(_) if images.is_empty() => Ok(Some(Vec::new())),
            Some(judging) => Ok(Some(judging.classify(images, pixels)?)),
            None => Ok(None),
        }
    }
}

impl Judging {
    fn classify(&self, images: &[f32], pixels: usize) -> Result<Vec<usize>, cl_core::Error> {
        let layout = Layout::new(&self.network.params()).map_err(misfit)?;
        let (graph, rows) = (Graph::new(), images.len() / pixels.max(1));
        let flat = graph.slot("theta", &[layout.len()], Init::Values(self.theta.as_slice().into()));
        let x = graph.slot("images", &[rows, pixels], Init::Values(images.into()));
        let theta = Theta { flat, layout: &layout };
        let found = self.network.forward(theta, x, &ForwardContext::test()).logits.argmax();
        graph.slot("found", &[rows], Init::Zeros);
        graph.assign("found", found.to_float());
        let mut session = CpuSession::new(&[0], 1)?;
        let plan = session.load(Plan::compile(&graph)?)?;
        session.run_once(plan)?;
        let found = session.read("found", 0)?.into_iter();
        Ok(found.map(|output| self.classes[output as usize]).collect())
    }
}

fn misfit(error: cl_nn::Error) -> cl_core::Error {
    cl_core::Error::Misfit(format!("a judge of generated images: {error}"))
}

/// Whether a strategy has a generator of its own, which learns.
pub(crate) fn generates(strategy: &dyn Strategy) -> bool {
    let parts = cl_core::Parts::of(strategy);
    let played = parts.played();
    let plays = |part: &str| played.iter().any(|(known, _)| *known == part);
    plays("Generate") && (plays("Module") || plays("Backbone"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cl_scenarios::digits;

    /// The digits as a network sees them, of every class so many.
    fn images(classes: &[u8]) -> (Vec<f32>, Vec<usize>) {
        let data = digits();
        let of = data.test.iter().filter(|&&i| classes.contains(&data.labels[i as usize]));
        let mut images = Vec::new();
        let mut labels = Vec::new();
        for &example in of {
            let at = example as usize;
            let bytes = &data.images[at * data.features()..][..data.features()];
            images.extend(bytes.iter().map(|&byte| f32::from(byte) * data.scale));
            labels.push(usize::from(data.labels[at]));
        }
        (images, labels)
    }

    #[test]
    fn a_judge_knows_images_that_it_has_not_seen_in_any_scenario() {
        let (images, labels) = images(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for scenario in Scenario::ALL {
            let judge = JointJudge::new(10);
            assert_eq!(judge.classify(3, &images, 64).unwrap(), None);
            judge.learn(&Experiment::new(digits()).scenario(scenario).seeds([2, 3])).unwrap();
            assert_eq!(judge.classify(4, &images, 64).unwrap(), None);
            let found = judge.classify(3, &images, 64).unwrap().unwrap();
            let hits = found.iter().zip(&labels).filter(|(found, label)| found == label).count();
            let accuracy = hits as f64 / labels.len() as f64;
            assert!(accuracy > 0.93, "{scenario}: {accuracy}");
        }
    }

    #[test]
    fn nothing_is_found_among_no_images() {
        let judge = JointJudge::new(10);
        judge.learn(&Experiment::new(digits()).seeds([2])).unwrap();
        assert_eq!(judge.classify(2, &[], 64).unwrap(), Some(Vec::new()));
    }
}
