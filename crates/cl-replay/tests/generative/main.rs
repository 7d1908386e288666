//! Generative replay, step by step against slow formulas.
#![allow(clippy::unwrap_used)] // a test's own functions are tests too

mod collapse;
mod dgr;
mod gan;
mod judged;
mod rtf;
mod slow;
mod watched;
