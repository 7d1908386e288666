//! Strengths that are off by orders of magnitude.

use crate::registry::Grid;
use crate::{Bench, Line};
use cl_scenarios::Scenario;
use std::fmt;

/// A penalty whose gradient is beyond this many times the task's leaves nothing else to learn.
const OVERWHELMS: f64 = 1e3;
/// A penalty whose gradient is below this many times the task's hardly acts.
const HARDLY_ACTS: f64 = 1e-3;

/// A row of the table in a scenario, with penalties that overwhelm the task or hardly act.
#[derive(Clone, Debug, PartialEq)]
pub struct OffStrength {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategy, with the values that tell it from others.
    pub strategy: String,
    /// Its strengths: names and values, as they are told.
    pub strengths: Vec<(String, String)>,
    /// The largest ratio of the penalties' gradient to the task's, over stages and seeds.
    pub ratio: f64,
}

impl fmt::Display for OffStrength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, strategy, strengths, ratio } = self;
        write!(
            f,
            "{strategy} in {scenario}: the penalty's gradient is {ratio:.1e} times the task's"
        )?;
        let told: Vec<String> =
            strengths.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if !told.is_empty() {
            write!(f, " ({})", told.join(", "))?;
        }
        let meaning = match *ratio > OVERWHELMS {
            true => "a smaller strength may learn more",
            false => "it hardly acts",
        };
        write!(f, ": {meaning}")
    }
}

impl Bench {
    /// Rows whose largest ratio of gradients is above 1,000 or below a thousandth. A gradient of 0,
    /// that of strength 0, says nothing.
    #[must_use]
    pub fn off_strengths(&self, lines: &[Line]) -> Vec<OffStrength> {
        let mut off = Vec::new();
        for row in &self.rows {
            for &scenario in &self.scenarios {
                let runs = self.runs(row, scenario, lines);
                let ratios = runs.iter().flat_map(|line| line.penalty_ratio.iter().flatten());
                let ratio = ratios.copied().fold(0.0, f64::max);
                if ratio > 0.0 && !(HARDLY_ACTS..=OVERWHELMS).contains(&ratio) {
                    let strategy = row.label.clone();
                    let strengths = runs.first().map_or(Vec::new(), |line| self.strengths_of(line));
                    off.push(OffStrength { scenario, strategy, strengths, ratio });
                }
            }
        }
        off
    }

    /// What of a run's hyper-parameters is a strength: what would be tried in powers of ten.
    fn strengths_of(&self, line: &Line) -> Vec<(String, String)> {
        let cell = self.cells.iter().find(|cell| cell.composition.name == line.strategy);
        let hypers = cell.map_or(Vec::new(), |cell| cell.composition.hypers());
        let strengths =
            hypers.into_iter().filter(|(_, it)| matches!(it.grid, Grid::PowersOfTen { .. }));
        strengths
            .filter_map(|(name, hyper)| {
                let value = hyper.tell(*line.settings.hyper.get(&name)?);
                Some((name, value))
            })
            .collect()
    }
}
