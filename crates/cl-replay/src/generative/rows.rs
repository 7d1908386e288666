//! What a generator of deep generative replay is.

use super::{Labels, album};
use cl_core::{Boundary, Error, Parts};
use cl_nn::Theta;
use cl_tensor::Var;

/// A generator beside the network, whose rows [`Dgr`](super::Dgr) replays: a module called
/// [`RowGenerator::MODULE`] that turns noise into images, and whatever trains it.
///
/// ```
/// use cl_replay::generative::{Labels, RowGenerator, VaeGenerator};
///
/// // The strategy that a generator makes of generative replay.
/// fn named(generator: &impl RowGenerator) -> (&'static str, usize) {
///     (generator.strategy(Labels::Hard), generator.latent())
/// }
///
/// let small = VaeGenerator { hidden: vec![8], latent: 2, ..VaeGenerator::default() };
/// assert_eq!(named(&small), ("dgr", 2));
/// assert!(VaeGenerator { latent: 0, ..small }.check("dgr").is_err());
/// ```
pub trait RowGenerator: Sync {
    /// The name of the module that makes images.
    const MODULE: &'static str = "generator";

    /// The name of the strategy that replays its rows under such labels.
    fn strategy(&self, labels: Labels) -> &'static str;

    /// Hands over its modules, when they are trained, and a consolidation before evaluations that
    /// [shows](show) it.
    fn parts<'s>(&'s self, parts: &mut Parts<'s>);

    /// Latent values.
    fn latent(&self) -> usize;

    /// Images `[rows, inputs]` of standard normal `noise`, `[rows, latent]`.
    fn images<'g>(&self, generator: Theta<'_, 'g>, inputs: usize, noise: Var<'g>) -> Var<'g>;

    /// Its sizes and conventions in one line, for the record of a run.
    fn describe(&self) -> String;

    /// Checks its numbers.
    ///
    /// # Errors
    /// The first one outside its range, of this strategy.
    fn check(&self, strategy: &'static str) -> Result<(), Error>;
}

/// Leaves what a generator makes before an evaluation in the slots [`ALBUM`](super::ALBUM) and
/// [`SAMPLES`](super::SAMPLES).
pub fn show<G: RowGenerator>(generator: &G, at: &Boundary<'_, '_>) {
    let inputs = at.around.network.inputs();
    let made = |noise| generator.images(at.module(G::MODULE), inputs, noise);
    album::add(at, made(album::noise(at, generator.latent())));
    album::sample(at, made(album::sample_noise(at, generator.latent())));
}

/// Refuses a number out of range.
pub(super) fn wrong(
    strategy: &'static str,
    name: &'static str,
    value: f64,
    expected: &'static str,
) -> Result<(), Error> {
    Err(Error::HyperParameter { strategy, name, value, expected })
}

/// Units of layers, joined with dashes.
pub(super) fn sizes(hidden: &[usize]) -> String {
    hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}
