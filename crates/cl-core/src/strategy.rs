//! The name under which parts travel together.

use crate::error::Error;
use crate::parts::Parts;
use cl_scenarios::{Stream, Visibility};

/// What a method needs to be told; checked against the stream before training starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// When a context ends.
    pub boundaries: bool,
    /// The context of a training example.
    pub task_id_in_training: bool,
    /// The context of a test example.
    pub task_id_at_test: bool,
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self {
            boundaries: self.boundaries || other.boundaries,
            task_id_in_training: self.task_id_in_training || other.task_id_in_training,
            task_id_at_test: self.task_id_at_test || other.task_id_at_test,
        }
    }

    fn missing(self, shown: Visibility) -> Option<&'static str> {
        [
            (self.boundaries && !shown.boundaries, "to be told when a context ends"),
            (
                self.task_id_in_training && !shown.task_id_in_training,
                "the context of each training example",
            ),
            (self.task_id_at_test && !shown.task_id_at_test, "the context of each test example"),
        ]
        .into_iter()
        .find_map(|(missing, what)| missing.then_some(what))
    }
}

/// A method of the literature: a few parts and what they need.
///
/// Tuples of strategies are strategies; so is a `Vec` of boxed ones.
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

    /// Checks hyper-parameters and needs against a stream.
    ///
    /// # Errors
    /// What is out of range; what the stream does not show.
    fn check_on(&self, stream: &dyn Stream) -> Result<(), Error> {
        self.check()?;
        match self.needs().missing(stream.visibility()) {
            None => Ok(()),
            Some(needed) => Err(Error::NotShown {
                strategy: self.name(),
                needed,
                shown: format!("a {}-incremental stream does not show it", stream.scenario()),
            }),
        }
    }
}

/// No method: plain training, the lower baseline.
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
    fn check_on(&self, stream: &dyn Stream) -> Result<(), Error> {
        self.iter().try_for_each(|strategy| strategy.check_on(stream))
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
            fn check_on(&self, stream: &dyn Stream) -> Result<(), Error> {
                $(self.$index.check_on(stream)?;)+
                Ok(())
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
