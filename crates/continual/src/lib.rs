//! Continual learning: data arrives as a stream of contexts, and one model must keep learning
//! without forgetting.
//!
//! This crate puts the others under one name and adds what lies between a library and a benchmark:
//! [`Experiment`], which builds stream, network and learner from a few choices; the [`registry`] of
//! strategies by name; and [`Bench`], which runs a table of them, asked for by a [`Request`] or by an
//! [`ExperimentFile`], and gives one [`Line`] of results per run; and
//! [`Work`], the folder in which a benchmark keeps what it has done and from which an interrupted one
//! goes on. The `continual` binary only reads options and prints.
//!
//! ```
//! use continual::prelude::*;
//!
//! let experiment = Experiment::new(digits()).scenario(Scenario::Class).seeds([2, 3]).steps(20);
//! let outcomes = experiment.run(&Naive)?;
//! assert_eq!(outcomes.len(), 2);
//! let accuracy = final_accuracy(&outcomes[0].accuracy)?;
//! assert!((0.0..=1.0).contains(&accuracy));
//! # Ok::<(), continual::Error>(())
//! ```
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub use cl_buffers as buffers;
pub use cl_core as core;
pub use cl_gating as gating;
pub use cl_metrics as metrics;
pub use cl_nn as nn;
pub use cl_random as random;
pub use cl_regularize as regularize;
pub use cl_replay as replay;
pub use cl_scenarios as scenarios;
pub use cl_templates as templates;
pub use cl_tensor as tensor;

mod bench;
mod budget;
mod budget_plan;
mod cell;
mod choices;
mod composition;
mod conventions;
mod defaults;
mod device;
mod error;
mod experiment;
mod experiment_file;
mod explain;
mod features;
mod gates;
mod generated;
mod judge;
mod keep;
mod kept;
mod label;
mod measured;
mod methods;
mod nearest;
mod network;
mod off_strength;
mod optimizer;
mod pairs;
#[cfg(feature = "pictures")]
pub mod picture;
pub mod prelude;
mod preset;
pub mod registry;
pub mod report;
pub mod repro;
mod request;
mod results;
mod settings;
mod strengths;
mod tradeoff;
mod tune;
mod unfinished;
mod waves;

pub use bench::{Bench, Finished, Progress, Row, Skipped};
pub use budget::{BudgetPoint, EqualBytes};
pub use budget_plan::Fit;
pub use cell::{Cell, CellCost, Variant};
pub use defaults::Defaults;
pub use error::Error;
pub use experiment::Experiment;
pub use experiment_file::{ExperimentFile, schema};
pub use explain::ProgramCost;
pub use gates::{GateOverlap, LayerOverlap};
pub use generated::{Collapse, Collapsed};
pub use keep::{Fate, Keep, Population, Wave};
pub use measured::CALIBRATION_ERROR;
pub use nearest::{choose, nearest};
pub use off_strength::OffStrength;
pub use optimizer::{OptimizerName, OptimizerSpec};
pub use pairs::{Pair, pairs};
pub use preset::Preset;
pub use request::Request;
pub use results::{Line, Results, make_folder};
pub use settings::Settings;
pub use strengths::{Key, Strengths};
pub use tradeoff::{Tradeoff, TradeoffPoint};
pub use tune::{Point, Sweep, Tuning};
pub use unfinished::{Asked, CheckpointEvery, Earlier, Named, Unfinished, Work};
pub use waves::Trained;
