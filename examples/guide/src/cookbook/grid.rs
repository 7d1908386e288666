//! How do I choose a strength without looking at test images?
//!
//! `continual tune` does it: every value of a grid is trained on the training images with seed 1 and judged on the
//! validation images; results then use other seeds.
use continual::prelude::*;
use continual::{Strengths, Tuning};

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let request = Request {
        strategy: Some("si".to_owned()),
        scenario: Some("task".to_owned()),
        steps: Some(60),
        hidden: Some("32".to_owned()),
        ..Request::default()
    };
    let tuning = Tuning::new(&request, &Strengths::built_in()?)?;
    for sweep in tuning.run(&mut |_| {})? {
        for point in &sweep.points {
            let accuracy = point.accuracy.map_or("diverged".to_owned(), |it| format!("{it:.3}"));
            println!("{} = {:<6} {accuracy}", sweep.name, point.value);
        }
        println!("chosen: {:?}", sweep.chosen());
    }
    Ok(())
}
