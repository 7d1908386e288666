//! The exact Fisher information at a boundary.
//!
//! MLP 784-400-400-10, 12,032 examples in 94 chunks of 128, expectation over 10 labels, one thread: the
//! pass of EWC over one context of Split MNIST in a class-incremental stream. Each sample is one whole
//! boundary. Not measured: drawing rows and decoding images.
#![allow(missing_docs, clippy::unwrap_used)]

use cl_core::{Batch, Trial};
use cl_nn::{Mlp, Sgd};
use cl_regularize::Ewc;
use criterion::{Criterion, criterion_group, criterion_main};

const ROWS: usize = 128;
const CHUNKS: usize = 94;

fn boundary(c: &mut Criterion) {
    let network = Mlp::new(&[784, 400, 400, 10]).unwrap();
    let ewc = Ewc::default();
    let mut trial = Trial::new(&ewc, Box::new(network), &Sgd::new(0.1), (ROWS, 1), false).unwrap();
    let chunks: Vec<Batch> = (0..CHUNKS)
        .map(|chunk| {
            let x = (0..ROWS * 784)
                .map(|i| ((i * 7919 + chunk * 104_729) % 256) as f32 / 255.0)
                .collect();
            Batch::mean(x, (0..ROWS as u32).map(|row| row % 10).collect(), 0)
        })
        .collect();
    let mut group = c.benchmark_group("boundary");
    group.sample_size(10);
    group.bench_function("exact Fisher, 12,032 examples, 10 labels, 1 thread", |b| {
        b.iter(|| trial.boundary(&chunks).unwrap());
    });
    group.finish();
}

criterion_group!(benches, boundary);
criterion_main!(benches);
