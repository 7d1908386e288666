//! The gradient against finite differences, in f64.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use super::whole::{Moment, Whole};
use crate::learner::{Learner, Objectives};
use crate::record::{IMAGES, THETA};
use cl_nn::Layout;
use cl_random::{Address, Purpose};
use cl_tensor::{DType, Graph, ReferenceSession, Values};
use std::collections::BTreeMap;

/// Half-widths of the central differences, along a direction of length 1. A ReLU may have its kink
/// within the wider one and rounding may swamp the narrower one, both by chance; a gradient that is
/// wrong agrees with neither.
const WIDTHS: [f64; 2] = [1e-4, 1e-6];
/// |difference − g·d| may be this share of ‖g‖, and rounding of the loss may add a little.
const TOLERANCE: f64 = 1e-6;
const ROUNDING: f64 = 1e-9;

/// Amid every phase of the second context, what each program minimises is differentiated as its
/// derivative is.
pub(super) fn gradient(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    if let Err(why) = course.subject.differentiable {
        return match why.trim() {
            "" => Err(Fault("`no_gradient` without a reason".to_owned())),
            _ => Ok(()),
        };
    }
    for cut in &whole.cuts {
        let Moment::Amid(stage, phase) = cut.moment else { continue };
        let strategy = course.strategy();
        let programs = course.learner(&*strategy, &SEEDS, 1)?.phases(stage)[phase].cycle.len();
        for program in 0..programs {
            let mut learner = course.learner(&*strategy, &SEEDS, 1)?;
            learner.restore(&cut.checkpoint)?;
            learner.begin(stage)?;
            learner.enter(stage, phase)?;
            let graph = Graph::new();
            let objectives = learner.objectives(&graph, program)?;
            let session = reference(course, &learner)?;
            let model = learner.model();
            for slot in &objectives.slots {
                let of_module = model.modules.iter().find(|(name, _)| name == slot);
                let layout = of_module.map_or(&model.layout, |(_, layout)| layout);
                let words = if slot == THETA { "parameters" } else { slot };
                differentiated(&graph, &objectives, &session, slot, layout)
                    .map_err(|Fault(found)| Fault(format!("{}, {words}: {found}", cut.words)))?;
            }
        }
    }
    Ok(())
}

/// The first member's slots in f64.
fn reference(course: &Course<'_>, learner: &Learner<'_>) -> Result<ReferenceSession, Fault> {
    let mut reference = ReferenceSession::new(SEEDS[0]);
    let session = &learner.session;
    for slot in session.slots() {
        let ty = session.slot_type(&slot)?;
        let number = |x: f32| match ty.dtype {
            DType::F32 | DType::U8 => f64::from(x),
            DType::U32 => f64::from(x.to_bits()),
        };
        let values = session.read(&slot, 0)?.into_iter().map(number).collect();
        reference.set_slot(&slot, Values::new(&ty.shape, values));
    }
    let images = course.data.images.iter().map(|&byte| f64::from(byte)).collect();
    let shape = [course.data.examples(), course.data.features()];
    reference.set_resident(IMAGES, Values::new(&shape, images));
    Ok(reference)
}

fn differentiated(
    graph: &Graph,
    objectives: &Objectives,
    session: &ReferenceSession,
    slot: &str,
    layout: &Layout,
) -> Result<(), Fault> {
    let feeds: Vec<(&str, Values)> =
        objectives.feeds.iter().map(|(name, values)| (name.as_str(), values.clone())).collect();
    // Each run from the same state: a part may write slots while it works out its loss.
    let run = |theta: Values| -> Result<BTreeMap<String, Values>, Fault> {
        let mut session = session.clone();
        session.set_slot(slot, theta);
        Ok(session.run(graph, &feeds)?)
    };
    let read = |outputs: &BTreeMap<String, Values>, what: &str| {
        let values = outputs.get(&format!("{what}:{slot}")).map(|values| values.data.clone());
        values.ok_or_else(|| Fault(format!("no {what} was recorded")))
    };
    let Some(theta) = session.slot(slot).cloned() else {
        return Err(Fault(format!("no slot `{slot}`")));
    };
    let outputs = run(theta.clone())?;
    let (loss, gradient) = (read(&outputs, "loss")?[0], read(&outputs, "gradient")?);
    let direction = direction(layout, theta.data.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let slope = dot(&gradient, &direction);
    let allowed = TOLERANCE * dot(&gradient, &gradient).sqrt() + ROUNDING * loss.abs();
    let moved = |by: f64| -> Result<f64, Fault> {
        let data = theta.data.iter().zip(&direction).map(|(t, d)| t + by * d).collect();
        Ok(read(&run(Values::new(&theta.shape, data))?, "loss")?[0])
    };
    let mut differences = Vec::new();
    for width in WIDTHS {
        let difference = (moved(width)? - moved(-width)?) / (2.0 * width);
        if (difference - slope).abs() <= allowed {
            return Ok(());
        }
        differences.push(difference);
    }
    Err(Fault(format!(
        "along a random direction the recorded gradient says {slope}, finite differences {} and {}",
        differences[0], differences[1]
    )))
}

/// A random direction of length 1; padding does not move.
fn direction(layout: &Layout, len: usize) -> Vec<f64> {
    let mut direction = vec![0.0; len];
    let mut random = Address::new(0, Purpose::named("conformance")).rng();
    for at in layout.ranges().iter().flat_map(|range| range.floats()) {
        direction[at] = f64::from(random.below(1 << 20)) - f64::from((1 << 19) - 1) - 0.5;
    }
    let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
    direction.iter_mut().for_each(|d| *d /= length);
    direction
}
