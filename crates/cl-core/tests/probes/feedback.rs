//! Replay through feedback: a network of the strategy's own, whose decoder makes the rows that it is
//! trained on again.

use crate::autoencoder::{Autoencoder, LATENT, decode};
use cl_core::{
    Around, Backbone, Boundary, Consolidate, Error, Generate, Now, Parts, Penalty, RecordedRows,
    Share, Step, Strategy, TargetHead, Targets,
};
use cl_nn::{Network, losses};
use cl_tensor::{Init, Var};

/// van de Ven & Tolias 2018 (arXiv 1809.10635): the classifier is the encoder of a variational
/// autoencoder; what the network of the last boundary decodes is replayed with its softened answers.
#[derive(Clone, Copy)]
struct Feedback {
    /// How much generated rows count; `None`: there are none.
    share: Option<f32>,
    heads: Heads,
}

#[derive(Clone, Copy)]
enum Heads {
    /// All outputs answer together.
    One,
    /// The outputs of every past context answer on their own, each with the same weight.
    PerContext,
}

impl Strategy for Feedback {
    fn name(&self) -> String {
        "feedback".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.backbone(self).penalty(self).consolidate(self);
        if self.share.is_some() {
            parts.generate(self);
        }
    }
}

impl Backbone for Feedback {
    fn network(&self, around: Around<'_>) -> Result<Box<dyn Network>, Error> {
        let (inputs, outputs) = (around.network.inputs(), around.network.outputs());
        Ok(Box::new(Autoencoder { inputs, outputs }))
    }
}

/// Reconstruction of rows and divergence of their latent values from N(0, I), per pixel:
/// Σ_rows w (BCE + ½ Σ (σ² + μ² − 1 − log σ²)) / pixels (Kingma & Welling 2014, eq. 10).
fn reconstruction<'g>(step: &Step<'_, 'g>, noise: &str) -> Var<'g> {
    let latent = step.network().dense("latent", step.forward.features);
    let (mean, log_var) = (latent.slice(1, 0..LATENT), latent.slice(1, LATENT..2 * LATENT));
    let noise = step.normal(noise, &mean.shape());
    let pixels = decode(step.network(), mean + (log_var * 0.5).exp() * noise);
    let divergence = (log_var.exp() + mean.square() - 1.0 - log_var).sum_axis(1) * 0.5;
    let rows = losses::binary_cross_entropy_with_logits(pixels, step.x) + divergence;
    losses::weighted_sum(rows, step.weight) * (1.0 / step.x.shape()[1] as f32)
}

impl Penalty for Feedback {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let current = reconstruction(step, "current");
        self.share.map_or(current, |_| current + reconstruction(&step.generated(), "replayed"))
    }
}

impl Consolidate for Feedback {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.freeze("teacher", theta);
        at.scope.remember("ended", at.context.to_float());
        theta
    }
}

impl Generate for Feedback {
    fn share(&self, now: Now) -> Share {
        if now.stage == 0 { Share::Empty } else { Share::Joined(self.share.unwrap_or(0.0)) }
    }
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> RecordedRows<'g> {
        let (graph, teacher) = (step.graph(), step.frozen("teacher"));
        let context = step.context.slice(0, step.stream_rows());
        let x = decode(teacher, step.normal("dream", &[context.len(), LATENT])).sigmoid();
        let logits = step.forward(teacher.flat, x, context).logits;
        let temperature = step.scope.hyper("temperature", 2.0);
        let soft = |active| Targets::softened(logits, active, temperature);
        let ended = step.scope.kept("ended", &[1], Init::Zeros);
        let head = |c: usize| {
            let active = step.active_for(graph.iota(step.contexts()).slice(0, c..c + 1));
            let share =
                ended.greater(graph.constant(c as f32)) / ended.maximum(graph.constant(1.0));
            TargetHead { targets: soft(active), weight: share.expand(&[context.len()]), active }
        };
        let (targets, active) = match self.heads {
            Heads::One => (soft(step.active_for(context)), step.active_for(context)),
            Heads::PerContext => (Targets::Heads((0..step.contexts()).map(head).collect()), None),
        };
        RecordedRows { active, ..RecordedRows::alike(x, targets, context) }
    }
}

mod tests {
    use super::*;
    use crate::common::{Setup, finished};
    use crate::guarantees::population_is_singles_and_resume_is_whole;
    use crate::seen::{Seen, assert_same, slot};
    use crate::slow::{Weights, dot, map, relu, rows, softmax};
    use cl_core::run;
    use cl_random::Purpose;
    use cl_scenarios::Scenario;

    const FEEDBACK: Feedback = Feedback { share: Some(1.0), heads: Heads::One };

    const SEEN: Seen = Seen(|step, _| {
        let made = step.rows("feedback");
        let address = step.address().unwrap();
        let shape = [made.weight.len(), LATENT];
        let latent = step.graph().normal(address, Purpose::named("feedback/dream"), 0, &shape);
        vec![("latent", latent), ("theta", step.theta), ("loss", made.task_loss)]
    });

    /// −Σ p log softmax(z / 2), p = softmax(teacher's z / 2), in f64 from theta on: mean over rows
    /// decoded by the teacher, summed over `heads` (ranges of outputs), each with a forward pass of
    /// its own; times the share of generated rows.
    fn by_hand(
        strategy: Feedback,
        scenario: Scenario,
        heads: &[std::ops::Range<usize>],
    ) -> [f64; 2] {
        let strategy = (strategy, SEEN);
        let mut learner = Setup { scenario, ..Setup::default() }.learner(&strategy).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let [latent, theta, loss] =
            ["latent", "theta", "loss"].map(|name| slot(&mut learner, &format!("seen/{name}")));
        let teacher = slot(&mut learner, "feedback/teacher");
        let layout = &learner.model().layout;
        let [teacher, student] = [Weights(layout, &teacher), Weights(layout, &theta)];
        let up = relu(teacher.dense(&rows(&latent, LATENT), "up"));
        let x = map(teacher.dense(&up, "out"), |z| 1.0 / (1.0 + (-z).exp()));
        let softened = |net: &Weights<'_>, head: &std::ops::Range<usize>| {
            let features = relu(net.dense(&x, "in"));
            let logits = map(net.dense(&features, "class"), |z| z / 2.0);
            logits.iter().map(|z| softmax(&z[head.clone()])).collect::<Vec<_>>()
        };
        let of_head = |head: &std::ops::Range<usize>| {
            let pairs = softened(&teacher, head).into_iter().zip(softened(&student, head));
            pairs.map(|(p, q)| -dot(&p, &map(vec![q], f64::ln)[0])).sum::<f64>() / x.len() as f64
        };
        // The last of five contexts: four fifths for replay.
        let weight = 0.8 / heads.len() as f64;
        [loss[0], weight * heads.iter().map(of_head).sum::<f64>()]
    }

    #[test]
    fn soft_rows_cost_what_the_formula_says() {
        let [loss, expected] = by_hand(FEEDBACK, Scenario::Class, std::slice::from_ref(&(0..10)));
        assert!(expected > 0.1 && (loss - expected).abs() < 1e-5 * expected, "{loss} {expected}");
    }

    #[test]
    fn one_forward_for_all_heads_costs_the_sum_of_one_for_each() {
        let strategy = Feedback { heads: Heads::PerContext, ..FEEDBACK };
        let [loss, expected] = by_hand(strategy, Scenario::Task, &[0..2, 2..4, 4..6, 6..8]);
        assert!(expected > 0.1 && (loss - expected).abs() < 1e-5 * expected, "{loss} {expected}");
    }

    #[test]
    fn rows_that_do_not_count_change_no_bit() {
        let setup = Setup::default();
        let theta = |share| {
            let mut slots = finished(&setup, &Feedback { share, ..FEEDBACK });
            slots.retain(|(slot, _)| slot == "theta" || slot.starts_with("optimizer/"));
            slots
        };
        assert_same(&theta(Some(0.0)), &theta(None));
        assert!(theta(Some(1.0)) != theta(None));
        let first = Setup { contexts: 1, ..setup };
        let only = |share| {
            let mut slots = finished(&first, &Feedback { share, ..FEEDBACK });
            slots.retain(|(slot, _)| slot == "theta");
            slots
        };
        assert_same(&only(Some(1.0)), &only(None));
    }

    /// A second owner of the network.
    struct Separate;

    impl Strategy for Separate {
        fn name(&self) -> String {
            "separate".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.backbone(&FEEDBACK);
        }
    }

    #[test]
    fn two_owners_of_the_network_are_refused_by_name() {
        let error = Setup::default().learner(&(FEEDBACK, Separate)).err().unwrap().to_string();
        let expected = "feedback and separate cannot be composed: both own the network, of which \
                        there is one";
        assert_eq!(error, expected);
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        for (scenario, heads) in
            [(Scenario::Class, Heads::One), (Scenario::Task, Heads::PerContext)]
        {
            let setup = Setup { scenario, ..Setup::default() };
            let strategy = Feedback { heads, ..FEEDBACK };
            population_is_singles_and_resume_is_whole(&setup, &strategy, [3, 8, 14]);
        }
    }
}
