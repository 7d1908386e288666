//! A memory by any policy, from which every step draws afresh.

use crate::budget::same;
use cl_buffers::{Buffer, Group, Groups, Key, Policy, Row, RowSize, When};
use cl_core::{Error, Fill, Member, Now, Rehearse, Reports, Share, from_state, to_state};
use cl_random::{Address, Purpose};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeSet;

/// Of which contexts rows may be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligible {
    /// Of all that are there.
    All,
    /// Of contexts that have ended: rows of the present one stay out. The memory then has to know the
    /// context of its rows.
    Past,
}

/// When rows of the stream that pass are offered to an online policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// When the step has been taken.
    AfterStep,
    /// When the step's own rows have been drawn: the step then knows where each row of the stream will
    /// lie ([`Step::stored`](cl_core::Step::stored)) and may write something beside it.
    WithinStep,
}

/// How a memory is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// The strategy, for messages.
    pub name: &'static str,
    /// What its random numbers are for.
    pub purpose: Purpose,
    /// Rows of one draw.
    pub rows: usize,
    /// Independent draws of a step; their rows follow each other, each draw's weights sum to 1.
    pub draws: usize,
    /// Of which contexts.
    pub from: Eligible,
    /// Draw uniformly (`All`), or as many rows of each of these groups.
    pub balance: Group,
    /// When rows are offered.
    pub offer: Offer,
    /// Boundaries that have passed before it is drawn from.
    pub first_stage: u32,
}

impl Recall {
    /// One uniform draw of so many rows from all that is there, rows offered after the step.
    #[must_use]
    pub fn uniform(name: &'static str, rows: usize) -> Self {
        let (from, balance, offer) = (Eligible::All, Group::All, Offer::AfterStep);
        let (purpose, first_stage) = (Purpose::named(name), 0);
        Self { name, purpose, rows, draws: 1, from, balance, offer, first_stage }
    }

    /// Rows are told apart by context where some stay out.
    fn groups(&self) -> Group {
        match (self.balance, self.from) {
            (Group::All, Eligible::Past) => Group::Context,
            (Group::Class, Eligible::Past) => Group::ClassOfContext,
            (balance, _) => balance,
        }
    }
}

/// Rows kept by a policy, drawn from without replacement at every step.
///
/// Cells ([`Step::cells`](cl_core::Step::cells)) are places of the buffer; a row that replaces another
/// takes over its cell.
#[derive(Clone, Debug)]
pub struct EpisodicMemory<P> {
    buffer: Buffer<P>,
    /// Bytes of a row that lie elsewhere, in slots.
    beside: u64,
    groups: Groups,
    recall: Recall,
    drawn: Vec<u32>,
}

/// Tells its choices apart from those of memories that fill at the end of a context.
const STORE_STEP: u32 = 1;

impl<P: Policy> EpisodicMemory<P> {
    /// A memory of so many bytes with rows of this size; of each row `beside` bytes are kept in slots
    /// (logits), which count them.
    ///
    /// # Errors
    /// A budget that holds less than one row of every class, or too little for the policy.
    pub fn new(
        member: &Member<'_>,
        budget: u64,
        (row_size, beside): (RowSize, u64),
        policy: P,
        recall: Recall,
    ) -> Result<Self, Error> {
        let classes = u64::from(member.classes);
        let needed = row_size.bytes().saturating_mul(classes);
        if budget < needed {
            let Recall { name, .. } = recall;
            return Err(Error::Misfit(format!(
                "{name}: a budget of {budget} bytes; expected at least {needed}: one row of {} bytes \
                 for each of {classes} classes",
                row_size.bytes()
            )));
        }
        let buffer = Buffer::new(budget, row_size, policy)?;
        let (groups, drawn) = (Groups::new(recall.groups()), vec![0; recall.rows]);
        Ok(Self { buffer, beside, groups, recall, drawn })
    }

    /// The rows kept.
    #[must_use]
    pub fn buffer(&self) -> &Buffer<P> {
        &self.buffer
    }

    fn offer(&mut self, now: Now, rows: &[Row]) -> Result<(), Error> {
        self.buffer.offer(rows, Address::new(now.seed, Purpose::STORE).step(STORE_STEP))?;
        for (position, row) in self.buffer.written() {
            self.groups.set(*position, row);
        }
        Ok(())
    }

    /// Where the rows just offered lie; of two in one place the last.
    fn tell_places(&self, offered: &[Row], stored: &mut [u32]) {
        let mut next = 0;
        for (position, row) in self.buffer.written() {
            // Policies place rows in the order offered.
            while next < offered.len() && offered[next] != *row {
                next += 1;
            }
            if next == offered.len() {
                return;
            }
            stored[..next].iter_mut().filter(|at| **at == *position).for_each(|at| *at = u32::MAX);
            stored[next] = *position;
            next += 1;
        }
    }
}

impl<P: Policy + Send + Serialize + DeserializeOwned> Rehearse for EpisodicMemory<P> {
    fn rows(&self) -> usize {
        self.recall.rows * self.recall.draws
    }

    fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    fn fill(&mut self, now: Now, current: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let Recall { purpose, rows, draws, from, balance, offer, first_stage, .. } = self.recall;
        let draws = if now.stage < first_stage { 0 } else { draws };
        let wanted = |key: Key| from == Eligible::All || key.context != now.stage;
        let address = Address::new(now.seed, purpose);
        let address = address.context(now.stage).step(now.step);
        let mut share = Share::Empty;
        for draw in 0..draws {
            // Draws have 2^16 ordinals each: a balanced one takes some for its groups.
            let address = address.ordinal((draw as u32) << 16);
            let drawn = &mut self.drawn[..];
            let count = match balance {
                Group::All => self.groups.draw(wanted, address, drawn),
                _ => self.groups.draw_balanced(wanted, address, drawn),
            };
            for (place, &position) in (draw * rows..).zip(&drawn[..count]) {
                fill.rows[place] = self.buffer.rows()[position as usize];
                fill.cells[place] = position;
                fill.weights[place] = 1.0 / count as f32;
                share = Share::Joined(1.0);
            }
        }
        if offer == Offer::WithinStep && self.buffer.policy().when() == When::Online {
            self.offer(now, current)?;
            self.tell_places(current, fill.stored);
        }
        Ok(share)
    }

    fn store(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        match (self.recall.offer, self.buffer.policy().when()) {
            (Offer::AfterStep, When::Online) => self.offer(now, rows),
            (Offer::WithinStep, _) | (_, When::EndOfContext) => Ok(()),
        }
    }

    fn end_context(&mut self, now: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        if self.buffer.policy().when() == When::Online {
            return Ok(());
        }
        let known: BTreeSet<u32> = self.buffer.rows().iter().map(|row| row.context).collect();
        let new: Vec<Row> =
            rows.iter().filter(|row| !known.contains(&row.context)).copied().collect();
        self.offer(now, &new)
    }

    fn kept(&self) -> &[Row] {
        self.buffer.rows()
    }

    fn peak_bytes(&self) -> u64 {
        let rows = self.buffer.peak_rows() as u64;
        self.buffer.peak_bytes() - rows * self.beside
    }

    fn save(&self) -> Result<Value, Error> {
        to_state(self.recall.name, &(&self.buffer, &self.groups))
    }

    fn restore(&mut self, state: &Value) -> Result<(), Error> {
        let (buffer, groups): (Buffer<P>, Groups) = from_state(self.recall.name, state)?;
        if groups.positions() != buffer.len() {
            let (grouped, rows) = (groups.positions(), buffer.len());
            let reason = format!("{grouped} grouped rows, expected {rows}");
            return Err(Error::state(self.recall.name, reason));
        }
        self.buffer = same(&self.buffer, buffer)?;
        self.groups = groups;
        Ok(())
    }
}
