//! Streams cut from a data set.

use crate::{
    ActiveClasses, Competition, Part, Protocol, Scenario, Stage, Stream, StreamKind, StreamSpec,
    Transform, Visibility,
};
use std::sync::Arc;

/// How the stages of a stream follow from its contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Incremental,
    Joint,
    Cumulative,
}

/// A stream of contexts over one [`Dataset`](crate::Dataset); see [`StreamSpec::build`].
#[derive(Clone, Debug)]
pub struct ContextStream {
    pub(crate) spec: StreamSpec,
    pub(crate) schedule: Schedule,
    pub(crate) kind: StreamKind,
    pub(crate) competing: ActiveClasses,
    pub(crate) stages: Vec<Stage>,
    /// Classes that a context tells apart.
    pub(crate) width: usize,
    pub(crate) outputs: usize,
    /// Position of each class in the class order.
    pub(crate) position: Vec<u32>,
    pub(crate) train: Vec<Arc<[u32]>>,
    pub(crate) test: Vec<Arc<[u32]>>,
    pub(crate) transforms: Vec<Transform>,
}

impl ContextStream {
    /// The same contexts trained on together, in one stage as long as all of them. Of a fuzzy or random
    /// stream that is the sharp one's; of a one-pass stream it is one pass over all examples.
    #[must_use]
    pub fn joint(mut self) -> Self {
        let contexts = self.spec.contexts;
        self.schedule = Schedule::Joint;
        if self.kind.is_mixed() {
            self.kind = StreamKind::Sharp;
        }
        self.stages = vec![Stage { contexts: (0..contexts).collect(), length: contexts }];
        self
    }

    /// The same contexts, sharp, where stage i draws from contexts 0 to i.
    #[must_use]
    pub fn cumulative(mut self) -> Self {
        (self.schedule, self.kind) = (Schedule::Cumulative, StreamKind::Sharp);
        self.stages = (0..self.spec.contexts)
            .map(|last| Stage { contexts: (0..=last).collect(), length: 1 })
            .collect();
        self
    }

    /// The same contexts in a stream of this kind.
    #[must_use]
    pub fn of_kind(mut self, kind: StreamKind) -> Self {
        let contexts = self.spec.contexts;
        (self.schedule, self.kind) = (Schedule::Incremental, kind);
        let all: Arc<[usize]> = (0..contexts).collect();
        let drawn = |stage: usize| match kind.is_mixed() {
            true => all.clone(),
            false => [stage].into(),
        };
        self.stages =
            (0..contexts).map(|stage| Stage { contexts: drawn(stage), length: 1 }).collect();
        self
    }

    /// The same contexts with fuzzy boundaries; [`StreamKind::Fuzzy`].
    #[must_use]
    pub fn fuzzy(self, fuzziness: u32) -> Self {
        self.of_kind(StreamKind::Fuzzy { fuzziness })
    }

    /// The same contexts, every row's drawn at random; [`StreamKind::Random`].
    #[must_use]
    pub fn random(self) -> Self {
        self.of_kind(StreamKind::Random)
    }

    /// The same contexts, every example once; [`StreamKind::OnePass`].
    #[must_use]
    pub fn one_pass(self) -> Self {
        self.of_kind(StreamKind::OnePass)
    }

    /// The same stream with another rule for which outputs compete; it changes class-incremental
    /// streams only.
    #[must_use]
    pub fn with_active(mut self, competing: ActiveClasses) -> Self {
        self.competing = competing;
        self
    }

    /// What the stream was built from.
    #[must_use]
    pub fn spec(&self) -> &StreamSpec {
        &self.spec
    }

    /// The classes in the order in which they come; the data set's own order where every context has
    /// all classes.
    #[must_use]
    pub fn class_order(&self) -> Vec<u8> {
        let mut order: Vec<u8> = (0..self.position.len() as u8).collect();
        order.sort_unstable_by_key(|&class| self.position[usize::from(class)]);
        order
    }

    /// The labels that the examples of `context` may have, in the class order.
    ///
    /// # Panics
    /// If there is no such context.
    #[must_use]
    pub fn classes(&self, context: usize) -> Vec<u8> {
        assert!(context < self.contexts(), "ContextStream::classes: context {context}");
        let order = self.class_order();
        match self.spec.protocol {
            Protocol::Split => order[context * self.width..(context + 1) * self.width].to_vec(),
            Protocol::Permuted | Protocol::Rotated => order,
        }
    }

    fn so_far(&self) -> bool {
        self.spec.scenario == Scenario::Class && self.competing == ActiveClasses::SoFar
    }
}

impl Stream for ContextStream {
    fn scenario(&self) -> Scenario {
        self.spec.scenario
    }

    fn contexts(&self) -> usize {
        self.spec.contexts
    }

    fn kind(&self) -> StreamKind {
        self.kind
    }

    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn train(&self, context: usize) -> &[u32] {
        &self.train[context]
    }

    fn test(&self, context: usize) -> &[u32] {
        &self.test[context]
    }

    fn target(&self, context: usize, label: u8) -> u32 {
        assert!(context < self.contexts(), "Stream::target: context {context}");
        let (width, position) = (self.width as u32, self.position[usize::from(label)]);
        match (self.spec.protocol, self.spec.scenario) {
            (Protocol::Split, Scenario::Domain) => position % width,
            (Protocol::Split, _) | (_, Scenario::Domain) => position,
            (Protocol::Permuted | Protocol::Rotated, _) => context as u32 * width + position,
        }
    }

    fn active(&self, stage: usize, context: usize) -> Vec<bool> {
        assert!(context < self.contexts(), "Stream::active: context {context}");
        let mut seen = vec![false; self.contexts()];
        if self.so_far() {
            for &past in self.stages[..=stage].iter().flat_map(|stage| &*stage.contexts) {
                seen[past] = true;
            }
        }
        let competes = |unit: usize| {
            let owner = unit / self.width;
            match self.spec.scenario {
                Scenario::Task => owner == context,
                Scenario::Class if self.so_far() => seen[owner],
                Scenario::Class | Scenario::Domain => true,
            }
        };
        (0..self.outputs).map(competes).collect()
    }

    fn competition(&self) -> Competition {
        match self.spec.scenario {
            Scenario::Task => Competition::ByContext,
            Scenario::Class if self.so_far() => Competition::ByStage,
            Scenario::Class | Scenario::Domain => Competition::All,
        }
    }

    fn transform(&self, context: usize) -> &Transform {
        &self.transforms[context]
    }

    fn visibility(&self) -> Visibility {
        let task = self.spec.scenario == Scenario::Task;
        Visibility {
            boundaries: !self.kind.is_task_free(),
            task_id_in_training: task,
            task_id_at_test: task,
            old_data: self.schedule != Schedule::Incremental || self.kind.is_mixed(),
        }
    }

    fn describe(&self) -> Vec<(&'static str, String)> {
        let StreamSpec { protocol, scenario, contexts, part, pad, .. } = self.spec;
        let width = self.width;
        let order: Vec<String> = self.class_order().iter().map(u8::to_string).collect();
        let heads = match scenario {
            Scenario::Task => format!("{contexts} of {width} units, the context's own compete"),
            Scenario::Domain => format!("one of {width} units, shared by the contexts"),
            Scenario::Class if self.so_far() => {
                format!("one of {} units, the classes seen so far compete", self.outputs)
            }
            Scenario::Class => {
                format!("one of {} units, all compete from the first context on", self.outputs)
            }
        };
        let pixels = match protocol {
            Protocol::Split => "as they are".to_owned(),
            Protocol::Permuted if pad > 0 => {
                format!("padded by {pad}, permuted in every context, the first too")
            }
            Protocol::Permuted => "permuted in every context, the first too".to_owned(),
            Protocol::Rotated => format!("turned by 180 c / {contexts} degrees, bilinear"),
        };
        let stages = match (self.kind, self.schedule) {
            (StreamKind::Fuzzy { fuzziness }, _) => format!(
                "{contexts} of equal length; every row's context is drawn; boundaries half a context \
                 early, linear over {fuzziness} steps to either side, the first context again at the \
                 end (van de Ven et al. 2022)"
            ),
            (StreamKind::Random, _) => {
                format!("{contexts} of equal length; every row's context is drawn, all alike")
            }
            (StreamKind::OnePass, Schedule::Joint) => {
                "all contexts together, every example once, the last batch incomplete".to_owned()
            }
            (StreamKind::OnePass, _) => {
                "one context after the other, every example once, the last \
                                         batch of a context incomplete"
                    .to_owned()
            }
            (_, Schedule::Incremental) => "one context after the other".to_owned(),
            (_, Schedule::Joint) => "all contexts together, as long as all of them".to_owned(),
            (_, Schedule::Cumulative) => "every context together with all before it".to_owned(),
        };
        let Visibility { boundaries, task_id_in_training, .. } = self.visibility();
        let told = match (boundaries, task_id_in_training) {
            (true, true) => "boundaries, and the context of every row",
            (true, false) => "boundaries",
            (false, true) => "the context of every row, no boundaries",
            (false, false) => "nothing: no boundaries, no contexts",
        };
        let examples = match part {
            Part::Final => "train on train and validation, evaluate on test",
            Part::Validation => "train on train, evaluate on validation",
        };
        vec![
            ("protocol", format!("{protocol}, {contexts} contexts of {width} classes")),
            ("scenario", scenario.to_string()),
            ("class_order", order.join(" ")),
            ("heads", heads),
            ("pixels", pixels),
            ("kind", self.kind.to_string()),
            ("stages", stages),
            ("told", told.to_owned()),
            ("examples", examples.to_owned()),
        ]
    }
}
