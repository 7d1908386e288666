//! The strategies by name: one file per family, each with its entries, their hyper-parameters and how
//! they become methods.

mod baselines;
mod function_space;
mod gating;
mod generative;
mod layers;
mod parameter_space;
mod replay;
mod templates;

pub(crate) use baselines::{CUMULATIVE, JOINT, PLAIN};
pub(crate) use function_space::{FROMP, FROMP_L2, LWF};
pub(crate) use gating::{HAT, LXDG, PACKNET, SEPARATE, XDG};
pub(crate) use generative::{BIR, DGR, DGR_DISTILL, DGR_GAN, RTF};
pub(crate) use layers::{EWC_KFAC, OWM};
pub(crate) use parameter_space::{EWC, EWC_ONLINE, L2_INIT, L2_TO_ANCHOR, MAS, SI};
pub(crate) use replay::{AGEM, DER, DER_PLUS_PLUS, ER, ER_ACE, ER_RESERVOIR, GDUMB, GEM, MIR};
pub(crate) use templates::{
    FECAM, GENERATIVE_CLASSIFIER, ICARL, ICARL_SSL, NCM, NCM_PIXELS, RANPAC, SLDA,
};
