//! A cycle of programs: the critic moves three times for every step of the generator, on rows and
//! noise of its own.

use crate::common::Setup;
use crate::detector::Every;
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use cl_core::{Module, Parts, Phase, PhaseContext, Phases, Step, Strategy, Trains, run};
use cl_nn::{Adam, Initializer, Optimizer, ParamSpec, Theta};
use cl_tensor::{Init, Var};
use serde_json::Value;

const CRITIC: Trains = Trains::Module("critic");
const GENERATOR: Trains = Trains::Module("generator");
/// Programs whose rows and noise are written down.
const RUNS: usize = 128;

/// A linear critic D(x) = x w and a linear generator G(z) = σ(z w), z ~ N(0, I) in 8 dimensions:
/// the critic minimises mean D(G(z)) − mean D(x), the generator −mean D(G(z)). Before each context's
/// own training the cycle runs so many steps.
struct Adversaries {
    cycle: Vec<Trains>,
    critic: Critic,
    generator: Generator,
}

struct Critic;
struct Generator;

fn adversaries(cycle: &[Trains]) -> Adversaries {
    Adversaries { cycle: cycle.to_vec(), critic: Critic, generator: Generator }
}

impl Strategy for Adversaries {
    fn name(&self) -> String {
        "gan".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.module(&self.critic).module(&self.generator).phases(self);
    }
}

impl Phases for Adversaries {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let cycle = self.cycle.clone();
        let adversarial = Phase { cycle, ..Phase::stream("adversarial", 5) };
        let cycle = vec![Trains::Network];
        vec![adversarial, Phase { cycle, ..Phase::stream("classify", context.steps) }]
    }
}

fn weights(shape: [usize; 2]) -> Vec<ParamSpec> {
    vec![ParamSpec { name: "w".to_owned(), shape: shape.to_vec(), init: Initializer::FanIn }]
}

/// What the critic says of as many generated rows as the batch has; writes down the program's first
/// noise and row.
fn generated<'g>(step: &Step<'_, 'g>, who: &str) -> Var<'g> {
    let (graph, rows) = (step.graph(), step.x.shape()[0]);
    let noise = step.normal("noise", &[rows, 8]);
    let seen = graph.concat(&[noise.slice(0, 0..1), step.x.slice(0, 0..1)], 1);
    let count = step.scope.slot(&format!("{who}-runs"), &[], Init::Zeros);
    step.scope.assign(&format!("{who}-runs"), count + 1.0);
    let log = step.scope.slot(&format!("{who}-log"), &[RUNS, 72], Init::Zeros);
    let here = graph.iota(RUNS).to_float().equal(count).column();
    step.scope.assign(&format!("{who}-log"), log + here * seen);
    let made = noise.matmul(step.module("generator").get("w")).sigmoid();
    made.matmul(step.module("critic").get("w")).mean()
}

impl Module for Critic {
    fn name(&self) -> &'static str {
        "critic"
    }
    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        weights([inputs, 1])
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(1e-2))
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, theta: Theta<'_, 'g>) -> Var<'g> {
        generated(step, "critic") - step.x.matmul(theta.get("w")).mean()
    }
}

impl Module for Generator {
    fn name(&self) -> &'static str {
        "generator"
    }
    fn params(&self, inputs: usize, _: usize) -> Vec<ParamSpec> {
        weights([8, inputs])
    }
    fn optimizer(&self) -> Box<dyn Optimizer> {
        Box::new(Adam::new(1e-2))
    }
    fn loss<'g>(&self, step: &Step<'_, 'g>, _: Theta<'_, 'g>) -> Var<'g> {
        -generated(step, "generator")
    }
}

#[test]
fn the_critic_moves_three_times_on_noise_and_rows_of_its_own() {
    let gan = adversaries(&[CRITIC, CRITIC, CRITIC, GENERATOR]);
    let mut learner = Setup::default().learner(&gan).unwrap();
    let path = Path::of(&mut learner, &["gan/critic-runs", "gan/generator-runs"]);
    for (at, (stage, phase, step)) in path.progress.iter().enumerate().skip(1) {
        let steps = (5 * stage) as u32 + if *phase == 0 { *step } else { 5 };
        assert_eq!(path.slot(at, 0, "gan/critic-runs"), [3.0 * steps as f32]);
        assert_eq!(path.slot(at, 0, "gan/generator-runs"), [steps as f32]);
    }
    let mut seen: Vec<Vec<u32>> = Vec::new();
    for (log, runs) in [("gan/critic-log", 75), ("gan/generator-log", 25)] {
        let log = learner.read(log, 0).unwrap();
        seen.extend(
            log[..72 * runs].chunks(72).map(|run| run.iter().map(|x| x.to_bits()).collect()),
        );
    }
    for part in [0..8, 8..72] {
        let mut parts: Vec<&[u32]> = seen.iter().map(|run| &run[part.clone()]).collect();
        parts.sort_unstable();
        parts.dedup();
        assert_eq!(parts.len(), 100, "100 programs, all with other {part:?}");
    }
}

#[test]
fn all_but_a_module_leaves_that_one_alone() {
    let gan = adversaries(&[CRITIC, CRITIC, Trains::AllBut("critic")]);
    let slots = ["theta", "gan/critic-runs", "gan/generator-runs"];
    let path = Path::of(&mut Setup::default().learner(&gan).unwrap(), &slots);
    for at in 1..=path.steps() {
        let (stage, phase, step) = path.progress[at];
        let steps = (5 * stage) as u32 + if phase == 0 { step } else { 5 };
        assert_eq!(path.slot(at, 0, "gan/critic-runs"), [2.0 * steps as f32]);
        assert_eq!(path.slot(at, 0, "gan/generator-runs"), [steps as f32]);
        assert!(path.slot(at, 0, "theta") != path.slot(at - 1, 0, "theta"), "step {at}");
    }
}

#[test]
fn a_program_moves_nothing_but_what_it_trains() {
    let slots = ["theta", "gan/critic", "gan/generator", "optimizer/m"];
    for (moving, cycle) in [("gan/critic", [CRITIC]), ("gan/generator", [GENERATOR])] {
        let gan = adversaries(&cycle);
        let path = Path::of(&mut Setup::default().learner(&gan).unwrap(), &slots);
        for step in 1..=path.steps() {
            let classifies = path.progress[step].1 == 1;
            for slot in slots {
                let moves = path.slot(step, 0, slot) != path.slot(step - 1, 0, slot);
                let network = slot == "theta" || slot == "optimizer/m";
                let expected = if network { classifies } else { slot == moving && !classifies };
                assert_eq!(moves, expected, "{slot}, step {step} of a run that trains {moving}");
            }
        }
    }
}

#[test]
fn a_detector_sees_the_networks_steps_alone() {
    let strategy = (adversaries(&[CRITIC, CRITIC, CRITIC, GENERATOR]), Every(|_| 9));
    let mut learner = Setup::default().learner(&strategy).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let host: Value = learner.save().unwrap().host(0).unwrap();
    assert_eq!(host["detector"].as_array().unwrap().len(), 5 * 8);
}

#[test]
fn a_cycle_keeps_its_guarantees() {
    let gan = adversaries(&[CRITIC, CRITIC, CRITIC, GENERATOR]);
    population_is_singles_and_resume_is_whole(&Setup::default(), &gan, [1, 4, 5, 6, 13, 14, 17]);
}
