//! Gates in the network, and the price of opening them.

use super::{Annealing, EmbeddingGradient, Hat, cumulative, embedding};
use cl_core::{Around, Gate, GateSite, Penalty, Step};
use cl_nn::{Initializer, Mode, ParamSpec, Point};
use cl_tensor::{Init, Scope, Var};

impl Hat {
    /// s at this share of a phase of so many steps.
    fn s<'g>(&self, scope: &Scope<'g>, progress: Var<'g>, steps: Var<'g>) -> Var<'g> {
        let ramps = scope.hyper("ramps", self.ramps as f32);
        let s_max = scope.hyper("s_max", self.s_max as f32);
        // A ramp advances by this much in a step; half of it keeps rounding from ending one late.
        let advance = ramps / steps;
        let at = progress * ramps;
        let share = (at - (at + 0.5 * advance).floor()).relu();
        let share = match self.annealing {
            Annealing::ByRows => share,
            Annealing::ToMax => {
                let one = share.graph().constant(1.0);
                (share / (1.0 - advance).maximum(0.5 * advance)).minimum(one)
            }
        };
        1.0 / s_max + (s_max - 1.0 / s_max) * share
    }

    /// The gates of every context in training, `[contexts, units]`.
    fn gates<'g>(&self, scope: &Scope<'g>, e: Var<'g>, s: Var<'g>) -> Var<'g> {
        let gates = (s * e).sigmoid();
        match self.gradient {
            EmbeddingGradient::Plain => gates,
            EmbeddingGradient::Compensated => {
                let s_max = scope.hyper("s_max", self.s_max as f32);
                let limit = scope.hyper("cosh_limit", self.cosh_limit as f32);
                let zero = e.graph().constant(0.0);
                let fade = (limit - (s * e).abs()).minimum(zero).exp();
                // 1 / (2 (cosh e + 1)) = σ(e) σ(−e), without cancellation.
                let slope = s_max * (e.sigmoid() * (-e).sigmoid()) * fade;
                // The value of the gates with this slope in place of their own: e − e is 0.
                gates.detach() + (e - e.detach()) * slope.detach()
            }
        }
    }
}

impl Gate for Hat {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        let layers = around.network.hidden().into_iter().enumerate();
        let normal = Initializer::Normal { deviation: 1.0 };
        let spec = |(layer, units)| ParamSpec {
            name: embedding(layer),
            shape: vec![around.contexts, units],
            init: normal,
        };
        layers.map(spec).collect()
    }

    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        if at.site.point != Point::PostActivation {
            return h;
        }
        let e = at.param(&embedding(at.site.layer));
        let gates = match at.site.mode {
            Mode::Train => self.gates(&at.scope, e, self.s(&at.scope, at.progress, at.steps)),
            Mode::Test => (at.scope.hyper("s_max", self.s_max as f32) * e).sigmoid(),
        };
        h * gates.gather(at.context)
    }
}

impl Penalty for Hat {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (graph, scope) = (step.graph(), &step.scope);
        let least = graph.constant(f32::MIN_POSITIVE);
        let weight = step.is_current() * step.weight;
        // The share of each context in the rows of the stream, [contexts].
        let share =
            (weight / weight.sum().maximum(least)).scatter_add(step.context, step.contexts());
        let s = self.s(scope, step.progress(), step.steps());
        let (mut opened, mut free) = (graph.constant(0.0), graph.constant(0.0));
        for layer in 0.. {
            let name = embedding(layer);
            let Some(range) = step.layout.range(&scope.name(&name)) else { break };
            let e = step.network().get(&range.name);
            let unused = 1.0 - scope.kept(&cumulative(layer), &range.shape[1..], Init::Zeros);
            opened = opened + (share.column() * self.gates(scope, e, s) * unused).sum();
            free = free + unused.sum();
        }
        // Nothing is opened where nothing is free.
        scope.hyper("lambda", self.lambda as f32) * opened / free.maximum(least)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;
    use cl_tensor::{Graph, ReferenceSession, Values};

    /// s in each of so many steps; the share of the phase is a rounded f32, as it is fed.
    fn annealed(hat: Hat, steps: u32) -> Vec<f64> {
        let graph = Graph::new();
        let (progress, count) = (graph.input("progress", &[]), graph.input("steps", &[]));
        graph.output("s", hat.s(&Scope::new(&graph, "hat"), progress, count));
        let mut session = ReferenceSession::new(0);
        let mut at = |step: u32| {
            let progress = f64::from(step as f32 / steps as f32);
            let feed = |value| Values::new(&[], vec![value]);
            let feeds = [("progress", feed(progress)), ("steps", feed(f64::from(steps)))];
            session.run(&graph, &feeds).unwrap()["s"].data[0]
        };
        (0..steps).map(&mut at).collect()
    }

    /// Rounding of the share is multiplied by ramps and by `s_max`: 5e-3 at 200 ramps. A step of the
    /// longest ramp below is 8.
    fn assert_close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((found - expected).abs() < 1e-2, "step {step}: {found}, expected {expected}");
        }
    }

    fn golden(key: &str) -> Vec<f64> {
        let text = include_str!("../../tests/data/hat.json");
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        let values = golden["expected"][key].as_array().unwrap();
        values.iter().map(|value| value.as_f64().unwrap()).collect()
    }

    #[test]
    fn s_rises_as_in_the_paper_and_as_in_the_authors_code() {
        assert_close(&annealed(Hat::default(), 10), &golden("annealed_s_paper"));
        assert_close(&annealed(Hat::authors(1), 10), &golden("annealed_s_code"));
    }

    #[test]
    fn s_rises_anew_in_every_ramp_exactly_where_it_begins() {
        let paper = |ramps, batches| annealed(Hat { ramps, ..Hat::default() }, ramps * batches);
        for (ramps, batches) in [(3, 10), (7, 49), (49, 7), (10, 2), (200, 15)] {
            let one = paper(1, batches);
            let all: Vec<f64> = (0..ramps).flat_map(|_| one.clone()).collect();
            assert_close(&paper(ramps, batches), &all);
            let s = 1.0 / 400.0 + (400.0 - 1.0 / 400.0) / f64::from(batches);
            let code = annealed(Hat::authors(ramps), ramps * batches);
            assert!((code[1] - s).abs() < 1e-2 && (code[batches as usize + 1] - s).abs() < 1e-2);
        }
    }

    #[test]
    fn a_ramp_of_one_step_stays_where_it_begins() {
        assert_close(&annealed(Hat { ramps: 4, ..Hat::default() }, 4), &[0.0025; 4]);
    }
}
