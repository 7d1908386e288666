//! Learned context-dependent gating: `method` says what it is, `network` makes gates, `anchors` are the
//! rows of past contexts that gates are held against.

mod anchors;
mod method;
mod network;

pub use anchors::Anchors;
pub use method::{Lxdg, Terms};
