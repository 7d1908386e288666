//! Synaptic intelligence.

use crate::factor::Factor;
use crate::range::{positive, strength};
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Parts, Penalty, Step, Strategy, Taken, Track,
};
use cl_tensor::{Init, Scope, Var};

/// Which gradient the path integral is taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathGradient {
    /// Of the task loss alone, as the authors do.
    #[default]
    Task,
    /// Of task loss and penalties together, through all gradient maps, as the code of van de Ven et
    /// al. 2022 and Avalanche do.
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
    /// Ω ← Ω + increment, as van de Ven et al. 2022, Avalanche and mammoth: a negative Ω pushes away.
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
/// | `factor` | `One` | | c or c/2 |
/// | `scale` | 1 | > 0 | factor of every increment W / (..); slot `scale` |
/// | `cap` | none | > 0 | the penalty takes min(Ω, cap); Ω goes on growing; slot `cap` |
/// | `clip` | none | > 0 | the total gradient is cut to ±clip, entry by entry; slot `clip` |
///
/// Defaults are those of the authors' split MNIST. Neutral setting: `c` = 0 without `clip`. Memory: Ω
/// and θ*, two numbers per parameter; W is 0 between contexts. A step costs the same in every context.
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
    /// Whether c is halved.
    pub factor: Factor,
    /// Factor of every increment.
    pub scale: f64,
    /// The largest importance that the penalty takes.
    pub cap: Option<f64>,
    /// What the entries of the total gradient are cut to; a [`GradientMap`], so it acts on whatever
    /// else is in the gradient too.
    pub clip: Option<f64>,
}

impl Default for Si {
    fn default() -> Self {
        Self {
            c: 1.0,
            xi: 1e-3,
            gradient: PathGradient::Task,
            floor: Floor::Accumulated,
            factor: Factor::One,
            scale: 1.0,
            cap: None,
            clip: None,
        }
    }
}

impl Si {
    /// As in the code of van de Ven et al. 2022: total gradient, no floor, ξ = 0.1. They choose c per
    /// scenario.
    #[must_use]
    pub fn vdv(c: f64) -> Self {
        let (gradient, floor) = (PathGradient::Total, Floor::None);
        Self { c, xi: 0.1, gradient, floor, ..Self::default() }
    }

    /// As in Avalanche (`SynapticIntelligencePlugin`): total gradient, ε = 1e-7 for ξ, no floor, the
    /// penalty λ/2 Σ min(Ω, 0.001) (θ − θ*)². `c` is its `si_lambda`. Its `update_ewc_data` scales
    /// increments by a factor that is 0.0015 unless given; the plugin gives 1, so `scale` is 1.
    #[must_use]
    pub fn avalanche(c: f64) -> Self {
        Self { xi: 1e-7, factor: Factor::Half, cap: Some(1e-3), ..Self::vdv(c) }
    }

    /// As in mammoth (`si`): gradient of the task loss, no floor, the total gradient cut to ±1. The
    /// gradient of its penalty is the closed form 2 c Ω (θ − θ*), which is what the formula's
    /// derivative is. Its settings for sequential MNIST: c = 1, ξ = 0.9.
    #[must_use]
    pub fn mammoth(c: f64, xi: f64) -> Self {
        Self { c, xi, floor: Floor::None, clip: Some(1.0), ..Self::default() }
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
        let importance =
            self.cap.map_or(omega, |cap| omega.minimum(step.scope.hyper("cap", cap as f32)));
        self.factor.of(c) * (importance * (step.theta - anchor).square()).sum()
    }
}

impl GradientMap for Si {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        self.clip.map_or(gradient, |clip| {
            let clip = step.scope.hyper("clip", clip as f32);
            gradient.minimum(clip).maximum(-clip)
        })
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

        let scale = scope.hyper("scale", self.scale as f32);
        let increment = scale * path / ((theta - anchor).square() + xi);
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
        if self.clip.is_some() {
            parts.gradient_map(self);
        }
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
            ("si.penalty".to_owned(), self.factor.describe("c")),
            ("si.scale".to_owned(), self.scale.to_string()),
            ("si.cap".to_owned(), self.cap.map_or("none".to_owned(), |cap| cap.to_string())),
            ("si.clip".to_owned(), self.clip.map_or("none".to_owned(), |clip| clip.to_string())),
            ("si.gradient".to_owned(), gradient.to_owned()),
            ("si.floor".to_owned(), floor.to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        strength("si", "c", self.c)?;
        positive("si", "xi", self.xi)?;
        positive("si", "scale", self.scale)?;
        let limits = [("cap", self.cap), ("clip", self.clip)];
        limits.into_iter().try_for_each(|(name, limit)| match limit {
            Some(value) => positive("si", name, value),
            None => Ok(()),
        })
    }
}
