//! Learning without forgetting.

use crate::range::{expect, strength};
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Mix, Needs, Parts, Penalty, Step, Strategy, Taken,
    Track,
};
use cl_nn::losses::{mask_inactive, weighted_mean};
use cl_scenarios::Scenario;
use cl_tensor::{Init, Scope, Var};

/// How the heads of past contexts add up to KD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heads {
    /// Their sum, each head once: the paper's. One term where all contexts have one head.
    #[default]
    Each,
    /// Their sum, once for each context that has ended: t − 1 times where all contexts have one head.
    EachContext,
    /// Their mean over the contexts that have ended.
    Mean,
    /// For each row the head of one past context, drawn anew in every step: on average the mean.
    Drawn,
}

/// The outputs of a head that the teacher speaks about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// Those that were right for some row before the teacher was frozen, the old outputs of the
    /// paper; student and teacher are compared over these alone.
    #[default]
    Seen,
    /// All that competed when the teacher was frozen, also those of classes never seen; the student
    /// is compared over all that compete now, and the teacher gives the new ones probability 0.
    Active,
}

/// Learning without forgetting: the network as it was at the last boundary labels the new rows.
///
/// L = a CE + b λ Σ_k KD_k,  KD_k = mean over rows of −Σ_c softmax(z*/T)_c log softmax(z/T)_c
///
/// Li & Hoiem 2017 (IEEE TPAMI 40), eq. 1 to 3: z and z* are the logits of the network and of its
/// frozen copy, the teacher, for the stream's rows, restricted to the outputs of a head k of the past.
/// There is no factor T². A head is what [`Step::active_for`] says: one per context in
/// task-incremental streams, one for all elsewhere. The paper's a = b = 1 ([`Mix::Sum`]).
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `lambda` | 1 | ≥ 0 | strength λ, the paper's λ_o; slot `lambda` |
/// | `temperature` | 2 | > 0 | T; slot `temperature` |
/// | `heads` | `Each` | | how the heads of past contexts add up |
/// | `outputs` | `Seen` | | which outputs of a head the teacher speaks about |
/// | `mix` | `Sum` | fixed: [0, 1] | a and b: 1 and 1; by context 1/t and 1 − 1/t; fixed w and 1 − w, slot `current` |
///
/// Conventions: [`Lwf::vdv`], [`Lwf::vdv_task_free`], [`Lwf::mammoth`], [`Lwf::avalanche`]; the KL
/// divergence of the last differs from KD by the teacher's entropy, hence in value alone. The paper
/// first trains the new outputs with the rest frozen; that warm-up is not part of this.
///
/// The teacher labels as at test, without dropout, once per step whatever the number of contexts; the
/// terms of the heads grow with it where each context has its own, as they do in the definition, by
/// rows × outputs numbers per context. Only rows of the stream are labelled, not those of a memory.
/// With gates (XdG) each row passes the gates of its own context through the teacher as through the
/// network: the teacher answers with the units of the new context, not of the old ones.
///
/// Without boundaries the teacher is frozen every so many steps
/// ([`Settings::consolidate_every`](cl_core::Settings::consolidate_every)), but where contexts are counted
/// ([`Heads::EachContext`], [`Mix::ByContext`]).
///
/// Where a and b are not 1, the task gradient is multiplied by a before other penalties are added; a
/// is 1 until there is a teacher. Neutral setting: `lambda` = 0 with `Mix::Sum`. Before the first
/// boundary it is plain training in any setting. Memory: the teacher, and per head a count and a
/// number for each output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lwf {
    /// Strength λ.
    pub lambda: f64,
    /// Temperature T.
    pub temperature: f64,
    /// How the heads of past contexts add up.
    pub heads: Heads,
    /// Which outputs of a head the teacher speaks about.
    pub outputs: Outputs,
    /// How task loss and labels are weighed.
    pub mix: Mix,
}

impl Default for Lwf {
    fn default() -> Self {
        let (heads, outputs) = (Heads::Each, Outputs::Seen);
        Self { lambda: 1.0, temperature: 2.0, heads, outputs, mix: Mix::Sum }
    }
}

impl Lwf {
    /// As in the code of van de Ven et al. 2022: CE + (t − 1) · mean KD, or CE + KD where classes are
    /// to be told apart across contexts; over all outputs that compete.
    #[must_use]
    pub fn vdv(scenario: Scenario) -> Self {
        let heads = match scenario {
            Scenario::Task | Scenario::Domain => Heads::EachContext,
            Scenario::Class => Heads::Each,
        };
        Self { heads, outputs: Outputs::Active, ..Self::default() }
    }

    /// As in the task-free code of the same authors: 0.5 CE + 0.5 KD as soon as there is a teacher,
    /// for each row over the head of one past context.
    #[must_use]
    pub fn vdv_task_free() -> Self {
        let (heads, outputs) = (Heads::Drawn, Outputs::Active);
        Self { heads, outputs, mix: Mix::Fixed(0.5), ..Self::default() }
    }

    /// As in Avalanche: α = 1 for every head, over the classes that the teacher has seen.
    #[must_use]
    pub fn avalanche() -> Self {
        Self::default()
    }

    /// As in mammoth for class-incremental streams: α = 0.5, over the past classes.
    #[must_use]
    pub fn mammoth() -> Self {
        Self { lambda: 0.5, ..Self::default() }
    }

    /// a and b, scalars; a is 1 while there is no teacher.
    fn weights<'g>(&self, scope: &Scope<'g>, times: Var<'g>) -> (Var<'g>, Var<'g>) {
        let (one, ended) = (scope.graph().constant(1.0), times.sum());
        match self.mix {
            Mix::Sum => (one, one),
            Mix::ByContext => {
                let current = one / (ended + 1.0);
                (current, one - current)
            }
            // The teacher labels the rows of the batch: there are as many of either.
            Mix::ByRows => (ended.select(one / 2.0, one), one / 2.0),
            Mix::Fixed(current) => {
                let current = scope.hyper("current", current);
                (ended.select(current, one), one - current)
            }
        }
    }
}

impl Lwf {
    /// The weight of each head in KD, `[h]`; 0 where no context with it has ended.
    fn weights_of_heads<'g>(&self, times: Var<'g>, heads: Var<'g>) -> Var<'g> {
        let [h, outputs] = [heads.shape()[0], heads.shape()[1]];
        let one = times.graph().constant(1.0);
        let shared = match self.heads {
            Heads::EachContext => one,
            Heads::Mean | Heads::Drawn => times.sum(),
            Heads::Each => {
                let [a, b] = [[h, 1, outputs], [1, h, outputs]].map(|shape| heads.reshape(&shape));
                let same = 1.0 - (a - b).abs().sum_axis(2).sign();
                (same * times).sum_axis(1)
            }
        };
        times / shared.maximum(one)
    }
}

/// What is kept of past contexts, for h heads: one per context, or one for all.
struct Past<'g> {
    /// How many contexts with this head have ended, `[h]`.
    times: Var<'g>,
    /// The outputs on which the teacher speaks for each head, `[h, outputs]` of 0 and 1.
    heads: Var<'g>,
}

impl<'g> Past<'g> {
    /// `active`, `[contexts, outputs]`: the heads, where contexts have their own.
    fn of(scope: &Scope<'g>, active: Option<Var<'g>>, outputs: usize) -> Self {
        let heads = active.map_or(1, |active| active.shape()[0]);
        Self {
            times: scope.kept("times", &[heads], Init::Zeros),
            heads: scope.kept("heads", &[heads, outputs], Init::Zeros),
        }
    }
}

/// Rows seen since the last boundary, by what they were of; 0 outside of a context.
const BY_CONTEXT: &str = "rows_by_context";
const BY_OUTPUT: &str = "rows_by_output";

impl Penalty for Lwf {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let (scope, graph) = (&step.scope, step.graph());
        let lambda = scope.hyper("lambda", self.lambda as f32);
        let temperature = scope.hyper("temperature", self.temperature as f32);
        if step.stream_rows().is_empty() {
            return graph.constant(0.0); // a phase on memories alone: nothing to label
        }
        let current = |value: Var<'g>| value.slice(0, step.stream_rows());
        let teacher = step.frozen("teacher").flat;
        let z_old = step.predict(teacher, current(step.x), current(step.context)).logits;
        let z = current(step.forward.logits);
        let [rows, outputs] = [z.shape()[0], z.shape()[1]];

        let active = step.active_for(graph.iota(step.contexts()));
        let past = Past::of(scope, active, outputs);
        let (times, then) = (past.times, past.heads);
        let now = match self.outputs {
            Outputs::Seen => then,
            Outputs::Active => active.unwrap_or_else(|| graph.full(&then.shape(), 1.0)),
        };
        // [rows, heads, outputs], a head drawn for each row or all heads for all rows.
        let (of_heads, weights) = match self.heads {
            Heads::Drawn => {
                let drawn = (step.uniform("head", &[rows, times.len()]) + 1.0) * times.sign();
                let head = drawn.argmax();
                ([then, now].map(|table| table.gather(head)), times.sum().sign().reshape(&[1]))
            }
            _ => ([then, now], self.weights_of_heads(times, then)),
        };
        let shape = [rows, weights.len(), outputs];
        // Masked behind the division: -1e30 / T would overflow where T is small.
        let over = |z: Var<'g>, active: Var<'g>| {
            let active = active.reshape(&[active.len() / outputs / shape[1], shape[1], outputs]);
            let z = (z / temperature).reshape(&[rows, 1, outputs]).expand(&shape);
            mask_inactive(z, active)
        };
        let [then, now] = of_heads;
        let (p, log_q) = (over(z_old, then).softmax(), over(z, now).log_softmax());
        let of_rows = -((p * log_q).sum_axis(2) * weights).sum_axis(1);
        let (_, b) = self.weights(scope, times);
        b * lambda * weighted_mean(of_rows, current(step.weight))
    }
}

impl GradientMap for Lwf {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let active = step.active_for(step.graph().iota(step.contexts()));
        let outputs = step.forward.logits.shape()[1];
        let (a, _) = self.weights(&step.scope, Past::of(&step.scope, active, outputs).times);
        a * gradient
    }
}

impl Track for Lwf {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        if step.stream_rows().is_empty() {
            return;
        }
        let current = |value: Var<'g>| value.slice(0, step.stream_rows());
        let present = current(step.weight).sign().column();
        let count = |name: &str, index: Var<'g>, n: usize| {
            step.scope.accumulate(name, (current(index).one_hot(n) * present).sum_axis(0));
        };
        if step.active.is_some() {
            count(BY_CONTEXT, step.context, step.contexts());
        }
        if self.outputs == Outputs::Seen {
            count(BY_OUTPUT, step.target, step.forward.logits.shape()[1]);
        }
    }
}

impl Consolidate for Lwf {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, active) = (&boundary.scope, boundary.active());
        let outputs = boundary.around.network.outputs();
        let Past { times, heads } = Past::of(scope, active, outputs);
        let seen = |name: &str, n: usize| scope.take(name, &[n]).sign();
        let ended = match active {
            Some(_) => times.maximum(seen(BY_CONTEXT, times.len())),
            None => times + 1.0,
        };
        let all = active.unwrap_or_else(|| theta.graph().full(&heads.shape(), 1.0));
        let spoken = match self.outputs {
            Outputs::Active => all,
            Outputs::Seen => all * heads.sum_axis(0).sign().maximum(seen(BY_OUTPUT, outputs)),
        };
        scope.assign("times", ended);
        scope.assign("heads", spoken);
        boundary.freeze("teacher", theta);
        theta
    }
}

impl Strategy for Lwf {
    fn name(&self) -> String {
        "lwf".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).track(self).consolidate(self);
        if self.mix != Mix::Sum {
            parts.gradient_map(self);
        }
    }

    fn needs(&self) -> Needs {
        // Who counts contexts has to be told when one ends; a teacher can be frozen at any moment.
        let counts = self.heads == Heads::EachContext || self.mix == Mix::ByContext;
        Needs { boundaries: counts, moments: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let heads = match self.heads {
            Heads::Each => "the sum over past heads",
            Heads::EachContext => "the sum over past contexts",
            Heads::Mean => "the mean over past contexts",
            Heads::Drawn => "that of one past context, drawn for each row",
        };
        let outputs = match self.outputs {
            Outputs::Seen => "those seen before",
            Outputs::Active => "all that compete",
        };
        vec![
            ("lwf.lambda".to_owned(), self.lambda.to_string()),
            ("lwf.temperature".to_owned(), format!("{}, no factor T^2", self.temperature)),
            ("lwf.heads".to_owned(), heads.to_owned()),
            ("lwf.outputs".to_owned(), outputs.to_owned()),
            ("lwf.mix".to_owned(), self.mix.describe()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("lwf", "lambda", self.lambda)?;
        let (t, positive) = (self.temperature, "a finite number above 0");
        // The slot is a 32-bit float.
        let allowed = (t as f32).is_normal() && t > 0.0;
        expect(allowed, "lwf", "temperature", t, positive)?;
        match self.mix {
            Mix::Fixed(current) => {
                let within = (0.0..=1.0).contains(&current);
                expect(within, "lwf", "current", f64::from(current), "a fraction in [0, 1]")
            }
            Mix::Sum | Mix::ByContext | Mix::ByRows => Ok(()),
        }
    }
}
