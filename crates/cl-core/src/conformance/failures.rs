//! What does not hold.

use cl_scenarios::Scenario;
use std::fmt;

/// A property that every strategy has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Property {
    /// It can be run at all.
    Runs,
    /// Several members give the bits of single runs, on any number of threads, from one plan.
    Population,
    /// A run that was saved and taken up again gives the bits of an uninterrupted one.
    Resume,
    /// At its neutral setting it is plain training, bit for bit.
    Neutral,
    /// As it is, it differs from plain training after the second context.
    Effect,
    /// The gradient of losses and penalties is that of finite differences.
    Gradient,
    /// In a composition its place does not matter.
    Order,
    /// It keeps as many bytes between contexts as was worked out by hand, and nothing undeclared.
    BytesKept,
    /// Its slots stand under its own name.
    Scopes,
    /// Hyper-parameters out of range are refused.
    Refusals,
    /// Its name and the names of its hyper-parameters.
    Names,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Runs => "runs",
            Self::Population => "population",
            Self::Resume => "resume",
            Self::Neutral => "neutral",
            Self::Effect => "effect",
            Self::Gradient => "gradient",
            Self::Order => "order",
            Self::BytesKept => "bytes kept",
            Self::Scopes => "scopes",
            Self::Refusals => "refusals",
            Self::Names => "names",
        })
    }
}

/// One property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The property.
    pub property: Property,
    /// In which stream; `None` where no stream plays a part.
    pub scenario: Option<Scenario>,
    /// What was seen and what was expected.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scenario {
            None => write!(f, "{}: {}", self.property, self.message),
            Some(scenario) => {
                write!(f, "{} ({scenario}-incremental): {}", self.property, self.message)
            }
        }
    }
}

/// Every property of a strategy that does not hold, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// What was checked.
    pub subject: String,
    /// At least one.
    pub all: Vec<Failure>,
}

impl Failures {
    /// The properties that do not hold, each once, in order.
    #[must_use]
    pub fn properties(&self) -> Vec<Property> {
        let mut properties: Vec<_> = self.all.iter().map(|failure| failure.property).collect();
        properties.sort_unstable();
        properties.dedup();
        properties
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.all.len();
        write!(f, "{}: {count} failure{}", self.subject, if count == 1 { "" } else { "s" })?;
        self.all.iter().try_for_each(|failure| write!(f, "\n  {failure}"))
    }
}

impl std::error::Error for Failures {}

/// Why a check failed.
pub(super) struct Fault(pub String);

// `?` in checks: whatever an error says is what the line says.
impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
