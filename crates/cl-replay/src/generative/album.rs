//! Images that show what a generator has learned.

use cl_core::Boundary;
use cl_random::Purpose;
use cl_tensor::{Init, Var};

/// The slot, `[contexts, SHOWN, pixels]`, in which a generative strategy leaves images that its
/// generator made after each context: at every evaluation, from noise of an address of its own, the same
/// for all members and contexts. So showing them changes no run.
pub const ALBUM: &str = "album";

/// Images per context.
pub const SHOWN: usize = 10;

/// The slot, `[SAMPLED, pixels]`, in which a generative strategy leaves what its generator made before
/// the last evaluation, for [`Judged`](super::Judged) to count classes in. Noise as that of the album.
pub const SAMPLES: &str = "samples";

/// Images that are counted.
pub const SAMPLED: usize = 1000;

/// Evaluations so far, the one before all training included.
pub(super) const EVALUATIONS: &str = "evaluations";

/// An address of random numbers, the same in every run.
pub(super) fn address<'g>(at: &Boundary<'_, 'g>) -> Var<'g> {
    at.scope.slot_u32("album_address", &[4], Init::Indices([0; 4].as_slice().into()))
}

/// Standard normal numbers, `[SHOWN, latent]`, the same in every run.
pub(super) fn noise<'g>(at: &Boundary<'_, 'g>, latent: usize) -> Var<'g> {
    at.scope.graph().normal(address(at), Purpose::named(ALBUM), 0, &[SHOWN, latent])
}

/// The same for samples, `[SAMPLED, latent]`.
pub(super) fn sample_noise<'g>(at: &Boundary<'_, 'g>, latent: usize) -> Var<'g> {
    at.scope.graph().normal(address(at), Purpose::named(SAMPLES), 0, &[SAMPLED, latent])
}

/// Adds images `[SHOWN, pixels]` of the evaluation that comes: the first is before all training and
/// shows nothing.
pub(super) fn add<'g>(at: &Boundary<'_, 'g>, images: Var<'g>) {
    let (graph, contexts, pixels) = (at.scope.graph(), at.around.contexts, images.shape()[1]);
    let album = at.scope.slot(ALBUM, &[contexts, SHOWN, pixels], Init::Zeros);
    let evaluations = at.scope.slot(EVALUATIONS, &[], Init::Zeros);
    at.scope.assign(EVALUATIONS, evaluations + 1.0);
    let here =
        (graph.iota(contexts).to_float() + 1.0).equal(evaluations).reshape(&[contexts, 1, 1]);
    let images = images.reshape(&[1, SHOWN, pixels]).expand(&[contexts, SHOWN, pixels]);
    at.scope.assign(ALBUM, here.expand(&[contexts, SHOWN, pixels]).select(images, album));
}

/// Leaves images `[SAMPLED, pixels]` of the evaluation that comes.
pub(super) fn sample<'g>(at: &Boundary<'_, 'g>, images: Var<'g>) {
    let _ = at.scope.slot(SAMPLES, &images.shape(), Init::Zeros);
    at.scope.assign(SAMPLES, images);
}
