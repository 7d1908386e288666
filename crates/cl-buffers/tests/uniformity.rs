//! Choices are uniform: how often each row is chosen over many seeds, against the chi-square law.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::{Buffer, ClassBalanced, Reservoir, Row, RowSize, Sweep, draw_uniform};
use cl_random::{Address, Purpose};

const SEEDS: u64 = 4000;
const ROWS: u32 = 20;
const CHOSEN: usize = 5;

/// Chi-square of how often each of `ROWS` rows is among `CHOSEN` drawn without replacement.
///
/// The counts have variance `S p (1 - p)` with `p = CHOSEN / ROWS` and, as their sum is fixed,
/// covariance `-S p (1 - p) / (ROWS - 1)`. So `(ROWS - 1) / ROWS * sum (O - S p)^2 / (S p (1 - p))`
/// is chi-square with `ROWS - 1` degrees of freedom.
fn chi_square(choose: impl Fn(u64) -> Vec<u32>) -> f64 {
    let mut counts = [0_u32; ROWS as usize];
    for seed in 0..SEEDS {
        let chosen = choose(seed);
        assert_eq!(chosen.len(), CHOSEN);
        for row in chosen {
            counts[row as usize] += 1;
        }
    }
    let (s, n, p) = (SEEDS as f64, f64::from(ROWS), CHOSEN as f64 / f64::from(ROWS));
    let squares: f64 = counts.iter().map(|&o| (f64::from(o) - s * p).powi(2)).sum();
    squares / (s * p * (1.0 - p)) * (n - 1.0) / n
}

/// The 99.9 % quantile of chi-square with 19 degrees of freedom.
const QUANTILE: f64 = 43.82;

fn rows() -> Vec<Row> {
    (0..ROWS).map(|example| Row { example, label: 0, context: 0 }).collect()
}

fn examples(rows: &[Row]) -> Vec<u32> {
    rows.iter().map(|row| row.example).collect()
}

#[test]
fn a_reservoir_is_a_uniform_sample_of_its_stream() {
    let chi2 = chi_square(|seed| {
        let size = RowSize::from_bytes(1);
        let mut buffer = Buffer::new(CHOSEN as u64, size, Reservoir::new()).unwrap();
        buffer.offer(&rows(), Address::new(seed, Purpose::STORE)).unwrap();
        examples(buffer.rows())
    });
    assert!(chi2 < QUANTILE, "chi-square {chi2}");
}

#[test]
fn a_class_balanced_buffer_chooses_uniformly_within_a_class() {
    let chi2 = chi_square(|seed| {
        let size = RowSize::from_bytes(1);
        let mut buffer = Buffer::new(CHOSEN as u64, size, ClassBalanced::new(1)).unwrap();
        buffer.offer(&rows(), Address::new(seed, Purpose::STORE)).unwrap();
        examples(buffer.rows())
    });
    assert!(chi2 < QUANTILE, "chi-square {chi2}");
}

#[test]
fn a_draw_is_uniform_over_its_group() {
    let group: Vec<u32> = (0..ROWS).collect();
    let chi2 = chi_square(|seed| {
        let mut batch = vec![0; CHOSEN];
        draw_uniform(&group, Address::new(seed, Purpose::REPLAY), &mut batch);
        batch
    });
    assert!(chi2 < QUANTILE, "chi-square {chi2}");
}

#[test]
fn the_start_of_a_sweep_is_uniform_over_its_group() {
    let group: Vec<u32> = (0..ROWS).collect();
    let chi2 = chi_square(|seed| {
        let mut batch = vec![0; CHOSEN];
        Sweep::new().fill(&group, Address::new(seed, Purpose::REPLAY), &mut batch);
        batch
    });
    assert!(chi2 < QUANTILE, "chi-square {chi2}");
}
