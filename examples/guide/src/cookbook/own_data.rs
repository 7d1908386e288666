//! How do I use my own data?
//!
//! A data set is a table of bytes with labels, and says which rows are for what. Here four classes of bars; yours
//! come from a file. Numbers that are no bytes are scaled to 0..=255 first. [EXTENDING.md](EXTENDING.md#a-data-set) has another.
use continual::prelude::*;
use continual::scenarios::Parts;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let (mut images, mut labels, mut parts) = (Vec::new(), Vec::new(), Parts::default());
    for example in 0..400_u32 {
        let class = (example % 4) as usize;
        // 4x4 pixels: one bright row, and a pixel that says nothing.
        let noise = (example as usize * 7) % 16;
        images.extend((0..16).map(|pixel| match pixel / 4 == class || pixel == noise {
            true => 255,
            false => 0,
        }));
        labels.push(class as u8);
        let part = if example % 5 == 0 { &mut parts.test } else { &mut parts.train };
        part.push(example);
    }
    let bars = Dataset::new("bars", (4, 4), 4, 1.0 / 255.0, images, labels, parts)?;

    let experiment = Experiment::new(bars).contexts(2).hidden(&[16]).steps(100).seeds([2]);
    for strategy in [&Naive as &dyn Strategy, &ExperienceReplay::per_class(5)] {
        let accuracy = final_accuracy(&experiment.run(strategy)?[0].accuracy)?;
        println!("{:5} {:.0} %", strategy.name(), 100.0 * accuracy);
    }
    Ok(())
}
