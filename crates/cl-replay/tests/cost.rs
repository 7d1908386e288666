//! What a step takes beside the plain one is what the methods' documents say.
#![allow(clippy::unwrap_used)]

use cl_core::{Learner, Naive, Settings, Strategy};
use cl_nn::{Adam, Mlp};
use cl_replay::generative::{GanCritic, GanGenerator};
use cl_replay::{Agem, Der, DerPlusPlus, Dgr, ErAce, ExperienceReplay};
use cl_scenarios::{Part, Protocol, Scenario, Stream, StreamSpec, digits};

const BATCH: u64 = 16;
/// Products of one row: forward through 64-24-20-10; backward every weight once more and, but for those of
/// the first layer, a second time.
const FORWARD: u64 = 64 * 24 + 24 * 20 + 20 * 10;
const BOTH: u64 = 2 * FORWARD + 24 * 20 + 20 * 10;

/// Multiply-accumulates of a step.
fn step(strategy: &dyn Strategy) -> u64 {
    let data = digits();
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let spec = StreamSpec { protocol, scenario, contexts: 5, seed: 2, part, pad: 0 };
    let stream = spec.build(&data).unwrap();
    let network = Box::new(Mlp::new(&[64, 24, 20, 10]).unwrap());
    let members: Vec<(u64, Box<dyn Stream>)> = vec![(2, Box::new(stream))];
    let settings = Settings::new(8, BATCH as usize, Box::new(Adam::new(1e-3)));
    Learner::new(strategy, &data, members, network, settings).unwrap().costs().step.macs
}

#[test]
fn one_pass_forward_and_one_gradient_per_row() {
    assert_eq!(step(&Naive), BATCH * BOTH);
    // As many rows again: in the batch (er, er-ace) or apart.
    let twice: [&dyn Strategy; 4] = [
        &ExperienceReplay::default(),
        &ErAce::default(),
        &Der::default(),
        &Agem { rows: None, ..Agem::default() },
    ];
    for strategy in twice {
        assert_eq!(step(strategy), 2 * BATCH * BOTH, "{}", strategy.name());
    }
    assert_eq!(step(&Der { rows: Some(5), ..Der::default() }), (BATCH + 5) * BOTH);
    // Two draws.
    assert_eq!(step(&DerPlusPlus::default()), 3 * BATCH * BOTH);
}

#[test]
fn a_gan_takes_so_many_steps_of_its_critic_and_one_of_its_generator() {
    // A generator 3-8-64 and a critic 64-8-1.
    let (generator, critic) = (3 * 8 + 8 * 64, 64 * 8 + 8);
    let of = |steps: u32| {
        let own = GanGenerator::new(&[8], 3);
        let critic = GanCritic { steps, ..own.critic };
        step(&Dgr::gan(GanGenerator { critic, ..own }, Scenario::Class))
    };
    let per_critic_step = of(2) - of(1);
    assert_eq!(of(7) - of(2), 5 * per_critic_step);
    // Network: rows of the stream and generated ones, which the teacher labels. The frozen generator makes
    // them; the present one is trained through the critic.
    let network = 2 * BATCH * BOTH + BATCH * FORWARD;
    // Nobody reads what the critic says in the end, only how it changes.
    let trained = BATCH * (2 * generator + 8 * 64 + 2 * critic - 8);
    assert_eq!(of(1) - per_critic_step, network + BATCH * generator + trained);
    // The frozen generator's rows, one of the present generator for every row, and the critic as often as
    // eight times forward: rows and made ones, each with its gradient, and between them the gradient with
    // respect to the row and that of its length.
    let made = BATCH * generator + 2 * BATCH * generator;
    assert_eq!(per_critic_step, made + 2 * BATCH * 8 * critic);
}
