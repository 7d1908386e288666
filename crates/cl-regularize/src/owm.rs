//! Orthogonal weights modification.

use crate::kronecker::{outer, with_one};
use crate::projector;
use crate::range::expect;
use cl_core::{
    Boundary, Consolidate, Error, GradientMap, Needs, Now, Parts, Pass, SlotStore, Step, Strategy,
};
use cl_nn::{LayerTrace, Theta, clip_norm};
use cl_tensor::{Init, Scope, Var};

/// Orthogonal weights modification: the gradient of each linear layer is projected away from the
/// inputs that the layer has seen, so what it answers to them stays.
///
/// ∂L/∂[W; b] ← P ∂L/∂[W; b],  weights `[in, out]`, P `[in + 1, in + 1]` over the layer's input with a
/// trailing 1; every linear layer, the output layer too.
///
/// [`Owm::PerBatch`] (Zeng, Chen, Cui & Yu 2019, arXiv 1810.01256, and their code): P starts as I, and
/// in every step, before it projects, learns of the mean input r of the batch:
///
/// k = P r,  P ← P − k kᵀ / (α + rᵀ k),  so that P⁻¹ = I + Σ_batches r rᵀ / α
///
/// so P shrinks while a context is still being learned, and no boundary is needed. r is the mean over
/// the **stream's rows**, weighted as in the task loss; rows of memories move no projector.
///
/// [`Owm::PerContext`] (the code of van de Ven et al. 2022): when context k ends
///
/// A ← A + (E\[a aᵀ\] − A)/k,  P ← (A/α + I)⁻¹
///
/// with a the layer's input and a 1, over all rows of the context: gradients are unchanged in the
/// first context and projected from the second on.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `PerBatch::alpha` | one, 1 | see [`Alpha`] | for all layers, or one for each; slots `alpha`, `base`, or `w1/alpha`, `w1/base`, .. |
/// | `PerBatch::clip` | none | > 0 | norm to which each layer's gradient is clipped before it is projected; slot `clip` |
/// | `PerContext::alpha` | | > 0 | inputs whose mean square is far above it are protected; slot `alpha` |
///
/// The default is the authors' for shuffled MNIST. There is no neutral setting: P = I only as α goes
/// to infinity. Memory: (in + 1)² numbers per layer, `PerContext` twice that. Every step multiplies
/// the gradient by P, whatever the number of contexts.
///
/// **A projected gradient is a projected step only where the step is linear in it**: with plain SGD,
/// and with momentum up to what earlier, wider projectors let into it. The authors train with SGD
/// (momentum 0.9 and rate 0.2 for disjoint, none and 2 for shuffled MNIST). Adam divides every entry by a
/// scale of its own and weight decay adds θ: either leaves the projected space. The code of van de
/// Ven et al. uses Adam nevertheless. The optimiser is the run's choice.
///
/// Acts on the gradient of task loss and penalties together; parameters outside of linear layers are
/// left as they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Owm {
    /// The projector learns of every batch, as the authors do.
    PerBatch {
        /// One for all linear layers, or one for each in order.
        alpha: Vec<Alpha>,
        /// The norm to which the gradient of each layer is clipped before it is projected.
        clip: Option<f64>,
    },
    /// The projector is computed when a context ends, as in the code of van de Ven et al. 2022.
    PerContext {
        /// Damping α.
        alpha: f64,
    },
}

/// Damping of the projector: α(s) = start · base^s, s the share of the phase that has passed.
///
/// | field | default | range | what |
/// |---|---|---|---|
/// | `start` | 1 | > 0 | α when a context begins |
/// | `base` | 1 | (0, 1] | by what it is multiplied until the context ends |
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alpha {
    /// α when a context begins.
    pub start: f64,
    /// By what α is multiplied until the context ends.
    pub base: f64,
}

impl Alpha {
    /// The same α in every step.
    #[must_use]
    pub fn constant(alpha: f64) -> Self {
        Self { start: alpha, base: 1.0 }
    }

    /// α now, from the slots `PREFIXalpha` and `PREFIXbase`.
    fn at<'g>(self, scope: &Scope<'g>, prefix: &str, progress: Var<'g>) -> Var<'g> {
        let start = scope.hyper(&format!("{prefix}alpha"), self.start as f32);
        let base = scope.hyper(&format!("{prefix}base"), self.base as f32);
        start * (progress * base.log()).exp()
    }
}

impl Default for Owm {
    fn default() -> Self {
        Self::PerBatch { alpha: vec![Alpha::constant(1.0)], clip: None }
    }
}

impl Owm {
    /// As the authors train 784-800-800-10 on disjoint MNIST, two contexts of five digits: gradients
    /// clipped at 10, α falls by 1000 in the first layer and by 10 in the second. For networks of
    /// three linear layers; SGD with momentum 0.9, rate 0.2, batches of 40, 20 epochs.
    #[must_use]
    pub fn disjoint_mnist() -> Self {
        let alpha = vec![
            Alpha { start: 0.9, base: 0.001 },
            Alpha { start: 1.0, base: 0.1 },
            Alpha::constant(0.6),
        ];
        Self::PerBatch { alpha, clip: Some(10.0) }
    }

    /// As in the code of van de Ven et al. 2022, whose default α is 1e-10 and meant to be searched.
    ///
    /// A is measured in 32-bit floats, so a direction that no input had looks, at such an α, as if
    /// inputs had up to 1e-7 of the largest mean square there, and is protected too.
    #[must_use]
    pub fn vdv(alpha: f64) -> Self {
        Self::PerContext { alpha }
    }
}

/// P of the layer with this weight `[in, out]`: the identity at first.
fn kept_projector<'g>(scope: &Scope<'g>, weight: &str, n: usize) -> Var<'g> {
    let identity = Init::seeded(move |_, p| {
        p.fill(0.0);
        p.iter_mut().step_by(n + 1).for_each(|diagonal| *diagonal = 1.0);
    });
    scope.kept(&projector_slot(weight), &[n, n], identity)
}

fn projector_slot(weight: &str) -> String {
    format!("{weight}/projector")
}

/// The gradient with [W; b] of every linear layer mapped, `[in + 1, out]` -> `[in + 1, out]`.
fn map_layers<'g>(
    step: &Step<'_, 'g>,
    gradient: Var<'g>,
    map: impl Fn(usize, &LayerTrace<'g>, Var<'g>) -> Var<'g>,
) -> Var<'g> {
    let (graph, layout) = (step.graph(), step.layout);
    let of = Theta { flat: gradient, layout };
    let mut pieces = Vec::new();
    for (number, layer) in step.forward.layers.iter().enumerate() {
        let (weight, bias) = (of.get(&layer.weight), of.get(&layer.bias));
        let (Some(of_weight), Some(of_bias)) =
            (layout.range(&layer.weight), layout.range(&layer.bias))
        else {
            continue;
        };
        let whole = graph.concat(&[weight, bias.reshape(&[1, bias.len()])], 0);
        let (mapped, inputs) = (map(number, layer, whole), weight.shape()[0]);
        let rows = |rows: std::ops::Range<usize>, len| mapped.slice(0, rows).reshape(&[len]);
        pieces.push((of_weight.floats(), rows(0..inputs, weight.len())));
        pieces.push((of_bias.floats(), rows(inputs..inputs + 1, bias.len())));
    }
    pieces.sort_by_key(|(floats, _)| floats.start);
    // What lies between: padding, and parameters of gates.
    let (mut whole, mut end) = (Vec::new(), 0);
    for (floats, piece) in pieces {
        if floats.start > end {
            whole.push(gradient.slice(0, end..floats.start));
        }
        whole.push(piece);
        end = floats.end;
    }
    if end < layout.len() {
        whole.push(gradient.slice(0, end..layout.len()));
    }
    graph.concat(&whole, 0)
}

/// The mean of a layer's input with a trailing 1 over the rows of the stream, `[1, in + 1]`.
fn mean_input<'g>(step: &Step<'_, 'g>, layer: &LayerTrace<'g>) -> Var<'g> {
    let rows = step.stream_rows();
    let weight = step.weight.slice(0, rows.clone());
    let total = weight.sum();
    let zero = step.graph().constant(0.0);
    let share = total.greater(zero).select(weight / total, zero);
    share.reshape(&[1, rows.len()]).matmul(with_one(layer.input.slice(0, rows)))
}

impl GradientMap for Owm {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        let scope = &step.scope;
        let kept =
            |layer: &LayerTrace<'g>, g: Var<'g>| kept_projector(scope, &layer.weight, g.shape()[0]);
        match self {
            Self::PerContext { .. } => {
                map_layers(step, gradient, |_, layer, g| kept(layer, g).matmul(g))
            }
            Self::PerBatch { alpha, clip } => {
                let layers = step.forward.layers.len();
                if ![1, layers].contains(&alpha.len()) {
                    let (given, strategy) = (alpha.len(), scope.prefix());
                    return step.graph().refuse(format!(
                        "{strategy}: {given} values of alpha for {layers} linear layers; expected \
                         1 or {layers}"
                    ));
                }
                let clip = clip.map(|clip| scope.hyper("clip", clip as f32));
                map_layers(step, gradient, |number, layer, g| {
                    let alpha = match &alpha[..] {
                        [one] => one.at(scope, "", step.progress()),
                        each => {
                            each[number].at(scope, &format!("{}/", layer.weight), step.progress())
                        }
                    };
                    let (p, r) = (kept(layer, g), mean_input(step, layer));
                    let k = r.matmul(p);
                    let p = p - k.t() * k / (alpha + (k * r).sum());
                    scope.assign(&projector_slot(&layer.weight), p);
                    p.matmul(clip.map_or(g, |norm| clip_norm(g, norm)))
                })
            }
        }
    }
}

impl Consolidate for Owm {
    fn passes(&self) -> Vec<Pass> {
        vec![Pass::default()]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, _: usize) {
        for layer in &step.forward.layers {
            let sum = outer(step.weight, with_one(layer.input));
            step.scope.accumulate(&format!("{}/sum_a", layer.weight), sum);
        }
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, graph) = (&boundary.scope, theta.graph());
        if let Self::PerContext { alpha } = self {
            scope.hyper("alpha", *alpha as f32);
        }
        let contexts = boundary.context.to_float().reshape(&[]);
        let examples = boundary.examples[0].maximum(graph.constant(1.0));
        for layer in boundary.layers() {
            let (weight, n) = (&layer.weight.name, layer.weight.shape[0] + 1);
            let mean = scope.kept(&format!("{weight}/a"), &[n, n], Init::Zeros);
            let of_context = scope.take(&format!("{weight}/sum_a"), &[n, n]) / examples;
            scope.assign(&format!("{weight}/a"), mean + (of_context - mean) / contexts);
        }
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let alpha = slots.read("alpha")?.first().copied().map_or(f64::NAN, f64::from);
        let layers: Vec<(String, usize)> = slots
            .layers()
            .iter()
            .map(|layer| (layer.weight.name.clone(), layer.weight.shape[0] + 1))
            .collect();
        for (weight, n) in layers {
            let a = slots.read(&format!("{weight}/a"))?;
            let p = projector::damped(&a, n, alpha).map_err(|reason| Error::Consolidation {
                strategy: "owm",
                context: now.stage as usize + 1,
                what: format!("projector of layer {weight}"),
                reason,
            })?;
            slots.write(&projector_slot(&weight), &p)?;
        }
        Ok(())
    }
}

impl Strategy for Owm {
    fn name(&self) -> String {
        "owm".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.gradient_map(self);
        if let Self::PerContext { .. } = self {
            parts.consolidate(self);
        }
    }

    fn needs(&self) -> Needs {
        let boundaries = matches!(self, Self::PerContext { .. });
        Needs { boundaries, ..Needs::default() }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let (alpha, projector) = match self {
            Self::PerBatch { alpha, clip } => {
                let each = alpha.iter().map(|Alpha { start, base }| match *base {
                    1.0 => start.to_string(),
                    _ => format!("{start} * {base}^progress"),
                });
                let clip =
                    clip.map_or("not clipped".to_owned(), |norm| format!("clipped at {norm}"));
                let what = "of the mean input of every batch of the stream";
                let layers = each.collect::<Vec<_>>().join(", ");
                (layers, format!("{what}, gradients {clip} per layer"))
            }
            Self::PerContext { alpha } => {
                (alpha.to_string(), "of the mean over contexts of E[a a^T]".to_owned())
            }
        };
        vec![("owm.alpha".to_owned(), alpha), ("owm.projector".to_owned(), projector)]
    }

    fn check(&self) -> Result<(), Error> {
        let positive = |name: &'static str, value: f64| {
            let narrow = value as f32;
            let allowed = narrow > 0.0 && narrow.is_finite();
            expect(allowed, "owm", name, value, "a finite number above 0")
        };
        match self {
            Self::PerContext { alpha } => positive("alpha", *alpha),
            Self::PerBatch { alpha, clip } => {
                let none = alpha.is_empty();
                expect(!none, "owm", "number of alphas", 0.0, "one, or one per linear layer")?;
                for Alpha { start, base } in alpha {
                    positive("alpha", *start)?;
                    let within = *base as f32 > 0.0 && *base <= 1.0;
                    expect(within, "owm", "base of alpha", *base, "a number in (0, 1]")?;
                }
                clip.map_or(Ok(()), |clip| positive("clip", clip))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test's own functions are tests too
mod tests {
    use super::*;
    use cl_tensor::{CpuSession, Graph, Plan, Session};

    #[test]
    fn alpha_falls_by_its_base_over_a_context() {
        // 0.9 · 0.001^s at s = 0, 1/3, 1/2, 1.
        let expected = [0.9, 0.09, 0.9 * 0.001_f64.sqrt(), 0.9e-3];
        for (progress, want) in [0.0, 1.0 / 3.0, 0.5, 1.0].into_iter().zip(expected) {
            let graph = Graph::new();
            let now = Alpha { start: 0.9, base: 0.001 }.at(
                &Scope::new(&graph, "owm"),
                "",
                graph.constant(progress),
            );
            graph.slot("alpha", &[], Init::Zeros);
            graph.assign("alpha", now);
            let mut session = CpuSession::new(&[0], 1).unwrap();
            let plan = session.load(Plan::compile(&graph).unwrap()).unwrap();
            session.run_once(plan).unwrap();
            let got = f64::from(session.read("alpha", 0).unwrap()[0]);
            assert!((got / want - 1.0).abs() < 1e-6, "{got}, {want}");
        }
    }
}
