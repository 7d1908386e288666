//! Choices are uniform: how often each row is chosen over many seeds, against the chi-square law.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

use cl_buffers::{
    Buffer, ClassBalanced, Group, Groups, Reservoir, Row, RowSize, Sweep, draw_uniform,
};
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

/// 20 rows of class 0, 7 of class 1, 20 of class 2, in turn.
fn three_classes() -> (Vec<Row>, Groups) {
    let labels = (0..ROWS).flat_map(|i| if i < 7 { vec![0, 1, 2] } else { vec![0, 2] });
    let rows: Vec<Row> =
        (0..).zip(labels).map(|(example, label)| Row { example, label, context: 0 }).collect();
    let groups = Groups::of(Group::Class, &rows);
    (rows, groups)
}

#[test]
fn a_balanced_draw_is_uniform_within_every_class() {
    let (rows, groups) = three_classes();
    for label in [0, 2] {
        let own: Vec<u32> =
            (0..rows.len() as u32).filter(|&p| rows[p as usize].label == label).collect();
        let chi2 = chi_square(|seed| {
            let mut batch = [0; 3 * CHOSEN];
            let drawn =
                groups.draw_balanced(|_| true, Address::new(seed, Purpose::REPLAY), &mut batch);
            assert_eq!(drawn, 3 * CHOSEN);
            let place = |position: &u32| own.iter().position(|own| own == position);
            batch.iter().filter_map(place).map(|place| place as u32).collect()
        });
        assert!(chi2 < QUANTILE, "class {label}: chi-square {chi2}");
    }
}

/// Chi-square of counts that should be alike, `cells − 1` degrees of freedom.
fn alike(counts: &[u32]) -> f64 {
    let expected = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
    counts.iter().map(|&o| (f64::from(o) - expected).powi(2) / expected).sum()
}

/// One more row than classes: every class is as likely to give it.
#[test]
fn who_gives_one_more_to_a_balanced_draw_is_uniform() {
    let rows: Vec<Row> =
        (0..3 * ROWS).map(|i| Row { example: i, label: i % ROWS, context: 0 }).collect();
    let groups = Groups::of(Group::Class, &rows);
    let mut more = [0; ROWS as usize];
    for seed in 0..SEEDS {
        let mut batch = [0; ROWS as usize + 1];
        let address = Address::new(seed, Purpose::REPLAY);
        assert_eq!(groups.draw_balanced(|_| true, address, &mut batch), batch.len());
        let mut counts = [0; ROWS as usize];
        batch.iter().for_each(|&p| counts[rows[p as usize].label as usize] += 1);
        assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
        more[counts.iter().position(|&count| count == 2).unwrap()] += 1;
    }
    let chi2 = alike(&more);
    assert!(chi2 < QUANTILE, "chi-square {chi2}");
}

/// One row of each of two classes of five: all 25 pairs are as likely, which classes that are drawn by the
/// same numbers would not be.
#[test]
fn classes_of_a_balanced_draw_are_independent() {
    let rows: Vec<Row> = (0..10).map(|i| Row { example: i, label: i / 5, context: 0 }).collect();
    let groups = Groups::of(Group::Class, &rows);
    let mut pairs = [0; 25];
    for seed in 0..SEEDS {
        let mut batch = [0; 2];
        groups.draw_balanced(|_| true, Address::new(seed, Purpose::REPLAY), &mut batch);
        batch.sort_unstable();
        pairs[(5 * batch[0] + batch[1] - 5) as usize] += 1;
    }
    let chi2 = alike(&pairs);
    // The 99.9 % quantile of chi-square with 24 degrees of freedom.
    assert!(chi2 < 51.18, "chi-square {chi2}");
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
