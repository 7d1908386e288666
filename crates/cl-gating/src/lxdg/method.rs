//! Learned context-dependent gating.

use super::anchors::{Anchors, groups};
use super::network::{Dropout, GateNetwork};
use cl_core::{
    Around, Consolidate, Error, Gate, GateSite, Naive, Needs, Over, Parts, Pass, Penalty, Step,
    Strategy,
};
use cl_nn::{ParamSpec, Point};
use cl_tensor::{Init, Scope, Var};

/// The rehearsal of rows of past contexts.
const ANCHORS: &str = "anchors";
/// Random numbers of gates in the forward pass, and of those of anchors.
const FORWARD: &str = "dropout";
const RECALLED: &str = "dropout of anchors";

/// Learned context-dependent gating, LXDG: a small network for each hidden layer looks at the raw input
/// and says which units work; gates are learned together with the network, and no context is told.
///
/// h_l = g_l(x) ⊙ dropout(relu(h_{l−1} W_l + b_l)), where g_l is an MLP inputs-400-400-units with ReLU
/// and dropout 0.5 and a sigmoid at its end. In context n the loss is
///
/// ```text
/// CE + Σ_l λ_sparse b[(mean_i g_i(x)² − 0.2)²]
///    + Σ_{k<n} Σ_l { λ_change b[(mean_i g_i(x) g_i(x_k))²]
///                  + λ_keep b[(mean_i g_i(x_k) g*_i(x_k) − 0.3)²] }
///    + λ_EWC/2 Σ_{k<n} Σ F_k (θ − θ*_k)²
/// ```
///
/// with b the mean over rows, x new rows, x_k rows of context k ("anchors"), mean_i over units, and g*
/// the gates that x_k had when context k ended (Tilley, Miller & Freedman 2023, "Artificial neuronal
/// ensembles with learned context dependent gating", ICLR; arXiv 2301.07187; their code:
/// m-j-tilley/LXDG). θ holds the gate networks too. The last line is another strategy's, `weights`:
/// the paper's is `Ewc` with λ = 1000 and the Fisher information per example under the predicted
/// label, `Lxdg::default().with(ewc)`; by default there is none.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `hidden` | 400, 400 | all positive, may be empty | hidden units of each gate network |
/// | `dropout` | 0.5 | `[0, 1)` | probability that a gate network's hidden unit is dropped in training |
/// | `lambda_sparse` | 1000 | ≥ 0 | strength of the sparse term; a slot |
/// | `lambda_change` | 1000 | ≥ 0 | strength of the change term; a slot |
/// | `lambda_keep` | 1000 | ≥ 0 | strength of the keep term; a slot |
/// | `target_sparse` | 0.2 | `[0, 1]` | mean squared gate that is asked for; a slot |
/// | `target_keep` | 0.3 | `[0, 1]` | overlap with a past gate that is asked for; a slot |
/// | `anchors` | 200 | at least 1 | rows kept of every context |
/// | `weights` | nothing | | the strategy that holds θ in place |
///
/// Anchors: the released code keeps every image and a whole model of each past context, and a step
/// draws a batch of each. Here a bounded number of rows is kept, drawn uniformly when their context
/// ends, and beside each its gates of then, without dropout (the code's old models are in evaluation
/// mode too). A step draws ⌈batch / (n − 1)⌉ anchors of every past context, with replacement as the
/// code does, at most batch + contexts − 2: **its cost does not grow with the number of contexts**,
/// but for one row of each.
///
/// Pairs: anchor r of a step, counted over all contexts, meets new row r modulo batch. So every new row
/// has a partner, and each b above is the mean over the pairs, or anchors, of its context. Where a
/// context has fewer rows than a batch, pairs without a new row drop out and the others count more.
/// New rows are those of the stream: rows that a replay memory adds are gated, and in no term.
///
/// Dropout: gates of new rows in the sparse and change terms are those of the forward pass, dropout
/// included; gates of anchors have one of their own, the same in change and keep. Both as in the code.
/// Evaluations and passes know no dropout.
///
/// Slots: strengths and targets under the names of their fields, and for each hidden layer l = 1, 2, ..
/// the kept `gates{l}`, `[anchors · (contexts − 1), units]`: the gates of each anchor when its context
/// ended, −1 where there is none yet; written once. Bytes kept: 4 for each of these numbers, and those
/// of the anchors' images; labels are not needed. Beyond contexts − 1 boundaries, as a detector may
/// find, no further anchors are kept.
///
/// Parameters: `w{l}-{d}` and `b{l}-{d}` of layer d of the gate network of hidden layer l, initialised
/// as any dense layer. There is no neutral setting: gates are always between 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Lxdg<W = Naive> {
    /// Hidden units of each gate network.
    pub hidden: Vec<usize>,
    /// Probability that a hidden unit of a gate network is dropped in training.
    pub dropout: f32,
    /// Strength of the sparse term.
    pub lambda_sparse: f64,
    /// Strength of the change term.
    pub lambda_change: f64,
    /// Strength of the keep term.
    pub lambda_keep: f64,
    /// Mean squared gate that the sparse term asks for.
    pub target_sparse: f64,
    /// Overlap with its past gate that the keep term asks for.
    pub target_keep: f64,
    /// Rows kept of every context.
    pub anchors: usize,
    /// The strategy that holds θ in place, the gate networks included.
    pub weights: W,
}

impl Default for Lxdg {
    fn default() -> Self {
        Self {
            hidden: vec![400, 400],
            dropout: 0.5,
            lambda_sparse: 1000.0,
            lambda_change: 1000.0,
            lambda_keep: 1000.0,
            target_sparse: 0.2,
            target_keep: 0.3,
            anchors: 200,
            weights: Naive,
        }
    }
}

/// The three terms of a step before their strengths, scalars: sums over hidden layers and, of
/// change and keep, over past contexts.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'g> {
    /// Σ_l b[(mean_i g_i(x)² − target)²].
    pub sparse: Var<'g>,
    /// Σ_k Σ_l b[(mean_i g_i(x) g_i(x_k))²].
    pub change: Var<'g>,
    /// Σ_k Σ_l b[(mean_i g_i(x_k) g*_i(x_k) − target)²].
    pub keep: Var<'g>,
}

/// (mean over units of a b − target)² for each row: `[rows, units]`, twice -> `[rows]`.
fn off<'g>(a: Var<'g>, b: Var<'g>, target: Var<'g>) -> Var<'g> {
    ((a * b).mean_axis(1) - target).square()
}

/// Rows repeated or cut to a number of rows: row r of the result is row r modulo their number.
fn cycled(rows: Var<'_>, count: usize) -> Var<'_> {
    let own = rows.shape()[0];
    let whole = std::iter::repeat_n(rows, count / own);
    let rest = Some(count % own).filter(|&rest| rest > 0).map(|rest| rows.slice(0, 0..rest));
    let parts: Vec<Var<'_>> = whole.chain(rest).collect();
    match parts[..] {
        [one] => one,
        _ => rows.graph().concat(&parts, 0),
    }
}

/// a / b, or 0 where b is not positive.
fn ratio<'g>(a: Var<'g>, b: Var<'g>) -> Var<'g> {
    let zero = a.graph().constant(0.0);
    b.greater(zero).select(a / b, zero)
}

impl<W: Strategy> Lxdg<W> {
    /// The same gates beside another strategy that holds θ in place.
    #[must_use]
    pub fn with<V: Strategy>(self, weights: V) -> Lxdg<V> {
        let Self { hidden, dropout, anchors, .. } = self;
        let Self { lambda_sparse, lambda_change, lambda_keep, .. } = self;
        let Self { target_sparse, target_keep, .. } = self;
        Lxdg {
            hidden,
            dropout,
            lambda_sparse,
            lambda_change,
            lambda_keep,
            target_sparse,
            target_keep,
            anchors,
            weights,
        }
    }

    fn network(&self) -> GateNetwork<'_> {
        GateNetwork { hidden: &self.hidden }
    }

    /// Dropout at an address of random numbers; none outside of training.
    fn dropout<'g>(
        &self,
        scope: &Scope<'g>,
        name: &str,
        address: Option<Var<'g>>,
    ) -> Option<Dropout<'g>> {
        let address = address.filter(|_| self.dropout > 0.0)?;
        Some(Dropout::new(&scope.name(name), address, self.dropout))
    }

    /// Gates of rows `x`, `[rows, inputs]`, of every hidden layer, `[rows, units]` each, with dropout
    /// that draws under `random`.
    fn gates<'g>(&self, step: &Step<'_, 'g>, x: Var<'g>, random: &str) -> Vec<Var<'g>> {
        let parameter = |name: &str| step.network().get(&step.scope.name(name));
        let dropout = self.dropout(&step.scope, random, step.address());
        let units = self.units(step);
        let layers = units.iter().enumerate();
        layers.map(|(layer, _)| self.network().gate(layer, x, &parameter, dropout)).collect()
    }

    /// Units of every hidden layer.
    fn units(&self, step: &Step<'_, '_>) -> Vec<usize> {
        let bias = |layer| step.scope.name(&self.network().last_bias(layer));
        (0..).map_while(|layer| Some(step.layout.range(&bias(layer))?.len)).collect()
    }

    /// Cells for anchors of all contexts but the last.
    fn cells(&self, contexts: usize) -> usize {
        self.anchors * groups(contexts)
    }

    /// The gates of anchors when their contexts ended, by hidden layer.
    fn kept<'g>(&self, step: &Step<'_, 'g>) -> Vec<(String, Var<'g>)> {
        let slot = |(layer, units): (usize, usize)| {
            let name = format!("gates{}", layer + 1);
            let shape = [self.cells(step.contexts()), units];
            let kept = step.scope.kept(&name, &shape, Init::Constant(-1.0));
            (name, kept)
        };
        self.units(step).into_iter().enumerate().map(slot).collect()
    }

    /// The three terms of a training step before their strengths.
    #[must_use]
    pub fn terms<'g>(&self, step: &Step<'_, 'g>) -> Terms<'g> {
        let graph = step.graph();
        let zero = graph.constant(0.0);
        let target_sparse = step.scope.hyper("target_sparse", self.target_sparse as f32);
        let target_keep = step.scope.hyper("target_keep", self.target_keep as f32);
        let (rows, anchors) = (step.stream_rows(), step.rows(ANCHORS));
        let cells = step.cells(ANCHORS);

        let new = self.gates(step, step.x, FORWARD);
        let old = self.gates(step, anchors.x, RECALLED);
        // A step may train on memories alone: then no row is new.
        let fresh = (!rows.is_empty()).then(|| {
            let weight = step.weight.slice(0, rows.clone());
            let present = cycled(weight.greater(zero), anchors.weight.len());
            (weight, Pairs::new(anchors.weight, present))
        });
        let mut terms = Terms { sparse: zero, change: zero, keep: zero };
        for ((new, old), (_, then)) in new.into_iter().zip(old).zip(self.kept(step)) {
            if let Some((weight, pairs)) = &fresh {
                let new = new.slice(0, rows.clone());
                let sparse = (*weight * off(new, new, target_sparse)).sum();
                terms.sparse = terms.sparse + ratio(sparse, weight.sum());
                let partner = cycled(new, anchors.weight.len());
                terms.change = terms.change + pairs.sum(off(partner, old, zero));
            }
            let keep = anchors.weight * off(old, then.gather(cells), target_keep);
            terms.keep = terms.keep + keep.sum();
        }
        terms
    }
}

/// Sums over pairs of an anchor and a new row, weighed as the anchors are.
struct Pairs<'g> {
    /// 0 where the new row is padding, `[anchors]`.
    weight: Var<'g>,
    /// Σ of all weights over Σ of those that are left.
    scale: Var<'g>,
}

impl<'g> Pairs<'g> {
    fn new(anchors: Var<'g>, present: Var<'g>) -> Self {
        let weight = anchors * present;
        Self { weight, scale: ratio(anchors.sum(), weight.sum()) }
    }

    fn sum(&self, values: Var<'g>) -> Var<'g> {
        self.scale * (self.weight * values).sum()
    }
}

impl<W: Strategy> Gate for Lxdg<W> {
    fn params(&self, around: Around<'_>) -> Vec<ParamSpec> {
        self.network().params(around.network)
    }

    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        let site = at.site;
        if site.point != Point::PostActivation {
            return h;
        }
        let parameter = |name: &str| at.param(name);
        let dropout = self.dropout(&at.scope, FORWARD, at.address);
        h * self.network().gate(site.layer, site.x, &parameter, dropout)
    }
}

impl<W: Strategy> Penalty for Lxdg<W> {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let Terms { sparse, change, keep } = self.terms(step);
        let lambda = |name: &str, value: f64| step.scope.hyper(name, value as f32);
        lambda("lambda_sparse", self.lambda_sparse) * sparse
            + lambda("lambda_change", self.lambda_change) * change
            + lambda("lambda_keep", self.lambda_keep) * keep
    }
}

impl<W: Strategy> Consolidate for Lxdg<W> {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass { over: Over::Memory(ANCHORS.to_owned()), ..Pass::default() }]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        let (cells, none) = (step.cells(ANCHORS), step.graph().constant(-0.5));
        let now = self.gates(step, step.x, FORWARD);
        for ((slot, kept), now) in self.kept(step).into_iter().zip(now) {
            // A gate is never below 0: what is there stays, bit for bit.
            let then = kept.gather(cells);
            step.scope.assign_rows(&slot, cells, then.greater(none).select(then, now));
        }
    }
}

impl<W: Strategy> Strategy for Lxdg<W> {
    fn name(&self) -> String {
        "lxdg".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gate(self).penalty(self).consolidate(self);
        parts.rehearse_apart(ANCHORS, |member| Ok(Box::new(Anchors::new(self.anchors, member))));
        parts.strategy(&self.weights);
    }

    fn needs(&self) -> Needs {
        Needs { boundaries: true, ..self.weights.needs() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let entry = |name: &str, value: String| (format!("lxdg.{name}"), value);
        let layers: Vec<String> = self.hidden.iter().map(|units| format!("-{units}")).collect();
        let gates =
            format!("MLP inputs{}-units, sigmoid, dropout {}", layers.concat(), self.dropout);
        let mut entries = vec![
            entry("gates", gates),
            entry("lambda_sparse", self.lambda_sparse.to_string()),
            entry("lambda_change", self.lambda_change.to_string()),
            entry("lambda_keep", self.lambda_keep.to_string()),
            entry("target_sparse", self.target_sparse.to_string()),
            entry("target_keep", self.target_keep.to_string()),
            entry("anchors", format!("{} per context, drawn at random", self.anchors)),
            entry("weights", self.weights.name()),
        ];
        let weights = self.weights.describe().into_iter();
        entries.extend(weights.map(|(name, value)| entry(&name, value)));
        entries
    }

    fn check(&self) -> Result<(), Error> {
        let expect = |allowed: bool, name, value: f64, expected| match allowed {
            true => Ok(()),
            false => Err(Error::HyperParameter { strategy: "lxdg", name, value, expected }),
        };
        let dropout = f64::from(self.dropout);
        expect((0.0..1.0).contains(&dropout), "dropout", dropout, "a probability in [0, 1)")?;
        expect(!self.hidden.contains(&0), "hidden", 0.0, "hidden layers of 1 unit or more")?;
        expect(self.anchors > 0, "anchors", 0.0, "at least 1")?;
        for (name, value) in [
            ("lambda_sparse", self.lambda_sparse),
            ("lambda_change", self.lambda_change),
            ("lambda_keep", self.lambda_keep),
        ] {
            // The slot is a 32-bit float.
            let fits = (value as f32).is_finite() && value >= 0.0;
            expect(fits, name, value, "a finite number of at least 0")?;
        }
        for (name, value) in
            [("target_sparse", self.target_sparse), ("target_keep", self.target_keep)]
        {
            expect((0.0..=1.0).contains(&value), name, value, "a fraction in [0, 1]")?;
        }
        self.weights.check()
    }
}
