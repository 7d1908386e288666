//! Tensor programs that are recorded once and replayed many times.
//!
//! A [`Graph`] records values ([`Var`]); formulas read like the paper. [`Graph::grad`] records the
//! derivative into the same graph. [`Plan::compile`] turns the graph into a flat list of kernels over
//! one arena, and a [`Session`] replays it for every member of a population.
//!
//! ```
//! use cl_tensor::{CpuSession, Graph, Init, Plan, Session};
//!
//! let graph = Graph::new();
//! let theta = graph.slot("theta", &[3], Init::Constant(2.0));
//! let loss = theta.square().sum();
//! let step = graph.grad(loss, theta);
//! graph.assign("theta", theta - step * 0.25);
//! graph.output("loss", loss);
//!
//! let plan = Plan::compile(&graph)?;
//! let mut session = CpuSession::new(&[0], 1)?; // one member, one thread
//! let plan = session.load(plan)?;
//! session.run_once(plan)?;
//! assert_eq!(session.read("theta", 0)?, [1.0, 1.0, 1.0]);
//! # Ok::<(), cl_tensor::Error>(())
//! ```
#![deny(missing_docs)]

mod addressed;
mod assign;
pub mod conformance;
mod cpu;
mod error;
mod grad;
mod graph;
mod inner;
mod op;
pub mod ops;
mod plan;
mod reference;
mod scope;
mod session;
mod transform;
mod types;
mod var;
pub mod wgsl;

pub use cpu::CpuSession;
pub use error::Error;
pub use graph::{Graph, Init, NodeId, SlotSpec};
pub use inner::{Across, Inner, lane_seed};
pub use op::{Args, Inside, Kind, Op, Out, Vjp};
pub use plan::{Code, Cost, KindCost, Place, Plan, Strided};
pub use reference::{ReferenceSession, Values};
pub use scope::Scope;
pub use session::{Cpu, Device, Feeds, Host, Lanes, Outputs, PlanId, Resident, Session};
pub use transform::{Route, Transform};
pub use types::{DType, Type};
pub use var::Var;
