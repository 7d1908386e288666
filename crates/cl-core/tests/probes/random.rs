//! Random numbers of a strategy's own.

use crate::common::Setup;
use crate::seen::slot;
use cl_core::{Boundary, Consolidate, Parts, Pass, Step, Strategy, Taken, Track, run};
use cl_tensor::{Init, Var};
use std::collections::BTreeMap;

/// Remembers what it drew in the last two steps.
struct Noise;

impl Strategy for Noise {
    fn name(&self) -> String {
        "noise".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

impl Track for Noise {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        let before = step.scope.slot("normal", &[1000], Init::Zeros);
        step.scope.remember("before", before);
        step.scope.assign("normal", step.normal("normal", &[1000]));
        step.scope.remember("uniform", step.uniform("uniform", &[1000]));
    }
}

/// Draws in a pass over rows.
struct Unfit;

impl Strategy for Unfit {
    fn name(&self) -> String {
        "unfit".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self);
    }
}

impl Consolidate for Unfit {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        step.scope.accumulate("sum", step.normal("normal", &[3]));
    }
}

#[test]
fn two_strategies_of_one_name_and_two_steps_draw_other_numbers() {
    let strategy = (Noise, Noise);
    let mut learner = Setup::default().learner(&strategy).unwrap();
    run(&mut learner, &mut ()).unwrap();
    let names = ["noise/normal", "noise/before", "noise#2/normal", "noise#2/before"];
    let drawn = names.map(|name| slot(&mut learner, name));
    let mean = |x: &[f64], f: fn(f64) -> f64| x.iter().map(|&x| f(x)).sum::<f64>() / 1000.0;
    for (i, x) in drawn.iter().enumerate() {
        // Within four standard deviations of the means 0 and 1 of x and x^2.
        assert!(mean(x, |x| x).abs() < 0.13 && (mean(x, |x| x * x) - 1.0).abs() < 0.18);
        assert!(drawn[..i].iter().all(|other| other != x), "{}", names[i]);
    }
    let uniform = slot(&mut learner, "noise/uniform");
    assert!(uniform.iter().all(|x| (0.0..1.0).contains(x)));
    assert!((mean(&uniform, |x| x) - 0.5).abs() < 0.04);
}

#[test]
fn nothing_is_random_outside_of_training() {
    let error = Setup::default().learner(&Unfit).err().unwrap().to_string();
    let expected = "random numbers `normal`: nothing is random outside of training";
    assert!(error.contains(expected) && error.contains("random.rs"), "{error}");
}

/// Sorts the rows of every context by what each draws, in chunks of so many rows.
struct Sorted(Option<usize>);

impl Strategy for Sorted {
    fn name(&self) -> String {
        "sorted".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.consolidate(self);
    }
}

impl Consolidate for Sorted {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { chunk: self.0, ..Pass::default() }]
    }
    /// Sums of pixels, multiples of 1/16: exact in any order.
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        for name in ["one", "other"] {
            let u = step.uniform_rows(name);
            for bin in 0..4_u8 {
                let above = u.greater(step.graph().constant(f32::from(bin) / 4.0 - 1e-9));
                let pixels = ((above * step.weight).column() * step.x).sum_axis(0);
                step.scope.accumulate(&format!("{name}{bin}"), pixels);
            }
        }
    }
    /// What was summed, for the last two contexts.
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let bins = |name: &str| (0..4).map(move |bin| format!("{name}{bin}")).collect::<Vec<_>>();
        for bin in ["one", "other"].into_iter().flat_map(bins) {
            let last = at.scope.slot(&format!("last {bin}"), &[64], Init::Zeros);
            at.scope.remember(&format!("before {bin}"), last);
            at.scope.assign(&format!("last {bin}"), at.scope.take(&bin, &[64]));
        }
        theta
    }
}

#[test]
fn a_row_of_a_pass_draws_the_same_number_in_whatever_chunk_it_comes() {
    let finished = |chunk, seed| {
        let strategy = (Sorted(chunk), Sorted(chunk));
        let setup = Setup { seeds: &[seed], ..Setup::default() };
        let mut learner = setup.learner(&strategy).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let names = ["last one", "before one", "last other"].into_iter();
        let names = names.flat_map(|name| ["sorted", "sorted#2"].map(|s| format!("{s}/{name}")));
        let names = names.flat_map(|name| (0..4).map(move |bin| format!("{name}{bin}")));
        names.map(|name| (name.clone(), slot(&mut learner, &name))).collect::<BTreeMap<_, _>>()
    };
    let (whole, seed) = (finished(None, 2), finished(None, 3));
    assert_eq!(whole, finished(Some(7), 2));

    let (all, total) = (&whole["sorted/last one0"], |x: &[f64]| x.iter().sum::<f64>());
    assert_eq!(all, &whole["sorted/last other0"], "every number is at least 0");
    for (bin, share) in [(1, 0.75), (2, 0.5), (3, 0.25)] {
        let above = total(&whole[&format!("sorted/last one{bin}")]) / total(all);
        assert!((above - share).abs() < 0.1, "quarter {bin}: {above}");
    }
    assert_ne!(whole["sorted/last one1"], whole["sorted/last other1"], "another name");
    assert_ne!(whole["sorted/last one1"], whole["sorted#2/last one1"], "another strategy");
    let share = |run: &BTreeMap<String, Vec<f64>>, when: &str| {
        total(&run[&format!("sorted/{when} one2")]) / total(&run[&format!("sorted/{when} one0")])
    };
    assert_ne!(share(&whole, "last"), share(&seed, "last"), "another seed");
    assert_ne!(share(&whole, "last"), share(&whole, "before"), "another context");
}

/// Draws per row where rows have no address.
struct UnfitRows;

impl Strategy for UnfitRows {
    fn name(&self) -> String {
        "unfit".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.track(self);
    }
}

impl Track for UnfitRows {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        step.scope.remember("drawn", step.uniform_rows("label"));
    }
}

#[test]
fn rows_of_a_training_step_draw_nothing_of_their_own() {
    let error = Setup::default().learner(&UnfitRows).err().unwrap().to_string();
    let expected = "random numbers `label` per row: only the rows of a pass have addresses";
    assert!(error.contains(expected) && error.contains("random.rs"), "{error}");
}

#[test]
fn chunks_of_no_rows_are_refused() {
    let error = Setup::default().learner(&Sorted(Some(0))).err().unwrap().to_string();
    assert!(error.contains("sorted: a pass in chunks of 0 rows; expected at least 1"), "{error}");
}
