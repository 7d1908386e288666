//! Products that threads share: the same bits on any number of them, and those of a sum in f64.
#![allow(clippy::unwrap_used)]

use cl_tensor::{CpuSession, Error, Feeds, Graph, Host, Init, Plan, Session};

struct Nothing;

impl Host for Nothing {
    fn feed(&mut self, _: u32, _: &mut Feeds<'_>) -> Result<(), Error> {
        Ok(())
    }
}

fn values(len: usize, salt: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + salt) % 1009) as f32 / 1009.0 - 0.5).collect()
}

/// relu(a b + bias) of slots, on so many threads.
fn layer([batch, m, k, n]: [usize; 4], threads: usize) -> Vec<f32> {
    let graph = Graph::new();
    let a = graph.slot("a", &[batch, m, k], Init::Zeros);
    let b = graph.slot("b", &[batch, k, n], Init::Zeros);
    let bias = graph.slot("bias", &[n], Init::Zeros);
    graph.slot("c", &[batch, m, n], Init::Constant(f32::NAN));
    graph.assign("c", (a.matmul(b) + bias).relu());
    let mut session = CpuSession::new(&[1], threads).unwrap();
    let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
    session.write("a", 0, &values(batch * m * k, 1)).unwrap();
    session.write("b", 0, &values(batch * k * n, 2)).unwrap();
    session.write("bias", 0, &values(n, 3)).unwrap();
    session.run(plan, 0..2, &mut [&mut Nothing]).unwrap();
    session.read("c", 0).unwrap()
}

fn expected([batch, m, k, n]: [usize; 4]) -> Vec<f64> {
    let (a, b, bias) = (values(batch * m * k, 1), values(batch * k * n, 2), values(n, 3));
    let mut c = Vec::with_capacity(batch * m * n);
    for row in 0..batch * m {
        for column in 0..n {
            let b = &b[row / m * k * n..];
            let term = |p: usize| f64::from(a[row * k + p]) * f64::from(b[p * n + column]);
            let sum: f64 = (0..k).map(term).sum();
            c.push((sum + f64::from(bias[column])).max(0.0));
        }
    }
    c
}

#[test]
fn a_layer_has_the_same_bits_however_threads_share_it() {
    // Shared by columns; by rows, in more than one block; by matrices; and not at all.
    for shape in
        [[1, 37, 60, 523], [1, 611, 40, 33], [5, 33, 70, 47], [2, 150, 60, 401], [1, 5, 9, 7]]
    {
        let alone = layer(shape, 1);
        for (at, (got, want)) in alone.iter().zip(expected(shape)).enumerate() {
            assert!(
                (f64::from(*got) - want).abs() < 1e-5,
                "{shape:?} at {at}: {got}, in f64 {want}"
            );
        }
        let bits = |c: Vec<f32>| c.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let alone = bits(alone);
        for threads in [2, 3] {
            assert!(bits(layer(shape, threads)) == alone, "{shape:?} on {threads} threads");
        }
    }
}
