//! The suite that every strategy passes, one's own too.
//!
//! A [`Subject`] says how the strategy is made and what its author claims; [`Subject::check`] runs it
//! on a small stream (digits 0 to 5 in three contexts, eight steps of sixteen rows each, an MLP
//! 64-16-6 with dropout) and returns one line for every property that does not hold. All are tried.
//!
//! ```
//! use cl_core::conformance::Subject;
//! # use cl_core::{Boundary, Consolidate, Error, Parts, Penalty, Step, Strategy};
//! # use cl_tensor::Var;
//! # struct Pull { strength: f64 }
//! # impl Penalty for Pull {
//! #     fn loss<'g>(&self, step: &Step<'_, 'g>) -> Var<'g> {
//! #         let anchor = step.scope.kept("anchor", &[step.layout.len()], step.layout.init());
//! #         let strength = step.scope.hyper("strength", self.strength as f32);
//! #         strength * (step.theta - anchor).square().sum()
//! #     }
//! # }
//! # impl Consolidate for Pull {
//! #     fn consolidate<'g>(&self, at: &Boundary<'_, 'g>, theta: Var<'g>) -> Var<'g> {
//! #         at.scope.kept("anchor", &[at.layout.len()], at.layout.init());
//! #         at.scope.assign("anchor", theta);
//! #         theta
//! #     }
//! # }
//! # impl Strategy for Pull {
//! #     fn name(&self) -> String { "pull".to_owned() }
//! #     fn parts<'s>(&'s self, parts: &mut Parts<'s>) { parts.penalty(self).consolidate(self); }
//! #     fn describe(&self) -> Vec<(String, String)> {
//! #         vec![("pull.strength".to_owned(), self.strength.to_string())]
//! #     }
//! #     fn check(&self) -> Result<(), Error> {
//! #         if self.strength >= 0.0 { return Ok(()) }
//! #         let (name, value, expected) = ("strength", self.strength, "at least 0");
//! #         Err(Error::HyperParameter { strategy: "pull", name, value, expected })
//! #     }
//! # }
//!
//! Subject::new("pull", || Pull { strength: 0.1 })
//!     .neutral(|| Pull { strength: 0.0 })
//!     .refused(|| Pull { strength: -1.0 })
//!     .refused(|| Pull { strength: f64::NAN })
//!     .kept(|facts| 4 * facts.layout.parameters() as u64) // one anchor
//!     .assert();
//! ```
//!
//! | property | what holds |
//! |---|---|
//! | [`Population`](Property::Population) | three members on one thread and on two, and each alone, give the same bits: slots, host state and accuracies; one plan, whatever the number of members |
//! | [`Resume`](Property::Resume) | saved to a file and taken up by a learner that is made anew, the run ends with the same bits: after the first step, amid every phase and at its end, between contexts |
//! | [`Neutral`](Property::Neutral) | at the neutral setting parameters and accuracies are those of `none`, bit for bit |
//! | [`Effect`](Property::Effect) | as it is made, the strategy differs from `none` after context 2 |
//! | [`Gradient`](Property::Gradient) | what a step minimises, before gradient maps, is differentiated as finite differences in f64 say, amid every phase of context 2; the losses of modules too |
//! | [`Order`](Property::Order) | before and behind a penalty with a gate: the same parameters within 1e-5 of their length (not asked of gradient maps) |
//! | [`BytesKept`](Property::BytesKept) | [`Learner::bytes_kept`](crate::Learner::bytes_kept) is what was worked out by hand; slots that are not declared as kept can be reset between contexts and nothing changes |
//! | [`Scopes`](Property::Scopes) | every slot stands under the strategy's name |
//! | [`Refusals`](Property::Refusals) | settings out of range fail [`Strategy::check`](crate::Strategy::check), the message names the strategy |
//! | [`Names`](Property::Names) | there is a name, and entries of [`Strategy::describe`](crate::Strategy::describe) are `NAME.what` |
//!
//! Self-consistency is not correctness: a method with a wrong anchor passes all of this. A test against
//! figures from elsewhere, for which there is [`Trial`](crate::Trial), stands beside it.

mod check;
mod course;
mod effect;
mod failures;
mod gradient;
mod memory;
mod order;
mod runs;
mod subject;
mod whole;
mod words;

pub use failures::{Failure, Failures, Property};
pub use subject::{Facts, Subject};
