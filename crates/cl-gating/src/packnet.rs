//! `PackNet`.

use cl_core::{
    At, Boundary, Consolidate, Error, GradientMap, Needs, Now, Parts, Phase, PhaseContext, Phases,
    SlotStore, Start, Step, Strategy, ViewSite, WeightView,
};
use cl_nn::Layout;
use cl_tensor::{Init, Scope, Var};

/// `PackNet`: every context trains the free weights, prunes most of them again and freezes the rest.
///
/// Mallya & Lazebnik 2018, "PackNet: Adding multiple tasks to a single network by iterative pruning",
/// CVPR, section 3, arXiv 1711.05769; where the text is silent, the authors' code
/// (arunmallya/packnet). Every weight has an owner:
/// - Context t sees w where owner ≤ t, and 0 elsewhere; it trains where owner = t.
/// - When t is trained, of its n weights of each hidden layer the round(p n) smallest in |w| go to
///   t + 1. The rest is retrained, and is not moved again.
/// - What was pruned is 0 when context t + 1 begins. The last context keeps all.
///
/// The first context owns everything else: biases, and what other methods add to theta, stay as it
/// leaves them. Of the output layer each context trains the outputs that are active in it, and no
/// other moves them. Frozen weights keep their bits whatever the optimiser: its step is masked, not
/// the gradient alone.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `p_first` | 0.5 | `(0, 1)` | fraction of its weights that the first context prunes |
/// | `p` | 0.75 | `(0, 1)` | the same of every later context |
/// | `retrain_rate` | 0.1 | > 0 | learning rate of the retraining, in units of the run's |
/// | `retrain` | 1/3 | `(0, 1)` | fraction of a context's steps that retrain; structure |
///
/// Defaults are the paper's: 20 epochs at 1e-3, 10 at 1e-4 behind the pruning. Its optimiser, SGD
/// with momentum 0.9 and without weight decay, is the run's to choose.
///
/// Conventions. Halves are rounded to even. Of equal |w| the weight with the smaller index goes
/// first, so that exactly round(p n) go, where the authors' code prunes all of them; at least one stays.
/// The optimiser starts afresh in each of the two phases. Contexts come in the order of their
/// numbers, one at a time, and none comes again. No neutral setting: every context but the last
/// prunes.
///
/// Slots: `p_first`, `p`, `retrain_rate`; kept: `owner`, u32 `[theta]`, and `pruned`, how many
/// contexts are pruned. 4 bytes per parameter and 4. Nothing grows with the number of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackNet {
    /// Fraction of its weights that the first context prunes.
    pub p_first: f32,
    /// Fraction of its weights that every later context prunes.
    pub p: f32,
    /// Learning rate of the retraining, in units of the run's.
    pub retrain_rate: f32,
    /// Fraction of a context's steps that retrain.
    pub retrain: f32,
}

impl Default for PackNet {
    fn default() -> Self {
        Self { p_first: 0.5, p: 0.75, retrain_rate: 0.1, retrain: 1.0 / 3.0 }
    }
}

/// The phase behind which weights are pruned.
const TRAIN: &str = "train";

/// Owners of theta's weights, at first the first context; indices below 2^24 are exact as floats.
fn owner<'g>(scope: &Scope<'g>, layout: &Layout) -> Var<'g> {
    scope.kept_u32("owner", &[layout.len()], Init::Zeros).to_float()
}

/// Of these n weights the round(p n) smallest in |w|, and n.
fn smallest(theta: &[f32], of: impl Iterator<Item = usize>, p: f32) -> (Vec<usize>, usize) {
    let mut own: Vec<usize> = of.collect();
    // Stable: of equal |w| the smaller index stays in front.
    own.sort_by(|&a, &b| theta[a].abs().total_cmp(&theta[b].abs()));
    let n = own.len();
    let rank = (f64::from(p) * n as f64).round_ties_even() as usize;
    own.truncate(rank.min(n.saturating_sub(1)));
    (own, n)
}

impl WeightView for PackNet {
    fn view<'g>(&self, at: &ViewSite<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let later = owner(&at.scope, at.layout).greater(at.context.to_float());
        // Not a product: 0 is +0 whatever a later context makes of the weight.
        later.select(theta.graph().constant(0.0), theta)
    }
}

impl GradientMap for PackNet {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let (scope, graph) = (&step.scope, step.graph());
        let (context, owner) = (step.context.slice(0, 0..1), owner(scope, step.layout));
        let now = context.to_float();
        let retrains = scope.kept("pruned", &[1], Init::Zeros).greater(now);
        let rate =
            retrains.select(scope.hyper("retrain_rate", self.retrain_rate), graph.constant(1.0));
        let delta = delta * rate;
        // What was pruned goes to 0: it is another context's, which starts there.
        let packed = owner.equal(now) * delta - owner.greater(now) * step.theta;
        let (head, active) = (step.forward.layers.last(), step.active_for(context));
        let (Some(head), Some(active)) = (head, active) else { return packed };
        let active = active.reshape(&[active.len()]);
        let pieces = step.layout.ranges().iter().map(|range| {
            let cut = |flat: Var<'g>| flat.slice(0, range.floats()).reshape(&range.shape);
            let of_head = [&head.weight, &head.bias].contains(&&range.name);
            (range.offset, if of_head { cut(delta) * active } else { cut(packed) })
        });
        graph.assemble(step.layout.len(), &pieces.collect::<Vec<_>>())
    }
}

impl Phases for PackNet {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let PhaseContext { stage, stages, steps, .. } = context;
        let phase = |name, steps| Phase { start: Start::Optimizer, ..Phase::stream(name, steps) };
        if stage + 1 == stages {
            return vec![phase(TRAIN, steps)];
        }
        let retrain = (f64::from(self.retrain) * f64::from(steps)).round() as u32;
        let retrain = retrain.clamp(1, steps); // one step at least takes what was pruned to 0
        vec![phase(TRAIN, steps - retrain), phase("retrain", retrain)]
    }
}

impl Consolidate for PackNet {
    fn at(&self) -> At {
        At::PhaseEnd(TRAIN)
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        // For the host, which reads them.
        at.scope.hyper("p_first", self.p_first);
        at.scope.hyper("p", self.p);
        at.scope.hyper("contexts", at.around.contexts as f32);
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let (stage, contexts) = (now.stage, slots.read("contexts")?[0] as usize);
        let to_come = contexts.saturating_sub(stage as usize + 1);
        if to_come == 0 {
            return Ok(());
        }
        let p = slots.read(if stage == 0 { "p_first" } else { "p" })?[0];
        let (theta, mut owner) = (slots.theta()?, slots.read_u32("owner")?);
        for layer in slots.layers().split_last().map_or(&[][..], |(_head, hidden)| hidden) {
            let own = layer.weight.floats().filter(|&i| owner[i] == stage);
            let (free, n) = smallest(&theta, own, p);
            if free.is_empty() {
                let (layer, total) = (&layer.weight.name, layer.weight.len);
                return Err(Error::Capacity {
                    strategy: "packnet",
                    seed: now.seed,
                    context: stage as usize + 1,
                    to_come,
                    what: format!(
                        "layer {layer}: {total} of {total} weights are owned, context {} finds none \
                         free: of its {n} this one prunes round({p} x {n}); expected 1 at least, as \
                         with more units or a larger p",
                        stage + 2
                    ),
                });
            }
            free.into_iter().for_each(|i| owner[i] = stage + 1);
        }
        slots.write("pruned", &[stage as f32 + 1.0])?;
        slots.write_u32("owner", &owner)
    }
}

impl Strategy for PackNet {
    fn name(&self) -> String {
        "packnet".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.weight_view(self).gradient_map(self).phases(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs {
            boundaries: true,
            task_id_in_training: true,
            task_id_at_test: true,
            ..Needs::default()
        }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![
            ("packnet.p_first".to_owned(), self.p_first.to_string()),
            ("packnet.p".to_owned(), self.p.to_string()),
            ("packnet.retrain_rate".to_owned(), self.retrain_rate.to_string()),
            ("packnet.retrain".to_owned(), self.retrain.to_string()),
            ("packnet.ties".to_owned(), "the smaller index is pruned first".to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        let fraction = |value: f32| value > 0.0 && value < 1.0;
        let fractions = "a fraction in (0, 1)";
        let rate = self.retrain_rate > 0.0 && self.retrain_rate.is_finite();
        let all = [
            ("p_first", self.p_first, fraction(self.p_first), fractions),
            ("p", self.p, fraction(self.p), fractions),
            ("retrain_rate", self.retrain_rate, rate, "above 0"),
            ("retrain", self.retrain, fraction(self.retrain), fractions),
        ];
        match all.into_iter().find(|(.., fits, _)| !fits) {
            None => Ok(()),
            Some((name, value, _, expected)) => {
                let (strategy, value) = ("packnet", f64::from(value));
                Err(Error::HyperParameter { strategy, name, value, expected })
            }
        }
    }
}
