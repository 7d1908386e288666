//! Consolidation every so many steps, where nobody tells or finds boundaries.

use super::{Learner, Settings};
use crate::error::Error;
use crate::parts::{At, Over, Parts};
use crate::strategy::Strategy;
use std::ops::Range;

/// When to consolidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Steps between two ticks.
    pub every: u32,
    /// Whether anything looks at the rows between two ticks.
    pub collects: bool,
}

impl Clock {
    /// The clock of a run; `None` where nothing would act at a tick.
    pub(super) fn of(
        settings: &Settings,
        parts: &Parts<'_>,
        strategy: &dyn Strategy,
    ) -> Option<Self> {
        let every = settings.consolidate_every?;
        let mut waiting =
            parts.consolidations.iter().filter(|(_, part)| part.at() == At::ContextEnd).peekable();
        if waiting.peek().is_none() && !strategy.needs().moments {
            return None;
        }
        let looks =
            waiting.any(|(_, part)| part.passes().iter().any(|it| it.over == Over::Context));
        Some(Self { every, collects: looks || !parts.rehearsals.is_empty() })
    }
}

impl Learner<'_> {
    /// The step behind which the clock of some member ticks next, for members that are at `step`.
    pub(super) fn next_tick(&self, step: u32) -> u32 {
        let Some(Clock { every, .. }) = self.clock else { return u32::MAX };
        let live = self.members.iter().filter(|member| step < member.length);
        let left = live.map(|member| every - member.ticked);
        left.min().map_or(u32::MAX, |left| step.saturating_add(left))
    }

    /// Counts steps that were taken, and consolidates those members whose clock ticks behind them,
    /// with the rows of the stream since its last tick. The clock goes on from stage to stage.
    pub(super) fn tick(&mut self, steps: Range<u32>) -> Result<(), Error> {
        let ticks = self.ticks(steps);
        self.end_found(&ticks)
    }

    /// Counts steps that were taken; says whose clock ticks behind them.
    pub(super) fn ticks(&mut self, steps: Range<u32>) -> Vec<bool> {
        let Some(Clock { every, .. }) = self.clock else { return Vec::new() };
        let mut ticks = Vec::with_capacity(self.members.len());
        for member in &mut self.members {
            member.ticked += steps.end.min(member.length).saturating_sub(steps.start);
            ticks.push(member.ticked == every);
            member.ticked %= every;
        }
        ticks
    }
}
