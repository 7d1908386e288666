//! A data set: anything that fits a table of labelled bytes.

use cl_random::{Address, Purpose};
use cl_scenarios::{Dataset, Error, Parts};

const SIDE: usize = 8;
const PER_CLASS: u32 = 60;

/// Eight directions of bright stripes, 8x8 pixels, at a random phase and under noise.
pub fn stripes() -> Result<Dataset, Error> {
    let mut rng = Address::new(0, Purpose::named("stripes")).rng();
    let (mut images, mut labels, mut parts) = (Vec::new(), Vec::new(), Parts::default());
    for class in 0..8_u8 {
        let (sin, cos) = (f64::from(class) * std::f64::consts::PI / 8.0).sin_cos();
        for example in 0..PER_CLASS {
            let phase = f64::from(rng.below(628)) / 100.0;
            for pixel in 0..SIDE * SIDE {
                let (x, y) = ((pixel % SIDE) as f64, (pixel / SIDE) as f64);
                let wave = 100.0 + 80.0 * (1.5 * (x * cos + y * sin) + phase).sin();
                images.push((wave + f64::from(rng.below(60))) as u8);
            }
            let part = if example % 3 == 0 { &mut parts.test } else { &mut parts.train };
            part.push(labels.len() as u32);
            labels.push(class);
        }
    }
    Dataset::new("stripes", (SIDE, SIDE), 8, 1.0 / 255.0, images, labels, parts)
}
