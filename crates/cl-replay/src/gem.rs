//! Gradient episodic memory.

use crate::budget::{Budget, row_size, same};
use crate::range;
use cl_buffers::{Buffer, Group, Key, Ring, Row};
use cl_core::{
    Error, Fill, GradientMap, Member, Needs, Now, Parts, Rehearse, Reports, Share, Step, Strategy,
    from_state, to_state,
};
use cl_nn::losses;
use cl_random::{Address, Purpose};
use cl_tensor::Var;
use serde_json::Value;

/// GEM: the step nearest to the gradient that no past context objects to.
///
/// Where g·g_k < 0 for some past context k: g ← g + Mᵀv, v = argmin ½ vᵀ(M Mᵀ + ε I)v + (M g)ᵀv subject to
/// v ≥ γ; row k of M is g_k, the gradient of the mean cross-entropy over all rows kept of context k
/// (Lopez-Paz & Ranzato 2017, arXiv 1706.08840, eq. 8 to 11 and algorithm 1). With γ = ε = 0 it is the
/// projection of the paper's eq. 8: g·g_k ≥ 0 afterwards for all k. γ > 0 then pushes along *every* past
/// gradient, also those that do not object. A step to which no past context objects stays as it is. The
/// dual is solved in f64 by the operation `nnqp`.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `budget` | 256 per context | ≥ 1 | what the memory may hold; each context has the same part |
/// | `margin` | 0.5 | ≥ 0 | γ, `memory_strength` of the authors' code; a slot |
/// | `ridge` | 1e-3 | ≥ 0 | ε, a slot |
///
/// The defaults are those of the published runs (GradientEpisodicMemory, `model/gem.py`); the code of
/// mammoth has the same. The memory keeps the newest rows of every context; those of the present one
/// fill it but take no part yet.
///
/// Slots: `margin`, `ridge`, scalars. There is no neutral setting: any past context may object.
/// Composition: order matters among gradient maps; penalties are added behind the projection. A
/// criterion of the composition plays no part in past gradients. Memory: the rows of the budget.
///
/// A step grows with the number of contexts, as the definition does: one gradient over each context's
/// rows, for all contexts of the stream but the last from its first step on, and a program of as many
/// variables (at most 64).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gem {
    /// What the memory may hold.
    pub budget: Budget,
    /// γ: the least multiplier of every past gradient.
    pub margin: f64,
    /// ε: added to the diagonal of M Mᵀ.
    pub ridge: f64,
}

const NAME: &str = "gem";
const MEMORY: &str = "memory";

impl Gem {
    /// The projection of the paper's formula: no margin, no ridge.
    #[must_use]
    pub fn projection() -> Self {
        Self { margin: 0.0, ridge: 0.0, ..Self::default() }
    }

    /// The memory of one member.
    ///
    /// # Errors
    /// A budget of less than one row for every class, and with that for every context.
    pub fn memory(&self, member: &Member<'_>) -> Result<PastContexts, Error> {
        let contexts = member.stream.contexts();
        let (row, budget) = (row_size(member), self.budget.bytes(member));
        let ring = Ring::new(Group::Context, contexts as u32);
        let buffer = Buffer::new(budget, row, ring)?;
        let needed = row.bytes() * u64::from(member.classes);
        if budget < needed {
            return Err(Error::Misfit(format!(
                "{NAME}: a budget of {budget} bytes; expected at least {needed}: one row of {} bytes \
                 for each of {} classes",
                row.bytes(),
                member.classes
            )));
        }
        Ok(PastContexts { buffer, past: contexts - 1 })
    }
}

impl Default for Gem {
    fn default() -> Self {
        Self { budget: Budget::PerContext(256), margin: 0.5, ridge: 1e-3 }
    }
}

/// The gradient of the mean loss over the rows of every context but the last, `[contexts − 1, theta]`;
/// 0 where there are none yet. The rows of each lie together.
fn past_gradients<'g>(step: &Step<'_, 'g>, memory: &str) -> Option<Var<'g>> {
    let (graph, rows) = (step.graph(), step.rows(memory));
    let past = step.contexts() - 1;
    let each = rows.weight.len().checked_div(past)?;
    let gradient = |context: usize| {
        let own = context * each..(context + 1) * each;
        let [x, target, weight, of] = [rows.x, rows.target, rows.weight, rows.context]
            .map(|value| value.slice(0, own.clone()));
        let logits = step.forward(step.theta, x, of).logits;
        let loss = losses::cross_entropy(logits, target, step.active_for(of));
        let loss = losses::weighted_sum(loss, weight);
        graph.grad(loss, step.theta).reshape(&[1, step.theta.len()])
    };
    Some(graph.concat(&(0..past).map(gradient).collect::<Vec<_>>(), 0))
}

/// g where M g ≥ 0; else g + Mᵀv, v = argmin ½ vᵀ(M Mᵀ + ε I)v + (M g)ᵀv, v ≥ γ; M `[k, theta]`,
/// g `[theta]`.
#[track_caller]
#[must_use]
pub fn project<'g>(g: Var<'g>, past: Var<'g>, margin: Var<'g>, ridge: Var<'g>) -> Var<'g> {
    let (k, n) = (past.shape()[0], g.len());
    let gram = past.matmul(past.t()) + g.graph().iota(k).one_hot(k) * ridge;
    let q = past.matmul(g.column()).reshape(&[k]);
    let v = gram.nnqp(q, margin.expand(&[k]));
    let objections = g.graph().constant(0.0).greater(q).sum();
    let projected = g + v.reshape(&[1, k]).matmul(past).reshape(&[n]);
    objections.expand(&[n]).select(projected, g)
}

impl GradientMap for Gem {
    fn task<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let margin = step.scope.hyper("margin", self.margin as f32);
        let ridge = step.scope.hyper("ridge", self.ridge as f32);
        match past_gradients(step, MEMORY) {
            Some(past) => project(gradient, past, margin, ridge),
            None => gradient,
        }
    }
}

impl Strategy for Gem {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let make = |member: &Member<'_>| -> Result<Box<dyn Rehearse>, Error> {
            Ok(Box::new(self.memory(member)?))
        };
        parts.rehearse_apart(MEMORY, make).gradient_map(self);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let memory = "the newest rows of every context, all of a past one at every step";
        [
            ("budget", self.budget.to_string()),
            ("memory", memory.to_owned()),
            ("margin", self.margin.to_string()),
            ("ridge", self.ridge.to_string()),
        ]
        .map(|(name, value)| (format!("{NAME}.{name}"), value))
        .into()
    }

    fn check(&self) -> Result<(), Error> {
        self.budget.check(NAME)?;
        range::at_least_0(NAME, "margin", self.margin)?;
        range::at_least_0(NAME, "ridge", self.ridge)
    }
}

/// The newest rows of every context; a step has all of the past ones, those of context k from row
/// k · quota on.
#[derive(Clone, Debug)]
pub struct PastContexts {
    buffer: Buffer<Ring>,
    /// Contexts but the last.
    past: usize,
}

impl PastContexts {
    /// The rows kept.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<Ring> {
        &self.buffer
    }

    fn quota(&self) -> usize {
        self.buffer.policy().quota(self.buffer.capacity())
    }
}

impl Rehearse for PastContexts {
    fn rows(&self) -> usize {
        self.past * self.quota()
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let quota = self.quota();
        let mut share = Share::Empty;
        for context in (0..self.past as u32).filter(|context| *context < now.stage) {
            let positions = self.buffer.policy().positions(Key { context, label: 0 });
            let first = context as usize * quota;
            // Rows of weight 0 too are of their context.
            fill.rows[first..first + quota].iter_mut().for_each(|row| row.context = context);
            for (place, &position) in (first..).zip(positions) {
                fill.rows[place] = self.buffer.rows()[position as usize];
                fill.cells[place] = position;
                fill.weights[place] = 1.0 / positions.len() as f32;
                share = Share::Joined(1.0);
            }
        }
        Ok(share)
    }

    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        Ok(self.buffer.offer(rows, Address::new(now.seed, Purpose::STORE))?)
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffer.peak_bytes()
    }

    fn save(&self) -> Result<Value, Error> {
        to_state(NAME, &self.buffer)
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.buffer = same(&self.buffer, from_state(NAME, state)?)?;
        Ok(())
    }
}
