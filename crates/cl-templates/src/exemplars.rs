//! Exemplars chosen by herding, which join the stream's own draw.

use crate::budget::{ExemplarBudget, row_size};
use cl_buffers::{Row, herd};
use cl_core::{Error, Member, Now, Rehearse, Reports, from_state, to_state};
use cl_random::{Address, Purpose};
use serde_json::Value;
use std::collections::BTreeMap;

/// The report that herding reads.
pub(crate) const FEATURES: &str = "features";
const SHUFFLE: Purpose = Purpose::named("herding through a shuffled loader");

/// Which rows of a class become exemplars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// Those whose mean is nearest to that of the class, in the order of herding.
    #[default]
    Herding,
    /// As the released code of van de Ven et al. 2022: it herds features that a shuffled loader
    /// brings and takes the rows of those places in the order that was not shuffled. The choice is in
    /// effect random.
    AsReleased,
}

impl Selection {
    /// Places of the chosen rows of one class, in the order chosen; `features` is `[rows, width]`.
    #[must_use]
    pub fn choose(self, features: &[f32], width: usize, count: usize, at: Address) -> Vec<usize> {
        if self == Self::Herding {
            return herd(features, width, count);
        }
        let rows: Vec<&[f32]> = features.chunks_exact(width.max(1)).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        at.rng().shuffle(&mut order);
        let shuffled: Vec<f32> = order.iter().flat_map(|&row| rows[row]).copied().collect();
        herd(&shuffled, width, count)
    }
}

/// The exemplars of one member, class by class in the order they were chosen.
#[derive(Debug)]
pub struct HerdedExemplars {
    strategy: &'static str,
    budget: ExemplarBudget,
    selection: Selection,
    /// Exemplars that fit.
    capacity: usize,
    row_bytes: u64,
    rows: Vec<Row>,
    peak: usize,
}

impl HerdedExemplars {
    /// An empty memory for one member of `strategy`.
    ///
    /// # Errors
    /// A budget of less than one exemplar for every class of the stream.
    pub fn new(
        strategy: &'static str,
        budget: ExemplarBudget,
        selection: Selection,
        member: &Member<'_>,
    ) -> Result<Self, Error> {
        let (capacity, classes) = (budget.rows(member), member.classes as usize);
        if capacity < classes {
            return Err(Error::Misfit(format!(
                "{strategy}: a budget of {budget} has room for {capacity} exemplars; expected at least \
                 one for each of {classes} classes"
            )));
        }
        let row_bytes = row_size(member).bytes();
        Ok(Self { strategy, budget, selection, capacity, row_bytes, rows: Vec::new(), peak: 0 })
    }

    /// Gives up the last ones of every class of which there are more than its quota.
    fn reduce(&mut self, quota: usize) {
        let mut counts: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        self.rows.retain(|row| {
            let count = counts.entry((row.context, row.label)).or_default();
            *count += 1;
            *count <= quota
        });
    }
}

impl Rehearse for HerdedExemplars {
    fn end_context(&mut self, now: Now, _: &[Row], reports: &Reports<'_>) -> Result<(), Error> {
        let (rows, features) = (reports.rows(), reports.get(FEATURES).unwrap_or(&[]));
        let width = features.len().checked_div(rows.len()).unwrap_or(0);
        let known: Vec<(u32, u32)> = self.rows.iter().map(|row| (row.context, row.label)).collect();
        let mut new: BTreeMap<(u32, u32), (Vec<Row>, Vec<f32>)> = BTreeMap::new();
        for (row, features) in rows.iter().zip(features.chunks_exact(width.max(1))) {
            let class = (row.context, row.label);
            if !known.contains(&class) {
                let (rows, of_class) = new.entry(class).or_default();
                rows.push(*row);
                of_class.extend(features);
            }
        }
        let mut classes = known;
        classes.dedup();
        let quota = self.budget.quota(self.capacity, classes.len() + new.len());
        self.reduce(quota);
        let address = Address::new(now.seed, SHUFFLE);
        for ((context, label), (rows, features)) in &new {
            let at = address.context(*context).ordinal(*label);
            let chosen = self.selection.choose(features, width, quota, at);
            self.rows.extend(chosen.into_iter().map(|place| rows[place]));
        }
        if self.rows.len() > self.capacity {
            let (found, capacity) = (self.rows.len(), self.capacity);
            return Err(Error::Misfit(format!(
                "{}: {found} exemplars, more than the {capacity} that fit: the stream brings more \
                 classes than it announced",
                self.strategy
            )));
        }
        self.peak = self.peak.max(self.rows.len());
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        &self.rows
    }

    fn main_rows(&self) -> &[Row] {
        &self.rows
    }

    fn peak_bytes(&self) -> u64 {
        self.peak as u64 * self.row_bytes
    }

    fn save(&self) -> Result<Value, Error> {
        to_state(self.strategy, &(&self.rows, self.peak, self.capacity))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (rows, peak, capacity): (Vec<Row>, usize, usize) = from_state(self.strategy, state)?;
        if capacity != self.capacity || rows.len() > peak || peak > capacity {
            let reason = format!(
                "{} exemplars, at most {peak}, with room for {capacity}; expected room for {}",
                rows.len(),
                self.capacity
            );
            return Err(Error::state(self.strategy, reason));
        }
        (self.rows, self.peak) = (rows, peak);
        Ok(())
    }
}
