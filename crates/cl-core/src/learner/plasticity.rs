//! How much networks can still learn.

use super::boundary::run_chunks;
use super::{CHUNK, Learner};
use crate::error::Error;
use crate::host::Chunks;
use crate::record::{THETA, hidden_output};
use cl_metrics::{Activations, Plasticity};
use cl_tensor::PlanId;

/// The program that tells what hidden layers do.
pub(super) struct Probe {
    pub plan: PlanId,
    pub layers: usize,
    /// The parameters that are weights of layers.
    pub weights: Vec<String>,
}

impl Learner<'_> {
    /// How much every member's network can still learn, of a run whose [`plasticity`](crate::Evaluation::plasticity) is measured: its hidden
    /// layers on at most [`PROBED`](crate::Evaluation::PROBED) test rows, evenly of the tracked contexts and the same ones throughout,
    /// as gates let them through in an evaluation. `None` without a hidden layer, and where an activation is no number.
    ///
    /// # Errors
    /// What the device refuses.
    pub(crate) fn plasticity(&mut self) -> Result<Vec<Option<Plasticity>>, Error> {
        let each = self.settings().evaluation.probed_of_each(self.model().contexts);
        let rows = self.tracked_rows(each);
        let Some(Probe { plan, layers, weights }) = &self.programs.probe else {
            return Ok(vec![None; self.members()]);
        };
        let outputs = || (0..*layers).map(hidden_output);
        let mut hosts: Vec<Chunks<'_>> =
            rows.iter().map(|rows| self.chunks(rows, CHUNK).reading(outputs())).collect();
        run_chunks(&mut *self.session, *plan, &mut hosts)?;
        let mut all = Vec::with_capacity(hosts.len());
        for (member, host) in hosts.into_iter().enumerate() {
            let layers: Vec<Vec<f32>> = host.read.into_iter().map(|(_, values)| values).collect();
            let theta = self.session.read(THETA, member)?;
            let ranges = self.model.layout.ranges().iter();
            let of_layers = ranges.filter(|range| weights.contains(&range.name));
            let weights: Vec<f32> =
                of_layers.flat_map(|range| &theta[range.floats()]).copied().collect();
            all.push(measure(&layers, rows[member].len(), &weights));
        }
        Ok(all)
    }
}

fn measure(layers: &[Vec<f32>], rows: usize, weights: &[f32]) -> Option<Plasticity> {
    let layer = |values: &'_ Vec<f32>| values.len().checked_div(rows);
    let layers: Option<Vec<Activations<'_>>> =
        layers.iter().map(|values| Activations::new(values, layer(values)?).ok()).collect();
    Plasticity::of(&layers?, weights)
}
