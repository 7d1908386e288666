//! In a composition the place of a strategy does not matter, gradient maps aside.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use super::whole::{MemberEnd, Whole};
use crate::parts::{Gate, GateSite, Parts, Penalty};
use crate::run::run;
use crate::step::Step;
use crate::strategy::Strategy;
use cl_nn::Point;
use cl_tensor::Var;

/// ‖Δθ‖ / ‖θ‖ between the two orders: sums may round differently.
const TOLERANCE: f64 = 1e-5;

/// Pulls theta to where it started, and damps every hidden unit.
struct Partner;

impl Penalty for Partner {
    fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
        let start = step.scope.kept("start", &[step.layout.len()], step.layout.init());
        step.scope.hyper("strength", 0.1) * (step.theta - start).square().sum()
    }
}

impl Gate for Partner {
    fn apply<'g>(&self, at: &GateSite<'_, 'g>, h: Var<'g>) -> Var<'g> {
        if at.site.point == Point::PostActivation { h * 0.75 } else { h }
    }
}

impl Strategy for Partner {
    fn name(&self) -> String {
        "conformance-partner".to_owned()
    }

    fn parts<'s>(&'s self, parts: &mut Parts<'s>) {
        parts.penalty(self).gate(self);
    }
}

/// (strategy, partner) and (partner, strategy) learn the same.
pub(super) fn order(course: &Course<'_>, _: &Whole) -> Result<(), Fault> {
    if !Parts::of(&*course.strategy()).gradient_maps.is_empty() {
        return Ok(());
    }
    let first = finished(course, vec![course.strategy(), Box::new(Partner)])?;
    let last = finished(course, vec![Box::new(Partner), course.strategy()])?;
    let (mut distance, mut length) = (0.0, 0.0);
    for (name, first) in &first.parameters {
        let Some(last) = last.parameters.get(name).filter(|last| last.len() == first.len()) else {
            return Err(Fault(format!("parameter `{name}` is there in one order only")));
        };
        for (&first, &last) in first.iter().zip(last) {
            let (first, last) = (f64::from(f32::from_bits(first)), f64::from(f32::from_bits(last)));
            distance += (first - last).powi(2);
            length += first.powi(2);
        }
    }
    let relative = (distance / length).sqrt();
    if relative <= TOLERANCE {
        return Ok(());
    }
    Err(Fault(format!(
        "before and behind a penalty with a gate: parameters differ by {relative:.1e} of their \
         length, expected at most {TOLERANCE:.0e}"
    )))
}

fn finished(course: &Course<'_>, both: Vec<Box<dyn Strategy>>) -> Result<MemberEnd, Fault> {
    let mut learner = course.learner(&both, &SEEDS[..1], 1)?;
    run(&mut learner, &mut ())?;
    let end = super::whole::End::of(&learner)?;
    end.members.into_iter().next().ok_or_else(|| Fault("no member".to_owned()))
}
