//! HAT against the numbers of a slow reference, on digits, and in the shared suite.
#![allow(clippy::unwrap_used)]

mod capacity;
mod conformance;
mod frozen;
mod golden;
mod replay;

use cl_core::{Around, Penalty, SlotStore, Step, Strategy, Taken, Track};
use cl_core::{Boundary, Consolidate, Error, Gate, GateSite, GradientMap, Needs, Now, Parts};
use cl_gating::Hat;
use cl_nn::ParamSpec;
use cl_tensor::{Init, Var};

/// What is wrong with a mutant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    StepNotMasked,
    MaxForMin,
    NotCompensated,
    NotAccumulated,
    FirstContextsGates,
    PenaltyWithoutItsMask,
    EmbeddingsFree,
    HeadsFree,
    ReplayPays,
}

/// HAT that writes down what it sees of each step, with at most one fault.
struct Watched {
    hat: Hat,
    fault: Option<Fault>,
}

impl Watched {
    fn new(hat: Hat) -> Self {
        Self { hat, fault: None }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

fn used<'g>(step: &Step<'_, 'g>, layer: usize, units: usize) -> Var<'g> {
    step.scope.kept(&format!("mask{layer}"), &[units], Init::Zeros)
}

impl Gate for Watched {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        self.hat.params(around)
    }

    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        if !self.has(Fault::FirstContextsGates) {
            return self.hat.apply(at, h);
        }
        let context = h.graph().slot_u32("zeros", &at.context.shape(), Init::Zeros);
        self.hat.apply(&GateSite { context, scope: at.scope.clone(), ..*at }, h)
    }
}

impl Penalty for Watched {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let e = ["hat/embedding1", "hat/embedding2"].map(|name| step.network().get(name));
        let least = 1.0 / self.hat.s_max as f32;
        let s = least + (self.hat.s_max as f32 - least) * step.progress();
        if self.has(Fault::ReplayPays) {
            // λ times the mean gate of all rows, as in the first context.
            let mean =
                |e: Var<'g>| ((s * e).sigmoid().gather(step.context) * step.weight.column()).sum();
            return 0.75 / 9.0 * (mean(e[0]) + mean(e[1]));
        }
        if !self.has(Fault::PenaltyWithoutItsMask) {
            return self.hat.loss(step);
        }
        // λ times the mean gate, as in the first context.
        let opened = e.map(|e| (s * e.slice(0, 1..2)).sigmoid().sum());
        0.75 / 9.0 * (opened[0] + opened[1])
    }
}

impl GradientMap for Watched {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        self.hat.total(step, gradient)
    }

    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let masked = self.hat.delta(step, delta);
        let replaced = |replaced: &dyn Fn(&str, Var<'g>) -> Option<Var<'g>>| {
            let pieces = step.layout.ranges().iter().map(|range| {
                let cut = |flat: Var<'g>| flat.slice(0, range.floats()).reshape(&range.shape);
                (range.offset, replaced(&range.name, cut(delta)).unwrap_or(cut(masked)))
            });
            step.graph().assemble(step.layout.len(), &pieces.collect::<Vec<_>>())
        };
        match self.fault {
            Some(Fault::StepNotMasked) => delta,
            Some(Fault::MaxForMin) => replaced(&|name, piece| {
                let both = used(step, 2, 4).maximum(used(step, 1, 5).column());
                (name == "w2").then(|| piece * (1.0 - both))
            }),
            Some(Fault::EmbeddingsFree) => {
                replaced(&|name, piece| name.starts_with("hat/").then_some(piece))
            }
            Some(Fault::HeadsFree) => {
                replaced(&|name, piece| ["w3", "b3"].contains(&name).then_some(piece))
            }
            _ => masked,
        }
    }
}

impl Consolidate for Watched {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        if !self.has(Fault::NotAccumulated) {
            return self.hat.consolidate(boundary, theta);
        }
        for (layer, units) in [(1, 5), (2, 4)] {
            let range = boundary.layout.range(&format!("hat/embedding{layer}")).unwrap();
            let e = theta.slice(0, range.floats()).reshape(&range.shape).gather(boundary.index);
            let gates = (400.0 * e).sigmoid().reshape(&[units]);
            let _ = boundary.scope.kept(&format!("mask{layer}"), &[units], Init::Zeros);
            boundary.scope.assign(&format!("mask{layer}"), gates);
        }
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        if self.has(Fault::NotAccumulated) { Ok(()) } else { self.hat.end_context(now, slots) }
    }
}

impl Track for Watched {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let values = [
            ("logits", step.forward.logits),
            ("penalty", self.loss(step)),
            ("gradient", taken.total_gradient),
            ("step", taken.delta),
        ];
        for (name, value) in values {
            let _ = step.scope.slot(name, &value.shape(), Init::Zeros);
            step.scope.assign(name, value);
        }
    }
}

impl Strategy for Watched {
    fn name(&self) -> String {
        "hat".to_owned()
    }
    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self).penalty(self).gradient_map(self).consolidate(self).track(self);
    }
    fn needs(&self) -> Needs {
        self.hat.needs()
    }
}
