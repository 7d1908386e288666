//! What FROMP measures when a context ends.

use super::kernel::{LayerRows, RAISES, inverse, kernels};
use super::rows::ranked;
use super::{FISHER, Fromp, Kernel, MEMORY};
use cl_core::{Boundary, Consolidate, Error, Now, Over, Pass, SlotStore, Step};
use cl_tensor::{Init, Var};
use std::collections::BTreeMap;

/// The passes of a boundary.
const CONTEXT: usize = 0;

impl Consolidate for Fromp {
    fn passes(&self) -> Vec<Pass> {
        let memory = Pass { over: Over::Memory(MEMORY.to_owned()), ..Pass::default() };
        vec![FISHER.pass(), memory]
    }

    fn observe<'g>(&self, step: &Step<'_, 'g>, pass: usize) {
        let p = step.active_logits().softmax();
        let functional = matches!(self.kernel, Kernel::Functional { .. });
        if pass == CONTEXT {
            step.report("score", (p * (1.0 - p)).sum_axis(1));
            if functional {
                FISHER.observe(step);
            }
            return;
        }
        let (graph, shape) = (step.graph(), p.shape());
        let active = step.active.unwrap_or_else(|| graph.full(&shape, 1.0));
        let chosen = ranked(active, step.around().competing);
        let column = |of: Var<'g>| of.sum_axis(1).column();
        let all = |columns: Vec<Var<'g>>| graph.concat(&columns, 1);
        let values: Vec<Var<'g>> = chosen.iter().map(|&one| column(p * one)).collect();
        // The number of the unit, counted from 1; 0 where fewer compete.
        let number = graph.iota(shape[1]).to_float() + 1.0;
        step.report("context", step.context.to_float());
        step.report("units", all(chosen.iter().map(|&one| column(one * number)).collect()));
        step.report("values", all(values.clone()));
        if functional {
            report_jacobian(step, &values);
        }
    }

    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        // Written below; no step declares them where the network is not trained.
        let (scope, around) = (&boundary.scope, boundary.around);
        self.anchors(scope, around);
        if let Kernel::Functional { delta, jitter } = self.kernel {
            self.inverse(scope, around);
            let len = boundary.layout.len();
            let fisher = scope.kept("fisher", &[len], Init::Zeros);
            scope.assign("fisher", fisher + FISHER.take(boundary, theta.graph().constant(1.0)));
            scope.hyper("delta", delta as f32);
            scope.hyper("jitter", jitter as f32);
            scope.slot("jitter_used", &[], Init::Zeros);
        }
        theta
    }

    fn end_context(&self, _: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let Some(measured) = self.measured(slots)? else { return Ok(()) };
        slots.write("anchor", &measured.anchor)?;
        slots.write_u32("units", &measured.units)?;
        if let Kernel::Functional { .. } = self.kernel {
            slots.write("inverse", &measured.inverse)?;
            slots.write("jitter_used", &[measured.jitter as f32])?;
        }
        Ok(())
    }
}

/// Reports what every linear layer saw, and what comes back to it from each function value.
fn report_jacobian<'g>(step: &Step<'_, 'g>, values: &[Var<'g>]) {
    let (graph, layers) = (step.graph(), &step.forward.layers);
    let of_layers = |name: &str| {
        layers.iter().filter(|layer| layer.weight == name || layer.bias == name).count()
    };
    if let Some(range) = step.layout.ranges().iter().find(|range| of_layers(&range.name) != 1) {
        let strategy = step.scope.prefix();
        graph.refuse(format!(
            "{strategy}: parameter `{}` belongs to {} linear layers, expected exactly 1: its kernel \
             is made of what linear layers see; `fromp-l2` takes any network",
            range.name,
            of_layers(&range.name)
        ));
        return;
    }
    let traces: Vec<Var<'g>> =
        layers.iter().flat_map(|layer| [layer.product, layer.pre_activation]).collect();
    let deltas: Vec<Vec<Var<'g>>> =
        values.iter().map(|value| graph.grads(value.sum(), &traces)).collect();
    for (at, layer) in layers.iter().enumerate() {
        step.report(&format!("input/{at}"), layer.input);
        let of = |trace: usize| -> Vec<Var<'g>> {
            deltas.iter().map(|delta| delta[2 * at + trace]).collect()
        };
        let (product, bias) = (of(0), of(1));
        if product.iter().zip(&bias).any(|(product, bias)| product.id() != bias.id()) {
            step.report(&format!("bias/{at}"), graph.concat(&bias, 1));
        }
        step.report(&format!("product/{at}"), graph.concat(&product, 1));
    }
}

/// What slots hold from a boundary on.
struct Measured {
    anchor: Vec<f32>,
    units: Vec<u32>,
    inverse: Vec<f32>,
    /// The largest jitter that a kernel took.
    jitter: f64,
}

impl Fromp {
    /// Everything about all contexts that have ended; `None`: there are no points.
    fn measured(&self, slots: &SlotStore<'_>) -> Result<Option<Measured>, Error> {
        let report = |name: &str| slots.report(name).unwrap_or(&[]);
        let (contexts, units, values) = (report("context"), report("units"), report("values"));
        if contexts.is_empty() {
            return Ok(None);
        }
        let around = slots.around();
        let (n, outputs) = (self.per_context(around), around.competing);
        let cells = around.contexts * n;
        let functional = matches!(self.kernel, Kernel::Functional { .. });
        let mut measured = Measured {
            anchor: vec![0.0; cells * outputs],
            units: vec![u32::MAX; around.contexts * outputs],
            inverse: vec![0.0; if functional { cells * n * outputs } else { 0 }],
            jitter: 0.0,
        };
        let mut points: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, &context) in contexts.iter().enumerate() {
            points.entry(context as usize).or_default().push(row);
        }
        let layers = if functional { Layers::read(slots, contexts.len())? } else { Layers::none() };
        for (context, rows) in points {
            for (place, &row) in rows.iter().enumerate() {
                let cell = (context * n + place) * outputs;
                measured.anchor[cell..cell + outputs]
                    .copy_from_slice(&values[row * outputs..(row + 1) * outputs]);
            }
            // Units are reported counted from 1: 0 wraps to the largest number, which is no unit.
            let of_context = &units[rows[0] * outputs..(rows[0] + 1) * outputs];
            let named = &mut measured.units[context * outputs..(context + 1) * outputs];
            named.iter_mut().zip(of_context).for_each(|(to, &unit)| {
                *to = (unit as u32).wrapping_sub(1);
            });
            if !functional {
                continue;
            }
            for (class, kernel) in layers.kernels(&rows, outputs).iter().enumerate() {
                let unit = measured.units[context * outputs + class];
                if unit == u32::MAX {
                    continue;
                }
                let jitter = layers.jitter;
                let (inverse, used) = inverse(kernel, jitter)
                    .ok_or_else(|| singular(slots.scope(), (context, unit), jitter))?;
                measured.jitter = measured.jitter.max(used);
                for i in 0..rows.len() {
                    let row = (context * n + i) * n * outputs;
                    for j in 0..rows.len() {
                        measured.inverse[row + j * outputs + class] = inverse[(i, j)] as f32;
                    }
                }
            }
        }
        Ok(Some(measured))
    }
}

/// The layers' part in a boundary.
struct Layers<'a> {
    layers: Vec<OfLayer<'a>>,
    jitter: f64,
    rows: usize,
}

/// What a layer saw of all points, and its part of Σ.
struct OfLayer<'a> {
    input: &'a [f32],
    product: &'a [f32],
    bias: &'a [f32],
    weight_variance: Vec<f64>,
    bias_variance: Vec<f64>,
}

impl<'a> Layers<'a> {
    fn none() -> Self {
        Self { layers: Vec::new(), jitter: 0.0, rows: 0 }
    }

    fn read(slots: &'a SlotStore<'_>, rows: usize) -> Result<Self, Error> {
        let number = |name: &str| -> Result<f64, Error> {
            Ok(slots.read(name)?.first().map_or(0.0, |value| f64::from(*value)))
        };
        let (delta, jitter, fisher) = (number("delta")?, number("jitter")?, slots.read("fisher")?);
        let variance = |range: std::ops::Range<usize>| -> Vec<f64> {
            fisher[range].iter().map(|f| 1.0 / (f64::from(*f) + delta)).collect()
        };
        let report = |what: &str, at: usize| slots.report(&format!("{what}/{at}"));
        let layers = slots.layers().iter().enumerate().map(|(at, layer)| {
            let product = report("product", at).unwrap_or(&[]);
            OfLayer {
                input: report("input", at).unwrap_or(&[]),
                product,
                bias: report("bias", at).unwrap_or(product),
                weight_variance: variance(layer.weight.floats()),
                bias_variance: variance(layer.bias.floats()),
            }
        });
        Ok(Self { layers: layers.collect(), jitter, rows })
    }

    /// The kernels of these points, one per function.
    fn kernels(&self, points: &[usize], functions: usize) -> Vec<faer::Mat<f64>> {
        let of = |values: &[f32]| -> Vec<f32> {
            let width = values.len() / self.rows;
            points
                .iter()
                .flat_map(|&row| &values[row * width..(row + 1) * width])
                .copied()
                .collect()
        };
        let chosen: Vec<[Vec<f32>; 3]> = self
            .layers
            .iter()
            .map(|layer| [layer.input, layer.product, layer.bias].map(of))
            .collect();
        let rows =
            self.layers.iter().zip(&chosen).map(|(layer, [input, product, bias])| LayerRows {
                input,
                product,
                bias,
                weight_variance: &layer.weight_variance,
                bias_variance: &layer.bias_variance,
            });
        kernels(points.len(), functions, &rows.collect::<Vec<_>>())
    }
}

/// A kernel that has no inverse.
fn singular(strategy: &str, (context, unit): (usize, u32), jitter: f64) -> Error {
    Error::Misfit(format!(
        "{strategy}: the kernel of context {}, output unit {unit}, is singular: no Cholesky factor \
         with jitter {:e}, nor raised tenfold {RAISES} times to {:e}; expected a larger jitter \
         or fewer points that are alike",
        context + 1,
        jitter as f32,
        (jitter * 10_f64.powi(RAISES)) as f32
    ))
}
