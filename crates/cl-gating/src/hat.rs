//! Hard attention to the task.

mod gate;
mod mask;

use cl_core::{Error, Needs, Parts, Strategy};

/// How s rises over a ramp of B steps; b = 0, .., B − 1 is the step within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Annealing {
    /// By b / (B − 1): the last step of a ramp has `s_max` (eq. 3).
    #[default]
    ToMax,
    /// By b / B, as in the authors' code, which divides the first row of a batch by the number of
    /// rows: s stays below `s_max`.
    ByRows,
}

/// The gradient that embeddings get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmbeddingGradient {
    /// ∂L/∂a · `s_max` / (2 (cosh e + 1)): as if s had no part in it (eq. 5).
    #[default]
    Compensated,
    /// ∂L/∂a · s a (1 − a): the derivative, which is small where s is and vanishes where s is large.
    Plain,
}

/// What is kept of the gates of a context that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cumulative {
    /// Their values: a weight between units of which one has a < 1 still moves, by 1 − a.
    #[default]
    Soft,
    /// 1 where a > ½, else 0: a unit is taken for good or not at all.
    Binary,
}

/// What 1 − min(mᵒᵘᵗ, mⁱⁿ) multiplies. With SGD without momentum there is no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Masking {
    /// What the optimiser adds to theta: a weight moves by this share of its step with any optimiser.
    #[default]
    Step,
    /// The gradient, as in the paper. Adam divides by the gradient's size and so takes full steps
    /// wherever the mask is not 0; where it is 0 nothing moves here either.
    Gradient,
}

/// Hard attention to the task, HAT: gates of each context are learned with the network, and weights
/// between units that earlier contexts use stay.
///
/// ```text
/// h_l ← a_l ⊙ h_l,  a_l = σ(s e_l[t])                       one embedding e_l [contexts, units] per layer
/// s = 1/s_max + (s_max − 1/s_max) · share of the ramp       in training (eq. 3); s_max at test
/// L = CE + λ Σ_l,i a_l,i (1 − m_l,i) / Σ_l,i (1 − m_l,i)    capacity, at the current s (section 2.6)
/// ΔW_l,ij ← ΔW_l,ij (1 − min(m_l,i, m_l−1,j))               (eq. 2); first layer and biases: 1 − m_l,i
/// m_l ← max(m_l, σ(s_max e_l[t]))                           when context t ends
/// ```
///
/// Serra, Suris, Miron & Karatzoglou 2018, "Overcoming catastrophic forgetting with hard attention to
/// the task", ICML, arXiv 1801.01423; numbers of the code joansj/hat. Gates and embeddings are those of
/// each row's context, m those of all contexts that have ended.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `s_max` | 400 | ≥ 1 | largest s; slot `s_max` |
/// | `lambda` | 0.75 | ≥ 0 | strength of the capacity penalty; slot `lambda` |
/// | `ramps` | 1 | ≥ 1 | how often s rises in a phase; slot `ramps` |
/// | `embedding_limit` | 6 | > 0 | \|e\| stays within it; slot `embedding_limit` |
/// | `cosh_limit` | 50 | > 0 | \|s e\| from which on compensation fades; slot `cosh_limit` |
/// | `min_free` | 0.5 | ≥ 0 | units' worth of a layer that must be free while contexts are to come; slot `min_free`; 0: no check |
/// | `annealing` | `ToMax` | | how s rises |
/// | `gradient` | `Compensated` | | what embeddings get |
/// | `cumulative` | `Soft` | | what m takes over |
/// | `masking` | `Step` | | what the mask multiplies |
///
/// Conventions. The paper's ramp is an epoch; a run here counts steps, so `ramps` is the number of
/// passes over the data that its steps make. The compensated gradient is recorded in closed form, times
/// e^min(0, `cosh_limit` − |s e|), which is min(1, (cosh 50 + 1) / (cosh s e + 1)): the product
/// s a (1 − a) · s_max/s · (cosh s e + 1) / (cosh e + 1) of the paper is 0 in f32 from s e ≈ 17 on. With
/// rows of several contexts in a batch the penalty is their mean, weighted as the rows of the stream.
/// Output units are not gated. Outputs and embeddings of contexts without a row of the stream in the
/// batch do not move: moments would move them. Where all contexts share their outputs these move freely.
/// Parameters that belong to no layer are not masked. The run's optimiser of the paper is SGD at 0.05
/// without momentum or weight decay, a new one per context, in batches of 64. Batches are clipped at a
/// norm of 10,000 there, which is not done here.
///
/// Capacity: when a context ends and others are to come, a layer with Σ(1 − m) < `min_free` is
/// [`Error::Capacity`], which names context and layer. Embeddings start as N(0, 1): where steps are too few
/// or too small to move them, every context takes half of what is free.
///
/// Slots: those above and per hidden layer l = 1, 2, .. the kept `mask{l}`, `[units]`; `embedding{l}`,
/// `[contexts, units]`, N(0, 1), is part of theta. Memory: a number per hidden unit, and per context and
/// unit in theta. A step does not grow with the number of contexts but for the embeddings themselves,
/// `[contexts, units]`. No neutral setting: a gate is below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hat {
    /// Largest s.
    pub s_max: f64,
    /// Strength of the capacity penalty.
    pub lambda: f64,
    /// How often s rises in a phase.
    pub ramps: u32,
    /// Bound of the embeddings.
    pub embedding_limit: f64,
    /// |s e| from which on the compensated gradient fades.
    pub cosh_limit: f64,
    /// Units' worth of each layer that must be free while contexts are to come.
    pub min_free: f64,
    /// How s rises.
    pub annealing: Annealing,
    /// What embeddings get.
    pub gradient: EmbeddingGradient,
    /// What is kept of gates.
    pub cumulative: Cumulative,
    /// What the mask multiplies.
    pub masking: Masking,
}

impl Default for Hat {
    fn default() -> Self {
        Self {
            s_max: 400.0,
            lambda: 0.75,
            ramps: 1,
            embedding_limit: 6.0,
            cosh_limit: 50.0,
            min_free: 0.5,
            annealing: Annealing::default(),
            gradient: EmbeddingGradient::default(),
            cumulative: Cumulative::default(),
            masking: Masking::default(),
        }
    }
}

impl Hat {
    /// As the authors' code: s by rows, gradients masked, no check of capacity; s rises `ramps` times
    /// in a context, which there is once per epoch.
    #[must_use]
    pub fn authors(ramps: u32) -> Self {
        let (annealing, masking) = (Annealing::ByRows, Masking::Gradient);
        Self { ramps, annealing, masking, min_free: 0.0, ..Self::default() }
    }
}

/// The name of an embedding within theta and the strategy; layers count from 0.
fn embedding(layer: usize) -> String {
    format!("embedding{}", layer + 1)
}

/// The name of the slot of m; layers count from 0.
fn cumulative(layer: usize) -> String {
    format!("mask{}", layer + 1)
}

impl Strategy for Hat {
    fn name(&self) -> String {
        "hat".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self).penalty(self).gradient_map(self).consolidate(self);
    }

    fn needs(&self) -> Needs {
        Needs {
            boundaries: true,
            task_id_in_training: true,
            task_id_at_test: true,
            ..Needs::default()
        }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let annealing = match self.annealing {
            Annealing::ToMax => "b / (B - 1) within each ramp",
            Annealing::ByRows => "b / B within each ramp, as the authors' code",
        };
        let gradient = match self.gradient {
            EmbeddingGradient::Compensated => "compensated, closed form",
            EmbeddingGradient::Plain => "the derivative",
        };
        let cumulative = match self.cumulative {
            Cumulative::Soft => "largest gate so far",
            Cumulative::Binary => "1 where a gate was above 1/2",
        };
        let masking = match self.masking {
            Masking::Step => "of the optimiser's step",
            Masking::Gradient => "of the gradient; what is frozen takes no step",
        };
        let line = |name: &str, value: String| (format!("hat.{name}"), value);
        vec![
            line("s_max", self.s_max.to_string()),
            line("lambda", self.lambda.to_string()),
            line("ramps", format!("{} per phase, counted in steps", self.ramps)),
            line("embedding_limit", self.embedding_limit.to_string()),
            line("cosh_limit", self.cosh_limit.to_string()),
            line("min_free", self.min_free.to_string()),
            line("annealing", annealing.to_owned()),
            line("embedding gradient", gradient.to_owned()),
            line("cumulative mask", cumulative.to_owned()),
            line("masking", masking.to_owned()),
        ]
    }

    fn check(&self) -> Result<(), Error> {
        let (positive, not_negative) = ("a finite number above 0", "a finite number, 0 or above");
        // Slots are f32: what is not one there is refused here.
        let finite = |value: f64| (value as f32).is_finite();
        let above = |value: f64| finite(value) && value as f32 > 0.0;
        let at_least = |value: f64, least: f64| finite(value) && value >= least;
        let ranges = [
            ("s_max", self.s_max, at_least(self.s_max, 1.0), "a finite number, 1 or above"),
            ("lambda", self.lambda, at_least(self.lambda, 0.0), not_negative),
            ("ramps", f64::from(self.ramps), self.ramps >= 1, "1 or more"),
            ("embedding_limit", self.embedding_limit, above(self.embedding_limit), positive),
            ("cosh_limit", self.cosh_limit, above(self.cosh_limit), positive),
            ("min_free", self.min_free, at_least(self.min_free, 0.0), not_negative),
        ];
        let outside = ranges.into_iter().find(|(_, _, inside, _)| !inside);
        outside.map_or(Ok(()), |(name, value, _, expected)| {
            Err(Error::HyperParameter { strategy: "hat", name, value, expected })
        })
    }
}
