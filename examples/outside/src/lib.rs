//! What one adds to `continual` from outside: a data set, an operation and a strategy that uses it.

pub mod dataset;
pub mod huber;
pub mod tether;
