//! GDumb (Prabhu et al. 2020): sample greedily while rows pass by, then train afresh on the sample.

use crate::common::Setup;
use crate::guarantees::{Path, population_is_singles_and_resume_is_whole};
use crate::slow::pixels;
use cl_buffers::Sweep;
use cl_core::{
    Batch, Error, Fill, Length, Naive, Now, Parts, Phase, PhaseContext, Phases, Rehearse, Reports,
    Row, Share, Source, Start, Strategy, Trial, from_state, to_state,
};
use cl_nn::{Mlp, Schedule, Sgd};
use cl_random::{Address, Purpose};
use cl_tensor::Session;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Arc, Mutex};

const BATCH: usize = 8;
const FIT: Schedule = Schedule::Cosine { warmup: 0, steps: 12, floor: 0.01 };
const SGD: Sgd = Sgd { lr: 0.05, momentum: 0.9, nesterov: false, weight_decay: 1e-6 };

/// Member and rows of every step of training.
type Log = Arc<Mutex<Vec<(Now, Vec<Row>)>>>;

/// A buffer of so many rows, by seed; what is trained on after it was sampled.
struct Gdumb {
    capacity: fn(u64) -> usize,
    fit: Source,
    log: Log,
}

fn gdumb() -> Gdumb {
    let capacity = |seed| 20 + 9 * (seed as usize % 3);
    Gdumb { capacity, fit: Source::Memory, log: Log::default() }
}

impl Strategy for Gdumb {
    fn name(&self) -> String {
        "gdumb".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.phases(self).rehearse(|member| {
            let (capacity, log) = ((self.capacity)(member.seed), self.log.clone());
            Ok(Box::new(Greedy { capacity, kept: Vec::new(), sweep: Sweep::new(), log }))
        });
    }
}

impl Phases for Gdumb {
    fn phases(&self, context: PhaseContext) -> Vec<Phase> {
        let sample = Phase { cycle: Vec::new(), ..Phase::stream("sample", context.steps) };
        let fit = Phase {
            rows: self.fit,
            length: Length::Passes(3),
            optimizer: Some(Arc::new(SGD)),
            schedule: Some(FIT),
            start: Start::Network,
            ..Phase::stream("fit", 0)
        };
        vec![sample, fit]
    }
}

/// At most capacity / classes seen of each class; a new row takes the place of one of the largest.
#[derive(Serialize, Deserialize)]
struct Greedy {
    capacity: usize,
    kept: Vec<Row>,
    sweep: Sweep,
    #[serde(skip)]
    log: Log,
}

impl Rehearse for Greedy {
    fn rows(&self) -> usize {
        BATCH
    }
    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let positions: Vec<u32> = (0..self.kept.len() as u32).collect();
        let address = Address::new(now.seed, Purpose::REPLAY).context(now.stage);
        self.sweep.fill(&positions, address, fill.cells);
        for (row, &cell) in fill.rows.iter_mut().zip(&*fill.cells) {
            *row = self.kept[cell as usize];
        }
        fill.weights.fill(1.0 / BATCH as f32);
        self.log.lock().unwrap().push((now, fill.rows.to_vec()));
        Ok(Share::Joined(1.0))
    }
    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        let address = Address::new(now.seed, Purpose::STORE).context(now.stage).step(now.step);
        for (ordinal, row) in (0..).zip(rows) {
            let of = |label| self.kept.iter().filter(|kept| kept.label == label).count();
            let (classes, own) = ((0..10).filter(|&c| of(c) > 0 || c == row.label), of(row.label));
            if self.kept.contains(row) || own >= self.capacity / classes.count() {
                continue;
            }
            if self.kept.len() == self.capacity {
                let largest = (0..10).max_by_key(|&label| of(label)).unwrap_or(0);
                let nth = address.ordinal(ordinal).rng().below(of(largest) as u32) as usize;
                let place = self.kept.iter().enumerate().filter(|(_, kept)| kept.label == largest);
                let place = place.map(|(place, _)| place).nth(nth).unwrap();
                self.kept.remove(place);
            }
            self.kept.push(*row);
        }
        Ok(())
    }
    fn kept(&self) -> &[Row] {
        &self.kept
    }
    fn peak_bytes(&self) -> u64 {
        (self.capacity * 65) as u64
    }
    fn save(&self) -> Result<Value, Error> {
        to_state("gdumb", self)
    }
    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let log = self.log.clone();
        *self = Self { log, ..from_state("gdumb", state)? };
        Ok(())
    }
}

#[test]
fn after_each_context_theta_is_that_of_a_run_from_scratch_on_the_buffer_alone() {
    let gdumb = gdumb();
    let setup = Setup { seeds: &[2, 3, 4], ..Setup::default() };
    let mut learner = setup.learner(&gdumb).unwrap();
    let path = Path::of(&mut learner, &["theta"]);
    let log = gdumb.log.lock().unwrap();
    let mut lengths = Vec::new();
    for (member, &seed) in setup.seeds.iter().enumerate() {
        for stage in 0..5 {
            let network = Box::new(Mlp::new(&[64, 24, 20, 10]).unwrap());
            let mut trial = Trial::new(&Naive, network, &SGD, (BATCH, 5), false).unwrap();
            trial.session.write("theta", 0, path.slot(0, member, "theta")).unwrap();
            let own = log.iter().filter(|(now, _)| (now.seed, now.stage) == (seed, stage));
            let own: Vec<&Vec<Row>> = own.map(|(_, rows)| rows).collect();
            for (step, rows) in own.iter().enumerate() {
                let rate = SGD.lr as f32 * FIT.factor(step as u32) as f32;
                trial.session.write("optimizer/lr", 0, &[rate]).unwrap();
                let x = pixels(rows.iter().map(|row| row.example));
                let target = rows.iter().map(|row| row.label).collect();
                trial.step(&Batch::mean(x, target, stage)).unwrap();
            }
            let end = path.progress.iter().rposition(|&(at, ..)| at == stage as usize).unwrap();
            let expected = trial.session.read("theta", 0).unwrap();
            assert!(path.slot(end, member, "theta") == expected, "seed {seed}, stage {stage}");
            lengths.push(own.len());
        }
    }
    // 3 passes over 38, 20 and 29 rows in batches of 8.
    assert_eq!([lengths[4], lengths[9], lengths[14]], [15, 9, 12]);
}

#[test]
fn gdumb_keeps_its_guarantees_while_members_with_small_buffers_idle() {
    // In the sample, at its end, while all train, while one does alone, between contexts.
    let cuts = [4, 8, 12, 20, 23, 24, 27, 60];
    population_is_singles_and_resume_is_whole(&Setup::default(), &gdumb(), cuts);
    // Passes that were counted when the phase began, over a buffer that grows in it.
    let growing = Gdumb { capacity: |_| 400, fit: Source::Stream, ..gdumb() };
    population_is_singles_and_resume_is_whole(&Setup::default(), &growing, [9, 30]);
}
