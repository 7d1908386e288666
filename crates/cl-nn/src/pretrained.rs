//! A network that starts where another one ended.

use crate::error::Error;
use crate::layout::{ParamSpec, ParamValues};
use crate::network::{Forward, ForwardContext, Network};
use crate::theta::Theta;
use cl_tensor::Var;
use std::ops::Range;

/// A network whose parameters start with given values, the same for every seed, in place of drawn ones.
///
/// Every parameter must be given in its own shape, but for those that grow with the number of outputs:
/// where they are missing or of another shape, as for a network trained on other classes, they are
/// drawn as usual. With another number of outputs ([`Network::with_outputs`]) all of them are drawn.
///
/// ```
/// use cl_nn::{Mlp, Network, ParamValues, Pretrained};
///
/// let values = |name: &str, shape: &[usize]| ParamValues {
///     name: name.to_owned(),
///     shape: shape.to_vec(),
///     floats: vec![0.5; shape.iter().product()],
/// };
/// let hidden = vec![values("w1", &[4, 8]), values("b1", &[8])];
/// let network = Pretrained::new(Box::new(Mlp::new(&[4, 8, 3])?), hidden)?;
/// assert_eq!(network.start().len(), 2);
/// # Ok::<(), cl_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Pretrained {
    network: Box<dyn Network>,
    values: Vec<ParamValues>,
}

impl Pretrained {
    /// This network with these values.
    ///
    /// # Errors
    /// Values of a parameter that the network does not have; a parameter that is missing or of another
    /// shape and has nothing to do with the number of outputs; no value left to start with; values that
    /// are no numbers or not as many as their shape has.
    pub fn new(network: Box<dyn Network>, values: Vec<ParamValues>) -> Result<Self, Error> {
        let params = network.params();
        let wider = network.with_outputs(network.outputs() + 1).map(|wider| wider.params());
        let is_output = |spec: &ParamSpec| {
            let same = |other: &ParamSpec| other.name == spec.name && other.shape == spec.shape;
            wider.as_ref().is_some_and(|wider| !wider.iter().any(same))
        };
        for value in &values {
            if !params.iter().any(|spec| spec.name == value.name) {
                let known: Vec<&str> = params.iter().map(|spec| spec.name.as_str()).collect();
                let (name, known) = (value.name.clone(), known.join(", "));
                return Err(Error::UnknownValues { name, known });
            }
            value.check()?;
        }
        for spec in &params {
            let (name, expected) = (spec.name.clone(), spec.shape.clone());
            match values.iter().find(|value| value.name == name) {
                None if is_output(spec) => {}
                None => return Err(Error::NoValues { name, expected }),
                Some(value) if value.shape == expected => {}
                Some(value) if is_output(spec) && only_outputs_differ(&value.shape, &expected) => {}
                Some(ParamValues { shape, .. }) => {
                    return Err(Error::ValuesShape { name, found: shape.clone(), expected });
                }
            }
        }
        let values = fitting(values, &params);
        match params.first() {
            Some(ParamSpec { name, shape, .. }) if values.is_empty() => {
                Err(Error::NoValues { name: name.clone(), expected: shape.clone() })
            }
            _ => Ok(Self { network, values }),
        }
    }
}

/// Whether shapes differ in their last axis alone: in the number of outputs.
fn only_outputs_differ(shape: &[usize], expected: &[usize]) -> bool {
    let but_last = |shape: &[usize]| shape.split_last().map(|(_, rest)| rest.to_vec());
    but_last(shape) == but_last(expected)
}

/// The values of parameters of their shape.
fn fitting(mut values: Vec<ParamValues>, params: &[ParamSpec]) -> Vec<ParamValues> {
    let fits = |value: &ParamValues, spec: &ParamSpec| {
        spec.name == value.name && spec.shape == value.shape
    };
    values.retain(|value| params.iter().any(|spec| fits(value, spec)));
    values
}

impl Network for Pretrained {
    fn params(&self) -> Vec<ParamSpec> {
        self.network.params()
    }

    fn start(&self) -> &[ParamValues] {
        &self.values
    }

    fn forward<'g>(
        &self,
        theta: Theta<'_, 'g>,
        x: Var<'g>,
        cx: &ForwardContext<'_, 'g>,
    ) -> Forward<'g> {
        self.network.forward(theta, x, cx)
    }

    fn inputs(&self) -> usize {
        self.network.inputs()
    }

    fn outputs(&self) -> usize {
        self.network.outputs()
    }

    fn outputs_of(&self, context: usize) -> Range<usize> {
        self.network.outputs_of(context)
    }

    fn hidden(&self) -> Vec<usize> {
        self.network.hidden()
    }

    fn with_outputs(&self, outputs: usize) -> Option<Box<dyn Network>> {
        let network = self.network.with_outputs(outputs)?;
        let values = fitting(self.values.clone(), &network.params());
        Some(Box::new(Self { network, values }))
    }

    /// The network within: where it starts changes nothing in what it records.
    fn describe(&self) -> String {
        self.network.describe()
    }
}
