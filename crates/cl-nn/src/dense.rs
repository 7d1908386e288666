//! The dense layer, of which networks and modules are built.

use crate::init::Initializer;
use crate::layout::ParamSpec;
use crate::theta::Theta;
use cl_tensor::Var;

/// The parameters of a dense layer: `w{name}`, `[inputs, outputs]`, and `b{name}`, `[outputs]`, both
/// U(−a, a) with a = 1 / √inputs, as PyTorch starts them. [`Theta::dense`] applies it.
#[must_use]
pub fn dense_params(name: &str, inputs: usize, outputs: usize) -> [ParamSpec; 2] {
    let spec = |of, shape, init| ParamSpec { name: format!("{of}{name}"), shape, init };
    [
        spec("w", vec![inputs, outputs], Initializer::FanIn),
        spec("b", vec![outputs], Initializer::FanInOf(inputs)),
    ]
}

impl<'g> Theta<'_, 'g> {
    /// x W + b with the parameters of [`dense_params`]: `[rows, inputs] -> [rows, outputs]`.
    #[track_caller]
    #[must_use]
    pub fn dense(self, name: &str, x: Var<'g>) -> Var<'g> {
        x.matmul(self.get(&format!("w{name}"))) + self.get(&format!("b{name}"))
    }
}
