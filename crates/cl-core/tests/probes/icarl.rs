//! iCaRL: exemplars by herding, binary distillation; its read-out is in `nearest_mean`.

use crate::nearest_mean::NearestMean;
use cl_buffers::herd;
use cl_core::{
    Boundary, Consolidate, Criterion, Error, Now, Parts, Pass, Rehearse, Reports, Row, Step,
    Strategy, from_state, to_state,
};
use cl_nn::losses;
use cl_tensor::{Init, Var};
use serde_json::Value;
use std::collections::BTreeMap;

/// Rebuffi et al. 2017 (arXiv 1611.07725), with the temperature of van de Ven's code.
struct Icarl {
    per_class: usize,
    readout: NearestMean,
}

impl Strategy for Icarl {
    fn name(&self) -> String {
        "icarl".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let per_class = self.per_class;
        parts.rehearse(move |_| Ok(Box::new(Exemplars { per_class, rows: Vec::new() })));
        parts.criterion(self).consolidate(self);
        parts.consolidate(&self.readout).readout(&self.readout);
    }
}

impl Criterion for Icarl {
    /// Σ_c BCE(z_c, t_c): t = σ(teacher's z / 2) where class c was seen before, else one-hot.
    fn rows<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let shape = step.forward.logits.shape();
        let old = step.scope.kept("old", &shape[1..], Init::Zeros);
        let teacher = step.forward_with(step.frozen("teacher").flat).logits;
        let soft = (teacher / step.scope.hyper("temperature", 2.0)).sigmoid();
        let targets = old.expand(&shape).select(soft, step.target.one_hot(shape[1]));
        losses::binary_cross_entropy_with_logits(step.active_logits(), targets)
    }
}

impl Consolidate for Icarl {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }
    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        // How often each class was seen; padding has weight 0.
        let one_hot = step.target.one_hot(step.forward.logits.shape()[1]);
        step.scope.accumulate("old", (one_hot * step.weight.column()).sum_axis(0));
        step.report("features", step.forward.features);
    }
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        at.freeze("teacher", theta);
        theta
    }
}

struct Exemplars {
    per_class: usize,
    rows: Vec<Row>,
}

impl Rehearse for Exemplars {
    fn end_context(&mut self, _: Now, _: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        let features = reports.get("features").unwrap();
        let width = features.len() / reports.rows().len();
        let mut classes: BTreeMap<u32, (Vec<Row>, Vec<f32>)> = BTreeMap::new();
        for (row, features) in reports.rows().iter().zip(features.chunks(width)) {
            let (rows, of_class) = classes.entry(row.label).or_default();
            rows.push(*row);
            of_class.extend(features);
        }
        for (rows, features) in classes.values() {
            let chosen = herd(features, width, self.per_class).into_iter();
            self.rows.extend(chosen.map(|i| rows[i]));
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

mod tests {
    use super::*;
    use crate::common::Setup;
    use crate::golden::{assert_close, flat, floats, golden, labels, numbers, read, write};
    use crate::guarantees::population_is_singles_and_resume_is_whole;
    use crate::seen::{Seen, slot};
    use crate::slow::{Weights, pixels, wide};
    use cl_core::{Batch, Trial, run};
    use cl_nn::{Mlp, Sgd};
    use cl_scenarios::digits;
    use cl_tensor::Session;
    use std::sync::{Arc, Mutex};

    const ICARL: Icarl = Icarl { per_class: 10, readout: NearestMean { memory: "icarl" } };

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
            assert_close(&wide(&scores), &numbers(&expected["normalised"]["scores"]), 1e-5);
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
            let of = |&example: &u32| net.forward(&wide(&pixels([example]))).swap_remove(2);
            let features: Vec<f32> =
                examples.iter().flat_map(of).map(|feature| feature as f32).collect();
            let chosen = herd(&features, 20, 10).into_iter();
            expected.extend(chosen.map(|i| Row { example: examples[i], label, context: 4 }));
        }
        let saved: Value = learner.save().unwrap().host(0).unwrap();
        let kept: Vec<Row> = from_state("exemplars", &saved["memories"][0][1]).unwrap();
        assert_eq!(kept.len(), 100);
        assert_eq!(kept[80..], expected);
    }

    #[test]
    fn populations_are_singles_and_a_resumed_run_is_the_whole() {
        population_is_singles_and_resume_is_whole(&Setup::default(), &ICARL, [3, 8, 14]);
    }
}
