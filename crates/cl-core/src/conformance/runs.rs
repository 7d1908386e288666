//! Properties of whole runs: population = singles, resume = whole.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use super::whole::{End, Whole};
use crate::checkpoint::Checkpoint;
use crate::run::run;

/// Members on several threads, and each by itself, give the same bits from plans of the same size.
pub(super) fn population(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    let strategy = course.strategy();
    let mut learner = course.learner(&*strategy, &SEEDS, 2)?;
    run(&mut learner, &mut ())?;
    if let Some(found) = whole.end.difference(&End::of(&learner)?) {
        return Err(Fault(format!("on one thread and on two: {found}")));
    }
    for (member, seed) in whole.end.members.iter().zip(SEEDS) {
        let strategy = course.strategy();
        // A lone member has all threads to itself: try one and several.
        let threads = 1 + (seed % 2) as usize;
        let mut learner = course.learner(&*strategy, &[seed], threads)?;
        run(&mut learner, &mut ())?;
        let alone = End::of(&learner)?;
        if alone.costs != whole.end.costs {
            return Err(Fault(format!(
                "programs of seed {seed} alone and of {} members: {:?} and {:?}",
                SEEDS.len(),
                alone.costs,
                whole.end.costs
            )));
        }
        if let Some(found) = alone.members[0].difference(member) {
            let members = SEEDS.len();
            return Err(Fault(format!("seed {seed}, alone and among {members}: {found}")));
        }
    }
    Ok(())
}

/// From every cut, through a file, a learner that is made anew ends with the bits of the whole run.
pub(super) fn resume(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("checkpoint");
    for cut in &whole.cuts {
        let resumed = || -> Result<End, Fault> {
            cut.checkpoint.save(&path)?;
            let strategy = course.strategy();
            let mut learner = course.learner(&*strategy, &SEEDS, 2)?;
            learner.restore(&Checkpoint::load(&path)?)?;
            run(&mut learner, &mut ())?;
            End::of(&learner)
        };
        let at = |found: String| Fault(format!("saved {}: {found}", cut.words));
        let end = resumed().map_err(|Fault(found)| at(found))?;
        if let Some(found) = whole.end.difference(&end) {
            return Err(at(format!("uninterrupted and resumed, {found}")));
        }
    }
    Ok(())
}
