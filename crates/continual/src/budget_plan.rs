//! The most rows that so many bytes allow.

use crate::choices::{Choices, Chosen};
use crate::registry::Grid;
use crate::{Cell, Error, Line, Strengths};
use cl_scenarios::Scenario;
use std::collections::BTreeMap;

/// The rows that a strategy may keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The strategy.
    pub strategy: String,
    /// The hyper-parameters that count rows, `strategy.hyper`, each with its value where the memories keep
    /// one row of every class; with more rows all grow in step. Without one the strategy has bytes of
    /// its own.
    pub hypers: Vec<(String, u64)>,
    /// The fewest bytes that it can do with; all of them where it has bytes of its own.
    pub least: u64,
    /// Rows of every class for each budget; nothing where `least` is more.
    pub rows: Vec<Option<u64>>,
    /// The bytes that are kept with so many rows.
    pub bytes: Vec<Option<u64>>,
}

impl Fit {
    /// Whether it runs at all.
    pub(crate) fn runs(&self) -> bool {
        self.hypers.is_empty() || self.rows.iter().any(Option::is_some)
    }

    /// Numbers of rows of every class, each once.
    pub(crate) fn settings(&self) -> impl Iterator<Item = u64> {
        let mut rows: Vec<u64> = self.rows.iter().flatten().copied().collect();
        rows.dedup();
        rows.into_iter()
    }

    /// The hyper-parameters that count rows, with so many rows of every class.
    pub(crate) fn values(&self, rows: u64) -> impl Iterator<Item = (String, f64)> {
        self.hypers.iter().map(move |(name, one)| (name.clone(), (one * rows) as f64))
    }

    /// Whether a run had so many rows.
    pub(crate) fn is_of(&self, line: &Line, rows: Option<u64>) -> bool {
        let mut values = rows.into_iter().flat_map(|rows| self.values(rows));
        values.all(|(name, value)| line.settings.hyper.get(&name) == Some(&value))
    }
}

/// What the rows of one strategy are worked out from.
pub(crate) struct Plan<'a> {
    pub choices: &'a Choices,
    pub strengths: &'a Strengths,
    pub chosen: &'a Chosen,
    pub scenario: Scenario,
}

impl Plan<'_> {
    /// What counts rows in the strategy, with the value that keeps a row of every class. Alone, a count per
    /// context goes up by ones.
    fn counts_rows(&self) -> Result<Vec<(String, u64)>, Error> {
        let hypers = self.chosen.composition.hypers().into_iter();
        let rows: Vec<_> = hypers.filter(|(_, hyper)| hyper.grid.counts_rows()).collect();
        let per_context = match rows.len() {
            0 | 1 => 1,
            _ => {
                let experiment = self.choices.experiment.clone().scenario(self.scenario);
                let seed = experiment.setup.seeds.first().copied().unwrap_or_default();
                let stream = experiment.stream(seed)?;
                let classes = |context| stream.classes(context).len() as u64;
                (0..experiment.setup.contexts).map(classes).max().unwrap_or(1)
            }
        };
        let one = |(name, hyper): (String, &crate::registry::Hyper)| match hyper.grid {
            Grid::RowsOfContext => (name, per_context),
            _ => (name, 1),
        };
        Ok(rows.into_iter().map(one).collect())
    }

    fn cell(&self, rows: impl Iterator<Item = (String, f64)>) -> Cell {
        let mut given: BTreeMap<String, f64> =
            self.chosen.groups().into_iter().flatten().next().unwrap_or_default();
        given.extend(rows);
        Cell::new(self.choices, self.strengths, self.chosen, &[given], self.scenario)
    }

    /// Nothing where the scenario does not suit the strategy: the benchmark says why, if it was asked
    /// for by name.
    pub(crate) fn fit(&self, budgets: &[u64]) -> Result<Option<Fit>, Error> {
        let strategy = self.chosen.composition.name.clone();
        let (hypers, none) = (Vec::new(), Vec::new());
        let mut fit = Fit { strategy, hypers, least: 0, rows: Vec::new(), bytes: none };
        if self.cell(std::iter::empty()).impossible()?.is_some() {
            return Ok(self.chosen.by_name.then_some(fit));
        }
        fit.hypers = self.counts_rows()?;
        if fit.hypers.is_empty() {
            fit.least = self.cell(std::iter::empty()).bytes_kept()?;
            return Ok(Some(fit));
        }
        let mut known = BTreeMap::new();
        let mut bytes = |rows: u64| -> Result<u64, Error> {
            if let Some(&bytes) = known.get(&rows) {
                return Ok(bytes);
            }
            let bytes = self.cell(fit.values(rows)).bytes_kept()?;
            known.insert(rows, bytes);
            Ok(bytes)
        };
        let least = bytes(1)?;
        // No class has more rows than there are.
        let most = self.choices.experiment.dataset.train.len() as u64;
        let mut rows = Vec::with_capacity(budgets.len());
        let mut kept = Vec::with_capacity(budgets.len());
        for &budget in budgets {
            let fitting = most_rows(budget, most, &mut bytes)?;
            kept.push(fitting.map(&mut bytes).transpose()?);
            rows.push(fitting);
        }
        Ok(Some(Fit { least, rows, bytes: kept, ..fit }))
    }
}

/// The number of rows up to `most` whose bytes are the most that fit, and the smallest of several; nothing
/// where one row does not fit. `bytes` never falls; where it rises evenly a handful of them is asked for.
fn most_rows(
    budget: u64,
    most: u64,
    bytes: &mut dyn FnMut(u64) -> Result<u64, Error>,
) -> Result<Option<u64>, Error> {
    let (mut fits, mut over) = (1, most.max(1) + 1);
    let mut used = bytes(fits)?;
    if used > budget {
        return Ok(None);
    }
    let mut row = None;
    let mut halve = false;
    while over - fits > 1 {
        let next = match row {
            None => fits + 1,
            Some(_) if halve => fits.midpoint(over),
            Some(0) => over - 1,
            Some(row) => (fits + ((budget - used) / row).max(1)).min(over - 1),
        };
        halve = row.is_some() && !halve && next > fits + 1;
        let found = bytes(next)?;
        row = row.or(Some(found - used));
        match found <= budget {
            true => (fits, used) = (next, found),
            false => over = next,
        }
    }
    // All rows that there are may be kept long before.
    let (mut below, mut least) = (0, fits);
    while least - below > 1 && (below > 0 || bytes(least - 1)? == used) {
        let middle = below.midpoint(least);
        match bytes(middle)? == used {
            true => least = middle,
            false => below = middle,
        }
    }
    Ok(Some(least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_rows_are_found_for_every_budget() {
        // 40 bytes of its own and 7 for each row.
        let mut bytes = |rows: u64| Ok(40 + 7 * rows);
        for budget in 0..400_u64 {
            let expected = budget.checked_sub(40).map(|left| left / 7).filter(|&rows| rows > 0);
            let expected = expected.map(|rows| rows.min(30));
            assert_eq!(most_rows(budget, 30, &mut bytes).unwrap(), expected, "{budget}");
        }
    }

    #[test]
    fn where_classes_run_out_of_rows_it_is_the_fewest_that_keep_as_much() {
        // Three classes of 5, 9 and 20 rows of 3 bytes.
        let kept = |rows: u64| [5, 9, 20].map(|all| 3 * rows.min(all)).iter().sum::<u64>();
        for most in [7, 30, 1000] {
            for budget in 9..150 {
                let expected = (1..=most).rev().find(|&rows| kept(rows) <= budget).map(kept);
                let least = (1..=most).find(|&rows| Some(kept(rows)) == expected);
                let found = most_rows(budget, most, &mut |rows| Ok(kept(rows))).unwrap();
                assert_eq!(found, least, "{budget} of {most}");
            }
        }
    }

    #[test]
    fn a_memory_that_grows_evenly_is_worked_out_a_handful_of_times() {
        let mut asked = 0;
        let mut bytes = |rows: u64| {
            asked += 1;
            Ok(1000 + 650 * rows)
        };
        assert_eq!(most_rows(1_000_000, 60_000, &mut bytes).unwrap(), Some(1536));
        assert!(asked <= 6, "{asked}");
    }
}
