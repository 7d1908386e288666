//! Continual learning in parameter space: what earlier contexts found important resists change; and in
//! function space: what the network says of a few points of the past stays.
//!
//! | strategy | name | importance of a parameter | penalty |
//! |---|---|---|---|
//! | [`Ewc`] | `ewc` | diagonal [`Fisher`] information, one term per context | λ/2 Σ_k Σ F_k (θ − θ*_k)² |
//! | [`OnlineEwc`] | `ewc-online` | decayed sum of Fisher information | λ/2 γ Σ F (θ − θ*)² |
//! | [`KfacEwc`] | `ewc-kfac` | Kronecker-factored Fisher information per linear layer | λ/2 Σ_layers ⟨D, A D G⟩, D = [W; b] − [W*; b*] |
//! | [`Si`] | `si` | share in the fall of the loss along the path of training | c Σ Ω (θ − θ*)² |
//! | [`Mas`] | `mas` | sensitivity of the logits, without labels | λ Σ Ω (θ − θ*)² |
//! | [`L2`] | `l2` | the same for all | λ Σ (θ − θ*)² |
//! | [`L2Init`] | `l2-init` | the same for all | λ Σ (θ − θ_0)², θ_0 the initial parameters |
//!
//! [`Owm`], `owm`, adds no penalty: it projects gradients away from what a layer's inputs were.
//!
//! And in function space, where what the network said of a row resists change:
//!
//! | strategy | name | penalty |
//! |---|---|---|
//! | [`Fromp`] | `fromp`, `fromp-l2` | ½ Σ_c d_cᵀ K_c⁻¹ d_c on memorable points, d = m − m_old the change of the probabilities |
//! | [`Lwf`] | `lwf` | λ Σ_k KD_k to the labels that a frozen copy of the network gives the new rows |
//!
//! All but `l2-init` are exactly 0 before the first boundary. Strengths are scalar slots
//! (`ewc/lambda`, `si/c`), so a population may hold another value per member.
//!
//! ```
//! use cl_core::Strategy;
//! use cl_regularize::{Ewc, Si};
//!
//! let both = (Ewc { lambda: 1000.0, ..Ewc::default() }, Si::default());
//! assert_eq!(both.name(), "ewc+si");
//! assert!(both.check().is_ok());
//! assert!(Ewc { lambda: -1.0, ..Ewc::default() }.check().is_err());
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod ewc;
mod factor;
mod fisher;
mod fromp;
mod kfac;
mod kronecker;
mod l2;
mod l2_init;
mod lwf;
mod mas;
mod online_ewc;
mod owm;
mod projector;
mod range;
mod si;

pub use ewc::Ewc;
pub use factor::Factor;
pub use fisher::{Divisor, Estimate, Fisher};
pub use fromp::{Balance, Fromp, Kernel, memorable};
pub use kfac::KfacEwc;
pub use kronecker::{FactorLabels, KroneckerFisher};
pub use l2::L2;
pub use l2_init::L2Init;
pub use lwf::{Heads, Lwf, Outputs};
pub use mas::{Accumulation, Gradients, Logits, Mas, Norm, OutputLayer};
pub use online_ewc::{Discount, OnlineEwc};
pub use owm::{Alpha, Owm};
pub use si::{Floor, PathGradient, Si};
