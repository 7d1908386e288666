//! What is kept between contexts, and where slots stand.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use super::whole::{End, Moment, Whole};
use crate::run::run;

/// The bytes kept are those worked out by hand, for one member as for several, and what is not
/// declared as kept can be forgotten at a boundary.
pub(super) fn bytes_kept(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    let strategy = course.strategy();
    let learner = course.learner(&*strategy, &SEEDS[..1], 1)?;
    let (said, counted) = (course.kept(&learner), whole.end.bytes_kept);
    if said != counted {
        let slots: Vec<String> =
            whole.end.kept.iter().map(|(slot, bytes)| format!("{slot}: {bytes}")).collect();
        let buffers = counted - whole.end.kept.values().sum::<u64>();
        return Err(Fault(format!(
            "{counted} bytes are counted (slots declared kept: [{}]; buffers: {buffers}), \
             `.kept` says {said}",
            slots.join(", ")
        )));
    }
    let mut most = 0;
    for seed in SEEDS {
        let strategy = course.strategy();
        let mut learner = course.learner(&*strategy, &[seed], 1)?;
        run(&mut learner, &mut ())?;
        most = most.max(learner.bytes_kept());
    }
    if most != counted {
        let members = SEEDS.len();
        return Err(Fault(format!("{counted} bytes for {members} members, {most} for one")));
    }
    nothing_else_is_carried_on(course, whole)
}

/// Slots that are not kept may start afresh behind a boundary: nothing that follows depends on them.
fn nothing_else_is_carried_on(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    let strategy = course.strategy();
    let fresh = course.learner(&*strategy, &SEEDS, 2)?;
    let slots = fresh.slots_not_kept();
    // Where a method finds boundaries itself they lie elsewhere.
    if slots.is_empty() || fresh.finds_boundaries() {
        return Ok(());
    }
    let Some(cut) = whole.cut(Moment::After(2)) else {
        return Err(Fault("the run did not reach the third context".to_owned()));
    };
    let without = |slots: &[String]| -> Result<End, Fault> {
        let strategy = course.strategy();
        let mut learner = course.learner(&*strategy, &SEEDS, 1)?;
        learner.restore(&cut.checkpoint)?;
        for slot in slots {
            for member in 0..SEEDS.len() {
                learner.session.reset(slot, member)?;
            }
        }
        run(&mut learner, &mut ())?;
        End::of(&learner)
    };
    // Against a run that was resumed too: what resuming changes is another property.
    let with_all = without(&[])?;
    let difference = |slots: &[String]| -> Result<Option<String>, Fault> {
        let end = without(slots)?;
        let mut members = with_all.members.iter().zip(&end.members);
        Ok(members.find_map(|(a, b)| a.learned_difference(b)))
    };
    if difference(&slots)?.is_none() {
        return Ok(());
    }
    for slot in &slots {
        if let Some(found) = difference(std::slice::from_ref(slot))? {
            return Err(Fault(format!(
                "slot `{slot}` is not declared as kept, but what it holds {} matters: with it and \
                 without it, {found}",
                cut.words
            )));
        }
    }
    Err(Fault(format!(
        "of slots {}, none declared as kept, several together matter {}",
        slots.join(", "),
        cut.words
    )))
}

/// Every slot stands under the name of a strategy, and nobody writes another's.
pub(super) fn scopes(course: &Course<'_>, _: &Whole) -> Result<(), Fault> {
    let strategy = course.strategy();
    let stray = course.learner(&*strategy, &SEEDS[..1], 1)?.stray_slots();
    if stray.is_empty() {
        return Ok(());
    }
    let stray: Vec<String> = stray.into_iter().map(|slot| format!("`{slot}`")).collect();
    Err(Fault(format!(
        "declared or written outside of the strategy's scope: {}; expected names that begin with \
         its own, as `step.scope` makes them",
        stray.join(", ")
    )))
}
