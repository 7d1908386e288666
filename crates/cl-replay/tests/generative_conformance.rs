//! The shared suite, for rows that are made.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_core::conformance::{Facts, Subject};
use cl_nn::{Adam, Critic, Decoder, Layout, Vae};
use cl_replay::{
    DecoderGates, Dgr, FeedbackGenerator, GanCritic, GanGenerator, GatedBy, Heads, Labels,
    ReplayThroughFeedback, VaeGenerator,
};
use cl_scenarios::Scenario;

const NO_NEUTRAL_GENERATED: &str = "how much generated rows count is the run's mix";

fn dgr(labels: Labels, heads: Heads) -> Dgr {
    Dgr { generator: VaeGenerator::new(&[12], 3), labels, heads }
}

/// The frozen network and generator, and the number of the last context.
fn frozen(facts: &Facts<'_>) -> u64 {
    let vae = Layout::new(&Vae::new(64, &[12], 3).unwrap().params()).unwrap();
    4 * (facts.layout.parameters() + vae.parameters() + 1) as u64
}

fn generative(label: &'static str, labels: Labels) -> Subject {
    Subject::new(label, move || dgr(labels, Heads::One))
        .scenarios([Scenario::Domain, Scenario::Class])
        .no_neutral(NO_NEUTRAL_GENERATED)
        .refused(|| dgr(Labels::Soft(0.0), Heads::One))
        .refused(|| Dgr { generator: VaeGenerator::new(&[0], 3), ..Dgr::default() })
        .refused(|| Dgr { generator: VaeGenerator::new(&[8], 0), ..Dgr::default() })
        .refused(|| Dgr {
            generator: VaeGenerator { lr: 0.0, ..VaeGenerator::default() },
            ..Dgr::default()
        })
        .kept(frozen)
}

#[test]
fn generative_replay_conforms() {
    generative("dgr", Labels::Hard).assert();
}

#[test]
fn generative_replay_with_soft_labels_conforms() {
    generative("dgr-distill", Labels::Soft(2.0)).assert();
}

#[test]
fn generative_replay_with_a_head_per_context_conforms() {
    Subject::new("dgr", || dgr(Labels::Hard, Heads::EachPastContext))
        .scenarios([Scenario::Task])
        .no_neutral(NO_NEUTRAL_GENERATED)
        .kept(frozen)
        .assert();
}

fn gan(scenario: Scenario) -> Dgr<GanGenerator> {
    let own = GanGenerator::new(&[12], 3).lr(1e-3);
    let critic = GanCritic { hidden: vec![10], steps: 2, ..own.critic };
    Dgr::gan(GanGenerator { critic, ..own }, scenario)
}

/// The frozen network and generator, the critic and the number of the last context.
fn frozen_gan(facts: &Facts<'_>) -> u64 {
    let of = |params: &[_]| Layout::new(params).unwrap().parameters();
    let decoder = of(&Decoder::mirror(64, &[12], 3).params());
    let critic = of(&Critic::new(64, &[10]).unwrap().params());
    4 * (facts.layout.parameters() + decoder + critic + 1) as u64
}

#[test]
fn replay_of_a_gan_conforms() {
    let with = |change: fn(&mut GanGenerator)| {
        move || {
            let mut own = gan(Scenario::Class);
            change(&mut own.generator);
            own
        }
    };
    for scenario in [Scenario::Task, Scenario::Domain, Scenario::Class] {
        Subject::new("dgr-gan", move || gan(scenario))
            .scenarios([scenario])
            .no_neutral(NO_NEUTRAL_GENERATED)
            .refused(with(|it| it.hidden = vec![0]))
            .refused(with(|it| it.critic.hidden = vec![0]))
            .refused(with(|it| it.latent = 0))
            .refused(with(|it| it.optimizer = Adam::new(0.0)))
            .refused(with(|it| it.critic.optimizer = Adam::new(f64::NAN)))
            .refused(with(|it| it.optimizer.beta1 = 1.0))
            .refused(with(|it| it.critic.lambda = -1.0))
            .refused(with(|it| it.critic.steps = 0))
            .kept(frozen_gan)
            .assert();
    }
}

const NO_NEUTRAL_FEEDBACK: &str = "the network learns to reconstruct whatever it replays";

fn rtf(scenario: Scenario) -> ReplayThroughFeedback {
    let generator = FeedbackGenerator::plain(3);
    ReplayThroughFeedback { generator, ..ReplayThroughFeedback::rtf(scenario) }
}

fn bir(scenario: Scenario, by: GatedBy, gated: f32) -> ReplayThroughFeedback {
    let mut own = ReplayThroughFeedback::bir(scenario);
    own.generator.latent = 3;
    own.generator.gates = Some(DecoderGates { by, gated });
    own
}

#[test]
fn replay_through_feedback_conforms() {
    for (scenario, of) in [
        (Scenario::Class, vec![Scenario::Domain, Scenario::Class]),
        (Scenario::Task, vec![Scenario::Task]),
    ] {
        Subject::new("rtf", move || rtf(scenario))
            .scenarios(of)
            .no_neutral(NO_NEUTRAL_FEEDBACK)
            .refused(|| ReplayThroughFeedback {
                labels: Labels::Soft(f32::NAN),
                ..rtf(Scenario::Class)
            })
            .refused(|| ReplayThroughFeedback {
                generator: FeedbackGenerator::plain(0),
                ..rtf(Scenario::Class)
            })
            .kept(|facts| 4 * (facts.layout.parameters() + 1) as u64)
            .assert();
    }
}

#[test]
fn brain_inspired_replay_conforms() {
    for (scenario, by) in [
        (Scenario::Class, GatedBy::Class),
        (Scenario::Domain, GatedBy::Context),
        (Scenario::Task, GatedBy::Class),
    ] {
        Subject::new("bir", move || bir(scenario, by, 0.3))
            .scenarios([scenario])
            .no_neutral(NO_NEUTRAL_FEEDBACK)
            .refused(move || bir(scenario, by, 1.0))
            .refused(move || bir(scenario, by, -0.1))
            // The teacher, what was seen, thresholds of the decoder's units, the last context.
            .kept(move |facts| {
                let n = if by == GatedBy::Class { facts.outputs } else { facts.contexts };
                let units: u64 = facts.hidden.iter().sum();
                let seen = facts.contexts * facts.outputs;
                4 * (facts.layout.parameters() as u64 + seen + n * units + 1)
            })
            .assert();
    }
}
