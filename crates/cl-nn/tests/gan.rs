//! The critic of a Wasserstein GAN by hand, against slow loops and against second differences.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod common;

use cl_nn::{Compared, Critic, Decoder, Layout, Theta};
use cl_tensor::{Graph, Var};
use common::*;

/// Units of the slow critic; a quarter is the same number in 32 bits.
const LEAK: f64 = 0.25;
const INPUTS: usize = 5;

fn critic() -> Critic {
    Critic { leak: LEAK as f32, ..Critic::new(INPUTS, &[4, 3]).unwrap() }
}

fn layout_of(critic: &Critic) -> Layout {
    Layout::new(&critic.params()).unwrap()
}

/// Numbers without a pattern in [-1, 1], the same in 32 and in 64 bits.
fn number(i: usize) -> f32 {
    (i as f32 * 0.731).sin()
}

fn numbers(from: usize, count: usize) -> Vec<f32> {
    (from..from + count).map(number).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// All parameters, padding 0.
fn parameters(layout: &Layout) -> Vec<f32> {
    let mut flat = vec![0.0; layout.len()];
    for i in layout.ranges().iter().flat_map(|range| range.floats()) {
        flat[i] = number(i);
    }
    flat
}

/// The same critic by loops.
struct Slow<'a> {
    layout: &'a Layout,
    flat: &'a [f64],
}

impl Slow<'_> {
    fn get(&self, name: String) -> &[f64] {
        &self.flat[self.layout.range(&name).unwrap().floats()]
    }

    /// D(x) and ∂D/∂x by the chain rule from the last layer down.
    fn score(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let depth = self.layout.ranges().len() / 2;
        let (mut h, mut on) = (x.to_vec(), Vec::new());
        for layer in 1..=depth {
            let (w, b) = (self.get(format!("w{layer}")), self.get(format!("b{layer}")));
            let mut z = b.to_vec();
            for (i, h) in h.iter().enumerate() {
                z.iter_mut().enumerate().for_each(|(j, z)| *z += h * w[i * b.len() + j]);
            }
            let slope = |&z: &f64| if layer == depth || z > 0.0 { 1.0 } else { LEAK };
            on.push(z.iter().map(slope).collect::<Vec<f64>>());
            h = z.iter().zip(&on[layer - 1]).map(|(z, on)| z * on).collect();
        }
        let mut slopes = vec![1.0];
        for layer in (1..=depth).rev() {
            let w = self.get(format!("w{layer}"));
            let inner: Vec<f64> =
                slopes.iter().zip(&on[layer - 1]).map(|(slope, on)| slope * on).collect();
            let row = |w: &[f64]| w.iter().zip(&inner).map(|(w, inner)| w * inner).sum();
            slopes = w.chunks(inner.len()).map(row).collect();
        }
        (h[0], slopes)
    }

    fn penalty(&self, x: &[f64]) -> f64 {
        let (_, slopes) = self.score(x);
        (slopes.iter().map(|slope| slope * slope).sum::<f64>().sqrt() - 1.0).powi(2)
    }
}

/// A critic without hidden layers is a plane: its slope is w everywhere.
#[test]
fn losses_of_a_plane_are_those_worked_out_by_hand() {
    let plane = Critic::new(2, &[]).unwrap();
    let layout = layout_of(&plane);
    let mut flat = vec![0.0; layout.len()];
    flat[layout.range("w1").unwrap().floats()].copy_from_slice(&[3.0, 4.0]);
    flat[layout.range("b1").unwrap().floats()].copy_from_slice(&[0.5]);
    let results = on_both_devices(|graph| {
        let theta =
            Theta { flat: tensor(graph, "flat", &[layout.len()], flat.clone()), layout: &layout };
        let real = tensor(graph, "real", &[2, 2], vec![1.0, 0.0, 0.0, 0.0]);
        let made = tensor(graph, "made", &[2, 2], vec![0.0, 1.0, 1.0, -1.0]);
        let between = tensor(graph, "between", &[2, 1], vec![0.25, 0.75]);
        let lambda = graph.constant(10.0);
        vec![
            ("scores", plane.scores(theta, real)),
            ("penalty", plane.penalty(theta, made)),
            ("critic", plane.loss(theta, Compared { real, made, between }, lambda)),
            ("generator", plane.generator_loss(theta, made)),
        ]
    });
    for (found, tolerance) in results {
        assert_close("D = 3 x + 4 y + 0.5", &found["scores"], &[3.5, 0.5], tolerance);
        assert_close("(5 - 1)²", &found["penalty"], &[16.0, 16.0], tolerance);
        // 4.5 - 3.5 + 160, -0.5 - 0.5 + 160.
        assert_close("critic", &found["critic"], &[161.0, 159.0], tolerance);
        assert_close("generator", &found["generator"], &[-4.5, 0.5], tolerance);
    }
}

/// At (1, 1) the first unit is on, at 3, and the second off, at −1: D = 3 + 2 (−0.25), and
/// ∇D = (1 − 2 · 0.25, 2).
#[test]
fn a_unit_below_zero_leaks() {
    let critic = Critic { leak: LEAK as f32, ..Critic::new(2, &[2]).unwrap() };
    let layout = layout_of(&critic);
    let mut flat = vec![0.0; layout.len()];
    flat[layout.range("w1").unwrap().floats()].copy_from_slice(&[1.0, -1.0, 2.0, 0.0]);
    flat[layout.range("w2").unwrap().floats()].copy_from_slice(&[1.0, 2.0]);
    let results = on_both_devices(|graph| {
        let theta =
            Theta { flat: tensor(graph, "flat", &[layout.len()], flat.clone()), layout: &layout };
        let x = tensor(graph, "x", &[1, 2], vec![1.0, 1.0]);
        vec![("score", critic.scores(theta, x)), ("penalty", critic.penalty(theta, x))]
    });
    for (found, tolerance) in results {
        assert_close("score", &found["score"], &[2.5], tolerance);
        let expected = (4.25_f64.sqrt() - 1.0).powi(2);
        assert_close("penalty", &found["penalty"], &[expected], tolerance);
    }
    assert_eq!(Critic::new(2, &[2]).unwrap().leak, Critic::LEAK);
}

const ROWS: usize = 4;

/// Records something of four rows of the critic with numbers without a pattern.
fn recorded(
    record: impl for<'g> Fn(&'g Graph, Theta<'_, 'g>, Var<'g>) -> Vec<(&'static str, Var<'g>)>,
) -> [(Tensors, f64); 2] {
    let layout = layout_of(&critic());
    on_both_devices(|graph| {
        let flat = tensor(graph, "flat", &[layout.len()], parameters(&layout));
        let x = tensor(graph, "x", &[ROWS, INPUTS], numbers(1000, ROWS * INPUTS));
        record(graph, Theta { flat, layout: &layout }, x)
    })
}

fn rows(flat: &[f32]) -> Vec<Vec<f64>> {
    flat.chunks(INPUTS).map(wide).collect()
}

#[test]
fn scores_and_penalty_of_rows_are_those_of_slow_loops() {
    let layout = layout_of(&critic());
    let flat = wide(&parameters(&layout));
    let slow = Slow { layout: &layout, flat: &flat };
    let x = rows(&numbers(1000, ROWS * INPUTS));
    // The chain rule itself, against first differences of D.
    for x in &x {
        for (i, slope) in slow.score(x).1.into_iter().enumerate() {
            let at = |step: f64| {
                let mut moved = x.clone();
                moved[i] += step;
                slow.score(&moved).0
            };
            assert!((slope - (at(1e-6) - at(-1e-6)) / 2e-6).abs() < 1e-8);
        }
    }
    for (found, tolerance) in recorded(|_, theta, x| {
        vec![("scores", critic().scores(theta, x)), ("penalty", critic().penalty(theta, x))]
    }) {
        let scores: Vec<f64> = x.iter().map(|x| slow.score(x).0).collect();
        let penalties: Vec<f64> = x.iter().map(|x| slow.penalty(x)).collect();
        assert_close("scores", &found["scores"], &scores, tolerance);
        assert_close("penalty", &found["penalty"], &penalties, tolerance);
    }
}

/// The penalty holds a gradient already: its gradient is a second derivative of D.
#[test]
fn the_gradient_of_the_penalty_is_that_of_second_differences() {
    let layout = layout_of(&critic());
    let flat = wide(&parameters(&layout));
    let x = rows(&numbers(1000, ROWS * INPUTS));
    let weight = [0.1_f32, 0.4, 0.3, 0.2];
    let at = |i: usize, step: f64| -> f64 {
        let mut moved = flat.clone();
        moved[i] += step;
        let slow = Slow { layout: &layout, flat: &moved };
        x.iter().zip(weight).map(|(x, weight)| f64::from(weight) * slow.penalty(x)).sum()
    };
    let h = 1e-6;
    let expected: Vec<f64> = (0..flat.len()).map(|i| (at(i, h) - at(i, -h)) / (2.0 * h)).collect();
    let matter = expected.iter().filter(|slope| slope.abs() > 1e-5).count();
    // All weights; no bias: within a piece the slope does not depend on it.
    assert_eq!(matter, INPUTS * 4 + 4 * 3 + 3);
    for (found, tolerance) in recorded(|graph, theta, x| {
        let weight = tensor(graph, "weight", &[ROWS], weight.to_vec());
        let loss = (weight * critic().penalty(theta, x)).sum();
        vec![("gradient", graph.grad(loss, theta.flat))]
    }) {
        assert_close("gradient", &found["gradient"], &expected, tolerance.max(1e-8));
    }
}

/// x̂ = ε real + (1 − ε) made, row by row.
#[test]
fn the_critic_compares_rows_and_is_steep_between_them() {
    let layout = layout_of(&critic());
    let flat = wide(&parameters(&layout));
    let slow = Slow { layout: &layout, flat: &flat };
    let (real, made) = (numbers(1000, ROWS * INPUTS), numbers(2000, ROWS * INPUTS));
    let between = [0.0_f32, 0.25, 0.5, 0.875];
    let results = recorded(|graph, theta, real| {
        let made = tensor(graph, "made", &[ROWS, INPUTS], made.clone());
        let between = tensor(graph, "between", &[ROWS, 1], between.to_vec());
        let rows = Compared { real, made, between };
        vec![
            ("critic", critic().loss(theta, rows, graph.constant(10.0))),
            ("generator", critic().generator_loss(theta, made)),
        ]
    });
    let (real, made) = (rows(&real), rows(&made));
    let expected = |r: usize| {
        let e = f64::from(between[r]);
        let straight: Vec<f64> =
            real[r].iter().zip(&made[r]).map(|(real, made)| e * real + (1.0 - e) * made).collect();
        slow.score(&made[r]).0 - slow.score(&real[r]).0 + 10.0 * slow.penalty(&straight)
    };
    for (found, tolerance) in results {
        let critic: Vec<f64> = (0..ROWS).map(expected).collect();
        assert_close("critic", &found["critic"], &critic, tolerance);
        let generator: Vec<f64> = made.iter().map(|made| -slow.score(made).0).collect();
        assert_close("generator", &found["generator"], &generator, tolerance);
    }
}

/// A slope of 0 has no direction: its norm has no derivative, the penalty's gradient is 0 there.
#[test]
fn where_the_critic_is_flat_the_gradient_is_a_number() {
    let critic = critic();
    let layout = layout_of(&critic);
    let results = on_both_devices(|graph| {
        let flat = tensor(graph, "flat", &[layout.len()], vec![0.0; layout.len()]);
        let x = tensor(graph, "x", &[ROWS, INPUTS], numbers(0, ROWS * INPUTS));
        let penalty = critic.penalty(Theta { flat, layout: &layout }, x);
        vec![("penalty", penalty), ("gradient", graph.grad(penalty.sum(), flat))]
    });
    for (found, _) in results {
        assert_close("penalty", &found["penalty"], &[1.0; ROWS], 1e-5);
        assert!(found["gradient"].iter().all(|&slope| slope == 0.0));
    }
}

#[test]
fn sizes_are_checked_and_found_again_in_a_layout() {
    let error = Critic::new(784, &[0]).unwrap_err().to_string();
    assert!(error.starts_with("critic: sizes [784, 0], expected"), "{error}");
    // 784·400 + 400 + 400·400 + 400 + 400 + 1.
    let large = Critic::new(784, &[400, 400]).unwrap();
    assert_eq!(layout_of(&large).parameters(), 474_801);
    for hidden in [&[][..], &[12], &[12, 10]] {
        let decoder = Decoder::mirror(64, hidden, 3);
        let layout = Layout::new(&decoder.params()).unwrap();
        assert_eq!(Decoder::of(&layout), decoder);
    }
}
