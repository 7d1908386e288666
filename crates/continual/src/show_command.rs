//! `continual show`.

use crate::cli::{ShowGatesOptions, ShowWhat};
use crate::print;
use crate::table::markdown;
use anyhow::Result;
use continual::core::Observer;
use continual::picture::{Matrix, draw};
use continual::{GateOverlap, LayerOverlap, make_folder};
use indicatif::{ProgressBar, ProgressDrawTarget};
use std::path::Path;

pub(crate) fn run(what: &ShowWhat) -> Result<()> {
    match what {
        ShowWhat::Gates(options) => gates(options),
    }
}

/// A line that moves while a run is under way.
struct Spinner(ProgressBar);

impl Observer for Spinner {
    fn stepped(&mut self, steps: u32) {
        self.0.inc(u64::from(steps));
        self.0.set_message(format!("step {}", self.0.position()));
    }
}

fn gates(options: &ShowGatesOptions) -> Result<()> {
    let usual = Path::new("target/show").join(options.strategy.as_str());
    let folder = options.out.as_deref().unwrap_or(&usual);
    make_folder(folder)?;
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let measured = GateOverlap::measure(&options.request(), &mut Spinner(bar.clone()));
    bar.finish_and_clear();
    let overlap = measured?;
    let mut text = format!(
        "Gates of {}: cosine of the mean gates of two contexts, on test rows after training\n",
        overlap.told
    );
    for (at, layer) in overlap.layers.iter().enumerate() {
        text += &format!("\nHidden layer {}\n\n{}", at + 1, table(&overlap.contexts, layer));
        let picture = Matrix {
            title: format!("{}, hidden layer {}", options.strategy, at + 1),
            names: overlap.contexts.clone(),
            values: layer
                .cosine
                .iter()
                .map(|row| row.iter().copied().map(Some).collect())
                .collect(),
        };
        for path in draw(&picture, &folder.join(format!("gates-layer{}", at + 1)))? {
            text += &format!("{}\n", path.display());
        }
    }
    text += "\nopen: the mean gate, how much of the layer works. 1 on the diagonal; off it, the larger the \
             number, the more units two contexts share.\n";
    print::text(&text)
}

fn table(names: &[String], layer: &LayerOverlap) -> String {
    let header = ["context", "open"].map(str::to_owned).into_iter().chain(names.iter().cloned());
    let row = |(at, name): (usize, &String)| {
        let cosines = layer.cosine[at].iter().map(|value| format!("{value:.2}"));
        [name.clone(), format!("{:.2}", layer.open[at])].into_iter().chain(cosines).collect()
    };
    markdown(header.collect(), names.iter().enumerate().map(row).collect())
}
