//! The nearest class mean.

use crate::exemplar_means::ExemplarMeans;
use crate::features::Features;
use crate::running::{self, ByClass, MEANS, of_known, outputs, update_counts, update_means};
use cl_core::{
    At, Boundary, Consolidate, GradientMap, Needs, Parts, Pass, Readout, Step, Strategy,
};
use cl_tensor::{Init, Scope, Var};

/// Lengths of features and of means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lengths {
    /// As they are: the squared Euclidean distance.
    #[default]
    AsTheyAre,
    /// Features and means have length 1 when they are compared: Avalanche's.
    Compared,
    /// Each feature has length 1 before it enters the mean, and the mean again: iCaRL's.
    Averaged,
}

impl Lengths {
    /// Features as they enter a mean.
    pub(crate) fn averaged(self, x: Var<'_>) -> Var<'_> {
        match self {
            Self::AsTheyAre | Self::Compared => x,
            Self::Averaged => x.unit_rows(),
        }
    }

    /// −‖f(x) − μ_c‖², `[rows, classes]`.
    pub(crate) fn scores<'g>(self, x: Var<'g>, means: Var<'g>) -> Var<'g> {
        match self {
            Self::AsTheyAre => -x.square_distances(means),
            Self::Compared | Self::Averaged => -x.unit_rows().square_distances(means.unit_rows()),
        }
    }
}

/// Of which rows the means are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Means {
    /// Of all rows of the stream: a running mean per class. No example is kept.
    #[default]
    Stream,
    /// Of the exemplars in all memories of the composition, by the network as it is before every
    /// evaluation: `er+ncm`. Where no strategy keeps exemplars, no class has a score.
    Exemplars,
}

/// The nearest class mean: argmin_c ‖f(x) − μ_c‖.
///
/// μ_c is the mean of the features of class c (Mensink, Verbeek, Perronnin & Csurka 2013,
/// "Distance-based image classification: generalizing to new classes at near-zero cost", IEEE TPAMI 35,
/// eq. 1). It is the read-out; training is what the rest of the composition makes of it. A class of
/// which no row was seen scores −1e30.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `features` | `FirstContext` | | of which network; structure |
/// | `lengths` | `AsTheyAre` | | whether features and means have length 1; structure |
/// | `means` | `Stream` | | of which rows; structure |
///
/// Rows are seen once, when their context ends (every so many steps where no boundaries are told).
/// A class that returns goes on with its mean. [`Ncm::avalanche`] compares at length 1; with
/// [`Lengths::Averaged`] it is the read-out of iCaRL. Neutral setting: none, it classifies by means.
///
/// Slots: kept `means`, `[classes, width]`, and `counts`, `[classes]`; with `Means::Exemplars` nothing
/// of these, but the flag `begun` where features are those of the first context. Nothing grows with the
/// number of contexts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ncm {
    /// Of which network.
    pub features: Features,
    /// Whether features and means have length 1.
    pub lengths: Lengths,
    /// Of which rows the means are.
    pub means: Means,
}

impl Ncm {
    /// Avalanche's: features and means have length 1 when they are compared.
    #[must_use]
    pub fn avalanche() -> Self {
        Self { lengths: Lengths::Compared, ..Self::default() }
    }

    /// On the examples themselves: what a network has to beat.
    #[must_use]
    pub fn pixels() -> Self {
        Self { features: Features::Pixels, ..Self::default() }
    }

    fn of_exemplars(self) -> ExemplarMeans {
        ExemplarMeans { features: self.features, lengths: self.lengths, memory: None }
    }
}

impl GradientMap for Ncm {
    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        self.features.delta(delta, || match self.means {
            Means::Stream => running::seen(step),
            Means::Exemplars => begun(&step.scope),
        })
    }
}

impl Consolidate for Ncm {
    fn at(&self) -> At {
        match self.means {
            Means::Stream => At::ContextEnd,
            Means::Exemplars => self.of_exemplars().at(),
        }
    }

    fn passes(&self) -> Vec<Pass> {
        match self.means {
            Means::Stream => vec![Pass::default()],
            Means::Exemplars => self.of_exemplars().passes(),
        }
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        if self.means == Means::Exemplars {
            return self.of_exemplars().observe(step, pass);
        }
        let rows = ByClass::of(step);
        update_means(step, MEANS, self.lengths.averaged(self.features.of(step)), &rows);
        update_counts(step, &rows);
    }

    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        match self.means {
            Means::Stream => theta,
            Means::Exemplars => self.of_exemplars().consolidate(at, theta),
        }
    }
}

/// Remembers that a boundary has passed, where no counts tell.
struct Begun;

fn begun<'g>(scope: &Scope<'g>) -> Var<'g> {
    scope.kept("begun", &[], Init::Zeros)
}

impl Consolidate for Begun {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        begun(&at.scope);
        at.scope.assign("begun", theta.graph().constant(1.0));
        theta
    }
}

impl Readout for Ncm {
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        if self.means == Means::Exemplars {
            return self.of_exemplars().scores(step);
        }
        let x = self.features.of(step);
        let classes = outputs(step);
        let means = step.scope.kept(MEANS, &[classes, x.shape()[1]], Init::Zeros);
        of_known(running::counts(&step.scope, classes), self.lengths.scores(x, means))
    }
}

impl Strategy for Ncm {
    fn name(&self) -> String {
        "ncm".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        if self.features.freezes() {
            parts.gradient_map(self);
        }
        parts.consolidate(self).readout(self);
        if self.means == Means::Exemplars && self.features == Features::FirstContext {
            parts.consolidate(&Begun);
        }
    }

    fn needs(&self) -> Needs {
        let moments = self.means == Means::Stream || self.features == Features::FirstContext;
        Needs { moments, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let lengths = match self.lengths {
            Lengths::AsTheyAre => "as they are",
            Lengths::Compared => "1 when compared (Avalanche)",
            Lengths::Averaged => "1 before averaging, and the mean again (iCaRL)",
        };
        let means = match self.means {
            Means::Stream => "all rows of the stream, once, when their context ends",
            Means::Exemplars => "exemplars, anew before every evaluation",
        };
        vec![
            ("ncm.features".to_owned(), self.features.to_string()),
            ("ncm.lengths".to_owned(), lengths.to_owned()),
            ("ncm.means".to_owned(), means.to_owned()),
        ]
    }
}
