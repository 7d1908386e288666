//! The networks that make gates.

use cl_nn::{Network, ParamSpec, dense_params};
use cl_random::Purpose;
use cl_tensor::Var;

/// An MLP inputs-hidden-units for every hidden layer of the gated network: ReLU and dropout between,
/// a sigmoid at its end.
#[derive(Clone, Copy)]
pub(super) struct GateNetwork<'a> {
    pub hidden: &'a [usize],
}

/// The dropout of one forward pass.
#[derive(Clone, Copy)]
pub(super) struct Dropout<'g> {
    purpose: Purpose,
    address: Var<'g>,
    /// Probability that a unit stays.
    keep: f32,
}

impl<'g> Dropout<'g> {
    /// A unit is dropped with probability `p`; draws of another `name` are others.
    pub(super) fn new(name: &str, address: Var<'g>, p: f32) -> Self {
        Self { purpose: Purpose::named(name), address, keep: 1.0 - p }
    }

    fn apply(self, h: Var<'g>, ordinal: usize) -> Var<'g> {
        let graph = h.graph();
        let (keep, shape) = (graph.constant(self.keep), h.shape());
        h * graph.bernoulli(self.address, self.purpose, ordinal as u32, keep, &shape)
            * (1.0 / self.keep)
    }
}

impl GateNetwork<'_> {
    /// The parameters of all gate networks.
    pub(super) fn params(self, network: &dyn Network) -> Vec<ParamSpec> {
        let mut params = Vec::new();
        for (layer, units) in network.hidden().into_iter().enumerate() {
            let sizes: Vec<usize> = [&[network.inputs()], self.hidden, &[units]].concat();
            for (depth, sizes) in sizes.windows(2).enumerate() {
                params.extend(dense_params(&name(layer, depth), sizes[0], sizes[1]));
            }
        }
        params
    }

    /// The gates of one hidden layer for rows `x`, `[rows, inputs] -> [rows, units]`, in (0, 1).
    pub(super) fn gate<'g>(
        self,
        layer: usize,
        x: Var<'g>,
        parameter: &dyn Fn(&str) -> Var<'g>,
        dropout: Option<Dropout<'g>>,
    ) -> Var<'g> {
        let dense = |depth: usize, h: Var<'g>| {
            let name = name(layer, depth);
            h.matmul(parameter(&format!("w{name}"))) + parameter(&format!("b{name}"))
        };
        let depths = self.hidden.len();
        let last = (0..depths).fold(x, |h, depth| {
            let h = dense(depth, h).relu();
            dropout.map_or(h, |dropout| dropout.apply(h, layer * depths + depth))
        });
        dense(depths, last).sigmoid()
    }

    /// The bias of a gate network's output, as long as the hidden layer that it gates.
    pub(super) fn last_bias(self, layer: usize) -> String {
        format!("b{}", name(layer, self.hidden.len()))
    }
}

/// The name of a layer of a gate network, both counted from 1.
fn name(layer: usize, depth: usize) -> String {
    format!("{}-{}", layer + 1, depth + 1)
}
