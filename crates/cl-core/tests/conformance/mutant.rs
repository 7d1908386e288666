//! A strategy that is sound but for one mistake.

use cl_core::{
    Boundary, Consolidate, Error, Fill, Gate, GateSite, Member, Now, Parts, Penalty, Rehearse,
    Reports, Row, Share, Step, Strategy, from_state, to_state,
};
use cl_nn::Point;
use cl_tensor::{Init, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    /// The memory does not save how often it was asked.
    UnsavedCount,
    /// The same from the tenth time on.
    ForgetsAfterTen,
    /// What to replay depends on a counter of the strategy, which nobody saves.
    CountInStrategy,
    /// Members replay what the first member of the process replays.
    FirstMembersRow,
    /// At strength 0 it still pulls.
    PullsAtZero,
    /// At strength 0 it still replays.
    ReplaysAtZero,
    /// It hands over no penalty and no memory.
    DoesNothing,
    /// It does nothing before the third context.
    ActsLate,
    /// One factor of the square is taken as given.
    HalfDetached,
    /// The penalty is taken as given.
    Detached,
    /// Its gate adds where a branch should.
    AddingGate,
    /// Its gate has a threshold.
    ThresholdGate,
    /// Its anchor is not declared as kept.
    AnchorNotKept,
    /// A slot that it does not need is declared as kept.
    KeepsMore,
    /// Its anchor has no scope.
    Unscoped,
    /// At a boundary it writes the optimiser's moments.
    WritesMoments,
    /// Every strength will do.
    AnyStrength,
    /// Its refusal does not say who refuses.
    NamelessRefusal,
    /// An entry of its description does not say whose it is.
    NamelessEntry,
    /// It has no name.
    Nameless,
    /// It panics while its parts are recorded.
    Panics,
}

/// strength · ‖θ − θ*‖², θ* from the last boundary; replays rows of the first context.
pub(crate) struct Mutant {
    pub(crate) strength: f64,
    pub(crate) mistake: Mistake,
    count: Arc<AtomicU32>,
}

impl Mutant {
    pub(crate) fn new(strength: f64, mistake: Mistake) -> Self {
        Self { strength, mistake, count: Arc::new(AtomicU32::new(u32::MAX)) }
    }

    fn has(&self, mistake: Mistake) -> bool {
        self.mistake == mistake
    }
}

impl Penalty for Mutant {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        assert!(!self.has(Mistake::Panics), "an index out of bounds");
        let (scope, init) = (&step.scope, step.layout.init());
        let shape = [step.layout.len()];
        let anchor = match self.mistake {
            Mistake::AnchorNotKept => scope.slot("anchor", &shape, init),
            Mistake::Unscoped => step.graph().slot("anchor", &shape, init),
            _ => scope.kept("anchor", &shape, init),
        };
        if self.has(Mistake::KeepsMore) {
            // As many floats as theta, but not its shape: none of them is padding.
            scope.kept("more", &[step.layout.len(), 1], Init::Zeros);
        }
        let strength = scope.hyper("strength", self.strength as f32);
        let distance = step.theta - anchor;
        match self.mistake {
            Mistake::PullsAtZero => (strength + 1e-3) * distance.square().sum(),
            Mistake::HalfDetached => strength * (distance * distance.detach()).sum(),
            Mistake::Detached => strength * distance.detach().square().sum(),
            _ => strength * distance.square().sum(),
        }
    }
}

impl Gate for Mutant {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        match (self.mistake, at.site.point) {
            (Mistake::AddingGate, Point::PostActivation) => h + 0.1 * self.strength as f32,
            (Mistake::ThresholdGate, Point::PostActivation) => {
                (h - 0.1 * self.strength as f32).relu()
            }
            _ => h,
        }
    }
}

impl Consolidate for Mutant {
    fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, shape) = (&at.scope, [at.layout.len()]);
        match self.mistake {
            Mistake::AnchorNotKept => {
                scope.slot("anchor", &shape, at.layout.init());
                scope.assign("anchor", theta);
            }
            Mistake::Unscoped => {
                theta.graph().slot("anchor", &shape, at.layout.init());
                theta.graph().assign("anchor", theta);
            }
            _ => {
                scope.kept("anchor", &shape, at.layout.init());
                scope.assign("anchor", theta);
            }
        }
        if self.has(Mistake::WritesMoments) {
            let zero = theta.graph().full(&shape, 0.0);
            theta.graph().slot("optimizer/m", &shape, Init::Zeros);
            theta.graph().assign("optimizer/m", zero);
        }
        theta
    }
}

impl Strategy for Mutant {
    fn name(&self) -> String {
        if self.has(Mistake::Nameless) { String::new() } else { "mutant".to_owned() }
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        if self.has(Mistake::DoesNothing) {
            return;
        }
        if !self.has(Mistake::ActsLate) {
            parts.penalty(self).gate(self).consolidate(self);
        }
        parts.rehearse(|about: &Member<'_>| {
            let (own, order) = (about.seed as u32, Ordering::Relaxed);
            let start = match self.mistake {
                Mistake::FirstMembersRow => {
                    self.count.compare_exchange(u32::MAX, own, order, order).err().unwrap_or(own)
                }
                _ => own,
            };
            Ok(Box::new(FirstRows {
                rows: Vec::new(),
                asked: 0,
                start,
                share: self.strength as f32,
                mistake: self.mistake,
                count: Arc::clone(&self.count),
            }))
        });
    }

    fn describe(&self) -> Vec<(String, String)> {
        let name = match self.mistake {
            Mistake::NamelessEntry => "strength",
            Mistake::Nameless => ".strength",
            _ => "mutant.strength",
        };
        vec![(name.to_owned(), self.strength.to_string())]
    }

    fn check(&self) -> Result<(), Error> {
        let strategy = if self.has(Mistake::NamelessRefusal) { "it" } else { "mutant" };
        let (name, value, expected) = ("strength", self.strength, "at least 0");
        if self.strength >= 0.0 || self.has(Mistake::AnyStrength) {
            return Ok(());
        }
        Err(Error::HyperParameter { strategy, name, value, expected })
    }
}

/// Keeps the first rows of the first context and replays one of them after the other.
struct FirstRows {
    rows: Vec<Row>,
    asked: u32,
    start: u32,
    share: f32,
    mistake: Mistake,
    /// The strategy's own: shared by all members.
    count: Arc<AtomicU32>,
}

pub(crate) const ROWS: usize = 3;

impl Rehearse for FirstRows {
    fn rows(&self) -> usize {
        2
    }

    fn fill(&mut self, now: Now, _: &[Row], fill: &mut Fill<'_>) -> Result<Share, Error> {
        let late = self.mistake == Mistake::ActsLate && now.stage < 2;
        let on = self.share > 0.0 || self.mistake == Mistake::ReplaysAtZero;
        if self.rows.is_empty() || late || !on {
            return Ok(Share::Empty);
        }
        self.asked += 1;
        let next = match self.mistake {
            Mistake::CountInStrategy => self.count.fetch_add(1, Ordering::Relaxed),
            _ => self.start.wrapping_add(self.asked),
        };
        fill.rows[0] = self.rows[next as usize % ROWS];
        fill.weights[0] = 1.0;
        Ok(Share::Joined(1.0))
    }

    fn end_context(&mut self, _: Now, rows: &[Row], _: &Reports<'_>) -> Result<(), Error> {
        if self.rows.is_empty() {
            self.rows = rows[..ROWS].to_vec();
        }
        Ok(())
    }

    fn kept(&self) -> &[Row] {
        &self.rows
    }

    fn peak_bytes(&self) -> u64 {
        65 * ROWS as u64
    }

    fn save(&self) -> Result<serde_json::Value, Error> {
        let asked = match self.mistake {
            Mistake::UnsavedCount => 0,
            Mistake::ForgetsAfterTen => self.asked.min(9),
            _ => self.asked,
        };
        to_state("first rows", &(&self.rows, asked))
    }

    fn restore(&mut self, state: &serde_json::Value) -> Result<(), Error> {
        (self.rows, self.asked) = from_state("first rows", state)?;
        Ok(())
    }
}
