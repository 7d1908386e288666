//! What the processor takes to encode a dispatch for a GPU (limit 4 µs): 64 steps of MLP 784-400-400-10, batch
//! 128, Adam, encoded as a run does and dropped. Divide by the dispatches, which the name of the group
//! tells. Not measured: what the driver makes of them at submission.
#![allow(missing_docs, clippy::unwrap_used)]

use benches::Mlp784;
use cl_gpu::{Gpu, GpuSession};
use cl_tensor::Session;
use criterion::{Criterion, criterion_group, criterion_main};

const STEPS: usize = 64;

fn encode(c: &mut Criterion) {
    let gpu = match Gpu::open("") {
        Ok(gpu) => gpu,
        Err(error) => return println!("skipped: {error}"),
    };
    for members in [1, 128] {
        let seeds: Vec<u64> = (0..members).collect();
        let mut session = GpuSession::new(&gpu, &seeds).unwrap();
        let plan = match session.load(Mlp784::plan().unwrap()) {
            Ok(plan) => plan,
            // Such as too many for the largest buffer.
            Err(error) => {
                println!("skipped: {members} members: {error}");
                continue;
            }
        };
        let (name, images) = Mlp784::images();
        session.set_resident(name, images).unwrap();
        let dispatches = session.encode(plan, STEPS).unwrap();
        let mut group = c.benchmark_group(format!("encode {dispatches} dispatches"));
        group.sample_size(20);
        group.bench_function(format!("{members} members"), |b| {
            b.iter(|| session.encode(plan, STEPS).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, encode);
criterion_main!(benches);
