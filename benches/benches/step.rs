//! One training step, and what it is held against.
//!
//! MLP 784-400-400-10, batch 128, Adam. `products` are the step's eight matrix products alone, by ndarray on one
//! thread: what computes them where the CPU has neither AVX-512 nor AVX2. `stream` copies
//! 13.4 MB, what Adam must move. Divide to get the ratios; they come from one run. A step gathers its rows
//! by index from images kept as bytes; not measured: drawing the indices.
#![allow(missing_docs, clippy::unwrap_used)]

use benches::Mlp784;
use cl_tensor::Cpu;
use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;
use std::hint::black_box;

/// Steps per sample: several, so that members of a population are timed as they run.
const STEPS: u32 = 32;

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("mlp 784-400-400-10, batch 128, Adam, 32 steps");
    group.sample_size(10);
    for (members, threads) in [(1, 1), (1, 2), (2, 2), (5, 2)] {
        let mut network = Mlp784::new(&Cpu { threads }, members).unwrap();
        group.bench_function(format!("{members} members, {threads} threads"), |b| {
            b.iter(|| network.step(STEPS).unwrap());
        });
    }
    group.finish();
}

fn limits(c: &mut Criterion) {
    let mut group = c.benchmark_group("parts, 1 thread, 1 step");
    let shapes = [
        (128, 784, 400),
        (128, 400, 400),
        (128, 400, 10),
        (400, 128, 10),
        (128, 10, 400),
        (400, 128, 400),
        (128, 400, 400),
        (784, 128, 400),
    ];
    let mut operands: Vec<[Array2<f32>; 3]> = shapes
        .iter()
        .map(|&(m, k, n)| {
            [Array2::from_elem((m, k), 0.5), Array2::from_elem((k, n), 0.5), Array2::zeros((m, n))]
        })
        .collect();
    group.bench_function("products", |b| {
        b.iter(|| {
            for [a, b, c] in &mut operands {
                general_mat_mul(1.0, a, b, 0.0, c);
            }
        });
    });
    let from = vec![1.0_f32; 478_592 * 7 / 2];
    let mut to = vec![0.0_f32; from.len()];
    group.bench_function("stream", |b| {
        b.iter(|| black_box(&mut to).copy_from_slice(black_box(&from)));
    });
    group.finish();
}

criterion_group!(benches, steps, limits);
criterion_main!(benches);
