//! Metrics of continual learning, and statistics over seeds.
//!
//! A run is summarised by its [`AccuracyMatrix`]: `R[i][j]`, the accuracy on context `j` after
//! training on context `i`, and optionally `b_j`, the accuracy on `j` before any training. Every
//! metric is a function of that matrix. The literature uses one word ("forgetting", "backward
//! transfer") for different formulas, so each formula has its own name here; [`METRICS`] lists
//! name, formula and source. A metric that a matrix does not define is an [`Undefined`] with the
//! reason, never a 0.
//!
//! ```
//! use cl_metrics::{AccuracyMatrix, bwt_gem, evaluate};
//!
//! let matrix = AccuracyMatrix::from_rows(vec![vec![0.9, 0.1], vec![0.6, 0.8]])?;
//! assert!((bwt_gem(&matrix)? - (0.6 - 0.9)).abs() < 1e-12);
//! let (values, undefined) = evaluate(&matrix);
//! assert!((values["final_accuracy"] - 0.7).abs() < 1e-12);
//! assert_eq!(undefined["fwt_gem"], "fwt_gem needs the accuracies before training");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Beside the matrix: [`AnytimeAccuracy`], accuracies measured while a run trains; [`Calibration`] of the
//! confidences that a classifier gives; [`Plasticity`], how much of a network can still learn, from the
//! [`Activations`] of its layers; and [`Summary`] and [`Paired`], over seeds.
//!
//! Formulas count contexts from 1 to `T`, as the papers do; indices in code count from 0.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod accuracy;
mod anytime;
mod calibration;
mod error;
mod forgetting;
mod intransigence;
mod many;
mod matrix;
mod mean;
mod metric;
mod paired;
mod plasticity;
mod summary;
mod transfer;
mod undefined;

pub use accuracy::{
    accuracy_a, average, average_incremental_accuracy, final_accuracy, last, learning_accuracy,
};
pub use anytime::{AnytimeAccuracy, Glance};
pub use calibration::{Bin, Calibration, Prediction};
pub use error::Error;
pub use forgetting::{forgetting_chaudhry, forgetting_first_last, forgetting_max_incl};
pub use intransigence::{intransigence, intransigence_per_context};
pub use many::{holm, letters};
pub use matrix::AccuracyMatrix;
pub use metric::{ANYTIME_METRICS, METRICS, Metric, PLASTICITY_METRICS, evaluate, evaluate_with};
pub use paired::{Paired, PairedTest, paired_t, sign_flip, signed_rank};
pub use plasticity::{Activations, Plasticity, effective_rank, weight_magnitude};
pub use summary::Summary;
pub use transfer::{bwt_gem, bwt_pairs, fwt_gem, fwt_pairs, transfer};
pub use undefined::Undefined;
