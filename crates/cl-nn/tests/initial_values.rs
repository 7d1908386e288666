//! Initialisers: bounds, moments, orthogonality, stability.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_nn::{Initializer, Layout, Mlp, Network, ParamSpec};
use cl_tensor::{Graph, ReferenceSession};
use proptest::prelude::*;

fn spec(name: &str, shape: &[usize], init: Initializer) -> ParamSpec {
    ParamSpec { name: name.to_owned(), shape: shape.to_vec(), init }
}

fn theta(layout: &Layout, seed: u64) -> Vec<f64> {
    let graph = Graph::new();
    graph.output("theta", graph.slot("theta", &[layout.len()], layout.init()));
    ReferenceSession::new(seed).run(&graph, &[]).unwrap()["theta"].data.clone()
}

fn draw(shape: &[usize], init: Initializer) -> Vec<f64> {
    let layout = Layout::new(&[spec("w1", shape, init)]).unwrap();
    theta(&layout, 3)[layout.ranges()[0].floats()].to_vec()
}

/// Mean and variance over their standard errors, for n draws of kurtosis κ.
fn assert_moments(values: &[f64], variance: f64, kurtosis: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let second = values.iter().map(|x| x * x).sum::<f64>() / n;
    assert!(mean.abs() < 4.0 * (variance / n).sqrt(), "mean {mean}");
    let error = variance * ((kurtosis - 1.0) / n).sqrt();
    assert!((second - variance).abs() < 4.0 * error, "variance {second}, expected {variance}");
}

#[test]
fn uniform_initialisers_fill_their_bounds() {
    for (init, bound) in [
        (Initializer::FanIn, (1.0_f64 / 160.0).sqrt()),
        (Initializer::FanInOf(25), 0.2),
        (Initializer::XavierUniform, (6.0_f64 / 200.0).sqrt()),
        (Initializer::KaimingUniform, (6.0_f64 / 160.0).sqrt()),
    ] {
        let values = draw(&[160, 40], init);
        let largest = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.998 * bound, "{init:?}: {largest}");
        assert_moments(&values, bound * bound / 3.0, 1.8);
    }
}

#[test]
fn normal_initialisers_have_their_variance() {
    for (init, variance) in [
        (Initializer::XavierNormal, 2.0 / 200.0),
        (Initializer::KaimingNormal, 2.0 / 160.0),
        (Initializer::Normal { deviation: 1.5 }, 2.25),
    ] {
        let values = draw(&[160, 40], init);
        assert_moments(&values, variance, 3.0);
        // Beyond two standard deviations lie 4.55 % of 6,400: 291, standard deviation 17.
        let beyond = values.iter().filter(|x| x.abs() > 2.0 * variance.sqrt()).count();
        assert!(beyond.abs_diff(291) < 68, "{init:?}: {beyond}");
    }
}

/// Q of shape `[rows, columns]`: the smaller Gram matrix is gain² I.
#[test]
fn orthogonal_weights_have_orthonormal_columns_or_rows() {
    for (rows, columns) in [(30, 12), (12, 30), (20, 20), (1, 5)] {
        let q = draw(&[rows, columns], Initializer::Orthogonal { gain: 1.5 });
        let (count, length) = (rows.min(columns), rows.max(columns));
        let at = |i: usize, k: usize| {
            if rows < columns { q[i * columns + k] } else { q[k * columns + i] }
        };
        for i in 0..count {
            for j in 0..count {
                let dot: f64 = (0..length).map(|k| at(i, k) * at(j, k)).sum();
                let expected = if i == j { 2.25 } else { 0.0 };
                assert!((dot - expected).abs() < 1e-6, "{rows}x{columns}: ({i}, {j}) {dot}");
            }
        }
    }
}

/// Uniform over the orthogonal group: the trace of Q has mean 0 and variance 1. A QR decomposition
/// whose diagonal is not made positive fails this.
#[test]
fn orthogonal_weights_prefer_no_direction() {
    let init = Initializer::Orthogonal { gain: 1.0 };
    let layout = Layout::new(&[spec("w", &[3, 3], init)]).unwrap();
    let traces: Vec<f64> = (0..600)
        .map(|seed| {
            let q = theta(&layout, seed);
            q[0] + q[4] + q[8]
        })
        .collect();
    assert_moments(&traces, 1.0, 3.0);
}

#[test]
fn a_seed_gives_its_values_and_another_seed_others() {
    let layout = Layout::new(&Mlp::new(&[5, 4, 3]).unwrap().params()).unwrap();
    assert_eq!(theta(&layout, 7), theta(&layout, 7));
    assert_ne!(theta(&layout, 7), theta(&layout, 8));
}

#[test]
fn a_new_parameter_leaves_the_values_of_the_others() {
    let specs = Mlp::new(&[5, 4, 3]).unwrap().params();
    let mut more = vec![spec("gate", &[5, 4], Initializer::FanIn)];
    more.extend(specs.iter().cloned());
    let (layout, wider) = (Layout::new(&specs).unwrap(), Layout::new(&more).unwrap());
    let (before, after) = (theta(&layout, 7), theta(&wider, 7));
    for range in layout.ranges() {
        let moved = wider.range(&range.name).unwrap();
        assert_eq!(before[range.floats()], after[moved.floats()], "{}", range.name);
    }
    // And no two parameters share values.
    let (gate, w1) = (wider.range("gate").unwrap(), wider.range("w1").unwrap());
    assert_ne!(after[gate.floats()], after[w1.floats()]);
}

#[test]
fn biases_follow_the_fan_in_of_their_layer_or_are_zero() {
    let network = Mlp::new(&[400, 300, 300]).unwrap();
    let bias = |network: &Mlp| {
        let layout = Layout::new(&network.params()).unwrap();
        theta(&layout, 1)[layout.range("b1").unwrap().floats()].to_vec()
    };
    let values = bias(&network); // U(−1/20, 1/20)
    let largest = values.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    assert!(largest <= 0.05 && largest > 0.049, "{largest}");
    assert_eq!(bias(&network.with_init(Initializer::KaimingNormal)), vec![0.0; 300]);
}

/// A change here changes every result published with this library.
#[test]
fn value_stability() {
    for (init, pinned) in [
        (Initializer::FanIn, [-0.452_857_2, -0.180_244_4, -0.326_605]),
        (Initializer::KaimingNormal, [-0.448_997_1, 1.108_512_2, -0.778_941_3]),
        (Initializer::Orthogonal { gain: 1.0 }, [-0.313_960_4, -0.007_645_5, -0.469_637_9]),
    ] {
        let values = draw(&[4, 3], init);
        for (value, pinned) in values.iter().zip(pinned) {
            assert!((value - pinned).abs() < 1e-6, "{init:?}: {:?}", &values[..3]);
        }
    }
}

proptest! {
    #[test]
    fn ranges_are_aligned_disjoint_and_complete(
        shapes in proptest::collection::vec(proptest::collection::vec(1_usize..20, 0..3), 1..8),
    ) {
        let specs: Vec<ParamSpec> = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| spec(&format!("p{i}"), shape, Initializer::Constant(1.0)))
            .collect();
        let layout = Layout::new(&specs).unwrap();
        let mut end = 0;
        for (range, shape) in layout.ranges().iter().zip(&shapes) {
            prop_assert_eq!(range.offset % 64, 0);
            prop_assert!(range.offset >= end && range.offset < end + 64);
            prop_assert_eq!(range.len, shape.iter().product::<usize>());
            end = range.offset + range.len;
        }
        prop_assert_eq!(layout.len(), end.next_multiple_of(64));
        // Every parameter is 1 and counted, all padding is 0.
        let sum: f64 = theta(&layout, 0).iter().sum();
        prop_assert_eq!(sum, layout.parameters() as f64);
    }
}
