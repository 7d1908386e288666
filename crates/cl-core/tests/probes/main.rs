//! Awkward methods as small strategies: each shows that the parts carry it, by a property that fails
//! when the part is wrong. What does not fit in a page changes the parts, not the probe.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod agem;
mod autoencoder;
mod cells;
mod common;
mod critic;
mod der;
mod detector;
mod diki;
mod feedback;
mod gan;
mod gdumb;
mod gem;
mod golden;
mod growing;
mod guarantees;
mod icarl;
mod kfac;
mod lora;
mod memory;
mod mir;
mod nearest_mean;
mod packnet;
mod place;
mod random;
mod seen;
mod slow;
mod task_free;
mod trials;
