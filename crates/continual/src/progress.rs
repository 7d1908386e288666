//! The bar with the time left, over all populations.

use crate::print::one_line;
use continual::{Cell, CellCost, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A bar on standard error, counted in multiply-accumulates: steps of different strategies do not
/// take the same time. Hidden where standard error is no terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    cells: usize,
    begun: usize,
    /// Where the bar stands when the present population is through.
    end: u64,
    /// Whether the present population took steps: if not, an earlier process trained it.
    stepped: bool,
    /// Whether a checkpoint that could not be written was told.
    told: bool,
}

impl Bar {
    pub(crate) fn new(costs: &[CellCost]) -> Self {
        let total = costs.iter().map(CellCost::macs).fold(0, u64::saturating_add);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = "{bar:30} {percent:>3} %, {eta} left: {msg}";
        // A template that does not parse would only cost the looks.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, cells: costs.len(), begun: 0, end: 0, stepped: false, told: false }
    }
}

impl Progress for Bar {
    fn begin(&mut self, cell: &Cell, cost: &CellCost) {
        (self.begun, self.stepped) = (self.begun + 1, false);
        self.end = self.end.saturating_add(cost.macs());
        let (begun, cells) = (self.begun, self.cells);
        let (scenario, name) = (cell.scenario, cell.label());
        self.bar.set_message(format!("{scenario}, {name} ({begun} of {cells})"));
    }

    fn advanced(&mut self, macs: u64) {
        self.stepped = true;
        self.bar.inc(macs);
    }

    fn end(&mut self, _: &Cell) {
        // Boundaries and evaluations are part of the cost and take no steps.
        self.bar.set_position(self.end);
        if !self.stepped {
            // What took no time says nothing about the time left.
            self.bar.reset_eta();
        }
    }

    /// Once: the next checkpoint will hardly find more room.
    fn unsaved(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.told, true) {
            let text = format!(
                "warning: {}; training goes on, and a kill would cost what was done since the last \
                 checkpoint",
                one_line(reason)
            );
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
