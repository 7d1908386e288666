//! Can I use streams, memories and metrics with another framework?
//!
//! `cl-scenarios`, `cl-buffers` and `cl-metrics` know no tensors: they say which rows to train on, and you train. Here
//! "training" is a nearest class mean over pixels; in place of it stands your model.
use continual::buffers::{Buffer, Reservoir, Row, RowSize};
use continual::prelude::*;
use continual::random::{Address, Purpose};

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (seed, digits) = (2, digits());
    let (protocol, scenario, part) = (Protocol::Split, Scenario::Class, Part::Final);
    let stream =
        StreamSpec { protocol, scenario, contexts: 5, seed, part, pad: 0 }.build(&digits)?;
    // 100 rows of 64 bytes and a label.
    let size = RowSize::new(digits.features() as u32, 10);
    let mut memory = Buffer::new(100 * size.bytes(), size, Reservoir::new())?;
    let mut matrix = AccuracyMatrix::new(stream.contexts())?;
    for context in 0..stream.contexts() {
        let row = |&example: &u32| Row {
            example,
            label: u32::from(digits.labels[example as usize]),
            context: context as u32,
        };
        let rows: Vec<Row> = stream.train(context).iter().map(row).collect();
        memory.offer(&rows, Address::new(seed, Purpose::STORE).context(context as u32))?;
        let accuracies =
            (0..stream.contexts()).map(|it| accuracy(&digits, &memory, stream.test(it)));
        matrix.push_row(accuracies.collect())?;
    }
    println!("{:.1} % from {} rows", 100.0 * final_accuracy(&matrix)?, memory.len());
    Ok(())
}

/// The share of these examples that is nearest to the mean of its class among the rows of a memory.
fn accuracy(digits: &Dataset, memory: &Buffer<Reservoir>, examples: &[u32]) -> f64 {
    let pixels = |example: u32| &digits.images[example as usize * 64..][..64];
    let mean = |class: u32| -> Option<Vec<f64>> {
        let rows: Vec<&Row> = memory.rows().iter().filter(|row| row.label == class).collect();
        let sum = |at: usize| rows.iter().map(|it| f64::from(pixels(it.example)[at])).sum::<f64>();
        (!rows.is_empty()).then(|| (0..64).map(|at| sum(at) / rows.len() as f64).collect())
    };
    let means: Vec<Option<Vec<f64>>> = (0..10).map(mean).collect();
    let distance = |mean: &[f64], example: u32| -> f64 {
        pixels(example).iter().zip(mean).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum()
    };
    let right = examples.iter().filter(|&&example| {
        let known = (0..10_u8).filter_map(|class| Some((class, means[class as usize].as_ref()?)));
        let nearest =
            known.min_by(|(_, a), (_, b)| distance(a, example).total_cmp(&distance(b, example)));
        nearest.is_some_and(|(class, _)| class == digits.labels[example as usize])
    });
    right.count() as f64 / examples.len() as f64
}
