//! Against plain training: nothing at the neutral setting, something at the default.

use super::course::{Course, SEEDS};
use super::failures::Fault;
use super::subject::Neutral;
use super::whole::{End, Moment, Whole};
use crate::run::run;
use crate::strategy::{Naive, Strategy};

fn reason(why: &str, of: &str) -> Result<(), Fault> {
    match why.trim() {
        "" => Err(Fault(format!("`{of}` without a reason"))),
        _ => Ok(()),
    }
}

/// At the neutral setting parameters and accuracies are those of plain training, bit for bit.
pub(super) fn neutral(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    let made;
    let end;
    let neutral = match &course.subject.neutral {
        Neutral::Unsaid => {
            let ask = "say `.neutral(..)`, or `.no_neutral(why)` where there is no such setting";
            return Err(Fault(ask.to_owned()));
        }
        Neutral::None(why) => return reason(why, "no_neutral"),
        Neutral::Always(why) => {
            reason(why, "always_neutral")?;
            &whole.end
        }
        Neutral::Setting(make) => {
            made = make();
            end = finished(course, &*made)?;
            &end
        }
    };
    let plain = finished(course, &Naive)?;
    for (plain, member) in plain.members.iter().zip(&neutral.members) {
        if let Some(found) = plain.learned_difference(member) {
            let seed = plain.seed;
            return Err(Fault(format!("seed {seed}, `none` and the neutral setting: {found}")));
        }
    }
    Ok(())
}

fn finished(course: &Course<'_>, strategy: &dyn Strategy) -> Result<End, Fault> {
    let mut learner = course.learner(strategy, &SEEDS, 2)?;
    run(&mut learner, &mut ())?;
    End::of(&learner)
}

/// As it is made it differs from plain training after the second context.
pub(super) fn effect(course: &Course<'_>, whole: &Whole) -> Result<(), Fault> {
    if let Neutral::Always(_) = course.subject.neutral {
        return Ok(());
    }
    let plain = Whole::of(course, &Naive)?;
    let after_two = Moment::After(2);
    let (Some(plain), Some(own)) = (plain.cut(after_two), whole.cut(after_two)) else {
        return Err(Fault("the run did not reach the third context".to_owned()));
    };
    for (plain, own) in plain.so_far.members.iter().zip(&own.so_far.members) {
        if plain.learned_difference(own).is_none() {
            let seed = plain.seed;
            return Err(Fault(format!(
                "seed {seed}: parameters and accuracies after context 2 are those of `none`"
            )));
        }
    }
    Ok(())
}
