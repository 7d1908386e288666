//! What a recorded part sees of a step.

use crate::parts::{Around, find};
use crate::record::{Places, Recorder, Rows, Segment, row_draw_input};
use crate::rows::Targets;
use cl_nn::{Forward, Layout, Theta, losses};
use cl_random::Purpose;
use cl_tensor::{Graph, Init, Scope, Var};
use std::ops::Range;

/// The recorded values of a batch: rows of the stream and of every memory that joined it.
///
/// No part ever sees the trainer; this is all there is.
pub struct Step<'a, 'g> {
    /// Slots of the strategy that the part belongs to.
    pub scope: Scope<'g>,
    /// Where each parameter lies in theta.
    pub layout: &'a Layout,
    /// All parameters, flat, before the step.
    pub theta: Var<'g>,
    /// `[rows, inputs]`.
    pub x: Var<'g>,
    /// The right output unit, u32 `[rows]`; the likeliest where targets are soft.
    pub target: Var<'g>,
    /// What is right for each row, in full.
    pub targets: &'a Targets<'g>,
    /// Weight of each row in the task loss, `[rows]`; 0 for padding.
    pub weight: Var<'g>,
    /// The context of each row, u32 `[rows]`.
    pub context: Var<'g>,
    /// Which outputs compete for each row, `[rows, outputs]` of 0 and 1; `None`: all of them.
    pub active: Option<Var<'g>>,
    /// The forward pass through all gates.
    pub forward: &'a Forward<'g>,
    /// The criterion's loss of each row, `[rows]`, in nats.
    pub row_losses: Var<'g>,
    /// Σ_rows weight · loss of the criterion, in nats; generated rows included. In passes and
    /// evaluations, which have no criterion: the cross-entropy.
    pub task_loss: Var<'g>,
    pub(crate) sources: Sources<'a, 'g>,
    pub(crate) recorder: &'a Recorder<'a, 'g>,
}

/// Which rows came from whom.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a, 'g> {
    /// Rows of the stream, at the front of the batch.
    pub stream: usize,
    /// How many of them are of one class together, where they come class by class.
    pub per_class: Option<usize>,
    /// Ranges of the batch, by rehearsal.
    pub joined: &'a [(String, Range<usize>)],
    /// Rows with a forward pass of their own.
    pub segments: &'a [Segment<'g>],
    /// Where rows lie in memories.
    pub places: &'a [(String, Places<'g>)],
}

impl<'a, 'g> Step<'a, 'g> {
    /// The step as it is seen through one group of rows.
    pub(crate) fn new(
        recorder: &'a Recorder<'a, 'g>,
        theta: Var<'g>,
        segment: &'a Segment<'g>,
        sources: Sources<'a, 'g>,
    ) -> Self {
        let Segment { rows, forward, .. } = segment;
        let plain = rows.targets.cross_entropy(forward.logits, rows.active);
        let step = Self {
            scope: Scope::new(recorder.graph, ""),
            layout: &recorder.model.layout,
            theta,
            x: rows.x,
            target: rows.targets.units(forward.logits),
            targets: &rows.targets,
            weight: rows.weight,
            context: rows.context,
            active: rows.active,
            forward,
            row_losses: plain,
            task_loss: losses::weighted_sum(plain, rows.weight),
            sources,
            recorder,
        };
        // Evaluations and passes need no criterion, and one that looks at other rows sees their
        // cross-entropy: it is not asked about itself.
        match &recorder.parts.criterion {
            Some((scope, criterion)) if recorder.asks_criterion() => {
                recorder.in_criterion.set(true);
                let row_losses = criterion.rows(&step.seen_by(scope));
                recorder.in_criterion.set(false);
                let what = format!("{scope}: Criterion::rows");
                let shape = rows.weight.shape();
                let row_losses = recorder.graph.expect_shape(row_losses, &shape, &what);
                let task_loss = losses::weighted_sum(row_losses, rows.weight);
                Self { row_losses, task_loss, ..step }
            }
            _ => step,
        }
    }

    /// The same step for a part of another strategy.
    pub(crate) fn seen_by(&self, strategy: &str) -> Self {
        Self { scope: Scope::new(self.graph(), strategy), ..*self }
    }

    /// The graph to record into.
    #[must_use]
    pub fn graph(&self) -> &'g Graph {
        self.theta.graph()
    }

    /// Cross-entropy of each row against `target`, u32 `[rows]`, over the active outputs, in nats.
    #[must_use]
    pub fn cross_entropy(&self, target: Var<'g>) -> Var<'g> {
        losses::cross_entropy(self.forward.logits, target, self.active)
    }

    /// The logits with inactive outputs at −1e30: their softmax gives those exactly 0.
    #[must_use]
    pub fn active_logits(&self) -> Var<'g> {
        let logits = self.forward.logits;
        self.active.map_or(logits, |active| losses::mask_inactive(logits, active))
    }

    /// Which outputs compete for rows of these contexts, u32 `[rows]` -> `[rows, outputs]`; `None`:
    /// all of them.
    #[must_use]
    pub fn active_for(&self, context: Var<'g>) -> Option<Var<'g>> {
        self.recorder.model.active(context)
    }

    /// Number of contexts of the stream.
    #[must_use]
    pub fn contexts(&self) -> usize {
        self.recorder.model.contexts
    }

    /// The network and the stream: the shapes of what a method keeps.
    #[must_use]
    pub fn around(&self) -> Around<'a> {
        self.recorder.model.around()
    }

    /// Gradient of the task loss alone, `[theta]`. Asking twice costs nothing.
    #[track_caller]
    #[must_use]
    pub fn task_gradient(&self) -> Var<'g> {
        self.graph().grad(self.task_loss, self.theta)
    }

    /// The forward pass of rows `x`, `[rows, inputs]`, of `context`, u32 `[rows]`, with other
    /// parameters: a teacher, a virtual step. Through all gates and weight views.
    #[must_use]
    pub fn forward(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        self.recorder.forward(theta, x, context)
    }

    /// The forward pass of these rows with other parameters.
    #[must_use]
    pub fn forward_with(&self, theta: Var<'g>) -> Forward<'g> {
        self.recorder.forward(theta, self.x, self.context)
    }

    /// What a network with these parameters says at test time of rows `x`, `[rows, inputs]`, of
    /// `context`, u32 `[rows]`: as [`Step::forward`], but without dropout and with gates as they are
    /// at test. For a teacher, whose labels are not random.
    #[must_use]
    pub fn predict(&self, theta: Var<'g>, x: Var<'g>, context: Var<'g>) -> Forward<'g> {
        self.recorder.predict(theta, x, context)
    }

    /// Rows of the batch that come from the stream; those of memories that joined follow.
    #[must_use]
    pub fn stream_rows(&self) -> Range<usize> {
        0..self.sources.stream
    }

    /// Where rows of the stream come class by class
    /// ([`Source::StreamByClass`](crate::Source::StreamByClass)), how many of one class stand together;
    /// else `None`. What follows the last class of the stage has weight 0.
    #[must_use]
    pub fn rows_per_class(&self) -> Option<usize> {
        self.sources.per_class
    }

    /// Rows of the batch that come from a rehearsal of the composition, by the name of its strategy.
    #[must_use]
    pub fn rows_of(&self, strategy: &str) -> Option<Range<usize>> {
        let known = self.sources.joined.iter().map(|(known, _)| known.as_str());
        let found = find(self.scope.prefix(), strategy, known)?;
        Some(self.sources.joined[found].1.clone())
    }

    /// 1 for rows of the batch that come from the stream, else 0: `[rows]`.
    #[must_use]
    pub fn is_current(&self) -> Var<'g> {
        let row = self.graph().iota(self.weight.len()).to_float();
        self.graph().constant(self.sources.stream as f32).greater(row)
    }

    /// Rows with a forward pass of their own: of a rehearsal apart, `NAME` of the same strategy or in
    /// full, or of a generator, by the name of its strategy. Its `task_loss` is theirs alone.
    ///
    /// An unknown name is an error at this line when the program is compiled.
    #[track_caller]
    #[must_use]
    pub fn rows(&self, name: &str) -> Self {
        let known = self.sources.segments.iter().map(|segment| segment.name.as_str());
        let found = find(self.scope.prefix(), name, known);
        match found.map(|at| &self.sources.segments[at]) {
            Some(segment) => {
                let sources = Sources { stream: 0, per_class: None, joined: &[], ..self.sources };
                let step = Self::new(self.recorder, self.theta, segment, sources);
                Self { scope: self.scope.clone(), ..step }
            }
            None => {
                let names = self.sources.segments.iter().map(|s| s.name.as_str());
                let known = names.collect::<Vec<_>>().join(", ");
                self.graph().refuse(format!("rows: no rows `{name}` here; there are: {known}"));
                self.seen_by(&self.scope.name(""))
            }
        }
    }

    /// The rows that the strategy itself generates, whatever the composition calls it.
    #[track_caller]
    #[must_use]
    pub fn generated(&self) -> Self {
        self.rows(self.scope.prefix())
    }

    /// The loss of the rows `name` alone, a scalar: `rows(name).task_loss`.
    #[track_caller]
    #[must_use]
    pub fn loss_of(&self, name: &str) -> Var<'g> {
        self.rows(name).task_loss
    }

    #[track_caller]
    fn places(&self, name: &str) -> Places<'g> {
        let known = self.sources.places.iter().map(|(known, _)| known.as_str());
        let found = find(self.scope.prefix(), name, known);
        found.map(|at| &self.sources.places[at]).map_or_else(
            || {
                let message = format!("cells: no rehearsal `{name}` here");
                let nothing = self.graph().refuse(message);
                Places { cells: nothing, stored: Some(nothing), capacity: 1 }
            },
            |(_, places)| *places,
        )
    }

    /// Where each row of a rehearsal lies in its memory, u32 `[its rows]`; `u32::MAX` where it gave
    /// none. `NAME` of the same strategy or in full. In a pass over that memory
    /// ([`Over::Memory`](crate::Over::Memory)): where each row of the chunk lies, so that what is kept
    /// beside a row may be written when its context ends.
    #[track_caller]
    #[must_use]
    pub fn cells(&self, name: &str) -> Var<'g> {
        self.places(name).cells
    }

    /// Places of the memory of a rehearsal ([`Rehearse::capacity`](crate::Rehearse::capacity)): the
    /// rows of a slot that keeps something beside each. `NAME` of the same strategy or in full.
    #[track_caller]
    #[must_use]
    pub fn capacity(&self, name: &str) -> usize {
        let places = self.places(name);
        if places.capacity == 0 {
            self.graph().refuse(format!("capacity: the rehearsal `{name}` names no places"));
        }
        places.capacity.max(1)
    }

    /// Where each row of the stream will be stored in the memory of a rehearsal after this step, u32
    /// `[stream rows]`; `u32::MAX` is nowhere. What is kept beside a row is written there:
    /// `scope.assign_rows("logits", step.stored("memory"), logits)`.
    #[track_caller]
    #[must_use]
    pub fn stored(&self, name: &str) -> Var<'g> {
        let stored = self.places(name).stored;
        stored.unwrap_or_else(|| {
            self.graph().refuse(format!("stored: a pass over `{name}` stores nothing"))
        })
    }

    /// The parameters of a module: `NAME` of the same strategy or `STRATEGY/NAME`.
    #[track_caller]
    #[must_use]
    pub fn module(&self, name: &str) -> Theta<'a, 'g> {
        self.recorder.model.module(&self.scope, name)
    }

    /// The network's parameters by name.
    #[must_use]
    pub fn network(&self) -> Theta<'a, 'g> {
        Theta { flat: self.theta, layout: self.layout }
    }

    /// The copy of the network's parameters that [`Boundary::freeze`](crate::Boundary::freeze) keeps
    /// under `name`; zeros before the first.
    #[track_caller]
    #[must_use]
    pub fn frozen(&self, name: &str) -> Theta<'a, 'g> {
        let flat = self.scope.kept(name, &[self.layout.len()], Init::Zeros);
        Theta { flat, layout: self.layout }
    }

    /// The copy of a module's parameters that
    /// [`Boundary::freeze_module`](crate::Boundary::freeze_module) keeps; zeros before the first.
    #[track_caller]
    #[must_use]
    pub fn frozen_module(&self, name: &str) -> Theta<'a, 'g> {
        let layout = self.module(name).layout;
        let own = self.recorder.model.scope_of_module(&self.scope, name);
        Theta { flat: own.kept("frozen", &[layout.len()], Init::Zeros), layout }
    }

    /// Standard normal numbers of this shape, others in every step; `name` tells apart what a strategy
    /// draws in one step. An error in evaluation and passes, where nothing is random.
    #[track_caller]
    #[must_use]
    pub fn normal(&self, name: &str, shape: &[usize]) -> Var<'g> {
        let purpose = Purpose::named(&self.scope.name(name));
        self.graph().normal(self.random(name), purpose, 0, shape)
    }

    /// Uniform numbers in [0, 1) of this shape; otherwise as [`Step::normal`].
    #[track_caller]
    #[must_use]
    pub fn uniform(&self, name: &str, shape: &[usize]) -> Var<'g> {
        let purpose = Purpose::named(&self.scope.name(name));
        self.graph().uniform(self.random(name), purpose, 0, shape)
    }

    /// One uniform number in [0, 1) per row of a pass, `[rows]`; `name` tells apart what a strategy draws.
    ///
    /// Each row has an address of its own: seed, boundary, example and context. So it draws the same
    /// number whatever chunk it comes in; a hand-made [`Trial`](crate::Trial) counts the rows of the pass
    /// instead of examples. An error in training steps and evaluations.
    #[track_caller]
    #[must_use]
    pub fn uniform_rows(&self, name: &str) -> Var<'g> {
        match self.recorder.rows {
            Rows::Passed => {
                let input = row_draw_input(&self.scope.name(name));
                self.graph().input(&input, &self.weight.shape())
            }
            Rows::Trained | Rows::Tested => self.graph().refuse(format!(
                "random numbers `{name}` per row: only the rows of a pass have addresses"
            )),
        }
    }

    /// The address of random numbers.
    #[track_caller]
    fn random(&self, name: &str) -> Var<'g> {
        match self.address() {
            Some(address) => address,
            None => self
                .graph()
                .refuse(format!("random numbers `{name}`: nothing is random outside of training")),
        }
    }

    /// Share of the phase that has passed, a scalar in [0, 1); 1 in evaluation and passes.
    #[must_use]
    pub fn progress(&self) -> Var<'g> {
        self.recorder.progress
    }

    /// Steps of the phase, a scalar; 1 in evaluation and passes.
    #[must_use]
    pub fn steps(&self) -> Var<'g> {
        self.recorder.steps
    }

    /// Address of random numbers, u32 `[4]`: what a part draws differs by step. `None` in evaluation
    /// and passes, where nothing is random.
    #[must_use]
    pub fn address(&self) -> Option<Var<'g>> {
        self.recorder.address
    }

    /// Tells the host a value after the step, or after every chunk of a pass: `[rows, ..]`, read with
    /// [`Reports::get`](crate::Reports::get). Read-backs cost time on a GPU.
    #[track_caller]
    pub fn report(&self, name: &str, value: Var<'g>) {
        self.graph().output(&self.scope.name(name), value);
    }
}
