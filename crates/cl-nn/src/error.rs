//! What can be wrong with a network or its parameters.

/// A network, layout or initialiser that cannot be built.
///
/// Misfits inside recorded formulas are reported by the graph, see [`cl_tensor::Error::Record`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layout of nothing.
    #[error("layout: no parameters, expected at least one")]
    NoParameters,
    /// Two parameters of one name.
    #[error("layout: parameter `{name}` is declared twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A parameter with an empty axis.
    #[error("layout: parameter `{name}` has shape {shape:?}, expected positive extents")]
    EmptyShape {
        /// The parameter.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// An initialiser that needs a matrix was given something else.
    #[error(
        "layout: parameter `{name}` has shape {shape:?}, but {init:?} reads fan-in and fan-out from a shape [in, out]"
    )]
    NotAMatrix {
        /// The parameter.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The initialiser.
        init: crate::Initializer,
    },
    /// Layer sizes that make no network.
    #[error("MLP: sizes {sizes:?}, expected inputs, any hidden layers and outputs, all positive")]
    Sizes {
        /// The sizes handed over.
        sizes: Vec<usize>,
    },
    /// Sizes that make no variational autoencoder.
    #[error(
        "VAE: sizes {sizes:?}, expected inputs, any hidden layers and latent values, all positive"
    )]
    VaeSizes {
        /// The sizes handed over: inputs, hidden units .., latent values.
        sizes: Vec<usize>,
    },
    /// Sizes that make no critic.
    #[error("critic: sizes {sizes:?}, expected inputs and any hidden layers, all positive")]
    CriticSizes {
        /// The sizes handed over: inputs, hidden units ..
        sizes: Vec<usize>,
    },
    /// A dropout probability outside of [0, 1).
    #[error("MLP: dropout {dropout}, expected a probability at least 0 and below 1")]
    Dropout {
        /// The probability handed over.
        dropout: f32,
    },
}
