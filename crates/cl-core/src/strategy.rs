//! The name under which parts travel together.

use crate::error::Error;
use crate::parts::Parts;
use cl_scenarios::{Scenario, Stream, StreamKind, Visibility};

/// What a method needs to be told; checked against the stream before training starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// When a context ends.
    pub boundaries: bool,
    /// Moments at which to consolidate, whether a context ends there or not: a clock supplies them too.
    pub moments: bool,
    /// The context of a training example.
    pub task_id_in_training: bool,
    /// The context of a test example.
    pub task_id_at_test: bool,
    /// That the stream itself brings examples of earlier contexts back.
    pub old_data: bool,
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self {
            boundaries: self.boundaries || other.boundaries,
            moments: self.moments || other.moments,
            task_id_in_training: self.task_id_in_training || other.task_id_in_training,
            task_id_at_test: self.task_id_at_test || other.task_id_at_test,
            old_data: self.old_data || other.old_data,
        }
    }

    fn missing(self, shown: &Shown) -> Option<&'static str> {
        let moments = shown.moments;
        let shown = shown.visible;
        [
            (self.boundaries && !shown.boundaries, "to be told when a context ends"),
            (
                self.moments && !moments,
                "moments at which to consolidate: boundaries, a detector of them or a number of steps",
            ),
            (
                self.task_id_in_training && !shown.task_id_in_training,
                "the context of each training example",
            ),
            (self.task_id_at_test && !shown.task_id_at_test, "the context of each test example"),
            (self.old_data && !shown.old_data, "examples of earlier contexts from the stream"),
        ]
        .into_iter()
        .find_map(|(missing, what)| missing.then_some(what))
    }
}

/// What a run shows its methods; their needs are checked against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What is told at test time.
    pub scenario: Scenario,
    /// How the stream goes from one context to the next.
    pub kind: StreamKind,
    /// What the stream shows; a detector stands in for boundaries that are not told.
    pub visible: Visibility,
    /// Whether anybody says when to consolidate: boundaries, a detector or a clock.
    pub moments: bool,
}

impl Shown {
    /// The stream, for messages.
    fn stream(&self) -> String {
        match self.kind {
            StreamKind::Sharp => format!("a {}-incremental stream", self.scenario),
            kind => format!("a {}-incremental stream of kind `{kind}`", self.scenario),
        }
    }
}

/// A method of the literature: a few parts and what they need.
///
/// Tuples of strategies are strategies; so is a `Vec` of boxed ones.
///
/// ```
/// use cl_core::{Naive, Needs, Parts, Penalty, Step, Strategy};
/// use cl_tensor::Var;
///
/// // ½ λ Σ_i θ_i²; the only state is theta.
/// struct Shrink {
///     lambda: f64,
/// }
///
/// impl Penalty for Shrink {
///     fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
///         0.5 * step.scope.hyper("lambda", self.lambda as f32) * step.theta.square().sum()
///     }
/// }
///
/// impl Strategy for Shrink {
///     fn name(&self) -> String {
///         "shrink".to_owned()
///     }
///     fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
///         parts.penalty(self);
///     }
///     fn describe(&self) -> Vec<(String, String)> {
///         vec![("shrink.lambda".to_owned(), self.lambda.to_string())]
///     }
/// }
///
/// let both = (Shrink { lambda: 0.1 }, Naive);
/// assert_eq!((both.name().as_str(), both.needs()), ("shrink+none", Needs::default()));
/// assert_eq!(Parts::of(&both).played(), [("Penalty", "shrink")]);
/// ```
pub trait Strategy: Sync {
    /// Its short name, as on the command line; a composition joins names with `+`.
    fn name(&self) -> String;

    /// Hands over its parts; usually one line.
    fn parts<'s>(&'s self, parts: &mut Parts<'s>);

    /// What it needs of the stream.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Its hyper-parameters and the conventions they stand for, as (name, value).
    fn describe(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Checks hyper-parameters.
    ///
    /// # Errors
    /// The first one outside its range.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Checks needs against what a run shows.
    ///
    /// # Errors
    /// What the run does not show.
    fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
        match self.needs().missing(shown) {
            None => Ok(()),
            Some(needed) => Err(Error::NotShown {
                strategy: self.name(),
                needed,
                shown: format!("{} does not show it", shown.stream()),
            }),
        }
    }
}

/// Checks a strategy on a stream, before anything is recorded: hyper-parameters, whether its parts go
/// together, what it needs against what the stream shows. A detector in the composition stands in for
/// boundaries that are not told; `clock`, the steps after which a run consolidates, for moments to do so
/// ([`Settings::consolidate_every`](crate::Settings::consolidate_every)).
///
/// # Errors
/// The first thing that does not fit, with the names of the strategies.
pub fn check(
    strategy: &dyn Strategy,
    stream: &dyn Stream,
    clock: Option<u32>,
) -> Result<(), Error> {
    strategy.check()?;
    let parts = Parts::of(strategy);
    parts.check()?;
    let mut visible = stream.visibility();
    visible.boundaries |= parts.detector.is_some();
    let moments = visible.boundaries || clock.is_some();
    let shown = Shown { scenario: stream.scenario(), kind: stream.kind(), visible, moments };
    strategy.check_needs(&shown)?;
    if let Some((view, _)) = parts.views.first()
        && stream.stages().iter().any(|stage| stage.contexts.len() > 1)
    {
        let (strategy, needed) = (view.clone(), "batches of one context each");
        let shown = "a stream of several contexts at once does not have them".to_owned();
        return Err(Error::NotShown { strategy, needed, shown });
    }
    Ok(())
}

/// No method: plain training, the lower baseline.
///
/// L = CE over rows of the context under way; θ and the optimiser go on from context to context. Source: common
/// usage ("fine-tuning"). Nothing is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Naive;

impl Strategy for Naive {
    fn name(&self) -> String {
        "none".to_owned()
    }
    fn parts<'s>(&'s self, _: &mut Parts<'s>) {}
}

fn joined(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join("+")
}

impl Strategy for Vec<Box<dyn Strategy>> {
    fn name(&self) -> String {
        joined(self.iter().map(|strategy| strategy.name()))
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.iter().for_each(|strategy| parts.strategy(&**strategy));
    }
    fn needs(&self) -> Needs {
        self.iter().fold(Needs::default(), |needs, strategy| needs.and(strategy.needs()))
    }
    fn describe(&self) -> Vec<(String, String)> {
        self.iter().flat_map(|strategy| strategy.describe()).collect()
    }
    fn check(&self) -> Result<(), Error> {
        self.iter().try_for_each(|strategy| strategy.check())
    }
    // Asked of each, so that the message names the one that fails.
    fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
        self.iter().try_for_each(|strategy| strategy.check_needs(shown))
    }
}

/// Tuples compose. The one macro of the workspace that writes impls for several arities.
macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: Strategy),+> Strategy for ($($name,)+) {
            fn name(&self) -> String {
                joined([$(self.$index.name()),+].into_iter())
            }
            fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
                $(parts.strategy(&self.$index);)+
            }
            fn needs(&self) -> Needs {
                Needs::default()$(.and(self.$index.needs()))+
            }
            fn describe(&self) -> Vec<(String, String)> {
                [$(self.$index.describe()),+].concat()
            }
            fn check(&self) -> Result<(), Error> {
                $(self.$index.check()?;)+
                Ok(())
            }
            fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
                $(self.$index.check_needs(shown)?;)+
                Ok(())
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
