//! Initial values of parameters.

use crate::orthogonal::orthogonal;
use cl_random::Rng;
use ndarray::{Array1, ArrayViewMut1};
use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::{StandardNormal, StandardUniform};
use serde::{Deserialize, Serialize};

/// How a parameter starts. `fan_in` and `fan_out` are the axes of a weight of shape `[in, out]`;
/// U(−a, a) is uniform over `[-a, a)`, N(0, s²) is normal with standard deviation s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Initializer {
    /// U(−a, a), a = 1 / √fan_in: PyTorch's default for the weight of a linear layer
    /// (LeCun et al. 1998, Efficient BackProp, section 4.6, with PyTorch's constant).
    FanIn,
    /// U(−a, a), a = 1 / √fan_in with the fan-in of the layer that a bias belongs to: PyTorch's
    /// default for the bias of a linear layer.
    FanInOf(usize),
    /// U(−a, a), a = √(6 / (fan_in + fan_out)); Glorot & Bengio 2010, eq. 16.
    XavierUniform,
    /// N(0, s²), s = √(2 / (fan_in + fan_out)); Glorot & Bengio 2010, eq. 12.
    XavierNormal,
    /// U(−a, a), a = √(6 / fan_in): the variance of `KaimingNormal`; He et al. 2015, eq. 10.
    KaimingUniform,
    /// N(0, s²), s = √(2 / fan_in), for layers followed by a ReLU; He et al. 2015, eq. 10.
    KaimingNormal,
    /// N(0, deviation²), whatever the shape.
    Normal {
        /// The standard deviation.
        deviation: f32,
    },
    /// gain · Q with orthonormal columns (rows, if there are fewer), uniform over all such Q;
    /// Saxe, McClelland & Ganguli 2014, section 3.
    Orthogonal {
        /// The factor: every singular value of the weight.
        gain: f32,
    },
    /// One value everywhere.
    Constant(f32),
}

impl Initializer {
    /// Whether the shape has what the formula reads.
    pub(crate) fn fits(self, shape: &[usize]) -> bool {
        match self {
            Self::FanInOf(fan_in) => fan_in > 0,
            Self::Constant(_) | Self::Normal { .. } => true,
            _ => shape.len() == 2,
        }
    }

    /// Draws the values of a parameter of this shape, row-major.
    pub(crate) fn fill(self, shape: &[usize], mut rng: Rng, values: &mut [f32]) {
        let (fan_in, fan_out) = match *shape {
            [fan_in, fan_out] => (fan_in as f64, fan_out as f64),
            _ => (1.0, 1.0), // not read: `fits` holds for every parameter of a layout
        };
        match self {
            Self::FanIn => uniform(fan_in.recip().sqrt(), &mut rng, values),
            Self::FanInOf(fan_in) => uniform((fan_in as f64).recip().sqrt(), &mut rng, values),
            Self::XavierUniform => uniform((6.0 / (fan_in + fan_out)).sqrt(), &mut rng, values),
            Self::XavierNormal => normal((2.0 / (fan_in + fan_out)).sqrt(), &mut rng, values),
            Self::KaimingUniform => uniform((6.0 / fan_in).sqrt(), &mut rng, values),
            Self::KaimingNormal => normal((2.0 / fan_in).sqrt(), &mut rng, values),
            Self::Normal { deviation } => normal(f64::from(deviation), &mut rng, values),
            Self::Orthogonal { gain } => {
                let q = orthogonal(shape[0], shape[1], &mut rng);
                for (value, q) in values.iter_mut().zip(&q) {
                    *value = (f64::from(gain) * q) as f32;
                }
            }
            Self::Constant(value) => values.fill(value),
        }
    }
}

fn uniform(bound: f64, rng: &mut Rng, values: &mut [f32]) {
    let unit: Array1<f32> = Array1::random_using(values.len(), StandardUniform, rng);
    ArrayViewMut1::from(values).assign(&unit.mapv(|u| (2.0 * u - 1.0) * bound as f32));
}

fn normal(deviation: f64, rng: &mut Rng, values: &mut [f32]) {
    let unit: Array1<f32> = Array1::random_using(values.len(), StandardNormal, rng);
    ArrayViewMut1::from(values).assign(&unit.mapv(|z| z * deviation as f32));
}
