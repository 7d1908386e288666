//! iCaRL: exemplars that join the draw, a binary criterion with distillation, a nearest-mean read-out.

use cl_core::{
    At, Boundary, Consolidate, Criterion, Error, Now, Over, Parts, Pass, Readout, Rehearse,
    Reports, Row, Step, Strategy, from_state, to_state,
};
use cl_nn::losses;
use cl_tensor::{Init, Var};
use serde_json::Value;
use std::collections::BTreeMap;

/// Rebuffi et al. 2017 (arXiv 1611.07725), with the temperature of van de Ven's code.
#[derive(Default)]
struct Icarl {
    per_class: usize,
    means: Means,
}

/// The means of the exemplars' features, before every evaluation.
#[derive(Default)]
struct Means;

impl Strategy for Icarl {
    fn name(&self) -> String {
        "icarl".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let per_class = self.per_class;
        parts.rehearse(move |_| Ok(Box::new(Exemplars { per_class, rows: Vec::new() })));
        parts.criterion(self).consolidate(self).consolidate(&self.means).readout(&self.means);
    }
}

/// 1 where a row's target is this output, `[rows, outputs]`.
fn one_hot<'g>(step: &Step<'_, 'g>) -> Var<'g> {
    let outputs = step.graph().iota(step.forward.logits.shape()[1]);
    step.target.reshape(&[step.target.len(), 1]).equal_index(outputs)
}

/// Features of length 1 (van de Ven's guard), `[rows, units]`.
fn directions<'g>(features: Var<'g>) -> Var<'g> {
    let shape = [features.shape()[0], 1];
    features / (features.square().sum_axis(1).reshape(&shape) + 1e-20).sqrt()
}

impl Criterion for Icarl {
    /// Σ_c BCE(z_c, t_c): t = σ(teacher's z / 2) where class c was seen before, else one-hot.
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let logits = step.forward.logits;
        let old = step.scope.kept("old", &[1, logits.shape()[1]], Init::Zeros);
        let teacher = step.scope.kept("teacher", &step.theta.shape(), Init::Zeros);
        let soft =
            (step.forward_with(teacher).logits / step.scope.hyper("temperature", 2.0)).sigmoid();
        let targets = old.expand(&logits.shape()).select(soft, one_hot(step));
        losses::binary_cross_entropy_with_logits(step.active_logits(), targets)
    }
}

impl Consolidate for Icarl {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let seen = (one_hot(step) * step.weight.reshape(&[step.weight.len(), 1])).sum_axis(0);
        let shape = [1, seen.len()];
        let old = step.scope.kept("old", &shape, Init::Zeros);
        step.scope.assign("old", old.maximum(seen.reshape(&shape).sign()));
        step.report("features", step.forward.features);
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.scope.kept("teacher", &theta.shape(), Init::Zeros);
        at.scope.assign("teacher", theta);
        theta
    }
}

struct Exemplars {
    per_class: usize,
    rows: Vec<Row>,
}

/// Which rows together come closest to the mean, one after the other, of features of length 1.
fn herd(features: &[&[f32]], count: usize) -> Vec<usize> {
    let unit = |x: &[f32]| {
        let norm = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt().max(1e-10);
        x.iter().map(|x| f64::from(*x) / norm).collect::<Vec<f64>>()
    };
    let units: Vec<Vec<f64>> = features.iter().map(|x| unit(x)).collect();
    let sum = |j: usize| units.iter().map(|unit| unit[j]).sum::<f64>();
    let mean: Vec<f64> = (0..units[0].len()).map(sum).collect();
    let norm = mean.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-10);
    let (mut chosen, mut total) = (Vec::new(), vec![0.0; mean.len()]);
    for n in 1..=count.min(units.len()) {
        let off = |i: usize| -> f64 {
            let terms = total.iter().zip(&units[i]).zip(&mean);
            terms.map(|((t, x), mean)| ((t + x) / n as f64 - mean / norm).powi(2)).sum()
        };
        let left = (0..units.len()).filter(|i| !chosen.contains(i));
        let best = left.min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap();
        total.iter_mut().zip(&units[best]).for_each(|(t, x)| *t += x);
        chosen.push(best);
    }
    chosen
}

impl Rehearse for Exemplars {
    fn end_context(&mut self, _: Now, _: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        let features = reports.get("features").unwrap();
        let width = features.len() / reports.rows().len();
        let mut classes: BTreeMap<u32, Vec<(Row, &[f32])>> = BTreeMap::new();
        for (row, features) in reports.rows().iter().zip(features.chunks(width)) {
            classes.entry(row.label).or_default().push((*row, features));
        }
        for rows in classes.values() {
            let features: Vec<&[f32]> = rows.iter().map(|(_, features)| *features).collect();
            self.rows.extend(herd(&features, self.per_class).into_iter().map(|i| rows[i].0));
        }
        Ok(())
    }
    fn kept(&self) -> &[Row] {
        &self.rows
    }
    fn main_rows(&self) -> &[Row] {
        &self.rows
    }
    fn peak_bytes(&self) -> u64 {
        65 * self.rows.len() as u64
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("exemplars", &self.rows)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        self.rows = from_state("exemplars", state)?;
        Ok(())
    }
}

impl Consolidate for Means {
    fn at(&self) -> At {
        At::Evaluation
    }
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { over: Over::Memory("icarl".to_owned()), limit: None }]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (features, one_hot) = (directions(step.forward.features), one_hot(step));
        let weighted = one_hot * step.weight.reshape(&[step.weight.len(), 1]);
        let sums = weighted.t().matmul(features);
        let total = step.scope.slot("sums", &sums.shape(), Init::Zeros);
        step.scope.assign("sums", total + sums);
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let shape = at.layout.range("w3").map_or([1, 1], |range| [range.shape[1], range.shape[0]]);
        let sums = at.scope.slot("sums", &shape, Init::Zeros);
        at.scope.kept("means", &shape, Init::Zeros);
        at.scope.assign("means", directions(sums));
        at.scope.assign("sums", at.scope.graph().full(&shape, 0.0));
        theta
    }
}

impl Readout for Means {
    /// −‖φ − μ_c‖²; −1e30 for a class without exemplars, whose mean is 0.
    fn scores<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let features = directions(step.forward.features);
        let outputs = step.forward.logits.shape()[1];
        let (rows, width) = (features.shape()[0], features.shape()[1]);
        let means = step.scope.kept("means", &[outputs, width], Init::Zeros);
        let squares = |x: Var<'g>| x.square().sum_axis(1);
        let distance = squares(features).reshape(&[rows, 1]) + squares(means)
            - 2.0 * features.matmul(means.t());
        let nothing = step.graph().full(&[rows, outputs], -1e30);
        squares(means).expand(&[rows, outputs]).select(-distance, nothing)
    }
}

mod tests {
    use super::*;
    use crate::common::Setup;
    use crate::golden::{assert_close, flat, floats, golden, labels, numbers, read, write};
    use crate::seen::{Seen, pixels, slot};
    use crate::singles::{population_is_singles, resume_is_whole};
    use crate::slow::{Weights, relu};
    use cl_core::{Batch, Trial, run};
    use cl_nn::{Mlp, Sgd};
    use cl_scenarios::digits;
    use cl_tensor::Session;
    use std::sync::{Arc, Mutex};

    const ICARL: Icarl = Icarl { per_class: 10, means: Means };

    fn trial<'s>(strategy: &'s dyn Strategy, inputs: &Value, rows: usize) -> Trial<'s> {
        let network = Box::new(Mlp::new(&[6, 5, 4, 4]).unwrap());
        let mut trial = Trial::new(strategy, network, &Sgd::new(0.1), (rows, 2), false).unwrap();
        write(&mut trial, "theta", &inputs["params"]);
        trial
    }

    #[test]
    fn loss_and_gradient_are_those_of_the_published_code() {
        let golden = golden("icarl_loss");
        let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
        let batch = Batch::mean(floats(&inputs["x"]), labels(&inputs["y"]), 1);
        let contexts = ["first_context_no_distillation", "second_context_with_distillation"];
        for (key, old) in contexts.into_iter().zip([[0.0; 4], [1.0, 1.0, 0.0, 0.0]]) {
            let strategy = (ICARL, Seen(|_, taken| vec![("gradient", taken.task_gradient)]));
            let mut trial = trial(&strategy, inputs, batch.target.len());
            write(&mut trial, "icarl/teacher", &inputs["teacher_params"]);
            trial.session.write("icarl/old", 0, &old).unwrap();
            let loss = trial.step(&batch).unwrap();
            assert_close(&[f64::from(loss)], &numbers(&expected[key]["loss"]), 1e-5);
            let gradient = flat(&trial, &expected[key]["grad"]);
            assert_close(&read(&trial, "seen/gradient"), &gradient, 1e-5);
        }
    }

    #[test]
    fn exemplars_are_herded_in_the_published_order() {
        let golden = golden("icarl_herding");
        let features: Vec<Vec<f32>> =
            golden["inputs"]["features"].as_array().unwrap().iter().map(floats).collect();
        let features: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let order: Vec<u32> = herd(&features, 5).into_iter().map(|i| i as u32).collect();
        assert_eq!(order, labels(&golden["expected"]["normalised"]["order"]));
    }

    #[test]
    fn scores_are_distances_to_the_published_means_of_exemplars() {
        let golden = golden("icarl_herding");
        let (inputs, expected) = (&golden["inputs"], &golden["expected"]["nearest_mean"]);
        let x = floats(&inputs["x"]);
        let rows = x.len() / 6;
        let mut kept = Vec::new();
        for (class, images) in inputs["exemplars_per_class"].as_array().unwrap().iter().enumerate()
        {
            for image in floats(images).chunks(6) {
                // A chunk of one row, the rest padding.
                let x = [image, &vec![0.0; 6 * (rows - 1)]].concat();
                let mut chunk = Batch::mean(x, vec![class as u32; rows], 0);
                chunk.weight[1..].fill(0.0);
                kept.push(chunk);
            }
        }
        let mut trial = trial(&ICARL, inputs, rows);
        let batch = Batch::mean(x, vec![0; rows], 0);
        for _ in 0..2 {
            // Computed anew each time: the sums of the first evaluation are gone.
            let scores = trial.scores(&batch, &kept).unwrap();
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            assert_close(&scores, &numbers(&expected["normalised"]["scores"]), 1e-5);
            let means = &expected["normalised"]["class_means"];
            assert_close(&read(&trial, "icarl/means"), &numbers(means), 1e-5);
        }
        let scores = trial.scores(&batch, &[]).unwrap();
        assert!(scores.iter().all(|&score| score == -1e30), "no exemplars, no scores");
    }

    /// Writes down the rows of the stream of every step.
    #[derive(Default)]
    struct Watch(Arc<Mutex<Steps>>);

    type Steps = Vec<(Now, Vec<Row>)>;

    impl Strategy for Watch {
        fn name(&self) -> String {
            "watch".to_owned()
        }
        fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
            parts.rehearse(|_| Ok(Box::new(Self(Arc::clone(&self.0)))));
        }
    }

    impl Rehearse for Watch {
        fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
            self.0.lock().unwrap().push((now, rows.to_vec()));
            Ok(())
        }
        fn peak_bytes(&self) -> u64 {
            0
        }
        fn save(&self) -> Result<Value, Error> {
            Ok(Value::Null)
        }
        fn restore(&mut self, _: &Value) -> Result<(), Error> {
            Ok(())
        }
    }

    #[test]
    fn exemplars_are_drawn_like_rows_of_the_stream() {
        let strategy = (Icarl { per_class: 20, ..ICARL }, Watch::default());
        let setup = Setup { contexts: 2, steps: 60, ..Setup::default() };
        let mut learner = setup.learner(&strategy).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let all = learner.stream(0).train(1).len() + 5 * 20;
        let steps = strategy.1.0.lock().unwrap().clone();
        let pass = steps.iter().filter(|(now, _)| now.stage == 1).take(all / 16);
        let drawn: Vec<Row> = pass.flat_map(|(_, rows)| rows).copied().collect();
        assert_eq!(drawn.len(), all / 16 * 16);
        let mut old: Vec<Row> = drawn.into_iter().filter(|row| row.context == 0).collect();
        let count = old.len();
        old.sort_unstable_by_key(|row| (row.label, row.example));
        old.dedup();
        assert_eq!(count, old.len(), "no exemplar twice in a pass");
        assert!(count + all % 16 >= 100 && count <= 100, "{count} of 100 exemplars");
        assert!(
            steps
                .iter()
                .filter(|(now, _)| now.stage == 0)
                .flat_map(|(_, rows)| rows)
                .all(|row| row.context == 0)
        );
    }

    /// The last context's exemplars, chosen with the theta that the run ends with.
    #[test]
    fn exemplars_are_the_herd_of_the_features_that_the_network_has() {
        let mut learner = Setup::default().learner(&ICARL).unwrap();
        run(&mut learner, &mut ()).unwrap();
        let theta = slot(&mut learner, "theta");
        let (data, stream) = (digits(), learner.stream(0));
        let net = Weights(&learner.model().layout, &theta);
        let mut expected = Vec::new();
        let mut classes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &example in stream.train(4) {
            let label = stream.target(4, data.labels[example as usize]);
            classes.entry(label).or_default().push(example);
        }
        for (label, examples) in classes {
            let pixels = |&example: &u32| pixels(example).into_iter().map(f64::from).collect();
            let x: Vec<Vec<f64>> = examples.iter().map(pixels).collect();
            let hidden = relu(net.dense(&relu(net.dense(&x, "w1", "b1")), "w2", "b2"));
            let features: Vec<Vec<f32>> =
                hidden.iter().map(|row| row.iter().map(|&x| x as f32).collect()).collect();
            let features: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
            let chosen = herd(&features, 10).into_iter();
            expected.extend(chosen.map(|i| Row { example: examples[i], label, context: 4 }));
        }
        let saved: Value = learner.save().unwrap().host(0).unwrap();
        let kept: Vec<Row> = from_state("exemplars", &saved["memories"][0][1]).unwrap();
        assert_eq!(kept.len(), 100);
        assert_eq!(kept[80..], expected);
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        population_is_singles(&Setup::default(), &ICARL);
        resume_is_whole(&Setup::default(), &ICARL, &[3, 8, 13]);
    }
}
