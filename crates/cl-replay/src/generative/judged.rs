//! Which classes a generator still makes.

use super::album::{EVALUATIONS, SAMPLED, SAMPLES};
use cl_core::{At, Boundary, Consolidate, Error, Needs, Now, Parts, Shown, SlotStore, Strategy};
use cl_tensor::{Init, Var};
use std::sync::Arc;

/// The slot, `[contexts, classes]`, in which [`Judged`] leaves the share of each class among
/// [`SAMPLED`] images that the generator made after each context; not a number where none was judged.
pub const SHARES: &str = "shares";

/// Says which class an image is of: a classifier that was trained on real data.
///
/// ```
/// use cl_core::Error;
/// use cl_replay::generative::Judge;
///
/// // Bright images are of class 1.
/// struct Brightness;
///
/// impl Judge for Brightness {
///     fn classes(&self) -> usize {
///         2
///     }
///     fn classify(
///         &self,
///         _: u64,
///         images: &[f32],
///         pixels: usize,
///     ) -> Result<Option<Vec<usize>>, Error> {
///         let mean = |image: &[f32]| image.iter().sum::<f32>() / pixels as f32;
///         Ok(Some(images.chunks(pixels).map(|image| usize::from(mean(image) > 0.5)).collect()))
///     }
/// }
///
/// let images = [0.9, 0.8, 0.1, 0.0];
/// assert_eq!(Brightness.classify(2, &images, 2)?, Some(vec![1, 0]));
/// # Ok::<(), Error>(())
/// ```
pub trait Judge: Send + Sync {
    /// Number of classes.
    fn classes(&self) -> usize;

    /// The class of each image for the member of this seed; `images` holds `pixels` values per image.
    /// `None` where it cannot judge.
    ///
    /// # Errors
    /// What it needs and does not have.
    fn classify(
        &self,
        seed: u64,
        images: &[f32],
        pixels: usize,
    ) -> Result<Option<Vec<usize>>, Error>;
}

/// A generative strategy whose generator is judged before every evaluation: share of class c = images
/// of class c / [`SAMPLED`], as modes of a generator are counted by a classifier of real images (Metz et al.
/// 2017, arXiv 1611.02163, on stacked digits). An image that is no number belongs to no class.
///
/// It trains as the strategy itself does, bit for bit: samples are made with noise of their own, and the
/// host counts them outside of all programs. Slots besides: [`SHARES`].
pub struct Judged {
    strategy: Box<dyn Strategy>,
    judge: Arc<dyn Judge>,
}

impl Judged {
    /// A strategy that leaves [`SAMPLES`], and who judges them.
    #[must_use]
    pub fn new(strategy: Box<dyn Strategy>, judge: Arc<dyn Judge>) -> Self {
        Self { strategy, judge }
    }
}

impl Strategy for Judged {
    fn name(&self) -> String {
        self.strategy.name()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.strategy.parts(parts);
        parts.consolidate(self);
    }

    fn needs(&self) -> Needs {
        self.strategy.needs()
    }

    fn describe(&self) -> Vec<(String, String)> {
        self.strategy.describe()
    }

    fn check(&self) -> Result<(), Error> {
        self.strategy.check()
    }

    fn check_needs(&self, shown: &Shown) -> Result<(), Error> {
        self.strategy.check_needs(shown)
    }
}

impl Consolidate for Judged {
    fn at(&self) -> At {
        At::Evaluation
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let shape = [at.around.contexts, self.judge.classes()];
        let shares = at.scope.slot(SHARES, &shape, Init::Constant(f32::NAN));
        // The host writes it: a slot that no program mentions is none.
        at.scope.assign(SHARES, shares);
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        // The first evaluation is before all training.
        let evaluations = slots.read(EVALUATIONS)?.first().map_or(0, |&count| count as usize);
        let Some(context) = evaluations.checked_sub(2) else { return Ok(()) };
        let samples = slots.read(SAMPLES)?;
        let pixels = (samples.len() / SAMPLED).max(1);
        let whole = samples.chunks_exact(pixels).filter(|it| it.iter().all(|x| x.is_finite()));
        let whole: Vec<f32> = whole.flatten().copied().collect();
        let Some(found) = self.judge.classify(now.seed, &whole, pixels)? else { return Ok(()) };
        let mut all = slots.read(SHARES)?;
        let classes = self.judge.classes();
        if let Some(shares) = all.chunks_exact_mut(classes.max(1)).nth(context) {
            let count = |class| found.iter().filter(|found| **found == class).count();
            for (class, share) in shares.iter_mut().enumerate() {
                *share = count(class) as f32 / SAMPLED as f32;
            }
        }
        slots.write(SHARES, &all)
    }
}
