//! What is not gone on with, and that it stays as it is.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used)] // a test's own functions are tests too
