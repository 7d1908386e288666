//! Awkward methods as small strategies: each shows that the parts carry it, by a property that fails
//! when the part is wrong. What does not fit in a page changes the parts, not the probe.
#![allow(clippy::unwrap_used)]

mod common;
