//! What replay costs: an ER step against the plain step, and what memories of a million rows take per row.
//!
//! MLP 784-400-400-10, Adam, one thread, 128 rows of the stream and 128 replayed. The plain step at 128 rows
//! times all rows / current rows is what the ER step may cost, plus 5 %; a plain step at 256 rows stands
//! beside it. Steps take turns, many rounds; figures are medians. These are recorded programs alone, with
//! rows that are there. Beside them whole runs, two contexts of random images of 28 x 28 bytes: the stream's
//! draw, the memory's draw and fill, decoding and the boundary are in those; runs take turns, figures are
//! the median of training seconds / steps.
//!
//! Memories: inserts in offers of 128 rows into a full memory of 10^6 rows, draws of 128 rows from it. What
//! chooses when a context ends is offered five contexts of 400,000 rows, 2 x 10^6 in all, each as a whole;
//! herding's order, which is worked out before, is not measured. A sweep makes two passes over 10^6 rows, so
//! that two shuffles are in its draws.
#![allow(missing_docs, clippy::unwrap_used)]

use cl_buffers::{
    Admit, Buffer, ClassBalanced, ContextBalanced, Evict, Greedy, Group, Groups, Herding, Policy,
    Quota, Reservoir, Ring, Row, RowSize, Sweep,
};
use cl_core::{Batch, Learner, Naive, Replayed, Settings, Strategy, Trial, run};
use cl_nn::{Adam, Mlp};
use cl_random::{Address, Purpose};
use cl_replay::{ExperienceReplay, ReservoirReplay};
use cl_scenarios::{Dataset, Part, Parts, Protocol, Scenario, Stream, StreamSpec};
use std::hint::black_box;
use std::time::Instant;

const ROWS: usize = 128;
const ROUNDS: usize = 200;
const WARM_UP: usize = 20;
const MEMORY: u32 = 1_000_000;
const RUNS: usize = 9;
const STEPS: u32 = 40;

fn main() {
    steps();
    runs();
    memories();
}

fn batch(rows: usize) -> Batch {
    let x = (0..rows * 784).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
    Batch::mean(x, (0..rows as u32).map(|row| row % 10).collect(), 0)
}

fn steps() {
    let er = ExperienceReplay::default();
    let (half, whole) = (batch(ROWS), batch(2 * ROWS));
    let trial = |strategy, rows, memories: &[(&str, usize)]| {
        let network = Box::new(Mlp::new(&[784, 400, 400, 10]).unwrap());
        let adam = Adam::new(1e-3);
        Trial::with_memories(strategy, network, &adam, (rows, 5), false, memories).unwrap()
    };
    let naive: &dyn Strategy = &Naive;
    let mut trials = [
        trial(naive, ROWS, &[]),
        trial(naive, 2 * ROWS, &[]),
        trial(&er, 2 * ROWS, &[("er", ROWS)]),
    ];
    let replayed =
        Replayed { rows: None, cells: vec![u32::MAX; ROWS], stored: vec![u32::MAX; ROWS] };
    let mut times: [Vec<f64>; 3] = Default::default();
    for round in 0..WARM_UP + ROUNDS {
        for (kind, (trial, times)) in trials.iter_mut().zip(&mut times).enumerate() {
            let memories = [("er", replayed.clone())];
            let start = Instant::now();
            match kind {
                0 => trial.step(&half).unwrap(),
                1 => trial.step(&whole).unwrap(),
                _ => trial.step_with(&whole, &memories).unwrap(),
            };
            if round >= WARM_UP {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let [plain, double, er] = times.map(median);
    println!("one step, 1 thread, median of {ROUNDS} interleaved rounds:");
    println!("  none, {ROWS} rows          {plain:7.3} ms");
    println!("  none, {} rows          {double:7.3} ms", 2 * ROWS);
    println!("  er, {ROWS} + {ROWS} rows      {er:7.3} ms");
    println!("  er / (2 x none) = {:.3}; limit 1.05", er / (2.0 * plain));
}

/// 6,000 random images of ten classes, 40 of them for tests.
fn images() -> Dataset {
    const EXAMPLES: u32 = 6000;
    let images: Vec<u8> = (0..EXAMPLES * 784).map(|i| (i.wrapping_mul(7919) >> 5) as u8).collect();
    let labels: Vec<u8> = (0..EXAMPLES).map(|i| (i % 10) as u8).collect();
    let (test, train) = ((0..40).collect(), (40..EXAMPLES).collect());
    let parts = Parts { train, validation: Vec::new(), test };
    Dataset::new("random", (28, 28), 10, 1.0 / 255.0, images, labels, parts).unwrap()
}

/// Steps of whole runs: with the draws and fills that memories make for them.
fn runs() {
    let data = images();
    let (er, reservoir) = (ExperienceReplay::default(), ReservoirReplay::default());
    let ms = |strategy: &dyn Strategy| {
        let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
        let spec = StreamSpec { protocol, scenario, contexts: 2, seed: 2, part, pad: 0 };
        let stream: Box<dyn Stream> = Box::new(spec.build(&data).unwrap());
        let network = Box::new(Mlp::new(&[784, 400, 400, 10]).unwrap());
        let settings = Settings::new(STEPS, ROWS, Box::new(Adam::new(1e-3)));
        let mut learner =
            Learner::new(strategy, &data, vec![(2, stream)], network, settings).unwrap();
        let seconds = run(&mut learner, &mut ()).unwrap()[0].train_seconds;
        seconds * 1e3 / f64::from(2 * STEPS)
    };
    let all: [&dyn Strategy; 3] = [&Naive, &er, &reservoir];
    let mut times: [Vec<f64>; 3] = Default::default();
    for _ in 0..RUNS {
        all.iter().zip(&mut times).for_each(|(strategy, times)| times.push(ms(*strategy)));
    }
    let [plain, er, reservoir] = times.map(median);
    println!(
        "one step of a run, draws, fills and decoding with it, median of {RUNS} runs in turn:"
    );
    println!("  none, {ROWS} rows                {plain:7.3} ms");
    for (name, time) in [("er", er), ("er-reservoir", reservoir)] {
        let ratio = time / (2.0 * plain);
        let name = format!("{name}, {ROWS} + {ROWS} rows");
        println!("  {name:<28} {time:9.3} ms; / (2 x none) = {ratio:.3}; limit 1.05");
    }
}

fn row(example: u32) -> Row {
    Row { example, label: example % 10, context: example / (MEMORY / 4) % 5 }
}

/// Fills a memory and then offers as many rows again.
fn insert<P: Policy>(name: &str, policy: P) -> Buffer<P> {
    let mut buffer = Buffer::new(u64::from(MEMORY) * 785, RowSize::new(784, 10), policy).unwrap();
    let mut groups = Groups::new(Group::Context);
    let address = Address::new(1, Purpose::STORE);
    let rows: Vec<Row> = (0..2 * MEMORY).map(row).collect();
    let offer = |rows: &[Row], buffer: &mut Buffer<P>, groups: &mut Groups| {
        let start = Instant::now();
        for rows in rows.chunks(ROWS) {
            buffer.offer(rows, address).unwrap();
            buffer.written().iter().for_each(|(position, row)| groups.set(*position, row));
        }
        start.elapsed().as_secs_f64() * 1e9 / rows.len() as f64
    };
    let (first, second) = rows.split_at(MEMORY as usize);
    let filling = offer(first, &mut buffer, &mut groups);
    let full = offer(second, &mut buffer, &mut groups);
    println!("  insert, {name:<24} {filling:6.1} ns per row while it fills, {full:6.1} when full");
    draws(&groups);
    buffer
}

/// Offers five contexts of 400,000 rows, each when it ends.
fn insert_contexts<P: Policy>(name: &str, policy: P) {
    let mut buffer = Buffer::new(u64::from(MEMORY) * 785, RowSize::new(784, 10), policy).unwrap();
    let address = Address::new(1, Purpose::STORE);
    let each = 2 * MEMORY / 5;
    let contexts: Vec<Vec<Row>> = (0..5)
        .map(|context| {
            let row =
                |i: u32| Row { example: context * each + i, label: 2 * context + i % 2, context };
            (0..each).map(row).collect()
        })
        .collect();
    let start = Instant::now();
    for rows in &contexts {
        buffer.offer(rows, address).unwrap();
    }
    let time = start.elapsed().as_secs_f64() * 1e9 / f64::from(5 * each);
    let kept = buffer.len();
    println!("  insert, {name:<24} {time:6.1} ns per row offered; {kept} are kept");
    draws(&Groups::of(Group::Context, buffer.rows()));
}

/// Two shuffled passes over a memory.
fn sweep() {
    let group: Vec<u32> = (0..MEMORY).collect();
    let (mut sweep, mut batch) = (Sweep::new(), [0; ROWS]);
    let draws = 2 * MEMORY / ROWS as u32;
    let address = Address::new(1, Purpose::REPLAY);
    let start = Instant::now();
    for _ in 0..draws {
        sweep.fill_within_pass(&group, address, black_box(&mut batch));
    }
    let time = start.elapsed().as_secs_f64() * 1e9 / f64::from(draws * ROWS as u32);
    println!("  draw, sweep                      {time:6.1} ns per row");
}

/// Draws from a memory of which these are the contexts.
fn draws(groups: &Groups) {
    let draws = 2000_u32;
    for (how, wanted) in [("all", 5), ("past contexts", 4)] {
        let mut batch = [0; ROWS];
        let start = Instant::now();
        for step in 0..draws {
            let address = Address::new(1, Purpose::REPLAY).step(step);
            groups.draw(|key| key.context < wanted, address, black_box(&mut batch));
        }
        let time = start.elapsed().as_secs_f64() * 1e9 / f64::from(draws * ROWS as u32);
        println!("  draw from {how:<22} {time:6.1} ns per row");
    }
    let mut batch = [0; ROWS];
    let start = Instant::now();
    for step in 0..draws {
        let address = Address::new(1, Purpose::REPLAY).step(step);
        groups.draw_balanced(|_| true, address, black_box(&mut batch));
    }
    let time = start.elapsed().as_secs_f64() * 1e9 / f64::from(draws * ROWS as u32);
    println!("  draw, balanced                   {time:6.1} ns per row");
}

fn memories() {
    println!("memories of 10^6 rows, with positions by context kept up to date; limit 1000 ns:");
    insert("reservoir", Reservoir::new());
    insert("ring of 5 contexts", Ring::new(Group::Context, 5));
    insert("greedy sampler", Greedy::sampler(Group::Class));
    insert("oldest of the largest", Greedy::new(Group::Class, Admit::All, Evict::Oldest));
    insert_contexts("class-balanced", ClassBalanced::new(10));
    insert_contexts("context-balanced", ContextBalanced::new(5));
    insert_contexts("herding, fixed", Herding::new(Quota::Fixed { classes: 10 }));
    insert_contexts("herding, shared", Herding::new(Quota::Shared));
    sweep();
    let buffer = insert("ring of 50 classes", Ring::new(Group::ClassOfContext, 50));
    println!(
        "  a row of MNIST weighs {} bytes: 784 and a label",
        buffer.bytes() / buffer.len() as u64
    );
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
