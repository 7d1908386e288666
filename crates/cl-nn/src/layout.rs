//! Parameters as named ranges of one flat vector.

use crate::error::Error;
use crate::init::Initializer;
use cl_random::{Address, Purpose};
use cl_tensor::Init;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Ranges start at multiples of this many floats: 256 bytes, the alignment that GPU bindings ask
/// for, and whole cache lines and vector registers on every CPU.
const ALIGNMENT: usize = 64;

/// One parameter of a network: name, shape and how it starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParamSpec {
    /// Its name, unique in the network.
    pub name: String,
    /// Its shape; weights are `[in, out]`.
    pub shape: Vec<usize>,
    /// Its initial values.
    pub init: Initializer,
}

/// Values of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamValues {
    /// The parameter's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub floats: Vec<f32>,
}

impl ParamValues {
    /// Whether there are as many as the shape has, numbers all of them.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Self { name, shape, floats } = self;
        if shape.iter().product::<usize>() != floats.len() {
            let (name, shape) = (name.clone(), shape.clone());
            return Err(Error::ValuesCount { name, shape, found: floats.len() });
        }
        match floats.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(at) => Err(Error::NotFinite { name: name.clone(), at, value: floats[at] }),
        }
    }
}

/// Where a parameter lies in theta.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamRange {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// First float.
    pub offset: usize,
    /// Number of floats.
    pub len: usize,
}

impl ParamRange {
    /// The floats it occupies.
    #[must_use]
    pub fn floats(&self) -> Range<usize> {
        self.offset..self.offset + self.len
    }
}

/// The flat vector theta: every parameter is a named range of it, in the order of declaration.
///
/// Ranges start at multiples of 64 floats. The floats between them are padding: they start at zero,
/// no formula reads them, so no gradient and no optimiser moves them, and they are not counted as
/// parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    ranges: Vec<ParamRange>,
    inits: Vec<Initializer>,
    /// Values that parameters start with in place of drawn ones.
    start: Arc<[ParamValues]>,
    len: usize,
}

impl Layout {
    /// Lays parameters out in this order.
    ///
    /// # Errors
    /// No parameters, a name used twice, an empty axis, an initialiser that does not fit the shape.
    pub fn new(specs: &[ParamSpec]) -> Result<Self, Error> {
        if specs.is_empty() {
            return Err(Error::NoParameters);
        }
        let mut names = BTreeSet::new();
        let mut ranges = Vec::with_capacity(specs.len());
        let mut end = 0_usize;
        for ParamSpec { name, shape, init } in specs {
            let (name, shape) = (name.clone(), shape.clone());
            if !names.insert(name.clone()) {
                return Err(Error::Duplicate { name });
            }
            let len: usize = shape.iter().product();
            if len == 0 {
                return Err(Error::EmptyShape { name, shape });
            }
            if !init.fits(&shape) {
                return Err(Error::NotAMatrix { name, shape, init: *init });
            }
            let offset = end;
            end = (offset + len).next_multiple_of(ALIGNMENT);
            ranges.push(ParamRange { name, shape, offset, len });
        }
        let inits = specs.iter().map(|spec| spec.init).collect();
        Ok(Self { ranges, inits, start: Arc::new([]), len: end })
    }

    /// The same with parameters that start with these values, whatever the seed; the others are drawn.
    ///
    /// # Errors
    /// Values of no parameter or of another shape than it has; values that are no numbers.
    pub fn starting(self, values: &[ParamValues]) -> Result<Self, Error> {
        for value in values {
            value.check()?;
            let name = value.name.clone();
            let Some(range) = self.range(&name) else {
                return Err(Error::UnknownValues { name, known: self.names() });
            };
            if range.shape != value.shape {
                let (found, expected) = (value.shape.clone(), range.shape.clone());
                return Err(Error::ValuesShape { name, found, expected });
            }
        }
        Ok(Self { start: values.into(), ..self })
    }

    /// Floats of theta, padding included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a layout has at least one parameter")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Number of parameters (scalars), padding excluded.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.ranges.iter().map(|range| range.len).sum()
    }

    /// All ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[ParamRange] {
        &self.ranges
    }

    /// The range of a parameter.
    #[must_use]
    pub fn range(&self, name: &str) -> Option<&ParamRange> {
        self.ranges.iter().find(|range| range.name == name)
    }

    /// The names of all parameters, for messages.
    pub(crate) fn names(&self) -> String {
        self.ranges.iter().map(|range| range.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Initial values of theta from a member's seed, but for those that were given.
    ///
    /// Each parameter draws from an address of its own, told apart by its name: adding a parameter
    /// leaves the others' values as they were.
    #[must_use]
    pub fn init(&self) -> Init {
        let layout = self.clone();
        Init::seeded(move |seed, theta| {
            theta.fill(0.0);
            for (range, init) in layout.ranges.iter().zip(&layout.inits) {
                if let Some(given) = layout.start.iter().find(|it| it.name == range.name) {
                    theta[range.floats()].copy_from_slice(&given.floats);
                    continue;
                }
                let ordinal = Purpose::named(&range.name).bits();
                let rng = Address::new(seed, Purpose::INIT).ordinal(ordinal).rng();
                init.fill(&range.shape, rng, &mut theta[range.floats()]);
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;

    fn spec(name: &str, shape: &[usize], init: Initializer) -> ParamSpec {
        ParamSpec { name: name.to_owned(), shape: shape.to_vec(), init }
    }

    #[test]
    fn ranges_start_at_multiples_of_64_and_padding_is_not_counted() {
        let one = Initializer::Constant(1.0);
        let layout = Layout::new(&[
            spec("w1", &[10, 7], one),
            spec("b1", &[7], one),
            spec("scale", &[], one),
            spec("w2", &[8, 8], one),
        ])
        .unwrap();
        let offsets: Vec<usize> = layout.ranges().iter().map(|range| range.offset).collect();
        assert_eq!(offsets, [0, 128, 192, 256]); // 70 -> 128, 7 -> 64, 1 -> 64, 64 -> 64
        assert_eq!((layout.len(), layout.parameters()), (320, 142));
        assert_eq!(layout.range("w2").unwrap().floats(), 256..320);
        assert!(layout.range("w3").is_none());
    }

    #[test]
    fn impossible_layouts_name_the_parameter_and_what_was_expected() {
        let one = Initializer::Constant(1.0);
        let message = |specs: &[ParamSpec]| Layout::new(specs).unwrap_err().to_string();
        assert_eq!(message(&[]), "layout: no parameters, expected at least one");
        assert_eq!(
            message(&[spec("w", &[2, 2], one), spec("w", &[3], one)]),
            "layout: parameter `w` is declared twice"
        );
        assert_eq!(
            message(&[spec("w", &[2, 0], one)]),
            "layout: parameter `w` has shape [2, 0], expected positive extents"
        );
        assert_eq!(
            message(&[spec("b", &[2], Initializer::FanIn)]),
            "layout: parameter `b` has shape [2], but FanIn reads fan-in and fan-out from a shape [in, out]"
        );
    }
}
