//! The shared suite.

use cl_core::conformance::Subject;
use cl_regularize::{
    Alpha, Divisor, Estimate, Ewc, FactorLabels, Fisher, KfacEwc, KroneckerFisher, L2, L2Init, Mas,
    OnlineEwc, Owm, Si,
};
use cl_scenarios::Scenario;

/// Two numbers for each parameter.
fn two_each(facts: &cl_core::conformance::Facts<'_>) -> u64 {
    2 * 4 * facts.layout.parameters() as u64
}

fn ewc(lambda: f64) -> Ewc {
    Ewc { lambda, ..Ewc::default() }
}

#[test]
fn ewc_conforms() {
    Subject::new("ewc", Ewc::default)
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(|| ewc(0.0))
        .refused(|| ewc(-1.0))
        .refused(|| ewc(f64::NAN))
        .refused(|| Ewc { fisher: Fisher { rows: Some(0), ..Fisher::default() }, ..ewc(1.0) })
        // Precision and mean, and the constant of the quadratic.
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn ewc_on_a_few_rows_conforms() {
    let few =
        |lambda| Ewc { fisher: Fisher { rows: Some(20), ..Fisher::default() }, ..Ewc::vdv(lambda) };
    Subject::new("ewc, 20 rows", move || few(400.0))
        .neutral(move || few(0.0))
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn online_ewc_conforms() {
    let online = |lambda, gamma| OnlineEwc { lambda, gamma, ..OnlineEwc::default() };
    Subject::new("ewc-online", move || online(400.0, 0.9))
        .neutral(move || online(0.0, 0.9))
        .refused(move || online(-1.0, 1.0))
        .refused(move || online(1.0, -0.1))
        .refused(move || online(1.0, 1.1))
        .refused(move || online(f64::INFINITY, 1.0))
        .kept(two_each)
        .assert();
}

#[test]
fn si_conforms() {
    let si = |c| Si { c, ..Si::default() };
    Subject::new("si", Si::default)
        .neutral(move || si(0.0))
        .refused(move || si(-1.0))
        .refused(move || Si { xi: 0.0, ..Si::default() })
        .refused(move || Si { xi: f64::NAN, ..Si::default() })
        .kept(two_each)
        .assert();
}

#[test]
fn si_as_in_van_de_vens_code_conforms() {
    Subject::new("si, vdv", || Si::vdv(1.0)).neutral(|| Si::vdv(0.0)).kept(two_each).assert();
}

/// Numbers of square matrices over each layer's input with a 1, and over its output.
fn squares(facts: &cl_core::conformance::Facts<'_>) -> [u64; 2] {
    let weights = facts.layout.ranges().iter().filter(|range| range.shape.len() == 2);
    let sizes = weights.map(|range| [range.shape[0] as u64 + 1, range.shape[1] as u64]);
    sizes.fold([0, 0], |[a, g], [n, m]| [a + n * n, g + m * m])
}

#[test]
fn ewc_with_kronecker_factors_conforms() {
    let kfac = |lambda, gamma| KfacEwc { lambda, gamma, ..KfacEwc::default() };
    Subject::new("ewc-kfac", move || kfac(30.0, 0.9))
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(move || kfac(0.0, 0.9))
        .refused(move || kfac(-1.0, 1.0))
        .refused(move || kfac(f64::NAN, 1.0))
        .refused(move || kfac(1.0, -0.1))
        .refused(move || kfac(1.0, 1.1))
        .refused(move || {
            let fisher = KroneckerFisher { rows: Some(0), ..KroneckerFisher::default() };
            KfacEwc { fisher, ..kfac(1.0, 1.0) }
        })
        .refused(move || {
            let divisor = Divisor::WholeBatches(16);
            let fisher = KroneckerFisher { divisor, ..KroneckerFisher::default() };
            KfacEwc { fisher, ..kfac(1.0, 1.0) }
        })
        .kept(|facts| 4 * (squares(facts).iter().sum::<u64>() + facts.layout.parameters() as u64))
        .assert();
}

#[test]
fn ewc_with_kronecker_factors_of_true_labels_on_a_few_rows_conforms() {
    let few = |lambda| {
        let vdv = KfacEwc::vdv(lambda, Some(20));
        let fisher = KroneckerFisher { labels: FactorLabels::True, ..vdv.fisher };
        KfacEwc { fisher, ..vdv }
    };
    Subject::new("ewc-kfac, true labels", move || few(30.0))
        .neutral(move || few(0.0))
        .kept(|facts| 4 * (squares(facts).iter().sum::<u64>() + facts.layout.parameters() as u64))
        .assert();
}

const NO_NEUTRAL: &str = "the projector is the identity only as alpha goes to infinity";

#[test]
fn owm_per_batch_conforms() {
    let owm = |start, base, clip| {
        let alpha = vec![Alpha { start, base }, Alpha::constant(1.0)];
        Owm::PerBatch { alpha, clip }
    };
    Subject::new("owm, per batch", move || owm(0.9, 0.001, Some(10.0)))
        .no_neutral(NO_NEUTRAL)
        .refused(move || owm(0.0, 1.0, None))
        .refused(move || owm(f64::NAN, 1.0, None))
        .refused(move || owm(1.0, 0.0, None))
        .refused(move || owm(1.0, 1.5, None))
        .refused(move || owm(1.0, 1.0, Some(0.0)))
        .refused(|| Owm::PerBatch { alpha: Vec::new(), clip: None })
        .kept(|facts| 4 * squares(facts)[0])
        .assert();
}

#[test]
fn owm_per_context_conforms() {
    Subject::new("owm, per context", || Owm::vdv(0.1))
        .scenarios([Scenario::Class, Scenario::Task])
        .no_neutral(NO_NEUTRAL)
        .refused(|| Owm::vdv(0.0))
        .refused(|| Owm::vdv(f64::INFINITY))
        .kept(|facts| 2 * 4 * squares(facts)[0])
        .assert();
}

#[test]
fn ewc_with_drawn_labels_conforms() {
    let drawn = |lambda| {
        let fisher = Fisher { estimate: Estimate::Sample, ..Fisher::default() };
        Ewc { fisher, ..ewc(lambda) }
    };
    Subject::new("ewc, drawn labels", move || drawn(400.0))
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(move || drawn(0.0))
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn ewc_as_in_avalanche_conforms() {
    // 160 rows of a context in batches of 48: the last one is smaller.
    Subject::new("ewc, avalanche", || Ewc::avalanche(200.0, 48))
        .neutral(|| Ewc::avalanche(0.0, 48))
        .refused(|| Ewc::avalanche(1.0, 0))
        .kept(|facts| two_each(facts) + 4)
        .assert();
}

#[test]
fn online_ewc_as_in_mammoth_conforms() {
    Subject::new("ewc-online, mammoth", || OnlineEwc::mammoth(90.0, 0.9, 48))
        .neutral(|| OnlineEwc::mammoth(0.0, 0.9, 48))
        .refused(|| OnlineEwc::mammoth(1.0, 0.9, 0))
        .kept(two_each)
        .assert();
}

#[test]
fn si_as_in_mammoth_conforms() {
    Subject::new("si, mammoth", || Si { clip: Some(0.05), ..Si::mammoth(1.0, 0.9) })
        .neutral(|| Si { clip: None, ..Si::mammoth(0.0, 0.9) })
        .refused(|| Si { clip: Some(0.0), ..Si::default() })
        .refused(|| Si { cap: Some(f64::NAN), ..Si::default() })
        .kept(two_each)
        .assert();
}

#[test]
fn si_as_in_avalanche_conforms() {
    Subject::new("si, avalanche", || Si::avalanche(1000.0))
        .neutral(|| Si::avalanche(0.0))
        .kept(two_each)
        .assert();
}

#[test]
fn mas_conforms() {
    let mas = |lambda| Mas { lambda, ..Mas::default() };
    Subject::new("mas", Mas::default)
        .scenarios([Scenario::Class, Scenario::Task])
        .neutral(move || mas(0.0))
        .refused(move || mas(-1.0))
        .refused(move || mas(f64::INFINITY))
        .refused(|| Mas { alpha: -0.1, ..Mas::default() })
        .refused(|| Mas::authors(1.0, 0))
        .kept(two_each)
        .assert();
}

#[test]
fn mas_as_in_avalanche_and_in_facil_conforms() {
    Subject::new("mas, avalanche", || Mas::avalanche(1.0, 0.5, 48))
        .neutral(|| Mas::avalanche(0.0, 0.5, 48))
        .kept(two_each)
        .assert();
    Subject::new("mas, facil", || Mas::facil(1.0, 0.5, 48))
        .scenarios([Scenario::Task])
        .neutral(|| Mas::facil(0.0, 0.5, 48))
        .kept(two_each)
        .assert();
}

#[test]
fn l2_conforms() {
    Subject::new("l2", L2::default)
        .neutral(|| L2 { lambda: 0.0 })
        .refused(|| L2 { lambda: -1.0 })
        // The anchor, and whether there is one.
        .kept(|facts| two_each(facts) / 2 + 4)
        .assert();
}

#[test]
fn l2_init_conforms() {
    Subject::new("l2-init", L2Init::default)
        .neutral(|| L2Init { lambda: 0.0 })
        .refused(|| L2Init { lambda: f64::NAN })
        .kept(|facts| two_each(facts) / 2)
        .assert();
}
