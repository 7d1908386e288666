//! Awkward methods as small strategies: each shows that the parts carry it, by a property that fails
//! when the part is wrong. What does not fit in a page changes the parts, not the probe.
#![allow(clippy::unwrap_used, unreachable_pub)]

mod agem;
mod common;
mod feedback;
mod gan;
mod gem;
mod golden;
mod icarl;
mod memory;
mod seen;
mod singles;
mod slow;
