//! All properties, one after the other.

use super::course::Course;
use super::failures::{Failure, Failures, Fault, Property};
use super::subject::Subject;
use super::whole::Whole;
use super::{effect, gradient, memory, order, runs, words};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Check = fn(&Course<'_>, &Whole) -> Result<(), Fault>;

/// What is tried in every stream.
const CHECKS: [(Property, Check); 8] = [
    (Property::Population, runs::population),
    (Property::Resume, runs::resume),
    (Property::Neutral, effect::neutral),
    (Property::Effect, effect::effect),
    (Property::Gradient, gradient::gradient),
    (Property::Order, order::order),
    (Property::BytesKept, memory::bytes_kept),
    (Property::Scopes, memory::scopes),
];

impl Subject {
    /// Tries every property.
    ///
    /// # Errors
    /// Those that do not hold, one line each.
    pub fn check(&self) -> Result<(), Failures> {
        let mut all = Vec::new();
        let mut note = |property, scenario, outcome: Result<(), Fault>| {
            if let Err(Fault(message)) = outcome {
                all.push(Failure { property, scenario, message });
            }
        };
        note(Property::Refusals, None, guarded(|| words::refusals(self)));
        note(Property::Names, None, guarded(|| words::names(self)));
        if self.scenarios.is_empty() {
            note(Property::Runs, None, Err(Fault("no scenario to run it in".to_owned())));
        }
        for &scenario in &self.scenarios {
            let run = guarded(|| {
                let course = Course::new(self, scenario)?;
                let whole = Whole::of(&course, &*course.strategy())?;
                Ok((course, whole))
            });
            match run {
                Err(fault) => note(Property::Runs, Some(scenario), Err(fault)),
                Ok((course, whole)) => {
                    for (property, check) in CHECKS {
                        note(property, Some(scenario), guarded(|| check(&course, &whole)));
                    }
                }
            }
        }
        if all.is_empty() { Ok(()) } else { Err(Failures { subject: self.label.clone(), all }) }
    }

    /// [`Subject::check`] for tests.
    ///
    /// # Panics
    /// With one line for every property that does not hold.
    #[track_caller]
    pub fn assert(&self) {
        if let Err(failures) = self.check() {
            panic!("{failures}");
        }
    }
}

/// A panic is a failure like others: the remaining properties are still tried.
fn guarded<T>(check: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(Fault(format!("panicked: {text}")))
    })
}
