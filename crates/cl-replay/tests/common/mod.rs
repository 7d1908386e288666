//! A small stream whose examples can be told apart on the device, and a strategy that writes down
//! every row of every step.
#![allow(clippy::unwrap_used, dead_code)] // each test binary uses a part

use cl_buffers::RowSize;
use cl_core::{
    Fill, Learner, Member, Mix, Now, Parts, Rehearse, Row, Settings, Share, Step, Strategy, Taken,
    Track, run,
};
use cl_nn::{Mlp, Sgd};
use cl_scenarios::{
    ContextStream, Dataset, Part, Parts as Split, Protocol, Scenario, Stream, StreamSpec,
};
use cl_tensor::Init;

/// Training examples of each of the 6 classes.
pub(crate) const EACH: usize = 20;
pub(crate) const SEED: u64 = 3;

/// 6 classes of 20 training and 2 test examples, of 2x2 pixels; the first pixel is the example's
/// index, so that x · 128 tells which one it is.
pub(crate) fn tiny() -> Dataset {
    let examples = 6 * (EACH + 2);
    let images: Vec<u8> = (0..examples)
        .flat_map(|i| [i as u8, (i % 6 * 20) as u8, (i * 7 % 128) as u8, 64])
        .collect();
    let labels: Vec<u8> = (0..examples).map(|i| (i % 6) as u8).collect();
    let parts = Split {
        train: (0..6 * EACH as u32).collect(),
        test: (6 * EACH as u32..examples as u32).collect(),
        ..Split::default()
    };
    Dataset::new("tiny", (2, 2), 6, 1.0 / 128.0, images, labels, parts).unwrap()
}

/// 3 contexts of 2 classes each.
pub(crate) fn stream(scenario: Scenario) -> ContextStream {
    let spec = StreamSpec {
        protocol: Protocol::Split,
        scenario,
        contexts: 3,
        seed: SEED,
        part: Part::Final,
        pad: 0,
    };
    spec.build(&tiny()).unwrap()
}

/// The training rows of a context.
pub(crate) fn rows_of(stream: &dyn Stream, context: usize) -> Vec<Row> {
    let data = tiny();
    let row = |&example: &u32| Row {
        example,
        label: stream.target(context, data.labels[example as usize]),
        context: context as u32,
    };
    stream.train(context).iter().map(row).collect()
}

pub(crate) fn member(stream: &dyn Stream, batch: usize) -> Member<'_> {
    let row_size = RowSize::new(4, stream.outputs() as u32);
    Member { seed: SEED, stream, row_size, batch, classes: 6, classes_per_context: 2 }
}

/// What a memory fills into a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filled {
    pub share: Share,
    /// All its rows, of which some may have weight 0.
    pub entries: Vec<Entry>,
    pub cells: Vec<u32>,
    pub stored: Vec<u32>,
}

/// Lets a memory fill in a step whose rows of the stream are `current`, as the loop would.
pub(crate) fn fill(memory: &mut dyn Rehearse, now: Now, current: &[Row]) -> Filled {
    let count = memory.rows();
    let mut rows = vec![Row { example: 0, label: 0, context: 0 }; count];
    let (mut weights, mut cells) = (vec![0.0; count], vec![u32::MAX; count]);
    let mut stored = vec![u32::MAX; current.len()];
    let mut fill =
        Fill { rows: &mut rows, weights: &mut weights, cells: &mut cells, stored: &mut stored };
    let share = memory.fill(now, current, &mut fill).unwrap();
    let entry = |(row, weight)| Entry { row, weight };
    Filled { share, entries: rows.into_iter().zip(weights).map(entry).collect(), cells, stored }
}

/// One row of one step, as the device or the loop saw it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub row: Row,
    pub weight: f32,
}

/// Every row of every step of a run.
pub(crate) struct Log {
    /// `[steps][rows]`, the stream's rows.
    pub current: Vec<Vec<Entry>>,
    /// `[steps][rows]`, the replayed rows, of which some may have weight 0.
    pub replayed: Vec<Vec<Entry>>,
    pub bytes_kept: u64,
}

/// Runs a strategy on [`stream`] and writes down what it is trained on.
pub(crate) fn log(
    strategy: &dyn Strategy,
    scenario: Scenario,
    mix: Mix,
    steps: u32,
    batch: usize,
) -> Result<Log, String> {
    let watched = Watched { strategy, steps: 3 * steps as usize };
    let stream = stream(scenario);
    let network = Box::new(Mlp::new(&[4, 5, stream.outputs()]).unwrap());
    let settings = Settings { mix, ..Settings::new(steps, batch, Box::new(Sgd::new(0.01))) };
    let data = tiny();
    let mut learner =
        Learner::new(&watched, &data, vec![(SEED, Box::new(stream))], network, settings)
            .map_err(|error| error.to_string())?;
    run(&mut learner, &mut ()).map_err(|error| error.to_string())?;
    let bytes_kept = learner.bytes_kept();
    let [example, label, context, weight] = ["example", "label", "context", "weight"]
        .map(|slot| learner.session().read(&format!("watched/{slot}"), 0).unwrap());
    let rows = weight.len() / watched.steps;
    let entry = |at: usize| Entry {
        row: Row {
            example: example[at] as u32,
            label: label[at] as u32,
            context: context[at] as u32,
        },
        weight: weight[at],
    };
    let part = |from: usize, to: usize| {
        (0..watched.steps).map(|s| (s * rows + from..s * rows + to).map(entry).collect()).collect()
    };
    Ok(Log { current: part(0, batch), replayed: part(batch, rows), bytes_kept })
}

struct Watched<'a> {
    strategy: &'a dyn Strategy,
    steps: usize,
}

impl Strategy for Watched<'_> {
    fn name(&self) -> String {
        "watched".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.strategy(self.strategy);
        parts.track(self);
    }
}

impl Track for Watched<'_> {
    fn update<'g>(&self, step: &Step<'_, 'g>, _: &Taken<'g>) {
        let rows = step.weight.len();
        let at = step.scope.slot("at", &[], Init::Zeros);
        step.scope.assign("at", at + 1.0);
        let all: Vec<f32> = (0..self.steps).map(|step| step as f32).collect();
        let all = step.scope.slot("all", &[self.steps, 1], Init::Values(all.into()));
        let here = all.equal(at);
        let example = step.x.slice(1, 0..1).reshape(&[rows]) * 128.0;
        let seen = [
            ("example", example),
            ("label", step.target.to_float()),
            ("context", step.context.to_float()),
            ("weight", step.weight),
        ];
        for (name, value) in seen {
            let history = step.scope.slot(name, &[self.steps, rows], Init::Zeros);
            step.scope.assign(name, history + here * value.reshape(&[1, rows]));
        }
    }
}

/// Fails with a message unless it holds.
pub(crate) fn expect(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

pub(crate) fn near(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() < 1e-6
}
