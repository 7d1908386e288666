//! Random numbers of a strategy's own.

use crate::common::Setup;
use crate::seen::slot;
use cl_core::{Consolidate, Parts, Pass, Step, Strategy, Taken, Track, run};
use cl_tensor::Init;

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
