//! What earlier contexts use stays.

use super::{Cumulative, Hat, Masking, cumulative, embedding};
use cl_core::{Boundary, Consolidate, Error, GradientMap, Now, SlotStore, Step};
use cl_nn::{ParamRange, Theta};
use cl_tensor::{Init, Scope, Var};

/// m of a layer, `[units]`.
fn used<'g>(scope: &Scope<'g>, layer: usize, units: usize) -> Var<'g> {
    scope.kept(&cumulative(layer), &[units], Init::Zeros)
}

/// 1 − min(mᵒᵘᵗ, mⁱⁿ) for the weight and 1 − mᵒᵘᵗ for the bias of each hidden layer, by the name of the
/// parameter; both broadcast to its shape.
fn free<'g>(step: &Step<'_, 'g>) -> Vec<(String, Var<'g>)> {
    let layers = step.forward.layers.split_last().map_or(&[][..], |(_head, hidden)| hidden);
    let mut masks = Vec::with_capacity(2 * layers.len());
    let mut before: Option<Var<'g>> = None;
    for (layer, trace) in layers.iter().enumerate() {
        let gates = step.layout.range(&step.scope.name(&embedding(layer)));
        let units = gates.map_or(0, |range| range.shape[1]);
        let weight = step.layout.range(&trace.weight).map_or(&[][..], |range| &range.shape);
        let fits = |inputs: usize| weight == [inputs, units];
        if !fits(before.map_or(weight.first().copied().unwrap_or(0), |m| m.len())) {
            step.graph().refuse(format!(
                "hat: weight `{}` {weight:?} of gated layer {}: expected the {units} units of the \
                 layer behind those of the layer before",
                trace.weight,
                layer + 1
            ));
            return Vec::new();
        }
        let out = used(&step.scope, layer, units);
        let both = before.map_or(out, |before| out.minimum(before.column()));
        masks.push((trace.weight.clone(), 1.0 - both));
        masks.push((trace.bias.clone(), 1.0 - out));
        before = Some(out);
    }
    masks
}

/// What of theta may move, in the shape of a range; `None` leaves it as it is.
type Change<'a, 'g> = dyn Fn(&ParamRange, Var<'g>) -> Option<Var<'g>> + 'a;

/// A flat vector whose ranges are changed one by one.
fn by_range<'g>(step: &Step<'_, 'g>, flat: Var<'g>, change: &Change<'_, 'g>) -> Var<'g> {
    let pieces = step.layout.ranges().iter().map(|range| {
        let piece = flat.slice(0, range.floats()).reshape(&range.shape);
        (range.offset, change(range, piece).unwrap_or(piece))
    });
    step.graph().assemble(step.layout.len(), &pieces.collect::<Vec<_>>())
}

fn find<'g>(masks: &[(String, Var<'g>)], name: &str) -> Option<Var<'g>> {
    masks.iter().find(|(known, _)| known == name).map(|(_, mask)| *mask)
}

impl GradientMap for Hat {
    fn total<'g>(&self, step: &Step<'_, 'g>, gradient: Var<'g>) -> Var<'g> {
        if self.masking == Masking::Step {
            return gradient;
        }
        let free = free(step);
        by_range(step, gradient, &|range, piece| Some(piece * find(&free, &range.name)?))
    }

    fn delta<'g>(&self, step: &Step<'_, 'g>, delta: Var<'g>) -> Var<'g> {
        let zero = step.graph().constant(0.0);
        let mut moves = free(step);
        if self.masking == Masking::Gradient {
            // The gradient is scaled already; moments and weight decay are not.
            moves.iter_mut().for_each(|(_, free)| *free = free.greater(zero));
        }
        // Rows of the stream, and whose they are: contexts and outputs without any stay.
        let here = (step.is_current() * step.weight).greater(zero);
        let contexts = here.scatter_add(step.context, step.contexts()).greater(zero);
        if let (Some(head), Some(active)) = (step.forward.layers.last(), step.active) {
            let outputs = here.reshape(&[1, here.len()]).matmul(active).greater(zero);
            let outputs = outputs.reshape(&[outputs.len()]);
            moves.extend([(head.weight.clone(), outputs), (head.bias.clone(), outputs)]);
        }
        let limit = step.scope.hyper("embedding_limit", self.embedding_limit as f32);
        let own = step.scope.name("");
        by_range(step, delta, &|range, piece| {
            if range.name.starts_with(&own) {
                let e = step.network().get(&range.name);
                let within = (e + piece).maximum(-limit).minimum(limit);
                return Some((within - e) * contexts.column());
            }
            Some(piece * find(&moves, &range.name)?)
        })
    }
}

impl Consolidate for Hat {
    fn consolidate<'g>(&self, boundary: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
        let (scope, graph) = (&boundary.scope, theta.graph());
        let s_max = scope.hyper("s_max", self.s_max as f32);
        let parameters = Theta { flat: theta, layout: boundary.layout };
        for layer in 0.. {
            let name = scope.name(&embedding(layer));
            let Some(range) = boundary.layout.range(&name) else { break };
            let units = range.shape[1];
            let e = parameters.get(&name).gather(boundary.index).reshape(&[units]);
            let gates = (s_max * e).sigmoid();
            let taken = match self.cumulative {
                Cumulative::Soft => gates,
                Cumulative::Binary => gates.greater(graph.constant(0.5)),
            };
            scope.assign(&cumulative(layer), used(scope, layer, units).maximum(taken));
        }
        // For the host, which looks at what is left.
        let _ = scope.hyper("min_free", self.min_free as f32);
        let to_come = boundary.around.contexts as f32 - boundary.context.to_float();
        let _ = scope.slot("to_come", &[1], Init::Zeros);
        scope.assign("to_come", to_come);
        theta
    }

    fn end_context(&self, now: Now, slots: &mut SlotStore<'_>) -> Result<(), Error> {
        let scalar =
            |name: &str| Ok::<f32, Error>(slots.read(name)?.first().copied().unwrap_or(0.0));
        let (min_free, to_come) = (f64::from(scalar("min_free")?), scalar("to_come")? as usize);
        if to_come == 0 {
            return Ok(());
        }
        for layer in 0..slots.layers().len().saturating_sub(1) {
            let used = slots.read(&cumulative(layer))?;
            let (taken, units) = (used.iter().map(|&m| f64::from(m)).sum::<f64>(), used.len());
            let free: f64 = used.iter().map(|&m| 1.0 - f64::from(m)).sum();
            if free < min_free {
                let (layer, fraction) = (layer + 1, taken / units as f64);
                return Err(Error::Capacity {
                    strategy: "hat",
                    seed: now.seed,
                    context: now.stage as usize + 1,
                    to_come,
                    what: format!(
                        "hidden layer {layer} is used to {fraction:.3} ({free:.3} of {units} units \
                         are free, min_free = {min_free}); more units or a larger lambda may help"
                    ),
                });
            }
        }
        Ok(())
    }
}
