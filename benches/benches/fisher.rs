//! The exact Fisher information at a boundary.
//!
//! MLP 784-400-400-10, 12,032 examples in 94 chunks of 128, expectation over 10 labels, one thread: the
//! pass of EWC over one context of Split MNIST in a class-incremental stream. Each sample is one whole
//! boundary. Not measured: drawing rows and decoding images.
#![allow(missing_docs, clippy::unwrap_used)]

use benches::Fisher;
use cl_regularize::Ewc;
use criterion::{Criterion, criterion_group, criterion_main};

fn boundary(c: &mut Criterion) {
    let ewc = Ewc::default();
    let mut fisher = Fisher::new(&ewc).unwrap();
    let mut group = c.benchmark_group("boundary");
    group.sample_size(10);
    group.bench_function("exact Fisher, 12,032 examples, 10 labels, 1 thread", |b| {
        b.iter(|| fisher.boundary().unwrap());
    });
    group.finish();
}

criterion_group!(benches, boundary);
criterion_main!(benches);
