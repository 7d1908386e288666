//! Synaptic intelligence.

use crate::range::{expect, strength};
use cl_core::{Boundary, Consolidate, Error, Needs, Parts, Penalty, Step, Strategy, Taken, Track};
use cl_tensor::{Init, Scope, Var};

/// Which gradient the path integral is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathGradient {
    /// Of the task loss alone, as the authors do.
    #[default]
    Task,
    /// Of task loss and penalties together, as the code of van de Ven et al. 2022 does.
    Total,
}

/// How importance is kept from falling below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Floor {
    /// Ω ← max(Ω + increment, 0), as the authors' code does.
    #[default]
    Accumulated,
    /// Ω ← Ω + max(increment, 0), as in the code of Chaudhry et al. 2019 (A-GEM).
    Increment,
    /// Ω ← Ω + increment, as in the code of van de Ven et al. 2022: a negative Ω pushes away.
    None,
}

/// Synaptic intelligence: a parameter is important if moving it made the loss fall.
///
/// W_i ← W_i − g_i δ_i after every step, g the gradient before it and δ what it added to θ;
/// Ω_i ← max(Ω_i + W_i / ((θ_i − θ*_i)² + ξ), 0), θ* ← θ, W ← 0 when a context ends;
/// L = CE + c Σ_i Ω_i (θ_i − θ*_i)², without ½.
///
/// Without boundaries the same happens every so many steps
/// ([`Settings::consolidate_every`](cl_core::Settings::consolidate_every)), as in the code of van de Ven
/// et al. 2022, every 100 steps.
///
/// Zenke, Poole & Ganguli 2017, eq. 3 to 5. θ* starts as the initial parameters, which is where the
/// path of the first context starts.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `c` | 1 | ≥ 0 | strength; slot `c` |
/// | `xi` | 1e-3 | > 0 | keeps Ω bounded where a parameter hardly moved; slot `xi` |
/// | `gradient` | `Task` | | of what loss the path integral is taken |
/// | `floor` | `Accumulated` | | what keeps Ω from falling below 0 |
///
/// Defaults are those of the authors' split MNIST. Neutral setting: `c` = 0. Memory: Ω and θ*, two
/// numbers per parameter; W is 0 between contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Si {
    /// Strength c.
    pub c: f64,
    /// Damping ξ.
    pub xi: f64,
    /// Of what loss the path integral is taken.
    pub gradient: PathGradient,
    /// What keeps Ω from falling below 0.
    pub floor: Floor,
}

impl Default for Si {
    fn default() -> Self {
        Self { c: 1.0, xi: 1e-3, gradient: PathGradient::Task, floor: Floor::Accumulated }
    }
}

impl Si {
    /// As in the code of van de Ven et al. 2022: total gradient, no floor, ξ = 0.1. They choose c per
    /// scenario.
    #[must_use]
    pub fn vdv(c: f64) -> Self {
        Self { c, xi: 0.1, gradient: PathGradient::Total, floor: Floor::None }
    }
}

/// W, `[theta]`.
fn path<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.slot("path", &[len], Init::Zeros)
}

/// Ω, `[theta]`.
fn omega<'g>(scope: &Scope<'g>, len: usize) -> Var<'g> {
    scope.kept("omega", &[len], Init::Zeros)
}

impl Penalty for Si {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let c = step.scope.hyper("c", self.c as f32);
        let omega = omega(&step.scope, step.layout.len());
        let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
        c * (omega * (step.theta - anchor).square()).sum()
    }
}

impl Track for Si {
    fn update<'g>(&self, step: &Step<'_, 'g>, taken: &Taken<'g>) {
        let gradient = match self.gradient {
            PathGradient::Task => taken.task_gradient,
            PathGradient::Total => taken.total_gradient,
        };
        step.scope.assign("path", path(&step.scope, step.layout.len()) - gradient * taken.delta);
    }
}

impl Consolidate for Si {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, len) = (&boundary.scope, boundary.layout.len());
        let (path, omega) = (path(scope, len), omega(scope, len));
        let anchor = scope.kept("anchor", &[len], boundary.layout.init());
        let xi = scope.hyper("xi", self.xi as f32);

        let increment = path / ((theta - anchor).square() + xi);
        let importance = match self.floor {
            Floor::Accumulated => (omega + increment).relu(),
            Floor::Increment => omega + increment.relu(),
            Floor::None => omega + increment,
        };
        scope.assign("omega", importance);
        scope.assign("anchor", theta);
        scope.assign("path", theta.graph().full(&[len], 0.0));
        theta
    }
}

impl Strategy for Si {
    fn name(&self) -> String {
        "si".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).track(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs { moments: true, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let gradient = match self.gradient {
            PathGradient::Task => "of the task loss",
            PathGradient::Total => "of task loss and penalties",
        };
        let floor = match self.floor {
            Floor::Accumulated => "relu of the accumulated importance",
            Floor::Increment => "relu of each increment",
            Floor::None => "none",
        };
        vec![
            ("si.c".to_owned(), self.c.to_string()),
            ("si.xi".to_owned(), self.xi.to_string()),
            ("si.penalty".to_owned(), "c, without 1/2".to_owned()),
            ("si.gradient".to_owned(), gradient.to_owned()),
            ("si.floor".to_owned(), floor.to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("si", "c", self.c)?;
        let positive = (self.xi as f32) > 0.0 && (self.xi as f32).is_finite();
        expect(positive, "si", "xi", self.xi, "a finite number above 0")
    }
}
