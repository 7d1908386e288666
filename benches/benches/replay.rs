//! What replay costs: an ER step against the plain step, and what memories of a million rows take per row.
//!
//! MLP 784-400-400-10, Adam, one thread, 128 rows of the stream and 128 replayed. The plain step at 128 rows
//! times all rows / current rows is what the ER step may cost, plus 5 %; a plain step at 256 rows stands
//! beside it. Steps take turns, many rounds; figures are medians. Not measured: decoding images.
//!
//! Memories: inserts in offers of 128 rows into a full memory of 10^6 rows, draws of 128 rows from it.
#![allow(missing_docs, clippy::unwrap_used)]

use cl_buffers::{
    Admit, Buffer, Evict, Greedy, Group, Groups, Policy, Reservoir, Ring, Row, RowSize,
};
use cl_core::{Batch, Naive, Replayed, Strategy, Trial};
use cl_nn::{Adam, Mlp};
use cl_random::{Address, Purpose};
use cl_replay::ExperienceReplay;
use std::hint::black_box;
use std::time::Instant;

const ROWS: usize = 128;
const ROUNDS: usize = 200;
const WARM_UP: usize = 20;
const MEMORY: u32 = 1_000_000;

fn main() {
    steps();
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
    buffer
}

fn memories() {
    println!("memories of 10^6 rows, with positions by context kept up to date; limit 1000 ns:");
    insert("reservoir", Reservoir::new());
    insert("ring of 5 contexts", Ring::new(Group::Context, 5));
    insert("greedy sampler", Greedy::sampler(Group::Class));
    insert("oldest of the largest", Greedy::new(Group::Class, Admit::All, Evict::Oldest));
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
