//! The programs of `docs/COOKBOOK.md`, and the page itself.

pub mod budget;
pub mod compare;
pub mod composed;
pub mod contexts;
pub mod costs;
pub mod csv;
pub mod elsewhere;
pub mod forgetting;
pub mod gating;
pub mod gpu;
pub mod grid;
pub mod own_data;
pub mod own_metric;
pub mod own_network;
pub mod own_with_replay;
pub mod population;
pub mod read_results;
pub mod resume;
pub mod task_free;
pub mod while_training;

mod page;

pub use page::page;
