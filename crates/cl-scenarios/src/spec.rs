//! What stream is wanted.

use crate::{Error, names};
use std::fmt;
use std::str::FromStr;

/// The most contexts a permuted or rotated stream may have.
pub const MAX_CONTEXTS: usize = 10_000;
/// The most zero pixels that may be added at each side of an image.
pub const MAX_PAD: usize = 64;

/// What a model has to tell at test time (van de Ven, Tuytelaars & Tolias 2022, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    /// Task-incremental: the context is given; which of its classes is it?
    Task,
    /// Domain-incremental: the context is not given and need not be told.
    Domain,
    /// Class-incremental: which of the classes of all contexts is it?
    Class,
}

/// How contexts are made from one data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Each context has its own classes, `classes / contexts` of them.
    Split,
    /// Each context, the first too, has all images under its own permutation of the pixels.
    Permuted,
    /// Context c of T has all images, turned by 180 c / T degrees.
    Rotated,
}

/// Which examples are trained on and which are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Results: train on the train and validation examples, evaluate on the test examples.
    Final,
    /// Choice of hyper-parameters: train on the train examples, evaluate on the validation examples.
    Validation,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Task, Self::Domain, Self::Class];
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Split, Self::Permuted, Self::Rotated];
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Final, Self::Validation];
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Task => "task",
            Self::Domain => "domain",
            Self::Class => "class",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Split => "split",
            Self::Permuted => "permuted",
            Self::Rotated => "rotated",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Final => "final",
            Self::Validation => "validation",
        })
    }
}

impl FromStr for Scenario {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("scenario", name, &Self::ALL)
    }
}

impl FromStr for Protocol {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("protocol", name, &Self::ALL)
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("part", name, &Self::ALL)
    }
}

/// Everything that decides which stream is cut from a data set; see [`StreamSpec::build`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamSpec {
    /// How contexts are made.
    pub protocol: Protocol,
    /// What is told at test time.
    pub scenario: Scenario,
    /// Number of contexts.
    pub contexts: usize,
    /// Decides the class order of a split and the pixels of a permuted stream.
    pub seed: u64,
    /// What is trained on and evaluated.
    pub part: Part,
    /// Zero pixels added at each side before permuting; 0 but for a permuted stream. (The permuted
    /// MNIST of van de Ven et al. 2022 pads by 2 to 32x32.)
    pub pad: usize,
}

/// Which outputs compete in a class-incremental stream. (In the other scenarios nothing is to choose:
/// the context's own units, or all.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActiveClasses {
    /// All classes from the first context on; unseen ones are negatives (the default of van de Ven
    /// et al. 2022).
    All,
    /// The classes of the contexts seen so far.
    SoFar,
}

impl ActiveClasses {
    /// Both.
    pub const ALL: [Self; 2] = [Self::All, Self::SoFar];
}

impl fmt::Display for ActiveClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::All => "all",
            Self::SoFar => "so-far",
        })
    }
}

impl FromStr for ActiveClasses {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        names::find("active classes", name, &Self::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for item in Scenario::ALL {
            assert_eq!(item.to_string().parse::<Scenario>().unwrap(), item);
        }
        for item in Protocol::ALL {
            assert_eq!(item.to_string().parse::<Protocol>().unwrap(), item);
        }
        for item in Part::ALL {
            assert_eq!(item.to_string().parse::<Part>().unwrap(), item);
        }
        for item in ActiveClasses::ALL {
            assert_eq!(item.to_string().parse::<ActiveClasses>().unwrap(), item);
        }
        assert_eq!(
            "tusk".parse::<Scenario>().unwrap_err().to_string(),
            "scenario \"tusk\" is unknown: expected one of task, domain, class"
        );
    }
}
