//! Plots as SVG text: their colours are classes, which the page's style gives for light and dark.
mod curves;
mod dots;
mod frame;
mod inks;
mod labels;
mod matrices;
mod scatter;

pub(super) use curves::{DORMANT, ON_THE_WAY, OVER_CONTEXTS, curves};
pub(super) use dots::dots;
pub(super) use inks::Inks;
pub(super) use matrices::{MOST_SIDE, matrices};
pub(super) use scatter::{Point, Scatter};
