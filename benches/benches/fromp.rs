//! What FROMP costs at context 5 of Split MNIST: a step against plain training, and a boundary.
//!
//! MLP 784-400-400-10, batch 128, Adam, one thread, a class-incremental stream: all ten outputs compete,
//! 100 points of each of two classes in four past contexts, 128 rows of them per step. Limit of the
//! step: 3 times the plain one. Both take one step after the other, many rounds: what disturbs the
//! machine disturbs both. The boundary makes the kernels of all four contexts anew: it holds no Fisher
//! information but that of one chunk of rows, whose pass `fisher` measures. Made-up images of which a
//! fifth of the pixels is not 0. Not measured: drawing rows and decoding images.
#![allow(missing_docs, clippy::unwrap_used)]

use cl_core::{Batch, Naive, Replayed, Trial};
use cl_nn::{Adam, Mlp};
use cl_regularize::Fromp;
use std::time::Instant;

const ROWS: usize = 128;
const ROUNDS: usize = 200;
const WARM_UP: usize = 20;
const PAST: usize = 4;
/// Memorable points of a context.
const POINTS: usize = 200;

/// Images of `rows` rows, row by row others.
fn images(rows: usize, seed: usize) -> Vec<f32> {
    let pixel = |i: usize| {
        let byte = (i * 7919 + (i / 784 + seed) * 104_729) % 1280;
        if byte < 256 { byte as f32 / 255.0 } else { 0.0 }
    };
    (0..rows * 784).map(pixel).collect()
}

fn main() {
    // A trial counts every output as a class of every context, so 20 of each are 200 points.
    let fromp = Fromp { per_class: POINTS / 10, ..Fromp::vdv(1.0) };
    let network = || Box::new(Mlp::new(&[784, 400, 400, 10]).unwrap());
    let (adam, shape) = (Adam::new(1e-3), (ROWS, PAST + 1));
    let mut plain = Trial::new(&Naive, network(), &adam, shape, false).unwrap();
    let memories = [("fromp/memory", ROWS)];
    let mut with = Trial::with_memories(&fromp, network(), &adam, shape, false, &memories).unwrap();

    let batch =
        Batch::mean(images(ROWS, 0), (0..ROWS as u32).map(|row| row % 10).collect(), PAST as u32);
    let kept: Vec<Batch> = (0..PAST * POINTS)
        .collect::<Vec<_>>()
        .chunks(ROWS)
        .map(|rows| Batch {
            x: images(ROWS, 1 + rows[0]),
            target: vec![0; ROWS],
            context: (0..ROWS).map(|i| ((rows[0] + i) / POINTS) as u32).collect(),
            weight: (0..ROWS).map(|i| f32::from(u8::from(i < rows.len()))).collect(),
        })
        .collect();
    let boundary = median((0..3).map(|_| {
        let start = Instant::now();
        with.boundary_with(std::slice::from_ref(&batch), &kept).unwrap();
        milliseconds(start)
    }));

    let place = |row: usize| row % (ROWS / PAST) * 5;
    let memory = Batch {
        context: (0..ROWS).map(|row| (row / (ROWS / PAST)) as u32).collect(),
        ..Batch::mean(images(ROWS, 9), vec![0; ROWS], 0)
    };
    let cells = (0..ROWS).map(|row| memory.context[row] * POINTS as u32 + place(row) as u32);
    let replayed =
        Replayed { cells: cells.collect(), stored: vec![u32::MAX; ROWS], rows: Some(memory) };
    let replayed = [("fromp/memory", replayed)];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..WARM_UP + ROUNDS {
        let start = Instant::now();
        plain.step(&batch).unwrap();
        let middle = Instant::now();
        with.step_with(&batch, &replayed).unwrap();
        if round >= WARM_UP {
            times[0].push((middle - start).as_secs_f64() * 1e3);
            times[1].push(milliseconds(middle));
        }
    }
    let [none, fromp] = times.map(median);
    println!(
        "one step at context 5, batch {ROWS}, {POINTS} points of each of {PAST} past contexts,"
    );
    println!("10 classes, 1 thread, median of {ROUNDS} interleaved rounds:");
    println!("  none  {none:7.3} ms");
    println!("  fromp {fromp:7.3} ms");
    println!("  ratio {:7.3} (limit 3)", fromp / none);
    println!("boundary with {PAST} past contexts, median of 3: {:.2} s", boundary / 1e3);
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn median(times: impl IntoIterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.into_iter().collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
