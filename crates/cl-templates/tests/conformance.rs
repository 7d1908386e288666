//! The shared suite.

use cl_core::conformance::{Facts, Subject};
use cl_core::{Boundary, Consolidate, Parts, Pass, Step, Strategy};
use cl_scenarios::Scenario;
use cl_templates::{
    ExemplarBudget, Features, Fecam, GenerativeClassifier, HerdedExemplars, Icarl, IcarlSsl,
    Lengths, Means, Ncm, Projector, Ranpac, Ridge, Selection, Slda, TaskFreeIcarl, Views,
};
use cl_tensor::Var;

const NO_NEUTRAL: &str = "classes are told apart by templates at any setting";

/// A number per class and feature.
fn means(facts: &Facts<'_>) -> u64 {
    4 * facts.outputs * facts.hidden[0]
}

#[test]
fn nearest_class_means_conform() {
    for features in Features::ALL {
        let ncm = move || Ncm { features, ..Ncm::default() };
        Subject::new(&format!("ncm, {features}"), ncm)
            .scenarios(
                if features == Features::FirstContext {
                    &Scenario::ALL[..]
                } else {
                    &[Scenario::Class]
                }
                .iter()
                .copied(),
            )
            .no_neutral(NO_NEUTRAL)
            .kept(move |facts| {
                let width = if features == Features::Pixels { 64 } else { facts.hidden[0] };
                4 * facts.outputs * (width + 1)
            })
            .assert();
    }
    Subject::new("ncm, lengths", || Ncm { lengths: Lengths::Averaged, ..Ncm::default() })
        .no_neutral(NO_NEUTRAL)
        .kept(|facts| means(facts) + 4 * facts.outputs)
        .assert();
}

/// Keeps exemplars by herding and does nothing else.
struct Keeps;

impl Strategy for Keeps {
    fn name(&self) -> String {
        "keeps".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let budget = ExemplarBudget::PerClass(3);
        parts.rehearse(move |member| {
            Ok(Box::new(HerdedExemplars::new("keeps", budget, Selection::Herding, member)?))
        });
        parts.consolidate(self);
    }
}

impl Consolidate for Keeps {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.report("features", step.forward.features);
    }
    fn consolidate<'g>(&self, _: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        theta
    }
}

#[test]
fn means_of_exemplars_that_another_keeps_conform() {
    let ncm = Ncm { means: Means::Exemplars, ..Ncm::default() };
    Subject::new("ncm, exemplars", move || (Keeps, ncm))
        .no_neutral(NO_NEUTRAL)
        .kept(|facts| 4 + 3 * facts.classes * facts.contexts * facts.row_size.bytes())
        .assert();
}

#[test]
fn icarl_without_boundaries_conforms() {
    Subject::new("icarl, task-free", || TaskFreeIcarl::per_class(5))
        .scenarios(Scenario::ALL)
        .no_neutral("any setting trains another loss")
        .refused(|| TaskFreeIcarl::per_class(0))
        .kept(|facts| {
            let row = match facts.scenario {
                Scenario::Task => facts.row_size.with_context(facts.contexts as u32).bytes(),
                Scenario::Domain | Scenario::Class => facts.row_size.bytes(),
            };
            5 * facts.classes * facts.contexts * row
        })
        .assert();
}

/// A class that comes late has few exemplars: they hold the same number of each in the end.
#[test]
fn icarl_conforms() {
    let beside = |facts: &Facts<'_>| 4 * (facts.layout.parameters() as u64 + facts.outputs);
    let row = |facts: &Facts<'_>| match facts.scenario {
        Scenario::Task => facts.row_size.with_context(facts.contexts as u32).bytes(),
        Scenario::Domain | Scenario::Class => facts.row_size.bytes(),
    };
    Subject::new("icarl", || Icarl::per_class(5))
        .scenarios([Scenario::Class, Scenario::Task])
        .no_neutral("any setting trains another loss")
        .refused(|| Icarl::per_class(0))
        .refused(|| Icarl { temperature: 0.0, ..Icarl::default() })
        .refused(|| Icarl { temperature: f32::NAN, ..Icarl::default() })
        .refused(|| Icarl { budget: ExemplarBudget::Bytes(0), ..Icarl::default() })
        .kept(move |facts| 5 * facts.classes * facts.contexts * row(facts) + beside(facts))
        .assert();
    let softmax = || Icarl { budget: ExemplarBudget::Shared(25), ..Icarl::pycil() };
    Subject::new("icarl, softmax", softmax)
        .no_neutral("any setting trains another loss")
        // 24 of 2, of 4 and of 6 classes.
        .kept(move |facts| 24 * row(facts) + beside(facts))
        .assert();
    let released = || Icarl::vdv(5, Selection::AsReleased);
    Subject::new("icarl, as released", released)
        .no_neutral("any setting trains another loss")
        .kept(move |facts| 5 * facts.classes * facts.contexts * row(facts) + beside(facts))
        .assert();
}

#[test]
fn streaming_discriminants_conform() {
    let slda = |shrinkage| Slda { shrinkage, ..Slda::default() };
    Subject::new("slda", Slda::default)
        .scenarios(Scenario::ALL)
        .no_neutral(NO_NEUTRAL)
        .refused(move || slda(0.0))
        .refused(move || slda(1.5))
        .refused(move || slda(f32::NAN))
        .kept(|facts| means(facts) + 4 * (facts.outputs + facts.hidden[0] * facts.hidden[0]))
        .assert();
}

#[test]
fn mahalanobis_distances_conform() {
    let with = |change: fn(&mut Fecam)| {
        move || {
            let mut fecam = Fecam::default();
            change(&mut fecam);
            fecam
        }
    };
    Subject::new("fecam", Fecam::default)
        .scenarios(Scenario::ALL)
        .no_neutral(NO_NEUTRAL)
        .refused(with(|fecam| fecam.beta = 0.0))
        .refused(with(|fecam| fecam.alpha1 = -1.0))
        .refused(with(|fecam| fecam.alpha2 = f32::NAN))
        .kept(|facts| {
            let width = facts.hidden[0];
            4 * facts.outputs * (1 + 2 * width + width * width)
        })
        .assert();
}

#[test]
fn random_projections_conform() {
    const M: usize = 40;
    let ranpac = |ridge| Ranpac { projections: M, ridge, ..Ranpac::default() };
    Subject::new("ranpac", move || ranpac(Ridge::Chosen))
        .scenarios(Scenario::ALL)
        .no_neutral(NO_NEUTRAL)
        .refused(|| Ranpac { projections: 0, ..Ranpac::default() })
        .refused(move || ranpac(Ridge::Given(-1.0)))
        .kept(|facts| 4 * (M * M) as u64 + 4 * M as u64 * facts.outputs)
        .assert();
}

#[test]
fn templates_on_features_without_labels_conform() {
    let twelve = Projector { units: 12, outputs: 5 };
    let ssl = move || IcarlSsl { projector: twelve, ..IcarlSsl::per_class(5) };
    let views = |change: fn(&mut Views)| {
        move || {
            let mut views = Views::default();
            change(&mut views);
            IcarlSsl { views, ..ssl() }
        }
    };
    for projector in [Projector::NONE, twelve] {
        let ssl = move || IcarlSsl { projector, ..ssl() };
        Subject::new("icarl-ssl", ssl)
            .scenarios(Scenario::ALL)
            .no_neutral("any setting trains another loss")
            .refused(|| IcarlSsl::per_class(0))
            .refused(|| IcarlSsl { lambda: -1.0, ..IcarlSsl::default() })
            .refused(views(|views| views.shift = -0.1))
            .refused(views(|views| views.degrees = 46.0))
            .refused(views(|views| views.noise = f32::NAN))
            .kept(|facts| {
                let row = match facts.scenario {
                    Scenario::Task => facts.row_size.with_context(facts.contexts as u32),
                    Scenario::Domain | Scenario::Class => facts.row_size,
                };
                5 * facts.classes * facts.contexts * row.bytes()
            })
            .assert();
    }
}

#[test]
fn an_autoencoder_per_class_conforms() {
    let small = || GenerativeClassifier { samples: 3, ..GenerativeClassifier::new(&[6], 3) };
    let with = |change: fn(&mut GenerativeClassifier)| {
        move || {
            let mut own = small();
            change(&mut own);
            own
        }
    };
    Subject::new("generative-classifier", small)
        .scenarios([Scenario::Class, Scenario::Task])
        .no_neutral(NO_NEUTRAL)
        .refused(with(|own| own.hidden = vec![6, 0]))
        .refused(with(|own| own.latent = 0))
        .refused(with(|own| own.samples = 0))
        .refused(with(|own| own.lr = 0.0))
        .refused(with(|own| own.lr = f32::NAN))
        .kept(|facts| {
            // 64-6, its mean with and its log-variance without bias, and back; a number of steps.
            let one = (64 * 6 + 6) + (6 * 3 + 3) + 6 * 3 + (3 * 6 + 6) + (6 * 64 + 64);
            4 * facts.outputs * (one + 1)
        })
        .assert();
}
