//! DER (Buzzega et al. 2020): what is kept beside a row is written at the step that stores it.

use crate::common::Setup;
use crate::golden::assert_close;
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use crate::slow::{Weights, pixels, wide};
use cl_core::{
    Error, Fill, Now, Parts, Penalty, Rehearse, Row, Share, Step, Strategy, from_state, to_state,
};
use cl_nn::losses::{mse, weighted_sum};
use cl_random::{Address, Purpose};
use cl_tensor::{Init, Var};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// L = CE + α Σ_memory w · mean_c (z − z_stored)²; z is stored before the step.
struct Der {
    alpha: f32,
    capacity: usize,
}

impl Strategy for Der {
    fn name(&self) -> String {
        "der".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        let capacity = self.capacity;
        parts.penalty(self).rehearse_apart("memory", move |_| {
            Ok(Box::new(Reservoir { capacity, seen: 0, kept: Vec::new(), since: Vec::new() }))
        });
    }
}

impl Penalty for Der {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let outputs = step.forward.logits.shape()[1];
        let stored = step.scope.kept("logits", &[self.capacity, outputs], Init::Zeros);
        let now = step.forward.logits.slice(0, step.stream_rows());
        step.scope.assign_rows("logits", step.stored("memory"), now);

        let memory = step.rows("memory");
        let then = stored.gather(step.cells("memory"));
        let alpha = step.scope.hyper("alpha", self.alpha);
        alpha * weighted_sum(mse(memory.forward.logits, then), memory.weight)
    }
}

/// Algorithm R; where rows go is decided before the step, so that the step can write there.
#[derive(Serialize, Deserialize)]
struct Reservoir {
    capacity: usize,
    seen: u32,
    kept: Vec<Row>,
    /// How many rows had passed before each kept one.
    since: Vec<u32>,
}

impl Rehearse for Reservoir {
    fn rows(&self) -> usize {
        16
    }
    fn fill(&mut self, now: Now, current: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let address = |purpose| Address::new(now.seed, purpose).context(now.stage).step(now.step);
        let mut rng = address(Purpose::REPLAY).rng();
        let held = self.kept.len() as u32;
        for i in 0..if held == 0 { 0 } else { fill.rows.len() } {
            let cell = rng.below(held);
            (fill.rows[i], fill.cells[i]) = (self.kept[cell as usize], cell);
            fill.weights[i] = 1.0 / fill.weights.len() as f32;
        }
        for (i, &row) in current.iter().enumerate() {
            let room = (self.seen as usize) < self.capacity;
            let drawn = address(Purpose::STORE).ordinal(i as u32).rng().below(self.seen + 1);
            let cell = if room { self.seen } else { drawn };
            if room {
                self.kept.push(row);
                self.since.push(self.seen);
            }
            if (cell as usize) < self.capacity {
                // The last writer of a cell stays.
                fill.stored[..i].iter_mut().filter(|s| **s == cell).for_each(|s| *s = u32::MAX);
                (self.kept[cell as usize], self.since[cell as usize]) = (row, self.seen);
                fill.stored[i] = cell;
            }
            self.seen += 1;
        }
        Ok(Share::Joined(1.0))
    }
    fn kept(&self) -> &[Row] {
        &self.kept
    }
    fn peak_bytes(&self) -> u64 {
        (self.kept.len() * 65) as u64
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("der", self)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        *self = from_state("der", state)?;
        Ok(())
    }
}

#[test]
fn stored_logits_are_those_of_the_network_that_saw_the_row() {
    let (setup, der) = (Setup::default(), Der { alpha: 0.5, capacity: 40 });
    let mut learner = setup.learner(&der).unwrap();
    let path = Path::of(&mut learner, &["theta", "der/logits"]);
    let host: Value = learner.save().unwrap().host(0).unwrap();
    let memory: Reservoir = from_state("der", &host["memories"][0][1]).unwrap();
    assert_eq!((memory.kept.len(), memory.seen as usize), (40, path.steps() * setup.batch));
    let stored = path.slot(path.steps(), 0, "der/logits");
    let mut steps = Vec::new();
    for ((row, &since), stored) in memory.kept.iter().zip(&memory.since).zip(stored.chunks(10)) {
        let step = since as usize / setup.batch;
        let theta = wide(path.slot(step, 0, "theta"));
        let net = Weights(&learner.model().layout, &theta);
        assert_close(&wide(stored), &net.forward(&wide(&pixels([row.example])))[3], 1e-5);
        steps.push(step);
    }
    steps.sort_unstable();
    steps.dedup();
    assert!(steps.len() > 10, "rows of many steps stay: {steps:?}");
}

#[test]
fn der_keeps_its_guarantees() {
    let der = Der { alpha: 0.5, capacity: 40 };
    population_is_singles_and_resume_is_whole(&Setup::default(), &der, [1, 5, 8, 9, 20]);
}
