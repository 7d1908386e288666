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
    /// Initial values of a parameter that there is not.
    #[error("tensor `{name}` is no parameter of the network, expected {known}")]
    UnknownValues {
        /// What they are called.
        name: String,
        /// The parameters.
        known: String,
    },
    /// A parameter for which there are no initial values.
    #[error("no tensor `{name}`, expected one of shape {expected:?}")]
    NoValues {
        /// The parameter.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
    },
    /// Initial values of another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    ValuesShape {
        /// The parameter.
        name: String,
        /// The values' shape.
        found: Vec<usize>,
        /// The parameter's.
        expected: Vec<usize>,
    },
    /// More or fewer initial values than their shape has.
    #[error("tensor `{name}` has shape {shape:?} and {found} values")]
    ValuesCount {
        /// The parameter.
        name: String,
        /// The values' shape.
        shape: Vec<usize>,
        /// How many there are.
        found: usize,
    },
    /// An initial value that is no number.
    #[error("tensor `{name}` holds {value} at position {at}, expected finite numbers")]
    NotFinite {
        /// The parameter.
        name: String,
        /// The first of them, row-major from 0.
        at: usize,
        /// What is there.
        value: f32,
    },
}
