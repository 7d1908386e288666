//! The strategies by name: one file per family, each with its entries, their hyper-parameters and how
//! they become methods.

mod baselines;
mod gating;
mod regularisation;
mod replay;

pub(crate) use baselines::{CUMULATIVE, JOINT, PLAIN};
pub(crate) use gating::XDG;
pub(crate) use regularisation::{EWC, EWC_ONLINE, SI};
pub(crate) use replay::{ER, ER_RESERVOIR};
