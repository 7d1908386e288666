//! What a program usually needs: `use continual::prelude::*;`.

pub use crate::{Bench, Experiment, ExperimentFile, Request};
pub use cl_core::{Learner, Naive, Outcome, Strategy, run};
pub use cl_gating::Xdg;
pub use cl_metrics::{AccuracyMatrix, METRICS, Summary, evaluate, final_accuracy};
pub use cl_nn::{Adam, AdamW, Schedule, Sgd};
pub use cl_regularize::{Ewc, OnlineEwc, Si};
pub use cl_replay::{ExperienceReplay, ReservoirReplay};
pub use cl_scenarios::{
    Dataset, DatasetName, Part, Protocol, Scenario, Stream, StreamKind, StreamSpec, digits,
    fashion_mnist, mnist,
};
