//! How do I give every context its own units, and see which are shared?
//!
//! XdG switches off another random part of each hidden layer in every context; it composes with penalties. The overlap
//! is the cosine between the mean gates of two contexts (`continual show gates xdg` draws it).
use continual::GateOverlap;
use continual::prelude::*;

pub fn run() -> Result<(), Box<dyn std::error::Error>> {
    let experiment = Experiment::new(digits()).scenario(Scenario::Task).steps(100).seeds([2, 3]);
    let gated = (Xdg { p: 0.5, ..Xdg::default() }, Si::default());
    for outcome in experiment.run(&gated)? {
        println!("seed {}: {:.1} %", outcome.seed, 100.0 * final_accuracy(&outcome.accuracy)?);
    }

    let request = Request {
        strategy: Some("xdg".to_owned()),
        scenario: Some("task".to_owned()),
        set: vec!["xdg.p=0.5".to_owned()],
        steps: Some(20),
        seeds: Some(1),
        ..Request::default()
    };
    let overlap = GateOverlap::measure(&request, &mut ())?;
    for (number, layer) in (1..).zip(&overlap.layers) {
        println!("layer {number}: contexts 1 and 2 share {:.2}", layer.cosine[0][1]);
        assert!((layer.open[0] - 0.5).abs() < 0.01);
    }
    Ok(())
}
