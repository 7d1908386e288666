//! Memory aware synapses against loops of the formulas of every code, and faults that they catch.
#![allow(clippy::unwrap_used)]

mod common;

use cl_core::{Batch, Boundary, Consolidate, Parts, Pass, Penalty, Step, Strategy, Trial};
use cl_nn::Sgd;
use cl_regularize::{Accumulation, Factor, Gradients, Logits, Mas, Norm, OutputLayer};
use cl_tensor::{Session, Var};
use common::slow::{SlowMlp, add, wide};
use common::{
    Method, Valued, Watched, close, floats, golden, number, read, slot_is, some_batch, tensors,
    tensors_are, write,
};

/// The paper's importance with the head held, which is what the golden file measures.
const HELD: OutputLayer = OutputLayer::Held;

fn held() -> Mas {
    Mas { output_layer: HELD, ..Mas::default() }
}

/// A trial at the parameters of the golden file.
fn trial<'s>(method: &'s dyn Strategy, masked: bool) -> Trial<'s> {
    let mut trial = common::trial(method, &Sgd::new(0.1), 8, masked);
    write(&mut trial, "theta", &golden("mas")["inputs"]["params"]);
    trial
}

/// The golden rows in batches of this size; missing rows are padding that must not count.
fn batches(size: usize) -> Vec<Batch> {
    let x = floats(&golden("mas")["inputs"]["x"]);
    let rows = x.chunks(6 * size).map(|x| {
        let mut batch = some_batch(size, 99);
        batch.x[..x.len()].copy_from_slice(x);
        batch.weight = (0..size).map(|row| f32::from(u8::from(6 * row < x.len()))).collect();
        batch
    });
    rows.collect()
}

/// Importance, anchor, penalty and its gradient, as the paper has them, with the head held.
fn check(method: &dyn Method) -> Result<(), String> {
    let file = golden("mas");
    let (inputs, expected) = (&file["inputs"], &file["expected"]);
    let mut measured = trial(method, false);
    measured.boundary(&batches(8)).unwrap();
    slot_is(&measured, "mas/omega", &expected["per_example_paper"], 1e-5)?;
    slot_is(&measured, "mas/anchor", &inputs["params"], 0.0)?;

    let valued = Valued(method);
    let watched = Watched(&valued);
    let mut trial = trial(&watched, false);
    trial.session.write("mas/lambda", 0, &[number(&inputs["lambda"]) as f32]).unwrap();
    write(&mut trial, "mas/omega", &expected["per_example_paper"]);
    write(&mut trial, "mas/anchor", &inputs["anchor"]);
    trial.step(&some_batch(8, 1)).unwrap();
    close("penalty", &read(&trial, "mas/value"), &[number(&expected["penalty"])], 1e-5)?;
    let task = trial.parameters("probe/task").unwrap();
    let want: Vec<Vec<f64>> = tensors(&expected["penalty_grad"])
        .into_iter()
        .zip(task)
        .map(|((_, penalty), (_, task))| {
            penalty.iter().zip(wide(&task)).map(|(p, t)| p + t).collect()
        })
        .collect();
    tensors_are(&trial, "probe/total", &want, 1e-5)
}

#[test]
fn importance_penalty_and_gradient_are_those_of_the_paper() {
    check(&held()).unwrap();
}

#[test]
fn each_codes_importance_is_its_own() {
    let file = golden("mas");
    let paper = "per_example_paper";
    let cases = [
        (held(), paper),
        (Mas { gradients: Gradients::BatchSum(4), ..held() }, "batch4_sum_code"),
        (Mas { gradients: Gradients::BatchMean(4), ..held() }, "batch4_mean_avalanche"),
        (Mas { norm: Norm::Plain, ..held() }, "per_example_norm_not_squared_facil"),
        (Mas { gradients: Gradients::BatchSum(1), ..held() }, paper),
        (Mas { gradients: Gradients::BatchMean(1), ..held() }, paper),
    ];
    for (method, own) in cases {
        for (_, key) in &cases[..4] {
            // Of whole batches, sum over rows and mean of means are the same.
            let same = own.starts_with("batch4") && key.starts_with("batch4");
            let size = method.passes()[0].chunk.unwrap_or(8);
            let mut trial = trial(&method, false);
            trial.boundary(&batches(size)).unwrap();
            let is = slot_is(&trial, "mas/omega", &file["expected"][*key], 1e-5);
            assert_eq!(is.is_ok(), *key == own || same, "{method:?} against {key}: {is:?}");
        }
    }
}

#[test]
fn the_logits_that_count_are_those_of_the_rows_head_or_all() {
    let file = golden("mas");
    let (yes, no) = (true, false);
    for (logits, key) in
        [(Logits::Active, "per_example_head_0_1"), (Logits::All, "per_example_paper")]
    {
        let method = Mas { logits, ..held() };
        let mut trial = trial(&method, true);
        trial.set_active(&[vec![yes, yes, no, no], vec![no, no, yes, yes]]).unwrap();
        trial.boundary(&batches(8)).unwrap();
        slot_is(&trial, "mas/omega", &file["expected"][key], 1e-5).unwrap();
    }
}

/// The last batch has three rows: a mean of means weighs each of them more.
#[test]
fn a_smaller_last_batch_counts_by_its_rows_in_a_sum_and_in_full_in_a_mean_of_means() {
    let x = floats(&golden("mas")["inputs"]["x"]);
    for (gradients, weights) in [
        (Gradients::BatchSum(5), [1.0 / 8.0, 1.0 / 8.0]),
        (Gradients::BatchMean(5), [1.0 / 10.0, 1.0 / 6.0]),
    ] {
        let method = Mas { gradients, ..held() };
        let mut trial = trial(&method, false);
        let slow = SlowMlp::of(&trial, Vec::new(), vec![true; 4]);
        trial.boundary(&batches(5)).unwrap();
        let mut want = slow.zeros();
        for (rows, weight) in [0..30, 30..48].into_iter().zip(weights) {
            let mut of_batch = slow.zeros();
            x[rows].chunks(6).for_each(|x| add(&mut of_batch, &slow.norm_gradient(x), |g| g));
            add(&mut want, &of_batch, |g| weight * g.abs());
        }
        tensors_are(&trial, "mas/omega", &want, 1e-5).unwrap();
    }
}

#[test]
fn the_head_is_free_unless_it_is_held() {
    let file = golden("mas");
    let paper = Mas::default();
    let mut trial = trial(&paper, false);
    trial.boundary(&batches(8)).unwrap();
    let omega = trial.parameters("mas/omega").unwrap();
    for ((name, got), (_, want)) in
        omega.iter().zip(tensors(&file["expected"]["per_example_paper"]))
    {
        match name.as_str() {
            "w3" | "b3" => assert!(got.iter().all(|&omega| omega == 0.0), "{name}"),
            _ => close(name, got, &want, 1e-5).unwrap(),
        }
    }
    assert_eq!(omega.len(), 6);
}

#[test]
fn contexts_add_up_or_are_averaged_as_each_code_does() {
    let (first, second) = (batches(8), vec![some_batch(8, 7)]);
    let alpha = 0.25;
    let after = |accumulation, chunks: &[&[Batch]]| {
        let method = Mas { accumulation, alpha, ..held() };
        let mut trial = trial(&method, false);
        chunks.iter().for_each(|chunks| trial.boundary(chunks).unwrap());
        wide(&read(&trial, "mas/omega"))
    };
    let [a, b] = [&first, &second].map(|chunks| after(Accumulation::Sum, &[chunks]));
    for (accumulation, once, twice) in [
        (Accumulation::Sum, 1.0, [1.0, 1.0]),
        (Accumulation::Average, 1.0, [alpha, 1.0 - alpha]),
        (Accumulation::AverageFromZero, 1.0 - alpha, [(1.0 - alpha) * alpha, 1.0 - alpha]),
    ] {
        let narrow = |x: Vec<f64>| x.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        let want: Vec<f64> = a.iter().map(|a| once * a).collect();
        close("once", &narrow(after(accumulation, &[&first])), &want, 1e-6).unwrap();
        let want: Vec<f64> = a.iter().zip(&b).map(|(a, b)| twice[0] * a + twice[1] * b).collect();
        close("twice", &narrow(after(accumulation, &[&first, &second])), &want, 1e-6).unwrap();
    }
}

#[test]
fn logits_of_zero_have_no_direction() {
    let method = Mas { norm: Norm::Plain, ..held() };
    let mut trial = trial(&method, false);
    let len = trial.model.layout.len();
    trial.session.write("theta", 0, &vec![0.0; len]).unwrap();
    trial.boundary(&batches(8)).unwrap();
    assert!(read(&trial, "mas/omega").iter().all(|&omega| omega == 0.0));
}

#[test]
fn presets_are_the_conventions_of_their_codes() {
    let (sum, zero) = (Accumulation::Sum, Accumulation::AverageFromZero);
    let conventions = |mas: Mas| (mas.factor, mas.norm, mas.logits, mas.accumulation);
    let (one, half) = (Factor::One, Factor::Half);
    let (squared, active) = (Norm::Squared, Logits::Active);
    assert_eq!(conventions(Mas::authors(1.0, 200)), (one, squared, active, sum));
    let average = Accumulation::Average;
    assert_eq!(conventions(Mas::avalanche(1.0, 0.5, 32)), (one, squared, active, average));
    assert_eq!(conventions(Mas::facil(1.0, 0.5, 64)), (half, Norm::Plain, Logits::All, zero));
    let layers = [Mas::authors(1.0, 1), Mas::avalanche(1.0, 0.5, 1), Mas::facil(1.0, 0.5, 1)];
    assert_eq!(layers.map(|mas| mas.output_layer == HELD), [false, true, false]);
    let said: Vec<String> =
        Mas::facil(2.0, 0.5, 64).describe().into_iter().map(|(_, v)| v).collect();
    assert_eq!(
        said,
        [
            "2",
            "lambda/2",
            "norm of all logits, sum over batches of 64, divided by rows",
            "average, alpha 0.5, from 0",
            "not penalised",
        ]
    );
}

/// λ/2 is half of λ.
#[test]
fn facils_lambda_is_half_as_strong() {
    struct Twice(Mas);
    impl Penalty for Twice {
        fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
            2.0 * self.0.loss(step)
        }
    }
    impl Consolidate for Twice {
        fn passes(&self) -> Vec<Pass> {
            self.0.passes()
        }
        fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
            self.0.observe(step, pass);
        }
        fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
            self.0.consolidate(boundary, theta)
        }
    }
    impl Strategy for Twice {
        fn name(&self) -> String {
            self.0.name()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.penalty(self).consolidate(self);
        }
    }
    check(&Twice(Mas { factor: Factor::Half, ..held() })).unwrap();
    assert!(check(&Mas { factor: Factor::Half, ..held() }).is_err());
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    NegatedPenalty,
    ExtraHalf,
    AnchorAtZero,
    GradientOfTheTaskLoss,
    SignedGradient,
    SquaredGradient,
}

struct Mutant(Mas, Fault);

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let loss = self.0.loss(step);
        match self.1 {
            Fault::NegatedPenalty => -loss,
            Fault::ExtraHalf => loss * 0.5,
            _ => loss,
        }
    }
}

impl Consolidate for Mutant {
    fn passes(&self) -> Vec<Pass> {
        self.0.passes()
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        let (graph, squared) = (step.graph(), step.forward.logits.square().sum_axis(1));
        let wrong = match self.1 {
            Fault::GradientOfTheTaskLoss => {
                graph.grad_abs_rows(&[(step.row_losses, step.weight)], step.theta)
            }
            Fault::SignedGradient => graph.grad((squared * step.weight).sum(), step.theta),
            Fault::SquaredGradient => graph.grad_square_rows(&[(squared, step.weight)], step.theta),
            _ => return self.0.observe(step, pass),
        };
        step.scope.accumulate("sensitivity_sum", wrong);
    }
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let seen = if matches!(self.1, Fault::AnchorAtZero) { theta * 0.0 } else { theta };
        self.0.consolidate(boundary, seen);
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        self.0.name()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).consolidate(self);
    }
}

#[test]
fn the_reference_catches_each_fault() {
    for fault in [
        Fault::NegatedPenalty,
        Fault::ExtraHalf,
        Fault::AnchorAtZero,
        Fault::GradientOfTheTaskLoss,
        Fault::SignedGradient,
        Fault::SquaredGradient,
    ] {
        assert!(check(&Mutant(held(), fault)).is_err(), "{fault:?} passes");
    }
}

#[test]
fn hyper_parameters_out_of_range_are_refused_and_named() {
    let message = |method: Mas| method.check().unwrap_err().to_string();
    assert_eq!(
        message(Mas { lambda: -1.0, ..held() }),
        "mas: lambda = -1; expected a finite number of at least 0"
    );
    assert_eq!(
        message(Mas { alpha: 1.5, ..held() }),
        "mas: alpha = 1.5; expected a number in [0, 1]"
    );
    assert_eq!(message(Mas::authors(1.0, 0)), "mas: batch = 0; expected at least 1");
}
