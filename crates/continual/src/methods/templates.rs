//! Templates: by name and number.

use super::PLAIN;
use crate::Preset;
use crate::registry::{Entry, Family, Grid, Hyper, Numbers, Place, Values};
use cl_core::{Parts, Strategy};
use cl_templates::{
    Distillation, ExemplarBudget, Features, Fecam, GenerativeClassifier, Icarl, IcarlSsl, Lengths,
    Means, Ncm, Projector, Ranpac, Selection, Slda, TaskFreeIcarl, Views,
};

pub(crate) const ICARL: Entry = Entry {
    name: "icarl",
    family: Family::Template,
    about: "exemplars by herding, distillation, and the nearest mean of exemplars",
    source: "Rebuffi et al. 2017",
    hypers: &[PER_CLASS, BUDGET, TEMPERATURE, DISTILLATION, SELECTION],
    unused: |values| match values.under.kind.is_task_free() {
        true => Some((
            &["budget", "temperature", "distillation", "selection"],
            "without boundaries it keeps a reservoir of per_class rows per class in all and has no teacher",
        )),
        false => None,
    },
    build: icarl,
    ..PLAIN
};

pub(crate) const ICARL_SSL: Entry = Entry {
    name: "icarl-ssl",
    about: "icarl on features learned without labels (Barlow Twins on augmented views)",
    source: "Rebuffi et al. 2017; Zbontar et al. 2021",
    unused: |_| None,
    hypers: &[PER_CLASS, LAMBDA, PROJECTOR, EMBEDDING, SHIFT, DEGREES, NOISE],
    build: icarl_ssl,
    ..ICARL
};

pub(crate) const NCM: Entry = Entry {
    name: "ncm",
    family: Family::Template,
    about: "the nearest class mean of a network's features",
    source: "Mensink et al. 2013",
    hypers: &[FEATURES, LENGTHS, MEANS],
    build: ncm,
    ..PLAIN
};

pub(crate) const NCM_PIXELS: Entry = Entry {
    name: "ncm-pixels",
    about: "the nearest class mean of the images themselves: no network",
    source: "Mensink et al. 2013",
    build: |_| Box::new(NcmPixels(Ncm::pixels())),
    ..PLAIN
};

pub(crate) const SLDA: Entry = Entry {
    name: "slda",
    about: "streaming linear discriminant analysis: a mean per class, one covariance",
    source: "Hayes & Kanan 2020",
    hypers: &[FEATURES, SHRINKAGE],
    build: |values| {
        Box::new(Slda { features: features(values), shrinkage: values.get(SHRINKAGE.name) as f32 })
    },
    ..NCM
};

pub(crate) const FECAM: Entry = Entry {
    name: "fecam",
    about: "a mean and a covariance per class, and the Mahalanobis distance",
    source: "Goswami et al. 2023",
    hypers: &[FEATURES, BETA, ALPHA1, ALPHA2],
    build: fecam,
    ..NCM
};

pub(crate) const RANPAC: Entry = Entry {
    name: "ranpac",
    about: "ridge regression from random projections of the features",
    source: "McDonnell et al. 2023",
    hypers: &[FEATURES, PROJECTIONS],
    build: |values| {
        let projections = values.count(PROJECTIONS.name);
        Box::new(Ranpac { features: features(values), projections, ..Ranpac::default() })
    },
    ..NCM
};

pub(crate) const GENERATIVE_CLASSIFIER: Entry = Entry {
    name: "generative-classifier",
    about: "a variational autoencoder per class, and the likelihood under it",
    source: "van de Ven, Li & Tolias 2021",
    hypers: &[UNITS, LATENT, SAMPLES, LR],
    build: |values| {
        let units = values.count(UNITS.name);
        let own = GenerativeClassifier::new(&[units, units], values.count(LATENT.name));
        let (samples, lr) = (values.count(SAMPLES.name), values.get(LR.name) as f32);
        Box::new(GenerativeClassifier { samples, lr, ..own })
    },
    ..NCM
};

const PER_CLASS: Hyper = Hyper {
    name: "per_class",
    paper: 100.0,
    presets: &[],
    purpose: "exemplars kept per class (the protocol says how many)",
    range: "at least 1",
    numbers: Numbers::Whole,
    place: Place::Structure,
    grid: Grid::Rows,
};

const TEMPERATURE: Hyper = Hyper {
    name: "temperature",
    paper: 1.0,
    presets: &[(Preset::Vdv, 2.0)],
    purpose: "divides the teacher's logits",
    range: "above 0",
    numbers: Numbers::Real,
    place: Place::Slot,
    grid: Grid::Fixed,
};

const LAMBDA: Hyper = Hyper {
    name: "lambda",
    paper: 0.05,
    presets: &[],
    purpose: "weight of correlations between different units",
    range: "at least 0",
    ..TEMPERATURE
};

const PROJECTOR: Hyper = Hyper {
    name: "projector",
    paper: 256.0,
    purpose: "units of the projector's hidden layer; 0: no projector",
    range: "at least 0",
    grid: Grid::Fixed,
    ..PER_CLASS
};

const EMBEDDING: Hyper = Hyper {
    name: "embedding",
    paper: 64.0,
    purpose: "values of an embedding; 0: no projector",
    ..PROJECTOR
};

const SHIFT: Hyper = Hyper {
    name: "shift",
    paper: 0.125,
    purpose: "the most that a view is shifted, in units of the image's side",
    ..LAMBDA
};

const DEGREES: Hyper = Hyper {
    name: "degrees",
    paper: 10.0,
    purpose: "the most that a view is turned",
    range: "0 to 45",
    ..LAMBDA
};

const NOISE: Hyper = Hyper {
    name: "noise",
    paper: 0.1,
    purpose: "standard deviation of a view's noise per pixel",
    ..LAMBDA
};

/// In the order of `distillation`.
const DISTILLATIONS: [Distillation; 3] =
    [Distillation::BinarySum, Distillation::BinaryMean, Distillation::Softmax];

const DISTILLATION: Hyper = Hyper {
    name: "distillation",
    paper: 0.0,
    presets: &[(Preset::Avalanche, 1.0), (Preset::Mammoth, 1.0)],
    purpose: "how the teacher's outputs enter the loss",
    range: "binary, binary-mean or softmax",
    numbers: Numbers::Names(&["binary", "binary-mean", "softmax"]),
    ..PER_CLASS_CHOICE
};

/// In the order of `budget`.
const BUDGETS: [fn(usize) -> ExemplarBudget; 2] =
    [ExemplarBudget::PerClass, ExemplarBudget::SharedPerClass];

const BUDGET: Hyper = Hyper {
    name: "budget",
    purpose: "exemplars of a class: per_class for good, or its share of per_class times all classes",
    range: "per-class or shared",
    numbers: Numbers::Names(&["per-class", "shared"]),
    ..PER_CLASS_CHOICE
};

/// In the order of `selection`.
const SELECTIONS: [Selection; 2] = [Selection::Herding, Selection::AsReleased];

const SELECTION: Hyper = Hyper {
    name: "selection",
    purpose: "which rows become exemplars; as-released is the reference's, in effect random",
    range: "herding or as-released",
    numbers: Numbers::Names(&["herding", "as-released"]),
    ..PER_CLASS_CHOICE
};

/// What names have in common.
const PER_CLASS_CHOICE: Hyper = Hyper { paper: 0.0, presets: &[], grid: Grid::Fixed, ..PER_CLASS };

const FEATURES: Hyper = Hyper {
    name: "features",
    purpose: "of which network: frozen behind the first context, learning on, as it starts (`--weights`), or none",
    range: "first-context, finetuned, random or pixels",
    numbers: Numbers::Names(&["first-context", "finetuned", "random", "pixels"]),
    ..PER_CLASS_CHOICE
};

/// In the order of `lengths`.
const ALL_LENGTHS: [Lengths; 3] = [Lengths::AsTheyAre, Lengths::Compared, Lengths::Averaged];

const LENGTHS: Hyper = Hyper {
    name: "lengths",
    presets: &[(Preset::Avalanche, 1.0)],
    purpose: "lengths of features and means; 1 when compared, or also before averaging",
    range: "as-they-are, compared or averaged",
    numbers: Numbers::Names(&["as-they-are", "compared", "averaged"]),
    ..PER_CLASS_CHOICE
};

/// In the order of `means`.
const ALL_MEANS: [Means; 2] = [Means::Stream, Means::Exemplars];

const MEANS: Hyper = Hyper {
    name: "means",
    purpose: "of all rows as they come, or of the exemplars that others of the composition keep",
    range: "stream or exemplars",
    numbers: Numbers::Names(&["stream", "exemplars"]),
    ..PER_CLASS_CHOICE
};

const SHRINKAGE: Hyper = Hyper {
    name: "shrinkage",
    paper: 1e-4,
    presets: &[],
    purpose: "how much of the covariance is the identity",
    range: "in (0, 1]",
    ..TEMPERATURE
};

const BETA: Hyper = Hyper {
    name: "beta",
    paper: 0.5,
    presets: &[],
    purpose: "power of Tukey's transform",
    ..TEMPERATURE
};

const ALPHA1: Hyper = Hyper {
    name: "alpha1",
    paper: 1.0,
    presets: &[],
    purpose: "shrinkage of the covariances' diagonals",
    range: "at least 0",
    ..TEMPERATURE
};

const ALPHA2: Hyper =
    Hyper { name: "alpha2", purpose: "shrinkage of what is beside the diagonal", ..ALPHA1 };

const PROJECTIONS: Hyper = Hyper {
    name: "projections",
    paper: 2000.0,
    purpose: "random projections; the square of their number is kept",
    grid: Grid::Fixed,
    ..PER_CLASS
};

const UNITS: Hyper = Hyper {
    name: "units",
    paper: 85.0,
    purpose: "units of both hidden layers of each autoencoder (the protocol says how many)",
    grid: Grid::Fixed,
    ..PER_CLASS
};

const LATENT: Hyper = Hyper {
    name: "latent",
    paper: 5.0,
    purpose: "latent values of each autoencoder (the protocol says how many)",
    ..UNITS
};

const SAMPLES: Hyper = Hyper {
    name: "samples",
    paper: 50.0,
    purpose: "draws per class by which the likelihood of a test row is estimated",
    ..UNITS
};

const LR: Hyper = Hyper {
    name: "lr",
    paper: 1e-3,
    presets: &[],
    purpose: "learning rate of every autoencoder's Adam",
    ..TEMPERATURE
};

/// The one that a name stands for. Resolved settings hold a place of the table.
fn named<T: Copy + Default>(values: &Values<'_>, hyper: &Hyper, all: &[T]) -> T {
    all.get(values.count(hyper.name)).copied().unwrap_or_default()
}

fn features(values: &Values<'_>) -> Features {
    named(values, &FEATURES, &Features::ALL)
}

fn icarl(values: &Values<'_>) -> Box<dyn Strategy> {
    let per_class = values.count(PER_CLASS.name);
    if values.under.kind.is_task_free() {
        return Box::new(TaskFreeIcarl::per_class(per_class));
    }
    Box::new(Icarl {
        budget: BUDGETS[values.count(BUDGET.name).min(BUDGETS.len() - 1)](per_class),
        selection: named(values, &SELECTION, &SELECTIONS),
        distillation: named(values, &DISTILLATION, &DISTILLATIONS),
        temperature: values.get(TEMPERATURE.name) as f32,
    })
}

fn icarl_ssl(values: &Values<'_>) -> Box<dyn Strategy> {
    let [lambda, shift, degrees, noise] =
        [LAMBDA, SHIFT, DEGREES, NOISE].map(|hyper| values.get(hyper.name) as f32);
    Box::new(IcarlSsl {
        lambda,
        projector: Projector {
            units: values.count(PROJECTOR.name),
            outputs: values.count(EMBEDDING.name),
        },
        views: Views { shift, degrees, noise },
        ..IcarlSsl::per_class(values.count(PER_CLASS.name))
    })
}

fn ncm(values: &Values<'_>) -> Box<dyn Strategy> {
    let lengths = named(values, &LENGTHS, &ALL_LENGTHS);
    let means = named(values, &MEANS, &ALL_MEANS);
    Box::new(Ncm { features: features(values), lengths, means })
}

fn fecam(values: &Values<'_>) -> Box<dyn Strategy> {
    let [beta, alpha1, alpha2] = [BETA, ALPHA1, ALPHA2].map(|hyper| values.get(hyper.name) as f32);
    Box::new(Fecam { features: features(values), beta, alpha1, alpha2, ..Fecam::default() })
}

/// A yardstick: what a network that makes features has to beat.
struct NcmPixels(Ncm);

impl Strategy for NcmPixels {
    fn name(&self) -> String {
        NCM_PIXELS.name.to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        self.0.parts(parts);
    }

    fn needs(&self) -> cl_core::Needs {
        self.0.needs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tells(hyper: &Hyper, names: &[String]) {
        for (place, name) in names.iter().enumerate() {
            assert_eq!(hyper.tell(place as f64), *name);
        }
    }

    #[test]
    fn defaults_are_those_of_the_methods() {
        let (slda, fecam) = (Slda::default(), Fecam::default());
        assert_eq!(SHRINKAGE.paper as f32, slda.shrinkage);
        let alphas = [BETA.paper, ALPHA1.paper, ALPHA2.paper].map(|x| x as f32);
        assert_eq!(alphas, [fecam.beta, fecam.alpha1, fecam.alpha2]);
        let ssl = IcarlSsl::per_class(PER_CLASS.paper as usize);
        assert_eq!(ssl, IcarlSsl::default());
        assert_eq!(LAMBDA.paper as f32, ssl.lambda);
        let [units, outputs] = [PROJECTOR.paper, EMBEDDING.paper].map(|x| x as usize);
        assert_eq!(Projector { units, outputs }, ssl.projector);
        let [shift, degrees, noise] = [SHIFT.paper, DEGREES.paper, NOISE.paper].map(|x| x as f32);
        assert_eq!(Views { shift, degrees, noise }, ssl.views);
        assert_eq!(PROJECTIONS.paper as usize, Ranpac::default().projections);
        let [units, latent, samples] = [UNITS, LATENT, SAMPLES].map(|hyper| hyper.paper as usize);
        let own = GenerativeClassifier::new(&[units, units], latent);
        let own = GenerativeClassifier { samples, lr: LR.paper as f32, ..own };
        assert_eq!(own, GenerativeClassifier::default());
        let per_class = PER_CLASS.paper as usize;
        let vdv = Icarl::vdv(per_class, Selection::Herding);
        for (preset, method) in [
            (Preset::Paper, Icarl::per_class(per_class)),
            (Preset::Vdv, vdv),
            (Preset::Avalanche, Icarl { budget: vdv.budget, ..Icarl::avalanche() }),
            (Preset::Mammoth, Icarl { budget: vdv.budget, ..Icarl::mammoth() }),
        ] {
            let distillation = DISTILLATIONS[DISTILLATION.default(preset) as usize];
            let selection = SELECTIONS[SELECTION.default(preset) as usize];
            let temperature = TEMPERATURE.default(preset) as f32;
            let budget = BUDGETS[BUDGET.default(preset) as usize];
            let budget = budget(PER_CLASS.default(preset) as usize);
            assert_eq!(Icarl { budget, selection, distillation, temperature }, method);
        }
        assert_eq!(
            ALL_LENGTHS[LENGTHS.default(Preset::Avalanche) as usize],
            Ncm::avalanche().lengths
        );
        tells(&FEATURES, &Features::ALL.map(|features| features.to_string()));
    }
}
